/*
 * fuzz_page - a page, NUL, a model, and perhaps NUL and a partial.
 *
 * Values are escaped, also where a partial puts them; delimiters of another
 * kind, or a page that is a partial, change nothing of what is rendered.
 */
#include "base/text.h"
#include "fuzz.h"
#include "look.h"

#define OUT_MAX	(256 * 1024)

static enum rc
load(void *arg, const char *name, struct slice *text)
{
	*text = *(const struct slice *)arg;
	if (strcmp(name, "broken") == 0)
		return RC_IO;
	return strcmp(name, "p") == 0 ? RC_OK : RC_NOTFOUND;
}

struct view {
	bool	compiled;
	enum rc	rc;
	struct buf out;
};

static struct view
view(struct slice page, struct slice partial, const struct json_doc *model)
{
	struct template_data data = { .model = model };
	struct view v = { .rc = RC_INVALID, .out = BUF_INIT(OUT_MAX) };
	struct buf again = BUF_INIT(OUT_MAX), why = BUF_INIT(4096);
	struct template_error err = { .off = SIZE_MAX };
	struct template *t;

	v.compiled = template_compile_page(&t, page, load, &partial, &err) ==
	    RC_OK;
	if (!v.compiled) {
		CHECK(err.off <= page.len || err.off <= partial.len);
		CHECK(err.detail[0] != '\0');
		CHECK(memchr(err.detail, '\0', sizeof err.detail) != NULL);
		return v;
	}
	v.rc = template_render(t, &data, &v.out, &why);
	CHECK(v.rc == RC_OK || v.rc == RC_TOOBIG);
	CHECK((v.rc == RC_OK) == (why.len == 0));
	CHECK(template_render(t, &data, &again, &why) == v.rc);
	CHECK(slice_eq(buf_as_slice(&v.out), buf_as_slice(&again)));
	template_free(t);
	buf_free(&again);
	buf_free(&why);
	return v;
}

/* Another page that must come out as the first one did. */
static void
check_same(struct slice page, struct slice partial,
    const struct json_doc *model, const struct view *want)
{
	struct view v = view(page, partial, model);

	CHECK(v.compiled);
	CHECK(v.rc != RC_OK || want->rc != RC_OK ||
	    slice_eq(buf_as_slice(&v.out), buf_as_slice(&want->out)));
	buf_free(&v.out);
}

/* The same tags between <% and %>. */
static void
check_delimiters(struct slice page, const struct look *k,
    struct slice partial, const struct json_doc *model,
    const struct view *want)
{
	struct buf text = BUF_INIT(FUZZ_MAX);

	if (memmem(page.s, page.len, "<%", 2) != NULL ||
	    memmem(page.s, page.len, "%>", 2) != NULL ||
	    memmem(page.s, page.len, "<{{", 3) != NULL ||
	    memmem(page.s, page.len, "%}}", 3) != NULL || k->delimiters)
		return;
	buf_puts(&text, "{{=<% %>=}}\n");
	buf_slice(&text, buf_as_slice(&k->percent));
	check_same(buf_as_slice(&text), partial, model, want);
	buf_free(&text);
}

static void
check(struct slice page, struct slice partial, const struct json_doc *model)
{
	struct look k = look_at(page), part = look_at(partial);
	struct view v = view(page, partial, model), neutral;

	if (!v.compiled)
		goto done;
	check_delimiters(page, &k, partial, model, &v);
	if (!k.partial && !k.delimiters)
		check_same(SLICE("{{> p }}"), page, model, &v);
	if (k.raw || k.delimiters || part.raw || part.delimiters)
		goto done;
	neutral = view(buf_as_slice(&k.neutral), buf_as_slice(&part.neutral),
	    model);
	CHECK(neutral.compiled);
	CHECK(look_harmless(buf_as_slice(&neutral.out)));
	buf_free(&neutral.out);
done:
	buf_free(&v.out);
	look_free(&k);
	look_free(&part);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice page, rest, model, partial = SLICE("");
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	if (!fuzz_split((struct slice){ (const char *)data, size }, &page,
	    &rest))
		return 0;
	model = rest;
	(void)fuzz_split(rest, &model, &partial);
	if (json_scan(&d, model, &json_limits_default, &err) == RC_OK)
		check(page, partial, &d);
	json_doc_free(&d);
	return 0;
}
