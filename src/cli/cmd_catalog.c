#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/text.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "work/record_json.h"

#define LINE_MAX_BYTES	(1024 * 1024)
#define LEG_NAMES_MAX	32
#define SAMPLE_MAX	(16 * 1024 * 1024)

static void
put_event(const struct catalog_event *e, struct buf *out)
{
	buf_putc(out, '{');
	record_put_string(out, "event", slice_of(e->name));
	record_put_string(out, "group", slice_of(e->group));
	record_put_string(out, "meaning", slice_of(e->meaning));
	record_put_string(out, "headline", slice_of(e->headline));
	record_put_key(out, "aliases");
	buf_putc(out, '[');
	for (const char *const *a = e->alias; *a != NULL; a++) {
		buf_puts(out, a == e->alias ? "" : ",");
		json_put_string(out, slice_of(*a));
	}
	buf_puts(out, "]}");
}

/* as: "field" or "legField". */
static void
put_field(const struct catalog_field *f, const char *as, struct buf *out)
{
	buf_putc(out, '{');
	record_put_string(out, as, slice_of(f->name));
	record_put_string(out, "type", slice_of(catalog_type_word[f->type]));
	record_put_bool(out, "personal", f->personal);
	record_put_bool(out, "reference", f->reference);
	record_put_key(out, "derived");
	if (f->derived == CATALOG_SENT)
		buf_puts(out, "null");
	else
		json_put_string(out,
		    slice_of(catalog_derived_word[f->derived]));
	record_put_string(out, "meaning", slice_of(f->meaning));
	record_put_string(out, "sample", slice_of(f->sample));
	if (f->pointer != NULL)
		record_put_string(out, "pointer", slice_of(f->pointer));
	buf_putc(out, '}');
}

/*
 * An event as intake takes it, marked as a test: it may well be sent.  Nobody
 * posts one of the service's own.
 */
static void
put_sample(const struct catalog *cat, const struct catalog_event *e,
    struct buf *out)
{
	buf_putc(out, '{');
	record_put_string(out, "event", slice_of(e->name));
	if (!catalog_is_operational(e))
		record_put_bool(out, "test", true);
	record_put_key(out, "order");
	catalog_sample_order(cat, e, out);
	buf_putc(out, '}');
}

/* The events of the group that event first is the first of. */
static void
print_group(const struct catalog *cat, size_t first)
{
	const struct catalog_event *e = catalog_event_at(cat, first);
	const char *group = e->group;
	struct buf head = BUF_INIT(LINE_MAX_BYTES);
	struct table_column column[] = {
		{ .name = "" }, { .name = "MEANING", .least = 24 },
	};
	struct table t = TABLE_INIT(column);

	print_clean(slice_of(group), &head);
	for (size_t i = 0; i < head.len; i++)
		head.s[i] = (char)toupper((unsigned char)head.s[i]);
	column[0].name = buf_str(&head);
	for (size_t i = first; (e = catalog_event_at(cat, i)) != NULL; i++)
		if (strcmp(e->group, group) == 0) {
			table_cell(&t, e->name);
			table_cell(&t, e->meaning);
		}
	table_print(&t);
	table_free(&t);
	buf_free(&head);
}

/* Groups stand where their first event does. */
static void
print_events(const struct catalog *cat)
{
	const struct catalog_event *e;

	for (size_t i = 0; (e = catalog_event_at(cat, i)) != NULL; i++) {
		size_t j = 0;

		while (strcmp(catalog_event_at(cat, j)->group, e->group) != 0)
			j++;
		if (j < i)
			continue;
		if (i > 0)
			putchar('\n');
		print_group(cat, i);
	}
}

