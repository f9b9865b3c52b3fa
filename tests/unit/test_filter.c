#include <stdlib.h>
#include "shape/filter.h"
#include "unit_shape.h"

static const char order[] = "{\"agwID\":\"AGW-1\",\"provider\":\"\\u0049B\","
    "\"adultsPax\":\"2\",\"totalAmount\":\"412.90\",\"bookingType\":\"RT\","
    "\"consumerIataCode\":12345678,\"agent\":\"Ana L\\u00f3pez\","
    "\"createdOn\":\"2026-11-23 10:00\",\"pnr\":null,"
    "\"x\":{\"zip\":28001,\"vip\":true,\"big\":"
    "99999999999999999999999999999999999999.5,"
    "\"at\":\"2026-11-23T11:00:00+01:00\",\"l\":[1],\"exp\":1e3}}";

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
		{ "[" C("order.x.at", "=", "\"2026-11-23T10:00:00Z\"") "]",
		    true },
		{ "[" C("order.x.at", "!=", "\"2026-11-23 10:00\"") "]",
		    false },
		{ "[" C("order.x.at", "in", "[\"x\",\"2026-11-23T10:00:00Z\"]")
		    "]", true },
		{ "[" C("order.x.at", "prefix", "\"2026-11-23T11:00\"") "]",
		    true },
		{ "[" C("order.x.zip", "=", "2.8001e4") "]", true },
		{ "[" C("order.x.exp", "=", "1000") "]", true },
		{ "[" C("order.x.exp", "not in", "[5,1000]") "]", false },
		{ "[" C("order.x.exp", ">", "999.9") "]", true },
		{ "[" C("legs", "exists", "false") "]", true },
		{ "[" C("order.legs", "exists", "true") "]", false },
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
		    "3 is no field; did you mean provider?;" },
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
		{ "[" C("pnr", "<", "\"a\"") "]",
		    "5 orders numbers and times, and pnr is a "
		    "text;" },
		{ "[" C("adultsPax", "=", "\"two\"") "]",
		    "7 must be an integer, "
		    "like 2;" },
		{ "[" C("adultsPax", "<", "2.5") "]", "7 must be an int" },
		{ "[" C("totalAmount", "=", "\"much\"") "]", "7 must be a "
		    "decimal number, like " },
		{ "[" C("totalAmount", "in", "[1,true]") "]", "9 must be a "
		    "decimal number, like " },
		{ "[" C("agency", "=", "true") "]", "7 must be a text, like "
		    "\"" },
		{ "[" C("adultsPax", "=", "1e3") "]", "7 must be an integer" },
		{ "[" C("createdOn", "<", "7") "]", "7 must be a time, like "
		    "2026-11-23T10:00:00Z;" },
		{ "[" C("createdOn", "=", "\"2026-02-30\"") "]",
		    "7 must be a ti" },
		{ "[" C("order.a", "<", "\"b\"") "]",
		    "7 must be a number, or a" },
		{ "[" C("order.a", "<", "true") "]", "7 must be a number, or" },
		{ "[" C("adultsPax", "prefix", "\"1\"") "]",
		    "5 compares texts, "
		    "and adultsPax is an integer; use >= and <;" },
		{ "[" C("totalAmount", "prefix", "\"1\"") "]",
		    "5 compares te" },
		{ "[" C("createdOn", "prefix", "\"2026\"") "]",
		    "5 compares te" },
		{ "[{\"any\":[]}]", "3 must be a list of lists" },
		{ "[{\"any\":[[]]}]", "4 must not be empty" },
		{ "[{\"any\":[[" C("pnr", "exists", "true") "],[]]}]",
		    "12 must not be empty" },
		{ "[{\"any\":[[" C("providr", "=", "1") "]]}]",
		    "7 is no field; did you mean provider?" },
		{ "[{\"any\":[7]}]", "4 must be a list of conditions" },
		{ "[{\"any\":[[]],\"op\":\"=\"}]", "1 any must be the only" },
		{ "[{\"feld\":1}]",
		    "2 is not known here; did you mean field?;" },
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

/* What an order has, beside a filter for IB, 2, 412.90 or 10:00 UTC. */
enum { SAME, ESCAPED, LESS, MORE, ABSENT, NONE, WRONG, LIST, CASES };

