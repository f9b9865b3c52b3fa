/*
 * bdb - what the files of the Berkeley DB engine share with each other.
 *
 * Inside src/store only: nothing above sees <db.h>.  bdb_gate decides who may
 * be in the environment, bdb_env opens it, bdb_key lays out every row, and one
 * file a verb does the work: bdb_record, bdb_accept, bdb_claim, bdb_settle,
 * bdb_look, bdb_space, bdb_verify.  Invariant: every call of the engine lies
 * between bdb_enter and bdb_leave.
 */
#ifndef STORE_BDB_H
#define STORE_BDB_H

#include <db.h>
#include <pthread.h>
#include "store/store.h"

struct gate;
struct committer;

/* One database a file, in the order in which transactions touch them. */
enum bdb_file {
	BDB_META,	/* schema, position, generation, numbers */
	BDB_CONFIG,	/* records, their old versions, changes */
	BDB_SENDER,	/* sender id -> position, content hash, deliveries */
	BDB_EVENT,	/* position -> event */
	BDB_REF,	/* references -> positions, see bdb_ref.c */
	BDB_DUE,	/* lane, due, position, ordinal -> attempts */
	BDB_DELIVERY,	/* position, subscription, ordinal, n -> delivery (n 0)
			   and its attempts (n from 1) */
	BDB_DONE,	/* lane, done, position, ordinal -> state */
	BDB_STAT,	/* hour, subscription -> counts */
	BDB_NFILES
};

extern const char *const bdb_file_name[BDB_NFILES];	/* "event.db", ... */

struct store {
	char		 dir[1024];
	const struct crypt *crypt;
	int64_t		 cache_bytes, low_space;
	bool		 standing;
	struct gate	*gate;
	DB_ENV		*env;			/* valid between enter, leave */
	DB		*db[BDB_NFILES];	/* the same */
	struct committer *committer;		/* standing only; bdb_accept */
};

/*
 * Every operation is `rc = bdb_enter(st); ...; bdb_leave(st, rc)`.  Enter
 * attaches if need be, waits for a recovery (at most 10 s, then RC_RETRY), and
 * may be held by many threads at once.  Leave with the operation's result.
 */
MUST_USE enum rc bdb_enter(struct store *st);
void bdb_leave(struct store *st);

/*
 * Run fn in a transaction, again after a deadlock (bounded, with growing
 * random pauses), commit it unsynced and, with flush, flush the log before
 * returning.  fn touches only the store and *arg, which it must be able to
 * rebuild from scratch; any result other than RC_OK aborts.  Between enter and
 * leave.  A failed flush is final: the process ends (BERKELEY DB reports
 * success on the next one), which bdb_txn does by itself.
 */
typedef enum rc bdb_txn_fn(struct store *st, DB_TXN *txn, void *arg);
MUST_USE enum rc bdb_txn(struct store *st, bdb_txn_fn *fn, void *arg,
    uint32_t priority, bool flush);

#define BDB_PRIORITY_ACCEPT	200	/* the detector spares the higher */
#define BDB_PRIORITY_CONFIG	120
#define BDB_PRIORITY_SETTLE	50
#define BDB_PRIORITY_MAINTAIN	20

/*
 * The engine's error as a result.  Deadlocks are RC_RETRY (bdb_txn sees them),
 * DB_NOTFOUND and DB_KEYEMPTY RC_NOTFOUND, DB_KEYEXIST RC_EXISTS, ENOSPC and
 * EDQUOT RC_FULL; DB_RUNRECOVERY raises the gate's flag and ends the process;
 * all else is logged with what and RC_IO.
 */
MUST_USE enum rc bdb_rc(struct store *st, int error, const char *what);

/*
 * get, put and delete with keys and values as buffers.  bdb_get appends the
 * value to val (which is cleared first); rmw takes a write lock at once.  txn
 * may be NULL for a read.
 */
MUST_USE enum rc bdb_get(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, struct buf *val, bool rmw);
MUST_USE enum rc bdb_put(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val);
MUST_USE enum rc bdb_del(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key);

/*
 * A cursor for reading (degree 2).  at positions on the first key at or after
 * key; next and prev move.  Key and value point into the cursor's own memory
 * until it moves; with keys_only the value is not read.  RC_NOTFOUND at the
 * end.  Always closed by bdb_cur_close, before bdb_leave.
 */
struct bdb_cur {
	struct store	*st;
	DBC		*dbc;
	struct slice	 key, val;
	struct buf	 kbuf, vbuf;
	bool		 keys_only;
};

MUST_USE enum rc bdb_cur_open(struct store *st, DB_TXN *txn,
    enum bdb_file f, bool keys_only, struct bdb_cur *c);
MUST_USE enum rc bdb_cur_at(struct bdb_cur *c, const struct buf *key);
MUST_USE enum rc bdb_cur_before(struct bdb_cur *c, const struct buf *key);
MUST_USE enum rc bdb_cur_next(struct bdb_cur *c);
MUST_USE enum rc bdb_cur_prev(struct bdb_cur *c);
void bdb_cur_close(struct bdb_cur *c);

/* bdb_space: may an event be taken?  RC_FULL if not; costs no system call
   more than once in 100 ms. */
MUST_USE enum rc bdb_space_check(struct store *st);
MUST_USE enum rc bdb_space_ballast(struct store *st, struct buf *why);

/* bdb_accept: the committer thread's life. */
MUST_USE enum rc bdb_committer_start(struct store *st);
void bdb_committer_stop(struct store *st);

/* bdb_ref: rows for one transaction's events, and their move to long-term
   places (store_maintain); see bdb_ref.c. */
struct bdb_ref_entry { uint64_t ref; uint64_t position; };
MUST_USE enum rc bdb_ref_put(struct store *st, DB_TXN *txn,
    const struct bdb_ref_entry *e, size_t n);
MUST_USE enum rc bdb_ref_maintain(struct store *st);
/* Positions of a reference below before, newest first. */
MUST_USE enum rc bdb_ref_find(struct store *st, uint64_t ref,
    uint64_t before, uint64_t *position, size_t max, size_t *n);

#endif
