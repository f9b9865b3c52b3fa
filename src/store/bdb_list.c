#include <inttypes.h>
#include "base/log.h"
#include "store/bdb_chain.h"
#include "store/bdb_delivery.h"

/*
 * Deliveries in pages.  Which rows a query walks:
 *
 *   subscription, pending    the lane in the due tree, by due time; then what
 *                            waits for its turn in CHAIN, order by order
 *   subscription, done       the lane in DONE, newest first
 *   subscription, any        the first, then the second
 *   any, dead                lane 0 of DONE, newest first
 *   any, else                events, newest first, each one's deliveries by
 *                            subscription
 *
 * A cursor is hex of
 *   check32 phase8 key
 * where key is that of the last row looked at (of events: that of the
 * delivery to go on with), and check is keyed over the query and what follows
 * it, so that a cursor means something with the query that made it and with no
 * other.
 */
enum phase { PHASE_PENDING = 1, PHASE_DONE, PHASE_EVENTS, PHASE_WAITING };

#define ROW_BYTES	4096	/* of an event: as good as a row more */

struct list {
	struct store_query	 q;
	enum phase		 phase;
	struct buf		 key;	/* empty: the phase's beginning */
	bool			 end;

	struct store_delivery	*d;
	size_t			 max, n;
	size_t			 budget;
};

/* The check over the query, phase and key. */
static uint32_t
check_of(const struct store *st, const struct list *l)
{
	struct buf b = BUF_INIT(2 * KEY_MAX);
	uint32_t check;

	buf_puts(&b, "deliveries");
	buf_be32(&b, l->q.subscription);
	buf_be8(&b, (uint8_t)l->q.state);
	buf_be8(&b, (uint8_t)l->phase);
	buf_slice(&b, buf_as_slice(&l->key));
	check = (uint32_t)crypt_siphash(st->crypt->id, b.s, b.len);
	buf_free(&b);
	return check;
}

