/*
 * portable - a client and all it has as one JSON text, out of one store and
 * into another.
 *
 *   {"format": 1, "skycap": the version that wrote it,
 *    "client": {"name", "mail", "all": true or "scope": [{"field","value"}]},
 *    "subscriptions": [{"state", "reason", "secrets": ["whsec_..."],
 *                       "task": {...}}]}
 *
 * "mail", "reason" (of a disabled one) and "secrets" (the signing secrets, the
 * newest first; only in plain exports) may be missing.  A secret is "whsec_..."
 * or "whsk_..."; one that a rotation has given an end is {"secret", "until"}.
 * Ids, API keys and when things were made are not in it: they mean nothing in
 * another store.  It does not read files nor print.  Invariant: what was
 * exported plain imports with the same catalogue, and exports as the same bytes
 * again, until one of its secrets ends.
 */
#ifndef WORK_PORTABLE_H
#define WORK_PORTABLE_H

#include "work/config.h"

#define PORTABLE_FORMAT		1
#define PORTABLE_MAX		(16 * 1024 * 1024)	/* bytes of the text */
#define PORTABLE_SUBSCRIPTIONS_MAX 10000

enum portable_secrets {
	PORTABLE_MASKED,	/* as task_print masks; no signing secrets */
	PORTABLE_PLAIN,
};

/*
 * Append a client's text, without white space, to out, whose ceiling should be
 * PORTABLE_MAX.  Subscriptions are in the order of their numbers.
 *   RC_NOTFOUND  no such client
 *   RC_INVALID   something of it can't be read, or not be masked; why says
 *                which subscription
 *   RC_TOOBIG    it passes out's ceiling or has too many subscriptions
 */
MUST_USE enum rc portable_export(const struct config *cf, uint32_t client,
    enum portable_secrets how, struct buf *out, struct buf *why);

/*
 * Append one subscription's task.  Plain, it is what is kept, even if it does
 * not hold with this catalogue any more.
 *   RC_NOTFOUND  no such subscription
 *   RC_INVALID   it can't be read, or not be masked
 */
MUST_USE enum rc portable_task(const struct config *cf, uint32_t number,
    enum portable_secrets how, struct buf *out, struct buf *why);

/* What an import has made. */
struct portable_made {
	uint32_t	 client;	/* 0: nothing is there */
	uint32_t	 namesake;	/* an older client of its name, or 0 */
	uint32_t	*subscription;	/* owned; in the text's order */
	bool		*fresh;		/* owned; has a new signing secret */
	size_t		 n;
};

#define PORTABLE_MADE_INIT { .n = 0 }

void portable_made_clear(struct portable_made *m);

/* Asked before each of n subscriptions, done of which are made: go on? */
typedef bool portable_going(void *arg, size_t done, size_t n);

/*
 * Make the client of a text, and its subscriptions in their states; synced.
 * Everything is checked before anything is made, and if something fails later
 * what was made is removed again; should even that fail, m->client is set and
 * why says what is left.  why holds one problem a line, "pointer: detail".
 * going may be NULL.  *m is initialised, and cleared by the caller.
 *   RC_INVALID  the text is wrong; nothing was made
 *   RC_RETRY    going said no
 *   else        as the store
 */
MUST_USE enum rc portable_import(const struct config *cf, struct slice json,
    portable_going *going, void *arg, struct portable_made *m,
    struct buf *why);

#endif
