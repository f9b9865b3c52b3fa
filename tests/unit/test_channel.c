#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/clock.h"
#include "deliver/channel_webhook.h"
#include "unit_server.h"

#define PATIENCE_MS	5000

/* A result that outlives its callback. */
struct result {
	int	 calls;
	struct channel_result r;
	char	 word[16], head[CHANNEL_KEEP_HEAD + 1], after[64];
	size_t	 body_len;
};

static void
note(void *arg, const struct channel_result *r)
{
	struct result *re = arg;

	re->calls++;
	re->r = *r;
	re->body_len = r->body.len;
	snprintf(re->word, sizeof re->word, "%s", r->word);
	snprintf(re->head, sizeof re->head, "%.*s", (int)r->head.len,
	    r->head.len == 0 ? "" : r->head.s);
	snprintf(re->after, sizeof re->after, "%.*s",
	    (int)r->retry_after.len,
	    r->retry_after.s == NULL ? "" : r->retry_after.s);
}

/* A name server: what it says follows from the name, or is set by a test. */
static struct {
	pthread_mutex_t	lock;
	char		addresses[64];
} dns = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
set_addresses(const char *addresses)
{
	pthread_mutex_lock(&dns.lock);
	snprintf(dns.addresses, sizeof dns.addresses, "%s", addresses);
	pthread_mutex_unlock(&dns.lock);
}

static void
find(const char *host, struct resolve_answer *a)
{
	if (strncmp(host, "none.", 5) == 0)
		a->error = EAI_NONAME;
	else if (strncmp(host, "silent.", 7) == 0)
		a->error = EAI_AGAIN;
	else if (strncmp(host, "lack.", 5) == 0) {
		a->error = EAI_AGAIN;
		a->os_error = EMFILE;
	} else if (strncmp(host, "lackmem.", 8) == 0)
		a->error = EAI_MEMORY;
	else if (strncmp(host, "dead.", 5) == 0)
		(void)poll(NULL, 0, 800);	/* and then says nothing new */
	else if (strncmp(host, "slow.", 5) == 0)
		(void)poll(NULL, 0, 60);
	pthread_mutex_lock(&dns.lock);
	if (a->error == 0)
		snprintf(a->addresses, sizeof a->addresses, "%s",
		    dns.addresses);
	pthread_mutex_unlock(&dns.lock);
}

static struct webhook *
channel(const char *allow)
{
	struct webhook_options o = { .ca = "", .connections = 16,
	    .find = find };
	struct buf why = BUF_INIT(256);
	struct webhook *w;

	want_rc(guard_parse(&o.guard, allow, "", &why), RC_OK, "guard");
	want_rc(webhook_new(&w, &o, &why), RC_OK, "channel");
	buf_free(&why);
	set_addresses("127.0.0.1");
	return w;
}

/* Run until n results are there. */
static void
wait_for(struct webhook *w, const struct result *re, int n)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	struct pollfd p = { .fd = webhook_fd(w), .events = POLLIN };

	webhook_work(w);
	while (re->calls < n && clock_mono_ms() < until) {
		(void)poll(&p, 1, 100);
		webhook_work(w);
	}
	want_i64(re->calls, n, "results");
}

static struct result
ask_url(struct webhook *w, const char *url, int64_t timeout_ms)
{
	struct webhook_request rq = {
		.method = "POST",
		.url = url,
		.head = SLICE("content-type: application/json\0x-a: b\0"),
		.body = SLICE("{\"a\":1}"),
		.timeout_ms = timeout_ms,
	};
	struct result re = { .calls = 0 };

	webhook_send(w, &rq, note, &re);
	wait_for(w, &re, 1);
	return re;
}

static struct result
ask(struct webhook *w, const struct server *s, const char *path,
    int64_t timeout_ms)
{
	char url[128];

	snprintf(url, sizeof url, "http://127.0.0.1:%u%s", s->port, path);
	return ask_url(w, url, timeout_ms);
}

static int
set_up(void **state)
{
	static struct server s;

	*state = &s;
	return server_start(&s);
}

static int
tear_down(void **state)
{
	return server_stop(*state);
}

