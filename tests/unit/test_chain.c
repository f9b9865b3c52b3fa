/*
 * Deliveries that take their turn, order by order.
 */
#include "unit_chain.h"

#define LANE	2		/* has the events of an order in turn */
#define PLAIN	5		/* does not */

/* Accept n events for both lanes, of these orders; the first's position. */
static uint64_t
orders(struct store *st, const uint64_t *order, size_t n)
{
	static const uint32_t sub[] = { LANE, PLAIN };
	static const bool turn[] = { true, false };
	struct store_accept a[8] = { { .key = 0 } };

	assert_true(n <= NELEM(a));
	for (size_t i = 0; i < n; i++) {
		a[i] = (struct store_accept){ .type = SLICE("OrderTicketed"),
		    .order = SLICE("{}"), .subscription = sub,
		    .nsubscription = NELEM(sub), .ordered = turn,
		    .chain = order[i] };
		want_rc(store_generation(st, &a[i].generation), RC_OK,
		    "generation");
	}
	want_rc(store_accept(st, a, n), RC_OK, "accept");
	for (size_t i = 0; i < n; i++) {
		want_rc(a[i].rc, RC_OK, "item %zu", i);
		want_i64(a[i].deliveries, NELEM(sub), "deliveries");
	}
	return a[0].position;
}

#define ORDERS(st, ...) orders(st, (const uint64_t[]){ __VA_ARGS__ },	\
	sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

/* The positions that are due in a lane, as "1 4". */
static void
want_due(struct store *st, uint32_t lane, const char *want, const char *when)
{
	struct store_due d[64];
	struct buf got = BUF_INIT(1024);
	size_t n = due_in(st, lane, d, NELEM(d));

	for (size_t i = 0; i < n; i++)
		buf_printf(&got, "%s%" PRIu64, i > 0 ? " " : "",
		    d[i].key.position);
	want_str(buf_str(&got), want, "due in %u %s", lane, when);
	buf_free(&got);
}

/* The row of a position that is due. */
static struct store_due
row_of(struct store *st, uint32_t lane, uint64_t position)
{
	struct store_due d[64];
	size_t n = due_in(st, lane, d, NELEM(d));

	for (size_t i = 0; i < n; i++)
		if (d[i].key.position == position)
			return d[i];
	print_error("%" PRIu64 " is not due in %u\n", position, lane);
	fail();
	return d[0];
}

/* The row that one would have which waits. */
static struct store_due
waiting(struct store *st, uint32_t lane, uint64_t position, uint64_t chain)
{
	struct store_due d = due_of(st, position, lane);

	d.chain = chain;
	return d;
}

static void
a_later_event_waits_until_the_earlier_is_done_with(void **state)
{
	struct fixture *f = *state;
	int64_t promoted, accepted;
	struct store_due d;

	want_i64((int64_t)ORDERS(f->st, 7, 7, 8, 7), 1, "first position");
	accepted = due_of(f->st, 2, LANE).due_ms;
	want_due(f->st, LANE, "1 3", "at first");
	want_due(f->st, PLAIN, "1 2 3 4", "where nobody waits");
	want_rc(end(f->st, row_of(f->st, LANE, 1), STORE_RETRIED, &promoted),
	    RC_OK, "retried");
	assert_true(promoted == INT64_MAX);
	want_due(f->st, LANE, "3 1", "after a retry");
	ORDERS(f->st, 7, 8);
	want_due(f->st, LANE, "3 1", "after two more");
	d = row_of(f->st, LANE, 1);
	want_i64((int64_t)d.chain, 7, "chain of a retried one");
	want_rc(end(f->st, d, STORE_DELIVERED, &promoted), RC_OK,
	    "delivered");
	want_i64(promoted, accepted, "promoted");
	want_due(f->st, LANE, "2 3", "after it arrived");
	d = row_of(f->st, LANE, 2);
	want_i64(d.due_ms, accepted, "due");
	want_i64(d.attempts, 0, "attempts");
	want_rc(end(f->st, d, STORE_DEAD, &promoted), RC_OK, "dead");
	want_due(f->st, LANE, "3 4", "after one died");
	want_rc(end(f->st, row_of(f->st, PLAIN, 1), STORE_DELIVERED,
	    &promoted), RC_OK, "in a lane without order");
	assert_true(promoted == INT64_MAX);
	want_sound(f->st);
	for (uint64_t i = 3; i <= 6; i++)
		want_rc(end(f->st, row_of(f->st, LANE, i), STORE_DELIVERED,
		    &promoted), RC_OK, "%d", (int)i);
	assert_true(promoted == INT64_MAX);
	want_due(f->st, LANE, "", "in the end");
	ORDERS(f->st, 7);
	want_due(f->st, LANE, "7", "in a new chain");
	want_sound(f->st);
}

