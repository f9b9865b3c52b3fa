#include "unit_work.h"
#include "work/intake.h"
#include "work/nudge.h"

struct fixture {
	struct bench	*b;
	struct intake	 in;
	struct intake_work *work;
	struct intake_item item[300];
	struct buf	 token;		/* of a publish key */
	uint32_t	 key;
	int		 nudges;	/* receiving */
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	void *b;

	assert_non_null(f);
	bench_make(&b);
	f->b = b;
	f->in = (struct intake){ .store = f->b->st, .rosters = f->b->rosters,
	    .crypt = &f->b->place.crypt, .catalog = f->b->catalog,
	    .store_dir = f->b->place.store, .nudge = nudge_open_sender() };
	f->work = intake_work_new(&f->in);
	for (size_t i = 0; i < NELEM(f->item); i++)
		f->item[i].bad = (struct problems)PROBLEMS_INIT;
	f->token = (struct buf)BUF_INIT(128);
	f->key = bench_key(f->b, KEY_PUBLISH, 0, &f->token);
	want_rc(nudge_bind(f->b->place.store, &f->nudges), RC_OK, "bind");
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	void *b = f->b;

	close(f->nudges);
	close(f->in.nudge);
	intake_work_free(f->work);
	for (size_t i = 0; i < NELEM(f->item); i++)
		problems_free(&f->item[i].bad);
	buf_free(&f->token);
	bench_remove(&b);
	free(f);
	return 0;
}

#define EVENT(id, type, order) "{" id "\"event\":\"" type "\",\"order\":" \
	order "}"
#define ID(s) "\"id\":\"" s "\","
#define TASK_OF(event, settings) "{\"event\":[\"" event "\"],"		\
	"\"httpRequest\":{\"url\":\"https://a.example/x\"}" settings "}"
#define CANCELED_TASK TASK_OF("OrderCanceled", "")
#define ORDERED_TASK TASK_OF("OrderTicketed",				\
	",\"settings\":{\"ordered\":true}")
#define PLAIN EVENT("", "OrderTicketed", "{\"agwID\":\"A\"}")

/* One event, posted with the fixture's key; its item. */
static const struct intake_item *
post(struct fixture *f, const char *json)
{
	f->item[0].json = slice_of(json);
	intake_take(&f->in, f->work, f->key, f->item, 1);
	return &f->item[0];
}

static uint64_t
newest(const struct fixture *f)
{
	struct store_condition h;

	want_rc(store_condition(f->b->st, &h), RC_OK, "health");
	return h.position;
}

static void
one_event_has_the_outcome_it_deserves(void **state)
{
	static const struct {
		const char *json;
		int status;
		uint64_t position;	/* kept under, or told; 0: none */
		const char *pointer;
	} t[] = {
		{ EVENT(ID("1"), "OrderTicketed", "{\"agwID\":\"A\"}"), 202, 1,
		    NULL },
		{ EVENT(ID("1"), "OrderTicketed", "{ \"agwID\": \"\\u0041\" }"),
		    200, 1, NULL },
		{ EVENT(ID("1"), "OrderTicketed", "{\"agwID\":\"B\"}"), 409, 0,
		    "/id" },
		{ EVENT(ID("1"), "OrderCreated", "{\"agwID\":\"A\"}"), 409, 0,
		    "/id" },
		{ PLAIN, 202, 2, NULL },
		{ PLAIN, 202, 3, NULL },
		{ "{", 400, 0, "" },
		{ EVENT("", "OrderTicketed", "{\"agwID\":\"A\",\"agwID\":1}"),
		    400, 0, "/order/agwID" },
		{ EVENT("", "OrderTicketd", "{\"agwID\":\"A\"}"), 422, 0,
		    "/event" },
		{ "[]", 422, 0, "" },
		{ EVENT(ID("1"), "OrderTicketed", "{\"agwID\":\"A\"}"), 200, 1,
		    NULL },
	};
	struct fixture *f = *state;
	uint64_t kept = 0;

	for (size_t i = 0; i < NELEM(t); i++) {
		const struct intake_item *it = post(f, t[i].json);
		const char *pointer = "", *detail = "";

		want_i64(it->status, t[i].status, "%s", t[i].json);
		if (it->status == 202)
			kept++;
		want_i64((int64_t)newest(f), (int64_t)kept, "kept after %s",
		    t[i].json);
		if (t[i].position != 0) {
			want_i64((int64_t)it->position,
			    (int64_t)t[i].position, "position of %s",
			    t[i].json);
			want_i64((int64_t)it->bad.n, 0, "problems");
			continue;
		}
		assert_true(problems_at(&it->bad, 0, &pointer, &detail));
		want_str(pointer, t[i].pointer, "pointer of %s", t[i].json);
	}
}

