#include <pthread.h>
#include <stdio.h>
#include "base/log.h"
#include "base/text.h"
#include "work/record_json.h"
#include "work/user.h"

#define PASSWORD_BYTES	15	/* 20 characters of base64 */
#define LOGIN_MAX	120	/* bytes */
#define PAGE		16

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
			buf_clear(&name);
			found = json_scan(&d, rec[i].body,
			    &json_limits_default, &err) == RC_OK &&
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
	enum rc rc = RC_INVALID;

	if (login[0] == '\0' || strlen(login) > LOGIN_MAX ||
	    !text_is_utf8(slice_of(login)) || strchr(login, ':') != NULL) {
		buf_printf(why, "a login must have 1 to %d bytes of UTF-8, "
		    "without a colon", LOGIN_MAX);
		goto done;
	}
	rc = find(cf, slice_of(login), &had);
	if (rc != RC_NOTFOUND) {
		buf_printf(why, rc == RC_OK ? "there is a user %s" :
		    "the store can't be read for %s", login);
		rc = rc == RC_OK ? RC_EXISTS : rc;
		goto done;
	}
	(void)buf_room(&fresh, fresh.max);	/* at once: leaves no copies */
	crypt_random_base64(PASSWORD_BYTES, &fresh);
	if (fresh.len >= size) {
		buf_puts(why, "there is no room for a password");
		rc = RC_TOOBIG;
		goto done;
	}
	crypt_password_hash(buf_as_slice(&fresh), hash);
	buf_putc(&body, '{');
	record_put_string(&body, "login", slice_of(login));
	record_put_string(&body, "kind", SLICE("operator"));
	record_put_string(&body, "password", slice_of(hash));
	buf_putc(&body, '}');
	rc = store_record_put(cf->store, STORE_USER, &number, &version,
	    buf_as_slice(&body));
	if (rc == RC_OK)
		snprintf(password, size, "%s", buf_str(&fresh));
	else
		buf_puts(why, "the store could not write the user");
done:
	buf_wipe(&fresh);
	buf_free(&body);
	buf_free(&had);
	return rc;
}

/*
 * Take as long as a password's check would, for a login that nobody has.  What
 * is checked against is the hash of a password that nobody knows; the call
 * that makes it has taken its time by that.
 */
static void
check_nobody(struct slice password)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char nobody[CRYPT_PASSWORD_MAX];
	unsigned char random[PASSWORD_BYTES];
	bool made = false;

	pthread_mutex_lock(&lock);
	if (nobody[0] == '\0') {
		crypt_random(random, sizeof random);
		crypt_password_hash((struct slice){ (const char *)random,
		    sizeof random }, nobody);
		explicit_bzero(random, sizeof random);
		made = true;
	}
	pthread_mutex_unlock(&lock);
	if (!made && crypt_password_check(nobody, password) == RC_OK)
		log_warn("a password matched one that nobody has");
}

enum rc
user_check(const struct config *cf, struct slice login,
    struct slice password)
{
	struct buf stored = BUF_INIT(CRYPT_PASSWORD_MAX);
	enum rc rc;

	rc = find(cf, login, &stored);
	if (rc == RC_OK) {
		rc = crypt_password_check(buf_str(&stored), password);
	} else if (rc == RC_NOTFOUND) {
		check_nobody(password);
		rc = RC_DENIED;
	}
	buf_free(&stored);
	return rc;
}
