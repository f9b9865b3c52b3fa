/*
 * json_fault - says what is wrong with JSON text, and where; for json.c alone.
 *
 * All of it runs once per refused text, so it may walk that text again: lines
 * are counted and the pointer is put together only here.
 */
#ifndef BASE_JSON_FAULT_H
#define BASE_JSON_FAULT_H

#include "base/json.h"

#define JSON_NONE	UINT32_MAX	/* no token */

/* A scan under way. */
struct json_scan {
	const unsigned char	 *base, *end;	/* of the text */
	struct json_doc		 *d;
	const struct json_limits *lim;
	struct json_error	 *err;
	uint32_t		  top;	/* innermost open container; while one
					   is open, its next is the one around
					   it and its n what it holds so far */
	uint32_t		  depth;
	uint32_t		  room;	/* tokens until more room is needed */
	enum rc			  rc;	/* RC_OK until a fault */
};

/* What a fault's pointer is to name. */
enum json_place {
	JSON_AT_CONTAINER,	/* s->top; the document if none is open */
	JSON_AT_VALUE,		/* the value due next in s->top, whose key is
				   the last token; or the document */
};

/*
 * Fill *s->err and s->rc for a fault noticed at byte p.  Always NULL, so that
 * the scanner can return what this returns.
 */
const unsigned char *json_fail(struct json_scan *s, enum json_fault fault,
    const unsigned char *p, enum json_place place, const char *fmt, ...)
    PRINTF(5, 6);

/* JSON_GRAMMAR: "<what> was expected, not '}'". */
const unsigned char *json_expected(struct json_scan *s,
    const unsigned char *p, enum json_place place, const char *what);

/* JSON_GRAMMAR: no value begins at p; guesses what was meant. */
const unsigned char *json_no_value(struct json_scan *s,
    const unsigned char *p);

/* JSON_DUPLICATE_KEY: token key, in s->top. */
const unsigned char *json_fail_key(struct json_scan *s, uint32_t key);

/*
 * As json_fail, but the scan goes on: this stands only if nothing worse
 * follows.  The first one noted stays.
 */
void json_note(struct json_scan *s, enum json_fault fault,
    const unsigned char *p, enum json_place place, const char *fmt, ...)
    PRINTF(5, 6);

#endif
