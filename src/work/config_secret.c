/*
 * The signing secrets in a subscription's record: opened, sealed, rotated.
 */
#include "base/clock.h"
#include "work/config_change.h"

enum rc
config_secrets_open(const struct config *cf, struct slice sealed,
    struct buf *raw, struct keyring *k, struct buf *why)
{
	(void)buf_room(raw, raw->max);		/* at once: leaves no copies */
	if (crypt_open(cf->crypt, sealed, raw) != RC_OK) {
		buf_puts(why, "its secrets can't be opened: another key file?");
		return RC_INVALID;
	}
	if (keyring_read(k, buf_as_slice(raw)) != RC_OK) {
		buf_puts(why, "its signing secrets can't be read");
		return RC_INVALID;
	}
	return RC_OK;
}

void
config_secrets_seal(const struct config *cf, const struct keyring *k,
    int64_t now_ms, struct buf *out)
{
	struct buf raw = BUF_INIT(KEYRING_RAW_MAX);

	(void)buf_room(&raw, raw.max);		/* at once: leaves no copies */
	keyring_write(k, now_ms, &raw);
	crypt_seal(cf->crypt, buf_as_slice(&raw), out);
	buf_wipe(&raw);
}

enum rc
subscription_secrets(const struct config *cf, uint32_t number,
    struct buf *raw, struct keyring *k, struct buf *why)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	enum rc rc;

	rc = config_subscription_get(cf, number, &rec, &s, why);
	if (rc == RC_OK)
		rc = config_secrets_open(cf, s.secrets, raw, k, why);
	/* what had no time yet was there from the beginning */
	for (size_t i = 0; rc == RC_OK && i < k->n; i++)
		if (k->since_ms[i] == 0)
			k->since_ms[i] = rec.created_ms;
	store_record_clear(&rec);
	buf_free(&s.text);
	return rc;
}

static void
no_room(const struct keyring *k, int64_t now_ms, struct buf *why)
{
	int64_t next_ms = k->until_ms[keyring_living(k, now_ms) - 1];
	char when[CLOCK_TEXT_MAX];

	clock_format(next_ms, when);
	buf_printf(why, "%d secrets sign already, the most there can be; "
	    "%s%s, and an overlap of 0 ends all of them now", SIGN_KEYS_MAX,
	    next_ms == 0 ? "none of them has an end" : "the next of them "
	    "ends at ", next_ms == 0 ? "" : when);
}

/* The record with the secret in it. */
static enum rc
rotated(const struct config *cf, struct subscription_record *s,
    struct subscription_rotation *r, struct buf *body, struct buf *why)
{
	struct buf raw = BUF_INIT(KEYRING_RAW_MAX);
	struct buf sealed = BUF_INIT(2 * KEYRING_RAW_MAX);
	struct keyring k;
	enum rc rc;

	rc = config_secrets_open(cf, s->secrets, &raw, &k, why);
	if (rc != RC_OK)
		goto done;
	rc = keyring_rotate(&k, r->key, r->now_ms, r->overlap_ms);
	if (rc != RC_OK) {
		no_room(&k, r->now_ms, why);
		goto done;
	}
	r->older = k.n - 1;
	r->until_ms = r->older > 0 ? k.until_ms[1] : 0;
	config_secrets_seal(cf, &k, r->now_ms, &sealed);
	s->secrets = buf_as_slice(&sealed);
	config_subscription_write(s, body);
done:
	buf_wipe(&raw);
	buf_free(&sealed);
	return rc;
}

enum rc
subscription_rotate(const struct config *cf, uint32_t number,
    struct subscription_rotation *r, struct buf *why)
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
		if (rc == RC_OK)
			rc = rotated(cf, &s, r, &body, why);
		if (rc == RC_OK)
			rc = config_put(cf, STORE_SUBSCRIPTION, &number,
			    &rec.version, &body, why);
	} while (rc == RC_STALE);
	store_record_clear(&rec);
	buf_free(&body);
	buf_free(&s.text);
	return rc;
}
