#include "base/clock.h"
#include "unit_events.h"
#include "unit_work.h"
#include "work/config_record.h"
#include "work/interest.h"

/* The subscription's task as it is, or with its secrets masked. */
static void
print_task(struct bench *b, uint32_t number, bool mask, struct buf *out)
{
	const struct roster *r = bench_roster(b->rosters);

	buf_clear(out);
	task_print(subscription_task(roster_subscription(r, number)), mask,
	    out);
	roster_release(r);
}

static void
a_client_needs_a_name_and_a_scope_or_all(void **state)
{
	static const struct {
		const char *name, *mail, *scope, *says;
		bool all;
	} t[] = {
		{ "", "", NULL, "name must not be empty", true },
		{ "a\nb", "", NULL, "control", true },
		{ "\xff", "", NULL, "UTF-8", true },
		{ "A", "", NULL, "a scope, or all", false },
		{ "A", "", "agency=B", "not both", true },
		{ "A", "", "agency", "FIELD=VALUE", false },
		{ "A", "", "=B", "FIELD=VALUE", false },
		{ "A", "", "agency=", "not empty", false },
		{ "A", "", "agency=  ", "not empty", false },
		{ "A", "", "agency=\xff", "UTF-8", false },
		{ "A", "", "agencie=B", "did you mean agency?", false },
		{ "A", "ops", NULL, "must be a mail address like", true },
		{ "A", "a@b\r\nBcc: c@d", NULL, "has a control char", true },
		{ "A", "a@b, c@d", NULL, "must be one address", true },
	};
	struct bench *b = *state;
	const struct roster *r;
	char name[200];
	uint32_t number;

	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&b->why);
		want_rc(client_add(&b->config, t[i].name, t[i].mail, t[i].all,
		    &t[i].scope, t[i].scope != NULL, &number, &b->why),
		    RC_INVALID, "client %zu", i);
		if (strstr(buf_str(&b->why), t[i].says) == NULL)
			fail_msg("got \"%s\", want \"%s\" in it",
			    buf_str(&b->why), t[i].says);
	}
	memset(name, 'n', sizeof name);
	name[121] = '\0';
	want_rc(client_add(&b->config, name, NULL, true, NULL, 0, &number,
	    &b->why), RC_INVALID, "121 bytes");
	r = bench_roster(b->rosters);
	assert_null(roster_client_at(r, 0));
	roster_release(r);
	name[120] = '\0';
	want_rc(client_add(&b->config, name, NULL, true, NULL, 0, &number,
	    &b->why), RC_OK, "120 bytes");
}

static void
a_client_is_kept_as_it_was_given(void **state)
{
	static const char *const scope[] = { "agency = Wander \"Travel\" ",
	    "bookingType=OW", "consumerIataCode=12=34" };
	struct bench *b = *state;
	const struct roster *r;
	struct buf got = BUF_INIT(4096), want = BUF_INIT(4096);
	char id[ID_MAX];
	uint32_t n;

	want_rc(client_add(&b->config, "Caf\xc3\xa9 \"A\"",
	    "ops@wander.example", false, scope, NELEM(scope), &n, &b->why),
	    RC_OK, "client: %s", buf_str(&b->why));
	r = bench_roster(b->rosters);
	client_print(b->st, roster_client(r, n), &got);
	store_record_id(b->st, STORE_CLIENT, n, id);
	buf_printf(&want, "{\"id\":\"%s\",\"name\":\"Caf\xc3\xa9 \\\"A\\\"\","
	    "\"mail\":\"ops@wander.example\",\"all\":false,\"scope\":["
	    "{\"field\":\"agency\",\"value\":\"Wander \\\"Travel\\\"\"},"
	    "{\"field\":\"bookingType\",\"value\":\"One Way\"},"
	    "{\"field\":\"consumerIataCode\",\"value\":\"12=34\"}],"
	    "\"version\":1,", id);
	want_i64(strncmp(buf_str(&got), buf_str(&want), want.len), 0, "%s",
	    buf_str(&got));
	roster_release(r);
	buf_free(&got);
	buf_free(&want);
}

