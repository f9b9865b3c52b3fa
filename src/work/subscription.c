#include <stdatomic.h>
#include <stdlib.h>
#include "base/log.h"
#include "store/store.h"
#include "work/keyring.h"
#include "work/subscription.h"

/* What a task and keys are when they are in use. */
struct opened {
	struct task	*task;
	struct buf	 raw;		/* of the secrets */
	struct keyring	 secrets;
};

enum verdict { UNKNOWN, USABLE, USELESS };

struct subscription_sealed {
	uint32_t	 number;
	struct subscription_sealing with;
	atomic_int	 verdict;
	_Atomic(struct opened *) opened;	/* set once */
};

static void
opened_free(struct opened *o)
{
	if (o == NULL)
		return;
	task_free(o->task);
	buf_wipe(&o->raw);
	free(o);
}

struct subscription_sealed *
subscription_sealed_new(uint32_t number, struct subscription_sealing with)
{
	struct subscription_sealed *p = malloc(sizeof *p);

	if (p == NULL)
		log_fatal("out of memory");
	p->number = number;
	p->with = with;
	atomic_init(&p->verdict, UNKNOWN);
	atomic_init(&p->opened, NULL);
	return p;
}

void
subscription_sealed_free(struct subscription_sealed *p)
{
	if (p == NULL)
		return;
	opened_free(atomic_load(&p->opened));
	free(p);
}

static enum rc
open_keys(const struct subscription_sealing *with, struct opened *o)
{
	enum rc rc;

	if (with->crypt == NULL)
		return RC_OK;
	o->raw = (struct buf)BUF_INIT(with->keys.len);
	(void)buf_room(&o->raw, with->keys.len);	/* at once: no copies */
	rc = crypt_open(with->crypt, with->keys, &o->raw);
	if (rc == RC_OK)
		rc = keyring_read(&o->secrets, buf_as_slice(&o->raw));
	return rc;
}

static void
task_fault(void *arg, const char *pointer, const char *detail)
{
	struct buf *why = arg;

	if (why->len == 0)		/* the first is enough to mend it by */
		buf_printf(why, "its task does not hold any more: %s: %s",
		    pointer, detail);
}

static enum rc
open_task(const struct subscription_sealing *with, struct opened *o,
    struct buf *why)
{
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	enum rc rc = RC_OK;

	if (with->task.len < plain.max)
		(void)buf_room(&plain, with->task.len);
	if (with->crypt != NULL)
		rc = crypt_open(with->crypt, with->task, &plain);
	else
		buf_slice(&plain, with->task);
	if (rc != RC_OK)
		buf_puts(why, "its secrets can't be opened: another key "
		    "file?");
	else
		rc = task_compile(&o->task, with->catalog,
		    buf_as_slice(&plain), NULL, 0, task_fault, why);
	if (rc != RC_OK)
		o->task = NULL;
	buf_wipe(&plain);
	return rc;
}

/* NULL, and known from then on, if either can't be used. */
static struct opened *
open_both(struct subscription_sealed *p)
{
	struct opened *o = NULL;
	struct buf why = BUF_INIT(1024);
	int none = UNKNOWN;

	if (atomic_load(&p->verdict) == USELESS)
		return NULL;
	o = calloc(1, sizeof *o);
	if (o == NULL)
		log_fatal("out of memory");
	if (open_task(&p->with, o, &why) == RC_OK &&
	    open_keys(&p->with, o) == RC_OK) {
		atomic_store(&p->verdict, USABLE);
	} else {
		opened_free(o);
		o = NULL;
		if (atomic_compare_exchange_strong(&p->verdict, &none,
		    USELESS))
			log_warn("subscription %u is held: %s", p->number,
			    why.len > 0 ? buf_str(&why) :
			    "its signing keys can't be opened");
	}
	buf_free(&why);
	return o;
}

/* Opened and kept; two who open it at once agree on the first one's. */
static const struct opened *
keep_open(const struct subscription *s)
{
	struct subscription_sealed *p = s->sealed;
	struct opened *o = atomic_load(&p->opened), *theirs = NULL;

	if (o != NULL)
		return o;
	o = open_both(p);
	if (o == NULL || atomic_compare_exchange_strong(&p->opened, &theirs,
	    o))
		return o;
	opened_free(o);
	return theirs;
}

const struct task *
subscription_task(const struct subscription *s)
{
	const struct opened *o = keep_open(s);

	return o == NULL ? NULL : o->task;
}

size_t
subscription_keys(const struct subscription *s, int64_t now_ms,
    const struct sign_key **key)
{
	const struct opened *o = keep_open(s);

	*key = o == NULL ? NULL : o->secrets.key;
	return o == NULL ? 0 : keyring_living(&o->secrets, now_ms);
}

struct task *
subscription_compile(const struct subscription *s)
{
	struct opened *o = open_both(s->sealed);
	struct task *t;

	if (o == NULL)
		return NULL;
	t = o->task;
	o->task = NULL;
	opened_free(o);
	return t;
}

static bool
usable(const struct subscription *s)
{
	if (atomic_load(&s->sealed->verdict) == UNKNOWN)
		opened_free(open_both(s->sealed));
	return atomic_load(&s->sealed->verdict) != USELESS;
}

enum subscription_state
subscription_state(const struct subscription *s)
{
	return usable(s) ? s->sealed->with.state : SUBSCRIPTION_DISABLED;
}

int64_t
subscription_since_ms(const struct subscription *s)
{
	return s->sealed->with.since_ms;
}

uint64_t
subscription_drop_upto(const struct subscription *s)
{
	return s->sealed->with.drop_upto;
}

const char *
subscription_reason(const struct subscription *s)
{
	return usable(s) ? s->sealed->with.reason : "task";
}
