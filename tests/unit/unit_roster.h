/*
 * unit_roster - a roster of any size without a store, for tests and the bench.
 *
 * Needs no cmocka.  Begun by roster_new, finished by roster_ready; what goes
 * wrong ends the process.
 */
#ifndef TESTS_UNIT_ROSTER_H
#define TESTS_UNIT_ROSTER_H

#include "base/log.h"
#include "work/config_record.h"
#include "work/interest.h"
#include "work/roster_inner.h"

static inline void
roster_put(struct roster *r, enum store_kind kind, uint32_t number,
    const struct crypt *crypt, const struct buf *body)
{
	struct store_record rec = { .kind = kind, .number = number,
	    .version = 1, .body = buf_as_slice(body) };

	if (body->over || roster_take(r, &rec, crypt) != RC_OK)
		log_fatal("record %u can't be taken: %s", number,
		    buf_str(body));
}

/* scope: the list as JSON; NULL sees all. */
static inline void
roster_put_client(struct roster *r, uint32_t number, const char *scope)
{
	struct buf body = BUF_INIT(STORE_RECORD_MAX);

	buf_printf(&body, "{\"name\":\"Client %u\",\"mail\":\"\",\"all\":%s,"
	    "\"scope\":%s}", number, scope == NULL ? "true" : "false",
	    scope == NULL ? "[]" : scope);
	roster_put(r, STORE_CLIENT, number, NULL, &body);
	buf_free(&body);
}

/* task: as JSON, a sound one. */
static inline void
roster_put_subscription(struct roster *r, uint32_t number, uint32_t client,
    const struct crypt *crypt, struct slice task)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct buf interest = BUF_INIT(STORE_RECORD_MAX);
	struct buf sealed = BUF_INIT(STORE_RECORD_MAX);
	struct buf key = BUF_INIT(64), keys = BUF_INIT(256);
	struct buf body = BUF_INIT(STORE_RECORD_MAX);

	buf_be16(&key, 32);
	buf_puts(&key, "0123456789abcdef0123456789abcdef");
	crypt_seal(crypt, buf_as_slice(&key), &keys);
	crypt_seal(crypt, task, &sealed);
	s.client = client;
	s.state = SUBSCRIPTION_ACTIVE;
	s.reason = SLICE("");
	interest_write(r->catalog, task, &interest);
	s.interest = buf_as_slice(&interest);
	s.task = buf_as_slice(&sealed);
	s.secrets = buf_as_slice(&keys);
	subscription_record_write(&s, &body);
	roster_put(r, STORE_SUBSCRIPTION, number, crypt, &body);
	buf_free(&interest);
	buf_free(&sealed);
	buf_free(&key);
	buf_free(&keys);
	buf_free(&body);
}

#endif
