#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

#define NUMBER_DIGITS	10
#define TIME_DIGITS	15

static void
put_digits(struct buf *out, uint64_t v, size_t width)
{
	char text[20];

	for (size_t i = width; i > 0; i--, v /= 10)
		text[i - 1] = (char)('0' + v % 10);
	buf_put(out, text, width);
}

void
bench_name(struct buf *out, uint32_t number, int64_t at_us)
{
	buf_puts(out, "AGW-");
	put_digits(out, number, NUMBER_DIGITS);
	buf_putc(out, '-');
	put_digits(out, (uint64_t)at_us, TIME_DIGITS);
}

void
bench_event(struct buf *out, uint32_t number, int64_t at_us, uint32_t lane,
    uint64_t salt)
{
	buf_puts(out, "{\"id\":\"tick-");
	put_digits(out, salt, 12);
	buf_putc(out, '-');
	put_digits(out, number, NUMBER_DIGITS);
	buf_puts(out, "\",\"event\":\"OrderTicketed\",\"occurredAt\":"
	    "\"2026-11-23T10:00:00Z\",\"order\":{\"agwID\":\"");
	bench_name(out, number, at_us);
	buf_puts(out, "\",\"orderID\":\"ORD-");
	put_digits(out, number, NUMBER_DIGITS);
	buf_puts(out, "\",\"pnr\":\"K");
	put_digits(out, number, NUMBER_DIGITS);
	buf_puts(out, "\",\"agency\":\"A");
	put_digits(out, lane, 3);
	buf_puts(out, "\",\"agent\":\"Ana Gil\",\"agentEmail\":"
	    "\"ana.gil@wander.example\",\"psgEmail\":\"p");
	put_digits(out, number, NUMBER_DIGITS);
	buf_puts(out, "@mail.example\",\"consumer\":\"Wander Travel S.L.\","
	    "\"consumerIataCode\":\"12345678\",\"provider\":\"IB\","
	    "\"adultsPax\":2,\"childrenPax\":0,\"totalAmount\":\"412.90\","
	    "\"orderStatus\":\"ticketed\",\"legs\":[{\"origin\":\"MAD\","
	    "\"destination\":\"LHR\","
	    "\"departure\":\"2026-12-01T10:00:00Z\","
	    "\"arrival\":\"2026-12-01T11:30:00Z\"}]}}");
}

/* Read digits off the front; false if one is none. */
static bool
take_digits(struct slice *s, size_t width, uint64_t *v)
{
	*v = 0;
	if (s->len < width)
		return false;
	for (size_t i = 0; i < width; i++) {
		if (s->s[i] < '0' || s->s[i] > '9')
			return false;
		*v = *v * 10 + (uint64_t)(s->s[i] - '0');
	}
	s->s += width;
	s->len -= width;
	return true;
}

bool
bench_name_find(struct slice s, uint32_t *number, int64_t *at_us)
{
	const char *at = s.len == 0 ? NULL : memmem(s.s, s.len, "AGW-", 4);
	uint64_t n, us;

	if (at == NULL)
		return false;
	s.len -= (size_t)(at + 4 - s.s);
	s.s = at + 4;
	if (!take_digits(&s, NUMBER_DIGITS, &n) || n >= BENCH_NUMBER_MAX ||
	    s.len == 0 || s.s[0] != '-')
		return false;
	s.s++;
	s.len--;
	if (!take_digits(&s, TIME_DIGITS, &us))
		return false;
	*number = (uint32_t)n;
	*at_us = (int64_t)us;
	return true;
}

/* What a header line says that matters; *len is -1 for a chunked body. */
static void
read_line(const char *line, size_t n, ssize_t *len, bool *ends)
{
	if (n > 15 && strncasecmp(line, "content-length:", 15) == 0)
		*len = (ssize_t)strtoul(line + 15, NULL, 10);
	else if (n > 18 && strncasecmp(line, "transfer-encoding:", 18) == 0)
		*len = -1;
	else if (n > 11 && strncasecmp(line, "connection:", 11) == 0)
		*ends = memmem(line, n, "close", 5) != NULL;
}

