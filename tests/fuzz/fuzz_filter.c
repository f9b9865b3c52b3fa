/*
 * fuzz_filter - a filter, NUL, an order.
 *
 * A filter that is taken means what logic says: it is put together again here
 * from what each condition says alone, and each condition is held against its
 * opposite, its parts and its neighbours.  Decimals are compared once more, by
 * padding them to one width.
 */
#include <errno.h>
#include <stdlib.h>
#include "fuzz.h"
#include "shape/filter.h"

#define DECIMALS_MAX	12	/* of filter and order, each with each */

static void
note_fault(void *arg, uint32_t tok, const char *detail)
{
	(void)tok;
	CHECK(detail[0] != '\0');
	*(bool *)arg = true;
}

static struct filter *
compile(const struct json_doc *d)
{
	struct filter *f = NULL;
	bool faults = false;
	enum rc rc;

	rc = filter_compile(&f, fuzz_catalog(), d, 0, note_fault, &faults);
	CHECK((rc == RC_OK) == !faults);
	return rc == RC_OK ? f : NULL;
}

/* What a filter requires, an order that it holds for has. */
static void
check_required(const struct filter *f, const struct order *o)
{
	struct filter_required q;
	struct buf is = BUF_INIT(FUZZ_MAX);
	uint32_t at = 0;

	while (filter_required_next(f, &at, &q)) {
		struct order_value v = order_field(o, q.field);
		uint32_t i = 0;

		CHECK(v.found && q.n > 0);
		buf_clear(&is);
		order_value_text(o, v, &is);
		while (i < q.n && !slice_eq(filter_required_value(&q, i),
		    buf_as_slice(&is)))
			i++;
		CHECK(i < q.n);
	}
	buf_free(&is);
}

enum verdict { NO, YES, REFUSED };

/* What a filter's text says of the order. */
static enum verdict
ask(struct slice text, const struct order *o)
{
	struct json_doc d = JSON_DOC_INIT;
	enum verdict v = REFUSED;
	struct json_error err;
	struct filter *f;

	CHECK(json_scan(&d, text, &fuzz_no_limits, &err) == RC_OK);
	f = compile(&d);
	json_doc_free(&d);	/* nothing of it is borrowed */
	if (f != NULL)
		v = filter_matches(f, o) ? YES : NO;
	if (v == YES)
		check_required(f, o);
	filter_free(f);
	return v;
}

/* One condition of the filter, to be asked in other words. */
struct condition {
	const struct json_doc *d;
	uint32_t field, op, value;	/* tokens; value 0: none */
	const struct order *o;
};

/* The same field, another operator, a value given as JSON ("": none). */
static enum verdict
ask_value(const struct condition *c, const char *op, struct slice value)
{
	struct buf text = BUF_INIT(FUZZ_MAX);
	enum verdict v;

	buf_puts(&text, "[{\"field\":");
	buf_slice(&text, json_text(c->d, c->field));
	buf_printf(&text, ",\"op\":\"%s\"", op);
	if (value.len > 0) {
		buf_puts(&text, ",\"value\":");
		buf_slice(&text, value);
	}
	buf_puts(&text, "}]");
	v = ask(buf_as_slice(&text), c->o);
	buf_free(&text);
	return v;
}

/* The same field and value. */
static enum verdict
ask_op(const struct condition *c, const char *op)
{
	return ask_value(c, op, c->value == 0 ? SLICE("") :
	    json_text(c->d, c->value));
}

/* The same field, a list of the one value. */
static enum verdict
ask_list(const struct condition *c, const char *op)
{
	struct buf list = BUF_INIT(FUZZ_MAX);
	enum verdict v;

	buf_putc(&list, '[');
	buf_slice(&list, json_text(c->d, c->value));
	buf_putc(&list, ']');
	v = ask_value(c, op, buf_as_slice(&list));
	buf_free(&list);
	return v;
}

static bool
opposite(enum verdict a, enum verdict b)
{
	return a == REFUSED ? b == REFUSED : b == (a == YES ? NO : YES);
}

