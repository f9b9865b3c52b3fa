/*
 * Rows, cursors and transactions: what lies beneath the verbs of a store.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include "base/log.h"
#include "unit_row.h"

static void
rows_come_back_as_they_were_put(void **state)
{
	static const size_t len[] = { 0, 1, 600, 4095, 4096, 4097, 100000,
	    1500000 };
	struct store *st = place_open(*state, false);
	struct buf key = BUF_INIT(64), val = BUF_INIT(2 * MIB);
	struct buf got = BUF_INIT(2 * MIB), small = BUF_INIT(500);

	want_rc(bdb_enter(st), RC_OK, "enter");
	for (size_t i = 0; i < NELEM(len); i++) {
		buf_clear(&key);
		buf_be64(&key, i);
		fill(&val, "some bytes ", len[i]);
		want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &got, false),
		    RC_NOTFOUND, "get %zu before", len[i]);
		want_rc(run_row(st, &key, &val, bdb_put), RC_OK, "put %zu",
		    len[i]);
		want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &got, false),
		    RC_OK, "get %zu", len[i]);
		assert_true(slice_eq(buf_as_slice(&got), buf_as_slice(&val)));
		want_rc(run_row(st, &key, &val, bdb_add), RC_EXISTS, "add %zu",
		    len[i]);
		want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &small, false),
		    len[i] > 500 ? RC_TOOBIG : RC_OK, "get %zu into 500",
		    len[i]);
		want_rc(run_row(st, &key, &val, delete_row), RC_OK, "delete");
		want_rc(run_row(st, &key, &val, delete_row), RC_NOTFOUND,
		    "delete again");
	}
	fill(&key, "k", 65);
	assert_true(key.over);
	want_rc(run_row(st, &key, &val, bdb_put), RC_TOOBIG, "a cut key");
	bdb_leave(st);
	store_close(st);
	buf_free(&key);
	buf_free(&val);
	buf_free(&got);
	buf_free(&small);
}

/* Rows 2, 4, 6; their values are of growing length. */
static void
fill_three(struct store *st)
{
	struct buf key = BUF_INIT(64), val = BUF_INIT(100000);

	for (uint64_t n = 2; n <= 6; n += 2) {
		buf_clear(&key);
		buf_be64(&key, n);
		fill(&val, "v", (size_t)n * 5000);
		want_rc(run_row(st, &key, &val, bdb_put), RC_OK, "put");
	}
	buf_free(&key);
	buf_free(&val);
}

/* The row a cursor is on; 0 at the end. */
static int64_t
row_of(struct bdb_cur *c, enum rc rc)
{
	struct slice key = c->key;
	int64_t n;

	if (rc == RC_NOTFOUND)
		return 0;
	want_rc(rc, RC_OK, "cursor");
	n = (int64_t)slice_be64(&key);
	if (c->keys_only)
		assert_null(c->val.s);
	else
		want_i64((int64_t)c->val.len, n * 5000, "value's length");
	return n;
}

static void
a_cursor_finds_its_place_and_moves(void **state)
{
	static const struct { uint64_t key; int64_t at, before, next, prev; }
	t[] = {
		{ 1, 2, 0, 4, 0 }, { 2, 2, 0, 4, 0 }, { 3, 4, 2, 6, 2 },
		{ 4, 4, 2, 6, 2 }, { 6, 6, 4, 0, 4 }, { 7, 0, 6, 2, 6 },
	};
	struct store *st = place_open(*state, false);
	struct buf key = BUF_INIT(64);
	struct bdb_cur c;

	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_cur_open(st, NULL, BDB_EVENT, false, &c), RC_OK, "open");
	want_i64(row_of(&c, bdb_cur_next(&c)), 0, "next of nothing");
	bdb_cur_close(&c);
	fill_three(st);
	for (size_t i = 0; i < 2 * NELEM(t); i++) {
		size_t n = i / 2;

		buf_clear(&key);
		buf_be64(&key, t[n].key);
		want_rc(bdb_cur_open(st, NULL, BDB_EVENT, i % 2 == 1, &c),
		    RC_OK, "open");
		want_i64(row_of(&c, bdb_cur_at(&c, &key)), t[n].at, "at %d",
		    (int)t[n].key);
		if (t[n].at != 0)
			want_i64(row_of(&c, bdb_cur_next(&c)), t[n].next,
			    "next of %d", (int)t[n].key);
		want_i64(row_of(&c, bdb_cur_before(&c, &key)), t[n].before,
		    "before %d", (int)t[n].key);
		bdb_cur_close(&c);
	}
	want_rc(bdb_cur_open(st, NULL, BDB_EVENT, false, &c), RC_OK, "open");
	want_i64(row_of(&c, bdb_cur_next(&c)), 2, "next of a new one");
	bdb_cur_close(&c);
	want_rc(bdb_cur_open(st, NULL, BDB_EVENT, false, &c), RC_OK, "open");
	want_i64(row_of(&c, bdb_cur_prev(&c)), 6, "prev of a new one");
	want_i64(row_of(&c, bdb_cur_prev(&c)), 4, "prev");
	bdb_cur_close(&c);
	bdb_leave(st);
	store_close(st);
	buf_free(&key);
}