ssize_t
bench_http_read(struct slice in, struct bench_http *m)
{
	const char *end = in.len < 4 ? NULL :
	    memmem(in.s, in.len, "\r\n\r\n", 4);
	const char *line, *next;
	ssize_t len = 0;

	*m = (struct bench_http){ .status = 0 };
	if (end == NULL)
		return in.len > 65536 ? -1 : 0;
	end += 4;
	m->head = (struct slice){ in.s, (size_t)(end - in.s) };
	if (in.len > 12 && memcmp(in.s, "HTTP/1.1 ", 9) == 0)
		m->status = (int)strtoul(in.s + 9, NULL, 10);
	for (line = in.s; line < end - 2; line = next) {
		next = (const char *)memchr(line, '\n',
		    (size_t)(end - line)) + 1;
		if ((line[0] | 0x20) == 'c' || (line[0] | 0x20) == 't')
			read_line(line, (size_t)(next - line), &len,
			    &m->close);
	}
	in.len -= m->head.len;
	if (len == -1) {
		/* JSON has no line's end but as an escape, so this is it. */
		next = memmem(end, in.len, "0\r\n\r\n", 5);
		if (next == NULL)
			return 0;
		len = next + 5 - end;
	}
	if (len < 0)
		return -1;
	if (in.len < (size_t)len)
		return 0;
	m->body = (struct slice){ end, (size_t)len };
	return (ssize_t)m->head.len + len;
}

/*
 * Cells: below 128 one each, above that 64 to each doubling.
 */
static size_t
cell_of(int64_t us)
{
	uint64_t v = us < 0 ? 0 : (uint64_t)us;
	size_t cell, e;

	if (v < 128)
		return (size_t)v;
	e = 63 - (size_t)__builtin_clzll(v);
	cell = 128 + (e - 7) * 64 + ((v >> (e - 6)) & 63);
	return cell < BENCH_CELLS ? cell : BENCH_CELLS - 1;
}

static int64_t
cell_value(size_t cell)
{
	size_t e;

	if (cell < 128)
		return (int64_t)cell;
	e = (cell - 128) / 64 + 7;
	return (int64_t)((64 + (cell - 128) % 64) << (e - 6));
}

void
bench_times_add(struct bench_times *t, int64_t us)
{
	t->cell[cell_of(us)]++;
	t->n++;
	if (us > t->max_us)
		t->max_us = us;
}

int64_t
bench_times_at(const struct bench_times *t, uint32_t per_mille)
{
	uint64_t want = (t->n * per_mille + 999) / 1000, seen = 0;

	for (size_t i = 0; i < BENCH_CELLS; i++) {
		seen += t->cell[i];
		if (seen >= want && seen > 0)
			return cell_value(i);
	}
	return 0;
}

void
bench_times_print(const struct bench_times *t, struct buf *out)
{
	buf_puts(out, "\"p50_us\":");
	buf_i64(out, bench_times_at(t, 500));
	buf_puts(out, ",\"p99_us\":");
	buf_i64(out, bench_times_at(t, 990));
	buf_puts(out, ",\"max_us\":");
	buf_i64(out, t->max_us);
}

double
bench_cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int64_t
bench_number(const char *option, const char *text, int64_t min, int64_t max)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && v >= min && v <= max)
		return v;
	fprintf(stderr, "%s wants a number from %lld to %lld\n", option,
	    (long long)min, (long long)max);
	exit(2);
}

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int
bench_connect(uint16_t port)
{
	struct sockaddr_in sa = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&sa, sizeof sa) == -1)
		bench_die("connect");
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1)
		bench_die("TCP_NODELAY");
	return fd;
}

int
bench_listen(uint16_t *port)
{
	struct sockaddr_in sa = loopback(*port);
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0), on = 1;

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof on) == -1 || bind(fd, (struct sockaddr *)&sa, len) == -1 ||
	    listen(fd, 1024) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) == -1)
		bench_die("listen");
	*port = ntohs(sa.sin_port);
	return fd;
}

void
bench_die(const char *what)
{
	perror(what);
	exit(1);
}
