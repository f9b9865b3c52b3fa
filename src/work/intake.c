#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "work/intake.h"
#include "work/nudge.h"
#include "work/take.h"
#include "work/timer.h"

#define NUDGES_MAX	3	/* full ones of one run before it says "look";
				   the kernel queues ten for the sweep */

/* What one item needs until it is accepted. */
struct slot {
	struct event	 event;
	struct take_match match;
	struct store_timer_change timers;
};

/* Begins with room for one event; a batch's run takes more for a while. */
struct intake_work {
	struct event_reader	 reader;
	size_t			 cap;		/* of the three below */
	struct slot		*slot;		/* by item */
	struct store_accept	*accept;
	size_t			*item;		/* accept's item */
};

/* One call of intake_take. */
struct run {
	const struct intake *in;
	struct intake_work *w;
	struct intake_item *item;
	uint32_t	 key;
};

static void *
more(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (p == NULL)
		log_fatal("out of memory");
	return p;
}

static void
slot_free(struct slot *s)
{
	event_free(&s->event);
	take_match_free(&s->match);
}

/* Have room for n items, and no more if it is fewer than there was. */
static void
resize(struct intake_work *w, size_t n)
{
	for (size_t i = n; i < w->cap; i++)
		slot_free(&w->slot[i]);
	w->slot = more(w->slot, n, sizeof *w->slot);
	w->accept = more(w->accept, n, sizeof *w->accept);
	w->item = more(w->item, n, sizeof *w->item);
	for (size_t i = w->cap; i < n; i++)
		w->slot[i] = (struct slot){ .event = EVENT_INIT };
	w->cap = n;
}

struct intake_work *
intake_work_new(const struct intake *in)
{
	struct intake_work *w = calloc(1, sizeof *w);

	if (w == NULL)
		log_fatal("out of memory");
	w->reader = (struct event_reader)EVENT_READER_INIT(in->catalog,
	    in->crypt);
	resize(w, 1);
	return w;
}

void
intake_work_trim(struct intake_work *w)
{
	if (w->cap > 1)
		resize(w, 1);
}

void
intake_work_free(struct intake_work *w)
{
	if (w == NULL)
		return;
	event_reader_free(&w->reader);
	for (size_t i = 0; i < w->cap; i++)
		slot_free(&w->slot[i]);
	free(w->slot);
	free(w->accept);
	free(w->item);
	free(w);
}

enum rc
intake_key(const struct intake *in, struct slice token,
    const struct roster **roster, const struct apikey **key)
{
	enum rc rc;

	*key = NULL;
	rc = rosters_get(in->rosters, 0, false, roster);
	if (rc != RC_OK)
		return rc;
	*key = roster_key_by_token(*roster, token);
	if (*key != NULL || token.s == NULL)
		return RC_OK;
	roster_release(*roster);	/* perhaps it was made a moment ago */
	rc = rosters_get(in->rosters, 0, true, roster);
	if (rc == RC_OK)
		*key = roster_key_by_token(*roster, token);
	return rc;
}

static void
fill(struct store_accept *a, const struct event *ev, uint32_t key)
{
	memset(a, 0, sizeof *a);
	a->type = slice_of(ev->type->name);
	a->sender_id = ev->sender_id;
	a->occurred = ev->occurred;
	a->order = ev->order;
	memcpy(a->content, ev->content, sizeof a->content);
	a->key = key;
	a->test = ev->test;
	a->ref = ev->ref;
	a->nref = (uint32_t)ev->nref;
}

/* What item i does to timers; its order was just read. */
static void
fill_timers(struct intake_work *w, size_t i, struct store_accept *a)
{
	struct slot *s = &w->slot[i];

	if (timer_change(w->reader.crypt, s->event.type, &w->reader.order,
	    s->event.test, clock_now_ms(), &s->timers))
		a->timers = &s->timers;
}

/* Match item i, whose order was just read. */
static void
match(struct intake_work *w, size_t i, const struct roster *r,
    struct store_accept *a)
{
	struct slot *s = &w->slot[i];

	take_match(&s->match, r, s->event.type, &w->reader.order);
	take_match_put(&s->match, r, s->event.chain, a);
}

static void
conclude(struct intake_item *it, const struct store_accept *a)
{
	it->position = a->position;
	it->deliveries = a->deliveries;
	switch (a->rc) {
	case RC_OK:
		it->status = 202;
		break;
	case RC_EXISTS:
		it->status = 200;
		break;
	case RC_INVALID:
		it->status = 409;
		problems_add(&it->bad, "/id", "was accepted before with other "
		    "content");
		break;
	case RC_TOOBIG:
		it->status = 422;
		problems_add(&it->bad, "/order", "is too large");
		break;
	default:
		it->status = 503;
		problems_add(&it->bad, "", a->rc == RC_FULL ?
		    "the store has no room just now" :
		    "the store can't be reached just now");
	}
}

