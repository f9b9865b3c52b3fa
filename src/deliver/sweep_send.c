#include <stdio.h>
#include <stdlib.h>
#include "deliver/channel_slack.h"
#include "deliver/retry.h"
#include "deliver/sweep_inner.h"
#include "work/notice.h"

#define BODY_KEEP	(64 * 1024)	/* bytes of memory a sending keeps */

void
sending_free(struct sending *sd)
{
	outgoing_free(&sd->out);
	free(sd);
}

bool
sending_open(const struct sweep *s, const struct subscription *sub)
{
	const struct task *t = subscription_task(sub);
	const struct sign_key *key;

	if (t == NULL || subscription_state(sub) != SUBSCRIPTION_ACTIVE)
		return false;
	if (task_channel(t) == TASK_MAIL)
		return s->mail != NULL;
	/* no webhook goes out unsigned */
	return task_channel(t) != TASK_WEBHOOK ||
	    subscription_keys(sub, clock_now_ms(), &key) > 0;
}

static void
dead(struct parcel *p, const char *reason)
{
	p->settle.outcome = STORE_DEAD;
	snprintf(p->settle.reason, sizeof p->settle.reason, "%s", reason);
}

static uint16_t
one_more(uint16_t n)
{
	return n < UINT16_MAX ? (uint16_t)(n + 1) : n;
}

/* The record of an attempt, and what is the same for every outcome. */
static void
begin(struct parcel *p, const struct subscription *sub)
{
	p->text = (struct buf)BUF_INIT(SWEEP_TEXT_MAX);
	p->attempt = (struct store_attempt){
		.number = one_more(p->due.recorded),
		.attempt = one_more(p->due.attempts),
		.at_ms = clock_now_ms(),
		.version = sub->version,
	};
	p->settle = (struct store_settle){
		.due = p->due,
		.attempts = p->due.attempts,
		.attempt = &p->attempt,
	};
}

static void
set_word(struct store_attempt *a, const char *word)
{
	snprintf(a->word, sizeof a->word, "%s", word);
}

/* Nothing is sent, so no attempt is used; the record says why. */
static void
unrenderable(struct parcel *p, const struct buf *why)
{
	set_word(&p->attempt, "template");
	buf_clear(&p->text);
	buf_puts(&p->text, buf_str(why));
	p->attempt.sentence = buf_as_slice(&p->text);
	p->settle.now_ms = clock_now_ms();
	dead(p, "template");
	store_event_clear(&p->event);
}

enum rc
sending_make(struct sending *sd, const struct sweep *s,
    const struct subscription *sub, struct order *o, struct parcel *p)
{
	struct outgoing_ask ask;
	struct buf why = BUF_INIT(1024);
	struct json_error err;
	enum rc rc;

	sd->parcel = p;
	begin(p, sub);
	ask = (struct outgoing_ask){
		.store = s->config.store,
		.task = subscription_task(sub),
		.event = &p->event,
		.order = o,
		.delivery = p->due.key,
		.attempt = p->attempt.attempt,
		.now_ms = p->attempt.at_ms,
		.from = s->conf.mail_from[0] == '\0' ? NULL :
		    s->conf.mail_from,
		/* a notice is nobody's subscription, with no page */
		.site_url = s->conf.site_url[0] == '\0' ||
		    sub->number == NOTICE_LANE ? NULL : s->conf.site_url,
	};
	ask.nkey = subscription_keys(sub, ask.now_ms, &ask.key);
	rc = order_read(o, s->config.catalog, p->event.order, &err);
	if (rc != RC_OK)
		buf_printf(&why, "the order can't be read: %s", err.detail);
	else
		rc = outgoing_make(&sd->out, &ask, &why);
	if (rc == RC_OK) {
		outgoing_print(&sd->out, OUTGOING_MASKED, &p->text);
		crypt_hash(s->config.crypt, buf_as_slice(&sd->out.rq.body),
		    p->attempt.body_hash);
	} else {
		unrenderable(p, &why);
		rc = RC_INVALID;
	}
	buf_free(&why);
	return rc;
}

/*
 * Append what came back to the parcel's text and point the attempt into it;
 * first all appending, since that may move it.
 */