static void
the_status_line_decides_whatever_happens_to_the_rest(void **state)
{
	static const struct {
		const char *path;
		int status;
		const char *word;
		bool cut;
		int64_t seen, kept;
	} t[] = {
		{ "/200", 200, "ok", false, 2, 2 },
		{ "/204", 204, "ok", false, 0, 0 },
		{ "/500", 500, "http", false, 4, 4 },
		{ "/302", 302, "http", false, 0, 0 },
		{ "/101", 101, "http", false, 0, 0 },
		{ "/cut", 200, "ok", true, 4, 4 },
		{ "/chunk", 200, "ok", true, 0, 0 },
		{ "/status", 201, "ok", false, 0, 0 },
		{ "/slow", 200, "ok", true, 4, 4 },
		{ "/long", 200, "ok", false, 10000, CHANNEL_KEEP_BODY },
		{ "/heads", 200, "ok", false, 0, 0 },
		{ "/close", 0, "reset", false, 0, 0 },
		{ "/interim", 0, "reset", false, 0, 0 },
		{ "/garbage", 0, "protocol", false, 0, 0 },
		{ "/h2", 0, "protocol", false, 0, 0 },
		{ "/old", 0, "protocol", false, 0, 0 },
		{ "/midhead", 0, "reset", false, 0, 0 },
		{ "/interims", 0, "protocol", false, 0, 0 },
		{ "/headers", 0, "protocol", false, 0, 0 },
		{ "/line", 0, "protocol", false, 0, 0 },
		{ "/hang", 0, "timeout", false, 0, 0 },
	};
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");

	for (size_t i = 0; i < NELEM(t); i++) {
		struct result re = ask(w, s, t[i].path, 400);

		want_i64(re.r.status, t[i].status, "status of %s", t[i].path);
		want_str(re.word, t[i].word, "word of %s (%s)", t[i].path,
		    re.r.sentence);
		want_i64(re.r.cut, t[i].cut, "cut of %s", t[i].path);
		want_i64((int64_t)re.r.body_len, t[i].seen, "seen of %s",
		    t[i].path);
		want_i64((int64_t)re.body_len, t[i].kept, "kept of %s",
		    t[i].path);
	}
	webhook_free(w);
}

static void
an_endless_body_is_read_to_64_kib_and_no_further(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct result re = ask(w, s, "/endless", 2000);

	want_str(re.word, "ok", "word");
	want_i64(re.r.cut, true, "cut");
	if (re.r.body_len <= WEBHOOK_READ_MAX ||
	    re.r.body_len > WEBHOOK_READ_MAX + 32768)
		fail_msg("got %ju bytes", (uintmax_t)re.r.body_len);
	assert_non_null(strstr(re.r.sentence, "truncated at 4096 of"));
	webhook_free(w);
}

static void
no_answer_in_time_is_a_timeout_after_that_time(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	int64_t begun = clock_mono_ms(), took;
	struct result re = ask(w, s, "/hang", 300);

	took = clock_mono_ms() - begun;
	want_str(re.word, "timeout", "word");
	want_i64(re.r.status, 0, "status");
	if (took < 300 || took > 1300)
		fail_msg("got %" PRId64 " ms, want 300", took);
	webhook_free(w);
}

static void
the_guard_is_asked_about_the_address_connected_to(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("");
	struct result re;
	char url[64];

	re = ask(w, s, "/200", 1000);
	want_str(re.word, "guard", "an address");
	want_i64(re.r.status, 0, "status");
	snprintf(url, sizeof url, "http://localhost:%u/200", s->port);
	re = ask_url(w, url, 3000);
	want_str(re.word, "guard", "a name");
	want_i64(atomic_load(&s->connections), 0, "connections");
	webhook_free(w);

	w = channel("127.0.0.0/8");
	re = ask(w, s, "/200", 1000);
	want_str(re.word, "ok", "allowed");
	re = ask_url(w, "http://127.0.0.1:25/", 1000);
	want_str(re.word, "guard", "a port");
	webhook_free(w);
}

