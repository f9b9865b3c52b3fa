#include <stdio.h>
#include "base/text.h"
#include "work/config.h"
#include "work/config_record.h"
#include "work/record_json.h"

#define CLIENT_NAME_MAX 120	/* bytes */

static const char *
usable_name(const char *name)
{
	if (name[0] == '\0')
		return "must not be empty";
	if (strlen(name) > CLIENT_NAME_MAX)
		return "must have at most 120 bytes";
	if (!text_is_utf8(slice_of(name)))
		return "must be UTF-8";
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			return "must not contain control characters";
	return NULL;
}

static enum rc
put_scope(const struct config *cf, const char *rule, struct buf *body,
    struct buf *why)
{
	const char *eq = strchr(rule, '=');
	struct slice field;
	const struct catalog_field *f;

	if (eq == NULL || eq == rule || eq[1] == '\0') {
		buf_printf(why, "scope \"%s\" must be FIELD=VALUE", rule);
		return RC_INVALID;
	}
	field = (struct slice){ rule, (size_t)(eq - rule) };
	while (field.len > 0 && field.s[field.len - 1] == ' ')
		field.len--;
	f = catalog_field_find(cf->catalog, field);
	if (f == NULL) {
		const char *near = catalog_field_nearest(cf->catalog, field);

		buf_printf(why, "scope names no field \"%.*s\"",
		    (int)field.len, field.s);
		if (near != NULL)
			buf_printf(why, "; did you mean %s", near);
		return RC_INVALID;
	}
	for (eq++; *eq == ' '; eq++)
		;
	if (!text_is_utf8(slice_of(eq))) {
		buf_puts(why, "scope values must be UTF-8");
		return RC_INVALID;
	}
	if (body->s[body->len - 1] == '}')
		buf_putc(body, ',');
	buf_putc(body, '{');
	record_put_string(body, "field", slice_of(f->name));
	record_put_string(body, "value", slice_of(eq));
	buf_putc(body, '}');
	return RC_OK;
}

/* Write a record and say in why what stood in the way. */
static enum rc
put(const struct config *cf, enum store_kind kind, uint32_t *number,
    uint64_t *version, const struct buf *body, struct buf *why)
{
	enum rc rc = body->over ? RC_TOOBIG :
	    store_record_put(cf->store, kind, number, version,
	    buf_as_slice(body));

	switch (rc) {
	case RC_OK:
		break;
	case RC_STALE:
		buf_puts(why, "it was changed meanwhile: look again");
		break;
	case RC_TOOBIG:
		buf_puts(why, "it is too large");
		break;
	case RC_FULL:
		buf_puts(why, "the store has no room");
		break;
	default:
		buf_printf(why, "the store could not write it (%s)",
		    rc_name(rc));
	}
	return rc;
}

enum rc
client_add(const struct config *cf, const char *name, const char *mail,
    bool all, const char *const *scope, size_t nscope, uint32_t *number,
    struct buf *why)
{
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	const char *fault = usable_name(name);
	uint64_t version = 0;
	enum rc rc = RC_INVALID;

	if (fault != NULL) {
		buf_printf(why, "the client's name %s", fault);
		goto done;
	}
	if (all == (nscope > 0)) {
		buf_puts(why, all ?
		    "a client sees all orders or those in its scope, not both" :
		    "say which orders the client may see: a scope, or all");
		goto done;
	}
	if (mail == NULL)
		mail = "";
	if (mail[0] != '\0' && (strchr(mail, '@') == NULL ||
	    strpbrk(mail, " \t\r\n<>,;") != NULL || strlen(mail) > 254)) {
		buf_puts(why, "the mail address must look like name@example.org");
		goto done;
	}
	buf_putc(&body, '{');
	record_put_string(&body, "name", slice_of(name));
	record_put_string(&body, "mail", slice_of(mail));
	record_put_bool(&body, "all", all);
	record_put_key(&body, "scope");
	buf_putc(&body, '[');
	for (size_t i = 0; i < nscope; i++) {
		rc = put_scope(cf, scope[i], &body, why);
		if (rc != RC_OK)
			goto done;
	}
	buf_puts(&body, "]}");
	*number = 0;
	rc = put(cf, STORE_CLIENT, number, &version, &body, why);
done:
	buf_free(&body);
	return rc;
}

/* One problem of a task a line: "/httpRequest/url: must be absolute". */
static void
task_fault(void *arg, const char *pointer, const char *detail)
{
	struct buf *why = arg;

	if (why->len > 0)
		buf_putc(why, '\n');
	buf_printf(why, "%s%s%s", pointer, *pointer == '\0' ? "" : ": ", detail);
}

static void
seal(const struct config *cf, const struct buf *plain, struct buf *text,
    struct slice *where)
{
	size_t at = text->len;

