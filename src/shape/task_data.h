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

#define TASK_JSON_MAX	(512 * 1024)	/* bytes of a whole task */
#define TASK_NAME_MAX	128		/* bytes of its name */
#define TASK_URL_MAX	4096		/* bytes of the URL's template */
#define TASK_VALUE_MAX	8192		/* bytes of a header's template */

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
	struct buf	 names;		/* of headers, one after another */
	struct task_header_template header[TASK_HEADERS_MAX];
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
};

/* Report a problem with the token (a value or a key). */
void task_fault(struct task_check *k, uint32_t tok, const char *fmt, ...)
    PRINTF(3, 4);

/* Report a fault of a template with line and column in the task. */
void task_template_fault(struct task_check *k,
    const struct template_error *err);

/*
 * Which of n known names key k is; n, and reported with the nearest one, if
 * it is none of them.
 */
size_t task_known_key(struct task_check *k, uint32_t key,
    const char *const *known, size_t n);

/* A member must be of a type; false, and reported, if it is not. */
bool task_is(struct task_check *k, uint32_t tok, enum json_type type);

/* Members of the task, each of which reports what is wrong with it. */
void task_check_http(struct task_check *k, uint32_t obj);
void task_check_settings(struct task_check *k, uint32_t obj);
void task_settings_default(struct task_settings *s);

/*
 * Check a URL's template.  *fixed is set to the bytes of its scheme and
 * authority, *len to those before a fragment.  NULL, or what is wrong with it.
 */
const char *task_url_fault(struct slice url, size_t *fixed, size_t *len);

/* Has the path of a URL without templates a segment . or .. in it? */
bool task_url_climbs(struct slice url, size_t fixed);

/*
 * The URL's host as it stands in its authority: the bytes between // and the
 * port, path or end.
 */
struct slice task_url_host(struct slice url);

/* Append a URL, or its template, with the secrets of its query masked. */
void task_mask_url(struct slice url, struct buf *out);

/* A header whose value anybody may see. */
bool task_header_public(struct slice name);

#endif
