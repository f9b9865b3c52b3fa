/*
 * listing - events, deliveries and attempts as the JSON that people see.
 *
 * The one shape of DESIGN §4 and §11, for intake's GET, the API and the
 * command alike.  Held is decided here: pending, and its subscription is not
 * active.  Who may see what was decided before.
 */
#ifndef WORK_LISTING_H
#define WORK_LISTING_H

#include "work/roster.h"

/* "pending", "held", "delivered", "dead". */
const char *delivery_state_name(const struct roster *r,
    const struct store_delivery *d);

/*
 * Append a delivery's object.  o is the event's order (for agwID) and may be
 * NULL when its body is gone.
 */
void delivery_print(const struct store *st, const struct roster *r,
    const struct store_event *ev, const struct order *o,
    const struct store_delivery *d, struct buf *out);

/*
 * Append an event's object on one line: with whole its order and its
 * deliveries (of very many the first), else its agwID and how many they are.
 * o is the event's order and may be NULL as above.
 *   RC_RETRY, RC_IO  reading its deliveries failed; nothing was appended
 */
MUST_USE enum rc event_print(struct store *st, const struct roster *r,
    const struct store_event *ev, const struct order *o, bool whole,
    struct buf *out);

/* Append one attempt's object. */
void attempt_print(const struct store_attempt *a, struct buf *out);

/* The order's agwID as text, into out; nothing where it is no order. */
void order_agwid(const struct order *o, struct buf *out);

/* The same behind " of "; nothing either. */
void order_of(const struct order *o, struct buf *out);

#endif
