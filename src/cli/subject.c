#include "cli/subject.h"

/* Put the file's task in place of the subscription's own. */
static int
take_draft(const struct cli *c, const struct buf *json, struct subject *s)
{
	struct buf why = BUF_INIT(65536);
	int status = CLI_OK;

	if (config_task(c->service.catalog, s->of.task, buf_as_slice(json),
	    &s->draft, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	s->of.task = s->draft;
	s->of.draft = true;
	buf_free(&why);
	return status;
}

int
subject_open(struct cli *c, const char *id, const char *file,
    struct subject *s)
{
	struct buf json = BUF_INIT(TASK_WRITTEN_MAX);
	uint32_t number;
	int status = CLI_OK;

	*s = (struct subject){ .draft = NULL };
	if (file != NULL)
		status = cli_read(file, &json);
	if (status == CLI_OK)
		status = cli_open(c);
	if (status == CLI_OK)
		status = cli_record(c, STORE_SUBSCRIPTION, id, &number);
	if (status == CLI_OK)
		status = cli_roster(c, &s->roster);
	if (status != CLI_OK)
		goto done;
	s->subscription = roster_subscription(s->roster, number);
	if (s->subscription == NULL) {
		status = cli_fail("there is no subscription %s", id);
		goto done;
	}
	s->of = preview_of(s->subscription);
	if (file != NULL)
		status = take_draft(c, &json, s);
	else if (s->of.task == NULL)
		status = cli_fail("its task does not hold with this "
		    "catalogue; skycap subscription edit mends it");
done:
	buf_wipe(&json);
	return status;
}

void
subject_free(struct subject *s)
{
	task_free(s->draft);
	if (s->roster != NULL)
		roster_release(s->roster);
	*s = (struct subject){ .draft = NULL };
}
