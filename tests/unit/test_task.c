#include <stdlib.h>
#include "shape/task.h"
#include "unit_shape.h"

/* The task of the help page, to the letter. */
static const char page[] =
"{\n"
"\"httpRequest\": {\n"
"\"url\": \"https://yourservices/api/order-ticketed\",\n"
"\"header\": {\n"
"\"authorization\": \"Basic YourPassword\"\n"
"},\n"
"\"jsonBody\": {\n"
"\"orderID\": \"{{agwID}}\",\n"
"\"agent\": \"{{agent}}\",\n"
"\"agency\": \"{{agency}}\",\n"
"\"pnr\": \"{{pnr}}\",\n"
"\"freeText\": \"Order has been ticketed, this is your order ID: {{agwID}}\"\n"
"}\n"
"}\n"
"}";

static const char order[] = "{\"agwID\":\"AGW-JHTE1543KJ\",\"agent\":\"Ana "
    "\\\"A\\\" L\xc3\xb3pez\",\"agency\":\"Wander\",\"pnr\":\"KWJ2MT\","
    "\"provider\":\"IB\",\"adultsPax\":2,\"totalAmount\":\"412.90\","
    "\"createdOn\":\"2026-11-23 10:00\",\"bookingType\":\"RT\","
    "\"contact\":{\"zip\":28001,\"vip\":true},"
    "\"consumer\":\"..\",\"origin\":\"a\\r\\nX-Evil: 1\"}";

struct fixture {
	struct catalog	*c;
	struct order	 o;
	struct task_request r;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->c = unit_catalog();
	f->o = (struct order)ORDER_INIT;
	unit_order(&f->o, f->c, order);
	f->r = (struct task_request)TASK_REQUEST_INIT;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	task_request_free(&f->r);
	order_free(&f->o);
	catalog_free(f->c);
	free(f);
	return 0;
}

static void
note(void *arg, const char *pointer, const char *detail)
{
	struct buf *b = arg;

	buf_printf(b, "%s%s: %s", b->len > 0 ? "\n" : "", pointer, detail);
}

/* A task that must compile, for one event. */
static struct task *
compile(const struct fixture *f, const char *json)
{
	struct slice event = SLICE("OrderTicketed");
	struct buf why = BUF_INIT(65536);
	struct task *t = NULL;

	want_rc(task_compile(&t, f->c, slice_of(json), &event, 1, note, &why),
	    RC_OK, "%s: %s", json, buf_str(&why));
	buf_free(&why);
	return t;
}

/* A task that must not, and what must be said of it. */
static void
refuse(const struct fixture *f, const char *json, const char *want)
{
	struct buf why = BUF_INIT(65536);
	struct task *t = NULL;

	want_rc(task_compile(&t, f->c, slice_of(json), NULL, 0, note, &why),
	    RC_INVALID, "%s", json);
	if (strstr(buf_str(&why), want) == NULL)
		fail_msg("%s: got \"%s\", want \"%s\" in it", json,
		    buf_str(&why), want);
	buf_free(&why);
}

static enum rc
render(struct fixture *f, const struct task *t, struct buf *why)
{
	struct task_event ev = { .order = &f->o, .type = SLICE("OrderTicketed"),
	    .id = SLICE("evt_1"), .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 2 };

	return task_render(t, &ev, &f->r, why);
}

static void
render_ok(struct fixture *f, const struct task *t)
{
	struct buf why = BUF_INIT(1024);

	want_rc(render(f, t, &why), RC_OK, "%s", buf_str(&why));
	buf_free(&why);
}

