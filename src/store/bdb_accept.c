#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_accept.h"
#include "store/bdb_ahead.h"
#include "store/bdb_chain.h"
#include "store/bdb_committer.h"
#include "store/bdb_count.h"
#include "store/bdb_fanout.h"
#include "store/bdb_key.h"
#include "store/bdb_timer.h"

/*
 * What an accepted event writes, in the order of bdb.h's files:
 *   META    the position counter, once a transaction, read for writing before
 *           anything else: whoever has it decides alone who comes first
 *   SENDER  its sender id, if it has one
 *   EVENT   itself
 *   REF     its references, all of the transaction's together
 *   TIMER   what they do to timers, the same; a timer that one stands for
 *           ends first of all
 *   CHAIN   a row for each subscription that has the events of an order in
 *           turn
 *   DUE     a row for each delivery that need not wait for its turn, due at
 *           once; or one fan-out row
 * and, of one that is put ahead of others, what bdb_ahead.h says.
 */
#define ROWS_MAX	10000
#define CLOCK_SLACK_MS	1000
#define BYTES_MAX	(2 * STORE_ORDER_MAX)	/* of orders: those that are
						   joined wait for them all */

#define EVENT_VALUE_INIT	BUF_INIT(2 * STORE_ORDER_MAX)

/* A due row to be; lane 0: a fan-out row. */
struct row {
	uint32_t lane;
	uint16_t ordinal;
	bool	 test, ahead;
	bool	 waits;		/* found: for its turn */
	uint64_t position;
	uint64_t chain;		/* 0: none */
};

struct batch {
	struct store_accept	**item;
	size_t			  n;
	int64_t			  accepted_ms;
	struct bdb_ref_entry	 *ref;		/* room for all of them */
	size_t			  nref;
	struct row		 *row;		/* the same */
	size_t			  nrow, nfanout;	/* of them in lane 0 */
	struct buf		  key, val;
};

struct accept_room
accept_room(void)
{
	return (struct accept_room){ STORE_BATCH_EVENTS, ROWS_MAX, BYTES_MAX };
}

static bool
is_large(const struct store_accept *a)
{
	return a->nsubscription > FANOUT_ABOVE;
}

/* At most; each may have one in its chain, too. */
static size_t
due_rows(const struct store_accept *a)
{
	return is_large(a) || a->nsubscription == 0 ? 1 : a->nsubscription;
}

/* Its numbers ascend, so those that are the same are neighbours. */
static bool
repeats_too_often(const struct store_accept *a)
{
	for (uint32_t i = STORE_RECIPIENTS_MAX; i < a->nsubscription; i++)
		if (a->subscription[i] ==
		    a->subscription[i - STORE_RECIPIENTS_MAX])
			return true;
	return false;
}

/* What could never be stored, however often it is tried. */
static bool
too_big(const struct store_accept *a)
{
	return a->order.len > STORE_ORDER_MAX ||
	    a->sender_id.len > STORE_SENDER_ID_MAX ||
	    a->type.len > STORE_TEXT_MAX ||
	    a->occurred.len > STORE_TEXT_MAX ||
	    a->nref > STORE_REFS_MAX ||
	    a->nsubscription > STORE_SUBSCRIPTIONS_MAX ||
	    repeats_too_often(a);
}

void
accept_gather(struct accept_list *l, struct accept_room *r,
    struct store_accept *fit[STORE_BATCH_EVENTS], size_t *nfit)
{
	for (; l->next < l->n; l->next++) {
		struct store_accept *a = &l->item[l->next];
		size_t rows = 3 + due_rows(a) * (a->ordered == NULL ? 1 : 2);
		size_t bytes = a->order.len;

		if (too_big(a)) {
			a->rc = RC_TOOBIG;
			continue;
		}
		if (r->events == 0 || r->rows < rows || r->bytes < bytes)
			break;
		r->events--;
		r->rows -= rows;
		r->bytes -= bytes;
		fit[(*nfit)++] = a;
	}
}

