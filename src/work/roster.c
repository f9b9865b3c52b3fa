#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "work/roster.h"
#include "work/roster_load.h"

#define PAGE	64		/* records read in one visit */

/* Entries of one kind by ascending number. */
struct entries {
	struct entry	**at;
	size_t		  n, cap;
};

struct roster {
	atomic_uint	 refs;
	uint64_t	 generation;
	const struct catalog *catalog;
	struct entries	 list[STORE_KEY + 1];	/* by store_kind */
	struct entry	**by_hash;		/* keys, by their hash */
	struct entry	***wanted;	/* by event type of the catalogue: the
					   subscriptions, NULL-terminated */
	size_t		 ntypes;
};

struct rosters {
	pthread_mutex_t	 lock;		/* of now, held while it is loaded */
	struct roster	*now;
	struct store	*store;
	const struct crypt *crypt;
	const struct catalog *catalog;
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
roster_free(struct roster *r)
{
	for (size_t k = 0; k < NELEM(r->list); k++) {
		for (size_t i = 0; i < r->list[k].n; i++)
			entry_drop(r->list[k].at[i]);
		free(r->list[k].at);
	}
	for (size_t i = 0; i < r->ntypes; i++)
		free(r->wanted[i]);
	free(r->wanted);
	free(r->by_hash);
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

static struct roster *
roster_copy(const struct roster *from, const struct catalog *c)
{
	struct roster *r = calloc(1, sizeof *r);

	if (r == NULL)
		log_fatal("out of memory");
	atomic_init(&r->refs, 1);
	r->catalog = c;
	if (from == NULL)
		return r;
	r->generation = from->generation;
	for (size_t k = 0; k < NELEM(r->list); k++) {
		struct entries *l = &r->list[k];

		l->n = l->cap = from->list[k].n;
		if (l->n == 0)
			continue;
		l->at = more(NULL, l->n, sizeof *l->at);
		for (size_t i = 0; i < l->n; i++)
			l->at[i] = entry_hold(from->list[k].at[i]);
	}
	return r;
}

static struct entry *
client_of(void *arg, uint32_t number)
{
	struct roster *r = arg;

	return entry_hold(find(&r->list[STORE_CLIENT], number));
}

static enum rc
take_record(struct rosters *rs, struct roster *r,
    const struct store_record *rec)
{
	struct entry *e;
	enum rc rc;

	rc = entry_make(&e, rec, rs->crypt, rs->catalog, client_of, r);
	if (rc == RC_NOTFOUND) {
		drop(&r->list[rec->kind], rec->number);
		return RC_OK;
	}
	if (rc != RC_OK)
		return RC_IO;	/* to go on without it could drop its events */
	insert(&r->list[rec->kind], e);
	return RC_OK;
}

static enum rc
load_kind(struct rosters *rs, struct roster *r, enum store_kind kind)
{
	struct store_record rec[PAGE];
	size_t n = PAGE;
	uint32_t after = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < PAGE; i++)
		rec[i] = (struct store_record)STORE_RECORD_INIT;
	while (rc == RC_OK && n == PAGE) {
		rc = store_record_list(rs->store, kind, after, rec, PAGE, &n);
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			rc = take_record(rs, r, &rec[i]);
			after = rec[i].number;
		}
	}
	for (size_t i = 0; i < PAGE; i++)
		store_record_clear(&rec[i]);
	return rc;
}

static enum rc
load_all(struct rosters *rs, struct roster *r)
{
	enum rc rc;

	rc = load_kind(rs, r, STORE_CLIENT);
	if (rc == RC_OK)
		rc = load_kind(rs, r, STORE_SUBSCRIPTION);
	if (rc == RC_OK)
		rc = load_kind(rs, r, STORE_KEY);
	return rc;
}

static enum rc
reload_one(struct rosters *rs, struct roster *r, enum store_kind kind,
    uint32_t number)
{
	struct store_record rec = STORE_RECORD_INIT;
	enum rc rc;

	rc = store_record_get(rs->store, kind, number, 0, &rec);
	if (rc == RC_OK)
		rc = take_record(rs, r, &rec);
	else if (rc == RC_NOTFOUND) {
		drop(&r->list[kind], number);
		rc = RC_OK;
	}
	store_record_clear(&rec);
	return rc;
}

/* What belongs to a client points to it, so it is made anew as well. */
static enum rc
reload_owned(struct rosters *rs, struct roster *r, enum store_kind kind,
    uint32_t client)
{
	struct entries *l = &r->list[kind];
	enum rc rc = RC_OK;

	for (size_t i = l->n; rc == RC_OK && i > 0; i--) {
		struct entry *owner = l->at[i - 1]->owner;

		if (owner != NULL && owner->number == client)
			rc = reload_one(rs, r, kind, l->at[i - 1]->number);
	}
	return rc;
}

/* The record changed again later on; what is read is its present state. */
static bool
changes_again(const struct store_change *c, size_t i, size_t n)
{
	for (size_t j = i + 1; j < n; j++)
		if (c[j].kind == c[i].kind && c[j].number == c[i].number)
			return true;
	return false;
}

/*
 * Bring r from its own generation to the present one, change by change.  A
 * client is never put off: what belongs to it may be new, and can't be made
 * without it.
 */
