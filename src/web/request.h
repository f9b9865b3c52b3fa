/*
 * request - fill a struct req from the parameters a web server gives.
 *
 * Knows how the servers differ in saying which path, key, type and length a
 * request has (DESIGN §1); reads no body.  serve calls it.  Everything it
 * leaves in the request points into the parameters or into the request.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "web/serve.h"

/*
 * Read src's parameters into *rq, whatever it held before; scratch and local
 * are left NULL.  prefix is [site] prefix.  Parameters that make no sense
 * count as not given.
 */
void request_read(struct req *rq, struct req_source *src,
    const struct program *p, const char *prefix);

#endif
