#include "unit_shape.h"

struct seen {
	char	text[4096];
};

static void
note(void *arg, const char *pointer, const char *detail)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	(void)detail;
	snprintf(s->text + n, sizeof s->text - n, "%s%s", n > 0 ? " " : "",
	    pointer);
}

static void
check(const struct catalog *c, const char *json, const char *want)
{
	struct order o = ORDER_INIT;
	struct seen s = { "" };

	unit_order(&o, c, json);
	want_i64((int64_t)order_check(&o, note, &s) > 0, *want != '\0', "%s",
	    json);
	want_str(s.text, want, "%s", json);
	order_free(&o);
}

#define TEN "1234567890"
#define ALL_NULL "{\"agwID\":null,\"orderID\":null,\"pnr\":null," \
	"\"bookingType\":null,\"origin\":null,\"fullPath\":null," \
	"\"adultsPax\":null,\"totalAmount\":null,\"createdOn\":null," \
	"\"legs\":null,\"agent\":null}"

static void
values_are_checked_by_the_catalogues_types(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ "{}", "" },
		{ "{\"agwID\":null,\"adultsPax\":null}", "" },
		{ "{\"agwID\":12345678901234567890123456789012345678901}", "" },
		{ "{\"agwID\":true,\"pnr\":[]}", "/agwID /pnr" },
		{ "{\"adultsPax\":2,\"childrenPax\":\"1\"}", "" },
		{ "{\"adultsPax\":-2}", "" },
		{ "{\"adultsPax\":2.0}", "/adultsPax" },
		{ "{\"adultsPax\":2e0}", "/adultsPax" },
		{ "{\"adultsPax\":\"-2\"}", "/adultsPax" },
		{ "{\"adultsPax\":\"\"}", "/adultsPax" },
		{ "{\"adultsPax\":\"\\u0032\"}", "" },
		{ "{\"adultsPax\":\"2 \"}", "/adultsPax" },
		{ "{\"totalAmount\":412.90}", "" },
		{ "{\"totalAmount\":\"-412.90\"}", "" },
		{ "{\"totalAmount\":\"412.\"}", "/totalAmount" },
		{ "{\"totalAmount\":\".5\"}", "/totalAmount" },
		{ "{\"totalAmount\":\"1,5\"}", "/totalAmount" },
		{ "{\"totalAmount\":1e5}", "/totalAmount" },
		{ "{\"totalAmount\":123456789012345678901234567890.12345678}",
		    "" },
		{ "{\"totalAmount\":123456789012345678901234567890.123456789}",
		    "/totalAmount" },
		{ "{\"createdOn\":\"2026-11-23 10:00\"}", "" },
		{ "{\"createdOn\":\"2026-11-23T10:00:00+01:00\"}", "" },
		{ "{\"createdOn\":\"2026-02-30\"}", "/createdOn" },
		{ "{\"createdOn\":1732356000}", "/createdOn" },
		{ "{\"legs\":null}", "" },
		{ "{\"legs\":{}}", "/legs" },
		{ "{\"legs\":[{},7,{\"departure\":\"soon\",\"x\":[]}]}",
		    "/legs/1 /legs/2/departure" },
		{ "{\"other\":{\"adultsPax\":[]},\"AgwID\":[]}", "" },
		{ "{\"agwID\":-0,\"pnr\":1e400,\"agency\":-1.5E-3}", "" },
		{ "{\"adultsPax\":-0,\"childrenPax\":\"007\"}", "" },
		{ "{\"adultsPax\":\"-0\",\"childrenPax\":\"+1\"}",
		    "/adultsPax /childrenPax" },
		{ "{\"adultsPax\":\"0x2\",\"childrenPax\":true}",
		    "/adultsPax /childrenPax" },
		{ "{\"adultsPax\":\"" TEN TEN TEN TEN TEN "\"}", "" },
		{ "{\"adultsPax\":\"\\u0031" TEN TEN TEN TEN TEN TEN TEN TEN
		    TEN "\"}", "" },
		{ "{\"totalAmount\":0}", "" },
		{ "{\"totalAmount\":-0}", "" },
		{ "{\"totalAmount\":-0.00}", "" },
		{ "{\"totalAmount\":\"0\"}", "" },
		{ "{\"totalAmount\":\"007.50\"}", "" },
		{ "{\"totalAmount\":\"412\\u002e90\"}", "" },
		{ "{\"totalAmount\":\"+1\"}", "/totalAmount" },
		{ "{\"totalAmount\":\"--1\"}", "/totalAmount" },
		{ "{\"totalAmount\":\"1.2.3\"}", "/totalAmount" },
		{ "{\"totalAmount\":\"\"}", "/totalAmount" },
		{ "{\"totalAmount\":\"-\"}", "/totalAmount" },
		{ "{\"totalAmount\":\"1e5\"}", "/totalAmount" },
		{ "{\"totalAmount\":\" 1\"}", "/totalAmount" },
		{ "{\"createdOn\":\"2026-11-23t10:00:00z\"}", "" },
		{ "{\"createdOn\":\"2026-11-23 10:00:00.125-03:30\"}", "" },
		{ "{\"createdOn\":\"2026-11-23\"}", "" },
		{ "{\"createdOn\":\"2026-11-23T10:00:00\\u005a\"}", "" },
		{ "{\"createdOn\":\"2026-11-23T24:00:00Z\"}",
		    "/createdOn" },
		{ "{\"createdOn\":\"2026-11-23T10:00:00+1:00\"}",
		    "/createdOn" },
		{ "{\"createdOn\":\"23/11/2026\"}", "/createdOn" },
		{ "{\"createdOn\":\"\"}", "/createdOn" },
		{ ALL_NULL, "" },
		{ "{\"legs\":[{\"origin\":null,\"departure\":null}]}", "" },
		{ "{\"legs\":[null]}", "/legs/0" },
	};
	struct catalog *c = unit_catalog();

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		check(c, t[i].json, t[i].want);
	catalog_free(c);
}

