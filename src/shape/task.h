/*
 * task - a subscription as its client wrote it: checked, compiled, rendered.
 *
 * The JSON of DESIGN §5 ({"name","event","filter","httpRequest","settings"})
 * in, and for a given event the exact request out: method, URL, headers, body;
 * with "mail" in place of httpRequest: address, subject, body.
 * The help page's form ({"httpRequest": {...}}) is such a task; its events may
 * come from outside.  Pure: no store, no network, no signing.  Immutable once
 * compiled, shared by threads.  Invariant: whatever an order contains, a
 * rendered body is valid JSON, a header or subject is one line, the URL keeps
 * its scheme, host and structure, and a mail goes to exactly one address.
 */
#ifndef SHAPE_TASK_H
#define SHAPE_TASK_H

#include "shape/order.h"

struct task;

/*
 * Limits of what a client may write, in bytes of UTF-8.  White space between
 * the JSON's tokens counts in the first only: a task is kept without it, and
 * must not be refused because it was printed with more of it.  Strings of a
 * body count as they are written, escapes and quotes included; names, URL and
 * header values as what they say.  All is nested at most 32 deep, the task
 * itself included (json_limits_default).
 */
#define TASK_WRITTEN_MAX (1024 * 1024)	/* a task as it was given */
#define TASK_JSON_MAX (188 * 1024)	/* as it is kept; fits a record */
#define TASK_TEMPLATE_MAX (64 * 1024)	/* its jsonBody */
#define TASK_URL_MAX 4096		/* its URL */
#define TASK_VALUE_MAX 8192		/* a header's value */
#define TASK_HEAD_MAX (32 * 1024)	/* all headers' names and values */
#define TASK_TEXT_MAX (64 * 1024)	/* its text for Slack or mail */
#define TASK_SUBJECT_MAX 4096		/* its subject */
#define TASK_TO_MAX 1024		/* each address, or its template */

#define TASK_BODY_MAX (1024 * 1024)	/* a rendered body */
#define TASK_STANDARD_MAX (TASK_BODY_MAX + 1024)	/* one of the standard
				   shape: what was let in goes out in it */
#define TASK_SLACK_MAX (256 * 1024)	/* one for Slack, which cuts a text at
				   40,000 characters */
#define TASK_LINE_MAX 500		/* characters of a subject */
#define TASK_DEPTH_MAX 32		/* lists and objects in each other */
#define TASK_RECIPIENTS_MAX 32		/* addresses of a mail */
#define TASK_RETRY_MAX 32		/* steps of a schedule */
#define TASK_PROBLEMS_MAX 100		/* told of one task */

enum task_channel { TASK_WEBHOOK, TASK_SLACK, TASK_MAIL };

struct task_settings {
	int64_t	 retry_ms[TASK_RETRY_MAX];	/* before attempt 2, 3, ... */
	uint32_t nretry;
	int64_t	 timeout_ms;			/* 15,000; 1 to 60 s */
	uint32_t concurrency;			/* 8; 1 to 64 */
	double	 rate_per_s;			/* 0: unlimited */
	bool	 ordered;
	bool	 strict;			/* "missing": "strict" */
};

/*
 * Where in the task something is wrong; pointer is RFC 6901.  detail is one
 * line, "line 3, column 12: must be a string"; the place, from 1, is
 * left out where the task as a whole is meant.
 */
typedef void task_problem(void *arg, const char *pointer, const char *detail);

/*
 * Compile a task's JSON text.  events, if n > 0, are the event types given
 * beside it; they stand in for a missing "event" and must not contradict one.
 * A member of the task, of httpRequest or of settings that is null counts as
 * absent; anywhere else null is a value, and for all but a body a wrong one.
 * A jsonBody may be any other JSON value: {}, a list, or a bare string, which
 * is a template too.  An empty retry_s means a single attempt.
 * problem is called for everything wrong, not just the first, up to
 * TASK_PROBLEMS_MAX and once more for the number of those left.  *t is freed
 * by task_free.
 *   RC_INVALID  problem was called at least once
 */
MUST_USE enum rc task_compile(struct task **t, const struct catalog *c,
    struct slice json, const struct slice *events, size_t n,
    task_problem *problem, void *arg);
void task_free(struct task *t);

const char *task_name(const struct task *t);
enum task_channel task_channel(const struct task *t);

/*
 * How many messages an event makes: one for each address of a mail, at most
 * TASK_RECIPIENTS_MAX; else 1.
 */
uint32_t task_recipients(const struct task *t);
const struct task_settings *task_settings(const struct task *t);

/*
 * Wanted event types, catalogue names; NULL past the end.  "*" alone for all
 * that are about orders: those of the service's own are wanted by name only.
 */
