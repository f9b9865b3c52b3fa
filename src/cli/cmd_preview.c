#include <stdio.h>
#include <unistd.h>
#include "cli/print.h"
#include "cli/subject.h"
#include "work/listing.h"

struct options {
	const char	*event_id, *sample, *file, *recipient;
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

	/* task_render has had what is JSON scanned */
	buf_printf(&text, "%zu bytes of %s", p->out.rq.body.len,
	    p->out.rq.channel == TASK_MAIL ? "text" : "valid JSON");
	note("body", &text);
	buf_free(&text);
}

/* Whose mail it is, and what it lacks to be sent. */
static void
note_mail(const struct cli *c, const struct preview *p,
    const struct preview_of *of)
{
	struct buf text = BUF_INIT(2048);

	buf_printf(&text, "%u of %u, to %s", p->recipient + 1,
	    task_recipients(of->task), buf_str(&p->out.rq.to));
	note("mail", &text);
	buf_clear(&text);
	if (p->from == NULL)
		buf_puts(&text, "no [mail] from is configured, so it is shown "
		    "as from " OUTGOING_NO_FROM);
	else if (c->service.conf.mail_url[0] == '\0')
		buf_puts(&text, "no [mail] url is configured, so mails wait "
		    "until one is");
	if (text.len > 0)
		note("note", &text);
	buf_free(&text);
}

static void
note_all(const struct cli *c, const struct preview *p,
    const struct preview_of *of, const struct subscription *s)
{
	note_event(p);
	note_wanted(p, s);
	if (p->out.rq.channel == TASK_MAIL)
		note_mail(c, p, of);
	note_body(p);
	fputc('\n', stderr);
}

static void
print(const struct cli *c, const struct preview *p,
    const struct preview_of *of, const struct subscription *s,
    enum outgoing_secrets how)
{
	struct buf out = BUF_INIT(16 * 1024 * 1024);

	(void)buf_room(&out, 2 * (p->out.rq.body.len + p->out.head.len +
	    p->out.message.len) + 65536);	/* at once: leaves no copies */
	if (c->json) {
		preview_print(p, of, how, &out);
		buf_putc(&out, '\n');
		print_json(&out);
	} else {
		note_all(c, p, of, s);
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

/* Make and print one. */
static int
show(const struct cli *c, struct preview *p, const struct preview_of *of,
    const struct subscription *s, enum outgoing_secrets how)
{
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;

	if (preview_make(p, of, &why) == RC_OK)
		print(c, p, of, s, how);
	else {
		if (!c->json)
			note_event(p);
		status = cli_fail("it can't be rendered: %s", buf_str(&why));
	}
	buf_free(&why);
	return status;
}

/*
 * The mails of all recipients, whatever becomes of one of them, or of the one
 * that was asked for.
 */
static int
show_each(const struct cli *c, const struct options *o, struct preview *p,
    const struct preview_of *of, const struct subscription *s)
{
	uint32_t n = task_recipients(of->task);
	int64_t first = 1, last = n;
	int status = CLI_OK;

	if (o->recipient != NULL) {
		if (!cli_number(o->recipient, 1, n, &first))
			return cli_fail("--recipient must be a number from 1 "
			    "to %u", n);
		last = first;
	}
	for (int64_t i = first; i <= last; i++) {
		int one;

		if (i > first && !c->json)
			putchar('\n');
		fflush(stdout);		/* before what is noted of the next */
		p->recipient = (uint32_t)(i - 1);
		one = show(c, p, of, s, o->how);
		status = status == CLI_OK ? one : status;
	}
	return status;
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
	const struct conf *conf = &c->service.conf;
	int status;

	p.from = conf->mail_from[0] == '\0' ? NULL : conf->mail_from;
	p.site_url = conf->site_url;
	status = take(c, o, type, &p, of);
	store_idle(c->service.store);
	if (status == CLI_OK)
		status = show_each(c, o, &p, of, s);
	preview_free(&p);
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
		{ .name = "recipient", .value = &o.recipient },
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
	.usage = "SUB [--event-id ID | --sample TYPE] [OPTION]...",
	.summary = "the exact request or mail that a subscription gets for an "
	    "event",
	.help = "  --event-id ID   for an event that was posted\n"
	    "  --sample TYPE   for the sample order of an event type\n"
	    "  --file TASK     with this task in place of its own; nothing is "
	    "saved\n"
	    "  --recipient N   of a mail to several addresses, that to the Nth "
	    "alone\n"
	    "  --with-secrets  show secret values instead of masks\n\n"
	    "Without one, the event is the newest that the subscription gets "
	    "or, if there is\nnone, a sample.  Nothing is sent; the signature "
	    "is valid.  Which event it is and\nwhether the subscription wants "
	    "it goes to standard error.  Exit status 1 if it\ncan't be "
	    "rendered.\n\n"
	    "A mail is shown as people read it, one for each recipient.  With "
	    "--json each is\nan object on a line of its own, and \"message\" "
	    "in it is what goes out, byte for\nbyte.",
	.run = run,
};
