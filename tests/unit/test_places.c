/*
 * Every field of the catalogue in every place a template may stand in, and
 * every event's sample through every kind of template.  What is wanted is
 * worked out here anew, byte by byte, from what the order says.
 */
#include "shape/template.h"
#include "unit_task.h"

/* No byte of it is harmless everywhere; as text, and as JSON writes it. */
static const char hostile[] = "\"},\"x\":{\\ \r\n\t\x01\x7f {{pnr}}{{{order}}} "
    "</script><b>&'%2e%/?#=&;:@+ ../..\xc3\xa9\xf0\x9f\x98\x80";
static const char hostile_json[] =
    "\\u0022},\\\"x\\\":{\\\\ \\r\\n\\u0009\\u0001\x7f "
    "{{pnr}}{{{order}}} <\\/script><b>&'%2e%\\/?#=&;:@+ ../..\\u00e9"
    "\\ud83d\\ude00";

static void
as_text(struct buf *out, const char *s)
{
	buf_puts(out, s);
}

static void
as_header(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		buf_putc(out, (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s);
}

/* RFC 3986: all but the unreserved. */
static void
as_url(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz0123456789-._~", *s) != NULL)
			buf_putc(out, *s);
		else
			buf_printf(out, "%%%02X", (unsigned char)*s);
}

static void
as_html(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '&' || *s == '<' || *s == '>' || *s == '"' ||
		    *s == '\'')
			buf_puts(out, *s == '&' ? "&amp;" : *s == '<' ?
			    "&lt;" : *s == '>' ? "&gt;" : *s == '"' ?
			    "&quot;" : "&#39;");
		else
			buf_putc(out, *s);
}

/* RFC 8259: quotes, backslashes and controls; nothing else need be. */
static void
as_json(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '"' || *s == '\\')
			buf_printf(out, "\\%c", *s);
		else if (*s == '\n' || *s == '\r' || *s == '\t')
			buf_printf(out, "\\%c", *s == '\n' ? 'n' :
			    *s == '\r' ? 'r' : 't');
		else if ((unsigned char)*s < ' ')
			buf_printf(out, "\\u%04x", (unsigned char)*s);
		else
			buf_putc(out, *s);
}

static const struct {
	enum template_place place;
	void	(*as)(struct buf *, const char *);
} places[] = {
	{ TEMPLATE_TEXT, as_text },
	{ TEMPLATE_HEADER, as_header },
	{ TEMPLATE_URL, as_url },
	{ TEMPLATE_HTML, as_html },
};

static void
fault(void *arg, const char *pointer, const char *detail)
{
	(void)arg;
	fail_msg("%s: %s", pointer, detail);
}

/* An order with the field alone, its value as JSON text. */
static void
order_with(struct unit_task *f, const struct catalog_field *field,
    const char *json)
{
	static char text[4096];	/* the order borrows it */
	struct json_error err = { 0 };

	snprintf(text, sizeof text, "{\"%s\":%s}", field->pointer + 1, json);
	want_rc(order_read(&f->o, f->c, slice_of(text), &err), RC_OK, "%s: %s",
	    text, err.detail);
}

static void
in_a_place(struct unit_task *f, const struct catalog_field *field, size_t p,
    const char *plain)
{
	struct template_data data = { .order = &f->o };
	struct buf in = BUF_INIT(256), out = BUF_INIT(4096);
	struct buf want = BUF_INIT(4096), why = BUF_INIT(256);
	struct template_error err;
	struct template *t = NULL;

	buf_printf(&in, "<{{%s}}|{{ %s }}>", field->name, field->name);
	want_rc(template_compile(&t, f->c, places[p].place, buf_as_slice(&in),
	    &err), RC_OK, "%s in place %zu", field->name, p);
	want_rc(template_render(t, &data, &out, &why), RC_OK, "%s: %s",
	    field->name, buf_str(&why));
	buf_putc(&want, '<');
	places[p].as(&want, plain);
	buf_putc(&want, '|');
	places[p].as(&want, plain);
	buf_putc(&want, '>');
	want_str(buf_str(&out), buf_str(&want), "%s in place %zu",
	    field->name, p);
	template_free(t);
	buf_free(&in);
	buf_free(&out);
	buf_free(&want);
	buf_free(&why);
}

/*
 * In a request: as a string, inside one, as a key, as the value itself, in
 * the URL's path and query, and in a header.  json is the value as a whole.
 */
