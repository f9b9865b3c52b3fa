/*
 * unit_json - what the tests of the JSON scanner share.
 */
#ifndef TESTS_UNIT_JSON_H
#define TESTS_UNIT_JSON_H

#include <stdlib.h>
#include "base/json.h"
#include "unit.h"

static const struct json_limits unit_no_limits = {
	.depth = UINT32_MAX, .string = UINT32_MAX, .tokens = UINT32_MAX,
	.number = UINT32_MAX,
};

/*
 * Scan a copy that ends where its memory ends, so that a sanitizer sees a
 * look past the end.  Only the verdict is of use afterwards.
 */
static inline enum rc
verdict(struct slice text, const struct json_limits *lim,
    struct json_error *err)
{
	struct json_doc d = JSON_DOC_INIT;
	char *copy = malloc(text.len + (text.len == 0));
	enum rc rc;

	assert_non_null(copy);
	if (text.len > 0)
		memcpy(copy, text.s, text.len);
	memset(err, 0, sizeof *err);
	rc = json_scan(&d, (struct slice){ copy, text.len }, lim, err);
	want_i64(d.n > 0, rc == RC_OK, "tokens left after %s", rc_name(rc));
	json_doc_free(&d);
	free(copy);
	return rc;
}

static inline void
want_taken(struct slice text, const struct json_limits *lim)
{
	struct json_error err;
	int len = text.len < 60 ? (int)text.len : 60;

	want_rc(verdict(text, lim, &err), RC_OK, "%.*s (%s)", len, text.s,
	    err.detail);
}

/* s, n times. */
static inline void
repeat(struct buf *b, const char *s, size_t n)
{
	while (n-- > 0)
		buf_puts(b, s);
}

#endif
