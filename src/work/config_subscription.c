#include <stdio.h>
#include "base/clock.h"
#include "base/log.h"
#include "work/config_change.h"
#include "work/interest.h"
#include "work/record_json.h"

static void
seal(const struct config *cf, const struct buf *plain, struct buf *text,
    struct slice *where)
{
	size_t at = text->len;

	crypt_seal(cf->crypt, buf_as_slice(plain), text);
	*where = (struct slice){ text->s, text->len - at };
}

void
config_subscription_write(const struct subscription_record *s,
    struct buf *body)
{
	struct subscription_record bare = *s;

	subscription_record_write(s, body);
	if (!body->over)
		return;
	bare.interest = (struct slice){ NULL, 0 };
	buf_clear(body);
	subscription_record_write(&bare, body);
}

/* The record of a task, with what it wants in the open. */
static void
write_record(const struct catalog *c, struct subscription_record *s,
    const struct buf *plain, struct buf *body)
{
	struct buf interest = BUF_INIT(STORE_RECORD_MAX);

	interest_write(c, buf_as_slice(plain), &interest);
	if (!interest.over)
		s->interest = buf_as_slice(&interest);
	config_subscription_write(s, body);
	s->interest = (struct slice){ NULL, 0 };
	buf_free(&interest);
}

/* Those given or, if there are none, a fresh one. */
static void
seal_secrets(const struct config *cf, const struct keyring *given,
    struct buf *out)
{
	struct keyring fresh = { .n = 0 };
	struct buf raw = BUF_INIT(SIGN_KEY_MAX);
	int64_t now_ms = clock_now_ms();
	struct sign_key key;

	(void)buf_room(&raw, raw.max);		/* at once: leaves no copies */
	if (given == NULL || given->n == 0) {
		if (sign_key_new(SIGN_V1, &raw, &key) != RC_OK ||
		    keyring_rotate(&fresh, key, now_ms, 0) != RC_OK)
			log_fatal("a signing secret can't be made");
		given = &fresh;
	}
	config_secrets_seal(cf, given, now_ms, out);
	buf_wipe(&raw);
}

/* The record of a new subscription, if it is sound and not too large. */
static enum rc
new_record(const struct config *cf, const struct subscription_new *new,
    struct buf *body, struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	struct buf secrets = BUF_INIT(2 * KEYRING_RAW_MAX);
	struct task *t = NULL;
	enum rc rc;

	rc = task_compile(&t, cf->catalog, new->json, new->events,
	    new->nevents, config_task_fault, why);
	if (rc == RC_OK && new->client != 0)
		rc = config_client_may(cf, new->client, t, why);
	if (rc != RC_OK)
		goto done;
	task_print(t, false, &plain);
	seal_secrets(cf, new->secrets, &secrets);
	s.client = new->client;
	s.state = new->state;
	s.reason = slice_of(new->reason);
	s.since_ms = clock_now_ms();
	seal(cf, &plain, &s.text, &s.task);
	s.secrets = buf_as_slice(&secrets);
	write_record(cf->catalog, &s, &plain, body);
	if (plain.over || s.text.over || body->over) {
		buf_puts(why, "the task is too large to be kept");
		rc = RC_TOOBIG;
	}
done:
	task_free(t);
	buf_wipe(&plain);
	buf_free(&secrets);
	buf_free(&s.text);
	return rc;
}

enum rc
subscription_check(const struct config *cf,
    const struct subscription_new *new, struct buf *why)
{
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	enum rc rc = new_record(cf, new, &body, why);

	buf_free(&body);
	return rc;
}

enum rc
subscription_make(const struct config *cf,
    const struct subscription_new *new, uint32_t *number, struct buf *why)
{
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	uint64_t version = 0;
	enum rc rc;

	rc = config_client_there(cf, new->client, why);
	if (rc == RC_OK)
		rc = new_record(cf, new, &body, why);
	if (rc != RC_OK)
		goto done;
	*number = 0;
	rc = config_put(cf, STORE_SUBSCRIPTION, number, &version, &body, why);
	if (rc == RC_OK)
		rc = config_client_still_there(cf, new->client,
		    STORE_SUBSCRIPTION, *number, why);
done:
	buf_free(&body);
	return rc;
}

enum rc
subscription_add(const struct config *cf, uint32_t client, struct slice json,
    const struct slice *events, size_t nevents, uint32_t *number,
    struct buf *why)
{
	const struct subscription_new new = { .client = client, .json = json,
	    .events = events, .nevents = nevents,
	    .state = SUBSCRIPTION_ACTIVE, .reason = "" };

	return subscription_make(cf, &new, number, why);
}

enum rc
config_subscription_get(const struct config *cf, uint32_t number,
    struct store_record *rec, struct subscription_record *s, struct buf *why)
{
	enum rc rc = store_record_get(cf->store, STORE_SUBSCRIPTION, number, 0,
	    rec);

	if (rc == RC_OK)
		rc = subscription_record_read(s, rec->body);
	if (rc == RC_OK && s->since_ms == 0)
		s->since_ms = rec->updated_ms;
	if (rc != RC_OK)
		buf_puts(why, rc == RC_NOTFOUND ?
		    "there is no such subscription" :
		    "the subscription can't be read");
	return rc;
}

