#include "work/outgoing_inner.h"
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

/* What a channel of its own gives is filled in by hand. */
static enum rc
dress(struct made *m, struct outgoing_ask *ask, const char *site_url)
{
	static const struct store_event test = { .test = true };
	struct task_event ev = { .type = SLICE("OrderTicketed"),
	    .id = SLICE("evt_1"), .delivery_id = SLICE("msg_1"),
	    .attempt = 2 };

	ask->store = m->b->st;
	ask->now_ms = NOW_MS;
	ask->site_url = site_url;
	ask->delivery = (struct store_key){ 1, 1, 0 };
	if (ask->event == NULL)
		ask->event = &test;
	buf_clear(&m->why);
	return m->out.rq.channel == TASK_MAIL ?
	    outgoing_put_mail(&m->out, ask, &ev, &m->why) :
	    outgoing_put_http(&m->out, ask, &ev, &m->why);
}

static void
fill(struct made *m, struct bench *b, enum task_channel channel)
{
	*m = (struct made){ .b = b, .order = ORDER_INIT, .out = OUTGOING_INIT,
	    .why = BUF_INIT(1024), .text = BUF_INIT(65536) };
	m->out.rq.channel = channel;
}

static const struct store_event no_test = { .position = 1 };

static void
slack_gets_no_signature_and_no_secret_of_ours(void **state)
{
	struct sign_key key = { SIGN_V1, SLICE("a key of twenty-four byte") };
	struct outgoing_ask ask = { .key = &key, .nkey = 1,
	    .event = &no_test };
	struct made m;

	fill(&m, *state, TASK_SLACK);
	m.out.rq.method = "POST";
	buf_puts(&m.out.rq.url, "https://hooks.slack.example/services/T0/x");
	buf_puts(&m.out.rq.url_shown, "https://hooks.slack.example/â¢");
	buf_puts(&m.out.rq.body, "{\"text\":\"a\"}");
	m.out.rq.header[m.out.rq.nheader++] = (struct task_header){
	    .name = SLICE("content-type"), .value = SLICE("application/json") };
	want_rc(dress(&m, &ask, NULL), RC_OK, "%s", buf_str(&m.why));
	want_str(printed(&m, OUTGOING_MASKED),
	    "POST https://hooks.slack.example/â¢ HTTP/1.1\r\n"
	    "Host: hooks.slack.example\r\nUser-Agent: Skycap/"
	    PACKAGE_VERSION "\r\nAccept: */*\r\n"
	    "skycap-event: OrderTicketed\r\nskycap-event-id: evt_1\r\n"
	    "skycap-attempt: 2\r\ncontent-type: application/json\r\n"
	    "Content-Length: 12\r\n", "head");
	want_i64((int64_t)m.out.keys.len, 0, "keys to be looked for");
	unmake(&m);
}

static void
what_slack_repeats_of_its_url_is_blotted_out(void **state)
{
	static const struct { const char *back, *want; } t[] = {
		{ "no_service", "no_service" },
		{ "/services/T00/B00/Xyz12345abc!",
		    "/services/*******************!" },
		{ "<Xyz12345abc>", "<***********>" },
		{ "services\\/T00\\/B00\\/Xyz12345abc",
		    "services\\/*********************" },
		{ "services/T00/B0", "services/******" },
	};
	struct made m;

	fill(&m, *state, TASK_SLACK);
	buf_puts(&m.out.rq.url,
	    "https://hooks.slack.example/services/T00/B00/Xyz12345abc");
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&m.text);
		buf_puts(&m.text, t[i].back);
		outgoing_blot(&m.out, &m.text, 0);
		want_str(buf_str(&m.text), t[i].want, "%s", t[i].back);
	}
	buf_clear(&m.out.rq.url);
	buf_puts(&m.out.rq.url, "https://hooks.slack.example");
	outgoing_blot(&m.out, &m.text, 0);
	unmake(&m);
}

static void
a_test_event_says_so_on_every_channel(void **state)
{
	static const enum task_channel channel[] = { TASK_WEBHOOK, TASK_SLACK };
	struct outgoing_ask ask = { .event = NULL };
	struct made m;

	for (size_t i = 0; i < NELEM(channel); i++) {
		fill(&m, *state, channel[i]);
		m.out.rq.method = "POST";
		buf_puts(&m.out.rq.url, "https://a.example/");
		want_rc(dress(&m, &ask, NULL), RC_OK, "%s", buf_str(&m.why));
		assert_non_null(strstr(printed(&m, OUTGOING_PLAIN),
		    "skycap-attempt: 2\r\nskycap-test: true\r\n"));
		unmake(&m);
	}
	fill(&m, *state, TASK_MAIL);
	buf_puts(&m.out.rq.to, "ops@b.example");
	buf_puts(&m.out.rq.subject, "Ticketed: A");
	want_rc(dress(&m, &ask, NULL), RC_OK, "%s", buf_str(&m.why));
	assert_non_null(strstr(buf_str(&m.out.message),
	    "Subject: [Test] Ticketed: A\r\n"));
	assert_non_null(strstr(buf_str(&m.out.message),
	    "Skycap-Attempt: 2\r\nSkycap-Test: true\r\nMIME-Version"));
	unmake(&m);
}

