/*
 * json_check - what the scanner says of some files, for json_oracle.py.
 *
 * Prints one line for each: "ok" and the canonical form, or the fault's name
 * with byte, line, column, pointer and detail (the latter two as JSON
 * strings).
 */
#include "base/json.h"
#include "files.h"

static const char *const fault_name[] = {
	[JSON_GRAMMAR] = "grammar", [JSON_UTF8] = "utf8",
	[JSON_DUPLICATE_KEY] = "duplicate-key",
	[JSON_NUL_CHARACTER] = "nul-character",
	[JSON_SURROGATE] = "surrogate", [JSON_DEPTH] = "depth",
	[JSON_STRING_LENGTH] = "string-length", [JSON_TOKENS] = "tokens",
	[JSON_NUMBER_LENGTH] = "number-length",
};

static void
judge(struct slice text, struct buf *line)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	if (json_scan(&d, text, &json_limits_default, &err) == RC_OK) {
		buf_puts(line, "ok ");
		json_canonical(&d, 0, line);
	} else {
		buf_printf(line, "%s %zu %u %u ", fault_name[err.fault],
		    err.off, (unsigned)err.line, (unsigned)err.col);
		json_put_string(line, slice_of(err.pointer));
		buf_putc(line, ' ');
		json_put_string(line, slice_of(err.detail));
	}
	json_doc_free(&d);
}

int
main(int argc, char **argv)
{
	return files_each(argc, argv, judge);
}
