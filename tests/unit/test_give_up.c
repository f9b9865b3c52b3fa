#include "store/bdb_fanout.h"
#include "unit_events.h"

#define LANE 6

static struct store_attempt
attempt(uint16_t number, int32_t status)
{
	struct store_attempt a = { .number = number, .attempt = number,
	    .at_ms = 5, .status = status,
	    .sentence = SLICE("what the endpoint answered") };

	memcpy(a.word, status == 200 ? "ok" : "http", 5 - 2 * (status == 200));
	return a;
}

static struct store_delivery
get(struct store *st, struct store_key k)
{
	struct store_delivery d;

	memset(&d, 0, sizeof d);
	want_rc(store_delivery_get(st, k, &d), RC_OK, "delivery");
	return d;
}

static enum rc
give_up(struct store *st, struct store_key k)
{
	enum rc rc = RC_IO;

	want_rc(store_give_up(st, &k, 1, 90, &rc), RC_OK, "store_give_up");
	return rc;
}

static void
want_dead(struct store *st, struct store_key k, const char *reason)
{
	struct store_delivery d = get(st, k);

	want_i64(d.state, STORE_IS_DEAD, "state");
	want_str(d.reason, reason, "reason");
}

static size_t
attempts(struct store *st, struct store_key k)
{
	struct store_attempt a[4] = { STORE_ATTEMPT_INIT, STORE_ATTEMPT_INIT,
	    STORE_ATTEMPT_INIT, STORE_ATTEMPT_INIT };
	size_t n;

	want_rc(store_attempts(st, k, 0, a, 4, &n), RC_OK, "attempts");
	for (size_t i = 0; i < 4; i++)
		store_attempt_clear(&a[i]);
	return n;
}

static void
what_is_pending_dies_and_the_rest_is_told_apart(void **state)
{
	struct fixture *f = *state;
	struct store_attempt at = attempt(1, 500), ok = attempt(1, 200);
	struct store_due never = due_of(f->st, event_to(f->st, LANE), LANE);
	struct store_due tried = due_of(f->st, event_to(f->st, LANE), LANE);
	struct store_due done = due_of(f->st, event_to(f->st, LANE), LANE);
	struct store_key k[] = { never.key, tried.key, done.key, never.key,
	    { 999, LANE, 0 }, { never.key.position, LANE + 1, 0 },
	    { never.key.position, LANE, 1 } };
	static const enum rc want[] = { RC_OK, RC_OK, RC_STALE, RC_STALE,
	    RC_NOTFOUND, RC_NOTFOUND, RC_NOTFOUND };
	struct store_head h[2];
	enum rc rc[NELEM(want)];
	size_t n;

	want_rc(settle_one(f->st, tried, STORE_RETRIED, 10,
	    tried.due_ms + 5000, &at), RC_OK, "tried");
	want_rc(settle_one(f->st, done, STORE_DELIVERED, 10, 0, &ok), RC_OK,
	    "done");
	want_rc(store_give_up(f->st, k, NELEM(k), 90, rc), RC_OK, "give up");
	for (size_t i = 0; i < NELEM(want); i++)
		want_rc(rc[i], want[i], "delivery %zu", i);
	want_dead(f->st, never.key, "given-up");
	want_dead(f->st, tried.key, "given-up");
	want_i64(get(f->st, tried.key).done_ms, 90, "done");
	want_i64(get(f->st, tried.key).recorded, 1, "recorded");
	want_i64(get(f->st, done.key).state, STORE_IS_DELIVERED, "delivered");
	want_rc(store_heads(f->st, 0, h, 2, &n), RC_OK, "heads");
	want_i64((int64_t)n, 0, "due");
	want_rc(give_up(f->st, never.key), RC_STALE, "again");
	want_sound(f->st);
}

