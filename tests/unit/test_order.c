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

static void
paths_lead_to_members_and_items(void **state)
{
	static const struct { const char *path, *want; } t[] = {
		{ "a.b.1", "7" }, { "a.b.0", "x" }, { "a.b", "[\"x\",7]" },
		{ "a.c", "-" }, { "a.b.2", "-" }, { "a.b.x", "-" },
		{ "a.b.1.z", "-" }, { "nothing", "-" }, { "a.", "-" },
		{ "a.b.99999999999", "-" }, { "k\xc3\xa9y", "ok" },
		{ "", "{\"a\":{\"b\":[\"x\",7],\"c\":null},"
		    "\"k\\u00e9y\":\"ok\"}" },
	};
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf b = BUF_INIT(4096);

	(void)state;
	unit_order(&o, c, "{\"a\":{\"b\":[\"x\",7],\"c\":null},"
	    "\"k\\u00e9y\":\"ok\"}");
	for (size_t i = 0; i < NELEM(t); i++) {
		struct order_value v = order_path(&o, slice_of(t[i].path));

		buf_clear(&b);
		if (v.found)
			order_value_text(&o, v, &b);
		else
			buf_puts(&b, "-");
		want_str(buf_str(&b), t[i].want, "\"%s\"", t[i].path);
	}
	order_free(&o);
	buf_free(&b);
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
	    cmocka_unit_test(comparing_text_sees_through_escapes),
	    cmocka_unit_test(an_order_is_an_object_and_sound_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
