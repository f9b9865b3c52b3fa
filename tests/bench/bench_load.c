/*
 * bench_load - posts events to intake, as fast as it answers or at a rate.
 *
 *   bench_load --port P --path /intake/events --key KEY [--connections N]
 *       [--count N | --seconds S] [--rate N] [--batch N] [--lane N]
 *       [--lanes N] [--first N] [--scatter]
 *
 * Without --rate each connection sends its next request when the last one is
 * answered.  With it, event k is due at k / rate seconds whatever the answers
 * do, and counted from then: a slow answer can't hide those behind it.  With
 * --batch a request is that many events, as NDJSON.  Events are numbered from
 * --first on and go to --lanes lanes in turn, --lane (0) and those after it;
 * with --scatter their sender ids come in no order.  Prints one JSON object.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "bench.h"

#define CONNECTIONS_MAX	1024
#define READ_ROOM	16384
#define LAST_WORD_US	(10 * 1000 * 1000)	/* for answers, at the end */

struct conn {
	int		fd;
	bool		busy;
	int64_t		since_us;	/* its request counts from then */
	uint32_t	events;		/* in its request */
	struct buf	out, in;
	size_t		sent;		/* bytes of out */
};

struct load {
	/* asked for */
	uint16_t	 port;
	const char	*path, *key;
	uint32_t	 connections, batch, lane, lanes, first;
	uint64_t	 count;		/* events; 0: no end */
	int64_t		 seconds, rate;
	bool		 scatter;

	int		 epoll;
	uint64_t	 salt;
	struct conn	 conn[CONNECTIONS_MAX];
	struct conn	*idle[CONNECTIONS_MAX];	/* the last used on top */
	uint32_t	 nidle;
	uint64_t	 posted, answered, wrong, lost, reconnects;
	int64_t		 start_us, until_us, last_us;
	struct bench_times times;
	struct buf	 body, complaint;
};

static void
watch(struct load *l, struct conn *c, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(l->epoll, op, c->fd, &ev) == -1)
		bench_die("epoll_ctl");
}

static void
join(struct load *l, struct conn *c)
{
	c->fd = bench_connect(l->port);
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) == -1)
		bench_die("O_NONBLOCK");
	c->busy = false;
	buf_clear(&c->in);
	watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
	l->idle[l->nidle++] = c;
}

/* Also when the server has had enough of a connection. */
static void
join_again(struct load *l, struct conn *c)
{
	if (c->busy)
		l->lost += c->events;
	else
		for (uint32_t i = 0; i < l->nidle; i++)
			if (l->idle[i] == c)
				l->idle[i] = l->idle[--l->nidle];
	close(c->fd);
	l->reconnects++;
	join(l, c);
}

static void
write_out(struct load *l, struct conn *c)
{
	ssize_t n = send(c->fd, c->out.s + c->sent, c->out.len - c->sent,
	    MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN)
		return;			/* reading will tell */
	if (n > 0)
		c->sent += (size_t)n;
	if (c->sent < c->out.len)
		watch(l, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static bool
is_over(const struct load *l, int64_t now)
{
	return (l->count > 0 && l->posted >= l->count) || now >= l->until_us;
}

/* A multiplier that is odd goes through all numbers, in no order. */
static uint32_t
scattered(uint32_t number)
{
	return number * 2654435761u;
}

static void
post(struct load *l, struct conn *c, int64_t since_us)
{
	struct buf *b = &l->body;

	buf_clear(b);
	for (c->events = 0; c->events < l->batch &&
	    (l->count == 0 || l->posted < l->count); c->events++) {
		uint32_t number = l->first + (uint32_t)l->posted++;

		if (b->len > 0)
			buf_putc(b, '\n');
		bench_event(b, number, since_us,
		    l->lane + number % l->lanes,
		    l->scatter ? scattered(number) : l->salt);
	}
	buf_clear(&c->out);
	buf_printf(&c->out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	    "Authorization: Bearer %s\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n", l->path, l->key,
	    l->batch > 1 ? "application/x-ndjson" : "application/json",
	    b->len);
	buf_put(&c->out, b->s, b->len);
	c->busy = true;
	c->since_us = since_us;
	c->sent = 0;
	write_out(l, c);
}

static void
answered(struct load *l, struct conn *c, const struct bench_http *m)
{
	int64_t now = clock_mono_us();

	l->last_us = now;
	if (m->status == 202) {
		l->answered += c->events;
		bench_times_add(&l->times, now - c->since_us);
	} else {
		l->wrong += c->events;
		if (l->complaint.len == 0)
			buf_put(&l->complaint, m->body.s, m->body.len);
	}
	c->busy = false;
	l->idle[l->nidle++] = c;
}

static void
read_from(struct load *l, struct conn *c)
{
	struct bench_http m;
	char *room = buf_room(&c->in, READ_ROOM);
	ssize_t n = room == NULL ? 0 : read(c->fd, room, READ_ROOM);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		join_again(l, c);
		return;
	}
	c->in.len += (size_t)n;
	n = bench_http_read(buf_as_slice(&c->in), &m);
	if (n == 0)
		return;
	if (n < 0 || !c->busy) {
		join_again(l, c);
		return;
	}
	answered(l, c, &m);
	buf_clear(&c->in);
	if (m.close)
		join_again(l, c);
}

/* When the next event is due, at a rate. */
static int64_t
due_us(const struct load *l)
{
	return l->start_us + (int64_t)(l->posted * 1000000u /
	    (uint64_t)l->rate);
}

/* Post what can be posted; how long to wait for more, -1 for as long as it
   takes. */
static int64_t
post_all(struct load *l)
{
	int64_t now = clock_mono_us(), due;

	while (l->nidle > 0 && !is_over(l, now)) {
		due = l->rate > 0 ? due_us(l) : now;
		if (due > now)
			return due - now;
		post(l, l->idle[--l->nidle], due);
		now = clock_mono_us();
	}
	return is_over(l, now) ? 1000 * 1000 : -1;
}

static void
run(struct load *l)
{
	struct epoll_event ev[64];
	int64_t wait_us, now;

	l->start_us = l->last_us = clock_mono_us();
	l->until_us = l->seconds > 0 ? l->start_us + l->seconds * 1000000 :
	    INT64_MAX;
	for (;;) {
		wait_us = post_all(l);
		now = clock_mono_us();
		if (is_over(l, now) && (l->nidle == l->connections ||
		    now > l->last_us + LAST_WORD_US))
			return;

		struct timespec ts = { wait_us / 1000000,
		    wait_us % 1000000 * 1000 };
		int n = epoll_pwait2(l->epoll, ev, 64,
		    wait_us < 0 ? NULL : &ts, NULL);

		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;

			if ((ev[i].events & EPOLLOUT) != 0) {
				watch(l, c, EPOLL_CTL_MOD, EPOLLIN);
				write_out(l, c);
			}
			if ((ev[i].events & ~(uint32_t)EPOLLOUT) != 0)
				read_from(l, c);
		}
	}
}

