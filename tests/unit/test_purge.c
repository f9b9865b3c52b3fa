#include <signal.h>
#include "store/bdb_ref.h"
#include "unit_chain.h"

static uint64_t
take(struct store *st, bool test, const char *sender_id, const uint32_t *sub,
    uint32_t n, uint64_t ref)
{
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .sender_id = slice_of(sender_id), .order = SLICE("{}"),
	    .test = test, .subscription = sub, .nsubscription = n,
	    .ref = &ref, .nref = ref != 0 };

	want_rc(store_generation(st, &a.generation), RC_OK, "generation");
	want_rc(store_accept(st, &a, 1), RC_OK, "accept");
	want_rc(a.rc, RC_OK, "its item");
	return a.position;
}

static void
settle(struct store *st, uint64_t position, uint32_t lane, uint16_t ordinal,
    enum store_outcome outcome)
{
	const struct store_attempt at = { .number = 1, .attempt = 1,
	    .word = "http" };
	struct store_due d = due_of(st, position, lane);

	d.key.ordinal = ordinal;
	want_rc(settle_one(st, d, outcome, 1000 + (int64_t)position,
	    5000000000000, &at), RC_OK, "settle");
}

/* Everything to its end; how many steps that took. */
static int
purge_with(struct store *st, struct store_purge *p)
{
	int steps = 0;

	do {
		want_rc(store_purge(st, p), RC_OK, "step %d", steps);
		assert_true(steps++ < 10000);
	} while (p->more);
	want_i64((int64_t)p->position, (int64_t)p->newest, "gone over");
	return steps;
}

static struct store_purge
purge_tests(struct store *st)
{
	struct store_purge p = { .tests = true, .before_ms = INT64_MAX };

	purge_with(st, &p);
	return p;
}

static size_t
rows(struct store *st, enum bdb_file file)
{
	struct bdb_cur c;
	size_t n = 0;

	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_cur_open(st, NULL, file, true, &c), RC_OK, "cursor");
	while (bdb_cur_next(&c) == RC_OK)
		n++;
	bdb_cur_close(&c);
	bdb_leave(st);
	return n;
}

static bool
there(struct store *st, uint64_t position)
{
	struct store_event ev = STORE_EVENT_INIT;
	enum rc rc = store_event_get(st, position, &ev);

	store_event_clear(&ev);
	return rc == RC_OK;
}

static size_t
referred(struct store *st, uint64_t ref)
{
	uint64_t position[64];
	size_t n;

	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_ref_find(st, ref, 0, position, 64, &n), RC_OK, "find");
	bdb_leave(st);
	return n;
}

static void
a_test_goes_with_all_that_is_its_own(void **state)
{
	struct fixture *f = *state;
	const uint32_t sub[] = { 3, 3, 5 };
	struct store_hour before[4], after[4];
	struct store_purge p;
	uint64_t position, real;
	size_t n, m, stats;

	real = take(f->st, false, "real-1", sub, 3, 77);
	for (uint16_t i = 0; i < 2; i++)
		settle(f->st, real, 3, i, STORE_DEAD);
	settle(f->st, real, 5, 0, STORE_RETRIED);
	position = take(f->st, true, "test-1", sub, 3, 77);
	settle(f->st, position, 3, 0, STORE_DELIVERED);
	settle(f->st, position, 3, 1, STORE_DEAD);
	settle(f->st, position, 5, 0, STORE_DEAD);
	want_i64((int64_t)referred(f->st, 77), 2, "found before");
	stats = rows(f->st, BDB_STAT);
	want_rc(store_hours(f->st, 0, 0, NULL, before, 4, &n), RC_OK, "hours");

	p = purge_tests(f->st);
	want_i64((int64_t)p.events, 1, "events");
	want_i64((int64_t)p.deliveries, 3, "deliveries");
	want_i64((int64_t)p.kept, 0, "kept");
	assert_false(there(f->st, position));
	assert_true(there(f->st, real));
	want_rc(store_sender(f->st, SLICE("test-1"), &position), RC_NOTFOUND,
	    "its sender's id");
	want_rc(store_sender(f->st, SLICE("real-1"), &position), RC_OK,
	    "another's");
	want_i64((int64_t)referred(f->st, 77), 1, "found after");
	want_i64((int64_t)rows(f->st, BDB_DELIVERY), 6, "rows of deliveries");
	want_i64((int64_t)rows(f->st, BDB_DONE), 4, "lists of what is done");
	want_i64((int64_t)rows(f->st, BDB_DUE), 1, "due");
	want_i64((int64_t)rows(f->st, BDB_STAT), (int64_t)stats, "sums");
	want_rc(store_hours(f->st, 0, 0, NULL, after, 4, &m), RC_OK, "hours");
	want_i64((int64_t)m, (int64_t)n, "hours");
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(&before[i], &after[i], sizeof before[i]);
	want_sound(f->st);
	p = purge_tests(f->st);
	want_i64((int64_t)(p.events + p.kept), 0, "once more");
}

