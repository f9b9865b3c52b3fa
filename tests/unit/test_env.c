/*
 * Making, opening and looking after a store, and the rows beneath the verbs.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_env.h"
#include "unit_store.h"

#define MIB	((int64_t)1024 * 1024)

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	place_make(p);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	place_remove(p);
	free(p);
	return 0;
}

static const char *
in(const char *dir, const char *name)
{
	static char path[2][1024];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static enum rc
try_open(struct place *p, struct buf *why)
{
	struct store *st = NULL;
	enum rc rc;

	buf_clear(why);
	rc = store_open(&st, &p->opt, why);
	if (rc == RC_OK)
		store_close(st);
	return rc;
}

static void
a_store_is_made_once_and_for_its_owner_alone(void **state)
{
	struct place *p = *state;
	struct buf why = BUF_INIT(1024);
	struct stat sb;

	want_rc(store_create(&p->opt, &why), RC_EXISTS, "a second time");
	assert_int_equal(stat(p->store, &sb), 0);
	want_i64(sb.st_mode & 07777, 0700, "mode of the directory");
	for (int f = 0; f < BDB_NFILES; f++) {
		assert_int_equal(stat(in(p->store, bdb_file_name[f]), &sb), 0);
		want_i64(sb.st_mode & 07777, 0600, "mode of %s",
		    bdb_file_name[f]);
	}
	want_i64(access(in(p->store, "unfinished"), F_OK), -1, "unfinished");
	want_rc(try_open(p, &why), RC_OK, "open: %s", buf_str(&why));
	buf_free(&why);
}

static void
what_is_no_store_is_not_opened_and_not_made_into_one(void **state)
{
	struct place *p = *state;
	struct store_options o = p->opt;
	struct buf why = BUF_INIT(1024);
	struct store *st;
	char dir[600];

	snprintf(dir, sizeof dir, "%s/other", p->dir);
	o.dir = dir;
	want_rc(store_open(&st, &o, &why), RC_NOTFOUND, "no directory");
	assert_int_equal(mkdir(dir, 0700), 0);
	want_rc(store_open(&st, &o, &why), RC_NOTFOUND, "empty directory");
	write_file(in(dir, "letter"), "mine");
	want_rc(store_create(&o, &why), RC_INVALID, "in use for else");
	want_i64(access(in(dir, "letter"), F_OK), 0, "the letter");
	buf_free(&why);
}

static void
what_was_left_half_made_is_made_anew(void **state)
{
	struct place *p = *state;
	struct store_options o = p->opt;
	struct buf why = BUF_INIT(1024);
	char dir[600];
	struct store *st;

	snprintf(dir, sizeof dir, "%s/other", p->dir);
	o.dir = dir;
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file(in(dir, "unfinished"), "");
	write_file(in(dir, "event.db"), "half a page");
	write_file(in(dir, "log.0000000001"), "no log");
	want_rc(store_create(&o, &why), RC_OK, "%s", buf_str(&why));
	want_rc(store_open(&st, &o, &why), RC_OK, "%s", buf_str(&why));
	store_close(st);
	buf_free(&why);
}

static void
a_store_of_another_version_is_refused_untouched(void **state)
{
	struct place *p = *state;
	struct buf why = BUF_INIT(1024);
	struct store *st = place_open(p, false);
	char want[1024];

	store_idle(st);
	write_file(in(p->store, "schema"), "skycap store 7\n");
	/* A process that was there before the change is kept out, too. */
	want_rc(bdb_enter(st), RC_INVALID, "already open");
	store_close(st);
	/* Nobody may even recover it. */
	unlink(in(p->store, "state"));
	want_rc(try_open(p, &why), RC_INVALID, "schema 7");
	snprintf(want, sizeof want, "the store in %s has schema 7, this "
	    "program reads and writes schema 1", p->store);
	want_str(buf_str(&why), want, "why");
	want_i64(access(in(p->store, "state"), F_OK), -1, "recovered");
	write_file(in(p->store, "schema"), "rubbish");
	want_rc(try_open(p, &why), RC_INVALID, "rubbish");
	buf_free(&why);
}

static void
set(struct buf *b, const char *s, size_t len)
{
	buf_clear(b);
	for (size_t i = 0; i < len; i++)
		buf_putc(b, s[i % strlen(s)]);
}

