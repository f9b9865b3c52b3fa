#include "base/text.h"
#include "work/reference.h"

#define VALUE_MAX 1024	/* longer ones are no references */

static const struct {
	const char *field;
	enum reference_kind kind;
} table[REFERENCE_MAX] = {
	{ "agwID",		REFERENCE_AGWID },
	{ "orderID",		REFERENCE_ORDERID },
	{ "pnr",		REFERENCE_PNR },
	{ "recordLocator",	REFERENCE_LOCATOR },
	{ "agentEmail",		REFERENCE_MAIL },
	{ "consumerEmail",	REFERENCE_MAIL },
	{ "psgEmail",		REFERENCE_MAIL },
	{ "psgPhone",		REFERENCE_PHONE },
};

static const struct {
	const char *name;
	enum reference_kind kind;
} names[REFERENCE_KINDS] = {
	{ "agwID",		REFERENCE_AGWID },
	{ "orderID",		REFERENCE_ORDERID },
	{ "pnr",		REFERENCE_PNR },
	{ "recordLocator",	REFERENCE_LOCATOR },
	{ "mail",		REFERENCE_MAIL },
	{ "phone",		REFERENCE_PHONE },
};

enum rc
reference_kind(struct slice name, enum reference_kind *kind)
{
	for (size_t i = 0; i < NELEM(names); i++)
		if (text_same_nocase(name, slice_of(names[i].name))) {
			*kind = names[i].kind;
			return RC_OK;
		}
	return RC_NOTFOUND;
}

const char *
reference_name_at(size_t i)
{
	return names[i].name;
}

void
reference_names(struct buf *out)
{
	for (size_t i = 0; i < NELEM(names); i++) {
		if (i > 0)
			buf_puts(out, i + 1 < NELEM(names) ? ", " : " or ");
		buf_puts(out, names[i].name);
	}
}

/*
 * A phone by its digits, in digits; anything else as it is.  Empty if there is
 * nothing to find it by.
 */
static struct slice
folded(enum reference_kind kind, struct slice value, char digits[VALUE_MAX])
{
	size_t n = 0;

	if (kind != REFERENCE_PHONE)
		return value;
	for (size_t i = 0; i < value.len && n < VALUE_MAX; i++)
		if (value.s[i] >= '0' && value.s[i] <= '9')
			digits[n++] = value.s[i];
	return (struct slice){ digits, n };
}

uint64_t
reference_hash(const struct crypt *c, enum reference_kind kind,
    struct slice value)
{
	char digits[VALUE_MAX];

	return crypt_ref(c, (uint8_t)kind, folded(kind, value, digits));
}

/* The field's text, unescaped into b if need be; len 0: none. */
static struct slice
field_text(const struct order *o, const char *name, struct buf *b)
{
	const struct catalog_field *f = catalog_field_find(o->catalog,
	    slice_of(name));
	struct order_value v;

	if (f == NULL)
		return (struct slice){ NULL, 0 };
	v = order_field(o, f);
	if (!v.found || (!v.escaped && v.text.len > VALUE_MAX))
		return (struct slice){ NULL, 0 };
	if (!v.escaped)
		return v.text;
	buf_clear(b);
	order_value_text(o, v, b);
	return b->over ? (struct slice){ NULL, 0 } : buf_as_slice(b);
}

size_t
reference_of_order(const struct crypt *c, const struct order *o,
    uint64_t ref[REFERENCE_MAX])
{
	struct buf b = BUF_INIT(VALUE_MAX);
	char digits[VALUE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < NELEM(table); i++) {
		struct slice v = folded(table[i].kind,
		    field_text(o, table[i].field, &b), digits);
		size_t j = 0;

		if (v.len == 0)
			continue;
		ref[n] = crypt_ref(c, (uint8_t)table[i].kind, v);
		while (ref[j] != ref[n])
			j++;
		if (j == n)
			n++;
	}
	buf_free(&b);
	return n;
}

bool
reference_matches(const struct order *o, enum reference_kind kind,
    struct slice value)
{
	struct buf b = BUF_INIT(VALUE_MAX);
	char theirs[VALUE_MAX], digits[VALUE_MAX];
	bool same = false;

	value = folded(kind, value, digits);
	for (size_t i = 0; !same && i < NELEM(table); i++) {
		struct slice v;

		if (table[i].kind != kind)
			continue;
		v = folded(kind, field_text(o, table[i].field, &b), theirs);
		same = v.len > 0 && text_same_nocase(v, value);
	}
	buf_free(&b);
	return same;
}
