#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "cli/cells.h"
#include "cli/show.h"
#include "shape/piece.h"

#define DELIVERIES_SHOWN 1000	/* for people; the rest by `deliveries` */

static const struct table_column column[] = {
	{ .name = "DELIVERY" }, { .name = "SUBSCRIPTION", .least = 12 },
	{ .name = "STATE" }, { .name = "TRIES", .drop = 1, .right = true },
	{ .name = "LAST", .drop = 2 }, { .name = "WHEN" },
};

static void
add_row(const struct shown *s, const struct store_delivery *d,
    struct table *t)
{
	const struct subscription *sub = roster_subscription(s->r,
	    d->key.subscription);
	const struct task *task = sub == NULL ? NULL : subscription_task(sub);
	char id[ID_MAX];

	store_delivery_id(s->c->service.store, d->key, id);
	table_cell(t, id);
	table_cell(t, task == NULL ? "-" : task_name(task));
	cell_state(t, s->r, d);
	table_cell_number(t, d->attempts);
	cell_last(t, d);
	cell_when(t, s->r, d);
}

static void
print_deliveries(const struct shown *s, const struct store_delivery *d,
    size_t n)
{
	struct table t = TABLE_INIT(column);
	char id[ID_MAX];

	putchar('\n');
	for (size_t i = 0; i < n; i++)
		add_row(s, &d[i], &t);
	table_print(&t);
	table_free(&t);
	if (n == 0)
		puts("No subscription wanted it.");
	if (n < DELIVERIES_SHOWN)
		return;
	store_event_id(s->c->service.store, s->ev.position, id);
	printf("skycap deliveries --event %s lists them all.\n", id);
}

static void
print_event(const struct shown *s, const struct store_delivery *d, size_t n)
{
	struct buf text = BUF_INIT(STORE_ORDER_MAX * 2);
	char id[ID_MAX];

	store_event_id(s->c->service.store, s->ev.position, id);
	show_named("event", id, s->ev.type);
	if (s->ev.test)
		print_member("test", SLICE("yes"));
	if (s->ev.occurred.s != NULL)
		print_member("occurred", s->ev.occurred);
	show_time("accepted", s->ev.accepted_ms);
	if (s->ev.sender_id.len > 0 && s->ev.sender_id.s[0] != '\0')
		print_member("sender id", s->ev.sender_id);
	if (s->o == NULL)
		print_member("order", SLICE("no longer kept"));
	else {
		piece_compact(&s->o->doc, 0, &text);
		fputs("order         ", stdout);
		print_pretty(buf_as_slice(&text));
	}
	print_deliveries(s, d, n);
	buf_free(&text);
}

static enum rc
event_json(struct shown *s)
{
	struct buf out = BUF_INIT(64 * 1024 * 1024);
	enum rc rc;

	rc = event_print(s->c->service.store, s->r, &s->ev, s->o, true, &out);
	store_idle(s->c->service.store);
	if (rc == RC_OK)
		print_object(&out, true);
	buf_free(&out);
	return rc;
}

enum rc
show_event(struct shown *s, uint64_t position)
{
	struct store_delivery *d = NULL;
	size_t n;
	enum rc rc;

	rc = show_read(s, position);
	if (rc == RC_OK && s->c->json)
		return event_json(s);
	d = calloc(DELIVERIES_SHOWN, sizeof *d);
	if (d == NULL)
		log_fatal("out of memory");
	if (rc == RC_OK)
		rc = store_event_deliveries(s->c->service.store, &s->ev, d,
		    DELIVERIES_SHOWN, &n);
	store_idle(s->c->service.store);
	if (rc == RC_OK)
		print_event(s, d, n);
	free(d);
	return rc;
}
