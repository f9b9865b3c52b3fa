#include "base/clock.h"
#include "unit_work.h"
#include "work/listing.h"
#include "work/operational.h"

#define OPERATOR(events, more) "{\"name\":\"Ops\",\"event\":[" events "]," \
	more "\"httpRequest\":{\"url\":\"https://ops.example/x\"}}"
#define FAILING		"\"skycap.subscription.failing\""
#define WARNING		"\"skycap.subscription.warning\""
#define DISABLED	"\"skycap.subscription.disabled\""
#define RECOVERED	"\"skycap.subscription.recovered\""
#define MAIL_FAILING	"\"skycap.mail.failing\""
#define MAIL_RECOVERED	"\"skycap.mail.recovered\""
#define TARGET "{\"name\":\"To \\\"A\\\"\",\"event\":[\"OrderTicketed\"]," \
	"\"httpRequest\":{\"url\":\"https://a.example/p/{{agwID}}"	\
	"?token=tokentoken\",\"header\":{\"authorization\":"		\
	"\"Basic YourPassword\"}}}"

/* Somebody's subscription, number sub, and an operator's own client. */
struct fixture {
	struct bench	*b;
	uint32_t	 sub, operator;
	struct operational_ask ask;
	struct conf	 conf;		/* without a mail server */
	struct store_event event;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	void *b;

	assert_non_null(f);
	bench_make(&b);
	f->b = b;
	f->sub = bench_subscription(f->b, bench_client(f->b, "agency=Wander"),
	    TARGET);
	f->operator = bench_client(f->b, NULL);
	f->ask = (struct operational_ask){ OPERATIONAL_FAILING, f->sub,
	    { .failures = 5, .first_failure_ms = 1000,
	    .last_failure_ms = 61000, .last_success_ms = 500 },
	    "timeout", 62500, 1000, NOTICE_FIRST, { 0, 0, 0 }, &f->conf };
	f->event = (struct store_event)STORE_EVENT_INIT;
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	void *b = f->b;

	store_event_clear(&f->event);
	bench_remove(&b);
	free(f);
	return 0;
}

static uint64_t
newest(const struct fixture *f)
{
	struct store_condition c;

	want_rc(store_condition(f->b->st, &c), RC_OK, "condition");
	return c.position;
}

/* Post; whether somebody wants it. */
static bool
post(struct fixture *f)
{
	bool any = false;

	want_rc(operational_post(&f->b->config, f->b->rosters, &f->ask, &any),
	    RC_OK, "post");
	return any;
}

static int64_t
since_ms(const struct fixture *f)
{
	const struct roster *r = bench_roster(f->b->rosters);
	int64_t ms = subscription_since_ms(roster_subscription(r, f->sub));

	roster_release(r);
	return ms;
}

/* The newest event's subscriptions, as "2 3 ". */
static const char *
receivers(struct fixture *f, struct buf *out)
{
	struct slice s;

	buf_clear(out);
	want_rc(store_event_get(f->b->st, newest(f), &f->event), RC_OK,
	    "the newest event");
	for (s = f->event.subscriptions; s.len > 0;)
		buf_printf(out, "%u ", (unsigned)slice_be32(&s));
	return buf_str(out);
}

static void
what_nobody_wants_is_not_kept(void **state)
{
	struct fixture *f = *state;

	bench_subscription(f->b, f->operator, OPERATOR("\"*\"", ""));
	bench_subscription(f->b, f->operator, OPERATOR(RECOVERED, ""));
	want_i64(post(f), false, "anybody");
	want_i64((int64_t)newest(f), 0, "kept");
}

