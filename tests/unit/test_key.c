#include <stdlib.h>
#include "store/bdb_key.h"
#include "unit.h"

static int
order(const struct buf *a, const struct buf *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int d = n == 0 ? 0 : memcmp(a->s, b->s, n);

	if (d == 0)
		d = (a->len > b->len) - (a->len < b->len);
	return (d > 0) - (d < 0);
}

/* Each key made by write(i) sorts before the one made by write(i + 1). */
static void
ascending(void (*write)(struct buf *key, size_t i), size_t n)
{
	struct buf a = KEY_INIT, b = KEY_INIT;

	for (size_t i = 0; i + 1 < n; i++) {
		write(&a, i);
		write(&b, i + 1);
		assert_false(a.over || b.over);
		want_i64(order(&a, &b), -1, "rows %zu and %zu", i, i + 1);
	}
	buf_free(&a);
	buf_free(&b);
}

/* Every proper prefix, and one byte more, is refused. */
static void
exact(const struct buf *good, enum rc (*parse)(struct slice s))
{
	struct buf more = BUF_INIT(1024);

	buf_put(&more, good->s, good->len);
	buf_be8(&more, 0);
	for (size_t len = 0; len <= good->len + 1; len++)
		want_rc(parse((struct slice){ more.s, len }),
		    len == good->len ? RC_OK : RC_INVALID, "%zu of %zu bytes",
		    len, good->len);
	buf_free(&more);
}

static const struct store_due dues[] = {
	{ { 1, 1, 0 }, INT64_MIN, 0, 0, 0, false },
	{ { 9, 1, 9 }, -1, 0, 0, 0, false },
	{ { 9, 1, 9 }, 0, 0, 0, 0, false },
	{ { 9, 1, 9 }, 255, 0, 0, 0, false },
	{ { 1, 1, 0 }, 256, 0, 0, 0, false },
	{ { 1, 1, 1 }, 256, 0, 0, 0, false },
	{ { 1, 1, 256 }, 256, 0, 0, 0, false },
	{ { 2, 1, 0 }, 256, 0, 0, 0, false },
	{ { UINT64_MAX, 1, UINT16_MAX }, INT64_MAX, 0, 0, 0, false },
	{ { 1, 2, 0 }, 0, 0, 0, 0, false },
	{ { 1, 256, 0 }, 0, 0, 0, 0, false },
	{ { 1, UINT32_MAX, 0 }, 0, 0, 0, 0, false },
};

static void
write_due(struct buf *key, size_t i)
{
	key_due(key, &dues[i]);
}

static enum rc
parse_due(struct slice s)
{
	struct store_due d;

	return key_due_parse(s, &d);
}

static void
due_rows_sort_by_lane_time_position_ordinal_and_come_back(void **state)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct store_due d, out = dues[4];

	(void)state;
	ascending(write_due, NELEM(dues));
	for (size_t i = 0; i < NELEM(dues); i++) {
		key_due(&key, &dues[i]);
		want_rc(key_due_parse(buf_as_slice(&key), &d), RC_OK,
		    "row %zu", i);
		want_i64(d.key.subscription, dues[i].key.subscription,
		    "lane %zu", i);
		want_i64(d.due_ms, dues[i].due_ms, "due %zu", i);
		want_i64((int64_t)d.key.position,
		    (int64_t)dues[i].key.position, "position %zu", i);
		want_i64(d.key.ordinal, dues[i].key.ordinal, "ordinal %zu",
		    i);
	}
	exact(&key, parse_due);
	out.attempts = 7;
	out.recorded = 300;
	value_due(&val, &out);
	want_rc(value_due_parse(buf_as_slice(&val), &d), RC_OK, "value");
	want_i64(d.attempts, 7, "attempts");
	want_i64(d.recorded, 300, "recorded");
	want_i64((int64_t)d.chain, 0, "no chain");
	want_i64(d.key.subscription, UINT32_MAX, "the key's part is kept");
	out.chain = 1;
	value_due(&val, &out);
	want_rc(value_due_parse(buf_as_slice(&val), &d), RC_OK, "chained");
	want_i64((int64_t)d.chain, 1, "chain");
	want_i64(d.attempts, 7, "attempts");
	assert_false(d.test);
	val.len--;
	want_rc(value_due_parse(buf_as_slice(&val), &d), RC_INVALID, "cut");
	for (uint64_t chain = 0; chain < 2; chain++) {
		out.test = true;
		out.chain = chain;
		value_due(&val, &out);
		want_rc(value_due_parse(buf_as_slice(&val), &d), RC_OK,
		    "a test");
		assert_true(d.test);
		want_i64((int64_t)d.chain, (int64_t)chain, "chain");
		val.s[val.len - 1] = 2;
		want_rc(value_due_parse(buf_as_slice(&val), &d), RC_INVALID,
		    "another flag");
	}
	buf_free(&val);
	buf_free(&key);
}

