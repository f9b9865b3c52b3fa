/*
 * unit_timer - events that set timers, and timers, for tests of the store.
 */
#ifndef TESTS_UNIT_TIMER_H
#define TESTS_UNIT_TIMER_H

#include "store/bdb_timer.h"
#include "unit_events.h"

/* An order by a small number, of which the hash is made up. */
static inline struct store_order
order_no(uint32_t n)
{
	struct store_order o;

	memset(&o, (int)(n * 37 % 251), sizeof o);
	memcpy(o.hash + 4, &n, sizeof n);
	return o;
}

static inline struct store_timer_change
change_of(uint32_t order, enum store_timer_do what0, int64_t at0,
    enum store_timer_do what1, int64_t at1)
{
	return (struct store_timer_change){ order_no(order),
	    { { what0, at0 }, { what1, at1 } } };
}

/* Both set. */
static inline struct store_timer_change
set_of(uint32_t order, int64_t start, int64_t end)
{
	return change_of(order, STORE_TIMER_SET, start, STORE_TIMER_SET, end);
}

/* Accept one event that does this; its result. */
static inline enum rc
accept_timer(struct store *st, const struct store_timer_change *c,
    const struct store_timer *fires, uint64_t *position)
{
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .order = SLICE("{\"agwID\":\"A\"}"), .timers = c,
	    .fires = fires };

	want_rc(store_generation(st, &a.generation), RC_OK, "generation");
	want_rc(store_accept(st, &a, 1), RC_OK, "accept");
	if (a.rc == RC_OK)
		*position = a.position;
	return a.rc;
}

static inline uint64_t
event_that(struct store *st, struct store_timer_change c)
{
	uint64_t position = 0;

	want_rc(accept_timer(st, &c, NULL, &position), RC_OK, "accept");
	return position;
}

static inline void
merge_all(struct store *st, int64_t now_ms)
{
	bool merged, more = true;

	while (more)
		want_rc(store_timer_merge(st, now_ms, &merged, &more), RC_OK,
		    "merge");
}

/* What is due, as "1s@100#3 1c@..." by order, type, time and position. */
static inline const char *
due_at(struct store *st, int64_t now_ms, uint32_t norders, struct buf *out)
{
	struct store_timer t[64];
	int64_t next;
	size_t n;

	want_rc(store_timer_due(st, now_ms, t, NELEM(t), &n, &next), RC_OK,
	    "due");
	buf_clear(out);
	for (size_t i = 0; i < n; i++) {
		uint32_t o = 0;

		while (o < norders && !timer_same_order(order_no(o),
		    t[i].order))
			o++;
		buf_printf(out, "%s%u%c@%" PRId64 "#%" PRIu64,
		    i > 0 ? " " : "", o, t[i].type == STORE_TIMER_STARTED ?
		    's' : 'c', t[i].at_ms, t[i].position);
	}
	if (next != INT64_MAX)
		buf_printf(out, "%snext %" PRId64, n > 0 ? ", " : "", next);
	return buf_str(out);
}

#endif
