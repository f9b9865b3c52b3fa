#include <stdio.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/print.h"

#define INDENT	2

/*
 * The length of the character at the front of s, and in *harmless whether it
 * may be shown: C0 and C1 controls and what is no UTF-8 may not.
 */
static size_t
character(struct slice s, bool *harmless)
{
	unsigned char c = (unsigned char)s.s[0];
	size_t n = text_utf8(s);

	*harmless = n > 0 && c >= 0x20 && c != 0x7f &&
	    !(c == 0xc2 && (unsigned char)s.s[1] < 0xa0);
	return n > 0 ? n : 1;
}

void
print_clean(struct slice s, struct buf *out)
{
	for (size_t i = 0, n; i < s.len; i += n) {
		struct slice rest = { s.s + i, s.len - i };
		bool harmless;

		n = character(rest, &harmless);
		if (harmless)
			buf_put(out, rest.s, n);
		else
			buf_putc(out, '?');
	}
}

/* Print up to where it must be cleaned, and on. */
static void
put_clean(struct slice s)
{
	for (size_t i = 0, n; i < s.len; i += n) {
		struct slice rest = { s.s + i, s.len - i };
		bool harmless;

		n = character(rest, &harmless);
		if (harmless)
			fwrite(rest.s, 1, n, stdout);
		else
			putchar(rest.s[0] == '\t' ? ' ' : '?');
	}
}

void
print_member(const char *name, struct slice value)
{
	printf("%-14s", name);
	put_clean(value);
	putchar('\n');
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
		fputs(margin, stdout);
		put_clean(line);
		putchar('\n');
		len += nl != NULL;
		s.s += len;
		s.len -= len;
	}
}

static void
pretty(const struct json_doc *d, uint32_t i, int indent)
{
	const struct json_tok *t = &d->tok[i];
	bool object = t->type == JSON_OBJECT;

	if ((!object && t->type != JSON_ARRAY) || t->n == 0) {
		put_clean(t->n == 0 && object ? SLICE("{}") :
		    t->n == 0 && t->type == JSON_ARRAY ? SLICE("[]") :
		    json_text(d, i));
		return;
	}
	puts(object ? "{" : "[");
	indent += INDENT;
	for (uint32_t k = i + 1; k < t->next; k = d->tok[k].next) {
		printf("%*s", indent, "");
		if (object) {
			put_clean(json_text(d, k));
			fputs(": ", stdout);
			k++;
		}
		pretty(d, k, indent);
		puts(d->tok[k].next < t->next ? "," : "");
	}
	printf("%*s%c", indent - INDENT, "", object ? '}' : ']');
}

void
print_pretty(struct slice json)
{
	struct json_limits lim = json_limits_default;
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	lim.depth *= 2;			/* an order, and what is around it */
	lim.tokens = UINT32_MAX;
	if (json_scan(&d, json, &lim, &err) == RC_OK)
		pretty(&d, 0, 0);
	else
		put_clean(json);
	putchar('\n');
	json_doc_free(&d);
}

void
print_object(const struct buf *json, bool as_line)
{
	if (as_line)
		puts(buf_str(json));
	else
		print_pretty(buf_as_slice(json));
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
