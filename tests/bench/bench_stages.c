/*
 * bench_stages - how long each step of an accept and of a delivery takes.
 *
 *   bench_stages CATALOG SCALE
 *
 * The service's own functions in one thread, in loops, on a store of its own
 * in a temporary directory: 100 percent is the usual length of each loop.
 * Prints one JSON object: for each step the microseconds of time and of
 * processor time that one takes; the two differ where the disk is waited for.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "bench.h"
#include "work/config.h"
#include "work/event.h"
#include "work/sign.h"

#define SUBSCRIPTIONS	100
#define CLAIM		64	/* rows at once */
#define SETTLE		200
#define EVENTS_MAX	65536	/* accepted here at most */

static const char help_page_task[] =
    "{\"httpRequest\":{\"url\":\"https://yourservices/api/order-ticketed\","
    "\"header\":{\"authorization\":\"Basic YourPassword\"},"
    "\"jsonBody\":{\"orderID\":\"{{agwID}}\",\"agent\":\"{{agent}}\","
    "\"agency\":\"{{agency}}\",\"pnr\":\"{{pnr}}\",\"freeText\":"
    "\"Order has been ticketed, this is your order ID: {{agwID}}\"}}}";

struct stages {
	char		 dir[512], store_dir[600];
	struct config	 config;
	struct crypt	 crypt;
	struct catalog	*catalog;
	struct rosters	*one, *all;	/* one store each */
	const struct roster *roster_one, *roster_all;
	struct store	*store, *wide;
	struct buf	 json, out;
	struct json_doc	 doc;
	struct order	 order;
	struct event_reader reader;
	struct event	 event;
	struct problems	 bad;
	uint32_t	*match;
	size_t		 match_cap;
	struct task_request rq;
	uint32_t	 number;	/* of the next event accepted */
	struct store_accept accept[256];
	struct buf	 text[256];	/* sender ids */
	struct store_claim claim[SETTLE];
	struct store_due after;
	bool		 has_after;
	bool		 first_printed;
};

static void
must(enum rc rc, const char *what, const struct buf *why)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "%s: %s: %s\n", what, rc_name(rc),
	    why == NULL ? "" : buf_str(why));
	exit(1);
}

static double
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Run a step n times, each for so many rows or events, and print a line. */
static void
measure(struct stages *s, const char *name, void (*step)(struct stages *),
    uint32_t n, uint32_t each)
{
	double cpu = cpu_us(), total = (double)n * each;
	int64_t us = clock_mono_us();

	for (uint32_t i = 0; i < n; i++)
		step(s);
	us = clock_mono_us() - us;
	cpu = cpu_us() - cpu;
	printf("%c\n \"%s\":{\"us\":%.2f,\"cpu_us\":%.2f}",
	    s->first_printed ? ',' : '{', name, (double)us / total,
	    cpu / total);
	s->first_printed = true;
}

static void
scan(struct stages *s)
{
	struct json_error err;

	must(json_scan(&s->doc, buf_as_slice(&s->json), &json_limits_default,
	    &err), "json_scan", NULL);
}

static void
read_event(struct stages *s)
{
	must(event_read(&s->reader, buf_as_slice(&s->json), &s->event,
	    &s->bad), "event_read", &s->bad.text);
}

static void
read_order(struct stages *s)
{
	struct json_error err;

	must(order_read(&s->order, s->catalog, s->event.order, &err),
	    "order_read", NULL);
}

static void
check_order(struct stages *s)
{
	if (order_check(&s->order, NULL, NULL) != 0)
		must(RC_INVALID, "order_check", NULL);
}

static void
refer(struct stages *s)
{
	(void)reference_of_order(&s->crypt, &s->order, s->event.ref);
}

static void
match(struct stages *s, const struct roster *r)
{
	if (roster_match(r, s->event.type, &s->order, &s->match,
	    &s->match_cap) != 1)
		must(RC_INVALID, "roster_match", NULL);
}

static void
match_one(struct stages *s)
{
	match(s, s->roster_one);
}

static void
match_all(struct stages *s)
{
	match(s, s->roster_all);
}

static void
find_key(struct stages *s)
{
	if (roster_key_by_token(s->roster_all, buf_as_slice(&s->out)) == NULL)
		must(RC_NOTFOUND, "roster_key_by_token", NULL);
}

