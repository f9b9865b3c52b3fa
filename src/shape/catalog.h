/*
 * catalog - the event types and order fields that Skycap knows by name.
 *
 * Data, read at start: the installed catalog.json, and what an operator adds in
 * one of his own without touching C; and behind these the service's own events,
 * which nobody can post, change or leave out.  Pure after loading; immutable, shared by
 * threads.  Spellings are the help page's, slips included, since they stand on
 * the wire; the corrected spellings are aliases that intake takes.  Invariant:
 * every field is found by its pointer in the sample order, which is sound.
 */
#ifndef SHAPE_CATALOG_H
#define SHAPE_CATALOG_H

#include "base/buf.h"

struct catalog;
struct template;

#define CATALOG_NAME_MAX 64	/* bytes of an event's or a field's name */

enum catalog_type {
	CATALOG_TEXT,		/* a string, or a number kept as its digits */
	CATALOG_INTEGER,	/* a JSON integer or a string of digits */
	CATALOG_DECIMAL,	/* either, at most 38 digits, digits kept */
	CATALOG_TIME,		/* RFC 3339, or without zone, kept as sent */
};
#define CATALOG_TYPES 4

/* As catalog.json spells them: by type; by what is derived, "" for nothing. */
extern const char *const catalog_type_word[CATALOG_TYPES];
extern const char *const catalog_derived_word[];

struct catalog_event {
	const char	*name;
	const char	*group;		/* a few words: a heading */
	const char	*meaning;	/* one sentence */
	const char	*const *alias;	/* NULL-terminated */
	const char	*status;	/* orderStatus in its sample, or NULL */
	const char	*headline;	/* a template: what happened, in a line */
	const char	*sample;	/* the service's own: what it says, a
					   JSON object; NULL: of orders */
	uint16_t	 index;		/* place in the catalogue, from 0 */
};

/*
 * It is about the service itself, not about an order: nobody posts it, "*" does
 * not mean it, and only clients that see everything may have it.
 */
static inline bool
catalog_is_operational(const struct catalog_event *e)
{
	return e->sample != NULL;
}

/* So begin the names of all such events, and of no other. */
#define CATALOG_OPERATIONAL_PREFIX "skycap."

/* What order.c makes of the legs when the order lacks the field. */
enum catalog_derived {
	CATALOG_SENT,		/* nothing: only what was sent */
	CATALOG_ORIGIN, CATALOG_DESTINATION, CATALOG_FULL_PATH,
	CATALOG_BOOKING,	/* the type of booking; OW, RT, MC are taken */
};

struct catalog_field {
	const char	*name;
	enum catalog_type type;
	enum catalog_derived derived;
	bool		 personal;
	bool		 reference;	/* a name of the order: short */
	const char	*meaning;
	const char	*sample;	/* as text */
	const char	*pointer;	/* RFC 6901, in the order; a leg's
					   field has none */
	const struct slice *step;	/* the pointer's parts, unescaped */
	size_t		 nstep;
	uint16_t	 index;		/* place in the catalogue, from 0 */
};

/*
 * Read and check a catalogue file.  *c is freed by catalog_free.
 *   RC_NOTFOUND, RC_INVALID (why names file and line or member), RC_IO
 */
MUST_USE enum rc catalog_load(struct catalog **c, const char *path,
    struct buf *why);

/*
 * The same for a service: catalog.json in the directory data, extended by the
 * events, fields and leg fields of a catalog.json beside the configuration
 * file conf, if there is one.  What it adds comes after what is installed; a
 * name or place that is taken already is RC_INVALID.
 */
MUST_USE enum rc catalog_open(struct catalog **c, const char *data,
    const char *conf, struct buf *why);
void catalog_free(struct catalog *c);

/* In the file's order; index from 0; NULL past the end. */
const struct catalog_event *catalog_event_at(const struct catalog *c,
    size_t i);
const struct catalog_field *catalog_field_at(const struct catalog *c,
    size_t i);

size_t catalog_field_count(const struct catalog *c);

/* What is known of each leg: origin, destination, departure, arrival, ... */
const struct catalog_field *catalog_leg_at(const struct catalog *c, size_t i);
const struct catalog_field *catalog_leg_find(const struct catalog *c,
    struct slice name);

/* By name; for events also by alias (the result has the wire spelling). */
const struct catalog_event *catalog_event_find(const struct catalog *c,
    struct slice name);
const struct catalog_field *catalog_field_find(const struct catalog *c,
    struct slice name);

/*
 * The field that stands in the order's own member of this name, or NULL; and
 * the fields that have to be walked to (they stand further down, or their
 * member's name is over CATALOG_NAME_MAX), by index from 0, NULL past the end.
 */
const struct catalog_field *catalog_field_member(const struct catalog *c,
    struct slice member);
const struct catalog_field *catalog_field_deep(const struct catalog *c,
    size_t i);

/* The nearest name to a mistyped one, or NULL. */
const char *catalog_event_nearest(const struct catalog *c, struct slice name);
const char *catalog_field_nearest(const struct catalog *c, struct slice name);

/*
 * The ready-made texts of an event type, or of none that is known (NULL):
 * templates, to be rendered sparse.  A headline is plain text; what names
 * event.headline is given its rendering.
 */
enum catalog_text {
	CATALOG_TEXT_MAIL,	/* plain */
	CATALOG_TEXT_SLACK,	/* of Slack's markup, in a JSON string */
};
#define CATALOG_TEXTS 2
const struct template *catalog_headline(const struct catalog *c,
    const struct catalog_event *type);
const struct template *catalog_text(const struct catalog *c,
    const struct catalog_event *type, enum catalog_text which);

/*
 * Append the sample order of an event type: JSON with every field and legs.  Of
 * one of the service's own: the object in its place.
 */
void catalog_sample_order(const struct catalog *c,
    const struct catalog_event *type, struct buf *out);

#endif
