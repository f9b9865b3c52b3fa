/*
 * The message of a mail.
 */
#include <stdio.h>
#include "shape/mime.h"
#include "work/outgoing_inner.h"

/* Lines of their own, each "Name: value" and CR LF. */
static void
place(struct outgoing *out)
{
	struct slice rest = buf_as_slice(&out->head);

	while (rest.len > 0 && out->nheader < OUTGOING_HEADERS_MAX) {
		struct task_header *h = &out->header[out->nheader++];
		const char *end = memchr(rest.s, '\r', rest.len);
		struct slice line = slice_take(&rest,
		    (size_t)(end - rest.s));
		const char *colon = memchr(line.s, ':', line.len);

		slice_take(&rest, 2);
		*h = (struct task_header){ .value = line };
		h->name = slice_take(&h->value, (size_t)(colon - line.s));
		slice_take(&h->value, h->value.len > 1 ? 2 : 1);
	}
}

/* The page where its client can change or end it. */
static void
put_page(const struct outgoing_ask *ask, struct buf *url)
{
	char id[ID_MAX];

	if (ask->site_url == NULL || ask->site_url[0] == '\0' ||
	    ask->delivery.subscription == 0)
		return;
	store_record_id(ask->store, STORE_SUBSCRIPTION,
	    ask->delivery.subscription, id);
	buf_printf(url, "%s/admin/subscriptions/%s", ask->site_url, id);
}

/* *m is what is to be said; what it borrows stays until it is made. */
static enum rc
make(struct outgoing *out, const struct mime *m, struct buf *why)
{
	struct slice address;
	enum rc rc;

	if (mime_address(m->from, &address) != RC_OK) {
		buf_puts(why, "the address that mails come from ([mail] from) "
		    "is none");
		return RC_INVALID;
	}
	snprintf(out->from, sizeof out->from, "%.*s", (int)address.len,
	    address.s);
	rc = mime_print(m, &out->head);
	if (rc == RC_OK)
		rc = mime_make(m, &out->message);
	if (rc != RC_OK)
		buf_puts(why, rc == RC_TOOBIG ? "the mail is too long" :
		    "the mail's header can't be made");
	else
		place(out);
	return rc;
}

/* Nobody is to take it for an order's. */
static void
mark_test(struct buf *subject)
{
	static const char mark[] = "[Test] ";
	size_t n = sizeof mark - 1, len = subject->len;

	if (buf_room(subject, n) == NULL)
		return;
	memmove(subject->s + n, subject->s, len);
	memcpy(subject->s, mark, n);
	subject->len += n;
}

enum rc
outgoing_put_mail(struct outgoing *out, const struct outgoing_ask *ask,
    const struct task_event *ev, struct buf *why)
{
	struct buf page = BUF_INIT(1024);
	struct buf attempt = BUF_INIT(16);
	struct mime_line line[] = {
		{ "Skycap-Event", ev->type },
		{ "Skycap-Event-Id", ev->id },
		{ "Skycap-Attempt", SLICE("") },
		{ "Skycap-Test", SLICE("true") },	/* the last, if any */
	};
	struct mime m = {
		.from = slice_of(ask->from != NULL ? ask->from :
		    OUTGOING_NO_FROM),
		.to = buf_as_slice(&out->rq.to),
		.text = buf_as_slice(&out->rq.body),
		.date_ms = ask->now_ms,
		.id = ev->delivery_id,
		.line = line,
		.nline = NELEM(line) - !ask->event->test,
	};
	enum rc rc;

	buf_i64(&attempt, ev->attempt);
	line[2].value = buf_as_slice(&attempt);
	if (ask->event->test)
		mark_test(&out->rq.subject);
	m.subject = buf_as_slice(&out->rq.subject);
	put_page(ask, &page);
	m.unsubscribe = buf_as_slice(&page);
	rc = make(out, &m, why);
	buf_free(&attempt);
	buf_free(&page);
	return rc;
}
