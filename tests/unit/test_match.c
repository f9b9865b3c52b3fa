#include <stdlib.h>
#include "unit_roster.h"
#include "unit_shape.h"
#include "work/interest.h"

#define HTTP "\"httpRequest\":{\"url\":\"https://a.example/\"}}"
#define MAIL "\"mail\":{\"to\":[\"a@a.example\",\"{{agentEmail}}\"," \
	"\"c@a.example\"],\"subject\":\"s\",\"text\":\"t\"}}"
#define IATA "consumerIataCode"
#define FAILING "skycap.subscription.failing"

static const struct crypt crypt_key;

static struct dice {
	uint64_t x;
} seeded(uint64_t seed)
{
	return (struct dice){ seed };
}

static unsigned
roll(struct dice *d, unsigned sides)
{
	d->x = d->x * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(d->x >> 33) % sides;
}

static const char *const value[] = { "A", "B", "C", "\xc3\xa9", "7", "true",
    "A much longer value than all others are" };

static const char *
any_value(struct dice *d)
{
	return value[roll(d, NELEM(value))];
}

static void
put_scope(struct dice *d, struct buf *out)
{
	static const char *const field[] = { "agency", IATA, "provider" };

	buf_clear(out);
	buf_putc(out, '[');
	for (unsigned i = 0, n = 1 + roll(d, 3); i < n; i++)
		buf_printf(out, "%s{\"field\":\"%s\",\"value\":\"%s\"}",
		    i > 0 ? "," : "", field[roll(d, 3)], any_value(d));
	buf_putc(out, ']');
}

static void
put_condition(struct dice *d, struct buf *out)
{
	static const char *const field[] = { "agency", "provider", "agent",
	    "adultsPax", "order.agency", "order.x" };
	static const char *const op[] = { "=", "!=", "prefix" };
	const char *f = field[roll(d, NELEM(field))];

	if (strcmp(f, "adultsPax") == 0)
		buf_printf(out, "{\"field\":\"%s\",\"op\":\"=\",\"value\":%u}",
		    f, roll(d, 4));
	else if (roll(d, 2) == 0)
		buf_printf(out, "{\"field\":\"%s\",\"op\":\"%s\",\"value\":"
		    "\"%s\"}", f, op[roll(d, 3)], any_value(d));
	else
		buf_printf(out, "{\"field\":\"%s\",\"op\":\"%s\",\"value\":"
		    "[\"%s\",\"%s\"]}", f, roll(d, 3) ? "in" : "not in",
		    any_value(d), any_value(d));
}

static void
put_task(struct dice *d, struct buf *out)
{
	static const char *const event[] = { "\"OrderTicketed\"",
	    "\"OrderCreated\",\"OrderTicketed\"", "\"OrderCanceled\"",
	    "\"*\"", "\"" FAILING "\",\"OrderCreated\"" };
	unsigned n = roll(d, 4);

	buf_clear(out);
	buf_printf(out, "{\"event\":[%s],", event[roll(d, NELEM(event))]);
	if (n > 0)
		buf_puts(out, "\"filter\":[");
	for (unsigned i = 0; i < n; i++) {
		bool any = roll(d, 5) == 0;

		buf_puts(out, i > 0 ? "," : "");
		buf_puts(out, any ? "{\"any\":[[" : "");
		put_condition(d, out);
		buf_puts(out, any ? "]]}" : "");
	}
	if (n > 0)
		buf_puts(out, "],");
	buf_puts(out, roll(d, 4) == 0 ? MAIL : HTTP);
}

static void
put_order(struct dice *d, struct buf *out)
{
	static const char *const field[] = { "agency", IATA, "provider",
	    "agent", "adultsPax", "x" };
	static const char *const sent[] = { "\"A\"", "\"\\u0041\"", "\"B\"",
	    "\"C\"", "\"\\u00e9\"", "\"\xc3\xa9\"", "7", "\"7\"", "true",
	    "null", "\"none\"", "\"A much longer value than all others are\"",
	    "\"A much longer value than all others are, and more\"" };

	buf_clear(out);
	buf_puts(out, "{\"agwID\":\"1\"");
	for (size_t i = 0; i < NELEM(field); i++)
		if (roll(d, 4) > 0)
			buf_printf(out, ",\"%s\":%s", field[i],
			    sent[roll(d, NELEM(sent))]);
	buf_putc(out, '}');
}

static void
list(struct buf *out, uint32_t number)
{
	buf_printf(out, "%u ", number);
}

