/*
 * buf - a growing byte buffer with a ceiling, and the slice that points into
 * one.
 *
 * Binary-safe, always NUL-terminated once something was appended.  Appenders
 * return void: one that would pass `max` appends nothing and sets the sticky
 * `over`, so building a key, a body or a page carries no error plumbing; the
 * sink tests `over` once and answers RC_TOOBIG.  Nothing is ever silently cut.
 * Out of memory ends the process (log_fatal).  Not safe for concurrent use.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/rc.h"

/* Bytes that somebody else owns; not NUL-terminated unless stated. */
struct slice {
	const char	*s;	/* NULL means absent, also when len is 0 */
	size_t		 len;
};

struct buf {
	char	*s;		/* NULL until the first append */
	size_t	 len;		/* bytes in use, the final NUL not counted */
	size_t	 cap;		/* bytes allocated */
	size_t	 max;		/* ceiling for len */
	bool	 over;		/* an append was refused since the last clear */
};

#define BUF_INIT(ceiling)	{ NULL, 0, 0, (ceiling), false }
#define SLICE(literal)		((struct slice){ (literal), sizeof(literal) - 1 })

/*
 * Append; each appends all of its bytes or none and sets over.  The bytes must
 * not be the buffer's own.
 */
void buf_put(struct buf *b, const void *p, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_slice(struct buf *b, struct slice s);
void buf_i64(struct buf *b, int64_t v);			/* decimal digits */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF(2, 0);

/* Append big-endian unsigned integers: the order of bytes is their order. */
void buf_be8(struct buf *b, uint8_t v);
void buf_be16(struct buf *b, uint16_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);

/*
 * Room for len more bytes at the end, to be filled by the caller who then adds
 * to b->len what was used.  The byte after the room is NUL; who uses less ends
 * what was used with a NUL.  NULL, and over set, if that would pass max.
 */
char *buf_room(struct buf *b, size_t len);

/* Forget the contents, keep the memory, lower the flag. */
void buf_clear(struct buf *b);

/* Release the memory; the buffer can be used again. */
void buf_free(struct buf *b);

/*
 * The same after overwriting it.  For secrets; give such a buffer its room at
 * once (buf_room), since growing leaves copies behind.
 */
void buf_wipe(struct buf *b);

/* The contents as a NUL-terminated string, "" when empty.  Borrowed. */
const char *buf_str(const struct buf *b);
struct slice buf_as_slice(const struct buf *b);

static inline struct slice
slice_of(const char *s)
{
	return (struct slice){ s, s == NULL ? 0 : strlen(s) };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

static inline bool
slice_is(struct slice a, const char *s)
{
	return a.s != NULL && slice_eq(a, slice_of(s));
}

/*
 * Read big-endian integers and byte runs off the front of a slice, moving it
 * on.  Past the end they return 0 (an empty slice) and set s->s to NULL, which
 * sticks: a decoder reads all its fields and tests once.
 */
uint8_t	 slice_be8(struct slice *s);
uint16_t slice_be16(struct slice *s);
uint32_t slice_be32(struct slice *s);
uint64_t slice_be64(struct slice *s);
struct slice slice_take(struct slice *s, size_t len);

#endif
