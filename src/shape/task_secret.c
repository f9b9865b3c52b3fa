/*
 * What of a task is secret: header values, and values of the URL's query that
 * are named like a secret.  Masking them.
 */
#include "base/text.h"
#include "shape/piece.h"
#include "shape/task_data.h"
#include "shape/template_op.h"

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
	buf_puts(out, TASK_DOTS);
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

/*
 * A name that can't be read is taken for a secret's.  Masking what is none
 * costs little; yet what is a part of many other words (countryCode, passenger)
 * counts only where it stands alone, or at the end.
 */
static bool
is_secret_name(struct slice name)
{
	static const char *const like[] = { "key", "token", "secret", "sig",
	    "password", "passwd", "passphrase", "passcode", "pwd", "auth",
	    "bearer", "cred", "hmac", "jwt" };
	static const char *const whole[] = { "code", "pin", "pw" };
	struct buf plain = BUF_INIT(PARAM_NAME_MAX);
	struct slice s;
	bool secret;

	secret = text_unpercent(&plain, name, true) != RC_OK || plain.over;
	s = buf_as_slice(&plain);
	for (size_t i = 0; !secret && i < NELEM(like); i++)
		secret = contains(s, like[i]);
	secret = secret || (s.len >= 4 && text_same_nocase(
	    (struct slice){ s.s + s.len - 4, 4 }, SLICE("pass")));
	for (size_t i = 0; !secret && i < NELEM(whole); i++)
		secret = text_same_nocase(s, slice_of(whole[i]));
	buf_free(&plain);
	return secret;
}

/* The first such character that is not inside a tag; s.len if there is none. */
static size_t
find(struct slice s, char c)
{
	struct template_tag tag;
	size_t i = 0;

	while (i < s.len && s.s[i] != c) {
		struct slice rest = { s.s + i, s.len - i };

		i += rest.len > 2 && memcmp(rest.s, "{{", 2) == 0 &&
		    template_tag(rest, &tag) == RC_OK ? tag.len : 1;
	}
	return i;
}

bool
task_param_next(struct slice *query, struct task_param *p, struct slice *end)
{
	struct slice one = *query;
	size_t eq;

	if (query->len == 0)
		return false;
	one.len = find(one, '&');
	*end = (struct slice){ one.s + one.len, one.len < query->len };
	query->s += one.len + end->len;
	query->len -= one.len + end->len;
	eq = find(one, '=');
	p->name = (struct slice){ one.s, eq };
	eq += eq < one.len;
	p->value = (struct slice){ one.s + eq, one.len - eq };
	p->secret = p->value.len > 0 && is_secret_name(p->name);
	return true;
}

struct slice
task_url_query(struct slice url, struct slice *head)
{
	size_t n = find(url, '?');

	n += n < url.len;
	*head = (struct slice){ url.s, n };
	return (struct slice){ url.s + n, url.len - n };
}

static bool
ends_with(struct slice s, const char *end)
{
	struct slice e = slice_of(end);

	return s.len >= e.len && text_same_nocase(
	    (struct slice){ s.s + s.len - e.len, e.len }, e);
}

/* Whoever knows a URL there may write to somebody's channel. */
static bool
is_secret_host(struct slice host)
{
	static const char *const hosts[] = { "hooks.slack.com",
	    "hooks.slack-gov.com", "discord.com", "discordapp.com" };

	for (size_t i = 0; i < NELEM(hosts); i++)
		if (text_same_nocase(host, slice_of(hosts[i])))
			return true;
	return ends_with(host, ".discord.com") ||
	    ends_with(host, ".webhook.office.com");
}

size_t
task_url_open(enum task_channel channel, struct slice url)
{
	struct slice host = task_url_host(url);
	size_t n;

	if (channel == TASK_MAIL ||
	    (channel == TASK_WEBHOOK && !is_secret_host(host)))
		return url.len;
	if (host.s == NULL)
		return 0;		/* what it is, nobody knows */
	n = (size_t)(host.s - url.s);
	while (n < url.len && url.s[n] != '/' && url.s[n] != '?')
		n++;
	return n + (n < url.len);
}

/* Of a tag nothing is shown: its end says nothing, and may hold an &. */
static void
mask(struct slice secret, struct buf *out)
{
	size_t n = secret.len < SHOWN ? secret.len : SHOWN;

	if (memchr(secret.s + secret.len - n, '}', n) != NULL)
		secret.len = 0;
	task_mask(secret, out);
}

void
task_param_mask(const struct task_param *p, struct buf *out)
{
	mask(p->value, out);
}

void
task_rest_mask(struct slice rest, struct buf *out)
{
	if (rest.len > 0)
		mask(rest, out);
}

static void
mask_query(struct slice url, struct buf *out)
{
	struct slice head, end, query = task_url_query(url, &head);
	struct task_param p;

	buf_slice(out, head);
	while (task_param_next(&query, &p, &end)) {
		if (p.secret) {
			buf_put(out, p.name.s,
			    (size_t)(p.value.s - p.name.s));
			task_param_mask(&p, out);
		} else
			buf_put(out, p.name.s, (size_t)(end.s - p.name.s));
		buf_slice(out, end);
	}
}

