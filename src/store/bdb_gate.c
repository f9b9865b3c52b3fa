#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/bdb_gate_in.h"

#define LOOK_MS		5	/* between looks for DIR/recover, a process */

enum rc
gate_new(struct gate **out, const char *dir, const struct gate_ops *ops,
    void *arg, const char *library, const char *shape, struct buf *why)
{
	struct gate *g;
	enum rc rc;

	if (strlen(dir) >= sizeof g->dir ||
	    strlen(library) >= sizeof g->library ||
	    strlen(shape) >= sizeof g->shape) {
		buf_printf(why, "%s: name too long", dir);
		return RC_INVALID;
	}
	rc = slot_dir(dir);
	if (rc != RC_OK) {
		buf_printf(why, "%s/run: %s", dir, strerror(errno));
		return rc;
	}
	g = calloc(1, sizeof *g);
	if (g == NULL)
		log_fatal("out of memory: gate");
	snprintf(g->dir, sizeof g->dir, "%s", dir);
	snprintf(g->path, sizeof g->path, "%s/gate", dir);
	snprintf(g->flag, sizeof g->flag, "%s/recover", dir);
	snprintf(g->library, sizeof g->library, "%s", library);
	snprintf(g->shape, sizeof g->shape, "%s", shape);
	slot_boot(g->boot);
	g->ops = ops;
	g->arg = arg;
	g->fd = g->slot.fd = -1;
	pthread_mutex_init(&g->lock, NULL);
	thread_cond_init(&g->changed);
	thread_cond_init(&g->watch);
	thread_cond_init(&g->carry);
	*out = g;
	return RC_OK;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	gate_idle(g);
	pthread_mutex_lock(&g->lock);
	g->stop = true;
	pthread_cond_broadcast(&g->watch);
	pthread_cond_broadcast(&g->carry);
	pthread_mutex_unlock(&g->lock);
	if (g->watching)
		pthread_join(g->watchdog, NULL);
	if (g->carrying)
		pthread_join(g->porter, NULL);
	pthread_cond_destroy(&g->changed);
	pthread_cond_destroy(&g->watch);
	pthread_cond_destroy(&g->carry);
	pthread_mutex_destroy(&g->lock);
	free(g->visit);
	free(g);
}

/* This thread's visit, or a free entry; the lock is held. */
static struct visit *
visit_of(struct gate *g)
{
	struct visit *unused = NULL, *v;

	for (size_t i = 0; i < g->nvisit; i++) {
		v = &g->visit[i];
		if (v->depth == 0)
			unused = v;
		else if (pthread_equal(v->who, pthread_self()))
			return v;
	}
	if (unused == NULL) {
		v = realloc(g->visit, (g->nvisit + 8) * sizeof *v);
		if (v == NULL)
			log_fatal("out of memory: gate");
		memset(v + g->nvisit, 0, 8 * sizeof *v);
		g->visit = v;
		unused = v + g->nvisit;
		g->nvisit += 8;
	}
	return unused;
}

/* From now on the watchdog judges what this thread does; the lock is held. */
void
gate_visit_begin(struct gate *g, enum visit_kind kind)
{
	struct visit *v = visit_of(g);

	v->who = pthread_self();
	v->depth = 1;
	v->kind = kind;
	v->since_ms = clock_mono_ms();
}

void
gate_visit_end(struct gate *g)
{
	visit_of(g)->depth = 0;
}

bool
gate_flag_make(struct gate *g)
{
	int fd = open(g->flag, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		return false;
	close(fd);
	return true;
}

void
gate_raise(struct gate *g)
{
	/*
	 * Where not even an empty file can be made: our slot, once this
	 * process has ended, says the same.
	 */
	if (!gate_flag_make(g))
		log_error("%s: %s", g->flag, strerror(errno));
	atomic_store(&g->raised, true);
}

bool
gate_raised(struct gate *g)
{
	return atomic_load(&g->raised);
}

uint64_t
gate_recoveries(struct gate *g)
{
	return atomic_load(&g->recoveries);
}

void
gate_why(struct gate *g, struct buf *why)
{
	pthread_mutex_lock(&g->lock);
	buf_puts(why, g->why);
	pthread_mutex_unlock(&g->lock);
}

/*
 * Looking every few ms is enough: nobody can recover before this process has
 * given up its lock, so a late look delays a recovery and endangers nothing.
 */
static void
look(struct gate *g)
{
	int64_t now = clock_mono_ms();

	if (now - g->looked_ms < LOOK_MS || atomic_load(&g->raised))
		return;
	g->looked_ms = now;
	if (access(g->flag, F_OK) == 0)
		atomic_store(&g->raised, true);
}

enum rc
gate_enter(struct gate *g, bool long_work)
{
	enum visit_kind kind = long_work ? VISIT_LONG : VISIT_ORDINARY;
	int64_t deadline = clock_mono_ms() + GATE_WAIT_MS;
	struct timespec until = gate_time(deadline);
	struct visit *v;
	enum rc rc = RC_OK;

	pthread_mutex_lock(&g->lock);
	v = visit_of(g);
	if (v->depth > 0) {
		v->depth++;
		if (kind > v->kind)
			v->kind = kind;
		goto done;
	}
	gate_watch(g);
	for (;;) {
		if (g->attached && !g->moving)
			look(g);
		if (g->moving || (g->attached && g->nin > 0 &&
		    atomic_load(&g->raised))) {
			if (pthread_cond_timedwait(&g->changed, &g->lock,
			    &until) == ETIMEDOUT) {
				rc = RC_RETRY;
				goto done;
			}
		} else if (g->attached && !atomic_load(&g->raised)) {
			break;
		} else if (!g->attached && g->again_ms > clock_mono_ms()) {
			rc = g->failed;
			goto done;
		} else if (g->attached) {
			gate_move_out(g);
		} else {
			rc = gate_move_in(g, deadline);
			if (rc != RC_OK)
				goto done;
		}
	}
	gate_visit_begin(g, kind);
	g->nin++;
done:
	pthread_mutex_unlock(&g->lock);
	return rc;
}

enum rc
gate_enter_attached(struct gate *g)
{
	enum rc rc = RC_NOTFOUND;
	struct visit *v;

	pthread_mutex_lock(&g->lock);
	v = visit_of(g);
	if (v->depth > 0) {
		v->depth++;
		rc = RC_OK;
		goto done;
	}
	if (g->attached && !g->moving)
		look(g);
	if (g->attached && !g->moving && !atomic_load(&g->raised)) {
		gate_visit_begin(g, VISIT_ORDINARY);
		g->nin++;
		rc = RC_OK;
	}
done:
	pthread_mutex_unlock(&g->lock);
	return rc;
}

void
gate_leave(struct gate *g)
{
	struct visit *v;

	pthread_mutex_lock(&g->lock);
	v = visit_of(g);
	if (v->depth == 0)
		log_fatal("gate: left more often than entered");
	if (--v->depth == 0 && --g->nin == 0)
		pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

void
gate_idle(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	if (g->attached && !g->moving && g->nin == 0)
		gate_move_out(g);
	pthread_mutex_unlock(&g->lock);
}

