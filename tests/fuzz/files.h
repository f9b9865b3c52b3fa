/*
 * files - the frame of the programs that say, for a python oracle, what the
 * code makes of some files.
 */
#ifndef TESTS_FUZZ_FILES_H
#define TESTS_FUZZ_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include "base/buf.h"

#define FILE_MAX_LEN	(64 * 1024 * 1024)

/* Append to line, without its end, what is to be said of a file's bytes. */
typedef void files_judge(struct slice text, struct buf *line);

static inline enum rc
files_read(const char *name, struct buf *out)
{
	FILE *f = fopen(name, "rb");
	enum rc rc = RC_IO;
	size_t n = 0;
	char *at;

	if (f == NULL)
		goto done;
	do {
		at = buf_room(out, 64 * 1024);
		if (at == NULL)
			goto done;
		n = fread(at, 1, 64 * 1024, f);
		out->len += n;
	} while (n > 0);
	if (ferror(f) == 0)
		rc = RC_OK;
done:
	if (f != NULL)
		fclose(f);
	return rc;
}

static inline enum rc
files_one(const char *name, files_judge *judge)
{
	struct buf text = BUF_INIT(FILE_MAX_LEN);
	struct buf line = BUF_INIT(8 * (size_t)FILE_MAX_LEN);
	enum rc rc;

	rc = files_read(name, &text);
	if (rc == RC_OK) {
		judge(buf_as_slice(&text), &line);
		buf_putc(&line, '\n');
		fwrite(buf_str(&line), 1, line.len, stdout);
	} else
		fprintf(stderr, "%s: can't be read\n", name);
	buf_free(&text);
	buf_free(&line);
	return rc;
}

/*
 * One line for each file named as an argument, or one a line on standard
 * input; the program's exit status.
 */
static inline int
files_each(int argc, char **argv, files_judge *judge)
{
	enum rc rc = RC_OK;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	for (int i = 1; i < argc && rc == RC_OK; i++)
		rc = files_one(argv[i], judge);
	while (argc == 1 && rc == RC_OK) {
		len = getline(&line, &cap, stdin);
		if (len <= 0)
			break;
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		rc = files_one(line, judge);
	}
	free(line);
	return rc == RC_OK && fflush(stdout) == 0 ? EXIT_SUCCESS :
	    EXIT_FAILURE;
}

#endif
