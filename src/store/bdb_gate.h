/*
 * bdb_gate - who may be inside the environment, and who recovers it.
 *
 * The engine's own schemes hang survivors or lose acknowledged commits when a
 * process is killed inside a commit, so this stands before it: every process
 * holds a shared kernel lock on DIR/gate and an exclusive one on its slot file
 * in DIR/run while attached; whoever finds a slot whose owner died raises
 * DIR/recover; everyone leaves; the first to get the exclusive lock recovers
 * alone; a watchdog thread ends a process that hangs inside the engine.  It
 * knows nothing of what is stored and does not include <db.h>.  Invariant:
 * recovery runs only while no process is inside, and nobody is inside an
 * environment older than the last recovery.
 */
#ifndef STORE_BDB_GATE_H
#define STORE_BDB_GATE_H

#include "base/buf.h"

struct gate;

/* What is done at the gate's steps; called by the gate, one at a time. */
struct gate_ops {
	/* Recover, alone.  Not RC_OK: the attach fails with it. */
	enum rc (*recover)(void *arg, struct buf *why);
	/* Join an environment that exists.  Not RC_OK: it is recovered. */
	enum rc (*join)(void *arg, struct buf *why);
	/* Leave it, quickly; nobody else of this process is inside. */
	void	(*leave)(void *arg);
};

/* Limits of the watchdog, ms inside one operation before _exit(75). */
#define GATE_LIMIT_MS		15000	/* ordinary */
#define GATE_LIMIT_LONG_MS	60000	/* checkpoint, recovery, compaction */
#define GATE_LIMIT_DRAIN_MS	500	/* ordinary, while DIR/recover stands */

/*
 * Make a gate for dir (which exists).  ops and arg are borrowed.  Nothing is
 * attached yet; the watchdog thread starts with the first attach.
 */
MUST_USE enum rc gate_new(struct gate **g, const char *dir,
    const struct gate_ops *ops, void *arg, struct buf *why);

/* Detach if attached, stop the watchdog, free.  NULL is allowed. */
void gate_free(struct gate *g);

/*
 * Come in: attach if need be (at most 10 s), or if DIR/recover stands, wait
 * for this process's other threads to leave, detach and attach anew.  Many
 * threads may be in at once; each leaves soon: no network, no terminal inside.
 * long_work allows GATE_LIMIT_LONG_MS until gate_leave.
 *   RC_RETRY  the recovery did not end in time
 *   other     what ops->recover gave
 */
MUST_USE enum rc gate_enter(struct gate *g, bool long_work);
void gate_leave(struct gate *g);

/* Detach if nobody is in; the next gate_enter attaches. */
void gate_idle(struct gate *g);

/* The environment can't be trusted: raise DIR/recover for everybody. */
void gate_raise(struct gate *g);

/* Recoveries since the store was made (DIR/state). */
uint64_t gate_recoveries(struct gate *g);

#endif
