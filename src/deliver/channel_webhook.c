#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "deliver/webhook_transfer.h"

#define EVENTS		64	/* taken from epoll at once */
#define SPARE		64	/* transfers kept for reuse while idle */
#define PAIR_MAX	(RESOLVE_HOST_MAX + 16 + RESOLVE_TEXT_MAX)

static void
put_last(struct transfers *ts, struct transfer *t)
{
	t->next = NULL;
	t->prev = ts->last;
	if (ts->last == NULL)
		ts->first = t;
	else
		ts->last->next = t;
	ts->last = t;
	ts->n++;
}

static void
take_out(struct transfers *ts, struct transfer *t)
{
	if (t->prev == NULL)
		ts->first = t->next;
	else
		t->prev->next = t->next;
	if (t->next == NULL)
		ts->last = t->prev;
	else
		t->next->prev = t->prev;
	ts->n--;
}

/* It is ended by finish_doomed, soon. */
static void
doom(struct transfer *t)
{
	if (!t->doomed)
		t->w->doomed++;
	t->doomed = true;
}

/*
 * A socket that can't be watched ends its own transfer: -1 would have libcurl
 * end all of them.
 */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct webhook *w = arg;
	struct epoll_event ev = { .data.fd = fd };
	int op = known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	struct transfer *t = NULL;

	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		ev.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(w->epoll, op, fd, &ev) == -1 &&
	    (errno != EEXIST ||
	    epoll_ctl(w->epoll, EPOLL_CTL_MOD, fd, &ev) == -1)) {
		log_error("epoll_ctl: %s", strerror(errno));
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
		if (t != NULL) {
			t->os_error = errno;
			doom(t);
		}
		return 0;
	}
	if (known == NULL)
		curl_multi_assign(w->multi, fd, w);
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct webhook *w = arg;

	(void)multi;
	w->wake_us = timeout_ms < 0 ? INT64_MAX :
	    clock_mono_us() + (int64_t)timeout_ms * 1000;
	return 0;
}

static int64_t
wake_us(const struct webhook *w)
{
	return w->wake_us < w->late_us ? w->wake_us : w->late_us;
}

/*
 * Set the timer to when there is something to do.  It is left alone when it
 * goes off earlier: that costs one call too many instead of one per request.
 */
static void
arm(struct webhook *w)
{
	struct itimerspec its = { .it_value = { 0, 0 } };
	int64_t at = wake_us(w);

	if (at >= w->armed_us)
		return;
	w->armed_us = at;
	its.it_value.tv_sec = at / 1000000;
	its.it_value.tv_nsec = at % 1000000 * 1000;
	if (timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &its, NULL) == -1)
		log_error("timerfd_settime: %s", strerror(errno));
}

/* Making and freeing. */

static bool
watch(struct webhook *w, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

enum rc
webhook_new(struct webhook **out, const struct webhook_options *o,
    struct buf *why)
{
	struct webhook *w = calloc(1, sizeof *w);
	enum rc rc;

	if (w == NULL)
		log_fatal("out of memory");
	w->guard = o->guard;
	w->epoll = w->timer = -1;
	w->wake_us = w->armed_us = w->late_us = INT64_MAX;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		buf_puts(why, "libcurl can't start");
		rc = RC_IO;
		goto done;
	}
	rc = tls_trust_find(&w->trust, o->ca, why);
	if (rc != RC_OK)
		goto done;
	rc = RC_IO;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->timer = timerfd_create(CLOCK_MONOTONIC,
	    TFD_NONBLOCK | TFD_CLOEXEC);
	w->resolve = resolve_new(o->find == NULL ? resolve_by_system :
	    o->find);
	w->multi = curl_multi_init();
	if (w->epoll == -1 || w->timer == -1 || w->resolve == NULL ||
	    w->multi == NULL || !watch(w, w->timer) ||
	    !watch(w, resolve_fd(w->resolve))) {
		buf_printf(why, "network: %s", strerror(errno));
		goto done;
	}
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
	curl_multi_setopt(w->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS,
	    (long)o->connections);
	/* a kept connection is closed for a new one that would be too many */
	curl_multi_setopt(w->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	    (long)o->connections);
	rc = RC_OK;
done:
	if (rc != RC_OK) {
		webhook_free(w);
		w = NULL;
	}
	*out = w;
	return rc;
}

