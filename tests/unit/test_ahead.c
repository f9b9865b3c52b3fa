/*
 * Tests: put in front of what their lane has pending, and counted apart.
 */
#include "store/bdb_delivery.h"
#include "unit_chain.h"

#define LANE 4

static struct store_accept
to(const uint32_t *sub, uint32_t n)
{
	return (struct store_accept){ .type = SLICE("OrderTicketed"),
	    .order = SLICE("{}"), .test = true, .ahead = true,
	    .subscription = sub, .nsubscription = n };
}

static const uint32_t lane[] = { LANE, LANE, LANE };

/* One that failed before, due again in an hour, and one that is due. */
static void
backlog(struct store *st, struct store_due d[2])
{
	const struct store_attempt at = { .number = 1, .attempt = 1,
	    .word = "http" };
	struct store_settle s = { .outcome = STORE_RETRIED, .now_ms = 50,
	    .attempts = 1, .attempt = &at, .health = -1 };

	for (int i = 0; i < 2; i++)
		d[i] = due_of(st, event_to(st, LANE), LANE);
	s.due = d[0];
	s.next_ms = d[1].due_ms - 5000;	/* it would be first */
	want_rc(store_settle(st, &s, 1, false), RC_OK, "settle");
	want_rc(s.rc, RC_OK, "item");
	d[0].due_ms = s.next_ms;
	d[0].attempts = d[0].recorded = 1;
}

static void
a_test_comes_before_what_waits_in_its_lane(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = to(lane, 3);
	struct store_due before[2], due[8];
	struct store_delivery d;
	int64_t promoted;

	backlog(f->st, before);
	accept_all(f->st, &a, 1);
	want_i64((int64_t)due_in(f->st, LANE, due, 8), 5, "due");
	for (uint16_t i = 0; i < 3; i++) {
		want_i64((int64_t)due[i].key.position, (int64_t)a.position,
		    "event of row %u", i);
		want_i64(due[i].key.ordinal, i, "ordinal");
		want_i64(due[i].due_ms, before[0].due_ms - 1, "due");
		assert_true(due[i].test && !due[3].test);
		want_rc(store_delivery_get(f->st, due[i].key, &d), RC_OK,
		    "delivery");
		want_i64(d.state, STORE_IS_PENDING, "state");
		want_i64(d.created_ms, a.accepted_ms, "accepted");
		want_i64(d.next_ms, due[i].due_ms, "next attempt");
		want_i64(d.attempts + d.recorded, 0, "attempts");
	}
	want_sound(f->st);
	want_rc(end(f->st, due[0], STORE_DELIVERED, &promoted), RC_OK,
	    "settle");
	want_rc(end(f->st, due[1], STORE_RETRIED, &promoted), RC_OK, "settle");
	want_rc(store_delivery_get(f->st, due[0].key, &d), RC_OK, "delivery");
	want_i64(d.created_ms, a.accepted_ms, "accepted, still");
	want_sound(f->st);
}

static void
in_a_lane_with_nothing_earlier_it_is_due_at_once(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = to(lane, 1);
	struct store_due due[8];

	(void)event_to(f->st, LANE - 1);
	(void)event_to(f->st, LANE + 1);
	accept_all(f->st, &a, 1);
	want_i64((int64_t)due_in(f->st, LANE, due, 8), 1, "due");
	want_i64(due[0].due_ms, a.accepted_ms, "due");
	want_sound(f->st);
}

static void
a_sweep_is_told_to_fetch_the_lane_anew(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = to(lane, 3), other = to(lane, 1);
	struct store_change c[4];
	uint64_t generation;
	size_t n;

	other.ahead = false;
	accept_all(f->st, &other, 1);
	want_rc(store_generation(f->st, &generation), RC_OK, "generation");
	want_i64((int64_t)generation, 0, "one that waits like others");
	accept_all(f->st, &a, 1);
	want_rc(store_changes(f->st, 0, c, 4, &n), RC_OK, "changes");
	want_i64((int64_t)n, 1, "changes");
	want_i64(c[0].kind, STORE_LANE, "kind");
	want_i64(c[0].number, LANE, "lane");
	other.sender_id = SLICE("x");
	want_rc(store_accept(f->st, &other, 1), RC_OK, "accept");
	want_rc(other.rc, RC_STALE, "matched before that");
}