enum rc
subscription_edit(const struct config *cf, uint32_t number, uint64_t version,
    struct slice json, struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	struct buf old = BUF_INIT(STORE_RECORD_MAX);
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	struct buf sealed = BUF_INIT(STORE_RECORD_MAX);
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	struct task *was = NULL, *t = NULL;
	enum rc rc;

	rc = config_subscription_get(cf, number, &rec, &s, why);
	if (rc != RC_OK)
		goto done;
	rc = crypt_open(cf->crypt, s.task, &old);
	if (rc != RC_OK) {
		buf_puts(why, "its secrets can't be opened: another key file?");
		goto done;
	}
	/* a task that has become wrong may be mended */
	if (config_task(cf->catalog, NULL, buf_as_slice(&old), &was, why) !=
	    RC_OK)
		buf_clear(why);
	rc = config_task(cf->catalog, was, json, &t, why);
	if (rc == RC_OK)
		rc = config_client_may(cf, s.client, t, why);
	if (rc != RC_OK)
		goto done;
	task_print(t, false, &plain);
	if (plain.over) {
		buf_puts(why, "the task is too large");
		rc = RC_TOOBIG;
		goto done;
	}
	seal(cf, &plain, &sealed, &s.task);
	write_record(cf->catalog, &s, &plain, &body);
	if (sealed.over)
		body.over = true;
	rc = config_put(cf, STORE_SUBSCRIPTION, &number, &version, &body, why);
done:
	task_free(was);
	task_free(t);
	store_record_clear(&rec);
	buf_wipe(&old);
	buf_wipe(&plain);
	buf_free(&sealed);
	buf_free(&body);
	buf_free(&s.text);
	return rc;
}

static enum rc
set_state(const struct config *cf, uint32_t number,
    enum subscription_state state, const char *reason, uint64_t drop_upto,
    struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	enum rc rc;

	do {		/* somebody else's change meanwhile: look again */
		buf_clear(why);
		buf_clear(&body);
		store_record_clear(&rec);
		rc = config_subscription_get(cf, number, &rec, &s, why);
		if (rc != RC_OK)
			break;
		if (s.state == state && slice_is(s.reason, reason)) {
			rc = drop_upto == 0 ? RC_OK : RC_EXISTS;
			break;
		}
		s.state = state;
		s.reason = slice_of(reason);
		s.since_ms = clock_now_ms();
		if (drop_upto > s.drop_upto)
			s.drop_upto = drop_upto;
		subscription_record_write(&s, &body);
		rc = config_put(cf, STORE_SUBSCRIPTION, &number, &rec.version,
		    &body, why);
	} while (rc == RC_STALE);
	store_record_clear(&rec);
	buf_free(&body);
	buf_free(&s.text);
	return rc;
}

enum rc
subscription_set_state(const struct config *cf, uint32_t number,
    enum subscription_state state, const char *reason, struct buf *why)
{
	return set_state(cf, number, state, reason, 0, why);
}

/* One write, however many there are: the sweep drops them in steps. */
enum rc
subscription_drop(const struct config *cf, uint32_t number, struct buf *why)
{
	struct store_condition now;
	enum rc rc = store_condition(cf->store, &now);

	if (rc == RC_OK)
		rc = set_state(cf, number, SUBSCRIPTION_ACTIVE, "",
		    now.position, why);
	else
		buf_puts(why, "the store can't be read just now");
	return rc;
}

enum rc
subscription_remove(const struct config *cf, uint32_t number,
    struct buf *why)
{
	return config_remove(cf, STORE_SUBSCRIPTION, number, "subscription",
	    why);
}

enum rc
apikey_add(const struct config *cf, enum key_kind kind, uint32_t client,
    const char *name, uint32_t *number, struct buf *key, struct buf *why)
{
	struct buf body = BUF_INIT(4096), token = BUF_INIT(128);
	const char *fault = config_name_fault(name);
	unsigned char hash[CRYPT_TOKEN_LEN];
	char hex[2 * CRYPT_TOKEN_LEN + 1];
	uint64_t version = 0;
	enum rc rc = RC_INVALID;

	if (fault != NULL) {
		buf_printf(why, "the key's name %s", fault);
		goto done;
	}
	if (kind == KEY_CLIENT) {
		rc = config_client_there(cf, client, why);
		if (rc != RC_OK)
			goto done;
	}
	(void)buf_room(&token, token.max);	/* at once: leaves no copies */
	crypt_token_new(key_kind_name(kind), &token, hash);
	for (size_t i = 0; i < sizeof hash; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	buf_putc(&body, '{');
	record_put_string(&body, "name", slice_of(name));
	record_put_string(&body, "kind", slice_of(key_kind_name(kind)));
	record_put_int(&body, "client", kind == KEY_CLIENT ? client : 0);
	record_put_string(&body, "hash", slice_of(hex));
	buf_putc(&body, '}');
	*number = 0;
	rc = config_put(cf, STORE_KEY, number, &version, &body, why);
	if (rc == RC_OK && kind == KEY_CLIENT)
		rc = config_client_still_there(cf, client, STORE_KEY, *number,
		    why);
	if (rc == RC_OK)
		buf_slice(key, buf_as_slice(&token));
done:
	buf_free(&body);
	buf_wipe(&token);
	return rc;
}

enum rc
apikey_revoke(const struct config *cf, uint32_t number, struct buf *why)
{
	return config_remove(cf, STORE_KEY, number, "key", why);
}