	crypt_seal(cf->crypt, buf_as_slice(plain), text);
	*where = (struct slice){ text->s, text->len - at };
}

/* A fresh signing key of 32 bytes, as the sealed list wants it. */
static void
new_secret(struct buf *raw)
{
	unsigned char key[32];

	crypt_random(key, sizeof key);
	buf_be16(raw, sizeof key);
	buf_put(raw, key, sizeof key);
}

enum rc
subscription_add(const struct config *cf, uint32_t client, struct slice json,
    const struct slice *events, size_t nevents, uint32_t *number,
    struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record owner = STORE_RECORD_INIT;
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	struct buf secret = BUF_INIT(256), secrets = BUF_INIT(1024);
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	struct task *t = NULL;
	uint64_t version = 0;
	enum rc rc;

	rc = store_record_get(cf->store, STORE_CLIENT, client, 0, &owner);
	if (rc != RC_OK) {
		buf_puts(why, rc == RC_NOTFOUND ? "there is no such client" :
		    "the store can't be read");
		goto done;
	}
	rc = task_compile(&t, cf->catalog, json, events, nevents, task_fault,
	    why);
	if (rc != RC_OK)
		goto done;
	task_print(t, false, &plain);
	if (plain.over) {
		buf_puts(why, "the task is too large");
		rc = RC_TOOBIG;
		goto done;
	}
	new_secret(&secret);
	s.client = client;
	s.state = SUBSCRIPTION_ACTIVE;
	s.reason = SLICE("");
	seal(cf, &plain, &s.text, &s.task);
	seal(cf, &secret, &secrets, &s.secrets);
	subscription_record_write(&s, &body);
	*number = 0;
	rc = put(cf, STORE_SUBSCRIPTION, number, &version, &body, why);
done:
	task_free(t);
	store_record_clear(&owner);
	buf_free(&body);
	buf_wipe(&plain);
	buf_wipe(&secret);
	buf_free(&secrets);
	buf_free(&s.text);
	return rc;
}

/* Read a subscription's record for changing it. */
static enum rc
fetch(const struct config *cf, uint32_t number, struct store_record *rec,
    struct subscription_record *s, struct buf *why)
{
	enum rc rc = store_record_get(cf->store, STORE_SUBSCRIPTION, number, 0,
	    rec);

	if (rc == RC_OK)
		rc = subscription_record_read(s, rec->body);
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
	struct buf merged = BUF_INIT(STORE_RECORD_MAX);
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	struct buf sealed = BUF_INIT(STORE_RECORD_MAX);
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	struct task *was = NULL, *t = NULL;
	enum rc rc;

	rc = fetch(cf, number, &rec, &s, why);
	if (rc != RC_OK)
		goto done;
	rc = crypt_open(cf->crypt, s.task, &old);
	if (rc != RC_OK) {
		buf_puts(why, "its secrets can't be opened: another key file?");
		goto done;
	}
	rc = task_compile(&was, cf->catalog, buf_as_slice(&old), NULL, 0,
	    task_fault, why);
	buf_clear(why);		/* a task that has become wrong may be mended */
	if (rc == RC_OK)
		task_merge_secrets(was, json, &merged);
	else
		buf_slice(&merged, json);
	rc = task_compile(&t, cf->catalog, buf_as_slice(&merged), NULL, 0,
	    task_fault, why);
	if (rc != RC_OK)
		goto done;
	task_print(t, false, &plain);
	seal(cf, &plain, &sealed, &s.task);
	subscription_record_write(&s, &body);
	if (plain.over || sealed.over)
		body.over = true;
	rc = put(cf, STORE_SUBSCRIPTION, &number, &version, &body, why);
done:
	task_free(was);
	task_free(t);
	store_record_clear(&rec);
	buf_wipe(&old);
	buf_wipe(&merged);
	buf_wipe(&plain);
	buf_free(&sealed);
	buf_free(&body);
	buf_free(&s.text);
	return rc;
}

enum rc
subscription_set_state(const struct config *cf, uint32_t number,
    enum subscription_state state, const char *reason, struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	enum rc rc;

	do {		/* somebody else's change meanwhile: look again */
		buf_clear(why);
		buf_clear(&body);
		rc = fetch(cf, number, &rec, &s, why);
		if (rc != RC_OK)
			break;
		if (s.state == state && slice_is(s.reason, reason))
			break;
		s.state = state;
		s.reason = slice_of(reason);
		subscription_record_write(&s, &body);
		rc = put(cf, STORE_SUBSCRIPTION, &number, &rec.version, &body,
		    why);
	} while (rc == RC_STALE);
	store_record_clear(&rec);
	buf_free(&body);
	buf_free(&s.text);
	return rc;
}

