#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include "base/crypt.h"
#include "base/log.h"

/*
 * The key file is 64 hex digits and a newline.  What it holds is used for
 * nothing but the derivation of the keys below by number (crypto_kdf), so that
 * no two uses share a key.  The numbers are for ever: data is kept under them.
 */
#define MASTER_LEN	crypto_kdf_KEYBYTES
#define HEX_LEN		(2 * MASTER_LEN)
#define CONTEXT		"skycapv1"

enum { KEY_SEAL = 1, KEY_HASH, KEY_REF, KEY_ID, KEY_FINGERPRINT };

#define NONCE_LEN	crypto_secretbox_NONCEBYTES
#define SEALED_EXTRA	(NONCE_LEN + crypto_secretbox_MACBYTES)

#define PASSWORD_PASSES	2
#define PASSWORD_MEM	(19 * 1024 * 1024)

#define TOKEN_RANDOM	32	/* bytes; 43 characters of base64url */
#define RANDOM_MAX	64

_Static_assert(MASTER_LEN == 32, "a key file is 64 digits");
_Static_assert(sizeof CONTEXT == crypto_kdf_CONTEXTBYTES + 1, "8 bytes");
_Static_assert(ID_KEY_LEN == crypto_shorthash_KEYBYTES, "SipHash-2-4");
_Static_assert(CRYPT_PASSWORD_MAX == crypto_pwhash_STRBYTES, "as libsodium");

/* One at a time: each takes 19 MiB for as long as it works. */
static pthread_mutex_t password_lock = PTHREAD_MUTEX_INITIALIZER;

static void
init_library(void)
{
	if (sodium_init() == -1)
		log_fatal("libsodium can't be initialised");
}

/* Before anything that draws random bytes or picks code by processor. */
static void
ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_library);
}

static void
derive(void *out, size_t len, uint64_t number,
    const unsigned char master[MASTER_LEN])
{
	if (crypto_kdf_derive_from_key(out, len, number, CONTEXT, master) != 0)
		log_fatal("no key of %zu bytes can be derived", len);
}

static void
derive_all(struct crypt *c, const unsigned char master[MASTER_LEN])
{
	unsigned char print[crypto_kdf_BYTES_MIN];

	derive(c->seal, sizeof c->seal, KEY_SEAL, master);
	derive(c->hash, sizeof c->hash, KEY_HASH, master);
	derive(c->ref, sizeof c->ref, KEY_REF, master);
	derive(c->id, sizeof c->id, KEY_ID, master);
	derive(print, sizeof print, KEY_FINGERPRINT, master);
	sodium_bin2hex(c->fingerprint, sizeof c->fingerprint, print,
	    sizeof c->fingerprint / 2);
}

/* Read until len bytes are there or the file ends; -1 on failure. */
static ssize_t
read_all(int fd, char *p, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, p + got, len - got);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static enum rc
open_key(const char *path, int *fd, struct buf *why)
{
	struct stat st;

	/* Without O_NONBLOCK a pipe of this name would hang us. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd == -1 || fstat(*fd, &st) == -1) {
		int e = errno;

		buf_printf(why, "key file %s: %s", path, strerror(e));
		return e == ENOENT || e == ENOTDIR ? RC_NOTFOUND :
		    e == EACCES || e == EPERM ? RC_DENIED : RC_IO;
	}
	if (!S_ISREG(st.st_mode)) {
		buf_printf(why, "key file %s is not a file", path);
		return RC_INVALID;
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		buf_printf(why, "key file %s is open to others (mode %04o): "
		    "chmod 600 it", path, (unsigned)(st.st_mode & 07777));
		return RC_DENIED;
	}
	return RC_OK;
}

enum rc
crypt_load(struct crypt *c, const char *path, struct buf *why)
{
	unsigned char master[MASTER_LEN];
	char text[HEX_LEN + 2];		/* a byte more than there should be */
	ssize_t n;
	size_t len;
	enum rc rc;
	int fd = -1;

	ready();
	rc = open_key(path, &fd, why);
	if (rc != RC_OK)
		goto done;
	n = read_all(fd, text, sizeof text);
	if (n == -1) {
		buf_printf(why, "key file %s: %s", path, strerror(errno));
		rc = RC_IO;
		goto done;
	}
	if (n == HEX_LEN + 1 && text[HEX_LEN] == '\n')
		n--;
	if (n != HEX_LEN || sodium_hex2bin(master, sizeof master, text,
	    HEX_LEN, NULL, &len, NULL) != 0 || len != sizeof master) {
		buf_printf(why, "key file %s: not %zu hex digits", path,
		    (size_t)HEX_LEN);
		rc = RC_INVALID;
		goto done;
	}
	derive_all(c, master);
done:
	if (fd != -1)
		close(fd);
	sodium_memzero(master, sizeof master);
	sodium_memzero(text, sizeof text);
	return rc;
}

