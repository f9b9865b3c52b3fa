#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "cli/print.h"
#include "cli/subject.h"
#include "work/backtest.h"

#define DAY_MS		(24 * 3600 * INT64_C(1000))
#define DAYS_MAX	36500
#define PROGRESS_MS	200	/* between two lines of it */

struct progress {
	struct store	*store;
	sigset_t	 ends;		/* blocked, and looked for */
	bool		 terminal;
	int64_t		 said_ms;	/* 0: not yet */
};

static bool
go_on(void *arg, const struct backtest *b)
{
	static const struct timespec at_once = { 0, 0 };
	struct progress *p = arg;
	int64_t now = clock_mono_ms();
	char when[PRINT_TIME_MAX];

	if (sigtimedwait(&p->ends, NULL, &at_once) > 0)
		return false;
	if (!p->terminal || b->looked == 0 || now - p->said_ms < PROGRESS_MS)
		return true;
	store_idle(p->store);
	print_time(b->oldest_ms, when);
	fprintf(stderr, "\r%" PRIu64 " events, back to %s: %" PRIu64
	    " matched, %" PRIu64 " failed\033[K", b->looked, when, b->matched,
	    b->failed);
	p->said_ms = now;
	return true;
}

static void
print_reasons(const struct store *st, const struct backtest *b)
{
	static const struct table_column column[] = {
		{ .name = "EVENTS", .right = true }, { .name = "NEWEST" },
		{ .name = "REASON", .least = 24 },
	};
	struct table t = TABLE_INIT(column);
	char id[ID_MAX];

	for (size_t i = 0; i < b->nreason; i++) {
		store_event_id(st, b->reason[i].position, id);
		table_cell_number(&t, b->reason[i].n);
		table_cell(&t, id);
		table_cell(&t, b->reason[i].text);
	}
	putchar('\n');
	table_print(&t);
	table_free(&t);
}

static void
print_text(const struct store *st, const struct backtest *b, int64_t days)
{
	char when[PRINT_TIME_MAX];

	printf("looked at     %" PRIu64 " %s of the last %" PRId64 " %s",
	    b->looked, b->looked == 1 ? "event" : "events", days,
	    days == 1 ? "day" : "days");
	if (b->oldest_ms != 0) {
		print_time(b->oldest_ms, when);
		printf(", back to %s", when);
	}
	if (b->gone > 0)
		printf("\nnot kept      the orders of %" PRIu64 " of these",
		    b->gone);
	printf("\nmatched       %" PRIu64 "\nfailed        %" PRIu64 "\n",
	    b->matched, b->failed);
	if (b->nreason > 0)
		print_reasons(st, b);
}

static int
backtest(const struct cli *c, const struct subject *s, int64_t days,
    const sigset_t *ends)
{
	struct store *st = c->service.store;
	struct progress p = { .store = st, .ends = *ends,
	    .terminal = isatty(STDERR_FILENO) == 1 };
	struct backtest_ask ask = { .store = st,
	    .catalog = c->service.catalog, .of = &s->of,
	    .since_ms = clock_now_ms() - days * DAY_MS, .go_on = go_on,
	    .arg = &p };
	struct buf out = BUF_INIT(65536);
	struct backtest b;
	enum rc rc;

	rc = backtest_run(&ask, &b);
	store_idle(st);
	if (p.terminal)
		fputs("\r\033[K", stderr);
	if (c->json) {
		backtest_print(st, &s->of, ask.since_ms, &b, &out);
		buf_putc(&out, '\n');
		print_json(&out);
	} else
		print_text(st, &b, days);
	buf_free(&out);
	if (rc != RC_OK)
		return cli_unreadable();
	return b.whole ? CLI_OK : cli_fail("it was ended before it was done");
}

static int
run(struct cli *c, int argc, char **argv)
{
	const char *file = NULL, *given = NULL;
	const struct cli_option opt[] = {
		{ .name = "file", .value = &file },
		{ .name = "days", .value = &given },
	};
	struct subject s;
	int64_t days = 7;
	sigset_t ends;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one subscription is needed");
	if (given != NULL && !cli_number(given, 1, DAYS_MAX, &days))
		return cli_usage(c, "--days must be a number from 1 to %d",
		    DAYS_MAX);
	status = subject_open(c, argv[1], file, &s);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	if (status == CLI_OK)
		status = backtest(c, &s, days, &ends);
	subject_free(&s);
	return status;
}

const struct command cmd_backtest = {
	.name = "backtest",
	.usage = "SUB [--file TASK.json|-] [--days N]",
	.summary = "how a subscription would have done with past events",
	.help = "  --file TASK  with this task in place of its own; nothing is "
	    "saved\n"
	    "  --days N     the events of the last N days (7)\n\n"
	    "Counts the events that its filter and its client's scope let "
	    "through, and those\nof them that can't be rendered, with the "
	    "first ten reasons that differ.  Nothing\nis sent.  Ctrl-C ends "
	    "it: what was seen so far is printed, and the exit status\nis 1.",
	.run = run,
};
