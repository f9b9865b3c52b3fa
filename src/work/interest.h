/*
 * interest - which events a subscription wants, how often, and whether in turn.
 *
 * All that intake needs of a subscription, and nothing of it is secret, so
 * that it stands open in the record and is compiled by itself; what is sent is
 * the task's (task.h).  It asks neither for the client's scope (roster.h does)
 * nor for the state.  Immutable, shared by threads.  Invariant: it never wants
 * less than the task it was made from, whatever became of the catalogue.
 */
#ifndef WORK_INTEREST_H
#define WORK_INTEREST_H

#include "shape/filter.h"

struct interest {
	struct filter	*filter;	/* NULL: any order */
	bool		 all;		/* every type about orders */
	bool		 ordered;	/* those of one order in turn */
	uint8_t		 recipients;	/* deliveries of one event, from 1 */
	uint16_t	 ntype;
	uint16_t	 type[];	/* catalogue's index, ascending */
};

/*
 * Make one of the members "event" and "filter" of an object, value obj of d,
 * "ordered" of its "settings" and the addresses of its "mail": a task, or what
 * interest_write gave, which has their number as "recipients".  Types
 * that the catalogue has no more are left out; of fields that it lacks is asked
 * what stands where they stood.  A filter that does not hold even so is left
 * out: who can't be sure takes the event.  NULL: no type is left.  Freed by
 * interest_free.
 */
struct interest *interest_read(const struct catalog *c,
    const struct json_doc *d, uint32_t obj);
void interest_free(struct interest *in);

/*
 * Append {"event":[...],"filter":[...],"at":{field: pointer},"settings":
 * {"ordered":true},"recipients":n} of a task that task_print gave; at for
 * fields that are no members of the order's own, settings only if they are
 * wanted in turn, recipients if there are several.
 */
void interest_write(const struct catalog *c, struct slice task,
    struct buf *out);

bool interest_wants(const struct interest *in,
    const struct catalog_event *type);

#endif