static void
print_fields(const struct catalog *cat, const char *head,
    const struct catalog_field *at(const struct catalog *, size_t))
{
	const struct table_column column[] = {
		{ .name = head }, { .name = "TYPE" },
		{ .name = "PERSONAL", .drop = 1 },
		{ .name = "MEANING", .least = 40 },
		{ .name = "SAMPLE", .least = 26, .drop = 2 },
	};
	struct table t = TABLE_INIT(column);
	const struct catalog_field *f;

	for (size_t i = 0; (f = at(cat, i)) != NULL; i++) {
		table_cell(&t, f->name);
		table_cell(&t, catalog_type_word[f->type]);
		table_cell(&t, f->personal ? "yes" : "-");
		table_cell(&t, f->meaning);
		table_cell(&t, f->sample);
	}
	putchar('\n');
	table_print(&t);
	table_free(&t);
}

static void
show_event(const struct catalog *cat, const struct catalog_event *e)
{
	struct buf b = BUF_INIT(SAMPLE_MAX);

	print_member("event", slice_of(e->name));
	print_member("group", slice_of(e->group));
	print_member("meaning", slice_of(e->meaning));
	print_member("headline", slice_of(e->headline));
	for (const char *const *a = e->alias; *a != NULL; a++) {
		buf_puts(&b, a == e->alias ? "" : ", ");
		buf_puts(&b, *a);
	}
	if (b.len > 0)
		print_member("also taken", buf_as_slice(&b));
	puts("sample");
	buf_clear(&b);
	put_sample(cat, e, &b);
	print_pretty(buf_as_slice(&b));
	buf_free(&b);
}

static void
show_field(const struct catalog_field *f)
{
	print_member(f->pointer != NULL ? "field" : "field of legs",
	    slice_of(f->name));
	print_member("type", slice_of(catalog_type_word[f->type]));
	if (f->pointer != NULL)
		print_member("pointer", slice_of(f->pointer));
	print_member("personal", slice_of(f->personal ? "yes" : "no"));
	if (f->reference)
		print_member("reference", SLICE("yes, at most 128 bytes"));
	if (f->derived != CATALOG_SENT)
		print_member("derived", SLICE("from the legs, where the order "
		    "lacks it"));
	print_member("sample", slice_of(f->sample));
	print_member("meaning", slice_of(f->meaning));
}

static void
give_event(const struct cli *c, const struct catalog *cat,
    const struct catalog_event *e)
{
	struct buf out = BUF_INIT(LINE_MAX_BYTES);

	put_event(e, &out);
	if (c->json)
		puts(buf_str(&out));
	else
		show_event(cat, e);
	buf_free(&out);
}

/* as: "field" or "legField". */
static void
give_field(const struct cli *c, const struct catalog_field *f, const char *as)
{
	struct buf out = BUF_INIT(LINE_MAX_BYTES);

	put_field(f, as, &out);
	if (c->json)
		puts(buf_str(&out));
	else
		show_field(f);
	buf_free(&out);
}

static void
list_json(const struct cli *c, const struct catalog *cat)
{
	const struct catalog_event *e;
	const struct catalog_field *f;

	for (size_t i = 0; (e = catalog_event_at(cat, i)) != NULL; i++)
		give_event(c, cat, e);
	for (size_t i = 0; (f = catalog_field_at(cat, i)) != NULL; i++)
		give_field(c, f, "field");
	for (size_t i = 0; (f = catalog_leg_at(cat, i)) != NULL; i++)
		give_field(c, f, "legField");
}

static int
no_event(const struct catalog *cat, const char *name)
{
	const char *near = catalog_event_nearest(cat, slice_of(name));

	if (near == NULL)
		return cli_fail("there is no event %s", name);
	return cli_fail("there is no event %s; did you mean %s?", name, near);
}

