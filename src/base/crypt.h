/*
 * crypt - the service's own keys, and everything they are used for.
 *
 * All cryptography of Skycap is libsodium's, and only this module and
 * work/sign call it.  One key file of 32 random bytes (hex, mode 0600, outside
 * the web root and the store) gives by derivation the keys that seal secrets
 * at rest, hash references, and check ids.  It does not know what a secret is
 * for, nor who may see it.
 */
#ifndef BASE_CRYPT_H
#define BASE_CRYPT_H

#include "base/buf.h"
#include "base/id.h"

#define CRYPT_HASH_LEN	16	/* bytes of crypt_hash: collision resistance
				   among our own records, keyed */
#define CRYPT_TOKEN_LEN	32	/* bytes of a stored API key's hash */
#define CRYPT_PASSWORD_MAX 128	/* text of a stored password with its NUL */

struct crypt {
	unsigned char	seal[32];		/* secretbox key */
	unsigned char	hash[32];		/* BLAKE2b key */
	unsigned char	ref[16];		/* SipHash key */
	unsigned char	id[ID_KEY_LEN];
	char		fingerprint[17];	/* hex, to tell key files
						   apart; not secret */
};

/*
 * Read the key file.
 *   RC_NOTFOUND  there is none
 *   RC_INVALID   it is not 64 hex digits
 *   RC_DENIED    others may read it, or we may not
 *   RC_IO
 * On any error *c is unchanged.
 */
MUST_USE enum rc crypt_load(struct crypt *c, const char *path,
    struct buf *why);

/*
 * Make a new key file; it is on the disk, name and all, when this returns.
 *   RC_EXISTS  there is one
 *   RC_IO      it can't be written; none is left behind
 */
MUST_USE enum rc crypt_create(const char *path, struct buf *why);

/* Wipe the keys. */
void crypt_clear(struct crypt *c);

/* Append plain sealed (nonce, then authenticated ciphertext), as base64. */
void crypt_seal(const struct crypt *c, struct slice plain, struct buf *out);

/*
 * Append what was sealed.
 *   RC_INVALID  it was altered, or sealed by another key
 *   RC_TOOBIG   out has no room for it; out->over is set
 */
MUST_USE enum rc crypt_open(const struct crypt *c, struct slice sealed,
    struct buf *out);

/* Keyed BLAKE2b of s, for "is it the same content". */
void crypt_hash(const struct crypt *c, struct slice s,
    unsigned char out[CRYPT_HASH_LEN]);

/* SipHash-2-4 as a number (its eight bytes are little-endian). */
uint64_t crypt_siphash(const unsigned char key[16], const void *p, size_t len);

/*
 * Keyed SipHash-2-4 of kind and s, ASCII letters folded: what a reference
 * (an order id, a mail address) is found by.
 */
uint64_t crypt_ref(const struct crypt *c, uint8_t kind, struct slice s);

/*
 * Append a new API key, "<kind>_<43 characters>", and its hash.  Keys are
 * shown once; the store keeps the hash.
 */
void crypt_token_new(const char *kind, struct buf *out,
    unsigned char hash[CRYPT_TOKEN_LEN]);

/* The hash of a key that came with a request. */
void crypt_token_hash(struct slice key, unsigned char out[CRYPT_TOKEN_LEN]);

/* Fill p with len random bytes fit for keys. */
void crypt_random(void *p, size_t len);

/* Append s as base64, standard alphabet, padded. */
void crypt_base64(struct slice s, struct buf *out);

/* Append n random bytes as base64; at most 64, as in a signing secret. */
void crypt_random_base64(size_t n, struct buf *out);

/*
 * Hash a password (argon2id, 2 passes, 19 MiB), and check one.  Takes some
 * 20 ms: one at a time in a process, the module sees to that.
 *   RC_DENIED  it does not match, or there was no memory to tell
 */
void crypt_password_hash(struct slice password,
    char out[CRYPT_PASSWORD_MAX]);
MUST_USE enum rc crypt_password_check(const char *stored,
    struct slice password);

/* Equal, in time that depends on the lengths alone. */
bool crypt_same(const void *a, const void *b, size_t len);

#endif
