/*
 * Headlines and texts as a catalogue's files have them.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shape/template.h"
#include "unit_shape.h"

#define EVENT(more) "{\"name\":\"A\",\"group\":\"g\",\"meaning\":" \
	"\"The A was done.\"" more "}"
#define FIELDS "\"fields\":[{\"name\":\"agwID\",\"type\":\"text\"," \
	"\"sample\":\"s\",\"meaning\":\"m\"}]"
#define LEGS "\"legs\":{\"fields\":[{\"name\":\"origin\",\"type\":\"text\"," \
	"\"sample\":\"s\",\"meaning\":\"m\"}],\"sample\":[{}]}"
#define CAT(event, more) "{\"events\":[" event "]," more FIELDS "," LEGS "}"

static void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Load an installed file and, unless NULL, one that extends it. */
static enum rc
load(const char *text, const char *more, struct catalog **c, struct buf *why)
{
	char dir[] = "/tmp/catalog-XXXXXX";
	struct buf one = BUF_INIT(4096), two = BUF_INIT(4096);
	struct buf conf = BUF_INIT(4096);
	enum rc rc;

	assert_non_null(mkdtemp(dir));
	buf_printf(&conf, "%s/c", dir);
	assert_int_equal(mkdir(buf_str(&conf), 0700), 0);
	buf_printf(&one, "%s/catalog.json", dir);
	buf_printf(&two, "%s/c/catalog.json", dir);
	put_file(buf_str(&one), text);
	if (more != NULL)
		put_file(buf_str(&two), more);
	buf_puts(&conf, "/skycap.conf");
	buf_clear(why);
	rc = catalog_open(c, dir, buf_str(&conf), why);
	unlink(buf_str(&one));
	unlink(buf_str(&two));
	conf.len -= strlen("/skycap.conf");
	conf.s[conf.len] = '\0';
	rmdir(buf_str(&conf));
	rmdir(dir);
	buf_free(&one);
	buf_free(&two);
	buf_free(&conf);
	return rc;
}

static const char *
text_of(const struct catalog *c, const struct template *t,
    const char *headline, struct buf *out)
{
	struct order o = ORDER_INIT;
	struct template_data data = { .order = &o, .sparse = true };
	struct buf why = BUF_INIT(1024);

	unit_order(&o, c, "{\"agwID\":\"X<\"}");
	for (size_t i = 0; i < TEMPLATE_VARS; i++)
		data.var[i] = SLICE("v");
	data.var[TEMPLATE_EVENT_HEADLINE] = slice_of(headline);
	buf_clear(out);
	want_rc(template_render(t, &data, out, &why), RC_OK, "%s",
	    buf_str(&why));
	order_free(&o);
	buf_free(&why);
	return buf_str(out);
}

static void
an_event_without_a_headline_gets_one_of_its_meaning(void **state)
{
	static const struct { const char *more, *want; } t[] = {
		{ "", "Order X<: The A was done" },
		{ ",\"headline\":\"{{agwID}} done\"", "X< done" },
		{ ",\"alias\":[\"B\"]", "Order X<: The A was done" },
	};
	struct buf why = BUF_INIT(4096), out = BUF_INIT(4096);
	struct buf json = BUF_INIT(4096);
	struct catalog *c = NULL;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&json);
		buf_printf(&json, CAT(EVENT("%s"), ""), t[i].more);
		want_rc(load(buf_str(&json), NULL, &c, &why), RC_OK, "%s",
		    buf_str(&why));
		want_str(text_of(c, catalog_headline(c,
		    catalog_event_at(c, 0)), "", &out), t[i].want, "%s",
		    t[i].more);
		catalog_free(c);
	}
	/* what stands in it is not taken for a tag */
	want_rc(load(CAT("{\"name\":\"Abc\",\"group\":\"g\",\"meaning\":"
	    "\"a {{b\"}", ""), NULL, &c, &why), RC_OK, "%s", buf_str(&why));
	want_str(text_of(c, catalog_headline(c, catalog_event_at(c, 0)), "",
	    &out), "Order X<: Abc", "a tag in a meaning");
	want_str(text_of(c, catalog_headline(c, NULL), "", &out),
	    "Order X<: v", "a type that is not known");
	catalog_free(c);
	buf_free(&why);
	buf_free(&out);
	buf_free(&json);
}

