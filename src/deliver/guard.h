/*
 * guard - which addresses and ports deliveries may be sent to.
 *
 * A client chooses the URL, the service sits inside somebody's network: so
 * every address is judged, after the name was resolved, on the address that is
 * really connected to.  Private, local, reserved and documentation ranges are
 * refused, in IPv4 and IPv6 and in the IPv6 forms that carry an IPv4 address;
 * [guard] allow opens ranges, [guard] ports says which ports.  Pure; the
 * operator's own mail server is not its business.
 */
#ifndef DELIVER_GUARD_H
#define DELIVER_GUARD_H

#include <sys/socket.h>
#include "base/buf.h"

#define GUARD_NETS_MAX	64
#define GUARD_PORTS_MAX	64

struct guard_net {
	unsigned char	addr[16];	/* IPv4 in the first 4 */
	uint8_t		bits;
	bool		v6;
};

struct guard {
	struct guard_net allow[GUARD_NETS_MAX];
	size_t		 nallow;
	struct { uint16_t from, to; } port[GUARD_PORTS_MAX];
	size_t		 nport;		/* 0: any but the default denied */
};

/*
 * Read [guard] allow (CIDRs "10.0.0.0/8", "fd00::/8", or addresses) and ports
 * ("443 8000-8100"), words separated by spaces or commas.  Bits beyond a
 * CIDR's length must be 0.
 *   RC_INVALID  why names the word
 *   RC_TOOBIG   more than GUARD_NETS_MAX or GUARD_PORTS_MAX
 * On any error *g is unchanged.
 */
MUST_USE enum rc guard_parse(struct guard *g, const char *allow,
    const char *ports, struct buf *why);

enum guard_answer { GUARD_OK, GUARD_ADDRESS, GUARD_PORT };

/*
 * Whether sa may be connected to; an unknown family or a short len may not.
 * An IPv4-mapped (::ffff:0:0/96) or NAT64 (64:ff9b::/96) address is judged as
 * the IPv4 address in it.
 */
enum guard_answer guard_check(const struct guard *g,
    const struct sockaddr *sa, socklen_t len);

#endif