static void
what_waits_is_seen_as_pending_everywhere(void **state)
{
	static const uint32_t lane[] = { LANE };
	const struct store_query q[] = {
		{ .subscription = LANE, .state = STORE_IS_PENDING },
		{ .subscription = LANE, .state = STORE_ANY },
		{ .state = STORE_IS_PENDING, .lanes = STORE_LANES_THESE,
		    .lane = lane, .nlane = 1 },
	};
	struct fixture *f = *state;
	struct store_event ev = STORE_EVENT_INIT;
	struct store_delivery d[8];
	struct store_lane l[3];
	char cursor[STORE_CURSOR_MAX], seen[16];
	size_t n, got;

	ORDERS(f->st, 7, 8, 7, 9, 8, 7);
	ORDERS(f->st, 7);
	for (uint64_t i = 1; i <= 7; i++) {
		want_rc(store_delivery_get(f->st, (struct store_key){ i, LANE,
		    0 }, d), RC_OK, "delivery %d", (int)i);
		want_i64(d[0].state, STORE_IS_PENDING, "state");
		want_i64(d[0].created_ms, due_of(f->st, i, LANE).due_ms,
		    "created");
		want_i64(d[0].next_ms != 0, i == 1 || i == 2 || i == 4,
		    "%d is due", (int)i);
	}
	want_rc(store_event_get(f->st, 6, &ev), RC_OK, "event");
	want_i64((int64_t)ev.chain, 7, "chain");
	want_rc(store_event_deliveries(f->st, &ev, d, 8, &n), RC_OK,
	    "of an event");
	want_i64((int64_t)n, 2, "deliveries of an event");
	want_i64(d[0].state, STORE_IS_PENDING, "state");
	want_i64(d[0].next_ms, 0, "in turn");
	want_i64(d[1].next_ms, d[1].created_ms, "at once");
	store_event_clear(&ev);
	for (size_t i = 0; i < NELEM(q); i++) {
		for (size_t max = 1; max <= 8; max++) {
			memset(cursor, 0, sizeof cursor);
			memset(seen, 0, sizeof seen);
			got = 0;
			do {
				want_rc(store_deliveries(f->st, &q[i], cursor,
				    d, max, &n), RC_OK, "deliveries");
				for (size_t k = 0; k < n; k++) {
					want_i64(d[k].next_ms != 0, got < 3,
					    "%zu is due", got);
					seen[got++] = (char)('0' +
					    d[k].key.position);
				}
			} while (cursor[0] != '\0');
			want_str(seen, "1243675", "pages of %zu", max);
		}
		cursor[0] = '\0';
		want_rc(store_deliveries(f->st, &q[i], cursor, d, 8, &n),
		    RC_OK, "deliveries");
		want_i64((int64_t)n, 7, "deliveries");
		for (size_t k = 0; k + 1 < n; k++) {
			struct store_delivery next;

			store_cursor_at(f->st, &q[i], &d[k], cursor);
			want_rc(store_deliveries(f->st, &q[i], cursor, &next,
			    1, &got), RC_OK, "after number %zu", k);
			want_i64((int64_t)next.key.position,
			    (int64_t)d[k + 1].key.position, "after %zu", k);
		}
	}
	want_rc(store_lanes(f->st, 0, INT64_MAX, l, 3, &n), RC_OK, "lanes");
	want_i64((int64_t)n, 2, "lanes");
	want_i64((int64_t)l[0].pending, 7, "pending in turn");
	want_i64((int64_t)l[0].due, 3, "due in turn");
	want_i64((int64_t)l[1].pending, 7, "pending");
	want_i64((int64_t)l[1].due, 7, "due");
	want_rc(store_lanes(f->st, 0, INT64_MAX, l, 1, &n), RC_OK, "lanes");
	want_i64((int64_t)l[0].pending, 7, "pending in the only one");
	want_rc(store_lanes(f->st, LANE, INT64_MAX, l, 3, &n), RC_OK,
	    "lanes above");
	want_i64((int64_t)l[0].pending, 7, "pending above");
	want_sound(f->st);
}

