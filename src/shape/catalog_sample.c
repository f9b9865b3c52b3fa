/*
 * The sample order is written straight from the fields' pointers: what stands
 * below one place is found by comparing steps, so there is no tree.  The legs
 * are the file's own sample, with fields that point into them put in.
 */
#include "base/log.h"
#include "shape/catalog_data.h"
#include "shape/catalog_file.h"
#include "shape/order.h"
#include "shape/piece.h"

#define LIST_MAX	64	/* a step to an item further back names a
				   member of an object here */
#define NO_TOKEN	UINT32_MAX
#define NO_FIELD	NULL

struct sample {
	const struct catalog *c;
	const struct catalog_event *type;
	struct json_doc	 legs;
	struct buf	*out;
};

/* A place that fields stand at or below: the first of them, how many steps. */
struct place {
	const struct catalog_field *first;
	size_t	depth;
};

static void write_place(const struct sample *s, struct place p, uint32_t tok);

static bool
is_below(const struct catalog_field *f, struct place p)
{
	if (f->nstep <= p.depth)
		return false;
	for (size_t i = 0; i < p.depth; i++)
		if (!slice_eq(f->step[i], p.first->step[i]))
			return false;
	return true;
}

/* The first field below p that takes this step from it. */
static const struct catalog_field *
step_to(const struct sample *s, struct place p, struct slice step)
{
	for (size_t i = p.first->index; i < s->c->nfield; i++) {
		const struct catalog_field *f = &s->c->field[i];

		if (is_below(f, p) && slice_eq(f->step[p.depth], step))
			return f;
	}
	return NO_FIELD;
}

/* The next step from p that no earlier field takes, from field *i on. */
static const struct catalog_field *
next_step(const struct sample *s, struct place p, size_t *i)
{
	while (*i < s->c->nfield) {
		const struct catalog_field *f = &s->c->field[(*i)++];

		if (is_below(f, p) && step_to(s, p, f->step[p.depth]) == f)
			return f;
	}
	return NO_FIELD;
}

/* An integer is a number; 007 is one too, but as a string only. */
static void
put_sample(struct buf *out, enum catalog_type type, const char *v)
{
	if (type == CATALOG_INTEGER && (v[0] != '0' || v[1] == '\0'))
		buf_puts(out, v);
	else
		json_put_string(out, slice_of(v));
}

static void
write_value(const struct sample *s, const struct catalog_field *f)
{
	bool own = s->type != NULL && s->type->status != NULL &&
	    strcmp(f->name, "orderStatus") == 0;

	put_sample(s->out, f->type, own ? s->type->status : f->sample);
}

static bool
to_item(struct slice step, size_t *n)
{
	*n = 0;
	if (step.len == 0 || step.len > 2 ||
	    (step.len == 2 && step.s[0] == '0'))
		return false;
	for (size_t i = 0; i < step.len; i++) {
		if (step.s[i] < '0' || step.s[i] > '9')
			return false;
		*n = *n * 10 + (size_t)(step.s[i] - '0');
	}
	return *n < LIST_MAX;
}

/* All steps from p lead to items of a list; *n: that many it needs. */
static bool
is_list(const struct sample *s, struct place p, size_t *n)
{
	const struct catalog_field *f;
	size_t i = p.first->index, item;

	*n = 0;
	while ((f = next_step(s, p, &i)) != NO_FIELD) {
		if (!to_item(f->step[p.depth], &item))
			return false;
		*n = item >= *n ? item + 1 : *n;
	}
	return true;
}

static void
write_list(const struct sample *s, struct place p, uint32_t tok, size_t n)
{
	size_t have = tok == NO_TOKEN ? 0 : s->legs.tok[tok].n;
	uint32_t item = tok + 1;

	buf_putc(s->out, '[');
	for (size_t i = 0; i < n || i < have; i++) {
		const char digits[] = { (char)('0' + i / 10),
		    (char)('0' + i % 10) };
		struct slice step = { i < 10 ? digits + 1 : digits,
		    i < 10 ? 1 : 2 };
		const struct catalog_field *f = i < LIST_MAX ?
		    step_to(s, p, step) : NO_FIELD;

		buf_puts(s->out, i == 0 ? "" : ",");
		if (f != NO_FIELD)
			write_place(s, (struct place){ f, p.depth + 1 },
			    i < have ? item : NO_TOKEN);
		else if (i < have)
			piece_compact(&s->legs, item, s->out);
		else
			buf_puts(s->out, "{}");
		if (i < have)
			item = s->legs.tok[item].next;
	}
	buf_putc(s->out, ']');
}

static void
write_key(const struct sample *s, struct slice key, const char **comma)
{
	buf_puts(s->out, *comma);
	*comma = ",";
	json_put_string(s->out, key);
	buf_putc(s->out, ':');
}

