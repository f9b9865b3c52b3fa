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

/* The id of a subscription's record; notices (notice.h) have a name instead. */
void subscription_id(const struct store *st, uint32_t number,
    char out[ID_MAX]);

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

/* What is known of the body that an attempt made (remake.h). */
struct attempt_body {
	struct slice	 body;		/* proven; s NULL: it can't be shown */
	struct slice	 why;		/* ...for this reason, one line */
};

/*
 * Append one attempt's object:
 *   number, attempt    on record, and as its skycap-attempt says
 *   at, version        when it began; of the subscription
 *   status             null: no answer
 *   word, sentence     how it ended (words.h)
 *   address            that was connected to; "" none
 *   duration_us        dns, connect, tls, first (byte), total; the first three
 *                      are 0 on a connection that was there
 *   request, method, url, requestHeaders
 *                      as sent, secrets masked; the first is the text.  Of a
 *                      mail from and to, addresses, in place of method and
 *                      url, and the rest as people read it
 *   wentOut            false: it ended before anything of it was sent
 *   body, bodyMissing  the bytes, or null and why; bodyHash, keyed
 *   responseHead, responseHeaders, responseBody
 *                      as they came, what is no UTF-8 replaced; of a mail the
 *                      dialogue, none, and the server's last answer
 *   responseKept, responseLength, truncated
 *                      bytes of the body: on record, seen
 */
void attempt_print(const struct store_attempt *a,
    const struct attempt_body *b, struct buf *out);

/* Did it get as far as sending? */
bool attempt_went_out(const struct store_attempt *a);

/* Was it a mail?  False where it came to no request. */
bool attempt_is_mail(const struct store_attempt *a);

/* Take the first line off a request or response head, its end left out. */
struct slice head_line(struct slice *head);

/* The order's agwID as text, into out; nothing where it is no order. */
void order_agwid(const struct order *o, struct buf *out);

/* The same behind " of "; nothing either. */
void order_of(const struct order *o, struct buf *out);

#endif