static void
a_change_is_left_for_each_lane_and_no_other(void **state)
{
	struct fixture *f = *state;
	struct store_key k[3];
	struct store_change c[4];
	uint64_t before, after;
	enum rc rc[3];
	size_t n;

	for (uint32_t i = 0; i < 3; i++)
		k[i] = (struct store_key){ event_to(f->st, LANE + i / 2),
		    LANE + i / 2, 0 };
	want_rc(store_generation(f->st, &before), RC_OK, "generation");
	want_rc(store_give_up(f->st, k, 3, 1, rc), RC_OK, "give up");
	want_rc(store_changes(f->st, before, c, 4, &n), RC_OK, "changes");
	want_i64((int64_t)n, 2, "changes");
	for (size_t i = 0; i < 2; i++) {
		want_i64(c[i].kind, STORE_LANE, "kind");
		want_i64(c[i].number, LANE + (uint32_t)i, "lane");
	}
	want_rc(store_give_up(f->st, k, 3, 1, rc), RC_OK, "again");
	want_rc(store_generation(f->st, &after), RC_OK, "generation");
	want_i64((int64_t)after, (int64_t)before + 2, "nothing changed");
}

static void
more_than_a_transaction_holds_are_given_up(void **state)
{
	enum { N = 450 };
	struct fixture *f = *state;
	uint64_t first = events_to(f->st, LANE, N);
	struct store_key *k = calloc(N, sizeof *k);
	enum rc *rc = calloc(N, sizeof *rc);
	struct store_head h;
	size_t n;

	assert_non_null(k);
	assert_non_null(rc);
	for (size_t i = 0; i < N; i++)
		k[i] = (struct store_key){ first + (i * 7) % N, LANE, 0 };
	want_rc(store_give_up(f->st, k, N, 1, rc), RC_OK, "give up");
	for (size_t i = 0; i < N; i++)
		want_rc(rc[i], RC_OK, "delivery %zu", i);
	want_rc(store_heads(f->st, 0, &h, 1, &n), RC_OK, "heads");
	want_i64((int64_t)n, 0, "due");
	want_sound(f->st);
	free(k);
	free(rc);
}

/* Its row is not there yet; it is when the sweep has written it. */
static void
one_that_is_still_to_be_fanned_out_is_put_off(void **state)
{
	enum { N = FANOUT_ABOVE + 1 };
	struct fixture *f = *state;
	uint32_t sub[N];
	struct store_fanout fan = STORE_FANOUT_INIT;
	uint64_t before, after;
	struct store_key k;

	for (uint32_t i = 0; i < N; i++)
		sub[i] = i + 1;
	k = (struct store_key){ event_for(f->st, NULL, sub, N, NULL, 0), 9,
	    0 };
	want_rc(store_generation(f->st, &before), RC_OK, "generation");
	want_rc(give_up(f->st, k), RC_RETRY, "before");
	want_rc(store_generation(f->st, &after), RC_OK, "generation");
	want_i64((int64_t)after, (int64_t)before, "nothing changed");
	want_i64(get(f->st, k).state, STORE_IS_PENDING, "state");
	want_rc(store_fanout(f->st, &fan), RC_OK, "fan-out");
	store_fanout_clear(&fan);
	want_rc(give_up(f->st, k), RC_OK, "after");
	want_dead(f->st, k, "given-up");
	want_sound(f->st);
}

/* The sweep was at it while somebody gave it up. */
static void
an_attempt_that_ends_too_late_is_kept_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct store_attempt at = attempt(1, 500), two = attempt(2, 500);
	struct store_due d = due_of(f->st, event_to(f->st, LANE), LANE);
	struct store_settle s = { .outcome = STORE_RETRIED, .next_ms = 1000,
	    .attempts = 1, .now_ms = 95, .attempt = &at, .health = -1,
	    .due = d };
	struct store_health h;
	struct store_delivery row;

	want_rc(give_up(f->st, d.key), RC_OK, "give up");
	for (int i = 0; i < 2; i++) {	/* the second time it is known */
		want_rc(store_settle(f->st, &s, 1, true), RC_OK, "settle");
		want_rc(s.rc, RC_STALE, "its item");
		want_i64(s.late, i == 0, "late");
		want_i64((int64_t)attempts(f->st, d.key), 1, "attempts");
		row = get(f->st, d.key);
		want_i64(row.state, STORE_IS_DEAD, "state");
		want_str(row.reason, "given-up", "reason");
		want_i64(row.done_ms, 90, "done");
		want_i64(row.recorded, 1, "recorded");
		want_i64(row.attempts, 1, "used");
		want_i64(row.last_status, 500, "status");
		want_str(row.last_word, "http", "word");
		want_rc(store_health_get(f->st, LANE, &h), RC_OK, "health");
		want_i64(h.failures, 1, "failures");
	}
	s.attempt = &two;
	s.due.recorded = 2;		/* of a count that it never had */
	two.number = 3;
	want_rc(store_settle(f->st, &s, 1, true), RC_OK, "settle");
	assert_false(s.late);
	want_i64((int64_t)attempts(f->st, d.key), 1, "attempts");
	want_sound(f->st);
}

