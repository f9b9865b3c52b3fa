#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_list.h"

/*
 * What is done with, by when that was: the rows of several lanes of DONE (or
 * of lane 0, the dead ones of all) walked side by side.  Each lane's next row
 * is its head; the newest head is the list's next row.  Where the list stands
 * is one row's time and delivery, whatever its lane.
 */
struct head {
	uint32_t	 lane;
	int64_t		 done_ms;
	struct store_key key;
	uint8_t		 state;
};

struct heads {
	struct head	*at;
	size_t		 n, cap;
};

static void
add_head(struct heads *h, const struct head *one)
{
	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 16 : 2 * h->cap;
		h->at = reallocarray(h->at, h->cap, sizeof *h->at);
		if (h->at == NULL)
			log_fatal("out of memory: %zu lanes", h->cap);
	}
	h->at[h->n++] = *one;
}

/* The row that the cursor is on; RC_NOTFOUND: no row, or too old. */
static enum rc
read_head(const struct list *l, const struct bdb_cur *c, struct head *h)
{
	if (key_done_parse(c->key, &h->lane, &h->done_ms, &h->key) != RC_OK)
		return RC_NOTFOUND;
	h->state = c->val.len > 0 ? (uint8_t)c->val.s[0] : 0;
	return l->q->since_ms != 0 && h->done_ms < l->q->since_ms ?
	    RC_NOTFOUND : RC_OK;
}

/* The key in a lane below which its rows are still to be listed. */
static void
bound(const struct list *l, uint32_t lane, struct buf *key)
{
	const struct store_key last = { UINT64_MAX, UINT32_MAX, UINT16_MAX };
	const struct store_key first = { 0 };
	struct store_key k;
	int64_t ms;
	uint32_t none;

	if (l->key.len > 0 && key_done_parse(buf_as_slice(&l->key), &none,
	    &ms, &k) == RC_OK)
		key_done(key, lane, ms, &k);
	else if (l->q->until_ms != 0)
		key_done(key, lane, l->q->until_ms, &first);
	else
		key_done(key, lane, INT64_MAX, &last);
}

/* A lane's first row below key.  RC_NOTFOUND: it has none. */
static enum rc
head_below(const struct list *l, struct bdb_cur *c, uint32_t lane,
    const struct buf *key, struct head *h)
{
	enum rc rc = bdb_cur_before(c, key);

	if (rc == RC_OK)
		rc = read_head(l, c, h);
	return rc == RC_OK && h->lane != lane ? RC_NOTFOUND : rc;
}

/* Heads of the lanes that the query names. */
static enum rc
heads_named(struct list *l, struct bdb_cur *c, struct heads *h)
{
	struct buf key = KEY_INIT;
	uint32_t lane = l->phase == LIST_DEAD ? 0 : list_next_lane(l->q, 1);
	struct head one;
	enum rc rc;

	do {
		bound(l, lane, &key);
		rc = head_below(l, c, lane, &key, &one);
		if (rc == RC_OK)
			add_head(h, &one);
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
		l->budget -= l->budget > 0;
		lane = l->phase == LIST_DEAD || lane == UINT32_MAX ? 0 :
		    list_next_lane(l->q, lane + 1);
	} while (rc == RC_OK && lane != 0);
	buf_free(&key);
	return rc;
}

/* Move to the last row of the next lower lane; RC_NOTFOUND: there is none. */
static enum rc
lane_below(struct bdb_cur *c, uint32_t *lane)
{
	const struct store_key first = { 0 };
	struct buf key = KEY_INIT;
	struct store_key k;
	int64_t ms;
	enum rc rc;

	key_done(&key, *lane, INT64_MIN, &first);
	rc = bdb_cur_before(c, &key);
	if (rc == RC_OK && (key_done_parse(c->key, lane, &ms, &k) != RC_OK ||
	    *lane == 0))
		rc = RC_NOTFOUND;
	buf_free(&key);
	return rc;
}

