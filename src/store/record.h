/*
 * record - configuration records: clients, subscriptions, keys, users.
 *
 * A record is a number, a version and a JSON text that the store does not
 * read.  Part of store.h, which is what callers include.  Every change of a
 * client, subscription or key bumps the *generation* in the same transaction
 * and leaves a row that says what changed, so that programs reload just that.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/buf.h"

#define STORE_RECORD_MAX (256 * 1024)	/* bytes of a record's body */

enum store_kind {
	STORE_CLIENT = 1,	/* ids cli_... */
	STORE_SUBSCRIPTION,	/* sub_...; old versions are kept */
	STORE_KEY,		/* key_... */
	STORE_USER,		/* usr_...; does not bump the generation */
	STORE_LANE,		/* no record: a change of this kind says that
				   of a lane, its number, rows were given up or
				   put in front of the others */
};

struct store_record {
	enum store_kind	 kind;
	uint32_t	 number;	/* from 1; never used again */
	uint64_t	 version;	/* from 1 */
	int64_t		 created_ms, updated_ms;
	struct slice	 body;		/* points into raw */
	struct buf	 raw;		/* owned */
};

#define STORE_RECORD_INIT { .raw = BUF_INIT(STORE_RECORD_MAX + 64) }

void store_record_clear(struct store_record *r);

/*
 * Read one into *r (initialised or cleared before; cleared by the caller).
 * With version 0 the present one, else that version, kept for subscriptions
 * only.
 *   RC_NOTFOUND  no such record or version
 */
MUST_USE enum rc store_record_get(struct store *st, enum store_kind kind,
    uint32_t number, uint64_t version, struct store_record *r);

/*
 * Write one.  *number 0 makes a new record and sets *number; else *version
 * must be the present version.  On RC_OK *version is the new one; synced.
 *   RC_NOTFOUND  no such record
 *   RC_STALE     it has another version; nothing was written
 *   RC_TOOBIG    body over STORE_RECORD_MAX
 */
MUST_USE enum rc store_record_put(struct store *st, enum store_kind kind,
    uint32_t *number, uint64_t *version, struct slice body);

/* Remove one; synced.  Results as store_record_put. */
MUST_USE enum rc store_record_delete(struct store *st, enum store_kind kind,
    uint32_t number, uint64_t version);

/*
 * Up to max records of a kind with numbers above after, in order, into r[]
 * (each initialised; cleared by the caller).  *n less than max: no more.
 */
MUST_USE enum rc store_record_list(struct store *st, enum store_kind kind,
    uint32_t after, struct store_record *r, size_t max, size_t *n);

/* The present generation; 0 in a new store. */
MUST_USE enum rc store_generation(struct store *st, uint64_t *generation);

struct store_change {
	uint64_t	generation;	/* that this change made */
	enum store_kind	kind;
	uint32_t	number;
};

/*
 * Up to max changes after a generation, oldest first.  *n less than max: these
 * are all.
 *   RC_NOTFOUND  too long ago (10,000 changes are kept): reload everything
 */
MUST_USE enum rc store_changes(struct store *st, uint64_t since,
    struct store_change *c, size_t max, size_t *n);

#endif
