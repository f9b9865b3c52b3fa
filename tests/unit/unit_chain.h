/*
 * unit_chain - events, dues and outcomes for tests of what takes its turn.
 */
#ifndef TESTS_UNIT_CHAIN_H
#define TESTS_UNIT_CHAIN_H

#include "store/bdb_fanout.h"
#include "unit_events.h"

/* What is due in a lane, in its order; rows stay as they are. */
static inline size_t
due_in(struct store *st, uint32_t lane, struct store_due *d, size_t max)
{
	struct store_claim *c = calloc(max, sizeof *c);
	int64_t next;
	size_t n;

	assert_non_null(c);
	want_rc(store_claim(st, lane, NULL, INT64_MAX, c, max, &n, &next),
	    RC_OK, "claim");
	for (size_t i = 0; i < n; i++) {
		d[i] = c[i].due;
		store_event_clear(&c[i].event);
	}
	free(c);
	return n;
}

/* Settle one, and say what came due by it. */
static inline enum rc
end(struct store *st, struct store_due d, enum store_outcome outcome,
    int64_t *promoted_ms)
{
	const struct store_attempt at = { .number =
	    (uint16_t)(d.recorded + 1), .attempt = 1 };
	struct store_settle s = { .due = d, .outcome = outcome,
	    .now_ms = d.due_ms + 1, .next_ms = d.due_ms + 1000,
	    .attempts = (uint16_t)(d.attempts + 1), .attempt = &at,
	    .reason = "exhausted" };

	want_rc(store_settle(st, &s, 1, false), RC_OK, "store_settle");
	*promoted_ms = s.promoted_ms;
	return s.rc;
}

static inline void
line(void *arg, bool problem, const char *text)
{
	if (problem) {
		buf_puts(arg, text);
		buf_putc(arg, '\n');
	}
}

enum { MANY = FANOUT_ABOVE + 300 };

/* An event for lanes 1 to n, the odd ones of which have it in turn. */
static inline struct store_accept
to_many(uint32_t n, uint64_t chain)
{
	static uint32_t sub[MANY];
	static bool turn[MANY];

	for (uint32_t i = 0; i < MANY; i++) {
		sub[i] = i + 1;
		turn[i] = sub[i] % 2 == 1;
	}
	return (struct store_accept){ .type = SLICE("OrderTicketed"),
	    .order = SLICE("{}"), .subscription = sub, .nsubscription = n,
	    .ordered = turn, .chain = chain };
}

static inline void
accept_all(struct store *st, struct store_accept *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		want_rc(store_generation(st, &a[i].generation), RC_OK,
		    "generation");
	want_rc(store_accept(st, a, n), RC_OK, "accept");
	for (size_t i = 0; i < n; i++)
		want_rc(a[i].rc, RC_OK, "item %zu", i);
}

#endif