static bool
write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Make the name itself last: sync the directory it stands in. */
static bool
sync_directory_of(const char *path)
{
	struct buf dir = BUF_INIT(1 << 20);
	const char *slash = strrchr(path, '/');
	bool ok = false;
	int fd;

	if (slash == NULL)
		buf_putc(&dir, '.');
	else
		buf_put(&dir, path, (size_t)(slash - path) + 1);
	fd = open(buf_str(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1) {
		ok = fsync(fd) == 0;
		close(fd);
	}
	buf_free(&dir);
	return ok;
}

enum rc
crypt_create(const char *path, struct buf *why)
{
	unsigned char master[MASTER_LEN];
	char text[HEX_LEN + 1];
	enum rc rc = RC_OK;
	int fd, e = 0;

	ready();
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		e = errno;
		buf_printf(why, "key file %s: %s", path, strerror(e));
		return e == EEXIST ? RC_EXISTS : RC_IO;
	}
	randombytes_buf(master, sizeof master);
	sodium_bin2hex(text, sizeof text, master, sizeof master);
	text[HEX_LEN] = '\n';
	if (!write_all(fd, text, sizeof text) || fsync(fd) == -1)
		e = errno;
	sodium_memzero(master, sizeof master);
	sodium_memzero(text, sizeof text);
	if (close(fd) == -1 && e == 0)
		e = errno;
	if (e == 0 && !sync_directory_of(path))
		e = errno;
	if (e != 0) {
		/* Half a key must not look like one that is there already. */
		unlink(path);
		buf_printf(why, "key file %s: %s", path, strerror(e));
		rc = RC_IO;
	}
	return rc;
}

void
crypt_clear(struct crypt *c)
{
	sodium_memzero(c, sizeof *c);
}

void
crypt_base64(struct slice s, struct buf *out)
{
	size_t len = sodium_base64_ENCODED_LEN(s.len,
	    sodium_base64_VARIANT_ORIGINAL) - 1;
	char *at = buf_room(out, len);

	if (at == NULL)
		return;
	sodium_bin2base64(at, len + 1, (const unsigned char *)s.s, s.len,
	    sodium_base64_VARIANT_ORIGINAL);
	out->len += len;
}

void
crypt_seal(const struct crypt *c, struct slice plain, struct buf *out)
{
	struct buf raw = BUF_INIT(SEALED_EXTRA + plain.len);
	unsigned char *p = (unsigned char *)buf_room(&raw, raw.max);

	if (p == NULL)
		log_fatal("%zu bytes can't be sealed", plain.len);
	ready();
	randombytes_buf(p, NONCE_LEN);
	crypto_secretbox_easy(p + NONCE_LEN, (const unsigned char *)plain.s,
	    plain.len, p, c->seal);
	raw.len = raw.max;
	crypt_base64(buf_as_slice(&raw), out);
	buf_free(&raw);
}

