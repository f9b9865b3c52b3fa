/*
 * The gate with an environment that is made of counters: what the real one
 * does with it is torture/kill_gate's matter.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_gate.h"
#include "unit.h"

#define PATIENCE_MS	8000	/* far more than anything here takes */
#define NCHILD		4

/* What all processes of a test see. */
struct shared {
	_Atomic int	recoveries;	/* that ended well */
	_Atomic int	recovering;	/* at this moment */
	_Atomic int	wrong;		/* the invariant was broken */
	_Atomic int	inside[NCHILD];	/* a child says where it is */
	_Atomic int	rounds[NCHILD];
	_Atomic int	stop;
};

/* What one gate's ops work on. */
struct fake {
	struct shared	*sh;
	int		 joined;	/* recoveries when it came in */
	int		 tried;		/* calls of recover */
	int		 fail_join;	/* so many times yet */
	enum rc		 recover_rc;
	bool		 die;		/* in the midst of a recovery */
	const char	*shape;		/* NULL: plain */
	_Atomic int	*busy;		/* threads inside, or NULL */
};

struct fixture {
	char		 dir[256];
	struct shared	*sh;
	struct fake	 fake[2];
	struct gate	*g[2];
};

static void
pause_us(long us)
{
	struct timespec ts = { 0, us * 1000 };

	nanosleep(&ts, NULL);
}

static enum rc
fake_recover(void *arg, struct buf *why)
{
	struct fake *f = arg;

	f->tried++;
	if (atomic_fetch_add(&f->sh->recovering, 1) != 0)
		atomic_store(&f->sh->wrong, 1);
	if (f->busy != NULL && atomic_load(f->busy) != 0)
		atomic_store(&f->sh->wrong, 2);
	pause_us(2000);
	if (f->die) {
		atomic_fetch_sub(&f->sh->recovering, 1);
		kill(getpid(), SIGKILL);
	}
	if (f->recover_rc == RC_OK)
		atomic_fetch_add(&f->sh->recoveries, 1);
	else
		buf_puts(why, "told to fail");
	atomic_fetch_sub(&f->sh->recovering, 1);
	return f->recover_rc;
}

static enum rc
fake_join(void *arg, struct buf *why)
{
	struct fake *f = arg;

	if (f->fail_join > 0) {
		f->fail_join--;
		buf_puts(why, "told to fail");
		return RC_IO;
	}
	f->joined = atomic_load(&f->sh->recoveries);
	return RC_OK;
}

static void
fake_leave(void *arg)
{
	struct fake *f = arg;

	if (f->busy != NULL && atomic_load(f->busy) != 0)
		atomic_store(&f->sh->wrong, 3);
}

static const struct gate_ops fake_ops = { fake_recover, fake_join, fake_leave,
	NULL };

/* Inside: nobody may have recovered since we came in, nor be at it. */
static void
look_around(struct fake *f)
{
	if (atomic_load(&f->sh->recovering) != 0 ||
	    atomic_load(&f->sh->recoveries) != f->joined)
		atomic_store(&f->sh->wrong, 4);
}

static struct gate *
gate_of(const char *dir, struct fake *f, struct shared *sh,
    const char *library)
{
	struct buf why = BUF_INIT(256);
	struct gate *g = NULL;

	f->sh = sh;
	if (gate_new(&g, dir, &fake_ops, f, library, f->shape != NULL ?
	    f->shape : "plain", &why) != RC_OK)
		print_error("gate_new: %s\n", buf_str(&why));
	buf_free(&why);
	return g;
}

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	const char *tmp = getenv("TMPDIR");

	snprintf(x->dir, sizeof x->dir, "%s/gate.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(x->dir) == NULL)
		return -1;
	x->sh = mmap(NULL, sizeof *x->sh, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (x->sh == MAP_FAILED)
		return -1;
	for (int i = 0; i < 2; i++)
		x->g[i] = gate_of(x->dir, &x->fake[i], x->sh, "one");
	*state = x;
	return x->g[0] == NULL || x->g[1] == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;
	static const char *const left[] = { "gate", "left", "recover", "state",
	    "run" };
	char path[512];

	for (int i = 0; i < 2; i++)
		gate_free(x->g[i]);
	for (size_t i = 0; i < NELEM(left); i++) {
		snprintf(path, sizeof path, "%s/%s", x->dir, left[i]);
		if (remove(path) == -1 && errno != ENOENT)
			print_error("%s: %s\n", path, strerror(errno));
	}
	/* Fails, and the test with it, if a slot was left in run. */
	if (rmdir(x->dir) == -1) {
		print_error("%s: %s\n", x->dir, strerror(errno));
		return -1;
	}
	munmap(x->sh, sizeof *x->sh);
	free(x);
	return 0;
}

static bool
exists(const struct fixture *x, const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", x->dir, name);
	return access(path, F_OK) == 0;
}

/* Wait until *what is at least n. */
static void
await(_Atomic int *what, int n, const char *name)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (atomic_load(what) < n) {
		if (clock_mono_ms() > until) {
			print_error("%s: got %d, want %d\n", name,
			    atomic_load(what), n);
			fail();
		}
		pause_us(1000);
	}
}