static void
failures_before_an_answer_have_words_of_their_own(void **state)
{
	struct server *s = *state, gone;
	struct webhook *w = channel("127.0.0.0/8");
	struct result re;
	char url[64];

	re = ask_url(w, "ftp://127.0.0.1/", 1000);
	want_str(re.word, "url", "another scheme");
	re = ask_url(w, "http://", 1000);
	want_str(re.word, "url", "no host");
	snprintf(url, sizeof url, "https://127.0.0.1:%u/200", s->port);
	re = ask_url(w, url, 2000);
	want_str(re.word, "tls", "a server without TLS");

	/* a port that was just given back */
	gone.fd = socket(AF_INET, SOCK_STREAM, 0);
	{
		struct sockaddr_in in = { .sin_family = AF_INET,
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t len = sizeof in;

		assert_int_equal(bind(gone.fd, (struct sockaddr *)&in,
		    sizeof in), 0);
		assert_int_equal(getsockname(gone.fd, (struct sockaddr *)&in,
		    &len), 0);
		gone.port = ntohs(in.sin_port);
		close(gone.fd);
	}
	re = ask(w, &gone, "/200", 1000);
	want_str(re.word, "refused", "nobody listens");
	webhook_free(w);
}

static void
connections_are_used_again_and_a_closed_one_is_replaced(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct result re;

	for (int i = 0; i < 5; i++) {
		re = ask(w, s, "/200", 1000);
		want_str(re.word, "ok", "request %d", i);
	}
	want_i64(atomic_load(&s->connections), 1, "connections");
	want_i64(re.r.connect_us, 0, "connecting again");
	re = ask(w, s, "/last", 1000);		/* closes after it */
	want_str(re.word, "ok", "the last one on it");
	re = ask(w, s, "/200", 1000);
	want_str(re.word, "ok", "after it was closed");
	want_i64(atomic_load(&s->connections), 2, "connections");
	webhook_free(w);
}

static void
the_request_is_what_was_asked_for_and_nothing_more(void **state)
{
	static const char *const method[] = { "POST", "PUT", "PATCH", "POST" };
	static const char *const never[] = { "Expect:", "Accept-Encoding",
	    "urlencoded", "Proxy" };
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	char url[64], want[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%u/200", s->port);
	for (size_t i = 0; i < NELEM(method); i++) {
		struct webhook_request rq = {
			.method = method[i], .url = url,
			.head = SLICE("content-type: application/json\0"
			    "x-empty;\0webhook-id: msg_1\0"),
			.body = i == 3 ? (struct slice){ NULL, 0 } :
			    SLICE("{\"a\":\"b\"}"),
			.timeout_ms = 1000,
		};
		struct result re = { .calls = 0 };

		webhook_send(w, &rq, note, &re);
		wait_for(w, &re, 1);
		want_str(re.word, "ok", "%s", method[i]);
		snprintf(want, sizeof want, "%s /200 HTTP/1.1\r\n",
		    method[i]);
		pthread_mutex_lock(&s->lock);
		if (strncmp(s->request, want, strlen(want)) != 0)
			fail_msg("got %.40s", s->request);
		for (size_t j = 0; j < NELEM(never); j++)
			if (strstr(s->request, never[j]) != NULL)
				fail_msg("got %s in %s", never[j],
				    s->request);
		assert_non_null(strstr(s->request,
		    "\r\ncontent-type: application/json\r\n"));
		assert_non_null(strstr(s->request, "\r\nx-empty:\r\n"));
		assert_non_null(strstr(s->request, "\r\nUser-Agent: Skycap/"));
		want_str(strstr(s->request, "\r\n\r\n") + 4,
		    i == 3 ? "" : "{\"a\":\"b\"}", "body");
		pthread_mutex_unlock(&s->lock);
	}
	webhook_free(w);
}

static void
many_requests_run_at_once_beside_one_that_hangs(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct result hung = { .calls = 0 }, re = { .calls = 0 };
	struct webhook_request rq = { .method = "POST",
	    .head = SLICE("x-a: b\0"), .body = SLICE("{}") };
	int64_t begun = clock_mono_ms();
	char slow[64], url[64];

	snprintf(slow, sizeof slow, "http://127.0.0.1:%u/hang", s->port);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/200", s->port);
	rq.url = slow;
	rq.timeout_ms = 4000;
	webhook_send(w, &rq, note, &hung);
	rq.url = url;
	for (int i = 0; i < 100; i++)
		webhook_send(w, &rq, note, &re);
	want_i64(webhook_under_way(w), 101, "under way");
	wait_for(w, &re, 100);
	want_i64(hung.calls, 0, "the one that hangs");
	if (clock_mono_ms() - begun > 3000)
		fail_msg("they waited for it");
	webhook_cancel(w);
	want_i64(webhook_under_way(w), 0, "under way after cancel");
	webhook_work(w);
	want_i64(hung.calls, 0, "a cancelled one's callback");
	webhook_free(w);
}

static void
retry_after_is_that_of_the_final_answer(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct result re = ask(w, s, "/503", 1000);

	want_i64(re.r.status, 503, "status");
	if (strstr(re.after, "120") == NULL)
		fail_msg("got \"%s\", want 120", re.after);
	re = ask(w, s, "/early", 1000);
	want_i64(re.r.status, 503, "status");
	want_str(re.after, "", "only an interim answer had one");
	assert_null(strstr(re.head, "103"));
	webhook_free(w);
}

static void
names_beyond_the_look_ups_at_once_wait_and_are_answered(void **state)
{
	enum { N = 3 * RESOLVE_THREADS };
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8 ::1");
	struct webhook_request rq = { .method = "POST",
	    .head = SLICE("x-a: b\0"), .body = SLICE("{}"),
	    .timeout_ms = 4000 };
	struct result re = { .calls = 0 };
	static char url[N][64];

	for (int i = 0; i < N; i++) {	/* a name each, so none is cached */
		snprintf(url[i], sizeof url[i],
		    "http://n%d.test:%u/200", i, s->port);
		rq.url = url[i];
		webhook_send(w, &rq, note, &re);
	}
	wait_for(w, &re, N);
	want_i64(webhook_under_way(w), 0, "under way");
	webhook_free(w);
}

static void
too_many_headers_are_a_result_not_a_crash(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct buf head = BUF_INIT(4096);
	struct webhook_request rq = { .method = "POST", .url =
	    "http://127.0.0.1/", .body = SLICE("{}"), .timeout_ms = 1000 };

	for (int i = 0; i < WEBHOOK_HEADERS_MAX + 10; i++) {
		buf_puts(&head, "x-a: b");
		buf_putc(&head, '\0');
	}
	rq.head = buf_as_slice(&head);
	for (int i = 0; i < 2; i++) {	/* also after one that went well */
		struct result re = { .calls = 0 };

		webhook_send(w, &rq, note, &re);
		wait_for(w, &re, 1);
		want_str(re.word, "internal", "word");
		want_i64(re.r.status, 0, "status");
		want_str(re.r.address, "", "address");
		re = ask(w, s, "/200", 1000);
		want_str(re.word, "ok", "the next one");
	}
	buf_free(&head);
	webhook_free(w);
}

static void
a_request_lost_with_a_kept_connection_is_sent_once_more(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct result re = ask(w, s, "/once", 1000);

	want_str(re.word, "ok", "the first one");
	re = ask(w, s, "/once", 1000);
	want_str(re.word, "ok", "the second one (%s)", re.r.sentence);
	want_i64(atomic_load(&s->connections), 2, "connections");
	want_i64(atomic_load(&s->requests), 3, "requests");
	if (re.r.first_us == 0 || re.r.first_us > re.r.total_us)
		fail_msg("got %u us of %u", re.r.first_us, re.r.total_us);

	re = ask(w, s, "/close", 1000);		/* the kept one, a new one */
	want_str(re.word, "reset", "closed on both");
	want_i64(atomic_load(&s->requests), 5, "requests");
	re = ask(w, s, "/close", 1000);
	want_str(re.word, "reset", "closed on a new one");
	want_i64(atomic_load(&s->requests), 6, "requests");

	re = ask(w, s, "/once-interim", 1000);
	want_str(re.word, "ok", "kept");
	re = ask(w, s, "/once-interim", 1000);
	want_str(re.word, "reset", "something came back");
	want_i64(atomic_load(&s->requests), 8, "requests");
	webhook_free(w);
}

/* All of what is kept may be closed at once: that must not be tried out. */
static void
of_many_kept_connections_only_one_is_tried(void **state)
{
	enum { N = 6 };
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct webhook_request rq = { .method = "POST",
	    .head = SLICE("x-a: b\0"), .body = SLICE("{}"),
	    .timeout_ms = 2000 };
	struct result re = { .calls = 0 };
	char url[64];

	snprintf(url, sizeof url, "http://shop.test:%u/once", s->port);
	rq.url = url;
	for (int i = 0; i < N; i++)
		webhook_send(w, &rq, note, &re);
	wait_for(w, &re, N);
	want_i64(atomic_load(&s->connections), N, "connections");
	re = ask_url(w, url, 2000);
	want_str(re.word, "ok", "word (%s)", re.r.sentence);
	want_i64(atomic_load(&s->requests), N + 2, "requests");
	want_i64(atomic_load(&s->connections), N + 1, "connections");
	webhook_free(w);
}

/* A socket that listens, with room for backlog and nobody who accepts. */
static int
deaf(int backlog, uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
a_timeout_says_what_took_the_time(void **state)
{
	static char large[8 * 1024 * 1024];
	struct webhook *w = channel("127.0.0.0/8");
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port, full_port;
	int fd = deaf(16, &port), full = deaf(0, &full_port), fill[4];
	const struct {
		const char *scheme, *host;
		uint16_t port;
		size_t body;
		const char *during;
	} t[] = {
		{ "http", "dead.test", port, 2, "looking up the name" },
		{ "http", "127.0.0.1", full_port, 2, "connecting" },
		{ "https", "127.0.0.1", port, 2, "agreeing on TLS" },
		{ "http", "127.0.0.1", port, sizeof large,
		    "sending the request" },
		{ "http", "127.0.0.1", port, 2, "waiting for the answer" },
	};

	(void)state;
	in.sin_port = htons(full_port);
	for (size_t i = 0; i < NELEM(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&in, sizeof in);
	}
	memset(large, 'x', sizeof large);
	for (size_t i = 0; i < NELEM(t); i++) {
		struct webhook_request rq = { .method = "POST",
		    .head = SLICE("x-a: b\0"),
		    .body = { large, t[i].body }, .timeout_ms = 300 };
		struct result re = { .calls = 0 };
		int64_t begun = clock_mono_ms(), took;
		char url[64];

		snprintf(url, sizeof url, "%s://%s:%u/", t[i].scheme,
		    t[i].host, t[i].port);
		rq.url = url;
		webhook_send(w, &rq, note, &re);
		wait_for(w, &re, 1);
		took = clock_mono_ms() - begun;
		want_str(re.word, "timeout", "word of %s", t[i].during);
		if (strstr(re.r.sentence, t[i].during) == NULL)
			fail_msg("got \"%s\", want it %s", re.r.sentence,
			    t[i].during);
		if (took < 299 || took > 1300)
			fail_msg("got %" PRId64 " ms %s, want 300", took,
			    t[i].during);
		want_i64(re.r.first_us, 0, "first byte");
		/* the step that failed has its time; later ones have none */
		want_i64(re.r.dns_us > 250000, i == 0, "dns_us of %s",
		    t[i].during);
		want_i64(re.r.connect_us > 250000, i == 1,
		    "connect_us of %s", t[i].during);
		want_i64(re.r.tls_us > 250000, i == 2, "tls_us of %s",
		    t[i].during);
		want_i64(re.r.tls_us == 0, i != 2, "tls_us of %s",
		    t[i].during);
		if (re.r.dns_us + re.r.connect_us + re.r.tls_us >
		    re.r.total_us)
			fail_msg("got steps longer than all %s",
			    t[i].during);
	}
	webhook_free(w);
	for (size_t i = 0; i < NELEM(fill); i++)
		close(fill[i]);
	close(fd);
	close(full);
}

static void
names_that_are_not_found_say_why(void **state)
{
	static const struct { const char *host, *word, *says; } t[] = {
		{ "none.test", "dns", "The name does not exist" },
		{ "silent.test", "dns", "its name servers do not answer" },
		{ "lack.test", "internal", "files" },
		{ "lackmem.test", "internal", "could not be made" },
	};
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");

	for (size_t i = 0; i < NELEM(t); i++) {
		struct result re = ask(w, s, "/200", 1000);
		char url[64];

		want_str(re.word, "ok", "one before");
		snprintf(url, sizeof url, "http://%s:%u/200", t[i].host,
		    s->port);
		re = ask_url(w, url, 1000);
		want_str(re.word, t[i].word, "word of %s", t[i].host);
		want_i64(re.r.status, 0, "status of %s", t[i].host);
		if (strstr(re.r.sentence, t[i].says) == NULL)
			fail_msg("got \"%s\", want \"%s\"", re.r.sentence,
			    t[i].says);
	}
	webhook_free(w);
}

static void
a_name_may_be_written_in_any_way_that_it_is_sent_in(void **state)
{
	static const char *const host[] = { "shop.test", "SHOP.Test",
	    "shop.test.", "a_b.test", "localhost", "127.0.0.1" };
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8 ::1");

	for (size_t i = 0; i < NELEM(host); i++) {
		struct result re;
		char url[64];

		snprintf(url, sizeof url, "http://%s:%u/200", host[i],
		    s->port);
		re = ask_url(w, url, 2000);
		want_str(re.word, "ok", "%s (%s)", host[i], re.r.sentence);
		want_i64(strncmp(re.r.address, "127.0.0.1:", 10), 0,
		    "address of %s", host[i]);
	}
	webhook_free(w);
}

static void
durations_are_those_of_each_step(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct result re;
	char url[64];

	snprintf(url, sizeof url, "http://slow.test:%u/200", s->port);
	re = ask_url(w, url, 2000);
	want_str(re.word, "ok", "word");
	if (re.r.dns_us < 59000 || re.r.dns_us > 1000000)
		fail_msg("got %u us of look-up, want 60000", re.r.dns_us);
	if (re.r.connect_us == 0 || re.r.connect_us > 50000)
		fail_msg("got %u us to connect", re.r.connect_us);
	want_i64(re.r.tls_us, 0, "tls_us");
	if (re.r.first_us < re.r.dns_us + re.r.connect_us ||
	    re.r.total_us < re.r.first_us)
		fail_msg("got %u, %u, first %u, total %u", re.r.dns_us,
		    re.r.connect_us, re.r.first_us, re.r.total_us);
	re = ask_url(w, url, 2000);
	want_i64(re.r.dns_us, 0, "dns_us on a kept connection");
	want_i64(re.r.connect_us, 0, "connect_us on a kept connection");
	if (re.r.first_us == 0 || re.r.first_us > re.r.total_us)
		fail_msg("got first %u, total %u", re.r.first_us,
		    re.r.total_us);
	webhook_free(w);
}

/* An address of several is used, whatever the others are. */
static void
a_name_gains_nothing_by_its_addresses(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.1");
	struct result re;
	char url[64];

	snprintf(url, sizeof url, "http://shop.test:%u/200", s->port);
	set_addresses("127.0.0.2,[::1],127.0.0.1");
	re = ask_url(w, url, 2000);
	want_str(re.word, "ok", "one of three (%s)", re.r.sentence);
	want_i64(strncmp(re.r.address, "127.0.0.1:", 10), 0, "address");
	set_addresses("127.0.0.2");
	re = ask_url(w, url, 2000);
	want_str(re.word, "ok", "on the connection that was allowed");
	want_i64(atomic_load(&s->connections), 1, "connections");
	webhook_free(w);

	w = channel("127.0.0.1");
	set_addresses("127.0.0.2,[::1],[::ffff:127.0.0.3]");
	re = ask_url(w, url, 2000);
	want_str(re.word, "guard", "none of three");
	want_str(re.r.address, "", "address");
	assert_null(strstr(re.r.sentence, "127.0.0"));
	want_i64(atomic_load(&s->connections), 1, "connections");
	webhook_free(w);
}

/* What a process can open is brought down to what it has open. */
static void
want_of_descriptors_says_nothing_about_an_endpoint(void **state)
{
	struct server *s = *state;
	struct webhook *w = channel("127.0.0.0/8");
	struct rlimit old, none;
	struct result re;
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char url[64];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)lowest;
	close(lowest);
	snprintf(url, sizeof url, "http://shop.test:%u/200", s->port);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	re = ask(w, s, "/200", 1000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	want_str(re.word, "internal", "word (%s)", re.r.sentence);
	if (strstr(re.r.sentence, strerror(EMFILE)) == NULL)
		fail_msg("got \"%s\"", re.r.sentence);
	want_i64(atomic_load(&s->connections), 0, "connections");
	re = ask_url(w, url, 1000);
	want_str(re.word, "ok", "once there are some (%s)", re.r.sentence);
	webhook_free(w);
}

/* The server sees the end of a connection a little later. */
static void
want_open(struct server *s, int n, const char *when)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (atomic_load(&s->talking) > n && clock_mono_ms() < until)
		(void)poll(NULL, 0, 1);
	want_i64(atomic_load(&s->talking), n, "open %s", when);
}

static void
kept_connections_make_room_for_new_ones(void **state)
{
	enum { MAX = 4 };
	struct server *s = *state;
	struct webhook_options o = { .ca = "", .connections = MAX,
	    .find = find };
	struct buf why = BUF_INIT(256);
	struct webhook_request rq = { .method = "POST",
	    .head = SLICE("x-a: b\0"), .body = SLICE("{}"),
	    .timeout_ms = 60000 };
	struct result re;
	struct webhook *w;
	char url[64];

	want_rc(guard_parse(&o.guard, "127.0.0.0/8", "", &why), RC_OK,
	    "guard");
	want_rc(webhook_new(&w, &o, &why), RC_OK, "channel");
	buf_free(&why);
	set_addresses("127.0.0.1");
	rq.url = url;
	for (int i = 0; i < 3 * MAX; i++) {	/* an endpoint each */
		snprintf(url, sizeof url, "http://n%d.test:%u/200", i,
		    s->port);
		re = ask_url(w, url, 1000);
		want_str(re.word, "ok", "request %d (%s)", i, re.r.sentence);
		want_open(s, i < MAX ? i + 1 : MAX, "one by one");
	}
	re = (struct result){ .calls = 0 };
	for (int i = 0; i < MAX; i++) {		/* at once, beside those kept */
		snprintf(url, sizeof url, "http://m%d.test:%u/hang", i,
		    s->port);
		webhook_send(w, &rq, note, &re);
		for (int64_t until = clock_mono_ms() + 50;
		    clock_mono_ms() < until; (void)poll(NULL, 0, 5))
			webhook_work(w);
		want_open(s, MAX, "at once");
	}
	want_i64(re.calls, 0, "answers");
	webhook_free(w);
}

#define WITH_SERVER(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_SERVER(the_status_line_decides_whatever_happens_to_the_rest),
	    WITH_SERVER(an_endless_body_is_read_to_64_kib_and_no_further),
	    WITH_SERVER(no_answer_in_time_is_a_timeout_after_that_time),
	    WITH_SERVER(the_guard_is_asked_about_the_address_connected_to),
	    WITH_SERVER(failures_before_an_answer_have_words_of_their_own),
	    WITH_SERVER(
		connections_are_used_again_and_a_closed_one_is_replaced),
	    WITH_SERVER(the_request_is_what_was_asked_for_and_nothing_more),
	    WITH_SERVER(many_requests_run_at_once_beside_one_that_hangs),
	    WITH_SERVER(retry_after_is_that_of_the_final_answer),
	    WITH_SERVER(
		names_beyond_the_look_ups_at_once_wait_and_are_answered),
	    WITH_SERVER(too_many_headers_are_a_result_not_a_crash),
	    WITH_SERVER(
		a_request_lost_with_a_kept_connection_is_sent_once_more),
	    WITH_SERVER(of_many_kept_connections_only_one_is_tried),
	    cmocka_unit_test(a_timeout_says_what_took_the_time),
	    WITH_SERVER(names_that_are_not_found_say_why),
	    WITH_SERVER(a_name_may_be_written_in_any_way_that_it_is_sent_in),
	    WITH_SERVER(durations_are_those_of_each_step),
	    WITH_SERVER(a_name_gains_nothing_by_its_addresses),
	    WITH_SERVER(want_of_descriptors_says_nothing_about_an_endpoint),
	    WITH_SERVER(kept_connections_make_room_for_new_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