static void
it_says_whose_it_is_how_it_stands_and_since_when(void **state)
{
	static const struct {
		enum operational what;
		const char	*type, *reason, *last_success, *said, *state;
		const char	*end;
	} t[] = {
		{ OPERATIONAL_FAILING, "skycap.subscription.failing",
		    "timeout", "\"1970-01-01T00:00:00.500Z\"", "timeout",
		    "active", "}" },
		{ OPERATIONAL_WARNING, "skycap.subscription.warning",
		    "timeout", "\"1970-01-01T00:00:00.500Z\"", "timeout",
		    "active", ",\"stage\":\"first\",\"disablesAt\":"
		    "\"1970-01-06T00:00:01.000Z\",\"eventId\":null," },
		{ OPERATIONAL_DISABLED, "skycap.subscription.disabled",
		    "gone", "\"1970-01-01T00:00:00.500Z\"", "gone",
		    "disabled", ",\"stage\":\"disabled\",\"disablesAt\":"
		    "null,\"eventId\":null," },
		{ OPERATIONAL_RECOVERED, "skycap.subscription.recovered",
		    NULL, "\"1970-01-01T00:01:02.500Z\"", "", "active", "}" },
	};
	struct fixture *f = *state;
	struct buf want = BUF_INIT(4096);
	char sub[ID_MAX], client[ID_MAX];

	bench_subscription(f->b, f->operator,
	    OPERATOR(FAILING "," WARNING "," DISABLED "," RECOVERED, ""));
	store_record_id(f->b->st, STORE_SUBSCRIPTION, f->sub, sub);
	store_record_id(f->b->st, STORE_CLIENT, 1, client);
	for (size_t i = 0; i < NELEM(t); i++) {
		f->ask.what = t[i].what;
		f->ask.reason = t[i].reason;
		want_i64(post(f), true, "%s: anybody", t[i].type);
		want_rc(store_event_get(f->b->st, i + 1, &f->event), RC_OK,
		    "%s", t[i].type);
		want_slice(f->event.type, slice_of(t[i].type), "type");
		want_slice(f->event.occurred,
		    SLICE("1970-01-01T00:01:02.500Z"), "time");
		want_i64(f->event.key, 0, "key");
		buf_clear(&want);
		buf_printf(&want, "{\"subscription\":\"%s\","
		    "\"subscriptionName\":\"To \\\"A\\\"\",\"client\":\"%s\","
		    "\"clientName\":\"Wander\",\"state\":\"%s\","
		    "\"reason\":\"%s\",\"target\":\"https://a.example/p/"
		    "{{agwID}}?token=\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"
		    "\xe2\x80\xa2" "oken\",\"failures\":5,"
		    "\"firstFailureAt\":\"1970-01-01T00:00:01.000Z\","
		    "\"lastFailureAt\":\"1970-01-01T00:01:01.000Z\","
		    "\"lastSuccessAt\":%s,\"failingSeconds\":61%s", sub,
		    client, t[i].state, t[i].said, t[i].last_success,
		    t[i].end);
		want_i64(f->event.order.len > want.len, t[i].end[1] != '\0',
		    "%s: more", t[i].type);
		want_slice(((struct slice){ f->event.order.s, want.len }),
		    buf_as_slice(&want), "%s", t[i].type);
	}
	buf_free(&want);
}

/* Member by member, of the same type or null in one of them. */
static void
want_members(struct slice got, struct slice sample, const char *what)
{
	struct json_doc a = JSON_DOC_INIT, b = JSON_DOC_INIT;
	struct json_error err;
	uint32_t i = 1, k = 1;

	want_rc(json_scan(&a, got, &json_limits_default, &err), RC_OK,
	    "%s: %s", what, err.detail);
	want_rc(json_scan(&b, sample, &json_limits_default, &err), RC_OK,
	    "sample of %s: %s", what, err.detail);
	want_i64(a.tok[0].n, b.tok[0].n, "members of %s", what);
	for (uint32_t m = 0; m < a.tok[0].n; m++) {
		want_slice(json_raw(&a, i), json_raw(&b, k), "%s", what);
		if (a.tok[i + 1].type != JSON_NULL &&
		    b.tok[k + 1].type != JSON_NULL)
			want_i64(a.tok[i + 1].type, b.tok[k + 1].type,
			    "type of %.*s", (int)json_raw(&a, i).len,
			    json_raw(&a, i).s);
		i = a.tok[i + 1].next;
		k = b.tok[k + 1].next;
	}
	json_doc_free(&a);
	json_doc_free(&b);
}

static void
each_has_the_members_of_its_sample(void **state)
{
	struct fixture *f = *state;
	struct operational_mail_ask mail = { .url = "smtp://a.example",
	    .since_ms = 7, .waiting = 3 };
	struct buf sample = BUF_INIT(65536);
	uint64_t n = 0;
	bool any;

	bench_subscription(f->b, f->operator, OPERATOR(FAILING "," WARNING
	    "," DISABLED "," RECOVERED "," MAIL_FAILING "," MAIL_RECOVERED,
	    ""));
	for (int i = OPERATIONAL_FAILING; i <= OPERATIONAL_RECOVERED; i++) {
		f->ask.what = (enum operational)i;
		post(f);
	}
	for (int i = 0; i < 2; i++) {
		mail.what = (enum operational_mail)i;
		want_rc(operational_mail_post(&f->b->config, f->b->rosters,
		    &mail, &any), RC_OK, "post");
	}
	while (n < newest(f)) {
		want_rc(store_event_get(f->b->st, ++n, &f->event), RC_OK,
		    "event");
		buf_clear(&sample);
		catalog_sample_order(f->b->catalog, catalog_event_find(
		    f->b->catalog, f->event.type), &sample);
		want_members(f->event.order, buf_as_slice(&sample),
		    "an operational event");
	}
	want_i64((int64_t)n, 6, "types");
	buf_free(&sample);
}