static const struct kind {
	const char *field, *value;
	const char *sent[CASES];
} kinds[] = {
	{ "agency", "\"IB\"", { "\"IB\"", "\"\\u0049B\"", "\"IA\"",
	    "\"IBX\"", NULL, "null", "true", "[\"IB\"]" } },
	{ "adultsPax", "2", { "\"2\"", "\"0\\u0032\"", "1", "\"10\"", NULL,
	    "null", "\"two\"", "[2]" } },
	{ "totalAmount", "\"412.90\"", { "412.9", "\"412.\\u0039\"",
	    "\"-1000\"", "1000", NULL, "null", "\"much\"", "{\"a\":1}" } },
	{ "createdOn", "\"2026-11-23T10:00:00Z\"", {
	    "\"2026-11-23 10:00\"", "\"2026-11-23T11:00:00+01:0\\u0030\"",
	    "\"2026-11-23\"", "\"2026-11-23T10:00:00.001Z\"", NULL, "null",
	    "\"soon\"", "[]" } },
	{ "order.x", "2", { "2", "\"\\u0032.0\"", "-2", "\"10\"", NULL,
	    "null", "\"two\"", "[2]" } },
	{ "order.a.x", "\"2026-11-23 10:00\"", { "\"2026-11-23 10:00\"",
	    "\"2026-11-23 10:0\\u0030\"", "\"2026-11-23T09:59:59Z\"",
	    "\"2026-11-23T10:00:00-00:01\"", NULL, "null", "\"soon\"",
	    "[]" } },
};

static const struct rule {
	const char *op;
	bool list;
	const char *holds;	/* by case */
} rules[] = {
	{ "=", false, "YY------" }, { "!=", false, "--YYYYYY" },
	{ "in", true, "YY------" }, { "not in", true, "--YYYYYY" },
	{ "<", false, "--Y-----" }, { "<=", false, "YYY-----" },
	{ ">", false, "---Y----" }, { ">=", false, "YY-Y----" },
	{ "prefix", false, "YY-Y----" },
};

static bool
refused(const struct kind *k, const struct rule *r)
{
	bool text = strcmp(k->field, "agency") == 0;

	if (strcmp(r->op, "prefix") == 0)
		return !text;
	return text && (*r->op == '<' || *r->op == '>');
}

/* An order in which the field is what was sent. */
static void
put_sent(struct buf *out, const char *field, const char *sent)
{
	buf_clear(out);
	buf_puts(out, "{\"agwID\":\"1\"");
	if (sent != NULL && strcmp(field, "order.x") == 0)
		buf_printf(out, ",\"x\":%s", sent);
	else if (sent != NULL && strcmp(field, "order.a.x") == 0)
		buf_printf(out, ",\"a\":{\"x\":%s}", sent);
	else if (sent != NULL)
		buf_printf(out, ",\"%s\":%s", field, sent);
	buf_putc(out, '}');
}

static void
want_holds(struct catalog *c, const struct kind *k, const char *filter,
    const char *want)
{
	struct buf why = BUF_INIT(4096), text = BUF_INIT(4096);
	struct filter *f = NULL;
	struct order o = ORDER_INIT;

	want_rc(compile(c, filter, &f, &why), RC_OK, "%s: %s", filter,
	    buf_str(&why));
	for (size_t i = 0; i < CASES; i++) {
		put_sent(&text, k->field, k->sent[i]);
		unit_order(&o, c, buf_str(&text));
		want_i64(filter_matches(f, &o), want[i] == 'Y', "%s and %s",
		    filter, buf_str(&text));
	}
	filter_free(f);
	order_free(&o);
	buf_free(&why);
	buf_free(&text);
}

static void
every_operator_knows_every_type_and_what_is_not_of_it(void **state)
{
	struct catalog *c = unit_catalog();
	struct buf text = BUF_INIT(4096), why = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < NELEM(kinds); i++) {
		const struct kind *k = &kinds[i];

		for (size_t j = 0; j < NELEM(rules); j++) {
			const struct rule *r = &rules[j];
			struct filter *f = NULL;

			buf_clear(&text);
			buf_printf(&text, "[{\"field\":\"%s\",\"op\":\"%s\","
			    "\"value\":%s%s%s}]", k->field, r->op, r->list ?
			    "[" : "", k->value, r->list ? "]" : "");
			if (strncmp(k->field, "order.", 6) == 0 &&
			    strcmp(r->op, "prefix") == 0)
				continue;	/* a text's, like agency's */
			if (refused(k, r))
				want_rc(compile(c, buf_str(&text), &f, &why),
				    RC_INVALID, "%s", buf_str(&text));
			else if (strcmp(k->field, "order.a.x") == 0 &&
			    !(*r->op == '<' || *r->op == '>'))
				continue;	/* is a text there */
			else
				want_holds(c, k, buf_str(&text), r->holds);
		}
		buf_clear(&text);
		buf_printf(&text, "[{\"field\":\"%s\",\"op\":\"exists\"}]",
		    k->field);
		want_holds(c, k, buf_str(&text), "YYYY--YY");
		buf_clear(&text);
		buf_printf(&text, "[{\"field\":\"%s\",\"op\":\"exists\","
		    "\"value\":false}]", k->field);
		want_holds(c, k, buf_str(&text), "----YY--");
	}
	buf_free(&text);
	buf_free(&why);
	catalog_free(c);
}

