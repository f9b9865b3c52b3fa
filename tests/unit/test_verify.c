#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "unit_events.h"

/* What verify said. */
struct told {
	struct buf	problems;	/* lines */
	struct buf	rest;
};

#define TOLD_INIT { BUF_INIT(1 << 20), BUF_INIT(1 << 20) }

static void
line(void *arg, bool problem, const char *text)
{
	struct told *t = arg;
	struct buf *b = problem ? &t->problems : &t->rest;

	buf_puts(b, text);
	buf_putc(b, '\n');
}

static void
told_clear(struct told *t)
{
	buf_free(&t->problems);
	buf_free(&t->rest);
}

static void
want_sound_pages(struct store *st)
{
	struct told t = TOLD_INIT;
	uint64_t problems;

	want_rc(store_verify(st, true, line, &t, &problems), RC_OK, "verify");
	want_str(buf_str(&t.problems), "", "problems");
	want_i64((int64_t)problems, 0, "number of problems");
	told_clear(&t);
}

/* n problems, one of which says so. */
static void
want_problem(struct store *st, int n, const char *says, const char *what)
{
	struct told t = TOLD_INIT;
	uint64_t problems;

	want_rc(store_verify(st, false, line, &t, &problems), RC_OK, "verify");
	if (strstr(buf_str(&t.problems), says) == NULL) {
		print_error("%s: got \"%s\", want \"%s\"\n", what,
		    buf_str(&t.problems), says);
		fail();
	}
	want_i64((int64_t)problems, n, "%s: problems", what);
	told_clear(&t);
}

/* Of subscription 2, at positions 1 to 5. */
enum { UNTRIED = 1, RETRIED, DELIVERED, DEAD, TOLD };

#define NEXT_MS 4000000000000	/* when the retried one is due again */

static void
scene_make(struct store *st)
{
	const struct store_attempt at = { .number = 1, .attempt = 1 };
	const uint32_t subs[] = { 2, 6 };
	struct store_due d;

	for (int i = UNTRIED; i <= DEAD; i++)
		event_for(st, NULL, subs, 2, NULL, 0);
	event_for(st, "tick-1", NULL, 0, NULL, 0);
	d = due_of(st, RETRIED, 2);
	want_rc(settle_one(st, d, STORE_RETRIED, 10, NEXT_MS, &at), RC_OK,
	    "retried");
	want_rc(settle_one(st, due_of(st, DELIVERED, 2), STORE_DELIVERED, 20,
	    0, &at), RC_OK, "delivered");
	want_rc(settle_one(st, due_of(st, DEAD, 2), STORE_DEAD, 30, 0, &at),
	    RC_OK, "dead");
}

static void
a_sound_store_has_no_problems(void **state)
{
	struct fixture *f = *state;

	want_sound(f->st);	/* while it is empty, too */
	scene_make(f->st);
	events_to(f->st, 3, 1500);
	want_sound(f->st);
}

/*
 * One row put or taken away, and what is said of it.  Keys are made by the
 * engine's own functions, from what is set here.
 */
struct damage {
	const char	*what, *says;
	int		 problems;
	enum bdb_file	 file;
	int64_t		 position;
	uint32_t	 lane;
	int64_t		 ms;		/* due, done; 0: as accepted */
	uint16_t	 n;		/* BDB_DELIVERY: attempt */
	const char	*val;		/* put; NULL: deleted */
	size_t		 len;
};

#define DELETED		NULL, 0
#define PUT(s)		(s), sizeof(s) - 1

static void
damage_key(struct store *st, const struct damage *d, struct buf *key)
{
	struct store_due due = { .due_ms = d->ms, .key = { (uint64_t)
	    d->position, d->lane == 0 ? 2 : d->lane, 0 } };

	switch (d->file) {
	case BDB_SENDER:
		key_sender(key, SLICE("tick-1"));
		break;
	case BDB_EVENT:
		key_event(key, (uint64_t)d->position);
		break;
	case BDB_DUE:
		if (due.due_ms == 0)
			due.due_ms = due_of(st, UNTRIED, 2).due_ms;
		due.key.subscription = d->lane;
		if (d->lane == 2 && d->ms == 0)
			due.due_ms = due_of(st, (uint64_t)d->position,
			    2).due_ms;
		key_due(key, &due);
		break;
	case BDB_DELIVERY:
		key_delivery(key, &due.key, d->n);
		break;
	default:
		due.key.subscription = 2;
		key_done(key, d->lane, d->ms, &due.key);
		break;
	}
}

