/*
 * The scanner: what it takes, what it refuses and how it says so, the index it
 * makes.  Reading that index is test_json_read's.
 */
#include "unit.h"
#include "unit_json.h"

static void
want_fault(struct slice text, const struct json_limits *lim,
    enum json_fault fault, size_t off, const char *pointer)
{
	struct json_error err;
	int len = text.len < 60 ? (int)text.len : 60;

	want_rc(verdict(text, lim, &err),
	    fault <= JSON_DEPTH ? RC_INVALID : RC_TOOBIG, "%.*s", len, text.s);
	want_i64(err.fault, fault, "fault of %.*s", len, text.s);
	want_i64((int64_t)err.off, (int64_t)off, "offset in %.*s", len,
	    text.s);
	want_str(err.pointer, pointer, "pointer in %.*s", len, text.s);
}

static void
what_rfc_8259_allows_is_taken(void **state)
{
	static const struct slice t[] = {
		SLICE("null"), SLICE("true"), SLICE("false"), SLICE("0"),
		SLICE("-0"), SLICE("\"\""), SLICE("[]"), SLICE("{}"),
		SLICE(" \t\r\n[ \t\r\n] \t\r\n"), SLICE(" { } "),
		SLICE("{ \"a\" : 1 , \"b\" : [ 2 , { } ] }"),
		SLICE("10"), SLICE("-1"), SLICE("1.0"), SLICE("0.10"),
		SLICE("1e5"), SLICE("1E5"), SLICE("1e+5"), SLICE("1e-05"),
		SLICE("-0.0e0"), SLICE("1e999999"),
		SLICE("1234567890123456789012345678901234567890"),
		SLICE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uABCD\\uabcd\""),
		SLICE("\"\\ud800\\udc00\\udbff\\udfff\""),
		SLICE("\"\\ud7ff\\ue000\\uffff\""),
		SLICE("\"\x7f\""), SLICE("\"\xc2\x80\xdf\xbf\""),
		SLICE("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
		SLICE("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
		SLICE("{\"\":0}"), SLICE("{\"a\":{\"a\":{\"a\":0}}}"),
		SLICE("[{\"a\":0},{\"a\":0}]"), SLICE("{\"a\":0,\"A\":0}"),
		SLICE("{\"\xc3\xa9\":0,\"e\xcc\x81\":0}"),
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_taken(t[i], &json_limits_default);
}

static void
every_fault_is_told_with_its_place(void **state)
{
	static const struct {
		struct slice text;
		enum json_fault fault;
		size_t off;
		const char *pointer;
	} t[] = {
		{ SLICE(""), JSON_GRAMMAR, 0, "" },
		{ SLICE(" \n"), JSON_GRAMMAR, 2, "" },
		{ SLICE("\xef\xbb\xbf{}"), JSON_GRAMMAR, 0, "" },
		{ SLICE("\0"), JSON_GRAMMAR, 0, "" },
		{ SLICE("\xff"), JSON_GRAMMAR, 0, "" },
		{ SLICE("{}x"), JSON_GRAMMAR, 2, "" },
		{ SLICE("1 2"), JSON_GRAMMAR, 2, "" },
		{ SLICE("{}\0"), JSON_GRAMMAR, 2, "" },
		{ SLICE("[]]"), JSON_GRAMMAR, 2, "" },
		{ SLICE("nul"), JSON_GRAMMAR, 0, "" },
		{ SLICE("nulL"), JSON_GRAMMAR, 0, "" },
		{ SLICE("nulll"), JSON_GRAMMAR, 4, "" },
		{ SLICE("[True]"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("[NaN]"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("[Infinity]"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("[-Infinity]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[-]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("-"), JSON_GRAMMAR, 1, "" },
		{ SLICE("[1,+1]"), JSON_GRAMMAR, 3, "/1" },
		{ SLICE("[01]"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("[-00]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[1.]"), JSON_GRAMMAR, 3, "/0" },
		{ SLICE("[.5]"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("[1.e5]"), JSON_GRAMMAR, 3, "/0" },
		{ SLICE("1e"), JSON_GRAMMAR, 2, "" },
		{ SLICE("1e+"), JSON_GRAMMAR, 3, "" },
		{ SLICE("1.5.5"), JSON_GRAMMAR, 3, "" },
		{ SLICE("0x10"), JSON_GRAMMAR, 1, "" },
		{ SLICE("1_000"), JSON_GRAMMAR, 1, "" },
		{ SLICE("['a']"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("{'a':1}"), JSON_GRAMMAR, 1, "" },
		{ SLICE("{a:1}"), JSON_GRAMMAR, 1, "" },
		{ SLICE("{1:1}"), JSON_GRAMMAR, 1, "" },
		{ SLICE("{null:1}"), JSON_GRAMMAR, 1, "" },
		{ SLICE("{,}"), JSON_GRAMMAR, 1, "" },
		{ SLICE("{\"a\"}"), JSON_GRAMMAR, 4, "/a" },
		{ SLICE("{\"a\" 1}"), JSON_GRAMMAR, 5, "/a" },
		{ SLICE("{\"a\":}"), JSON_GRAMMAR, 5, "/a" },
		{ SLICE("{\"a\"::1}"), JSON_GRAMMAR, 5, "/a" },
		{ SLICE("{\"a\":1,}"), JSON_GRAMMAR, 7, "" },
		{ SLICE("{\"a\":1 \"b\":2}"), JSON_GRAMMAR, 7, "" },
		{ SLICE("{\"a\":1]"), JSON_GRAMMAR, 6, "" },
		{ SLICE("[1,]"), JSON_GRAMMAR, 3, "/1" },
		{ SLICE("[,1]"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("[1,,2]"), JSON_GRAMMAR, 3, "/1" },
		{ SLICE("[1}"), JSON_GRAMMAR, 2, "" },
		{ SLICE("]"), JSON_GRAMMAR, 0, "" },
		{ SLICE("[1 /* one */]"), JSON_GRAMMAR, 3, "" },
		{ SLICE("[\v1]"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("[\xc2\xa0" "1]"), JSON_GRAMMAR, 1, "/0" },
		{ SLICE("\"a"), JSON_GRAMMAR, 2, "" },
		{ SLICE("\"a\\"), JSON_GRAMMAR, 3, "" },
		{ SLICE("\"a\\\""), JSON_GRAMMAR, 4, "" },
		{ SLICE("[\"\n\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[\"\0\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[\"\x1f\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("{\"a\t\":0}"), JSON_GRAMMAR, 3, "" },
		{ SLICE("[\"\\x41\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[\"\\'\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[\"\\\0\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[\"\\U0041\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[\"\\u004\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[\"\\u004g\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("[\"\\u+041\"]"), JSON_GRAMMAR, 2, "/0" },
		{ SLICE("\"\\u004"), JSON_GRAMMAR, 1, "" },
		{ SLICE("[\"\x80\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"\xc0\x80\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"\xc1\xbf\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"\xe0\x9f\xbf\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"\xed\xa0\x80\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"\xed\xbf\xbf\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"\xf0\x8f\xbf\xbf\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"\xf4\x90\x80\x80\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"\xf5\x80\x80\x80\"]"), JSON_UTF8, 2, "/0" },
		{ SLICE("[\"abc\xe2\x82\"]"), JSON_UTF8, 5, "/0" },
		{ SLICE("\"\xe2\x82"), JSON_UTF8, 1, "" },
		{ SLICE("{\"\xff\":0}"), JSON_UTF8, 2, "" },
		{ SLICE("[\"\\u0000\"]"), JSON_NUL_CHARACTER, 2, "/0" },
		{ SLICE("{\"a\\u0000\":0}"), JSON_NUL_CHARACTER, 3, "" },
		{ SLICE("[\"\\ud800\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\udc00\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\udfff\\udbff\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\ud800\\ud800\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\udc00\\udc00\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\ud800\\udbff\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\ud800\\ue000\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\ud800\\u0041\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\ud800\\n\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("[\"\\ud800udc00\"]"), JSON_SURROGATE, 2, "/0" },
		{ SLICE("\"\\ud800\\udc0"), JSON_SURROGATE, 1, "" },
		{ SLICE("{\"a\":1,\"a\":1}"), JSON_DUPLICATE_KEY, 7, "/a" },
		{ SLICE("{\"\":1,\"\":1}"), JSON_DUPLICATE_KEY, 6, "/" },
		{ SLICE("{\"a\":1,\"\\u0061\":1}"), JSON_DUPLICATE_KEY, 7,
		    "/a" },
		{ SLICE("{\"\\/\":1,\"\\u002f\":1}"), JSON_DUPLICATE_KEY, 8,
		    "/~1" },
		{ SLICE("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}"),
		    JSON_DUPLICATE_KEY, 18, "/\xf0\x9f\x98\x80" },
		{ SLICE("[0,{\"x\":{\"b\":[],\"c\":{\"b\":0},\"b\":1}}]"),
		    JSON_DUPLICATE_KEY, 28, "/1/x/b" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_fault(t[i].text, &json_limits_default, t[i].fault,
		    t[i].off, t[i].pointer);
}

static void
the_detail_is_a_sentence_about_what_was_found(void **state)
{
	static const struct { struct slice text; const char *want; } t[] = {
		{ SLICE("[1 2]"), "a comma or ] was expected, not '2'" },
		{ SLICE("{\"a\":1"),
		    "a comma or } was expected, not the end of the text" },
		{ SLICE("{} \x80"),
		    "the end of the text was expected, not byte 0x80" },
		{ SLICE("{'"),
		    "a key in double quotes was expected, not a single "
		    "quote" },
		{ SLICE("[NaN]"), "a value was expected: JSON has no NaN; "
		    "null is in lower case" },
		{ SLICE("[01]"),
		    "a number must not begin with a needless 0" },
		{ SLICE("\"\\udead\""), "\\udead is half of a surrogate pair "
		    "without the other" },
		{ SLICE("\"\xff\""),
		    "byte 0xff does not begin a UTF-8 character" },
		{ SLICE("{\"a\":1,\"a\":2}"),
		    "the object has this key twice" },
	};
	struct json_error err;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(verdict(t[i].text, &json_limits_default, &err),
		    RC_INVALID, "%s", t[i].text.s);
		want_str(err.detail, t[i].want, "%s", t[i].text.s);
	}
}

static void
lines_and_columns_are_counted_from_one(void **state)
{
	static const struct { const char *text; uint32_t line, col; } t[] = {
		{ "x", 1, 1 }, { " x", 1, 2 }, { "\nx", 2, 1 },
		{ "\n\n  x", 3, 3 }, { "[\r\n1,\r\nx]", 3, 1 },
		{ "{\n\t\"\xc3\xa9\": 1,\n\t\"\xc3\xa9\": 2\n}", 3, 2 },
		{ "[1\n", 2, 1 },
	};
	struct json_error err;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(verdict(slice_of(t[i].text), &json_limits_default,
		    &err), RC_INVALID, "%s", t[i].text);
		want_i64(err.line, t[i].line, "line in %s", t[i].text);
		want_i64(err.col, t[i].col, "column in %s", t[i].text);
	}
}

static void
each_limit_holds_to_the_unit(void **state)
{
	static const struct json_limits lim = {
		.depth = 2, .string = 4, .tokens = 5, .number = 3,
	};
	static const struct slice taken[] = {
		SLICE("\"abcd\""), SLICE("\"a\\nb\""), SLICE("{\"abcd\":0}"),
		SLICE("123"), SLICE("-12"), SLICE("1e5"), SLICE("[[]]"),
		SLICE("[[],{}]"), SLICE("[1,2,3,4]"),
		SLICE("{\"a\":1,\"b\":2}"),
	};
	static const struct {
		struct slice text;
		enum json_fault fault;
		size_t off;
		const char *pointer;
	} t[] = {
		{ SLICE("[\"abcde\"]"), JSON_STRING_LENGTH, 1, "/0" },
		{ SLICE("\"\\u0041\""), JSON_STRING_LENGTH, 0, "" },
		{ SLICE("{\"abcde\":0}"), JSON_STRING_LENGTH, 1, "" },
		{ SLICE("{\"a\":1234}"), JSON_NUMBER_LENGTH, 5, "/a" },
		{ SLICE("-1.5"), JSON_NUMBER_LENGTH, 0, "" },
		{ SLICE("[[[]]]"), JSON_DEPTH, 2, "/0/0" },
		{ SLICE("[1,{\"a\":{}}]"), JSON_DEPTH, 8, "/1/a" },
		{ SLICE("[1,2,3,4,5]"), JSON_TOKENS, 9, "/4" },
		{ SLICE("{\"a\":1,\"b\":2,\"c\":3}"), JSON_TOKENS, 13, "" },
		{ SLICE("[1,{\"a\":\"b\",\"c\":3}]"), JSON_TOKENS, 12, "/1" },
		{ SLICE("[1,2,{\"a\":7}]"), JSON_TOKENS, 10, "/2/a" },
		{ SLICE("[1,2,3,4,null]"), JSON_TOKENS, 9, "/4" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(taken); i++)
		want_taken(taken[i], &lim);
	for (size_t i = 0; i < NELEM(t); i++)
		want_fault(t[i].text, &lim, t[i].fault, t[i].off,
		    t[i].pointer);
}

static void
limits_of_nothing_leave_nothing_but_scalars_out(void **state)
{
	static const struct json_limits none = { 0 }, one = { .tokens = 1 };

	(void)state;
	want_fault(SLICE("null"), &none, JSON_TOKENS, 0, "");
	want_fault(SLICE("[]"), &one, JSON_DEPTH, 0, "");
	want_fault(SLICE("1"), &one, JSON_NUMBER_LENGTH, 0, "");
	want_fault(SLICE("\"a\""), &one, JSON_STRING_LENGTH, 0, "");
	want_taken(SLICE("\"\""), &one);
	want_taken(SLICE("null"), &one);
}

static void
intake_takes_what_its_limits_say_and_no_more(void **state)
{
	struct buf b = BUF_INIT(8 * 1024 * 1024);

	(void)state;
	repeat(&b, "[", 32);
	repeat(&b, "]", 32);
	want_taken(buf_as_slice(&b), &json_limits_default);
	buf_clear(&b);
	repeat(&b, "{\"a\":", 33);
	want_fault(buf_as_slice(&b), &json_limits_default, JSON_DEPTH,
	    32 * 5, "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"
	    "/a/a/a/a");
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&b);
		buf_puts(&b, "\"");
		repeat(&b, "a", 256 * 1024 + i);
		buf_puts(&b, "\"");
		if (i == 0)
			want_taken(buf_as_slice(&b), &json_limits_default);
		else
			want_fault(buf_as_slice(&b), &json_limits_default,
			    JSON_STRING_LENGTH, 0, "");
		buf_clear(&b);
		repeat(&b, "1", 4096 + i);
		if (i == 0)
			want_taken(buf_as_slice(&b), &json_limits_default);
		else
			want_fault(buf_as_slice(&b), &json_limits_default,
			    JSON_NUMBER_LENGTH, 0, "");
		buf_clear(&b);
		buf_puts(&b, "[0");
		repeat(&b, ",0", 1024 * 1024 - 2 + i);
		buf_puts(&b, "]");
		if (i == 0)
			want_taken(buf_as_slice(&b), &json_limits_default);
		else
			want_fault(buf_as_slice(&b), &json_limits_default,
			    JSON_TOKENS, 1 + 2 * (1024 * 1024 - 1),
			    "/1048575");
	}
	buf_free(&b);
}

static void
a_length_is_told_only_if_nothing_else_is_wrong(void **state)
{
	static const struct json_limits lim = {
		.depth = 9, .string = 3, .tokens = 99, .number = 3,
	};

	(void)state;
	want_fault(SLICE("[\"abcd\",x]"), &lim, JSON_GRAMMAR, 8, "/1");
	want_fault(SLICE("{\"abcd\":1,\"abcd\":2}"), &lim,
	    JSON_DUPLICATE_KEY, 10, "/abcd");
	want_fault(SLICE("[1,[{\"k\":\"abcd\"}],12345,\"abcde\"]"), &lim,
	    JSON_STRING_LENGTH, 9, "/1/0/k");
	want_fault(SLICE("[12345,\"abcde\"]"), &lim, JSON_NUMBER_LENGTH, 1,
	    "/0");
}

static void
a_text_past_what_offsets_hold_is_refused_unread(void **state)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct slice s = { "", (size_t)UINT32_MAX + 1 };

	(void)state;
	want_rc(json_scan(&d, s, &unit_no_limits, &err), RC_TOOBIG, "4 GiB");
	want_i64(err.fault, JSON_TOKENS, "fault of 4 GiB");
	json_doc_free(&d);
}

static void
an_absent_text_is_an_empty_one(void **state)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	(void)state;
	want_rc(json_scan(&d, (struct slice){ NULL, 0 }, &json_limits_default,
	    &err), RC_INVALID, "no text");
	want_i64(d.n, 0, "tokens of no text");
	json_doc_free(&d);
}

static const char sample[] =
    "{ \"event\" : \"Order\\u0054icketed\" , \"n\":[1,-2.50e+3,[],{},[[0]]],"
    "\"\\ud83d\\ude00\":{\"a\":null,\"b\":true,\"c\":false},\"z\":\"\xe2\x82"
    "\xac\" }";

static void
no_beginning_of_a_document_is_a_document(void **state)
{
	struct json_error err;

	(void)state;
	for (size_t len = 0; len < sizeof sample - 1; len++) {
		want_rc(verdict((struct slice){ sample, len },
		    &json_limits_default, &err), RC_INVALID, "%.*s", (int)len,
		    sample);
		assert_true(err.off <= len);
	}
	want_taken(SLICE(sample), &json_limits_default);
}

static void
the_index_lists_values_and_keys_in_their_order(void **state)
{
	static const char text[] =
	    "{\"a\":[1,\"x\\ny\",{}],\"b\":{\"c\":true,\"d\":[[null]]},"
	    "\"e\":false}";
	static const struct {
		enum json_type type;
		const char *raw;
		uint32_t next, n;
		bool escaped;
	} t[] = {
		{ JSON_OBJECT, text, 16, 3, false },
		{ JSON_STRING, "a", 2, 0, false },
		{ JSON_ARRAY, "[1,\"x\\ny\",{}]", 6, 3, false },
		{ JSON_NUMBER, "1", 4, 0, false },
		{ JSON_STRING, "x\\ny", 5, 0, true },
		{ JSON_OBJECT, "{}", 6, 0, false },
		{ JSON_STRING, "b", 7, 0, false },
		{ JSON_OBJECT, "{\"c\":true,\"d\":[[null]]}", 14, 2, false },
		{ JSON_STRING, "c", 9, 0, false },
		{ JSON_TRUE, "true", 10, 0, false },
		{ JSON_STRING, "d", 11, 0, false },
		{ JSON_ARRAY, "[[null]]", 14, 1, false },
		{ JSON_ARRAY, "[null]", 14, 1, false },
		{ JSON_NULL, "null", 14, 0, false },
		{ JSON_STRING, "e", 15, 0, false },
		{ JSON_FALSE, "false", 16, 0, false },
	};
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	(void)state;
	want_rc(json_scan(&d, SLICE(text), &json_limits_default, &err), RC_OK,
	    "%s", text);
	want_i64(d.n, NELEM(t), "tokens");
	for (uint32_t i = 0; i < NELEM(t); i++) {
		want_i64(d.tok[i].type, t[i].type, "type of %u", i);
		want_slice(json_raw(&d, i), slice_of(t[i].raw), "text of %u",
		    i);
		want_i64(d.tok[i].next, t[i].next, "next of %u", i);
		want_i64(d.tok[i].n, t[i].n, "items of %u", i);
		want_i64(d.tok[i].escaped, t[i].escaped, "escapes of %u", i);
	}
	json_doc_free(&d);
}

static void
an_index_is_used_again_and_empty_after_a_fault(void **state)
{
	struct json_doc d = JSON_DOC_INIT;
	struct buf big = BUF_INIT(1024 * 1024);
	struct json_error err;
	struct json_tok *kept;

	(void)state;
	buf_puts(&big, "[0");
	repeat(&big, ",{\"k\":[]}", 1000);
	buf_puts(&big, "]");
	want_rc(json_scan(&d, buf_as_slice(&big), &json_limits_default, &err),
	    RC_OK, "many");
	want_i64(d.n, 3002, "tokens of many");
	kept = d.tok;
	want_rc(json_scan(&d, SLICE("[1,2"), &json_limits_default, &err),
	    RC_INVALID, "a fault");
	want_i64(d.n, 0, "tokens after a fault");
	want_rc(json_scan(&d, SLICE("[1,2]"), &json_limits_default, &err),
	    RC_OK, "few");
	want_i64(d.n, 3, "tokens of few");
	assert_ptr_equal(d.tok, kept);
	json_doc_free(&d);
	want_rc(json_scan(&d, SLICE("7"), &json_limits_default, &err), RC_OK,
	    "after free");
	json_doc_free(&d);
	buf_free(&big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_rfc_8259_allows_is_taken),
	    cmocka_unit_test(every_fault_is_told_with_its_place),
	    cmocka_unit_test(the_detail_is_a_sentence_about_what_was_found),
	    cmocka_unit_test(lines_and_columns_are_counted_from_one),
	    cmocka_unit_test(each_limit_holds_to_the_unit),
	    cmocka_unit_test(limits_of_nothing_leave_nothing_but_scalars_out),
	    cmocka_unit_test(intake_takes_what_its_limits_say_and_no_more),
	    cmocka_unit_test(a_length_is_told_only_if_nothing_else_is_wrong),
	    cmocka_unit_test(a_text_past_what_offsets_hold_is_refused_unread),
	    cmocka_unit_test(an_absent_text_is_an_empty_one),
	    cmocka_unit_test(no_beginning_of_a_document_is_a_document),
	    cmocka_unit_test(the_index_lists_values_and_keys_in_their_order),
	    cmocka_unit_test(an_index_is_used_again_and_empty_after_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
