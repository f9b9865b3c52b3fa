#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"
#include "cli/print.h"
#include "work/record_json.h"

static const char *
type_name(enum catalog_type t)
{
	static const char *const name[] = { "text", "integer", "decimal",
	    "time" };

	return name[t];
}

static void
print_json(const struct catalog *cat)
{
	struct buf out = BUF_INIT(65536);
	const struct catalog_event *e;
	const struct catalog_field *f;

	for (size_t i = 0; (e = catalog_event_at(cat, i)) != NULL; i++) {
		buf_clear(&out);
		buf_putc(&out, '{');
		record_put_string(&out, "event", slice_of(e->name));
		record_put_string(&out, "group", slice_of(e->group));
		record_put_string(&out, "meaning", slice_of(e->meaning));
		buf_putc(&out, '}');
		puts(buf_str(&out));
	}
	for (size_t i = 0; (f = catalog_field_at(cat, i)) != NULL; i++) {
		buf_clear(&out);
		buf_putc(&out, '{');
		record_put_string(&out, "field", slice_of(f->name));
		record_put_string(&out, "type", slice_of(type_name(f->type)));
		record_put_bool(&out, "personal", f->personal);
		record_put_string(&out, "meaning", slice_of(f->meaning));
		record_put_string(&out, "sample", slice_of(f->sample));
		record_put_string(&out, "pointer", slice_of(f->pointer));
		buf_putc(&out, '}');
		puts(buf_str(&out));
	}
	buf_free(&out);
}

static void
print_events(const struct catalog *cat)
{
	static const struct table_column column[] = {
		{ .name = "EVENT" }, { .name = "GROUP", .drop = 1 },
		{ .name = "MEANING", .least = 24 },
	};
	struct table t = TABLE_INIT(column);
	const struct catalog_event *e;

	for (size_t i = 0; (e = catalog_event_at(cat, i)) != NULL; i++) {
		table_cell(&t, e->name);
		table_cell(&t, e->group);
		table_cell(&t, e->meaning);
	}
	table_print(&t);
	table_free(&t);
}

static void
print_fields(const struct catalog *cat)
{
	static const struct table_column column[] = {
		{ .name = "FIELD" }, { .name = "TYPE" },
		{ .name = "SAMPLE", .least = 12 },
		{ .name = "MEANING", .least = 24 },
	};
	struct table t = TABLE_INIT(column);
	const struct catalog_field *f;

	for (size_t i = 0; (f = catalog_field_at(cat, i)) != NULL; i++) {
		table_cell(&t, f->name);
		table_cell(&t, type_name(f->type));
		table_cell(&t, f->sample);
		table_cell(&t, f->meaning);
	}
	table_print(&t);
	table_free(&t);
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct buf path = BUF_INIT(CONF_PATH_MAX + 32), why = BUF_INIT(1024);
	struct conf *conf = malloc(sizeof *conf);
	struct catalog *cat = NULL;
	int status, left;

	if (conf == NULL)
		return cli_fail("out of memory");
	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == 0)
		status = cli_conf(c, conf);
	else if (left > 0)
		status = cli_usage(c, "it takes no arguments");
	if (left != 0 || status != CLI_OK)
		goto done;
	if (catalog_open(&cat, conf->site_data, conf->path, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else if (c->json)
		print_json(cat);
	else {
		print_events(cat);
		putchar('\n');
		print_fields(cat);
	}
done:
	catalog_free(cat);
	buf_free(&path);
	buf_free(&why);
	free(conf);
	return status;
}

const struct command cmd_catalog = {
	.name = "catalog",
	.usage = "",
	.summary = "the event types, and the fields that templates may use",
	.help = "Both come from catalog.json under [site] data, where an "
	    "operator may add more.",
	.run = run,
};
