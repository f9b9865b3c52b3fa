/*
 * catalog_data - the catalogue as it lies in memory.
 *
 * For catalog.c and catalog_sample.c, which answer from it, and catalog_load.c,
 * which fills it; nobody else.  Invariant: strings point into pool, which never
 * moves.
 */
#ifndef SHAPE_CATALOG_DATA_H
#define SHAPE_CATALOG_DATA_H

#include "base/json.h"
#include "shape/catalog.h"

/* Names to places in an array: open addressing, at most half full. */
struct catalog_names {
	struct catalog_slot {
		struct slice	name;	/* s NULL: free */
		uint16_t	at;
	}	*slot;
	size_t	 mask;
};

struct catalog {
	char		*pool;
	struct catalog_event *event;
	struct catalog_field *field, *leg;
	const char	**alias;	/* runs that each end in NULL */
	const char	**event_name, **field_name;	/* for text_nearest */
	const struct catalog_field **deep;	/* not found by members */
	struct slice	*step;		/* of all pointers */
	size_t		 nevent, nfield, nleg, ndeep;
	struct catalog_names events;	/* with aliases */
	struct catalog_names fields;
	struct catalog_names members;	/* by the order's own members */
	struct buf	 legs;		/* their sample: a JSON list */
	struct buf	 lines[CATALOG_TEXTS];	/* of the texts of orders */
	struct template	**headline;	/* by the event's index; the last one
					   for types that are not known */
	struct template	*text[CATALOG_TEXTS];	/* of orders */
	struct template	*own[CATALOG_TEXTS];	/* of the service's own */
};

/* Room for n names. */
void catalog_names_init(struct catalog_names *t, size_t n);

/* RC_EXISTS when the name is there.  name is borrowed. */
MUST_USE enum rc catalog_names_add(struct catalog_names *t, struct slice name,
    uint16_t at);

#define CATALOG_OPERATIONAL 6	/* events of the service's own */

/* Put them behind all that was read; there is room. */
void catalog_add_operational(struct catalog *c);

/* The texts of the service's own events, as templates. */
const char *catalog_operational_text(enum catalog_text which);

/* Free what the texts are compiled to. */
void catalog_free_texts(struct catalog *c);

/* Make c->legs of the sample at list, adding the leg fields that it lacks. */
void catalog_sample_legs(struct catalog *c, const struct json_doc *d,
    uint32_t list);

/*
 * See that the sample order is a sound order which every field is found in.
 * Appends to what if it isn't, and gives the field that is to blame, or NULL.
 */
const struct catalog_field *catalog_sample_fault(const struct catalog *c,
    struct buf *what);

#endif