static const struct key_link links[] = {
	{ 0, 5, 9 }, { 1, 0, 3 }, { 1, 1, 1 }, { 1, 1, 2 }, { 1, 1, 256 },
	{ 1, UINT64_MAX, 1 }, { 2, 1, 1 }, { UINT32_MAX, 1, UINT64_MAX },
};

static void
write_link(struct buf *key, size_t i)
{
	key_chain(key, &links[i]);
}

static enum rc
parse_link(struct slice s)
{
	struct key_link l;

	return key_chain_parse(s, &l);
}

static void
chains_sort_by_lane_order_position_and_come_back(void **state)
{
	struct buf key = KEY_INIT;
	struct key_link l;

	(void)state;
	ascending(write_link, NELEM(links));
	for (size_t i = 0; i < NELEM(links); i++) {
		write_link(&key, i);
		want_rc(key_chain_parse(buf_as_slice(&key), &l), RC_OK,
		    "row %zu", i);
		want_i64(l.lane, links[i].lane, "lane %zu", i);
		want_i64((int64_t)l.chain, (int64_t)links[i].chain,
		    "chain %zu", i);
		want_i64((int64_t)l.position, (int64_t)links[i].position,
		    "position %zu", i);
	}
	exact(&key, parse_link);
	buf_free(&key);
}

static void
fan_outs_sort_by_position_alone_before_any_lane(void **state)
{
	const struct store_due least = { .key.subscription = 1,
	    .due_ms = INT64_MIN };
	struct buf key = KEY_INIT, next = KEY_INIT, val = VALUE_INIT;
	uint64_t chain = 9;
	uint32_t written = 9;

	(void)state;
	key_fanout(&key, 3);
	key_fanout(&next, 256);
	assert_true(order(&key, &next) < 0);
	key_due(&key, &least);
	assert_true(order(&next, &key) < 0);
	value_fanout(&val, 500, 0);
	want_rc(value_fanout_parse(buf_as_slice(&val), &written, &chain),
	    RC_OK, "without a chain");
	want_i64(written, 500, "written");
	want_i64((int64_t)chain, 0, "no chain");
	value_fanout(&val, 1000, 7);
	want_rc(value_fanout_parse(buf_as_slice(&val), &written, &chain),
	    RC_OK, "with a chain");
	want_i64(written, 1000, "written");
	want_i64((int64_t)chain, 7, "chain");
	val.len--;
	want_rc(value_fanout_parse(buf_as_slice(&val), &written, &chain),
	    RC_INVALID, "cut");
	buf_free(&val);
	buf_free(&next);
	buf_free(&key);
}

static const struct { struct store_key k; uint16_t n; } deliveries[] = {
	{ { 1, 1, 0 }, 0 }, { { 1, 1, 0 }, 1 }, { { 1, 1, 0 }, 256 },
	{ { 1, 1, 1 }, 0 }, { { 1, 2, 0 }, 0 }, { { 2, 1, 0 }, 0 },
	{ { 256, 1, 0 }, 0 }, { { UINT64_MAX, 0, 0 }, 0 },
};

static void
write_delivery(struct buf *key, size_t i)
{
	key_delivery(key, &deliveries[i].k, deliveries[i].n);
}

static enum rc
parse_delivery(struct slice s)
{
	struct store_key k;
	uint16_t n;

	return key_delivery_parse(s, &k, &n);
}

