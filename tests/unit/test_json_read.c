/*
 * Reading the scanner's index, its canonical form, pointers, and writing
 * strings.
 */
#include <stdlib.h>
#include "base/json.h"
#include "unit.h"
#include "unit_json.h"

static struct json_doc
scanned(struct slice text)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err = { .detail = "" };

	want_rc(json_scan(&d, text, &unit_no_limits, &err), RC_OK, "%.*s (%s)",
	    (int)text.len, text.s, err.detail);
	return d;
}

static void
strings_are_given_raw_quoted_and_unescaped(void **state)
{
	static const struct { struct slice text, want; } t[] = {
		{ SLICE("\"\""), SLICE("") },
		{ SLICE("\"plain\""), SLICE("plain") },
		{ SLICE("\"\\\"\\\\\\/\""), SLICE("\"\\/") },
		{ SLICE("\"\\b\\f\\n\\r\\t\""), SLICE("\b\f\n\r\t") },
		{ SLICE("\"a\\nb\\nc\""), SLICE("a\nb\nc") },
		{ SLICE("\"\\u0001\\u007F\""), SLICE("\x01\x7f") },
		{ SLICE("\"\\u0080\\u07ff\""), SLICE("\xc2\x80\xdf\xbf") },
		{ SLICE("\"\\u0800\\uFFff\""),
		    SLICE("\xe0\xa0\x80\xef\xbf\xbf") },
		{ SLICE("\"\\ud7ff\\ue000\""),
		    SLICE("\xed\x9f\xbf\xee\x80\x80") },
		{ SLICE("\"\\ud800\\udc00\\uDBFF\\uDFFF\""),
		    SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
		{ SLICE("\"\\u00e9\xc3\xa9\""), SLICE("\xc3\xa9\xc3\xa9") },
		{ SLICE("\"u\\\\u0041\""), SLICE("u\\u0041") },
	};
	struct buf out = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct json_doc d = scanned(t[i].text);
		struct slice raw = t[i].text;

		want_slice(json_text(&d, 0), raw, "text");
		slice_take(&raw, 1);
		raw.len--;
		want_slice(json_raw(&d, 0), raw, "raw");
		buf_clear(&out);
		buf_puts(&out, "kept ");
		json_string(&d, 0, &out);
		assert_memory_equal(out.s, "kept ", 5);
		want_slice(((struct slice){ out.s + 5, out.len - 5 }),
		    t[i].want, "unescaped %s", t[i].text.s);
		json_doc_free(&d);
	}
	buf_free(&out);
}

static void
other_values_are_given_as_they_stand(void **state)
{
	static const char *const t[] = {
		"null", "true", "false", "-0.10e+05", "[ 1 , [ ] ]",
		"{ \"a\" : { } }", "1234567890123456789012345678901234567890",
	};
	struct buf out = BUF_INIT(256), text = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct json_doc d;

		buf_clear(&text);
		buf_printf(&text, " [ %s ] ", t[i]);
		d = scanned(buf_as_slice(&text));
		want_slice(json_raw(&d, 1), slice_of(t[i]), "raw");
		want_slice(json_text(&d, 1), slice_of(t[i]), "text");
		buf_clear(&out);
		json_string(&d, 1, &out);
		want_str(buf_str(&out), t[i], "as a string");
		want_i64(json_string_is(&d, 1, slice_of(t[i])), false,
		    "%s is a string", t[i]);
		json_doc_free(&d);
	}
	buf_free(&text);
	buf_free(&out);
}