static void
the_help_pages_task_renders_what_the_page_promises(void **state)
{
	struct fixture *f = *state;
	struct task *t = compile(f, page);

	render_ok(f, t);
	want_str(buf_str(&f->r.body), "{\"orderID\":\"AGW-JHTE1543KJ\","
	    "\"agent\":\"Ana \\\"A\\\" L\xc3\xb3pez\",\"agency\":\"Wander\","
	    "\"pnr\":\"KWJ2MT\",\"freeText\":\"Order has been ticketed, this "
	    "is your order ID: AGW-JHTE1543KJ\"}", "body");
	want_str(f->r.method, "POST", "method");
	want_str(buf_str(&f->r.url), "https://yourservices/api/order-ticketed",
	    "url");
	want_i64((int64_t)f->r.nheader, 2, "headers");
	want_slice(f->r.header[0].name, SLICE("authorization"), "name");
	want_slice(f->r.header[0].value, SLICE("Basic YourPassword"), "value");
	assert_true(f->r.header[0].secret);
	want_slice(f->r.header[1].name, SLICE("content-type"), "name");
	want_slice(f->r.header[1].value, SLICE("application/json"), "value");
	assert_false(f->r.header[1].secret);
	want_str(task_name(t), "OrderTicketed to yourservices", "name");
	want_str(task_event_at(t, 0), "OrderTicketed", "event");
	assert_null(task_event_at(t, 1));
	assert_true(task_wants(t, catalog_event_find(f->c,
	    SLICE("OrderTicketed"))));
	assert_false(task_wants(t, catalog_event_find(f->c,
	    SLICE("OrderCreated"))));
	assert_int_equal(task_channel(t), TASK_WEBHOOK);
	task_free(t);
}

static void
defaults_are_those_of_the_service(void **state)
{
	static const int64_t retry[] = { 5, 300, 1800, 7200, 18000, 36000,
	    50400, 72000, 86400 };
	struct fixture *f = *state;
	struct task *t = compile(f, page);
	const struct task_settings *s = task_settings(t);

	want_i64(s->nretry, NELEM(retry), "steps");
	for (size_t i = 0; i < NELEM(retry); i++)
		want_i64(s->retry_ms[i], retry[i] * 1000, "step %zu", i);
	want_i64(s->timeout_ms, 15000, "timeout");
	want_i64(s->concurrency, 8, "concurrency");
	assert_true(s->rate_per_s == 0);
	assert_false(s->ordered);
	assert_false(s->strict);
	task_free(t);
	t = compile(f, "{\"settings\":{\"retry_s\":[1,2],\"timeout_s\":60,"
	    "\"concurrency\":64,\"rate_per_s\":0.5,\"ordered\":false,"
	    "\"missing\":\"strict\"},\"httpRequest\":{\"url\":\"http://h\"}}");
	s = task_settings(t);
	want_i64(s->nretry, 2, "steps");
	want_i64(s->retry_ms[1], 2000, "step");
	want_i64(s->timeout_ms, 60000, "timeout");
	want_i64(s->concurrency, 64, "concurrency");
	assert_true(s->rate_per_s == 0.5);
	assert_true(s->strict);
	task_free(t);
}

#define TASK(more) "{\"event\":[\"*\"]," more "}"
#define HTTP(more) TASK("\"httpRequest\":{\"url\":\"https://h/\"" more "}")
#define URL(u) TASK("\"httpRequest\":{\"url\":\"" u "\"}")
#define HEAD(h) HTTP(",\"header\":{" h "}")
#define SET(s) TASK("\"httpRequest\":{\"url\":\"https://h/\"}," \
	"\"settings\":{" s "}")
#define FIL(s) TASK("\"httpRequest\":{\"url\":\"https://h/\"}," \
	"\"filter\":" s)