static void
render(struct stages *s)
{
	struct task_event ev = { .order = &s->order,
	    .type = SLICE("OrderTicketed"), .id = SLICE("evt_x"),
	    .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_x"), .attempt = 1 };

	const struct subscription *sub = roster_subscription_at(
	    s->roster_one, 0);

	must(task_render(subscription_task(sub), &ev, &s->rq, &s->bad.text),
	    "task_render", &s->bad.text);
}

static void
sign(struct stages *s)
{
	const struct subscription *sub = roster_subscription_at(
	    s->roster_one, 0);
	const struct sign_key *key;
	size_t n = subscription_keys(sub, clock_now_ms(), &key);

	buf_clear(&s->out);
	sign_value(key, n, SLICE("msg_0123456789abcdef"),
	    1795000000, buf_as_slice(&s->rq.body), &s->out);
}

static void
hash_body(struct stages *s)
{
	unsigned char hash[CRYPT_HASH_LEN];

	crypt_hash(&s->crypt, buf_as_slice(&s->rq.body), hash);
}

/* As intake does it, but for reading each anew. */
static void
accept_many(struct stages *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct store_accept *a = &s->accept[i];
		struct buf *text = &s->text[i];

		buf_clear(text);
		buf_printf(text, "tick-000000000001-%010u", s->number++);
		*a = (struct store_accept){
			.type = slice_of(s->event.type->name),
			.sender_id = buf_as_slice(text),
			.occurred = s->event.occurred,
			.order = s->event.order,
			.key = 1,
			.subscription = s->match,
			.nsubscription = 1,
			.ref = s->event.ref,
			.nref = (uint32_t)s->event.nref,
			.generation = roster_generation(s->roster_one),
		};
	}
	must(store_accept(s->store, s->accept, n), "store_accept", NULL);
	for (uint32_t i = 0; i < n; i++)
		must(s->accept[i].rc, "store_accept's item", NULL);
}

static void
accept_1(struct stages *s)
{
	accept_many(s, 1);
}

static void
accept_32(struct stages *s)
{
	accept_many(s, 32);
}

static void
accept_256(struct stages *s)
{
	accept_many(s, 256);
}

static size_t
claim_rows(struct stages *s, size_t max)
{
	int64_t next_ms;
	size_t n;

	must(store_claim(s->store, s->match[0], s->has_after ? &s->after :
	    NULL, INT64_MAX / 4, s->claim, max, &n, &next_ms), "store_claim",
	    NULL);
	if (n == 0)
		must(RC_NOTFOUND, "store_claim", NULL);
	s->after = s->claim[n - 1].due;
	s->has_after = true;
	return n;
}

static void
drop_claimed(struct stages *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		store_event_clear(&s->claim[i].event);
}

static void
claim_64(struct stages *s)
{
	drop_claimed(s, claim_rows(s, CLAIM));
}

static const char request[] =
    "POST https://yourservices/api/order-ticketed HTTP/1.1\r\n"
    "content-type: application/json\r\nauthorization: \xe2\x80\xa2word\r\n"
    "webhook-id: msg_0123456789abcdef\r\nwebhook-timestamp: 1795000000\r\n"
    "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=\r\n"
    "skycap-event: OrderTicketed\r\nskycap-event-id: evt_0123456789abc\r\n"
    "skycap-attempt: 1\r\n";

/* What was claimed, delivered; the claiming is not counted. */
static void
settle_rows(struct stages *s, uint32_t n)
{
	static struct store_settle out[SETTLE];
	struct store_attempt a = { .number = 1, .attempt = 1,
	    .at_ms = clock_now_ms(), .version = 1, .status = 204,
	    .first_us = 300, .total_us = 310, .word = "ok",
	    .address = SLICE("127.0.0.1:8080"), .request = SLICE(request),
	    .response_head = SLICE("HTTP/1.1 204 No Content\r\n\r\n") };

	for (uint32_t i = 0; i < n; i++)
		out[i] = (struct store_settle){ .due = s->claim[i].due,
		    .outcome = STORE_DELIVERED, .attempts = 1,
		    .now_ms = a.at_ms, .attempt = &a };
	must(store_settle(s->store, out, n, false), "store_settle", NULL);
	for (uint32_t i = 0; i < n; i++)
		must(out[i].rc, "store_settle's item", NULL);
}

static void
measure_settle(struct stages *s, const char *name, uint32_t n, uint32_t each)
{
	double cpu = 0, us = 0, at_cpu;
	int64_t at;

	s->has_after = false;
	for (uint32_t i = 0; i < n; i++) {
		if (claim_rows(s, each) != each)
			must(RC_NOTFOUND, "rows to settle", NULL);
		at = clock_mono_us();
		at_cpu = cpu_us();
		settle_rows(s, each);
		cpu += cpu_us() - at_cpu;
		us += (double)(clock_mono_us() - at);
		drop_claimed(s, each);
	}
	printf(",\n \"%s\":{\"us\":%.2f,\"cpu_us\":%.2f}", name,
	    us / ((double)n * each), cpu / ((double)n * each));
}

/* A store with a client and n subscriptions, of which one wants the event. */
static struct store *
make_store(struct stages *s, const char *name, uint32_t n,
    struct rosters **rosters, const struct roster **roster)
{
	struct slice type = SLICE("OrderTicketed");
	struct buf why = BUF_INIT(4096), task = BUF_INIT(4096);
	struct store *st = NULL;
	struct store_options opt = { .dir = s->store_dir,
	    .crypt = &s->crypt };
	uint32_t client, number, key;

