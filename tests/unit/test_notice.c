#include "work/listing.h"
#include "work/operational.h"
#include "work/query.h"
#include "work/user.h"
#include "unit_work.h"

#define HOUR_MS	INT64_C(3600000)
#define DAY_MS	(24 * HOUR_MS)
#define BEGUN	INT64_C(1763892000000)	/* 2025-11-23 10:00 UTC */

static void
each_stage_is_due_after_its_time_and_its_failures(void **state)
{
	static const struct {
		uint32_t	 failures;
		int64_t		 lasted_ms;
		enum notice_stage want;
	} t[] = {
		{ 1, 9 * DAY_MS, NOTICE_NOTHING },
		{ 4, 9 * DAY_MS, NOTICE_NOTHING },
		{ 5, 0, NOTICE_FAILING },
		{ 5, NOTICE_FIRST_MS - 1, NOTICE_FAILING },
		{ 5, NOTICE_FIRST_MS, NOTICE_FIRST },
		{ 9, 9 * DAY_MS, NOTICE_FIRST },
		{ 500, 60 * HOUR_MS - 1, NOTICE_FIRST },
		{ 10, 60 * HOUR_MS, NOTICE_HALFWAY },
		{ 19, 9 * DAY_MS, NOTICE_HALFWAY },
		{ 20, 5 * DAY_MS - 1, NOTICE_HALFWAY },
		{ 20, 5 * DAY_MS, NOTICE_DISABLE },
		{ UINT32_MAX, 900 * DAY_MS, NOTICE_DISABLE },
		{ 500, -DAY_MS, NOTICE_FAILING },	/* set back */
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct store_health h = { .failures = t[i].failures,
		    .first_failure_ms = BEGUN,
		    .last_failure_ms = BEGUN + t[i].lasted_ms };

		want_i64(notice_stage(&h, BEGUN), t[i].want,
		    "stage after %u in %" PRId64 " s", t[i].failures,
		    t[i].lasted_ms / 1000);
	}
	want_i64(notice_stage(&(struct store_health){ .failures = 0,
	    .last_failure_ms = BEGUN }, 0), NOTICE_NOTHING, "after a success");
}

static void
what_a_person_changes_begins_it_anew(void **state)
{
	struct subscription s = { .updated_ms = 7 };
	struct store_health h = { .failures = 3, .first_failure_ms = 9 };

	(void)state;
	want_i64(notice_since_ms(&h, &s), 9, "changed before");
	s.updated_ms = 12;
	want_i64(notice_since_ms(&h, &s), 12, "changed since");
	want_i64(notice_since_ms(&h, NULL), 9, "not known");
	h.failures = 0;
	want_i64(notice_since_ms(&h, &s), 0, "it does not fail");
}

static void
add_user(struct bench *b, const char *login)
{
	char password[64];

	want_rc(user_add(&b->config, login, password, sizeof password,
	    &b->why), RC_OK, "%s", login);
}

static void
it_goes_to_the_client_or_an_operator_or_where_mail_comes_from(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char	*mail, *login, *from, *want;
	} t[] = {
		{ "", NULL, "", NULL },
		{ "", NULL, "Skycap", NULL },
		{ "", NULL, "sky@a.example", "sky@a.example" },
		{ "", NULL, "Sky <sky@a.example>", "sky@a.example" },
		{ "", NULL, "sky@a.example>", NULL },
		{ "", NULL, "<sky@a.example", NULL },
		{ "", "admin", "sky@a.example", "sky@a.example" },
		{ "", "ops@a.example", "sky@a.example", "ops@a.example" },
		{ "", "too@a.example", "", "ops@a.example" },
		{ "me@b.example", NULL, "sky@a.example", "me@b.example" },
		{ "a@b@c.example", NULL, "", "ops@a.example" },
		{ "me@b.example\r\nTo: x@y.z", NULL, "", "ops@a.example" },
		{ "me@b.example,x@y.z", NULL, "", "ops@a.example" },
		{ "@b.example", NULL, "", "ops@a.example" },
		{ "me@", NULL, "", "ops@a.example" },
	};
	struct buf got = BUF_INIT(512);
	struct conf conf = { .path = "" };

	for (size_t i = 0; i < NELEM(t); i++) {
		if (t[i].login != NULL)
			add_user(b, t[i].login);
		buf_clear(&got);
		snprintf(conf.mail_from, sizeof conf.mail_from, "%s",
		    t[i].from);
		want_rc(notice_address(&b->config, &conf, t[i].mail, &got),
		    t[i].want == NULL ? RC_NOTFOUND : RC_OK, "%s, %s",
		    t[i].mail, t[i].from);
		want_str(buf_str(&got), t[i].want == NULL ? "" : t[i].want,
		    "%s, %s", t[i].mail, t[i].from);
	}
	buf_free(&got);
}

