/*
 * Which value a name in a template stands for, decided once, when it is
 * compiled.
 */
#include <stdlib.h>
#include "base/log.h"
#include "base/text.h"
#include "shape/template_op.h"

#define NAMES_MAX	(64 * 1024 - 1)	/* refs are 16 bits wide */
#define SHOWN_MAX	60		/* bytes of a wrong name in a message */

static const struct { const char *name; enum template_var var; } vars[] = {
	{ "event.type", TEMPLATE_EVENT_TYPE },
	{ "event.id", TEMPLATE_EVENT_ID },
	{ "event.time", TEMPLATE_EVENT_TIME },
	{ "event.headline", TEMPLATE_EVENT_HEADLINE },
	{ "delivery.id", TEMPLATE_DELIVERY_ID },
	{ "delivery.attempt", TEMPLATE_DELIVERY_ATTEMPT },
	{ "subscription.name", TEMPLATE_SUBSCRIPTION_NAME },
};

static bool
begins(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && memcmp(s.s, with, n) == 0;
}

/* Names whose first part belongs to Skycap are never an item's. */
static bool
is_ours(struct slice name)
{
	return slice_is(name, "order") || begins(name, "order.") ||
	    begins(name, "event.") || begins(name, "delivery.") ||
	    begins(name, "subscription.");
}

/* Parts between dots, none of them empty, no braces, no control characters. */
static bool
is_well_formed(struct slice name)
{
	bool part = false;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.s[i];

		if (c < 0x20 || c == 0x7f || c == '{' || c == '}')
			return false;
		if (c == '.' && !part)
			return false;
		part = c != '.';
	}
	return part;
}

/* A name that needs no item. */
static bool
top_level(struct compiler *c, struct slice name, struct template_ref *r)
{
	const struct catalog_field *f;

	for (size_t i = 0; i < NELEM(vars); i++)
		if (slice_is(name, vars[i].name)) {
			r->source = FROM_VAR;
			r->index = (uint16_t)vars[i].var;
			return true;
		}
	if (slice_is(name, "order") || slice_is(name, "legs") ||
	    begins(name, "order.")) {
		size_t skip = slice_is(name, "legs") ? 0 :
		    name.len == 5 ? 5 : 6;

		r->source = FROM_ORDER;
		r->path = r->name + (uint32_t)skip;
		r->path_len = r->name_len - (uint32_t)skip;
		return true;
	}
	f = catalog_field_find(c->t->catalog, name);
	if (f == NULL)
		return false;
	r->source = FROM_FIELD;
	r->index = f->index;
	return true;
}

/* An open section's item might have the name. */
static bool
in_item(const struct compiler *c, struct slice name)
{
	const char *dot = memchr(name.s, '.', name.len);
	struct slice first = { name.s,
	    dot == NULL ? name.len : (size_t)(dot - name.s) };

	if (is_ours(name))
		return false;
	for (size_t i = 0; i < c->nopen; i++)
		if (c->open[i].item == ITEM_ANY ||
		    (c->open[i].item == ITEM_LEG &&
		    catalog_leg_find(c->t->catalog, first) != NULL))
			return true;
	return false;
}

/* The nearest of what could have been meant, the open sections' too. */
static const char *
nearest(const struct compiler *c, struct slice name)
{
	const char *near = catalog_field_nearest(c->t->catalog, name);
	const char *candidate[NELEM(vars) + 32];
	const struct catalog_field *leg;
	size_t n = 0;
	bool legs = false;

	for (size_t i = 0; i < c->nopen; i++)
		legs |= c->open[i].item == ITEM_LEG;
	for (size_t i = 0; i < NELEM(vars); i++)
		candidate[n++] = vars[i].name;
	candidate[n++] = "legs";
	candidate[n++] = "order";
	if (near != NULL)
		candidate[n++] = near;
	for (size_t i = 0; legs && n < NELEM(candidate) &&
	    (leg = catalog_leg_at(c->t->catalog, i)) != NULL; i++)
		candidate[n++] = leg->name;
	return text_nearest(name, candidate, n);
}

static enum rc
unknown(struct compiler *c, struct slice name, size_t off)
{
	const char *near = nearest(c, name);
	int shown = name.len > SHOWN_MAX ? SHOWN_MAX : (int)name.len;

	while (shown > 0 && shown < (int)name.len &&
	    (name.s[shown] & 0xc0) == 0x80)
		shown--;		/* not in the middle of a character */
	if (near != NULL)
		return compile_fault(c, off, "there is no field %.*s; did you "
		    "mean %s?", shown, name.s, near);
	for (size_t i = 0; i < c->nopen; i++)
		if (c->open[i].item == ITEM_LEG)
			return compile_fault(c, off, "there is no field %.*s; "
			    "what a leg carries besides the fields is there "
			    "in {{#order.legs}}", shown, name.s);
	return compile_fault(c, off, "there is no field %.*s; what the order "
	    "carries besides the fields is named order.%.*s", shown, name.s,
	    shown, name.s);
}

static uint16_t
keep(struct template *t, struct template_ref r)
{
	for (size_t i = 0; i < t->nref; i++)
		if (memcmp(&t->ref[i], &r, sizeof r) == 0)
			return (uint16_t)i;
	if (t->nref == t->ref_cap) {
		t->ref_cap = t->ref_cap == 0 ? 8 : 2 * t->ref_cap;
		t->ref = realloc(t->ref, t->ref_cap * sizeof *t->ref);
		if (t->ref == NULL)
			log_fatal("out of memory");
	}
	t->ref[t->nref] = r;
	return (uint16_t)t->nref++;
}

/* A name may stand in many tags; its text is kept once. */
static void
intern(struct template *t, struct slice name, struct template_ref *r)
{
	for (size_t i = 0; i < t->nref; i++) {
		struct slice have = { t->pool.s + t->ref[i].name,
		    t->ref[i].name_len };

		if (slice_eq(have, name)) {
			r->name = t->ref[i].name;
			r->name_len = t->ref[i].name_len;
			return;
		}
	}
	r->name = (uint32_t)t->pool.len;
	r->name_len = (uint32_t)name.len;
	buf_slice(&t->pool, name);
}

enum rc
compile_name(struct compiler *c, struct slice name, size_t off, uint16_t *ref)
{
	struct template_ref r;
	bool known, self = slice_is(name, ".");

	memset(&r, 0, sizeof r);	/* compared byte by byte */
	if (c->t->nref >= NAMES_MAX)
		return compile_fault(c, off, "too many different names");
	if (name.len == 0)
		return compile_fault(c, off, "a tag needs a name");
	if (strchr("#^/&!>", name.s[0]) != NULL)
		return compile_fault(c, off, "no blank may stand before %c",
		    name.s[0]);
	if (!self && !is_well_formed(name))
		return compile_fault(c, off, "this is no name");
	intern(c->t, name, &r);
	if (self) {
		bool inside = c->t->catalog == NULL;

		for (size_t i = 0; i < c->nopen; i++)
			inside |= !c->open[i].inverted;
		if (!inside)
			return compile_fault(c, off, "{{.}} is the item of a "
			    "section, and here is none");
		r.source = FROM_ITEM;
	} else if (c->t->catalog == NULL) {
		r.item = true;		/* a page: what the model holds */
	} else {
		r.item = in_item(c, name);
		known = top_level(c, name, &r);
		if (!known && !r.item)
			return unknown(c, name, off);
	}
	*ref = keep(c->t, r);
	return RC_OK;
}
