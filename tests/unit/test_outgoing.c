#include "work/outgoing.h"
#include "work/sign.h"
#include "unit_work.h"

#define NOW_MS	1614265330123

/* A bench, a task on it and what is made of it. */
struct made {
	struct bench	*b;
	struct task	*task;
	struct order	 order;
	struct outgoing	 out;
	struct buf	 why, text;
	enum rc		 rc;
};

static void
no_problem(void *arg, const char *pointer, const char *detail)
{
	(void)arg;
	fail_msg("%s: %s", pointer, detail);
}

/* The request of a sample of http ("url" and the rest) for an order. */
static void
make(struct made *m, struct bench *b, const char *http, const char *order,
    const struct sign_key *key, size_t nkey)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct outgoing_ask ask = { .store = b->st, .key = key, .nkey = nkey,
	    .event = &ev, .order = &m->order, .attempt = 1,
	    .now_ms = NOW_MS };
	struct buf json = BUF_INIT(65536);

	*m = (struct made){ .b = b, .order = ORDER_INIT, .out = OUTGOING_INIT,
	    .why = BUF_INIT(1024), .text = BUF_INIT(65536) };
	buf_printf(&json, "{\"event\":[\"*\"],\"httpRequest\":{%s},"
	    "\"settings\":{\"missing\":\"strict\"}}", http);
	want_rc(task_compile(&m->task, b->catalog, buf_as_slice(&json), NULL,
	    0, no_problem, NULL), RC_OK, "%s", http);
	unit_order(&m->order, b->catalog, order);
	ev.type = SLICE("OrderTicketed");
	ask.task = m->task;
	m->rc = outgoing_make(&m->out, &ask, &m->why);
	buf_free(&json);
}

static void
unmake(struct made *m)
{
	task_free(m->task);
	order_free(&m->order);
	outgoing_free(&m->out);
	buf_free(&m->why);
	buf_free(&m->text);
}

static const char *
printed(struct made *m, enum outgoing_secrets how)
{
	buf_clear(&m->text);
	outgoing_print(&m->out, how, &m->text);
	return buf_str(&m->text);
}

static void
headers_stand_in_the_order_of_the_wire(void **state)
{
	struct sign_key key[] = {
		{ SIGN_V1A, SLICE("the bytes of a pair, made up, since nobody "
		    "checks any of them...") },
		{ SIGN_V1, SLICE("a key of twenty-four byte") },
	};
	struct made m;

	make(&m, *state, "\"url\":\"https://a.example/x\","
	    "\"header\":{\"x-b\":{\"value\":\"{{pnr}}\",\"show\":true}},"
	    "\"jsonBody\":{\"id\":\"{{agwID}}\"}",
	    "{\"agwID\":\"A1\",\"pnr\":\"P\"}", key, NELEM(key));
	want_rc(m.rc, RC_OK, "%s", buf_str(&m.why));
	buf_clear(&m.text);
	sign_value(key, NELEM(key), SLICE("msg_sample"), NOW_MS / 1000,
	    SLICE("{\"id\":\"A1\"}"), &m.text);
	{
		struct buf want = BUF_INIT(4096);

		buf_printf(&want, "POST https://a.example/x HTTP/1.1\r\n"
		    "Host: a.example\r\nUser-Agent: Skycap/" PACKAGE_VERSION
		    "\r\nAccept: */*\r\nwebhook-id: msg_sample\r\n"
		    "webhook-timestamp: 1614265330\r\nwebhook-signature: %s"
		    "\r\nskycap-event: OrderTicketed\r\nskycap-event-id: "
		    "evt_sample\r\nskycap-attempt: 1\r\nx-b: P\r\n"
		    "content-type: application/json\r\n"
		    "Content-Length: 11\r\n", buf_str(&m.text));
		want_str(printed(&m, OUTGOING_MASKED), buf_str(&want), "head");
		buf_free(&want);
	}
	want_slice(buf_as_slice(&m.out.rq.body), SLICE("{\"id\":\"A1\"}"),
	    "body");
	unmake(&m);
}

