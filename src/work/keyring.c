#include "work/keyring.h"

/*
 * What is written, sealed, in a subscription's record:
 *
 *   be16 0		which no key of an older list has as its length
 *   be8  1		the format
 *   then each, the newest first:
 *   be8  kind, be64 since_ms, be64 until_ms, be16 length, the bytes
 *
 * An older list is be16 length and the bytes, each for v1 and without an end.
 */
#define FORMAT	1

static bool
lives(const struct keyring *k, size_t i, int64_t now_ms)
{
	return k->until_ms[i] == 0 || k->until_ms[i] > now_ms;
}

size_t
keyring_living(const struct keyring *k, int64_t now_ms)
{
	size_t n = 0;

	while (n < k->n && lives(k, n, now_ms))
		n++;
	return n;
}

/* Where a key is, or n if it is not there. */
static size_t
find(const struct keyring *k, struct sign_key key)
{
	size_t i = 0;

	while (i < k->n && !sign_key_same(k->key[i], key))
		i++;
	return i;
}

enum rc
keyring_add(struct keyring *k, struct sign_key key, int64_t since_ms,
    int64_t until_ms)
{
	int64_t newer_ms = k->n == 0 ? 0 : k->until_ms[k->n - 1];

	if (k->n == SIGN_KEYS_MAX)
		return RC_TOOBIG;
	if (until_ms < 0 || (k->n == 0 && until_ms != 0) ||
	    (newer_ms != 0 && (until_ms == 0 || until_ms > newer_ms)))
		return RC_INVALID;
	if (find(k, key) < k->n)
		return RC_EXISTS;
	k->key[k->n] = key;
	k->since_ms[k->n] = since_ms;
	k->until_ms[k->n] = until_ms;
	k->n++;
	return RC_OK;
}

enum rc
keyring_read(struct keyring *k, struct slice raw)
{
	struct slice head = raw;
	bool older = slice_be16(&head) != 0 || slice_be8(&head) != FORMAT;
	enum rc rc = RC_OK;

	k->n = 0;
	if (!older)
		raw = head;
	while (rc == RC_OK && raw.len > 0) {
		struct sign_key key = { SIGN_V1, { NULL, 0 } };
		int64_t since_ms = 0, until_ms = 0;

		if (!older) {
			key.kind = slice_be8(&raw);
			since_ms = (int64_t)slice_be64(&raw);
			until_ms = (int64_t)slice_be64(&raw);
		}
		key.bytes = slice_take(&raw, slice_be16(&raw));
		if (key.bytes.len == 0 || key.kind > SIGN_V1A ||
		    (key.kind == SIGN_V1A && key.bytes.len != SIGN_KEY_MAX))
			rc = RC_INVALID;
		else
			rc = keyring_add(k, key, since_ms, until_ms);
		if (rc == RC_EXISTS && older)
			rc = RC_OK;	/* once is enough */
	}
	if (rc == RC_OK && k->n > 0)
		return RC_OK;
	k->n = 0;
	return RC_INVALID;
}

void
keyring_write(const struct keyring *k, int64_t now_ms, struct buf *raw)
{
	size_t n = keyring_living(k, now_ms);

	buf_be16(raw, 0);
	buf_be8(raw, FORMAT);
	for (size_t i = 0; i < n; i++) {
		buf_be8(raw, (uint8_t)k->key[i].kind);
		buf_be64(raw, (uint64_t)k->since_ms[i]);
		buf_be64(raw, (uint64_t)k->until_ms[i]);
		buf_be16(raw, (uint16_t)k->key[i].bytes.len);
		buf_slice(raw, k->key[i].bytes);
	}
}

enum rc
keyring_rotate(struct keyring *k, struct sign_key key, int64_t now_ms,
    int64_t overlap_ms)
{
	struct keyring next = { .n = 0 };
	size_t n = keyring_living(k, now_ms), same = find(k, key);
	int64_t end_ms = now_ms + overlap_ms;
	enum rc rc;

	rc = keyring_add(&next, key, now_ms, 0);
	for (size_t i = 0; rc == RC_OK && overlap_ms > 0 && i < n; i++) {
		int64_t until_ms = k->until_ms[i];

		if (until_ms == 0 || until_ms > end_ms)
			until_ms = end_ms;
		if (i != same)
			rc = keyring_add(&next, k->key[i], k->since_ms[i],
			    until_ms);
	}
	if (rc == RC_OK)
		*k = next;
	return rc;
}