const char *task_event_at(const struct task *t, size_t i);
bool task_wants(const struct task *t, const struct catalog_event *type);

/* One of the service's own is among them: not for every client. */
bool task_wants_operational(const struct task *t);

/*
 * Append the task's JSON: as it was given, events and name filled in,
 * byte-stable from then on.  With mask, secrets (header values other than
 * content-type, accept and those shown; URL query values named like a secret;
 * all after the host of Slack's URL, and of a webhook's whose host is Slack,
 * Discord or Office) stand as {"secret":true} or ••••1a2b as DESIGN §9 says.
 */
void task_print(const struct task *t, bool mask, struct buf *out);

/*
 * Append the address that it goes to, a template, with secrets masked; those of
 * a mail with ", " between.
 */
void task_target(const struct task *t, struct buf *out);

/*
 * All conditions of the task's filter hold for the order (its event types and
 * the client's scope are not asked here).  An absent field satisfies only !=,
 * "not in" and "exists": false.
 */
bool task_filter_matches(const struct task *t, const struct order *o);

/*
 * Append json, a task that may carry masks in place of secrets, with what old
 * holds there: {"secret":true} for a header's value, a masked value in the
 * URL's query, the masked rest of a URL.  A mask stays, and task_compile
 * refuses it, if old has nothing for it or if the URL has another scheme, host
 * or port than old's: no edit takes a secret along to an address it was not
 * given for.  json that is no JSON is appended as it is.
 */
void task_merge_secrets(const struct task *old, struct slice json,
    struct buf *out);

/*
 * Append a secret as people see it: four bullets and, of a secret of 8
 * characters or more, its last 4.
 */
void task_mask(struct slice secret, struct buf *out);

/* What a template may name besides the order's fields. */
struct task_event {
	const struct order *order;
	struct slice	 type, id, time;	/* event.*; time RFC 3339 */
	struct slice	 delivery_id;
	uint32_t	 attempt;
	uint32_t	 recipient;	/* which of task_recipients, from 0 */
};

struct task_header {
	struct slice	 name, value;	/* into the request's buf */
	bool		 secret;	/* to be masked where it is shown */
};

#define TASK_HEADERS_MAX 64

/*
 * What is filled in depends on the channel.  A webhook and Slack: all but to
 * and subject.  Mail: to, one address as RFC 5321 has it between < and >, and
 * subject and body in UTF-8, the subject one line of at most TASK_LINE_MAX
 * characters (what is longer is cut: no mail is lost for it), the body's lines
 * ended by LF, without control characters but tabs.
 */
struct task_request {
	enum task_channel channel;
	const char	*method;		/* "POST", "PUT", "PATCH"; of a
						   mail "" */
	struct buf	 to, subject;
	struct buf	 url;
	struct buf	 url_shown;		/* secrets masked */
	struct buf	 body;
	struct buf	 text;			/* of the headers */
	struct buf	 headline;		/* event.headline, if named */
	struct json_doc	 scan;			/* of the body */
	struct task_header header[TASK_HEADERS_MAX];
	size_t		 nheader;		/* content-type among them */
};

/* A mask may be longer than what it hides: a URL never passes url_shown. */
#define TASK_REQUEST_INIT { .to = BUF_INIT(512), \
	.subject = BUF_INIT(2 * TASK_STANDARD_MAX), .url = BUF_INIT(16384), \
	.url_shown = BUF_INIT(65536), .body = BUF_INIT(TASK_STANDARD_MAX), \
	.text = BUF_INIT(65536), .headline = BUF_INIT(2 * TASK_STANDARD_MAX), \
	.scan = JSON_DOC_INIT }

void task_request_free(struct task_request *r);

/* Call each for every secret of the request's URL, as it stands there. */
typedef void task_secret(void *arg, struct slice value);
void task_request_secrets(const struct task_request *r, task_secret *each,
    void *arg);

/*
 * Render the request for an event into *r (cleared first, memory used again).
 * Without a jsonBody the body is {"type","timestamp","data"} with the order as
 * data; without a text or subject they are the catalogue's for the event's
 * type.  Allocates nothing but *r's buffers.
 *   RC_INVALID  a value is missing and the task is strict, two keys of the
 *               body render equal, it is deeper than TASK_DEPTH_MAX, the
 *               URL's path would climb, a Slack text has nothing but blanks,
 *               the recipient's address is not exactly one, or there is no
 *               such recipient (any more); why names the field or the place
 *   RC_TOOBIG   body, URL or headers pass their limit
 */
MUST_USE enum rc task_render(const struct task *t,
    const struct task_event *ev, struct task_request *r, struct buf *why);

#endif