static const char facts[] =
    "Subscription: To the back office, sub_1\n"
    "Client:       Wander\n"
    "Sent to:      https://a.example/{{agwID}}\n"
    "Oldest event: OrderTicketed of AGW-1, accepted 2025-11-23 09:59 UTC\n"
    "Came back:    Answered 503, at 2025-11-23 12:35 UTC\n";

static void
each_stage_says_what_happened_what_came_back_and_what_to_do(void **state)
{
	static const struct {
		enum notice_stage stage;
		const char	*reason, *site, *subject, *opening, *end;
	} t[] = {
		{ NOTICE_FIRST, "http", "https://s.example",
		    "To the back office: failing since 2025-11-23 10:00 UTC",
		    "To the back office is not being reached: 5 attempts in a "
		    "row to deliver to it have failed,\nthe first at "
		    "2025-11-23 10:00 UTC.\n"
		    "The last success was at 2025-11-23 09:58 UTC.\n\n",
		    "Look here:    https://s.example/admin/deliveries/msg_1\n\n"
		    "We go on trying; nothing to do if it will be back.  What "
		    "waits is sent after the\nfirst success.  Without one it "
		    "is disabled, at the earliest on\n2025-11-28 10:00 UTC.  "
		    "You hear of this again half way there, and then; not\n"
		    "for every event.\n" },
		{ NOTICE_HALFWAY, "http", "",
		    "To the back office: still failing, disabled on "
		    "2025-11-28 10:00 UTC",
		    "To the back office is still not being reached: 5 attempts "
		    "in a row to deliver to it have failed,\nthe first at "
		    "2025-11-23 10:00 UTC.\n"
		    "The last success was at 2025-11-23 09:58 UTC.\n\n",
		    "To look, run: skycap show msg_1\n\n"
		    "Without one success it is disabled, at the earliest on "
		    "2025-11-28 10:00 UTC.\nWhat it is due is held then, for "
		    "30 days at most.  Deliveries whose attempts are\nused up "
		    "before that are not tried again by themselves; they stay "
		    "on record.\n" },
		{ NOTICE_DISABLE, "failing", "https://s.example",
		    "To the back office: disabled",
		    "To the back office has been disabled: 5 attempts in a "
		    "row to deliver to it have failed,\nthe first at "
		    "2025-11-23 10:00 UTC.\n"
		    "The last success was at 2025-11-23 09:58 UTC.\n\n",
		    "Look here:    https://s.example/admin/deliveries/msg_1\n\n"
		    "What it is due is held, for 30 days at most.\nWhen the "
		    "endpoint is back, resume it, and what is held is sent:\n"
		    "  https://s.example/admin/subscriptions/sub_1\n" },
		{ NOTICE_DISABLE, "gone", "", "To the back office: disabled",
		    "To the back office has been disabled: the endpoint said "
		    "that it is gone for good.\n\n",
		    "To look, run: skycap show msg_1\n\n"
		    "What it is due is held, for 30 days at most.\nIf it is "
		    "to go on, correct what is wrong, resume it, and what is "
		    "held is sent:\n"
		    "  skycap subscription resume sub_1\n" },
		{ NOTICE_DISABLE, "no_service", "",
		    "To the back office: disabled",
		    "To the back office has been disabled: no_service.\n\n",
		    "To look, run: skycap show msg_1\n\n"
		    "What it is due is held, for 30 days at most.\nIf it is "
		    "to go on, correct what is wrong, resume it, and what is "
		    "held is sent:\n"
		    "  skycap subscription resume sub_1\n" },
	};
	const struct store_health h = { .failures = 5,
	    .first_failure_ms = BEGUN, .last_success_ms = BEGUN - 120000 };
	struct notice_event e = NOTICE_EVENT_INIT;
	struct notice n = { .id = SLICE("sub_1"),
	    .name = SLICE("To the back office"), .client = SLICE("Wander"),
	    .target = SLICE("https://a.example/{{agwID}}"), .health = &h,
	    .since_ms = BEGUN, .event = &e, .held_days = 30 };
	struct buf got = BUF_INIT(65536), want = BUF_INIT(65536);

	(void)state;
	snprintf(e.delivery, sizeof e.delivery, "msg_1");
	snprintf(e.type, sizeof e.type, "OrderTicketed");
	e.accepted_ms = BEGUN - 60000;
	buf_puts(&e.agwid, "AGW-1");
	e.attempt.number = 5;
	e.attempt.status = 503;
	e.attempt.at_ms = BEGUN + 155 * 60000;
	e.attempt.sentence = SLICE("Answered 503");
	for (size_t i = 0; i < NELEM(t); i++) {
		n.stage = t[i].stage;
		n.reason = t[i].reason;
		n.site_url = t[i].site;
		buf_clear(&got);
		notice_subject(&n, &got);
		want_str(buf_str(&got), t[i].subject, "subject %zu", i);
		buf_clear(&got);
		notice_text(&n, &got);
		buf_clear(&want);
		buf_printf(&want, "%s%s%s", t[i].opening, facts, t[i].end);
		want_str(buf_str(&got), buf_str(&want), "text %zu", i);
	}
	buf_free(&want);
	buf_free(&got);
	notice_event_clear(&e);
}