static const struct key_timer timer_keys[] = {
	{ .kind = KEY_TIMER_ORDER, .order = { { 0 } } },
	{ .kind = KEY_TIMER_ORDER, .order = { { 255, 255 } } },
	{ .kind = KEY_TIMER_DUE, .ms = INT64_MIN, .order = { { 9 } } },
	{ .kind = KEY_TIMER_DUE, .ms = -1, .type = STORE_TIMER_COMPLETED },
	{ .kind = KEY_TIMER_DUE, .ms = 0, .order = { { 9 } } },
	{ .kind = KEY_TIMER_DUE, .type = STORE_TIMER_COMPLETED,
	    .order = { { 1 } } },
	{ .kind = KEY_TIMER_DUE, .type = STORE_TIMER_COMPLETED,
	    .order = { { 2 } } },
	{ .kind = KEY_TIMER_DUE, .ms = INT64_MAX },
	{ .kind = KEY_TIMER_UNTIL, .ms = 5, .order = { { 9 } } },
	{ .kind = KEY_TIMER_UNTIL, .ms = 6, .order = { { 3 } } },
	{ .kind = KEY_TIMER_RECENT, .first = 1 },
	{ .kind = KEY_TIMER_RECENT, .first = UINT64_MAX },
};

static void
write_timer(struct buf *key, size_t i)
{
	key_timer(key, &timer_keys[i]);
}

static enum rc
parse_timer(struct slice s)
{
	struct key_timer k;

	return key_timer_parse(s, &k);
}

static void
timers_sort_by_time_and_changes_by_position_behind_them(void **state)
{
	struct buf key = KEY_INIT;
	struct key_timer k;

	(void)state;
	ascending(write_timer, NELEM(timer_keys));
	for (size_t i = 0; i < NELEM(timer_keys); i++) {
		write_timer(&key, i);
		exact(&key, parse_timer);
		want_rc(key_timer_parse(buf_as_slice(&key), &k), RC_OK,
		    "timer %zu", i);
		want_i64(k.kind, timer_keys[i].kind, "kind of %zu", i);
		want_i64(k.ms, timer_keys[i].ms, "time of %zu", i);
		want_i64(k.type, timer_keys[i].type, "type of %zu", i);
		want_i64((int64_t)k.first, (int64_t)timer_keys[i].first,
		    "position of %zu", i);
		assert_memory_equal(&k.order, &timer_keys[i].order,
		    sizeof k.order);
	}
	write_timer(&key, 4);
	key.s[9] = STORE_TIMERS;
	want_rc(parse_timer(buf_as_slice(&key)), RC_INVALID, "no such type");
	key.s[0] = KEY_TIMER_RECENT + 1;
	want_rc(parse_timer(buf_as_slice(&key)), RC_INVALID, "no such kind");
	buf_free(&key);
}

static void
attempts_follow_their_delivery_and_deliveries_their_event(void **state)
{
	struct buf key = KEY_INIT;
	struct store_key k;
	uint16_t n;

	(void)state;
	ascending(write_delivery, NELEM(deliveries));
	for (size_t i = 0; i < NELEM(deliveries); i++) {
		write_delivery(&key, i);
		want_rc(key_delivery_parse(buf_as_slice(&key), &k, &n), RC_OK,
		    "row %zu", i);
		want_i64((int64_t)k.position,
		    (int64_t)deliveries[i].k.position, "position %zu", i);
		want_i64(k.subscription, deliveries[i].k.subscription,
		    "subscription %zu", i);
		want_i64(k.ordinal, deliveries[i].k.ordinal, "ordinal %zu",
		    i);
		want_i64(n, deliveries[i].n, "number %zu", i);
	}
	exact(&key, parse_delivery);
	buf_free(&key);
}

/* Two deliveries of one event that died in the same millisecond. */
static const struct { uint32_t lane; int64_t ms; struct store_key k; }
dones[] = {
	{ 0, 5, { 1, 1, 0 } }, { 0, 5, { 1, 2, 0 } }, { 0, 5, { 2, 1, 0 } },
	{ 0, 6, { 1, 1, 0 } }, { 1, 5, { 1, 1, 0 } }, { 1, 5, { 1, 1, 1 } },
	{ 1, 6, { 1, 1, 0 } }, { 2, 0, { 1, 2, 0 } },
};

static void
write_done(struct buf *key, size_t i)
{
	key_done(key, dones[i].lane, dones[i].ms, &dones[i].k);
}

static enum rc
parse_done(struct slice s)
{
	struct store_key k;
	uint32_t lane;
	int64_t ms;

	return key_done_parse(s, &lane, &ms, &k);
}

