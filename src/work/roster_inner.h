/*
 * roster_inner - a snapshot while it is made, and what it is made of.
 *
 * Private to roster.c, which keeps it, and rosters.c, which fills it from the
 * store; a bench fills one from records of its own.  A snapshot that follows
 * another shares its entries, and the index of its subscriptions as long as few
 * of them differ: these have a small index of their own.  Invariant: nothing of
 * it changes after roster_ready.
 */
#ifndef WORK_ROSTER_INNER_H
#define WORK_ROSTER_INNER_H

#include "work/roster_load.h"

/* Entries of one kind by ascending number, a reference to each. */
struct entries {
	struct entry	**at;
	size_t		  n, cap;
};

struct roster {
	atomic_uint	 refs;
	uint64_t	 generation;
	const struct catalog *catalog;
	struct entries	 list[STORE_KEY + 1];	/* by store_kind */
	struct entry	**by_hash;		/* keys, by their hash */
	struct entry	*notices;	/* of no record: in no list or index */
	struct roster_base *base;	/* index of what there was once... */
	struct match	*recent;	/* ...and of what has changed since */
	uint32_t	*changed;	/* numbers of these */
	size_t		 nchanged, changed_cap;
	unsigned char	*differs;	/* the same, a bit for each number */
	size_t		 ndiffers;	/* bytes */
};

/* Empty, or like from; released by roster_release. */
struct roster *roster_new(const struct catalog *c);
struct roster *roster_copy(const struct roster *from);

/*
 * Put a record's entry into its place, or take away what is there.
 *   RC_IO  it can't be read; to go on without it could drop its events
 */
MUST_USE enum rc roster_take(struct roster *r, const struct store_record *rec,
    const struct crypt *crypt);
void roster_drop(struct roster *r, enum store_kind kind, uint32_t number);

/*
 * What belongs to a client points to it: give it the client as it is now, or
 * take it away with it.
 */
void roster_follow(struct roster *r, enum store_kind kind, uint32_t client);

/* All are there: index them.  From now on it may be shared. */
void roster_ready(struct roster *r);

#endif