#define SECRETS_TASK "{\"name\":\"S\",\"event\":[\"OrderTicketed\"],"	\
	"\"httpRequest\":{\"url\":\"https://a.example/?token=tokentoken\","\
	"\"header\":{\"authorization\":\"Basic YourPassword\","		\
	"\"x-shown\":{\"value\":\"visible\",\"show\":true}},"		\
	"\"jsonBody\":{\"id\":\"{{agwID}}\"}}}"

static void
secrets_are_sealed_in_the_record(void **state)
{
	static const char *const hidden[] = { "YourPassword", "Basic",
	    "tokentoken", "a.example", "agwID" };
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL), n;
	struct store_record rec = STORE_RECORD_INIT;
	struct buf secret = BUF_INIT(256);
	const char *key;

	n = bench_subscription(b, client, SECRETS_TASK);
	bench_secret(b, n, &secret);
	want_rc(store_record_get(b->st, STORE_SUBSCRIPTION, n, 0, &rec),
	    RC_OK, "record");
	assert_non_null(memmem(rec.raw.s, rec.raw.len, "\"state\":\"active\"",
	    16));
	for (size_t i = 0; i < NELEM(hidden); i++)
		if (memmem(rec.raw.s, rec.raw.len, hidden[i],
		    strlen(hidden[i])) != NULL)
			fail_msg("%s stands in the record", hidden[i]);
	key = buf_str(&secret) + strlen("whsec_");
	assert_null(memmem(rec.raw.s, rec.raw.len, key, strlen(key)));
	store_record_clear(&rec);
	buf_free(&secret);
}

/* The interest that stands in a record; "" if none. */
static void
read_interest(struct bench *b, uint32_t number, struct buf *out)
{
	struct store_record rec = STORE_RECORD_INIT;
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;

	want_rc(store_record_get(b->st, STORE_SUBSCRIPTION, number, 0, &rec),
	    RC_OK, "record");
	want_rc(subscription_record_read(&s, rec.body), RC_OK, "read");
	buf_clear(out);
	buf_slice(out, s.interest);
	store_record_clear(&rec);
	buf_free(&s.text);
}

static void
what_it_is_matched_by_stands_open_in_the_record(void **state)
{
	struct bench *b = *state;
	uint32_t n = bench_subscription(b, bench_client(b, NULL),
	    "{\"httpRequest\":{\"url\":\"https://a.example/\"},"
	    "\"filter\": [ {\"field\":\"pnr\",\"op\":\"exists\"} ],"
	    "\"event\":[\"OrderTicketed\",\"OrderCreated\"]}");
	struct buf got = BUF_INIT(4096), big = BUF_INIT(STORE_RECORD_MAX);

	read_interest(b, n, &got);
	want_str(buf_str(&got), "{\"event\":[\"OrderTicketed\","
	    "\"OrderCreated\"],\"filter\":[{\"field\":\"pnr\",\"op\":"
	    "\"exists\"}]}", "added");
	want_rc(subscription_set_state(&b->config, n, SUBSCRIPTION_PAUSED, "",
	    &b->why), RC_OK, "pause");
	read_interest(b, n, &got);
	assert_non_null(strstr(buf_str(&got), "exists"));
	want_rc(subscription_edit(&b->config, n, 2, SLICE(SECRETS_TASK),
	    &b->why), RC_OK, "edit: %s", buf_str(&b->why));
	read_interest(b, n, &got);
	want_str(buf_str(&got), "{\"event\":[\"OrderTicketed\"]}", "edited");

	/* a filter for which a record has room once, and not twice */
	buf_puts(&big, "{\"event\":[\"*\"],\"httpRequest\":{\"url\":"
	    "\"https://a.example/\"},\"filter\":[{\"field\":\"pnr\","
	    "\"op\":\"in\",\"value\":[\"\"");
	for (int i = 0; i < 9000; i++)
		buf_printf(&big, ",\"value%08d\"", i);
	buf_puts(&big, "]}]}");
	want_rc(subscription_edit(&b->config, n, 3, buf_as_slice(&big),
	    &b->why), RC_OK, "edit: %s", buf_str(&b->why));
	read_interest(b, n, &got);
	want_str(buf_str(&got), "", "one too large");
	roster_release(bench_roster(b->rosters));
	buf_free(&got);
	buf_free(&big);
}

