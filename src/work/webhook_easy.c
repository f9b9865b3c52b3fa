#include <curl/curl.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "work/webhook_transfer.h"

#define IDLE_S		60	/* a connection is kept that long */
#define HEAD_READ_MAX	(64 * 1024)	/* of a response's headers */

void
webhook_looked(struct transfer *t)
{
	if (t->looking)
		t->w->lookups--;
	t->looking = false;
}

static int
on_lookup(void *state, void *reserved, void *arg)
{
	struct transfer *t = arg;

	(void)state;
	(void)reserved;
	if (t->looking)
		return 0;
	if (t->w->lookups >= WEBHOOK_LOOKUPS) {
		t->put_off = true;
		return 1;		/* ends this try of the transfer */
	}
	t->looking = true;
	t->w->lookups++;
	return 0;
}

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = arg;
	int fd;

	(void)purpose;
	webhook_looked(t);
	if (guard_check(&t->w->guard, &a->addr, a->addrlen) != GUARD_OK) {
		t->guarded = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	t->opened = t->opened || fd != -1;
	return fd;
}

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
	if (t->head_seen > HEAD_READ_MAX)
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
	curl_easy_setopt(e, CURLOPT_USERAGENT, WEBHOOK_USER_AGENT);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)WEBHOOK_CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (w->ca != NULL)
		curl_easy_setopt(e, w->ca_is_dir ? CURLOPT_CAPATH :
		    CURLOPT_CAINFO, w->ca);
	curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
	curl_easy_setopt(e, CURLOPT_RESOLVER_START_DATA, t);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
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

/* The time a request may still take. */
static int64_t
left_ms(const struct transfer *t)
{
	int64_t spent = (clock_mono_us() - t->begun_us) / 1000;

	return t->rq.timeout_ms > spent ? t->rq.timeout_ms - spent : 1;
}

void
webhook_set_request(struct transfer *t)
{
	CURL *e = t->easy;

	t->put_off = t->guarded = t->opened = t->cut = false;
	t->head_seen = t->body_seen = t->retry_after.len = 0;
	t->error[0] = '\0';
	buf_clear(&t->head);
	buf_clear(&t->body);
	curl_easy_setopt(e, CURLOPT_URL, t->rq.url);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST,
	    strcmp(t->rq.method, "POST") == 0 ? NULL : t->rq.method);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)t->rq.body.len);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS,
	    t->rq.body.len == 0 ? "" : t->rq.body.s);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)left_ms(t));
}
