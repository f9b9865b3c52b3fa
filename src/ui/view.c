#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/conf.h"
#include "base/log.h"
#include "shape/template.h"
#include "ui/view.h"

#define PAGE_MAX (256 * 1024)	/* bytes of a template */

struct view {
	struct template	*template;
	const struct catalog *catalog;
	struct buf	 path;		/* for messages */
};

static enum rc
read_file(const char *path, struct buf *text, struct buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	char *at;

	if (fd == -1) {
		buf_printf(why, "%s: %s", path, strerror(errno));
		return RC_NOTFOUND;
	}
	while (n > 0) {
		at = buf_room(text, 4096);
		if (at == NULL)
			break;
		n = read(fd, at, 4096);
		if (n > 0)
			text->len += (size_t)n;
		else if (n == -1 && errno == EINTR)
			n = 1;
	}
	close(fd);
	if (n == 0)
		return RC_OK;
	buf_printf(why, "%s: %s", path, n == -1 ? strerror(errno) :
	    "too large for a page's template");
	return RC_INVALID;
}

enum rc
view_load(struct view **out, const struct catalog *c, const char *data_dir,
    const char *name, struct buf *why)
{
	struct view *v = calloc(1, sizeof *v);
	struct buf text = BUF_INIT(PAGE_MAX);
	struct template_error err;
	enum rc rc;

	if (v == NULL)
		log_fatal("out of memory");
	v->catalog = c;
	v->path = (struct buf)BUF_INIT(CONF_PATH_MAX + 64);
	buf_printf(&v->path, "%s/templates/%s.html", data_dir, name);
	rc = read_file(buf_str(&v->path), &text, why);
	if (rc != RC_OK)
		goto done;
	rc = template_compile(&v->template, NULL, TEMPLATE_HTML,
	    buf_as_slice(&text), &err);
	if (rc != RC_OK)
		buf_printf(why, "%s: at byte %zu: %s", buf_str(&v->path),
		    err.off, err.detail);
done:
	buf_free(&text);
	if (rc == RC_OK)
		*out = v;
	else
		view_free(v);
	return rc;
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	template_free(v->template);
	buf_free(&v->path);
	free(v);
}

void
view_show(const struct view *v, struct slice model, struct resp *rs)
{
	struct template_data data = { .order = NULL };
	struct order o = ORDER_INIT;
	struct buf why = BUF_INIT(1024);
	struct json_error err;
	enum rc rc;

	rc = order_read(&o, v->catalog, model, &err);
	data.order = &o;
	if (rc == RC_OK)
		rc = template_render(v->template, &data, &rs->body, &why);
	else
		buf_puts(&why, err.detail);
	if (rc != RC_OK) {
		log_error("%s: %s", buf_str(&v->path), buf_str(&why));
		resp_problem(rs, 500, "The page can't be shown.");
	} else {
		rs->type = "text/html; charset=utf-8";
		resp_header(rs, "Content-Security-Policy",
		    "default-src 'none'; style-src 'self'; img-src 'self'; "
		    "form-action 'self'; base-uri 'none'; "
		    "frame-ancestors 'none'");
		resp_header(rs, "X-Content-Type-Options", "nosniff");
		resp_header(rs, "Referrer-Policy", "same-origin");
		resp_header(rs, "Cache-Control", "no-store");
	}
	buf_free(&why);
	order_free(&o);
}
