/*
 * Telling what is wrong with a task, and where: pointer, line and column.
 */
#include <stdio.h>
#include "base/text.h"
#include "shape/piece.h"
#include "shape/task_data.h"

/* The byte of a string's text that gave byte off of what it says. */
static size_t
written_at(struct slice text, size_t off)
{
	const char *start = text.s, *from = text.s;
	struct slice run;
	char tmp[4];

	while (piece_next(&text, tmp, &run)) {
		if (off < run.len)
			return (size_t)(from - start) +
			    (run.s == tmp ? 0 : off);
		off -= run.len;
		from = text.s;
	}
	return (size_t)(from - start);
}

static void
put_place(const struct task_check *k, uint32_t tok, size_t off,
    struct buf *out)
{
	const struct json_tok *t = &k->doc.tok[tok];
	const char *line = k->doc.text.s, *at = line + t->off, *nl;
	size_t n = 1;

	if (t->type == JSON_STRING)
		at += written_at(json_raw(&k->doc, tok), off);
	for (;;) {
		nl = memchr(line, '\n', (size_t)(at - line));
		if (nl == NULL)
			break;
		line = nl + 1;
		n++;
	}
	buf_printf(out, "line %zu, column %zu: ", n, text_chars((struct slice){
	    line, (size_t)(at - line) }) + 1);
}

static void report(struct task_check *k, uint32_t tok, size_t off,
    const char *fmt, va_list ap) PRINTF(4, 0);

/* Each costs a look at all of the text before it: so not without end. */
static void
report(struct task_check *k, uint32_t tok, size_t off, const char *fmt,
    va_list ap)
{
	struct buf at = BUF_INIT(4096), text = BUF_INIT(1024);

	if (k->n++ >= TASK_PROBLEMS_MAX)
		return;
	json_pointer(&k->doc, tok, &at);
	if (tok != 0)
		put_place(k, tok, off, &text);
	buf_vprintf(&text, fmt, ap);
	k->problem(k->arg, buf_str(&at), buf_str(&text));
	buf_free(&at);
	buf_free(&text);
}

void
task_fault(struct task_check *k, uint32_t tok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(k, tok, 0, fmt, ap);
	va_end(ap);
}

void
task_fault_at(struct task_check *k, uint32_t tok, size_t off,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(k, tok, off, fmt, ap);
	va_end(ap);
}

void
task_template_fault(struct task_check *k, const struct template_error *err)
{
	task_fault_at(k, err->tok, err->off, "%s", err->detail);
}

void
task_faults_end(struct task_check *k)
{
	char detail[64];

	if (k->n <= TASK_PROBLEMS_MAX)
		return;
	snprintf(detail, sizeof detail, "has %zu more problems",
	    k->n - TASK_PROBLEMS_MAX);
	k->problem(k->arg, "", detail);
}

/* What may stand here, where nothing comes near to what does. */
static void
put_known(struct buf *out, const char *const *known, size_t n)
{
	buf_puts(out, "; known are ");
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i == 0 ? "" : i + 1 < n ? ", " : " and ");
		buf_puts(out, known[i]);
	}
}

size_t
task_known_key(struct task_check *k, uint32_t key, const char *const *known,
    size_t n, size_t shown)
{
	struct buf name = BUF_INIT(256), more = BUF_INIT(512);
	const char *near;
	size_t i = 0;

	while (i < n && !json_string_is(&k->doc, key, slice_of(known[i])))
		i++;
	if (i < n)
		return i;
	json_string(&k->doc, key, &name);
	near = text_nearest(buf_as_slice(&name), known, shown);
	if (near != NULL)
		buf_printf(&more, "; did you mean %s?", near);
	else
		put_known(&more, known, shown);
	task_fault(k, key, "is not known here%s", buf_str(&more));
	buf_free(&name);
	buf_free(&more);
	return n;
}

void
task_members(struct task_check *k, uint32_t obj, const char *const *known,
    size_t n, uint32_t *at)
{
	const struct json_tok *t = k->doc.tok;

	for (size_t i = 0; i < n; i++)
		at[i] = 0;
	for (uint32_t i = obj + 1; i < t[obj].next; i = t[i + 1].next) {
		size_t m = task_known_key(k, i, known, n, n);

		if (m < n && t[i + 1].type != JSON_NULL)
			at[m] = i + 1;
	}
}

bool
task_is(struct task_check *k, uint32_t tok, enum json_type type)
{
	static const char *const what[] = { "null", "false", "true",
	    "a number", "a string", "a list", "an object" };

	if (k->doc.tok[tok].type == type)
		return true;
	task_fault(k, tok, "must be %s", what[type]);
	return false;
}
