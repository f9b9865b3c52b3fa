#include "unit_task.h"

static void
a_url_is_absolute_and_its_host_is_literal(void **state)
{
	static const struct { const char *json, *why; } t[] = {
		{ URL(""), "must begin with http:// or https://" },
		{ URL("ftp://h/"), "must begin with http" },
		{ URL("h.example/x"), "must begin with http" },
		{ URL("/path"), "must begin with http" },
		{ URL("//h/path"), "must begin with http" },
		{ URL("http:/h"), "must begin with http" },
		{ URL(" https://h"), "must begin with http" },
		{ URL("{{agwID}}"), "must begin with http" },
		{ URL("{{agwID}}://h"), "must begin with http" },
		{ URL("https://"), "column 46: must name a host after //" },
		{ URL("https:///x"), "must name a host after //" },
		{ URL("https://:80/x"), "must name a host after //" },
		{ URL("https://{{agency}}/"), "must name its host and port" },
		{ URL("https://{{"), "must name its host and port" },
		{ URL("https://a.{{agency}}/"), "must name its host and port" },
		{ URL("https://h{{#pnr}}x{{/pnr}}/"), "must name its host" },
		{ URL("https://h{{! ? }}.example/"), "must name its host" },
		{ URL("https://h:{{pnr}}/"), "must name its host and port" },
		{ URL("https://{{agent}}@h/"), "must name its host and port" },
		{ URL("https://u:p@h/"), "must not hold a user or password; "
		    "send them in an authorization header" },
		{ URL("https://u@h/"), "must not hold a user" },
		{ URL("https://@h/"), "must not hold a user" },
		{ URL("https://a.example:80@h/"), "must not hold a user" },
		{ URL("https://a.example\\\\@h/"), "must not hold a user" },
		{ URL("https://u%40h/"), "has no valid host: names between" },
		{ URL("https://h:0/"), "has no valid port: it is a number from "
		    "1 to 65535" },
		{ URL("https://h:65536/"), "has no valid port" },
		{ URL("https://h:/"), "has no valid port" },
		{ URL("https://h:+8/"), "has no valid port" },
		{ URL("https://h:8x/"), "has no valid port" },
		{ URL("https://[::1]x/"), "has no valid port" },
		{ URL("https://2001:db8::1/"), "has no valid host: an IPv6 "
		    "address stands between [ and ]" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		unit_task_refuse(*state, t[i].json, "/httpRequest/url",
		    t[i].why);
}

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static void
a_host_is_a_name_or_an_address(void **state)
{
	static const char label[] = "has no valid host: names between dots";
	static const char number[] = "has no valid host: one that ends in a "
	    "number must be an IPv4 address like 192.0.2.1";
	static const char v6[] = "has no valid host: between [ and ] must "
	    "stand an IPv6 address";
	static const struct { const char *host, *why; } t[] = {
		{ "a b", label }, { "a..b", label }, { ".a", label },
		{ "a.b..", label }, { "..", label }, { "-a.b", label },
		{ "a-.b", label }, { "a.b-", label }, { "a!b", label },
		{ "a%62c", label }, { "h\\u0009", label }, { "a\\\\b", label },
		{ L63 "a.b", label }, { "*.example.com", label },
		{ ".", "must name a host of 1 to 253 characters" },
		{ L63 "." L63 "." L63 "." L63, "must name a host of 1 to 253" },
		{ "h\\u00e9.example", "has a host with letters beyond ASCII; "
		    "write its punycode form, which begins with xn--" },
		{ "\\uff11.2.3.4", "letters beyond ASCII" },
		{ "256.1.1.1", number }, { "1.2.3", number }, { "1", number },
		{ "1.2.3.4.5", number }, { "01.2.3.4", number },
		{ "1.2.3.4.", number }, { "2130706433", number },
		{ "0x7f000001", number }, { "0x7f.1", number },
		{ "a.0X1f", number }, { "a.1", number }, { "1..2", label },
		{ "[1.2.3.4]", v6 }, { "[::g]", v6 }, { "[]", v6 },
		{ "[", v6 }, { "[::1", v6 }, { "[a.example]", v6 },
		{ "[1:2:3:4:5:6:7:8:9]", v6 }, { "[fe80::1%25eth0]", v6 },
		{ "[::ffff:1.2.3]", v6 }, { "[v1.a]", v6 },

		{ "h", NULL }, { "H.Example", NULL }, { "a.example.", NULL },
		{ "xn--bcher-kva.example", NULL }, { "a_b.example", NULL },
		{ "_dmarc.example", NULL }, { "a--b.example", NULL },
		{ "1a.2b", NULL }, { "1.2.3.4a", NULL }, { "0xg", NULL },
		{ "1.2.3.4", NULL }, { "0.0.0.0", NULL }, { "[::1]", NULL },
		{ "255.255.255.255:65535", NULL }, { L63 ".b", NULL },
		{ "[::ffff:1.2.3.4]:1", NULL }, { "[2001:DB8::a]", NULL },
		{ "[1:2:3:4:5:6:7:8]", NULL },
	};
	struct buf json = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&json);
		buf_printf(&json, URL("https://%s/x"), t[i].host);
		if (t[i].why != NULL)
			unit_task_refuse(*state, buf_str(&json),
			    "/httpRequest/url", t[i].why);
		else
			task_free(unit_task(*state, buf_str(&json)));
	}
	buf_free(&json);
}

