#include <stdio.h>
#include <time.h>
#include "deliver/retry.h"

#define DAY_MS		INT64_C(86400000)
#define STEP_MIN_MS	1000	/* an endless "Retry-After: 0" is not a loop */
#define OURS_MS		5000	/* again, where a schedule has no step */
#define VALUE_MAX	64	/* bytes of a Retry-After worth reading */

static int64_t
jitter(int64_t delay_ms, uint32_t random)
{
	return delay_ms + (int64_t)((double)delay_ms / 10 * random /
	    4294967296.0);
}

static int64_t
step(const struct task_settings *s, uint16_t i)
{
	if (s->nretry == 0)
		return OURS_MS;
	return s->retry_ms[i < s->nretry ? i : s->nretry - 1];
}

void
retry_decide(struct retry *r)
{
	const struct task_settings *s = r->settings;
	bool wait, early = r->early_ms > r->now_ms;
	int64_t delay, asked;

	r->dead = NULL;
	r->next_ms = r->asked_ms = 0;
	r->used = (uint16_t)(r->attempts + (r->attempts < UINT16_MAX));
	if (s->nretry == 0 && !r->ours) {
		r->dead = "exhausted";
		return;
	}
	wait = (r->status == 429 || r->status == 503) &&
	    r->retry_after.s != NULL &&
	    retry_after(r->retry_after, r->now_ms, &asked) == RC_OK;
	if (wait || r->ours || r->early_ms != 0)
		r->used = r->attempts;
	else if (r->used > s->nretry) {
		r->dead = "exhausted";
		return;
	}
	delay = early ? r->early_ms - r->now_ms :
	    jitter(step(s, r->attempts), r->random);
	if (r->early_ms != 0 && !early)
		delay = STEP_MIN_MS;	/* its time came meanwhile */
	if (wait) {
		if (asked > RETRY_AFTER_MAX_MS)
			asked = RETRY_AFTER_MAX_MS;
		r->asked_ms = asked;
		if (delay < asked)
			delay = asked;
		if (delay < STEP_MIN_MS)
			delay = STEP_MIN_MS;
	}
	r->next_ms = r->now_ms + delay;
	if (r->next_ms > r->accepted_ms + RETRY_DEADLINE_MS)
		r->dead = "deadline";
}

static int
month(const char *name)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

	for (int i = 0; i < (int)NELEM(names); i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

/*
 * RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", and the obsolete
 * "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994".
 */
static bool
http_date(const char *s, int64_t now_ms, int64_t *ms)
{
	struct tm tm = { 0 }, was;
	char mon[4];
	int y, end = -1;
	time_t t;

	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n",
	    &tm.tm_mday, mon, &y, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
	    &end) == 6 && end != -1)
		;
	else if (sscanf(s, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n",
	    &tm.tm_mday, mon, &y, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
	    &end) == 6 && end != -1) {
		/* the century that puts it at most 50 years ahead */
		int this_year = (int)(now_ms / DAY_MS / 365.2425) + 1970;

		y += this_year / 100 * 100;
		if (y > this_year + 50)
			y -= 100;
	} else if (sscanf(s, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n",
	    mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &y,
	    &end) != 6 || end == -1)
		return false;
	if (s[end] != '\0' || y < 1970 || y > 9999)
		return false;
	tm.tm_year = y - 1900;
	tm.tm_mon = month(mon);
	if (tm.tm_mon == -1)
		return false;
	was = tm;
	t = timegm(&tm);
	if (t == -1 || tm.tm_mday != was.tm_mday || tm.tm_mon != was.tm_mon ||
	    tm.tm_hour != was.tm_hour || tm.tm_min != was.tm_min)
		return false;		/* February 30th, 25:00 */
	*ms = (int64_t)t * 1000;
	return true;
}

enum rc
retry_after(struct slice value, int64_t now_ms, int64_t *delay_ms)
{
	char s[VALUE_MAX];
	int64_t at, seconds = 0;
	size_t i;

	while (value.len > 0 && (value.s[0] == ' ' || value.s[0] == '\t')) {
		value.s++;
		value.len--;
	}
	while (value.len > 0 && strchr(" \t\r\n",
	    value.s[value.len - 1]) != NULL)
		value.len--;
	if (value.len == 0 || value.len >= sizeof s)
		return RC_INVALID;
	memcpy(s, value.s, value.len);
	s[value.len] = '\0';
	if (strlen(s) != value.len)
		return RC_INVALID;
	for (i = 0; s[i] >= '0' && s[i] <= '9'; i++)
		if (seconds < RETRY_AFTER_MAX_MS)	/* more is as much */
			seconds = seconds * 10 + (s[i] - '0');
	if (i == value.len) {
		*delay_ms = seconds * 1000;
		return RC_OK;
	}
	if (!http_date(s, now_ms, &at))
		return RC_INVALID;
	*delay_ms = at > now_ms ? at - now_ms : 0;
	return RC_OK;
}

bool
retry_too_far(const struct task_settings *settings, int64_t due_ms,
    int64_t now_ms)
{
	int64_t longest = DAY_MS;

	for (uint32_t i = 0; settings != NULL && i < settings->nretry; i++)
		if (settings->retry_ms[i] > longest)
			longest = settings->retry_ms[i];
	return due_ms > now_ms && due_ms - now_ms > longest + longest / 10;
}