static void
done_rows_sort_by_time_in_each_lane_and_never_meet(void **state)
{
	struct buf key = KEY_INIT;
	struct store_key k;
	uint32_t lane;
	int64_t ms;

	(void)state;
	ascending(write_done, NELEM(dones));
	for (size_t i = 0; i < NELEM(dones); i++) {
		write_done(&key, i);
		want_rc(key_done_parse(buf_as_slice(&key), &lane, &ms, &k),
		    RC_OK, "row %zu", i);
		want_i64(lane, dones[i].lane, "lane %zu", i);
		want_i64(ms, dones[i].ms, "time %zu", i);
		want_i64((int64_t)k.position, (int64_t)dones[i].k.position,
		    "position %zu", i);
		want_i64(k.subscription, dones[i].k.subscription,
		    "subscription %zu", i);
		want_i64(k.ordinal, dones[i].k.ordinal, "ordinal %zu", i);
	}
	exact(&key, parse_done);
	buf_free(&key);
}

/* The whole of CONFIG: records, then old versions, then changes. */
static void
write_config(struct buf *key, size_t i)
{
	switch (i) {
	case 0:
		key_config(key, STORE_CLIENT, 1);
		break;
	case 1:
		key_config(key, STORE_CLIENT, 256);
		break;
	case 2:
		key_config(key, STORE_SUBSCRIPTION, 1);
		break;
	case 3:
		key_config(key, STORE_USER, UINT32_MAX);
		break;
	case 4:
		key_config_version(key, STORE_SUBSCRIPTION, 1, 1);
		break;
	case 5:
		key_config_version(key, STORE_SUBSCRIPTION, 1, 256);
		break;
	case 6:
		key_config_version(key, STORE_SUBSCRIPTION, 2, 1);
		break;
	case 7:
		key_change(key, 1);
		break;
	default:
		key_change(key, 256);
		break;
	}
}

static enum rc
parse_config(struct slice s)
{
	enum store_kind kind;
	uint32_t number;

	return key_config_parse(s, &kind, &number);
}

static enum rc
parse_change(struct slice s)
{
	uint64_t generation;

	return key_change_parse(s, &generation);
}

static void
records_versions_and_changes_keep_apart(void **state)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum store_kind kind;
	uint64_t generation;
	uint32_t number;

	(void)state;
	ascending(write_config, 9);
	key_config(&key, STORE_SUBSCRIPTION, 258);
	want_rc(key_config_parse(buf_as_slice(&key), &kind, &number), RC_OK,
	    "record");
	want_i64(kind, STORE_SUBSCRIPTION, "kind");
	want_i64(number, 258, "number");
	exact(&key, parse_config);
	want_rc(parse_change(buf_as_slice(&key)), RC_INVALID,
	    "a record as a change");
	key.s[1] = 9;
	want_rc(parse_config(buf_as_slice(&key)), RC_INVALID,
	    "a kind there is not");
	key_config_version(&key, STORE_SUBSCRIPTION, 1, 1);
	want_rc(parse_config(buf_as_slice(&key)), RC_INVALID,
	    "an old version as a record");
	key_change(&key, 513);
	want_rc(key_change_parse(buf_as_slice(&key), &generation), RC_OK,
	    "change");
	want_i64((int64_t)generation, 513, "generation");
	exact(&key, parse_change);
	want_rc(parse_config(buf_as_slice(&key)), RC_INVALID,
	    "a change as a record");
	value_change(&val, STORE_KEY, 77);
	want_rc(value_change_parse(buf_as_slice(&val), &kind, &number), RC_OK,
	    "what changed");
	want_i64(kind, STORE_KEY, "kind of change");
	want_i64(number, 77, "number of change");
	value_change(&val, STORE_LANE, 78);
	want_rc(value_change_parse(buf_as_slice(&val), &kind, &number), RC_OK,
	    "a lane that changed");
	want_i64(kind, STORE_LANE, "kind of change");
	buf_free(&val);
	buf_free(&key);
}

/* The whole of REF, with the recent rows at its end. */
static void
write_ref(struct buf *key, size_t i)
{
	switch (i) {
	case 0:
		key_ref_bucket(key, 0, 63);
		break;
	case 1:
		key_ref_bucket(key, 1, 0);
		break;
	case 2:
		key_ref_bucket(key, UINT32_MAX, 63);
		break;
	case 3:
		key_ref_moved(key);
		break;
	case 4:
		key_ref_recent(key, 1);
		break;
	default:
		key_ref_recent(key, 256);
		break;
	}
}

