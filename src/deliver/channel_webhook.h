/*
 * channel_webhook - requests out over HTTP, many at once, none in the way of
 * another.
 *
 * libcurl's multi socket interface under an epoll set of its own, so that a
 * program waits for one descriptor.  HTTP/1.1 only, connections kept alive, no
 * redirects, no proxy, no netrc; every address connected to passes the guard.
 * It knows nothing of deliveries, signing and retrying: a request in, a result
 * out, by callback.  The sole user of libcurl for webhooks.  One thread, which
 * has SIGPIPE blocked.  Invariant: nothing here waits for an endpoint or a
 * name server; each request ends in exactly one callback or cancellation.
 */
#ifndef DELIVER_CHANNEL_WEBHOOK_H
#define DELIVER_CHANNEL_WEBHOOK_H

#include "deliver/channel.h"
#include "deliver/guard.h"
#include "deliver/resolve.h"

#define WEBHOOK_CONNECT_MS	5000		/* the name's look-up and TLS
						   among it */
#define WEBHOOK_READ_MAX	(64 * 1024)	/* of a response's body */
#define WEBHOOK_HEADERS_MAX	96

struct webhook;

struct webhook_options {
	struct guard	 guard;		/* copied */
	const char	*ca;		/* file or directory; "" looks in known
					   places; copied */
	uint32_t	 connections;	/* at most, kept ones among them */
	resolve_find	*find;		/* NULL: resolve_by_system */
};

/*
 * *w is freed by webhook_free.
 *   RC_INVALID  ca is not there; why says so
 *   RC_IO       no descriptors or memory left
 */
MUST_USE enum rc webhook_new(struct webhook **w,
    const struct webhook_options *o, struct buf *why);

/* Cancels what is under way, without callbacks. */
void webhook_free(struct webhook *w);

/*
 * All of it borrowed until the callback.  Headers go out in their order, after
 * Host and before Content-Length; Host, User-Agent and Accept are made up only
 * if they are not among them.
 */
struct webhook_request {
	const char	*method;	/* "POST", "PUT", "PATCH" */
	const char	*url;
	struct slice	 head;		/* "name: value" lines, or "name;" with
					   no value, each with a NUL after it;
					   no CR or LF in them */
	struct slice	 body;
	int64_t		 timeout_ms;	/* for all of it */
};

/*
 * Start a request.  done is called from a later webhook_work, which it must not
 * call itself.  Any status from 200 on, and 101, which ends HTTP, is an answer,
 * also when the rest of it was cut.  The word says what happened:
 *   ok         a 2xx status
 *   http       another status
 *   timeout    no status in time; the sentence says what took it
 *   dns        the name has no address, or its name servers do not answer
 *   guard      every address of it is refused by the guard
 *   refused, unreachable, reset   by the network or the other side
 *   tls        no agreement, or a certificate that can't be trusted
 *   protocol   what came back is not HTTP/1.x
 *   url        it can't be read as a URL, or is not http(s)
 *   internal   we lack memory or descriptors (CHANNEL_OURS), or there are more
 *              than WEBHOOK_HEADERS_MAX headers
 * A request that was lost with a kept connection, closed by the other side
 * before a line of an answer came, is sent once more on a new connection.  A
 * response body is read to WEBHOOK_READ_MAX.
 */
void webhook_send(struct webhook *w, const struct webhook_request *rq,
    channel_done *done, void *arg);

/* Cancel everything, without callbacks. */
void webhook_cancel(struct webhook *w);

/* Do what can be done now.  Never waits. */
void webhook_work(struct webhook *w);

/*
 * Call webhook_work when this descriptor is readable; and once after calls of
 * webhook_send before waiting for it.
 */
int webhook_fd(const struct webhook *w);

uint32_t webhook_under_way(const struct webhook *w);

#endif
