/*
 * Reading catalog.json.  An operator edits it, so whatever is wrong is told
 * with its line or its member, and a catalogue is taken whole or not at all.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "shape/catalog_data.h"
#include "shape/piece.h"

#define FILE_MAX_BYTES	(1024 * 1024)
#define ENTRIES_MAX	4096		/* events, fields, leg fields: each */

struct loader {
	struct catalog	*c;
	struct json_doc	 doc;
	size_t		 used, size;	/* of the pool */
	size_t		 nalias;
	struct buf	 scratch;
	const char	*path;
	struct buf	*why;
	enum rc		 rc;
};

static void *
array(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p == NULL)
		log_fatal("out of memory");
	return p;
}

/* The first fault is the one that is told. */
static void
fault(struct loader *l, uint32_t tok, const char *what, const char *which)
{
	if (l->rc != RC_OK)
		return;
	l->rc = RC_INVALID;
	buf_printf(l->why, "%s: ", l->path);
	json_pointer(&l->doc, tok, l->why);
	buf_printf(l->why, " %s%s%s", what, which == NULL ? "" : " ",
	    which == NULL ? "" : which);
}

/*
 * Text into the pool.  Its size is twice the file's, and no string of the file
 * is kept more than twice (a name, and the pointer made of it), so it fits.
 */
static const char *
keep(struct loader *l, const char *prefix, struct slice s)
{
	char *at = l->c->pool + l->used;
	size_t n = strlen(prefix);

	if (l->size - l->used < n + s.len + 1)
		log_fatal("catalogue: the pool is too small");
	memcpy(at, prefix, n);
	if (s.len > 0)
		memcpy(at + n, s.s, s.len);
	at[n + s.len] = '\0';
	l->used += n + s.len + 1;
	return at;
}

/* A string member that must be there, unless fallback is given. */
static const char *
string(struct loader *l, uint32_t obj, const char *key, const char *fallback)
{
	uint32_t i = json_find(&l->doc, obj, key);

	if (i == 0) {
		if (fallback == NULL)
			fault(l, obj, "lacks", key);
		return fallback == NULL ? "" : fallback;
	}
	if (l->doc.tok[i].type != JSON_STRING || l->doc.tok[i].len == 0) {
		fault(l, i, "must be a string, and not empty", NULL);
		return "";
	}
	buf_clear(&l->scratch);
	json_string(&l->doc, i, &l->scratch);
	return keep(l, "", buf_as_slice(&l->scratch));
}

static bool
flag(struct loader *l, uint32_t obj, const char *key)
{
	uint32_t i = json_find(&l->doc, obj, key);

	if (i != 0 && l->doc.tok[i].type != JSON_TRUE &&
	    l->doc.tok[i].type != JSON_FALSE)
		fault(l, i, "must be true or false", NULL);
	return i != 0 && l->doc.tok[i].type == JSON_TRUE;
}

/* A letter, then letters, digits and _: such names need no escaping at all. */
static bool
is_name(const char *s)
{
	size_t n = 0;

	if (!isalpha((unsigned char)s[0]))
		return false;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return s[n] == '\0' && n <= CATALOG_NAME_MAX;
}

static const char *
name(struct loader *l, uint32_t obj)
{
	static const char *const taken[] = { "legs", "order", "event",
	    "delivery", "subscription" };
	const char *s = string(l, obj, "name", NULL);

	if (!is_name(s))
		fault(l, obj, "needs a name of letters, digits and _, not", s);
	for (size_t i = 0; i < NELEM(taken); i++)
		if (strcmp(s, taken[i]) == 0)
			fault(l, obj, "can't use the reserved name", s);
	return s;
}

static void
known_members(struct loader *l, uint32_t obj, const char *const *known,
    size_t n)
{
	const struct json_tok *tok = l->doc.tok;

	if (tok[obj].type != JSON_OBJECT) {
		fault(l, obj, "must be an object", NULL);
		return;
	}
	for (uint32_t k = obj + 1; k < tok[obj].next; k = tok[k + 1].next) {
		size_t i = 0;

		while (i < n && !json_string_is(&l->doc, k, slice_of(known[i])))
			i++;
		if (i == n)
			fault(l, k, "is not a member that is known here", NULL);
	}
}

/* The list under key, or 0; an empty one is no use to anybody. */
static uint32_t
list(struct loader *l, uint32_t obj, const char *key)
{
	uint32_t i = json_find(&l->doc, obj, key);

	if (i == 0) {
		fault(l, obj, "lacks", key);
		return 0;
	}
	if (l->doc.tok[i].type != JSON_ARRAY || l->doc.tok[i].n == 0 ||
	    l->doc.tok[i].n > ENTRIES_MAX) {
		fault(l, i, "must be a list of 1 to 4096 objects", NULL);
		return 0;
	}
	return i;
}

