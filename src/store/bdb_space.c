#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_env.h"
#include "store/bdb_key.h"

/*
 * How full the disk may become, from the top:
 *
 *   low      events are refused.  What is under way still fits: two log
 *            files, every page of the cache as a new one, and some.
 *   floor    nothing is written at all, so that the log, which takes what
 *            was committed already, can always be flushed.
 *   ballast  a file that a recovery gives up when it finds no room: for the
 *            logs it writes, and the pages that can be new since the last
 *            checkpoint, which are few times the log since then.
 */
#define MIB		((int64_t)1024 * 1024)
#define NEW_PAGES	(4 * (int64_t)BDB_LOG_UNTIL_CHECKPOINT)
#define LOW_EXTRA	(16 * MIB)
#define FLOOR		(2 * (int64_t)BDB_LOG_FILE)
#define REGIONS		(4 * MIB)	/* beside those that grow with */
#define REGIONS_SHARE	16		/* the cache: this part of it */

#define LOOK_MS		100		/* between two looks at the disk */
#define BALLAST_CHUNK	MIB
#define BALLAST_STEP	(8 * MIB)	/* in one call of store_maintain */
#define CHECKPOINT_MS	60000		/* if anything was written */

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
bdb_space_low(int64_t cache_bytes)
{
	return 2 * (int64_t)BDB_LOG_FILE + cache_bytes + LOW_EXTRA;
}

static int64_t
ballast_bytes(const struct store *st)
{
	return 2 * (int64_t)BDB_LOG_FILE + smaller(st->cache_bytes, NEW_PAGES) +
	    REGIONS;
}

static int64_t
recovery_bytes(const struct store *st)
{
	return 2 * REGIONS + st->cache_bytes / REGIONS_SHARE;
}

/* Bytes that we may still write; -1, with errno, if nobody knows. */
static int64_t
look(const struct store *st)
{
	struct statvfs vfs;

	if (statvfs(st->dir, &vfs) == -1)
		return -1;
	return (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
}

static int64_t
free_bytes(struct store *st)
{
	int64_t now = clock_mono_ms(), seen = atomic_load(&st->space_seen_ms);

	/* One thread looks, the others take the last figure meanwhile. */
	if (now - seen >= LOOK_MS &&
	    atomic_compare_exchange_strong(&st->space_seen_ms, &seen, now))
		atomic_store(&st->space_free, look(st));
	return atomic_load(&st->space_free);
}

static enum rc
at_least(int64_t bytes, int64_t want)
{
	if (bytes < 0)
		return RC_IO;
	return bytes < want ? RC_FULL : RC_OK;
}

enum rc
bdb_space_check(struct store *st)
{
	int64_t bytes = free_bytes(st);
	enum rc rc = at_least(bytes, st->low_space);

	if (rc == RC_OK) {
		if (atomic_load(&st->space_low) &&
		    atomic_exchange(&st->space_low, false))
			log_info("store: %" PRId64 " MiB free: taking events "
			    "again", bytes / MIB);
	} else if (!atomic_exchange(&st->space_low, true))
		log_error("store: %" PRId64 " MiB free of %" PRId64 " wanted: "
		    "taking no events", bytes / MIB, st->low_space / MIB);
	return rc;
}

enum rc
bdb_space_floor(struct store *st)
{
	return at_least(free_bytes(st), FLOOR);
}

static void
ballast_path(const struct store *st, char path[BDB_PATH_MAX + 32])
{
	snprintf(path, BDB_PATH_MAX + 32, "%s/ballast", st->dir);
}

/* What no file system finds a shorter way to keep. */
static void
noise(uint64_t *state, char *p, size_t len)
{
	for (size_t i = 0; i + sizeof *state <= len; i += sizeof *state) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		memcpy(p + i, state, sizeof *state);
	}
}

static enum rc
ballast_write(int fd, int64_t from, int64_t to)
{
	uint64_t state = 0x9e3779b97f4a7c15u ^ (uint64_t)from;
	char *chunk = malloc(BALLAST_CHUNK);
	enum rc rc = RC_OK;
	ssize_t n;

	if (chunk == NULL)
		log_fatal("out of memory: ballast");
	while (from < to && rc == RC_OK) {
		noise(&state, chunk, BALLAST_CHUNK);
		n = pwrite(fd, chunk, (size_t)smaller(BALLAST_CHUNK, to - from),
		    from);
		if (n > 0)
			from += n;
		else if (n == 0 || errno == ENOSPC || errno == EDQUOT)
			rc = RC_FULL;
		else if (errno != EINTR)
			rc = RC_IO;
	}
	if (rc == RC_OK && fdatasync(fd) == -1)
		rc = errno == ENOSPC || errno == EDQUOT ? RC_FULL : RC_IO;
	free(chunk);
	return rc;
}

enum rc
bdb_space_ballast(struct store *st, int64_t most, struct buf *why)
{
	char path[BDB_PATH_MAX + 32];
	int64_t want = ballast_bytes(st), have;
	struct stat sb;
	enum rc rc = RC_OK;
	int fd;

	ballast_path(st, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || fstat(fd, &sb) == -1) {
		buf_printf(why, "%s: %s", path, strerror(errno));
		rc = RC_IO;
		goto done;
	}
	have = sb.st_size;
	if (have >= want)
		goto done;
	rc = at_least(look(st), st->low_space + want - have);
	if (rc == RC_OK)
		rc = ballast_write(fd, have, smaller(want, have + most));
	if (rc == RC_FULL)
		buf_printf(why, "%s: less than %" PRId64 " MiB free",
		    st->dir, (st->low_space + want - have) / MIB);
	else if (rc != RC_OK)
		buf_printf(why, "%s: %s", path, strerror(errno));
done:
	if (fd != -1)
		close(fd);
	return rc;
}

