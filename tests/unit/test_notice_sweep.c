/*
 * Whole sweeps over days, with a clock that is set, against endpoints that
 * fail: what is told when, and that it ends in being disabled.
 */
#include "work/notice.h"
#include "work/operational.h"
#include "unit_clock.h"
#include "unit_site.h"

#define MINUTE_MS	INT64_C(60000)
#define HOUR_MS		(60 * MINUTE_MS)
#define DAY_MS		(24 * HOUR_MS)
#define SCHEDULE	"{\"retry_s\":[1,1,1,1,600,3600,3600,3600,3600,3600," \
	"3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600,3600," \
	"3600,3600,3600,3600,3600,3600,3600,3600,3600]}"

static int64_t begun_ms;	/* what the clock showed when it began */

static int
begin(void **state)
{
	struct site *s;

	atomic_store(&ahead_ms, 0);
	if (set_up(state) != 0)
		return -1;
	s = *state;
	snprintf(s->conf.mail_url, sizeof s->conf.mail_url,
	    "smtp://127.0.0.1:1");
	snprintf(s->conf.mail_from, sizeof s->conf.mail_from,
	    "skycap@a.example");
	begun_ms = clock_now_ms();
	return 0;
}

static int
end(void **state)
{
	atomic_store(&ahead_ms, 0);
	return tear_down(state);
}

/* A sweep that time after the beginning. */
static void
run_at(struct site *s, int64_t ms)
{
	struct sweep *sw = sweep(s);

	atomic_fetch_add(&ahead_ms, begun_ms + ms - clock_now_ms());
	want_rc(sweep_run_until_idle(sw, 1000), RC_OK, "run");
	sweep_free(sw);
}

static void
run_every(struct site *s, int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
	for (int64_t ms = from_ms; ms <= to_ms; ms += step_ms)
		run_at(s, ms);
}

/* Time passes with one attempt, of which only the store knows. */
static void
fail_at(struct site *s, uint32_t sub, uint32_t failures, int64_t ms)
{
	struct store_claim c;
	struct store_attempt a = { .attempt = 1, .status = 500,
	    .word = "http", .sentence = SLICE("Answered 500") };
	struct store_settle st = { .outcome = STORE_RETRIED, .health = -1,
	    .attempt = &a };
	int64_t next;
	size_t n;

	for (uint32_t i = 0; i < failures; i++) {
		want_rc(store_claim(s->store, sub, NULL, INT64_MAX - 1, &c, 1,
		    &n, &next), RC_OK, "claim");
		want_i64((int64_t)n, 1, "claimed");
		a.number = (uint16_t)(c.due.recorded + 1);
		a.at_ms = st.now_ms = begun_ms + ms;
		st.due = c.due;
		st.next_ms = begun_ms + ms + 1;
		st.attempts = 1;
		want_rc(store_settle(s->store, &st, 1, true), RC_OK, "settle");
		want_rc(st.rc, RC_OK, "settled");
		store_event_clear(&c.event);
	}
}

/* The service's own events so far, as "failing first halfway disabled". */
static const char *
told(struct site *s, uint32_t about, struct buf *out)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct buf text = BUF_INIT(1024), id = BUF_INIT(64);
	char want[ID_MAX];

	store_record_id(s->store, STORE_SUBSCRIPTION, about, want);
	buf_clear(out);
	for (uint64_t i = 1; store_event_get(s->store, i, &ev) == RC_OK; i++) {
		if (memcmp(ev.type.s, "skycap.", 7) != 0)
			continue;
		want_rc(json_scan(&d, ev.order, &json_limits_default, &err),
		    RC_OK, "%s", err.detail);
		buf_clear(&text);
		buf_clear(&id);
		json_string(&d, json_find(&d, 0, "subscription"), &id);
		if (strcmp(buf_str(&id), want) != 0)
			continue;
		if (json_find(&d, 0, "stage") != 0)
			json_string(&d, json_find(&d, 0, "stage"), &text);
		else
			buf_put(&text, ev.type.s + 20, ev.type.len - 20);
		buf_printf(out, "%s%s", out->len > 0 ? " " : "",
		    buf_str(&text));
	}
	store_event_clear(&ev);
	json_doc_free(&d);
	buf_free(&text);
	buf_free(&id);
	return buf_str(out);
}

