#include <stdlib.h>
#include "shape/template.h"
#include "unit_shape.h"

/* Nothing in it is harmless. */
static const char hostile[] = "{\"agwID\":\"AGW-1\",\"pnr\":null,"
    "\"agency\":\"\\\"}],\\\\ \\r\\nX-Evil: 1 {{pnr}} <b>&'\\u0001/?#%\","
    "\"agent\":\"Ana L\xc3\xb3pez \xf0\x9f\x98\x80\","
    "\"consumer\":\"\\ud83d\\ude00\\u00e9\","
    "\"adultsPax\":2,\"totalAmount\":\"412.90\","
    "\"orderID\":1234567890123456789012345678901234567890,"
    "\"extra\":{\"list\":[1,\"b\",{\"n\":\"x\\\"y\"}],\"yes\":true,"
    "\"no\":false,\"none\":[],\"k\":\"same\",\"l\":\"s\\u0061me\"},"
    "\"legs\":[{\"origin\":\"MAD\",\"destination\":\"LHR\"},"
    "{\"origin\":\"LHR\",\"destination\":\"MAD\",\"gate\":7}]}";

struct fixture {
	struct catalog	*c;
	struct order	 o;
	struct template_data data;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->c = unit_catalog();
	f->o = (struct order)ORDER_INIT;
	unit_order(&f->o, f->c, hostile);
	f->data = (struct template_data){ .order = &f->o };
	f->data.var[TEMPLATE_EVENT_TYPE] = SLICE("OrderTicketed");
	f->data.var[TEMPLATE_EVENT_ID] = SLICE("evt_1");
	f->data.var[TEMPLATE_EVENT_TIME] = SLICE("2026-11-23T10:00:00Z");
	f->data.var[TEMPLATE_DELIVERY_ID] = SLICE("msg_1");
	f->data.var[TEMPLATE_DELIVERY_ATTEMPT] = SLICE("3");
	f->data.var[TEMPLATE_SUBSCRIPTION_NAME] = SLICE("a \"b\"\n");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	order_free(&f->o);
	catalog_free(f->c);
	free(f);
	return 0;
}

/* Compile and render; "!reason" for either's failure. */
static void
text(struct fixture *f, enum template_place place, const char *in,
    const char *want)
{
	struct template *t = NULL;
	struct template_error err;
	struct buf out = BUF_INIT(65536), why = BUF_INIT(1024);

	if (template_compile(&t, f->c, place, slice_of(in), &err) != RC_OK)
		buf_printf(&out, "!%zu %s", err.off, err.detail);
	else if (template_render(t, &f->data, &out, &why) != RC_OK) {
		buf_clear(&out);
		buf_printf(&out, "!%s", buf_str(&why));
	}
	want_str(buf_str(&out), want, "%s", in);
	template_free(t);
	buf_free(&out);
	buf_free(&why);
}

static void
first_fault(void *arg, const struct template_error *err)
{
	struct buf *out = arg;

	buf_printf(out, "!%zu %s", err->off, err->detail);
}

/* The same for a JSON value; what was rendered must scan. */
static void
json(struct fixture *f, const char *in, const char *want)
{
	struct template *t = NULL;
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err = { 0 };
	struct json_limits lim = json_limits_default;
	struct buf out = BUF_INIT(65536), why = BUF_INIT(1024);

	lim.depth = 80;
	want_rc(json_scan(&d, slice_of(in), &lim, &err), RC_OK, "%s: %s", in,
	    err.detail);
	if (template_compile_json(&t, f->c, &d, 0, first_fault, &out) ==
	    RC_OK) {
		if (template_render(t, &f->data, &out, &why) != RC_OK) {
			buf_clear(&out);
			buf_printf(&out, "!%s", buf_str(&why));
		} else
			want_rc(json_scan(&d, buf_as_slice(&out), &lim, &err),
			    RC_OK, "%s -> %s: %s", in, buf_str(&out),
			    err.detail);
	}
	want_str(buf_str(&out), want, "%s", in);
	json_doc_free(&d);
	template_free(t);
	buf_free(&out);
	buf_free(&why);
}

