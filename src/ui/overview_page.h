/*
 * overview_page - how the service stands, for the operator: one page to read.
 *
 * Behind HTTP Basic until sessions come.  Counts are work/figures; nothing is
 * changed here.
 */
#ifndef UI_OVERVIEW_PAGE_H
#define UI_OVERVIEW_PAGE_H

#include "web/serve.h"

MUST_USE enum rc overview_page_open(const struct conf *conf, bool standing,
    void **app, struct buf *why);
void overview_page_close(void *app);

void overview_page_show(void *app, struct req *rq, struct resp *rs);
void overview_page_health(void *app, struct req *rq, struct resp *rs);

#endif
