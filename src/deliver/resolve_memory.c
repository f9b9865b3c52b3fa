#include <string.h>
#include "base/crypt.h"
#include "deliver/resolve_memory.h"

#define WAYS	RESOLVE_MEMORY_WAYS

/* Within a bucket, which the lower half names; never 0. */
static uint32_t
tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1;
}

/* WAYS: none. */
static size_t
place_of(const uint32_t way[WAYS], uint32_t tag)
{
	size_t i = 0;

	while (i < WAYS && way[i] != tag)
		i++;
	return i;
}

static void
forget(uint32_t way[WAYS], uint32_t tag)
{
	size_t i = place_of(way, tag);

	if (i == WAYS)
		return;
	memmove(way + i, way + i + 1, (WAYS - 1 - i) * sizeof way[0]);
	way[WAYS - 1] = 0;
}

void
resolve_memory_init(struct resolve_memory *m)
{
	crypt_random(m->key, sizeof m->key);
}

uint64_t
resolve_memory_hash(const struct resolve_memory *m, const char *host)
{
	return crypt_siphash(m->key, host, strlen(host));
}

enum resolve_kind
resolve_memory_get(const struct resolve_memory *m, uint64_t hash)
{
	const struct resolve_bucket *b =
	    &m->bucket[hash % RESOLVE_MEMORY_BUCKETS];
	uint32_t tag = tag_of(hash);

	return place_of(b->slow, tag) < WAYS ? RESOLVE_SLOW :
	    place_of(b->quick, tag) < WAYS ? RESOLVE_QUICK : RESOLVE_NEW;
}

void
resolve_memory_put(struct resolve_memory *m, uint64_t hash,
    enum resolve_kind kind)
{
	struct resolve_bucket *b = &m->bucket[hash % RESOLVE_MEMORY_BUCKETS];
	uint32_t *way = kind == RESOLVE_SLOW ? b->slow : b->quick;
	uint32_t tag = tag_of(hash);

	forget(b->quick, tag);
	forget(b->slow, tag);
	memmove(way + 1, way, (WAYS - 1) * sizeof way[0]);
	way[0] = tag;
}
