#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "work/listing.h"
#include "work/record_json.h"
#include "work/timer.h"

#define MERGE_MS	2000	/* for changes that no sweep has merged yet */
#define AHEAD_MAX_MS	(INT64_C(36500) * 86400000)
#define OF_ORDER	(2 * STORE_TIMERS)	/* its own and those of tests */

/* What is asked for, and a listing under way. */
struct list {
	const struct cli *c;
	const struct roster *r;
	const struct client *client;	/* NULL: any */
	const char	*agwid, *type;	/* the same */
	int64_t		 until_ms, limit, shown;
	char		 cursor[STORE_CURSOR_MAX];
	struct table	 table;
	struct buf	 lines;		/* JSON, not printed yet */
	struct store_event event;
	struct order	 order;
	struct store_timer page[CLI_PAGE];
};

static const struct table_column column[] = {
	{ .name = "WHEN" }, { .name = "TYPE", .least = 10 },
	{ .name = "AGWID", .least = 8 }, { .name = "SET BY" },
	{ .name = "" },
};

static void
add_row(struct list *l, const struct store_timer *t, const char *event,
    const struct order *o)
{
	struct buf agw = BUF_INIT(1024);

	if (o != NULL)
		order_agwid(o, &agw);
	table_cell_time(&l->table, t->at_ms);
	table_cell(&l->table, timer_type_name(t->type));
	table_cell_slice(&l->table, buf_as_slice(&agw));
	table_cell(&l->table, event);
	table_cell(&l->table, l->event.test ? "test" : "");
	buf_free(&agw);
}

static void
add_line(struct list *l, const struct store_timer *t, const char *event,
    const struct order *o)
{
	struct buf agw = BUF_INIT(1024), *out = &l->lines;

	if (o != NULL)
		order_agwid(o, &agw);
	buf_putc(out, '{');
	record_put_time(out, "at", t->at_ms);
	record_put_string(out, "eventType",
	    slice_of(timer_type_name(t->type)));
	record_put_key(out, "agwID");
	if (agw.len > 0)
		json_put_string(out, buf_as_slice(&agw));
	else
		buf_puts(out, "null");
	record_put_string(out, "event", slice_of(event));
	record_put_bool(out, "test", l->event.test);
	buf_puts(out, "}\n");
	buf_free(&agw);
}

/* May the client that is asked for see it?  o is its order, or NULL. */
static bool
in_scope(const struct list *l, const struct store_timer *t,
    const struct order *o)
{
	const struct catalog_event *type = catalog_event_find(
	    l->c->service.catalog, slice_of(timer_type_name(t->type)));

	return l->client == NULL || (o != NULL &&
	    client_sees(l->client, type, o));
}

static enum rc
add(struct list *l, const struct store_timer *t)
{
	struct store *st = l->c->service.store;
	const struct order *o = NULL;
	struct json_error err;
	char id[ID_MAX];
	enum rc rc;

	if (t->at_ms >= l->until_ms || (l->type != NULL &&
	    strcmp(l->type, timer_type_name(t->type)) != 0))
		return RC_OK;
	store_event_clear(&l->event);
	rc = store_event_get(st, t->position, &l->event);
	if (rc == RC_OK && order_read(&l->order, l->c->service.catalog,
	    l->event.order, &err) == RC_OK)
		o = &l->order;
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (!in_scope(l, t, o))
		return RC_OK;
	store_event_id(st, t->position, id);
	if (l->c->json)
		add_line(l, t, id, o);
	else
		add_row(l, t, id, o);
	l->shown++;
	return RC_OK;
}

/* Print what was gathered, with the store left alone. */
static void
flush(struct list *l)
{
	store_idle(l->c->service.store);
	print_json(&l->lines);
	table_print(&l->table);
	fflush(stdout);
}

