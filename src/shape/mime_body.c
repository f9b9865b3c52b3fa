/*
 * A text as the body of a message, RFC 2045 §6.
 */
#include "base/crypt.h"
#include "shape/mime_inner.h"

#define PLAIN_MAX	900	/* bytes of a line; 998 may be cut somewhere */
#define SOFT_MAX	76	/* of quoted-printable, a soft end included */
#define BASE64_BYTES	57	/* that make a line of 76 */

/* Is s at i, with its two bytes, the end of a line? */
static bool
is_end(struct slice s, size_t i)
{
	return i + 1 < s.len && s.s[i] == '\r' && s.s[i + 1] == '\n';
}

/* May it stand for itself in quoted-printable? */
static bool
is_literal(char c)
{
	return c == '\t' || (c >= ' ' && c <= '~' && c != '=');
}

static void
put_quoted(struct slice s, struct buf *out)
{
	size_t col = 0, len;

	for (size_t i = 0; i < s.len; i++) {
		if (is_end(s, i)) {
			buf_puts(out, "\r\n");
			col = 0;
			i++;
			continue;
		}
		/* a blank at a line's end may get lost on the way */
		len = is_literal(s.s[i]) && !((s.s[i] == ' ' ||
		    s.s[i] == '\t') && is_end(s, i + 1)) ? 1 : 3;
		if (col + len > SOFT_MAX - 1) {
			buf_puts(out, "=\r\n");
			col = 0;
		}
		if (len == 1)
			buf_putc(out, s.s[i]);
		else
			buf_printf(out, "=%02X", (unsigned char)s.s[i]);
		col += len;
	}
}

static void
put_base64(struct slice s, struct buf *out)
{
	while (s.len > 0) {
		crypt_base64(slice_take(&s, s.len < BASE64_BYTES ? s.len :
		    BASE64_BYTES), out);
		buf_puts(out, "\r\n");
	}
}

static void
put_plain(struct slice s, struct buf *out)
{
	buf_slice(out, s);
}

struct mime_body
mime_body_of(struct slice text)
{
	struct mime_body b = { "us-ascii", "7bit", put_plain };
	size_t line = 0, longest = 0, coded = 0;
	bool odd = false;		/* not for a body as it is */

	for (size_t i = 0; i < text.len; i++) {
		if (is_end(text, i)) {
			line = 0;
			i++;
			continue;
		}
		longest = ++line > longest ? line : longest;
		coded += !is_literal(text.s[i]);
		odd = odd || (!is_literal(text.s[i]) && text.s[i] != '=');
		if ((unsigned char)text.s[i] > 0x7f)
			b.charset = "utf-8";
	}
	if (!odd && longest <= PLAIN_MAX)
		return b;
	/* three bytes for one of those, against four for any three */
	if (coded > text.len / 6) {
		b.encoding = "base64";
		b.put = put_base64;
	} else {
		b.encoding = "quoted-printable";
		b.put = put_quoted;
	}
	return b;
}