static void
want_interest(const struct catalog *c, const char *task, uint8_t recipients,
    const char *written)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct buf out = BUF_INIT(4096);
	struct interest *in;

	interest_write(c, slice_of(task), &out);
	want_str(buf_str(&out), written, "%s", task);
	for (int again = 0; again < 2; again++) {	/* then that */
		want_rc(json_scan(&d, again ? buf_as_slice(&out) :
		    slice_of(task), &json_limits_default, &err), RC_OK,
		    "JSON");
		in = interest_read(c, &d, 0);
		assert_non_null(in);
		want_i64(in->recipients, recipients, "%s, %d", task, again);
		interest_free(in);
	}
	json_doc_free(&d);
	buf_free(&out);
}

static void
how_many_a_mail_goes_to_stands_open_and_who_they_are_does_not(void **state)
{
	struct bench *b = *state;
	struct buf many = BUF_INIT(4096);

	want_interest(b->catalog, "{\"event\":[\"*\"],\"mail\":{\"to\":["
	    "\"ops@a.example\",\"{{agentEmail}}\"]}}", 2,
	    "{\"event\":[\"*\"],\"recipients\":2}");
	want_interest(b->catalog, "{\"event\":[\"*\"],\"mail\":{\"to\":["
	    "\"ops@a.example\"]}}", 1, "{\"event\":[\"*\"]}");
	want_interest(b->catalog, "{\"event\":[\"*\"],\"mail\":{}}", 1,
	    "{\"event\":[\"*\"]}");
	want_interest(b->catalog, "{\"event\":[\"*\"],\"mail\":null}", 1,
	    "{\"event\":[\"*\"]}");
	want_interest(b->catalog, "{\"event\":[\"*\"],\"recipients\":-4}", 1,
	    "{\"event\":[\"*\"]}");
	want_interest(b->catalog, "{\"event\":[\"*\"],\"recipients\":\"2\"}",
	    1, "{\"event\":[\"*\"]}");
	buf_puts(&many, "{\"event\":[\"*\"],\"mail\":{\"to\":[1");
	for (int i = 0; i < 300; i++)
		buf_puts(&many, ",1");
	buf_puts(&many, "]}}");
	want_interest(b->catalog, buf_str(&many), TASK_RECIPIENTS_MAX,
	    "{\"event\":[\"*\"],\"recipients\":32}");
	buf_free(&many);
}

static void
each_subscription_has_a_signing_secret_of_its_own(void **state)
{
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL), one, two;
	struct buf s1 = BUF_INIT(256), s2 = BUF_INIT(256), text = BUF_INIT(256);
	const struct subscription *s;
	const struct sign_key *keys;
	const struct roster *r;

	one = bench_subscription(b, client, UNIT_TASK);
	two = bench_subscription(b, client, UNIT_TASK);
	bench_secret(b, one, &s1);
	bench_secret(b, two, &s2);
	want_i64((int64_t)s1.len, 6 + 44, "whsec_ and 32 bytes of base64");
	want_i64(strncmp(buf_str(&s1), "whsec_", 6), 0, "prefix");
	assert_string_not_equal(buf_str(&s1), buf_str(&s2));
	r = bench_roster(b->rosters);
	s = roster_subscription(r, one);
	want_i64((int64_t)subscription_keys(s, 0, &keys), 1, "keys");
	sign_key_put(keys[0], &text);
	want_str(buf_str(&text), buf_str(&s1), "the roster's");
	roster_release(r);
	buf_free(&s1);
	buf_free(&s2);
	buf_free(&text);
}

