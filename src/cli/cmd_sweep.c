#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include "base/clock.h"
#include "cli/cli.h"
#include "deliver/sweep.h"

/* Deliver what is due, once, and report. */
static int
once(struct cli *c, struct sweep *s)
{
	struct sweep_report r;
	struct buf out = BUF_INIT(4096);
	int64_t began = clock_mono_ms();
	int status = CLI_OK;
	enum rc rc;

	rc = sweep_run_until_idle(s, INT64_MAX / 2);
	if (rc != RC_OK && rc != RC_EXISTS)
		return cli_fail("the sweep could not run (%s)", rc_name(rc));
	if (sweep_report(s, &r) != RC_OK)
		return cli_fail("the store can't be read");
	r.took_ms = clock_mono_ms() - began;
	r.busy = rc == RC_EXISTS;
	store_idle(c->service.store);
	sweep_report_print(&r, &out);
	puts(buf_str(&out));
	buf_free(&out);
	return status;
}

/* Stay and deliver until told to end. */
static int
stay(struct sweep *s, const sigset_t *ends)
{
	int sig;

	if (sweep_start(s) != RC_OK)
		return cli_fail("the sweep could not be started");
	while (sigwait(ends, &sig) != 0)
		;
	sweep_stop(s);
	return CLI_OK;
}

static int
run(struct cli *c, int argc, char **argv)
{
	bool one = false;
	const struct cli_option opt[] = {
		{ .name = "once", .flag = &one },
	};
	struct sweep_options o;
	struct sweep *s = NULL;
	struct buf why = BUF_INIT(1024);
	sigset_t ends;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "it takes no arguments");
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	if (!one)		/* before the threads, which inherit it */
		pthread_sigmask(SIG_BLOCK, &ends, NULL);
	c->standing = !one;
	status = cli_open(c);
	if (status != CLI_OK)
		return status;
	o = (struct sweep_options){ service_config(&c->service),
	    c->service.rosters, &c->service.conf };
	if (sweep_new(&s, &o, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else
		status = one ? once(c, s) : stay(s, &ends);
	sweep_free(s);
	buf_free(&why);
	return status;
}

const struct command cmd_sweep = {
	.name = "sweep",
	.usage = "[--once]",
	.summary = "deliver what is due",
	.help = "With --once until nothing is due, then prints the report; "
	    "without, stays and\ndelivers until it is ended.  Where another "
	    "process sweeps this store, --once does\nnothing and says busy, "
	    "and without it waits for its turn.",
	.run = run,
};
