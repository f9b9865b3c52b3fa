/*
 * An address and the name beside it, RFC 5322 §3.4.
 */
#include "base/text.h"
#include "shape/address.h"
#include "shape/mime_inner.h"

/* RFC 5322 §3.2.3 */
static bool
is_atext(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static struct slice
trimmed(struct slice s)
{
	while (s.len > 0 && (s.s[0] == ' ' || s.s[0] == '\t'))
		slice_take(&s, 1);
	while (s.len > 0 && (s.s[s.len - 1] == ' ' || s.s[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool
is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (mime_is_control(s.s[i]) || s.s[i] == '<' || s.s[i] == '>')
			return false;
	return text_is_utf8(s);
}

enum rc
mime_mailbox_of(struct slice text, struct mime_mailbox *m)
{
	const char *open;
	size_t at;

	*m = (struct mime_mailbox){ .whole = trimmed(text) };
	m->address = m->whole;
	open = m->whole.len == 0 ? NULL :
	    memrchr(m->whole.s, '<', m->whole.len);
	if (open != NULL) {
		m->name = m->whole;
		m->name.len = (size_t)(open - m->whole.s);
		slice_take(&m->address, m->name.len + 1);
		if (m->address.len == 0 ||
		    m->address.s[--m->address.len] != '>')
			return RC_INVALID;
		m->name = trimmed(m->name);
	}
	return is_name(m->name) && address_fault(m->address, &at) == NULL ?
	    RC_OK : RC_INVALID;
}

enum rc
mime_address(struct slice mailbox, struct slice *address)
{
	struct mime_mailbox m;

	if (mime_mailbox_of(mailbox, &m) != RC_OK)
		return RC_INVALID;
	*address = m.address;
	return RC_OK;
}

/* What the name says: without its quotes, if it has them. */
static void
put_said(struct slice name, struct buf *out)
{
	if (name.len < 2 || name.s[0] != '"' || name.s[name.len - 1] != '"') {
		buf_slice(out, name);
		return;
	}
	for (size_t i = 1; i < name.len - 1; i++) {
		if (name.s[i] == '\\' && i + 2 < name.len)
			i++;
		buf_putc(out, name.s[i]);
	}
}

/* Atoms, which need no quotes. */
static bool
is_phrase(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] == ' ' ? i > 0 && s.s[i - 1] == ' ' :
		    !is_atext(s.s[i]))
			return false;
	return true;
}

static void
put_quoted(struct slice s, struct buf *out)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '"' || s.s[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, s.s[i]);
	}
	buf_putc(out, '"');
}

/* Columns in use on the last line of what began at col. */
static size_t
column(const struct buf *out, size_t col)
{
	const char *nl = out->len == 0 ? NULL : memrchr(out->s, '\n', out->len);

	return nl == NULL ? col + out->len :
	    out->len - (size_t)(nl + 1 - out->s);
}

void
mime_put_mailbox(const struct mime_mailbox *m, size_t col, struct buf *out)
{
	struct buf name = BUF_INIT(m->name.len);
	struct slice s;

	put_said(m->name, &name);
	s = buf_as_slice(&name);
	if (s.len == 0)
		buf_slice(out, m->address);
	else {
		/* quoted, it may be twice as long, and is not folded */
		if (!mime_is_plain(s, col) || s.len > MIME_FOLD / 3)
			mime_put_words(s, col, out);
		else if (is_phrase(s))
			buf_slice(out, s);
		else
			put_quoted(s, out);
		if (column(out, col) + 3 + m->address.len > MIME_FOLD)
			buf_puts(out, "\r\n");
		buf_puts(out, " <");
		buf_slice(out, m->address);
		buf_putc(out, '>');
	}
	buf_free(&name);
}