static void
references_have_at_most_128_bytes(void **state)
{
	static const char *const name[] = { "agwID", "orderID", "pnr",
	    "recordLocator" };
	struct catalog *c = unit_catalog();
	char json[256], want[64];

	(void)state;
	for (size_t i = 0; i < NELEM(name); i++) {
		snprintf(json, sizeof json, "{\"%s\":\"%0128d\"}", name[i], 1);
		check(c, json, "");
		snprintf(json, sizeof json, "{\"%s\":\"%0129d\"}", name[i], 1);
		snprintf(want, sizeof want, "/%s", name[i]);
		check(c, json, want);
		snprintf(json, sizeof json, "{\"%s\":\"\\u0041%0127d\"}",
		    name[i], 1);
		check(c, json, "");
	}
	snprintf(json, sizeof json, "{\"agency\":\"%0129d\"}", 1);
	check(c, json, "");
	catalog_free(c);
}

static void
fields_are_read_as_they_were_sent(void **state)
{
	static const struct { const char *json, *field, *want; } t[] = {
		{ "{\"totalAmount\":\"412.90\"}", "totalAmount", "412.90" },
		{ "{\"totalAmount\":412.90}", "totalAmount", "412.90" },
		{ "{\"agency\":\"a\\u00e9\\n\\\"\\ud83d\\ude00\\/\"}",
		    "agency", "a\xc3\xa9\n\"\xf0\x9f\x98\x80/" },
		{ "{\"\\u0061gwID\":\"x\"}", "agwID", "x" },
		{ "{\"agwID\":null}", "agwID", "(absent)" },
		{ "{\"bookingType\":\"OW\"}", "bookingType", "One Way" },
		{ "{\"bookingType\":\"RT\"}", "bookingType", "Round Trip" },
		{ "{\"bookingType\":\"MC\"}", "bookingType", "Multicity" },
		{ "{\"bookingType\":\"rt\"}", "bookingType", "rt" },
		{ "{\"bookingType\":\"\\u004fW\"}", "bookingType",
		    "One Way" },
		{ "{\"bookingType\":\"R\\u0054\"}", "bookingType",
		    "Round Trip" },
		{ "{\"bookingType\":\"\\u004f\\u0057 \"}", "bookingType",
		    "OW " },
		{ "{\"bookingType\":\"\\u004f" TEN TEN TEN TEN TEN TEN TEN
		    TEN "\"}", "bookingType", "O" TEN TEN TEN TEN TEN TEN TEN
		    TEN },
		{ "{\"adultsPax\":-2}", "adultsPax", "-2" },
		{ "{\"adultsPax\":-0}", "adultsPax", "-0" },
		{ "{\"adultsPax\":\"007\"}", "adultsPax", "007" },
		{ "{\"pnr\":1E+05}", "pnr", "1E+05" },
		{ "{\"totalAmount\":-0.00}", "totalAmount", "-0.00" },
		{ "{\"totalAmount\":\"412\\u002e90\"}", "totalAmount",
		    "412.90" },
		{ "{\"createdOn\":\"2026-11-23t10:00:00z\"}", "createdOn",
		    "2026-11-23t10:00:00z" },
		{ "{\"createdOn\":\"2026-11-23 10:00:00.125-03:30\"}",
		    "createdOn", "2026-11-23 10:00:00.125-03:30" },
		{ "{\"agency\":\"\"}", "agency", "" },
		{ "{\"agency\":false}", "agency", "false" },
		{ ALL_NULL, "fullPath", "(absent)" },
		{ "{\"agent\":{\"a\": 1}}", "agent", "{\"a\": 1}" },
		{ "{\"adultsPax\":1234567890123456789012345678901234567890}",
		    "adultsPax", "1234567890123456789012345678901234567890" },
	};
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf b = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		unit_order(&o, c, t[i].json);
		want_str(unit_field(&o, t[i].field, &b), t[i].want, "%s",
		    t[i].json);
	}
	order_free(&o);
	buf_free(&b);
	catalog_free(c);
}

