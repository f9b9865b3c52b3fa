#include <stdio.h>
#include <stdlib.h>
#include "base/buf.h"
#include "base/log.h"

char *
buf_room(struct buf *b, size_t len)
{
	size_t want, cap;
	char *s;

	if (b->over)
		return NULL;
	if (len > b->max || b->len > b->max - len) {
		b->over = true;
		return NULL;
	}
	want = b->len + len + 1;
	if (want > b->cap || b->s == NULL) {
		cap = b->cap < 64 ? 64 : b->cap;
		while (cap < want)
			cap = cap > SIZE_MAX / 2 ? want : cap * 2;
		if (cap > b->max)
			cap = b->max + 1;
		s = realloc(b->s, cap);
		if (s == NULL)
			log_fatal("out of memory: %zu bytes", cap);
		b->s = s;
		b->cap = cap;
	}
	b->s[b->len] = '\0';
	b->s[b->len + len] = '\0';
	return b->s + b->len;
}

void
buf_put(struct buf *b, const void *p, size_t len)
{
	char *at = buf_room(b, len);

	if (at == NULL)
		return;
	if (len > 0)
		memcpy(at, p, len);
	b->len += len;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void
buf_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.s, s.len);
}

void
buf_i64(struct buf *b, int64_t v)
{
	char s[24], *p = s + sizeof s;
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + u % 10);
		u /= 10;
	} while (u > 0);
	if (v < 0)
		*--p = '-';
	buf_put(b, p, (size_t)(s + sizeof s - p));
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *at;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		log_fatal("unusable format \"%s\"", fmt);
	at = buf_room(b, (size_t)n);
	if (at == NULL)
		return;
	vsnprintf(at, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_be8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void
buf_be16(struct buf *b, uint16_t v)
{
	unsigned char p[2] = { (unsigned char)(v >> 8), (unsigned char)v };

	buf_put(b, p, sizeof p);
}

void
buf_be32(struct buf *b, uint32_t v)
{
	unsigned char p[4];

	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
	buf_put(b, p, sizeof p);
}

void
buf_be64(struct buf *b, uint64_t v)
{
	unsigned char p[8];

	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
	buf_put(b, p, sizeof p);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->over = false;
	if (b->s != NULL)
		b->s[0] = '\0';
}

void
buf_free(struct buf *b)
{
	free(b->s);
	b->s = NULL;
	b->len = b->cap = 0;
	b->over = false;
}

void
buf_wipe(struct buf *b)
{
	if (b->s != NULL)
		explicit_bzero(b->s, b->cap);
	buf_free(b);
}

const char *
buf_str(const struct buf *b)
{
	return b->s == NULL ? "" : b->s;
}

struct slice
buf_as_slice(const struct buf *b)
{
	return (struct slice){ buf_str(b), b->len };
}

struct slice
slice_take(struct slice *s, size_t len)
{
	struct slice got = { s->s, len };

	if (s->s == NULL || s->len < len) {
		*s = (struct slice){ NULL, 0 };
		return *s;
	}
	s->s += len;
	s->len -= len;
	return got;
}

static uint64_t
take_be(struct slice *s, size_t len)
{
	struct slice got = slice_take(s, len);
	uint64_t v = 0;

	for (size_t i = 0; i < got.len; i++)
		v = v << 8 | (unsigned char)got.s[i];
	return v;
}

uint8_t
slice_be8(struct slice *s)
{
	return (uint8_t)take_be(s, 1);
}

uint16_t
slice_be16(struct slice *s)
{
	return (uint16_t)take_be(s, 2);
}

uint32_t
slice_be32(struct slice *s)
{
	return (uint32_t)take_be(s, 4);
}

uint64_t
slice_be64(struct slice *s)
{
	return take_be(s, 8);
}
