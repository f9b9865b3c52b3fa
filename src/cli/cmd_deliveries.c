#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "cli/cells.h"
#include "cli/cli.h"
#include "work/query.h"

#define LINES_MAX	(1024 * 1024)	/* bytes kept back while reading */
#define REFS_MAX	QUERY_REFS_MAX

/* A listing under way. */
struct list {
	const struct cli *c;
	const struct roster *r;
	struct query	 query;
	struct query_walk walk;
	int64_t		 limit, shown;
	struct table	 table;
	struct buf	 lines;		/* JSON, not printed yet */
};

static const struct table_column column[] = {
	{ .name = "DELIVERY" }, { .name = "TYPE", .least = 10 },
	{ .name = "AGWID", .least = 8 },
	{ .name = "SUBSCRIPTION", .least = 12, .drop = 3 },
	{ .name = "STATE" }, { .name = "TRIES", .drop = 1, .right = true },
	{ .name = "LAST", .drop = 2 }, { .name = "WHEN" }, { .name = "" },
};

static void
add_row(struct list *l, const struct store_delivery *d,
    const struct store_event *ev, const struct order *o)
{
	const struct subscription *s = roster_subscription(l->r,
	    d->key.subscription);
	const struct task *task = s == NULL ? NULL : subscription_task(s);
	struct buf agw = BUF_INIT(1024);
	struct table *t = &l->table;
	char id[ID_MAX];

	store_delivery_id(l->c->service.store, d->key, id);
	table_cell(t, id);
	table_cell_slice(t, ev->type);
	if (o != NULL)
		order_agwid(o, &agw);
	table_cell_slice(t, buf_as_slice(&agw));
	table_cell(t, task == NULL ? "-" : task_name(task));
	cell_state(t, l->r, d);
	table_cell_number(t, d->attempts);
	cell_last(t, d);
	cell_when(t, l->r, d);
	table_cell(t, ev->test ? "test" : "");
	buf_free(&agw);
}

static void
add(void *arg, const struct store_delivery *d, const struct store_event *ev,
    const struct order *o)
{
	struct list *l = arg;

	l->shown++;
	if (!l->c->json) {
		add_row(l, d, ev, o);
		return;
	}
	delivery_print(l->c->service.store, l->r, ev, o, d, &l->lines);
	buf_putc(&l->lines, '\n');
}

/* Print what was gathered, with the store left alone. */
static void
flush(struct list *l)
{
	store_idle(l->c->service.store);
	print_json(&l->lines);
	table_print(&l->table);
	fflush(stdout);		/* a search may take a while to find more */
}

static enum rc
read_pages(struct list *l)
{
	int64_t left;
	enum rc rc;

	do {
		left = l->limit - l->shown;
		rc = query_next(&l->walk, left < QUERY_PAGE ? (size_t)left :
		    QUERY_PAGE, add, l);
		if (l->table.ncell > 0 || l->lines.len > 0)
			flush(l);
	} while (rc == RC_OK && l->walk.cursor[0] != '\0' &&
	    l->shown < l->limit && !print_failed());
	store_idle(l->c->service.store);
	return rc;
}

static void
print_none(const struct list *l)
{
	if (query_is_set(&l->query))
		puts("No such deliveries.  Without options, the newest ones "
		    "of all are listed.");
	else
		puts("No deliveries yet.  They begin when an event is posted "
		    "that a subscription wants:\nskycap send FILE posts one.");
}

static int
list(struct list *l, const char *after)
{
	struct config cf = service_config(&l->c->service);
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;
	enum rc rc;

	rc = query_begin(&l->walk, &cf, l->r, &l->query, after, &why);
	if (rc == RC_OK) {
		rc = read_pages(l);
		if (rc == RC_INVALID)
			buf_puts(&why, "that is not a cursor of this list: "
			    "--after goes with the options that it came of");
	}
	if (rc == RC_INVALID)
		status = cli_usage(l->c, "%s", buf_str(&why));
	else if (rc == RC_NOTFOUND)
		status = cli_fail("%s", buf_str(&why));
	else if (rc != RC_OK)
		status = cli_unreadable();
	else if (l->walk.cursor[0] != '\0')
		fprintf(stderr, "There are more: --after %s\n",
		    l->walk.cursor);
	else if (l->shown == 0 && after[0] == '\0' && !l->c->json)
		print_none(l);
	query_end(&l->walk);
	buf_free(&why);
	return status;
}

/* Options that are conditions of the query by the same name. */
#define NCONDITION	15
static const char *const condition[NCONDITION] = {
	"state", "reason", "subscription", "client", "event", "code", "word",
	"since", "until", "agwid", "orderid", "pnr", "recordlocator", "mail",
	"phone",
};

struct given {
	const char	*value[NCONDITION];
	const char	*ref[REFS_MAX];
	size_t		 nref;
	const char	*limit, *after;
	bool		 test, no_test;
};

static int
set(struct list *l, const char *name, const char *value)
{
	struct config cf = service_config(&l->c->service);
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;
	enum rc rc;

	rc = query_set(&l->query, &cf, clock_now_ms(), slice_of(name),
	    slice_of(value), &why);
	if (rc == RC_NOTFOUND)
		status = cli_fail("%s", buf_str(&why));
	else if (rc != RC_OK)
		status = cli_usage(l->c, "--%s: %s", name, buf_str(&why));
	buf_free(&why);
	return status;
}

