/*
 * serve_worker - one thread that takes requests from a FastCGI socket.
 *
 * It takes a connection, has its request answered, and goes on.  libfcgi
 * speaks the protocol.  Taking and closing connections is done here, because
 * its own way costs four more system calls a request and waits, after each
 * answer, until the web server has closed its end.
 */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "web/serve_crew.h"

#define SHORT_ANSWER	8000	/* fits libfcgi's buffer */
#define KEPT_MS		2000	/* a kept connection without a request */
#define KEPT_CROWDED_MS	20	/* the same while nobody is left to accept */

struct fcgi_source {
	struct req_source source;
	FCGX_Stream	*in;
};

static void
enter(struct worker *w, enum state state)
{
	pthread_mutex_lock(&w->lock);
	w->state = state;
	w->turn++;
	pthread_mutex_unlock(&w->lock);
}

/* Busy from taking a connection until it is as good as closed.  When all are,
   the next connection needs one more. */
static void
set_busy(struct worker *w, bool busy)
{
	if (busy == w->busy)
		return;
	w->busy = busy;
	atomic_fetch_add(&w->crew->busy, busy ? 1 : -1);
}

static bool
all_busy(struct crew *c)
{
	return atomic_load(&c->busy) >= atomic_load(&c->n);
}

/* Told to stop, what the web server has sent already is still answered. */
static bool
is_over(struct crew *c)
{
	return atomic_load(&c->stopping) &&
	    (clock_mono_ms() >= c->drain_until_ms || !listener_has_more());
}

static void
open_unasked(struct worker *w)
{
	struct crew *c = w->crew;

	if (w->opened || !run_opens_unasked(c->run))
		return;
	enter(w, WORKING);	/* a poke would disturb it */
	w->opened = run_open(c->run, NULL) == RC_OK;
	enter(w, WAITING);
	if (c->run->denied)
		crew_end(c, 2);
}

/* Wait for a connection, into w->fcgx.ipcFd.  False: the worker's end. */
static bool
next_connection(struct worker *w)
{
	struct crew *c = w->crew;
	enum rc rc = RC_RETRY;
	int fd = -1;

	set_busy(w, false);
	enter(w, WAITING);
	while (rc == RC_RETRY && !is_over(c)) {
		open_unasked(w);
		rc = listener_accept(&c->listener, &fd);
	}
	enter(w, READING);
	if (rc == RC_IO)
		crew_end(c, 1);
	if (rc != RC_OK)
		return false;
	w->fcgx.ipcFd = fd;
	set_busy(w, true);
	if (all_busy(c))
		crew_grow(c);
	return true;
}

/*
 * Wait for the next request on a connection the web server keeps open.  False
 * if none comes for a while, at once or nearly so when other connections need
 * this worker.
 */
static bool
next_on_kept(struct worker *w)
{
	struct crew *c = w->crew;
	struct pollfd p = { .fd = w->fcgx.ipcFd, .events = POLLIN };
	int timeout = all_busy(c) ? KEPT_CROWDED_MS : KEPT_MS;
	int n = -1;

	enter(w, WAITING);
	if (!atomic_load(&c->stopping))
		n = poll(&p, 1, timeout);
	enter(w, READING);
	return n == 1;
}

static void
hang_up(struct worker *w)
{
	close(w->fcgx.ipcFd);
	w->fcgx.ipcFd = -1;
}

/*
 * The next request, read up to its body.  False: the worker's end.  fcgiapp.h
 * asks to leave ipcFd and keepConnection alone; they have been what they are
 * since 2002.  A connection that is set is used by FCGX_Accept_r, which first
 * would close it if it were not marked as kept; and as libfcgi was given no
 * socket to listen on, it returns when the connection fails.
 */
static bool
next_request(struct worker *w)
{
	FCGX_Request *f = &w->fcgx;

	for (;;) {
		if (f->ipcFd != -1 && !next_on_kept(w))
			hang_up(w);
		if (f->ipcFd == -1 && !next_connection(w))
			return false;
		f->keepConnection = 1;
		if (FCGX_Accept_r(f) == 0) {
			enter(w, WORKING);
			return true;
		}
		f->ipcFd = -1;		/* libfcgi has closed it */
	}
}

static ssize_t
read_stream(struct req_source *src, char *to, size_t len)
{
	FCGX_Stream *in = ((struct fcgi_source *)src)->in;
	int n;

	n = FCGX_GetStr(to, len > INT_MAX ? INT_MAX : (int)len, in);
	return n == 0 && FCGX_GetError(in) != 0 ? -1 : n;
}

static void
put(FCGX_Stream *out, const char *s, size_t len)
{
	while (len > 0) {
		int n = FCGX_PutStr(s, len > INT_MAX ? INT_MAX : (int)len, out);

		if (n <= 0)
			return;		/* the client is gone */
		s += n;
		len -= (size_t)n;
	}
}

/* The request was read to the end of its stream: nothing of it is still in
   the socket, so it can be closed, or kept, without more ado. */
static bool
is_read_whole(const struct req *rq, FCGX_Stream *in)
{
	if (rq->content_length < 0 ? !rq->body_end && rq->method != M_GET :
	    rq->body_read < rq->content_length)
		return false;
	return FCGX_GetChar(in) == EOF && FCGX_GetError(in) == 0;
}

/* Send the rest of an answer of len bytes and let go of the request. */
static void
finish(struct worker *w, size_t len)
{
	FCGX_Request *f = &w->fcgx;
	bool whole = is_read_whole(&w->desk.rq, f->in);
	bool failed = FCGX_FClose(f->err) != 0;

	/* The next request may come the moment this answer is out; a short
	   one leaves in one write that does not block. */
	if (whole && !f->keepConnection && len < SHORT_ANSWER)
		set_busy(w, false);
	failed = FCGX_FClose(f->out) != 0 || failed;
	if (!whole && !failed) {
		/* libfcgi closes gently: a server that is still sending the
		   body gets to read the answer first. */
		FCGX_Free(f, 1);
		f->ipcFd = -1;
		return;
	}
	FCGX_Free(f, 0);
	if (failed || !f->keepConnection)
		hang_up(w);
}

static void
serve_one(struct worker *w)
{
	struct crew *c = w->crew;
	struct desk *d = &w->desk;
	struct fcgi_source src = {
		.source = { .env = w->fcgx.envp, .read = read_stream },
		.in = w->fcgx.in,
	};
	size_t body;

	life_met(&c->life);
	if (!w->opened && run_open(c->run, w->fcgx.envp) == RC_OK) {
		w->opened = true;
		if (all_busy(c))
			crew_grow(c);
	}
	body = run_answer(c->run, d, &src.source);
	put(w->fcgx.out, d->out.s, d->out.len);
	put(w->fcgx.out, d->rs.body.s, body);
	finish(w, d->out.len + body);
	if (c->run->denied)
		crew_end(c, 2);
}

void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct crew *c = w->crew;
	sigset_t poke;

	sigemptyset(&poke);
	sigaddset(&poke, POKE);
	pthread_sigmask(SIG_UNBLOCK, &poke, NULL);
	FCGX_InitRequest(&w->fcgx, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	while (next_request(w))
		serve_one(w);
	desk_clear(&w->desk, c->run->program);
	pthread_mutex_lock(&w->lock);
	w->gone = true;
	pthread_mutex_unlock(&w->lock);
	pthread_mutex_lock(&c->lock);
	c->alive--;
	pthread_cond_signal(&c->left);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}
