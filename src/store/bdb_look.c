#include <inttypes.h>
#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_delivery.h"

#define REF_BATCH	256	/* positions of one reference read at once */

struct event_arg {
	uint64_t		 position;
	struct store_event	*ev;
};

static enum rc
event_get(struct store *st, void *arg)
{
	struct event_arg *a = arg;
	enum rc rc;

	rc = bdb_event_row(st, NULL, a->position, a->ev);
	if (rc == RC_INVALID) {
		log_error("store: event %" PRIu64 " can't be read",
		    a->position);
		rc = RC_IO;
	}
	return rc;
}

enum rc
store_event_get(struct store *st, uint64_t position, struct store_event *ev)
{
	struct event_arg a = { position, ev };

	return bdb_read(st, event_get, &a);
}

struct sender_arg {
	struct slice	 sender_id;
	uint64_t	 position;
};

static enum rc
sender(struct store *st, void *arg)
{
	struct sender_arg *a = arg;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct key_taken t;
	enum rc rc;

	key_sender(&key, a->sender_id);
	rc = bdb_get(st, NULL, BDB_SENDER, &key, &val, false);
	if (rc == RC_OK) {
		rc = value_sender_parse(buf_as_slice(&val), &t);
		if (rc == RC_OK) {
			a->position = t.position;
		} else {
			log_error("store: a sender id's row can't be read");
			rc = RC_IO;
		}
	}
	buf_free(&val);
	buf_free(&key);
	return rc;
}

enum rc
store_sender(struct store *st, struct slice sender_id, uint64_t *position)
{
	struct sender_arg a = { .sender_id = sender_id };
	enum rc rc;

	if (sender_id.len == 0 || sender_id.len > STORE_SENDER_ID_MAX)
		return RC_NOTFOUND;
	rc = bdb_read(st, sender, &a);
	if (rc == RC_OK)
		*position = a.position;
	return rc;
}

/* One reference's positions, newest first, read a batch at a time. */
struct stream {
	uint64_t	ref;
	uint64_t	below;		/* to read on */
	uint64_t	position[REF_BATCH];
	size_t		i, n;
	bool		end;		/* none but those in position */
};

struct events_arg {
	const uint64_t		*ref;
	size_t			 nref;
	uint64_t		 before;
	struct store_event	*ev;
	size_t			 max, n;
	uint64_t		 next;
	struct stream		*stream;	/* nref of them */
	size_t			 budget;
};

/* All events, as they lie. */
static enum rc
events_all(struct store *st, struct events_arg *a)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	uint64_t position;
	enum rc rc;

	a->next = a->before;
	rc = bdb_cur_open(st, NULL, BDB_EVENT, false, &c);
	if (rc != RC_OK)
		goto done;
	key_event(&key, a->before);
	for (rc = bdb_cur_before(&c, &key); rc == RC_OK && a->n < a->max &&
	    a->budget > 0; rc = bdb_cur_prev(&c)) {
		a->budget--;
		if (key_event_parse(c.key, &position) != RC_OK) {
			log_error("store: an event's key can't be read");
			continue;
		}
		a->next = position;
		buf_clear(&a->ev[a->n].raw);
		buf_slice(&a->ev[a->n].raw, c.val);
		if (event_decode(&a->ev[a->n], position) == RC_OK)
			a->n++;
		else
			log_error("store: event %" PRIu64 " can't be read",
			    position);
	}
	if (rc == RC_NOTFOUND) {
		a->next = 0;
		rc = RC_OK;
	}
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

/* The stream's newest position that is not above limit; 0: there is none. */
static enum rc
stream_at(struct store *st, struct events_arg *a, struct stream *s,
    uint64_t limit, uint64_t *position)
{
	enum rc rc;

	for (;;) {
		for (; s->i < s->n; s->i++) {
			if (s->position[s->i] <= limit) {
				*position = s->position[s->i];
				return RC_OK;
			}
			a->budget -= a->budget > 0;
		}
		if (s->end) {
			*position = 0;
			return RC_OK;
		}
		if (limit < s->below - 1)
			s->below = limit + 1;
		s->i = s->n = 0;
		rc = bdb_ref_find(st, s->ref, s->below, s->position, REF_BATCH,
		    &s->n);
		if (rc != RC_OK)
			return rc;
		s->end = s->n < REF_BATCH || s->position[s->n - 1] <= 1;
		if (s->n > 0)
			s->below = s->position[s->n - 1];
	}
}

/*
 * The newest position at or below limit that is in every stream, 0 if there is
 * none: whichever stream has a lower one next sets the limit for the others.
 * *met is false if the budget ended first: then there is none above *position.
 */
static enum rc
streams_meet(struct store *st, struct events_arg *a, uint64_t limit,
    uint64_t *position, bool *met)
{
	size_t agree = 0;
	uint64_t p;
	enum rc rc;

	*met = true;
	*position = limit;
	for (size_t i = 0; agree < a->nref; i = (i + 1) % a->nref) {
		rc = stream_at(st, a, &a->stream[i], *position, &p);
		if (rc != RC_OK)
			return rc;
		agree = p == *position ? agree + 1 : 1;
		*position = p;
		if (p == 0)
			break;
		*met = agree == a->nref;
		if (a->budget == 0)
			break;
	}
	return RC_OK;
}

static enum rc
events_by_ref(struct store *st, struct events_arg *a)
{
	uint64_t limit = a->before - 1, position;
	bool met;
	enum rc rc;

	for (size_t i = 0; i < a->nref; i++)
		a->stream[i] = (struct stream){ .ref = a->ref[i],
		    .below = a->before };
	a->next = limit == 0 ? 0 : a->before;
	while (a->next != 0 && a->n < a->max && a->budget > 0) {
		rc = streams_meet(st, a, limit, &position, &met);
		if (rc != RC_OK)
			return rc;
		a->next = met ? position : position + 1;
		if (!met || position == 0)
			break;
		a->budget--;
		rc = bdb_event_row(st, NULL, position, &a->ev[a->n]);
		if (rc == RC_OK)
			a->n++;
		else if (rc == RC_INVALID)
			log_error("store: event %" PRIu64 " can't be read",
			    position);
		else if (rc != RC_NOTFOUND)	/* purged: its references go
						   later */
			return rc;
		limit = position - 1;
		if (limit == 0)
			a->next = 0;
	}
	return RC_OK;
}

static enum rc
events(struct store *st, void *arg)
{
	struct events_arg *a = arg;

	a->n = 0;
	a->budget = BDB_LOOK_ROWS;
	return a->nref > 0 ? events_by_ref(st, a) : events_all(st, a);
}

enum rc
store_events(struct store *st, const uint64_t *ref, size_t nref,
    uint64_t before, struct store_event *ev, size_t max, size_t *n,
    uint64_t *next)
{
	struct events_arg a = { .ref = ref, .nref = nref,
	    .before = before == 0 ? UINT64_MAX : before, .ev = ev,
	    .max = max };
	enum rc rc;

	*n = 0;
	*next = before;
	if (max == 0)
		return RC_OK;
	if (nref > 0) {
		a.stream = calloc(nref, sizeof *a.stream);
		if (a.stream == NULL)
			log_fatal("out of memory: %zu references", nref);
	}
	rc = bdb_read(st, events, &a);
	if (rc == RC_OK) {
		*n = a.n;
		*next = a.next;
	}
	free(a.stream);
	return rc;
}
