/*
 * unit_smtp - a small mail server inside a test, that misbehaves at one step.
 */
#ifndef TESTS_UNIT_SMTP_H
#define TESTS_UNIT_SMTP_H

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
#include "unit.h"

/* What is answered to. */
enum smtp_at { SMTP_BANNER, SMTP_EHLO, SMTP_HELO, SMTP_STARTTLS, SMTP_AUTH,
	SMTP_TOKEN, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_DOT, SMTP_QUIT,
	SMTP_STEPS };

/* Instead of an answer's text. */
#define SMTP_DROP	"drop"
#define SMTP_SILENT	"silent"
#define SMTP_ENDLESS	"endless"	/* a line that never ends */
#define SMTP_LINES	"lines"		/* an answer of lines without end */
#define SMTP_HALF	"half"		/* of the answer, then nothing */

/* One who is talked to, a thread a connection. */
struct smtp {
	int		 fd;
	uint16_t	 port;
	pthread_t	 thread;
	atomic_int	 connections, talking, most, quits, mails;
	pthread_mutex_t	 lock;		/* of all below */
	const char	*answer[SMTP_STEPS];	/* with CR LF */
	int		 from_mail;	/* the answers hold from this mail of a
					   connection, 0 is the first */
	int		 delay_ms;	/* before the answer to the message */
	char		 ehlo[256], mail[512], rcpt[512];
	struct buf	 message;	/* the last one, as it came */
};

struct smtp_caller {
	struct smtp	*s;
	int		 fd;
	char		 in[4096];
	size_t		 at, len;
	int		 mails;
};

static inline bool
smtp_say(int fd, const char *text, size_t len)
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

/* False: the connection is over. */
static inline bool
smtp_answer(struct smtp_caller *c, enum smtp_at at)
{
	static const char *const usual[SMTP_STEPS] = {
		[SMTP_BANNER] = "220 mail.example ESMTP\r\n",
		[SMTP_EHLO] = "250-mail.example\r\n250 HELP\r\n",
		[SMTP_HELO] = "250 mail.example\r\n",
		[SMTP_STARTTLS] = "502 5.5.1 What?\r\n",
		[SMTP_AUTH] = "334 \r\n",
		[SMTP_TOKEN] = "235 Welcome\r\n",
		[SMTP_MAIL] = "250 2.1.0 Ok\r\n",
		[SMTP_RCPT] = "250 2.1.5 Ok\r\n",
		[SMTP_DATA] = "354 Go on\r\n",
		[SMTP_DOT] = "250 2.0.0 Queued as 7\r\n",
		[SMTP_QUIT] = "221 Bye\r\n",
	};
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	const char *text;
	char much[4096];

	pthread_mutex_lock(&c->s->lock);
	text = c->s->answer[at];
	if (text == NULL || c->mails < c->s->from_mail)
		text = usual[at];
	pthread_mutex_unlock(&c->s->lock);
	if (strcmp(text, SMTP_DROP) == 0)
		return false;
	if (strcmp(text, SMTP_SILENT) == 0 || strcmp(text, SMTP_HALF) == 0) {
		if (text[0] == 'h' && !smtp_say(c->fd, "250-half\r\n25", 12))
			return false;
		(void)poll(&p, 1, 10000);	/* till it hangs up */
		return false;
	}
	memset(much, 'x', sizeof much);
	while (strcmp(text, SMTP_ENDLESS) == 0)
		if (!smtp_say(c->fd, much, sizeof much))
			return false;
	while (strcmp(text, SMTP_LINES) == 0)
		if (!smtp_say(c->fd, "250-more\r\n", 10))
			return false;
	return smtp_say(c->fd, text, strlen(text));
}

/* A line with its end; false: the client has gone. */
static inline bool
smtp_hear(struct smtp_caller *c, struct buf *line)
{
	buf_clear(line);
	for (;;) {
		while (c->at < c->len) {
			char ch = c->in[c->at++];

			buf_putc(line, ch);
			if (ch == '\n')
				return true;
		}
		ssize_t n = recv(c->fd, c->in, sizeof c->in, 0);

		if (n <= 0)
			return false;
		c->at = 0;
		c->len = (size_t)n;
	}
}

