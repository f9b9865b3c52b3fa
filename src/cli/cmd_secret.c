#include <stdio.h>
#include "cli/cli.h"

static int
run(struct cli *c, int argc, char **argv)
{
	struct buf why = BUF_INIT(1024), out = BUF_INIT(256);
	struct config cf;
	uint32_t number;
	int status, left;

	if (argc < 2 || strcmp(argv[1], "show") != 0)
		return cli_verb(c, argc, argv);
	left = cli_options(c, argc - 1, argv + 1, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one subscription's id is needed");
	status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_SUBSCRIPTION, "subscription",
		    argv[2], &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (subscription_secret(&cf, number, &out, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else if (c->json)
		printf("{\"secret\":\"%s\"}\n", buf_str(&out));
	else
		puts(buf_str(&out));
	buf_wipe(&out);
	buf_free(&why);
	return status;
}

const struct command cmd_secret = {
	.name = "secret",
	.usage = "show SUBSCRIPTION",
	.summary = "the secret that a subscription's messages are signed with",
	.help = "Prints whsec_..., which the receiver needs to check "
	    "webhook-signature\n(Standard Webhooks).",
	.run = run,
};