/* The field's value in the order, where it is sent and not derived; or 0. */
static uint32_t
sent(const struct condition *c)
{
	struct buf name = BUF_INIT(FUZZ_MAX);
	const struct catalog_field *f;
	uint32_t i = 0;

	fuzz_plain(json_raw(c->d, c->field), &name);
	f = catalog_field_find(c->o->catalog, buf_as_slice(&name));
	if (f != NULL && f->derived == CATALOG_SENT &&
	    f->type == CATALOG_TEXT)
		i = json_find(&c->o->doc, 0, f->name);
	buf_free(&name);
	return i != 0 && c->o->doc.tok[i].type != JSON_NULL &&
	    c->o->doc.tok[i].type <= JSON_STRING ? i : 0;
}

/* Texts are the same, or begin so, byte by byte once they are unescaped. */
static void
check_text(const struct condition *c)
{
	struct buf is = BUF_INIT(FUZZ_MAX), want = BUF_INIT(FUZZ_MAX);
	uint32_t i = sent(c);
	enum verdict v;

	if (i == 0 || c->value == 0)
		return;
	fuzz_token_plain(&c->o->doc, i, &is);
	fuzz_token_plain(c->d, c->value, &want);
	v = ask_op(c, "=");
	CHECK(v == REFUSED || v == (slice_eq(buf_as_slice(&is),
	    buf_as_slice(&want)) ? YES : NO));
	v = ask_op(c, "prefix");
	CHECK(v == REFUSED || v == (is.len >= want.len && memcmp(buf_str(&is),
	    buf_str(&want), want.len) == 0 ? YES : NO));
	buf_free(&is);
	buf_free(&want);
}

/* Less, equal, more: one of the three, or the two can't be compared. */
static void
check_ordering(const struct condition *c)
{
	enum verdict lt = ask_op(c, "<"), le = ask_op(c, "<=");
	enum verdict gt = ask_op(c, ">"), ge = ask_op(c, ">=");
	enum verdict eq = ask_op(c, "=");

	CHECK((lt == REFUSED) == (le == REFUSED));
	CHECK((lt == REFUSED) == (gt == REFUSED));
	CHECK((lt == REFUSED) == (ge == REFUSED));
	if (lt == REFUSED)
		return;
	CHECK(!(lt == YES && ge == YES) && !(gt == YES && le == YES));
	CHECK((lt == YES || ge == YES) == (gt == YES || le == YES));
	CHECK(!(lt == YES && gt == YES));
	CHECK((le == YES) == (lt == YES || (le == YES && ge == YES)));
	CHECK((ge == YES) == (gt == YES || (le == YES && ge == YES)));
	/* below order. = compares a string as text, whatever < makes of it */
	if (sent(c) == 0 && c->d->tok[c->value].type == JSON_NUMBER)
		CHECK((eq == YES) == (le == YES && ge == YES));
}

static void
check_scalar(const struct condition *c)
{
	CHECK(opposite(ask_op(c, "="), ask_op(c, "!=")));
	CHECK(opposite(ask_list(c, "in"), ask_list(c, "not in")));
	CHECK(ask_list(c, "in") == ask_op(c, "="));
	CHECK(ask_op(c, "=") != YES ||
	    ask_value(c, "exists", SLICE("")) == YES);
	check_text(c);
	check_ordering(c);
}

/* A list has what one of its items equals. */
static void
check_list(const struct condition *c)
{
	enum verdict in = ask_op(c, "in"), some = NO;
	struct condition one = *c;

	CHECK(opposite(in, ask_op(c, "not in")));
	if (in == REFUSED)
		return;
	for (one.value = c->value + 1; one.value < c->d->tok[c->value].next;
	    one.value = c->d->tok[one.value].next) {
		enum verdict v = ask_op(&one, "=");

		CHECK(v != REFUSED);
		if (v == YES)
			some = YES;
	}
	CHECK(in == some);
}

static void
check_condition(const struct condition *c)
{
	enum verdict there = ask_value(c, "exists", SLICE("true"));

	CHECK(there == ask_value(c, "exists", SLICE("")));
	CHECK(opposite(there, ask_value(c, "exists", SLICE("false"))));
	if (c->value == 0)
		return;
	if (c->d->tok[c->value].type == JSON_ARRAY)
		check_list(c);
	else
		check_scalar(c);
}