static void
items_of_a_run_stand_alone_in_their_order(void **state)
{
	static const char *const json[] = {
		EVENT(ID("x"), "OrderTicketed", "{\"agwID\":\"A\"}"),
		"nonsense",
		EVENT(ID("x"), "OrderTicketed", "{\"agwID\":\"A\"}"),
		EVENT("", "Nonsense", "{\"agwID\":\"A\"}"),
		EVENT(ID("x"), "OrderTicketed", "{\"agwID\":\"B\"}"),
		PLAIN,
	};
	static const int want[] = { 202, 400, 200, 422, 409, 202 };
	struct fixture *f = *state;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < NELEM(json); i++)
			f->item[i].json = slice_of(json[i]);
		intake_take(&f->in, f->work, f->key, f->item, NELEM(json));
		for (size_t i = 0; i < NELEM(json); i++)
			want_i64(f->item[i].status, round == 1 && i == 0 ?
			    200 : want[i], "item %zu, round %d", i, round);
		intake_work_trim(f->work);
	}
	want_i64((int64_t)f->item[2].position, (int64_t)f->item[0].position,
	    "the duplicate's");
	want_i64((int64_t)newest(f), 3, "kept in all");
}

static void
a_full_run_takes_all_it_may_hold(void **state)
{
	struct fixture *f = *state;
	uint32_t client = bench_client(f->b, NULL);

	bench_subscription(f->b, client, UNIT_TASK);
	for (size_t i = 0; i < INTAKE_RUN; i++)
		f->item[i].json = SLICE(PLAIN);
	intake_take(&f->in, f->work, f->key, f->item, INTAKE_RUN);
	for (size_t i = 0; i < INTAKE_RUN; i++) {
		want_i64(f->item[i].status, 202, "item %zu", i);
		want_i64((int64_t)f->item[i].position, (int64_t)i + 1,
		    "position");
		want_i64(f->item[i].deliveries, 1, "deliveries");
	}
	intake_work_trim(f->work);
	want_i64(post(f, PLAIN)->status, 202, "one after it");
}

static void
a_change_between_match_and_accept_is_matched_again(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = STORE_EVENT_INIT;
	const struct intake_item *it;
	uint32_t client, sub;
	uint64_t was, is;
	const struct roster *r = NULL;

	want_i64(post(f, PLAIN)->deliveries, 0, "before");
	want_rc(rosters_get(f->b->rosters, 0, false, &r), RC_OK, "roster");
	was = roster_generation(r);
	roster_release(r);
	client = bench_client(f->b, "agency=A");
	sub = bench_subscription(f->b, client, UNIT_TASK);
	want_rc(rosters_get(f->b->rosters, 0, false, &r), RC_OK, "roster");
	is = roster_generation(r);
	roster_release(r);
	want_i64((int64_t)is, (int64_t)was, "the snapshot it matches under");

	it = post(f, EVENT("", "OrderTicketed",
	    "{\"agwID\":\"A\",\"agency\":\"A\"}"));
	want_i64(it->status, 202, "status");
	want_i64(it->deliveries, 1, "deliveries");
	want_rc(store_event_get(f->b->st, it->position, &ev), RC_OK, "event");
	want_i64((int64_t)ev.subscriptions.len, 4, "subscriptions");
	want_i64(ev.subscriptions.s[3], sub, "its number");
	store_event_clear(&ev);

	want_rc(subscription_remove(&f->b->config, sub, &f->b->why), RC_OK,
	    "remove");
	it = post(f, EVENT("", "OrderTicketed",
	    "{\"agwID\":\"A\",\"agency\":\"A\"}"));
	want_i64(it->deliveries, 0, "after it was removed");
}