/* Remove a record of any version. */
static enum rc
remove_record(const struct config *cf, enum store_kind kind, uint32_t number,
    const char *what, struct buf *why)
{
	struct store_record rec = STORE_RECORD_INIT;
	enum rc rc;

	do {
		rc = store_record_get(cf->store, kind, number, 0, &rec);
		if (rc == RC_OK)
			rc = store_record_delete(cf->store, kind, number,
			    rec.version);
	} while (rc == RC_STALE);
	if (rc == RC_NOTFOUND)
		buf_printf(why, "there is no such %s", what);
	else if (rc != RC_OK)
		buf_printf(why, "the store could not remove the %s", what);
	store_record_clear(&rec);
	return rc;
}

enum rc
subscription_remove(const struct config *cf, uint32_t number,
    struct buf *why)
{
	return remove_record(cf, STORE_SUBSCRIPTION, number, "subscription",
	    why);
}

enum rc
apikey_revoke(const struct config *cf, uint32_t number, struct buf *why)
{
	return remove_record(cf, STORE_KEY, number, "key", why);
}

enum rc
client_remove(const struct config *cf, uint32_t number, bool cascade,
    struct buf *why)
{
	struct rosters *rs = NULL;
	const struct roster *r = NULL;
	const struct subscription *s;
	const struct apikey *k;
	size_t owned = 0;
	enum rc rc;

	rc = rosters_new(&rs, cf->store, cf->crypt, cf->catalog);
	if (rc == RC_OK)
		rc = rosters_get(rs, 0, true, &r);
	if (rc != RC_OK) {
		buf_puts(why, "the store can't be read");
		goto done;
	}
	for (size_t i = 0; rc == RC_OK &&
	    (s = roster_subscription_at(r, i)) != NULL; i++) {
		if (s->client->number != number)
			continue;
		owned++;
		if (cascade)
			rc = subscription_remove(cf, s->number, why);
	}
	for (size_t i = 0; rc == RC_OK &&
	    (k = roster_key_at(r, i)) != NULL; i++) {
		if (k->client == NULL || k->client->number != number)
			continue;
		owned++;
		if (cascade)
			rc = apikey_revoke(cf, k->number, why);
	}
	if (rc != RC_OK)
		goto done;
	if (owned > 0 && !cascade) {
		buf_printf(why, "the client still has %zu subscriptions and "
		    "keys", owned);
		rc = RC_EXISTS;
		goto done;
	}
	rc = remove_record(cf, STORE_CLIENT, number, "client", why);
done:
	roster_release(r);
	rosters_free(rs);
	return rc;
}

enum rc
subscription_secret(const struct config *cf, uint32_t number,
    struct buf *out, struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	struct buf raw = BUF_INIT(4096);
	struct slice list, key;
	enum rc rc;

	rc = fetch(cf, number, &rec, &s, why);
	if (rc != RC_OK)
		goto done;
	rc = crypt_open(cf->crypt, s.secrets, &raw);
	list = buf_as_slice(&raw);
	key = slice_take(&list, slice_be16(&list));
	if (rc != RC_OK || key.s == NULL) {
		buf_puts(why, "its secrets can't be opened: another key file?");
		rc = RC_INVALID;
		goto done;
	}
	buf_puts(out, "whsec_");
	crypt_base64(key, out);
done:
	store_record_clear(&rec);
	buf_wipe(&raw);
	buf_free(&s.text);
	return rc;
}

enum rc
apikey_add(const struct config *cf, enum key_kind kind, uint32_t client,
    const char *name, uint32_t *number, struct buf *key, struct buf *why)
{
	struct store_record owner = STORE_RECORD_INIT;
	struct buf body = BUF_INIT(4096);
	unsigned char hash[CRYPT_TOKEN_LEN];
	char hex[2 * CRYPT_TOKEN_LEN + 1];
	uint64_t version = 0;
	size_t at = key->len;
	enum rc rc;

	if (kind == KEY_CLIENT) {
		rc = store_record_get(cf->store, STORE_CLIENT, client, 0,
		    &owner);
		if (rc != RC_OK) {
			buf_puts(why, "there is no such client");
			goto done;
		}
	}
	crypt_token_new(key_kind_name(kind), key, hash);
	for (size_t i = 0; i < sizeof hash; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	buf_putc(&body, '{');
	record_put_string(&body, "name", slice_of(name));
	record_put_string(&body, "kind", slice_of(key_kind_name(kind)));
	record_put_int(&body, "client", kind == KEY_CLIENT ? client : 0);
	record_put_string(&body, "hash", slice_of(hex));
	buf_putc(&body, '}');
	*number = 0;
	rc = put(cf, STORE_KEY, number, &version, &body, why);
	if (rc != RC_OK) {
		key->len = at;
		if (key->s != NULL)
			key->s[at] = '\0';
	}
done:
	store_record_clear(&owner);
	buf_free(&body);
	return rc;
}
