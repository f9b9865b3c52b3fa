#include <inttypes.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "work/intake.h"
#include "work/operational.h"
#include "work/record_json.h"
#include "work/take.h"

static const char *const type_name[] = {
	[OPERATIONAL_FAILING] = "skycap.subscription.failing",
	[OPERATIONAL_DISABLED] = "skycap.subscription.disabled",
	[OPERATIONAL_RECOVERED] = "skycap.subscription.recovered",
};

struct posting {
	const struct config *cf;
	const struct operational_ask *ask;
	const struct catalog_event *type;
	char		 occurred[CLOCK_TEXT_MAX];
	struct buf	 text;		/* what stands for the order */
	struct buf	 id;		/* the sender's */
	struct order	 order;
	uint32_t	*match;		/* grown by roster_match */
	size_t		 match_cap;
	bool		*turn;		/* grown by roster_turns */
	size_t		 turn_cap;
	struct store_accept accept;
	bool		 any;
};

static void
put_id(struct buf *out, const char *member, const struct store *st,
    enum store_kind kind, uint32_t number)
{
	char id[ID_MAX];

	store_record_id(st, kind, number, id);
	record_put_string(out, member, slice_of(id));
}

static void
put_health(struct buf *out, const struct operational_ask *ask)
{
	const struct store_health *h = &ask->health;
	int64_t success_ms = h->last_success_ms;
	int64_t lasted_ms = ask->now_ms - h->first_failure_ms;

	if (ask->what == OPERATIONAL_RECOVERED && success_ms < ask->now_ms)
		success_ms = ask->now_ms;
	record_put_int(out, "failures", h->failures);
	record_put_time(out, "firstFailureAt", h->first_failure_ms);
	record_put_time(out, "lastFailureAt", h->last_failure_ms);
	record_put_time(out, "lastSuccessAt", success_ms);
	record_put_key(out, "failingSeconds");
	if (h->first_failure_ms == 0)
		buf_puts(out, "null");
	else
		buf_i64(out, lasted_ms < 0 ? 0 : lasted_ms / 1000);
}

/* As catalog_operational.c shows it. */
static void
write_object(struct posting *p, const struct subscription *s)
{
	const struct store *st = p->cf->store;
	const struct task *t = subscription_task(s);
	const char *reason = p->ask->reason == NULL ? "" : p->ask->reason;
	struct buf target = BUF_INIT(STORE_ORDER_MAX);
	struct buf *out = &p->text;

	if (t != NULL)
		task_target(t, &target);
	buf_clear(out);
	buf_putc(out, '{');
	put_id(out, "subscription", st, STORE_SUBSCRIPTION, s->number);
	record_put_string(out, "subscriptionName",
	    slice_of(t == NULL ? "" : task_name(t)));
	put_id(out, "client", st, STORE_CLIENT, s->client->number);
	record_put_string(out, "clientName", slice_of(s->client->name));
	record_put_string(out, "state", slice_of(subscription_state_name(
	    p->ask->what == OPERATIONAL_DISABLED ? SUBSCRIPTION_DISABLED :
	    subscription_state(s))));
	record_put_string(out, "reason", slice_of(reason));
	record_put_string(out, "target", buf_as_slice(&target));
	put_health(out, p->ask);
	buf_putc(out, '}');
	buf_free(&target);
}

/*
 * A name for what has happened.  It begins with a NUL, which no sender's id has
 * (intake refuses U+0000), and stands for its content, too: asked again later,
 * the same failing would have more failures.
 */
static void
write_id(struct posting *p, const struct subscription *s)
{
	const struct store_health *h = &p->ask->health;
	int64_t which = p->ask->what == OPERATIONAL_DISABLED ?
	    subscription_since_ms(s) :
	    p->ask->what == OPERATIONAL_FAILING ? h->first_failure_ms :
	    h->last_failure_ms;

	buf_clear(&p->id);
	buf_putc(&p->id, '\0');
	buf_printf(&p->id, "%s %" PRIu32 " %" PRId64, p->type->name,
	    p->ask->subscription, which);
}