static void
each_kind_of_damage_is_told(void **state)
{
	static const struct damage t[] = {
		{ "the due row of one never tried is gone",
		    "neither due nor on record", 1, BDB_DUE, UNTRIED, 2, 0, 0,
		    DELETED },
		{ "the due row of a retried one is gone",
		    "it is pending, and not due", 1, BDB_DUE, RETRIED, 2,
		    NEXT_MS, 0, DELETED },
		{ "a due row is back", "it is due, and done with", 1, BDB_DUE,
		    DELIVERED, 2, 0, 0, PUT("\0\0\0\0") },
		{ "a due row of an event that is missing",
		    "it is due, and its event is missing", 1, BDB_DUE, 99, 2,
		    7, 0, PUT("\0\0\0\0") },
		{ "a due row of a subscription that was not matched",
		    "its event does not list it", 1, BDB_DUE, UNTRIED, 3, 7, 0,
		    PUT("\0\0\0\0") },
		{ "a second due row", "due at another time than its event", 1,
		    BDB_DUE, UNTRIED, 2, 7, 0, PUT("\0\0\0\0") },
		{ "a second due row of a retried one",
		    "due at another time than its record", 1, BDB_DUE, RETRIED,
		    2, 7, 0, PUT("\0\1\0\1") },
		{ "a due row that counts otherwise", "count attempts "
		    "differently", 1, BDB_DUE, RETRIED, 2, NEXT_MS, 0,
		    PUT("\0\2\0\1") },
		{ "a due row that can't be read", "its due row can't be read",
		    1, BDB_DUE, UNTRIED, 2, 0, 0, PUT("?") },
		{ "a fan-out row without its event",
		    "it is to be fanned out, and is missing", 1, BDB_DUE, 99,
		    0, 7, 0, PUT("\0\0\0\1") },
		{ "a fan-out row that has nothing left to do",
		    "its fan-out row is not like it", 1, BDB_DUE, UNTRIED, 0,
		    0, 0, PUT("\0\0\0\2") },
		{ "the row of a retried one is gone",
		    "it was tried, and is not on record", 3, BDB_DELIVERY,
		    RETRIED, 2, 0, 0, DELETED },
		{ "the row of a delivered one is gone",
		    "listed as done with, and not on record", 3, BDB_DELIVERY,
		    DELIVERED, 2, 0, 0, DELETED },
		{ "a row of a delivery that can't be read",
		    "its row can't be read", 1, BDB_DELIVERY, DELIVERED, 2, 0,
		    0, PUT("?") },
		{ "an attempt of nothing", "no record of what they are of", 1,
		    BDB_DELIVERY, UNTRIED, 7, 0, 1, PUT("?") },
		{ "the list of what is done lacks one",
		    "missing from its subscription's list", 1, BDB_DONE,
		    DELIVERED, 2, 20, 0, DELETED },
		{ "the list of the dead lacks one",
		    "missing from the list of the dead", 1, BDB_DONE, DEAD, 0,
		    30, 0, DELETED },
		{ "one that is pending is listed as done",
		    "listed as done with, and pending", 1, BDB_DONE, RETRIED,
		    2, 20, 0, PUT("\2") },
		{ "one is listed as done twice", "in another way", 1, BDB_DONE,
		    DELIVERED, 2, 21, 0, PUT("\2") },
		{ "one is listed in another state", "in another way", 1,
		    BDB_DONE, DELIVERED, 2, 20, 0, PUT("\3") },
		{ "one is in another lane's list", "where it does not belong",
		    1, BDB_DONE, DELIVERED, 9, 20, 0, PUT("\2") },
		{ "a delivered one is among the dead",
		    "where it does not belong", 1, BDB_DONE, DELIVERED, 0, 20,
		    0, PUT("\2") },
		{ "the event of a sender id is gone",
		    "a sender id stands for it, and it is missing", 1,
		    BDB_EVENT, TOLD, 0, 0, 0, DELETED },
		{ "an event is gone", "it is due, and its event is missing",
		    2, BDB_EVENT, UNTRIED, 0, 0, 0, DELETED },
		{ "an event that can't be read", "its row can't be read", 1,
		    BDB_EVENT, UNTRIED, 0, 0, 0, PUT("?") },
		{ "a sender id's row that can't be read",
		    "sender id's row can't be read", 1, BDB_SENDER, 0, 0, 0, 0,
		    PUT("?") },
	};
	struct fixture *f = *state;
	struct buf key = KEY_INIT, before = BUF_INIT(4096);
	struct buf val = BUF_INIT(4096);
	enum rc was;

	scene_make(f->st);
	for (size_t i = 0; i < NELEM(t); i++) {
		damage_key(f->st, &t[i], &key);
		want_rc(bdb_enter(f->st), RC_OK, "enter");
		was = bdb_get(f->st, NULL, t[i].file, &key, &before, false);
		bdb_leave(f->st);
		if (t[i].val == NULL) {
			row_del(f->st, t[i].file, &key);
		} else {
			buf_clear(&val);
			buf_put(&val, t[i].val, t[i].len);
			row_put(f->st, t[i].file, &key, &val);
		}
		want_problem(f->st, t[i].problems, t[i].says, t[i].what);
		if (was == RC_OK)
			row_put(f->st, t[i].file, &key, &before);
		else
			row_del(f->st, t[i].file, &key);
	}
	want_sound(f->st);
	buf_free(&val);
	buf_free(&before);
	buf_free(&key);
}

