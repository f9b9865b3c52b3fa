#include <sys/stat.h>
#include <unistd.h>
#include "unit_shape.h"

#define PASSENGER "passenger reasons and documents"

/* The names and their order, exactly as the service promises them. */
static const struct { const char *name, *group; } events[] = {
	{ "OrderCreated", "lifecycle" }, { "OrderCanceled", "lifecycle" },
	{ "OrderTicketed", "lifecycle" }, { "OrderStarted", "lifecycle" },
	{ "OrderCompleted", "lifecycle" }, { "OrderDisrupted", "lifecycle" },
	{ "ItineraryChange", "lifecycle" }, { "ServicesAddition", "lifecycle" },
	{ "ServicesRemoval", "lifecycle" }, { "SeatsAddition", "lifecycle" },
	{ "SeatsRemoval", "lifecycle" }, { "FlightNumberChange", "airline" },
	{ "FlightTimeChange", "airline" }, { "FlightCancelation", "airline" },
	{ "PermanentWithfrawan", "airline" }, { "LaborDisrupt", "airline" },
	{ "Strike", "airline" }, { "Weather", "airline" },
	{ "NaturalDisaster", "airline" },
	{ "FlightBookingCancelledOutsideSchedule", "airline" },
	{ "SeatChange", "airline" }, { "Bereavement", PASSENGER },
	{ "NoReasonGiven", PASSENGER }, { "Illness", PASSENGER },
	{ "Voluntary", PASSENGER }, { "NeedDocumentation", PASSENGER },
	{ "UnacceptableReacomodation", PASSENGER },
	{ "PaymentTimeLimitExpired", "notifications" },
	{ "PassengerNoShowNotification", "notifications" },
	{ "ChangeByPassengerNotification", "notifications" },
	{ "UnknownNotification", "notifications" },
};

static const char *const fields[] = { "agwID", "orderID", "pnr",
	"recordLocator", "bookingType", "origin", "destination", "fullPath",
	"adultsPax", "childrenPax", "infantsPax", "orderStatus", "totalAmount",
	"createdOn", "updatedOn", "sessionId", "agentEmail", "consumerEmail",
	"psgPhone", "psgEmail", "consumerIataCode", "consumerCountryCode",
	"consumer", "provider", "agent", "agency" };

static const char *const operational[] = { "skycap.subscription.failing",
	"skycap.subscription.warning", "skycap.subscription.disabled",
	"skycap.subscription.recovered", "skycap.mail.failing",
	"skycap.mail.recovered" };

static void
all_31_events_are_there_in_order_with_their_groups(void **state)
{
	struct catalog *c = unit_catalog();

	(void)state;
	for (size_t i = 0; i < NELEM(events); i++) {
		const struct catalog_event *e = catalog_event_at(c, i);

		assert_non_null(e);
		want_str(e->name, events[i].name, "event %zu", i);
		want_str(e->group, events[i].group, "%s", e->name);
		want_i64(e->index, (int64_t)i, "%s", e->name);
		assert_ptr_equal(catalog_event_find(c, slice_of(e->name)), e);
		assert_true(strlen(e->meaning) > 10);
	}
	for (size_t i = 0; i < NELEM(operational); i++) {
		const struct catalog_event *e = catalog_event_at(c,
		    NELEM(events) + i);

		assert_non_null(e);
		want_str(e->name, operational[i], "behind them");
		want_str(e->group, "operational", "%s", e->name);
		want_i64(e->index, (int64_t)(NELEM(events) + i), "%s",
		    e->name);
		assert_ptr_equal(catalog_event_find(c, slice_of(e->name)), e);
		assert_null(*e->alias);
		assert_true(strlen(e->meaning) > 10);
	}
	assert_null(catalog_event_at(c, NELEM(events) + NELEM(operational)));
	catalog_free(c);
}

