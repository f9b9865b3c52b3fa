#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "shape/filter_data.h"

#define FAULTS_MAX	32	/* told of one filter */

struct compiler {
	struct filter	*f;
	const struct catalog *c;
	const struct json_doc *d;
	filter_fault	*fault;
	void		*arg;
	size_t		 nfault, ncondition;
	bool		 full;		/* too many: the rest is not read */
	bool		 old;		/* fields may be unknown; */
	uint32_t	 at;		/* where they stood */
};

static const char *const op_names[] = {
	[FILTER_EQ] = "=", [FILTER_NE] = "!=", [FILTER_IN] = "in",
	[FILTER_NOT_IN] = "not in", [FILTER_PREFIX] = "prefix",
	[FILTER_EXISTS] = "exists", [FILTER_LT] = "<", [FILTER_LE] = "<=",
	[FILTER_GT] = ">", [FILTER_GE] = ">=",
};

static void wrong(struct compiler *c, uint32_t tok, const char *fmt, ...)
    PRINTF(3, 4);

static void
wrong(struct compiler *c, uint32_t tok, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (c->nfault++ >= FAULTS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	c->fault(c->arg, tok, text);
}

static void *
grow(void *p, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap == 0 ? 8 : 2 * *cap;
	p = realloc(p, *cap * size);
	if (p == NULL)
		log_fatal("out of memory");
	return p;
}

static void *
shrink(void *p, size_t n, size_t size)
{
	void *q = n == 0 ? NULL : realloc(p, n * size);

	return q == NULL ? p : q;
}

/* There are many filters in a program: give back what one did not need. */
static void
trim(struct filter *f)
{
	f->node = shrink(f->node, f->nnode, sizeof *f->node);
	f->value = shrink(f->value, f->nvalue, sizeof *f->value);
	if (f->pool.len > 0) {
		f->pool.cap = f->pool.len + 1;
		f->pool.s = shrink(f->pool.s, f->pool.cap, 1);
	}
}

static size_t
add_node(struct compiler *c, enum filter_kind kind)
{
	struct filter *f = c->f;

	f->node = grow(f->node, &f->node_cap, f->nnode, sizeof *f->node);
	f->node[f->nnode] = (struct filter_node){ .kind = (uint8_t)kind };
	return f->nnode++;
}

/* Text of a scalar into the pool. */
static void
pool_text(struct compiler *c, uint32_t tok, uint32_t *off, uint32_t *len)
{
	struct buf *pool = &c->f->pool;

	*off = (uint32_t)pool->len;
	if (c->d->tok[tok].type == JSON_STRING)
		json_string(c->d, tok, pool);
	else
		buf_slice(pool, json_text(c->d, tok));
	*len = (uint32_t)pool->len - *off;
}

static bool
is_ordering(enum filter_op op)
{
	return op >= FILTER_LT;
}

static const char *
type_name(enum catalog_type type)
{
	static const char *const name[] = { [CATALOG_TEXT] = "a text",
	    [CATALOG_INTEGER] = "an integer",
	    [CATALOG_DECIMAL] = "a decimal number",
	    [CATALOG_TIME] = "a time" };

	return name[type];
}

/* A value is not of its field's type: say which it should be, and show one. */
static void
wrong_type(struct compiler *c, const struct catalog_field *f, uint32_t tok)
{
	const char *like = f->sample == NULL ? "" : f->sample;
	const char *quote = f->type == CATALOG_TEXT ? "\"" : "";

	if (f->type == CATALOG_TIME)
		like = "2026-11-23T10:00:00Z";
	wrong(c, tok, "must be %s%s%s%s%s", type_name(f->type),
	    *like == '\0' ? "" : ", like ", *like == '\0' ? "" : quote, like,
	    *like == '\0' ? "" : quote);
}

/* As intake takes an integer or a decimal: without fraction, or exponent. */
static bool
fits(enum catalog_type type, struct slice s)
{
	bool exponent = memchr(s.s, 'e', s.len) != NULL ||
	    memchr(s.s, 'E', s.len) != NULL;

	return !exponent && (type != CATALOG_INTEGER ||
	    memchr(s.s, '.', s.len) == NULL);
}

/* A text that is a time is compared as one wherever it is sent. */
static bool
is_time(const struct filter_node *n, struct slice s)
{
	int64_t ms;

	return is_ordering(n->op) || (n->op != FILTER_PREFIX &&
	    clock_parse(s, true, &ms, NULL) == RC_OK);
}

/* How a value is to be compared; false, and reported, if it can't be. */
static bool
classify(struct compiler *c, const struct filter_node *n, uint32_t tok,
    struct filter_value *v)
{
	struct slice s = { buf_str(&c->f->pool) + v->off, v->len };
	bool number = c->d->tok[tok].type == JSON_NUMBER, good = true;
	bool string = c->d->tok[tok].type == JSON_STRING;
	int sign;

	v->as = AS_TEXT;
	if (n->field == NULL) {
		v->as = number ? AS_NUMBER : is_time(n, s) ? AS_TIME : AS_TEXT;
	} else if (n->field->type != CATALOG_TEXT)
		v->as = n->field->type == CATALOG_TIME ? AS_TIME : AS_NUMBER;
	else
		good = number || string;
	if (v->as == AS_NUMBER)
		good = filter_decimal_compare(s, s, &sign) &&
		    (n->field == NULL || fits(n->field->type, s));
	else if (v->as == AS_TIME)
		good = string && clock_parse(s, true, &v->ms, NULL) == RC_OK;
	if (!good && n->field != NULL)
		wrong_type(c, n->field, tok);
	else if (!good)
		wrong(c, tok, "must be a number, or a time like "
		    "2026-11-23T10:00:00Z");
	return good;
}

/* OW is read as One Way in an order, so it must be here. */
static void
booking_words(struct buf *pool, struct filter_value *v)
{
	const char *words = order_booking_words((struct slice){
	    buf_str(pool) + v->off, v->len });

	if (words == NULL)
		return;
	v->off = (uint32_t)pool->len;
	v->len = (uint32_t)strlen(words);
	buf_puts(pool, words);
}

static void
add_value(struct compiler *c, struct filter_node *n, uint32_t tok)
{
	const struct json_tok *t = &c->d->tok[tok];
	struct filter *f = c->f;
	struct filter_value v = { .as = AS_TEXT };

	if (n->op == FILTER_PREFIX && t->type != JSON_STRING) {
		wrong(c, tok, "must be a string");
		return;
	}
	if (t->type == JSON_NULL || t->type > JSON_STRING) {
		wrong(c, tok, t->type == JSON_NULL ? "can't be null; the "
		    "operator exists asks whether there is a value" :
		    "must be a string, a number, true or false");
		return;
	}
	if (f->nvalue >= FILTER_VALUES_MAX) {
		if (!c->full)
			wrong(c, tok, "a filter has at most %d values",
			    FILTER_VALUES_MAX);
		c->full = true;
		return;
	}
	pool_text(c, tok, &v.off, &v.len);
	if (f->pool.over || !classify(c, n, tok, &v))
		return;
	if (n->field != NULL && n->field->derived == CATALOG_BOOKING)
		booking_words(&f->pool, &v);
	f->value = grow(f->value, &f->value_cap, f->nvalue, sizeof *f->value);
	f->value[f->nvalue++] = v;
	n->nvalue++;
}

static void
read_values(struct compiler *c, struct filter_node *n, uint32_t test,
    uint32_t tok)
{
	const struct json_tok *t = c->d->tok;
	bool list = n->op == FILTER_IN || n->op == FILTER_NOT_IN;

	n->value = (uint32_t)c->f->nvalue;
	n->exists = true;
	if (n->op == FILTER_EXISTS) {
		if (tok != 0 && t[tok].type != JSON_TRUE &&
		    t[tok].type != JSON_FALSE)
			wrong(c, tok, "must be true or false");
		n->exists = tok == 0 || t[tok].type == JSON_TRUE;
	} else if (tok == 0)
		wrong(c, test, "lacks value");
	else if (list != (t[tok].type == JSON_ARRAY) ||
	    (list && t[tok].n == 0))
		wrong(c, tok, list ? "must be a list, and not empty" :
		    "must not be a list; the operator in takes one");
	else if (list)
		for (uint32_t v = tok + 1; v < t[tok].next; v = t[v].next)
			add_value(c, n, v);
	else
		add_value(c, n, tok);
}

/* A pointer's parts (RFC 6901) as a path has them, with dots between. */
static void
put_old_path(struct compiler *c, struct slice name)
{
	struct buf pointer = BUF_INIT(4096);
	uint32_t at = c->at == 0 ? 0 : json_find_slice(c->d, c->at, name);
	struct buf *out = &c->f->pool;

	if (at != 0)
		json_string(c->d, at, &pointer);
	else {
		buf_putc(&pointer, '/');
		buf_slice(&pointer, name);
	}
	for (size_t i = 1; i < pointer.len; i++) {
		char ch = pointer.s[i];

		if (at != 0 && ch == '~' && i + 1 < pointer.len)
			buf_putc(out, pointer.s[++i] == '0' ? '~' : '/');
		else
			buf_putc(out, at != 0 && ch == '/' ? '.' : ch);
	}
	buf_free(&pointer);
}

static void
read_field(struct compiler *c, struct filter_node *n, uint32_t tok)
{
	struct buf name = BUF_INIT(4096);
	const char *near;
	size_t skip;

	if (c->d->tok[tok].type == JSON_STRING)
		json_string(c->d, tok, &name);
	n->field = catalog_field_find(c->c, buf_as_slice(&name));
	if (n->field != NULL)
		goto done;
	skip = slice_is(buf_as_slice(&name), "legs") ? 0 : 6;
	if (skip == 0 || (name.len > 6 && memcmp(name.s, "order.", 6) == 0)) {
		n->path = (uint32_t)c->f->pool.len;
		n->path_len = (uint32_t)(name.len - skip);
		buf_put(&c->f->pool, name.s + skip, name.len - skip);
		goto done;
	}
	if (c->old) {
		n->path = (uint32_t)c->f->pool.len;
		put_old_path(c, buf_as_slice(&name));
		n->path_len = (uint32_t)c->f->pool.len - n->path;
		goto done;
	}
	near = catalog_field_nearest(c->c, buf_as_slice(&name));
	if (near == NULL)
		wrong(c, tok, "must be a field of the catalogue, or "
		    "order.path");
	else
		wrong(c, tok, "is no field; did you mean %s?", near);
done:
	buf_free(&name);
}

static bool
read_op(struct compiler *c, struct filter_node *n, uint32_t tok)
{
	for (size_t i = 0; i < NELEM(op_names); i++)
		if (c->d->tok[tok].type == JSON_STRING &&
		    json_string_is(c->d, tok, slice_of(op_names[i]))) {
			n->op = (uint8_t)i;
			return true;
		}
	wrong(c, tok, "must be one of = != in \"not in\" prefix exists < <= "
	    "> >=");
	return false;
}

/* What a field's type has no order or no letters for. */
static bool
suits(struct compiler *c, const struct filter_node *n, uint32_t tok)
{
	const struct catalog_field *f = n->field;

	if (f == NULL)
		return true;
	if (f->type == CATALOG_TEXT && is_ordering(n->op)) {
		wrong(c, tok, "orders numbers and times, and %s is a text",
		    f->name);
		return false;
	}
	if (f->type != CATALOG_TEXT && n->op == FILTER_PREFIX) {
		wrong(c, tok, "compares texts, and %s is %s; use >= and <",
		    f->name, type_name(f->type));
		return false;
	}
	return true;
}

static void
read_test(struct compiler *c, uint32_t test)
{
	static const char *const known[] = { "field", "op", "value", "any" };
	struct filter_node n = { .kind = FILTER_TEST };
	uint32_t at[3] = { 0, 0, 0 };
	const struct json_tok *t = c->d->tok;
	size_t place, i;

	for (uint32_t k = test + 1; k < t[test].next; k = t[k + 1].next) {
		for (i = 0; i < NELEM(at); i++)
			if (json_string_is(c->d, k, slice_of(known[i])))
				break;
		if (i < NELEM(at))
			at[i] = k + 1;
		else {
			struct buf key = BUF_INIT(256);
			const char *near;

			json_string(c->d, k, &key);
			near = text_nearest(buf_as_slice(&key), known,
			    NELEM(known));
			if (near == NULL)
				wrong(c, k, "is not a member of a condition");
			else
				wrong(c, k, "is not known here; did you mean "
				    "%s?", near);
			buf_free(&key);
		}
	}
	if (at[0] == 0)
		wrong(c, test, "lacks field");
	else
		read_field(c, &n, at[0]);
	if (at[1] == 0)
		wrong(c, test, "lacks op");
	else if (read_op(c, &n, at[1]) && (n.field != NULL ||
	    n.path_len > 0) && suits(c, &n, at[1]))
		read_values(c, &n, test, at[2]);
	place = add_node(c, FILTER_TEST);
	n.next = (uint32_t)c->f->nnode;
	c->f->node[place] = n;
}

static void read_all(struct compiler *c, uint32_t list);

/* {"any": [[...], [...]]}; as deep as the scanner let it be. */
static void
read_any(struct compiler *c, uint32_t obj, uint32_t lists)
{
	const struct json_tok *t = c->d->tok;
	size_t place;

	if (t[obj].n != 1)
		wrong(c, obj, "any must be the only member of its object");
	if (t[lists].type != JSON_ARRAY || t[lists].n == 0) {
		wrong(c, lists, "must be a list of lists of conditions, and "
		    "not empty");
		return;
	}
	place = add_node(c, FILTER_ANY);
	for (uint32_t i = lists + 1; i < t[lists].next; i = t[i].next) {
		if (t[i].type == JSON_ARRAY && t[i].n == 0)
			wrong(c, i, "must not be empty: it would hold for "
			    "every order");
		read_all(c, i);
	}
	c->f->node[place].next = (uint32_t)c->f->nnode;
}

static void
read_all(struct compiler *c, uint32_t list)
{
	const struct json_tok *t = c->d->tok;
	size_t place;

	if (t[list].type != JSON_ARRAY) {
		wrong(c, list, "must be a list of conditions");
		return;
	}
	place = add_node(c, FILTER_ALL);
	for (uint32_t i = list + 1; i < t[list].next && !c->full;
	    i = t[i].next) {
		uint32_t any = json_find(c->d, i, "any");

		if (t[i].type != JSON_OBJECT)
			wrong(c, i, "must be an object like {\"field\":..., "
			    "\"op\":..., \"value\":...}");
		else if (c->ncondition++ == FILTER_CONDITIONS_MAX) {
			wrong(c, i, "a filter has at most %d conditions",
			    FILTER_CONDITIONS_MAX);
			c->full = true;
		} else if (any != 0)
			read_any(c, i, any);
		else
			read_test(c, i);
	}
	c->f->node[place].next = (uint32_t)c->f->nnode;
}

static enum rc
compile(struct compiler *c, uint32_t i, struct filter **f)
{
	c->f = calloc(1, sizeof *c->f);
	if (c->f == NULL)
		log_fatal("out of memory");
	c->f->pool = (struct buf)BUF_INIT(1024 * 1024);
	read_all(c, i);
	if (c->f->pool.over)
		wrong(c, i, "is too large");
	if (c->nfault > 0) {
		filter_free(c->f);
		return RC_INVALID;
	}
	trim(c->f);
	*f = c->f;
	return RC_OK;
}

enum rc
filter_compile(struct filter **f, const struct catalog *catalog,
    const struct json_doc *d, uint32_t i, filter_fault *fault, void *arg)
{
	struct compiler c = { .c = catalog, .d = d, .fault = fault,
	    .arg = arg };

	return compile(&c, i, f);
}

static void
no_fault(void *arg, uint32_t tok, const char *detail)
{
	(void)arg;		/* whoever compiles the task hears of it */
	(void)tok;
	(void)detail;
}

enum rc
filter_compile_old(struct filter **f, const struct catalog *catalog,
    const struct json_doc *d, uint32_t i, uint32_t at)
{
	struct compiler c = { .c = catalog, .d = d, .fault = no_fault,
	    .old = true, .at = at };

	return compile(&c, i, f);
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	free(f->node);
	free(f->value);
	buf_free(&f->pool);
	free(f);
}
