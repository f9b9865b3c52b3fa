/*
 * webhook_transfer - one request under way, as channel_webhook's files share
 * it.
 *
 * Private to channel_webhook.c, which runs transfers, webhook_easy.c, which
 * makes them curl's, and webhook_result.c, which says what came of one.
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

struct transfers {
	struct transfer	*first, *last;
	uint32_t	 n;
};

struct webhook {
	CURLM		*multi;
	struct guard	 guard;
	char		*ca;		/* NULL: libcurl's own */
	bool		 ca_is_dir;
	int		 epoll, timer;
	int64_t		 wake_us;	/* curl wants to be called; INT64_MAX */
	int64_t		 armed_us;	/* what the timer is set to */
	uint32_t	 lookups;
	uint32_t	 stillborn;	/* busy, but never given to curl */
	struct transfers busy, waiting, spare;
};

/* What is the same for all requests of a handle. */
void webhook_set_up(struct transfer *t);

/* Its headers, for all its tries.  False: there are too many. */
bool webhook_set_head(struct transfer *t);

/* All else of its request, for one try. */
void webhook_set_request(struct transfer *t);

/* It no longer waits for a name's address. */
void webhook_looked(struct transfer *t);

/*
 * What came of a transfer that ended with code, before it leaves the multi
 * handle.  The slices point into *t.
 */
void webhook_result(const struct transfer *t, CURLcode code,
    struct webhook_result *r);

#endif