/* How a child ended, waiting for it: an exit status, or minus a signal. */
static int
ended(pid_t pid)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	int status;
	pid_t got;

	for (;;) {
		got = waitpid(pid, &status, WNOHANG);
		if (got == pid)
			return WIFSIGNALED(status) ? -WTERMSIG(status) :
			    WEXITSTATUS(status);
		if (got == -1 || clock_mono_ms() > until)
			return 1000;
		pause_us(1000);
	}
}

/*
 * What a child does inside: rounds until told to stop; or once, and then dies,
 * hangs or stops there.
 */
enum fate { ROUNDS, DIE, HANG, STOP };

static pid_t
child(struct fixture *x, int n, enum fate fate)
{
	struct fake f = { .recover_rc = RC_OK };
	struct gate *g;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	log_level_set(LOG_ERROR + 1);
	g = gate_of(x->dir, &f, x->sh, "one");
	while (atomic_load(&x->sh->stop) == 0) {
		if (gate_enter(g, false) != RC_OK)
			_exit(3);
		atomic_store(&x->sh->inside[n], 1);
		look_around(&f);
		if (fate == DIE)
			for (;;)
				pause();
		if (fate == STOP)
			kill(getpid(), SIGSTOP);
		while (fate == HANG)
			pause_us(100000);
		pause_us(200);
		look_around(&f);
		gate_leave(g);
		atomic_fetch_add(&x->sh->rounds[n], 1);
	}
	gate_free(g);
	_exit(0);
}

static void
the_first_one_in_recovers_and_the_next_one_joins(void **state)
{
	struct fixture *x = *state;

	want_rc(gate_enter(x->g[0], false), RC_OK, "first");
	want_i64(x->sh->recoveries, 1, "recoveries by the first");
	want_rc(gate_enter(x->g[1], false), RC_OK, "second");
	want_i64(x->sh->recoveries, 1, "recoveries with the second");
	want_i64((int64_t)gate_recoveries(x->g[1]), 1, "on record");
	gate_leave(x->g[0]);
	gate_leave(x->g[1]);
	gate_idle(x->g[0]);
	gate_idle(x->g[1]);
	assert_true(exists(x, "left"));
	want_rc(gate_enter(x->g[0], false), RC_OK, "after all had left");
	want_i64(x->sh->recoveries, 1, "recoveries after all had left");
	want_i64((int64_t)gate_recoveries(x->g[0]), 1, "on record");
	assert_false(exists(x, "left"));
	gate_leave(x->g[0]);
	assert_false(exists(x, "recover"));
}

/* Everybody out; remove a file, or put one in its place; and in again. */
static void
come_again(struct fixture *x, const char *gone, const char *text, int want)
{
	char path[512];
	int fd;

	gate_idle(x->g[0]);
	if (gone != NULL) {
		snprintf(path, sizeof path, "%s/%s", x->dir, gone);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_not_equal(fd, -1);
		want_i64(write(fd, text, strlen(text)), (int64_t)strlen(text),
		    "write");
		close(fd);
		if (*text == '\0')
			unlink(path);
	}
	want_rc(gate_enter(x->g[0], false), RC_OK, "coming again");
	gate_leave(x->g[0]);
	want_i64(x->sh->recoveries, want, "recoveries, %s", gone == NULL ?
	    "in order" : gone);
}