/* The first of them. */
static void
free_one(struct transfers *ts)
{
	struct transfer *t = ts->first;

	take_out(ts, t);
	curl_easy_cleanup(t->easy);
	buf_free(&t->head);
	buf_free(&t->body);
	buf_free(&t->pair);
	free(t);
}

void
webhook_free(struct webhook *w)
{
	if (w == NULL)
		return;
	webhook_cancel(w);
	while (w->spare.first != NULL)
		free_one(&w->spare);
	resolve_free(w->resolve);
	if (w->multi != NULL)
		curl_multi_cleanup(w->multi);
	if (w->timer != -1)
		close(w->timer);
	if (w->epoll != -1)
		close(w->epoll);
	tls_trust_clear(&w->trust);
	free(w);
}

static struct transfer *
transfer_get(struct webhook *w)
{
	struct transfer *t = w->spare.first;

	if (t != NULL) {
		take_out(&w->spare, t);
		return t;
	}
	t = calloc(1, sizeof *t);
	if (t == NULL)
		log_fatal("out of memory");
	t->w = w;
	t->head.max = CHANNEL_KEEP_HEAD;
	t->body.max = CHANNEL_KEEP_BODY;
	t->pair.max = PAIR_MAX;
	t->easy = curl_easy_init();
	if (t->easy == NULL)
		log_fatal("out of memory");
	webhook_set_up(t);
	return t;
}

/* Have curl try it. */
static void
try(struct transfer *t)
{
	CURLMcode mc;

	webhook_set_request(t);
	put_last(&t->w->busy, t);
	mc = curl_multi_add_handle(t->w->multi, t->easy);
	t->added = t->ran = mc == CURLM_OK;
	if (t->added)
		return;
	log_error("curl: %s", curl_multi_strerror(mc));
	doom(t);
}

void
webhook_send(struct webhook *w, const struct webhook_request *rq,
    channel_done *done, void *arg)
{
	struct transfer *t = transfer_get(w);

	t->rq = *rq;
	t->done = done;
	t->arg = arg;
	t->begun_us = clock_mono_us();
	t->ran = t->named = false;
	t->requests = t->dns_us = 0;
	t->dns_error = 0;
	if (webhook_set_head(t)) {
		try(t);
		return;
	}
	webhook_reset(t);
	put_last(&w->busy, t);
	doom(t);
}

static void
retire(struct transfer *t)
{
	struct webhook *w = t->w;

	if (t->added)
		curl_multi_remove_handle(w->multi, t->easy);
	t->added = false;
	if (t->doomed)		/* also by that removal */
		w->doomed--;
	t->doomed = false;
	take_out(&w->busy, t);
}

static void
recycle(struct transfer *t)
{
	struct webhook *w = t->w;

	put_last(&w->spare, t);
	if (w->spare.n > SPARE + w->busy.n)
		free_one(&w->spare);
}

void
webhook_cancel(struct webhook *w)
{
	while (w->busy.first != NULL) {
		struct transfer *t = w->busy.first;

		retire(t);
		recycle(t);
	}
	while (w->waiting.first != NULL) {
		struct transfer *t = w->waiting.first;

		resolve_cancel(w->resolve, &t->wait);
		take_out(&w->waiting, t);
		recycle(t);
	}
}

static void
finish(struct transfer *t, CURLcode code)
{
	struct channel_result r;

	webhook_result(t, code, &r);
	retire(t);
	t->done(t->arg, &r);
	recycle(t);
}