static enum verdict
ask_part(const struct json_doc *d, uint32_t i, const char *before,
    const char *behind, const struct order *o)
{
	struct buf text = BUF_INIT(FUZZ_MAX);
	enum verdict v;

	buf_puts(&text, before);
	buf_slice(&text, json_text(d, i));
	buf_puts(&text, behind);
	v = ask(buf_as_slice(&text), o);
	buf_free(&text);
	return v;
}

static bool holds_all(const struct json_doc *d, uint32_t list,
    const struct order *o);

/* A part of a filter that was taken: what it says alone. */
static bool
holds_one(const struct json_doc *d, uint32_t i, const struct order *o)
{
	struct condition c = { d, json_find(d, i, "field"),
	    json_find(d, i, "op"), json_find(d, i, "value"), o };
	uint32_t any = json_find(d, i, "any");
	enum verdict v = ask_part(d, i, "[", "]", o);
	bool some = false;

	CHECK(v != REFUSED);
	CHECK(ask_part(d, i, "[{\"any\":[[", "]]}]", o) == v);
	CHECK(ask_part(d, i, "[{\"any\":[[{\"any\":[[", "]]}]]}]", o) == v);
	if (any == 0) {
		check_condition(&c);
		return v == YES;
	}
	for (uint32_t k = any + 1; k < d->tok[any].next; k = d->tok[k].next)
		some |= holds_all(d, k, o);
	CHECK(some == (v == YES));
	return some;
}

static bool
holds_all(const struct json_doc *d, uint32_t list, const struct order *o)
{
	bool all = true;

	for (uint32_t i = list + 1; i < d->tok[list].next; i = d->tok[i].next)
		all &= holds_one(d, i, o);
	CHECK(ask_part(d, list, "", "", o) == (all ? YES : NO));
	return all;
}

/* Other spellings of the filter, and of the order, say the same. */
static void
check_spelling(const struct json_doc *d, const struct order *o, enum verdict v)
{
	struct buf text = BUF_INIT(FUZZ_MAX), other = BUF_INIT(FUZZ_MAX);
	struct order respelled = ORDER_INIT;
	struct json_error err;

	json_canonical(d, 0, &text);
	CHECK(ask(buf_as_slice(&text), o) == v);
	buf_clear(&text);
	fuzz_respell(d, 0, &text);
	CHECK(ask(buf_as_slice(&text), o) == v);
	fuzz_respell(&o->doc, 0, &other);
	CHECK(order_read(&respelled, o->catalog, buf_as_slice(&other), &err) ==
	    RC_OK);
	CHECK(ask(buf_as_slice(&text), &respelled) == v);
	order_free(&respelled);
	buf_free(&text);
	buf_free(&other);
}

#define FUZZ_DIGITS	500	/* characters of a number */

/* -?digits[.digits][e[+-]digits]; the point stands after so many digits. */
struct decimal {
	bool	negative;
	char	digits[FUZZ_DIGITS + 1];
	long	point;
};

#define EXPONENT_MAX	1000	/* larger ones are not written out here */

/* 1: it is one; 0: it is none; -1: one that is too large for this. */
static int
read_decimal(struct slice s, struct decimal *d)
{
	char text[FUZZ_DIGITS + 1], mark, *end;
	int whole = 0, part = 0, at = 0;

	if (s.len > FUZZ_DIGITS)
		return -1;
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	if (strlen(text) != s.len)
		return 0;
	d->negative = text[0] == '-';
	at = d->negative;
	whole = (int)strspn(text + at, "0123456789");
	memcpy(d->digits, text + at, (size_t)whole);
	at += whole;
	if (text[at] == '.') {
		part = (int)strspn(text + at + 1, "0123456789");
		memcpy(d->digits + whole, text + at + 1, (size_t)part);
		if (part == 0)
			return 0;
		at += part + 1;
	}
	d->digits[whole + part] = '\0';
	d->point = whole;
	mark = text[at];
	if (whole == 0 || (mark != '\0' && mark != 'e' && mark != 'E'))
		return 0;
	if (mark == '\0')
		return 1;
	at++;
	if (strspn(text + at + (text[at] == '+' || text[at] == '-'),
	    "0123456789") == 0)
		return 0;
	errno = 0;
	d->point += strtol(text + at, &end, 10);
	if (*end != '\0')
		return 0;
	return errno != 0 || labs(d->point) > EXPONENT_MAX ? -1 : 1;
}

