/*
 * fuzz_template - a template, NUL, an order: compiled and rendered for every
 * place a template can stand in.
 *
 * What each place promises is checked twice.  Literals are an author's own, so
 * the template is rendered once more with an L for each byte outside its tags:
 * then all that could hurt comes from a value.  And taken back by a decoder of
 * this file's own, each place's rendering is the plain text's, which in turn
 * is compared with the order's values one by one.
 */
#include "base/text.h"
#include "fuzz.h"
#include "look.h"

#define PLACES		(TEMPLATE_HTML + 1)
#define OUT_MAX		(256 * 1024)
#define PATHS_MAX	24	/* values that are looked at one by one */

/* Rendered for one place. */
struct view {
	bool	compiled;
	enum rc	rc;
	struct buf out;
};

/* Lenient, lenient again, strict: the last one at most fails, and says why. */
static enum rc
render(const struct template *t, const struct order *o, struct buf *out)
{
	struct template_data data = fuzz_data(o);
	struct buf again = BUF_INIT(OUT_MAX), why = BUF_INIT(4096);
	enum rc rc, rc2;

	rc = template_render(t, &data, out, &why);
	CHECK(rc == RC_OK || rc == RC_TOOBIG);
	CHECK((rc == RC_OK) == (why.len == 0));
	rc2 = template_render(t, &data, &again, &why);
	CHECK(rc2 == rc);
	CHECK(rc != RC_OK || slice_eq(buf_as_slice(out),
	    buf_as_slice(&again)));
	data.strict = true;
	buf_clear(&again);
	buf_clear(&why);
	rc2 = template_render(t, &data, &again, &why);
	CHECK(rc2 == RC_OK || why.len > 0);
	CHECK(rc2 != RC_OK || (rc == RC_OK && slice_eq(buf_as_slice(out),
	    buf_as_slice(&again))));
	buf_free(&again);
	buf_free(&why);
	return rc;
}

static struct view
view(enum template_place place, struct slice text, const struct order *o)
{
	struct view v = { .rc = RC_INVALID, .out = BUF_INIT(OUT_MAX) };
	struct template_error err = { .off = SIZE_MAX };
	struct template *t;

	v.compiled = template_compile(&t, o->catalog, place, text, &err) ==
	    RC_OK;
	if (!v.compiled) {
		CHECK(err.off <= text.len && err.detail[0] != '\0');
		CHECK(memchr(err.detail, '\0', sizeof err.detail) != NULL);
		return v;
	}
	v.rc = render(t, o, &v.out);
	template_free(t);
	return v;
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static bool
is_unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z') || (c != '\0' && strchr("-._~", c) != NULL);
}

static void
html_plain(struct slice s, struct buf *out)
{
	while (s.len > 0) {
		char c;
		size_t n = look_reference(s, &c);

		buf_putc(out, n == 0 ? s.s[0] : c);
		(void)slice_take(&s, n == 0 ? 1 : n);
	}
}

static void
url_plain(struct slice s, struct buf *out)
{
	while (s.len > 0) {
		struct slice c = slice_take(&s, 1);

		if (c.s[0] == '%') {
			c = slice_take(&s, 2);
			CHECK(c.len == 2);
			buf_putc(out, (char)fuzz_hex(c.s, 2));
		} else
			buf_slice(out, c);
	}
}

/* The rendering, with quotes around it, is one JSON string: its plain text. */
static void
json_plain(struct slice s, struct buf *out)
{
	struct buf text = BUF_INIT(OUT_MAX + 2);
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	buf_putc(&text, '"');
	buf_slice(&text, s);
	buf_putc(&text, '"');
	CHECK(json_scan(&d, buf_as_slice(&text), &fuzz_no_limits, &err) ==
	    RC_OK);
	CHECK(d.n == 1 && d.tok[0].type == JSON_STRING);
	fuzz_plain(json_raw(&d, 0), out);
	json_doc_free(&d);
	buf_free(&text);
}

