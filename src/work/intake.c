#include <stdlib.h>
#include "base/log.h"
#include "work/intake.h"
#include "work/nudge.h"

#define REMATCH_MAX 16	/* configuration changes met while accepting */

struct intake_work {
	struct event_reader	 reader;
	struct event		 event[INTAKE_RUN];
	uint32_t		*match[INTAKE_RUN];
	size_t			 match_cap[INTAKE_RUN];
	struct store_accept	 accept[INTAKE_RUN];
	size_t			 item[INTAKE_RUN];	/* accept's item */
};

struct intake_work *
intake_work_new(const struct intake *in)
{
	struct intake_work *w = calloc(1, sizeof *w);

	if (w == NULL)
		log_fatal("out of memory");
	w->reader = (struct event_reader)EVENT_READER_INIT(in->catalog,
	    in->crypt);
	for (size_t i = 0; i < INTAKE_RUN; i++)
		w->event[i] = (struct event)EVENT_INIT;
	return w;
}

void
intake_work_free(struct intake_work *w)
{
	if (w == NULL)
		return;
	event_reader_free(&w->reader);
	for (size_t i = 0; i < INTAKE_RUN; i++) {
		event_free(&w->event[i]);
		free(w->match[i]);
	}
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

/* Match one item whose order was just read. */
static void
match(struct intake_work *w, size_t i, const struct roster *r,
    const struct event *ev, struct store_accept *a)
{
	a->nsubscription = (uint32_t)roster_match(r, ev->type,
	    &w->reader.order, &w->match[i], &w->match_cap[i]);
	a->subscription = w->match[i];
	a->generation = roster_generation(r);
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

/*
 * Match the first n items again.  A key that was revoked meanwhile takes
 * nothing more.  Returns how many are left to accept.
 */
static size_t
match_again(const struct intake *in, struct intake_work *w, uint32_t key,
    struct intake_item *item, size_t n)
{
	const struct roster *r;
	size_t left = 0;
	enum rc rc;

	rc = rosters_get(in->rosters, 0, true, &r);
	for (size_t k = 0; k < n; k++) {
		size_t i = w->item[k];
		struct store_accept *a = &w->accept[left];

		if (rc != RC_OK) {
			a->rc = rc;
			conclude(&item[i], a);
			continue;
		}
		if (key != INTAKE_NO_KEY && roster_key(r, key) == NULL) {
			item[i].status = 401;
			problems_add(&item[i].bad, "", "the key was revoked");
			continue;
		}
		if (event_read(&w->reader, item[i].json, &w->event[i],
		    &item[i].bad) != RC_OK)
			log_fatal("an event that was read can't be read again");
		w->item[left++] = i;
		fill(a, &w->event[i], key);
		match(w, i, r, &w->event[i], a);
	}
	if (rc == RC_OK)
		roster_release(r);
	return left;
}

/* Tell a standing sweep which lanes have something due. */
static void
nudge(const struct intake *in, const struct intake_work *w, size_t n)
{
	struct nudge nu = { .n = 0 };
	size_t total = 0;

	for (size_t k = 0; k < n; k++) {
		const struct store_accept *a = &w->accept[k];

		if (a->rc != RC_OK)
			continue;
		for (uint32_t s = 0; s < a->nsubscription; s++) {
			uint32_t lane = a->subscription[s];
			size_t j = 0;

			while (j < nu.n && nu.lane[j].lane != lane)
				j++;
			if (j < nu.n)
				continue;
			total++;
			if (nu.n == NUDGE_LANES_MAX)
				continue;
			nu.lane[nu.n].lane = lane;
			nu.lane[nu.n++].due_ms = a->accepted_ms;
		}
	}
	if (total == 0)
		return;
	if (total > NUDGE_LANES_MAX)
		nu.n = 0;		/* look at everything */
	nudge_send(in->nudge, in->store_dir, &nu);
}

void
intake_take(const struct intake *in, struct intake_work *w, uint32_t key,
    struct intake_item *item, size_t n)
{
	const struct roster *r = NULL;
	size_t left = 0;
	enum rc rc;

	rc = rosters_get(in->rosters, 0, false, &r);
	for (size_t i = 0; i < n; i++) {
		struct store_accept *a = &w->accept[left];

		problems_clear(&item[i].bad);
		if (event_read(&w->reader, item[i].json, &w->event[i],
		    &item[i].bad) != RC_OK) {
			item[i].status = item[i].bad.grammar ? 400 : 422;
			continue;
		}
		fill(a, &w->event[i], key);
		if (rc == RC_OK)
			match(w, i, r, &w->event[i], a);
		w->item[left++] = i;
	}
	if (rc == RC_OK)
		roster_release(r);
	for (int again = 0; left > 0; again++) {
		if (rc == RC_OK)
			rc = store_accept(in->store, w->accept, left);
		for (size_t k = 0; k < left; k++) {
			struct store_accept *a = &w->accept[k];

			if (rc != RC_OK)
				a->rc = rc;
			else if (a->rc == RC_STALE && again == REMATCH_MAX)
				a->rc = RC_RETRY;
		}
		if (rc == RC_OK)
			nudge(in, w, left);
		left = conclude_all(w, item, left);
		if (left > 0)
			left = match_again(in, w, key, item, left);
	}
}