static void
an_empty_house_is_recovered_unless_it_was_left_in_order(void **state)
{
	struct fixture *x = *state;
	struct fake other = { .recover_rc = RC_OK, .shape = "large" };
	struct gate *g;
	int status;
	pid_t pid;

	come_again(x, NULL, NULL, 1);
	come_again(x, NULL, NULL, 1);
	come_again(x, "left", "", 2);
	come_again(x, "state", "", 3);
	come_again(x, "state", "recoveries 3 boot another library one shape "
	    "plain", 4);
	come_again(x, "state", "recoveries 4 boot - library one shape plain",
	    5);
	come_again(x, "recover", "x", 6);
	come_again(x, NULL, NULL, 6);
	/* one who comes and dies inside takes the mark with it */
	gate_idle(x->g[0]);
	pid = child(x, 0, DIE);
	await(&x->sh->inside[0], 1, "the one to die");
	assert_false(exists(x, "left"));
	kill(pid, SIGKILL);
	status = ended(pid);
	want_i64(status, -SIGKILL, "the killed one");
	come_again(x, NULL, NULL, 7);
	/* another shape is made anew */
	gate_idle(x->g[0]);
	g = gate_of(x->dir, &other, x->sh, "one");
	want_rc(gate_enter(g, false), RC_OK, "another shape");
	gate_leave(g);
	gate_free(g);
	want_i64(x->sh->recoveries, 8, "recoveries by another shape");
	come_again(x, NULL, NULL, 9);
}

static void
a_dead_neighbour_makes_everybody_leave_and_one_recover(void **state)
{
	struct fixture *x = *state;
	pid_t pid[NCHILD];
	int before[NCHILD];

	for (int i = 0; i < NCHILD; i++)
		pid[i] = child(x, i, i == 0 ? DIE : ROUNDS);
	await(&x->sh->inside[0], 1, "the one to die");
	for (int i = 1; i < NCHILD; i++)
		await(&x->sh->rounds[i], 1, "rounds of the others");
	want_i64(x->sh->recoveries, 1, "recoveries before");
	kill(pid[0], SIGKILL);
	want_i64(ended(pid[0]), -SIGKILL, "the killed one");
	await(&x->sh->recoveries, 2, "recoveries");
	/* Who began a round after that has joined what was recovered. */
	for (int i = 1; i < NCHILD; i++)
		before[i] = atomic_load(&x->sh->rounds[i]);
	for (int i = 1; i < NCHILD; i++)
		await(&x->sh->rounds[i], before[i] + 2, "rounds after");
	want_i64(x->sh->recoveries, 2, "recoveries after");
	atomic_store(&x->sh->stop, 1);
	for (int i = 1; i < NCHILD; i++)
		want_i64(ended(pid[i]), 0, "survivor %d", i);
	want_i64(x->sh->wrong, 0, "invariant");
}

static void
one_that_hangs_inside_is_ended_by_its_watchdog(void **state)
{
	struct fixture *x = *state;
	pid_t pid = child(x, 0, HANG);
	int64_t since;

	await(&x->sh->inside[0], 1, "the one to hang");
	since = clock_mono_ms();
	gate_raise(x->g[0]);
	want_i64(ended(pid), GATE_EXIT, "the hanging one");
	assert_true(clock_mono_ms() - since >= GATE_LIMIT_DRAIN_MS);
	want_rc(gate_enter(x->g[0], false), RC_OK, "afterwards");
	gate_leave(x->g[0]);
	want_i64(x->sh->recoveries, 2, "recoveries");
	want_i64(x->sh->wrong, 0, "invariant");
}

static void
one_that_is_stopped_inside_is_killed_by_who_waits(void **state)
{
	struct fixture *x = *state;
	pid_t pid = child(x, 0, STOP);
	int status;

	want_i64(waitpid(pid, &status, WUNTRACED), pid, "waitpid");
	assert_true(WIFSTOPPED(status));
	gate_raise(x->g[0]);
	want_rc(gate_enter(x->g[0], false), RC_OK, "the one who waits");
	gate_leave(x->g[0]);
	want_i64(ended(pid), -SIGKILL, "the stopped one");
	want_i64(x->sh->recoveries, 2, "recoveries");
}