#define LEG(a, b) "{\"origin\":\"" a "\",\"destination\":\"" b "\"}"
#define LEGT(a, b, dep, arr) "{\"origin\":\"" a "\",\"destination\":\"" b \
	"\",\"departure\":\"2026-12-" dep "\",\"arrival\":\"2026-12-" arr "\"}"

static void
a_journey_is_derived_from_its_legs(void **state)
{
	static const struct {
		const char *legs, *origin, *destination, *path, *booking;
	} t[] = {
		{ LEG("MAD", "LHR"), "MAD", "LHR", "MAD-LHR", "One Way" },
		{ LEG("MAD", "LHR") "," LEG("LHR", "MAD"), "MAD", "LHR",
		    "MAD-LHR, LHR-MAD", "Round Trip" },
		{ LEG("MAD", "LHR") "," LEG("LHR", "JFK"), "MAD", "JFK",
		    "MAD-LHR, LHR-JFK", "One Way" },
		{ LEG("MAD", "LHR") "," LEG("CDG", "MAD"), "MAD", "MAD",
		    "MAD-LHR, CDG-MAD", "Multicity" },
		{ LEG("MAD", "LHR") "," LEG("LHR", "JFK") "," LEG("JFK", "LHR")
		    "," LEG("LHR", "MAD"), "MAD", "JFK",
		    "MAD-LHR, LHR-JFK, JFK-LHR, LHR-MAD", "Round Trip" },
		{ LEG("MAD", "LHR") "," LEG("LHR", "JFK") "," LEG("JFK", "MAD"),
		    "MAD", "MAD", "MAD-LHR, LHR-JFK, JFK-MAD", "Multicity" },
		/* out direct, back with a connection: the stay tells */
		{ LEGT("MAD", "JFK", "01T10:00:00Z", "01T18:00:00Z") ","
		    LEGT("JFK", "LHR", "08T10:00:00Z", "08T17:00:00Z") ","
		    LEGT("LHR", "MAD", "08T19:00:00Z", "08T21:00:00Z"),
		    "MAD", "JFK", "MAD-JFK, JFK-LHR, LHR-MAD", "Round Trip" },
		{ LEGT("MAD", "LHR", "01T10:00:00Z", "01T12:00:00Z") ","
		    LEGT("LHR", "JFK", "05T10:00:00Z", "05T17:00:00Z"),
		    "MAD", "JFK", "MAD-LHR, LHR-JFK", "Multicity" },
		{ LEG("M\\u0041D", "L\\u0048R") "," LEG("LHR", "MAD"),
		    "MAD", "LHR", "MAD-LHR, LHR-MAD", "Round Trip" },
		{ LEG("MAD", "L\\u0048R") "," LEG("LH\\u0052", "M\\u0041D"),
		    "MAD", "LHR", "MAD-LHR, LHR-MAD", "Round Trip" },
		{ LEG("MAD", "\\u004cHR") "," LEG("\\u004cHRX", "MAD"),
		    "MAD", "MAD", "MAD-LHR, LHRX-MAD", "Multicity" },
		{ LEG("MAD", "L\\u0048R") "," LEG("L\\u0048S", "MAD"),
		    "MAD", "MAD", "MAD-LHR, LHS-MAD", "Multicity" },
		/* the stay tells though its times are written with escapes */
		{ LEGT("MAD", "LHR", "01T10:00:00Z", "01T12:00:00\\u005a") ","
		    LEGT("LHR", "JFK", "\\u00305T10:00:00Z", "05T17:00:00Z"),
		    "MAD", "JFK", "MAD-LHR, LHR-JFK", "Multicity" },
	};
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf b = BUF_INIT(4096);
	char json[2048];

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		snprintf(json, sizeof json, "{\"legs\":[%s]}", t[i].legs);
		unit_order(&o, c, json);
		want_str(unit_field(&o, "origin", &b), t[i].origin, "%s", json);
		want_str(unit_field(&o, "fullPath", &b), t[i].path, "%s", json);
		want_str(unit_field(&o, "destination", &b), t[i].destination,
		    "%s", json);
		want_str(unit_field(&o, "bookingType", &b), t[i].booking, "%s",
		    json);
	}
	order_free(&o);
	buf_free(&b);
	catalog_free(c);
}

