#include "unit_events.h"

static struct store_settle
outcome(struct store *st, uint32_t lane, int8_t health, int64_t now_ms)
{
	return (struct store_settle){
		.due = due_of(st, event_to(st, lane), lane),
		.outcome = health > 0 ? STORE_DELIVERED : STORE_DEAD,
		.reason = "exhausted", .attempts = 1, .now_ms = now_ms,
		.health = health,
	};
}

static struct store_health
health(uint32_t failures, int64_t first_ms, int64_t last_ms,
    int64_t success_ms, uint8_t told)
{
	return (struct store_health){ .failures = failures,
	    .first_failure_ms = first_ms, .last_failure_ms = last_ms,
	    .last_success_ms = success_ms, .told = told };
}

static void
want_health(struct store *st, uint32_t lane, struct store_health want,
    const char *when)
{
	struct store_health h;

	want_rc(store_health_get(st, lane, &h), RC_OK, "%s", when);
	want_i64(h.failures, want.failures, "%s: failures", when);
	want_i64(h.first_failure_ms, want.first_failure_ms, "%s: first",
	    when);
	want_i64(h.last_failure_ms, want.last_failure_ms, "%s: last failure",
	    when);
	want_i64(h.last_success_ms, want.last_success_ms, "%s: last success",
	    when);
	want_i64(h.told, want.told, "%s: told", when);
}

static void
a_lane_counts_failures_in_a_row(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int8_t		 health;
		int64_t		 now_ms;
		int64_t		 want[4];
	} t[] = {
		{ 0, 10, { 0, 0, 0, 0 } },
		{ -1, 20, { 1, 20, 20, 0 } },
		{ -1, 30, { 2, 20, 30, 0 } },
		{ 0, 35, { 2, 20, 30, 0 } },
		{ 1, 40, { 0, 20, 30, 40 } },
		{ 1, 50, { 0, 20, 30, 50 } },
		{ -1, 60, { 1, 60, 60, 50 } },
	};

	want_health(f->st, 2, (struct store_health){ 0 }, "before any");
	for (size_t i = 0; i < NELEM(t); i++) {
		struct store_settle s = outcome(f->st, 2, t[i].health,
		    t[i].now_ms);
		const int64_t *w = t[i].want;
		char when[16];

		snprintf(when, sizeof when, "step %zu", i);
		want_rc(store_settle(f->st, &s, 1, false), RC_OK, "%s", when);
		want_health(f->st, 2, health((uint32_t)w[0], w[1], w[2], w[3],
		    0), when);
		want_rc(store_settle(f->st, &s, 1, false), RC_OK, "%s", when);
		want_rc(s.rc, RC_STALE, "%s again", when);
		want_health(f->st, 2, health((uint32_t)w[0], w[1], w[2], w[3],
		    0), when);
	}
	want_health(f->st, 1, (struct store_health){ 0 }, "a neighbour");
	want_health(f->st, 3, (struct store_health){ 0 }, "another one");
}

/* Settled together they count as they ended, however they are given. */
static void
attempts_count_in_the_order_in_which_they_ended(void **state)
{
	struct fixture *f = *state;
	struct store_settle s[] = {
		outcome(f->st, 7, -1, 500), outcome(f->st, 3, 1, 900),
		outcome(f->st, 7, 1, 300), outcome(f->st, 7, -1, 100),
		outcome(f->st, 3, -1, 200), outcome(f->st, 7, -1, 400),
		outcome(f->st, 5, 0, 300), outcome(f->st, 3, -1, 700),
	};

	want_rc(store_settle(f->st, s, NELEM(s), false), RC_OK, "settle");
	want_health(f->st, 7, health(2, 400, 500, 300, 0),
	    "success in the middle");
	want_health(f->st, 3, health(0, 200, 700, 900, 0),
	    "success at the end");
	want_health(f->st, 5, (struct store_health){ 0 }, "says nothing");
}

static void
what_was_told_is_kept(void **state)
{
	struct fixture *f = *state;
	struct store_settle s = outcome(f->st, 4, -1, 10);
	struct store_health h;

	want_rc(store_health_told(f->st, 4, 3, 5), RC_OK, "told of none");
	want_health(f->st, 4, (struct store_health){ .told = 3 }, "told");
	want_rc(store_settle(f->st, &s, 1, false), RC_OK, "settle");
	want_health(f->st, 4, health(1, 10, 10, 0, 3),
	    "after a failure");
	want_rc(store_health_told(f->st, 4, 0, 15), RC_OK, "told nothing");
	want_health(f->st, 4, health(1, 10, 10, 0, 0),
	    "taken back");
	want_rc(store_health_told(f->st, 4, 9, 20), RC_OK, "told");
	store_close(f->st);
	f->st = place_open(&f->place, false);
	want_health(f->st, 4, health(1, 10, 10, 0, 9),
	    "read back");
	want_rc(store_health_get(f->st, 4, &h), RC_OK, "get");
	want_i64(h.told_ms, 20, "when");
	want_rc(store_health_told(f->st, 4, 9, 30), RC_OK, "told anew");
	want_rc(store_health_get(f->st, 4, &h), RC_OK, "get");
	want_i64(h.told_ms, 30, "when it was told anew");
}