static void
read_aliases(struct loader *l, uint32_t obj, struct catalog_event *e)
{
	const struct json_tok *tok = l->doc.tok;
	uint32_t i = json_find(&l->doc, obj, "alias");

	e->alias = (const char *const *)l->c->alias + l->nalias;
	if (i != 0 && tok[i].type != JSON_ARRAY)
		fault(l, i, "must be a list of names", NULL);
	else if (i != 0)
		for (uint32_t a = i + 1; a < tok[i].next; a = tok[a].next) {
			const char *s;

			buf_clear(&l->scratch);
			if (tok[a].type == JSON_STRING)
				json_string(&l->doc, a, &l->scratch);
			s = keep(l, "", buf_as_slice(&l->scratch));
			if (!is_name(s))
				fault(l, a, "must be a name", NULL);
			else if (catalog_names_add(&l->c->events, slice_of(s),
			    e->index) != RC_OK)
				fault(l, a, "is there twice:", s);
			l->c->alias[l->nalias++] = s;
		}
	l->c->alias[l->nalias++] = NULL;
}

/* Aliases of all events together. */
static size_t
count_aliases(const struct json_doc *d, uint32_t events)
{
	size_t n = 0;

	for (uint32_t i = events + 1; i < d->tok[events].next;
	    i = d->tok[i].next) {
		uint32_t a = json_find(d, i, "alias");

		n += a != 0 && d->tok[a].type == JSON_ARRAY ? d->tok[a].n : 0;
	}
	return n;
}

static void
read_events(struct loader *l)
{
	static const char *const known[] = { "name", "group", "meaning",
	    "alias", "status" };
	struct catalog *c = l->c;
	uint32_t at = list(l, 0, "events"), i;
	size_t n, naliases;

	if (at == 0)
		return;
	n = l->doc.tok[at].n;
	naliases = count_aliases(&l->doc, at);
	c->alias = array(n + naliases, sizeof *c->alias);
	c->event = array(n, sizeof *c->event);
	c->event_name = array(n, sizeof *c->event_name);
	catalog_names_init(&c->events, n + naliases);
	for (i = at + 1; i < l->doc.tok[at].next && l->rc == RC_OK;
	    i = l->doc.tok[i].next) {
		struct catalog_event *e = &c->event[c->nevent];

		known_members(l, i, known, NELEM(known));
		if (l->rc != RC_OK)
			return;
		e->index = (uint16_t)c->nevent++;
		e->name = c->event_name[e->index] = name(l, i);
		e->group = string(l, i, "group", NULL);
		e->meaning = string(l, i, "meaning", NULL);
		if (json_find(&l->doc, i, "status") != 0)
			e->status = string(l, i, "status", NULL);
		if (catalog_names_add(&c->events, slice_of(e->name), e->index)
		    != RC_OK)
			fault(l, i, "is there twice:", e->name);
		read_aliases(l, i, e);
	}
}

