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

static int
write_conf(const struct init *in, const char *url, const char *data)
{
	struct buf b = BUF_INIT(8192);
	int fd, status = CLI_OK;

	buf_puts(&b, "# Skycap.  `skycap config` shows every name with the "
	    "value that holds.\n\n[site]\n");
	if (url != NULL)
		buf_printf(&b, "url = %s\n", url);
	else
		buf_puts(&b, "# url = https://hooks.example.org\n");
	if (data != NULL)
		buf_printf(&b, "data = %s\n", data);
	buf_puts(&b, "\n[store]\ndir = store\nkey = key\n");
	fd = open(in->conf, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		status = cli_fail("%s: %s", in->conf, errno == EEXIST ?
		    "it exists; nothing was changed" : strerror(errno));
	else if (write(fd, b.s, b.len) != (ssize_t)b.len || fsync(fd) == -1)
		status = cli_fail("%s: %s", in->conf, strerror(errno));
	if (fd != -1)
		close(fd);
	buf_free(&b);
	return status;
}

static int
make_store(const struct conf *conf)
{
	struct buf why = BUF_INIT(1024);
	struct crypt crypt = { .fingerprint = "" };
	struct store_options o = { .dir = conf->store_dir, .crypt = &crypt,
		.cache_bytes = conf->store_cache,
		.low_space = conf->store_low_space };
	enum rc rc;

	rc = crypt_create(conf->store_key, &why);
	if (rc == RC_OK)
		rc = crypt_load(&crypt, conf->store_key, &why);
	if (rc == RC_OK)
		rc = store_create(&o, &why);
	if (rc != RC_OK)
		cli_fail("%s", buf_str(&why));
	crypt_clear(&crypt);
	buf_free(&why);
	return rc == RC_OK ? CLI_OK : CLI_FAILED;
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
		    "The last three are shown this once.\n", in->conf,
		    in->password, buf_str(&in->publish_key),
		    buf_str(&in->sweep_token));
		return;
	}
	buf_putc(&out, '{');
	record_put_string(&out, "conf", slice_of(in->conf));
	record_put_string(&out, "operator", SLICE("operator"));
	record_put_string(&out, "password", slice_of(in->password));
	record_put_string(&out, "publish_key", buf_as_slice(&in->publish_key));
	record_put_string(&out, "sweep_token", buf_as_slice(&in->sweep_token));
	buf_putc(&out, '}');
	puts(buf_str(&out));
	buf_free(&out);
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
	struct conf *conf = calloc(1, sizeof *conf);
	int status, left;

	if (conf == NULL)
		return cli_fail("out of memory");
	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		goto done;
	if (left > 0 || dir == NULL) {
		status = cli_usage(c, "--dir and nothing else is needed");
		goto done;
	}
	status = make_dir(dir, &in);
	if (status == CLI_OK)
		status = write_conf(&in, url, data);
	c->conf_flag = in.conf;
	if (status == CLI_OK)
		status = cli_conf(c, conf);
	if (status == CLI_OK)
		status = make_store(conf);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = make_access(c, &in);
	if (status == CLI_OK)
		print(c, &in);
done:
	buf_free(&in.publish_key);
	buf_free(&in.sweep_token);
	free(conf);
	return status;
}

const struct command cmd_init = {
	.name = "init",
	.usage = "--dir DIR [--url URL] [--data DIR] [--json]",
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
