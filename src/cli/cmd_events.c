#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"
#include "work/listing.h"
#include "work/reference.h"

struct filter {
	const char	*type;		/* NULL: any */
	enum reference_kind kind;	/* 0: none */
	struct slice	 value;
	int64_t		 limit;
};

/* Is this one of those asked for?  o is its order. */
static bool
wanted(const struct filter *f, const struct store_event *ev,
    const struct order *o)
{
	return (f->type == NULL || slice_is(ev->type, f->type)) &&
	    (f->kind == 0 || reference_matches(o, f->kind, f->value));
}

static int
row(const struct cli *c, const struct roster *r, const struct store_event *ev,
    const struct order *o, struct table *t)
{
	struct store *st = c->service.store;
	struct buf out = BUF_INIT(4 * 1024 * 1024);
	char id[ID_MAX], n[24];

	if (c->json) {
		if (event_print(st, r, ev, o, false, &out) != RC_OK)
			return cli_fail("the store can't be read");
		puts(buf_str(&out));
		buf_free(&out);
		return CLI_OK;
	}
	store_event_id(st, ev->position, id);
	table_cell(t, id);
	table_cell_slice(t, ev->type);
	order_agwid(o, &out);
	table_cell(t, buf_str(&out));
	table_cell_time(t, ev->accepted_ms);
	snprintf(n, sizeof n, "%zu", ev->subscriptions.len / 4);
	table_cell(t, n);
	table_cell(t, ev->test ? "test" : "");
	buf_free(&out);
	return CLI_OK;
}

static int
list(const struct cli *c, const struct filter *f)
{
	struct store_event ev[CLI_PAGE];
	struct table t = TABLE_INIT(6);
	struct order o = ORDER_INIT;
	struct json_error err;
	const struct roster *r = NULL;
	uint64_t before = 0, next = 0, ref;
	int64_t shown = 0;
	size_t n;
	int status = CLI_OK;

	for (size_t i = 0; i < CLI_PAGE; i++)
		ev[i] = (struct store_event)STORE_EVENT_INIT;
	if (f->kind != 0)
		ref = reference_hash(&c->service.crypt, f->kind, f->value);
	if (rosters_get(c->service.rosters, 0, true, &r) != RC_OK)
		return cli_fail("the store can't be read");
	table_cell(&t, "EVENT");
	table_cell(&t, "TYPE");
	table_cell(&t, "AGWID");
	table_cell(&t, "ACCEPTED");
	table_cell(&t, "DELIVERIES");
	table_cell(&t, "");
	do {
		if (store_events(c->service.store, &ref, f->kind != 0, before,
		    ev, CLI_PAGE, &n, &next) != RC_OK) {
			status = cli_fail("the store can't be read");
			break;
		}
		store_idle(c->service.store);
		for (size_t i = 0; i < n && shown < f->limit &&
		    status == CLI_OK; i++) {
			if (order_read(&o, c->service.catalog, ev[i].order,
			    &err) != RC_OK || !wanted(f, &ev[i], &o))
				continue;
			status = row(c, r, &ev[i], &o, &t);
			shown++;
		}
		before = next;
	} while (next != 0 && shown < f->limit && status == CLI_OK);
	if (!c->json && shown == 0 && status == CLI_OK)
		puts("No such events.");
	table_print(&t);
	for (size_t i = 0; i < CLI_PAGE; i++)
		store_event_clear(&ev[i]);
	order_free(&o);
	table_free(&t);
	roster_release(r);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	const char *ref = NULL, *limit = NULL, *eq;
	struct filter f = { .limit = 50 };
	const struct cli_option opt[] = {
		{ .name = "ref", .value = &ref },
		{ .name = "type", .value = &f.type },
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
	if (ref != NULL) {
		eq = strchr(ref, '=');
		if (eq == NULL || reference_kind((struct slice){ ref,
		    (size_t)(eq - ref) }, &f.kind) != RC_OK)
			return cli_usage(c, "--ref must be NAME=VALUE with "
			    "agwID, orderID, pnr, recordLocator, mail or phone");
		f.value = slice_of(eq + 1);
	}
	status = cli_open(c);
	if (status != CLI_OK)
		return status;
	return list(c, &f);
}

const struct command cmd_events = {
	.name = "events",
	.usage = "[--ref NAME=VALUE] [--type TYPE] [--limit N]",
	.summary = "what was posted, the newest first",
	.help = "  --ref NAME=VALUE  agwID, orderID, pnr, recordLocator, mail "
	    "or phone\n  --type TYPE       one event type\n"
	    "  --limit N         at most N (50)",
	.run = run,
};
