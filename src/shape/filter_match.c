#include "base/clock.h"
#include "shape/filter_data.h"
#include "shape/piece.h"

struct decimal {
	bool	negative;
	struct slice whole, part;	/* without zeros that mean nothing */
};

static bool
read_decimal(struct slice s, struct decimal *d)
{
	size_t n = 0;

	d->negative = s.len > 0 && s.s[0] == '-';
	if (d->negative) {
		s.s++;
		s.len--;
	}
	while (n < s.len && s.s[n] >= '0' && s.s[n] <= '9')
		n++;
	if (n == 0)
		return false;
	d->whole = (struct slice){ s.s, n };
	d->part = (struct slice){ s.s + n, s.len - n };
	if (d->part.len > 0) {
		if (d->part.s[0] != '.' || d->part.len == 1)
			return false;
		d->part.s++;
		d->part.len--;
		for (size_t i = 0; i < d->part.len; i++)
			if (d->part.s[i] < '0' || d->part.s[i] > '9')
				return false;
	}
	while (d->whole.len > 0 && d->whole.s[0] == '0') {
		d->whole.s++;
		d->whole.len--;
	}
	while (d->part.len > 0 && d->part.s[d->part.len - 1] == '0')
		d->part.len--;
	if (d->whole.len + d->part.len == 0)
		d->negative = false;		/* -0 is 0 */
	return true;
}

static int
compare_bytes(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int sign = n == 0 ? 0 : memcmp(a.s, b.s, n);

	return sign != 0 ? sign : (a.len > b.len) - (a.len < b.len);
}

bool
filter_decimal_compare(struct slice a, struct slice b, int *sign)
{
	struct decimal x, y;

	if (!read_decimal(a, &x) || !read_decimal(b, &y))
		return false;
	if (x.negative != y.negative) {
		*sign = x.negative ? -1 : 1;
		return true;
	}
	if (x.whole.len != y.whole.len)
		*sign = x.whole.len < y.whole.len ? -1 : 1;
	else {
		*sign = compare_bytes(x.whole, y.whole);
		if (*sign == 0)
			*sign = compare_bytes(x.part, y.part);
	}
	if (x.negative)
		*sign = *sign > 0 ? -1 : *sign < 0;
	return true;
}

/* False: the two can't be compared. */
static bool
compare(const struct filter *f, const struct filter_value *with,
    struct order_value v, int *sign)
{
	struct slice want = { buf_str(&f->pool) + with->off, with->len };
	char tmp[ORDER_SHORT_MAX];
	int64_t ms;

	switch (with->as) {
	case AS_NUMBER:
		return filter_decimal_compare(order_value_short(v, tmp), want,
		    sign);
	case AS_TIME:
		if (clock_parse(order_value_short(v, tmp), true, &ms, NULL) !=
		    RC_OK)
			return false;
		*sign = (ms > with->ms) - (ms < with->ms);
		return true;
	case AS_TEXT:
		*sign = order_value_is(v, want) ? 0 : 1;
		return true;
	}
	return false;
}

static bool
is_among(const struct filter *f, const struct filter_node *n,
    struct order_value v)
{
	int sign;

	for (uint32_t i = 0; i < n->nvalue; i++)
		if (compare(f, &f->value[n->value + i], v, &sign) && sign == 0)
			return true;
	return false;
}

static bool
test(const struct filter *f, const struct filter_node *n,
    const struct order *o)
{
	const struct filter_value *with = n->nvalue == 0 ? NULL :
	    &f->value[n->value];
	struct order_value v = n->field != NULL ? order_field(o, n->field) :
	    order_path(o, (struct slice){ buf_str(&f->pool) + n->path,
		n->path_len });
	bool scalar = v.found && v.type <= JSON_STRING;
	int sign;

	switch ((enum filter_op)n->op) {
	case FILTER_EXISTS:
		return v.found == n->exists;
	case FILTER_EQ:
	case FILTER_IN:
		return scalar && is_among(f, n, v);
	case FILTER_NE:
	case FILTER_NOT_IN:
		return !scalar || !is_among(f, n, v);
	case FILTER_PREFIX:
		return scalar && order_value_begins(v,
		    (struct slice){ buf_str(&f->pool) + with->off,
			with->len });
	default:
		break;
	}
	if (!scalar || !compare(f, with, v, &sign))
		return false;
	switch ((enum filter_op)n->op) {
	case FILTER_LT:
		return sign < 0;
	case FILTER_LE:
		return sign <= 0;
	case FILTER_GT:
		return sign > 0;
	default:
		return sign >= 0;
	}
}

/* As deep as the filter was written. */
static bool
holds(const struct filter *f, uint32_t i, const struct order *o)
{
	const struct filter_node *n = &f->node[i];
	bool any = n->kind == FILTER_ANY;

	if (n->kind == FILTER_TEST)
		return test(f, n, o);
	for (i++; i < n->next; i = f->node[i].next)
		if (holds(f, i, o) == any)
			return any;
	return !any;
}

bool
filter_matches(const struct filter *f, const struct order *o)
{
	return f == NULL || holds(f, 0, o);
}

bool
filter_required_next(const struct filter *f, uint32_t *at,
    struct filter_required *q)
{
	uint32_t i = *at == 0 ? 1 : *at;	/* node 0 is the list itself */

	for (; f != NULL && i < f->nnode; i = f->node[i].next) {
		const struct filter_node *n = &f->node[i];

		if (n->kind != FILTER_TEST || n->field == NULL ||
		    (n->op != FILTER_EQ && n->op != FILTER_IN) ||
		    f->value[n->value].as != AS_TEXT)
			continue;
		*q = (struct filter_required){ f, n->field, n->value,
		    n->nvalue };
		*at = n->next;
		return true;
	}
	return false;
}

struct slice
filter_required_value(const struct filter_required *q, uint32_t i)
{
	const struct filter_value *v = &q->filter->value[q->value + i];

	return (struct slice){ buf_str(&q->filter->pool) + v->off,
	    v->len };
}
