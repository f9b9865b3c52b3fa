/*
 * "httpRequest": method, URL, headers, body.
 */
#include <stdlib.h>
#include "base/log.h"
#include "base/text.h"
#include "shape/piece.h"
#include "shape/task_data.h"

/* Bodies are this when the task gives none: Standard Webhooks' shape. */
static const char standard_body[] = "{\"type\":\"{{event.type}}\","
    "\"timestamp\":\"{{event.time}}\",\"data\":\"{{{order}}}\"}";

#define HEADER_NAME_MAX	128

/*
 * Names that are the transport's, a proxy's or a cloud's own, or that Skycap
 * sets itself.
 */
static const char *const reserved[] = { "accept-encoding", "age",
    "cache-control", "clear-site-data", "connection", "content-encoding", "content-language",
    "content-length", "content-location", "expect", "expires", "host",
    "keep-alive", "pragma", "proxy-authenticate", "proxy-authorization",
    "proxy-connection", "te", "trailer", "trailers", "transfer-encoding",
    "upgrade", "user-agent", "warning" };

static const char *const reserved_prefix[] = { "skycap-", "svix-", "webhook-",
    "x-amz-", "x-amzn-", "x-azure-", "x-fd-", "x-gfe", "x-goog-", "x-google",
    "x-svix-" };

/* RFC 9110, token. */
static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c <= ' ' || c >= 0x7f ||
		    strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
			return false;
	}
	return s.len > 0;
}

static bool
begins_nocase(struct slice s, const char *with)
{
	struct slice w = slice_of(with);

	return s.len >= w.len &&
	    text_same_nocase((struct slice){ s.s, w.len }, w);
}

static const char *
name_fault(const struct task *t, struct slice name)
{
	if (!is_token(name) || name.len > HEADER_NAME_MAX)
		return "is no header name: 1 to 128 letters, digits and "
		    "!#$%&'*+-.^_`|~ (RFC 9110)";
	for (size_t i = 0; i < NELEM(reserved); i++)
		if (text_same_nocase(name, slice_of(reserved[i])))
			return "is a reserved header: the transport or "
			    "Skycap sets it";
	for (size_t i = 0; i < NELEM(reserved_prefix); i++)
		if (begins_nocase(name, reserved_prefix[i]))
			return "begins like a reserved header; take another "
			    "name";
	for (size_t i = 0; i < t->nheader; i++)
		if (text_same_nocase(name, t->header[i].name))
			return "is there twice: case does not tell header "
			    "names apart";
	return NULL;
}

bool
task_header_public(struct slice name)
{
	return text_same_nocase(name, SLICE("content-type")) ||
	    text_same_nocase(name, SLICE("accept"));
}

/* application/json or anything/...+json, parameters allowed. */
static bool
is_json_type(struct slice v)
{
	const char *semi = memchr(v.s, ';', v.len);
	const char *slash;
	struct slice type, sub;

	if (semi != NULL)
		v.len = (size_t)(semi - v.s);
	while (v.len > 0 && v.s[v.len - 1] == ' ')
		v.len--;
	slash = memchr(v.s, '/', v.len);
	if (slash == NULL)
		return false;
	type = (struct slice){ v.s, (size_t)(slash - v.s) };
	sub = (struct slice){ slash + 1, v.len - type.len - 1 };
	if (!is_token(type) || !is_token(sub))
		return false;
	if (text_same_nocase(type, SLICE("application")) &&
	    text_same_nocase(sub, SLICE("json")))
		return true;
	return sub.len > 5 && text_same_nocase(
	    (struct slice){ sub.s + sub.len - 5, 5 }, SLICE("+json"));
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * What RFC 9110 forbids in a value, and what HTTP would change on the way.
 * Letters beyond ASCII are let in, as UTF-8: an order's names have them too.
 */
static const char *
value_fault(struct slice name, struct slice value, size_t *at)
{
	*at = 0;
	if (value.len > TASK_VALUE_MAX)
		return "is longer than 8192 bytes";
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.s[i] < 0x20 || value.s[i] == 0x7f) {
			*at = i;
			return "has a control character in it (a line break, "
			    "a tab or the like), which a header can't have";
		}
	if (value.len > 0 && is_blank(value.s[0]))
		return "begins with a blank, which HTTP drops";
	if (value.len > 0 && is_blank(value.s[value.len - 1])) {
		*at = value.len - 1;
		return "ends with a blank, which HTTP drops";
	}
	if (value.len > 0 && memmem(value.s, value.len, TASK_DOTS,
	    sizeof TASK_DOTS - 1) != NULL)
		return "holds the mask of a secret; give the value itself, or "
		    "{\"secret\":true} to keep what is there";
	if (text_same_nocase(name, SLICE("content-type")) &&
	    (value.len == 0 || !is_json_type(value) ||
	    template_literal_len(value) != value.len))
		return "must be application/json, or end in +json";
	return NULL;
}