static void
a_value_is_escaped_for_the_place_it_stands_in(void **state)
{
	struct fixture *f = *state;

	text(f, TEMPLATE_TEXT, "<{{agency}}>",
	    "<\"}],\\ \r\nX-Evil: 1 {{pnr}} <b>&'\001/?#%>");
	text(f, TEMPLATE_HEADER, "<{{agency}}>",
	    "<\"}],\\   X-Evil: 1 {{pnr}} <b>&' /?#%>");
	text(f, TEMPLATE_URL, "/{{agency}}?{{agent}}",
	    "/%22%7D%5D%2C%5C%20%0D%0AX-Evil%3A%201%20%7B%7Bpnr%7D%7D%20"
	    "%3Cb%3E%26%27%01%2F%3F%23%25?Ana%20L%C3%B3pez%20%F0%9F%98%80");
	text(f, TEMPLATE_HTML, "{{agency}}", "&quot;}],\\ \r\nX-Evil: 1 "
	    "{{pnr}} &lt;b&gt;&amp;&#39;\001/?#%");
	text(f, TEMPLATE_HTML, "{{{consumer}}}{{&agwID}}",
	    "\xf0\x9f\x98\x80\xc3\xa9" "AGW-1");
	json(f, "\"{{agency}}\"", "\"\\\"}],\\\\ \\r\\nX-Evil: 1 {{pnr}} "
	    "<b>&'\\u0001/?#%\"");
	json(f, "{\"{{consumer}}\":\"{{agent}}\"}",
	    "{\"\xf0\x9f\x98\x80\xc3\xa9\":\"Ana L\xc3\xb3pez "
	    "\xf0\x9f\x98\x80\"}");
}

static void
a_string_that_is_one_triple_tag_becomes_the_value(void **state)
{
	struct fixture *f = *state;

	json(f, "\"{{{adultsPax}}}\"", "2");
	json(f, "\"{{&adultsPax}}\"", "2");
	json(f, "\"{{{ adultsPax }}}\"", "2");
	json(f, "\"{{adultsPax}}\"", "\"2\"");
	json(f, "\"\\u007b{{adultsPax}}}\"", "2");
	json(f, "\"{{{totalAmount}}}\"", "\"412.90\"");
	json(f, "\"{{{orderID}}}\"",
	    "1234567890123456789012345678901234567890");
	json(f, "\"{{{order.extra.list}}}\"", "[1,\"b\",{\"n\":\"x\\\"y\"}]");
	json(f, "\"{{{order.extra.list.2.n}}}\"", "\"x\\\"y\"");
	json(f, "\"{{{order.extra.no}}}\"", "false");
	json(f, "\"{{{pnr}}}\"", "null");
	json(f, "\"{{{fullPath}}}\"", "\"MAD-LHR, LHR-MAD\"");
	json(f, "\"{{{order}}}\"", hostile);
	json(f, "\"{{{delivery.attempt}}}\"", "3");
	json(f, "\"{{{subscription.name}}}\"", "\"a \\\"b\\\"\\n\"");
}

static void
inside_a_longer_string_every_tag_is_text(void **state)
{
	struct fixture *f = *state;

	json(f, "\"n={{{adultsPax}}}\"", "\"n=2\"");
	json(f, "\" {{{adultsPax}}}\"", "\" 2\"");
	json(f, "\"{{{adultsPax}}}{{{adultsPax}}}\"", "\"22\"");
	json(f, "\"[{{&agency}}]\"", "\"[\\\"}],\\\\ \\r\\nX-Evil: 1 {{pnr}} "
	    "<b>&'\\u0001/?#%]\"");
	json(f, "\"{{order.extra.list}}!\"",
	    "\"[1,\\\"b\\\",{\\\"n\\\":\\\"x\\\\\\\"y\\\"}]!\"");
	json(f, "\"{{subscription.name}}.\"", "\"a \\\"b\\\"\\n.\"");
	json(f, "\"a\\n\\u00e9{{pnr}}\\\"\"", "\"a\\n\xc3\xa9\\\"\"");
}