static void
only_the_services_own_events_are_operational_and_have_its_prefix(void **state)
{
	struct catalog *c = unit_catalog();
	const struct catalog_event *e;

	(void)state;
	for (size_t i = 0; (e = catalog_event_at(c, i)) != NULL; i++) {
		size_t n = strlen(CATALOG_OPERATIONAL_PREFIX);

		want_i64(catalog_is_operational(e), i >= NELEM(events), "%s",
		    e->name);
		want_i64(strncmp(e->name, CATALOG_OPERATIONAL_PREFIX, n) == 0,
		    i >= NELEM(events), "%s's prefix", e->name);
	}
	catalog_free(c);
}

/* What it says is no order, and of an order's fields has its name at most. */
static void
the_sample_of_an_operational_event_is_its_object(void **state)
{
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf b = BUF_INIT(65536);

	(void)state;
	for (size_t i = 0; i < NELEM(operational); i++) {
		buf_clear(&b);
		catalog_sample_order(c, catalog_event_find(c,
		    slice_of(operational[i])), &b);
		unit_order(&o, c, buf_str(&b));
		assert_true(order_path(&o, SLICE("subscription")).found ||
		    order_path(&o, SLICE("server")).found);
		for (size_t k = 1; k < NELEM(fields); k++)
			want_i64(o.at[k], 0, "%s has %s", operational[i],
			    fields[k]);
	}
	order_free(&o);
	buf_free(&b);
	catalog_free(c);
}

static void
all_26_fields_are_there_in_order_and_found_by_name_and_place(void **state)
{
	struct catalog *c = unit_catalog();

	(void)state;
	for (size_t i = 0; i < NELEM(fields); i++) {
		const struct catalog_field *f = catalog_field_at(c, i);
		struct slice name = slice_of(fields[i]);

		assert_non_null(f);
		want_str(f->name, fields[i], "field %zu", i);
		want_i64(f->index, (int64_t)i, "%s", f->name);
		assert_ptr_equal(catalog_field_find(c, name), f);
		assert_ptr_equal(catalog_field_member(c, name), f);
	}
	assert_null(catalog_field_at(c, NELEM(fields)));
	want_i64((int64_t)catalog_field_count(c), NELEM(fields), "count");
	assert_null(catalog_field_deep(c, 0));
	assert_null(catalog_field_find(c, SLICE("agwId")));
	assert_null(catalog_field_find(c, SLICE("")));
	catalog_free(c);
}

static void
the_right_spellings_are_aliases_of_those_on_the_wire(void **state)
{
	static const struct { const char *alias, *name; } t[] = {
		{ "FlightCancellation", "FlightCancelation" },
		{ "PermanentWithdrawal", "PermanentWithfrawan" },
		{ "UnacceptableReaccommodation", "UnacceptableReacomodation" },
		{ "OrderCancelled", "OrderCanceled" },
		{ "OrderChanged", "ItineraryChange" },
	};
	struct catalog *c = unit_catalog();

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		const struct catalog_event *e = catalog_event_find(c,
		    slice_of(t[i].alias));

		assert_non_null(e);
		want_str(e->name, t[i].name, "%s", t[i].alias);
		want_str(e->alias[0], t[i].alias, "%s", t[i].name);
	}
	assert_null(catalog_event_find(c, SLICE("ordercreated")));
	catalog_free(c);
}

static void
a_mistyped_name_finds_the_nearest_one(void **state)
{
	struct catalog *c = unit_catalog();

	(void)state;
	want_str(catalog_event_nearest(c, SLICE("OrderTicketd")),
	    "OrderTicketed", "event");
	want_str(catalog_field_nearest(c, SLICE("agwId")), "agwID", "field");
	assert_null(catalog_field_nearest(c, SLICE("zzzzzzzzzzzz")));
	catalog_free(c);
}

static void
count(void *arg, const char *pointer, const char *detail)
{
	print_error("%s: %s\n", pointer, detail);
	++*(int *)arg;
}

