#include <stdarg.h>
#include <stdio.h>
#include "base/json_bytes.h"
#include "base/json_fault.h"
#include "base/text.h"

/*
 * Turn the list of open containers around: linked inwards from the root
 * instead of outwards, or back.  Returns its new first one.
 */
static uint32_t
reverse(struct json_tok *tok, uint32_t first)
{
	uint32_t done = JSON_NONE;

	while (first != JSON_NONE) {
		uint32_t rest = tok[first].next;

		tok[first].next = done;
		done = first;
		first = rest;
	}
	return done;
}

/* Append the reference token of key, or of the item that container c is at. */
static void
put_reference(const struct json_scan *s, uint32_t c, uint32_t key,
    struct buf *out)
{
	if (s->d->tok[c].type == JSON_OBJECT)
		json_put_key_reference(s->d, key, out);
	else
		json_put_index_reference(s->d->tok[c].n, out);
}

/*
 * The pointer of s->top, or with in_top of what is in it: key's member, or the
 * item that is due.
 */
static void
put_pointer(struct json_scan *s, bool in_top, uint32_t key)
{
	struct json_tok *tok = s->d->tok;
	struct buf out = BUF_INIT(sizeof s->err->pointer - 1);
	struct buf one = BUF_INIT(sizeof s->err->pointer - 1);
	uint32_t root = reverse(tok, s->top), c = root;

	while (c != JSON_NONE) {
		uint32_t inner = tok[c].next;

		if (inner == JSON_NONE && !in_top)
			break;
		buf_clear(&one);
		/* A value's key stands right before it. */
		put_reference(s, c, inner == JSON_NONE ? key : inner - 1,
		    &one);
		if (one.over)
			break;
		buf_slice(&out, buf_as_slice(&one));
		if (out.over)
			break;
		c = inner;
	}
	reverse(tok, root);
	memcpy(s->err->pointer, buf_str(&out), out.len + 1);
	buf_free(&one);
	buf_free(&out);
}

static void
put_position(struct json_scan *s, const unsigned char *p)
{
	const unsigned char *line = s->base, *nl;
	uint32_t n = 1;

	for (;;) {
		nl = memchr(line, '\n', (size_t)(p - line));
		if (nl == NULL)
			break;
		line = nl + 1;
		n++;
	}
	s->err->off = (size_t)(p - s->base);
	s->err->line = n;
	s->err->col = (uint32_t)text_chars((struct slice){
	    (const char *)line, (size_t)(p - line) }) + 1;
}

static PRINTF(5, 0) void
put_error(struct json_scan *s, enum json_fault fault, const unsigned char *p,
    enum json_place place, const char *fmt, va_list ap)
{
	s->rc = fault <= JSON_DEPTH ? RC_INVALID : RC_TOOBIG;
	s->err->fault = fault;
	put_position(s, p);
	put_pointer(s, place == JSON_AT_VALUE, s->d->n - 1);
	vsnprintf(s->err->detail, sizeof s->err->detail, fmt, ap);
}

const unsigned char *
json_fail(struct json_scan *s, enum json_fault fault, const unsigned char *p,
    enum json_place place, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_error(s, fault, p, place, fmt, ap);
	va_end(ap);
	return NULL;
}

void
json_note(struct json_scan *s, enum json_fault fault, const unsigned char *p,
    enum json_place place, const char *fmt, ...)
{
	va_list ap;

	if (s->rc != RC_OK)
		return;
	va_start(ap, fmt);
	put_error(s, fault, p, place, fmt, ap);
	va_end(ap);
}

const unsigned char *
json_fail_key(struct json_scan *s, uint32_t key)
{
	json_fail(s, JSON_DUPLICATE_KEY, s->base + s->d->tok[key].off - 1,
	    JSON_AT_CONTAINER, "the object has this key twice");
	put_pointer(s, true, key);
	return NULL;
}

const unsigned char *
json_expected(struct json_scan *s, const unsigned char *p,
    enum json_place place, const char *what)
{
	char found[24];

	if (p == s->end)
		snprintf(found, sizeof found, "the end of the text");
	else if (*p == '\'')
		snprintf(found, sizeof found, "a single quote");
	else if (*p > 0x20 && *p < 0x7f)
		snprintf(found, sizeof found, "'%c'", *p);
	else
		snprintf(found, sizeof found, "byte 0x%02x", *p);
	return json_fail(s, JSON_GRAMMAR, p, place,
	    "%s was expected, not %s", what, found);
}

const unsigned char *
json_no_value(struct json_scan *s, const unsigned char *p)
{
	static const struct { char first; const char *hint; } t[] = {
		{ '\'', "strings are put in double quotes" },
		{ '+', "a number has no + before it" },
		{ '.', "a number has a digit before its point" },
		{ '/', "JSON has no comments" },
		{ 'N', "JSON has no NaN; null is in lower case" },
		{ 'I', "JSON has no Infinity" },
		{ 'T', "true is in lower case" },
		{ 'F', "false is in lower case" },
	};

	for (size_t i = 0; p < s->end && i < NELEM(t); i++)
		if (*p == (unsigned char)t[i].first)
			return json_fail(s, JSON_GRAMMAR, p, JSON_AT_VALUE,
			    "a value was expected: %s", t[i].hint);
	return json_expected(s, p, JSON_AT_VALUE, "a value");
}
