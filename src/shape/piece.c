#include "shape/piece.h"

static uint32_t
hex4(const char *s)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		int c = s[i];

		c = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
		v = v << 4 | (uint32_t)c;
	}
	return v;
}

static size_t
utf8(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Decode the escape at the front; its length in text is returned. */
static size_t
escape(const char *s, char tmp[4], size_t *len)
{
	uint32_t c;

	*len = 1;
	switch (s[1]) {
	case 'b':
		tmp[0] = '\b';
		return 2;
	case 'f':
		tmp[0] = '\f';
		return 2;
	case 'n':
		tmp[0] = '\n';
		return 2;
	case 'r':
		tmp[0] = '\r';
		return 2;
	case 't':
		tmp[0] = '\t';
		return 2;
	case 'u':
		break;
	default:
		tmp[0] = s[1];		/* " \ / */
		return 2;
	}
	c = hex4(s + 2);
	if (c >= 0xd800 && c < 0xdc00) {	/* the scanner saw the other */
		c = 0x10000 + ((c - 0xd800) << 10) + (hex4(s + 8) - 0xdc00);
		*len = utf8(c, tmp);
		return 12;
	}
	*len = utf8(c, tmp);
	return 6;
}

bool
piece_next(struct slice *text, char tmp[4], struct slice *run)
{
	const char *p;
	size_t used;

	if (text->len == 0)
		return false;
	if (text->s[0] == '\\') {
		run->s = tmp;
		used = escape(text->s, tmp, &run->len);
	} else {
		p = memchr(text->s, '\\', text->len);
		used = p == NULL ? text->len : (size_t)(p - text->s);
		*run = (struct slice){ text->s, used };
	}
	text->s += used;
	text->len -= used;
	return true;
}

/* Compare run by run; whole: nothing of the text may be left over. */
static bool
matches(struct slice text, struct slice s, bool whole)
{
	struct slice run;
	char tmp[4];

	while ((whole || s.len > 0) && piece_next(&text, tmp, &run)) {
		size_t n = run.len;

		if (n > s.len) {
			if (whole)
				return false;
			n = s.len;
		}
		if (n > 0 && memcmp(run.s, s.s, n) != 0)
			return false;
		s.s += n;
		s.len -= n;
	}
	return s.len == 0;
}

bool
piece_is(struct slice text, struct slice s)
{
	return matches(text, s, true);
}

bool
piece_begins(struct slice text, struct slice s)
{
	return matches(text, s, false);
}

void
piece_put(struct slice text, struct buf *out)
{
	struct slice run;
	char tmp[4];

	while (piece_next(&text, tmp, &run))
		buf_slice(out, run);
}

void
piece_compact(const struct json_doc *d, uint32_t i, struct buf *out)
{
	const struct json_tok *tok = d->tok;
	const char *comma = "";
	uint32_t at = i + 1;

	if (tok[i].type != JSON_OBJECT && tok[i].type != JSON_ARRAY) {
		buf_slice(out, json_text(d, i));
		return;
	}
	buf_putc(out, tok[i].type == JSON_OBJECT ? '{' : '[');
	while (at < tok[i].next) {
		buf_puts(out, comma);
		comma = ",";
		if (tok[i].type == JSON_OBJECT) {
			buf_slice(out, json_text(d, at++));
			buf_putc(out, ':');
		}
		piece_compact(d, at, out);	/* as deep as the scan let in */
		at = tok[at].next;
	}
	buf_putc(out, tok[i].type == JSON_OBJECT ? '}' : ']');
}
