/*
 * What people read: messages for Slack and mails, written by clients or
 * ready-made, over orders that mean well and orders that don't.
 */
#include "unit_task.h"

#define HOOK "https://hooks.slack.com/services/T01/B02/abcdefgh1a2b"
#define SLACK_TASK(text, more) "{\"event\":[\"*\"],\"slack\":{\"url\":\"" \
	HOOK "\"" text "}" more "}"
#define MAIL_TASK(mail, more) "{\"event\":[\"*\"],\"mail\":{" mail "}" \
	more "}"
#define STRICT ",\"settings\":{\"missing\":\"strict\"}"

/* Render a task over an order; why holds the reason if it can't be. */
static enum rc
render(struct unit_task *f, const char *task, const char *order,
    const char *type, uint32_t recipient, struct buf *why)
{
	struct task_event ev = { .order = &f->o, .type = slice_of(type),
	    .id = SLICE("evt_1"), .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1,
	    .recipient = recipient };
	struct task *t = unit_task(f, task);
	enum rc rc;

	unit_order(&f->o, f->c, order);
	buf_clear(why);
	rc = task_render(t, &ev, &f->r, why);
	task_free(t);
	return rc;
}

static void
slack_gets_values_with_their_markup_disarmed(void **state)
{
	static const struct { const char *text, *agent, *want; } t[] = {
		{ "Hi {{agent}}", "Ana", "Hi Ana" },
		{ "{{agent}}", "<!channel> & <https://evil|x>",
		    "&lt;!channel&gt; &amp; &lt;https://evil|x&gt;" },
		{ "{{agent}}", "\\u003c!here\\u003e\\u0026", "&lt;!here&gt;"
		    "&amp;" },
		{ "{{agent}}", "&lt;", "&amp;lt;" },
		{ "{{agent}}", "a\\n\\\"b\\\"\\\\\\u0001", "a\\n\\\"b\\\"\\\\"
		    "\\u0001" },
		{ "{{agent}}", "<\\\">", "&lt;\\\"&gt;" },
		/* the client's own markup is meant */
		{ "*{{agent}}* <https://a.example/{{pnr}}|see> & \\\"x\\\"",
		    "A", "*A* <https://a.example/KWJ2MT|see> & \\\"x\\\"" },
		{ "{{{agent}}} {{&agent}}", "<b>&\\\"", "<b>&\\\" <b>&\\\"" },
		{ "{{order.n}}{{order.o}}", "A", "1{\\\"a\\\":\\\"&lt;\\\"}" },
		{ "{{subscription.name}}", "A", "All events to Slack" },
		{ "{{#legs}}{{origin}};{{/legs}}", "A", "M&lt;D;LHR;" },
	};
	struct unit_task *f = *state;
	struct buf task = BUF_INIT(8192), order = BUF_INIT(8192);
	struct buf want = BUF_INIT(8192), why = BUF_INIT(1024);

	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&task);
		buf_clear(&order);
		buf_clear(&want);
		buf_printf(&task, SLACK_TASK(",\"text\":\"%s\"", ""),
		    t[i].text);
		buf_printf(&order, "{\"agwID\":\"A\",\"pnr\":\"KWJ2MT\","
		    "\"agent\":\"%s\",\"n\":1,\"o\":{\"a\":\"<\"},\"legs\":["
		    "{\"origin\":\"M<D\"},{\"origin\":\"LHR\"}]}", t[i].agent);
		buf_printf(&want, "{\"text\":\"%s\"}", t[i].want);
		want_rc(render(f, buf_str(&task), buf_str(&order),
		    "OrderTicketed", 0, &why), RC_OK, "%s: %s", t[i].text,
		    buf_str(&why));
		want_str(buf_str(&f->r.body), buf_str(&want), "%s of %s",
		    t[i].text, t[i].agent);
	}
	assert_int_equal(f->r.channel, TASK_SLACK);
	want_str(f->r.method, "POST", "method");
	want_str(buf_str(&f->r.url), HOOK, "url");
	want_str(buf_str(&f->r.url_shown), "https://hooks.slack.com/" DOTS
	    "1a2b", "shown");
	assert_int_equal(f->r.nheader, 1);
	assert_true(slice_is(f->r.header[0].value, "application/json"));
	buf_free(&task);
	buf_free(&order);
	buf_free(&want);
	buf_free(&why);
}

