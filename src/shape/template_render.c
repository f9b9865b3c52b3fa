/*
 * Walking a compiled template.  Sections keep their items on a stack of fixed
 * depth, partials their way back on another, so nothing is allocated.  Every
 * op and every member looked at counts as a step: sections inside sections
 * over a long list can't keep a sweep busy for hours.
 */
#include "base/text.h"
#include "shape/piece.h"
#include "shape/template_op.h"

/* A value, and whether its text is plain rather than a JSON string's. */
struct found {
	struct order_value v;
	bool	plain;
};

struct item {
	struct found	f;
	uint32_t next, end;	/* tokens of the items that follow */
};

/* A partial under way. */
struct call {
	uint32_t back;		/* the op after it */
	uint32_t indent, len;	/* in the pool */
	size_t	 from;		/* the first call whose indentation counts */
};

struct render {
	const struct template *t;
	const struct template_data *data;
	const struct json_doc *doc;	/* of the order, or the model */
	struct buf	*out, *why;
	uint64_t	 steps;
	size_t		 nitem, ncall;
	struct item	 item[TEMPLATE_NESTING];
	struct call	 call[TEMPLATE_CALLS];
};

static struct slice
pool_slice(const struct template *t, uint32_t at, uint32_t len)
{
	return (struct slice){ t->pool.s + at, len };
}

/*
 * A path in an order leads through its keys whatever they are; in a page's
 * model the specification has it that a dotted name is never one key.
 */
static uint32_t
follow(struct render *r, uint32_t from, struct slice path)
{
	uint32_t i = from;
	const char *dot;

	if (r->t->catalog != NULL || path.len == 0)
		return order_walk(r->doc, from, path, &r->steps);
	do {
		struct slice name = path;

		dot = memchr(path.s, '.', path.len);
		if (dot != NULL) {
			name.len = (size_t)(dot - path.s);
			path.s += name.len + 1;
			path.len -= name.len + 1;
		}
		r->steps += r->doc->tok[i].n;
		i = json_find_slice(r->doc, i, name);
	} while (i != 0 && dot != NULL);
	return i;
}

/*
 * Mustache's rule: a name is looked for from the innermost item outwards, and
 * where its first part is found the rest must be, too.
 */
static bool
from_items(struct render *r, const struct template_ref *ref,
    struct order_value *v)
{
	struct slice name = pool_slice(r->t, ref->name, ref->name_len);
	const char *dot = memchr(name.s, '.', name.len);
	struct slice first = { name.s,
	    dot == NULL ? name.len : (size_t)(dot - name.s) };

	for (size_t n = r->nitem; n > 0; n--) {
		const struct order_value *of = &r->item[n - 1].f.v;
		uint32_t i;

		if (of->type != JSON_OBJECT)
			continue;
		i = follow(r, of->tok, name);
		if (i != 0) {
			*v = order_value_at(r->doc, i);
			return true;
		}
		if (dot != NULL && follow(r, of->tok, first) != 0)
			return true;	/* *v is not found */
	}
	return false;
}

static struct found
variable(const struct template_data *data, enum template_var var)
{
	struct slice s = data->var[var];

	return (struct found){ .plain = true, .v = {
	    .found = s.s != NULL, .text = s,
	    .type = var == TEMPLATE_DELIVERY_ATTEMPT ? JSON_NUMBER :
		JSON_STRING } };
}

static struct order_value
below_root(struct render *r, struct slice path)
{
	uint32_t i = follow(r, 0, path);

	return i == 0 && path.len > 0 ? (struct order_value){ .found = false } :
	    order_value_at(r->doc, i);
}

static struct found
resolve(struct render *r, uint16_t index)
{
	const struct template_ref *ref = &r->t->ref[index];
	struct found f = { .plain = false };

	if (ref->item && from_items(r, ref, &f.v))
		return f;
	switch ((enum template_source)ref->source) {
	case FROM_FIELD:
		f.v = order_field(r->data->order,
		    catalog_field_at(r->t->catalog, ref->index));
		break;
	case FROM_ORDER:
		f.v = below_root(r, pool_slice(r->t, ref->path,
		    ref->path_len));
		break;
	case FROM_VAR:
		return variable(r->data, (enum template_var)ref->index);
	case FROM_ITEM:
		if (r->nitem > 0)
			return r->item[r->nitem - 1].f;
		f.v = order_value_at(r->doc, 0);
		break;
	case FROM_NOTHING:
		if (r->t->catalog == NULL)	/* a page: the model's own */
			f.v = below_root(r, pool_slice(r->t, ref->name,
			    ref->name_len));
		break;
	}
	return f;
}

