#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ini.h>
#include "base/conf_names.h"
#include "base/log.h"
#include "base/text.h"

#define LINE_SIZE	4096	/* bytes of a line in the file with its NUL */

/* A file being read. */
struct reading {
	FILE		*f;
	struct conf	*c;
	struct buf	 dir;		/* the file's, absolute; "" is / */
	int		 line;		/* of the file, from 1 */
	int		 bad_line;	/* of the complaint; 0: there is none */
	struct buf	 complaint;
};

static void complain(struct reading *r, const char *fmt, ...) PRINTF(2, 3);

/* The first complaint stands. */
static void
complain(struct reading *r, const char *fmt, ...)
{
	va_list ap;

	if (r->bad_line != 0)
		return;
	r->bad_line = r->line;
	va_start(ap, fmt);
	buf_vprintf(&r->complaint, fmt, ap);
	va_end(ap);
}

static bool
is_section(const char *section)
{
	for (size_t i = 0; i < CONF_NAMES; i++)
		if (strcmp(conf_names[i].section, section) == 0)
			return true;
	return false;
}

/* Check a section's name and complain about it with the nearest one. */
static bool
check_section(struct reading *r, const char *section)
{
	const char *list[CONF_NAMES], *near;

	if (is_section(section))
		return true;
	for (size_t i = 0; i < CONF_NAMES; i++)
		list[i] = conf_names[i].section;
	near = text_nearest(slice_of(section), list, CONF_NAMES);
	if (near != NULL)
		complain(r, "there is no section [%s]; is it [%s]?", section,
		    near);
	else
		complain(r, "there is no section [%s]", section);
	return false;
}

/* Complain about a name its section hasn't. */
static void
unknown(struct reading *r, const char *section, const char *name)
{
	const char *list[CONF_NAMES], *near;
	size_t n = 0;

	for (size_t i = 0; i < CONF_NAMES; i++) {
		if (strcmp(conf_names[i].section, section) == 0)
			list[n++] = conf_names[i].name;
		else if (strcmp(conf_names[i].name, name) == 0) {
			complain(r, "[%s] has no \"%s\"; [%s] has", section,
			    name, conf_names[i].section);
			return;
		}
	}
	near = text_nearest(slice_of(name), list, n);
	if (near != NULL)
		complain(r, "[%s] has no \"%s\"; is it \"%s\"?", section, name,
		    near);
	else
		complain(r, "[%s] has no \"%s\"", section, name);
}

/* inih's handler: 0 after a complaint. */
static int
take_value(void *user, const char *section, const char *name,
    const char *value)
{
	struct reading *r = user;
	const struct conf_name *n = NULL;
	struct buf right = BUF_INIT(256);
	enum rc rc;

	if (*section == '\0') {
		complain(r, "\"%s\" stands before the first [section]", name);
		return 0;
	}
	if (!check_section(r, section))
		return 0;
	for (size_t i = 0; i < CONF_NAMES && n == NULL; i++)
		if (strcmp(conf_names[i].section, section) == 0 &&
		    strcmp(conf_names[i].name, name) == 0)
			n = &conf_names[i];
	if (n == NULL) {
		unknown(r, section, name);
		return 0;
	}
	rc = conf_set(r->c, buf_str(&r->dir), n, value);
	if (rc == RC_TOOBIG)
		complain(r, "%s is too long: %zu bytes at most", name,
		    n->size - 1);
	else if (rc != RC_OK) {
		conf_expected(n, &right);
		complain(r, "%s = %.200s is not %s", name, value,
		    buf_str(&right));
	}
	buf_free(&right);
	return rc == RC_OK ? 1 : 0;
}

/* UTF-8 without control characters, tabs aside. */
static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.s[i] < ' ' && s.s[i] != '\t') ||
		    s.s[i] == 0x7f)
			return false;
	return text_is_utf8(s);
}

/* Check a line before inih sees it; it is NUL-terminated. */
static bool
check_line(struct reading *r, struct slice line)
{
	const char *s, *end;
	char section[64];

	if (!is_plain(line)) {
		complain(r, "this line is not UTF-8, or has control "
		    "characters");
		return false;
	}
	/* inih tells us of a section only when a name follows. */
	s = line.s + strspn(line.s, " \t");
	end = *s == '[' ? strchr(s, ']') : NULL;
	if (end == NULL)
		return true;
	snprintf(section, sizeof section, "%.*s", (int)(end - s - 1), s + 1);
	return check_section(r, section);
}

/*
 * inih's reader: a line like fgets's.  fgets can't tell a long line from two,
 * nor a NUL from an end.  NULL at the end or after a complaint.
 */
static char *
read_line(char *line, int size, void *stream)
{
	struct reading *r = stream;
	int n = 0, c;

	if (r->bad_line != 0)
		return NULL;
	c = getc(r->f);
	if (c == EOF)
		return NULL;
	r->line++;
	for (; c != EOF && c != '\n'; c = getc(r->f)) {
		if (n + 3 > size) {
			complain(r, "this line is longer than %d bytes",
			    size - 2);
			return NULL;
		}
		line[n++] = (char)c;
	}
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	if (!check_line(r, (struct slice){ line, (size_t)n }))
		return NULL;
	line[n] = '\n';
	line[n + 1] = '\0';
	return line;
}

/* How inih reads is process-wide: set once, by all the same. */
static void
prepare_inih(void)
{
	ini_max_line = LINE_SIZE;
	ini_initial_alloc = LINE_SIZE;
	ini_use_stack = false;
	ini_allow_multiline = false;	/* indenting means nothing */
}

