/*
 * What an order must satisfy to be accepted: the catalogue's types where it
 * has a field, and nothing at all elsewhere.
 */
#include <stdio.h>
#include "base/clock.h"
#include "shape/order.h"
#include "shape/piece.h"

#define TOLD_MAX		64	/* faults that are told; to say where one
					   is costs a walk over the order */
#define DECIMAL_DIGITS_MAX	38	/* what a DECIMAL column holds */

struct check {
	const struct order *o;
	order_problem	*problem;
	void		*arg;
	size_t		 n;
};

static size_t
digits(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.s[n] >= '0' && s.s[n] <= '9')
		n++;
	return n;
}

static struct slice
after(struct slice s, size_t n)
{
	return (struct slice){ s.s + n, s.len - n };
}

static struct slice
unsigned_part(struct slice s)
{
	return s.len > 0 && s.s[0] == '-' ? after(s, 1) : s;
}

static bool
is_integer(struct slice s, bool number)
{
	if (number)
		s = unsigned_part(s);
	return s.len > 0 && digits(s) == s.len;
}

static const char *
decimal_fault(struct slice s)
{
	size_t whole, part;

	s = unsigned_part(s);
	whole = digits(s);
	s = after(s, whole);
	part = s.len > 1 && s.s[0] == '.' ? digits(after(s, 1)) : 0;
	if (whole == 0 || s.len != (part == 0 ? 0 : part + 1))
		return "must be a decimal number, or a string of one, like "
		    "\"412.90\"";
	return whole + part > DECIMAL_DIGITS_MAX ?
	    "must have at most 38 digits" : NULL;
}

const char *
order_text_fault(const struct catalog_field *f, enum json_type type,
    struct slice s)
{
	bool number = type == JSON_NUMBER;
	int64_t ms;

	if (f->reference && s.len > ORDER_REFERENCE_MAX)
		return "must have at most 128 bytes";
	switch (f->type) {
	case CATALOG_TEXT:
		return NULL;
	case CATALOG_INTEGER:
		return is_integer(s, number) ? NULL :
		    "must be an integer, or a string of digits";
	case CATALOG_DECIMAL:
		return decimal_fault(s);
	case CATALOG_TIME:
		if (!number && clock_parse(s, true, &ms, NULL) == RC_OK)
			return NULL;
		return "must be a time, like 2026-11-23T10:00:00Z or "
		    "2026-11-23 10:00";
	}
	return NULL;
}

static const char *
value_fault(const struct catalog_field *f, const struct order_value *v,
    struct buf *plain)
{
	if (v->type != JSON_NUMBER && v->type != JSON_STRING)
		return f->type == CATALOG_TIME ? "must be a string" :
		    "must be a string or a number";
	if (!v->escaped)
		return order_text_fault(f, v->type, v->text);
	buf_clear(plain);
	piece_put(v->text, plain);
	return order_text_fault(f, v->type, buf_as_slice(plain));
}

static void
check_value(struct check *c, const struct catalog_field *f, uint32_t tok,
    struct buf *plain)
{
	struct order_value v = order_token(c->o, tok);
	struct buf at = BUF_INIT(512);
	const char *why;

	if (!v.found)
		return;
	why = value_fault(f, &v, plain);
	if (why == NULL)
		return;
	if (c->n++ >= TOLD_MAX)
		return;
	json_pointer(&c->o->doc, tok, &at);
	c->problem(c->arg, buf_str(&at), why);
	buf_free(&at);
}

/* A list of objects, the known members of which have their types. */
static void
check_legs(struct check *c, uint32_t legs, struct buf *plain)
{
	const struct json_doc *d = &c->o->doc;
	const struct catalog_field *f;
	size_t k = 0;

	if (d->tok[legs].type == JSON_NULL)
		return;
	if (d->tok[legs].type != JSON_ARRAY) {
		c->problem(c->arg, "/legs", "must be a list");
		c->n++;
		return;
	}
	for (uint32_t i = legs + 1; i < d->tok[legs].next;
	    i = d->tok[i].next, k++) {
		if (d->tok[i].type != JSON_OBJECT) {
			char at[32];

			snprintf(at, sizeof at, "/legs/%zu", k);
			if (c->n++ < TOLD_MAX)
				c->problem(c->arg, at, "must be an object");
			continue;
		}
		for (size_t n = 0; (f = catalog_leg_at(c->o->catalog, n)) !=
		    NULL; n++) {
			uint32_t at = json_find(d, i, f->name);

			if (at != 0)
				check_value(c, f, at, plain);
		}
	}
}

size_t
order_check(const struct order *o, order_problem *problem, void *arg)
{
	struct check c = { o, problem, arg, 0 };
	struct buf plain = BUF_INIT(json_limits_default.string);
	uint32_t legs;

	for (size_t i = 0; i < o->nat; i++)
		if (o->at[i] != 0)
			check_value(&c, catalog_field_at(o->catalog, i),
			    o->at[i], &plain);
	legs = json_find(&o->doc, 0, "legs");
	if (legs != 0)
		check_legs(&c, legs, &plain);
	buf_free(&plain);
	return c.n;
}
