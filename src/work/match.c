#include <stdlib.h>
#include "base/log.h"
#include "shape/piece.h"
#include "work/interest.h"
#include "work/match.h"

/*
 * One hash table for all: a key is made of an event type (or any), a field (or
 * none) and a value, and leads to a run of subscriptions.  Keys that are equal
 * by chance share a run, which costs a question too many and no more.
 */
#define SPREAD_MAX	1024	/* runs one subscription stands in; with more it
				   stands under its values for any type */
#define ANY_TYPE	0
#define SEED		UINT64_C(0xcbf29ce484222325)	/* FNV-1a, 64 bits */
#define PRIME		UINT64_C(0x100000001b3)

struct slot {
	uint64_t key;
	uint32_t at;		/* in run */
	uint32_t n;		/* 0: free */
};

struct table {
	struct slot *slot;
	size_t	 mask, used;
};

/* A field that an order is to be looked up by. */
struct probe {
	const struct catalog_field *field;	/* NULL: by its type alone */
	size_t	 longest;	/* bytes of the values it is held against */
	bool	 typed, any;
};

struct match {
	struct table table;
	const struct subscription **run;
	struct probe *probe;
	size_t	 nprobe;
};

/* A value that a subscription may stand under. */
struct place {
	const struct catalog_field *field;
	size_t	 len;
	uint64_t hash;		/* of field and value */
};

/* Places of which an order must have one. */
struct set {
	uint32_t at, n;
};

struct posting {
	uint64_t key;
	const struct subscription *sub;
};

struct builder {
	struct match	*m;
	struct table	 crowd;		/* how many may stand in a place */
	struct place	*place;
	size_t		 nplace, place_cap;
	struct set	*set;		/* of all subscriptions, in order */
	size_t		 nset, set_cap;
	struct posting	*posting;
	size_t		 nposting, posting_cap;
};

static void *
room(void *p, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap == 0 ? 16 : 2 * *cap;
	p = reallocarray(p, *cap, size);
	if (p == NULL)
		log_fatal("out of memory");
	return p;
}

static uint64_t
add_bytes(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.s[i]) * PRIME;
	return h;
}

static uint64_t
field_seed(const struct catalog_field *f)
{
	return (SEED ^ (f == NULL ? 0 : f->index + 1u)) * PRIME;
}

static uint64_t
hash_sent(const struct catalog_field *f, struct order_value v)
{
	uint64_t h = field_seed(f);
	struct slice run;
	char tmp[4];

	if (!v.escaped)
		return add_bytes(h, v.text);
	while (piece_next(&v.text, tmp, &run))
		h = add_bytes(h, run);
	return h;
}

/* FNV's low bits are weak: stir (murmur's finalizer). */
static uint64_t
key_of(uint64_t place, uint64_t type)
{
	uint64_t x = place + type * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static struct slot *
seek(const struct table *t, uint64_t key)
{
	size_t i = key & t->mask;

	while (t->slot[i].n != 0 && t->slot[i].key != key)
		i = (i + 1) & t->mask;
	return &t->slot[i];
}

static void
table_init(struct table *t, size_t cap)
{
	t->slot = calloc(cap, sizeof *t->slot);
	if (t->slot == NULL)
		log_fatal("out of memory");
	t->mask = cap - 1;
	t->used = 0;
}

/* The slot of a key, counted once more. */
static void
count(struct table *t, uint64_t key)
{
	struct slot *s = seek(t, key);

	if (s->n == 0 && 2 * (t->used + 1) > t->mask) {
		struct table larger;

		table_init(&larger, 2 * (t->mask + 1));
		for (size_t i = 0; i <= t->mask; i++)
			if (t->slot[i].n != 0)
				*seek(&larger, t->slot[i].key) = t->slot[i];
		larger.used = t->used;
		free(t->slot);
		*t = larger;
		s = seek(t, key);
	}
	if (s->n == 0)
		t->used++;
	s->key = key;
	s->n++;
}

static struct set *
begin_set(struct builder *b)
{
	b->set = room(b->set, &b->set_cap, b->nset, sizeof *b->set);
	b->set[b->nset] = (struct set){ (uint32_t)b->nplace, 0 };
	return &b->set[b->nset++];
}

static void
add_place(struct builder *b, struct set *set,
    const struct catalog_field *f, struct slice value)
{
	struct place *p;

	b->place = room(b->place, &b->place_cap, b->nplace, sizeof *b->place);
	p = &b->place[b->nplace++];
	*p = (struct place){ f, value.len, add_bytes(field_seed(f), value) };
	count(&b->crowd, key_of(p->hash, ANY_TYPE));
	set->n++;
}

/* What it names is in this catalogue, so that an order can be asked for it. */
static bool
scope_is_known(const struct client *c)
{
	for (size_t i = 0; i < c->nscope; i++)
		if (c->scope[i].field == NULL)
			return false;
	return true;
}

/* The sets a subscription could stand in; at least one. */
static void
gather(struct builder *b, const struct subscription *s)
{
	const struct client *c = s->client;
	struct filter_required q;
	struct set *set = NULL;
	uint32_t at = 0;

	if (!c->all && scope_is_known(c)) {
		set = begin_set(b);
		for (size_t i = 0; i < c->nscope; i++)
			add_place(b, set, c->scope[i].field,
			    c->scope[i].value);
	}
	while (filter_required_next(s->interest->filter, &at, &q)) {
		set = begin_set(b);
		for (uint32_t i = 0; i < q.n; i++)
			add_place(b, set, q.field,
			    filter_required_value(&q, i));
	}
	if (set == NULL)
		add_place(b, begin_set(b), NULL, (struct slice){ NULL, 0 });
}

/*
 * The one of n sets that the fewest others stand in; among equals the last, a
 * filter's, since all of a client's subscriptions stand in its scope.
 */
static const struct set *
choose(const struct builder *b, const struct set *set, size_t n)
{
	const struct set *best = set;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		uint64_t sum = 0;

		for (uint32_t k = 0; k < set[i].n; k++)
			sum += seek(&b->crowd, key_of(b->place[set[i].at +
			    k].hash, ANY_TYPE))->n;
		if (sum <= least) {
			least = sum;
			best = &set[i];
		}
	}
	return best;
}

