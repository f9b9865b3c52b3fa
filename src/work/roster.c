#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "work/interest.h"
#include "work/match.h"
#include "work/notice.h"
#include "work/roster_inner.h"

/* An index of subscriptions as they once were, which it keeps alive. */
struct roster_base {
	atomic_uint	 refs;
	struct entries	 list;
	struct match	*match;
};

static void *
more(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (p == NULL)
		log_fatal("out of memory");
	return p;
}

/* Where number is, or would stand. */
static size_t
place(const struct entries *l, uint32_t number)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->at[mid]->number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct entry *
find(const struct entries *l, uint32_t number)
{
	size_t i = place(l, number);

	return i < l->n && l->at[i]->number == number ? l->at[i] : NULL;
}

/* Takes over the reference to e. */
static void
insert(struct entries *l, struct entry *e)
{
	size_t i = place(l, e->number);

	if (i < l->n && l->at[i]->number == e->number) {
		entry_drop(l->at[i]);
		l->at[i] = e;
		return;
	}
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 16 : l->cap * 2;
		l->at = more(l->at, l->cap, sizeof *l->at);
	}
	memmove(l->at + i + 1, l->at + i, (l->n - i) * sizeof *l->at);
	l->at[i] = e;
	l->n++;
}

static void
drop(struct entries *l, uint32_t number)
{
	size_t i = place(l, number);

	if (i == l->n || l->at[i]->number != number)
		return;
	entry_drop(l->at[i]);
	l->n--;
	memmove(l->at + i, l->at + i + 1, (l->n - i) * sizeof *l->at);
}

static void
copy(struct entries *to, const struct entries *from)
{
	to->n = to->cap = from->n;
	if (from->n == 0)
		return;
	to->at = more(NULL, from->n, sizeof *to->at);
	for (size_t i = 0; i < from->n; i++)
		to->at[i] = entry_hold(from->at[i]);
}

static void
clear(struct entries *l)
{
	for (size_t i = 0; i < l->n; i++)
		entry_drop(l->at[i]);
	free(l->at);
}

static void
base_release(struct roster_base *b)
{
	if (b == NULL || atomic_fetch_sub_explicit(&b->refs, 1,
	    memory_order_acq_rel) != 1)
		return;
	match_free(b->match);
	clear(&b->list);
	free(b);
}

/* An index of these; their entries are kept alive by others. */
static struct match *
index_of(struct entry *const *at, size_t n)
{
	const struct subscription **sub = more(NULL, n + 1, sizeof *sub);
	struct match *m;

	for (size_t i = 0; i < n; i++)
		sub[i] = &at[i]->u.subscription;
	m = match_new(sub, n);
	free(sub);
	return m;
}

static struct roster_base *
base_new(const struct entries *l)
{
	struct roster_base *b = calloc(1, sizeof *b);

	if (b == NULL)
		log_fatal("out of memory");
	atomic_init(&b->refs, 1);
	copy(&b->list, l);
	b->match = index_of(b->list.at, b->list.n);
	return b;
}

static void
roster_free(struct roster *r)
{
	for (size_t k = 0; k < NELEM(r->list); k++)
		clear(&r->list[k]);
	base_release(r->base);
	match_free(r->recent);
	free(r->changed);
	free(r->differs);
	free(r->by_hash);
	entry_drop(r->notices);
	free(r);
}

void
roster_release(const struct roster *cr)
{
	struct roster *r = (struct roster *)(uintptr_t)cr;

	if (r != NULL && atomic_fetch_sub_explicit(&r->refs, 1,
	    memory_order_acq_rel) == 1)
		roster_free(r);
}

/* Takes over the reference to notices. */
static struct roster *
make(const struct catalog *c, struct entry *notices)
{
	struct roster *r = calloc(1, sizeof *r);

	if (r == NULL)
		log_fatal("out of memory");
	atomic_init(&r->refs, 1);
	r->catalog = c;
	r->notices = notices;
	return r;
}

struct roster *
roster_new(const struct catalog *c)
{
	return make(c, entry_notices(c));
}

static bool
differs(const struct roster *r, uint32_t number)
{
	return number / 8 < r->ndiffers &&
	    (r->differs[number / 8] >> number % 8 & 1) != 0;
}

/* The index does not know this subscription as it is now. */
static void
differ(struct roster *r, enum store_kind kind, uint32_t number)
{
	size_t n = number / 8 + 1;

	if (kind != STORE_SUBSCRIPTION || r->base == NULL ||
	    differs(r, number))
		return;
	if (r->nchanged == 16 + r->base->list.n / 128) {
		base_release(r->base);
		r->base = NULL;
		r->nchanged = r->ndiffers = 0;
		return;
	}
	if (r->nchanged == r->changed_cap) {
		r->changed_cap = r->changed_cap == 0 ? 16 : 2 * r->nchanged;
		r->changed = more(r->changed, r->changed_cap,
		    sizeof *r->changed);
	}
	r->changed[r->nchanged++] = number;
	if (n > r->ndiffers) {
		r->differs = more(r->differs, n, 1);
		memset(r->differs + r->ndiffers, 0, n - r->ndiffers);
		r->ndiffers = n;
	}
	r->differs[number / 8] |= (unsigned char)(1 << number % 8);
}