static void
what_is_wrong_is_told_with_its_place(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ "", ": line 1, column 1" },
		{ "[]", ": must be an object" },
		{ "{\"a\":1,\"a\":1}", "/a: line 1" },
		{ "{}", "needs \"event\"" },
		{ "{}", "exactly one of httpRequest, slack and mail" },
		{ TASK("\"httpReqest\":{}"),
		    "/httpReqest: is not known here; did you mean "
		    "httpRequest?" },
		{ HTTP(",\"headers\":{}"), "/httpRequest/headers: is not known "
		    "here; did you mean header?" },
		{ SET("\"timeout\":5"), "/settings/timeout: is not known here; "
		    "did you mean timeout_s?" },
		{ TASK("\"slack\":{}"), "/slack: this version sends webhooks "
		    "only" },
		{ TASK("\"mail\":{}"), "/mail: this version sends webhooks "
		    "only" },
		{ TASK("\"slack\":{},\"httpRequest\":{\"url\":\"http://h\"}"),
		    "exactly one" },
		{ HTTP(",\"method\":\"GET\""), "/httpRequest/method: must be" },
		{ HTTP(",\"method\":\"post\""), "/httpRequest/method: must" },
		{ HTTP(",\"method\":7"), "/httpRequest/method: must be" },
		{ TASK("\"httpRequest\":{}"), "/httpRequest: lacks url" },
		{ TASK("\"httpRequest\":[]"), "/httpRequest: must be an" },
		{ "{\"event\":[],\"httpRequest\":{\"url\":\"http://h\"}}",
		    "/event: must name at least one" },
		{ "{\"event\":\"OrderCreated\"}", "/event: must be a list" },
		{ "{\"event\":[\"OrderCreatd\"]}", "/event/0: OrderCreatd is "
		    "no event type known here; did you mean OrderCreated?" },
		{ "{\"event\":[\"*\",\"OrderCreated\"]}",
		    "/event/1: * means all events and stands alone" },
		{ "{\"event\":[\"OrderCreated\",\"*\"]}",
		    "/event/1: * means all events and stands alone" },
		{ TASK("\"name\":\"\""), "/name: must have 1 to 128 bytes" },
		{ TASK("\"name\":\"a\\nb\""), "/name: must be one line" },
		{ SET("\"retry_s\":5"), "/settings/retry_s: must be a list" },
		{ SET("\"retry_s\":[0]"), "/settings/retry_s/0: must be an "
		    "integer from 1 to 604800" },
		{ SET("\"retry_s\":[5,604801]"), "/settings/retry_s/1" },
		{ SET("\"retry_s\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
		    "1,1,1,1,1,1,1,1,1,1,1,1]"), "at most 32 steps" },
		{ SET("\"timeout_s\":0"), "/settings/timeout_s" },
		{ SET("\"timeout_s\":61"), "/settings/timeout_s" },
		{ SET("\"timeout_s\":\"5\""), "/settings/timeout_s" },
		{ SET("\"concurrency\":65"), "/settings/concurrency" },
		{ SET("\"rate_per_s\":-1"), "/settings/rate_per_s" },
		{ SET("\"rate_per_s\":1e9"), "/settings/rate_per_s" },
		{ SET("\"ordered\":1"), "/settings/ordered" },
		{ SET("\"ordered\":true"), "/settings/ordered" },
		{ SET("\"missing\":\"no\""), "/settings/missing" },
		{ HTTP(",\"jsonBody\":{\"a\":\"{{agwId}}\"}"),
		    "/httpRequest/jsonBody/a: line 1, column 67: there is no "
		    "field agwId; did you mean agwID?" },
		{ "{\n \"event\":[\"*\"],\n \"httpRequest\":{\"url\":"
		    "\"https://h/\",\n  \"jsonBody\":\n  [\"\\n\\u00e9 "
		    "{{pnr}} {{x}}\"]}}", "/httpRequest/jsonBody/0: line 5, "
		    "column 22: there is no field x" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(t); i++)
		refuse(f, t[i].json, t[i].want);
}

