/*
 * bdb_key - every key of every file, and the values that two files share.
 *
 * The schema, version STORE_SCHEMA.  Nothing else in the engine puts together
 * or takes apart a key.  Integers are big-endian, times 64 bits with the sign
 * turned over, so the order of bytes is the order of meaning and no database
 * needs a comparison of its own.  It reads and writes no database.
 *
 * Each writer clears the buffer first.  Each parser gives RC_INVALID, with its
 * results untouched, for bytes that no writer makes.
 *
 *   META      a word                               64 bits
 *             "number" kind8                       64 bits
 *   CONFIG    1 kind8 number32                     record, see bdb_record.c
 *             2 kind8 number32 version64           the same, an old version
 *             3 generation64                       kind8 number32
 *   SENDER    the sender id                        value_sender
 *   EVENT     position64                           event_encode
 *   REF       0 bucket32 slot8                     old references, by bucket
 *             1                                    value_u32: first bucket
 *                                                  that is not moved there
 *             2 first64                            recent ones; bdb_ref.c
 *   TIMER     0 order                              bdb_timer_row.c: its timers
 *             1 at64 type8 order                   nothing: it is due then
 *             2 until64 order                      nothing: it is remembered
 *                                                  until then
 *             3 first64                            what to do to timers;
 *                                                  bdb_timer.c
 *   CHAIN     lane32 chain64 position64            64 bits: accepted
 *             0 chain64 position64                 the same: an event still to
 *                                                  be fanned out
 *   DUE       lane32 due64 position64 ordinal16    attempts16 recorded16, with
 *                                                  a chain its chain64, of a
 *                                                  test flags8
 *             0 0 position64 0                     value_fanout: how many of
 *                                                  an event's rows are written
 *   DELIVERY  position64 lane32 ordinal16 0        delivery, see bdb_settle.c
 *             position64 lane32 ordinal16 n16      attempt number n, from 1
 *   DONE      lane32 done64 position64 lane32 ordinal16    state8
 *             0      done64 position64 lane32 ordinal16    the dead ones again
 *   STAT      hour64 lane32                        value_stat
 *             least64 lane32                       value_health
 *
 * A lane is a subscription's number, from 1; order is a struct store_order's
 * hash.
 */
#ifndef STORE_BDB_KEY_H
#define STORE_BDB_KEY_H

#include "store/store.h"

#define KEY_MAX		STORE_SENDER_ID_MAX	/* bytes of the longest key */
#define KEY_INIT	BUF_INIT(KEY_MAX)
#define VALUE_INIT	BUF_INIT(64)	/* for the values of this header */

/* META: what is counted.  All values are value_u64. */
enum key_word {
	KEY_SCHEMA,	/* STORE_SCHEMA of who wrote last */
	KEY_POSITION,	/* of the newest event */
	KEY_GENERATION,	/* of the configuration */
};

void key_meta(struct buf *key, enum key_word w);
void key_meta_number(struct buf *key, enum store_kind kind);	/* last used */

/* CONFIG */
void key_config(struct buf *key, enum store_kind kind, uint32_t number);
MUST_USE enum rc key_config_parse(struct slice key, enum store_kind *kind,
    uint32_t *number);
void key_config_version(struct buf *key, enum store_kind kind,
    uint32_t number, uint64_t version);
void key_change(struct buf *key, uint64_t generation);
MUST_USE enum rc key_change_parse(struct slice key, uint64_t *generation);
void value_change(struct buf *val, enum store_kind kind, uint32_t number);
MUST_USE enum rc value_change_parse(struct slice val, enum store_kind *kind,
    uint32_t *number);

/* SENDER */
struct key_taken {
	uint64_t	position;
	int64_t		accepted_ms;
	uint32_t	deliveries;
	unsigned char	content[CRYPT_HASH_LEN];
};

void key_sender(struct buf *key, struct slice sender_id);
void value_sender(struct buf *val, const struct key_taken *t);
MUST_USE enum rc value_sender_parse(struct slice val, struct key_taken *t);

/* EVENT */
void key_event(struct buf *key, uint64_t position);
MUST_USE enum rc key_event_parse(struct slice key, uint64_t *position);

/*
 * The event's row, in bdb_event.c.  decode takes over what is in ev->raw (the
 * value just read into it) and points the fields into it; position is given,
 * being the key.  RC_INVALID if it is not an event's row; ev->raw is kept.
 */
