#include "store/bdb_delivery.h"

struct find {
	const struct store_bury	*b;
	struct store_due	 row[STORE_BURY_MAX], last;
	size_t			 n, max;
	bool			 any, more;
};

/*
 * The rows to bury, read before anything is written.  One that is settled
 * meanwhile counts otherwise then, and is passed by.
 */
static enum rc
find(struct store *st, void *arg)
{
	struct find *f = arg;
	const struct store_bury *b = f->b;
	struct store_due d = { .due_ms = INT64_MIN,
	    .key.subscription = b->lane };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	size_t looked = 0;
	enum rc rc;

	f->n = 0;
	f->any = f->more = false;
	key_due(&key, b->begun ? &b->after : &d);
	if (b->begun)
		buf_be8(&key, 0);	/* the least key after it */
	rc = bdb_cur_open(st, NULL, BDB_DUE, false, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &key);
	for (; rc == RC_OK; rc = bdb_cur_next(&c)) {
		if (key_due_parse(c.key, &d) != RC_OK ||
		    d.key.subscription != b->lane ||
		    d.due_ms >= b->due_before_ms)
			break;
		if (f->n == f->max || looked == STORE_BURY_LOOK) {
			f->more = true;
			break;
		}
		looked++;
		f->last = d;
		f->any = true;
		/* one that can't be read is verify's to tell of */
		if (d.key.position <= b->upto &&
		    value_due_parse(c.val, &d) == RC_OK)
			f->row[f->n++] = d;
	}
	bdb_cur_close(&c);
	buf_free(&key);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
store_bury(struct store *st, struct store_bury *b)
{
	struct store_settle s[STORE_BURY_MAX];
	struct find f = { .b = b, .max = b->max < STORE_BURY_MAX ? b->max :
	    STORE_BURY_MAX };
	size_t n = 0;
	enum rc rc;

	rc = bdb_read(st, find, &f);
	for (size_t i = 0; i < f.n && rc == RC_OK; i++) {
		s[i] = (struct store_settle){ .due = f.row[i],
		    .outcome = STORE_DEAD, .attempts = f.row[i].attempts,
		    .now_ms = b->now_ms };
		memcpy(s[i].reason, b->reason, strnlen(b->reason,
		    sizeof s[i].reason - 1));
	}
	if (rc == RC_OK)
		rc = store_settle(st, s, f.n, false);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < f.n; i++)
		n += s[i].rc == RC_OK;
	if (f.any) {
		b->after = f.last;
		b->begun = true;
	}
	b->n = n;
	b->more = f.more;
	return RC_OK;
}
