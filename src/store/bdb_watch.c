#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/bdb_gate_in.h"

#define WATCH_MS	100	/* between rounds of the watchdog */
#define WATCH_LATE_MS	1000	/* a round this late: we were all stopped */
#define TELL_MS		50	/* for a last line in the log */

static void
pause_ms(int64_t ms)
{
	struct timespec ts = gate_time(ms);

	nanosleep(&ts, NULL);
}

static void *
tell(void *arg)
{
	struct gate *g = arg;

	log_error("stuck inside the store for too long%s: ending",
	    atomic_load(&g->raised) ? " while it is to be recovered" : "");
	return NULL;
}

/* A log that can't be written to must not keep us: tell it in passing. */
static void
end_process(struct gate *g)
{
	pthread_t t;

	if (pthread_create(&t, NULL, tell, g) == 0) {
		pthread_detach(t);
		pause_ms(TELL_MS);
	}
	_exit(GATE_EXIT);
}

/* Is a thread inside for longer than it may?  The lock is held. */
static bool
overdue(const struct gate *g, int64_t now)
{
	static const int64_t limit[] = {
		[VISIT_ORDINARY] = GATE_LIMIT_MS,
		[VISIT_LONG] = GATE_LIMIT_LONG_MS,
		[VISIT_RECOVERY] = GATE_LIMIT_LONG_MS,
	};

	for (size_t i = 0; i < g->nvisit; i++) {
		const struct visit *v = &g->visit[i];
		int64_t since = v->since_ms;

		if (v->depth == 0)
			continue;
		if (now - since > limit[v->kind])
			return true;
		if (g->raised_ms == 0 || v->kind == VISIT_RECOVERY)
			continue;
		if (since < g->raised_ms)
			since = g->raised_ms;
		if (now - since > GATE_LIMIT_DRAIN_MS)
			return true;
	}
	return false;
}

static bool
anybody(const struct gate *g)
{
	for (size_t i = 0; i < g->nvisit; i++)
		if (g->visit[i].depth > 0)
			return true;
	return false;
}

/* Leaves for a process that has nobody inside to do it; see watch. */
static void *
carry(void *arg)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->lock);
	while (!g->stop) {
		if (g->attached && !g->moving && g->nin == 0 &&
		    atomic_load(&g->raised))
			gate_move_out(g);
		else
			pthread_cond_wait(&g->carry, &g->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* Look around: the lock is held, and given up for the time it takes. */
static void
watch_round(struct gate *g, bool slots)
{
	uint64_t held = g->held;
	bool flag, dead;

	pthread_mutex_unlock(&g->lock);
	flag = access(g->flag, F_OK) == 0;
	dead = slots && !flag && slot_any_dead(g->dir);
	pthread_mutex_lock(&g->lock);
	/* What was seen may be history if we left meanwhile. */
	if (!g->holding || g->held != held)
		return;
	if (dead)
		gate_raise(g);
	if (flag)
		atomic_store(&g->raised, true);
}

/*
 * The watchdog: never calls the engine, never waits for a thread that does.
 * What it must have done there (leaving, while nobody is in) the porter does.
 */
static void *
watch(void *arg)
{
	struct gate *g = arg;
	struct timespec until;
	int64_t now, last = clock_mono_ms();
	bool late;

	pthread_mutex_lock(&g->lock);
	for (unsigned n = 0; !g->stop; n++) {
		if (!g->holding && !anybody(g)) {
			pthread_cond_wait(&g->watch, &g->lock);
			last = clock_mono_ms();
			continue;
		}
		until = gate_time(last + WATCH_MS);
		pthread_cond_timedwait(&g->watch, &g->lock, &until);
		now = clock_mono_ms();
		if (now - last < WATCH_MS)
			continue;
		late = now - last > WATCH_LATE_MS;
		last = now;
		if (g->holding)
			watch_round(g, n % 2 == 0);
		if (atomic_load(&g->raised) && g->raised_ms == 0)
			g->raised_ms = now;
		/* After a stop of all threads they get one more round. */
		if (!late && overdue(g, now))
			end_process(g);
		if (atomic_load(&g->raised) && g->attached && !g->moving &&
		    g->nin == 0) {
			if (!g->carrying)
				g->carrying = thread_start(&g->porter, carry,
				    g) == 0;
			pthread_cond_signal(&g->carry);
		}
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

void
gate_watch(struct gate *g)
{
	if (g->watching)
		return;
	/* Without a watchdog one hung thread would hold up everybody. */
	if (thread_start(&g->watchdog, watch, g) != 0)
		log_fatal("can't start a thread");
	g->watching = true;
}
