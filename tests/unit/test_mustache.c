/*
 * The Mustache specification's six core modules, each test rendered as a page.
 * The files are looked for in $MUSTACHE_SPEC, else in shared/mustache-spec
 * beside the source tree.  And what the specification leaves open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "shape/template.h"
#include "unit_shape.h"

#define FILE_MAX_BYTES (1024 * 1024)

/* One test of a module, as the file has it. */
struct one {
	const struct json_doc *d;
	uint32_t test, partials;
	struct buf partial;
};

static uint32_t
member(const struct one *o, const char *name)
{
	uint32_t i = json_find(o->d, o->test, name);

	assert_int_not_equal(i, 0);
	return i;
}

static enum rc
partial(void *arg, const char *name, struct slice *text)
{
	struct one *o = arg;
	uint32_t i = o->partials == 0 ? 0 :
	    json_find(o->d, o->partials, name);

	if (i == 0)
		return RC_NOTFOUND;
	buf_clear(&o->partial);
	json_string(o->d, i, &o->partial);
	*text = buf_as_slice(&o->partial);
	return RC_OK;
}

static void
render(struct one *o)
{
	struct buf text = BUF_INIT(65536), want = BUF_INIT(65536);
	struct buf name = BUF_INIT(256), out = BUF_INIT(65536);
	struct buf why = BUF_INIT(1024);
	struct json_doc model = JSON_DOC_INIT;
	struct template_data data = { .model = &model };
	struct template_error err;
	struct json_error jerr;
	struct template *t = NULL;

	o->partial = (struct buf)BUF_INIT(65536);
	o->partials = json_find(o->d, o->test, "partials");
	json_string(o->d, member(o, "name"), &name);
	json_string(o->d, member(o, "template"), &text);
	json_string(o->d, member(o, "expected"), &want);
	want_rc(json_scan(&model, json_text(o->d, member(o, "data")),
	    &json_limits_default, &jerr), RC_OK, "%s", buf_str(&name));
	if (template_compile_page(&t, buf_as_slice(&text), partial, o, &err)
	    != RC_OK)
		buf_printf(&out, "!%zu %s", err.off, err.detail);
	else if (template_render(t, &data, &out, &why) != RC_OK)
		buf_printf(&out, "!%s", buf_str(&why));
	want_str(buf_str(&out), buf_str(&want), "%s: %s", buf_str(&name),
	    buf_str(&text));
	template_free(t);
	json_doc_free(&model);
	buf_free(&o->partial);
	buf_free(&text);
	buf_free(&want);
	buf_free(&name);
	buf_free(&out);
	buf_free(&why);
}

/* False: there is no such directory, and that has been said. */
static bool
find_spec(struct buf *dir)
{
	const char *given = getenv("MUSTACHE_SPEC");

	if (given != NULL)
		buf_puts(dir, given);
	else
		unit_source(dir, "../shared/mustache-spec");
	if (given != NULL || access(buf_str(dir), R_OK) == 0)
		return true;
	print_message("skipped: no Mustache specification in %s; "
	    "$MUSTACHE_SPEC may say where it is\n", buf_str(dir));
	return false;
}

static void
module(const char *name, uint32_t want_tests)
{
	struct buf path = BUF_INIT(4096), text = BUF_INIT(FILE_MAX_BYTES);
	struct json_doc d = JSON_DOC_INIT;
	struct one o = { .d = &d };
	struct json_error err = { 0 };
	uint32_t tests;
	FILE *f;

	if (!find_spec(&path)) {
		buf_free(&path);
		skip();
	}
	buf_printf(&path, "/%s.json", name);
	f = fopen(buf_str(&path), "rb");
	if (f == NULL)
		fail_msg("%s can't be read", buf_str(&path));
	text.len = fread(buf_room(&text, FILE_MAX_BYTES), 1, FILE_MAX_BYTES,
	    f);
	fclose(f);
	want_rc(json_scan(&d, buf_as_slice(&text), &json_limits_default, &err),
	    RC_OK, "%s: %s", buf_str(&path), err.detail);
	tests = json_find(&d, 0, "tests");
	assert_int_not_equal(tests, 0);
	want_i64(d.tok[tests].n, want_tests, "tests in %s", buf_str(&path));
	for (o.test = tests + 1; o.test < d.tok[tests].next;
	    o.test = d.tok[o.test].next)
		render(&o);
	json_doc_free(&d);
	buf_free(&path);
	buf_free(&text);
}

static void
comments(void **state)
{
	(void)state;
	module("comments", 12);
}

static void
delimiters(void **state)
{
	(void)state;
	module("delimiters", 14);
}

