#include <unistd.h>
#include "base/clock.h"
#include "deliver/mail_inner.h"

#define SASL "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5;AUTH=DIGEST-MD5"

int64_t
mail_left_ms(const struct mail_worker *w, const struct mail_job *j)
{
	int64_t spent = (clock_mono_us() - w->begun_us) / 1000;

	return j->timeout_ms > spent ? j->timeout_ms - spent : 1;
}

void
mail_set_name(struct mail_worker *w, const char *addresses)
{
	buf_clear(&w->pair);
	buf_printf(&w->pair, "+%s:%ld:%s", w->m->host, w->m->port, addresses);
	w->pair_line.data = w->pair.s;
	w->named = true;
}

/* libcurl wants to look a name up: as with webhooks, that is ours to do. */
static int
on_lookup(void *state, void *reserved, void *arg)
{
	struct mail_worker *w = arg;

	(void)state;
	(void)reserved;
	if (resolve_is_known(w->m->host))
		return 0;
	w->asks = true;
	return 1;			/* ends this try */
}

/* Sockets: known to us, so that whoever cancels can shut them down. */

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct mail_worker *w = arg;
	int fd = -1;

	(void)purpose;
	w->dialled = true;
	w->talk.step = MAIL_CONNECTING;
	w->talk.quit = false;
	pthread_mutex_lock(&w->m->lock);
	if (!w->cancelled && w->nfd < MAIL_SOCKETS) {
		fd = socket(a->family, a->socktype | SOCK_CLOEXEC,
		    a->protocol);
		if (fd != -1)
			w->fd[w->nfd++] = fd;
		else if (channel_is_lack(errno))
			w->os_error = errno;
	}
	pthread_mutex_unlock(&w->m->lock);
	if (fd != -1)
		w->opened = true;
	return fd;
}

static int
on_close(void *arg, curl_socket_t fd)
{
	struct mail_worker *w = arg;

	pthread_mutex_lock(&w->m->lock);
	for (size_t i = 0; i < w->nfd; i++)
		if (w->fd[i] == fd) {
			w->fd[i] = w->fd[--w->nfd];
			break;
		}
	close(fd);
	pthread_mutex_unlock(&w->m->lock);
	return 0;
}

static CURLcode
on_agree(CURL *easy, void *context, void *arg)
{
	struct mail_worker *w = arg;

	(void)easy;
	(void)context;
	w->talk.agrees_us = clock_mono_us();
	w->talk.step = MAIL_AGREEING;
	w->talk.code = 0;
	return CURLE_OK;
}

/*
 * There is a connection to send the mail on.  libcurl does without logging in
 * where it is not offered, and a relay that does not know who we are refuses
 * each recipient for good.
 */
static int
on_ready(void *arg, char *ip, char *own_ip, int port, int own_port)
{
	struct mail_worker *w = arg;

	(void)ip;
	(void)own_ip;
	(void)port;
	(void)own_port;
	w->mute = w->dialled && *w->m->user != '\0' && !w->talk.logged_in;
	return w->mute ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return mail_is_cancelled(arg) ? 1 : 0;
}

/* The dialogue. */

/* libcurl gives such an answer up itself, as if the connection had broken. */
static void
note_endless(struct mail_talk *t, struct slice text)
{
	static const char *const says[] = { "Excessive server response line",
	    "cached response data too big", "Too large response headers" };

	for (size_t i = 0; i < NELEM(says); i++) {
		size_t n = strlen(says[i]);

		if (text.len >= n && memcmp(text.s, says[i], n) == 0)
			t->garbage = true;
	}
}

static int
on_debug(CURL *easy, curl_infotype type, char *s, size_t len, void *arg)
{
	struct mail_worker *w = arg;

	(void)easy;
	if (type == CURLINFO_HEADER_OUT) {
		mail_talk_out(&w->talk, (struct slice){ s, len });
		if (w->talk.quit) {	/* mail_inner.h says why */
			pthread_mutex_lock(&w->m->lock);
			mail_shut(w, SHUT_RDWR);
			pthread_mutex_unlock(&w->m->lock);
		}
	} else if (type == CURLINFO_TEXT && !w->talk.quit)
		note_endless(&w->talk, (struct slice){ s, len });
	return 0;
}

static size_t
on_head(char *s, size_t size, size_t n, void *arg)
{
	struct mail_worker *w = arg;
	struct slice line = { s, size * n };

	if (w->talk.quit)
		return line.len;
	return mail_talk_in(&w->talk, line) ? line.len : 0;
}

static size_t
on_body(char *s, size_t size, size_t n, void *arg)
{
	(void)s;
	(void)arg;
	return size * n;
}

static size_t
on_read(char *to, size_t size, size_t n, void *arg)
{
	struct mail_worker *w = arg;
	struct slice m = w->job->message;
	size_t room = size * n, left = m.len - w->sent;

	if (left == 0)
		w->talk.step = MAIL_ENDING;
	if (left > room)
		left = room;
	memcpy(to, m.s + w->sent, left);
	w->sent += left;
	return left;
}

bool
mail_set_up(struct mail_worker *w)
{
	const struct mail *m = w->m;
	CURL *e = curl_easy_init();

	if (e == NULL)
		return false;
	w->easy = e;
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, w->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(e, CURLOPT_URL, m->url);
	curl_easy_setopt(e, CURLOPT_MAXCONNECTS, 1L);
	tls_set_up(e, &m->trust);
	curl_easy_setopt(e, CURLOPT_USE_SSL, m->local || *m->user == '\0' ?
	    (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, m->local ? 0L : 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, m->local ? 0L : 2L);
	if (*m->user != '\0') {
		curl_easy_setopt(e, CURLOPT_USERNAME, m->user);
		curl_easy_setopt(e, CURLOPT_PASSWORD, m->password);
		/* not what wants a ticket or a domain that we have not */
		curl_easy_setopt(e, CURLOPT_LOGIN_OPTIONS, SASL);
	}
	curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
	curl_easy_setopt(e, CURLOPT_RESOLVER_START_DATA, w);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, w);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, w);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_agree);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, w);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_ready);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, w);
	curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(e, CURLOPT_XFERINFODATA, w);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(e, CURLOPT_DEBUGDATA, w);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, w);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(e, CURLOPT_READDATA, w);
	/*
	 * Told the size, libcurl says it with MAIL, and a server would refuse
	 * there what it should refuse as this message's fault.
	 */
	curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
	return true;
}

void
mail_set_try(struct mail_worker *w, const struct mail_job *j)
{
	CURL *e = w->easy;
	long left = (long)mail_left_ms(w, j);

	mail_talk_reset(&w->talk);
	w->asks = w->dialled = w->opened = w->mute = false;
	w->os_error = 0;
	w->sent = 0;
	w->error[0] = '\0';
	w->tried_us = clock_mono_us();
	/* libcurl reads it only, though its type does not say so */
	w->to_line.data = (char *)(uintptr_t)j->to;
	curl_easy_setopt(e, CURLOPT_MAIL_FROM, j->from);
	curl_easy_setopt(e, CURLOPT_MAIL_RCPT, &w->to_line);
	curl_easy_setopt(e, CURLOPT_RESOLVE, w->named ? &w->pair_line : NULL);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, w->fresh ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, left);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, left);
	/* for one answer; it is 120 s unless said, and in seconds */
	curl_easy_setopt(e, CURLOPT_SERVER_RESPONSE_TIMEOUT, left / 1000 + 1);
}
