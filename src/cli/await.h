/*
 * await - have deliveries sent, and wait for what comes of it.
 *
 * For cmd_test.c.  While it runs, a thread delivers what is due, as `skycap
 * sweep --once` does and only if no other process sweeps this store; the
 * deliveries that are waited for are looked at meanwhile.  Invariant: what an
 * own sweep has begun it ends, so that no attempt is cut short.
 */
#ifndef CLI_AWAIT_H
#define CLI_AWAIT_H

#include "cli/cli.h"

struct await;

/*
 * Begin to deliver.  *a is ended by await_end, which waits for attempts under
 * way.  CLI_OK, or said what is wrong.
 */
int await_begin(struct await **a, const struct cli *c);
void await_end(struct await *a);

/*
 * Wait until each of n deliveries has been attempted or is done, at most until
 * a monotonic time; *d is what they are then.
 *   RC_NOTFOUND, RC_RETRY, RC_IO  as the store
 */
MUST_USE enum rc await_attempts(const struct await *a,
    const struct store_key *k, size_t n, int64_t until_ms,
    struct store_delivery *d);

#endif
