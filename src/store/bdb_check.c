#include <inttypes.h>
#include "base/clock.h"
#include "store/bdb_count.h"
#include "store/bdb_verify.h"

void
check_say(const struct store *st, const struct store_key *k,
    struct buf *say, const char *text)
{
	char id[ID_MAX];

	store_delivery_id(st, *k, id);
	buf_printf(say, "%s: %s", id, text);
}

void
check_say_event(const struct store *st, uint64_t position, struct buf *say,
    const char *text)
{
	char id[ID_MAX];

	store_event_id(st, position, id);
	buf_printf(say, "%s: %s", id, text);
}

/* There is no such row: nothing to say; else the failure to look. */
static enum rc
unless_gone(enum rc rc)
{
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
check_look_up(struct store *st, DB_TXN *txn, enum bdb_file f, const struct buf *key,
    struct buf *val, bool *there)
{
	enum rc rc = bdb_get(st, txn, f, key, val, false);

	*there = rc == RC_OK;
	return unless_gone(rc);
}

enum rc
check_read_event(struct store *st, DB_TXN *txn, uint64_t position,
    struct store_event *ev, bool *there, bool *legible)
{
	enum rc rc = bdb_event_row(st, txn, position, ev);

	*there = rc == RC_OK || rc == RC_INVALID;
	*legible = rc == RC_OK;
	return rc == RC_INVALID ? RC_OK : unless_gone(rc);
}

enum rc
check_read_delivery(struct store *st, DB_TXN *txn, const struct store_key *k,
    struct store_delivery *d, bool *there, bool *legible)
{
	enum rc rc = bdb_delivery_row(st, txn, k, d);

	*there = rc == RC_OK || rc == RC_INVALID;
	*legible = rc == RC_OK;
	return rc == RC_INVALID ? RC_OK : unless_gone(rc);
}

enum rc
check_sender(struct store *st, DB_TXN *txn, struct slice key,
    struct buf *say)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct buf k = KEY_INIT, val = VALUE_INIT;
	bool there, legible;
	struct key_taken t;
	enum rc rc;

	buf_slice(&k, key);
	rc = check_look_up(st, txn, BDB_SENDER, &k, &val, &there);
	if (rc != RC_OK || !there)
		goto done;
	if (value_sender_parse(buf_as_slice(&val), &t) != RC_OK) {
		buf_puts(say, "a sender id's row can't be read");
		goto done;
	}
	rc = check_read_event(st, txn, t.position, &ev, &there, &legible);
	if (rc != RC_OK)
		goto done;
	if (!there)
		check_say_event(st, t.position, say,
		    "a sender id stands for it, and it is missing");
	else if (legible && !slice_eq(ev.sender_id, key))
		check_say_event(st, t.position, say,
		    "a sender id stands for it that is not its own");
done:
	store_event_clear(&ev);
	buf_free(&val);
	buf_free(&k);
	return rc;
}

/* How many of an event's due rows were written; all, without a fan-out row. */
static enum rc
read_written(struct store *st, DB_TXN *txn, const struct store_event *ev,
    size_t *written)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	uint64_t chain;
	uint32_t n;
	bool there;
	enum rc rc;

	*written = SIZE_MAX;
	key_fanout(&key, ev->position);
	rc = check_look_up(st, txn, BDB_DUE, &key, &val, &there);
	if (rc == RC_OK && there &&
	    value_fanout_parse(buf_as_slice(&val), &n, &chain) == RC_OK)
		*written = n;
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/*
 * Each one listed is due since the event came, or has a row of its own, or
 * stands in its chain.
 */
static enum rc
check_listed(struct store *st, DB_TXN *txn, const struct store_event *ev,
    struct buf *say)
{
	struct store_due d = { .due_ms = ev->accepted_ms };
	struct buf key = KEY_INIT, val = DELIVERY_ROW_INIT;
	size_t n = event_nlisted(ev), written;
	bool there = true;
	enum rc rc;

	rc = read_written(st, txn, ev, &written);
	for (size_t i = 0; i < n && i < written && rc == RC_OK && there; i++) {
		d.key = event_listed(ev, i);
		key_due(&key, &d);
		rc = check_look_up(st, txn, BDB_DUE, &key, &val, &there);
		if (rc != RC_OK || there)
			continue;
		key_delivery(&key, &d.key, 0);
		rc = check_look_up(st, txn, BDB_DELIVERY, &key, &val, &there);
		if (rc != RC_OK || there)
			continue;
		key_chain(&key, &(struct key_link){ d.key.subscription,
		    event_chain(ev, i), ev->position });
		rc = check_look_up(st, txn, BDB_CHAIN, &key, &val, &there);
		if (rc == RC_OK && !there)
			check_say(st, &d.key, say, "its event lists it, "
			    "and it is neither due nor on record");
	}
	buf_free(&val);
	buf_free(&key);
	return rc;
}

