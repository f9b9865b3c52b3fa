#include <stdlib.h>
#include "base/log.h"
#include "deliver/sweep_keeper.h"

#define SETTLE_MOST	512	/* outcomes in one call */
#define SYNC_MS		1000	/* failures may be lost for that long in a
				   crash; what arrived is always synced */

/* One outcome is in the store: count it, and say when it is due again. */
static void
settled(struct keeper *k, struct parcel *p)
{
	struct sweep *s = k->s;
	uint32_t lane = p->due.key.subscription;
	int64_t next = p->settle.next_ms;
	int64_t promoted = p->settle.promoted_ms;
	bool retried = p->settle.outcome == STORE_RETRIED;
	int health = p->settle.rc == RC_OK ? p->settle.health : 0;
	struct store_due due = p->due;
	char word[STORE_WORD_MAX];

	memcpy(word, p->attempt.word, sizeof word);
	if (p->disable != NULL)
		keeper_doom(k, lane, p->attempt.version, p->disable);
	if (p->settle.rc == RC_OK)
		atomic_fetch_add(retried ? &s->retried :
		    p->settle.outcome == STORE_DEAD ? &s->dead :
		    &s->delivered, 1);
	hold_drop(k->hold, p);
	if (retried)
		keeper_post(k, (struct note){ .kind = NOTE_DUE, .lane = lane,
		    .due_ms = next });
	if (promoted != INT64_MAX) {	/* perhaps behind what was read */
		hold_rewind(k->hold, lane, promoted);
		keeper_post(k, (struct note){ .kind = NOTE_DUE, .lane = lane,
		    .due_ms = promoted });
	}
	if (retried && health == 0)
		hold_probe_moved(k->hold, &due, next);
	if (health < 0)
		keeper_failed(k, lane, word);
	else if (health > 0)
		keeper_succeeded(k, lane);
	atomic_fetch_sub(&s->unsettled, 1);
}

/* What is refused for itself, not for now, is settled without its record. */
static bool
hopeless(struct parcel *p)
{
	enum rc rc = p->settle.rc;
	bool again = !p->bare;

	if (rc == RC_RETRY || rc == RC_FULL || rc == RC_IO)
		return false;
	log_error("a delivery can't be settled: %s%s", rc_name(rc),
	    again ? "; again without its attempt" : "");
	p->bare = true;
	return !again;
}

static void
settle_some(struct keeper *k)
{
	struct store_settle item[SETTLE_MOST];
	struct lane_rows batch = { NULL, NULL, 0 }, left = batch;
	size_t n = 0;
	bool sync;
	enum rc rc;

	while (n < SETTLE_MOST && k->done.n > 0) {
		struct parcel *p = parcel_of(lane_rows_shift(&k->done));

		if (p->bare)
			p->settle.attempt = NULL;
		item[n++] = p->settle;
		if (p->settle.outcome == STORE_DELIVERED || k->s->one_shot)
			k->unsynced = true;
		lane_rows_add(&batch, &p->row);
	}
	/* one flush for all that waits; the others of them follow at once */
	sync = (k->unsynced || clock_mono_ms() - k->sync_ms >= SYNC_MS) &&
	    k->done.n == 0;
	rc = store_settle(k->s->config.store, item, n, sync);
	if (rc == RC_OK && sync) {
		k->sync_ms = clock_mono_ms();
		k->unsynced = false;
	}
	for (size_t i = 0; i < n; i++) {
		struct parcel *p = parcel_of(lane_rows_shift(&batch));

		p->settle.rc = rc == RC_OK ? item[i].rc : rc;
		p->settle.promoted_ms = p->settle.rc == RC_OK ?
		    item[i].promoted_ms : INT64_MAX;
		if (p->settle.rc == RC_OK || p->settle.rc == RC_STALE)
			settled(k, p);
		else if (hopeless(p))	/* stays held: not sent again */
			atomic_fetch_sub(&k->s->unsettled, 1);
		else
			lane_rows_add(&left, &p->row);
	}
	k->settle_ms = left.n == 0 ? 0 : clock_mono_ms() + AGAIN_MS;
	while (k->done.n > 0)
		lane_rows_add(&left, lane_rows_shift(&k->done));
	k->done = left;
	k->done_ms = clock_mono_ms();
	loop_poke(k->s);
}

void
keeper_settle(struct keeper *k)
{
	do
		settle_some(k);
	while (k->done.n > 0 && k->settle_ms == 0);
}

void
keeper_doom(struct keeper *k, uint32_t number, uint64_t version,
    const char *reason)
{
	if (k->ndoomed == k->capdoomed) {
		k->capdoomed = k->capdoomed == 0 ? 8 : k->capdoomed * 2;
		k->doomed = reallocarray(k->doomed, k->capdoomed,
		    sizeof *k->doomed);
		if (k->doomed == NULL)
			log_fatal("out of memory");
	}
	k->doomed[k->ndoomed++] = (struct doomed){ number, version, reason };
}

void
keeper_disable(struct keeper *k)
{
	struct buf why = BUF_INIT(512);
	size_t left = 0;

	for (size_t i = 0; i < k->ndoomed; i++) {
		const struct doomed *d = &k->doomed[i];
		const struct subscription *sub = k->roster == NULL ? NULL :
		    roster_subscription(k->roster, d->number);
		enum rc rc;

		if (sub != NULL && sub->version != d->version)
			continue;	/* mended meanwhile */
		rc = keeper_tell_disabled(k, d->number, d->reason);
		if (rc == RC_OK)
			rc = subscription_set_state(&k->s->config, d->number,
			    SUBSCRIPTION_DISABLED, d->reason, &why);
		if (rc == RC_RETRY || rc == RC_STALE || rc == RC_FULL ||
		    rc == RC_IO)
			k->doomed[left++] = *d;
		else if (rc != RC_OK && rc != RC_NOTFOUND)
			log_error("disabling subscription %u: %s",
			    d->number, buf_str(&why));
	}
	if (left < k->ndoomed)
		k->check_ms = 0;
	k->ndoomed = left;
	buf_free(&why);
}
