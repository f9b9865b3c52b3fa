#include <inttypes.h>
#include <stdio.h>
#include "base/clock.h"
#include "cli/await.h"
#include "cli/print.h"
#include "cli/show.h"
#include "cli/subject.h"
#include "work/record_json.h"
#include "work/test_send.h"

#define WAIT_MAX_S	3600
#define WAIT_MORE_MS	5000	/* than an attempt may take */

struct options {
	const char	*event, *event_id, *wait;
};

/* A test under way. */
struct testing {
	struct cli	*c;
	struct subject	 subject;
	struct preview	 preview;	/* its event and order */
	struct buf	 apart;		/* why it would not have got it; "" */
	int64_t		 wait_ms;
	struct test_send sent;
	struct store_key key[STORE_RECIPIENTS_MAX];
	struct store_delivery d[STORE_RECIPIENTS_MAX];
	enum rc		 gave_up[STORE_RECIPIENTS_MAX];	/* RC_OK: it was */
};

/* The first type that it asks for. */
static const struct catalog_event *
first_type(const struct testing *t)
{
	const char *name = task_event_at(t->subject.of.task, 0);

	if (strcmp(name, "*") == 0)
		name = "OrderTicketed";
	return catalog_event_find(t->c->service.catalog, slice_of(name));
}

static int
take_event(struct testing *t, const struct options *o,
    const struct catalog_event *type)
{
	const struct preview_of *of = &t->subject.of;
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;
	uint64_t position;

	if (o->event_id == NULL)
		preview_sample(&t->preview, of,
		    type != NULL ? type : first_type(t));
	else if (store_event_parse(t->c->service.store,
	    slice_of(o->event_id), &position) != RC_OK)
		status = cli_fail("%s is not the id of an event here",
		    o->event_id);
	else if (preview_event(&t->preview, of, position, &why) != RC_OK)
		status = cli_fail("%s: %s", o->event_id, buf_str(&why));
	else if (t->preview.type == NULL)
		status = cli_fail("%s: its type is not in the catalogue",
		    o->event_id);
	buf_free(&why);
	return status;
}

/* A sample's order is nobody's, and may well be out of scope. */
static void
ask_whether_wanted(struct testing *t)
{
	struct preview *p = &t->preview;

	preview_decide(p, &t->subject.of);
	if (!p->wanted)
		buf_slice(&t->apart, buf_as_slice(&p->reason));
	else if (!client_sees(t->subject.of.client, p->type, &p->order))
		buf_puts(&t->apart, "its client's scope leaves out this "
		    "order");
}

static int
refused(const struct testing *t, enum rc rc, const char *why)
{
	char id[ID_MAX];

	store_record_id(t->c->service.store, STORE_SUBSCRIPTION,
	    t->sent.subscription, id);
	switch (rc) {
	case RC_DENIED:
		return cli_fail("%s: %s, so nothing is sent to it; skycap "
		    "subscription resume %s", id, why, id);
	case RC_NOTFOUND:
		return cli_fail("%s: %s", id, why);
	case RC_FULL:
		return cli_fail("the store has no room just now");
	default:
		return cli_unreadable();
	}
}

static int
post(struct testing *t)
{
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;
	enum rc rc;

	t->sent = (struct test_send){
		.config = service_config(&t->c->service),
		.rosters = t->c->service.rosters,
		.store_dir = t->c->service.conf.store_dir,
		.subscription = t->subject.of.number,
		.type = t->preview.type,
		.occurred = t->preview.event.occurred,
		.order = &t->preview.order,
		.text = t->preview.event.order,
	};
	rc = test_send(&t->sent, &why);
	if (rc != RC_OK)
		status = refused(t, rc, buf_str(&why));
	for (uint32_t i = 0; rc == RC_OK && i < t->sent.deliveries; i++)
		t->key[i] = (struct store_key){ t->sent.position,
		    t->sent.subscription, (uint16_t)i };
	buf_free(&why);
	return status;
}

/*
 * A test is tried once: what has failed, or was not sent in time, is not tried
 * again behind anybody's back.
 */