static void
every_fault_of_a_task_is_told_on_a_line_with_its_place(void **state)
{
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL), n;

	want_rc(subscription_add(&b->config, client, SLICE("{\"event\":"
	    "[\"OrderTicketd\"],\"httpReqest\":{}}"), NULL, 0, &n, &b->why),
	    RC_INVALID, "task");
	assert_non_null(strstr(buf_str(&b->why), "/event/0: "));
	assert_non_null(strstr(buf_str(&b->why), "OrderTicketed"));
	assert_non_null(strstr(buf_str(&b->why), "\n"));
	assert_non_null(strstr(buf_str(&b->why), "/httpReqest: "));
	buf_clear(&b->why);
	want_rc(subscription_add(&b->config, client + 1, SLICE(UNIT_TASK),
	    NULL, 0, &n, &b->why), RC_NOTFOUND, "no such client");
	want_str(buf_str(&b->why), "there is no such client", "why");
}

#define FAILING_TASK "{\"event\":[\"OrderTicketed\","			\
	"\"skycap.subscription.failing\"],\"httpRequest\":{"		\
	"\"url\":\"https://a.example/x\"}}"

static void
only_a_client_that_sees_all_may_have_the_services_own_events(void **state)
{
	struct bench *b = *state;
	uint32_t scoped = bench_client(b, "agency=Wander"), n;
	const char *why = "/event: events of the service itself are for "
	    "clients that see everything (--all)";

	bench_subscription(b, bench_client(b, NULL), FAILING_TASK);
	want_rc(subscription_add(&b->config, scoped, SLICE(FAILING_TASK),
	    NULL, 0, &n, &b->why), RC_INVALID, "a scoped one's");
	want_str(buf_str(&b->why), why, "why");
	n = bench_subscription(b, scoped, UNIT_TASK);
	buf_clear(&b->why);
	want_rc(subscription_edit(&b->config, n, 1, SLICE(FAILING_TASK),
	    &b->why), RC_INVALID, "a scoped one's edit");
	want_str(buf_str(&b->why), why, "why of the edit");
}

static void
a_mask_that_is_left_in_an_edit_keeps_the_secret(void **state)
{
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL), n;
	struct buf masked = BUF_INIT(65536), was = BUF_INIT(65536);
	struct buf is = BUF_INIT(65536);
	char *at;

	n = bench_subscription(b, client, SECRETS_TASK);
	print_task(b, n, false, &was);
	print_task(b, n, true, &masked);
	assert_null(strstr(buf_str(&masked), "YourPassword"));
	assert_null(strstr(buf_str(&masked), "tokentoken"));
	assert_non_null(strstr(buf_str(&masked), "visible"));
	want_rc(subscription_edit(&b->config, n, 1, buf_as_slice(&masked),
	    &b->why), RC_OK, "edit: %s", buf_str(&b->why));
	print_task(b, n, false, &is);
	want_str(buf_str(&is), buf_str(&was), "left as it was");

	at = strstr(masked.s, "visible");	/* change something else */
	memcpy(at, "another", 7);
	want_rc(subscription_edit(&b->config, n, 2, buf_as_slice(&masked),
	    &b->why), RC_OK, "edit: %s", buf_str(&b->why));
	print_task(b, n, false, &is);
	assert_non_null(strstr(buf_str(&is), "another"));
	assert_non_null(strstr(buf_str(&is), "Basic YourPassword"));
	assert_non_null(strstr(buf_str(&is), "token=tokentoken"));

	buf_clear(&b->why);			/* nothing to keep for it */
	want_rc(subscription_edit(&b->config, n, 3, SLICE("{\"event\":"
	    "[\"OrderTicketed\"],\"httpRequest\":{\"url\":"
	    "\"https://a.example/\",\"header\":{\"x-new\":"
	    "{\"secret\":true}}}}"), &b->why), RC_INVALID, "a mask of none");
	print_task(b, n, false, &was);
	want_str(buf_str(&was), buf_str(&is), "after a refused edit");
	buf_free(&masked);
	buf_free(&was);
	buf_free(&is);
}

