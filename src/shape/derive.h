/*
 * derive - what an order's legs say about the whole journey.
 *
 * Called by order_read alone, for orders that carry a list of legs.  A leg
 * that lacks an airport leaves everything underived: half a path would be a
 * wrong one.  What was sent always stands before what is derived here.
 */
#ifndef SHAPE_DERIVE_H
#define SHAPE_DERIVE_H

#include "shape/order.h"

/* Fill o->origin, destination, full_path and booking from o->legs. */
void derive_from_legs(struct order *o);

#endif