static int
mails(struct site *s)
{
	const struct store_query q = { .subscription = NOTICE_LANE };
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery d[64];
	size_t n;

	want_rc(store_deliveries(s->store, &q, cursor, d, NELEM(d), &n),
	    RC_OK, "deliveries");
	want_str(cursor, "", "more mails than anybody wants");
	return (int)n;
}

static const char *
state_of(struct site *s, uint32_t sub, struct buf *out)
{
	const struct roster *r;
	const struct subscription *su;

	want_rc(rosters_get(s->rosters, 0, true, &r), RC_OK, "roster");
	su = roster_subscription(r, sub);
	buf_clear(out);
	buf_printf(out, "%s %s",
	    subscription_state_name(subscription_state(su)),
	    subscription_reason(su));
	roster_release(r);
	return buf_str(out);
}

/* Send it there from now on; version is the one that it has. */
static void
aim(struct site *s, uint32_t sub, const char *path, uint64_t version)
{
	struct buf json = BUF_INIT(4096), why = BUF_INIT(1024);

	buf_printf(&json, "{\"name\":\"s\",\"event\":[\"*\"],\"httpRequest\":"
	    "{\"url\":\"http://127.0.0.1:%u%s\"},\"settings\":" SCHEDULE "}",
	    s->server.port, path);
	want_rc(subscription_edit(&s->config, sub, version,
	    buf_as_slice(&json), &why), RC_OK, "%s", buf_str(&why));
	buf_free(&json);
	buf_free(&why);
}

/* How many of its deliveries are pending or held. */
static int
waiting(struct site *s, uint32_t sub)
{
	const struct store_query q = { .subscription = sub,
	    .state = STORE_IS_PENDING };
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery d[64];
	size_t n;

	want_rc(store_deliveries(s->store, &q, cursor, d, NELEM(d), &n),
	    RC_OK, "deliveries");
	return (int)n;
}

/* An operator's, that nothing answers: what it is due stays on record. */
static void
operator(struct site *s)
{
	struct buf why = BUF_INIT(1024);
	uint32_t number;

	want_rc(subscription_add(&s->config, s->client, SLICE("{\"name\":"
	    "\"Ops\",\"event\":[\"skycap.subscription.failing\","
	    "\"skycap.subscription.recovered\"],\"httpRequest\":"
	    "{\"url\":\"http://127.0.0.1:9/\"}}"), NULL, 0, &number, &why),
	    RC_OK, "%s", buf_str(&why));
	want_rc(subscription_set_state(&s->config, number,
	    SUBSCRIPTION_PAUSED, "", &why), RC_OK, "pause");
	buf_free(&why);
}

/* Every hour for five days and more, to the end. */
static void
five_days_of_failure_are_three_mails_and_the_end(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", SCHEDULE);
	struct buf got = BUF_INIT(1024);
	int64_t last_ms = 0;

	operator(s);
	accept_events(s, sub, 20);
	run_every(s, 0, 8 * MINUTE_MS, 2 * MINUTE_MS);
	want_str(told(s, sub, &got), "failing", "in 8 min");
	want_i64(mails(s), 0, "in 8 min");
	run_at(s, 26 * MINUTE_MS);
	want_str(told(s, sub, &got), "failing first", "in half an hour");
	want_i64(mails(s), 1, "in half an hour");
	run_every(s, 4 * HOUR_MS, 58 * HOUR_MS, 6 * HOUR_MS);
	want_str(told(s, sub, &got), "failing first", "in 58 h");
	run_at(s, 61 * HOUR_MS);
	want_str(told(s, sub, &got), "failing first halfway", "in 61 h");
	run_every(s, 64 * HOUR_MS, 118 * HOUR_MS, 6 * HOUR_MS);
	want_str(state_of(s, sub, &got), "active ", "in 118 h");
	want_i64(mails(s), 2, "in 118 h");
	for (int64_t ms = 121 * HOUR_MS; ms < 160 * HOUR_MS;
	    ms += 6 * HOUR_MS) {
		run_at(s, ms);
		last_ms = ms;
		if (strcmp(state_of(s, sub, &got), "active ") != 0)
			break;
	}
	want_i64(last_ms, 121 * HOUR_MS, "disabled in");
	want_str(state_of(s, sub, &got), "disabled failing", "at the end");
	want_str(told(s, sub, &got), "failing first halfway disabled",
	    "at the end");
	want_i64(mails(s), 3, "at the end");
	buf_free(&got);
}