static void
an_event_above_the_counter_is_told(void **state)
{
	struct fixture *f = *state;
	struct buf key = KEY_INIT, val = VALUE_INIT;

	scene_make(f->st);
	key_meta(&key, KEY_POSITION);
	value_u64(&val, DEAD);
	row_put(f->st, BDB_META, &key, &val);
	want_problem(f->st, 1, "above the counter of events", "counter");
	buf_free(&val);
	buf_free(&key);
}

static void
much_damage_is_counted_and_the_first_of_it_told(void **state)
{
	struct fixture *f = *state;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct told t = TOLD_INIT;
	uint64_t problems;
	int lines = 0;

	value_u32(&val, 0);
	for (uint64_t i = 0; i < 700; i++) {
		struct store_due d = { .key = { i, 2, 0 }, .due_ms = 5 };

		key_due(&key, &d);
		row_put(f->st, BDB_DUE, &key, &val);
	}
	want_rc(store_verify(f->st, false, line, &t, &problems), RC_OK,
	    "verify");
	want_i64((int64_t)problems, 700, "problems");
	for (size_t i = 0; i < t.problems.len; i++)
		lines += t.problems.s[i] == '\n';
	want_i64(lines, 100, "lines of problems");
	assert_non_null(strstr(buf_str(&t.rest), "600 more problems"));
	told_clear(&t);
	buf_free(&val);
	buf_free(&key);
}

static void
an_event_half_fanned_out_is_sound(void **state)
{
	enum { N = 1200 };
	struct fixture *f = *state;
	struct store_delivery *d = calloc(N + 1, sizeof *d);
	struct store_event ev = STORE_EVENT_INIT;
	uint32_t *sub = calloc(N, sizeof *sub);
	struct store_settle s;
	uint64_t position;
	struct store_fanout fan = STORE_FANOUT_INIT;
	size_t n;

	assert_non_null(d);
	assert_non_null(sub);
	for (uint32_t i = 0; i < N; i++)
		sub[i] = 10 + i;
	position = event_for(f->st, NULL, sub, N, NULL, 0);
	want_sound(f->st);
	want_rc(store_fanout(f->st, &fan), RC_OK, "expand");
	assert_true(fan.more);
	store_fanout_clear(&fan);
	s = (struct store_settle){ .due = due_of(f->st, position, 10),
	    .outcome = STORE_DELIVERED, .now_ms = 9 };
	want_rc(store_settle(f->st, &s, 1, true), RC_OK, "store_settle");
	want_rc(s.rc, RC_OK, "settle");
	want_sound(f->st);
	want_rc(store_event_get(f->st, position, &ev), RC_OK, "event");
	want_rc(store_event_deliveries(f->st, &ev, d, N + 1, &n), RC_OK,
	    "deliveries");
	want_i64((int64_t)n, N, "deliveries");
	want_i64(d[0].state, STORE_IS_DELIVERED, "first");
	want_i64(d[N - 1].state, STORE_IS_PENDING, "last");
	store_event_clear(&ev);
	free(sub);
	free(d);
}

