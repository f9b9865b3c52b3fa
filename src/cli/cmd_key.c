#include <stdio.h>
#include "cli/cli.h"
#include "cli/print.h"
#include "work/record_json.h"

static int
make(const struct cli *c, enum key_kind kind, uint32_t owner,
    const char *name)
{
	struct config cf = service_config(&c->service);
	struct buf why = BUF_INIT(1024), key = BUF_INIT(128);
	char id[ID_MAX];
	uint32_t number;
	int status = CLI_OK;

	(void)buf_room(&key, key.max);		/* at once: leaves no copies */
	if (apikey_add(&cf, kind, owner, name, &number, &key, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else if (c->json) {
		store_record_id(c->service.store, STORE_KEY, number, id);
		printf("{\"id\":\"%s\",\"key\":\"%s\"}\n", id, buf_str(&key));
	} else
		puts(buf_str(&key));
	buf_free(&why);
	buf_wipe(&key);
	return status;
}

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
	enum key_kind kind;
	uint32_t owner = 0;
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
		status = cli_record(c, STORE_CLIENT, client, &owner);
	if (status != CLI_OK)
		return status;
	return make(c, kind, owner, name);
}

static void
print_rows(const struct cli *c, const struct roster *r)
{
	static const struct table_column column[] = {
		{ .name = "KEY" }, { .name = "KIND" },
		{ .name = "NAME", .least = 12 },
		{ .name = "CLIENT", .least = 12 }, { .name = "MADE" },
	};
	struct table t = TABLE_INIT(column);
	const struct apikey *k;
	char id[ID_MAX];

	for (size_t i = 0; (k = roster_key_at(r, i)) != NULL; i++) {
		store_record_id(c->service.store, STORE_KEY, k->number, id);
		table_cell(&t, id);
		table_cell(&t, key_kind_name(k->kind));
		table_cell(&t, k->name[0] == '\0' ? "-" : k->name);
		table_cell(&t, k->client == NULL ? "-" : k->client->name);
		table_cell_time(&t, k->created_ms);
	}
	if (t.ncell == 0)
		puts("No keys. Make one: skycap key add --publish");
	table_print(&t);
	table_free(&t);
}

static void
print_lines(const struct cli *c, const struct roster *r)
{
	struct buf out = BUF_INIT(8192);
	const struct apikey *k;

	for (size_t i = 0; (k = roster_key_at(r, i)) != NULL; i++) {
		buf_clear(&out);
		apikey_print(c->service.store, k, &out);
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
revoke(struct cli *c, int argc, char **argv)
{
	return cli_change(c, argc, argv, STORE_KEY, apikey_revoke);
}

static int
run(struct cli *c, int argc, char **argv)
{
	static const struct cli_verb verb[] = {
		{ "add", add }, { "list", list }, { "revoke", revoke },
	};

	return cli_verbs(c, argc, argv, verb, NELEM(verb));
}

const struct command cmd_key = {
	.name = "key",
	.usage = "add (--publish | --operator | --sweep | --client ID) "
	    "[--name NAME]\nlist\nrevoke ID",
	.summary = "keys for posting events, for the API and for cron",
	.help = "A publish key posts events and reads those it posted; an "
	    "operator's key may use\nall of the API; a sweep token is for "
	    "cron; a client's key sees what that client\nsees.  `add` prints "
	    "the key, this once; the store keeps a hash of it.  `list` has\n"
	    "the ids that `revoke` takes.",
	.run = run,
};
