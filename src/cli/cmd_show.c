#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "work/listing.h"

#define ATTEMPTS_SHOWN 64	/* the schedule has ten, retries on top */

/* A delivery and what is known of it, read before anything is printed. */
struct shown {
	struct store_event ev;
	struct order	 order;
	const struct order *o;		/* NULL: its body is gone */
	struct store_delivery d;
	struct store_attempt attempt[ATTEMPTS_SHOWN];
	size_t		 nattempt;
};

static void
print_time_member(const char *name, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	if (ms == 0)
		return;
	clock_format(ms, text);
	print_member(name, slice_of(text));
}

static void
print_attempt(const struct store_attempt *a)
{
	struct buf line = BUF_INIT(4096);
	char when[CLOCK_TEXT_MAX];

	clock_format(a->at_ms, when);
	buf_printf(&line, "Attempt %u  %s  ", a->number, when);
	if (a->status > 0)
		buf_printf(&line, "%d ", a->status);
	buf_printf(&line, "%s  %.1f ms", a->word, a->total_us / 1000.0);
	if (a->address.len > 0) {
		buf_puts(&line, "  ");
		buf_slice(&line, a->address);
	}
	putchar('\n');
	print_quoted("", buf_as_slice(&line));
	print_quoted("  ", a->sentence);
	print_quoted("  > ", a->request);
	print_quoted("  < ", a->response_head);
	print_quoted("  | ", a->response_body);
	if (a->response_len > a->response_body.len)
		printf("  truncated at %zu of %" PRIu64 " bytes\n",
		    a->response_body.len, a->response_len);
	buf_free(&line);
}

/* An id, and what people call it. */
static void
print_named(const char *member, const char *id, struct slice name)
{
	struct buf text = BUF_INIT(4096);

	buf_puts(&text, id);
	if (name.len > 0) {
		buf_puts(&text, "  ");
		buf_slice(&text, name);
	}
	print_member(member, buf_as_slice(&text));
	buf_free(&text);
}

static void
print_text(const struct cli *c, const struct roster *r,
    const struct shown *s)
{
	const struct subscription *sub = roster_subscription(r,
	    s->d.key.subscription);
	const char *state = delivery_state_name(r, &s->d);
	const struct store *st = c->service.store;
	const struct task *t = sub == NULL ? NULL : subscription_task(sub);
	struct buf text = BUF_INIT(8192);
	char id[ID_MAX];

	store_delivery_id(st, s->d.key, id);
	print_member("delivery", slice_of(id));
	store_event_id(st, s->d.key.position, id);
	buf_slice(&text, s->ev.type);
	if (s->o != NULL)
		order_of(s->o, &text);
	print_named("event", id, buf_as_slice(&text));
	store_record_id(st, STORE_SUBSCRIPTION, s->d.key.subscription, id);
	print_named("subscription", id, sub == NULL ? SLICE("removed") :
	    slice_of(t == NULL ? "" : task_name(t)));
	if (sub != NULL) {
		store_record_id(st, STORE_CLIENT, sub->client->number, id);
		print_named("client", id, slice_of(sub->client->name));
	}
	buf_clear(&text);
	buf_printf(&text, "%s%s%s", state,
	    s->d.reason[0] == '\0' ? "" : ", ", s->d.reason);
	print_member("state", buf_as_slice(&text));
	buf_clear(&text);
	buf_i64(&text, s->d.attempts);
	print_member("attempts", buf_as_slice(&text));
	print_time_member("accepted", s->d.created_ms);
	if (strcmp(state, "pending") == 0 && s->d.next_ms == 0)
		print_member("next attempt", SLICE("when the earlier events "
		    "of its order are done with"));
	else if (strcmp(state, "pending") == 0)
		print_time_member("next attempt", s->d.next_ms);
	print_time_member("done", s->d.done_ms);
	for (size_t i = 0; i < s->nattempt; i++)
		print_attempt(&s->attempt[i]);
	buf_free(&text);
}

static void
print_json(const struct cli *c, const struct roster *r,
    const struct shown *s)
{
	struct buf out = BUF_INIT(64 * 1024 * 1024);

	delivery_print(c->service.store, r, &s->ev, s->o, &s->d, &out);
	out.len--;		/* its last brace: attempts follow */
	buf_puts(&out, ",\"log\":[");
	for (size_t i = 0; i < s->nattempt; i++) {
		if (i > 0)
			buf_putc(&out, ',');
		attempt_print(&s->attempt[i], &out);
	}
	buf_puts(&out, "]}");
	puts(buf_str(&out));
	buf_free(&out);
}

