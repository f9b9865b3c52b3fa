#include <stdlib.h>
#include "base/log.h"
#include "work/config.h"

void
config_task_fault(void *arg, const char *pointer, const char *detail)
{
	struct buf *why = arg;

	if (why->len > 0)
		buf_putc(why, '\n');
	/* a key may hold a line's end */
	json_put_escaped(why, slice_of(pointer));
	buf_printf(why, "%s%s", *pointer == '\0' ? "" : ": ", detail);
}

static bool
names_events(struct slice json)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	bool named = true;		/* what is no JSON is told as that */

	if (json_scan(&d, json, &json_limits_default, &err) == RC_OK)
		named = json_find(&d, 0, "event") != 0;
	json_doc_free(&d);
	return named;
}

/* The events of a task, to stand beside one that names none. */
static struct slice *
events_of(const struct task *t, size_t *n)
{
	struct slice *events;

	for (*n = 0; task_event_at(t, *n) != NULL; ++*n)
		continue;
	events = calloc(*n + 1, sizeof *events);
	if (events == NULL)
		log_fatal("out of memory");
	for (size_t i = 0; i < *n; i++)
		events[i] = slice_of(task_event_at(t, i));
	return events;
}

enum rc
config_task(const struct catalog *c, const struct task *was,
    struct slice json, struct task **t, struct buf *why)
{
	struct buf merged = BUF_INIT(TASK_WRITTEN_MAX);
	size_t room = json.len + STORE_RECORD_MAX, n = 0;
	struct slice *events = NULL;
	enum rc rc = RC_TOOBIG;

	/* at once: leaves no copies of secrets */
	(void)buf_room(&merged, room < merged.max ? room : merged.max);
	if (was != NULL)
		task_merge_secrets(was, json, &merged);
	else
		buf_slice(&merged, json);
	if (was != NULL && !names_events(json))
		events = events_of(was, &n);
	if (merged.over)
		buf_puts(why, "the task is too large");
	else
		rc = task_compile(t, c, buf_as_slice(&merged), events, n,
		    config_task_fault, why);
	free(events);
	buf_wipe(&merged);
	return rc;
}