/* Slack's markup begins with these; quotes are nothing to it. */
static void
check_slack(struct slice s)
{
	while (s.len > 0) {
		char c;
		size_t n = look_reference(s, &c);

		CHECK(n > 0 || s.s[0] == '\0' ||
		    strchr("&<>", s.s[0]) == NULL);
		(void)slice_take(&s, n == 0 ? 1 : n);
	}
}

/* All that came out of a template whose literals are harmless. */
static void
check_harmless(enum template_place place, struct slice s)
{
	struct buf plain = BUF_INIT(OUT_MAX);

	switch (place) {
	case TEMPLATE_TEXT:
		CHECK(text_is_utf8(s));
		break;
	case TEMPLATE_JSON:
		json_plain(s, &plain);
		break;
	case TEMPLATE_SLACK:
		json_plain(s, &plain);
		check_slack(buf_as_slice(&plain));
		break;
	case TEMPLATE_URL:
		for (size_t i = 0; i < s.len; i++)
			CHECK(is_unreserved(s.s[i]) || s.s[i] == '%');
		url_plain(s, &plain);
		break;
	case TEMPLATE_HEADER:
		for (size_t i = 0; i < s.len; i++)
			CHECK(!is_control(s.s[i]));
		break;
	case TEMPLATE_HTML:
		CHECK(look_harmless(s));
		break;
	}
	buf_free(&plain);
}

static void
check_values(const struct look *k, const struct order *o,
    const struct view *views)
{
	for (enum template_place p = 0; p < PLACES; p++) {
		struct view v = view(p, buf_as_slice(&k->neutral), o);

		CHECK(v.compiled || !views[p].compiled);
		if (v.rc == RC_OK && !((p == TEMPLATE_HTML ||
		    p == TEMPLATE_SLACK) && k->raw))
			check_harmless(p, buf_as_slice(&v.out));
		buf_free(&v.out);
	}
}

/* Each place says the same as the plain text does. */
static void
check_same_text(struct slice text, const struct look *k,
    const struct view *views, enum template_place place)
{
	struct slice s = buf_as_slice(&views[place].out);
	struct slice want = buf_as_slice(&views[TEMPLATE_TEXT].out);
	struct buf got = BUF_INIT(OUT_MAX), plain = BUF_INIT(OUT_MAX);

	if (views[place].rc != RC_OK || views[TEMPLATE_TEXT].rc != RC_OK)
		return;
	switch (place) {
	case TEMPLATE_TEXT:
		buf_slice(&got, s);
		break;
	case TEMPLATE_JSON:
		json_plain(s, &got);
		if (!text_is_utf8(text))
			goto done;	/* what is no UTF-8 became U+FFFD */
		break;
	case TEMPLATE_SLACK:
		json_plain(s, &plain);
		if (k->raw || !text_is_utf8(text) ||
		    memchr(text.s, '&', text.len) != NULL)
			goto done;
		html_plain(buf_as_slice(&plain), &got);
		break;
	case TEMPLATE_URL:
		if (memchr(text.s, '%', text.len) != NULL)
			goto done;
		url_plain(s, &got);
		break;
	case TEMPLATE_HEADER:
		CHECK(s.len == want.len);
		for (size_t i = 0; i < s.len; i++)
			buf_putc(&got, is_control(want.s[i]) &&
			    s.s[i] == ' ' ? want.s[i] : s.s[i]);
		break;
	case TEMPLATE_HTML:
		if (k->raw || memchr(text.s, '&', text.len) != NULL)
			goto done;
		html_plain(s, &got);
		break;
	}
	CHECK(slice_eq(buf_as_slice(&got), want));
done:
	buf_free(&plain);
	buf_free(&got);
}

