#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "work/retry.h"
#include "work/sign.h"
#include "work/sweep_inner.h"

#define BODY_KEEP	(64 * 1024)	/* bytes of memory a sending keeps */
#define SHOWN_TAIL	4	/* characters of a secret that are shown... */
#define SECRET_MIN	8	/* bytes of a secret that is looked for */
#define SHOWN_FROM	12	/* ...if it has this many bytes */

void
sending_free(struct sending *sd)
{
	task_request_free(&sd->rq);
	buf_free(&sd->head);
	free(sd);
}

bool
sending_open(const struct subscription *sub)
{
	return sub->state == SUBSCRIPTION_ACTIVE && sub->task != NULL &&
	    sub->nsecret > 0 &&		/* nothing goes out unsigned */
	    task_channel(sub->task) != TASK_MAIL;
}

static void
line(struct sending *sd, const char *name, struct slice value)
{
	buf_puts(&sd->head, name);
	buf_puts(&sd->head, ": ");
	buf_slice(&sd->head, value);
	buf_putc(&sd->head, '\0');
}

static void
line_i64(struct sending *sd, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, v);
	line(sd, name, slice_of(text));
}

/* Dots and the last characters, if so little does not give it away. */
static void
put_masked(struct buf *out, struct slice v)
{
	size_t at = v.len;

	buf_puts(out, "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2");
	if (v.len < SHOWN_FROM)
		return;
	for (int n = 0; n < SHOWN_TAIL && at > 0; n++)
		do {
			at--;
		} while (at > 0 && ((unsigned char)v.s[at] & 0xc0) == 0x80);
	buf_put(out, v.s + at, v.len - at);
}

/*
 * Headers for the wire into sd->head and, with secrets masked, the request as
 * it is kept into the parcel's text.
 */
static void
put_head(struct sending *sd, const struct subscription *sub,
    struct slice event_type, struct slice event_id, struct slice id)
{
	struct buf sig = BUF_INIT(SIGN_VALUE_MAX * 2);
	struct parcel *p = sd->parcel;
	int64_t now_s = p->attempt.at_ms / 1000;
	size_t own;

	buf_clear(&sd->head);
	line(sd, "webhook-id", id);
	line_i64(sd, "webhook-timestamp", now_s);
	sign_v1(sub->secret, sub->nsecret, id, now_s,
	    buf_as_slice(&sd->rq.body), &sig);
	line(sd, "webhook-signature", buf_as_slice(&sig));
	line(sd, "skycap-event", event_type);
	line(sd, "skycap-event-id", event_id);
	line_i64(sd, "skycap-attempt", p->attempt.attempt);
	own = sd->head.len;

	buf_printf(&p->text, "%s %s HTTP/1.1\r\n", sd->rq.method,
	    buf_str(&sd->rq.url_shown));
	for (size_t i = 0; i < sd->rq.nheader; i++) {
		const struct task_header *h = &sd->rq.header[i];

		buf_slice(&sd->head, h->name);
		/* curl sends a header without a value only if it ends in ; */
		buf_puts(&sd->head, h->value.len == 0 ? ";" : ": ");
		buf_slice(&sd->head, h->value);
		buf_putc(&sd->head, '\0');
		buf_slice(&p->text, h->name);
		buf_puts(&p->text, ": ");
		if (h->secret)
			put_masked(&p->text, h->value);
		else
			buf_slice(&p->text, h->value);
		buf_puts(&p->text, "\r\n");
	}
	for (size_t at = 0; at < own; at += strlen(sd->head.s + at) + 1) {
		buf_puts(&p->text, sd->head.s + at);
		buf_puts(&p->text, "\r\n");
	}
	buf_free(&sig);
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
	char event_id[ID_MAX], id[ID_MAX], accepted[CLOCK_TEXT_MAX];
	struct buf why = BUF_INIT(1024);
	struct task_event ev;
	struct json_error err;
	enum rc rc;