static enum rc
list_all(struct list *l)
{
	size_t n;
	enum rc rc;

	do {
		int64_t left = l->limit - l->shown;

		rc = store_timers(l->c->service.store, l->until_ms, l->cursor,
		    l->page, left < CLI_PAGE ? (size_t)left : CLI_PAGE, &n);
		for (size_t i = 0; i < n && rc == RC_OK; i++)
			rc = add(l, &l->page[i]);
		if (rc == RC_OK)
			flush(l);
	} while (rc == RC_OK && l->cursor[0] != '\0' &&
	    l->shown < l->limit && !print_failed());
	return rc;
}

static int
by_time(const void *va, const void *vb)
{
	const struct store_timer *a = va, *b = vb;

	return a->at_ms < b->at_ms ? -1 : a->at_ms > b->at_ms;
}

/* They are few, and found without a walk. */
static enum rc
list_order(struct list *l)
{
	struct store_timer t[OF_ORDER];
	size_t n = 0, more;
	enum rc rc = RC_OK;

	for (int test = 0; test < 2 && rc == RC_OK; test++) {
		rc = store_timers_of(l->c->service.store,
		    timer_order(&l->c->service.crypt, slice_of(l->agwid),
		    test == 1), t + n, &more);
		n += more;
	}
	qsort(t, n, sizeof *t, by_time);
	for (size_t i = 0; i < n && rc == RC_OK && l->shown < l->limit; i++)
		rc = add(l, &t[i]);
	if (rc == RC_OK)
		flush(l);
	return rc;
}

/* Where no sweep stands, changes may wait to be merged. */
static enum rc
bring_up_to_date(const struct list *l)
{
	int64_t now_ms = clock_now_ms(), until = clock_mono_ms() + MERGE_MS;
	bool merged, more = true;
	enum rc rc = RC_OK;

	while (rc == RC_OK && more && clock_mono_ms() < until)
		rc = store_timer_merge(l->c->service.store, now_ms, &merged,
		    &more);
	if (rc == RC_OK && more)
		fputs("skycap: changes of the latest events are not in this "
		    "list yet; the next sweep brings them in\n", stderr);
	return rc == RC_FULL ? RC_OK : rc;	/* they can still be read */
}

static void
print_none(const struct list *l)
{
	if (l->agwid != NULL || l->client != NULL || l->type != NULL ||
	    l->until_ms != INT64_MAX)
		puts("No such events are to come.  An agwID is compared "
		    "letter by letter.");
	else
		puts("No events are to come by the clock.  An event whose "
		    "order has legs with times that\nhave an offset (Z or "
		    "+01:00) sets OrderStarted and OrderCompleted.");
}

static int
list(struct list *l, bool begun)
{
	enum rc rc = bring_up_to_date(l);

	if (rc == RC_OK)
		rc = l->agwid != NULL ? list_order(l) : list_all(l);
	if (rc == RC_INVALID)
		return cli_usage(l->c, "that is not a cursor of this list");
	if (rc != RC_OK)
		return cli_unreadable();
	if (l->cursor[0] != '\0')
		fprintf(stderr, "There are more: --after %s\n", l->cursor);
	else if (l->shown == 0 && !begun && !l->c->json)
		print_none(l);
	return CLI_OK;
}

struct given {
	const char *client, *agwid, *type, *until, *limit, *after;
};

/* A time, or how far ahead. */
static bool
read_until(const char *s, int64_t *ms)
{
	if (cli_duration(s, AHEAD_MAX_MS, ms)) {
		*ms += clock_now_ms();
		return true;
	}
	return clock_parse(slice_of(s), true, ms, NULL) == RC_OK;
}

static int
read_type(struct list *l, const char *name)
{
	const struct catalog_event *type;
	int status = cli_event_type(l->c, name, &type);

	if (status != CLI_OK)
		return status;
	for (int t = 0; t < STORE_TIMERS; t++)
		if (strcmp(type->name,
		    timer_type_name((enum store_timer_type)t)) == 0)
			l->type = type->name;
	if (l->type != NULL)
		return CLI_OK;
	return cli_usage(l->c, "%s does not come by the clock: --type is "
	    "OrderStarted or OrderCompleted", type->name);
}

