/*
 * URLs of webhooks: what may stand in a template of one.  Whatever an order
 * contains, a rendered URL keeps its scheme and its authority, and no value
 * adds to the separators of its path and query.
 */
#include <strings.h>
#include "base/text.h"
#include "shape/task_data.h"
#include "shape/template_op.h"

/* Where the authority ends: at /, ?, # or the end. */
static size_t
authority_end(struct slice url, size_t from)
{
	while (from < url.len && strchr("/?#", url.s[from]) == NULL)
		from++;
	return from;
}

static size_t
scheme_len(struct slice url)
{
	if (url.len >= 7 && strncasecmp(url.s, "http://", 7) == 0)
		return 7;
	if (url.len >= 8 && strncasecmp(url.s, "https://", 8) == 0)
		return 8;
	return 0;
}

/* The bytes of host:port that are the host. */
static size_t
host_len(struct slice a)
{
	const char *p;

	if (a.len > 0 && a.s[0] == '[') {
		p = memchr(a.s, ']', a.len);
		return p == NULL ? a.len : (size_t)(p - a.s) + 1;
	}
	p = memchr(a.s, ':', a.len);
	return p == NULL ? a.len : (size_t)(p - a.s);
}

struct slice
task_url_host(struct slice url)
{
	size_t from = scheme_len(url);
	struct slice a = { url.s + from, authority_end(url, from) - from };

	if (from == 0)
		return (struct slice){ NULL, 0 };
	a.len = host_len(a);
	return a;
}

static bool
is_host(struct slice h)
{
	bool v6 = h.len > 2 && h.s[0] == '[' && h.s[h.len - 1] == ']';
	const char *more = v6 ? ":." : "-._";

	if (v6)
		h = (struct slice){ h.s + 1, h.len - 2 };
	if (h.len == 0 || h.len > 253)
		return false;
	for (size_t i = 0; i < h.len; i++) {
		char c = h.s[i], low = c | 0x20;
		bool letter = low >= 'a' && low <= (v6 ? 'f' : 'z');

		if (!letter && (c < '0' || c > '9') &&
		    (c == '\0' || strchr(more, c) == NULL))
			return false;
	}
	return true;
}

static bool
is_port(struct slice p)
{
	uint32_t v = 0;

	if (p.len < 2 || p.len > 6 || p.s[0] != ':')
		return p.len == 0;
	for (size_t i = 1; i < p.len; i++) {
		if (p.s[i] < '0' || p.s[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(p.s[i] - '0');
	}
	return v >= 1 && v <= 65535;
}

static const char *
authority_fault(struct slice a)
{
	size_t host = host_len(a);

	if (a.len > 1 && memmem(a.s, a.len, "{{", 2) != NULL)
		return "must name its host; a template can stand only in "
		    "path and query";
	if (memchr(a.s, '@', a.len) != NULL)
		return "must not hold a user or password; send them in an "
		    "authorization header";
	if (!is_host((struct slice){ a.s, host }))
		return "has no valid host (letters, digits, - and . only)";
	if (!is_port((struct slice){ a.s + host, a.len - host }))
		return "has no valid port";
	return NULL;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' &&
	    (c | 0x20) <= 'f');
}

static const char *
character_fault(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c >= 0x80 && s.len - i >= 3 &&
		    memcmp(s.s + i, "\xe2\x80\xa2", 3) == 0)
			return "holds a masked secret; give the value itself";
		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL)
			return "has a character in it that must be "
			    "percent-encoded";
		if (c == '%' && (s.len - i < 3 || !is_hex(s.s[i + 1]) ||
		    !is_hex(s.s[i + 2])))
			return "has a % in it without two hex digits";
	}
	return NULL;
}

/*
 * Append the URL up to its fragment with an x for each tag; *len is what of
 * the template that is.  A tag that never ends is left for its compiler.
 */
static void
flatten(struct slice url, struct buf *out, size_t *len)
{
	struct template_tag tag;
	size_t i = 0;

	while (i < url.len && url.s[i] != '#') {
		struct slice rest = { url.s + i, url.len - i };

		if (rest.len > 2 && memcmp(rest.s, "{{", 2) == 0 &&
		    template_tag(rest, &tag) == RC_OK) {
			buf_putc(out, 'x');
			i += tag.len;
		} else if (rest.len > 2 && memcmp(rest.s, "{{", 2) == 0) {
			i = url.len;
		} else {
			buf_putc(out, url.s[i]);
			i++;
		}
	}
	*len = i;
}

bool
task_url_climbs(struct slice url, size_t fixed)
{
	size_t i = fixed, dots = 0, others = 0;

	for (;; i++) {
		bool end = i >= url.len || url.s[i] == '?' || url.s[i] == '/';

		if (end && others == 0 && (dots == 1 || dots == 2))
			return true;
		if (i >= url.len || url.s[i] == '?')
			return false;
		if (end)
			dots = others = 0;
		else if (url.s[i] == '.')
			dots++;
		else if (url.len - i >= 3 &&
		    strncasecmp(url.s + i, "%2e", 3) == 0) {
			dots++;
			i += 2;
		} else
			others++;
	}
}

const char *
task_url_fault(struct slice url, size_t *fixed, size_t *len)
{
	size_t from = scheme_len(url);
	struct buf flat = BUF_INIT(TASK_URL_MAX);
	const char *fault;

	if (from == 0)
		return "must begin with http:// or https://";
	*fixed = authority_end(url, from);
	fault = authority_fault((struct slice){ url.s + from, *fixed - from });
	if (fault != NULL)
		return fault;
	flatten(url, &flat, len);
	fault = character_fault(buf_as_slice(&flat));
	if (fault == NULL && task_url_climbs(buf_as_slice(&flat), *fixed))
		fault = "must not have . or .. in its path";
	buf_free(&flat);
	return fault;
}