enum rc
bdb_space_recover(struct store *st, bool tried, struct buf *why)
{
	char path[BDB_PATH_MAX + 32];
	int64_t want = recovery_bytes(st), have = look(st);
	bool given = false;

	if (!tried && have >= want)
		return RC_OK;
	/* It failed, and not for want of room. */
	if (tried && have >= ballast_bytes(st)) {
		buf_puts(why, " (there is room)");
		return RC_IO;
	}
	ballast_path(st, path);
	if (unlink(path) == 0) {
		given = true;
		have = look(st);
		log_warn("store: the disk is full: gave up the ballast, %"
		    PRId64 " MiB free", have / MIB);
	}
	if (have < want || (tried && !given)) {
		buf_printf(why, "%s: %" PRId64 " MiB free, a recovery may "
		    "take %" PRId64, st->dir, have / MIB, want / MIB);
		return RC_FULL;
	}
	return RC_OK;
}

/* Log written since the last checkpoint, and how long ago that was. */
static enum rc
since_checkpoint(struct store *st, int64_t *bytes, int64_t *age_ms)
{
	DB_LOG_STAT *log = NULL;
	DB_TXN_STAT *txn = NULL;
	enum rc rc;

	rc = bdb_rc(st, st->env->log_stat(st->env, &log, 0), "log_stat");
	if (rc == RC_OK)
		rc = bdb_rc(st, st->env->txn_stat(st->env, &txn, 0),
		    "txn_stat");
	if (rc == RC_OK) {
		*bytes = (int64_t)log->st_wc_mbytes * MIB + log->st_wc_bytes;
		*age_ms = clock_now_ms() - (int64_t)txn->st_time_ckp * 1000;
	}
	free(log);
	free(txn);
	return rc;
}

/* All that lies in the store's directory, but what lies deeper. */
static int64_t
store_bytes(const struct store *st)
{
	DIR *dir = opendir(st->dir);
	struct dirent *d;
	struct stat sb;
	int64_t sum = 0;

	if (dir == NULL)
		return 0;
	for (d = readdir(dir); d != NULL; d = readdir(dir))
		if (fstatat(dirfd(dir), d->d_name, &sb,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(sb.st_mode))
			sum += (int64_t)sb.st_blocks * 512;
	closedir(dir);
	return sum;
}

static enum rc
position(struct store *st, uint64_t *p)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	key_meta(&key, KEY_POSITION);
	rc = bdb_get(st, NULL, BDB_META, &key, &val, false);
	if (rc == RC_OK)
		rc = value_u64_parse(buf_as_slice(&val), p);
	else if (rc == RC_NOTFOUND)
		rc = RC_OK;
	buf_free(&key);
	buf_free(&val);
	return rc;
}

enum rc
store_condition(struct store *st, struct store_condition *h)
{
	int64_t age;
	enum rc rc;

	*h = (struct store_condition){ .low_bytes = st->low_space };
	h->free_bytes = look(st);
	h->store_bytes = store_bytes(st);
	rc = bdb_enter(st);
	h->recoveries = gate_recoveries(st->gate);
	if (rc != RC_OK)
		return rc;
	rc = since_checkpoint(st, &h->log_bytes, &age);
	if (rc == RC_OK)
		rc = position(st, &h->position);
	bdb_leave(st);
	if (rc == RC_OK)
		rc = store_generation(st, &h->generation);
	h->writable = rc == RC_OK && h->free_bytes >= h->low_bytes;
	return rc;
}

/*
 * Never where events are taken: a checkpoint holds a lock that others who only
 * ask whether one is due would wait for.
 */
static enum rc
checkpoint(struct store *st)
{
	int64_t bytes, age_ms;
	char **removed = NULL;
	enum rc rc;

	rc = bdb_enter_long(st);
	if (rc != RC_OK)
		return rc;
	rc = since_checkpoint(st, &bytes, &age_ms);
	if (rc != RC_OK || bytes == 0 || (bytes < BDB_LOG_UNTIL_CHECKPOINT &&
	    age_ms >= 0 && age_ms < CHECKPOINT_MS))
		goto done;
	rc = bdb_rc(st, st->env->txn_checkpoint(st->env, 0, 0, 0),
	    "checkpoint");
	/* Nothing but a recovery reads the logs yet. */
	if (rc == RC_OK)
		rc = bdb_rc(st, st->env->log_archive(st->env, &removed,
		    DB_ARCH_REMOVE), "removing logs");
	free(removed);
done:
	bdb_leave(st);
	return rc;
}

enum rc
store_maintain(struct store *st)
{
	char path[BDB_PATH_MAX + 32];
	struct buf why = BUF_INIT(256);
	enum rc rc = RC_OK, ballast;
	int fd;

	snprintf(path, sizeof path, "%s/ckpt.lock", st->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1) {
		log_error("%s: %s", path, strerror(errno));
		return errno == ENOSPC || errno == EDQUOT ? RC_FULL : RC_IO;
	}
	/* Somebody else is at it: then it is being done. */
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		goto done;
	rc = checkpoint(st);
	if (rc == RC_FULL)
		log_error("store: no room for a checkpoint");
	if (rc != RC_OK)
		goto done;
	ballast = bdb_space_ballast(st, BALLAST_STEP, &why);
	if (ballast == RC_IO)
		log_error("store: %s", buf_str(&why));
	rc = bdb_enter(st);
	if (rc == RC_OK) {
		rc = bdb_ref_maintain(st);
		bdb_leave(st);
	}
done:
	close(fd);
	buf_free(&why);
	return rc;
}
