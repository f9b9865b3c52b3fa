#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "deliver/sweeplock.h"
#include "unit.h"

static char dir[256];

static int
set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof dir, "%s/lock.XXXXXX", tmp == NULL ? "/tmp" :
	    tmp);
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	char path[300];

	(void)state;
	snprintf(path, sizeof path, "%s/sweep.lock", dir);
	unlink(path);
	return rmdir(dir);
}

static enum rc
take(struct sweeplock *l)
{
	struct buf why = BUF_INIT(256);
	enum rc rc = sweeplock_take(l, dir, &why);

	buf_free(&why);
	return rc;
}

static void
it_is_held_by_one_until_released(void **state)
{
	struct sweeplock a = SWEEPLOCK_INIT, b = SWEEPLOCK_INIT;

	(void)state;
	want_rc(take(&a), RC_OK, "first");
	want_rc(take(&b), RC_EXISTS, "second");
	want_i64(b.fd, -1, "the second's descriptor");
	sweeplock_release(&a);
	want_rc(take(&b), RC_OK, "after release");
	sweeplock_release(&b);
	sweeplock_release(&b);
}

static void
it_says_who_holds_it_and_what_he_did(void **state)
{
	struct sweeplock a = SWEEPLOCK_INIT;
	struct sweeplock_holder h;

	(void)state;
	want_rc(sweeplock_read(dir, &h), RC_NOTFOUND, "before");
	want_rc(take(&a), RC_OK, "take");
	sweeplock_beat(&a, 12345678901, 2, 3);
	want_rc(sweeplock_read(dir, &h), RC_OK, "read");
	want_i64(h.pid, getpid(), "pid");
	want_i64((int64_t)h.delivered, 12345678901, "delivered");
	want_i64((int64_t)h.retrying, 2, "retrying");
	want_i64((int64_t)h.dead, 3, "dead");
	sweeplock_release(&a);
}

/*
 * A holder in a process of its own, whose line is rewritten to have a
 * heartbeat of that age and, if foreign, a start time that is not its own.
 */
static pid_t
holder(int64_t age_ms, bool foreign)
{
	struct sweeplock_holder h;
	char path[300], line[160], c;
	int ready[2], fd;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct sweeplock a = SWEEPLOCK_INIT;

		(void)!write(ready[1], take(&a) == RC_OK ? "y" : "n", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	want_i64(c, 'y', "the holder has it");
	close(ready[0]);
	close(ready[1]);
	want_rc(sweeplock_read(dir, &h), RC_OK, "read");
	snprintf(path, sizeof path, "%s/sweep.lock", dir);
	fd = open(path, O_WRONLY);
	snprintf(line, sizeof line, "%" PRId64 " %" PRIu64 " %" PRId64
	    " 0 0 0\n", h.pid, h.started + foreign, h.beat_ms - age_ms);
	assert_int_equal(write(fd, line, strlen(line)), strlen(line));
	close(fd);
	return pid;
}

static void
a_holder_without_a_heartbeat_is_ended(void **state)
{
	struct sweeplock b = SWEEPLOCK_INIT;
	pid_t pid = holder(SWEEPLOCK_STALE_MS + 1000, false);
	int status;

	(void)state;
	want_rc(take(&b), RC_OK, "take");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	want_i64(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGKILL,
	    "the holder's end");
	sweeplock_release(&b);
}

static void
one_with_a_heartbeat_or_another_process_of_its_pid_is_not(void **state)
{
	static const struct { const char *what; int64_t age; bool foreign; } t[] = {
		{ "a heartbeat", SWEEPLOCK_STALE_MS - 5000, false },
		{ "another process", SWEEPLOCK_STALE_MS + 5000, true },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct sweeplock b = SWEEPLOCK_INIT;
		pid_t pid = holder(t[i].age, t[i].foreign);
		int status;

		want_rc(take(&b), RC_EXISTS, "%s", t[i].what);
		want_i64(waitpid(pid, &status, WNOHANG), 0, "%s lives",
		    t[i].what);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(it_is_held_by_one_until_released,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		it_says_who_holds_it_and_what_he_did, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_holder_without_a_heartbeat_is_ended, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		one_with_a_heartbeat_or_another_process_of_its_pid_is_not,
		set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
