#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "work/backtest.h"
#include "work/record_json.h"

#define PAGE	32	/* events in memory at once */

/* Memory for one event after another. */
struct trial {
	const struct backtest_ask *ask;
	struct backtest	*b;
	struct store_event event[PAGE];
	struct order	 order;
	struct outgoing	 out;
	struct buf	 why;
};

/* One more event of a reason that may have been seen before. */
static void
note_reason(struct backtest *b, uint64_t position, const struct buf *why)
{
	struct backtest_reason *r = b->reason;
	char text[BACKTEST_REASON_MAX];
	size_t len;

	len = why->len < sizeof text ? why->len : sizeof text - 1;
	while (len < why->len && len > 0 &&
	    ((unsigned char)why->s[len] & 0xc0) == 0x80)
		len--;			/* not within a character */
	snprintf(text, sizeof text, "%.*s", (int)len, buf_str(why));
	while (r < b->reason + b->nreason && strcmp(r->text, text) != 0)
		r++;
	if (r == b->reason + BACKTEST_REASONS)
		return;
	if (r == b->reason + b->nreason) {
		memcpy(r->text, text, sizeof text);
		r->position = position;
		r->n = 0;
		b->nreason++;
	}
	r->n++;
}

static bool
renders(struct trial *t, const struct store_event *ev)
{
	const struct preview_of *of = t->ask->of;
	struct outgoing_ask ask = {
		.store = t->ask->store,
		.task = of->task,
		.event = ev,
		.order = &t->order,
		.delivery = { ev->position, of->number, 0 },
		.attempt = 1,
		.now_ms = ev->accepted_ms,
	};
	uint32_t n = task_recipients(of->task);
	enum rc rc = RC_OK;

	buf_clear(&t->why);
	for (uint32_t i = 0; rc == RC_OK && i < n; i++) {
		ask.delivery.ordinal = (uint16_t)i;
		rc = outgoing_make(&t->out, &ask, &t->why);
	}
	return rc == RC_OK;
}

static void
try(struct trial *t, const struct store_event *ev)
{
	const struct preview_of *of = t->ask->of;
	const struct catalog_event *type;
	struct json_error err;

	t->b->looked++;
	t->b->oldest_ms = ev->accepted_ms;
	type = catalog_event_find(t->ask->catalog, ev->type);
	if (type == NULL || !task_wants(of->task, type))
		return;
	if (order_read(&t->order, t->ask->catalog, ev->order, &err) != RC_OK) {
		t->b->gone++;
		return;
	}
	if (!client_sees(of->client, type, &t->order) ||
	    !task_filter_matches(of->task, &t->order))
		return;
	t->b->matched++;
	if (renders(t, ev))
		return;
	t->b->failed++;
	note_reason(t->b, ev->position, &t->why);
}

static enum rc
pages(struct trial *t)
{
	const struct backtest_ask *ask = t->ask;
	uint64_t before = 0;
	bool old = false;
	size_t n;
	enum rc rc;

	do {
		rc = store_events(ask->store, NULL, 0, before, t->event, PAGE,
		    &n, &before);
		if (rc != RC_OK)
			return rc;
		for (size_t i = 0; !old && i < n; i++) {
			old = t->event[i].accepted_ms < ask->since_ms;
			if (!old)
				try(t, &t->event[i]);
		}
		t->b->whole = old || before == 0;
	} while (ask->go_on(ask->arg, t->b) && !t->b->whole);
	return RC_OK;
}

enum rc
backtest_run(const struct backtest_ask *ask, struct backtest *b)
{
	struct trial *t = malloc(sizeof *t);
	enum rc rc;

	if (t == NULL)
		log_fatal("out of memory");
	*b = (struct backtest){ .looked = 0 };
	*t = (struct trial){ .ask = ask, .b = b, .order = ORDER_INIT,
	    .out = OUTGOING_INIT, .why = BUF_INIT(1024) };
	for (size_t i = 0; i < PAGE; i++)
		t->event[i] = (struct store_event)STORE_EVENT_INIT;
	rc = pages(t);
	for (size_t i = 0; i < PAGE; i++)
		store_event_clear(&t->event[i]);
	order_free(&t->order);
	outgoing_free(&t->out);
	buf_free(&t->why);
	free(t);
	return rc;
}

static void
put_reasons(const struct store *st, const struct backtest *b, struct buf *out)
{
	char id[ID_MAX];

	record_put_key(out, "reasons");
	buf_putc(out, '[');
	for (size_t i = 0; i < b->nreason; i++) {
		buf_puts(out, i > 0 ? ",{" : "{");
		record_put_string(out, "reason", slice_of(b->reason[i].text));
		record_put_int(out, "events", (int64_t)b->reason[i].n);
		store_event_id(st, b->reason[i].position, id);
		record_put_string(out, "event", slice_of(id));
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void
backtest_print(const struct store *st, const struct preview_of *of,
    int64_t since_ms, const struct backtest *b, struct buf *out)
{
	char id[ID_MAX];

	buf_putc(out, '{');
	record_put_key(out, "subscription");
	if (of->number != 0) {
		store_record_id(st, STORE_SUBSCRIPTION, of->number, id);
		json_put_string(out, slice_of(id));
	} else
		buf_puts(out, "null");
	record_put_time(out, "since", since_ms);
	record_put_time(out, "oldest", b->oldest_ms);
	record_put_bool(out, "whole", b->whole);
	record_put_int(out, "looked", (int64_t)b->looked);
	record_put_int(out, "gone", (int64_t)b->gone);
	record_put_int(out, "matched", (int64_t)b->matched);
	record_put_int(out, "failed", (int64_t)b->failed);
	put_reasons(st, b, out);
	buf_putc(out, '}');
}
