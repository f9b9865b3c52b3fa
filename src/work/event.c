#include <stdio.h>
#include "base/clock.h"
#include "base/text.h"
#include "work/event.h"

#define OCCURRED_MAX	64		/* bytes of occurredAt */
#define ESCAPED_MAX	(6 * STORE_SENDER_ID_MAX) /* written as \u0041 */
#define KEEP_MAX	(64 * 1024)	/* larger memory is given back */

void
problems_add(struct problems *p, const char *pointer, const char *fmt, ...)
{
	size_t at = p->text.len;
	va_list ap;

	p->n++;
	if (p->n > EVENT_PROBLEMS_MAX)
		return;
	buf_puts(&p->text, pointer);
	buf_putc(&p->text, '\0');
	va_start(ap, fmt);
	buf_vprintf(&p->text, fmt, ap);
	va_end(ap);
	buf_putc(&p->text, '\0');
	if (p->text.over) {		/* keep whole pairs only */
		p->text.len = at;
		p->text.over = false;
	}
}

bool
problems_at(const struct problems *p, size_t i, const char **pointer,
    const char **detail)
{
	const char *s = buf_str(&p->text), *end = s + p->text.len;

	for (; s < end; i--) {
		*pointer = s;
		s += strlen(s) + 1;
		*detail = s;
		s += strlen(s) + 1;
		if (i == 0)
			return true;
	}
	return false;
}

void
problems_clear(struct problems *p)
{
	p->n = 0;
	p->grammar = false;
	buf_clear(&p->text);
}

void
problems_free(struct problems *p)
{
	problems_clear(p);
	buf_free(&p->text);
}

void
event_reader_free(struct event_reader *r)
{
	json_doc_free(&r->doc);
	order_free(&r->order);
	buf_free(&r->canonical);
}

void
event_reader_trim(struct event_reader *r)
{
	if (r->doc.cap > KEEP_MAX / sizeof *r->doc.tok)
		json_doc_free(&r->doc);
	if (r->order.doc.cap > KEEP_MAX / sizeof *r->order.doc.tok ||
	    r->order.derived.cap > KEEP_MAX)
		order_free(&r->order);
	if (r->canonical.cap > KEEP_MAX)
		buf_free(&r->canonical);
}

void
event_free(struct event *ev)
{
	buf_free(&ev->text);
}

static void
scan_fault(struct problems *bad, const char *below,
    const struct json_error *err)
{
	char pointer[300];

	snprintf(pointer, sizeof pointer, "%s%s", below, err->pointer);
	if (err->fault <= JSON_DEPTH)
		bad->grammar = true;
	problems_add(bad, pointer, "line %u, column %u: %s", err->line,
	    err->col, err->detail);
}

/*
 * The text of a top-level string that may have 1 to max bytes, in *text;
 * unescaped into ev->text only if need be.  That must not move when the next
 * one follows: each takes at most ESCAPED_MAX of the room made here, since an
 * escape never grows when it is taken back.
 */
static bool
member_text(const struct json_doc *d, uint32_t i, size_t max,
    struct event *ev, struct slice *text)
{
	size_t at = ev->text.len;

	if (!d->tok[i].escaped)
		*text = json_raw(d, i);
	else if (d->tok[i].len > ESCAPED_MAX)
		return false;
	else {
		(void)buf_room(&ev->text, 2 * ESCAPED_MAX - at);
		json_string(d, i, &ev->text);
		*text = (struct slice){ ev->text.s + at, ev->text.len - at };
	}
	return text->len > 0 && text->len <= max;
}

static void
read_sender_id(const struct json_doc *d, uint32_t i, struct event *ev,
    struct problems *bad)
{
	if (d->tok[i].type == JSON_NULL)
		return;
	if (d->tok[i].type != JSON_STRING) {
		problems_add(bad, "/id", "must be a string");
		return;
	}
	if (!member_text(d, i, STORE_SENDER_ID_MAX, ev, &ev->sender_id))
		problems_add(bad, "/id", "must have 1 to %d bytes",
		    STORE_SENDER_ID_MAX);
}

/* Of the service's own events, which nobody can post. */
static bool
is_reserved(struct slice name)
{
	struct slice own = SLICE(CATALOG_OPERATIONAL_PREFIX);

	return name.len >= own.len && memcmp(name.s, own.s, own.len) == 0;
}

static void
read_type(const struct json_doc *d, uint32_t i, const struct catalog *c,
    struct event *ev, struct problems *bad)
{
	struct buf plain = BUF_INIT(256);
	struct slice name;
	const char *near = NULL;

	if (d->tok[i].type != JSON_STRING) {
		problems_add(bad, "/event", "must be a string");
		return;
	}
	name = json_raw(d, i);
	if (d->tok[i].escaped) {
		json_string(d, i, &plain);
		name = buf_as_slice(&plain);
	}
	ev->type = catalog_event_find(c, name);
	if (ev->type == NULL)
		near = catalog_event_nearest(c, name);
	if (is_reserved(name) || (near != NULL && is_reserved(slice_of(near))))
		problems_add(bad, "/event", "names that begin with "
		    CATALOG_OPERATIONAL_PREFIX " are for events of the "
		    "service itself, which can't be posted");
	else if (ev->type == NULL)
		problems_add(bad, "/event", "is no event type known here%s%s",
		    near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near);
	buf_free(&plain);
}

static void
read_occurred(const struct json_doc *d, uint32_t i, struct event *ev,
    struct problems *bad)
{
	int64_t ms;

