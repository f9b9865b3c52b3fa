/*
 * bdb_slot - the small files by which the gate's processes see each other.
 *
 * DIR/run holds a slot for every process that is attached, locked as long as
 * it lives: an empty file whose name says who it is, so that making one needs
 * no block of the disk.  DIR/state holds what the last recovery was done by;
 * DIR/left is there while everybody has left in order.  Only bdb_gate calls
 * it.  Invariant: a slot that can be seen and can be locked belonged to a
 * process that died inside.
 */
#ifndef STORE_BDB_SLOT_H
#define STORE_BDB_SLOT_H

#include "base/buf.h"

#define SLOT_PATH_MAX	1280	/* a store's path and one of its names */

enum slot_kind {
	SLOT_COMING = 't',	/* about to be shown as one of: */
	SLOT_ATTACHED = 'p',
	SLOT_RECOVERING = 'r',	/* alone, until the recovery has ended */
};

struct slot {
	int	fd;		/* -1: none */
	char	path[SLOT_PATH_MAX];
};

#define SLOT_INIT	{ -1, "" }

/* Make DIR/run.  RC_FULL, RC_IO. */
MUST_USE enum rc slot_dir(const char *dir);

/*
 * Make and lock our slot, as SLOT_COMING; show it as another kind; remove it.
 *   RC_FULL   no room for a file
 *   RC_RETRY  somebody looked or cleared just now: drop it, make it again
 */
MUST_USE enum rc slot_make(struct slot *s, const char *dir);
MUST_USE enum rc slot_show(struct slot *s, enum slot_kind kind);
void slot_drop(struct slot *s);

/* Has somebody died inside? */
bool slot_any_dead(const char *dir);

/*
 * SIGKILL whoever still holds a slot, those who recover only if they have for
 * longer than recovering_ms.  A process of another PID namespace, or whose
 * number now names another, is let be.
 */
void slot_kill(const char *dir, int64_t recovering_ms);

/* Remove all slots but those of who is coming; alone, after a recovery. */
void slot_clear(const char *dir);

/*
 * DIR/left says that whoever was inside has left in order and nobody came in
 * since; made and taken away alone (a gate's exclusive lock).  It holds what
 * the data files, logs and databases, were like then (inode, length, time),
 * since they may be replaced by others, a backup's, while nobody is inside.
 * Taking it is true if it was there, is gone for certain, and they are the
 * same.
 */
void slot_left_make(const char *dir);
bool slot_left_take(const char *dir);

#define SLOT_LIBRARY_MAX 101	/* bytes with the NUL */
#define SLOT_BOOT_MAX	 40
#define SLOT_SHAPE_MAX	 32

struct slot_state {
	uint64_t recoveries;
	char	 boot[SLOT_BOOT_MAX];	/* id of the kernel's run, or "-" */
	char	 library[SLOT_LIBRARY_MAX];
	char	 shape[SLOT_SHAPE_MAX];	/* what it made is like */
};

/* This kernel's run; "-" if it can't be told. */
void slot_boot(char boot[SLOT_BOOT_MAX]);

/*
 * DIR/state, written alone (a gate's exclusive lock) and read under a shared
 * one.  RC_NOTFOUND if there is none that can be read; RC_FULL, RC_IO.
 */
MUST_USE enum rc slot_state_read(const char *dir, struct slot_state *s);
MUST_USE enum rc slot_state_write(const char *dir,
    const struct slot_state *s);

#endif