/*
 * "text" or {"value": "text", "show": true}; the token of the text, or 0.  The
 * mask of a secret has no value here: an edit has put back what was there.
 */
static uint32_t
header_text(struct task_check *k, uint32_t tok, bool *show)
{
	static const char *const known[] = { "value", "show", "secret" };
	const struct json_tok *t = k->doc.tok;
	uint32_t text = 0, secret = 0;

	*show = false;
	if (t[tok].type == JSON_STRING)
		return tok;
	if (t[tok].type != JSON_OBJECT) {
		task_fault(k, tok, "must be a string, or an object like "
		    "{\"value\":..., \"show\":true}");
		return 0;
	}
	for (uint32_t i = tok + 1; i < t[tok].next; i = t[i + 1].next)
		switch (task_known_key(k, i, known, NELEM(known), 2)) {
		case 0:
			if (task_is(k, i + 1, JSON_STRING))
				text = i + 1;
			break;
		case 1:
			*show = t[i + 1].type == JSON_TRUE;
			if (!*show && t[i + 1].type != JSON_FALSE)
				task_fault(k, i + 1, "must be true or false");
			break;
		case 2:
			secret = i;
			break;
		default:
			break;
		}
	if (secret != 0) {
		task_fault(k, tok, "is the mask of a secret that is not "
		    "there, or was given for another address; give the value "
		    "itself");
		return 0;
	}
	if (text == 0)
		task_fault(k, tok, "lacks value");
	return text;
}

static void
check_header(struct task_check *k, uint32_t key)
{
	struct task *t = k->t;
	struct task_header_template *h = &t->header[t->nheader];
	struct buf name = BUF_INIT(256), value = BUF_INIT(2 * TASK_VALUE_MAX);
	struct template_error err;
	const char *fault;
	uint32_t text;
	size_t at = 0;
	bool show;

	json_string(&k->doc, key, &name);
	fault = name_fault(t, buf_as_slice(&name));
	if (fault != NULL)
		task_fault(k, key, "%s", fault);
	text = header_text(k, key + 1, &show);
	if (text == 0 || fault != NULL)
		goto done;
	json_string(&k->doc, text, &value);
	k->head += name.len + value.len;
	fault = value.over ? "is longer than 8192 bytes" :
	    value_fault(buf_as_slice(&name), buf_as_slice(&value), &at);
	if (fault != NULL) {
		task_fault_at(k, text, at, "%s", fault);
		goto done;
	}
	if (template_compile(&h->value, k->c, TEMPLATE_HEADER,
	    buf_as_slice(&value), &err) != RC_OK) {
		err.tok = text;
		task_template_fault(k, &err);
		goto done;
	}
	/* names has room for all of them at once, so it never moves */
	h->name = (struct slice){ t->names.s + t->names.len, name.len };
	buf_slice(&t->names, buf_as_slice(&name));
	h->secret = !show && !task_header_public(h->name);
	t->has_type |= text_same_nocase(h->name, SLICE("content-type"));
	t->nheader++;
done:
	buf_free(&name);
	buf_free(&value);
}

