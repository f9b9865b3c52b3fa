#include <inttypes.h>
#include <stdlib.h>
#include "base/json.h"
#include "base/json_bytes.h"
#include "base/json_fault.h"
#include "base/log.h"
#include "base/text.h"

const struct json_limits json_limits_default = {
	.depth = 32, .string = 256 * 1024, .tokens = 1024 * 1024,
	.number = 4096,
};

static const bool space[256] = {
	[' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true,
};

static const bool digit[256] = {
	['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true,
	['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true,
};

static inline const unsigned char *
skip(const unsigned char *p, const unsigned char *end, const bool class[256])
{
	while (p < end && class[*p])
		p++;
	return p;
}

/*
 * Room for one more token; NULL after a fault.  The caller fills it, and only
 * then counts it in.
 */
static struct json_tok *
grow(struct json_scan *s, const unsigned char *p, enum json_place place)
{
	struct json_doc *d = s->d;
	size_t cap = d->cap < 64 ? 64 : (size_t)d->cap * 2;
	struct json_tok *tok;

	if (d->n >= s->lim->tokens) {
		json_fail(s, JSON_TOKENS, p, place,
		    "the text has more than %" PRIu32 " values and keys",
		    s->lim->tokens);
		return NULL;
	}
	if (cap > UINT32_MAX)
		cap = UINT32_MAX;
	tok = realloc(d->tok, cap * sizeof *tok);
	if (tok == NULL)
		log_fatal("out of memory: %zu tokens", cap);
	d->tok = tok;
	d->cap = (uint32_t)cap;
	s->room = d->cap < s->lim->tokens ? d->cap : s->lim->tokens;
	return &tok[d->n];
}

static inline struct json_tok *
next_token(struct json_scan *s, const unsigned char *p, enum json_place place)
{
	if (s->d->n == s->room)
		return grow(s, p, place);
	return &s->d->tok[s->d->n];
}

static inline void
add_token(struct json_scan *s, struct json_tok *t, enum json_type type,
    const unsigned char *from, const unsigned char *to)
{
	t->type = (uint8_t)type;
	t->escaped = false;
	t->off = (uint32_t)(from - s->base);
	t->len = (uint32_t)(to - from);
	t->next = ++s->d->n;
	t->n = 0;
}

/* The four digits of a \u escape, or -1. */
static int
hex4(const unsigned char *p, const unsigned char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int c = p[i];

		if (digit[c])
			c -= '0';
		else if (c >= 'a' && c <= 'f')
			c -= 'a' - 10;
		else if (c >= 'A' && c <= 'F')
			c -= 'A' - 10;
		else
			return -1;
		v = v << 4 | c;
	}
	return v;
}

/* Check the escape at the backslash p and pass it; NULL after a fault. */
static const unsigned char *
escape(struct json_scan *s, const unsigned char *p, enum json_place place)
{
	int c, low = -1;

	if (s->end - p < 2)
		return json_fail(s, JSON_GRAMMAR, s->end, place,
		    "the text ends inside a string");
	if (p[1] != 'u') {
		if (strchr("\"\\/bfnrt", p[1]) == NULL || p[1] == '\0')
			return json_fail(s, JSON_GRAMMAR, p, place,
			    "a backslash must be followed by one of "
			    "\" \\ / b f n r t u");
		return p + 2;
	}
	c = hex4(p + 2, s->end);
	if (c == -1)
		return json_fail(s, JSON_GRAMMAR, p, place,
		    "\\u must be followed by four hexadecimal digits");
	if (c == 0)
		return json_fail(s, JSON_NUL_CHARACTER, p, place,
		    "a string must not contain U+0000");
	if (c < 0xd800 || c > 0xdfff)
		return p + 6;
	if (c < 0xdc00 && s->end - p >= 8 && p[6] == '\\' && p[7] == 'u')
		low = hex4(p + 8, s->end);
	if (low < 0xdc00 || low > 0xdfff)
		return json_fail(s, JSON_SURROGATE, p, place,
		    "\\u%04x is half of a surrogate pair without the other",
		    (unsigned)c);
	return p + 12;
}

/* Pass the characters above U+007F from p on; NULL after a fault. */
static const unsigned char *
not_ascii(struct json_scan *s, const unsigned char *p, enum json_place place)
{
	do {
		size_t len = text_utf8((struct slice){ (const char *)p,
		    (size_t)(s->end - p) });

		if (len == 0)
			return json_fail(s, JSON_UTF8, p, place,
			    "byte 0x%02x does not begin a UTF-8 character",
			    *p);
		p += len;
	} while (p < s->end && *p > 0x7f);
	return p;
}

/* Pass the string at the quote p and make it a token; NULL after a fault. */
static inline const unsigned char *
string(struct json_scan *s, const unsigned char *p, enum json_place place)
{
	const unsigned char *from = p + 1, *end = s->end;
	struct json_tok *t = next_token(s, p, place);
	bool escaped = false;

	if (t == NULL)
		return NULL;
	p = json_plain(from, end);
	while (p == end || *p != '"') {
		if (p == end)
			return json_fail(s, JSON_GRAMMAR, p, place,
			    "the text ends inside a string");
		if (*p == '\\') {
			p = escape(s, p, place);
			if (p == NULL)
				return NULL;
			escaped = true;
		} else if (*p > 0x7f) {
			p = not_ascii(s, p, place);
			if (p == NULL)
				return NULL;
		} else {
			return json_fail(s, JSON_GRAMMAR, p, place,
			    "a string must not contain the control character "
			    "0x%02x as it is", *p);
		}
		p = json_plain(p, end);
	}
	if ((size_t)(p - from) > s->lim->string)
		json_note(s, JSON_STRING_LENGTH, from - 1, place,
		    "the string is longer than %" PRIu32 " bytes",
		    s->lim->string);
	add_token(s, t, JSON_STRING, from, p);
	t->escaped = escaped;
	return p + 1;
}

/* Pass the number at p and make it a token; NULL after a fault. */
static const unsigned char *
number(struct json_scan *s, const unsigned char *p)
{
	const unsigned char *from = p, *end = s->end, *first;
	struct json_tok *t = next_token(s, p, JSON_AT_VALUE);

	if (t == NULL)
		return NULL;
	if (*p == '-')
		p++;
	first = p;
	p = skip(p, end, digit);
	if (p == first)
		return json_expected(s, p, JSON_AT_VALUE, "a digit");
	if (*first == '0' && p - first > 1)
		return json_fail(s, JSON_GRAMMAR, first, JSON_AT_VALUE,
		    "a number must not begin with a needless 0");
	if (p < end && *p == '.') {
		first = ++p;
		p = skip(p, end, digit);
		if (p == first)
			return json_expected(s, p, JSON_AT_VALUE,
			    "a digit after the point");
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		first = p;
		p = skip(p, end, digit);
		if (p == first)
			return json_expected(s, p, JSON_AT_VALUE,
			    "a digit of the exponent");
	}
	if ((size_t)(p - from) > s->lim->number)
		json_note(s, JSON_NUMBER_LENGTH, from, JSON_AT_VALUE,
		    "the number is longer than %" PRIu32 " characters",
		    s->lim->number);
	add_token(s, t, JSON_NUMBER, from, p);
	return p;
}

static const unsigned char *
literal(struct json_scan *s, const unsigned char *p, enum json_type type,
    struct slice word)
{
	struct json_tok *t;

	if ((size_t)(s->end - p) < word.len ||
	    memcmp(p, word.s, word.len) != 0)
		return json_no_value(s, p);
	t = next_token(s, p, JSON_AT_VALUE);
	if (t == NULL)
		return NULL;
	add_token(s, t, type, p, p + word.len);
	return p + word.len;
}

/* Pass the value at p, which is no string and no container. */
static inline const unsigned char *
scalar(struct json_scan *s, const unsigned char *p)
{
	if (p == s->end)
		return json_no_value(s, p);
	if (digit[*p] || *p == '-')
		return number(s, p);
	switch (*p) {
	case 'n':
		return literal(s, p, JSON_NULL, SLICE("null"));
	case 'f':
		return literal(s, p, JSON_FALSE, SLICE("false"));
	case 't':
		return literal(s, p, JSON_TRUE, SLICE("true"));
	default:
		return json_no_value(s, p);
	}
}

/* Begin the container at p; returns what follows its bracket. */
static inline const unsigned char *
begin(struct json_scan *s, const unsigned char *p)
{
	struct json_tok *t;

	if (s->depth == s->lim->depth)
		return json_fail(s, JSON_DEPTH, p, JSON_AT_VALUE,
		    "arrays and objects are nested more than %" PRIu32 " deep",
		    s->lim->depth);
	t = next_token(s, p, JSON_AT_VALUE);
	if (t == NULL)
		return NULL;
	add_token(s, t, *p == '{' ? JSON_OBJECT : JSON_ARRAY, p, p + 1);
	t->next = s->top;
	s->top = s->d->n - 1;
	s->depth++;
	return skip(p + 1, s->end, space);
}

/* End the innermost container, whose bracket is at p. */
static inline const unsigned char *
finish(struct json_scan *s, const unsigned char *p)
{
	struct json_tok *t = &s->d->tok[s->top];
	uint64_t steps = 0;
	uint32_t again = 0;

	if (t->type == JSON_OBJECT && t->n > 1)
		again = json_repeated_key(s->d, s->top, &steps);
	if (again != 0)
		return json_fail_key(s, again);
	s->top = t->next;
	s->depth--;
	t->next = s->d->n;
	t->len = (uint32_t)(p + 1 - s->base) - t->off;
	return p + 1;
}

static inline bool
in_object(const struct json_scan *s)
{
	return s->top != JSON_NONE && s->d->tok[s->top].type == JSON_OBJECT;
}

static inline bool
at_bracket(const struct json_scan *s, const unsigned char *p)
{
	return p < s->end && *p == (in_object(s) ? '}' : ']');
}

/* Pass the key at p and its colon. */
static inline const unsigned char *
key(struct json_scan *s, const unsigned char *p)
{
	if (p == s->end || *p != '"')
		return json_expected(s, p, JSON_AT_CONTAINER,
		    "a key in double quotes");
	p = string(s, p, JSON_AT_CONTAINER);
	if (p == NULL)
		return NULL;
	p = skip(p, s->end, space);
	if (p == s->end || *p != ':')
		return json_expected(s, p, JSON_AT_VALUE, "a colon");
	return skip(p + 1, s->end, space);
}

/*
 * After a value: pass the brackets that end here and the comma that follows.
 * At the end of the document s->top is JSON_NONE; NULL after a fault.
 */
static inline const unsigned char *
after(struct json_scan *s, const unsigned char *p)
{
	for (;;) {
		p = skip(p, s->end, space);
		if (s->top == JSON_NONE)
			break;
		s->d->tok[s->top].n++;
		if (p < s->end && *p == ',')
			return skip(p + 1, s->end, space);
		if (!at_bracket(s, p))
			return json_expected(s, p, JSON_AT_CONTAINER,
			    in_object(s) ? "a comma or }" : "a comma or ]");
		p = finish(s, p);
		if (p == NULL)
			return NULL;
	}
	if (p < s->end)
		return json_expected(s, p, JSON_AT_CONTAINER,
		    "the end of the text");
	return p;
}

/*
 * While a container is open its `next` holds the one around it: that is all
 * the stack there is.
 */
static enum rc
scan(struct json_scan *s)
{
	const unsigned char *p = skip(s->base, s->end, space);

	do {
		if (in_object(s))
			p = key(s, p);
		if (p == NULL)
			break;
		if (p < s->end && *p == '"') {
			p = string(s, p, JSON_AT_VALUE);
		} else if (p < s->end && (*p == '{' || *p == '[')) {
			p = begin(s, p);
			if (p != NULL && !at_bracket(s, p))
				continue;
			if (p != NULL)
				p = finish(s, p);
		} else {
			p = scalar(s, p);
		}
		if (p != NULL)
			p = after(s, p);
	} while (p != NULL && s->top != JSON_NONE);
	return s->rc;
}

enum rc
json_scan(struct json_doc *d, struct slice text, const struct json_limits *lim,
    struct json_error *err)
{
	/* No arithmetic on the null pointer of an empty slice. */
	const char *base = text.len == 0 ? "" : text.s;
	struct json_scan s = {
		.base = (const unsigned char *)base,
		.end = (const unsigned char *)base + text.len,
		.d = d, .lim = lim, .err = err, .top = JSON_NONE,
		.room = d->cap < lim->tokens ? d->cap : lim->tokens,
	};
	enum rc rc;

	d->text = (struct slice){ base, text.len };
	d->n = 0;
	if (text.len > UINT32_MAX) {
		json_fail(&s, JSON_TOKENS, s.base, JSON_AT_CONTAINER,
		    "the text is longer than 4 GiB");
		rc = RC_TOOBIG;
	} else if (text.len >= 3 && memcmp(base, "\xef\xbb\xbf", 3) == 0) {
		json_fail(&s, JSON_GRAMMAR, s.base, JSON_AT_CONTAINER,
		    "the text must not begin with a byte order mark");
		rc = RC_INVALID;
	} else {
		rc = scan(&s);
	}
	if (rc != RC_OK)
		d->n = 0;
	return rc;
}

void
json_doc_free(struct json_doc *d)
{
	free(d->tok);
	d->tok = NULL;
	d->n = d->cap = 0;
	d->text = (struct slice){ NULL, 0 };
}
