#include <inttypes.h>
#include <stdio.h>
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "work/portable.h"

#define EVENTS_MAX 64

/* It is saved all the same, and what it is due waits until there is mail. */
static void
warn_of_mail(const struct cli *c, uint32_t number)
{
	const struct subscription *s;
	const struct roster *r;
	struct task *t;

	if (c->service.conf.mail_url[0] != '\0' || cli_roster(c, &r) != CLI_OK)
		return;
	s = roster_subscription(r, number);
	t = s == NULL ? NULL : subscription_compile(s);
	if (t != NULL && task_channel(t) == TASK_MAIL)
		fprintf(stderr, "skycap: there is no [mail] url in %s yet: "
		    "what it is due waits until there is\n",
		    c->service.conf.path);
	task_free(t);
	roster_release(r);
}

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
	struct buf why = BUF_INIT(65536), json = BUF_INIT(TASK_WRITTEN_MAX);
	struct config cf;
	char id[ID_MAX];
	uint32_t owner, number;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 0 || client == NULL || file == NULL)
		return cli_usage(c, "--client and --file are needed");
	(void)buf_room(&json, json.max);	/* at once: leaves no copies */
	status = cli_read(file, &json);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_CLIENT, client, &owner);
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
		printf(c->json ? "{\"id\":\"%s\"}\n" : "%s\n", id);
		warn_of_mail(c, number);
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
print_rows(const struct cli *c, const struct roster *r, uint32_t client)
{
	static const struct table_column column[] = {
		{ .name = "SUBSCRIPTION" }, { .name = "NAME", .least = 12 },
		{ .name = "CLIENT", .least = 8 }, { .name = "STATE" },
		{ .name = "SINCE", .drop = 1 }, { .name = "EVENTS", .least = 10 },
	};
	struct table t = TABLE_INIT(column);
	struct buf out = BUF_INIT(65536);
	const struct subscription *s;
	const char *reason;
	struct task *task;
	char id[ID_MAX];

	for (size_t i = 0; (s = roster_subscription_at(r, i)) != NULL; i++) {
		if (client != 0 && s->client->number != client)
			continue;
		store_record_id(c->service.store, STORE_SUBSCRIPTION,
		    s->number, id);
		table_cell(&t, id);
		task = subscription_compile(s);
		table_cell(&t, task == NULL ? "-" : task_name(task));
		table_cell(&t, s->client->name);
		buf_clear(&out);
		reason = subscription_reason(s);
		buf_printf(&out, "%s%s%s",
		    subscription_state_name(subscription_state(s)),
		    reason[0] == '\0' ? "" : ", ", reason);
		table_cell(&t, buf_str(&out));
		table_cell_time(&t, subscription_since_ms(s));
		event_text(task, &out);
		table_cell(&t, buf_str(&out));
		task_free(task);
	}
	if (t.ncell == 0)
		puts("No subscriptions yet. Make one: skycap subscription add "
		    "--client ID --file TASK.json");
	table_print(&t);
	table_free(&t);
	buf_free(&out);
}

static void
print_lines(const struct cli *c, const struct roster *r, uint32_t client)
{
	struct buf out = BUF_INIT(4 * 1024 * 1024);
	const struct subscription *s;

	for (size_t i = 0; (s = roster_subscription_at(r, i)) != NULL; i++) {
		if (client != 0 && s->client->number != client)
			continue;
		buf_clear(&out);
		subscription_print(c->service.store, s, true, &out);
		buf_putc(&out, '\n');
		print_json(&out);
	}
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
		status = cli_record(c, STORE_CLIENT, client, &number);
	if (status == CLI_OK)
		status = cli_roster(c, &r);
	if (status != CLI_OK)
		return status;
	store_idle(c->service.store);
	if (c->json)
		print_lines(c, r, number);
	else
		print_rows(c, r, number);
	roster_release(r);
	return status;
}

/* One subscription of the present roster; s is of r. */
static int
find(const struct cli *c, const char *id, const struct roster **r,
    const struct subscription **s)
{
	uint32_t number;
	int status;

	status = cli_record(c, STORE_SUBSCRIPTION, id, &number);
	if (status == CLI_OK)
		status = cli_roster(c, r);
	if (status != CLI_OK)
		return status;
	store_idle(c->service.store);
	*s = roster_subscription(*r, number);
	if (*s != NULL)
		return CLI_OK;
	roster_release(*r);
	return cli_fail("there is no subscription %s", id);
}