void
task_mask_url(enum task_channel channel, struct slice url, struct buf *out)
{
	size_t n = task_url_open(channel, url);

	if (n == url.len) {
		mask_query(url, out);
		return;
	}
	buf_put(out, url.s, n);
	task_rest_mask((struct slice){ url.s + n, url.len - n }, out);
}

/*
 * All but its first word, and its last part, which is the secret proper.  Of
 * Slack's that word is "services", and no_service is one of its answers.
 */
static void
rest_secrets(struct slice rest, task_secret *each, void *arg)
{
	const char *slash = memchr(rest.s, '/', rest.len);

	if (slash != NULL)
		slice_take(&rest, (size_t)(slash + 1 - rest.s));
	each(arg, rest);
	slash = rest.len == 0 ? NULL : memrchr(rest.s, '/', rest.len);
	if (slash != NULL)
		each(arg, (struct slice){ slash + 1,
		    rest.len - (size_t)(slash + 1 - rest.s) });
}

void
task_request_secrets(const struct task_request *r, task_secret *each,
    void *arg)
{
	struct slice head, end, url = buf_as_slice(&r->url);
	struct slice query = task_url_query(url, &head);
	size_t n = task_url_open(r->channel, url);
	struct task_param p;

	if (n < url.len)
		rest_secrets((struct slice){ url.s + n, url.len - n }, each,
		    arg);
	while (task_param_next(&query, &p, &end))
		if (p.secret)
			each(arg, p.value);
}

uint32_t
task_channel_member(const struct json_doc *d, enum task_channel channel,
    const char *name)
{
	uint32_t obj = json_find(d, 0, task_channel_name[channel]);

	return obj == 0 ? 0 : json_find(d, obj, name);
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
print_url(const struct json_doc *d, uint32_t url, enum task_channel channel,
    struct buf *out)
{
	struct buf plain = BUF_INIT(TASK_URL_MAX);
	struct buf shown = BUF_INIT(TASK_SHOWN_MAX);

	json_string(d, url, &plain);
	task_mask_url(channel, buf_as_slice(&plain), &shown);
	if (slice_eq(buf_as_slice(&shown), buf_as_slice(&plain)))
		piece_compact(d, url, out);
	else
		json_put_string(out, buf_as_slice(&shown));
	buf_free(&plain);
	buf_free(&shown);
}

/* The object of a channel; what has secrets in it are a url and a header. */
static void
print_channel(const struct json_doc *d, uint32_t obj,
    enum task_channel channel, struct buf *out)
{
	uint32_t url = json_find(d, obj, "url");
	uint32_t header = json_find(d, obj, "header");

	buf_putc(out, '{');
	for (uint32_t k = obj + 1; k < d->tok[obj].next;
	    k = d->tok[k + 1].next) {
		buf_puts(out, k > obj + 1 ? "," : "");
		buf_slice(out, json_text(d, k));
		buf_putc(out, ':');
		if (k + 1 == url)
			print_url(d, url, channel, out);
		else if (k + 1 == header &&
		    d->tok[header].type == JSON_OBJECT)
			print_headers(d, header, out);
		else
			piece_compact(d, k + 1, out);
	}
	buf_putc(out, '}');
}

static void
put_addresses(const struct task *t, struct buf *out)
{
	for (size_t i = 0; i < t->nto; i++) {
		buf_puts(out, i > 0 ? ", " : "");
		buf_slice(out, t->to[i].written);
	}
}

void
task_target(const struct task *t, struct buf *out)
{
	struct json_doc d = JSON_DOC_INIT;
	struct buf plain = BUF_INIT(TASK_URL_MAX);
	struct json_error err;
	uint32_t url;

	if (t->channel == TASK_MAIL) {
		put_addresses(t, out);
		return;
	}
	/* our own text: it scans, or nothing at all is shown */
	if (json_scan(&d, buf_as_slice(&t->text), &json_limits_default, &err)
	    == RC_OK) {
		url = task_channel_member(&d, t->channel, "url");
		if (url != 0)
			json_string(&d, url, &plain);
		task_mask_url(t->channel, buf_as_slice(&plain), out);
	}
	json_doc_free(&d);
	buf_free(&plain);
}

void
task_print(const struct task *t, bool mask, struct buf *out)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	uint32_t channel;

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
	channel = json_find(&d, 0, task_channel_name[t->channel]);
	buf_putc(out, '{');
	for (uint32_t k = 1; k < d.tok[0].next; k = d.tok[k + 1].next) {
		buf_puts(out, k > 1 ? "," : "");
		buf_slice(out, json_text(&d, k));
		buf_putc(out, ':');
		if (k + 1 == channel)
			print_channel(&d, channel, t->channel, out);
		else
			piece_compact(&d, k + 1, out);
	}
	buf_putc(out, '}');
	json_doc_free(&d);
}