static void
a_string_is_compared_as_it_is_meant(void **state)
{
	static const struct { struct slice text, s; bool want; } t[] = {
		{ SLICE("\"abc\""), SLICE("abc"), true },
		{ SLICE("\"abc\""), SLICE("ab"), false },
		{ SLICE("\"abc\""), SLICE("abcd"), false },
		{ SLICE("\"\""), SLICE(""), true },
		{ SLICE("\"\""), SLICE("a"), false },
		{ SLICE("\"a\\u0062c\""), SLICE("abc"), true },
		{ SLICE("\"a\\u0062c\""), SLICE("ab"), false },
		{ SLICE("\"a\\u0062c\""), SLICE("abcd"), false },
		{ SLICE("\"a\\u0062c\""), SLICE("a\\u0062c"), false },
		{ SLICE("\"\\ud83d\\ude00\""), SLICE("\xf0\x9f\x98\x80"),
		    true },
		{ SLICE("\"\\ud83d\\ude00\""), SLICE("\xf0\x9f\x98"), false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct json_doc d = scanned(t[i].text);

		want_i64(json_string_is(&d, 0, t[i].s), t[i].want, "%s is %s",
		    t[i].text.s, t[i].s.s);
		json_doc_free(&d);
	}
}

static void
a_member_is_found_by_its_unescaped_key(void **state)
{
	static const struct { const char *key, *want; } t[] = {
		{ "a", "1" }, { "b", "[{\"a\":0},\"zz\"]" }, { "", "2" },
		{ "n\n", "3" }, { "\xc3\xa9", "\"4\"" }, { "last", "null" },
		{ "zz", NULL }, { "A", NULL }, { "las", NULL },
		{ "lastt", NULL }, { "\\u00e9", NULL }, { "n", NULL },
	};
	struct json_doc d = scanned(SLICE("{\"a\":1,\"b\":[{\"a\":0},"
	    "\"zz\"],\"\":2,\"n\\n\":3,\"\\u00e9\":\"4\",\"last\":null}"));

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		uint32_t v = json_find(&d, 0, t[i].key);

		if (t[i].want == NULL)
			want_i64(v, 0, "\"%s\" is absent", t[i].key);
		else
			want_slice(json_text(&d, v), slice_of(t[i].want),
			    "member \"%s\"", t[i].key);
	}
	want_i64(json_find(&d, json_find(&d, 0, "b"), "a"), 0, "in an array");
	want_i64(json_find(&d, json_find(&d, 0, "a"), "a"), 0, "in a number");
	json_doc_free(&d);
	want_i64(json_find(&d, 0, "a"), 0, "in nothing");
}

static void
integers_are_read_only_where_they_fit(void **state)
{
	static const struct {
		const char *text;
		bool number, string;	/* it is one as it is, in quotes */
		int64_t want;
	} t[] = {
		{ "0", true, true, 0 }, { "-0", true, true, 0 },
		{ "7", true, true, 7 }, { "-12", true, true, -12 },
		{ "9223372036854775807", true, true, INT64_MAX },
		{ "-9223372036854775808", true, true, INT64_MIN },
		{ "9223372036854775808", false, false, 0 },
		{ "-9223372036854775809", false, false, 0 },
		{ "18446744073709551616", false, false, 0 },
		{ "1234567890123456789012345678901234567890", false, false,
		    0 },
		{ "1.0", false, false, 0 }, { "1e2", false, false, 0 },
		{ "null", false, false, 0 }, { "[1]", false, false, 0 },
		{ "{}", false, false, 0 }, { "true", false, false, 0 },
	};
	static const struct { const char *text; bool ok; int64_t want; } s[] = {
		{ "007", true, 7 }, { "-007", true, -7 },
		{ "00000000000000000000000000001", true, 1 },
		{ "\\u0031\\u0032", true, 12 }, { "", false, 0 },
		{ "-", false, 0 }, { "+1", false, 0 }, { " 1", false, 0 },
		{ "1 ", false, 0 }, { "1-", false, 0 }, { "--1", false, 0 },
		{ "0x1", false, 0 }, { "\xd9\xa1", false, 0 },
	};
	struct buf text = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < NELEM(t) + NELEM(s); i++) {
		bool both = i < NELEM(t);
		const char *as = both ? t[i].text : s[i - NELEM(t)].text;
		bool string = both ? t[i].string : s[i - NELEM(t)].ok;
		int64_t want = both ? t[i].want : s[i - NELEM(t)].want, v = 99;
		struct json_doc d;

		if (both) {
			d = scanned(slice_of(as));
			want_rc(json_i64(&d, 0, true, &v),
			    t[i].number ? RC_OK : RC_INVALID, "%s", as);
			want_i64(v, t[i].number ? want : 99, "%s", as);
			json_doc_free(&d);
		}
		buf_clear(&text);
		buf_printf(&text, "\"%s\"", as);
		d = scanned(buf_as_slice(&text));
		v = 99;
		want_rc(json_i64(&d, 0, true, &v), string ? RC_OK : RC_INVALID,
		    "\"%s\"", as);
		want_i64(v, string ? want : 99, "\"%s\"", as);
		want_rc(json_i64(&d, 0, false, &v), RC_INVALID,
		    "\"%s\" where no string is taken", as);
		json_doc_free(&d);
	}
	buf_free(&text);
}