static enum rc
read_event(const struct cli *c, uint64_t position, struct shown *s)
{
	struct json_error err;
	enum rc rc;

	rc = store_event_get(c->service.store, position, &s->ev);
	if (rc == RC_OK && order_read(&s->order, c->service.catalog,
	    s->ev.order, &err) == RC_OK)
		s->o = &s->order;
	return rc;
}

static enum rc
show_delivery(const struct cli *c, const struct roster *r,
    struct store_key key, struct shown *s)
{
	struct store *st = c->service.store;
	enum rc rc;

	rc = read_event(c, key.position, s);
	if (rc == RC_OK)
		rc = store_delivery_get(st, key, &s->d);
	if (rc == RC_OK)
		rc = store_attempts(st, key, 0, s->attempt, ATTEMPTS_SHOWN,
		    &s->nattempt);
	store_idle(st);
	if (rc != RC_OK)
		return rc;
	if (c->json)
		print_json(c, r, s);
	else
		print_text(c, r, s);
	return RC_OK;
}

static enum rc
show_event(const struct cli *c, const struct roster *r, uint64_t position,
    struct shown *s)
{
	struct buf out = BUF_INIT(64 * 1024 * 1024);
	enum rc rc;

	rc = read_event(c, position, s);
	if (rc == RC_OK)
		rc = event_print(c->service.store, r, &s->ev, s->o, true,
		    &out);
	store_idle(c->service.store);
	if (rc == RC_OK)
		print_object(&out, c->json);
	buf_free(&out);
	return rc;
}

/* Append a record's object; RC_NOTFOUND. */
static enum rc
put_record(const struct store *st, const struct roster *r, struct slice id,
    struct buf *out)
{
	const struct subscription *s = NULL;
	const struct client *cl = NULL;
	const struct apikey *k = NULL;
	uint32_t number;

	if (store_record_parse(st, STORE_SUBSCRIPTION, id, &number) == RC_OK)
		s = roster_subscription(r, number);
	else if (store_record_parse(st, STORE_CLIENT, id, &number) == RC_OK)
		cl = roster_client(r, number);
	else if (store_record_parse(st, STORE_KEY, id, &number) == RC_OK)
		k = roster_key(r, number);
	if (s != NULL)
		subscription_print(st, s, true, out);
	else if (cl != NULL)
		client_print(st, cl, out);
	else if (k != NULL)
		apikey_print(st, k, out);
	return out->len > 0 ? RC_OK : RC_NOTFOUND;
}

static enum rc
show_record(const struct cli *c, const struct roster *r, struct slice id)
{
	struct buf out = BUF_INIT(4 * 1024 * 1024);
	enum rc rc;

	store_idle(c->service.store);
	rc = put_record(c->service.store, r, id, &out);
	if (rc == RC_OK)
		print_object(&out, c->json);
	buf_free(&out);
	return rc;
}

static int
show(const struct cli *c, const struct roster *r, const char *id)
{
	const struct store *st = c->service.store;
	struct shown *s = calloc(1, sizeof *s);
	struct store_key key;
	uint64_t position;
	enum rc rc;

	if (s == NULL)
		return cli_fail("out of memory");
	s->ev = (struct store_event)STORE_EVENT_INIT;
	s->order = (struct order)ORDER_INIT;
	for (size_t i = 0; i < ATTEMPTS_SHOWN; i++)
		s->attempt[i] = (struct store_attempt)STORE_ATTEMPT_INIT;
	if (store_event_parse(st, slice_of(id), &position) == RC_OK)
		rc = show_event(c, r, position, s);
	else if (store_delivery_parse(st, slice_of(id), &key) == RC_OK)
		rc = show_delivery(c, r, key, s);
	else
		rc = show_record(c, r, slice_of(id));
	for (size_t i = 0; i < ATTEMPTS_SHOWN; i++)
		store_attempt_clear(&s->attempt[i]);
	order_free(&s->order);
	store_event_clear(&s->ev);
	free(s);
	if (rc == RC_NOTFOUND)
		return cli_fail("there is nothing with the id %s here", id);
	return rc == RC_OK ? CLI_OK : cli_unreadable();
}

static int
run(struct cli *c, int argc, char **argv)
{
	const struct roster *r;
	int status;

	status = cli_begin(c, argc, argv, 1, "one id is needed");
	if (status == CLI_OK)
		status = cli_roster(c, &r);
	if (status != CLI_OK)
		return status;
	status = show(c, r, argv[1]);
	roster_release(r);
	return status;
}

const struct command cmd_show = {
	.name = "show",
	.usage = "ID",
	.summary = "everything about one event, delivery, subscription, ...",
	.help = "A delivery (msg_...) is shown with every attempt: what was "
	    "sent (>), what came\nback (< and |).  An event (evt_...) comes "
	    "with its order and its deliveries; a\nclient (cli_...), "
	    "subscription (sub_...) or key (key_...) as its listing has it.",
	.run = run,
};