static void
what_waits_can_be_given_up(void **state)
{
	struct fixture *f = *state;
	struct store_settle s[4];
	struct store_due stale;
	int64_t promoted;

	ORDERS(f->st, 7, 7, 7, 7, 7);
	stale = row_of(f->st, LANE, 1);
	want_rc(end(f->st, waiting(f->st, LANE, 2, 7), STORE_RETRIED,
	    &promoted), RC_STALE, "what waits can't be retried");
	want_rc(end(f->st, waiting(f->st, LANE, 2, 8), STORE_DEAD,
	    &promoted), RC_STALE, "of another chain");
	want_rc(end(f->st, waiting(f->st, LANE, 2, 0), STORE_DEAD,
	    &promoted), RC_STALE, "of none");
	want_rc(end(f->st, waiting(f->st, LANE, 2, 7), STORE_DEAD,
	    &promoted), RC_OK, "one that waits");
	assert_true(promoted == INT64_MAX);
	want_due(f->st, LANE, "1", "after that");
	want_sound(f->st);
	/* The first and one that waits at once, and one of them twice. */
	for (size_t i = 0; i < 4; i++)
		s[i] = (struct store_settle){ .outcome = STORE_DEAD,
		    .reason = "given-up", .now_ms = 9 };
	s[0].due = stale;
	s[1].due = waiting(f->st, LANE, 3, 7);
	s[2].due = waiting(f->st, LANE, 4, 7);
	s[3].due = s[2].due;
	want_rc(store_settle(f->st, s, 4, false), RC_OK, "all at once");
	want_rc(s[0].rc, RC_OK, "the first");
	want_i64(s[0].promoted_ms, due_of(f->st, 5, LANE).due_ms, "promoted");
	want_rc(s[1].rc, RC_OK, "one that waits");
	want_rc(s[2].rc, RC_OK, "another");
	want_rc(s[3].rc, RC_STALE, "the same again");
	want_due(f->st, LANE, "5", "after all at once");
	want_rc(end(f->st, stale, STORE_DEAD, &promoted), RC_STALE,
	    "one that is done with");
	/* What was the first's row is not one of those that wait. */
	ORDERS(f->st, 7);
	stale = row_of(f->st, LANE, 5);
	want_rc(end(f->st, stale, STORE_RETRIED, &promoted), RC_OK,
	    "retried");
	want_rc(end(f->st, stale, STORE_DEAD, &promoted), RC_STALE,
	    "as it was before");
	want_sound(f->st);
}

static void
a_replay_waits_for_nobody(void **state)
{
	struct fixture *f = *state;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct store_due d = { .key = { 1, LANE, 1 }, .due_ms = 5 };
	int64_t promoted;

	ORDERS(f->st, 7, 7);
	key_due(&key, &d);
	value_due(&val, &d);
	row_put(f->st, BDB_DUE, &key, &val);
	want_due(f->st, LANE, "1 1", "with a replay");
	want_rc(end(f->st, d, STORE_DELIVERED, &promoted), RC_OK, "replay");
	assert_true(promoted == INT64_MAX);
	want_due(f->st, LANE, "1", "after it");
	buf_free(&val);
	buf_free(&key);
}

