/*
 * serve_fcgi - worker threads that take requests from a FastCGI socket.
 *
 * A worker takes a connection, answers its request, and goes on; when the last
 * free one takes a connection another is started, up to [intake] threads.
 * libfcgi speaks the protocol.  Taking and closing connections is done here,
 * because its own way costs four more system calls a request and waits, after
 * each answer, until the web server has closed its end.  The main thread takes
 * the signals, watches whether the program still has a reason to stand, and at
 * the end pokes out of their wait those who wait, and only those: a signal
 * that meets libfcgi in a read or a write would cost a request.
 */
#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "web/serve_run.h"

#define POKE		SIGUSR2
#define POKE_MS		2	/* a poke can come just before the wait */
#define TICK_MS		500	/* between two looks at parent and binary */
#define DRAIN_MS	300	/* told to stop, take what already waits */
#define SILENT_MS	500	/* told to stop, wait for a silent server */
#define SILENT_TICKS	10	/* else: 5 s for the head of a request */
#define STOP_MAX_MS	30000	/* told to stop, wait for a handler */
#define KEPT_MS		2000	/* a kept connection without a request */
#define KEPT_CROWDED_MS	20	/* the same while nobody is left to accept */

enum state { WAITING, READING, WORKING };

struct worker {
	struct crew	*crew;
	pthread_t	 thread;
	pthread_mutex_t	 lock;		/* held to change state, and to poke */
	enum state	 state;
	unsigned	 turn;		/* counts changes of state */
	bool		 gone;
	bool		 busy;		/* counted in crew.busy */
	bool		 opened;	/* it knows that the program is open */
	unsigned	 seen, ticks;	/* main's: turn, and for how long */
	FCGX_Request	 fcgx;
	struct desk	 desk;
};

struct crew {
	struct run	*run;
	struct listener	 listener;
	struct life	 life;
	pthread_t	 main;
	atomic_int	 busy;		/* workers that can't take a connection */
	atomic_bool	 stopping;
	int64_t		 drain_until_ms;	/* set before stopping */
	atomic_int	 status;	/* exit status */

	pthread_mutex_t	 lock;		/* of what follows */
	pthread_cond_t	 left;		/* a worker has gone */
	struct worker	*worker[THREADS_MAX];
	atomic_int	 n;		/* read without lock too */
	int		 alive;
	bool		 full;		/* the system gives no more threads */
};

struct fcgi_source {
	struct req_source source;
	FCGX_Stream	*in;
};

static void *work(void *arg);

/* One, until the program is open. */
static int
threads_max(const struct run *run)
{
	if (!run->open || run->conf.intake_threads < 1)
		return 1;
	return run->conf.intake_threads > THREADS_MAX ? THREADS_MAX :
	    (int)run->conf.intake_threads;
}

/* Start one more worker, if there may be one. */
static void
grow(struct crew *c)
{
	struct worker *w = NULL;
	pthread_attr_t attr;
	int error;

	pthread_mutex_lock(&c->lock);
	if (c->full || c->n >= threads_max(c->run) ||
	    atomic_load(&c->stopping))
		goto done;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		log_fatal("out of memory: a worker");
	w->crew = c;
	w->state = READING;
	pthread_mutex_init(&w->lock, NULL);
	desk_init(&w->desk);
	pthread_attr_init(&attr);
	/* Virtual only, but hosts that count it are the ones we run on. */
	pthread_attr_setstacksize(&attr, 1024 * 1024);
	error = pthread_create(&w->thread, &attr, work, w);
	pthread_attr_destroy(&attr);
	if (error != 0) {
		log_warn("no more than %d workers: %s", c->n, strerror(error));
		c->full = true;
		free(w);
		goto done;
	}
	c->worker[c->n++] = w;
	c->alive++;
done:
	pthread_mutex_unlock(&c->lock);
}

/* Ask the main thread to end the program. */
static void
end_with(struct crew *c, int status)
{
	atomic_store(&c->status, status);
	pthread_kill(c->main, SIGTERM);
}

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