	if (d->tok[i].type == JSON_NULL)
		return;
	if (d->tok[i].type == JSON_STRING &&
	    member_text(d, i, OCCURRED_MAX, ev, &ev->occurred) &&
	    clock_parse(ev->occurred, false, &ms, NULL) == RC_OK)
		return;
	problems_add(bad, "/occurredAt",
	    "must be a time with a zone, like 2026-11-23T10:00:00Z");
}

static void
order_fault(void *arg, const char *pointer, const char *detail)
{
	char below[300];

	snprintf(below, sizeof below, "/order%s", pointer);
	problems_add(arg, below, "%s", detail);
}

static void
read_order(struct event_reader *r, uint32_t i, struct event *ev,
    struct problems *bad)
{
	const struct catalog_field *id;
	struct order_value v;
	struct json_error err;

	if (r->doc.tok[i].type != JSON_OBJECT) {
		problems_add(bad, "/order", "must be an object");
		return;
	}
	ev->order = json_text(&r->doc, i);
	if (order_read(&r->order, r->catalog, ev->order, &err) != RC_OK) {
		scan_fault(bad, "/order", &err);
		return;
	}
	id = catalog_field_find(r->catalog, SLICE("agwID"));
	v = id == NULL ? (struct order_value){ .found = false } :
	    order_field(&r->order, id);
	if (!v.found)
		problems_add(bad, "/order/agwID", "is required");
	else if (v.text.len == 0)
		problems_add(bad, "/order/agwID", "must not be empty");
	order_check(&r->order, order_fault, bad);
}

static void
unknown_member(const struct json_doc *d, uint32_t key, struct problems *bad)
{
	static const char *const known[] = { "id", "event", "occurredAt",
	    "test", "order" };
	struct buf name = BUF_INIT(256), at = BUF_INIT(1024);
	const char *near;

	if (bad->n >= EVENT_PROBLEMS_MAX) {	/* a pointer costs a walk */
		bad->n++;
		return;
	}
	json_string(d, key, &name);
	json_pointer(d, key, &at);
	near = text_nearest(buf_as_slice(&name), known, NELEM(known));
	problems_add(bad, buf_str(&at), "is not known here%s%s",
	    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near);
	buf_free(&name);
	buf_free(&at);
}

/*
 * What makes two posts with one sender id the same: type, occurredAt as given
 * and the order as JSON.  Lengths first, so that parts can't run together.
 */
static enum rc
hash_content(struct event_reader *r, struct event *ev)
{
	struct buf *b = &r->canonical;

	buf_clear(b);
	buf_puts(b, ev->type->name);
	buf_putc(b, '\0');
	buf_be32(b, (uint32_t)ev->occurred.len);
	buf_slice(b, ev->occurred);
	json_canonical(&r->order.doc, 0, b);
	if (b->over)
		return RC_TOOBIG;
	crypt_hash(r->crypt, buf_as_slice(b), ev->content);
	return RC_OK;
}

static void
read_members(struct event_reader *r, struct event *ev, struct problems *bad)
{
	const struct json_doc *d = &r->doc;
	bool has_event = false, has_order = false;

	for (uint32_t key = 1, m = 0; m < d->tok[0].n; m++,
	    key = d->tok[key + 1].next) {
		uint32_t i = key + 1;

		if (json_string_is(d, key, SLICE("event"))) {
			has_event = true;
			read_type(d, i, r->catalog, ev, bad);
		} else if (json_string_is(d, key, SLICE("order"))) {
			has_order = true;
			read_order(r, i, ev, bad);
		} else if (json_string_is(d, key, SLICE("id")))
			read_sender_id(d, i, ev, bad);
		else if (json_string_is(d, key, SLICE("occurredAt")))
			read_occurred(d, i, ev, bad);
		else if (!json_string_is(d, key, SLICE("test")))
			unknown_member(d, key, bad);
		else if (d->tok[i].type == JSON_TRUE)
			ev->test = true;
		else if (d->tok[i].type != JSON_FALSE &&
		    d->tok[i].type != JSON_NULL)
			problems_add(bad, "/test", "must be true or false");
	}
	if (!has_event)
		problems_add(bad, "/event", "is required");
	if (!has_order)
		problems_add(bad, "/order", "is required");
}

enum rc
event_read(struct event_reader *r, struct slice json, struct event *ev,
    struct problems *bad)
{
	struct json_error err;
	struct slice none = { NULL, 0 };

	ev->type = NULL;
	ev->sender_id = ev->occurred = ev->order = none;
	ev->test = false;
	ev->nref = 0;
	ev->chain = 1;
	buf_clear(&ev->text);
	if (json_scan(&r->doc, json, &json_limits_default, &err) != RC_OK) {
		scan_fault(bad, "", &err);
		return RC_INVALID;
	}
	if (r->doc.tok[0].type != JSON_OBJECT) {
		problems_add(bad, "", "an event must be a JSON object");
		return RC_INVALID;
	}
	read_members(r, ev, bad);
	if (bad->n == 0 && ev->sender_id.s != NULL &&
	    hash_content(r, ev) != RC_OK)
		problems_add(bad, "/order", "is too large");
	if (bad->n > 0)
		return RC_INVALID;
	ev->nref = reference_of_order(r->crypt, &r->order, ev->ref);
	ev->chain = reference_chain(ev->ref, ev->nref);
	return RC_OK;
}