static void
everything_wrong_is_told_at_once(void **state)
{
	struct fixture *f = *state;

	refuse(f, "{\"event\":[\"x\",\"y\"],\"nme\":1,\"settings\":"
	    "{\"timeout_s\":0,\"ordered\":1},\"httpRequest\":{\"url\":\"h\","
	    "\"header\":{\"host\":\"a\",\"x y\":\"b\"},\"jsonBody\":"
	    "[\"{{a1}}\",\"{{a2}}\"]}}",
	    "/nme: is not known here; did you mean name?\n"
	    "/event/0: x is no event type known here\n"
	    "/event/1: y is no event type known here\n"
	    "/httpRequest/url: must begin with http:// or https://\n"
	    "/httpRequest/header/host: is a reserved header\n"
	    "/httpRequest/header/x y: is no header name (RFC 9110)\n"
	    "/httpRequest/jsonBody/0: line 1, column ");
	refuse(f, HTTP(",\"jsonBody\":[\"{{a1}}\",\"{{a2}}\"]"),
	    "/httpRequest/jsonBody/1");
}

static void
a_url_is_absolute_and_its_host_is_literal(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ URL(""), "must begin with http" },
		{ URL("ftp://h/"), "must begin with http" },
		{ URL("/path"), "must begin with http" },
		{ URL("{{agwID}}"), "must begin with http" },
		{ URL("https://"), "has no valid host" },
		{ URL("https:///x"), "has no valid host" },
		{ URL("https://{{agency}}/"), "must name its host" },
		{ URL("https://a.{{agency}}/"), "must name its host" },
		{ URL("https://h{{pnr}}"), "must name its host" },
		{ URL("https://h:{{pnr}}/"), "must name its host" },
		{ URL("https://u:p@h/"), "must not hold a user" },
		{ URL("https://u@h/"), "must not hold a user" },
		{ URL("https://a b/"), "has no valid host" },
		{ URL("https://h\\u00e9/"), "has no valid host" },
		{ URL("https://[::1/"), "has no valid host" },
		{ URL("https://h:0/"), "has no valid port" },
		{ URL("https://h:65536/"), "has no valid port" },
		{ URL("https://h:/"), "has no valid port" },
		{ URL("https://h/a b"), "must be percent-encoded" },
		{ URL("https://h/\\u00e9"), "must be percent-encoded" },
		{ URL("https://h/\\r\\nX: 1"), "must be percent-encoded" },
		{ URL("https://h/%zz"), "% in it" },
		{ URL("https://h/%4"), "% in it" },
		{ URL("https://h/a/../b"), ". or .." },
		{ URL("https://h/a/%2E."), ". or .." },
		{ URL("https://h/{{pnr}}/./b"), ". or .." },
		{ URL("https://h/{{{pnr}}}"), "column 48: a URL takes" },
		{ URL("https://h/{{pnr"), "this tag never ends" },
		{ URL("https://h/?k=\\u2022\\u2022\\u2022\\u2022abcd"),
		    "masked secret" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(t); i++)
		refuse(f, t[i].json, t[i].want);
}

static void
a_url_is_rendered_without_losing_its_shape(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ URL("https://h"), "https://h" },
		{ URL("HTTP://H.example:8080"), "HTTP://H.example:8080" },
		{ URL("http://[2001:db8::1]:8/x"), "http://[2001:db8::1]:8/x" },
		{ URL("https://h?{{pnr}}"), "https://h?KWJ2MT" },
		{ URL("https://h/a#frag{{pnr}}"), "https://h/a" },
		{ URL("https://h/{{#pnr}}p/{{.}}{{/pnr}}?q={{agent}}#f"),
		    "https://h/p/KWJ2MT?q=Ana%20%22A%22%20L%C3%B3pez" },
		{ URL("https://h/{{origin}}/x"),
		    "https://h/a%0D%0AX-Evil%3A%201/x" },
		{ URL("https://h/a{{consumer}}"), "https://h/a.." },
	};
	struct fixture *f = *state;
	struct buf why = BUF_INIT(1024);
	struct task *task;

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(task_compile(&task, f->c, slice_of(t[i].json), NULL, 0,
		    note, &why), RC_OK, "%s: %s", t[i].json, buf_str(&why));
		render_ok(f, task);
		want_str(buf_str(&f->r.url), t[i].want, "%s", t[i].json);
		task_free(task);
	}
	want_rc(task_compile(&task, f->c, SLICE(URL("https://h/a/{{consumer}}"
	    "/b")), NULL, 0, note, &why), RC_OK, "%s", buf_str(&why));
	want_rc(render(f, task, &why), RC_INVALID, "climbs");
	task_free(task);
	buf_free(&why);
}

