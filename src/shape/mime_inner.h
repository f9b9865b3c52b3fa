/*
 * mime_inner - what mime's files share.
 */
#ifndef SHAPE_MIME_INNER_H
#define SHAPE_MIME_INNER_H

#include "shape/mime.h"

#define MIME_FOLD	76	/* columns, RFC 2047 §2 */

/* A control character of ASCII. */
static inline bool
mime_is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/*
 * Append a header's free text, where col columns of its line are in use, as it
 * is and folded at its blanks, or in encoded-words.  text is UTF-8 without
 * control characters.
 */
void mime_put_text(struct slice text, size_t col, struct buf *out);

/* Append encoded-words, the same. */
void mime_put_words(struct slice text, size_t col, struct buf *out);

/* Can text stand as it is?  Each word is folded to a line of its own then. */
bool mime_is_plain(struct slice text, size_t col);

struct mime_mailbox {
	struct slice	 whole, address;
	struct slice	 name;		/* as it stands there */
};

/* Results as mime_address. */
MUST_USE enum rc mime_mailbox_of(struct slice text, struct mime_mailbox *m);

/* Make out, which is empty, the value of a header whose name takes col. */
void mime_put_mailbox(const struct mime_mailbox *m, size_t col,
    struct buf *out);

/* What a body's bytes are. */
struct mime_body {
	const char	*charset, *encoding;
	void		(*put)(struct slice text, struct buf *out);
};

/* How a text whose lines end in CR LF is best sent. */
struct mime_body mime_body_of(struct slice text);

#endif
