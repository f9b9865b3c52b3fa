/*
 * What events say about timers: whose, which, and for when.
 */
#include "base/clock.h"
#include "unit_shape.h"
#include "work/timer.h"

#define NOW	"2026-12-01T12:00:00Z"
#define LEG(from, dep, to, arr) "{\"origin\":\"" from "\",\"destination\":\"" \
	to "\",\"departure\":\"" dep "\",\"arrival\":\"" arr "\"}"
#define GOOD	LEG("MAD", "2026-12-03T10:00:00Z", "LHR",		\
	"2026-12-03T12:00:00Z")

static struct catalog *catalog;
static struct crypt crypt;

static int
set_up(void **state)
{
	(void)state;
	catalog = unit_catalog();
	memset(&crypt, 7, sizeof crypt);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	catalog_free(catalog);
	return 0;
}

static int64_t
ms_of(const char *text)
{
	int64_t ms = 0;

	want_rc(clock_parse(slice_of(text), false, &ms, NULL), RC_OK, "%s",
	    text);
	return ms;
}

/* false: it does nothing. */
static bool
change(const char *type, const char *order, bool test,
    struct store_timer_change *c)
{
	const struct catalog_event *t = catalog_event_find(catalog,
	    slice_of(type));
	struct order o = ORDER_INIT;
	bool any;

	assert_non_null(t);
	unit_order(&o, catalog, order);
	any = timer_change(&crypt, t, &o, test, ms_of(NOW), c);
	order_free(&o);
	return any;
}

/* "SET 2026-...", "-" for what is left as it is. */
static void
say(const struct store_timer_change *c, int t, struct buf *out)
{
	static const char *const word[] = { "-", "SET", "RENEW", "REMOVE",
	    "HAPPENED", "OVER" };
	char at[CLOCK_TEXT_MAX];

	buf_puts(out, word[c->to[t].what]);
	if (c->to[t].what != STORE_TIMER_SET &&
	    c->to[t].what != STORE_TIMER_RENEW &&
	    c->to[t].what != STORE_TIMER_HAPPENED)
		return;
	clock_format(c->to[t].at_ms, at);
	buf_printf(out, " %s", at);
}

static void
want_change(const char *type, const char *order, const char *want)
{
	struct buf got = BUF_INIT(256);
	struct store_timer_change c;

	if (change(type, order, false, &c)) {
		say(&c, 0, &got);
		buf_puts(&got, ", ");
		say(&c, 1, &got);
	} else {
		buf_puts(&got, "nothing");
	}
	want_str(buf_str(&got), want, "%s %s", type, order);
	buf_free(&got);
}

static void
the_first_departure_and_the_last_arrival_set_timers(void **state)
{
	static const struct { const char *legs, *want; } t[] = {
		{ GOOD, "SET 2026-12-03T10:00:00.000Z, "
		    "SET 2026-12-03T12:00:00.000Z" },
		/* zones: east, west, quarters of an hour */
		{ LEG("KTM", "2026-12-04T01:10:00+05:45", "LAX",
		    "2026-12-03T23:30:00-08:00"),
		    "SET 2026-12-03T19:25:00.000Z, "
		    "SET 2026-12-04T07:30:00.000Z" },
		{ LEG("A", "2026-12-31T23:59:59.999-00:30", "B",
		    "2027-01-01T00:00:00.001+14:00"),
		    "SET 2027-01-01T00:29:59.999Z, "
		    "SET 2026-12-31T10:00:00.001Z" },
		{ LEG("A", "2026-12-03T00:00:00-00:00", "B",
		    "2026-12-03T10:00:00z"),
		    "SET 2026-12-03T00:00:00.000Z, "
		    "SET 2026-12-03T10:00:00.000Z" },
		/* a leap day, a leap second; what is no time of day */
		{ LEG("A", "2028-02-29T00:30:00+01:00", "B",
		    "2028-02-28T23:59:60Z"), "SET 2028-02-28T23:30:00.000Z, "
		    "SET 2028-02-28T23:59:59.999Z" },
		{ LEG("A", "2027-02-29T10:00:00Z", "B",
		    "2026-12-03T24:00:00Z"), "nothing" },
		{ LEG("A", "2026-12-03T10:00:00+24:00", "B",
		    "2026-12-03T10:00:00+0100"), "nothing" },
		/* no offset, or no time */
		{ LEG("A", "2026-12-03T10:00:00", "B", "2026-12-03 12:00"),
		    "nothing" },
		{ LEG("A", "2026-12-03", "B", ""), "nothing" },
		{ LEG("A", "2026-12-03T10:00:00", "B",
		    "2026-12-03T12:00:00Z"),
		    "-, SET 2026-12-03T12:00:00.000Z" },
		{ LEG("A", "2026-12-03T10:00:00Z", "B", "soon"),
		    "SET 2026-12-03T10:00:00.000Z, -" },
		/* several legs: the first and the last must say it... */
		{ LEG("A", "2026-12-03T10:00:00", "B", "2026-12-03T12:00:00Z")
		    "," LEG("B", "2026-12-09T10:00:00Z", "A",
		    "2026-12-09T12:00:00"), "nothing" },
		{ LEG("A", "2026-12-03T10:00:00Z", "B", "-") ","
		    LEG("B", "-", "A", "2026-12-09T12:00:00+01:00"),
		    "SET 2026-12-03T10:00:00.000Z, "
		    "SET 2026-12-09T11:00:00.000Z" },
		/* ...and the earliest and latest of all count */
		{ LEG("B", "2026-12-09T10:00:00Z", "A",
		    "2026-12-09T12:00:00Z") ","
		    LEG("A", "2026-12-03T10:00:00Z", "B",
		    "2026-12-03T12:00:00Z"), "SET 2026-12-03T10:00:00.000Z, "
		    "SET 2026-12-09T12:00:00.000Z" },
		/* across the date line: it lands before it departs, by date */
		{ LEG("NRT", "2026-12-04T00:20:00+09:00", "HNL",
		    "2026-12-03T12:10:00-10:00"),
		    "SET 2026-12-03T15:20:00.000Z, "
		    "SET 2026-12-03T22:10:00.000Z" },
		/* seven days past, and more */
		{ LEG("A", "2026-11-24T12:00:00Z", "B",
		    "2026-11-24T11:59:59.999Z"),
		    "SET 2026-11-24T12:00:00.000Z, "
		    "RENEW 2026-11-24T11:59:59.999Z" },
		{ LEG("A", "2026-11-10T12:00:00Z", "B",
		    "2026-11-10T13:00:00Z") "," LEG("B",
		    "2026-12-20T12:00:00Z", "A", "2026-12-20T13:00:00Z"),
		    "RENEW 2026-11-10T12:00:00.000Z, "
		    "SET 2026-12-20T13:00:00.000Z" },
		/* what is no journey */
		{ "", "nothing" }, { "{}", "nothing" }, { "7", "nothing" },
		{ "{\"departure\":17,\"arrival\":null}", "nothing" },
		{ "{\"departure\":\"2026-12-03T10:00:00\\u005a\"}",
		    "SET 2026-12-03T10:00:00.000Z, -" },
		{ "[[" GOOD "]]", "nothing" },
		{ GOOD ",null", "SET 2026-12-03T10:00:00.000Z, -" },
	};
	struct buf order = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&order);
		buf_printf(&order, "{\"agwID\":\"A1\",\"legs\":[%s]}",
		    t[i].legs);
		want_change("OrderTicketed", buf_str(&order), t[i].want);
	}
	want_change("OrderTicketed", "{\"agwID\":\"A1\"}", "nothing");
	want_change("OrderTicketed", "{\"agwID\":\"A1\",\"legs\":null}",
	    "nothing");
	want_change("OrderTicketed", "{\"agwID\":\"A1\",\"legs\":{}}",
	    "nothing");
	buf_free(&order);
}