struct row {
	const struct buf *key, *val;
	enum rc (*fn)(struct store *st, DB_TXN *txn, enum bdb_file f,
	    const struct buf *key, const struct buf *val);
};

static enum rc
delete_row(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val)
{
	(void)val;
	return bdb_del(st, txn, f, key);
}

static enum rc
row_once(struct store *st, DB_TXN *txn, void *arg)
{
	const struct row *r = arg;

	return r->fn(st, txn, BDB_EVENT, r->key, r->val);
}

static enum rc
run(struct store *st, const struct buf *key, const struct buf *val,
    enum rc (*fn)(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val))
{
	struct row r = { key, val, fn };

	return bdb_txn(st, row_once, &r, BDB_PRIORITY_ACCEPT, true);
}

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
		set(&val, "some bytes ", len[i]);
		want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &got, false),
		    RC_NOTFOUND, "get %zu before", len[i]);
		want_rc(run(st, &key, &val, bdb_put), RC_OK, "put %zu",
		    len[i]);
		want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &got, false),
		    RC_OK, "get %zu", len[i]);
		assert_true(slice_eq(buf_as_slice(&got), buf_as_slice(&val)));
		want_rc(run(st, &key, &val, bdb_add), RC_EXISTS, "add %zu",
		    len[i]);
		want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &small, false),
		    len[i] > 500 ? RC_TOOBIG : RC_OK, "get %zu into 500",
		    len[i]);
		want_rc(run(st, &key, &val, delete_row), RC_OK, "delete");
		want_rc(run(st, &key, &val, delete_row), RC_NOTFOUND,
		    "delete again");
	}
	set(&key, "k", 65);
	assert_true(key.over);
	want_rc(run(st, &key, &val, bdb_put), RC_TOOBIG, "a cut key");
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
		set(&val, "v", (size_t)n * 5000);
		want_rc(run(st, &key, &val, bdb_put), RC_OK, "put");
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
	struct row r = { &key, &val, bdb_put };

	set(&key, "k", 8);
	set(&val, "v", 8);
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

	set(&key, "k", 8);
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

	set(&key, "k", 8);
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
	set(&key, "k", 8);
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

/* A child with a store of its own; its exit status, or minus a signal. */
static int
in_child(struct place *p, int (*fn)(struct place *p))
{
	pid_t pid = fork();
	int status;

	assert_true(pid != -1);
	if (pid == 0)
		_exit(fn(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
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
	set(&key, "k", 8);
	set(&val, "v", 50000);
	if (run(st, &key, &val, bdb_put) != RC_OK)
		return 2;
	set(&key, "l", 8);
	if (setrlimit(RLIMIT_FSIZE, &limit) == -1)
		return 3;
	return run(st, &key, &val, bdb_put) == RC_OK ? 4 : 5;
}

static void
a_log_that_cant_be_flushed_ends_the_process(void **state)
{
	struct place *p = *state;
	struct buf key = BUF_INIT(64), val = BUF_INIT(100000);
	struct store *st;

	want_i64(in_child(p, write_past_a_limit), GATE_EXIT, "the child");
	st = place_open(p, false);
	want_rc(bdb_enter(st), RC_OK, "enter");
	set(&key, "k", 8);
	want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &val, false), RC_OK,
	    "what was flushed before");
	want_i64((int64_t)val.len, 50000, "its length");
	bdb_leave(st);
	store_close(st);
	buf_free(&key);
	buf_free(&val);
}

static int
logs(const char *dir)
{
	char path[1024];
	int n = 0;

	for (int i = 1; i < 100; i++) {
		snprintf(path, sizeof path, "%s/log.%010d", dir, i);
		n += access(path, F_OK) == 0;
	}
	return n;
}

static void
maintenance_makes_a_checkpoint_and_removes_old_logs(void **state)
{
	struct place *p = *state;
	struct store *st = place_open(p, false);
	struct buf key = BUF_INIT(64), val = BUF_INIT(2 * MIB);
	struct store_health h;

	set(&val, "v", 1000000);
	want_rc(bdb_enter(st), RC_OK, "enter");
	for (uint64_t i = 0; i < 10; i++) {
		buf_clear(&key);
		buf_be64(&key, i);
		want_rc(run(st, &key, &val, bdb_put), RC_OK, "put");
	}
	bdb_leave(st);
	want_rc(store_health(st, &h), RC_OK, "health");
	assert_true(h.writable);
	assert_true(h.log_bytes > 9 * MIB);
	assert_true(h.store_bytes > 9 * MIB);
	want_i64((int64_t)h.recoveries, 1, "when it was made");
	assert_true(logs(p->store) >= 3);
	want_rc(store_maintain(st), RC_OK, "maintain");
	want_rc(store_health(st, &h), RC_OK, "health");
	assert_true(h.log_bytes < MIB);
	want_i64(logs(p->store), 1, "log files left");
	store_close(st);
	buf_free(&key);
	buf_free(&val);
}