static void
a_lane_that_fails_probes_with_the_test(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = to(lane, 1);
	struct store_due before[2], due[8];
	struct store_health h;

	backlog(f->st, before);
	want_rc(store_health_get(f->st, LANE, &h), RC_OK, "health");
	want_i64((int64_t)h.probe.key.position,
	    (int64_t)before[0].key.position, "probe before");
	accept_all(f->st, &a, 1);
	want_i64((int64_t)due_in(f->st, LANE, due, 8), 3, "due");
	want_rc(store_health_get(f->st, LANE, &h), RC_OK, "health");
	want_i64((int64_t)h.probe.key.position, (int64_t)a.position, "probe");
	want_i64(h.probe.due_ms, due[0].due_ms, "its time");
	want_i64(h.failures, 1, "failures are as they were");
}

static void
want_hours(struct store *st, const struct store_hour *want)
{
	struct store_hour h[8], sum = { 0 };
	size_t n;

	want_rc(store_hours(st, 0, 0, NULL, h, 8, &n), RC_OK, "hours");
	for (size_t i = 0; i < n; i++) {
		sum.delivered += h[i].delivered;
		sum.retried += h[i].retried;
		sum.dead += h[i].dead;
		sum.test_delivered += h[i].test_delivered;
		sum.test_retried += h[i].test_retried;
		sum.test_dead += h[i].test_dead;
	}
	want_i64((int64_t)sum.delivered, (int64_t)want->delivered, "arrived");
	want_i64((int64_t)sum.retried, (int64_t)want->retried, "retried");
	want_i64((int64_t)sum.dead, (int64_t)want->dead, "dead");
	want_i64((int64_t)sum.test_delivered, (int64_t)want->test_delivered,
	    "tests that arrived");
	want_i64((int64_t)sum.test_retried, (int64_t)want->test_retried,
	    "tests retried");
	want_i64((int64_t)sum.test_dead, (int64_t)want->test_dead,
	    "tests dead");
}

static void
by_whatever_way_a_test_ends_it_is_counted_apart(void **state)
{
	struct fixture *f = *state;
	const struct store_attempt at = { .number = 1, .attempt = 1,
	    .word = "ok" };
	struct store_accept a = to(lane, 3), b = to(lane, 2), real = b;
	struct store_due due[8];
	struct store_bury bury = { .lane = LANE, .upto = UINT64_MAX,
	    .due_before_ms = INT64_MAX, .reason = "given-up", .now_ms = 77,
	    .max = 1 };
	struct store_settle s;
	int64_t promoted;
	enum rc rc;

	real.test = real.ahead = false;
	accept_all(f->st, &real, 1);
	want_i64((int64_t)due_in(f->st, LANE, due, 8), 2, "real ones");
	want_rc(end(f->st, due[0], STORE_RETRIED, &promoted), RC_OK, "settle");
	want_rc(end(f->st, due[1], STORE_DEAD, &promoted), RC_OK, "settle");
	accept_all(f->st, &a, 1);
	want_i64((int64_t)due_in(f->st, LANE, due, 8), 4, "with the test's");
	want_rc(end(f->st, due[0], STORE_RETRIED, &promoted), RC_OK, "settle");
	want_rc(end(f->st, due[1], STORE_DELIVERED, &promoted), RC_OK,
	    "settle");
	want_hours(f->st, &(struct store_hour){ .retried = 1, .dead = 1,
	    .test_retried = 1, .test_delivered = 1 });
	want_rc(store_bury(f->st, &bury), RC_OK, "bury");
	want_i64((int64_t)bury.n, 1, "the last of it");
	want_hours(f->st, &(struct store_hour){ .retried = 1, .dead = 1,
	    .test_retried = 1, .test_delivered = 1, .test_dead = 1 });

	accept_all(f->st, &b, 1);
	want_i64((int64_t)due_in(f->st, LANE, due, 8), 4, "the next test's");
	want_rc(store_give_up(f->st, &due[0].key, 1, 90, &rc), RC_OK,
	    "give up");
	want_rc(rc, RC_OK, "one");
	s = (struct store_settle){ .due = due[0], .attempts = 1,
	    .outcome = STORE_DELIVERED, .now_ms = 95, .attempt = &at };
	want_hours(f->st, &(struct store_hour){ .retried = 1, .dead = 1,
	    .test_retried = 1, .test_delivered = 1, .test_dead = 2 });
	want_rc(store_settle(f->st, &s, 1, false), RC_OK, "settle");
	assert_true(s.late);		/* it arrived after all */
	want_hours(f->st, &(struct store_hour){ .retried = 1, .dead = 1,
	    .test_retried = 1, .test_delivered = 2, .test_dead = 1 });
	want_sound(f->st);
}

