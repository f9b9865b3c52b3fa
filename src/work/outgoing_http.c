/*
 * The header of a request over HTTP.
 */
#include <inttypes.h>
#include <stdio.h>
#include "base/text.h"
#include "work/outgoing_inner.h"

static bool
is_blank(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] != ' ')	/* no other blank is ever rendered */
			return false;
	return true;
}

/*
 * One line more.  curl takes blanks for no value, and sends a header without
 * one only if it ends in a semicolon.  Where name and value lie is set by
 * place(), since lines move while they grow.
 */
static void
add(struct outgoing *out, struct task_header h)
{
	if (is_blank(h.value))
		h.value.len = 0;
	buf_slice(&out->head, h.name);
	buf_puts(&out->head, h.value.len == 0 ? ";" : ": ");
	buf_slice(&out->head, h.value);
	buf_putc(&out->head, '\0');
	out->header[out->nheader++] = h;
}

static void
place(struct outgoing *out)
{
	const char *at = buf_str(&out->head);

	for (size_t i = 0; i < out->nheader; i++) {
		struct task_header *h = &out->header[i];

		h->name.s = at;
		h->value.s = at + h->name.len + (h->value.len == 0 ? 1 : 2);
		at = h->value.s + h->value.len + 1;
	}
}

static void
line(struct outgoing *out, const char *name, struct slice value)
{
	add(out, (struct task_header){ .name = slice_of(name),
	    .value = value });
}

static void
line_i64(struct outgoing *out, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, v);
	line(out, name, slice_of(text));
}

static bool
ends(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len > n && memcmp(s.s + s.len - n, with, n) == 0;
}

/* The authority of a URL that was checked, less its scheme's own port. */
static struct slice
host_of(struct slice url)
{
	const char *at = memchr(url.s, ':', url.len);
	bool tls = at - url.s == 5;
	struct slice host = { at + 3, 0 };
	const char *end = url.s + url.len;

	while (host.s + host.len < end &&
	    strchr("/?#", host.s[host.len]) == NULL)
		host.len++;
	if (ends(host, tls ? ":443" : ":80"))
		host.len -= tls ? 4 : 3;
	return host;
}

static bool
gives(const struct task_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->nheader; i++)
		if (text_same_nocase(rq->header[i].name, slice_of(name)))
			return true;
	return false;
}

/* Standard Webhooks 1.0.0, and the keys as people see them. */
static void
put_signature(struct outgoing *out, const struct outgoing_ask *ask,
    struct slice id)
{
	struct buf sig = BUF_INIT(SIGN_VALUE_MAX);
	int64_t now_s = ask->now_ms / 1000;

	for (size_t i = 0; i < ask->nkey; i++) {
		sign_key_put(ask->key[i], &out->keys);
		buf_putc(&out->keys, '\0');
	}
	sign_value(ask->key, ask->nkey, id, now_s,
	    buf_as_slice(&out->rq.body), &sig);
	line(out, "webhook-id", id);
	line_i64(out, "webhook-timestamp", now_s);
	line(out, "webhook-signature", buf_as_slice(&sig));
	buf_free(&sig);
}

/*
 * In curl's order, which puts Host first and the length last of its own.  Slack
 * checks no signature, so it is shown none.
 */
enum rc
outgoing_put_http(struct outgoing *out, const struct outgoing_ask *ask,
    const struct task_event *ev, struct buf *why)
{
	line(out, "Host", host_of(buf_as_slice(&out->rq.url)));
	line(out, "User-Agent", SLICE(OUTGOING_USER_AGENT));
	if (!gives(&out->rq, "accept"))
		line(out, "Accept", SLICE("*/*"));
	if (out->rq.channel == TASK_WEBHOOK)
		put_signature(out, ask, ev->delivery_id);
	line(out, "skycap-event", ev->type);
	line(out, "skycap-event-id", ev->id);
	line_i64(out, "skycap-attempt", ev->attempt);
	if (ask->event->test)
		line(out, "skycap-test", SLICE("true"));
	for (size_t i = 0; i < out->rq.nheader; i++)
		add(out, out->rq.header[i]);
	if (out->head.over) {
		buf_puts(why, "the headers are too long");
		return RC_TOOBIG;
	}
	place(out);
	snprintf(out->length, sizeof out->length, "%zu", out->rq.body.len);
	out->header[out->nheader++] = (struct task_header){
		.name = SLICE("Content-Length"),
		.value = slice_of(out->length),
	};
	return RC_OK;
}
