/*
 * order - an order as it was sent, read by field name.
 *
 * Wraps the token index of the order's JSON; nothing is copied and no tree is
 * built.  Fields that the order lacks are derived from its legs (origin,
 * destination, fullPath, bookingType).  Pure.  Invariant: what a field gives
 * is either the bytes that were sent or a derived value; digits, zones and
 * spellings are never normalised (but OW, RT, MC read as bookingType's words).
 */
#ifndef SHAPE_ORDER_H
#define SHAPE_ORDER_H

#include "base/json.h"
#include "shape/catalog.h"

#define ORDER_REFERENCE_MAX 128		/* bytes of agwID, orderID, pnr,
					   recordLocator */

struct order {
	const struct catalog *catalog;	/* borrowed */
	struct json_doc	 doc;		/* of the order's own text; owned */
	struct buf	 derived;	/* text of derived fields; owned */
	struct order_derived {		/* JSON text without quotes */
		uint32_t off, len;	/* in derived; len 0: none */
		bool	 escaped;
	} origin, destination, full_path;
	const char	*booking;	/* from the legs; NULL: unknown */
	uint32_t	 legs;		/* token of the array; 0: none */
	uint32_t	*at;		/* field's index -> token, 0: none */
	size_t		 nat;
};

#define ORDER_INIT { .doc = JSON_DOC_INIT, .derived = BUF_INIT(1024 * 1024) }

/*
 * Read an order's JSON text, which is borrowed and must outlive *o.  *o may
 * have been used before: its memory is used again.
 *   RC_INVALID, RC_TOOBIG  as json_scan
 *   RC_INVALID  also when it is not an object (err->detail says so)
 */
MUST_USE enum rc order_read(struct order *o, const struct catalog *c,
    struct slice text, struct json_error *err);
void order_free(struct order *o);

/*
 * Check an order against the catalogue's types and the limits of references.
 * problem is called for each fault with the RFC 6901 pointer inside the order
 * ("/adultsPax") and a sentence, for the first 64 of them.  The result counts
 * them all; 0 is sound.
 */
typedef void order_problem(void *arg, const char *pointer,
    const char *detail);
size_t order_check(const struct order *o, order_problem *problem, void *arg);

/*
 * What is wrong with a string or number as the value of f, as a sentence of
 * order_check's; NULL: nothing is.  plain is its text, unescaped.
 */
const char *order_text_fault(const struct catalog_field *f,
    enum json_type type, struct slice plain);

/* A value found by name. */
struct order_value {
	bool		 found;		/* false: absent, null or unknown */
	enum json_type	 type;
	bool		 escaped;	/* text has JSON escapes in it */
	struct slice	 text;		/* JSON text, a string without quotes */
	uint32_t	 tok;		/* in doc; 0 for a derived value */
};

/* A catalogue field of the order, derived if need be. */
struct order_value order_field(const struct order *o,
    const struct catalog_field *f);

/* The value of token i; not found when it is null. */
struct order_value order_token(const struct order *o, uint32_t i);
struct order_value order_value_at(const struct json_doc *d, uint32_t i);

/* "One Way", "Round Trip", "Multicity" for OW, RT, MC; NULL for all else. */
const char *order_booking_words(struct slice code);

/*
 * What stands at an RFC 6901 pointer in the order, for who has no field of the
 * catalogue for it.
 */
struct order_value order_pointer(const struct order *o,
    struct slice pointer);

/* Any member by dotted path below the order ("a.b.0.c"); "" is the order. */
struct order_value order_path(const struct order *o, struct slice path);

/*
 * The token a dotted path leads to from an object or array, 0 for none.  Array
 * items go by number, from 0.  A key that has dots itself is found, too, where
 * no member leads on by the name up to the dot.  The members that had to be
 * looked at are added to *cost, for who keeps a budget.
 */
uint32_t order_walk(const struct json_doc *d, uint32_t from,
    struct slice path, uint64_t *cost);

/* Its plain text equals s, or begins with s; nothing is copied. */
bool order_value_is(struct order_value v, struct slice s);
bool order_value_begins(struct order_value v, struct slice s);

/*
 * Its plain text, unescaped into tmp only if need be: for numbers, times and
 * words.  s is NULL if it has escapes and is longer than ORDER_SHORT_MAX.
 */
#define ORDER_SHORT_MAX 80
struct slice order_value_short(struct order_value v,
    char tmp[ORDER_SHORT_MAX]);

/* Append a value as plain text: strings unescaped, else the JSON text. */
void order_value_text(const struct order *o, struct order_value v,
    struct buf *out);

#endif
