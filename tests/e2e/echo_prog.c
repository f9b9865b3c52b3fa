/*
 * echo_prog - a program that only shows what serve made of a request.
 *
 * The end-to-end tests of web/serve run it behind real web servers.  It keeps
 * nothing.  Every request it has handled, and its opening, stopping and
 * closing, are lines in the file that $ECHO_TRACE names, so that a test can
 * hold what was handled against what was answered.  /gate makes overlap
 * visible without a clock: it answers when as many requests as it was asked
 * for are in it at once, or after ten seconds with 504.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "base/json.h"
#include "web/serve.h"

#define GATE_S	10

struct app {
	pthread_mutex_t	 lock;
	pthread_cond_t	 more;
	int		 in_gate, most;
	bool		 standing;
	int		 trace;		/* descriptor, -1: none */
};

static void
trace(struct app *a, const char *word, struct slice what)
{
	struct buf line = BUF_INIT(4096);

	if (a->trace == -1)
		return;
	buf_printf(&line, "%ld %s ", (long)getpid(), word);
	buf_slice(&line, what);
	buf_putc(&line, '\n');
	if (write(a->trace, line.s, line.len) == -1)
		perror("trace");
	buf_free(&line);
}

static void
member(struct buf *b, const char *name, struct slice value)
{
	buf_puts(b, b->len == 0 ? "{" : ",");
	json_put_string(b, slice_of(name));
	buf_putc(b, ':');
	if (value.s == NULL)
		buf_puts(b, "null");
	else
		json_put_string(b, value);
}

static void
member_i64(struct buf *b, const char *name, int64_t v)
{
	buf_puts(b, b->len == 0 ? "{" : ",");
	json_put_string(b, slice_of(name));
	buf_putc(b, ':');
	buf_i64(b, v);
}

static void
show(void *app, struct req *rq, struct resp *rs)
{
	struct app *a = app;
	struct buf arg = BUF_INIT(4096);
	struct buf *b = &rs->body;

	member(b, "path", rq->path);
	member(b, "param0", rq->param[0]);
	member(b, "param1", rq->param[1]);
	member(b, "query", rq->query);
	member(b, "key", rq->key);
	member(b, "user", rq->basic_user);
	member(b, "password", rq->basic_password);
	member(b, "type", rq->content_type);
	member(b, "encoding", rq->content_encoding);
	member_i64(b, "length", rq->content_length);
	member_i64(b, "pid", (int64_t)getpid());
	member(b, "standing", slice_of(a->standing ? "yes" : "no"));
	if (req_query(rq, "id", &arg) == RC_OK)
		trace(a, "handled", buf_as_slice(&arg));
	buf_puts(b, "}");
	buf_free(&arg);
}

/* The body's length and sum; its limit is the query's max. */
static void
body(void *app, struct req *rq, struct resp *rs)
{
	struct app *a = app;
	struct buf arg = BUF_INIT(32);
	unsigned long sum = 0;
	enum rc rc;

	rq->scratch->max = 1024 * 1024;
	if (req_query(rq, "max", &arg) == RC_OK)
		rq->scratch->max = strtoul(buf_str(&arg), NULL, 10);
	trace(a, "reading", rq->path);
	rc = req_body(rq, rq->scratch);
	trace(a, rc_name(rc), rq->path);
	for (size_t i = 0; i < rq->scratch->len; i++)
		sum += (unsigned char)rq->scratch->s[i];
	if (rc != RC_OK) {
		resp_problem(rs, rc == RC_INVALID ? 400 : http_status_of(rc),
		    "The body was not taken.");
		resp_problem_error(rs, "/n", "read so far");
	} else {
		member_i64(&rs->body, "n", (int64_t)rq->scratch->len);
		member_i64(&rs->body, "sum", (int64_t)sum);
		buf_puts(&rs->body, "}");
	}
	buf_free(&arg);
}

