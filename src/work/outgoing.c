#include "base/clock.h"
#include "work/outgoing_inner.h"

void
outgoing_free(struct outgoing *out)
{
	task_request_free(&out->rq);
	buf_free(&out->head);
	buf_free(&out->message);
	buf_wipe(&out->keys);
	out->nheader = 0;
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
		.recipient = ask->delivery.ordinal % STORE_RECIPIENTS_MAX,
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
	buf_clear(&out->head);
	buf_clear(&out->keys);
	buf_clear(&out->message);
	out->nheader = 0;
	return out->rq.channel == TASK_MAIL ?
	    outgoing_put_mail(out, ask, &n.ev, why) :
	    outgoing_put_http(out, ask, &n.ev, why);
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
	if (out->rq.channel == TASK_MAIL)
		buf_printf(text, "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\n\r\n",
		    out->from, buf_str(&out->rq.to));
	else {
		buf_puts(text, out->rq.method);
		buf_putc(text, ' ');
		buf_slice(text, outgoing_url(out, how));
		buf_puts(text, " HTTP/1.1\r\n");
	}
	for (size_t i = 0; i < out->nheader; i++) {
		buf_slice(text, out->header[i].name);
		buf_puts(text, out->header[i].value.len == 0 ? ":" : ": ");
		outgoing_value(&out->header[i], how, text);
		buf_puts(text, "\r\n");
	}
}
