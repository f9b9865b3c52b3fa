/*
 * Reading a task: every member is looked at, every fault is told with its
 * place, and only a task without any becomes one.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/text.h"
#include "shape/piece.h"
#include "shape/task_data.h"

static void
want(struct task_check *k, const char *name, const struct catalog_event *e)
{
	struct task *t = k->t;

	if (e == NULL)
		t->all = true;
	else if (t->wanted[e->index])
		return;			/* named twice, or by an alias too */
	else
		t->wanted[e->index] = 1;
	t->event[t->nevent++] = name;
}

/* A name for a message: on one line, and not endless. */
static void
show(struct buf *out, struct slice name)
{
	if (name.len > CATALOG_NAME_MAX)
		name.len = CATALOG_NAME_MAX;
	json_put_escaped(out, name);
}

/* tok is where to report: the name itself, or the task for names beside it. */
static void
read_event(struct task_check *k, uint32_t tok, struct slice name)
{
	const struct catalog_event *e = catalog_event_find(k->c, name);
	bool every = slice_is(name, "*");
	struct buf shown = BUF_INIT(8 * CATALOG_NAME_MAX);
	const char *near;

	if (every ? k->t->nevent > 0 && !k->t->all : k->t->all)
		task_fault(k, tok, "* means all events of orders and stands "
		    "alone");
	else if (every && !k->t->all)
		want(k, "*", NULL);
	else if (e != NULL)
		want(k, e->name, e);
	else if (!every) {
		near = catalog_event_nearest(k->c, name);
		show(&shown, name);
		task_fault(k, tok, "%s is no event type known here%s%s%s",
		    buf_str(&shown), near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
		buf_free(&shown);
	}
}

static void
read_events(struct task_check *k, uint32_t list)
{
	const struct json_tok *t = k->doc.tok;
	struct buf name = BUF_INIT(256);

	if (!task_is(k, list, JSON_ARRAY))
		return;
	if (t[list].n == 0)
		task_fault(k, list, "must name at least one event type");
	for (uint32_t i = list + 1; i < t[list].next; i = t[i].next) {
		if (!task_is(k, i, JSON_STRING))
			continue;
		buf_clear(&name);
		json_string(&k->doc, i, &name);
		read_event(k, i, buf_as_slice(&name));
	}
	buf_free(&name);
}

/* Names given beside the task must be those in it, if it has any. */
static void
compare_events(struct task_check *k, uint32_t list, const struct slice *given,
    size_t n)
{
	struct buf shown = BUF_INIT(8 * CATALOG_NAME_MAX);
	size_t same = 0;

	for (size_t i = 0; i < n; i++) {
		const struct catalog_event *e = catalog_event_find(k->c,
		    given[i]);
		bool twice = false;

		for (size_t j = 0; j < i; j++)
			twice |= catalog_event_find(k->c, given[j]) == e;
		if (e == NULL ? !k->t->all || !slice_is(given[i], "*") :
		    !k->t->wanted[e->index]) {
			show(&shown, given[i]);
			task_fault(k, list, "does not name %s, which is given "
			    "beside the task", buf_str(&shown));
			buf_free(&shown);
			return;
		}
		same += !twice;
	}
	if (n > 0 && same != k->t->nevent)
		task_fault(k, list, "names more events than are given beside "
		    "the task");
}

static void
check_events(struct task_check *k, uint32_t list, const struct slice *given,
    size_t n)
{
	const struct json_tok *t = k->doc.tok;
	size_t types = 0, names = n, before = k->n;

	while (catalog_event_at(k->c, types) != NULL)
		types++;
	if (list != 0 && t[list].type == JSON_ARRAY && t[list].n > n)
		names = t[list].n;
	k->t->wanted = calloc(types + 1, 1);
	k->t->event = calloc(names + 1, sizeof *k->t->event);
	if (k->t->wanted == NULL || k->t->event == NULL)
		log_fatal("out of memory");
	if (list != 0) {
		read_events(k, list);
		if (k->n == before)
			compare_events(k, list, given, n);
		return;
	}
	if (n == 0)
		task_fault(k, 0, "needs \"event\", a list of event types, or "
		    "event types given beside it");
	for (size_t i = 0; i < n; i++)
		read_event(k, 0, given[i]);
}

static void
check_name(struct task_check *k, uint32_t tok)
{
	const struct buf *name = &k->t->name;

	if (!task_is(k, tok, JSON_STRING))
		return;
	json_string(&k->doc, tok, &k->t->name);
	if (name->over || name->len == 0)
		task_fault(k, tok, "must have 1 to %d bytes", TASK_NAME_MAX);
	for (size_t i = 0; i < name->len; i++)
		if ((unsigned char)name->s[i] < 0x20 || name->s[i] == 0x7f) {
			task_fault(k, tok, "must be one line of text");
			break;
		}
}

/* Append " to" and where it goes, as people call it. */
static void
put_destination(struct task_check *k, uint32_t channel, struct buf *out)
{
	const struct task *t = k->t;
	struct buf url = BUF_INIT(TASK_URL_MAX);
	struct slice to = { NULL, 0 };
	uint32_t tok = channel == 0 ? 0 : json_find(&k->doc, channel, "url");

	if (t->channel == TASK_SLACK) {
		to = SLICE("Slack");
	} else if (t->channel == TASK_MAIL && t->nto > 0) {
		if (template_literal_len(t->to[0].written) ==
		    t->to[0].written.len)
			to = t->to[0].written;
		buf_puts(out, to.s == NULL ? " by mail" : "");
	} else if (tok != 0 && k->doc.tok[tok].type == JSON_STRING) {
		json_string(&k->doc, tok, &url);
		to = task_url_host(buf_as_slice(&url));
	}
	if (to.len > TASK_NAME_MAX - out->len - 4)
		to.len = TASK_NAME_MAX - out->len - 4;
	if (to.s != NULL) {
		buf_puts(out, " to ");
		buf_slice(out, to);
	}
	buf_free(&url);
}

/* "OrderTicketed and 2 more to yourservices" */
static void
default_name(struct task_check *k, uint32_t channel)
{
	struct task *t = k->t;

	if (t->nevent > 0)
		buf_puts(&t->name, t->all ? "All events" : t->event[0]);
	if (t->nevent > 1)
		buf_printf(&t->name, " and %zu more", t->nevent - 1);
	put_destination(k, channel, &t->name);
}

static void
filter_problem(void *arg, uint32_t tok, const char *detail)
{
	task_fault(arg, tok, "%s", detail);
}

/* Places of the members, in the order they are printed in. */
enum member { NAME, EVENT, FILTER, HTTP, SLACK, MAIL, SETTINGS, MEMBERS };

/*
 * Members that listings add are dropped, so that what was read from one can be
 * given back; so is what is null.
 */
static void
find_members(struct task_check *k, uint32_t at[MEMBERS])
{
	static const char *const known[] = { "name", "event", "filter",
	    "httpRequest", "slack", "mail", "settings",
	    "id", "client", "state", "reason", "version", "createdAt",
	    "updatedAt", "since" };
	const struct json_tok *t = k->doc.tok;

	for (uint32_t i = 1; i < t[0].next; i = t[i + 1].next) {
		size_t m = task_known_key(k, i, known, NELEM(known), MEMBERS);

		if (m < MEMBERS && t[i + 1].type != JSON_NULL)
			at[m] = i + 1;
	}
}

const char *const task_channel_name[] = { "httpRequest", "slack", "mail" };

/* The channel's object, or 0 if there is not exactly one. */
static uint32_t
check_channel(struct task_check *k, const uint32_t at[MEMBERS])
{
	static void (*const check[])(struct task_check *, uint32_t) = {
	    task_check_http, task_check_slack, task_check_mail };
	uint32_t found = 0;
	size_t n = 0;

	for (size_t m = HTTP; m <= MAIL; m++)
		if (at[m] != 0) {
			n++;
			found = at[m];
			k->t->channel = (enum task_channel)(m - HTTP);
		}
	if (n != 1)
		task_fault(k, 0, "must have exactly one of httpRequest, slack "
		    "and mail");
	for (size_t m = HTTP; m <= MAIL; m++)
		if (at[m] != 0 && task_is(k, at[m], JSON_OBJECT) && n == 1)
			check[m - HTTP](k, at[m]);
	return n == 1 ? found : 0;
}

/* What task_print gives: the same again when it is compiled anew. */
static void
write_text(struct task_check *k, const uint32_t at[MEMBERS])
{
	static const char *const name[] = { [FILTER] = "filter",
	    [HTTP] = "httpRequest", [SLACK] = "slack", [MAIL] = "mail",
	    [SETTINGS] = "settings" };
	struct buf *out = &k->t->text;

	buf_puts(out, "{\"name\":");
	json_put_string(out, buf_as_slice(&k->t->name));
	buf_puts(out, ",\"event\":[");
	for (size_t i = 0; i < k->t->nevent; i++) {
		buf_puts(out, i > 0 ? "," : "");
		json_put_string(out, slice_of(k->t->event[i]));
	}
	buf_putc(out, ']');
	for (size_t m = FILTER; m < MEMBERS; m++)
		if (at[m] != 0) {
			buf_printf(out, ",\"%s\":", name[m]);
			piece_compact(&k->doc, at[m], out);
		}
	buf_putc(out, '}');
}

/* A mail's subject may be it, ready-made texts begin with it. */
static bool
needs_headline(const struct task *t)
{
	bool needs = false;

	if (t->body == NULL || t->channel == TASK_MAIL)
		return true;
	for (size_t i = 0; i < t->nheader; i++)
		needs |= template_names(t->header[i].value,
		    TEMPLATE_EVENT_HEADLINE);
	return needs || template_names(t->body, TEMPLATE_EVENT_HEADLINE) ||
	    template_names(t->url, TEMPLATE_EVENT_HEADLINE);
}

static void
check_members(struct task_check *k, const struct slice *events, size_t n)
{
	uint32_t at[MEMBERS] = { 0 }, channel;

	find_members(k, at);
	check_events(k, at[EVENT], events, n);
	channel = check_channel(k, at);
	task_settings_default(&k->t->settings, k->t->channel);
	if (at[NAME] != 0)
		check_name(k, at[NAME]);
	else
		default_name(k, channel);
	if (at[FILTER] != 0 && filter_compile(&k->t->filter, k->c, &k->doc,
	    at[FILTER], filter_problem, k) != RC_OK)
		k->t->filter = NULL;
	if (at[SETTINGS] != 0 && task_is(k, at[SETTINGS], JSON_OBJECT))
		task_check_settings(k, at[SETTINGS]);
	if (k->n == 0) {
		k->t->headline = needs_headline(k->t);
		write_text(k, at);
	}
	if (k->t->text.over)
		task_fault(k, 0, "is longer than %d bytes", TASK_JSON_MAX);
}

enum rc
task_compile(struct task **t, const struct catalog *c, struct slice json,
    const struct slice *events, size_t n, task_problem *problem, void *arg)
{
	struct task_check k = { .c = c, .doc = JSON_DOC_INIT,
	    .problem = problem, .arg = arg };
	struct json_error err;
	char detail[256];

	k.t = calloc(1, sizeof *k.t);
	if (k.t == NULL)
		log_fatal("out of memory");
	k.t->catalog = c;
	k.t->name = (struct buf)BUF_INIT(TASK_NAME_MAX);
	k.t->text = (struct buf)BUF_INIT(TASK_JSON_MAX);
	k.t->names = (struct buf)BUF_INIT(65536);
	if (json.len > TASK_WRITTEN_MAX)
		task_fault(&k, 0, "is longer than %d bytes", TASK_WRITTEN_MAX);
	else if (json_scan(&k.doc, json, &json_limits_default, &err) !=
	    RC_OK) {
		snprintf(detail, sizeof detail, "line %u, column %u: %s",
		    err.line, err.col, err.detail);
		k.problem(arg, err.pointer, detail);
		k.n++;
	} else if (task_is(&k, 0, JSON_OBJECT))
		check_members(&k, events, n);
	task_faults_end(&k);
	json_doc_free(&k.doc);
	if (k.n > 0) {
		task_free(k.t);
		return RC_INVALID;
	}
	*t = k.t;
	return RC_OK;
}