static int
show(struct cli *c, int argc, char **argv)
{
	struct buf out = BUF_INIT(4 * 1024 * 1024);
	const struct subscription *s;
	const struct roster *r;
	int status;

	status = cli_begin(c, argc, argv, 1, "one id is needed");
	if (status == CLI_OK)
		status = find(c, argv[1], &r, &s);
	if (status != CLI_OK)
		return status;
	subscription_print(c->service.store, s, true, &out);
	print_object(&out, c->json);
	roster_release(r);
	buf_free(&out);
	return status;
}

/* The task alone, as `add` and `edit` take it. */
static int
export(struct cli *c, int argc, char **argv)
{
	return cli_export(c, argc, argv, STORE_SUBSCRIPTION, portable_task,
	    TASK_WRITTEN_MAX);
}

static int
edit(struct cli *c, int argc, char **argv)
{
	const char *file = NULL;
	const struct cli_option opt[] = {
		{ .name = "file", .value = &file },
	};
	struct buf why = BUF_INIT(65536), json = BUF_INIT(TASK_WRITTEN_MAX);
	struct store_record rec = STORE_RECORD_INIT;
	struct config cf;
	uint32_t number;
	int status, left;
	enum rc rc;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1 || file == NULL)
		return cli_usage(c, "one id and --file are needed");
	(void)buf_room(&json, json.max);	/* at once: leaves no copies */
	status = cli_read(file, &json);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_SUBSCRIPTION, argv[1], &number);
	if (status != CLI_OK)
		goto done;
	cf = service_config(&c->service);
	rc = store_record_get(c->service.store, STORE_SUBSCRIPTION, number, 0,
	    &rec);
	if (rc == RC_NOTFOUND)
		status = cli_fail("there is no subscription %s", argv[1]);
	else if (rc != RC_OK)
		status = cli_unreadable();
	else if (subscription_edit(&cf, number, rec.version,
	    buf_as_slice(&json), &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else {
		service_nudge_all(&c->service);
		warn_of_mail(c, number);
	}
done:
	store_record_clear(&rec);
	buf_free(&why);
	buf_wipe(&json);
	return status;
}

/* How many deliveries of a subscription wait, sent or not yet. */
static enum rc
count_waiting(const struct cli *c, uint32_t number, uint64_t *n)
{
	struct store_lane lane = { 0 };
	size_t found;
	enum rc rc;

	rc = store_lanes(c->service.store, number - 1, clock_now_ms(), &lane,
	    1, &found);
	*n = rc == RC_OK && found == 1 && lane.lane == number ? lane.pending :
	    0;
	return rc;
}

/* What a new state means for what a subscription holds. */
struct effect {
	const char *member;	/* of the number, in JSON */
	const char *some;	/* "3 deliveries ...", to people */
	const char *none;
};

static void
print_effect(const struct cli *c, const char *id, const char *state,
    const struct effect *e, uint64_t n)
{
	if (c->json)
		printf("{\"id\":\"%s\",\"state\":\"%s\",\"%s\":%" PRIu64
		    "}\n", id, state, e->member, n);
	else if (n == 0)
		printf("%s; %s\n", state, e->none);
	else
		printf("%s; %" PRIu64 " %s %s\n", state, n, n == 1 ?
		    "delivery" : "deliveries", e->some);
}

/* Counted afterwards, so that none that came meanwhile is missing. */
static int
pause_it(struct cli *c, int argc, char **argv)
{
	static const struct effect holds = { "held", "held until it is resumed",
	    "nothing is held yet" };
	struct buf why = BUF_INIT(1024);
	const struct subscription *s;
	const struct roster *r;
	struct config cf;
	uint32_t number;
	uint64_t n;
	int status;

	status = cli_one(c, argc, argv, NULL, 0, STORE_SUBSCRIPTION, &number);
	if (status != CLI_OK)
		return status;
	cf = service_config(&c->service);
	if (subscription_set_state(&cf, number, SUBSCRIPTION_PAUSED, "", &why)
	    != RC_OK) {
		status = cli_fail("%s", buf_str(&why));
		goto done;
	}
	service_nudge_all(&c->service);
	if (count_waiting(c, number, &n) != RC_OK) {
		status = cli_unreadable();
		goto done;
	}
	status = find(c, argv[1], &r, &s);
	if (status != CLI_OK)
		goto done;
	print_effect(c, argv[1],
	    subscription_state_name(subscription_state(s)), &holds, n);
	roster_release(r);
done:
	buf_free(&why);
	return status;
}

static enum rc
make_active(const struct config *cf, uint32_t number, struct buf *why)
{
	return subscription_set_state(cf, number, SUBSCRIPTION_ACTIVE, "",
	    why);
}

/* Counted before: then all that wait are held, unless it was active. */
static int
make_active_by(struct cli *c, const struct subscription *s, cli_change_fn *fn,
    uint64_t *n)
{
	struct config cf = service_config(&c->service);
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;
	enum rc rc;

	if (count_waiting(c, s->number, n) != RC_OK)
		return cli_unreadable();
	if (subscription_state(s) == SUBSCRIPTION_ACTIVE)
		*n = 0;
	rc = fn(&cf, s->number, &why);
	if (rc == RC_EXISTS)	/* somebody else has resumed it meanwhile */
		*n = 0;
	else if (rc != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	if (status == CLI_OK)
		service_nudge_all(&c->service);
	buf_free(&why);
	return status;
}

/*
 * A task that does not compile keeps it disabled all the same: say so.  It
 * drops nothing then.
 */
static int
resume(struct cli *c, int argc, char **argv)
{
	static const struct effect sends = { "resumed", "that were held are "
	    "sent now", "nothing was held" };
	static const struct effect drops = { "dropped", "that were held are "
	    "dropped: dead, given-up", "nothing was held" };
	bool drop = false;
	const struct cli_option opt[] = {
		{ .name = "drop", .flag = &drop },
	};
	const struct subscription *s;
	const struct roster *r;
	bool sound;
	uint32_t number;
	uint64_t n;
	int status;

	status = cli_one(c, argc, argv, opt, NELEM(opt), STORE_SUBSCRIPTION,
	    &number);
	if (status == CLI_OK)
		status = find(c, argv[1], &r, &s);
	if (status != CLI_OK)
		return status;
	sound = subscription_task(s) != NULL;
	if (sound || !drop)
		status = make_active_by(c, s, drop ? subscription_drop :
		    make_active, &n);
	if (status == CLI_OK && !sound)
		status = cli_fail("it stays disabled: its task does not hold "
		    "with this catalogue; skycap subscription edit mends it");
	else if (status == CLI_OK)
		print_effect(c, argv[1], "active", drop ? &drops : &sends, n);
	roster_release(r);
	return status;
}

static int
rm(struct cli *c, int argc, char **argv)
{
	return cli_change(c, argc, argv, STORE_SUBSCRIPTION,
	    subscription_remove);
}

static int
run(struct cli *c, int argc, char **argv)
{
	static const struct cli_verb verb[] = {
		{ "add", add }, { "list", list }, { "show", show },
		{ "edit", edit }, { "pause", pause_it }, { "resume", resume },
		{ "remove", rm }, { "export", export },
	};

	return cli_verbs(c, argc, argv, verb, NELEM(verb));
}

const struct command cmd_subscription = {
	.name = "subscription",
	.usage = "add --client ID --file TASK.json|- [--event TYPE]...\n"
	    "list [--client ID]\nshow ID\nedit ID --file TASK.json|-\n"
	    "pause ID\nresume ID [--drop]\nremove ID\nexport ID [--with-secrets]",
	.summary = "what clients want to hear of, and where",
	.help = "A task is {\"httpRequest\": {...}}, as the help page prints "
	    "it, or with \"name\",\n\"event\", \"filter\" and \"settings\" "
	    "beside it.  Its events come from \"event\" or\nfrom --event; "
	    "\"*\" means all that are about orders (skycap catalog lists "
	    "them).\n`add` prints the new id.\n\nIn place of httpRequest:\n\n"
	    "  {\"slack\": {\"url\": \"https://hooks.slack.com/...\"}}\n"
	    "  {\"mail\": {\"to\": [\"ops@example.com\", "
	    "\"{{agentEmail}}\"]}}\n\n"
	    "Both take a \"text\", and mail a \"subject\", as templates; "
	    "without, ready-made ones are\nsent.  skycap preset has tasks for "
	    "other services.\n\nWhat is due to a paused "
	    "subscription is held until it is resumed, for\n[retention] "
	    "held_days at most; then it is sent, or given up with "
	    "--drop.\nSecret values are shown masked; an edit that leaves a "
	    "mask in place keeps\nwhat is there.\n`export` "
	    "prints a task as `add` and `edit` take it; all of a client at "
	    "once is\nfor skycap client export.",
	.run = run,
};
