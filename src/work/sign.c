#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include "work/sign.h"

enum rc
sign_key(struct slice secret, struct buf *key)
{
	static const struct slice prefix = { "whsec_", 6 };
	unsigned char raw[SIGN_KEY_MAX];
	const char *end;
	size_t len;
	enum rc rc = RC_INVALID;

	if (secret.len > prefix.len &&
	    memcmp(secret.s, prefix.s, prefix.len) == 0) {
		secret.s += prefix.len;
		secret.len -= prefix.len;
	}
	while (secret.len > 0 && secret.s[secret.len - 1] == '=')
		secret.len--;
	if (secret.len == 0)
		return RC_INVALID;
	if (sodium_base642bin(raw, sizeof raw, secret.s, secret.len, NULL,
	    &len, &end, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    end != secret.s + secret.len || len < SIGN_KEY_MIN)
		goto done;
	buf_put(key, raw, len);
	rc = key->over ? RC_TOOBIG : RC_OK;
done:
	sodium_memzero(raw, sizeof raw);
	return rc;
}

void
sign_v1(const struct slice *key, size_t n, struct slice id,
    int64_t timestamp_s, struct slice body, struct buf *out)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(sizeof mac,
	    sodium_base64_VARIANT_ORIGINAL)];
	crypto_auth_hmacsha256_state st;
	char stamp[32];
	int len;

	len = snprintf(stamp, sizeof stamp, ".%" PRId64 ".", timestamp_s);
	for (size_t i = 0; i < n; i++) {
		crypto_auth_hmacsha256_init(&st,
		    (const unsigned char *)key[i].s, key[i].len);
		crypto_auth_hmacsha256_update(&st,
		    (const unsigned char *)id.s, id.len);
		crypto_auth_hmacsha256_update(&st,
		    (const unsigned char *)stamp, (unsigned long long)len);
		crypto_auth_hmacsha256_update(&st,
		    (const unsigned char *)body.s, body.len);
		crypto_auth_hmacsha256_final(&st, mac);
		sodium_bin2base64(text, sizeof text, mac, sizeof mac,
		    sodium_base64_VARIANT_ORIGINAL);
		buf_puts(out, i == 0 ? "v1," : " v1,");
		buf_puts(out, text);
	}
	sodium_memzero(&st, sizeof st);
}
