/*
 * view - a page: a model (one JSON object) shown through a template.
 *
 * Templates, and the partials they name, are www/templates/NAME.html, read
 * from [site] data, compiled once and kept; values are HTML-escaped by the
 * engine itself.  Every page carries the headers of DESIGN §9.  It knows no
 * page in particular.
 */
#ifndef UI_VIEW_H
#define UI_VIEW_H

#include "web/http.h"

struct view;

/*
 * Read and compile a template and the partials it names, which are files
 * beside it.  *v is freed by view_free.
 *   RC_NOTFOUND  no such file
 *   RC_INVALID   it does not compile, or a partial is not there; why says
 *                where
 */
MUST_USE enum rc view_load(struct view **v, const char *data_dir,
    const char *name, struct buf *why);
void view_free(struct view *v);

/*
 * Answer with the page of a model, JSON text whose top-level members are the
 * template's names.  A model that can't be shown becomes a 500, logged.
 */
void view_show(const struct view *v, struct slice model, struct resp *rs);

#endif
