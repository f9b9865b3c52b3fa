/*
 * Tasks that go to Slack or by mail: what is taken, what is refused, and what
 * of them is secret.
 */
#include "unit_task.h"

#define HOOK "https://hooks.slack.com/services/T01/B02/abcdefgh1a2b"
#define SLACK(more) TASK("\"slack\":{\"url\":\"" HOOK "\"" more "}")
#define MAIL(more) TASK("\"mail\":{" more "}")
#define TO(list) MAIL("\"to\":" list)

static void
what_slack_can_not_take_is_refused_with_its_place(void **state)
{
	static const struct { const char *in, *where, *why; } t[] = {
		{ TASK("\"slack\":{\"text\":\"a\"}"), "/slack", "lacks url" },
		{ TASK("\"slack\":{\"url\":null}"), "/slack", "lacks url" },
		{ TASK("\"slack\":{\"url\":7}"), "/slack/url",
		    "must be a string" },
		{ TASK("\"slack\":{\"url\":\"hooks.slack.com/x\"}"),
		    "/slack/url", "must begin with http:// or https://" },
		{ TASK("\"slack\":{\"url\":\"https://h/{{pnr}}\"}"),
		    "/slack/url", "line 1, column 42: must be as Slack gave "
		    "it: there are no templates in it" },
		{ TASK("\"slack\":{\"url\":\"https://{{pnr}}/\"}"),
		    "/slack/url", "there are no templates in it" },
		{ TASK("\"slack\":{\"url\":\"https://h/a b\"}"), "/slack/url",
		    "blank" },
		{ TASK("\"slack\":{\"url\":\"https://hooks.slack.com/" DOTS
		    "1a2b\"}"), "/slack/url", "holds the mask of a secret" },
		{ SLACK(",\"txt\":\"a\""), "/slack/txt", "did you mean text?" },
		{ SLACK(",\"subject\":\"a\""), "/slack/subject",
		    "known are url and text" },
		{ SLACK(",\"text\":[]"), "/slack/text", "must be a string" },
		{ SLACK(",\"text\":\"\""), "/slack/text",
		    "must not be empty" },
		{ SLACK(",\"text\":\"a {{agwId}}\""), "/slack/text",
		    "did you mean agwID?" },
		{ SLACK(",\"text\":\"{{#legs}}\""), "/slack/text",
		    "never closed" },
		{ TASK("\"slack\":{\"url\":\"" HOOK "\"},\"mail\":{}"), "",
		    "exactly one of httpRequest, slack and mail" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		unit_task_refuse(*state, t[i].in, t[i].where, t[i].why);
}

static void
what_mail_can_not_take_is_refused_with_its_place(void **state)
{
	static const struct { const char *in, *where, *why; } t[] = {
		{ MAIL("\"text\":\"a\""), "/mail", "lacks to" },
		{ TO("null"), "/mail", "lacks to" },
		{ TO("7"), "/mail/to", "must be a list of addresses, or one" },
		{ TO("{}"), "/mail/to", "must be a list of addresses, or one" },
		{ TO("[]"), "/mail/to", "must have at least one address" },
		{ TO("[7]"), "/mail/to/0", "must be a string" },
		{ TO("[\"a@b.example\",null]"), "/mail/to/1",
		    "must be a string" },
		{ TO("\"ops\""), "/mail/to", "must be a mail address like" },
		{ TO("[\"a@b.example\",\"a b@c.example\"]"), "/mail/to/1",
		    "line 1, column 46: has a blank in it" },
		{ TO("[\"Ops <a@b.example>\"]"), "/mail/to/0", "a blank" },
		{ TO("[\"a@b.example, c@d.example\"]"), "/mail/to/0",
		    "must be one address; give each as an item of its own" },
		{ TO("[\"a@b.example\\n\"]"), "/mail/to/0",
		    "has a control character" },
		{ TO("[\"caf\xc3\xa9@b.example\"]"), "/mail/to/0",
		    "SMTPUTF8 is not spoken" },
		{ TO("[\"a@b.example\",\"A@b.EXAMPLE\"]"), "/mail/to/1",
		    "is there twice" },
		{ TO("[\"{{agntEmail}}\"]"), "/mail/to/0",
		    "did you mean agentEmail?" },
		{ TO("[\"{{agentEmail}}, {{psgEmail}}\"]"), "/mail/to/0",
		    "must be one address" },
		{ TO("[\"<{{agentEmail}}>\"]"), "/mail/to/0",
		    "the address alone" },
		{ TO("[\"{{agentEmail\"]"), "/mail/to/0", "never" },
		{ TO("\"a@b.example\",\"text\":\"\""), "/mail/text",
		    "must not be empty; without it, a ready-made one" },
		{ TO("\"a@b.example\",\"subject\":7"), "/mail/subject",
		    "must be a string" },
		{ TO("\"a@b.example\",\"subject\":\"{{x}}\""),
		    "/mail/subject", "there is no field x" },
		{ TO("\"a@b.example\",\"subjct\":\"a\""), "/mail/subjct",
		    "did you mean subject?" },
		{ TO("\"a@b.example\",\"cc\":\"a\""), "/mail/cc",
		    "known are to, subject and text" },
		{ TO("\"a@b.example\"},\"settings\":{\"ordered\":true"),
		    "/settings/ordered", "mail servers keep no order" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		unit_task_refuse(*state, t[i].in, t[i].where, t[i].why);
}

/* A string of n times s. */
static void
put_many(struct buf *out, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		buf_puts(out, s);
}

static void
lengths_have_their_limits(void **state)
{
	static const struct { const char *head, *tail, *where; size_t max; }
	t[] = {
		{ "{\"event\":[\"*\"],\"slack\":{\"url\":\"" HOOK
		    "\",\"text\":\"", "\"}}", "/slack/text", TASK_TEXT_MAX },
		{ "{\"event\":[\"*\"],\"mail\":{\"to\":\"a@b.example\","
		    "\"text\":\"", "\"}}", "/mail/text", TASK_TEXT_MAX },
		{ "{\"event\":[\"*\"],\"mail\":{\"to\":\"a@b.example\","
		    "\"subject\":\"", "\"}}", "/mail/subject",
		    TASK_SUBJECT_MAX },
		{ "{\"event\":[\"*\"],\"mail\":{\"to\":\"{{!", "}}{{agent}}"
		    "\"}}", "/mail/to", TASK_TO_MAX - 14 },
	};
	struct buf json = BUF_INIT(1 << 20);

	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&json);
		buf_puts(&json, t[i].head);
		put_many(&json, t[i].max, "x");
		buf_puts(&json, t[i].tail);
		task_free(unit_task(*state, buf_str(&json)));
		buf_clear(&json);
		buf_puts(&json, t[i].head);
		put_many(&json, t[i].max + 1, "x");
		buf_puts(&json, t[i].tail);
		unit_task_refuse(*state, buf_str(&json), t[i].where,
		    "is longer than");
	}
	buf_free(&json);
}

static void
a_mail_has_at_most_32_recipients(void **state)
{
	struct buf json = BUF_INIT(65536);
	struct task *t;

	buf_puts(&json, "{\"event\":[\"*\"],\"mail\":{\"to\":[\"a@b.example\"");
	for (int i = 1; i < TASK_RECIPIENTS_MAX; i++)
		buf_printf(&json, ",\"a%d@b.example\"", i);
	buf_puts(&json, "]}}");
	t = unit_task(*state, buf_str(&json));
	assert_int_equal(task_recipients(t), TASK_RECIPIENTS_MAX);
	task_free(t);
	json.len -= 3;
	buf_puts(&json, ",\"{{agentEmail}}\"]}}");
	unit_task_refuse(*state, buf_str(&json), "/mail/to",
	    "must have at most 32 addresses");
	buf_free(&json);
}

static void
each_channel_has_its_defaults(void **state)
{
	static const struct {
		const char *in;
		enum task_channel channel;
		uint32_t n;
		double rate;
		const char *name, *target;
	} t[] = {
		{ HTTP(""), TASK_WEBHOOK, 1, 0, "All events to h",
		    "https://h/" },
		{ SLACK(""), TASK_SLACK, 1, 1, "All events to Slack",
		    "https://hooks.slack.com/" DOTS "1a2b" },
		{ SLACK("},\"settings\":{\"rate_per_s\":0.5"), TASK_SLACK, 1,
		    0.5, "All events to Slack",
		    "https://hooks.slack.com/" DOTS "1a2b" },
		{ SLACK("},\"settings\":{\"rate_per_s\":null,\"ordered\":true"),
		    TASK_SLACK, 1, 1, "All events to Slack",
		    "https://hooks.slack.com/" DOTS "1a2b" },
		{ TO("\"ops@a.example\""), TASK_MAIL, 1, 0,
		    "All events to ops@a.example", "ops@a.example" },
		{ TO("[\"ops@a.example\",\"{{agentEmail}}\"],\"text\":null,"
		    "\"subject\":null"), TASK_MAIL, 2, 0,
		    "All events to ops@a.example",
		    "ops@a.example, {{agentEmail}}" },
		{ TO("[\"{{agentEmail}}\"]},\"settings\":{\"ordered\":false"),
		    TASK_MAIL, 1, 0, "All events by mail", "{{agentEmail}}" },
	};
	struct buf out = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct task *k = unit_task(*state, t[i].in);

		want_i64(task_channel(k), t[i].channel, "%s", t[i].in);
		want_i64(task_recipients(k), t[i].n, "%s", t[i].in);
		assert_true(task_settings(k)->rate_per_s == t[i].rate);
		want_str(task_name(k), t[i].name, "%s", t[i].in);
		buf_clear(&out);
		task_target(k, &out);
		want_str(buf_str(&out), t[i].target, "%s", t[i].in);
		task_free(k);
	}
	buf_free(&out);
}

/* Masked and plain; then an edit that brings the mask. */
static void
slacks_url_is_a_secret_from_its_path_on(void **state)
{
	struct buf out = BUF_INIT(4096), merged = BUF_INIT(8192);
	struct task *t = unit_task(*state, SLACK(",\"text\":\"{{pnr}}\""));

	task_print(t, true, &out);
	want_str(buf_str(&out), "{\"name\":\"All events to Slack\",\"event\":"
	    "[\"*\"],\"slack\":{\"url\":\"https://hooks.slack.com/" DOTS
	    "1a2b\",\"text\":\"{{pnr}}\"}}", "masked");
	task_merge_secrets(t, buf_as_slice(&out), &merged);
	buf_clear(&out);
	task_print(t, false, &out);
	want_str(buf_str(&out), "{\"name\":\"All events to Slack\",\"event\":"
	    "[\"*\"],\"slack\":{\"url\":\"" HOOK "\",\"text\":\"{{pnr}}\"}}",
	    "plain");
	want_str(buf_str(&merged), buf_str(&out), "merged");
	task_free(t);
	buf_free(&out);
	buf_free(&merged);
}

static void
a_masked_url_of_slacks_stays_with_its_address(void **state)
{
	static const struct { const char *in, *want; } t[] = {
		{ "{\"slack\":{\"url\":\"https://hooks.slack.com/" DOTS
		    "1a2b\"}}", "{\"slack\":{\"url\":\"" HOOK "\"}}" },
		{ "{\"slack\":{\"url\":\"https://HOOKS.slack.com:443/" DOTS
		    "1a2b\"}}", "{\"slack\":{\"url\":\"https://HOOKS.slack.com"
		    ":443/services/T01/B02/abcdefgh1a2b\"}}" },
		/* not the mask of what is there */
		{ "{\"slack\":{\"url\":\"https://hooks.slack.com/" DOTS
		    "1a2c\"}}", NULL },
		{ "{\"slack\":{\"url\":\"https://hooks.slack.com/" DOTS
		    "\"}}", NULL },
		{ "{\"slack\":{\"url\":\"https://hooks.slack.com/a" DOTS
		    "1a2b\"}}", NULL },
		/* another address, another channel */
		{ "{\"slack\":{\"url\":\"https://evil.example/" DOTS
		    "1a2b\"}}", NULL },
		{ "{\"slack\":{\"url\":\"http://hooks.slack.com/" DOTS
		    "1a2b\"}}", NULL },
		{ "{\"slack\":{\"url\":\"https://hooks.slack.com:8/" DOTS
		    "1a2b\"}}", NULL },
		{ "{\"httpRequest\":{\"url\":\"https://hooks.slack.com/" DOTS
		    "1a2b\"}}", NULL },
		{ "{\"slack\":[1]}", NULL },
	};
	struct task *old = unit_task(*state, SLACK(""));
	struct buf merged = BUF_INIT(8192);

	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&merged);
		task_merge_secrets(old, slice_of(t[i].in), &merged);
		want_str(buf_str(&merged), t[i].want != NULL ? t[i].want :
		    t[i].in, "%s", t[i].in);
	}
	task_free(old);
	buf_free(&merged);
}

