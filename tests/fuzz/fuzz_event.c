/*
 * fuzz_event - bytes, as one posted event.
 *
 * An event that is taken is the same however its JSON is spelled, and another
 * one as soon as its content is; its order is the very bytes that were sent.
 * One that is refused is told why, at a place that the sender can find.
 */
#include "base/text.h"
#include "fuzz.h"
#include "work/event.h"

/* One reading of some text. */
struct reading {
	struct event_reader reader;
	struct event	 ev;
	struct problems	 bad;
	enum rc		 rc;
};

static void
read_event(struct reading *g, struct slice text)
{
	static struct crypt crypt;

	memset(&crypt, 7, sizeof crypt);
	g->reader = (struct event_reader)EVENT_READER_INIT(fuzz_catalog(),
	    &crypt);
	g->ev = (struct event)EVENT_INIT;
	g->bad = (struct problems)PROBLEMS_INIT;
	g->rc = event_read(&g->reader, text, &g->ev, &g->bad);
	CHECK((g->rc == RC_OK) == (g->bad.n == 0));
	CHECK(g->rc == RC_OK || g->rc == RC_INVALID);
}

static void
forget(struct reading *g)
{
	event_reader_free(&g->reader);
	event_free(&g->ev);
	problems_free(&g->bad);
}

/* Take one reference token off a pointer, its two escapes undone. */
static void
take_reference(struct slice *pointer, struct buf *out)
{
	buf_clear(out);
	CHECK(slice_is(slice_take(pointer, 1), "/"));
	while (pointer->len > 0 && pointer->s[0] != '/') {
		struct slice c = slice_take(pointer, 1);

		if (slice_is(c, "~")) {
			c = slice_take(pointer, 1);
			CHECK(slice_is(c, "0") || slice_is(c, "1"));
			buf_putc(out, *c.s == '0' ? '~' : '/');
		} else
			buf_slice(out, c);
	}
}

/* Value or, for what is missing, the object around it is in the text. */
static void
check_pointer(const struct json_doc *d, struct slice pointer)
{
	struct buf one = BUF_INIT(FUZZ_MAX);
	uint32_t at = 0, next;

	while (pointer.len > 0) {
		take_reference(&pointer, &one);
		next = 0;
		if (d->tok[at].type == JSON_OBJECT)
			next = json_find_slice(d, at, buf_as_slice(&one));
		else if (d->tok[at].type == JSON_ARRAY) {
			unsigned long n = strtoul(buf_str(&one), NULL, 10);

			CHECK(n < d->tok[at].n);
			for (next = at + 1; n > 0; n--)
				next = d->tok[next].next;
		}
		if (next == 0) {
			CHECK(d->tok[at].type == JSON_OBJECT);
			CHECK(pointer.len == 0);
		}
		at = next;
	}
	buf_free(&one);
}

static void
check_problems(const struct problems *bad, struct slice text)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	const char *pointer, *detail;
	size_t n = 0;
	bool is;

	is = json_scan(&d, text, &json_limits_default, &err) == RC_OK;
	CHECK(!bad->grammar || (!is && err.fault <= JSON_DEPTH));
	CHECK(is || bad->grammar || err.fault > JSON_DEPTH);
	while (problems_at(bad, n, &pointer, &detail)) {
		CHECK(detail[0] != '\0' && text_is_utf8(slice_of(detail)));
		CHECK(pointer[0] == '\0' || pointer[0] == '/');
		CHECK(text_is_utf8(slice_of(pointer)));
		if (is)
			check_pointer(&d, slice_of(pointer));
		n++;
	}
	CHECK(n > 0 && n <= bad->n && n <= EVENT_PROBLEMS_MAX);
	json_doc_free(&d);
}

static bool
lies_in(struct slice part, struct slice whole)
{
	return part.s >= whole.s &&
	    part.s + part.len <= whole.s + whole.len;
}

static void
check_parts(const struct event *ev, const struct json_doc *d)
{
	uint32_t order = json_find(d, 0, "order"), id = json_find(d, 0, "id");
	uint32_t test = json_find(d, 0, "test");
	uint32_t at = json_find(d, 0, "occurredAt");
	struct buf plain = BUF_INIT(FUZZ_MAX);

	CHECK(order != 0 && d->tok[order].type == JSON_OBJECT);
	CHECK(lies_in(ev->order, d->text));
	CHECK(ev->order.s == d->text.s + d->tok[order].off);
	CHECK(ev->order.len == d->tok[order].len);
	CHECK(ev->test == (test != 0 && d->tok[test].type == JSON_TRUE));
	CHECK(ev->type != NULL && ev->nref >= 1 && ev->nref <= REFERENCE_MAX);
	CHECK((ev->sender_id.s != NULL) ==
	    (id != 0 && d->tok[id].type == JSON_STRING));
	if (ev->sender_id.s != NULL) {
		fuzz_token_plain(d, id, &plain);
		CHECK(slice_eq(ev->sender_id, buf_as_slice(&plain)));
		CHECK(plain.len > 0 && plain.len <= STORE_SENDER_ID_MAX);
	}
	CHECK((ev->occurred.s != NULL) ==
	    (at != 0 && d->tok[at].type == JSON_STRING));
	if (ev->occurred.s != NULL) {
		buf_clear(&plain);
		fuzz_token_plain(d, at, &plain);
		CHECK(slice_eq(ev->occurred, buf_as_slice(&plain)));
	}
	for (size_t i = 0; i < ev->nref; i++)
		for (size_t k = 0; k < i; k++)
			CHECK(ev->ref[i] != ev->ref[k]);
	buf_free(&plain);
}

