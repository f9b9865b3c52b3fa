#include <getopt.h>
#include <stdio.h>
#include "base/text.h"
#include "cli/cli.h"

#define OPTIONS_MAX	24
#define VERBS_MAX	16
#define ID_JSON		1001	/* above all letters */
#define ID_CONF		1002
#define ID_HELP		1003
#define ID_FIRST	1004	/* of the command's own */

void
cli_print_usage(FILE *f, const struct command *cmd)
{
	const char *line = cmd->usage, *end;

	for (int first = 1;; first = 0) {
		end = strchr(line, '\n');
		fprintf(f, "%s skycap %s%s%.*s\n", first ? "usage:" : "      ",
		    cmd->name, *line == '\0' ? "" : " ",
		    end == NULL ? (int)strlen(line) : (int)(end - line), line);
		if (end == NULL)
			break;
		line = end + 1;
	}
}

static void
print_help(const struct command *cmd)
{
	cli_print_usage(stdout, cmd);
	printf("\n%s\n", cmd->summary);
	if (cmd->help[0] != '\0')
		printf("\n%s\n", cmd->help);
	puts("\nAlways: --conf FILE   the configuration file\n"
	    "        --json        one JSON object a line\n"
	    "        --help        this");
}

/* The option that was meant, or NULL. */
static const char *
nearest_option(const struct option *longs, const char *given)
{
	const char *name[OPTIONS_MAX + 4];
	size_t n = 0;

	while (longs[n].name != NULL) {
		name[n] = longs[n].name;
		n++;
	}
	while (*given == '-')
		given++;
	return text_nearest((struct slice){ given, strcspn(given, "=") },
	    name, n);
}

/* What getopt_long did not take: argv[optind - 1], or a letter in it. */
static void
unknown_option(const struct cli *c, char **argv, const struct option *longs)
{
	const char *given = argv[optind - 1], *near;
	int letter = optopt;

	near = nearest_option(longs, given);
	if (letter > 0 && letter < 256)
		cli_usage(c, "there is no option -%c", letter);
	else if (letter != 0)
		cli_usage(c, "%.*s takes no value",
		    (int)strcspn(given, "="), given);
	else if (near != NULL)
		cli_usage(c, "there is no option %s; did you mean --%s?", given,
		    near);
	else
		cli_usage(c, "there is no option %s", given);
}

/* False: said what is wrong. */
static bool
take_option(const struct cli *c, const struct cli_option *o)
{
	if (o->flag != NULL)
		*o->flag = true;
	else if (o->value != NULL)
		*o->value = optarg;
	else if (*o->n < o->max)
		o->list[(*o->n)++] = optarg;
	else {
		cli_usage(c, "--%s was given more than %zu times", o->name,
		    o->max);
		return false;
	}
	return true;
}

int
cli_options(struct cli *c, int argc, char **argv,
    const struct cli_option *opt, size_t n, int *status)
{
	struct option longs[OPTIONS_MAX + 4] = {
		{ "json", no_argument, NULL, ID_JSON },
		{ "conf", required_argument, NULL, ID_CONF },
		{ "help", no_argument, NULL, ID_HELP },
	};
	int id, left;

	for (size_t i = 0; i < n; i++)
		longs[3 + i] = (struct option){ opt[i].name,
		    opt[i].flag != NULL ? no_argument : required_argument,
		    NULL, ID_FIRST + (int)i };
	*status = CLI_USAGE;
	optind = 0;			/* glibc: begin anew */
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		if (id == ID_HELP || id == 'h') {
			print_help(c->command);
			*status = CLI_OK;
			return -1;
		}
		if (id == ':') {
			cli_usage(c, "%s needs a value", argv[optind - 1]);
			return -1;
		}
		if (id == '?') {
			unknown_option(c, argv, longs);
			return -1;
		}
		if (id == ID_JSON)
			c->json = true;
		else if (id == ID_CONF)
			c->conf_flag = optarg;
		else if (!take_option(c, &opt[id - ID_FIRST]))
			return -1;
	}
	left = argc - optind;
	for (int i = 0; i < left; i++)
		argv[i + 1] = argv[optind + i];
	*status = CLI_OK;
	return left;
}

int
cli_verbs(struct cli *c, int argc, char **argv, const struct cli_verb *verb,
    size_t n)
{
	const char *name[VERBS_MAX], *near;
	int status;

	for (size_t i = 0; i < n; i++) {
		if (argc > 1 && strcmp(argv[1], verb[i].name) == 0)
			return verb[i].run(c, argc - 1, argv + 1);
		name[i] = verb[i].name;
	}
	if (argc > 1 && argv[1][0] != '-') {
		near = text_nearest(slice_of(argv[1]), name, n);
		if (near == NULL)
			return cli_usage(c, "there is no \"%s %s\"",
			    c->command->name, argv[1]);
		return cli_usage(c, "there is no \"%s %s\"; did you mean %s?",
		    c->command->name, argv[1], near);
	}
	if (cli_options(c, argc, argv, NULL, 0, &status) == -1)
		return status;
	return cli_usage(c, "say first what to do");
}