static void
note_probe(struct match *m, const struct place *p, bool any)
{
	size_t i = 0;

	while (i < m->nprobe && m->probe[i].field != p->field)
		i++;
	if (i == m->nprobe) {
		m->probe = reallocarray(m->probe, ++m->nprobe,
		    sizeof *m->probe);
		if (m->probe == NULL)
			log_fatal("out of memory");
		m->probe[i] = (struct probe){ .field = p->field };
	}
	if (p->len > m->probe[i].longest)
		m->probe[i].longest = p->len;
	if (any)
		m->probe[i].any = true;
	else
		m->probe[i].typed = true;
}

static void
post(struct builder *b, const struct subscription *s, uint64_t key)
{
	b->posting = room(b->posting, &b->posting_cap, b->nposting,
	    sizeof *b->posting);
	b->posting[b->nposting++] = (struct posting){ key, s };
	count(&b->m->table, key);
}

static void
place_in(struct builder *b, const struct subscription *s,
    const struct set *set)
{
	const struct interest *in = s->interest;
	bool any = in->all || (uint64_t)set->n * in->ntype > SPREAD_MAX;

	for (uint32_t i = 0; i < set->n; i++) {
		const struct place *p = &b->place[set->at + i];

		note_probe(b->m, p, any);
		if (any)
			post(b, s, key_of(p->hash, ANY_TYPE));
		for (size_t t = 0; !any && t < in->ntype; t++)
			post(b, s, key_of(p->hash, in->type[t] + 1u));
	}
}

/* Runs one after another, each in the order its subscriptions came in. */
static void
lay_out(struct builder *b)
{
	struct match *m = b->m;
	uint32_t at = 0;

	m->run = calloc(b->nposting + 1, sizeof *m->run);
	if (m->run == NULL)
		log_fatal("out of memory");
	for (size_t i = 0; i <= m->table.mask; i++) {
		m->table.slot[i].at = at;
		at += m->table.slot[i].n;
	}
	/* each run is filled from its end, and at moves to its beginning */
	for (size_t i = 0; i <= m->table.mask; i++)
		m->table.slot[i].at += m->table.slot[i].n;
	for (size_t i = b->nposting; i > 0; i--)
		m->run[--seek(&m->table, b->posting[i - 1].key)->at] =
		    b->posting[i - 1].sub;
}

struct match *
match_new(const struct subscription *const *sub, size_t n)
{
	struct builder b = { .m = calloc(1, sizeof *b.m) };
	size_t *end = calloc(n + 1, sizeof *end), from = 0;

	if (b.m == NULL || end == NULL)
		log_fatal("out of memory");
	table_init(&b.m->table, 16);
	table_init(&b.crowd, 16);
	for (size_t i = 0; i < n; i++) {
		if (sub[i]->interest != NULL)
			gather(&b, sub[i]);
		end[i] = b.nset;
	}
	for (size_t i = 0; i < n; i++) {
		if (end[i] > from)
			place_in(&b, sub[i], choose(&b, b.set + from,
			    end[i] - from));
		from = end[i];
	}
	lay_out(&b);
	free(end);
	free(b.crowd.slot);
	free(b.place);
	free(b.set);
	free(b.posting);
	return b.m;
}

void
match_free(struct match *m)
{
	if (m == NULL)
		return;
	free(m->table.slot);
	free(m->run);
	free(m->probe);
	free(m);
}

static void
look(const struct match *m, uint64_t key, match_run *run, void *arg)
{
	const struct slot *s = seek(&m->table, key);

	if (s->n > 0)
		run(arg, m->run + s->at, s->n);
}

void
match_find(const struct match *m, const struct catalog_event *type,
    const struct order *o, match_run *run, void *arg)
{
	for (size_t i = 0; i < m->nprobe; i++) {
		const struct probe *p = &m->probe[i];
		uint64_t hash = field_seed(NULL);

		if (p->field != NULL) {
			struct order_value v = order_field(o, p->field);

			/* an escape takes up to 6 times what it says */
			if (!v.found || v.text.len / (v.escaped ? 6 : 1) >
			    p->longest)
				continue;
			hash = hash_sent(p->field, v);
		}
		if (p->typed)
			look(m, key_of(hash, type->index + 1u), run, arg);
		if (p->any)
			look(m, key_of(hash, ANY_TYPE), run, arg);
	}
}
