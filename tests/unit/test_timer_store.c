/*
 * Timers in the store: what changes come to, what is due, and that one fires
 * once.
 */
#include <signal.h>
#include "unit_timer.h"

#define DAY	INT64_C(86400000)
#define TEXT	BUF_INIT(4096)

static void
want_due(struct fixture *f, int64_t now_ms, const char *want)
{
	struct buf got = TEXT;

	merge_all(f->st, now_ms);
	want_str(due_at(f->st, now_ms, 10, &got), want, "due at %d",
	    (int)now_ms);
	buf_free(&got);
}

/* The first timer that is due. */
static struct store_timer
first_due(struct fixture *f, int64_t now_ms)
{
	struct store_timer t;
	int64_t next;
	size_t n;

	want_rc(store_timer_due(f->st, now_ms, &t, 1, &n, &next), RC_OK,
	    "due");
	want_i64((int64_t)n, 1, "due");
	return t;
}

static enum rc
fire(struct fixture *f, struct store_timer t)
{
	uint64_t position;

	return accept_timer(f->st, NULL, &t, &position);
}

static void
the_latest_change_holds_and_each_is_due_in_its_time(void **state)
{
	struct fixture *f = *state;

	event_that(f->st, set_of(1, 100, 900));
	event_that(f->st, set_of(2, 300, 400));
	want_due(f, 50, "next 100");
	want_due(f, 100, "1s@100#1, next 300");
	event_that(f->st, set_of(1, 350, 900));
	want_due(f, 400, "2s@300#2 1s@350#3 2c@400#2, next 900");
	event_that(f->st, change_of(2, STORE_TIMER_REMOVE, 0,
	    STORE_TIMER_REMOVE, 0));
	want_due(f, 400, "1s@350#3, next 900");
	event_that(f->st, change_of(1, STORE_TIMER_LEAVE, 0, STORE_TIMER_SET,
	    -5));
	want_due(f, 400, "1c@-5#5 1s@350#3");
	want_sound(f->st);
}

static void
one_long_past_is_kept_but_never_begun(void **state)
{
	struct fixture *f = *state;

	event_that(f->st, change_of(1, STORE_TIMER_RENEW, 100,
	    STORE_TIMER_LEAVE, 0));
	want_due(f, 1000, "");
	event_that(f->st, set_of(1, 100, 900));
	event_that(f->st, change_of(1, STORE_TIMER_RENEW, 100,
	    STORE_TIMER_RENEW, 901));
	want_due(f, 1000, "1s@100#3");
	want_sound(f->st);
}

static void
a_time_that_fired_never_fires_again(void **state)
{
	struct fixture *f = *state;
	struct store_timer t;

	event_that(f->st, set_of(1, 100, 900));
	merge_all(f->st, 100);
	t = first_due(f, 100);
	want_rc(fire(f, t), RC_OK, "fire");
	want_rc(fire(f, t), RC_NOTFOUND, "again");
	want_due(f, 100, "next 900");
	event_that(f->st, set_of(1, 100, 900));
	want_due(f, 900, "1c@900#3");
	event_that(f->st, set_of(1, 200, 900));	/* it was moved */
	want_due(f, 899, "1s@200#4, next 900");
	want_rc(fire(f, first_due(f, 200)), RC_OK, "fire the other");
	event_that(f->st, set_of(1, 100, 900));	/* and back */
	want_due(f, 899, "next 900");
	event_that(f->st, change_of(1, STORE_TIMER_REMOVE, 0,
	    STORE_TIMER_REMOVE, 0));
	event_that(f->st, set_of(1, 200, 1000));	/* cancelled, and not */
	want_due(f, 999, "next 1000");
	want_sound(f->st);
}

static void
what_was_told_by_others_never_fires(void **state)
{
	struct fixture *f = *state;

	event_that(f->st, set_of(1, 100, 900));
	event_that(f->st, change_of(1, STORE_TIMER_OVER, 0,
	    STORE_TIMER_LEAVE, 0));
	want_due(f, 100, "next 900");
	event_that(f->st, set_of(1, 100, 900));
	want_due(f, 100, "next 900");
	event_that(f->st, change_of(1, STORE_TIMER_LEAVE, 0,
	    STORE_TIMER_HAPPENED, 950));
	want_due(f, 2000, "");
	event_that(f->st, set_of(1, 100, 950));
	want_due(f, 2000, "");
	event_that(f->st, set_of(1, 100, 900));	/* that one never happened */
	want_due(f, 2000, "1c@900#6");
	want_sound(f->st);
}

