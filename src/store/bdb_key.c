#include "store/bdb_key.h"

/* First bytes of CONFIG's and REF's keys. */
enum { CONFIG_RECORD = 1, CONFIG_VERSION, CONFIG_CHANGE };

/*
 * The recent rows come last, so that they grow at the tree's right edge, where
 * a split leaves full pages.
 */
enum { REF_BUCKET = 0, REF_MOVED = 1, REF_RECENT = 2 };

static void
put_ms(struct buf *b, int64_t ms)
{
	buf_be64(b, (uint64_t)ms ^ (uint64_t)1 << 63);
}

static int64_t
take_ms(struct slice *s)
{
	return (int64_t)(slice_be64(s) ^ (uint64_t)1 << 63);
}

#define DUE_TEST	1	/* flags of a due row: of a test's */

/* What rows of no chain do not have. */
static uint64_t
take_chain(struct slice *s)
{
	return s->s != NULL && s->len > 0 ? slice_be64(s) : 0;
}

/* Everything was there, and nothing else. */
static bool
whole(struct slice s)
{
	return s.s != NULL && s.len == 0;
}

void
key_meta(struct buf *key, enum key_word w)
{
	static const char *const word[] = {
		[KEY_SCHEMA] = "schema", [KEY_POSITION] = "position",
		[KEY_GENERATION] = "generation",
	};

	buf_clear(key);
	buf_puts(key, word[w]);
}

void
key_meta_number(struct buf *key, enum store_kind kind)
{
	buf_clear(key);
	buf_puts(key, "number");
	buf_be8(key, (uint8_t)kind);
}

void
key_config(struct buf *key, enum store_kind kind, uint32_t number)
{
	buf_clear(key);
	buf_be8(key, CONFIG_RECORD);
	buf_be8(key, (uint8_t)kind);
	buf_be32(key, number);
}

static enum rc
parse_kind(struct slice s, enum store_kind *kind, uint32_t *number)
{
	uint8_t k = slice_be8(&s);
	uint32_t n = slice_be32(&s);

	if (!whole(s) || k < STORE_CLIENT || k > STORE_LANE)
		return RC_INVALID;
	*kind = (enum store_kind)k;
	*number = n;
	return RC_OK;
}

enum rc
key_config_parse(struct slice key, enum store_kind *kind, uint32_t *number)
{
	if (slice_be8(&key) != CONFIG_RECORD)
		return RC_INVALID;
	return parse_kind(key, kind, number);
}

void
key_config_version(struct buf *key, enum store_kind kind, uint32_t number,
    uint64_t version)
{
	buf_clear(key);
	buf_be8(key, CONFIG_VERSION);
	buf_be8(key, (uint8_t)kind);
	buf_be32(key, number);
	buf_be64(key, version);
}

void
key_change(struct buf *key, uint64_t generation)
{
	buf_clear(key);
	buf_be8(key, CONFIG_CHANGE);
	buf_be64(key, generation);
}

enum rc
key_change_parse(struct slice key, uint64_t *generation)
{
	uint8_t what = slice_be8(&key);
	uint64_t g = slice_be64(&key);

	if (!whole(key) || what != CONFIG_CHANGE)
		return RC_INVALID;
	*generation = g;
	return RC_OK;
}

void
value_change(struct buf *val, enum store_kind kind, uint32_t number)
{
	buf_clear(val);
	buf_be8(val, (uint8_t)kind);
	buf_be32(val, number);
}

enum rc
value_change_parse(struct slice val, enum store_kind *kind, uint32_t *number)
{
	return parse_kind(val, kind, number);
}

void
key_sender(struct buf *key, struct slice sender_id)
{
	buf_clear(key);
	buf_slice(key, sender_id);
}

void
value_sender(struct buf *val, const struct key_taken *t)
{
	buf_clear(val);
	buf_be64(val, t->position);
	put_ms(val, t->accepted_ms);
	buf_put(val, t->content, sizeof t->content);
	buf_be32(val, t->deliveries);
}

enum rc
value_sender_parse(struct slice val, struct key_taken *t)
{
	struct key_taken got = { 0 };
	struct slice content;

	got.position = slice_be64(&val);
	got.accepted_ms = take_ms(&val);
	content = slice_take(&val, sizeof got.content);
	got.deliveries = slice_be32(&val);
	if (!whole(val))
		return RC_INVALID;
	memcpy(got.content, content.s, sizeof got.content);
	*t = got;
	return RC_OK;
}

void
key_event(struct buf *key, uint64_t position)
{
	value_u64(key, position);
}

enum rc
key_event_parse(struct slice key, uint64_t *position)
{
	return value_u64_parse(key, position);
}

void
key_ref_recent(struct buf *key, uint64_t first)
{
	buf_clear(key);
	buf_be8(key, REF_RECENT);
	buf_be64(key, first);
}

enum rc
key_ref_recent_parse(struct slice key, uint64_t *first)
{
	uint8_t what = slice_be8(&key);
	uint64_t f = slice_be64(&key);

	if (!whole(key) || what != REF_RECENT)
		return RC_INVALID;
	*first = f;
	return RC_OK;
}

