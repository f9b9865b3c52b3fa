#include "base/clock.h"
#include "unit_work.h"
#include "work/figures.h"
#include "work/listing.h"

struct fixture {
	struct bench	*b;
	uint32_t	 client, sub, other;	/* two subscriptions */
	uint64_t	 position;
	struct store_event ev;
	struct order	 order;
	const struct roster *r;
	char		 event[ID_MAX], client_id[ID_MAX], sub_id[ID_MAX];
	char		 accepted[CLOCK_TEXT_MAX];
	struct buf	 got, want;
};

/* One event to two subscriptions, posted with white space in its order. */
static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .sender_id = SLICE("s-1"),
	    .order = SLICE("{\n \"agwID\" : \"A\\u0042\",\n \"x\": 1e2 }") };
	struct json_error err;
	uint32_t subs[2];
	void *b;

	assert_non_null(f);
	bench_make(&b);
	f->b = b;
	f->client = bench_client(f->b, NULL);
	f->sub = subs[0] = bench_subscription(f->b, f->client, UNIT_TASK);
	f->other = subs[1] = bench_subscription(f->b, f->client, UNIT_TASK);
	a.subscription = subs;
	a.nsubscription = 2;
	want_rc(store_generation(f->b->st, &a.generation), RC_OK, "gen");
	want_rc(store_accept(f->b->st, &a, 1), RC_OK, "accept");
	want_rc(a.rc, RC_OK, "accept's item");
	f->position = a.position;
	f->ev = (struct store_event)STORE_EVENT_INIT;
	f->order = (struct order)ORDER_INIT;
	want_rc(store_event_get(f->b->st, f->position, &f->ev), RC_OK, "ev");
	want_rc(order_read(&f->order, f->b->catalog, f->ev.order, &err),
	    RC_OK, "order");
	f->r = bench_roster(f->b->rosters);
	f->got = f->want = (struct buf)BUF_INIT(1 << 20);
	store_event_id(f->b->st, f->position, f->event);
	store_record_id(f->b->st, STORE_CLIENT, f->client, f->client_id);
	store_record_id(f->b->st, STORE_SUBSCRIPTION, f->sub, f->sub_id);
	clock_format(f->ev.accepted_ms, f->accepted);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	void *b = f->b;

	roster_release(f->r);
	order_free(&f->order);
	store_event_clear(&f->ev);
	buf_free(&f->got);
	buf_free(&f->want);
	bench_remove(&b);
	free(f);
	return 0;
}

static void
settle(struct fixture *f, uint32_t sub, enum store_outcome outcome,
    const char *reason, int64_t now_ms)
{
	struct store_settle s = { .due = { .key = { f->position, sub, 0 },
	    .due_ms = f->ev.accepted_ms }, .outcome = outcome,
	    .now_ms = now_ms, .attempts = 1 };

	snprintf(s.reason, sizeof s.reason, "%s", reason);
	want_rc(store_settle(f->b->st, &s, 1, true), RC_OK, "settle");
	want_rc(s.rc, RC_OK, "settle's item");
}

static const char *
listed(struct fixture *f, uint32_t sub)
{
	struct store_delivery d;

	want_rc(store_delivery_get(f->b->st, (struct store_key){ f->position,
	    sub, 0 }, &d), RC_OK, "delivery");
	buf_clear(&f->got);
	delivery_print(f->b->st, f->r, &f->ev, &f->order, &d, &f->got);
	return buf_str(&f->got);
}

/* What DESIGN says of a delivery in listings, members in that order. */
static const char *
delivery(struct fixture *f, uint32_t sub, const char *state,
    const char *rest)
{
	char id[ID_MAX], sub_id[ID_MAX];

	store_delivery_id(f->b->st, (struct store_key){ f->position, sub, 0 },
	    id);
	store_record_id(f->b->st, STORE_SUBSCRIPTION, sub, sub_id);
	buf_clear(&f->want);
	buf_printf(&f->want, "{\"id\":\"%s\",\"event\":\"%s\",\"eventType\":"
	    "\"OrderTicketed\",\"subscription\":\"%s\",\"client\":\"%s\","
	    "\"agwID\":\"AB\",\"state\":\"%s\",%s", id, f->event, sub_id,
	    f->client_id, state, rest);
	return buf_str(&f->want);
}