/* A URL has the separators its author wrote, and no others. */
static void
check_separators(const struct look *k, const struct view *v)
{
	static const char separators[] = "/?#&=:@;,+!$'()*[]\\ \"<>";

	if (v->rc != RC_OK || k->section)
		return;
	for (const char *sep = separators; *sep != '\0'; sep++) {
		size_t want = 0, got = 0;

		/* white space goes with a comment that stands alone */
		if (*sep == ' ')
			continue;
		for (size_t i = 0; i < k->literals.len; i++)
			want += k->literals.s[i] == *sep;
		for (size_t i = 0; i < v->out.len; i++)
			got += v->out.s[i] == *sep;
		CHECK(got == want);
	}
}

static void
check_path(const struct order *o, uint32_t i, const struct buf *path)
{
	struct buf text = BUF_INIT(FUZZ_MAX), want = BUF_INIT(FUZZ_MAX);
	struct view v;

	buf_printf(&text, "{{%s}}", buf_str(path));
	if (o->doc.tok[i].type != JSON_NULL)
		fuzz_token_plain(&o->doc, i, &want);
	v = view(TEMPLATE_TEXT, buf_as_slice(&text), o);
	CHECK(v.compiled);
	CHECK(v.rc == (want.len > OUT_MAX ? RC_TOOBIG : RC_OK));
	CHECK(v.rc != RC_OK || slice_eq(buf_as_slice(&v.out),
	    buf_as_slice(&want)));
	buf_free(&v.out);
	buf_free(&text);
	buf_free(&want);
}

/* Every value that a dotted name can reach is rendered as what it is. */
static void
check_paths(const struct order *o, uint32_t i, struct buf *path, int *left)
{
	const struct json_tok *t = &o->doc.tok[i];
	bool object = t->type == JSON_OBJECT;
	uint32_t k = i + 1;

	if ((*left)-- <= 0)
		return;
	check_path(o, i, path);
	for (uint32_t n = 0; t->type >= JSON_ARRAY && n < t->n; n++) {
		struct buf key = BUF_INIT(FUZZ_MAX), at = BUF_INIT(FUZZ_MAX);

		if (object)
			fuzz_plain(json_raw(&o->doc, k), &key);
		else
			buf_printf(&key, "%u", (unsigned)n);
		buf_slice(&at, buf_as_slice(path));
		buf_putc(&at, '.');
		buf_slice(&at, buf_as_slice(&key));
		if (fuzz_is_name(buf_as_slice(&key)))
			check_paths(o, k + object, &at, left);
		k = o->doc.tok[k + object].next;
		buf_free(&key);
		buf_free(&at);
	}
}

static void
check(struct slice text, const struct order *o)
{
	struct look k = look_at(text);
	struct view views[PLACES];
	struct buf path = BUF_INIT(FUZZ_MAX);
	int left = PATHS_MAX;

	for (enum template_place p = 0; p < PLACES; p++)
		views[p] = view(p, text, o);
	CHECK(views[TEMPLATE_JSON].compiled == views[TEMPLATE_TEXT].compiled);
	CHECK(views[TEMPLATE_HTML].compiled == views[TEMPLATE_TEXT].compiled);
	CHECK(views[TEMPLATE_URL].compiled == views[TEMPLATE_HEADER].compiled);
	CHECK(views[TEMPLATE_URL].compiled ==
	    (views[TEMPLATE_TEXT].compiled && !k.raw));
	for (enum template_place p = 0; p < PLACES; p++)
		check_same_text(text, &k, views, p);
	check_separators(&k, &views[TEMPLATE_URL]);
	check_values(&k, o, views);
	buf_puts(&path, "order");
	check_paths(o, 0, &path, &left);
	for (enum template_place p = 0; p < PLACES; p++)
		buf_free(&views[p].out);
	buf_free(&path);
	look_free(&k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct order o = ORDER_INIT;
	struct json_error err;
	struct slice text, order;

	if (fuzz_split((struct slice){ (const char *)data, size }, &text,
	    &order) && text.len > 0 &&
	    order_read(&o, fuzz_catalog(), order, &err) == RC_OK)
		check(text, &o);
	return 0;
}
