#include "unit_task.h"

static void
what_is_no_task_is_refused(void **state)
{
	static const struct { const char *json, *where, *why; } t[] = {
		{ "", "", "line 1, column 1: " },
		{ "{\"event\":[\"*\"],\n \"httpRequest\":{"
		    "\"url\":\"https://h/\",}}", "/httpRequest",
		    "line 2, column 36: a key in double quotes was expected" },
		{ "{\"a\":1,\n\"\\u0061\":1}", "/a", "line 2, column " },
		{ "[]", "", "must be an object" },
		{ "7", "", "must be an object" },
		{ "{}", "", "needs \"event\", a list of event types" },
		{ "{}", "", "exactly one of httpRequest, slack and mail" },
		{ TASK("\"httpReqest\":{}"), "/httpReqest",
		    "line 1, column 17: is not known here; did you mean "
		    "httpRequest?" },
		{ TASK("\"stat\":1"), "/stat", "is not known here; known are "
		    "name, event, filter, httpRequest, slack, mail and "
		    "settings" },
		{ HTTP(",\"headers\":{}"), "/httpRequest/headers",
		    "column 51: is not known here; did you mean header?" },
		{ HTTP(",\"body\":{}"), "/httpRequest/body", "is not known "
		    "here; known are method, url, header and jsonBody" },
		{ SET("\"timeout\":5"), "/settings/timeout",
		    "did you mean timeout_s?" },
		{ HEAD("\"a\":{\"valu\":\"x\"}"), "/httpRequest/header/a/valu",
		    "did you mean value?" },
		{ TASK("\"filter\":[{\"feld\":1}]"), "/filter/0/feld",
		    "did you mean field" },
		{ TASK("\"filter\":[{\"any\":[[{\"fild\":1}]]}]"),
		    "/filter/0/any/0/0/fild", "did you mean field" },
		{ TASK("\"slack\":1"), "/slack", "must be an object" },
		{ TASK("\"slack\":{}"), "/slack", "lacks url" },
		{ TASK("\"mail\":[]"), "/mail", "must be an object" },
		{ TASK("\"mail\":{}"), "/mail", "lacks to" },
		{ TASK("\"slack\":{},\"httpRequest\":{\"url\":\"http://h\"}"),
		    "", "must have exactly one of" },
		{ TASK("\"slack\":{},\"mail\":{}"), "", "exactly one of" },
		{ TASK("\"httpRequest\":null"), "", "exactly one of" },
		{ HTTP(",\"method\":\"GET\""), "/httpRequest/method",
		    "must be \"POST\", \"PUT\" or \"PATCH\"" },
		{ HTTP(",\"method\":\"post\""), "/httpRequest/method",
		    "must be written \"POST\": methods are in capitals" },
		{ HTTP(",\"method\":\"Patch\""), "/httpRequest/method",
		    "must be written \"PATCH\"" },
		{ HTTP(",\"method\":\"\""), "/httpRequest/method", "must be" },
		{ HTTP(",\"method\":7"), "/httpRequest/method", "must be" },
		{ TASK("\"httpRequest\":{}"), "/httpRequest", "lacks url" },
		{ TASK("\"httpRequest\":{\"url\":null}"), "/httpRequest",
		    "lacks url" },
		{ TASK("\"httpRequest\":[]"), "/httpRequest",
		    "must be an object" },
		{ TASK("\"httpRequest\":{\"url\":7}"), "/httpRequest/url",
		    "must be a string" },
		{ HTTP(",\"header\":[]"), "/httpRequest/header",
		    "must be an object" },
		{ "{\"event\":[],\"httpRequest\":{\"url\":\"http://h\"}}",
		    "/event", "must name at least one event type" },
		{ "{\"event\":\"OrderCreated\"}", "/event", "must be a list" },
		{ "{\"event\":[7]}", "/event/0", "must be a string" },
		{ "{\"event\":[null]}", "/event/0", "must be a string" },
		{ "{\"event\":null}", "", "needs \"event\"" },
		{ "{\"event\":[\"OrderCreatd\"]}", "/event/0", "OrderCreatd is "
		    "no event type known here; did you mean OrderCreated?" },
		{ "{\"event\":[\"*\",\"OrderCreated\"]}", "/event/1",
		    "* means all events of orders and stands alone" },
		{ "{\"event\":[\"OrderCreated\",\"*\"]}", "/event/1",
		    "* means all events of orders and stands alone" },
		{ TASK("\"name\":\"\""), "/name", "must have 1 to 128 bytes" },
		{ TASK("\"name\":\"a\\nb\""), "/name", "must be one line" },
		{ TASK("\"name\":[]"), "/name", "must be a string" },
		{ TASK("\"filter\":{}"), "/filter", "must be a list" },
		{ TASK("\"settings\":[]"), "/settings", "must be an object" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		unit_task_refuse(*state, t[i].json, t[i].where, t[i].why);
}

static void
settings_have_their_ranges(void **state)
{
	static const struct { const char *json, *where, *why; } t[] = {
		{ SET("\"retry_s\":5"), "/settings/retry_s", "must be a list" },
		{ SET("\"retry_s\":[0]"), "/settings/retry_s/0", "must be an "
		    "integer from 1 to 604800" },
		{ SET("\"retry_s\":[5,604801]"), "/settings/retry_s/1",
		    "must be an integer" },
		{ SET("\"retry_s\":[5e0]"), "/settings/retry_s/0",
		    "must be an integer" },
		{ SET("\"retry_s\":[null]"), "/settings/retry_s/0",
		    "must be an integer" },
		{ SET("\"retry_s\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
		    "1,1,1,1,1,1,1,1,1,1,1,1]"), "/settings/retry_s",
		    "must have at most 32 steps" },
		{ SET("\"timeout_s\":0"), "/settings/timeout_s",
		    "must be an integer from 1 to 60" },
		{ SET("\"timeout_s\":61"), "/settings/timeout_s", "must be" },
		{ SET("\"timeout_s\":\"5\""), "/settings/timeout_s", "must" },
		{ SET("\"concurrency\":65"), "/settings/concurrency",
		    "must be an integer from 1 to 64" },
		{ SET("\"rate_per_s\":-1"), "/settings/rate_per_s", "must be 0 "
		    "(unlimited), or a number from 0.001 to 10000" },
		{ SET("\"rate_per_s\":1e9"), "/settings/rate_per_s", "must" },
		{ SET("\"rate_per_s\":1e-4"), "/settings/rate_per_s", "must" },
		{ SET("\"rate_per_s\":1e-999"), "/settings/rate_per_s",
		    "must" },
		{ SET("\"rate_per_s\":\"1\""), "/settings/rate_per_s", "must" },
		{ SET("\"ordered\":1"), "/settings/ordered",
		    "must be true or false" },
		{ SET("\"missing\":\"no\""), "/settings/missing",
		    "must be \"lenient\" or \"strict\"" },
		{ SET("\"missing\":true"), "/settings/missing", "must be" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		unit_task_refuse(*state, t[i].json, t[i].where, t[i].why);
}

/* The place is counted in the text as it was written, escapes and all. */
static void
templates_are_checked_in_every_place(void **state)
{
#define AT_BODY "/httpRequest/jsonBody"
#define AT_URL "/httpRequest/url"
#define AT_A "/httpRequest/header/a"
	static const struct { const char *json, *where, *why; } t[] = {
		{ BODY("{\"a\":\"{{agwId}}\"}"), AT_BODY "/a", "line 1, column "
		    "67: there is no field agwId; did you mean agwID?" },
		{ BODY("{\"{{agwId}}\":1}"), AT_BODY "/{{agwId}}",
		    "did you mean agwID?" },
		{ "{\n \"event\":[\"*\"],\n \"httpRequest\":{\"url\":"
		    "\"https://h/\",\n  \"jsonBody\":\n  [\"\\n\\u00e9 "
		    "{{pnr}} {{x}}\"]}}", AT_BODY "/0", "line 5, column 22: "
		    "there is no field x" },
		{ HEAD("\"a\":\"{{pnx}}\""), AT_A, "did you mean pnr?" },
		{ URL("https://h/{{pnx}}"), AT_URL, "column 48: there is no "
		    "field pnx; did you mean pnr?" },
		{ BODY("[\"{{#legs}}\"]"), AT_BODY "/0", "never closed" },
		{ HEAD("\"a\":\"{{#pnr}}x\""), AT_A, "never closed" },
		{ URL("https://h/{{^pnr}}x"), AT_URL, "never closed" },
		{ BODY("[\"{{#legs}}{{#pnr}}{{/legs}}{{/pnr}}\"]"),
		    AT_BODY "/0", "the open section is pnr" },
		{ BODY("[\"{{#legs}}\",\"{{/legs}}\"]"), AT_BODY "/0",
		    "never closed" },
		{ BODY("[\"{{#legs}}\",\"{{/legs}}\"]"), AT_BODY "/1",
		    "no section is open that this could close" },
		{ BODY("{\"{{#legs}}\":\"{{/legs}}\"}"),
		    AT_BODY "/{{#legs}}", "no section is open" },
		{ BODY("\"{{/pnr}}\""), AT_BODY, "no section is open" },
		{ HEAD("\"a\":\"{{/pnr}}\""), AT_A, "no section is open" },
		{ URL("https://h/{{/pnr}}"), AT_URL, "no section is open" },
		{ BODY("[\"a {{\"]"), AT_BODY "/0", "this tag never ends" },
		{ BODY("[\"{{{pnr}}\"]"), AT_BODY "/0", "never ends" },
		{ HEAD("\"a\":\"{{pnr}\""), AT_A, "this tag never ends" },
		{ URL("https://h/{{pnr"), AT_URL, "this tag never ends" },
		{ BODY("[\"{{}}\"]"), AT_BODY "/0", "a tag needs a name" },
		{ BODY("[\"{{=<% %>=}}\"]"), AT_BODY "/0",
		    "the delimiters can't be changed here" },
		{ HEAD("\"a\":\"{{=| |=}}\""), AT_A, "the delimiters" },
		{ URL("https://h/{{=| |=}}"), AT_URL, "the delimiters" },
		{ BODY("[\"{{>pnr}}\"]"), AT_BODY "/0",
		    "there are no partials here" },
		{ HEAD("\"a\":\"{{> pnr}}\""), AT_A, "no partials here" },
		{ URL("https://h/{{>pnr}}"), AT_URL, "no partials here" },
		{ HEAD("\"a\":\"{{{pnr}}}\""), AT_A,
		    "a header takes {{name}} only" },
		{ HEAD("\"a\":\"{{&pnr}}\""), AT_A, "a header takes {{name}}" },
		{ URL("https://h/{{{pnr}}}"), AT_URL,
		    "column 48: a URL takes {{name}} only" },
		{ URL("https://h/?a={{&pnr}}"), AT_URL, "a URL takes" },
		{ URL("https://h/\\u007b{pnx}}"), AT_URL, "did you mean pnr?" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		unit_task_refuse(*state, t[i].json, t[i].where, t[i].why);
}

static void
everything_wrong_is_told_at_once(void **state)
{
	struct unit_task *f = *state;
	struct buf why = BUF_INIT(65536), json = BUF_INIT(65536);
	struct task *t;

	want_rc(task_compile(&t, f->c, SLICE("{\"event\":[\"x\",\"y\"],"
	    "\n\"nme\":1,\"settings\":{\"timeout_s\":0,\"ordered\":1},\n"
	    "\"httpRequest\":{\"url\":\"h\",\"header\":{\"host\":\"a\","
	    "\"x y\":\"b\"},\"jsonBody\":[\"{{a1}}\",\"{{a2}}\"]}}"), NULL, 0,
	    unit_note, &why), RC_INVALID, "wrong");
	want_str(buf_str(&why),
	    "/nme: line 2, column 2: is not known here; did you mean name?\n"
	    "/event/0: line 1, column 12: x is no event type known here\n"
	    "/event/1: line 1, column 16: y is no event type known here\n"
	    "/httpRequest/url: line 3, column 23: must begin with http:// or "
	    "https://\n"
	    "/httpRequest/header/host: line 3, column 37: is a reserved "
	    "header: the transport or Skycap sets it\n"
	    "/httpRequest/header/x y: line 3, column 48: is no header name: 1 "
	    "to 128 letters, digits and !#$%&'*+-.^_`|~ (RFC 9110)\n"
	    "/httpRequest/jsonBody/0: line 3, column 71: there is no field a1; "
	    "what the order carries besides the fields is named order.a1\n"
	    "/httpRequest/jsonBody/1: line 3, column 80: there is no field a2; "
	    "what the order carries besides the fields is named order.a2\n"
	    "/settings/timeout_s: line 2, column 33: must be an integer from 1 "
	    "to 60\n"
	    "/settings/ordered: line 2, column 45: must be true or false",
	    "problems");

	/* but not without end */
	buf_puts(&json, TASK("\"httpRequest\":{\"url\":\"http://h\"}"));
	json.len--;
	for (int i = 0; i < TASK_PROBLEMS_MAX + 23; i++)
		buf_printf(&json, ",\"zz%d\":1", i);
	buf_putc(&json, '}');
	buf_clear(&why);
	want_rc(task_compile(&t, f->c, buf_as_slice(&json), NULL, 0,
	    unit_note, &why), RC_INVALID, "many");
	assert_non_null(strstr(buf_str(&why), "/zz99: "));
	assert_null(strstr(buf_str(&why), "/zz100: "));
	assert_non_null(strstr(buf_str(&why), "\n: has 23 more problems"));
	buf_free(&why);
	buf_free(&json);
}

static void
reserved_headers_are_refused_in_any_case(void **state)
{
	static const char *const reserved[] = { "host", "content-length",
	    "connection", "user-agent", "keep-alive", "proxy-authenticate",
	    "proxy-authorization", "proxy-connection", "te", "trailer",
	    "trailers", "transfer-encoding", "upgrade", "age", "cache-control",
	    "clear-site-data", "expect", "expires", "pragma", "warning",
	    "content-encoding", "content-language", "content-location",
	    "webhook-id", "webhook-timestamp", "webhook-signature", "webhook-x",
	    "skycap-event", "skycap-", "svix-id", "x-svix-id", "x-amz-date",
	    "x-amzn-trace-id", "x-google-a", "x-googlea", "x-goog-a", "x-gfe-a",
	    "x-azure-ref", "x-fd-a" };
	struct buf json = BUF_INIT(4096), where = BUF_INIT(1024);

	for (size_t i = 0; i < NELEM(reserved); i++)
		for (int upper = 0; upper < 2; upper++) {
			char name[64];
			size_t n = 0;

			for (; reserved[i][n] != '\0'; n++)
				name[n] = upper && reserved[i][n] >= 'a' ?
				    (char)(reserved[i][n] - 32) :
				    reserved[i][n];
			name[n] = '\0';
			buf_clear(&json);
			buf_clear(&where);
			buf_printf(&json, HEAD("\"%s\":\"x\""), name);
			buf_printf(&where, "/httpRequest/header/%s", name);
			unit_task_refuse(*state, buf_str(&json),
			    buf_str(&where), " a reserved header");
		}
	task_free(unit_task(*state, HEAD("\"Authorization\":\"x\","
	    "\"Content-Type\":\"application/json\",\"x-amazon\":\"x\","
	    "\"hosts\":\"x\",\"webhook\":\"x\"")));
	buf_free(&json);
	buf_free(&where);
}

static void
headers_are_what_http_allows(void **state)
{
#define NAME(n, p) { HEAD("\"" n "\":\"x\""), "/httpRequest/header/" p, \
	"is no header name" }
#define VALUE(v, why) { HEAD("\"a\":\"" v "\""), "/httpRequest/header/a", why }
	static const struct { const char *json, *where, *why; } t[] = {
		NAME("", ""), NAME("a b", "a b"), NAME("a:", "a:"),
		NAME("\\u00e9", "\xc3\xa9"), NAME("a\\u000db", "a\rb"),
		NAME("a\\u007f", "a\x7f"), NAME(" a", " a"),
		{ HEAD("\"a\":\"x\",\"A\":\"y\""), "/httpRequest/header/A",
		    "is there twice" },
		{ HEAD("\"a\":\"x\",\"\\u0041\":\"y\""),
		    "/httpRequest/header/A", "is there twice" },
		VALUE("x\\r\\nb: c", "line 1, column 66: has a control "
		    "character"),
		VALUE("x\\u000d", "control character"),
		VALUE("x\\u000ay", "control character"),
		VALUE("x\\ty", "control character"),
		VALUE("x\\u001b[2J", "control character"),
		VALUE("x\\u007fy", "control character"),
		VALUE(" x", "begins with a blank"),
		VALUE("x ", "column 66: ends with a blank"),
		VALUE(" ", "begins with a blank"),
		VALUE("{{pnr}} ", "ends with a blank"),
		VALUE("Basic " DOTS "word", "holds the mask of a secret"),
		{ HEAD("\"a\":7"), "/httpRequest/header/a", "must be a string, "
		    "or an object like {\"value\":..., \"show\":true}" },
		{ HEAD("\"a\":null"), "/httpRequest/header/a", "must be a" },
		{ HEAD("\"a\":[\"x\"]"), "/httpRequest/header/a", "must be a" },
		{ HEAD("\"a\":{}"), "/httpRequest/header/a", "lacks value" },
		{ HEAD("\"a\":{\"value\":7}"), "/httpRequest/header/a/value",
		    "must be a string" },
		{ HEAD("\"a\":{\"value\":null}"), "/httpRequest/header/a/value",
		    "must be a string" },
		{ HEAD("\"a\":{\"value\":\"x\",\"show\":1}"),
		    "/httpRequest/header/a/show", "must be true or false" },
		{ HEAD("\"a\":{\"secret\":true}"), "/httpRequest/header/a",
		    "is the mask of a secret that is not there, or was given "
		    "for another address; give the value itself" },
		{ HEAD("\"a\":{\"value\":\"x\",\"secret\":true}"),
		    "/httpRequest/header/a", "is the mask of a secret" },
		{ HEAD("\"content-type\":\"text/plain\""),
		    "/httpRequest/header/content-type",
		    "must be application/json, or end in +json" },
		{ HEAD("\"Content-Type\":\"a/b+jsonx\""),
		    "/httpRequest/header/Content-Type", "must be applic" },
		{ HEAD("\"content-type\":\"x/{{pnr}}+json\""),
		    "/httpRequest/header/content-type", "must be applic" },
		{ HEAD("\"content-type\":\"\""),
		    "/httpRequest/header/content-type", "must be applic" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		unit_task_refuse(*state, t[i].json, t[i].where, t[i].why);
	task_free(unit_task(*state, HEAD("\"a!#$%&'*+-.^_`|~9Z\":\"\","
	    "\"b\":\"caf\\u00e9 \\u20ac\",\"c\":\"\\\"x\\\\\"")));
}

/* n bytes of c between before and after. */
static const char *
long_json(struct buf *json, const char *before, size_t n, char c,
    const char *after)
{
	buf_clear(json);
	buf_puts(json, before);
	memset(buf_room(json, n), c, n);
	json->len += n;
	buf_puts(json, after);
	return buf_str(json);
}

static void
what_is_too_long_is_refused_and_one_byte_less_is_not(void **state)
{
#define OPEN "{\"event\":[\"*\"],\"httpRequest\":{\"url\":\"https://h/"
	static const struct {
		const char *before, *after, *where, *why;
		size_t n;
		char c;
	} t[] = {
		{ "{\"name\":\"", "\",\"event\":[\"*\"],\"httpRequest\":"
		    "{\"url\":\"http://h\"}}", "/name",
		    "must have 1 to 128 bytes", 128, 'x' },
		{ OPEN, "\"}}", "/httpRequest/url", "is longer than 4096 bytes",
		    4096 - 10, 'x' },
		{ OPEN "\",\"header\":{\"x-", "\":\"a\"}}}", NULL,
		    "is no header name", 126, 'x' },
		{ OPEN "\",\"header\":{\"a\":\"", "\"}}}",
		    "/httpRequest/header/a", "is longer than 8192 bytes", 8192,
		    'x' },
		{ OPEN "\",\"jsonBody\":\"", "\"}}", "/httpRequest/jsonBody",
		    "is longer than 65536 bytes", 65536 - 2, 'x' },
		{ OPEN "\",\"jsonBody\":[ ", " \"\\u00e9\" ]}}",
		    "", "is longer than 1048576 bytes",
		    1048576 - sizeof OPEN "\",\"jsonBody\":[  \"\\u00e9\" ]}}"
		    + 1, ' ' },
		{ "{\"event\":[\"*\"],\"name\":\"n\",\"httpRequest\":"
		    "{\"url\":\"https://h/\"},\"filter\":[{\"field\":\"pnr\","
		    "\"op\":\"=\",\"value\":\"", "\"}]}", "",
		    "is longer than 192512 bytes", 192512 -
		    sizeof "{\"event\":[\"*\"],\"name\":\"n\",\"httpRequest\":"
		    "{\"url\":\"https://h/\"},\"filter\":[{\"field\":\"pnr\","
		    "\"op\":\"=\",\"value\":\"\"}]}" + 1, 'x' },
	};
	struct buf json = BUF_INIT(1 << 21), where = BUF_INIT(1024);

	for (size_t i = 0; i < NELEM(t); i++) {
		task_free(unit_task(*state, long_json(&json, t[i].before,
		    t[i].n, t[i].c, t[i].after)));
		buf_clear(&where);
		if (t[i].where == NULL) {
			buf_puts(&where, "/httpRequest/header/x-");
			for (size_t k = 0; k <= t[i].n; k++)
				buf_putc(&where, t[i].c);
		} else
			buf_puts(&where, t[i].where);
		unit_task_refuse(*state, long_json(&json, t[i].before,
		    t[i].n + 1, t[i].c, t[i].after), buf_str(&where),
		    t[i].why);
	}
	buf_free(&json);
	buf_free(&where);
}

static void
headers_are_limited_together(void **state)
{
	struct buf json = BUF_INIT(1 << 21);
	size_t at;

	buf_puts(&json, OPEN "\",\"header\":{\"a0\":\"\"");
	for (int i = 1; i < TASK_HEADERS_MAX - 1; i++)
		buf_printf(&json, ",\"a%d\":\"x\"", i);
	at = json.len;
	buf_puts(&json, "}}}");
	task_free(unit_task(*state, buf_str(&json)));
	json.len = at;
	buf_puts(&json, ",\"b\":\"x\"}}}");
	unit_task_refuse(*state, buf_str(&json), "/httpRequest/header",
	    "must have at most 63 headers");

	for (int more = 0; more < 2; more++) {
		buf_clear(&json);
		buf_puts(&json, OPEN "\",\"header\":{");
		for (int i = 0; i < 4; i++)
			buf_printf(&json, "%s\"a%d\":\"%0*d\"", i > 0 ? "," :
			    "", i, 8190 + (more && i == 3), 0);
		buf_puts(&json, "}}}");
		if (more)
			unit_task_refuse(*state, buf_str(&json),
			    "/httpRequest/header",
			    "is longer than 32768 bytes in all");
		else
			task_free(unit_task(*state, buf_str(&json)));
	}
	unit_task_refuse(*state, long_json(&json, OPEN "\",\"header\":{\"", 1 <<
	    17, 'x', "\":\"a\"}}}"), "/httpRequest/header",
	    "has names that are too long");
	buf_free(&json);
}

/* The task is the first container, httpRequest the second. */
static void
a_task_is_nested_at_most_32_deep(void **state)
{
	struct buf json = BUF_INIT(4096);

	for (int deep = 32; deep <= 33; deep++) {
		buf_clear(&json);
		buf_puts(&json, OPEN "\",\"jsonBody\":");
		for (int i = 2; i < deep; i++)
			buf_putc(&json, '[');
		for (int i = 2; i < deep; i++)
			buf_putc(&json, ']');
		buf_puts(&json, "}}");
		if (deep == 32)
			task_free(unit_task(*state, buf_str(&json)));
		else
			unit_task_refuse(*state, buf_str(&json),
			    "/httpRequest/jsonBody/0/0/0/0/0/0/0/0/0/0/0/0/0/0"
			    "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0",
			    "more than 32 deep");
	}
	buf_free(&json);
}

static void
null_counts_as_absent(void **state)
{
	struct unit_task *f = *state;
	struct task *t = unit_task(f, "{\"event\":[\"Strike\"],\"name\":null,"
	    "\"filter\":null,\"slack\":null,\"mail\":null,\"settings\":null,"
	    "\"id\":null,\"httpRequest\":{\"method\":null,\"url\":\"http://h\","
	    "\"header\":null,\"jsonBody\":null}}");
	struct buf out = BUF_INIT(4096);

	want_str(task_name(t), "Strike to h", "name");
	unit_task_render_ok(f, t);
	want_str(f->r.method, "POST", "method");
	want_i64((int64_t)f->r.nheader, 1, "headers");
	assert_int_equal(strncmp(buf_str(&f->r.body), "{\"type\":", 8), 0);
	task_print(t, true, &out);
	want_str(buf_str(&out), "{\"name\":\"Strike to h\",\"event\":"
	    "[\"Strike\"],\"httpRequest\":{\"method\":null,\"url\":"
	    "\"http://h\",\"header\":null,\"jsonBody\":null}}", "masked");
	task_free(t);
	t = unit_task(f, SET("\"retry_s\":null,\"timeout_s\":null,"
	    "\"concurrency\":null,\"rate_per_s\":null,\"ordered\":null,"
	    "\"missing\":null"));
	want_i64(task_settings(t)->nretry, 9, "steps");
	want_i64(task_settings(t)->timeout_ms, 15000, "timeout");
	task_free(t);
	buf_free(&out);
}

static void
a_body_is_any_json_value(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ BODY("{}"), "{}" },
		{ BODY("[ ]"), "[]" },
		{ BODY("1e1"), "1e1" },
		{ BODY("false"), "false" },
		{ BODY("\"\""), "\"\"" },
		{ BODY("\"a {{pnr}}\\n\""), "\"a KWJ2MT\\n\"" },
		{ BODY("\"{{{adultsPax}}}\""), "2" },
		{ BODY("[ null , {\"a\" : null} ]"), "[null,{\"a\":null}]" },
	};
	struct unit_task *f = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		struct task *task = unit_task(f, t[i].json);

		unit_task_render_ok(f, task);
		want_str(buf_str(&f->r.body), t[i].want, "%s", t[i].json);
		task_free(task);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TASK(what_is_no_task_is_refused),
	    UNIT_TASK(settings_have_their_ranges),
	    UNIT_TASK(templates_are_checked_in_every_place),
	    UNIT_TASK(everything_wrong_is_told_at_once),
	    UNIT_TASK(reserved_headers_are_refused_in_any_case),
	    UNIT_TASK(headers_are_what_http_allows),
	    UNIT_TASK(what_is_too_long_is_refused_and_one_byte_less_is_not),
	    UNIT_TASK(headers_are_limited_together),
	    UNIT_TASK(a_task_is_nested_at_most_32_deep),
	    UNIT_TASK(null_counts_as_absent),
	    UNIT_TASK(a_body_is_any_json_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
