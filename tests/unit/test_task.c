#include "unit_task.h"

/* The task of the help page, to the letter. */
static const char page[] =
"{\n"
"\"httpRequest\": {\n"
"\"url\": \"https://yourservices/api/order-ticketed\",\n"
"\"header\": {\n"
"\"authorization\": \"Basic YourPassword\"\n"
"},\n"
"\"jsonBody\": {\n"
"\"orderID\": \"{{agwID}}\",\n"
"\"agent\": \"{{agent}}\",\n"
"\"agency\": \"{{agency}}\",\n"
"\"pnr\": \"{{pnr}}\",\n"
"\"freeText\": \"Order has been ticketed, this is your order ID: {{agwID}}\"\n"
"}\n"
"}\n"
"}";

static void
the_help_pages_task_renders_what_the_page_promises(void **state)
{
	struct unit_task *f = *state;
	struct task *t = unit_task(f, page);

	unit_task_render_ok(f, t);
	want_str(buf_str(&f->r.body), "{\"orderID\":\"AGW-JHTE1543KJ\","
	    "\"agent\":\"Ana \\\"A\\\" L\xc3\xb3pez\",\"agency\":\"Wander\","
	    "\"pnr\":\"KWJ2MT\",\"freeText\":\"Order has been ticketed, this "
	    "is your order ID: AGW-JHTE1543KJ\"}", "body");
	want_str(f->r.method, "POST", "method");
	want_str(buf_str(&f->r.url), "https://yourservices/api/order-ticketed",
	    "url");
	want_i64((int64_t)f->r.nheader, 2, "headers");
	want_slice(f->r.header[0].name, SLICE("authorization"), "name");
	want_slice(f->r.header[0].value, SLICE("Basic YourPassword"), "value");
	assert_true(f->r.header[0].secret);
	want_slice(f->r.header[1].name, SLICE("content-type"), "name");
	want_slice(f->r.header[1].value, SLICE("application/json"), "value");
	assert_false(f->r.header[1].secret);
	want_str(task_name(t), "OrderTicketed to yourservices", "name");
	want_str(task_event_at(t, 0), "OrderTicketed", "event");
	assert_null(task_event_at(t, 1));
	assert_true(task_wants(t, catalog_event_find(f->c,
	    SLICE("OrderTicketed"))));
	assert_false(task_wants(t, catalog_event_find(f->c,
	    SLICE("OrderCreated"))));
	assert_int_equal(task_channel(t), TASK_WEBHOOK);
	task_free(t);
}

static void
defaults_are_those_of_the_service(void **state)
{
	static const int64_t retry[] = { 5, 300, 1800, 7200, 18000, 36000,
	    50400, 72000, 86400 };
	struct unit_task *f = *state;
	struct task *t = unit_task(f, page);
	const struct task_settings *s = task_settings(t);

	want_i64(s->nretry, NELEM(retry), "steps");
	for (size_t i = 0; i < NELEM(retry); i++)
		want_i64(s->retry_ms[i], retry[i] * 1000, "step %zu", i);
	want_i64(s->timeout_ms, 15000, "timeout");
	want_i64(s->concurrency, 8, "concurrency");
	assert_true(s->rate_per_s == 0);
	assert_false(s->ordered);
	assert_false(s->strict);
	task_free(t);
	t = unit_task(f, "{\"settings\":{\"retry_s\":[1,2],\"timeout_s\":60,"
	    "\"concurrency\":64,\"rate_per_s\":0.5,\"ordered\":true,"
	    "\"missing\":\"strict\"},\"httpRequest\":{\"url\":\"http://h\"}}");
	s = task_settings(t);
	want_i64(s->nretry, 2, "steps");
	want_i64(s->retry_ms[1], 2000, "step");
	want_i64(s->timeout_ms, 60000, "timeout");
	want_i64(s->concurrency, 64, "concurrency");
	assert_true(s->rate_per_s == 0.5);
	assert_true(s->ordered);
	assert_true(s->strict);
	task_free(t);
}