static void
every_token_has_its_pointer(void **state)
{
	static const char *const want[] = {
		"", "/order", "/order", "/order/legs", "/order/legs",
		"/order/legs/0", "/order/legs/1", "/order/legs/1/0",
		"/order/legs/2", "/order/legs/2/a~1b", "/order/legs/2/a~1b",
		"/order/m~0n", "/order/m~0n", "/", "/", "/~1", "/~1",
		"/~1/~01", "/~1/~01", "/\xc3\xa9", "/\xc3\xa9", "/\xc3\xa9/0",
		"/\xc3\xa9/1", "/\xc3\xa9/2",
	};
	struct json_doc d = scanned(SLICE("{\"order\":{\"legs\":[1,[2],"
	    "{\"a\\/b\":3}],\"m~n\":4},\"\":5,\"\\u002f\":{\"~1\":6},"
	    "\"\\u00e9\":[[],{},\"\"]}"));
	struct buf out = BUF_INIT(256);

	(void)state;
	want_i64(d.n, NELEM(want), "tokens");
	for (uint32_t i = 0; i < d.n; i++) {
		buf_clear(&out);
		json_pointer(&d, i, &out);
		want_str(buf_str(&out), want[i], "pointer of token %u", i);
	}
	json_doc_free(&d);
	buf_free(&out);
}

static void
canonical(const char *text, struct buf *out)
{
	struct json_doc d = scanned(slice_of(text));

	buf_clear(out);
	json_canonical(&d, 0, out);
	json_doc_free(&d);
}

static void
the_canonical_form_is_sorted_and_bare(void **state)
{
	static const struct { const char *text, *want; } t[] = {
		{ " null ", "null" }, { " [ ] ", "[]" }, { " { } ", "{}" },
		{ "[ 1 , [ 2 , { } ] , \"x\" ]", "[1,[2,{}],\"x\"]" },
		{ "[[],[[]],[{}],{\"a\":[]}]", "[[],[[]],[{}],{\"a\":[]}]" },
		{ "{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}" },
		{ "{\"b\":{\"d\":1,\"c\":[{\"z\":0,\"y\":0}]},\"a\":2}",
		    "{\"a\":2,\"b\":{\"c\":[{\"y\":0,\"z\":0}],\"d\":1}}" },
		{ "{\"ab\":1,\"a\":2,\"\":3,\"B\":4}",
		    "{\"\":3,\"B\":4,\"a\":2,\"ab\":1}" },
		/* Eight equal bytes, then the difference. */
		{ "{\"12345678b\":1,\"12345678\":2,\"12345678a\":3}",
		    "{\"12345678\":2,\"12345678a\":3,\"12345678b\":1}" },
		/* By bytes, not by UTF-16 units: U+FF5E before U+1F600. */
		{ "{\"\\ud83d\\ude00\":1,\"\\uff5e\":2,\"z\":3}",
		    "{\"z\":3,\"\xef\xbd\x9e\":2,\"\xf0\x9f\x98\x80\":1}" },
		{ "{\"b\":1,\"\\u0061\":2}", "{\"a\":2,\"b\":1}" },
		{ "{\"\\u0061bcdefghZ\":1,\"abcdefgh\\u0041\":2,"
		    "\"abcdefghM\":3}",
		    "{\"abcdefghA\":2,\"abcdefghM\":3,\"abcdefghZ\":1}" },
		{ "{\"\\u0061bcdefghij\":1,\"abcdefghi\":2}",
		    "{\"abcdefghi\":2,\"abcdefghij\":1}" },
		{ "{\"abcdefghij\":1,\"\\u0061bcdefghi\":2}",
		    "{\"abcdefghi\":2,\"abcdefghij\":1}" },
		{ "\"\\u0041\\/\\u0008\\u0009\\u001F\\u007f\\u00e9\"",
		    "\"A/\\b\\t\\u001f\x7f\xc3\xa9\"" },
		{ "\"\\\"\\\\\\u0022\\u005c\"", "\"\\\"\\\\\\\"\\\\\"" },
		{ "[1.0,1.00,1e2,100,-0,1E+2]", "[1.0,1.00,1e2,100,-0,1E+2]" },
		{ "12345678901234567890.10", "12345678901234567890.10" },
	};
	struct buf out = BUF_INIT(1024);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		canonical(t[i].text, &out);
		want_str(buf_str(&out), t[i].want, "%s", t[i].text);
	}
	buf_free(&out);
}