static void
an_edit_keeps_the_rest_and_refuses_an_older_version(void **state)
{
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL), n;
	struct buf s1 = BUF_INIT(256), s2 = BUF_INIT(256);
	const struct subscription *s;
	const struct roster *r;

	n = bench_subscription(b, client, UNIT_TASK);
	bench_secret(b, n, &s1);
	want_rc(subscription_set_state(&b->config, n, SUBSCRIPTION_PAUSED, "",
	    &b->why), RC_OK, "pause");
	want_rc(subscription_edit(&b->config, n, 1, SLICE(SECRETS_TASK),
	    &b->why), RC_STALE, "version 1 of 2");
	want_rc(subscription_edit(&b->config, n, 2, SLICE(SECRETS_TASK),
	    &b->why), RC_OK, "version 2");
	r = bench_roster(b->rosters);
	s = roster_subscription(r, n);
	want_i64(subscription_state(s), SUBSCRIPTION_PAUSED, "state");
	want_i64((int64_t)s->version, 3, "version");
	want_str(task_name(subscription_task(s)), "S", "name");
	roster_release(r);
	bench_secret(b, n, &s2);
	want_str(buf_str(&s2), buf_str(&s1), "secret");
	want_rc(subscription_edit(&b->config, 99, 1, SLICE(UNIT_TASK),
	    &b->why), RC_NOTFOUND, "none");
	buf_free(&s1);
	buf_free(&s2);
}

static void
a_state_that_is_there_already_is_no_change(void **state)
{
	static const struct {
		enum subscription_state state;
		const char *reason;
		int version;
	} t[] = {
		{ SUBSCRIPTION_ACTIVE, "", 1 }, { SUBSCRIPTION_PAUSED, "", 2 },
		{ SUBSCRIPTION_PAUSED, "", 2 },
		{ SUBSCRIPTION_DISABLED, "gone", 3 },
		{ SUBSCRIPTION_DISABLED, "gone", 3 },
		{ SUBSCRIPTION_DISABLED, "failing", 4 },
		{ SUBSCRIPTION_ACTIVE, "", 5 },
	};
	struct bench *b = *state;
	uint32_t n = bench_subscription(b, bench_client(b, NULL), UNIT_TASK);

	for (size_t i = 0; i < NELEM(t); i++) {
		const struct subscription *s;
		const struct roster *r;

		want_rc(subscription_set_state(&b->config, n, t[i].state,
		    t[i].reason, &b->why), RC_OK, "step %zu", i);
		r = bench_roster(b->rosters);
		s = roster_subscription(r, n);
		want_i64(subscription_state(s), t[i].state, "state, step %zu",
		    i);
		want_str(subscription_reason(s), t[i].reason,
		    "reason, step %zu", i);
		want_i64((int64_t)s->version, t[i].version, "version, step %zu",
		    i);
		roster_release(r);
	}
	want_rc(subscription_set_state(&b->config, 99, SUBSCRIPTION_ACTIVE,
	    "", &b->why), RC_NOTFOUND, "none");
}

struct seen {
	int64_t	 since_ms, updated_ms;
	uint64_t drop_upto, version;
	enum subscription_state state;
};

static struct seen
see(struct bench *b, uint32_t number)
{
	const struct roster *r = bench_roster(b->rosters);
	const struct subscription *s = roster_subscription(r, number);
	struct seen n = { subscription_since_ms(s), s->updated_ms,
	    subscription_drop_upto(s), s->version, subscription_state(s) };

	roster_release(r);
	return n;
}

