/*
 * Compiling a string: literals escaped for the place, tags, sections, and the
 * white space around tags that stand alone on a line.
 */
#include "shape/template_op.h"

/* Literals of a JSON template are escaped here; elsewhere they are the
 * author's own and stand as written. */
static void
literal(struct compiler *c, struct slice s)
{
	struct buf escaped = BUF_INIT(UINT32_MAX);

	if (c->t->place != TEMPLATE_JSON) {
		compile_literal(c, s);
		return;
	}
	json_put_escaped(&escaped, s);
	compile_literal(c, buf_as_slice(&escaped));
	buf_free(&escaped);
}

static bool
is_blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

/*
 * Does the tag of len bytes at off stand alone on its line?  Then *from and
 * *to are the line, its end included.
 */
static bool
stands_alone(struct slice text, size_t off, size_t len, size_t *from,
    size_t *to)
{
	size_t a = off, b = off + len;

	while (a > 0 && is_blank(text.s[a - 1]))
		a--;
	if (a > 0 && text.s[a - 1] != '\n')
		return false;
	while (b < text.len && is_blank(text.s[b]))
		b++;
	if (b < text.len && text.s[b] == '\r' && b + 1 < text.len &&
	    text.s[b + 1] == '\n')
		b++;
	if (b < text.len && text.s[b] != '\n')
		return false;
	*from = a;
	*to = b < text.len ? b + 1 : b;
	return true;
}

static enum rc
close_section(struct compiler *c, const struct template_tag *tag, size_t off,
    size_t base)
{
	const struct template_open *open;
	struct slice want;

	if (c->nopen == base)
		return compile_fault(c, off, "no section is open that this "
		    "could close");
	open = &c->open[c->nopen - 1];
	want = (struct slice){ c->t->pool.s + open->name, open->name_len };
	if (!slice_eq(want, tag->name))
		return compile_fault(c, off, "the open section is %.*s",
		    want.len > 100 ? 100 : (int)want.len, want.s);
	compile_close(c);
	return RC_OK;
}

static enum rc
interpolate(struct compiler *c, const struct template_tag *tag, size_t off)
{
	bool raw = tag->kind != '\0';
	uint16_t ref;
	enum rc rc;

	if (raw && c->t->place == TEMPLATE_URL)
		return compile_fault(c, off, "a URL takes {{name}} only: its "
		    "values are always percent-encoded");
	if (raw && c->t->place == TEMPLATE_HEADER)
		return compile_fault(c, off, "a header takes {{name}} only");
	rc = compile_name(c, tag->name, off, &ref);
	if (rc == RC_OK)
		compile_op(c, raw && c->t->place == TEMPLATE_HTML ? OP_RAW :
		    OP_TEXT, ref, 0, 0);
	return rc;
}

/* base: sections open before this string, which it can't close. */
static enum rc
one_tag(struct compiler *c, const struct template_tag *tag, size_t off,
    size_t base)
{
	switch (tag->kind) {
	case '!':
		return RC_OK;
	case '#':
		return compile_open(c, OP_SECTION, tag->name, off);
	case '^':
		return compile_open(c, OP_UNLESS, tag->name, off);
	case '/':
		return close_section(c, tag, off, base);
	case '=':
		return compile_fault(c, off, "the delimiters can't be changed "
		    "here");
	case '>':
		return compile_fault(c, off, "there are no partials here");
	default:
		return interpolate(c, tag, off);
	}
}

enum rc
compile_text(struct compiler *c, struct slice text)
{
	struct template_tag tag;
	size_t at = 0, base = c->nopen;
	const char *p;
	enum rc rc;

	while ((p = template_next_tag(text, at)) != NULL) {
		size_t off = (size_t)(p - text.s), from = off, to;

		rc = template_tag((struct slice){ p, text.len - off }, &tag);
		if (rc != RC_OK)
			return compile_fault(c, off, "this tag never ends");
		to = off + tag.len;
		if (tag.kind != '\0' && strchr("#^/!", tag.kind) != NULL)
			(void)stands_alone(text, off, tag.len, &from, &to);
		/* the line before may have taken this line's blanks already */
		if (from > at)
			literal(c, (struct slice){ text.s + at, from - at });
		rc = one_tag(c, &tag, off, base);
		if (rc != RC_OK)
			return rc;
		at = to;
	}
	if (c->nopen > base)
		return compile_fault(c, c->open[c->nopen - 1].off,
		    "this section is never closed");
	if (at < text.len)
		literal(c, (struct slice){ text.s + at, text.len - at });
	return RC_OK;
}
