#include "base/clock.h"
#include "shape/filter_data.h"
#include "shape/piece.h"

/*
 * A number by its digits, whole and part one after the other, without zeros
 * that mean nothing: 0.digits times ten to the point.  Zero has none.
 */
struct decimal {
	bool	negative;
	struct slice whole, part;
	int64_t	point;
};

#define EXPONENT_MAX	(INT64_C(1) << 40)	/* more is as much */

static struct slice
take_digits(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && s->s[n] >= '0' && s->s[n] <= '9')
		n++;
	return slice_take(s, n);
}

/* JSON's: e, a sign or none, digits; what is left of s. */
static bool
read_exponent(struct slice s, int64_t *exponent)
{
	struct slice digits;
	bool minus;

	if (s.len < 2 || (s.s[0] | 0x20) != 'e')
		return false;
	(void)slice_take(&s, 1);
	minus = s.s[0] == '-';
	if (minus || s.s[0] == '+')
		(void)slice_take(&s, 1);
	digits = take_digits(&s);
	for (size_t i = 0; i < digits.len && *exponent < EXPONENT_MAX; i++)
		*exponent = *exponent * 10 + (digits.s[i] - '0');
	if (minus)
		*exponent = -*exponent;
	return digits.len > 0 && s.len == 0;
}

static void
strip(struct decimal *d)
{
	while (d->whole.len > 0 && d->whole.s[0] == '0') {
		(void)slice_take(&d->whole, 1);
		d->point--;
	}
	while (d->whole.len == 0 && d->part.len > 0 && d->part.s[0] == '0') {
		(void)slice_take(&d->part, 1);
		d->point--;
	}
	while (d->part.len > 0 && d->part.s[d->part.len - 1] == '0')
		d->part.len--;
	while (d->part.len == 0 && d->whole.len > 0 &&
	    d->whole.s[d->whole.len - 1] == '0')
		d->whole.len--;
	if (d->whole.len + d->part.len == 0) {
		d->negative = false;		/* -0 is 0 */
		d->point = INT64_MIN;	/* less than all others */
	}
}

static bool
read_decimal(struct slice s, struct decimal *d)
{
	int64_t exponent = 0;

	d->negative = s.len > 0 && s.s[0] == '-';
	if (d->negative)
		(void)slice_take(&s, 1);
	d->whole = take_digits(&s);
	d->part = (struct slice){ NULL, 0 };
	if (d->whole.len == 0)
		return false;
	if (s.len > 0 && s.s[0] == '.') {
		(void)slice_take(&s, 1);
		d->part = take_digits(&s);
		if (d->part.len == 0)
			return false;
	}
	if (s.len > 0 && !read_exponent(s, &exponent))
		return false;
	d->point = (int64_t)d->whole.len + exponent;
	strip(d);
	return true;
}

/* The i-th digit, 0 past the last one. */
static int
digit(const struct decimal *d, size_t i)
{
	if (i < d->whole.len)
		return d->whole.s[i];
	i -= d->whole.len;
	return i < d->part.len ? d->part.s[i] : '0';
}

static int
compare_size(const struct decimal *x, const struct decimal *y)
{
	size_t n = x->whole.len + x->part.len, m = y->whole.len + y->part.len;

	if (x->point != y->point)
		return x->point < y->point ? -1 : 1;
	for (size_t i = 0; i < (n > m ? n : m); i++)
		if (digit(x, i) != digit(y, i))
			return digit(x, i) < digit(y, i) ? -1 : 1;
	return 0;
}

bool
filter_decimal_compare(struct slice a, struct slice b, int *sign)
{
	struct decimal x, y;

	if (!read_decimal(a, &x) || !read_decimal(b, &y))
		return false;
	if (x.negative != y.negative)
		*sign = x.negative ? -1 : 1;
	else
		*sign = x.negative ? compare_size(&y, &x) :
		    compare_size(&x, &y);
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
