#include <stdio.h>
#include "cli/cli.h"

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
	status = cli_open(c);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (client_add(&cf, argv[1], mail, all, scope, nscope, &number,
	    &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else {
		store_record_id(c->service.store, STORE_CLIENT, number, id);
		puts(id);
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
	for (size_t i = 0; i < cl->nscope; i++)
		buf_printf(out, "%s%s=%.*s", i > 0 ? ", " : "",
		    cl->scope[i].field->name, (int)cl->scope[i].value.len,
		    cl->scope[i].value.s);
}

static void
print_clients(const struct cli *c, const struct roster *r, uint32_t only)
{
	struct table t = TABLE_INIT(4);
	struct buf out = BUF_INIT(1024 * 1024);
	const struct client *cl;
	char id[ID_MAX];

	table_cell(&t, "CLIENT");
	table_cell(&t, "NAME");
	table_cell(&t, "SCOPE");
	table_cell(&t, "MAIL");
	for (size_t i = 0; (cl = roster_client_at(r, i)) != NULL; i++) {
		if (only != 0 && cl->number != only)
			continue;
		if (c->json) {
			buf_clear(&out);
			client_print(c->service.store, cl, &out);
			puts(buf_str(&out));
			continue;
		}
		store_record_id(c->service.store, STORE_CLIENT, cl->number,
		    id);
		table_cell(&t, id);
		table_cell(&t, cl->name);
		scope_text(cl, &out);
		table_cell(&t, buf_str(&out));
		table_cell(&t, cl->mail[0] == '\0' ? "-" : cl->mail);
	}
	if (!c->json && roster_client_at(r, 0) == NULL)
		puts("No clients yet. Make one: skycap client add NAME --all");
	table_print(&t);
	table_free(&t);
	buf_free(&out);
}

/* list, and show ID. */
static int
list(struct cli *c, int argc, char **argv, bool one)
{
	const struct roster *r;
	uint32_t number = 0;
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != (one ? 1 : 0))
		return cli_usage(c, one ? "one id is needed" :
		    "list takes no arguments");
	status = cli_open(c);
	if (status == CLI_OK && one)
		status = cli_record(c, STORE_CLIENT, "client", argv[1],
		    &number);
	if (status != CLI_OK)
		return status;
	if (rosters_get(c->service.rosters, 0, true, &r) != RC_OK)
		return cli_fail("the store can't be read");
	store_idle(c->service.store);
	if (one && roster_client(r, number) == NULL)
		status = cli_fail("there is no client %s", argv[1]);
	else
		print_clients(c, r, number);
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

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one id is needed");
	status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_CLIENT, "client", argv[1],
		    &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (client_remove(&cf, number, cascade, &why) != RC_OK)
		status = cli_fail("%s%s", buf_str(&why),
		    cascade ? "" : " (--cascade removes them too)");
	buf_free(&why);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "add") == 0)
		return add(c, argc - 1, argv + 1);
	if (strcmp(verb, "list") == 0)
		return list(c, argc - 1, argv + 1, false);
	if (strcmp(verb, "show") == 0)
		return list(c, argc - 1, argv + 1, true);
	if (strcmp(verb, "remove") == 0)
		return rm(c, argc - 1, argv + 1);
	return cli_verb(c, argc, argv);
}

const struct command cmd_client = {
	.name = "client",
	.usage = "add NAME (--scope FIELD=VALUE... | --all) [--mail M]\n"
	    "list\nshow ID\nremove ID [--cascade]",
	.summary = "accounts that may see some of the orders",
	.help = "A client sees the orders in its scope: those in which any of "
	    "its FIELD=VALUE\nrules holds (agency=Wander, "
	    "consumerIataCode=12345678), or all.  `add` prints\nthe new "
	    "client's id.",
	.run = run,
};
