#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include "base/crypt.h"
#include "base/log.h"
#include "work/sign.h"

#define FRESH_LEN	32	/* bytes of a new secret for v1 */
#define SEED_LEN	crypto_sign_SEEDBYTES
#define PAIR_LEN	crypto_sign_SECRETKEYBYTES	/* seed, public key */

_Static_assert(PAIR_LEN <= SIGN_KEY_MAX, "a key pair has its room");

static const struct slice kind_prefix[] = {
	[SIGN_V1] = { "whsec_", 6 },
	[SIGN_V1A] = { "whsk_", 5 },
};
static const struct slice public_prefix = { "whpk_", 5 };

const char *
sign_kind_name(enum sign_kind kind)
{
	return kind == SIGN_V1A ? "v1a" : "v1";
}

/* Take the prefix off, if it is there. */
static bool
take_prefix(struct slice *text, struct slice prefix)
{
	if (text->len < prefix.len ||
	    memcmp(text->s, prefix.s, prefix.len) != 0)
		return false;
	text->s += prefix.len;
	text->len -= prefix.len;
	return true;
}

/* The length of what was decoded into raw, SIGN_KEY_MAX bytes; 0: it is none */
static size_t
decode(struct slice text, unsigned char *raw)
{
	const char *end;
	size_t len;

	while (text.len > 0 && text.s[text.len - 1] == '=')
		text.len--;
	if (text.len == 0 || sodium_base642bin(raw, SIGN_KEY_MAX, text.s,
	    text.len, NULL, &len, &end,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0 ||
	    end != text.s + text.len)
		return 0;
	return len;
}

/*
 * Make the pair of the private key at raw.  A public key that stands there
 * already must be its own: signing by a foreign one gives the private key away.
 */
static bool
make_pair(unsigned char *raw, size_t *len)
{
	unsigned char pair[PAIR_LEN], public[crypto_sign_PUBLICKEYBYTES];
	bool sound;

	if (*len != SEED_LEN && *len != PAIR_LEN)
		return false;
	if (crypto_sign_seed_keypair(public, pair, raw) != 0)
		log_fatal("ed25519 gives no key");
	sound = *len == SEED_LEN || sodium_memcmp(raw, pair, PAIR_LEN) == 0;
	if (sound)
		memcpy(raw, pair, PAIR_LEN);
	*len = PAIR_LEN;
	sodium_memzero(pair, sizeof pair);
	return sound;
}

static enum rc
put_bytes(enum sign_kind kind, const unsigned char *raw, size_t len,
    struct buf *bytes, struct sign_key *key)
{
	size_t from = bytes->len;

	buf_put(bytes, raw, len);
	if (bytes->over)
		return RC_TOOBIG;
	*key = (struct sign_key){ kind, { bytes->s + from, len } };
	return RC_OK;
}

enum rc
sign_key_read(struct slice text, struct buf *bytes, struct sign_key *key)
{
	unsigned char raw[SIGN_KEY_MAX];
	enum sign_kind kind = SIGN_V1A;
	enum rc rc = RC_INVALID;
	bool sound;
	size_t len;

	if (take_prefix(&text, public_prefix))
		return RC_DENIED;
	if (!take_prefix(&text, kind_prefix[SIGN_V1A])) {
		(void)take_prefix(&text, kind_prefix[SIGN_V1]);
		kind = SIGN_V1;
	}
	len = decode(text, raw);
	sound = kind == SIGN_V1A ? make_pair(raw, &len) : len >= SIGN_KEY_MIN;
	if (sound)
		rc = put_bytes(kind, raw, len, bytes, key);
	sodium_memzero(raw, sizeof raw);
	return rc;
}

enum rc
sign_key_new(enum sign_kind kind, struct buf *bytes, struct sign_key *key)
{
	unsigned char raw[SIGN_KEY_MAX];
	size_t len = kind == SIGN_V1A ? SEED_LEN : FRESH_LEN;
	enum rc rc;

	crypt_random(raw, len);
	if (kind == SIGN_V1A)
		(void)make_pair(raw, &len);
	rc = put_bytes(kind, raw, len, bytes, key);
	sodium_memzero(raw, sizeof raw);
	return rc;
}

bool
sign_key_same(struct sign_key a, struct sign_key b)
{
	return a.kind == b.kind && a.bytes.len == b.bytes.len &&
	    sodium_memcmp(a.bytes.s, b.bytes.s, a.bytes.len) == 0;
}

void
sign_key_put(struct sign_key key, struct buf *text)
{
	buf_slice(text, kind_prefix[key.kind]);
	crypt_base64(key.bytes, text);
}

void
sign_key_put_receiver(struct sign_key key, struct buf *text)
{
	if (key.kind != SIGN_V1A) {
		sign_key_put(key, text);
		return;
	}
	buf_slice(text, public_prefix);
	crypt_base64((struct slice){ key.bytes.s + SEED_LEN,
	    PAIR_LEN - SEED_LEN }, text);
}

/* What is signed: ed25519 wants it in one piece, HMAC takes three. */
struct signed_text {
	struct slice	 id, stamp, body;
	struct buf	 whole;		/* made when it is wanted */
};

static void
put_v1(struct slice key, const struct signed_text *t, struct buf *out)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	const struct slice part[] = { t->id, t->stamp, t->body };
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, (const unsigned char *)key.s,
	    key.len);
	for (size_t i = 0; i < NELEM(part); i++)
		crypto_auth_hmacsha256_update(&st,
		    (const unsigned char *)part[i].s, part[i].len);
	crypto_auth_hmacsha256_final(&st, mac);
	buf_puts(out, "v1,");
	crypt_base64((struct slice){ (const char *)mac, sizeof mac }, out);
	sodium_memzero(&st, sizeof st);
}

static void
put_v1a(struct slice key, struct signed_text *t, struct buf *out)
{
	unsigned char sig[crypto_sign_BYTES];

	if (t->whole.len == 0) {
		t->whole.max = t->id.len + t->stamp.len + t->body.len;
		(void)buf_room(&t->whole, t->whole.max);
		buf_slice(&t->whole, t->id);
		buf_slice(&t->whole, t->stamp);
		buf_slice(&t->whole, t->body);
	}
	if (crypto_sign_detached(sig, NULL,
	    (const unsigned char *)t->whole.s, t->whole.len,
	    (const unsigned char *)key.s) != 0)
		log_fatal("ed25519 does not sign");
	buf_puts(out, "v1a,");
	crypt_base64((struct slice){ (const char *)sig, sizeof sig }, out);
}

void
sign_value(const struct sign_key *key, size_t n, struct slice id,
    int64_t timestamp_s, struct slice body, struct buf *out)
{
	struct signed_text t = { .id = id, .body = body,
	    .whole = BUF_INIT(0) };
	char stamp[32];

	snprintf(stamp, sizeof stamp, ".%" PRId64 ".", timestamp_s);
	t.stamp = slice_of(stamp);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(out, ' ');
		if (key[i].kind == SIGN_V1A)
			put_v1a(key[i].bytes, &t, out);
		else
			put_v1(key[i].bytes, &t, out);
	}
	buf_free(&t.whole);
}