/* Whether the change is in its place or not, here or in the same call. */
static void
a_claim_that_was_overtaken_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_timer_change cancel = change_of(1, STORE_TIMER_REMOVE, 0,
	    STORE_TIMER_REMOVE, 0);
	struct store_accept a[3];
	struct store_timer t, other;

	event_that(f->st, set_of(1, 100, 900));
	event_that(f->st, set_of(2, 100, 900));
	merge_all(f->st, 100);
	t = first_due(f, 100);
	other = t;
	other.at_ms++;
	want_rc(fire(f, other), RC_NOTFOUND, "another time");
	other = t;
	other.type = STORE_TIMER_COMPLETED;
	want_rc(fire(f, other), RC_NOTFOUND, "another type");
	event_that(f->st, set_of(1, 100, 900));		/* newer order */
	want_rc(fire(f, t), RC_NOTFOUND, "not merged");
	merge_all(f->st, 100);
	want_rc(fire(f, t), RC_NOTFOUND, "of an older event");
	t = first_due(f, 100);
	for (size_t i = 0; i < NELEM(a); i++) {
		a[i] = (struct store_accept){ .type = SLICE("OrderStarted"),
		    .order = SLICE("{}") };
		want_rc(store_generation(f->st, &a[i].generation), RC_OK,
		    "generation");
	}
	a[0].timers = &cancel;
	a[1].fires = &t;
	a[2].timers = &cancel;
	want_rc(store_accept(f->st, a, NELEM(a)), RC_OK, "accept");
	want_rc(a[0].rc, RC_OK, "what comes before");
	want_rc(a[1].rc, RC_NOTFOUND, "the same call");
	want_rc(a[2].rc, RC_OK, "what comes after");
	want_i64((int64_t)(a[2].position - a[0].position), 1, "positions");
	want_due(f, 100, "2s@100#2, next 900");
	want_sound(f->st);
}

static void
one_call_fires_each_claim_once(void **state)
{
	struct fixture *f = *state;
	struct store_accept a[4];
	struct store_timer t[2];
	int64_t next;
	size_t n;

	event_that(f->st, set_of(1, 100, 900));
	event_that(f->st, set_of(2, 100, 900));
	merge_all(f->st, 100);
	want_rc(store_timer_due(f->st, 100, t, 2, &n, &next), RC_OK, "due");
	for (size_t i = 0; i < NELEM(a); i++) {
		a[i] = (struct store_accept){ .type = SLICE("OrderStarted"),
		    .order = SLICE("{}"), .fires = &t[i / 2] };
		want_rc(store_generation(f->st, &a[i].generation), RC_OK,
		    "generation");
	}
	want_rc(store_accept(f->st, a, NELEM(a)), RC_OK, "accept");
	for (size_t i = 0; i < NELEM(a); i++)
		want_rc(a[i].rc, i % 2 == 0 ? RC_OK : RC_NOTFOUND, "claim %zu",
		    i);
	want_due(f, 899, "next 900");
	want_sound(f->st);
}

static void
one_that_nothing_can_be_made_of_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct store_timer t, stale;

	event_that(f->st, set_of(1, 100, 900));
	merge_all(f->st, 100);
	t = stale = first_due(f, 100);
	stale.position++;
	want_rc(store_timer_drop(f->st, &stale), RC_OK, "not as it stands");
	want_due(f, 100, "1s@100#1, next 900");
	want_rc(store_timer_drop(f->st, &t), RC_OK, "drop");
	want_due(f, 100, "next 900");
	event_that(f->st, set_of(1, 100, 900));
	want_due(f, 100, "next 900");
	want_sound(f->st);
}

static bool
holds(struct fixture *f, uint64_t position)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct store_timer t[STORE_TIMERS];
	struct store_order order;
	bool h = false;
	size_t n = 0;

	want_rc(store_event_get(f->st, position, &ev), RC_OK, "event");
	if (ev.timed.s != NULL) {
		memcpy(order.hash, ev.timed.s, sizeof order.hash);
		want_rc(store_timers_of(f->st, order, t, &n), RC_OK, "of");
	}
	for (size_t i = 0; i < n; i++)
		h = h || t[i].position == position;
	store_event_clear(&ev);
	return h;
}

