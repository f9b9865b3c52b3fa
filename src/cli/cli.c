#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/print.h"

static void say(const char *who, const char *fmt, va_list ap) PRINTF(2, 0);

/* Text for people on standard error; further lines are set below the first. */
static void
say(const char *who, const char *fmt, va_list ap)
{
	struct buf text = BUF_INIT(1024 * 1024), out = BUF_INIT(1024 * 1024);
	struct slice rest;

	buf_vprintf(&text, fmt, ap);
	rest = buf_as_slice(&text);
	buf_puts(&out, who);
	do {
		const char *nl = memchr(rest.s, '\n', rest.len);
		size_t len = nl == NULL ? rest.len : (size_t)(nl - rest.s);

		print_clean((struct slice){ rest.s, len }, &out);
		buf_putc(&out, '\n');
		len += nl != NULL;
		rest.s += len;
		rest.len -= len;
		if (rest.len > 0)
			buf_printf(&out, "%*s", (int)strlen(who), "");
	} while (rest.len > 0);
	fputs(buf_str(&out), stderr);
	buf_free(&text);
	buf_free(&out);
}

int
cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("skycap: ", fmt, ap);
	va_end(ap);
	return CLI_FAILED;
}

int
cli_usage(const struct cli *c, const char *fmt, ...)
{
	struct buf who = BUF_INIT(256);
	va_list ap;

	buf_printf(&who, "skycap %s: ", c->command->name);
	va_start(ap, fmt);
	say(buf_str(&who), fmt, ap);
	va_end(ap);
	buf_free(&who);
	cli_print_usage(stderr, c->command);
	return CLI_USAGE;
}

int
cli_unreadable(void)
{
	return cli_fail("the store can't be read just now");
}

/* Whoever may not read the configuration is told who may. */
static int
not_this_user(const char *path, const struct buf *why)
{
	char at[PATH_MAX];
	struct passwd *pw;
	struct stat st;
	char *slash;

	snprintf(at, sizeof at, "%s", path);
	while (stat(at, &st) == -1) {
		slash = strrchr(at, '/');
		if (slash == NULL || slash == at)
			break;
		*slash = '\0';
	}
	pw = stat(at, &st) == 0 ? getpwuid(st.st_uid) : NULL;
	if (pw == NULL)
		cli_fail("%s", buf_str(why));
	else
		cli_fail("%s; it belongs to %s: be that user, or root",
		    buf_str(why), pw->pw_name);
	return CLI_USAGE;
}

int
cli_conf(struct cli *c, struct conf *conf)
{
	struct buf path = BUF_INIT(CONF_PATH_MAX), why = BUF_INIT(1024);
	int status = CLI_OK;
	enum rc rc;

	conf_find(c->conf_flag, NULL, &path);
	rc = conf_load(conf, buf_str(&path), &why);
	if (rc == RC_DENIED)
		status = not_this_user(buf_str(&path), &why);
	else if (rc != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	if (rc == RC_DENIED)
		status = CLI_USAGE;
	if (rc == RC_NOTFOUND)
		fputs("Make one with: skycap init --dir DIR\n"
		    "or name yours with --conf FILE or SKYCAP_CONF.\n",
		    stderr);
	buf_free(&path);
	buf_free(&why);
	return status;
}

int
cli_open(struct cli *c)
{
	struct buf why = BUF_INIT(1024);
	struct conf *conf = malloc(sizeof *conf);
	int status;
	enum rc rc;

	if (conf == NULL)
		return cli_fail("out of memory");
	status = cli_conf(c, conf);
	if (status != CLI_OK)
		goto done;
	rc = store_become_owner(conf->store_dir, &why);
	if (rc != RC_OK) {
		cli_fail("%s", buf_str(&why));
		status = rc == RC_DENIED ? CLI_USAGE : CLI_FAILED;
		goto done;
	}
	rc = service_open(&c->service, conf, c->standing, &why);
	if (rc != RC_OK)
		status = cli_fail("%s", buf_str(&why));
done:
	free(conf);
	buf_free(&why);
	return status;
}

int
cli_begin(struct cli *c, int argc, char **argv, int n, const char *need)
{
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status == CLI_OK ? CLI_HELPED : status;
	if (left != n)
		return cli_usage(c, "%s", need);
	return cli_open(c);
}

int
cli_roster(const struct cli *c, const struct roster **r)
{
	if (rosters_get(c->service.rosters, 0, true, r) != RC_OK)
		return cli_unreadable();
	return CLI_OK;
}

void
cli_close(struct cli *c)
{
	service_close(&c->service);
}

int
cli_read(const char *path, struct buf *b)
{
	int fd = STDIN_FILENO, status = CLI_OK;
	ssize_t got = 1;
	char chunk[65536];

	if (strcmp(path, "-") != 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			return cli_fail("%s: %s", path, strerror(errno));
	}
	while (got > 0 && !b->over) {
		got = read(fd, chunk, sizeof chunk);
		if (got > 0)
			buf_put(b, chunk, (size_t)got);
		else if (got == -1 && errno == EINTR)
			got = 1;
	}
	if (got == -1)
		status = cli_fail("%s: %s", path, strerror(errno));
	else if (b->over)
		status = cli_fail("%s: more than %zu bytes", path, b->max);
	if (fd != STDIN_FILENO)
		close(fd);
	explicit_bzero(chunk, sizeof chunk);	/* it may have been a secret */
	return status;
}

bool
cli_number(const char *s, int64_t lo, int64_t hi, int64_t *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*v = strtoll(s, &end, 10);
	return errno == 0 && *end == '\0' && *v >= lo && *v <= hi;
}

bool
cli_duration(const char *s, int64_t max_ms, int64_t *ms)
{
	static const char letter[] = "smhd";
	static const int64_t unit_ms[] = { 1000, 60 * 1000, 3600 * 1000,
	    24 * 3600 * 1000 };
	const char *at;
	int64_t n;
	char *end;

	*ms = 0;
	if (strcmp(s, "0") == 0)
		return true;
	do {
		if (*s < '0' || *s > '9')
			return false;
		errno = 0;
		n = strtoll(s, &end, 10);
		at = *end == '\0' ? NULL : strchr(letter, *end);
		if (errno != 0 || at == NULL ||
		    n > (max_ms - *ms) / unit_ms[at - letter])
			return false;
		*ms += n * unit_ms[at - letter];
		s = end + 1;
	} while (*s != '\0');
	return true;
}

int
cli_record(const struct cli *c, enum store_kind kind, const char *id,
    uint32_t *number)
{
	if (store_record_parse(c->service.store, kind, slice_of(id),
	    number) == RC_OK)
		return CLI_OK;
	return cli_fail("%s is not the id of a %s here", id,
	    kind == STORE_CLIENT ? "client" :
	    kind == STORE_SUBSCRIPTION ? "subscription" : "key");
}

int
cli_event_type(const struct cli *c, const char *name,
    const struct catalog_event **type)
{
	const char *near;

	*type = catalog_event_find(c->service.catalog, slice_of(name));
	if (*type != NULL)
		return CLI_OK;
	near = catalog_event_nearest(c->service.catalog, slice_of(name));
	if (near == NULL)
		return cli_usage(c, "%s is no event type", name);
	return cli_usage(c, "%s is no event type; did you mean %s?", name,
	    near);
}
