/*
 * resolve_memory - which names were quick to look up last time, which slow.
 *
 * It knows names by a keyed hash, so that nobody can choose some that are taken
 * for each other, and no address of them.  Used by resolve.  Invariant: no
 * number of names of the one kind pushes out what is known of the other; within
 * a kind those go first whose last look-up is the longest ago.
 */
#ifndef DELIVER_RESOLVE_MEMORY_H
#define DELIVER_RESOLVE_MEMORY_H

#include <stdint.h>

#define RESOLVE_MEMORY_BUCKETS	4096	/* a power of two */
#define RESOLVE_MEMORY_WAYS	8
#define RESOLVE_MEMORY_MAX	(RESOLVE_MEMORY_BUCKETS * RESOLVE_MEMORY_WAYS)
					/* names of each kind: 32768 */

enum resolve_kind { RESOLVE_QUICK, RESOLVE_NEW, RESOLVE_SLOW, RESOLVE_KINDS };

/* 256 KiB; the caller's storage, zeroed before its init. */
struct resolve_memory {
	unsigned char	key[16];
	struct resolve_bucket {
		uint32_t quick[RESOLVE_MEMORY_WAYS];	/* the latest first */
		uint32_t slow[RESOLVE_MEMORY_WAYS];	/* 0: none */
	} bucket[RESOLVE_MEMORY_BUCKETS];
};

void resolve_memory_init(struct resolve_memory *m);

/* What the other calls know a name by. */
uint64_t resolve_memory_hash(const struct resolve_memory *m, const char *host);

/* RESOLVE_NEW: never looked up, or forgotten. */
enum resolve_kind resolve_memory_get(const struct resolve_memory *m,
    uint64_t hash);

/* A name was looked up and is RESOLVE_QUICK or RESOLVE_SLOW now. */
void resolve_memory_put(struct resolve_memory *m, uint64_t hash,
    enum resolve_kind kind);

#endif