static void
what_was_sent_stands_before_what_is_derived(void **state)
{
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf b = BUF_INIT(4096);

	(void)state;
	unit_order(&o, c, "{\"origin\":\"BCN\",\"destination\":null,"
	    "\"bookingType\":\"MC\",\"legs\":[" LEG("MAD", "LHR") "]}");
	want_str(unit_field(&o, "origin", &b), "BCN", "origin");
	want_str(unit_field(&o, "destination", &b), "LHR", "destination");
	want_str(unit_field(&o, "bookingType", &b), "Multicity", "booking");
	/* the memory of the one before shows through nowhere */
	unit_order(&o, c, "{\"legs\":[" LEG("MAD", "LHR") ",{}]}");
	want_str(unit_field(&o, "origin", &b), "(absent)", "origin");
	want_str(unit_field(&o, "fullPath", &b), "(absent)", "fullPath");
	want_str(unit_field(&o, "bookingType", &b), "(absent)", "booking");
	unit_order(&o, c, "{\"legs\":[]}");
	want_str(unit_field(&o, "origin", &b), "(absent)", "origin");
	unit_order(&o, c, "{\"legs\":{\"origin\":\"MAD\"}}");
	want_str(unit_field(&o, "origin", &b), "(absent)", "origin");
	order_free(&o);
	buf_free(&b);
	catalog_free(c);
}