static void
a_revoked_key_takes_nothing_more(void **state)
{
	struct fixture *f = *state;
	const struct apikey *k;
	const struct roster *r;

	want_i64(post(f, PLAIN)->status, 202, "before");
	want_rc(apikey_revoke(&f->b->config, f->key, &f->b->why), RC_OK,
	    "revoke");
	/* the snapshot still has it */
	want_rc(intake_key(&f->in, buf_as_slice(&f->token), &r, &k), RC_OK,
	    "key");
	assert_non_null(k);
	roster_release(r);
	want_i64(post(f, PLAIN)->status, 401, "met while accepting");
	want_i64(post(f, "{")->status, 401, "known by now");
	want_i64((int64_t)newest(f), 1, "kept");
	want_rc(intake_key(&f->in, buf_as_slice(&f->token), &r, &k), RC_OK,
	    "key");
	assert_null(k);
	roster_release(r);
}

static void
a_key_made_a_moment_ago_is_known(void **state)
{
	struct fixture *f = *state;
	struct buf token = BUF_INIT(128);
	const struct apikey *k;
	const struct roster *r;
	uint32_t number;

	want_i64(post(f, PLAIN)->status, 202, "a snapshot is there");
	number = bench_key(f->b, KEY_PUBLISH, 0, &token);
	want_rc(intake_key(&f->in, buf_as_slice(&token), &r, &k), RC_OK,
	    "key");
	assert_non_null(k);
	want_i64(k->number, number, "number");
	roster_release(r);
	want_rc(intake_key(&f->in, (struct slice){ NULL, 0 }, &r, &k), RC_OK,
	    "none");
	assert_null(k);
	roster_release(r);
	buf_free(&token);
}

static void
the_command_needs_no_key(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = STORE_EVENT_INIT;

	f->key = INTAKE_NO_KEY;
	want_i64(post(f, PLAIN)->status, 202, "status");
	want_rc(store_event_get(f->b->st, 1, &ev), RC_OK, "event");
	want_i64(ev.key, 0, "its key");
	store_event_clear(&ev);
}

/* Escaped members are unescaped into one buffer, which must not move. */
static void
escaped_members_are_kept_as_they_read(void **state)
{
	struct fixture *f = *state;
	struct store_event ev = STORE_EVENT_INIT;
	struct buf json = BUF_INIT(65536);
	const struct intake_item *it;

	buf_puts(&json, "{\"occurredAt\":\"");	/* the shorter one first */
	for (const char *s = "2026-11-23T10:00:00.123456789Z"; *s != '\0'; s++)
		buf_printf(&json, "\\u00%02x", *s);
	buf_puts(&json, "\",\"id\":\"");
	for (int i = 0; i < 128; i++)
		buf_puts(&json, "\\u0041");
	buf_puts(&json, "\",\"event\":\"OrderTi\\u0063keted\","
	    "\"order\":{\"agwID\":\"A\"}}");
	it = post(f, buf_str(&json));
	want_i64(it->status, 202, "%s", buf_str(&it->bad.text));
	want_rc(store_event_get(f->b->st, it->position, &ev), RC_OK, "event");
	want_i64((int64_t)ev.sender_id.len, 128, "sender id's bytes");
	want_i64(ev.sender_id.s[127], 'A', "its last");
	want_slice(ev.occurred, SLICE("2026-11-23T10:00:00.123456789Z"),
	    "occurred");
	want_slice(ev.type, SLICE("OrderTicketed"), "type");
	store_event_clear(&ev);
	buf_free(&json);
}

