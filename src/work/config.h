/*
 * config - making and changing clients, subscriptions and keys.
 *
 * What a record's JSON holds and what may be changed in it; used by the
 * command and by admin.  Reading them in bulk is roster.h.  Secrets enter the
 * store sealed: a subscription's record is {"client","state","reason",
 * "task" (sealed),"secrets" (sealed),...}.  Every function here that writes
 * checks the expected version and is synced when it returns.
 */
#ifndef WORK_CONFIG_H
#define WORK_CONFIG_H

#include "work/keyring.h"
#include "work/roster.h"

/* What a change needs to know of the service. */
struct config {
	struct store	*store;
	const struct crypt *crypt;
	const struct catalog *catalog;
};

/*
 * Make a client.  scope[] are "field=value" rules; none and all false is
 * RC_INVALID.  *number is set.
 *   RC_INVALID  empty name, unknown field (why names the nearest)
 */
MUST_USE enum rc client_add(const struct config *cf, const char *name,
    const char *mail, bool all, const char *const *scope, size_t nscope,
    uint32_t *number, struct buf *why);

/* Say what client_add would, of the same, without making anything. */
MUST_USE enum rc client_check(const struct config *cf, const char *name,
    const char *mail, bool all, const char *const *scope, size_t nscope,
    struct buf *why);

/*
 * Remove a client; RC_EXISTS while it has subscriptions or keys, unless
 * cascade, which removes these first.
 */
MUST_USE enum rc client_remove(const struct config *cf, uint32_t number,
    bool cascade, struct buf *why);

/*
 * Make a subscription of a client from a task's JSON (task.h), active, with a
 * fresh signing secret.  why holds one problem a line, "pointer: detail".
 *   RC_NOTFOUND  no such client
 *   RC_INVALID   the task is wrong
 */
MUST_USE enum rc subscription_add(const struct config *cf, uint32_t client,
    struct slice json, const struct slice *events, size_t nevents,
    uint32_t *number, struct buf *why);

/* What a subscription begins with; all of it borrowed. */
struct subscription_new {
	uint32_t	 client;
	struct slice	 json;		/* the task */
	const struct slice *events;	/* given beside it */
	size_t		 nevents;
	enum subscription_state state;
	const char	*reason;	/* of SUBSCRIPTION_DISABLED; "" else */
	const struct keyring *secrets;	/* NULL or empty: a fresh one is
					   made */
};

/* Make one in any state; else as subscription_add. */
MUST_USE enum rc subscription_make(const struct config *cf,
    const struct subscription_new *new, uint32_t *number, struct buf *why);

/* Say what subscription_make would, the client apart, without making it. */
MUST_USE enum rc subscription_check(const struct config *cf,
    const struct subscription_new *new, struct buf *why);

/*
 * Compile a task as a person wrote it in place of was (NULL: of none), whose
 * secrets stand in for the masks it may carry, and whose events for those it
 * does not name.  why holds one problem a line,
 * "/httpRequest/url: line 1, column 8: ...".  *t is freed by task_free.
 *   RC_INVALID, RC_TOOBIG  the task is wrong
 */
MUST_USE enum rc config_task(const struct catalog *c, const struct task *was,
    struct slice json, struct task **t, struct buf *why);

/* A task_problem that appends such a line to arg, a struct buf. */
void config_task_fault(void *arg, const char *pointer, const char *detail);

/* Replace a subscription's task; masked secrets keep what is there. */
MUST_USE enum rc subscription_edit(const struct config *cf, uint32_t number,
    uint64_t version, struct slice json, struct buf *why);

/*
 * Set state, as of now; reason for SUBSCRIPTION_DISABLED, "" else.  No change
 * is RC_OK and keeps since when it was so.
 */
MUST_USE enum rc subscription_set_state(const struct config *cf,
    uint32_t number, enum subscription_state state, const char *reason,
    struct buf *why);

/*
 * Make it active, and drop what was held: of all events there are.
 *   RC_EXISTS  it was active, so nothing was held, and nothing is dropped
 */
MUST_USE enum rc subscription_drop(const struct config *cf, uint32_t number,
    struct buf *why);

MUST_USE enum rc subscription_remove(const struct config *cf,
    uint32_t number, struct buf *why);

/*
 * Read a subscription's signing secrets, ended ones among them, into raw,
 * which *k points into then; wiped by the caller.
 *   RC_NOTFOUND  no such subscription
 *   RC_INVALID   they can't be opened or read
 */
MUST_USE enum rc subscription_secrets(const struct config *cf,
    uint32_t number, struct buf *raw, struct keyring *k, struct buf *why);

/* A change of what a subscription's messages are signed with. */
struct subscription_rotation {
	struct sign_key	 key;		/* the new one; borrowed */
	int64_t		 now_ms;
	int64_t		 overlap_ms;	/* the older sign so long: 0 to
					   KEYRING_OVERLAP_MAX_MS */
	size_t		 older;		/* set: how many still sign */
	int64_t		 until_ms;	/* set: when the last of them ends */
};

/*
 * Put a signing secret first; see keyring_rotate.  Repeatable.
 *   RC_NOTFOUND  no such subscription
 *   RC_TOOBIG    too many secrets would sign; why says when there is room
 */
MUST_USE enum rc subscription_rotate(const struct config *cf, uint32_t number,
    struct subscription_rotation *r, struct buf *why);

/* Make a key of a kind; client for KEY_CLIENT.  Appends the key itself. */
MUST_USE enum rc apikey_add(const struct config *cf, enum key_kind kind,
    uint32_t client, const char *name, uint32_t *number, struct buf *key,
    struct buf *why);
MUST_USE enum rc apikey_revoke(const struct config *cf, uint32_t number,
    struct buf *why);

/* Append one object of a listing (DESIGN §5, §11), without a line's end. */
void client_print(const struct store *st, const struct client *c,
    struct buf *out);
void subscription_print(const struct store *st,
    const struct subscription *s, bool mask, struct buf *out);
void apikey_print(const struct store *st, const struct apikey *k,
    struct buf *out);

/* A signing secret as its receiver needs it: of a v1a the public key. */
void secret_print(const struct keyring *k, size_t i, struct buf *out);

/* The new one of a rotation, and how long older ones sign. */
void rotation_print(const struct subscription_rotation *r, struct buf *out);

const char *key_kind_name(enum key_kind k);		/* "publish", ... */
const char *subscription_state_name(enum subscription_state s);

#endif
