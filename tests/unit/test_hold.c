/* What a sweep holds of very many lanes. */
#include "deliver/sweep_hold.h"
#include "unit_events.h"

#define LANES	10000
#define MIB	(1024.0 * 1024)

/* One event that 10,000 want, whose endpoints take their time. */
static void
an_event_for_very_many_is_held_within_bounds(void **state)
{
	struct fixture *f = *state;
	struct store_fanout fan = STORE_FANOUT_INIT;
	struct lane_rows all = { NULL, NULL, 0 };
	uint32_t *sub = calloc(LANES, sizeof *sub);
	struct hold *h = hold_new(f->st);
	size_t bytes = 0;

	assert_non_null(sub);
	for (uint32_t i = 0; i < LANES; i++)
		sub[i] = i + 1;
	(void)event_for(f->st, NULL, sub, LANES, NULL, 0);
	do
		want_rc(store_fanout(f->st, &fan), RC_OK, "fanout");
	while (fan.more);
	for (uint32_t i = 1; i <= LANES; i++) {
		struct lane_rows rows = { NULL, NULL, 0 };
		struct lane_wish w = { .number = i, .max = 8,
		    .since_ms = INT64_MAX };
		int64_t next;

		want_rc(hold_claim(h, &w, &rows, &next), RC_OK, "claim");
		while (rows.n > 0) {
			struct lane_row *row = lane_rows_shift(&rows);

			bytes += parcel_of(row)->bytes;
			lane_rows_add(&all, row);
		}
	}
	if (bytes > HOLD_BYTES_MAX * 5 / 4)
		fail_msg("got %.0f MiB held in %u rows, want at most %.0f",
		    (double)bytes / MIB, all.n, HOLD_BYTES_MAX / MIB);
	hold_free(h);
	store_fanout_clear(&fan);
	free(sub);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_for_very_many_is_held_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