static void
every_sample_order_is_a_sound_order_with_every_field(void **state)
{
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf b = BUF_INIT(65536);
	int faults = 0;

	(void)state;
	for (size_t i = 0; i < NELEM(events); i++) {
		buf_clear(&b);
		catalog_sample_order(c, catalog_event_at(c, i), &b);
		unit_order(&o, c, buf_str(&b));
		want_i64((int64_t)order_check(&o, count, &faults), 0, "%s",
		    catalog_event_at(c, i)->name);
		for (size_t k = 0; k < NELEM(fields); k++)
			assert_true(o.at[k] != 0);
		assert_true(o.legs != 0);
	}
	order_free(&o);
	buf_free(&b);
	catalog_free(c);
}

static void
the_sample_of_an_event_has_the_state_that_fits(void **state)
{
	static const struct { const char *event, *status; } t[] = {
		{ "OrderCreated", "on hold" }, { "OrderCanceled", "cancelled" },
		{ "OrderTicketed", "ticketed" }, { "OrderStarted", "started" },
		{ "OrderCompleted", "completed" },
		{ "OrderDisrupted", "ticketed" }, { "Strike", "ticketed" },
		{ "PaymentTimeLimitExpired", "expired" },
	};
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT;
	struct buf b = BUF_INIT(65536), text = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&b);
		catalog_sample_order(c, catalog_event_find(c,
		    slice_of(t[i].event)), &b);
		unit_order(&o, c, buf_str(&b));
		want_str(unit_field(&o, "orderStatus", &text), t[i].status,
		    "%s", t[i].event);
	}
	order_free(&o);
	buf_free(&b);
	buf_free(&text);
	catalog_free(c);
}

/* What a field says of the legs is what the legs say themselves. */
static void
the_samples_fields_agree_with_its_legs(void **state)
{
	struct catalog *c = unit_catalog();
	struct order o = ORDER_INIT, bare = ORDER_INIT;
	struct buf b = BUF_INIT(65536), legs = BUF_INIT(65536);
	struct buf one = BUF_INIT(4096), two = BUF_INIT(4096);
	const struct catalog_field *f;
	size_t n = 0;

	(void)state;
	catalog_sample_order(c, NULL, &b);
	unit_order(&o, c, buf_str(&b));
	buf_puts(&legs, "{\"legs\":");
	buf_slice(&legs, json_text(&o.doc, o.legs));
	buf_putc(&legs, '}');
	unit_order(&bare, c, buf_str(&legs));
	for (size_t i = 0; (f = catalog_field_at(c, i)) != NULL; i++) {
		if (f->derived == CATALOG_SENT)
			continue;
		want_str(unit_field(&o, f->name, &one),
		    unit_field(&bare, f->name, &two), "%s", f->name);
		n++;
	}
	want_i64((int64_t)n, 4, "derived fields");
	order_free(&o);
	order_free(&bare);
	buf_free(&b);
	buf_free(&legs);
	buf_free(&one);
	buf_free(&two);
	catalog_free(c);
}

static void
what_is_personal_is_marked(void **state)
{
	static const char want[] = "sessionId agentEmail consumerEmail "
	    "psgPhone psgEmail agent ";
	struct catalog *c = unit_catalog();
	struct buf b = BUF_INIT(4096);
	const struct catalog_field *f;

	(void)state;
	for (size_t i = 0; (f = catalog_field_at(c, i)) != NULL; i++)
		if (f->personal)
			buf_printf(&b, "%s ", f->name);
	want_str(buf_str(&b), want, "personal");
	buf_free(&b);
	catalog_free(c);
}

static void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Load a catalogue from its text, with what extends it, or NULL. */
static enum rc
load_both(const char *text, const char *more, struct catalog **c,
    struct buf *why)
{
	const char *tmp = getenv("TMPDIR");
	char dir[512], data[600], conf[600], one[700], two[700];
	enum rc rc;

