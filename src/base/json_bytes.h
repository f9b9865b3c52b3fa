/*
 * json_bytes - the bytes inside JSON strings, for json*.c and shape/piece.c.
 *
 * Skipping what needs no attention, unescaping piece by piece so that comparing
 * and copying need no scratch memory, and the search for a repeated key.
 * Nothing here checks escapes: what is unescaped has been through json_scan.
 */
#ifndef BASE_JSON_BYTES_H
#define BASE_JSON_BYTES_H

#include <endian.h>
#include "base/json.h"

#define JSON_EACH_BYTE(c)	(UINT64_C(0x0101010101010101) * (c))

/* The bytes at p as a number, the first one lowest. */
static inline uint32_t
json_load32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

static inline uint64_t
json_load64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

/*
 * The first byte from p on that can't stand for itself in a string, or is not
 * ASCII: a quote, a backslash, a control character, one above 0x7f; or end.
 *
 * Eight at a time: a subtraction sets the top bit of a byte that was below
 * what is subtracted.  The borrow may set it in bytes above such a one too,
 * never below, so the lowest marked byte is right.
 */
static inline const unsigned char *
json_plain(const unsigned char *p, const unsigned char *end)
{
	while (end - p >= 8) {
		uint64_t v = json_load64(p);
		uint64_t quote = v ^ JSON_EACH_BYTE('"');
		uint64_t slash = v ^ JSON_EACH_BYTE('\\');
		uint64_t mark = (v - JSON_EACH_BYTE(0x20)) |
		    (quote - JSON_EACH_BYTE(1)) | (slash - JSON_EACH_BYTE(1)) |
		    v;

		mark &= JSON_EACH_BYTE(0x80);
		if (mark != 0)
			return p + __builtin_ctzll(mark) / 8;
		p += 8;
	}
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* A string's text on its way to being unescaped. */
struct json_pieces {
	const char	*p, *end;	/* what is left */
	char		 utf8[4];	/* the last escape, decoded */
};

/*
 * The next run of the string's bytes, in the text or in u->utf8 until the next
 * call; false at the end.
 */
bool json_piece(struct json_pieces *u, struct slice *piece);

/* Start on string or key i. */
struct json_pieces json_pieces_of(const struct json_doc *d, uint32_t i);

/*
 * The first eight bytes of string i, unescaped, the first one highest and
 * zeros where it is shorter: unless equal, they order as the strings do.
 */
uint64_t json_head_any(const struct json_doc *d, uint32_t i);

/* The same, fast where the string has no escapes and more text follows. */
static inline uint64_t
json_head(const struct json_doc *d, uint32_t i)
{
	const struct json_tok *t = &d->tok[i];
	uint64_t v;

	if (t->escaped || t->len == 0 || d->text.len - t->off < sizeof v)
		return json_head_any(d, i);
	memcpy(&v, d->text.s + t->off, sizeof v);
	v = be64toh(v);
	return t->len < sizeof v ? v >> (64 - 8 * t->len) <<
	    (64 - 8 * t->len) : v;
}

/* memcmp's answer for strings a and b, unescaped; a prefix comes first. */
int json_compare(const struct json_doc *d, uint32_t a, uint32_t b);

/*
 * The second one of the first pair of equal keys in object obj, or 0.  Looks
 * at each key a bounded number of times on average, whatever the keys are;
 * *steps grows by the number of such looks.
 */
uint32_t json_repeated_key(struct json_doc *d, uint32_t obj, uint64_t *steps);

/* Append "/" and key i, or an array's index, as RFC 6901 writes them. */
void json_put_key_reference(const struct json_doc *d, uint32_t i,
    struct buf *out);
void json_put_index_reference(uint32_t index, struct buf *out);

#endif
