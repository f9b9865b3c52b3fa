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
	assert_null(catalog_event_at(c, NELEM(events)));
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
	struct buf b = BUF_INIT(65536), text = BUF_INIT(4096);
	int faults = 0;

	(void)state;
	for (size_t i = 0; catalog_event_at(c, i) != NULL; i++) {
		buf_clear(&b);
		catalog_sample_order(c, catalog_event_at(c, i), &b);
		unit_order(&o, c, buf_str(&b));
		want_i64((int64_t)order_check(&o, count, &faults), 0, "%s",
		    catalog_event_at(c, i)->name);
		for (size_t k = 0; k < NELEM(fields); k++)
			assert_true(o.at[k] != 0);
		assert_true(o.legs != 0);
	}
	buf_clear(&b);
	catalog_sample_order(c, catalog_event_find(c, SLICE("OrderCanceled")),
	    &b);
	unit_order(&o, c, buf_str(&b));
	want_str(unit_field(&o, "orderStatus", &text), "cancelled", "status");
	want_str(unit_field(&o, "agwID", &text), "AGW-JHTE1543KJ", "agwID");
	order_free(&o);
	buf_free(&b);
	buf_free(&text);
	catalog_free(c);
}

/* Load a catalogue from its text. */
static enum rc
load(const char *text, struct catalog **c, struct buf *why)
{
	const char *dir = getenv("TMPDIR");
	char path[512];
	enum rc rc;
	int fd;

	snprintf(path, sizeof path, "%s/catalog-XXXXXX",
	    dir == NULL ? "/tmp" : dir);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	rc = catalog_load(c, path, why);
	unlink(path);
	return rc;
}

#define EV(more) "{\"name\":\"A\",\"group\":\"g\",\"meaning\":\"m\"" more "}"
#define FI(name, more) "{\"name\":\"" name "\",\"type\":\"text\"," \
	"\"sample\":\"s\",\"meaning\":\"m\"" more "}"
#define LEGS "\"legs\":{\"fields\":[" FI("origin", "") "],\"sample\":[{}]}"
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
		{ CAT(EV(",\"alias\":[\"A\"]"), FI("agwID", "")), "already: A" },
		{ CAT(EV(",\"alias\":[7]"), FI("agwID", "")),
		    "/events/0/alias/0 must be a name" },
		{ CAT(EV(""), FI("pnr", "")), "lack agwID" },
		{ CAT(EV(""), FI("agwID", "") "," FI("legs", "")), "reserved" },
		{ CAT(EV(""), FI("agwID", "") "," FI("a b", "")), "a b" },
		{ CAT(EV(""), FI("agwID", "") "," FI("agwID", "")), "already" },
		{ CAT(EV(""), FI("agwID", ",\"pointer\":\"agwID\"")),
		    "has a pointer" },
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
	    "\"person\":{\"name\":\"s\"}},\"legs\":[{\"origin\":\"s\"}]}", "sample");
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
	    cmocka_unit_test(a_wrong_catalogue_is_refused_with_its_place),
	    cmocka_unit_test(a_catalogue_that_is_not_there_is_not_found),
	    cmocka_unit_test(fields_may_stand_deep_in_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
