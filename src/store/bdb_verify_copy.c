#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "store/bdb_env.h"
#include "store/bdb_verify.h"

/*
 * The engine can check only files that nobody writes.  So each is copied as
 * the engine copies files in use, a visit each; then the logs, which only
 * grow; then the copy is recovered from its logs, as a restored backup would
 * be, and checked.  Meanwhile nobody removes logs, since whoever does holds
 * DIR/ckpt.lock.  A recovery of the store itself in between spoils the copy.
 */
#define COPY_DIR	"verify"	/* in the store's directory */
#define COPY_CACHE	(16 * 1024 * 1024)
#define LOCK_TRIES	1200		/* of 50 ms: a checkpoint may be long */
#define PATH_MOST	(BDB_PATH_MAX + 300)	/* with a name of a directory */

struct copy {
	struct verify	*v;
	char		 dir[BDB_PATH_MAX + 16];
	int		 dirfd;		/* locked: this check's alone */
	int		 ckpt;		/* locked while copying */
};

static enum rc
failed(const char *path, const char *what)
{
	enum rc rc = errno == ENOSPC || errno == EDQUOT ? RC_FULL : RC_IO;

	log_error("verify: %s: %s: %s", path, what, strerror(errno));
	return rc;
}

static enum rc
empty(struct copy *c)
{
	int fd = dup(c->dirfd);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	enum rc rc = RC_OK;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return failed(c->dir, "opendir");
	}
	rewinddir(d);
	for (e = readdir(d); e != NULL; e = readdir(d)) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(c->dirfd, e->d_name, 0) == -1)
			rc = failed(e->d_name, "unlink");
	}
	closedir(d);
	return rc;
}

/* What another one left, whose process was killed, goes. */
static enum rc
take_dir(struct copy *c)
{
	struct stat mine, named;

	snprintf(c->dir, sizeof c->dir, "%s/" COPY_DIR, c->v->st->dir);
	if (mkdir(c->dir, 0700) == -1 && errno != EEXIST)
		return failed(c->dir, "mkdir");
	c->dirfd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dirfd == -1)
		return failed(c->dir, "open");
	if (flock(c->dirfd, LOCK_EX | LOCK_NB) == -1 ||
	    fstat(c->dirfd, &mine) == -1 || stat(c->dir, &named) == -1 ||
	    mine.st_ino != named.st_ino) {
		close(c->dirfd);
		c->dirfd = -1;
		verify_tell(c->v, false, "another check of the pages is "
		    "under way");
		return RC_RETRY;
	}
	return empty(c);
}

static enum rc
keep_logs(struct copy *c)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	char path[PATH_MOST];

	snprintf(path, sizeof path, "%s/ckpt.lock", c->v->st->dir);
	c->ckpt = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (c->ckpt == -1)
		return failed(path, "open");
	for (int i = 0; flock(c->ckpt, LOCK_EX | LOCK_NB) == -1; i++) {
		if (i == LOCK_TRIES)
			return RC_RETRY;
		nanosleep(&pause, NULL);
	}
	return RC_OK;
}

static enum rc
enough_room(struct copy *c)
{
	struct store_condition h;
	enum rc rc = store_condition(c->v->st, &h);

	if (rc != RC_OK || h.free_bytes - h.store_bytes >= h.low_bytes)
		return rc;
	verify_tell(c->v, false, "no room to copy %lld MiB",
	    (long long)(h.store_bytes >> 20));
	return RC_FULL;
}

static enum rc
copy_files(struct copy *c)
{
	struct store *st = c->v->st;
	enum rc rc = RC_OK;

	for (int f = 0; f < BDB_NFILES && rc == RC_OK; f++) {
		rc = bdb_enter_long(st);
		if (rc != RC_OK)
			break;
		rc = bdb_rc(st, st->env->dbbackup(st->env, bdb_file_name[f],
		    c->dir, DB_EXCL), "copying");
		/* No page is copied that the logs don't account for. */
		if (rc == RC_OK && f == BDB_NFILES - 1)
			rc = bdb_rc(st, st->env->log_flush(st->env, NULL),
			    "flushing the log");
		bdb_leave(st);
	}
	return rc;
}