static void
put_header(struct buf *out, struct slice s)
{
	size_t at = out->len;

	buf_slice(out, s);
	for (; at < out->len; at++)
		if ((unsigned char)out->s[at] < 0x20 || out->s[at] == 0x7f)
			out->s[at] = ' ';
}

/*
 * Slack's markup (docs.slack.dev/messaging/formatting-message-text): with these
 * three disarmed no value can be a link, a mention or <!channel>.
 */
static void
put_slack(struct buf *out, struct slice s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		const char *as = s.s[i] == '&' ? "&amp;" :
		    s.s[i] == '<' ? "&lt;" : s.s[i] == '>' ? "&gt;" : NULL;

		if (as == NULL)
			continue;
		json_put_escaped(out, (struct slice){ s.s + from, i - from });
		buf_puts(out, as);
		from = i + 1;
	}
	json_put_escaped(out, (struct slice){ s.s + from, s.len - from });
}

static void
put_escaped(struct buf *out, enum template_place place, struct slice s)
{
	switch (place) {
	case TEMPLATE_TEXT:
		buf_slice(out, s);
		break;
	case TEMPLATE_JSON:
		json_put_escaped(out, s);
		break;
	case TEMPLATE_SLACK:
		put_slack(out, s);
		break;
	case TEMPLATE_URL:
		text_percent(out, s);
		break;
	case TEMPLATE_HEADER:
		put_header(out, s);
		break;
	case TEMPLATE_HTML:
		text_html(out, s);
		break;
	}
}

static void
put_text(struct buf *out, enum template_place place, const struct found *f)
{
	struct slice text = f->v.text, run;
	char tmp[4];

	if (f->v.escaped)
		while (piece_next(&text, tmp, &run))
			put_escaped(out, place, run);
	else if (place == TEMPLATE_JSON && !f->plain &&
	    (f->v.type == JSON_STRING || f->v.type == JSON_NUMBER))
		buf_slice(out, text);	/* as it stood in a string */
	else
		put_escaped(out, place, text);
}

static void
put_value(struct buf *out, const struct found *f)
{
	if (!f->v.found)
		buf_puts(out, "null");
	else if (f->v.type != JSON_STRING)
		buf_slice(out, f->v.text);
	else if (f->plain)
		json_put_string(out, f->v.text);
	else {
		buf_putc(out, '"');
		buf_slice(out, f->v.text);
		buf_putc(out, '"');
	}
}

static enum rc
missing(const struct render *r, uint16_t ref)
{
	const struct template_ref *n = &r->t->ref[ref];

	buf_printf(r->why, "%.*s is missing", (int)n->name_len,
	    r->t->pool.s + n->name);
	return RC_INVALID;
}

static bool
is_true(const struct render *r, const struct found *f)
{
	if (r->data->sparse && f->v.found && f->v.type <= JSON_STRING &&
	    (f->v.text.len == 0 || slice_is(f->v.text, "0")))
		return false;
	return f->v.found && f->v.type != JSON_FALSE &&
	    (f->v.type != JSON_ARRAY || r->doc->tok[f->v.tok].n > 0);
}

/* The place of what stands there without its markup being escaped. */
static enum template_place
raw_place(enum template_place place)
{
	return place == TEMPLATE_SLACK ? TEMPLATE_JSON : TEMPLATE_TEXT;
}

static enum rc
too_deep(const struct render *r)
{
	buf_puts(r->why, "its partials stand too deep in each other");
	return RC_TOOBIG;
}