static void
since_is_when_the_state_was_set_and_survives_an_edit(void **state)
{
	const struct timespec tick = { 0, 3 * 1000 * 1000 };
	struct bench *b = *state;
	int64_t before = clock_now_ms();
	uint32_t n = bench_subscription(b, bench_client(b, NULL), UNIT_TASK);
	struct seen made = see(b, n), paused, edited, again;

	assert_true(made.since_ms >= before);
	assert_true(made.since_ms <= clock_now_ms());
	nanosleep(&tick, NULL);
	want_rc(subscription_set_state(&b->config, n, SUBSCRIPTION_PAUSED, "",
	    &b->why), RC_OK, "pause");
	paused = see(b, n);
	assert_true(paused.since_ms > made.since_ms);
	nanosleep(&tick, NULL);
	want_rc(subscription_edit(&b->config, n, paused.version,
	    SLICE(UNIT_TASK), &b->why), RC_OK, "edit");
	edited = see(b, n);
	assert_true(edited.updated_ms > paused.since_ms);
	want_i64(edited.since_ms, paused.since_ms, "since, after an edit");
	want_rc(subscription_set_state(&b->config, n, SUBSCRIPTION_PAUSED, "",
	    &b->why), RC_OK, "pause again");
	again = see(b, n);
	want_i64(again.since_ms, paused.since_ms, "since, paused twice");
	want_i64((int64_t)again.version, (int64_t)edited.version, "version");
}

/* As records were written before: the best guess is their last change. */
static void
a_record_that_does_not_say_since_when_knows_its_last_change(void **state)
{
	struct bench *b = *state;
	uint32_t n = bench_subscription(b, bench_client(b, NULL), UNIT_TASK);
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	struct seen old;

	want_rc(store_record_get(b->st, STORE_SUBSCRIPTION, n, 0, &rec),
	    RC_OK, "get");
	want_rc(subscription_record_read(&s, rec.body), RC_OK, "read");
	assert_true(s.since_ms != 0);
	s.since_ms = 0;
	subscription_record_write(&s, &body);
	want_rc(store_record_put(b->st, STORE_SUBSCRIPTION, &n, &rec.version,
	    buf_as_slice(&body)), RC_OK, "put");
	old = see(b, n);
	want_i64(old.since_ms, old.updated_ms, "since");
	want_i64((int64_t)old.drop_upto, 0, "dropped");
	buf_free(&s.text);
	buf_free(&body);
	store_record_clear(&rec);
}

static void
what_was_held_is_dropped_up_to_the_newest_event(void **state)
{
	struct bench *b = *state;
	uint32_t n = bench_subscription(b, bench_client(b, NULL), UNIT_TASK);
	struct seen now;

	(void)event_to(b->st, n);
	want_rc(subscription_drop(&b->config, n, &b->why), RC_EXISTS,
	    "nothing is held by an active one");
	want_i64((int64_t)see(b, n).drop_upto, 0, "dropped");
	want_rc(subscription_set_state(&b->config, n, SUBSCRIPTION_DISABLED,
	    "gone", &b->why), RC_OK, "disable");
	(void)event_to(b->st, n);
	want_rc(subscription_drop(&b->config, n, &b->why), RC_OK, "drop");
	now = see(b, n);
	want_i64(now.state, SUBSCRIPTION_ACTIVE, "state");
	want_i64((int64_t)now.drop_upto, 2, "dropped");
	/* what comes later is no business of it, nor is a later resume */
	(void)event_to(b->st, n);
	want_rc(subscription_set_state(&b->config, n, SUBSCRIPTION_PAUSED, "",
	    &b->why), RC_OK, "pause");
	want_rc(subscription_set_state(&b->config, n, SUBSCRIPTION_ACTIVE, "",
	    &b->why), RC_OK, "resume");
	want_i64((int64_t)see(b, n).drop_upto, 2, "still");
	want_rc(subscription_drop(&b->config, 99, &b->why), RC_NOTFOUND,
	    "none");
}