static void
canonical_forms_are_equal_just_for_equal_content(void **state)
{
	static const struct { const char *a, *b; bool same; } t[] = {
		{ "{\"a\":1,\"b\":[2,3]}", "{ \"b\" : [2, 3], \"a\" : 1 }",
		    true },
		{ "\"\\u00e9\\/\"", "\"\xc3\xa9/\"", true },
		{ "{\"\\u0061\":\"\\n\"}", "{\"a\":\"\\u000a\"}", true },
		{ "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", true },
		{ "[1,2]", "[2,1]", false }, { "1", "1.0", false },
		{ "1", "\"1\"", false }, { "null", "\"null\"", false },
		{ "[]", "{}", false }, { "[[]]", "[]", false },
		{ "[1,[2]]", "[[1],2]", false }, { "[12]", "[1,2]", false },
		{ "{\"a\":\"b\"}", "[\"a\",\"b\"]", false },
		{ "\"a\"", "\"A\"", false }, { "0", "-0", false },
		{ "1e2", "1E2", false }, { "\"\\n\"", "\"n\"", false },
		{ "\"\\\\n\"", "\"\\n\"", false },
		{ "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}", false },
		/* One character and its decomposed form are not the same. */
		{ "\"\xc3\xa9\"", "\"e\xcc\x81\"", false },
	};
	struct buf a = BUF_INIT(256), b = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		canonical(t[i].a, &a);
		canonical(t[i].b, &b);
		want_i64(slice_eq(buf_as_slice(&a), buf_as_slice(&b)),
		    t[i].same, "%s and %s", t[i].a, t[i].b);
	}
	buf_free(&b);
	buf_free(&a);
}

static void
many_members_are_sorted_like_few(void **state)
{
	struct buf text = BUF_INIT(65536), want = BUF_INIT(65536);
	struct buf out = BUF_INIT(65536);

	(void)state;
	for (unsigned n = 1; n < 100; n++) {
		buf_clear(&text);
		buf_clear(&want);
		for (unsigned i = 0; i < n; i++) {
			/* A prime above n: each of 0 to n - 1 comes once. */
			unsigned k = i * 101 % n;
			char c = i == 0 ? '{' : ',';

			buf_printf(&text, "%c \"prefix %03u\": [%u]", c, k, k);
			buf_printf(&want, "%c\"prefix %03u\":[%u]", c, i, i);
		}
		buf_putc(&text, '}');
		buf_putc(&want, '}');
		canonical(buf_str(&text), &out);
		want_str(buf_str(&out), buf_str(&want), "%u members", n);
	}
	buf_free(&out);
	buf_free(&want);
	buf_free(&text);
}

static void
a_part_of_the_document_has_its_canonical_form_too(void **state)
{
	struct json_doc d = scanned(SLICE("[0, {\"b\" : \"\\u0041\", "
	    "\"a\" : [ ] } , 1]"));
	struct buf out = BUF_INIT(64);

	(void)state;
	json_canonical(&d, 2, &out);
	want_str(buf_str(&out), "{\"a\":[],\"b\":\"A\"}", "item 1");
	json_canonical(&d, 4, &out);
	want_str(buf_str(&out), "{\"a\":[],\"b\":\"A\"}\"A\"", "appended");
	json_doc_free(&d);
	buf_free(&out);
}

