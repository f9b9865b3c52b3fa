#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define MESSAGE_MAX	2048	/* bytes, escaped; longer ones end in "..." */
#define LINE_EXTRA	192	/* time, program, pid and level around it */

static struct {
	pthread_mutex_t	 lock;
	char		 program[32];
	_Atomic int	 level;
	bool		 json;
	int		 fd;
} out = { PTHREAD_MUTEX_INITIALIZER, "skycap", LOG_INFO, false, 2 };

enum rc
log_init(const char *program, const char *to, bool json)
{
	int fd = 2, old;

	if (to != NULL && *to != '\0') {
		fd = open(to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
		    O_NOCTTY, 0600);
		if (fd == -1)
			return RC_IO;
	}
	pthread_mutex_lock(&out.lock);
	old = out.fd;
	out.fd = fd;
	out.json = json;
	snprintf(out.program, sizeof out.program, "%s", program);
	pthread_mutex_unlock(&out.lock);
	if (old != 2)
		close(old);
	return RC_OK;
}

void
log_level_set(enum log_level level)
{
	out.level = (int)level;
}

/*
 * C0, DEL and C1, and the separators U+2028 and U+2029: some terminal or
 * reader acts on each of these.
 */
static bool
is_control(struct slice one)
{
	unsigned char c = (unsigned char)one.s[0];
	unsigned char d = one.len > 1 ? (unsigned char)one.s[1] : 0;

	return c < 0x20 || c == 0x7f || (c == 0xc2 && d < 0xa0) ||
	    (one.len == 3 && memcmp(one.s, "\xe2\x80", 2) == 0 &&
	    ((unsigned char)one.s[2] & 0xfe) == 0xa8);
}

/* The bytes of one character as \xNN. */
static size_t
escape_bytes(char to[17], struct slice one)
{
	size_t n = 0;

	for (size_t i = 0; i < one.len; i++)
		n += (size_t)snprintf(to + n, 17 - n, "\\x%02x",
		    (unsigned char)one.s[i]);
	return n;
}

/* A control character for JSON; those of two and three bytes are known. */
static size_t
escape_json(char to[17], struct slice one)
{
	unsigned char last = (unsigned char)one.s[one.len - 1];
	unsigned code = one.len == 3 ? 0x2000U | (last & 0x3f) : last;

	return (size_t)snprintf(to, 17, "\\u%04x", code);
}

/*
 * Copy a message and make it harmless: as text, the bytes of control characters
 * and bytes that are no UTF-8 become \xNN; JSON has escapes for the former and
 * U+FFFD for the latter.
 */
static void
escape(char to[MESSAGE_MAX], const char *from, bool json)
{
	struct slice rest = slice_of(from), one;
	size_t len = 0, n;
	char s[17];

	while (rest.len > 0) {
		n = text_utf8(rest);
		one = slice_take(&rest, n > 0 ? n : 1);
		if (n == 0)
			n = json ? (size_t)snprintf(s, sizeof s, "\\ufffd") :
			    escape_bytes(s, one);
		else if (is_control(one))
			n = json ? escape_json(s, one) : escape_bytes(s, one);
		else if (json && (*one.s == '"' || *one.s == '\\'))
			n = (size_t)snprintf(s, sizeof s, "\\%c", *one.s);
		else
			memcpy(s, one.s, n);
		if (len + n + sizeof "..." > MESSAGE_MAX) {
			memcpy(to + len, "...", 3);
			len += 3;
			break;
		}
		memcpy(to + len, s, n);
		len += n;
	}
	to[len] = '\0';
}

static void line(enum log_level level, const char *fmt, va_list ap)
    PRINTF(2, 0);

static void
line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const name[] = { "debug", "info", "warn", "error" };
	/* Longer than what is kept, so that escape sees that it was cut. */
	char raw[MESSAGE_MAX + 1] = "", safe[MESSAGE_MAX];
	char s[MESSAGE_MAX + LINE_EXTRA], when[CLOCK_TEXT_MAX];
	int saved = errno, n;
	ssize_t w;

	if ((int)level < out.level)
		return;
	vsnprintf(raw, sizeof raw, fmt, ap);
	clock_format(clock_now_ms(), when);
	pthread_mutex_lock(&out.lock);
	escape(safe, raw, out.json);
	n = snprintf(s, sizeof s, out.json ?
	    "{\"time\":\"%s\",\"program\":\"%s\",\"pid\":%ld,"
	    "\"level\":\"%s\",\"message\":\"%s\"}\n" : "%s %s[%ld] %s: %s\n",
	    when, out.program, (long)getpid(), name[level], safe);
	do {
		w = write(out.fd, s, (size_t)n);
	} while (w == -1 && errno == EINTR);
	pthread_mutex_unlock(&out.lock);
	errno = saved;
}

#define LEVEL(function, level)						\
void									\
function(const char *fmt, ...)						\
{									\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	line(level, fmt, ap);						\
	va_end(ap);							\
}

LEVEL(log_debug, LOG_DEBUG)
LEVEL(log_info, LOG_INFO)
LEVEL(log_warn, LOG_WARN)
LEVEL(log_error, LOG_ERROR)

void
log_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(LOG_ERROR, fmt, ap);
	va_end(ap);
	_exit(70);
}