static void
the_type_says_what_becomes_of_them(void **state)
{
#define BOTH	"{\"agwID\":\"A1\",\"legs\":[" GOOD "]}"
	static const struct { const char *type, *order, *want; } t[] = {
		{ "OrderCreated", BOTH, "SET 2026-12-03T10:00:00.000Z, "
		    "SET 2026-12-03T12:00:00.000Z" },
		{ "OrderCanceled", BOTH, "REMOVE, REMOVE" },
		{ "OrderCanceled", "{\"agwID\":\"A1\"}", "REMOVE, REMOVE" },
		{ "PaymentTimeLimitExpired", "{\"agwID\":\"A1\"}",
		    "REMOVE, REMOVE" },
		{ "OrderStarted", "{\"agwID\":\"A1\"}", "OVER, -" },
		{ "OrderStarted", BOTH, "HAPPENED 2026-12-03T10:00:00.000Z, "
		    "SET 2026-12-03T12:00:00.000Z" },
		{ "OrderCompleted", "{\"agwID\":\"A1\"}", "-, OVER" },
		{ "OrderCompleted", BOTH, "SET 2026-12-03T10:00:00.000Z, "
		    "HAPPENED 2026-12-03T12:00:00.000Z" },
		{ "SeatsAddition", "{\"agwID\":\"A1\"}", "nothing" },
		{ "FlightCancelation", "{\"agwID\":\"A1\"}", "nothing" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_change(t[i].type, t[i].order, t[i].want);
}

static bool
same(const char *a, bool test_a, const char *b, bool test_b)
{
	struct store_timer_change x, y;

	assert_true(change("OrderCanceled", a, test_a, &x));
	assert_true(change("OrderCanceled", b, test_b, &y));
	return memcmp(&x.order, &y.order, sizeof x.order) == 0;
}

static void
an_order_is_its_agwid_and_tests_are_others(void **state)
{
	struct store_timer_change c;
	struct store_order o;

	(void)state;
	assert_true(same("{\"agwID\":\"A1\"}", false,
	    "{\"pnr\":\"P\",\"agwID\":\"\\u00411\"}", false));
	assert_true(same("{\"agwID\":\"17\"}", true, "{\"agwID\":17}", true));
	assert_false(same("{\"agwID\":\"A1\"}", false, "{\"agwID\":\"A1\"}",
	    true));
	assert_false(same("{\"agwID\":\"A1\"}", false, "{\"agwID\":\"a1\"}",
	    false));
	assert_false(same("{\"agwID\":\"A1\"}", false, "{\"agwID\":\"A11\"}",
	    false));
	assert_true(change("OrderCanceled", "{\"agwID\":\"A1\"}", true, &c));
	o = timer_order(&crypt, SLICE("A1"), true);
	assert_memory_equal(&o, &c.order, sizeof o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_first_departure_and_the_last_arrival_set_timers),
	    cmocka_unit_test(the_type_says_what_becomes_of_them),
	    cmocka_unit_test(an_order_is_its_agwid_and_tests_are_others),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
