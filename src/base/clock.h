/*
 * clock - what time it is, and how long something took.
 *
 * Times are int64_t milliseconds UTC since 1970; durations are taken from the
 * monotonic clock, so that a clock that is set can't lengthen or shorten them.
 * Text forms are RFC 3339.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include "base/buf.h"

#define CLOCK_TEXT_MAX 32	/* bytes of clock_format's text with its NUL */

/* Now, UTC ms since 1970. */
int64_t clock_now_ms(void);

/* Monotonic ms, and microseconds, since some fixed moment. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* "2026-11-23T10:00:00.123Z"; years 0000 to 9999, others are clamped. */
void clock_format(int64_t ms, char out[CLOCK_TEXT_MAX]);

/*
 * Parse RFC 3339 ("2026-11-23T10:00:00Z", "+01:00", fraction optional, "t"
 * and "z" and a space for T taken), real calendar dates only, second 60 taken
 * as 59.999.  If zoneless_ok also "YYYY-MM-DD" and "YYYY-MM-DD[ T]HH:MM[:SS]",
 * read as UTC.  *zoned (may be NULL) says whether a zone stood there.
 *   RC_INVALID  anything else
 */
MUST_USE enum rc clock_parse(struct slice text, bool zoneless_ok, int64_t *ms,
    bool *zoned);

#endif