	snprintf(dir, sizeof dir, "%s/catalog-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(dir));
	snprintf(data, sizeof data, "%s/data", dir);
	assert_int_equal(mkdir(data, 0700), 0);
	snprintf(conf, sizeof conf, "%s/skycap.conf", dir);
	snprintf(one, sizeof one, "%s/catalog.json", data);
	snprintf(two, sizeof two, "%s/catalog.json", dir);
	put_file(one, text);
	if (more != NULL)
		put_file(two, more);
	rc = catalog_open(c, data, conf, why);
	unlink(one);
	unlink(two);
	rmdir(data);
	rmdir(dir);
	return rc;
}

static enum rc
load(const char *text, struct catalog **c, struct buf *why)
{
	return load_both(text, NULL, c, why);
}

#define EV(more) "{\"name\":\"A\",\"group\":\"g\",\"meaning\":\"m\"" more "}"
#define FI(name, more) "{\"name\":\"" name "\",\"type\":\"text\"," \
	"\"sample\":\"s\",\"meaning\":\"m\"" more "}"
#define LEGS "\"legs\":{\"fields\":[" FI("origin", "") "],\"sample\":[{}]}"
#define DEEP "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"	/* 16 */
#define CAT(e, f) "{\"events\":[" e "],\"fields\":[" f "]," LEGS "}"

static void
a_wrong_catalogue_is_refused_with_its_place(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "{", "line 1, column 2" },
		{ "[]", "must be an object" },
		{ "{\"events\":[],\"fields\":[]}", "/events must be a list" },
		{ "{\"evnts\":[]}", "/evnts is not a member" },
		{ CAT("{\"name\":\"A\"}", FI("agwID", "")), "lacks group" },
		{ CAT(EV(",\"color\":1"), FI("agwID", "")), "/events/0/color" },
		{ CAT(EV("") "," EV(""), FI("agwID", "")), "there already: A" },
		{ CAT(EV(",\"alias\":[\"A\"]"), FI("agwID", "")),
		    "/events/0/alias/0 is there already: A" },
		{ CAT(EV(",\"alias\":[7]"), FI("agwID", "")),
		    "/events/0/alias/0 must be a name" },
		{ CAT(EV(""), FI("pnr", "")), "lack agwID" },
		{ CAT(EV(""), FI("agwID", "") "," FI("legs", "")), "reserved" },
		{ CAT(EV(""), FI("agwID", "") "," FI("a b", "")), "a b" },
		{ CAT(EV(""), FI("agwID", "") "," FI("agwID", "")), "already" },
		{ CAT(EV(""), FI("agwID", ",\"pointer\":\"agwID\"")),
		    "none of RFC 6901: agwID" },
		{ CAT(EV(""), FI("agwID", ",\"pointer\":\"\"")),
		    "/fields/0/pointer must be a string, and not empty" },
		{ CAT(EV(""), FI("agwID", ",\"pointer\":\"/a~2\"")),
		    "none of RFC 6901: /a~2" },
		{ CAT(EV(""), FI("agwID", ",\"pointer\":\"/a~\"")),
		    "none of RFC 6901: /a~" },
		{ CAT(EV(""), FI("agwID", ",\"pointer\":\"" DEEP DEEP "/x\"")),
		    "deeper than any order" },
		{ CAT(EV(""), FI("agwID", ",\"pointer\":\"/p/0\"") ","
		    FI("x", ",\"pointer\":\"\\u002fp/0\"")),
		    "has the place of agwID" },
		{ CAT(EV(""), FI("agwID", ",\"pointer\":\"/a/b/c\"") ","
		    FI("x", ",\"pointer\":\"/a\"")),
		    "has the place of agwID" },
		{ CAT(EV(""), FI("agwID", "") "," FI("x",
		    ",\"pointer\":\"/legs/0\"")), "place of the legs, or" },
		{ CAT(EV(""), FI("agwID", "") "," FI("x",
		    ",\"pointer\":\"/legs/last/x\"")),
		    "with the field x is wrong: /legs must be a list" },
		{ CAT(EV(""), FI("agwID", "") "," FI("x",
		    ",\"pointer\":\"/legs/0/origin/code\"")),
		    "with the field x is wrong: /legs/0/origin must be" },
		{ CAT(EV(""), FI("agwID", "") ",{\"name\":\"x\","
		    "\"type\":\"integer\",\"sample\":\"s\","
		    "\"meaning\":\"m\"}"), "/fields/1/sample must be an "
		    "integer" },
		{ "{\"events\":[" EV("") "],\"fields\":[" FI("agwID", "")
		    "],\"legs\":{\"fields\":[" FI("origin", "")
		    "],\"sample\":[7]}}", "sample order is wrong: /legs/0 must "
		    "be an object" },
		{ "{\"events\":[" EV("") "],\"fields\":[" FI("agwID", "")
		    "],\"legs\":{\"fields\":[" FI("a", "") "," FI("a", "")
		    "],\"sample\":[{}]}}", "/legs/fields/1 is there already: "
		    "a" },
		{ CAT(EV(""), FI("agwID", "") "," FI("x",
		    ",\"pointer\":\"/agwID/x\"")), "has the place of agwID" },
		{ CAT(EV(""), FI("agwID", "") "," FI("x",
		    ",\"pointer\":\"/legs/x\"")), "place of the legs, or" },
		{ CAT(EV(""), FI("agwID", ",\"personal\":1")),
		    "/fields/0/personal must be true or false" },
		{ CAT(EV(""), FI("agwID", ",\"derived\":\"x\"")), "derived" },
	};
	struct catalog *c = NULL;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf why = BUF_INIT(4096);

		want_rc(load(t[i].text, &c, &why), RC_INVALID, "%s", t[i].text);
		if (strstr(buf_str(&why), t[i].why) == NULL)
			fail_msg("%s: got \"%s\", want \"%s\" in it", t[i].text,
			    buf_str(&why), t[i].why);
		buf_free(&why);
	}
}

