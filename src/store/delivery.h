/*
 * delivery - deliveries on their way: what is due, and what became of it.
 *
 * Part of store.h.  The deliveries of one subscription are its *lane*.  Only
 * the one sweeper of a store calls these (a lock outside sees to that), so
 * claiming is a read and writes nothing; a crash leaves every row due.
 * Invariant: a delivery has exactly one due row until it is settled as
 * delivered or dead, and none after; but in a lane whose subscription takes
 * the events of one order in turn, one that comes after another waits, pending
 * and without a row, until that one is delivered or dead.
 */
#ifndef STORE_DELIVERY_H
#define STORE_DELIVERY_H

#include "base/buf.h"
#include "base/crypt.h"
#include "store/accept.h"

/* What tells a delivery from every other; its id in print is "msg_...". */
struct store_key {
	uint64_t position;	/* of its event */
	uint32_t subscription;	/* number; its lane */
	uint16_t ordinal;	/* which recipient, from 0; replays count up in
				   steps of STORE_RECIPIENTS_MAX */
};

/* A row of the due tree, ordered by lane, time, position, ordinal. */
struct store_due {
	struct store_key key;
	int64_t		 due_ms;
	uint16_t	 attempts;	/* used so far */
	uint16_t	 recorded;	/* attempts on record so far */
	uint64_t	 chain;		/* which order it takes its turn in; 0:
					   it waits for none, none for it */
	bool		 test;		/* its event is a test */
};

struct store_event {
	uint64_t	 position;
	int64_t		 accepted_ms;
	uint32_t	 key;		/* of the publish key */
	bool		 test;
	struct slice	 type, sender_id, occurred, order;	/* into raw */
	struct slice	 subscriptions;	/* big-endian 32-bit numbers, matched:
					   one for each delivery, as in
					   store_accept */
	uint64_t	 chain;		/* as accepted; 0: nobody has them in
					   turn */
	struct slice	 ordered;	/* a bit for each that has, the first
					   in the first byte's lowest */
	struct slice	 timed;		/* a struct store_order's bytes, whose
					   timers may keep it; s NULL: none */
	struct buf	 raw;		/* owned */
};

#define STORE_EVENT_INIT { .raw = BUF_INIT(2 * 1024 * 1024) }

void store_event_clear(struct store_event *ev);

struct store_head {
	uint32_t lane;
	int64_t	 due_ms;	/* of the lane's earliest row */
};

/*
 * The earliest row of each lane above after_lane, in lane order, at most max.
 * Costs a seek a lane, however long the lanes are.  *n less than max: no more.
 */
MUST_USE enum rc store_heads(struct store *st, uint32_t after_lane,
    struct store_head *h, size_t max, size_t *n);

struct store_claim {
	struct store_due   due;
	struct store_event event;
};

/*
 * Read up to max rows of a lane that are due at now_ms, strictly after *after
 * in the tree's order (NULL: from the lane's beginning), each with its event,
 * into c[] (events initialised here, without their subscriptions where these
 * are many; cleared by the caller with store_event_clear).  *next_ms is the due
 * time of the first row not returned, INT64_MAX if there is none.  A row whose
 * event is missing is skipped and logged: verify reports it.
 */
MUST_USE enum rc store_claim(struct store *st, uint32_t lane,
    const struct store_due *after, int64_t now_ms, struct store_claim *c,
    size_t max, size_t *n, int64_t *next_ms);

#define STORE_WORD_MAX	16	/* "timeout", "exhausted"; with the NUL */

/* One attempt, as it is kept.  Slices are borrowed, or point into raw. */
struct store_attempt {
	uint16_t	 number;	/* on record, from 1 */
	uint16_t	 attempt;	/* in its skycap-attempt header */
	int64_t		 at_ms;		/* started */
	uint64_t	 version;	/* of the subscription it used */
	int32_t		 status;	/* HTTP; 0: no answer */
	uint32_t	 dns_us, connect_us, tls_us, first_us, total_us;
	char		 word[STORE_WORD_MAX];	/* "ok", "timeout" ... */
	unsigned char	 body_hash[CRYPT_HASH_LEN];	/* of the bytes sent */
	struct slice	 sentence;	/* what happened, for people */
	struct slice	 address;	/* connected to; "192.0.2.1:443" */
	struct slice	 request;	/* start line and headers, masked */
	struct slice	 response_head;
	struct slice	 response_body;	/* the first 4 KiB */
	uint64_t	 response_len;	/* of all of the body that was seen */
	struct buf	 raw;		/* owned; empty unless read back */
};

#define STORE_ATTEMPT_INIT { .raw = BUF_INIT(256 * 1024) }

void store_attempt_clear(struct store_attempt *a);

enum store_outcome { STORE_DELIVERED = 1, STORE_RETRIED, STORE_DEAD };