static const char *
found(const struct roster *r, const struct catalog_event *type,
    const struct order *o, struct buf *out)
{
	uint32_t *number = NULL;
	size_t cap = 0, n = roster_match(r, type, o, &number, &cap);

	buf_clear(out);
	for (size_t i = 0; i < n; i++)
		list(out, number[i]);
	free(number);
	return buf_str(out);
}

/* The same without an index. */
static const char *
asked(const struct roster *r, const struct catalog_event *type,
    const struct order *o, struct buf *out)
{
	const struct subscription *s;

	buf_clear(out);
	for (size_t i = 0; (s = roster_subscription_at(r, i)) != NULL; i++)
		if (interest_wants(s->interest, type) &&
		    client_sees(s->client, type, o) &&
		    filter_matches(s->interest->filter, o))
			for (int k = s->interest->recipients; k > 0; k--)
				list(out, s->number);
	return buf_str(out);
}

static void
compare(const struct roster *r, struct dice *d, size_t *matches)
{
	static const char *const event[] = { "OrderTicketed", "OrderCreated",
	    "OrderCanceled", "OrderCompleted", FAILING };
	struct buf order = BUF_INIT(4096), got = BUF_INIT(65536);
	struct buf want = BUF_INIT(65536);
	struct order o = ORDER_INIT;

	for (int i = 0; i < 40; i++) {
		const struct catalog_event *type = catalog_event_find(
		    r->catalog, slice_of(event[roll(d, NELEM(event))]));

		put_order(d, &order);
		unit_order(&o, r->catalog, buf_str(&order));
		want_str(found(r, type, &o, &got), asked(r, type, &o, &want),
		    "%s of %s", type->name, buf_str(&order));
		*matches += got.len > 0;
	}
	order_free(&o);
	buf_free(&order);
	buf_free(&got);
	buf_free(&want);
}

static void
the_index_finds_what_asking_every_subscription_finds(void **state)
{
	struct catalog *c = unit_catalog();
	struct dice d = seeded(4711);
	struct buf text = BUF_INIT(65536);
	size_t matches = 0;

	(void)state;
	for (int round = 0; round < 30; round++) {
		uint32_t clients = 1 + roll(&d, 12), subs = roll(&d, 80);
		struct roster *r = roster_new(c), *next;

		for (uint32_t i = 1; i <= clients; i++) {
			put_scope(&d, &text);
			roster_put_client(r, i, roll(&d, 4) == 0 ? NULL :
			    buf_str(&text));
		}
		for (uint32_t i = 1; i <= subs; i++) {
			put_task(&d, &text);
			roster_put_subscription(r, i, 1 + roll(&d, clients),
			    &crypt_key, buf_as_slice(&text));
		}
		roster_ready(r);
		compare(r, &d, &matches);
		/* few changes are indexed apart, many lead to a new index */
		for (int step = 0; step < 6; step++) {
			next = roster_copy(r);
			for (uint32_t i = 0; i < 1 + roll(&d, 20); i++) {
				put_task(&d, &text);
				if (roll(&d, 3) == 0)
					roster_drop(next, STORE_SUBSCRIPTION,
					    1 + roll(&d, subs + 1));
				else
					roster_put_subscription(next,
					    1 + roll(&d, subs + 4),
					    1 + roll(&d, clients), &crypt_key,
					    buf_as_slice(&text));
			}
			roster_ready(next);
			compare(next, &d, &matches);
			compare(r, &d, &matches);
			roster_release(r);
			r = next;
		}
		roster_release(r);
	}
	assert_true(matches > 1000);
	buf_free(&text);
	catalog_free(c);
}

static void
want_found_of(const struct roster *r, const char *type, const char *order,
    const char *want)
{
	struct buf got = BUF_INIT(65536);
	struct order o = ORDER_INIT;

	unit_order(&o, r->catalog, order);
	want_str(found(r, catalog_event_find(r->catalog, slice_of(type)), &o,
	    &got), want, "%s of %s", type, order);
	order_free(&o);
	buf_free(&got);
}

static void
want_found(const struct roster *r, const char *order, const char *want)
{
	want_found_of(r, "OrderTicketed", order, want);
}