/* Each path in each order; "-" is none. */
static void
paths_lead_to_members_and_items(void **state)
{
	static const char one[] = "{\"a\":{\"b\":[\"x\",7],\"c\":null},"
	    "\"k\\u00e9y\":\"ok\"}";
	static const char dots[] = "{\"a.b\":1,\"a\":{\"c\":2,\"d.e\":3,"
	    "\"d\":4},\"x.y.z\":{\"p.q\":[5,{\"r.\":6}]},\"\\u0061.c.d\":7,"
	    "\"a.b.c\":{\"\":8}}";
	static const char odd[] = "{\"\":{\"\":1,\"x\":2},\".\":3,\"..\":4,"
	    "\"0\":{\"0\":[5]},\"big\":" TEN TEN TEN ",\"exp\":-1.5E+3,"
	    "\"zero\":-0,\"no\":null,\"t\":true,\"e\":[],\"deep\":[[[6]]],"
	    "\"sp ace\":7,\"q\\\"uote\":8,\"\\ud83d\\ude00\":9}";
	static const struct { const char *order, *path, *want; } t[] = {
		{ one, "a.b.1", "7" }, { one, "a.b.0", "x" },
		{ one, "a.b", "[\"x\",7]" }, { one, "a.c", "-" },
		{ one, "a.b.2", "-" }, { one, "a.b.x", "-" },
		{ one, "a.b.1.z", "-" }, { one, "nothing", "-" },
		{ one, "a.", "-" }, { one, "a.b.99999999999", "-" },
		{ one, "a.b.01", "-" }, { one, "a.b.-1", "-" },
		{ one, "a.b.", "-" }, { one, "k\xc3\xa9y", "ok" },
		{ one, "", one },
		{ dots, "a.b", "1" }, { dots, "a.c", "2" },
		{ dots, "a.d", "4" }, { dots, "a.d.e", "3" },
		{ dots, "x.y.z.p.q.0", "5" }, { dots, "x.y.z.p.q.1.r.", "6" },
		{ dots, "x.y.z.p.q.1.r", "-" }, { dots, "x.y", "-" },
		{ dots, "x.y.z.p", "-" }, { dots, "a.c.d", "7" },
		{ dots, "a.b.c.", "8" }, { dots, "a.b.c", "{\"\":8}" },
		{ odd, ".x", "2" }, { odd, ".", "1" }, { odd, "..", "4" },
		{ odd, "0.0.0", "5" }, { odd, "0.0", "[5]" },
		{ odd, "big", TEN TEN TEN }, { odd, "exp", "-1.5E+3" },
		{ odd, "zero", "-0" }, { odd, "no", "-" },
		{ odd, "no.x", "-" }, { odd, "t", "true" },
		{ odd, "e", "[]" }, { odd, "e.0", "-" },
		{ odd, "deep.0.0.0", "6" }, { odd, "sp ace", "7" },
		{ odd, "q\"uote", "8" }, { odd, "\xf0\x9f\x98\x80", "9" },
		/* the name between dots comes before the key with a dot */
		{ "{\"a.b\":1,\"a\":{\"b\":2}}", "a.b", "2" },
		{ "{\"a.b.c\":1,\"a.b\":{\"c\":2}}", "a.b.c", "2" },
		{ "{\"a.b\":{\"c\":2},\"a\":{\"b.c\":1}}", "a.b.c", "1" },
		{ "{\"a.b\":1,\"a\":{\"b\":null}}", "a.b", "-" },
		{ "{\"a.b.c\":{\"d\":2},\"a.b\":{\"c.d\":1}}", "a.b.c.d",
		    "1" },
		{ "{\"a.b\":{\"c.d\":1},\"a.b.c\":{\"d\":2}}", "a.b.c.d",
		    "1" },
		{ "{\"z\":{\"a\":{\"b\":1}},\"a\":{}}", "a.b", "-" },
	};
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf b = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct order_value v;

		unit_order(&o, c, t[i].order);
		v = order_path(&o, slice_of(t[i].path));
		buf_clear(&b);
		if (v.found)
			order_value_text(&o, v, &b);
		else
			buf_puts(&b, "-");
		want_str(buf_str(&b), t[i].want, "\"%s\" in %s", t[i].path,
		    t[i].order);
	}
	order_free(&o);
	buf_free(&b);
	catalog_free(c);
}

static void
a_very_long_key_is_reached(void **state)
{
	enum { LONG = 200000 };
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf json = BUF_INIT(1024 * 1024), key = BUF_INIT(1024 * 1024);

	(void)state;
	for (size_t i = 0; i < LONG; i++)
		buf_putc(&key, i % 7 == 3 ? '.' : 'k');
	buf_printf(&json, "{\"%s\":{\"x\":7}}", buf_str(&key));
	unit_order(&o, c, buf_str(&json));
	want_slice(order_path(&o, buf_as_slice(&key)).text,
	    SLICE("{\"x\":7}"), "the key");
	buf_puts(&key, ".x");
	want_slice(order_path(&o, buf_as_slice(&key)).text, SLICE("7"),
	    "the member below it");
	order_free(&o);
	buf_free(&json);
	buf_free(&key);
	catalog_free(c);
}

/* A budget is kept by what a walk costs, so that must not grow by dots. */
static void
a_walk_looks_at_no_member_more_than_twice(void **state)
{
	enum { MEMBERS = 2000 };
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf json = BUF_INIT(1024 * 1024), path = BUF_INIT(1024 * 1024);
	uint64_t cost = 0;

	(void)state;
	buf_puts(&json, "{\"a\":{\"a\":{\"a\":7}}");
	for (size_t i = 1; i < MEMBERS; i++) {
		buf_puts(&json, ",\"");
		for (size_t k = 0; k <= i % 100; k++)
			buf_puts(&json, "a.");
		buf_printf(&json, "%s%zu\":{\"a\":1}", i < 100 ? "a" : "b", i);
	}
	buf_putc(&json, '}');
	for (size_t i = 0; i < 5000; i++)
		buf_puts(&path, "a.");
	unit_order(&o, c, buf_str(&json));
	want_i64(order_walk(&o.doc, 0, buf_as_slice(&path), &cost), 0, "walk");
	if (cost == 0 || cost > 2 * (uint64_t)o.doc.n)
		fail_msg("got %" PRIu64 " looked at of %" PRIu32, cost,
		    o.doc.n);
	order_free(&o);
	buf_free(&json);
	buf_free(&path);
	catalog_free(c);
}