static void
a_slack_text_with_nothing_in_it_is_not_sent(void **state)
{
	static const struct { const char *task, *why; } t[] = {
		{ SLACK_TASK(",\"text\":\"{{agent}}\"", ""),
		    "text: it is empty" },
		{ SLACK_TASK(",\"text\":\" {{agent}}\\t\\r\\n\\u000b \"", ""),
		    "text: it is empty" },
		{ SLACK_TASK(",\"text\":\"x{{agent}}\"", STRICT),
		    "text: agent is missing" },
	};
	struct buf why = BUF_INIT(1024);

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(render(*state, t[i].task, "{\"agwID\":\"A\"}",
		    "OrderTicketed", 0, &why), RC_INVALID, "%s", t[i].task);
		want_str(buf_str(&why), t[i].why, "%s", t[i].task);
	}
	buf_free(&why);
}

static void
a_slack_text_may_be_as_long_as_slack_shows_and_more(void **state)
{
	struct buf order = BUF_INIT(1 << 20), why = BUF_INIT(1024);
	const char *task = SLACK_TASK(",\"text\":\"{{order.x}}\"", "");

	buf_puts(&order, "{\"agwID\":\"A\",\"x\":\"");
	for (int i = 0; i < 40000; i++)
		buf_puts(&order, "\xf0\x9f\x9b\xab");
	buf_puts(&order, "\"}");
	want_rc(render(*state, task, buf_str(&order), "Strike", 0, &why),
	    RC_OK, "40,000 characters");
	/* short in the order, long as Slack wants it */
	buf_clear(&order);
	buf_puts(&order, "{\"agwID\":\"A\",\"x\":\"");
	for (int i = 0; i < TASK_SLACK_MAX / 4; i++)
		buf_putc(&order, '<');
	buf_puts(&order, "\"}");
	want_rc(render(*state, task, buf_str(&order), "Strike", 0, &why),
	    RC_TOOBIG, "too long");
	buf_free(&order);
	buf_free(&why);
}

static void
a_mail_goes_to_exactly_one_address(void **state)
{
	static const struct {
		const char *mail;	/* agentEmail */
		uint32_t recipient;
		const char *want;	/* "!": the reason */
	} t[] = {
		{ "\"ana@a.example\"", 0, "ops@a.example" },
		{ "\"ana@a.example\"", 1, "ana@a.example" },
		{ "\"  ana@a.example \"", 1, "ana@a.example" },
		{ "\"ana@a.example\"", 2, "x-A@a.example" },
		{ "\"ana@a.example\"", 3,
		    "!its recipient was taken off the subscription" },
		{ "\"ana@a.example\"", 4000000000,
		    "!its recipient was taken off the subscription" },
		{ "\"\"", 1, "!to[1]: no address (\"{{agentEmail}}\" is "
		    "empty)" },
		{ "\"  \"", 1, "!to[1]: no address (\"{{agentEmail}}\" is "
		    "empty)" },
		{ "null", 1, "!to[1]: no address (\"{{agentEmail}}\" is "
		    "empty)" },
		{ "\"a b\"", 1, "!to[1]: \"a b\" is not a mail address" },
		{ "\"a@b.example,c@d.example\"", 1, "!to[1]: \"a@b.example,"
		    "c@d.example\" is not a mail address" },
		{ "\"a@b.example\\r\\nRCPT TO:<x@y.example>\"", 1, "!to[1]: "
		    "\"a@b.example\\r\\nRCPT TO:<x@y.example>\" is not a mail "
		    "address" },
		{ "\"a@b.example\\n\"", 1, "!to[1]: \"a@b.example\\n\" is "
		    "not a mail address" },
		{ "\"Ana <a@b.example>\"", 1, "!to[1]: \"Ana <a@b.example>\" "
		    "is not a mail address" },
		{ "\"jos\xc3\xa9@b.example\"", 1, "!to[1]: \"jos\xc3\xa9@"
		    "b.example\" is not a mail address" },
		{ "[\"a@b.example\"]", 1, "!to[1]: \"[\\\"a@b.example\\\"]\" "
		    "is not a mail address" },
	};
	static const char task[] = MAIL_TASK("\"to\":[\"ops@a.example\","
	    "\"{{agentEmail}}\",\"x-{{agwID}}@a.example\"],\"text\":\"t\"",
	    "");
	struct unit_task *f = *state;
	struct buf order = BUF_INIT(4096), got = BUF_INIT(4096);
	struct buf why = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(t); i++) {
		bool sound = t[i].want[0] != '!';

		buf_clear(&order);
		buf_clear(&got);
		buf_printf(&order, "{\"agwID\":\"A\",\"agentEmail\":%s}",
		    t[i].mail);
		want_rc(render(f, task, buf_str(&order), "Strike",
		    t[i].recipient, &why), sound ? RC_OK : RC_INVALID,
		    "%s: %s", t[i].mail, buf_str(&why));
		buf_printf(&got, "%s%s", sound ? "" : "!",
		    buf_str(sound ? &f->r.to : &why));
		want_str(buf_str(&got), t[i].want, "%s, %u", t[i].mail,
		    t[i].recipient);
	}
	buf_free(&order);
	buf_free(&got);
	buf_free(&why);
}