static void
headers_are_checked(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ HEAD("\"a b\":\"x\""), "is no header name" },
		{ HEAD("\"\":\"x\""), "is no header name" },
		{ HEAD("\"a:\":\"x\""), "is no header name" },
		{ HEAD("\"\\u00e9\":\"x\""), "is no header name" },
		{ HEAD("\"a\\r\\nb\":\"x\""), "is no header name" },
		{ HEAD("\"Host\":\"x\""), "is a reserved header" },
		{ HEAD("\"Connection\":\"x\""), "is a reserved header" },
		{ HEAD("\"content-length\":\"1\""), "is a reserved header" },
		{ HEAD("\"Transfer-Encoding\":\"x\""), "is a reserved header" },
		{ HEAD("\"user-agent\":\"x\""), "is a reserved header" },
		{ HEAD("\"Webhook-Id\":\"x\""), "begins like a reserved" },
		{ HEAD("\"skycap-x\":\"x\""), "begins like a reserved" },
		{ HEAD("\"X-Amz-Date\":\"x\""), "begins like a reserved" },
		{ HEAD("\"a\":\"x\",\"A\":\"y\""), "/httpRequest/header/A: is "
		    "there twice" },
		{ HEAD("\"a\":\"x\\r\\nb: c\""), "control character" },
		{ HEAD("\"a\":7"), "must be a string, or an object" },
		{ HEAD("\"a\":{}"), "lacks value" },
		{ HEAD("\"a\":{\"value\":7}"), "/a/value: must be a string" },
		{ HEAD("\"a\":{\"value\":\"x\",\"show\":1}"), "/a/show" },
		{ HEAD("\"a\":{\"secret\":true}"), "is the mask of a secret" },
		{ HEAD("\"a\":{\"valu\":\"x\"}"), "did you mean value?" },
		{ HEAD("\"a\":\"{{{pnr}}}\""), "a header takes {{name}}" },
		{ HEAD("\"a\":\"{{pnx}}\""), "did you mean pnr?" },
		{ HEAD("\"content-type\":\"text/plain\""), "must be applic" },
		{ HEAD("\"content-type\":\"a/b+jsonx\""), "must be applic" },
		{ HEAD("\"content-type\":\"x/{{pnr}}+json\""), "must be" },
		{ HEAD("\"content-type\":\"\""), "must be application/json" },
		{ HTTP(",\"header\":[]"), "/httpRequest/header: must be an" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(t); i++)
		refuse(f, t[i].json, t[i].want);
}

static void
header_values_are_one_line_whatever_the_order(void **state)
{
	struct fixture *f = *state;
	struct task *t = compile(f, "{\"httpRequest\":{\"url\":\"https://h/\","
	    "\"header\":{\"X-Origin\":\"o={{origin}}\",\"Accept\":\"a/b\","
	    "\"X-Tag\":{\"value\":\"{{pnr}}\",\"show\":true},"
	    "\"Content-Type\":\"application/vnd.api+json; charset=utf-8\"},"
	    "\"method\":\"PUT\"}}");
	static const struct {
		const char *name, *value;
		bool secret;
	} want[] = {
		{ "X-Origin", "o=a  X-Evil: 1", true },
		{ "Accept", "a/b", false },
		{ "X-Tag", "KWJ2MT", false },
		{ "Content-Type", "application/vnd.api+json; charset=utf-8",
		    false },
	};

	render_ok(f, t);
	task_free(t);			/* the request stands on its own */
	want_str(f->r.method, "PUT", "method");
	want_i64((int64_t)f->r.nheader, NELEM(want), "headers");
	for (size_t i = 0; i < NELEM(want); i++) {
		want_slice(f->r.header[i].name, slice_of(want[i].name), "name");
		want_slice(f->r.header[i].value, slice_of(want[i].value), "%s",
		    want[i].name);
		want_i64(f->r.header[i].secret, want[i].secret, "%s",
		    want[i].name);
	}
}

