/*
 * json_check - what the scanner says of some files, for json_oracle.py.
 *
 * Takes file names as arguments, or one a line from standard input, and prints
 * one line for each: "ok" and the canonical form, or the fault's name with
 * byte, line, column, pointer and detail (the latter two as JSON strings).
 * Ends with 1 if a file can't be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"

#define FILE_MAX_LEN	(64 * 1024 * 1024)

static const char *const fault_name[] = {
	[JSON_GRAMMAR] = "grammar", [JSON_UTF8] = "utf8",
	[JSON_DUPLICATE_KEY] = "duplicate-key",
	[JSON_NUL_CHARACTER] = "nul-character",
	[JSON_SURROGATE] = "surrogate", [JSON_DEPTH] = "depth",
	[JSON_STRING_LENGTH] = "string-length", [JSON_TOKENS] = "tokens",
	[JSON_NUMBER_LENGTH] = "number-length",
};

static enum rc
read_file(const char *name, struct buf *out)
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

static void
judge(struct json_doc *d, struct slice text)
{
	struct buf line = BUF_INIT(2 * FILE_MAX_LEN);
	struct json_error err;

	if (json_scan(d, text, &json_limits_default, &err) == RC_OK) {
		buf_puts(&line, "ok ");
		json_canonical(d, 0, &line);
	} else {
		buf_printf(&line, "%s %zu %u %u ", fault_name[err.fault],
		    err.off, (unsigned)err.line, (unsigned)err.col);
		json_put_string(&line, slice_of(err.pointer));
		buf_putc(&line, ' ');
		json_put_string(&line, slice_of(err.detail));
	}
	buf_putc(&line, '\n');
	fwrite(buf_str(&line), 1, line.len, stdout);
	buf_free(&line);
}

static enum rc
check(struct json_doc *d, const char *name)
{
	struct buf text = BUF_INIT(FILE_MAX_LEN);
	enum rc rc;

	rc = read_file(name, &text);
	if (rc == RC_OK)
		judge(d, buf_as_slice(&text));
	else
		fprintf(stderr, "json_check: %s: can't be read\n", name);
	buf_free(&text);
	return rc;
}

int
main(int argc, char **argv)
{
	struct json_doc d = JSON_DOC_INIT;
	enum rc rc = RC_OK;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	for (int i = 1; i < argc && rc == RC_OK; i++)
		rc = check(&d, argv[i]);
	while (argc == 1 && rc == RC_OK) {
		len = getline(&line, &cap, stdin);
		if (len <= 0)
			break;
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		rc = check(&d, line);
	}
	free(line);
	json_doc_free(&d);
	return rc == RC_OK && fflush(stdout) == 0 ? EXIT_SUCCESS :
	    EXIT_FAILURE;
}
