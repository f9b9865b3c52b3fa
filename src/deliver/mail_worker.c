#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include "base/clock.h"
#include "deliver/mail_inner.h"

#define GLANCE_MS	100	/* how often a look-up sees if it is wanted */

void
mail_shut(struct mail_worker *w, int how)
{
	for (size_t i = 0; i < w->nfd; i++)
		shutdown(w->fd[i], how);
}

bool
mail_is_cancelled(struct mail_worker *w)
{
	bool cancelled;

	pthread_mutex_lock(&w->m->lock);
	cancelled = w->cancelled;
	pthread_mutex_unlock(&w->m->lock);
	return cancelled;
}

/* Names. */

struct found {
	bool		 there;
	struct resolve_answer a;
};

static void
on_name(void *arg, const struct resolve_answer *a)
{
	struct found *f = arg;

	f->there = true;
	f->a = *a;
}

/* CURLE_OK: the next try knows its addresses. */
static CURLcode
find_name(struct mail_worker *w, const struct mail_job *j)
{
	int64_t begun = clock_mono_us(), until = clock_mono_ms() +
	    mail_left_ms(w, j);
	struct found f = { .there = false };
	struct resolve_wait wait = { .next = NULL };

	if (w->resolve == NULL)
		w->resolve = resolve_new(w->m->find);
	if (w->resolve == NULL) {
		w->os_error = errno;
		return CURLE_FAILED_INIT;
	}
	resolve_ask(w->resolve, w->m->host, &wait, on_name, &f);
	while (!f.there && clock_mono_ms() < until && !mail_is_cancelled(w)) {
		struct pollfd p = { .fd = resolve_fd(w->resolve),
		    .events = POLLIN };
		int64_t left = until - clock_mono_ms();

		(void)poll(&p, 1, left < 0 ? 0 :
		    left < GLANCE_MS ? (int)left : GLANCE_MS);
		resolve_work(w->resolve);
	}
	w->dns_us = (uint32_t)(clock_mono_us() - begun);
	if (!f.there) {
		resolve_cancel(w->resolve, &wait);
		return CURLE_OPERATION_TIMEDOUT;
	}
	w->dns_error = f.a.error;
	if (f.a.error != 0) {
		w->os_error = f.a.os_error;
		return CURLE_COULDNT_RESOLVE_HOST;
	}
	mail_set_name(w, f.a.addresses);
	return CURLE_OK;
}

/* Requests. */

/* A name is asked for once, and a kept connection may fail once. */
static CURLcode
run_tries(struct mail_worker *w, struct mail_job *j)
{
	CURLcode code;

	if (w->easy == NULL && !mail_set_up(w))
		return CURLE_OUT_OF_MEMORY;
	for (;;) {
		mail_set_try(w, j);
		code = curl_easy_perform(w->easy);
		if (mail_is_cancelled(w))
			return code;
		if (w->asks) {
			code = w->named ? CURLE_URL_MALFORMAT :
			    find_name(w, j);
			if (code != CURLE_OK)
				return code;
		} else if (!w->fresh && mail_is_stale(w, code))
			w->fresh = true;
		else
			return code;
	}
}

static void
run(struct mail_worker *w, struct mail_job *j)
{
	w->begun_us = w->tried_us = clock_mono_us();
	w->named = w->fresh = w->asks = false;
	w->dns_us = 0;
	w->dns_error = 0;
	mail_talk_reset(&w->talk);
	mail_result(w, run_tries(w, j), j);
}

/* Let go of the kept connection, which waits for nothing (mail_inner.h). */
static void
let_go(struct mail_worker *w)
{
	pthread_mutex_lock(&w->m->lock);
	mail_shut(w, SHUT_RD);
	pthread_mutex_unlock(&w->m->lock);
	curl_easy_cleanup(w->easy);
	w->easy = NULL;
}

/*
 * Until there is something to do, with the lock.  A connection that is not
 * used is not kept from others for long: servers count them.
 */
static void
rest(struct mail_worker *w)
{
	struct mail *m = w->m;
	int64_t at = clock_mono_ms() + MAIL_IDLE_MS;
	struct timespec ts = { .tv_sec = at / 1000,
	    .tv_nsec = at % 1000 * 1000000 };

	while (w->job == NULL && !m->stopping) {
		if (w->easy == NULL)
			pthread_cond_wait(&w->wake, &m->lock);
		else if (pthread_cond_timedwait(&w->wake, &m->lock, &ts) ==
		    ETIMEDOUT) {
			pthread_mutex_unlock(&m->lock);
			let_go(w);
			pthread_mutex_lock(&m->lock);
		}
	}
}

/* The request is over; take another, or be idle.  With the lock. */
static void
settle(struct mail_worker *w)
{
	struct mail *m = w->m;

	if (w->cancelled)
		mail_job_free(w->job);
	else
		mail_ended(m, w->job);
	w->cancelled = false;
	w->job = mail_pop(&m->queue);
	if (w->job == NULL) {
		w->next_idle = m->idle;
		m->idle = w;
	}
}

void *
mail_worker_main(void *arg)
{
	struct mail_worker *w = arg;
	struct mail *m = w->m;

	pthread_mutex_lock(&m->lock);
	for (;;) {
		rest(w);
		if (w->job == NULL || m->stopping)
			break;
		pthread_mutex_unlock(&m->lock);
		run(w, w->job);
		pthread_mutex_lock(&m->lock);
		settle(w);
	}
	pthread_mutex_unlock(&m->lock);
	if (w->easy != NULL)
		let_go(w);
	resolve_free(w->resolve);
	return NULL;
}