/*
 * Was this sender id taken?  RC_NOTFOUND: no; RC_EXISTS, RC_INVALID as in
 * accept.h.
 */
static enum rc
find_taken(struct store *st, DB_TXN *txn, struct batch *b,
    struct store_accept *a)
{
	struct key_taken t;
	enum rc rc;

	key_sender(&b->key, a->sender_id);
	rc = bdb_get(st, txn, BDB_SENDER, &b->key, &b->val, true);
	if (rc != RC_OK)
		return rc;
	if (value_sender_parse(buf_as_slice(&b->val), &t) != RC_OK) {
		log_error("store: a sender id's row can't be read");
		return RC_IO;
	}
	if (st->remember_ms > 0 &&
	    b->accepted_ms - t.accepted_ms > st->remember_ms)
		return RC_NOTFOUND;	/* forgotten: its row is written anew */
	if (memcmp(t.content, a->content, sizeof t.content) != 0)
		return RC_INVALID;
	a->position = t.position;
	a->deliveries = t.deliveries;
	a->accepted_ms = t.accepted_ms;
	return RC_EXISTS;
}

static enum rc
put_sender(struct store *st, DB_TXN *txn, struct batch *b,
    const struct store_accept *a)
{
	struct key_taken t = { .position = a->position,
	    .accepted_ms = a->accepted_ms, .deliveries = a->deliveries };

	memcpy(t.content, a->content, sizeof t.content);
	key_sender(&b->key, a->sender_id);
	value_sender(&b->val, &t);
	return bdb_put(st, txn, BDB_SENDER, &b->key, &b->val);
}

static enum rc
put_event(struct store *st, DB_TXN *txn, struct batch *b,
    const struct store_accept *a)
{
	key_event(&b->key, a->position);
	event_encode(&b->val, a, a->accepted_ms);
	if (b->val.over)
		return RC_TOOBIG;
	return bdb_put(st, txn, BDB_EVENT, &b->key, &b->val);
}

static void
add_rows(struct batch *b, const struct store_accept *a)
{
	for (uint32_t i = 0; i < a->nref; i++)
		b->ref[b->nref++] = (struct bdb_ref_entry){ a->ref[i],
		    a->position };
	if (a->fanout) {
		b->row[b->nrow++] = (struct row){ .position = a->position,
		    .chain = a->ordered == NULL ? 0 : a->chain };
		b->nfanout++;
	}
	for (uint32_t i = 0; i < a->nsubscription && !a->fanout; i++) {
		struct row *r = &b->row[b->nrow++];

		*r = (struct row){ .lane = a->subscription[i],
		    .position = a->position, .test = a->test,
		    .ahead = a->ahead && a->ordered == NULL };
		if (i > 0 && a->subscription[i - 1] == r->lane)
			r->ordinal = (uint16_t)(r[-1].ordinal + 1);
		else if (a->ordered != NULL && a->ordered[i])
			r->chain = a->chain;
	}
}

static int
by_key(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;

	if (a->lane != b->lane)
		return a->lane < b->lane ? -1 : 1;
	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return (int)a->ordinal - (int)b->ordinal;
}

/* By position within a lane, so that one of this batch waits for another. */
static enum rc
put_chains(struct store *st, DB_TXN *txn, struct batch *b)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < b->nrow && rc == RC_OK; i++) {
		struct row *r = &b->row[i];

		if (r->chain != 0)
			rc = bdb_chain_add(st, txn, &(struct key_link){
			    r->lane, r->chain, r->position }, b->accepted_ms,
			    &r->waits);
	}
	return rc;
}

/*
 * In the order of keys, as settle does it: two transactions that go through a
 * tree in the same direction can't wait for each other.
 */
