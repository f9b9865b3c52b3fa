/*
 * cells - what tables say of a delivery, in one column each.
 */
#ifndef CLI_CELLS_H
#define CLI_CELLS_H

#include "cli/print.h"
#include "work/listing.h"

void cell_state(struct table *t, const struct roster *r,
    const struct store_delivery *d);

/* The last attempt's status, or else its word. */
void cell_last(struct table *t, const struct store_delivery *d);

/* When it was done, or is due. */
void cell_when(struct table *t, const struct roster *r,
    const struct store_delivery *d);

#endif