static void
a_delivery_is_listed_in_its_one_shape(void **state)
{
	struct fixture *f = *state;
	char rest[256];

	snprintf(rest, sizeof rest, "\"reason\":\"\",\"attempts\":0,"
	    "\"nextAttemptAt\":\"%s\",\"lastStatus\":null,\"createdAt\":"
	    "\"%s\",\"doneAt\":null,\"test\":false}", f->accepted, f->accepted);
	want_str(listed(f, f->sub), delivery(f, f->sub, "pending", rest),
	    "pending");
	settle(f, f->sub, STORE_DELIVERED, "", 1795514400000);
	snprintf(rest, sizeof rest, "\"reason\":\"\",\"attempts\":1,"
	    "\"nextAttemptAt\":null,\"lastStatus\":null,\"createdAt\":"
	    "\"%s\",\"doneAt\":\"2026-11-24T10:00:00.000Z\","
	    "\"test\":false}", f->accepted);
	want_str(listed(f, f->sub), delivery(f, f->sub, "delivered", rest),
	    "delivered");
	settle(f, f->other, STORE_DEAD, "exhausted", 1795514400000);
	snprintf(rest, sizeof rest, "\"reason\":\"exhausted\",\"attempts\":1,"
	    "\"nextAttemptAt\":null,\"lastStatus\":null,\"createdAt\":"
	    "\"%s\",\"doneAt\":\"2026-11-24T10:00:00.000Z\","
	    "\"test\":false}", f->accepted);
	want_str(listed(f, f->other), delivery(f, f->other, "dead", rest),
	    "dead");
}

static void
what_a_paused_subscription_is_due_is_held_and_has_no_next(void **state)
{
	struct fixture *f = *state;
	char rest[256];

	for (int disabled = 0; disabled < 2; disabled++) {
		want_rc(subscription_set_state(&f->b->config, f->sub,
		    disabled == 0 ? SUBSCRIPTION_PAUSED :
		    SUBSCRIPTION_DISABLED, disabled == 0 ? "" : "gone",
		    &f->b->why), RC_OK, "set state");
		roster_release(f->r);
		f->r = bench_roster(f->b->rosters);
		snprintf(rest, sizeof rest, "\"reason\":\"\",\"attempts\":0,"
		    "\"nextAttemptAt\":null,\"lastStatus\":null,"
		    "\"createdAt\":\"%s\",\"doneAt\":null,"
		    "\"test\":false}", f->accepted);
		want_str(listed(f, f->sub), delivery(f, f->sub, "held", rest),
		    "held %d", disabled);
	}
}

static void
a_delivery_of_a_removed_subscription_has_no_client(void **state)
{
	struct fixture *f = *state;

	want_rc(subscription_remove(&f->b->config, f->sub, &f->b->why),
	    RC_OK, "remove");
	roster_release(f->r);
	f->r = bench_roster(f->b->rosters);
	assert_non_null(strstr(listed(f, f->sub), "\"client\":null,"));
	assert_non_null(strstr(listed(f, f->sub), "\"state\":\"pending\""));
}

static void
an_event_is_one_line_with_its_order_and_deliveries(void **state)
{
	struct fixture *f = *state;
	struct buf want = BUF_INIT(1 << 20);

	buf_printf(&want, "{\"id\":\"%s\",\"event\":\"OrderTicketed\","
	    "\"occurredAt\":\"%s\",\"acceptedAt\":\"%s\",\"senderId\":"
	    "\"s-1\",\"test\":false,\"order\":{\"agwID\":\"A\\u0042\","
	    "\"x\":1e2},\"deliveries\":[", f->event, f->accepted,
	    f->accepted);
	buf_puts(&want, listed(f, f->sub));
	buf_putc(&want, ',');
	buf_puts(&want, listed(f, f->other));
	buf_puts(&want, "]}");
	buf_clear(&f->got);
	want_rc(event_print(f->b->st, f->r, &f->ev, &f->order, true, &f->got),
	    RC_OK, "whole");
	want_str(buf_str(&f->got), buf_str(&want), "whole");

	buf_clear(&want);
	buf_printf(&want, "{\"id\":\"%s\",\"event\":\"OrderTicketed\","
	    "\"occurredAt\":\"%s\",\"acceptedAt\":\"%s\",\"senderId\":"
	    "\"s-1\",\"test\":false,\"agwID\":\"AB\",\"deliveries\":2}",
	    f->event, f->accepted, f->accepted);
	buf_clear(&f->got);
	want_rc(event_print(f->b->st, f->r, &f->ev, &f->order, false,
	    &f->got), RC_OK, "in a list");
	want_str(buf_str(&f->got), buf_str(&want), "in a list");
	buf_free(&want);
}

