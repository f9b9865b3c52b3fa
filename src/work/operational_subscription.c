#include <inttypes.h>
#include "base/log.h"
#include "work/operational_inner.h"
#include "work/record_json.h"

static const char *const type_name[] = {
	[OPERATIONAL_FAILING] = "skycap.subscription.failing",
	[OPERATIONAL_WARNING] = "skycap.subscription.warning",
	[OPERATIONAL_DISABLED] = "skycap.subscription.disabled",
	[OPERATIONAL_RECOVERED] = "skycap.subscription.recovered",
};

/* What is to be said of a subscription. */
struct saying {
	const struct config *cf;
	const struct operational_ask *ask;
	struct notice_event event;	/* of a warning or disabling */
	bool		 found;		/* there is one */
	struct buf	 mail_to;	/* where its mail goes... */
	enum rc		 rc;		/* ...or why nowhere */
	struct buf	 about;		/* for the log: whom nobody told of */
};

/* It is warned of, or told like a warning. */
static bool
is_notice(const struct operational_ask *ask)
{
	return ask->what == OPERATIONAL_WARNING ||
	    ask->what == OPERATIONAL_DISABLED;
}

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

/* Who is mailed; without a mail server nobody. */
static void
find_address(struct saying *w, const struct subscription *s)
{
	const struct conf *conf = w->ask->conf;

	buf_clear(&w->mail_to);
	if (conf->mail_url[0] != '\0')
		w->rc = notice_address(w->cf, conf, s->client->mail,
		    &w->mail_to);
}

static void
put_notice(struct saying *w, const struct subscription *s, const char *name,
    const struct buf *target, struct operational_text *t)
{
	const struct operational_ask *ask = w->ask;
	struct notice n = {
		.stage = ask->what == OPERATIONAL_DISABLED ? NOTICE_DISABLE :
		    ask->stage,
		.reason = ask->reason == NULL ? "" : ask->reason,
		.id = buf_as_slice(&t->about),
		.name = slice_of(name),
		.client = slice_of(s->client->name),
		.target = buf_as_slice(target),
		.health = &ask->health,
		.since_ms = ask->since_ms,
		.event = w->found ? &w->event : NULL,
		.site_url = ask->conf->site_url,
		.held_days = ask->conf->retention_held_days,
	};

	find_address(w, s);
	n.mail_to = buf_as_slice(&w->mail_to);
	t->mailed = w->rc == RC_OK;
	notice_put(&n, &t->object);
	notice_subject(&n, &w->about);
	buf_printf(&w->about, " (%s of %s)", buf_str(&t->about),
	    s->client->name);
}

/* As catalog_operational.c shows it. */
static void
write_object(struct saying *w, const struct subscription *s,
    struct operational_text *t)
{
	const struct operational_ask *ask = w->ask;
	const struct task *task = subscription_task(s);
	const char *name = task == NULL ? "" : task_name(task);
	struct buf target = BUF_INIT(STORE_ORDER_MAX);
	struct buf *out = &t->object;

	if (task != NULL)
		task_target(task, &target);
	buf_putc(out, '{');
	put_id(out, "subscription", w->cf->store, STORE_SUBSCRIPTION,
	    s->number);
	record_put_string(out, "subscriptionName", slice_of(name));
	put_id(out, "client", w->cf->store, STORE_CLIENT, s->client->number);
	record_put_string(out, "clientName", slice_of(s->client->name));
	record_put_string(out, "state", slice_of(subscription_state_name(
	    ask->what == OPERATIONAL_DISABLED ? SUBSCRIPTION_DISABLED :
	    subscription_state(s))));
	record_put_string(out, "reason", slice_of(ask->reason == NULL ? "" :
	    ask->reason));
	record_put_string(out, "target", buf_as_slice(&target));
	put_health(out, ask);
	if (is_notice(ask))
		put_notice(w, s, name, &target, t);
	buf_putc(out, '}');
	buf_free(&target);
}

/* Asked again later, the same failing would have more failures. */
static void
write_id(const struct operational_ask *ask, const struct subscription *s,
    struct buf *id)
{
	const struct store_health *h = &ask->health;
	int64_t since_ms = ask->since_ms > h->first_failure_ms ?
	    ask->since_ms : h->first_failure_ms;
	int64_t which = ask->what == OPERATIONAL_DISABLED ?
	    subscription_since_ms(s) :
	    ask->what == OPERATIONAL_RECOVERED ? h->last_failure_ms :
	    since_ms;

	buf_printf(id, "%s %" PRIu32 " %" PRId64, type_name[ask->what],
	    ask->subscription, which);
	if (ask->what == OPERATIONAL_WARNING)
		buf_printf(id, " %d", (int)ask->stage);
}

static bool
write_event(void *arg, const struct roster *r, struct operational_text *t)
{
	struct saying *w = arg;
	const struct subscription *s = roster_subscription(r,
	    w->ask->subscription);
	char id[ID_MAX];

	buf_clear(&w->about);
	w->rc = RC_NOTFOUND;
	if (s == NULL || (w->ask->what == OPERATIONAL_DISABLED &&
	    subscription_state(s) == SUBSCRIPTION_DISABLED))
		return false;
	store_record_id(w->cf->store, STORE_SUBSCRIPTION, s->number, id);
	buf_puts(&t->about, id);
	write_object(w, s, t);
	write_id(w->ask, s, &t->id);
	return w->rc == RC_OK || w->rc == RC_NOTFOUND;
}

/* The event that fails may be no more: then there is nothing to say of it. */
static enum rc
read_oldest(struct saying *w)
{
	enum rc rc = RC_NOTFOUND;

	if (w->ask->oldest.position != 0)
		rc = notice_event_read(w->cf, w->ask->oldest, &w->event);
	w->found = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* An error, also where nothing failed: somebody will miss it. */
static void
log_silence(const struct saying *w)
{
	log_error("%s: mailed to nobody, as %s", buf_str(&w->about),
	    w->ask->conf->mail_url[0] == '\0' ? "[mail] url is not set" :
	    "neither its client nor an operator has a mail address, and "
	    "[mail] from is none");
}

enum rc
operational_post(const struct config *cf, struct rosters *rs,
    const struct operational_ask *ask, bool *any)
{
	struct saying w = { .cf = cf, .ask = ask, .event = NOTICE_EVENT_INIT,
	    .mail_to = BUF_INIT(512), .about = BUF_INIT(4096) };
	const struct operational_event ev = { type_name[ask->what],
	    ask->now_ms, ask->subscription, write_event, &w };
	enum rc rc = RC_OK;

	if (is_notice(ask))
		rc = read_oldest(&w);
	if (rc == RC_OK)
		rc = operational_event_post(cf, rs, &ev, any);
	if (rc == RC_OK && (w.rc == RC_RETRY || w.rc == RC_IO))
		rc = w.rc;
	if (rc == RC_OK && w.about.len > 0 && w.mail_to.len == 0)
		log_silence(&w);
	notice_event_clear(&w.event);
	buf_free(&w.mail_to);
	buf_free(&w.about);
	return rc;
}
