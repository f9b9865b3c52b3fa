/*
 * bench_sink - takes every POST and answers 204, as fast as one thread can.
 *
 *   bench_sink [--ports N] [--hang N] [--delay MS]
 *
 * Listens on N ports of 127.0.0.1 and prints their numbers on one line.  A
 * POST to /bench/E is for endpoint E, any other for the endpoint that its port
 * is, from 0.  The first --hang endpoints take requests and never answer; with
 * --delay answers are sent that much later.  GET /stats tells what came, of
 * each event at each endpoint what was first, and the least and the most that
 * an endpoint got of different ones; GET /marks when every thousandth came;
 * GET /reset tells and forgets it; GET /hang/N has the first N endpoints hang
 * from now on.  Ends on SIGTERM, and with who started it.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "bench.h"

#define FDS_MAX		16384
#define READ_ROOM	16384
#define EVENTS		128
#define ENDPOINTS_MAX	16384
#define MARK_EVERY	1000
#define MARKS_MAX	512
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

/* Which events came to which endpoints: open addressing, half full at most. */
struct seen {
	uint64_t	*at;		/* 0: free */
	size_t		 n, cap;	/* cap: a power of 2 */
};

struct sink {
	int		 epoll;
	int64_t		 delay_ms;
	uint32_t	 hang;		/* so many endpoints */
	struct conn	 conn[FDS_MAX];
	struct late	*late;
	size_t		 first, nlate, cap;	/* of late */
	size_t		 most_late;	/* at once */

	uint64_t	 requests, hung, connections, signed_by_v1;
	int64_t		 first_us, last_us;	/* of arrivals */
	struct bench_times times;	/* since they were to be posted */
	struct seen	 seen;
	uint32_t	 got[ENDPOINTS_MAX];	/* different ones */
	int64_t		 mark_us[MARKS_MAX];
};

static void
forget(struct sink *s)
{
	s->requests = s->hung = s->connections = s->signed_by_v1 = 0;
	s->first_us = s->last_us = 0;
	s->most_late = s->nlate;
	memset(&s->times, 0, sizeof s->times);
	if (s->seen.n > 0)
		memset(s->seen.at, 0, s->seen.cap * sizeof *s->seen.at);
	s->seen.n = 0;
	memset(s->got, 0, sizeof s->got);
}

/* Where v is, or would go. */
static uint64_t *
place(const struct seen *seen, uint64_t v)
{
	uint64_t x = v * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (x ^ x >> 32) & (seen->cap - 1);

	while (seen->at[i] != 0 && seen->at[i] != v)
		i = (i + 1) & (seen->cap - 1);
	return &seen->at[i];
}

static void
grow(struct seen *seen)
{
	struct seen more = { .n = seen->n,
	    .cap = seen->cap == 0 ? 65536 : 4 * seen->cap };

	more.at = calloc(more.cap, sizeof *more.at);
	if (more.at == NULL)
		bench_die("memory");
	for (size_t i = 0; i < seen->cap; i++)
		if (seen->at[i] != 0)
			*place(&more, seen->at[i]) = seen->at[i];
	free(seen->at);
	*seen = more;
}