static void
an_attempt_shows_bytes_from_outside_as_sound_json(void **state)
{
	struct store_attempt a = { .number = 2, .attempt = 3,
	    .at_ms = 1795514400000, .version = 4, .status = 503,
	    .word = "http", .sentence = SLICE("It answered 503."),
	    .address = SLICE("192.0.2.1:443"), .request = SLICE("POST "
	    "https://a.example/x HTTP/1.1\r\nHost: a.example\r\nx-none:\r\n"),
	    .response_head = SLICE("HTTP/1.1 503 \r\nNo colon\r\n"
	    "A:  b: c\t\r\n\xff: \x1b\r\n\r\n"),
	    .response_body = SLICE("a\xff\"\n"), .response_len = 5,
	    .dns_us = 1, .connect_us = 2, .tls_us = 3, .first_us = 4,
	    .total_us = 5 };
	struct attempt_body body = { .body = SLICE("{\"a\":1}"),
	    .why = SLICE("") };
	struct fixture *f = *state;

	memset(a.body_hash, 0xa5, sizeof a.body_hash);
	buf_clear(&f->got);
	attempt_print(&a, &body, &f->got);
	want_str(buf_str(&f->got), "{\"number\":2,\"attempt\":3,\"at\":"
	    "\"2026-11-24T10:00:00.000Z\",\"version\":4,\"status\":503,"
	    "\"word\":\"http\",\"sentence\":\"It answered 503.\",\"address\":"
	    "\"192.0.2.1:443\",\"duration_us\":{\"dns\":1,\"connect\":2,"
	    "\"tls\":3,\"first\":4,\"total\":5},\"request\":\"POST "
	    "https://a.example/x HTTP/1.1\\r\\nHost: a.example\\r\\nx-none:"
	    "\\r\\n\",\"method\":\"POST\",\"url\":\"https://a.example/x\","
	    "\"requestHeaders\":[{\"name\":\"Host\",\"value\":\"a.example\"},"
	    "{\"name\":\"x-none\",\"value\":\"\"}],\"wentOut\":true,"
	    "\"body\":\"{\\\"a\\\":1}\",\"bodyMissing\":\"\","
	    "\"bodyHash\":\"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\","
	    "\"responseHead\":\"HTTP/1.1 503 \\r\\nNo colon\\r\\n"
	    "A:  b: c\\t\\r\\n\xef\xbf\xbd: \\u001b\\r\\n\\r\\n\","
	    "\"responseHeaders\":[{\"name\":\"A\",\"value\":\"b: c\"},"
	    "{\"name\":\"\xef\xbf\xbd\",\"value\":\"\\u001b\"}],"
	    "\"responseBody\":\"a\xef\xbf\xbd\\\"\\n\",\"responseKept\":4,"
	    "\"responseLength\":5,\"truncated\":true}", "attempt");
}

static void
a_mail_has_addresses_where_a_request_has_a_url(void **state)
{
	struct fixture *f = *state;
	struct store_attempt a = { .number = 1, .attempt = 1, .status = 550,
	    .word = "smtp", .request = SLICE("MAIL FROM:<a@a.example>\r\n"
	    "RCPT TO:<\"x:y\"@b.example>\r\n\r\nFrom: a@a.example\r\n"
	    "Subject: á: b\r\n"), .response_head = SLICE("250-a: b\r\n"
	    "550 5.1.1 <b>: unknown\r\n") };
	struct attempt_body body = { .body = SLICE("One\n") };

	buf_clear(&f->got);
	attempt_print(&a, &body, &f->got);
	assert_non_null(strstr(buf_str(&f->got), "\",\"from\":"
	    "\"a@a.example\",\"to\":\"\\\"x:y\\\"@b.example\","
	    "\"requestHeaders\":[{\"name\":\"From\",\"value\":"
	    "\"a@a.example\"},{\"name\":\"Subject\",\"value\":"
	    "\"á: b\"}],"));
	assert_null(strstr(buf_str(&f->got), "\"method\""));
	assert_non_null(strstr(buf_str(&f->got),
	    "unknown\\r\\n\",\"responseHeaders\":[],"));
	want_i64(attempt_is_mail(&a), true, "a mail");
	a.request = SLICE("MAIL FROM:<");
	want_i64(attempt_is_mail(&a), false, "no mail");
}