static enum rc
put_due(struct store *st, DB_TXN *txn, struct batch *b)
{
	struct store_due d;
	enum rc rc;

	qsort(b->row, b->nrow, sizeof *b->row, by_key);
	rc = put_chains(st, txn, b);
	for (size_t i = 0; i < b->nrow && rc == RC_OK; i++) {
		const struct row *r = &b->row[i];

		d = (struct store_due){
			.key = { r->position, r->lane, r->ordinal },
			.due_ms = b->accepted_ms, .chain = r->chain,
			.test = r->test };
		if (r->lane == 0) {
			rc = bdb_fanout_put(st, txn, r->position, r->chain);
			continue;
		}
		if (r->waits)
			continue;
		if (r->ahead)
			rc = bdb_ahead_put(st, txn, &d);
		if (rc != RC_OK)
			break;
		key_due(&b->key, &d);
		value_due(&b->val, &d);
		rc = bdb_put(st, txn, BDB_DUE, &b->key, &b->val);
	}
	return rc;
}

/*
 * Does it get its due rows later?  One that somebody has in turn does, too,
 * while an earlier event of its order is still to be fanned out, in the store
 * or in this batch.
 */
static enum rc
choose_fanout(struct store *st, DB_TXN *txn, const struct batch *b,
    struct store_accept *a)
{
	struct key_link l = { .chain = a->chain };
	uint64_t first;
	enum rc rc;

	a->fanout = is_large(a);
	if (a->fanout || a->ordered == NULL || a->chain == 0)
		return RC_OK;
	for (size_t i = 0; i < b->nrow && b->nfanout > 0 && !a->fanout; i++)
		a->fanout = b->row[i].lane == 0 &&
		    b->row[i].chain == a->chain;
	if (a->fanout)
		return RC_OK;
	rc = bdb_chain_first(st, txn, &l, &first);
	a->fanout = rc == RC_OK;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Results that only stand once the transaction does; RC_OK goes on. */
static enum rc
decide(struct store *st, DB_TXN *txn, struct batch *b,
    struct store_accept *a, uint64_t generation, uint64_t *position)
{
	enum rc rc = RC_NOTFOUND;

