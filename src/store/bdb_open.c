#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/log.h"
#include "store/bdb_env.h"
#include "store/bdb_key.h"

/*
 * DIR/schema says which version a store is of, and is the last file to be
 * made: without it there is no store.  It can be read without the engine, so
 * that a store of a later version is refused before anything touches it.
 * DIR/unfinished stands while a store is being made.
 */
#define SCHEMA_TEXT	"skycap store %d\n"

static enum rc
path_of(char out[BDB_PATH_MAX + 32], const char *dir, const char *name,
    struct buf *why)
{
	int n = snprintf(out, BDB_PATH_MAX + 32, "%s/%s", dir, name);

	if (n > 0 && n < BDB_PATH_MAX + 32)
		return RC_OK;
	buf_printf(why, "%.100s...: path too long", dir);
	return RC_INVALID;
}

enum rc
bdb_schema_check(const char *dir, struct buf *why)
{
	char path[BDB_PATH_MAX + 32], text[64];
	int version;
	ssize_t n;
	enum rc rc;
	int fd;

	rc = path_of(path, dir, "schema", why);
	if (rc != RC_OK)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		if (errno == ENOENT || errno == ENOTDIR) {
			buf_printf(why, "there is no store in %s", dir);
			return RC_NOTFOUND;
		}
		buf_printf(why, "%s: %s", path, strerror(errno));
		return errno == EACCES ? RC_DENIED : RC_IO;
	}
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, SCHEMA_TEXT, &version) != 1) {
		buf_printf(why, "%s can't be understood", path);
		return RC_INVALID;
	}
	if (version == STORE_SCHEMA)
		return RC_OK;
	if (version > 0 && version < STORE_SCHEMA) {
		buf_printf(why, "the store in %s has schema %d and is not "
		    "brought up to schema %d yet", dir, version, STORE_SCHEMA);
		return RC_STALE;
	}
	buf_printf(why, "the store in %s has schema %d, this program reads "
	    "and writes schema %d", dir, version, STORE_SCHEMA);
	return RC_INVALID;
}

/* Where locks and shared memory do not hold what the gate and engine need. */
static enum rc
refuse_network(const char *dir, struct buf *why)
{
	static const struct { uint32_t type; const char *name; } no[] = {
		{ 0x6969, "NFS" }, { 0x517b, "SMB" }, { 0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB" }, { 0x65735546, "FUSE" },
		{ 0x01021997, "9p" }, { 0x5346414f, "AFS" },
		{ 0x73757245, "Coda" }, { 0x564c, "NCP" },
		{ 0x00c36400, "Ceph" }, { 0x0bd00bd0, "Lustre" },
		{ 0x01161970, "GFS2" }, { 0x7461636f, "OCFS2" },
		{ 0x786f4256, "vboxsf" },
	};
	struct statfs fs;

	if (statfs(dir, &fs) == -1) {
		buf_printf(why, "%s: %s", dir, strerror(errno));
		return RC_IO;
	}
	for (size_t i = 0; i < NELEM(no); i++)
		if ((uint32_t)fs.f_type == no[i].type) {
			buf_printf(why, "%s lies on %s, which can't hold a "
			    "store: it must be a local disk", dir, no[i].name);
			return RC_INVALID;
		}
	return RC_OK;
}

/* A store that is not attached; the directory exists. */
static enum rc
store_new(struct store **out, const struct store_options *o, struct buf *why)
{
	char library[100], shape[32], *real = realpath(o->dir, NULL);
	struct store *st = NULL;
	enum rc rc;

	if (real == NULL || strlen(real) >= sizeof st->dir) {
		buf_printf(why, "%.200s: %s", o->dir,
		    strerror(real == NULL ? errno : ENAMETOOLONG));
		free(real);
		return RC_IO;
	}
	rc = refuse_network(real, why);
	if (rc != RC_OK)
		goto done;
	st = calloc(1, sizeof *st);
	if (st == NULL)
		log_fatal("out of memory: store");
	snprintf(st->dir, sizeof st->dir, "%s", real);
	st->crypt = o->crypt;
	st->cache_bytes = o->cache_bytes > 0 ? o->cache_bytes :
	    bdb_env_cache_auto();
	st->low_space = o->low_space > 0 ? o->low_space :
	    bdb_space_low(st->cache_bytes);
	st->remember_ms = o->remember_ms;
	st->standing = o->standing;
	/* Until the first look at the disk. */
	atomic_init(&st->space_seen_ms, INT64_MIN / 2);
	atomic_init(&st->space_free, INT64_MAX);
	bdb_env_library(library, sizeof library);
	/* A file that grows too large is an error like any other. */
	signal(SIGXFSZ, SIG_IGN);
	bdb_env_shape(st, shape, sizeof shape);
	rc = gate_new(&st->gate, st->dir, &bdb_env_ops, st, library, shape,
	    why);
done:
	free(real);
	if (rc == RC_OK)
		*out = st;
	else
		free(st);
	return rc;
}

/* bdb_enter, and why not. */
static enum rc
enter(struct store *st, struct buf *why)
{
	enum rc rc = bdb_enter(st);

	if (rc != RC_OK)
		gate_why(st->gate, why);
	return rc;
}

static enum rc
schema_row_put(struct store *st, DB_TXN *txn, void *arg)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	(void)arg;
	key_meta(&key, KEY_SCHEMA);
	value_u64(&val, STORE_SCHEMA);
	rc = bdb_put(st, txn, BDB_META, &key, &val);
	buf_free(&key);
	buf_free(&val);
	return rc;
}