	snprintf(s->store_dir, sizeof s->store_dir, "%s/%s", s->dir, name);
	must(store_create(&opt, &why), "store_create", &why);
	must(store_open(&st, &opt, &why), "store_open", &why);
	s->config = (struct config){ st, &s->crypt, s->catalog };
	must(client_add(&s->config, "Wander", NULL, true, NULL, 0, &client,
	    &why), "client_add", &why);
	for (uint32_t i = 0; i < n; i++) {
		buf_clear(&task);
		if (n > 1)
			buf_printf(&task, "{\"filter\":[{\"field\":\"agency\","
			    "\"op\":\"=\",\"value\":\"A%03u\"}],%s", i,
			    help_page_task + 1);
		else
			buf_puts(&task, help_page_task);
		must(subscription_add(&s->config, client, buf_as_slice(&task),
		    &type, 1, &number, &why), "subscription_add", &why);
	}
	buf_clear(&s->out);
	must(apikey_add(&s->config, KEY_PUBLISH, 0, "", &key, &s->out, &why),
	    "apikey_add", &why);
	must(rosters_new(rosters, st, &s->crypt, s->catalog), "rosters_new",
	    NULL);
	must(rosters_get(*rosters, 0, true, roster), "rosters_get", NULL);
	buf_free(&why);
	buf_free(&task);
	return st;
}

static void
measure_all(struct stages *s, uint32_t scale)
{
	uint32_t n = 500 * scale, rows = 512 * scale / 100 * 64;

	if (rows + 40 * scale > EVENTS_MAX)
		rows = EVENTS_MAX - 40 * scale;
	measure(s, "find the key", find_key, n, 1);
	measure(s, "json_scan", scan, n, 1);
	measure(s, "event_read, all of it", read_event, n, 1);
	measure(s, ". order_read", read_order, n, 1);
	measure(s, ". order_check", check_order, n, 1);
	measure(s, ". references", refer, n, 1);
	measure(s, "roster_match, 100 subscriptions", match_all, n, 1);
	measure(s, "roster_match, 1 subscription", match_one, n, 1);
	measure(s, "task_render", render, n, 1);
	measure(s, "sign_v1", sign, n, 1);
	measure(s, "hash of the body", hash_body, n, 1);
	measure(s, "store_accept, 1 at once", accept_1, 5 * scale, 1);
	measure(s, "store_accept, 32 at once", accept_32, scale, 32);
	measure(s, "store_accept, 256 at once", accept_256, rows / 256, 256);
	measure(s, "store_claim, 64 at once", claim_64, rows / CLAIM / 2,
	    CLAIM);
	measure_settle(s, "store_settle, 64 at once", rows / 64 / 4, 64);
	measure_settle(s, "store_settle, 200 at once", rows / SETTLE / 4,
	    SETTLE);
	printf("\n}\n");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	struct stages *s = calloc(1, sizeof *s);
	struct buf why = BUF_INIT(4096);

	if (s == NULL || argc != 3) {
		fprintf(stderr, "usage: bench_stages CATALOG SCALE\n");
		return 2;
	}
	snprintf(s->dir, sizeof s->dir, "%s/skycap-stages.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(s->dir) == NULL)
		bench_die(s->dir);
	must(catalog_load(&s->catalog, argv[1], &why), argv[1], &why);
	memset(&s->crypt, 7, sizeof s->crypt);
	s->json = (struct buf)BUF_INIT(BENCH_EVENT_MAX);
	s->out = (struct buf)BUF_INIT(4096);
	s->doc = (struct json_doc)JSON_DOC_INIT;
	s->order = (struct order)ORDER_INIT;
	s->reader = (struct event_reader)EVENT_READER_INIT(s->catalog,
	    &s->crypt);
	s->event = (struct event)EVENT_INIT;
	s->bad = (struct problems)PROBLEMS_INIT;
	s->rq = (struct task_request)TASK_REQUEST_INIT;
	for (size_t i = 0; i < NELEM(s->text); i++)
		s->text[i] = (struct buf)BUF_INIT(128);
	bench_event(&s->json, 17, clock_mono_us(), 17, 1);
	s->store = make_store(s, "one", 1, &s->one, &s->roster_one);
	s->wide = make_store(s, "wide", SUBSCRIPTIONS, &s->all,
	    &s->roster_all);
	read_event(s);
	read_order(s);
	measure_all(s, (uint32_t)bench_number("SCALE", argv[2], 1, 100));
	roster_release(s->roster_one);
	roster_release(s->roster_all);
	rosters_free(s->one);
	rosters_free(s->all);
	store_close(s->store);
	store_close(s->wide);
	nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
