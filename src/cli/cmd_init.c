#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "work/record_json.h"
#include "work/user.h"

struct init {
	char	dir[CONF_PATH_MAX - 32];	/* absolute */
	char	conf[CONF_PATH_MAX];
	char	password[64];
	bool	made_conf, made_key;		/* to be taken back */
	struct buf publish_key, sweep_token;
};

/* Make dir if it is missing, and its absolute name. */
static int
make_dir(const char *dir, struct init *in)
{
	char *real;
	int status = CLI_OK;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return cli_fail("%s: %s", dir, strerror(errno));
	real = realpath(dir, NULL);
	if (real == NULL)
		return cli_fail("%s: %s", dir, strerror(errno));
	if (strlen(real) >= sizeof in->dir)
		status = cli_fail("%s: the path is too long", real);
	else {
		snprintf(in->dir, sizeof in->dir, "%s", real);
		snprintf(in->conf, sizeof in->conf, "%s/skycap.conf", real);
	}
	free(real);
	return status;
}

/*
 * The configuration's text.  data is made absolute, since in the file it would
 * be taken from the file's own directory.
 */
static int
conf_text(const char *url, const char *data, struct buf *b)
{
	char *real = NULL;

	buf_puts(b, "# Skycap.  `skycap config` shows every name with the "
	    "value that holds.\n\n[site]\n");
	if (url == NULL)
		buf_puts(b, "# url = https://hooks.example.org\n");
	else if (strpbrk(url, "\r\n") != NULL)
		return cli_fail("the URL must be one line");
	else
		buf_printf(b, "url = %s\n", url);
	if (data != NULL) {
		real = realpath(data, NULL);
		if (real == NULL)
			return cli_fail("%s: %s", data, strerror(errno));
		buf_printf(b, "data = %s\n", real);
		free(real);
	}
	buf_puts(b, "\n[store]\ndir = store\nkey = key\n");
	return CLI_OK;
}

static int
write_conf(struct init *in, const char *url, const char *data)
{
	struct buf b = BUF_INIT(8192);
	int fd = -1, status;

	status = conf_text(url, data, &b);
	if (status == CLI_OK && b.over)
		status = cli_fail("the URL or a path is too long");
	if (status != CLI_OK)
		goto done;
	fd = open(in->conf, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		status = cli_fail("%s: %s", in->conf, errno == EEXIST ?
		    "it exists; nothing was changed" : strerror(errno));
		goto done;
	}
	in->made_conf = true;
	if (write(fd, b.s, b.len) != (ssize_t)b.len || fsync(fd) == -1)
		status = cli_fail("%s: %s", in->conf, strerror(errno));
done:
	if (fd != -1)
		close(fd);
	buf_free(&b);
	return status;
}

/* Without a catalogue nothing can be opened: see now that there is one. */
static int
check_catalog(const struct conf *conf)
{
	struct buf why = BUF_INIT(1024);
	struct catalog *cat = NULL;
	int status = CLI_OK;
	enum rc rc;

	rc = catalog_open(&cat, conf->site_data, conf->path, &why);
	if (rc != RC_OK)
		status = cli_fail("%s%s", buf_str(&why), rc == RC_INVALID ?
		    "" : "; name the directory with --data");
	catalog_free(cat);
	buf_free(&why);
	return status;
}

static int
make_store(const struct conf *conf, struct init *in)
{
	struct buf why = BUF_INIT(1024);
	struct crypt crypt = { .fingerprint = "" };
	struct store_options o = { .dir = conf->store_dir, .crypt = &crypt,
		.cache_bytes = conf->store_cache,
		.low_space = conf->store_low_space };
	enum rc rc;

	rc = crypt_create(conf->store_key, &why);
	in->made_key = rc == RC_OK;
	if (rc == RC_OK)
		rc = crypt_load(&crypt, conf->store_key, &why);
	if (rc == RC_OK)
		rc = store_create(&o, &why);
	if (rc == RC_OK)
		in->made_conf = in->made_key = false;	/* they stay */
	else
		cli_fail("%s", buf_str(&why));
	crypt_clear(&crypt);
	buf_free(&why);
	return rc == RC_OK ? CLI_OK : CLI_FAILED;
}

