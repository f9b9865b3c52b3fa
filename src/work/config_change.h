/*
 * config_change - what the makers and changers of configuration records share.
 *
 * Private to config*.c and portable*.c.  Each says in why what stood in the
 * way.
 */
#ifndef WORK_CONFIG_CHANGE_H
#define WORK_CONFIG_CHANGE_H

#include "work/config.h"
#include "work/config_record.h"

/* What is wrong with a name, as the end of a sentence, or NULL. */
const char *config_name_fault(const char *name);

/* store_record_put of a body that may be over. */
MUST_USE enum rc config_put(const struct config *cf, enum store_kind kind,
    uint32_t *number, uint64_t *version, const struct buf *body,
    struct buf *why);

/* Remove a record of any version; what names it in why. */
MUST_USE enum rc config_remove(const struct config *cf, enum store_kind kind,
    uint32_t number, const char *what, struct buf *why);

/* RC_NOTFOUND: there is no such client. */
MUST_USE enum rc config_client_there(const struct config *cf, uint32_t client,
    struct buf *why);

/*
 * May this client have that task?  why is a line as config_task_fault's.
 *   RC_INVALID   it asks for events that only who sees everything may have
 *   RC_NOTFOUND  there is no such client
 */
MUST_USE enum rc config_client_may(const struct config *cf, uint32_t client,
    const struct task *t, struct buf *why);

/* The same fault, of a client that does not see everything. */
#define CONFIG_NOT_ALL "events of the service itself are for clients that " \
	"see everything (--all)"

/*
 * A record was made for a client.  If the client was removed at the same
 * moment, one of the two sides sees the other: this, which removes the record
 * again and answers RC_NOTFOUND, or client_remove's second look.
 */
MUST_USE enum rc config_client_still_there(const struct config *cf,
    uint32_t client, enum store_kind kind, uint32_t number, struct buf *why);

/* Read a subscription's record; *rec and *s are cleared by the caller. */
MUST_USE enum rc config_subscription_get(const struct config *cf,
    uint32_t number, struct store_record *rec, struct subscription_record *s,
    struct buf *why);

/*
 * Write it, without its interest if it would be too large with that: then who
 * loads it opens the task.
 */
void config_subscription_write(const struct subscription_record *s,
    struct buf *body);

/*
 * Open the signing secrets of a record into raw, which *k points into then;
 * wiped by the caller.  RC_INVALID: they can't be opened or read.
 */
MUST_USE enum rc config_secrets_open(const struct config *cf,
    struct slice sealed, struct buf *raw, struct keyring *k,
    struct buf *why);

/* Append those that live at now_ms, sealed. */
void config_secrets_seal(const struct config *cf, const struct keyring *k,
    int64_t now_ms, struct buf *out);

#endif
