#include "base/clock.h"
#include "base/text.h"
#include "work/notice.h"
#include "work/query.h"
#include "work/words.h"

static const unsigned char tag_key[16] = "skycap's query";

/* What a condition's value is read with. */
struct given {
	const struct config *cf;
	int64_t		 now_ms;
	struct slice	 name, value;
	struct buf	*why;
};

typedef enum rc reader(struct query *q, const struct given *g);

/* "is no state; did you mean held?", or a list of them all. */
static enum rc
read_word(enum words list, const char *what, const char **into,
    const struct given *g)
{
	const char *near;

	*into = words_find(list, g->value);
	if (*into != NULL)
		return RC_OK;
	near = words_nearest(list, g->value);
	buf_printf(g->why, "\"%.*s\" is no %s; ", (int)g->value.len,
	    g->value.s, what);
	if (near != NULL)
		buf_printf(g->why, "did you mean %s?  It ", near);
	else
		buf_puts(g->why, "it ");
	buf_puts(g->why, "must be ");
	words_list(list, g->why);
	return RC_INVALID;
}

static enum rc
read_state(struct query *q, const struct given *g)
{
	return read_word(WORDS_STATE, "state", &q->state, g);
}

static enum rc
read_reason(struct query *q, const struct given *g)
{
	return read_word(WORDS_REASON, "reason", &q->reason, g);
}

static enum rc
read_ending(struct query *q, const struct given *g)
{
	return read_word(WORDS_ATTEMPT, "word of an attempt", &q->word, g);
}

static enum rc
read_record(enum store_kind kind, const char *what, uint32_t *number,
    const struct given *g)
{
	if (store_record_parse(g->cf->store, kind, g->value, number) == RC_OK)
		return RC_OK;
	buf_printf(g->why, "%.*s is not the id of a %s", (int)g->value.len,
	    g->value.s, what);
	return RC_NOTFOUND;
}

static enum rc
read_subscription(struct query *q, const struct given *g)
{
	if (text_same_nocase(g->value, SLICE(NOTICE_NAME))) {
		q->subscription = NOTICE_LANE;
		return RC_OK;
	}
	return read_record(STORE_SUBSCRIPTION, "subscription",
	    &q->subscription, g);
}

static enum rc
read_client(struct query *q, const struct given *g)
{
	return read_record(STORE_CLIENT, "client", &q->client, g);
}

static bool
begins(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && memcmp(s.s, with, n) == 0;
}