static void
in_a_request(struct unit_task *f, const struct catalog_field *field,
    const char *plain, const char *json)
{
	struct task_event ev = { .order = &f->o,
	    .type = SLICE("OrderTicketed"), .id = SLICE("evt_1"),
	    .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1 };
	struct buf text = BUF_INIT(4096), want = BUF_INIT(65536);
	struct buf why = BUF_INIT(256);
	const char *n = field->name;
	struct task *t = NULL;

	buf_printf(&text, "{\"event\":[\"*\"],\"httpRequest\":{\"url\":"
	    "\"https://a.example/x/{{%s}}/y?q={{%s}}&z=1\",\"header\":"
	    "{\"x-tag\":\"<{{%s}}>\"},\"jsonBody\":{\"s\":\"{{%s}}\","
	    "\"in\":[\"a {{%s}}, {{{%s}}}\"],\"v\":\"{{{%s}}}\","
	    "\"amp\":\"{{&%s}}\",\"k {{%s}}\":0,"
	    "\"if\":\"{{#%s}}y{{/%s}}{{^%s}}n{{/%s}}\"}}}",
	    n, n, n, n, n, n, n, n, n, n, n, n, n);
	want_rc(task_compile(&t, f->c, buf_as_slice(&text), NULL, 0, fault,
	    NULL), RC_OK, "%s", n);
	want_rc(task_render(t, &ev, &f->r, &why), RC_OK, "%s: %s", n,
	    buf_str(&why));
	buf_puts(&want, "https://a.example/x/");
	as_url(&want, plain);
	buf_puts(&want, "/y?q=");
	as_url(&want, plain);
	buf_puts(&want, "&z=1");
	want_str(buf_str(&f->r.url), buf_str(&want), "%s in a URL", n);

	want_i64((int64_t)f->r.nheader, 2, "headers with %s", n);
	buf_clear(&want);
	buf_putc(&want, '<');
	as_header(&want, plain);
	buf_putc(&want, '>');
	want_slice(f->r.header[0].value, buf_as_slice(&want), "%s in a header",
	    n);

	buf_clear(&want);
	buf_puts(&want, "{\"s\":\"");
	as_json(&want, plain);
	buf_puts(&want, "\",\"in\":[\"a ");
	as_json(&want, plain);
	buf_puts(&want, ", ");
	as_json(&want, plain);
	buf_printf(&want, "\"],\"v\":%s,\"amp\":%s,\"k ", json, json);
	as_json(&want, plain);
	buf_puts(&want, "\":0,\"if\":\"y\"}");
	want_str(buf_str(&f->r.body), buf_str(&want), "%s in a body", n);
	task_free(t);
	buf_free(&text);
	buf_free(&want);
	buf_free(&why);
}

static void
with_value(struct unit_task *f, const struct catalog_field *field,
    const char *sent, const char *plain, const char *json)
{
	order_with(f, field, sent);
	for (size_t p = 0; p < NELEM(places); p++)
		in_a_place(f, field, p, plain);
	in_a_request(f, field, plain, json);
}

static void
every_field_stands_in_every_place(void **state)
{
	struct unit_task *f = *state;
	const struct catalog_field *field;
	struct buf json = BUF_INIT(4096);
	size_t n = 0;

	for (; (field = catalog_field_at(f->c, n)) != NULL; n++) {
		/* what the catalogue shows of it */
		buf_clear(&json);
		buf_putc(&json, '"');
		as_json(&json, field->sample);
		buf_putc(&json, '"');
		with_value(f, field, buf_str(&json), field->sample,
		    buf_str(&json));
		/* a number keeps its digits, a whole value its type */
		with_value(f, field, "412.90", "412.90", "412.90");
		with_value(f, field, "9007199254740993", "9007199254740993",
		    "9007199254740993");
		/* what somebody sends who means harm */
		buf_clear(&json);
		buf_putc(&json, '"');
		buf_puts(&json, hostile_json);
		buf_putc(&json, '"');
		order_with(f, field, buf_str(&json));
		for (size_t p = 0; p < NELEM(places); p++)
			in_a_place(f, field, p, hostile);
		in_a_request(f, field, hostile, buf_str(&json));
	}
	want_i64((int64_t)n, 26, "fields");
	buf_free(&json);
}

static void
a_field_that_is_not_there_is_empty_or_null(void **state)
{
	struct unit_task *f = *state;
	static const char *const orders[] = { "{}", "null" };
	struct task_event ev = { .order = &f->o,
	    .type = SLICE("OrderTicketed"), .id = SLICE("evt_1"),
	    .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1 };
	struct buf text = BUF_INIT(4096), why = BUF_INIT(256);
	const struct catalog_field *field;

	for (size_t i = 0; (field = catalog_field_at(f->c, i)) != NULL; i++)
		for (size_t k = 0; k < NELEM(orders); k++) {
			const char *n = field->name;
			struct task *t = NULL;

			if (k == 0)
				unit_order(&f->o, f->c, orders[k]);
			else
				order_with(f, field, orders[k]);
			buf_clear(&text);
			buf_printf(&text, "{\"event\":[\"*\"],\"httpRequest\":"
			    "{\"url\":\"https://a.example/\",\"jsonBody\":["
			    "\"<{{%s}}>\",\"{{{%s}}}\",{\"{{^%s}}\":1},"
			    "{\"{{#%s}}\":1}]}}", n, n, n, n);
			want_rc(task_compile(&t, f->c, buf_as_slice(&text),
			    NULL, 0, fault, NULL), RC_OK, "%s", n);
			want_rc(task_render(t, &ev, &f->r, &why), RC_OK, "%s",
			    n);
			want_str(buf_str(&f->r.body), "[\"<>\",null,1,[]]",
			    "%s", n);
			task_free(t);
		}
	buf_free(&text);
	buf_free(&why);
}

