#include <stdlib.h>
#include <time.h>
#include "base/clock.h"
#include "unit.h"

#define BAD	INT64_MIN

static void
rfc_3339_is_read_to_the_millisecond(void **state)
{
	static const struct { const char *s; int64_t want; } t[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-23T10:00:00Z", 1795428000000 },
		{ "2026-11-23t10:00:00z", 1795428000000 },
		{ "2026-11-23 10:00:00Z", 1795428000000 },
		{ "2026-11-23T11:00:00+01:00", 1795428000000 },
		{ "2026-11-22T22:30:00-11:30", 1795428000000 },
		{ "2026-11-23T10:00:00-00:00", 1795428000000 },
		{ "2026-11-24T09:59:00+23:59", 1795428000000 },
		{ "2026-11-23T10:00:00.1Z", 1795428000100 },
		{ "2026-11-23T10:00:00.12Z", 1795428000120 },
		{ "2026-11-23T10:00:00.123Z", 1795428000123 },
		{ "2026-11-23T10:00:00.1239999Z", 1795428000123 },
		{ "2026-11-23T10:00:00.123456789012345678901234567890+00:00",
		    1795428000123 },
		{ "1969-12-31T23:59:59.999Z", -1 },
		{ "0000-01-01T00:00:00Z", -62167219200000 },
		{ "0000-01-01T00:00:00+00:01", -62167219260000 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999 },
		{ "2000-02-29T00:00:00Z", 951782400000 },
		{ "2024-02-29T23:59:59Z", 1709251199000 },
		{ "2016-12-31T23:59:60Z", 1483228799999 },
		{ "2016-12-31T23:59:60.5Z", 1483228799999 },
		{ "2017-01-01T00:59:60+01:00", 1483228799999 },
		/* What is not a time. */
		{ "", BAD }, { "2026", BAD }, { "2026-11", BAD },
		{ "2026-11-23T10:00Z", BAD }, { "2026-11-23T10Z", BAD },
		{ "2026-11-23Z", BAD }, { "2026-11-23T10:00:00", BAD },
		{ "2026-11-23", BAD }, { "2026-11-23T", BAD },
		{ "2026-02-29T00:00:00Z", BAD },
		{ "1900-02-29T00:00:00Z", BAD },
		{ "2026-00-01T00:00:00Z", BAD },
		{ "2026-13-01T00:00:00Z", BAD },
		{ "2026-01-00T00:00:00Z", BAD },
		{ "2026-04-31T00:00:00Z", BAD },
		{ "2026-11-23T24:00:00Z", BAD },
		{ "2026-11-23T10:60:00Z", BAD },
		{ "2026-11-23T10:00:61Z", BAD },
		{ "2026-11-23T10:00:00.Z", BAD },
		{ "2026-11-23T10:00:00,5Z", BAD },
		{ "2026-11-23T10:00:00+24:00", BAD },
		{ "2026-11-23T10:00:00+01:60", BAD },
		{ "2026-11-23T10:00:00+0100", BAD },
		{ "2026-11-23T10:00:00+01", BAD },
		{ "2026-11-23T10:00:00 Z", BAD },
		{ "2026-11-23T10:00:00ZZ", BAD },
		{ " 2026-11-23T10:00:00Z", BAD },
		{ "2026-11-23T10:00:00Z ", BAD },
		{ "26-11-23T10:00:00Z", BAD }, { "12026-11-23T10:00:00Z", BAD },
		{ "-2026-11-23T10:00:00Z", BAD },
		{ "+2026-11-23T10:00:00Z", BAD },
		{ "2026-1-23T10:00:00Z", BAD }, { "2026/11/23T10:00:00Z", BAD },
		{ "2026-11-23T10:00:-1Z", BAD },
		{ "2026-11-23T1 :00:00Z", BAD },
		{ "2026-11-23T10:00:00.5", BAD }, { "20261123T100000Z", BAD },
	};
	int64_t ms;
	bool zoned;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		ms = 42;
		zoned = false;
		want_rc(clock_parse(slice_of(t[i].s), false, &ms, &zoned),
		    t[i].want == BAD ? RC_INVALID : RC_OK, "\"%s\"", t[i].s);
		want_i64(ms, t[i].want == BAD ? 42 : t[i].want, "\"%s\"",
		    t[i].s);
		want_i64(zoned, t[i].want != BAD, "zoned of \"%s\"", t[i].s);
	}
}