/* Cut where the buffer ends, it would be another one's address. */
static void
an_address_that_is_too_long_is_never_cut(void **state)
{
	struct buf order = BUF_INIT(65536), why = BUF_INIT(4096);

	buf_puts(&order, "{\"agwID\":\"A\",\"agentEmail\":\"");
	for (int i = 0; i < 5000; i++)
		buf_putc(&order, 'x');
	buf_puts(&order, "\"}");
	want_rc(render(*state, MAIL_TASK("\"to\":\"a@b.example{{agentEmail}}"
	    "\",\"text\":\"t\"", ""), buf_str(&order), "Strike", 0, &why),
	    RC_INVALID, "too long");
	want_str(buf_str(&why), "to[0]: \"a@b.example\" is not a mail "
	    "address", "why");
	want_rc(render(*state, MAIL_TASK("\"to\":\"{{agentEmail}}\"", STRICT),
	    "{\"agwID\":\"A\"}", "Strike", 0, &why), RC_INVALID, "strict");
	want_str(buf_str(&why), "to[0]: agentEmail is missing", "strict");
	buf_free(&order);
	buf_free(&why);
}

static void
a_subject_is_one_line_and_cut_rather_than_refused(void **state)
{
	static const struct { const char *in, *want; } t[] = {
		{ "Ana", "S Ana" },
		{ "a\\r\\nBcc: x@y.example", "S a  Bcc: x@y.example" },
		{ "a\\tb\\u0001\\u007fc", "S a b  c" },
		{ "a\\u0085b\\u2028c\\u2029d", "S a b c d" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x9b\xab  ",
		    "S \xc3\xa9\xe2\x82\xac\xf0\x9f\x9b\xab" },
		{ "", "S" },
	};
	struct unit_task *f = *state;
	struct buf order = BUF_INIT(4 << 20), why = BUF_INIT(1024);
	const char *task = MAIL_TASK("\"to\":\"a@b.example\",\"text\":\"t\","
	    "\"subject\":\"S {{agent}}\"", "");

	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&order);
		buf_printf(&order, "{\"agwID\":\"A\",\"agent\":\"%s\"}",
		    t[i].in);
		want_rc(render(f, task, buf_str(&order), "Strike", 0, &why),
		    RC_OK, "%s", t[i].in);
		want_str(buf_str(&f->r.subject), t[i].want, "%s", t[i].in);
	}
	buf_clear(&order);
	buf_puts(&order, "{\"agwID\":\"A\",\"agent\":\"");
	for (int i = 0; i < 60000; i++)
		buf_puts(&order, "\xf0\x9f\x9b\xab");
	buf_puts(&order, "\"}");
	for (int i = 0; i < 2; i++) {
		want_rc(render(f, i == 0 ? task : MAIL_TASK("\"to\":"
		    "\"a@b.example\",\"text\":\"t\",\"subject\":\"S "
		    "{{agent}}{{agent}}{{agent}}{{agent}}{{agent}}{{agent}}"
		    "{{agent}}{{agent}}{{agent}}{{agent}}{{agent}}\"", ""),
		    buf_str(&order), "Strike", 0, &why), RC_OK, "%s",
		    buf_str(&why));
		want_i64((int64_t)f->r.subject.len, 2 + 498 * 4, "bytes, %d",
		    i);
		assert_int_equal(strlen(buf_str(&f->r.subject)),
		    f->r.subject.len);
		assert_false(f->r.subject.over);
		want_str(buf_str(&why), "", "why");
	}
	want_rc(render(f, MAIL_TASK("\"to\":\"a@b.example\",\"text\":\"t\","
	    "\"subject\":\"{{agent}} \"", ""), "{\"agwID\":\"A\"}", "Strike",
	    0, &why), RC_OK, "blank");
	want_str(buf_str(&f->r.subject), "A strike disrupts order A",
	    "the headline stands in for a blank one");
	want_rc(render(f, MAIL_TASK("\"to\":\"a@b.example\",\"text\":\"t\","
	    "\"subject\":\"{{agent}}\"", STRICT), "{\"agwID\":\"A\"}",
	    "Strike", 0, &why), RC_INVALID, "strict");
	want_str(buf_str(&why), "subject: agent is missing", "strict");
	buf_free(&order);
	buf_free(&why);
}

