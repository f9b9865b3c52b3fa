/*
 * service - what every program opens first: keys, catalogue, store, roster.
 *
 * One struct filled from the configuration, used by the programs' pages and
 * by the command alike, so that all of them find the same things.
 */
#ifndef UI_SERVICE_H
#define UI_SERVICE_H

#include "base/conf.h"
#include "web/http.h"
#include "work/config.h"

struct service {
	struct conf	 conf;
	struct crypt	 crypt;
	struct catalog	*catalog;
	struct store	*store;
	struct rosters	*rosters;
};

/*
 * Open everything into *s (zeroed by the caller).  On any error what was
 * opened is closed again and why holds one line.
 *   RC_NOTFOUND, RC_INVALID, RC_DENIED, RC_IO, RC_RETRY  as what failed
 */
MUST_USE enum rc service_open(struct service *s, const struct conf *conf,
    bool standing, struct buf *why);
void service_close(struct service *s);

/* Answer GET /health: 200 {"ok":true}, or 503 while no event could be taken. */
void service_health(const struct service *s, struct resp *rs);

/* Tell a standing sweep to look at everything: a state was changed. */
void service_nudge_all(const struct service *s);

/* The part of it that changing configuration needs. */
struct config service_config(const struct service *s);

#endif
