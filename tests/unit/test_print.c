#include <stdio.h>
#include <unistd.h>
#include "cli/print.h"
#include "unit.h"

static void
what_works_a_terminal_is_shown_and_not_done(void **state)
{
	static const struct { const char *s, *want; } t[] = {
		{ "", "" },
		{ "plain L\xc3\xb3pez \xe2\x82\xac \xf0\x9f\x98\x80",
		    "plain L\xc3\xb3pez \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "a\x1b[2Jb\r\n\tc\x7f", "a?[2Jb???c?" },
		{ "a\xc2\x9b" "2Jb\xc2\x80\xc2\xa0", "a?2Jb?\xc2\xa0" },
		{ "a\xffz\xe2\x80", "a?z??" },
		/* turned about */
		{ "a\xe2\x80\xae" "b\xe2\x80\xaa", "a\\u202eb\\u202a" },
		{ "\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c",
		    "\\u2066\\u2069\\u200e\\u200f\\u061c" },
		/* line breaks to some, and what is not seen */
		{ "\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xe2\x80\x8b\xc2\xad",
		    "\\u2028\\u2029\\ufeff\\u200b\\u00ad" },
		{ "\xe2\x81\xa0\xe1\xa0\x8e\xef\xbf\xb9",
		    "\\u2060\\u180e\\ufff9" },
		{ "\xf3\xa0\x80\x81\xf3\xa0\x81\xbf",
		    "\\udb40\\udc01\\udb40\\udc7f" },
		/* their neighbours, and what words are written with */
		{ "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xb0\xd8\x9b",
		    "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xb0\xd8\x9b" },
		{ "\xe2\x80\x8c\xe2\x80\x8d\xf3\xa0\x84\x80",
		    "\xe2\x80\x8c\xe2\x80\x8d\xf3\xa0\x84\x80" },
	};
	struct buf out = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&out);
		print_clean(slice_of(t[i].s), &out);
		want_str(buf_str(&out), t[i].want, "case %zu", i);
	}
	buf_free(&out);
}

static FILE *
divert_stdout(int *was)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	fflush(stdout);
	*was = dup(STDOUT_FILENO);
	assert_int_not_equal(*was, -1);
	assert_int_not_equal(dup2(fileno(f), STDOUT_FILENO), -1);
	return f;
}

/* What has been printed since, in out. */
static void
restore_stdout(FILE *f, int was, struct buf *out)
{
	char text[4096];
	size_t n;

	fflush(stdout);
	assert_int_not_equal(dup2(was, STDOUT_FILENO), -1);
	close(was);
	rewind(f);
	n = fread(text, 1, sizeof text, f);
	buf_put(out, text, n);
	fclose(f);
}

/* An export is printed so, and read again. */
static void
indented_json_stays_the_same_json(void **state)
{
	static const char json[] = "{\"a\xe2\x80\xae\":[\"\xc2\x9b\x7f"
	    "\xef\xbb\xbf\xf3\xa0\x80\x81\\u202e\\n\",1.50,{},[]]}";
	static const char want[] = "{\n  \"a\\u202e\": [\n    \"\\u009b\\u007f"
	    "\\ufeff\\udb40\\udc01\\u202e\\n\",\n    1.50,\n    {},\n"
	    "    []\n  ]\n}\n";
	struct buf out = BUF_INIT(4096);
	FILE *f;
	int was;

	(void)state;
	f = divert_stdout(&was);
	print_pretty(slice_of(json));
	restore_stdout(f, was, &out);
	want_str(buf_str(&out), want, "indented");

	buf_clear(&out);
	f = divert_stdout(&was);
	print_pretty(SLICE("no\tjson\x1b\xe2\x80\xae"));
	restore_stdout(f, was, &out);
	want_str(buf_str(&out), "no json?\\u202e\n", "no json");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_works_a_terminal_is_shown_and_not_done),
	    cmocka_unit_test(indented_json_stays_the_same_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