static void
what_is_no_template_stays_as_written(void **state)
{
	struct fixture *f = *state;

	json(f, "{\"a\" : [1.50, true , null, \"\\u00e9{ {\"],\"b\":{}}",
	    "{\"a\":[1.50,true,null,\"\\u00e9{ {\"],\"b\":{}}");
	text(f, TEMPLATE_TEXT, "no tag } }} { here", "no tag } }} { here");
	text(f, TEMPLATE_TEXT, "", "");
	text(f, TEMPLATE_TEXT, "a{{! a comment }}b", "ab");
	json(f, "\"a{{! a comment }}b\"", "\"ab\"");
}

static void
names_of_the_event_the_delivery_and_the_subscription(void **state)
{
	struct fixture *f = *state;

	text(f, TEMPLATE_TEXT, "{{event.type}} {{event.id}} {{event.time}} "
	    "{{delivery.id}} {{delivery.attempt}} {{subscription.name}}",
	    "OrderTicketed evt_1 2026-11-23T10:00:00Z msg_1 3 a \"b\"\n");
}

static void
an_unknown_name_is_refused_with_the_nearest_and_its_place(void **state)
{
	struct fixture *f = *state;

	text(f, TEMPLATE_TEXT, "id: {{agwId}}",
	    "!4 there is no field agwId; did you mean agwID?");
	text(f, TEMPLATE_TEXT, "{{event.tpye}}",
	    "!0 there is no field event.tpye; did you mean event.type?");
	text(f, TEMPLATE_TEXT, "{{agwID}} {{leg}}",
	    "!10 there is no field leg; did you mean legs?");
	text(f, TEMPLATE_TEXT, "{{zzzzzzzz}}", "!0 there is no field zzzzzzzz; "
	    "what the order carries besides the fields is named "
	    "order.zzzzzzzz");
	text(f, TEMPLATE_TEXT, "{{agwID.x}}",
	    "!0 there is no field agwID.x; did you mean agwID?");
	json(f, "[\"{{{agwId}}}\",\"x{{pnrr}}\",\"{{pnr}}\"]",
	    "!0 there is no field agwId; did you mean agwID?"
	    "!1 there is no field pnrr; did you mean pnr?");
}

static void
malformed_tags_are_refused(void **state)
{
	struct fixture *f = *state;

	text(f, TEMPLATE_TEXT, "ab{{pnr", "!2 this tag never ends");
	text(f, TEMPLATE_TEXT, "{{", "!0 this tag never ends");
	text(f, TEMPLATE_TEXT, "{{{pnr}}", "!0 this tag never ends");
	text(f, TEMPLATE_TEXT, "{{}}", "!0 a tag needs a name");
	text(f, TEMPLATE_TEXT, "{{ }}", "!0 a tag needs a name");
	text(f, TEMPLATE_TEXT, "{{order..a}}", "!0 this is no name");
	text(f, TEMPLATE_TEXT, "{{.}}",
	    "!0 {{.}} is the item of a section, and here is none");
	text(f, TEMPLATE_TEXT, "{{=<% %>=}}",
	    "!0 the delimiters can't be changed here");
	text(f, TEMPLATE_TEXT, "{{>part}}", "!0 there are no partials here");
	text(f, TEMPLATE_TEXT, "a{{#pnr}}b", "!1 this section is never closed");
	text(f, TEMPLATE_TEXT, "a{{/pnr}}b",
	    "!1 no section is open that this could close");
	text(f, TEMPLATE_TEXT, "{{#pnr}}{{/agent}}",
	    "!8 the open section is pnr");
	text(f, TEMPLATE_URL, "{{{pnr}}}", "!0 a URL takes {{name}} only: its "
	    "values are always percent-encoded");
	text(f, TEMPLATE_HEADER, "{{&pnr}}", "!0 a header takes {{name}} only");
}

