/*
 * http - a request as a handler sees it, and the answer it builds.
 *
 * The request is borrowed until the handler returns; the body is read only
 * when asked for.  The answer is buffered whole, so a late error can replace
 * it.  Errors are problem+json (RFC 9457) for programs and APIs.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <sys/types.h>
#include "base/buf.h"

#define M_GET	1u		/* HEAD is answered like GET, without a body */
#define M_POST	2u

#define RESP_HEAD_MAX	(16 * 1024)		/* bytes of further headers */
#define RESP_BODY_MAX	(64 * 1024 * 1024)	/* bytes of an answer's body */

/*
 * Serve's side: where parameters and body come from.  A test may bring its
 * own.
 */
struct req_source {
	char *const	*env;		/* "NAME=value" each, NULL at the end */

	/*
	 * Up to len (at least 1) bytes of the body: how many, 0 at its end,
	 * -1 if it broke off.
	 */
	ssize_t		(*read)(struct req_source *src, char *to, size_t len);
};

struct req {
	unsigned	 method;	/* M_GET, M_POST, 0 for others */
	bool		 head;		/* HEAD */
	struct slice	 path;		/* decoded as far as the server does */
	struct slice	 query;		/* raw, after ?; s NULL: none */
	struct slice	 param[4];	/* what the route's ":x" took */
	struct slice	 key;		/* bearer token, or X-Skycap-Key; s
					   NULL: none (DESIGN §1) */
	struct slice	 basic_user, basic_password;	/* HTTP Basic */
	struct slice	 content_type;	/* type/subtype, lower case */
	struct slice	 content_encoding;
	int64_t		 content_length;	/* -1: not given */
	struct req_source *source;

	/* The worker's own, empty and with a ceiling of 0 when the handler
	   starts.  Its memory stays with the worker for the next request. */
	struct buf	*scratch;

	/* A place of the worker's own for what is worth keeping from one
	   request to the next: NULL at first, given to the program's
	   local_free in the end. */
	void		**local;

	/* Where req_body stands. */
	int64_t		 body_read;	/* bytes handed out */
	int		 body_ahead;	/* a byte read too far; -1: none */
	bool		 body_end;	/* nothing follows */

	/* What slices above point to that had to be decoded. */
	char		 type_text[96], path_text[512], basic_text[384];
};

/* A CGI parameter ("HTTP_IF_MATCH", "REMOTE_ADDR"), s NULL if not there. */
struct slice req_header(const struct req *rq, const char *name);

/*
 * Append a query argument, decoded as form data; of several of that name the
 * first.
 *   RC_NOTFOUND  there is none
 *   RC_INVALID   it can't be decoded, or does not fit out; out is unchanged,
 *                or has over set
 */
MUST_USE enum rc req_query(const struct req *rq, const char *name,
    struct buf *out);

/*
 * Append the body, up to b's ceiling.  After RC_TOOBIG the bytes read so far
 * are in b; raising b->max, clearing b->over and calling again reads on.
 *   RC_TOOBIG   there is more than fits (also when Content-Length says so,
 *               in which case at least the first 64 bytes are still read)
 *   RC_INVALID  it ended before Content-Length: the client hung up
 */
MUST_USE enum rc req_body(struct req *rq, struct buf *b);

struct resp {
	int		 status;	/* 200 unless set */
	const char	*type;		/* "application/json" unless set */
	struct buf	 head;		/* further lines, "Name: v\r\n" */
	struct buf	 body;
};

#define RESP_INIT	{ 200, "application/json",			\
			  BUF_INIT(RESP_HEAD_MAX), BUF_INIT(RESP_BODY_MAX) }

/* Append one header line; CR and LF in value become spaces. */
void resp_header(struct resp *rs, const char *name, const char *value);

/*
 * A problem+json answer in place of whatever was built so far, headers too.
 * detail is one sentence.  Errors with pointers are added afterwards by
 * resp_problem_error (RFC 6901 pointer into the body).  A 401 without
 * WWW-Authenticate asks for a bearer key, a 503 without Retry-After says 1 s;
 * who wants others adds them after this.
 */
void resp_problem(struct resp *rs, int status, const char *detail);
void resp_problem_error(struct resp *rs, const char *pointer,
    const char *detail);

/*
 * Append the answer's head as CGI has it ("Status: 202 Accepted\r\n" and so
 * on, with the empty line); what follows it is rs->body, unless head is true
 * or the status has no body.  An answer that passed a ceiling becomes a 500.
 * Returns the bytes of body to send.
 */
size_t resp_print(struct resp *rs, bool head, struct buf *out);

/* Ready for the next answer; memory is kept unless it is large. */
void resp_reset(struct resp *rs);
void resp_clear(struct resp *rs);

/* "Service Unavailable" and the like. */
const char *http_reason(int status);

/* rc -> HTTP status, the one table of it. */
int http_status_of(enum rc rc);

#endif
