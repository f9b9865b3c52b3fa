#include "unit_lane.h"

/* Lanes whose messages all go through one server: unit_lane's has room for 4. */

static void
open_shared(struct bench *b, uint32_t number, uint32_t width)
{
	lane_rule(b->ls, number, (struct lane_rules){ .open = true,
	    .width = width, .shared = true }, b->now);
}

static void
the_server_is_met_with_one_and_then_with_twice_as_many(void **state)
{
	static const uint32_t want[] = { 1, 2, 4, 4 };
	struct bench *b = bench_new(256);
	struct lane_row *row[8];

	(void)state;
	open_shared(b, 1, 8);
	open_shared(b, 2, 8);
	fetch(b, 1, 20, INT64_MAX);
	fetch(b, 2, 20, INT64_MAX);
	for (size_t i = 0; i < NELEM(want); i++) {
		uint32_t n = 0;

		while (start(b, &row[n]) != 0)
			n++;
		want_i64(n, want[i], "in flight, round %zu", i);
		/* one success doubles; the others of a round change nothing */
		for (uint32_t j = 0; j < n; j++)
			end(b, row[j], j == 0 ? LANE_SUCCESS : LANE_NEUTRAL);
	}
	bench_free(b);
}

static void
they_take_turns(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;

	(void)state;
	for (uint32_t n = 1; n <= 3; n++) {
		open_shared(b, n, 8);
		fetch(b, n, 3, INT64_MAX);
	}
	for (uint32_t i = 0; i < 9; i++) {
		want_i64(start(b, &row), i % 3 + 1, "lane of start %u", i);
		end(b, row, LANE_NEUTRAL);
	}
	bench_free(b);
}

static void
other_lanes_keep_their_pace_while_the_server_takes_its_time(void **state)
{
	struct bench *b = bench_new(8);
	struct lane_row *mail, *row;

	(void)state;
	open_shared(b, 1, 8);
	fetch(b, 1, 8, INT64_MAX);
	open_lane(b, 2, 8);
	fetch(b, 2, 20, INT64_MAX);
	want_i64(start(b, &mail), 1, "the server's comes first");
	pass(b, 60000);
	for (int i = 0; i < 20; i++) {
		want_i64(start(b, &row), 2, "start %d", i);
		end(b, row, LANE_SUCCESS);
	}
	want_i64(start(b, NULL), 0, "all of them are sent");
	end(b, mail, LANE_SUCCESS);
	want_i64(start(b, NULL), 1, "and it goes on");
	bench_free(b);
}

static void
all_rest_when_the_server_fails_and_one_tries_again(void **state)
{
	/* seconds of rest after each failure in a row */
	static const int rest[] = { 5, 10, 20, 40, 80, 160, 300, 300 };
	struct bench *b = bench_new(256);
	struct lane_row *row, *others[2];

	(void)state;
	for (uint32_t n = 1; n <= 3; n++) {
		open_shared(b, n, 8);
		fetch(b, n, 20, INT64_MAX);
	}
	for (int i = 0; i < 2; i++) {
		want_i64(start(b, &row) != 0, 1, "warm up");
		end(b, row, LANE_SUCCESS);
	}
	assert_true(start(b, &row) != 0);
	for (int i = 0; i < 2; i++)
		assert_true(start(b, &others[i]) != 0);
	end(b, row, LANE_SERVER);
	for (int i = 0; i < 2; i++)	/* these fail for the same reason */
		end(b, others[i], LANE_SERVER);
	want_i64(lanes_server_failures(b->ls), 1, "failures");
	for (size_t i = 0; i < NELEM(rest); i++) {
		want_i64(start(b, NULL), 0, "at once, round %zu", i);
		want_i64(lanes_wake_ms(b->ls), b->now.mono_ms +
		    rest[i] * 1000, "wakes, round %zu", i);
		pass(b, rest[i] * 1000 - 1);
		want_i64(start(b, NULL), 0, "too early, round %zu", i);
		pass(b, 1);
		assert_true(start(b, &row) != 0);
		want_i64(start(b, NULL), 0, "a second, round %zu", i);
		if (i + 1 < NELEM(rest))
			end(b, row, LANE_SERVER);
	}
	end(b, row, LANE_SUCCESS);
	want_i64(lanes_server_failures(b->ls), 0, "after a success");
	want_i64(start_all(b), 2, "and wider again");
	bench_free(b);
}

static void
what_waits_for_the_server_is_told_apart(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;

	(void)state;
	open_shared(b, 1, 8);
	fetch(b, 1, 8, INT64_MAX);
	want_i64(lanes_count(b->ls).stalled, 0, "before it fails");
	assert_true(start(b, &row) != 0);
	end(b, row, LANE_SERVER);
	want_i64(lanes_count(b->ls).stalled, 7, "while it fails");
	want_i64(lanes_count(b->ls).fetched, 7, "fetched");
	pass(b, LANE_SHARED_MIN_MS);
	assert_true(start(b, &row) != 0);
	end(b, row, LANE_FAILURE);
	want_i64(lanes_count(b->ls).stalled, 0, "once it answers");
	bench_free(b);
}

static void
recipients_that_fail_keep_no_other_one_waiting(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_row *row;

	(void)state;
	open_shared(b, 1, 8);
	fetch(b, 1, 20, INT64_MAX);
	for (int i = 0; i < 12; i++) {
		want_i64(start(b, &row), 1, "start %d", i);
		assert_false(lane_done(b->ls, row, (struct lane_end){
		    .result = LANE_FAILURE, .next_ms = b->now.wall_ms + 5000 },
		    b->now));
	}
	want_i64(start_all(b), 4, "as many as the server takes");
	bench_free(b);
}

static void
its_lanes_fetch_no_more_than_they_can_start(void **state)
{
	struct bench *b = bench_new(256);
	struct lane_wish w;

	(void)state;
	open_shared(b, 1, 3);
	lane_due(b->ls, 1, b->now.wall_ms, b->now);
	assert_true(lane_ask(b->ls, b->now, &w));
	want_i64(w.max, 3, "rows");
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_is_met_with_one_and_then_with_twice_as_many),
		cmocka_unit_test(they_take_turns),
		cmocka_unit_test(other_lanes_keep_their_pace_while_the_server_takes_its_time),
		cmocka_unit_test(all_rest_when_the_server_fails_and_one_tries_again),
		cmocka_unit_test(what_waits_for_the_server_is_told_apart),
		cmocka_unit_test(recipients_that_fail_keep_no_other_one_waiting),
		cmocka_unit_test(its_lanes_fetch_no_more_than_they_can_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
