#include "base/clock.h"
#include "work/timer.h"

_Static_assert(TIMER_PAST_MS < STORE_TIMER_KEEP_MS,
    "a time must not be forgotten while it could be set again");

/* When an order's journey begins and ends, as far as it says so. */
struct journey {
	struct {
		bool	known;
		int64_t	ms;
	} at[STORE_TIMERS];
};

static const struct {
	const char *type;	/* of its event */
	const char *member;	/* of a leg */
} timer[STORE_TIMERS] = {
	[STORE_TIMER_STARTED] = { "OrderStarted", "departure" },
	[STORE_TIMER_COMPLETED] = { "OrderCompleted", "arrival" },
};

const char *
timer_type_name(enum store_timer_type type)
{
	return timer[type].type;
}

/* A time with an offset, and no other. */
static bool
moment(const struct order *o, uint32_t leg, const char *member, int64_t *ms)
{
	uint32_t i = json_find(&o->doc, leg, member);
	char tmp[ORDER_SHORT_MAX];
	bool zoned;

	return i != 0 && o->doc.tok[i].type == JSON_STRING &&
	    clock_parse(order_value_short(order_token(o, i), tmp), true, ms,
	    &zoned) == RC_OK && zoned;
}

static void
read_journey(const struct order *o, struct journey *j)
{
	const struct json_tok *tok = o->doc.tok;
	uint32_t end = o->legs == 0 ? 0 : tok[o->legs].next;
	bool first = false, last = false;
	int64_t ms;

	*j = (struct journey){ .at[0].known = false };
	for (uint32_t i = o->legs + 1; i < end; i = tok[i].next) {
		last = moment(o, i, timer[STORE_TIMER_COMPLETED].member, &ms);
		if (last && (!j->at[STORE_TIMER_COMPLETED].known ||
		    ms > j->at[STORE_TIMER_COMPLETED].ms)) {
			j->at[STORE_TIMER_COMPLETED].ms = ms;
			j->at[STORE_TIMER_COMPLETED].known = true;
		}
		if (moment(o, i, timer[STORE_TIMER_STARTED].member, &ms)) {
			first = first || i == o->legs + 1;
			if (!j->at[STORE_TIMER_STARTED].known ||
			    ms < j->at[STORE_TIMER_STARTED].ms)
				j->at[STORE_TIMER_STARTED].ms = ms;
			j->at[STORE_TIMER_STARTED].known = true;
		}
	}
	j->at[STORE_TIMER_STARTED].known &= first;
	j->at[STORE_TIMER_COMPLETED].known &= last;
}

static bool
ends_order(const char *type)
{
	return strcmp(type, "OrderCanceled") == 0 ||
	    strcmp(type, "PaymentTimeLimitExpired") == 0;
}

struct store_order
timer_order(const struct crypt *crypt, struct slice agwid, bool test)
{
	struct buf b = BUF_INIT(ORDER_REFERENCE_MAX + 16);
	struct store_order order;

	buf_puts(&b, test ? "timer t" : "timer -");
	buf_slice(&b, agwid);
	crypt_hash(crypt, buf_as_slice(&b), order.hash);
	buf_free(&b);
	return order;
}

/* The text of agwID, which may be written with escapes. */
static struct store_order
order_of_event(const struct crypt *crypt, const struct order *o, bool test)
{
	const struct catalog_field *f = catalog_field_find(o->catalog,
	    SLICE("agwID"));
	struct buf plain = BUF_INIT(ORDER_REFERENCE_MAX);
	struct store_order order;
	struct order_value v = { .found = false };

	if (f != NULL)
		v = order_field(o, f);
	if (v.found && v.escaped)
		order_value_text(o, v, &plain);
	order = timer_order(crypt, v.found && !v.escaped ? v.text :
	    buf_as_slice(&plain), test);
	buf_free(&plain);
	return order;
}

bool
timer_change(const struct crypt *crypt, const struct catalog_event *type,
    const struct order *o, bool test, int64_t now_ms,
    struct store_timer_change *c)
{
	enum store_timer_do what[STORE_TIMERS];
	bool any = false, ends = ends_order(type->name);
	struct journey j;

	read_journey(o, &j);
	for (int t = 0; t < STORE_TIMERS; t++) {
		bool known = j.at[t].known;

		if (ends)
			what[t] = STORE_TIMER_REMOVE;
		else if (strcmp(type->name, timer[t].type) == 0)
			what[t] = known ? STORE_TIMER_HAPPENED :
			    STORE_TIMER_OVER;
		else if (!known)
			what[t] = STORE_TIMER_LEAVE;
		else
			what[t] = j.at[t].ms < now_ms - TIMER_PAST_MS ?
			    STORE_TIMER_RENEW : STORE_TIMER_SET;
		any = any || what[t] != STORE_TIMER_LEAVE;
	}
	if (!any)
		return false;
	c->order = order_of_event(crypt, o, test);
	for (int t = 0; t < STORE_TIMERS; t++) {
		c->to[t].what = what[t];
		c->to[t].at_ms = j.at[t].ms;
	}
	return true;
}