static void
without_a_zone_it_is_utc_where_that_is_allowed(void **state)
{
	static const struct { const char *s; int64_t want; } t[] = {
		{ "2026-11-23", 1795392000000 },
		{ "2026-11-23T10:00", 1795428000000 },
		{ "2026-11-23 10:00", 1795428000000 },
		{ "2026-11-23T10:00:07", 1795428007000 },
		{ "2016-12-31 23:59:60", 1483228799999 },
		{ "2026-11-23T10:00:00.5", BAD }, { "2026-11-23T", BAD },
		{ "2026-11-23T10", BAD }, { "2026-11-23T10:00:", BAD },
		{ "2026-11-23T10:00Z", BAD }, { "2026-11-23Z", BAD },
		{ "2026-11-23T10:00.5", BAD }, { "2026-11-23 ", BAD },
		{ "2026-11-31", BAD }, { "", BAD },
	};
	int64_t ms;
	bool zoned;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		ms = 42;
		zoned = true;
		want_rc(clock_parse(slice_of(t[i].s), true, &ms, &zoned),
		    t[i].want == BAD ? RC_INVALID : RC_OK, "\"%s\"", t[i].s);
		want_i64(ms, t[i].want == BAD ? 42 : t[i].want, "\"%s\"",
		    t[i].s);
		want_i64(zoned, t[i].want == BAD, "zoned of \"%s\"", t[i].s);
	}
	want_rc(clock_parse(SLICE("2026-11-23T10:00:00Z"), true, &ms, NULL),
	    RC_OK, "nobody asks for the zone");
	want_rc(clock_parse((struct slice){ NULL, 0 }, true, &ms, NULL),
	    RC_INVALID, "no text");
	want_rc(clock_parse(SLICE("2026-11-23\0T10:00"), true, &ms, NULL),
	    RC_INVALID, "a NUL in it");
}

static void
only_the_slice_is_read(void **state)
{
	static const char text[] = "2026-11-23T10:00:00Z";
	int64_t ms;

	(void)state;
	/* Each piece stands alone in memory, so that a read past it shows. */
	for (size_t n = 0; n < sizeof text - 1; n++) {
		char *piece = malloc(n);

		assert_true(n == 0 || piece != NULL);
		if (n > 0)
			memcpy(piece, text, n);
		want_rc(clock_parse((struct slice){ piece, n }, false, &ms,
		    NULL), RC_INVALID, "%zu bytes", n);
		free(piece);
		want_rc(clock_parse((struct slice){ text, n }, false, &ms,
		    NULL), RC_INVALID, "the first %zu bytes", n);
	}
}

static void
times_are_written_with_milliseconds_and_clamped(void **state)
{
	static const struct { int64_t ms; const char *want; } t[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ -86400000, "1969-12-31T00:00:00.000Z" },
		{ -86400001, "1969-12-30T23:59:59.999Z" },
		{ 1795428000123, "2026-11-23T10:00:00.123Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ -62167219200000, "0000-01-01T00:00:00.000Z" },
		{ -62167219200001, "0000-01-01T00:00:00.000Z" },
		{ INT64_MIN, "0000-01-01T00:00:00.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
		{ 253402300800000, "9999-12-31T23:59:59.999Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z" },
	};
	char s[CLOCK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		clock_format(t[i].ms, s);
		want_str(s, t[i].want, "%" PRId64, t[i].ms);
	}
}

static void
every_day_of_eight_centuries_is_libcs(void **state)
{
	char s[CLOCK_TEXT_MAX], want[CLOCK_TEXT_MAX];
	time_t at = -11676096000 + 43200;	/* 1600 */
	int64_t ms;
	struct tm tm;

	(void)state;
	for (; at < 13601088000; at += 86400) {		/* 2401 */
		assert_non_null(gmtime_r(&at, &tm));
		snprintf(want, sizeof want, "%04d-%02d-%02dT12:00:00.000Z",
		    (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100,
		    tm.tm_mday % 100);
		clock_format((int64_t)at * 1000, s);
		want_str(s, want, "%" PRId64, (int64_t)at);
		want_rc(clock_parse(slice_of(s), false, &ms, NULL), RC_OK,
		    "%s", s);
		want_i64(ms, (int64_t)at * 1000, "%s", s);
	}
}

static void
now_is_now_and_durations_do_not_run_backwards(void **state)
{
	int64_t before = (int64_t)time(NULL) * 1000, now = clock_now_ms();
	int64_t after = (int64_t)time(NULL) * 1000 + 1000;
	int64_t a = clock_mono_us(), b = clock_mono_ms(), c = clock_mono_us();

	(void)state;
	/* time() may lag behind by a tick of the kernel's clock. */
	assert_true(before - 1000 <= now && now <= after + 1000);
	assert_true(a / 1000 <= b && b <= c / 1000 && a <= c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rfc_3339_is_read_to_the_millisecond),
	    cmocka_unit_test(without_a_zone_it_is_utc_where_that_is_allowed),
	    cmocka_unit_test(only_the_slice_is_read),
	    cmocka_unit_test(times_are_written_with_milliseconds_and_clamped),
	    cmocka_unit_test(every_day_of_eight_centuries_is_libcs),
	    cmocka_unit_test(now_is_now_and_durations_do_not_run_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
