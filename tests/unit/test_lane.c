#include "unit_lane.h"

static void
a_lane_is_asked_for_when_it_is_due_and_once_at_a_time(void **state)
{
	struct bench *b = bench_new(16);
	struct lane_wish w;

	(void)state;
	open_lane(b, 7, 8);
	assert_false(lane_ask(b->ls, b->now, &w));
	lane_due(b->ls, 7, b->now.wall_ms + 250, b->now);
	assert_false(lane_ask(b->ls, b->now, &w));
	want_i64(lanes_wake_ms(b->ls), b->now.mono_ms + 250, "wakes");
	pass(b, 249);
	assert_false(lane_ask(b->ls, b->now, &w));
	pass(b, 1);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.number, 7, "lane");
	want_i64(w.max, LANE_FETCH, "rows");
	want_i64(w.since_ms, b->now.wall_ms, "since");
	lane_due(b->ls, 7, b->now.wall_ms - 3, b->now);
	assert_false(lane_ask(b->ls, b->now, &w));	/* under way */
	fetch(b, 7, 0, INT64_MAX);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.since_ms, b->now.wall_ms - 3, "since");
	fetch(b, 7, 0, INT64_MAX);
	assert_false(lane_ask(b->ls, b->now, &w));
	bench_free(b);
}

static void
more_is_fetched_when_half_is_used_up(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;
	struct lane_wish w;

	(void)state;
	open_lane(b, 1, 8);
	fetch(b, 1, LANE_FETCH, b->now.wall_ms);
	for (int i = 0; i < LANE_FETCH / 2 - 1; i++) {
		want_i64(start(b, &row), 1, "start %d", i);
		end(b, row, LANE_SUCCESS);
		if (lane_ask(b->ls, b->now, &w))
			fail_msg("asked with %d left", LANE_FETCH - i - 1);
	}
	want_i64(start(b, &row), 1, "start");
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.max, LANE_FETCH / 2, "rows");
	bench_free(b);
}

static void
a_lane_has_no_more_in_flight_than_its_width(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;

	(void)state;
	open_lane(b, 1, 8);
	fetch(b, 1, 20, INT64_MAX);
	for (int i = 0; i < 8; i++)
		want_i64(start(b, &row), 1, "start %d", i);
	want_i64(start(b, NULL), 0, "a ninth");
	end(b, row, LANE_SUCCESS);
	want_i64(start(b, NULL), 1, "after one ended");
	want_i64(start(b, NULL), 0, "and no more");
	bench_free(b);
}

static void
further_slots_come_only_from_half_of_all(void **state)
{
	struct bench *b = bench_new(8);

	(void)state;
	for (uint32_t n = 1; n <= 10; n++) {
		open_lane(b, n, 8);
		if (n <= 2)
			fetch(b, n, 8, INT64_MAX);
	}
	want_i64(start_all(b), 4, "two lanes");
	for (uint32_t n = 3; n <= 10; n++)
		fetch(b, n, 1, INT64_MAX);
	want_i64(start_all(b), 4, "first slots from all");
	want_i64(lanes_count(b->ls).flight, 8, "in flight");
	bench_free(b);
}

static void
lanes_take_turns(void **state)
{
	static const uint32_t want[] = { 1, 2, 3, 1, 2, 3, 1, 2 };
	struct bench *b = bench_new(100);

	(void)state;
	for (uint32_t n = 1; n <= 3; n++) {
		open_lane(b, n, 8);
		fetch(b, n, 30, INT64_MAX);
	}
	for (size_t i = 0; i < NELEM(want); i++)
		want_i64(start(b, NULL), want[i], "turn %zu", i);
	bench_free(b);
}

static void
a_failure_narrows_a_lane_to_one_and_successes_widen_it(void **state)
{
	static const uint32_t width[] = { 2, 4, 8, 8 };
	struct bench *b = bench_new(256);
	struct lane_row *row[ROWS];
	uint32_t n = 0;

	(void)state;
	open_lane(b, 1, 8);
	fetch(b, 1, 60, INT64_MAX);
	want_i64(start(b, &row[0]), 1, "start");
	end(b, row[0], LANE_FAILURE);
	want_i64(start(b, &row[n++]), 1, "one");
	want_i64(start(b, NULL), 0, "a second");
	for (size_t i = 0; i < NELEM(width); i++) {
		end(b, row[--n], LANE_SUCCESS);
		while (start(b, &row[n]) != 0)
			n++;
		want_i64(n, width[i], "after success %zu", i + 1);
	}
	bench_free(b);
}

