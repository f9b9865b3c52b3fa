#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "deliver/sweeplock.h"

#define FILE_NAME	"sweep.lock"
#define PATH_LEN	1100
#define LINE_LEN	160	/* of the file; written whole, padded */
#define END_WAIT_MS	2000

/*
 * The file is one line of LINE_LEN bytes, "pid started beat delivered retrying
 * dead", so that one pwrite replaces it whole.
 */
static bool
read_holder(int fd, struct sweeplock_holder *h)
{
	char line[LINE_LEN + 1];
	ssize_t n = pread(fd, line, LINE_LEN, 0);

	if (n <= 0)
		return false;
	line[n] = '\0';
	return sscanf(line, "%" SCNd64 " %" SCNu64 " %" SCNd64 " %" SCNu64
	    " %" SCNu64 " %" SCNu64, &h->pid, &h->started, &h->beat_ms,
	    &h->delivered, &h->retrying, &h->dead) == 6;
}

/*
 * Field 22 of /proc/PID/stat, counted after the name's closing parenthesis,
 * which may itself hold anything; 0 if there is no such process.
 */
static uint64_t
start_time(int64_t pid)
{
	char path[64], stat[1024];
	const char *s;
	uint64_t v;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	n = read(fd, stat, sizeof stat - 1);
	close(fd);
	if (n <= 0)
		return 0;
	stat[n] = '\0';
	s = strrchr(stat, ')');
	for (int field = 2; s != NULL && field < 22; field++)
		s = strchr(s + 1, ' ');
	return s != NULL && sscanf(s, " %" SCNu64, &v) == 1 ? v : 0;
}

/*
 * End a holder whose heart has stopped.  The kernel lets only the same user
 * (or root) do that; the start time tells a reused pid.
 */
static bool
end_stale(int fd)
{
	struct sweeplock_holder h;

	if (!read_holder(fd, &h) || h.pid <= 1 || h.pid == getpid() ||
	    clock_mono_ms() - h.beat_ms <= SWEEPLOCK_STALE_MS ||
	    h.started == 0 || start_time(h.pid) != h.started)
		return false;
	if (kill((pid_t)h.pid, SIGKILL) == -1)
		return false;
	log_warn("ended sweep %" PRId64 ": no heartbeat for %" PRId64 " s",
	    h.pid, (clock_mono_ms() - h.beat_ms) / 1000);
	return true;
}

static bool
try_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static int
open_file(const char *dir, int flags)
{
	char path[PATH_LEN];

	snprintf(path, sizeof path, "%s/" FILE_NAME, dir);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

enum rc
sweeplock_take(struct sweeplock *l, const char *dir, struct buf *why)
{
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	int64_t until;
	bool held;
	int fd;

	fd = open_file(dir, O_RDWR | O_CREAT);
	if (fd == -1) {
		buf_printf(why, "%s/" FILE_NAME ": %s", dir, strerror(errno));
		return RC_IO;
	}
	held = try_lock(fd);
	if (!held && errno == EWOULDBLOCK && end_stale(fd)) {
		until = clock_mono_ms() + END_WAIT_MS;
		while (!held && clock_mono_ms() < until) {
			nanosleep(&pause, NULL);
			held = try_lock(fd);
		}
	}
	if (!held) {
		close(fd);
		buf_puts(why, "another process sweeps this store");
		return RC_EXISTS;
	}
	l->fd = fd;
	sweeplock_beat(l, 0, 0, 0);
	return RC_OK;
}

void
sweeplock_beat(const struct sweeplock *l, uint64_t delivered,
    uint64_t retrying, uint64_t dead)
{
	char line[LINE_LEN + 1];
	int n;

	n = snprintf(line, sizeof line, "%jd %" PRIu64 " %" PRId64 " %" PRIu64
	    " %" PRIu64 " %" PRIu64, (intmax_t)getpid(),
	    start_time(getpid()), clock_mono_ms(), delivered, retrying, dead);
	memset(line + n, ' ', (size_t)(LINE_LEN - n));
	line[LINE_LEN - 1] = '\n';
	if (pwrite(l->fd, line, LINE_LEN, 0) != LINE_LEN)
		log_warn("heartbeat: %s", strerror(errno));
}

enum rc
sweeplock_read(const char *dir, struct sweeplock_holder *h)
{
	int fd = open_file(dir, O_RDONLY);
	bool ok;

	if (fd == -1)
		return RC_NOTFOUND;
	ok = read_holder(fd, h);
	close(fd);
	return ok ? RC_OK : RC_NOTFOUND;
}

void
sweeplock_release(struct sweeplock *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}
