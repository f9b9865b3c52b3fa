#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"
#include "cli/cli.h"
#include "ui/intake_batch.h"
#include "work/batch.h"
#include "work/nudge.h"

#define INPUT_MAX (256u << 20)	/* bytes */

struct send {
	const struct cli *c;
	struct intake	 intake;
	struct intake_work *work;
	struct intake_item item[INTAKE_RUN];
	size_t		 waiting, done;
	bool		 failed;
};

static void
complain(const struct send *s, const struct intake_item *it)
{
	const char *pointer, *detail;

	for (size_t k = 0; problems_at(&it->bad, k, &pointer, &detail); k++)
		cli_fail("event %zu: %s%s%s", s->done, pointer,
		    *pointer == '\0' ? "" : " ", detail);
}

static void
take(struct send *s)
{
	struct buf out = BUF_INIT(1024 * 1024);
	char id[ID_MAX];

	if (s->waiting == 0)
		return;
	intake_take(&s->intake, s->work, INTAKE_NO_KEY, s->item, s->waiting);
	store_idle(s->intake.store);
	for (size_t i = 0; i < s->waiting; i++) {
		const struct intake_item *it = &s->item[i];
		bool taken = it->status == 202 || it->status == 200;

		s->done++;
		if (!taken) {
			s->failed = true;
			complain(s, it);
		}
		if (s->c->json) {
			buf_clear(&out);
			intake_put_result(&s->intake, it, &out);
			puts(buf_str(&out));
		} else if (taken) {
			store_event_id(s->intake.store, it->position, id);
			puts(id);
		}
	}
	s->waiting = 0;
	buf_free(&out);
}

static void
add(struct send *s, struct slice json)
{
	s->item[s->waiting++].json = json;
	if (s->waiting == INTAKE_RUN)
		take(s);
}

/* One of the lines is an object of its own: then all of them should be. */
static bool
is_lines(struct slice text)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct slice line;
	bool found = false;

	while (!found && batch_next_line(&text, &line))
		found = json_scan(&d, line, &json_limits_default, &err) ==
		    RC_OK && d.tok[0].type == JSON_OBJECT;
	json_doc_free(&d);
	return found;
}

static int
send_array(struct send *s, const char *file, struct slice text)
{
	struct json_error err;
	struct slice item;
	size_t n;

	if (batch_check(text, SIZE_MAX, &n, &err) != RC_OK)
		return cli_fail("%s: line %u, column %u: %s; nothing was "
		    "kept", file, err.line, err.col, err.detail);
	while (batch_next_item(&text, &item))
		add(s, item);
	return CLI_OK;
}

/* One document, an array of them, or one a line. */
static int
send_all(struct send *s, const char *file, struct slice text)
{
	struct slice rest = text, line;
	int status = CLI_OK;

	if (!batch_next_line(&rest, &line))
		return cli_fail("%s: there is no event in it", file);
	rest = text;
	if (batch_is_array(text))
		status = send_array(s, file, text);
	else if (is_lines(text))
		while (batch_next_line(&rest, &line))
			add(s, line);
	else
		add(s, text);
	take(s);
	return s->failed ? CLI_FAILED : status;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct buf text = BUF_INIT(INPUT_MAX);
	struct send *s = NULL;
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one file is needed, or - for standard "
		    "input");
	status = cli_read(argv[1], &text);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status != CLI_OK)
		goto done;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		log_fatal("out of memory");
	s->c = c;
	s->intake = (struct intake){ .store = c->service.store,
	    .rosters = c->service.rosters, .crypt = &c->service.crypt,
	    .catalog = c->service.catalog,
	    .store_dir = c->service.conf.store_dir,
	    .nudge = nudge_open_sender(),
	    .event_max = (size_t)c->service.conf.intake_body_max };
	s->work = intake_work_new(&s->intake);
	for (size_t i = 0; i < INTAKE_RUN; i++)
		s->item[i].bad = (struct problems)PROBLEMS_INIT;
	status = send_all(s, argv[1], buf_as_slice(&text));
	for (size_t i = 0; i < INTAKE_RUN; i++)
		problems_free(&s->item[i].bad);
	intake_work_free(s->work);
	if (s->intake.nudge != -1)
		close(s->intake.nudge);
done:
	free(s);
	buf_free(&text);
	return status;
}

const struct command cmd_send = {
	.name = "send",
	.usage = "FILE|-",
	.summary = "accept events from a file, as intake does",
	.help = "The file holds one event, an array of them, or one a line.  "
	    "Prints an id for each\nonce it is kept (with --json a result for "
	    "each, as intake answers a batch); what is\nwrong with the others "
	    "goes to standard error.",
	.run = run,
};