/* The agwID finds the event, and the finder knows it again. */
static void
check_found(const struct reading *g)
{
	const struct order *o = &g->reader.order;
	struct buf plain = BUF_INIT(FUZZ_MAX);
	uint64_t ref;
	size_t i = 0;

	fuzz_token_plain(&o->doc, json_find(&o->doc, 0, "agwID"), &plain);
	CHECK(plain.len > 0 && plain.len <= ORDER_REFERENCE_MAX);
	ref = reference_hash(g->reader.crypt, REFERENCE_AGWID,
	    buf_as_slice(&plain));
	while (i < g->ev.nref && g->ev.ref[i] != ref)
		i++;
	CHECK(i < g->ev.nref);
	CHECK(reference_matches(o, REFERENCE_AGWID, buf_as_slice(&plain)));
	buf_free(&plain);
}

static bool
same_text(struct slice a, struct slice b)
{
	return (a.s == NULL) == (b.s == NULL) && slice_eq(a, b);
}

static void
check_same(const struct event *a, const struct event *b)
{
	CHECK(a->type == b->type && a->test == b->test);
	CHECK(same_text(a->sender_id, b->sender_id));
	CHECK(same_text(a->occurred, b->occurred));
	CHECK(a->sender_id.s == NULL ||
	    memcmp(a->content, b->content, sizeof a->content) == 0);
	CHECK(a->nref == b->nref);
	for (size_t i = 0; i < a->nref; i++)
		CHECK(a->ref[i] == b->ref[i]);
}

/* What the order has, and what its legs give, is the same text. */
static void
check_same_fields(const struct order *a, const struct order *b)
{
	struct buf x = BUF_INIT(FUZZ_MAX), y = BUF_INIT(FUZZ_MAX);
	const struct catalog_field *f;

	for (size_t i = 0; (f = catalog_field_at(a->catalog, i)) != NULL;
	    i++) {
		struct order_value v = order_field(a, f);
		struct order_value w = order_field(b, f);

		CHECK(v.found == w.found);
		if (!v.found || v.type > JSON_STRING)
			continue;
		CHECK(v.type == w.type);
		buf_clear(&x);
		buf_clear(&y);
		order_value_text(a, v, &x);
		order_value_text(b, w, &y);
		CHECK(slice_eq(buf_as_slice(&x), buf_as_slice(&y)));
	}
	buf_free(&x);
	buf_free(&y);
}

/* Another spelling of the same event. */
static void
check_respelled(const struct reading *g, const struct json_doc *d)
{
	struct buf text = BUF_INIT(FUZZ_MAX);
	struct reading again;

	fuzz_respell(d, 0, &text);
	read_event(&again, buf_as_slice(&text));
	CHECK(again.rc == RC_OK);
	check_same(&g->ev, &again.ev);
	check_same_fields(&g->reader.order, &again.reader.order);
	forget(&again);
	buf_free(&text);
}

/* One member more, somewhere in the order, makes other content of it. */
static void
check_changed(const struct reading *g, struct slice text)
{
	size_t at = (size_t)(g->ev.order.s - text.s) + 1;
	struct buf other = BUF_INIT(FUZZ_MAX);
	struct reading again;

	buf_put(&other, text.s, at);
	buf_puts(&other, "\"\\uD83D\\uDE00\\u0001one more\":1,");
	buf_put(&other, text.s + at, text.len - at);
	read_event(&again, buf_as_slice(&other));
	/* it may have been there, from an input made of such a text */
	if (again.rc == RC_OK)
		CHECK(g->ev.sender_id.s == NULL || memcmp(g->ev.content,
		    again.ev.content, sizeof again.ev.content) != 0);
	forget(&again);
	buf_free(&other);
}

/* A reader that has read another event before reads the same. */
static void
check_again(const struct reading *g, struct slice text)
{
	static const char full[] = "{\"id\":\"\\u0041\",\"event\":\"Strike\","
	    "\"occurredAt\":\"2026-11-23T10:00:00Z\",\"test\":true,\"order\":"
	    "{\"agwID\":\"A\",\"pnr\":\"\\u0042\",\"psgPhone\":\"1\",\"legs\":"
	    "[{\"origin\":\"A\",\"destination\":\"B\"}]}}";
	struct reading used;

	read_event(&used, SLICE(full));
	CHECK(used.rc == RC_OK && used.ev.nref == 3);
	used.rc = event_read(&used.reader, text, &used.ev, &used.bad);
	CHECK(used.rc == g->rc && used.bad.n == g->bad.n);
	CHECK(used.bad.grammar == g->bad.grammar);
	CHECK(slice_eq(buf_as_slice(&used.bad.text),
	    buf_as_slice(&g->bad.text)));
	if (g->rc == RC_OK)
		check_same(&g->ev, &used.ev);
	forget(&used);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct reading g;

	read_event(&g, text);
	if (g.rc == RC_OK) {
		CHECK(json_scan(&d, text, &json_limits_default, &err) ==
		    RC_OK);
		check_parts(&g.ev, &d);
		check_found(&g);
		check_respelled(&g, &d);
		check_changed(&g, text);
	} else
		check_problems(&g.bad, text);
	check_again(&g, text);
	event_reader_trim(&g.reader);
	json_doc_free(&d);
	forget(&g);
	return 0;
}
