#include <errno.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_env.h"

#define RETRY_MS	2000	/* all attempts of a transaction together */
#define PAUSE_MAX_MS	64	/* between two of them */

enum rc
bdb_enter(struct store *st)
{
	return gate_enter(st->gate, false);
}

enum rc
bdb_enter_long(struct store *st)
{
	return gate_enter(st->gate, true);
}

void
bdb_leave(struct store *st)
{
	gate_leave(st->gate);
}

/* Only an end of the process gets rid of what it has mapped. */
static void end(struct store *st, const char *what, int error)
    __attribute__((noreturn));

static void
end(struct store *st, const char *what, int error)
{
	gate_raise(st->gate);
	log_error("store: %s: %s: ending, so that it is recovered", what,
	    db_strerror(error));
	_exit(GATE_EXIT);
}

enum rc
bdb_rc(struct store *st, int error, const char *what)
{
	switch (error) {
	case 0:
		return RC_OK;
	case DB_LOCK_DEADLOCK:
	case DB_LOCK_NOTGRANTED:
		return RC_RETRY;
	case DB_NOTFOUND:
	case DB_KEYEMPTY:
		return RC_NOTFOUND;
	case DB_KEYEXIST:
		return RC_EXISTS;
	case DB_BUFFER_SMALL:
		return RC_TOOBIG;
	case ENOSPC:
	case EDQUOT:
		return RC_FULL;
	case DB_RUNRECOVERY:
		end(st, what, error);
	default:
		log_error("store: %s: %s", what, db_strerror(error));
		return RC_IO;
	}
}

/* A random pause, longer at most with every attempt. */
static void
pause_before(unsigned attempt)
{
	int64_t most = attempt < 6 ? (int64_t)1 << attempt : PAUSE_MAX_MS;
	uint64_t spread = (uint64_t)clock_mono_us() * 0x9e3779b97f4a7c15u;
	int64_t us = (int64_t)(spread >> 33) % (most * 1000);
	struct timespec ts = { 0, us * 1000 };

	nanosleep(&ts, NULL);
}

/*
 * Group commit across threads and processes is the engine's here.  Of a flush
 * that failed nobody can tell what reached the disk, and the next would claim
 * success; so it is the last thing this process does.
 */
static void
flush_log(struct store *st)
{
	uint32_t flags = 0;
	int error = st->env->log_flush(st->env, NULL);

	if (error != 0) {
		st->env->set_flags(st->env, DB_PANIC_ENVIRONMENT, 1);
		end(st, "flushing the log", error);
	}
	error = st->env->get_flags(st->env, &flags);
	if (error != 0 || (flags & DB_PANIC_ENVIRONMENT) != 0)
		end(st, "after flushing the log",
		    error != 0 ? error : DB_RUNRECOVERY);
	if (bdb_env_sync_log_entry(st) != RC_OK)
		end(st, "syncing the directory of the log", errno);
}

/*
 * Writers take turns, all processes together, from before their first row
 * until they are committed (not flushed) or undone.  The engine needs it: an
 * insert that finds its leaf full, and then finds that another one has split
 * it already, goes on from the page above that leaf without a lock on it; if
 * that page was split meanwhile, it puts the row where no search finds it.
 * (5.3.28: __bam_split gives root_pgno, where __bamc_put searches again.)
 * Measured with 16 threads inserting side by side and nobody killed: 3 to 8
 * rows of 64,000 lost with pages of 512 bytes, 2 of 3,000,000 with 4 KiB; none
 * with turns.  They also make deadlocks among writers impossible.
 */
static int
take_turn(struct store *st, DB_TXN *txn)
{
	char name[] = "writer";		/* no page's lock has this length */
	DBT object = { .data = name, .size = sizeof name - 1 };
	DB_LOCK lock;

	/* Given back with the transaction's own locks. */
	return st->env->lock_get(st->env, txn->id(txn), 0, &object,
	    DB_LOCK_WRITE, &lock);
}

static enum rc
attempt_once(struct store *st, bdb_txn_fn *fn, void *arg, uint32_t priority)
{
	DB_TXN *txn;
	enum rc rc, undone;

	rc = bdb_rc(st, st->env->txn_begin(st->env, NULL, &txn, 0),
	    "beginning a transaction");
	if (rc != RC_OK)
		return rc;
	rc = bdb_rc(st, txn->set_priority(txn, priority), "set_priority");
	if (rc == RC_OK)
		rc = bdb_rc(st, take_turn(st, txn), "taking turns");
	if (rc == RC_OK)
		rc = fn(st, txn, arg);
	/* The handle is gone after either, whatever they return. */
	if (rc == RC_OK)
		return bdb_rc(st, txn->commit(txn, DB_TXN_NOSYNC), "commit");
	undone = bdb_rc(st, txn->abort(txn), "abort");
	return undone == RC_OK ? rc : undone;
}

enum rc
bdb_txn(struct store *st, bdb_txn_fn *fn, void *arg, uint32_t priority,
    bool flush)
{
	int64_t deadline = clock_mono_ms() + RETRY_MS;
	enum rc rc = bdb_space_floor(st);

	if (rc != RC_OK)
		return rc;
	/* What is done in many small steps can wait with the next of them. */
	if (priority <= BDB_PRIORITY_MAINTAIN && gate_raised(st->gate))
		return RC_RETRY;
	for (unsigned attempt = 0;; attempt++) {
		rc = attempt_once(st, fn, arg, priority);
		if (rc != RC_RETRY || gate_raised(st->gate) ||
		    clock_mono_ms() > deadline)
			break;
		pause_before(attempt);
	}
	if (rc == RC_OK && flush)
		flush_log(st);
	return rc;
}
