/*
 * Compiling a JSON value: what is not a template stays as it was written, and
 * three forms stand for whole values: "{{{name}}}", {"{{#name}}": value} and
 * {"{{^name}}": value}.  A fault ends its string only, so that all strings'
 * faults are told at once; that of a section ends its value, too, since what
 * may be named in there is not known.
 */
#include "shape/piece.h"
#include "shape/template_op.h"

static void value(struct compiler *c, const struct json_doc *d, uint32_t i);

static void
word(struct compiler *c, const char *s)
{
	compile_literal(c, slice_of(s));
}

/* A text that is one tag of such a kind and nothing else. */
static bool
is_one_tag(struct slice text, const char *kinds, struct template_tag *tag)
{
	return text.len > 4 && memcmp(text.s, "{{", 2) == 0 &&
	    template_tag(text, tag) == RC_OK && tag->len == text.len &&
	    tag->kind != '\0' && strchr(kinds, tag->kind) != NULL;
}

/* The text of key or string i; sections that a fault left open are closed. */
static void
text(struct compiler *c, uint32_t i, struct slice s)
{
	size_t base = c->nopen;

	c->tok = i;
	if (compile_text(c, s) != RC_OK)
		c->nopen = base;
}

/* The text of a key or string, unescaped into plain only if need be. */
static struct slice
text_of(const struct json_doc *d, uint32_t i, struct buf *plain)
{
	if (!d->tok[i].escaped)
		return json_raw(d, i);
	buf_clear(plain);
	piece_put(json_raw(d, i), plain);
	return buf_as_slice(plain);
}

static bool
has_tag(struct slice s)
{
	return template_next_tag(s, 0) != NULL;
}

static void
string(struct compiler *c, const struct json_doc *d, uint32_t i)
{
	struct buf plain = BUF_INIT(UINT32_MAX);
	struct slice s = text_of(d, i, &plain);
	struct template_tag tag;
	uint16_t ref;

	c->tok = i;
	if (!has_tag(s))
		compile_literal(c, json_text(d, i));
	else if (!is_one_tag(s, "{&", &tag)) {
		word(c, "\"");
		text(c, i, s);
		word(c, "\"");
	} else if (compile_name(c, tag.name, 0, &ref) == RC_OK)
		compile_op(c, OP_VALUE, ref, 0, 0);
	buf_free(&plain);
}

/* {"{{#name}}": v} is a list, {"{{^name}}": v} is v or null. */
static void
section(struct compiler *c, const struct json_doc *d, uint32_t key,
    const struct template_tag *tag)
{
	bool each = tag->kind == '#';
	uint32_t jump;

	c->tok = key;
	if (each)
		word(c, "[");
	if (compile_open(c, each ? OP_LIST : OP_UNLESS, tag->name, 0) != RC_OK)
		return;
	value(c, d, key + 1);
	if (each) {
		compile_close(c);
		word(c, "]");
		return;
	}
	jump = compile_op(c, OP_JUMP, 0, 0, 0);
	compile_close(c);
	word(c, "null");
	c->t->op[jump].a = (uint32_t)c->t->nop;
	compile_label(c);
}

static void
key(struct compiler *c, const struct json_doc *d, uint32_t k)
{
	struct buf plain = BUF_INIT(UINT32_MAX);
	struct slice s = text_of(d, k, &plain);
	struct template_tag tag;

	c->tok = k;
	if (is_one_tag(s, "#^", &tag))
		compile_fault(c, 0, "a section must be the only key of its "
		    "object");
	else if (!has_tag(s))
		compile_literal(c, json_text(d, k));
	else {
		word(c, "\"");
		text(c, k, s);
		word(c, "\"");
	}
	word(c, ":");
	buf_free(&plain);
}

static void
object(struct compiler *c, const struct json_doc *d, uint32_t obj)
{
	struct buf plain = BUF_INIT(UINT32_MAX);
	struct template_tag tag;

	if (d->tok[obj].n == 1 &&
	    is_one_tag(text_of(d, obj + 1, &plain), "#^", &tag)) {
		section(c, d, obj + 1, &tag);
		goto done;
	}
	word(c, "{");
	for (uint32_t k = obj + 1; k < d->tok[obj].next;
	    k = d->tok[k + 1].next) {
		if (k > obj + 1)
			word(c, ",");
		key(c, d, k);
		value(c, d, k + 1);
	}
	word(c, "}");
done:
	buf_free(&plain);
}

static void
list(struct compiler *c, const struct json_doc *d, uint32_t i)
{
	word(c, "[");
	for (uint32_t v = i + 1; v < d->tok[i].next; v = d->tok[v].next) {
		if (v > i + 1)
			word(c, ",");
		value(c, d, v);
	}
	word(c, "]");
}

/* As deep as the scanner let the document be. */
static void
value(struct compiler *c, const struct json_doc *d, uint32_t i)
{
	switch ((enum json_type)d->tok[i].type) {
	case JSON_OBJECT:
		object(c, d, i);
		break;
	case JSON_ARRAY:
		list(c, d, i);
		break;
	case JSON_STRING:
		string(c, d, i);
		break;
	default:
		compile_literal(c, json_text(d, i));
	}
}

enum rc
template_compile_json(struct template **t, const struct catalog *catalog,
    const struct json_doc *d, uint32_t i, template_fault *fault, void *arg)
{
	struct compiler c = { .fault = fault, .arg = arg };

	c.t = template_new(TEMPLATE_JSON, catalog);
	value(&c, d, i);
	if (c.nfault > 0) {
		template_free(c.t);
		return RC_INVALID;
	}
	compile_op(&c, OP_RETURN, 0, 0, 0);
	*t = c.t;
	return RC_OK;
}