void event_encode(struct buf *val, const struct store_accept *a,
    int64_t accepted_ms);
MUST_USE enum rc event_decode(struct store_event *ev, uint64_t position);

/*
 * The first bytes of a row as of an event that nobody subscribes to; returns
 * how many of the bytes that follow have to be left out then.
 */
#define EVENT_HEAD	18
uint32_t event_without_list(char head[EVENT_HEAD]);

/* Of a row's first bytes, or more of it: it is a test's. */
bool event_head_is_test(struct slice head);

/* REF */
void key_ref_recent(struct buf *key, uint64_t first);
MUST_USE enum rc key_ref_recent_parse(struct slice key, uint64_t *first);
void key_ref_bucket(struct buf *key, uint32_t bucket, uint8_t slot);
MUST_USE enum rc key_ref_bucket_parse(struct slice key, uint32_t *bucket,
    uint8_t *slot);
void key_ref_moved(struct buf *key);

/* TIMER.  What is not of a kind is not looked at, and 0 when parsed. */
enum key_timer_kind { KEY_TIMER_ORDER, KEY_TIMER_DUE, KEY_TIMER_UNTIL,
	KEY_TIMER_RECENT };

struct key_timer {
	enum key_timer_kind kind;
	int64_t		 ms;		/* DUE, UNTIL */
	enum store_timer_type type;	/* DUE */
	struct store_order order;	/* all but RECENT */
	uint64_t	 first;		/* RECENT: the first position */
};

void key_timer(struct buf *key, const struct key_timer *k);
MUST_USE enum rc key_timer_parse(struct slice key, struct key_timer *k);

/*
 * CHAIN.  The value is value_u64 of accepted_ms.  chain is a hash of the order
 * and sorts in no order that means something, position does.
 */
struct key_link {
	uint32_t lane;
	uint64_t chain;
	uint64_t position;
};

void key_chain(struct buf *key, const struct key_link *l);
MUST_USE enum rc key_chain_parse(struct slice key, struct key_link *l);

/*
 * DUE.  The key alone gives *d without attempts, recorded, chain and test (0);
 * the value gives these.  Lane 0 is no subscription's: a skip scan starts above
 * it; its rows sort by position alone, since clocks may differ.
 */
void key_due(struct buf *key, const struct store_due *d);
MUST_USE enum rc key_due_parse(struct slice key, struct store_due *d);
void value_due(struct buf *val, const struct store_due *d);
MUST_USE enum rc value_due_parse(struct slice val, struct store_due *d);
void key_fanout(struct buf *key, uint64_t position);
void value_fanout(struct buf *val, uint32_t written, uint64_t chain);
MUST_USE enum rc value_fanout_parse(struct slice val, uint32_t *written,
    uint64_t *chain);

/* DELIVERY: n 0 is the delivery, from 1 its attempts. */
void key_delivery(struct buf *key, const struct store_key *k, uint16_t n);
MUST_USE enum rc key_delivery_parse(struct slice key, struct store_key *k,
    uint16_t *n);

/*
 * DONE: every settled delivery under its own lane, dead ones also under lane 0
 * ("all that is dead, by time").
 */
void key_done(struct buf *key, uint32_t lane, int64_t done_ms,
    const struct store_key *k);
MUST_USE enum rc key_done_parse(struct slice key, uint32_t *lane,
    int64_t *done_ms, struct store_key *k);

/* STAT: key and value of one struct store_hour. */
void key_stat(struct buf *key, int64_t hour_ms, uint32_t subscription);
MUST_USE enum rc key_stat_parse(struct slice key, struct store_hour *h);
void value_stat(struct buf *val, const struct store_hour *h);
MUST_USE enum rc value_stat_parse(struct slice val, struct store_hour *h);

/*
 * How a lane's attempts went, before all hours (least64 is INT64_MIN).  These
 * change most, and lie together on few pages.
 */
#define KEY_STAT_FIRST_MS	(INT64_MIN + 1)	/* hours are from here on */

void key_health(struct buf *key, uint32_t lane);
void value_health(struct buf *val, const struct store_health *h);
MUST_USE enum rc value_health_parse(struct slice val, struct store_health *h);

/* Lone integers. */
void value_u32(struct buf *val, uint32_t v);
MUST_USE enum rc value_u32_parse(struct slice val, uint32_t *v);
void value_u64(struct buf *val, uint64_t v);
MUST_USE enum rc value_u64_parse(struct slice val, uint64_t *v);

#endif
