/*
 * route - which handler a path and a method belong to.
 *
 * A table is searched in order and the first pattern that fits decides; ":x"
 * in a pattern takes one whole, non-empty segment.  Pure; serve and request
 * call it.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "web/serve.h"

/*
 * The route of path that takes method, its ":x" segments in param (NULL: not
 * wanted).  NULL if there is none; *allow (may be NULL) then has the methods
 * the path takes, 0 if the path is unknown.
 */
const struct route *route_find(const struct program *p, struct slice path,
    unsigned method, struct slice param[4], unsigned *allow);

#endif