static int
read_client(struct list *l, const char *id)
{
	uint32_t number;
	int status = cli_record(l->c, STORE_CLIENT, id, &number);

	if (status != CLI_OK)
		return status;
	l->client = roster_client(l->r, number);
	if (l->client == NULL)
		return cli_fail("there is no client %s", id);
	return CLI_OK;
}

static int
prepare(struct cli *c, struct list *l, const struct given *g)
{
	int status;

	if (g->limit != NULL && !cli_number(g->limit, 1, INT64_MAX, &l->limit))
		return cli_usage(c, "--limit must be a number from 1");
	if (g->until != NULL && !read_until(g->until, &l->until_ms))
		return cli_usage(c, "--until must be a time like "
		    "2026-11-23T10:00:00Z, or how far ahead, like 90m, 2h or "
		    "7d");
	if (g->after != NULL && (*g->after == '\0' ||
	    strlen(g->after) >= sizeof l->cursor))
		return cli_usage(c, "--after must be what was printed");
	if (g->after != NULL && g->agwid != NULL)
		return cli_usage(c, "--after does not go with --agwid, which "
		    "lists all there are");
	if (g->after != NULL)
		memcpy(l->cursor, g->after, strlen(g->after) + 1);
	l->agwid = g->agwid;
	status = cli_open(c);
	if (status == CLI_OK && g->type != NULL)
		status = read_type(l, g->type);
	if (status == CLI_OK)
		status = cli_roster(c, &l->r);
	if (status == CLI_OK && g->client != NULL)
		status = read_client(l, g->client);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct given g = { .after = NULL };
	const struct cli_option opt[] = {
		{ .name = "client", .value = &g.client },
		{ .name = "agwid", .value = &g.agwid },
		{ .name = "type", .value = &g.type },
		{ .name = "until", .value = &g.until },
		{ .name = "limit", .value = &g.limit },
		{ .name = "after", .value = &g.after },
	};
	struct list *l;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "it takes options only");
	l = malloc(sizeof *l);
	if (l == NULL)
		log_fatal("out of memory");
	*l = (struct list){ .c = c, .limit = 50, .until_ms = INT64_MAX,
	    .table = TABLE_INIT(column), .lines = BUF_INIT(1024 * 1024),
	    .event = STORE_EVENT_INIT, .order = ORDER_INIT };
	status = prepare(c, l, &g);
	if (status == CLI_OK)
		status = list(l, g.after != NULL);
	if (l->r != NULL)
		roster_release(l->r);
	store_event_clear(&l->event);
	order_free(&l->order);
	buf_free(&l->lines);
	table_free(&l->table);
	free(l);
	return status;
}

const struct command cmd_timers = {
	.name = "timers",
	.usage = "[--client ID] [--agwid ID] [--type TYPE] [--until TIME]\n"
	    "[--limit N] [--after CURSOR]",
	.summary = "what is to come by the clock",
	.help = "OrderStarted comes when the departure of an order's first "
	    "flight has passed,\nOrderCompleted when the arrival of its last "
	    "has.  The latest event whose order has\nlegs with times that have "
	    "an offset sets both; OrderCanceled and\nPaymentTimeLimitExpired "
	    "remove them.  The earliest comes first.\n\n"
	    "  --client ID     of orders in the scope of a client\n"
	    "  --agwid ID      of one order\n"
	    "  --type TYPE     OrderStarted or OrderCompleted\n"
	    "  --until TIME    before 2026-11-23T10:00:00Z; or within 90m, "
	    "2h, 7d\n"
	    "  --limit N       at most N (50)\n"
	    "  --after CURSOR  go on: where there are more, the last word on "
	    "standard error\n                  is the cursor\n\n"
	    "SET BY is the event whose order goes out then.  Times are UTC.",
	.run = run,
};
