#include <stdlib.h>
#include "base/log.h"
#include "shape/piece.h"
#include "shape/task.h"
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

static bool
wants_order(const struct json_doc *d, uint32_t obj)
{
	uint32_t settings = json_find(d, obj, "settings");
	uint32_t ordered = settings == 0 ||
	    d->tok[settings].type != JSON_OBJECT ? 0 :
	    json_find(d, settings, "ordered");

	return ordered != 0 && d->tok[ordered].type == JSON_TRUE;
}

static uint32_t
member(const struct json_doc *d, uint32_t obj, const char *name,
    enum json_type type)
{
	uint32_t i = json_find(d, obj, name);

	return i != 0 && d->tok[i].type == type ? i : 0;
}

/* A record from before there were several has no number of them: 1. */
static uint8_t
recipients(const struct json_doc *d, uint32_t obj)
{
	uint32_t at = member(d, obj, "recipients", JSON_NUMBER);
	uint32_t mail = member(d, obj, "mail", JSON_OBJECT), to;
	int64_t n = 1;

	to = mail == 0 ? 0 : member(d, mail, "to", JSON_ARRAY);
	if (at != 0 && json_i64(d, at, false, &n) != RC_OK)
		n = 1;
	if (to != 0)
		n = d->tok[to].n;
	return (uint8_t)(n < 1 ? 1 : n > TASK_RECIPIENTS_MAX ?
	    TASK_RECIPIENTS_MAX : n);
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
	in->ordered = wants_order(d, obj);
	in->recipients = recipients(d, obj);
	if (filter != 0 && filter_compile_old(&in->filter, c, d, filter,
	    json_find(d, obj, "at")) != RC_OK)
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

/* Where fields of the filter stand that are not the order's own members. */
static void
put_places(const struct catalog *c, const struct json_doc *d,
    uint32_t filter, struct buf *out)
{
	bool *told = calloc(catalog_field_count(c) + 1, sizeof *told);
	struct buf name = BUF_INIT(CATALOG_NAME_MAX);
	const char *before = ",\"at\":{";

	if (told == NULL)
		log_fatal("out of memory");
	for (uint32_t i = filter; i < d->tok[filter].next; i++) {
		uint32_t at = json_find(d, i, "field");
		const struct catalog_field *f;

		if (at == 0)
			continue;
		buf_clear(&name);
		json_string(d, at, &name);
		f = catalog_field_find(c, buf_as_slice(&name));
		if (f == NULL || told[f->index] ||
		    strcmp(f->pointer + 1, f->name) == 0)
			continue;
		told[f->index] = true;
		buf_puts(out, before);
		before = ",";
		json_put_string(out, slice_of(f->name));
		buf_putc(out, ':');
		json_put_string(out, slice_of(f->pointer));
	}
	buf_puts(out, *before == ',' && before[1] == '\0' ? "}" : "");
	buf_free(&name);
	free(told);
}

void
interest_write(const struct catalog *c, struct slice task, struct buf *out)
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
		put_places(c, &d, filter, out);
	}
	if (wants_order(&d, 0))
		buf_puts(out, ",\"settings\":{\"ordered\":true}");
	if (recipients(&d, 0) > 1) {
		buf_puts(out, ",\"recipients\":");
		buf_i64(out, recipients(&d, 0));
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
	return in->all && !catalog_is_operational(type);
}