static void
events_of_the_service_are_for_who_sees_all_and_names_them(void **state)
{
	static const char *const all = NULL;
	static const char *const scoped = "[{\"field\":\"agency\","
	    "\"value\":\"A\"}]";
	static const char *const both = "{\"event\":[\"OrderTicketed\",\""
	    FAILING "\"]," HTTP;
	struct catalog *c = unit_catalog();
	struct roster *r = roster_new(c);

	(void)state;
	roster_put_client(r, 1, all);
	roster_put_client(r, 2, scoped);
	roster_put_subscription(r, 1, 1, &crypt_key, slice_of(both));
	roster_put_subscription(r, 2, 2, &crypt_key, slice_of(both));
	roster_put_subscription(r, 3, 1, &crypt_key, SLICE("{\"event\":[\"*\"],"
	    HTTP));
	roster_put_subscription(r, 4, 1, &crypt_key, SLICE("{\"event\":[\""
	    FAILING "\"],\"filter\":[{\"field\":\"order.reason\","
	    "\"op\":\"=\",\"value\":\"timeout\"}]," HTTP));
	roster_put_subscription(r, 5, 1, &crypt_key, SLICE("{\"event\":"
	    "[\"skycap.subscription.recovered\"]," HTTP));
	roster_ready(r);
	want_found(r, "{\"agency\":\"A\"}", "1 2 3 ");
	want_found_of(r, FAILING, "{\"agency\":\"A\"}", "1 ");
	want_found_of(r, FAILING, "{\"reason\":\"timeout\"}", "1 4 ");
	want_found_of(r, FAILING, "{\"reason\":\"dns\"}", "1 ");
	want_found_of(r, "skycap.subscription.recovered", "{}", "5 ");
	want_found_of(r, "skycap.subscription.disabled", "{}", "");
	roster_release(r);
	catalog_free(c);
}

static void
a_subscription_found_in_two_ways_is_there_once_and_in_order(void **state)
{
	struct catalog *c = unit_catalog();
	struct roster *r = roster_new(c);

	(void)state;
	roster_put_client(r, 1, "[{\"field\":\"agency\",\"value\":\"A\"},"
	    "{\"field\":\"" IATA "\",\"value\":\"7\"},"
	    "{\"field\":\"agency\",\"value\":\"A\"}]");
	roster_put_client(r, 2, NULL);
	roster_put_subscription(r, 1, 2, &crypt_key, SLICE("{\"event\":[\"*\"],"
	    "\"filter\":[{\"field\":\"agency\",\"op\":\"in\",\"value\":"
	    "[\"A\",\"\\u0041\",\"B\"]}]," HTTP));
	roster_put_subscription(r, 2, 1, &crypt_key, SLICE("{\"event\":"
	    "[\"OrderTicketed\",\"OrderTicketed\"]," HTTP));
	roster_put_subscription(r, 3, 2, &crypt_key, SLICE("{\"event\":"
	    "[\"OrderTicketed\"]," HTTP));
	roster_put_subscription(r, 4, 1, &crypt_key, SLICE("{\"event\":[\"*\"],"
	    HTTP));
	roster_ready(r);
	want_found(r, "{\"agency\":\"A\",\"" IATA "\":7}", "1 2 3 4 ");
	want_found(r, "{\"agency\":\"B\",\"" IATA "\":\"7\"}", "1 2 3 4 ");
	want_found(r, "{\"" IATA "\":\"\\u0037\"}", "2 3 4 ");
	want_found(r, "{\"agency\":\"B\"}", "1 3 ");
	want_found(r, "{}", "3 ");
	roster_release(r);
	catalog_free(c);
}

/* 10,000 values of every type are not 310,000 runs. */
static void
a_long_list_for_many_types_is_found_by_each(void **state)
{
	struct catalog *c = unit_catalog();
	struct roster *r = roster_new(c);
	struct buf task = BUF_INIT(STORE_RECORD_MAX);

	(void)state;
	buf_puts(&task, "{\"event\":[\"OrderTicketed\",\"OrderCreated\"],"
	    "\"filter\":[{\"field\":\"" IATA "\",\"op\":\"in\",\"value\":[1");
	for (int i = 2; i <= 5000; i++)
		buf_printf(&task, ",%d", i);
	buf_puts(&task, "]}]," HTTP);
	roster_put_client(r, 1, NULL);
	roster_put_subscription(r, 1, 1, &crypt_key, buf_as_slice(&task));
	roster_ready(r);
	want_found(r, "{\"" IATA "\":\"1\"}", "1 ");
	want_found(r, "{\"" IATA "\":5000}", "1 ");
	want_found(r, "{\"" IATA "\":5001}", "");
	roster_release(r);
	buf_free(&task);
	catalog_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_index_finds_what_asking_every_subscription_finds),
	    cmocka_unit_test(
		a_subscription_found_in_two_ways_is_there_once_and_in_order),
	    cmocka_unit_test(a_long_list_for_many_types_is_found_by_each),
	    cmocka_unit_test(
		events_of_the_service_are_for_who_sees_all_and_names_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
