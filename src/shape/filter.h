/*
 * filter - a subscription's conditions on an order.
 *
 * The "filter" of DESIGN §5, checked and compiled once, asked for every event
 * at intake: it allocates nothing then.  Numbers compare as numbers by their
 * digits, whatever their size; times as moments; all else as text.  Pure.
 */
#ifndef SHAPE_FILTER_H
#define SHAPE_FILTER_H

#include "shape/order.h"

struct filter;

typedef void filter_fault(void *arg, uint32_t tok, const char *detail);

/*
 * Compile value i of d, a list of conditions; nothing of d is borrowed.
 * *f is freed by filter_free.
 *   RC_INVALID  fault was called at least once
 */
MUST_USE enum rc filter_compile(struct filter **f, const struct catalog *c,
    const struct json_doc *d, uint32_t i, filter_fault *fault, void *arg);
void filter_free(struct filter *f);

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
 * Compare two decimals by their digits: -?digits[.digits].  False if either is
 * none; else *sign is <0, 0, >0.
 */
bool filter_decimal_compare(struct slice a, struct slice b, int *sign);

#endif
