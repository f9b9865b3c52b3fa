#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"
#include "work/listing.h"

struct filter {
	struct store_query query;
	const char	*state;		/* NULL: any; "held" among them */
	uint32_t	 client;	/* 0: any */
	int64_t		 limit;
};

static bool
wanted(const struct filter *f, const struct roster *r,
    const struct store_delivery *d)
{
	const struct subscription *s;

	if (f->state != NULL &&
	    strcmp(delivery_state_name(r, d), f->state) != 0)
		return false;
	if (f->client == 0)
		return true;
	s = roster_subscription(r, d->key.subscription);
	return s != NULL && s->client->number == f->client;
}

static void
row(const struct cli *c, const struct roster *r, const struct store_event *ev,
    const struct order *o, const struct store_delivery *d, struct table *t)
{
	const struct subscription *s = roster_subscription(r,
	    d->key.subscription);
	struct buf out = BUF_INIT(65536);
	char text[ID_MAX + 64];

	if (c->json) {
		delivery_print(c->service.store, r, ev, o, d, &out);
		puts(buf_str(&out));
		buf_free(&out);
		return;
	}
	store_delivery_id(c->service.store, d->key, text);
	table_cell(t, text);
	table_cell_slice(t, ev->type);
	if (o != NULL)
		order_agwid(o, &out);
	table_cell(t, buf_str(&out));
	table_cell(t, s == NULL || s->task == NULL ? "-" : task_name(s->task));
	snprintf(text, sizeof text, "%s%s%s", delivery_state_name(r, d),
	    d->reason[0] == '\0' ? "" : ", ", d->reason);
	table_cell(t, text);
	snprintf(text, sizeof text, "%u", d->attempts);
	table_cell(t, text);
	if (d->last_status > 0) {
		snprintf(text, sizeof text, "%d", d->last_status);
		table_cell(t, text);
	} else
		table_cell(t, d->last_word[0] == '\0' ? "-" : d->last_word);
	table_cell_time(t, d->next_ms);
	table_cell_time(t, d->done_ms);
	buf_free(&out);
}

static void
head(struct table *t)
{
	static const char *const name[] = { "DELIVERY", "TYPE", "AGWID",
	    "SUBSCRIPTION", "STATE", "ATTEMPTS", "LAST", "NEXT", "DONE" };

	for (size_t i = 0; i < NELEM(name); i++)
		table_cell(t, name[i]);
}

static int
list(const struct cli *c, const struct filter *f)
{
	struct store_delivery *d = calloc(CLI_PAGE, sizeof *d);
	struct store_event ev = STORE_EVENT_INIT;
	struct table t = TABLE_INIT(9);
	struct order o = ORDER_INIT;
	struct json_error err;
	const struct roster *r = NULL;
	char cursor[STORE_CURSOR_MAX] = "";
	int64_t shown = 0;
	int status = CLI_OK;
	size_t n;

	if (d == NULL || rosters_get(c->service.rosters, 0, true, &r) !=
	    RC_OK) {
		free(d);
		return cli_fail("the store can't be read");
	}
	head(&t);
	do {
		if (store_deliveries(c->service.store, &f->query, cursor, d,
		    CLI_PAGE, &n) != RC_OK) {
			status = cli_fail("the store can't be read");
			break;
		}
		for (size_t i = 0; i < n && shown < f->limit; i++) {
			bool read;

			if (!wanted(f, r, &d[i]) ||
			    store_event_get(c->service.store,
			    d[i].key.position, &ev) != RC_OK)
				continue;
			read = order_read(&o, c->service.catalog, ev.order,
			    &err) == RC_OK;
			store_idle(c->service.store);
			row(c, r, &ev, read ? &o : NULL, &d[i], &t);
			shown++;
		}
	} while (cursor[0] != '\0' && shown < f->limit);
	if (!c->json && shown == 0 && status == CLI_OK)
		puts("No such deliveries.");
	table_print(&t);
	free(d);
	store_event_clear(&ev);
	order_free(&o);
	table_free(&t);
	roster_release(r);
	return status;
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
	if (f.state == NULL)
		f.query.state = STORE_ANY;
	else if (strcmp(f.state, "pending") == 0 ||
	    strcmp(f.state, "held") == 0)
		f.query.state = STORE_IS_PENDING;
	else if (strcmp(f.state, "delivered") == 0)
		f.query.state = STORE_IS_DELIVERED;
	else if (strcmp(f.state, "dead") == 0)
		f.query.state = STORE_IS_DEAD;
	else
		return cli_usage(c, "--state must be pending, held, delivered "
		    "or dead");
	status = cli_open(c);
	if (status == CLI_OK && sub != NULL)
		status = cli_record(c, STORE_SUBSCRIPTION, "subscription", sub,
		    &f.query.subscription);
	if (status == CLI_OK && client != NULL)
		status = cli_record(c, STORE_CLIENT, "client", client,
		    &f.client);
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
	    "  --limit N          at most N (50)",
	.run = run,
};