/* What it is due is held, and goes out when a person has mended it. */
static void
what_is_held_is_sent_once_it_is_resumed(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", SCHEDULE);
	struct buf got = BUF_INIT(1024), why = BUF_INIT(512);

	accept_events(s, sub, 3);
	fail_at(s, sub, 25, 0);
	run_at(s, 121 * HOUR_MS);
	want_str(state_of(s, sub, &got), "disabled failing", "after 5 days");
	want_i64(waiting(s, sub), 3, "held");
	run_at(s, 122 * HOUR_MS);
	want_i64(waiting(s, sub), 3, "held still");
	aim(s, sub, "/200", 2);
	want_rc(subscription_set_state(&s->config, sub, SUBSCRIPTION_ACTIVE,
	    "", &why), RC_OK, "resume");
	run_at(s, 123 * HOUR_MS);
	want_i64(waiting(s, sub), 0, "after it was resumed");
	want_str(state_of(s, sub, &got), "active ", "resumed");
	want_str(told(s, sub, &got), "disabled", "nothing was told before");
	buf_free(&why);
	buf_free(&got);
}

/* It fails on at once: it has its five days again, and is told of again. */
static void
one_that_a_person_resumed_has_all_its_time_again(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", SCHEDULE);
	struct buf got = BUF_INIT(1024), why = BUF_INIT(512);
	int64_t resumed_ms = 130 * HOUR_MS;

	accept_events(s, sub, 3);
	fail_at(s, sub, 25, 0);
	run_at(s, 121 * HOUR_MS);
	want_str(told(s, sub, &got), "disabled", "told");
	atomic_fetch_add(&ahead_ms, begun_ms + resumed_ms - clock_now_ms());
	want_rc(subscription_set_state(&s->config, sub, SUBSCRIPTION_ACTIVE,
	    "", &why), RC_OK, "resume");
	accept_events(s, sub, 3);
	run_at(s, resumed_ms + MINUTE_MS);
	want_str(told(s, sub, &got), "disabled", "in a minute");
	run_at(s, resumed_ms + 30 * MINUTE_MS);
	want_str(told(s, sub, &got), "disabled first", "in half an hour");
	run_at(s, resumed_ms + 61 * HOUR_MS);
	want_str(told(s, sub, &got), "disabled first halfway", "in 61 h");
	want_str(state_of(s, sub, &got), "active ", "in 61 h");
	run_at(s, resumed_ms + 121 * HOUR_MS);
	want_str(told(s, sub, &got), "disabled first halfway disabled",
	    "in 121 h");
	want_str(state_of(s, sub, &got), "disabled failing", "in 121 h");
	buf_free(&why);
	buf_free(&got);
}

/* The same for one that was changed: it may have been mended. */
static void
one_that_was_edited_has_all_its_time_again(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", SCHEDULE);
	struct buf got = BUF_INIT(1024);

	accept_events(s, sub, 3);
	fail_at(s, sub, 10, 0);
	run_at(s, 61 * HOUR_MS);
	want_str(told(s, sub, &got), "halfway", "what holds, no more");
	atomic_fetch_add(&ahead_ms, begun_ms + 100 * HOUR_MS - clock_now_ms());
	aim(s, sub, "/500", 1);
	accept_events(s, sub, 12);
	run_at(s, 100 * HOUR_MS + MINUTE_MS);
	run_every(s, 101 * HOUR_MS, 150 * HOUR_MS, 7 * HOUR_MS);
	want_str(told(s, sub, &got), "halfway first", "50 h later");
	want_str(state_of(s, sub, &got), "active ", "50 h later");
	buf_free(&got);
}

/* Down for three days: what was due meanwhile is not told any more. */
static void
a_sweep_that_was_away_tells_what_holds_now(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", SCHEDULE);
	struct buf got = BUF_INIT(1024);

	operator(s);
	accept_events(s, sub, 10);
	fail_at(s, sub, 10, 0);
	run_at(s, 72 * HOUR_MS);
	want_str(told(s, sub, &got), "failing halfway", "after 3 days");
	run_at(s, 73 * HOUR_MS);
	want_str(told(s, sub, &got), "failing halfway", "an hour later");
	want_i64(mails(s), 1, "mails");
	buf_free(&got);
}