/* Take back what would make the next try fail. */
static void
clean_up(const struct init *in, const struct conf *conf)
{
	if (in->made_key)
		unlink(conf->store_key);
	if (in->made_conf)
		unlink(in->conf);
}

static int
make_access(struct cli *c, struct init *in)
{
	struct config cf = service_config(&c->service);
	struct buf why = BUF_INIT(1024);
	uint32_t number;
	enum rc rc;

	rc = user_add(&cf, "operator", in->password, sizeof in->password,
	    &why);
	if (rc == RC_OK)
		rc = apikey_add(&cf, KEY_PUBLISH, 0, "first", &number,
		    &in->publish_key, &why);
	if (rc == RC_OK)
		rc = apikey_add(&cf, KEY_SWEEP, 0, "cron", &number,
		    &in->sweep_token, &why);
	if (rc != RC_OK)
		cli_fail("%s", buf_str(&why));
	buf_free(&why);
	return rc == RC_OK ? CLI_OK : CLI_FAILED;
}

static void
print(const struct cli *c, const struct init *in)
{
	struct buf out = BUF_INIT(16384);

	if (!c->json) {
		printf("configuration  %s\n"
		    "operator       operator, password %s\n"
		    "publish key    %s\n"
		    "sweep token    %s\n\n"
		    "The last three are shown this once.  Next:\n\n"
		    "  export SKYCAP_CONF=%s\n"
		    "  skycap client add NAME --all\n", in->conf,
		    in->password, buf_str(&in->publish_key),
		    buf_str(&in->sweep_token), in->conf);
		return;
	}
	(void)buf_room(&out, 8192);		/* at once: leaves no copies */
	buf_putc(&out, '{');
	record_put_string(&out, "conf", slice_of(in->conf));
	record_put_string(&out, "operator", SLICE("operator"));
	record_put_string(&out, "password", slice_of(in->password));
	record_put_string(&out, "publish_key", buf_as_slice(&in->publish_key));
	record_put_string(&out, "sweep_token", buf_as_slice(&in->sweep_token));
	buf_putc(&out, '}');
	puts(buf_str(&out));
	buf_wipe(&out);
}

static int
make_all(struct cli *c, struct init *in, const char *dir, const char *url,
    const char *data)
{
	struct conf *conf = calloc(1, sizeof *conf);
	int status;

	if (conf == NULL)
		return cli_fail("out of memory");
	status = make_dir(dir, in);
	if (status == CLI_OK)
		status = write_conf(in, url, data);
	c->conf_flag = in->conf;
	if (status == CLI_OK)
		status = cli_conf(c, conf);
	if (status == CLI_OK)
		status = check_catalog(conf);
	if (status == CLI_OK)
		status = make_store(conf, in);
	clean_up(in, conf);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = make_access(c, in);
	free(conf);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	const char *dir = NULL, *url = NULL, *data = NULL;
	const struct cli_option opt[] = {
		{ .name = "dir", .value = &dir },
		{ .name = "url", .value = &url },
		{ .name = "data", .value = &data },
	};
	struct init in = { .publish_key = BUF_INIT(128),
		.sweep_token = BUF_INIT(128) };
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left > 0 || dir == NULL)
		return cli_usage(c, "--dir and nothing else is needed");
	status = make_all(c, &in, dir, url, data);
	if (status == CLI_OK)
		print(c, &in);
	buf_wipe(&in.publish_key);
	buf_wipe(&in.sweep_token);
	explicit_bzero(in.password, sizeof in.password);
	return status;
}

const struct command cmd_init = {
	.name = "init",
	.usage = "--dir DIR [--url URL] [--data DIR]",
	.summary = "make a configuration, key file and store",
	.help = "Makes DIR/skycap.conf, DIR/key and DIR/store, and prints the "
	    "operator's\npassword, a publish key and the sweep token, which "
	    "are shown this once.\nDIR must not be below a web server's root."
	    "\n\n"
	    "  --dir DIR   where to; made if it is missing\n"
	    "  --url URL   where the service will be found, for links\n"
	    "  --data DIR  catalogue and page templates, if not the installed "
	    "ones",
	.run = run,
};
