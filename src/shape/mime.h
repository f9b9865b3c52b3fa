/*
 * mime - a mail as it goes over the wire: RFC 5322, and RFC 2045 to 2047.
 *
 * Who it is from and for, a subject and a text in; header and body out, ASCII
 * throughout, every line ended by CR LF.  Pure: it decides nothing of what a
 * mail says, sends nothing, and leaves the doubling of dots to SMTP.  Used by
 * whoever makes mails.  Invariant: whatever subject and text hold, the header
 * has the lines listed here and no others, no line is over 998 bytes, and a
 * reader that decodes them gets back the subject and the text.
 */
#ifndef SHAPE_MIME_H
#define SHAPE_MIME_H

#include "base/buf.h"

#define MIME_LINES_MAX		8	/* further ones, of the caller's */

struct mime_line {
	const char	*name;
	struct slice	 value;		/* printable ASCII, at most 256 bytes */
};

struct mime {
	struct slice	 from;		/* as mime_address takes it */
	struct slice	 to;		/* one address alone (address.h) */
	/*
	 * UTF-8.  A control character in the subject becomes a space, and what
	 * is no UTF-8 U+FFFD.  Lines of the text end in LF, CR LF or CR; one
	 * that ends in none of them gets it.
	 */
	struct slice	 subject, text;
	int64_t		 date_ms;
	struct slice	 id;		/* of Message-ID, less the @ and from's
					   domain; "msg_..." */
	struct slice	 unsubscribe;	/* https://...; empty: none; printable
					   ASCII, at most 640 bytes */
	const struct mime_line *line;	/* further header lines */
	size_t		 nline;		/* at most MIME_LINES_MAX */
};

/*
 * The address in "address", "name <address>" or "\"na, me\" <address>", blanks
 * around it left out.  *address points into mailbox.
 *   RC_INVALID  it is none of these, the name is not UTF-8 or has control
 *               characters or < and >, or address_fault finds one
 */
MUST_USE enum rc mime_address(struct slice mailbox, struct slice *address);

/*
 * Append the message.  Its header is From, To, Subject, Date (in UTC),
 * Message-ID, Auto-Submitted: auto-generated (RFC 3834), List-Unsubscribe (RFC
 * 2369), the further lines, MIME-Version, Content-Type and
 * Content-Transfer-Encoding, in this order.
 *   RC_INVALID  from, to, id, unsubscribe or a further line is not as above
 *   RC_TOOBIG   it does not fit into out
 */
MUST_USE enum rc mime_make(const struct mime *m, struct buf *out);

/*
 * Append the same header as people read it, in UTF-8: each of its lines whole,
 * nothing encoded, ended by CR LF.  Results as mime_make.
 */
MUST_USE enum rc mime_print(const struct mime *m, struct buf *out);

#endif
