/*
 * A header's free text, RFC 2047.
 */
#include "base/crypt.h"
#include "base/text.h"
#include "shape/mime_inner.h"

#define WORD_MAX	75	/* bytes of an encoded-word */
#define AROUND		12	/* of these, "=?utf-8?q?" and "?=" */

/* May it stand for itself in any encoded-word, also in that of a name? */
static bool
is_safe(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t
q_len(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.s[i] == ' ' || is_safe(s.s[i]) ? 1 : 3;
	return n;
}

static size_t
b_len(struct slice s)
{
	return (s.len + 2) / 3 * 4;
}

static void
put_q(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] == ' ')
			buf_putc(out, '_');
		else if (is_safe(s.s[i]))
			buf_putc(out, s.s[i]);
		else
			buf_printf(out, "=%02X", (unsigned char)s.s[i]);
}

/* Whole characters off the front of text that take at most room bytes. */
static struct slice
fitting(struct slice *text, bool q, size_t room)
{
	struct slice one = { text->s, 0 };

	while (one.len < text->len) {
		struct slice rest = { text->s + one.len, text->len - one.len };
		struct slice more = { text->s, one.len + text_utf8(rest) };

		if ((q ? q_len(more) : b_len(more)) > room)
			break;
		one = more;
	}
	return slice_take(text, one.len);
}

/* A reader drops the fold between two encoded-words, RFC 2047 §6.2. */
void
mime_put_words(struct slice text, size_t col, struct buf *out)
{
	bool q = q_len(text) <= b_len(text);

	while (text.len > 0) {
		size_t room = MIME_FOLD - col < WORD_MAX ? MIME_FOLD - col :
		    WORD_MAX;
		struct slice one = fitting(&text, q, room - AROUND);

		buf_puts(out, q ? "=?utf-8?q?" : "=?utf-8?b?");
		if (q)
			put_q(one, out);
		else
			crypt_base64(one, out);
		buf_puts(out, text.len > 0 ? "?=\r\n " : "?=");
		col = 1;
	}
}

/* Blanks and the word after them, off the front. */
static struct slice
take_word(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && s->s[n] == ' ')
		n++;
	while (n < s->len && s->s[n] != ' ')
		n++;
	return slice_take(s, n);
}

/* Blanks at an end would not be kept, and a reader decodes all of "=?". */
bool
mime_is_plain(struct slice text, size_t col)
{
	if (text.len == 0)
		return true;
	if (text.s[0] == ' ' || text.s[text.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.s[i] > '~' || (text.s[i] == '=' &&
		    i + 1 < text.len && text.s[i + 1] == '?'))
			return false;
	while (text.len > 0) {
		if (take_word(&text).len > MIME_FOLD - col)
			return false;
		col = 0;
	}
	return true;
}

void
mime_put_text(struct slice text, size_t col, struct buf *out)
{
	if (!mime_is_plain(text, col)) {
		mime_put_words(text, col, out);
		return;
	}
	while (text.len > 0) {
		struct slice word = take_word(&text);

		if (col + word.len > MIME_FOLD) {
			buf_puts(out, "\r\n");
			col = 0;
		}
		buf_slice(out, word);
		col += word.len;
	}
}
