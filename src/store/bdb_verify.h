/*
 * bdb_verify - hold what is stored against itself.
 *
 * Inside the engine.  bdb_verify.c walks every file and tells what it finds,
 * bdb_check.c knows what must hold for one row, bdb_verify_copy.c has the
 * engine check the pages of a copy.  Nothing is repaired.  Invariant: a row is
 * called wrong only after a look at it and at all it belongs with inside one
 * transaction, since rows move while they are looked at.
 */
#ifndef STORE_BDB_VERIFY_H
#define STORE_BDB_VERIFY_H

#include "store/bdb_delivery.h"

#define VERIFY_TEXT	BUF_INIT(512)	/* what is wrong with one row */

/*
 * What is wrong with the row under key of a file, appended to say; nothing if
 * it is gone or all is well.  txn may be NULL for a first look.  Results other
 * than RC_OK are failures to look.
 */
typedef enum rc verify_check(struct store *st, DB_TXN *txn, struct slice key,
    struct buf *say);

verify_check check_sender, check_event, check_due, check_delivery, check_done;

struct verify {
	struct store		*st;
	store_verify_line	*line;
	void			*arg;
	uint64_t		 problems;
};

/* Tell; called while detached. */
void verify_tell(struct verify *v, bool problem, const char *fmt, ...)
    PRINTF(3, 4);

/* A hot copy in a directory of its own, recovered, each file checked, the
   copy removed. */
MUST_USE enum rc bdb_verify_copy(struct verify *v);

#endif
