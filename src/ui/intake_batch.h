/*
 * intake_batch - a body of several events: taken in runs, answered item by
 * item.
 *
 * Called by intake_page, which has checked key, type and size.  Each item
 * stands alone; what is good is kept before the answer (DESIGN §4).
 */
#ifndef UI_INTAKE_BATCH_H
#define UI_INTAKE_BATCH_H

#include "web/http.h"
#include "work/intake.h"

#define INTAKE_BATCH_ITEMS 10000	/* in one call */

/* Who posts, and what with. */
struct intake_post {
	const struct intake *in;
	struct intake_work *work;
	uint32_t	 key;		/* number of the publish key */
};

/* An array, and a text of one event a line; body is borrowed. */
void intake_batch_array(const struct intake_post *p, struct slice body,
    struct resp *rs);
void intake_batch_lines(const struct intake_post *p, struct slice body,
    struct resp *rs);

/*
 * Append what became of an item, as it stands in a batch's results; and of one
 * that was taken "id":"evt_...","deliveries":n alone.
 */
void intake_put_result(const struct intake *in, const struct intake_item *it,
    struct buf *out);
void intake_put_taken(const struct intake *in, const struct intake_item *it,
    struct buf *out);

#endif
