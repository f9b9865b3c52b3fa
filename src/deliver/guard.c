#include <arpa/inet.h>
#include <netinet/in.h>
#include "deliver/guard.h"

#define WORD_MAX 64		/* bytes of a CIDR as text, with its NUL */

/* What is refused; each row names where that comes from. */
static const struct { uint8_t addr[4], bits; } deny4[] = {
	{ { 0, 0, 0, 0 }, 8 },		/* this network, RFC 791 */
	{ { 10, 0, 0, 0 }, 8 },		/* private, RFC 1918 */
	{ { 100, 64, 0, 0 }, 10 },	/* carriers' shared, RFC 6598 */
	{ { 127, 0, 0, 0 }, 8 },	/* loopback */
	{ { 169, 254, 0, 0 }, 16 },	/* link local, cloud metadata */
	{ { 172, 16, 0, 0 }, 12 },	/* private */
	{ { 192, 0, 0, 0 }, 24 },	/* protocol assignments, RFC 6890 */
	{ { 192, 0, 2, 0 }, 24 },	/* documentation, RFC 5737 */
	{ { 192, 88, 99, 0 }, 24 },	/* 6to4 relays, RFC 7526 */
	{ { 192, 168, 0, 0 }, 16 },	/* private */
	{ { 198, 18, 0, 0 }, 15 },	/* benchmarks, RFC 2544 */
	{ { 198, 51, 100, 0 }, 24 },	/* documentation */
	{ { 203, 0, 113, 0 }, 24 },	/* documentation */
	{ { 224, 0, 0, 0 }, 4 },	/* multicast */
	{ { 240, 0, 0, 0 }, 4 },	/* reserved, and broadcast */
};

static const struct { uint8_t addr[16], bits; } deny6[] = {
	{ { 0 }, 96 },			/* ::, ::1, IPv4-compatible */
	{ { [8] = 0xff, [9] = 0xff }, 96 },	/* IPv4-translated, RFC 2765 */
	{ { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48 },	/* local NAT64, RFC 8215 */
	{ { 0x01 }, 64 },		/* discard only, RFC 6666 */
	{ { 0x20, 0x01 }, 32 },		/* Teredo: carries an IPv4 address */
	{ { 0x20, 0x01, 0, 2 }, 48 },	/* benchmarks, RFC 5180 */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },	/* documentation, RFC 3849 */
	{ { 0x20, 0x02 }, 16 },		/* 6to4, the whole of it */
	{ { 0x3f, 0xff }, 20 },		/* documentation, RFC 9637 */
	{ { 0x5f, 0x00 }, 16 },		/* segment routing, RFC 9602 */
	{ { 0xfc }, 7 },		/* unique local, RFC 4193 */
	{ { 0xfe, 0x80 }, 10 },		/* link local */
	{ { 0xfe, 0xc0 }, 10 },		/* site local, RFC 3879 */
	{ { 0xff }, 8 },		/* multicast */
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };

/* Mail and the stores that are run without a password. */
static const uint16_t deny_port[] = { 25, 465, 587, 6379, 11211 };

