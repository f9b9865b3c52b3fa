#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "cli/cli.h"
#include "work/listing.h"
#include "work/record_json.h"

#define ATTEMPTS_SHOWN 64	/* the schedule has ten, retries on top */

/* Print bytes from outside line by line, behind a margin, made harmless. */
static void
quote(const char *margin, struct slice s)
{
	while (s.len > 0) {
		const char *nl = memchr(s.s, '\n', s.len);
		size_t len = nl == NULL ? s.len : (size_t)(nl - s.s);

		fputs(margin, stdout);
		for (size_t i = 0; i < len; i++) {
			unsigned char ch = (unsigned char)s.s[i];

			if (ch == '\r' && i == len - 1)
				continue;
			putchar(ch < 0x20 && ch != '\t' ? '?' :
			    ch == 0x7f ? '?' : ch);
		}
		putchar('\n');
		len += nl != NULL;
		s.s += len;
		s.len -= len;
	}
}

static void
print_attempt(const struct store_attempt *a)
{
	char when[CLOCK_TEXT_MAX];

	clock_format(a->at_ms, when);
	printf("\nAttempt %u  %s  ", a->number, when);
	if (a->status > 0)
		printf("%d ", a->status);
	printf("%s  %.1f ms", a->word, a->total_us / 1000.0);
	if (a->address.len > 0)
		printf("  %.*s", (int)a->address.len, a->address.s);
	printf("\n  %.*s\n", (int)a->sentence.len, a->sentence.s);
	quote("  > ", a->request);
	quote("  < ", a->response_head);
	quote("  | ", a->response_body);
	if (a->response_len > a->response_body.len)
		printf("  truncated at %zu of %" PRIu64 " bytes\n",
		    a->response_body.len, a->response_len);
}

static int
print_delivery(const struct cli *c, const struct roster *r,
    const struct store_event *ev, const struct order *o,
    const struct store_delivery *d)
{
	struct store_attempt a[ATTEMPTS_SHOWN];
	struct buf out = BUF_INIT(16 * 1024 * 1024);
	char text[CLOCK_TEXT_MAX];
	size_t n = 0;
	int status = CLI_OK;

	for (size_t i = 0; i < ATTEMPTS_SHOWN; i++)
		a[i] = (struct store_attempt)STORE_ATTEMPT_INIT;
	if (store_attempts(c->service.store, d->key, 0, a, ATTEMPTS_SHOWN,
	    &n) != RC_OK)
		status = cli_fail("the store can't be read");
	store_idle(c->service.store);
	delivery_print(c->service.store, r, ev, o, d, &out);
	if (c->json) {
		out.len--;		/* its last brace: attempts follow */
		buf_puts(&out, ",\"log\":[");
		for (size_t i = 0; i < n; i++) {
			if (i > 0)
				buf_putc(&out, ',');
			attempt_print(&a[i], &out);
		}
		buf_puts(&out, "]}");
		puts(buf_str(&out));
	} else {
		buf_clear(&out);
		order_agwid(o, &out);
		printf("%.*s of %s: %s%s%s\n", (int)ev->type.len, ev->type.s,
		    buf_str(&out), delivery_state_name(r, d),
		    d->reason[0] == '\0' ? "" : ", ", d->reason);
		clock_format(d->created_ms, text);
		printf("accepted %s, attempts %u\n", text, d->attempts);
		if (d->next_ms != 0) {
			clock_format(d->next_ms, text);
			printf("next attempt %s\n", text);
		}
		for (size_t i = 0; i < n; i++)
			print_attempt(&a[i]);
	}
	for (size_t i = 0; i < ATTEMPTS_SHOWN; i++)
		store_attempt_clear(&a[i]);
	buf_free(&out);
	return status;
}

static int
print_event(const struct cli *c, const struct roster *r,
    const struct store_event *ev, const struct order *o)
{
	struct buf out = BUF_INIT(16 * 1024 * 1024);
	int status = CLI_OK;

	if (event_print(c->service.store, r, ev, o, true, &out) != RC_OK)
		status = cli_fail("the store can't be read");
	else {
		store_idle(c->service.store);
		puts(buf_str(&out));
	}
	buf_free(&out);
	return status;
}

/* An event, or a delivery with its event. */
static int
show_event(const struct cli *c, const struct roster *r, uint64_t position,
    const struct store_key *key)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct store_delivery d;
	struct order o = ORDER_INIT;
	struct json_error err;
	int status;
	enum rc rc;

	rc = store_event_get(c->service.store, position, &ev);
	if (rc == RC_OK && key != NULL)
		rc = store_delivery_get(c->service.store, *key, &d);
	if (rc == RC_OK)
		rc = order_read(&o, c->service.catalog, ev.order, &err);
	if (rc != RC_OK)
		status = cli_fail(rc == RC_NOTFOUND ? "there is none" :
		    "the store can't be read");
	else
		status = key != NULL ? print_delivery(c, r, &ev, &o, &d) :
		    print_event(c, r, &ev, &o);
	order_free(&o);
	store_event_clear(&ev);
	return status;
}

static int
show(const struct cli *c, const struct roster *r, struct slice id)
{
	struct store *st = c->service.store;
	struct buf out = BUF_INIT(4 * 1024 * 1024);
	const struct subscription *s;
	const struct client *cl;
	const struct apikey *k;
	struct store_key key;
	uint64_t position;
	uint32_t number;
	int status = CLI_OK;

	if (store_event_parse(st, id, &position) == RC_OK)
		return show_event(c, r, position, NULL);
	if (store_delivery_parse(st, id, &key) == RC_OK)
		return show_event(c, r, key.position, &key);
	if (store_record_parse(st, STORE_SUBSCRIPTION, id, &number) == RC_OK) {
		s = roster_subscription(r, number);
		if (s != NULL)
			subscription_print(st, s, true, &out);
	} else if (store_record_parse(st, STORE_CLIENT, id, &number) ==
	    RC_OK) {
		cl = roster_client(r, number);
		if (cl != NULL)
			client_print(st, cl, &out);
	} else if (store_record_parse(st, STORE_KEY, id, &number) == RC_OK) {
		k = roster_key(r, number);
		if (k != NULL)
			apikey_print(st, k, &out);
	}
	if (out.len > 0)
		puts(buf_str(&out));
	else
		status = cli_fail("there is nothing with the id %.*s here",
		    (int)id.len, id.s);
	buf_free(&out);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	const struct roster *r;
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one id is needed");
	status = cli_open(c);
	if (status != CLI_OK)
		return status;
	if (rosters_get(c->service.rosters, 0, true, &r) != RC_OK)
		return cli_fail("the store can't be read");
	status = show(c, r, slice_of(argv[1]));
	roster_release(r);
	return status;
}

const struct command cmd_show = {
	.name = "show",
	.usage = "ID",
	.summary = "everything about one event, delivery, subscription, ...",
	.help = "A delivery (msg_...) is shown with every attempt: what was "
	    "sent, what came back.",
	.run = run,
};
