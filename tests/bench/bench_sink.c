/*
 * bench_sink - takes every POST and answers 204, as fast as one thread can.
 *
 *   bench_sink [--ports N] [--hang N] [--delay MS]
 *
 * Listens on N ports of 127.0.0.1 and prints their numbers on one line.  The
 * first --hang of them take requests and never answer; with --delay answers
 * are sent that much later.  GET /stats tells what came, GET /reset also
 * forgets it, GET /hang/N has the first N ports hang from now on.  Ends on
 * SIGTERM.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "bench.h"

#define FDS_MAX		4096
#define READ_ROOM	16384
#define EVENTS		128
#define ANSWER		"HTTP/1.1 204 No Content\r\n\r\n"

struct conn {
	bool		listens;
	uint32_t	port;		/* which of ours, from 0 */
	uint32_t	use;		/* which of the uses of this fd */
	struct buf	in;
};

/* An answer to be sent later; all wait as long, so they are in order. */
struct late {
	int64_t		at_ms;
	int		fd;
	uint32_t	use;
};

struct sink {
	int		 epoll;
	int64_t		 delay_ms;
	uint32_t	 hang;		/* so many ports */
	struct conn	 conn[FDS_MAX];
	struct late	*late;
	size_t		 first, nlate, cap;	/* of late */

	uint64_t	 requests, hung, connections, distinct;
	int64_t		 first_us, last_us;	/* of arrivals */
	struct bench_times times;	/* since they were to be posted */
	unsigned char	 seen[BENCH_NUMBER_MAX / 8];
};

static void
forget(struct sink *s)
{
	s->requests = s->hung = s->connections = s->distinct = 0;
	s->first_us = s->last_us = 0;
	memset(&s->times, 0, sizeof s->times);
	memset(s->seen, 0, sizeof s->seen);
}

static void
watch(struct sink *s, int fd, bool listens, uint32_t port)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	struct conn *c;

	if (fd >= FDS_MAX) {
		close(fd);
		return;
	}
	c = &s->conn[fd];
	c->listens = listens;
	c->port = port;
	c->use++;
	c->in.max = 4 * 1024 * 1024;
	buf_clear(&c->in);
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		bench_die("epoll_ctl");
}

static void
hang_up(struct sink *s, int fd)
{
	s->conn[fd].use++;
	close(fd);
}

/* What is written is far less than a socket takes at once. */
static void
answer(struct sink *s, int fd, const char *text, size_t len)
{
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		hang_up(s, fd);
}

static void
count(struct sink *s, struct slice body)
{
	int64_t now = clock_mono_us(), at_us;
	uint32_t number;

	s->requests++;
	if (s->first_us == 0)
		s->first_us = now;
	s->last_us = now;
	if (!bench_name_find(body, &number, &at_us))
		return;
	if ((s->seen[number / 8] & 1u << number % 8) != 0)
		return;
	s->seen[number / 8] |= (unsigned char)(1u << number % 8);
	s->distinct++;
	bench_times_add(&s->times, now - at_us);
}

static void
put_late(struct sink *s, int fd)
{
	if (s->first + s->nlate == s->cap) {
		if (s->nlate > 0)
			memmove(s->late, s->late + s->first,
			    s->nlate * sizeof *s->late);
		s->first = 0;
		if (s->nlate >= s->cap / 2) {
			s->cap = s->cap == 0 ? 1024 : 2 * s->cap;
			s->late = reallocarray(s->late, s->cap,
			    sizeof *s->late);
			if (s->late == NULL)
				bench_die("memory");
		}
	}
	s->late[s->first + s->nlate++] = (struct late){
	    clock_mono_ms() + s->delay_ms, fd, s->conn[fd].use };
}

/* Send what is due; how long until the next, -1 if there is none. */
static int
send_late(struct sink *s)
{
	int64_t now = s->nlate == 0 ? 0 : clock_mono_ms();

	while (s->nlate > 0) {
		struct late l = s->late[s->first];

		if (l.at_ms > now)
			return (int)(l.at_ms - now);
		s->first++;
		s->nlate--;
		if (s->conn[l.fd].use == l.use)
			answer(s, l.fd, ANSWER, strlen(ANSWER));
	}
	return -1;
}

