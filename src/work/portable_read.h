/*
 * portable_read - an export's text read and checked, part by part.
 *
 * Private to portable*.c.  The text comes from anywhere: every fault is told
 * with its place, up to PORTABLE_FAULTS_MAX of them.  Makes nothing.  What is
 * read was sound only if the file has no faults afterwards.
 */
#ifndef WORK_PORTABLE_READ_H
#define WORK_PORTABLE_READ_H

#include "base/json.h"
#include "work/portable.h"

#define PORTABLE_FAULTS_MAX 100		/* told; the rest is counted */

struct portable_file {
	const struct config *cf;
	struct json_doc	 doc;
	struct buf	*why;		/* one fault a line */
	size_t		 nfault;
	bool		 masked;	/* a task has masks for secrets */
	uint32_t	 client;	/* tokens; 0: there is none */
	uint32_t	 subscriptions;
};

/* Strings are NUL-terminated. */
struct portable_client {
	struct buf	 name, mail;
	bool		 all;
	struct buf	 rules;		/* the text of rule[] */
	const char	**rule;		/* owned; "field=value" */
	size_t		 nrule;
};

#define PORTABLE_CLIENT_INIT { .name = BUF_INIT(1024), \
	.mail = BUF_INIT(1024), .rules = BUF_INIT(2 * STORE_RECORD_MAX) }

struct portable_subscription {
	struct slice	 task;		/* in the file's text */
	enum subscription_state state;
	struct buf	 reason;
	struct keyring	 secrets;
	struct buf	 keys;		/* the bytes of secrets */
};

#define PORTABLE_SUBSCRIPTION_INIT { .reason = BUF_INIT(1024), \
	.keys = BUF_INIT(SIGN_KEYS_MAX * SIGN_KEY_MAX) }

/* Tell a fault of token tok, a value or a key. */
void portable_fault(struct portable_file *f, uint32_t tok, const char *fmt,
    ...) PRINTF(3, 4);

/*
 * Index the text and find the file's parts in it; json is borrowed.  False if
 * nothing further can be read.
 */
bool portable_read_file(struct portable_file *f, struct slice json);

/* Read the client into *c, cleared before. */
void portable_read_client(struct portable_file *f, struct portable_client *c);
void portable_client_clear(struct portable_client *c);

/*
 * Read the subscription at token tok into *s, cleared before.  Its task is
 * compiled only by portable_check_task.
 */
void portable_read_subscription(struct portable_file *f, uint32_t tok,
    struct portable_subscription *s);
void portable_subscription_clear(struct portable_subscription *s);

/* Compile the task of subscription s of c, at token tok; could it be kept? */
void portable_check_task(struct portable_file *f, uint32_t tok,
    const struct portable_client *c, const struct portable_subscription *s);

/* What was read, as subscription_make takes it, less the client; borrows. */
struct subscription_new portable_new(const struct portable_subscription *s);

#endif
