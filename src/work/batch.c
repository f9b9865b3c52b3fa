#include <stdio.h>
#include "work/batch.h"

#define DEPTH_MAX 128	/* so deep an item is looked into */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
advance(struct slice *s, size_t n)
{
	s->s += n;
	s->len -= n;
}

static void
skip_space(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && is_space(s->s[n]))
		n++;
	if (n > 0)
		advance(s, n);
}

static bool
begins(struct slice s, char c)
{
	return s.len > 0 && s.s[0] == c;
}

bool
batch_is_array(struct slice body)
{
	skip_space(&body);
	return begins(body, '[');
}

/* The length of the string at the front, quotes included. */
static size_t
string_len(struct slice s)
{
	size_t n = 1;

	while (n < s.len && s.s[n] != '"')
		n += s.s[n] == '\\' ? 2 : 1;
	return n < s.len ? n + 1 : s.len;
}

/*
 * The length of the value at the front, as far as quotes, brackets and commas
 * say.  It is one value if the scanner says so too.
 */
static size_t
value_len(struct slice s)
{
	size_t n = 0, depth = 0;

	while (n < s.len) {
		char c = s.s[n];

		if (c == '"') {
			n += string_len((struct slice){ s.s + n, s.len - n });
			if (depth == 0)
				return n;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (depth == 0 && (is_space(c) || c == ',' ||
		    c == ']' || c == '}'))
			return n;
		else if (c == '}' || c == ']') {
			if (--depth == 0)
				return n + 1;
		}
		n++;
	}
	return n;
}

/* A fault at off of the body, in item number i if it is not the array's. */
static enum rc
fault(struct slice body, size_t off, const char *detail,
    struct json_error *err)
{
	err->off = off;
	err->line = err->col = 1;
	for (size_t i = 0; i < off; i++) {
		bool end = body.s[i] == '\n';

		err->line += end;
		err->col = end ? 1 : err->col + 1;
	}
	if (detail != NULL) {
		err->fault = JSON_GRAMMAR;
		err->pointer[0] = '\0';
		snprintf(err->detail, sizeof err->detail, "%s", detail);
	}
	return RC_INVALID;
}

/* Put the item's number before the pointer inside it. */
static void
point_into(size_t item, struct json_error *err)
{
	char within[sizeof err->pointer];

	memcpy(within, err->pointer, sizeof within);
	if (snprintf(err->pointer, sizeof err->pointer, "/%zu%s", item,
	    within) >= (int)sizeof err->pointer)
		snprintf(err->pointer, sizeof err->pointer, "/%zu", item);
}

static enum rc
check_item(struct json_doc *d, struct slice body, struct slice item,
    size_t number, struct json_error *err)
{
	struct json_limits lim = json_limits_default;
	size_t at = (size_t)(item.s - body.s);

	if (item.len == 0)
		return fault(body, at, "a value was expected", err);
	lim.depth = DEPTH_MAX;
	if (json_scan(d, item, &lim, err) != RC_INVALID)
		return RC_OK;
	point_into(number, err);
	return fault(body, at + err->off, NULL, err);
}

enum rc
batch_check(struct slice body, size_t max, size_t *n, struct json_error *err)
{
	struct slice rest = body, item;
	struct json_doc d = JSON_DOC_INIT;
	size_t count = 0;
	enum rc rc = RC_OK;

	skip_space(&rest);
	if (!begins(rest, '['))
		return fault(body, body.len - rest.len, "a [ was expected",
		    err);
	advance(&rest, 1);
	skip_space(&rest);
	while (!begins(rest, ']') || count > 0) {
		skip_space(&rest);
		item = (struct slice){ rest.s, value_len(rest) };
		rc = check_item(&d, body, item, count, err);
		if (rc != RC_OK)
			goto done;
		if (++count > max) {
			rc = RC_TOOBIG;
			goto done;
		}
		advance(&rest, item.len);
		skip_space(&rest);
		if (!begins(rest, ','))
			break;
		advance(&rest, 1);
	}
	if (!begins(rest, ']')) {
		rc = fault(body, body.len - rest.len, "a comma or ] was "
		    "expected", err);
		goto done;
	}
	advance(&rest, 1);
	skip_space(&rest);
	if (rest.len > 0)
		rc = fault(body, body.len - rest.len, "nothing may follow "
		    "the array", err);
done:
	json_doc_free(&d);
	if (rc == RC_OK)
		*n = count;
	return rc;
}

bool
batch_next_item(struct slice *rest, struct slice *item)
{
	skip_space(rest);		/* before the array, or an item */
	if (begins(*rest, '[') || begins(*rest, ','))
		advance(rest, 1);
	skip_space(rest);
	if (rest->len == 0 || begins(*rest, ']'))
		return false;
	*item = (struct slice){ rest->s, value_len(*rest) };
	advance(rest, item->len);
	return true;
}

bool
batch_next_line(struct slice *rest, struct slice *line)
{
	while (rest->len > 0) {
		const char *nl = memchr(rest->s, '\n', rest->len);
		struct slice seen;

		line->s = rest->s;
		line->len = nl == NULL ? rest->len : (size_t)(nl - rest->s);
		advance(rest, line->len + (nl != NULL));
		seen = *line;
		skip_space(&seen);
		if (seen.len > 0)
			return true;
	}
	return false;
}
