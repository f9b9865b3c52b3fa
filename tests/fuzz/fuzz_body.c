/*
 * fuzz_body - a jsonBody, NUL, an order: the JSON property.
 *
 * Whatever an order contains, the body is JSON of the shape its author wrote,
 * or there is none and the reason is told.  (How deep it may be and what else
 * is the task's to refuse, fuzz_task asks.)  The shape: the body of an order
 * all of whose strings are harmless has the same tokens.  The values: a body
 * that names every field, and every value of the order by its path, has each
 * of them as it was sent.  The bodies' contents are body_oracle.py's question.
 */
#include "fuzz.h"
#include "shape/task.h"

#define PATHS_MAX	24	/* values that are looked at by their path */

static void
note_fault(void *arg, const struct template_error *err)
{
	CHECK(err->detail[0] != '\0');
	CHECK(memchr(err->detail, '\0', sizeof err->detail) != NULL);
	*(bool *)arg = true;
}

static struct template *
compile(const struct json_doc *d)
{
	struct template *t = NULL;
	bool faults = false;
	enum rc rc;

	rc = template_compile_json(&t, fuzz_catalog(), d, 0, note_fault,
	    &faults);
	CHECK((rc == RC_OK) == !faults);
	return rc == RC_OK ? t : NULL;
}

static struct template *
compile_text(struct slice text)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct template *t;

	CHECK(json_scan(&d, text, &fuzz_no_limits, &err) == RC_OK);
	t = compile(&d);
	CHECK(t != NULL);
	json_doc_free(&d);
	return t;
}

/* A key of the template is one itself, so that two may come out the same. */
static bool
has_template_key(const struct json_doc *d)
{
	struct buf keys = BUF_INIT(FUZZ_MAX);
	bool has;

	for (uint32_t i = 0; i < d->n; i++) {
		uint32_t k = i + 1;

		if (d->tok[i].type != JSON_OBJECT || d->tok[i].n < 2)
			continue;
		for (uint32_t n = 0; n < d->tok[i].n; n++) {
			fuzz_plain(json_raw(d, k), &keys);
			buf_putc(&keys, '\n');
			k = d->tok[k + 1].next;
		}
	}
	has = memmem(buf_str(&keys), keys.len, "{{", 2) != NULL;
	buf_free(&keys);
	return has;
}

/*
 * Render and index.  RC_INVALID: a value is missing, which strict does not
 * let pass; or keys render equal, which only those that are templates can.
 */
static enum rc
render(const struct template *t, const struct order *o, bool strict,
    struct buf *out, struct json_doc *d)
{
	struct template_data data = fuzz_data(o);
	struct buf why = BUF_INIT(4096);
	struct json_error err;
	enum rc rc;

	data.strict = strict;
	rc = template_render(t, &data, out, &why);
	CHECK((rc == RC_OK) == (why.len == 0));
	CHECK(rc == RC_OK || rc == RC_TOOBIG || (rc == RC_INVALID && strict));
	if (rc == RC_OK) {
		rc = json_scan(d, buf_as_slice(out), &fuzz_no_limits, &err);
		CHECK(rc == RC_OK || err.fault == JSON_DUPLICATE_KEY);
	}
	buf_free(&why);
	return rc;
}

static void
put_harmless(const struct json_doc *d, uint32_t i, struct buf *out)
{
	const struct json_tok *t = &d->tok[i];
	bool object = t->type == JSON_OBJECT;
	uint32_t k = i + 1;

	if (t->type == JSON_STRING)
		buf_puts(out, t->len == 0 ? "\"\"" : "\"x\"");
	else if (t->type < JSON_STRING)
		buf_slice(out, json_text(d, i));
	else {
		buf_putc(out, object ? '{' : '[');
		for (uint32_t n = 0; n < t->n; n++) {
			buf_puts(out, n == 0 ? "" : ",");
			if (object) {
				buf_slice(out, json_text(d, k++));
				buf_putc(out, ':');
			}
			put_harmless(d, k, out);
			k = d->tok[k].next;
		}
		buf_putc(out, object ? '}' : ']');
	}
}

