#include "deliver/held.h"
#include "deliver/lane.h"
#include "deliver/retry.h"

#define DAY_MS	(24 * 3600 * INT64_C(1000))

static struct store_bury *
ask(struct held *h, uint32_t lane, const char *reason, int64_t now_ms)
{
	h->ask[h->n] = (struct store_bury){
		.lane = lane,
		.upto = UINT64_MAX,
		.due_before_ms = INT64_MAX,
		.reason = reason,
		.now_ms = now_ms,
		.max = STORE_BURY_MAX,
	};
	return &h->ask[h->n++];
}

struct held
held_plan(const struct conf *c, const struct subscription *s,
    const struct store_lane *l, int64_t now_ms)
{
	int64_t before = now_ms - c->retention_held_days * DAY_MS;
	uint64_t limit = (uint64_t)c->limits_pending;
	struct held h = { .overflow = SIZE_MAX };
	struct store_bury *b;
	int64_t since;

	if (l->pending == 0)
		return h;
	if (s == NULL) {
		ask(&h, l->lane, "given-up", now_ms);
		return h;
	}
	since = subscription_since_ms(s);
	if (subscription_drop_upto(s) != 0) {
		b = ask(&h, l->lane, "given-up", now_ms);
		b->upto = subscription_drop_upto(s);
		if (now_ms - since > HELD_DROP_MS)
			b->due_before_ms = since + 1;
	}
	if (subscription_state(s) == SUBSCRIPTION_ACTIVE)
		return h;
	if (since < before && l->oldest_ms < before) {
		b = ask(&h, l->lane, "expired", now_ms);
		b->due_before_ms = before;
	}
	if (l->pending > limit) {
		h.over = l->pending - limit;
		h.overflow = h.n;
		ask(&h, l->lane, "overflow", now_ms);
	}
	return h;
}

struct held
held_overdue(const struct subscription *s, const struct store_health *h,
    const struct store_lane *l, int64_t now_ms)
{
	int64_t before = now_ms - RETRY_DEADLINE_MS;
	struct held plan = { .overflow = SIZE_MAX };

	if (h->failures >= LANE_FAILURES && h->last_success_ms < before &&
	    h->first_failure_ms < before && l->oldest_ms < before &&
	    subscription_since_ms(s) < before)
		ask(&plan, l->lane, "deadline", now_ms)->due_before_ms =
		    before;
	return plan;
}

bool
held_left(const struct held *h)
{
	return h->at < h->n;
}

/*
 * What was buried may have let others in, due before where the walk stands:
 * those of an order come one after the other.  So a lane is walked until there
 * is nothing to bury in it.
 */
enum rc
held_step(struct store *st, struct held *h, size_t *n)
{
	struct store_bury *b = &h->ask[h->at];
	enum rc rc;

	*n = 0;
	if (h->at == h->overflow && h->over < b->max)
		b->max = (size_t)h->over;
	if (b->max == 0) {
		h->at++;
		return RC_OK;
	}
	rc = store_bury(st, b);
	if (rc != RC_OK)
		return rc;
	*n = b->n;
	h->pass += b->n;
	h->over -= b->n < h->over ? b->n : h->over;
	if (b->more)
		return RC_OK;
	if (h->pass > 0) {
		b->begun = false;
		h->pass = 0;
	} else {
		h->at++;
	}
	return RC_OK;
}

bool
held_dropped(const struct subscription *s, const struct store_due *d)
{
	return d->key.position <= subscription_drop_upto(s);
}
