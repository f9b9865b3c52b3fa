/*
 * The threads of a standing process that do what nobody asks for: have
 * deadlocks found, which lock timeouts need too, and keep the store in order.
 * Two of them, since what keeps order waits for locks itself.  Neither attaches
 * a store that this process has left.
 */
#include <stdlib.h>
#include <time.h>
#include "base/log.h"
#include "base/thread.h"
#include "store/bdb_env.h"

#define DETECT_MS	250
#define MAINTAIN_MS	2000

typedef void work_fn(struct store *st);

struct beat {
	struct store	*st;
	work_fn		*fn;
	int64_t		 every_ms;
	pthread_t	 thread;
	bool		 started;
};

struct ticker {
	pthread_mutex_t	 lock;		/* of stop */
	pthread_cond_t	 wake;
	bool		 stop;
	struct beat	 detect, maintain;
};

static void
detect(struct store *st)
{
	int rejected;

	if (gate_enter_attached(st->gate) != RC_OK)
		return;
	/* An error here is found by those who work. */
	st->env->lock_detect(st->env, 0, DB_LOCK_MINWRITE, &rejected);
	gate_leave(st->gate);
}

/* What it can't do now it logs, and does the next time. */
static void
maintain(struct store *st)
{
	if (gate_enter_attached(st->gate) != RC_OK)
		return;
	gate_leave(st->gate);
	(void)!store_maintain(st);
}

static void *
beat(void *arg)
{
	struct beat *b = arg;
	struct ticker *t = b->st->ticker;
	struct timespec at;
	int error;

	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_sec += b->every_ms / 1000;
		at.tv_nsec += b->every_ms % 1000 * 1000000L;
		at.tv_sec += at.tv_nsec / 1000000000L;
		at.tv_nsec %= 1000000000L;
		do {
			error = pthread_cond_timedwait(&t->wake, &t->lock,
			    &at);
		} while (!t->stop && error == 0);
		if (t->stop)
			break;
		pthread_mutex_unlock(&t->lock);
		b->fn(b->st);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void
start(struct beat *b)
{
	int error = thread_start(&b->thread, beat, b);

	b->started = error == 0;
	if (error != 0)
		log_error("a thread of the store: %s", strerror(error));
}

enum rc
bdb_ticker_start(struct store *st)
{
	struct ticker *t = calloc(1, sizeof *t);

	if (t == NULL)
		log_fatal("out of memory: ticker");
	pthread_mutex_init(&t->lock, NULL);
	thread_cond_init(&t->wake);
	st->ticker = t;
	t->detect = (struct beat){ .st = st, .fn = detect,
	    .every_ms = DETECT_MS };
	t->maintain = (struct beat){ .st = st, .fn = maintain,
	    .every_ms = MAINTAIN_MS };
	start(&t->detect);
	if (t->detect.started)
		start(&t->maintain);
	if (t->maintain.started)
		return RC_OK;
	bdb_ticker_stop(st);
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
	pthread_cond_broadcast(&t->wake);
	pthread_mutex_unlock(&t->lock);
	if (t->detect.started)
		pthread_join(t->detect.thread, NULL);
	if (t->maintain.started)
		pthread_join(t->maintain.thread, NULL);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
	st->ticker = NULL;
}