static enum rc
put_and_fail(struct store *st, DB_TXN *txn, void *arg)
{
	enum rc rc = row_once(st, txn, arg);

	return rc == RC_OK ? RC_STALE : rc;
}

static void
a_transaction_that_fails_leaves_nothing(void **state)
{
	struct store *st = place_open(*state, false);
	struct buf key = BUF_INIT(64), val = BUF_INIT(64);
	struct one_row r = { &key, &val, bdb_put };

	fill(&key, "k", 8);
	fill(&val, "v", 8);
	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_txn(st, put_and_fail, &r, BDB_PRIORITY_ACCEPT, true),
	    RC_STALE, "its own result");
	want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &val, false), RC_NOTFOUND,
	    "get");
	bdb_leave(st);
	store_close(st);
	buf_free(&key);
	buf_free(&val);
}

static enum rc
add_one(struct store *st, DB_TXN *txn, enum bdb_file f)
{
	struct buf key = BUF_INIT(8), val = BUF_INIT(64);
	uint64_t n = 0;
	struct slice s;
	enum rc rc;

	fill(&key, "k", 8);
	rc = bdb_get(st, txn, f, &key, &val, true);
	if (rc == RC_OK) {
		s = buf_as_slice(&val);
		n = slice_be64(&s);
	}
	if (rc == RC_OK || rc == RC_NOTFOUND) {
		buf_clear(&val);
		buf_be64(&val, n + 1);
		rc = bdb_put(st, txn, f, &key, &val);
	}
	buf_free(&key);
	buf_free(&val);
	return rc;
}

static void
want_count(struct store *st, enum bdb_file f, int64_t want)
{
	struct buf key = BUF_INIT(8), val = BUF_INIT(64);
	struct slice s;

	fill(&key, "k", 8);
	want_rc(bdb_get(st, NULL, f, &key, &val, false), RC_OK, "get");
	s = buf_as_slice(&val);
	want_i64((int64_t)slice_be64(&s), want, "counted in %s",
	    bdb_file_name[f]);
	buf_free(&key);
	buf_free(&val);
}

/* Writes one row, lets a reader come in between, and writes another. */
struct duel {
	struct store	*st;
	pthread_barrier_t met;
	int		 runs;
	enum rc		 rc;
};

static enum rc
duel_once(struct store *st, DB_TXN *txn, void *arg)
{
	struct duel *d = arg;
	enum rc rc = add_one(st, txn, BDB_EVENT);

	if (d->runs++ == 0)
		pthread_barrier_wait(&d->met);
	return rc == RC_OK ? add_one(st, txn, BDB_DUE) : rc;
}

static void *
duel(void *arg)
{
	struct duel *d = arg;

	d->rc = bdb_enter(d->st);
	if (d->rc != RC_OK)
		return NULL;
	d->rc = bdb_txn(d->st, duel_once, d, BDB_PRIORITY_MAINTAIN, true);
	bdb_leave(d->st);
	return NULL;
}