/*
 * Give every item its outcome but those that were matched under an older
 * generation.  Returns how many these are, moved to the front.
 */
static size_t
conclude_all(struct intake_work *w, struct intake_item *item, size_t n)
{
	size_t left = 0;

	for (size_t k = 0; k < n; k++) {
		if (w->accept[k].rc != RC_STALE)
			conclude(&item[w->item[k]], &w->accept[k]);
		else
			w->item[left++] = w->item[k];
	}
	return left;
}

/* The key may have been revoked since the request was let in. */
static bool
key_holds(const struct roster *r, uint32_t key)
{
	return key == INTAKE_NO_KEY || roster_key(r, key) != NULL;
}

static void
refuse_key(struct intake_item *it)
{
	it->status = 401;
	problems_add(&it->bad, "", "the key was revoked");
}

/*
 * Name a lane, sending what is full.  False: so many that looking at everything
 * is cheaper.
 */
static bool
name_lane(const struct intake *in, struct nudge *nu, size_t *sent,
    uint32_t lane, int64_t due_ms)
{
	for (size_t j = 0; j < nu->n; j++)
		if (nu->lane[j].lane == lane)
			return true;
	if (nu->n == NUDGE_LANES_MAX) {
		if (*sent == NUDGES_MAX)
			return false;
		nudge_send(in->nudge, in->store_dir, nu);
		nu->n = 0;
		(*sent)++;
	}
	nu->lane[nu->n++] = (struct nudge_lane){ lane, due_ms };
	return true;
}

/* Tell a standing sweep which lanes have something due. */
static void
nudge(const struct intake *in, const struct intake_work *w, size_t n)
{
	struct nudge nu;
	size_t sent = 0;
	bool many = false;

	nu.n = 0;
	for (size_t k = 0; k < n && !many; k++) {
		const struct store_accept *a = &w->accept[k];

		if (a->rc != RC_OK)
			continue;
		if (a->fanout) {	/* lane 0: there is one to be made */
			many = !name_lane(in, &nu, &sent, 0, a->accepted_ms);
			continue;
		}
		for (uint32_t s = 0; s < a->nsubscription && !many; s++)
			many = !name_lane(in, &nu, &sent, a->subscription[s],
			    a->accepted_ms);
	}
	if (nu.n == 0)
		return;
	nudge_send(in->nudge, in->store_dir, &nu);
	if (many) {
		nu.n = 0;		/* look at everything */
		nudge_send(in->nudge, in->store_dir, &nu);
	}
}

static bool
too_long(const struct intake *in, struct intake_item *it)
{
	if (in->event_max == 0 || it->json.len <= in->event_max)
		return false;
	it->status = 422;
	problems_add(&it->bad, "", "an event has at most %zu bytes",
	    in->event_max);
	return true;
}

/* Read n items, and match those that are sound. */
static size_t
read_and_match(void *arg, const struct roster *r, size_t n)
{
	const struct run *x = arg;
	struct intake_work *w = x->w;
	size_t left = 0;

	for (size_t k = 0; k < n; k++) {
		size_t i = w->item[k];
		struct intake_item *it = &x->item[i];
		struct event *ev = &w->slot[i].event;
		struct store_accept *a = &w->accept[left];

		problems_clear(&it->bad);
		if (r != NULL && !key_holds(r, x->key)) {
			refuse_key(it);
		} else if (too_long(x->in, it)) {
			continue;
		} else if (event_read(&w->reader, it->json, ev, &it->bad) !=
		    RC_OK) {
			it->status = it->bad.grammar ? 400 : 422;
		} else {
			fill(a, ev, x->key);
			fill_timers(w, i, a);
			if (r != NULL)
				match(w, i, r, a);
			w->item[left++] = i;
		}
	}
	return left;
}

static size_t
taken(void *arg, size_t n)
{
	const struct run *x = arg;

	nudge(x->in, x->w, n);
	return conclude_all(x->w, x->item, n);
}

void
intake_take(const struct intake *in, struct intake_work *w, uint32_t key,
    struct intake_item *item, size_t n)
{
	struct run x = { in, w, item, key };
	const struct take t = { in->store, in->rosters, read_and_match, taken,
	    &x };

	if (n > w->cap)
		resize(w, n);
	for (size_t i = 0; i < n; i++)
		w->item[i] = i;
	take_events(&t, w->accept, n);
	event_reader_trim(&w->reader);
}