/* The file was looked at before: does the database say the same? */
static enum rc
schema_row_check(struct store *st, struct buf *why)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	uint64_t version = 0;
	enum rc rc;

	key_meta(&key, KEY_SCHEMA);
	rc = bdb_get(st, NULL, BDB_META, &key, &val, false);
	if (rc == RC_OK)
		rc = value_u64_parse(buf_as_slice(&val), &version);
	if (rc == RC_NOTFOUND || (rc == RC_OK && version != STORE_SCHEMA)) {
		buf_printf(why, "the databases in %s have schema %" PRIu64
		    ", its schema file says %d", st->dir, version,
		    STORE_SCHEMA);
		rc = RC_INVALID;
	}
	buf_free(&key);
	buf_free(&val);
	return rc;
}

enum rc
store_open(struct store **out, const struct store_options *o,
    struct buf *why)
{
	struct store *st = NULL;
	struct stat sb;
	enum rc rc;

	if (stat(o->dir, &sb) == -1) {
		buf_printf(why, "there is no store in %.200s: %s", o->dir,
		    strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ? RC_NOTFOUND :
		    RC_IO;
	}
	if (sb.st_uid != geteuid()) {
		buf_printf(why, "%.200s belongs to user %ld", o->dir,
		    (long)sb.st_uid);
		return RC_DENIED;
	}
	rc = bdb_schema_check(o->dir, why);
	if (rc != RC_OK && rc != RC_STALE)
		return rc;
	buf_clear(why);
	rc = store_new(&st, o, why);
	if (rc != RC_OK)
		return rc;
	rc = enter(st, why);
	if (rc == RC_OK) {
		rc = schema_row_check(st, why);
		bdb_leave(st);
	}
	if (rc == RC_OK && st->standing) {
		rc = bdb_ticker_start(st);
		if (rc == RC_OK)
			rc = bdb_committer_start(st);
		if (rc != RC_OK)
			buf_puts(why, "can't start a thread");
	}
	if (rc == RC_OK)
		*out = st;
	else
		store_close(st);
	return rc;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	if (st->committer != NULL)
		bdb_committer_stop(st);
	bdb_ticker_stop(st);
	gate_free(st->gate);
	free(st);
}

void
store_idle(struct store *st)
{
	gate_idle(st->gate);
}

/* Is there anything in dir that a store in the making would not have left? */
static bool
is_empty(const char *dir, const char *but)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool empty = d != NULL;

	if (d == NULL)
		return false;
	for (e = readdir(d); e != NULL; e = readdir(d))
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, but) != 0)
			empty = false;
	closedir(d);
	return empty;
}