/* Heads of whatever lanes there are, a seek or two each. */
static enum rc
heads_found(struct list *l, struct bdb_cur *c, struct heads *h)
{
	struct buf key = KEY_INIT;
	uint32_t lane = UINT32_MAX;
	struct head one;
	enum rc rc;

	for (rc = lane_below(c, &lane); rc == RC_OK;
	    rc = lane_below(c, &lane)) {
		if (!list_wants_lane(l->q, lane))
			continue;
		bound(l, lane, &key);
		rc = head_below(l, c, lane, &key, &one);
		if (rc == RC_OK)
			add_head(h, &one);
		else if (rc != RC_NOTFOUND)
			break;
		l->budget -= l->budget > 0;
	}
	buf_free(&key);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static bool
is_newer(const struct head *a, const struct head *b)
{
	if (a->done_ms != b->done_ms)
		return a->done_ms > b->done_ms;
	if (a->key.position != b->key.position)
		return a->key.position > b->key.position;
	if (a->key.subscription != b->key.subscription)
		return a->key.subscription > b->key.subscription;
	return a->key.ordinal > b->key.ordinal;
}

static struct head *
newest(struct heads *h)
{
	struct head *best = &h->at[0];

	for (size_t i = 1; i < h->n; i++)
		if (is_newer(&h->at[i], best))
			best = &h->at[i];
	return best;
}

/* Put a lane's next row in the place of its head, or drop the lane. */
static enum rc
follow(struct list *l, struct bdb_cur *c, struct heads *h, struct head *one)
{
	struct buf key = KEY_INIT;
	uint32_t lane = one->lane;
	enum rc rc;

	key_done(&key, lane, one->done_ms, &one->key);
	if (slice_eq(c->key, buf_as_slice(&key))) {
		rc = bdb_cur_prev(c);
		if (rc == RC_OK)
			rc = read_head(l, c, one);
		if (rc == RC_OK && one->lane != lane)
			rc = RC_NOTFOUND;
	} else
		rc = head_below(l, c, lane, &key, one);
	if (rc == RC_NOTFOUND) {
		*one = h->at[--h->n];
		rc = RC_OK;
	}
	buf_free(&key);
	return rc;
}

/* The rows that fit, by their keys, into d[n...]; *n counts them. */
static enum rc
merge(struct list *l, struct bdb_cur *c, struct heads *h, size_t *n)
{
	struct buf key = KEY_INIT;
	struct head *one;
	enum rc rc = RC_OK;

	while (rc == RC_OK && h->n > 0 && *n < l->max && l->budget > 0) {
		one = newest(h);
		key_done(&key, 0, one->done_ms, &one->key);
		list_stand_at(l, buf_as_slice(&key));
		if ((l->q->state == STORE_ANY || one->state == l->q->state) &&
		    list_wants_lane(l->q, one->key.subscription))
			l->d[(*n)++] = (struct store_delivery){
			    .key = one->key, .done_ms = one->done_ms };
		l->budget--;
		rc = follow(l, c, h, one);
	}
	if (rc == RC_OK && h->n == 0)
		l->over = true;
	buf_free(&key);
	return rc;
}

enum rc
list_done(struct store *st, struct list *l)
{
	bool named = l->phase == LIST_DEAD || l->q->subscription != 0 ||
	    l->q->lanes == STORE_LANES_THESE;
	size_t from = l->n, n = l->n;
	struct heads h = { .n = 0 };
	struct bdb_cur c = { 0 };
	struct store_delivery row;
	int64_t done_ms;
	enum rc rc;

	if (named && l->phase != LIST_DEAD && list_next_lane(l->q, 1) == 0) {
		l->over = true;		/* of none */
		return RC_OK;
	}
	rc = bdb_cur_open(st, NULL, BDB_DONE, false, &c);
	if (rc == RC_OK)
		rc = named ? heads_named(l, &c, &h) : heads_found(l, &c, &h);
	l->budget += l->budget == 0;	/* very many lanes: on, row by row */
	if (rc == RC_OK)
		rc = merge(l, &c, &h, &n);
	bdb_cur_close(&c);
	for (size_t i = from; i < n && rc == RC_OK; i++) {
		done_ms = l->d[i].done_ms;
		rc = bdb_delivery_row(st, NULL, &l->d[i].key, &row);
		if (rc == RC_OK) {
			row.found = (uint8_t)l->phase;
			row.done_ms = done_ms;	/* as a cursor has it */
			l->d[l->n++] = row;
		} else if (rc == RC_NOTFOUND || rc == RC_INVALID)
			rc = RC_OK;	/* verify tells of it */
	}
	free(h.at);
	return rc;
}

enum rc
list_done_lanes(struct store *st, const struct store_query *q, size_t *n)
{
	struct bdb_cur c = { 0 };
	uint32_t lane = UINT32_MAX;
	enum rc rc;

	*n = 0;
	if (q->lanes == STORE_LANES_THESE) {
		*n = q->nlane;
		return RC_OK;
	}
	rc = bdb_cur_open(st, NULL, BDB_DONE, true, &c);
	if (rc == RC_OK)
		rc = lane_below(&c, &lane);
	while (rc == RC_OK && *n <= LIST_MERGED) {
		*n += list_wants_lane(q, lane);
		rc = lane_below(&c, &lane);
	}
	bdb_cur_close(&c);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}
