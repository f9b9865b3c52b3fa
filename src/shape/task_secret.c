/*
 * What of a task is secret: header values, and values of the URL's query that
 * are named like a secret.  Masking them, and putting back what a mask stands
 * for when an edit brings it.
 */
#include "base/text.h"
#include "shape/piece.h"
#include "shape/task_data.h"

#define DOTS		"\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"
#define SHOWN		4	/* characters at the end of a mask */
#define HIDDEN_MIN	4	/* characters that stay hidden before them */
#define PARAM_NAME_MAX	256

void
task_mask(struct slice secret, struct buf *out)
{
	size_t chars = 0, tail = secret.len;

	for (size_t i = secret.len; i > 0; i--)
		if ((secret.s[i - 1] & 0xc0) != 0x80) {
			chars++;
			if (chars <= SHOWN)
				tail = i - 1;
		}
	if (chars < SHOWN + HIDDEN_MIN)
		tail = secret.len;
	buf_puts(out, DOTS);
	buf_put(out, secret.s + tail, secret.len - tail);
}

/* Contains, ASCII case apart. */
static bool
contains(struct slice s, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.len; i++)
		if (text_same_nocase((struct slice){ s.s + i, n },
		    (struct slice){ word, n }))
			return true;
	return false;
}

/* A name that can't be read is taken for a secret's. */
static bool
is_secret_name(struct slice name)
{
	static const char *const like[] = { "key", "token", "secret", "sig",
	    "password", "passwd", "auth" };
	struct buf plain = BUF_INIT(PARAM_NAME_MAX);
	bool secret;

	secret = text_unpercent(&plain, name, true) != RC_OK || plain.over;
	for (size_t i = 0; !secret && i < NELEM(like); i++)
		secret = contains(buf_as_slice(&plain), like[i]);
	buf_free(&plain);
	return secret;
}

/* One "name=value" of a query. */
struct param {
	struct slice	name, value;
	bool		secret;		/* its value is, and there is one */
};

/*
 * Take the next parameter, with the separator after it, off the front of a
 * query.  False at the end.
 */
static bool
next_param(struct slice *query, struct param *p, struct slice *end)
{
	const char *amp, *eq;
	struct slice one = *query;

	if (query->len == 0)
		return false;
	amp = memchr(one.s, '&', one.len);
	if (amp != NULL)
		one.len = (size_t)(amp - one.s);
	*end = (struct slice){ one.s + one.len, amp != NULL };
	query->s += one.len + end->len;
	query->len -= one.len + end->len;
	eq = memchr(one.s, '=', one.len);
	p->name = (struct slice){ one.s,
	    eq == NULL ? one.len : (size_t)(eq - one.s) };
	p->value = (struct slice){ one.s + p->name.len + (eq != NULL),
	    one.len - p->name.len - (eq != NULL) };
	p->secret = p->value.len > 0 && is_secret_name(p->name);
	return true;
}

/* What follows the first ?, and *head what is before, the ? included. */
static struct slice
query_of(struct slice url, struct slice *head)
{
	const char *q = url.len == 0 ? NULL : memchr(url.s, '?', url.len);
	size_t n = q == NULL ? url.len : (size_t)(q - url.s) + 1;

	*head = (struct slice){ url.s, n };
	return (struct slice){ url.s + n, url.len - n };
}

void
task_mask_url(struct slice url, struct buf *out)
{
	struct slice head, end, query = query_of(url, &head);
	struct param p;

	buf_slice(out, head);
	while (next_param(&query, &p, &end)) {
		if (p.secret) {
			buf_put(out, p.name.s,
			    (size_t)(p.value.s - p.name.s));
			task_mask(p.value, out);
		} else
			buf_put(out, p.name.s, (size_t)(end.s - p.name.s));
		buf_slice(out, end);
	}
}

static bool
begins_with_dots(struct slice s)
{
	return s.len >= sizeof DOTS - 1 &&
	    memcmp(s.s, DOTS, sizeof DOTS - 1) == 0;
}