static enum rc
parse_recent(struct slice s)
{
	uint64_t first;

	return key_ref_recent_parse(s, &first);
}

static enum rc
parse_bucket(struct slice s)
{
	uint32_t bucket;
	uint8_t slot;

	return key_ref_bucket_parse(s, &bucket, &slot);
}

static void
references_sort_with_recent_ones_last(void **state)
{
	struct buf key = KEY_INIT;
	uint64_t first;
	uint32_t bucket;
	uint8_t slot;

	(void)state;
	ascending(write_ref, 6);
	key_ref_recent(&key, 1ULL << 40);
	want_rc(key_ref_recent_parse(buf_as_slice(&key), &first), RC_OK,
	    "recent");
	want_i64((int64_t)first, 1LL << 40, "first");
	exact(&key, parse_recent);
	want_rc(parse_bucket(buf_as_slice(&key)), RC_INVALID,
	    "recent as bucket");
	key_ref_bucket(&key, 65537, 9);
	want_rc(key_ref_bucket_parse(buf_as_slice(&key), &bucket, &slot),
	    RC_OK, "bucket");
	want_i64(bucket, 65537, "bucket");
	want_i64(slot, 9, "slot");
	exact(&key, parse_bucket);
	want_rc(parse_recent(buf_as_slice(&key)), RC_INVALID,
	    "bucket as recent");
	buf_free(&key);
}

static enum rc
parse_stat(struct slice s)
{
	struct store_hour h;

	return key_stat_parse(s, &h);
}

static enum rc
parse_sender_value(struct slice s)
{
	struct key_taken t;

	return value_sender_parse(s, &t);
}

#define HEALTH_OLDER 51		/* bytes */

static enum rc
parse_health(struct slice s)
{
	struct store_health h;

	/* what an earlier release wrote is sound, too */
	return s.len == HEALTH_OLDER ? RC_INVALID : value_health_parse(s, &h);
}

static void
sums_and_sender_rows_come_back(void **state)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct store_hour h = { 0 }, in = { .delivered = 1ULL << 40,
	    .retried = 2, .dead = 3 };
	struct store_health he;
	struct key_taken t, taken = { 1ULL << 33, 1234567890123, 70000,
	    "0123456789abcde" };

	(void)state;
	key_stat(&key, 3600000, 12);
	want_rc(key_stat_parse(buf_as_slice(&key), &h), RC_OK, "hour");
	value_stat(&val, &in);
	want_rc(value_stat_parse(buf_as_slice(&val), &h), RC_OK, "counts");
	want_i64(h.hour_ms, 3600000, "hour");
	want_i64(h.subscription, 12, "subscription");
	want_i64((int64_t)h.delivered, 1LL << 40, "delivered");
	want_i64((int64_t)h.retried, 2, "retried");
	want_i64((int64_t)h.dead, 3, "dead");
	exact(&key, parse_stat);
	want_i64((int64_t)val.len, 24, "a row without tests is as ever");
	in.test_retried = 5;
	value_stat(&val, &in);
	want_rc(value_stat_parse(buf_as_slice(&val), &h), RC_OK, "tests");
	want_i64((int64_t)h.dead, 3, "dead beside tests");
	want_i64((int64_t)h.test_retried, 5, "retried tests");
	want_i64((int64_t)(h.test_delivered + h.test_dead), 0, "others");
	want_rc(value_stat_parse((struct slice){ val.s, 32 }, &h), RC_INVALID,
	    "cut");
	key_health(&key, 12);
	want_rc(key_stat_parse(buf_as_slice(&key), &h), RC_OK, "health's key");
	assert_true(h.hour_ms < KEY_STAT_FIRST_MS);
	value_health(&val, &(struct store_health){ .failures = 70000,
	    .first_failure_ms = 1234567890123, .last_failure_ms = 2,
	    .last_success_ms = 3, .told = 200, .told_ms = 4 });
	want_rc(value_health_parse(buf_as_slice(&val), &he), RC_OK, "health");
	want_i64(he.failures, 70000, "failures");
	want_i64(he.first_failure_ms, 1234567890123, "first failure");
	want_i64(he.last_failure_ms, 2, "last failure");
	want_i64(he.last_success_ms, 3, "last success");
	want_i64(he.told, 200, "told");
	want_i64(he.told_ms, 4, "told then");
	exact(&val, parse_health);
	val.len = HEALTH_OLDER;
	want_rc(value_health_parse(buf_as_slice(&val), &he), RC_OK, "older");
	want_i64(he.told, 200, "told");
	want_i64(he.told_ms, 0, "told at a time that is not known");
	value_sender(&val, &taken);
	want_rc(value_sender_parse(buf_as_slice(&val), &t), RC_OK, "sender");
	want_i64((int64_t)t.position, 1LL << 33, "position");
	want_i64(t.accepted_ms, 1234567890123, "accepted");
	want_i64(t.deliveries, 70000, "deliveries");
	assert_memory_equal(t.content, "0123456789abcde", CRYPT_HASH_LEN);
	exact(&val, parse_sender_value);
	buf_free(&val);
	buf_free(&key);
}