static void
what_a_url_can_not_hold_is_named_with_its_column(void **state)
{
	static const struct { const char *json, *why; } t[] = {
		{ URL("https://h/a b"), "column 49: has a blank in it that "
		    "must be written %20" },
		{ URL("https://h/ "), "column 48: has a blank" },
		{ URL("https://h/\\u00e9"), "must be written %C3%A9" },
		{ URL("https://h/?q=\\ud83d\\ude00"), "written %F0%9F%98%80" },
		{ URL("https://h/\\r\\nX: 1"), "must be written %0D" },
		{ URL("https://h/\\u00e9x\\\\"), "must be written %C3%A9" },
		{ URL("https://h/x\\\\y"), "must be written %5C" },
		{ URL("https://h/\\\"x"), "must be written %22" },
		{ URL("https://h/\\u007f"), "must be written %7F" },
		{ URL("https://h/<"), "%3C" }, { URL("https://h/>"), "%3E" },
		{ URL("https://h/^"), "%5E" }, { URL("https://h/`"), "%60" },
		{ URL("https://h/|"), "%7C" },
		{ URL("https://h/{pnr}"), "column 48: has a brace in it; a "
		    "field is written {{name}}, the character itself %7B" },
		{ URL("https://h/{{pnr}}}"), "the character itself %7D" },
		{ URL("https://h/%zz"), "has a % in it without two hex digits; "
		    "write %25 for the character itself" },
		{ URL("https://h/%4"), "has a % in it" },
		{ URL("https://h/%{{pnr}}"), "has a % in it" },
		{ URL("https://h/%4{{pnr}}"), "has a % in it" },
		{ URL("https://h/a#frag"), "column 49: has a # in it; what "
		    "follows one is never sent: leave it out, or write %23" },
		{ URL("https://h#"), "column 47: has a # in it" },
		{ URL("https://h/?token=abc#def"), "has a # in it" },
		{ URL("https://h/{{pnr}}#{{pnx}}"), "has a # in it" },
		{ URL("https://h/a/../b"), "must not have . or .. in its" },
		{ URL("https://h/."), "must not have . or .. in its path" },
		{ URL("https://h/a/%2E."), "must not have . or .." },
		{ URL("https://h/{{pnr}}/./b"), "must not have . or .." },
		{ URL("https://h/?k=" DOTS "abcd"), "holds the mask of a "
		    "secret that is not there, or was given for another "
		    "address; give the value itself" },
	};

	for (size_t i = 0; i < NELEM(t); i++)
		unit_task_refuse(*state, t[i].json, "/httpRequest/url",
		    t[i].why);
}

static void
a_url_is_rendered_without_losing_its_shape(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ URL("https://h"), "https://h" },
		{ URL("HTTP://H.example:8080"), "HTTP://H.example:8080" },
		{ URL("http://[2001:db8::1]:8/x"), "http://[2001:db8::1]:8/x" },
		{ URL("https://h?{{pnr}}"), "https://h?KWJ2MT" },
		{ URL("https://h/a%23b{{pnr}}"), "https://h/a%23bKWJ2MT" },
		{ URL("https://h/..b/.c./?../."), "https://h/..b/.c./?../." },
		{ URL("https://h/{{#pnr}}p/{{.}}{{/pnr}}?q={{agent}}"),
		    "https://h/p/KWJ2MT?q=Ana%20%22A%22%20L%C3%B3pez" },
		{ URL("https://h/{{origin}}/x"),
		    "https://h/a%0D%0AX-Evil%3A%201/x" },
		{ URL("https://h/a{{consumer}}"), "https://h/a.." },
	};
	struct unit_task *f = *state;
	struct buf why = BUF_INIT(1024);
	struct task *task;

	for (size_t i = 0; i < NELEM(t); i++) {
		task = unit_task(f, t[i].json);
		unit_task_render_ok(f, task);
		want_str(buf_str(&f->r.url), t[i].want, "%s", t[i].json);
		task_free(task);
	}
	task = unit_task(f, URL("https://h/a/{{consumer}}/b"));
	want_rc(unit_task_render(f, task, &why), RC_INVALID, "climbs");
	task_free(task);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TASK(a_url_is_absolute_and_its_host_is_literal),
	    UNIT_TASK(a_host_is_a_name_or_an_address),
	    UNIT_TASK(what_a_url_can_not_hold_is_named_with_its_column),
	    UNIT_TASK(a_url_is_rendered_without_losing_its_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
