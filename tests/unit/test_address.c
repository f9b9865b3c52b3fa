#include "shape/address.h"
#include "unit.h"

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define L60 X16 X16 X16 "xxxxxxxxxxxx"

static void
an_address_is_local_at_domain_and_nothing_else(void **state)
{
	static const struct { const char *in; size_t at; const char *why; }
	t[] = {
		{ "ops@example.com", 0, NULL },
		{ "o@localhost", 0, NULL },
		{ "first.last+tag=a@mail.example-1.co", 0, NULL },
		{ "!#$%&'*+-/=?^_`{|}~@x.example", 0, NULL },
		{ "ops@xn--bcher-kva.example", 0, NULL },
		{ X64 "@a.example", 0, NULL },
		{ "", 0, "must be a mail address like" },
		{ "ops", 0, "must be a mail address like" },
		{ "a@b@c.example", 0, "must be a mail address like" },
		{ "@a.example", 0, "has nothing before its @" },
		{ "x" X64 "@a.example", 0, "more than 64 bytes before its @" },
		{ "a@" L60 "." L60 "." L60 "." L60 "." X16, 0,
		    "longer than 254 bytes" },
		{ ".a@b.example", 0, "a dot before its @" },
		{ "a.@b.example", 0, "a dot before its @" },
		{ "a..b@c.example", 0, "a dot before its @" },
		{ "a@", 2, "no valid domain" },
		{ "a@b..example", 2, "no valid domain" },
		{ "a@b.example.", 2, "no valid domain" },
		{ "a@-b.example", 2, "no valid domain" },
		{ "a@b!.example", 2, "no valid domain" },
		{ "a b@c.example", 1, "has a blank in it" },
		{ " a@b.example", 0, "has a blank in it" },
		{ "a@b.example\n", 11, "has a control character" },
		{ "a@b.example\r\nRCPT TO:<x@y>", 11,
		    "has a control character" },
		{ "a\t@b.example", 1, "has a control character" },
		{ "a\x7f@b.example", 1, "has a control character" },
		{ "a@b.example,c@d.example", 11, "must be one address" },
		{ "a@b.example;c@d.example", 11, "must be one address" },
		{ "Ana <a@b.example>", 3, "has a blank in it" },
		{ "<a@b.example>", 0, "the address alone" },
		{ "\"a\"@b.example", 0, "the address alone" },
		{ "a(c)@b.example", 1, "the address alone" },
		{ "a@[192.0.2.1]", 2, "character in it that no address" },
		{ "a:b@c.example", 1, "character in it that no address" },
		{ "a\\b@c.example", 1, "character in it that no address" },
		{ "jos\xc3\xa9@a.example", 3, "SMTPUTF8 is not spoken" },
		{ "a@caf\xc3\xa9.example", 5, "SMTPUTF8 is not spoken" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		size_t at = 0;
		const char *why = address_fault(slice_of(t[i].in), &at);

		if (t[i].why == NULL)
			want_str(why == NULL ? "" : why, "", "%s", t[i].in);
		else if (why == NULL || strstr(why, t[i].why) == NULL)
			fail_msg("%s: got \"%s\", want \"%s\"", t[i].in,
			    why == NULL ? "" : why, t[i].why);
		else
			want_i64((int64_t)at, (int64_t)t[i].at, "%s",
			    t[i].in);
	}
}

static void
a_nul_is_no_part_of_one(void **state)
{
	size_t at;

	(void)state;
	assert_non_null(address_fault(SLICE("a@b.example\0x"), &at));
	assert_int_equal(at, 11);
}

static void
of_a_part_only_the_characters_are_asked(void **state)
{
	size_t at = 9;

	(void)state;
	assert_null(address_part_fault(SLICE(""), &at));
	assert_null(address_part_fault(SLICE("@a.b"), &at));
	assert_non_null(address_part_fault(SLICE("@a, "), &at));
	assert_int_equal(at, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_is_local_at_domain_and_nothing_else),
	    cmocka_unit_test(a_nul_is_no_part_of_one),
	    cmocka_unit_test(of_a_part_only_the_characters_are_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
