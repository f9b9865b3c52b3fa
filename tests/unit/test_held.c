#include "unit_events.h"
#include "unit_roster.h"
#include "unit_shape.h"
#include "deliver/held.h"

#define DAY	INT64_C(86400000)
#define NOW	(1000 * DAY)
#define LANE	5
#define TASK	"{\"event\":[\"OrderTicketed\"],"			\
	"\"httpRequest\":{\"url\":\"https://a.example/\"}}"

static const struct conf conf = { .retention_held_days = 30,
    .limits_pending = 1000 };
static const struct crypt ours;

/* A subscription as its record would be. */
struct is {
	enum subscription_state state;
	int64_t		since_ms;
	uint64_t	drop_upto;
	const char	*task;
};

static const struct subscription *
put(struct roster *r, const struct is *is)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct buf task = BUF_INIT(4096), keys = BUF_INIT(4096);
	struct buf body = BUF_INIT(STORE_RECORD_MAX);

	crypt_seal(&ours, slice_of(is->task), &task);
	crypt_seal(&ours, SLICE("\0\4key!"), &keys);
	s.client = 1;
	s.state = is->state;
	s.since_ms = is->since_ms;
	s.drop_upto = is->drop_upto;
	s.reason = SLICE("");
	s.interest = SLICE("{\"event\":[\"OrderTicketed\"],\"filter\":[]}");
	s.task = buf_as_slice(&task);
	s.secrets = buf_as_slice(&keys);
	subscription_record_write(&s, &body);
	roster_put(r, STORE_SUBSCRIPTION, LANE, &ours, &body);
	buf_free(&task);
	buf_free(&keys);
	buf_free(&body);
	return roster_subscription(r, LANE);
}

struct want {
	const char	*reason;	/* NULL: no ask */
	uint64_t	 upto;
	int64_t		 due_before_ms;
};

static void
what_is_buried_follows_from_state_age_and_number(void **state)
{
	static const struct {
		const char	*name;
		struct is	 is;
		uint64_t	 pending;
		int64_t		 oldest_ms;
		struct want	 want[3];
		uint64_t	 over;
	} t[] = {
		{ "active, old and many", { SUBSCRIPTION_ACTIVE, 0, 0, TASK },
		    5000, 0, { { 0 } }, 0 },
		{ "paused lately", { SUBSCRIPTION_PAUSED, NOW - DAY, 0, TASK },
		    1000, NOW - 40 * DAY, { { 0 } }, 0 },
		{ "paused for as long as rows wait",
		    { SUBSCRIPTION_PAUSED, NOW - 30 * DAY - 1, 0, TASK }, 1000,
		    NOW - 30 * DAY - 1,
		    { { "expired", UINT64_MAX, NOW - 30 * DAY } }, 0 },
		{ "a moment before that",
		    { SUBSCRIPTION_PAUSED, NOW - 30 * DAY, 0, TASK }, 1000,
		    NOW - 30 * DAY - 1, { { 0 } }, 0 },
		{ "long paused, and its rows are young",
		    { SUBSCRIPTION_PAUSED, 1, 0, TASK }, 1000,
		    NOW - 30 * DAY, { { 0 } }, 0 },
		{ "disabled, and too much", { SUBSCRIPTION_DISABLED, NOW, 0,
		    TASK }, 1003, NOW, { { "overflow", UINT64_MAX,
		    INT64_MAX } }, 3 },
		{ "old and too much", { SUBSCRIPTION_PAUSED, 1, 0, TASK },
		    1001, 1, { { "expired", UINT64_MAX, NOW - 30 * DAY },
		    { "overflow", UINT64_MAX, INT64_MAX } }, 1 },
		{ "held for its task", { SUBSCRIPTION_ACTIVE, 1, 0, "{}" },
		    10, 1, { { "expired", UINT64_MAX, NOW - 30 * DAY } }, 0 },
		{ "just resumed with drop", { SUBSCRIPTION_ACTIVE,
		    NOW - HELD_DROP_MS, 77, TASK }, 1, NOW,
		    { { "given-up", 77, INT64_MAX } }, 0 },
		{ "resumed with drop long ago", { SUBSCRIPTION_ACTIVE,
		    NOW - HELD_DROP_MS - 1, 77, TASK }, 1, NOW,
		    { { "given-up", 77, NOW - HELD_DROP_MS } }, 0 },
		{ "dropped, paused again, and too much", {
		    SUBSCRIPTION_PAUSED, NOW, 77, TASK }, 1001, NOW,
		    { { "given-up", 77, INT64_MAX }, { "overflow", UINT64_MAX,
		    INT64_MAX } }, 1 },
		{ "nothing there", { SUBSCRIPTION_PAUSED, 1, 77, TASK }, 0, 0,
		    { { 0 } }, 0 },
	};
	struct catalog *c = unit_catalog();

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct store_lane l = { LANE, t[i].pending, t[i].pending,
		    t[i].oldest_ms };
		struct roster *r = roster_new(c);
		struct held h;
		size_t n = 0;

		roster_put_client(r, 1, NULL);
		h = held_plan(&conf, put(r, &t[i].is), &l, NOW);
		while (n < 3 && t[i].want[n].reason != NULL)
			n++;
		want_i64((int64_t)h.n, (int64_t)n, "%s: asks", t[i].name);
		want_i64(held_left(&h), n > 0, "%s: left", t[i].name);
		want_i64((int64_t)h.over, (int64_t)t[i].over, "%s: over",
		    t[i].name);
		for (size_t j = 0; j < n; j++) {
			const struct want *w = &t[i].want[j];

			want_str(h.ask[j].reason, w->reason, "%s", t[i].name);
			want_i64(h.ask[j].lane, LANE, "%s", t[i].name);
			want_i64((int64_t)h.ask[j].upto, (int64_t)w->upto,
			    "%s: upto", t[i].name);
			want_i64(h.ask[j].due_before_ms, w->due_before_ms,
			    "%s: before", t[i].name);
			want_i64(h.ask[j].now_ms, NOW, "%s: now", t[i].name);
		}
		roster_release(r);
	}
	catalog_free(c);
}

