/*
 * Records become text.  Each is opened by itself: one that can't be read is
 * named, and nothing is exported without it.
 */
#include "base/clock.h"
#include "work/config_change.h"
#include "work/portable.h"
#include "work/record_json.h"

#define PAGE	32		/* records read in one visit */

static void
no_fault(void *arg, const char *pointer, const char *detail)
{
	(void)arg;
	(void)pointer;
	(void)detail;
}

static enum rc
open_sealed(const struct config *cf, struct slice sealed, struct buf *plain,
    struct buf *why)
{
	enum rc rc;

	(void)buf_room(plain, plain->max);	/* at once: leaves no copies */
	rc = crypt_open(cf->crypt, sealed, plain);
	if (rc != RC_OK) {
		buf_puts(why, "its secrets can't be opened: another key file?");
		rc = RC_INVALID;
	}
	return rc;
}

/* Only a task that compiles is known well enough for its secrets to be told. */
static enum rc
put_masked(const struct config *cf, struct slice plain, struct buf *out,
    struct buf *why)
{
	struct task *t = NULL;
	enum rc rc;

	rc = task_compile(&t, cf->catalog, plain, NULL, 0, no_fault, NULL);
	if (rc == RC_OK)
		task_print(t, true, out);
	else
		buf_puts(why, "its task does not hold with this catalogue, so "
		    "that its secrets can't be masked; skycap subscription "
		    "edit mends it, --with-secrets exports it as it is");
	task_free(t);
	return rc;
}

static enum rc
put_task(const struct config *cf, const struct subscription_record *s,
    enum portable_secrets how, struct buf *out, struct buf *why)
{
	struct buf plain = BUF_INIT(STORE_RECORD_MAX);
	enum rc rc;

	rc = open_sealed(cf, s->task, &plain, why);
	if (rc == RC_OK && how == PORTABLE_PLAIN)
		buf_slice(out, buf_as_slice(&plain));
	else if (rc == RC_OK)
		rc = put_masked(cf, buf_as_slice(&plain), out, why);
	buf_wipe(&plain);
	return rc;
}

enum rc
portable_task(const struct config *cf, uint32_t number,
    enum portable_secrets how, struct buf *out, struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	enum rc rc;

	rc = config_subscription_get(cf, number, &rec, &s, why);
	if (rc == RC_OK)
		rc = put_task(cf, &s, how, out, why);
	store_record_clear(&rec);
	buf_free(&s.text);
	return rc;
}

/* "whsec_..."; one that ends is {"secret","until"}. */
static void
put_secret(struct sign_key key, int64_t until_ms, struct buf *out)
{
	if (until_ms != 0)
		buf_puts(out, "{\"secret\":");
	buf_putc(out, '"');
	sign_key_put(key, out);		/* base64 needs no escapes */
	buf_putc(out, '"');
	if (until_ms == 0)
		return;
	record_put_time(out, "until", until_ms);
	buf_putc(out, '}');
}

/* ,"secrets":[...] of a sealed list: those that still sign. */
static enum rc
put_secrets(const struct config *cf, struct slice sealed, struct buf *out,
    struct buf *why)
{
	struct buf raw = BUF_INIT(KEYRING_RAW_MAX);
	struct keyring k;
	size_t n;
	enum rc rc;

	rc = config_secrets_open(cf, sealed, &raw, &k, why);
	if (rc != RC_OK)
		goto done;
	record_put_key(out, "secrets");
	buf_putc(out, '[');
	n = keyring_living(&k, clock_now_ms());
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i > 0 ? "," : "");
		put_secret(k.key[i], k.until_ms[i], out);
	}
	buf_putc(out, ']');
done:
	buf_wipe(&raw);
	return rc;
}

static enum rc
put_subscription(const struct config *cf, const struct subscription_record *s,
    enum portable_secrets how, struct buf *out, struct buf *why)
{
	enum rc rc = RC_OK;

	buf_putc(out, '{');
	record_put_string(out, "state",
	    slice_of(subscription_state_name(s->state)));
	if (s->reason.len > 0)
		record_put_string(out, "reason", s->reason);
	if (how == PORTABLE_PLAIN)
		rc = put_secrets(cf, s->secrets, out, why);
	if (rc != RC_OK)
		return rc;
	record_put_key(out, "task");
	rc = put_task(cf, s, how, out, why);
	buf_putc(out, '}');
	return rc;
}