static void
an_event_is_kept_until_its_timers_have_fired_or_moved_on(void **state)
{
	struct fixture *f = *state;
	uint64_t a, b, c;

	a = event_that(f->st, set_of(1, 100, 900));
	assert_true(holds(f, a));
	b = event_that(f->st, change_of(1, STORE_TIMER_SET, 100,
	    STORE_TIMER_LEAVE, 0));
	c = event_that(f->st, change_of(2, STORE_TIMER_REMOVE, 0,
	    STORE_TIMER_REMOVE, 0));
	for (int merged = 0; merged < 2; merged++) {
		assert_true(holds(f, a));	/* for the arrival */
		assert_true(holds(f, b));
		assert_false(holds(f, c));
		merge_all(f->st, 100);
	}
	want_rc(fire(f, first_due(f, 100)), RC_OK, "fire");
	assert_true(holds(f, a));
	assert_false(holds(f, b));
	event_that(f->st, set_of(1, 100, 901));
	assert_false(holds(f, a));
}

static void
orders_are_forgotten_in_time_and_not_before(void **state)
{
	struct fixture *f = *state;
	struct timer_row row;

	event_that(f->st, set_of(1, 100, 900));
	event_that(f->st, set_of(2, 100, 5 * DAY));
	event_that(f->st, change_of(3, STORE_TIMER_REMOVE, 0,
	    STORE_TIMER_REMOVE, 0));
	merge_all(f->st, 1000);
	for (int i = 0; i < 3; i++)
		want_rc(fire(f, first_due(f, 1000)), RC_OK, "fire");
	want_sound(f->st);
	merge_all(f->st, 900 + STORE_TIMER_KEEP_MS - 1);
	event_that(f->st, set_of(1, 100, 900));
	merge_all(f->st, 1000);
	want_due(f, 1000, "next 432000000");
	merge_all(f->st, 900 + STORE_TIMER_KEEP_MS);
	want_rc(bdb_enter(f->st), RC_OK, "enter");
	for (uint32_t o = 1; o <= 3; o++) {
		want_rc(timer_row_read(f->st, NULL, order_no(o), &row), RC_OK,
		    "row");
		want_i64(row.of[0].ndone, o == 2 ? 1 : 0, "remembered of %d",
		    (int)o);
	}
	bdb_leave(f->st);
	want_due(f, 6 * DAY, "2c@432000000#2");
	want_sound(f->st);
}

/* Of very many times the earliest are forgotten. */
static void
what_is_remembered_of_an_order_is_bounded(void **state)
{
	struct fixture *f = *state;

	for (int64_t i = 0; i < 3 * TIMER_DONE_MAX; i++)
		event_that(f->st, change_of(1, STORE_TIMER_HAPPENED,
		    1000 + 7 * i % 48, STORE_TIMER_LEAVE, 0));
	event_that(f->st, change_of(1, STORE_TIMER_SET, 1047,
	    STORE_TIMER_LEAVE, 0));
	want_due(f, 2000, "");
	event_that(f->st, change_of(1, STORE_TIMER_SET, 1000,
	    STORE_TIMER_LEAVE, 0));
	want_due(f, 2000, "1s@1000#50");
	want_sound(f->st);
}

static void
a_list_goes_on_where_it_stopped(void **state)
{
	struct fixture *f = *state;
	char cursor[STORE_CURSOR_MAX] = "", other[STORE_CURSOR_MAX];
	struct store_timer t[2];
	int64_t last = -1;
	size_t n, all = 0, pages = 0;

	for (uint32_t i = 0; i < 5; i++)
		event_that(f->st, set_of(i, 100 + 50 * i, 1000 - 100 * i));
	merge_all(f->st, 0);
	do {
		want_rc(store_timers(f->st, 900, cursor, t, NELEM(t), &n),
		    RC_OK, "page");
		for (size_t i = 0; i < n; i++) {
			assert_true(t[i].at_ms >= last);
			last = t[i].at_ms;
		}
		all += n;
		pages++;
		if (pages == 1)		/* what was seen may go meanwhile */
			want_rc(fire(f, t[1]), RC_OK, "fire");
	} while (cursor[0] != '\0' && pages < 10);
	want_i64((int64_t)all, 8, "timers before 900");
	want_i64((int64_t)pages, 4, "pages");
	want_rc(store_timers(f->st, INT64_MAX, cursor, t, 2, &n), RC_OK,
	    "first page");
	memcpy(other, cursor, sizeof other);
	other[20] = other[20] == '0' ? '1' : '0';
	want_rc(store_timers(f->st, INT64_MAX, other, t, 2, &n), RC_INVALID,
	    "another's cursor");
	snprintf(other, sizeof other, "rubbish");
	want_rc(store_timers(f->st, INT64_MAX, other, t, 2, &n), RC_INVALID,
	    "rubbish");
}

