#include <stdio.h>
#include <unistd.h>
#include "cli/print.h"
#include "cli/subject.h"
#include "work/listing.h"

struct options {
	const char	*event_id, *sample, *file;
	enum outgoing_secrets how;
};

/* What is said beside the request goes where it is not taken for it. */
static void
note(const char *name, const struct buf *value)
{
	struct buf text = BUF_INIT(65536);

	print_clean(buf_as_slice(value), &text);
	fprintf(stderr, "%-10s%s\n", name, buf_str(&text));
	buf_free(&text);
}

static void
note_event(const struct preview *p)
{
	struct buf text = BUF_INIT(4096);
	char id[ID_MAX], when[PRINT_TIME_MAX];

	if (p->event.position == 0) {
		buf_puts(&text, "a sample ");
		buf_slice(&text, p->event.type);
	} else {
		store_event_id(p->store, p->event.position, id);
		print_time(p->event.accepted_ms, when);
		buf_printf(&text, "%s  ", id);
		buf_slice(&text, p->event.type);
		order_of(&p->order, &text);
		buf_printf(&text, ", accepted %s%s", when,
		    p->event.test ? ", a test" : "");
	}
	note("event", &text);
	buf_free(&text);
}

static void
note_wanted(const struct preview *p, const struct subscription *s)
{
	enum subscription_state state = subscription_state(s);
	struct buf text = BUF_INIT(2048);

	buf_printf(&text, p->wanted ? "yes" : "no: %s", buf_str(&p->reason));
	if (state != SUBSCRIPTION_ACTIVE)
		buf_printf(&text, "; the subscription is %s, so what it wants "
		    "is held", subscription_state_name(state));
	note("wanted", &text);
	buf_free(&text);
}

static void
note_body(const struct preview *p)
{
	struct buf text = BUF_INIT(2048);

	/* task_render has had it scanned */
	buf_printf(&text, "%zu bytes of valid JSON", p->out.rq.body.len);
	note("body", &text);
	buf_free(&text);
}

static void
print(const struct cli *c, const struct preview *p,
    const struct preview_of *of, const struct subscription *s,
    enum outgoing_secrets how)
{
	struct buf out = BUF_INIT(16 * 1024 * 1024);

	(void)buf_room(&out, 2 * (p->out.rq.body.len + p->out.head.len) +
	    65536);			/* at once: leaves no copies */
	if (c->json) {
		preview_print(p, of, how, &out);
		buf_putc(&out, '\n');
		print_json(&out);
	} else {
		note_event(p);
		note_wanted(p, s);
		note_body(p);
		fputc('\n', stderr);
		outgoing_print(&p->out, how, &out);
		buf_puts(&out, "\r\n");
		buf_slice(&out, buf_as_slice(&p->out.rq.body));
		if (isatty(STDOUT_FILENO))
			print_quoted("", buf_as_slice(&out));
		else
			fwrite(out.s, 1, out.len, stdout);
	}
	buf_wipe(&out);
}

/* Take the event that is asked for, or one that fits. */
static int
take(const struct cli *c, const struct options *o,
    const struct catalog_event *type, struct preview *p,
    const struct preview_of *of)
{
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;
	uint64_t position;
	enum rc rc;

	if (type != NULL)
		preview_sample(p, of, type);
	else if (o->event_id == NULL) {
		rc = preview_newest(p, of);
		if (rc == RC_NOTFOUND)
			preview_sample(p, of, NULL);
		else if (rc != RC_OK)
			status = cli_unreadable();
	} else if (store_event_parse(c->service.store, slice_of(o->event_id),
	    &position) != RC_OK)
		status = cli_fail("%s is not the id of an event here",
		    o->event_id);
	else if (preview_event(p, of, position, &why) != RC_OK)
		status = cli_fail("%s: %s", o->event_id, buf_str(&why));
	buf_free(&why);
	return status;
}

static int
preview(const struct cli *c, const struct options *o,
    const struct catalog_event *type, const struct subscription *s,
    const struct preview_of *of)
{
	struct preview p = PREVIEW_INIT(c->service.store, c->service.catalog);
	struct buf why = BUF_INIT(1024);
	int status;

	status = take(c, o, type, &p, of);
	store_idle(c->service.store);
	if (status != CLI_OK)
		goto done;
	if (preview_make(&p, of, &why) == RC_OK)
		print(c, &p, of, s, o->how);
	else {
		if (!c->json)
			note_event(&p);
		status = cli_fail("it can't be rendered: %s", buf_str(&why));
	}
done:
	preview_free(&p);
	buf_free(&why);
	return status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct options o = { .how = OUTGOING_MASKED };
	bool secrets = false;
	const struct cli_option opt[] = {
		{ .name = "event-id", .value = &o.event_id },
		{ .name = "sample", .value = &o.sample },
		{ .name = "file", .value = &o.file },
		{ .name = "with-secrets", .flag = &secrets },
	};
	const struct catalog_event *type = NULL;
	struct subject s;
	int status, left;

	left = cli_options(c, argc, argv, opt, NELEM(opt), &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one subscription is needed");
	if (o.event_id != NULL && o.sample != NULL)
		return cli_usage(c, "--event-id and --sample exclude each "
		    "other");
	if (secrets)
		o.how = OUTGOING_PLAIN;
	status = subject_open(c, argv[1], o.file, &s);
	if (status == CLI_OK && o.sample != NULL)
		status = cli_event_type(c, o.sample, &type);
	if (status == CLI_OK)
		status = preview(c, &o, type, s.subscription, &s.of);
	subject_free(&s);
	return status;
}

const struct command cmd_preview = {
	.name = "preview",
	.usage = "SUB [--event-id ID] [--file TASK.json|-] [--with-secrets]\n"
	    "SUB --sample TYPE [--file TASK.json|-] [--with-secrets]",
	.summary = "the exact request that a subscription gets for an event",
	.help = "  --event-id ID   for an event that was posted\n"
	    "  --sample TYPE   for the sample order of an event type\n"
	    "  --file TASK     with this task in place of its own; nothing is "
	    "saved\n"
	    "  --with-secrets  show secret values instead of masks\n\n"
	    "Without one, the event is the newest that the subscription gets "
	    "or, if there is\nnone, a sample.  Nothing is sent; the signature "
	    "is valid.  Which event it is and\nwhether the subscription wants "
	    "it goes to standard error.  Exit status 1 if it\ncan't be "
	    "rendered.",
	.run = run,
};
