#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"
#include "cli/print.h"
#include "shape/preset.h"
#include "work/record_json.h"

#define EVENTS_MAX	64

/* What a command needs, from files alone: no store is opened. */
struct shelf {
	struct catalog	*catalog;
	struct presets	*presets;
};

static int
open_shelf(struct cli *c, struct shelf *s)
{
	struct buf why = BUF_INIT(4096);
	struct conf *conf = malloc(sizeof *conf);
	int status;

	if (conf == NULL)
		return cli_fail("out of memory");
	status = cli_conf(c, conf);
	if (status == CLI_OK && (catalog_open(&s->catalog, conf->site_data,
	    conf->path, &why) != RC_OK || presets_load(&s->presets,
	    conf->site_data, &why) != RC_OK))
		status = cli_fail("%s", buf_str(&why));
	buf_free(&why);
	free(conf);
	return status;
}

static void
close_shelf(struct shelf *s)
{
	presets_free(s->presets);
	catalog_free(s->catalog);
}

static void
print_line(const struct preset *p)
{
	struct buf out = BUF_INIT(65536);

	buf_putc(&out, '{');
	record_put_string(&out, "name", slice_of(p->name));
	record_put_string(&out, "title", slice_of(p->title));
	record_put_string(&out, "use", slice_of(p->use));
	record_put_string(&out, "where", slice_of(p->where));
	record_put_string(&out, "note", slice_of(p->note));
	buf_puts(&out, "}\n");
	print_json(&out);
	buf_free(&out);
}

static void
print_rows(const struct presets *all)
{
	static const struct table_column column[] = {
		{ .name = "PRESET" }, { .name = "FOR", .least = 12 },
		{ .name = "WHAT IT SENDS", .least = 30 },
	};
	struct table t = TABLE_INIT(column);
	const struct preset *p;

	for (size_t i = 0; (p = preset_at(all, i)) != NULL; i++) {
		table_cell(&t, p->name);
		table_cell(&t, p->title);
		table_cell(&t, p->use);
	}
	table_print(&t);
	table_free(&t);
}

static int
list(struct cli *c, int argc, char **argv)
{
	struct shelf s = { NULL, NULL };
	const struct preset *p;
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 0)
		return cli_usage(c, "no name is needed");
	status = open_shelf(c, &s);
	if (status == CLI_OK && c->json)
		for (size_t i = 0; (p = preset_at(s.presets, i)) != NULL; i++)
			print_line(p);
	else if (status == CLI_OK)
		print_rows(s.presets);
	close_shelf(&s);
	return status;
}

static void
problem(void *arg, const char *pointer, const char *detail)
{
	struct buf *why = arg;

	buf_printf(why, "%s%s%s%s", why->len > 0 ? "\n" : "", pointer,
	    *pointer == '\0' ? "" : ": ", detail);
}

/* A URL or an event that would not be taken later is told now. */
static int
check(const struct shelf *s, struct slice json)
{
	struct buf why = BUF_INIT(65536);
	struct task *t = NULL;
	int status = CLI_OK;

	if (task_compile(&t, s->catalog, json, NULL, 0, problem, &why) !=
	    RC_OK)
		status = cli_fail("%s", buf_str(&why));
	task_free(t);
	buf_free(&why);
	return status;
}

/* What is said beside the task goes where it is not taken for it. */
static void
tell(const struct preset *p, bool has_url)
{
	if (!has_url)
		fprintf(stderr, "%-9s%s\n", "URL", p->where);
	fprintf(stderr, "%-9s%s\n\n", "note", p->note);
}

/* Events are checked alone where there is no URL yet. */
static int
give(const struct cli *c, const struct shelf *s, const struct preset *p,
    const char *url, const struct slice *events, size_t n)
{
	struct buf out = BUF_INIT(TASK_WRITTEN_MAX);
	struct slice checked = slice_of(url != NULL ? url :
	    "https://chat.example/");
	int status;

	(void)buf_room(&out, 256 * 1024);	/* leaves no copies */
	preset_task(s->presets, p, checked, events, n, &out);
	status = out.over ? cli_fail("the task is too large") :
	    check(s, buf_as_slice(&out));
	if (status == CLI_OK) {
		buf_clear(&out);
		preset_task(s->presets, p, slice_of(url), events, n, &out);
		if (!c->json)
			tell(p, url != NULL);
		print_export(&out, c->json, TASK_WRITTEN_MAX);
	}
	buf_wipe(&out);
	return status;
}

static int
show(struct cli *c, int argc, char **argv)
{
	const char *url = NULL, *event[EVENTS_MAX], *near;
	struct slice events[EVENTS_MAX];
	size_t n = 0;
	const struct cli_option opt[] = {
		{ .name = "url", .value = &url },
		{ .name = "event", .list = event, .max = EVENTS_MAX,
		    .n = &n },
	};
	struct shelf s = { NULL, NULL };
	const struct preset *p;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one name is needed");
	status = open_shelf(c, &s);
	if (status != CLI_OK)
		goto done;
	p = preset_find(s.presets, slice_of(argv[1]));
	for (size_t i = 0; i < n; i++)
		events[i] = slice_of(event[i]);
	if (p != NULL) {
		status = give(c, &s, p, url, events, n);
		goto done;
	}
	near = preset_nearest(s.presets, slice_of(argv[1]));
	status = near == NULL ?
	    cli_fail("there is no preset %s; skycap preset list names them",
	    argv[1]) :
	    cli_fail("there is no preset %s; did you mean %s?", argv[1], near);
done:
	close_shelf(&s);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	static const struct cli_verb verb[] = {
		{ "list", list }, { "show", show },
	};

	return cli_verbs(c, argc, argv, verb, NELEM(verb));
}

const struct command cmd_preset = {
	.name = "preset",
	.usage = "list\nshow NAME [--url URL] [--event TYPE]...",
	.summary = "ready-made tasks for Teams, Discord, Google Chat and Slack",
	.help = "`show` prints a task as `skycap subscription add` takes it, "
	    "for all events of orders\nor for those that --event names:\n\n"
	    "  skycap preset show teams --url 'https://...' |\n"
	    "      skycap subscription add --client ID --file -\n\n"
	    "Without --url the task has a place for it, and can't be saved "
	    "before it is filled\nin.  A URL given here is seen by who lists "
	    "the processes of this machine; to keep\nit from them, put the "
	    "task into a file and edit that.  Where to get the URL, and\nwhat "
	    "to know of the service, goes to standard error.\n"
	    "For plain Slack and mail no preset is needed: {\"slack\": "
	    "{\"url\": ...}} and\n{\"mail\": {\"to\": ...}} have "
	    "ready-made texts.",
	.run = run,
};
