#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include "store/bdb_count.h"
#include "store/bdb_ref.h"
#include "unit_store.h"

enum {
	REFS = 50,		/* that are drawn from; some are rare */
	EVENTS = 5 * REF_BUCKET + 777,
	PER_EVENT = 3,
	FOUND_MAX = 4000,
};

/* What must be found: for each event its references' indexes, REFS: none. */
struct model {
	uint64_t ref[REFS];
	uint8_t	 names[EVENTS + 1][PER_EVENT];
	uint64_t newest;
	unsigned seed;
};

struct fixture {
	struct place	 place;
	struct store	*st;
	struct model	 m;
};

static unsigned
draw(struct model *m, unsigned n)
{
	return (unsigned)rand_r(&m->seed) % n;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -1;
	place_make(&f->place);
	f->st = place_open(&f->place, false);
	f->m.seed = 20261123;
	/* In several slots, neighbours, and at both ends of what there is. */
	for (uint64_t i = 0; i < REFS; i++)
		f->m.ref[i] = (i % 7) << 58 | (i * i * 40503) % 65521;
	f->m.ref[0] = 0;
	f->m.ref[1] = UINT64_MAX;
	want_rc(bdb_enter(f->st), RC_OK, "enter");
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	bdb_leave(f->st);
	store_close(f->st);
	place_remove(&f->place);
	free(f);
	return 0;
}

struct put {
	const struct bdb_ref_entry *e;
	size_t			    n;
	uint64_t		    newest;
};

static enum rc
put(struct store *st, DB_TXN *txn, void *arg)
{
	const struct put *p = arg;
	enum rc rc = bdb_count_set(st, txn, KEY_POSITION, p->newest);

	return rc == RC_OK ? bdb_ref_put(st, txn, p->e, p->n) : rc;
}

/* One transaction with n more events. */
static void
grow(struct fixture *f, unsigned n)
{
	struct model *m = &f->m;
	struct bdb_ref_entry *e = calloc(n * PER_EVENT, sizeof *e);
	struct put p = { .e = e };

	assert_non_null(e);
	for (unsigned i = 0; i < n && m->newest < EVENTS; i++) {
		uint8_t *names = m->names[++m->newest];
		unsigned some = draw(m, PER_EVENT + 1);

		memset(names, REFS, PER_EVENT);
		for (unsigned k = 0; k < some; k++) {
			/* Low ones often; the last few hardly ever. */
			unsigned which = draw(m, draw(m, REFS) + 1);

			names[k] = (uint8_t)which;
			e[p.n++] = (struct bdb_ref_entry){ m->ref[which],
			    m->newest };
		}
	}
	p.newest = m->newest;
	want_rc(bdb_txn(f->st, put, &p, BDB_PRIORITY_ACCEPT, true), RC_OK,
	    "put up to %d", (int)m->newest);
	free(e);
}

static bool
named(const struct model *m, uint64_t position, unsigned which)
{
	for (unsigned k = 0; k < PER_EVENT; k++)
		if (m->names[position][k] == which)
			return true;
	return false;
}

static void
want_found(struct fixture *f, unsigned which, uint64_t before, size_t max)
{
	static uint64_t got[FOUND_MAX];
	struct model *m = &f->m;
	uint64_t at = before == 0 || before > m->newest ? m->newest :
	    before - 1;
	size_t n, want = 0;

	assert_true(max <= FOUND_MAX);
	want_rc(bdb_ref_find(f->st, m->ref[which], before, got, max, &n),
	    RC_OK, "reference %u", which);
	for (; at >= 1 && want < max; at--) {
		if (!named(m, at, which))
			continue;
		if (want >= n)
			break;
		want_i64((int64_t)got[want], (int64_t)at,
		    "reference %u below %d, result %zu", which, (int)before,
		    want);
		want++;
	}
	want_i64((int64_t)n, (int64_t)want, "reference %u below %d", which,
	    (int)before);
	if (n < max)
		want_i64(at >= 1 && want >= max, 0, "the end was reached");
	for (; at >= 1 && n < max; at--)
		want_i64(named(m, at, which), 0, "event %d was left out",
		    (int)at);
}