/* One for each failing and each recovery, and no password. */
static void
the_mail_server_has_events_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct operational_mail_ask ask = {
		.what = OPERATIONAL_MAIL_FAILING,
		.url = "smtp://me:secret@a.example:587", .since_ms = 1000,
		.word = "login", .sentence = "The server refuses the user",
		.waiting = -1, .now_ms = 3500 };
	uint32_t sub = bench_subscription(f->b, f->operator,
	    OPERATOR(MAIL_FAILING, ""));
	struct buf got = BUF_INIT(256);
	bool any = false;

	for (int i = 0; i < 2; i++) {
		want_rc(operational_mail_post(&f->b->config, f->b->rosters,
		    &ask, &any), RC_OK, "post");
		want_i64(any, true, "anybody");
		ask.now_ms += 1000;
	}
	want_i64((int64_t)newest(f), 1, "events of one failing");
	want_i64(sub, 2, "the one there is");
	want_str(receivers(f, &got), "2 ", "who gets it");
	want_slice(f->event.order, SLICE("{\"server\":"
	    "\"smtp://a.example:587\",\"since\":"
	    "\"1970-01-01T00:00:01.000Z\",\"failingSeconds\":2,"
	    "\"word\":\"login\",\"sentence\":"
	    "\"The server refuses the user\",\"waiting\":null}"), "what");
	ask.what = OPERATIONAL_MAIL_RECOVERED;
	want_rc(operational_mail_post(&f->b->config, f->b->rosters, &ask,
	    &any), RC_OK, "post");
	want_i64(any, false, "anybody asked for its recovery");
	ask.what = OPERATIONAL_MAIL_FAILING;
	ask.since_ms++;
	want_rc(operational_mail_post(&f->b->config, f->b->rosters, &ask,
	    &any), RC_OK, "post");
	want_i64((int64_t)newest(f), 2, "events of two failings");
	buf_free(&got);
}

static void
times_that_nobody_knows_are_null(void **state)
{
	struct fixture *f = *state;

	bench_subscription(f->b, f->operator, OPERATOR(RECOVERED, ""));
	f->ask.what = OPERATIONAL_RECOVERED;
	f->ask.health = (struct store_health){ .last_failure_ms = 7 };
	want_i64(post(f), true, "anybody");
	want_rc(store_event_get(f->b->st, 1, &f->event), RC_OK, "event");
	assert_non_null(memmem(f->event.order.s, f->event.order.len,
	    SLICE("\"firstFailureAt\":null,").s, 22));
	assert_non_null(memmem(f->event.order.s, f->event.order.len,
	    SLICE("\"failingSeconds\":null}").s, 22));
}

static void
asked_again_it_is_the_same_event_whatever_has_become_of_it(void **state)
{
	struct fixture *f = *state;

	bench_subscription(f->b, f->operator,
	    OPERATOR(FAILING "," WARNING "," DISABLED "," RECOVERED, ""));
	post(f);
	f->ask.health.failures++;
	f->ask.health.last_failure_ms += 1000;
	f->ask.now_ms += 5000;
	f->ask.reason = "dns";
	want_i64(post(f), true, "anybody, again");
	want_i64((int64_t)newest(f), 1, "events");
	f->ask.health.first_failure_ms++;	/* others in a row */
	post(f);
	want_i64((int64_t)newest(f), 2, "events of two rows");

	f->ask.what = OPERATIONAL_WARNING;
	for (int i = 0; i < 2; i++) {
		f->ask.stage = NOTICE_FIRST;
		post(f);
		f->ask.stage = NOTICE_HALFWAY;
		post(f);
	}
	want_i64((int64_t)newest(f), 4, "warned of twice");

	f->ask.what = OPERATIONAL_RECOVERED;
	post(f);
	f->ask.health = (struct store_health){ .last_success_ms = 70000,
	    .last_failure_ms = f->ask.health.last_failure_ms };
	post(f);				/* as the store knows it later */
	want_i64((int64_t)newest(f), 5, "recovered once");

	f->ask.what = OPERATIONAL_DISABLED;
	post(f);
	f->ask.now_ms += 5000;
	post(f);
	want_i64((int64_t)newest(f), 6, "disabled once");
	want_rc(subscription_set_state(&f->b->config, f->sub,
	    SUBSCRIPTION_DISABLED, "gone", &f->b->why), RC_OK, "disable");
	want_i64(post(f), false, "anybody, of one that is disabled");
	want_i64((int64_t)newest(f), 6, "still once");
	while (clock_now_ms() <= since_ms(f))	/* by the clock it is told */
		continue;
	want_rc(subscription_set_state(&f->b->config, f->sub,
	    SUBSCRIPTION_ACTIVE, "", &f->b->why), RC_OK, "resume");
	post(f);
	want_i64((int64_t)newest(f), 7, "disabled twice");
}

