/*
 * serve_crew - the threads of a FastCGI program; for serve_fcgi.c, which
 * starts and ends them, and serve_worker.c, which is what each of them does.
 *
 * Invariant: a worker is poked only while it waits, or when its web server has
 * been silent too long; a signal that meets libfcgi in a read or a write would
 * cost a request.
 */
#ifndef WEB_SERVE_CREW_H
#define WEB_SERVE_CREW_H

#include <fcgiapp.h>
#include "web/serve_run.h"

#define POKE		SIGUSR2	/* ends a system call, does nothing else */

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
	atomic_int	 busy;		/* workers not free for a connection */
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

/* The life of a worker: start it with its struct worker. */
void *worker_main(void *arg);

/* Start one more worker, if there may be one. */
void crew_grow(struct crew *c);

/* Ask the main thread to end the program with that exit status. */
void crew_end(struct crew *c, int status);

#endif
