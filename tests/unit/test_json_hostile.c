/*
 * The scanner against texts made to hurt it: every byte in every place, keys
 * that repeat or all but repeat, nesting and names without measure.
 */
#include "base/json_bytes.h"
#include "unit.h"
#include "unit_json.h"

/* A byte of interest at each place of strings of every length near 8 and 16. */
static void
each_byte_counts_wherever_it_stands_in_a_string(void **state)
{
	struct buf b = BUF_INIT(256);
	struct json_error err;

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool taken = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

		for (size_t i = 0; i < 19 * 7; i++) {
			size_t before = i % 19, after = i / 19 * 3;

			buf_clear(&b);
			buf_puts(&b, "[\"");
			repeat(&b, "x", before);
			buf_putc(&b, (char)c);
			repeat(&b, "x", after);
			buf_puts(&b, "\"]");
			want_rc(verdict(buf_as_slice(&b),
			    &json_limits_default, &err),
			    taken ? RC_OK : RC_INVALID,
			    "byte 0x%02x after %zu, before %zu", c, before,
			    after);
			if (!taken && c != '"' && c != '\\')
				want_i64((int64_t)err.off,
				    (int64_t)before + 2,
				    "offset of byte 0x%02x", c);
		}
	}
	buf_free(&b);
}

static void
just_the_well_formed_utf_8_sequences_are_taken(void **state)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	char s[] = "\"????\"";
	int64_t two = 0, three = 0, four = 0;

	(void)state;
	for (unsigned v = 0; v < 0x8000; v++) {
		memcpy(s, "\"..\"", 5);
		s[1] = (char)(0x80 | v >> 8);
		s[2] = (char)v;
		two += json_scan(&d, (struct slice){ s, 4 }, &unit_no_limits,
		    &err) == RC_OK;
	}
	want_i64(two, 0x800 - 0x80, "U+0080..07FF");
	for (unsigned v = 0; v < 0x100000; v++) {
		memcpy(s, "\"...\"", 6);
		s[1] = (char)(0xe0 | v >> 16);
		s[2] = (char)(v >> 8);
		s[3] = (char)v;
		three += json_scan(&d, (struct slice){ s, 5 }, &unit_no_limits,
		    &err) == RC_OK;
	}
	want_i64(three, 0x10000 - 0x800 - 0x800, "U+0800..FFFF");
	/* The last two bytes: only on the borders of what a tail may be. */
	for (unsigned v = 0; v < 0x10000; v++) {
		static const char tail[] = { 0x7f, (char)0x80, (char)0xbf,
		    (char)0xc0 };

		memcpy(s, "\"....\"", 7);
		s[1] = (char)(0xf0 | v >> 12);
		s[2] = (char)(v >> 4);
		s[3] = tail[v >> 2 & 3];
		s[4] = tail[v & 3];
		four += json_scan(&d, (struct slice){ s, 6 }, &unit_no_limits,
		    &err) == RC_OK;
	}
	want_i64(four, 0x100 * 2 * 2, "U+10000..10FFFF in steps");
	json_doc_free(&d);
}

static void
all_u_escapes_but_nul_and_halves_of_pairs_are_taken(void **state)
{
	struct json_error err;
	int64_t n[JSON_NUMBER_LENGTH + 1] = { 0 };
	char s[16];

	(void)state;
	for (unsigned c = 0; c < 0x10000; c++) {
		snprintf(s, sizeof s, "\"\\u%04X\"", c);
		n[verdict(slice_of(s), &unit_no_limits, &err) == RC_OK ? 0 :
		    err.fault]++;
	}
	want_i64(n[JSON_NUL_CHARACTER], 1, "U+0000");
	want_i64(n[JSON_SURROGATE], 0x800, "surrogates");
	want_i64(n[0], 0x10000 - 0x800 - 1, "characters");
}

/* An object of n members with the keys that fmt makes of 0, 1, ... */
static void
object(struct buf *b, size_t n, const char *fmt, size_t from, size_t as)
{
	char key[64];