static void
it_is_never_for_the_subscription_that_it_is_about(void **state)
{
	struct fixture *f = *state;
	struct buf got = BUF_INIT(256);
	uint32_t a = bench_subscription(f->b, f->operator,
	    OPERATOR(FAILING, ""));
	uint32_t b = bench_subscription(f->b, f->operator,
	    OPERATOR(FAILING, ""));

	f->ask.subscription = a;
	want_i64(post(f), true, "anybody");
	want_i64(b, 3, "the other one");
	want_str(receivers(f, &got), "3 ", "about 2");
	f->ask.subscription = b;
	want_i64(post(f), true, "anybody");
	want_str(receivers(f, &got), "2 ", "about 3");
	want_rc(subscription_remove(&f->b->config, a, &f->b->why), RC_OK,
	    "remove");
	f->ask.health.first_failure_ms++;
	want_i64(post(f), false, "only itself");
	want_i64((int64_t)newest(f), 2, "events");
	buf_free(&got);
}

/*
 * Two that tell of each other, and both fail for ever: what one fails at is
 * another row of the other's failures, not a new beginning of one.
 */
static void
two_that_fail_do_not_feed_each_other(void **state)
{
	struct fixture *f = *state;
	uint32_t sub[2];

	for (size_t i = 0; i < 2; i++)
		sub[i] = bench_subscription(f->b, f->operator,
		    OPERATOR(FAILING "," RECOVERED, ""));
	for (int64_t failures = 5; failures < 50; failures++) {
		f->ask.subscription = sub[failures % 2];
		f->ask.health.failures = (uint32_t)failures;
		f->ask.health.last_failure_ms += 1000;
		f->ask.now_ms += 1000;
		want_i64(post(f), true, "anybody");
	}
	want_i64((int64_t)newest(f), 2, "events");
}

static void
a_filter_reads_what_it_says(void **state)
{
	struct fixture *f = *state;
	struct buf got = BUF_INIT(256);

	bench_subscription(f->b, f->operator, OPERATOR(FAILING,
	    "\"filter\":[{\"field\":\"order.reason\",\"op\":\"=\","
	    "\"value\":\"timeout\"},{\"field\":\"order.failures\","
	    "\"op\":\">=\",\"value\":5}],"));
	bench_subscription(f->b, f->operator, OPERATOR(FAILING,
	    "\"filter\":[{\"field\":\"order.clientName\",\"op\":\"!=\","
	    "\"value\":\"Wander\"}],"));
	bench_subscription(f->b, f->operator, OPERATOR(FAILING,
	    "\"filter\":[{\"field\":\"agency\",\"op\":\"=\","
	    "\"value\":\"Wander\"}],"));
	want_i64(post(f), true, "anybody");
	want_str(receivers(f, &got), "2 ", "who wants it");
	f->ask.health.first_failure_ms++;
	f->ask.reason = "dns";
	want_i64(post(f), false, "anybody");
	buf_free(&got);
}

static void
never(void *arg, bool problem, const char *text)
{
	(void)arg;
	if (problem)
		fail_msg("%s", text);
}