struct roster *
roster_copy(const struct roster *from)
{
	struct roster *r = make(from->catalog, entry_hold(from->notices));

	r->generation = from->generation;
	for (size_t k = 0; k < NELEM(r->list); k++)
		copy(&r->list[k], &from->list[k]);
	r->base = from->base;
	if (r->base != NULL)
		atomic_fetch_add_explicit(&r->base->refs, 1,
		    memory_order_relaxed);
	for (size_t i = 0; i < from->nchanged; i++)
		differ(r, STORE_SUBSCRIPTION, from->changed[i]);
	return r;
}

void
roster_drop(struct roster *r, enum store_kind kind, uint32_t number)
{
	drop(&r->list[kind], number);
	differ(r, kind, number);
}

static struct entry *
client_of(void *arg, uint32_t number)
{
	struct roster *r = arg;

	return entry_hold(find(&r->list[STORE_CLIENT], number));
}

enum rc
roster_take(struct roster *r, const struct store_record *rec,
    const struct crypt *crypt)
{
	struct entry *e;
	enum rc rc;

	rc = entry_make(&e, rec, crypt, r->catalog, client_of, r);
	if (rc == RC_NOTFOUND) {
		roster_drop(r, rec->kind, rec->number);
		return RC_OK;
	}
	if (rc != RC_OK)
		return RC_IO;
	insert(&r->list[rec->kind], e);
	differ(r, rec->kind, rec->number);
	return RC_OK;
}

void
roster_follow(struct roster *r, enum store_kind kind, uint32_t client)
{
	struct entry *owner = find(&r->list[STORE_CLIENT], client);
	struct entries *l = &r->list[kind];

	for (size_t i = l->n; i > 0; i--) {
		struct entry *e = l->at[i - 1];

		if (e->owner == NULL || e->owner->number != client)
			continue;
		if (owner == NULL) {
			roster_drop(r, kind, e->number);
			continue;
		}
		l->at[i - 1] = entry_move(e, entry_hold(owner));
		differ(r, kind, e->number);
		entry_drop(e);
	}
}

static int
by_hash(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return memcmp((*x)->u.key.hash, (*y)->u.key.hash, CRYPT_TOKEN_LEN);
}

static void
index_keys(struct roster *r)
{
	const struct entries *l = &r->list[STORE_KEY];

	r->by_hash = more(NULL, l->n + 1, sizeof *r->by_hash);
	if (l->n == 0)
		return;
	memcpy(r->by_hash, l->at, l->n * sizeof *r->by_hash);
	qsort(r->by_hash, l->n, sizeof *r->by_hash, by_hash);
}

