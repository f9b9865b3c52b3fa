#include <stdlib.h>
#include "base/log.h"
#include "shape/piece.h"
#include "work/interest.h"

static int
ascending(const void *a, const void *b)
{
	const uint16_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A type may be named twice, or by an alias too. */
static void
unite(struct interest *in)
{
	size_t n = 0;

	qsort(in->type, in->ntype, sizeof *in->type, ascending);
	for (size_t i = 0; i < in->ntype; i++)
		if (n == 0 || in->type[n - 1] != in->type[i])
			in->type[n++] = in->type[i];
	in->ntype = (uint16_t)n;
}

static void
read_events(struct interest *in, size_t room, const struct catalog *c,
    const struct json_doc *d, uint32_t list)
{
	struct buf name = BUF_INIT(256);

	for (uint32_t i = list + 1; i < d->tok[list].next;
	    i = d->tok[i].next) {
		const struct catalog_event *e;

		buf_clear(&name);
		if (d->tok[i].type == JSON_STRING)
			json_string(d, i, &name);
		e = catalog_event_find(c, buf_as_slice(&name));
		if (slice_is(buf_as_slice(&name), "*"))
			in->all = true;
		else if (e != NULL && in->ntype < room)
			in->type[in->ntype++] = e->index;
	}
	buf_free(&name);
	if (in->ntype > 0)
		unite(in);
}

static void
no_fault(void *arg, uint32_t tok, const char *detail)
{
	(void)arg;		/* whoever compiles the task hears of it */
	(void)tok;
	(void)detail;
}

struct interest *
interest_read(const struct catalog *c, const struct json_doc *d, uint32_t obj)
{
	uint32_t list = json_find(d, obj, "event");
	uint32_t filter = json_find(d, obj, "filter");
	struct interest *in;
	size_t room;

	if (list == 0 || d->tok[list].type != JSON_ARRAY)
		return NULL;
	room = d->tok[list].n < UINT16_MAX ? d->tok[list].n : UINT16_MAX;
	in = calloc(1, sizeof *in + room * sizeof *in->type);
	if (in == NULL)
		log_fatal("out of memory");
	read_events(in, room, c, d, list);
	if (!in->all && in->ntype == 0) {
		free(in);
		return NULL;
	}
	if (filter != 0 && filter_compile(&in->filter, c, d, filter, no_fault,
	    NULL) != RC_OK)
		in->filter = NULL;
	return in;
}

void
interest_free(struct interest *in)
{
	if (in == NULL)
		return;
	filter_free(in->filter);
	free(in);
}

void
interest_write(struct slice task, struct buf *out)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	uint32_t event, filter;

	if (json_scan(&d, task, &json_limits_default, &err) != RC_OK)
		log_fatal("a task that compiled is no JSON");
	event = json_find(&d, 0, "event");
	filter = json_find(&d, 0, "filter");
	buf_puts(out, "{\"event\":");
	piece_compact(&d, event, out);
	if (filter != 0) {
		buf_puts(out, ",\"filter\":");
		piece_compact(&d, filter, out);
	}
	buf_putc(out, '}');
	json_doc_free(&d);
}

bool
interest_wants(const struct interest *in, const struct catalog_event *type)
{
	for (size_t i = 0; !in->all && i < in->ntype; i++)
		if (in->type[i] == type->index)
			return true;
	return in->all;
}