static void
tests_that_take_their_turn_are_counted_apart_too(void **state)
{
	struct fixture *f = *state;
	const bool turn[] = { true };
	struct store_accept a[3];
	struct store_due due[4];
	struct store_key k = { .subscription = LANE };
	int64_t promoted;
	enum rc rc;

	for (int i = 0; i < 3; i++) {
		a[i] = to(lane, 1);
		a[i].ahead = false;
		a[i].test = i > 0;
		a[i].ordered = turn;
		a[i].chain = 9;
	}
	accept_all(f->st, a, 3);
	k.position = a[2].position;	/* it waits */
	want_rc(store_give_up(f->st, &k, 1, 90, &rc), RC_OK, "give up");
	want_rc(rc, RC_OK, "one that waits");
	want_i64((int64_t)due_in(f->st, LANE, due, 4), 1, "due");
	want_rc(end(f->st, due[0], STORE_DELIVERED, &promoted), RC_OK,
	    "settle");
	want_i64((int64_t)due_in(f->st, LANE, due, 4), 1, "the next");
	assert_true(due[0].test);
	want_rc(end(f->st, due[0], STORE_DELIVERED, &promoted), RC_OK,
	    "settle");
	want_hours(f->st, &(struct store_hour){ .delivered = 1,
	    .test_delivered = 1, .test_dead = 1 });
	want_sound(f->st);
}

static void
tests_that_are_fanned_out_are_counted_apart_too(void **state)
{
	struct fixture *f = *state;
	struct store_fanout fan = STORE_FANOUT_INIT;
	struct store_accept a = to_many(MANY, 0);
	struct store_due due[2];
	int64_t promoted;

	a.ordered = NULL;
	a.test = true;
	accept_all(f->st, &a, 1);
	do
		want_rc(store_fanout(f->st, &fan), RC_OK, "a step");
	while (fan.more);
	store_fanout_clear(&fan);
	want_i64((int64_t)due_in(f->st, MANY, due, 2), 1, "due");
	want_rc(end(f->st, due[0], STORE_DEAD, &promoted), RC_OK, "settle");
	want_hours(f->st, &(struct store_hour){ .test_dead = 1 });
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, fixture_make, \
		    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_test_comes_before_what_waits_in_its_lane),
	    TEST(in_a_lane_with_nothing_earlier_it_is_due_at_once),
	    TEST(a_sweep_is_told_to_fetch_the_lane_anew),
	    TEST(a_lane_that_fails_probes_with_the_test),
	    TEST(by_whatever_way_a_test_ends_it_is_counted_apart),
	    TEST(tests_that_take_their_turn_are_counted_apart_too),
	    TEST(tests_that_are_fanned_out_are_counted_apart_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