/* The value a masked parameter had in the old URL; s NULL if it had none. */
static struct slice
unmask(struct slice old, const struct param *masked)
{
	struct buf mask = BUF_INIT(TASK_URL_MAX);
	struct slice head, end, query = query_of(old, &head);
	struct slice value = { NULL, 0 };
	struct param p;

	while (value.s == NULL && next_param(&query, &p, &end)) {
		if (!p.secret || !slice_eq(p.name, masked->name))
			continue;
		buf_clear(&mask);
		task_mask(p.value, &mask);
		if (slice_eq(buf_as_slice(&mask), masked->value))
			value = p.value;
	}
	buf_free(&mask);
	return value;
}

static void
merge_url(struct slice old, struct slice url, struct buf *out)
{
	struct slice head, end, query = query_of(url, &head);
	struct param p;

	buf_slice(out, head);
	while (next_param(&query, &p, &end)) {
		struct slice value = { NULL, 0 };

		if (begins_with_dots(p.value))
			value = unmask(old, &p);
		buf_put(out, p.name.s, (size_t)(p.value.s - p.name.s));
		buf_slice(out, value.s != NULL ? value : p.value);
		buf_slice(out, end);
	}
}

/* A member of a task's httpRequest, or 0. */
static uint32_t
http_member(const struct json_doc *d, const char *name)
{
	uint32_t http = json_find(d, 0, "httpRequest");

	return http == 0 ? 0 : json_find(d, http, name);
}

static void
print_headers(const struct json_doc *d, uint32_t obj, struct buf *out)
{
	struct buf name = BUF_INIT(256);

	buf_putc(out, '{');
	for (uint32_t k = obj + 1; k < d->tok[obj].next;
	    k = d->tok[k + 1].next) {
		uint32_t show = json_find(d, k + 1, "show");

		buf_clear(&name);
		json_string(d, k, &name);
		buf_puts(out, k > obj + 1 ? "," : "");
		buf_slice(out, json_text(d, k));
		buf_putc(out, ':');
		if (task_header_public(buf_as_slice(&name)) ||
		    (show != 0 && d->tok[show].type == JSON_TRUE))
			piece_compact(d, k + 1, out);
		else
			buf_puts(out, "{\"secret\":true}");
	}
	buf_putc(out, '}');
	buf_free(&name);
}

static void
print_http(const struct json_doc *d, uint32_t http, struct buf *out)
{
	uint32_t url = http_member(d, "url"), header = http_member(d, "header");
	struct buf plain = BUF_INIT(TASK_URL_MAX), shown = BUF_INIT(65536);

	buf_putc(out, '{');
	for (uint32_t k = http + 1; k < d->tok[http].next;
	    k = d->tok[k + 1].next) {
		buf_puts(out, k > http + 1 ? "," : "");
		buf_slice(out, json_text(d, k));
		buf_putc(out, ':');
		if (k + 1 == url) {
			json_string(d, url, &plain);
			task_mask_url(buf_as_slice(&plain), &shown);
			json_put_string(out, buf_as_slice(&shown));
		} else if (k + 1 == header)
			print_headers(d, header, out);
		else
			piece_compact(d, k + 1, out);
	}
	buf_putc(out, '}');
	buf_free(&plain);
	buf_free(&shown);
}

void
task_print(const struct task *t, bool mask, struct buf *out)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	uint32_t http;

	if (!mask) {
		buf_slice(out, buf_as_slice(&t->text));
		return;
	}
	/* our own text: it scans, or nothing at all is shown */
	if (json_scan(&d, buf_as_slice(&t->text), &json_limits_default, &err)
	    != RC_OK) {
		buf_puts(out, "{}");
		return;
	}
	http = json_find(&d, 0, "httpRequest");
	buf_putc(out, '{');
	for (uint32_t k = 1; k < d.tok[0].next; k = d.tok[k + 1].next) {
		buf_puts(out, k > 1 ? "," : "");
		buf_slice(out, json_text(&d, k));
		buf_putc(out, ':');
		if (k + 1 == http)
			print_http(&d, http, out);
		else
			piece_compact(&d, k + 1, out);
	}
	buf_putc(out, '}');
	json_doc_free(&d);
}

