#include <stdio.h>
#include <time.h>
#include "base/clock.h"

#define DAY_MS 86400000LL

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_now_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_mono_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

/*
 * Days since 1970-01-01 in the proleptic Gregorian calendar.  Years are
 * counted from March, so that the leap day is the last of its year.
 */
static int64_t
days_of(int y, int m, int d)
{
	int64_t year = m <= 2 ? y - 1 : y;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t yoe = year - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
date_of(int64_t days, int *y, int *m, int *d)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

void
clock_format(int64_t ms, char out[CLOCK_TEXT_MAX])
{
	int64_t lo = days_of(0, 1, 1) * DAY_MS;
	int64_t hi = days_of(10000, 1, 1) * DAY_MS - 1;
	int64_t days, in_day;
	int y, m, d;

	ms = ms < lo ? lo : ms > hi ? hi : ms;
	days = ms >= 0 ? ms / DAY_MS : -((-ms + DAY_MS - 1) / DAY_MS);
	in_day = ms - days * DAY_MS;
	date_of(days, &y, &m, &d);
	snprintf(out, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    y % 10000, m % 100, d % 100, (int)(in_day / 3600000 % 24),
	    (int)(in_day / 60000 % 60), (int)(in_day / 1000 % 60),
	    (int)(in_day % 1000));
}

/* Exactly n digits off the front; -1 if they are not there. */
static int
digits(struct slice *t, size_t n)
{
	int v = 0;

	if (t->len < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (t->s[i] < '0' || t->s[i] > '9')
			return -1;
		v = v * 10 + (t->s[i] - '0');
	}
	t->s += n;
	t->len -= n;
	return v;
}

static bool
take(struct slice *t, const char *any)
{
	if (t->len == 0 || strchr(any, t->s[0]) == NULL || t->s[0] == '\0')
		return false;
	t->s++;
	t->len--;
	return true;
}

static int
days_in(int y, int m)
{
	static const int n[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
	    31 };

	if (m == 2 && (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)))
		return 29;
	return n[m - 1];
}

/* "Z", "+hh:mm" or "-hh:mm"; false if something else stands there. */
static bool
zone(struct slice *t, int *offset_min)
{
	int h, m, sign;

	if (take(t, "Zz")) {
		*offset_min = 0;
		return true;
	}
	if (t->len == 0)
		return false;
	sign = t->s[0] == '-' ? -1 : 1;
	if (!take(t, "+-"))
		return false;
	h = digits(t, 2);
	if (h < 0 || h > 23 || !take(t, ":"))
		return false;
	m = digits(t, 2);
	if (m < 0 || m > 59)
		return false;
	*offset_min = sign * (h * 60 + m);
	return true;
}

/* ".", at least one digit, any number more; true also if nothing is there. */
static bool
fraction(struct slice *t, int *milli)
{
	int scale = 100, v;

	if (!take(t, "."))
		return true;
	v = digits(t, 1);
	if (v < 0)
		return false;
	for (; v >= 0; v = digits(t, 1), scale /= 10)
		*milli += v * scale;
	return true;
}

/* A date, and the days from 1970 to it. */
static bool
date(struct slice *t, int64_t *days)
{
	int y, m, d;

	y = digits(t, 4);
	if (y < 0 || !take(t, "-"))
		return false;
	m = digits(t, 2);
	if (m < 1 || m > 12 || !take(t, "-"))
		return false;
	d = digits(t, 2);
	if (d < 1 || d > days_in(y, m))
		return false;
	*days = days_of(y, m, d);
	return true;
}

enum rc
clock_parse(struct slice t, bool zoneless_ok, int64_t *ms, bool *zoned)
{
	int h = 0, mi = 0, s = -1, milli = 0, off = 0;
	bool has_zone = false;
	int64_t days;
	size_t whole;

	if (!date(&t, &days))
		return RC_INVALID;
	if (take(&t, "Tt ")) {
		h = digits(&t, 2);
		if (h < 0 || h > 23 || !take(&t, ":"))
			return RC_INVALID;
		mi = digits(&t, 2);
		if (mi < 0 || mi > 59)
			return RC_INVALID;
		if (take(&t, ":")) {
			s = digits(&t, 2);
			if (s < 0 || s > 60)
				return RC_INVALID;
		}
		whole = t.len;
		if (s >= 0 && !fraction(&t, &milli))
			return RC_INVALID;
		has_zone = t.len > 0;
		/* RFC 3339 has seconds and may have a fraction; without a
		   zone it is the reverse. */
		if (has_zone ? s < 0 || !zone(&t, &off) : t.len != whole)
			return RC_INVALID;
	}
	if (t.len > 0 || (!has_zone && !zoneless_ok))
		return RC_INVALID;
	if (s == 60) {
		s = 59;
		milli = 999;
	}
	*ms = days * DAY_MS +
	    ((h * 60LL + mi - off) * 60 + (s < 0 ? 0 : s)) * 1000 + milli;
	if (zoned != NULL)
		*zoned = has_zone;
	return RC_OK;
}
