#include "unit_lane.h"

/* Fail a lane's row; its delivery is due again ahead_ms from now. */
static bool
fail_row(struct bench *b, struct lane_row *row, int64_t ahead_ms)
{
	return lane_done(b->ls, row, (struct lane_end){
	    .result = LANE_FAILURE, .next_ms = b->now.wall_ms + ahead_ms },
	    b->now);
}

/* A lane with n fetched rows that fails until it probes. */
static void
make_probing(struct bench *b, uint32_t n, int64_t ahead_ms)
{
	struct lane_row *row;
	struct lane_rows rest;

	open_lane(b, 1, 8);
	fetch(b, 1, n, INT64_MAX);
	for (int i = 1; i <= LANE_FAILURES; i++) {
		want_i64(start(b, &row), 1, "start %d", i);
		want_i64(fail_row(b, row, ahead_ms), i == LANE_FAILURES,
		    "begins to probe after %d", i);
	}
	rest = lane_take_back(b->ls, 1, b->now);
	want_i64(rest.n, n - LANE_FAILURES, "rows given back");
}

static void
a_lane_that_failed_five_times_probes_with_one(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;
	struct lane_wish w;

	(void)state;
	make_probing(b, 20, 5000);
	lane_due(b->ls, 1, b->now.wall_ms, b->now);	/* a new event */
	assert_false(lane_ask(b->ls, b->now, &w));
	want_i64(lanes_wake_ms(b->ls), b->now.mono_ms + 5000, "wakes");
	pass(b, 4999);
	assert_false(lane_ask(b->ls, b->now, &w));
	pass(b, 1);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.probe, true, "probe");
	want_i64(w.max, 1, "rows");
	fetch(b, 1, 1, b->now.wall_ms);
	assert_false(lane_ask(b->ls, b->now, &w));
	want_i64(start(b, &row), 1, "the probe");
	assert_false(lane_ask(b->ls, b->now, &w));
	want_i64(start(b, NULL), 0, "beside the probe");
	want_i64(fail_row(b, row, 300000), false, "begins again");
	want_i64(lanes_wake_ms(b->ls), b->now.mono_ms + 300000, "wakes");
	bench_free(b);
}

static void
a_probe_comes_every_quarter_of_an_hour_and_never_at_once(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;
	struct lane_wish w;

	(void)state;
	make_probing(b, 6, 86400000);
	want_i64(lanes_wake_ms(b->ls), b->now.mono_ms + LANE_PROBE_MS, "wakes");
	lane_probe_due(b->ls, 1, b->now.wall_ms + 7000, b->now);
	want_i64(lanes_wake_ms(b->ls), b->now.mono_ms + 7000, "told better");
	pass(b, 7000);
	assert_true(lane_ask(b->ls, b->now, &w));
	lane_probe_due(b->ls, 1, INT64_MAX, b->now);	/* too late to tell */
	fetch(b, 1, 1, b->now.wall_ms);
	want_i64(start(b, &row), 1, "the probe");
	end(b, row, LANE_FAILURE);	/* dead: the next may come */
	want_i64(lanes_wake_ms(b->ls), b->now.mono_ms + LANE_PROBE_MIN_MS,
	    "wakes");
	bench_free(b);
}

static void
a_success_ends_the_probing_and_pulls_what_waits(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;
	struct lane_wish w;

	(void)state;
	make_probing(b, 20, 5000);
	pass(b, 5000);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.pull, false, "pull");
	fetch(b, 1, 1, b->now.wall_ms + 300000);
	want_i64(start(b, &row), 1, "the probe");
	end(b, row, LANE_SUCCESS);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.probe, false, "probe");
	want_i64(w.pull, true, "pull");
	want_i64(w.since_ms, INT64_MIN, "from the beginning");
	fetch(b, 1, 20, b->now.wall_ms);
	want_i64(start_all(b), 2, "wide now");
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.pull, false, "pull again");
	bench_free(b);
}