static void
it_is_kept_and_listed_like_any_other_without_order_or_sender(void **state)
{
	struct fixture *f = *state;
	uint32_t sub = bench_subscription(f->b, f->operator,
	    OPERATOR(FAILING, ""));
	struct buf out = BUF_INIT(65536);
	struct order o = ORDER_INIT;
	const struct roster *r;
	struct store_delivery d;
	struct json_error err;
	uint64_t problems = 1;

	post(f);
	r = bench_roster(f->b->rosters);
	want_rc(store_event_get(f->b->st, 1, &f->event), RC_OK, "event");
	want_rc(order_read(&o, f->b->catalog, f->event.order, &err), RC_OK,
	    "%s", err.detail);
	for (int whole = 0; whole < 2; whole++) {
		buf_clear(&out);
		want_rc(event_print(f->b->st, r, &f->event, &o, whole == 1,
		    &out), RC_OK, "print");
		assert_non_null(strstr(buf_str(&out), "\"senderId\":null,"));
		assert_non_null(strstr(buf_str(&out), "\"agwID\":null,"));
		assert_null(memchr(out.s, '\0', out.len));
	}
	want_rc(store_delivery_get(f->b->st, (struct store_key){ 1, sub, 0 },
	    &d), RC_OK, "delivery");
	buf_clear(&out);
	delivery_print(f->b->st, r, &f->event, &o, &d, &out);
	assert_non_null(strstr(buf_str(&out), "\"agwID\":null,"));
	buf_clear(&out);
	order_of(&o, &out);
	want_str(buf_str(&out), "", "of which order");
	want_rc(store_verify(f->b->st, false, never, NULL, &problems), RC_OK,
	    "verify");
	want_i64((int64_t)problems, 0, "problems");
	roster_release(r);
	order_free(&o);
	buf_free(&out);
}

/* The second waits for the first, and one about another does not. */
static void
who_takes_them_in_turn_gets_them_as_they_befell_a_subscription(void **state)
{
	struct fixture *f = *state;
	uint32_t ops = bench_subscription(f->b, f->operator,
	    OPERATOR(FAILING "," RECOVERED, "\"settings\":{\"ordered\":true},"));
	uint32_t other = bench_subscription(f->b, f->operator, UNIT_TASK);
	struct store_claim c[4];
	int64_t next;
	size_t n;

	post(f);
	f->ask.what = OPERATIONAL_RECOVERED;
	post(f);
	f->ask.what = OPERATIONAL_FAILING;
	f->ask.subscription = other;
	post(f);
	want_rc(store_claim(f->b->st, ops, NULL, clock_now_ms() + 1000, c,
	    NELEM(c), &n, &next), RC_OK, "claim");
	want_i64((int64_t)n, 2, "due at once");
	want_i64((int64_t)c[0].due.key.position, 1, "the first");
	want_i64((int64_t)c[1].due.key.position, 3, "about another");
	for (size_t i = 0; i < n; i++)
		store_event_clear(&c[i].event);
}

static void
one_whose_subscription_is_no_more_is_nobodys(void **state)
{
	struct fixture *f = *state;

	bench_subscription(f->b, f->operator, OPERATOR(FAILING, ""));
	want_rc(subscription_remove(&f->b->config, f->sub, &f->b->why), RC_OK,
	    "remove");
	f->ask.now_ms++;
	roster_release(bench_roster(f->b->rosters));
	want_i64(post(f), false, "anybody");
	want_i64((int64_t)newest(f), 0, "events");
}

/* The program that posts has not seen the change yet. */
static void
a_change_that_was_not_seen_counts_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct buf got = BUF_INIT(256);

	roster_release(bench_roster(f->b->rosters));
	want_rc(subscription_set_state(&f->b->config, f->sub,
	    SUBSCRIPTION_PAUSED, "", &f->b->why), RC_OK, "pause");
	bench_subscription(f->b, f->operator, OPERATOR(FAILING, ""));
	bench_subscription(f->b, f->operator, OPERATOR(FAILING, ""));
	want_i64(post(f), true, "anybody");
	want_str(receivers(f, &got), "2 3 ", "who wants it");
	assert_non_null(memmem(f->event.order.s, f->event.order.len,
	    "\"state\":\"paused\"", 16));
	buf_free(&got);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_nobody_wants_is_not_kept),
	    TEST(it_says_whose_it_is_how_it_stands_and_since_when),
	    TEST(each_has_the_members_of_its_sample),
	    TEST(the_mail_server_has_events_of_its_own),
	    TEST(times_that_nobody_knows_are_null),
	    TEST(asked_again_it_is_the_same_event_whatever_has_become_of_it),
	    TEST(it_is_never_for_the_subscription_that_it_is_about),
	    TEST(two_that_fail_do_not_feed_each_other),
	    TEST(a_filter_reads_what_it_says),
	    TEST(it_is_kept_and_listed_like_any_other_without_order_or_sender),
	    TEST(
		who_takes_them_in_turn_gets_them_as_they_befell_a_subscription),
	    TEST(one_whose_subscription_is_no_more_is_nobodys),
	    TEST(a_change_that_was_not_seen_counts_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
