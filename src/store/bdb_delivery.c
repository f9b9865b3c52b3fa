#include <inttypes.h>
#include <time.h>
#include "base/log.h"
#include "store/bdb_chain.h"
#include "store/bdb_delivery.h"

/*
 * A delivery's row:
 *   layout8 state8 attempts16 recorded16 last_status32 created64
 *   time64     next_ms while pending, else done_ms
 *   last_word  length8, bytes
 *   reason     length8, bytes
 *
 * An attempt's row:
 *   layout8 attempt16 at64 version64 status32 dns32 connect32 tls32 first32
 *   total32 body_hash response_len64
 *   word, sentence, address, request, response_head, response_body:
 *              each its length, seven bits a byte, the low ones first, the
 *              top bit set where another byte follows; then its bytes
 *
 * What follows in either is of a later release and not looked at.
 */
#define DELIVERY_LAYOUT	1
#define ATTEMPT_LAYOUT	1

#define READ_TRIES	10

static void
put_word(struct buf *b, const char word[STORE_WORD_MAX])
{
	size_t len = strnlen(word, STORE_WORD_MAX - 1);

	buf_be8(b, (uint8_t)len);
	buf_put(b, word, len);
}

static void
copy_word(char word[STORE_WORD_MAX], struct slice s)
{
	size_t len = s.len < STORE_WORD_MAX ? s.len : STORE_WORD_MAX - 1;

	memset(word, 0, STORE_WORD_MAX);
	if (len > 0)
		memcpy(word, s.s, len);
}

static void
take_word(struct slice *s, char word[STORE_WORD_MAX])
{
	uint8_t len = slice_be8(s);

	copy_word(word, slice_take(s, len));
}

void
delivery_encode(struct buf *val, const struct store_delivery *d)
{
	buf_clear(val);
	buf_be8(val, DELIVERY_LAYOUT);
	buf_be8(val, (uint8_t)d->state);
	buf_be16(val, d->attempts);
	buf_be16(val, d->recorded);
	buf_be32(val, (uint32_t)d->last_status);
	buf_be64(val, (uint64_t)d->created_ms);
	buf_be64(val, (uint64_t)(d->state == STORE_IS_PENDING ? d->next_ms :
	    d->done_ms));
	put_word(val, d->last_word);
	put_word(val, d->reason);
}

enum rc
delivery_decode(struct slice val, struct store_delivery *d)
{
	struct store_delivery got = { .key = d->key };
	uint8_t layout = slice_be8(&val), state = slice_be8(&val);
	int64_t ms;

	got.attempts = slice_be16(&val);
	got.recorded = slice_be16(&val);
	got.last_status = (int32_t)slice_be32(&val);
	got.created_ms = (int64_t)slice_be64(&val);
	ms = (int64_t)slice_be64(&val);
	take_word(&val, got.last_word);
	take_word(&val, got.reason);
	if (val.s == NULL || layout != DELIVERY_LAYOUT ||
	    state < STORE_IS_PENDING || state > STORE_IS_DEAD)
		return RC_INVALID;
	got.state = (enum store_state)state;
	if (got.state == STORE_IS_PENDING)
		got.next_ms = ms;
	else
		got.done_ms = ms;
	*d = got;
	return RC_OK;
}

static void
put_text(struct buf *b, struct slice s)
{
	size_t len = s.len;

	while (len >= 0x80) {
		buf_be8(b, (uint8_t)(len | 0x80));
		len >>= 7;
	}
	buf_be8(b, (uint8_t)len);
	buf_slice(b, s);
}

static struct slice
take_text(struct slice *s)
{
	struct slice got;
	size_t len = 0;
	uint8_t c = 0x80;

	for (unsigned shift = 0; c & 0x80; shift += 7) {
		if (shift > 28) {	/* no field is that long */
			*s = (struct slice){ NULL, 0 };
			return *s;
		}
		c = slice_be8(s);
		len |= (size_t)(c & 0x7f) << shift;
	}
	got = slice_take(s, len);
	return len == 0 ? (struct slice){ NULL, 0 } : got;
}

