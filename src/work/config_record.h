/*
 * config_record - the JSON of configuration records, as the store keeps it.
 *
 *   client        {"name","mail","all":bool,"scope":[{"field","value"}],
 *                 "at":[where each field stood when that was written]}
 *   subscription  {"client":n,"state","reason","since":ms,"dropUpto":n,
 *                 "interest":{"event","filter","at","settings"},"task":S,
 *                 "secrets":S}
 *   key           {"kind","name","client":n,"hash":64 hex digits}
 *
 * S is sealed (crypt_seal): the task's JSON as task_print gives it unmasked,
 * since header values and URLs in it are secrets; and the signing secrets as
 * keyring.c writes them.  Written by config*.c alone, read by roster_load.c and
 * portable_export.c.  since is when the state was set, missing in records from
 * before it was kept; dropUpto is missing where nothing was ever dropped.
 * interest is what the task says of them, in the open so that intake need not
 * open anything; it is missing in records from before it was kept, and where
 * the record would be too large with it.
 */
#ifndef WORK_CONFIG_RECORD_H
#define WORK_CONFIG_RECORD_H

#include "work/roster.h"

/* A subscription's record, its parts still sealed. */
struct subscription_record {
	uint32_t	 client;
	enum subscription_state state;
	int64_t		 since_ms;	/* 0: it does not say */
	uint64_t	 drop_upto;	/* position; 0: none */
	struct slice	 reason;	/* these point into text */
	struct slice	 interest;	/* JSON; empty: none */
	struct slice	 task, secrets;
	struct buf	 text;		/* owned */
};

#define SUBSCRIPTION_RECORD_INIT { .text = BUF_INIT(STORE_RECORD_MAX) }

/* RC_INVALID: the body is not such a record. */
MUST_USE enum rc subscription_record_read(struct subscription_record *s,
    struct slice body);
void subscription_record_write(const struct subscription_record *s,
    struct buf *body);

#endif