static int
set_all(struct list *l, const struct given *g)
{
	int status = CLI_OK;

	for (size_t i = 0; i < NCONDITION && status == CLI_OK; i++)
		if (g->value[i] != NULL)
			status = set(l, condition[i], g->value[i]);
	for (size_t i = 0; i < g->nref && status == CLI_OK; i++)
		status = set(l, "ref", g->ref[i]);
	if (status == CLI_OK && (g->test || g->no_test))
		status = set(l, "test", g->test ? "true" : "false");
	return status;
}

static int
read_options(struct cli *c, int argc, char **argv, struct given *g)
{
	struct cli_option opt[NCONDITION + 5] = {
		{ .name = "ref", .list = g->ref, .max = REFS_MAX,
		    .n = &g->nref },
		{ .name = "limit", .value = &g->limit },
		{ .name = "after", .value = &g->after },
		{ .name = "test", .flag = &g->test },
		{ .name = "no-test", .flag = &g->no_test },
	};
	int status, left;

	for (size_t i = 0; i < NCONDITION; i++)
		opt[5 + i] = (struct cli_option){ .name = condition[i],
		    .value = &g->value[i] };
	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status == CLI_OK ? CLI_HELPED : status;
	if (left != 0)
		return cli_usage(c, "it takes options only");
	if (g->test && g->no_test)
		return cli_usage(c, "--test and --no-test exclude each "
		    "other");
	return CLI_OK;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct given g = { .after = NULL };
	struct list *l;
	int status;

	status = read_options(c, argc, argv, &g);
	if (status != CLI_OK)
		return status == CLI_HELPED ? CLI_OK : status;
	l = malloc(sizeof *l);
	if (l == NULL)
		log_fatal("out of memory");
	*l = (struct list){ .c = c, .limit = 50, .table = TABLE_INIT(column),
	    .lines = BUF_INIT(64 * LINES_MAX) };
	if (g.limit != NULL && !cli_number(g.limit, 1, INT64_MAX, &l->limit))
		status = cli_usage(c, "--limit must be a number from 1");
	if (g.after != NULL && *g.after == '\0')
		status = cli_usage(c, "--after must be what was printed");
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = set_all(l, &g);
	if (status == CLI_OK)
		status = cli_roster(c, &l->r);
	if (status == CLI_OK)
		status = list(l, g.after == NULL ? "" : g.after);
	if (l->r != NULL)
		roster_release(l->r);
	buf_free(&l->lines);
	table_free(&l->table);
	free(l);
	return status;
}

const struct command cmd_deliveries = {
	.name = "deliveries",
	.usage = "[CONDITION VALUE]... [--test | --no-test] [--limit N] "
	    "[--after CURSOR]",
	.summary = "what is on its way, and what became of it",
	.help = "Conditions, all of which must hold:\n"
	    "  --state STATE      pending, held, delivered or dead\n"
	    "  --reason REASON    why it is dead: exhausted, deadline, gone, "
	    "...\n"
	    "  --subscription ID  of one subscription, also one that was "
	    "removed; notices: of\n"
	    "                     the mails that warn of one that fails\n"
	    "  --client ID        of one client\n"
	    "  --event TYPE       of one event type or, with evt_..., of one "
	    "event\n"
	    "  --code CODE        last HTTP status: 503, or a class like 5xx; "
	    "0: no answer\n"
	    "  --word WORD        how the last attempt ended: ok, http, "
	    "timeout, dns, ...\n"
	    "  --since TIME       at or after 2026-11-23T10:00:00Z; or 90s, "
	    "30m, 2h, 7d ago\n"
	    "  --until TIME       before\n"
	    "  --ref VALUE        of orders with this agwID, orderID, pnr, "
	    "recordLocator,\n"
	    "                     mail address or phone; with NAME=VALUE, that "
	    "one; of\n"
	    "                     several, all\n"
	    "  --agwid, --orderid, --pnr, --recordlocator, --mail, --phone "
	    "VALUE\n"
	    "                     the same, by name\n"
	    "  --test, --no-test  of tests alone, or of none\n\n"
	    "  --limit N          at most N (50)\n"
	    "  --after CURSOR     go on: where there are more, the last word "
	    "on standard\n"
	    "                     error is the cursor, for the same "
	    "conditions\n\n"
	    "A delivery's time is when it was done or, until then, when its "
	    "event was\naccepted.\n\n"
	    "The newest come first, by event.  With a state, subscription, "
	    "client or time,\nwhat is pending comes first, by subscription "
	    "and due time, then what is done, by\nwhen that was.  These, one "
	    "event, and references are found by an index; --event\nTYPE, "
	    "--code and --word look through what the others leave, alone "
	    "through\neverything; --reason through what is dead.\n\n"
	    "TRIES counts attempts; LAST is the last one's HTTP status, or "
	    "what went wrong;\nWHEN is when it was done, or is due; tests are "
	    "marked.  Times are UTC.  A terminal\ngets as many columns as "
	    "fit it; `skycap show DELIVERY` has everything.",
	.run = run,
};
