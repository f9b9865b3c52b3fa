/*
 * batch - the events in one body: the items of an array, or the lines of a
 * text.
 *
 * A body is taken apart item by item, without an index of the whole, so that a
 * batch costs the memory of its largest item besides its own.  What an item
 * holds is event.h's.
 */
#ifndef WORK_BATCH_H
#define WORK_BATCH_H

#include "base/json.h"

/* The first character that is no white space is a [. */
bool batch_is_array(struct slice body);

/*
 * Check an array whole, and count its items; of one item alone its depth (to
 * 128) and its lengths are left to that item's own reading.
 *   RC_INVALID  it is not JSON; *err says where in the body
 *   RC_TOOBIG   it has more than max items
 */
MUST_USE enum rc batch_check(struct slice body, size_t max, size_t *n,
    struct json_error *err);

/*
 * Take the next item off the front of an array that was checked; rest begins
 * as the body.  False: no more.
 */
bool batch_next_item(struct slice *rest, struct slice *item);

/* Take the next line that is not blank, without its end.  False: no more. */
bool batch_next_line(struct slice *rest, struct slice *line);

#endif
