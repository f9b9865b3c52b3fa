#include "base/crypt.h"
#include "base/id.h"
#include "base/log.h"

#define CHECK_LEN	4
#define PREFIX_MAX	8
#define DIGITS_MAX	(((ID_RAW_MAX + CHECK_LEN) * 8 + 4) / 5)

_Static_assert(PREFIX_MAX + 1 + DIGITS_MAX + 1 <= ID_MAX, "an id fits");

static const char digit[] = "0123456789abcdefghjkmnpqrstvwxyz";

/*
 * The check covers the prefix too, so that one kind of id can't be passed off
 * as another that carries the same bytes.
 */
static uint32_t
check_of(const char *prefix, const unsigned char *raw, size_t raw_len,
    const unsigned char key[ID_KEY_LEN])
{
	unsigned char b[PREFIX_MAX + 1 + ID_RAW_MAX];
	size_t n = strlen(prefix) + 1;

	memcpy(b, prefix, n);
	memcpy(b + n, raw, raw_len);
	return (uint32_t)(crypt_siphash(key, b, n + raw_len) >> 32);
}

static void
require(const char *prefix, size_t raw_len)
{
	if (raw_len > ID_RAW_MAX || strlen(prefix) > PREFIX_MAX)
		log_fatal("an id of %zu bytes named \"%s\"", raw_len, prefix);
}

static size_t
digits_of(size_t raw_len)
{
	return ((raw_len + CHECK_LEN) * 8 + 4) / 5;
}

void
id_encode(char out[ID_MAX], const char *prefix, const unsigned char *raw,
    size_t raw_len, const unsigned char key[ID_KEY_LEN])
{
	unsigned char b[ID_RAW_MAX + CHECK_LEN];
	uint32_t check, bits = 0;
	unsigned nbits = 0;
	char *p = out;

	require(prefix, raw_len);
	check = check_of(prefix, raw, raw_len, key);
	memcpy(b, raw, raw_len);
	for (size_t i = 0; i < CHECK_LEN; i++)
		b[raw_len + i] = (unsigned char)(check >> (24 - 8 * i));
	while (*prefix != '\0')
		*p++ = *prefix++;
	*p++ = '_';
	for (size_t i = 0; i < raw_len + CHECK_LEN; i++) {
		bits = bits << 8 | b[i];
		for (nbits += 8; nbits >= 5; nbits -= 5)
			*p++ = digit[bits >> (nbits - 5) & 31];
	}
	if (nbits > 0)
		*p++ = digit[bits << (5 - nbits) & 31];
	*p = '\0';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The value of a digit as people write it, or -1. */
static int
value_of(char c)
{
	const char *at;

	c = lower(c);
	if (c == 'o')
		return 0;
	if (c == 'i' || c == 'l')
		return 1;
	at = c == '\0' ? NULL : strchr(digit, c);
	return at == NULL ? -1 : (int)(at - digit);
}

/* Move text past the prefix and its underscore; false if they aren't there. */
static bool
take_prefix(struct slice *text, const char *prefix)
{
	size_t n = strlen(prefix);

	if (text->len <= n || text->s[n] != '_')
		return false;
	for (size_t i = 0; i < n; i++)
		if (lower(text->s[i]) != lower(prefix[i]))
			return false;
	text->s += n + 1;
	text->len -= n + 1;
	return true;
}

enum rc
id_decode(struct slice text, const char *prefix, unsigned char *raw,
    size_t raw_len, const unsigned char key[ID_KEY_LEN])
{
	unsigned char b[ID_RAW_MAX + CHECK_LEN];
	uint32_t bits = 0, check = 0;
	unsigned nbits = 0;
	size_t n = 0;

	require(prefix, raw_len);
	if (!take_prefix(&text, prefix) || text.len != digits_of(raw_len))
		return RC_NOTFOUND;
	for (size_t i = 0; i < text.len; i++) {
		int v = value_of(text.s[i]);

		if (v < 0)
			return RC_NOTFOUND;
		bits = bits << 5 | (uint32_t)v;
		nbits += 5;
		if (nbits >= 8) {
			nbits -= 8;
			b[n++] = (unsigned char)(bits >> nbits);
		}
	}
	/* Bits left over are zero, or one id would have several spellings. */
	if ((bits & ((1U << nbits) - 1)) != 0)
		return RC_NOTFOUND;
	for (size_t i = 0; i < CHECK_LEN; i++)
		check = check << 8 | b[raw_len + i];
	if (check != check_of(prefix, b, raw_len, key))
		return RC_NOTFOUND;
	memcpy(raw, b, raw_len);
	return RC_OK;
}