static void
a_mails_text_has_lines_and_nothing_that_steers(void **state)
{
	static const struct { const char *in, *want; } t[] = {
		{ "a\\r\\nb\\rc\\nd\\r", "a\nb\nc\nd\n" },
		{ "a\\r\\r\\nb", "a\n\nb" },
		{ "a\\tb\\u0007\\u001b[31m\\u007fc\\u009bd", "a\tb[31mcd" },
		{ "<b>&\\\"\xc3\xa9\xe2\x82\xac", "<b>&\"\xc3\xa9\xe2\x82\xac" },
		{ ".\\n.\\nFrom x", ".\n.\nFrom x" },
	};
	struct unit_task *f = *state;
	struct buf order = BUF_INIT(4 << 20), why = BUF_INIT(1024);

	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&order);
		buf_printf(&order, "{\"agwID\":\"A\",\"agent\":\"%s\"}",
		    t[i].in);
		want_rc(render(f, MAIL_TASK("\"to\":\"a@b.example\",\"text\":"
		    "\"{{agent}}\"", ""), buf_str(&order), "Strike", 0, &why),
		    RC_OK, "%s", t[i].in);
		want_str(buf_str(&f->r.body), t[i].want, "%s", t[i].in);
	}
	assert_int_equal(f->r.channel, TASK_MAIL);
	want_str(f->r.method, "", "method");
	assert_int_equal(f->r.nheader, 0);
	assert_int_equal(f->r.url.len, 0);
	buf_clear(&order);
	buf_puts(&order, "{\"agwID\":\"A\",\"agent\":\"");
	for (int i = 0; i < 200000; i++)
		buf_putc(&order, 'x');
	buf_puts(&order, "\"}");
	want_rc(render(f, MAIL_TASK("\"to\":\"a@b.example\",\"text\":"
	    "\"{{agent}}{{agent}}{{agent}}{{agent}}{{agent}}{{agent}}\"", ""),
	    buf_str(&order), "Strike", 0, &why), RC_TOOBIG, "text");
	want_str(buf_str(&why), "text: it is longer than 1048576 bytes",
	    "text");
	buf_free(&order);
	buf_free(&why);
}

/* The two channels and what every ready-made text is rendered over. */
static const char slack[] = SLACK_TASK("", STRICT);
static const char mail[] = MAIL_TASK("\"to\":\"a@b.example\"", STRICT);

