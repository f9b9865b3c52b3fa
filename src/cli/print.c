#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/print.h"

#define INDENT		2
#define PRETTY_MAX	(256 * 1024 * 1024)
#define ESCAPED_MAX	16
#define FOLD_LEAST	20	/* characters, however narrow a terminal is */

/* Where a text stands: in JSON whatever is not shown can be written. */
enum where { IN_TEXT, IN_JSON };

static uint32_t
code_point(struct slice s, size_t n)
{
	static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)s.s[0] & lead[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s.s[i] & 0x3f);
	return c;
}

/*
 * Characters that turn the text around them about, break a line or show
 * nothing at all.  U+200C and U+200D are not among them: Persian, the scripts
 * of India and emoji are written with them.
 */
static bool
is_unseen(uint32_t c)
{
	static const struct { uint32_t first, last; } range[] = {
		{ 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e },
		{ 0x200b, 0x200b }, { 0x200e, 0x200f }, { 0x2028, 0x202e },
		{ 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
		{ 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < NELEM(range); i++)
		if (c >= range[i].first && c <= range[i].last)
			return true;
	return false;
}

/*
 * The length of the character at the front of s, and in text what is shown
 * instead of it; "" if it may be shown itself.
 */
static size_t
character(struct slice s, enum where where, char text[ESCAPED_MAX])
{
	size_t n = text_utf8(s);
	uint32_t c = n == 0 ? 0 : code_point(s, n);
	bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);

	text[0] = '\0';
	if (n == 0 || (control && where == IN_TEXT))
		snprintf(text, ESCAPED_MAX, "?");
	else if (c >= 0x10000 && is_unseen(c))
		snprintf(text, ESCAPED_MAX, "\\u%04x\\u%04x",
		    0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
	else if (control || is_unseen(c))
		snprintf(text, ESCAPED_MAX, "\\u%04x", c);
	return n > 0 ? n : 1;
}

static void
append_clean(struct slice s, const char *tab, struct buf *out)
{
	char text[ESCAPED_MAX];

	for (size_t i = 0, n; i < s.len; i += n) {
		struct slice rest = { s.s + i, s.len - i };

		n = character(rest, IN_TEXT, text);
		if (text[0] == '\0')
			buf_put(out, rest.s, n);
		else
			buf_puts(out, rest.s[0] == '\t' ? tab : text);
	}
}

void
print_clean(struct slice s, struct buf *out)
{
	append_clean(s, "?", out);
}

/* Print up to what may not be shown, and on. */
static void
put_clean(struct slice s, enum where where)
{
	char text[ESCAPED_MAX];

	for (size_t i = 0, n; i < s.len; i += n) {
		struct slice rest = { s.s + i, s.len - i };

		n = character(rest, where, text);
		if (text[0] == '\0')
			fwrite(rest.s, 1, n, stdout);
		else
			fputs(rest.s[0] == '\t' ? " " : text, stdout);
	}
}

void
print_member(const char *name, struct slice value)
{
	printf("%-14s", name);
	put_clean(value, IN_TEXT);
	putchar('\n');
}

size_t
print_columns(void)
{
	struct winsize ws;

	if (!isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0)
		return SIZE_MAX;
	return ws.ws_col;
}

/* One line, folded to a terminal; what goes on is moved in by the margin. */
static void
put_folded(const char *margin, struct slice line)
{
	struct buf text = BUF_INIT(SIZE_MAX);
	size_t room = print_columns(), indent = strlen(margin), at = 0;
	const char *s;

	room = room > indent + FOLD_LEAST ? room - indent : FOLD_LEAST;
	append_clean(line, " ", &text);
	fputs(margin, stdout);
	for (s = buf_str(&text); *s != '\0'; s++) {
		if (((unsigned char)*s & 0xc0) != 0x80 && at++ == room) {
			printf("\n%*s", (int)indent, "");
			at = 1;
		}
		putchar(*s);
	}
	putchar('\n');
	buf_free(&text);
}

void
print_quoted(const char *margin, struct slice s)
{
	while (s.len > 0) {
		const char *nl = memchr(s.s, '\n', s.len);
		size_t len = nl == NULL ? s.len : (size_t)(nl - s.s);
		struct slice line = { s.s, len };

		if (len > 0 && s.s[len - 1] == '\r')
			line.len--;
		put_folded(margin, line);
		len += nl != NULL;
		s.s += len;
		s.len -= len;
	}
}

static void
pretty(const struct json_doc *d, uint32_t i, int indent, struct buf *out)
{
	const struct json_tok *t = &d->tok[i];
	bool object = t->type == JSON_OBJECT;

	if ((!object && t->type != JSON_ARRAY) || t->n == 0) {
		buf_slice(out, t->n == 0 && object ? SLICE("{}") :
		    t->n == 0 && t->type == JSON_ARRAY ? SLICE("[]") :
		    json_text(d, i));
		return;
	}
	buf_puts(out, object ? "{\n" : "[\n");
	indent += INDENT;
	for (uint32_t k = i + 1; k < t->next; k = d->tok[k].next) {
		buf_printf(out, "%*s", indent, "");
		if (object) {
			buf_slice(out, json_text(d, k));
			buf_puts(out, ": ");
			k++;
		}
		pretty(d, k, indent, out);
		buf_puts(out, d->tok[k].next < t->next ? ",\n" : "\n");
	}
	buf_printf(out, "%*s%c", indent - INDENT, "", object ? '}' : ']');
}

/* Append JSON text indented; false: it is none, or too much for out. */
static bool
put_pretty(struct slice json, struct buf *out)
{
	struct json_limits lim = json_limits_default;
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	enum rc rc;

	lim.depth *= 2;			/* an order, and what is around it */
	lim.tokens = UINT32_MAX;
	rc = json_scan(&d, json, &lim, &err);
	if (rc == RC_OK)
		pretty(&d, 0, 0, out);
	json_doc_free(&d);
	return rc == RC_OK && !out->over;
}

/* A line's end is layout: in JSON's strings it can't stand. */
static void
put_json(struct slice s)
{
	while (s.len > 0) {
		const char *nl = memchr(s.s, '\n', s.len);
		size_t len = nl == NULL ? s.len : (size_t)(nl - s.s);

		put_clean((struct slice){ s.s, len }, IN_JSON);
		if (nl != NULL)
			putchar('\n');
		len += nl != NULL;
		s.s += len;
		s.len -= len;
	}
}

void
print_pretty(struct slice json)
{
	struct buf out = BUF_INIT(PRETTY_MAX);

	if (put_pretty(json, &out))
		put_json(buf_as_slice(&out));
	else
		put_clean(json, IN_TEXT);
	putchar('\n');
	buf_free(&out);
}

void
print_json(struct buf *json)
{
	if (isatty(STDOUT_FILENO))
		put_json(buf_as_slice(json));
	else
		fwrite(buf_str(json), 1, json->len, stdout);
	buf_clear(json);
}

void
print_object(struct buf *json, bool as_line)
{
	if (!as_line) {
		print_pretty(buf_as_slice(json));
		return;
	}
	buf_putc(json, '\n');
	print_json(json);
}

void
print_bytes(struct slice s)
{
	if (isatty(STDOUT_FILENO))
		print_quoted("", s);
	else
		fwrite(s.s, 1, s.len, stdout);
}

void
print_export(const struct buf *json, bool as_line, size_t max)
{
	struct slice s = buf_as_slice(json);
	struct buf out = BUF_INIT(max);

	(void)buf_room(&out, max);		/* at once: leaves no copies */
	if (!as_line && put_pretty(s, &out))
		s = buf_as_slice(&out);
	if (isatty(STDOUT_FILENO))
		put_json(s);
	else
		fwrite(s.s, 1, s.len, stdout);
	putchar('\n');
	buf_wipe(&out);
}

void
print_time(int64_t ms, char out[PRINT_TIME_MAX])
{
	static const char month[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char when[CLOCK_TEXT_MAX], now[CLOCK_TEXT_MAX];
	const char *name;

	clock_format(ms, when);
	clock_format(clock_now_ms(), now);
	name = month + 3 * ((when[5] - '0') * 10 + when[6] - '0' - 1);
	if (memcmp(when, now, 10) == 0)
		snprintf(out, PRINT_TIME_MAX, "%.8s", when + 11);
	else if (memcmp(when, now, 4) == 0)
		snprintf(out, PRINT_TIME_MAX, "%.2s %.3s %.5s", when + 8, name,
		    when + 11);
	else
		snprintf(out, PRINT_TIME_MAX, "%.2s %.3s %.4s", when + 8, name,
		    when);
}

bool
print_failed(void)
{
	return ferror(stdout) != 0;
}