static void
a_sender_id_is_its_own_key_whatever_its_bytes(void **state)
{
	struct buf key = KEY_INIT;
	char id[STORE_SENDER_ID_MAX + 1] = { 0 };

	(void)state;
	memset(id + 1, 0xff, sizeof id - 1);
	key_sender(&key, (struct slice){ id, STORE_SENDER_ID_MAX });
	assert_false(key.over);
	want_slice(buf_as_slice(&key),
	    ((struct slice){ id, STORE_SENDER_ID_MAX }), "key");
	key_sender(&key, (struct slice){ id, STORE_SENDER_ID_MAX + 1 });
	assert_true(key.over);
	buf_free(&key);
}

static void
counters_have_keys_of_their_own(void **state)
{
	struct buf key[7];
	size_t n = 0;

	(void)state;
	for (int w = KEY_SCHEMA; w <= KEY_GENERATION; w++) {
		key[n] = (struct buf)KEY_INIT;
		key_meta(&key[n++], (enum key_word)w);
	}
	for (int k = STORE_CLIENT; k <= STORE_USER; k++) {
		key[n] = (struct buf)KEY_INIT;
		key_meta_number(&key[n++], (enum store_kind)k);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(order(&key[i], &key[j]), 0);
	for (size_t i = 0; i < n; i++)
		buf_free(&key[i]);
}

static void
encode_sample(struct buf *val, bool sparse)
{
	static const uint32_t sub[] = { 3, 70000 };
	static const bool turn[] = { false, true };
	static const struct store_timer_change timers = {
		{ "0123456789abcde" }, { { STORE_TIMER_LEAVE, 0 },
		    { STORE_TIMER_SET, 7 } } };
	static const struct store_timer_change over = {
		{ "0123456789abcde" }, { { STORE_TIMER_OVER, 0 },
		    { STORE_TIMER_HAPPENED, 7 } } };
	struct store_accept a = {
		.type = SLICE("OrderTicketed"), .order = SLICE("{\"a\":1}"),
		.key = 5, .subscription = sub, .nsubscription = 2,
		.test = !sparse, .timers = sparse ? &over : &timers,
	};

	if (sparse) {
		a.nsubscription = 0;
	} else {
		a.sender_id = SLICE("tick-4711");
		a.occurred = SLICE("2026-11-23T10:00:00Z");
		a.ordered = turn;
		a.chain = 77;
	}
	event_encode(val, &a, 1700000000123);
	assert_false(val->over);
}

static void
an_event_comes_back_with_all_it_had(void **state)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct slice subs;

	(void)state;
	encode_sample(&ev.raw, false);
	want_rc(event_decode(&ev, 42), RC_OK, "full");
	want_i64((int64_t)ev.position, 42, "position");
	want_i64(ev.accepted_ms, 1700000000123, "accepted");
	want_i64(ev.key, 5, "key");
	assert_true(ev.test);
	want_slice(ev.type, SLICE("OrderTicketed"), "type");
	want_slice(ev.sender_id, SLICE("tick-4711"), "sender");
	want_slice(ev.occurred, SLICE("2026-11-23T10:00:00Z"), "occurred");
	want_slice(ev.order, SLICE("{\"a\":1}"), "order");
	subs = ev.subscriptions;
	want_i64((int64_t)subs.len, 8, "bytes of subscriptions");
	want_i64(slice_be32(&subs), 3, "first subscription");
	want_i64(slice_be32(&subs), 70000, "second subscription");
	want_i64((int64_t)ev.chain, 77, "chain");
	want_slice(ev.ordered, SLICE("\2"), "who has it in turn");
	want_slice(ev.timed, SLICE("0123456789abcde\0"), "whose timers");
	encode_sample(&ev.raw, true);
	want_rc(event_decode(&ev, 43), RC_OK, "sparse");
	assert_false(ev.test);
	assert_null(ev.sender_id.s);
	assert_null(ev.occurred.s);
	want_i64((int64_t)ev.subscriptions.len, 0, "no subscriptions");
	want_i64((int64_t)ev.chain, 0, "no chain");
	want_i64((int64_t)ev.ordered.len, 0, "nobody has it in turn");
	assert_null(ev.timed.s);
	want_slice(ev.order, SLICE("{\"a\":1}"), "order");
	store_event_clear(&ev);
	assert_null(ev.order.s);
}