static void
an_attempt_without_a_request_or_a_body_says_so(void **state)
{
	struct store_attempt a = { .number = 1, .attempt = 1, .at_ms = 1,
	    .version = 1, .word = "template",
	    .sentence = SLICE("pnr is missing") };
	struct attempt_body body = { .why = SLICE("it came to no request") };
	struct fixture *f = *state;

	buf_clear(&f->got);
	attempt_print(&a, &body, &f->got);
	assert_non_null(strstr(buf_str(&f->got), "\"status\":null,"));
	assert_non_null(strstr(buf_str(&f->got), "\"request\":\"\","
	    "\"method\":\"\",\"url\":\"\",\"requestHeaders\":[],"
	    "\"wentOut\":false,\"body\":null,"
	    "\"bodyMissing\":\"it came to no request\","));
	assert_non_null(strstr(buf_str(&f->got), "\"responseHeaders\":[],"
	    "\"responseBody\":\"\",\"responseKept\":0,"
	    "\"responseLength\":0,\"truncated\":false}"));
}

static void
only_what_was_connected_and_not_refused_before_went_out(void **state)
{
	static const struct { const char *word, *address; bool want; } t[] = {
		{ "ok", "192.0.2.1:443", true },
		{ "http", "192.0.2.1:443", true },
		{ "timeout", "192.0.2.1:443", true },
		{ "timeout", "", false },	/* never connected */
		{ "reset", "192.0.2.1:443", true },
		{ "tls", "192.0.2.1:443", false },
		{ "guard", "192.0.2.1:443", false },
		{ "dns", "", false }, { "template", "", false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct store_attempt a = { .number = 1 };

		snprintf(a.word, sizeof a.word, "%s", t[i].word);
		a.address = slice_of(t[i].address);
		want_i64(attempt_went_out(&a), t[i].want, "%s %s", t[i].word,
		    t[i].address);
	}
}

static void
figures_count_held_apart_from_pending(void **state)
{
	struct fixture *f = *state;
	struct figures g;

	want_rc(figures_read(f->b->st, f->b->rosters, &g), RC_OK, "figures");
	want_i64((int64_t)g.pending, 2, "pending");
	want_i64((int64_t)g.due, 2, "due");
	want_i64((int64_t)g.held, 0, "held");
	want_rc(subscription_set_state(&f->b->config, f->sub,
	    SUBSCRIPTION_PAUSED, "", &f->b->why), RC_OK, "pause");
	want_rc(figures_read(f->b->st, f->b->rosters, &g), RC_OK, "figures");
	want_i64((int64_t)g.pending, 1, "pending of one that is paused");
	want_i64((int64_t)g.due, 1, "due of one that is paused");
	want_i64((int64_t)g.held, 1, "held of one that is paused");
	want_i64((int64_t)g.paused, 1, "paused");
	want_i64((int64_t)g.disabled, 0, "disabled");
	settle(f, f->other, STORE_DELIVERED, "", clock_now_ms());
	want_rc(figures_read(f->b->st, f->b->rosters, &g), RC_OK, "figures");
	want_i64((int64_t)g.pending, 0, "pending after it arrived");
	want_i64(g.oldest_due_s, 0, "oldest due, what is held left out");
	want_i64((int64_t)g.held, 1, "held after it arrived");
	want_i64((int64_t)g.delivered, 1, "delivered");
	want_i64((int64_t)g.health.position, 1, "events");
	want_i64((int64_t)g.clients, 1, "clients");
	want_i64((int64_t)g.subscriptions, 2, "subscriptions");
	buf_clear(&f->got);
	figures_print(&g, &f->got);
	assert_non_null(strstr(buf_str(&f->got), "{\"writable\":true,"
	    "\"events\":1,\"pending\":0,\"held\":1,\"due\":0,"
	    "\"oldest_due_s\":0,\"delivered\":1,\"retried\":0,\"dead\":0,"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_delivery_is_listed_in_its_one_shape),
	    TEST(what_a_paused_subscription_is_due_is_held_and_has_no_next),
	    TEST(a_delivery_of_a_removed_subscription_has_no_client),
	    TEST(an_event_is_one_line_with_its_order_and_deliveries),
	    TEST(an_attempt_shows_bytes_from_outside_as_sound_json),
	    TEST(a_mail_has_addresses_where_a_request_has_a_url),
	    TEST(an_attempt_without_a_request_or_a_body_says_so),
	    TEST(only_what_was_connected_and_not_refused_before_went_out),
	    TEST(figures_count_held_apart_from_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