/* {"secret":true} and nothing else. */
static bool
is_mask(const struct json_doc *d, uint32_t i)
{
	uint32_t secret = json_find(d, i, "secret");

	return secret != 0 && d->tok[i].n == 1 &&
	    d->tok[secret].type == JSON_TRUE;
}

/* Append the JSON text of the value the old task has for a header. */
static bool
old_header(const struct json_doc *old, struct slice name, struct buf *out)
{
	uint32_t obj = http_member(old, "header");
	struct buf have = BUF_INIT(256);
	bool found = false;

	if (obj == 0)
		return false;
	for (uint32_t k = obj + 1; !found && k < old->tok[obj].next;
	    k = old->tok[k + 1].next) {
		buf_clear(&have);
		json_string(old, k, &have);
		found = text_same_nocase(buf_as_slice(&have), name);
		if (found)
			buf_slice(out, json_text(old, k + 1));
	}
	buf_free(&have);
	return found;
}

/* Copies a text in which some values are replaced, from front to back. */
struct copy {
	const struct json_doc *d, *old;
	struct buf	*out;
	size_t		 done;		/* bytes of the text so far */
};

/* Up to value i, which is left out. */
static void
copy_to(struct copy *c, uint32_t i)
{
	struct slice value = json_text(c->d, i);
	size_t at = (size_t)(value.s - c->d->text.s);

	buf_put(c->out, c->d->text.s + c->done, at - c->done);
	c->done = at + value.len;
}

static void
merge_member_url(struct copy *c, uint32_t url)
{
	struct buf new = BUF_INIT(TASK_URL_MAX), was = BUF_INIT(TASK_URL_MAX);
	struct buf merged = BUF_INIT(3 * TASK_URL_MAX);
	uint32_t i = http_member(c->old, "url");

	json_string(c->d, url, &new);
	if (i != 0)
		json_string(c->old, i, &was);
	if (!new.over && i != 0) {
		merge_url(buf_as_slice(&was), buf_as_slice(&new), &merged);
		copy_to(c, url);
		json_put_string(c->out, buf_as_slice(&merged));
	}
	buf_free(&new);
	buf_free(&was);
	buf_free(&merged);
}

static void
merge_member_headers(struct copy *c, uint32_t obj)
{
	struct buf name = BUF_INIT(256), value = BUF_INIT(TASK_JSON_MAX);

	for (uint32_t k = obj + 1; k < c->d->tok[obj].next;
	    k = c->d->tok[k + 1].next) {
		if (!is_mask(c->d, k + 1))
			continue;
		buf_clear(&name);
		buf_clear(&value);
		json_string(c->d, k, &name);
		if (!old_header(c->old, buf_as_slice(&name), &value))
			continue;
		copy_to(c, k + 1);
		buf_slice(c->out, buf_as_slice(&value));
	}
	buf_free(&name);
	buf_free(&value);
}

void
task_merge_secrets(const struct task *old, struct slice json, struct buf *out)
{
	struct json_doc d = JSON_DOC_INIT, was = JSON_DOC_INIT;
	struct copy c = { .d = &d, .old = &was, .out = out };
	struct json_error err;
	uint32_t http, url, header;

	if (json_scan(&d, json, &json_limits_default, &err) != RC_OK ||
	    json_scan(&was, buf_as_slice(&old->text), &json_limits_default,
	    &err) != RC_OK)
		goto done;
	http = json_find(&d, 0, "httpRequest");
	url = http_member(&d, "url");
	header = http_member(&d, "header");
	for (uint32_t k = http + 1; http != 0 &&
	    d.tok[http].type == JSON_OBJECT && k < d.tok[http].next;
	    k = d.tok[k + 1].next) {
		if (k + 1 == url && d.tok[url].type == JSON_STRING)
			merge_member_url(&c, url);
		else if (k + 1 == header && d.tok[header].type == JSON_OBJECT)
			merge_member_headers(&c, header);
	}
done:
	buf_put(out, json.s + c.done, json.len - c.done);
	json_doc_free(&d);
	json_doc_free(&was);
}