static void
an_endless_time_is_refused(void **state)
{
	struct fixture *f = *state;
	struct buf json = BUF_INIT(65536);

	buf_puts(&json, "{\"id\":\"\\u0041\",\"occurredAt\":\"\\u0032"
	    "026-11-23T10:00:00.");
	for (int i = 0; i < 2000; i++)
		buf_putc(&json, '0');
	buf_puts(&json, "Z\",\"event\":\"OrderTicketed\","
	    "\"order\":{\"agwID\":\"A\"}}");
	want_i64(post(f, buf_str(&json))->status, 422, "status");
	want_i64((int64_t)newest(f), 0, "kept");
	buf_free(&json);
}

static void
a_nudge_names_the_lanes_or_all(void **state)
{
	struct fixture *f = *state;
	uint32_t client = bench_client(f->b, NULL), sub;
	struct nudge got;

	want_i64(post(f, PLAIN)->deliveries, 0, "no subscription");
	want_rc(nudge_receive(f->nudges, &got), RC_NOTFOUND, "no nudge");
	sub = bench_subscription(f->b, client, UNIT_TASK);
	for (size_t i = 0; i < 3; i++)
		f->item[i].json = SLICE(PLAIN);
	intake_take(&f->in, f->work, f->key, f->item, 3);
	want_rc(nudge_receive(f->nudges, &got), RC_OK, "nudge");
	want_i64(got.n, 1, "lanes");
	want_i64(got.lane[0].lane, sub, "lane");
	want_rc(nudge_receive(f->nudges, &got), RC_NOTFOUND, "a second");
	post(f, EVENT(ID("d"), "OrderTicketed", "{\"agwID\":\"A\"}"));
	want_rc(nudge_receive(f->nudges, &got), RC_OK, "the first one");
	want_i64(post(f, EVENT(ID("d"), "OrderTicketed",
	    "{\"agwID\":\"A\"}"))->status, 200, "duplicate");
	want_rc(nudge_receive(f->nudges, &got), RC_NOTFOUND, "a duplicate's");
	for (int i = 0; i < NUDGE_LANES_MAX; i++)
		bench_subscription(f->b, client, UNIT_TASK);
	want_i64(post(f, PLAIN)->deliveries, NUDGE_LANES_MAX + 1, "many");
	/* Looking at everything is slow: what goes into a few more is named. */
	want_rc(nudge_receive(f->nudges, &got), RC_OK, "the full one");
	want_i64(got.n, NUDGE_LANES_MAX, "lanes of the full one");
	want_rc(nudge_receive(f->nudges, &got), RC_OK, "the rest");
	want_i64(got.n, 1, "lanes of the rest");
	want_rc(nudge_receive(f->nudges, &got), RC_NOTFOUND, "a third");
	for (int i = 0; i < 3 * NUDGE_LANES_MAX; i++)
		bench_subscription(f->b, client, CANCELED_TASK);
	f->item[0].json = SLICE(PLAIN);
	f->item[1].json = SLICE(EVENT("", "OrderCanceled",
	    "{\"agwID\":\"A\"}"));
	intake_take(&f->in, f->work, f->key, f->item, 2);
	want_i64(f->item[1].deliveries, 3 * NUDGE_LANES_MAX, "more");
	for (int i = 0; i < 4; i++) {
		want_rc(nudge_receive(f->nudges, &got), RC_OK, "nudge %d", i);
		want_i64(got.n, NUDGE_LANES_MAX, "lanes of nudge %d", i);
	}
	want_rc(nudge_receive(f->nudges, &got), RC_OK, "the last");
	want_i64(got.n, 0, "lanes: all");
	/* What is to be fanned out has no lanes yet. */
	for (int i = 0; i < 3 * NUDGE_LANES_MAX; i++)
		bench_subscription(f->b, client, UNIT_TASK);
	want_i64(post(f, PLAIN)->deliveries, 4 * NUDGE_LANES_MAX + 1,
	    "very many");
	want_rc(nudge_receive(f->nudges, &got), RC_OK, "of a fan-out");
	want_i64(got.n, 1, "lanes of a fan-out");
	want_i64(got.lane[0].lane, 0, "its lane");
	want_rc(nudge_receive(f->nudges, &got), RC_NOTFOUND, "one more");
}