static void
a_catalogue_that_is_not_there_is_not_found(void **state)
{
	struct buf why = BUF_INIT(4096);
	struct catalog *c;

	(void)state;
	want_rc(catalog_load(&c, "/nonexistent/catalog.json", &why),
	    RC_NOTFOUND, "load");
	assert_true(why.len > 0);
	buf_free(&why);
}

static void
fields_may_stand_deep_in_the_order(void **state)
{
	struct catalog *c = NULL;
	struct order o = ORDER_INIT;
	struct buf why = BUF_INIT(4096), b = BUF_INIT(4096);

	(void)state;
	want_rc(load(CAT(EV(""), FI("agwID", "") ","
	    FI("mail", ",\"pointer\":\"/contact/mail\"") ","
	    FI("name", ",\"pointer\":\"/contact/person/name\"")), &c, &why),
	    RC_OK, "%s", buf_str(&why));
	catalog_sample_order(c, NULL, &b);
	want_str(buf_str(&b), "{\"agwID\":\"s\",\"contact\":{\"mail\":\"s\","
	    "\"person\":{\"name\":\"s\"}},\"legs\":[{\"origin\":\"s\"}]}",
	    "sample");
	unit_order(&o, c, "{\"contact\":{\"person\":{\"name\":\"Ana\"}},"
	    "\"mail\":\"not this one\"}");
	want_str(unit_field(&o, "name", &b), "Ana", "name");
	want_str(unit_field(&o, "mail", &b), "(absent)", "mail");
	unit_order(&o, c, "{\"contact\":[]}");
	want_str(unit_field(&o, "name", &b), "(absent)", "name");
	order_free(&o);
	buf_free(&b);
	buf_free(&why);
	catalog_free(c);
}