struct store_settle {
	/* given */
	struct store_due	 due;		/* the row as it was claimed */
	enum store_outcome	 outcome;
	int64_t			 next_ms;	/* STORE_RETRIED: due again */
	uint16_t		 attempts;	/* used, with this one */
	char			 reason[STORE_WORD_MAX];	/* STORE_DEAD */
	int64_t			 now_ms;
	const struct store_attempt *attempt;	/* NULL: none was made */
	int8_t			 health;	/* of its lane: 1 it succeeded, -1 it
					   failed, 0 this says nothing */

	/* found */
	enum rc			 rc;
	bool			 late;		/* RC_STALE, but see below */
	int64_t			 promoted_ms;	/* the next of its order has
						   come due in its lane, then;
						   INT64_MAX: none */
};

/*
 * Record n outcomes, in as few transactions as fit (200 items each), each item
 * wholly or not at all.  Synced if sync; without, a crash may undo it, and the
 * deliveries are sent again.  s keeps its order.  Per item in its rc:
 *   RC_OK       recorded
 *   RC_STALE    the row as it was claimed is gone, or counts other attempts;
 *               nothing was written, unless late is set: the delivery was
 *               given up or buried during the attempt, and the attempt was put
 *               on record all the same.  If it succeeded the delivery is now
 *               delivered: it arrived, whatever was wished meanwhile, and a
 *               later replay of what died must not send it twice.  Else it
 *               stays dead for the reason that it had.
 * One that waits for its turn is settled, too, without an attempt: by the row
 * that it would have, due since its event was accepted.
 *   RC_INVALID  attempt's number is not recorded + 1
 *   RC_TOOBIG   attempt is over 256 KiB
 *   RC_FULL, RC_RETRY, RC_IO  not recorded
 * The call's is RC_OK, or what failed for all.
 */
MUST_USE enum rc store_settle(struct store *st, struct store_settle *s,
    size_t n, bool sync);

/*
 * How the attempts of a lane went, in the order in which they ended (now_ms of
 * their items), written in the transaction that records them.
 */
struct store_health {
	uint32_t failures;		/* in a row; 0 after a success */
	int64_t	 first_failure_ms;	/* of those in a row, or of the last
					   ones that were; 0: never */
	int64_t	 last_failure_ms;	/* ever; 0: never */
	int64_t	 last_success_ms;	/* the same */
	uint8_t	 told;			/* what was made known of it, and when:
					   the caller's own, kept by settle */
	int64_t	 told_ms;
	struct store_due probe;		/* of the deliveries that failed in a
					   row and are pending the earliest,
					   where it is due; due_ms 0: none */
};

/* Zeroed where no attempt was recorded yet. */
MUST_USE enum rc store_health_get(struct store *st, uint32_t lane,
    struct store_health *h);

/* Set told and told_ms alone; synced. */
MUST_USE enum rc store_health_told(struct store *st, uint32_t lane,
    uint8_t told, int64_t now_ms);

#define STORE_BURY_MAX	200	/* rows of one call */
#define STORE_BURY_LOOK	2000	/* rows looked at in one call */

struct store_bury {
	/* given */
	uint32_t	 lane;
	uint64_t	 upto;		/* positions; UINT64_MAX: all */
	int64_t		 due_before_ms;	/* INT64_MAX: all */
	const char	*reason;	/* less than STORE_WORD_MAX bytes */
	int64_t		 now_ms;
	size_t		 max;		/* rows; over STORE_BURY_MAX means it */

	/* where the last call stopped; zeroed before the first */
	struct store_due after;
	bool		 begun;

	/* found by this call */
	size_t		 n;		/* buried */
	bool		 more;		/* there are rows to look at */
};

/*
 * Settle rows of a lane as dead without an attempt, in one transaction: those
 * of events up to a position that are due before a time, in due order from
 * where the last call stopped.  Rows that are in flight may be among them; see
 * store_settle.  Not synced: what a crash undoes is there to be buried again.
 * On any error *b is as before the call.
 */
MUST_USE enum rc store_bury(struct store *st, struct store_bury *b);

/*
 * Give up deliveries: what is pending becomes dead, "given-up".  For each lane
 * concerned the generation is bumped, and a change of kind STORE_LANE is left,
 * so that a sweep lets go of what it has fetched ahead.  Synced.  Any process
 * may call it.  Per delivery in rc[]:
 *   RC_OK        given up
 *   RC_STALE     it is delivered or dead already
 *   RC_NOTFOUND  there is no such delivery
 *   RC_RETRY     its row is not written yet (an event with very many
 *                subscribers, before the next sweep), or as ever
 * The call's is RC_OK, or what failed for all.
 */
MUST_USE enum rc store_give_up(struct store *st, const struct store_key *k,
    size_t n, int64_t now_ms, enum rc *rc);

#endif