static void
without_a_body_the_order_is_sent_in_the_standard_shape(void **state)
{
	struct fixture *f = *state;
	struct task *t = compile(f, "{\"httpRequest\":"
	    "{\"url\":\"https://h/\"}}");
	struct buf want = BUF_INIT(8192);

	render_ok(f, t);
	buf_printf(&want, "{\"type\":\"OrderTicketed\",\"timestamp\":"
	    "\"2026-11-23T10:00:00Z\",\"data\":%s}", order);
	want_str(buf_str(&f->r.body), buf_str(&want), "body");
	buf_free(&want);
	task_free(t);
}

static void
a_task_that_can_not_be_rendered_says_why(void **state)
{
	struct fixture *f = *state;
	struct buf why = BUF_INIT(1024), json = BUF_INIT(70000);
	struct task *t = compile(f, "{\"settings\":{\"missing\":\"strict\"},"
	    "\"httpRequest\":{\"url\":\"https://h/\","
	    "\"jsonBody\":[\"{{recordLocator}}\"]}}");

	want_rc(render(f, t, &why), RC_INVALID, "strict");
	want_str(buf_str(&why), "jsonBody: recordLocator is missing", "why");
	task_free(t);
	buf_clear(&why);
	/* 4,000 orders in one body pass its limit */
	buf_puts(&json, "{\"httpRequest\":{\"url\":\"https://h/\","
	    "\"jsonBody\":[1");
	for (int i = 0; i < 4000; i++)
		buf_puts(&json, ",\"{{{order}}}\"");
	buf_puts(&json, "]}}");
	t = compile(f, buf_str(&json));
	want_rc(render(f, t, &why), RC_TOOBIG, "too big");
	want_str(buf_str(&why), "jsonBody: it is longer than 1048576 bytes",
	    "why");
	task_free(t);
	buf_free(&why);
	buf_free(&json);
}

static void
events_come_from_the_task_or_from_beside_it(void **state)
{
	struct fixture *f = *state;
	struct slice two[] = { SLICE("OrderCancelled"), SLICE("Strike") };
	struct slice all[] = { SLICE("*") };
	struct buf why = BUF_INIT(4096), out = BUF_INIT(4096);
	struct task *t = NULL;
#define BARE "\"httpRequest\":{\"url\":\"https://h.example/\"}}"
#define WITH(e) SLICE("{\"event\":" e "," BARE)

	want_rc(task_compile(&t, f->c, SLICE("{" BARE), two, 2, note, &why),
	    RC_OK, "%s", buf_str(&why));
	want_str(task_event_at(t, 0), "OrderCanceled", "alias");
	want_str(task_event_at(t, 1), "Strike", "second");
	want_str(task_name(t), "OrderCanceled and 1 more to h.example", "name");
	task_free(t);
	want_rc(task_compile(&t, f->c, SLICE("{" BARE), all, 1, note, &why),
	    RC_OK, "%s", buf_str(&why));
	want_str(task_name(t), "All events to h.example", "name");
	assert_true(task_wants(t, catalog_event_at(f->c, 30)));
	task_free(t);
	want_rc(task_compile(&t, f->c,
	    WITH("[\"Strike\",\"Strike\",\"OrderCanceled\"]"), two, 2, note,
	    &why), RC_OK, "%s", buf_str(&why));
	task_print(t, false, &out);
	assert_non_null(strstr(buf_str(&out),
	    "\"event\":[\"Strike\",\"OrderCanceled\"]"));
	task_free(t);
	want_rc(task_compile(&t, f->c, WITH("[\"Strike\"]"), two, 2, note,
	    &why), RC_INVALID, "fewer");
	assert_non_null(strstr(buf_str(&why), "/event: does not name "
	    "OrderCancelled"));
	buf_clear(&why);
	want_rc(task_compile(&t, f->c, WITH("[\"*\"]"), two, 2, note, &why),
	    RC_INVALID, "all");
	buf_clear(&why);
	want_rc(task_compile(&t, f->c, WITH("[\"Strike\",\"Weather\"]"),
	    two + 1, 1, note, &why), RC_INVALID, "more");
	want_str(buf_str(&why), "/event: names more events than are given "
	    "beside the task", "why");
	buf_clear(&why);
	two[0] = SLICE("Nope");
	want_rc(task_compile(&t, f->c, SLICE("{" BARE), two, 2, note, &why),
	    RC_INVALID, "unknown");
	buf_free(&why);
	buf_free(&out);
}

