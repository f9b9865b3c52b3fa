#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_slot.h"

/*
 * A slot's name: kind, process, when that started, namespace, and something to
 * tell two gates of one process apart, as in "p4711.88123.4026531836.90210".
 * It is made as "t..." and renamed when it is locked, so that nobody takes it
 * for a dead one.
 */
struct owner {
	char	 kind;
	long	 pid;
	uint64_t start;		/* clock ticks since boot; 0: not known */
	uint64_t space;		/* PID namespace; 0: not known */
};

static enum rc
no_room(int error)
{
	return error == ENOSPC || error == EDQUOT ? RC_FULL : RC_IO;
}

/* Field 22 of /proc/PID/stat; the name before it may hold anything. */
static uint64_t
started(long pid)
{
	char path[64], text[1024];
	const char *p;
	uint64_t start = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p != NULL && field < 22; field++) {
		p = strchr(p, ' ');
		if (p != NULL)
			p++;
	}
	if (p == NULL || sscanf(p, "%" SCNu64, &start) != 1)
		return 0;
	return start;
}

static struct owner
self(char kind)
{
	struct owner o = { kind, (long)getpid(), 0, 0 };
	struct stat sb;

	o.start = started(o.pid);
	if (stat("/proc/self/ns/pid", &sb) == 0)
		o.space = sb.st_ino;
	return o;
}

static bool
parse(const char *name, struct owner *o)
{
	return sscanf(name, "%c%ld.%" SCNu64 ".%" SCNu64, &o->kind, &o->pid,
	    &o->start, &o->space) == 4 && strchr("tpr", o->kind) != NULL;
}

enum rc
slot_dir(const char *dir)
{
	char path[SLOT_PATH_MAX];

	snprintf(path, sizeof path, "%s/run", dir);
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return no_room(errno);
	return RC_OK;
}

/* Where in a slot's path its kind stands. */
static char *
kind_of(struct slot *s)
{
	return strrchr(s->path, '/') + 1;
}

enum rc
slot_make(struct slot *s, const char *dir)
{
	struct owner o = self(SLOT_COMING);

	snprintf(s->path, sizeof s->path, "%s/run/%c%ld.%" PRIu64 ".%" PRIu64
	    ".%" PRId64, dir, o.kind, o.pid, o.start, o.space,
	    clock_mono_us());
	s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd == -1)
		return no_room(errno);
	if (flock(s->fd, LOCK_EX | LOCK_NB) == 0)
		return RC_OK;
	slot_drop(s);
	return RC_RETRY;
}

enum rc
slot_show(struct slot *s, enum slot_kind kind)
{
	char shown[SLOT_PATH_MAX];

	memcpy(shown, s->path, sizeof shown);
	*kind_of(s) = (char)kind;
	if (rename(shown, s->path) == 0)
		return RC_OK;
	memcpy(s->path, shown, sizeof shown);
	return errno == ENOENT ? RC_RETRY : no_room(errno);
}

void
slot_drop(struct slot *s)
{
	if (s->fd == -1)
		return;
	unlink(s->path);
	close(s->fd);
	s->fd = -1;
}

/*
 * Open every slot and say what its lock says: fn(arg, path, owner, held, sb)
 * until it returns false.
 */
typedef bool slot_fn(void *arg, const char *path, const struct owner *o,
    bool held, const struct stat *sb);

static void
each(const char *dir, slot_fn *fn, void *arg)
{
	char path[SLOT_PATH_MAX];
	struct dirent *d;
	struct owner o;
	struct stat sb;
	bool held, more = true;
	int fd;
	DIR *run;

	snprintf(path, sizeof path, "%s/run", dir);
	run = opendir(path);
	if (run == NULL)
		return;
	while (more) {
		d = readdir(run);
		if (d == NULL)
			break;
		if (!parse(d->d_name, &o))
			continue;
		snprintf(path, sizeof path, "%s/run/%.200s", dir, d->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd == -1)
			continue;
		/* Shared, so that two who look don't see each other. */
		held = flock(fd, LOCK_SH | LOCK_NB) == -1;
		/* One that was dropped since readdir has no link any more. */
		if (fstat(fd, &sb) == 0 && sb.st_nlink > 0)
			more = fn(arg, path, &o, held, &sb);
		close(fd);
	}
	closedir(run);
}

static bool
is_dead(void *arg, const char *path, const struct owner *o, bool held,
    const struct stat *sb)
{
	bool *dead = arg;

	(void)path;
	(void)sb;
	/* Who died while coming was not inside yet. */
	*dead = !held && o->kind != SLOT_COMING;
	return !*dead;
}

bool
slot_any_dead(const char *dir)
{
	bool dead = false;

	each(dir, is_dead, &dead);
	return dead;
}

struct killing {
	struct owner	self;
	int64_t		recovering_ms, now_ms;
};

