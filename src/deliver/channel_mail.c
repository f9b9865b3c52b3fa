#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "deliver/mail_inner.h"

#define POLITE_MS	300	/* of mail_free, for QUITs */
#define PAIR_MAX	(RESOLVE_HOST_MAX + 16 + RESOLVE_TEXT_MAX)

static void
push(struct mail_jobs *js, struct mail_job *j)
{
	j->next = NULL;
	if (js->last == NULL)
		js->first = j;
	else
		js->last->next = j;
	js->last = j;
}

struct mail_job *
mail_pop(struct mail_jobs *js)
{
	struct mail_job *j = js->first;

	if (j == NULL)
		return NULL;
	js->first = j->next;
	if (js->first == NULL)
		js->last = NULL;
	return j;
}

void
mail_job_free(struct mail_job *j)
{
	buf_free(&j->head);
	buf_free(&j->body);
	free(j->text);
	free(j);
}

void
mail_ended(struct mail *m, struct mail_job *j)
{
	uint64_t one = 1;

	push(&m->done, j);
	(void)!write(m->event, &one, sizeof one);
}

/* Making and freeing. */

static char *
dup_text(const char *s)
{
	char *text = strdup(s);

	if (text == NULL)
		log_fatal("out of memory");
	return text;
}

enum rc
mail_new(struct mail **out, const struct mail_options *o, struct buf *why)
{
	struct mail *m = calloc(1, sizeof *m);
	enum rc rc = RC_IO;

	if (m == NULL)
		log_fatal("out of memory");
	m->event = -1;
	m->find = o->find == NULL ? resolve_by_system : o->find;
	m->max = o->connections == 0 ? 1 :
	    o->connections > MAIL_CONNECTIONS_MAX ? MAIL_CONNECTIONS_MAX :
	    o->connections;
	m->user = dup_text(o->user);
	m->password = dup_text(o->password);
	m->worker = calloc(m->max, sizeof(struct mail_worker *));
	if (m->worker == NULL || pthread_mutex_init(&m->lock, NULL) != 0)
		log_fatal("out of memory");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		buf_puts(why, "libcurl can't start");
		goto done;
	}
	rc = mail_read_url(m, o->url, why);
	if (rc == RC_OK)
		rc = tls_trust_find(&m->trust, o->ca, why);
	if (rc != RC_OK)
		goto done;
	m->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->event == -1) {
		buf_printf(why, "mail: %s", strerror(errno));
		rc = RC_IO;
	}
done:
	if (rc != RC_OK) {
		mail_free(m);
		m = NULL;
	}
	*out = m;
	return rc;
}

static void
worker_free(struct mail_worker *w)
{
	if (w->job != NULL)
		mail_job_free(w->job);
	buf_free(&w->pair);
	buf_free(&w->talk.head);
	buf_free(&w->talk.body);
	buf_wipe(&w->talk.said);
	pthread_cond_destroy(&w->wake);
	free(w);
}

/* Nobody waits for an answer any more.  With the lock. */
static void
cancel_worker(struct mail_worker *w)
{
	if (w->job == NULL)
		return;
	w->cancelled = true;
	mail_shut(w, SHUT_RDWR);
}

static void
free_jobs(struct mail_jobs *js)
{
	struct mail_job *j;

	for (j = mail_pop(js); j != NULL; j = mail_pop(js))
		mail_job_free(j);
}

/*
 * Kept connections are closed with QUIT, which waits for nothing; should a
 * server find a way to make that last, it is cut off.
 */
static void
stop_workers(struct mail *m)
{
	int64_t until = clock_mono_ms() + POLITE_MS;
	struct timespec pause = { .tv_nsec = 1000000 };
	bool quiet = false;

	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	for (uint32_t i = 0; i < m->nworker; i++) {
		cancel_worker(m->worker[i]);
		pthread_cond_signal(&m->worker[i]->wake);
	}
	pthread_mutex_unlock(&m->lock);
	while (!quiet && clock_mono_ms() < until) {
		quiet = true;
		pthread_mutex_lock(&m->lock);
		for (uint32_t i = 0; i < m->nworker; i++)
			quiet = quiet && m->worker[i]->nfd == 0;
		pthread_mutex_unlock(&m->lock);
		if (!quiet)
			nanosleep(&pause, NULL);
	}
	pthread_mutex_lock(&m->lock);
	for (uint32_t i = 0; i < m->nworker; i++)
		mail_shut(m->worker[i], SHUT_RDWR);
	pthread_mutex_unlock(&m->lock);
	for (uint32_t i = 0; i < m->nworker; i++)
		pthread_join(m->worker[i]->thread, NULL);
}

void
mail_free(struct mail *m)
{
	if (m == NULL)
		return;
	stop_workers(m);
	for (uint32_t i = 0; i < m->nworker; i++)
		worker_free(m->worker[i]);
	free_jobs(&m->queue);
	free_jobs(&m->done);
	if (m->event != -1)
		close(m->event);
	tls_trust_clear(&m->trust);
	explicit_bzero(m->password, strlen(m->password));
	pthread_mutex_destroy(&m->lock);
	free(m->worker);
	free(m->password);
	free(m->user);
	free(m->url);
	free(m);
}

