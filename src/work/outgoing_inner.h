/*
 * outgoing_inner - what outgoing's files share: a header for what was rendered,
 * by the way that it goes.
 */
#ifndef WORK_OUTGOING_INNER_H
#define WORK_OUTGOING_INNER_H

#include "work/outgoing.h"

/*
 * Fill in all that is not rendered: head, header, length and keys; or head,
 * header, message and from.  They are empty before.  Results as outgoing_make.
 */
MUST_USE enum rc outgoing_put_http(struct outgoing *out,
    const struct outgoing_ask *ask, const struct task_event *ev,
    struct buf *why);
MUST_USE enum rc outgoing_put_mail(struct outgoing *out,
    const struct outgoing_ask *ask, const struct task_event *ev,
    struct buf *why);

#endif
