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

enum rc
config_task(const struct catalog *c, const struct task *was,
    struct slice json, struct task **t, struct buf *why)
{
	struct buf merged = BUF_INIT(TASK_WRITTEN_MAX);
	size_t room = json.len + STORE_RECORD_MAX;
	enum rc rc = RC_TOOBIG;

	/* at once: leaves no copies of secrets */
	(void)buf_room(&merged, room < merged.max ? room : merged.max);
	if (was != NULL)
		task_merge_secrets(was, json, &merged);
	else
		buf_slice(&merged, json);
	if (merged.over)
		buf_puts(why, "the task is too large");
	else
		rc = task_compile(t, c, buf_as_slice(&merged), NULL, 0,
		    config_task_fault, why);
	buf_wipe(&merged);
	return rc;
}
