#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"
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
print_text(const struct catalog *cat)
{
	struct table events = TABLE_INIT(3), fields = TABLE_INIT(4);
	const struct catalog_event *e;
	const struct catalog_field *f;

	table_cell(&events, "EVENT");
	table_cell(&events, "GROUP");
	table_cell(&events, "MEANING");
	for (size_t i = 0; (e = catalog_event_at(cat, i)) != NULL; i++) {
		table_cell(&events, e->name);
		table_cell(&events, e->group);
		table_cell(&events, e->meaning);
	}
	table_cell(&fields, "FIELD");
	table_cell(&fields, "TYPE");
	table_cell(&fields, "SAMPLE");
	table_cell(&fields, "MEANING");
	for (size_t i = 0; (f = catalog_field_at(cat, i)) != NULL; i++) {
		table_cell(&fields, f->name);
		table_cell(&fields, type_name(f->type));
		table_cell(&fields, f->sample);
		table_cell(&fields, f->meaning);
	}
	table_print(&events);
	putchar('\n');
	table_print(&fields);
	table_free(&events);
	table_free(&fields);
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
	buf_printf(&path, "%s/catalog.json", conf->site_data);
	if (catalog_load(&cat, buf_str(&path), &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else if (c->json)
		print_json(cat);
	else
		print_text(cat);
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
	.summary = "the event types and fields that templates may use",
	.help = "",
	.run = run,
};