static enum rc
read_event(struct query *q, const struct given *g)
{
	const struct catalog_event *type;
	const char *near;

	if (begins(g->value, "evt_")) {
		if (store_event_parse(g->cf->store, g->value, &q->position) ==
		    RC_OK)
			return RC_OK;
		buf_printf(g->why, "%.*s is not the id of an event",
		    (int)g->value.len, g->value.s);
		return RC_NOTFOUND;
	}
	type = catalog_event_find(g->cf->catalog, g->value);
	if (type != NULL) {
		q->type = type->name;
		return RC_OK;
	}
	near = catalog_event_nearest(g->cf->catalog, g->value);
	buf_printf(g->why, "%.*s is no event type", (int)g->value.len,
	    g->value.s);
	if (near != NULL)
		buf_printf(g->why, "; did you mean %s?", near);
	return RC_INVALID;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum rc
read_code(struct query *q, const struct given *g)
{
	struct slice v = g->value;

	if (slice_is(v, "0")) {
		q->code_from = 0;
		q->code_below = 1;
		return RC_OK;
	}
	if (v.len != 3 || v.s[0] < '1' || v.s[0] > '9')
		goto wrong;
	q->code_from = (v.s[0] - '0') * 100;
	q->code_below = q->code_from + 100;
	if (text_same_nocase((struct slice){ v.s + 1, 2 }, SLICE("xx")))
		return RC_OK;
	if (!is_digit(v.s[1]) || !is_digit(v.s[2]))
		goto wrong;
	q->code_from += (v.s[1] - '0') * 10 + v.s[2] - '0';
	q->code_below = q->code_from + 1;
	return RC_OK;
wrong:
	buf_puts(g->why, "a code must be an HTTP status like 503, a class of "
	    "them like 5xx, or 0: no answer");
	return RC_INVALID;
}

/* "90s", "30m", "2h", "7d", "2w". */
static bool
read_ago(struct slice v, int64_t *ms)
{
	static const struct { char unit; int64_t ms; } unit[] = {
		{ 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 },
		{ 'd', 86400000 }, { 'w', 604800000 },
	};
	int64_t n = 0;

	if (v.len < 2 || v.len > 9)	/* 10^8 weeks: no overflow */
		return false;
	for (size_t i = 0; i + 1 < v.len; i++) {
		if (!is_digit(v.s[i]))
			return false;
		n = n * 10 + v.s[i] - '0';
	}
	for (size_t i = 0; i < NELEM(unit); i++)
		if (v.s[v.len - 1] == unit[i].unit) {
			*ms = n * unit[i].ms;
			return true;
		}
	return false;
}

/* 0 would be no time at all. */
static enum rc
read_time(int64_t *ms, const struct given *g)
{
	int64_t ago;

	if (read_ago(g->value, &ago))
		*ms = ago < g->now_ms ? g->now_ms - ago : 1;
	else if (clock_parse(g->value, true, ms, NULL) != RC_OK) {
		buf_printf(g->why, "%.*s must be a time like "
		    "2026-11-23T10:00:00Z, or how long ago, like 90s, 30m, 2h "
		    "or 7d", (int)g->name.len, g->name.s);
		return RC_INVALID;
	} else if (*ms <= 0)
		*ms = 1;
	return RC_OK;
}

static enum rc
read_since(struct query *q, const struct given *g)
{
	return read_time(&q->since_ms, g);
}

static enum rc
read_until(struct query *q, const struct given *g)
{
	return read_time(&q->until_ms, g);
}

static enum rc
add_ref(struct query *q, enum reference_kind kind, struct slice value,
    const struct given *g)
{
	if (value.len == 0) {
		buf_printf(g->why, "%.*s must not be empty", (int)g->name.len,
		    g->name.s);
		return RC_INVALID;
	}
	if (q->nref == QUERY_REFS_MAX) {
		buf_printf(g->why, "at most %d references", QUERY_REFS_MAX);
		return RC_INVALID;
	}
	q->ref[q->nref++] = (struct query_ref){ kind, value };
	return RC_OK;
}

static enum rc
read_ref(struct query *q, const struct given *g)
{
	struct slice v = g->value, name = v;
	const char *eq = v.len == 0 ? NULL : memchr(v.s, '=', v.len);
	enum reference_kind kind = (enum reference_kind)0;

	if (eq != NULL) {
		name.len = (size_t)(eq - v.s);
		v.s = eq + 1;
		v.len -= name.len + 1;
		if (reference_kind(name, &kind) != RC_OK) {
			buf_printf(g->why, "\"%.*s\" is no reference; "
			    "NAME=VALUE must have the name ", (int)name.len,
			    name.s);
			reference_names(g->why);
			return RC_INVALID;
		}
	}
	return add_ref(q, kind, v, g);
}

static enum rc
read_test(struct query *q, const struct given *g)
{
	if (slice_is(g->value, "true"))
		q->test = 1;
	else if (slice_is(g->value, "false"))
		q->test = -1;
	else {
		buf_puts(g->why, "test must be true or false");
		return RC_INVALID;
	}
	return RC_OK;
}

static const struct {
	const char *name;
	reader	   *read;
} condition[] = {
	{ "state", read_state }, { "reason", read_reason },
	{ "subscription", read_subscription }, { "client", read_client },
	{ "event", read_event }, { "code", read_code },
	{ "word", read_ending }, { "since", read_since },
	{ "until", read_until }, { "ref", read_ref },
	{ "test", read_test },
};

static enum rc
no_such_name(struct slice name, struct buf *why)
{
	const char *all[NELEM(condition) + REFERENCE_KINDS], *near;
	size_t n = 0;

	for (; n < NELEM(condition); n++)
		all[n] = condition[n].name;
	for (size_t i = 0; i < REFERENCE_KINDS; i++)
		all[n++] = reference_name_at(i);
	near = text_nearest(name, all, n);
	buf_printf(why, "there is no condition \"%.*s\"", (int)name.len,
	    name.s);
	if (near != NULL)
		buf_printf(why, "; did you mean %s?", near);
	return RC_INVALID;
}

static enum rc
set(struct query *q, const struct given *g)
{
	enum reference_kind kind;

	for (size_t i = 0; i < NELEM(condition); i++)
		if (text_same_nocase(g->name, slice_of(condition[i].name)))
			return condition[i].read(q, g);
	if (reference_kind(g->name, &kind) == RC_OK)
		return add_ref(q, kind, g->value, g);
	return no_such_name(g->name, g->why);
}

enum rc
query_set(struct query *q, const struct config *cf, int64_t now_ms,
    struct slice name, struct slice value, struct buf *why)
{
	const struct given g = { cf, now_ms, name, value, why };
	struct buf b = BUF_INIT(SIZE_MAX);
	enum rc rc;

	rc = set(q, &g);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < name.len; i++)	/* letters folded */
		buf_putc(&b, (char)(name.s[i] >= 'A' && name.s[i] <= 'Z' ?
		    name.s[i] | 0x20 : name.s[i]));
	buf_putc(&b, '=');
	buf_slice(&b, value);
	q->tag += crypt_siphash(tag_key, b.s, b.len);
	buf_free(&b);
	return RC_OK;
}

bool
query_is_set(const struct query *q)
{
	return q->tag != 0;
}
