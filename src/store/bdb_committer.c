#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_accept.h"
#include "store/bdb_committer.h"

/* One call of committer_accept, on its caller's stack. */
struct ticket {
	struct accept_list	 list;
	sem_t			 wake;	/* its caller waits here alone */
	bool			 lead;	/* on waking: go on, don't return */
	struct ticket		*next;
};

struct committer {
	pthread_mutex_t		 lock;
	struct ticket		*first, **last;	/* waiting, as they came */
	bool			 led;		/* somebody leads */

	/* the leader's alone */
	struct store_accept	*fit[STORE_BATCH_EVENTS];
	int64_t			 newest_ms;
};

enum rc
bdb_committer_start(struct store *st)
{
	struct committer *c = calloc(1, sizeof *c);

	if (c == NULL)
		log_fatal("out of memory: %zu bytes", sizeof *c);
	pthread_mutex_init(&c->lock, NULL);
	c->last = &c->first;
	st->committer = c;
	return RC_OK;
}

void
bdb_committer_stop(struct store *st)
{
	if (st->committer == NULL)
		return;
	pthread_mutex_destroy(&st->committer->lock);
	free(st->committer);
	st->committer = NULL;
}

/* Queue a ticket, and wait for it unless its caller is the first to come. */
static void
join(struct committer *c, struct ticket *t)
{
	bool first;

	pthread_mutex_lock(&c->lock);
	*c->last = t;
	c->last = &t->next;
	first = !c->led;
	t->lead = first;	/* from here on it is the leader's to set */
	c->led = true;
	pthread_mutex_unlock(&c->lock);
	if (first)
		return;
	while (sem_wait(&t->wake) != 0 && errno == EINTR)
		;
}

/*
 * Gather one transaction from the front of the queue.  Tickets that are then
 * wholly in it leave the queue and are returned, in order; one that is partly
 * in it stays in front.
 */
static struct ticket *
gather(struct committer *c, size_t *nfit)
{
	struct accept_room room = accept_room();
	struct ticket *served = NULL, **end = &served, *t;

	*nfit = 0;
	pthread_mutex_lock(&c->lock);
	for (t = c->first; t != NULL; t = c->first) {
		accept_gather(&t->list, &room, c->fit, nfit);
		if (t->list.next < t->list.n)
			break;
		c->first = t->next;
		t->next = NULL;
		*end = t;
		end = &t->next;
	}
	if (c->first == NULL)
		c->last = &c->first;
	pthread_mutex_unlock(&c->lock);
	return served;
}

/* Give up the lead, to the first that waits. */
static void
hand_over(struct committer *c)
{
	struct ticket *heir;

	pthread_mutex_lock(&c->lock);
	heir = c->first;
	c->led = heir != NULL;
	if (heir != NULL)
		heir->lead = true;
	pthread_mutex_unlock(&c->lock);
	if (heir != NULL)
		sem_post(&heir->wake);
}

/* A ticket is its caller's again as soon as it is woken. */
static void
wake(struct ticket *served, const struct ticket *own)
{
	for (struct ticket *t = served, *next; t != NULL; t = next) {
		next = t->next;
		if (t != own)
			sem_post(&t->wake);
	}
}

/*
 * Own is in front of the queue and stays there until it is wholly served.
 * Those who were served are woken before the lead is handed over: they come
 * back in time for the next transaction, which is then twice as large.
 */
static void
lead(struct store *st, struct committer *c, const struct ticket *own)
{
	struct ticket *served;
	size_t nfit;
	bool done;

	do {
		served = gather(c, &nfit);
		if (nfit > 0)
			accept_batch(st, c->fit, nfit, &c->newest_ms);
		done = served != NULL;
		wake(served, own);
	} while (!done);
	hand_over(c);
}

void
committer_accept(struct store *st, struct store_accept *item, size_t n)
{
	struct committer *c = st->committer;
	struct ticket t = { .list = { .item = item, .n = n } };

	sem_init(&t.wake, 0, 0);
	join(c, &t);
	if (t.lead)
		lead(st, c, &t);
	sem_destroy(&t.wake);
}
