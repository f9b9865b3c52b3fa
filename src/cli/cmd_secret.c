#include <stdio.h>
#include "cli/cli.h"
#include "cli/print.h"

static int
show(struct cli *c, int argc, char **argv)
{
	struct buf why = BUF_INIT(1024), out = BUF_INIT(256);
	struct config cf;
	uint32_t number;
	int status;

	status = cli_begin(c, argc, argv, 1, "one subscription's id is "
	    "needed");
	if (status == CLI_OK)
		status = cli_record(c, STORE_SUBSCRIPTION, argv[1], &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	(void)buf_room(&out, out.max);		/* at once: leaves no copies */
	if (subscription_secret(&cf, number, &out, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else
		printf(c->json ? "{\"secret\":\"%s\"}\n" : "%s\n",
		    buf_str(&out));
	buf_wipe(&out);
	buf_free(&why);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	static const struct cli_verb verb[] = { { "show", show } };

	return cli_verbs(c, argc, argv, verb, NELEM(verb));
}

const struct command cmd_secret = {
	.name = "secret",
	.usage = "show SUBSCRIPTION",
	.summary = "the secret that a subscription's messages are signed with",
	.help = "Prints whsec_..., which the receiver needs to check "
	    "webhook-signature\n(Standard Webhooks).",
	.run = run,
};