	buf_clear(b);
	buf_putc(b, '{');
	for (size_t i = 0; i < n; i++) {
		snprintf(key, sizeof key, "%06zu", i == from ? as : i);
		if (i > 0)
			buf_putc(b, ',');
		buf_putc(b, '"');
		for (const char *f = fmt; *f != '\0'; f++) {
			if (*f == '#')
				buf_puts(b, key);
			else
				buf_putc(b, *f);
		}
		buf_puts(b, "\":0");
	}
	buf_putc(b, '}');
}

static void
a_key_repeated_anywhere_in_an_object_is_found(void **state)
{
	static const char *const shape[] = {
		"#", "k#", "prefix longer than a word #", "# and a suffix",
		"long enough on the left # and on the right", "\\u0061#",
		"#\\n",
	};
	static const size_t size[] = { 2, 3, 8, 31, 32, 33, 40, 65 };
	struct buf b = BUF_INIT(64 * 1024);
	struct json_error err;

	(void)state;
	for (size_t f = 0; f < NELEM(shape); f++) {
		for (size_t k = 0; k < NELEM(size); k++) {
			size_t n = size[k];

			object(&b, n, shape[f], n, n);
			want_taken(buf_as_slice(&b), &json_limits_default);
			for (size_t j = 1; j < n; j++) {
				for (size_t i = 0; i < j; i += 1 + n / 20) {
					object(&b, n, shape[f], j, i);
					want_rc(verdict(buf_as_slice(&b),
					    &json_limits_default, &err),
					    RC_INVALID, "%s: %zu as %zu of %zu",
					    shape[f], j, i, n);
					want_i64(err.fault,
					    JSON_DUPLICATE_KEY, "fault");
				}
			}
		}
	}
	buf_free(&b);
}

static void
keys_that_differ_in_one_place_only_are_different(void **state)
{
	struct buf b = BUF_INIT(64 * 1024);

	(void)state;
	for (size_t n = 30; n <= 34; n++) {
		buf_clear(&b);
		buf_puts(&b, "{\"\":0");
		for (size_t i = 1; i < n; i++) {
			/* aaaa, aaab, ...; and each a different length too */
			buf_puts(&b, ",\"");
			repeat(&b, "a", i);
			buf_puts(&b, "\":0,\"");
			repeat(&b, "a", n + 1 - i);
			buf_puts(&b, "b");
			repeat(&b, "a", i);
			buf_puts(&b, "\":0");
		}
		buf_puts(&b, "}");
		want_taken(buf_as_slice(&b), &json_limits_default);
	}
	buf_free(&b);
}

static void
looks_at_keys_grow_with_their_number_alone(void **state)
{
	static const struct { const char *shape; size_t n; } t[] = {
		{ "#", 32 }, { "#", 33 }, { "#", 1000 },
		{ "the same sixteen bytes#and the same", 100000 },
		{ "\\u0061#", 100000 }, { "#", 1000000 },
	};
	struct json_doc d = JSON_DOC_INIT;
	struct buf b = BUF_INIT(64 * 1024 * 1024);
	struct json_error err;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		uint64_t steps = 0;

		object(&b, t[i].n, t[i].shape, t[i].n, 0);
		want_rc(json_scan(&d, buf_as_slice(&b), &unit_no_limits, &err),
		    RC_OK, "%zu keys", t[i].n);
		want_i64(d.n, 2 * (int64_t)t[i].n + 1, "tokens");
		want_i64(json_repeated_key(&d, 0, &steps), 0, "repeated");
		if (t[i].n <= 32)
			assert_in_range(steps, t[i].n, 32 + 32 * 31 / 2);
		else
			assert_in_range(steps, t[i].n, 3 * t[i].n);
		object(&b, t[i].n, t[i].shape, t[i].n - 1, 0);
		want_rc(json_scan(&d, buf_as_slice(&b), &unit_no_limits, &err),
		    RC_INVALID, "the last of %zu keys is the first", t[i].n);
		want_i64(err.fault, JSON_DUPLICATE_KEY, "fault");
	}
	json_doc_free(&d);
	buf_free(&b);
}

