#include <signal.h>
#include "unit_events.h"

#define LANE 6

static struct store_bury
all_of(uint32_t lane, const char *reason, size_t max)
{
	return (struct store_bury){ .lane = lane, .upto = UINT64_MAX,
	    .due_before_ms = INT64_MAX, .reason = reason, .now_ms = 77,
	    .max = max };
}

static uint64_t
pending(struct store *st, uint32_t lane)
{
	struct store_lane l = { 0 };
	size_t n;

	want_rc(store_lanes(st, lane - 1, 0, &l, 1, &n), RC_OK, "lanes");
	return n == 1 && l.lane == lane ? l.pending : 0;
}

static struct store_delivery
get(struct store *st, uint64_t position, uint32_t lane)
{
	struct store_delivery d;

	memset(&d, 0, sizeof d);
	want_rc(store_delivery_get(st, (struct store_key){ position, lane, 0 },
	    &d), RC_OK, "delivery");
	return d;
}

static void
rows_of_one_lane_die_and_no_others(void **state)
{
	struct fixture *f = *state;
	uint64_t first = events_to(f->st, LANE, 3);
	struct store_bury b = all_of(LANE, "given-up", 100);
	struct store_delivery d, list[4];
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_hour h[2];
	size_t n;

	(void)events_to(f->st, LANE - 1, 2);
	(void)events_to(f->st, LANE + 1, 2);
	want_rc(store_bury(f->st, &b), RC_OK, "bury");
	want_i64((int64_t)b.n, 3, "buried");
	assert_false(b.more);
	for (uint64_t i = 0; i < 3; i++) {
		d = get(f->st, first + i, LANE);
		want_i64(d.state, STORE_IS_DEAD, "state");
		want_str(d.reason, "given-up", "reason");
		want_i64(d.done_ms, 77, "done");
		want_i64(d.attempts + d.recorded, 0, "attempts");
		assert_true(d.created_ms > 77);
	}
	want_i64((int64_t)pending(f->st, LANE), 0, "pending");
	want_i64((int64_t)pending(f->st, LANE - 1), 2, "the lane before");
	want_i64((int64_t)pending(f->st, LANE + 1), 2, "the lane after");
	want_rc(store_deliveries(f->st, &(struct store_query){
	    .state = STORE_IS_DEAD }, cursor, list, 4, &n), RC_OK,
	    "the dead");
	want_i64((int64_t)n, 3, "listed as dead");
	want_rc(store_hours(f->st, 0, 0, NULL, h, 2, &n), RC_OK, "hours");
	want_i64((int64_t)n, 1, "hours");
	want_i64((int64_t)h[0].dead, 3, "sums");
	want_rc(store_bury(f->st, &b), RC_OK, "nothing is left");
	want_i64((int64_t)b.n, 0, "then");
	want_sound(f->st);
}

static void
only_what_is_asked_for_is_buried(void **state)
{
	struct fixture *f = *state;
	uint64_t first = events_to(f->st, LANE, 6);
	struct store_bury b = all_of(LANE, "expired", 100);
	struct store_due d;
	static const enum store_state want[6] = { STORE_IS_DEAD,
	    STORE_IS_PENDING, STORE_IS_DEAD, STORE_IS_DEAD, STORE_IS_PENDING,
	    STORE_IS_PENDING };

	/* the second is due later, and so not buried */
	d = due_of(f->st, first + 1, LANE);
	want_rc(settle_one(f->st, d, STORE_RETRIED, 1, d.due_ms + 1000, NULL),
	    RC_OK, "put off");
	b.upto = first + 3;
	b.due_before_ms = d.due_ms + 1000;
	want_rc(store_bury(f->st, &b), RC_OK, "bury");
	want_i64((int64_t)b.n, 3, "buried");
	for (uint64_t i = 0; i < 6; i++)
		want_i64(get(f->st, first + i, LANE).state, want[i],
		    "delivery %d", (int)i);
	b = all_of(LANE, "expired", 100);
	b.upto = 0;
	want_rc(store_bury(f->st, &b), RC_OK, "up to nothing");
	b = all_of(LANE, "expired", 0);
	want_rc(store_bury(f->st, &b), RC_OK, "none at most");
	assert_true(b.more);
	want_i64((int64_t)pending(f->st, LANE), 3, "pending");
	want_sound(f->st);
}

