#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/clock.h"
#include "cli/cli.h"

#define OPTIONS_MAX	16
#define ID_JSON		1001
#define ID_CONF		1002
#define ID_HELP		1003

int
cli_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("skycap: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CLI_FAILED;
}

static void
print_usage(FILE *f, const struct command *cmd)
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

int
cli_usage(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "skycap %s: ", c->command->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	print_usage(stderr, c->command);
	return CLI_USAGE;
}

static void
print_help(const struct command *cmd)
{
	print_usage(stdout, cmd);
	printf("\n%s\n", cmd->summary);
	if (cmd->help[0] != '\0')
		printf("\n%s\n", cmd->help);
	puts("\nAlways: --conf FILE   the configuration file\n"
	    "        --json        one JSON object a line\n"
	    "        --help        this");
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
		    NULL, (int)i + 1 };
	*status = CLI_USAGE;
	optind = 0;			/* glibc: begin anew */
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		const struct cli_option *o;

		if (id == ID_HELP || id == 'h') {
			print_help(c->command);
			*status = CLI_OK;
			return -1;
		} else if (id == ID_JSON)
			c->json = true;
		else if (id == ID_CONF)
			c->conf_flag = optarg;
		else if (id == ':') {
			cli_usage(c, "%s needs a value", argv[optind - 1]);
			return -1;
		} else if (id == '?') {
			cli_usage(c, "there is no option %s",
			    argv[optind - 1]);
			return -1;
		} else {
			o = &opt[id - 1];
			if (o->flag != NULL)
				*o->flag = true;
			else if (o->value != NULL)
				*o->value = optarg;
			else if (*o->n == o->max) {
				cli_usage(c, "--%s was given more than %zu "
				    "times", o->name, o->max);
				return -1;
			} else
				o->list[(*o->n)++] = optarg;
		}
	}
	left = argc - optind;
	for (int i = 0; i < left; i++)
		argv[i + 1] = argv[optind + i];
	*status = CLI_OK;
	return left;
}

int
cli_verb(struct cli *c, int argc, char **argv)
{
	int status;

	if (argc > 1 && argv[1][0] != '-')
		return cli_usage(c, "there is no \"%s %s\"", c->command->name,
		    argv[1]);
	if (cli_options(c, argc, argv, NULL, 0, &status) == -1)
		return status;
	return cli_usage(c, "say what to do");
}

int
cli_conf(struct cli *c, struct conf *conf)
{
	struct buf path = BUF_INIT(CONF_PATH_MAX), why = BUF_INIT(1024);
	int status = CLI_OK;
	enum rc rc;

	conf_find(c->conf_flag, NULL, &path);
	rc = conf_load(conf, buf_str(&path), &why);
	if (rc != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	if (rc == RC_NOTFOUND)
		fputs("Make one with: skycap init --dir DIR\n"
		    "or name yours with --conf FILE or SKYCAP_CONF.\n",
		    stderr);
	buf_free(&path);
	buf_free(&why);
	return status;
}

int
cli_open(struct cli *c)
{
	struct buf why = BUF_INIT(1024);
	struct conf *conf = malloc(sizeof *conf);
	int status;
	enum rc rc;

	if (conf == NULL)
		return cli_fail("out of memory");
	status = cli_conf(c, conf);
	if (status != CLI_OK)
		goto done;
	rc = store_become_owner(conf->store_dir, &why);
	if (rc == RC_OK)
		rc = service_open(&c->service, conf, false, &why);
	if (rc == RC_OK)
		goto done;
	cli_fail("%s", buf_str(&why));
	status = rc == RC_DENIED ? CLI_USAGE : CLI_FAILED;
done:
	free(conf);
	buf_free(&why);
	return status;
}

void
cli_close(struct cli *c)
{
	service_close(&c->service);
}

int
cli_read(const char *path, struct buf *b)
{
	int fd = STDIN_FILENO, status = CLI_OK;
	ssize_t got = 1;
	char chunk[65536];

	if (strcmp(path, "-") != 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			return cli_fail("%s: %s", path, strerror(errno));
	}
	while (got > 0 && !b->over) {
		got = read(fd, chunk, sizeof chunk);
		if (got > 0)
			buf_put(b, chunk, (size_t)got);
		else if (got == -1 && errno == EINTR)
			got = 1;
	}
	if (got == -1)
		status = cli_fail("%s: %s", path, strerror(errno));
	else if (b->over)
		status = cli_fail("%s: more than %zu bytes", path, b->max);
	if (fd != STDIN_FILENO)
		close(fd);
	return status;
}

bool
cli_number(const char *s, int64_t lo, int64_t hi, int64_t *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*v = strtoll(s, &end, 10);
	return errno == 0 && *end == '\0' && *v >= lo && *v <= hi;
}

int
cli_record(const struct cli *c, enum store_kind kind, const char *what,
    const char *id, uint32_t *number)
{
	if (store_record_parse(c->service.store, kind, slice_of(id),
	    number) == RC_OK)
		return CLI_OK;
	return cli_fail("%s is not the id of a %s here", id, what);
}
