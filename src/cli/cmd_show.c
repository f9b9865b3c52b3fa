#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "cli/print.h"
#include "cli/show.h"

void
show_named(const char *member, const char *id, struct slice name)
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

void
show_time(const char *member, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	if (ms == 0)
		return;
	clock_format(ms, text);
	print_member(member, slice_of(text));
}

enum rc
show_read(struct shown *s, uint64_t position)
{
	struct json_error err;
	enum rc rc;

	rc = store_event_get(s->c->service.store, position, &s->ev);
	if (rc == RC_OK && order_read(&s->order, s->c->service.catalog,
	    s->ev.order, &err) == RC_OK)
		s->o = &s->order;
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

/* What was asked for, however it turns out to be called. */
struct ask {
	const char	*id;
	const char	*attempt;	/* NULL: all */
	bool		 body;
};

static int
show_id(struct shown *s, const struct ask *ask)
{
	const struct store *st = s->c->service.store;
	struct slice id = slice_of(ask->id);
	struct show_delivery d = { .body = ask->body };
	uint64_t position;
	int64_t only = 0;
	enum rc rc;

	if (ask->attempt != NULL && !cli_number(ask->attempt, 1, UINT16_MAX,
	    &only))
		return cli_usage(s->c, "--attempt must be a number from 1");
	d.only = (uint16_t)only;
	if (store_delivery_parse(st, id, &d.key) == RC_OK)
		return show_delivery(s, &d);
	if (only != 0 || ask->body)
		return cli_usage(s->c, "--attempt and --body are for a "
		    "delivery (msg_...)");
	if (store_event_parse(st, id, &position) == RC_OK)
		rc = show_event(s, position);
	else
		rc = show_record(s->c, s->r, id);
	if (rc == RC_NOTFOUND)
		return cli_fail("there is nothing with the id %s here",
		    ask->id);
	return rc == RC_OK ? CLI_OK : cli_unreadable();
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct shown s = { .c = c, .ev = STORE_EVENT_INIT,
	    .order = ORDER_INIT };
	struct ask ask = { .id = NULL };
	const struct cli_option opt[] = {
		{ .name = "attempt", .value = &ask.attempt },
		{ .name = "body", .flag = &ask.body },
	};
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one id is needed");
	ask.id = argv[1];
	status = cli_open(c);
	if (status == CLI_OK)
		status = cli_roster(c, &s.r);
	if (status != CLI_OK)
		return status;
	status = show_id(&s, &ask);
	roster_release(s.r);
	order_free(&s.order);
	store_event_clear(&s.ev);
	return status;
}

const struct command cmd_show = {
	.name = "show",
	.usage = "ID [--attempt N] [--body]",
	.summary = "everything about one event, delivery, subscription, ...",
	.help = "A delivery (msg_...) is shown with every attempt: the request "
	    "(>) and its body (|),\nthe answer (<) and the first 4 KiB of its "
	    "body (|).  Secrets are masked, also where\nan endpoint repeated "
	    "them.  An event (evt_...) comes with its order and its\n"
	    "deliveries; a client (cli_...), subscription (sub_...) or key "
	    "(key_...) as its\nlisting has it.\n\n"
	    "  --attempt N  that attempt alone\n"
	    "  --body       the bytes of the body alone, of the last attempt "
	    "unless --attempt\n"
	    "               says which: skycap show msg_... --body | "
	    "sha256sum\n\n"
	    "A body is not kept: it is made again from the event and the "
	    "version of the\nsubscription that the attempt used, and shown "
	    "only if its hash proves that these\nare the same bytes.\n\n"
	    "--json gives one object: the delivery as `skycap deliveries "
	    "--json` has it, with\n\"recorded\", how many attempts there are, "
	    "and these in \"log\", each\n"
	    "  {number, attempt, at, version, status, word, sentence, "
	    "address,\n"
	    "   duration_us: {dns, connect, tls, first, total},\n"
	    "   request, method, url, requestHeaders: [{name, value}], "
	    "wentOut,\n"
	    "   body, bodyMissing, bodyHash,\n"
	    "   responseHead, responseHeaders, responseBody, responseKept, "
	    "responseLength,\n"
	    "   truncated}\n"
	    "Of a mail these are from and to in place of method and url; body "
	    "is its text,\nresponseHead the dialogue with the mail server and "
	    "responseBody its last answer.\n"
	    "body is null where it can't be proven, and bodyMissing says "
	    "why; wentOut is false\nif the attempt ended before anything "
	    "of it was sent.",
	.run = run,
};
