/*
 * Reading catalog.json: the installed one, and what an operator adds in one of
 * his own.  Both are edited by people, so whatever is wrong is told with file
 * and line or member, and the two are taken whole or not at all.
 */
#include <limits.h>
#include <stdlib.h>
#include "base/log.h"
#include "shape/catalog_member.h"
#include "shape/order.h"

static void *
array(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p == NULL)
		log_fatal("out of memory");
	return p;
}

static void
read_alias(struct catalog_loader *l, uint32_t i, const struct catalog_event *e)
{
	const char *s;

	buf_clear(&l->scratch);
	if (l->in->doc.tok[i].type == JSON_STRING)
		json_string(&l->in->doc, i, &l->scratch);
	s = catalog_keep(l, "", buf_as_slice(&l->scratch));
	if (!catalog_is_name(s))
		catalog_fault(l, i, "must be a name", NULL);
	else if (catalog_names_add(&l->c->events, slice_of(s), e->index) !=
	    RC_OK)
		catalog_fault(l, i, "is there already:", s);
	l->c->alias[l->nalias++] = s;
}

static void
read_aliases(struct catalog_loader *l, uint32_t obj, struct catalog_event *e)
{
	const struct json_tok *tok = l->in->doc.tok;
	uint32_t i = json_find(&l->in->doc, obj, "alias");

	e->alias = (const char *const *)l->c->alias + l->nalias;
	if (i != 0 && tok[i].type != JSON_ARRAY)
		catalog_fault(l, i, "must be a list of names", NULL);
	else if (i != 0)
		for (uint32_t a = i + 1; a < tok[i].next; a = tok[a].next)
			read_alias(l, a, e);
	l->c->alias[l->nalias++] = NULL;
}

static void
read_event(struct catalog_loader *l, uint32_t i)
{
	static const char *const known[] = { "name", "group", "meaning",
	    "alias", "status", "headline" };
	struct catalog *c = l->c;
	struct catalog_event *e = &c->event[c->nevent];

	catalog_known(l, i, known, NELEM(known));
	if (l->rc != RC_OK)
		return;
	e->index = (uint16_t)c->nevent++;
	e->name = c->event_name[e->index] = catalog_name(l, i);
	e->group = catalog_string(l, i, "group");
	e->meaning = catalog_string(l, i, "meaning");
	e->status = catalog_string_maybe(l, i, "status");
	e->headline = catalog_string_maybe(l, i, "headline");
	if (e->headline == NULL) {
		buf_clear(&l->scratch);
		catalog_make_headline(e, &l->scratch);
		e->headline = catalog_keep(l, "", buf_as_slice(&l->scratch));
	}
	if (catalog_names_add(&c->events, slice_of(e->name), e->index) !=
	    RC_OK)
		catalog_fault(l, i, "is there already:", e->name);
	read_aliases(l, i, e);
}

/* What fields of the order and of its legs have in common. */
static void
read_described(struct catalog_loader *l, uint32_t i, struct catalog_field *f)
{
	const char *why;
	int w;

	f->name = catalog_name(l, i);
	f->meaning = catalog_string(l, i, "meaning");
	f->sample = catalog_string(l, i, "sample");
	f->personal = catalog_flag(l, i, "personal");
	f->reference = catalog_flag(l, i, "reference");
	w = catalog_word(l, i, "type", catalog_type_word,
	    CATALOG_TYPES);
	if (w < 0)
		catalog_fault(l, i, "needs a type: text, integer, decimal or "
		    "time", NULL);
	if (l->rc != RC_OK)
		return;
	f->type = (enum catalog_type)w;
	why = order_text_fault(f, JSON_STRING, slice_of(f->sample));
	if (why != NULL)
		catalog_fault(l, json_find(&l->in->doc, i, "sample"), why,
		    NULL);
}

/* One reference token of a pointer, ~0 and ~1 undone; s NULL: it is wrong. */
static struct slice
part(struct catalog_loader *l, const char *s, size_t len)
{
	if (memchr(s, '~', len) == NULL)
		return (struct slice){ s, len };
	buf_clear(&l->scratch);
	for (size_t i = 0; i < len; i++) {
		if (s[i] != '~')
			buf_putc(&l->scratch, s[i]);
		else if (++i < len && (s[i] == '0' || s[i] == '1'))
			buf_putc(&l->scratch, s[i] == '0' ? '~' : '/');
		else
			return (struct slice){ NULL, 0 };
	}
	s = catalog_keep(l, "", buf_as_slice(&l->scratch));
	return (struct slice){ s, l->scratch.len };
}