static void
count_wrong(void *arg, bool problem, const char *text)
{
	struct buf *said = arg;

	if (problem)
		buf_printf(said, "%s\n", text);
}

static void
want_wrong(struct fixture *f, const char *what)
{
	struct buf said = TEXT;
	uint64_t problems;

	want_rc(store_verify(f->st, false, count_wrong, &said, &problems),
	    RC_OK, "verify");
	if (problems == 0 || strstr(buf_str(&said), what) == NULL)
		fail_msg("got \"%s\", want \"%s\"", buf_str(&said), what);
	buf_free(&said);
}

static void
verify_finds_what_does_not_fit(void **state)
{
	struct fixture *f = *state;
	struct buf key = KEY_INIT, val = TIMER_ROW_INIT, none = BUF_INIT(1);
	struct key_timer k = { .kind = KEY_TIMER_DUE, .ms = 100,
	    .order = order_no(1) };
	struct timer_row row = { .of[1].position = 1, .of[1].at_ms = 900 };

	event_that(f->st, set_of(1, 100, 900));
	want_sound(f->st);
	merge_all(f->st, 0);
	want_sound(f->st);

	key_timer(&key, &k);
	row_del(f->st, BDB_TIMER, &key);
	want_wrong(f, "missing from the list of what is to come");
	row_put(f->st, BDB_TIMER, &key, &none);
	want_sound(f->st);
	k.ms = 101;
	key_timer(&key, &k);
	row_put(f->st, BDB_TIMER, &key, &none);
	want_wrong(f, "listed as to come that does not stand");
	row_del(f->st, BDB_TIMER, &key);
	k.kind = KEY_TIMER_UNTIL;
	key_timer(&key, &k);
	row_put(f->st, BDB_TIMER, &key, &none);
	want_wrong(f, "to be forgotten at another time");
	row_del(f->st, BDB_TIMER, &key);
	k.kind = KEY_TIMER_ORDER;
	key_timer(&key, &k);
	row_put(f->st, BDB_TIMER, &key, &none);
	want_wrong(f, "their row can't be read");
	row.of[0] = (struct timer_one){ .position = 9, .at_ms = 100 };
	value_timer(&val, &row);
	row_put(f->st, BDB_TIMER, &key, &val);
	want_wrong(f, "a timer keeps it, and it is missing");
	k = (struct key_timer){ .kind = KEY_TIMER_RECENT, .first = 7 };
	key_timer(&key, &k);
	row_put(f->st, BDB_TIMER, &key, &val);
	want_wrong(f, "do to timers can't be read");
	buf_free(&val);
	buf_free(&key);
}

/* As long as it is alive: sets, merges and fires. */
static void
work_for_ever(struct place *p, uint64_t seed)
{
	struct store *st = place_open(p, false);
	struct store_timer t[4];
	uint64_t position;
	int64_t next;
	size_t n;

	for (int64_t now = 1;; now++) {
		bool merged, more;

		seed = seed * UINT64_C(6364136223846793005) + 1;
		event_that(st, set_of((uint32_t)(seed >> 40) % 50,
		    now + (int64_t)(seed >> 50) % 20, now + 30));
		want_rc(store_timer_merge(st, now, &merged, &more), RC_OK,
		    "merge");
		want_rc(store_timer_due(st, now, t, NELEM(t), &n, &next),
		    RC_OK, "due");
		for (size_t i = 0; i < n; i++)
			(void)!accept_timer(st, NULL, &t[i], &position);
	}
}

static void
who_is_killed_leaves_timers_whole(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		store_close(f->st);
		pid = fork();
		assert_true(pid != -1);
		if (pid == 0)
			work_for_ever(&f->place, seed);
		usleep((useconds_t)(100000 + 41000 * seed));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		f->st = place_open(&f->place, false);
		want_sound(f->st);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_latest_change_holds_and_each_is_due_in_its_time),
		TEST(one_long_past_is_kept_but_never_begun),
		TEST(a_time_that_fired_never_fires_again),
		TEST(what_was_told_by_others_never_fires),
		TEST(a_claim_that_was_overtaken_is_refused),
		TEST(one_call_fires_each_claim_once),
		TEST(one_that_nothing_can_be_made_of_is_dropped),
		TEST(an_event_is_kept_until_its_timers_have_fired_or_moved_on),
		TEST(orders_are_forgotten_in_time_and_not_before),
		TEST(what_is_remembered_of_an_order_is_bounded),
		TEST(a_list_goes_on_where_it_stopped),
		TEST(verify_finds_what_does_not_fit),
		TEST(who_is_killed_leaves_timers_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
