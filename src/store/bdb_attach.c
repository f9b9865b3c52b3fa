#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_gate_in.h"

#define POLL_MS		3	/* between tries to attach */
#define KILL_MS		(2 * GATE_LIMIT_DRAIN_MS)
#define JOINS_MAX	3	/* failures to join before an attach fails */
#define AGAIN_MIN_MS	1000	/* after a failed recovery, doubled up to */
#define AGAIN_MAX_MS	30000
#define FAILURES_MAX	5	/* failed recoveries before we end */

static void
pause_ms(int64_t ms)
{
	struct timespec ts = gate_time(ms);

	nanosleep(&ts, NULL);
}

/* One of ops->recover, join and leave, under the watchdog's eyes. */
static enum rc
step(struct gate *g, enum visit_kind kind,
    enum rc (*fn)(void *arg, struct buf *why), struct buf *why)
{
	enum rc rc = RC_OK;

	pthread_mutex_lock(&g->lock);
	gate_visit_begin(g, kind);
	pthread_cond_signal(&g->watch);
	pthread_mutex_unlock(&g->lock);
	if (fn != NULL)
		rc = fn(g->arg, why);
	else
		g->ops->leave(g->arg);
	pthread_mutex_lock(&g->lock);
	gate_visit_end(g);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

static void
hold(struct gate *g, bool holding)
{
	pthread_mutex_lock(&g->lock);
	g->holding = holding;
	g->held += holding;
	g->raised_ms = 0;
	atomic_store(&g->raised, false);
	pthread_cond_signal(&g->watch);
	pthread_mutex_unlock(&g->lock);
}

/*
 * Recover, alone: the exclusive lock is held.  The flag stands from before the
 * first step until after the last, so that whoever comes in after we died in
 * between, while others try the lock, does not join half a recovery.
 */
static enum rc
recover_alone(struct gate *g, struct buf *why)
{
	struct slot slot = SLOT_INIT;
	struct slot_state state = { 0 };
	int64_t begun = clock_mono_ms();
	bool clean = access(g->flag, F_OK) == -1 && !slot_any_dead(g->dir);
	enum rc rc;

	if (!gate_flag_make(g)) {
		if (g->ops->make_room != NULL)
			g->ops->make_room(g->arg);
		if (!gate_flag_make(g)) {
			buf_printf(why, "%s: %s", g->flag, strerror(errno));
			return errno == ENOSPC || errno == EDQUOT ?
			    RC_FULL : RC_IO;
		}
	}
	/* For others to end us by; without it they wait for our watchdog. */
	rc = slot_make(&slot, g->dir);
	if (rc == RC_OK)
		rc = slot_show(&slot, SLOT_RECOVERING);
	if (rc != RC_OK)
		log_warn("%s/run: no slot to recover under", g->dir);
	rc = step(g, VISIT_RECOVERY, g->ops->recover, why);
	if (rc != RC_OK) {
		slot_drop(&slot);
		return rc;
	}
	/* A state that can't be read counts anew: it decides nothing. */
	if (slot_state_read(g->dir, &state) != RC_OK)
		state.recoveries = 0;
	state.recoveries++;
	memcpy(state.boot, g->boot, sizeof state.boot);
	memcpy(state.library, g->library, sizeof state.library);
	memcpy(state.shape, g->shape, sizeof state.shape);
	rc = slot_state_write(g->dir, &state);
	if (rc != RC_OK) {
		buf_printf(why, "%s/state: can't be written", g->dir);
		slot_drop(&slot);
		return rc;
	}
	slot_clear(g->dir);
	if (slot.fd != -1)
		close(slot.fd);
	unlink(g->flag);
	if (clean)
		log_debug("recovered the store, nobody was inside");
	else
		log_warn("recovered the store after somebody died inside, "
		    "in %lld ms", (long long)(clock_mono_ms() - begun));
	return RC_OK;
}

/*
 * May the environment be joined as the last one left it?  The exclusive lock
 * is held.  DIR/left is taken in any case: from now on it would be a lie.
 */
static bool
left_in_order(struct gate *g)
{
	bool left = slot_left_take(g->dir);
	struct slot_state s;

	return left && access(g->flag, F_OK) == -1 && !slot_any_dead(g->dir) &&
	    slot_state_read(g->dir, &s) == RC_OK && strcmp(s.boot, "-") != 0 &&
	    strcmp(s.boot, g->boot) == 0 &&
	    strcmp(s.library, g->library) == 0 &&
	    strcmp(s.shape, g->shape) == 0;
}

/*
 * May we go inside what the last recovery left?  The shared lock is held.
 * RC_STALE: it must be recovered first.
 */
static enum rc
check_state(struct gate *g, struct buf *why)
{
	struct slot_state s;

	if (slot_state_read(g->dir, &s) != RC_OK)
		return RC_STALE;
	atomic_store(&g->recoveries, s.recoveries);
	if (strcmp(s.boot, g->boot) != 0 && strcmp(s.boot, "-") != 0 &&
	    strcmp(g->boot, "-") != 0) {
		buf_printf(why, "%s is in use on another machine", g->dir);
		return RC_DENIED;
	}
	if (strcmp(s.library, g->library) == 0)
		return RC_OK;
	if (g->been_in) {
		log_warn("Berkeley DB was replaced while this process ran: "
		    "ending, to be started with the new one");
		slot_drop(&g->slot);
		_exit(GATE_EXIT);
	}
	return RC_STALE;
}

/*
 * One try.  RC_RETRY: not yet, again soon.  Every other result is final.
 */
static enum rc
attach_once(struct gate *g, unsigned *joins, struct buf *why)
{
	enum rc rc;

	g->fd = open(g->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (g->fd == -1) {
		buf_printf(why, "%s: %s", g->path, strerror(errno));
		return errno == ENOSPC || errno == EDQUOT ? RC_FULL : RC_IO;
	}
	if (flock(g->fd, LOCK_EX | LOCK_NB) == 0) {
		rc = left_in_order(g) ? RC_OK : recover_alone(g, why);
		if (rc != RC_OK)
			goto done;
	} else if (access(g->flag, F_OK) == 0) {
		/* Everybody is leaving: don't stand in the door. */
		rc = RC_RETRY;
		goto done;
	}
	/* Before the lock: whoever holds that can be found, and ended. */
	rc = slot_make(&g->slot, g->dir);
	if (rc != RC_OK) {
		buf_printf(why, "%s/run: %s", g->dir, strerror(errno));
		goto done;
	}
	/* Between exclusive and shared somebody else may get in: no matter. */
	if (flock(g->fd, LOCK_SH | LOCK_NB) == -1) {
		rc = RC_RETRY;
		goto done;
	}
	hold(g, true);
	rc = RC_RETRY;
	if (access(g->flag, F_OK) == 0)
		goto done;
	if (slot_any_dead(g->dir)) {
		gate_raise(g);
		goto done;
	}
	rc = check_state(g, why);
	if (rc == RC_STALE) {
		gate_raise(g);
		rc = RC_RETRY;
	}
	if (rc == RC_OK)
		rc = slot_show(&g->slot, SLOT_ATTACHED);
	if (rc != RC_OK)
		goto done;
	rc = step(g, VISIT_ORDINARY, g->ops->join, why);
	if (rc != RC_OK && rc != RC_FULL && rc != RC_INVALID) {
		log_warn("can't join the store: %s", buf_str(why));
		gate_raise(g);
		(*joins)++;
		rc = *joins < JOINS_MAX ? RC_RETRY : RC_IO;
	}
done:
	if (rc != RC_OK) {
		slot_drop(&g->slot);
		close(g->fd);
		g->fd = -1;
		hold(g, false);
	}
	return rc;
}

/*
 * How long has the flag stood that stands now?  A process that was stopped
 * must not take a new one for the old: another file is another flag.
 */
struct standing {
	int64_t		since_ms;	/* 0: it does not */
	ino_t		ino;
	struct timespec	made;
};

static void
standing_look(struct gate *g, struct standing *s)
{
	struct stat sb;

	if (stat(g->flag, &sb) == -1) {
		s->since_ms = 0;
		return;
	}
	if (s->since_ms != 0 && s->ino == sb.st_ino &&
	    s->made.tv_sec == sb.st_ctim.tv_sec &&
	    s->made.tv_nsec == sb.st_ctim.tv_nsec)
		return;
	*s = (struct standing){ clock_mono_ms(), sb.st_ino, sb.st_ctim };
}

/* By the thread that moves, without the lock. */
static enum rc
attach(struct gate *g, int64_t deadline_ms)
{
	struct standing flag = { 0 };
	struct buf why = BUF_INIT(sizeof g->why - 1);
	unsigned joins = 0;
	int64_t pause = AGAIN_MIN_MS;
	enum rc rc;

	for (;;) {
		buf_clear(&why);
		rc = attach_once(g, &joins, &why);
		if (rc != RC_RETRY)
			break;
		standing_look(g, &flag);
		if (flag.since_ms != 0 &&
		    clock_mono_ms() - flag.since_ms > KILL_MS) {
			slot_kill(g->dir, GATE_LIMIT_LONG_MS + KILL_MS);
			flag.since_ms = 0;
		}
		if (clock_mono_ms() >= deadline_ms)
			break;
		pause_ms(POLL_MS);
	}
	pthread_mutex_lock(&g->lock);
	snprintf(g->why, sizeof g->why, "%s", rc == RC_OK ? "" :
	    rc == RC_RETRY ? "the store is being recovered" : buf_str(&why));
	if (rc == RC_OK)
		g->been_in = true;
	pthread_mutex_unlock(&g->lock);
	if (rc == RC_OK) {
		g->failures = 0;
		g->again_ms = 0;
	} else if (rc != RC_RETRY) {
		log_error("can't attach to the store: %s", buf_str(&why));
		/*
		 * Each failed recovery may leave mappings behind in us that
		 * can't be undone, and one for want of room is not even tried.
		 */
		if (rc != RC_FULL && ++g->failures >= FAILURES_MAX) {
			log_error("ending after %u attempts", g->failures);
			_exit(GATE_EXIT);
		}
		for (unsigned i = 1; i < g->failures; i++)
			pause *= 2;
		if (pause > AGAIN_MAX_MS)
			pause = AGAIN_MAX_MS;
		g->again_ms = clock_mono_ms() + pause;
		g->failed = rc;
	}
	buf_free(&why);
	return rc;
}

static void
detach(struct gate *g)
{
	(void)step(g, VISIT_ORDINARY, NULL, NULL);
	slot_drop(&g->slot);
	/* The last one out; the flag or a dead one's slot count for more. */
	if (flock(g->fd, LOCK_EX | LOCK_NB) == 0)
		slot_left_make(g->dir);
	close(g->fd);
	g->fd = -1;
	hold(g, false);
}

static void
move_begin(struct gate *g)
{
	g->moving = true;
	g->attached = false;
	pthread_mutex_unlock(&g->lock);
}

static void
move_end(struct gate *g, bool attached)
{
	pthread_mutex_lock(&g->lock);
	g->attached = attached;
	g->moving = false;
	pthread_cond_broadcast(&g->changed);
}

void
gate_move_out(struct gate *g)
{
	move_begin(g);
	detach(g);
	move_end(g, false);
}

enum rc
gate_move_in(struct gate *g, int64_t deadline_ms)
{
	enum rc rc;

	move_begin(g);
	rc = attach(g, deadline_ms);
	move_end(g, rc == RC_OK);
	return rc;
}