static void
what_is_on_its_way_stays(void **state)
{
	struct fixture *f = *state;
	const uint32_t sub[] = { 3, 5 };
	uint64_t untried = take(f->st, true, NULL, sub, 2, 0);
	uint64_t retried = take(f->st, true, NULL, sub, 2, 0);
	uint64_t nobody = take(f->st, true, NULL, NULL, 0, 0);
	struct store_purge p;

	settle(f->st, untried, 3, 0, STORE_DELIVERED);
	settle(f->st, retried, 3, 0, STORE_DELIVERED);
	settle(f->st, retried, 5, 0, STORE_RETRIED);
	p = purge_tests(f->st);
	want_i64((int64_t)p.events, 1, "events");
	want_i64((int64_t)p.kept, 2, "kept");
	assert_true(there(f->st, untried) && there(f->st, retried));
	assert_false(there(f->st, nobody));
	want_sound(f->st);
}

/* A timer makes its event of that one's order. */
static void
what_set_a_timer_that_is_to_come_stays(void **state)
{
	struct fixture *f = *state;
	struct store_timer_change set = { .to = {
	    { STORE_TIMER_SET, 1000 }, { STORE_TIMER_SET, 2000 } } };
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .order = SLICE("{\"agwID\":\"A\"}"), .test = true,
	    .timers = &set };
	struct store_purge p;
	bool merged, more;

	memset(&set.order, 7, sizeof set.order);
	want_rc(store_generation(f->st, &a.generation), RC_OK, "generation");
	want_rc(store_accept(f->st, &a, 1), RC_OK, "accept");
	want_rc(a.rc, RC_OK, "accepted");
	p = purge_tests(f->st);
	want_i64((int64_t)p.kept, 1, "kept before it is merged");
	want_rc(store_timer_merge(f->st, 500, &merged, &more), RC_OK, "merge");
	p = purge_tests(f->st);
	want_i64((int64_t)p.kept, 1, "kept afterwards");
	assert_true(there(f->st, a.position));
	set.to[0].what = set.to[1].what = STORE_TIMER_REMOVE;
	want_rc(store_accept(f->st, &a, 1), RC_OK, "accept");
	want_rc(store_timer_merge(f->st, 500, &merged, &more), RC_OK, "merge");
	p = purge_tests(f->st);
	want_i64((int64_t)p.events, 2, "both, once it is removed");
	want_sound(f->st);
}

static void
what_is_too_young_stays(void **state)
{
	struct fixture *f = *state;
	uint64_t one = take(f->st, true, NULL, NULL, 0, 0);
	struct store_purge p;
	struct store_event ev = STORE_EVENT_INIT;

	want_rc(store_event_get(f->st, one, &ev), RC_OK, "event");
	p = (struct store_purge){ .tests = true,
	    .before_ms = ev.accepted_ms };
	purge_with(f->st, &p);
	want_i64((int64_t)(p.events + p.kept), 0, "young");
	assert_true(there(f->st, one));
	p = (struct store_purge){ .tests = true,
	    .before_ms = ev.accepted_ms + 1 };
	purge_with(f->st, &p);
	want_i64((int64_t)p.events, 1, "old enough");
	store_event_clear(&ev);
}