static void
what_is_absent_leaves_no_trace_in_a_ready_made_text(void **state)
{
	struct unit_task *f = *state;
	struct buf why = BUF_INIT(1024);

	want_rc(render(f, mail, "{\"agwID\":\"AGW-1\"}", "OrderTicketed", 0,
	    &why), RC_OK, "%s", buf_str(&why));
	want_str(buf_str(&f->r.subject), "Order AGW-1 is ticketed", "subject");
	want_str(buf_str(&f->r.body), "Order AGW-1 is ticketed\n\n"
	    "Order: AGW-1\n\nOrderTicketed, 2026-11-23T10:00:00Z\n", "mail");
	want_rc(render(f, slack, "{\"agwID\":\"AGW-1\"}", "OrderTicketed", 0,
	    &why), RC_OK, "%s", buf_str(&why));
	want_str(buf_str(&f->r.body), "{\"text\":\"*Order AGW-1 is ticketed*"
	    "\\n\"}", "slack");
	/* an empty string says no more than an absent one, nor does 0 */
	want_rc(render(f, mail, "{\"agwID\":\"AGW-1\",\"pnr\":\"\",\"agent\":"
	    "null,\"adultsPax\":2,\"childrenPax\":0,\"infantsPax\":\"0\","
	    "\"legs\":[],\"totalAmount\":\"0.50\"}", "OrderTicketed", 0,
	    &why), RC_OK, "%s", buf_str(&why));
	want_str(buf_str(&f->r.body), "Order AGW-1 is ticketed\n\n"
	    "Order: AGW-1\nAdults: 2\nTotal amount: 0.50\n\n"
	    "OrderTicketed, 2026-11-23T10:00:00Z\n", "mail");
	buf_free(&why);
}

static void
ready_made_texts_hold_what_the_order_does(void **state)
{
	struct unit_task *f = *state;
	struct buf order = BUF_INIT(1 << 20), why = BUF_INIT(1024);

	catalog_sample_order(f->c, catalog_event_find(f->c,
	    SLICE("OrderCanceled")), &order);
	want_rc(render(f, mail, buf_str(&order), "OrderCanceled", 0, &why),
	    RC_OK, "%s", buf_str(&why));
	want_str(buf_str(&f->r.body),
	    "Order AGW-JHTE1543KJ was cancelled\n\n"
	    "Order: AGW-JHTE1543KJ\n"
	    "Airline's order: IB057AV1752E4\n"
	    "PNR: KWJ2MT\n"
	    "Record locator: QZ4L8P\n"
	    "Status: cancelled\n"
	    "Journey: MAD-LHR, LHR-MAD (Round Trip)\n"
	    "  MAD-LHR, departs 2026-12-01T11:00:00+01:00, arrives "
	    "2026-12-01T12:25:00Z\n"
	    "  LHR-MAD, departs 2026-12-08T17:20:00Z, arrives "
	    "2026-12-08T20:45:00+01:00\n"
	    "Adults: 2\n"
	    "Children: 1\n"
	    "Total amount: 412.90\n"
	    "Provider: IB\n"
	    "Consumer: Wander Travel, IATA 12345678, ES\n"
	    "Agency: Wander\n"
	    "Agent: Ana L\xc3\xb3pez\n\n"
	    "OrderCanceled, 2026-11-23T10:00:00Z\n", "mail");
	want_rc(render(f, slack, buf_str(&order), "OrderCanceled", 0, &why),
	    RC_OK, "%s", buf_str(&why));
	want_str(buf_str(&f->r.body),
	    "{\"text\":\"*Order AGW-JHTE1543KJ was cancelled*\\n"
	    "MAD-LHR, LHR-MAD, departs 2026-12-01T11:00:00+01:00\\n"
	    "PNR KWJ2MT, cancelled, total 412.90\\n"
	    "Wander, Ana L\xc3\xb3pez\\n\"}", "slack");
	buf_free(&order);
	buf_free(&why);
}

/* All of an event's texts in one string: "subject|mail|slack". */
static void
all_texts(struct unit_task *f, const char *type, const char *order,
    struct buf *out)
{
	struct buf why = BUF_INIT(1024);

	buf_clear(out);
	want_rc(render(f, mail, order, type, 0, &why), RC_OK, "%s: %s", type,
	    buf_str(&why));
	buf_printf(out, "%s|%s|", buf_str(&f->r.subject),
	    buf_str(&f->r.body));
	want_rc(render(f, slack, order, type, 0, &why), RC_OK, "%s: %s", type,
	    buf_str(&why));
	buf_slice(out, buf_as_slice(&f->r.body));
	buf_free(&why);
}