/* How many the subscription waits to send, and how many of these are due. */
static void
want_waiting(struct store *st, uint32_t sub, int pending, int due)
{
	struct store_lane l = { 0 };
	size_t n;

	want_rc(store_lanes(st, sub - 1, INT64_MAX, &l, 1, &n), RC_OK,
	    "lanes");
	want_i64((int64_t)l.pending, pending, "pending");
	want_i64((int64_t)l.due, due, "due");
}

static void
edit(struct bench *b, uint32_t sub, const char *task)
{
	const struct roster *r = bench_roster(b->rosters);

	buf_clear(&b->why);
	want_rc(subscription_edit(&b->config, sub,
	    roster_subscription(r, sub)->version, slice_of(task), &b->why),
	    RC_OK, "edit: %s", buf_str(&b->why));
	roster_release(r);
}

static void
events_of_one_order_wait_where_that_is_asked_for(void **state)
{
	struct fixture *f = *state;
	uint32_t client = bench_client(f->b, NULL), sub, plain;
	uint32_t turned = bench_subscription(f->b, client, CANCELED_TASK);

	sub = bench_subscription(f->b, client, ORDERED_TASK);
	plain = bench_subscription(f->b, client, UNIT_TASK);
	for (size_t i = 0; i < 3; i++)
		f->item[i].json = SLICE(PLAIN);
	f->item[3].json = SLICE(EVENT("", "OrderTicketed",
	    "{\"agwID\":\"B\"}"));
	intake_take(&f->in, f->work, f->key, f->item, 4);
	want_i64(f->item[0].deliveries, 2, "deliveries");
	want_waiting(f->b->st, sub, 4, 2);
	want_waiting(f->b->st, plain, 4, 4);
	/* an order is the same, however its id is written */
	post(f, EVENT("", "OrderTicketed", "{\"agwID\":\"\\u0041\"}"));
	want_waiting(f->b->st, sub, 5, 2);
	/* a change holds from the next event on */
	edit(f->b, turned, ORDERED_TASK);
	post(f, PLAIN);
	post(f, PLAIN);
	want_waiting(f->b->st, turned, 2, 1);
	edit(f->b, sub, UNIT_TASK);
	post(f, PLAIN);
	want_waiting(f->b->st, sub, 8, 3);
}

static void
a_store_without_room_takes_nothing(void **state)
{
	struct fixture *f = *state;
	struct buf why = BUF_INIT(1024);

	rosters_free(f->b->rosters);
	store_close(f->b->st);
	f->b->place.opt.low_space = INT64_MAX / 2;
	want_rc(store_open(&f->b->st, &f->b->place.opt, &why), RC_OK, "%s",
	    buf_str(&why));
	want_rc(rosters_new(&f->b->rosters, f->b->st, &f->b->place.crypt,
	    f->b->catalog), RC_OK, "rosters_new");
	f->in.store = f->b->st;
	f->in.rosters = f->b->rosters;
	want_i64(post(f, PLAIN)->status, 503, "status");
	want_i64(post(f, "{")->status, 400, "what could not be kept anyway");
	want_i64((int64_t)newest(f), 0, "kept");
	buf_free(&why);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(one_event_has_the_outcome_it_deserves),
	    TEST(items_of_a_run_stand_alone_in_their_order),
	    TEST(a_full_run_takes_all_it_may_hold),
	    TEST(a_change_between_match_and_accept_is_matched_again),
	    TEST(a_revoked_key_takes_nothing_more),
	    TEST(a_key_made_a_moment_ago_is_known),
	    TEST(the_command_needs_no_key),
	    TEST(escaped_members_are_kept_as_they_read),
	    TEST(an_endless_time_is_refused),
	    TEST(a_nudge_names_the_lanes_or_all),
	    TEST(events_of_one_order_wait_where_that_is_asked_for),
	    TEST(a_store_without_room_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
