/*
 * outgoing - the request or mail that a delivery is, exactly as it goes out.
 *
 * A task, its signing keys and an event in; method, URL, every header in the
 * order of the wire and the body out, or a mail's envelope and message.  The
 * sweep sends what this makes, the preview shows it and the back-test tries it.
 * It does not decide who gets what, nor send.  Invariant: nothing but what is
 * listed here goes out, which the channels see to by adding only the length of
 * a body, and the dots that SMTP wants doubled.
 */
#ifndef WORK_OUTGOING_H
#define WORK_OUTGOING_H

#include "shape/address.h"
#include "shape/task.h"
#include "store/store.h"
#include "work/sign.h"

#define OUTGOING_USER_AGENT "Skycap/" PACKAGE_VERSION

/* Whom mails are from where none was configured: to be shown, not sent. */
#define OUTGOING_NO_FROM "skycap@localhost"

/* The task's, content-type, and ours. */
#define OUTGOING_HEADERS_MAX (TASK_HEADERS_MAX + 11)

/*
 * A mail's is rendered in rq, and goes out as message from from to rq.to.  Of
 * its header, which is in message, header has what people read.
 */
struct outgoing {
	struct task_request rq;		/* its headers are not all of them */
	struct buf	 message;	/* as mail_request has it */
	char		 from[ADDRESS_MAX + 1];	/* the address */
	struct buf	 head;		/* lines as webhook_request has them;
					   of a mail, those of header */
	char		 length[24];	/* what content-length says */
	struct task_header header[OUTGOING_HEADERS_MAX]; /* as they go out */
	size_t		 nheader;
	struct buf	 keys;		/* as people see them, a NUL after each */
};

#define OUTGOING_INIT { .rq = TASK_REQUEST_INIT,			\
    .message = BUF_INIT(4 * 1024 * 1024),				\
    .head = BUF_INIT(128 * 1024),					\
    .keys = BUF_INIT(SIGN_KEYS_MAX * (SIGN_TEXT_MAX + 1)) }

void outgoing_free(struct outgoing *out);

struct outgoing_ask {
	const struct store *store;	/* makes the ids */
	const struct task *task;
	const struct sign_key *key;	/* sign in this order; webhooks alone */
	size_t		 nkey;		/* at most SIGN_KEYS_MAX */
	const struct store_event *event;	/* position 0: a sample */
	const struct order *order;	/* the event's */
	struct store_key delivery;	/* subscription 0: not saved yet */
	uint32_t	 attempt;	/* from 1 */
	int64_t		 now_ms;	/* stands in webhook-timestamp, Date */
	const char	*from;		/* mail's; NULL: none was configured */
	const char	*site_url;	/* of the pages; NULL, "": not known */
};

/*
 * Make the request into *out (cleared first, memory used again).  A sample's
 * event is "evt_sample"; it, and a subscription that is not saved, have the
 * delivery "msg_sample".
 *   RC_INVALID, RC_TOOBIG  as task_render, or as mime_make; why is one line
 */
MUST_USE enum rc outgoing_make(struct outgoing *out,
    const struct outgoing_ask *ask, struct buf *why);

/*
 * Make no more than the body, the same that outgoing_make makes: it depends on
 * neither the keys nor the time.  Results as outgoing_make.
 */
MUST_USE enum rc outgoing_body(struct outgoing *out,
    const struct outgoing_ask *ask, struct buf *why);

/* Whether secrets stand as they are or masked (DESIGN §9). */
enum outgoing_secrets { OUTGOING_MASKED, OUTGOING_PLAIN };

/* The URL, and append the value of a header, as they are to be shown. */
struct slice outgoing_url(const struct outgoing *out,
    enum outgoing_secrets how);
void outgoing_value(const struct task_header *h, enum outgoing_secrets how,
    struct buf *text);

/*
 * Append "METHOD URL HTTP/1.1" and the headers, each line with CR LF; of a
 * mail, "MAIL FROM:<...>", "RCPT TO:<...>", an empty line and the header, not
 * encoded.
 */
void outgoing_print(const struct outgoing *out, enum outgoing_secrets how,
    struct buf *text);

/*
 * Overwrite with * whatever of the request's secrets stands in text from a
 * place on: an endpoint may repeat what it was sent, as it is or as it writes
 * such things (JSON's escapes, percent-encoding, HTML's references), and be cut
 * in the middle of it where text ends.  Secrets under 8 bytes can't be told
 * from other words and stay.
 */
void outgoing_blot(const struct outgoing *out, struct buf *text, size_t from);

#endif
