/*
 * filter - a subscription's conditions on an order.
 *
 * The "filter" of DESIGN §5, checked and compiled once, asked for every event
 * at intake: it allocates nothing then.  Pure.
 *
 * A field's type in the catalogue says how it compares.  Integers and decimals
 * are numbers by their digits, whatever their size and however they are
 * written ("02" is 2, 1.10 is 1.1, 1e3 is 1000).  Times are moments; one
 * without zone is read as UTC, in a filter as in an order.  Texts are equal
 * byte for byte once unescaped; they have no order, and they alone have
 * prefixes.  legs and order.path have no type: a JSON number in the filter is
 * a number, a string that reads as a time is one, all else is text.
 *
 * A value that is absent, null, an object, a list or (= != in "not in" and the
 * ordering) not of its type satisfies "!=", "not in", and exists as it is there
 * or not; nothing else.
 */
#ifndef SHAPE_FILTER_H
#define SHAPE_FILTER_H

#include "shape/order.h"

struct filter;

#define FILTER_CONDITIONS_MAX 256
#define FILTER_VALUES_MAX 10000

typedef void filter_fault(void *arg, uint32_t tok, const char *detail);

/*
 * Compile value i of d, a list of conditions; nothing of d is borrowed.
 * *f is freed by filter_free.  fault is told of the first 32 faults.
 *   RC_INVALID  fault was called at least once
 */
MUST_USE enum rc filter_compile(struct filter **f, const struct catalog *c,
    const struct json_doc *d, uint32_t i, filter_fault *fault, void *arg);
void filter_free(struct filter *f);

/*
 * The same for a filter that held with another catalogue: a field that this
 * one lacks is what stands where it stood, which member at of d, an object
 * (0: none), says by its name, or else the order's member of its name.
 */
MUST_USE enum rc filter_compile_old(struct filter **f,
    const struct catalog *c, const struct json_doc *d, uint32_t i,
    uint32_t at);

/* All conditions hold.  NULL, no filter, holds for every order. */
bool filter_matches(const struct filter *f, const struct order *o);

/*
 * A condition that every order must meet that the filter holds for: its field
 * is, as text, one of n values.
 */
struct filter_required {
	const struct filter *filter;
	const struct catalog_field *field;
	uint32_t	 value, n;
};

/*
 * The next such condition, from *at on (0 at first).  False: there are no more.
 * What a filter requires in other ways (numbers, times, paths, any) is not
 * among them.
 */
bool filter_required_next(const struct filter *f, uint32_t *at,
    struct filter_required *q);
struct slice filter_required_value(const struct filter_required *q,
    uint32_t i);

/*
 * Compare two decimals by their digits: -?digits[.digits][e[+-]digits].  False
 * if either is none; else *sign is <0, 0, >0.
 */
bool filter_decimal_compare(struct slice a, struct slice b, int *sign);

#endif