/* As many bytes as asked for. */
static void
bytes(void *app, struct req *rq, struct resp *rs)
{
	struct buf arg = BUF_INIT(32);
	unsigned long n = 0;

	(void)app;
	if (req_query(rq, "n", &arg) == RC_OK)
		n = strtoul(buf_str(&arg), NULL, 10);
	rs->type = "text/plain; charset=utf-8";
	for (unsigned long i = 0; i < n && !rs->body.over; i++)
		buf_putc(&rs->body, (char)('a' + i % 26));
	buf_free(&arg);
}

static void
gate(void *app, struct req *rq, struct resp *rs)
{
	struct app *a = app;
	struct buf arg = BUF_INIT(32);
	struct timespec until;
	long want = 1;
	int error = 0;

	if (req_query(rq, "n", &arg) == RC_OK)
		want = strtol(buf_str(&arg), NULL, 10);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GATE_S;
	pthread_mutex_lock(&a->lock);
	a->in_gate++;
	if (a->in_gate > a->most)
		a->most = a->in_gate;
	pthread_cond_broadcast(&a->more);
	trace(a, "entered", rq->path);
	while (a->most < want && error != ETIMEDOUT)
		error = pthread_cond_timedwait(&a->more, &a->lock, &until);
	a->in_gate--;
	if (a->most < want)
		resp_problem(rs, 504, "The others did not come.");
	else
		member_i64(&rs->body, "most", a->most);
	if (rs->status == 200)
		buf_puts(&rs->body, "}");
	pthread_mutex_unlock(&a->lock);
	buf_free(&arg);
}

/* The gate is open from here on. */
static void
gate_open(void *app, struct req *rq, struct resp *rs)
{
	struct app *a = app;

	(void)rq;
	pthread_mutex_lock(&a->lock);
	a->most = INT32_MAX;
	pthread_cond_broadcast(&a->more);
	pthread_mutex_unlock(&a->lock);
	buf_puts(&rs->body, "{}");
}

static void
problem(void *app, struct req *rq, struct resp *rs)
{
	(void)app;
	(void)rq;
	resp_header(rs, "X-Gone", "with what was built before");
	buf_puts(&rs->body, "half an answer");
	resp_problem(rs, 422, "Two things are \"wrong\".");
	resp_problem_error(rs, "/order/agwID", "is missing");
	resp_problem_error(rs, "/event", "is unknown");
	resp_header(rs, "X-Kept", "one\r\nX-Forged: two");
}

static enum rc
echo_open(const struct conf *conf, bool standing, void **app, struct buf *why)
{
	const char *to = getenv("ECHO_TRACE"), *fail = getenv("ECHO_FAIL");
	struct app *a;

	/* The file says that the service can't be had, until it is removed. */
	if (fail != NULL && access(fail, F_OK) == 0) {
		buf_puts(why, "told to fail");
		return RC_RETRY;
	}
	a = calloc(1, sizeof *a);
	if (a == NULL)
		return RC_IO;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	a->standing = standing;
	a->trace = to == NULL ? -1 :
	    open(to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	trace(a, "open", slice_of(conf->path));
	*app = a;
	return RC_OK;
}

static void
echo_stopping(void *app)
{
	trace(app, "stopping", SLICE("-"));
}

static void
echo_close(void *app)
{
	struct app *a = app;

	trace(a, "close", SLICE("-"));
	if (a->trace != -1)
		close(a->trace);
	pthread_cond_destroy(&a->more);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

int
main(int argc, char **argv)
{
	static const struct route routes[] = {
		{ M_GET,	   "/",			  show },
		{ M_GET | M_POST,  "/show",		  show },
		{ M_GET,	   "/show/:a",		  show },
		{ M_GET,	   "/show/:a/to/:b",	  show },
		{ M_POST,	   "/body",		  body },
		{ M_GET,	   "/bytes",		  bytes },
		{ M_GET,	   "/gate",		  gate },
		{ M_POST,	   "/gate",		  gate_open },
		{ M_GET,	   "/problem",		  problem },
	};
	static const struct program program = {
		.name = "echo", .routes = routes, .nroutes = NELEM(routes),
		.open = echo_open, .close = echo_close,
		.stopping = echo_stopping, .open_at_start = true,
	};

	return serve(&program, argc, argv);
}