enum rc
check_event(struct store *st, DB_TXN *txn, struct slice key, struct buf *say)
{
	struct store_event ev = STORE_EVENT_INIT;
	uint64_t position, newest;
	bool there, legible;
	enum rc rc;

	if (key_event_parse(key, &position) != RC_OK) {
		buf_puts(say, "an event's key can't be read");
		return RC_OK;
	}
	rc = bdb_count_get(st, txn, KEY_POSITION, false, &newest);
	if (rc == RC_OK)
		rc = check_read_event(st, txn, position, &ev, &there, &legible);
	if (rc != RC_OK || !there)
		goto done;
	if (!legible)
		check_say_event(st, position, say, "its row can't be read");
	else if (position > newest)
		check_say_event(st, position, say, "it lies above the counter of "
		    "events, which will write over it");
	else
		rc = check_listed(st, txn, &ev, say);
done:
	store_event_clear(&ev);
	return rc;
}

/* A due row against its delivery's own; ev may be one that can't be read. */
static enum rc
check_against_row(struct store *st, DB_TXN *txn, const struct store_due *d,
    const struct store_event *ev, bool legible, struct buf *say)
{
	struct store_delivery row;
	bool there, row_legible;
	enum rc rc;

	rc = check_read_delivery(st, txn, &d->key, &row, &there, &row_legible);
	if (rc != RC_OK || (there && !row_legible))
		return rc;
	if (!there) {
		if (d->attempts > 0 || d->recorded > 0)
			check_say(st, &d->key, say,
			    "it was tried, and is not on record");
		else if (legible && d->key.ordinal < STORE_RECIPIENTS_MAX &&
		    d->due_ms != ev->accepted_ms)
			check_say(st, &d->key, say, "it was never tried, "
			    "and is due at another time than its event came");
	} else if (row.state != STORE_IS_PENDING) {
		check_say(st, &d->key, say, "it is due, and done with");
	} else if (row.next_ms != d->due_ms) {
		check_say(st, &d->key, say,
		    "it is due at another time than its record says");
	} else if (row.attempts != d->attempts ||
	    row.recorded != d->recorded) {
		check_say(st, &d->key, say, "its due row and its record "
		    "count attempts differently");
	}
	return RC_OK;
}

/* A row that stands for an event's due rows still to be written. */
static void
check_fanout(struct store *st, const struct store_due *d, struct slice val,
    const struct store_event *ev, bool there, bool legible, struct buf *say)
{
	uint32_t written;
	uint64_t chain;

	if (!there)
		check_say_event(st, d->key.position, say,
		    "it is to be fanned out, and is missing");
	else if (value_fanout_parse(val, &written, &chain) != RC_OK)
		check_say_event(st, d->key.position, say,
		    "its fan-out row can't be read");
	else if (legible && (written >= event_nlisted(ev) ||
	    d->due_ms != 0 || chain != ev->chain))
		check_say_event(st, d->key.position, say,
		    "its fan-out row is not like it");
}

enum rc
check_due(struct store *st, DB_TXN *txn, struct slice key, struct buf *say)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct buf k = KEY_INIT, val = VALUE_INIT;
	struct store_due d;
	bool there, legible, due;
	enum rc rc;

	if (key_due_parse(key, &d) != RC_OK) {
		buf_puts(say, "a due row's key can't be read");
		return RC_OK;
	}
	rc = check_read_event(st, txn, d.key.position, &ev, &there, &legible);
	if (rc != RC_OK)
		goto done;
	buf_slice(&k, key);
	rc = check_look_up(st, txn, BDB_DUE, &k, &val, &due);
	if (rc != RC_OK || !due)
		goto done;
	if (d.key.subscription == 0)
		check_fanout(st, &d, buf_as_slice(&val), &ev, there, legible,
		    say);
	else if (value_due_parse(buf_as_slice(&val), &d) != RC_OK)
		check_say(st, &d.key, say, "its due row can't be read");
	else if (!there)
		check_say(st, &d.key, say,
		    "it is due, and its event is missing");
	else if (legible && d.key.ordinal < STORE_RECIPIENTS_MAX &&
	    !event_lists(&ev, &d.key))
		check_say(st, &d.key, say,
		    "it is due, and its event does not list it");
	else
		rc = check_against_row(st, txn, &d, &ev, legible, say);
	if (d.key.subscription == 0)
		d.chain = ev.chain;
	if (rc == RC_OK && say->len == 0 && legible && d.key.ordinal == 0)
		rc = check_due_in_chain(st, txn, &d, &ev, say);
