/*
 * operational_inner - an event of the service's own, whatever it is about.
 *
 * Private to operational.c, which has one taken, and operational_*.c, which
 * say what stands in it.
 */
#ifndef WORK_OPERATIONAL_INNER_H
#define WORK_OPERATIONAL_INNER_H

#include "work/operational.h"

/* What is written of one, as it stands under a roster. */
struct operational_text {
	struct buf	 object;	/* in the place of the order */
	struct buf	 id;		/* the sender's, behind a NUL, which no
					   sender's own has (intake refuses
					   U+0000); it stands for the content,
					   too */
	struct buf	 about;		/* those about the same thing are taken
					   in turn */
	bool		 mailed;	/* it is for NOTICE_LANE */
};

#define OPERATIONAL_TEXT_INIT { .object = BUF_INIT(STORE_ORDER_MAX),	\
    .id = BUF_INIT(STORE_SENDER_ID_MAX), .about = BUF_INIT(STORE_SENDER_ID_MAX) }

struct operational_event {
	const char	*type;
	int64_t		 now_ms;
	uint32_t	 subscription;	/* not for this one; 0: for any */

	/* Fill *t, all of which is empty.  False: there is no such event. */
	bool		(*write)(void *arg, const struct roster *r,
			    struct operational_text *t);
	void		*arg;
};

/* As operational_post. */
MUST_USE enum rc operational_event_post(const struct config *cf,
    struct rosters *rs, const struct operational_event *ev, bool *any);

#endif
