/*
 * log - one line per thing worth knowing, to standard error or a file.
 *
 * Whoever handles an error logs it, once.  Lines carry UTC time, program, pid
 * and level; control characters and bytes that are no UTF-8 are escaped, so
 * nothing from outside can forge a line or work a terminal.  A message over
 * 2 KiB ends in "...".  Safe from any thread; one write(2) per line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include "base/rc.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/*
 * Name the program and choose where lines go: to is a path (appended to,
 * created 0600), NULL or "" for standard error.  json writes one JSON object a
 * line.  May be called again; until then lines go to standard error.
 *   RC_IO  the file can't be opened; the previous target stays
 */
MUST_USE enum rc log_init(const char *program, const char *to, bool json);

/* Lines below this level are dropped; LOG_INFO at start. */
void log_level_set(enum log_level level);

void log_debug(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_warn(const char *fmt, ...) PRINTF(1, 2);
void log_error(const char *fmt, ...) PRINTF(1, 2);

/*
 * For start-up, out of memory and broken invariants only, never because of
 * what a request or an endpoint said.  Ends the process with status 70.
 */
void log_fatal(const char *fmt, ...) PRINTF(1, 2) __attribute__((noreturn));

#endif
