#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_gate.h"
#include "store/bdb_slot.h"

#define LOOK_MS		5	/* between looks for DIR/recover, a process */
#define WATCH_MS	100	/* between rounds of the watchdog */
#define WATCH_LATE_MS	1000	/* a round this late: we were all stopped */
#define POLL_MS		3	/* between tries to attach */
#define KILL_MS		(2 * GATE_LIMIT_DRAIN_MS)
#define JOINS_MAX	3	/* failures to join before an attach fails */
#define AGAIN_MIN_MS	1000	/* after a failed recovery, doubled up to */
#define AGAIN_MAX_MS	30000
#define FAILURES_MAX	5	/* failed recoveries before we end */
#define TELL_MS		50	/* for a last line in the log */

/*
 * A thread inside, or on its way in or out.  The watchdog judges by kind how
 * long it may take.
 */
enum visit_kind { VISIT_ORDINARY, VISIT_LONG, VISIT_RECOVERY };

struct visit {
	pthread_t	 who;
	unsigned	 depth;		/* 0: a free entry */
	enum visit_kind	 kind;
	int64_t		 since_ms;
};

struct gate {
	char		 dir[1024];
	char		 path[SLOT_PATH_MAX];	/* DIR/gate */
	char		 flag[SLOT_PATH_MAX];	/* DIR/recover */
	char		 boot[SLOT_BOOT_MAX];
	char		 library[SLOT_LIBRARY_MAX];
	const struct gate_ops *ops;
	void		*arg;

	pthread_mutex_t	 lock;		/* for all below; never held in ops */
	pthread_cond_t	 changed;	/* nobody in, or moving ended */
	pthread_cond_t	 watch, carry;	/* wake the two threads below */
	bool		 moving;	/* one thread attaches or detaches */
	bool		 attached;	/* inside the environment */
	bool		 holding;	/* the shared lock; attached or nearly */
	uint64_t	 held;		/* how often it was taken */
	bool		 been_in;	/* attached before */
	unsigned	 nin;		/* threads inside, the mover apart */
	_Atomic bool	 raised;	/* DIR/recover was seen, or raised */
	int64_t		 raised_ms;	/* when the watchdog knew; 0: not */
	int64_t		 looked_ms;
	struct visit	*visit;
	size_t		 nvisit;

	/* the mover's alone */
	int		 fd;		/* DIR/gate; -1: none */
	struct slot	 slot;
	unsigned	 failures;	/* recoveries, in a row */
	int64_t		 again_ms;	/* not before, after a failure */
	enum rc		 failed;
	char		 why[256];
	_Atomic uint64_t recoveries;

	bool		 stop;
	bool		 watching, carrying;	/* the threads were started */
	pthread_t	 watchdog, porter;
};

enum rc
gate_new(struct gate **out, const char *dir, const struct gate_ops *ops,
    void *arg, const char *library, struct buf *why)
{
	struct gate *g;
	pthread_condattr_t attr;
	enum rc rc;

	if (strlen(dir) >= sizeof g->dir ||
	    strlen(library) >= sizeof g->library) {
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
	slot_boot(g->boot);
	g->ops = ops;
	g->arg = arg;
	g->fd = g->slot.fd = -1;
	pthread_mutex_init(&g->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->changed, &attr);
	pthread_cond_init(&g->watch, &attr);
	pthread_cond_init(&g->carry, &attr);
	pthread_condattr_destroy(&attr);
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

static struct timespec
after_ms(int64_t mono_ms)
{
	return (struct timespec){ (time_t)(mono_ms / 1000),
	    (long)(mono_ms % 1000) * 1000000L };
}

static void
pause_ms(int64_t ms)
{
	struct timespec ts = after_ms(ms);

	nanosleep(&ts, NULL);
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
static void
visit_begin(struct gate *g, enum visit_kind kind)
{
	struct visit *v = visit_of(g);

	v->who = pthread_self();
	v->depth = 1;
	v->kind = kind;
	v->since_ms = clock_mono_ms();
}

static void
visit_end(struct gate *g)
{
	visit_of(g)->depth = 0;
}

/* One of ops->recover, join and leave, under the watchdog's eyes. */
static enum rc
step(struct gate *g, enum visit_kind kind,
    enum rc (*fn)(void *arg, struct buf *why), struct buf *why)
{
	enum rc rc = RC_OK;

	pthread_mutex_lock(&g->lock);
	visit_begin(g, kind);
	pthread_cond_signal(&g->watch);
	pthread_mutex_unlock(&g->lock);
	if (fn != NULL)
		rc = fn(g->arg, why);
	else
		g->ops->leave(g->arg);
	pthread_mutex_lock(&g->lock);
	visit_end(g);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

static bool
flag_make(struct gate *g)
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
	if (!flag_make(g))
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

	if (!flag_make(g)) {
		if (g->ops->make_room != NULL)
			g->ops->make_room(g->arg);
		if (!flag_make(g)) {
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
		rc = recover_alone(g, why);
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

/* Only by the thread that set moving, without the lock. */
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

/* Only by the thread that set moving, without the lock. */
static void
detach(struct gate *g)
{
	(void)step(g, VISIT_ORDINARY, NULL, NULL);
	slot_drop(&g->slot);
	close(g->fd);
	g->fd = -1;
	hold(g, false);
}

/* Move out, or in; the lock is held, and given up for the time it takes. */
static enum rc
move(struct gate *g, int64_t deadline_ms)
{
	bool out = g->attached;
	enum rc rc = RC_OK;

	g->moving = true;
	g->attached = false;
	pthread_mutex_unlock(&g->lock);
	if (out)
		detach(g);
	else
		rc = attach(g, deadline_ms);
	pthread_mutex_lock(&g->lock);
	g->attached = !out && rc == RC_OK;
	g->moving = false;
	pthread_cond_broadcast(&g->changed);
	return rc;
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

static void watchdog_start(struct gate *g);

enum rc
gate_enter(struct gate *g, bool long_work)
{
	enum visit_kind kind = long_work ? VISIT_LONG : VISIT_ORDINARY;
	int64_t deadline = clock_mono_ms() + GATE_WAIT_MS;
	struct timespec until = after_ms(deadline);
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
	watchdog_start(g);
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
		} else {
			rc = move(g, deadline);
			if (rc != RC_OK)
				goto done;
		}
	}
	visit_begin(g, kind);
	g->nin++;
done:
	pthread_mutex_unlock(&g->lock);
	return rc;
}

enum rc
gate_enter_attached(struct gate *g)
{
	enum rc rc = RC_NOTFOUND;

	pthread_mutex_lock(&g->lock);
	if (g->attached && !g->moving)
		look(g);
	if (g->attached && !g->moving && !atomic_load(&g->raised)) {
		visit_begin(g, VISIT_ORDINARY);
		g->nin++;
		rc = RC_OK;
	}
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
		(void)move(g, 0);
	pthread_mutex_unlock(&g->lock);
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
			(void)move(g, 0);
		else
			pthread_cond_wait(&g->carry, &g->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

static bool
thread_start(pthread_t *t, void *(*fn)(void *), struct gate *g)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(t, NULL, fn, g);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error == 0;
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
		until = after_ms(last + WATCH_MS);
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
				    g);
			pthread_cond_signal(&g->carry);
		}
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

static void
watchdog_start(struct gate *g)
{
	if (g->watching)
		return;
	/* Without a watchdog one hung thread would hold up everybody. */
	if (!thread_start(&g->watchdog, watch, g))
		log_fatal("can't start a thread");
	g->watching = true;
}
