/*
 * piece - JSON text taken apart without a copy.
 *
 * What order, template and task share: walking a string's text unescaped, one
 * run at a time, so that it can be escaped anew for another place while it is
 * appended; and writing a value without its white space.  All text comes from
 * a json_doc, so that its escapes are known to be sound.
 */
#ifndef SHAPE_PIECE_H
#define SHAPE_PIECE_H

#include "base/json.h"

/*
 * Take the next run of unescaped UTF-8 off the front of a string's text.  The
 * run is part of the text, or up to 4 bytes in tmp that one escape stood for.
 * False at the end.
 */
bool piece_next(struct slice *text, char tmp[4], struct slice *run);

/* The text, unescaped, equals s; or begins with it. */
bool piece_is(struct slice text, struct slice s);
bool piece_begins(struct slice text, struct slice s);

/* Append the text unescaped. */
void piece_put(struct slice text, struct buf *out);

/*
 * Append value i without white space between its tokens, members in their
 * order, strings and numbers by their characters.
 */
void piece_compact(const struct json_doc *d, uint32_t i, struct buf *out);

#endif