void
attempt_encode(struct buf *val, const struct store_attempt *a)
{
	buf_be8(val, ATTEMPT_LAYOUT);
	buf_be16(val, a->attempt);
	buf_be64(val, (uint64_t)a->at_ms);
	buf_be64(val, a->version);
	buf_be32(val, (uint32_t)a->status);
	buf_be32(val, a->dns_us);
	buf_be32(val, a->connect_us);
	buf_be32(val, a->tls_us);
	buf_be32(val, a->first_us);
	buf_be32(val, a->total_us);
	buf_put(val, a->body_hash, sizeof a->body_hash);
	buf_be64(val, a->response_len);
	put_text(val, (struct slice){ a->word,
	    strnlen(a->word, sizeof a->word - 1) });
	put_text(val, a->sentence);
	put_text(val, a->address);
	put_text(val, a->request);
	put_text(val, a->response_head);
	put_text(val, a->response_body);
}

enum rc
attempt_decode(struct store_attempt *a, uint16_t number)
{
	struct slice s = buf_as_slice(&a->raw), hash;
	struct store_attempt got = { .number = number };
	uint8_t layout = slice_be8(&s);

	got.attempt = slice_be16(&s);
	got.at_ms = (int64_t)slice_be64(&s);
	got.version = slice_be64(&s);
	got.status = (int32_t)slice_be32(&s);
	got.dns_us = slice_be32(&s);
	got.connect_us = slice_be32(&s);
	got.tls_us = slice_be32(&s);
	got.first_us = slice_be32(&s);
	got.total_us = slice_be32(&s);
	hash = slice_take(&s, sizeof got.body_hash);
	got.response_len = slice_be64(&s);
	copy_word(got.word, take_text(&s));
	got.sentence = take_text(&s);
	got.address = take_text(&s);
	got.request = take_text(&s);
	got.response_head = take_text(&s);
	got.response_body = take_text(&s);
	if (s.s == NULL || layout != ATTEMPT_LAYOUT)
		return RC_INVALID;
	memcpy(got.body_hash, hash.s, sizeof got.body_hash);
	got.raw = a->raw;
	*a = got;
	return RC_OK;
}

void
store_attempt_clear(struct store_attempt *a)
{
	buf_free(&a->raw);
	*a = (struct store_attempt)STORE_ATTEMPT_INIT;
}

enum rc
bdb_read(struct store *st, bdb_read_fn *fn, void *arg)
{
	struct timespec pause = { .tv_nsec = 200000 };
	enum rc rc;

	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = fn(st, arg);
	for (int i = 1; rc == RC_RETRY && i < READ_TRIES; i++) {
		nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
		rc = fn(st, arg);
	}
	bdb_leave(st);
	return rc;
}

enum rc
bdb_event_row(struct store *st, DB_TXN *txn, uint64_t position,
    struct store_event *ev)
{
	struct buf key = KEY_INIT;
	enum rc rc;

	key_event(&key, position);
	rc = bdb_get(st, txn, BDB_EVENT, &key, &ev->raw, false);
	if (rc == RC_OK)
		rc = event_decode(ev, position);
	buf_free(&key);
	return rc;
}

enum rc
bdb_event_is_test(struct store *st, DB_TXN *txn, uint64_t position,
    bool *test)
{
	DB *db = st->db[BDB_EVENT];
	struct buf key = KEY_INIT;
	char head[EVENT_HEAD];
	DBT v = { .data = head, .ulen = sizeof head, .dlen = sizeof head,
	    .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL };
	DBT k = { 0 };
	int error;

	key_event(&key, position);
	k.data = key.s;
	k.size = (uint32_t)key.len;
	error = db->get(db, txn, &k, &v, 0);
	buf_free(&key);
	*test = error == 0 && event_head_is_test(
	    (struct slice){ head, v.size });
	return error == DB_NOTFOUND ? RC_OK :
	    bdb_rc(st, error, bdb_file_name[BDB_EVENT]);
}