static void
record(const struct sending *sd, struct parcel *p,
    const struct channel_result *r)
{
	struct store_attempt *a = &p->attempt;
	struct slice part[] = { { NULL, p->text.len }, slice_of(r->sentence),
	    slice_of(r->address), r->head, r->body };
	struct slice *into[] = { &a->request, &a->sentence, &a->address,
	    &a->response_head, &a->response_body };
	size_t at = 0;

	for (size_t i = 1; i < NELEM(part); i++) {
		at = p->text.len;
		if (part[i].len > p->text.max - at)
			part[i].len = p->text.max - at;
		buf_slice(&p->text, part[i]);
		outgoing_blot(&sd->out, &p->text, at);
	}
	at = 0;
	for (size_t i = 0; i < NELEM(part); i++) {
		*into[i] = (struct slice){ buf_str(&p->text) + at,
		    part[i].len };
		at += part[i].len;
	}
	a->status = r->status;
	a->dns_us = r->dns_us;
	a->connect_us = r->connect_us;
	a->tls_us = r->tls_us;
	a->first_us = r->first_us;
	a->total_us = r->total_us;
	a->response_len = r->body_len;
	set_word(a, r->word);
}

/*
 * When it was to be tried, if that is later than it was: one to probe with, or
 * pulled once its endpoint was back.  A time that a clock's jump made is none.
 */
static int64_t
early_ms(const struct parcel *p, const struct task_settings *ts)
{
	int64_t due = p->due.due_ms, at = p->attempt.at_ms;

	return due > at && !retry_too_far(ts, due, at) ? due : 0;
}

/* How an attempt ended, and what its channel makes of that. */
struct outcome {
	enum task_channel channel;
	const struct channel_result *result;
	const struct slack_error *slack;	/* NULL: nothing */
};

/*
 * What the channel knows to be for good.  True: that was it, and the parcel has
 * its outcome; a subscription that was mended meanwhile is not to be disabled.
 */
static bool
for_good(struct parcel *p, const struct outcome *o, bool mended)
{
	const struct channel_result *r = o->result;
	const struct slack_error *e = o->slack;

	if (r->fault == CHANNEL_REJECTED ||
	    (e != NULL && e->verdict == SLACK_REJECTED)) {
		dead(p, "rejected");
		return true;
	}
	if (e != NULL && !mended) {
		p->disable = e->word;	/* what was to go is held */
		return false;
	}
	if (r->status == 410 && o->channel != TASK_MAIL && !mended) {
		dead(p, "gone");
		p->disable = "gone";
		return true;
	}
	return false;
}

static void
failed(struct parcel *p, const struct subscription *sub,
    const struct outcome *o)
{
	const struct channel_result *r = o->result;
	struct retry re = {
		.now_ms = p->settle.now_ms,
		.accepted_ms = p->event.accepted_ms,
		.attempts = p->due.attempts,
		.status = r->status,
		.retry_after = r->retry_after,
		.ours = r->fault == CHANNEL_OURS || r->fault == CHANNEL_SERVER,
	};
	const struct task *t = sub == NULL ? NULL : subscription_task(sub);

	p->settle.attempts = one_more(p->due.attempts);
	p->settle.health = re.ours ? 0 : -1;
	if (t == NULL) {
		dead(p, "given-up");
		return;
	}
	if (for_good(p, o, sub->version != p->attempt.version))
		return;
	re.ours = re.ours || p->disable != NULL;
	crypt_random(&re.random, sizeof re.random);
	re.settings = task_settings(t);
	re.early_ms = early_ms(p, re.settings);
	retry_decide(&re);
	p->quiet_ms = re.asked_ms;
	p->settle.attempts = re.used;
	if (re.dead != NULL) {
		dead(p, re.dead);
		return;
	}
	p->settle.outcome = STORE_RETRIED;
	p->settle.next_ms = re.next_ms;
}

void
sending_end(struct sending *sd, const struct subscription *sub,
    const struct channel_result *r)
{
	struct parcel *p = sd->parcel;
	struct channel_result said = *r;
	struct outcome o = { sd->out.rq.channel, r, NULL };

	if (o.channel == TASK_SLACK)
		o.slack = slack_error(r);
	if (o.slack != NULL)
		snprintf(said.sentence, sizeof said.sentence, "Slack answered "
		    "%d %s: %s", r->status, o.slack->word, o.slack->meaning);
	record(sd, p, &said);
	p->settle.now_ms = clock_now_ms();
	p->server = r->fault == CHANNEL_SERVER;
	if (strcmp(r->word, "ok") == 0) {
		p->settle.outcome = STORE_DELIVERED;
		p->settle.attempts = one_more(p->due.attempts);
		p->settle.health = 1;
	} else
		failed(p, sub, &o);
	store_event_clear(&p->event);
	sd->parcel = NULL;
	if (sd->out.rq.body.cap > BODY_KEEP)	/* few are that large */
		buf_free(&sd->out.rq.body);
}
