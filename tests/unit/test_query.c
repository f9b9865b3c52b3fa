#include "base/clock.h"
#include "unit_work.h"
#include "work/listing.h"
#include "work/query.h"
#include "work/words.h"

#define NOW	1000000000000	/* 2001-09-09T01:46:40Z */
#define EVENTS	6

/*
 * Two clients; of the first one subscriptions 1 and 2, of the other one 3.
 * Each of six events is for all three; 4 is a test.  What became of them is
 * in made[].
 */
struct fixture {
	struct bench	*b;
	uint32_t	 client[2], sub[3];
	uint64_t	 position[EVENTS];
	const struct roster *r;
	struct query	 query;
	struct buf	 got;
};

static const struct made {
	int		 event, sub;
	enum store_outcome outcome;
	int64_t		 at_ms;
	int		 status;
	const char	*word, *reason;
} made[] = {
	{ 0, 0, STORE_DELIVERED, NOW - 5000, 204, "ok", "" },
	{ 1, 0, STORE_DEAD, NOW - 4000, 410, "http", "gone" },
	{ 2, 0, STORE_RETRIED, NOW - 3000, 0, "timeout", "" },
	{ 0, 1, STORE_DELIVERED, NOW - 2000, 200, "ok", "" },
	{ 1, 1, STORE_DEAD, NOW - 1000, 0, "dns", "exhausted" },
	{ 0, 2, STORE_RETRIED, NOW - 500, 503, "http", "" },
	{ 3, 2, STORE_DEAD, NOW - 100, 500, "http", "exhausted" },
};

static uint64_t
post(struct fixture *f, int n)
{
	uint64_t ref[REFERENCE_MAX + 1];
	struct order o = ORDER_INIT;
	struct buf text = BUF_INIT(1024);
	struct store_accept a = { .type = n % 2 == 0 ?
	    SLICE("OrderTicketed") : SLICE("OrderCreated"),
	    .test = n == 4, .subscription = f->sub, .nsubscription = 3,
	    .ref = ref };

	buf_printf(&text, "{\"agwID\":\"A-%d\",\"pnr\":\"%s\","
	    "\"recordLocator\":\"%s\",\"agentEmail\":\"Ana@a.example\"}", n,
	    n < 3 ? "EARLY" : "LATE", n == 4 ? "EARLY" : "OTHER");
	unit_order(&o, f->b->catalog, buf_str(&text));
	a.nref = (uint32_t)reference_of_order(&f->b->place.crypt, &o, ref);
	if (n == 5)	/* as if hashes were equal by chance */
		ref[a.nref++] = reference_hash(&f->b->place.crypt,
		    REFERENCE_AGWID, SLICE("A-1"));
	a.order = buf_as_slice(&text);
	want_rc(store_generation(f->b->st, &a.generation), RC_OK, "gen");
	want_rc(store_accept(f->b->st, &a, 1), RC_OK, "accept");
	want_rc(a.rc, RC_OK, "accept's item");
	order_free(&o);
	buf_free(&text);
	return a.position;
}

static void
settle(struct fixture *f, const struct made *m)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct store_attempt at = { .number = 1, .attempt = 1,
	    .status = m->status };
	struct store_settle s = { .due.key = { f->position[m->event],
	    f->sub[m->sub], 0 }, .outcome = m->outcome, .attempts = 1,
	    .now_ms = m->at_ms, .attempt = &at };

	snprintf(at.word, sizeof at.word, "%s", m->word);
	snprintf(s.reason, sizeof s.reason, "%s", m->reason);
	want_rc(store_event_get(f->b->st, s.due.key.position, &ev), RC_OK,
	    "event");
	s.due.due_ms = ev.accepted_ms;
	s.next_ms = ev.accepted_ms + 60000;
	store_event_clear(&ev);
	want_rc(store_settle(f->b->st, &s, 1, false), RC_OK, "settle");
	want_rc(s.rc, RC_OK, "settle's item");
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	void *b;

	assert_non_null(f);
	bench_make(&b);
	f->b = b;
	for (int i = 0; i < 2; i++)
		f->client[i] = bench_client(f->b, NULL);
	for (int i = 0; i < 3; i++)
		f->sub[i] = bench_subscription(f->b, f->client[i / 2],
		    UNIT_TASK);
	for (int i = 0; i < EVENTS; i++)
		f->position[i] = post(f, i);
	for (size_t i = 0; i < NELEM(made); i++)
		settle(f, &made[i]);
	f->r = bench_roster(f->b->rosters);
	f->got = (struct buf)BUF_INIT(65536);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	void *b = f->b;

	roster_release(f->r);
	buf_free(&f->got);
	bench_remove(&b);
	free(f);
	return 0;
}