static void
print(const struct load *l)
{
	struct buf out = BUF_INIT(4096);
	double s = (double)(l->last_us - l->start_us) / 1e6;

	buf_printf(&out, "{\"posted\":%llu,\"answered\":%llu,\"wrong\":%llu,"
	    "\"lost\":%llu,\"reconnects\":%llu,\"start_us\":%lld,"
	    "\"seconds\":%.3f,\"per_s\":%.1f,\"cpu_s\":%.3f,",
	    (unsigned long long)l->posted, (unsigned long long)l->answered,
	    (unsigned long long)l->wrong, (unsigned long long)l->lost,
	    (unsigned long long)l->reconnects, (long long)l->start_us, s,
	    s > 0 ? (double)l->answered / s : 0, bench_cpu_s());
	bench_times_print(&l->times, &out);
	buf_putc(&out, '}');
	puts(buf_str(&out));
	if (l->complaint.len > 0)
		fprintf(stderr, "an answer: %.*s\n", 500,
		    buf_str(&l->complaint));
	buf_free(&out);
}

static void
options(struct load *l, int argc, char **argv)
{
	static const struct option opt[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "key", required_argument, NULL, 'k' },
		{ "connections", required_argument, NULL, 'c' },
		{ "count", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "rate", required_argument, NULL, 'r' },
		{ "batch", required_argument, NULL, 'b' },
		{ "lane", required_argument, NULL, 'a' },
		{ "lanes", required_argument, NULL, 'l' },
		{ "first", required_argument, NULL, 'f' },
		{ "scatter", no_argument, NULL, 'x' }, { 0 } };
	int64_t v;
	int o;

	while ((o = getopt_long(argc, argv, "", opt, NULL)) != -1) {
		if (o == '?')
			exit(2);
		if (o == 'u')
			l->path = optarg;
		else if (o == 'k')
			l->key = optarg;
		else if (o == 'x')
			l->scatter = true;
		if (strchr("ukx", o) != NULL)
			continue;
		v = bench_number(argv[optind - 1], optarg, 0,
		    o == 'p' ? UINT16_MAX : o == 'c' ? CONNECTIONS_MAX :
		    o == 'l' || o == 'a' ? BENCH_LANES_MAX :
		    o == 'b' ? 10000 : BENCH_NUMBER_MAX);
		if (o == 'p')
			l->port = (uint16_t)v;
		else if (o == 'c')
			l->connections = (uint32_t)v;
		else if (o == 'n')
			l->count = (uint64_t)v;
		else if (o == 's')
			l->seconds = v;
		else if (o == 'r')
			l->rate = v;
		else if (o == 'b')
			l->batch = (uint32_t)v;
		else if (o == 'a')
			l->lane = (uint32_t)v;
		else if (o == 'l')
			l->lanes = (uint32_t)v;
		else
			l->first = (uint32_t)v;
	}
	if (l->port == 0 || l->connections == 0 || l->batch == 0 ||
	    l->lanes == 0 || l->lane + l->lanes > BENCH_LANES_MAX ||
	    (l->count == 0 && l->seconds == 0)) {
		fprintf(stderr, "what to post, and where, must be said\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof *l);

	if (l == NULL)
		bench_die("memory");
	l->path = "/intake/events";
	l->key = "none";
	l->connections = l->batch = l->lanes = 1;
	l->body = (struct buf)BUF_INIT(32 * 1024 * 1024);
	l->complaint = (struct buf)BUF_INIT(32 * 1024 * 1024);
	options(l, argc, argv);
	l->salt = (uint64_t)clock_now_ms() % 1000000000000u;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < l->connections; i++) {
		l->conn[i].out = (struct buf)BUF_INIT(32 * 1024 * 1024);
		l->conn[i].in = (struct buf)BUF_INIT(32 * 1024 * 1024);
		join(l, &l->conn[i]);
	}
	run(l);
	print(l);
	for (uint32_t i = 0; i < l->connections; i++) {
		close(l->conn[i].fd);
		buf_free(&l->conn[i].out);
		buf_free(&l->conn[i].in);
	}
	buf_free(&l->body);
	buf_free(&l->complaint);
	free(l);
	return 0;
}
