#include <stdio.h>
#include "cli/cli.h"

#define EVENTS_MAX 64

static int
add(struct cli *c, int argc, char **argv)
{
	const char *client = NULL, *file = NULL, *event[EVENTS_MAX];
	struct slice events[EVENTS_MAX];
	size_t nevent = 0;
	const struct cli_option opt[] = {
		{ .name = "client", .value = &client },
		{ .name = "file", .value = &file },
		{ .name = "event", .list = event, .max = EVENTS_MAX,
		    .n = &nevent },
	};
	struct buf why = BUF_INIT(65536), json = BUF_INIT(STORE_RECORD_MAX);
	struct config cf;
	char id[ID_MAX];
	uint32_t owner, number;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0 || client == NULL || file == NULL)
		return cli_usage(c, "--client and --file are needed");
	status = cli_read(file, &json);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_CLIENT, "client", client, &owner);
	if (status != CLI_OK)
		goto done;
	for (size_t i = 0; i < nevent; i++)
		events[i] = slice_of(event[i]);
	cf = service_config(&c->service);
	if (subscription_add(&cf, owner, buf_as_slice(&json), events, nevent,
	    &number, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else {
		store_record_id(c->service.store, STORE_SUBSCRIPTION, number,
		    id);
		puts(id);
	}
done:
	buf_free(&why);
	buf_wipe(&json);
	return status;
}

static void
event_text(const struct task *t, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; t != NULL && task_event_at(t, i) != NULL; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "",
		    task_event_at(t, i));
}

static void
print_all(const struct cli *c, const struct roster *r, uint32_t client)
{
	struct table t = TABLE_INIT(5);
	struct buf out = BUF_INIT(4 * 1024 * 1024);
	const struct subscription *s;
	char id[ID_MAX];

	table_cell(&t, "SUBSCRIPTION");
	table_cell(&t, "NAME");
	table_cell(&t, "CLIENT");
	table_cell(&t, "STATE");
	table_cell(&t, "EVENTS");
	for (size_t i = 0; (s = roster_subscription_at(r, i)) != NULL; i++) {
		if (client != 0 && s->client->number != client)
			continue;
		if (c->json) {
			buf_clear(&out);
			subscription_print(c->service.store, s, true, &out);
			puts(buf_str(&out));
			continue;
		}
		store_record_id(c->service.store, STORE_SUBSCRIPTION,
		    s->number, id);
		table_cell(&t, id);
		table_cell(&t, s->task == NULL ? "-" : task_name(s->task));
		table_cell(&t, s->client->name);
		table_cell(&t, subscription_state_name(s->state));
		event_text(s->task, &out);
		table_cell(&t, buf_str(&out));
	}
	if (!c->json && t.nrow == t.ncol)
		puts("No subscriptions yet. Make one: skycap subscription add "
		    "--client ID --file TASK.json");
	table_print(&t);
	table_free(&t);
	buf_free(&out);
}

static int
list(struct cli *c, int argc, char **argv)
{
	const char *client = NULL;
	const struct cli_option opt[] = {
		{ .name = "client", .value = &client },
	};
	const struct roster *r;
	uint32_t number = 0;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "list takes no arguments");
	status = cli_open(c);
	if (status == CLI_OK && client != NULL)
		status = cli_record(c, STORE_CLIENT, "client", client,
		    &number);
	if (status != CLI_OK)
		return status;
	if (rosters_get(c->service.rosters, 0, true, &r) != RC_OK)
		return cli_fail("the store can't be read");
	store_idle(c->service.store);
	print_all(c, r, number);
	roster_release(r);
	return status;
}

