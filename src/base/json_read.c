#include <stdlib.h>
#include "base/json.h"
#include "base/json_bytes.h"

struct slice
json_raw(const struct json_doc *d, uint32_t i)
{
	const struct json_tok *t = &d->tok[i];

	return (struct slice){ d->text.s + t->off, t->len };
}

struct slice
json_text(const struct json_doc *d, uint32_t i)
{
	struct slice s = json_raw(d, i);

	if (d->tok[i].type == JSON_STRING) {
		s.s--;
		s.len += 2;
	}
	return s;
}

void
json_string(const struct json_doc *d, uint32_t i, struct buf *out)
{
	struct json_pieces u = json_pieces_of(d, i);
	struct slice piece;

	if (!d->tok[i].escaped) {
		buf_slice(out, json_raw(d, i));
		return;
	}
	while (json_piece(&u, &piece))
		buf_slice(out, piece);
}

/* String or key i, unescaped, equals s. */
static bool
equals(const struct json_doc *d, uint32_t i, struct slice s)
{
	struct json_pieces u = json_pieces_of(d, i);
	struct slice piece;

	if (!d->tok[i].escaped)
		return slice_eq(json_raw(d, i), s);
	while (json_piece(&u, &piece)) {
		if (piece.len > s.len || memcmp(piece.s, s.s, piece.len) != 0)
			return false;
		s.s += piece.len;
		s.len -= piece.len;
	}
	return s.len == 0;
}

bool
json_string_is(const struct json_doc *d, uint32_t i, struct slice s)
{
	return d->tok[i].type == JSON_STRING && equals(d, i, s);
}

uint32_t
json_find_slice(const struct json_doc *d, uint32_t obj, struct slice key)
{
	uint32_t k = obj + 1;

	if (obj >= d->n || d->tok[obj].type != JSON_OBJECT)
		return 0;
	for (uint32_t i = 0; i < d->tok[obj].n; i++) {
		if (equals(d, k, key))
			return k + 1;
		k = d->tok[k + 1].next;
	}
	return 0;
}

uint32_t
json_find(const struct json_doc *d, uint32_t obj, const char *key)
{
	return json_find_slice(d, obj, slice_of(key));
}

void
json_put_key_reference(const struct json_doc *d, uint32_t i, struct buf *out)
{
	struct json_pieces u = json_pieces_of(d, i);
	struct slice piece;

	buf_putc(out, '/');
	while (json_piece(&u, &piece)) {
		for (size_t j = 0; j < piece.len; j++) {
			if (piece.s[j] == '~')
				buf_puts(out, "~0");
			else if (piece.s[j] == '/')
				buf_puts(out, "~1");
			else
				buf_putc(out, piece.s[j]);
		}
	}
}

void
json_put_index_reference(uint32_t index, struct buf *out)
{
	buf_putc(out, '/');
	buf_i64(out, index);
}

void
json_pointer(const struct json_doc *d, uint32_t i, struct buf *out)
{
	uint32_t c = 0, at = 0;

	/* at: the value walked to; c: the first token that may lead on to i */
	while (at != i) {
		bool object = d->tok[at].type == JSON_OBJECT;
		uint32_t n = 0;

		c = at + 1;
		while (d->tok[c + object].next <= i) {
			c = d->tok[c + object].next;
			n++;
		}
		if (object)
			json_put_key_reference(d, c, out);
		else
			json_put_index_reference(n, out);
		if (object && c == i)
			return;
		at = c + object;
	}
}

/* Digits of a number that fits, after an optional minus sign. */
static enum rc
read_digits(struct slice s, int64_t *v)
{
	bool minus = s.len > 0 && s.s[0] == '-';
	uint64_t most = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX, u = 0;

	if (s.len == (size_t)minus)
		return RC_INVALID;
	for (size_t i = minus; i < s.len; i++) {
		unsigned digit = (unsigned char)s.s[i] - (unsigned)'0';

		if (digit > 9 || u > (most - digit) / 10)
			return RC_INVALID;
		u = u * 10 + digit;
	}
	*v = minus ? (int64_t)-u : (int64_t)u;
	return RC_OK;
}

enum rc
json_i64(const struct json_doc *d, uint32_t i, bool string_ok, int64_t *v)
{
	const struct json_tok *t = &d->tok[i];
	struct buf plain = BUF_INIT(t->len);
	enum rc rc = RC_INVALID;

	if (t->type == JSON_NUMBER) {
		rc = read_digits(json_raw(d, i), v);
	} else if (t->type == JSON_STRING && string_ok) {
		json_string(d, i, &plain);
		rc = read_digits(buf_as_slice(&plain), v);
	}
	buf_free(&plain);
	return rc;
}