/*
 * Who takes the events of an order in turn takes these as they befell a
 * subscription: that it fails, then that it has recovered.
 */
static uint64_t
chain(const struct posting *p)
{
	char id[ID_MAX];
	uint64_t ref;

	store_record_id(p->cf->store, STORE_SUBSCRIPTION,
	    p->ask->subscription, id);
	ref = crypt_ref(p->cf->crypt, REFERENCE_AGWID, slice_of(id));
	return ref == 0 ? 1 : ref;
}

static void
fill(struct posting *p, const struct roster *r, size_t n, bool turns)
{
	struct store_accept *a = &p->accept;

	if (turns)
		roster_turns(r, p->match, n, &p->turn, &p->turn_cap);
	*a = (struct store_accept){
		.type = slice_of(p->type->name),
		.sender_id = buf_as_slice(&p->id),
		.occurred = slice_of(p->occurred),
		.order = buf_as_slice(&p->text),
		.key = INTAKE_NO_KEY,
		.subscription = p->match,
		.nsubscription = (uint32_t)n,
		.ordered = turns ? p->turn : NULL,
		.chain = chain(p),
		.generation = roster_generation(r),
	};
	crypt_hash(p->cf->crypt, buf_as_slice(&p->id), a->content);
}

static size_t
without(uint32_t *number, size_t n, uint32_t gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (number[i] != gone)
			number[kept++] = number[i];
	return kept;
}

static size_t
match(void *arg, const struct roster *r, size_t n)
{
	struct posting *p = arg;
	const struct subscription *s;
	struct json_error err;
	bool turns;

	if (r == NULL)
		return n;
	p->any = false;
	p->accept.rc = RC_OK;
	s = roster_subscription(r, p->ask->subscription);
	if (s == NULL || (p->ask->what == OPERATIONAL_DISABLED &&
	    subscription_state(s) == SUBSCRIPTION_DISABLED))
		return 0;
	write_object(p, s);
	write_id(p, s);
	if (p->text.over) {
		p->accept.rc = RC_TOOBIG;
		return 0;
	}
	if (order_read(&p->order, p->cf->catalog, buf_as_slice(&p->text),
	    &err) != RC_OK)
		log_fatal("%s can't be read: %s", p->type->name, err.detail);
	n = roster_match_turns(r, p->type, &p->order, &p->match,
	    &p->match_cap, &turns);
	n = without(p->match, n, s->number);
	p->any = n > 0;
	if (p->any)
		fill(p, r, n, turns);
	return p->any;
}

static size_t
taken(void *arg, size_t n)
{
	const struct posting *p = arg;

	return n > 0 && p->accept.rc == RC_STALE;
}

enum rc
operational_post(const struct config *cf, struct rosters *rs,
    const struct operational_ask *ask, bool *any)
{
	struct posting p = { .cf = cf, .ask = ask, .order = ORDER_INIT,
	    .text = BUF_INIT(STORE_ORDER_MAX),
	    .id = BUF_INIT(STORE_SENDER_ID_MAX) };
	const struct take t = { cf->store, rs, match, taken, &p };
	const struct roster *r;
	enum rc rc;

	p.type = catalog_event_find(cf->catalog,
	    slice_of(type_name[ask->what]));
	if (p.type == NULL)
		log_fatal("%s is not in the catalogue", type_name[ask->what]);
	/* the present one: what nobody wants does not get as far as the store */
	rc = rosters_get(rs, 0, true, &r);
	if (rc != RC_OK)
		return rc;
	roster_release(r);
	clock_format(ask->now_ms, p.occurred);
	take_events(&t, &p.accept, 1);
	rc = p.accept.rc == RC_EXISTS ? RC_OK : p.accept.rc;
	*any = p.any;
	order_free(&p.order);
	buf_free(&p.text);
	buf_free(&p.id);
	free(p.match);
	free(p.turn);
	return rc;
}
