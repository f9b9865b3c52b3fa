#include <inttypes.h>
#include <stdio.h>
#include "cli/cli.h"
#include "cli/print.h"
#include "work/record_json.h"

static void
line(void *arg, bool problem, const char *text)
{
	const struct cli *c = arg;
	struct buf out = BUF_INIT(8192);

	if (c->json) {
		buf_putc(&out, '{');
		record_put_bool(&out, "problem", problem);
		record_put_string(&out, "text", slice_of(text));
		buf_putc(&out, '}');
		puts(buf_str(&out));
	} else
		print_quoted(problem ? "wrong: " : "       ", slice_of(text));
	buf_free(&out);
}

static int
run(struct cli *c, int argc, char **argv)
{
	bool pages = false;
	const struct cli_option opt[] = {
		{ .name = "pages", .flag = &pages },
	};
	uint64_t problems = 0;
	int status, left;
	enum rc rc;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "it takes no arguments");
	status = cli_open(c);
	if (status != CLI_OK)
		return status;
	rc = store_verify(c->service.store, pages, line, c, &problems);
	if (rc != RC_OK)
		return cli_fail("the check could not be finished (%s)",
		    rc_name(rc));
	if (!c->json && problems == 0)
		puts("The store is sound.");
	else if (!c->json)
		printf(problems == 1 ? "%" PRIu64 " thing is wrong.\n" :
		    "%" PRIu64 " things are wrong.\n", problems);
	return problems == 0 ? CLI_OK : CLI_FAILED;
}

const struct command cmd_verify = {
	.name = "verify",
	.usage = "[--pages]",
	.summary = "hold every index of the store against what it indexes",
	.help = "Runs while the service runs.  With --pages the engine's own "
	    "check is run too, on\na fresh copy.  Exit status 1 if something "
	    "is wrong.",
	.run = run,
};