static void
what_arrived_after_it_was_given_up_is_delivered(void **state)
{
	struct fixture *f = *state;
	struct store_attempt at = attempt(1, 200);
	struct store_due d = due_of(f->st, event_to(f->st, LANE), LANE);
	struct store_settle s[2];
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery row, list[2];
	struct store_hour h[2];
	size_t n;

	want_rc(give_up(f->st, d.key), RC_OK, "give up");
	s[0] = s[1] = (struct store_settle){ .outcome = STORE_DELIVERED,
	    .attempts = 1, .now_ms = 95, .attempt = &at, .health = 1,
	    .due = d };
	want_rc(store_settle(f->st, s, 2, true), RC_OK, "twice in one call");
	want_rc(s[0].rc, RC_STALE, "the first");
	want_rc(s[1].rc, RC_STALE, "the second");
	want_i64(s[0].late + s[1].late, 1, "late");
	row = get(f->st, d.key);
	want_i64(row.state, STORE_IS_DELIVERED, "state");
	want_str(row.reason, "", "reason");
	want_i64(row.done_ms, 95, "done");
	want_i64((int64_t)attempts(f->st, d.key), 1, "attempts");
	want_rc(store_deliveries(f->st, &(struct store_query){
	    .state = STORE_IS_DEAD }, cursor, list, 2, &n), RC_OK,
	    "the dead");
	want_i64((int64_t)n, 0, "listed as dead");
	want_rc(store_deliveries(f->st, &(struct store_query){
	    .subscription = LANE, .state = STORE_IS_DELIVERED }, cursor, list,
	    2, &n), RC_OK, "arrived");
	want_i64((int64_t)n, 1, "listed as delivered");
	want_rc(store_hours(f->st, 0, 0, NULL, h, 2, &n), RC_OK, "hours");
	want_i64((int64_t)h[0].dead, 0, "sum of the dead");
	want_i64((int64_t)h[0].delivered, 1, "sum of what arrived");
	want_sound(f->st);
}

/* Settled first: giving up comes too late, and says so. */
static void
whoever_is_first_decides(void **state)
{
	struct fixture *f = *state;
	struct store_attempt at = attempt(1, 500), last = attempt(2, 500);
	struct store_due d = due_of(f->st, event_to(f->st, LANE), LANE);
	struct store_due again = { .key = d.key, .due_ms = d.due_ms + 50,
	    .attempts = 1, .recorded = 1 };

	want_rc(settle_one(f->st, d, STORE_RETRIED, 10, again.due_ms, &at),
	    RC_OK, "tried");
	want_rc(settle_one(f->st, again, STORE_DEAD, 20, 0, &last), RC_OK,
	    "exhausted");
	want_rc(give_up(f->st, d.key), RC_STALE, "too late");
	want_dead(f->st, d.key, "exhausted");
	want_i64((int64_t)attempts(f->st, d.key), 2, "attempts");
	/* the first attempt's outcome comes again, after all that */
	want_rc(settle_one(f->st, d, STORE_RETRIED, 30, again.due_ms, &at),
	    RC_STALE, "an old one");
	want_i64((int64_t)attempts(f->st, d.key), 2, "attempts");
	want_i64(get(f->st, d.key).recorded, 2, "recorded");
	want_sound(f->st);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_pending_dies_and_the_rest_is_told_apart),
		TEST(a_change_is_left_for_each_lane_and_no_other),
		TEST(more_than_a_transaction_holds_are_given_up),
		TEST(one_that_is_still_to_be_fanned_out_is_put_off),
		TEST(an_attempt_that_ends_too_late_is_kept_all_the_same),
		TEST(what_arrived_after_it_was_given_up_is_delivered),
		TEST(whoever_is_first_decides),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
