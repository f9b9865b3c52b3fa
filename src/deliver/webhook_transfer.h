/*
 * webhook_transfer - one request under way, as channel_webhook's files share
 * it.
 *
 * Private to channel_webhook.c, which runs transfers, webhook_easy.c, which
 * makes them curl's, and webhook_result.c, which says what came of one.
 *
 * A transfer has one or more *tries*: a try that needs a name's address ends
 * at once and is made again when there is one (libcurl would look it up on a
 * thread that nobody could count), and a request that was lost with a kept
 * connection is made once more on a new one.
 */
#ifndef DELIVER_WEBHOOK_TRANSFER_H
#define DELIVER_WEBHOOK_TRANSFER_H

#include <curl/curl.h>
#include "deliver/channel_webhook.h"
#include "deliver/resolve.h"
#include "deliver/tls.h"

#define WEBHOOK_HEAD_READ	(64 * 1024)	/* of a response's headers */

/* One request under way, with everything of curl's it needs. */
struct transfer {
	struct webhook	*w;
	struct transfer	*next, *prev;	/* under way, waiting or spare */
	CURL		*easy;
	struct webhook_request rq;
	channel_done	*done;
	void		*arg;
	int64_t		 begun_us;	/* the request */
	int64_t		 tried_us;	/* its last try */
	struct curl_slist line[WEBHOOK_HEADERS_MAX + 2];
	char		 error[CURL_ERROR_SIZE];
	bool		 added;		/* to the multi handle */
	bool		 ran;		/* the last try was curl's */
	bool		 doomed;	/* ended by us, for want of resources */

	/* the name */
	bool		 asks;		/* this try ends: it needs one */
	bool		 named;		/* its addresses have been given */
	struct resolve_wait wait;
	char		 host[RESOLVE_HOST_MAX];
	long		 port;
	struct buf	 pair;		/* as CURLOPT_RESOLVE has it */
	struct curl_slist pair_line;
	int64_t		 asked_us;
	int64_t		 late_us;	/* it is waited for until then */
	uint32_t	 dns_us;	/* it took */
	int		 dns_error;	/* EAI_*, 0 */

	/* the connection */
	bool		 dialled;	/* a new one was wanted */
	bool		 guarded;	/* the guard refused an address... */
	bool		 opened;	/* ...and let another one pass */
	int		 os_error;	/* why none of those could be opened */
	int64_t		 agrees_us;	/* when TLS was begun; 0 */
	uint32_t	 requests;	/* how often it was sent, in all tries */
	bool		 again;		/* this try ends: a new connection */

	/* the answer */
	struct buf	 head, body;	/* of the response, what is kept */
	size_t		 head_seen;
	uint64_t	 body_seen;
	bool		 cut;		/* we have read enough */
	struct { size_t off, len; } retry_after;	/* in head */
};

struct transfers {
	struct transfer	*first, *last;
	uint32_t	 n;
};

struct webhook {
	CURLM		*multi;
	struct guard	 guard;
	struct tls_trust trust;
	int		 epoll, timer;
	int64_t		 wake_us;	/* curl wants to be called; INT64_MAX */
	int64_t		 armed_us;	/* what the timer is set to */
	struct resolve	*resolve;
	int64_t		 late_us;	/* one of waiting may be late then */
	uint32_t	 doomed;	/* of busy */
	struct transfers busy, spare;
	struct transfers waiting;	/* for names */
};

/* What is the same for all requests of a handle. */
void webhook_set_up(struct transfer *t);

/* Its headers, for all its tries.  False: there are too many. */
bool webhook_set_head(struct transfer *t);

/* Forget what came of the last try. */
void webhook_reset(struct transfer *t);

/* All else of its request, for one try. */
void webhook_set_request(struct transfer *t);

/* The addresses of t->host have been found. */
void webhook_set_name(struct transfer *t, const char *addresses);

/* The part of WEBHOOK_CONNECT_MS and its own time that is left, at least 1. */
int64_t webhook_connect_left_ms(const struct transfer *t);

/*
 * What came of a transfer that ended with code, before it leaves the multi
 * handle.  The slices point into *t.
 */
void webhook_result(const struct transfer *t, CURLcode code,
    struct channel_result *r);

#endif