static void
a_canonical_form_over_the_ceiling_is_left_out_whole(void **state)
{
	/* 26 bytes that take 11 in canonical form. */
	struct json_doc d = scanned(SLICE("{ \"a\" : \"\\u00e9\\u0041\" }"));
	struct buf out = BUF_INIT(0);

	(void)state;
	for (size_t max = 0; max < 40; max++) {
		out.max = max;
		buf_puts(&out, ">");
		json_canonical(&d, 0, &out);
		want_i64(out.over, max < 1 + 11, "over at %zu", max);
		want_str(buf_str(&out), max == 0 ? "" : max < 1 + 11 ? ">" :
		    ">{\"a\":\"\xc3\xa9" "A\"}", "ceiling %zu", max);
		buf_free(&out);
	}
	json_doc_free(&d);
}

static void
strings_are_written_with_the_fewest_escapes(void **state)
{
	static const struct { struct slice s; const char *want; } t[] = {
		{ SLICE(""), "" }, { SLICE("plain"), "plain" },
		{ SLICE("\"\\/"), "\\\"\\\\/" },
		{ SLICE("\b\f\n\r\t"), "\\b\\f\\n\\r\\t" },
		{ SLICE("\0\x01\v\x1f\x20\x7f"),
		    "\\u0000\\u0001\\u000b\\u001f \x7f" },
		{ SLICE("a long run of plain text\nand another one"),
		    "a long run of plain text\\nand another one" },
		{ SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ SLICE("a\xff" "b"), "a\xef\xbf\xbd" "b" },
		{ SLICE("\x80\xc0\xaf"),
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ SLICE("\xed\xa0\x80"),
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ SLICE("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd" },
		{ SLICE("\xe2\x82\""), "\xef\xbf\xbd\xef\xbf\xbd\\\"" },
		{ { NULL, 0 }, "" },
	};
	struct buf out = BUF_INIT(256), want = BUF_INIT(256);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&out);
		json_put_escaped(&out, t[i].s);
		want_str(buf_str(&out), t[i].want, "escaped %zu", i);
		buf_clear(&out);
		json_put_string(&out, t[i].s);
		buf_clear(&want);
		buf_printf(&want, "\"%s\"", t[i].want);
		want_str(buf_str(&out), buf_str(&want), "string %zu", i);
	}
	buf_free(&want);
	buf_free(&out);
}

static void
every_character_survives_writing_and_scanning(void **state)
{
	struct buf s = BUF_INIT(1024), out = BUF_INIT(1024);
	struct json_doc d;

	(void)state;
	for (unsigned c = 1; c < 0x80; c++) {
		for (unsigned n = 0; n < 18; n++) {
			buf_clear(&s);
			repeat(&s, "\xc3\xa9", n % 2);
			repeat(&s, "x", n);
			buf_putc(&s, (char)c);
			repeat(&s, "y", n);
			buf_clear(&out);
			json_put_string(&out, buf_as_slice(&s));
			d = scanned(buf_as_slice(&out));
			want_i64(json_string_is(&d, 0, buf_as_slice(&s)), true,
			    "character 0x%02x after %u", c, n);
			json_doc_free(&d);
		}
	}
	buf_free(&out);
	buf_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings_are_given_raw_quoted_and_unescaped),
	    cmocka_unit_test(other_values_are_given_as_they_stand),
	    cmocka_unit_test(a_string_is_compared_as_it_is_meant),
	    cmocka_unit_test(a_member_is_found_by_its_unescaped_key),
	    cmocka_unit_test(integers_are_read_only_where_they_fit),
	    cmocka_unit_test(every_token_has_its_pointer),
	    cmocka_unit_test(the_canonical_form_is_sorted_and_bare),
	    cmocka_unit_test(canonical_forms_are_equal_just_for_equal_content),
	    cmocka_unit_test(many_members_are_sorted_like_few),
	    cmocka_unit_test(a_part_of_the_document_has_its_canonical_form_too),
	    cmocka_unit_test(
		a_canonical_form_over_the_ceiling_is_left_out_whole),
	    cmocka_unit_test(strings_are_written_with_the_fewest_escapes),
	    cmocka_unit_test(every_character_survives_writing_and_scanning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
