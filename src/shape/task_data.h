/*
 * task_data - a compiled task in memory, and what its checks share.
 *
 * For the task_*.c files alone.
 */
#ifndef SHAPE_TASK_DATA_H
#define SHAPE_TASK_DATA_H

#include "shape/filter.h"
#include "shape/task.h"
#include "shape/template.h"

#define TASK_NAME_MAX	128		/* bytes of its name */
#define TASK_SHOWN_MAX	(4 * TASK_URL_MAX)	/* of a URL with its masks */

/* What a mask begins with: four bullets. */
#define TASK_DOTS	"\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

struct task_header_template {
	struct slice	 name;		/* in names */
	bool		 secret;
	struct template	*value;
};

/* One of a mail's addresses. */
struct task_to {
	struct slice	 written;	/* in names */
	struct template	*text;
};

struct task {
	const struct catalog *catalog;
	enum task_channel channel;
	struct buf	 name;
	struct buf	 text;		/* what task_print gives unmasked */
	struct task_settings settings;
	const char	**event;	/* NULL-terminated */
	size_t		 nevent;
	uint8_t		*wanted;	/* by the catalogue's index */
	bool		 all;		/* "*" */
	struct filter	*filter;
	const char	*method;
	struct template	*url;
	size_t		 url_fixed;	/* bytes of scheme and authority */
	struct template	*subject;	/* of a mail; NULL: the headline */
	struct template	*body;		/* jsonBody, or text, where NULL is
					   the ready-made one */
	bool		 standard;	/* it is not the client's */
	bool		 headline;	/* is needed to render it */
	struct task_to	*to;
	size_t		 nto;
	struct buf	 names;		/* of headers, or addresses, one after
					   another */
	struct task_header_template *header;
	size_t		 nheader;
	bool		 has_type;	/* content-type is among them */
};

/* One check of one task. */
struct task_check {
	struct task	*t;
	const struct catalog *c;
	struct json_doc	 doc;
	task_problem	*problem;
	void		*arg;
	size_t		 n;		/* problems so far */
	size_t		 head;		/* bytes of headers so far */
};

/*
 * Report a problem with the token (a value or a key), or with byte off of what
 * a string says.  Token 0, the task itself, is told without line and column.
 */
void task_fault(struct task_check *k, uint32_t tok, const char *fmt, ...)
    PRINTF(3, 4);
void task_fault_at(struct task_check *k, uint32_t tok, size_t off,
    const char *fmt, ...) PRINTF(4, 5);
void task_template_fault(struct task_check *k,
    const struct template_error *err);

/* Say how many problems were not told, if there are any. */
void task_faults_end(struct task_check *k);

/*
 * Which of n known names the key is; n, and reported, if it is none of them:
 * with the nearest of the first shown ones, or with all of those.
 */
size_t task_known_key(struct task_check *k, uint32_t key,
    const char *const *known, size_t n, size_t shown);

/*
 * Where an object's members are, at[] by known[]; 0 for one that is absent or
 * null.  Others are reported.
 */
void task_members(struct task_check *k, uint32_t obj,
    const char *const *known, size_t n, uint32_t *at);

/* A member must be of a type; false, and reported, if it is not. */
bool task_is(struct task_check *k, uint32_t tok, enum json_type type);

/* Members of the task, each of which reports what is wrong with it. */
void task_check_http(struct task_check *k, uint32_t obj);
void task_check_slack(struct task_check *k, uint32_t obj);
void task_check_mail(struct task_check *k, uint32_t obj);
void task_check_url(struct task_check *k, uint32_t tok);
void task_check_settings(struct task_check *k, uint32_t obj);
void task_settings_default(struct task_settings *s, enum task_channel channel);

/* The template of a text at tok; NULL, and reported, if it is none. */
struct template *task_check_text(struct task_check *k, uint32_t tok,
    enum template_place place, size_t max);

/*
 * Check a URL's template as far as its tags go; *fixed is the bytes of its
 * scheme and authority.
 *   RC_INVALID  why says what is wrong with byte *at
 */
MUST_USE enum rc task_url_check(struct slice url, size_t *fixed, size_t *at,
    struct buf *why);

/* Has the path of a URL without templates a segment . or .. in it? */
bool task_url_climbs(struct slice url, size_t fixed);

/*
 * The URL's host as it stands in its authority: the bytes between // and the
 * port, path or end.
 */
struct slice task_url_host(struct slice url);

/*
 * Two URLs, or templates of such, have the same scheme, host and port.  Never
 * so for what is no http or https URL.
 */
bool task_url_same_address(struct slice a, struct slice b);

/* One "name=value" of a URL's query. */
struct task_param {
	struct slice	name, value;
	bool		secret;		/* its value is, and there is one */
};

/*
 * What follows the first ? of a URL or its template, tags apart; *head is what
 * is before, the ? included.
 */
struct slice task_url_query(struct slice url, struct slice *head);

/*
 * Take the next parameter, with the separator after it, off the front of a
 * query.  False at the end.
 */
bool task_param_next(struct slice *query, struct task_param *p,
    struct slice *end);

/* Append the mask of a parameter's value. */
void task_param_mask(const struct task_param *p, struct buf *out);

/* Append a URL, or its template, with its secrets masked. */
void task_mask_url(enum task_channel channel, struct slice url,
    struct buf *out);

/*
 * The bytes of a URL before its secret part: all, if there is none but in its
 * query; scheme, authority and the / after of Slack's, and of a webhook's at
 * a host of which all URLs are secret.
 */
size_t task_url_open(enum task_channel channel, struct slice url);

/* Append the mask of such a part. */
void task_rest_mask(struct slice rest, struct buf *out);

/* As the members of a task are named. */
extern const char *const task_channel_name[];

/* A member of a channel's object in a task, or 0. */
uint32_t task_channel_member(const struct json_doc *d,
    enum task_channel channel, const char *name);

/*
 * Render the text of a Slack message or a mail's parts into r.  ready is data
 * for ready-made texts, what the catalogue knows of the event NULL if nothing.
 * Results as task_render.
 */
struct task_rendering {
	const struct task *t;
	const struct task_event *ev;
	const struct catalog_event *type;
	struct template_data data, ready;
};

MUST_USE enum rc task_render_part(const struct template *t,
    const struct template_data *data, const char *what, struct buf *out,
    struct buf *why);
MUST_USE enum rc task_render_headline(struct task_rendering *g,
    struct task_request *r, struct buf *why);
MUST_USE enum rc task_render_slack(const struct task_rendering *g,
    struct task_request *r, struct buf *why);
MUST_USE enum rc task_render_mail(const struct task_rendering *g,
    struct task_request *r, struct buf *why);

/* The last look at a body before it goes out. */
MUST_USE enum rc task_scan_body(struct task_request *r, const char *what,
    struct buf *why);

/* A header whose value anybody may see. */
bool task_header_public(struct slice name);

#endif
