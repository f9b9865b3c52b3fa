/*
 * roster - clients, subscriptions and keys as a program holds them in memory.
 *
 * A snapshot of the configuration records under one generation, read from the
 * store; immutable, counted, shared by threads.  A program keeps the present
 * one in a `struct rosters` and asks for it at every event; the snapshot is
 * renewed when the generation has moved.  It does not change records (config.h
 * does).  Invariant: what a snapshot says held, all of it together, at its
 * generation.
 */
#ifndef WORK_ROSTER_H
#define WORK_ROSTER_H

#include "store/store.h"
#include "work/subscription.h"

struct scope_rule {
	const struct catalog_field *field;	/* NULL: not of this catalogue;
					   what it has at pointer then */
	struct slice	name, pointer;
	struct slice	value;		/* compared as text */
};

struct client {
	uint32_t	 number;
	uint64_t	 version;
	const char	*name;
	const char	*mail;		/* "" none */
	bool		 all;		/* sees every order */
	struct scope_rule *scope;	/* any of these, if not all */
	size_t		 nscope;
	int64_t		 created_ms, updated_ms;
};

enum key_kind { KEY_PUBLISH, KEY_OPERATOR, KEY_CLIENT, KEY_SWEEP };

struct apikey {
	uint32_t	 number;
	uint64_t	 version;
	enum key_kind	 kind;
	const char	*name;		/* "" unless given */
	const struct client *client;	/* KEY_CLIENT only */
	unsigned char	 hash[CRYPT_TOKEN_LEN];
	int64_t		 created_ms;
};

struct roster;
struct rosters;		/* the present snapshot of one program */

/* catalog and st are borrowed; crypt is the store's. */
MUST_USE enum rc rosters_new(struct rosters **rs, struct store *st,
    const struct crypt *crypt, const struct catalog *c);
void rosters_free(struct rosters *rs);

/*
 * The snapshot of at least generation min (0: any), loaded if need be; with
 * check the store is asked for its generation first.  Given back by
 * roster_release.
 *   RC_RETRY, RC_IO  as the store
 */
MUST_USE enum rc rosters_get(struct rosters *rs, uint64_t min, bool check,
    const struct roster **r);
void roster_release(const struct roster *r);

uint64_t roster_generation(const struct roster *r);

/*
 * By number, and in order of numbers (NULL past the end).  The subscription of
 * no record that notices are mailed by (notice.h) is found by its number alone;
 * its client, of no record either, has the number 0.
 */
const struct client *roster_client(const struct roster *r, uint32_t number);
const struct subscription *roster_subscription(const struct roster *r,
    uint32_t number);
const struct apikey *roster_key(const struct roster *r, uint32_t number);
const struct client *roster_client_at(const struct roster *r, size_t i);
const struct subscription *roster_subscription_at(const struct roster *r,
    size_t i);
const struct apikey *roster_key_at(const struct roster *r, size_t i);

/* The key whose hash a token has, or NULL; in time independent of near hits. */
const struct apikey *roster_key_by_token(const struct roster *r,
    struct slice token);

/*
 * The subscriptions that want an event of this type about this order: in
 * scope of their client, whatever their state (held is decided later), by
 * ascending number into *out (grown by realloc, *cap its size), each as often
 * as an event makes deliveries for it (task_recipients).  Returns how many
 * numbers that are.  This is the tenant boundary, and the only place of it for
 * events.
 */
size_t roster_match(const struct roster *r, const struct catalog_event *type,
    const struct order *o, uint32_t **out, size_t *cap);

/*
 * The same, and *turns: some of them take the events of one order in turn;
 * roster_turns says which, into *turn (grown by realloc, *cap its size).
 */
size_t roster_match_turns(const struct roster *r,
    const struct catalog_event *type, const struct order *o, uint32_t **out,
    size_t *cap, bool *turns);
void roster_turns(const struct roster *r, const uint32_t *number, size_t n,
    bool **turn, size_t *cap);

/*
 * Whether a client may see an order at all, in an event of this type (NULL: not
 * of this catalogue).  Of the service's own events the order is no order: only
 * who sees everything sees them.
 */
bool client_sees(const struct client *c, const struct catalog_event *type,
    const struct order *o);

#endif
