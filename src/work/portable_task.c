/*
 * The tasks of an export, each compiled before anything is made.  Their faults
 * are told by their places in the whole file.
 */
#include <stdio.h>
#include "work/config_change.h"
#include "work/portable_read.h"

/* One task's check. */
struct check {
	struct portable_file *f;
	uint32_t	 tok;		/* the task */
	unsigned	 line, col;	/* where its text begins; line 0: not
					   looked for yet */
};

static void
find_place(struct check *k)
{
	const char *s = k->f->doc.text.s;
	const char *end = json_text(&k->f->doc, k->tok).s;

	k->line = k->col = 1;
	for (; s < end; s++) {
		k->col = *s == '\n' ? 1 : k->col + 1;
		k->line += *s == '\n';
	}
}

/*
 * task_compile counts the lines and columns it names from the task's first
 * byte: put those of the file in their place.
 */
static void
put_detail(struct check *k, const char *detail, struct buf *out)
{
	unsigned line, col;
	int n = 0;

	if (sscanf(detail, "line %9u, column %9u:%n", &line, &col, &n) == 2 &&
	    n > 0) {
		if (k->line == 0)
			find_place(k);
		if (line == 1)
			col += k->col - 1;
		buf_printf(out, "line %u, column %u:", line + k->line - 1,
		    col);
		detail += n;
	}
	buf_puts(out, detail);
}

static void
problem(void *arg, const char *pointer, const char *detail)
{
	struct check *k = arg;
	struct buf text = BUF_INIT(8192);

	if (k->f->nfault < PORTABLE_FAULTS_MAX) {
		json_pointer(&k->f->doc, k->tok, &text);
		buf_printf(&text, "%s: ", pointer);
		put_detail(k, detail, &text);
	}
	portable_fault(k->f, 0, "%s", buf_str(&text));
	buf_free(&text);
}

static bool
has_masked_url(const struct json_doc *d, uint32_t channel)
{
	static const char dots[] = "\xe2\x80\xa2\xe2\x80\xa2";
	uint32_t url = json_find(d, channel, "url");
	struct buf text = BUF_INIT(65536);
	bool masked = false;

	if (url != 0 && d->tok[url].type == JSON_STRING) {
		json_string(d, url, &text);
		masked = memmem(buf_str(&text), text.len, dots,
		    sizeof dots - 1) != NULL;
	}
	buf_free(&text);
	return masked;
}

/* Some secret of the task is only a mask. */
static bool
is_masked(const struct json_doc *d, uint32_t task)
{
	uint32_t http = json_find(d, task, "httpRequest");
	uint32_t slack = json_find(d, task, "slack");
	uint32_t header = http == 0 ? 0 : json_find(d, http, "header");
	bool masked = (http != 0 && has_masked_url(d, http)) ||
	    (slack != 0 && has_masked_url(d, slack));

	if (header != 0 && d->tok[header].type == JSON_OBJECT)
		for (uint32_t k = header + 1; k < d->tok[header].next;
		    k = d->tok[k + 1].next)
			masked |= json_find(d, k + 1, "secret") != 0;
	return masked;
}

void
portable_check_task(struct portable_file *f, uint32_t tok,
    const struct portable_client *c, const struct portable_subscription *s)
{
	struct check k = { .f = f, .tok = json_find(&f->doc, tok, "task") };
	struct subscription_new new = portable_new(s);
	struct buf why = BUF_INIT(4096);
	struct task *t = NULL;

	if (s->task.s == NULL)
		return;			/* told already */
	if (task_compile(&t, f->cf->catalog, s->task, NULL, 0, problem, &k) !=
	    RC_OK)
		f->masked |= is_masked(&f->doc, k.tok);
	else if (!c->all && task_wants_operational(t))
		portable_fault(f, json_find(&f->doc, k.tok, "event"), "%s",
		    CONFIG_NOT_ALL);
	else if (subscription_check(f->cf, &new, &why) != RC_OK)
		portable_fault(f, k.tok, "%s", buf_str(&why));
	task_free(t);
	buf_free(&why);
}

struct subscription_new
portable_new(const struct portable_subscription *s)
{
	return (struct subscription_new){ .json = s->task, .state = s->state,
	    .reason = buf_str(&s->reason), .secrets = &s->secrets };
}
