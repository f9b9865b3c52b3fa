#include "store/bdb_list.h"

/*
 * Stand on the first row of the lane at hand after l->key or, where the lane
 * is at its beginning, of the next one that has rows and is asked for.
 * RC_NOTFOUND: there is none.
 */
static enum rc
seek(struct bdb_cur *c, struct list *l, struct store_due *d)
{
	struct buf key = KEY_INIT;
	uint32_t lane = list_next_lane(l->q, l->lane > 0 ? l->lane : 1);
	enum rc rc = RC_NOTFOUND;

	if (l->key.len > 0) {
		buf_slice(&key, buf_as_slice(&l->key));
		buf_be8(&key, 0);	/* the least key after it */
		rc = bdb_cur_at(c, &key);
		if (rc == RC_OK && key_due_parse(c->key, d) != RC_OK)
			rc = RC_NOTFOUND;
		goto done;
	}
	while (lane != 0) {
		*d = (struct store_due){ .due_ms = INT64_MIN,
		    .key.subscription = lane };
		key_due(&key, d);
		rc = bdb_cur_at(c, &key);
		l->budget -= l->budget > 0;
		if (rc == RC_OK && key_due_parse(c->key, d) != RC_OK)
			rc = RC_NOTFOUND;
		if (rc != RC_OK)
			break;
		l->lane = lane = list_next_lane(l->q, d->key.subscription);
		if (lane == d->key.subscription)
			break;
		rc = RC_NOTFOUND;
	}
done:
	buf_free(&key);
	return rc;
}

void
list_leave_lane(struct list *l)
{
	buf_clear(&l->key);
	l->over = l->lane == UINT32_MAX;
	l->lane++;
}

/* One lane's rows of the due tree into d[n...]; *n counts them. */
static enum rc
lane_keys(struct store *st, struct list *l, size_t *n)
{
	struct store_due d;
	struct bdb_cur c = { 0 };
	bool begun = l->key.len > 0;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_DUE, false, &c);
	if (rc == RC_OK)
		rc = seek(&c, l, &d);
	if (rc == RC_NOTFOUND && !begun) {
		l->over = true;
		rc = RC_OK;
		goto done;
	}
	while (rc == RC_OK && d.key.subscription == l->lane) {
		if (*n == l->max || l->budget == 0)
			goto done;
		l->budget--;
		list_stand_at(l, c.key);
		if (value_due_parse(c.val, &d) == RC_OK)
			l->d[(*n)++] = (struct store_delivery){ .key = d.key,
			    .state = STORE_IS_PENDING,
			    .attempts = d.attempts, .recorded = d.recorded,
			    .created_ms = d.due_ms, .next_ms = d.due_ms };
		rc = bdb_cur_next(&c);
		if (rc == RC_OK && key_due_parse(c.key, &d) != RC_OK)
			rc = RC_NOTFOUND;
	}
	if (rc == RC_OK || rc == RC_NOTFOUND) {
		list_leave_lane(l);
		rc = RC_OK;
	}
done:
	bdb_cur_close(&c);
	return rc;
}

/*
 * Fill in what the due tree does not say.  Between the two looks one may have
 * been settled: then it is not pending any more.
 */
enum rc
list_pending(struct store *st, struct list *l)
{
	size_t from = l->n, n = l->n;
	struct store_delivery d, row;
	enum rc rc;

	rc = lane_keys(st, l, &n);
	for (size_t i = from; i < n && rc == RC_OK; i++) {
		d = l->d[i];
		rc = bdb_delivery_row(st, NULL, &d.key, &row);
		if (rc == RC_OK && row.state != STORE_IS_PENDING)
			continue;
		if (rc == RC_OK) {
			row.next_ms = d.next_ms;
			d = row;
		} else if (rc == RC_NOTFOUND || rc == RC_INVALID)
			rc = RC_OK;
		d.found = LIST_PENDING;
		if (rc == RC_OK && list_wants_time(l->q, d.created_ms))
			l->d[l->n++] = d;
	}
	return rc;
}
