/*
 * bdb - what the files of the Berkeley DB engine share with each other.
 *
 * Inside src/store only: nothing above sees <db.h>.  bdb_gate decides who may
 * be in the environment, bdb_env opens it, bdb_open makes and opens a store,
 * bdb_txn and bdb_row run transactions and move rows, bdb_key lays out every
 * row, and one file a verb does the work: bdb_record, bdb_accept, bdb_claim,
 * bdb_settle, bdb_timer, bdb_look, bdb_space, bdb_verify.  Invariant: every call of the
 * engine lies between bdb_enter and bdb_leave, or is one of the gate's steps.
 */
#ifndef STORE_BDB_H
#define STORE_BDB_H

#include <db.h>
#include <pthread.h>
#include <stdatomic.h>
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
	BDB_TIMER,	/* order -> its timers, and their index; changes to
			   come, see bdb_timer.c */
	BDB_CHAIN,	/* lane, order, position -> accepted, of deliveries that
			   take their turn; see bdb_chain.h */
	BDB_DUE,	/* lane, due, position, ordinal -> attempts */
	BDB_DELIVERY,	/* position, subscription, ordinal, n -> delivery (n 0)
			   and its attempts (n from 1) */
	BDB_DONE,	/* lane, done, position, ordinal -> state */
	BDB_STAT,	/* hour, subscription -> counts */
	BDB_NFILES
};

extern const char *const bdb_file_name[BDB_NFILES];	/* "event.db", ... */

/*
 * The log's buffer, the size of a log file, and after how much log a
 * checkpoint is due, which bounds a recovery (some 5.5 ms a MiB) and the pages
 * that it may have to add.  A recovery also writes the rest of the newest log
 * file full of zeros, so that a large one makes a program alone slow to come
 * in: 33 ms were measured with 10 MiB, where 4 MiB took 11.
 */
#define BDB_LOG_BUFFER	 (1024 * 1024)
#define BDB_LOG_FILE	 (4 * 1024 * 1024)
#define BDB_LOG_UNTIL_CHECKPOINT (4 * 1024 * 1024)

#define BDB_PATH_MAX	1024	/* bytes of the store's path with its NUL */

struct store {
	char		 dir[BDB_PATH_MAX];	/* absolute */
	const struct crypt *crypt;
	int64_t		 cache_bytes, low_space;	/* decided, never 0 */
	int64_t		 remember_ms;
	bool		 standing;
	bool		 creating;		/* recovery makes the files */
	struct gate	*gate;
	DB_ENV		*env;			/* valid between enter, leave */
	DB		*db[BDB_NFILES];	/* the same */
	struct committer *committer;		/* standing only; bdb_accept */
	struct ticker	*ticker;		/* standing only; bdb_env */
	_Atomic uint32_t log_file;		/* newest whose directory entry
						   is known to be synced */
	_Atomic int64_t	 space_seen_ms;		/* bdb_space: monotonic, and */
	_Atomic int64_t	 space_free;		/* bytes free at that time */
	_Atomic bool	 space_low;		/* events are refused */
	_Atomic int64_t	 said_ms;		/* bdb_env: lines of the */
	_Atomic uint32_t said;			/* engine in this window */
};

/*
 * Every operation is `rc = bdb_enter(st); ...; bdb_leave(st)`.  Enter
 * attaches if need be, waits for a recovery (at most 10 s, then RC_RETRY), and
 * may be held by many threads at once, and again by a thread that is in.
 * bdb_enter_long is for the few visits that may take longer than
 * GATE_LIMIT_MS: checkpoint, compaction, backup.
 */
MUST_USE enum rc bdb_enter(struct store *st);
MUST_USE enum rc bdb_enter_long(struct store *st);
void bdb_leave(struct store *st);

/*
 * Run fn in a transaction, again after a deadlock (bounded, with growing
 * random pauses), commit it unsynced and, with flush, flush the log before
 * returning.  The only way to write: one transaction at a time writes in a
 * store, all processes together (bdb_txn.c has the reason), so fn is short,
 * computes beforehand what it can, and never calls bdb_txn.  fn touches only
 * the store and *arg, which it must be able to rebuild from scratch; any
 * result other than RC_OK aborts, RC_RETRY (for some 2 s) also runs it again.
 * Between enter and leave.  A failed flush is final (Berkeley DB reports
 * success on the next one): the process ends, which bdb_txn does by itself.
 *   RC_FULL  also when so little is free that the log could not be written
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
 * get, put and delete with keys and values as buffers.  bdb_get reads the
 * value into val (which is cleared first); rmw takes a write lock at once.
 * txn may be NULL for a read, which then is repeated after a deadlock.
 *   RC_NOTFOUND  get, del: no such key
 *   RC_TOOBIG    get: the value passes val's ceiling
 *   RC_EXISTS    add: the key is there
 * A key or value that is `over` is RC_TOOBIG.
 */
MUST_USE enum rc bdb_get(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, struct buf *val, bool rmw);
MUST_USE enum rc bdb_put(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val);
MUST_USE enum rc bdb_add(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val);
MUST_USE enum rc bdb_del(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key);

/*
 * A cursor for reading (degree 2).  at positions on the first key at or after
 * key, before on the last one below it; next and prev move, and on a cursor
 * just opened go to the first and the last.  Key and value point into the
 * cursor's own memory until it moves; with keys_only the value is not read.
 * RC_NOTFOUND at the end; RC_RETRY after a deadlock: close it and begin anew.
 * Always closed by bdb_cur_close, before bdb_leave, also after a failed
 * bdb_cur_open.  Without a transaction a cursor keeps its page locked for
 * itself alone: while it is open the thread reads and writes nothing else, or
 * it waits for a writer that waits for the cursor, and nobody notices.
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

/*
 * bdb_space.  check: may an event be taken?  floor: may anything be written,
 * with room left for the log?  RC_FULL if not; no system call more than once
 * in 100 ms.
 */
MUST_USE enum rc bdb_space_check(struct store *st);
MUST_USE enum rc bdb_space_floor(struct store *st);

/* bdb_accept: the committer thread's life. */
MUST_USE enum rc bdb_committer_start(struct store *st);
void bdb_committer_stop(struct store *st);

/*
 * bdb_record: make this the generation, one above the present one that the
 * transaction has read for writing first of all, and leave a row that says
 * what changed.
 */
MUST_USE enum rc bdb_announce(struct store *st, DB_TXN *txn,
    enum store_kind kind, uint32_t number, uint64_t generation);

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
