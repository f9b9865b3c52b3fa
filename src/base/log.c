#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"

#define LINE_MAX_LEN 2048	/* longer lines end in "..." */

static struct {
	pthread_mutex_t	 lock;
	char		 program[32];
	enum log_level	 level;
	bool		 json;
	int		 fd;
} out = { PTHREAD_MUTEX_INITIALIZER, "skycap", LOG_INFO, false, 2 };

enum rc
log_init(const char *program, const char *to, bool json)
{
	int fd = 2, old;

	if (to != NULL) {
		fd = open(to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
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
	out.level = level;
}

/* Control characters, and in JSON also quotes and backslashes, as \xNN. */
static void
escape(char *to, size_t size, const char *from, bool json)
{
	size_t n = 0;

	for (; *from != '\0' && n + 8 < size; from++) {
		unsigned char c = (unsigned char)*from;

		if (json && (c == '"' || c == '\\')) {
			to[n++] = '\\';
			to[n++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			n += (size_t)snprintf(to + n, size - n,
			    json ? "\\u%04x" : "\\x%02x", c);
		} else
			to[n++] = (char)c;
	}
	if (*from != '\0')
		for (int i = 0; i < 3; i++)
			to[n++] = '.';
	to[n] = '\0';
}

static void
line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const name[] = { "debug", "info", "warn", "error" };
	char raw[LINE_MAX_LEN], safe[LINE_MAX_LEN], s[LINE_MAX_LEN + 160];
	char when[32];
	struct timespec ts;
	struct tm tm;
	int saved = errno, n;
	ssize_t w;

	if (level < out.level)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
	vsnprintf(raw, sizeof raw, fmt, ap);
	pthread_mutex_lock(&out.lock);
	escape(safe, sizeof safe, raw, out.json);
	n = snprintf(s, sizeof s, out.json ?
	    "{\"time\":\"%s.%03ldZ\",\"program\":\"%s\",\"pid\":%ld,"
	    "\"level\":\"%s\",\"message\":\"%s\"}\n" :
	    "%s.%03ldZ %s[%ld] %s: %s\n", when, ts.tv_nsec / 1000000,
	    out.program, (long)getpid(), name[level], safe);
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