static enum rc
copy_log(struct copy *c, const char *name)
{
	char path[PATH_MOST], bytes[65536];
	ssize_t n = 0, done;
	int from, to;
	enum rc rc = RC_OK;

	snprintf(path, sizeof path, "%s/%s", c->v->st->dir, name);
	from = open(path, O_RDONLY | O_CLOEXEC);
	to = openat(c->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600);
	if (from == -1 || to == -1) {
		rc = failed(path, "open");
		goto done;
	}
	for (n = read(from, bytes, sizeof bytes); n > 0 && rc == RC_OK;
	    n = read(from, bytes, sizeof bytes)) {
		done = write(to, bytes, (size_t)n);
		if (done == n)
			continue;
		if (done >= 0)	/* only a full disk cuts a write short */
			errno = ENOSPC;
		rc = failed(path, "write");
	}
	if (n == -1)
		rc = failed(path, "read");
done:
	if (from != -1)
		close(from);
	if (to != -1)
		close(to);
	return rc;
}

static enum rc
copy_logs(struct copy *c)
{
	DIR *d = opendir(c->v->st->dir);
	struct dirent *e;
	enum rc rc = RC_OK;

	if (d == NULL)
		return failed(c->v->st->dir, "opendir");
	for (e = readdir(d); e != NULL && rc == RC_OK; e = readdir(d))
		if (strncmp(e->d_name, "log.", 4) == 0)
			rc = copy_log(c, e->d_name);
	closedir(d);
	return rc;
}

static enum rc
copy(struct copy *c)
{
	struct store *st = c->v->st;
	uint64_t recoveries;
	enum rc rc;

	rc = keep_logs(c);
	if (rc == RC_OK)
		rc = bdb_enter(st);	/* so that the number is today's */
	if (rc != RC_OK)
		return rc;
	recoveries = gate_recoveries(st->gate);
	bdb_leave(st);
	rc = copy_files(c);
	if (rc == RC_OK)
		rc = copy_logs(c);
	if (rc == RC_OK)
		rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	if (gate_recoveries(st->gate) != recoveries)
		rc = RC_RETRY;
	bdb_leave(st);
	return rc;
}

/* The engine's words about the copy: the report has them. */
static void
on_error(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)prefix;
	verify_tell(env->app_private, false, "%s", text);
}

/* Bring the copied files to the state that the copied logs end with. */
static enum rc
recover_copy(struct copy *c)
{
	DB_ENV *env;
	int error = db_env_create(&env, 0), closed;

	if (error != 0) {
		log_error("verify: %s", db_strerror(error));
		return RC_IO;
	}
	env->app_private = c->v;
	env->set_errcall(env, on_error);
	error = env->set_cachesize(env, 0, COPY_CACHE, 1);
	if (error == 0)
		error = env->open(env, c->dir, DB_CREATE | DB_PRIVATE |
		    DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN |
		    DB_RECOVER_FATAL, 0600);
	closed = env->close(env, 0);
	if (error == 0)
		error = closed;
	if (error != 0)
		verify_tell(c->v, true, "a copy of the store can't be "
		    "recovered: %s", db_strerror(error));
	return RC_OK;
}

static enum rc
check_file(struct copy *c, const char *name)
{
	char path[PATH_MOST];
	DB *db;
	int error = db_create(&db, NULL, 0);

	if (error != 0) {
		log_error("verify: %s", db_strerror(error));
		return RC_IO;
	}
	db->get_env(db)->app_private = c->v;
	db->set_errcall(db, on_error);
	snprintf(path, sizeof path, "%s/%s", c->dir, name);
	/* The handle is gone after it, whatever it returns. */
	error = db->verify(db, path, NULL, NULL, 0);
	if (error == DB_VERIFY_BAD)
		verify_tell(c->v, true, "%s: its pages are damaged", name);
	else if (error != 0)
		verify_tell(c->v, true, "%s: its pages can't be checked: %s",
		    name, db_strerror(error));
	else
		verify_tell(c->v, false, "%s: its pages are sound", name);
	return RC_OK;
}

enum rc
bdb_verify_copy(struct verify *v)
{
	struct copy c = { .v = v, .dirfd = -1, .ckpt = -1 };
	enum rc rc, removed;

	rc = take_dir(&c);
	if (rc != RC_OK)
		goto done;
	rc = enough_room(&c);
	if (rc == RC_OK)
		rc = copy(&c);
	if (c.ckpt != -1)
		close(c.ckpt);
	if (rc == RC_OK) {
		store_idle(v->st);
		rc = recover_copy(&c);
	}
	for (int f = 0; f < BDB_NFILES && rc == RC_OK; f++)
		rc = check_file(&c, bdb_file_name[f]);
	removed = empty(&c);
	if (removed == RC_OK && rmdir(c.dir) == -1)
		removed = failed(c.dir, "rmdir");
	if (rc == RC_OK)
		rc = removed;
done:
	if (c.dirfd != -1)
		close(c.dirfd);
	return rc;
}