static void
interpolation(void **state)
{
	(void)state;
	module("interpolation", 42);
}

static void
inverted(void **state)
{
	(void)state;
	module("inverted", 22);
}

static void
partials(void **state)
{
	(void)state;
	module("partials", 12);
}

static void
sections(void **state)
{
	(void)state;
	module("sections", 34);
}

/* Partials by name, for what follows. */
static const struct { const char *name, *text; } parts[] = {
	{ "self", "x{{>self}}" },
	{ "deeper", "{{#m}}{{#m}}{{>deeper}}{{/m}}{{/m}}" },
	{ "crossed", "a\n{{#m}}{{/n}}" },
	{ "around", "<{{>crossed}}>" },
	{ "blank", "a\n\nb\r\n\r\nc\n" },
	{ "outer", "1\n{{>inner}}\n2 {{>inner}}\n" },
	{ "inner", "3\n4\n" },
};

static enum rc
part(void *arg, const char *name, struct slice *text)
{
	(void)arg;
	for (size_t i = 0; i < NELEM(parts); i++)
		if (strcmp(parts[i].name, name) == 0) {
			*text = slice_of(parts[i].text);
			return RC_OK;
		}
	return strcmp(name, "denied") == 0 ? RC_IO : RC_NOTFOUND;
}

/* What a page renders to, or "!why not". */
static void
page(const char *text, const char *want)
{
	struct json_doc model = JSON_DOC_INIT;
	struct template_data data = { .model = &model };
	struct buf out = BUF_INIT(65536), why = BUF_INIT(1024);
	struct template_error err;
	struct json_error jerr;
	struct template *t = NULL;

	want_rc(json_scan(&model, SLICE("{\"m\":{\"k\":\"v\"}}"),
	    &json_limits_default, &jerr), RC_OK, "model");
	if (template_compile_page(&t, slice_of(text), part, NULL, &err) !=
	    RC_OK)
		buf_printf(&out, "!%zu %s", err.off, err.detail);
	else if (template_render(t, &data, &out, &why) != RC_OK) {
		buf_clear(&out);
		buf_printf(&out, "!%s", buf_str(&why));
	}
	want_str(buf_str(&out), want, "%s", text);
	template_free(t);
	json_doc_free(&model);
	buf_free(&out);
	buf_free(&why);
}

static void
a_partial_that_names_itself_for_ever_ends(void **state)
{
	(void)state;
	page("{{>self}}", "!its partials stand too deep in each other");
	page("{{>deeper}}", "!its partials stand too deep in each other");
}

static void
a_fault_in_a_partial_names_it_and_its_place(void **state)
{
	(void)state;
	page("{{>crossed}}", "!8 in partial crossed: the open section is m");
	page("{{>around}}", "!8 in partial crossed: the open section is m");
	page("a {{>denied}}", "!0 in partial denied: it can't be read");
	page("a {{>}}", "!2 a tag needs a name");
	page("{{#m}}{{/n}}{{>crossed}}", "!6 the open section is m");
}

static void
only_lines_with_something_on_them_are_indented(void **state)
{
	(void)state;
	page("  {{>blank}}\n", "  a\n\n  b\r\n\r\n  c\n");
	page(" {{>outer}}\n", " 1\n 3\n 4\n 2 3\n4\n\n");
	page("- {{>outer}}", "- 1\n3\n4\n2 3\n4\n\n");
}

static void
delimiters_that_can_not_be_are_refused(void **state)
{
	(void)state;
	page("{{= }}", "!0 this tag never ends");
	page("{{==}}", "!0 two delimiters are needed, without = in them");
	page("{{= =}}", "!0 two delimiters are needed, without = in them");
	page("{{=| =}}", "!0 two delimiters are needed, without = in them");
	page("{{=a= b=}}", "!0 two delimiters are needed, without = in them");
	page("{{=a b c=}}", "!0 two delimiters are needed, without = in them");
	page("{{=<% %>=}}<%{m.k}%><%={{ }}=%>{{m.k}}", "vv");
	page("{{=| |=}}|#m||k|", "!9 this section is never closed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments),
		cmocka_unit_test(delimiters),
		cmocka_unit_test(interpolation),
		cmocka_unit_test(inverted),
		cmocka_unit_test(partials),
		cmocka_unit_test(sections),
		cmocka_unit_test(a_partial_that_names_itself_for_ever_ends),
		cmocka_unit_test(a_fault_in_a_partial_names_it_and_its_place),
		cmocka_unit_test(
		    only_lines_with_something_on_them_are_indented),
		cmocka_unit_test(delimiters_that_can_not_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