static enum rc
set(struct fixture *f, const char *name, const char *value)
{
	buf_clear(&f->b->why);
	return query_set(&f->query, &f->b->config, NOW, slice_of(name),
	    slice_of(value), &f->b->why);
}

/* Appends "event.sub" for each. */
static void
found(void *arg, const struct store_delivery *d, const struct store_event *ev,
    const struct order *o)
{
	struct fixture *f = arg;
	int event = 0, sub = 0;

	assert_non_null(o);
	want_i64((int64_t)ev->position, (int64_t)d->key.position, "event");
	while (f->position[event] != d->key.position)
		event++;
	while (f->sub[sub] != d->key.subscription)
		sub++;
	buf_printf(&f->got, "%s%d.%d", f->got.len > 0 ? " " : "", event, sub);
}

/* All that the query finds, max in each walk. */
static const char *
listed(struct fixture *f, size_t max)
{
	struct query_walk w;
	char cursor[STORE_CURSOR_MAX] = "";
	size_t before;

	buf_clear(&f->got);
	do {
		want_rc(query_begin(&w, &f->b->config, f->r, &f->query,
		    cursor, &f->b->why), RC_OK, "%s", buf_str(&f->b->why));
		before = f->got.len;
		while (f->got.len == before) {
			want_rc(query_next(&w, max, found, f), RC_OK,
			    "next");
			if (w.cursor[0] == '\0')
				break;
		}
		memcpy(cursor, w.cursor, sizeof cursor);
		query_end(&w);
	} while (cursor[0] != '\0');
	return buf_str(&f->got);
}

/* The conditions, "name=value name=value", with ids for "@sub0" and such. */
static void
set_all(struct fixture *f, const char *text)
{
	char copy[256], id[ID_MAX], *rest = copy, *p;

	f->query = (struct query){ .nref = 0 };
	snprintf(copy, sizeof copy, "%s", text);
	while (rest != NULL && *rest != '\0') {
		const char *given;

		p = strsep(&rest, " ");
		given = strchr(p, '=') + 1;
		p[given - p - 1] = '\0';
		if (strncmp(given, "@sub", 4) == 0) {
			store_record_id(f->b->st, STORE_SUBSCRIPTION,
			    f->sub[given[4] - '0'], id);
			given = id;
		} else if (strncmp(given, "@cli", 4) == 0) {
			store_record_id(f->b->st, STORE_CLIENT,
			    f->client[given[4] - '0'], id);
			given = id;
		} else if (strncmp(given, "@evt", 4) == 0) {
			store_event_id(f->b->st,
			    f->position[given[4] - '0'], id);
			given = id;
		}
		/* ids are on this stack and copied into numbers; the values
		   of references are those of copy, which ends with us */
		want_rc(set(f, p, given), RC_OK, "%s: %s", p,
		    buf_str(&f->b->why));
	}
	for (size_t i = 0; i < f->query.nref; i++)
		f->query.ref[i].value.s = text + (f->query.ref[i].value.s -
		    copy);
}

