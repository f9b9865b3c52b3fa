/*
 * print - what the command prints: tables and text for people, JSON a line for
 * programs.
 *
 * Nothing that came from outside works the terminal or reads as what it is
 * not: control characters are shown as "?", and those that turn text about or
 * can't be seen (bidi controls, line separators, tags) as JSON writes them,
 * \u202e.  A table is fitted to a terminal, and never cut where standard
 * output is something else.  Printing is done while the store is left alone
 * (store_idle), since a terminal may take for ever.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/buf.h"

/*
 * Append s as it may be shown on one line: a control character, and each byte
 * that is no UTF-8, becomes "?"; what can't be seen an escape like \u202e.
 */
void print_clean(struct slice s, struct buf *out);

/* Print one line "name          value"; the value is cleaned. */
void print_member(const char *name, struct slice value);

/*
 * Print bytes from outside line by line behind a margin, cleaned, and folded
 * where standard output is a terminal.
 */
void print_quoted(const char *margin, struct slice s);

/* Columns of the terminal; SIZE_MAX where standard output is none. */
size_t print_columns(void);

/*
 * Print JSON text indented: what may not be shown is escaped as JSON, so
 * nothing is lost.  Text that is no JSON is cleaned as any other.
 */
void print_pretty(struct slice json);

/*
 * Print JSON for programs, byte for byte; what may not be shown on a terminal
 * is escaped there.  Empties json.
 */
void print_json(struct buf *json);

/* Print one JSON object as a line, or for people indented. */
void print_object(struct buf *json, bool as_line);

/* Print bytes alone, exactly; to a terminal, cleaned. */
void print_bytes(struct slice s);

/*
 * The same for what is to be read again: byte for byte where standard output
 * is no terminal, and on a line, too, if it would have more than max bytes
 * when indented.
 */
void print_export(const struct buf *json, bool as_line, size_t max);

/* "23 Nov 14:02", with the year if it is another; "14:02:31" today; UTC. */
#define PRINT_TIME_MAX	16
void print_time(int64_t ms, char out[PRINT_TIME_MAX]);

/* Standard output can't be written: whoever read it has gone. */
bool print_failed(void);

#define TABLE_COLUMNS_MAX 12

struct table_column {
	const char	*name;
	unsigned	 least;		/* may be cut to this; 0: never cut */
	unsigned	 drop;		/* left out if need be, the highest
					   first; 0: never */
	bool		 right;		/* numbers */
};

/*
 * Rows to be printed in columns; cells are copied.  table_print prints what
 * has come since the last time, the head first; widths only grow.
 */
struct table {
	const struct table_column *column;
	size_t	   ncol, ncell;		/* cells in text */
	size_t	   wide[TABLE_COLUMNS_MAX];	/* characters, of all so far */
	bool	   headed;
	struct buf text;		/* cells, NUL-terminated, row by row */
};

/* columns is an array. */
#define TABLE_INIT(columns) { .column = (columns), .ncol = NELEM(columns), \
	.text = BUF_INIT(256 * 1024 * 1024) }

void table_cell(struct table *t, const char *s);
void table_cell_slice(struct table *t, struct slice s);
void table_cell_number(struct table *t, uint64_t v);
void table_cell_time(struct table *t, int64_t ms);	/* 0: "-" */
void table_print(struct table *t);
void table_free(struct table *t);

#endif