/* Names, ids of orders and sentences are written by others. */
static void
a_line_break_that_others_wrote_is_none(void **state)
{
	const struct store_health h = { .failures = 1,
	    .first_failure_ms = BEGUN };
	struct notice_event e = NOTICE_EVENT_INIT;
	struct notice n = { .stage = NOTICE_FIRST, .reason = "",
	    .id = SLICE("sub_1"), .name = SLICE("A\r\nBcc: x@y.z"),
	    .client = SLICE("B\nC"), .target = SLICE("D\nE"), .health = &h,
	    .since_ms = BEGUN, .event = &e, .site_url = "" };
	struct buf got = BUF_INIT(65536);
	size_t lines = 0, without = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		buf_clear(&e.agwid);
		buf_puts(&e.agwid, i == 0 ? "F\nG\x7fH" : "F G H");
		e.attempt.number = 1;
		e.attempt.sentence = i == 0 ? SLICE("H\nI") : SLICE("H I");
		buf_clear(&got);
		notice_text(&n, &got);
		without = lines;
		lines = 0;
		for (const char *p = buf_str(&got); *p != '\0'; p++)
			lines += *p == '\n';
		n.name = SLICE("A");
		n.client = SLICE("B C");
		n.target = SLICE("D E");
	}
	want_i64((int64_t)without, (int64_t)lines, "lines");
	n.name = SLICE("A\r\nBcc: x@y.z");
	buf_clear(&got);
	notice_subject(&n, &got);
	want_str(buf_str(&got),
	    "A  Bcc: x@y.z: failing since 2025-11-23 10:00 UTC", "subject");
	buf_free(&got);
	notice_event_clear(&e);
}

/* One that fails, its event, and who is to hear of it. */
struct story {
	struct bench	*b;
	uint32_t	 client, sub;
	struct conf	 conf;
	struct operational_ask ask;
};

static void
tell(struct story *y, struct bench *b, const char *mail)
{
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .order = SLICE("{\"agwID\":\"A-1\"}"), .nsubscription = 1 };

	*y = (struct story){ .b = b };
	want_rc(client_add(&b->config, "Wander", mail, true, NULL, 0,
	    &y->client, &b->why), RC_OK, "client");
	y->sub = bench_subscription(b, y->client, UNIT_TASK);
	want_rc(store_generation(b->st, &a.generation), RC_OK, "generation");
	a.subscription = &y->sub;
	want_rc(store_accept(b->st, &a, 1), RC_OK, "accept");
	want_rc(a.rc, RC_OK, "event");
	snprintf(y->conf.mail_url, sizeof y->conf.mail_url,
	    "smtp://127.0.0.1:1");
	y->ask = (struct operational_ask){ OPERATIONAL_WARNING, y->sub,
	    { .failures = 5, .first_failure_ms = BEGUN,
	    .last_failure_ms = BEGUN + NOTICE_FIRST_MS }, "http",
	    BEGUN + NOTICE_FIRST_MS, BEGUN, NOTICE_FIRST,
	    { a.position, y->sub, 0 }, &y->conf };
}

static bool
post(struct story *y)
{
	bool any = false;

	want_rc(operational_post(&y->b->config, y->b->rosters, &y->ask, &any),
	    RC_OK, "post");
	return any;
}

static void
never(void *arg, bool problem, const char *text)
{
	(void)arg;
	if (problem)
		fail_msg("%s", text);
}

