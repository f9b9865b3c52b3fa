#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "work/config_change.h"
#include "work/portable_read.h"

#define WRAPPED	4	/* containers around what is in a task */

/* A line of its own for a fault, if there is to be one more; else NULL. */
static struct buf *
next_line(struct portable_file *f)
{
	if (f->nfault++ >= PORTABLE_FAULTS_MAX)
		return NULL;
	if (f->why->len > 0)
		buf_putc(f->why, '\n');
	return f->why;
}

void
portable_fault(struct portable_file *f, uint32_t tok, const char *fmt, ...)
{
	struct buf *why = next_line(f);
	va_list ap;

	if (why == NULL)
		return;
	if (tok != 0) {
		json_pointer(&f->doc, tok, why);
		buf_puts(why, ": ");
	}
	va_start(ap, fmt);
	buf_vprintf(why, fmt, ap);
	va_end(ap);
}

static bool
is(struct portable_file *f, uint32_t tok, enum json_type type)
{
	static const char *const what[] = { "null", "false", "true",
	    "a number", "a string", "a list", "an object" };

	if (f->doc.tok[tok].type == type)
		return true;
	portable_fault(f, tok, "must be %s", what[type]);
	return false;
}

/* A string, appended to out; false, and told, if it is none or too long. */
static bool
string(struct portable_file *f, uint32_t tok, struct buf *out)
{
	if (!is(f, tok, JSON_STRING))
		return false;
	json_string(&f->doc, tok, out);
	if (out->over)
		portable_fault(f, tok, "is too long");
	return !out->over;
}

