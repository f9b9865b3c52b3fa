#include "base/buf.h"
#include "unit.h"

static void
appending_grows_up_to_the_ceiling_and_not_past_it(void **state)
{
	static const size_t max[] = { 1, 2, 63, 64, 65, 127, 1000 };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < NELEM(max); i++) {
		b = (struct buf)BUF_INIT(max[i]);
		for (size_t n = 0; n < max[i]; n++) {
			buf_putc(&b, 'x');
			want_i64((int64_t)strlen(buf_str(&b)), (int64_t)n + 1,
			    "max %zu", max[i]);
			assert_false(b.over);
		}
		assert_true(b.cap <= max[i] + 1);
		buf_putc(&b, 'y');
		assert_true(b.over);
		want_i64((int64_t)b.len, (int64_t)max[i], "len");
		assert_null(strchr(buf_str(&b), 'y'));
		buf_free(&b);
	}
}

static void
what_does_not_fit_is_dropped_whole_and_the_flag_sticks(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	buf_puts(&b, "12345678");
	buf_puts(&b, "abc");
	assert_true(b.over);
	want_str(buf_str(&b), "12345678", "dropped whole");
	buf_putc(&b, 'x');
	want_str(buf_str(&b), "12345678", "though there is room for this");
	buf_clear(&b);
	assert_false(b.over);
	want_str(buf_str(&b), "", "cleared");
	buf_printf(&b, "%s-%d", "abcdefgh", 12);
	assert_true(b.over);
	want_str(buf_str(&b), "", "a format dropped whole");
	buf_free(&b);
	assert_false(b.over);
	buf_printf(&b, "%s-%d", "abcdefg", 12);
	want_str(buf_str(&b), "abcdefg-12", "used again, just filled");
	assert_null(buf_room(&b, SIZE_MAX));
	assert_true(b.over);
	buf_free(&b);
}

static void
an_empty_buffer_is_an_empty_string(void **state)
{
	struct buf b = BUF_INIT(10), none = BUF_INIT(0);

	(void)state;
	want_str(buf_str(&b), "", "untouched");
	assert_non_null(buf_as_slice(&b).s);
	buf_put(&b, NULL, 0);
	buf_slice(&b, (struct slice){ NULL, 0 });
	want_str(buf_str(&b), "", "nothing appended");
	assert_false(b.over);
	buf_put(&none, "", 0);
	assert_false(none.over);
	buf_putc(&none, 'x');
	assert_true(none.over);
	want_str(buf_str(&none), "", "a ceiling of 0");
	buf_free(&none);
	buf_free(&b);
	buf_free(&b);
}

