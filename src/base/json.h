/*
 * json - a strict scanner that turns JSON text into a flat index of tokens.
 *
 * Accepts exactly RFC 8259 over RFC 3629 UTF-8, less what a service must not
 * take: duplicate keys, U+0000, lone surrogates, more than the given depth,
 * tokens or string bytes, and a byte order mark.  It builds no tree and copies
 * nothing: tokens are offsets into the caller's text, numbers stay the
 * characters they came in as.  json-c is used for models and output only.
 * Invariant: after RC_OK every token lies within the text, containers nest
 * properly and `next` always moves forward, so walking the index needs no
 * further checks.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

enum json_type {
	JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY,
	JSON_OBJECT,
};

/*
 * A value or a key.  In an object keys and values alternate: the token after a
 * key is its value.  tok[0] is the whole document.
 */
struct json_tok {
	uint8_t	 type;		/* enum json_type; a key is JSON_STRING */
	bool	 escaped;	/* a string with at least one backslash in it */
	uint32_t off, len;	/* in the text; strings without their quotes */
	uint32_t next;		/* index of the token after this whole value */
	uint32_t n;		/* items of an array, members of an object */
};

struct json_limits {
	uint32_t depth;		/* of containers; a scalar has depth 0 */
	uint32_t string;	/* bytes of a string or key as it stands */
	uint32_t tokens;
	uint32_t number;	/* characters of a number */
};

/* What intake takes: depth 32, strings 256 KiB, 1 Mi tokens, numbers 4096. */
extern const struct json_limits json_limits_default;

enum json_fault {
	JSON_GRAMMAR = 1, JSON_UTF8, JSON_DUPLICATE_KEY, JSON_NUL_CHARACTER,
	JSON_SURROGATE, JSON_DEPTH,		/* 400 in intake's table */
	JSON_STRING_LENGTH, JSON_TOKENS, JSON_NUMBER_LENGTH,	/* 422 */
};

struct json_error {
	enum json_fault	 fault;
	size_t		 off;		/* byte where it was noticed */
	uint32_t	 line, col;	/* from 1; col counts characters */
	char		 detail[160];	/* "a comma or ] was expected" */
	char		 pointer[256];	/* RFC 6901, "" for the document; cut
					   at a whole reference token if long */
};

struct json_doc {
	struct slice	 text;		/* borrowed, must outlive the index */
	struct json_tok	*tok;		/* owned */
	uint32_t	 n, cap;
	uint64_t	 seed[2];	/* of the hash of keys; 0: none yet */
};

#define JSON_DOC_INIT	{ { NULL, 0 }, NULL, 0, 0, { 0, 0 } }

/*
 * Index text into *d, whose token memory is reused from one call to the next.
 * text is borrowed by *d; at most 4 GiB - 1.  Time is linear in len, also for
 * an object with a million keys.  *err is filled unless the result is RC_OK.
 * A length is a fault only where the rest of the text has no other one; too
 * many tokens end the scan at once.
 *   RC_INVALID  faults up to JSON_DEPTH
 *   RC_TOOBIG   faults from JSON_STRING_LENGTH on, or a text over 4 GiB - 1
 * On any error d->n is 0.
 */
MUST_USE enum rc json_scan(struct json_doc *d, struct slice text,
    const struct json_limits *lim, struct json_error *err);

void json_doc_free(struct json_doc *d);

/*
 * The value of a member, comparing unescaped, or 0 (never a value's index)
 * when obj has none or is not an object.
 */
uint32_t json_find(const struct json_doc *d, uint32_t obj, const char *key);
uint32_t json_find_slice(const struct json_doc *d, uint32_t obj,
    struct slice key);

/* The text of token i as it stands (a string without its quotes). */
struct slice json_raw(const struct json_doc *d, uint32_t i);

/* The text of value i as JSON: a string with its quotes. */
struct slice json_text(const struct json_doc *d, uint32_t i);

/* Append string or key i unescaped (UTF-8); another value as it stands. */
void json_string(const struct json_doc *d, uint32_t i, struct buf *out);

/* Token i is a string that equals s when unescaped. */
bool json_string_is(const struct json_doc *d, uint32_t i, struct slice s);

/*
 * Append the canonical form of value i: no white space, members sorted by the
 * bytes of their unescaped keys, strings with the fewest escapes, numbers by
 * their characters.  Two values are the same content if and only if these
 * bytes are equal.
 */
void json_canonical(const struct json_doc *d, uint32_t i, struct buf *out);

/*
 * Append the RFC 6901 pointer of token i ("/order/legs/0"), found by walking
 * from the root.  A key's pointer is its member's.
 */
void json_pointer(const struct json_doc *d, uint32_t i, struct buf *out);

/*
 * Append s as a JSON string, with or without the quotes around it, using the
 * fewest escapes.  s must be UTF-8; each byte that is not becomes U+FFFD.
 */
void json_put_string(struct buf *out, struct slice s);
void json_put_escaped(struct buf *out, struct slice s);

/*
 * Read value i as an integer: a JSON number without fraction and exponent, or
 * (only with string_ok) a string of nothing but digits, with or without a
 * minus sign; leading zeros are taken there.
 *   RC_INVALID  it is neither, or does not fit; *v is unchanged
 */
MUST_USE enum rc json_i64(const struct json_doc *d, uint32_t i, bool string_ok,
    int64_t *v);

#endif
