#include "base/log.h"
#include "work/operational.h"
#include "work/sweep_keeper.h"

/*
 * How lanes fare, and the service's own events about it.  The store counts
 * failures as it settles them; what was made known stands beside that count, so
 * that another process neither forgets it nor tells it twice.
 */
enum told { TOLD_NOTHING, TOLD_FAILING, TOLD_DISABLED };

/* False: not now; the next attempt of its lane asks again. */
static bool
tell(struct keeper *k, uint32_t lane, enum operational what,
    const struct store_health *h, const char *reason, enum told told)
{
	struct operational_ask ask = {
		.what = what,
		.subscription = lane,
		.health = *h,
		.reason = reason,
		.now_ms = clock_now_ms(),
	};
	bool any;
	enum rc rc;

	rc = operational_post(&k->s->config, k->s->rosters, &ask, &any);
	if (rc == RC_TOOBIG)
		any = false;
	else if (rc != RC_OK)
		return false;
	if (any)
		k->look = true;		/* it is to be delivered, too */
	return store_health_told(k->s->config.store, lane, told) == RC_OK;
}

static void
probe(struct keeper *k, uint32_t lane, const struct store_health *h)
{
	if (h->probe.due_ms == 0)
		return;			/* the lane goes by what it knows */
	hold_probe(k->hold, lane, &h->probe);
	keeper_post(k, (struct note){ .kind = NOTE_PROBE, .lane = lane,
	    .due_ms = h->probe.due_ms });
}

void
keeper_failed(struct keeper *k, uint32_t lane)
{
	struct store_health h;

	if (store_health_get(k->s->config.store, lane, &h) != RC_OK)
		return;
	probe(k, lane, &h);
	if (h.failures >= LANE_FAILURES && h.told != TOLD_FAILING &&
	    tell(k, lane, OPERATIONAL_FAILING, &h, "", TOLD_FAILING))
		h.told = TOLD_FAILING;
	hold_note(k->hold, lane, &h);
}

void
keeper_succeeded(struct keeper *k, uint32_t lane)
{
	const struct store_health *h = hold_noted(k->hold, lane);

	if (h != NULL && (h->told == TOLD_NOTHING ||
	    tell(k, lane, OPERATIONAL_RECOVERED, h, "", TOLD_NOTHING)))
		hold_note(k->hold, lane, NULL);
}

bool
keeper_meet(struct keeper *k, uint32_t lane)
{
	struct store_health h;

	if (!hold_meet(k->hold, lane))
		return true;
	if (store_health_get(k->s->config.store, lane, &h) != RC_OK)
		return true;
	if (h.failures > 0 || h.told != TOLD_NOTHING)
		hold_note(k->hold, lane, &h);
	if (h.failures == 0) {
		keeper_succeeded(k, lane);	/* and was told of by nobody */
		return true;
	}
	if (h.probe.due_ms != 0)
		hold_probe(k->hold, lane, &h.probe);
	keeper_post(k, (struct note){ .kind = NOTE_FAILED, .lane = lane,
	    .failures = h.failures, .due_ms = h.probe.due_ms });
	return h.failures < LANE_FAILURES;
}

void
keeper_disabled(struct keeper *k, uint32_t lane, const char *reason)
{
	struct store_health h;

	if (store_health_get(k->s->config.store, lane, &h) == RC_OK &&
	    h.told != TOLD_DISABLED)
		(void)tell(k, lane, OPERATIONAL_DISABLED, &h, reason,
		    TOLD_DISABLED);
}
