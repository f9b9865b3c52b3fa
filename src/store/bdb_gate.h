/*
 * bdb_gate - who may be inside the environment, and who recovers it.
 *
 * The engine's own schemes hang survivors or lose acknowledged commits when a
 * process is killed inside a commit, so this stands before it: every process
 * holds a shared kernel lock on DIR/gate and an exclusive one on its slot file
 * in DIR/run while attached; whoever finds a slot whose owner died raises
 * DIR/recover; everyone leaves; the first to get the exclusive lock recovers
 * alone; a watchdog thread ends a process that hangs inside the engine.  Who
 * comes into an empty house recovers as well, unless the last one to leave
 * says, by DIR/left, that all is in order: then the environment is joined as
 * it stands.  It knows nothing of what is stored and does not include <db.h>.
 * Invariant: recovery runs only while no process is inside, and nobody is
 * inside an environment older than the last recovery, or one that anybody has
 * died in since, or that was made before the machine was started.
 *
 * The locks belong to open files and so are shared by a child of fork(2) until
 * it execs (all descriptors are close-on-exec): fork only to exec at once, and
 * never use a gate in a child.
 */
#ifndef STORE_BDB_GATE_H
#define STORE_BDB_GATE_H

#include "base/buf.h"

struct gate;

/* What is done at the gate's steps; called by the gate, one at a time. */
struct gate_ops {
	/* Recover, alone.  Not RC_OK: the attach fails with it. */
	enum rc (*recover)(void *arg, struct buf *why);
	/*
	 * Join an environment that exists.  RC_FULL, RC_INVALID: the attach
	 * fails with it.  Other than RC_OK: it is recovered.
	 */
	enum rc (*join)(void *arg, struct buf *why);
	/* Leave it, quickly; nobody else of this process is inside. */
	void	(*leave)(void *arg);
	/* The disk is too full for an empty file: give up what was kept for
	   that.  May be NULL. */
	void	(*make_room)(void *arg);
};

/* Limits of the watchdog, ms inside one visit before _exit(GATE_EXIT). */
#define GATE_LIMIT_MS		15000	/* ordinary */
#define GATE_LIMIT_LONG_MS	60000	/* checkpoint, recovery, compaction */
#define GATE_LIMIT_DRAIN_MS	500	/* any, once DIR/recover stands */
#define GATE_WAIT_MS		10000	/* for gate_enter to come in */
#define GATE_EXIT		75	/* EX_TEMPFAIL: start me again */

/*
 * Make a gate for dir (which exists, an absolute path).  ops and arg are
 * borrowed.  library names the build of the engine, without white space, at
 * most 100 bytes: processes of two builds are never inside together.  shape,
 * the same with at most 31 bytes, names what recover makes the environment
 * like: who comes into an empty house of another shape recovers, too.  Nothing
 * is attached yet; the watchdog thread starts with the first attach.
 */
MUST_USE enum rc gate_new(struct gate **g, const char *dir,
    const struct gate_ops *ops, void *arg, const char *library,
    const char *shape, struct buf *why);

/* Detach if attached, stop the watchdog, free.  NULL is allowed. */
void gate_free(struct gate *g);

/*
 * Come in: attach if need be (at most GATE_WAIT_MS), or if DIR/recover stands,
 * wait for this process's other threads to leave, detach and attach anew.
 * Many threads may be in at once; each leaves soon: no network, no terminal
 * inside.  A thread that is in may come in again, and leaves as often.
 * long_work allows GATE_LIMIT_LONG_MS until gate_leave.
 *   RC_RETRY   the recovery did not end in time
 *   RC_DENIED  another machine is inside: the directory is shared over a
 *              network that does not pass locks on
 *   other      what ops gave; a failed recovery is not tried again for a
 *              while, and its result given at once
 */
MUST_USE enum rc gate_enter(struct gate *g, bool long_work);
void gate_leave(struct gate *g);

/* The same, but RC_NOTFOUND at once unless attached and free to come in. */
MUST_USE enum rc gate_enter_attached(struct gate *g);

/* Detach if nobody is in; the next gate_enter attaches. */
void gate_idle(struct gate *g);

/* The environment can't be trusted: raise DIR/recover for everybody. */
void gate_raise(struct gate *g);

/* Is everybody asked to leave?  Costs no system call; may lag by 100 ms. */
bool gate_raised(struct gate *g);

/* Recoveries since the store was made (DIR/state). */
uint64_t gate_recoveries(struct gate *g);

/* Append why the last attach failed; nothing if it did not. */
void gate_why(struct gate *g, struct buf *why);

#endif