static int
ascending(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Those that have changed and are still there. */
static void
index_recent(struct roster *r)
{
	struct entry **at = more(NULL, r->nchanged, sizeof *at);
	size_t n = 0;

	qsort(r->changed, r->nchanged, sizeof *r->changed, ascending);
	for (size_t i = 0; i < r->nchanged; i++) {
		at[n] = find(&r->list[STORE_SUBSCRIPTION], r->changed[i]);
		n += at[n] != NULL;
	}
	r->recent = index_of(at, n);
	free(at);
}

void
roster_ready(struct roster *r)
{
	index_keys(r);
	if (r->base == NULL)
		r->base = base_new(&r->list[STORE_SUBSCRIPTION]);
	if (r->nchanged > 0)
		index_recent(r);
}

uint64_t
roster_generation(const struct roster *r)
{
	return r->generation;
}

const struct client *
roster_client(const struct roster *r, uint32_t number)
{
	const struct entry *e = find(&r->list[STORE_CLIENT], number);

	return e == NULL ? NULL : &e->u.client;
}

const struct subscription *
roster_subscription(const struct roster *r, uint32_t number)
{
	const struct entry *e = number == NOTICE_LANE ? r->notices :
	    find(&r->list[STORE_SUBSCRIPTION], number);

	return e == NULL ? NULL : &e->u.subscription;
}

const struct apikey *
roster_key(const struct roster *r, uint32_t number)
{
	const struct entry *e = find(&r->list[STORE_KEY], number);

	return e == NULL ? NULL : &e->u.key;
}

const struct client *
roster_client_at(const struct roster *r, size_t i)
{
	const struct entries *l = &r->list[STORE_CLIENT];

	return i < l->n ? &l->at[i]->u.client : NULL;
}

const struct subscription *
roster_subscription_at(const struct roster *r, size_t i)
{
	const struct entries *l = &r->list[STORE_SUBSCRIPTION];

	return i < l->n ? &l->at[i]->u.subscription : NULL;
}

const struct apikey *
roster_key_at(const struct roster *r, size_t i)
{
	const struct entries *l = &r->list[STORE_KEY];

	return i < l->n ? &l->at[i]->u.key : NULL;
}

const struct apikey *
roster_key_by_token(const struct roster *r, struct slice token)
{
	struct entry probe, *p = &probe, **hit;

	if (token.s == NULL || r->list[STORE_KEY].n == 0)
		return NULL;
	crypt_token_hash(token, probe.u.key.hash);
	hit = bsearch(&p, r->by_hash, r->list[STORE_KEY].n,
	    sizeof *r->by_hash, by_hash);
	return hit == NULL ? NULL : &(*hit)->u.key;
}

bool
client_sees(const struct client *c, const struct catalog_event *type,
    const struct order *o)
{
	if (type != NULL && catalog_is_operational(type))
		return c->all;
	for (size_t i = 0; !c->all && i < c->nscope; i++) {
		const struct scope_rule *s = &c->scope[i];
		struct order_value v = s->field != NULL ?
		    order_field(o, s->field) : order_pointer(o, s->pointer);

		if (v.found && order_value_is(v, s->value))
			return true;
	}
	return c->all;
}

/* One event's search. */
struct search {
	const struct roster *r;
	const struct catalog_event *type;
	const struct order *o;
	const struct client *last;	/* many in a row share one... */
	bool		 sees;		/* ...and what it sees */
	bool		 recent;	/* it is the index of these */
	bool		 ordered;
	bool		 turns;		/* one wants an order's in turn */
	bool		 repeats;	/* one has several recipients */
	uint32_t	**out;
	size_t		*cap, n;
};

static void
ask(struct search *s, const struct subscription *sub)
{
	const struct interest *in = sub->interest;

	if (in == NULL || !interest_wants(in, s->type))
		return;
	if (sub->client != s->last) {
		s->last = sub->client;
		s->sees = client_sees(s->last, s->type, s->o);
	}
	if (!s->sees || !filter_matches(in->filter, s->o))
		return;
	if (s->n == *s->cap) {
		*s->cap = *s->cap == 0 ? 8 : *s->cap * 2;
		*s->out = more(*s->out, *s->cap, sizeof **s->out);
	}
	if (s->n > 0 && (*s->out)[s->n - 1] >= sub->number)
		s->ordered = false;
	(*s->out)[s->n++] = sub->number;
	s->turns = s->turns || in->ordered;
	s->repeats = s->repeats || in->recipients > 1;
}

static void
ask_run(void *arg, const struct subscription *const *sub, size_t n)
{
	struct search *s = arg;

	for (size_t i = 0; i < n; i++)
		if (s->recent || !differs(s->r, sub[i]->number))
			ask(s, sub[i]);
}

/* Found by two values of one scope, a subscription is there twice. */
static size_t
unite(uint32_t *number, size_t n)
{
	size_t kept = 0;

	qsort(number, n, sizeof *number, ascending);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || number[kept - 1] != number[i])
			number[kept++] = number[i];
	return kept;
}

static size_t
recipients(const struct roster *r, uint32_t number)
{
	const struct subscription *s = roster_subscription(r, number);

	return s == NULL || s->interest == NULL ? 1 : s->interest->recipients;
}

/* Each of n numbers as often as it has recipients, from the last one back. */
static size_t
repeat(struct search *s, size_t n)
{
	size_t all = 0, to;

	for (size_t i = 0; i < n; i++)
		all += recipients(s->r, (*s->out)[i]);
	if (all > *s->cap) {
		*s->cap = all;
		*s->out = more(*s->out, *s->cap, sizeof **s->out);
	}
	to = all;
	while (n > 0) {
		uint32_t number = (*s->out)[--n];

		for (size_t k = recipients(s->r, number); k > 0; k--)
			(*s->out)[--to] = number;
	}
	return all;
}

size_t
roster_match_turns(const struct roster *r, const struct catalog_event *type,
    const struct order *o, uint32_t **out, size_t *cap, bool *turns)
{
	struct search s = { .r = r, .type = type, .o = o, .ordered = true,
	    .out = out, .cap = cap };

	match_find(r->base->match, type, o, ask_run, &s);
	if (r->recent != NULL) {
		s.recent = true;
		match_find(r->recent, type, o, ask_run, &s);
	}
	*turns = s.turns;
	if (!s.ordered)
		s.n = unite(*out, s.n);
	return s.repeats ? repeat(&s, s.n) : s.n;
}

size_t
roster_match(const struct roster *r, const struct catalog_event *type,
    const struct order *o, uint32_t **out, size_t *cap)
{
	bool turns;

	return roster_match_turns(r, type, o, out, cap, &turns);
}

void
roster_turns(const struct roster *r, const uint32_t *number, size_t n,
    bool **turn, size_t *cap)
{
	if (n > *cap) {
		*cap = n;
		*turn = more(*turn, *cap, sizeof **turn);
	}
	for (size_t i = 0; i < n; i++) {
		const struct subscription *s = roster_subscription(r,
		    number[i]);

		(*turn)[i] = s != NULL && s->interest != NULL &&
		    s->interest->ordered;
	}
}
