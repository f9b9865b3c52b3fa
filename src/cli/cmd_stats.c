#include <inttypes.h>
#include <stdio.h>
#include "cli/cli.h"
#include "work/figures.h"

static void
print_text(const struct figures *f)
{
	printf("events accepted  %" PRIu64 "\n", f->health.position);
	if (f->due == 0)
		printf("pending          %" PRIu64 " (none is due now)\n",
		    f->pending);
	else
		printf("pending          %" PRIu64 " (%" PRIu64 " due now, the "
		    "oldest for %" PRId64 " s)\n", f->pending, f->due,
		    f->oldest_due_s);
	printf("held             %" PRIu64 "\n"
	    "delivered        %" PRIu64 " (%" PRIu64 " in this hour)\n"
	    "dead             %" PRIu64 " (%" PRIu64 " in this hour)\n"
	    "clients          %zu\n"
	    "subscriptions    %zu (%zu paused, %zu disabled)\n"
	    "store            %" PRId64 " MiB, with %" PRId64 " MiB free on "
	    "its disk\n", f->held, f->delivered, f->delivered_hour, f->dead,
	    f->dead_hour, f->clients, f->subscriptions, f->paused,
	    f->disabled, f->health.store_bytes >> 20,
	    f->health.free_bytes >> 20);
	if (f->test_delivered > 0 || f->test_retried > 0 || f->test_dead > 0)
		printf("tests            %" PRIu64 " delivered, %" PRIu64
		    " dead, %" PRIu64 " attempts retried; in none of the "
		    "above\n", f->test_delivered, f->test_dead,
		    f->test_retried);
	if (!f->health.writable)
		puts("The disk is nearly full: events are refused until there "
		    "is room.");
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct figures f;
	struct buf out = BUF_INIT(8192);
	int status;

	status = cli_begin(c, argc, argv, 0, "it takes no arguments");
	if (status != CLI_OK)
		return status;
	if (figures_read(c->service.store, c->service.rosters, &f) != RC_OK)
		return cli_unreadable();
	store_idle(c->service.store);
	if (c->json) {
		figures_print(&f, &out);
		puts(buf_str(&out));
	} else
		print_text(&f);
	buf_free(&out);
	return CLI_OK;
}

const struct command cmd_stats = {
	.name = "stats",
	.usage = "",
	.summary = "how much is on its way, and how much arrived",
	.help = "Pending is what waits for its turn or its next try; held is "
	    "what waits for a\nsubscription that is paused or disabled.  What "
	    "became of tests is counted apart,\nand shown if there were any.",
	.run = run,
};