static void
printing_a_task_and_reading_it_again_changes_nothing(void **state)
{
	static const char *const json[] = { page,
	    "{ \"settings\" : { \"missing\":\"strict\" } , \"filter\":[ ],"
	    " \"name\":\"a \\u00e9 \\\" {{pnr}}\", \"version\":7,"
	    " \"id\":\"sub_1\", \"client\":\"c\", \"state\":\"active\","
	    " \"reason\":\"\", \"createdAt\":\"x\", \"updatedAt\":\"y\","
	    " \"httpRequest\":{ \"jsonBody\": [ 1.50 , \"\\u00e9\\n\" ],"
	    " \"url\":\"https:\\/\\/h\\/?token=abcdefgh\" } }" };
	struct fixture *f = *state;
	struct buf one = BUF_INIT(65536), two = BUF_INIT(65536);
	struct buf why = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(json); i++) {
		struct task *t = compile(f, json[i]), *again = NULL;

		buf_clear(&one);
		buf_clear(&two);
		task_print(t, false, &one);
		want_rc(task_compile(&again, f->c, buf_as_slice(&one), NULL, 0,
		    note, &why), RC_OK, "%s: %s", buf_str(&one), buf_str(&why));
		task_print(again, false, &two);
		want_str(buf_str(&two), buf_str(&one), "again");
		want_str(task_name(again), task_name(t), "name");
		task_free(t);
		task_free(again);
	}
	want_str(buf_str(&one), "{\"name\":\"a \xc3\xa9 \\\" {{pnr}}\","
	    "\"event\":[\"OrderTicketed\"],\"filter\":[],\"httpRequest\":"
	    "{\"jsonBody\":[1.50,\"\\u00e9\\n\"],\"url\":"
	    "\"https:\\/\\/h\\/?token=abcdefgh\"},"
	    "\"settings\":{\"missing\":\"strict\"}}", "printed");
	buf_free(&one);
	buf_free(&two);
	buf_free(&why);
}

static const char secrets[] = "{\"httpRequest\":{\"header\":"
    "{\"authorization\":\"Basic YourPassword\",\"Accept\":\"a/b\","
    "\"x-tag\":{\"value\":\"shown\",\"show\":true},"
    "\"x-own\":{\"value\":\"hidden\"}},"
    "\"url\":\"https://h/p?a=1&api_key=abcdefgh&Token={{pnr}}-secret&sig=x"
    "&%73ecret=12345678\"}}";

