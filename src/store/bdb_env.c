#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_env.h"
#include "store/bdb_key.h"

/*
 * The shared tables are made small, so that a program alone comes in quickly,
 * and grow as they need to, up to MEMORY_MAX.  Measured: a transaction that
 * writes 10,000 rows on as many pages takes 10,001 locks and 3 MiB here; with
 * no maximum set it fails half way.  Without LOCK_TABLE the engine would make
 * a hash table for as many locks as MEMORY_MAX could ever hold.
 */
#define LOCKS_INIT	1000
#define LOCKERS_INIT	200
#define LOCK_TABLE	4096	/* buckets */
#define LOCK_PARTITIONS	8
#define MEMORY_MAX	(64 * 1024 * 1024)	/* beside the cache */
#define TRANSACTIONS	500	/* open at once, all processes */
#define LOCK_TIMEOUT_US	(2 * 1000 * 1000)
#define TXN_TIMEOUT_US	(10 * 1000 * 1000)

#define SETTINGS	1	/* raised by one whenever env_new's change */

#define SAID_WINDOW_MS	10000	/* of the engine's own messages at most */
#define SAID_MAX	10	/* so many lines in so long */

#define MODE		0600
#define PAGE_SIZE_DB	4096	/* a page of the kernel's: a write of it is
				   never cut in two by a kill */

const char *const bdb_file_name[BDB_NFILES] = {
	"meta.db", "config.db", "sender.db", "event.db", "ref.db",
	"timer.db", "chain.db", "due.db", "delivery.db", "done.db", "stat.db",
};

void
bdb_env_shape(const struct store *st, char *out, size_t max)
{
	snprintf(out, max, "%d/%d/%" PRId64, SETTINGS, STORE_SCHEMA,
	    st->cache_bytes);
}

/* The engine prints a line per page when a disk is full: not all of them. */
static bool
may_say(struct store *st)
{
	int64_t now = clock_mono_ms();
	uint32_t said;

	if (now - atomic_load(&st->said_ms) > SAID_WINDOW_MS) {
		atomic_store(&st->said_ms, now);
		said = atomic_exchange(&st->said, 0);
		if (said > SAID_MAX)
			log_warn("engine: %" PRIu32 " more lines not shown",
			    said - SAID_MAX);
	}
	return atomic_fetch_add(&st->said, 1) < SAID_MAX;
}

static void
on_error(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)prefix;
	if (may_say(env->app_private))
		log_warn("engine: %s", text);
}

static void
on_message(const DB_ENV *env, const char *text)
{
	if (may_say(env->app_private))
		log_info("engine: %s", text);
}

static enum rc
failed(int error, const char *what, struct buf *why)
{
	buf_printf(why, "%s: %s", what, db_strerror(error));
	return error == ENOSPC || error == EDQUOT ? RC_FULL : RC_IO;
}

static enum rc
env_new(struct store *st, DB_ENV **out, struct buf *why)
{
	DB_ENV *env = NULL;
	int error = db_env_create(&env, 0);

	if (error != 0)
		return failed(error, "db_env_create", why);
	env->app_private = st;
	env->set_errcall(env, on_error);
	env->set_msgcall(env, on_message);

	const int set[] = {
		env->set_cachesize(env, (uint32_t)(st->cache_bytes >> 30),
		    (uint32_t)(st->cache_bytes & ((1 << 30) - 1)), 1),
		env->set_lg_bsize(env, BDB_LOG_BUFFER),
		env->set_lg_max(env, BDB_LOG_FILE),
		env->set_lk_detect(env, DB_LOCK_MINWRITE),
		env->set_lk_partitions(env, LOCK_PARTITIONS),
		env->set_lk_tablesize(env, LOCK_TABLE),
		env->set_memory_init(env, DB_MEM_LOCK, LOCKS_INIT),
		env->set_memory_init(env, DB_MEM_LOCKOBJECT, LOCKS_INIT),
		env->set_memory_init(env, DB_MEM_LOCKER, LOCKERS_INIT),
		env->set_memory_max(env, 0, MEMORY_MAX),
		env->set_tx_max(env, TRANSACTIONS),
		env->set_timeout(env, LOCK_TIMEOUT_US, DB_SET_LOCK_TIMEOUT),
		env->set_timeout(env, TXN_TIMEOUT_US, DB_SET_TXN_TIMEOUT),
		env->set_flags(env, DB_TIME_NOTGRANTED, 1),
	};

	for (size_t i = 0; i < NELEM(set); i++) {
		if (set[i] == 0)
			continue;
		env->close(env, 0);
		return failed(set[i], "setting up the environment", why);
	}
	*out = env;
	return RC_OK;
}

