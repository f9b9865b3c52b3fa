/*
 * resolve - names to addresses, on threads of their own.
 *
 * getaddrinfo can't be told to stop: where a name server never answers it
 * holds its thread for as long as resolv.conf says, whoever still waits for
 * it.  So a thread counts until it has ended, also when nobody wants its
 * answer any more, and who asks for a name that is being looked up joins.
 * Names that were slow last time get half of the threads at most, new ones and
 * those three quarters: the rest is for names that were answered quickly.  A
 * look-up counts as slow as soon as it has run RESOLVE_SLOW_MS.  So a name that
 * is not known to be slow never waits for those that are, however many; it can
 * wait for others that turn out to be slow for the first time.  It caches no
 * address and judges none.  Used by the webhook channel; all calls come from
 * one thread.  Invariant: at most RESOLVE_THREADS look-ups run, and no call
 * waits for one.
 */
#ifndef DELIVER_RESOLVE_H
#define DELIVER_RESOLVE_H

#include "base/buf.h"

#define RESOLVE_THREADS		32
#define RESOLVE_SLOW_MS		1000	/* a name that took longer is slow */
#define RESOLVE_HOST_MAX	256	/* bytes of a name, with its NUL */
#define RESOLVE_ADDRESSES	16	/* of one name; others are left out */
#define RESOLVE_TEXT_MAX	1024	/* bytes of those, with their NUL */

struct resolve;

struct resolve_answer {
	int	error;		/* 0, or EAI_* of getaddrinfo */
	int	os_error;	/* errno with it: EMFILE, ENOMEM, ... or 0 */
	char	addresses[RESOLVE_TEXT_MAX];	/* "192.0.2.1,[2001:db8::1]" in
						   the order to try them */
};

/*
 * Find the addresses of a name.  Called on a thread of its own, where it may
 * take its time; *a is zeroed.
 */
typedef void resolve_find(const char *host, struct resolve_answer *a);

/* By getaddrinfo. */
resolve_find resolve_by_system;

/*
 * An address needs no look-up ("[...]" is one), and libcurl knows localhost
 * and what ends in it by itself.
 */
bool resolve_is_known(const char *host);

/* NULL: no descriptors or memory. */
struct resolve *resolve_new(resolve_find *find);

/*
 * By a clock of its own: ms above 0 that never go back.  It is called on all
 * threads.
 */
typedef int64_t resolve_clock(void);
struct resolve *resolve_new_timed(resolve_find *find, resolve_clock *now_ms);

/*
 * Forget what is asked for, without callbacks.  Threads that look something up
 * end by themselves, whenever that is.
 */
void resolve_free(struct resolve *r);

/* *a lasts until the callback returns, which may ask and cancel. */
typedef void resolve_done(void *arg, const struct resolve_answer *a);

/* One who waits for a name: the caller's storage, zeroed. */
struct resolve_wait {
	struct resolve_wait *next, *prev;
	struct look	*look;
	resolve_done	*done;
	void		*arg;
};

/*
 * Ask for a name of fewer than RESOLVE_HOST_MAX bytes.  done is called from a
 * later resolve_work, unless cancelled before.
 */
void resolve_ask(struct resolve *r, const char *host, struct resolve_wait *w,
    resolve_done *done, void *arg);

/* Nothing happens if w waits for nothing. */
void resolve_cancel(struct resolve *r, struct resolve_wait *w);

/* Hand out the answers that are there; call it when resolve_fd is readable. */
void resolve_work(struct resolve *r);
int resolve_fd(const struct resolve *r);

/* Threads that look something up. */
uint32_t resolve_running(const struct resolve *r);

#endif
