/*
 * intake - posted events into the store: read, match, accept, nudge.
 *
 * One event or a run of them that stand alone, each with an outcome as
 * DESIGN §4's table has it.  It knows nothing of HTTP beyond the numbers in
 * that table; the handlers are ui/intake_page.  Safe from any thread, one
 * `struct intake_work` a thread.  Invariant: an outcome of 202 or 200 means
 * committed and synced.
 */
#ifndef WORK_INTAKE_H
#define WORK_INTAKE_H

#include "work/event.h"
#include "work/roster.h"

#define INTAKE_RUN	256	/* items taken together at most */
#define INTAKE_NO_KEY	0	/* posted by the operator's own command */

/* What all threads of a program share; filled by the program. */
struct intake {
	struct store	*store;
	struct rosters	*rosters;
	const struct crypt *crypt;
	const struct catalog *catalog;
	const char	*store_dir;
	int		 nudge;		/* nudge_open_sender */
	size_t		 event_max;	/* bytes of one; 0: any */
};

struct intake_item {
	struct slice	 json;		/* given; borrowed */
	int		 status;	/* found: 202 200 400 401 409 422 503 */
	uint64_t	 position;	/* 202 and 200 */
	uint32_t	 deliveries;	/* the same */
	struct problems	 bad;		/* of the others */
};

/*
 * One thread's memory, used again from run to run.  It grows with a run's
 * items; trim gives back what more than one of them took.
 */
struct intake_work;
struct intake_work *intake_work_new(const struct intake *in);
void intake_work_trim(struct intake_work *w);
void intake_work_free(struct intake_work *w);

/*
 * The key that a token is, newly added ones included; *roster stays borrowed
 * until roster_release.  NULL in *key: unknown.  One that was revoked a moment
 * ago may still be found; intake_take refuses it.
 *   RC_RETRY, RC_IO  as the store
 */
MUST_USE enum rc intake_key(const struct intake *in, struct slice token,
    const struct roster **roster, const struct apikey **key);

/*
 * Take n items (at most INTAKE_RUN) posted with publish key number key; each
 * gets its status.  problems in the items are initialised by the caller.
 */
void intake_take(const struct intake *in, struct intake_work *w,
    uint32_t key, struct intake_item *item, size_t n);

#endif
