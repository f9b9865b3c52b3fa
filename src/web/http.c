#include <stdio.h>
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "web/http.h"

#define BODY_STEP	8192		/* read at once, the length being open */
#define BODY_PEEK	64		/* read of a body known as too long */
#define KEEP_MAX	(64 * 1024)	/* larger buffers are given back */

struct slice
req_header(const struct req *rq, const char *name)
{
	size_t len = strlen(name);

	for (char *const *e = rq->source->env; *e != NULL; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return slice_of(*e + len + 1);
	return (struct slice){ NULL, 0 };
}

/* Take what stands before the first c off the front of s, and c with it. */
static struct slice
take_until(struct slice *s, char c)
{
	const char *end = memchr(s->s, c, s->len);
	struct slice got = { s->s, end == NULL ? s->len :
	    (size_t)(end - s->s) };
	size_t gone = end == NULL ? s->len : got.len + 1;

	s->s += gone;
	s->len -= gone;
	return got;
}

enum rc
req_query(const struct req *rq, const char *name, struct buf *out)
{
	struct slice rest = rq->query;
	size_t before = out->len;
	enum rc rc;

	while (rest.len > 0) {
		struct slice value = take_until(&rest, '&');
		struct slice key = take_until(&value, '=');

		if (!slice_is(key, name))
			continue;
		rc = text_unpercent(out, value, true);
		if (rc == RC_OK && out->over)
			rc = RC_INVALID;
		if (rc != RC_OK && out->len > before) {
			out->len = before;
			out->s[before] = '\0';
		}
		return rc;
	}
	return RC_NOTFOUND;
}

/* Up to len bytes to the end of b, which has room for them. */
static ssize_t
read_some(struct req *rq, struct buf *b, size_t len)
{
	char *at = buf_room(b, len);
	ssize_t n = 0;

	if (rq->body_ahead >= 0) {
		*at = (char)rq->body_ahead;
		rq->body_ahead = -1;
		n = 1;
	} else if (!rq->body_end) {
		n = rq->source->read(rq->source, at, len);
		if (n == 0)
			rq->body_end = true;
	}
	if (n > 0) {
		b->len += (size_t)n;
		rq->body_read += n;
	}
	if (b->s != NULL)
		b->s[b->len] = '\0';
	return n;
}

/* The length is known: read so much and never beyond. */
static enum rc
body_of_length(struct req *rq, struct buf *b)
{
	uint64_t left = (uint64_t)(rq->content_length - rq->body_read);
	size_t room = b->max - b->len, want = (size_t)left;
	bool fits = left <= room;
	ssize_t n;

	if (!fits)
		want = room < BODY_PEEK ? room : BODY_PEEK;
	for (; want > 0; want -= (size_t)n) {
		n = read_some(rq, b, want);
		if (n <= 0)
			return RC_INVALID;
	}
	if (fits) {
		rq->body_end = true;
		return RC_OK;
	}
	b->over = true;
	return RC_TOOBIG;
}

/* It ends where it ends; to know that at the ceiling takes one byte more. */
static enum rc
body_to_its_end(struct req *rq, struct buf *b)
{
	char one;
	ssize_t n;

	for (;;) {
		size_t room = b->max - b->len;

		if (room == 0)
			break;
		n = read_some(rq, b, room < BODY_STEP ? room : BODY_STEP);
		if (n < 0)
			return RC_INVALID;
		if (n == 0)
			return RC_OK;
	}
	if (rq->body_ahead < 0 && !rq->body_end) {
		n = rq->source->read(rq->source, &one, 1);
		if (n < 0)
			return RC_INVALID;
		if (n == 0)
			rq->body_end = true;
		else
			rq->body_ahead = (unsigned char)one;
	}
	if (rq->body_ahead < 0)
		return RC_OK;
	b->over = true;
	return RC_TOOBIG;
}

enum rc
req_body(struct req *rq, struct buf *b)
{
	if (b->over || b->len > b->max)
		return RC_TOOBIG;
	if (rq->content_length >= 0)
		return body_of_length(rq, b);
	return body_to_its_end(rq, b);
}

void
resp_header(struct resp *rs, const char *name, const char *value)
{
	buf_puts(&rs->head, name);
	buf_puts(&rs->head, ": ");
	for (const char *p = value; *p != '\0'; p++)
		buf_putc(&rs->head, *p == '\r' || *p == '\n' ? ' ' : *p);
	buf_puts(&rs->head, "\r\n");
}

void
resp_problem(struct resp *rs, int status, const char *detail)
{
	buf_clear(&rs->head);
	buf_clear(&rs->body);
	rs->status = status;
	rs->type = "application/problem+json";
	buf_puts(&rs->body, "{\"type\":\"about:blank\",\"title\":");
	json_put_string(&rs->body, slice_of(http_reason(status)));
	buf_puts(&rs->body, ",\"status\":");
	buf_i64(&rs->body, status);
	buf_puts(&rs->body, ",\"detail\":");
	json_put_string(&rs->body, slice_of(detail));
	buf_puts(&rs->body, "}");
}

void
resp_problem_error(struct resp *rs, const char *pointer, const char *detail)
{
	struct buf *b = &rs->body;
	bool first;

	if (b->over || b->len < 2)
		return;
	/* The body is as resp_problem left it, or ends in "]}" from here. */
	first = b->s[b->len - 2] != ']';
	b->len -= first ? 1 : 2;
	buf_puts(b, first ? ",\"errors\":[" : ",");
	buf_puts(b, "{\"pointer\":");
	json_put_string(b, slice_of(pointer));
	buf_puts(b, ",\"detail\":");
	json_put_string(b, slice_of(detail));
	buf_puts(b, "}]}");
}

/* A header line of that name is there. */
static bool
has_header(const struct buf *head, const char *name)
{
	struct slice rest = buf_as_slice(head);

	while (rest.len > 0) {
		struct slice line = take_until(&rest, '\n');
		struct slice key = take_until(&line, ':');

		if (text_same_nocase(key, slice_of(name)))
			return true;
	}
	return false;
}

size_t
resp_print(struct resp *rs, bool head, struct buf *out)
{
	bool bodiless;

	if (rs->head.over || rs->body.over) {
		log_error("the %s of an answer with status %d grew too large",
		    rs->body.over ? "body" : "head", rs->status);
		resp_problem(rs, 500, "The answer grew too large.");
	}
	if (rs->status == 401 && !has_header(&rs->head, "WWW-Authenticate"))
		resp_header(rs, "WWW-Authenticate", "Bearer");
	if (rs->status == 503 && !has_header(&rs->head, "Retry-After"))
		resp_header(rs, "Retry-After", "1");
	bodiless = rs->status == 204 || rs->status == 304;
	buf_puts(out, "Status: ");
	buf_i64(out, rs->status);
	buf_putc(out, ' ');
	buf_puts(out, http_reason(rs->status));
	if (!bodiless) {
		buf_puts(out, "\r\nContent-Type: ");
		buf_puts(out, rs->type);
		buf_puts(out, "\r\nContent-Length: ");
		buf_i64(out, (int64_t)rs->body.len);
	}
	buf_puts(out, "\r\n");
	buf_put(out, rs->head.s, rs->head.len);
	buf_puts(out, "\r\n");
	return head || bodiless ? 0 : rs->body.len;
}

void
resp_reset(struct resp *rs)
{
	if (rs->body.cap > KEEP_MAX)
		buf_free(&rs->body);
	buf_clear(&rs->head);
	buf_clear(&rs->body);
	rs->status = 200;
	rs->type = "application/json";
}

void
resp_clear(struct resp *rs)
{
	buf_free(&rs->head);
	buf_free(&rs->body);
}

const char *
http_reason(int status)
{
	static const struct {
		int		 status;
		const char	*reason;
	} t[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 207, "Multi-Status" },
		{ 303, "See Other" }, { 304, "Not Modified" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" },
		{ 409, "Conflict" }, { 410, "Gone" },
		{ 412, "Precondition Failed" }, { 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 428, "Precondition Required" }, { 429, "Too Many Requests" },
		{ 500, "Internal Server Error" }, { 502, "Bad Gateway" },
		{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		if (t[i].status == status)
			return t[i].reason;
	return "Unknown";
}

int
http_status_of(enum rc rc)
{
	static const int status[] = {
		[RC_OK] = 200,
		[RC_NOTFOUND] = 404,
		[RC_EXISTS] = 409,
		[RC_STALE] = 412,
		[RC_INVALID] = 422,
		[RC_TOOBIG] = 413,
		[RC_DENIED] = 403,
		[RC_RETRY] = 503,
		[RC_FULL] = 503,
		[RC_IO] = 503,
	};

	return (unsigned)rc < NELEM(status) ? status[rc] : 500;
}