/* Wait for a connection, into w->fcgx.ipcFd.  False: the worker's end. */
static bool
next_connection(struct worker *w)
{
	struct crew *c = w->crew;
	enum rc rc = RC_RETRY;
	int fd = -1;

	set_busy(w, false);
	enter(w, WAITING);
	while (rc == RC_RETRY && !is_over(c))
		rc = listener_accept(&c->listener, &fd);
	enter(w, READING);
	if (rc == RC_IO)
		end_with(c, 1);
	if (rc != RC_OK)
		return false;
	w->fcgx.ipcFd = fd;
	set_busy(w, true);
	if (all_busy(c))
		grow(c);
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

/* Send the rest of the answer and let go of the request. */
static void
finish(struct worker *w)
{
	FCGX_Request *f = &w->fcgx;
	bool whole = is_read_whole(&w->desk.rq, f->in);
	bool failed = FCGX_FClose(f->err) != 0;

	/* The next request may come the moment this answer is out. */
	if (whole && !f->keepConnection)
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
			grow(c);
	}
	body = run_answer(c->run, d, &src.source);
	put(w->fcgx.out, d->out.s, d->out.len);
	put(w->fcgx.out, d->rs.body.s, body);
	finish(w);
	if (c->run->denied)
		end_with(c, 2);
}

static void *
work(void *arg)
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

/* Poke those who wait, and when silent also those whose web server connected
   and then said nothing. */
static void
poke_all(struct crew *c, bool silent)
{
	for (int i = 0; i < c->n; i++) {
		struct worker *w = c->worker[i];

		pthread_mutex_lock(&w->lock);
		if (!w->gone && (w->state == WAITING ||
		    (silent && w->state == READING)))
			pthread_kill(w->thread, POKE);
		pthread_mutex_unlock(&w->lock);
	}
}

static void
stop(struct crew *c)
{
	int64_t told_ms = clock_mono_ms(), took_ms = 0;

	c->drain_until_ms = told_ms + DRAIN_MS;
	atomic_store(&c->stopping, true);
	run_tell_stop(c->run);
	pthread_mutex_lock(&c->lock);
	while (c->alive > 0) {
		struct timespec until;

		poke_all(c, took_ms > SILENT_MS);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += POKE_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		pthread_cond_clockwait(&c->left, &c->lock, CLOCK_MONOTONIC,
		    &until);
		took_ms = clock_mono_ms() - told_ms;
		if (took_ms > STOP_MAX_MS)
			log_fatal("a request did not end within %d s of being "
			    "told to", STOP_MAX_MS / 1000);
	}
	pthread_mutex_unlock(&c->lock);
	for (int i = 0; i < c->n; i++) {
		pthread_join(c->worker[i]->thread, NULL);
		pthread_mutex_destroy(&c->worker[i]->lock);
		free(c->worker[i]);
	}
}

/* A web server that connects and then says nothing must not hold a worker. */
static void
poke_stuck(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	for (int i = 0; i < c->n; i++) {
		struct worker *w = c->worker[i];

		pthread_mutex_lock(&w->lock);
		if (w->state != READING || w->turn != w->seen)
			w->ticks = 0;
		else if (++w->ticks >= SILENT_TICKS && !w->gone)
			pthread_kill(w->thread, POKE);
		w->seen = w->turn;
		pthread_mutex_unlock(&w->lock);
	}
	pthread_mutex_unlock(&c->lock);
}

/* Until a signal says stop, or there is no more reason to stand. */
static void
stand(struct crew *c)
{
	struct timespec tick = { 0, TICK_MS * 1000000L };
	const char *over;
	sigset_t set;

	serve_stop_signals(&set);
	for (;;) {
		if (sigtimedwait(&set, NULL, &tick) > 0)
			return;
		poke_stuck(c);
		over = life_over(&c->life);
		if (over != NULL) {
			log_info("ending: %s", over);
			return;
		}
	}
}

static void
poked(int sig)
{
	(void)sig;		/* its coming ends a system call: enough */
}

int
serve_fcgi(struct run *run)
{
	struct sigaction poke = { .sa_handler = poked };
	struct crew c = { .run = run, .main = pthread_self(),
	    .lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER };
	sigset_t set;

	life_init(&c.life);
	listener_init(&c.listener);
	sigemptyset(&set);
	sigaddset(&set, POKE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(POKE, &poke, NULL);
	if (run->program->open_at_start && run_knows_conf(run) &&
	    run_open(run, NULL) == RC_DENIED)
		return 2;
	grow(&c);
	if (c.alive == 0)
		return 1;
	stand(&c);
	stop(&c);
	run_close(run);
	return atomic_load(&c.status);
}