/* Remove what an earlier attempt left: its files, and no others. */
static void
remove_leavings(const char *dir)
{
	static const char *const name[] = { "ballast", "state", "recover",
	    "ckpt.lock", "schema.new" };
	DIR *d = opendir(dir);
	struct dirent *e;
	bool ours;

	if (d == NULL)
		return;
	for (e = readdir(d); e != NULL; e = readdir(d)) {
		ours = strncmp(e->d_name, "log.", 4) == 0 ||
		    strncmp(e->d_name, "__db.", 5) == 0;
		for (size_t i = 0; i < NELEM(name) && !ours; i++)
			ours = strcmp(e->d_name, name[i]) == 0;
		for (size_t i = 0; i < BDB_NFILES && !ours; i++)
			ours = strcmp(e->d_name, bdb_file_name[i]) == 0;
		if (ours)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

/*
 * Claim dir for the making of a store: *fd is DIR/unfinished, locked, so that
 * two who do it at once don't meet.
 */
static enum rc
claim(const char *dir, int *fd, struct buf *why)
{
	char path[BDB_PATH_MAX + 32];
	bool begun;
	enum rc rc;

	rc = path_of(path, dir, "unfinished", why);
	if (rc != RC_OK)
		return rc;
	begun = access(path, F_OK) == 0;
	if (!begun && !is_empty(dir, "unfinished")) {
		buf_printf(why, "%s is not empty", dir);
		return RC_INVALID;
	}
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd == -1) {
		buf_printf(why, "%s: %s", path, strerror(errno));
		return errno == EACCES ? RC_DENIED : RC_IO;
	}
	if (flock(*fd, LOCK_EX | LOCK_NB) == -1) {
		buf_printf(why, "a store is being made in %s", dir);
		return RC_EXISTS;
	}
	/* Whoever held the lock before us may have finished. */
	if (bdb_schema_check(dir, why) != RC_NOTFOUND) {
		unlink(path);
		buf_clear(why);
		buf_printf(why, "there is a store in %s", dir);
		return RC_EXISTS;
	}
	buf_clear(why);
	remove_leavings(dir);
	return RC_OK;
}

enum rc
bdb_schema_write(const char *dir, struct buf *why)
{
	char making[BDB_PATH_MAX + 32], made[BDB_PATH_MAX + 32];
	bool ok;
	FILE *f;

	snprintf(making, sizeof making, "%s/schema.new", dir);
	snprintf(made, sizeof made, "%s/schema", dir);
	f = fopen(making, "we");
	ok = f != NULL && fprintf(f, SCHEMA_TEXT, STORE_SCHEMA) > 0 &&
	    fflush(f) == 0 && fsync(fileno(f)) == 0;
	if (f != NULL && fclose(f) != 0)
		ok = false;
	ok = ok && bdb_env_sync_dir(dir) == RC_OK &&
	    rename(making, made) == 0 && bdb_env_sync_dir(dir) == RC_OK;
	if (ok)
		return RC_OK;
	buf_printf(why, "%s: %s", made, strerror(errno));
	return errno == ENOSPC || errno == EDQUOT ? RC_FULL : RC_IO;
}

/* The last step: now it is a store. */
static enum rc
finish(const char *dir, struct buf *why)
{
	char begun[BDB_PATH_MAX + 32];
	enum rc rc;

	rc = bdb_schema_write(dir, why);
	if (rc != RC_OK)
		return rc;
	snprintf(begun, sizeof begun, "%s/unfinished", dir);
	if (unlink(begun) == 0 && bdb_env_sync_dir(dir) == RC_OK)
		return RC_OK;
	buf_printf(why, "%s: %s", begun, strerror(errno));
	return RC_IO;
}

enum rc
store_create(const struct store_options *o, struct buf *why)
{
	struct store *st = NULL;
	enum rc rc;
	int fd = -1;

	if (mkdir(o->dir, 0700) == -1 && errno != EEXIST) {
		buf_printf(why, "%.200s: %s", o->dir, strerror(errno));
		return errno == EACCES ? RC_DENIED : RC_IO;
	}
	rc = bdb_schema_check(o->dir, why);
	if (rc == RC_OK || rc == RC_INVALID || rc == RC_STALE) {
		buf_clear(why);
		buf_printf(why, "there is a store in %.200s", o->dir);
		return RC_EXISTS;
	}
	buf_clear(why);
	rc = claim(o->dir, &fd, why);
	if (rc == RC_OK)
		rc = store_new(&st, o, why);
	if (rc != RC_OK)
		goto done;
	st->creating = true;
	rc = enter(st, why);
	if (rc != RC_OK)
		goto done;
	rc = bdb_txn(st, schema_row_put, NULL, BDB_PRIORITY_CONFIG, true);
	if (rc != RC_OK)
		buf_puts(why, "the first row can't be written");
	bdb_leave(st);
	if (rc == RC_OK)
		rc = bdb_space_ballast(st, INT64_MAX, why);
	gate_idle(st->gate);
	if (rc == RC_OK)
		rc = finish(st->dir, why);
done:
	store_close(st);
	if (fd != -1)
		close(fd);
	return rc;
}

enum rc
store_become_owner(const char *dir, struct buf *why)
{
	struct passwd *pw;
	struct stat sb;
	char name[64];

	if (stat(dir, &sb) == -1) {
		buf_printf(why, "%s: %s", dir, strerror(errno));
		return errno == EACCES ? RC_DENIED : RC_NOTFOUND;
	}
	if (sb.st_uid == geteuid()) {
		if (sb.st_uid == 0)
			log_warn("%s belongs to root: running as root", dir);
		return RC_OK;
	}
	pw = getpwuid(sb.st_uid);
	if (pw != NULL)
		snprintf(name, sizeof name, "%s", pw->pw_name);
	else
		snprintf(name, sizeof name, "%ld", (long)sb.st_uid);
	if (geteuid() != 0) {
		buf_printf(why, "%s belongs to %s: run this as %s", dir, name,
		    name);
		return RC_DENIED;
	}
	/* Groups while we still may, and no way back. */
	if ((pw != NULL ? initgroups(name, sb.st_gid) :
	    setgroups(1, &sb.st_gid)) == -1 ||
	    setresgid(sb.st_gid, sb.st_gid, sb.st_gid) == -1 ||
	    setresuid(sb.st_uid, sb.st_uid, sb.st_uid) == -1 ||
	    setuid(0) == 0) {
		buf_printf(why, "can't become %s: %s", name, strerror(errno));
		return RC_DENIED;
	}
	return RC_OK;
}