static void
sections_render_for_each_item_or_not_at_all(void **state)
{
	struct fixture *f = *state;

	text(f, TEMPLATE_TEXT,
	    "{{#legs}}{{origin}}>{{destination}} {{/legs}}.",
	    "MAD>LHR LHR>MAD .");
	text(f, TEMPLATE_TEXT, "{{#order.legs}}[{{gate}}]{{/order.legs}}",
	    "[][7]");
	text(f, TEMPLATE_TEXT, "{{#order.extra.list}}<{{.}}>"
	    "{{/order.extra.list}}", "<1><b><{\"n\":\"x\\\"y\"}>");
	text(f, TEMPLATE_TEXT, "{{#pnr}}PNR {{pnr}}{{/pnr}}"
	    "{{^pnr}}none{{/pnr}}", "none");
	text(f, TEMPLATE_TEXT, "{{#agwID}}id {{.}}{{/agwID}}", "id AGW-1");
	text(f, TEMPLATE_TEXT, "{{#order.extra}}{{#yes}}y{{/yes}}{{#no}}n"
	    "{{/no}}{{^none}}e{{/none}}{{/order.extra}}", "ye");
	/* the item first, then the fields; ours are never an item's */
	text(f, TEMPLATE_TEXT, "{{#legs}}{{origin}} {{agwID}} {{event.id}};"
	    "{{/legs}}", "MAD AGW-1 evt_1;LHR AGW-1 evt_1;");
	text(f, TEMPLATE_TEXT, "{{#legs}}{{orign}}{{/legs}}",
	    "!9 there is no field orign; did you mean origin?");
	json(f, "\"{{#legs}}{{origin}}, {{/legs}}\"", "\"MAD, LHR, \"");
	/* what is no order's is escaped as an item, too: the name is a "b"\n */
	json(f, "\"{{#subscription.name}}<{{.}}>{{/subscription.name}}\"",
	    "\"<a \\\"b\\\"\\n>\"");
	json(f, "{\"{{#subscription.name}}\":\"{{{.}}}\"}",
	    "[\"a \\\"b\\\"\\n\"]");
	json(f, "{\"{{#delivery.attempt}}\":[\"{{{.}}}\",\"{{.}}\"]}",
	    "[[3,\"3\"]]");
	/* a key may have dots; what hides a name outside hides all of it */
	unit_order(&f->o, f->c, "{\"i\":[{\"a.b\":1},{\"a\":{\"b\":2}},"
	    "{\"a\":3}],\"a\":{\"b\":4}}");
	text(f, TEMPLATE_TEXT, "{{#order}}{{#i}}<{{a.b}}>{{/i}}{{a.b}}"
	    "{{/order}}", "<1><2><>4");
	unit_order(&f->o, f->c, hostile);
}

static void
a_tag_alone_on_its_line_takes_the_line_with_it(void **state)
{
	struct fixture *f = *state;

	text(f, TEMPLATE_TEXT, "a\n  {{#legs}}\n{{origin}}\n  {{/legs}} \nb",
	    "a\nMAD\nLHR\nb");
	text(f, TEMPLATE_TEXT, "a\r\n{{! c }}\r\nb", "a\r\nb");
	text(f, TEMPLATE_TEXT, "  {{agwID}}\n", "  AGW-1\n");
	text(f, TEMPLATE_TEXT, " {{#agwID}}x{{/agwID}} \n", " x \n");
}