static void
short_text_is_unescaped_and_long_text_is_not_meant(void **state)
{
	static const struct { const char *json, *want; } t[] = {
		{ "\"abc\"", "abc" }, { "\"\\u0061bc\"", "abc" },
		{ "\"\"", "" }, { "12.50", "12.50" },
		{ "\"\\u0031" TEN TEN TEN TEN TEN TEN TEN "123456789\"",
		    "1" TEN TEN TEN TEN TEN TEN TEN "123456789" },
		{ "\"\\u0031" TEN TEN TEN TEN TEN TEN TEN TEN "\"", NULL },
		{ "\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN "\"",
		    TEN TEN TEN TEN TEN TEN TEN TEN TEN },
	};
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	char json[256], tmp[ORDER_SHORT_MAX];

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct slice s;

		snprintf(json, sizeof json, "{\"x\":%s}", t[i].json);
		unit_order(&o, c, json);
		s = order_value_short(order_path(&o, SLICE("x")), tmp);
		if (t[i].want == NULL)
			assert_null(s.s);
		else
			want_slice(s, slice_of(t[i].want), "%s", t[i].json);
	}
	order_free(&o);
	catalog_free(c);
}

static void
comparing_text_sees_through_escapes(void **state)
{
	static const struct { const char *json, *s; bool is, begins; } t[] = {
		{ "\"abc\"", "abc", true, true },
		{ "\"abc\"", "ab", false, true },
		{ "\"abc\"", "abcd", false, false },
		{ "\"abc\"", "", false, true },
		{ "\"\"", "", true, true },
		{ "\"\\u0061bc\"", "abc", true, true },
		{ "\"a\\u0062c\"", "ab", false, true },
		{ "\"a\\ud83d\\ude00\"", "a\xf0\x9f\x98\x80", true, true },
		{ "\"a\\ud83d\\ude00\"", "a\xf0\x9f", false, true },
		{ "\"a\\n\"", "a\n", true, true },
		{ "\"a\\n\"", "a\\n", false, false },
	};
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	char json[256];

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct order_value v;

		snprintf(json, sizeof json, "{\"agent\":%s}", t[i].json);
		unit_order(&o, c, json);
		v = order_path(&o, SLICE("agent"));
		want_i64(order_value_is(v, slice_of(t[i].s)), t[i].is,
		    "%s is %s", t[i].json, t[i].s);
		want_i64(order_value_begins(v, slice_of(t[i].s)), t[i].begins,
		    "%s begins %s", t[i].json, t[i].s);
	}
	order_free(&o);
	catalog_free(c);
}

static void
an_order_is_an_object_and_sound_json(void **state)
{
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct json_error err;

	(void)state;
	want_rc(order_read(&o, c, SLICE("[]"), &err), RC_INVALID, "array");
	assert_string_equal(err.detail, "an order is a JSON object");
	want_rc(order_read(&o, c, SLICE("{\"a\":NaN}"), &err), RC_INVALID,
	    "NaN");
	want_rc(order_read(&o, c, SLICE("{\"a\":1,\"a\":2}"), &err),
	    RC_INVALID, "duplicate");
	order_free(&o);
	catalog_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_checked_by_the_catalogues_types),
	    cmocka_unit_test(references_have_at_most_128_bytes),
	    cmocka_unit_test(fields_are_read_as_they_were_sent),
	    cmocka_unit_test(a_journey_is_derived_from_its_legs),
	    cmocka_unit_test(what_was_sent_stands_before_what_is_derived),
	    cmocka_unit_test(paths_lead_to_members_and_items),
	    cmocka_unit_test(a_very_long_key_is_reached),
	    cmocka_unit_test(a_walk_looks_at_no_member_more_than_twice),
	    cmocka_unit_test(
		short_text_is_unescaped_and_long_text_is_not_meant),
	    cmocka_unit_test(comparing_text_sees_through_escapes),
	    cmocka_unit_test(an_order_is_an_object_and_sound_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