static void
cursor_write(const struct store *st, const struct list *l,
    char cursor[STORE_CURSOR_MAX])
{
	static const char hex[] = "0123456789abcdef";
	struct buf raw = BUF_INIT((STORE_CURSOR_MAX - 1) / 2);

	cursor[0] = '\0';
	if (l->end)
		return;
	buf_be32(&raw, check_of(st, l));
	buf_be8(&raw, (uint8_t)l->phase);
	buf_slice(&raw, buf_as_slice(&l->key));
	for (size_t i = 0; i < raw.len; i++) {
		cursor[2 * i] = hex[(unsigned char)raw.s[i] >> 4];
		cursor[2 * i + 1] = hex[raw.s[i] & 15];
	}
	cursor[2 * raw.len] = '\0';
	buf_free(&raw);
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
begin(struct list *l)
{
	if (l->q.subscription != 0)
		l->phase = l->q.state == STORE_ANY ||
		    l->q.state == STORE_IS_PENDING ? PHASE_PENDING :
		    PHASE_DONE;
	else
		l->phase = l->q.state == STORE_IS_DEAD ? PHASE_DONE :
		    PHASE_EVENTS;
}

/* The check makes sure that the key is one that cursor_write wrote. */
static enum rc
cursor_read(const struct store *st, const char cursor[STORE_CURSOR_MAX],
    struct list *l)
{
	size_t len = strnlen(cursor, STORE_CURSOR_MAX);
	char raw[STORE_CURSOR_MAX / 2];
	struct slice s = { raw, len / 2 };
	uint32_t check;
	int hi, lo;

	if (len == 0) {
		begin(l);
		return RC_OK;
	}
	if (len % 2 != 0 || len >= STORE_CURSOR_MAX)
		return RC_INVALID;
	for (size_t i = 0; i < len / 2; i++) {
		hi = nibble(cursor[2 * i]);
		lo = nibble(cursor[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return RC_INVALID;
		raw[i] = (char)(hi << 4 | lo);
	}
	check = slice_be32(&s);
	l->phase = (enum phase)slice_be8(&s);
	if (s.s == NULL)
		return RC_INVALID;
	buf_slice(&l->key, s);
	return check == check_of(st, l) ? RC_OK : RC_INVALID;
}

static void
stand_at(struct list *l, struct slice key)
{
	buf_clear(&l->key);
	buf_slice(&l->key, key);
}

/* The lane's rows of the due tree into d[n...]; *n counts them. */
static enum rc
pending_keys(struct store *st, struct list *l, size_t *n, bool *end)
{
	struct store_due d = { .due_ms = INT64_MIN,
	    .key.subscription = l->q.subscription };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	if (l->key.len > 0) {
		buf_slice(&key, buf_as_slice(&l->key));
		buf_be8(&key, 0);	/* the least key after it */
	} else {
		key_due(&key, &d);
	}
	rc = bdb_cur_open(st, NULL, BDB_DUE, false, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &key);
	for (; rc == RC_OK; rc = bdb_cur_next(&c)) {
		if (key_due_parse(c.key, &d) != RC_OK ||
		    d.key.subscription != l->q.subscription) {
			rc = RC_NOTFOUND;
			break;
		}
		if (*n == l->max || l->budget == 0)
			break;
		l->budget--;
		stand_at(l, c.key);
		if (value_due_parse(c.val, &d) == RC_OK)
			l->d[(*n)++] = (struct store_delivery){ .key = d.key,
			    .state = STORE_IS_PENDING,
			    .attempts = d.attempts, .recorded = d.recorded,
			    .created_ms = d.due_ms, .next_ms = d.due_ms };
	}
	*end = rc == RC_NOTFOUND;
	bdb_cur_close(&c);
	buf_free(&key);
	return *end ? RC_OK : rc;
}

/*
 * Fill in what the due tree does not say.  Between the two looks one may have
 * been settled: then it is not pending any more.
 */
static enum rc
list_pending(struct store *st, struct list *l)
{
	size_t from = l->n, n = l->n;
	struct store_delivery row;
	bool end;
	enum rc rc;

	rc = pending_keys(st, l, &n, &end);
	for (size_t i = from; i < n && rc == RC_OK; i++) {
		struct store_delivery d = l->d[i];

		rc = bdb_delivery_row(st, NULL, &d.key, &row);
		if (rc == RC_OK && row.state == STORE_IS_PENDING) {
			row.next_ms = d.next_ms;
			l->d[l->n++] = row;
		} else if (rc == RC_NOTFOUND || rc == RC_INVALID) {
			l->d[l->n++] = d;
			rc = RC_OK;
		}
	}
	if (rc == RC_OK && end) {
		buf_clear(&l->key);
		l->phase = PHASE_WAITING;
	}
	return rc;
}

/* These have no rows but in their chains. */
static enum rc
list_waiting(struct store *st, struct list *l)
{
	bool end;
	enum rc rc;

	rc = bdb_chain_waiting(st, l->q.subscription, &l->key, &l->budget,
	    l->d, l->max, &l->n, &end);
	if (rc == RC_OK && end) {
		buf_clear(&l->key);
		l->phase = PHASE_DONE;
		l->end = l->q.state == STORE_IS_PENDING;
	}
	return rc;
}

/* The lane's rows of DONE, newest first. */
static enum rc
done_keys(struct store *st, struct list *l, size_t *n, bool *end)
{
	const struct store_key last = { UINT64_MAX, UINT32_MAX, UINT16_MAX };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	struct store_key k;
	int64_t done_ms;
	uint32_t lane;
	enum rc rc;

	if (l->key.len > 0)
		buf_slice(&key, buf_as_slice(&l->key));
	else
		key_done(&key, l->q.subscription, INT64_MAX, &last);
	rc = bdb_cur_open(st, NULL, BDB_DONE, false, &c);
	if (rc == RC_OK)
		rc = bdb_cur_before(&c, &key);
	for (; rc == RC_OK; rc = bdb_cur_prev(&c)) {
		if (key_done_parse(c.key, &lane, &done_ms, &k) != RC_OK ||
		    lane != l->q.subscription) {
			rc = RC_NOTFOUND;
			break;
		}
		if (*n == l->max || l->budget == 0)
			break;
		l->budget--;
		stand_at(l, c.key);
		if (l->q.state == STORE_ANY || (c.val.len > 0 &&
		    (unsigned char)c.val.s[0] == l->q.state))
			l->d[(*n)++].key = k;
	}
	*end = rc == RC_NOTFOUND;
	bdb_cur_close(&c);
	buf_free(&key);
	return *end ? RC_OK : rc;
}

static enum rc
list_done(struct store *st, struct list *l)
{
	size_t from = l->n, n = l->n;
	struct store_delivery row;
	bool end;
	enum rc rc;

	rc = done_keys(st, l, &n, &end);
	for (size_t i = from; i < n && rc == RC_OK; i++) {
		rc = bdb_delivery_row(st, NULL, &l->d[i].key, &row);
		if (rc == RC_OK)
			l->d[l->n++] = row;
		else if (rc == RC_NOTFOUND || rc == RC_INVALID)
			rc = RC_OK;	/* verify tells of it */
	}
	l->end = end;
	return rc;
}

/* The event at position or, if there is none, the next below it. */
static enum rc
event_at(struct store *st, uint64_t position, struct store_event *ev)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	uint64_t p;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_EVENT, false, &c);
	if (rc != RC_OK)
		goto done;
	key_event(&key, position);
	buf_be8(&key, 0);		/* so that position itself is before */
	for (rc = bdb_cur_before(&c, &key); rc == RC_OK;
	    rc = bdb_cur_prev(&c)) {
		if (key_event_parse(c.key, &p) != RC_OK)
			continue;
		buf_clear(&ev->raw);
		buf_slice(&ev->raw, c.val);
		if (event_decode(ev, p) == RC_OK)
			break;
		log_error("store: event %" PRIu64 " can't be read", p);
	}
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

static enum rc
list_events(struct store *st, struct list *l)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct store_key k = { .position = UINT64_MAX };
	struct event_walk w;
	size_t cost;
	uint16_t n;
	enum rc rc = RC_OK;

	if (l->key.len > 0)
		rc = key_delivery_parse(buf_as_slice(&l->key), &k, &n);
	while (rc == RC_OK && l->n < l->max && l->budget > 0 && !l->end) {
		rc = event_at(st, k.position, &ev);
		if (rc != RC_OK)
			break;
		if (ev.position != k.position)
			k = (struct store_key){ .position = ev.position };
		cost = 1 + ev.raw.len / ROW_BYTES;
		l->budget -= cost < l->budget ? cost : l->budget - 1;
		w = (struct event_walk){ .subscription = k.subscription,
		    .ordinal = k.ordinal, .budget = l->budget };
		rc = bdb_event_walk(st, &ev, l->q.state, &w, l->d, l->max,
		    &l->n);
		l->budget = w.budget;
		if (rc != RC_OK)
			break;
		if (w.end) {
			l->end = k.position <= 1;
			k = (struct store_key){ .position = k.position - 1 };
		} else if (w.ordinal > UINT16_MAX) {
			k.subscription = w.subscription + 1;
			k.ordinal = 0;
		} else {
			k.subscription = w.subscription;
			k.ordinal = (uint16_t)w.ordinal;
		}
	}
	if (rc == RC_NOTFOUND) {
		l->end = true;
		rc = RC_OK;
	}
	key_delivery(&l->key, &k, 0);
	store_event_clear(&ev);
	return rc;
}

struct list_arg {
	const char	*cursor;
	struct list	 l;
};

static enum rc
list(struct store *st, void *arg)
{
	struct list_arg *a = arg;
	struct list *l = &a->l;
	enum rc rc;

	l->n = 0;
	l->budget = BDB_LOOK_ROWS;
	l->end = false;
	buf_clear(&l->key);
	rc = cursor_read(st, a->cursor, l);
	while (rc == RC_OK && !l->end && l->n < l->max && l->budget > 0) {
		switch (l->phase) {
		case PHASE_PENDING:
			rc = list_pending(st, l);
			break;
		case PHASE_WAITING:
			rc = list_waiting(st, l);
			break;
		case PHASE_DONE:
			rc = list_done(st, l);
			break;
		case PHASE_EVENTS:
			rc = list_events(st, l);
			break;
		}
	}
	return rc;
}

enum rc
store_deliveries(struct store *st, const struct store_query *q,
    char cursor[STORE_CURSOR_MAX], struct store_delivery *d, size_t max,
    size_t *n)
{
	struct list_arg a = { .cursor = cursor,
	    .l = { .q = *q, .key = KEY_INIT, .d = d, .max = max } };
	enum rc rc;

	*n = 0;
	if (max == 0)
		return RC_OK;
	rc = bdb_read(st, list, &a);
	if (rc == RC_OK) {
		*n = a.l.n;
		cursor_write(st, &a.l, cursor);
	}
	buf_free(&a.l.key);
	return rc;
}