/* Whoever knows such a URL may write there, webhook or not. */
static void
a_webhook_to_a_chats_host_has_a_secret_url_too(void **state)
{
	static const struct { const char *url, *shown; } t[] = {
		{ HOOK, "https://hooks.slack.com/" DOTS "1a2b" },
		{ "https://discord.com/api/webhooks/1/abcdefgh",
		    "https://discord.com/" DOTS "efgh" },
		{ "https://ptb.Discord.com/api?wait=true",
		    "https://ptb.Discord.com/" DOTS "true" },
		{ "https://x.webhook.office.com/a/b/IncomingWebhook/cdef",
		    "https://x.webhook.office.com/" DOTS "cdef" },
		{ "https://discord.com/api/{{pnr}}",
		    "https://discord.com/" DOTS },
		{ "https://discord.com/", "https://discord.com/" },
		{ "https://discord.com.example/a/bcdefgh",
		    "https://discord.com.example/a/bcdefgh" },
		{ "https://notdiscord.com/a/bcdefgh",
		    "https://notdiscord.com/a/bcdefgh" },
	};
	struct buf json = BUF_INIT(4096), out = BUF_INIT(4096);
	struct buf merged = BUF_INIT(8192), plain = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct task *k;

		buf_clear(&json);
		buf_clear(&out);
		buf_clear(&merged);
		buf_clear(&plain);
		buf_printf(&json, URL("%s"), t[i].url);
		k = unit_task(*state, buf_str(&json));
		task_target(k, &out);
		want_str(buf_str(&out), t[i].shown, "%s", t[i].url);
		buf_clear(&out);
		task_print(k, true, &out);
		task_print(k, false, &plain);
		task_merge_secrets(k, buf_as_slice(&out), &merged);
		want_str(buf_str(&merged), buf_str(&plain), "%s", t[i].url);
		task_free(k);
	}
	buf_free(&json);
	buf_free(&out);
	buf_free(&merged);
	buf_free(&plain);
}