static void
check_headers(struct task_check *k, uint32_t obj)
{
	const struct json_tok *t = k->doc.tok;
	size_t len = 0;

	if (!task_is(k, obj, JSON_OBJECT))
		return;
	if (t[obj].n > TASK_HEADERS_MAX - 1) {
		task_fault(k, obj, "must have at most %d headers",
		    TASK_HEADERS_MAX - 1);
		return;
	}
	for (uint32_t i = obj + 1; i < t[obj].next; i = t[i + 1].next)
		len += t[i].len;
	if (buf_room(&k->t->names, len) == NULL) {
		task_fault(k, obj, "has names that are too long");
		return;
	}
	k->t->header = calloc(t[obj].n + 1, sizeof *k->t->header);
	if (k->t->header == NULL)
		log_fatal("out of memory");
	for (uint32_t i = obj + 1; i < t[obj].next; i = t[i + 1].next)
		check_header(k, i);
	if (k->head > TASK_HEAD_MAX)
		task_fault(k, obj, "is longer than %d bytes in all",
		    TASK_HEAD_MAX);
}

static void
check_method(struct task_check *k, uint32_t tok)
{
	static const char *const known[] = { "POST", "PUT", "PATCH" };
	struct buf given = BUF_INIT(16);
	const char *same = NULL;

	if (k->doc.tok[tok].type == JSON_STRING)
		json_string(&k->doc, tok, &given);
	for (size_t i = 0; i < NELEM(known); i++)
		if (text_same_nocase(buf_as_slice(&given), slice_of(known[i])))
			same = known[i];
	if (same == NULL)
		task_fault(k, tok, "must be \"POST\", \"PUT\" or \"PATCH\"");
	else if (!slice_is(buf_as_slice(&given), same))
		task_fault(k, tok, "must be written \"%s\": methods are in "
		    "capitals", same);
	else
		k->t->method = same;
	buf_free(&given);
}

void
task_check_url(struct task_check *k, uint32_t tok)
{
	struct buf url = BUF_INIT(TASK_URL_MAX), why = BUF_INIT(512);
	struct template_error err;
	size_t at = 0;

	if (!task_is(k, tok, JSON_STRING))
		return;
	json_string(&k->doc, tok, &url);
	if (url.over)
		task_fault(k, tok, "is longer than %d bytes", TASK_URL_MAX);
	else if (task_url_check(buf_as_slice(&url), &k->t->url_fixed, &at,
	    &why) != RC_OK)
		task_fault_at(k, tok, at, "%s", buf_str(&why));
	else if (template_compile(&k->t->url, k->c, TEMPLATE_URL,
	    buf_as_slice(&url), &err) != RC_OK) {
		err.tok = tok;
		task_template_fault(k, &err);
	}
	buf_free(&url);
	buf_free(&why);
}

static void
body_fault(void *arg, const struct template_error *err)
{
	task_template_fault(arg, err);
}

static void
check_body(struct task_check *k, uint32_t tok)
{
	struct buf kept = BUF_INIT(TASK_TEMPLATE_MAX);

	piece_compact(&k->doc, tok, &kept);
	if (kept.over)
		task_fault(k, tok, "is longer than %d bytes, white space "
		    "between its values not counted", TASK_TEMPLATE_MAX);
	else if (template_compile_json(&k->t->body, k->c, &k->doc, tok,
	    body_fault, k) != RC_OK)
		k->t->body = NULL;	/* body_fault has reported it */
	buf_free(&kept);
}

static void
no_fault(void *arg, const struct template_error *err)
{
	(void)arg;
	(void)err;
}

/* RC_INVALID can't be: a test compiles it. */
static enum rc
compile_standard_body(struct task_check *k)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	enum rc rc;

	k->t->standard = true;
	rc = json_scan(&d, slice_of(standard_body), &json_limits_default,
	    &err);
	if (rc == RC_OK)
		rc = template_compile_json(&k->t->body, k->c, &d, 0, no_fault,
		    NULL);
	json_doc_free(&d);
	return rc;
}

void
task_check_http(struct task_check *k, uint32_t obj)
{
	static const char *const known[] = { "method", "url", "header",
	    "jsonBody" };
	uint32_t at[NELEM(known)];

	task_members(k, obj, known, NELEM(known), at);
	k->t->method = "POST";
	if (at[0] != 0)
		check_method(k, at[0]);
	if (at[1] == 0)
		task_fault(k, obj, "lacks url");
	else
		task_check_url(k, at[1]);
	if (at[2] != 0)
		check_headers(k, at[2]);
	if (at[3] != 0)
		check_body(k, at[3]);
	else if (compile_standard_body(k) != RC_OK)
		task_fault(k, obj, "the standard body can't be made");
}
