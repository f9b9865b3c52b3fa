#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/text.h"
#include "shape/address.h"
#include "work/config_change.h"
#include "work/record_json.h"

#define NAME_MAX_BYTES	120	/* of a client's or a key's name */
#define PAGE		32	/* records read in one visit */

const char *
config_name_fault(const char *name)
{
	if (strlen(name) > NAME_MAX_BYTES)
		return "must have at most 120 bytes";
	if (!text_is_utf8(slice_of(name)))
		return "must be UTF-8";
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			return "must not contain control characters";
	return NULL;
}

enum rc
config_put(const struct config *cf, enum store_kind kind, uint32_t *number,
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
	case RC_RETRY:
		buf_puts(why, "the store is busy just now: try again");
		break;
	case RC_NOTFOUND:
		buf_puts(why, "it was removed meanwhile");
		break;
	default:
		buf_printf(why, "the store could not write it (%s)",
		    rc_name(rc));
	}
	return rc;
}

enum rc
config_remove(const struct config *cf, enum store_kind kind, uint32_t number,
    const char *what, struct buf *why)
{
	struct store_record rec = STORE_RECORD_INIT;
	enum rc rc;

	do {
		store_record_clear(&rec);
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
config_client_there(const struct config *cf, uint32_t client, struct buf *why)
{
	struct store_record rec = STORE_RECORD_INIT;
	enum rc rc;

	rc = store_record_get(cf->store, STORE_CLIENT, client, 0, &rec);
	if (rc != RC_OK)
		buf_puts(why, rc == RC_NOTFOUND ? "there is no such client" :
		    "the store can't be read just now");
	store_record_clear(&rec);
	return rc;
}

enum rc
config_client_may(const struct config *cf, uint32_t client,
    const struct task *t, struct buf *why)
{
	struct store_record rec = STORE_RECORD_INIT;
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	enum rc rc;

	if (!task_wants_operational(t))
		return RC_OK;
	rc = store_record_get(cf->store, STORE_CLIENT, client, 0, &rec);
	if (rc != RC_OK) {
		buf_puts(why, rc == RC_NOTFOUND ? "there is no such client" :
		    "the store can't be read just now");
	} else if (json_scan(&d, rec.body, &json_limits_default, &err) !=
	    RC_OK || !record_bool(&d, "all")) {
		config_task_fault(why, "/event", CONFIG_NOT_ALL);
		rc = RC_INVALID;
	}
	store_record_clear(&rec);
	json_doc_free(&d);
	return rc;
}

enum rc
config_client_still_there(const struct config *cf, uint32_t client,
    enum store_kind kind, uint32_t number, struct buf *why)
{
	struct buf ignored = BUF_INIT(256);
	enum rc rc;

	rc = config_client_there(cf, client, why);
	if (rc == RC_NOTFOUND && config_remove(cf, kind, number, "record",
	    &ignored) != RC_OK)
		log_warn("record %u of kind %d belongs to nobody: %s", number,
		    (int)kind, buf_str(&ignored));
	buf_free(&ignored);
	return rc == RC_NOTFOUND ? rc : RC_OK;
}

/* What a rule "field=value" names. */
static struct slice
scope_name(const char *rule)
{
	struct slice name = { rule, strcspn(rule, "=") };

	while (name.len > 0 && name.s[name.len - 1] == ' ')
		name.len--;
	return name;
}

static const struct catalog_field *
scope_field(const struct config *cf, const char *rule)
{
	return catalog_field_find(cf->catalog, scope_name(rule));
}

static enum rc
put_scope(const struct config *cf, const char *rule, struct buf *body,
    struct buf *why)
{
	const char *eq = strchr(rule, '=');
	struct slice field = scope_name(rule), value;
	const struct catalog_field *f = scope_field(cf, rule);

	if (eq == NULL || eq == rule) {
		buf_printf(why, "scope \"%s\" must be FIELD=VALUE", rule);
		return RC_INVALID;
	}
	if (f == NULL) {
		const char *near = catalog_field_nearest(cf->catalog, field);

		buf_printf(why, "scope names no field \"%.*s\"",
		    (int)field.len, field.s);
		if (near != NULL)
			buf_printf(why, "; did you mean %s?", near);
		return RC_INVALID;
	}
	for (eq++; *eq == ' '; eq++)
		;
	value = slice_of(eq);
	while (value.len > 0 && value.s[value.len - 1] == ' ')
		value.len--;
	if (value.len == 0 || !text_is_utf8(value)) {
		buf_printf(why, "scope %s: its value must be UTF-8 and not "
		    "empty", f->name);
		return RC_INVALID;
	}
	/* OW is read as One Way in an order, so it must be here. */
	if (f->derived == CATALOG_BOOKING && order_booking_words(value) !=
	    NULL)
		value = slice_of(order_booking_words(value));
	if (body->s[body->len - 1] == '}')
		buf_putc(body, ',');
	buf_putc(body, '{');
	record_put_string(body, "field", slice_of(f->name));
	record_put_string(body, "value", value);
	buf_putc(body, '}');
	return RC_OK;
}

static enum rc
client_body(const struct config *cf, const char *name, const char *mail,
    bool all, const char *const *scope, size_t nscope, struct buf *body,
    struct buf *why)
{
	const char *fault = config_name_fault(name);
	size_t at;
	enum rc rc;

	if (name[0] == '\0')
		fault = "must not be empty";
	if (fault != NULL) {
		buf_printf(why, "the client's name %s", fault);
		return RC_INVALID;
	}
	if (all == (nscope > 0)) {
		buf_puts(why, all ?
		    "a client sees all orders or those in its scope, not both" :
		    "say which orders the client may see: a scope, or all");
		return RC_INVALID;
	}
	if (mail == NULL)
		mail = "";
	if (mail[0] != '\0')
		fault = address_fault(slice_of(mail), &at);
	if (fault != NULL) {
		buf_printf(why, "the client's mail address %s", fault);
		return RC_INVALID;
	}
	buf_putc(body, '{');
	record_put_string(body, "name", slice_of(name));
	record_put_string(body, "mail", slice_of(mail));
	record_put_bool(body, "all", all);
	record_put_key(body, "scope");
	buf_putc(body, '[');
	for (size_t i = 0; i < nscope; i++) {
		rc = put_scope(cf, scope[i], body, why);
		if (rc != RC_OK)
			return rc;
	}
	/* for programs whose catalogue lacks the field */
	buf_puts(body, "],\"at\":[");
	for (size_t i = 0; i < nscope; i++) {
		buf_puts(body, i > 0 ? "," : "");
		json_put_string(body, slice_of(scope_field(cf, scope[i])->
		    pointer));
	}
	buf_puts(body, "]}");
	return RC_OK;
}

enum rc
client_check(const struct config *cf, const char *name, const char *mail,
    bool all, const char *const *scope, size_t nscope, struct buf *why)
{
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	enum rc rc;

	rc = client_body(cf, name, mail, all, scope, nscope, &body, why);
	if (rc == RC_OK && body.over) {
		buf_puts(why, "it is too large");
		rc = RC_TOOBIG;
	}
	buf_free(&body);
	return rc;
}

enum rc
client_add(const struct config *cf, const char *name, const char *mail,
    bool all, const char *const *scope, size_t nscope, uint32_t *number,
    struct buf *why)
{
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	uint64_t version = 0;
	enum rc rc;

	rc = client_body(cf, name, mail, all, scope, nscope, &body, why);
	if (rc != RC_OK)
		goto done;
	*number = 0;
	rc = config_put(cf, STORE_CLIENT, number, &version, &body, why);
done:
	buf_free(&body);
	return rc;
}

/* Numbers of records. */
struct numbers {
	uint32_t	*at;		/* owned */
	size_t		 n;
};

static void
numbers_add(struct numbers *l, uint32_t number)
{
	l->at = reallocarray(l->at, l->n + 1, sizeof *l->at);
	if (l->at == NULL)
		log_fatal("out of memory");
	l->at[l->n++] = number;
}

/* The records of a kind that belong to a client. */
static enum rc
list_owned(const struct config *cf, enum store_kind kind, uint32_t client,
    struct numbers *owned)
{
	struct store_record rec[PAGE];
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	uint32_t after = 0;
	size_t n = PAGE;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < PAGE; i++)
		rec[i] = (struct store_record)STORE_RECORD_INIT;
	while (rc == RC_OK && n == PAGE) {
		rc = store_record_list(cf->store, kind, after, rec, PAGE, &n);
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			after = rec[i].number;
			if (json_scan(&d, rec[i].body, &json_limits_default,
			    &err) == RC_OK &&
			    record_int(&d, "client", 0) == client)
				numbers_add(owned, after);
		}
	}
	for (size_t i = 0; i < PAGE; i++)
		store_record_clear(&rec[i]);
	json_doc_free(&d);
	return rc;
}

