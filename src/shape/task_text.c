/*
 * What people read: the headline, the text of a Slack message, and a mail's
 * address, subject and text.
 */
#include <stdio.h>
#include "base/text.h"
#include "shape/address.h"
#include "shape/piece.h"
#include "shape/task_data.h"

#define TOLD_MAX 80		/* bytes of a value that a reason repeats */

/*
 * The bytes at the front of s that are a control character or, with lines,
 * also one that ends a line; 0: none.
 */
static size_t
control(struct slice s, bool lines)
{
	const unsigned char *p = (const unsigned char *)s.s;

	if (p[0] < 0x20 || p[0] == 0x7f)
		return 1;
	if (s.len >= 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return 2;			/* C1 */
	if (lines && s.len >= 3 && p[0] == 0xe2 && p[1] == 0x80 &&
	    (p[2] == 0xa8 || p[2] == 0xa9))
		return 3;			/* U+2028, U+2029 */
	return 0;
}

static void
trim(struct buf *b)
{
	size_t from = 0;

	while (b->len > 0 && b->s[b->len - 1] == ' ')
		b->len--;
	while (from < b->len && b->s[from] == ' ')
		from++;
	b->len -= from;
	if (b->s != NULL) {
		memmove(b->s, b->s + from, b->len);
		b->s[b->len] = '\0';
	}
}

/* One line of at most TASK_LINE_MAX characters, in place. */
static void
make_line(struct buf *b)
{
	size_t to = 0, chars = 0, n, len;

	for (size_t i = 0; i < b->len && chars < TASK_LINE_MAX; i += n) {
		struct slice rest = { b->s + i, b->len - i };

		n = control(rest, true);
		if (n > 0) {
			b->s[to++] = ' ';
		} else {
			len = text_utf8(rest);
			n = len == 0 ? 1 : len;
			memmove(b->s + to, b->s + i, n);
			to += n;
		}
		chars++;
	}
	b->len = to;
	b->over = false;
	trim(b);
}

/*
 * Render a line.  What would not even fit the buffer is far beyond where the
 * line is cut.
 */
static enum rc
render_line(const struct template *t, const struct template_data *data,
    const char *what, struct buf *out, struct buf *why)
{
	struct buf reason = BUF_INIT(1024);
	enum rc rc;

	buf_clear(out);
	rc = task_render_part(t, data, what, out, &reason);
	if (rc == RC_TOOBIG && out->over)
		rc = RC_OK;
	if (rc == RC_OK)
		make_line(out);
	else
		buf_slice(why, buf_as_slice(&reason));
	buf_free(&reason);
	return rc;
}

enum rc
task_render_headline(struct task_rendering *g, struct task_request *r,
    struct buf *why)
{
	enum rc rc;

	g->type = catalog_event_find(g->t->catalog, g->ev->type);
	rc = render_line(catalog_headline(g->t->catalog, g->type), &g->ready,
	    "headline", &r->headline, why);
	g->data.var[TEMPLATE_EVENT_HEADLINE] =
	    g->ready.var[TEMPLATE_EVENT_HEADLINE] =
	    slice_of(buf_str(&r->headline));
	return rc;
}

/* The client's own text, or the ready-made one. */
static enum rc
render_text(const struct task_rendering *g, enum catalog_text which,
    struct task_request *r, struct buf *why)
{
	if (g->t->body != NULL)
		return task_render_part(g->t->body, &g->data, "text",
		    &r->body, why);
	return task_render_part(catalog_text(g->t->catalog, g->type, which),
	    &g->ready, "text", &r->body, why);
}

/* Nothing but blanks in a JSON string's text. */
static bool
is_blank(struct slice text)
{
	struct slice run;
	char tmp[4];

	while (piece_next(&text, tmp, &run))
		for (size_t i = 0; i < run.len; i++)
			if (run.s[i] != ' ' && (run.s[i] < '\t' ||
			    run.s[i] > '\r'))
				return false;
	return true;
}

enum rc
task_render_slack(const struct task_rendering *g, struct task_request *r,
    struct buf *why)
{
	enum rc rc;

	r->body.max = TASK_SLACK_MAX;
	buf_puts(&r->body, "{\"text\":\"");
	rc = render_text(g, CATALOG_TEXT_SLACK, r, why);
	if (rc != RC_OK)
		return rc;
	buf_puts(&r->body, "\"}");
	if (r->body.over) {
		buf_puts(why, "text: it is too long");
		return RC_TOOBIG;
	}
	rc = task_scan_body(r, "text", why);
	if (rc == RC_OK && is_blank(json_raw(&r->scan,
	    json_find(&r->scan, 0, "text")))) {
		buf_puts(why, "text: it is empty");
		rc = RC_INVALID;
	}
	return rc;
}

/* Lines ended by LF; of the other control characters tabs only, in place. */
static void
make_lines(struct buf *b)
{
	size_t to = 0, n;

	for (size_t i = 0; i < b->len; i += n) {
		char c = b->s[i];

		n = control((struct slice){ b->s + i, b->len - i }, false);
		if (n == 0 || c == '\n' || c == '\t') {
			n = 1;
			b->s[to++] = c;
		} else if (c == '\r' && (i + 1 == b->len ||
		    b->s[i + 1] != '\n')) {
			b->s[to++] = '\n';
		}
	}
	b->len = to;
	if (b->s != NULL)
		b->s[to] = '\0';
}

/* A value for a reason: on one line, and not endless. */
static void
tell(struct slice s, struct buf *why)
{
	size_t n = s.len < TOLD_MAX ? s.len : TOLD_MAX;

	while (n > 0 && n < s.len && (s.s[n] & 0xc0) == 0x80)
		n--;			/* not in the middle of a character */
	buf_putc(why, '"');
	json_put_escaped(why, (struct slice){ s.s, n });
	buf_puts(why, n < s.len ? "...\"" : "\"");
}

/* Whatever an order says, it is one address or none. */
static enum rc
check_to(const struct task_to *to, const char *what, const struct buf *b,
    struct buf *why)
{
	size_t at;

	if (!b->over && address_fault(buf_as_slice(b), &at) == NULL)
		return RC_OK;
	buf_printf(why, "%s: ", what);
	if (!b->over && b->len == 0) {
		buf_puts(why, "no address (");
		tell(to->written, why);
		buf_puts(why, " is empty)");
	} else {
		tell(buf_as_slice(b), why);
		buf_puts(why, " is not a mail address");
	}
	return RC_INVALID;
}

static enum rc
render_to(const struct task_rendering *g, struct task_request *r,
    struct buf *why)
{
	const struct task_to *to;
	char what[32];
	size_t len = why->len;
	enum rc rc;

	if (g->ev->recipient >= g->t->nto) {
		buf_puts(why, "its recipient was taken off the subscription");
		return RC_INVALID;
	}
	to = &g->t->to[g->ev->recipient];
	snprintf(what, sizeof what, "to[%u]", g->ev->recipient);
	rc = task_render_part(to->text, &g->data, what, &r->to, why);
	if (rc != RC_OK && !r->to.over)
		return rc;
	why->len = len;
	trim(&r->to);
	return check_to(to, what, &r->to, why);
}

/* One that comes out blank says nothing; the headline does. */
static enum rc
render_subject(const struct task_rendering *g, struct task_request *r,
    struct buf *why)
{
	enum rc rc = RC_OK;

	if (g->t->subject != NULL)
		rc = render_line(g->t->subject, &g->data, "subject",
		    &r->subject, why);
	if (rc == RC_OK && r->subject.len == 0)
		buf_slice(&r->subject, buf_as_slice(&r->headline));
	return rc;
}

enum rc
task_render_mail(const struct task_rendering *g, struct task_request *r,
    struct buf *why)
{
	enum rc rc;

	r->body.max = TASK_BODY_MAX;
	rc = render_to(g, r, why);
	if (rc == RC_OK)
		rc = render_subject(g, r, why);
	if (rc == RC_OK)
		rc = render_text(g, CATALOG_TEXT_MAIL, r, why);
	if (rc == RC_OK)
		make_lines(&r->body);
	return rc;
}
