/*
 * config_change - what the makers and changers of configuration records share.
 *
 * Private to config*.c and portable*.c.  Each says in why what stood in the
 * way.
 */
#ifndef WORK_CONFIG_CHANGE_H
#define WORK_CONFIG_CHANGE_H

#include "work/config.h"

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

#endif