/* Remove those; one that somebody else has just removed is no failure. */
static enum rc
remove_owned(const struct config *cf, enum store_kind kind,
    const struct numbers *owned, struct buf *why)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < owned->n; i++) {
		rc = config_remove(cf, kind, owned->at[i],
		    kind == STORE_KEY ? "key" : "subscription", why);
		if (rc == RC_NOTFOUND) {
			buf_clear(why);
			rc = RC_OK;
		}
	}
	return rc;
}

/* Remove all that a client has; unless cascade refuse if there is anything. */
static enum rc
clear_client(const struct config *cf, uint32_t number, bool cascade,
    struct buf *why)
{
	struct numbers subs = { .n = 0 }, keys = { .n = 0 };
	enum rc rc;

	rc = list_owned(cf, STORE_SUBSCRIPTION, number, &subs);
	if (rc == RC_OK)
		rc = list_owned(cf, STORE_KEY, number, &keys);
	if (rc != RC_OK)
		buf_puts(why, "the store can't be read just now");
	else if (subs.n + keys.n > 0 && !cascade) {
		buf_printf(why, "the client still has %zu subscription%s and "
		    "%zu key%s", subs.n, subs.n == 1 ? "" : "s", keys.n,
		    keys.n == 1 ? "" : "s");
		rc = RC_EXISTS;
	} else {
		rc = remove_owned(cf, STORE_SUBSCRIPTION, &subs, why);
		if (rc == RC_OK)
			rc = remove_owned(cf, STORE_KEY, &keys, why);
	}
	free(subs.at);
	free(keys.at);
	return rc;
}

enum rc
client_remove(const struct config *cf, uint32_t number, bool cascade,
    struct buf *why)
{
	enum rc rc;

	rc = clear_client(cf, number, cascade, why);
	if (rc == RC_OK)
		rc = config_remove(cf, STORE_CLIENT, number, "client", why);
	if (rc == RC_OK)	/* what was made meanwhile */
		rc = clear_client(cf, number, true, why);
	return rc;
}