/* False: it was there. */
static bool
see(struct seen *seen, uint32_t endpoint, uint32_t number)
{
	uint64_t v = ((uint64_t)endpoint << 32 | number) + 1, *at;

	if (seen->n >= seen->cap / 2)
		grow(seen);
	at = place(seen, v);
	if (*at != 0)
		return false;
	*at = v;
	seen->n++;
	return true;
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
count(struct sink *s, uint32_t endpoint, const struct bench_http *m)
{
	static const char sign[] = "\r\nwebhook-signature: v1,";
	int64_t now = clock_mono_us(), at_us;
	uint32_t number;

	s->requests++;
	if (s->first_us == 0)
		s->first_us = now;
	s->last_us = now;
	if (memmem(m->head.s, m->head.len, sign, sizeof sign - 1) != NULL)
		s->signed_by_v1++;
	if (!bench_name_find(m->body, &number, &at_us) ||
	    !see(&s->seen, endpoint, number))
		return;
	s->got[endpoint]++;
	if (s->seen.n % MARK_EVERY == 0 &&
	    s->seen.n / MARK_EVERY <= MARKS_MAX)
		s->mark_us[s->seen.n / MARK_EVERY - 1] = now;
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
	if (s->nlate > s->most_late)
		s->most_late = s->nlate;
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

/* How many endpoints got anything, and how much the least and the most did. */
static void
put_spread(const struct sink *s, struct buf *out)
{
	uint32_t least = 0, most = 0, n = 0;

	for (size_t i = 0; i < ENDPOINTS_MAX; i++) {
		uint32_t got = s->got[i];

		if (got == 0)
			continue;
		if (n++ == 0 || got < least)
			least = got;
		if (got > most)
			most = got;
	}
	buf_printf(out, "\"endpoints\":%u,\"least\":%u,\"most\":%u,", n,
	    least, most);
}

static void
put_stats(const struct sink *s, struct buf *out)
{
	buf_printf(out, "{\"requests\":%llu,\"distinct\":%zu,"
	    "\"signed\":%llu,\"hung\":%llu,\"connections\":%llu,"
	    "\"late_at_once\":%zu,\"first_us\":%lld,\"last_us\":%lld,",
	    (unsigned long long)s->requests, s->seen.n,
	    (unsigned long long)s->signed_by_v1, (unsigned long long)s->hung,
	    (unsigned long long)s->connections, s->most_late,
	    (long long)s->first_us, (long long)s->last_us);
	put_spread(s, out);
	bench_times_print(&s->times, out);
	buf_putc(out, '}');
}

static void
put_marks(const struct sink *s, struct buf *out)
{
	size_t n = s->seen.n / MARK_EVERY;

	buf_printf(out, "{\"every\":%d,\"at_us\":[", MARK_EVERY);
	for (size_t i = 0; i < n && i < MARKS_MAX; i++)
		buf_printf(out, "%s%lld", i > 0 ? "," : "",
		    (long long)s->mark_us[i]);
	buf_puts(out, "]}");
}

static bool
asks(const struct bench_http *m, const char *path)
{
	size_t n = strlen(path);

	return m->head.len > 4 + n && memcmp(m->head.s + 4, path, n) == 0;
}

static void
tell(struct sink *s, int fd, const struct bench_http *m)
{
	struct buf body = BUF_INIT(16384), all = BUF_INIT(20480);

	if (asks(m, "/hang/"))
		s->hang = (uint32_t)strtoul(m->head.s + 10, NULL, 10);
	if (asks(m, "/marks"))
		put_marks(s, &body);
	else
		put_stats(s, &body);
	buf_printf(&all, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
	    body.len, buf_str(&body));
	if (asks(m, "/reset"))
		forget(s);
	answer(s, fd, all.s, all.len);
	buf_free(&all);
	buf_free(&body);
}

/* A head ends in an empty line, so that reading a number ends before it. */
static uint32_t
endpoint_of(const struct sink *s, int fd, const struct bench_http *m)
{
	static const char post[] = "POST /bench/";
	unsigned long n = s->conn[fd].port;

	if (m->head.len > sizeof post &&
	    memcmp(m->head.s, post, sizeof post - 1) == 0)
		n = strtoul(m->head.s + sizeof post - 1, NULL, 10);
	return n < ENDPOINTS_MAX ? (uint32_t)n : ENDPOINTS_MAX - 1;
}

static void
take(struct sink *s, int fd, const struct bench_http *m)
{
	uint32_t endpoint;

	if (memcmp(m->head.s, "GET ", 4) == 0) {
		tell(s, fd, m);
		return;
	}
	endpoint = endpoint_of(s, fd, m);
	if (endpoint < s->hang) {
		s->hung++;
		return;
	}
	count(s, endpoint, m);
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
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1)
		bench_die("prctl");
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