static enum rc
load_changes(struct rosters *rs, struct roster *r)
{
	struct store_change c[PAGE];
	size_t n = PAGE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && n == PAGE) {
		rc = store_changes(rs->store, r->generation, c, PAGE, &n);
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			r->generation = c[i].generation;
			if (c[i].kind != STORE_CLIENT &&
			    changes_again(c, i, n))
				continue;
			rc = reload_one(rs, r, c[i].kind, c[i].number);
			if (rc == RC_OK && c[i].kind == STORE_CLIENT)
				rc = reload_owned(rs, r, STORE_SUBSCRIPTION,
				    c[i].number);
			if (rc == RC_OK && c[i].kind == STORE_CLIENT)
				rc = reload_owned(rs, r, STORE_KEY,
				    c[i].number);
		}
	}
	return rc;
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

static void
index_types(struct roster *r)
{
	const struct entries *l = &r->list[STORE_SUBSCRIPTION];

	while (catalog_event_at(r->catalog, r->ntypes) != NULL)
		r->ntypes++;
	r->wanted = more(NULL, r->ntypes + 1, sizeof *r->wanted);
	for (size_t t = 0; t < r->ntypes; t++) {
		const struct catalog_event *type =
		    catalog_event_at(r->catalog, t);
		struct entry **list = more(NULL, l->n + 1, sizeof *list);
		size_t n = 0;

		for (size_t i = 0; i < l->n; i++) {
			const struct task *m = l->at[i]->u.subscription.match;

			if (m != NULL && task_wants(m, type))
				list[n++] = l->at[i];
		}
		list[n] = NULL;
		r->wanted[t] = more(list, n + 1, sizeof *list);
	}
}

/*
 * A snapshot no older than *from.  The generation is read before the records:
 * what changes meanwhile may be in it already and is loaded again next time.
 */
static enum rc
load(struct rosters *rs, const struct roster *from, uint64_t generation,
    struct roster **out)
{
	struct roster *r = roster_copy(from, rs->catalog);
	enum rc rc;

	rc = from == NULL ? RC_NOTFOUND : load_changes(rs, r);
	if (rc == RC_NOTFOUND) {	/* first time, or too far behind */
		roster_free(r);
		r = roster_copy(NULL, rs->catalog);
		r->generation = generation;
		rc = load_all(rs, r);
	}
	if (rc != RC_OK) {
		roster_free(r);
		return rc;
	}
	index_keys(r);
	index_types(r);
	*out = r;
	return RC_OK;
}

enum rc
rosters_new(struct rosters **out, struct store *st, const struct crypt *crypt,
    const struct catalog *c)
{
	struct rosters *rs = calloc(1, sizeof *rs);

	if (rs == NULL)
		log_fatal("out of memory");
	pthread_mutex_init(&rs->lock, NULL);
	rs->store = st;
	rs->crypt = crypt;
	rs->catalog = c;
	*out = rs;
	return RC_OK;
}

void
rosters_free(struct rosters *rs)
{
	if (rs == NULL)
		return;
	roster_release(rs->now);
	pthread_mutex_destroy(&rs->lock);
	free(rs);
}

enum rc
rosters_get(struct rosters *rs, uint64_t min, bool check,
    const struct roster **out)
{
	struct roster *fresh;
	uint64_t generation;
	enum rc rc = RC_OK;

	pthread_mutex_lock(&rs->lock);
	if (rs->now == NULL || check || rs->now->generation < min) {
		rc = store_generation(rs->store, &generation);
		if (rc == RC_OK && (rs->now == NULL ||
		    rs->now->generation != generation)) {
			rc = load(rs, rs->now, generation, &fresh);
			if (rc == RC_OK) {
				roster_release(rs->now);
				rs->now = fresh;
			}
		}
	}
	if (rc == RC_OK) {
		atomic_fetch_add_explicit(&rs->now->refs, 1,
		    memory_order_relaxed);
		*out = rs->now;
	}
	pthread_mutex_unlock(&rs->lock);
	return rc;
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
	const struct entry *e = find(&r->list[STORE_SUBSCRIPTION], number);

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
client_sees(const struct client *c, const struct order *o)
{
	for (size_t i = 0; !c->all && i < c->nscope; i++) {
		struct order_value v = order_field(o, c->scope[i].field);

		if (v.found && order_value_is(v, c->scope[i].value))
			return true;
	}
	return c->all;
}

size_t
roster_match(const struct roster *r, const struct catalog_event *type,
    const struct order *o, uint32_t **out, size_t *cap)
{
	const struct client *last = NULL;
	size_t n = 0;
	bool sees = false;

	if (type->index >= r->ntypes)
		return 0;
	for (struct entry **e = r->wanted[type->index]; *e != NULL; e++) {
		const struct subscription *s = &(*e)->u.subscription;

		if (s->client != last) {	/* many in a row share one */
			last = s->client;
			sees = client_sees(last, o);
		}
		if (!sees || !task_filter_matches(s->match, o))
			continue;
		if (n == *cap) {
			*cap = *cap == 0 ? 8 : *cap * 2;
			*out = more(*out, *cap, sizeof **out);
		}
		(*out)[n++] = s->number;
	}
	return n;
}
