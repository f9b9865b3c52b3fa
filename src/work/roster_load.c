#include <stdlib.h>
#include "base/log.h"
#include "work/config.h"
#include "work/interest.h"
#include "work/record_json.h"
#include "work/roster_load.h"

#define TEXT_MAX (4 * STORE_RECORD_MAX)

struct entry *
entry_hold(struct entry *e)
{
	if (e != NULL)
		atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

void
entry_drop(struct entry *e)
{
	if (e == NULL || atomic_fetch_sub_explicit(&e->refs, 1,
	    memory_order_acq_rel) != 1)
		return;
	if (e->kind == STORE_SUBSCRIPTION) {
		interest_free(e->u.subscription.interest);
		task_free(e->u.subscription.task);
	}
	if (e->kind == STORE_CLIENT)
		free(e->u.client.scope);
	entry_drop(e->owner);
	buf_wipe(&e->text);		/* signing keys among it */
	free(e);
}

/* Keep a string for the entry's life; offsets first, since text may move. */
static size_t
keep(struct entry *e, const struct json_doc *d, const char *key)
{
	size_t at = e->text.len;

	(void)record_string(d, key, &e->text);
	buf_putc(&e->text, '\0');
	return at;
}

static enum rc
load_client(struct entry *e, const struct json_doc *d,
    const struct catalog *c)
{
	struct client *cl = &e->u.client;
	struct buf name = BUF_INIT(256);
	size_t at_name, at_mail, *at;
	uint32_t list, item, i;
	enum rc rc = RC_OK;

	at_name = keep(e, d, "name");
	at_mail = keep(e, d, "mail");
	cl->all = record_bool(d, "all");
	list = json_find(d, 0, "scope");
	if (list != 0 && d->tok[list].type == JSON_ARRAY)
		cl->nscope = d->tok[list].n;
	cl->scope = calloc(cl->nscope + 1, sizeof *cl->scope);
	at = calloc(2 * cl->nscope + 1, sizeof *at);
	if (cl->scope == NULL || at == NULL)
		log_fatal("out of memory");
	for (i = 0, item = list + 1; i < cl->nscope; i++,
	    item = d->tok[item].next) {
		uint32_t f = json_find(d, item, "field");
		uint32_t v = json_find(d, item, "value");

		buf_clear(&name);
		if (f != 0)
			json_string(d, f, &name);
		cl->scope[i].field = catalog_field_find(c,
		    buf_as_slice(&name));
		if (cl->scope[i].field == NULL || v == 0 || name.over) {
			log_error("client %u: scope rule %u names no field of "
			    "the catalogue", e->number, i + 1);
			rc = RC_INVALID;
			goto done;
		}
		at[2 * i] = e->text.len;
		json_string(d, v, &e->text);
		at[2 * i + 1] = e->text.len - at[2 * i];
	}
	for (i = 0; i < cl->nscope; i++)
		cl->scope[i].value = (struct slice){ e->text.s + at[2 * i],
		    at[2 * i + 1] };
	cl->name = e->text.s + at_name;
	cl->mail = e->text.s + at_mail;
done:
	free(at);
	buf_free(&name);
	return rc;
}

static void
task_fault(void *arg, const char *pointer, const char *detail)
{
	const struct entry *e = arg;

	log_warn("subscription %u is held, its task does not hold any more: "
	    "%s: %s", e->number, pointer, detail);
}

static enum rc
open_member(const struct json_doc *d, const char *key,
    const struct crypt *crypt, struct buf *plain)
{
	struct buf sealed = BUF_INIT(STORE_RECORD_MAX);
	enum rc rc = RC_INVALID;

	if (record_string(d, key, &sealed))
		rc = crypt_open(crypt, buf_as_slice(&sealed), plain);
	buf_free(&sealed);
	return rc;
}

/* Sealed secrets are 16-bit lengths with the raw keys, the newest first. */
static void
take_secrets(struct subscription *s, struct slice raw)
{
	while (raw.len > 0 && s->nsecret < SUBSCRIPTION_SECRETS_MAX) {
		struct slice one = slice_take(&raw, slice_be16(&raw));

		if (one.s == NULL)
			break;
		s->secret[s->nsecret++] = one;
	}
}

static struct interest *
interest_of(struct slice task, const struct catalog *c)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct interest *in = NULL;

	if (json_scan(&d, task, &json_limits_default, &err) == RC_OK)
		in = interest_read(c, &d, 0);
	json_doc_free(&d);
	return in;
}