void
key_ref_bucket(struct buf *key, uint32_t bucket, uint8_t slot)
{
	buf_clear(key);
	buf_be8(key, REF_BUCKET);
	buf_be32(key, bucket);
	buf_be8(key, slot);
}

enum rc
key_ref_bucket_parse(struct slice key, uint32_t *bucket, uint8_t *slot)
{
	uint8_t what = slice_be8(&key);
	uint32_t b = slice_be32(&key);
	uint8_t s = slice_be8(&key);

	if (!whole(key) || what != REF_BUCKET)
		return RC_INVALID;
	*bucket = b;
	*slot = s;
	return RC_OK;
}

void
key_ref_moved(struct buf *key)
{
	buf_clear(key);
	buf_be8(key, REF_MOVED);
}

/* What is to be merged comes last, for the same reason as in REF. */
void
key_timer(struct buf *key, const struct key_timer *k)
{
	buf_clear(key);
	buf_be8(key, (uint8_t)k->kind);
	if (k->kind == KEY_TIMER_RECENT) {
		buf_be64(key, k->first);
		return;
	}
	if (k->kind != KEY_TIMER_ORDER)
		put_ms(key, k->ms);
	if (k->kind == KEY_TIMER_DUE)
		buf_be8(key, (uint8_t)k->type);
	buf_put(key, k->order.hash, sizeof k->order.hash);
}

enum rc
key_timer_parse(struct slice key, struct key_timer *k)
{
	struct key_timer got = { .kind = (enum key_timer_kind)slice_be8(&key) };
	struct slice hash;

	if (got.kind == KEY_TIMER_RECENT) {
		got.first = slice_be64(&key);
	} else {
		if (got.kind != KEY_TIMER_ORDER)
			got.ms = take_ms(&key);
		if (got.kind == KEY_TIMER_DUE)
			got.type = (enum store_timer_type)slice_be8(&key);
		hash = slice_take(&key, sizeof got.order.hash);
		if (hash.len > 0)
			memcpy(got.order.hash, hash.s, hash.len);
	}
	if (!whole(key) || got.kind > KEY_TIMER_RECENT ||
	    got.type >= STORE_TIMERS)
		return RC_INVALID;
	*k = got;
	return RC_OK;
}

void
key_chain(struct buf *key, const struct key_link *l)
{
	buf_clear(key);
	buf_be32(key, l->lane);
	buf_be64(key, l->chain);
	buf_be64(key, l->position);
}

enum rc
key_chain_parse(struct slice key, struct key_link *l)
{
	struct key_link got;

	got.lane = slice_be32(&key);
	got.chain = slice_be64(&key);
	got.position = slice_be64(&key);
	if (!whole(key))
		return RC_INVALID;
	*l = got;
	return RC_OK;
}

void
key_due(struct buf *key, const struct store_due *d)
{
	buf_clear(key);
	buf_be32(key, d->key.subscription);
	put_ms(key, d->due_ms);
	buf_be64(key, d->key.position);
	buf_be16(key, d->key.ordinal);
}

enum rc
key_due_parse(struct slice key, struct store_due *d)
{
	struct store_due got = { 0 };

	got.key.subscription = slice_be32(&key);
	got.due_ms = take_ms(&key);
	got.key.position = slice_be64(&key);
	got.key.ordinal = slice_be16(&key);
	if (!whole(key))
		return RC_INVALID;
	*d = got;
	return RC_OK;
}

void
value_due(struct buf *val, const struct store_due *d)
{
	buf_clear(val);
	buf_be16(val, d->attempts);
	buf_be16(val, d->recorded);
	if (d->chain != 0)
		buf_be64(val, d->chain);
	if (d->test)
		buf_be8(val, DUE_TEST);
}

enum rc
value_due_parse(struct slice val, struct store_due *d)
{
	uint16_t attempts = slice_be16(&val);
	uint16_t recorded = slice_be16(&val);
	uint64_t chain = val.len > 1 ? take_chain(&val) : 0;
	bool test = val.len > 0;

	if ((test && slice_be8(&val) != DUE_TEST) || !whole(val))
		return RC_INVALID;
	d->attempts = attempts;
	d->recorded = recorded;
	d->chain = chain;
	d->test = test;
	return RC_OK;
}

void
key_fanout(struct buf *key, uint64_t position)
{
	struct store_due d = { .key.position = position };

	key_due(key, &d);
}

void
value_fanout(struct buf *val, uint32_t written, uint64_t chain)
{
	buf_clear(val);
	buf_be32(val, written);
	if (chain != 0)
		buf_be64(val, chain);
}

enum rc
value_fanout_parse(struct slice val, uint32_t *written, uint64_t *chain)
{
	uint32_t n = slice_be32(&val);
	uint64_t c = take_chain(&val);

	if (!whole(val))
		return RC_INVALID;
	*written = n;
	*chain = c;
	return RC_OK;
}

