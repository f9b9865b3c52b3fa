#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "shape/derive.h"
#include "shape/order.h"
#include "shape/piece.h"

#define NAME_MAX_BYTES	4096	/* of one part of a pointer */

static void
index_room(struct order *o)
{
	size_t n = catalog_field_count(o->catalog);

	if (n > o->nat) {
		free(o->at);
		o->at = calloc(n, sizeof *o->at);
		if (o->at == NULL)
			log_fatal("out of memory");
	} else
		memset(o->at, 0, o->nat * sizeof *o->at);
	o->nat = n > o->nat ? n : o->nat;
}

/* The item of an array that a number without leading zeros names, or 0. */
static uint32_t
item(const struct json_doc *d, uint32_t array, struct slice digits)
{
	uint32_t n = 0, i = array + 1;

	if (digits.len == 0 || digits.len > 9 ||
	    (digits.s[0] == '0' && digits.len > 1))
		return 0;
	for (size_t k = 0; k < digits.len; k++) {
		if (digits.s[k] < '0' || digits.s[k] > '9')
			return 0;
		n = n * 10 + (uint32_t)(digits.s[k] - '0');
	}
	if (n >= d->tok[array].n)
		return 0;
	while (n-- > 0)
		i = d->tok[i].next;
	return i;
}

/* What name leads to from a value: a member, an item, or 0. */
static uint32_t
step(const struct json_doc *d, uint32_t i, struct slice name)
{
	return d->tok[i].type == JSON_ARRAY ? item(d, i, name) :
	    json_find_slice(d, i, name);
}

struct order_value
order_pointer(const struct order *o, struct slice pointer)
{
	struct buf name = BUF_INIT(NAME_MAX_BYTES);
	uint32_t at = 0;
	bool there = pointer.len > 0 && pointer.s[0] == '/';

	for (size_t i = 0; there && i < pointer.len; ) {
		buf_clear(&name);
		for (i++; i < pointer.len && pointer.s[i] != '/'; i++) {
			bool escape = pointer.s[i] == '~' &&
			    i + 1 < pointer.len;

			i += escape;
			buf_putc(&name, !escape ? pointer.s[i] :
			    pointer.s[i] == '0' ? '~' : '/');
		}
		at = name.over ? 0 : step(&o->doc, at, buf_as_slice(&name));
		there = at != 0;
	}
	buf_free(&name);
	return there ? order_token(o, at) :
	    (struct order_value){ .found = false };
}

/* A field that can't be found by the order's own members, or 0. */
static uint32_t
walk_pointer(const struct json_doc *d, const struct catalog_field *f)
{
	uint32_t i = 0;

	for (size_t s = 0; s < f->nstep; s++) {
		i = step(d, i, f->step[s]);
		if (i == 0)
			return 0;
	}
	return i;
}

/* One pass over the members; the catalogue says which field each one is. */
static void
index_members(struct order *o)
{
	const struct json_tok *tok = o->doc.tok;
	struct buf plain = BUF_INIT(CATALOG_NAME_MAX);
	const struct catalog_field *deep;

	for (uint32_t k = 1; k < tok[0].next; k = tok[k + 1].next) {
		const struct catalog_field *f;
		struct slice key = json_raw(&o->doc, k);

		if (tok[k].escaped) {
			buf_clear(&plain);
			piece_put(key, &plain);
			if (plain.over)
				continue;
			key = buf_as_slice(&plain);
		}
		f = catalog_field_member(o->catalog, key);
		if (f != NULL)
			o->at[f->index] = k + 1;
		else if (slice_is(key, "legs") &&
		    tok[k + 1].type == JSON_ARRAY)
			o->legs = k + 1;
	}
	for (size_t i = 0; (deep = catalog_field_deep(o->catalog, i)) != NULL;
	    i++)
		o->at[deep->index] = walk_pointer(&o->doc, deep);
	buf_free(&plain);
}

/* A field is not there that the legs could give. */
static bool
needs_legs(const struct order *o)
{
	const struct catalog_field *f;

	for (size_t i = 0; (f = catalog_field_at(o->catalog, i)) != NULL; i++)
		if (f->derived != CATALOG_SENT && (o->at[i] == 0 ||
		    o->doc.tok[o->at[i]].type == JSON_NULL))
			return true;
	return false;
}

enum rc
order_read(struct order *o, const struct catalog *c, struct slice text,
    struct json_error *err)
{
	static const struct order_derived none;
	enum rc rc;

	o->catalog = c;
	o->legs = 0;
	o->origin = o->destination = o->full_path = none;
	o->booking = NULL;
	buf_clear(&o->derived);
	index_room(o);
	rc = json_scan(&o->doc, text, &json_limits_default, err);
	if (rc != RC_OK)
		return rc;
	if (o->doc.tok[0].type != JSON_OBJECT) {
		memset(err, 0, sizeof *err);
		err->fault = JSON_GRAMMAR;
		err->line = err->col = 1;
		snprintf(err->detail, sizeof err->detail,
		    "an order is a JSON object");
		o->doc.n = 0;
		return RC_INVALID;
	}
	index_members(o);
	if (o->legs != 0 && needs_legs(o))
		derive_from_legs(o);
	return RC_OK;
}

void
order_free(struct order *o)
{
	json_doc_free(&o->doc);
	buf_free(&o->derived);
	free(o->at);
	o->at = NULL;
	o->nat = 0;
}

struct order_value
order_token(const struct order *o, uint32_t i)
{
	return order_value_at(&o->doc, i);
}

