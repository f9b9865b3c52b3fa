#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/print.h"
#include "work/portable.h"

#define SCOPES_MAX 64
#define FRESH_MAX 20		/* told one by one */
#define SHOWN_MIN 500		/* subscriptions whose import takes a while */
#define SHOWN_STEP 50

static int
add(struct cli *c, int argc, char **argv)
{
	const char *scope[SCOPES_MAX], *mail = NULL;
	size_t nscope = 0;
	bool all = false;
	const struct cli_option opt[] = {
		{ .name = "scope", .list = scope, .max = SCOPES_MAX,
		    .n = &nscope },
		{ .name = "all", .flag = &all },
		{ .name = "mail", .value = &mail },
	};
	struct buf why = BUF_INIT(4096);
	struct config cf;
	char id[ID_MAX];
	uint32_t number;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one name is needed");
	if (all == (nscope > 0))
		return cli_usage(c, "either --all, or a --scope or more is "
		    "needed");
	status = cli_open(c);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (client_add(&cf, argv[1], mail, all, scope, nscope, &number,
	    &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else {
		store_record_id(c->service.store, STORE_CLIENT, number, id);
		printf(c->json ? "{\"id\":\"%s\"}\n" : "%s\n", id);
	}
	buf_free(&why);
	return status;
}

static void
scope_text(const struct client *cl, struct buf *out)
{
	buf_clear(out);
	if (cl->all)
		buf_puts(out, "all");
	for (size_t i = 0; i < cl->nscope; i++) {
		buf_puts(out, i > 0 ? ", " : "");
		buf_slice(out, cl->scope[i].name);
		buf_putc(out, '=');
		buf_slice(out, cl->scope[i].value);
	}
}

static void
print_rows(const struct cli *c, const struct roster *r)
{
	static const struct table_column column[] = {
		{ .name = "CLIENT" }, { .name = "NAME", .least = 12 },
		{ .name = "SCOPE", .least = 12 },
		{ .name = "MAIL", .least = 12, .drop = 1 },
	};
	struct table t = TABLE_INIT(column);
	struct buf out = BUF_INIT(1024 * 1024);
	const struct client *cl;
	char id[ID_MAX];

	for (size_t i = 0; (cl = roster_client_at(r, i)) != NULL; i++) {
		store_record_id(c->service.store, STORE_CLIENT, cl->number,
		    id);
		table_cell(&t, id);
		table_cell(&t, cl->name);
		scope_text(cl, &out);
		table_cell(&t, buf_str(&out));
		table_cell(&t, cl->mail[0] == '\0' ? "-" : cl->mail);
	}
	if (t.ncell == 0)
		puts("No clients yet. Make one: skycap client add NAME --all");
	table_print(&t);
	table_free(&t);
	buf_free(&out);
}

static void
print_lines(const struct cli *c, const struct roster *r)
{
	struct buf out = BUF_INIT(1024 * 1024);
	const struct client *cl;

	for (size_t i = 0; (cl = roster_client_at(r, i)) != NULL; i++) {
		buf_clear(&out);
		client_print(c->service.store, cl, &out);
		buf_putc(&out, '\n');
		print_json(&out);
	}
	buf_free(&out);
}

static int
list(struct cli *c, int argc, char **argv)
{
	return cli_list(c, argc, argv, print_rows, print_lines);
}

static int
show(struct cli *c, int argc, char **argv)
{
	struct buf out = BUF_INIT(1024 * 1024);
	const struct client *cl;
	const struct roster *r;
	uint32_t number;
	int status;

	status = cli_one(c, argc, argv, NULL, 0, STORE_CLIENT, &number);
	if (status == CLI_OK)
		status = cli_roster(c, &r);
	if (status != CLI_OK)
		return status;
	store_idle(c->service.store);
	cl = roster_client(r, number);
	if (cl == NULL)
		status = cli_fail("there is no client %s", argv[1]);
	else {
		client_print(c->service.store, cl, &out);
		print_object(&out, c->json);
	}
	buf_free(&out);
	roster_release(r);
	return status;
}

static int
rm(struct cli *c, int argc, char **argv)
{
	bool cascade = false;
	const struct cli_option opt[] = {
		{ .name = "cascade", .flag = &cascade },
	};
	struct buf why = BUF_INIT(1024);
	struct config cf;
	uint32_t number;
	int status;
	enum rc rc;

	status = cli_one(c, argc, argv, opt, NELEM(opt), STORE_CLIENT,
	    &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	rc = client_remove(&cf, number, cascade, &why);
	if (rc == RC_OK)
		service_nudge_all(&c->service);
	else
		status = cli_fail("%s%s", buf_str(&why), rc == RC_EXISTS ?
		    "; --cascade removes these, too" : "");
	buf_free(&why);
	return status;
}

/* All of a client as one file, for `import`. */
static int
export(struct cli *c, int argc, char **argv)
{
	return cli_export(c, argc, argv, STORE_CLIENT, portable_export,
	    PORTABLE_MAX);
}

/* What whoever imports has to know, or to tell others. */
static void
note_import(const struct cli *c, const struct portable_made *m)
{
	char id[ID_MAX];
	size_t nfresh = 0;

	if (m->namesake != 0) {
		store_record_id(c->service.store, STORE_CLIENT, m->namesake,
		    id);
		fprintf(stderr, "skycap: %s has the same name; both clients "
		    "get what they subscribe to\n", id);
	}
	for (size_t i = 0; i < m->n; i++) {
		if (!m->fresh[i])
			continue;
		if (nfresh++ == 0)
			fputs("skycap: fresh signing secrets were made, which "
			    "the receivers must be given:\n", stderr);
		store_record_id(c->service.store, STORE_SUBSCRIPTION,
		    m->subscription[i], id);
		if (nfresh <= FRESH_MAX)
			fprintf(stderr, "        skycap secret show %s\n", id);
	}
	if (nfresh > FRESH_MAX)
		fprintf(stderr, "        and %zu more: skycap subscription "
		    "list\n", nfresh - FRESH_MAX);
}

static void
print_import(const struct cli *c, const struct portable_made *m)
{
	char id[ID_MAX];

	store_record_id(c->service.store, STORE_CLIENT, m->client, id);
	if (!c->json) {
		puts(id);
		return;
	}
	printf("{\"id\":\"%s\",\"subscriptions\":[", id);
	for (size_t i = 0; i < m->n; i++) {
		store_record_id(c->service.store, STORE_SUBSCRIPTION,
		    m->subscription[i], id);
		printf("%s\"%s\"", i > 0 ? "," : "", id);
	}
	puts("]}");
}

/* An import under way: signals wait, and its progress may be on a terminal. */
struct watch {
	sigset_t	 stop;		/* those that end it */
	bool		 shown;
};

static bool
going(void *arg, size_t done, size_t n)
{
	struct watch *w = arg;
	sigset_t pending;

	if (n >= SHOWN_MIN && done % SHOWN_STEP == 0 &&
	    isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r%zu of %zu subscriptions", done, n);
		w->shown = true;
	}
	sigemptyset(&pending);
	sigpending(&pending);
	sigandset(&pending, &pending, &w->stop);
	return sigisemptyset(&pending);
}

static int
import(struct cli *c, int argc, char **argv)
{
	struct buf json = BUF_INIT(PORTABLE_MAX), why = BUF_INIT(1024 * 1024);
	struct portable_made made = PORTABLE_MADE_INIT;
	struct config cf;
	struct watch w = { .shown = false };
	int status, left;
	enum rc rc;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one file, or -, is needed");
	(void)buf_room(&json, json.max);	/* at once: leaves no copies */
	status = cli_read(argv[1], &json);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status != CLI_OK)
		goto done;
	cf = service_config(&c->service);
	/* An interrupt is to leave nothing, not half a client. */
	sigemptyset(&w.stop);
	sigaddset(&w.stop, SIGINT);
	sigaddset(&w.stop, SIGTERM);
	sigaddset(&w.stop, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &w.stop, NULL);
	rc = portable_import(&cf, buf_as_slice(&json), going, &w, &made, &why);
	if (w.shown)
		fputs("\r\033[K", stderr);
	store_idle(c->service.store);
	if (rc == RC_INVALID && made.client == 0)
		status = cli_fail("nothing was imported from %s:\n%s",
		    argv[1], buf_str(&why));
	else if (rc != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else {
		note_import(c, &made);
		print_import(c, &made);
		fflush(stdout);
	}
	pthread_sigmask(SIG_UNBLOCK, &w.stop, NULL);
done:
	portable_made_clear(&made);
	buf_wipe(&json);
	buf_free(&why);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	static const struct cli_verb verb[] = {
		{ "add", add }, { "list", list }, { "show", show },
		{ "remove", rm }, { "export", export }, { "import", import },
	};

	return cli_verbs(c, argc, argv, verb, NELEM(verb));
}

const struct command cmd_client = {
	.name = "client",
	.usage = "add NAME (--scope FIELD=VALUE... | --all) [--mail M]\n"
	    "list\nshow ID\nremove ID [--cascade]\n"
	    "export ID [--with-secrets]\nimport FILE|-",
	.summary = "accounts that may see some of the orders",
	.help = "A client sees the orders in its scope: those in which any of "
	    "its FIELD=VALUE\nrules holds (--scope agency=Wander --scope "
	    "consumerIataCode=12345678), or all.\n`add` prints the new "
	    "client's id.  `remove` with --cascade removes its\n"
	    "subscriptions and keys, too; what was on its way to them is "
	    "given up.\n\n"
	    "`export` prints all of a client as one JSON file: who it is, its "
	    "subscriptions\nand their states; `import` makes the client of "
	    "such a file anew, here or in\nanother store, and prints its id.  "
	    "Only a file made with --with-secrets has the\nheader values and "
	    "signing secrets in it: guard it like a password.  Keys are not\n"
	    "exported, for only their hashes are kept: make new ones.",
	.run = run,
};