static void
a_client_with_belongings_goes_only_with_them(void **state)
{
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL), other = bench_client(b, NULL);
	uint32_t sub = bench_subscription(b, client, UNIT_TASK);
	uint32_t theirs = bench_subscription(b, other, UNIT_TASK);
	struct buf token = BUF_INIT(128);
	uint32_t key = bench_key(b, KEY_CLIENT, client, &token);
	uint32_t publish = bench_key(b, KEY_PUBLISH, 0, &token);
	const struct roster *r;

	buf_clear(&b->why);
	want_rc(client_remove(&b->config, client, false, &b->why), RC_EXISTS,
	    "not alone");
	want_str(buf_str(&b->why), "the client still has 1 subscription and "
	    "1 key", "why");
	r = bench_roster(b->rosters);
	assert_non_null(roster_subscription(r, sub));
	roster_release(r);
	want_rc(client_remove(&b->config, client, true, &b->why), RC_OK,
	    "with all");
	r = bench_roster(b->rosters);
	assert_null(roster_client(r, client));
	assert_null(roster_subscription(r, sub));
	assert_null(roster_key(r, key));
	assert_non_null(roster_client(r, other));
	assert_non_null(roster_subscription(r, theirs));
	assert_non_null(roster_key(r, publish));
	roster_release(r);
	want_rc(client_remove(&b->config, client, true, &b->why), RC_NOTFOUND,
	    "twice");
	buf_free(&token);
}

static void
a_key_is_shown_once_and_kept_as_a_hash(void **state)
{
	static const struct {
		enum key_kind kind;
		const char *name;
	} t[] = {
		{ KEY_PUBLISH, "publish" }, { KEY_OPERATOR, "operator" },
		{ KEY_CLIENT, "client" }, { KEY_SWEEP, "sweep" },
	};
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf token = BUF_INIT(128), got = BUF_INIT(4096);
		uint32_t n = bench_key(b, t[i].kind, client, &token);
		struct store_record rec = STORE_RECORD_INIT;
		const struct roster *r = bench_roster(b->rosters);
		const struct apikey *k = roster_key_by_token(r,
		    buf_as_slice(&token));
		size_t skip = strlen(t[i].name);

		want_i64(strncmp(buf_str(&token), t[i].name, skip), 0, "%s",
		    buf_str(&token));
		assert_non_null(k);
		want_i64(k->number, n, "number");
		want_i64(k->kind, t[i].kind, "kind");
		assert_true((k->client != NULL) == (t[i].kind == KEY_CLIENT));
		apikey_print(b->st, k, &got);
		want_rc(store_record_get(b->st, STORE_KEY, n, 0, &rec), RC_OK,
		    "record");
		assert_null(memmem(rec.raw.s, rec.raw.len, token.s + skip + 1,
		    token.len - skip - 1));
		assert_null(strstr(buf_str(&got), token.s + skip + 1));
		store_record_clear(&rec);
		roster_release(r);
		buf_free(&token);
		buf_free(&got);
	}
}

static void
a_key_of_no_client_or_with_a_bad_name_is_not_made(void **state)
{
	struct bench *b = *state;
	struct buf token = BUF_INIT(128);
	uint32_t n;

	want_rc(apikey_add(&b->config, KEY_CLIENT, 7, "", &n, &token,
	    &b->why), RC_NOTFOUND, "no client");
	want_rc(apikey_add(&b->config, KEY_PUBLISH, 0, "a\x1b[2J", &n, &token,
	    &b->why), RC_INVALID, "control characters");
	want_i64((int64_t)token.len, 0, "a key all the same");
	buf_free(&token);
}

