#include "unit_shape.h"
#include "work/event.h"

#define ORDER "\"order\":{\"agwID\":\"A1\"}"

struct fixture {
	struct catalog *catalog;
	struct crypt crypt;
	struct event_reader reader;
	struct event event;
	struct problems bad;
};

static int
setup(void **state)
{
	static struct fixture f;

	f.catalog = unit_catalog();
	memset(&f.crypt, 7, sizeof f.crypt);
	f.reader = (struct event_reader)EVENT_READER_INIT(f.catalog, &f.crypt);
	f.event = (struct event)EVENT_INIT;
	f.bad = (struct problems)PROBLEMS_INIT;
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	event_reader_free(&f->reader);
	event_free(&f->event);
	problems_free(&f->bad);
	catalog_free(f->catalog);
	return 0;
}

static enum rc
read_text(struct fixture *f, const char *json)
{
	problems_clear(&f->bad);
	return event_read(&f->reader, slice_of(json), &f->event, &f->bad);
}

static void
a_sound_event_gives_its_parts(void **state)
{
	struct fixture *f = *state;

	want_rc(read_text(f, "{\"id\":\"tick-4711\",\"event\":\"OrderTicketed\","
	    "\"occurredAt\":\"2026-11-23T10:00:00Z\",\"test\":true,"
	    "\"order\":{\"agwID\":\"AGW-1\", \"pnr\":\"KWJ2MT\"}}"), RC_OK,
	    "sound event");
	want_str(f->event.type->name, "OrderTicketed", "type");
	want_slice(f->event.sender_id, SLICE("tick-4711"), "sender id");
	want_slice(f->event.occurred, SLICE("2026-11-23T10:00:00Z"), "time");
	want_slice(f->event.order,
	    SLICE("{\"agwID\":\"AGW-1\", \"pnr\":\"KWJ2MT\"}"), "order");
	assert_true(f->event.test);
	want_i64((int64_t)f->event.nref, 2, "references");
}

static void
corrected_spellings_are_taken_for_the_wire_ones(void **state)
{
	struct fixture *f = *state;

	want_rc(read_text(f, "{\"event\":\"FlightCancellation\"," ORDER "}"),
	    RC_OK, "alias");
	want_str(f->event.type->name, "FlightCancelation", "type");
}

static void
nobody_posts_an_event_of_the_services_own(void **state)
{
	static const char *const name[] = { "skycap.subscription.failing",
	    "skycap.subscription.disabled", "skycap.subscription.recovered",
	    "skycap.subscription.failling", "skycap.", "skycap.anything",
	    "\\u0073kycap.subscription.failing", "Skycap.Subscription.Failing",
	    "kycap.subscription.failing" };
	struct fixture *f = *state;
	struct buf json = BUF_INIT(1024);
	const char *pointer, *detail;

	for (size_t i = 0; i < NELEM(name); i++) {
		buf_clear(&json);
		buf_printf(&json, "{\"event\":\"%s\"," ORDER "}", name[i]);
		want_rc(read_text(f, buf_str(&json)), RC_INVALID, "%s",
		    name[i]);
		want_i64(f->bad.grammar, false, "grammar of %s", name[i]);
		assert_true(problems_at(&f->bad, 0, &pointer, &detail));
		want_str(pointer, "/event", "pointer of %s", name[i]);
		assert_null(strstr(detail, "did you mean"));
		if (strstr(detail, "can't be posted") == NULL)
			fail_msg("%s: got \"%s\"", name[i], detail);
	}
	want_rc(read_text(f, "{\"event\":\"skycap\"," ORDER "}"), RC_INVALID,
	    "another name");
	assert_true(problems_at(&f->bad, 0, &pointer, &detail));
	assert_non_null(strstr(detail, "no event type"));
	buf_free(&json);
}