static void
a_transaction_is_run_again_after_a_deadlock(void **state)
{
	struct store *st = place_open(*state, false);
	struct buf key = BUF_INIT(8), val = BUF_INIT(64);
	struct duel d = { .st = st, .rc = RC_IO };
	DB_TXN *reader;
	pthread_t t;

	/* A reader that takes the two in the opposite order. */
	pthread_barrier_init(&d.met, NULL, 2);
	fill(&key, "k", 8);
	want_rc(bdb_enter(st), RC_OK, "enter");
	assert_int_equal(st->env->txn_begin(st->env, NULL, &reader, 0), 0);
	want_rc(bdb_get(st, reader, BDB_DUE, &key, &val, false), RC_NOTFOUND,
	    "the reader's first");
	assert_int_equal(pthread_create(&t, NULL, duel, &d), 0);
	pthread_barrier_wait(&d.met);
	want_rc(bdb_get(st, reader, BDB_EVENT, &key, &val, false),
	    RC_NOTFOUND, "the reader's second, once the writer gave way");
	assert_int_equal(reader->commit(reader, 0), 0);
	pthread_join(t, NULL);
	want_rc(d.rc, RC_OK, "the writer");
	assert_true(d.runs > 1);
	want_count(st, BDB_EVENT, 1);
	want_count(st, BDB_DUE, 1);
	bdb_leave(st);
	store_close(st);
	pthread_barrier_destroy(&d.met);
	buf_free(&key);
	buf_free(&val);
}

#define TURNS	50

struct turn {
	struct store	*st;
	_Atomic int	 writing;	/* at this moment */
	_Atomic int	 wrong;
};

static enum rc
turn_once(struct store *st, DB_TXN *txn, void *arg)
{
	struct turn *t = arg;
	enum rc rc;

	if (atomic_fetch_add(&t->writing, 1) != 0)
		atomic_store(&t->wrong, 1);
	rc = add_one(st, txn, BDB_EVENT);
	sched_yield();
	if (rc == RC_OK)
		rc = add_one(st, txn, BDB_DUE);
	atomic_fetch_sub(&t->writing, 1);
	return rc;
}

static void *
take_turns(void *arg)
{
	struct turn *t = arg;

	for (int i = 0; i < TURNS; i++) {
		if (bdb_enter(t->st) != RC_OK)
			atomic_store(&t->wrong, 2);
		else if (bdb_txn(t->st, turn_once, t, BDB_PRIORITY_ACCEPT,
		    false) != RC_OK)
			atomic_store(&t->wrong, 3);
		bdb_leave(t->st);
	}
	return NULL;
}

static void
writers_take_turns(void **state)
{
	struct turn turn = { .st = place_open(*state, false) };
	pthread_t t[4];

	for (size_t i = 0; i < NELEM(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, take_turns,
		    &turn), 0);
	for (size_t i = 0; i < NELEM(t); i++)
		pthread_join(t[i], NULL);
	want_i64(turn.wrong, 0, "what went wrong");
	want_rc(bdb_enter(turn.st), RC_OK, "enter");
	want_count(turn.st, BDB_EVENT, (int64_t)NELEM(t) * TURNS);
	want_count(turn.st, BDB_DUE, (int64_t)NELEM(t) * TURNS);
	bdb_leave(turn.st);
	store_close(turn.st);
}

static int
write_past_a_limit(struct place *p)
{
	struct rlimit limit = { 4096, 4096 };
	struct buf key = BUF_INIT(64), val = BUF_INIT(100000), why =
	    BUF_INIT(512);
	struct store *st;

	if (store_open(&st, &p->opt, &why) != RC_OK || bdb_enter(st) != RC_OK)
		return 1;
	fill(&key, "k", 8);
	fill(&val, "v", 50000);
	if (run_row(st, &key, &val, bdb_put) != RC_OK)
		return 2;
	fill(&key, "l", 8);
	if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
		return 3;
	return run_row(st, &key, &val, bdb_put) == RC_OK ? 4 : 5;
}

static void
a_log_that_cant_be_flushed_ends_the_process(void **state)
{
	struct place *p = *state;
	struct buf key = BUF_INIT(64), val = BUF_INIT(100000);
	struct store *st;

	want_i64(place_child(p, write_past_a_limit), GATE_EXIT, "the child");
	st = place_open(p, false);
	want_rc(bdb_enter(st), RC_OK, "enter");
	fill(&key, "k", 8);
	want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &val, false), RC_OK,
	    "what was flushed before");
	want_i64((int64_t)val.len, 50000, "its length");
	bdb_leave(st);
	store_close(st);
	buf_free(&key);
	buf_free(&val);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(rows_come_back_as_they_were_put),
		PLACE_TEST(a_cursor_finds_its_place_and_moves),
		PLACE_TEST(a_transaction_that_fails_leaves_nothing),
		PLACE_TEST(a_transaction_is_run_again_after_a_deadlock),
		PLACE_TEST(writers_take_turns),
		PLACE_TEST(a_log_that_cant_be_flushed_ends_the_process),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