	sd->parcel = p;
	begin(p, sub);
	store_event_id(s->config.store, p->due.key.position, event_id);
	store_delivery_id(s->config.store, p->due.key, id);
	clock_format(p->event.accepted_ms, accepted);
	rc = order_read(o, s->config.catalog, p->event.order, &err);
	if (rc != RC_OK)
		buf_printf(&why, "the order can't be read: %s", err.detail);
	else {
		ev = (struct task_event){
			.order = o,
			.type = p->event.type,
			.id = slice_of(event_id),
			.time = p->event.occurred.s != NULL ?
			    p->event.occurred : slice_of(accepted),
			.delivery_id = slice_of(id),
			.attempt = p->attempt.attempt,
		};
		rc = task_render(sub->task, &ev, &sd->rq, &why);
	}
	if (rc == RC_OK) {
		put_head(sd, sub, p->event.type, slice_of(event_id),
		    slice_of(id));
		if (sd->head.over || p->text.over) {
			buf_puts(&why, "the headers are too long");
			rc = RC_TOOBIG;
		}
	}
	if (rc != RC_OK) {
		unrenderable(p, &why);
		rc = RC_INVALID;
	} else
		crypt_hash(s->config.crypt, buf_as_slice(&sd->rq.body),
		    p->attempt.body_hash);
	buf_free(&why);
	return rc;
}

/* Overwrite each place where a secret stands in what came back. */
static void
blot_out(char *text, size_t len, struct slice secret)
{
	char *end = text + len, *at = text;

	if (secret.len < SECRET_MIN)
		return;		/* too short to be told from other words */
	for (;;) {
		at = memmem(at, (size_t)(end - at), secret.s, secret.len);
		if (at == NULL)
			break;
		memset(at, '*', secret.len);
		at += secret.len;
	}
}

/* An endpoint may repeat what it was sent: secrets are masked there as well. */
static void
blot_out_all(const struct sending *sd, struct buf *text, size_t from)
{
	for (size_t i = 0; from < text->len && i < sd->rq.nheader; i++) {
		struct slice v = sd->rq.header[i].value;
		const char *space;

		if (!sd->rq.header[i].secret || v.len == 0)
			continue;
		blot_out(text->s + from, text->len - from, v);
		space = memchr(v.s, ' ', v.len);	/* "Basic ..." */
		if (space != NULL)
			blot_out(text->s + from, text->len - from,
			    (struct slice){ space + 1,
			    v.len - (size_t)(space + 1 - v.s) });
	}
}

/*
 * Append what came back to the parcel's text and point the attempt into it;
 * first all appending, since that may move it.
 */
static void
record(const struct sending *sd, struct parcel *p,
    const struct webhook_result *r)
{
	struct store_attempt *a = &p->attempt;
	struct slice part[] = { { NULL, p->text.len }, slice_of(r->sentence),
	    slice_of(r->address), r->head, r->body };
	struct slice *into[] = { &a->request, &a->sentence, &a->address,
	    &a->response_head, &a->response_body };
	size_t at = 0;

	for (size_t i = 1; i < NELEM(part); i++) {
		if (part[i].len > p->text.max - p->text.len)
			part[i].len = p->text.max - p->text.len;
		buf_slice(&p->text, part[i]);
	}
	blot_out_all(sd, &p->text, part[0].len);
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

static void
failed(struct parcel *p, const struct subscription *sub,
    const struct webhook_result *r)
{
	struct retry re = {
		.now_ms = p->settle.now_ms,
		.accepted_ms = p->event.accepted_ms,
		.attempts = p->due.attempts,
		.status = r->status,
		.retry_after = r->retry_after,
	};

	p->settle.attempts = one_more(p->due.attempts);
	if (sub == NULL || sub->task == NULL) {
		dead(p, "given-up");
		return;
	}
	if (r->status == 410) {
		dead(p, "gone");
		p->gone = true;
		return;
	}
	crypt_random(&re.random, sizeof re.random);
	re.settings = task_settings(sub->task);
	retry_decide(&re);
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
    const struct webhook_result *r)
{
	struct parcel *p = sd->parcel;

	record(sd, p, r);
	p->settle.now_ms = clock_now_ms();
	if (r->status >= 200 && r->status < 300) {
		p->settle.outcome = STORE_DELIVERED;
		p->settle.attempts = one_more(p->due.attempts);
	} else
		failed(p, sub, r);
	store_event_clear(&p->event);
	sd->parcel = NULL;
	if (sd->rq.body.cap > BODY_KEEP)	/* few are that large */
		buf_free(&sd->rq.body);
}