static bool
kill_one(void *arg, const char *path, const struct owner *o, bool held,
    const struct stat *sb)
{
	const struct killing *k = arg;
	int64_t age_ms = k->now_ms - (int64_t)sb->st_mtim.tv_sec * 1000;

	(void)path;
	if (!held || o->pid <= 1 || o->pid == k->self.pid)
		return true;
	if (o->kind == SLOT_RECOVERING && age_ms < k->recovering_ms)
		return true;
	/* The lock may have outlived its owner in a child. */
	if (o->space == 0 || o->space != k->self.space || o->start == 0 ||
	    started(o->pid) != o->start)
		return true;
	if (kill((pid_t)o->pid, SIGKILL) == 0)
		log_warn("ended process %ld, which did not leave the store",
		    o->pid);
	return true;
}

void
slot_kill(const char *dir, int64_t recovering_ms)
{
	struct killing k = { self(SLOT_ATTACHED), recovering_ms,
	    clock_now_ms() };

	each(dir, kill_one, &k);
}

static bool
clear_one(void *arg, const char *path, const struct owner *o, bool held,
    const struct stat *sb)
{
	(void)arg;
	(void)sb;
	if (o->kind != SLOT_COMING || !held)
		unlink(path);
	return true;
}

void
slot_clear(const char *dir)
{
	each(dir, clear_one, NULL);
}

static bool
is_data(const char *name)
{
	size_t n = strlen(name);

	return strncmp(name, "log.", 4) == 0 ||
	    (n > 3 && strcmp(name + n - 3, ".db") == 0);
}

/*
 * What the data files are like, in any order of the directory: a sum of each
 * one's mix (FNV-1a).  False: they can't be looked at.
 */
static bool
data_print(const char *dir, uint64_t *print)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat sb;
	bool good = d != NULL;

	*print = 0;
	while (good) {
		uint64_t of[4], h = UINT64_C(0xcbf29ce484222325);

		e = readdir(d);
		if (e == NULL)
			break;
		if (!is_data(e->d_name))
			continue;
		good = fstatat(dirfd(d), e->d_name, &sb, 0) == 0;
		of[0] = sb.st_ino;
		of[1] = (uint64_t)sb.st_size;
		of[2] = (uint64_t)sb.st_mtim.tv_sec;
		of[3] = (uint64_t)sb.st_mtim.tv_nsec;
		for (size_t i = 0; i < sizeof of; i++)
			h = (h ^ ((const unsigned char *)of)[i]) *
			    UINT64_C(0x100000001b3);
		*print += h;
	}
	if (d != NULL)
		closedir(d);
	return good;
}

#define LEFT_LINE	17	/* 16 digits and the line's end */

/* That it can't be made costs the next one a recovery, nothing else. */
void
slot_left_make(const char *dir)
{
	char path[SLOT_PATH_MAX], text[LEFT_LINE + 1];
	uint64_t print;
	int fd;

	if (!data_print(dir, &print))
		return;
	snprintf(path, sizeof path, "%s/left", dir);
	snprintf(text, sizeof text, "%016" PRIx64 "\n", print);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	if (write(fd, text, LEFT_LINE) != LEFT_LINE)
		unlink(path);
	close(fd);
}

bool
slot_left_take(const char *dir)
{
	char path[SLOT_PATH_MAX], text[LEFT_LINE + 1], now[LEFT_LINE + 1];
	uint64_t print;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/left", dir);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, LEFT_LINE);
	close(fd);
	if (unlink(path) == -1 || n != LEFT_LINE || !data_print(dir, &print))
		return false;
	snprintf(now, sizeof now, "%016" PRIx64 "\n", print);
	return memcmp(text, now, LEFT_LINE) == 0;
}

void
slot_boot(char boot[SLOT_BOOT_MAX])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL || fscanf(f, "%39s", boot) != 1)
		snprintf(boot, SLOT_BOOT_MAX, "-");
	if (f != NULL)
		fclose(f);
}

/* One line of a fixed length, so that it is overwritten in place. */
#define STATE_LINE	256

enum rc
slot_state_read(const char *dir, struct slot_state *s)
{
	char path[SLOT_PATH_MAX], text[STATE_LINE + 1];
	struct slot_state got;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/state", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? RC_NOTFOUND : RC_IO;
	n = read(fd, text, STATE_LINE);
	close(fd);
	if (n < 0)
		return RC_IO;
	text[n] = '\0';
	if (sscanf(text, "recoveries %" SCNu64 " boot %39s library %100s"
	    " shape %31s", &got.recoveries, got.boot, got.library,
	    got.shape) != 4)
		return RC_NOTFOUND;
	*s = got;
	return RC_OK;
}

enum rc
slot_state_write(const char *dir, const struct slot_state *s)
{
	char path[SLOT_PATH_MAX], text[STATE_LINE + 1];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/state", dir);
	n = snprintf(text, sizeof text, "recoveries %" PRIu64
	    " boot %s library %s shape %s", s->recoveries, s->boot, s->library,
	    s->shape);
	if (n < 0 || n >= STATE_LINE)
		return RC_IO;
	memset(text + n, ' ', (size_t)(STATE_LINE - n));
	text[STATE_LINE - 1] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return no_room(errno);
	n = pwrite(fd, text, STATE_LINE, 0);
	if (n != STATE_LINE) {
		close(fd);
		return n == -1 ? no_room(errno) : RC_FULL;
	}
	return close(fd) == 0 ? RC_OK : no_room(errno);
}
