#include "base/log.h"
#include "store/bdb_count.h"
#include "store/bdb_settle.h"

struct give_up {
	const struct store_key	*key;
	enum rc			*rc;
	size_t			 n;
	int64_t			 now_ms;

	/* as of the transaction */
	struct store_settle	 s[SETTLE_ROWS];
	struct job		 job[SETTLE_ROWS];
	struct chunk		 c;
};

/* The row of one that was never tried follows from its event. */
static enum rc
row_of_event(struct store *st, DB_TXN *txn, const struct store_key *k,
    struct store_due *d)
{
	struct store_event ev = STORE_EVENT_INIT;
	enum rc rc = RC_NOTFOUND;

	if (k->ordinal < STORE_RECIPIENTS_MAX)
		rc = bdb_event_row(st, txn, k->position, &ev);
	if (rc == RC_OK && !event_lists(&ev, k))
		rc = RC_NOTFOUND;
	if (rc == RC_OK)
		*d = (struct store_due){ .key = *k,
		    .due_ms = ev.accepted_ms,
		    .chain = k->ordinal > 0 ? 0 :
		    event_chain_of(&ev, k->subscription) };
	store_event_clear(&ev);
	return rc;
}

/* RC_STALE: it is delivered or dead. */
static enum rc
row_of(struct store *st, DB_TXN *txn, const struct store_key *k,
    struct store_due *d)
{
	struct store_delivery row;
	enum rc rc = bdb_delivery_row(st, txn, k, &row);

	if (rc == RC_NOTFOUND)
		rc = row_of_event(st, txn, k, d);
	else if (rc == RC_OK && row.state != STORE_IS_PENDING)
		rc = RC_STALE;
	else if (rc == RC_OK)
		*d = (struct store_due){ .key = *k, .due_ms = row.next_ms,
		    .attempts = row.attempts, .recorded = row.recorded };
	if (rc == RC_INVALID) {
		log_error("store: what is known of a delivery in lane %u "
		    "can't be read", (unsigned)k->subscription);
		rc = RC_IO;
	}
	return rc;
}

/* A delivery that was named twice is settled once. */
static bool
named_before(const struct give_up *g, size_t i)
{
	for (size_t j = 0; j < g->c.n; j++) {
		const struct store_key *k = &g->s[j].due.key;

		if (k->position == g->key[i].position &&
		    k->subscription == g->key[i].subscription &&
		    k->ordinal == g->key[i].ordinal)
			return true;
	}
	return false;
}

static enum rc
gather(struct store *st, DB_TXN *txn, struct give_up *g, size_t item[])
{
	struct store_due d;

	g->c.n = 0;
	for (size_t i = 0; i < g->n; i++) {
		struct store_settle *s = &g->s[g->c.n];

		g->rc[i] = RC_STALE;
		if (named_before(g, i))
			continue;
		g->rc[i] = row_of(st, txn, &g->key[i], &d);
		if (g->rc[i] == RC_RETRY)	/* a deadlock: all of it */
			return RC_RETRY;
		if (g->rc[i] != RC_OK)
			continue;
		*s = (struct store_settle){ .due = d, .outcome = STORE_DEAD,
		    .attempts = d.attempts, .reason = "given-up",
		    .now_ms = g->now_ms };
		g->job[g->c.n] = (struct job){ .s = s };
		g->c.job[g->c.n] = &g->job[g->c.n];
		item[g->c.n++] = i;
	}
	return RC_OK;
}

/* A change for each lane that had some of them. */
static enum rc
announce_lanes(struct store *st, DB_TXN *txn, struct give_up *g, size_t n,
    uint64_t generation)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		uint32_t lane = g->s[i].due.key.subscription;
		bool told = !g->job[i].live;

		for (size_t j = 0; j < i && !told; j++)
			told = g->job[j].live &&
			    g->s[j].due.key.subscription == lane;
		if (!told)
			rc = bdb_announce(st, txn, STORE_LANE, lane,
			    ++generation);
	}
	return rc;
}

/*
 * What is pending and not due can only be an event's that is still to be
 * fanned out.
 */
static enum rc
give_up(struct store *st, DB_TXN *txn, void *arg)
{
	struct give_up *g = arg;
	size_t item[SETTLE_ROWS];
	uint64_t generation;
	enum rc rc;

	rc = bdb_count_get(st, txn, KEY_GENERATION, true, &generation);
	if (rc == RC_OK)
		rc = gather(st, txn, g, item);
	if (rc == RC_OK)
		rc = settle_chunk(st, txn, &g->c);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < g->c.n; i++)
		g->rc[item[i]] = g->job[i].live ? RC_OK : RC_RETRY;
	return announce_lanes(st, txn, g, g->c.n, generation);
}

enum rc
store_give_up(struct store *st, const struct store_key *k, size_t n,
    int64_t now_ms, enum rc *rc)
{
	struct give_up g = { .now_ms = now_ms, .c = { .key = KEY_INIT,
	    .val = DELIVERY_ROW_INIT } };
	enum rc first = RC_OK, done;
	bool any = n == 0;

	done = bdb_enter(st);
	for (size_t at = 0; at < n; at += g.n) {
		g.key = k + at;
		g.rc = rc + at;
		g.n = n - at < SETTLE_ROWS ? n - at : SETTLE_ROWS;
		if (first == RC_OK)
			first = done == RC_OK ? bdb_txn(st, give_up, &g,
			    BDB_PRIORITY_CONFIG, true) : done;
		any = any || first == RC_OK;
		for (size_t i = 0; i < g.n && first != RC_OK; i++)
			g.rc[i] = first;
	}
	if (done == RC_OK)
		bdb_leave(st);
	buf_free(&g.c.val);
	buf_free(&g.c.key);
	return any ? RC_OK : first;
}