/* The members that the sample has, then those that only fields lead to. */
static void
write_object(const struct sample *s, struct place p, uint32_t tok)
{
	const struct json_tok *t = s->legs.tok;
	struct buf key = BUF_INIT(json_limits_default.string);
	const struct catalog_field *f;
	size_t i = p.first->index;
	const char *comma = "";

	buf_putc(s->out, '{');
	for (uint32_t k = tok + 1; tok != NO_TOKEN && k < t[tok].next;
	    k = t[k + 1].next) {
		buf_clear(&key);
		json_string(&s->legs, k, &key);
		f = step_to(s, p, buf_as_slice(&key));
		write_key(s, buf_as_slice(&key), &comma);
		if (f == NO_FIELD)
			piece_compact(&s->legs, k + 1, s->out);
		else
			write_place(s, (struct place){ f, p.depth + 1 }, k + 1);
	}
	while ((f = next_step(s, p, &i)) != NO_FIELD) {
		struct slice step = f->step[p.depth];

		if ((tok != NO_TOKEN && json_find_slice(&s->legs, tok, step) !=
		    0) || (p.depth == 0 && slice_is(step, "legs")))
			continue;
		write_key(s, step, &comma);
		write_place(s, (struct place){ f, p.depth + 1 }, NO_TOKEN);
	}
	if (p.depth == 0) {
		write_key(s, SLICE("legs"), &comma);
		f = step_to(s, p, SLICE("legs"));
		if (f == NO_FIELD)
			piece_compact(&s->legs, 0, s->out);
		else
			write_place(s, (struct place){ f, 1 }, 0);
	}
	buf_putc(s->out, '}');
	buf_free(&key);
}

/* tok is what the sample of the legs has there, or NO_TOKEN. */
static void
write_place(const struct sample *s, struct place p, uint32_t tok)
{
	enum json_type have = tok == NO_TOKEN ? JSON_NULL :
	    (enum json_type)s->legs.tok[tok].type;
	size_t n;

	if (p.first->nstep == p.depth)
		write_value(s, p.first);
	else if (have != JSON_OBJECT && is_list(s, p, &n))
		write_list(s, p, have == JSON_ARRAY ? tok : NO_TOKEN, n);
	else
		write_object(s, p, have == JSON_OBJECT ? tok : NO_TOKEN);
}

void
catalog_sample_order(const struct catalog *c, const struct catalog_event *type,
    struct buf *out)
{
	struct sample s = { .c = c, .type = type, .legs = JSON_DOC_INIT,
	    .out = out };
	struct json_error err;

	if (type != NULL && catalog_is_operational(type)) {
		buf_puts(out, type->sample);
		return;
	}
	if (json_scan(&s.legs, buf_as_slice(&c->legs), &json_limits_default,
	    &err) != RC_OK)
		log_fatal("catalogue: its legs are no JSON");
	write_object(&s, (struct place){ &c->field[0], 0 }, NO_TOKEN);
	json_doc_free(&s.legs);
}

void
catalog_sample_legs(struct catalog *c, const struct json_doc *d, uint32_t list)
{
	const struct json_tok *tok = d->tok;
	struct buf *out = &c->legs;

	buf_putc(out, '[');
	for (uint32_t i = list + 1; i < tok[list].next; i = tok[i].next) {
		buf_puts(out, i == list + 1 ? "" : ",");
		piece_compact(d, i, out);
		if (tok[i].type != JSON_OBJECT)
			continue;	/* the check will tell */
		if (!out->over)
			out->s[--out->len] = '\0';	/* open it again */
		for (size_t n = 0; n < c->nleg; n++) {
			const struct catalog_field *f = &c->leg[n];

			if (json_find(d, i, f->name) != 0)
				continue;
			buf_puts(out, out->s[out->len - 1] == '{' ? "" : ",");
			json_put_string(out, slice_of(f->name));
			buf_putc(out, ':');
			put_sample(out, f->type, f->sample);
		}
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

struct fault {
	const struct catalog *c;
	const struct catalog_field *field;
	struct buf *what;
};

/* Blame the last field that stands there or below. */
static void
note(void *arg, const char *pointer, const char *detail)
{
	struct fault *x = arg;
	size_t len = strlen(pointer);

	if (x->what->len > 0)
		return;			/* one is enough to tell */
	buf_printf(x->what, "%s %s", pointer, detail);
	for (size_t i = 0; i < x->c->nfield; i++) {
		const char *at = x->c->field[i].pointer;

		if (strncmp(at, pointer, len) == 0 &&
		    (at[len] == '\0' || at[len] == '/'))
			x->field = &x->c->field[i];
	}
}

static void
check_order(const struct order *o, struct fault *x)
{
	for (size_t i = 0; i < x->c->nfield; i++)
		if (o->at[i] == 0) {
			note(x, x->c->field[i].pointer, "can't be filled");
			return;
		}
	(void)order_check(o, note, x);
}

const struct catalog_field *
catalog_sample_fault(const struct catalog *c, struct buf *what)
{
	struct fault x = { c, NULL, what };
	struct buf text = BUF_INIT(16 * CATALOG_FILE_MAX);
	struct order o = ORDER_INIT;
	struct json_error err;

	if (c->legs.over) {
		buf_puts(what, "it is too long");
		goto done;
	}
	catalog_sample_order(c, NULL, &text);
	if (text.over)
		buf_puts(what, "it is too long");
	else if (order_read(&o, c, buf_as_slice(&text), &err) != RC_OK)
		buf_puts(what, err.detail);
	else
		check_order(&o, &x);
done:
	order_free(&o);
	buf_free(&text);
	return x.field;
}
