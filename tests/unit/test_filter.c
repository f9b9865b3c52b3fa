#include <stdlib.h>
#include "shape/filter.h"
#include "unit_shape.h"

static const char order[] = "{\"agwID\":\"AGW-1\",\"provider\":\"\\u0049B\","
    "\"adultsPax\":\"2\",\"totalAmount\":\"412.90\",\"bookingType\":\"RT\","
    "\"consumerIataCode\":12345678,\"agent\":\"Ana L\\u00f3pez\","
    "\"createdOn\":\"2026-11-23 10:00\",\"pnr\":null,"
    "\"x\":{\"zip\":28001,\"vip\":true,\"big\":"
    "99999999999999999999999999999999999999.5,"
    "\"at\":\"2026-11-23T11:00:00+01:00\",\"l\":[1]}}";

static void
note(void *arg, uint32_t tok, const char *detail)
{
	struct buf *b = arg;

	buf_printf(b, "%u %s;", tok, detail);
}

static enum rc
compile(const struct catalog *c, const char *json, struct filter **f,
    struct buf *why)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err = { 0 };
	enum rc rc;

	want_rc(json_scan(&d, slice_of(json), &json_limits_default, &err),
	    RC_OK, "%s: %s", json, err.detail);
	rc = filter_compile(f, c, &d, 0, note, why);
	json_doc_free(&d);
	return rc;
}

#define C(f, op, v) "{\"field\":\"" f "\",\"op\":\"" op "\",\"value\":" v "}"

static void
conditions_hold_or_do_not(void **state)
{
	static const struct { const char *json; bool want; } t[] = {
		{ "[]", true },
		{ "[" C("provider", "=", "\"IB\"") "]", true },
		{ "[" C("provider", "=", "\"ib\"") "]", false },
		{ "[" C("provider", "!=", "\"IB\"") "]", false },
		{ "[" C("provider", "!=", "\"LH\"") "]", true },
		{ "[" C("provider", "in", "[\"LH\",\"IB\"]") "]", true },
		{ "[" C("provider", "in", "[\"LH\"]") "]", false },
		{ "[" C("provider", "not in", "[\"LH\",\"IB\"]") "]", false },
		{ "[" C("provider", "not in", "[\"LH\"]") "]", true },
		{ "[" C("agent", "prefix", "\"Ana L\xc3\xb3\"") "]", true },
		{ "[" C("agent", "prefix", "\"ana\"") "]", false },
		{ "[" C("agent", "exists", "true") "]", true },
		{ "[" C("agent", "exists", "false") "]", false },
		{ "[" C("pnr", "exists", "false") "]", true },
		{ "[{\"field\":\"pnr\",\"op\":\"exists\"}]", false },
		/* absent: only these three hold */
		{ "[" C("pnr", "=", "\"A\"") "]", false },
		{ "[" C("pnr", "!=", "\"A\"") "]", true },
		{ "[" C("pnr", "not in", "[\"A\"]") "]", true },
		{ "[" C("pnr", "prefix", "\"\"") "]", false },
		{ "[" C("infantsPax", "<", "1") "]", false },
		/* numbers, sent as text or not, whatever their length */
		{ "[" C("adultsPax", "=", "2") "]", true },
		{ "[" C("adultsPax", "=", "\"02\"") "]", true },
		{ "[" C("adultsPax", "<", "10") "]", true },
		{ "[" C("adultsPax", "<", "2") "]", false },
		{ "[" C("adultsPax", "<=", "2") "]", true },
		{ "[" C("adultsPax", ">", "-3") "]", true },
		{ "[" C("totalAmount", "=", "412.9") "]", true },
		{ "[" C("totalAmount", "<", "412.901") "]", true },
		{ "[" C("totalAmount", ">=", "\"412.900\"") "]", true },
		{ "[" C("totalAmount", "in", "[1,412.9]") "]", true },
		{ "[" C("order.x.big", ">",
		    "99999999999999999999999999999999999999.4") "]", true },
		{ "[" C("order.x.big", "<",
		    "99999999999999999999999999999999999999.6") "]", true },
		{ "[" C("order.x.zip", "=", "28001") "]", true },
		{ "[" C("order.x.zip", "=", "\"28001\"") "]", true },
		{ "[" C("order.x.zip", "prefix", "\"28\"") "]", true },
		{ "[" C("order.x.vip", "=", "true") "]", true },
		{ "[" C("order.x.vip", "=", "false") "]", false },
		{ "[" C("order.x.l", "exists", "true") "]", true },
		{ "[" C("order.x.l", "=", "\"[1]\"") "]", false },
		{ "[" C("order.x.l.0", "=", "1") "]", true },
		{ "[" C("order.x.none", "=", "1") "]", false },
		/* a number against what is none */
		{ "[" C("order.x.vip", "<", "1") "]", false },
		{ "[" C("consumerIataCode", "=", "\"12345678\"") "]", true },
		/* times are moments */
		{ "[" C("createdOn", "=", "\"2026-11-23T10:00:00Z\"") "]",
		    true },
		{ "[" C("createdOn", "<", "\"2026-11-24\"") "]", true },
		{ "[" C("createdOn", ">", "\"2026-11-23T10:00:00+00:01\"")
		    "]", true },
		{ "[" C("order.x.at", ">=", "\"2026-11-23T10:00:00Z\"") "]",
		    true },
		{ "[" C("order.x.at", "<", "\"2026-11-23T10:00:00Z\"") "]",
		    false },
		/* the words and the letters of a booking type are one */
		{ "[" C("bookingType", "=", "\"Round Trip\"") "]", true },
		{ "[" C("bookingType", "=", "\"RT\"") "]", true },
		{ "[" C("bookingType", "=", "\"OW\"") "]", false },
		/* all of them; any of the lists */
		{ "[" C("provider", "=", "\"IB\"") ","
		    C("adultsPax", ">", "5") "]", false },
		{ "[{\"any\":[[" C("provider", "=", "\"LH\"") "],["
		    C("adultsPax", "=", "2") "," C("agwID", "prefix", "\"AGW\"")
		    "]]}]", true },
		{ "[{\"any\":[[" C("provider", "=", "\"LH\"") "],["
		    C("adultsPax", "=", "2") "," C("agwID", "prefix", "\"X\"")
		    "]]}]", false },
		{ "[{\"any\":[[{\"any\":[[" C("provider", "=", "\"LH\"") "],["
		    C("provider", "=", "\"IB\"") "]]}," C("adultsPax", "=", "2")
		    "]]}," C("agwID", "exists", "true") "]", true },
	};
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;

	(void)state;
	unit_order(&o, c, order);
	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf why = BUF_INIT(4096);
		struct filter *f = NULL;

		want_rc(compile(c, t[i].json, &f, &why), RC_OK, "%s: %s",
		    t[i].json, buf_str(&why));
		want_i64(filter_matches(f, &o), t[i].want, "%s", t[i].json);
		filter_free(f);
		buf_free(&why);
	}
	assert_true(filter_matches(NULL, &o));
	order_free(&o);
	catalog_free(c);
}

