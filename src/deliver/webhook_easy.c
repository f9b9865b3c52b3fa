#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "deliver/webhook_transfer.h"
#include "work/outgoing.h"

#define IDLE_S		60	/* a connection is kept that long */

/* The time a request may still take. */
static int64_t
left_ms(const struct transfer *t, int64_t of_ms)
{
	int64_t spent = (clock_mono_us() - t->begun_us) / 1000;

	return of_ms > spent ? of_ms - spent : 1;
}

int64_t
webhook_connect_left_ms(const struct transfer *t)
{
	return left_ms(t, t->rq.timeout_ms < WEBHOOK_CONNECT_MS ?
	    t->rq.timeout_ms : WEBHOOK_CONNECT_MS);
}

/* Names. */

/* Take host and port out of the URL, as libcurl reads it. */
static bool
read_authority(struct transfer *t)
{
	char *host = NULL, *port = NULL;
	CURLU *u = curl_url();
	bool ok = false;

	if (u == NULL || curl_url_set(u, CURLUPART_URL, t->rq.url,
	    CURLU_PATH_AS_IS) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) !=
	    CURLUE_OK || strlen(host) >= sizeof t->host)
		goto done;
	memcpy(t->host, host, strlen(host) + 1);
	t->port = strtol(port, NULL, 10);
	ok = true;
done:
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return ok;
}

/*
 * libcurl wants to look a name up, since no connection is kept and it knows no
 * address: what it would wait for is ours to find.  A name that it asks for
 * although it was given it is one that we read in another way.
 */
static int
on_lookup(void *state, void *reserved, void *arg)
{
	struct transfer *t = arg;

	(void)state;
	(void)reserved;
	if (!read_authority(t))
		return 1;
	if (resolve_is_known(t->host))
		return 0;
	t->asks = !t->named;
	return 1;			/* ends this try */
}

void
webhook_set_name(struct transfer *t, const char *addresses)
{
	buf_clear(&t->pair);
	buf_printf(&t->pair, "+%s:%ld:%s", t->host, t->port, addresses);
	t->pair_line.data = t->pair.s;
	t->named = true;
}

/* Connections. */

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = arg;
	int fd;

	(void)purpose;
	t->dialled = true;
	if (guard_check(&t->w->guard, &a->addr, a->addrlen) != GUARD_OK) {
		t->guarded = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd != -1)
		t->opened = true;
	else if (channel_is_lack(errno))
		t->os_error = errno;
	return fd;
}

/*
 * TLS is about to begin.  libcurl itself tells when it was connected only once
 * all of that is done.
 */
static CURLcode
on_agree(CURL *easy, void *context, void *arg)
{
	struct transfer *t = arg;

	(void)easy;
	(void)context;
	t->agrees_us = clock_mono_us();
	return CURLE_OK;
}

/*
 * The request is about to be sent.  libcurl sends it again by itself when a
 * kept connection turns out to be closed before a line of an answer came, on
 * whatever connection it has, up to five times; here that is once, on a new
 * one.
 */
static int
on_request(void *arg, char *ip, char *own_ip, int port, int own_port)
{
	struct transfer *t = arg;

	(void)ip;
	(void)own_ip;
	(void)port;
	(void)own_port;
	t->again = t->requests > 0 && !t->dialled;
	if (t->again)
		return CURL_PREREQFUNC_ABORT;	/* ends this try */
	t->requests++;
	return CURL_PREREQFUNC_OK;
}

/* The answer. */

/* The name is all that the head of a response is looked into for. */
static void
note_retry_after(struct transfer *t, const char *s, size_t len)
{
	static const char name[] = "retry-after:";
	size_t n = sizeof name - 1;

	if (len > n && strncasecmp(s, name, n) == 0 && !t->head.over) {
		t->retry_after.off = t->head.len - len + n;
		t->retry_after.len = len - n;
	}
}

static size_t
on_head(char *s, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n;

	t->head_seen += len;
	if (t->head_seen > WEBHOOK_HEAD_READ)
		return 0;
	if (len >= 5 && memcmp(s, "HTTP/", 5) == 0) {
		buf_clear(&t->head);	/* what was before was a 1xx */
		t->retry_after.len = 0;
	}
	if (!t->head.over)
		buf_put(&t->head, s, len);
	note_retry_after(t, s, len);
	return len;
}

static size_t
on_body(char *s, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n, room = t->body.max - t->body.len;

	t->body_seen += len;
	buf_put(&t->body, s, len < room ? len : room);
	if (t->body_seen > WEBHOOK_READ_MAX) {
		t->cut = true;
		return 0;
	}
	return len;
}

void
webhook_set_up(struct transfer *t)
{
	const struct webhook *w = t->w;
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, OUTGOING_USER_AGENT);
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
	tls_set_up(e, &w->trust);
	curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
	curl_easy_setopt(e, CURLOPT_RESOLVER_START_DATA, t);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_agree);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, t);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
}

/*
 * Point curl's list at the caller's lines: nothing is copied.  "Expect:"
 * keeps curl from waiting for 100 Continue.
 */
bool
webhook_set_head(struct transfer *t)
{
	static char expect[] = "Expect:";
	struct slice rest = t->rq.head;
	size_t n = 0;

	t->line[n++].data = expect;
	while (rest.len > 0) {
		size_t len = strlen(rest.s) + 1;

		if (n == NELEM(t->line))
			return false;
		/* libcurl reads it only, though its type does not say so */
		t->line[n++].data = (char *)(uintptr_t)rest.s;
		rest.s += len;
		rest.len -= len < rest.len ? len : rest.len;
	}
	for (size_t i = 0; i < n; i++)
		t->line[i].next = i + 1 < n ? &t->line[i + 1] : NULL;
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->line);
	return true;
}

void
webhook_reset(struct transfer *t)
{
	t->asks = t->again = t->dialled = t->guarded = t->opened = false;
	t->cut = false;
	t->os_error = 0;
	t->agrees_us = 0;
	t->head_seen = t->body_seen = t->retry_after.len = 0;
	t->error[0] = '\0';
	buf_clear(&t->head);
	buf_clear(&t->body);
}

void
webhook_set_request(struct transfer *t)
{
	CURL *e = t->easy;

	webhook_reset(t);
	t->tried_us = clock_mono_us();
	curl_easy_setopt(e, CURLOPT_URL, t->rq.url);
	curl_easy_setopt(e, CURLOPT_RESOLVE, t->named ? &t->pair_line : NULL);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, t->requests > 0 ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST,
	    strcmp(t->rq.method, "POST") == 0 ? NULL : t->rq.method);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)t->rq.body.len);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS,
	    t->rq.body.len == 0 ? "" : t->rq.body.s);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)webhook_connect_left_ms(t));
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS,
	    (long)left_ms(t, t->rq.timeout_ms));
}