/* A member of o of its own: "/a/b", plain names, which need no ~ escapes. */
static bool
is_pointer(const char *s)
{
	if (s[0] != '/')
		return false;
	for (; *s != '\0'; s++)
		if (*s == '/' ? s[1] == '/' || s[1] == '\0' :
		    !isalnum((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

static int
word(struct loader *l, uint32_t obj, const char *key, const char *const *known,
    size_t n)
{
	uint32_t i = json_find(&l->doc, obj, key);

	for (size_t w = 0; i != 0 && w < n; w++)
		if (l->doc.tok[i].type == JSON_STRING &&
		    json_string_is(&l->doc, i, slice_of(known[w])))
			return (int)w;
	return -1;
}

static void
read_field(struct loader *l, uint32_t i, struct catalog_field *f)
{
	static const char *const known[] = { "name", "type", "derived",
	    "personal", "reference", "meaning", "sample", "pointer" };
	static const char *const types[] = { "text", "integer", "decimal",
	    "time" };
	static const char *const from[] = { "", "origin", "destination",
	    "fullPath", "bookingType" };
	int w;

	known_members(l, i, known, NELEM(known));
	if (l->rc != RC_OK)
		return;
	f->name = name(l, i);
	f->meaning = string(l, i, "meaning", NULL);
	f->sample = string(l, i, "sample", NULL);
	f->personal = flag(l, i, "personal");
	f->reference = flag(l, i, "reference");
	w = word(l, i, "type", types, NELEM(types));
	if (w < 0)
		fault(l, i, "needs a type: text, integer, decimal or time",
		    NULL);
	f->type = w < 0 ? CATALOG_TEXT : (enum catalog_type)w;
	w = word(l, i, "derived", from, NELEM(from));
	if (w < 0 && json_find(&l->doc, i, "derived") != 0)
		fault(l, i, "can be derived only as origin, destination, "
		    "fullPath or bookingType", NULL);
	f->derived = w < 0 ? CATALOG_SENT : (enum catalog_derived)w;
	f->pointer = json_find(&l->doc, i, "pointer") != 0 ?
	    string(l, i, "pointer", NULL) : keep(l, "/", slice_of(f->name));
	if (!is_pointer(f->pointer))
		fault(l, i, "has a pointer that is not like /a or /a/b:",
		    f->pointer);
}

/* The same place twice, or a place below one that is a value itself. */
static bool
clash(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	return n <= m ? strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == '/') :
	    clash(b, a);
}

static void
read_fields(struct loader *l)
{
	struct catalog *c = l->c;
	uint32_t at = list(l, 0, "fields"), i;

	if (at == 0)
		return;
	c->field = array(l->doc.tok[at].n, sizeof *c->field);
	c->deep = array(l->doc.tok[at].n, sizeof *c->deep);
	c->field_name = array(l->doc.tok[at].n, sizeof *c->field_name);
	catalog_names_init(&c->fields, l->doc.tok[at].n);
	catalog_names_init(&c->members, l->doc.tok[at].n);
	for (i = at + 1; i < l->doc.tok[at].next && l->rc == RC_OK;
	    i = l->doc.tok[i].next) {
		struct catalog_field *f = &c->field[c->nfield];
		struct slice member;

		read_field(l, i, f);
		if (l->rc != RC_OK)
			return;
		f->index = (uint16_t)c->nfield++;
		c->field_name[f->index] = f->name;
		if (catalog_names_add(&c->fields, slice_of(f->name), f->index)
		    != RC_OK)
			fault(l, i, "is there twice:", f->name);
		for (size_t j = 0; j < f->index; j++)
			if (clash(c->field[j].pointer, f->pointer))
				fault(l, i, "has the place of",
				    c->field[j].name);
		if (clash("/legs", f->pointer))
			fault(l, i, "has the place of the legs", NULL);
		member = slice_of(f->pointer + 1);
		if (strchr(member.s, '/') != NULL)
			c->deep[c->ndeep++] = f;
		else if (l->rc == RC_OK &&
		    catalog_names_add(&c->members, member, f->index) != RC_OK)
			fault(l, i, "is there twice:", f->pointer);
	}
	if (catalog_field_find(c, SLICE("agwID")) == NULL)
		fault(l, at, "lack agwID, which names every order", NULL);
}

static void
read_legs(struct loader *l)
{
	static const char *const known[] = { "fields", "sample" };
	struct catalog *c = l->c;
	uint32_t legs = json_find(&l->doc, 0, "legs"), at, i;

	if (legs == 0) {
		fault(l, 0, "lacks", "legs");
		return;
	}
	known_members(l, legs, known, NELEM(known));
	if (l->rc != RC_OK)
		return;
	at = list(l, legs, "fields");
	if (at == 0)
		return;
	c->leg = array(l->doc.tok[at].n, sizeof *c->leg);
	for (i = at + 1; i < l->doc.tok[at].next && l->rc == RC_OK;
	    i = l->doc.tok[i].next) {
		struct catalog_field *f = &c->leg[c->nleg];

		read_field(l, i, f);
		f->index = (uint16_t)c->nleg++;
	}
	at = list(l, legs, "sample");
	if (at != 0) {
		buf_clear(&l->scratch);
		piece_compact(&l->doc, at, &l->scratch);
		c->legs_sample = keep(l, "", buf_as_slice(&l->scratch));
	}
}

static enum rc
slurp(const char *path, struct buf *text, struct buf *why)
{
	FILE *f = fopen(path, "re");
	enum rc rc = RC_OK;
	size_t n = 1;

	if (f == NULL) {
		buf_printf(why, "%s: %s", path, strerror(errno));
		return errno == ENOENT ? RC_NOTFOUND : RC_IO;
	}
	while (n > 0 && !text->over) {
		char chunk[8192];

		n = fread(chunk, 1, sizeof chunk, f);
		buf_put(text, chunk, n);
	}
	if (ferror(f)) {
		buf_printf(why, "%s: %s", path, strerror(errno));
		rc = RC_IO;
	} else if (text->over) {
		buf_printf(why, "%s: longer than %d bytes", path,
		    FILE_MAX_BYTES);
		rc = RC_INVALID;
	}
	fclose(f);
	return rc;
}

enum rc
catalog_load(struct catalog **c, const char *path, struct buf *why)
{
	static const char *const known[] = { "events", "fields", "legs" };
	struct loader l = { .doc = JSON_DOC_INIT,
	    .scratch = BUF_INIT(FILE_MAX_BYTES), .path = path,
	    .why = why, .rc = RC_OK };
	struct buf text = BUF_INIT(FILE_MAX_BYTES);
	struct json_error err;
	enum rc rc;

	rc = slurp(path, &text, why);
	if (rc != RC_OK)
		goto done;
	rc = json_scan(&l.doc, buf_as_slice(&text), &json_limits_default, &err);
	if (rc != RC_OK) {
		buf_printf(why, "%s: line %u, column %u: %s", path, err.line,
		    err.col, err.detail);
		rc = RC_INVALID;
		goto done;
	}
	l.c = array(1, sizeof *l.c);
	l.size = 2 * text.len + 16;
	l.c->pool = array(l.size, 1);
	known_members(&l, 0, known, NELEM(known));
	if (l.rc == RC_OK)
		read_events(&l);
	if (l.rc == RC_OK)
		read_fields(&l);
	if (l.rc == RC_OK)
		read_legs(&l);
	rc = l.rc;
	if (rc == RC_OK) {
		*c = l.c;
		l.c = NULL;
	}
done:
	catalog_free(l.c);
	json_doc_free(&l.doc);
	buf_free(&l.scratch);
	buf_free(&text);
	return rc;
}