/* Requests. */

/* False: there is no thread to be had.  With the lock. */
static bool
start_worker(struct mail *m, struct mail_job *j)
{
	struct mail_worker *w = calloc(1, sizeof *w);
	int err;

	if (w == NULL)
		log_fatal("out of memory");
	thread_cond_init(&w->wake);
	w->m = m;
	w->pair.max = PAIR_MAX;
	w->talk.head.max = CHANNEL_KEEP_HEAD;
	w->talk.body.max = CHANNEL_KEEP_BODY;
	w->talk.said.max = MAIL_SAID_MAX;
	w->job = j;
	err = thread_start(&w->thread, mail_worker_main, w);
	if (err != 0) {
		log_error("no thread for mail: %s", strerror(err));
		w->job = NULL;
		worker_free(w);
		return false;
	}
	m->worker[m->nworker++] = w;
	return true;
}

/* Whoever was idle last has a connection most likely.  With the lock. */
static void
hand_out(struct mail *m, struct mail_job *j)
{
	struct mail_worker *w = m->idle;

	if (w != NULL) {
		m->idle = w->next_idle;
		w->job = j;
		pthread_cond_signal(&w->wake);
	} else if (m->nworker == m->max ||
	    (!start_worker(m, j) && m->nworker > 0)) {
		push(&m->queue, j);
	} else if (m->nworker == 0) {
		j->r = (struct channel_result){ .word = "internal",
		    .fault = CHANNEL_OURS,
		    .sentence = "There is no thread to send it" };
		mail_ended(m, j);
	}
}

static struct mail_job *
make_job(const struct mail_request *rq, channel_done *done, void *arg)
{
	size_t from = strlen(rq->from) + 1, to = strlen(rq->to) + 1;
	struct mail_job *j = calloc(1, sizeof *j);

	if (j != NULL)
		j->text = malloc(from + to + rq->message.len);
	if (j == NULL || j->text == NULL)
		log_fatal("out of memory");
	memcpy(j->text, rq->from, from);
	memcpy(j->text + from, rq->to, to);
	if (rq->message.len > 0)
		memcpy(j->text + from + to, rq->message.s, rq->message.len);
	j->from = j->text;
	j->to = j->text + from;
	j->message = (struct slice){ j->text + from + to, rq->message.len };
	j->timeout_ms = rq->timeout_ms;
	j->head.max = CHANNEL_KEEP_HEAD;
	j->body.max = CHANNEL_KEEP_BODY;
	j->done = done;
	j->arg = arg;
	return j;
}

void
mail_send(struct mail *m, const struct mail_request *rq, channel_done *done,
    void *arg)
{
	struct mail_job *j = make_job(rq, done, arg);
	bool ok = mail_address_ok(rq->from) && mail_address_ok(rq->to) &&
	    *rq->to != '\0';

	pthread_mutex_lock(&m->lock);
	m->n++;
	if (ok)
		hand_out(m, j);
	else {
		j->r = (struct channel_result){ .word = "address",
		    .fault = CHANNEL_REJECTED };
		snprintf(j->r.sentence, sizeof j->r.sentence,
		    "The %s's address can't be used", mail_address_ok(rq->from)
		    ? "recipient" : "sender");
		mail_ended(m, j);
	}
	pthread_mutex_unlock(&m->lock);
}

void
mail_cancel(struct mail *m)
{
	pthread_mutex_lock(&m->lock);
	free_jobs(&m->queue);
	free_jobs(&m->done);
	for (uint32_t i = 0; i < m->nworker; i++)
		cancel_worker(m->worker[i]);
	m->n = 0;
	pthread_mutex_unlock(&m->lock);
}

/* NULL: no more has ended. */
static struct mail_job *
take_done(struct mail *m)
{
	struct mail_job *j;

	pthread_mutex_lock(&m->lock);
	j = mail_pop(&m->done);
	if (j != NULL)
		m->n--;
	pthread_mutex_unlock(&m->lock);
	return j;
}

void
mail_work(struct mail *m)
{
	struct mail_job *j;
	uint64_t n;

	(void)!read(m->event, &n, sizeof n);
	for (j = take_done(m); j != NULL; j = take_done(m)) {
		j->r.head = buf_as_slice(&j->head);
		j->r.body = buf_as_slice(&j->body);
		j->done(j->arg, &j->r);
		mail_job_free(j);
	}
}

int
mail_fd(const struct mail *m)
{
	return m->event;
}

uint32_t
mail_under_way(const struct mail *m)
{
	struct mail *all = (struct mail *)(uintptr_t)m;
	uint32_t n;

	pthread_mutex_lock(&all->lock);
	n = m->n;
	pthread_mutex_unlock(&all->lock);
	return n;
}
