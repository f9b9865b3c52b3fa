#include <stdio.h>
#include "work/record_json.h"
#include "work/user.h"

#define PASSWORD_BYTES	15	/* 20 characters of base64 */
#define PAGE		16

/* Checked when there is no such user, so that it takes as long: the hash of
   random bytes nobody kept. */
static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$"
    "c2t5Y2FwLW5vYm9keS1oZQ$"
    "8oVhVFx0n0hvTtq3QkqvJm1jz0ZpJm0eD2cY0sQb8mE";

/* The stored password of a login, into out.  RC_NOTFOUND. */
static enum rc
find(const struct config *cf, struct slice login, struct buf *out)
{
	struct store_record rec[PAGE];
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct buf name = BUF_INIT(256);
	uint32_t after = 0;
	size_t n = PAGE;
	bool found = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < PAGE; i++)
		rec[i] = (struct store_record)STORE_RECORD_INIT;
	while (rc == RC_OK && !found && n == PAGE) {
		rc = store_record_list(cf->store, STORE_USER, after, rec, PAGE,
		    &n);
		for (size_t i = 0; rc == RC_OK && !found && i < n; i++) {
			after = rec[i].number;
			rc = json_scan(&d, rec[i].body, &json_limits_default,
			    &err);
			buf_clear(&name);
			found = rc == RC_OK &&
			    record_string(&d, "login", &name) &&
			    slice_eq(buf_as_slice(&name), login) &&
			    record_string(&d, "password", out);
		}
	}
	for (size_t i = 0; i < PAGE; i++)
		store_record_clear(&rec[i]);
	json_doc_free(&d);
	buf_free(&name);
	return rc != RC_OK ? rc : found ? RC_OK : RC_NOTFOUND;
}

enum rc
user_add(const struct config *cf, const char *login, char *password,
    size_t size, struct buf *why)
{
	struct buf body = BUF_INIT(4096), fresh = BUF_INIT(64);
	struct buf had = BUF_INIT(CRYPT_PASSWORD_MAX);
	char hash[CRYPT_PASSWORD_MAX];
	uint32_t number = 0;
	uint64_t version = 0;
	enum rc rc;

	rc = find(cf, slice_of(login), &had);
	if (rc != RC_NOTFOUND) {
		buf_printf(why, rc == RC_OK ? "there is a user %s" :
		    "the store can't be read for %s", login);
		rc = rc == RC_OK ? RC_EXISTS : rc;
		goto done;
	}
	crypt_random_base64(PASSWORD_BYTES, &fresh);
	snprintf(password, size, "%s", buf_str(&fresh));
	crypt_password_hash(buf_as_slice(&fresh), hash);
	buf_putc(&body, '{');
	record_put_string(&body, "login", slice_of(login));
	record_put_string(&body, "kind", SLICE("operator"));
	record_put_string(&body, "password", slice_of(hash));
	buf_putc(&body, '}');
	rc = store_record_put(cf->store, STORE_USER, &number, &version,
	    buf_as_slice(&body));
	if (rc != RC_OK)
		buf_puts(why, "the store could not write the user");
done:
	buf_wipe(&fresh);
	buf_free(&body);
	buf_free(&had);
	return rc;
}

enum rc
user_check(const struct config *cf, struct slice login,
    struct slice password)
{
	struct buf stored = BUF_INIT(CRYPT_PASSWORD_MAX);
	enum rc rc, match;

	rc = find(cf, login, &stored);
	if (rc == RC_OK || rc == RC_NOTFOUND) {
		match = crypt_password_check(rc == RC_OK ? buf_str(&stored) :
		    nobody, password);
		rc = rc == RC_OK && match == RC_OK ? RC_OK : RC_DENIED;
	}
	buf_free(&stored);
	return rc;
}
