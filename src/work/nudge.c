#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/crypt.h"
#include "work/nudge.h"

/*
 * A datagram: "SKN1", the count as 16 bits, then for each lane its number (32
 * bits) and due time (64 bits); big-endian, nothing after it.
 */
#define MAGIC		UINT32_C(0x534b4e31)
#define ENTRY_LEN	12
#define DATAGRAM_MAX	(4 + 2 + NUDGE_LANES_MAX * ENTRY_LEN)

#define SOCKET_NAME	"nudge"

_Static_assert(sizeof ((struct sockaddr_un *)0)->sun_path == 108,
    "nudge_path's room");

void
nudge_path(const char *store_dir, char out[108])
{
	/* not a secret: it only spreads names in a shared directory */
	static const unsigned char key[16] = "skycap nudge";
	int n;

	n = snprintf(out, 108, "%s/%s", store_dir, SOCKET_NAME);
	if (n > 0 && n < 108)
		return;
	snprintf(out, 108, "/tmp/skycap-%ju-%016" PRIx64,
	    (uintmax_t)geteuid(),
	    crypt_siphash(key, store_dir, strlen(store_dir)));
}

static struct sockaddr_un
address(const char *store_dir)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	nudge_path(store_dir, un.sun_path);
	return un;
}

int
nudge_open_sender(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void
nudge_send(int fd, const char *store_dir, const struct nudge *n)
{
	struct sockaddr_un un = address(store_dir);
	struct buf b = BUF_INIT(DATAGRAM_MAX);
	uint32_t lanes = n->n <= NUDGE_LANES_MAX ? n->n : 0;

	if (fd == -1)
		return;
	buf_be32(&b, MAGIC);
	buf_be16(&b, (uint16_t)lanes);
	for (uint32_t i = 0; i < lanes; i++) {
		buf_be32(&b, n->lane[i].lane);
		buf_be64(&b, (uint64_t)n->lane[i].due_ms);
	}
	(void)sendto(fd, b.s, b.len, MSG_NOSIGNAL | MSG_DONTWAIT,
	    (const struct sockaddr *)&un, sizeof un);
	buf_free(&b);
}

enum rc
nudge_bind(const char *store_dir, int *fd)
{
	struct sockaddr_un un = address(store_dir);
	int s, err;

	s = nudge_open_sender();
	if (s == -1)
		return RC_IO;
	if (unlink(un.sun_path) == -1 && errno != ENOENT)
		goto fail;
	/* Linux gives the file the socket's own mode, less the umask */
	if (fchmod(s, 0600) == -1 ||
	    bind(s, (const struct sockaddr *)&un, sizeof un) == -1)
		goto fail;
	*fd = s;
	return RC_OK;
fail:
	err = errno;
	close(s);
	errno = err;
	return RC_IO;
}

enum rc
nudge_receive(int fd, struct nudge *n)
{
	char raw[DATAGRAM_MAX + 1];
	struct slice s;
	uint32_t magic, lanes;
	ssize_t len;

	do
		len = recv(fd, raw, sizeof raw, MSG_DONTWAIT);
	while (len == -1 && errno == EINTR);
	if (len == -1)
		return RC_NOTFOUND;
	s = (struct slice){ raw, (size_t)len };
	magic = slice_be32(&s);
	lanes = slice_be16(&s);
	if (s.s == NULL || magic != MAGIC || lanes > NUDGE_LANES_MAX ||
	    s.len != (size_t)lanes * ENTRY_LEN)
		return RC_INVALID;
	n->n = lanes;
	for (uint32_t i = 0; i < lanes; i++) {
		n->lane[i].lane = slice_be32(&s);
		n->lane[i].due_ms = (int64_t)slice_be64(&s);
	}
	return RC_OK;
}
