/*
 * subscription - one subscription of a snapshot, opened when it is used.
 *
 * Of the 100,000 that a program may know it sends for few at a time: a snapshot
 * holds what an event is matched by, and the task and the signing keys sealed
 * as the store has them.  They are opened and compiled when somebody asks, and
 * then kept as long as the subscription is.  Made by roster_load.c; all calls
 * are safe from any thread.  Invariant: a subscription whose task can't be used
 * is disabled, reason "task", so that what it is due is held until it is
 * mended.
 */
#ifndef WORK_SUBSCRIPTION_H
#define WORK_SUBSCRIPTION_H

#include "base/crypt.h"
#include "shape/task.h"
#include "work/sign.h"

struct client;
struct interest;

enum subscription_state { SUBSCRIPTION_ACTIVE, SUBSCRIPTION_PAUSED,
	SUBSCRIPTION_DISABLED };

struct subscription {
	uint32_t	 number;
	uint64_t	 version;
	const struct client *client;
	struct interest *interest;	/* what it is matched by; NULL: none */
	struct subscription_sealed *sealed;	/* subscription.c's own */
	int64_t		 created_ms, updated_ms;
};

/*
 * Whether it is served, and if it is disabled why ("" else): what the record
 * says, unless its task can't be used.  Finding that out takes some 20 us the
 * first time, and keeps nothing.
 */
enum subscription_state subscription_state(const struct subscription *s);
const char *subscription_reason(const struct subscription *s);

/* When its state was last set, as far as its record knows. */
int64_t subscription_since_ms(const struct subscription *s);

/*
 * Deliveries of events up to this position that were pending at that time are
 * to be dropped, not sent: somebody resumed it so.  0: none.
 */
uint64_t subscription_drop_upto(const struct subscription *s);

/*
 * What is sent.  NULL: it does not compile with this catalogue, or can't be
 * opened with this key file; why is logged, once.  Lives as long as the
 * snapshot that s is of.
 */
const struct task *subscription_task(const struct subscription *s);

/* The same for one look, kept by nobody: freed by task_free. */
struct task *subscription_compile(const struct subscription *s);

/*
 * The secrets that sign what is sent at now_ms, the newest first; how many.
 * None only if the task is NULL, or is no record's.  They live as long as it.
 */
size_t subscription_keys(const struct subscription *s, int64_t now_ms,
    const struct sign_key **key);

/* What a record holds; the slices are borrowed and outlive it. */
struct subscription_sealing {
	const struct crypt *crypt;	/* NULL: the task is not sealed, and
					   there are no keys */
	const struct catalog *catalog;
	enum subscription_state state;
	const char	*reason;
	int64_t		 since_ms;
	uint64_t	 drop_upto;
	struct slice	 task, keys;	/* sealed */
};

struct subscription_sealed *subscription_sealed_new(uint32_t number,
    struct subscription_sealing with);
void subscription_sealed_free(struct subscription_sealed *p);

#endif
