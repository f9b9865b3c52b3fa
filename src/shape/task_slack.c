/*
 * "slack": the URL, which is a secret as a whole, and the text.
 */
#include "shape/task_data.h"
#include "shape/template_op.h"

struct template *
task_check_text(struct task_check *k, uint32_t tok, enum template_place place,
    size_t max)
{
	struct buf text = BUF_INIT(max);
	struct template *t = NULL;
	struct template_error err;

	if (!task_is(k, tok, JSON_STRING))
		return NULL;
	json_string(&k->doc, tok, &text);
	if (text.over)
		task_fault(k, tok, "is longer than %zu bytes", max);
	else if (text.len == 0)
		task_fault(k, tok, "must not be empty; without it, a "
		    "ready-made one is sent");
	else if (template_compile(&t, k->c, place, buf_as_slice(&text),
	    &err) != RC_OK) {
		t = NULL;
		err.tok = tok;
		task_template_fault(k, &err);
	}
	buf_free(&text);
	return t;
}

/* Nobody may be led to another place by what an order says. */
static void
check_url(struct task_check *k, uint32_t tok)
{
	struct buf url = BUF_INIT(TASK_URL_MAX);
	const char *tag = NULL;

	if (k->doc.tok[tok].type == JSON_STRING)
		json_string(&k->doc, tok, &url);
	if (!url.over)
		tag = template_next_tag(buf_as_slice(&url), 0);
	if (tag != NULL)
		task_fault_at(k, tok, (size_t)(tag - url.s), "must be as "
		    "Slack gave it: there are no templates in it");
	else
		task_check_url(k, tok);
	buf_wipe(&url);
}

void
task_check_slack(struct task_check *k, uint32_t obj)
{
	static const char *const known[] = { "url", "text" };
	uint32_t at[NELEM(known)];

	task_members(k, obj, known, NELEM(known), at);
	k->t->method = "POST";
	if (at[0] == 0)
		task_fault(k, obj, "lacks url");
	else
		check_url(k, at[0]);
	if (at[1] != 0)
		k->t->body = task_check_text(k, at[1], TEMPLATE_SLACK,
		    TASK_TEXT_MAX);
}