static void
a_dry_run_counts_and_leaves_everything(void **state)
{
	struct fixture *f = *state;
	const uint32_t sub[] = { 3, 3 };
	struct store_purge p = { .tests = true, .before_ms = INT64_MAX,
	    .dry = true };
	uint64_t position = take(f->st, true, "t", sub, 2, 9);

	(void)take(f->st, true, NULL, sub, 2, 9);
	for (uint16_t i = 0; i < 2; i++)
		settle(f->st, position, 3, i, STORE_DELIVERED);
	purge_with(f->st, &p);
	want_i64((int64_t)p.events, 1, "events");
	want_i64((int64_t)p.deliveries, 2, "deliveries");
	want_i64((int64_t)p.kept, 1, "kept");
	assert_true(there(f->st, position));
	want_i64((int64_t)referred(f->st, 9), 2, "references");
	want_sound(f->st);
}

static void
without_the_condition_any_event_goes(void **state)
{
	struct fixture *f = *state;
	struct store_purge p = { .before_ms = INT64_MAX };

	(void)take(f->st, false, NULL, NULL, 0, 0);
	(void)take(f->st, true, NULL, NULL, 0, 0);
	purge_with(f->st, &p);
	want_i64((int64_t)p.events, 2, "events");
	want_i64((int64_t)rows(f->st, BDB_EVENT), 0, "rows");
}

/* More deliveries than a transaction removes: it goes in parts. */
enum { CROWD = 3000 };

static uint64_t
crowd(struct store *st)
{
	struct store_fanout fan = STORE_FANOUT_INIT;
	struct store_bury b = { .upto = UINT64_MAX,
	    .due_before_ms = INT64_MAX, .reason = "given-up", .now_ms = 77,
	    .max = STORE_BURY_MAX };
	uint32_t *sub = calloc(CROWD, sizeof *sub);
	uint64_t position;

	assert_non_null(sub);
	for (uint32_t i = 0; i < CROWD; i++)
		sub[i] = 1 + i / 30;
	position = take(st, true, "crowd", sub, CROWD, 5);
	do
		want_rc(store_fanout(st, &fan), RC_OK, "fan out");
	while (fan.more);
	store_fanout_clear(&fan);
	for (b.lane = 1; b.lane <= CROWD / 30; b.lane++) {
		b.begun = false;
		want_rc(store_bury(st, &b), RC_OK, "bury");
		want_i64((int64_t)b.n, 30, "buried");
	}
	free(sub);
	return position;
}

static void
a_crowd_goes_in_parts_that_hold_together(void **state)
{
	struct fixture *f = *state;
	uint64_t position = crowd(f->st);
	struct store_purge p = { .tests = true, .before_ms = INT64_MAX };
	int steps = 0;
	bool part = false;

	do {
		size_t left;

		want_rc(store_purge(f->st, &p), RC_OK, "step");
		left = rows(f->st, BDB_DELIVERY);
		part = part || (left > 0 && left < CROWD);
		want_sound(f->st);
		assert_true(steps++ < 100);
	} while (p.more);
	assert_true(part);
	want_i64((int64_t)p.events, 1, "events");
	want_i64((int64_t)p.deliveries, CROWD, "deliveries");
	assert_false(there(f->st, position));
	want_i64((int64_t)rows(f->st, BDB_DONE), 0, "lists");
	want_i64((int64_t)rows(f->st, BDB_SENDER), 0, "senders");
}

static void
a_crowd_left_half_gone_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct store_purge p = { .tests = true, .before_ms = INT64_MAX };
	size_t left;

	(void)crowd(f->st);
	do {
		want_rc(store_purge(f->st, &p), RC_OK, "step");
		left = rows(f->st, BDB_DELIVERY);
	} while (left == CROWD);
	assert_true(left > 0);
	p = purge_tests(f->st);
	want_i64((int64_t)p.events, 1, "events");
	want_i64((int64_t)p.deliveries, (int64_t)left, "deliveries");
	want_i64((int64_t)rows(f->st, BDB_DELIVERY), 0, "rows");
	want_sound(f->st);
}