static void
a_lane_that_hangs_gets_no_further_slot_after_a_second(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;

	(void)state;
	open_lane(b, 1, 8);
	fetch(b, 1, 1, INT64_MAX);
	want_i64(start(b, &row), 1, "start");
	pass(b, LANE_SUSPECT_MS);
	fetch(b, 1, 10, INT64_MAX);
	want_i64(start(b, NULL), 0, "while it hangs");
	want_i64(lanes_count(b->ls).suspect_flight, 1, "suspect");
	end(b, row, LANE_SUCCESS);
	want_i64(lanes_count(b->ls).suspect_flight, 0, "suspect after");
	want_i64(start(b, NULL), 1, "afterwards");
	want_i64(start(b, NULL), 1, "and wide");
	bench_free(b);
}

static void
suspect_lanes_together_have_at_most_half_of_all_slots(void **state)
{
	struct bench *b = bench_new(8);
	struct lane_row *row;
	uint32_t n;

	(void)state;
	for (n = 1; n <= 8; n++) {
		open_lane(b, n, 8);
		fetch(b, n, 10, INT64_MAX);
		want_i64(start(b, &row), n, "lane");
		end(b, row, LANE_FAILURE);
		(void)lane_take_back(b->ls, n, b->now);
	}
	for (n = 1; n <= 8; n++)
		fetch(b, n, 3, INT64_MAX);
	want_i64(start_all(b), 4, "suspect lanes");
	want_i64(lanes_count(b->ls).suspect_flight, 4, "suspect");
	open_lane(b, 9, 8);
	fetch(b, 9, 5, INT64_MAX);
	want_i64(start(b, NULL), 9, "a sound lane");
	want_i64(start(b, NULL), 0, "its second, over half");
	bench_free(b);
}

/* Of 16 slots 8 hang in one lane, since before it was known to hang. */
static void
what_hangs_from_before_does_not_keep_out_who_fails_and_answers(void **state)
{
	struct bench *b = bench_new(16);
	struct lane_row *row;

	(void)state;
	open_lane(b, 1, 8);
	fetch(b, 1, 20, INT64_MAX);
	want_i64(start_all(b), 8, "that will hang");
	pass(b, 1000);
	open_lane(b, 2, 8);
	fetch(b, 2, 20, INT64_MAX);
	want_i64(start(b, &row), 2, "one that answers");
	end(b, row, LANE_FAILURE);
	want_i64(start(b, &row), 2, "after it failed");
	end(b, row, LANE_FAILURE);
	for (uint32_t n = 3; n < 20; n++) {	/* and many that hang */
		open_lane(b, n, 8);
		fetch(b, n, 1, INT64_MAX);
		want_i64(start(b, NULL) != 0, n < 11, "lane %d", (int)n);
	}
	bench_free(b);
}

static void
hung_lanes_leave_the_sound_ones_their_slots(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;

	(void)state;
	for (uint32_t n = 1; n <= 90; n++) {
		open_lane(b, n, 8);
		fetch(b, n, 4, INT64_MAX);
	}
	want_i64(start_all(b), 128, "hung ones start");
	pass(b, LANE_SUSPECT_MS);
	want_i64(start_all(b), 0, "and no more");
	for (uint32_t n = 91; n <= 100; n++) {
		open_lane(b, n, 8);
		fetch(b, n, 1, INT64_MAX);
	}
	for (uint32_t n = 91; n <= 100; n++) {
		want_i64(start(b, &row), n, "sound lane");
		end(b, row, LANE_SUCCESS);
	}
	bench_free(b);
}

static void
a_rate_is_kept_without_bursts(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;
	int64_t begun = b->now.mono_ms;
	uint32_t n;

	(void)state;
	lane_rule(b->ls, 1, (struct lane_rules){ .open = true,
	    .width = 8, .rate_per_s = 4 }, b->now);
	pass(b, 10000);
	begun = b->now.mono_ms;
	fetch(b, 1, 20, INT64_MAX);
	for (n = 0; b->now.mono_ms - begun < 2000; ) {
		if (start(b, &row) != 0) {
			n++;
			end(b, row, LANE_SUCCESS);
			continue;
		}
		assert_true(lanes_wake_ms(b->ls) > b->now.mono_ms);
		pass(b, lanes_wake_ms(b->ls) - b->now.mono_ms);
	}
	want_i64(n, 8, "in 2 s at 4 a second");
	bench_free(b);
}

