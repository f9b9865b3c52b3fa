#include "base/log.h"
#include "deliver/sweep_keeper.h"
#include "work/operational.h"

/*
 * How lanes fare, and the service's own events about it.  The store counts
 * failures as it settles them; what was made known stands beside that count, so
 * that another process neither forgets it nor tells it twice.
 */
enum told { TOLD_NOTHING, TOLD_FAILING };

/* False: not now. */
static bool
tell(struct keeper *k, uint32_t lane, enum operational what,
    const struct store_health *h, const char *reason, bool *any)
{
	struct operational_ask ask = {
		.what = what,
		.subscription = lane,
		.health = *h,
		.reason = reason,
		.now_ms = clock_now_ms(),
	};
	enum rc rc;

	*any = false;
	rc = operational_post(&k->s->config, k->s->rosters, &ask, any);
	if (rc == RC_OK && *any)
		k->look = true;		/* it is to be delivered, too */
	return rc == RC_OK || rc == RC_TOOBIG;
}

/*
 * The same, kept in mind; the next attempt of its lane asks again.  A failing
 * that nobody wants to hear of is not worth a write, and may find somebody.
 */
static bool
tell_once(struct keeper *k, uint32_t lane, enum operational what,
    const struct store_health *h, const char *reason, enum told told)
{
	bool any;

	return tell(k, lane, what, h, reason, &any) &&
	    (any || told != TOLD_FAILING) &&
	    store_health_told(k->s->config.store, lane, told) == RC_OK;
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
keeper_probe(struct keeper *k, uint32_t lane)
{
	struct store_health h;

	if (store_health_get(k->s->config.store, lane, &h) == RC_OK)
		probe(k, lane, &h);
}

void
keeper_failed(struct keeper *k, uint32_t lane, const char *word)
{
	struct store_health h;

	if (store_health_get(k->s->config.store, lane, &h) != RC_OK)
		return;
	probe(k, lane, &h);
	if (h.failures >= LANE_FAILURES && h.told != TOLD_FAILING &&
	    tell_once(k, lane, OPERATIONAL_FAILING, &h, word, TOLD_FAILING))
		h.told = TOLD_FAILING;
	hold_note(k->hold, lane, &h);
}

void
keeper_succeeded(struct keeper *k, uint32_t lane)
{
	const struct store_health *h = hold_noted(k->hold, lane);

	if (h != NULL && (h->told == TOLD_NOTHING ||
	    tell_once(k, lane, OPERATIONAL_RECOVERED, h, "", TOLD_NOTHING)))
		hold_note(k->hold, lane, NULL);
}

/*
 * When it probes next: as the row to probe with is due, but at least every
 * LANE_PROBE_MS, and this process is not the first to wait for that.  Where all
 * that failed is dead, it is another one's turn.
 */
static int64_t
probe_ms(const struct store_health *h)
{
	int64_t latest = h->last_failure_ms + LANE_PROBE_MS;

	if (h->probe.due_ms == 0)
		return h->last_failure_ms + LANE_PROBE_MIN_MS;
	return h->probe.due_ms < latest ? h->probe.due_ms : latest;
}

bool
keeper_meet(struct keeper *k, uint32_t lane, int64_t *next_ms)
{
	struct store_health h;

	if (hold_met(k->hold, lane))
		return true;
	if (store_health_get(k->s->config.store, lane, &h) != RC_OK) {
		*next_ms = clock_now_ms() + AGAIN_MS;
		return false;
	}
	hold_meet(k->hold, lane);
	if (h.failures > 0 || h.told != TOLD_NOTHING)
		hold_note(k->hold, lane, &h);
	if (h.failures == 0) {
		keeper_succeeded(k, lane);	/* and was told of by nobody */
		return true;
	}
	if (h.probe.due_ms != 0)
		hold_probe(k->hold, lane, &h.probe);
	keeper_post(k, (struct note){ .kind = NOTE_FAILED, .lane = lane,
	    .failures = h.failures, .due_ms = probe_ms(&h) });
	*next_ms = clock_now_ms();
	return h.failures < LANE_FAILURES;
}

bool
keeper_disables(struct keeper *k, uint32_t lane, const char *reason)
{
	struct store_health h;
	bool any;

	return store_health_get(k->s->config.store, lane, &h) == RC_OK &&
	    tell(k, lane, OPERATIONAL_DISABLED, &h, reason, &any);
}
