/*
 * query - which deliveries people ask for, and finding them.
 *
 * A query is made of name=value pairs, as options of the command, parameters
 * of the API and fields of a form give them, all of which must hold; a walk
 * finds its deliveries a bounded step at a time, by an index wherever there is
 * one.  Who may ask for what was decided before.  Invariant: what a walk finds
 * was so when it was read, whatever the index said.
 *
 *   state         pending, held, delivered, dead
 *   reason        of what is dead (words.h)
 *   subscription  sub_..., or notices: the mails of notice.h
 *   client        cli_...
 *   event         an event type, or one event: evt_...
 *   code          last HTTP status: 503, or a class: 5xx; 0: attempted and
 *                 no answer came
 *   word          how the last attempt ended (words.h)
 *   since, until  RFC 3339 (UTC without a zone), or how long ago: 90s, 30m, 2h,
 *                 7d; until excludes.  The time of a delivery is when it was
 *                 done or, while it is pending or held, accepted
 *   ref           VALUE of any reference, or NAME=VALUE; agwID, orderID, pnr,
 *                 recordLocator, mail and phone are names of their own, too.
 *                 Several must all hold
 *   test          true or false: of tests alone, or of none
 *
 * What is done is found by lane and time, what is pending by lane, what is dead
 * by time, and references and one event by event; the rest is looked for among
 * these.  Without any of them all events are walked, the newest first.
 */
#ifndef WORK_QUERY_H
#define WORK_QUERY_H

#include "work/config.h"
#include "work/reference.h"

#define QUERY_REFS_MAX	8
#define QUERY_PAGE	100	/* deliveries found in one step at most */

struct query_ref {
	enum reference_kind kind;	/* 0: any */
	struct slice	 value;
};

/* Zeroed: all deliveries. */
struct query {
	uint32_t	 subscription, client;	/* 0: any, as all below */
	const char	*state, *reason, *word;
	int32_t		 code_from, code_below;
	const char	*type;
	uint64_t	 position;
	int		 test;		/* 1: of tests alone; -1: of none */
	int64_t		 since_ms, until_ms;
	struct query_ref ref[QUERY_REFS_MAX];
	size_t		 nref;
	uint64_t	 tag;		/* of all that was set, in any order */
};

/*
 * Add one condition; names in any case.  value is borrowed for the life of the
 * query.  Given again, the last holds, but for references.  now_ms is what
 * "ago" is reckoned from.
 *   RC_NOTFOUND  it is an id of nothing here
 *   RC_INVALID   there is no such name, or that is no value of it
 * why is one line, and names what was meant.
 */
MUST_USE enum rc query_set(struct query *q, const struct config *cf,
    int64_t now_ms, struct slice name, struct slice value, struct buf *why);

/* Anything was asked for. */
bool query_is_set(const struct query *q);

/* A walk through what a query finds. */
struct query_walk {
	const struct query *q;
	struct config	 config;
	const struct roster *r;
	struct store_query ask;
	struct store_ref ref[QUERY_REFS_MAX];
	uint32_t	*lane;		/* owned */
	char		 cursor[STORE_CURSOR_MAX];	/* to go on after; ""
							   at the end */
	struct store_delivery page[QUERY_PAGE];
	struct store_event event;	/* of the delivery at hand */
	struct order	 order;
};

/*
 * Begin at the beginning (cursor "") or after what an earlier walk of the same
 * query left in its own.  q, r and what cf holds are borrowed until query_end,
 * which must follow in any case.
 *   RC_NOTFOUND  there is no such client
 *   RC_INVALID   the cursor is no cursor, or since is not before until
 */
MUST_USE enum rc query_begin(struct query_walk *w, const struct config *cf,
    const struct roster *r, const struct query *q, const char *cursor,
    struct buf *why);
void query_end(struct query_walk *w);

/* o is the event's order, NULL if it is no longer kept.  Must not print. */
typedef void query_found(void *arg, const struct store_delivery *d,
    const struct store_event *ev, const struct order *o);

/*
 * One step: call found for at most max deliveries, in the store's order
 * (look.h); there may be none before the end.  Looks at some 10,000 rows.
 *   RC_INVALID       the cursor is not one of this query
 *   RC_RETRY, RC_IO  as the store; the cursor stays
 */
MUST_USE enum rc query_next(struct query_walk *w, size_t max,
    query_found *found, void *arg);

#endif