static void
look_around(struct fixture *f, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		want_found(f, draw(&f->m, REFS),
		    draw(&f->m, (unsigned)f->m.newest + 3),
		    1 + draw(&f->m, FOUND_MAX));
}

static size_t
recent_rows(struct store *st)
{
	struct bdb_cur c;
	struct buf key = KEY_INIT;
	size_t n = 0;
	enum rc rc;

	want_rc(bdb_cur_open(st, NULL, BDB_REF, true, &c), RC_OK, "cursor");
	key_ref_recent(&key, 0);
	for (rc = bdb_cur_at(&c, &key); rc == RC_OK; rc = bdb_cur_next(&c))
		n++;
	bdb_cur_close(&c);
	buf_free(&key);
	return n;
}

static void
an_empty_store_finds_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t got;
	size_t n = 9;

	want_rc(bdb_ref_find(f->st, 1, 0, &got, 1, &n), RC_OK, "find");
	want_i64((int64_t)n, 0, "found");
	want_rc(bdb_ref_maintain(f->st), RC_OK, "maintain");
}

static void
an_event_is_found_at_once(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++) {
		grow(f, 1);
		for (unsigned which = 0; which < REFS; which++)
			want_found(f, which, 0, 100);
	}
}

static void
everything_is_found_whenever_it_is_moved(void **state)
{
	struct fixture *f = *state;
	size_t before;

	while (f->m.newest < EVENTS) {
		grow(f, draw(&f->m, 4) == 0 ? 1 : 1 + draw(&f->m, 1000));
		if (draw(&f->m, 8) == 0)
			want_rc(bdb_ref_maintain(f->st), RC_OK, "maintain");
		look_around(f, 2);
	}
	want_rc(bdb_ref_maintain(f->st), RC_OK, "maintain");
	for (unsigned which = 0; which < REFS; which++)
		want_found(f, which, 0, FOUND_MAX);
	for (uint64_t b = 1; b <= 5; b++)	/* at the seams */
		for (uint64_t at = b * REF_BUCKET - 1;
		    at <= b * REF_BUCKET + 1; at++)
			want_found(f, draw(&f->m, 3), at, 5);
	before = recent_rows(f->st);
	want_rc(bdb_ref_maintain(f->st), RC_OK, "maintain");
	want_i64((int64_t)recent_rows(f->st), (int64_t)before,
	    "nothing left to move");
	assert_true(before < EVENTS / 16);	/* most are gone */
}

static void
one_event_may_name_as_many_as_are_allowed(void **state)
{
	struct fixture *f = *state;
	struct bdb_ref_entry e[2 * STORE_REFS_MAX];
	struct put p = { e, NELEM(e), 2 };
	uint64_t got[4];
	size_t n;

	for (uint64_t i = 0; i < STORE_REFS_MAX; i++) {
		e[i] = (struct bdb_ref_entry){ i << 50, 1 };
		e[STORE_REFS_MAX + i] = (struct bdb_ref_entry){ i << 50, 2 };
	}
	want_rc(bdb_txn(f->st, put, &p, BDB_PRIORITY_ACCEPT, false), RC_OK,
	    "put");
	for (uint64_t i = 0; i < STORE_REFS_MAX; i++) {
		want_rc(bdb_ref_find(f->st, i << 50, 0, got, 4, &n), RC_OK,
		    "find");
		want_i64((int64_t)n, 2, "reference %d", (int)i);
		want_i64((int64_t)got[0], 2, "the newer first");
		want_i64((int64_t)got[1], 1, "the older then");
	}
}

static void
move_for_ever(struct place *p)
{
	struct buf why = BUF_INIT(1024);
	struct store *st;

	if (store_open(&st, &p->opt, &why) != RC_OK || bdb_enter(st) != RC_OK)
		_exit(1);
	while (bdb_ref_maintain(st) == RC_OK)
		;
	_exit(2);
}

