/*
 * channel_mail - mails out over SMTP, by threads of its own.
 *
 * libcurl waits for SMTP servers inside its calls: for the answer to the end of
 * a message and to QUIT, whatever handle it was given.  So each connection to
 * the server has a thread, and what came of a request is brought to the
 * caller's thread over a descriptor.  One message, one transaction, one
 * recipient; a connection is kept for the next one.  It knows nothing of
 * deliveries and of what a mail says.  Invariant: nothing here waits in the
 * caller's thread; each request ends in exactly one callback or cancellation.
 */
#ifndef DELIVER_CHANNEL_MAIL_H
#define DELIVER_CHANNEL_MAIL_H

#include "base/rc.h"
#include "deliver/channel.h"
#include "deliver/resolve.h"

struct mail;

#define MAIL_IDLE_MS	10000	/* a connection is kept that long */
#define MAIL_CONNECTIONS_MAX	64

/*
 * smtps:// is TLS from the first byte.  smtp:// begins TLS (STARTTLS) where the
 * server offers it, and goes no further without it if there is a user, so that
 * no password is sent in the clear.  Certificates are verified.  The machine
 * itself (localhost, 127.0.0.0/8, [::1]) is the exception with smtp://: nobody
 * stands between, and its certificate is for another name; so neither is TLS
 * needed nor is its certificate looked at.  A path in the URL is the name to
 * say EHLO with; else that is this machine's, if it is a full one, else
 * "[127.0.0.1]".  All of it copied.
 */
struct mail_options {
	const char	*url;		/* "smtp://host:587", "smtps://host" */
	const char	*user;		/* "": without log-in */
	const char	*password;
	const char	*ca;		/* as webhook_options has it */
	uint32_t	 connections;	/* to the server, at most */
	resolve_find	*find;		/* NULL: resolve_by_system */
};

/*
 * What can be said of options without connecting.
 *   RC_INVALID  the URL can't be used; why says so
 */
MUST_USE enum rc mail_check_url(const char *url, struct buf *why);

/*
 * *m is freed by mail_free.
 *   RC_INVALID  the URL or ca can't be used; why says so
 *   RC_IO       no descriptors or memory left
 */
MUST_USE enum rc mail_new(struct mail **m, const struct mail_options *o,
    struct buf *why);

/* Cancels what is under way, without callbacks; within a second. */
void mail_free(struct mail *m);

/* All of it copied. */
struct mail_request {
	const char	*from, *to;	/* addresses, without < and > */
	struct slice	 message;	/* header and body, lines end in CR LF;
					   dots are doubled here */
	int64_t		 timeout_ms;	/* for all of it */
};

/*
 * An address that can stand between < and > of a command: printable ASCII, no
 * space, < and > outside quotes, at most 254 bytes.  "" is one, as a sender.
 */
bool mail_address_ok(const char *address);

/*
 * Start a request, or have it wait for one of the connections: its time counts
 * from when it has that.  done is called from a later mail_work.  A 2xx answer
 * to the end of the message is "ok", whatever follows.  The other words:
 *   smtp       the server answered with a failure, status: REJECTED for 5xx to
 *              RCPT, DATA or the message, THEIRS for 4xx to those, SERVER for
 *              all else and for 421
 *   login      it refuses user or password, offers no log-in or wants one
 *   timeout    no answer in time; the sentence says to what
 *   dns, refused, unreachable, reset, tls, internal   as for webhooks
 *   protocol   what came back is not SMTP
 *   address    from or to is none (REJECTED)
 * All but "internal", which is CHANNEL_OURS, are CHANNEL_SERVER.  head is the
 * dialogue, "S: " and "C: " before its lines, without what was sent to log in;
 * body is the last answer.  A request that was lost with a kept connection
 * before an answer came, or was met with 421, is sent once more on a new one.
 */
void mail_send(struct mail *m, const struct mail_request *rq,
    channel_done *done, void *arg);

/*
 * Cancel everything, without callbacks; a mail whose end was sent already may
 * have arrived.
 */
void mail_cancel(struct mail *m);

/* Call back for what has ended.  Never waits. */
void mail_work(struct mail *m);

/* Call mail_work when this descriptor is readable. */
int mail_fd(const struct mail *m);

uint32_t mail_under_way(const struct mail *m);

#endif
