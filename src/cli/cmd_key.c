#include <stdio.h>
#include "cli/cli.h"

static int
add(struct cli *c, int argc, char **argv)
{
	bool publish = false, operator = false, sweep = false;
	const char *client = NULL, *name = "";
	const struct cli_option opt[] = {
		{ .name = "publish", .flag = &publish },
		{ .name = "operator", .flag = &operator },
		{ .name = "sweep", .flag = &sweep },
		{ .name = "client", .value = &client },
		{ .name = "name", .value = &name },
	};
	struct buf why = BUF_INIT(1024), key = BUF_INIT(128);
	enum key_kind kind;
	struct config cf;
	uint32_t owner = 0, number;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0 || publish + operator + sweep + (client != NULL) != 1)
		return cli_usage(c, "say which kind of key, one of --publish, "
		    "--operator, --sweep, --client ID");
	kind = publish ? KEY_PUBLISH : operator ? KEY_OPERATOR :
	    sweep ? KEY_SWEEP : KEY_CLIENT;
	status = cli_open(c);
	if (status == CLI_OK && client != NULL)
		status = cli_record(c, STORE_CLIENT, "client", client, &owner);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (apikey_add(&cf, kind, owner, name, &number, &key, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else
		puts(buf_str(&key));
	buf_free(&why);
	buf_wipe(&key);
	return status;
}

static int
list(struct cli *c, int argc, char **argv)
{
	struct table t = TABLE_INIT(5);
	struct buf out = BUF_INIT(8192);
	const struct roster *r;
	const struct apikey *k;
	char id[ID_MAX];
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "list takes no arguments");
	status = cli_open(c);
	if (status != CLI_OK)
		return status;
	if (rosters_get(c->service.rosters, 0, true, &r) != RC_OK)
		return cli_fail("the store can't be read");
	store_idle(c->service.store);
	table_cell(&t, "KEY");
	table_cell(&t, "KIND");
	table_cell(&t, "NAME");
	table_cell(&t, "CLIENT");
	table_cell(&t, "MADE");
	for (size_t i = 0; (k = roster_key_at(r, i)) != NULL; i++) {
		if (c->json) {
			buf_clear(&out);
			apikey_print(c->service.store, k, &out);
			puts(buf_str(&out));
			continue;
		}
		store_record_id(c->service.store, STORE_KEY, k->number, id);
		table_cell(&t, id);
		table_cell(&t, key_kind_name(k->kind));
		table_cell(&t, k->name[0] == '\0' ? "-" : k->name);
		table_cell(&t, k->client == NULL ? "-" : k->client->name);
		table_cell_time(&t, k->created_ms);
	}
	table_print(&t);
	table_free(&t);
	buf_free(&out);
	roster_release(r);
	return status;
}

static int
revoke(struct cli *c, int argc, char **argv)
{
	struct buf why = BUF_INIT(1024);
	struct config cf;
	uint32_t number;
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one id is needed");
	status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_KEY, "key", argv[1], &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (apikey_revoke(&cf, number, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
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
		return list(c, argc - 1, argv + 1);
	if (strcmp(verb, "revoke") == 0)
		return revoke(c, argc - 1, argv + 1);
	return cli_verb(c, argc, argv);
}

const struct command cmd_key = {
	.name = "key",
	.usage = "add (--publish | --operator | --sweep | --client ID) "
	    "[--name NAME]\nlist\nrevoke ID",
	.summary = "keys for posting events, for the API and for cron",
	.help = "A publish key posts events and reads those it posted; an "
	    "operator's key may use\nall of the API; a sweep token is for "
	    "cron; a client's key sees what that client\nsees.  `add` prints "
	    "the key, this once; the store keeps a hash of it.",
	.run = run,
};