static enum rc
load_subscription(struct entry *e, const struct json_doc *d,
    const struct crypt *crypt, const struct catalog *c)
{
	struct subscription *s = &e->u.subscription;
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	struct buf state = BUF_INIT(32);
	size_t at_reason, at_secrets, len;
	enum rc rc;

	(void)record_string(d, "state", &state);
	s->state = strcmp(buf_str(&state), "active") == 0 ?
	    SUBSCRIPTION_ACTIVE : strcmp(buf_str(&state), "paused") == 0 ?
	    SUBSCRIPTION_PAUSED : SUBSCRIPTION_DISABLED;
	at_reason = keep(e, d, "reason");
	at_secrets = e->text.len;
	rc = open_member(d, "secrets", crypt, &e->text);
	len = e->text.len - at_secrets;
	if (rc == RC_OK)
		rc = open_member(d, "task", crypt, &plain);
	if (rc != RC_OK) {
		log_error("subscription %u: its secrets can't be opened: "
		    "another key file?", e->number);
		goto done;
	}
	s->reason = e->text.s + at_reason;
	take_secrets(s, (struct slice){ e->text.s + at_secrets, len });
	rc = task_compile(&s->task, c, buf_as_slice(&plain), NULL, 0,
	    task_fault, e);
	s->interest = interest_of(buf_as_slice(&plain), c);
	if (rc != RC_OK) {
		s->task = NULL;
		s->state = SUBSCRIPTION_DISABLED;
		s->reason = "task";
		rc = RC_OK;
	}
done:
	buf_wipe(&plain);
	buf_free(&state);
	return rc;
}

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum rc
load_key(struct entry *e, const struct json_doc *d)
{
	struct apikey *k = &e->u.key;
	struct buf kind = BUF_INIT(32), hex = BUF_INIT(2 * CRYPT_TOKEN_LEN);
	enum rc rc = RC_INVALID;
	int i;

	(void)record_string(d, "kind", &kind);
	for (i = KEY_PUBLISH; i <= KEY_SWEEP; i++)
		if (strcmp(buf_str(&kind), key_kind_name((enum key_kind)i)) ==
		    0)
			break;
	if (i > KEY_SWEEP || !record_string(d, "hash", &hex) ||
	    hex.len != sizeof k->hash * 2)
		goto done;
	k->kind = (enum key_kind)i;
	for (size_t j = 0; j < sizeof k->hash; j++) {
		int hi = hex_value(hex.s[2 * j]);
		int lo = hex_value(hex.s[2 * j + 1]);

		if (hi < 0 || lo < 0)
			goto done;
		k->hash[j] = (unsigned char)(hi << 4 | lo);
	}
	(void)keep(e, d, "name");	/* the only string: it begins text */
	k->name = e->text.s;
	rc = RC_OK;
done:
	if (rc != RC_OK)
		log_error("key %u: its record can't be read", e->number);
	buf_free(&kind);
	buf_free(&hex);
	return rc;
}

enum rc
entry_make(struct entry **out, const struct store_record *r,
    const struct crypt *crypt, const struct catalog *c,
    struct entry *(*client)(void *arg, uint32_t number), void *arg)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct entry *e = NULL;
	int64_t owner;
	enum rc rc;

	rc = json_scan(&d, r->body, &json_limits_default, &err);
	if (rc != RC_OK) {
		log_error("record %u of kind %d is not JSON: %s", r->number,
		    r->kind, err.detail);
		rc = RC_INVALID;
		goto done;
	}
	e = calloc(1, sizeof *e);
	if (e == NULL)
		log_fatal("out of memory");
	atomic_init(&e->refs, 1);
	e->kind = r->kind;
	e->number = r->number;
	e->text = (struct buf)BUF_INIT(TEXT_MAX);
	owner = record_int(&d, "client", 0);
	if (owner > 0 && owner <= UINT32_MAX)
		e->owner = client(arg, (uint32_t)owner);
	switch (r->kind) {
	case STORE_CLIENT:
		e->u.client.number = r->number;
		e->u.client.version = r->version;
		e->u.client.created_ms = r->created_ms;
		e->u.client.updated_ms = r->updated_ms;
		rc = load_client(e, &d, c);
		break;
	case STORE_SUBSCRIPTION:
		e->u.subscription.number = r->number;
		e->u.subscription.version = r->version;
		e->u.subscription.created_ms = r->created_ms;
		e->u.subscription.updated_ms = r->updated_ms;
		if (e->owner == NULL) {
			rc = RC_NOTFOUND;
			break;
		}
		e->u.subscription.client = &e->owner->u.client;
		rc = load_subscription(e, &d, crypt, c);
		break;
	case STORE_KEY:
		e->u.key.number = r->number;
		e->u.key.version = r->version;
		e->u.key.created_ms = r->created_ms;
		if (e->owner != NULL)
			e->u.key.client = &e->owner->u.client;
		rc = load_key(e, &d);
		if (rc == RC_OK && e->u.key.kind == KEY_CLIENT &&
		    e->owner == NULL)
			rc = RC_NOTFOUND;
		break;
	default:
		rc = RC_INVALID;
	}
	if (rc == RC_OK) {
		*out = e;
		e = NULL;
	}
done:
	entry_drop(e);
	json_doc_free(&d);
	return rc;
}
