/*
 * bdb_verify - hold what is stored against itself.
 *
 * Inside the engine.  bdb_verify.c walks every file and tells what it finds,
 * bdb_check.c, bdb_check_chain.c and bdb_check_timer.c know what must hold for
 * one row, bdb_verify_copy.c has the engine check the pages of a copy.  Nothing is repaired.
 * Invariant: a row is called wrong only after a look at it and at all it
 * belongs with inside one transaction, since rows move while they are looked
 * at.
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

verify_check check_sender, check_event, check_timer, check_chain,
	check_due, check_delivery, check_done;

/* "msg_...: text" and "evt_...: text", appended to say. */
void check_say(const struct store *st, const struct store_key *k,
    struct buf *say, const char *text);
void check_say_event(const struct store *st, uint64_t position,
    struct buf *say, const char *text);

/* Whether a row stands in a file, its value in val. */
MUST_USE enum rc check_look_up(struct store *st, DB_TXN *txn,
    enum bdb_file f, const struct buf *key, struct buf *val, bool *there);

/* The same of an event's row and a delivery's, and whether it can be read. */
MUST_USE enum rc check_read_event(struct store *st, DB_TXN *txn,
    uint64_t position, struct store_event *ev, bool *there, bool *legible);
MUST_USE enum rc check_read_delivery(struct store *st, DB_TXN *txn,
    const struct store_key *k, struct store_delivery *d, bool *there,
    bool *legible);

/*
 * bdb_check_chain.  What is wrong with a delivery that is due and of which
 * there is no other fault: it must stand first in the chain that it takes its
 * turn in, ev being its event.
 */
MUST_USE enum rc check_due_in_chain(struct store *st, DB_TXN *txn,
    const struct store_due *d, const struct store_event *ev, struct buf *say);

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
