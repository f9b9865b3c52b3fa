/*
 * mime_check - the messages of some files, for mime_oracle.py.
 *
 * A file is as mime_file.h has it.  Prints one line of JSON for each: null if
 * it is none or refused, else the message, which is ASCII.
 */
#include "files.h"
#include "mime_file.h"

static void
judge(struct slice text, struct buf *line)
{
	struct buf out = BUF_INIT(FILE_MAX_LEN);
	struct mime m;

	if (mime_file(text, &m) && mime_make(&m, &out) == RC_OK)
		json_put_string(line, buf_as_slice(&out));
	else
		buf_puts(line, "null");
	buf_free(&out);
}

int
main(int argc, char **argv)
{
	return files_each(argc, argv, judge);
}