/* The strings of an order add nothing to what a body is made of. */
static void
check_shape(const struct template *t, const struct order *o,
    const struct json_doc *body)
{
	struct order harmless = ORDER_INIT;
	struct buf text = BUF_INIT(FUZZ_MAX), out = BUF_INIT(TASK_BODY_MAX);
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	put_harmless(&o->doc, 0, &text);
	CHECK(order_read(&harmless, o->catalog, buf_as_slice(&text), &err) ==
	    RC_OK);
	/* where a key is a string of the order two may be the same now */
	if (render(t, &harmless, false, &out, &d) == RC_OK) {
		CHECK(d.n == body->n);
		for (uint32_t i = 0; i < d.n; i++) {
			CHECK(d.tok[i].type == body->tok[i].type);
			CHECK(d.tok[i].next == body->tok[i].next);
			CHECK(d.tok[i].n == body->tok[i].n);
		}
	}
	order_free(&harmless);
	json_doc_free(&d);
	buf_free(&text);
	buf_free(&out);
}

/* Value got of the body is a string that says what value i of the order is. */
static void
check_text(const struct json_doc *body, uint32_t got, const struct order *o,
    uint32_t i)
{
	struct buf is = BUF_INIT(FUZZ_MAX), want = BUF_INIT(FUZZ_MAX);

	CHECK(body->tok[got].type == JSON_STRING);
	fuzz_plain(json_raw(body, got), &is);
	if (i != 0 && o->doc.tok[i].type != JSON_NULL)
		fuzz_token_plain(&o->doc, i, &want);
	CHECK(slice_eq(buf_as_slice(&is), buf_as_slice(&want)));
	buf_free(&is);
	buf_free(&want);
}

/* Value got of the body is value i of the order. */
static void
check_value(const struct json_doc *body, uint32_t got, const struct order *o,
    uint32_t i)
{
	struct buf is = BUF_INIT(FUZZ_MAX), want = BUF_INIT(FUZZ_MAX);

	json_canonical(body, got, &is);
	if (i == 0)
		buf_puts(&want, "null");
	else
		json_canonical(&o->doc, i, &want);
	CHECK(slice_eq(buf_as_slice(&is), buf_as_slice(&want)));
	buf_free(&is);
	buf_free(&want);
}

/* {"agwID":["{{agwID}}","{{{agwID}}}"],...} */
static struct template *
every_field(void)
{
	static struct template *t;
	const struct catalog_field *f;
	struct buf text = BUF_INIT(FUZZ_MAX);

	if (t != NULL)
		return t;
	for (size_t i = 0; (f = catalog_field_at(fuzz_catalog(), i)) != NULL;
	    i++)
		buf_printf(&text, "%s\"%s\":[\"{{%s}}\",\"{{{%s}}}\"]",
		    i == 0 ? "{" : ",", f->name, f->name, f->name);
	buf_putc(&text, '}');
	t = compile_text(buf_as_slice(&text));
	buf_free(&text);
	return t;
}

/* The words for a code, or what the legs give, stand for what was sent. */
static bool
is_derived(const struct order *o, const struct catalog_field *f, uint32_t i)
{
	if (f->derived == CATALOG_SENT)
		return false;
	return i == 0 || o->doc.tok[i].type == JSON_NULL ||
	    (f->derived == CATALOG_BOOKING && o->doc.tok[i].len == 2);
}

static void
check_fields(const struct order *o)
{
	struct buf out = BUF_INIT(TASK_BODY_MAX);
	struct json_doc d = JSON_DOC_INIT;
	const struct catalog_field *f;

	if (render(every_field(), o, false, &out, &d) != RC_OK) {
		CHECK(out.over);
		goto done;
	}
	for (size_t n = 0; (f = catalog_field_at(o->catalog, n)) != NULL;
	    n++) {
		uint32_t got = json_find(&d, 0, f->name);
		uint32_t i = json_find(&o->doc, 0, f->name);

		CHECK(got != 0 && d.tok[got].n == 2);
		if (is_derived(o, f, i))
			continue;
		check_text(&d, got + 1, o, i);
		check_value(&d, got + 2, o, i);
	}
done:
	json_doc_free(&d);
	buf_free(&out);
}

/* Values of an order, each under the path that a template names it by. */
struct paths {
	struct buf text;	/* ["{{a}}","{{{a}}}",... */
	uint32_t tok[PATHS_MAX];
	size_t	 n;
};