static void
read_pointer(struct catalog_loader *l, uint32_t i, struct catalog_field *f)
{
	const char *p = catalog_string_maybe(l, i, "pointer");

	f->pointer = p != NULL ? p : catalog_keep(l, "/", slice_of(f->name));
	f->step = l->c->step + l->nstep;
	if (l->rc != RC_OK)
		return;
	p = f->pointer;
	while (*p == '/') {
		size_t len = strcspn(++p, "/");
		struct slice s = part(l, p, len);

		if (s.s == NULL)
			break;
		l->c->step[l->nstep++] = s;
		f->nstep++;
		p += len;
	}
	if (*p != '\0' || f->nstep == 0)
		catalog_fault(l, i, "has a pointer that is none of RFC 6901:",
		    f->pointer);
	else if (f->nstep > json_limits_default.depth)
		catalog_fault(l, i, "has a pointer that leads deeper than any "
		    "order", NULL);
}

/* The same place, or one below the other, which is a value itself. */
static bool
clash(const struct catalog_field *a, const struct catalog_field *b)
{
	size_t n = a->nstep < b->nstep ? a->nstep : b->nstep;

	for (size_t s = 0; s < n; s++)
		if (!slice_eq(a->step[s], b->step[s]))
			return false;
	return true;
}

static void
take_place(struct catalog_loader *l, uint32_t i, struct catalog_field *f)
{
	struct catalog *c = l->c;

	for (size_t j = 0; j < f->index && l->rc == RC_OK; j++)
		if (clash(&c->field[j], f))
			catalog_fault(l, i, "has the place of",
			    c->field[j].name);
	if (f->nstep < 3 && slice_is(f->step[0], "legs"))
		catalog_fault(l, i, "has the place of the legs, or of one",
		    NULL);
	if (l->rc != RC_OK)
		return;
	if (f->nstep > 1 || f->step[0].len > CATALOG_NAME_MAX)
		c->deep[c->ndeep++] = f;
	else if (catalog_names_add(&c->members, f->step[0], f->index) != RC_OK)
		log_fatal("catalogue: two fields in one place");
}

static void
read_field(struct catalog_loader *l, uint32_t i)
{
	static const char *const known[] = { "name", "type", "derived",
	    "personal", "reference", "meaning", "sample", "pointer" };
	struct catalog *c = l->c;
	struct catalog_field *f = &c->field[c->nfield];
	int w;

	catalog_known(l, i, known, NELEM(known));
	if (l->rc != RC_OK)
		return;
	read_described(l, i, f);
	w = catalog_word(l, i, "derived", catalog_derived_word + 1,
	    CATALOG_BOOKING);
	if (w < 0 && json_find(&l->in->doc, i, "derived") != 0)
		catalog_fault(l, i, "can be derived only as origin, "
		    "destination, fullPath or bookingType", NULL);
	f->derived = (enum catalog_derived)(w + 1);
	f->index = (uint16_t)c->nfield++;
	c->field_name[f->index] = f->name;
	if (catalog_names_add(&c->fields, slice_of(f->name), f->index) !=
	    RC_OK)
		catalog_fault(l, i, "is there already:", f->name);
	read_pointer(l, i, f);
	if (l->rc == RC_OK)
		take_place(l, i, f);
}

static void
read_leg_field(struct catalog_loader *l, uint32_t i)
{
	static const char *const known[] = { "name", "type", "personal",
	    "reference", "meaning", "sample" };
	struct catalog *c = l->c;
	struct catalog_field *f = &c->leg[c->nleg];

	catalog_known(l, i, known, NELEM(known));
	if (l->rc != RC_OK)
		return;
	read_described(l, i, f);
	if (catalog_leg_find(c, slice_of(f->name)) != NULL)
		catalog_fault(l, i, "is there already:", f->name);
	f->index = (uint16_t)c->nleg++;
}