static void
what_a_dead_endpoint_left_for_a_week_is_past_its_deadline(void **state)
{
	const int64_t old = NOW - 8 * DAY, young = NOW - 6 * DAY;
	const struct {
		const char	*name;
		int64_t		 since_ms, oldest_ms;
		struct store_health health;
		bool		 dies;
	} t[] = {
		{ "dead for a week", old, old, { .failures = 9,
		    .first_failure_ms = old, .last_failure_ms = NOW }, true },
		{ "not probing", old, old, { .failures = 4,
		    .first_failure_ms = old }, false },
		{ "failing of late", old, old, { .failures = 9,
		    .first_failure_ms = young }, false },
		{ "a success of late", old, old, { .failures = 9,
		    .first_failure_ms = old, .last_success_ms = young },
		    false },
		{ "resumed of late", young, old, { .failures = 9,
		    .first_failure_ms = old }, false },
		{ "nothing that old", old, young, { .failures = 9,
		    .first_failure_ms = old }, false },
	};
	struct catalog *c = unit_catalog();

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		const struct is is = { SUBSCRIPTION_ACTIVE, t[i].since_ms, 0,
		    TASK };
		struct store_lane l = { LANE, 1, 1, t[i].oldest_ms };
		struct roster *r = roster_new(c);
		struct held h;

		roster_put_client(r, 1, NULL);
		h = held_overdue(put(r, &is), &t[i].health, &l, NOW);
		want_i64(held_left(&h), t[i].dies, "%s", t[i].name);
		if (t[i].dies) {
			want_str(h.ask[0].reason, "deadline", "reason");
			want_i64(h.ask[0].due_before_ms, NOW - 7 * DAY,
			    "before");
		}
		roster_release(r);
	}
	catalog_free(c);
}

static void
all_of_a_removed_subscription_is_given_up(void **state)
{
	struct store_lane l = { LANE, 1, 1, NOW };
	struct held h = held_plan(&conf, NULL, &l, NOW);

	(void)state;
	want_i64((int64_t)h.n, 1, "asks");
	want_str(h.ask[0].reason, "given-up", "reason");
	want_i64((int64_t)h.ask[0].upto, -1, "upto");
	want_i64(h.ask[0].due_before_ms, INT64_MAX, "before");
}

