/*
 * bench_shape - how quickly events are read and matched, templates rendered.
 *
 *   bench_shape CATALOG SCALE
 *
 * The service's own functions in one thread on made-up input: the help page's
 * task, and one of 4 KiB that loops over six legs; events of 1 KiB and 10 KiB;
 * 10 subscriptions that want an event among none, 990 and 99,990 that do not.
 * Beside each what the bytes cost alone: a copy of what was rendered or read.
 * 100 percent is the usual length of each loop.
 * Prints one JSON object: for each step nanoseconds, bytes, and how many a
 * second that makes.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "bench.h"
#include "../unit/unit_roster.h"
#include "shape/task.h"
#include "work/event.h"

#define LEGS	6
#define WANTING	10

static const char help_page[] =
    "{\"httpRequest\":{\"url\":\"https://yourservices/api/order-ticketed\","
    "\"header\":{\"authorization\":\"Basic YourPassword\"},"
    "\"jsonBody\":{\"orderID\":\"{{agwID}}\",\"agent\":\"{{agent}}\","
    "\"agency\":\"{{agency}}\",\"pnr\":\"{{pnr}}\",\"freeText\":"
    "\"Order has been ticketed, this is your order ID: {{agwID}}\"}}}";

struct shape {
	struct catalog	*catalog;
	struct crypt	 crypt;
	struct buf	 task_json, event_json;
	struct task	*task;
	struct order	 order;
	struct event_reader reader;
	struct event	 event;
	struct problems	 bad;
	struct task_request rq;
	struct buf	 copy;
	struct json_doc	 doc;
	const struct roster *roster;
	uint32_t	*match;
	size_t		 match_cap;
	bool		 first_printed;
};

static void
must(bool holds, const char *what, const char *why)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static void
fault(void *arg, const char *pointer, const char *detail)
{
	(void)arg;
	must(false, pointer, detail);
}

/* The best of five runs: what others do on the machine only ever adds. */
static void
measure(struct shape *s, const char *name, void (*step)(struct shape *),
    uint32_t n, size_t bytes)
{
	int64_t best = INT64_MAX;
	double ns;

	for (int run = 0; run < 5; run++) {
		int64_t us = clock_mono_us();

		for (uint32_t i = 0; i < n; i++)
			step(s);
		us = clock_mono_us() - us;
		best = us < best ? us : best;
	}
	ns = (double)best * 1000 / n;
	printf("%c\n \"%s\":{\"ns\":%.1f,\"bytes\":%zu,\"per_s\":%.0f}",
	    s->first_printed ? ',' : '{', name, ns, bytes, 1e9 / ns);
	s->first_printed = true;
}

static void
compile(struct shape *s)
{
	struct slice type = SLICE("OrderTicketed");
	struct task *t = NULL;

	if (task_compile(&t, s->catalog, buf_as_slice(&s->task_json), &type, 1,
	    fault, NULL) != RC_OK)
		abort();
	task_free(s->task);
	s->task = t;
}

