/*
 * unit_shape - the installed catalogue and orders, for tests of shape.
 */
#ifndef TESTS_UNIT_SHAPE_H
#define TESTS_UNIT_SHAPE_H

#include <stdlib.h>
#include "shape/order.h"
#include "unit.h"

/* A file's name from the source tree: $SKYCAP_SOURCE, else beside this file. */
static inline void
unit_source(struct buf *path, const char *name)
{
	const char *source = getenv("SKYCAP_SOURCE"), *here = __FILE__;
	const char *last = strrchr(here, '/');

	if (source != NULL)
		buf_printf(path, "%s/%s", source, name);
	else if (last != NULL)
		buf_printf(path, "%.*s/../../%s", (int)(last - here), here,
		    name);
	else
		buf_printf(path, "../../%s", name);
}

static inline struct catalog *
unit_catalog(void)
{
	struct buf path = BUF_INIT(4096), why = BUF_INIT(4096);
	struct catalog *c = NULL;

	unit_source(&path, "src/shape/catalog.json");
	want_rc(catalog_load(&c, buf_str(&path), &why), RC_OK, "%s",
	    buf_str(&why));
	buf_free(&path);
	buf_free(&why);
	return c;
}

/* Read an order that must be sound JSON. */
static inline void
unit_order(struct order *o, const struct catalog *c, const char *json)
{
	struct json_error err = { 0 };

	want_rc(order_read(o, c, slice_of(json), &err), RC_OK, "%s: %s", json,
	    err.detail);
}

/* The text of a field, in b; "(absent)" if it has none. */
static inline const char *
unit_field(const struct order *o, const char *name, struct buf *b)
{
	const struct catalog_field *f = catalog_field_find(o->catalog,
	    slice_of(name));
	struct order_value v;

	assert_non_null(f);
	buf_clear(b);
	v = order_field(o, f);
	if (v.found)
		order_value_text(o, v, b);
	else
		buf_puts(b, "(absent)");
	return buf_str(b);
}

#endif
