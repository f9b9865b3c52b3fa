/*
 * Compiling a string: literals escaped for the place, tags, sections, and the
 * white space around tags that stand alone on a line.  In a partial the places
 * where its lines begin are marked, since it may be indented.
 */
#include "shape/template_op.h"

/* What comes next is the first of its line, if it is. */
static void
begin_line(struct compiler *c)
{
	if (c->page == NULL || !c->page->fresh)
		return;
	c->page->fresh = false;
	if (c->page->in != NULL)
		compile_op(c, OP_INDENT, 0, 0, 0);
}

/* Literals of a page, line by line: only those with something on them count. */
static void
lines(struct compiler *c, struct slice s)
{
	const char *nl;

	while (s.len > 0) {
		size_t n = s.len;

		nl = memchr(s.s, '\n', s.len);
		if (nl != NULL)
			n = (size_t)(nl - s.s) + 1;
		if (s.s[0] != '\n' && !(n == 2 && s.s[0] == '\r'))
			begin_line(c);
		compile_literal(c, (struct slice){ s.s, n });
		if (nl != NULL)
			c->page->fresh = true;
		s.s += n;
		s.len -= n;
	}
}

/* Literals of a JSON template are escaped here; elsewhere they are the
 * author's own and stand as written. */
static void
literal(struct compiler *c, struct slice s)
{
	struct buf escaped = BUF_INIT(UINT32_MAX);

	if (c->page != NULL) {
		lines(c, s);
		return;
	}
	if (c->t->place != TEMPLATE_JSON && c->t->place != TEMPLATE_SLACK) {
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
		compile_op(c, raw && (c->t->place == TEMPLATE_HTML ||
		    c->t->place == TEMPLATE_SLACK) ? OP_RAW : OP_TEXT, ref,
		    0, 0);
	return rc;
}

/* A tag where it stands in its text. */
struct placed {
	struct template_tag tag;
	size_t	off;
	size_t	from, to;	/* what is left out with it */
	bool	alone;		/* on its line */
};

/* base: sections open before this string, which it can't close. */
static enum rc
one_tag(struct compiler *c, const struct placed *p, struct slice text,
    size_t base, struct template_delims *d)
{
	const struct template_tag *tag = &p->tag;
	struct slice indent = { text.s + p->from, p->off - p->from };

	switch (tag->kind) {
	case '!':
		return RC_OK;
	case '#':
		return compile_open(c, OP_SECTION, tag->name, p->off);
	case '^':
		return compile_open(c, OP_UNLESS, tag->name, p->off);
	case '/':
		return close_section(c, tag, p->off, base);
	case '=':
		if (c->page == NULL)
			return compile_fault(c, p->off, "the delimiters can't "
			    "be changed here");
		if (template_set_delims(tag->name, d) != RC_OK)
			return compile_fault(c, p->off, "two delimiters are "
			    "needed, without = in them");
		return RC_OK;
	case '>':
		if (c->page == NULL)
			return compile_fault(c, p->off,
			    "there are no partials here");
		return compile_partial(c, tag->name, p->alone ? &indent : NULL,
		    p->off);
	default:
		return interpolate(c, tag, p->off);
	}
}

enum rc
compile_text(struct compiler *c, struct slice text)
{
	struct template_delims d = template_braces;
	struct placed p;
	size_t at = 0, base = c->nopen;
	const char *tag;
	enum rc rc;

	while ((tag = template_next_tag_in(&d, text, at)) != NULL) {
		p.off = p.from = (size_t)(tag - text.s);
		rc = template_tag_in(&d, (struct slice){ tag,
		    text.len - p.off }, &p.tag);
		if (rc != RC_OK)
			return compile_fault(c, p.off, "this tag never ends");
		p.to = p.off + p.tag.len;
		p.alone = p.tag.kind != '\0' &&
		    strchr("#^/!=>", p.tag.kind) != NULL &&
		    stands_alone(text, p.off, p.tag.len, &p.from, &p.to);
		/* the line before may have taken this line's blanks already */
		if (p.from > at)
			literal(c, (struct slice){ text.s + at, p.from - at });
		if (!p.alone)
			begin_line(c);
		rc = one_tag(c, &p, text, base, &d);
		if (rc != RC_OK)
			return rc;
		at = p.to;
	}
	if (c->nopen > base)
		return compile_fault(c, c->open[c->nopen - 1].off,
		    "this section is never closed");
	if (at < text.len)
		literal(c, (struct slice){ text.s + at, text.len - at });
	return RC_OK;
}
