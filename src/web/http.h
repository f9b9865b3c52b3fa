/*
 * http - a request as a handler sees it, and the answer it builds.
 *
 * The request is borrowed until the handler returns; the body is read only
 * when asked for.  The answer is buffered whole, so a late error can replace
 * it.  Errors are problem+json (RFC 9457) for programs and APIs.
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include "base/buf.h"

struct req_source;		/* serve's side: where parameters and body
				   come from; a test may bring its own */

struct req {
	unsigned	 method;	/* M_GET, M_POST, 0 for others */
	bool		 head;		/* HEAD */
	struct slice	 path;		/* decoded no further than the server's */
	struct slice	 query;		/* raw, after ?; s NULL: none */
	struct slice	 param[4];	/* what the route's ":x" took, in order */
	struct slice	 key;		/* bearer token, or X-Skycap-Key; s NULL:
					   none (DESIGN §1, finding the key) */
	struct slice	 basic_user, basic_password;	/* HTTP Basic */
	struct slice	 content_type;	/* type/subtype, lower case, no params */
	struct slice	 content_encoding;
	int64_t		 content_length;	/* -1: not given */
	struct req_source *source;
};

/* A CGI parameter ("HTTP_IF_MATCH", "REMOTE_ADDR"), s NULL if not there. */
struct slice req_header(const struct req *rq, const char *name);

/* A query argument, decoded into out.  RC_NOTFOUND, RC_INVALID. */
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
	struct buf	 head;		/* further header lines, "Name: v\r\n" */
	struct buf	 body;
};

/* Append one header line; CR and LF in value become spaces. */
void resp_header(struct resp *rs, const char *name, const char *value);

/*
 * A problem+json answer.  detail is one sentence.  Errors with pointers are
 * added afterwards by resp_problem_error (RFC 6901 pointer into the body).
 */
void resp_problem(struct resp *rs, int status, const char *detail);
void resp_problem_error(struct resp *rs, const char *pointer,
    const char *detail);

/* "Service Unavailable" and the like. */
const char *http_reason(int status);

/* rc -> HTTP status, the one table of it. */
int http_status_of(enum rc rc);

#endif
