#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"
#include "cli/print.h"
#include "work/listing.h"

#define LINES_MAX	(1024 * 1024)	/* bytes kept back while reading */

struct filter {
	struct store_query query;
	const char	*state;		/* NULL: any; "held" among them */
	uint32_t	 client;	/* 0: any */
	int64_t		 limit;
};

/* A listing under way. */
struct list {
	const struct cli *c;
	const struct filter *f;
	const struct roster *r;
	struct table	 table;
	struct buf	 lines;		/* JSON, not printed yet */
	struct store_event event;	/* of the delivery at hand */
	struct order	 order;
	int64_t		 shown;
};

static const struct table_column column[] = {
	{ .name = "DELIVERY" }, { .name = "TYPE", .least = 10 },
	{ .name = "AGWID", .least = 8 },
	{ .name = "SUBSCRIPTION", .least = 12, .drop = 3 },
	{ .name = "STATE" }, { .name = "TRIES", .drop = 1, .right = true },
	{ .name = "LAST", .drop = 2 }, { .name = "WHEN" },
};

static bool
wanted(const struct list *l, const struct store_delivery *d)
{
	const struct subscription *s;

	if (l->f->state != NULL &&
	    strcmp(delivery_state_name(l->r, d), l->f->state) != 0)
		return false;
	if (l->f->client == 0)
		return true;
	s = roster_subscription(l->r, d->key.subscription);
	return s != NULL && s->client->number == l->f->client;
}

/* When it was done, or when it is due. */
static void
cell_when(struct list *l, const struct store_delivery *d)
{
	char when[PRINT_TIME_MAX], text[PRINT_TIME_MAX + 8];

	if (d->done_ms != 0)
		table_cell_time(&l->table, d->done_ms);
	else if (strcmp(delivery_state_name(l->r, d), "pending") != 0)
		table_cell(&l->table, "-");
	else if (d->next_ms == 0)
		table_cell(&l->table, "in its turn");
	else {
		print_time(d->next_ms, when);
		snprintf(text, sizeof text, "due %s", when);
		table_cell(&l->table, text);
	}
}

static void
add_row(struct list *l, const struct store_delivery *d, const struct order *o)
{
	const struct subscription *s = roster_subscription(l->r,
	    d->key.subscription);
	const struct task *task = s == NULL ? NULL : subscription_task(s);
	struct buf agw = BUF_INIT(1024);
	struct table *t = &l->table;
	char text[ID_MAX + 64];

	store_delivery_id(l->c->service.store, d->key, text);
	table_cell(t, text);
	table_cell_slice(t, l->event.type);
	if (o != NULL)
		order_agwid(o, &agw);
	table_cell_slice(t, buf_as_slice(&agw));
	table_cell(t, task == NULL ? "-" : task_name(task));
	snprintf(text, sizeof text, "%s%s%s", delivery_state_name(l->r, d),
	    d->reason[0] == '\0' ? "" : ", ", d->reason);
	table_cell(t, text);
	table_cell_number(t, d->attempts);
	if (d->last_status > 0) {
		snprintf(text, sizeof text, "%d", d->last_status);
		table_cell(t, text);
	} else
		table_cell(t, d->last_word[0] == '\0' ? "-" : d->last_word);
	cell_when(l, d);
	buf_free(&agw);
}

/* Print what was gathered, with the store left alone. */
static void
flush(struct list *l)
{
	store_idle(l->c->service.store);
	fwrite(buf_str(&l->lines), 1, l->lines.len, stdout);
	buf_clear(&l->lines);
	table_print(&l->table);
}

static enum rc
add(struct list *l, const struct store_delivery *d)
{
	const struct order *o = NULL;
	struct json_error err;
	enum rc rc;

	rc = store_event_get(l->c->service.store, d->key.position, &l->event);
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	if (order_read(&l->order, l->c->service.catalog, l->event.order,
	    &err) == RC_OK)
		o = &l->order;
	l->shown++;
	if (!l->c->json) {
		add_row(l, d, o);
		return RC_OK;
	}
	delivery_print(l->c->service.store, l->r, &l->event, o, d, &l->lines);
	buf_putc(&l->lines, '\n');
	if (l->lines.len > LINES_MAX)
		flush(l);
	return RC_OK;
}