static void
texts_are_lines_and_the_operators_hold(void **state)
{
	struct buf why = BUF_INIT(4096), out = BUF_INIT(4096);
	struct catalog *c = NULL;
	const struct catalog_event *e;

	(void)state;
	want_rc(load(CAT(EVENT(""), ""), NULL, &c, &why), RC_OK, "%s",
	    buf_str(&why));
	e = catalog_event_at(c, 0);
	want_str(text_of(c, catalog_text(c, e, CATALOG_TEXT_MAIL), "H<", &out),
	    "H<\n", "none");
	want_str(text_of(c, catalog_text(c, e, CATALOG_TEXT_SLACK), "H<",
	    &out), "*H&lt;*\\n", "none");
	catalog_free(c);
	want_rc(load(CAT(EVENT(""), "\"texts\":{\"mail\":[\"one\","
	    "\"{{agwID}}\"],\"slack\":[\"<{{agwID}}>\"]},"), "{\"texts\":"
	    "{\"mail\":[\"{{#agwID}}\",\"mine {{agwID}}\",\"{{/agwID}}\"]}}",
	    &c, &why), RC_OK, "%s", buf_str(&why));
	e = catalog_event_at(c, 0);
	want_str(text_of(c, catalog_text(c, e, CATALOG_TEXT_MAIL), "", &out),
	    "mine X<\n", "the operator's");
	want_str(text_of(c, catalog_text(c, e, CATALOG_TEXT_SLACK), "", &out),
	    "<X&lt;>\\n", "the installed one");
	want_str(text_of(c, catalog_text(c, NULL, CATALOG_TEXT_SLACK), "",
	    &out), "<X&lt;>\\n", "of a type that is not known");
	catalog_free(c);
	buf_free(&why);
	buf_free(&out);
}

static void
what_can_not_be_a_text_is_refused_with_its_place(void **state)
{
	static const struct { const char *one, *two, *why; } t[] = {
		{ CAT(EVENT(",\"headline\":\"{{agwId}}\""), ""), NULL,
		    "/catalog.json: /events/0/headline there is no field "
		    "agwId; did you mean agwID? in the headline" },
		{ CAT(EVENT(",\"headline\":\"{{#legs}}\""), ""), NULL,
		    "/events/0/headline this section is never closed" },
		{ CAT(EVENT(",\"headline\":\"{{event.headline}}\""), ""), NULL,
		    "/events/0/headline has a headline that names itself" },
		{ CAT(EVENT(",\"headline\":\"\""), ""), NULL,
		    "/events/0/headline must be a string, and not empty" },
		{ CAT(EVENT(",\"headline\":7"), ""), NULL,
		    "/events/0/headline must be a string" },
		{ CAT(EVENT(""), "\"texts\":[],"), NULL,
		    "/texts must be an object" },
		{ CAT(EVENT(""), "\"texts\":{\"fax\":[\"a\"]},"), NULL,
		    "/texts/fax is not a member that is known here" },
		{ CAT(EVENT(""), "\"texts\":{\"mail\":\"a\"},"), NULL,
		    "/texts/mail must be a list of lines" },
		{ CAT(EVENT(""), "\"texts\":{\"mail\":[]},"), NULL,
		    "/texts/mail must be a list of lines" },
		{ CAT(EVENT(""), "\"texts\":{\"mail\":[\"a\",7]},"), NULL,
		    "/texts/mail/1 must be a string" },
		{ CAT(EVENT(""), "\"texts\":{\"slack\":[\"{{pnr}}\"]},"), NULL,
		    "/catalog.json: /texts/slack there is no field pnr" },
		{ CAT(EVENT(""), ""), "{\"events\":[{\"name\":\"B\","
		    "\"group\":\"g\",\"meaning\":\"m\",\"headline\":"
		    "\"{{x}}\"}]}", "/c/catalog.json: /events/0/headline "
		    "there is no field x" },
		{ CAT(EVENT(""), "\"texts\":{\"mail\":[\"a\"]},"),
		    "{\"texts\":{\"mail\":[\"{{x}}\"]}}",
		    "/c/catalog.json: /texts/mail there is no field x" },
	};
	struct buf why = BUF_INIT(4096);
	struct catalog *c = NULL;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(load(t[i].one, t[i].two, &c, &why), RC_INVALID, "%s",
		    t[i].one);
		if (strstr(buf_str(&why), t[i].why) == NULL)
			fail_msg("%s: got \"%s\", want \"%s\" in it",
			    t[i].one, buf_str(&why), t[i].why);
	}
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		an_event_without_a_headline_gets_one_of_its_meaning),
	    cmocka_unit_test(texts_are_lines_and_the_operators_hold),
	    cmocka_unit_test(what_can_not_be_a_text_is_refused_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
