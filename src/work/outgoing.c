#include <inttypes.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/text.h"
#include "work/outgoing.h"

void
outgoing_free(struct outgoing *out)
{
	task_request_free(&out->rq);
	buf_free(&out->head);
	buf_wipe(&out->keys);
	out->nheader = 0;
}

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

/* In curl's order, which puts Host first and the length last of its own. */
static void
put_head(struct outgoing *out, const struct outgoing_ask *ask,
    const struct task_event *ev)
{
	struct buf sig = BUF_INIT(SIGN_VALUE_MAX);
	int64_t now_s = ask->now_ms / 1000;

	buf_clear(&out->head);
	out->nheader = 0;
	line(out, "Host", host_of(buf_as_slice(&out->rq.url)));
	line(out, "User-Agent", SLICE(OUTGOING_USER_AGENT));
	if (!gives(&out->rq, "accept"))
		line(out, "Accept", SLICE("*/*"));
	buf_clear(&out->keys);
	for (size_t i = 0; i < ask->nkey; i++) {
		sign_key_put(ask->key[i], &out->keys);
		buf_putc(&out->keys, '\0');
	}
	sign_value(ask->key, ask->nkey, ev->delivery_id, now_s,
	    buf_as_slice(&out->rq.body), &sig);
	line(out, "webhook-id", ev->delivery_id);
	line_i64(out, "webhook-timestamp", now_s);
	line(out, "webhook-signature", buf_as_slice(&sig));
	line(out, "skycap-event", ev->type);
	line(out, "skycap-event-id", ev->id);
	line_i64(out, "skycap-attempt", ev->attempt);
	for (size_t i = 0; i < out->rq.nheader; i++)
		add(out, out->rq.header[i]);
	if (!out->head.over)
		place(out);
	snprintf(out->length, sizeof out->length, "%zu", out->rq.body.len);
	out->header[out->nheader++] = (struct task_header){
		.name = SLICE("Content-Length"),
		.value = slice_of(out->length),
	};
	buf_free(&sig);
}

/* What a template may name, and the ids that it points to. */
struct named {
	char	event_id[ID_MAX], id[ID_MAX];
	char	accepted[CLOCK_TEXT_MAX];
	struct task_event ev;
};

static enum rc
render(struct outgoing *out, const struct outgoing_ask *ask, struct named *n,
    struct buf *why)
{
	memcpy(n->event_id, "evt_sample", sizeof "evt_sample");
	memcpy(n->id, "msg_sample", sizeof "msg_sample");
	if (ask->event->position != 0)
		store_event_id(ask->store, ask->event->position, n->event_id);
	if (ask->event->position != 0 && ask->delivery.subscription != 0)
		store_delivery_id(ask->store, ask->delivery, n->id);
	clock_format(ask->event->accepted_ms, n->accepted);
	n->ev = (struct task_event){
		.order = ask->order,
		.type = ask->event->type,
		.time = ask->event->occurred.s != NULL ?
		    ask->event->occurred : slice_of(n->accepted),
		.id = slice_of(n->event_id),
		.delivery_id = slice_of(n->id),
		.attempt = ask->attempt,
	};
	return task_render(ask->task, &n->ev, &out->rq, why);
}

enum rc
outgoing_make(struct outgoing *out, const struct outgoing_ask *ask,
    struct buf *why)
{
	struct named n;
	enum rc rc;

	rc = render(out, ask, &n, why);
	if (rc != RC_OK)
		return rc;
	put_head(out, ask, &n.ev);
	if (out->head.over) {
		buf_puts(why, "the headers are too long");
		return RC_TOOBIG;
	}
	return RC_OK;
}

enum rc
outgoing_body(struct outgoing *out, const struct outgoing_ask *ask,
    struct buf *why)
{
	struct named n;

	out->nheader = 0;
	return render(out, ask, &n, why);
}

struct slice
outgoing_url(const struct outgoing *out, enum outgoing_secrets how)
{
	return buf_as_slice(how == OUTGOING_PLAIN ? &out->rq.url :
	    &out->rq.url_shown);
}

void
outgoing_value(const struct task_header *h, enum outgoing_secrets how,
    struct buf *text)
{
	if (h->secret && h->value.len > 0 && how == OUTGOING_MASKED)
		task_mask(h->value, text);
	else
		buf_slice(text, h->value);
}

void
outgoing_print(const struct outgoing *out, enum outgoing_secrets how,
    struct buf *text)
{
	buf_puts(text, out->rq.method);
	buf_putc(text, ' ');
	buf_slice(text, outgoing_url(out, how));
	buf_puts(text, " HTTP/1.1\r\n");
	for (size_t i = 0; i < out->nheader; i++) {
		buf_slice(text, out->header[i].name);
		buf_puts(text, out->header[i].value.len == 0 ? ":" : ": ");
		outgoing_value(&out->header[i], how, text);
		buf_puts(text, "\r\n");
	}
}