enum rc
bdb_delivery_row(struct store *st, DB_TXN *txn, const struct store_key *k,
    struct store_delivery *d)
{
	struct buf key = KEY_INIT, val = DELIVERY_ROW_INIT;
	enum rc rc;

	key_delivery(&key, k, 0);
	rc = bdb_get(st, txn, BDB_DELIVERY, &key, &val, false);
	if (rc == RC_OK)
		rc = delivery_decode(buf_as_slice(&val), d);
	if (rc == RC_OK)
		d->key = *k;
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/* A delivery that was never tried: all there is to know is in the event. */
static void
derive(const struct store_event *ev, struct store_key k,
    struct store_delivery *d)
{
	*d = (struct store_delivery){
		.key = k,
		.state = STORE_IS_PENDING,
		.created_ms = ev->accepted_ms,
		.next_ms = ev->accepted_ms,
	};
}

/* One that was derived may be waiting for its turn; no cursor is open. */
static enum rc
see_turn(struct store *st, const struct store_event *ev,
    struct store_delivery *d)
{
	struct store_due due = { .key = d->key, .due_ms = d->next_ms,
	    .chain = event_chain_of(ev, d->key.subscription) };
	bool waits;
	enum rc rc;

	if (due.chain == 0 || d->key.ordinal != 0 || d->recorded > 0 ||
	    d->state != STORE_IS_PENDING)
		return RC_OK;
	rc = bdb_chain_waits(st, NULL, &due, &waits);
	if (rc == RC_OK && waits)
		d->next_ms = 0;
	return rc;
}

/*
 * The event's first delivery row at or after (subscription, ordinal), past
 * attempts that have lost theirs and rows that can't be read.
 */
static enum rc
row_from(struct bdb_cur *c, uint64_t position, uint32_t subscription,
    uint32_t ordinal, struct buf *key, struct store_delivery *d)
{
	struct store_key k;
	uint16_t n;
	enum rc rc;

	for (;;) {
		if (ordinal > UINT16_MAX) {
			if (subscription == UINT32_MAX)
				return RC_NOTFOUND;
			subscription++;
			ordinal = 0;
		}
		k = (struct store_key){ position, subscription,
		    (uint16_t)ordinal };
		key_delivery(key, &k, 0);
		rc = bdb_cur_at(c, key);
		if (rc != RC_OK)
			return rc;
		if (key_delivery_parse(c->key, &k, &n) != RC_OK ||
		    k.position != position)
			return RC_NOTFOUND;
		d->key = k;
		if (n == 0 && delivery_decode(c->val, d) == RC_OK)
			return RC_OK;
		subscription = k.subscription;
		ordinal = (uint32_t)k.ordinal + 1;
	}
}

/* Of two deliveries of one event. */
static int
by_subscription(const struct store_key *a, const struct store_key *b)
{
	if (a->subscription != b->subscription)
		return a->subscription < b->subscription ? -1 : 1;
	return (int)a->ordinal - (int)b->ordinal;
}

enum rc
bdb_event_walk(struct store *st, const struct store_event *ev,
    enum store_state state, struct event_walk *w, struct store_delivery *d,
    size_t max, size_t *n)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	struct store_delivery row, next;
	size_t i = event_listed_from(ev, w->subscription, w->ordinal);
	size_t from = *n;
	bool fresh = false, rows = true, listed;
	int order;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_DELIVERY, false, &c);
	while (rc == RC_OK && *n < max && w->budget > 0) {
		if (rows && !fresh) {
			rc = row_from(&c, ev->position, w->subscription,
			    w->ordinal, &key, &row);
			fresh = rc == RC_OK;
			rows = rc != RC_NOTFOUND;
			if (rc != RC_OK && rc != RC_NOTFOUND)
				break;
			rc = RC_OK;
		}
		listed = i < event_nlisted(ev);
		if (!fresh && !listed) {
			w->end = true;
			break;
		}
		if (listed)
			derive(ev, event_listed(ev, i), &next);
		order = !fresh ? 1 : !listed ? -1 :
		    by_subscription(&row.key, &next.key);
		if (order >= 0)
			i++;
		if (order <= 0) {
			next = row;
			fresh = false;
		}
		if (state == STORE_ANY || next.state == state)
			d[(*n)++] = next;
		w->subscription = next.key.subscription;
		w->ordinal = (uint32_t)next.key.ordinal + 1;
		w->budget--;
	}
	bdb_cur_close(&c);
	for (i = from; i < *n && rc == RC_OK; i++)
		rc = see_turn(st, ev, &d[i]);
	buf_free(&key);
	return rc;
}

