#include <stdio.h>
#include "cli/cells.h"

void
cell_state(struct table *t, const struct roster *r,
    const struct store_delivery *d)
{
	char text[64];

	snprintf(text, sizeof text, "%s%s%s", delivery_state_name(r, d),
	    d->reason[0] == '\0' ? "" : ", ", d->reason);
	table_cell(t, text);
}

void
cell_last(struct table *t, const struct store_delivery *d)
{
	char text[16];

	if (d->last_status > 0) {
		snprintf(text, sizeof text, "%d", d->last_status);
		table_cell(t, text);
	} else
		table_cell(t, d->last_word[0] == '\0' ? "-" : d->last_word);
}

void
cell_when(struct table *t, const struct roster *r,
    const struct store_delivery *d)
{
	char when[PRINT_TIME_MAX], text[PRINT_TIME_MAX + 8];

	if (d->done_ms != 0)
		table_cell_time(t, d->done_ms);
	else if (strcmp(delivery_state_name(r, d), "pending") != 0)
		table_cell(t, "-");
	else if (d->next_ms == 0)
		table_cell(t, "in its turn");
	else {
		print_time(d->next_ms, when);
		snprintf(text, sizeof text, "due %s", when);
		table_cell(t, text);
	}
}