static void
collect(const struct order *o, uint32_t i, struct slice path, struct paths *p)
{
	const struct json_tok *t = &o->doc.tok[i];
	bool object = t->type == JSON_OBJECT;
	struct buf key = BUF_INIT(FUZZ_MAX), at = BUF_INIT(FUZZ_MAX);
	uint32_t k = i + 1;

	if (p->n == PATHS_MAX)
		return;
	buf_puts(&at, p->n == 0 ? "[\"{{" : ",\"{{");
	json_put_escaped(&at, path);
	buf_puts(&at, "}}\",\"{{{");
	json_put_escaped(&at, path);
	buf_puts(&at, "}}}\"");
	buf_slice(&p->text, buf_as_slice(&at));
	p->tok[p->n++] = i;
	for (uint32_t n = 0; t->type >= JSON_ARRAY && n < t->n; n++) {
		buf_clear(&key);
		if (object)
			fuzz_plain(json_raw(&o->doc, k), &key);
		else
			buf_printf(&key, "%u", (unsigned)n);
		buf_clear(&at);
		buf_slice(&at, path);
		buf_putc(&at, '.');
		buf_slice(&at, buf_as_slice(&key));
		if (fuzz_is_name(buf_as_slice(&key)))
			collect(o, k + object, buf_as_slice(&at), p);
		k = o->doc.tok[k + object].next;
	}
	buf_free(&key);
	buf_free(&at);
}

static void
check_paths(const struct order *o)
{
	struct paths p = { .text = BUF_INIT(FUZZ_MAX) };
	struct buf out = BUF_INIT(TASK_BODY_MAX);
	struct json_doc d = JSON_DOC_INIT;
	struct template *t;
	uint32_t got = 1;

	collect(o, 0, SLICE("order"), &p);
	buf_putc(&p.text, ']');
	t = compile_text(buf_as_slice(&p.text));
	if (render(t, o, false, &out, &d) == RC_OK) {
		CHECK(d.tok[0].n == 2 * p.n);
		for (size_t n = 0; n < p.n; n++) {
			uint32_t i = p.tok[n];

			if (i == 0)	/* the order itself */
				CHECK(d.tok[got].type == JSON_STRING);
			else
				check_text(&d, got, o, i);
			got = d.tok[got].next;
			if (i != 0)
				check_value(&d, got, o, i);
			got = d.tok[got].next;
		}
	}
	template_free(t);
	json_doc_free(&d);
	buf_free(&p.text);
	buf_free(&out);
}

static void
check(const struct template *t, const struct json_doc *body,
    const struct order *o)
{
	struct buf one = BUF_INIT(TASK_BODY_MAX), two = one, strict = one;
	struct json_doc d = JSON_DOC_INIT, again = JSON_DOC_INIT;
	enum rc rc;

	rc = render(t, o, false, &one, &d);
	CHECK(rc == RC_OK || rc == RC_TOOBIG || has_template_key(body));
	CHECK(render(t, o, false, &two, &again) == rc);
	CHECK(slice_eq(buf_as_slice(&one), buf_as_slice(&two)));
	if (rc == RC_OK)
		check_shape(t, o, &d);
	if (render(t, o, true, &strict, &again) == RC_OK)
		CHECK(rc == RC_OK && slice_eq(buf_as_slice(&one),
		    buf_as_slice(&strict)));
	json_doc_free(&d);
	json_doc_free(&again);
	buf_free(&one);
	buf_free(&two);
	buf_free(&strict);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct order o = ORDER_INIT;
	struct json_doc d = JSON_DOC_INIT;
	struct template *t = NULL;
	struct json_error err;
	struct slice body, order;

	if (!fuzz_split((struct slice){ (const char *)data, size }, &body,
	    &order) || order_read(&o, fuzz_catalog(), order, &err) != RC_OK)
		return 0;
	check_fields(&o);
	check_paths(&o);
	if (json_scan(&d, body, &json_limits_default, &err) == RC_OK)
		t = compile(&d);
	if (t != NULL)
		check(t, &d, &o);
	template_free(t);
	json_doc_free(&d);
	return 0;
}
