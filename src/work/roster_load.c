#include <stdlib.h>
#include "base/log.h"
#include "work/config.h"
#include "work/interest.h"
#include "work/notice.h"
#include "work/record_json.h"
#include "work/roster_load.h"

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
	if (e->kind == STORE_SUBSCRIPTION && e->like == NULL) {
		interest_free(e->u.subscription.interest);
		subscription_sealed_free(e->u.subscription.sealed);
	}
	if (e->kind == STORE_CLIENT)
		free(e->u.client.scope);
	entry_drop(e->owner);
	entry_drop(e->like);
	buf_free(&e->text);
	free(e);
}

struct entry *
entry_move(struct entry *e, struct entry *owner)
{
	struct entry *moved = malloc(sizeof *moved);

	if (moved == NULL)
		log_fatal("out of memory");
	*moved = (struct entry){ .kind = e->kind, .number = e->number,
	    .owner = owner, .like = entry_hold(e->like != NULL ? e->like : e),
	    .u = e->u };
	atomic_init(&moved->refs, 1);
	if (e->kind == STORE_SUBSCRIPTION)
		moved->u.subscription.client = &owner->u.client;
	else
		moved->u.key.client = &owner->u.client;
	return moved;
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

/* One string of the entry, by offset until its text moves no more. */
struct kept {
	size_t	at, len;
};

static struct slice
kept_slice(const struct entry *e, struct kept k)
{
	return (struct slice){ e->text.s + k.at, k.len };
}

/* String i of d, or else prefix and what was kept before it. */
static struct kept
keep_string(struct entry *e, const struct json_doc *d, uint32_t i,
    const char *prefix, struct kept before)
{
	struct kept k = { e->text.len, 0 };

	(void)buf_room(&e->text, strlen(prefix) + before.len);
	if (i != 0)
		json_string(d, i, &e->text);
	else {
		buf_puts(&e->text, prefix);
		buf_slice(&e->text, kept_slice(e, before));
	}
	k.len = e->text.len - k.at;
	return k;
}

/*
 * A rule whose field is not of this catalogue, taken out of it or not yet
 * known to this program, holds for what stands where the field stood: neither
 * must one client's stop the others, nor its own orders be missed.
 */
static enum rc
load_client(struct entry *e, const struct json_doc *d,
    const struct catalog *c)
{
	static const struct kept none;
	struct client *cl = &e->u.client;
	struct { struct kept name, pointer, value; } *kept;
	size_t at_name, at_mail;
	uint32_t list, item, at, where, i;
	enum rc rc = RC_OK;

	at_name = keep(e, d, "name");
	at_mail = keep(e, d, "mail");
	cl->all = record_bool(d, "all");
	list = json_find(d, 0, "scope");
	at = json_find(d, 0, "at");
	if (list != 0 && d->tok[list].type == JSON_ARRAY)
		cl->nscope = d->tok[list].n;
	cl->scope = calloc(cl->nscope + 1, sizeof *cl->scope);
	kept = calloc(cl->nscope + 1, sizeof *kept);
	if (cl->scope == NULL || kept == NULL)
		log_fatal("out of memory");
	where = at != 0 && d->tok[at].n == cl->nscope ? at + 1 : 0;
	for (i = 0, item = list + 1; i < cl->nscope; i++) {
		uint32_t f = json_find(d, item, "field");
		uint32_t v = json_find(d, item, "value");

		if (f == 0 || v == 0) {
			log_error("client %u: scope rule %u can't be read",
			    e->number, i + 1);
			rc = RC_INVALID;
			goto done;
		}
		kept[i].name = keep_string(e, d, f, "", none);
		kept[i].pointer = keep_string(e, d, where, "/", kept[i].name);
		kept[i].value = keep_string(e, d, v, "", none);
		item = d->tok[item].next;
		where = where == 0 ? 0 : d->tok[where].next;
	}
	for (i = 0; i < cl->nscope; i++) {
		struct scope_rule *r = &cl->scope[i];

		r->name = kept_slice(e, kept[i].name);
		r->pointer = kept_slice(e, kept[i].pointer);
		r->value = kept_slice(e, kept[i].value);
		r->field = catalog_field_find(c, r->name);
		if (r->field == NULL)
			log_warn("client %u: its scope names %.*s, which is "
			    "not in the catalogue this program has read",
			    e->number, (int)r->name.len, r->name.s);
	}
	cl->name = e->text.s + at_name;
	cl->mail = e->text.s + at_mail;
done:
	free(kept);
	return rc;
}

/* A record from before interests stood in it: its sealed task says. */
static enum rc
open_interest(struct entry *e, struct slice sealed, const struct crypt *crypt,
    const struct catalog *c)
{
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	enum rc rc;

	rc = crypt_open(crypt, sealed, &plain);
	if (rc == RC_OK)
		rc = json_scan(&d, buf_as_slice(&plain), &json_limits_default,
		    &err);
	if (rc == RC_OK)
		e->u.subscription.interest = interest_read(c, &d, 0);
	else
		log_error("subscription %u: its task can't be opened: "
		    "another key file?", e->number);
	json_doc_free(&d);
	buf_wipe(&plain);
	return rc;
}

static size_t
length(const struct json_doc *d, const char *key)
{
	uint32_t i = json_find(d, 0, key);

	return i == 0 ? 0 : d->tok[i].len;
}

static enum rc
load_subscription(struct entry *e, const struct json_doc *d,
    const struct crypt *crypt, const struct catalog *c)
{
	struct subscription_sealing with = { .crypt = crypt, .catalog = c };
	uint32_t interest = json_find(d, 0, "interest");
	struct buf state = BUF_INIT(32);
	size_t reason, task, keys;
	enum rc rc = RC_OK;

	(void)record_string(d, "state", &state);
	with.state = strcmp(buf_str(&state), "active") == 0 ?
	    SUBSCRIPTION_ACTIVE : strcmp(buf_str(&state), "paused") == 0 ?
	    SUBSCRIPTION_PAUSED : SUBSCRIPTION_DISABLED;
	buf_free(&state);
	with.since_ms = record_int(d, "since", e->u.subscription.updated_ms);
	with.drop_upto = (uint64_t)record_int(d, "dropUpto", 0);
	/* there are many of these: no more memory than they need */
	e->text.max = length(d, "reason") + length(d, "task") +
	    length(d, "secrets") + 3;
	(void)buf_room(&e->text, e->text.max);
	reason = keep(e, d, "reason");
	task = keep(e, d, "task");
	keys = keep(e, d, "secrets");
	with.reason = e->text.s + reason;
	with.task = (struct slice){ e->text.s + task, keys - task - 1 };
	with.keys = (struct slice){ e->text.s + keys,
	    e->text.len - keys - 1 };
	if (interest != 0)
		e->u.subscription.interest = interest_read(c, d, interest);
	else
		rc = open_interest(e, with.task, crypt, c);
	e->u.subscription.sealed = subscription_sealed_new(e->number, with);
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
	/* no string is longer than it stands in the record, with its quotes */
	e->text = (struct buf)BUF_INIT(r->body.len);
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

/* As it never changes it needs neither a record nor a seal. */
struct entry *
entry_notices(const struct catalog *c)
{
	struct entry *e = calloc(1, sizeof *e);
	struct entry *owner = calloc(1, sizeof *owner);

	if (e == NULL || owner == NULL)
		log_fatal("out of memory");
	atomic_init(&e->refs, 1);
	atomic_init(&owner->refs, 1);
	owner->kind = STORE_CLIENT;
	owner->u.client = (struct client){ .name = "", .mail = "",
	    .all = true };
	e->kind = STORE_SUBSCRIPTION;
	e->number = NOTICE_LANE;
	e->owner = owner;
	e->u.subscription = (struct subscription){
		.number = NOTICE_LANE,
		.version = 1,
		.client = &owner->u.client,
		.sealed = subscription_sealed_new(NOTICE_LANE,
		    (struct subscription_sealing){
			.catalog = c,
			.state = SUBSCRIPTION_ACTIVE,
			.reason = "",
			.task = slice_of(notice_task()),
			.keys = SLICE(""),
		    }),
	};
	return e;
}