static void
tell(struct sink *s, int fd, bool then_forget)
{
	struct buf body = BUF_INIT(1024), all = BUF_INIT(2048);

	buf_printf(&body, "{\"requests\":%llu,\"distinct\":%llu,"
	    "\"hung\":%llu,\"connections\":%llu,\"first_us\":%lld,"
	    "\"last_us\":%lld,", (unsigned long long)s->requests,
	    (unsigned long long)s->distinct, (unsigned long long)s->hung,
	    (unsigned long long)s->connections, (long long)s->first_us,
	    (long long)s->last_us);
	bench_times_print(&s->times, &body);
	buf_puts(&body, "}");
	buf_printf(&all, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
	    body.len, body.s);
	if (then_forget)
		forget(s);
	answer(s, fd, all.s, all.len);
	buf_free(&all);
	buf_free(&body);
}

static void
take(struct sink *s, int fd, const struct bench_http *m)
{
	if (memcmp(m->head.s, "GET ", 4) == 0) {
		if (memcmp(m->head.s, "GET /hang/", 10) == 0)
			s->hang = (uint32_t)strtoul(m->head.s + 10, NULL, 10);
		tell(s, fd, memcmp(m->head.s, "GET /reset", 10) == 0);
		return;
	}
	if (s->conn[fd].port < s->hang) {
		s->hung++;
		return;
	}
	count(s, m->body);
	if (s->delay_ms > 0)
		put_late(s, fd);
	else
		answer(s, fd, ANSWER, strlen(ANSWER));
}

static void
read_from(struct sink *s, int fd)
{
	struct conn *c = &s->conn[fd];
	uint32_t use = c->use;
	struct bench_http m;
	struct slice rest;
	char *room = buf_room(&c->in, READ_ROOM);
	ssize_t n = room == NULL ? 0 : read(fd, room, READ_ROOM);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(s, fd);
		return;
	}
	c->in.len += (size_t)n;
	rest = buf_as_slice(&c->in);
	while ((n = bench_http_read(rest, &m)) > 0) {
		take(s, fd, &m);
		if (c->use != use)
			return;
		rest.s += n;
		rest.len -= (size_t)n;
	}
	if (n < 0) {
		hang_up(s, fd);
		return;
	}
	memmove(c->in.s, rest.s, rest.len);
	c->in.len = rest.len;
}

static void
take_connections(struct sink *s, int listener)
{
	int fd;

	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK |
		    SOCK_CLOEXEC);
		if (fd == -1)
			return;
		s->connections++;
		watch(s, fd, false, s->conn[listener].port);
	}
}

static void
run(struct sink *s)
{
	struct epoll_event ev[EVENTS];

	for (;;) {
		int n = epoll_wait(s->epoll, ev, EVENTS, send_late(s));

		for (int i = 0; i < n; i++) {
			if (s->conn[ev[i].data.fd].listens)
				take_connections(s, ev[i].data.fd);
			else
				read_from(s, ev[i].data.fd);
		}
	}
}

int
main(int argc, char **argv)
{
	static const struct option opt[] = {
		{ "ports", required_argument, NULL, 'p' },
		{ "hang", required_argument, NULL, 'h' },
		{ "delay", required_argument, NULL, 'd' }, { 0 } };
	struct sink *s = calloc(1, sizeof *s);
	int64_t ports = 1;
	int o;

	if (s == NULL)
		bench_die("memory");
	while ((o = getopt_long(argc, argv, "", opt, NULL)) != -1) {
		if (o == 'p')
			ports = bench_number("--ports", optarg, 1, 1000);
		else if (o == 'h')
			s->hang = (uint32_t)bench_number("--hang", optarg, 0,
			    1000);
		else if (o == 'd')
			s->delay_ms = bench_number("--delay", optarg, 0,
			    60000);
		else
			return 2;
	}
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int64_t i = 0; i < ports; i++) {
		uint16_t port = 0;

		watch(s, bench_listen(&port), true, (uint32_t)i);
		printf("%u%c", port, i + 1 < ports ? ' ' : '\n');
	}
	fflush(stdout);
	run(s);
	return 0;
}