/* A small disk of our own, gone with the process; false if we may not. */
static bool
small_disk(const char *dir)
{
	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mkdir(dir, 0700) == 0 &&
	    mount("none", dir, "tmpfs", 0, "size=96m,mode=700") == 0;
}

/* A file that leaves so many bytes free. */
static void
leave_free(const char *dir, int64_t bytes)
{
	struct statvfs vfs;
	const char *path = in(dir, "filler");
	int64_t now;
	int fd, error;

	unlink(path);
	assert_int_equal(statvfs(dir, &vfs), 0);
	now = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	error = now > bytes ? posix_fallocate(fd, 0, now - bytes) : 0;
	close(fd);
	want_i64(error, 0, "filling the disk");
}

/* The store looks at the disk ten times a second. */
static void
next_look(void)
{
	struct timespec ts = { 0, 120 * 1000000 };

	nanosleep(&ts, NULL);
}

static void
a_full_disk_refuses_and_recovers_by_itself(void **state)
{
	struct place *p = *state;
	char disk[600], dir[640];
	struct store_options o = p->opt;
	struct buf key = BUF_INIT(64), val = BUF_INIT(1000), why =
	    BUF_INIT(512);
	struct store_health h;
	struct store *st;

	snprintf(disk, sizeof disk, "%s/disk", p->dir);
	if (!small_disk(disk)) {
		print_message("not root: a full disk is not tried\n");
		skip();
	}
	snprintf(dir, sizeof dir, "%s/store", disk);
	o.dir = dir;
	o.low_space = 0;
	want_rc(store_create(&o, &why), RC_OK, "%s", buf_str(&why));
	want_rc(store_open(&st, &o, &why), RC_OK, "%s", buf_str(&why));
	want_i64(access(in(dir, "ballast"), F_OK), 0, "ballast");
	set(&key, "k", 8);
	set(&val, "v", 800);
	want_rc(bdb_space_check(st), RC_OK, "with room");

	leave_free(disk, bdb_space_low(o.cache_bytes) - MIB);
	next_look();
	want_rc(bdb_space_check(st), RC_FULL, "below the low mark");
	want_rc(store_health(st, &h), RC_OK, "health");
	assert_false(h.writable);
	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(run(st, &key, &val, bdb_put), RC_OK, "others may write");

	leave_free(disk, MIB);
	next_look();
	want_rc(run(st, &key, &val, bdb_put), RC_FULL, "below the floor");
	bdb_leave(st);
	store_close(st);

	/* As after a crash; no room to recover in but the ballast's. */
	unlink(in(dir, "left"));
	want_rc(store_open(&st, &o, &why), RC_OK, "%s", buf_str(&why));
	want_i64(access(in(dir, "ballast"), F_OK), -1, "ballast given up");
	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_get(st, NULL, BDB_EVENT, &key, &val, false), RC_OK,
	    "what was there");
	bdb_leave(st);

	unlink(in(disk, "filler"));
	next_look();
	want_rc(bdb_space_check(st), RC_OK, "with room again");
	for (int i = 0; i < 5; i++)
		want_rc(store_maintain(st), RC_OK, "maintain");
	want_i64(access(in(dir, "ballast"), F_OK), 0, "ballast restored");
	store_close(st);

	/* With no ballast either it waits for room, and tells so. */
	unlink(in(dir, "ballast"));
	unlink(in(dir, "left"));
	leave_free(disk, 0);
	want_rc(store_open(&st, &o, &why), RC_FULL, "no room at all");
	unlink(in(disk, "filler"));
	want_rc(store_open(&st, &o, &why), RC_OK, "%s", buf_str(&why));
	store_close(st);
	assert_int_equal(umount(disk), 0);
	buf_free(&key);
	buf_free(&val);
	buf_free(&why);
}

