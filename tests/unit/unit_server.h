/*
 * unit_server - a small HTTP server inside a test, that misbehaves by path.
 */
#ifndef TESTS_UNIT_SERVER_H
#define TESTS_UNIT_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "deliver/channel_webhook.h"
#include "unit.h"

/*
 * A server of a thread a connection, that answers each request by a script:
 * the path's first segment.
 */
struct server {
	int		 fd;
	uint16_t	 port;
	pthread_t	 thread;
	atomic_int	 connections, requests, talking;
	pthread_mutex_t	 lock;		/* of request */
	char		 request[8192];	/* the last one's head and body */
};

struct caller {
	struct server	*s;
	int		 fd;
	int		 requests;
};

/* False: nobody listens any more. */
static bool
say_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static void
say(int fd, const char *text, size_t len)
{
	(void)say_all(fd, text, len);
}

/* For as long as it is listened to. */
static void
say_for_ever(int fd, const char *text)
{
	while (say_all(fd, text, strlen(text)))
		;
}

static void
say_much(int fd, size_t len)
{
	char block[4096];

	memset(block, 'x', sizeof block);
	for (; len > 0; len -= len < sizeof block ? len : sizeof block)
		say(fd, block, len < sizeof block ? len : sizeof block);
}

/* Read a request with its body.  False: the client has gone. */
static bool
hear(struct caller *c, char *rq, size_t size)
{
	size_t len = 0, want = 0;
	const char *end, *cl;

	for (;;) {
		ssize_t n = recv(c->fd, rq + len, size - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		rq[len] = '\0';
		if (rq[0] == 0x16) {		/* a TLS client's hello */
			say(c->fd, "Sorry?\r\n", 8);
			return false;
		}
		end = strstr(rq, "\r\n\r\n");
		if (end == NULL)
			continue;
		cl = strstr(rq, "Content-Length: ");
		want = (size_t)(end + 4 - rq) + (cl == NULL ? 0 :
		    strtoul(cl + 16, NULL, 10));
		if (len >= want)
			return true;
	}
}

/* True: the connection stays. */
static bool
answer(struct caller *c, const char *path)
{
	static const struct { const char *path, *text; bool stay; } t[] = {
		{ "/200", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		    true },
		{ "/204", "HTTP/1.1 204 No Content\r\n\r\n", true },
		{ "/500", "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nboom",
		    true },
		{ "/410", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
		    true },
		{ "/302", "HTTP/1.1 302 Found\r\nLocation: /200\r\n"
		    "Content-Length: 0\r\n\r\n", true },
		{ "/101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
		    "\r\n", false },
		{ "/503", "HTTP/1.1 503 Busy\r\nretry-AFTER:  120 \r\n"
		    "Content-Length: 0\r\n\r\n", true },
		{ "/early", "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n"
		    "\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
		    true },
		{ "/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		    false },
		{ "/chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
		    "\r\n\r\nZZ\r\n", false },
		{ "/status", "HTTP/1.1 201 Created\r\n", false },
		{ "/last", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		    false },
		{ "/close", "", false },
		{ "/interim", "HTTP/1.1 100 Continue\r\n\r\n", false },
		{ "/garbage", "SSH-2.0-OpenSSH_9.2\r\n", false },
		{ "/old", "<html>Hello</html>", false },
		{ "/midhead", "HTTP/1.1 ", false },
	};
	static const char again[] = "HTTP/1.1 200 OK\r\nContent-Length: 2"
	    "\r\n\r\nok";

	/* on a kept connection: nothing, or something that is no answer */
	if (strncmp(path, "/once", 5) == 0) {
		if (c->requests == 1)
			say(c->fd, again, sizeof again - 1);
		else if (strcmp(path, "/once-interim") == 0)
			say(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
		return c->requests == 1;
	}

	for (size_t i = 0; i < NELEM(t); i++)
		if (strcmp(path, t[i].path) == 0) {
			say(c->fd, t[i].text, strlen(t[i].text));
			return t[i].stay;
		}
	if (strcmp(path, "/long") == 0) {
		say(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n",
		    42);
		say_much(c->fd, 10000);
		return true;
	}
	if (strcmp(path, "/endless") == 0) {
		say(c->fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
		say_much(c->fd, 10 * WEBHOOK_READ_MAX);
	} else if (strcmp(path, "/heads") == 0) {
		say(c->fd, "HTTP/1.1 200 OK\r\nx-much: ", 25);
		say_much(c->fd, 2 * CHANNEL_KEEP_HEAD);
		say(c->fd, "\r\nContent-Length: 0\r\n\r\n", 23);
		return true;
	} else if (strcmp(path, "/h2") == 0) {
		say(c->fd, "\0\0\0\4\0\0\0\0\0", 9);	/* its SETTINGS */
	} else if (strcmp(path, "/interims") == 0) {
		say_for_ever(c->fd, "HTTP/1.1 100 Continue\r\n\r\n");
	} else if (strcmp(path, "/headers") == 0) {
		say(c->fd, "HTTP/1.1 103 Early Hints\r\n", 26);
		say_for_ever(c->fd, "link: </style.css>\r\n");
	} else if (strcmp(path, "/line") == 0) {
		say(c->fd, "HTTP/1.1 100 ", 13);
		say_for_ever(c->fd, "Continue");
	} else if (strcmp(path, "/hang") == 0 || strcmp(path, "/slow") == 0) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };

		if (path[1] == 's')
			say(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
			    "\r\nhalf", 42);
		(void)poll(&p, 1, 10000);	/* till it hangs up */
	}
	return false;
}

static void *
converse(void *arg)
{
	struct caller *c = arg;
	char rq[8192], path[64];

	while (hear(c, rq, sizeof rq)) {
		atomic_fetch_add(&c->s->requests, 1);
		c->requests++;
		pthread_mutex_lock(&c->s->lock);
		memcpy(c->s->request, rq, sizeof rq);
		pthread_mutex_unlock(&c->s->lock);
		if (sscanf(rq, "%*s %63s", path) != 1 || !answer(c, path))
			break;
	}
	close(c->fd);
	atomic_fetch_sub(&c->s->talking, 1);
	free(c);
	return NULL;
}

static void *
listener(void *arg)
{
	struct timeval patience = { .tv_sec = 15 };	/* with failed tests */
	struct server *s = arg;
	pthread_t t;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);
		struct caller *c;

		if (fd == -1 && errno == EMFILE) {	/* a test's doing */
			(void)poll(NULL, 0, 5);
			continue;
		}
		if (fd == -1)
			return NULL;
		atomic_fetch_add(&s->connections, 1);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof patience);
		c = malloc(sizeof *c);
		*c = (struct caller){ s, fd, 0 };
		atomic_fetch_add(&s->talking, 1);
		if (pthread_create(&t, NULL, converse, c) == 0)
			pthread_detach(t);
		else
			atomic_fetch_sub(&s->talking, 1);
	}
}

static inline int
server_start(struct server *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;

	signal(SIGPIPE, SIG_IGN);
	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->fd, (struct sockaddr *)&in, sizeof in) == -1 ||
	    listen(s->fd, 256) == -1 ||
	    getsockname(s->fd, (struct sockaddr *)&in, &len) == -1)
		return -1;
	s->port = ntohs(in.sin_port);
	return pthread_create(&s->thread, NULL, listener, s);
}

static inline int
server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	while (atomic_load(&s->talking) > 0)	/* their clients have gone */
		(void)poll(NULL, 0, 5);
	return close(s->fd);
}

#endif
