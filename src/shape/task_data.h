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

struct task {
	const struct catalog *catalog;
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
	struct template	*body;
	bool		 standard;	/* it is not the client's */
	struct buf	 names;		/* of headers, one after another */
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

/* A member must be of a type; false, and reported, if it is not. */
bool task_is(struct task_check *k, uint32_t tok, enum json_type type);

/* Members of the task, each of which reports what is wrong with it. */
void task_check_http(struct task_check *k, uint32_t obj);
void task_check_settings(struct task_check *k, uint32_t obj);
void task_settings_default(struct task_settings *s);

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

/* Append a URL, or its template, with the secrets of its query masked. */
void task_mask_url(struct slice url, struct buf *out);

/* A member of a task's httpRequest, or 0. */
uint32_t task_http_member(const struct json_doc *d, const char *name);

/* A header whose value anybody may see. */
bool task_header_public(struct slice name);

#endif