static int
unknown(const struct catalog *cat, struct slice name)
{
	const char *near[2 + LEG_NAMES_MAX];
	const struct catalog_field *f;
	size_t n = 0;

	near[n] = catalog_event_nearest(cat, name);
	n += near[n] != NULL;
	near[n] = catalog_field_nearest(cat, name);
	n += near[n] != NULL;
	for (size_t i = 0; i < LEG_NAMES_MAX &&
	    (f = catalog_leg_at(cat, i)) != NULL; i++)
		near[n++] = f->name;
	near[0] = text_nearest(name, near, n);
	if (near[0] == NULL)
		return cli_fail("there is no event or field %s", name.s);
	return cli_fail("there is no event or field %s; did you mean %s?",
	    name.s, near[0]);
}

/* A name may be an event's, a field's and a leg's field's at once. */
static int
look_up(const struct cli *c, const struct catalog *cat, struct slice name)
{
	const struct catalog_event *e = catalog_event_find(cat, name);
	const struct catalog_field *f = catalog_field_find(cat, name);
	const struct catalog_field *leg = catalog_leg_find(cat, name);

	if (e == NULL && f == NULL && leg == NULL)
		return unknown(cat, name);
	if (e != NULL)
		give_event(c, cat, e);
	if (f != NULL)
		give_field(c, f, "field");
	if (f != NULL && leg != NULL && !c->json)
		putchar('\n');
	if (leg != NULL)
		give_field(c, leg, "legField");
	return CLI_OK;
}

static void
give_sample(const struct catalog *cat, const struct catalog_event *e)
{
	struct buf out = BUF_INIT(SAMPLE_MAX);

	put_sample(cat, e, &out);
	puts(buf_str(&out));
	buf_free(&out);
}

/* A line for each event that is asked for, as `skycap send` takes them. */
static int
samples(const struct catalog *cat, const char *name)
{
	const struct catalog_event *e;

	if (name != NULL) {
		e = catalog_event_find(cat, slice_of(name));
		if (e == NULL)
			return no_event(cat, name);
		give_sample(cat, e);
		return CLI_OK;
	}
	for (size_t i = 0; (e = catalog_event_at(cat, i)) != NULL; i++)
		if (!catalog_is_operational(e))
			give_sample(cat, e);
	return CLI_OK;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct buf why = BUF_INIT(4096);
	struct conf *conf = malloc(sizeof *conf);
	struct catalog *cat = NULL;
	bool sample = false;
	const struct cli_option opt[] = {
		{ .name = "sample", .flag = &sample },
	};
	int status, left;

	if (conf == NULL)
		return cli_fail("out of memory");
	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == 0 || left == 1)
		status = cli_conf(c, conf);
	else if (left > 1)
		status = cli_usage(c, "one name is enough");
	if (left < 0 || status != CLI_OK)
		goto done;
	if (catalog_open(&cat, conf->site_data, conf->path, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else if (sample)
		status = samples(cat, left == 1 ? argv[1] : NULL);
	else if (left == 1)
		status = look_up(c, cat, slice_of(argv[1]));
	else if (c->json)
		list_json(c, cat);
	else {
		print_events(cat);
		print_fields(cat, "FIELD", catalog_field_at);
		print_fields(cat, "FIELD OF LEGS", catalog_leg_at);
	}
done:
	catalog_free(cat);
	buf_free(&why);
	free(conf);
	return status;
}

const struct command cmd_catalog = {
	.name = "catalog",
	.usage = "[NAME] [--sample]",
	.summary = "the event types, and the fields that templates may use",
	.help = "With a name: all that is known of the event or field, and "
	    "what such an event looks\nlike.  --sample prints that event "
	    "alone, marked as a test, ready for `skycap send -`;\nwithout a "
	    "name one of each type, one a line.\n\n"
	    "Operational events are the service's own, about a subscription "
	    "that fails, was\ndisabled or has recovered: for clients that see "
	    "everything, by name (\"*\" leaves\nthem out).  Nobody can post "
	    "them.  Their order is the object that the sample shows.\n\n"
	    "More events and fields go into a catalog.json of your own beside "
	    "skycap.conf, which\nis read when a program starts: the README "
	    "says how.",
	.run = run,
};