void
key_delivery(struct buf *key, const struct store_key *k, uint16_t n)
{
	buf_clear(key);
	buf_be64(key, k->position);
	buf_be32(key, k->subscription);
	buf_be16(key, k->ordinal);
	buf_be16(key, n);
}

enum rc
key_delivery_parse(struct slice key, struct store_key *k, uint16_t *n)
{
	struct store_key got = { 0 };
	uint16_t number;

	got.position = slice_be64(&key);
	got.subscription = slice_be32(&key);
	got.ordinal = slice_be16(&key);
	number = slice_be16(&key);
	if (!whole(key))
		return RC_INVALID;
	*k = got;
	*n = number;
	return RC_OK;
}

void
key_done(struct buf *key, uint32_t lane, int64_t done_ms,
    const struct store_key *k)
{
	buf_clear(key);
	buf_be32(key, lane);
	put_ms(key, done_ms);
	buf_be64(key, k->position);
	buf_be32(key, k->subscription);
	buf_be16(key, k->ordinal);
}

enum rc
key_done_parse(struct slice key, uint32_t *lane, int64_t *done_ms,
    struct store_key *k)
{
	struct store_key got = { 0 };
	uint32_t l = slice_be32(&key);
	int64_t ms = take_ms(&key);

	got.position = slice_be64(&key);
	got.subscription = slice_be32(&key);
	got.ordinal = slice_be16(&key);
	if (!whole(key))
		return RC_INVALID;
	*lane = l;
	*done_ms = ms;
	*k = got;
	return RC_OK;
}

void
key_stat(struct buf *key, int64_t hour_ms, uint32_t subscription)
{
	buf_clear(key);
	put_ms(key, hour_ms);
	buf_be32(key, subscription);
}

enum rc
key_stat_parse(struct slice key, struct store_hour *h)
{
	int64_t ms = take_ms(&key);
	uint32_t subscription = slice_be32(&key);

	if (!whole(key))
		return RC_INVALID;
	h->hour_ms = ms;
	h->subscription = subscription;
	return RC_OK;
}

void
value_stat(struct buf *val, const struct store_hour *h)
{
	buf_clear(val);
	buf_be64(val, h->delivered);
	buf_be64(val, h->retried);
	buf_be64(val, h->dead);
	if (h->test_delivered == 0 && h->test_retried == 0 &&
	    h->test_dead == 0)
		return;
	buf_be64(val, h->test_delivered);
	buf_be64(val, h->test_retried);
	buf_be64(val, h->test_dead);
}

enum rc
value_stat_parse(struct slice val, struct store_hour *h)
{
	struct store_hour got = { h->subscription, h->hour_ms, .dead = 0 };

	got.delivered = slice_be64(&val);
	got.retried = slice_be64(&val);
	got.dead = slice_be64(&val);
	if (val.len > 0) {
		got.test_delivered = slice_be64(&val);
		got.test_retried = slice_be64(&val);
		got.test_dead = slice_be64(&val);
	}
	if (!whole(val))
		return RC_INVALID;
	*h = got;
	return RC_OK;
}

void
key_health(struct buf *key, uint32_t lane)
{
	key_stat(key, INT64_MIN, lane);
}

void
value_health(struct buf *val, const struct store_health *h)
{
	buf_clear(val);
	buf_be32(val, h->failures);
	put_ms(val, h->first_failure_ms);
	put_ms(val, h->last_failure_ms);
	put_ms(val, h->last_success_ms);
	buf_be8(val, h->told);
	put_ms(val, h->probe.due_ms);
	buf_be64(val, h->probe.key.position);
	buf_be32(val, h->probe.key.subscription);
	buf_be16(val, h->probe.key.ordinal);
	put_ms(val, h->told_ms);
}

enum rc
value_health_parse(struct slice val, struct store_health *h)
{
	struct store_health got = { .failures = slice_be32(&val) };

	got.first_failure_ms = take_ms(&val);
	got.last_failure_ms = take_ms(&val);
	got.last_success_ms = take_ms(&val);
	got.told = slice_be8(&val);
	got.probe.due_ms = take_ms(&val);
	got.probe.key.position = slice_be64(&val);
	got.probe.key.subscription = slice_be32(&val);
	got.probe.key.ordinal = slice_be16(&val);
	if (val.len > 0)		/* rows of an earlier release end here */
		got.told_ms = take_ms(&val);
	if (!whole(val))
		return RC_INVALID;
	*h = got;
	return RC_OK;
}

void
value_u32(struct buf *val, uint32_t v)
{
	buf_clear(val);
	buf_be32(val, v);
}

enum rc
value_u32_parse(struct slice val, uint32_t *v)
{
	uint32_t got = slice_be32(&val);

	if (!whole(val))
		return RC_INVALID;
	*v = got;
	return RC_OK;
}

void
value_u64(struct buf *val, uint64_t v)
{
	buf_clear(val);
	buf_be64(val, v);
}

enum rc
value_u64_parse(struct slice val, uint64_t *v)
{
	uint64_t got = slice_be64(&val);

	if (!whole(val))
		return RC_INVALID;
	*v = got;
	return RC_OK;
}
