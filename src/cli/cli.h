/*
 * cli - what the files of the command `skycap` share.
 *
 * Each cmd_*.c exports one `const struct command`; skycap.c is the table of
 * them.  Here are the options, the opening of the service, and the two ways to
 * print: an aligned table for people, one JSON object a line with --json.
 * Exit status everywhere: 0, 1 (failed), 2 (usage).
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "ui/service.h"

#define CLI_OK		0
#define CLI_FAILED	1
#define CLI_USAGE	2
#define CLI_PAGE	200	/* rows read in one visit to the store */

struct cli {
	const struct command *command;
	const char	*conf_flag;	/* --conf, NULL unless given */
	bool		 json;
	struct service	 service;	/* after cli_open */
};

struct command {
	const char	*name;
	const char	*usage;		/* after the name; lines by \n */
	const char	*summary;	/* one line */
	const char	*help;		/* further paragraphs */
	int		(*run)(struct cli *c, int argc, char **argv);
};

extern const struct command cmd_catalog, cmd_client, cmd_config,
    cmd_deliveries, cmd_events, cmd_init, cmd_key, cmd_secret, cmd_send,
    cmd_show, cmd_stats, cmd_subscription, cmd_sweep, cmd_verify;

/* A command's option: --name, with a value unless flag is set. */
struct cli_option {
	const char	*name;
	bool		*flag;		/* set when given */
	const char	**value;	/* or: the value, the last one holds */
	const char	**list;		/* or: all values, up to max */
	size_t		 max, *n;
};

/*
 * Take options out of argv (argv[0] is the command), --json, --conf and
 * --help among them, leaving the rest in order in argv[1...].  Returns the
 * count of the rest, or -1: said what is wrong (or printed the help, in which
 * case *status is CLI_OK).
 */
int cli_options(struct cli *c, int argc, char **argv,
    const struct cli_option *opt, size_t n, int *status);

/* Complain about the usage: "skycap NAME: ..." and the usage line. */
int cli_usage(const struct cli *c, const char *fmt, ...) PRINTF(2, 3);

/*
 * argv[1] is none of the command's verbs: the help if it asks for that, else
 * a complaint.
 */
int cli_verb(struct cli *c, int argc, char **argv);

/* Say what failed: "skycap: ...".  Returns CLI_FAILED. */
int cli_fail(const char *fmt, ...) PRINTF(1, 2);

/*
 * Read the configuration, become the store's owner, open the service into
 * c->service.  CLI_OK, or said what is wrong.  cli_close in any case.
 */
int cli_conf(struct cli *c, struct conf *conf);
int cli_open(struct cli *c);
void cli_close(struct cli *c);

/* Read a file or, for "-", standard input, up to b's ceiling. */
int cli_read(const char *path, struct buf *b);

/* A decimal number from lo to hi and nothing else. */
bool cli_number(const char *s, int64_t lo, int64_t hi, int64_t *v);

/* An id of a record; says so if it is none. */
int cli_record(const struct cli *c, enum store_kind kind, const char *what,
    const char *id, uint32_t *number);

/* Rows to be printed in columns; cells are copied. */
struct table {
	size_t	   ncol, nrow;
	struct buf text;		/* cells, NUL-terminated, row by row */
};

#define TABLE_INIT(columns) { .ncol = (columns), \
	.text = BUF_INIT(64 * 1024 * 1024) }

void table_cell(struct table *t, const char *s);
void table_cell_slice(struct table *t, struct slice s);
void table_cell_time(struct table *t, int64_t ms);	/* local "now" aware */

/* Print it, the first row as a head; nothing if there is only the head. */
void table_print(const struct table *t);
void table_free(struct table *t);

#endif