static enum rc
settle(struct testing *t)
{
	struct store *st = t->c->service.store;
	uint32_t n = t->sent.deliveries;
	enum rc rc;

	rc = store_give_up(st, t->key, n, clock_now_ms(), t->gave_up);
	for (uint32_t i = 0; i < n && rc == RC_OK; i++)
		rc = store_delivery_get(st, t->key[i], &t->d[i]);
	return rc;
}

/* The last attempt's sentence; or what there is to say without one. */
static void
put_sentence(const struct testing *t, uint32_t i, struct store_attempt *a,
    struct buf *out)
{
	const struct store_delivery *d = &t->d[i];
	size_t n = 0;

	if (d->recorded > 0 && store_attempts(t->c->service.store, t->key[i],
	    (uint16_t)(d->recorded - 1), a, 1, &n) == RC_OK && n == 1)
		buf_slice(out, a->sentence);
	else if (t->gave_up[i] == RC_OK)
		buf_printf(out, "No attempt ended within %" PRId64 " s.",
		    t->wait_ms / 1000);
	else
		buf_puts(out, "It was done with before it was sent.");
}

static void
print_line(const struct testing *t, uint32_t i)
{
	const struct store_delivery *d = &t->d[i];
	struct store_attempt a = STORE_ATTEMPT_INIT;
	struct buf out = BUF_INIT(65536), sentence = BUF_INIT(16384);
	char id[ID_MAX];

	put_sentence(t, i, &a, &sentence);
	store_idle(t->c->service.store);
	buf_putc(&out, '{');
	store_delivery_id(t->c->service.store, t->key[i], id);
	record_put_string(&out, "id", slice_of(id));
	store_event_id(t->c->service.store, t->sent.position, id);
	record_put_string(&out, "event", slice_of(id));
	record_put_string(&out, "state", slice_of(d->state ==
	    STORE_IS_DELIVERED ? "delivered" : "dead"));
	record_put_string(&out, "reason", slice_of(d->reason));
	record_put_int(&out, "attempts", d->attempts);
	record_put_key(&out, "status");
	if (d->last_status > 0)
		buf_i64(&out, d->last_status);
	else
		buf_puts(&out, "null");
	record_put_string(&out, "sentence", buf_as_slice(&sentence));
	record_put_int(&out, "took_ms", (a.total_us + 999) / 1000);
	record_put_bool(&out, "wanted", t->apart.len == 0);
	record_put_string(&out, "unwanted", buf_as_slice(&t->apart));
	buf_puts(&out, "}\n");
	print_json(&out);
	store_attempt_clear(&a);
	buf_free(&sentence);
	buf_free(&out);
}

static void
print_verdict(const struct testing *t, uint32_t i)
{
	const struct store_delivery *d = &t->d[i];
	struct store_attempt a = STORE_ATTEMPT_INIT;
	struct buf text = BUF_INIT(16384);
	char id[ID_MAX];

	if (d->state == STORE_IS_DELIVERED)
		buf_puts(&text, "The test has arrived.");
	else {
		buf_puts(&text, "The test has failed.  ");
		put_sentence(t, i, &a, &text);
	}
	if (t->gave_up[i] == RC_OK && d->recorded > 0)
		buf_puts(&text, "  It is not tried again.");
	else if (t->gave_up[i] == RC_OK) {
		store_delivery_id(t->c->service.store, t->key[i], id);
		buf_printf(&text, "  It is given up; one that is in flight "
		    "may still end: skycap show %s", id);
	}
	store_idle(t->c->service.store);
	putchar('\n');
	print_quoted("", buf_as_slice(&text));
	store_attempt_clear(&a);
	buf_free(&text);
}

/* As `show` has it, the last attempt alone, with what to make of it. */
static int
print_text(const struct testing *t)
{
	struct shown s = { .c = t->c, .r = t->subject.roster,
	    .ev = STORE_EVENT_INIT, .order = ORDER_INIT };
	struct buf text = BUF_INIT(2048);
	int status = CLI_OK;

	for (uint32_t i = 0; i < t->sent.deliveries && status == CLI_OK;
	    i++) {
		const struct show_delivery ask = { .key = t->key[i],
		    .only = t->d[i].recorded };

		if (i > 0)
			putchar('\n');
		status = show_delivery(&s, &ask);
		if (status == CLI_OK)
			print_verdict(t, i);
	}
	if (t->apart.len > 0) {
		buf_printf(&text, "Were it no test, the subscription would "
		    "not have got it: %s.", buf_str(&t->apart));
		print_quoted("", buf_as_slice(&text));
	}
	store_event_clear(&s.ev);
	order_free(&s.order);
	buf_free(&text);
	return status;
}