static inline bool
smtp_message(struct smtp_caller *c, struct buf *line)
{
	struct smtp *s = c->s;
	int delay_ms;

	pthread_mutex_lock(&s->lock);
	buf_clear(&s->message);
	pthread_mutex_unlock(&s->lock);
	for (;;) {
		if (!smtp_hear(c, line))
			return false;
		if (strcmp(line->s, ".\r\n") == 0)
			break;
		pthread_mutex_lock(&s->lock);
		buf_slice(&s->message, buf_as_slice(line));
		pthread_mutex_unlock(&s->lock);
	}
	atomic_fetch_add(&s->mails, 1);
	pthread_mutex_lock(&s->lock);
	delay_ms = s->delay_ms;
	pthread_mutex_unlock(&s->lock);
	if (delay_ms > 0)
		(void)poll(NULL, 0, delay_ms);
	if (!smtp_answer(c, SMTP_DOT))
		return false;
	c->mails++;
	return true;
}

static inline void
smtp_keep(struct smtp *s, char *to, size_t size, const struct buf *line)
{
	pthread_mutex_lock(&s->lock);
	snprintf(to, size, "%.*s", (int)strcspn(line->s, "\r\n"), line->s);
	pthread_mutex_unlock(&s->lock);
}

static inline bool
smtp_obey(struct smtp_caller *c, struct buf *line)
{
	static const struct { const char *verb; enum smtp_at at; } verb[] = {
		{ "EHLO", SMTP_EHLO }, { "HELO", SMTP_HELO },
		{ "STAR", SMTP_STARTTLS }, { "AUTH", SMTP_AUTH },
		{ "MAIL", SMTP_MAIL }, { "RCPT", SMTP_RCPT },
		{ "DATA", SMTP_DATA }, { "QUIT", SMTP_QUIT },
	};
	enum smtp_at at = SMTP_TOKEN;	/* what goes on with AUTH */

	for (size_t i = 0; i < NELEM(verb); i++)
		if (strncmp(line->s, verb[i].verb, 4) == 0)
			at = verb[i].at;
	if (at == SMTP_EHLO)
		smtp_keep(c->s, c->s->ehlo, sizeof c->s->ehlo, line);
	else if (at == SMTP_MAIL)
		smtp_keep(c->s, c->s->mail, sizeof c->s->mail, line);
	else if (at == SMTP_RCPT)
		smtp_keep(c->s, c->s->rcpt, sizeof c->s->rcpt, line);
	if (at == SMTP_QUIT)
		atomic_fetch_add(&c->s->quits, 1);
	if (!smtp_answer(c, at) || at == SMTP_QUIT)
		return false;
	if (at != SMTP_DATA)
		return true;
	pthread_mutex_lock(&c->s->lock);
	bool goes_on = c->s->answer[SMTP_DATA] == NULL ||
	    c->mails < c->s->from_mail;
	pthread_mutex_unlock(&c->s->lock);
	return !goes_on || smtp_message(c, line);
}

static inline void *
smtp_converse(void *arg)
{
	struct smtp_caller *c = arg;
	struct buf line = BUF_INIT(1 << 20);

	if (smtp_answer(c, SMTP_BANNER))
		while (smtp_hear(c, &line) && smtp_obey(c, &line))
			;
	close(c->fd);
	atomic_fetch_sub(&c->s->talking, 1);
	buf_free(&line);
	free(c);
	return NULL;
}

static inline void *
smtp_listen(void *arg)
{
	struct timeval patience = { .tv_sec = 15 };	/* with failed tests */
	struct smtp *s = arg;
	pthread_t t;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL), n;
		struct smtp_caller *c;

		if (fd == -1 && errno == EMFILE) {	/* a test's doing */
			(void)poll(NULL, 0, 5);
			continue;
		}
		if (fd == -1)
			return NULL;
		atomic_fetch_add(&s->connections, 1);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof patience);
		c = calloc(1, sizeof *c);
		c->s = s;
		c->fd = fd;
		n = atomic_fetch_add(&s->talking, 1) + 1;
		if (n > atomic_load(&s->most))
			atomic_store(&s->most, n);
		if (pthread_create(&t, NULL, smtp_converse, c) == 0)
			pthread_detach(t);
	}
}

static inline int
smtp_start(struct smtp *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;

	signal(SIGPIPE, SIG_IGN);
	memset(s, 0, sizeof *s);
	s->message.max = 1 << 22;
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->fd, (struct sockaddr *)&in, sizeof in) == -1 ||
	    listen(s->fd, 256) == -1 ||
	    getsockname(s->fd, (struct sockaddr *)&in, &len) == -1)
		return -1;
	s->port = ntohs(in.sin_port);
	return pthread_create(&s->thread, NULL, smtp_listen, s);
}

static inline int
smtp_stop(struct smtp *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	while (atomic_load(&s->talking) > 0)	/* their clients have gone */
		(void)poll(NULL, 0, 5);
	buf_free(&s->message);
	return close(s->fd);
}

#endif
