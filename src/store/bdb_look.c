#include <inttypes.h>
#include "base/log.h"
#include "store/bdb_delivery.h"
#include "store/bdb_meet.h"

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

struct events_arg {
	const struct store_ref	*ref;
	size_t			 nref;
	uint64_t		 before;
	struct store_event	*ev;
	size_t			 max, n;
	uint64_t		 next;
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

static enum rc
events_by_ref(struct store *st, struct events_arg *a)
{
	struct meet *m = meet_new(a->ref, a->nref, a->before);
	uint64_t limit = a->before - 1, position;
	bool met;
	enum rc rc = RC_OK;

	a->next = limit == 0 ? 0 : a->before;
	while (a->next != 0 && a->n < a->max && a->budget > 0) {
		rc = meet_next(st, m, limit, &a->budget, &position, &met);
		if (rc != RC_OK)
			break;
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
			break;
		rc = RC_OK;
		limit = position - 1;
		if (limit == 0)
			a->next = 0;
	}
	meet_free(m);
	return rc;
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
store_events(struct store *st, const struct store_ref *ref, size_t nref,
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
	rc = bdb_read(st, events, &a);
	if (rc == RC_OK) {
		*n = a.n;
		*next = a.next;
	}
	return rc;
}