static void
a_call_is_bounded_and_the_next_goes_on(void **state)
{
	enum { N = 2 * STORE_BURY_LOOK + 300 };
	struct fixture *f = *state;
	struct store_bury b = all_of(LANE, "overflow", SIZE_MAX);
	uint64_t first;
	size_t calls = 0;

	for (int i = 0; i < N / 500; i++)
		(void)events_to(f->st, LANE, 500);
	first = events_to(f->st, LANE, N % 500);
	want_rc(store_bury(f->st, &b), RC_OK, "bury");
	want_i64((int64_t)b.n, STORE_BURY_MAX, "in one call");
	assert_true(b.more);
	want_i64((int64_t)pending(f->st, LANE), N - STORE_BURY_MAX, "left");
	b.max = 7;
	want_rc(store_bury(f->st, &b), RC_OK, "a few");
	want_i64((int64_t)b.n, 7, "a few");

	/* looking past many, too */
	b = all_of(LANE, "overflow", 10);
	b.upto = 0;
	do {
		want_rc(store_bury(f->st, &b), RC_OK, "look");
		want_i64((int64_t)b.n, 0, "looked at only");
		calls++;
	} while (b.more);
	want_i64((int64_t)calls, 3, "calls");

	b = all_of(LANE, "overflow", SIZE_MAX);
	do
		want_rc(store_bury(f->st, &b), RC_OK, "the rest");
	while (b.more);
	want_i64((int64_t)pending(f->st, LANE), 0, "left");
	want_str(get(f->st, first, LANE).reason, "overflow", "the last");
	want_sound(f->st);
}

/*
 * A child buries and is killed at some moment; the next one begins anew and
 * gets to the same end, whatever of it had reached the disk.
 */
static void
burying_goes_on_after_a_kill(void **state)
{
	enum { N = 1500 };
	struct fixture *f = *state;
	struct store_bury b = all_of(LANE, "expired", 20);
	struct store_hour h[2];
	int status, fd[2];
	uint64_t first = 0, dead = 0;
	pid_t pid;
	size_t n;
	char c;

	for (int i = 0; i < 3; i++) {
		uint64_t at = events_to(f->st, LANE, N / 3);

		first = i == 0 ? at : first;
	}
	store_close(f->st);
	f->st = NULL;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *st = place_open(&f->place, false);

		do
			if (store_bury(st, &b) != RC_OK ||
			    write(fd[1], "", 1) != 1)
				_exit(1);
		while (b.more);
		pause();
		_exit(1);
	}
	close(fd[1]);
	for (int i = 0; i < 30; i++)
		assert_int_equal(read(fd[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(fd[0]);
	f->st = place_open(&f->place, false);
	want_sound(f->st);
	do
		want_rc(store_bury(f->st, &b), RC_OK, "again");
	while (b.more);
	for (uint64_t i = 0; i < N; i++)
		dead += get(f->st, first + i, LANE).state == STORE_IS_DEAD;
	want_i64((int64_t)dead, N, "dead");
	want_rc(store_hours(f->st, 0, 0, NULL, h, 2, &n), RC_OK, "hours");
	want_i64((int64_t)h[0].dead, N, "each counted once");
	want_sound(f->st);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_of_one_lane_die_and_no_others),
		TEST(only_what_is_asked_for_is_buried),
		TEST(a_call_is_bounded_and_the_next_goes_on),
		TEST(burying_goes_on_after_a_kill),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
