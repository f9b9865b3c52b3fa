#include "unit_json.h"
#include "work/batch.h"

static void
an_array_gives_its_items_as_they_stand(void **state)
{
	static const struct {
		const char *body, *items;	/* one a line */
		size_t n;
	} t[] = {
		{ "[]", "", 0 }, { " \r\n[ \t] ", "", 0 },
		{ "[1]", "1\n", 1 }, { "[ 1 , 2 ]", "1\n2\n", 2 },
		{ "[{\"a\":[1,2]},[3],\"x\",null]",
		    "{\"a\":[1,2]}\n[3]\n\"x\"\nnull\n", 4 },
		{ "[\"],[\",\"\\\"]\",{\"}\":\"{\"}]",
		    "\"],[\"\n\"\\\"]\"\n{\"}\":\"{\"}\n", 3 },
		{ "[[[]],[[1]]]", "[[]]\n[[1]]\n", 2 },
		{ "[\"\\\\\",\"\\\\\\\"\"]", "\"\\\\\"\n\"\\\\\\\"\"\n", 2 },
		{ "[-1.5e3,true,false]", "-1.5e3\ntrue\nfalse\n", 3 },
	};
	struct buf got = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct slice rest = slice_of(t[i].body), item;
		struct json_error err;
		size_t n = 99;

		buf_clear(&got);
		assert_true(batch_is_array(rest));
		want_rc(batch_check(rest, 10, &n, &err), RC_OK, "%s: %s",
		    t[i].body, err.detail);
		want_i64((int64_t)n, (int64_t)t[i].n, "%s", t[i].body);
		while (batch_next_item(&rest, &item)) {
			buf_slice(&got, item);
			buf_putc(&got, '\n');
		}
		want_str(buf_str(&got), t[i].items, "%s", t[i].body);
	}
	buf_free(&got);
}

/* The scanner, over the whole text, is the judge of every one. */
static void
what_is_no_array_is_refused_as_the_scanner_does(void **state)
{
	static const char *const t[] = { "[", "]", "[1", "[1,", "[1,]", "[,1]",
	    "[1 2]", "[1}", "[{]", "[{\"a\":1]", "[\"a]", "[\"a\\\"]", "[tru]",
	    "[01]", "[1]]", "[1]x", "[1],", "[{\"a\":1}}]", "[\"\\u0000\"]",
	    "[{\"a\":1,\"a\":2}]", "[NaN]", "['a']", "[[1]", "[1,,2]",
	    "[\"\xff\"]", "[\"\\ud800\"]", "[{\"a\":1}{\"b\":2}]",
	    "[\"a\"\"b\"]",
	    "[}", "[\"\\", "[\\]", "[:]" };

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct json_error err, other;
		size_t n;

		want_rc(verdict(slice_of(t[i]), &unit_no_limits, &other),
		    RC_INVALID, "the scanner on %s", t[i]);
		memset(&err, 0, sizeof err);
		want_rc(batch_check(slice_of(t[i]), 10, &n, &err), RC_INVALID,
		    "%s", t[i]);
		assert_true(err.detail[0] != '\0' && err.line > 0);
	}
}

/* Every text of a few characters that matter, against the scanner. */
static void
all_short_texts_are_judged_as_the_scanner_does(void **state)
{
	static const char alphabet[] = "[]{}\",:1\\ a";
	const size_t k = sizeof alphabet - 1;
	char text[8];

	(void)state;
	for (size_t len = 1; len <= 5; len++) {
		size_t all = 1;

		for (size_t i = 0; i < len; i++)
			all *= k;
		for (size_t x = 0; x < all; x++) {
			struct json_error err;
			enum rc want, got;
			size_t n = 0, y = x;

			for (size_t i = 0; i < len; i++, y /= k)
				text[i] = alphabet[y % k];
			text[len] = '\0';
			if (!batch_is_array(slice_of(text)))
				continue;
			want = verdict(slice_of(text), &unit_no_limits, &err);
			got = batch_check(slice_of(text), 10, &n, &err);
			want_rc(got, want, "%s", text);
		}
	}
}

static void
a_fault_is_told_with_its_place_in_the_body(void **state)
{
	static const struct {
		const char *body, *pointer;
		uint32_t line, col;
	} t[] = {
		{ "[1,\n {\"a\":\n  nope}]", "/1/a", 3, 3 },
		{ "[1,\n 2 3]", "", 2, 4 },
		{ "[1] x", "", 1, 5 },
		{ "[1,]", "", 1, 4 },
		{ "[{\"a\":1,\"a\":2}]", "/0/a", 1, 9 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct json_error err;
		size_t n;

		want_rc(batch_check(slice_of(t[i].body), 10, &n, &err),
		    RC_INVALID, "%s", t[i].body);
		want_str(err.pointer, t[i].pointer, "%s", t[i].body);
		want_i64(err.line, t[i].line, "line of %s", t[i].body);
		want_i64(err.col, t[i].col, "column of %s", t[i].body);
	}
}

static void
there_may_be_so_many_items_and_no_more(void **state)
{
	struct buf b = BUF_INIT(65536);
	struct json_error err;
	size_t n = 0;

	(void)state;
	buf_putc(&b, '[');
	repeat(&b, "{},", 9);
	buf_puts(&b, "{}]");
	want_rc(batch_check(buf_as_slice(&b), 10, &n, &err), RC_OK, "10");
	want_i64((int64_t)n, 10, "items");
	want_rc(batch_check(buf_as_slice(&b), 9, &n, &err), RC_TOOBIG, "9");
	buf_free(&b);
}

static void
a_deep_or_long_item_is_its_own_affair(void **state)
{
	struct buf b = BUF_INIT(4 << 20);
	struct json_error err;
	size_t n = 0;

	(void)state;
	buf_puts(&b, "[1,");
	repeat(&b, "[", 100);
	repeat(&b, "]", 100);
	buf_puts(&b, ",\"");
	repeat(&b, "x", 300 * 1024);
	buf_puts(&b, "\"]");
	want_rc(batch_check(buf_as_slice(&b), 10, &n, &err), RC_OK, "%s",
	    err.detail);
	want_i64((int64_t)n, 3, "items");
	buf_free(&b);
}

static void
lines_are_those_that_are_not_blank(void **state)
{
	static const struct { const char *text, *lines; } t[] = {
		{ "", "" }, { "\n\n", "" }, { " \t\r\n", "" },
		{ "a", "a|" }, { "a\n", "a|" }, { "a\nb", "a|b|" },
		{ "\n a \r\n\n\tb\n \n", " a \r|\tb|" },
	};
	struct buf got = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct slice rest = slice_of(t[i].text), line;

		buf_clear(&got);
		while (batch_next_line(&rest, &line)) {
			buf_slice(&got, line);
			buf_putc(&got, '|');
		}
		want_str(buf_str(&got), t[i].lines, "lines %zu", i);
	}
	buf_free(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_array_gives_its_items_as_they_stand),
	    cmocka_unit_test(what_is_no_array_is_refused_as_the_scanner_does),
	    cmocka_unit_test(all_short_texts_are_judged_as_the_scanner_does),
	    cmocka_unit_test(a_fault_is_told_with_its_place_in_the_body),
	    cmocka_unit_test(there_may_be_so_many_items_and_no_more),
	    cmocka_unit_test(a_deep_or_long_item_is_its_own_affair),
	    cmocka_unit_test(lines_are_those_that_are_not_blank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
