/*
 * intake_page - POST /events, GET /events/:id and GET /health over HTTP.
 *
 * Turns requests into runs of work/intake and its outcomes into the answers
 * of DESIGN §4: checks key, type and size, tells one event from several.
 */
#ifndef UI_INTAKE_PAGE_H
#define UI_INTAKE_PAGE_H

#include "web/serve.h"

/* Opens the store and all else; the app of the handlers below. */
MUST_USE enum rc intake_page_open(const struct conf *conf, bool standing,
    void **app, struct buf *why);
void intake_page_close(void *app);

/* The program's local_free: what a worker keeps between requests. */
void intake_page_local_free(void *local);

void intake_page_post(void *app, struct req *rq, struct resp *rs);
void intake_page_event(void *app, struct req *rq, struct resp *rs);
void intake_page_health(void *app, struct req *rq, struct resp *rs);

#endif
