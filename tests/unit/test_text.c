#include "base/text.h"
#include "unit.h"

#define S(literal)	SLICE(literal)

static void
only_rfc_3629_is_utf8(void **state)
{
	static const struct {
		struct slice s;
		bool ok;
	} t[] = {
		{ { NULL, 0 }, true }, { S(""), true }, { S("plain"), true },
		{ S("\x7f"), true }, { S("\xc2\x80"), true },
		{ S("\xdf\xbf"), true }, { S("\xe0\xa0\x80"), true },
		{ S("\xed\x9f\xbf"), true }, { S("\xee\x80\x80"), true },
		{ S("\xef\xbf\xbf"), true }, { S("\xf0\x90\x80\x80"), true },
		{ S("\xf4\x8f\xbf\xbf"), true }, { S("a\xc3\xa9z"), true },
		{ S("\0"), false }, { S("a\0b"), false },
		{ S("\x80"), false }, { S("\xbf"), false },
		{ S("\xc0\x80"), false }, { S("\xc1\xbf"), false },
		{ S("\xe0\x9f\xbf"), false }, { S("\xed\xa0\x80"), false },
		{ S("\xed\xbf\xbf"), false }, { S("\xf0\x8f\xbf\xbf"), false },
		{ S("\xf4\x90\x80\x80"), false },
		{ S("\xf5\x80\x80\x80"), false }, { S("\xff"), false },
		{ S("\xfe"), false }, { S("\xc3"), false },
		{ S("\xe2\x82"), false }, { S("\xf0\x9f\x98"), false },
		{ S("\xc3""A"), false }, { S("\xe2\x82""A"), false },
		{ S("\xe2""A\x82"), false }, { S("\xf0\x9f\x98""A"), false },
		{ S("a\xc3\xa9\xa9"), false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_i64(text_is_utf8(t[i].s), t[i].ok, "case %zu", i);
}

/* The definition, not the implementation: decode, then see if it encodes so. */
static size_t
length_by_definition(const unsigned char *p)
{
	uint32_t cp;
	size_t n;

	if (p[0] < 0x80)
		return p[0] > 0;
	n = p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
	if (n == 0)
		return 0;
	cp = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if (cp < (n == 2 ? 0x80U : n == 3 ? 0x800U : 0x10000U) ||
	    cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return 0;
	return n;
}

static void
every_pair_of_first_bytes_is_told_apart(void **state)
{
	static const unsigned char tail[] = { 0x00, 0x41, 0x7f, 0x80, 0xbf,
	    0xc0, 0xff };

	(void)state;
	for (unsigned ab = 0; ab < 0x10000; ab++)
		for (size_t c = 0; c < NELEM(tail); c++)
			for (size_t d = 0; d < NELEM(tail); d++) {
				unsigned char p[4] = { (unsigned char)(ab >> 8),
				    (unsigned char)ab, tail[c], tail[d] };
				struct slice s = { (const char *)p, 4 };

				if (text_utf8(s) != length_by_definition(p))
					fail_msg("%02x %02x %02x %02x: got %zu,"
					    " want %zu", p[0], p[1], p[2],
					    p[3], text_utf8(s),
					    length_by_definition(p));
			}
}

static void
case_is_folded_for_ascii_letters_alone(void **state)
{
	static const struct {
		struct slice a, b;
		bool same;
	} t[] = {
		{ S("ABCxyz"), S("abcXYZ"), true },
		{ S(""), { NULL, 0 }, true },
		{ S("@[`{"), S("`{@["), false },
		{ S("a"), S("ab"), false }, { S("a"), S("b"), false },
		{ S("a\0b"), S("A\0B"), true }, { S("a\0b"), S("a\0c"), false },
		{ S("\xc3\x89"), S("\xc3\xa9"), false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_i64(text_same_nocase(t[i].a, t[i].b), t[i].same,
		    "case %zu", i);
}

static void
the_nearest_name_is_the_one_that_was_meant(void **state)
{
	static const char *const name[] = { "url", "prefix", "timezone",
	    "OrderTicketed", "OrderCanceled", "to", "bodies_days",
	    "rows_days" };
	static const struct { const char *s, *want; } t[] = {
		{ "url", "url" }, { "URL", "url" }, { "ulr", "url" },
		{ "ur", "url" }, { "urls", "url" }, { "luru", NULL },
		{ "timezoen", "timezone" }, { "time_zone", "timezone" },
		{ "OrderTicketted", "OrderTicketed" },
		{ "ordercancelled", "OrderCanceled" },
		{ "order", NULL }, { "ot", "to" }, { "t", "to" },
		{ "x", NULL }, { "row_days", "rows_days" },
		{ "body_days", "bodies_days" },	/* 3 of 11 */
		{ "prfx", "prefix" },		/* 2 of 6 */
		{ "pfx", NULL },		/* 3 of 6 */
		{ "", NULL }, { "something else", NULL },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		const char *got = text_nearest(slice_of(t[i].s), name,
		    NELEM(name));

		want_str(got == NULL ? "(none)" : got,
		    t[i].want == NULL ? "(none)" : t[i].want, "%s", t[i].s);
	}
}

static void
of_two_as_near_the_first_is_taken_and_a_nearer_one_wins(void **state)
{
	static const char *const tie[] = { "abcx", "abcy" };
	static const char *const better[] = { "abcdxx", "abcdex", "abcdef" };

	(void)state;
	want_str(text_nearest(S("abcz"), tie, 2), "abcx", "a tie");
	want_str(text_nearest(S("abcdef"), better, 3), "abcdef", "itself");
	assert_null(text_nearest(S("abc"), tie, 0));
}

static void
a_very_long_name_has_no_nearest(void **state)
{
	char s[70];
	const char *const name[] = { s };

	(void)state;
	memset(s, 'a', sizeof s);
	s[68] = '\0';
	assert_null(text_nearest((struct slice){ s, 65 }, name, 1));
	assert_ptr_equal(text_nearest((struct slice){ s, 64 }, name, 1), s);
}

static void
percent_encoding_leaves_the_unreserved_alone(void **state)
{
	struct buf b = BUF_INIT(4096), back = BUF_INIT(4096);
	char all[255];

	(void)state;
	text_percent(&b, S("AZaz09-._~ /?#[]@!$&'()*+,;=%\"\xc3\xa9\n"));
	want_str(buf_str(&b), "AZaz09-._~%20%2F%3F%23%5B%5D%40%21%24%26%27%28"
	    "%29%2A%2B%2C%3B%3D%25%22%C3%A9%0A", "all kinds");
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	buf_clear(&b);
	text_percent(&b, (struct slice){ all, sizeof all });
	want_rc(text_unpercent(&back, buf_as_slice(&b), true), RC_OK, "back");
	want_i64((int64_t)back.len, sizeof all, "length");
	assert_memory_equal(back.s, all, sizeof all);
	buf_free(&back);
	buf_free(&b);
}

static void
percent_decoding_takes_it_whole_or_not_at_all(void **state)
{
	static const struct {
		struct slice s;
		bool plus;
		const char *want;	/* NULL: RC_INVALID */
	} t[] = {
		{ { NULL, 0 }, false, "" },
		{ S("a%20b+c"), false, "a b+c" },
		{ S("a%20b+c"), true, "a b c" },
		{ S("%2b%2B"), true, "++" }, { S("%c3%A9"), false, "\xc3\xa9" },
		{ S("%2525"), false, "%25" },
		{ S("a%"), false, NULL }, { S("a%2"), false, NULL },
		{ S("a%2g"), false, NULL }, { S("%g2"), false, NULL },
		{ S("a%00b"), false, NULL }, { S("a\0b"), false, NULL },
		{ S("%%20"), false, NULL }, { S("%+1"), true, NULL },
		{ S("% 1"), false, NULL }, { S("%-1"), false, NULL },
	};
	struct buf b = BUF_INIT(64);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&b);
		buf_puts(&b, "kept");
		want_rc(text_unpercent(&b, t[i].s, t[i].plus),
		    t[i].want == NULL ? RC_INVALID : RC_OK, "case %zu", i);
		want_str(buf_str(&b) + 4, t[i].want == NULL ? "" : t[i].want,
		    "case %zu", i);
	}
	buf_free(&b);
}

static void
html_gets_references_for_the_five_that_matter(void **state)
{
	static const struct { struct slice s; const char *want; } t[] = {
		{ { NULL, 0 }, "" }, { S(""), "" }, { S("plain"), "plain" },
		{ S("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;"
		    "&#39;&amp;&#39;&lt;/a&gt;" },
		{ S("&amp;"), "&amp;amp;" }, { S("a<"), "a&lt;" },
		{ S("<\xc3\xa9>"), "&lt;\xc3\xa9&gt;" },
	};
	struct buf b = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&b);
		text_html(&b, t[i].s);
		want_str(buf_str(&b), t[i].want, "case %zu", i);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_rfc_3629_is_utf8),
	    cmocka_unit_test(every_pair_of_first_bytes_is_told_apart),
	    cmocka_unit_test(case_is_folded_for_ascii_letters_alone),
	    cmocka_unit_test(the_nearest_name_is_the_one_that_was_meant),
	    cmocka_unit_test(
		of_two_as_near_the_first_is_taken_and_a_nearer_one_wins),
	    cmocka_unit_test(a_very_long_name_has_no_nearest),
	    cmocka_unit_test(percent_encoding_leaves_the_unreserved_alone),
	    cmocka_unit_test(percent_decoding_takes_it_whole_or_not_at_all),
	    cmocka_unit_test(html_gets_references_for_the_five_that_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