static void
rows_that_come_after_a_lane_began_to_probe_are_left(void **state)
{
	struct lane_rows rows = { NULL, NULL, 0 };
	struct bench *b = bench_new(256);
	struct lane_row late = { .next = NULL }, *row;
	struct lane_wish w;

	(void)state;
	open_lane(b, 1, 8);
	fetch(b, 1, LANE_FAILURES, b->now.wall_ms);
	assert_true(lane_ask(b->ls, b->now, &w));
	for (int i = 0; i < LANE_FAILURES; i++) {
		want_i64(start(b, &row), 1, "start %d", i);
		fail_row(b, row, 5000);
	}
	lane_rows_add(&rows, &late);
	lane_fetched(b->ls, 1, &rows, INT64_MAX, b->now);
	want_i64(rows.n, 1, "left");
	pass(b, 5000);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.probe, true, "probe");
	bench_free(b);
}

static void
a_lane_known_to_fail_begins_with_its_probe(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_wish w;

	(void)state;
	open_lane(b, 1, 8);
	lane_due(b->ls, 1, b->now.wall_ms, b->now);
	assert_true(lane_ask(b->ls, b->now, &w));
	lane_failed_before(b->ls, 1, 7, b->now.wall_ms + 60000, b->now);
	fetch(b, 1, 0, b->now.wall_ms);
	assert_false(lane_ask(b->ls, b->now, &w));
	pass(b, 60000);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.probe, true, "probe");
	bench_free(b);
}

static void
a_probe_that_is_not_at_hand_is_asked_for_a_little_later(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_wish w;

	(void)state;
	make_probing(b, 6, 5000);
	pass(b, 5000);
	assert_true(lane_ask(b->ls, b->now, &w));
	fetch(b, 1, 0, b->now.wall_ms);
	assert_false(lane_ask(b->ls, b->now, &w));
	want_i64(lanes_wake_ms(b->ls), b->now.mono_ms + 100, "wakes");
	pass(b, 100);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.probe, true, "probe");
	bench_free(b);
}

static void
a_mended_subscription_is_tried_at_once(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_wish w;

	(void)state;
	make_probing(b, 6, 5000);
	assert_false(lane_ask(b->ls, b->now, &w));
	open_lane(b, 1, 8);		/* some other lane's change */
	assert_false(lane_ask(b->ls, b->now, &w));
	lane_rule(b->ls, 1, (struct lane_rules){ .open = true, .width = 8,
	    .version = 2 }, b->now);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.probe, true, "probe");
	bench_free(b);
}

static void
an_endpoint_that_asks_for_rest_gets_it_for_its_whole_lane(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;

	(void)state;
	open_lane(b, 1, 8);
	fetch(b, 1, 10, INT64_MAX);
	want_i64(start(b, &row), 1, "start");
	(void)lane_done(b->ls, row, (struct lane_end){
	    .result = LANE_FAILURE, .next_ms = b->now.wall_ms + 30000,
	    .quiet_ms = 30000 }, b->now);
	want_i64(start(b, NULL), 0, "at once");
	want_i64(lanes_wake_ms(b->ls), b->now.mono_ms + 30000, "wakes");
	pass(b, 30000);
	want_i64(start(b, NULL), 1, "afterwards");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lane_that_failed_five_times_probes_with_one),
	    cmocka_unit_test(
		a_probe_comes_every_quarter_of_an_hour_and_never_at_once),
	    cmocka_unit_test(a_success_ends_the_probing_and_pulls_what_waits),
	    cmocka_unit_test(
		rows_that_come_after_a_lane_began_to_probe_are_left),
	    cmocka_unit_test(a_lane_known_to_fail_begins_with_its_probe),
	    cmocka_unit_test(
		a_probe_that_is_not_at_hand_is_asked_for_a_little_later),
	    cmocka_unit_test(a_mended_subscription_is_tried_at_once),
	    cmocka_unit_test(
		an_endpoint_that_asks_for_rest_gets_it_for_its_whole_lane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
