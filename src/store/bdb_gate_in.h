/*
 * bdb_gate_in - what the gate's three files share: bdb_gate (coming and
 * going), bdb_attach (the way in and out of the environment, recovery) and
 * bdb_watch (the watchdog).  Nobody else includes it.
 */
#ifndef STORE_BDB_GATE_IN_H
#define STORE_BDB_GATE_IN_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include "store/bdb_gate.h"
#include "store/bdb_slot.h"

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
	char		 shape[SLOT_SHAPE_MAX];
	const struct gate_ops *ops;
	void		*arg;

	pthread_mutex_t	 lock;		/* for all below; never held in ops */
	pthread_cond_t	 changed;	/* nobody in, or moving ended */
	pthread_cond_t	 watch, carry;	/* wake watchdog, porter */
	bool		 moving;	/* one thread attaches or detaches */
	bool		 attached;	/* inside the environment */
	bool		 holding;	/* the shared lock; in, or nearly */
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

static inline struct timespec
gate_time(int64_t ms)
{
	return (struct timespec){ (time_t)(ms / 1000),
	    (long)(ms % 1000) * 1000000L };
}

/*
 * bdb_gate: from now on the watchdog judges what this thread does, until the
 * end.  The lock is held.
 */
void gate_visit_begin(struct gate *g, enum visit_kind kind);
void gate_visit_end(struct gate *g);

/* Make DIR/recover.  False, with errno, if it can't be made. */
bool gate_flag_make(struct gate *g);

/*
 * bdb_attach: leave the environment; come in, trying until deadline_ms, with
 * results as gate_enter.  The lock is held, and given up for the time it
 * takes; nobody is in.
 */
void gate_move_out(struct gate *g);
MUST_USE enum rc gate_move_in(struct gate *g, int64_t deadline_ms);

/* bdb_watch: start the watchdog if it does not run.  The lock is held. */
void gate_watch(struct gate *g);

#endif
