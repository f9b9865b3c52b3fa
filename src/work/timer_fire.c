#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "work/reference.h"
#include "work/take.h"
#include "work/timer.h"

#define FIRE_BYTES	(4 * 1024 * 1024)	/* of orders in one call */

/* One timer on its way to being an event. */
struct firing {
	struct store_timer timer;
	struct store_event kept;	/* the event that it keeps */
	const struct catalog_event *type;
	char		 occurred[CLOCK_TEXT_MAX];
	uint64_t	 ref[REFERENCE_MAX];
	struct take_match match;
};

struct run {
	const struct config *cf;
	struct timer_fire *f;
	struct firing	*firing;
	struct store_accept *accept;
	size_t		*at;		/* accept's firing */
	struct order	 order;
	enum rc		 rc;
};

/* Nothing will ever come of it. */
static enum rc
drop(struct run *x, const struct firing *g, const char *why)
{
	char id[ID_MAX];

	store_event_id(x->cf->store, g->timer.position, id);
	log_error("no %s can be made of %s: %s",
	    timer_type_name(g->timer.type), id, why);
	return store_timer_drop(x->cf->store, &g->timer);
}

static void
keep_error(struct run *x, enum rc rc)
{
	if (x->rc == RC_OK)
		x->rc = rc;
}

/* As intake fills it, from an order that was accepted before. */
static void
fill(struct run *x, struct firing *g, const struct roster *r,
    struct store_accept *a)
{
	const struct config *cf = x->cf;
	size_t nref = reference_of_order(cf->crypt, &x->order, g->ref);

	*a = (struct store_accept){
		.type = slice_of(g->type->name),
		.occurred = slice_of(g->occurred),
		.order = g->kept.order,
		.key = g->kept.key,
		.test = g->kept.test,
		.ref = g->ref,
		.nref = (uint32_t)nref,
		.fires = &g->timer,
	};
	take_match(&g->match, r, g->type, &x->order);
	take_match_put(&g->match, r, reference_chain(g->ref, nref), a);
}

static size_t
match(void *arg, const struct roster *r, size_t n)
{
	struct run *x = arg;
	struct json_error err;
	size_t left = 0;

	if (r == NULL)
		return n;
	for (size_t k = 0; k < n; k++) {
		struct firing *g = &x->firing[x->at[k]];

		if (order_read(&x->order, x->cf->catalog, g->kept.order,
		    &err) != RC_OK) {
			keep_error(x, drop(x, g, err.detail));
			continue;
		}
		fill(x, g, r, &x->accept[left]);
		x->at[left++] = x->at[k];
	}
	return left;
}

static void
tell(const struct timer_fire *f, const struct store_accept *a)
{
	if (a->fanout)
		f->lane(f->arg, 0, a->accepted_ms);
	for (uint32_t i = 0; i < a->nsubscription && !a->fanout; i++)
		f->lane(f->arg, a->subscription[i], a->accepted_ms);
}

static size_t
taken(void *arg, size_t n)
{
	struct run *x = arg;
	size_t left = 0;

	for (size_t k = 0; k < n; k++) {
		const struct store_accept *a = &x->accept[k];
		const struct firing *g = &x->firing[x->at[k]];

		switch (a->rc) {
		case RC_OK:
			x->f->n++;
			tell(x->f, a);
			break;
		case RC_STALE:
			x->at[left++] = x->at[k];
			break;
		case RC_NOTFOUND:
			x->f->more = true;
			break;
		case RC_TOOBIG:
			keep_error(x, drop(x, g, "it is too large"));
			break;
		default:
			keep_error(x, a->rc);
		}
	}
	return left;
}

/*
 * The event that a timer keeps.  RC_NOTFOUND: there will be none of it, which
 * is taken care of.
 */
static enum rc
prepare(struct run *x, struct firing *g)
{
	const char *name = timer_type_name(g->timer.type);
	const char *why = NULL;
	enum rc rc;

	g->type = catalog_event_find(x->cf->catalog, slice_of(name));
	clock_format(g->timer.at_ms, g->occurred);
	rc = store_event_get(x->cf->store, g->timer.position, &g->kept);
	if (rc == RC_NOTFOUND || rc == RC_INVALID)
		why = "it is missing, or can't be read";
	else if (rc == RC_OK && g->type == NULL)
		why = "the catalogue lacks that type";
	if (why == NULL)
		return rc;
	rc = drop(x, g, why);
	return rc == RC_OK ? RC_NOTFOUND : rc;
}

/* Those that are due, as far as their orders may be in memory at once. */
static enum rc
read_due(struct run *x, int64_t now_ms, size_t *n)
{
	struct store_timer due[TIMER_FIRE_MAX];
	size_t found, bytes = 0, i;
	enum rc rc;

	rc = store_timer_due(x->cf->store, now_ms, due, TIMER_FIRE_MAX,
	    &found, &x->f->next_ms);
	if (rc != RC_OK)
		return rc;
	x->f->more = x->f->next_ms <= now_ms;
	for (i = 0; i < found && bytes < FIRE_BYTES; i++) {
		struct firing *g = &x->firing[*n];

		store_event_clear(&g->kept);
		g->timer = due[i];
		rc = prepare(x, g);
		if (rc == RC_NOTFOUND)
			continue;
		if (rc != RC_OK)
			return rc;
		bytes += g->kept.raw.len;
		x->at[*n] = *n;
		(*n)++;
	}
	if (i < found)
		x->f->more = true;
	return RC_OK;
}

static void
clear(struct run *x)
{
	for (size_t i = 0; i < TIMER_FIRE_MAX; i++) {
		store_event_clear(&x->firing[i].kept);
		take_match_free(&x->firing[i].match);
	}
	order_free(&x->order);
	free(x->firing);
}

enum rc
timer_fire(const struct config *cf, struct rosters *rs, int64_t now_ms,
    struct timer_fire *f)
{
	struct store_accept accept[TIMER_FIRE_MAX];
	size_t at[TIMER_FIRE_MAX], n = 0;
	struct run x = { .cf = cf, .f = f, .accept = accept, .at = at,
	    .order = ORDER_INIT };
	const struct take t = { cf->store, rs, match, taken, &x };

	f->n = 0;
	f->more = false;
	x.firing = calloc(TIMER_FIRE_MAX, sizeof *x.firing);
	if (x.firing == NULL)
		log_fatal("out of memory");
	for (size_t i = 0; i < TIMER_FIRE_MAX; i++)
		x.firing[i].kept = (struct store_event)STORE_EVENT_INIT;
	x.rc = read_due(&x, now_ms, &n);
	if (n > 0)
		take_events(&t, accept, n);
	clear(&x);
	return x.rc;
}
