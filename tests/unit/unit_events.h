/*
 * unit_events - events, claims and outcomes for tests of what is delivered.
 */
#ifndef TESTS_UNIT_EVENTS_H
#define TESTS_UNIT_EVENTS_H

#include "store/bdb_key.h"
#include "base/log.h"
#include "store/bdb.h"
#include "unit_store.h"

/* A store that is open, and how it is found again. */
struct fixture {
	struct place	 place;
	struct store	*st;
};

static inline int
fixture_make(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	place_make(&f->place);
	f->st = place_open(&f->place, false);
	*state = f;
	return 0;
}

static inline int
fixture_remove(void **state)
{
	struct fixture *f = *state;

	store_close(f->st);
	place_remove(&f->place);
	free(f);
	return 0;
}

/* Accept one event for n subscriptions, found by nref references. */
static inline uint64_t
event_for(struct store *st, const char *sender_id, const uint32_t *sub,
    uint32_t n, const uint64_t *ref, uint32_t nref)
{
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .sender_id = slice_of(sender_id),
	    .order = SLICE("{\"agwID\":\"AGW-1\"}"), .key = 3,
	    .subscription = sub, .nsubscription = n, .ref = ref,
	    .nref = nref };

	want_rc(store_generation(st, &a.generation), RC_OK, "generation");
	want_rc(store_accept(st, &a, 1), RC_OK, "accept");
	want_rc(a.rc, RC_OK, "accept's item");
	return a.position;
}

static inline uint64_t
event_to(struct store *st, uint32_t sub)
{
	return event_for(st, NULL, &sub, 1, NULL, 0);
}

/*
 * Many at once, which takes one sync, found by a reference unless that is 0;
 * the position of the first.
 */
static inline uint64_t
events_with(struct store *st, uint32_t sub, uint64_t ref, size_t n)
{
	struct store_accept *a = calloc(n, sizeof *a);
	uint64_t first;

	assert_non_null(a);
	for (size_t i = 0; i < n; i++)
		a[i] = (struct store_accept){ .type = SLICE("OrderTicketed"),
		    .order = SLICE("{}"), .subscription = &sub,
		    .nsubscription = 1, .ref = &ref, .nref = ref != 0 };
	want_rc(store_generation(st, &a[0].generation), RC_OK, "generation");
	for (size_t i = 1; i < n; i++)
		a[i].generation = a[0].generation;
	want_rc(store_accept(st, a, n), RC_OK, "accept");
	for (size_t i = 0; i < n; i++)
		want_rc(a[i].rc, RC_OK, "accept's item %zu", i);
	first = a[0].position;
	free(a);
	return first;
}

static inline uint64_t
events_to(struct store *st, uint32_t sub, size_t n)
{
	return events_with(st, sub, 0, n);
}

/* The due row of a delivery that was never tried. */
static inline struct store_due
due_of(struct store *st, uint64_t position, uint32_t sub)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct store_due d = { .key = { position, sub, 0 } };

	want_rc(store_event_get(st, position, &ev), RC_OK, "event");
	d.due_ms = ev.accepted_ms;
	store_event_clear(&ev);
	return d;
}

/* Settle one; its result. */
static inline enum rc
settle_one(struct store *st, struct store_due due,
    enum store_outcome outcome, int64_t now_ms, int64_t next_ms,
    const struct store_attempt *at)
{
	struct store_settle s = { .due = due, .outcome = outcome,
	    .now_ms = now_ms, .next_ms = next_ms, .attempt = at,
	    .attempts = (uint16_t)(due.attempts + (at != NULL)) };

	if (outcome == STORE_DEAD)
		memcpy(s.reason, "exhausted", sizeof "exhausted");
	want_rc(store_settle(st, &s, 1, false), RC_OK, "store_settle");
	return s.rc;
}

/* A store_verify_line that tells what should not be. */
static inline void
said_wrong(void *arg, bool problem, const char *text)
{
	(void)arg;
	if (problem)
		print_error("%s\n", text);
}

/* Nothing that is stored may contradict the rest. */
static inline void
want_sound(struct store *st)
{
	uint64_t problems;

	want_rc(store_verify(st, false, said_wrong, NULL, &problems), RC_OK,
	    "verify");
	want_i64((int64_t)problems, 0, "problems");
}

/* Damage: write a row, or take one away, behind the store's back. */
static inline void
row_put(struct store *st, enum bdb_file file, const struct buf *key,
    const struct buf *val)
{
	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_put(st, NULL, file, key, val), RC_OK, "put");
	bdb_leave(st);
}

static inline void
row_del(struct store *st, enum bdb_file file, const struct buf *key)
{
	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_del(st, NULL, file, key), RC_OK, "del");
	bdb_leave(st);
}

#endif