/* Written out, with so many places before and behind the point. */
static void
pad(const struct decimal *d, long before, long behind, struct buf *out)
{
	long n = (long)strlen(d->digits);

	for (long at = -before; at < behind; at++) {
		long i = at + d->point;

		buf_putc(out, i >= 0 && i < n ? d->digits[i] : '0');
	}
}

static void
check_decimals(struct slice a, struct slice b)
{
	struct buf x = BUF_INIT(FUZZ_MAX), y = BUF_INIT(FUZZ_MAX);
	struct decimal p, q;
	int sign, back, want, is_a = read_decimal(a, &p);
	int is_b = read_decimal(b, &q);

	if (is_a == -1 || is_b == -1)
		return;
	CHECK(filter_decimal_compare(a, b, &sign) == (is_a == 1 && is_b == 1));
	if (is_a == 0 || is_b == 0)
		return;
	CHECK(filter_decimal_compare(b, a, &back));
	pad(&p, EXPONENT_MAX, EXPONENT_MAX + FUZZ_DIGITS, &x);
	pad(&q, EXPONENT_MAX, EXPONENT_MAX + FUZZ_DIGITS, &y);
	CHECK(x.len == y.len);
	want = memcmp(x.s, y.s, x.len);
	if (p.negative && q.negative)
		want = -want;
	else if (p.negative != q.negative)
		want = strspn(buf_str(&x), "0") == x.len &&
		    strspn(buf_str(&y), "0") == y.len ? 0 :
		    p.negative ? -1 : 1;
	CHECK((sign > 0) - (sign < 0) == (want > 0) - (want < 0));
	CHECK((back > 0) - (back < 0) == (want < 0) - (want > 0));
	buf_free(&x);
	buf_free(&y);
}

/* Scalars of the text, as plain text. */
static size_t
collect(const struct json_doc *d, struct buf plain[DECIMALS_MAX], size_t n)
{
	size_t most = n + DECIMALS_MAX / 2;

	for (uint32_t i = 0; i < d->n && n < most; i++)
		if (d->tok[i].type == JSON_NUMBER ||
		    (d->tok[i].type == JSON_STRING && d->tok[i].len > 0 &&
		    strchr("-0123456789.", d->text.s[d->tok[i].off]) != NULL))
			fuzz_token_plain(d, i, &plain[n++]);
	return n;
}

static void
check_every_decimal(const struct json_doc *d, const struct json_doc *order)
{
	struct buf plain[DECIMALS_MAX];
	size_t n;

	for (size_t i = 0; i < DECIMALS_MAX; i++)
		plain[i] = (struct buf)BUF_INIT(FUZZ_MAX);
	n = collect(order, plain, collect(d, plain, 0));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k <= i; k++)
			check_decimals(buf_as_slice(&plain[i]),
			    buf_as_slice(&plain[k]));
	for (size_t i = 0; i < DECIMALS_MAX; i++)
		buf_free(&plain[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct order o = ORDER_INIT;
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct slice filter, order;
	enum verdict v;

	if (!fuzz_split((struct slice){ (const char *)data, size }, &filter,
	    &order) || order_read(&o, fuzz_catalog(), order, &err) != RC_OK ||
	    json_scan(&d, filter, &json_limits_default, &err) != RC_OK)
		goto done;
	check_every_decimal(&d, &o.doc);
	v = ask(filter, &o);
	if (v == REFUSED)
		goto done;
	CHECK(v == (holds_all(&d, 0, &o) ? YES : NO));
	check_spelling(&d, &o, v);
done:
	json_doc_free(&d);
	return 0;
}
