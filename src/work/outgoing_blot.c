#include "base/text.h"
#include "work/outgoing.h"

#define SECRET_MIN	8	/* bytes of a secret that is looked for */
#define CUT_MIN		4	/* of one that the text's end cuts off */

/* What came back, from where on. */
struct blot {
	char	*s;
	size_t	 len;
};

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_hex(struct slice s, size_t at, char c)
{
	return s.len >= at + 2 && hex(s.s[at]) >= 0 && hex(s.s[at + 1]) >= 0 &&
	    (char)(hex(s.s[at]) << 4 | hex(s.s[at + 1])) == c;
}

/* The length of the HTML reference for c at the front of s; 0: it is none. */
static size_t
reference(struct slice s, char c)
{
	static const struct { char c; const char *text; } t[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" },
		{ '"', "&quot;" }, { '"', "&#34;" }, { '\'', "&#39;" },
		{ '\'', "&#x27;" }, { '\'', "&apos;" }, { '+', "&#43;" },
		{ '=', "&#61;" }, { '/', "&#x2F;" }, { '/', "&#47;" },
	};

	for (size_t i = 0; i < NELEM(t); i++) {
		size_t len = strlen(t[i].text);

		if (t[i].c == c && s.len >= len &&
		    memcmp(s.s, t[i].text, len) == 0)
			return len;
	}
	return 0;
}

/* The length of c as it is, or written otherwise, at the front of s. */
typedef size_t one_char(struct slice s, char c);

static size_t
as_it_is(struct slice s, char c)
{
	return s.s[0] == c;
}

static size_t
written(struct slice s, char c)
{
	size_t n = 0;

	if (s.s[0] == '\\' && s.len > 1 && s.s[1] == c)
		n = 2;
	else if (s.len > 3 && memcmp(s.s, "\\u00", 4) == 0)
		n = is_hex(s, 4, c) ? 6 : 0;
	else if (s.s[0] == '%')
		n = is_hex(s, 1, c) ? 3 : 0;
	else if (s.s[0] == '&')
		n = reference(s, c);
	else if (s.s[0] == '+')
		n = c == ' ';		/* form data */
	return n > 0 ? n : as_it_is(s, c);
}

/* What is left of the text begins some way to write a character. */
static bool
is_cut(const char *s, size_t len)
{
	static const char hex_or_name[] = "0123456789abcdefABCDEFxuampltgqos#";

	if (strchr("%\\&", s[0]) == NULL || s[0] == '\0' ||
	    len > (s[0] == '%' ? 2u : 6u))
		return false;
	for (size_t i = 1; i < len; i++)
		if (s[i] == '\0' || strchr(hex_or_name, s[i]) == NULL)
			return false;
	return true;
}

/* How much of the text the secret takes at its front; 0: it is not there. */
static size_t
taken(struct slice text, struct slice secret, one_char *one)
{
	size_t at = 0, n;

	for (size_t i = 0; i < secret.len; i++) {
		if (at == text.len)
			return i >= CUT_MIN ? at : 0;
		n = one((struct slice){ text.s + at, text.len - at },
		    secret.s[i]);
		if (n == 0 && i >= CUT_MIN && is_cut(text.s + at,
		    text.len - at))
			return text.len;
		if (n == 0)
			return 0;
		at += n;
	}
	return at;
}

static void
blot_out(const struct blot *b, struct slice secret)
{
	size_t n;

	if (secret.len < SECRET_MIN)
		return;
	for (size_t i = 0; i < b->len; i += n > 0 ? n : 1) {
		struct slice text = { b->s + i, b->len - i };

		n = taken(text, secret, as_it_is);
		if (n == 0)
			n = taken(text, secret, written);
		memset(b->s + i, '*', n);
	}
}

static void
blot_out_header(const struct blot *b, struct slice v)
{
	const char *space = v.len == 0 ? NULL : memchr(v.s, ' ', v.len);

	blot_out(b, v);
	if (space != NULL)			/* "Basic ..." */
		blot_out(b, (struct slice){ space + 1,
		    v.len - (size_t)(space + 1 - v.s) });
}

/* It may come back as it was sent, or as the endpoint read it. */
static void
blot_out_param(void *arg, struct slice v)
{
	struct buf plain = BUF_INIT(16384);

	blot_out(arg, v);
	if (text_unpercent(&plain, v, true) == RC_OK)
		blot_out(arg, buf_as_slice(&plain));
	buf_wipe(&plain);
}

/* With its prefix or without, which some libraries leave out. */
static void
blot_out_key(const struct blot *b, struct slice key)
{
	const char *under = memchr(key.s, '_', key.len);

	if (under != NULL)
		slice_take(&key, (size_t)(under + 1 - key.s));
	blot_out(b, key);
}

void
outgoing_blot(const struct outgoing *out, struct buf *text, size_t from)
{
	struct slice keys = buf_as_slice(&out->keys);
	struct blot b;

	if (from >= text->len)
		return;
	b = (struct blot){ text->s + from, text->len - from };
	for (size_t i = 0; i < out->rq.nheader; i++)
		if (out->rq.header[i].secret)
			blot_out_header(&b, out->rq.header[i].value);
	task_request_secrets(&out->rq, blot_out_param, &b);
	while (keys.len > 0) {
		struct slice key = slice_take(&keys, strlen(keys.s));

		blot_out_key(&b, key);
		slice_take(&keys, 1);		/* its NUL */
	}
}