static void
a_row_was_dropped_if_its_event_was_there_by_then(void **state)
{
	struct catalog *c = unit_catalog();
	struct roster *r = roster_new(c);
	const struct subscription *s;
	struct store_due d = { .key = { 77, LANE, 0 } };

	(void)state;
	roster_put_client(r, 1, NULL);
	s = put(r, &(struct is){ SUBSCRIPTION_ACTIVE, 1, 77, TASK });
	assert_true(held_dropped(s, &d));
	d.key.position = 78;
	assert_false(held_dropped(s, &d));
	roster_release(r);
	catalog_free(c);
}

/* Steps until nothing is left to do; how many rows they buried. */
static size_t
run(struct store *st, struct held *h)
{
	size_t all = 0, n;

	for (int steps = 0; held_left(h); steps++) {
		want_rc(held_step(st, h, &n), RC_OK, "step");
		assert_true(n <= STORE_BURY_MAX);
		assert_true(steps < 100);
		all += n;
	}
	return all;
}

static int64_t
count(struct store *st, uint64_t first, uint64_t n, const char *reason)
{
	struct store_delivery d;
	int64_t found = 0;

	for (uint64_t i = 0; i < n; i++) {
		want_rc(store_delivery_get(st, (struct store_key){ first + i,
		    LANE, 0 }, &d), RC_OK, "delivery");
		found += strcmp(d.reason, reason) == 0;
	}
	return found;
}

/*
 * What has expired makes room, so no more than is still too much overflows:
 * the oldest.
 */
static void
the_oldest_overflow_once_what_is_too_old_is_gone(void **state)
{
	enum { N = 900 };
	struct fixture *f = *state;
	struct catalog *c = unit_catalog();
	struct roster *r = roster_new(c);
	struct conf few = conf;
	struct store_lane l;
	struct store_due old;
	uint64_t first;
	struct held h;
	int64_t now_ms;
	size_t n;

	roster_put_client(r, 1, NULL);
	first = events_to(f->st, LANE, N);
	/* two that have waited for long */
	for (uint64_t i = 100; i < 102; i++) {
		old = due_of(f->st, first + i, LANE);
		want_rc(settle_one(f->st, old, STORE_RETRIED, 1,
		    old.due_ms - 31 * DAY, NULL), RC_OK, "make it old");
	}
	now_ms = old.due_ms;
	few.limits_pending = 500;
	want_rc(store_lanes(f->st, 0, now_ms, &l, 1, &n), RC_OK, "lanes");
	want_i64((int64_t)l.pending, N, "pending");
	h = held_plan(&few, put(r, &(struct is){ SUBSCRIPTION_PAUSED, 1, 0,
	    TASK }), &l, now_ms);
	want_i64((int64_t)run(f->st, &h), 400, "buried");
	want_i64(count(f->st, first, N, "expired"), 2, "expired");
	want_i64(count(f->st, first, N, "overflow"), 398, "overflow");
	want_i64(count(f->st, first, 400, ""), 0, "young ones among them");
	want_rc(store_lanes(f->st, 0, now_ms, &l, 1, &n), RC_OK, "lanes");
	want_i64((int64_t)l.pending, 500, "left");
	h = held_plan(&few, put(r, &(struct is){ SUBSCRIPTION_PAUSED, 1, 0,
	    TASK }), &l, now_ms);
	want_i64((int64_t)h.n, 0, "nothing more to do");
	want_sound(f->st);
	roster_release(r);
	catalog_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_buried_follows_from_state_age_and_number),
		cmocka_unit_test(all_of_a_removed_subscription_is_given_up),
		cmocka_unit_test(
		    what_a_dead_endpoint_left_for_a_week_is_past_its_deadline),
		cmocka_unit_test(
		    a_row_was_dropped_if_its_event_was_there_by_then),
		TEST(the_oldest_overflow_once_what_is_too_old_is_gone),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
