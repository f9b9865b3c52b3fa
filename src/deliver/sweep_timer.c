#include "work/timer.h"
#include "deliver/sweep_keeper.h"

/*
 * Changes of timers come into their place, and timers that are due become
 * events: in steps, each one short transaction, between claims and outcomes.
 * Events that set timers nudge nobody, so they are looked for as often as the
 * configuration is: a flight that departs in a moment is found in time.
 */
#define POLL_MS		SWEEP_CHECK_MS	/* between looks for changes */
#define REFUSED_MS	5000		/* after the store had no room */

static void
rest(struct keeper *k, bool rests)
{
	if (k->timers.rests == rests)
		return;
	k->timers.rests = rests;
	keeper_chores_tell(k);
	if (rests)
		loop_poke(k->s);	/* a run may be over now */
}

static void
due(void *arg, uint32_t lane, int64_t due_ms)
{
	struct keeper *k = arg;

	if (lane == 0) {
		keeper_expand(k);
		return;
	}
	hold_rewind(k->hold, lane, due_ms);
	keeper_post(k, (struct note){ .kind = NOTE_DUE, .lane = lane,
	    .due_ms = due_ms });
}

/* As the clock goes now; it may be set before the next look. */
static int64_t
mono_of(int64_t at_ms, int64_t now_ms, int64_t mono_ms)
{
	if (at_ms <= now_ms)
		return mono_ms;
	return at_ms - now_ms < POLL_MS ? mono_ms + at_ms - now_ms :
	    mono_ms + POLL_MS;
}

static enum rc
step(struct keeper *k, int64_t now_ms, int64_t *next_ms)
{
	struct timer_fire f = { .lane = due, .arg = k };
	bool merged, more;
	enum rc rc;

	rc = store_timer_merge(k->s->config.store, now_ms, &merged, &more);
	if (rc != RC_OK)
		return rc;
	if (!merged) {
		rc = timer_fire(&k->s->config, k->s->rosters, now_ms, &f);
		if (rc != RC_OK)
			return rc;
		*next_ms = f.next_ms;
	}
	rest(k, !more && !f.more);
	return RC_OK;
}

void
keeper_timers_step(struct keeper *k)
{
	struct timers *t = &k->timers;
	int64_t now_ms = clock_now_ms(), mono_ms = clock_mono_ms();
	int64_t next_ms = now_ms;

	switch (step(k, now_ms, &next_ms)) {
	case RC_OK:
		t->at_ms = t->rests ? mono_of(next_ms, now_ms, mono_ms) :
		    mono_ms;
		break;
	case RC_RETRY:
		t->at_ms = mono_ms + AGAIN_MS;
		break;
	default:		/* it may stay so: nobody waits for it */
		t->at_ms = mono_ms + REFUSED_MS;
		rest(k, true);
	}
}