/* Pointers are RFC 6901's, and so is what the sample makes of them. */
static void
pointers_lead_anywhere(void **state)
{
	static const struct { const char *pointer, *order, *want; } t[] = {
		{ "/x", "{\"x\":\"v\"}", "v" },
		{ "/p/0/email", "{\"p\":[{\"email\":\"v\"},{}]}", "v" },
		{ "/p/1", "{\"p\":[1,\"v\"]}", "v" },
		{ "/p/01", "{\"p\":[1,\"v\"]}", "(absent)" },
		{ "/p/2", "{\"p\":[1,2]}", "(absent)" },
		{ "/p/-", "{\"p\":[1,2]}", "(absent)" },
		{ "/p/0", "{\"p\":{\"0\":\"v\"}}", "v" },
		{ "/p/99/x", "{\"p\":{\"99\":{\"x\":\"v\"}}}", "v" },
		{ "/legs/0/flight", "{\"legs\":[{\"flight\":\"v\"}]}", "v" },
		{ "/legs/1/flight", "{\"legs\":[{\"flight\":\"v\"}]}",
		    "(absent)" },
		{ "/legs/3/flight", "{\"legs\":[{},{},{},{\"flight\":\"v\"}]}",
		    "v" },
		{ "/a~1b", "{\"a/b\":\"v\"}", "v" },
		{ "/m~0n", "{\"m~n\":\"v\"}", "v" },
		{ "/~01", "{\"~1\":\"v\"}", "v" },
		{ "/a~1b/~0/0", "{\"a\\/b\":{\"\\u007e\":[\"v\"]}}", "v" },
		{ "/", "{\"\":\"v\"}", "v" },
		{ "//", "{\"\":{\"\":\"v\"}}", "v" },
		{ "/a//b", "{\"a\":{\"\":{\"b\":\"v\"}}}", "v" },
		{ "/k\xc3\xa9y {{x}}", "{\"k\\u00e9y {{x}}\":\"v\"}", "v" },
		{ "/a.b", "{\"a.b\":\"v\"}", "v" },
		{ "/a/b", "{\"a\":\"v\"}", "(absent)" },
		{ "/a/b", "{\"a\":null}", "(absent)" },
		{ "/a/b", "{\"a\":{\"b\":null}}", "(absent)" },
		{ "/" DEEP DEEP DEEP DEEP DEEP DEEP DEEP "x",
		    "{\"agwID\":\"w\"}", NULL },
		{ "/12345678901234567890123456789012345678901234567890"
		    "123456789012345678901234567890",
		    "{\"1234567890123456789012345678901234567890"
		    "1234567890123456789012345678901234567890\":\"v\"}", "v" },
	};
	struct buf text = BUF_INIT(4096), b = BUF_INIT(65536);
	struct order o = ORDER_INIT;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf why = BUF_INIT(4096);
		struct catalog *c = NULL;
		enum rc rc;

		buf_clear(&text);
		buf_printf(&text, CAT(EV(""), FI("agwID", "") "," FI("x",
		    ",\"pointer\":\"%s\"")), t[i].pointer);
		rc = load(buf_str(&text), &c, &why);
		want_rc(rc, t[i].want == NULL ? RC_INVALID : RC_OK, "%s: %s",
		    t[i].pointer, buf_str(&why));
		buf_free(&why);
		if (rc != RC_OK)
			continue;
		unit_order(&o, c, t[i].order);
		want_str(unit_field(&o, "x", &b), t[i].want, "%s in %s",
		    t[i].pointer, t[i].order);
		buf_clear(&text);
		catalog_sample_order(c, NULL, &text);
		unit_order(&o, c, buf_str(&text));
		want_str(unit_field(&o, "x", &b), "s", "%s in %s",
		    t[i].pointer, buf_str(&text));
		catalog_free(c);
	}
	order_free(&o);
	buf_free(&text);
	buf_free(&b);
}

static void
the_sample_is_written_for_all_pointers_together(void **state)
{
	struct catalog *c = NULL;
	struct buf why = BUF_INIT(4096), b = BUF_INIT(65536);

	(void)state;
	want_rc(load(CAT(EV(""), FI("agwID", "") ","
	    FI("a", ",\"pointer\":\"/p/2/mail\"") ","
	    FI("b", ",\"pointer\":\"/legs/1/no\"") ","
	    FI("c", ",\"pointer\":\"/q/0\"") ","
	    FI("d", ",\"pointer\":\"/p/0/mail\"") ","
	    FI("e", ",\"pointer\":\"/q/name\"") ","
	    FI("f", ",\"pointer\":\"/p/2/a~1b\"") ","
	    "{\"name\":\"n\",\"type\":\"integer\",\"sample\":\"007\","
	    "\"meaning\":\"m\"}"), &c, &why), RC_OK, "%s",
	    buf_str(&why));
	catalog_sample_order(c, NULL, &b);
	want_str(buf_str(&b), "{\"agwID\":\"s\",\"p\":[{\"mail\":\"s\"},{},"
	    "{\"mail\":\"s\",\"a/b\":\"s\"}],\"q\":{\"0\":\"s\","
	    "\"name\":\"s\"},\"n\":\"007\",\"legs\":[{\"origin\":\"s\"},"
	    "{\"no\":\"s\"}]}", "sample");
	catalog_free(c);
	buf_free(&why);
	buf_free(&b);
}

