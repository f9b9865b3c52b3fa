#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "deliver/mail_options.h"
#include "shape/mime.h"

bool
mail_configured(const struct conf *c)
{
	return c->mail_url[0] != '\0';
}

static enum rc
open_password(const char *path, int *fd, struct buf *why)
{
	struct stat st;

	/* Without O_NONBLOCK a pipe of this name would hang us. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd == -1 || fstat(*fd, &st) == -1) {
		int e = errno;

		buf_printf(why, "[mail] password_file %s: %s", path,
		    strerror(e));
		return e == ENOENT || e == ENOTDIR ? RC_NOTFOUND :
		    e == EACCES || e == EPERM ? RC_DENIED : RC_IO;
	}
	if (!S_ISREG(st.st_mode)) {
		buf_printf(why, "[mail] password_file %s is not a file", path);
		return RC_INVALID;
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		buf_printf(why, "[mail] password_file %s is open to others "
		    "(mode %04o): chmod 600 it", path,
		    (unsigned)(st.st_mode & 07777));
		return RC_DENIED;
	}
	return RC_OK;
}

/* The line without its end. */
static enum rc
check_password(struct buf *password, const char *path, struct buf *why)
{
	const char *s = buf_str(password);

	if (password->len > 0 && s[password->len - 1] == '\n')
		password->len--;
	if (password->len > 0 && s[password->len - 1] == '\r')
		password->len--;
	if (password->len == 0) {
		buf_printf(why, "[mail] password_file %s is empty", path);
		return RC_INVALID;
	}
	password->s[password->len] = '\0';
	for (size_t i = 0; i < password->len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f) {
			buf_printf(why, "[mail] password_file %s must hold one "
			    "line, without control characters", path);
			return RC_INVALID;
		}
	return RC_OK;
}

static enum rc
read_password(const char *path, struct buf *password, struct buf *why)
{
	char *room = buf_room(password, MAIL_PASSWORD_MAX);
	ssize_t n = 0, got;
	enum rc rc;
	int fd = -1;

	rc = open_password(path, &fd, why);
	if (rc != RC_OK)
		goto done;
	do {
		got = read(fd, room + n, MAIL_PASSWORD_MAX - (size_t)n);
		if (got > 0)
			n += got;
	} while (got > 0 || (got == -1 && errno == EINTR));
	if (got == -1) {
		buf_printf(why, "[mail] password_file %s: %s", path,
		    strerror(errno));
		rc = RC_IO;
	} else if (n == MAIL_PASSWORD_MAX) {
		buf_printf(why, "[mail] password_file %s is longer than %d "
		    "bytes", path, MAIL_PASSWORD_MAX - 1);
		rc = RC_INVALID;
	} else {
		password->len += (size_t)n;
		rc = check_password(password, path, why);
	}
done:
	if (fd != -1)
		close(fd);
	return rc;
}

enum rc
mail_options_read(struct mail_options *o, const struct conf *c,
    struct buf *password, struct buf *why)
{
	bool user = c->mail_user[0] != '\0';
	bool file = c->mail_password_file[0] != '\0';
	struct slice address;
	enum rc rc;

	*o = (struct mail_options){
		.url = c->mail_url,
		.user = c->mail_user,
		.password = "",
		.ca = c->tls_ca,
		.connections = (uint32_t)c->mail_connections,
	};
	buf_clear(password);
	rc = mail_check_url(c->mail_url, why);
	if (rc != RC_OK)
		return rc;
	if (c->mail_from[0] == '\0') {
		buf_puts(why, "[mail] url is set, but not from: the address "
		    "that mails come from");
		return RC_INVALID;
	}
	if (mime_address(slice_of(c->mail_from), &address) != RC_OK) {
		buf_printf(why, "[mail] from = %s is not an address such as "
		    "skycap@example.org or Skycap "
		    "<skycap@example.org>", c->mail_from);
		return RC_INVALID;
	}
	if (user != file) {
		buf_puts(why, user ? "[mail] user is set, but not "
		    "password_file" : "[mail] password_file is set, but not "
		    "user");
		return RC_INVALID;
	}
	if (!user)
		return RC_OK;
	rc = read_password(c->mail_password_file, password, why);
	o->password = buf_str(password);
	return rc;
}