/* Rows move in another process all the while, none of them wrongly. */
static void
a_store_at_work_has_no_problems(void **state)
{
	struct fixture *f = *state;
	int64_t until;
	int status;
	pid_t pid;

	store_close(f->st);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *st = place_open(&f->place, false);
		int64_t now = 0;

		for (;;) {
			uint64_t first = events_to(st, 1, 50);

			for (uint64_t i = first; i < first + 50; i++) {
				struct store_due d = due_of(st, i, 1);

				(void)settle_one(st, d, i % 3 == 0 ?
				    STORE_RETRIED : STORE_DELIVERED, ++now,
				    NEXT_MS, NULL);
			}
		}
	}
	f->st = place_open(&f->place, false);
	until = clock_mono_ms() + 1500;
	do {
		want_sound(f->st);
	} while (clock_mono_ms() < until);
	want_sound_pages(f->st);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
pages_are_checked_on_a_copy_that_is_removed(void **state)
{
	struct fixture *f = *state;
	struct told t = TOLD_INIT;
	uint64_t problems;
	char path[700];

	scene_make(f->st);
	events_to(f->st, 3, 1500);
	snprintf(path, sizeof path, "%s/verify", f->place.store);
	assert_int_equal(mkdir(path, 0700), 0);	/* left by one killed */
	snprintf(path, sizeof path, "%s/verify/event.db", f->place.store);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	want_rc(store_verify(f->st, true, line, &t, &problems), RC_OK,
	    "verify");
	want_str(buf_str(&t.problems), "", "problems");
	assert_non_null(strstr(buf_str(&t.rest),
	    "event.db: its pages are sound"));
	assert_non_null(strstr(buf_str(&t.rest),
	    "stat.db: its pages are sound"));
	snprintf(path, sizeof path, "%s/verify", f->place.store);
	assert_int_equal(access(path, F_OK), -1);
	told_clear(&t);
}

static void
a_damaged_page_is_told(void **state)
{
	struct fixture *f = *state;
	struct told t = TOLD_INIT;
	uint64_t problems;
	char path[700];
	int fd;

	/* On the disk, with nothing of it in memory or in the logs. */
	events_to(f->st, 3, 1500);
	want_rc(bdb_enter(f->st), RC_OK, "enter");
	want_rc(bdb_rc(f->st, f->st->env->txn_checkpoint(f->st->env, 0, 0,
	    DB_FORCE), "checkpoint"), RC_OK, "checkpoint");
	bdb_leave(f->st);
	store_close(f->st);
	snprintf(path, sizeof path, "%s/ref.db", f->place.store);
	fd = open(path, O_WRONLY);
	assert_true(fd != -1);
	/* A page's own number, in its header: of the root. */
	assert_int_equal(pwrite(fd, "\377\377", 2, 4096 + 8), 2);
	close(fd);
	f->st = place_open(&f->place, false);
	want_rc(store_verify(f->st, true, line, &t, &problems), RC_OK,
	    "verify");
	assert_non_null(strstr(buf_str(&t.problems), "ref.db: its pages"));
	told_clear(&t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sound_store_has_no_problems),
		TEST(each_kind_of_damage_is_told),
		TEST(an_event_above_the_counter_is_told),
		TEST(much_damage_is_counted_and_the_first_of_it_told),
		TEST(an_event_half_fanned_out_is_sound),
		TEST(a_store_at_work_has_no_problems),
		TEST(pages_are_checked_on_a_copy_that_is_removed),
		TEST(a_damaged_page_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
