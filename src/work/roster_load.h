/*
 * roster_load - one configuration record made into what a roster holds.
 *
 * Private to roster.c and rosters.c.  Entries are counted, since neighbouring
 * snapshots share those that did not change.
 */
#ifndef WORK_ROSTER_LOAD_H
#define WORK_ROSTER_LOAD_H

#include <stdatomic.h>
#include "work/roster.h"

struct entry {
	atomic_uint	 refs;
	enum store_kind	 kind;
	uint32_t	 number;
	struct entry	*owner;		/* a subscription's or key's client */
	struct entry	*like;		/* it is of the same record, and owns
					   what the structs below point to */
	struct buf	 text;		/* strings of the structs below */
	union {
		struct client		client;
		struct subscription	subscription;
		struct apikey		key;
	} u;
};

/*
 * Make an entry of a record.  client finds the entry of a client's number (a
 * reference is taken) and may return NULL.  A subscription's task is not looked
 * at, unless the record does not say otherwise what it wants.
 *   RC_NOTFOUND  it belongs to a client that is not there: it is nobody's, or
 *                the client's own record is still to come
 *   RC_INVALID   the record can't be read or opened: logged
 */
MUST_USE enum rc entry_make(struct entry **e, const struct store_record *r,
    const struct crypt *crypt, const struct catalog *c,
    struct entry *(*client)(void *arg, uint32_t number), void *arg);

/*
 * The same subscription or key of a client that has changed: nothing is read
 * again, and a task that was opened stays open.  Takes over the reference to
 * owner.
 */
struct entry *entry_move(struct entry *e, struct entry *owner);

/* The subscription that notices are mailed by, which no record makes. */
struct entry *entry_notices(const struct catalog *c);

struct entry *entry_hold(struct entry *e);
void entry_drop(struct entry *e);

#endif
