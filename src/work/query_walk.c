#include <stdlib.h>
#include "base/log.h"
#include "work/listing.h"
#include "work/query.h"

static bool
is_state(const struct query *q, const char *state)
{
	return q->state != NULL && strcmp(q->state, state) == 0;
}

/* Is this one of the subscriptions that the walk must know beforehand? */
static bool
is_chosen(const struct query *q, const struct subscription *s)
{
	bool active;

	if (q->client != 0 && s->client->number != q->client)
		return false;
	if (!is_state(q, "held") && !is_state(q, "pending"))
		return true;
	active = subscription_state(s) == SUBSCRIPTION_ACTIVE;
	return is_state(q, "held") || q->client == 0 ? !active : active;
}

/*
 * What is held lies with paused and disabled subscriptions; what is pending
 * with all the others, those that were removed among them.
 */
static void
choose_lanes(struct query_walk *w)
{
	const struct query *q = w->q;
	const struct subscription *s;
	size_t cap = 0;

	if (q->client == 0 && !is_state(q, "held") && !is_state(q, "pending"))
		return;
	w->ask.lanes = q->client == 0 && is_state(q, "pending") ?
	    STORE_LANES_OTHERS : STORE_LANES_THESE;
	for (size_t i = 0;; i++) {
		s = q->subscription == 0 ? roster_subscription_at(w->r, i) :
		    i == 0 ? roster_subscription(w->r, q->subscription) : NULL;
		if (s == NULL)
			break;
		if (!is_chosen(q, s))
			continue;
		if (w->ask.nlane == cap) {
			cap = cap == 0 ? 64 : 2 * cap;
			w->lane = reallocarray(w->lane, cap, sizeof *w->lane);
			if (w->lane == NULL)
				log_fatal("out of memory: %zu lanes", cap);
		}
		w->lane[w->ask.nlane++] = s->number;
	}
	w->ask.lane = w->lane;
}

static void
choose_refs(struct query_walk *w)
{
	const struct query *q = w->q;
	enum reference_kind kind;

	for (size_t i = 0; i < q->nref; i++) {
		struct store_ref *ref = &w->ref[i];

		*ref = (struct store_ref){ .n = 0 };
		for (size_t j = 0; j < REFERENCE_KINDS; j++) {
			if (reference_kind(slice_of(reference_name_at(j)),
			    &kind) == RC_OK && (q->ref[i].kind == 0 ||
			    q->ref[i].kind == kind))
				ref->any[ref->n++] = reference_hash(
				    w->config.crypt, kind, q->ref[i].value);
		}
	}
	w->ask.ref = w->ref;
	w->ask.nref = q->nref;
}

static enum store_state
kept_state(const struct query *q)
{
	if (is_state(q, "pending") || is_state(q, "held"))
		return STORE_IS_PENDING;
	if (is_state(q, "delivered"))
		return STORE_IS_DELIVERED;
	if (is_state(q, "dead") || (q->state == NULL && q->reason != NULL))
		return STORE_IS_DEAD;
	return STORE_ANY;
}

enum rc
query_begin(struct query_walk *w, const struct config *cf,
    const struct roster *r, const struct query *q, const char *cursor,
    struct buf *why)
{
	size_t len = strlen(cursor);

	*w = (struct query_walk){
		.q = q, .config = *cf, .r = r,
		.ask = {
			.subscription = q->subscription,
			.state = kept_state(q),
			.since_ms = q->since_ms,
			.until_ms = q->until_ms,
			.position = q->position,
			.tag = q->tag,
		},
		.event = STORE_EVENT_INIT, .order = ORDER_INIT,
	};
	if (len >= sizeof w->cursor) {
		buf_puts(why, "that is not a cursor of this list");
		return RC_INVALID;
	}
	memcpy(w->cursor, cursor, len + 1);
	if (q->since_ms != 0 && q->until_ms != 0 &&
	    q->since_ms >= q->until_ms) {
		buf_puts(why, "since must be before until");
		return RC_INVALID;
	}
	if (q->client != 0 && roster_client(r, q->client) == NULL) {
		buf_puts(why, "there is no such client");
		return RC_NOTFOUND;
	}
	choose_lanes(w);
	choose_refs(w);
	return RC_OK;
}

void
query_end(struct query_walk *w)
{
	store_event_clear(&w->event);
	order_free(&w->order);
	free(w->lane);
	w->lane = NULL;
}

static bool
wants(const struct query_walk *w, const struct store_delivery *d)
{
	const struct query *q = w->q;
	const struct subscription *s;

	if (q->state != NULL &&
	    strcmp(delivery_state_name(w->r, d), q->state) != 0)
		return false;
	if (q->reason != NULL && strcmp(d->reason, q->reason) != 0)
		return false;
	if (q->word != NULL && strcmp(d->last_word, q->word) != 0)
		return false;
	if (q->code_below != 0 && (d->last_status < q->code_from ||
	    d->last_status >= q->code_below || d->recorded == 0))
		return false;
	if (q->client == 0)
		return true;
	s = roster_subscription(w->r, d->key.subscription);
	return s != NULL && s->client->number == q->client;
}

static bool
fits(const struct order *o, const struct query_ref *ref)
{
	enum reference_kind kind;

	if (o == NULL)
		return false;
	if (ref->kind != 0)
		return reference_matches(o, ref->kind, ref->value);
	for (size_t i = 0; i < REFERENCE_KINDS; i++)
		if (reference_kind(slice_of(reference_name_at(i)), &kind) ==
		    RC_OK && reference_matches(o, kind, ref->value))
			return true;
	return false;
}

static bool
wants_event(const struct query_walk *w, const struct order *o)
{
	if (w->q->type != NULL && !slice_is(w->event.type, w->q->type))
		return false;
	if (w->q->test != 0 && w->event.test != (w->q->test > 0))
		return false;
	for (size_t i = 0; i < w->q->nref; i++)
		if (!fits(o, &w->q->ref[i]))
			return false;
	return true;
}

/* The event of a delivery, unless it is the one that was read last. */
static enum rc
read_event(struct query_walk *w, uint64_t position, const struct order **o)
{
	struct json_error err;
	enum rc rc = RC_OK;

	*o = NULL;
	if (w->event.position != position)
		rc = store_event_get(w->config.store, position, &w->event);
	if (rc != RC_OK)
		w->event.position = 0;
	else if (order_read(&w->order, w->config.catalog, w->event.order,
	    &err) == RC_OK)
		*o = &w->order;
	return rc;
}

enum rc
query_next(struct query_walk *w, size_t max, query_found *found, void *arg)
{
	char next[STORE_CURSOR_MAX];
	const struct order *o;
	size_t n, shown = 0;
	enum rc rc;

	memcpy(next, w->cursor, sizeof next);
	rc = store_deliveries(w->config.store, &w->ask, next, w->page,
	    QUERY_PAGE, &n);
	for (size_t i = 0; i < n && rc == RC_OK && shown < max; i++) {
		const struct store_delivery *d = &w->page[i];

		if (!wants(w, d))
			continue;
		rc = read_event(w, d->key.position, &o);
		if (rc == RC_OK && wants_event(w, o)) {
			found(arg, d, &w->event, o);
			shown++;
		}
		if (rc == RC_NOTFOUND)
			rc = RC_OK;	/* purged meanwhile */
		if (shown == max && i + 1 < n)
			store_cursor_at(w->config.store, &w->ask, d, next);
	}
	if (rc == RC_OK)
		memcpy(w->cursor, next, sizeof next);
	return rc;
}
