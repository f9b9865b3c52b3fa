/*
 * text - small questions about strings: is it UTF-8, which name is nearest.
 *
 * Pure functions over slices; they allocate nothing but what they append.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

/*
 * The length in bytes of the RFC 3629 UTF-8 character at the front of s, 0 if
 * there is none or it is U+0000.
 */
size_t text_utf8(struct slice s);

/* All of s is UTF-8, without U+0000. */
bool text_is_utf8(struct slice s);

/* Characters of s, taken for UTF-8: as an editor counts its columns. */
size_t text_chars(struct slice s);

/* ASCII case folded equality; bytes above 0x7f compare as they are. */
bool text_same_nocase(struct slice a, struct slice b);

/*
 * Of n names the one nearest to s by edit distance (adjacent swaps count one,
 * ASCII case counts nothing), if it is near enough to be meant: at most a
 * third of the longer one's length, at least 1.  NULL otherwise.  s longer
 * than 64 bytes has none.
 */
const char *text_nearest(struct slice s, const char *const *name, size_t n);

/* Append s percent-encoded: all but RFC 3986 unreserved characters. */
void text_percent(struct buf *out, struct slice s);

/*
 * Append s percent-decoded; with plus, + means space (form data).
 *   RC_INVALID  a % without two hex digits, or a NUL; nothing is appended
 */
MUST_USE enum rc text_unpercent(struct buf *out, struct slice s, bool plus);

/* Append s for HTML text or a quoted attribute: & < > " ' as references. */
void text_html(struct buf *out, struct slice s);

#endif
