/*
 * unit - cmocka with its four headers, and comparisons that say what differed.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/rc.h"

/* Each takes a printf format and arguments that say which case it was. */
#define want_i64(got, want, ...) do {					\
	int64_t got_ = (got), want_ = (want);				\
									\
	if (got_ != want_) {						\
		print_error(__VA_ARGS__);				\
		print_error(": got %" PRId64 ", want %" PRId64 "\n",	\
		    got_, want_);					\
		fail();							\
	}								\
} while (0)

#define want_rc(got, want, ...) do {					\
	enum rc got_ = (got), want_ = (want);				\
									\
	if (got_ != want_) {						\
		print_error(__VA_ARGS__);				\
		print_error(": got %s, want %s\n", rc_name(got_),	\
		    rc_name(want_));					\
		fail();							\
	}								\
} while (0)

#define want_str(got, want, ...) do {					\
	const char *got_ = (got), *want_ = (want);			\
									\
	if (strcmp(got_, want_) != 0) {					\
		print_error(__VA_ARGS__);				\
		print_error(": got \"%s\", want \"%s\"\n", got_, want_);\
		fail();							\
	}								\
} while (0)

#define want_slice(got, want, ...) do {					\
	struct slice got_ = (got), want_ = (want);			\
									\
	if (!slice_eq(got_, want_)) {					\
		print_error(__VA_ARGS__);				\
		print_error(": got \"%.*s\", want \"%.*s\"\n",		\
		    (int)got_.len, got_.len ? got_.s : "",		\
		    (int)want_.len, want_.len ? want_.s : "");		\
		fail();							\
	}								\
} while (0)

#endif
