#include <ctype.h>
#include "base/clock.h"
#include "deliver/mail_inner.h"

#define SEEN_MAX	(64 * 1024)	/* of all answers in a try */

void
mail_talk_reset(struct mail_talk *t)
{
	struct buf head = t->head, body = t->body, said = t->said;

	buf_clear(&head);
	buf_clear(&body);
	buf_clear(&said);
	*t = (struct mail_talk){ .step = MAIL_NAMING, .head = head,
	    .body = body, .said = said };
}

/* As much of it as there is room for. */
static void
put_some(struct buf *b, struct slice s)
{
	size_t room = b->max - b->len;

	buf_put(b, s.s, s.len < room ? s.len : room);
}

static struct slice
without_end(struct slice line)
{
	while (line.len > 0 && strchr("\r\n", line.s[line.len - 1]) != NULL &&
	    line.s[line.len - 1] != '\0')
		line.len--;
	return line;
}

static void
keep_line(struct mail_talk *t, const char *who, struct slice line)
{
	put_some(&t->head, slice_of(who));
	put_some(&t->head, without_end(line));
	put_some(&t->head, SLICE("\n"));
}

static bool
begins(struct slice line, const char *with)
{
	size_t n = strlen(with);

	return line.len >= n && memcmp(line.s, with, n) == 0;
}

/* "AUTH PLAIN" tells nothing, what may follow it does. */
static void
keep_said(struct mail_talk *t, struct slice line)
{
	size_t skip = 0;

	if (begins(line, "AUTH "))
		for (int spaces = 0; spaces < 2 && skip < line.len; skip++)
			spaces += line.s[skip] == ' ';
	buf_clear(&t->said);
	put_some(&t->said, (struct slice){ line.s + skip, line.len - skip });
}

/*
 * What libcurl says.  What is none of its commands goes on with logging in:
 * base64, in which no line can be a command, as no password has control
 * characters.
 */
void
mail_talk_out(struct mail_talk *t, struct slice line)
{
	static const struct { const char *begins; enum mail_step step; } c[] = {
		{ "EHLO ", MAIL_HELLO },
		{ "HELO ", MAIL_HELLO },
		{ "STARTTLS\r\n", MAIL_STARTTLS },
		{ "AUTH ", MAIL_LOGIN },
		{ "MAIL FROM:", MAIL_SENDER },
		{ "RCPT TO:", MAIL_RECIPIENT },
		{ "DATA\r\n", MAIL_ASKING },
	};
	enum mail_step step = MAIL_LOGIN;

	if (begins(line, "QUIT\r\n")) {
		t->quit = true;
		return;
	}
	for (size_t i = 0; i < NELEM(c); i++)
		if (begins(line, c[i].begins))
			step = c[i].step;
	if (t->agrees_us != 0 && t->agreed_us == 0)
		t->agreed_us = clock_mono_us();
	if (step == MAIL_LOGIN) {
		t->logged_in = true;
		keep_said(t, without_end(line));
		keep_line(t, "C: ", SLICE("AUTH ..."));
	} else
		keep_line(t, "C: ", line);
	t->step = step;
	t->code = 0;
	t->partial = false;
}

/* Three digits and a space, a dash or nothing more. */
static int
code_of(struct slice line)
{
	int code = 0;

	if (line.len < 3 || (line.len > 3 && line.s[3] != ' ' &&
	    line.s[3] != '-'))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)line.s[i]))
			return 0;
		code = code * 10 + line.s[i] - '0';
	}
	return code;
}

/* An answer that repeats what was sent to log in is not for the record. */
static bool
repeats(const struct mail_talk *t, struct slice line)
{
	return t->said.len > 0 &&
	    memmem(line.s, line.len, t->said.s, t->said.len) != NULL;
}

/*
 * False: this is not SMTP, or never ends.  Lines that are no answer may stand
 * within one, but not at its beginning.
 */
bool
mail_talk_in(struct mail_talk *t, struct slice line)
{
	struct slice text = without_end(line);
	int code = code_of(text);

	if (t->first_us == 0)
		t->first_us = clock_mono_us();
	if (t->step < MAIL_GREETING)
		t->step = MAIL_GREETING;
	t->heard = true;
	t->seen += line.len;
	if ((code == 0 && !t->partial) || t->seen > SEEN_MAX) {
		t->garbage = true;
		return false;
	}
	if (t->step == MAIL_LOGIN && repeats(t, text)) {
		line = text = (struct slice){ text.s, code == 0 ? 0 : 3 };
	}
	keep_line(t, "S: ", text);
	if (!t->partial) {
		buf_clear(&t->body);
		t->reply_len = 0;
	}
	put_some(&t->body, line);
	t->reply_len += line.len;
	t->partial = code == 0 || (text.len > 3 && text.s[3] == '-');
	if (t->partial)
		return true;
	t->code = code;
	if (t->step == MAIL_ASKING && code / 100 == 3) {
		t->step = MAIL_SENDING;
		t->code = 0;
	}
	return true;
}
