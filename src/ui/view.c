#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/conf.h"
#include "base/json.h"
#include "base/log.h"
#include "shape/template.h"
#include "ui/view.h"

#define PAGE_MAX (256 * 1024)	/* bytes of a template */

/* A model is our own and may hold what was let in already. */
static const struct json_limits model_limits = { .depth = 64,
    .string = 4 * 1024 * 1024, .tokens = 4 * 1024 * 1024, .number = 4096 };

struct view {
	struct template	*template;
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

/* Where partials are looked for, and the text of the one read last. */
struct partials {
	const char	*data_dir;
	struct buf	 text;
	struct buf	*why;
};

static void
put_path(const char *data_dir, const char *name, struct buf *path)
{
	buf_printf(path, "%s/templates/%s.html", data_dir, name);
}

/* A page that names a partial that is not there is a page that is wrong. */
static enum rc
partial(void *arg, const char *name, struct slice *text)
{
	struct partials *p = arg;
	struct buf path = BUF_INIT(CONF_PATH_MAX + 64);
	enum rc rc;

	buf_clear(&p->text);
	put_path(p->data_dir, name, &path);
	rc = read_file(buf_str(&path), &p->text, p->why);
	*text = buf_as_slice(&p->text);
	buf_free(&path);
	return rc == RC_NOTFOUND ? RC_INVALID : rc;
}

enum rc
view_load(struct view **out, const char *data_dir, const char *name,
    struct buf *why)
{
	struct partials p = { data_dir, BUF_INIT(PAGE_MAX), why };
	struct view *v = calloc(1, sizeof *v);
	struct buf text = BUF_INIT(PAGE_MAX);
	struct template_error err;
	enum rc rc;

	if (v == NULL)
		log_fatal("out of memory");
	v->path = (struct buf)BUF_INIT(CONF_PATH_MAX + 64);
	put_path(data_dir, name, &v->path);
	rc = read_file(buf_str(&v->path), &text, why);
	if (rc != RC_OK)
		goto done;
	rc = template_compile_page(&v->template, buf_as_slice(&text), partial,
	    &p, &err);
	if (rc != RC_OK)
		buf_printf(why, "%s%s: at byte %zu: %s",
		    why->len > 0 ? "; " : "", buf_str(&v->path), err.off,
		    err.detail);
done:
	buf_free(&text);
	buf_free(&p.text);
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
	struct json_doc d = JSON_DOC_INIT;
	struct template_data data = { .model = &d };
	struct buf why = BUF_INIT(1024);
	struct json_error err;
	enum rc rc;

	rc = json_scan(&d, model, &model_limits, &err);
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
	json_doc_free(&d);
}
