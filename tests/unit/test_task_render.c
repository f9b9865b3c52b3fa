/*
 * A task's body is scanned before it is sent: what only shows when it is
 * rendered makes no request, and says where.
 */
#include "unit_task.h"

static void
fault(void *arg, const char *pointer, const char *detail)
{
	(void)arg;
	fail_msg("%s: %s", pointer, detail);
}

/* Render a body over an order; "!reason" if it can't be. */
static void
body(struct unit_task *f, const char *order, const char *json, const char *want)
{
	struct buf text = BUF_INIT(65536), why = BUF_INIT(1024);
	struct task_event ev = { .order = &f->o,
	    .type = SLICE("OrderTicketed"), .id = SLICE("evt_1"),
	    .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1 };
	struct task *t = NULL;

	unit_order(&f->o, f->c, order);
	buf_printf(&text, "{\"event\":[\"*\"],\"httpRequest\":{\"url\":"
	    "\"https://a.example/\",\"jsonBody\":%s}}", json);
	want_rc(task_compile(&t, f->c, buf_as_slice(&text), NULL, 0, fault,
	    NULL), RC_OK, "%s", json);
	buf_clear(&text);
	if (task_render(t, &ev, &f->r, &why) == RC_OK)
		buf_slice(&text, buf_as_slice(&f->r.body));
	else
		buf_printf(&text, "!%s", buf_str(&why));
	want_str(buf_str(&text), want, "%s of %s", json, order);
	task_free(t);
	buf_free(&text);
	buf_free(&why);
}

static void
two_keys_must_not_become_equal(void **state)
{
	static const char order[] = "{\"agwID\":\"AGW-1\",\"agent\":\"Ana\","
	    "\"x\":{\"k\":\"same\",\"l\":\"s\\u0061me\"},"
	    "\"legs\":[{\"origin\":\"MAD\"},{\"origin\":\"LHR\"}]}";
	static const char no[] = "!jsonBody: it renders to JSON that is not "
	    "sound: ";
	static const struct { const char *in, *want, *at; } t[] = {
		{ "{\"{{agwID}}\":1,\"{{agent}}\":2}",
		    "{\"AGW-1\":1,\"Ana\":2}", NULL },
		{ "{\"{{agwID}}\":1,\"AGW-1\":2}", NULL, "/AGW-1" },
		{ "{\"AGW\\u002d1\":1,\"{{agwID}}\":2}", NULL, "/AGW-1" },
		{ "{\"{{order.x.k}}\":1,\"{{order.x.l}}\":2}", NULL,
		    "/same" },
		{ "[{\"a\":[{\"{{agwID}}\":1,\"b\":2,\"{{agwID}}{{pnr}}\":3"
		    "}]}]", NULL, "/0/a/0/AGW-1" },
		/* the same key in an inner object is another one */
		{ "{\"{{agwID}}\":{\"{{agwID}}\":{\"AGW-1\":1}},\"b\":2}",
		    "{\"AGW-1\":{\"AGW-1\":{\"AGW-1\":1}},\"b\":2}", NULL },
		{ "{\"{{#legs}}\":{\"{{origin}}\":1}}",
		    "[{\"MAD\":1},{\"LHR\":1}]", NULL },
	};
	struct buf want = BUF_INIT(1024);

	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&want);
		if (t[i].want != NULL)
			buf_puts(&want, t[i].want);
		else
			buf_printf(&want, "%sthe object has this key "
			    "twice at %s", no, t[i].at);
		body(*state, order, t[i].in, buf_str(&want));
	}
	buf_free(&want);
}

static void
many_keys_are_no_limit(void **state)
{
	struct buf in = BUF_INIT(65536), want = BUF_INIT(65536);

	buf_putc(&in, '{');
	buf_putc(&want, '{');
	for (int i = 0; i < 1000; i++) {
		buf_printf(&in, "%s\"{{agwID}}%d\":1", i > 0 ? "," : "", i);
		buf_printf(&want, "%s\"A%d\":1", i > 0 ? "," : "", i);
	}
	buf_putc(&in, '}');
	buf_putc(&want, '}');
	body(*state, "{\"agwID\":\"A\"}", buf_str(&in), buf_str(&want));
	buf_free(&in);
	buf_free(&want);
}

/* n lists in each other, around s. */
static void
nest(struct buf *out, int n, const char *s)
{
	for (int i = 0; i < n; i++)
		buf_putc(out, '[');
	buf_puts(out, s);
	for (int i = 0; i < n; i++)
		buf_putc(out, ']');
}

static void
a_body_is_as_deep_as_an_event_may_be_and_no_deeper(void **state)
{
	struct buf order = BUF_INIT(1024), in = BUF_INIT(1024);
	struct buf want = BUF_INIT(1024);

	buf_puts(&order, "{\"l\":");
	nest(&order, 16, "1");
	buf_putc(&order, '}');
	nest(&in, 16, "\"{{{order.l}}}\"");
	nest(&want, TASK_DEPTH_MAX, "1");
	body(*state, buf_str(&order), buf_str(&in), buf_str(&want));
	buf_clear(&in);
	nest(&in, 17, "\"{{{order.l}}}\"");
	body(*state, buf_str(&order), buf_str(&in), "!jsonBody: it "
	    "renders to JSON that is not sound: arrays and objects are nested "
	    "more than 32 deep at "
	    "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0");
	buf_free(&order);
	buf_free(&in);
	buf_free(&want);
}

/* The largest event is a MiB, its envelope shorter than the standard one. */
static void
what_was_let_in_goes_out_in_the_standard_shape(void **state)
{
	struct unit_task *f = *state;
	struct buf order = BUF_INIT(2 * TASK_BODY_MAX);
	struct buf why = BUF_INIT(1024);
	struct task_event ev = { .order = &f->o,
	    .type = SLICE("FlightBookingCancelledOutsideSchedule"),
	    .id = SLICE("evt_1"), .time = SLICE("2026-11-23T10:00:00.000Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1 };
	struct task *own = unit_task(f, BODY("[\"{{{order}}}\"]"));
	struct task *standard = unit_task(f, HTTP(""));

	buf_puts(&order, "{\"agwID\":\"A\",\"x\":[\"");
	for (size_t n = 0; order.len < TASK_BODY_MAX - 50; n++)
		buf_puts(&order, n % 200000 == 199999 ? "\",\"" : "x");
	buf_puts(&order, "\"]}");
	unit_order(&f->o, f->c, buf_str(&order));
	want_rc(task_render(standard, &ev, &f->r, &why), RC_OK, "%s",
	    buf_str(&why));
	assert_true(f->r.body.len > TASK_BODY_MAX);
	want_rc(task_render(own, &ev, &f->r, &why), RC_OK, "%s",
	    buf_str(&why));
	order.len -= 3;
	while (order.len < TASK_BODY_MAX - 4)
		buf_putc(&order, 'x');
	buf_puts(&order, "\"]}");
	unit_order(&f->o, f->c, buf_str(&order));
	want_rc(task_render(own, &ev, &f->r, &why), RC_TOOBIG, "its own");
	task_free(own);
	task_free(standard);
	buf_free(&order);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TASK(two_keys_must_not_become_equal),
	    UNIT_TASK(many_keys_are_no_limit),
	    UNIT_TASK(a_body_is_as_deep_as_an_event_may_be_and_no_deeper),
	    UNIT_TASK(what_was_let_in_goes_out_in_the_standard_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