static void
each_index_hashes_keys_under_a_seed_of_its_own(void **state)
{
	struct json_doc a = JSON_DOC_INIT, b = JSON_DOC_INIT;
	struct buf text = BUF_INIT(64 * 1024);
	struct json_error err;
	uint64_t seed;

	(void)state;
	object(&text, 100, "#", 100, 0);
	want_rc(json_scan(&a, buf_as_slice(&text), &json_limits_default, &err),
	    RC_OK, "one index");
	want_rc(json_scan(&b, buf_as_slice(&text), &json_limits_default, &err),
	    RC_OK, "another");
	assert_true(a.seed[0] != b.seed[0] && a.seed[1] != b.seed[1]);
	seed = a.seed[0];
	want_rc(json_scan(&a, buf_as_slice(&text), &json_limits_default, &err),
	    RC_OK, "the first again");
	assert_true(a.seed[0] == seed);
	json_doc_free(&b);
	json_doc_free(&a);
	buf_free(&text);
}

static void
a_million_open_brackets_need_no_stack(void **state)
{
	struct json_doc d = JSON_DOC_INIT;
	struct buf b = BUF_INIT(16 * 1024 * 1024);
	struct buf out = BUF_INIT(16 * 1024 * 1024);
	struct json_error err;

	(void)state;
	repeat(&b, "[", 1000000);
	want_rc(json_scan(&d, buf_as_slice(&b), &unit_no_limits, &err),
	    RC_INVALID, "open");
	want_i64((int64_t)err.off, 1000000, "offset");
	want_i64((int64_t)strlen(err.pointer), 254, "length of the pointer");
	repeat(&b, "]", 1000000);
	want_rc(json_scan(&d, buf_as_slice(&b), &unit_no_limits, &err), RC_OK,
	    "closed");
	want_i64(d.n, 1000000, "tokens");
	json_canonical(&d, 0, &out);
	want_i64(slice_eq(buf_as_slice(&b), buf_as_slice(&out)), 1,
	    "canonical form equals the text");
	json_doc_free(&d);
	buf_free(&out);
	buf_free(&b);
}

static void
a_long_pointer_is_cut_between_reference_tokens(void **state)
{
	struct buf b = BUF_INIT(64 * 1024);
	struct json_error err;

	(void)state;
	/* 100 + 100 + 53 = 253, and what follows would make 256 */
	buf_puts(&b, "{\"");
	repeat(&b, "a", 99);
	buf_puts(&b, "\":{\"");
	repeat(&b, "~", 49);
	buf_puts(&b, "c\":{\"");
	repeat(&b, "b", 52);
	buf_puts(&b, "\":{\"xy\":?");
	want_rc(verdict(buf_as_slice(&b), &json_limits_default, &err),
	    RC_INVALID, "a long pointer");
	want_i64((int64_t)strlen(err.pointer), 253, "length");
	want_str(err.pointer + 248, "bbbbb", "end");
	buf_clear(&b);
	buf_puts(&b, "{\"");
	repeat(&b, "a", 300);
	buf_puts(&b, "\":?");
	want_rc(verdict(buf_as_slice(&b), &json_limits_default, &err),
	    RC_INVALID, "a long key");
	want_str(err.pointer, "", "pointer");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_byte_counts_wherever_it_stands_in_a_string),
	    cmocka_unit_test(just_the_well_formed_utf_8_sequences_are_taken),
	    cmocka_unit_test(
		all_u_escapes_but_nul_and_halves_of_pairs_are_taken),
	    cmocka_unit_test(a_key_repeated_anywhere_in_an_object_is_found),
	    cmocka_unit_test(keys_that_differ_in_one_place_only_are_different),
	    cmocka_unit_test(looks_at_keys_grow_with_their_number_alone),
	    cmocka_unit_test(each_index_hashes_keys_under_a_seed_of_its_own),
	    cmocka_unit_test(a_million_open_brackets_need_no_stack),
	    cmocka_unit_test(a_long_pointer_is_cut_between_reference_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