/* Bodies of every kind a client might write. */
static const char *const kinds[] = {
	NULL,			/* none: the standard shape */
	"{\"orderID\":\"{{agwID}}\",\"agent\":\"{{agent}}\",\"agency\":"
	    "\"{{agency}}\",\"pnr\":\"{{pnr}}\",\"freeText\":\"Order has been "
	    "ticketed, this is your order ID: {{agwID}}\"}",
	"\"{{{order}}}\"",
	"{\"all\":\"{{{order}}}\",\"event\":{\"type\":\"{{event.type}}\","
	    "\"id\":\"{{event.id}}\",\"time\":\"{{event.time}}\"},"
	    "\"delivery\":[\"{{delivery.id}}\",\"{{{delivery.attempt}}}\"],"
	    "\"by\":\"{{subscription.name}}\"}",
	"{\"legs\":{\"{{#legs}}\":{\"from\":\"{{origin}}\",\"to\":"
	    "\"{{destination}}\",\"at\":\"{{{departure}}}\",\"leg\":"
	    "\"{{{.}}}\",\"of\":\"{{agwID}}\"}}}",
	"{\"text\":\"{{#legs}}{{origin}}-{{destination}} {{/legs}}"
	    "{{^legs}}no flights{{/legs}}\"}",
	"{\"none\":{\"{{^order.nothing}}\":{\"{{{pnr}}}\":[true,null,1.50]}}}",
	"{\"{{event.type}}\":{\"{{agwID}} {{pnr}}\":1,\"b\":2}}",
	"[{\"{{#order.legs.0}}\":\"{{origin}}\"},\"{{order.legs.1.origin}}\"]",
	"\"{{! nothing at all }}\"", "{}", "[]", "1.50", "null",
};

/* Every string of the order is in the body, where the body is the order. */
static void
same_content(const struct order *o, const struct json_doc *body)
{
	struct buf a = BUF_INIT(65536), b = BUF_INIT(65536);

	json_canonical(&o->doc, 0, &a);
	json_canonical(body, 0, &b);
	want_str(buf_str(&b), buf_str(&a), "the whole order");
	buf_free(&a);
	buf_free(&b);
}

static void
every_events_sample_renders_through_every_kind_of_template(void **state)
{
	struct unit_task *f = *state;
	struct task_event ev = { .order = &f->o, .id = SLICE("evt_1"),
	    .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1 };
	struct buf sample = BUF_INIT(65536), text = BUF_INIT(4096);
	struct buf why = BUF_INIT(256);
	struct json_doc d = JSON_DOC_INIT;
	const struct catalog_event *e;
	struct json_error err;
	size_t n = 0;

	for (; (e = catalog_event_at(f->c, n)) != NULL &&
	    !catalog_is_operational(e); n++) {
		buf_clear(&sample);
		catalog_sample_order(f->c, e, &sample);
		unit_order(&f->o, f->c, buf_str(&sample));
		want_i64((int64_t)order_check(&f->o, fault, NULL), 0, "%s",
		    e->name);
		ev.type = slice_of(e->name);
		for (size_t k = 0; k < NELEM(kinds); k++) {
			struct task *t = NULL;

			buf_clear(&text);
			buf_printf(&text, "{\"event\":[\"%s\"],\"settings\":"
			    "{\"missing\":\"strict\"},\"httpRequest\":{\"url\":"
			    "\"https://a.example/{{event.type}}/{{agwID}}\"%s%s"
			    "}}", e->name, kinds[k] == NULL ? "" :
			    ",\"jsonBody\":", kinds[k] == NULL ? "" :
			    kinds[k]);
			want_rc(task_compile(&t, f->c, buf_as_slice(&text),
			    NULL, 0, fault, NULL), RC_OK, "%s", e->name);
			want_rc(task_render(t, &ev, &f->r, &why), RC_OK,
			    "%s, kind %zu: %s", e->name, k, buf_str(&why));
			want_rc(json_scan(&d, buf_as_slice(&f->r.body),
			    &json_limits_default, &err), RC_OK, "%s, %zu: %s",
			    e->name, k, err.detail);
			if (k == 2)
				same_content(&f->o, &d);
			task_free(t);
		}
	}
	want_i64((int64_t)n, 31, "events");
	json_doc_free(&d);
	buf_free(&sample);
	buf_free(&text);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TASK(every_field_stands_in_every_place),
	    UNIT_TASK(a_field_that_is_not_there_is_empty_or_null),
	    UNIT_TASK(
		every_events_sample_renders_through_every_kind_of_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
