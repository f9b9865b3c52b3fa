#include <stdlib.h>
#include <sys/random.h>
#include "base/json_bytes.h"
#include "base/log.h"

/*
 * Up to this many keys are compared in pairs: 32 of them are at most 496
 * comparisons, a bounded number of looks at each.
 */
#define FEW	32

static bool
same(const struct json_doc *d, uint32_t a, uint32_t b)
{
	const struct json_tok *ta = &d->tok[a], *tb = &d->tok[b];

	if (ta->escaped || tb->escaped)
		return json_compare(d, a, b) == 0;
	return slice_eq(json_raw(d, a), json_raw(d, b));
}

/* Key k as it is meant; in *plain if it has to be unescaped. */
static inline struct slice
name_of(const struct json_doc *d, uint32_t k, struct buf *plain)
{
	const struct json_tok *t = &d->tok[k];

	if (!t->escaped)
		return (struct slice){ d->text.s + t->off, t->len };
	buf_clear(plain);
	json_string(d, k, plain);
	return buf_as_slice(plain);
}

/* Tells most names apart: length, front and back go into all of its bits. */
static inline uint64_t
mark_of(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.s;
	uint64_t front, back = 0;

	if (s.len >= 8) {
		front = json_load64(p);
		back = json_load64(p + s.len - 8);
	} else if (s.len >= 4) {
		front = json_load32(p);
		back = json_load32(p + s.len - 4);
	} else if (s.len > 0) {
		front = (uint64_t)p[0] << 16 | p[s.len / 2] << 8 |
		    p[s.len - 1];
	} else {
		front = 0;
	}
	return (front ^ (back << 29 | back >> 35) ^ s.len << 40) *
	    UINT64_C(0x9e3779b97f4a7c15);
}

/*
 * Nearly every key is told from all earlier ones by a bit that none of them
 * has set: only on a bit met before is it compared with them.
 */
static uint32_t
repeated_of_few(const struct json_doc *d, uint32_t obj, uint64_t *steps)
{
	struct buf plain = BUF_INIT(d->text.len);
	uint64_t mark[FEW], seen[4] = { 0 };
	uint32_t key[FEW], n = d->tok[obj].n, k = obj + 1, again = 0;

	*steps += n;
	for (uint32_t i = 0; i < n && again == 0; i++) {
		uint64_t m = mark_of(name_of(d, k, &plain));
		uint64_t *word = &seen[m >> 62];
		uint64_t bit = UINT64_C(1) << (m >> 56 & 63);

		if ((*word & bit) != 0) {
			*steps += i;
			for (uint32_t j = 0; j < i && again == 0; j++)
				if (mark[j] == m && same(d, key[j], k))
					again = k;
		}
		*word |= bit;
		mark[i] = m;
		key[i] = k;
		k = d->tok[k + 1].next;
	}
	buf_free(&plain);
	return again;
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = (v[1] << 13 | v[1] >> 51) ^ v[0];
	v[3] = (v[3] << 16 | v[3] >> 48) ^ v[2];
	v[0] = v[0] << 32 | v[0] >> 32;
	v[2] += v[1];
	v[0] += v[3];
	v[1] = (v[1] << 17 | v[1] >> 47) ^ v[2];
	v[3] = (v[3] << 21 | v[3] >> 43) ^ v[0];
	v[2] = v[2] << 32 | v[2] >> 32;
}

/* SipHash-1-3: a sender can't choose keys that meet under an unknown seed. */
static uint64_t
sip_hash(const uint64_t seed[2], struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.s;
	uint64_t v[4] = {
		seed[0] ^ UINT64_C(0x736f6d6570736575),
		seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261),
		seed[1] ^ UINT64_C(0x7465646279746573),
	};
	uint64_t m;
	size_t left = s.len;

	for (; left >= 8; left -= 8, p += 8) {
		m = json_load64(p);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)s.len << 56;
	for (size_t i = 0; i < left; i++)
		m |= (uint64_t)p[i] << 8 * i;
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void
choose_seed(struct json_doc *d)
{
	while (d->seed[0] == 0)
		if (getentropy(d->seed, sizeof d->seed) != 0)
			log_fatal("the system gives no random bytes");
}

struct slot {
	uint32_t key;		/* 0: free; no key is token 0 */
	uint32_t mark;		/* the upper half of its hash */
};

/* Open addressing in a table that is at most half full. */
static uint32_t
repeated_of_many(struct json_doc *d, uint32_t obj, uint64_t *steps)
{
	struct buf plain = BUF_INIT(d->text.len);
	uint32_t n = d->tok[obj].n, k = obj + 1, again = 0;
	size_t size = 2 * FEW;
	struct slot *slot;

	while (size < 2 * (size_t)n)
		size *= 2;
	slot = calloc(size, sizeof *slot);
	if (slot == NULL)
		log_fatal("out of memory: %zu keys", size);
	choose_seed(d);
	for (uint32_t i = 0; i < n && again == 0; i++) {
		uint64_t h = sip_hash(d->seed, name_of(d, k, &plain));
		uint32_t mark = (uint32_t)(h >> 32);
		size_t at = h & (size - 1);

		for (; slot[at].key != 0; at = (at + 1) & (size - 1)) {
			++*steps;
			if (slot[at].mark == mark && same(d, slot[at].key, k)) {
				again = k;
				break;
			}
		}
		++*steps;
		slot[at] = (struct slot){ k, mark };
		k = d->tok[k + 1].next;
	}
	free(slot);
	buf_free(&plain);
	return again;
}

uint32_t
json_repeated_key(struct json_doc *d, uint32_t obj, uint64_t *steps)
{
	return d->tok[obj].n <= FEW ? repeated_of_few(d, obj, steps) :
	    repeated_of_many(d, obj, steps);
}