static void
host_is_the_authority_less_the_schemes_own_port(void **state)
{
	static const struct { const char *url, *host; } t[] = {
		{ "https://a.example", "a.example" },
		{ "https://a.example?x=1:443", "a.example" },
		{ "https://a.example:443/x", "a.example" },
		{ "http://a.example:443/x", "a.example:443" },
		{ "HTTP://a.example:80/", "a.example" },
		{ "https://a.example:80/", "a.example:80" },
		{ "https://[2001:db8::80]/x", "[2001:db8::80]" },
		{ "http://[::80]:80/x", "[::80]" },
		{ "http://127.0.0.1:8080/x:80", "127.0.0.1:8080" },
	};

	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf http = BUF_INIT(512);
		struct made m;

		buf_printf(&http, "\"url\":\"%s\"", t[i].url);
		make(&m, *state, buf_str(&http), "{\"agwID\":\"A\"}", NULL,
		    0);
		want_rc(m.rc, RC_OK, "%s", t[i].url);
		want_slice(m.out.header[0].name, SLICE("Host"), "first");
		want_slice(m.out.header[0].value, slice_of(t[i].host), "%s",
		    t[i].url);
		unmake(&m);
		buf_free(&http);
	}
}

static void
a_value_of_blanks_alone_goes_out_as_an_empty_header(void **state)
{
	static const char *const value[] = { "", "{{pnr}}",
	    "{{pnr}} {{pnr}}" };

	for (size_t i = 0; i < NELEM(value); i++) {
		struct buf http = BUF_INIT(512);
		struct made m;

		buf_printf(&http, "\"url\":\"https://a.example/\",\"header\":"
		    "{\"x-tag\":\"%s\",\"x-next\":{\"value\":\"n\","
		    "\"show\":true}}", value[i]);
		make(&m, *state, buf_str(&http),
		    "{\"agwID\":\"A\",\"pnr\":\" \\t\"}", NULL, 0);
		want_rc(m.rc, RC_OK, "%s", buf_str(&m.why));
		assert_non_null(memmem(m.out.head.s, m.out.head.len,
		    "\0x-tag;\0x-next: n\0", 18));
		assert_non_null(strstr(printed(&m, OUTGOING_PLAIN),
		    "\r\nx-tag:\r\nx-next: n\r\n"));
		unmake(&m);
		buf_free(&http);
	}
}

#define SECRETIVE							\
	"\"url\":\"https://a.example/?token=sesame%20open&x=1\","	\
	"\"header\":{\"authorization\":\"Basic YourPassword\","		\
	"\"accept\":\"text/plain\",\"x-short\":\"hush\","		\
	"\"x-odd\":\"Pa/ss\\\"W&ord\"}"

static void
secrets_are_masked_by_one_rule_wherever_they_are_shown(void **state)
{
	struct made m;
	const char *text;

	make(&m, *state, SECRETIVE, "{\"agwID\":\"A\"}", NULL, 0);
	want_rc(m.rc, RC_OK, "%s", buf_str(&m.why));
	text = printed(&m, OUTGOING_MASKED);
	assert_non_null(strstr(text, "?token=••••open&x=1 HTTP"));
	assert_non_null(strstr(text, "authorization: ••••word\r\n"));
	assert_non_null(strstr(text, "\r\nx-short: ••••\r\n"));
	assert_non_null(strstr(text, "\r\naccept: text/plain\r\n"));
	assert_null(strstr(text, "*/*"));
	text = printed(&m, OUTGOING_PLAIN);
	assert_non_null(strstr(text, "?token=sesame%20open&x=1 HTTP"));
	assert_non_null(strstr(text, "\r\nauthorization: Basic YourPassword"));
	unmake(&m);
}

