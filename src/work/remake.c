#include <inttypes.h>
#include "work/config_record.h"
#include "work/notice.h"
#include "work/remake.h"

void
remake_clear(struct remake *m)
{
	task_free(m->task);
	m->task = NULL;
	outgoing_free(&m->out);
}

static void
task_fault(void *arg, const char *pointer, const char *detail)
{
	struct buf *why = arg;

	if (why->len == 0)		/* one says enough */
		buf_printf(why, "its task does not hold with this catalogue: "
		    "%s: %s", pointer, detail);
}

static enum rc
open_task(struct remake *m, const struct store_record *r, struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	enum rc rc;

	(void)buf_room(&plain, plain.max);	/* at once: leaves no copies */
	rc = subscription_record_read(&s, r->body);
	if (rc == RC_OK)
		rc = crypt_open(m->config.crypt, s.task, &plain);
	if (rc != RC_OK)
		buf_puts(why, "its task can't be opened: another key file?");
	else
		rc = task_compile(&m->task, m->config.catalog,
		    buf_as_slice(&plain), NULL, 0, task_fault, why);
	if (rc != RC_OK)
		m->task = NULL;
	buf_wipe(&plain);
	buf_free(&s.text);
	return rc == RC_OK ? RC_OK : RC_INVALID;
}

/* The program's own, which has no record. */
static enum rc
own_task(struct remake *m, struct buf *why)
{
	if (task_compile(&m->task, m->config.catalog,
	    slice_of(notice_task()), NULL, 0, task_fault, why) == RC_OK)
		return RC_OK;
	m->task = NULL;
	return RC_INVALID;
}

/* Attempts follow each other with the same version, mostly. */
static enum rc
find_task(struct remake *m, uint32_t number, uint64_t version,
    struct buf *why)
{
	struct store_record r = STORE_RECORD_INIT;
	enum rc rc;

	if (m->task != NULL && m->number == number && m->version == version)
		return RC_OK;
	task_free(m->task);
	m->task = NULL;
	m->number = number;
	m->version = version;
	if (number == NOTICE_LANE)
		return own_task(m, why);
	rc = store_record_get(m->config.store, STORE_SUBSCRIPTION, number,
	    version, &r);
	if (rc == RC_OK)
		rc = open_task(m, &r, why);
	else if (rc == RC_NOTFOUND) {
		buf_printf(why, "version %" PRIu64 " of its subscription is "
		    "not kept", version);
		rc = RC_INVALID;
	} else
		buf_puts(why, "the store can't be read just now");
	store_record_clear(&r);
	return rc;
}

static bool
made_none(const struct store_attempt *a)
{
	static const unsigned char none[CRYPT_HASH_LEN];

	return memcmp(a->body_hash, none, sizeof none) == 0;
}

enum rc
remake_body(struct remake *m, const struct store_event *ev,
    const struct order *o, struct store_key delivery,
    const struct store_attempt *a, struct slice *body, struct buf *why)
{
	struct outgoing_ask ask = {
		.store = m->config.store,
		.event = ev,
		.order = o,
		.delivery = delivery,
		.attempt = a->attempt,
	};
	unsigned char hash[CRYPT_HASH_LEN];
	enum rc rc;

	*body = (struct slice){ NULL, 0 };
	if (made_none(a)) {
		buf_puts(why, "it came to no request");
		return RC_NOTFOUND;
	}
	if (o == NULL) {
		buf_puts(why, "the event's order is no longer kept");
		return RC_INVALID;
	}
	rc = find_task(m, delivery.subscription, a->version, why);
	if (rc != RC_OK)
		return rc;
	ask.task = m->task;
	if (outgoing_body(&m->out, &ask, why) != RC_OK)
		return RC_INVALID;
	crypt_hash(m->config.crypt, buf_as_slice(&m->out.rq.body), hash);
	if (!crypt_same(hash, a->body_hash, sizeof hash)) {
		buf_puts(why, "what is made of it now has another hash: the "
		    "catalogue or Skycap has changed since");
		return RC_INVALID;
	}
	*body = buf_as_slice(&m->out.rq.body);
	return RC_OK;
}
