/*
 * What looks after a store's files: checkpoints, logs, a disk that is full.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include "base/log.h"
#include "store/bdb_gate.h"
#include "unit_events.h"
#include "unit_row.h"

static const char *
in(const char *dir, const char *name)
{
	static char path[2][1024];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
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
	struct store_condition h;

	fill(&val, "v", 1000000);
	want_rc(bdb_enter(st), RC_OK, "enter");
	for (uint64_t i = 0; i < 10; i++) {
		buf_clear(&key);
		buf_be64(&key, i);
		want_rc(run_row(st, &key, &val, bdb_put), RC_OK, "put");
	}
	bdb_leave(st);
	want_rc(store_condition(st, &h), RC_OK, "health");
	assert_true(h.writable);
	assert_true(h.log_bytes > 9 * MIB);
	assert_true(h.store_bytes > 9 * MIB);
	want_i64((int64_t)h.recoveries, 1, "when it was made");
	assert_true(logs(p->store) >= 3);
	want_rc(store_maintain(st), RC_OK, "maintain");
	want_rc(store_condition(st, &h), RC_OK, "health");
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

static void
fill_by(const char *path, int64_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), error;

	assert_true(fd != -1);
	error = bytes > 0 ? posix_fallocate(fd, 0, bytes) : 0;
	close(fd);
	want_i64(error, 0, "filling the disk");
}

/* A file that leaves so many bytes free. */
static void
leave_free(const char *dir, int64_t bytes)
{
	struct statvfs vfs;
	const char *path = in(dir, "filler");
	int64_t now;

	unlink(path);
	assert_int_equal(statvfs(dir, &vfs), 0);
	now = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
	fill_by(path, now - bytes);
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
	struct store_condition h;
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
	fill(&key, "k", 8);
	fill(&val, "v", 800);
	want_rc(bdb_space_check(st), RC_OK, "with room");

	leave_free(disk, bdb_space_low(o.cache_bytes) - MIB);
	next_look();
	want_rc(bdb_space_check(st), RC_FULL, "below the low mark");
	want_rc(store_condition(st, &h), RC_OK, "health");
	assert_false(h.writable);
	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(run_row(st, &key, &val, bdb_put), RC_OK, "others may write");

	leave_free(disk, MIB);
	next_look();
	want_rc(run_row(st, &key, &val, bdb_put), RC_FULL, "below the floor");
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

#define SETTLED		600		/* in three transactions */
#define BODY		(10 * 1024)	/* of each attempt */

struct outcomes {
	struct store_settle	 s[SETTLED];
	struct store_attempt	 at;
	char			 body[BODY];
};

/* Each delivered at its first attempt, which takes up room. */
static struct outcomes *
outcomes(struct store *st, uint64_t first)
{
	struct outcomes *o = calloc(1, sizeof *o);

	assert_non_null(o);
	memset(o->body, 'b', sizeof o->body);
	o->at = (struct store_attempt){ .number = 1, .attempt = 1,
	    .status = 200, .word = "ok",
	    .response_body = { o->body, sizeof o->body } };
	for (size_t i = 0; i < SETTLED; i++)
		o->s[i] = (struct store_settle){
		    .due = due_of(st, first + i, 1), .attempts = 1,
		    .outcome = STORE_DELIVERED, .now_ms = 9, .health = 1,
		    .attempt = &o->at };
	return o;
}

/* How many are settled; each is in every respect, or in none. */
static size_t
want_whole(struct store *st, const struct outcomes *o)
{
	struct store_attempt back = STORE_ATTEMPT_INIT;
	struct store_delivery d;
	size_t settled = 0, n;

	for (size_t i = 0; i < SETTLED; i++) {
		want_rc(store_delivery_get(st, o->s[i].due.key, &d), RC_OK,
		    "delivery");
		want_rc(store_attempts(st, o->s[i].due.key, 0, &back, 1, &n),
		    RC_OK, "attempts");
		want_i64(d.state == STORE_IS_DELIVERED, n == 1, "item %zu", i);
		settled += n;
	}
	store_attempt_clear(&back);
	want_sound(st);
	return settled;
}

/*
 * The disk was looked at a moment ago, and then others fill it, but for so
 * many bytes: the engine finds no room in the middle of a transaction.  What it
 * has mapped may find none either, which ends the process.
 */
static int
settle_while_it_fills(const struct store_options *o, const char *disk,
    uint64_t first, int64_t bytes)
{
	struct buf why = BUF_INIT(512);
	struct outcomes *out;
	struct store *st;
	enum rc rc;

	signal(SIGBUS, SIG_DFL);
	if (store_open(&st, o, &why) != RC_OK)
		return 1;
	out = outcomes(st, first);
	leave_free(disk, 10 * MIB + bytes);
	next_look();
	if (bdb_space_floor(st) != RC_OK)
		return 2;
	fill_by(in(disk, "more"), 10 * MIB);
	rc = store_settle(st, out->s, SETTLED, true);
	return rc == RC_OK || rc == RC_FULL ? GATE_EXIT : 3;
}

static void
want_refused_or_ended(const struct store_options *o, const char *disk,
    uint64_t first, int64_t bytes)
{
	pid_t pid = fork();
	int status;

	assert_true(pid != -1);
	if (pid == 0)
		_exit(settle_while_it_fills(o, disk, first, bytes));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		want_i64(WTERMSIG(status), SIGBUS, "the signal that ended it");
	else
		want_i64(WEXITSTATUS(status), GATE_EXIT, "its end");
	unlink(in(disk, "filler"));
	unlink(in(disk, "more"));
}

static void
a_disk_that_fills_up_leaves_no_outcome_half_recorded(void **state)
{
	struct place *p = *state;
	char disk[600], dir[640];
	struct store_options o = p->opt;
	struct buf why = BUF_INIT(512);
	struct outcomes *out;
	struct store *st;
	size_t done, before = 0;
	uint64_t first;

	snprintf(disk, sizeof disk, "%s/disk", p->dir);
	if (!small_disk(disk)) {
		print_message("not root: a full disk is not tried\n");
		skip();
	}
	snprintf(dir, sizeof dir, "%s/store", disk);
	o.dir = dir;
	want_rc(store_create(&o, &why), RC_OK, "%s", buf_str(&why));
	want_rc(store_open(&st, &o, &why), RC_OK, "%s", buf_str(&why));
	first = events_to(st, 1, SETTLED);

	/* too little room to begin with: refused, and nothing is written */
	out = outcomes(st, first);
	leave_free(disk, MIB);
	next_look();
	want_rc(store_settle(st, out->s, SETTLED, true), RC_FULL, "no room");
	for (size_t i = 0; i < SETTLED; i++)
		want_rc(out->s[i].rc, RC_FULL, "item %zu", i);
	want_i64((int64_t)want_whole(st, out), 0, "settled");
	store_close(st);
	unlink(in(disk, "filler"));

	for (int64_t left = 0; left < 6 * MIB; left += 2 * MIB) {
		want_refused_or_ended(&o, disk, first, left);
		want_rc(store_open(&st, &o, &why), RC_OK, "%s",
		    buf_str(&why));
		done = want_whole(st, out);
		assert_true(done >= before && (left > 0 || done == 0));
		before = done;
		store_close(st);
	}

	/* with room again all of it is settled, what was so before once */
	want_rc(store_open(&st, &o, &why), RC_OK, "%s", buf_str(&why));
	want_rc(store_settle(st, out->s, SETTLED, true), RC_OK, "settle");
	for (size_t i = 0; i < SETTLED; i++)
		assert_true(out->s[i].rc == RC_OK || (out->s[i].rc ==
		    RC_STALE && !out->s[i].late));
	want_i64((int64_t)want_whole(st, out), SETTLED, "settled");
	store_close(st);
	assert_int_equal(umount(disk), 0);
	free(out);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(maintenance_makes_a_checkpoint_and_removes_old_logs),
		PLACE_TEST(a_full_disk_refuses_and_recovers_by_itself),
		PLACE_TEST(a_disk_that_fills_up_leaves_no_outcome_half_recorded),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