done:
	store_event_clear(&ev);
	buf_free(&val);
	buf_free(&k);
	return rc;
}

static enum rc
check_pending(struct store *st, DB_TXN *txn, const struct store_delivery *d,
    struct buf *say)
{
	struct store_due due = { .key = d->key, .due_ms = d->next_ms };
	struct buf key = KEY_INIT, val = VALUE_INIT;
	bool there;
	enum rc rc;

	key_due(&key, &due);
	rc = check_look_up(st, txn, BDB_DUE, &key, &val, &there);
	if (rc == RC_OK && !there)
		check_say(st, &d->key, say, "it is pending, and not due");
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
check_done_in(struct store *st, DB_TXN *txn, const struct store_delivery *d,
    uint32_t lane, const char *text, struct buf *say)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	bool there;
	enum rc rc;

	key_done(&key, lane, d->done_ms, &d->key);
	rc = check_look_up(st, txn, BDB_DONE, &key, &val, &there);
	if (rc == RC_OK && !there)
		check_say(st, &d->key, say, text);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

enum rc
check_delivery(struct store *st, DB_TXN *txn, struct slice key,
    struct buf *say)
{
	struct store_delivery d;
	struct store_key k;
	struct buf own = KEY_INIT, val = BUF_INIT(1024 * 1024);
	bool there, legible, attempt = true;
	uint16_t n;
	enum rc rc;

	if (key_delivery_parse(key, &k, &n) != RC_OK) {
		buf_puts(say, "a delivery's key can't be read");
		return RC_OK;
	}
	rc = check_read_delivery(st, txn, &k, &d, &there, &legible);
	if (rc == RC_OK && !there && n > 0) {
		buf_slice(&own, key);
		rc = check_look_up(st, txn, BDB_DELIVERY, &own, &val, &attempt);
		if (rc == RC_OK && attempt)
			check_say(st, &k, say, "there are attempts, and no "
			    "record of what they are of");
	}
	if (rc != RC_OK || !there)
		goto done;
	if (!legible) {
		check_say(st, &k, say, "its row can't be read");
	} else if (d.state == STORE_IS_PENDING) {
		rc = check_pending(st, txn, &d, say);
	} else {
		rc = check_done_in(st, txn, &d, k.subscription, "it is done "
		    "with, and missing from its subscription's list", say);
		if (rc == RC_OK && say->len == 0 && d.state == STORE_IS_DEAD)
			rc = check_done_in(st, txn, &d, 0, "it is dead, and "
			    "missing from the list of the dead", say);
	}
done:
	buf_free(&val);
	buf_free(&own);
	return rc;
}

enum rc
check_done(struct store *st, DB_TXN *txn, struct slice key, struct buf *say)
{
	struct buf k = KEY_INIT, val = VALUE_INIT;
	struct store_delivery d;
	bool there, legible;
	struct store_key dk;
	int64_t done_ms;
	uint32_t lane;
	uint8_t state;
	enum rc rc;

	if (key_done_parse(key, &lane, &done_ms, &dk) != RC_OK) {
		buf_puts(say, "a key in the list of what is done can't be "
		    "read");
		return RC_OK;
	}
	rc = check_read_delivery(st, txn, &dk, &d, &there, &legible);
	if (rc != RC_OK || (there && !legible))
		goto done;
	if (!there)
		d.state = STORE_IS_PENDING;
	legible = there;
	buf_slice(&k, key);
	rc = check_look_up(st, txn, BDB_DONE, &k, &val, &there);
	if (rc != RC_OK || !there)
		goto done;
	state = val.len > 0 ? (uint8_t)val.s[0] : 0;
	if (!legible)
		check_say(st, &dk, say,
		    "it is listed as done with, and not on record");
	else if (d.state == STORE_IS_PENDING)
		check_say(st, &dk, say,
		    "it is listed as done with, and pending");
	else if (d.done_ms != done_ms || d.state != state)
		check_say(st, &dk, say, "it is listed as done with in "
		    "another way than its record says");
	else if (lane != dk.subscription &&
	    (lane != 0 || state != STORE_IS_DEAD))
		check_say(st, &dk, say, "it is in a list where it does not "
		    "belong");
done:
	buf_free(&val);
	buf_free(&k);
	return rc;
}