/* Spans far apart, with references in their recent and long-term places. */
static void
references_go_from_wherever_they_lie(void **state)
{
	enum { BATCH = 1000 };
	struct fixture *f = *state;
	struct store_accept *a = calloc(BATCH, sizeof *a);
	uint64_t ref[2] = { 1, 2 }, generation;
	uint32_t moved = 0;
	struct store_purge p;
	size_t all = 0;

	assert_non_null(a);
	want_rc(store_generation(f->st, &generation), RC_OK, "generation");
	/* three buckets: the first is moved by then, the others are not */
	for (int k = 0; k < 33; k++) {
		for (int i = 0; i < BATCH; i++, all++)
			a[i] = (struct store_accept){ .type = SLICE("x"),
			    .order = SLICE("{}"), .generation = generation,
			    .test = all % 1000 < 2, .ref = &ref[all % 2],
			    .nref = all % 1000 < 4 };
		want_rc(store_accept(f->st, a, BATCH), RC_OK, "accept");
	}
	want_rc(store_maintain(f->st), RC_OK, "maintain");
	want_rc(bdb_enter(f->st), RC_OK, "enter");
	want_rc(ref_read_moved(f->st, NULL, &moved), RC_OK, "moved");
	bdb_leave(f->st);
	want_i64(moved, 1, "buckets moved");
	want_i64((int64_t)referred(f->st, 1), 64, "before");
	p = purge_tests(f->st);
	want_i64((int64_t)p.events, 66, "events");
	want_i64((int64_t)referred(f->st, 1), 33, "after");
	want_i64((int64_t)referred(f->st, 2), 33, "after");
	want_i64((int64_t)rows(f->st, BDB_EVENT), 33 * BATCH - 66, "events");
	free(a);
}

/* Each child purges until it is killed, in one of its steps. */
static void
killed_at_any_moment_it_leaves_a_store_that_holds_together(void **state)
{
	struct fixture *f = *state;
	const uint32_t sub[] = { 3, 3, 5 };
	uint64_t position, real = 0;
	struct store_purge p;

	for (int i = 0; i < 120; i++) {
		char id[16];

		snprintf(id, sizeof id, "id-%d", i);
		position = take(f->st, i % 3 != 0, id, sub, 3, 7);
		real += i % 3 == 0;
		settle(f->st, position, 3, 0, STORE_DELIVERED);
		settle(f->st, position, 3, 1, STORE_DEAD);
		settle(f->st, position, 5, 0, STORE_DEAD);
	}
	(void)crowd(f->st);
	store_close(f->st);
	for (int i = 0; i < 12; i++) {
		pid_t pid = fork();
		struct timespec ts = { 0, 2000000 + 3000000 * i };
		int status;

		assert_true(pid != -1);
		if (pid == 0) {
			f->st = place_open(&f->place, false);
			for (;;)
				(void)purge_tests(f->st);
		}
		nanosleep(&ts, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		f->st = place_open(&f->place, false);
		want_sound(f->st);
		store_close(f->st);
	}
	f->st = place_open(&f->place, false);
	p = purge_tests(f->st);
	want_i64((int64_t)p.kept, 0, "kept");
	want_i64((int64_t)rows(f->st, BDB_EVENT), (int64_t)real, "events");
	want_i64((int64_t)rows(f->st, BDB_SENDER), (int64_t)real, "senders");
	want_i64((int64_t)rows(f->st, BDB_DELIVERY), (int64_t)real * 6,
	    "deliveries and attempts");
	want_i64((int64_t)rows(f->st, BDB_DONE), (int64_t)real * 5, "lists");
	want_sound(f->st);
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, fixture_make, \
		    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_test_goes_with_all_that_is_its_own),
	    TEST(what_is_on_its_way_stays),
	    TEST(what_set_a_timer_that_is_to_come_stays),
	    TEST(what_is_too_young_stays),
	    TEST(a_dry_run_counts_and_leaves_everything),
	    TEST(without_the_condition_any_event_goes),
	    TEST(a_crowd_goes_in_parts_that_hold_together),
	    TEST(a_crowd_left_half_gone_is_found_again),
	    TEST(references_go_from_wherever_they_lie),
	    TEST(killed_at_any_moment_it_leaves_a_store_that_holds_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
