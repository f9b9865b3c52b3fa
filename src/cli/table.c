#include <inttypes.h>
#include <stdio.h>
#include "cli/print.h"

#define GAP	2		/* blanks between columns */
#define CUT	"\xe2\x80\xa6"	/* one character */

void
table_cell_slice(struct table *t, struct slice s)
{
	print_clean(s, &t->text);
	buf_putc(&t->text, '\0');
	t->ncell++;
}

void
table_cell(struct table *t, const char *s)
{
	table_cell_slice(t, slice_of(s));
}

void
table_cell_number(struct table *t, uint64_t v)
{
	char s[24];

	snprintf(s, sizeof s, "%" PRIu64, v);
	table_cell(t, s);
}

void
table_cell_time(struct table *t, int64_t ms)
{
	char s[PRINT_TIME_MAX] = "-";

	if (ms != 0)
		print_time(ms, s);
	table_cell(t, s);
}

/* Characters of a UTF-8 string, each taken as one column wide. */
static size_t
width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
measure(struct table *t)
{
	const char *s = buf_str(&t->text);

	for (size_t i = 0; i < t->ncol; i++) {
		size_t w = width(t->column[i].name);

		t->wide[i] = w > t->wide[i] ? w : t->wide[i];
	}
	for (size_t i = 0; i < t->ncell; i++, s += strlen(s) + 1) {
		size_t w = width(s);

		if (w > t->wide[i % t->ncol])
			t->wide[i % t->ncol] = w;
	}
}

/* What a row takes; columns of width 0 are left out. */
static size_t
total(const size_t *wide, size_t n)
{
	size_t sum = 0, shown = 0;

	for (size_t i = 0; i < n; i++) {
		sum += wide[i];
		shown += wide[i] > 0;
	}
	return sum + GAP * (shown - 1);
}

/* The widest of the columns that may be cut further; ncol if none may. */
static size_t
widest(const struct table *t, const size_t *wide)
{
	size_t at = t->ncol;

	for (size_t i = 0; i < t->ncol; i++)
		if (t->column[i].least > 0 && wide[i] > t->column[i].least &&
		    (at == t->ncol || wide[i] > wide[at]))
			at = i;
	return at;
}

/* Leave one more column out, and begin anew with what the others want. */
static bool
drop_one(const struct table *t, size_t *wide)
{
	size_t at = t->ncol;

	for (size_t i = 0; i < t->ncol; i++)
		if (t->column[i].drop > 0 && wide[i] > 0 && (at == t->ncol ||
		    t->column[i].drop > t->column[at].drop))
			at = i;
	if (at == t->ncol)
		return false;
	wide[at] = 0;
	for (size_t i = 0; i < t->ncol; i++)
		if (wide[i] > 0)
			wide[i] = t->wide[i];
	return true;
}

/* Make it fit: cut cells if that does, else leave columns out. */
static void
fit(const struct table *t, size_t *wide)
{
	size_t room = print_columns(), at;

	memcpy(wide, t->wide, sizeof t->wide);
	do {
		while (total(wide, t->ncol) > room) {
			at = widest(t, wide);
			if (at == t->ncol)
				break;
			wide[at]--;
		}
	} while (total(wide, t->ncol) > room && drop_one(t, wide));
}

static void
print_cell(const char *s, size_t wide, bool right, bool last)
{
	size_t w = width(s), n = 0;

	if (right && w < wide)
		printf("%*s", (int)(wide - w), "");
	if (w <= wide)
		fputs(s, stdout);
	else {
		for (; n + 1 < wide; n++)
			do {
				putchar(*s++);
			} while (((unsigned char)*s & 0xc0) == 0x80);
		fputs(CUT, stdout);
		w = wide;
	}
	if (!last)
		printf("%*s", (int)((right ? 0 : wide - w) + GAP), "");
}

static void
print_row(const struct table *t, const char *const cell[],
    const size_t *wide)
{
	size_t last = t->ncol - 1;

	while (last > 0 && wide[last] == 0)
		last--;
	for (size_t i = 0; i <= last; i++)
		if (wide[i] > 0)
			print_cell(cell[i], wide[i], t->column[i].right,
			    i == last);
	putchar('\n');
}

void
table_print(struct table *t)
{
	const char *s = buf_str(&t->text), *cell[TABLE_COLUMNS_MAX];
	size_t wide[TABLE_COLUMNS_MAX];

	if (t->ncell == 0 || t->text.over)
		return;
	measure(t);
	fit(t, wide);
	if (!t->headed) {
		for (size_t i = 0; i < t->ncol; i++)
			cell[i] = t->column[i].name;
		print_row(t, cell, wide);
		t->headed = true;
	}
	for (size_t i = 0; i < t->ncell; i++, s += strlen(s) + 1) {
		cell[i % t->ncol] = s;
		if (i % t->ncol == t->ncol - 1)
			print_row(t, cell, wide);
	}
	buf_clear(&t->text);
	t->ncell = 0;
}

void
table_free(struct table *t)
{
	buf_free(&t->text);
}