static void
header_values_are_one_line_whatever_the_order(void **state)
{
	struct unit_task *f = *state;
	struct task *t = unit_task(f, "{\"httpRequest\":{"
	    "\"url\":\"https://h/\",\"header\":{"
	    "\"X-Origin\":\"o={{origin}}\",\"Accept\":\"a/b\","
	    "\"X-Tag\":{\"value\":\"{{pnr}}\",\"show\":true},"
	    "\"Content-Type\":\"application/vnd.api+json; charset=utf-8\"},"
	    "\"method\":\"PUT\"}}");
	static const struct {
		const char *name, *value;
		bool secret;
	} want[] = {
		{ "X-Origin", "o=a  X-Evil: 1", true },
		{ "Accept", "a/b", false },
		{ "X-Tag", "KWJ2MT", false },
		{ "Content-Type", "application/vnd.api+json; charset=utf-8",
		    false },
	};

	unit_task_render_ok(f, t);
	task_free(t);			/* the request stands on its own */
	want_str(f->r.method, "PUT", "method");
	want_i64((int64_t)f->r.nheader, NELEM(want), "headers");
	for (size_t i = 0; i < NELEM(want); i++) {
		want_slice(f->r.header[i].name, slice_of(want[i].name), "name");
		want_slice(f->r.header[i].value, slice_of(want[i].value), "%s",
		    want[i].name);
		want_i64(f->r.header[i].secret, want[i].secret, "%s",
		    want[i].name);
	}
}

static void
without_a_body_the_order_is_sent_in_the_standard_shape(void **state)
{
	struct unit_task *f = *state;
	struct task *t = unit_task(f, "{\"httpRequest\":"
	    "{\"url\":\"https://h/\"}}");
	struct buf want = BUF_INIT(8192);

	unit_task_render_ok(f, t);
	buf_printf(&want, "{\"type\":\"OrderTicketed\",\"timestamp\":"
	    "\"2026-11-23T10:00:00Z\",\"data\":%s}", unit_task_order);
	want_str(buf_str(&f->r.body), buf_str(&want), "body");
	buf_free(&want);
	task_free(t);
}

static void
a_task_that_can_not_be_rendered_says_why(void **state)
{
	struct unit_task *f = *state;
	struct buf why = BUF_INIT(1024), json = BUF_INIT(70000);
	struct task *t = unit_task(f, "{\"settings\":{\"missing\":\"strict\"},"
	    "\"httpRequest\":{\"url\":\"https://h/\","
	    "\"jsonBody\":[\"{{recordLocator}}\"]}}");

	want_rc(unit_task_render(f, t, &why), RC_INVALID, "strict");
	want_str(buf_str(&why), "jsonBody: recordLocator is missing", "why");
	task_free(t);
	buf_clear(&why);
	/* 4,000 orders in one body pass its limit */
	buf_puts(&json, "{\"httpRequest\":{\"url\":\"https://h/\","
	    "\"jsonBody\":[1");
	for (int i = 0; i < 4000; i++)
		buf_puts(&json, ",\"{{{order}}}\"");
	buf_puts(&json, "]}}");
	t = unit_task(f, buf_str(&json));
	want_rc(unit_task_render(f, t, &why), RC_TOOBIG, "too big");
	want_str(buf_str(&why), "jsonBody: it is longer than 1048576 bytes",
	    "why");
	task_free(t);
	buf_free(&why);
	buf_free(&json);
}

static void
events_come_from_the_task_or_from_beside_it(void **state)
{
	struct unit_task *f = *state;
	struct slice two[] = { SLICE("OrderCancelled"), SLICE("Strike") };
	struct slice all[] = { SLICE("*") };
	struct buf why = BUF_INIT(4096), out = BUF_INIT(4096);
	struct task *t = NULL;
#define BARE "\"httpRequest\":{\"url\":\"https://h.example/\"}}"
#define WITH(e) SLICE("{\"event\":" e "," BARE)

	want_rc(task_compile(&t, f->c, SLICE("{" BARE), two, 2, unit_note,
	    &why), RC_OK, "%s", buf_str(&why));
	want_str(task_event_at(t, 0), "OrderCanceled", "alias");
	want_str(task_event_at(t, 1), "Strike", "second");
	want_str(task_name(t), "OrderCanceled and 1 more to h.example", "name");
	task_free(t);
	want_rc(task_compile(&t, f->c, SLICE("{" BARE), all, 1, unit_note,
	    &why), RC_OK, "%s", buf_str(&why));
	want_str(task_name(t), "All events to h.example", "name");
	assert_true(task_wants(t, catalog_event_at(f->c, 30)));
	task_free(t);
	want_rc(task_compile(&t, f->c,
	    WITH("[\"Strike\",\"Strike\",\"OrderCanceled\"]"), two, 2,
	    unit_note, &why), RC_OK, "%s", buf_str(&why));
	task_print(t, false, &out);
	assert_non_null(strstr(buf_str(&out),
	    "\"event\":[\"Strike\",\"OrderCanceled\"]"));
	task_free(t);
	want_rc(task_compile(&t, f->c, WITH("[\"Strike\"]"), two, 2, unit_note,
	    &why), RC_INVALID, "fewer");
	assert_non_null(strstr(buf_str(&why), "/event: line 1, column 10: "
	    "does not name OrderCancelled"));
	buf_clear(&why);
	want_rc(task_compile(&t, f->c, WITH("[\"*\"]"), two, 2, unit_note,
	    &why), RC_INVALID, "all");
	buf_clear(&why);
	want_rc(task_compile(&t, f->c, WITH("[\"Strike\",\"Weather\"]"),
	    two + 1, 1, unit_note, &why), RC_INVALID, "more");
	want_str(buf_str(&why), "/event: line 1, column 10: names more events "
	    "than are given beside the task", "why");
	buf_clear(&why);
	two[0] = SLICE("Nope");
	want_rc(task_compile(&t, f->c, SLICE("{" BARE), two, 2, unit_note,
	    &why), RC_INVALID, "unknown");
	buf_free(&why);
	buf_free(&out);
}

