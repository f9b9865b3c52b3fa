/*
 * sweep_page - the endpoint that cron hits, over HTTP.
 *
 * GET or POST /sweep answers DESIGN §11's report; beside it /metrics and
 * /health.  As FastCGI delivering goes on in the sweep's own threads whether
 * anybody asks or not, and a hit is a report and a look at everything; as
 * plain CGI a hit delivers until nothing is due or its budget is spent.
 */
#ifndef UI_SWEEP_PAGE_H
#define UI_SWEEP_PAGE_H

#include "web/serve.h"

/* Opens the store and all else, and starts to deliver if standing. */
MUST_USE enum rc sweep_page_open(const struct conf *conf, bool standing,
    void **app, struct buf *why);
void sweep_page_stopping(void *app);
void sweep_page_close(void *app);

void sweep_page_report(void *app, struct req *rq, struct resp *rs);
void sweep_page_metrics(void *app, struct req *rq, struct resp *rs);
void sweep_page_health(void *app, struct req *rq, struct resp *rs);

#endif
