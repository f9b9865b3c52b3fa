/*
 * show - what cmd_show.c's files share: showing an event, or a delivery with
 * its attempts.
 *
 * Nothing is printed while the store is attached to.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/cli.h"
#include "work/listing.h"
#include "work/remake.h"

/* An event, and its order if it is still kept. */
struct shown {
	const struct cli *c;
	const struct roster *r;
	struct store_event ev;
	struct order	 order;
	const struct order *o;		/* NULL: it is not */
};

/*
 * Read one into *s, which is initialised.
 *   RC_NOTFOUND, RC_RETRY, RC_IO  as the store
 */
MUST_USE enum rc show_read(struct shown *s, uint64_t position);

/* An event with its deliveries.  Results as show_read. */
MUST_USE enum rc show_event(struct shown *s, uint64_t position);

struct show_delivery {
	struct store_key key;
	uint16_t	 only;		/* attempt; 0: all */
	bool		 body;		/* its body alone */
};

/* What of a delivery was asked for; a status of the command. */
int show_delivery(struct shown *s, const struct show_delivery *ask);

/* One attempt, for people. */
void show_attempt(const struct store_attempt *a,
    const struct attempt_body *b);

/* A line "name  id  what people call it". */
void show_named(const char *member, const char *id, struct slice name);
void show_time(const char *member, int64_t ms);	/* 0: no line */

#endif