static enum rc
enter(struct render *r, const struct found *f)
{
	const struct json_tok *tok = r->doc->tok;
	struct item *item = &r->item[r->nitem];

	if (r->nitem == NELEM(r->item))	/* a partial in its own sections */
		return too_deep(r);
	r->nitem++;
	if (f->v.type == JSON_ARRAY) {
		item->f = (struct found){ .v = order_value_at(r->doc,
		    f->v.tok + 1) };
		item->next = tok[f->v.tok + 1].next;
		item->end = tok[f->v.tok].next;
	} else
		*item = (struct item){ *f, 0, 0 };
	return RC_OK;
}

/* On to the next item; false: that was the last one. */
static bool
advance(struct render *r)
{
	struct item *item = &r->item[r->nitem - 1];

	if (item->next == item->end) {
		r->nitem--;
		return false;
	}
	item->f.v = order_value_at(r->doc, item->next);
	item->next = r->doc->tok[item->next].next;
	return true;
}

/* Within a line no indentation of the partials around it holds. */
static enum rc
call(struct render *r, const struct template_op *op, uint32_t *at)
{
	struct call *c = &r->call[r->ncall];

	if (r->ncall == NELEM(r->call))
		return too_deep(r);
	*c = (struct call){ .back = *at, .indent = op->b, .len = op->ref,
	    .from = op->code == OP_INSET ? r->ncall + 1 :
		r->ncall == 0 ? 0 : r->call[r->ncall - 1].from };
	r->ncall++;
	*at = op->a;
	return RC_OK;
}

static void
indent(struct render *r)
{
	for (size_t i = r->call[r->ncall - 1].from; i < r->ncall; i++)
		buf_put(r->out, r->t->pool.s + r->call[i].indent,
		    r->call[i].len);
}

/* Carry out one op; *at is the next one. */
static enum rc
step(struct render *r, uint32_t *at)
{
	const struct template_op *op = &r->t->op[(*at)++];
	struct found f;

	switch ((enum template_code)op->code) {
	case OP_LITERAL:
		buf_put(r->out, r->t->pool.s + op->a, op->b);
		break;
	case OP_TEXT:
	case OP_RAW:
	case OP_VALUE:
		f = resolve(r, op->ref);
		if (!f.v.found && r->data->strict)
			return missing(r, op->ref);
		if (op->code == OP_VALUE)
			put_value(r->out, &f);
		else if (f.v.found)
			put_text(r->out, op->code == OP_RAW ?
			    raw_place(r->t->place) : r->t->place, &f);
		break;
	case OP_SECTION:
	case OP_LIST:
		f = resolve(r, op->ref);
		if (is_true(r, &f))
			return enter(r, &f);
		*at = op->a;
		break;
	case OP_END:
		if (advance(r)) {
			if (r->t->op[op->a].code == OP_LIST)
				buf_putc(r->out, ',');
			*at = op->a + 1;
		}
		break;
	case OP_UNLESS:
		f = resolve(r, op->ref);
		if (is_true(r, &f))
			*at = op->a;
		break;
	case OP_JUMP:
		*at = op->a;
		break;
	case OP_PARTIAL:
	case OP_INSET:
		return call(r, op, at);
	case OP_INDENT:
		indent(r);
		break;
	case OP_RETURN:
		*at = r->ncall == 0 ? (uint32_t)r->t->nop :
		    r->call[--r->ncall].back;
		break;
	}
	return RC_OK;
}

enum rc
template_render(const struct template *t, const struct template_data *data,
    struct buf *out, struct buf *why)
{
	struct render r;
	uint32_t at = 0;
	enum rc rc;

	r.t = t;
	r.data = data;
	r.out = out;
	r.why = why;
	r.doc = data->model != NULL ? data->model : &data->order->doc;
	r.steps = 0;
	r.nitem = r.ncall = 0;
	while (at < t->nop) {
		rc = step(&r, &at);
		if (rc != RC_OK)
			return rc;
		if (out->over) {
			buf_printf(why, "it is longer than %zu bytes",
			    out->max);
			return RC_TOOBIG;
		}
		if (++r.steps > TEMPLATE_STEPS) {
			buf_puts(why, "it takes too long to render");
			return RC_TOOBIG;
		}
	}
	return RC_OK;
}
