#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"

#define CELL_MAX 60	/* columns on the screen; longer cells end in "..." */

void
table_cell_slice(struct table *t, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)	/* nothing may move the cursor */
		buf_putc(&t->text, (unsigned char)s.s[i] < 0x20 ||
		    s.s[i] == 0x7f ? '?' : s.s[i]);
	buf_putc(&t->text, '\0');
	t->nrow++;			/* cells, until table_print */
}

void
table_cell(struct table *t, const char *s)
{
	table_cell_slice(t, slice_of(s));
}

/* "14:02:31" today, "23 Nov 14:02" else, "-" for none; UTC. */
void
table_cell_time(struct table *t, int64_t ms)
{
	static const char month[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char when[CLOCK_TEXT_MAX], now[CLOCK_TEXT_MAX], s[32];
	int m;

	if (ms == 0) {
		table_cell(t, "-");
		return;
	}
	clock_format(ms, when);
	clock_format(clock_now_ms(), now);
	if (memcmp(when, now, 10) == 0)
		snprintf(s, sizeof s, "%.8s", when + 11);
	else {
		m = (when[5] - '0') * 10 + (when[6] - '0') - 1;
		snprintf(s, sizeof s, "%.2s %.3s %.5s", when + 8,
		    month + 3 * m, when + 11);
	}
	table_cell(t, s);
}

/* Columns a UTF-8 string takes, counting each character as one. */
static size_t
width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
print_cell(const char *s, size_t wide, bool last)
{
	size_t w = width(s), n = 0;

	if (w <= CELL_MAX) {
		fputs(s, stdout);
		if (!last)
			printf("%*s", (int)(wide - w + 2), "");
		return;
	}
	for (; *s != '\0' && n < CELL_MAX - 3; n++)
		do {
			putchar(*s++);
		} while (((unsigned char)*s & 0xc0) == 0x80);
	fputs("...", stdout);
	if (!last)
		fputs("  ", stdout);
}

void
table_print(const struct table *t)
{
	size_t rows = t->nrow / t->ncol, *wide;
	const char *s = buf_str(&t->text);

	if (rows < 2)
		return;
	wide = calloc(t->ncol, sizeof *wide);
	if (wide == NULL)
		log_fatal("out of memory");
	for (size_t i = 0; i < rows * t->ncol; i++, s += strlen(s) + 1) {
		size_t w = width(s);

		if (w > CELL_MAX)
			w = CELL_MAX;
		if (w > wide[i % t->ncol])
			wide[i % t->ncol] = w;
	}
	s = buf_str(&t->text);
	for (size_t i = 0; i < rows * t->ncol; i++, s += strlen(s) + 1) {
		bool last = i % t->ncol == t->ncol - 1;

		print_cell(s, wide[i % t->ncol], last);
		if (last)
			putchar('\n');
	}
	free(wide);
}

void
table_free(struct table *t)
{
	buf_free(&t->text);
	t->nrow = 0;
}