static void
a_kill_while_moving_loses_and_doubles_nothing(void **state)
{
	enum { KILLS = 12 };
	struct fixture *f = *state;

	for (int i = 0; i < KILLS; i++) {
		struct timespec wait = { 0, 1000000L * (i + 1) * 4 };
		int status;
		pid_t pid;

		for (unsigned k = 0; k < 7; k++)
			grow(f, 1000);
		bdb_leave(f->st);
		store_close(f->st);
		f->st = NULL;
		pid = fork();
		if (pid == 0)
			move_for_ever(&f->place);
		assert_true(pid > 0);
		nanosleep(&wait, NULL);	/* whatever it is doing then */
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		f->st = place_open(&f->place, false);
		want_rc(bdb_enter(f->st), RC_OK, "enter");
		for (unsigned which = 0; which < REFS; which++)
			want_found(f, which, 0, 300);
	}
	want_rc(bdb_ref_maintain(f->st), RC_OK, "maintain");
	for (unsigned which = 0; which < REFS; which++)
		want_found(f, which, 0, FOUND_MAX);
}

/* Who read a bucket while another moved it holds only some of it. */
static void
who_comes_second_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct ref_list l = { 0 };

	while (f->m.newest < 3 * REF_BUCKET)
		grow(f, 1000);
	want_rc(ref_read_recent(f->st, 0, NULL, &l), RC_OK, "read");
	assert_true(l.n > 1000);
	l.n /= 2;
	want_rc(bdb_ref_maintain(f->st), RC_OK, "the first");
	want_rc(ref_move(f->st, 0, &l), RC_STALE, "the second");
	for (unsigned which = 0; which < REFS; which++)
		want_found(f, which, 0, FOUND_MAX);
	free(l.e);
}

struct mover {
	struct store	*st;
	unsigned	 late_ms;
	atomic_uint	*busy;		/* movers that are not done */
	enum rc		 rc;
};

static void *
move_all(void *arg)
{
	struct mover *mv = arg;
	struct timespec wait = { 0, 1000000L * mv->late_ms };

	nanosleep(&wait, NULL);
	mv->rc = bdb_enter(mv->st);
	for (int i = 0; i < 3 && mv->rc == RC_OK; i++)
		mv->rc = bdb_ref_maintain(mv->st);
	bdb_leave(mv->st);
	atomic_fetch_sub(mv->busy, 1);
	return NULL;
}

/*
 * Several move at once, each a little behind the other, so that one reads what
 * the other deletes; and all the time somebody looks for things.
 */
static void
everything_is_found_while_several_move_it(void **state)
{
	enum { MOVERS = 4 };
	struct fixture *f = *state;
	struct mover mv[MOVERS];
	pthread_t thread[MOVERS];
	atomic_uint busy = MOVERS;

	while (f->m.newest < EVENTS)
		grow(f, 1000);
	for (unsigned i = 0; i < MOVERS; i++) {
		mv[i] = (struct mover){ f->st, i * 9, &busy, RC_IO };
		assert_int_equal(pthread_create(&thread[i], NULL, move_all,
		    &mv[i]), 0);
	}
	while (atomic_load(&busy) > 0)
		look_around(f, 1);
	for (unsigned i = 0; i < MOVERS; i++) {
		pthread_join(thread[i], NULL);
		want_rc(mv[i].rc, RC_OK, "mover %u", i);
	}
	for (unsigned which = 0; which < REFS; which++)
		want_found(f, which, 0, FOUND_MAX);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(an_empty_store_finds_nothing),
	    T(an_event_is_found_at_once),
	    T(everything_is_found_whenever_it_is_moved),
	    T(one_event_may_name_as_many_as_are_allowed),
	    T(a_kill_while_moving_loses_and_doubles_nothing),
	    T(who_comes_second_writes_nothing),
	    T(everything_is_found_while_several_move_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
