#include <stdio.h>
#include "base/clock.h"
#include "base/text.h"
#include "shape/address.h"
#include "shape/mime_inner.h"

#define VALUE_MAX	256	/* bytes of a further line's */
#define URL_MAX		640	/* it can't be folded */
#define REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD */

/* What is made of a message's parts first. */
struct parts {
	struct mime_mailbox from;
	struct buf	 subject;	/* one line of UTF-8 */
	struct buf	 text;		/* lines end in CR LF */
	struct mime_body body;
};

static void
parts_free(struct parts *p)
{
	buf_free(&p->subject);
	buf_free(&p->text);
}

/* Printable ASCII without the characters in but. */
static bool
is_graphic(struct slice s, const char *but)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] < ' ' || s.s[i] > '~' ||
		    strchr(but, s.s[i]) != NULL)
			return false;
	return true;
}

static bool
is_id(struct slice s)
{
	return s.len > 0 && s.len <= VALUE_MAX &&
	    is_graphic(s, " \"(),.:;<>@[\\]");
}

static bool
is_sound(const struct mime *m)
{
	size_t at;
	bool ok = address_fault(m->to, &at) == NULL && is_id(m->id) &&
	    m->unsubscribe.len <= URL_MAX &&
	    is_graphic(m->unsubscribe, " ") && m->nline <= MIME_LINES_MAX;

	for (size_t i = 0; ok && i < m->nline; i++)
		ok = m->line[i].value.len <= VALUE_MAX &&
		    is_graphic(m->line[i].value, "");
	return ok;
}

/*
 * U+0080 to U+009F are control characters, too, and U+2028 and U+2029 end
 * lines for some.
 */
static bool
is_break(struct slice c)
{
	if (c.len == 2)
		return memcmp(c.s, "\xc2\x80", 2) >= 0 &&
		    memcmp(c.s, "\xc2\x9f", 2) <= 0;
	if (c.len == 3)
		return memcmp(c.s, "\xe2\x80\xa8", 3) == 0 ||
		    memcmp(c.s, "\xe2\x80\xa9", 3) == 0;
	return mime_is_control(c.s[0]);
}

static void
put_one_line(struct slice s, struct buf *out)
{
	while (s.len > 0) {
		size_t n = text_utf8(s);
		struct slice c = slice_take(&s, n > 0 ? n : 1);

		if (is_break(c))
			buf_putc(out, ' ');
		else if (n == 0)
			buf_puts(out, REPLACEMENT);
		else
			buf_slice(out, c);
	}
}

/* RFC 2046 §4.1.1: a text has CR and LF in line ends only. */
static void
put_lines(struct slice s, struct buf *out)
{
	size_t from = 0, i = 0;

	while (i < s.len) {
		if (s.s[i] != '\r' && s.s[i] != '\n') {
			i++;
			continue;
		}
		buf_put(out, s.s + from, i - from);
		buf_puts(out, "\r\n");
		i += i + 1 < s.len && memcmp(s.s + i, "\r\n", 2) == 0 ? 2 : 1;
		from = i;
	}
	if (from < s.len) {
		buf_put(out, s.s + from, s.len - from);
		buf_puts(out, "\r\n");
	}
}

static enum rc
take_apart(const struct mime *m, struct parts *p)
{
	*p = (struct parts){ .subject = BUF_INIT(3 * m->subject.len),
	    .text = BUF_INIT(2 * m->text.len + 2) };
	if (mime_mailbox_of(m->from, &p->from) != RC_OK || !is_sound(m))
		return RC_INVALID;
	put_one_line(m->subject, &p->subject);
	put_lines(m->text, &p->text);
	p->body = mime_body_of(buf_as_slice(&p->text));
	return RC_OK;
}

/* "Tue, 24 Nov 2026 20:25:45 +0000" */
static void
put_date(int64_t ms, struct buf *out)
{
	static const char day[] = "ThuFriSatSunMonTueWed";	/* 1970-01-01 */
	static const char month[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t days = ms / 86400000 - (ms % 86400000 < 0);
	char at[CLOCK_TEXT_MAX];
	int mon;

	clock_format(ms, at);		/* "2026-11-24T20:25:45.123Z" */
	mon = (at[5] - '0') * 10 + at[6] - '0' - 1;
	buf_printf(out, "%.3s, %.2s %.3s %.4s %.8s +0000",
	    day + (days % 7 + 7) % 7 * 3, at + 8, month + mon * 3, at,
	    at + 11);
}

static void
put_line(const char *name, struct slice value, struct buf *out)
{
	buf_puts(out, name);
	buf_puts(out, value.len > 0 ? ": " : ":");
	buf_slice(out, value);
	buf_puts(out, "\r\n");
}

static void
put_domain(struct slice address, struct buf *out)
{
	const char *at = memrchr(address.s, '@', address.len);

	buf_put(out, at, (size_t)(address.s + address.len - at));
}

/* Of a list's URLs these three are what tells one from the next. */
static void
put_url(struct slice url, struct buf *out)
{
	buf_putc(out, '<');
	for (size_t i = 0; i < url.len; i++)
		if (strchr("<>,", url.s[i]) != NULL)
			buf_printf(out, "%%%02X", (unsigned char)url.s[i]);
		else
			buf_putc(out, url.s[i]);
	buf_putc(out, '>');
}

/* The header, with what From and Subject are to say in it. */
static void
put_head(const struct mime *m, const struct parts *p, struct slice from,
    struct slice subject, struct buf *out)
{
	put_line("From", from, out);
	put_line("To", m->to, out);
	put_line("Subject", subject, out);
	buf_puts(out, "Date: ");
	put_date(m->date_ms, out);
	buf_puts(out, "\r\nMessage-ID: <");
	buf_slice(out, m->id);
	put_domain(p->from.address, out);
	buf_puts(out, ">\r\nAuto-Submitted: auto-generated\r\n");
	if (m->unsubscribe.len > 0) {
		buf_puts(out, "List-Unsubscribe: ");
		put_url(m->unsubscribe, out);
		buf_puts(out, "\r\n");
	}
	for (size_t i = 0; i < m->nline; i++)
		put_line(m->line[i].name, m->line[i].value, out);
	buf_printf(out, "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=%s\r\n"
	    "Content-Transfer-Encoding: %s\r\n", p->body.charset,
	    p->body.encoding);
}

enum rc
mime_make(const struct mime *m, struct buf *out)
{
	struct buf from = BUF_INIT(16384), subject = BUF_INIT(SIZE_MAX);
	struct parts p;
	enum rc rc;

	rc = take_apart(m, &p);
	if (rc != RC_OK)
		goto done;
	mime_put_mailbox(&p.from, strlen("From: "), &from);
	mime_put_text(buf_as_slice(&p.subject), strlen("Subject: "),
	    &subject);
	put_head(m, &p, buf_as_slice(&from), buf_as_slice(&subject), out);
	buf_puts(out, "\r\n");
	p.body.put(buf_as_slice(&p.text), out);
	if (out->over || from.over)
		rc = RC_TOOBIG;
done:
	buf_free(&from);
	buf_free(&subject);
	parts_free(&p);
	return rc;
}

enum rc
mime_print(const struct mime *m, struct buf *out)
{
	struct parts p;
	enum rc rc;

	rc = take_apart(m, &p);
	if (rc == RC_OK) {
		put_head(m, &p, p.from.whole, buf_as_slice(&p.subject), out);
		if (out->over)
			rc = RC_TOOBIG;
	}
	parts_free(&p);
	return rc;
}
