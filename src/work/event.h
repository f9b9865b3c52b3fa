/*
 * event - one posted event: read, checked, ready to be matched and accepted.
 *
 * From the JSON of DESIGN §4 to the parts that the store wants.  Pure but for
 * the service's key, which the content hash and the references are made with.
 * It knows nothing of HTTP; what is wrong is collected as problems.
 */
#ifndef WORK_EVENT_H
#define WORK_EVENT_H

#include "store/store.h"
#include "work/reference.h"

#define EVENT_PROBLEMS_MAX 32	/* further ones are only counted */

/* What is wrong with an event: pointers (RFC 6901) and sentences. */
struct problems {
	size_t		 n;		/* also those not kept */
	bool		 grammar;	/* it is not even JSON: 400, else 422 */
	struct buf	 text;		/* pointer NUL detail NUL ... */
};

#define PROBLEMS_INIT { .text = BUF_INIT(16384) }

void problems_add(struct problems *p, const char *pointer,
    const char *fmt, ...) PRINTF(3, 4);
void problems_clear(struct problems *p);
void problems_free(struct problems *p);

/* The i-th pair kept; false past the end. */
bool problems_at(const struct problems *p, size_t i, const char **pointer,
    const char **detail);

struct event {
	const struct catalog_event *type;
	struct slice	 sender_id;	/* s NULL: none; in text or the JSON */
	struct slice	 occurred;	/* as given; s NULL: none */
	struct slice	 order;		/* JSON text of the order */
	bool		 test;
	unsigned char	 content[CRYPT_HASH_LEN];	/* if sender_id.s */
	uint64_t	 chain;		/* of its order, by agwID; never 0 */
	uint64_t	 ref[REFERENCE_MAX];
	size_t		 nref;
	struct buf	 text;		/* owned */
};

#define EVENT_INIT { .text = BUF_INIT(4096) }

/* Memory that reading needs, used again from one event to the next. */
struct event_reader {
	const struct catalog *catalog;
	const struct crypt *crypt;
	struct json_doc	 doc;
	struct order	 order;		/* of the event read last */
	struct buf	 canonical;
};

#define EVENT_READER_INIT(cat, key) { .catalog = (cat), .crypt = (key), \
	.doc = JSON_DOC_INIT, .order = ORDER_INIT, \
	.canonical = BUF_INIT(8 * 1024 * 1024) }

void event_reader_free(struct event_reader *r);

/* Give back memory that an unusually large event has taken. */
void event_reader_trim(struct event_reader *r);

/*
 * Read one event's JSON, which is borrowed by *ev.  *ev was initialised or
 * used before.  On RC_OK r->order is its order, until the next call.
 *   RC_INVALID  problems were added to *bad
 */
MUST_USE enum rc event_read(struct event_reader *r, struct slice json,
    struct event *ev, struct problems *bad);
void event_free(struct event *ev);

#endif
