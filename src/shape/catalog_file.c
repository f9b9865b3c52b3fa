#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "shape/catalog_file.h"

static enum rc
slurp(struct catalog_file *f, struct buf *why)
{
	int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *in = fd == -1 ? NULL : fdopen(fd, "r");
	struct stat link;
	enum rc rc = RC_OK;
	size_t n = 1;

	if (in == NULL) {
		/* a link to nothing was meant to be something */
		rc = errno == ENOENT && lstat(f->path, &link) == -1 ?
		    RC_NOTFOUND : RC_IO;
		buf_printf(why, "%s: %s", f->path, strerror(errno));
		return rc;
	}
	if (fstat(fd, &f->st) == 0 && S_ISFIFO(f->st.st_mode)) {
		buf_printf(why, "%s: is no file", f->path);
		fclose(in);
		return RC_IO;
	}
	while (n > 0 && !f->text.over) {
		char chunk[8192];

		n = fread(chunk, 1, sizeof chunk, in);
		buf_put(&f->text, chunk, n);
	}
	if (ferror(in)) {
		buf_printf(why, "%s: %s", f->path, strerror(errno));
		rc = RC_IO;
	} else if (f->text.over) {
		buf_printf(why, "%s: longer than %d bytes", f->path,
		    CATALOG_FILE_MAX);
		rc = RC_INVALID;
	}
	fclose(in);
	return rc;
}

enum rc
catalog_file_open(struct catalog_file *f, const char *path, struct buf *why)
{
	struct json_error err;
	enum rc rc;

	f->path = path;
	rc = slurp(f, why);
	if (rc != RC_OK)
		return rc;
	rc = json_scan(&f->doc, buf_as_slice(&f->text), &json_limits_default,
	    &err);
	if (rc == RC_OK)
		return RC_OK;
	buf_printf(why, "%s: line %u, column %u: %s", path, err.line, err.col,
	    err.detail);
	return RC_INVALID;
}

void
catalog_file_close(struct catalog_file *f)
{
	json_doc_free(&f->doc);
	buf_free(&f->text);
}

bool
catalog_file_same(const struct catalog_file *a, const struct catalog_file *b)
{
	return a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino;
}
