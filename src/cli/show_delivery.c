#include <stdio.h>
#include "base/clock.h"
#include "cli/print.h"
#include "cli/show.h"
#include "work/words.h"

#define PAGE	8		/* attempts in memory, 256 KiB each at most */

/* A delivery under way to the screen. */
struct showing {
	const struct shown *s;
	const struct show_delivery *ask;
	struct store_delivery d;
	struct remake	 remake;
	struct buf	 json;		/* not printed yet */
	size_t		 nshown;
};

static void
put_state(const struct shown *s, const struct store_delivery *d,
    const struct subscription *sub, struct buf *out)
{
	const char *state = delivery_state_name(s->r, d);
	const char *meaning = words_meaning(WORDS_REASON, d->reason);
	const char *reason;

	buf_puts(out, state);
	if (d->reason[0] != '\0')
		buf_printf(out, ", %s%s%s", d->reason,
		    meaning[0] == '\0' ? "" : ": ", meaning);
	if (strcmp(state, "held") != 0)
		return;
	reason = subscription_reason(sub);
	buf_printf(out, ": its subscription is %s%s%s",
	    subscription_state_name(subscription_state(sub)),
	    reason[0] == '\0' ? "" : ", ", reason);
}

static void
print_head(const struct shown *s, const struct store_delivery *d)
{
	const struct subscription *sub = roster_subscription(s->r,
	    d->key.subscription);
	const struct store *st = s->c->service.store;
	const struct task *t = sub == NULL ? NULL : subscription_task(sub);
	struct buf text = BUF_INIT(8192);
	char id[ID_MAX];

	store_delivery_id(st, d->key, id);
	print_member("delivery", slice_of(id));
	store_event_id(st, d->key.position, id);
	buf_slice(&text, s->ev.type);
	if (s->o != NULL)
		order_of(s->o, &text);
	show_named("event", id, buf_as_slice(&text));
	subscription_id(st, d->key.subscription, id);
	show_named("subscription", id, sub == NULL ? SLICE("removed") :
	    sub->client->number == 0 ? SLICE("mailed by the service itself") :
	    slice_of(t == NULL ? "" : task_name(t)));
	if (sub != NULL && sub->client->number != 0) {
		store_record_id(st, STORE_CLIENT, sub->client->number, id);
		show_named("client", id, slice_of(sub->client->name));
	}
	if (s->ev.test)
		print_member("test", SLICE("yes"));
	buf_clear(&text);
	put_state(s, d, sub, &text);
	print_member("state", buf_as_slice(&text));
	buf_clear(&text);
	buf_i64(&text, d->attempts);
	if (d->recorded != d->attempts)
		buf_printf(&text, " used, %u on record", d->recorded);
	print_member("attempts", buf_as_slice(&text));
	show_time("accepted", d->created_ms);
	if (strcmp(delivery_state_name(s->r, d), "pending") == 0) {
		if (d->next_ms == 0)
			print_member("next attempt", SLICE("when the earlier "
			    "events of its order are done with"));
		show_time("next attempt", d->next_ms);
	}
	show_time("done", d->done_ms);
	buf_free(&text);
}

static void
begin(struct showing *v)
{
	const struct shown *s = v->s;

	if (!s->c->json) {
		print_head(s, &v->d);
		return;
	}
	delivery_print(s->c->service.store, s->r, &s->ev, s->o, &v->d,
	    &v->json);
	v->json.len--;		/* its last brace: more follows */
	buf_printf(&v->json, ",\"recorded\":%u,\"log\":[", v->d.recorded);
}

