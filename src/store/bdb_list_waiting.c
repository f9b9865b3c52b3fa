#include "store/bdb_chain.h"
#include "store/bdb_list.h"

/* The lane at hand or the next one that has chains and is asked for. */
static enum rc
find_lane(struct store *st, struct list *l)
{
	uint32_t lane = list_next_lane(l->q, l->lane > 0 ? l->lane : 1);
	struct key_link at;
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_CHAIN, true, &c);
	while (rc == RC_OK && lane != 0) {
		at = (struct key_link){ .lane = lane };
		key_chain(&key, &at);
		rc = bdb_cur_at(&c, &key);
		l->budget -= l->budget > 0;
		if (rc == RC_OK && key_chain_parse(c.key, &at) != RC_OK)
			rc = RC_NOTFOUND;
		if (rc != RC_OK)
			break;
		l->lane = lane = list_next_lane(l->q, at.lane);
		if (lane == at.lane)
			break;
	}
	if (rc == RC_OK && lane == 0)
		rc = RC_NOTFOUND;
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

/* These have no rows but in their chains. */
enum rc
list_waiting(struct store *st, struct list *l)
{
	size_t from = l->n, n = l->n;
	bool end;
	enum rc rc = RC_OK;

	if (l->key.len == 0)
		rc = find_lane(st, l);
	if (rc == RC_NOTFOUND) {
		l->over = true;
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = bdb_chain_waiting(st, l->lane, &l->key, &l->budget, l->d,
		    l->max, &n, &end);
	if (rc != RC_OK)
		return rc;
	for (size_t i = from; i < n; i++) {
		l->d[i].found = LIST_WAITING;
		if (list_wants_time(l->q, l->d[i].created_ms))
			l->d[l->n++] = l->d[i];
	}
	if (end)
		list_leave_lane(l);
	return RC_OK;
}
