#include <unistd.h>
#include "work/interest.h"
#include "work/nudge.h"
#include "work/reference.h"
#include "work/take.h"
#include "work/test_send.h"

struct sending {
	struct test_send *t;
	struct buf	*why;
	uint32_t	 number[STORE_RECIPIENTS_MAX];
	uint64_t	 ref[REFERENCE_MAX];
	struct store_accept accept;
};

static enum rc
check(const struct subscription *s, struct buf *why)
{
	const char *reason;

	if (s == NULL) {
		buf_puts(why, "there is no such subscription");
		return RC_NOTFOUND;
	}
	if (subscription_state(s) == SUBSCRIPTION_ACTIVE)
		return RC_OK;
	reason = subscription_reason(s);
	buf_printf(why, "the subscription is %s%s%s",
	    subscription_state_name(subscription_state(s)),
	    reason[0] == '\0' ? "" : ", ", reason);
	return RC_DENIED;
}

static size_t
match(void *arg, const struct roster *r, size_t n)
{
	struct sending *x = arg;
	struct store_accept *a = &x->accept;
	const struct subscription *s;

	if (r == NULL)
		return n;
	s = roster_subscription(r, x->t->subscription);
	buf_clear(x->why);
	a->rc = check(s, x->why);
	if (a->rc != RC_OK)
		return 0;
	a->nsubscription = s->interest == NULL ? 1 : s->interest->recipients;
	for (uint32_t i = 0; i < a->nsubscription; i++)
		x->number[i] = s->number;
	a->generation = roster_generation(r);
	return 1;
}

static size_t
taken(void *arg, size_t n)
{
	const struct sending *x = arg;

	return n > 0 && x->accept.rc == RC_STALE;
}

/* It may be due before it was accepted: that is what puts it ahead. */
static void
wake(const struct test_send *t)
{
	const struct store_key k = { t->position, t->subscription, 0 };
	struct nudge nu = { .n = 1 };
	struct store_delivery d;
	int fd = nudge_open_sender();

	if (store_delivery_get(t->config.store, k, &d) == RC_OK) {
		nu.lane[0] = (struct nudge_lane){ t->subscription,
		    d.next_ms };
		nudge_send(fd, t->store_dir, &nu);
	}
	if (fd != -1)
		close(fd);
}

enum rc
test_send(struct test_send *t, struct buf *why)
{
	struct sending x = { .t = t, .why = why };
	const struct take take = { t->config.store, t->rosters, match, taken,
	    &x };
	const struct roster *r;
	enum rc rc;

	/* the present one: it may have been paused a moment ago */
	rc = rosters_get(t->rosters, 0, true, &r);
	if (rc != RC_OK)
		return rc;
	roster_release(r);
	x.accept = (struct store_accept){
		.type = slice_of(t->type->name),
		.occurred = t->occurred,
		.order = t->text,
		.test = true,
		.ahead = true,
		.subscription = x.number,
		.ref = x.ref,
	};
	if (!catalog_is_operational(t->type))
		x.accept.nref = (uint32_t)reference_of_order(t->config.crypt,
		    t->order, x.ref);
	take_events(&take, &x.accept, 1);
	if (x.accept.rc != RC_OK)
		return x.accept.rc;
	t->position = x.accept.position;
	t->deliveries = x.accept.deliveries;
	wake(t);
	return RC_OK;
}