enum rc
crypt_open(const struct crypt *c, struct slice sealed, struct buf *out)
{
	struct buf raw = BUF_INIT(sealed.len);
	unsigned char *p = (unsigned char *)buf_room(&raw, raw.max), *at;
	size_t len, plain_len;
	enum rc rc = RC_INVALID;

	if (p == NULL || sodium_base642bin(p, raw.max, sealed.s, sealed.len,
	    NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    len < SEALED_EXTRA)
		goto done;
	plain_len = len - SEALED_EXTRA;
	at = (unsigned char *)buf_room(out, plain_len);
	if (at == NULL) {
		rc = RC_TOOBIG;
		goto done;
	}
	/* Nothing is written unless it is authentic. */
	if (crypto_secretbox_open_easy(at, p + NONCE_LEN, len - NONCE_LEN, p,
	    c->seal) != 0)
		goto done;
	at[plain_len] = '\0';
	out->len += plain_len;
	rc = RC_OK;
done:
	buf_free(&raw);
	return rc;
}

void
crypt_hash(const struct crypt *c, struct slice s,
    unsigned char out[CRYPT_HASH_LEN])
{
	crypto_generichash(out, CRYPT_HASH_LEN, (const unsigned char *)s.s,
	    s.len, c->hash, sizeof c->hash);
}

uint64_t
crypt_siphash(const unsigned char key[16], const void *p, size_t len)
{
	unsigned char h[crypto_shorthash_BYTES];
	uint64_t v = 0;

	crypto_shorthash(h, p, len, key);
	for (size_t i = sizeof h; i > 0; i--)
		v = v << 8 | h[i - 1];
	return v;
}

uint64_t
crypt_ref(const struct crypt *c, uint8_t kind, struct slice s)
{
	unsigned char few[512];		/* references are short: no heap */
	struct buf many = BUF_INIT(s.len + 1);
	unsigned char *p = few;
	uint64_t v;

	if (s.len + 1 > sizeof few)
		p = (unsigned char *)buf_room(&many, s.len + 1);
	p[0] = kind;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char b = (unsigned char)s.s[i];

		p[1 + i] = b >= 'A' && b <= 'Z' ? b | 0x20 : b;
	}
	v = crypt_siphash(c->ref, p, s.len + 1);
	buf_free(&many);
	return v;
}

void
crypt_token_hash(struct slice key, unsigned char out[CRYPT_TOKEN_LEN])
{
	crypto_generichash(out, CRYPT_TOKEN_LEN, (const unsigned char *)key.s,
	    key.len, NULL, 0);
}

void
crypt_token_new(const char *kind, struct buf *out,
    unsigned char hash[CRYPT_TOKEN_LEN])
{
	unsigned char random[TOKEN_RANDOM];
	char text[sodium_base64_ENCODED_LEN(TOKEN_RANDOM,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
	struct buf key = BUF_INIT(256);

	ready();
	randombytes_buf(random, sizeof random);
	sodium_bin2base64(text, sizeof text, random, sizeof random,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	buf_puts(&key, kind);
	buf_putc(&key, '_');
	buf_puts(&key, text);
	if (key.over)
		log_fatal("a kind of key with a name of %zu bytes",
		    strlen(kind));
	crypt_token_hash(buf_as_slice(&key), hash);
	buf_slice(out, buf_as_slice(&key));
	buf_wipe(&key);
	sodium_memzero(random, sizeof random);
	sodium_memzero(text, sizeof text);
}

void
crypt_random(void *p, size_t len)
{
	ready();
	randombytes_buf(p, len);
}

void
crypt_random_base64(size_t n, struct buf *out)
{
	unsigned char random[RANDOM_MAX];

	if (n > sizeof random)
		log_fatal("%zu random bytes were asked for", n);
	crypt_random(random, n);
	crypt_base64((struct slice){ (const char *)random, n }, out);
	sodium_memzero(random, sizeof random);
}

void
crypt_password_hash(struct slice password, char out[CRYPT_PASSWORD_MAX])
{
	int failed;

	ready();
	pthread_mutex_lock(&password_lock);
	failed = crypto_pwhash_str_alg(out, password.s == NULL ? "" :
	    password.s, password.len, PASSWORD_PASSES, PASSWORD_MEM,
	    crypto_pwhash_ALG_ARGON2ID13);
	pthread_mutex_unlock(&password_lock);
	if (failed != 0)
		log_fatal("out of memory: %d bytes", PASSWORD_MEM);
}

enum rc
crypt_password_check(const char *stored, struct slice password)
{
	char text[CRYPT_PASSWORD_MAX] = "";
	int failed;

	if (strlen(stored) >= sizeof text)
		return RC_DENIED;
	memcpy(text, stored, strlen(stored));
	ready();
	pthread_mutex_lock(&password_lock);
	failed = crypto_pwhash_str_verify(text, password.s == NULL ? "" :
	    password.s, password.len);
	pthread_mutex_unlock(&password_lock);
	return failed == 0 ? RC_OK : RC_DENIED;
}

bool
crypt_same(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}