#define NOBODY	65534

static int
become_nobody(struct place *p)
{
	struct buf why = BUF_INIT(512);
	enum rc rc = store_become_owner(p->store, &why);

	if (rc != RC_OK || geteuid() != NOBODY || getegid() != NOBODY)
		return 1;
	return setuid(0) == -1 ? 0 : 2;
}

static int
be_a_stranger(struct place *p)
{
	struct buf why = BUF_INIT(512);
	struct store *st;

	if (setgroups(0, NULL) == -1 || setgid(4711) == -1 ||
	    setuid(4711) == -1)
		return 1;
	if (store_become_owner(p->store, &why) != RC_DENIED)
		return 2;
	if (strstr(buf_str(&why), "run this as") == NULL)
		return 3;
	return store_open(&st, &p->opt, &why) == RC_DENIED ? 0 : 4;
}

static void
only_the_owner_works_on_a_store_and_root_becomes_it(void **state)
{
	struct place *p = *state;
	struct buf why = BUF_INIT(512);

	want_rc(store_become_owner(in(p->dir, "none"), &why), RC_NOTFOUND,
	    "no such directory");
	want_rc(store_become_owner(p->store, &why), RC_OK, "the owner");
	buf_free(&why);
	if (geteuid() != 0) {
		print_message("not root: other users are not tried\n");
		skip();
	}
	assert_int_equal(chmod(p->dir, 0755), 0);
	assert_int_equal(chown(p->store, NOBODY, NOBODY), 0);
	want_i64(in_child(p, become_nobody), 0, "root");
	want_i64(in_child(p, be_a_stranger), 0, "a stranger");
}

static void
ids_are_read_back_and_no_others(void **state)
{
	struct store *st = place_open(*state, false);
	struct store_key key = { 1234567890123, 77, 3 }, got;
	uint64_t position;
	uint32_t number;
	char id[ID_MAX];

	store_event_id(st, 42, id);
	want_rc(store_event_parse(st, slice_of(id), &position), RC_OK, "evt");
	want_i64((int64_t)position, 42, "position");
	want_rc(store_delivery_parse(st, slice_of(id), &got), RC_NOTFOUND,
	    "evt as msg");
	store_delivery_id(st, key, id);
	want_rc(store_delivery_parse(st, slice_of(id), &got), RC_OK, "msg");
	want_i64((int64_t)got.position, 1234567890123, "position");
	want_i64(got.subscription, 77, "subscription");
	want_i64(got.ordinal, 3, "ordinal");
	for (int kind = STORE_CLIENT; kind <= STORE_USER; kind++) {
		store_record_id(st, (enum store_kind)kind, 9, id);
		for (int as = STORE_CLIENT; as <= STORE_USER; as++)
			want_rc(store_record_parse(st, (enum store_kind)as,
			    slice_of(id), &number), as == kind ? RC_OK :
			    RC_NOTFOUND, "%s as %d", id, as);
		want_i64(number, 9, "number");
	}
	id[strlen(id) - 1] = id[strlen(id) - 1] == 'z' ? 'y' : 'z';
	want_rc(store_record_parse(st, STORE_USER, slice_of(id), &number),
	    RC_NOTFOUND, "mistyped");
	store_close(st);
}

#define ENV_TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENV_TEST(a_store_is_made_once_and_for_its_owner_alone),
		ENV_TEST(what_is_no_store_is_not_opened_and_not_made_into_one),
		ENV_TEST(what_was_left_half_made_is_made_anew),
		ENV_TEST(a_store_of_another_version_is_refused_untouched),
		ENV_TEST(rows_come_back_as_they_were_put),
		ENV_TEST(a_cursor_finds_its_place_and_moves),
		ENV_TEST(a_transaction_that_fails_leaves_nothing),
		ENV_TEST(a_transaction_is_run_again_after_a_deadlock),
		ENV_TEST(writers_take_turns),
		ENV_TEST(a_log_that_cant_be_flushed_ends_the_process),
		ENV_TEST(maintenance_makes_a_checkpoint_and_removes_old_logs),
		ENV_TEST(a_full_disk_refuses_and_recovers_by_itself),
		ENV_TEST(only_the_owner_works_on_a_store_and_root_becomes_it),
		ENV_TEST(ids_are_read_back_and_no_others),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
