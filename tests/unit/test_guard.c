#include <arpa/inet.h>
#include <netinet/in.h>
#include "deliver/guard.h"
#include "unit.h"

static enum guard_answer
check(const struct guard *g, const char *addr, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(port) };

	if (inet_pton(AF_INET, addr, &in.sin_addr) == 1)
		return guard_check(g, (const struct sockaddr *)&in, sizeof in);
	if (inet_pton(AF_INET6, addr, &in6.sin6_addr) != 1)
		fail_msg("%s is no address", addr);
	return guard_check(g, (const struct sockaddr *)&in6, sizeof in6);
}

static struct guard
guard(const char *allow, const char *ports)
{
	struct guard g = { .nallow = 0 };
	struct buf why = BUF_INIT(256);

	want_rc(guard_parse(&g, allow, ports, &why), RC_OK, "%s / %s: %s",
	    allow, ports, buf_str(&why));
	buf_free(&why);
	return g;
}

/* The last one before, first and last one in, first one after each range. */
static void
every_refused_range_is_refused_to_its_edges_and_no_further(void **state)
{
	static const struct { const char *before, *first, *last, *after; } t[] = {
		{ NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0" },
		{ "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0" },
		{ "100.63.255.255", "100.64.0.0", "100.127.255.255",
		    "100.128.0.0" },
		{ "126.255.255.255", "127.0.0.0", "127.255.255.255",
		    "128.0.0.0" },
		{ "169.253.255.255", "169.254.0.0", "169.254.255.255",
		    "169.255.0.0" },
		{ "172.15.255.255", "172.16.0.0", "172.31.255.255",
		    "172.32.0.0" },
		{ "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0" },
		{ "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0" },
		{ "192.88.98.255", "192.88.99.0", "192.88.99.255",
		    "192.88.100.0" },
		{ "192.167.255.255", "192.168.0.0", "192.168.255.255",
		    "192.169.0.0" },
		{ "198.17.255.255", "198.18.0.0", "198.19.255.255",
		    "198.20.0.0" },
		{ "198.51.99.255", "198.51.100.0", "198.51.100.255",
		    "198.51.101.0" },
		{ "203.0.112.255", "203.0.113.0", "203.0.113.255",
		    "203.0.114.0" },
		{ "223.255.255.255", "224.0.0.0", "239.255.255.255", NULL },
		{ NULL, "240.0.0.0", "255.255.255.255", NULL },

		{ NULL, "::", "::ffff:ffff", "::1:0:0" },
		{ "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1::",
		    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::" },
		{ "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::",
		    "100::ffff:ffff:ffff:ffff", "100:0:0:1::" },
		{ "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::",
		    "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2001:1::" },
		{ "2001:1:ffff:ffff:ffff:ffff:ffff:ffff", "2001:2::",
		    "2001:2:0:ffff:ffff:ffff:ffff:ffff", "2001:2:1::" },
		{ "::fffe:ffff:ffff:ffff", "::ffff:0:0:0",
		    "::ffff:0:ffff:ffff", "::ffff:1:0:0" },
		{ "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::",
		    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::" },
		{ "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::",
		    "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::" },
		{ "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::",
		    "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::" },
		{ "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f00::",
		    "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::" },
		{ "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::",
		    "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::" },
		{ "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::",
		    "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
		{ NULL, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		    NULL },
	};
	struct guard g = guard("", "");

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		const struct { const char *addr; enum guard_answer want; } c[] = {
			{ t[i].before, GUARD_OK },
			{ t[i].first, GUARD_ADDRESS },
			{ t[i].last, GUARD_ADDRESS },
			{ t[i].after, GUARD_OK },
		};

		for (size_t j = 0; j < NELEM(c); j++)
			if (c[j].addr != NULL)
				want_i64(check(&g, c[j].addr, 443), c[j].want,
				    "%s", c[j].addr);
	}
}

static void
an_ipv4_address_inside_ipv6_is_judged_as_itself(void **state)
{
	static const struct { const char *addr; enum guard_answer want; } t[] = {
		{ "::ffff:127.0.0.1", GUARD_ADDRESS },
		{ "::ffff:10.1.2.3", GUARD_ADDRESS },
		{ "::ffff:169.254.169.254", GUARD_ADDRESS },
		{ "::ffff:93.184.216.34", GUARD_OK },
		{ "64:ff9b::127.0.0.1", GUARD_ADDRESS },
		{ "64:ff9b::192.168.1.1", GUARD_ADDRESS },
		{ "64:ff9b::93.184.216.34", GUARD_OK },
		{ "64:ff9b:1::93.184.216.34", GUARD_ADDRESS },
		{ "::127.0.0.1", GUARD_ADDRESS },
		{ "::93.184.216.34", GUARD_ADDRESS },
		{ "::ffff:0:93.184.216.34", GUARD_ADDRESS },
		{ "2002:5db8:d822::1", GUARD_ADDRESS },
		{ "::fffe:93.184.216.34", GUARD_OK },
	};
	struct guard g = guard("", "");

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_i64(check(&g, t[i].addr, 443), t[i].want, "%s",
		    t[i].addr);
}

static void
an_allowed_range_opens_just_that(void **state)
{
	static const struct {
		const char *allow, *addr;
		enum guard_answer want;
	} t[] = {
		{ "127.0.0.0/8", "127.255.0.1", GUARD_OK },
		{ "127.0.0.0/8", "128.0.0.1", GUARD_OK },
		{ "127.0.0.0/8", "10.0.0.1", GUARD_ADDRESS },
		{ "127.0.0.0/8", "::1", GUARD_ADDRESS },
		{ "127.0.0.0/8", "::ffff:127.0.0.1", GUARD_OK },
		{ "10.1.2.3", "10.1.2.3", GUARD_OK },
		{ "10.1.2.3", "10.1.2.2", GUARD_ADDRESS },
		{ "10.1.2.4/30", "10.1.2.7", GUARD_OK },
		{ "10.1.2.4/30", "10.1.2.8", GUARD_ADDRESS },
		{ "10.1.2.4/30", "10.1.2.3", GUARD_ADDRESS },
		{ "::1, 192.168.0.0/16", "::1", GUARD_OK },
		{ "::1, 192.168.0.0/16", "192.168.9.9", GUARD_OK },
		{ "fd00::/8", "fd12::1", GUARD_OK },
		{ "fd00::/8", "fc12::1", GUARD_ADDRESS },
		{ "0.0.0.0/0", "127.0.0.1", GUARD_OK },
		{ "0.0.0.0/0", "::1", GUARD_ADDRESS },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct guard g = guard(t[i].allow, "");

		want_i64(check(&g, t[i].addr, 443), t[i].want,
		    "%s with %s allowed", t[i].addr, t[i].allow);
	}
}

static void
ports_are_any_but_a_few_unless_they_are_named(void **state)
{
	static const struct {
		const char *ports;
		uint16_t port;
		enum guard_answer want;
	} t[] = {
		{ "", 443, GUARD_OK }, { "", 80, GUARD_OK },
		{ "", 1, GUARD_OK }, { "", 65535, GUARD_OK },
		{ "", 8080, GUARD_OK }, { "", 0, GUARD_PORT },
		{ "", 24, GUARD_OK }, { "", 25, GUARD_PORT },
		{ "", 26, GUARD_OK }, { "", 465, GUARD_PORT },
		{ "", 587, GUARD_PORT }, { "", 6379, GUARD_PORT },
		{ "", 11211, GUARD_PORT },
		{ "443", 443, GUARD_OK }, { "443", 80, GUARD_PORT },
		{ "443 8000-8100", 7999, GUARD_PORT },
		{ "443 8000-8100", 8000, GUARD_OK },
		{ "443,8000-8100", 8100, GUARD_OK },
		{ "443,8000-8100", 8101, GUARD_PORT },
		{ "25", 25, GUARD_OK },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct guard g = guard("", t[i].ports);

		want_i64(check(&g, "93.184.216.34", t[i].port), t[i].want,
		    "port %u of \"%s\"", t[i].port, t[i].ports);
	}
}

static void
what_is_not_a_whole_inet_address_is_refused(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(443) };
	struct sockaddr un = { .sa_family = AF_UNIX };
	struct guard g = guard("0.0.0.0/0", "");

	(void)state;
	inet_pton(AF_INET, "93.184.216.34", &in.sin_addr);
	want_i64(guard_check(&g, (struct sockaddr *)&in, sizeof in),
	    GUARD_OK, "whole");
	want_i64(guard_check(&g, (struct sockaddr *)&in, sizeof in - 1),
	    GUARD_ADDRESS, "short");
	want_i64(guard_check(&g, &un, sizeof un), GUARD_ADDRESS, "unix");
}

static void
slips_in_the_configuration_are_refused_by_name(void **state)
{
	static const struct { const char *allow, *ports, *names; } t[] = {
		{ "10.0.0.0/33", "", "10.0.0.0/33" },
		{ "10.1.2.3/8", "", "10.1.2.3/8" },
		{ "10.0.0.0/", "", "10.0.0.0/" },
		{ "10.0.0.0/8x", "", "10.0.0.0/8x" },
		{ "10.0.0", "", "10.0.0" },
		{ "fd00::/129", "", "fd00::/129" },
		{ "localhost", "", "localhost" },
		{ "127.0.0.0/8 nonsense", "", "nonsense" },
		{ "1111111111111111111111111111111111111111111111111111111111"
		    "1111111111", "", "1111111111" },
		{ "", "0", "\"0\"" }, { "", "65536", "65536" },
		{ "", "80-", "80-" }, { "", "90-80", "90-80" },
		{ "", "-80", "-80" }, { "", "http", "http" },
		{ "", "443 80 x", "\"x\"" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct guard g = { .nport = 7 };
		struct buf why = BUF_INIT(512);

		want_rc(guard_parse(&g, t[i].allow, t[i].ports, &why),
		    RC_INVALID, "%s / %s", t[i].allow, t[i].ports);
		if (strstr(buf_str(&why), t[i].names) == NULL)
			fail_msg("got \"%s\", want it to name %s",
			    buf_str(&why), t[i].names);
		want_i64((int64_t)g.nport, 7, "left alone");
		buf_free(&why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_refused_range_is_refused_to_its_edges_and_no_further),
	    cmocka_unit_test(an_ipv4_address_inside_ipv6_is_judged_as_itself),
	    cmocka_unit_test(an_allowed_range_opens_just_that),
	    cmocka_unit_test(ports_are_any_but_a_few_unless_they_are_named),
	    cmocka_unit_test(what_is_not_a_whole_inet_address_is_refused),
	    cmocka_unit_test(slips_in_the_configuration_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
