#include "store/bdb_chain.h"
#include "store/bdb_verify.h"

/* Whether a row of DUE stands; val is what is in it. */
static enum rc
is_due(struct store *st, DB_TXN *txn, const struct store_key *k,
    int64_t due_ms, struct buf *val, bool *there)
{
	struct store_due d = { .key = *k, .due_ms = due_ms };
	struct buf key = KEY_INIT;
	enum rc rc;

	key_due(&key, &d);
	rc = check_look_up(st, txn, BDB_DUE, &key, val, there);
	buf_free(&key);
	return rc;
}

/* An event in a chain of lane 0 is one that is to be fanned out. */
static enum rc
check_fanout_link(struct store *st, DB_TXN *txn, const struct key_link *l,
    struct buf *say)
{
	struct store_key k = { .position = l->position };
	struct buf val = VALUE_INIT;
	uint32_t written;
	uint64_t chain = 0;
	bool there;
	enum rc rc;

	rc = is_due(st, txn, &k, 0, &val, &there);
	if (rc == RC_OK && there)
		there = value_fanout_parse(buf_as_slice(&val), &written,
		    &chain) != RC_OK || chain == l->chain;
	if (rc == RC_OK && !there)
		check_say_event(st, l->position, say, "others of its order "
		    "wait until it is fanned out, which it is not to be");
	buf_free(&val);
	return rc;
}

/* The first of a chain is due, the others are not. */
static enum rc
check_turn(struct store *st, DB_TXN *txn, const struct key_link *l,
    const struct store_key *k, int64_t accepted_ms, struct buf *say)
{
	struct store_delivery row = { .next_ms = accepted_ms };
	struct buf val = VALUE_INIT;
	bool there, due, legible;
	uint64_t first;
	enum rc rc;

	rc = bdb_chain_first(st, txn, l, &first);
	if (rc == RC_NOTFOUND)		/* it left meanwhile */
		return RC_OK;
	if (rc == RC_OK)
		rc = check_read_delivery(st, txn, k, &row, &there, &legible);
	if (rc != RC_OK || (there && !legible))
		return rc;
	if (there && row.state != STORE_IS_PENDING) {
		check_say(st, k, say, "it stands in a chain, and is done "
		    "with");
		return RC_OK;
	}
	rc = is_due(st, txn, k, row.next_ms, &val, &due);
	if (rc == RC_OK && first == l->position && !due)
		check_say(st, k, say, "it is the first of its chain, and not "
		    "due");
	else if (rc == RC_OK && first != l->position && (due || there))
		check_say(st, k, say, "it is to wait for its turn, and does "
		    "not");
	buf_free(&val);
	return rc;
}

enum rc
check_chain(struct store *st, DB_TXN *txn, struct slice key, struct buf *say)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct buf k = KEY_INIT, val = VALUE_INIT;
	struct store_key dk = { .ordinal = 0 };
	struct key_link l;
	bool there, legible, event;
	uint64_t ms;
	enum rc rc;

	if (key_chain_parse(key, &l) != RC_OK) {
		buf_puts(say, "a key in a chain can't be read");
		return RC_OK;
	}
	dk.position = l.position;
	dk.subscription = l.lane;
	rc = check_read_event(st, txn, l.position, &ev, &event, &legible);
	if (rc != RC_OK)
		goto done;
	buf_slice(&k, key);
	rc = check_look_up(st, txn, BDB_CHAIN, &k, &val, &there);
	if (rc != RC_OK || !there)
		goto done;
	if (l.lane == 0)
		rc = check_fanout_link(st, txn, &l, say);
	else if (!event)
		check_say(st, &dk, say, "it stands in a chain, and its event "
		    "is missing");
	else if (!legible)
		goto done;
	else if (event_chain_of(&ev, l.lane) != l.chain)
		check_say(st, &dk, say, "it stands in a chain where it does "
		    "not belong");
	else if (value_u64_parse(buf_as_slice(&val), &ms) != RC_OK ||
	    (int64_t)ms != ev.accepted_ms)
		check_say(st, &dk, say, "its chain says that its event came "
		    "at another time");
	else
		rc = check_turn(st, txn, &l, &dk, ev.accepted_ms, say);
done:
	store_event_clear(&ev);
	buf_free(&val);
	buf_free(&k);
	return rc;
}

enum rc
check_due_in_chain(struct store *st, DB_TXN *txn, const struct store_due *d,
    const struct store_event *ev, struct buf *say)
{
	struct key_link l = { d->key.subscription, d->chain,
	    d->key.position };
	uint64_t want = d->key.subscription == 0 ? d->chain :
	    event_chain_of(ev, d->key.subscription);
	struct buf key = KEY_INIT, val = VALUE_INIT;
	bool there;
	enum rc rc = RC_OK;

	if (d->chain != want)
		check_say(st, &d->key, say, "its due row names another chain "
		    "than its event");
	if (d->chain != want || d->chain == 0)
		return RC_OK;
	key_chain(&key, &l);
	rc = check_look_up(st, txn, BDB_CHAIN, &key, &val, &there);
	if (rc == RC_OK && !there && d->key.subscription == 0)
		check_say_event(st, d->key.position, say, "it is to be fanned "
		    "out, and others of its order do not wait for it");
	else if (rc == RC_OK && !there)
		check_say(st, &d->key, say, "it is due, and missing from its "
		    "chain");
	buf_free(&val);
	buf_free(&key);
	return rc;
}
