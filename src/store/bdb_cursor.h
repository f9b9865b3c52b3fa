/*
 * bdb_cursor - the text that a place in a list is given out as.
 *
 * Inside the engine.  Hex of a check and what makes the place; both are the
 * list's own (bdb_list.c, bdb_timer_list.c), and so is telling by the check
 * whether the text is one that it gave out.
 */
#ifndef STORE_BDB_CURSOR_H
#define STORE_BDB_CURSOR_H

#include "store/store.h"

#define CURSOR_RAW	((STORE_CURSOR_MAX - 1) / 2)	/* bytes of a place */

/* raw has at most CURSOR_RAW bytes. */
void cursor_print(const struct buf *raw, char cursor[STORE_CURSOR_MAX]);

/*
 * Its bytes, in raw.
 *   RC_INVALID  it is not hex, or too long; *s is unchanged
 */
MUST_USE enum rc cursor_parse(const char cursor[STORE_CURSOR_MAX],
    char raw[CURSOR_RAW], struct slice *s);

#endif