static void
each_condition_finds_what_it_says(void **state)
{
	static const struct { const char *query, *want; } t[] = {
		{ "", "5.0 5.1 5.2 4.0 4.1 4.2 3.0 3.1 3.2 2.0 2.1 2.2 "
		    "1.0 1.1 1.2 0.0 0.1 0.2" },
		{ "state=delivered", "0.1 0.0" },
		{ "state=DEAD", "3.2 1.1 1.0" },
		{ "state=pending subscription=@sub0", "3.0 4.0 5.0 2.0" },
		{ "state=held", "" },
		{ "reason=exhausted", "3.2 1.1" },
		{ "reason=gone", "1.0" },
		{ "reason=gone state=delivered", "" },
		{ "subscription=@sub0", "3.0 4.0 5.0 2.0 1.0 0.0" },
		{ "client=@cli1 state=dead", "3.2" },
		{ "client=@cli0 state=dead", "1.1 1.0" },
		{ "client=@cli0 subscription=@sub2", "" },
		{ "client=@cli1 subscription=@sub2 state=dead", "3.2" },
		{ "event=OrderCreated state=dead", "3.2 1.1 1.0" },
		{ "event=OrderTicketed state=dead", "" },
		{ "event=@evt1", "1.0 1.1 1.2" },
		{ "event=@evt1 state=dead client=@cli0", "1.0 1.1" },
		{ "code=5xx", "3.2 0.2" },
		{ "code=503", "0.2" },
		{ "code=2XX", "0.0 0.1" },
		{ "code=410 state=dead", "1.0" },
		{ "code=0", "2.0 1.1" },	/* attempted, no answer */
		{ "word=timeout", "2.0" },
		{ "word=http state=pending", "0.2" },
		{ "since=2s state=delivered", "0.1" },
		{ "until=2s state=delivered", "0.0" },
		{ "since=2001-09-09T01:46:36Z until=2001-09-09T01:46:39.900Z",
		    "1.1 0.1 1.0" },
		{ "ref=A-1", "1.0 1.1 1.2" },
		{ "ref=agwID=a-1", "1.0 1.1 1.2" },
		{ "agwid=A-1 state=dead", "1.0 1.1" },
		{ "pnr=early client=@cli1", "2.2 1.2 0.2" },
		{ "recordLocator=EARLY", "4.0 4.1 4.2" },
		{ "ref=EARLY subscription=@sub1", "4.1 2.1 1.1 0.1" },
		{ "ref=EARLY ref=OTHER subscription=@sub1", "2.1 1.1 0.1" },
		{ "mail=ana@A.example state=delivered", "0.0 0.1" },
		{ "pnr=NONE", "" },
		{ "test=true", "4.0 4.1 4.2" },
		{ "test=true state=dead", "" },
		{ "test=false state=pending subscription=@sub0",
		    "3.0 5.0 2.0" },
		{ "phone=12345", "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		set_all(f, t[i].query);
		want_i64(query_is_set(&f->query), t[i].query[0] != '\0',
		    "is set, %s", t[i].query);
		for (size_t max = 1; max < 5; max++)
			want_str(listed(f, max), t[i].want, "%s by %zu",
			    t[i].query, max);
		want_str(listed(f, QUERY_PAGE), t[i].want, "%s",
		    t[i].query);
	}
}

static void
held_is_what_is_pending_for_a_subscription_that_is_not_active(void **state)
{
	struct fixture *f = *state;

	want_rc(subscription_set_state(&f->b->config, f->sub[0],
	    SUBSCRIPTION_PAUSED, "", &f->b->why), RC_OK, "pause");
	roster_release(f->r);
	f->r = bench_roster(f->b->rosters);
	set_all(f, "state=held");
	want_str(listed(f, 3), "3.0 4.0 5.0 2.0", "held");
	set_all(f, "state=held client=@cli1");
	want_str(listed(f, 3), "", "held, of another client");
	set_all(f, "state=pending");
	want_str(listed(f, 3), "2.1 3.1 4.1 5.1 1.2 2.2 4.2 5.2 0.2",
	    "pending");
	set_all(f, "state=pending client=@cli0");
	want_str(listed(f, 3), "2.1 3.1 4.1 5.1", "pending of its client");
	set_all(f, "state=pending subscription=@sub0");
	want_str(listed(f, 3), "", "pending of it");
}

static void
of_a_removed_subscription_everything_is_still_found(void **state)
{
	struct fixture *f = *state;

	want_rc(subscription_remove(&f->b->config, f->sub[0], &f->b->why),
	    RC_OK, "remove");
	roster_release(f->r);
	f->r = bench_roster(f->b->rosters);
	set_all(f, "subscription=@sub0");
	want_str(listed(f, 3), "3.0 4.0 5.0 2.0 1.0 0.0", "all of it");
	set_all(f, "state=pending subscription=@sub0");
	want_str(listed(f, 3), "3.0 4.0 5.0 2.0", "pending");
	set_all(f, "client=@cli0 state=dead");
	want_str(listed(f, 3), "1.1", "of its client, what it has");
}

static void
what_is_no_condition_is_refused_with_what_was_meant(void **state)
{
	static const struct { const char *name, *value, *says; enum rc rc; }
	t[] = {
		{ "stat", "dead", "did you mean state?", RC_INVALID },
		{ "pnrr", "X", "did you mean pnr?", RC_INVALID },
		{ "colour", "red", "there is no condition \"colour\"",
		    RC_INVALID },
		{ "state", "deda", "did you mean dead?", RC_INVALID },
		{ "state", "", "pending, held, delivered or dead",
		    RC_INVALID },
		{ "reason", "exausted", "did you mean exhausted?",
		    RC_INVALID },
		{ "test", "yes", "test must be true or false", RC_INVALID },
		{ "word", "timeuot", "did you mean timeout?", RC_INVALID },
		{ "event", "OrderTicketd", "did you mean OrderTicketed?",
		    RC_INVALID },
		{ "event", "evt_1", "is not the id of an event",
		    RC_NOTFOUND },
		{ "subscription", "cli_1", "not the id of a subscription",
		    RC_NOTFOUND },
		{ "client", "", "not the id of a client", RC_NOTFOUND },
		{ "code", "6x", "a class of them like 5xx", RC_INVALID },
		{ "code", "5x3", "like 5xx", RC_INVALID },
		{ "code", "099", "like 5xx", RC_INVALID },
		{ "code", "00", "like 5xx", RC_INVALID },
		{ "code", "5033", "like 5xx", RC_INVALID },
		{ "since", "yesterday", "since must be a time", RC_INVALID },
		{ "until", "2", "until must be a time", RC_INVALID },
		{ "until", "h", "or how long ago", RC_INVALID },
		{ "since", "-2h", "since must be", RC_INVALID },
		{ "since", "1234567890d", "since must be", RC_INVALID },
		{ "since", "2026-13-01", "since must be", RC_INVALID },
		{ "ref", "color=red", "\"color\" is no reference",
		    RC_INVALID },
		{ "ref", "pnr=", "must not be empty", RC_INVALID },
		{ "pnr", "", "pnr must not be empty", RC_INVALID },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(set(f, t[i].name, t[i].value), t[i].rc, "%s=%s",
		    t[i].name, t[i].value);
		if (strstr(buf_str(&f->b->why), t[i].says) == NULL)
			want_str(buf_str(&f->b->why), t[i].says, "%s=%s",
			    t[i].name, t[i].value);
		assert_null(strchr(buf_str(&f->b->why), '\n'));
	}
	assert_false(query_is_set(&f->query));
	for (int i = 0; i < QUERY_REFS_MAX; i++)
		want_rc(set(f, "ref", "X"), RC_OK, "reference %d", i);
	want_rc(set(f, "pnr", "X"), RC_INVALID, "one more");
}

static void
times_are_points_or_ago(void **state)
{
	static const struct { const char *value; int64_t want; } t[] = {
		{ "90s", NOW - 90000 }, { "30m", NOW - 1800000 },
		{ "2h", NOW - 7200000 }, { "7d", NOW - 604800000 },
		{ "2w", NOW - 1209600000 }, { "0s", NOW },
		{ "99999999w", 1 },
		{ "2001-09-09T01:46:40Z", NOW }, { "2001-09-09 01:46:40", NOW },
		{ "2001-09-09T02:46:40+01:00", NOW },
		{ "2001-09-09", NOW - 6400000 }, { "1960-01-01", 1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(set(f, "since", t[i].value), RC_OK, "%s", t[i].value);
		want_i64(f->query.since_ms, t[i].want, "%s", t[i].value);
	}
}

static void
want_refused(struct fixture *f, const char *cursor, enum rc begun,
    enum rc read)
{
	struct query_walk w;

	buf_clear(&f->b->why);
	want_rc(query_begin(&w, &f->b->config, f->r, &f->query, cursor,
	    &f->b->why), begun, "begin after \"%s\"", cursor);
	if (begun == RC_OK) {
		want_rc(query_next(&w, 1, found, f), read, "after \"%s\"",
		    cursor);
		want_str(w.cursor, cursor, "left as it was");
	} else
		assert_true(f->b->why.len > 0);
	query_end(&w);
}

static void
a_cursor_goes_with_what_was_asked_for(void **state)
{
	struct fixture *f = *state;
	struct query_walk w;
	char cursor[STORE_CURSOR_MAX];

	set_all(f, "state=dead reason=exhausted");
	want_rc(query_begin(&w, &f->b->config, f->r, &f->query, "",
	    &f->b->why), RC_OK, "begin");
	want_rc(query_next(&w, 1, found, f), RC_OK, "next");
	memcpy(cursor, w.cursor, sizeof cursor);
	query_end(&w);
	assert_true(cursor[0] != '\0');
	set_all(f, "state=dead reason=gone");
	want_refused(f, cursor, RC_OK, RC_INVALID);
	set_all(f, "reason=exhausted state=dead");	/* in any order */
	want_rc(query_begin(&w, &f->b->config, f->r, &f->query, cursor,
	    &f->b->why), RC_OK, "begin again");
	want_rc(query_next(&w, 9, found, f), RC_OK, "next");
	want_str(w.cursor, "", "at the end");
	query_end(&w);
	want_refused(f, "nonsense", RC_OK, RC_INVALID);
	memset(cursor, 'a', sizeof cursor - 1);
	cursor[sizeof cursor - 1] = '\0';
	want_refused(f, cursor, RC_OK, RC_INVALID);
	want_refused(f, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", RC_INVALID, RC_OK);
}

static void
what_can_never_hold_is_said(void **state)
{
	struct fixture *f = *state;

	set_all(f, "since=1h until=2h");
	want_refused(f, "", RC_INVALID, RC_OK);
	want_rc(client_remove(&f->b->config, f->client[1], true, &f->b->why),
	    RC_OK, "remove");
	roster_release(f->r);
	f->r = bench_roster(f->b->rosters);
	set_all(f, "client=@cli1");
	want_refused(f, "", RC_NOTFOUND, RC_OK);
}

static void
words_are_known_by_any_case_and_said_to_people(void **state)
{
	struct buf all = BUF_INIT(256);

	(void)state;
	want_str(words_find(WORDS_REASON, SLICE("Given-Up")), "given-up",
	    "case");
	assert_null(words_find(WORDS_ATTEMPT, SLICE("given-up")));
	want_str(words_nearest(WORDS_ATTEMPT, SLICE("tmeout")), "timeout",
	    "nearest");
	assert_null(words_nearest(WORDS_ATTEMPT, SLICE("xxxxxxxx")));
	want_str(words_meaning(WORDS_REASON, "nonsense"), "", "unknown");
	assert_true(words_meaning(WORDS_REASON, "deadline")[0] != '\0');
	words_list(WORDS_STATE, &all);
	want_str(buf_str(&all), "pending, held, delivered or dead", "list");
	buf_free(&all);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_condition_finds_what_it_says),
	    TEST(held_is_what_is_pending_for_a_subscription_that_is_not_active),
	    TEST(of_a_removed_subscription_everything_is_still_found),
	    TEST(what_is_no_condition_is_refused_with_what_was_meant),
	    TEST(times_are_points_or_ago),
	    TEST(a_cursor_goes_with_what_was_asked_for),
	    TEST(what_can_never_hold_is_said),
	    cmocka_unit_test(words_are_known_by_any_case_and_said_to_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
