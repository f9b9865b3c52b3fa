/*
 * serve_fcgi - a standing program: its threads, its signals, its end.
 *
 * Workers (serve_worker.c) take the requests; when all have one, another is
 * started, up to [intake] threads.  The main thread takes the signals, watches
 * whether the program still has a reason to stand, and in the end pokes those
 * who wait out of their wait, joins all, and closes the program.
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include "base/clock.h"
#include "base/log.h"
#include "web/serve_crew.h"

#define PARENT_DIED	SIGRTMIN	/* perhaps: life_orphan tells */
#define POKE_MS		2	/* a poke can come just before the wait */
#define TICK_MS		500	/* between two looks at parent and binary */
#define DRAIN_MS	300	/* told to stop, take what already waits */
#define SILENT_MS	500	/* told to stop, wait for a silent server */
#define SILENT_TICKS	10	/* else: 5 s for the head of a request */
#define STOP_MAX_MS	30000	/* told to stop, wait for a handler */

/* One, until the program is open. */
static int
threads_max(const struct run *run)
{
	if (!run->open || run->conf.intake_threads < 1)
		return 1;
	return run->conf.intake_threads > THREADS_MAX ? THREADS_MAX :
	    (int)run->conf.intake_threads;
}

void
crew_grow(struct crew *c)
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
	error = pthread_create(&w->thread, &attr, worker_main, w);
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

void
crew_end(struct crew *c, int status)
{
	atomic_store(&c->status, status);
	pthread_kill(c->main, SIGTERM);
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

/* What could not be opened at the start is tried again, by the one worker. */
static void
poke_to_open(struct crew *c)
{
	bool open;

	pthread_mutex_lock(&c->run->lock);
	open = c->run->open;
	pthread_mutex_unlock(&c->run->lock);
	if (open || !run_opens_unasked(c->run))
		return;
	pthread_mutex_lock(&c->lock);
	poke_all(c, false);
	pthread_mutex_unlock(&c->lock);
}

/* Until a signal says stop, or there is no more reason to stand. */
static void
stand(struct crew *c)
{
	struct timespec tick = { 0, TICK_MS * 1000000L };
	const char *over;
	sigset_t set;
	int sig;

	serve_stop_signals(&set);
	sigaddset(&set, PARENT_DIED);
	for (;;) {
		/* Again each time: a change of user forgets it. */
		prctl(PR_SET_PDEATHSIG, PARENT_DIED);
		sig = sigtimedwait(&set, NULL, &tick);
		if (sig > 0 && sig != PARENT_DIED)
			return;
		poke_stuck(c);
		poke_to_open(c);
		over = life_over(&c->life);
		if (over == NULL || (life_orphan(&c->life) &&
		    !listener_leave(&c->listener,
		    atomic_load(&c->life.parent))))
			continue;
		log_info("ending: %s", over);
		return;
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
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .left = PTHREAD_COND_INITIALIZER };
	sigset_t set;

	life_init(&c.life);
	listener_init(&c.listener);
	sigemptyset(&set);
	sigaddset(&set, POKE);
	sigaddset(&set, PARENT_DIED);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(POKE, &poke, NULL);
	if (run_opens_unasked(run) && run_open(run, NULL) == RC_DENIED)
		return 2;
	crew_grow(&c);
	if (atomic_load(&c.n) == 0)
		return 1;
	stand(&c);
	stop(&c);
	run_close(run);
	return atomic_load(&c.status);
}