static void
an_event_comes_after_one_that_is_still_to_be_fanned_out(void **state)
{
	struct fixture *f = *state;
	struct store_accept a[4] = { to_many(MANY, 7), to_many(1, 7),
		to_many(1, 8), to_many(MANY, 9) };
	struct store_accept later[3] = { to_many(3, 7), to_many(3, 8),
		to_many(2, 9) };
	struct store_fanout fan = STORE_FANOUT_INIT;
	int64_t promoted;
	size_t lanes = 0;

	accept_all(f->st, a, 4);
	assert_true(a[0].fanout && a[1].fanout && !a[2].fanout &&
	    a[3].fanout);
	want_i64(a[0].deliveries, MANY, "deliveries");
	accept_all(f->st, later, 3);
	assert_true(later[0].fanout && !later[1].fanout && later[2].fanout);
	want_due(f->st, 1, "3", "before any is fanned out");
	want_due(f->st, 2, "6", "before any is fanned out");
	want_sound(f->st);
	want_rc(store_fanout(f->st, &fan), RC_OK, "a step");
	want_i64((int64_t)fan.n, STORE_FANOUT_STEP, "lanes of the step");
	want_sound(f->st);
	while (fan.more) {
		want_rc(store_fanout(f->st, &fan), RC_OK, "a step");
		lanes += fan.n;
	}
	store_fanout_clear(&fan);
	/* 2 waits in lane 1, 5 in 1 and 3, 7 in 1 */
	want_i64((int64_t)lanes, 2 * MANY - STORE_FANOUT_STEP + 2,
	    "lanes that got a row");
	want_due(f->st, 1, "1 3 4", "in turn");
	want_due(f->st, 2, "1 4 5 6 7", "where nobody waits");
	want_sound(f->st);
	want_rc(end(f->st, row_of(f->st, 1, 1), STORE_DELIVERED, &promoted),
	    RC_OK, "the first");
	want_due(f->st, 1, "2 3 4", "after the first");
	want_rc(end(f->st, row_of(f->st, 1, 2), STORE_DELIVERED, &promoted),
	    RC_OK, "the second");
	want_due(f->st, 1, "3 4 5", "after the second");
	accept_all(f->st, a + 1, 1);
	assert_false(a[1].fanout);
	want_sound(f->st);
}

static void
an_event_that_is_gone_ends_its_fan_out(void **state)
{
	struct fixture *f = *state;
	struct store_accept a[2] = { to_many(MANY, 7), to_many(1, 7) };
	struct store_fanout fan = STORE_FANOUT_INIT;
	struct buf key = KEY_INIT;

	accept_all(f->st, a, 2);
	key_event(&key, 1);
	row_del(f->st, BDB_EVENT, &key);
	for (fan.more = true; fan.more;)
		want_rc(store_fanout(f->st, &fan), RC_OK, "a step");
	want_due(f->st, 1, "2", "what came after it");
	want_sound(f->st);
	buf_free(&key);
}

