/*
 * catalog_file - a catalogue's file in memory, indexed as JSON.
 *
 * For catalog_load.c and preset.c.  It knows nothing of what a file holds.
 */
#ifndef SHAPE_CATALOG_FILE_H
#define SHAPE_CATALOG_FILE_H

#include <sys/stat.h>
#include "base/json.h"

#define CATALOG_FILE_MAX (1024 * 1024)	/* bytes */

struct catalog_file {
	const char	*path;		/* borrowed */
	struct stat	 st;
	struct buf	 text;
	struct json_doc	 doc;
};

#define CATALOG_FILE_INIT { .text = BUF_INIT(CATALOG_FILE_MAX), \
	.doc = JSON_DOC_INIT }

/*
 * Read a file.  catalog_file_close in any case.
 *   RC_NOTFOUND; RC_INVALID (why names line and column); RC_IO
 */
MUST_USE enum rc catalog_file_open(struct catalog_file *f, const char *path,
    struct buf *why);
void catalog_file_close(struct catalog_file *f);

/* Two names of one file. */
bool catalog_file_same(const struct catalog_file *a,
    const struct catalog_file *b);

#endif