/* Killed between the event and the note that it was told. */
static void
what_was_told_and_not_noted_is_not_told_twice(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", SCHEDULE);
	struct buf got = BUF_INIT(1024);

	operator(s);
	accept_events(s, sub, 10);
	fail_at(s, sub, 10, 0);
	for (int i = 0; i < 3; i++) {
		run_at(s, 30 * MINUTE_MS + i * HOUR_MS);
		want_str(told(s, sub, &got), "failing first", "time %d", i);
		want_rc(store_health_told(s->store, sub, NOTICE_NOTHING, 0),
		    RC_OK, "forget");
	}
	fail_at(s, sub, 15, 4 * HOUR_MS);
	run_at(s, 121 * HOUR_MS);
	want_str(told(s, sub, &got), "failing first disabled", "disabled");
	want_i64(mails(s), 2, "mails");
	buf_free(&got);
}

static void
a_success_in_between_begins_it_anew(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", SCHEDULE);
	struct store_settle ok = { .outcome = STORE_DELIVERED, .attempts = 1,
	    .health = 1 };
	struct buf got = BUF_INIT(1024);
	struct store_claim c;
	int64_t next;
	size_t n;

	accept_events(s, sub, 10);
	fail_at(s, sub, 30, 0);
	run_at(s, 61 * HOUR_MS);
	want_str(told(s, sub, &got), "halfway", "told");
	want_rc(store_claim(s->store, sub, NULL, INT64_MAX - 1, &c, 1, &n,
	    &next), RC_OK, "claim");
	want_i64((int64_t)n, 1, "claimed");
	store_event_clear(&c.event);
	ok.due = c.due;
	ok.now_ms = begun_ms + 119 * HOUR_MS;
	want_rc(store_settle(s->store, &ok, 1, true), RC_OK, "settle");
	want_rc(ok.rc, RC_OK, "settled");
	fail_at(s, sub, 4, 120 * HOUR_MS);
	run_at(s, 121 * HOUR_MS);
	want_str(state_of(s, sub, &got), "active ", "after a success");
	want_str(told(s, sub, &got), "halfway first", "after a success");
	buf_free(&got);
}

static void
each_lane_is_told_of_by_itself(void **state)
{
	struct site *s = *state;
	uint32_t a = subscribe(s, "/500", "{}", SCHEDULE);
	uint32_t b = subscribe(s, "/200", "{}", SCHEDULE);
	uint32_t c = subscribe(s, "/500", "{}", SCHEDULE);
	struct buf got = BUF_INIT(1024);

	accept_events(s, a, 10);
	accept_events(s, b, 10);
	accept_events(s, c, 10);
	fail_at(s, a, 20, 0);
	fail_at(s, c, 10, 50 * HOUR_MS);
	run_at(s, 61 * HOUR_MS);
	run_at(s, 121 * HOUR_MS);
	want_str(told(s, a, &got), "halfway disabled", "a");
	want_str(told(s, b, &got), "", "b");
	want_str(told(s, c, &got), "first halfway", "c");
	want_str(state_of(s, c, &got), "active ", "c");
	want_i64(mails(s), 4, "mails");
	buf_free(&got);
}

/* Whatever there is to be told of them, they are never what it is about. */
static void
mails_that_fail_are_not_mailed_about(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", SCHEDULE);
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .order = SLICE("{\"agwID\":\"A1\"}"), .nsubscription = 1 };
	uint32_t lane = NOTICE_LANE;
	struct buf got = BUF_INIT(1024);

	operator(s);
	want_rc(store_generation(s->store, &a.generation), RC_OK, "gen");
	a.subscription = &lane;
	want_rc(store_accept(s->store, &a, 1), RC_OK, "accept");
	fail_at(s, NOTICE_LANE, 30, 0);
	accept_events(s, sub, 1);
	run_at(s, 121 * HOUR_MS);
	run_at(s, 122 * HOUR_MS);
	want_str(told(s, NOTICE_LANE, &got), "", "told");
	want_i64(mails(s), 1, "mails");
	buf_free(&got);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(five_days_of_failure_are_three_mails_and_the_end),
	    TEST(what_is_held_is_sent_once_it_is_resumed),
	    TEST(one_that_a_person_resumed_has_all_its_time_again),
	    TEST(one_that_was_edited_has_all_its_time_again),
	    TEST(a_sweep_that_was_away_tells_what_holds_now),
	    TEST(what_was_told_and_not_noted_is_not_told_twice),
	    TEST(a_success_in_between_begins_it_anew),
	    TEST(each_lane_is_told_of_by_itself),
	    TEST(mails_that_fail_are_not_mailed_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