static void
each_kind_of_damage_to_a_chain_is_told(void **state)
{
	enum { PUT, TAKE };
	static const struct {
		const char *what, *says;
		int problems;
		int how;
		enum bdb_file file;
		uint64_t position;
		uint64_t chain;
		uint32_t lane;
		int64_t off_ms;		/* its time is wrong by so much */
	} t[] = {
		{ "the first is not in its chain", "it is due, and missing "
		    "from its chain", 2, TAKE, BDB_CHAIN, 1, 7, LANE, 0 },
		{ "one that waits is gone", "neither due nor on record", 1,
		    TAKE, BDB_CHAIN, 2, 7, LANE, 0 },
		{ "the first is not due", "it is the first of its chain, and "
		    "not due", 1, TAKE, BDB_DUE, 1, 7, LANE, 0 },
		{ "one that waits is due", "it is to wait for its turn, and "
		    "does not", 1, PUT, BDB_DUE, 2, 7, LANE, 0 },
		{ "a due row is in no chain", "names another chain than its "
		    "event", 1, PUT, BDB_DUE, 1, 0, LANE, 0 },
		{ "one is in another's chain", "in a chain where it does not "
		    "belong", 1, PUT, BDB_CHAIN, 2, 8, LANE, 0 },
		{ "one is in a chain in a lane that has none",
		    "in a chain where it does not belong", 1, PUT, BDB_CHAIN,
		    2, 7, PLAIN, 0 },
		{ "one is in a chain of an event that is missing",
		    "its event is missing", 1, PUT, BDB_CHAIN, 99, 7, LANE,
		    0 },
		{ "one that is done with is in its chain", "it stands in a "
		    "chain, and is done with", 1, PUT, BDB_CHAIN, 4, 9,
		    LANE, 0 },
		{ "an event is waited for that is not to be fanned out",
		    "which it is not to be", 1, PUT, BDB_CHAIN, 1, 7, 0, 0 },
		{ "an event to be fanned out is not waited for",
		    "others of its order do not wait for it", 1, TAKE,
		    BDB_CHAIN, 5, 6, 0, 0 },
		{ "a row of a chain has another time", "says that its event "
		    "came at another time", 1, PUT, BDB_CHAIN, 2, 7, LANE,
		    1 },
		{ "a key of no chain", "a key in a chain can't be read", 1,
		    PUT, BDB_CHAIN, 0, 0, 0, 0 },
	};
	struct fixture *f = *state;
	struct store_accept many = to_many(MANY, 6);
	struct buf key = KEY_INIT, val = VALUE_INIT, before = VALUE_INIT;
	struct buf problems = BUF_INIT(65536);
	int64_t promoted;
	uint64_t n;
	enum rc was;

	ORDERS(f->st, 7, 7, 7, 9);
	accept_all(f->st, &many, 1);
	want_rc(end(f->st, row_of(f->st, LANE, 4), STORE_DELIVERED,
	    &promoted), RC_OK, "delivered");
	want_sound(f->st);
	for (size_t i = 0; i < NELEM(t); i++) {
		struct key_link l = { t[i].lane, t[i].chain, t[i].position };
		struct store_due d = { .key = { l.position, l.lane, 0 },
		    .due_ms = due_of(f->st, l.position == 0 ||
		    l.position == 99 ? 1 : l.position, l.lane).due_ms,
		    .chain = l.chain };

		if (t[i].file == BDB_DUE)
			key_due(&key, &d);
		else
			key_chain(&key, &l);
		if (l.position == 0)
			key.len--;
		d.due_ms += t[i].off_ms;
		want_rc(bdb_enter(f->st), RC_OK, "enter");
		was = bdb_get(f->st, NULL, t[i].file, &key, &before, false);
		bdb_leave(f->st);
		if (t[i].how == TAKE)
			row_del(f->st, t[i].file, &key);
		if (t[i].file == BDB_CHAIN)
			value_u64(&val, (uint64_t)d.due_ms);
		else
			value_due(&val, &d);
		if (t[i].how == PUT)
			row_put(f->st, t[i].file, &key, &val);
		buf_clear(&problems);
		want_rc(store_verify(f->st, false, line, &problems, &n),
		    RC_OK, "verify");
		if (strstr(buf_str(&problems), t[i].says) == NULL) {
			print_error("%s: got \"%s\", want \"%s\"\n",
			    t[i].what, buf_str(&problems), t[i].says);
			fail();
		}
		want_i64((int64_t)n, t[i].problems, "%s: problems: %s",
		    t[i].what, buf_str(&problems));
		if (was == RC_OK)
			row_put(f->st, t[i].file, &key, &before);
		else
			row_del(f->st, t[i].file, &key);
	}
	want_sound(f->st);
	buf_free(&problems);
	buf_free(&before);
	buf_free(&val);
	buf_free(&key);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_later_event_waits_until_the_earlier_is_done_with),
		TEST(what_waits_is_seen_as_pending_everywhere),
		TEST(what_waits_can_be_given_up),
		TEST(a_replay_waits_for_nobody),
		TEST(an_event_comes_after_one_that_is_still_to_be_fanned_out),
		TEST(an_event_that_is_gone_ends_its_fan_out),
		TEST(each_kind_of_damage_to_a_chain_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
