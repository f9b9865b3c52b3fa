/*
 * skycap - the service from a shell: a table of commands.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/print.h"

static const struct {
	const char *head;
	const struct command *command[9];
} table[] = {
	{ "Set up", { &cmd_init, &cmd_client, &cmd_key, &cmd_subscription,
	    &cmd_preset, &cmd_secret, &cmd_catalog, &cmd_config } },
	{ "Use", { &cmd_send, &cmd_sweep, &cmd_give_up, &cmd_purge } },
	{ "Try", { &cmd_preview, &cmd_test, &cmd_backtest } },
	{ "Look", { &cmd_events, &cmd_deliveries, &cmd_timers, &cmd_show,
	    &cmd_stats, &cmd_verify } },
};

static int
usage(FILE *f, int status)
{
	fputs("usage: skycap COMMAND [ARGUMENT]...\n\n"
	    "Order events out to those who asked for them.\n", f);
	for (size_t i = 0; i < NELEM(table); i++) {
		fprintf(f, "\n%s\n", table[i].head);
		for (size_t j = 0; table[i].command[j] != NULL; j++)
			fprintf(f, "  %-14s%s\n", table[i].command[j]->name,
			    table[i].command[j]->summary);
	}
	fputs("\nskycap COMMAND --help says more about each.\n", f);
	return status;
}

/* What could not be written was not done. */
static int
flush(int status)
{
	if (status == CLI_HELPED)
		status = CLI_OK;
	if (fflush(stdout) == 0 && !print_failed())
		return status;
	if (errno != EPIPE)		/* whoever read has gone: no matter */
		cli_fail("standard output: %s", strerror(errno));
	return CLI_FAILED;
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < NELEM(table); i++)
		for (size_t j = 0; table[i].command[j] != NULL; j++)
			if (strcmp(table[i].command[j]->name, name) == 0)
				return table[i].command[j];
	return NULL;
}

static int
unknown(const char *given)
{
	const char *name[NELEM(table) * NELEM(table[0].command)], *near;
	struct buf text = BUF_INIT(1024 * 1024);
	size_t n = 0;

	for (size_t i = 0; i < NELEM(table); i++)
		for (size_t j = 0; table[i].command[j] != NULL; j++)
			name[n++] = table[i].command[j]->name;
	near = text_nearest(slice_of(given), name, n);
	print_clean(slice_of(given), &text);
	fprintf(stderr, "skycap: there is no command \"%s\"", buf_str(&text));
	if (near != NULL)
		fprintf(stderr, "; did you mean %s?\n", near);
	else
		fputs("; skycap --help lists them\n", stderr);
	buf_free(&text);
	return CLI_USAGE;
}

int
main(int argc, char **argv)
{
	struct cli c = { .json = false };
	int status, spare = 0;

	/* What is opened must not take the place of what is written to. */
	while (spare != -1 && spare <= STDERR_FILENO)
		spare = open("/dev/null", O_RDWR);
	if (spare != -1)
		close(spare);
	/* A reader who leaves must not end us while we are in the store. */
	signal(SIGPIPE, SIG_IGN);
	if (log_init("skycap", NULL, false) != RC_OK)
		return CLI_FAILED;
	log_level_set(LOG_ERROR);	/* a command says itself what matters */
	if (argc < 2)
		return usage(stderr, CLI_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return flush(usage(stdout, CLI_OK));
	if (strcmp(argv[1], "--version") == 0) {
		puts("skycap " PACKAGE_VERSION);
		return flush(CLI_OK);
	}
	c.command = find(argv[1]);
	if (c.command == NULL)
		return unknown(argv[1]);
	status = c.command->run(&c, argc - 1, argv + 1);
	cli_close(&c);
	return flush(status);
}