/* Settle one as failed, to be tried again; what its lane probes with then. */
static struct store_due
probe_after(struct store *st, struct store_due *d, enum store_outcome how,
    int64_t next_ms)
{
	struct store_settle s = { .due = *d, .outcome = how, .now_ms = 100,
	    .next_ms = next_ms, .reason = "gone", .health = -1,
	    .attempts = (uint16_t)(d->attempts + 1) };
	struct store_health h;

	want_rc(store_settle(st, &s, 1, false), RC_OK, "settle");
	want_rc(s.rc, RC_OK, "item");
	d->due_ms = next_ms;
	d->attempts++;
	want_rc(store_health_get(st, d->key.subscription, &h), RC_OK, "get");
	return h.probe;
}

static void
the_earliest_that_failed_and_is_pending_is_the_one_to_probe_with(void **state)
{
	struct fixture *f = *state;
	struct store_due a = due_of(f->st, event_to(f->st, 4), 4),
	    b = due_of(f->st, event_to(f->st, 4), 4), got;
	struct store_settle ok = outcome(f->st, 4, 1, 200);
	struct store_health h;

	got = probe_after(f->st, &b, STORE_RETRIED, 7000);
	want_i64(got.due_ms, 7000, "the one there is");
	got = probe_after(f->st, &a, STORE_RETRIED, 9000);
	want_i64((int64_t)got.key.position, (int64_t)a.key.position, "earlier");
	want_i64(got.due_ms, 9000, "its time");
	got = probe_after(f->st, &b, STORE_RETRIED, 8000);
	want_i64(got.due_ms, 9000, "stays");
	got = probe_after(f->st, &a, STORE_RETRIED, 12000);
	want_i64(got.due_ms, 12000, "moves");
	got = probe_after(f->st, &a, STORE_DEAD, 0);
	want_i64(got.due_ms, 0, "none once it is dead");
	got = probe_after(f->st, &b, STORE_RETRIED, 15000);
	want_i64(got.due_ms, 15000, "the next");
	want_rc(store_settle(f->st, &ok, 1, false), RC_OK, "success");
	want_rc(store_health_get(f->st, 4, &h), RC_OK, "get");
	want_i64(h.probe.due_ms, 0, "none after a success");
}

/* Both lie in one file. */
static void
sums_by_the_hour_do_not_show_it(void **state)
{
	struct fixture *f = *state;
	struct store_settle s = outcome(f->st, 4, -1, 0);
	struct store_hour h[4];
	size_t n;

	want_rc(store_settle(f->st, &s, 1, false), RC_OK, "settle");
	want_rc(store_health_told(f->st, 9, 1, 5), RC_OK, "told");
	want_rc(store_hours(f->st, 0, 0, NULL, h, 4, &n), RC_OK, "hours");
	want_i64((int64_t)n, 1, "hours of all");
	want_i64(h[0].hour_ms, 0, "its hour");
	want_i64((int64_t)h[0].dead, 1, "dead");
	want_rc(store_hours(f->st, 9, 0, NULL, h, 4, &n), RC_OK, "hours");
	want_i64((int64_t)n, 0, "hours of the one without");
	want_sound(f->st);
}

static void
a_row_that_can_not_be_read_begins_anew(void **state)
{
	struct fixture *f = *state;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct store_settle s = outcome(f->st, 4, -1, 10);

	key_health(&key, 4);
	buf_puts(&val, "rubbish");
	row_put(f->st, BDB_STAT, &key, &val);
	want_health(f->st, 4, (struct store_health){ 0 }, "rubbish");
	want_rc(store_settle(f->st, &s, 1, false), RC_OK, "settle");
	want_rc(s.rc, RC_OK, "its item");
	want_health(f->st, 4, health(1, 10, 10, 0, 0),
	    "anew");
	buf_free(&key);
	buf_free(&val);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_lane_counts_failures_in_a_row),
		TEST(attempts_count_in_the_order_in_which_they_ended),
		TEST(what_was_told_is_kept),
		TEST(the_earliest_that_failed_and_is_pending_is_the_one_to_probe_with),
		TEST(sums_by_the_hour_do_not_show_it),
		TEST(a_row_that_can_not_be_read_begins_anew),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