/* Find an object's members, at[] by known[]; 0 for one that is not there. */
static bool
members(struct portable_file *f, uint32_t obj, const char *const *known,
    size_t n, uint32_t *at)
{
	const struct json_tok *t = f->doc.tok;
	struct buf name = BUF_INIT(256);
	const char *near;

	for (size_t i = 0; i < n; i++)
		at[i] = 0;
	if (!is(f, obj, JSON_OBJECT))
		return false;
	for (uint32_t k = obj + 1; k < t[obj].next; k = t[k + 1].next) {
		size_t i = 0;

		while (i < n && !json_string_is(&f->doc, k,
		    slice_of(known[i])))
			i++;
		if (i < n) {
			at[i] = k + 1;
			continue;
		}
		buf_clear(&name);
		json_string(&f->doc, k, &name);
		near = text_nearest(buf_as_slice(&name), known, n);
		portable_fault(f, k, "is not known here%s%s%s",
		    near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
	}
	buf_free(&name);
	return true;
}

static bool
is_task(const struct json_doc *d)
{
	return json_find(d, 0, "httpRequest") != 0 ||
	    json_find(d, 0, "slack") != 0 || json_find(d, 0, "mail") != 0;
}

/* True if the text is of a format that is read here. */
static bool
check_format(struct portable_file *f, uint32_t format, uint32_t version)
{
	struct buf text = BUF_INIT(64);
	int64_t v = 0;
	bool known = false;

	if (format == 0)
		portable_fault(f, 0, "it is no client's export: it lacks "
		    "\"format\"%s", is_task(&f->doc) ?
		    "; a task is for skycap subscription add" : "");
	else if (json_i64(&f->doc, format, false, &v) != RC_OK || v < 1)
		portable_fault(f, format, "must be %d", PORTABLE_FORMAT);
	else if (v > PORTABLE_FORMAT)
		portable_fault(f, format, "is newer than this Skycap ("
		    PACKAGE_VERSION "), which reads format %d",
		    PORTABLE_FORMAT);
	else
		known = true;
	if (known && version != 0)	/* where it came from, for people */
		(void)string(f, version, &text);
	buf_free(&text);
	return known;
}

bool
portable_read_file(struct portable_file *f, struct slice json)
{
	static const char *const known[] = { "format", "skycap", "client",
	    "subscriptions" };
	struct json_limits lim = json_limits_default;
	uint32_t at[NELEM(known)];
	struct json_error err;
	struct buf *why;

	lim.depth += WRAPPED;
	lim.tokens = PORTABLE_MAX / 2 + 1;	/* all that it can hold */
	if (json.len > PORTABLE_MAX) {
		portable_fault(f, 0, "it has more than %d bytes",
		    PORTABLE_MAX);
		return false;
	}
	if (json_scan(&f->doc, json, &lim, &err) != RC_OK) {
		why = next_line(f);
		if (why != NULL)
			buf_printf(why, "%s%sline %u, column %u: %s",
			    err.pointer, err.pointer[0] == '\0' ? "" : ": ",
			    err.line, err.col, err.detail);
		return false;
	}
	if (f->doc.tok[0].type != JSON_OBJECT) {
		portable_fault(f, 0, "it must be an object");
		return false;
	}
	if (!check_format(f, json_find(&f->doc, 0, known[0]),
	    json_find(&f->doc, 0, known[1])))
		return false;		/* its names may mean something else */
	(void)members(f, 0, known, NELEM(known), at);
	f->client = at[2];
	f->subscriptions = at[3];
	if (f->client == 0)
		portable_fault(f, 0, "it lacks \"client\"");
	if (f->subscriptions == 0)
		return true;
	if (!is(f, f->subscriptions, JSON_ARRAY))
		f->subscriptions = 0;
	else if (f->doc.tok[f->subscriptions].n > PORTABLE_SUBSCRIPTIONS_MAX) {
		portable_fault(f, f->subscriptions, "has more than %d items",
		    PORTABLE_SUBSCRIPTIONS_MAX);
		f->subscriptions = 0;
	}
	return true;
}

/* Ask client_check about one property, given others that are sound. */
static void
check_client(struct portable_file *f, uint32_t tok, const char *name,
    const char *mail, const char *rule)
{
	struct buf why = BUF_INIT(4096);

	if (client_check(f->cf, name, mail, rule == NULL, &rule, rule != NULL,
	    &why) != RC_OK)
		portable_fault(f, tok, "%s", buf_str(&why));
	buf_free(&why);
}

/* {"field","value"} as "field=value". */
static void
read_rule(struct portable_file *f, uint32_t tok, struct portable_client *c)
{
	static const char *const known[] = { "field", "value" };
	struct buf field = BUF_INIT(256), value = BUF_INIT(65536);
	const struct catalog_field *cf;
	uint32_t at[NELEM(known)];
	const char *near;
	size_t from;

	if (!members(f, tok, known, NELEM(known), at))
		goto done;
	if (at[0] == 0 || at[1] == 0) {
		portable_fault(f, tok, "lacks \"%s\"", known[at[0] != 0]);
		goto done;
	}
	if (!string(f, at[0], &field) || !string(f, at[1], &value))
		goto done;
	cf = catalog_field_find(f->cf->catalog, buf_as_slice(&field));
	if (cf == NULL) {
		near = catalog_field_nearest(f->cf->catalog,
		    buf_as_slice(&field));
		portable_fault(f, at[0], "is no field known here%s%s%s",
		    near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
		goto done;
	}
	from = c->rules.len;
	buf_printf(&c->rules, "%s=%s", cf->name, buf_str(&value));
	buf_putc(&c->rules, '\0');
	if (c->rules.over)
		portable_fault(f, tok, "is one rule too many");
	else {
		check_client(f, at[1], "x", NULL, c->rules.s + from);
		c->nrule++;
	}
done:
	buf_free(&field);
	buf_free(&value);
}

static void
read_scope(struct portable_file *f, uint32_t list, struct portable_client *c)
{
	const struct json_tok *t = f->doc.tok;
	const char *at;

	if (!is(f, list, JSON_ARRAY))
		return;
	for (uint32_t i = list + 1; i < t[list].next && !c->rules.over;
	    i = t[i].next)
		read_rule(f, i, c);
	c->rule = calloc(c->nrule + 1, sizeof *c->rule);
	if (c->rule == NULL)
		log_fatal("out of memory");
	at = buf_str(&c->rules);
	for (size_t i = 0; i < c->nrule; i++) {
		c->rule[i] = at;
		at += strlen(at) + 1;
	}
}

void
portable_read_client(struct portable_file *f, struct portable_client *c)
{
	static const char *const known[] = { "name", "mail", "all", "scope" };
	struct buf why = BUF_INIT(4096);
	size_t before = f->nfault;
	uint32_t at[NELEM(known)];

	if (f->client == 0 || !members(f, f->client, known, NELEM(known), at))
		return;
	if (at[0] == 0)
		portable_fault(f, f->client, "lacks \"name\"");
	else if (string(f, at[0], &c->name))
		check_client(f, at[0], buf_str(&c->name), NULL, NULL);
	if (at[1] != 0 && string(f, at[1], &c->mail))
		check_client(f, at[1], "x", buf_str(&c->mail), NULL);
	if (at[2] != 0 && f->doc.tok[at[2]].type == JSON_TRUE)
		c->all = true;
	else if (at[2] != 0 && f->doc.tok[at[2]].type != JSON_FALSE)
		portable_fault(f, at[2], "must be true or false");
	if (at[3] != 0)
		read_scope(f, at[3], c);
	/* each alone is sound; are they together? */
	if (f->nfault == before && client_check(f->cf, buf_str(&c->name),
	    buf_str(&c->mail), c->all, c->rule, c->nrule, &why) != RC_OK)
		portable_fault(f, f->client, "%s", buf_str(&why));
	buf_free(&why);
}

void
portable_client_clear(struct portable_client *c)
{
	buf_free(&c->name);
	buf_free(&c->mail);
	buf_free(&c->rules);
	free(c->rule);
	c->rule = NULL;
	c->nrule = 0;
	c->all = false;
}

static void
read_state(struct portable_file *f, uint32_t tok,
    struct portable_subscription *s)
{
	static const enum subscription_state all[] = { SUBSCRIPTION_ACTIVE,
	    SUBSCRIPTION_PAUSED, SUBSCRIPTION_DISABLED };

	for (size_t i = 0; i < NELEM(all); i++)
		if (json_string_is(&f->doc, tok,
		    slice_of(subscription_state_name(all[i])))) {
			s->state = all[i];
			return;
		}
	portable_fault(f, tok, "must be \"active\", \"paused\" or "
	    "\"disabled\"");
}

/* A secret's text as a key with its bytes in s->keys. */
static bool
read_key(struct portable_file *f, uint32_t tok,
    struct portable_subscription *s, struct sign_key *key)
{
	struct buf text = BUF_INIT(256);
	enum rc rc = RC_TOOBIG;

	if (!is(f, tok, JSON_STRING))
		return false;
	(void)buf_room(&text, text.max);	/* at once: leaves no copies */
	json_string(&f->doc, tok, &text);
	if (!text.over)
		rc = sign_key_read(buf_as_slice(&text), &s->keys, key);
	if (rc == RC_DENIED)
		portable_fault(f, tok, "is a public key: the private one, "
		    "whsk_, is needed");
	else if (rc != RC_OK)
		portable_fault(f, tok, "must be whsec_ and %d to %d bytes in "
		    "base64, or whsk_ and an ed25519 key pair", SIGN_KEY_MIN,
		    SIGN_KEY_MAX);
	buf_wipe(&text);
	return rc == RC_OK;
}

/* When a secret ends, in ms; false, and told, if it is no time. */
static bool
read_until(struct portable_file *f, uint32_t tok, int64_t *until_ms)
{
	struct buf text = BUF_INIT(CLOCK_TEXT_MAX);
	bool sound = false;

	if (string(f, tok, &text)) {
		sound = clock_parse(buf_as_slice(&text), false, until_ms,
		    NULL) == RC_OK && *until_ms > 0;
		if (!sound)
			portable_fault(f, tok, "must be a time like "
			    "2026-11-23T10:00:00Z");
	}
	buf_free(&text);
	return sound;
}

/* A secret, and when it ends; false, and told, if it is wrong in itself. */
static bool
read_secret(struct portable_file *f, uint32_t tok,
    struct portable_subscription *s, struct sign_key *key, int64_t *until_ms)
{
	static const char *const known[] = { "secret", "until" };
	uint32_t at[NELEM(known)] = { tok, 0 };

	if (f->doc.tok[tok].type == JSON_OBJECT)
		(void)members(f, tok, known, NELEM(known), at);
	if (at[0] == 0) {
		portable_fault(f, tok, "lacks \"secret\"");
		return false;
	}
	*until_ms = 0;
	return read_key(f, at[0], s, key) &&
	    (at[1] == 0 || read_until(f, at[1], until_ms));
}

static void
add_secret(struct portable_file *f, uint32_t tok,
    struct portable_subscription *s, struct sign_key key, int64_t until_ms)
{
	switch (keyring_add(&s->secrets, key, 0, until_ms)) {
	case RC_OK:
		break;
	case RC_EXISTS:
		portable_fault(f, tok, "is there twice");
		break;
	default:
		portable_fault(f, tok, s->secrets.n == 0 ?
		    "is the newest, and must have no \"until\"" :
		    "must have an \"until\", not after that of the secret "
		    "before it");
	}
}

static void
read_secrets(struct portable_file *f, uint32_t list,
    struct portable_subscription *s)
{
	const struct json_tok *t = f->doc.tok;
	size_t before = f->nfault;
	struct sign_key key;
	int64_t until_ms;

	if (!is(f, list, JSON_ARRAY))
		return;
	if (t[list].n == 0 || t[list].n > SIGN_KEYS_MAX) {
		portable_fault(f, list, "must have 1 to %d secrets; without "
		    "it, a fresh one is made", SIGN_KEYS_MAX);
		return;
	}
	(void)buf_room(&s->keys, s->keys.max);	/* so that it never moves */
	for (uint32_t i = list + 1; i < t[list].next; i = t[i].next)
		if (read_secret(f, i, s, &key, &until_ms) &&
		    f->nfault == before)	/* else none has its place */
			add_secret(f, i, s, key, until_ms);
}

/* A subscription's members, in the order they are written in. */
enum member { STATE, REASON, SECRETS, TASK, MEMBERS };

static const char *const member_name[MEMBERS] = { "state", "reason",
    "secrets", "task" };

void
portable_read_subscription(struct portable_file *f, uint32_t tok,
    struct portable_subscription *s)
{
	uint32_t at[MEMBERS];
	const char *fault;

	if (!members(f, tok, member_name, MEMBERS, at))
		return;
	if (at[STATE] != 0)
		read_state(f, at[STATE], s);
	if (at[REASON] != 0 && string(f, at[REASON], &s->reason)) {
		fault = config_name_fault(buf_str(&s->reason));
		if (fault != NULL)
			portable_fault(f, at[REASON], "%s", fault);
		else if (s->reason.len > 0 &&
		    s->state != SUBSCRIPTION_DISABLED)
			portable_fault(f, at[REASON], "is for disabled ones");
	}
	if (at[SECRETS] != 0)
		read_secrets(f, at[SECRETS], s);
	if (at[TASK] == 0)
		portable_fault(f, tok, "lacks \"task\"");
	else if (is(f, at[TASK], JSON_OBJECT))
		s->task = json_text(&f->doc, at[TASK]);
}

void
portable_subscription_clear(struct portable_subscription *s)
{
	buf_free(&s->reason);
	buf_wipe(&s->keys);
	s->task = (struct slice){ NULL, 0 };
	s->state = SUBSCRIPTION_ACTIVE;
	s->secrets.n = 0;
}
