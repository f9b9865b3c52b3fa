/*
 * webhook_transfer - one request under way, as channel_webhook's files share
 * it.
 *
 * Private to channel_webhook.c, which runs transfers, and webhook_result.c,
 * which says what came of one.
 */
#ifndef WORK_WEBHOOK_TRANSFER_H
#define WORK_WEBHOOK_TRANSFER_H

#include <curl/curl.h>
#include "work/channel_webhook.h"

/* One request under way, with everything of curl's it needs. */
struct transfer {
	struct webhook	*w;
	struct transfer	*next, *prev;	/* under way, waiting or spare */
	CURL		*easy;
	struct webhook_request rq;
	webhook_done	*done;
	void		*arg;
	int64_t		 begun_us;
	struct curl_slist line[WEBHOOK_HEADERS_MAX + 2];
	char		 error[CURL_ERROR_SIZE];
	bool		 added;		/* to the multi handle */
	bool		 looking;	/* waits for a name's address */
	bool		 put_off;	/* too many look-ups: again later */
	bool		 guarded;	/* the guard refused an address... */
	bool		 opened;	/* ...and let another one pass */
	struct buf	 head, body;	/* of the response, what is kept */
	size_t		 head_seen;
	uint64_t	 body_seen;
	bool		 cut;
	struct { size_t off, len; } retry_after;	/* in head */
};

/*
 * What came of a transfer that ended with code, before it leaves the multi
 * handle.  The slices point into *t.
 */
void webhook_result(const struct transfer *t, CURLcode code,
    struct webhook_result *r);

#endif
