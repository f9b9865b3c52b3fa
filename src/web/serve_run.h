/*
 * serve_run - what the parts of serve share; for serve*.c alone.
 *
 * serve.c decides how the program was started and answers one request at a
 * time; serve_fcgi.c and serve_worker.c bring it requests on worker threads,
 * serve_cgi.c the one of a CGI process; serve_listen.c takes connections,
 * serve_life.c says when a standing program is over.
 */
#ifndef WEB_SERVE_RUN_H
#define WEB_SERVE_RUN_H

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include "web/serve.h"

#define THREADS_MAX	1024

/*
 * Until the program is open there is one worker at most, so that opening runs
 * undisturbed.  lock guards open, stopping and app between that worker and
 * the thread that takes the signals.
 */
struct run {
	const struct program *program;
	const char	*conf_flag;	/* --conf; NULL: not given */
	bool		 standing;
	struct conf	 conf;		/* valid once open */
	int64_t		 again_ms;	/* monotonic; no try to open before */
	bool		 denied;	/* this user may not: of no use */

	pthread_mutex_t	 lock;
	bool		 open, stopping, told;
	void		*app;
};

/* What a worker keeps from one request to the next. */
struct desk {
	struct req	 rq;
	struct resp	 rs;
	struct buf	 scratch;
	struct buf	 out;		/* head of the answer */
	void		*local;
};

/*
 * Open the program: find and read the configuration, become the store's
 * owner, call its open.  env has the parameters of the first request, or is
 * NULL at start.  Does nothing if it is open.  Whatever fails is logged here.
 *   RC_RETRY   not now; the last failure is less than a second old
 *   RC_DENIED  this user is the wrong one; run->denied is set
 *   others     as the failing part had it
 */
MUST_USE enum rc run_open(struct run *run, char *const *env);

/* It is to be opened without a request, and can be. */
bool run_opens_unasked(const struct run *run);

/* Tell the program to stop, if it is open and was not told. */
void run_tell_stop(struct run *run);

/* Close the program, if it is open. */
void run_close(struct run *run);

/*
 * Answer one request, opening the program if need be: d->out has the head of
 * the answer, d->rs.body the body.  Returns the bytes of body to send.
 */
size_t run_answer(struct run *run, struct desk *d, struct req_source *src);

void desk_init(struct desk *d);
void desk_clear(struct desk *d, const struct program *p);

/* The whole life of a FastCGI program, or of a CGI process. */
MUST_USE int serve_fcgi(struct run *run);
MUST_USE int serve_cgi(struct run *run);

/* The signals that mean stop; blocked in every thread. */
void serve_stop_signals(sigset_t *set);

/*
 * The listening socket the web server left on descriptor 0.  It may be shared
 * with that server and with other processes, so its flags stay as they are.
 */
struct listener {
	bool		 inet;		/* TCP, not a unix socket */
	const char	*allowed;	/* FCGI_WEB_SERVER_ADDRS; NULL: all */
	char		 path[108];	/* of a unix socket; "" unknown */
	struct stat	 own;		/* that path, when this began */
	atomic_int	 server;	/* pid of who connected last; 0 unknown */
};

void listener_init(struct listener *l);

/*
 * Take a connection into *fd, waiting for one; a signal ends the wait.
 *   RC_RETRY  a signal came, or a connection that is not to be served
 *   RC_IO     the socket is of no use any more; logged
 */
MUST_USE enum rc listener_accept(struct listener *l, int *fd);

/* A connection is waiting to be taken. */
bool listener_has_more(void);

/*
 * The parent is gone.  A new web server that finds a program listening where
 * it would start its own uses it, but never starts another when that one ends.
 * So the socket's name is taken away before this program ends.  False: such a
 * server is here already, and this program must stay.
 */
MUST_USE bool listener_leave(struct listener *l, int parent);

/*
 * life - whether a standing program still has a reason to stand.
 */
struct life {
	int64_t		 start_ms;	/* monotonic */
	atomic_int	 parent;	/* pid; 0: not settled yet */
	char		 exe[PATH_MAX];	/* where the binary was; "" unknown */
	struct stat	 own;		/* the binary this process runs */
};

void life_init(struct life *l);

/* A request has come: the parent it has now is its parent.  Any thread. */
void life_met(struct life *l);

/* The parent it had is gone. */
bool life_orphan(const struct life *l);

/*
 * Called every half second or so: why the program is over, as a phrase for
 * the log, or NULL.
 */
const char *life_over(struct life *l);

#endif