static void
render(struct shape *s)
{
	struct task_event ev = { .order = &s->order,
	    .type = SLICE("OrderTicketed"), .id = SLICE("evt_x"),
	    .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_x"), .attempt = 1 };

	must(task_render(s->task, &ev, &s->rq, &s->bad.text) == RC_OK,
	    "task_render", buf_str(&s->bad.text));
}

static void
copy(struct shape *s)
{
	buf_clear(&s->copy);
	buf_slice(&s->copy, buf_as_slice(&s->rq.url));
	buf_slice(&s->copy, buf_as_slice(&s->rq.text));
	buf_slice(&s->copy, buf_as_slice(&s->rq.body));
}

static void
read_event(struct shape *s)
{
	must(event_read(&s->reader, buf_as_slice(&s->event_json), &s->event,
	    &s->bad) == RC_OK, "event_read", s->bad.text.s);
}

static void
scan(struct shape *s)
{
	struct json_error err;

	must(json_scan(&s->doc, buf_as_slice(&s->event_json),
	    &json_limits_default, &err) == RC_OK, "json_scan", err.detail);
}

static void
copy_event(struct shape *s)
{
	buf_clear(&s->copy);
	buf_slice(&s->copy, buf_as_slice(&s->event_json));
}

/* An event with six legs and as many remarks as make it so long. */
static void
make_event(struct shape *s, size_t bytes)
{
	struct buf *b = &s->event_json;

	buf_clear(b);
	buf_puts(b, "{\"id\":\"tick-4711\",\"event\":\"OrderTicketed\","
	    "\"order\":{\"agwID\":\"AGW-JHTE1543KJ\",\"orderID\":"
	    "\"IB-7C2F90A1\",\"pnr\":\"KWJ2MT\",\"agent\":\"Ana L\xc3\xb3pez\","
	    "\"agency\":\"Wander\",\"adultsPax\":2,\"totalAmount\":\"412.90\","
	    "\"legs\":[");
	for (int i = 0; i < LEGS; i++)
		buf_printf(b, "%s{\"origin\":\"MAD\",\"destination\":\"LHR\","
		    "\"departure\":\"2026-12-0%dT10:00:00Z\","
		    "\"arrival\":\"2026-12-0%dT11:30:00Z\"}", i > 0 ? "," : "",
		    i + 1, i + 1);
	buf_puts(b, "],\"remarks\":[\"Seat by the window\"");
	while (b->len + 60 < bytes)
		buf_puts(b, ",{\"text\":\"asks for a meal \\\"AVML\\\"\","
		    "\"priority\":3}");
	buf_puts(b, "]}}");
}

static void
make_loop(struct buf *b)
{
	buf_clear(b);
	buf_puts(b, "{\"httpRequest\":{\"url\":\"https://yourservices/orders/"
	    "{{agwID}}\",\"jsonBody\":{\"order\":\"{{agwID}}\",\"legs\":"
	    "{\"{{#legs}}\":{\"from\":\"{{origin}}\",\"to\":\"{{destination}}"
	    "\",\"text\":\"{{origin}} {{departure}} to {{destination}} "
	    "{{arrival}}\",\"when\":\"{{{departure}}}\"}},\"notes\":[\"\"");
	while (b->len + 120 < 4096)
		buf_puts(b, ",{\"for\":\"{{agent}} of {{agency}}\",\"note\":"
		    "\"Order {{agwID}} has been ticketed\",\"n\":"
		    "\"{{{adultsPax}}}\"}");
	buf_puts(b, "]}}}");
}

static void
measure_task(struct shape *s, const char *name, uint32_t n)
{
	char text[80];
	size_t bytes = s->task_json.len;

	snprintf(text, sizeof text, "compile %s", name);
	compile(s);
	measure(s, text, compile, n / 20 + 1, bytes);
	render(s);
	bytes = s->rq.url.len + s->rq.text.len + s->rq.body.len;
	snprintf(text, sizeof text, "render %s", name);
	measure(s, text, render, n, bytes);
	snprintf(text, sizeof text, "copy of what %s rendered", name);
	measure(s, text, copy, n, bytes);
}

static void
measure_event(struct shape *s, const char *name, size_t bytes, uint32_t n)
{
	char text[80];

	make_event(s, bytes);
	snprintf(text, sizeof text, "read an event of %s", name);
	measure(s, text, read_event, n, s->event_json.len);
	snprintf(text, sizeof text, "scan it, %s", name);
	measure(s, text, scan, n, s->event_json.len);
	snprintf(text, sizeof text, "copy of it, %s", name);
	measure(s, text, copy_event, n, s->event_json.len);
}

static void
match(struct shape *s)
{
	size_t n = roster_match(s->roster, s->event.type, &s->order, &s->match,
	    &s->match_cap);

	must(n == WANTING, "roster_match", "another number of subscriptions");
}

/*
 * Ten that want the event's agency, the last one far from the first, and the
 * others each an agency of their own: by their clients' scopes, or by their
 * filters, all of one client.
 */
static const struct roster *
make_roster(struct shape *s, uint32_t n, bool filters)
{
	struct roster *r = roster_new(s->catalog);
	struct buf agency = BUF_INIT(64), text = BUF_INIT(4096);

	if (filters)
		roster_put_client(r, 1, NULL);
	for (uint32_t i = 1; i <= n; i++) {
		buf_clear(&agency);
		if (i % (n / WANTING) == 0)
			buf_puts(&agency, "Wander");
		else
			buf_printf(&agency, "A%u", i);
		buf_clear(&text);
		buf_printf(&text, "[{\"field\":\"agency\",\"value\":\"%s\"}]",
		    buf_str(&agency));
		if (!filters)
			roster_put_client(r, i, buf_str(&text));
		buf_clear(&text);
		buf_puts(&text, "{\"event\":[\"OrderTicketed\"],");
		if (filters)
			buf_printf(&text, "\"filter\":[{\"field\":\"agency\","
			    "\"op\":\"=\",\"value\":\"%s\"}],",
			    buf_str(&agency));
		buf_puts(&text, "\"httpRequest\":{\"url\":"
		    "\"https://a.example/\"}}");
		roster_put_subscription(r, i, filters ? 1 : i, &s->crypt,
		    buf_as_slice(&text));
	}
	roster_ready(r);
	buf_free(&agency);
	buf_free(&text);
	return r;
}

static void
measure_match(struct shape *s, uint32_t subscriptions, bool filters,
    uint32_t n)
{
	char text[80];

	snprintf(text, sizeof text, "match %u of %u subscriptions by %s",
	    WANTING, subscriptions, filters ? "filter" : "scope");
	s->roster = make_roster(s, subscriptions, filters);
	measure(s, text, match, n, s->event.order.len);
	roster_release(s->roster);
}

int
main(int argc, char **argv)
{
	struct shape *s = calloc(1, sizeof *s);
	struct buf why = BUF_INIT(4096);
	struct json_error err;
	uint32_t n;

	if (s == NULL || argc != 3) {
		fprintf(stderr, "usage: bench_shape CATALOG SCALE\n");
		return 2;
	}
	n = (uint32_t)bench_number("SCALE", argv[2], 1, 100) * 2000;
	must(catalog_load(&s->catalog, argv[1], &why) == RC_OK, argv[1],
	    buf_str(&why));
	memset(&s->crypt, 7, sizeof s->crypt);
	s->task_json = (struct buf)BUF_INIT(65536);
	s->event_json = (struct buf)BUF_INIT(65536);
	s->copy = (struct buf)BUF_INIT(65536);
	s->order = (struct order)ORDER_INIT;
	s->doc = (struct json_doc)JSON_DOC_INIT;
	s->reader = (struct event_reader)EVENT_READER_INIT(s->catalog,
	    &s->crypt);
	s->event = (struct event)EVENT_INIT;
	s->bad = (struct problems)PROBLEMS_INIT;
	s->rq = (struct task_request)TASK_REQUEST_INIT;
	make_event(s, 1024);
	read_event(s);
	must(order_read(&s->order, s->catalog, s->event.order, &err) == RC_OK,
	    "order", err.detail);
	buf_puts(&s->task_json, help_page);
	measure_task(s, "the help page's task", n);
	make_loop(&s->task_json);
	measure_task(s, "4 KiB with a loop over 6 legs", n / 8);
	/* the order is read from memory that is written to now */
	measure_event(s, "1 KiB", 1024, n / 2);
	measure_event(s, "10 KiB", 10240, n / 20 + 1);
	make_event(s, 1024);
	read_event(s);
	must(order_read(&s->order, s->catalog, s->event.order, &err) == RC_OK,
	    "order", err.detail);
	for (int filters = 0; filters < 2; filters++)
		for (uint32_t all = WANTING; all <= 100000; all *= 100)
			measure_match(s, all, filters, n);
	printf("\n}\n");
	return 0;
}
