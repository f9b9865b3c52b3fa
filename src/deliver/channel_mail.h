/*
 * channel_mail - mails out over SMTP, by a thread of its own.
 *
 * libcurl waits for a server that is silent after QUIT whatever time it was
 * given, so its calls for mail run on a thread and a multi handle of their own,
 * and what came of them is brought to the caller's thread over a descriptor.
 * One message, one transaction, one recipient.  It knows nothing of deliveries
 * and of what a mail says.  Invariant: nothing here waits in the caller's
 * thread; each request ends in exactly one callback or cancellation.
 */
#ifndef DELIVER_CHANNEL_MAIL_H
#define DELIVER_CHANNEL_MAIL_H

#include "base/rc.h"
#include "deliver/channel.h"

struct mail;

/* All of it copied. */
struct mail_options {
	const char	*url;		/* "smtp://host:587", "smtps://host" */
	const char	*user;		/* "": without log-in */
	const char	*password;
	const char	*ca;		/* as webhook_options has it */
	uint32_t	 connections;	/* to the server, at most */
};

/*
 * *m is freed by mail_free.
 *   RC_INVALID  the URL or ca can't be used; why says so
 *   RC_IO       no thread, descriptors or memory left
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

/* Start a request.  done is called from a later mail_work. */
void mail_send(struct mail *m, const struct mail_request *rq,
    channel_done *done, void *arg);

/* Cancel everything, without callbacks. */
void mail_cancel(struct mail *m);

/* Call back for what has ended.  Never waits. */
void mail_work(struct mail *m);

/* Call mail_work when this descriptor is readable. */
int mail_fd(const struct mail *m);

uint32_t mail_under_way(const struct mail *m);

#endif