/* Those that we lack something for. */
static void
finish_doomed(struct webhook *w)
{
	struct transfer *t = w->busy.first, *next;

	for (; t != NULL && w->doomed > 0; t = next) {
		next = t->next;
		if (t->doomed)
			finish(t, CURLE_FAILED_INIT);
	}
}

/* It waited for a name, in vain. */
static void
finish_unnamed(struct transfer *t, CURLcode code)
{
	t->dns_us = (uint32_t)(clock_mono_us() - t->asked_us);
	t->ran = false;
	take_out(&t->w->waiting, t);
	put_last(&t->w->busy, t);
	finish(t, code);
}

static void
on_name(void *arg, const struct resolve_answer *a)
{
	struct transfer *t = arg;

	t->dns_error = a->error;
	if (a->error != 0) {
		t->os_error = a->os_error;
		finish_unnamed(t, CURLE_COULDNT_RESOLVE_HOST);
		return;
	}
	t->dns_us = (uint32_t)(clock_mono_us() - t->asked_us);
	webhook_set_name(t, a->addresses);
	take_out(&t->w->waiting, t);
	try(t);
}

static void
ask_name(struct transfer *t)
{
	struct webhook *w = t->w;

	t->asked_us = clock_mono_us();
	t->late_us = t->asked_us + webhook_connect_left_ms(t) * 1000;
	if (t->late_us < w->late_us)
		w->late_us = t->late_us;
	put_last(&w->waiting, t);
	resolve_ask(w->resolve, t->host, &t->wait, on_name, t);
}

static void
finish_late(struct webhook *w)
{
	struct transfer *t = w->waiting.first, *next;
	int64_t now = clock_mono_us();

	if (now < w->late_us)
		return;
	w->late_us = INT64_MAX;
	for (; t != NULL; t = next) {
		next = t->next;
		if (t->late_us <= now) {
			resolve_cancel(w->resolve, &t->wait);
			finish_unnamed(t, CURLE_OPERATION_TIMEDOUT);
		} else if (t->late_us < w->late_us)
			w->late_us = t->late_us;
	}
}

static void
finish_done(struct webhook *w)
{
	struct transfer *t;
	CURLMsg *m;
	int left;

	for (m = curl_multi_info_read(w->multi, &left); m != NULL;
	    m = curl_multi_info_read(w->multi, &left)) {
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		if (t->asks) {
			retire(t);
			ask_name(t);
		} else if (t->again) {
			retire(t);
			try(t);
		} else
			finish(t, code);
	}
}

void
webhook_work(struct webhook *w)
{
	struct epoll_event ev[EVENTS];
	uint64_t ticks;
	int n, running, mask;

	do {
		if (w->wake_us <= clock_mono_us()) {
			w->wake_us = INT64_MAX;
			curl_multi_socket_action(w->multi,
			    CURL_SOCKET_TIMEOUT, 0, &running);
		}
		n = epoll_wait(w->epoll, ev, EVENTS, 0);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == w->timer) {
				(void)!read(w->timer, &ticks, sizeof ticks);
				w->armed_us = INT64_MAX;
				continue;
			}
			if (ev[i].data.fd == resolve_fd(w->resolve)) {
				resolve_work(w->resolve);
				continue;
			}
			mask = 0;
			if (ev[i].events & EPOLLIN)
				mask |= CURL_CSELECT_IN;
			if (ev[i].events & EPOLLOUT)
				mask |= CURL_CSELECT_OUT;
			if (ev[i].events & (EPOLLERR | EPOLLHUP))
				mask |= CURL_CSELECT_ERR;
			curl_multi_socket_action(w->multi, ev[i].data.fd,
			    mask, &running);
		}
		finish_done(w);
		finish_doomed(w);
		finish_late(w);
	} while (w->wake_us <= clock_mono_us());
	arm(w);
}

int
webhook_fd(const struct webhook *w)
{
	return w->epoll;
}

uint32_t
webhook_under_way(const struct webhook *w)
{
	return w->busy.n + w->waiting.n;
}