static void
an_object_with_a_section_for_its_only_key_is_a_list_or_a_choice(void **state)
{
	struct fixture *f = *state;

	json(f, "{\"{{#legs}}\":{\"from\":\"{{origin}}\","
	    "\"id\":\"{{agwID}}\"}}",
	    "[{\"from\":\"MAD\",\"id\":\"AGW-1\"},"
	    "{\"from\":\"LHR\",\"id\":\"AGW-1\"}]");
	json(f, "{\"{{#order.extra.list}}\":\"{{{.}}}\"}",
	    "[1,\"b\",{\"n\":\"x\\\"y\"}]");
	json(f, "{\"{{#order.extra.list}}\":\"{{.}}\"}",
	    "[\"1\",\"b\",\"{\\\"n\\\":\\\"x\\\\\\\"y\\\"}\"]");
	json(f, "[{\"{{#pnr}}\":1},{\"{{#agwID}}\":1}]", "[[],[1]]");
	json(f, "{\"a\":{\"{{^pnr}}\":\"no {{agwID}}\"},\"b\":2}",
	    "{\"a\":\"no AGW-1\",\"b\":2}");
	json(f, "{\"a\":{\"{{^agwID}}\":\"no pnr\"},\"b\":2}",
	    "{\"a\":null,\"b\":2}");
	json(f, "{\"{{^order.extra.none}}\":{\"{{#legs}}\":[\"{{origin}}\"]}}",
	    "[[\"MAD\"],[\"LHR\"]]");
	json(f, "{\"{{#legs}}\":1,\"x\":2}",
	    "!0 a section must be the only key of its object");
	json(f, "{\"a\\u007b{pnr}}\":1}", "{\"a\":1}");
	json(f, "{\"{{/legs}}\":1}",
	    "!0 no section is open that this could close");
}

static void
a_strict_template_names_what_is_missing(void **state)
{
	struct fixture *f = *state;

	text(f, TEMPLATE_TEXT, "<{{pnr}}>", "<>");
	f->data.strict = true;
	text(f, TEMPLATE_TEXT, "<{{pnr}}>", "!pnr is missing");
	text(f, TEMPLATE_TEXT, "{{order.extra.zip}}",
	    "!order.extra.zip is missing");
	text(f, TEMPLATE_TEXT, "{{^pnr}}ok{{/pnr}}", "ok");
	json(f, "\"{{{recordLocator}}}\"", "!recordLocator is missing");
}

static void
a_rendering_ends_whatever_the_template(void **state)
{
	struct fixture *f = *state;
	struct buf order = BUF_INIT(1024 * 1024), in = BUF_INIT(4096);
	struct buf out = BUF_INIT(64), why = BUF_INIT(1024);
	struct template_error err;
	struct template *t = NULL;

	buf_puts(&order, "{\"l\":[");
	for (int i = 0; i < 1000; i++)
		buf_puts(&order, i > 0 ? ",1" : "1");
	buf_puts(&order, "]}");
	unit_order(&f->o, f->c, buf_str(&order));
	for (int i = 0; i < 8; i++)
		buf_puts(&in, "{{#order.l}}");
	for (int i = 0; i < 8; i++)
		buf_puts(&in, "{{/order.l}}");
	text(f, TEMPLATE_TEXT, buf_str(&in), "!it takes too long to render");
	want_rc(template_compile(&t, f->c, TEMPLATE_TEXT,
	    SLICE("{{#order.l}}{{.}}{{/order.l}}"), &err), RC_OK, "compile");
	want_rc(template_render(t, &f->data, &out, &why), RC_TOOBIG, "render");
	want_str(buf_str(&why), "it is longer than 64 bytes", "why");
	template_free(t);
	buf_free(&out);
	buf_free(&why);
	buf_clear(&in);
	for (int i = 0; i <= TEMPLATE_NESTING; i++)
		buf_puts(&in, "{{#order.l}}");
	text(f, TEMPLATE_TEXT, buf_str(&in),
	    "!384 sections stand at most 32 deep in each other");
	buf_free(&in);
	unit_order(&f->o, f->c, "{}");
	buf_free(&order);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_value_is_escaped_for_the_place_it_stands_in),
	    T(a_string_that_is_one_triple_tag_becomes_the_value),
	    T(inside_a_longer_string_every_tag_is_text),
	    T(what_is_no_template_stays_as_written),
	    T(names_of_the_event_the_delivery_and_the_subscription),
	    T(an_unknown_name_is_refused_with_the_nearest_and_its_place),
	    T(malformed_tags_are_refused),
	    T(sections_render_for_each_item_or_not_at_all),
	    T(a_tag_alone_on_its_line_takes_the_line_with_it),
	    T(an_object_with_a_section_for_its_only_key_is_a_list_or_a_choice),
	    T(a_strict_template_names_what_is_missing),
	    T(a_rendering_ends_whatever_the_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
