/*
 * "mail": whom it goes to, subject and text.
 */
#include <stdlib.h>
#include "base/log.h"
#include "base/text.h"
#include "shape/address.h"
#include "shape/task_data.h"
#include "shape/template_op.h"

/* What stands around a template's tags may not make it two addresses. */
static const char *
template_fault_of(struct slice text, size_t *at)
{
	struct template_tag tag;
	const char *fault;
	size_t from = 0, n, in;

	while (from < text.len) {
		struct slice rest = { text.s + from, text.len - from };

		n = template_literal_len(rest);
		fault = address_part_fault((struct slice){ rest.s, n }, &in);
		if (fault != NULL) {
			*at = from + in;
			return fault;
		}
		from += n;
		rest = (struct slice){ rest.s + n, rest.len - n };
		if (rest.len == 0 || template_tag(rest, &tag) != RC_OK)
			break;		/* its compiler tells */
		from += tag.len;
	}
	return NULL;
}

/*
 * RFC 5321 lets a server tell names apart by case, and advises against it;
 * people mean the same mailbox.
 */
static bool
is_there(const struct task *t, struct slice address)
{
	for (size_t i = 0; i < t->nto; i++)
		if (text_same_nocase(t->to[i].written, address))
			return true;
	return false;
}

static void
add(struct task_check *k, uint32_t tok, struct slice text)
{
	struct task *t = k->t;
	struct task_to *to = &t->to[t->nto];
	struct template_error err;

	if (template_compile(&to->text, k->c, TEMPLATE_TEXT, text, &err) !=
	    RC_OK) {
		to->text = NULL;
		err.tok = tok;
		task_template_fault(k, &err);
		return;
	}
	/* names has room for all of them at once, so it never moves */
	to->written = (struct slice){ t->names.s + t->names.len, text.len };
	buf_slice(&t->names, text);
	t->nto++;
}

static void
check_address(struct task_check *k, uint32_t tok)
{
	struct buf text = BUF_INIT(TASK_TO_MAX);
	const char *fault = NULL;
	struct slice s;
	size_t at = 0;
	bool literal;

	if (!task_is(k, tok, JSON_STRING))
		return;
	json_string(&k->doc, tok, &text);
	s = buf_as_slice(&text);
	literal = template_literal_len(s) == s.len;
	if (text.over)
		task_fault(k, tok, "is longer than %d bytes", TASK_TO_MAX);
	else if (literal)
		fault = address_fault(s, &at);
	else
		fault = template_fault_of(s, &at);
	if (fault == NULL && literal && is_there(k->t, s))
		fault = "is there twice: it would get each message twice";
	if (fault != NULL)
		task_fault_at(k, tok, at, "%s", fault);
	else if (!text.over)
		add(k, tok, s);
	buf_free(&text);
}

/* A list of addresses, or one. */
static void
check_to(struct task_check *k, uint32_t tok)
{
	const struct json_tok *t = k->doc.tok;
	uint32_t n = t[tok].type == JSON_ARRAY ? t[tok].n : 1;

	if (t[tok].type != JSON_ARRAY && t[tok].type != JSON_STRING)
		task_fault(k, tok, "must be a list of addresses, or one");
	else if (n == 0)
		task_fault(k, tok, "must have at least one address");
	else if (n > TASK_RECIPIENTS_MAX)
		task_fault(k, tok, "must have at most %d addresses",
		    TASK_RECIPIENTS_MAX);
	else {
		k->t->to = calloc(n, sizeof *k->t->to);
		if (k->t->to == NULL || buf_room(&k->t->names,
		    (size_t)n * TASK_TO_MAX) == NULL)
			log_fatal("out of memory");
		if (t[tok].type == JSON_STRING)
			check_address(k, tok);
		for (uint32_t i = tok + 1; t[tok].type == JSON_ARRAY &&
		    i < t[tok].next; i = t[i].next)
			check_address(k, i);
	}
}

void
task_check_mail(struct task_check *k, uint32_t obj)
{
	static const char *const known[] = { "to", "subject", "text" };
	uint32_t at[NELEM(known)];

	task_members(k, obj, known, NELEM(known), at);
	k->t->method = "";
	if (at[0] == 0)
		task_fault(k, obj, "lacks to");
	else
		check_to(k, at[0]);
	if (at[1] != 0)
		k->t->subject = task_check_text(k, at[1], TEMPLATE_TEXT,
		    TASK_SUBJECT_MAX);
	if (at[2] != 0)
		k->t->body = task_check_text(k, at[2], TEMPLATE_TEXT,
		    TASK_TEXT_MAX);
}
