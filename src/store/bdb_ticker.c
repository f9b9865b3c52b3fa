#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include "base/log.h"
#include "store/bdb_env.h"

#define TICK_MS		250

struct ticker {
	pthread_t	 thread;
	pthread_mutex_t	 lock;
	pthread_cond_t	 wake;
	bool		 stop;
};

static void *
tick(void *arg)
{
	struct store *st = arg;
	struct ticker *t = st->ticker;
	struct timespec at;
	int rejected;

	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_nsec += TICK_MS * 1000000L;
		at.tv_sec += at.tv_nsec / 1000000000L;
		at.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&t->wake, &t->lock, &at);
		pthread_mutex_unlock(&t->lock);
		if (gate_enter_attached(st->gate) == RC_OK) {
			/* An error here is found by those who work. */
			st->env->lock_detect(st->env, 0, DB_LOCK_MINWRITE,
			    &rejected);
			gate_leave(st->gate);
		}
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

enum rc
bdb_ticker_start(struct store *st)
{
	struct ticker *t = calloc(1, sizeof *t);
	pthread_condattr_t attr;
	sigset_t all, old;
	int error;

	if (t == NULL)
		log_fatal("out of memory: ticker");
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	st->ticker = t;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&t->thread, NULL, tick, st);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0)
		return RC_OK;
	log_error("ticker thread: %s", strerror(error));
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
	st->ticker = NULL;
	return RC_IO;
}

void
bdb_ticker_stop(struct store *st)
{
	struct ticker *t = st->ticker;

	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
	st->ticker = NULL;
}