static void
each(struct catalog_loader *l, uint32_t list,
    void read(struct catalog_loader *l, uint32_t i))
{
	const struct json_tok *tok = l->in->doc.tok;

	if (list == 0)
		return;
	for (uint32_t i = list + 1; i < tok[list].next && l->rc == RC_OK;
	    i = tok[i].next)
		read(l, i);
}

/* The sample of the legs stands in the installed file alone. */
static void
read_legs(struct catalog_loader *l)
{
	static const char *const known[] = { "fields", "sample" };
	bool installed = l->in == &l->file[0];
	uint32_t legs = json_find(&l->in->doc, 0, "legs");

	if (legs == 0 && installed)
		catalog_fault(l, 0, "lacks", "legs");
	if (legs == 0)
		return;
	catalog_known(l, legs, known, installed ? 2 : 1);
	if (l->rc == RC_OK)
		each(l, catalog_list(l, legs, "fields"), read_leg_field);
	if (installed)
		(void)catalog_list(l, legs, "sample");
}

static void
read_file(struct catalog_loader *l)
{
	static const char *const known[] = { "events", "fields", "legs",
	    "texts" };

	catalog_known(l, 0, known, NELEM(known));
	if (l->rc == RC_OK && l->in->doc.tok[0].n == 0)
		catalog_fault(l, 0, "has no events, fields or legs", NULL);
	if (l->rc == RC_OK)
		catalog_read_texts(l);
	if (l->rc == RC_OK)
		each(l, catalog_list(l, 0, "events"), read_event);
	if (l->rc == RC_OK)
		each(l, catalog_list(l, 0, "fields"), read_field);
	if (l->rc == RC_OK)
		read_legs(l);
}

/* How much there is of everything, at most. */
struct amounts {
	size_t	events, aliases, fields, steps, legs, bytes;
};

/* The items of obj's list under key; 0 if it is no list. */
static size_t
items(const struct json_doc *d, uint32_t obj, const char *key)
{
	uint32_t i = json_find(d, obj, key);

	return i != 0 && d->tok[i].type == JSON_ARRAY ? d->tok[i].n : 0;
}

static void
count_aliases(struct amounts *n, const struct json_doc *d)
{
	uint32_t at = json_find(d, 0, "events");

	for (uint32_t i = at + 1; at != 0 && i < d->tok[at].next;
	    i = d->tok[i].next)
		n->aliases += items(d, i, "alias");
}

/* A pointer has a step for each slash, and without one it has one. */
static void
count_steps(struct amounts *n, const struct json_doc *d, struct buf *scratch)
{
	uint32_t at = json_find(d, 0, "fields");

	for (uint32_t i = at + 1; at != 0 && i < d->tok[at].next;
	    i = d->tok[i].next) {
		uint32_t p = json_find(d, i, "pointer");

		buf_clear(scratch);
		if (p != 0)
			json_string(d, p, scratch);
		n->steps++;
		for (size_t k = 0; k < scratch->len; k++)
			n->steps += scratch->s[k] == '/';
	}
}

static void
make_room(struct catalog_loader *l)
{
	struct catalog *c = array(1, sizeof *c);
	struct amounts n = { .events = CATALOG_OPERATIONAL };

	for (size_t i = 0; i < l->nfile; i++) {
		const struct json_doc *d = &l->file[i].doc;
		uint32_t legs = json_find(d, 0, "legs");

		n.events += items(d, 0, "events");
		n.fields += items(d, 0, "fields");
		n.legs += legs == 0 ? 0 : items(d, legs, "fields");
		count_aliases(&n, d);
		count_steps(&n, d, &l->scratch);
		n.bytes += l->file[i].text.len;
	}
	l->size = 2 * n.bytes + 16;
	c->pool = array(l->size, 1);
	c->event = array(n.events, sizeof *c->event);
	c->event_name = array(n.events, sizeof *c->event_name);
	c->alias = array(n.events + n.aliases, sizeof *c->alias);
	catalog_names_init(&c->events, n.events + n.aliases);
	c->field = array(n.fields, sizeof *c->field);
	c->field_name = array(n.fields, sizeof *c->field_name);
	c->step = array(n.steps, sizeof *c->step);
	c->deep = array(n.fields, sizeof *c->deep);
	catalog_names_init(&c->fields, n.fields);
	catalog_names_init(&c->members, n.fields);
	c->leg = array(n.legs, sizeof *c->leg);
	c->legs = (struct buf)BUF_INIT(CATALOG_FILE_MAX);
	c->headline = array(n.events, sizeof *c->headline);
	for (size_t i = 0; i < CATALOG_TEXTS; i++)
		c->lines[i] = (struct buf)BUF_INIT(CATALOG_FILE_MAX);
	l->c = c;
}