static enum rc
show_one(struct showing *v, const struct store_attempt *a)
{
	struct buf why = BUF_INIT(2048);
	struct attempt_body b;
	enum rc rc;

	rc = remake_body(&v->remake, &v->s->ev, v->s->o, v->ask->key, a,
	    &b.body, &why);
	store_idle(v->s->c->service.store);
	if (rc == RC_RETRY || rc == RC_IO)
		goto done;
	rc = RC_OK;
	b.why = buf_as_slice(&why);
	if (v->s->c->json) {
		if (v->nshown > 0)
			buf_putc(&v->json, ',');
		attempt_print(a, &b, &v->json);
		print_json(&v->json);
	} else
		show_attempt(a, &b);
	v->nshown++;
done:
	buf_free(&why);
	return rc;
}

/* The bytes of one attempt's body and nothing else. */
static int
print_body(struct showing *v, const struct store_attempt *a)
{
	struct buf why = BUF_INIT(2048);
	struct slice body;
	enum rc rc;
	int status = CLI_OK;

	rc = remake_body(&v->remake, &v->s->ev, v->s->o, v->ask->key, a,
	    &body, &why);
	store_idle(v->s->c->service.store);
	if (rc != RC_OK)
		status = cli_fail("the body of attempt %u can't be made "
		    "again: %s", a->number, buf_str(&why));
	else
		print_bytes(body);
	buf_free(&why);
	return status;
}

/* All attempts, or the one asked for, a page at a time. */
static int
show_log(struct showing *v)
{
	struct store_attempt a[PAGE];
	uint16_t after = v->ask->only == 0 ? 0 :
	    (uint16_t)(v->ask->only - 1);
	size_t n = 0, max = v->ask->only == 0 ? PAGE : 1;
	int status = CLI_OK;
	enum rc rc;

	for (size_t i = 0; i < PAGE; i++)
		a[i] = (struct store_attempt)STORE_ATTEMPT_INIT;
	do {
		rc = store_attempts(v->s->c->service.store, v->ask->key,
		    after, a, max, &n);
		for (size_t i = 0; i < n && rc == RC_OK &&
		    !print_failed(); i++) {
			after = a[i].number;
			if (v->ask->body)
				status = print_body(v, &a[i]);
			else
				rc = show_one(v, &a[i]);
		}
	} while (rc == RC_OK && n == max && v->ask->only == 0);
	for (size_t i = 0; i < PAGE; i++)
		store_attempt_clear(&a[i]);
	return rc == RC_OK ? status : cli_unreadable();
}

static int
show(struct showing *v)
{
	int status;

	if (!v->ask->body)
		begin(v);
	status = show_log(v);
	if (v->s->c->json && !v->ask->body && status == CLI_OK) {
		buf_puts(&v->json, "]}\n");
		print_json(&v->json);
	}
	return status;
}

int
show_delivery(struct shown *s, const struct show_delivery *ask)
{
	const struct cli *c = s->c;
	struct show_delivery what = *ask;
	struct showing v = { .s = s, .ask = &what,
	    .remake = REMAKE_INIT(service_config(&c->service)),
	    .json = BUF_INIT(64 * 1024 * 1024) };
	char id[ID_MAX];
	int status = CLI_OK;
	enum rc rc;

	store_delivery_id(c->service.store, ask->key, id);
	rc = show_read(s, ask->key.position);
	if (rc == RC_OK)
		rc = store_delivery_get(c->service.store, ask->key, &v.d);
	store_idle(c->service.store);
	if (rc == RC_NOTFOUND)
		status = cli_fail("there is nothing with the id %s here", id);
	else if (rc != RC_OK)
		status = cli_unreadable();
	else if (v.d.recorded == 0 && (ask->only != 0 || ask->body))
		status = cli_fail("%s has no attempt on record yet", id);
	else if (ask->only > v.d.recorded)
		status = cli_fail("%s has %u attempt%s on record", id,
		    v.d.recorded, v.d.recorded == 1 ? "" : "s");
	if (status == CLI_OK) {
		if (ask->body && ask->only == 0)
			what.only = v.d.recorded;
		status = show(&v);
	}
	remake_clear(&v.remake);
	buf_free(&v.json);
	return status;
}