static void
every_event_has_a_headline_of_its_own(void **state)
{
	struct unit_task *f = *state;
	const struct catalog_event *e;
	struct buf order = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
	struct buf seen = BUF_INIT(1 << 20), line = BUF_INIT(4096);

	for (size_t i = 0; (e = catalog_event_at(f->c, i)) != NULL; i++) {
		buf_clear(&order);
		buf_clear(&line);
		catalog_sample_order(f->c, e, &order);
		all_texts(f, e->name, buf_str(&order), &out);
		buf_printf(&line, "\n%.*s\n",
		    (int)strcspn(buf_str(&out), "|"), buf_str(&out));
		if (strstr(buf_str(&seen), buf_str(&line)) != NULL)
			fail_msg("%s: got \"%s\" once more", e->name,
			    buf_str(&line));
		buf_slice(&seen, buf_as_slice(&line));
		assert_non_null(strstr(buf_str(&line),
		    strncmp(e->name, "skycap.mail.", 12) == 0 ?
		    "mail server" : catalog_is_operational(e) ?
		    "Ticketed to the back office" : "AGW-JHTE1543KJ"));
		assert_true(line.len < 100);
		/* what an order must not tell, and no tag is left */
		assert_null(strstr(buf_str(&out), "5f2c8e1b"));
		assert_null(strstr(buf_str(&out), "psg"));
		assert_null(strstr(buf_str(&out), "mail.example"));
		assert_null(strstr(buf_str(&out), "{{"));
	}
	buf_free(&order);
	buf_free(&out);
	buf_free(&seen);
	buf_free(&line);
}

static void
the_services_own_events_have_texts_too(void **state)
{
	struct unit_task *f = *state;
	struct buf out = BUF_INIT(1 << 20), order = BUF_INIT(1 << 16);
	const char *type = "skycap.subscription.disabled";

	catalog_sample_order(f->c, catalog_event_find(f->c, slice_of(type)),
	    &order);
	all_texts(f, type, buf_str(&order), &out);
	want_str(buf_str(&out),
	    "Subscription Ticketed to the back office was disabled|"
	    "Subscription Ticketed to the back office was disabled\n\n"
	    "Client: Wander\n"
	    "Goes to: https://yourservices/api/order-ticketed\n"
	    "State: disabled, gone\n"
	    "Failures in a row: 1, the first at 2026-11-23T10:00:00.000Z\n"
	    "Last delivered: 2026-11-23T09:59:30.000Z\n"
	    "Subscription: sub_0000000000000000\n\n"
	    "skycap.subscription.disabled, 2026-11-23T10:00:00Z\n|"
	    "{\"text\":\"*Subscription Ticketed to the back office was "
	    "disabled*\\nClient: Wander\\n"
	    "Goes to: https://yourservices/api/order-ticketed\\n"
	    "State: disabled, gone\\n"
	    "Failures in a row: 1, the first at 2026-11-23T10:00:00.000Z\\n"
	    "\"}", "disabled");
	all_texts(f, type, "{}", &out);
	want_str(buf_str(&out), "Subscription  was disabled|"
	    "Subscription  was disabled\n\n\n"
	    "skycap.subscription.disabled, 2026-11-23T10:00:00Z\n|"
	    "{\"text\":\"*Subscription  was disabled*\\n\"}", "nothing known");
	buf_free(&out);
	buf_free(&order);
}

static void
a_type_that_is_no_longer_known_has_a_text(void **state)
{
	struct buf out = BUF_INIT(4096);

	all_texts(*state, "LoyaltyUpdate", "{\"agwID\":\"A<1\"}", &out);
	want_str(buf_str(&out), "Order A<1: LoyaltyUpdate|"
	    "Order A<1: LoyaltyUpdate\n\nOrder: A<1\n\n"
	    "LoyaltyUpdate, 2026-11-23T10:00:00Z\n|"
	    "{\"text\":\"*Order A&lt;1: LoyaltyUpdate*\\n\"}", "unknown");
	buf_free(&out);
}

