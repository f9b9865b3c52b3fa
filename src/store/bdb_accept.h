/*
 * bdb_accept - one transaction's worth of accepted events.
 *
 * Shared by the two ways to it: the caller's own thread, and bdb_committer,
 * which joins what many threads bring.
 */
#ifndef STORE_BDB_ACCEPT_H
#define STORE_BDB_ACCEPT_H

#include "store/bdb.h"

/* What one transaction can still take. */
struct accept_room {
	size_t	events, rows;
	size_t	bytes;		/* of orders */
};

struct accept_room accept_room(void);	/* all of it */

/* What one call of store_accept brought. */
struct accept_list {
	struct store_accept	*item;
	size_t			 n;
	size_t			 next;	/* those before have their turn */
};

/*
 * Append to fit[*nfit] what there is room for, moving l->next on; the first
 * item always fits.  Those that could never be stored get their RC_TOOBIG here
 * and are left out.
 */
void accept_gather(struct accept_list *l, struct accept_room *r,
    struct store_accept *fit[STORE_BATCH_EVENTS], size_t *nfit);

/*
 * Take what was gathered, and give each its result.  *newest_ms is what
 * accepted_ms has come to and moves on with it: a clock that is set back does
 * not take it along.
 */
void accept_batch(struct store *st, struct store_accept **item, size_t n,
    int64_t *newest_ms);

#endif