	if (a->generation != generation) {
		a->rc = RC_STALE;
		return RC_OK;
	}
	if (a->sender_id.len > 0)
		rc = find_taken(st, txn, b, a);
	a->rc = rc;
	if (rc == RC_EXISTS || rc == RC_INVALID)
		return RC_OK;
	if (rc != RC_NOTFOUND)
		return rc;
	if (a->fires != NULL) {
		a->rc = rc = bdb_timer_fire(st, txn, b->item, a);
		if (rc != RC_OK)
			return rc == RC_NOTFOUND ? RC_OK : rc;
	}
	a->rc = RC_OK;
	a->position = ++*position;
	a->accepted_ms = b->accepted_ms;
	a->deliveries = a->nsubscription;
	rc = choose_fanout(st, txn, b, a);
	if (rc != RC_OK)
		return rc;
	add_rows(b, a);
	return a->sender_id.len > 0 ? put_sender(st, txn, b, a) : RC_OK;
}

static enum rc
take(struct store *st, DB_TXN *txn, void *arg)
{
	struct batch *b = arg;
	uint64_t before, position, generation;
	enum rc rc;

	b->nref = b->nrow = b->nfanout = 0;
	rc = bdb_count_get(st, txn, KEY_POSITION, true, &before);
	if (rc == RC_OK)
		rc = bdb_count_get(st, txn, KEY_GENERATION, false,
		    &generation);
	if (rc != RC_OK)
		return rc;
	position = before;
	for (size_t i = 0; i < b->n && rc == RC_OK; i++)
		rc = decide(st, txn, b, b->item[i], generation, &position);
	if (rc != RC_OK || position == before)
		return rc;
	rc = bdb_count_set(st, txn, KEY_POSITION, position);
	for (size_t i = 0; i < b->n && rc == RC_OK; i++)
		if (b->item[i]->rc == RC_OK)
			rc = put_event(st, txn, b, b->item[i]);
	if (rc == RC_OK && b->nref > 0)
		rc = bdb_ref_put(st, txn, b->ref, b->nref);
	if (rc == RC_OK)
		rc = bdb_timer_put(st, txn, b->item, b->n);
	if (rc == RC_OK && b->nrow > 0)
		rc = put_due(st, txn, b);
	return rc;
}

static void
fail(struct store_accept **item, size_t n, enum rc rc)
{
	for (size_t i = 0; i < n; i++)
		item[i]->rc = rc;
}

/*
 * All together; if that fails for another reason than the store's state, each
 * half apart, so that in the end whose fault it was bears it alone.  The flush
 * is asked for also where nothing is written: a duplicate's first one may have
 * been committed, by anybody, and not be flushed yet.
 */
static void
take_all(struct store *st, struct batch *b)
{
	struct store_accept **item = b->item;
	size_t n = b->n, half = n / 2;
	enum rc rc;

	rc = bdb_txn(st, take, b, BDB_PRIORITY_ACCEPT, true);
	if (rc == RC_OK)
		return;
	if (rc == RC_RETRY || rc == RC_FULL || n == 1) {
		fail(item, n, rc);
		return;
	}
	b->n = half;
	take_all(st, b);
	b->item = item + half;
	b->n = n - half;
	take_all(st, b);
}

static void
make_room(struct batch *b)
{
	size_t nref = 0, nrow = 0;

	for (size_t i = 0; i < b->n; i++) {
		nref += b->item[i]->nref;
		nrow += due_rows(b->item[i]);
	}
	b->ref = calloc(nref + 1, sizeof *b->ref);
	b->row = calloc(nrow + 1, sizeof *b->row);
	if (b->ref == NULL || b->row == NULL)
		log_fatal("out of memory: %zu references, %zu rows", nref,
		    nrow);
}

void
accept_batch(struct store *st, struct store_accept **item, size_t n,
    int64_t *newest_ms)
{
	struct batch b = { .item = item, .n = n, .key = KEY_INIT,
	    .val = EVENT_VALUE_INIT };
	int64_t now_ms = clock_now_ms();
	enum rc rc;

	rc = bdb_enter(st);
	if (rc != RC_OK) {
		fail(item, n, rc);
		return;
	}
	rc = bdb_space_check(st);
	if (rc != RC_OK) {
		fail(item, n, rc);
		goto done;
	}
	make_room(&b);
	/* in order though clocks differ a little; one that was set back counts */
	if (*newest_ms < now_ms || *newest_ms - now_ms > CLOCK_SLACK_MS)
		*newest_ms = now_ms;
	b.accepted_ms = *newest_ms;
	take_all(st, &b);
done:
	bdb_leave(st);
	free(b.row);
	free(b.ref);
	buf_free(&b.val);
	buf_free(&b.key);
}

/* Each transaction in the caller's thread. */
static void
accept_here(struct store *st, struct store_accept *item, size_t n)
{
	struct accept_list l = { .item = item, .n = n };
	struct store_accept *fit[STORE_BATCH_EVENTS];
	int64_t newest_ms = 0;

	while (l.next < n) {
		struct accept_room room = accept_room();
		size_t nfit = 0;

		accept_gather(&l, &room, fit, &nfit);
		if (nfit > 0)
			accept_batch(st, fit, nfit, &newest_ms);
	}
}

/* The state of the store, as against what is said of one item. */
static bool
of_store(enum rc rc)
{
	return rc == RC_RETRY || rc == RC_FULL || rc == RC_IO;
}

enum rc
store_accept(struct store *st, struct store_accept *item, size_t n)
{
	if (n == 0)
		return RC_OK;
	if (st->committer != NULL)
		committer_accept(st, item, n);
	else
		accept_here(st, item, n);
	for (size_t i = 0; i < n; i++)
		if (!of_store(item[i].rc) || item[i].rc != item[0].rc)
			return RC_OK;
	return item[0].rc;
}
