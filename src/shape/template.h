/*
 * template - Mustache, compiled once into a flat program and rendered for the
 * place it stands in.
 *
 * A program is ops over one pool of text; rendering walks it and allocates
 * nothing but its output.  The place (JSON string, URL, header, plain, HTML)
 * is a property of the compiled template, so no caller can forget to escape.
 * Values come from an order and a handful of outside variables, or for a page
 * from a model; nothing here knows of tasks.  Invariant: a template compiled
 * from JSON renders to JSON of the grammar, whatever the order contains; that
 * two of its keys render equal, or that values stand too deep in each other,
 * is for who scans the whole (task_render does).
 *
 * Names are checked when compiled: the catalogue's fields, `legs`, `order` and
 * order.any.path, and the variables below.  Inside a section a name is looked
 * up in the section's item first: for `legs` the catalogue says what a leg
 * may have, for anything under order. any name will do.  A page may name
 * anything; it is Mustache as its specification has it (github.com/mustache,
 * the six core modules), with set delimiters and partials.
 */
#ifndef SHAPE_TEMPLATE_H
#define SHAPE_TEMPLATE_H

#include "shape/order.h"

struct template;

enum template_place {
	TEMPLATE_TEXT,		/* as it is */
	TEMPLATE_JSON,		/* inside a JSON string */
	TEMPLATE_SLACK,		/* the same, of Slack's markup: & < > of values
				   become references, but not in {{{name}}} */
	TEMPLATE_URL,		/* percent-encoded, a / too */
	TEMPLATE_HEADER,	/* control characters become spaces */
	TEMPLATE_HTML,		/* & < > " ' become references */
};

enum template_var {
	TEMPLATE_EVENT_TYPE, TEMPLATE_EVENT_ID, TEMPLATE_EVENT_TIME,
	TEMPLATE_EVENT_HEADLINE,
	TEMPLATE_DELIVERY_ID, TEMPLATE_DELIVERY_ATTEMPT,
	TEMPLATE_SUBSCRIPTION_NAME,
	TEMPLATE_VARS
};

#define TEMPLATE_NESTING	32	/* sections inside each other */
#define TEMPLATE_CALLS		32	/* partials inside each other */
#define TEMPLATE_STEPS		(4 * 1000 * 1000)	/* of one rendering */

struct template_error {
	uint32_t tok;		/* of the JSON value: the string it is in */
	size_t	 off;		/* byte in the (unescaped) template */
	char	 detail[200];	/* one sentence, without the place */
};

/*
 * Compile text; *t is freed by template_free, and borrows c.
 *   RC_INVALID  *err says where and why
 */
MUST_USE enum rc template_compile(struct template **t,
    const struct catalog *c, enum template_place place, struct slice text,
    struct template_error *err);

/* Called for each fault of a JSON template, in the order of the text. */
typedef void template_fault(void *arg, const struct template_error *err);

/*
 * Compile a JSON value of d, of which nothing is borrowed.  A string that is
 * one {{{name}}} becomes the value itself; an object whose only key is
 * {{#name}} a list, rendered for each item; whose only key is {{^name}} its
 * value if name is absent, false or an empty list, else null.
 *   RC_INVALID  fault was called at least once
 */
MUST_USE enum rc template_compile_json(struct template **t,
    const struct catalog *c, const struct json_doc *d, uint32_t value,
    template_fault *fault, void *arg);

/*
 * The text of a partial, borrowed until the next call.
 *   RC_NOTFOUND  there is none; it stands for nothing
 *   else         it can't be read: a fault
 */
typedef enum rc template_partial(void *arg, const char *name,
    struct slice *text);

/*
 * Compile a page, HTML over a model.  A fault in a partial is told with its
 * name, and err->off is a byte of that partial.
 *   RC_INVALID  *err says where and why
 */
MUST_USE enum rc template_compile_page(struct template **t,
    struct slice text, template_partial *load, void *arg,
    struct template_error *err);

void template_free(struct template *t);

/* A tag of it names the variable. */
bool template_names(const struct template *t, enum template_var var);

/* Bytes of text before the first tag or section; all, if there is none. */
size_t template_literal_len(struct slice text);

struct template_data {
	const struct order *order;	/* not for a page */
	const struct json_doc *model;	/* for a page only */
	struct slice	 var[TEMPLATE_VARS];	/* plain; s NULL: missing */
	bool		 strict;	/* a missing value is an error */
	bool		 sparse;	/* in sections "" and 0 are false, too */
};

/*
 * Append the rendering to out.
 *   RC_INVALID  a value is missing and data->strict; why names the tag
 *   RC_TOOBIG   out is over, the template took more than TEMPLATE_STEPS, or
 *               partials or their sections stand too deep in each other
 */
MUST_USE enum rc template_render(const struct template *t,
    const struct template_data *data, struct buf *out, struct buf *why);

#endif
