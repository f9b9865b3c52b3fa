#include <pthread.h>
#include <stdlib.h>
#include "base/log.h"
#include "work/roster_inner.h"

#define PAGE	64		/* records read in one visit */

struct rosters {
	pthread_mutex_t	 lock;		/* of now, held while it is loaded */
	struct roster	*now;
	struct store	*store;
	const struct crypt *crypt;
	const struct catalog *catalog;
};

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
			rc = roster_take(r, &rec[i], rs->crypt);
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
		rc = roster_take(r, &rec, rs->crypt);
	else if (rc == RC_NOTFOUND) {
		roster_drop(r, kind, number);
		rc = RC_OK;
	}
	store_record_clear(&rec);
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
			if (c[i].kind == STORE_LANE)	/* no record */
				continue;
			if (c[i].kind != STORE_CLIENT &&
			    changes_again(c, i, n))
				continue;
			rc = reload_one(rs, r, c[i].kind, c[i].number);
			if (rc != RC_OK || c[i].kind != STORE_CLIENT)
				continue;
			roster_follow(r, STORE_SUBSCRIPTION, c[i].number);
			roster_follow(r, STORE_KEY, c[i].number);
		}
	}
	return rc;
}

/*
 * A snapshot no older than *from.  The generation is read before the records:
 * what changes meanwhile may be in it already and is loaded again next time.
 */
static enum rc
load(struct rosters *rs, const struct roster *from, uint64_t generation,
    struct roster **out)
{
	struct roster *r = NULL;
	enum rc rc = RC_NOTFOUND;

	if (from != NULL) {
		r = roster_copy(from);
		rc = load_changes(rs, r);
	}
	if (rc == RC_NOTFOUND) {	/* first time, or too far behind */
		roster_release(r);
		r = roster_new(rs->catalog);
		r->generation = generation;
		rc = load_all(rs, r);
	}
	if (rc != RC_OK) {
		roster_release(r);
		return rc;
	}
	roster_ready(r);
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
