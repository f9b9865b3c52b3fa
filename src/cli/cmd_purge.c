#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "work/query.h"

#define PROGRESS_MS	200	/* between two lines of it */

struct options {
	bool		 test, dry;
	const char	*before;
};

struct purge {
	const struct cli *c;
	int64_t		 before_ms;	/* INT64_MAX: any */
	sigset_t	 ends;		/* blocked, and looked for */
	bool		 terminal;
	bool		 ended;		/* by one of these */
	int64_t		 said_ms;
};

static void
progress(struct purge *g, const struct store_purge *p)
{
	int64_t now = clock_mono_ms();

	if (!g->terminal || now - g->said_ms < PROGRESS_MS)
		return;
	store_idle(g->c->service.store);
	fprintf(stderr, "\r%s %" PRIu64 " %%: %" PRIu64 " tests with %" PRIu64
	    " deliveries\033[K", p->dry ? "counting" : "removing",
	    p->newest == 0 ? 100 : p->position * 100 / p->newest, p->events,
	    p->deliveries);
	g->said_ms = now;
}

static void
progress_end(struct purge *g)
{
	if (g->terminal && g->said_ms != 0)
		fputs("\r\033[K", stderr);
	g->said_ms = 0;
}

/* Go over all events, removing or counting. */
static enum rc
go(struct purge *g, bool dry, struct store_purge *p)
{
	static const struct timespec at_once = { 0, 0 };
	const struct timespec again = { 0, 100 * 1000000 };
	enum rc rc;

	*p = (struct store_purge){ .tests = true, .dry = dry,
	    .before_ms = g->before_ms };
	do {
		rc = store_purge(g->c->service.store, p);
		if (rc == RC_RETRY) {
			nanosleep(&again, NULL);
			rc = store_purge(g->c->service.store, p);
		}
		progress(g, p);
		g->ended = sigtimedwait(&g->ends, NULL, &at_once) > 0;
	} while (rc == RC_OK && p->more && !g->ended);
	progress_end(g);
	return rc;
}

static void
print_count(const char *done, const struct store_purge *p)
{
	printf("%s %" PRIu64 " test event%s with %" PRIu64 " deliver%s\n",
	    done, p->events, p->events == 1 ? "" : "s", p->deliveries,
	    p->deliveries == 1 ? "y" : "ies");
}

static void
print_result(const struct purge *g, const struct store_purge *p)
{
	if (g->c->json) {
		printf("{\"events\":%" PRIu64 ",\"deliveries\":%" PRIu64
		    ",\"kept\":%" PRIu64 ",\"dryRun\":%s}\n", p->events,
		    p->deliveries, p->kept, p->dry ? "true" : "false");
		return;
	}
	print_count(p->dry ? "would remove" : "removed", p);
	if (p->kept > 0)
		printf("left %" PRIu64 ": on %s way, or still needed\n",
		    p->kept, p->kept == 1 ? "its" : "their");
}

static int
purge(struct purge *g, bool dry)
{
	struct store_purge p;
	enum rc rc = RC_OK;

	if (!dry && g->terminal && !g->c->json) {
		rc = go(g, true, &p);
		store_idle(g->c->service.store);
		if (rc == RC_OK && !g->ended)
			print_count("there are", &p);
		fflush(stdout);
	}
	if (rc == RC_OK && !g->ended)
		rc = go(g, dry, &p);
	store_idle(g->c->service.store);
	if (rc == RC_FULL)
		return cli_fail("the store has no room just now, not even to "
		    "remove something");
	if (rc != RC_OK)
		return cli_unreadable();
	if (p.dry == dry)
		print_result(g, &p);
	return g->ended ? cli_fail("it was ended before it was done") : CLI_OK;
}

static int
read_before(struct purge *g, const char *before)
{
	struct config cf = service_config(&g->c->service);
	struct query q = { .nref = 0 };
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;

	if (query_set(&q, &cf, clock_now_ms(), SLICE("until"),
	    slice_of(before), &why) == RC_OK)
		g->before_ms = q.until_ms;
	else
		status = cli_usage(g->c, "--before must be a time like "
		    "2026-11-23T10:00:00Z, or how long ago, like 90s, 30m, 2h "
		    "or 7d");
	buf_free(&why);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct options o = { .before = NULL };
	const struct cli_option opt[] = {
		{ .name = "test", .flag = &o.test },
		{ .name = "before", .value = &o.before },
		{ .name = "dry-run", .flag = &o.dry },
	};
	struct purge g = { .c = c, .before_ms = INT64_MAX,
	    .terminal = isatty(STDERR_FILENO) == 1 };
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "it takes options only");
	if (!o.test)
		return cli_usage(c, "say what is to go: --test");
	status = cli_open(c);
	if (status == CLI_OK && o.before != NULL)
		status = read_before(&g, o.before);
	if (status != CLI_OK)
		return status;
	sigemptyset(&g.ends);
	sigaddset(&g.ends, SIGINT);
	sigaddset(&g.ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &g.ends, NULL);
	return purge(&g, o.dry);
}

const struct command cmd_purge = {
	.name = "purge",
	.usage = "--test [--before TIME] [--dry-run]",
	.summary = "remove what is no longer needed",
	.help = "  --test         test events, with their deliveries, attempts "
	    "and sender ids\n"
	    "  --before TIME  accepted before 2026-11-23T10:00:00Z; or 90s, "
	    "30m, 2h, 7d ago\n"
	    "  --dry-run      count, and remove nothing\n\n"
	    "An event stays while one of its deliveries is pending or held, or "
	    "a timer that it\nset is to come.  What is counted by hour stays.  "
	    "Ctrl-C ends it: what was removed\nis gone, the rest is as it was, "
	    "and the exit status is 1.\n\n"
	    "--json gives one object: {events, deliveries, kept, dryRun}.",
	.run = run,
};
