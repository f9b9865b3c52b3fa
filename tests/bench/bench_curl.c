/*
 * bench_curl - what libcurl alone can do: the bare limit for the sweep.
 *
 *   bench_curl HANDLES COUNT PORT...
 *
 * The multi socket interface under epoll, easy handles and connections used
 * again and again, a body of 600 bytes, nothing recorded.  Handle i posts to
 * port i modulo their number.  Prints one JSON object.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include "base/clock.h"
#include "bench.h"

#define HANDLES_MAX	4096
#define BODY_LEN	600
#define HOLD_MS		60000		/* to be done with all of it */

struct handle {
	CURL		*easy;
	char		 url[64];
	struct buf	 body;
};

struct loop {
	CURLM		*multi;
	int		 epoll;
	int64_t		 timer_ms;	/* monotonic; -1: none */
	uint64_t	 count, started, done, failed;
	struct curl_slist *head;
	struct handle	 handle[HANDLES_MAX];
};

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct loop *l = arg;
	struct epoll_event ev = { .data.fd = fd };

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
		curl_multi_assign(l->multi, fd, NULL);
		return 0;
	}
	ev.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) |
	    ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
	if (epoll_ctl(l->epoll, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
	    fd, &ev) == -1)
		bench_die("epoll_ctl");
	curl_multi_assign(l->multi, fd, l);
	return 0;
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct loop *l = arg;

	(void)multi;
	l->timer_ms = ms < 0 ? -1 : clock_mono_ms() + ms;
	return 0;
}

static size_t
on_body(char *s, size_t size, size_t n, void *arg)
{
	(void)s;
	(void)arg;
	return size * n;
}

static void
start(struct loop *l, struct handle *h)
{
	buf_clear(&h->body);
	buf_puts(&h->body, "{\"orderID\":\"");
	bench_name(&h->body, (uint32_t)(l->started % BENCH_NUMBER_MAX),
	    clock_mono_us());
	buf_puts(&h->body, "\",\"freeText\":\"");
	while (h->body.len < BODY_LEN - 2)
		buf_putc(&h->body, 'x');
	buf_puts(&h->body, "\"}");
	l->started++;
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE, (long)h->body.len);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, h->body.s);
	curl_multi_add_handle(l->multi, h->easy);
}

static void
make(struct loop *l, struct handle *h, unsigned port)
{
	h->easy = curl_easy_init();
	if (h->easy == NULL)
		bench_die("curl_easy_init");
	h->body = (struct buf)BUF_INIT(4096);
	snprintf(h->url, sizeof h->url, "http://127.0.0.1:%u/bench", port);
	curl_easy_setopt(h->easy, CURLOPT_URL, h->url);
	curl_easy_setopt(h->easy, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, l->head);
	curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->easy, CURLOPT_PRIVATE, h);
}

static void
conclude(struct loop *l)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(l->multi, &left)) != NULL) {
		struct handle *h = NULL;
		long status = 0;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &h);
		curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE,
		    &status);
		l->done++;
		if (m->data.result != CURLE_OK || status != 204)
			l->failed++;
		curl_multi_remove_handle(l->multi, h->easy);
		if (l->started < l->count)
			start(l, h);
	}
}

static void
run(struct loop *l)
{
	struct epoll_event ev[256];
	int64_t until_ms = clock_mono_ms() + HOLD_MS;
	int running;

	while (l->done < l->count && clock_mono_ms() < until_ms) {
		int64_t wait = l->timer_ms < 0 ? 1000 :
		    l->timer_ms - clock_mono_ms();
		int n = epoll_wait(l->epoll, ev, 256, wait < 0 ? 0 :
		    (int)wait);

		for (int i = 0; i < n; i++) {
			int what =
			    ((ev[i].events & EPOLLIN) != 0 ?
			    CURL_CSELECT_IN : 0) |
			    ((ev[i].events & EPOLLOUT) != 0 ?
			    CURL_CSELECT_OUT : 0) |
			    ((ev[i].events & (EPOLLERR | EPOLLHUP)) != 0 ?
			    CURL_CSELECT_ERR : 0);

			curl_multi_socket_action(l->multi, ev[i].data.fd,
			    what, &running);
		}
		if (l->timer_ms >= 0 && clock_mono_ms() >= l->timer_ms) {
			l->timer_ms = -1;
			curl_multi_socket_action(l->multi,
			    CURL_SOCKET_TIMEOUT, 0, &running);
		}
		conclude(l);
	}
}

int
main(int argc, char **argv)
{
	struct loop *l = calloc(1, sizeof *l);
	int64_t start_us, handles;
	double seconds;

	if (l == NULL || argc < 4) {
		fprintf(stderr, "usage: bench_curl HANDLES COUNT PORT...\n");
		return 2;
	}
	handles = bench_number("HANDLES", argv[1], 1, HANDLES_MAX);
	l->count = (uint64_t)bench_number("COUNT", argv[2], 1, 100000000);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	l->multi = curl_multi_init();
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timer_ms = -1;
	l->head = curl_slist_append(NULL, "content-type: application/json");
	l->head = curl_slist_append(l->head, "Expect:");
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	start_us = clock_mono_us();
	for (int64_t i = 0; i < handles && l->started < l->count; i++) {
		const char *port = argv[3 + i % (argc - 3)];

		make(l, &l->handle[i], (unsigned)bench_number("PORT", port, 1,
		    UINT16_MAX));
		start(l, &l->handle[i]);
	}
	run(l);
	seconds = (double)(clock_mono_us() - start_us) / 1e6;
	printf("{\"requests\":%llu,\"failed\":%llu,\"seconds\":%.3f,"
	    "\"per_s\":%.1f,\"cpu_s\":%.3f}\n",
	    (unsigned long long)l->done,
	    (unsigned long long)(l->failed + l->count - l->done), seconds,
	    (double)l->done / seconds, bench_cpu_s());
	for (int64_t i = 0; i < handles; i++) {
		curl_easy_cleanup(l->handle[i].easy);
		buf_free(&l->handle[i].body);
	}
	curl_multi_cleanup(l->multi);
	curl_slist_free_all(l->head);
	free(l);
	return 0;
}