/* Close what is open; the first error, since the rest follow from it. */
static int
env_end(DB_ENV *env, DB *db[BDB_NFILES])
{
	int error, first = 0;

	for (int f = BDB_NFILES - 1; f >= 0; f--) {
		if (db[f] == NULL)
			continue;
		/* A sync here may sleep a second; checkpoints do it. */
		error = db[f]->close(db[f], DB_NOSYNC);
		db[f] = NULL;
		if (first == 0)
			first = error;
	}
	error = env->close(env, 0);
	return first != 0 ? first : error;
}

static int
open_file(DB_ENV *env, enum bdb_file f, uint32_t create, DB **out)
{
	DB *db;
	int error = db_create(&db, env, 0);

	if (error != 0)
		return error;
	if (create != 0) {
		error = db->set_pagesize(db, PAGE_SIZE_DB);
		if (error == 0)
			error = db->set_flags(db, DB_CHKSUM);
	}
	/* These shrink as they grow: reverse splits only deadlock. */
	if (error == 0 && (f == BDB_DUE || f == BDB_CHAIN))
		error = db->set_flags(db, DB_REVSPLITOFF);
	if (error == 0)
		error = db->open(db, NULL, bdb_file_name[f], NULL, DB_BTREE,
		    create | DB_AUTO_COMMIT | DB_THREAD, MODE);
	if (error != 0) {
		db->close(db, DB_NOSYNC);
		return error;
	}
	*out = db;
	return 0;
}

#define SUBSYSTEMS	(DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL |	\
			DB_INIT_TXN | DB_THREAD)

/* Make the databases that are missing and bring them to the disk. */
static enum rc
create_files(DB_ENV *env, DB *db[BDB_NFILES], const char *dir,
    struct buf *why)
{
	int error;

	for (int f = 0; f < BDB_NFILES; f++) {
		error = open_file(env, (enum bdb_file)f, DB_CREATE, &db[f]);
		if (error != 0)
			return failed(error, bdb_file_name[f], why);
	}
	error = env->txn_checkpoint(env, 0, 0, DB_FORCE);
	if (error != 0)
		return failed(error, "checkpoint", why);
	if (bdb_env_sync_dir(dir) != RC_OK)
		return failed(errno, dir, why);
	return RC_OK;
}

/*
 * The regions are sparse files, mapped: where the disk is full, touching a
 * page of them would be a SIGBUS.  So their room is taken at once.  The
 * engine's own way, DB_REGION_INIT, writes a byte to every page: half of the
 * time that a program alone takes to come in.
 */
static enum rc
fill_regions(const char *dir, struct buf *why)
{
	char path[BDB_PATH_MAX + 32];
	struct stat sb;
	int fd, error = 0;

	for (int i = 1; error == 0; i++) {
		snprintf(path, sizeof path, "%s/__db.%03d", dir, i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd == -1)
			break;
		if (fstat(fd, &sb) == -1)
			error = errno;
		else
			error = posix_fallocate(fd, 0, sb.st_size);
		close(fd);
	}
	return error == 0 ? RC_OK : failed(error, path, why);
}

/*
 * A store of an earlier version, which nobody is in: it gets the files that
 * came since, and says so in the end.  What its rows mean has stayed the same.
 */
static enum rc
bring_up(DB_ENV *env, DB *db[BDB_NFILES], const char *dir, struct buf *why)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	DBT k = { 0 }, v = { 0 };
	enum rc rc;
	int error;

	rc = create_files(env, db, dir, why);
	if (rc != RC_OK)
		return rc;
	key_meta(&key, KEY_SCHEMA);
	value_u64(&val, STORE_SCHEMA);
	k.data = key.s;
	k.size = (uint32_t)key.len;
	v.data = val.s;
	v.size = (uint32_t)val.len;
	error = db[BDB_META]->put(db[BDB_META], NULL, &k, &v, DB_AUTO_COMMIT);
	buf_free(&val);
	buf_free(&key);
	if (error != 0)
		return failed(error, bdb_file_name[BDB_META], why);
	log_info("the store is of schema %d now", STORE_SCHEMA);
	return bdb_schema_write(dir, why);
}