static enum rc
read_pages(struct list *l)
{
	struct store_delivery *d = calloc(CLI_PAGE, sizeof *d);
	char cursor[STORE_CURSOR_MAX] = "";
	enum rc rc = RC_OK;
	size_t n;

	if (d == NULL)
		return RC_IO;
	do {
		rc = store_deliveries(l->c->service.store, &l->f->query,
		    cursor, d, CLI_PAGE, &n);
		for (size_t i = 0; rc == RC_OK && i < n &&
		    l->shown < l->f->limit; i++)
			if (wanted(l, &d[i]))
				rc = add(l, &d[i]);
		flush(l);
	} while (rc == RC_OK && cursor[0] != '\0' &&
	    l->shown < l->f->limit && !print_failed());
	free(d);
	return rc;
}

static int
list(const struct cli *c, const struct filter *f)
{
	struct list l = { .c = c, .f = f, .table = TABLE_INIT(column),
	    .lines = BUF_INIT(4 * LINES_MAX), .event = STORE_EVENT_INIT,
	    .order = ORDER_INIT };
	bool filtered = f->state != NULL || f->client != 0 ||
	    f->query.subscription != 0;
	int status;

	status = cli_roster(c, &l.r);
	if (status != CLI_OK)
		return status;
	if (read_pages(&l) != RC_OK)
		status = cli_unreadable();
	else if (l.shown == 0 && !c->json)
		puts(filtered ? "No such deliveries." : "No deliveries yet.");
	store_event_clear(&l.event);
	order_free(&l.order);
	buf_free(&l.lines);
	table_free(&l.table);
	roster_release(l.r);
	return status;
}

/* False: it is none of a delivery's states. */
static bool
read_state(struct filter *f)
{
	if (f->state == NULL)
		f->query.state = STORE_ANY;
	else if (strcmp(f->state, "pending") == 0 ||
	    strcmp(f->state, "held") == 0)
		f->query.state = STORE_IS_PENDING;
	else if (strcmp(f->state, "delivered") == 0)
		f->query.state = STORE_IS_DELIVERED;
	else if (strcmp(f->state, "dead") == 0)
		f->query.state = STORE_IS_DEAD;
	else
		return false;
	return true;
}

static int
run(struct cli *c, int argc, char **argv)
{
	const char *sub = NULL, *client = NULL, *limit = NULL;
	struct filter f = { .limit = 50 };
	const struct cli_option opt[] = {
		{ .name = "state", .value = &f.state },
		{ .name = "subscription", .value = &sub },
		{ .name = "client", .value = &client },
		{ .name = "limit", .value = &limit },
	};
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "it takes options only");
	if (limit != NULL && !cli_number(limit, 1, INT64_MAX, &f.limit))
		return cli_usage(c, "--limit must be a number from 1");
	if (!read_state(&f))
		return cli_usage(c, "--state must be pending, held, delivered "
		    "or dead");
	status = cli_open(c);
	if (status == CLI_OK && sub != NULL)
		status = cli_record(c, STORE_SUBSCRIPTION, sub,
		    &f.query.subscription);
	if (status == CLI_OK && client != NULL)
		status = cli_record(c, STORE_CLIENT, client, &f.client);
	if (status != CLI_OK)
		return status;
	return list(c, &f);
}

const struct command cmd_deliveries = {
	.name = "deliveries",
	.usage = "[--state STATE] [--subscription ID] [--client ID] "
	    "[--limit N]",
	.summary = "what is on its way, and what became of it",
	.help = "  --state STATE      pending, held, delivered or dead\n"
	    "  --subscription ID  of one subscription\n"
	    "  --client ID        of one client\n"
	    "  --limit N          at most N (50)\n\n"
	    "TRIES counts attempts; LAST is the last one's HTTP status, or "
	    "what went wrong;\nWHEN is when it was done, or is due.  Times are "
	    "UTC.  A terminal gets as many\ncolumns as fit it; `skycap show "
	    "DELIVERY` has everything.",
	.run = run,
};
