/*
 * nudge - "something is due": intake's datagram to a standing sweep.
 *
 * A unix datagram socket beside the store (or under /tmp, named by a hash of
 * the store's path and owner, where that path would pass 108 bytes).  Sent
 * after the commit, never waited for: a lost nudge is found by the sweep's
 * full look.
 */
#ifndef WORK_NUDGE_H
#define WORK_NUDGE_H

#include "base/buf.h"

#define NUDGE_LANES_MAX 64

struct nudge {
	uint32_t n;			/* 0: look at everything */
	/* lane 0: an event that store_fanout is to make due */
	struct nudge_lane { uint32_t lane; int64_t due_ms; }
		lane[NUDGE_LANES_MAX];
};

/* The socket's path for a store directory; fits sockaddr_un. */
void nudge_path(const char *store_dir, char out[108]);

/* Open the sending side (connectionless, O_NONBLOCK).  -1 if it can't be. */
int nudge_open_sender(void);

/* Send; whether it arrived is nobody's concern. */
void nudge_send(int fd, const char *store_dir, const struct nudge *n);

/* Bind the receiving side, replacing a stale socket.  RC_IO. */
MUST_USE enum rc nudge_bind(const char *store_dir, int *fd);

/* Read one datagram.  RC_NOTFOUND: none waits.  RC_INVALID: not a nudge. */
MUST_USE enum rc nudge_receive(int fd, struct nudge *n);

#endif
