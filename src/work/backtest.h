/*
 * backtest - what a subscription would have got of the last days' events.
 *
 * Goes through what the store still holds, newest first, and counts what the
 * task wants of its client's orders and what of that could not be rendered.
 * It sends nothing, signs nothing and changes nothing.  Whatever the store
 * holds, it keeps a page of events in memory.
 */
#ifndef WORK_BACKTEST_H
#define WORK_BACKTEST_H

#include "work/preview.h"

#define BACKTEST_REASONS	10	/* that differ */
#define BACKTEST_REASON_MAX	256	/* bytes of one with its NUL */

struct backtest {
	uint64_t looked;	/* events */
	uint64_t gone;		/* of these, those of a type it asks for of
				   which the order is no longer kept */
	uint64_t matched;	/* of these, those that are wanted */
	uint64_t failed;	/* of the matched, those that don't render */
	int64_t	 oldest_ms;	/* when the last looked at was accepted; 0 */
	bool	 whole;		/* it came to the end */
	struct backtest_reason {
		char	 text[BACKTEST_REASON_MAX];
		uint64_t position;	/* of the newest event it is of */
		uint64_t n;		/* events */
	} reason[BACKTEST_REASONS];	/* the first seen first */
	size_t	 nreason;
};

struct backtest_ask {
	struct store	*store;
	const struct catalog *catalog;
	const struct preview_of *of;	/* its keys are not needed */
	int64_t		 since_ms;	/* accepted then or later */
	/* called after each page; may leave the store; false ends it */
	bool		(*go_on)(void *arg, const struct backtest *b);
	void		*arg;
};

/*
 * Run it.  *b is what was seen, also on an error.
 *   RC_RETRY, RC_IO  as the store
 */
MUST_USE enum rc backtest_run(const struct backtest_ask *ask,
    struct backtest *b);

/* Append one object. */
void backtest_print(const struct store *st, const struct preview_of *of,
    int64_t since_ms, const struct backtest *b, struct buf *out);

#endif