static void
a_cut_event_row_is_refused_and_its_bytes_are_kept(void **state)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct buf whole = BUF_INIT(1024);

	(void)state;
	encode_sample(&whole, false);
	for (size_t len = 0; len < whole.len - 7; len++) {	/* the order */
		buf_clear(&ev.raw);
		buf_put(&ev.raw, whole.s, len);
		want_rc(event_decode(&ev, 1), RC_INVALID, "%zu bytes", len);
		want_i64((int64_t)ev.raw.len, (int64_t)len, "kept");
	}
	buf_clear(&ev.raw);
	buf_put(&ev.raw, whole.s, whole.len);
	ev.raw.s[0] = 2;
	want_rc(event_decode(&ev, 1), RC_INVALID, "another layout");
	memset(ev.raw.s + 14, 0xff, 4);
	ev.raw.s[0] = 1;
	want_rc(event_decode(&ev, 1), RC_INVALID, "too many subscriptions");
	buf_free(&whole);
	store_event_clear(&ev);
}

static void
an_event_at_every_limit_fits_its_row(void **state)
{
	struct buf val = BUF_INIT(2 * STORE_ORDER_MAX);
	char *order_text = malloc(STORE_ORDER_MAX);
	uint32_t *sub = calloc(STORE_SUBSCRIPTIONS_MAX, sizeof *sub);
	bool *turn = calloc(STORE_SUBSCRIPTIONS_MAX, sizeof *turn);
	char text[STORE_TEXT_MAX] = { 0 };
	struct store_accept a = {
		.type = { text, sizeof text },
		.occurred = { text, sizeof text },
		.sender_id = { text, STORE_SENDER_ID_MAX },
		.order = { order_text, STORE_ORDER_MAX },
		.subscription = sub, .nsubscription = STORE_SUBSCRIPTIONS_MAX,
		.ordered = turn, .chain = 1,
	};

	(void)state;
	assert_non_null(order_text);
	assert_non_null(sub);
	assert_non_null(turn);
	memset(order_text, ' ', STORE_ORDER_MAX);
	event_encode(&val, &a, 1);
	assert_false(val.over);
	a.type.len = UINT16_MAX + 1u;
	event_encode(&val, &a, 1);
	assert_true(val.over);
	buf_free(&val);
	free(order_text);
	free(turn);
	free(sub);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		due_rows_sort_by_lane_time_position_ordinal_and_come_back),
	    cmocka_unit_test(
		chains_sort_by_lane_order_position_and_come_back),
	    cmocka_unit_test(fan_outs_sort_by_position_alone_before_any_lane),
	    cmocka_unit_test(
		timers_sort_by_time_and_changes_by_position_behind_them),
	    cmocka_unit_test(
		attempts_follow_their_delivery_and_deliveries_their_event),
	    cmocka_unit_test(
		done_rows_sort_by_time_in_each_lane_and_never_meet),
	    cmocka_unit_test(records_versions_and_changes_keep_apart),
	    cmocka_unit_test(references_sort_with_recent_ones_last),
	    cmocka_unit_test(sums_and_sender_rows_come_back),
	    cmocka_unit_test(a_sender_id_is_its_own_key_whatever_its_bytes),
	    cmocka_unit_test(counters_have_keys_of_their_own),
	    cmocka_unit_test(an_event_comes_back_with_all_it_had),
	    cmocka_unit_test(
		a_cut_event_row_is_refused_and_its_bytes_are_kept),
	    cmocka_unit_test(an_event_at_every_limit_fits_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