static void
bytes_are_kept_as_they_are(void **state)
{
	struct buf b = BUF_INIT(1000);
	char all[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	buf_put(&b, all, sizeof all);
	buf_slice(&b, (struct slice){ all, sizeof all });
	want_i64((int64_t)b.len, 512, "len");
	assert_memory_equal(b.s, all, 256);
	assert_memory_equal(b.s + 256, all, 256);
	want_i64(b.s[512], 0, "the NUL behind");
	buf_free(&b);
}

static void
room_is_there_in_full_and_ends_with_a_nul(void **state)
{
	struct buf b = BUF_INIT(5000);
	char *at;

	(void)state;
	buf_puts(&b, "ab");
	at = buf_room(&b, 4998);
	assert_ptr_equal(at, b.s + 2);
	want_str(buf_str(&b), "ab", "unused room");
	memset(at, 'x', 4998);
	b.len += 4998;
	want_i64((int64_t)strlen(buf_str(&b)), 5000, "used room");
	assert_false(b.over);
	assert_null(buf_room(&b, 1));
	assert_true(b.over);
	buf_free(&b);
}

static void
numbers_are_decimal_to_both_ends(void **state)
{
	static const struct { int64_t v; const char *want; } t[] = {
		{ 0, "0" }, { 7, "7" }, { -1, "-1" },
		{ 1234567890, "1234567890" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	struct buf b = BUF_INIT(32);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&b);
		buf_i64(&b, t[i].v);
		want_str(buf_str(&b), t[i].want, "case %zu", i);
	}
	buf_free(&b);
}

static void
big_endian_integers_read_back_and_sort_as_bytes(void **state)
{
	static const uint64_t v[] = { 0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff,
	    0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
	    0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff };
	struct buf b = BUF_INIT(64), last = BUF_INIT(64);
	struct slice s;

	(void)state;
	for (size_t i = 0; i < NELEM(v); i++) {
		buf_clear(&b);
		buf_be64(&b, v[i]);
		if (last.len > 0)
			assert_true(memcmp(last.s, b.s, 8) < 0);
		buf_clear(&last);
		buf_be64(&last, v[i]);
		buf_be32(&b, (uint32_t)v[i]);
		buf_be16(&b, (uint16_t)v[i]);
		buf_be8(&b, (uint8_t)v[i]);
		want_i64((int64_t)b.len, 15, "len");
		s = buf_as_slice(&b);
		assert_true(slice_be64(&s) == v[i]);
		assert_true(slice_be32(&s) == (uint32_t)v[i]);
		assert_true(slice_be16(&s) == (uint16_t)v[i]);
		assert_true(slice_be8(&s) == (uint8_t)v[i]);
		want_i64((int64_t)s.len, 0, "left");
		assert_non_null(s.s);
	}
	buf_clear(&b);
	buf_be32(&b, 0x01020304);
	assert_memory_equal(b.s, "\1\2\3\4", 4);
	buf_free(&last);
	buf_free(&b);
}

static void
reading_past_the_end_gives_nothing_from_then_on(void **state)
{
	struct slice s = SLICE("\1\2\3"), got;

	(void)state;
	got = slice_take(&s, 0);
	assert_non_null(got.s);
	want_i64(slice_be8(&s), 1, "first");
	want_i64(slice_be32(&s), 0, "two left of four");
	assert_null(s.s);
	want_i64(slice_be8(&s), 0, "it sticks");
	got = slice_take(&s, 0);
	assert_null(got.s);
	s = SLICE("abc");
	got = slice_take(&s, 2);
	want_slice(got, SLICE("ab"), "taken");
	want_slice(s, SLICE("c"), "left");
	got = slice_take(&s, SIZE_MAX);
	assert_null(got.s);
	want_i64((int64_t)got.len, 0, "nothing");
}

static void
slices_are_equal_by_their_bytes(void **state)
{
	const struct slice absent = { NULL, 0 };

	(void)state;
	assert_true(slice_eq(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
	assert_false(slice_eq(SLICE("ab"), SLICE("a")));
	assert_true(slice_eq(absent, SLICE("")));
	assert_true(slice_is(SLICE(""), ""));
	assert_false(slice_is(absent, ""));
	assert_false(slice_is(SLICE("ab\0"), "ab"));
	assert_null(slice_of(NULL).s);
}

static void
wiping_leaves_a_buffer_to_be_used_again(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	buf_wipe(&b);
	buf_puts(&b, "secret");
	buf_wipe(&b);
	assert_null(b.s);
	want_i64((int64_t)(b.len + b.cap), 0, "len and cap");
	buf_puts(&b, "again");
	want_str(buf_str(&b), "again", "used again");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(appending_grows_up_to_the_ceiling_and_not_past_it),
	    cmocka_unit_test(
		what_does_not_fit_is_dropped_whole_and_the_flag_sticks),
	    cmocka_unit_test(an_empty_buffer_is_an_empty_string),
	    cmocka_unit_test(bytes_are_kept_as_they_are),
	    cmocka_unit_test(room_is_there_in_full_and_ends_with_a_nul),
	    cmocka_unit_test(numbers_are_decimal_to_both_ends),
	    cmocka_unit_test(big_endian_integers_read_back_and_sort_as_bytes),
	    cmocka_unit_test(reading_past_the_end_gives_nothing_from_then_on),
	    cmocka_unit_test(slices_are_equal_by_their_bytes),
	    cmocka_unit_test(wiping_leaves_a_buffer_to_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