#define ONE CAT(EV(""), FI("agwID", "") "," FI("pnr", ""))
#define LEG2 "\"legs\":{\"fields\":[{\"name\":\"flight\"," \
	"\"type\":\"integer\",\"sample\":\"7\",\"meaning\":\"m\"}]}"

static void
a_file_beside_the_configuration_adds_to_the_catalogue(void **state)
{
	struct catalog *c = NULL;
	struct order o = ORDER_INIT;
	struct buf why = BUF_INIT(4096), b = BUF_INIT(65536);
	struct buf text = BUF_INIT(4096);

	(void)state;
	want_rc(load_both(ONE, "{\"events\":[{\"name\":\"B\",\"group\":\"h\","
	    "\"meaning\":\"m\",\"alias\":[\"BB\"]}],\"fields\":["
	    FI("mail", ",\"pointer\":\"/p/0/mail\"") "]," LEG2 "}", &c, &why),
	    RC_OK, "%s", buf_str(&why));
	want_str(catalog_event_at(c, 0)->name, "A", "the first event");
	want_str(catalog_event_find(c, SLICE("BB"))->name, "B", "alias");
	want_i64(catalog_event_find(c, SLICE("B"))->index, 1, "its index");
	want_i64(catalog_field_find(c, SLICE("mail"))->index, 2, "its index");
	want_str(catalog_event_nearest(c, SLICE("b")), "B", "nearest");
	want_str(catalog_field_nearest(c, SLICE("mial")), "mail", "nearest");
	assert_non_null(catalog_leg_find(c, SLICE("flight")));
	catalog_sample_order(c, catalog_event_find(c, SLICE("B")), &b);
	want_str(buf_str(&b), "{\"agwID\":\"s\",\"pnr\":\"s\",\"p\":["
	    "{\"mail\":\"s\"}],\"legs\":[{\"origin\":\"s\",\"flight\":7}]}",
	    "sample");
	unit_order(&o, c, "{\"p\":[{\"mail\":\"v\"}]}");
	want_str(unit_field(&o, "mail", &text), "v", "mail");
	order_free(&o);
	catalog_free(c);
	buf_free(&why);
	buf_free(&b);
	buf_free(&text);
}

static void
any_one_list_is_enough_to_add(void **state)
{
	static const char *const more[] = { "{\"events\":[{\"name\":\"B\","
	    "\"group\":\"g\",\"meaning\":\"m\"}]}",
	    "{\"fields\":[" FI("x", "") "]}", "{" LEG2 "}" };

	(void)state;
	for (size_t i = 0; i < NELEM(more); i++) {
		struct buf why = BUF_INIT(4096);
		struct catalog *c = NULL;

		want_rc(load_both(ONE, more[i], &c, &why), RC_OK, "%s: %s",
		    more[i], buf_str(&why));
		catalog_free(c);
		buf_free(&why);
	}
}

