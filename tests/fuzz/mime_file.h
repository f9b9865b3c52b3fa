/*
 * mime_file - the mail that a file of a fuzzer's stands for.
 */
#ifndef TESTS_FUZZ_MIME_FILE_H
#define TESTS_FUZZ_MIME_FILE_H

#include "fuzz.h"
#include "shape/mime.h"

/* A sender, NUL, a recipient, NUL, a subject, NUL, a text; else false. */
static inline bool
mime_file(struct slice in, struct mime *m)
{
	static const struct mime_line line[] = {
		{ "Skycap-Event", SLICE("OrderTicketed") },
	};

	*m = (struct mime){ .date_ms = 1795552245123, .id = SLICE("msg_1"),
	    .unsubscribe = SLICE("https://a.example/x,<y>"), .line = line,
	    .nline = 1 };
	return fuzz_split(in, &m->from, &in) && fuzz_split(in, &m->to, &in) &&
	    fuzz_split(in, &m->subject, &m->text);
}

#endif