struct order_value
order_value_at(const struct json_doc *d, uint32_t i)
{
	const struct json_tok *t = &d->tok[i];

	return (struct order_value){
	    .found = t->type != JSON_NULL, .type = (enum json_type)t->type,
	    .escaped = t->type == JSON_STRING && t->escaped, .tok = i,
	    .text = t->type == JSON_STRING ? json_raw(d, i) :
		json_text(d, i) };
}

static struct order_value
words(const char *s)
{
	return (struct order_value){ .found = s != NULL, .type = JSON_STRING,
	    .text = slice_of(s) };
}

static struct order_value
from_legs(const struct order *o, enum catalog_derived what)
{
	const struct order_derived *d = what == CATALOG_ORIGIN ? &o->origin :
	    what == CATALOG_DESTINATION ? &o->destination : &o->full_path;

	if (what == CATALOG_BOOKING)
		return words(o->booking);
	if (what == CATALOG_SENT || d->len == 0)
		return (struct order_value){ .found = false };
	return (struct order_value){ .found = true, .type = JSON_STRING,
	    .escaped = d->escaped,
	    .text = { o->derived.s + d->off, d->len } };
}

struct order_value
order_field(const struct order *o, const struct catalog_field *f)
{
	struct order_value v = { .found = false };
	char tmp[ORDER_SHORT_MAX];
	const char *booking;

	if (f->index < o->nat && o->at[f->index] != 0)
		v = order_token(o, o->at[f->index]);
	if (!v.found)
		return from_legs(o, f->derived);
	if (f->derived == CATALOG_BOOKING && v.type == JSON_STRING) {
		booking = order_booking_words(order_value_short(v, tmp));
		if (booking != NULL)
			return words(booking);
	}
	return v;
}

const char *
order_booking_words(struct slice code)
{
	return slice_is(code, "OW") ? "One Way" :
	    slice_is(code, "RT") ? "Round Trip" :
	    slice_is(code, "MC") ? "Multicity" : NULL;
}

/*
 * How much of path the key at token k takes with the dot behind it, when the
 * key has dots itself: "a.b" takes 4 bytes of "a.b.c".  0: another key.
 */
static size_t
takes(const struct json_doc *d, uint32_t k, struct slice path)
{
	struct slice key = json_raw(d, k), run;
	size_t n = 0;
	char tmp[4];

	while (piece_next(&key, tmp, &run)) {
		if (run.len > path.len - n ||
		    memcmp(path.s + n, run.s, run.len) != 0)
			return 0;
		n += run.len;
	}
	return n == path.len || path.s[n] == '.' ? n + 1 : 0;
}

/*
 * A name between dots leads on before a key that has dots in it, and a shorter
 * key before a longer one.  There is one way only to each object, so no more
 * is looked at than the members there are, twice.
 */
static uint32_t
walk(const struct json_doc *d, uint32_t from, struct slice path,
    uint64_t *cost)
{
	const struct json_tok *tok = d->tok;
	const char *dot = path.len == 0 ? NULL :
	    memchr(path.s, '.', path.len);
	size_t first = dot == NULL ? path.len : (size_t)(dot - path.s);
	size_t least = SIZE_MAX;
	uint32_t i, best = 0;

	*cost += tok[from].n;
	i = step(d, from, (struct slice){ path.s, first });
	if (dot == NULL)
		return i;
	if (i != 0)
		i = walk(d, i, (struct slice){ dot + 1, path.len - first - 1 },
		    cost);
	if (i != 0 || tok[from].type != JSON_OBJECT)
		return i;
	*cost += tok[from].n;
	for (uint32_t k = from + 1; k < tok[from].next; k = tok[k + 1].next) {
		size_t n = takes(d, k, path);

		if (n <= first + 1 || n >= least)
			continue;
		i = n > path.len ? k + 1 : walk(d, k + 1,
		    (struct slice){ path.s + n, path.len - n }, cost);
		if (i != 0) {
			best = i;
			least = n;
		}
	}
	return best;
}

uint32_t
order_walk(const struct json_doc *d, uint32_t from, struct slice path,
    uint64_t *cost)
{
	return path.len == 0 ? from : walk(d, from, path, cost);
}

struct order_value
order_path(const struct order *o, struct slice path)
{
	uint64_t cost = 0;
	uint32_t i;

	if (path.len == 0)
		return order_token(o, 0);
	i = order_walk(&o->doc, 0, path, &cost);
	return i == 0 ? (struct order_value){ .found = false } :
	    order_token(o, i);
}

bool
order_value_is(struct order_value v, struct slice s)
{
	return v.escaped ? piece_is(v.text, s) : slice_eq(v.text, s);
}

struct slice
order_value_short(struct order_value v, char tmp[ORDER_SHORT_MAX])
{
	struct slice run;
	char one[4];
	size_t n = 0;

	if (!v.escaped)
		return v.text;
	while (piece_next(&v.text, one, &run)) {
		if (run.len > ORDER_SHORT_MAX - n)
			return (struct slice){ NULL, 0 };
		memcpy(tmp + n, run.s, run.len);
		n += run.len;
	}
	return (struct slice){ tmp, n };
}

bool
order_value_begins(struct order_value v, struct slice s)
{
	if (v.escaped)
		return piece_begins(v.text, s);
	return v.text.len >= s.len &&
	    (s.len == 0 || memcmp(v.text.s, s.s, s.len) == 0);
}

void
order_value_text(const struct order *o, struct order_value v, struct buf *out)
{
	(void)o;		/* every value carries its own text */
	if (!v.found)
		return;
	if (v.escaped)
		piece_put(v.text, out);
	else
		buf_slice(out, v.text);
}
