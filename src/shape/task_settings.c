/*
 * "settings": how a subscription is delivered, each with its range.  What they
 * lead to is the lanes' and the retries' business.
 */
#include <errno.h>
#include <stdlib.h>
#include "shape/task_data.h"

#define WEEK_S		(7 * 24 * 3600)	/* after which a delivery is dead */
#define RATE_MIN	0.001
#define RATE_MAX	10000
#define RATE_TEXT_MAX	32		/* characters of a rate */

void
task_settings_default(struct task_settings *s, enum task_channel channel)
{
	static const int64_t retry_s[] = { 5, 300, 1800, 7200, 18000, 36000,
	    50400, 72000, 86400 };

	/* docs.slack.dev: one message a second, with short bursts */
	*s = (struct task_settings){ .timeout_ms = 15000, .concurrency = 8,
	    .nretry = NELEM(retry_s),
	    .rate_per_s = channel == TASK_SLACK ? 1 : 0 };
	for (size_t i = 0; i < NELEM(retry_s); i++)
		s->retry_ms[i] = retry_s[i] * 1000;
}

/* An integer from lo to hi; false, and reported, if it is none. */
static bool
integer(struct task_check *k, uint32_t tok, int64_t lo, int64_t hi,
    int64_t *v)
{
	if (json_i64(&k->doc, tok, false, v) == RC_OK && *v >= lo && *v <= hi)
		return true;
	task_fault(k, tok, "must be an integer from %lld to %lld",
	    (long long)lo, (long long)hi);
	return false;
}

static void
retry(struct task_check *k, uint32_t list)
{
	const struct json_tok *t = k->doc.tok;
	struct task_settings *s = &k->t->settings;
	int64_t v;

	if (!task_is(k, list, JSON_ARRAY))
		return;
	if (t[list].n > TASK_RETRY_MAX) {
		task_fault(k, list, "must have at most %d steps",
		    TASK_RETRY_MAX);
		return;
	}
	s->nretry = 0;
	for (uint32_t i = list + 1; i < t[list].next; i = t[i].next)
		if (integer(k, i, 1, WEEK_S, &v))
			s->retry_ms[s->nretry++] = v * 1000;
}

static void
rate(struct task_check *k, uint32_t tok)
{
	struct slice s = json_raw(&k->doc, tok);
	char text[RATE_TEXT_MAX + 1];
	double v = -1;

	if (k->doc.tok[tok].type == JSON_NUMBER && s.len <= RATE_TEXT_MAX) {
		memcpy(text, s.s, s.len);
		text[s.len] = '\0';
		errno = 0;
		v = strtod(text, NULL);
	}
	/* a number so small that it reads as 0 would lift the limit */
	if ((v == 0 && errno == 0) || (v >= RATE_MIN && v <= RATE_MAX))
		k->t->settings.rate_per_s = v;
	else
		task_fault(k, tok, "must be 0 (unlimited), or a number from %g "
		    "to %d", RATE_MIN, RATE_MAX);
}

static void
ordered(struct task_check *k, uint32_t tok)
{
	bool on = k->doc.tok[tok].type == JSON_TRUE;

	if (!on && k->doc.tok[tok].type != JSON_FALSE)
		task_fault(k, tok, "must be true or false");
	else if (on && k->t->channel == TASK_MAIL)
		task_fault(k, tok, "can't be true for mail: mail servers keep "
		    "no order, so messages would pass each other on the way");
	else
		k->t->settings.ordered = on;
}

static void
missing(struct task_check *k, uint32_t tok)
{
	bool string = k->doc.tok[tok].type == JSON_STRING;

	if (string && json_string_is(&k->doc, tok, SLICE("strict")))
		k->t->settings.strict = true;
	else if (string && json_string_is(&k->doc, tok, SLICE("lenient")))
		k->t->settings.strict = false;
	else
		task_fault(k, tok, "must be \"lenient\" or \"strict\"");
}

void
task_check_settings(struct task_check *k, uint32_t obj)
{
	static const char *const known[] = { "retry_s", "timeout_s",
	    "concurrency", "rate_per_s", "ordered", "missing" };
	const struct json_tok *t = k->doc.tok;
	struct task_settings *s = &k->t->settings;
	int64_t v;

	for (uint32_t i = obj + 1; i < t[obj].next; i = t[i + 1].next) {
		size_t m = task_known_key(k, i, known, NELEM(known),
		    NELEM(known));
		uint32_t tok = i + 1;

		if (t[tok].type == JSON_NULL)
			continue;
		switch (m) {
		case 0:
			retry(k, tok);
			break;
		case 1:
			if (integer(k, tok, 1, 60, &v))
				s->timeout_ms = v * 1000;
			break;
		case 2:
			if (integer(k, tok, 1, 64, &v))
				s->concurrency = (uint32_t)v;
			break;
		case 3:
			rate(k, tok);
			break;
		case 4:
			ordered(k, tok);
			break;
		case 5:
			missing(k, tok);
			break;
		default:
			break;
		}
	}
}
