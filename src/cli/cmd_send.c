#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "cli/cli.h"
#include "work/intake.h"
#include "work/nudge.h"

#define INPUT_MAX (256u << 20)	/* bytes */

struct send {
	const struct cli *c;
	struct intake	 intake;
	struct intake_work *work;
	struct intake_item item[INTAKE_RUN];
	size_t		 waiting, line;
	bool		 failed;
};

static void
flush_run(struct send *s)
{
	const char *pointer, *detail;
	char id[ID_MAX];

	if (s->waiting == 0)
		return;
	intake_take(&s->intake, s->work, INTAKE_NO_KEY, s->item, s->waiting);
	store_idle(s->intake.store);
	for (size_t i = 0; i < s->waiting; i++) {
		const struct intake_item *it = &s->item[i];

		s->line++;
		if (it->status != 202 && it->status != 200) {
			s->failed = true;
			for (size_t k = 0; problems_at(&it->bad, k, &pointer,
			    &detail); k++)
				cli_fail("event %zu: %s%s%s", s->line, pointer,
				    *pointer == '\0' ? "" : " ", detail);
			continue;
		}
		store_event_id(s->intake.store, it->position, id);
		if (s->c->json)
			printf("{\"id\":\"%s\",\"deliveries\":%u,"
			    "\"duplicate\":%s}\n", id, it->deliveries,
			    it->status == 200 ? "true" : "false");
		else
			puts(id);
	}
	s->waiting = 0;
}

static void
add(struct send *s, struct slice json)
{
	s->item[s->waiting++].json = json;
	if (s->waiting == INTAKE_RUN)
		flush_run(s);
}

/* One document, an array of them, or one a line. */
static int
split(struct send *s, struct slice text)
{
	struct json_limits lim = { .depth = 128, .string = UINT32_MAX,
	    .tokens = 64 * 1024 * 1024, .number = UINT32_MAX };
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	bool whole = json_scan(&d, text, &lim, &err) == RC_OK;

	if (whole && d.tok[0].type == JSON_ARRAY)
		for (uint32_t i = 1; i < d.n; i = d.tok[i].next)
			add(s, json_text(&d, i));
	else if (whole || text.len == 0 ||
	    memchr(text.s, '\n', text.len) == NULL)
		add(s, text);
	else
		while (text.len > 0) {
			const char *nl = memchr(text.s, '\n', text.len);
			size_t len = nl == NULL ? text.len :
			    (size_t)(nl - text.s);
			size_t i = 0;

			while (i < len && (text.s[i] == ' ' ||
			    text.s[i] == '\t' || text.s[i] == '\r'))
				i++;
			if (i < len)
				add(s, (struct slice){ text.s, len });
			len += nl != NULL;
			text.s += len;
			text.len -= len;
		}
	flush_run(s);
	json_doc_free(&d);
	return s->failed ? CLI_FAILED : CLI_OK;
}

static int
run(struct cli *c, int argc, char **argv)
{
	struct buf text = BUF_INIT(INPUT_MAX);
	struct send *s;
	int status, left;

	left = cli_options(c, argc, argv, NULL, 0, &status);
	if (left == -1)
		return status;
	if (left != 1)
		return cli_usage(c, "one file is needed, or -");
	status = cli_read(argv[1], &text);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status != CLI_OK) {
		buf_free(&text);
		return status;
	}
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return cli_fail("out of memory");
	s->c = c;
	s->intake = (struct intake){ c->service.store, c->service.rosters,
	    &c->service.crypt, c->service.catalog, c->service.conf.store_dir,
	    nudge_open_sender() };
	s->work = intake_work_new(&s->intake);
	for (size_t i = 0; i < INTAKE_RUN; i++)
		s->item[i].bad = (struct problems)PROBLEMS_INIT;
	status = split(s, buf_as_slice(&text));
	for (size_t i = 0; i < INTAKE_RUN; i++)
		problems_free(&s->item[i].bad);
	intake_work_free(s->work);
	if (s->intake.nudge != -1)
		close(s->intake.nudge);
	free(s);
	buf_free(&text);
	return status;
}

const struct command cmd_send = {
	.name = "send",
	.usage = "FILE|-",
	.summary = "accept events from a file, as intake does",
	.help = "The file holds one event, an array of them, or one a line.  "
	    "Prints an id for each\nonce it is kept; what is wrong with the "
	    "others goes to standard error.",
	.run = run,
};