/* show: all of it, masked; export: the task alone. */
static int
show(struct cli *c, int argc, char **argv, bool whole)
{
	bool secrets = false;
	const struct cli_option opt[] = {
		{ .name = "with-secrets", .flag = &secrets },
	};
	struct buf out = BUF_INIT(4 * 1024 * 1024);
	const struct subscription *s;
	const struct roster *r;
	uint32_t number;
	int status, left;

	left = cli_options(c, argc, argv, opt, whole ? 0 : NELEM(opt),
	    &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one id is needed");
	status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_SUBSCRIPTION, "subscription",
		    argv[1], &number);
	if (status != CLI_OK)
		return status;
	if (rosters_get(c->service.rosters, 0, true, &r) != RC_OK)
		return cli_fail("the store can't be read");
	store_idle(c->service.store);
	s = roster_subscription(r, number);
	if (s == NULL)
		status = cli_fail("there is no subscription %s", argv[1]);
	else if (whole)
		subscription_print(c->service.store, s, true, &out);
	else if (s->task == NULL)
		status = cli_fail("its task does not hold with this "
		    "catalogue; skycap subscription edit mends it");
	else
		task_print(s->task, !secrets, &out);
	if (status == CLI_OK)
		puts(buf_str(&out));
	roster_release(r);
	buf_wipe(&out);
	return status;
}

static int
edit(struct cli *c, int argc, char **argv)
{
	const char *file = NULL;
	const struct cli_option opt[] = {
		{ .name = "file", .value = &file },
	};
	struct buf why = BUF_INIT(65536), json = BUF_INIT(STORE_RECORD_MAX);
	struct store_record rec = STORE_RECORD_INIT;
	struct config cf;
	uint32_t number;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1 || file == NULL)
		return cli_usage(c, "one id and --file are needed");
	status = cli_read(file, &json);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_SUBSCRIPTION, "subscription",
		    argv[1], &number);
	if (status != CLI_OK)
		goto done;
	cf = service_config(&c->service);
	if (store_record_get(c->service.store, STORE_SUBSCRIPTION, number, 0,
	    &rec) != RC_OK)
		status = cli_fail("there is no subscription %s", argv[1]);
	else if (subscription_edit(&cf, number, rec.version,
	    buf_as_slice(&json), &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
done:
	store_record_clear(&rec);
	buf_free(&why);
	buf_wipe(&json);
	return status;
}

/* pause, resume, remove: one id, one change. */
static int
change(struct cli *c, int argc, char **argv, const char *verb)
{
	struct buf why = BUF_INIT(1024);
	struct config cf;
	uint32_t number;
	int status, left;
	enum rc rc;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one id is needed");
	status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_SUBSCRIPTION, "subscription",
		    argv[1], &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (strcmp(verb, "remove") == 0)
		rc = subscription_remove(&cf, number, &why);
	else
		rc = subscription_set_state(&cf, number,
		    strcmp(verb, "pause") == 0 ? SUBSCRIPTION_PAUSED :
		    SUBSCRIPTION_ACTIVE, "", &why);
	if (rc != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else
		service_nudge_all(&c->service);
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
	if (strcmp(verb, "show") == 0)
		return show(c, argc - 1, argv + 1, true);
	if (strcmp(verb, "export") == 0)
		return show(c, argc - 1, argv + 1, false);
	if (strcmp(verb, "edit") == 0)
		return edit(c, argc - 1, argv + 1);
	if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0 ||
	    strcmp(verb, "remove") == 0)
		return change(c, argc - 1, argv + 1, verb);
	return cli_verb(c, argc, argv);
}

const struct command cmd_subscription = {
	.name = "subscription",
	.usage = "add --client ID --file TASK.json|- [--event TYPE]...\n"
	    "list [--client ID]\nshow ID\nedit ID --file TASK.json|-\n"
	    "pause ID\nresume ID\nremove ID\nexport ID [--with-secrets]",
	.summary = "what clients want to hear of, and where",
	.help = "A task is {\"httpRequest\": {...}}, as the help page prints "
	    "it, or with \"name\",\n\"event\", \"filter\" and \"settings\" "
	    "beside it.  Its events come from \"event\" or from\n--event.  "
	    "`add` prints the new id.  What is due to a paused subscription is "
	    "held\nuntil it is resumed.  Secret values are shown masked; an "
	    "edit that leaves a mask\n{\"secret\":true} in place keeps what is "
	    "there.",
	.run = run,
};