/* What can be seen only of the whole. */
static enum rc
finish(struct catalog_loader *l)
{
	const struct json_doc *d = &l->file[0].doc;
	struct buf what = BUF_INIT(1024);
	const struct catalog_field *f;

	if (catalog_field_find(l->c, SLICE("agwID")) == NULL) {
		l->in = &l->file[0];
		catalog_fault(l, json_find(d, 0, "fields"),
		    "lack agwID, which names every order", NULL);
		return l->rc;
	}
	catalog_compile_texts(l);
	if (l->rc != RC_OK)
		return l->rc;
	catalog_sample_legs(l->c, d, json_find(d, json_find(d, 0, "legs"),
	    "sample"));
	f = catalog_sample_fault(l->c, &what);
	if (what.len > 0) {
		l->rc = RC_INVALID;
		buf_printf(l->why, "%s: the sample order%s%s is wrong: %s",
		    l->file[f != NULL && f->index >= l->first].path,
		    f == NULL ? "" : " with the field ",
		    f == NULL ? "" : f->name, buf_str(&what));
	}
	buf_free(&what);
	return l->rc;
}

/* RC_OK also when there is none to read, or it is the first one again. */
static enum rc
open_more(struct catalog_loader *l, const char *path)
{
	struct catalog_file *f = &l->file[1];
	size_t len = l->why->len;
	enum rc rc = catalog_file_open(f, path, l->why);

	if (rc == RC_NOTFOUND) {
		l->why->len = len;
		return RC_OK;
	}
	if (rc == RC_OK && !catalog_file_same(&l->file[0], f))
		l->nfile++;
	return rc;
}

static enum rc
load(struct catalog **c, const char *path, const char *more, struct buf *why)
{
	struct catalog_loader l = { .scratch = BUF_INIT(CATALOG_FILE_MAX),
	    .file = { CATALOG_FILE_INIT, CATALOG_FILE_INIT }, .nfile = 1,
	    .why = why, .rc = RC_OK };
	enum rc rc;

	rc = catalog_file_open(&l.file[0], path, why);
	if (rc == RC_OK && more != NULL)
		rc = open_more(&l, more);
	if (rc != RC_OK)
		goto done;
	make_room(&l);
	for (size_t i = 0; i < l.nfile && l.rc == RC_OK; i++) {
		l.in = &l.file[i];
		l.first = l.c->nfield;
		read_file(&l);
	}
	rc = l.rc;
	if (rc == RC_OK) {
		catalog_add_operational(l.c);
		rc = finish(&l);
	}
	if (rc == RC_OK) {
		*c = l.c;
		l.c = NULL;
	}
done:
	catalog_free(l.c);
	for (size_t i = 0; i < CATALOG_FILES; i++)
		catalog_file_close(&l.file[i]);
	buf_free(&l.scratch);
	return rc;
}

enum rc
catalog_load(struct catalog **c, const char *path, struct buf *why)
{
	return load(c, path, NULL, why);
}

enum rc
catalog_open(struct catalog **c, const char *data, const char *conf,
    struct buf *why)
{
	struct buf path = BUF_INIT(PATH_MAX), more = BUF_INIT(PATH_MAX);
	const char *slash = strrchr(conf, '/');
	size_t dir = slash == NULL ? 0 : (size_t)(slash + 1 - conf);
	enum rc rc;

	buf_printf(&path, "%s/catalog.json", data);
	buf_put(&more, conf, dir);
	buf_puts(&more, "catalog.json");
	rc = load(c, buf_str(&path), buf_str(&more), why);
	buf_free(&path);
	buf_free(&more);
	return rc;
}