static void
a_wrong_filter_is_refused(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ "{}", "0 must be a list of conditions" },
		{ "[7]", "1 must be an object" },
		{ "[{}]", "1 lacks field;1 lacks op" },
		{ "[" C("providr", "=", "1") "]",
		    "3 is no field; did you mean provider" },
		{ "[" C("order.", "=", "1") "]", "3 is no field; did you" },
		{ "[" C("provider", "==", "1") "]", "5 must be one of = !=" },
		{ "[{\"field\":\"pnr\",\"op\":\"=\"}]", "1 lacks value" },
		{ "[" C("pnr", "=", "null") "]", "7 can't be null" },
		{ "[" C("pnr", "=", "[\"a\"]") "]", "7 must not be a list" },
		{ "[" C("pnr", "=", "{}") "]", "7 must be a string, a number" },
		{ "[" C("pnr", "in", "\"a\"") "]", "7 must be a list" },
		{ "[" C("pnr", "in", "[]") "]", "7 must be a list, and not" },
		{ "[" C("pnr", "in", "[[1]]") "]", "8 must be a string" },
		{ "[" C("pnr", "prefix", "1") "]", "7 must be a string" },
		{ "[" C("pnr", "exists", "1") "]", "7 must be true or false" },
		{ "[" C("pnr", "<", "\"a\"") "]", "7 orders numbers and" },
		{ "[" C("adultsPax", "=", "\"two\"") "]", "7 must be a dec" },
		{ "[" C("adultsPax", "=", "1e3") "]", "7 must be a decimal" },
		{ "[" C("createdOn", "<", "7") "]", "7 must be a time" },
		{ "[" C("order.a", "<", "\"b\"") "]", "7 must be a number or" },
		{ "[{\"any\":[]}]", "3 must be a list of lists" },
		{ "[{\"any\":[7]}]", "4 must be a list of conditions" },
		{ "[{\"any\":[[]],\"op\":\"=\"}]", "1 any must be the only" },
		{ "[{\"feld\":1}]", "2 is not known here; did you mean field" },
	};
	struct catalog *c = unit_catalog();

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf why = BUF_INIT(4096);
		struct filter *f = NULL;

		want_rc(compile(c, t[i].json, &f, &why), RC_INVALID, "%s",
		    t[i].json);
		if (strstr(buf_str(&why), t[i].want) == NULL)
			fail_msg("%s: got \"%s\", want \"%s\"", t[i].json,
			    buf_str(&why), t[i].want);
		buf_free(&why);
	}
	catalog_free(c);
}

static void
decimals_compare_by_their_digits(void **state)
{
	static const struct { const char *a, *b; int want; } t[] = {
		{ "1", "1.0", 0 }, { "-0", "0.00", 0 }, { "007", "7", 0 },
		{ "1", "2", -1 }, { "10", "9", 1 }, { "-10", "-9", -1 },
		{ "-1", "1", -1 }, { "1.10", "1.1", 0 }, { "1.09", "1.1", -1 },
		{ "-1.09", "-1.1", 1 }, { "0.1", "0", 1 },
		{ "9007199254740993", "9007199254740992", 1 },
		{ "123456789012345678901234567890123456789",
		    "123456789012345678901234567890123456788", 1 },
	};
	static const char *const none[] = { "", "-", ".", "1.", ".5", "1e3",
	    "+1", "1 ", "0x1", "--1", "1.2.3" };
	int sign;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		assert_true(filter_decimal_compare(slice_of(t[i].a),
		    slice_of(t[i].b), &sign));
		want_i64((sign > 0) - (sign < 0), t[i].want, "%s ? %s", t[i].a,
		    t[i].b);
		assert_true(filter_decimal_compare(slice_of(t[i].b),
		    slice_of(t[i].a), &sign));
		want_i64((sign > 0) - (sign < 0), -t[i].want, "%s ? %s",
		    t[i].b, t[i].a);
	}
	for (size_t i = 0; i < NELEM(none); i++)
		want_i64(filter_decimal_compare(slice_of(none[i]), SLICE("1"),
		    &sign), false, "\"%s\"", none[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(conditions_hold_or_do_not),
	    cmocka_unit_test(a_wrong_filter_is_refused),
	    cmocka_unit_test(decimals_compare_by_their_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
