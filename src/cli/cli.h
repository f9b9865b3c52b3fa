/*
 * cli - what the files of the command `skycap` share.
 *
 * Each cmd_*.c exports one `const struct command`; skycap.c is the table of
 * them.  Here are the options and the opening of the service; what is printed
 * goes through print.h.  Exit status everywhere: 0, 1 (failed), 2 (usage, or
 * the wrong user).
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>
#include "ui/service.h"
#include "work/portable.h"

#define CLI_OK		0
#define CLI_FAILED	1
#define CLI_USAGE	2
#define CLI_PAGE	100	/* rows read in one visit to the store */

struct cli {
	const struct command *command;
	const char	*conf_flag;	/* --conf, NULL unless given */
	bool		 json;
	bool		 standing;	/* the command stays: set before
					   cli_open */
	struct service	 service;	/* after cli_open */
};

struct command {
	const char	*name;
	const char	*usage;		/* after the name; lines by \n */
	const char	*summary;	/* one line */
	const char	*help;		/* further paragraphs */
	int		(*run)(struct cli *c, int argc, char **argv);
};

extern const struct command cmd_backtest, cmd_catalog, cmd_client, cmd_config,
    cmd_deliveries, cmd_events, cmd_give_up, cmd_init, cmd_key, cmd_preset,
    cmd_preview, cmd_purge, cmd_secret, cmd_send, cmd_show, cmd_stats,
    cmd_subscription, cmd_sweep, cmd_test, cmd_timers, cmd_verify;

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

/* Complain about the usage: "skycap NAME: ..." and the usage lines. */
int cli_usage(const struct cli *c, const char *fmt, ...) PRINTF(2, 3);
void cli_print_usage(FILE *f, const struct command *cmd);

/*
 * Run the verb that argv[1] names, with argv from there; else the help, if
 * that is asked for, or a complaint that names the nearest.
 */
struct cli_verb {
	const char	*name;
	int		(*run)(struct cli *c, int argc, char **argv);
};

int cli_verbs(struct cli *c, int argc, char **argv,
    const struct cli_verb *verb, size_t n);

/* Say what failed: "skycap: ...".  Returns CLI_FAILED. */
int cli_fail(const char *fmt, ...) PRINTF(1, 2);

/* The same for a store that can't be read just now. */
int cli_unreadable(void);

/*
 * Read the configuration, become the store's owner, open the service into
 * c->service.  CLI_OK, or said what is wrong.  cli_close in any case.
 */
int cli_conf(struct cli *c, struct conf *conf);
int cli_open(struct cli *c);
void cli_close(struct cli *c);

/* The present roster, given back by roster_release. */
int cli_roster(const struct cli *c, const struct roster **r);

/*
 * cli_options, for a command or verb with n words and no options, and
 * cli_open.  CLI_OK; -1: the help was printed; else said what is wrong, with
 * need as in "one id is needed".
 */
#define CLI_HELPED	(-1)
int cli_begin(struct cli *c, int argc, char **argv, int n, const char *need);

/* Read a file or, for "-", standard input, up to b's ceiling. */
int cli_read(const char *path, struct buf *b);

/* A decimal number from lo to hi and nothing else. */
bool cli_number(const char *s, int64_t lo, int64_t hi, int64_t *v);

/* "0", or whole numbers with their units, "90m", "1d12h", up to max_ms. */
bool cli_duration(const char *s, int64_t max_ms, int64_t *ms);

/* An id of a record; says so if it is none. */
int cli_record(const struct cli *c, enum store_kind kind, const char *id,
    uint32_t *number);

/* cli_begin for a verb that takes options and one record's id. */
int cli_one(struct cli *c, int argc, char **argv,
    const struct cli_option *opt, size_t n, enum store_kind kind,
    uint32_t *number);

/* A verb that lists all of a kind, as a table or as lines of JSON. */
typedef void cli_list_fn(const struct cli *c, const struct roster *r);
int cli_list(struct cli *c, int argc, char **argv, cli_list_fn *rows,
    cli_list_fn *lines);

/* A verb that changes one record, and needs no more than its id. */
typedef enum rc cli_change_fn(const struct config *cf, uint32_t number,
    struct buf *why);
int cli_change(struct cli *c, int argc, char **argv, enum store_kind kind,
    cli_change_fn *fn);

/* A verb that prints one record for import, up to max bytes. */
typedef enum rc cli_export_fn(const struct config *cf, uint32_t number,
    enum portable_secrets how, struct buf *out, struct buf *why);
int cli_export(struct cli *c, int argc, char **argv, enum store_kind kind,
    cli_export_fn *fn, size_t max);

/* An event type by its name or an alias; says so if there is none. */
int cli_event_type(const struct cli *c, const char *name,
    const struct catalog_event **type);

#endif