static void
secrets_that_come_back_are_blotted_out(void **state)
{
	static const struct { const char *back, *want; } t[] = {
		{ "Basic YourPassword!", "******************!" },
		{ "you said YourPassword", "you said ************" },
		{ "/?token=sesame%20open&x=1", "/?token=*************&x=1" },
		{ "[\"sesame open\"]", "[\"***********\"]" },
		{ "hush is too short", "hush is too short" },
		{ "", "" },
		/* written otherwise */
		{ "{\"a\":\"Pa\\/ss\\\"W&ord\"}", "{\"a\":\"*************\"}" },
		{ "Pa\\u002fss\\u0022W\\u0026ord.",
		    "**************************." },
		{ "x=Pa%2Fss%22W%26ord&y", "x=*****************&y" },
		{ "<b>Pa&#x2F;ss&quot;W&amp;ord</b>",
		    "<b>*************************</b>" },
		{ "sesame+open", "***********" },
		/* cut off, but not by less than can be told */
		{ "said Basic Your", "said **********" },
		{ "said YourPass", "said ********" },
		{ "said You", "said You" },
		{ "YourPasswor!", "YourPasswor!" },
		{ "Pa%2", "Pa%2" }, { "Pa/s%2", "******" },
		{ "Pa/ss&quot", "**********" },
		{ "YourPasswordYourPassword", "************************" },
		{ "YYourPassword", "Y************" },
	};
	struct made m;

	make(&m, *state, SECRETIVE, "{\"agwID\":\"A\"}", NULL, 0);
	want_rc(m.rc, RC_OK, "%s", buf_str(&m.why));
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&m.text);
		buf_puts(&m.text, "YourPassword|");
		buf_puts(&m.text, t[i].back);
		outgoing_blot(&m.out, &m.text, 13);
		want_str(buf_str(&m.text) + 13, t[i].want, "%s", t[i].back);
		assert_memory_equal(m.text.s, "YourPassword|", 13);
	}
	unmake(&m);
}

static void
what_can_not_be_rendered_says_why(void **state)
{
	struct made m;

	make(&m, *state, "\"url\":\"https://a.example/\","
	    "\"jsonBody\":{\"a\":\"{{agent}}\"}", "{\"agwID\":\"A\"}", NULL,
	    0);
	want_rc(m.rc, RC_INVALID, "a missing field");
	assert_non_null(strstr(buf_str(&m.why), "agent"));
	unmake(&m);
}

/* The last header is empty, so that nothing after its name looks. */
static void
headers_beyond_their_limit_are_refused_at_any_place(void **state)
{
	struct buf http = BUF_INIT(65536), order = BUF_INIT(65536);
	struct made m;

	buf_puts(&order, "{\"agwID\":\"A\",\"agent\":\"");
	for (int i = 0; i < 65536 - 200; i++)
		buf_putc(&order, 'x');
	order.max *= 2;
	buf_puts(&order, "\"}");
	for (int len = 1; len < 128; len += 9) {
		buf_clear(&http);
		buf_puts(&http, "\"url\":\"https://a.example/\",\"header\":{"
		    "\"x-a\":\"{{agent}}");
		buf_printf(&http, "%0*d\",\"x%0*d\":\"\"", 200 - len / 2, 0,
		    len, 0);
		buf_puts(&http, "}");
		make(&m, *state, buf_str(&http), buf_str(&order), NULL, 0);
		if (m.rc != RC_OK)
			want_rc(m.rc, RC_TOOBIG, "%s", buf_str(&m.why));
		else
			printed(&m, OUTGOING_PLAIN);
		unmake(&m);
	}
	buf_free(&http);
	buf_free(&order);
}

#define WITH_BENCH(f) cmocka_unit_test_setup_teardown(f, bench_make, \
	bench_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_BENCH(headers_stand_in_the_order_of_the_wire),
	    WITH_BENCH(host_is_the_authority_less_the_schemes_own_port),
	    WITH_BENCH(a_value_of_blanks_alone_goes_out_as_an_empty_header),
	    WITH_BENCH(secrets_are_masked_by_one_rule_wherever_they_are_shown),
	    WITH_BENCH(secrets_that_come_back_are_blotted_out),
	    WITH_BENCH(what_can_not_be_rendered_says_why),
	    WITH_BENCH(headers_beyond_their_limit_are_refused_at_any_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