static enum rc
rc_of(int e)
{
	return e == ENOENT || e == ENOTDIR ? RC_NOTFOUND :
	    e == EACCES || e == EPERM ? RC_DENIED : RC_IO;
}

/*
 * What is wrong with a path.  Where we may not go, also whose it is, or the
 * directory that hides it: that is most often all there is to know.
 */
static void
say_error(const char *path, int e, struct buf *why)
{
	char at[PATH_MAX];
	const struct passwd *pw;
	struct stat st;
	char *slash;

	buf_printf(why, "%s: %s", path, strerror(e));
	snprintf(at, sizeof at, "%s", path);
	while (rc_of(e) == RC_DENIED && stat(at, &st) == -1) {
		slash = strrchr(at, '/');
		if (slash == NULL || slash == at)
			return;
		*slash = '\0';
	}
	if (rc_of(e) != RC_DENIED || st.st_uid == geteuid())
		return;
	pw = getpwuid(st.st_uid);
	if (pw != NULL)
		buf_printf(why, ": run this as %s", pw->pw_name);
	else
		buf_printf(why, ": run this as user %ld", (long)st.st_uid);
}

/*
 * The file's directory and path, both absolute.  They must be such as a
 * configuration file can say: conf_print writes paths that begin with them.
 */
static enum rc
locate(struct reading *r, const char *path, struct buf *why)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	struct buf dir = BUF_INIT(PATH_MAX), full = BUF_INIT(CONF_PATH_MAX - 1);
	char real[PATH_MAX];
	enum rc rc = RC_OK;

	if (slash == NULL)
		buf_putc(&dir, '.');
	else
		buf_put(&dir, path, (size_t)(slash - path) + 1);
	if (!dir.over && realpath(buf_str(&dir), real) == NULL) {
		int e = errno;

		say_error(path, e, why);
		rc = rc_of(e);
		goto done;
	}
	if (!dir.over)
		buf_printf(&full, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
		    base);
	if (dir.over || full.over) {
		buf_puts(why, "the configuration's path is too long");
		rc = RC_INVALID;
		goto done;
	}
	if (!is_plain(buf_as_slice(&full)) || strpbrk(full.s, "\t") != NULL ||
	    strstr(full.s, " ;") != NULL) {
		buf_puts(why, "the configuration's path is not UTF-8, or has "
		    "control characters or \" ;\" in it");
		rc = RC_INVALID;
		goto done;
	}
	buf_printf(&r->dir, "%.*s", (int)(strrchr(full.s, '/') - full.s),
	    full.s);
	memcpy(r->c->path, full.s, full.len + 1);
done:
	buf_free(&full);
	buf_free(&dir);
	return rc;
}

static enum rc
open_file(struct reading *r, struct buf *why)
{
	struct stat st;
	int e, fd;

	/* Without O_NONBLOCK a pipe of this name would hang us. */
	fd = open(r->c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1) {
		e = errno;
		if (fd != -1)
			close(fd);
		say_error(r->c->path, e, why);
		return rc_of(e);
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		buf_printf(why, "%s is not a file", r->c->path);
		return RC_INVALID;
	}
	r->f = fdopen(fd, "r");
	if (r->f == NULL)
		log_fatal("out of memory: a file");
	return RC_OK;
}

static enum rc
set_defaults(struct reading *r, struct buf *why)
{
	enum rc rc;

	for (size_t i = 0; i < CONF_NAMES; i++) {
		rc = conf_set(r->c, buf_str(&r->dir), &conf_names[i],
		    conf_names[i].silent);
		if (rc != RC_OK) {
			buf_puts(why, "the configuration's path is too long");
			return RC_INVALID;
		}
	}
	return RC_OK;
}

static enum rc
parse(struct reading *r, struct buf *why)
{
	int bad = ini_parse_stream(read_line, r, take_value, r);

	if (bad == -2)
		log_fatal("out of memory: a line of the configuration");
	if (ferror(r->f)) {
		buf_printf(why, "%s can't be read", r->c->path);
		return RC_IO;
	}
	/* What we object to inih counts too, but it goes on; take the first. */
	if (bad > 0 && (r->bad_line == 0 || bad < r->bad_line)) {
		buf_printf(why, "%s:%d: this is neither a [section] nor "
		    "name = value", r->c->path, bad);
		return RC_INVALID;
	}
	if (r->bad_line != 0) {
		buf_printf(why, "%s:%d: %s", r->c->path, r->bad_line,
		    buf_str(&r->complaint));
		return RC_INVALID;
	}
	return RC_OK;
}

enum rc
conf_load(struct conf *c, const char *path, struct buf *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct conf got;
	struct reading r = { .c = &got, .dir = BUF_INIT(CONF_PATH_MAX),
	    .complaint = BUF_INIT(LINE_SIZE * 2) };
	enum rc rc;

	pthread_once(&once, prepare_inih);
	memset(&got, 0, sizeof got);
	rc = locate(&r, path, why);
	if (rc != RC_OK)
		goto done;
	rc = open_file(&r, why);
	if (rc != RC_OK)
		goto done;
	rc = set_defaults(&r, why);
	if (rc != RC_OK)
		goto done;
	rc = parse(&r, why);
	if (rc == RC_OK)
		*c = got;
done:
	if (r.f != NULL)
		fclose(r.f);
	buf_free(&r.complaint);
	buf_free(&r.dir);
	return rc;
}
