#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "shape/template_op.h"

enum rc
compile_fault(struct compiler *c, size_t off, const char *fmt, ...)
{
	struct template_error err = { .tok = c->tok, .off = off };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.detail, sizeof err.detail, fmt, ap);
	va_end(ap);
	c->fault(c->arg, &err);
	c->nfault++;
	return RC_INVALID;
}

uint32_t
compile_op(struct compiler *c, enum template_code code, uint16_t ref,
    uint32_t a, uint32_t b)
{
	struct template *t = c->t;

	if (t->nop == t->op_cap) {
		t->op_cap = t->op_cap == 0 ? 16 : 2 * t->op_cap;
		t->op = realloc(t->op, t->op_cap * sizeof *t->op);
		if (t->op == NULL)
			log_fatal("out of memory");
	}
	t->op[t->nop] = (struct template_op){ (uint8_t)code, ref, a, b };
	return (uint32_t)t->nop++;
}

void
compile_literal(struct compiler *c, struct slice s)
{
	struct template *t = c->t;
	uint32_t at = (uint32_t)t->pool.len;
	struct template_op *last = NULL;

	if (s.len == 0)
		return;
	buf_slice(&t->pool, s);
	if (t->nop > c->fixed)
		last = &t->op[t->nop - 1];
	if (last != NULL && last->code == OP_LITERAL && last->a + last->b == at)
		last->b += (uint32_t)s.len;
	else
		compile_op(c, OP_LITERAL, 0, at, (uint32_t)s.len);
}

void
compile_label(struct compiler *c)
{
	c->fixed = c->t->nop;
}

const struct template_delims template_braces = { { "{{", 2 }, { "}}", 2 } };

const char *
template_next_tag(struct slice text, size_t at)
{
	return template_next_tag_in(&template_braces, text, at);
}

const char *
template_next_tag_in(const struct template_delims *d, struct slice text,
    size_t at)
{
	return at >= text.len ? NULL :
	    memmem(text.s + at, text.len - at, d->open.s, d->open.len);
}

size_t
template_literal_len(struct slice text)
{
	const char *p = template_next_tag(text, 0);

	return p == NULL ? text.len : (size_t)(p - text.s);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && is_space(s.s[0])) {
		s.s++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.s[s.len - 1]))
		s.len--;
	return s;
}

/*
 * Where the tag's text ends: at the closing delimiter, which after { and = has
 * the same sign before it once more.
 */
static const char *
find_end(const struct template_delims *d, struct slice in, char before)
{
	const char *end = in.s, *stop = in.s + in.len;

	while (end < stop) {
		end = memmem(end, (size_t)(stop - end), d->close.s,
		    d->close.len);
		if (end == NULL || before == '\0')
			return end;
		if (end > in.s && end[-1] == before)
			return end - 1;
		end++;
	}
	return NULL;
}

enum rc
template_tag(struct slice text, struct template_tag *tag)
{
	return template_tag_in(&template_braces, text, tag);
}

enum rc
template_tag_in(const struct template_delims *d, struct slice text,
    struct template_tag *tag)
{
	struct slice in = { text.s + d->open.len, text.len - d->open.len };
	const char *end;
	char before;

	tag->kind = '\0';
	if (in.len > 0 && in.s[0] != '\0' &&
	    strchr("{&#^/!=>", in.s[0]) != NULL) {
		tag->kind = in.s[0];
		in.s++;
		in.len--;
	}
	before = tag->kind == '{' ? '}' : tag->kind == '=' ? '=' : '\0';
	end = find_end(d, in, before);
	if (end == NULL)
		return RC_INVALID;
	tag->name = trim((struct slice){ in.s, (size_t)(end - in.s) });
	tag->len = (size_t)(end - text.s) + (before != '\0') + d->close.len;
	return RC_OK;
}

enum rc
template_set_delims(struct slice both, struct template_delims *d)
{
	size_t n = 0;

	while (n < both.len && !is_space(both.s[n]))
		n++;
	d->open = (struct slice){ both.s, n };
	d->close = trim((struct slice){ both.s + n, both.len - n });
	if (d->open.len == 0 || d->close.len == 0 ||
	    memchr(both.s, '=', both.len) != NULL)
		return RC_INVALID;
	for (size_t i = 0; i < d->close.len; i++)
		if (is_space(d->close.s[i]))
			return RC_INVALID;
	return RC_OK;
}

enum rc
compile_open(struct compiler *c, enum template_code code, struct slice name,
    size_t off)
{
	struct template_open *open = &c->open[c->nopen];
	const struct template_ref *r;
	uint16_t ref;
	enum rc rc;

	if (c->nopen == NELEM(c->open))
		return compile_fault(c, off,
		    "sections stand at most %d deep in each other",
		    TEMPLATE_NESTING);
	rc = compile_name(c, name, off, &ref);
	if (rc != RC_OK)
		return rc;
	r = &c->t->ref[ref];
	*open = (struct template_open){ .name = r->name,
	    .name_len = r->name_len, .off = off,
	    .inverted = code == OP_UNLESS };
	/* what an item of this section may be asked for by name */
	if (r->item || r->source == FROM_ITEM ||
	    (r->source == FROM_ORDER && c->t->catalog == NULL))
		open->item = ITEM_ANY;
	else if (r->source == FROM_ORDER)
		open->item = slice_is(name, "legs") ? ITEM_LEG : ITEM_ANY;
	if (open->inverted)
		open->item = ITEM_NONE;
	open->op = compile_op(c, code, ref, 0, 0);
	c->nopen++;
	return RC_OK;
}

void
compile_close(struct compiler *c)
{
	const struct template_open *open = &c->open[--c->nopen];

	if (!open->inverted)
		compile_op(c, OP_END, 0, open->op, 0);
	c->t->op[open->op].a = (uint32_t)c->t->nop;
	compile_label(c);
}

struct template *
template_new(enum template_place place, const struct catalog *catalog)
{
	struct template *t = calloc(1, sizeof *t);

	if (t == NULL)
		log_fatal("out of memory");
	t->place = place;
	t->catalog = catalog;
	t->pool = (struct buf)BUF_INIT(UINT32_MAX);
	return t;
}

static void
keep_fault(void *arg, const struct template_error *err)
{
	*(struct template_error *)arg = *err;
}

enum rc
template_compile(struct template **t, const struct catalog *catalog,
    enum template_place place, struct slice text, struct template_error *err)
{
	struct compiler c = { .fault = keep_fault, .arg = err };
	enum rc rc;

	c.t = template_new(place, catalog);
	rc = compile_text(&c, text);
	if (rc == RC_OK) {
		compile_op(&c, OP_RETURN, 0, 0, 0);
		*t = c.t;
	} else
		template_free(c.t);
	return rc;
}

bool
template_names(const struct template *t, enum template_var var)
{
	for (size_t i = 0; i < t->nref; i++)
		if (t->ref[i].source == FROM_VAR && t->ref[i].index == var)
			return true;
	return false;
}

void
template_free(struct template *t)
{
	if (t == NULL)
		return;
	free(t->op);
	free(t->ref);
	buf_free(&t->pool);
	free(t);
}