static void
one_with_nobody_inside_leaves_when_it_is_asked_to(void **state)
{
	struct fixture *x = *state;
	int64_t since;

	want_rc(gate_enter(x->g[0], false), RC_OK, "the idle one");
	gate_leave(x->g[0]);
	since = clock_mono_ms();
	gate_raise(x->g[1]);
	want_rc(gate_enter(x->g[1], false), RC_OK, "the other");
	assert_true(clock_mono_ms() - since < 2 * GATE_LIMIT_DRAIN_MS);
	want_rc(gate_enter_attached(x->g[0]), RC_NOTFOUND, "left");
	want_i64(x->sh->recoveries, 2, "recoveries");
	gate_leave(x->g[1]);
}

static void
death_in_the_midst_of_a_recovery_leaves_the_flag_up(void **state)
{
	struct fixture *x = *state;
	struct fake f = { .recover_rc = RC_OK, .die = true };
	pid_t pid = fork();

	if (pid == 0) {
		struct gate *g = gate_of(x->dir, &f, x->sh, "one");

		_exit(gate_enter(g, false) == RC_OK ? 1 : 2);
	}
	want_i64(ended(pid), -SIGKILL, "the recovering one");
	want_i64(x->sh->recoveries, 0, "recoveries ended");
	assert_true(exists(x, "recover"));
	want_rc(gate_enter(x->g[0], false), RC_OK, "the next");
	want_i64(x->sh->recoveries, 1, "recoveries");
	assert_false(exists(x, "recover"));
	gate_leave(x->g[0]);
}

static void
what_cant_be_joined_is_recovered_again_but_not_for_ever(void **state)
{
	struct fixture *x = *state;

	x->fake[0].fail_join = 1;
	want_rc(gate_enter(x->g[0], false), RC_OK, "one failure");
	want_i64(x->sh->recoveries, 2, "recoveries");
	gate_leave(x->g[0]);
	gate_idle(x->g[0]);
	x->fake[0].fail_join = 100;
	want_rc(gate_enter(x->g[0], false), RC_IO, "failing always");
	assert_in_range(x->sh->recoveries, 3, 10);
}

static void
a_failed_recovery_is_not_tried_again_at_once(void **state)
{
	struct fixture *x = *state;
	struct buf why = BUF_INIT(256);

	x->fake[0].recover_rc = RC_FULL;
	want_rc(gate_enter(x->g[0], false), RC_FULL, "first");
	want_rc(gate_enter(x->g[0], false), RC_FULL, "second");
	want_i64(x->fake[0].tried, 1, "calls of recover");
	gate_why(x->g[0], &why);
	want_str(buf_str(&why), "told to fail", "why");
	assert_true(exists(x, "recover"));
	/* Another, who can, is not kept from it. */
	want_rc(gate_enter(x->g[1], false), RC_OK, "another");
	gate_leave(x->g[1]);
	buf_free(&why);
}

static void
a_thread_inside_may_come_in_again(void **state)
{
	struct fixture *x = *state;

	want_rc(gate_enter(x->g[0], false), RC_OK, "once");
	gate_raise(x->g[0]);
	want_rc(gate_enter(x->g[0], true), RC_OK, "twice");
	gate_leave(x->g[0]);
	want_i64(x->sh->recoveries, 1, "recoveries while inside");
	gate_leave(x->g[0]);
	want_rc(gate_enter(x->g[0], false), RC_OK, "afterwards");
	want_i64(x->sh->recoveries, 2, "recoveries afterwards");
	gate_leave(x->g[0]);
}

static void
two_builds_of_the_engine_are_never_inside_together(void **state)
{
	struct fixture *x = *state;
	struct fake f = { .recover_rc = RC_OK };
	struct gate *g;
	pid_t pid = fork();

	if (pid == 0) {
		log_level_set(LOG_ERROR + 1);
		g = gate_of(x->dir, &f, x->sh, "old");
		if (gate_enter(g, false) != RC_OK)
			_exit(3);
		gate_leave(g);
		atomic_store(&x->sh->inside[0], 1);
		await(&x->sh->inside[1], 1, "the new one");
		/* It was replaced while it ran: it must not go in again. */
		_exit(gate_enter(g, false) == RC_OK ? 1 : 2);
	}
	await(&x->sh->inside[0], 1, "the old one");
	want_rc(gate_enter(x->g[0], false), RC_OK, "the new one");
	want_i64(x->sh->recoveries, 2, "recoveries");
	atomic_store(&x->sh->inside[1], 1);
	want_i64(ended(pid), GATE_EXIT, "the old one");
	gate_leave(x->g[0]);
}

