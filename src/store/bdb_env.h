/*
 * bdb_env - the environment: its settings, the gate's steps, what it needs.
 *
 * Used by bdb_open, bdb_txn and bdb_space alone; the verbs above them need
 * none of it.  Every program sets the same things in code; there is no
 * DB_CONFIG.  Whoever recovers makes the shared regions, so sizes are decided
 * by the last recovery, and everybody who joins takes them as they are.
 */
#ifndef STORE_BDB_ENV_H
#define STORE_BDB_ENV_H

#include "store/bdb.h"
#include "store/bdb_gate.h"

extern const struct gate_ops bdb_env_ops;	/* arg: the store */

/* bdb_host: what we find on this machine. */

/* 5 % of the memory this process may use, between 8 and 256 MiB. */
int64_t bdb_env_cache_auto(void);

/* Which build of the engine is loaded, to tell it from another; at most max
   bytes with the NUL. */
void bdb_env_library(char *out, size_t max);
/* What our environments are made like, for the gate's shape. */
void bdb_env_shape(const struct store *st, char *out, size_t max);

/*
 * bdb_ticker: two threads of a standing process.  One makes lock timeouts
 * happen, since a waiter is woken only when somebody runs the engine's deadlock
 * detector; the other calls store_maintain every few seconds.
 */
MUST_USE enum rc bdb_ticker_start(struct store *st);
void bdb_ticker_stop(struct store *st);

/*
 * After a flush: the engine syncs its log files, never the directory that
 * names a new one.  RC_IO, with errno.
 */
MUST_USE enum rc bdb_env_sync_log_entry(struct store *st);

/* fsync of a directory.  RC_IO, with errno. */
MUST_USE enum rc bdb_env_sync_dir(const char *dir);

/*
 * Is the store in dir of our version?  As store_open.
 *   RC_STALE  of an earlier one: recovery brings it up
 */
MUST_USE enum rc bdb_schema_check(const char *dir, struct buf *why);

/* Make it say that it is, for good.  RC_FULL, RC_IO. */
MUST_USE enum rc bdb_schema_write(const char *dir, struct buf *why);

/* bdb_space, for making and recovering a store. */

/*
 * Write what is missing of the ballast, most bytes of it at most, if that
 * leaves enough for accepting events.  RC_FULL without room, RC_IO.
 */
MUST_USE enum rc bdb_space_ballast(struct store *st, int64_t most,
    struct buf *why);

/*
 * Make room for a recovery: gives up the ballast if what is free would not do,
 * or if tried says that a recovery just failed for want of room.
 *   RC_FULL  it still would not, or there was no ballast left to give
 */
MUST_USE enum rc bdb_space_recover(struct store *st, bool tried,
    struct buf *why);

/* Bytes free below which store_accept answers RC_FULL, by our reckoning. */
int64_t bdb_space_low(int64_t cache_bytes);

#endif