/* Each is told with the file that is to blame, which is not the installed. */
static void
what_can_not_be_added_is_refused_with_its_place(void **state)
{
	static const struct { const char *more, *why; } t[] = {
		{ "{}", "skycap has no events, fields or legs" },
		{ "{\"events\":[]}", "skycap /events must be a list" },
		{ "[1", "skycap line 1, column 3" },
		{ "7", "skycap must be an object" },
		{ "{\"event\":[]}", "skycap /event is not a member" },
		{ "{\"events\":[" EV("") "]}",
		    "skycap /events/0 is there already: A" },
		{ "{\"events\":[{\"name\":\"B\",\"group\":\"g\","
		    "\"meaning\":\"m\",\"alias\":[\"C\",\"A\"]}]}",
		    "skycap /events/0/alias/1 is there already: A" },
		{ "{\"fields\":[" FI("x", "") "," FI("pnr", "") "]}",
		    "skycap /fields/1 is there already: pnr" },
		{ "{\"fields\":[" FI("x", ",\"pointer\":\"/pnr\"") "]}",
		    "skycap /fields/0 has the place of pnr" },
		{ "{\"fields\":[" FI("x", ",\"pointer\":\"/legs/0/origin/x\"")
		    "]}", "skycap the sample order with the field x is wrong" },
		{ "{\"legs\":{\"fields\":[" FI("origin", "") "]}}",
		    "skycap /legs/fields/0 is there already: origin" },
		{ "{\"legs\":{\"sample\":[{}]}}",
		    "skycap /legs/sample is not a member" },
		{ "{\"legs\":{\"fields\":[" FI("x", ",\"pointer\":\"/x\"")
		    "]}}", "skycap /legs/fields/0/pointer is not a member" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf why = BUF_INIT(4096), got = BUF_INIT(4096);
		struct catalog *c = NULL;
		const char *at;

		want_rc(load_both(ONE, t[i].more, &c, &why), RC_INVALID, "%s",
		    t[i].more);
		at = strstr(buf_str(&why), "/catalog.json: ");
		assert_non_null(at);
		buf_printf(&got, "%s %s", at - buf_str(&why) > 4 &&
		    memcmp(at - 4, "data", 4) == 0 ? "data" : "skycap",
		    at + strlen("/catalog.json: "));
		if (strncmp(buf_str(&got), t[i].why, strlen(t[i].why)) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", t[i].more,
			    buf_str(&got), t[i].why);
		buf_free(&why);
		buf_free(&got);
	}
}

static void
one_file_by_two_names_is_read_once(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct buf why = BUF_INIT(4096);
	struct catalog *c = NULL;
	char dir[512], one[600], conf[600];

	(void)state;
	snprintf(dir, sizeof dir, "%s/catalog-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(dir));
	snprintf(one, sizeof one, "%s/catalog.json", dir);
	snprintf(conf, sizeof conf, "%s/skycap.conf", dir);
	put_file(one, ONE);
	want_rc(catalog_open(&c, dir, conf, &why), RC_OK, "%s",
	    buf_str(&why));
	catalog_free(c);
	unlink(one);
	rmdir(dir);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		all_31_events_are_there_in_order_with_their_groups),
	    cmocka_unit_test(
		all_26_fields_are_there_in_order_and_found_by_name_and_place),
	    cmocka_unit_test(
		the_right_spellings_are_aliases_of_those_on_the_wire),
	    cmocka_unit_test(a_mistyped_name_finds_the_nearest_one),
	    cmocka_unit_test(
		every_sample_order_is_a_sound_order_with_every_field),
	    cmocka_unit_test(
		only_the_services_own_events_are_operational_and_have_its_prefix),
	    cmocka_unit_test(
		the_sample_of_an_operational_event_is_its_object),
	    cmocka_unit_test(a_wrong_catalogue_is_refused_with_its_place),
	    cmocka_unit_test(a_catalogue_that_is_not_there_is_not_found),
	    cmocka_unit_test(the_sample_of_an_event_has_the_state_that_fits),
	    cmocka_unit_test(the_samples_fields_agree_with_its_legs),
	    cmocka_unit_test(what_is_personal_is_marked),
	    cmocka_unit_test(fields_may_stand_deep_in_the_order),
	    cmocka_unit_test(pointers_lead_anywhere),
	    cmocka_unit_test(the_sample_is_written_for_all_pointers_together),
	    cmocka_unit_test(
		a_file_beside_the_configuration_adds_to_the_catalogue),
	    cmocka_unit_test(any_one_list_is_enough_to_add),
	    cmocka_unit_test(what_can_not_be_added_is_refused_with_its_place),
	    cmocka_unit_test(one_file_by_two_names_is_read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
