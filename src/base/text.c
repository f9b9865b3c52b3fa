#include "base/text.h"

#define NEAREST_MAX	64	/* bytes of a name that may be mistyped */

size_t
text_utf8(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.s;
	unsigned char lo = 0x80, hi = 0xbf;	/* of the second byte */
	size_t n;

	if (s.len == 0 || p[0] == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (s.len < n)
		return 0;
	/* RFC 3629 §4: neither overlong, nor a surrogate, nor past U+10FFFF. */
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
text_is_utf8(struct slice s)
{
	while (s.len > 0) {
		size_t n = text_utf8(s);

		if (n == 0)
			return false;
		s.s += n;
		s.len -= n;
	}
	return true;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

size_t
text_chars(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (s.s[i] & 0xc0) != 0x80;
	return n;
}

bool
text_same_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.s[i]) != lower(b.s[i]))
			return false;
	return true;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Edit distance where an adjacent swap is one edit (optimal string alignment),
 * a row per character of t; only the last three rows are kept.
 */
static size_t
distance(struct slice s, struct slice t)
{
	size_t row[3][NEAREST_MAX + 1];
	size_t *before = row[0], *last = row[1], *now = row[2], *spare;

	for (size_t i = 0; i <= s.len; i++)
		last[i] = before[i] = i;
	for (size_t j = 1; j <= t.len; j++) {
		now[0] = j;
		for (size_t i = 1; i <= s.len; i++) {
			char a = lower(s.s[i - 1]), b = lower(t.s[j - 1]);

			now[i] = least(least(now[i - 1], last[i]) + 1,
			    last[i - 1] + (a == b ? 0 : 1));
			if (i > 1 && j > 1 && a == lower(t.s[j - 2]) &&
			    b == lower(s.s[i - 2]))
				now[i] = least(now[i], before[i - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[s.len];
}

const char *
text_nearest(struct slice s, const char *const *name, size_t n)
{
	const char *best = NULL;
	size_t best_edits = 0;

	if (s.len > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct slice t = slice_of(name[i]);
		size_t longer = s.len > t.len ? s.len : t.len;
		size_t shorter = s.len > t.len ? t.len : s.len;
		size_t limit = longer < 6 ? 1 : longer / 3, edits;

		/* Each edit changes the length by one at most. */
		if (longer - shorter > limit)
			continue;
		edits = distance(s, t);
		if (edits > limit || (best != NULL && edits >= best_edits))
			continue;
		best = name[i];
		best_edits = edits;
	}
	return best;
}

void
text_percent(struct buf *out, struct slice s)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char mark[] = "-._~";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];
		char three[3] = { '%', hex[c >> 4], hex[c & 15] };

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') ||
		    memchr(mark, c, sizeof mark - 1) != NULL)
			buf_putc(out, (char)c);
		else
			buf_put(out, three, sizeof three);
	}
}

static int
hex_value(char c)
{
	c = lower(c);
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character off the front, decoded; 0 if it must not stand there. */
static unsigned char
take_percent(struct slice *s, bool plus)
{
	char c = *s->s;
	size_t n = 1;
	int hi, lo;

	if (c == '+' && plus)
		c = ' ';
	else if (c == '%') {
		n = 3;
		if (s->len < n)
			return 0;
		hi = hex_value(s->s[1]);
		lo = hex_value(s->s[2]);
		if (hi < 0 || lo < 0)
			return 0;
		c = (char)(hi << 4 | lo);
	}
	s->s += n;
	s->len -= n;
	return (unsigned char)c;
}

enum rc
text_unpercent(struct buf *out, struct slice s, bool plus)
{
	struct slice check = s;

	/* Nothing is appended unless all of it can be. */
	while (check.len > 0)
		if (take_percent(&check, plus) == 0)
			return RC_INVALID;
	while (s.len > 0)
		buf_putc(out, (char)take_percent(&s, plus));
	return RC_OK;
}

void
text_html(struct buf *out, struct slice s)
{
	size_t plain = 0;	/* bytes ahead of i that need no reference */

	for (size_t i = 0; i < s.len; i++) {
		const char *ref = s.s[i] == '&' ? "&amp;" :
		    s.s[i] == '<' ? "&lt;" : s.s[i] == '>' ? "&gt;" :
		    s.s[i] == '"' ? "&quot;" : s.s[i] == '\'' ? "&#39;" :
		    NULL;

		if (ref == NULL) {
			plain++;
			continue;
		}
		buf_put(out, s.s + i - plain, plain);
		buf_puts(out, ref);
		plain = 0;
	}
	if (plain > 0)
		buf_put(out, s.s + s.len - plain, plain);
}
