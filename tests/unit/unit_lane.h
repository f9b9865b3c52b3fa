/* unit_lane - lanes for tests: a clock that only the test moves, and rows. */
#ifndef UNIT_LANE_H
#define UNIT_LANE_H

#include <stdlib.h>
#include "deliver/lane.h"
#include "unit.h"

#define ROWS	400

struct bench {
	struct lanes	*ls;
	struct lane_now	 now;
	struct lane_row	 row[ROWS];
	size_t		 used;
};

static inline struct bench *
bench_new(uint32_t slots)
{
	struct bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	b->ls = lanes_new(slots, 4);
	b->now = (struct lane_now){ 1000000, 5000 };
	return b;
}

static inline void
bench_free(struct bench *b)
{
	lanes_free(b->ls);
	free(b);
}

static inline void
pass(struct bench *b, int64_t ms)
{
	b->now.wall_ms += ms;
	b->now.mono_ms += ms;
}

static inline void
open_lane(struct bench *b, uint32_t number, uint32_t width)
{
	lane_rule(b->ls, number, (struct lane_rules){ .open = true,
	    .width = width }, b->now);
}

/* Answer a lane's wish with n rows. */
static inline void
fetch(struct bench *b, uint32_t number, uint32_t n, int64_t next_ms)
{
	struct lane_rows rows = { NULL, NULL, 0 };

	for (uint32_t i = 0; i < n; i++) {
		assert_true(b->used < ROWS);
		lane_rows_add(&rows, &b->row[b->used++]);
	}
	lane_fetched(b->ls, number, &rows, next_ms, b->now);
	want_i64(rows.n, 0, "left of lane %u", number);
}

/* Start one; its lane, or 0. */
static inline uint32_t
start(struct bench *b, struct lane_row **row)
{
	struct lane_row *r = lane_start(b->ls, b->now);

	if (row != NULL)
		*row = r;
	return r == NULL ? 0 : lane_number(r->lane);
}

/* One that is not due again. */
static inline void
end(struct bench *b, struct lane_row *row, enum lane_result result)
{
	(void)lane_done(b->ls, row, (struct lane_end){ .result = result,
	    .next_ms = INT64_MAX }, b->now);
}

static inline uint32_t
start_all(struct bench *b)
{
	uint32_t n = 0;

	while (start(b, NULL) != 0)
		n++;
	return n;
}

#endif