static void
printing_a_task_and_reading_it_again_changes_nothing(void **state)
{
	static const char *const json[] = { page,
	    "{\"event\":[\"OrderTicketed\",\"OrderCancelled\","
	    "\"Order\\u0054icketed\",\"OrderCanceled\"],\"htt\\u0070Request\":"
	    "{\"\\u0075rl\":\"http:\\u002f/h\",\"header\":{\"\\u0061\":\"\"}},"
	    "\"settings\":{\"rate_per_s\":1e1,\"retry_s\":[]}}",
	    "{\"event\":[\"*\",\"*\"],\"httpRequest\":{\"url\":\"http://h\","
	    "\"header\":null,\"jsonBody\":null},\"settings\":null}",
	    "{ \"settings\" : { \"missing\":\"strict\" } , \"filter\":[ ],"
	    " \"name\":\"a \\u00e9 \\\" {{pnr}}\", \"version\":7,"
	    " \"id\":\"sub_1\", \"client\":\"c\", \"state\":\"active\","
	    " \"reason\":\"\", \"createdAt\":\"x\", \"updatedAt\":\"y\","
	    " \"since\":\"z\","
	    " \"httpRequest\":{ \"jsonBody\": [ 1.50 , \"\\u00e9\\n\" ],"
	    " \"url\":\"https:\\/\\/h\\/?token=abcdefgh\" } }" };
	struct unit_task *f = *state;
	struct buf one = BUF_INIT(65536), two = BUF_INIT(65536);
	struct buf why = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(json); i++) {
		struct task *t = unit_task(f, json[i]), *again = NULL;

		buf_clear(&one);
		buf_clear(&two);
		task_print(t, false, &one);
		want_rc(task_compile(&again, f->c, buf_as_slice(&one), NULL, 0,
		    unit_note, &why), RC_OK, "%s: %s", buf_str(&one),
		    buf_str(&why));
		task_print(again, false, &two);
		want_str(buf_str(&two), buf_str(&one), "again");
		want_str(task_name(again), task_name(t), "name");
		task_free(t);
		task_free(again);
	}
	want_str(buf_str(&one), "{\"name\":\"a \xc3\xa9 \\\" {{pnr}}\","
	    "\"event\":[\"OrderTicketed\"],\"filter\":[],\"httpRequest\":"
	    "{\"jsonBody\":[1.50,\"\\u00e9\\n\"],\"url\":"
	    "\"https:\\/\\/h\\/?token=abcdefgh\"},"
	    "\"settings\":{\"missing\":\"strict\"}}", "printed");
	buf_free(&one);
	buf_free(&two);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TASK(the_help_pages_task_renders_what_the_page_promises),
	    UNIT_TASK(defaults_are_those_of_the_service),
	    UNIT_TASK(header_values_are_one_line_whatever_the_order),
	    UNIT_TASK(without_a_body_the_order_is_sent_in_the_standard_shape),
	    UNIT_TASK(a_task_that_can_not_be_rendered_says_why),
	    UNIT_TASK(events_come_from_the_task_or_from_beside_it),
	    UNIT_TASK(printing_a_task_and_reading_it_again_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
