#include "unit_events.h"

#define LATER 3600000	/* ms */

static void
heads_are_the_earliest_row_of_each_lane(void **state)
{
	struct fixture *f = *state;
	const uint32_t many[] = { 2, 5, 9 };
	struct store_head h[8];
	struct store_due d;
	uint64_t first;
	size_t n;

	want_rc(store_heads(f->st, 0, h, 8, &n), RC_OK, "empty");
	want_i64((int64_t)n, 0, "heads of an empty store");
	first = event_for(f->st, NULL, many, 3, NULL, 0);
	events_to(f->st, 5, 300);
	d = due_of(f->st, first, 5);
	want_rc(store_heads(f->st, 0, h, 8, &n), RC_OK, "all");
	want_i64((int64_t)n, 3, "heads");
	for (size_t i = 0; i < n; i++) {
		want_i64(h[i].lane, many[i], "lane %zu", i);
		want_i64(h[i].due_ms, d.due_ms, "due %zu", i);
	}
	want_rc(store_heads(f->st, 2, h, 1, &n), RC_OK, "one above 2");
	want_i64((int64_t)n, 1, "heads");
	want_i64(h[0].lane, 5, "lane above 2");
	want_rc(store_heads(f->st, 9, h, 8, &n), RC_OK, "above the last");
	want_i64((int64_t)n, 0, "heads above the last");
	want_rc(store_heads(f->st, UINT32_MAX, h, 8, &n), RC_OK, "above all");
	want_i64((int64_t)n, 0, "heads above all");
}

static void
clear(struct store_claim *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		store_event_clear(&c[i].event);
}

static void
claiming_reads_due_rows_in_order_with_their_events(void **state)
{
	struct fixture *f = *state;
	struct store_claim c[16];
	uint64_t position[10];
	struct store_due last;
	int64_t next;
	size_t n;

	for (int i = 0; i < 10; i++) {
		position[i] = event_to(f->st, 4);
		event_to(f->st, 3);
		event_to(f->st, 5);
	}
	last = due_of(f->st, position[9], 4);
	want_rc(store_claim(f->st, 4, NULL, last.due_ms, c, 4, &n, &next),
	    RC_OK, "claim");
	want_i64((int64_t)n, 4, "claimed");
	want_i64(next, due_of(f->st, position[4], 4).due_ms, "next");
	for (size_t i = 0; i < n; i++) {
		want_i64((int64_t)c[i].due.key.position, (int64_t)position[i],
		    "position %zu", i);
		want_i64((int64_t)c[i].event.position, (int64_t)position[i],
		    "event %zu", i);
		want_slice(c[i].event.order, SLICE("{\"agwID\":\"AGW-1\"}"),
		    "order %zu", i);
		want_i64(c[i].due.attempts, 0, "attempts %zu", i);
	}
	last = c[3].due;
	clear(c, n);
	want_rc(store_claim(f->st, 4, &last, INT64_MAX, c, 16, &n, &next),
	    RC_OK, "claim on");
	want_i64((int64_t)n, 6, "claimed after the fourth");
	want_i64((int64_t)c[0].due.key.position, (int64_t)position[4], "fifth");
	want_i64(next, INT64_MAX, "next at the lane's end");
	clear(c, n);
	want_rc(store_claim(f->st, 7, NULL, INT64_MAX, c, 16, &n, &next),
	    RC_OK, "claim in a lane without rows");
	want_i64((int64_t)n, 0, "claimed there");
	want_i64(next, INT64_MAX, "next there");
}

static void
what_is_not_due_yet_is_left_and_its_time_told(void **state)
{
	struct fixture *f = *state;
	struct store_claim c[4];
	struct store_due d = due_of(f->st, event_to(f->st, 1), 1);
	int64_t next;
	size_t n;

	want_rc(settle_one(f->st, d, STORE_RETRIED, d.due_ms,
	    d.due_ms + LATER, NULL), RC_OK, "put off");
	want_rc(store_claim(f->st, 1, NULL, d.due_ms + LATER - 1, c, 4, &n,
	    &next), RC_OK, "claim");
	want_i64((int64_t)n, 0, "claimed before it is due");
	want_i64(next, d.due_ms + LATER, "next");
	want_rc(store_claim(f->st, 1, NULL, d.due_ms + LATER, c, 4, &n,
	    &next), RC_OK, "claim when due");
	want_i64((int64_t)n, 1, "claimed when due");
	clear(c, n);
}

static void
claiming_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_claim c[4];
	int64_t next;
	size_t n;

	event_to(f->st, 1);
	for (int i = 0; i < 2; i++) {
		want_rc(store_claim(f->st, 1, NULL, INT64_MAX, c, 4, &n,
		    &next), RC_OK, "claim %d", i);
		want_i64((int64_t)n, 1, "claimed the time %d", i);
		clear(c, n);
	}
}