/* No other subscription asks for it. */
static void
a_warning_is_a_delivery_of_the_notices_and_listed_as_one(void **state)
{
	struct bench *b = *state;
	struct store_event ev = STORE_EVENT_INIT;
	struct buf out = BUF_INIT(65536);
	struct order o = ORDER_INIT;
	const struct roster *r;
	struct store_delivery d;
	struct json_error err;
	struct query q = { .nref = 0 };
	uint64_t problems = 1;
	char id[ID_MAX];
	struct story y;

	tell(&y, b, "me@b.example");
	want_i64(post(&y), true, "somebody");
	want_rc(store_event_get(b->st, 2, &ev), RC_OK, "event");
	want_slice(ev.subscriptions, SLICE("\xff\xff\xff\xf0"), "for");
	want_rc(order_read(&o, b->catalog, ev.order, &err), RC_OK, "%s",
	    err.detail);
	store_delivery_id(b->st, y.ask.oldest, id);
	buf_printf(&out, ",\"eventType\":\"OrderTicketed\",\"agwID\":"
	    "\"A-1\",\"delivery\":\"%s\",\"lastStatus\":null,"
	    "\"lastWord\":null,\"lastSentence\":null,\"link\":null,"
	    "\"command\":\"skycap show %s\",\"mailTo\":\"me@b.example\",", id,
	    id);
	assert_non_null(memmem(ev.order.s, ev.order.len, out.s, out.len));
	want_rc(store_delivery_get(b->st, (struct store_key){ 2, NOTICE_LANE,
	    0 }, &d), RC_OK, "delivery");
	r = bench_roster(b->rosters);
	buf_clear(&out);
	delivery_print(b->st, r, &ev, &o, &d, &out);
	assert_non_null(strstr(buf_str(&out),
	    "\"subscription\":\"notices\",\"client\":null,"
	    "\"agwID\":\"A-1\","));
	want_i64(roster_subscription(r, NOTICE_LANE) != NULL, true, "there");
	want_i64(roster_subscription_at(r, 1) == NULL, true, "in no list");
	want_rc(query_set(&q, &b->config, 0, SLICE("subscription"),
	    SLICE("Notices"), &b->why), RC_OK, "query");
	want_i64(q.subscription, NOTICE_LANE, "queried by name");
	want_rc(subscription_set_state(&b->config, NOTICE_LANE,
	    SUBSCRIPTION_PAUSED, "", &b->why), RC_NOTFOUND, "paused");
	want_rc(store_verify(b->st, false, never, NULL, &problems), RC_OK,
	    "verify");
	want_i64((int64_t)problems, 0, "problems");
	roster_release(r);
	order_free(&o);
	store_event_clear(&ev);
	buf_free(&out);
}

static void
nobody_is_mailed_without_a_server_or_an_address(void **state)
{
	struct bench *b = *state;
	struct store_condition c;
	struct story y;

	tell(&y, b, "");
	want_i64(post(&y), false, "anybody with an address");
	snprintf(y.conf.mail_from, sizeof y.conf.mail_from, "s@a.example");
	y.conf.mail_url[0] = '\0';
	want_i64(post(&y), false, "anybody without a server");
	want_rc(store_condition(b->st, &c), RC_OK, "condition");
	want_i64((int64_t)c.position, 1, "events");
	snprintf(y.conf.mail_url, sizeof y.conf.mail_url, "smtp://a.example");
	want_i64(post(&y), true, "whom mail comes from");
}

/* It is spoken of to operators only. */
static void
a_failing_and_a_recovery_are_not_mailed(void **state)
{
	struct bench *b = *state;
	struct story y;

	tell(&y, b, "me@b.example");
	y.ask.what = OPERATIONAL_FAILING;
	want_i64(post(&y), false, "failing");
	y.ask.what = OPERATIONAL_RECOVERED;
	want_i64(post(&y), false, "recovered");
	y.ask.what = OPERATIONAL_DISABLED;
	want_i64(post(&y), true, "disabled");
}

/* It was purged meanwhile: what is said of the lane is said all the same. */
static void
an_event_that_is_no_more_is_left_out(void **state)
{
	struct bench *b = *state;
	struct store_event ev = STORE_EVENT_INIT;
	struct story y;

	tell(&y, b, "me@b.example");
	y.ask.oldest.position = 77;
	want_i64(post(&y), true, "somebody");
	want_rc(store_event_get(b->st, 2, &ev), RC_OK, "event");
	assert_non_null(memmem(ev.order.s, ev.order.len,
	    "\"eventId\":null,", 15));
	assert_null(memmem(ev.order.s, ev.order.len, "Oldest event", 12));
	store_event_clear(&ev);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_make, bench_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_stage_is_due_after_its_time_and_its_failures),
	    cmocka_unit_test(what_a_person_changes_begins_it_anew),
	    TEST(it_goes_to_the_client_or_an_operator_or_where_mail_comes_from),
	    cmocka_unit_test(
		each_stage_says_what_happened_what_came_back_and_what_to_do),
	    cmocka_unit_test(a_line_break_that_others_wrote_is_none),
	    TEST(a_warning_is_a_delivery_of_the_notices_and_listed_as_one),
	    TEST(nobody_is_mailed_without_a_server_or_an_address),
	    TEST(a_failing_and_a_recovery_are_not_mailed),
	    TEST(an_event_that_is_no_more_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