static void
secrets_are_masked_where_people_look(void **state)
{
	struct fixture *f = *state;
	struct task *t = compile(f, secrets);
	struct buf out = BUF_INIT(65536);
#define DOTS "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

	task_print(t, true, &out);
	want_str(buf_str(&out), "{\"name\":\"OrderTicketed to h\",\"event\":"
	    "[\"OrderTicketed\"],\"httpRequest\":{\"header\":{"
	    "\"authorization\":{\"secret\":true},\"Accept\":\"a/b\","
	    "\"x-tag\":{\"value\":\"shown\",\"show\":true},"
	    "\"x-own\":{\"secret\":true}},\"url\":\"https://h/p?a=1&api_key="
	    DOTS "efgh&Token=" DOTS "cret&sig=" DOTS "&%73ecret=" DOTS
	    "5678\"}}", "printed");
	render_ok(f, t);
	want_str(buf_str(&f->r.url), "https://h/p?a=1&api_key=abcdefgh&"
	    "Token=KWJ2MT-secret&sig=x&%73ecret=12345678", "url");
	want_str(buf_str(&f->r.url_shown), "https://h/p?a=1&api_key=" DOTS
	    "efgh&Token=" DOTS "cret&sig=" DOTS "&%73ecret=" DOTS "5678",
	    "shown");
	buf_clear(&out);
	task_mask(SLICE("Basic YourPassword"), &out);
	task_mask(SLICE("seven77"), &out);
	task_mask(SLICE(""), &out);
	task_mask(SLICE("1234\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), &out);
	want_str(buf_str(&out), DOTS "word" DOTS DOTS DOTS
	    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "masks");
	buf_free(&out);
	task_free(t);
}

static void
an_edit_that_brings_masks_keeps_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct task *t = compile(f, secrets);
	struct buf shown = BUF_INIT(65536), merged = BUF_INIT(65536);
	struct buf same = BUF_INIT(65536);

	task_print(t, true, &shown);
	task_print(t, false, &same);
	task_merge_secrets(t, buf_as_slice(&shown), &merged);
	want_str(buf_str(&merged), buf_str(&same), "merged");
	buf_clear(&merged);
	task_merge_secrets(t, SLICE("{\"x\": 1, \"httpRequest\": {\"url\" : "
	    "\"https://new/?api_key=" DOTS "efgh&token=" DOTS "nope\", "
	    "\"header\":{\"AUTHORIZATION\":{\"secret\":true},\"new\":"
	    "{\"secret\":true},\"x-own\": \"other\"}} }"), &merged);
	want_str(buf_str(&merged), "{\"x\": 1, \"httpRequest\": {\"url\" : "
	    "\"https://new/?api_key=abcdefgh&token=" DOTS "nope\", "
	    "\"header\":{\"AUTHORIZATION\":\"Basic YourPassword\",\"new\":"
	    "{\"secret\":true},\"x-own\": \"other\"}} }", "merged");
	buf_clear(&merged);
	task_merge_secrets(t, SLICE("{\"httpRequest\":[1]}"), &merged);
	want_str(buf_str(&merged), "{\"httpRequest\":[1]}", "odd");
	buf_clear(&merged);
	task_merge_secrets(t, SLICE("{no json"), &merged);
	want_str(buf_str(&merged), "{no json", "no json");
	buf_free(&shown);
	buf_free(&merged);
	buf_free(&same);
	task_free(t);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(the_help_pages_task_renders_what_the_page_promises),
	    T(defaults_are_those_of_the_service),
	    T(what_is_wrong_is_told_with_its_place),
	    T(everything_wrong_is_told_at_once),
	    T(a_url_is_absolute_and_its_host_is_literal),
	    T(a_url_is_rendered_without_losing_its_shape),
	    T(headers_are_checked),
	    T(header_values_are_one_line_whatever_the_order),
	    T(without_a_body_the_order_is_sent_in_the_standard_shape),
	    T(a_task_that_can_not_be_rendered_says_why),
	    T(events_come_from_the_task_or_from_beside_it),
	    T(printing_a_task_and_reading_it_again_changes_nothing),
	    T(secrets_are_masked_where_people_look),
	    T(an_edit_that_brings_masks_keeps_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