static bool
within(const uint8_t *addr, const uint8_t *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(addr, net, whole) != 0)
		return false;
	return rest == 0 ||
	    ((addr[whole] ^ net[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

static bool
allowed(const struct guard *g, const uint8_t *addr, bool v6)
{
	for (size_t i = 0; i < g->nallow; i++)
		if (g->allow[i].v6 == v6 &&
		    within(addr, g->allow[i].addr, g->allow[i].bits))
			return true;
	return false;
}

static bool
address_ok(const struct guard *g, const uint8_t *addr, bool v6)
{
	if (allowed(g, addr, v6))
		return true;
	if (!v6) {
		for (size_t i = 0; i < NELEM(deny4); i++)
			if (within(addr, deny4[i].addr, deny4[i].bits))
				return false;
		return true;
	}
	if (memcmp(addr, mapped, sizeof mapped) == 0 ||
	    memcmp(addr, nat64, sizeof nat64) == 0)
		return address_ok(g, addr + 12, false);
	for (size_t i = 0; i < NELEM(deny6); i++)
		if (within(addr, deny6[i].addr, deny6[i].bits))
			return false;
	return true;
}

static bool
port_ok(const struct guard *g, uint16_t port)
{
	if (port == 0)
		return false;
	if (g->nport > 0) {
		for (size_t i = 0; i < g->nport; i++)
			if (port >= g->port[i].from && port <= g->port[i].to)
				return true;
		return false;
	}
	for (size_t i = 0; i < NELEM(deny_port); i++)
		if (port == deny_port[i])
			return false;
	return true;
}

enum guard_answer
guard_check(const struct guard *g, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	uint16_t port;
	bool ok;

	if (len >= (socklen_t)sizeof in && sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		ok = address_ok(g, (const uint8_t *)&in.sin_addr, false);
		port = ntohs(in.sin_port);
	} else if (len >= (socklen_t)sizeof in6 &&
	    sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof in6);
		ok = address_ok(g, in6.sin6_addr.s6_addr, true);
		port = ntohs(in6.sin6_port);
	} else
		return GUARD_ADDRESS;
	if (!ok)
		return GUARD_ADDRESS;
	return port_ok(g, port) ? GUARD_OK : GUARD_PORT;
}

/* A whole number up to max at *s; moves *s on.  -1: there is none. */
static long
number(const char **s, long max)
{
	long v = 0;

	if (**s < '0' || **s > '9')
		return -1;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		v = v * 10 + (**s - '0');
		if (v > max)
			return -1;
	}
	return v;
}

static bool
parse_net(const char *word, struct guard_net *net)
{
	char addr[WORD_MAX];
	const char *slash = strchr(word, '/'), *s;
	size_t len = slash == NULL ? strlen(word) : (size_t)(slash - word);
	uint8_t lowest[16];
	long bits, max;

	memcpy(addr, word, len);
	addr[len] = '\0';
	memset(net, 0, sizeof *net);
	if (inet_pton(AF_INET6, addr, net->addr) == 1)
		net->v6 = true;
	else if (inet_pton(AF_INET, addr, net->addr) != 1)
		return false;
	max = bits = net->v6 ? 128 : 32;
	if (slash != NULL) {
		s = slash + 1;
		bits = number(&s, max);
		if (bits == -1 || *s != '\0')
			return false;
	}
	net->bits = (uint8_t)bits;

	/* 10.1.2.3/8 is more likely a slip than a wish for all of 10/8 */
	memset(lowest, 0, sizeof lowest);
	memcpy(lowest, net->addr, (size_t)bits / 8);
	if (bits % 8 != 0)
		lowest[bits / 8] = net->addr[bits / 8] &
		    (uint8_t)(0xff00u >> bits % 8);
	return memcmp(lowest, net->addr, sizeof lowest) == 0;
}

static bool
parse_port(const char *s, uint16_t *from, uint16_t *to)
{
	long a = number(&s, 65535), b = a;

	if (*s == '-') {
		s++;
		b = number(&s, 65535);
	}
	if (*s != '\0' || a < 1 || b < a)
		return false;
	*from = (uint16_t)a;
	*to = (uint16_t)b;
	return true;
}

/* The next word into w, false at the end.  *fits: it is not too long. */
static bool
next_word(const char **s, char w[WORD_MAX], bool *fits)
{
	size_t len;

	*s += strspn(*s, " \t\r\n,");
	len = strcspn(*s, " \t\r\n,");
	if (len == 0)
		return false;
	*fits = len < WORD_MAX;
	memcpy(w, *s, *fits ? len : WORD_MAX - 1);
	w[*fits ? len : WORD_MAX - 1] = '\0';
	*s += len;
	return true;
}

enum rc
guard_parse(struct guard *g, const char *allow, const char *ports,
    struct buf *why)
{
	struct guard new = { .nallow = 0 };
	char w[WORD_MAX];
	bool fits;

	while (next_word(&allow, w, &fits)) {
		if (new.nallow == GUARD_NETS_MAX) {
			buf_printf(why, "[guard] allow: more than %d ranges",
			    GUARD_NETS_MAX);
			return RC_TOOBIG;
		}
		if (!fits || !parse_net(w, &new.allow[new.nallow])) {
			buf_printf(why, "[guard] allow: \"%s\" is not a range "
			    "like 10.0.0.0/8 or fd00::/8 without bits beyond "
			    "its length", w);
			return RC_INVALID;
		}
		new.nallow++;
	}
	while (next_word(&ports, w, &fits)) {
		if (new.nport == GUARD_PORTS_MAX) {
			buf_printf(why, "[guard] ports: more than %d entries",
			    GUARD_PORTS_MAX);
			return RC_TOOBIG;
		}
		if (!fits || !parse_port(w, &new.port[new.nport].from,
		    &new.port[new.nport].to)) {
			buf_printf(why, "[guard] ports: \"%s\" is not a port "
			    "or a range like 8000-8100", w);
			return RC_INVALID;
		}
		new.nport++;
	}
	*g = new;
	return RC_OK;
}
