#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"
#include "cli/print.h"
#include "deliver/mail_options.h"

/*
 * What the sweep would refuse to start with, and reading the file alone does
 * not tell.
 */
static int
check(const struct conf *conf)
{
	struct buf password = BUF_INIT(MAIL_PASSWORD_MAX);
	struct buf why = BUF_INIT(2048);
	struct mail_options o;
	int status = CLI_OK;

	if (mail_configured(conf) &&
	    mail_options_read(&o, conf, &password, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	buf_wipe(&password);
	buf_free(&why);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct buf out = BUF_INIT(65536);
	struct conf *conf = malloc(sizeof *conf);
	int status, left;

	if (conf == NULL)
		return cli_fail("out of memory");
	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == 0)
		status = cli_conf(c, conf);
	else if (left > 0)
		status = cli_usage(c, "it takes no arguments");
	if (left != 0 || status != CLI_OK)
		goto done;
	if (c->json) {
		conf_print_json(conf, &out);
		puts(buf_str(&out));
	} else {
		printf("# %s\n", conf->path);
		conf_print(conf, &out);
		fputs(buf_str(&out), stdout);
	}
	status = check(conf);
done:
	buf_free(&out);
	free(conf);
	return status;
}

const struct command cmd_config = {
	.name = "config",
	.usage = "",
	.summary = "every setting with the value that holds",
	.help = "Prints a configuration file that says what is in force, "
	    "defaults included, and checks what [mail] says.",
	.run = run,
};
