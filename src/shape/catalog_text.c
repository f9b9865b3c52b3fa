/*
 * Ready-made texts: a headline for each event type, and for mail and Slack one
 * text that puts what an order holds below it.  They are templates as a
 * client's own are, read from the catalogue's file and compiled with it, so
 * that one which can't be is found when a program starts.
 */
#include <stdlib.h>
#include "shape/catalog_member.h"
#include "shape/template.h"

static const char *const text_word[CATALOG_TEXTS] = { "mail", "slack" };

/* Lines, so that people can read the file. */
static void
read_lines(struct catalog_loader *l, uint32_t list, struct buf *out)
{
	const struct json_tok *tok = l->in->doc.tok;

	if (tok[list].type != JSON_ARRAY || tok[list].n == 0) {
		catalog_fault(l, list, "must be a list of lines", NULL);
		return;
	}
	for (uint32_t i = list + 1; i < tok[list].next; i = tok[i].next) {
		if (tok[i].type != JSON_STRING)
			catalog_fault(l, i, "must be a string", NULL);
		json_string(&l->in->doc, i, out);
		buf_putc(out, '\n');
	}
}

void
catalog_read_texts(struct catalog_loader *l)
{
	uint32_t texts = json_find(&l->in->doc, 0, "texts");

	if (texts == 0)
		return;
	catalog_known(l, texts, text_word, CATALOG_TEXTS);
	for (size_t i = 0; i < CATALOG_TEXTS && l->rc == RC_OK; i++) {
		uint32_t list = json_find(&l->in->doc, texts, text_word[i]);

		if (list == 0)
			continue;
		buf_clear(&l->c->lines[i]);
		read_lines(l, list, &l->c->lines[i]);
	}
}

/* "Order AGW-1: The order was voided"; its name where that is no plain text. */
void
catalog_make_headline(const struct catalog_event *e, struct buf *out)
{
	size_t len = strlen(e->meaning);

	buf_puts(out, "Order {{agwID}}: ");
	if (strstr(e->meaning, "{{") != NULL) {
		buf_puts(out, e->name);
		return;
	}
	if (len > 1 && e->meaning[len - 1] == '.')
		len--;
	buf_put(out, e->meaning, len);
}

/* tok is where a fault is told, in the file being read. */
static void
compile(struct catalog_loader *l, struct template **t,
    enum template_place place, const char *text, uint32_t tok,
    const char *which)
{
	struct template_error err;

	if (l->rc != RC_OK)
		return;
	if (template_compile(t, l->c, place, slice_of(text), &err) != RC_OK)
		catalog_fault(l, tok, err.detail, which);
}

static const char *
text_of(const struct catalog *c, size_t which)
{
	static const char *const bare[CATALOG_TEXTS] = {
	    "{{event.headline}}\n", "*{{event.headline}}*\n" };

	return c->lines[which].len > 0 ? buf_str(&c->lines[which]) :
	    bare[which];
}

static void
compile_headline(struct catalog_loader *l, size_t n, uint32_t tok)
{
	struct template **t = &l->c->headline[n];

	compile(l, t, TEMPLATE_TEXT, l->c->event[n].headline, tok,
	    "in the headline");
	if (l->rc == RC_OK && template_names(*t, TEMPLATE_EVENT_HEADLINE))
		catalog_fault(l, tok, "has a headline that names itself",
		    NULL);
}

/* Those of a file's events; n is the index of its first. */
static size_t
compile_headlines(struct catalog_loader *l, size_t n)
{
	const struct json_doc *d = &l->in->doc;
	uint32_t list = json_find(d, 0, "events");

	if (list == 0)
		return n;
	for (uint32_t i = list + 1; i < d->tok[list].next; i = d->tok[i].next) {
		uint32_t tok = json_find(d, i, "headline");

		compile_headline(l, n++, tok != 0 ? tok : i);
	}
	return n;
}

/* The texts are told of where they stand: the last file that has them holds. */
static uint32_t
find_text(struct catalog_loader *l, size_t which)
{
	uint32_t tok = 0;

	for (size_t i = l->nfile; i > 0 && tok == 0; i--) {
		l->in = &l->file[i - 1];
		tok = json_find(&l->in->doc, json_find(&l->in->doc, 0,
		    "texts"), text_word[which]);
	}
	return tok;
}

void
catalog_compile_texts(struct catalog_loader *l)
{
	static const enum template_place place[CATALOG_TEXTS] = {
	    TEMPLATE_TEXT, TEMPLATE_SLACK };
	struct catalog *c = l->c;
	size_t n = 0;

	for (size_t i = 0; i < l->nfile; i++) {
		l->in = &l->file[i];
		n = compile_headlines(l, n);
	}
	for (; n < c->nevent; n++)		/* the service's own */
		compile_headline(l, n, 0);
	compile(l, &c->headline[n], TEMPLATE_TEXT,
	    "Order {{agwID}}: {{event.type}}", 0, NULL);
	for (size_t i = 0; i < CATALOG_TEXTS; i++) {
		compile(l, &c->text[i], place[i], text_of(c, i),
		    find_text(l, i), NULL);
		compile(l, &c->own[i], place[i], catalog_operational_text(i),
		    0, NULL);
	}
}

void
catalog_free_texts(struct catalog *c)
{
	for (size_t i = 0; c->headline != NULL && i <= c->nevent; i++)
		template_free(c->headline[i]);
	free(c->headline);
	for (size_t i = 0; i < CATALOG_TEXTS; i++) {
		template_free(c->text[i]);
		template_free(c->own[i]);
		buf_free(&c->lines[i]);
	}
}

const struct template *
catalog_headline(const struct catalog *c, const struct catalog_event *type)
{
	return c->headline[type == NULL ? c->nevent : type->index];
}

const struct template *
catalog_text(const struct catalog *c, const struct catalog_event *type,
    enum catalog_text which)
{
	return type != NULL && catalog_is_operational(type) ? c->own[which] :
	    c->text[which];
}
