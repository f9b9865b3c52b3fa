#include <inttypes.h>
#include <stdio.h>
#include "cli/cli.h"
#include "work/figures.h"

static int
run(struct cli *c, int argc, char **argv)
{
	struct figures f;
	struct buf out = BUF_INIT(8192);
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "it takes no arguments");
	status = cli_open(c);
	if (status != CLI_OK)
		return status;
	if (figures_read(c->service.store, c->service.rosters, &f) != RC_OK)
		return cli_fail("the store can't be read");
	store_idle(c->service.store);
	if (c->json) {
		figures_print(&f, &out);
		puts(buf_str(&out));
	} else
		printf("events accepted  %" PRIu64 "\n"
		    "pending          %" PRIu64 " (due now %" PRIu64
		    ", oldest due %" PRId64 " s)\n"
		    "held             %" PRIu64 "\n"
		    "delivered        %" PRIu64 " (last hour %" PRIu64 ")\n"
		    "dead             %" PRIu64 " (last hour %" PRIu64 ")\n"
		    "clients          %zu\n"
		    "subscriptions    %zu\n"
		    "store            %" PRId64 " MiB, free %" PRId64
		    " MiB, recoveries %" PRIu64 "\n",
		    f.health.position, f.pending, f.due, f.oldest_due_s,
		    f.held, f.delivered, f.delivered_hour, f.dead,
		    f.dead_hour, f.clients, f.subscriptions,
		    f.health.store_bytes >> 20, f.health.free_bytes >> 20,
		    f.health.recoveries);
	buf_free(&out);
	return CLI_OK;
}

const struct command cmd_stats = {
	.name = "stats",
	.usage = "",
	.summary = "how much is on its way, and how much arrived",
	.help = "",
	.run = run,
};