static void
a_store_in_use_on_another_machine_is_refused(void **state)
{
	struct fixture *x = *state;
	char path[512], other[] = "boot 00000000-0000-0000-0000-000000000000";
	int fd;

	want_rc(gate_enter(x->g[0], false), RC_OK, "here");
	snprintf(path, sizeof path, "%s/state", x->dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd != -1);
	want_i64(pwrite(fd, other, sizeof other - 1,
	    sizeof "recoveries 1 " - 1), sizeof other - 1, "pwrite");
	close(fd);
	want_rc(gate_enter(x->g[1], false), RC_DENIED, "there");
	gate_leave(x->g[0]);
}

#define NTHREAD 8

struct worker {
	struct fixture	*x;
	_Atomic int	*busy;
	int		 done;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct fixture *x = w->x;

	while (atomic_load(&x->sh->stop) == 0) {
		if (gate_enter(x->g[0], w->done % 7 == 0) != RC_OK) {
			atomic_store(&x->sh->wrong, 5);
			return NULL;
		}
		atomic_fetch_add(w->busy, 1);
		look_around(&x->fake[0]);
		pause_us(50);
		look_around(&x->fake[0]);
		atomic_fetch_sub(w->busy, 1);
		gate_leave(x->g[0]);
		w->done++;
		atomic_fetch_add(&x->sh->rounds[0], 1);
	}
	return NULL;
}

static void
threads_are_all_out_before_anybody_recovers(void **state)
{
	struct fixture *x = *state;
	struct worker w[NTHREAD];
	pthread_t t[NTHREAD];
	_Atomic int busy = 0;
	int rounds = 0;

	x->fake[0].busy = x->fake[1].busy = &busy;
	for (int i = 0; i < NTHREAD; i++) {
		w[i] = (struct worker){ x, &busy, 0 };
		want_i64(pthread_create(&t[i], NULL, work, &w[i]), 0,
		    "thread %d", i);
	}
	for (int i = 0; i < 10; i++) {
		await(&x->sh->rounds[0], rounds + 20 * NTHREAD, "rounds");
		gate_raise(x->g[1]);
		await(&x->sh->recoveries, i + 2, "recoveries");
		rounds = atomic_load(&x->sh->rounds[0]);
	}
	await(&x->sh->rounds[0], rounds + NTHREAD, "rounds at the end");
	atomic_store(&x->sh->stop, 1);
	for (int i = 0; i < NTHREAD; i++) {
		pthread_join(t[i], NULL);
		assert_true(w[i].done > 0);
	}
	want_i64(x->sh->wrong, 0, "invariant");
	want_i64(x->sh->recoveries, 11, "recoveries");
}

#define GATE_TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		GATE_TEST(the_first_one_in_recovers_and_the_next_one_joins),
		GATE_TEST(
		    an_empty_house_is_recovered_unless_it_was_left_in_order),
		GATE_TEST(
		    a_dead_neighbour_makes_everybody_leave_and_one_recover),
		GATE_TEST(one_that_hangs_inside_is_ended_by_its_watchdog),
		GATE_TEST(one_that_is_stopped_inside_is_killed_by_who_waits),
		GATE_TEST(one_with_nobody_inside_leaves_when_it_is_asked_to),
		GATE_TEST(death_in_the_midst_of_a_recovery_leaves_the_flag_up),
		GATE_TEST(
		    what_cant_be_joined_is_recovered_again_but_not_for_ever),
		GATE_TEST(a_failed_recovery_is_not_tried_again_at_once),
		GATE_TEST(a_thread_inside_may_come_in_again),
		GATE_TEST(two_builds_of_the_engine_are_never_inside_together),
		GATE_TEST(a_store_in_use_on_another_machine_is_refused),
		GATE_TEST(threads_are_all_out_before_anybody_recovers),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