/* An export under way. */
struct export {
	const struct config *cf;
	uint32_t	 client;
	enum portable_secrets how;
	struct subscription_record s;
	struct buf	*out, *why;
	size_t		 n;		/* subscriptions so far */
};

/* A record of some subscription: written if it is the client's. */
static enum rc
take(struct export *e, const struct store_record *rec)
{
	struct buf detail = BUF_INIT(1024);
	char id[ID_MAX];
	enum rc rc;

	rc = subscription_record_read(&e->s, rec->body);
	if (rc != RC_OK)
		buf_puts(&detail, "its record can't be read");
	else if (e->s.client != e->client)
		return RC_OK;
	else if (e->n == PORTABLE_SUBSCRIPTIONS_MAX || e->out->over)
		return RC_TOOBIG;
	else {
		buf_puts(e->out, e->n++ > 0 ? "," : "");
		rc = put_subscription(e->cf, &e->s, e->how, e->out, &detail);
	}
	if (rc != RC_OK) {
		store_record_id(e->cf->store, STORE_SUBSCRIPTION, rec->number,
		    id);
		buf_printf(e->why, "%s: %s", id, buf_str(&detail));
	}
	buf_free(&detail);
	return rc;
}

static enum rc
put_subscriptions(struct export *e)
{
	struct store_record rec[PAGE];
	uint32_t after = 0;
	size_t n = PAGE;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < PAGE; i++)
		rec[i] = (struct store_record)STORE_RECORD_INIT;
	while (rc == RC_OK && n == PAGE) {
		rc = store_record_list(e->cf->store, STORE_SUBSCRIPTION, after,
		    rec, PAGE, &n);
		if (rc != RC_OK)
			buf_puts(e->why, "the store can't be read just now");
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			after = rec[i].number;
			rc = take(e, &rec[i]);
		}
	}
	for (size_t i = 0; i < PAGE; i++)
		store_record_clear(&rec[i]);
	return rc;
}

/* The client's record, less what is not said of it. */
static enum rc
put_client(const struct config *cf, uint32_t client, struct buf *out,
    struct buf *why)
{
	struct store_record rec = STORE_RECORD_INIT;
	struct json_doc d = JSON_DOC_INIT;
	struct buf text = BUF_INIT(STORE_RECORD_MAX);
	struct json_error err;
	uint32_t scope;
	enum rc rc;

	rc = store_record_get(cf->store, STORE_CLIENT, client, 0, &rec);
	if (rc == RC_OK)
		rc = json_scan(&d, rec.body, &json_limits_default, &err);
	if (rc != RC_OK) {
		buf_puts(why, rc == RC_NOTFOUND ? "there is no such client" :
		    "the client can't be read");
		goto done;
	}
	(void)record_string(&d, "name", &text);
	buf_putc(out, '{');
	record_put_string(out, "name", buf_as_slice(&text));
	buf_clear(&text);
	if (record_string(&d, "mail", &text) && text.len > 0)
		record_put_string(out, "mail", buf_as_slice(&text));
	scope = json_find(&d, 0, "scope");
	if (record_bool(&d, "all"))
		record_put_bool(out, "all", true);
	else if (scope != 0) {
		record_put_key(out, "scope");
		buf_slice(out, json_text(&d, scope));
	}
	buf_putc(out, '}');
done:
	store_record_clear(&rec);
	json_doc_free(&d);
	buf_free(&text);
	return rc;
}

enum rc
portable_export(const struct config *cf, uint32_t client,
    enum portable_secrets how, struct buf *out, struct buf *why)
{
	struct export e = { .cf = cf, .client = client, .how = how,
	    .s = SUBSCRIPTION_RECORD_INIT, .out = out, .why = why };
	enum rc rc;

	buf_putc(out, '{');
	record_put_int(out, "format", PORTABLE_FORMAT);
	record_put_string(out, "skycap", SLICE(PACKAGE_VERSION));
	record_put_key(out, "client");
	rc = put_client(cf, client, out, why);
	if (rc != RC_OK)
		goto done;
	record_put_key(out, "subscriptions");
	buf_putc(out, '[');
	rc = put_subscriptions(&e);
	buf_puts(out, "]}");
	if (rc == RC_OK && out->over)
		rc = RC_TOOBIG;
	if (rc == RC_TOOBIG)
		buf_printf(why, "it is too large for one file, which holds "
		    "%d subscriptions and %d MiB", PORTABLE_SUBSCRIPTIONS_MAX,
		    PORTABLE_MAX >> 20);
done:
	buf_free(&e.s.text);
	return rc;
}