static void
what_is_wrong_is_said_with_its_pointer(void **state)
{
	static const struct {
		const char *json, *pointer, *contains;
		bool grammar;
	} t[] = {
		{ "", "", "", true },
		{ "{\"event\":\"OrderCreated\"," ORDER "", "", "", true },
		{ "[]", "", "object", false },
		{ "{\"event\":\"OrderCreated\"," ORDER ",\"x\":NaN}", "/x", "",
		    true },
		{ "{\"event\":\"OrderCreated\",\"order\":{\"agwID\":\"A\","
		    "\"agwID\":\"B\"}}", "/order/agwID", "", true },
		{ "{" ORDER "}", "/event", "required", false },
		{ "{\"event\":\"OrderCreated\"}", "/order", "required", false },
		{ "{\"event\":\"OrderTickets\"," ORDER "}", "/event",
		    "OrderTicketed", false },
		{ "{\"event\":7," ORDER "}", "/event", "string", false },
		{ "{\"event\":\"OrderCreated\",\"order\":[]}", "/order",
		    "object", false },
		{ "{\"event\":\"OrderCreated\",\"order\":{}}", "/order/agwID",
		    "required", false },
		{ "{\"event\":\"OrderCreated\",\"order\":{\"agwID\":\"\"}}",
		    "/order/agwID", "empty", false },
		{ "{\"event\":\"OrderCreated\"," ORDER ",\"id\":\"\"}", "/id",
		    "128", false },
		{ "{\"event\":\"OrderCreated\"," ORDER ",\"id\":4}", "/id",
		    "string", false },
		{ "{\"event\":\"OrderCreated\"," ORDER ",\"test\":1}", "/test",
		    "true or false", false },
		{ "{\"event\":\"OrderCreated\"," ORDER ",\"occuredAt\":1}",
		    "/occuredAt", "occurredAt", false },
		{ "{\"event\":\"OrderCreated\"," ORDER ",\"occurredAt\":"
		    "\"yesterday\"}", "/occurredAt", "zone", false },
		{ "{\"event\":\"OrderCreated\"," ORDER ",\"occurredAt\":"
		    "\"2026-11-23 10:00\"}", "/occurredAt", "zone", false },
		{ "{\"event\":\"OrderCreated\",\"order\":{\"agwID\":\"A\","
		    "\"adultsPax\":\"two\"}}", "/order/adultsPax", "", false },
	};
	struct fixture *f = *state;
	const char *pointer, *detail;

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(read_text(f, t[i].json), RC_INVALID, "%s", t[i].json);
		want_i64(f->bad.grammar, t[i].grammar, "grammar of %s",
		    t[i].json);
		assert_true(problems_at(&f->bad, 0, &pointer, &detail));
		want_str(pointer, t[i].pointer, "pointer of %s", t[i].json);
		if (strstr(detail, t[i].contains) == NULL)
			fail_msg("%s: got \"%s\", want it to say \"%s\"",
			    t[i].json, detail, t[i].contains);
	}
}

/* Said by count: each pointer is a walk over all that stands before it. */
static void
very_many_faults_are_counted_but_not_all_told(void **state)
{
	enum { FAULTS = 50000 };
	struct fixture *f = *state;
	struct buf json = BUF_INIT(2 * 1024 * 1024);
	const char *pointer, *detail;
	size_t told = 0;

	buf_puts(&json, "{\"event\":\"OrderCreated\"," ORDER);
	for (int i = 0; i < FAULTS; i++)
		buf_printf(&json, ",\"%x\":0", i);
	buf_putc(&json, '}');
	want_rc(read_text(f, buf_str(&json)), RC_INVALID, "unknown members");
	want_i64((int64_t)f->bad.n, FAULTS, "faults counted");
	while (problems_at(&f->bad, told, &pointer, &detail))
		told++;
	want_i64((int64_t)told, EVENT_PROBLEMS_MAX, "faults told");
	buf_clear(&json);
	buf_puts(&json, "{\"event\":\"OrderCreated\",\"order\":{\"agwID\":"
	    "\"A\",\"legs\":[0");
	for (int i = 1; i < FAULTS; i++)
		buf_puts(&json, ",{\"departure\":\"x\"}");
	buf_puts(&json, "]}}");
	want_rc(read_text(f, buf_str(&json)), RC_INVALID, "wrong legs");
	assert_true(f->bad.n >= EVENT_PROBLEMS_MAX);
	buf_free(&json);
}