static void
a_shut_lane_neither_starts_nor_asks_and_begins_anew(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_rows rows;
	struct lane_wish w;

	(void)state;
	open_lane(b, 1, 8);
	fetch(b, 1, 5, b->now.wall_ms);
	lane_rule(b->ls, 1, (struct lane_rules){ .width = 8 }, b->now);
	want_i64(start(b, NULL), 0, "shut");
	rows = lane_take_back(b->ls, 1, b->now);
	want_i64(rows.n, 5, "taken back");
	lane_due(b->ls, 1, b->now.wall_ms, b->now);
	assert_false(lane_ask(b->ls, b->now, &w));
	want_i64(lanes_wake_ms(b->ls), INT64_MAX, "wakes");
	lane_fetched(b->ls, 1, &rows, INT64_MAX, b->now);
	want_i64(rows.n, 5, "not taken while shut");
	open_lane(b, 1, 8);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.since_ms, INT64_MIN, "from the beginning");
	bench_free(b);
}

static void
fetching_ahead_is_bounded_over_all_lanes_yet_each_goes_on(void **state)
{
	struct bench *b = bench_new(2);		/* 16 rows ahead in all */
	struct lane_wish w;

	(void)state;
	for (uint32_t n = 1; n <= 3; n++) {
		open_lane(b, n, 1);
		lane_due(b->ls, n, b->now.wall_ms, b->now);
	}
	for (uint32_t n = 1; n <= 3; n++) {
		assert_true(lane_ask(b->ls, b->now, &w));
		want_i64(w.number, n, "lane");
		want_i64(w.max, 1, "rows of lane %u", n);
	}
	bench_free(b);
}

static void
lanes_wake_in_order_of_their_due_times(void **state)
{
	struct bench *b = bench_new(16);
	int64_t last = 0;
	uint32_t seen = 0;
	struct lane_wish w;

	(void)state;
	for (uint32_t n = 1; n <= 97; n++) {
		open_lane(b, n, 8);
		lane_due(b->ls, n, b->now.wall_ms + 1 + n * 37 % 97 * 10,
		    b->now);
	}
	while (lanes_wake_ms(b->ls) != INT64_MAX) {
		int64_t at = lanes_wake_ms(b->ls);

		if (at <= last)
			fail_msg("woke at %" PRId64 " after %" PRId64, at,
			    last);
		last = at;
		pass(b, at - b->now.mono_ms);
		while (lane_ask(b->ls, b->now, &w)) {
			want_i64(w.since_ms, b->now.wall_ms, "due");
			fetch(b, w.number, 0, INT64_MAX);
			seen++;
		}
	}
	want_i64(seen, 97, "lanes that woke");
	bench_free(b);
}

static void
a_rate_that_is_raised_counts_at_once(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_rules r = { .open = true, .width = 8,
	    .rate_per_s = 0.001 };

	(void)state;
	lane_rule(b->ls, 1, r, b->now);
	fetch(b, 1, 4, INT64_MAX);
	want_i64(start(b, NULL), 1, "the first");
	r.rate_per_s = 100;
	lane_rule(b->ls, 1, r, b->now);
	want_i64(start(b, NULL), 0, "at once");
	pass(b, 10);
	want_i64(start(b, NULL), 1, "after its new gap");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_lane_is_asked_for_when_it_is_due_and_once_at_a_time),
	    cmocka_unit_test(more_is_fetched_when_half_is_used_up),
	    cmocka_unit_test(a_lane_has_no_more_in_flight_than_its_width),
	    cmocka_unit_test(further_slots_come_only_from_half_of_all),
	    cmocka_unit_test(lanes_take_turns),
	    cmocka_unit_test(
		a_failure_narrows_a_lane_to_one_and_successes_widen_it),
	    cmocka_unit_test(
		a_lane_that_hangs_gets_no_further_slot_after_a_second),
	    cmocka_unit_test(
		suspect_lanes_together_have_at_most_half_of_all_slots),
	    cmocka_unit_test(
		what_hangs_from_before_does_not_keep_out_who_fails_and_answers),
	    cmocka_unit_test(hung_lanes_leave_the_sound_ones_their_slots),
	    cmocka_unit_test(a_rate_is_kept_without_bursts),
	    cmocka_unit_test(a_rate_that_is_raised_counts_at_once),
	    cmocka_unit_test(
		a_shut_lane_neither_starts_nor_asks_and_begins_anew),
	    cmocka_unit_test(
		fetching_ahead_is_bounded_over_all_lanes_yet_each_goes_on),
	    cmocka_unit_test(lanes_wake_in_order_of_their_due_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
