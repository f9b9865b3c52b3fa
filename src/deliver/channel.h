/*
 * channel - what came of one attempt, whichever way it was sent.
 *
 * The channels (channel_webhook.h, channel_mail.h) fill it in, the sweep
 * records it and decides what follows.  It says nothing of deliveries.
 */
#ifndef DELIVER_CHANNEL_H
#define DELIVER_CHANNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

#define CHANNEL_SENTENCE_MAX	256
#define CHANNEL_KEEP_BODY	4096	/* of what came back */
#define CHANNEL_KEEP_HEAD	8192

/* Whose fault it is that it did not arrive. */
enum channel_fault {
	CHANNEL_THEIRS,		/* the endpoint's; or it did arrive */
	CHANNEL_OURS,		/* nothing was sent, for want of something that
				   no endpoint can bring about */
	CHANNEL_SERVER,		/* the mail server's, which all mail goes
				   through: it says nothing of the recipient */
	CHANNEL_REJECTED,	/* this very message, for good */
};

/* Slices are borrowed for as long as the callback that brings it. */
struct channel_result {
	enum channel_fault fault;
	int		 status;	/* HTTP, or SMTP's reply code; 0: no
					   answer */
	const char	*word;		/* "ok", "timeout"; less than
					   STORE_WORD_MAX bytes */
	char		 sentence[CHANNEL_SENTENCE_MAX];	/* for people */
	char		 address[64];	/* connected to; "" never */

	/*
	 * How long each step took, the one that failed too; 0 for those not
	 * come to, and on a connection that was there.  first_us and total_us
	 * count from the request's start; first_us is 0 if nothing came back.
	 */
	uint32_t	 dns_us, connect_us, tls_us;
	uint32_t	 first_us, total_us;
	struct slice	 head, body;
	uint64_t	 body_len;	/* seen, kept or not */
	bool		 cut;		/* the body did not come whole */
	struct slice	 retry_after;	/* s NULL: none */
};

/* errno of this says that we lack something, not the other side. */
static inline bool
channel_is_lack(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM ||
	    err == ENOBUFS;
}

/* *r lasts until the callback returns, which may start another request. */
typedef void channel_done(void *arg, const struct channel_result *r);

#endif