static enum rc
recover_once(struct store *st, struct buf *why)
{
	struct buf other = BUF_INIT(1024);	/* what join will say */
	DB *db[BDB_NFILES] = { NULL };
	DB_ENV *env;
	enum rc rc;
	int error;

	rc = env_new(st, &env, why);
	if (rc != RC_OK)
		return rc;
	error = env->open(env, st->dir,
	    SUBSYSTEMS | DB_CREATE | DB_RECOVER, MODE);
	if (error != 0)
		rc = failed(error, "recovery", why);
	else
		rc = fill_regions(st->dir, why);
	if (rc == RC_OK && st->creating)
		rc = create_files(env, db, st->dir, why);
	else if (rc == RC_OK && bdb_schema_check(st->dir, &other) == RC_STALE)
		rc = bring_up(env, db, st->dir, why);
	buf_free(&other);
	error = env_end(env, db);
	if (rc == RC_OK && error != 0)
		rc = failed(error, "closing after recovery", why);
	return rc;
}

static enum rc
recover(void *arg, struct buf *why)
{
	struct store *st = arg;
	enum rc rc;

	rc = bdb_space_recover(st, false, why);
	if (rc != RC_OK)
		return rc;
	rc = recover_once(st, why);
	/* The engine tells of a full disk by panicking, too: look. */
	if (rc != RC_OK && bdb_space_recover(st, true, why) == RC_OK) {
		buf_clear(why);
		rc = recover_once(st, why);
	}
	return rc;
}

static enum rc
join(void *arg, struct buf *why)
{
	struct store *st = arg;
	DB_LOG_STAT *stat = NULL;
	enum rc rc = RC_OK;
	int error;

	/* Newer programs may have been here since we looked first. */
	if (!st->creating)
		rc = bdb_schema_check(st->dir, why);
	if (rc != RC_OK)
		return rc == RC_STALE ? rc : RC_INVALID;
	rc = env_new(st, &st->env, why);
	if (rc != RC_OK)
		return rc;
	error = st->env->open(st->env, st->dir, SUBSYSTEMS, MODE);
	if (error != 0) {
		rc = failed(error, "joining the environment", why);
		goto done;
	}
	for (int f = 0; f < BDB_NFILES; f++) {
		error = open_file(st->env, (enum bdb_file)f, 0, &st->db[f]);
		if (error != 0) {
			rc = failed(error, bdb_file_name[f], why);
			goto done;
		}
	}
	error = st->env->log_stat(st->env, &stat, 0);
	if (error != 0) {
		rc = failed(error, "log_stat", why);
		goto done;
	}
	atomic_store(&st->log_file, stat->st_cur_file);
	free(stat);
done:
	if (rc != RC_OK) {
		env_end(st->env, st->db);
		st->env = NULL;
	}
	return rc;
}

static void
leave(void *arg)
{
	struct store *st = arg;
	int flushed, error;

	/*
	 * What was committed unsynced lies in the shared log buffer, which is
	 * lost when the last one leaves and the next recovers.
	 */
	flushed = st->env->log_flush(st->env, NULL);
	error = env_end(st->env, st->db);
	if (error == 0)
		error = flushed;
	st->env = NULL;
	/*
	 * Whatever went wrong while leaving, the next one in must not trust
	 * the regions.  A panicked environment also leaks its mappings when
	 * it is closed, so this process can't go on for long with it.
	 */
	if (error == DB_RUNRECOVERY) {
		gate_raise(st->gate);
		log_error("the environment failed: ending");
		_exit(GATE_EXIT);
	}
	if (error != 0) {
		gate_raise(st->gate);
		log_error("leaving the environment: %s", db_strerror(error));
	}
}

static void
make_room(void *arg)
{
	struct buf why = BUF_INIT(256);

	if (bdb_space_recover(arg, true, &why) != RC_OK)
		log_error("%s", buf_str(&why));
	buf_free(&why);
}

const struct gate_ops bdb_env_ops = { recover, join, leave, make_room };

enum rc
bdb_env_sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), saved;

	if (fd == -1)
		return RC_IO;
	if (fsync(fd) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return RC_IO;
	}
	close(fd);
	return RC_OK;
}

enum rc
bdb_env_sync_log_entry(struct store *st)
{
	char path[BDB_PATH_MAX + 32];
	uint32_t known = atomic_load(&st->log_file), next = known + 1;

	snprintf(path, sizeof path, "%s/log.%010" PRIu32, st->dir, next);
	if (access(path, F_OK) == -1)
		return RC_OK;
	if (bdb_env_sync_dir(st->dir) != RC_OK)
		return RC_IO;
	/* Others may be ahead; behind them costs one more fsync at most. */
	atomic_compare_exchange_strong(&st->log_file, &known, next);
	return RC_OK;
}