static int
tell(const struct testing *t)
{
	int status = CLI_OK;

	if (!t->c->json)
		status = print_text(t);
	for (uint32_t i = 0; i < t->sent.deliveries; i++) {
		if (t->c->json)
			print_line(t, i);
		if (status == CLI_OK && t->d[i].state != STORE_IS_DELIVERED)
			status = CLI_FAILED;
	}
	fflush(stdout);		/* what others are sent may take longer */
	return status;
}

static int
test(struct testing *t)
{
	struct await *a = NULL;
	int status;
	enum rc rc;

	status = post(t);
	if (status == CLI_OK)
		status = await_begin(&a, t->c);
	if (status != CLI_OK)
		return status;
	rc = await_attempts(a, t->key, t->sent.deliveries,
	    clock_mono_ms() + t->wait_ms, t->d);
	if (rc == RC_OK)
		rc = settle(t);
	store_idle(t->c->service.store);
	status = rc == RC_OK ? tell(t) : cli_unreadable();
	await_end(a);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct options o = { .event = NULL };
	const struct cli_option opt[] = {
		{ .name = "event", .value = &o.event },
		{ .name = "event-id", .value = &o.event_id },
		{ .name = "wait", .value = &o.wait },
	};
	struct testing t = { .c = c, .apart = BUF_INIT(1024) };
	const struct catalog_event *type = NULL;
	int64_t wait_s = 0;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one subscription is needed");
	if (o.event != NULL && o.event_id != NULL)
		return cli_usage(c, "--event and --event-id exclude each "
		    "other");
	if (o.wait != NULL && !cli_number(o.wait, 1, WAIT_MAX_S, &wait_s))
		return cli_usage(c, "--wait must be a number of seconds from "
		    "1 to %d", WAIT_MAX_S);
	status = subject_open(c, argv[1], NULL, &t.subject);
	t.preview = (struct preview)PREVIEW_INIT(c->service.store,
	    c->service.catalog);
	if (status == CLI_OK && o.event != NULL)
		status = cli_event_type(c, o.event, &type);
	if (status == CLI_OK)
		status = take_event(&t, &o, type);
	if (status == CLI_OK) {
		t.wait_ms = o.wait != NULL ? wait_s * 1000 :
		    task_settings(t.subject.of.task)->timeout_ms +
		    WAIT_MORE_MS;
		ask_whether_wanted(&t);
		status = test(&t);
	}
	preview_free(&t.preview);
	subject_free(&t.subject);
	buf_free(&t.apart);
	return status;
}

const struct command cmd_test = {
	.name = "test",
	.usage = "SUB [--event TYPE | --event-id EVENT] [--wait SECONDS]",
	.summary = "send a subscription a test, and show what comes of it",
	.help = "  --event TYPE      the sample order of this event type; else "
	    "of the first one that\n"
	    "                    the subscription asks for\n"
	    "  --event-id EVENT  the order of an event that was posted, again\n"
	    "  --wait SECONDS    wait so long at most; else the "
	    "subscription's timeout and 5 s\n\n"
	    "The event is for this subscription alone, whatever its filter "
	    "says, and marked as\na test all the way.  It goes before what "
	    "waits for the subscription.  If no sweep\nruns, this command "
	    "delivers what is due meanwhile, and ends the attempts it began.\n"
	    "A test is tried once; one that failed, or was not sent in time, "
	    "is given up.  It\ncounts as any other attempt in how the "
	    "endpoint fares.  What a paused or disabled\nsubscription is due "
	    "is not sent, so it is refused.\n\n"
	    "--json gives one object for each delivery, of which a mail has "
	    "one for each\naddress: {id, event, state, reason, attempts, "
	    "status, sentence, took_ms, wanted,\nunwanted}; took_ms is the "
	    "attempt's, unwanted says why it would not have got it.\n\n"
	    "Exit status 0 if it has arrived, 1 if not.  `skycap purge "
	    "--test` removes tests.",
	.run = run,
};
