#include <stdlib.h>
#include "base/log.h"
#include "deliver/sweep_keeper.h"

/*
 * Due rows for events with very many subscribers, and rows that die where they
 * lie: in steps, each one short transaction, between claims and outcomes.
 */

/*
 * Lanes are served in turn, and have one slot each once half of all are in use:
 * somebody's many other messages would wait for all that one event is for.  So
 * it is given to no more at a time than leave the other half free.
 */
#define CROWDED_MS	2	/* to look again whether there is room */

struct chore {
	struct chore	*next;
	uint32_t	 lane;
	bool		 planned;
	struct held	 held;
};

void
keeper_chores_tell(struct keeper *k)
{
	atomic_store(&k->s->chores, k->chores.expanding ||
	    k->chores.first != NULL || !k->timers.rests);
}

void
keeper_expand(struct keeper *k)
{
	k->chores.expanding = true;
	keeper_chores_tell(k);
}

static void
add(struct keeper *k, struct chore *new)
{
	struct chores *c = &k->chores;

	new->next = NULL;
	if (c->first == NULL)
		c->first = new;
	else
		c->last->next = new;
	c->last = new;
	keeper_chores_tell(k);
}

/* RC_NOTFOUND: there are no rows. */
static enum rc
plan(struct keeper *k, uint32_t lane, struct held *h)
{
	const struct subscription *sub = roster_subscription(k->roster, lane);
	int64_t now = clock_now_ms();
	struct store_health health;
	struct store_lane l;
	size_t n;
	enum rc rc;

	rc = store_lanes(k->s->config.store, lane - 1, now, &l, 1, &n);
	if (rc == RC_OK && (n == 0 || l.lane != lane))
		rc = RC_NOTFOUND;
	if (rc != RC_OK)
		return rc;
	*h = held_plan(&k->s->conf, sub, &l, now);
	if (sub == NULL || held_left(h) ||
	    subscription_state(sub) != SUBSCRIPTION_ACTIVE)
		return RC_OK;
	rc = store_health_get(k->s->config.store, lane, &health);
	if (rc == RC_OK)
		*h = held_overdue(sub, &health, &l, now);
	return rc;
}

void
keeper_bury(struct keeper *k, uint32_t lane)
{
	struct chore *c;

	if (hold_chore(k->hold, lane, true))
		return;				/* the next look asks again */
	c = calloc(1, sizeof *c);
	if (c == NULL)
		log_fatal("out of memory");
	c->lane = lane;
	add(k, c);
}

bool
keeper_chores_wait(const struct keeper *k)
{
	return k->chores.expanding || k->chores.first != NULL;
}

/* One step for the oldest event. */
static enum rc
expand(struct keeper *k)
{
	struct store_fanout *f = &k->chores.fanout;
	enum rc rc = store_fanout(k->s->config.store, f);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < f->n; i++) {
		hold_rewind(k->hold, f->lane[i], f->due_ms);
		keeper_post(k, (struct note){ .kind = NOTE_DUE,
		    .lane = f->lane[i], .due_ms = f->due_ms });
	}
	k->chores.expanding = f->more;
	return RC_OK;
}

/* One step for the first lane; then it is another's turn. */
static enum rc
bury(struct keeper *k)
{
	struct chore *c = k->chores.first;
	size_t n = 0;
	enum rc rc;

	rc = c->planned ? held_step(k->s->config.store, &c->held, &n) :
	    plan(k, c->lane, &c->held);
	if (rc == RC_NOTFOUND)
		c->held = (struct held){ .n = 0 };
	else if (rc != RC_OK)
		return rc;
	c->planned = true;
	atomic_fetch_add(&k->s->dead, n);
	if (n > 0) {			/* it may have made way for others */
		hold_rewind(k->hold, c->lane, 0);
		keeper_post(k, (struct note){ .kind = NOTE_DUE,
		    .lane = c->lane, .due_ms = INT64_MIN });
	}
	k->chores.first = c->next;
	if (held_left(&c->held))
		add(k, c);
	else {
		hold_chore(k->hold, c->lane, false);
		free(c);
	}
	return RC_OK;
}

void
keeper_chore(struct keeper *k)
{
	struct chores *c = &k->chores;
	bool expands = c->expanding &&
	    atomic_load(&k->s->ready) + atomic_load(&k->s->posted) <
	    k->s->slots / 2;
	enum rc rc;

	if (!expands && c->first == NULL) {
		c->again_ms = clock_mono_ms() + CROWDED_MS;
		return;
	}
	c->turn = !c->turn;
	rc = expands && (c->turn || c->first == NULL) ? expand(k) : bury(k);
	c->again_ms = rc == RC_OK ? 0 : clock_mono_ms() + AGAIN_MS;
	keeper_chores_tell(k);
}

void
keeper_chores_clear(struct keeper *k)
{
	while (k->chores.first != NULL) {
		struct chore *c = k->chores.first;

		k->chores.first = c->next;
		free(c);
	}
	store_fanout_clear(&k->chores.fanout);
}
