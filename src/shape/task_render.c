/*
 * A task and an event in, the request out.
 */
#include <stdio.h>
#include "shape/task_data.h"

void
task_request_free(struct task_request *r)
{
	buf_free(&r->to);
	buf_free(&r->subject);
	buf_free(&r->url);
	buf_free(&r->url_shown);
	buf_free(&r->body);
	buf_free(&r->text);
	buf_free(&r->headline);
	json_doc_free(&r->scan);
	r->nheader = 0;
}

/* Say what could not be rendered before why it could not. */
enum rc
task_render_part(const struct template *t, const struct template_data *data,
    const char *what, struct buf *out, struct buf *why)
{
	size_t at = why->len;
	struct buf reason = BUF_INIT(1024);
	enum rc rc;

	rc = template_render(t, data, out, &reason);
	if (rc != RC_OK) {
		buf_puts(why, at > 0 ? "; " : "");
		buf_puts(why, what);
		buf_puts(why, ": ");
		buf_slice(why, buf_as_slice(&reason));
	}
	buf_free(&reason);
	return rc;
}

static enum rc
render_url(const struct task *t, const struct template_data *data,
    struct task_request *r, struct buf *why)
{
	enum rc rc = task_render_part(t->url, data, "url", &r->url, why);

	if (rc != RC_OK)
		return rc;
	/* a value of . or .. would lead to another path than was meant */
	if (task_url_climbs(buf_as_slice(&r->url), t->url_fixed)) {
		buf_puts(why, "url: a value makes . or .. a part of its path");
		return RC_INVALID;
	}
	task_mask_url(t->channel, buf_as_slice(&r->url), &r->url_shown);
	return r->url_shown.over ? RC_TOOBIG : RC_OK;
}

/*
 * Names and values lie in r->text, so that the request outlives the task.
 * Their slices are set at the end only: text moves while it grows.
 */
static enum rc
render_headers(const struct task *t, const struct template_data *data,
    struct task_request *r, struct buf *why)
{
	const char *at;
	enum rc rc;

	for (size_t i = 0; i < t->nheader; i++) {
		const struct task_header_template *h = &t->header[i];
		size_t from;

		buf_slice(&r->text, h->name);
		from = r->text.len;
		rc = task_render_part(h->value, data, "header", &r->text,
		    why);
		if (rc != RC_OK)
			return rc;
		r->header[i] = (struct task_header){
		    .name = { NULL, h->name.len },
		    .value = { NULL, r->text.len - from },
		    .secret = h->secret };
	}
	if (r->text.over) {
		buf_puts(why, "the headers are too long");
		return RC_TOOBIG;
	}
	at = buf_str(&r->text);
	for (size_t i = 0; i < t->nheader; i++) {
		struct task_header *h = &r->header[i];

		h->name.s = at;
		h->value.s = at + h->name.len;
		at = h->value.s + h->value.len;
	}
	r->nheader = t->nheader;
	if (!t->has_type)
		r->header[r->nheader++] = (struct task_header){
		    .name = SLICE("content-type"),
		    .value = SLICE("application/json") };
	return RC_OK;
}

/*
 * The last word on a body has the scanner that events came in through.  Two
 * keys that render equal and values too deep in each other are found here;
 * anything else would be a fault of ours, and is better not sent.
 */
enum rc
task_scan_body(struct task_request *r, const char *what, struct buf *why)
{
	static const struct json_limits lim = { .depth = TASK_DEPTH_MAX,
	    .string = TASK_STANDARD_MAX, .tokens = TASK_STANDARD_MAX,
	    .number = TASK_STANDARD_MAX };
	struct json_error err;
	enum rc rc;

	rc = json_scan(&r->scan, buf_as_slice(&r->body), &lim, &err);
	if (rc != RC_OK)
		buf_printf(why, "%s: it renders to JSON that is not sound: "
		    "%s%s%s", what, err.detail,
		    err.pointer[0] == '\0' ? "" : " at ", err.pointer);
	return rc;
}

static enum rc
render_body(const struct task *t, const struct template_data *data,
    struct task_request *r, struct buf *why)
{
	enum rc rc;

	r->body.max = t->standard ? TASK_STANDARD_MAX : TASK_BODY_MAX;
	rc = task_render_part(t->body, data, "jsonBody", &r->body, why);
	return rc != RC_OK ? rc : task_scan_body(r, "jsonBody", why);
}

static void
clear(struct task_request *r, const struct task *t)
{
	buf_clear(&r->to);
	buf_clear(&r->subject);
	buf_clear(&r->url);
	buf_clear(&r->url_shown);
	buf_clear(&r->body);
	buf_clear(&r->text);
	r->scan.n = 0;
	r->nheader = 0;
	r->channel = t->channel;
	r->method = t->method;
}

static enum rc
render_by_channel(const struct task_rendering *g, struct task_request *r,
    struct buf *why)
{
	enum rc rc;

	if (g->t->channel == TASK_MAIL)
		return task_render_mail(g, r, why);
	rc = render_url(g->t, &g->data, r, why);
	if (rc == RC_OK)
		rc = render_headers(g->t, &g->data, r, why);
	if (rc != RC_OK)
		return rc;
	return g->t->channel == TASK_SLACK ? task_render_slack(g, r, why) :
	    render_body(g->t, &g->data, r, why);
}

enum rc
task_render(const struct task *t, const struct task_event *ev,
    struct task_request *r, struct buf *why)
{
	char attempt[16];
	struct task_rendering g = { .t = t, .ev = ev,
	    .data = { .order = ev->order, .strict = t->settings.strict } };
	struct slice *var = g.data.var;
	enum rc rc = RC_OK;

	snprintf(attempt, sizeof attempt, "%u", ev->attempt);
	var[TEMPLATE_EVENT_TYPE] = ev->type;
	var[TEMPLATE_EVENT_ID] = ev->id;
	var[TEMPLATE_EVENT_TIME] = ev->time;
	var[TEMPLATE_DELIVERY_ID] = ev->delivery_id;
	var[TEMPLATE_DELIVERY_ATTEMPT] = slice_of(attempt);
	var[TEMPLATE_SUBSCRIPTION_NAME] = buf_as_slice(&t->name);
	clear(r, t);
	if (t->headline) {
		g.ready = g.data;
		g.ready.strict = false;
		g.ready.sparse = true;
		rc = task_render_headline(&g, r, why);
	}
	return rc != RC_OK ? rc : render_by_channel(&g, r, why);
}