static void
a_subscription_is_listed_with_its_secrets_masked(void **state)
{
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL);
	uint32_t n = bench_subscription(b, client, SECRETS_TASK);
	const struct roster *r = bench_roster(b->rosters);
	struct buf got = BUF_INIT(65536), want = BUF_INIT(4096);
	char sub[ID_MAX], cli[ID_MAX];

	store_record_id(b->st, STORE_SUBSCRIPTION, n, sub);
	store_record_id(b->st, STORE_CLIENT, client, cli);
	subscription_print(b->st, roster_subscription(r, n), true, &got);
	buf_printf(&want, "{\"id\":\"%s\",\"client\":\"%s\",\"state\":"
	    "\"active\",\"reason\":\"\",\"version\":1,\"createdAt\":\"", sub,
	    cli);
	want_i64(strncmp(buf_str(&got), buf_str(&want), want.len), 0, "%s",
	    buf_str(&got));
	assert_non_null(strstr(buf_str(&got), ",\"name\":\"S\",\"event\":"
	    "[\"OrderTicketed\"],\"httpRequest\":{\"url\":"
	    "\"https://a.example/?token=\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"
	    "\xe2\x80\xa2oken\",\"header\":{\"authorization\":"
	    "{\"secret\":true},\"x-shown\":"));
	assert_null(strstr(buf_str(&got), "YourPassword"));
	roster_release(r);
	buf_free(&got);
	buf_free(&want);
}

static void
a_record_that_is_none_is_refused(void **state)
{
	static const char *const t[] = { "", "[]", "{}", "{\"client\":1}",
	    "{\"client\":1,\"state\":\"active\",\"reason\":\"\","
	    "\"task\":\"x\"}", "{\"client\":1,\"state\":3,\"reason\":\"\","
	    "\"task\":\"x\",\"secrets\":\"y\"}" };
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_rc(subscription_record_read(&s, slice_of(t[i])),
		    RC_INVALID, "%s", t[i]);
	want_rc(subscription_record_read(&s, SLICE("{\"client\":7,\"state\":"
	    "\"paused\",\"reason\":\"r\",\"task\":\"x\",\"secrets\":\"y\"}")),
	    RC_OK, "a sound one");
	want_i64(s.client, 7, "client");
	want_slice(s.reason, SLICE("r"), "reason");
	want_slice(s.task, SLICE("x"), "task");
	want_slice(s.secrets, SLICE("y"), "secrets");
	buf_free(&s.text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_make, bench_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_client_needs_a_name_and_a_scope_or_all),
	    TEST(a_client_is_kept_as_it_was_given),
	    TEST(secrets_are_sealed_in_the_record),
	    TEST(what_it_is_matched_by_stands_open_in_the_record),
	    TEST(how_many_a_mail_goes_to_stands_open_and_who_they_are_does_not),
	    TEST(each_subscription_has_a_signing_secret_of_its_own),
	    TEST(every_fault_of_a_task_is_told_on_a_line_with_its_place),
	    TEST(only_a_client_that_sees_all_may_have_the_services_own_events),
	    TEST(a_mask_that_is_left_in_an_edit_keeps_the_secret),
	    TEST(an_edit_keeps_the_rest_and_refuses_an_older_version),
	    TEST(a_state_that_is_there_already_is_no_change),
	    TEST(since_is_when_the_state_was_set_and_survives_an_edit),
	    TEST(a_record_that_does_not_say_since_when_knows_its_last_change),
	    TEST(what_was_held_is_dropped_up_to_the_newest_event),
	    TEST(a_client_with_belongings_goes_only_with_them),
	    TEST(a_key_is_shown_once_and_kept_as_a_hash),
	    TEST(a_key_of_no_client_or_with_a_bad_name_is_not_made),
	    TEST(a_subscription_is_listed_with_its_secrets_masked),
	    cmocka_unit_test(a_record_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