static void
a_large_event_is_read_whole(void **state)
{
	struct fixture *f = *state;
	const size_t size = 700 * 1000;
	char *order = malloc(size);
	uint32_t sub = 1;
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .order = { order, size }, .subscription = &sub,
	    .nsubscription = 1 };
	struct store_claim c[2];
	int64_t next;
	size_t n;

	assert_non_null(order);
	for (size_t i = 0; i < size; i++)
		order[i] = (char)('a' + i % 23);
	want_rc(store_accept(f->st, &a, 1), RC_OK, "accept");
	want_rc(store_claim(f->st, 1, NULL, INT64_MAX, c, 2, &n, &next),
	    RC_OK, "claim");
	want_i64((int64_t)n, 1, "claimed");
	assert_true(slice_eq(c[0].event.order, a.order));
	clear(c, n);
	free(order);
}

static void
a_row_without_its_event_is_passed_by(void **state)
{
	struct fixture *f = *state;
	struct store_due stray = { .key = { 77, 1, 0 }, .due_ms = 5 };
	struct buf key = KEY_INIT, val = VALUE_INIT;
	uint64_t position = event_to(f->st, 1);
	struct store_claim c[4];
	int64_t next;
	size_t n;

	key_due(&key, &stray);
	value_due(&val, &stray);
	row_put(f->st, BDB_DUE, &key, &val);
	want_rc(store_claim(f->st, 1, NULL, INT64_MAX, c, 4, &n, &next),
	    RC_OK, "claim");
	want_i64((int64_t)n, 1, "claimed");
	want_i64((int64_t)c[0].due.key.position, (int64_t)position, "which");
	clear(c, n);
	buf_free(&val);
	buf_free(&key);
}

static void
lanes_are_counted_whole_and_what_is_due_apart(void **state)
{
	struct fixture *f = *state;
	struct store_lane l[4];
	struct store_due d = { 0 };
	size_t n;

	events_to(f->st, 6, 3000);
	d = due_of(f->st, event_to(f->st, 8), 8);
	event_to(f->st, 8);
	want_rc(settle_one(f->st, d, STORE_RETRIED, d.due_ms,
	    d.due_ms + LATER, NULL), RC_OK, "put off");
	want_rc(store_lanes(f->st, 0, d.due_ms + LATER - 1, l, 4, &n), RC_OK,
	    "lanes");
	want_i64((int64_t)n, 2, "lanes");
	want_i64(l[0].lane, 6, "first lane");
	want_i64((int64_t)l[0].pending, 3000, "pending in 6");
	want_i64((int64_t)l[0].due, 3000, "due in 6");
	want_i64(l[1].lane, 8, "second lane");
	want_i64((int64_t)l[1].pending, 2, "pending in 8");
	want_i64((int64_t)l[1].due, 1, "due in 8");
	want_rc(store_lanes(f->st, 0, 0, l, 1, &n), RC_OK, "one lane");
	want_i64((int64_t)n, 1, "lanes, at most one");
	want_i64((int64_t)l[0].pending, 3000, "pending in it");
	want_i64((int64_t)l[0].due, 0, "due at the beginning of time");
	want_rc(store_lanes(f->st, 8, 0, l, 4, &n), RC_OK, "above 8");
	want_i64((int64_t)n, 0, "lanes above 8");
}

/* More subscribers than an accepting transaction writes rows for. */
static void
an_event_with_very_many_subscribers_becomes_due_to_each(void **state)
{
	enum { N = 1700 };
	struct fixture *f = *state;
	struct store_head *h = calloc(N + 1, sizeof *h);
	uint32_t *sub = calloc(N, sizeof *sub);
	struct store_fanout fan = STORE_FANOUT_INIT;
	uint64_t position;
	size_t n;

	assert_non_null(h);
	assert_non_null(sub);
	for (uint32_t i = 0; i < N; i++)
		sub[i] = 3 * i + 1;
	position = event_for(f->st, NULL, sub, N, NULL, 0);
	for (fan.more = true; fan.more;)
		want_rc(store_fanout(f->st, &fan), RC_OK, "fan-out");
	want_rc(store_heads(f->st, 0, h, N + 1, &n), RC_OK, "heads");
	want_i64((int64_t)n, N, "lanes with something due");
	for (size_t i = 0; i < n; i++)
		want_i64(h[i].lane, sub[i], "lane %zu", i);
	want_i64((int64_t)due_of(f->st, position, sub[N - 1]).key.position,
	    (int64_t)position, "the last one's event");
	free(sub);
	free(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(heads_are_the_earliest_row_of_each_lane),
		TEST(claiming_reads_due_rows_in_order_with_their_events),
		TEST(what_is_not_due_yet_is_left_and_its_time_told),
		TEST(claiming_writes_nothing),
		TEST(a_large_event_is_read_whole),
		TEST(a_row_without_its_event_is_passed_by),
		TEST(an_event_with_very_many_subscribers_becomes_due_to_each),
		TEST(lanes_are_counted_whole_and_what_is_due_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