static void
a_filter_has_limits_and_is_told_of_one_once(void **state)
{
	struct catalog *c = unit_catalog();
	struct buf text = BUF_INIT(1 << 20), why = BUF_INIT(1 << 20);
	static const struct {
		const char *begin, *each, *end, *says;
		int n;
	} t[] = {
		{ "[", C("pnr", "=", "1"), "]", "", FILTER_CONDITIONS_MAX },
		{ "[", C("pnr", "=", "1"), "]", "at most 256 conditions",
		    FILTER_CONDITIONS_MAX + 1 },
		{ "[{\"any\":[", "[" C("pnr", "=", "1") "]", "]}]", "",
		    FILTER_CONDITIONS_MAX - 1 },
		{ "[{\"any\":[", "[" C("pnr", "=", "1") "]", "]}]",
		    "at most 256 conditions", 5000 },
		{ "[{\"field\":\"pnr\",\"op\":\"in\",\"value\":[",
		    "1", "]}]", "",
		    FILTER_VALUES_MAX },
		{ "[{\"field\":\"pnr\",\"op\":\"in\",\"value\":[", "1", "]}]",
		    "at most 10000 values", FILTER_VALUES_MAX + 1000 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct filter *f = NULL;
		const char *at;

		buf_clear(&text);
		buf_clear(&why);
		buf_puts(&text, t[i].begin);
		for (int k = 0; k < t[i].n; k++)
			buf_printf(&text, "%s%s", k > 0 ? "," : "", t[i].each);
		buf_puts(&text, t[i].end);
		want_rc(compile(c, buf_str(&text), &f, &why),
		    t[i].says[0] == '\0' ? RC_OK : RC_INVALID, "case %zu: %s",
		    i, buf_str(&why));
		at = strstr(buf_str(&why), t[i].says);
		assert_non_null(at);
		if (t[i].says[0] != '\0')
			assert_null(strstr(at + 1, t[i].says));
		filter_free(f);
	}
	/* and of faults without end the first are told */
	buf_clear(&text);
	buf_clear(&why);
	buf_puts(&text, "[{\"field\":\"adultsPax\",\"op\":\"in\",\"value\":[0");
	for (int k = 0; k < 1000; k++)
		buf_puts(&text, ",\"x\"");
	buf_puts(&text, "]}]");
	want_rc(compile(c, buf_str(&text), &(struct filter *){ NULL }, &why),
	    RC_INVALID, "wrong values");
	assert_true(why.len > 500 && why.len < 5000);
	buf_free(&text);
	buf_free(&why);
	catalog_free(c);
}

static void
what_a_filter_requires_is_told(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ "[]", "" },
		{ "[" C("agency", "=", "\"A\"") "]", "agency A; " },
		{ "[" C("agency", "!=", "\"A\"") ","
		    C("provider", "in", "[\"\\u0049B\",7]") ","
		    "{\"any\":[[" C("agent", "=", "\"X\"") "]]},"
		    C("adultsPax", "=", "2") "," C("order.agency", "=", "\"A\"")
		    "," C("bookingType", "=", "\"OW\"") "]",
		    "provider IB 7; bookingType One Way; " },
	};
	struct catalog *c = unit_catalog();

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf why = BUF_INIT(4096), got = BUF_INIT(4096);
		struct filter_required q;
		struct filter *f = NULL;
		uint32_t at = 0;

		want_rc(compile(c, t[i].json, &f, &why), RC_OK, "%s: %s",
		    t[i].json, buf_str(&why));
		while (filter_required_next(f, &at, &q)) {
			buf_puts(&got, q.field->name);
			for (uint32_t k = 0; k < q.n; k++) {
				buf_putc(&got, ' ');
				buf_slice(&got, filter_required_value(&q, k));
			}
			buf_puts(&got, "; ");
		}
		want_str(buf_str(&got), t[i].want, "%s", t[i].json);
		filter_free(f);
		buf_free(&why);
		buf_free(&got);
	}
	assert_false(filter_required_next(NULL, &(uint32_t){ 0 },
	    &(struct filter_required){ NULL, NULL, 0, 0 }));
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
		{ "1e3", "1000", 0 }, { "1E+3", "1000.00", 0 },
		{ "12.50e1", "125", 0 }, { "125e-3", "0.125", 0 },
		{ "0.0001e4", "1", 0 }, { "1e400", "9e399", 1 },
		{ "-1e400", "-9e399", -1 }, { "0e999", "-0", 0 },
		{ "0e999", "1e-999", -1 }, { "-1e-999", "0", -1 },
		{ "1e99999999999999999999", "1e400", 1 },
		{ "1e-99999999999999999999", "1e-400", -1 },
		{ "1e-99999999999999999999", "0", 1 },
		{ "100e-2", "1", 0 }, { "99e-2", "1", -1 },
	};
	static const char *const none[] = { "", "-", ".", "1.", ".5", "1e",
	    "e3", "1e+", "1e3.5", "1e3e3", "+1", "1 ", "0x1", "--1", "1.2.3" };
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
	    cmocka_unit_test(
		every_operator_knows_every_type_and_what_is_not_of_it),
	    cmocka_unit_test(a_filter_has_limits_and_is_told_of_one_once),
	    cmocka_unit_test(what_a_filter_requires_is_told),
	    cmocka_unit_test(decimals_compare_by_their_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
