/*
 * Compiling a page: a template over a model, with partials.  A partial is
 * compiled once and called, so that it may name itself; what it stands for is
 * asked of whoever has the files.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "shape/template_op.h"

#define PARTS_MAX 256

static struct template_part *
add_part(struct template_page *pg)
{
	if (pg->npart == pg->part_cap) {
		pg->part_cap = pg->part_cap == 0 ? 8 : 2 * pg->part_cap;
		pg->part = reallocarray(pg->part, pg->part_cap,
		    sizeof *pg->part);
		if (pg->part == NULL)
			log_fatal("out of memory");
	}
	return &pg->part[pg->npart++];
}

static struct slice
part_name(const struct compiler *c, size_t i)
{
	const struct template_part *p = &c->page->part[i];

	return (struct slice){ c->t->pool.s + p->name, p->name_len };
}

/* op.a is the partial's place in the list, until all of them are compiled. */
enum rc
compile_partial(struct compiler *c, struct slice name,
    const struct slice *indent, size_t off)
{
	struct template_page *pg = c->page;
	struct template_part *p;
	size_t i = 0;
	uint32_t at;

	if (name.len == 0)
		return compile_fault(c, off, "a tag needs a name");
	while (i < pg->npart && !slice_eq(part_name(c, i), name))
		i++;
	if (i == PARTS_MAX)
		return compile_fault(c, off, "too many different partials");
	if (i == pg->npart) {
		p = add_part(pg);
		p->name = (uint32_t)c->t->pool.len;
		p->name_len = (uint32_t)name.len;
		buf_slice(&c->t->pool, name);
	}
	if (indent != NULL && indent->len > UINT16_MAX)
		return compile_fault(c, off, "the indentation is too long");
	at = (uint32_t)c->t->pool.len;
	if (indent != NULL)
		buf_slice(&c->t->pool, *indent);
	compile_op(c, indent == NULL ? OP_INSET : OP_PARTIAL,
	    indent == NULL ? 0 : (uint16_t)indent->len, (uint32_t)i, at);
	return RC_OK;
}

/* A fault in a partial says in which. */
struct report {
	const struct template_page *page;
	struct template_error *err;
};

static void
report(void *arg, const struct template_error *err)
{
	const struct report *r = arg;

	*r->err = *err;
	if (r->page->in != NULL)
		snprintf(r->err->detail, sizeof r->err->detail,
		    "in partial %.60s: %.120s", r->page->in, err->detail);
}

static enum rc
compile_part(struct compiler *c, size_t i)
{
	struct template_page *pg = c->page;
	struct buf name = BUF_INIT(UINT32_MAX);
	struct slice text = { NULL, 0 };
	enum rc rc;

	buf_slice(&name, part_name(c, i));	/* the pool may move */
	pg->in = buf_str(&name);
	pg->fresh = true;
	pg->part[i].entry = (uint32_t)c->t->nop;
	compile_label(c);
	rc = pg->load(pg->arg, pg->in, &text);
	if (rc == RC_NOTFOUND)
		rc = RC_OK;		/* the specification: it is empty */
	else if (rc != RC_OK)
		rc = compile_fault(c, 0, "it can't be read");
	if (rc == RC_OK && text.len > 0)
		rc = compile_text(c, text);
	compile_op(c, OP_RETURN, 0, 0, 0);
	pg->in = NULL;
	buf_free(&name);
	return rc;
}

enum rc
template_compile_page(struct template **t, struct slice text,
    template_partial *load, void *arg, struct template_error *err)
{
	struct template_page pg = { .load = load, .arg = arg, .fresh = true };
	struct compiler c = { .page = &pg, .fault = report };
	struct report r = { &pg, err };
	enum rc rc;

	c.arg = &r;
	c.t = template_new(TEMPLATE_HTML, NULL);
	rc = compile_text(&c, text);
	compile_op(&c, OP_RETURN, 0, 0, 0);
	for (size_t i = 0; rc == RC_OK && i < pg.npart; i++)
		rc = compile_part(&c, i);
	for (size_t i = 0; rc == RC_OK && i < c.t->nop; i++) {
		struct template_op *op = &c.t->op[i];

		if (op->code == OP_PARTIAL || op->code == OP_INSET)
			op->a = pg.part[op->a].entry;
	}
	free(pg.part);
	if (rc == RC_OK)
		*t = c.t;
	else
		template_free(c.t);
	return rc;
}
