/*
 * URLs of webhooks: what may stand in a template of one.  Whatever an order
 * contains, a rendered URL keeps its scheme and its authority, and no value
 * adds to the separators of its path and query.
 */
#include <arpa/inet.h>
#include <strings.h>
#include "base/text.h"
#include "shape/address.h"
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

/* "" for what is the default of http and https; a : and digits else. */
static struct slice
port_of(struct slice url, struct slice host)
{
	size_t from = (size_t)(host.s - url.s) + host.len;
	struct slice port = { url.s + from, authority_end(url, from) - from };

	if (slice_is(port, scheme_len(url) == 7 ? ":80" : ":443"))
		port.len = 0;
	return port;
}

bool
task_url_same_address(struct slice a, struct slice b)
{
	struct slice ha = task_url_host(a), hb = task_url_host(b);

	return ha.s != NULL && hb.s != NULL &&
	    scheme_len(a) == scheme_len(b) && text_same_nocase(ha, hb) &&
	    slice_eq(port_of(a, ha), port_of(b, hb));
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Digits, or 0x and hex digits; a label, so not empty. */
static bool
is_number(struct slice l)
{
	bool hex = l.len >= 2 && l.s[0] == '0' && (l.s[1] | 0x20) == 'x';

	for (size_t i = hex ? 2 : 0; i < l.len; i++)
		if (hex ? !is_hex(l.s[i]) : !is_digit(l.s[i]))
			return false;
	return true;
}

/* As inet_pton reads it, which takes one spelling of an address only. */
static bool
is_address(int family, struct slice h)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16];

	if (h.len >= sizeof text)
		return false;
	memcpy(text, h.s, h.len);
	text[h.len] = '\0';
	return inet_pton(family, text, address) == 1;
}

/*
 * A host that ends in a number is an IPv4 address (WHATWG URL standard), and
 * libcurl takes 1.2.3, 0x7f.1 and 2130706433 for one: only the dotted quad
 * that they stand for is let in.
 */
static const char *
name_fault(struct slice h)
{
	struct slice label, rest = h;

	if (h.len > 0 && h.s[h.len - 1] == '.')
		rest.len--;		/* fully qualified */
	if (rest.len == 0 || rest.len > 253)
		return "must name a host of 1 to 253 characters";
	for (;;) {
		const char *dot = memchr(rest.s, '.', rest.len);
		size_t len = dot == NULL ? rest.len : (size_t)(dot - rest.s);

		label = (struct slice){ rest.s, len };
		if (!address_is_label(label))
			return "has no valid host: names between dots are 1 "
			    "to 63 letters, digits and -, with no - at either "
			    "end";
		if (dot == NULL)
			break;
		rest.s += len + 1;
		rest.len -= len + 1;
	}
	if (is_number(label) && !is_address(AF_INET, h))
		return "has no valid host: one that ends in a number must be "
		    "an IPv4 address like 192.0.2.1";
	return NULL;
}

static const char *
host_fault(struct slice h)
{
	for (size_t i = 0; i < h.len; i++)
		if ((unsigned char)h.s[i] >= 0x80)
			return "has a host with letters beyond ASCII; write "
			    "its punycode form, which begins with xn--";
	if (h.len > 0 && h.s[0] == '[')
		return h.len > 2 && h.s[h.len - 1] == ']' &&
		    is_address(AF_INET6, (struct slice){ h.s + 1, h.len - 2 }) ?
		    NULL : "has no valid host: between [ and ] must stand an "
		    "IPv6 address";
	return name_fault(h);
}

static bool
is_port(struct slice p)
{
	uint32_t v = 0;

	if (p.len < 2 || p.len > 6 || p.s[0] != ':')
		return p.len == 0;
	for (size_t i = 1; i < p.len; i++) {
		if (!is_digit(p.s[i]))
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
		return "must name its host and port; a template can stand "
		    "only in path and query";
	if (a.len > 0 && memchr(a.s, '@', a.len) != NULL)
		return "must not hold a user or password; send them in an "
		    "authorization header";
	if (a.len > 0 && a.s[0] != '[' &&
	    memchr(a.s, ':', a.len) != memrchr(a.s, ':', a.len))
		return "has no valid host: an IPv6 address stands between [ "
		    "and ]";
	if (host == 0)
		return "must name a host after //";
	if (!is_port((struct slice){ a.s + host, a.len - host }))
		return "has no valid port: it is a number from 1 to 65535";
	return host_fault((struct slice){ a.s, host });
}

/* What is wrong with the character at the front; false if nothing is. */
static bool
character_fault(struct slice s, struct buf *why)
{
	unsigned char c = (unsigned char)s.s[0];
	size_t n = text_utf8(s);
	struct slice one = { s.s, n == 0 ? 1 : n };

	if (c == '#')
		buf_puts(why, "has a # in it; what follows one is never sent: "
		    "leave it out, or write %23 if it is part of a value");
	else if (c == '%' && (s.len < 3 || !is_hex(s.s[1]) ||
	    !is_hex(s.s[2])))
		buf_puts(why, "has a % in it without two hex digits; write "
		    "%25 for the character itself");
	else if (s.len >= 3 && memcmp(s.s, TASK_DOTS, 3) == 0)
		buf_puts(why, "holds the mask of a secret that is not there, "
		    "or was given for another address; give the value itself");
	else if (c == '{' || c == '}') {
		buf_puts(why, "has a brace in it; a field is written {{name}}, "
		    "the character itself ");
		text_percent(why, one);
	} else if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`|", c) != NULL) {
		buf_printf(why, "has a %s in it that must be written ",
		    c == ' ' ? "blank" : "character");
		text_percent(why, one);
	} else
		return false;
	return true;
}

/*
 * Check what follows the authority, tags apart, and append it to flat with an
 * x for each tag.  One that never ends is left to the template's compiler.
 */
static enum rc
check_rest(struct slice url, size_t *at, struct buf *flat, struct buf *why)
{
	struct template_tag tag;

	while (*at < url.len) {
		struct slice rest = { url.s + *at, url.len - *at };

		if (rest.len > 2 && memcmp(rest.s, "{{", 2) == 0) {
			if (template_tag(rest, &tag) != RC_OK)
				break;
			buf_putc(flat, 'x');
			*at += tag.len;
		} else if (character_fault(rest, why)) {
			return RC_INVALID;
		} else {
			buf_putc(flat, rest.s[0]);
			(*at)++;
		}
	}
	return RC_OK;
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

enum rc
task_url_check(struct slice url, size_t *fixed, size_t *at, struct buf *why)
{
	size_t from = scheme_len(url);
	struct buf flat = BUF_INIT(TASK_URL_MAX);
	const char *fault = NULL;
	enum rc rc = RC_INVALID;

	*at = 0;
	if (from == 0) {
		buf_puts(why, "must begin with http:// or https://");
		return RC_INVALID;
	}
	*fixed = authority_end(url, from);
	fault = authority_fault((struct slice){ url.s + from, *fixed - from });
	if (fault != NULL) {
		buf_puts(why, fault);
		*at = from;
		return RC_INVALID;
	}
	*at = *fixed;
	rc = check_rest(url, at, &flat, why);
	if (rc == RC_OK && task_url_climbs(buf_as_slice(&flat), 0)) {
		buf_puts(why, "must not have . or .. in its path");
		*at = *fixed;
		rc = RC_INVALID;
	}
	buf_free(&flat);
	return rc;
}