static void
a_mail_is_a_message_and_its_envelope(void **state)
{
	struct outgoing_ask ask = { .from = "Sky Á <skycap@a.example>",
	    .event = &no_test };
	struct buf want = BUF_INIT(4096);
	struct made m;
	char sub[ID_MAX];

	fill(&m, *state, TASK_MAIL);
	buf_puts(&m.out.rq.to, "ops@b.example");
	buf_puts(&m.out.rq.subject, "Reserva de María Muñoz Muñoz");
	buf_puts(&m.out.rq.body, "One\nTwo\n");
	want_rc(dress(&m, &ask, "https://s.example/skycap"), RC_OK, "%s",
	    buf_str(&m.why));
	want_str(m.out.from, "skycap@a.example", "from");
	store_record_id(m.b->st, STORE_SUBSCRIPTION, 1, sub);
	buf_printf(&want, "From: =?utf-8?b?U2t5IMOB?= <skycap@a.example>\r\n"
	    "To: ops@b.example\r\nSubject: "
	    "=?utf-8?q?Reserva_de_Mar=C3=ADa_Mu=C3=B1oz_Mu=C3=B1oz?=\r\n"
	    "Date: Thu, 25 Feb 2021 15:02:10 +0000\r\n"
	    "Message-ID: <msg_1@a.example>\r\n"
	    "Auto-Submitted: auto-generated\r\nList-Unsubscribe: "
	    "<https://s.example/skycap/admin/subscriptions/%s>\r\n"
	    "Skycap-Event: OrderTicketed\r\nSkycap-Event-Id: evt_1\r\n"
	    "Skycap-Attempt: 2\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\nOne\r\nTwo\r\n", sub);
	want_str(buf_str(&m.out.message), buf_str(&want), "message");
	buf_clear(&want);
	buf_printf(&want, "MAIL FROM:<skycap@a.example>\r\n"
	    "RCPT TO:<ops@b.example>\r\n\r\n"
	    "From: Sky Á <skycap@a.example>\r\nTo: ops@b.example\r\n"
	    "Subject: Reserva de María Muñoz Muñoz\r\n"
	    "Date: Thu, 25 Feb 2021 15:02:10 +0000\r\n");
	buf_clear(&m.text);
	outgoing_print(&m.out, OUTGOING_MASKED, &m.text);
	m.text.len = want.len;
	m.text.s[want.len] = '\0';
	want_str(buf_str(&m.text), buf_str(&want), "printed");
	want_i64((int64_t)m.out.nheader, 13, "headers");
	want_slice(m.out.header[6].name, SLICE("List-Unsubscribe"), "name");
	want_slice(m.out.header[12].value, SLICE("7bit"), "value");
	unmake(&m);
	buf_free(&want);
}

static void
a_mail_without_a_site_or_a_sender_can_still_be_looked_at(void **state)
{
	static const char *const site[] = { NULL, "" };

	for (size_t i = 0; i < NELEM(site); i++) {
		struct outgoing_ask ask = { .event = &no_test };
		struct made m;

		fill(&m, *state, TASK_MAIL);
		buf_puts(&m.out.rq.to, "ops@b.example");
		want_rc(dress(&m, &ask, site[i]), RC_OK, "%s",
		    buf_str(&m.why));
		want_str(m.out.from, "skycap@localhost", "from");
		assert_null(strstr(buf_str(&m.out.message), "Unsubscribe"));
		assert_non_null(strstr(buf_str(&m.out.message),
		    "\r\nSubject:\r\nDate: "));
		want_slice(m.out.header[2].name, SLICE("Subject"), "empty");
		want_slice(m.out.header[2].value, SLICE(""), "empty");
		unmake(&m);
	}
}

static void
a_mail_to_or_from_nobody_is_refused(void **state)
{
	static const struct { const char *from, *to, *says; } t[] = {
		{ "nobody", "ops@b.example", "[mail] from" },
		{ "a@b.example", "ops@b.example\r\nDATA", "header" },
		{ "a@b.example", "", "header" },
	};

	for (size_t i = 0; i < NELEM(t); i++) {
		struct outgoing_ask ask = { .from = t[i].from,
		    .event = &no_test };
		struct made m;

		fill(&m, *state, TASK_MAIL);
		buf_puts(&m.out.rq.to, t[i].to);
		want_rc(dress(&m, &ask, NULL), RC_INVALID, "%s", t[i].says);
		if (strstr(buf_str(&m.why), t[i].says) == NULL)
			want_str(buf_str(&m.why), t[i].says, "why");
		want_i64((int64_t)m.out.message.len, 0, "message");
		unmake(&m);
	}
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
	    WITH_BENCH(slack_gets_no_signature_and_no_secret_of_ours),
	    WITH_BENCH(what_slack_repeats_of_its_url_is_blotted_out),
	    WITH_BENCH(a_test_event_says_so_on_every_channel),
	    WITH_BENCH(a_mail_is_a_message_and_its_envelope),
	    WITH_BENCH(
		a_mail_without_a_site_or_a_sender_can_still_be_looked_at),
	    WITH_BENCH(a_mail_to_or_from_nobody_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