static void
collect(void *arg, struct slice secret)
{
	struct buf *b = arg;

	buf_slice(b, secret);
	buf_putc(b, '\n');
}

static void
a_request_tells_what_of_its_url_is_secret(void **state)
{
	static const struct { const char *in, *want; } t[] = {
		{ SLACK(""), "T01/B02/abcdefgh1a2b\nabcdefgh1a2b\n" },
		{ TASK("\"slack\":{\"url\":\"https://h\"}"), "" },
		{ URL(HOOK), "T01/B02/abcdefgh1a2b\nabcdefgh1a2b\n" },
		{ URL("https://h/a?key=b&c=d"), "b\n" },
		{ TO("\"a@b.example\""), "" },
	};
	struct unit_task *f = *state;
	struct buf out = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct task *k = unit_task(f, t[i].in);

		buf_clear(&out);
		unit_task_render_ok(f, k);
		task_request_secrets(&f->r, collect, &out);
		want_str(buf_str(&out), t[i].want, "%s", t[i].in);
		task_free(k);
	}
	buf_free(&out);
}

static void
a_mail_is_printed_as_it_was_written(void **state)
{
	static const char in[] = "{\"name\":\"N\",\"event\":[\"*\"],\"mail\":"
	    "{\"to\":[\"a@b.example\",\"{{agentEmail}}\"],\"subject\":\"s\","
	    "\"text\":\"a\\r\\nb\"},\"settings\":{\"timeout_s\":30}}";
	struct task *t = unit_task(*state, in);
	struct buf out = BUF_INIT(4096);

	task_print(t, false, &out);
	want_str(buf_str(&out), in, "plain");
	buf_clear(&out);
	task_print(t, true, &out);
	want_str(buf_str(&out), in, "masked: nothing of it is secret");
	buf_clear(&out);
	task_merge_secrets(t, slice_of(in), &out);
	want_str(buf_str(&out), in, "merged");
	task_free(t);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TASK(what_slack_can_not_take_is_refused_with_its_place),
	    UNIT_TASK(what_mail_can_not_take_is_refused_with_its_place),
	    UNIT_TASK(lengths_have_their_limits),
	    UNIT_TASK(a_mail_has_at_most_32_recipients),
	    UNIT_TASK(each_channel_has_its_defaults),
	    UNIT_TASK(slacks_url_is_a_secret_from_its_path_on),
	    UNIT_TASK(a_masked_url_of_slacks_stays_with_its_address),
	    UNIT_TASK(a_webhook_to_a_chats_host_has_a_secret_url_too),
	    UNIT_TASK(a_request_tells_what_of_its_url_is_secret),
	    UNIT_TASK(a_mail_is_printed_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
