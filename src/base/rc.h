/*
 * rc - what a function that can fail returns.
 *
 * One set of results for the whole of Skycap; a value exists only because some
 * caller acts on it.  The human reason travels beside it in a `struct buf
 * *why`: one line, no secrets.  Whoever handles an error logs it, once.
 */
#ifndef BASE_RC_H
#define BASE_RC_H

enum rc {
	RC_OK,
	RC_NOTFOUND,	/* no such record, event, delivery, name */
	RC_EXISTS,	/* it is there already: a duplicate */
	RC_STALE,	/* it changed since the caller looked: look again */
	RC_INVALID,	/* the input is wrong, and stays wrong if repeated */
	RC_TOOBIG,	/* over a stated limit */
	RC_DENIED,	/* not with these rights, or not as this user */
	RC_RETRY,	/* not now (recovering, deadlocked): the same call later */
	RC_FULL,	/* no room in the store: 503 until there is */
	RC_IO,		/* the system failed: disk, network, engine */
};

#define MUST_USE	__attribute__((warn_unused_result))
#define PRINTF(f, a)	__attribute__((format(printf, f, a)))
#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

/* "RC_OK", "RC_NOTFOUND", ...; for logs and tests. */
static inline const char *
rc_name(enum rc rc)
{
	static const char *const name[] = {
		"RC_OK", "RC_NOTFOUND", "RC_EXISTS", "RC_STALE", "RC_INVALID",
		"RC_TOOBIG", "RC_DENIED", "RC_RETRY", "RC_FULL", "RC_IO",
	};

	return (unsigned)rc < NELEM(name) ? name[rc] : "RC_?";
}

#endif
