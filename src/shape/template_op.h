/*
 * template_op - a compiled template in memory.
 *
 * For the files that compile (template.c, _text, _json, _name, _page) and the
 * one that renders; nobody else.  Offsets are bytes of pool.
 */
#ifndef SHAPE_TEMPLATE_OP_H
#define SHAPE_TEMPLATE_OP_H

#include "shape/template.h"

enum template_code {
	OP_LITERAL,	/* a: offset, b: length; as it stands, escaped before */
	OP_TEXT,	/* ref's text, escaped for the place */
	OP_RAW,		/* ref's text, with nothing escaped for the place's
			   markup (pages, Slack) */
	OP_VALUE,	/* ref as a JSON value; null when missing */
	OP_SECTION,	/* ref; a: op after its end, where to go if false */
	OP_LIST,	/* the same with a comma between the items */
	OP_END,		/* a: its section */
	OP_UNLESS,	/* ref; a: where to go if true */
	OP_JUMP,	/* a: where to go */
	OP_PARTIAL,	/* a: its first op; b, ref: offset and length of the
			   indentation before its lines */
	OP_INSET,	/* the same, within a line */
	OP_INDENT,	/* a line of a partial begins */
	OP_RETURN,	/* a partial, or the whole, ends */
};

struct template_op {
	uint8_t	 code;
	uint16_t ref;
	uint32_t a, b;
};

enum template_source {
	FROM_NOTHING,	/* found in an item or not at all */
	FROM_FIELD,	/* index: of the catalogue */
	FROM_ORDER,	/* path below the order, "" for itself */
	FROM_VAR,	/* index: enum template_var */
	FROM_ITEM,	/* the item itself: {{.}} */
};

struct template_ref {
	uint8_t	 source;
	bool	 item;		/* look into the sections' items first */
	uint16_t index;
	uint32_t name, name_len;	/* as written */
	uint32_t path, path_len;	/* for FROM_ORDER */
};

struct template {
	enum template_place place;
	const struct catalog *catalog;
	struct template_op *op;
	size_t	 nop, op_cap;
	struct template_ref *ref;
	size_t	 nref, ref_cap;
	struct buf pool;
};

struct template *template_new(enum template_place place,
    const struct catalog *catalog);

/* A section that is open while compiling. */
struct template_open {
	uint32_t op;
	uint32_t name, name_len;
	size_t	 off;		/* of its tag */
	bool	 inverted;	/* brings no item */
	enum { ITEM_NONE, ITEM_LEG, ITEM_ANY } item;
};

/* What tags begin and end with. */
struct template_delims {
	struct slice	 open, close;
};

/* A partial of a page, compiled once however often it is named. */
struct template_part {
	uint32_t name, name_len;
	uint32_t entry;		/* its first op */
};

/* What only a page has. */
struct template_page {
	template_partial *load;
	void		*arg;
	struct template_part *part;
	size_t		 npart, part_cap;
	const char	*in;		/* the partial being compiled; NULL:
					   the page itself */
	bool		 fresh;		/* at the beginning of its line */
};

struct compiler {
	struct template	*t;
	struct template_page *page;	/* NULL: this is no page */
	struct template_open open[TEMPLATE_NESTING];
	size_t		 nopen;
	size_t		 fixed;	/* ops before it are not appended to */
	uint32_t	 tok;	/* for err */
	template_fault	*fault;
	void		*arg;
	size_t		 nfault;
};

/* Report a fault; always RC_INVALID, which leaves the string it is in. */
enum rc compile_fault(struct compiler *c, size_t off,
    const char *fmt, ...) PRINTF(3, 4);

/* Append an op and give its place. */
uint32_t compile_op(struct compiler *c, enum template_code code, uint16_t ref,
    uint32_t a, uint32_t b);
/* Append bytes that are fit for their place already. */
void compile_literal(struct compiler *c, struct slice s);
/* The next op may be jumped to: no literal grows across it. */
void compile_label(struct compiler *c);

/*
 * Open a section (OP_SECTION, OP_LIST or OP_UNLESS) on a name, and close the
 * innermost one.
 */
MUST_USE enum rc compile_open(struct compiler *c, enum template_code code,
    struct slice name, size_t off);
void compile_close(struct compiler *c);

/* Compile a string's (unescaped) text for the template's place. */
MUST_USE enum rc compile_text(struct compiler *c, struct slice text);

/* Call a partial; indent is NULL within a line. */
MUST_USE enum rc compile_partial(struct compiler *c, struct slice name,
    const struct slice *indent, size_t off);

/* Resolve a name into a ref. */
MUST_USE enum rc compile_name(struct compiler *c, struct slice name,
    size_t off, uint16_t *ref);

/* The tag at the front of text, which begins with the opening delimiter. */
struct template_tag {
	char	 kind;		/* 0 for a name; { & # ^ / ! = > */
	struct slice name;	/* without white space around it */
	size_t	 len;		/* of the whole tag */
};
/* RC_INVALID: it never ends. */
MUST_USE enum rc template_tag(struct slice text, struct template_tag *tag);
MUST_USE enum rc template_tag_in(const struct template_delims *d,
    struct slice text, struct template_tag *tag);

/* The new delimiters that a tag of kind = names; RC_INVALID: it does not. */
MUST_USE enum rc template_set_delims(struct slice both,
    struct template_delims *d);

extern const struct template_delims template_braces;	/* {{ and }} */

/* The next opening delimiter from byte at, or NULL. */
const char *template_next_tag(struct slice text, size_t at);
const char *template_next_tag_in(const struct template_delims *d,
    struct slice text, size_t at);

#endif