static void
a_clients_own_templates_may_use_the_headline(void **state)
{
	static const struct { const char *task, *want; } t[] = {
		{ "{\"event\":[\"*\"],\"httpRequest\":{\"url\":\"https://h/"
		    "?t={{event.headline}}\",\"header\":{\"x-t\":"
		    "\"{{event.headline}}\"},\"jsonBody\":"
		    "\"{{{event.headline}}}\"}}",
		    "\"A strike disrupts order \\\"<1>\\\"  x\"" },
		{ "{\"event\":[\"*\"],\"httpRequest\":{\"url\":\"https://h/"
		    "\",\"jsonBody\":{\"t\":\"! {{event.headline}}\"}}}",
		    "{\"t\":\"! A strike disrupts order \\\"<1>\\\"  x\"}" },
		{ SLACK_TASK(",\"text\":\"{{event.headline}}\"", ""),
		    "{\"text\":\"A strike disrupts order \\\"&lt;1&gt;\\\"  "
		    "x\"}" },
	};
	struct unit_task *f = *state;
	struct buf why = BUF_INIT(1024);

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(render(f, t[i].task, "{\"agwID\":\"\\\"<1>\\\"\\r\\nx"
		    "\"}", "Strike", 0, &why), RC_OK, "%s", buf_str(&why));
		want_str(buf_str(&f->r.body), t[i].want, "%s", t[i].task);
		if (i > 0)
			continue;
		want_str(buf_str(&f->r.url), "https://h/?t=A%20strike%20"
		    "disrupts%20order%20%22%3C1%3E%22%20%20x", "url");
		assert_true(slice_is(f->r.header[0].value,
		    "A strike disrupts order \"<1>\"  x"));
	}
	buf_free(&why);
}

/* One request is used for all that goes out, channel after channel. */
static void
nothing_of_one_request_is_left_in_the_next(void **state)
{
	static const char http[] = HTTP(",\"header\":{\"x-a\":\"b\"},"
	    "\"jsonBody\":1");
	struct unit_task *f = *state;
	struct buf why = BUF_INIT(1024);
	const char *order = "{\"agwID\":\"A\"}";

	want_rc(render(f, mail, order, "Strike", 0, &why), RC_OK, "mail");
	want_rc(render(f, http, order, "Strike", 0, &why), RC_OK, "http");
	want_i64(f->r.channel, TASK_WEBHOOK, "channel");
	assert_int_equal(f->r.to.len + f->r.subject.len, 0);
	want_str(buf_str(&f->r.body), "1", "body");
	want_rc(render(f, slack, order, "Strike", 0, &why), RC_OK, "slack");
	assert_int_equal(f->r.nheader, 1);
	want_rc(render(f, mail, order, "Strike", 0, &why), RC_OK, "mail");
	assert_int_equal(f->r.url.len + f->r.url_shown.len + f->r.nheader, 0);
	assert_int_equal(f->r.scan.n, 0);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TASK(slack_gets_values_with_their_markup_disarmed),
	    UNIT_TASK(a_slack_text_with_nothing_in_it_is_not_sent),
	    UNIT_TASK(a_slack_text_may_be_as_long_as_slack_shows_and_more),
	    UNIT_TASK(a_mail_goes_to_exactly_one_address),
	    UNIT_TASK(an_address_that_is_too_long_is_never_cut),
	    UNIT_TASK(a_subject_is_one_line_and_cut_rather_than_refused),
	    UNIT_TASK(a_mails_text_has_lines_and_nothing_that_steers),
	    UNIT_TASK(what_is_absent_leaves_no_trace_in_a_ready_made_text),
	    UNIT_TASK(ready_made_texts_hold_what_the_order_does),
	    UNIT_TASK(every_event_has_a_headline_of_its_own),
	    UNIT_TASK(the_services_own_events_have_texts_too),
	    UNIT_TASK(a_type_that_is_no_longer_known_has_a_text),
	    UNIT_TASK(a_clients_own_templates_may_use_the_headline),
	    UNIT_TASK(nothing_of_one_request_is_left_in_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
