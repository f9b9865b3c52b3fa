/*
 * subject - the subscription that a command looks into, with a task of its own
 * or one from a file that is tried in its place.
 *
 * For preview and backtest, which save nothing.
 */
#ifndef CLI_SUBJECT_H
#define CLI_SUBJECT_H

#include "cli/cli.h"
#include "work/preview.h"

struct subject {
	const struct roster *roster;
	const struct subscription *subscription;	/* of the roster */
	struct task	*draft;		/* from the file; owned */
	struct preview_of of;
};

/*
 * Read the file, if any, open the service and find the subscription.  CLI_OK,
 * or said what is wrong; subject_free in any case, before cli_close.
 */
int subject_open(struct cli *c, const char *id, const char *file,
    struct subject *s);
void subject_free(struct subject *s);

#endif