static void
an_id_may_have_128_bytes_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct buf json = BUF_INIT(4096);

	for (size_t n = 127; n <= 129; n++) {
		buf_clear(&json);
		buf_puts(&json, "{\"event\":\"OrderCreated\"," ORDER
		    ",\"id\":\"");
		for (size_t i = 0; i < n; i++)
			buf_putc(&json, 'x');
		buf_puts(&json, "\"}");
		want_rc(read_text(f, buf_str(&json)),
		    n <= 128 ? RC_OK : RC_INVALID, "%zu bytes", n);
	}
	buf_free(&json);
}

static void
content_is_the_same_whatever_the_order_of_members_and_escapes(void **state)
{
	struct fixture *f = *state;
	unsigned char first[CRYPT_HASH_LEN];

	want_rc(read_text(f, "{\"id\":\"a\",\"event\":\"OrderCreated\","
	    "\"order\":{\"agwID\":\"A\",\"n\":[1,2.0],\"s\":\"\\u00e9/\"}}"),
	    RC_OK, "first");
	memcpy(first, f->event.content, sizeof first);
	want_rc(read_text(f, "{\"order\": {\"s\":\"\303\251\\/\", \"n\": [1, "
	    "2.0], \"agwID\":\"A\"}, \"event\":\"OrderCreated\", \"id\":\"b\"}"),
	    RC_OK, "second");
	assert_memory_equal(first, f->event.content, sizeof first);
	want_rc(read_text(f, "{\"id\":\"a\",\"event\":\"OrderCreated\","
	    "\"order\":{\"agwID\":\"A\",\"n\":[1,2],\"s\":\"\\u00e9/\"}}"),
	    RC_OK, "other digits");
	assert_memory_not_equal(first, f->event.content, sizeof first);
	want_rc(read_text(f, "{\"id\":\"a\",\"event\":\"OrderCreated\","
	    "\"occurredAt\":\"2026-11-23T10:00:00Z\","
	    "\"order\":{\"agwID\":\"A\",\"n\":[1,2.0],\"s\":\"\\u00e9/\"}}"),
	    RC_OK, "another time");
	assert_memory_not_equal(first, f->event.content, sizeof first);
}

static void
references_are_found_whatever_their_letters(void **state)
{
	struct fixture *f = *state;

	want_rc(read_text(f, "{\"event\":\"OrderCreated\",\"order\":{"
	    "\"agwID\":\"agw-1\",\"pnr\":\"kwj2mt\","
	    "\"psgEmail\":\"Ana@Example.org\","
	    "\"psgPhone\":\"+34 600 11-22-33\"}}"), RC_OK, "event");
	want_i64((int64_t)f->event.nref, 4, "references");
	assert_int_equal(f->event.ref[0], reference_hash(&f->crypt,
	    REFERENCE_AGWID, SLICE("AGW-1")));
	assert_true(reference_matches(&f->reader.order, REFERENCE_MAIL,
	    SLICE("ana@example.org")));
	assert_true(reference_matches(&f->reader.order, REFERENCE_PHONE,
	    SLICE("34600112233")));
	assert_false(reference_matches(&f->reader.order, REFERENCE_PNR,
	    SLICE("KWJ2M")));
	assert_int_not_equal(reference_hash(&f->crypt, REFERENCE_PNR,
	    SLICE("X")), reference_hash(&f->crypt, REFERENCE_LOCATOR,
	    SLICE("X")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sound_event_gives_its_parts),
	    cmocka_unit_test(corrected_spellings_are_taken_for_the_wire_ones),
	    cmocka_unit_test(nobody_posts_an_event_of_the_services_own),
	    cmocka_unit_test(what_is_wrong_is_said_with_its_pointer),
	    cmocka_unit_test(very_many_faults_are_counted_but_not_all_told),
	    cmocka_unit_test(an_id_may_have_128_bytes_and_no_more),
	    cmocka_unit_test(
		content_is_the_same_whatever_the_order_of_members_and_escapes),
	    cmocka_unit_test(references_are_found_whatever_their_letters),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
