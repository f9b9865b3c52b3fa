#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "work/listing.h"
#include "work/reference.h"

#define EVENTS_PAGE	32	/* whole events in memory */

struct filter {
	const char	*type;		/* NULL: any */
	enum reference_kind kind;	/* 0: none */
	struct slice	 value;
	int64_t		 limit;
	bool		 test, no_test;	/* tests alone, or none */
};

static const struct table_column column[] = {
	{ .name = "EVENT" }, { .name = "TYPE", .least = 10 },
	{ .name = "AGWID", .least = 8 }, { .name = "ACCEPTED" },
	{ .name = "DELIVERIES", .right = true }, { .name = "" },
};

/* A listing under way. */
struct list {
	const struct cli *c;
	const struct filter *f;
	const struct roster *r;
	struct table	 table;
	struct buf	 lines;		/* JSON, not printed yet */
	struct order	 order;		/* of the event at hand */
	struct store_event event[EVENTS_PAGE];
	int64_t		 shown;
};

/* Is this one of those asked for?  o is its order, or NULL. */
static bool
wanted(const struct filter *f, const struct store_event *ev,
    const struct order *o)
{
	if (f->type != NULL && !slice_is(ev->type, f->type))
		return false;
	if (ev->test ? f->no_test : f->test)
		return false;
	return f->kind == 0 ||
	    (o != NULL && reference_matches(o, f->kind, f->value));
}

static void
add_row(struct list *l, const struct store_event *ev, const struct order *o)
{
	struct buf agw = BUF_INIT(1024);
	char id[ID_MAX];

	store_event_id(l->c->service.store, ev->position, id);
	table_cell(&l->table, id);
	table_cell_slice(&l->table, ev->type);
	if (o != NULL)
		order_agwid(o, &agw);
	table_cell_slice(&l->table, buf_as_slice(&agw));
	table_cell_time(&l->table, ev->accepted_ms);
	table_cell_number(&l->table, ev->subscriptions.len / 4);
	table_cell(&l->table, ev->test ? "test" : "");
	buf_free(&agw);
}

static enum rc
add(struct list *l, const struct store_event *ev)
{
	const struct order *o = NULL;
	struct json_error err;
	enum rc rc = RC_OK;

	if (order_read(&l->order, l->c->service.catalog, ev->order, &err) ==
	    RC_OK)
		o = &l->order;
	if (!wanted(l->f, ev, o))
		return RC_OK;
	if (l->c->json) {
		rc = event_print(l->c->service.store, l->r, ev, o, false,
		    &l->lines);
		buf_putc(&l->lines, '\n');
	} else
		add_row(l, ev, o);
	l->shown += rc == RC_OK;
	return rc;
}

static enum rc
read_pages(struct list *l)
{
	struct store_ref ref = { .n = 1 };
	uint64_t before = 0;
	size_t n;
	enum rc rc;

	if (l->f->kind != 0)
		ref.any[0] = reference_hash(&l->c->service.crypt, l->f->kind,
		    l->f->value);
	do {
		rc = store_events(l->c->service.store, &ref, l->f->kind != 0,
		    before, l->event, EVENTS_PAGE, &n, &before);
		for (size_t i = 0; rc == RC_OK && i < n &&
		    l->shown < l->f->limit; i++)
			rc = add(l, &l->event[i]);
		store_idle(l->c->service.store);
		fwrite(buf_str(&l->lines), 1, l->lines.len, stdout);
		buf_clear(&l->lines);
		table_print(&l->table);
	} while (rc == RC_OK && before != 0 && l->shown < l->f->limit &&
	    !print_failed());
	return rc;
}

static int
list(const struct cli *c, const struct filter *f)
{
	struct list *l = calloc(1, sizeof *l);
	int status;

	if (l == NULL)
		log_fatal("out of memory");
	*l = (struct list){ .c = c, .f = f, .table = TABLE_INIT(column),
	    .lines = BUF_INIT(1024 * 1024), .order = ORDER_INIT };
	for (size_t i = 0; i < EVENTS_PAGE; i++)
		l->event[i] = (struct store_event)STORE_EVENT_INIT;
	status = cli_roster(c, &l->r);
	if (status != CLI_OK)
		goto done;
	if (read_pages(l) != RC_OK)
		status = cli_unreadable();
	else if (l->shown == 0 && !c->json)
		puts(f->type != NULL || f->kind != 0 || f->test ||
		    f->no_test ? "No such events." : "No events yet.");
	roster_release(l->r);
done:
	for (size_t i = 0; i < EVENTS_PAGE; i++)
		store_event_clear(&l->event[i]);
	order_free(&l->order);
	buf_free(&l->lines);
	table_free(&l->table);
	free(l);
	return status;
}

static bool
read_reference(const char *ref, struct filter *f)
{
	const char *eq = strchr(ref, '=');

	if (eq == NULL || eq[1] == '\0' || reference_kind((struct slice){ ref,
	    (size_t)(eq - ref) }, &f->kind) != RC_OK)
		return false;
	f->value = slice_of(eq + 1);
	return true;
}

static int
run(struct cli *c, int argc, char **argv)
{
	const char *ref = NULL, *limit = NULL;
	struct filter f = { .limit = 50 };
	const struct cli_option opt[] = {
		{ .name = "ref", .value = &ref },
		{ .name = "type", .value = &f.type },
		{ .name = "limit", .value = &limit },
		{ .name = "test", .flag = &f.test },
		{ .name = "no-test", .flag = &f.no_test },
	};
	const struct catalog_event *type;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "it takes options only");
	if (f.test && f.no_test)
		return cli_usage(c, "--test and --no-test exclude each "
		    "other");
	if (limit != NULL && !cli_number(limit, 1, INT64_MAX, &f.limit))
		return cli_usage(c, "--limit must be a number from 1");
	if (ref != NULL && !read_reference(ref, &f))
		return cli_usage(c, "--ref must be NAME=VALUE, with the name "
		    "agwID, orderID, pnr, recordLocator, mail or phone");
	status = cli_open(c);
	if (status == CLI_OK && f.type != NULL) {
		status = cli_event_type(c, f.type, &type);
		if (status == CLI_OK)
			f.type = type->name;
	}
	if (status != CLI_OK)
		return status;
	return list(c, &f);
}

const struct command cmd_events = {
	.name = "events",
	.usage = "[--ref NAME=VALUE] [--type TYPE] [--test | --no-test] "
	    "[--limit N]",
	.summary = "what was posted, the newest first",
	.help = "  --ref NAME=VALUE  agwID, orderID, pnr, recordLocator, mail "
	    "or phone\n  --type TYPE       one event type\n"
	    "  --test, --no-test tests alone, or none\n"
	    "  --limit N         at most N (50)\n\nTimes are UTC.",
	.run = run,
};
