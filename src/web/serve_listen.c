#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/log.h"
#include "web/serve_run.h"

#define LISTEN_FD	0	/* FCGI_LISTENSOCK_FILENO */
#define EXHAUSTED_MS	50	/* pause when there are no descriptors */
#define MEET_MS		10	/* for a worker to say whom it accepted */

/* Only a name that says the same wherever one stands. */
static void
find_name(struct listener *l, const struct sockaddr_storage *sa)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)sa;

	l->path[0] = '\0';
	if (sa->ss_family != AF_UNIX || un->sun_path[0] != '/')
		return;
	snprintf(l->path, sizeof l->path, "%.*s", (int)sizeof un->sun_path,
	    un->sun_path);
	if (stat(l->path, &l->own) == -1)
		l->path[0] = '\0';
}

void
listener_init(struct listener *l)
{
	struct sockaddr_storage sa = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof sa;

	atomic_init(&l->server, 0);
	l->inet = getsockname(LISTEN_FD, (struct sockaddr *)&sa, &len) == 0 &&
	    (sa.ss_family == AF_INET || sa.ss_family == AF_INET6);
	l->allowed = getenv("FCGI_WEB_SERVER_ADDRS");
	if (l->allowed != NULL && *l->allowed == '\0')
		l->allowed = NULL;
	find_name(l, &sa);
}

/* The peer is among the addresses that FCGI_WEB_SERVER_ADDRS lists. */
static bool
is_allowed(const char *list, const struct sockaddr_storage *sa)
{
	char peer[INET6_ADDRSTRLEN] = "";
	const void *addr = sa->ss_family == AF_INET ?
	    (const void *)&((const struct sockaddr_in *)sa)->sin_addr :
	    (const void *)&((const struct sockaddr_in6 *)sa)->sin6_addr;
	size_t len;

	if (inet_ntop(sa->ss_family, addr, peer, sizeof peer) == NULL)
		return false;
	for (len = strlen(peer); *list != '\0'; list += *list != '\0') {
		size_t word;

		list += strspn(list, " ");
		word = strcspn(list, ", ");
		if (word == len && memcmp(list, peer, len) == 0)
			return true;
		list += word;
	}
	return false;
}

/* What accept(2) says of one connection or of a moment; the socket is fine. */
static enum rc
refused(int error)
{
	struct pollfd p = { .fd = LISTEN_FD, .events = POLLIN };

	switch (error) {
	case EAGAIN:			/* somebody made it non-blocking */
		(void)poll(&p, 1, -1);
		return RC_RETRY;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		(void)poll(NULL, 0, EXHAUSTED_MS);
		return RC_RETRY;
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ETIMEDOUT:
		return RC_RETRY;
	default:
		log_error("can't accept from the web server: %s",
		    strerror(error));
		return RC_IO;
	}
}

static void
meet(struct listener *l, int fd)
{
	struct ucred uc;
	socklen_t len = sizeof uc;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &uc, &len) == 0 &&
	    uc.pid > 0)
		atomic_store(&l->server, (int)uc.pid);
}

enum rc
listener_accept(struct listener *l, int *fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	int got, on = 1;

	got = l->inet ?
	    accept4(LISTEN_FD, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC) :
	    accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
	if (got == -1)
		return refused(errno);
	if (l->inet) {
		if (l->allowed != NULL && !is_allowed(l->allowed, &sa)) {
			close(got);
			return RC_RETRY;
		}
		(void)setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof on);
	} else
		meet(l, got);
	*fd = got;
	return RC_OK;
}

bool
listener_has_more(void)
{
	struct pollfd p = { .fd = LISTEN_FD, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

/* Somebody else than the parent connected last, and lives. */
static bool
is_served(const struct listener *l, int parent)
{
	int server = atomic_load(&l->server);

	return server != 0 && server != parent &&
	    (kill(server, 0) == 0 || errno == EPERM);
}

bool
listener_leave(struct listener *l, int parent)
{
	char away[sizeof l->path + 8];
	struct stat now;

	if (is_served(l, parent))
		return false;
	snprintf(away, sizeof away, "%s.old", l->path);
	if (l->path[0] == '\0' || stat(l->path, &now) == -1 ||
	    now.st_dev != l->own.st_dev || now.st_ino != l->own.st_ino ||
	    rename(l->path, away) == -1)
		return true;		/* the name is not ours to take */
	(void)poll(NULL, 0, MEET_MS);
	if (!is_served(l, parent) && !listener_has_more()) {
		unlink(away);
		return true;
	}
	/* It came just before: the name is its way to us. */
	return rename(away, l->path) == -1;
}
