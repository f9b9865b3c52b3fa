/*
 * store - the only door to what is kept: configuration, events, deliveries.
 *
 * Speaks in the service's own verbs so that another engine can stand behind
 * it: operations, not transactions.  Each is one retried transaction inside
 * the engine, may be repeated, and gives a result per item where it takes
 * several.  This header opens and looks after a store; what it can do with
 * records is record.h, with new events accept.h and fanout.h, with deliveries
 * on their way delivery.h, with lists and counts look.h, with what is to go
 * purge.h (all are included here).  It decides nothing about matching,
 * retrying or sending.  Safe from any thread.  Invariant: after RC_OK of an
 * operation that says "synced", a crash or power loss does not undo it.
 * on their way delivery.h, with what the clock triggers timer.h, with lists
 * and counts look.h (all are included here).  It decides nothing about matching, retrying or sending.  Safe from
 * any thread.  Invariant: after RC_OK of an operation that says "synced", a
 * crash or power loss does not undo it.
 *
 * Results that every operation may give, and that are not repeated below:
 *   RC_RETRY  the store is recovering or too busy; the same call again later
 *   RC_FULL   too little free space for this kind of call
 *   RC_IO     the engine or the disk failed; logged by the store
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/crypt.h"

struct store;

#define STORE_SCHEMA	3	/* version of the layout on disk */

struct store_options {
	const char	*dir;		/* copied */
	const struct crypt *crypt;	/* borrowed until store_close */
	int64_t		 cache_bytes;	/* 0: 5 % of memory, 8 to 256 MiB */
	int64_t		 low_space;	/* bytes free below which store_accept
					   answers RC_FULL; 0: the engine's own
					   reckoning */
	int64_t		 remember_ms;	/* how long a sender id counts as taken;
					   0: for ever */
	bool		 standing;	/* a long-lived process: store_accept
					   joins what waits in a committer
					   thread */
};

#include "store/record.h"
#include "store/accept.h"
#include "store/delivery.h"
#include "store/fanout.h"
#include "store/look.h"
#include "store/purge.h"
#include "store/timer.h"

/*
 * Make an empty store in dir (created 0700 if missing, else it must be empty),
 * with its ballast.
 *   RC_EXISTS  there is a store
 *   RC_INVALID dir is not empty, or on a file system that can't hold one (NFS)
 */
MUST_USE enum rc store_create(const struct store_options *o,
    struct buf *why);

/*
 * Open a store that exists and attach to it (waits at most 10 s for a
 * recovery under way).  *st is freed by store_close.
 *   RC_NOTFOUND  there is no store in dir
 *   RC_INVALID   its schema is of a later version; why says which.  One of an
 *                earlier version is brought up to ours when it is attached to
 *   RC_DENIED    the process is not the owner of dir (see below)
 */
MUST_USE enum rc store_open(struct store **st, const struct store_options *o,
    struct buf *why);

/*
 * Detach and free.  Operations under way in other threads must have returned.
 * NULL is allowed.
 */
void store_close(struct store *st);

/*
 * Become the owner of the store directory: root drops to that user and group
 * for good (logging a warning if it is root itself); the owner stays what it
 * is.  Called before store_open, while the process has one thread.
 *   RC_NOTFOUND  no such directory
 *   RC_DENIED    neither root nor the owner; why names the user to be
 */
MUST_USE enum rc store_become_owner(const char *dir, struct buf *why);

/*
 * Leave the environment while there is nothing to do; the next operation
 * attaches again by itself.  Commands call it before they print at length.
 */
void store_idle(struct store *st);

struct store_condition {
	bool	 writable;		/* store_accept would take an event */
	int64_t	 free_bytes;		/* on the store's file system */
	int64_t	 low_bytes;		/* accept refuses below this */
	int64_t	 store_bytes;		/* all files of the store */
	int64_t	 log_bytes;		/* log written since a checkpoint */
	uint64_t generation;		/* of the configuration records */
	uint64_t position;		/* of the newest event; 0: none yet */
	uint64_t recoveries;		/* since the store was made */
};

MUST_USE enum rc store_condition(struct store *st, struct store_condition *h);

/*
 * What must be done now and then: checkpoint, remove logs no longer needed,
 * restore the ballast, move references into their long-term place.  Bounded
 * (some 100 ms).  A standing store does it by itself, in a thread of its own,
 * every few seconds; a program that is not standing calls it when it is done.
 */
MUST_USE enum rc store_maintain(struct store *st);

/*
 * Hold every index against what it indexes, while the service runs; with
 * pages also run the engine's own check on a fresh hot copy.  line is called
 * for each thing found wrong (problem) or worth saying, while detached.
 * *problems counts those found wrong.
 */
typedef void store_verify_line(void *arg, bool problem, const char *text);
MUST_USE enum rc store_verify(struct store *st, bool pages,
    store_verify_line *line, void *arg, uint64_t *problems);

/*
 * Ids: "evt_..." of a position, "msg_..." of a delivery, and "cli_", "sub_",
 * "key_", ... of a record.  Decoding an id of another store or a mistyped one
 * is RC_NOTFOUND.
 */
void store_event_id(const struct store *st, uint64_t position,
    char out[ID_MAX]);
void store_delivery_id(const struct store *st, struct store_key key,
    char out[ID_MAX]);
void store_record_id(const struct store *st, enum store_kind kind,
    uint32_t number, char out[ID_MAX]);
MUST_USE enum rc store_event_parse(const struct store *st, struct slice id,
    uint64_t *position);
MUST_USE enum rc store_delivery_parse(const struct store *st,
    struct slice id, struct store_key *key);
MUST_USE enum rc store_record_parse(const struct store *st,
    enum store_kind kind, struct slice id, uint32_t *number);

#endif
