#include <stdio.h>
#include "cli/cli.h"
#include "cli/print.h"

#define SCOPES_MAX 64

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
		buf_printf(out, "%s%s=", i > 0 ? ", " : "",
		    cl->scope[i].field->name);
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
		puts(buf_str(&out));
	}
	buf_free(&out);
}

static int
list(struct cli *c, int argc, char **argv)
{
	const struct roster *r;
	int status;

	status = cli_begin(c, argc, argv, 0, "list takes no arguments");
	if (status == CLI_OK)
		status = cli_roster(c, &r);
	if (status != CLI_OK)
		return status;
	store_idle(c->service.store);
	if (c->json)
		print_lines(c, r);
	else
		print_rows(c, r);
	roster_release(r);
	return status;
}

static int
show(struct cli *c, int argc, char **argv)
{
	struct buf out = BUF_INIT(1024 * 1024);
	const struct client *cl;
	const struct roster *r;
	uint32_t number;
	int status;

	status = cli_begin(c, argc, argv, 1, "one id is needed");
	if (status == CLI_OK)
		status = cli_record(c, STORE_CLIENT, argv[1], &number);
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
	int status, left;
	enum rc rc;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one id is needed");
	status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_CLIENT, argv[1], &number);
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

static int
run(struct cli *c, int argc, char **argv)
{
	static const struct cli_verb verb[] = {
		{ "add", add }, { "list", list }, { "show", show },
		{ "remove", rm },
	};

	return cli_verbs(c, argc, argv, verb, NELEM(verb));
}

const struct command cmd_client = {
	.name = "client",
	.usage = "add NAME (--scope FIELD=VALUE... | --all) [--mail M]\n"
	    "list\nshow ID\nremove ID [--cascade]",
	.summary = "accounts that may see some of the orders",
	.help = "A client sees the orders in its scope: those in which any of "
	    "its FIELD=VALUE\nrules holds (--scope agency=Wander --scope "
	    "consumerIataCode=12345678), or all.\n`add` prints the new "
	    "client's id.  `remove` with --cascade removes its\n"
	    "subscriptions and keys, too; what was on its way to them is "
	    "given up.",
	.run = run,
};
