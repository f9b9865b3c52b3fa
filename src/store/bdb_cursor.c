#include "store/bdb_cursor.h"

void
cursor_print(const struct buf *raw, char cursor[STORE_CURSOR_MAX])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < raw->len; i++) {
		cursor[2 * i] = hex[(unsigned char)raw->s[i] >> 4];
		cursor[2 * i + 1] = hex[raw->s[i] & 15];
	}
	cursor[2 * raw->len] = '\0';
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum rc
cursor_parse(const char cursor[STORE_CURSOR_MAX], char raw[CURSOR_RAW],
    struct slice *s)
{
	size_t len = strnlen(cursor, STORE_CURSOR_MAX);

	if (len % 2 != 0 || len / 2 > CURSOR_RAW)
		return RC_INVALID;
	for (size_t i = 0; i < len / 2; i++) {
		int hi = nibble(cursor[2 * i]), lo = nibble(cursor[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return RC_INVALID;
		raw[i] = (char)(hi << 4 | lo);
	}
	*s = (struct slice){ raw, len / 2 };
	return RC_OK;
}