struct get_arg {
	struct store_key	 key;
	struct store_delivery	*d;
};

static enum rc
get(struct store *st, void *arg)
{
	struct get_arg *a = arg;
	struct store_event ev = STORE_EVENT_INIT;
	enum rc rc;

	rc = bdb_delivery_row(st, NULL, &a->key, a->d);
	if (rc == RC_NOTFOUND && a->key.ordinal < STORE_RECIPIENTS_MAX) {
		rc = bdb_event_row(st, NULL, a->key.position, &ev);
		if (rc == RC_OK && !event_lists(&ev, &a->key))
			rc = RC_NOTFOUND;
		if (rc == RC_OK) {
			derive(&ev, a->key, a->d);
			rc = see_turn(st, &ev, a->d);
		}
	}
	if (rc == RC_INVALID) {
		log_error("store: a row of event %" PRIu64 " can't be read",
		    a->key.position);
		rc = RC_IO;
	}
	store_event_clear(&ev);
	return rc;
}

enum rc
store_delivery_get(struct store *st, struct store_key key,
    struct store_delivery *d)
{
	struct get_arg a = { key, d };

	return bdb_read(st, get, &a);
}

struct event_arg {
	const struct store_event *ev;
	struct store_delivery	*d;
	size_t			 max, n;
};

static enum rc
event_all(struct store *st, void *arg)
{
	struct event_arg *a = arg;
	struct event_walk w = { .budget = SIZE_MAX };

	a->n = 0;
	return bdb_event_walk(st, a->ev, STORE_ANY, &w, a->d, a->max, &a->n);
}

enum rc
store_event_deliveries(struct store *st, const struct store_event *ev,
    struct store_delivery *d, size_t max, size_t *n)
{
	struct event_arg a = { .ev = ev, .d = d, .max = max };
	enum rc rc;

	*n = 0;
	rc = bdb_read(st, event_all, &a);
	if (rc == RC_OK)
		*n = a.n;
	return rc;
}

struct attempts_arg {
	struct store_key	 key;
	uint16_t		 after;
	struct store_attempt	*a;
	size_t			 max, n;
};

static enum rc
attempts(struct store *st, void *arg)
{
	struct attempts_arg *q = arg;
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	struct store_key k;
	uint16_t number;
	enum rc rc;

	q->n = 0;
	rc = bdb_cur_open(st, NULL, BDB_DELIVERY, false, &c);
	if (rc != RC_OK)
		goto done;
	key_delivery(&key, &q->key, (uint16_t)(q->after + 1));
	for (rc = bdb_cur_at(&c, &key); rc == RC_OK && q->n < q->max;
	    rc = bdb_cur_next(&c)) {
		if (key_delivery_parse(c.key, &k, &number) != RC_OK ||
		    k.position != q->key.position ||
		    k.subscription != q->key.subscription ||
		    k.ordinal != q->key.ordinal)
			break;
		buf_clear(&q->a[q->n].raw);
		buf_slice(&q->a[q->n].raw, c.val);
		if (attempt_decode(&q->a[q->n], number) == RC_OK)
			q->n++;
		else
			log_error("store: attempt %u of event %" PRIu64
			    " can't be read", number, k.position);
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

enum rc
store_attempts(struct store *st, struct store_key key, uint16_t after,
    struct store_attempt *a, size_t max, size_t *n)
{
	struct attempts_arg q = { key, after, a, max, 0 };
	enum rc rc;

	*n = 0;
	if (after == UINT16_MAX || max == 0)
		return RC_OK;
	rc = bdb_read(st, attempts, &q);
	if (rc == RC_OK)
		*n = q.n;
	return rc;
}
