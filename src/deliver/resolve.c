#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "deliver/resolve.h"
#include "deliver/resolve_memory.h"

/* Names of a kind share threads with all later kinds: that many at most. */
static const uint32_t threads_of[RESOLVE_KINDS] = { RESOLVE_THREADS,
	RESOLVE_THREADS * 3 / 4, RESOLVE_THREADS / 2 };

/* What threads share with the owner; freed by the last who lets go of it. */
struct shared {
	pthread_mutex_t	 lock;
	struct look	*done;		/* by their next_done */
	uint32_t	 refs;
	int		 event;
	resolve_find	*find;
	resolve_clock	*now_ms;
};

/* One name that is looked up; its thread's own while that runs. */
struct look {
	struct look	*next, *prev;	/* queued or running: the owner's */
	struct look	*next_done;
	struct resolve_wait *first;	/* the owner's */
	struct shared	*shared;
	int64_t		 begun_ms;	/* 0: queued */
	int64_t		 took_ms;	/* -1: no thread could be had */
	uint64_t	 hash;
	enum resolve_kind kind;		/* the owner's */
	char		 host[RESOLVE_HOST_MAX];
	struct resolve_answer a;
};

struct looks {
	struct look	*first, *last;
};

struct resolve {
	struct shared	*shared;
	struct looks	 queue[RESOLVE_KINDS], running;
	uint32_t	 nrunning[RESOLVE_KINDS];
	struct resolve_memory memory;
};

static void
put_last(struct looks *ls, struct look *l)
{
	l->next = NULL;
	l->prev = ls->last;
	if (ls->last == NULL)
		ls->first = l;
	else
		ls->last->next = l;
	ls->last = l;
}

static void
take_out(struct looks *ls, struct look *l)
{
	if (l->prev == NULL)
		ls->first = l->next;
	else
		l->prev->next = l->next;
	if (l->next == NULL)
		ls->last = l->prev;
	else
		l->next->prev = l->prev;
}

static void
free_all(struct look *l)
{
	while (l != NULL) {
		struct look *next = l->next;

		free(l);
		l = next;
	}
}

static void
let_go(struct shared *sh)
{
	bool last;

	pthread_mutex_lock(&sh->lock);
	last = --sh->refs == 0;
	pthread_mutex_unlock(&sh->lock);
	if (!last)
		return;
	while (sh->done != NULL) {
		struct look *l = sh->done;

		sh->done = l->next_done;
		free(l);
	}
	close(sh->event);
	pthread_mutex_destroy(&sh->lock);
	free(sh);
}

/* "[2001:db8::1]" or "192.0.2.1"; false: no room. */
static bool
put_address(struct resolve_answer *a, size_t *len, const struct addrinfo *ai)
{
	const struct sockaddr_in6 *in6 = (const void *)ai->ai_addr;
	const struct sockaddr_in *in = (const void *)ai->ai_addr;
	bool v6 = ai->ai_family == AF_INET6;
	char text[INET6_ADDRSTRLEN];
	int n;

	if (inet_ntop(ai->ai_family, v6 ? (const void *)&in6->sin6_addr :
	    (const void *)&in->sin_addr, text, sizeof text) == NULL)
		return false;
	n = snprintf(a->addresses + *len, sizeof a->addresses - *len,
	    v6 ? "%s[%s]" : "%s%s", *len == 0 ? "" : ",", text);
	if (n < 0 || (size_t)n >= sizeof a->addresses - *len) {
		a->addresses[*len] = '\0';
		return false;
	}
	*len += (size_t)n;
	return true;
}

void
resolve_by_system(const char *host, struct resolve_answer *a)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM }, *list = NULL;
	size_t len = 0;
	int n = 0;

	errno = 0;
	a->error = getaddrinfo(host, NULL, &hints, &list);
	if (a->error != 0) {
		a->os_error = errno;
		return;
	}
	for (struct addrinfo *ai = list; ai != NULL && n < RESOLVE_ADDRESSES;
	    ai = ai->ai_next)
		if ((ai->ai_family == AF_INET || ai->ai_family == AF_INET6) &&
		    put_address(a, &len, ai))
			n++;
	freeaddrinfo(list);
	if (n == 0)
		a->error = EAI_NONAME;
}

static void *
look_up(void *arg)
{
	struct look *l = arg;
	struct shared *sh = l->shared;
	int64_t begun_ms = sh->now_ms();
	uint64_t one = 1;

	sh->find(l->host, &l->a);
	l->took_ms = sh->now_ms() - begun_ms;
	pthread_mutex_lock(&sh->lock);
	l->next_done = sh->done;
	sh->done = l;
	pthread_mutex_unlock(&sh->lock);
	(void)!write(sh->event, &one, sizeof one);
	let_go(sh);
	return NULL;
}

bool
resolve_is_known(const char *host)
{
	static const char local[] = "localhost";
	size_t len = strlen(host), n = sizeof local - 1;
	unsigned char a[16];

	return *host == '[' || inet_pton(AF_INET, host, a) == 1 ||
	    (len >= n && strcasecmp(host + len - n, local) == 0 &&
	    (len == n || host[len - n - 1] == '.'));
}

struct resolve *
resolve_new(resolve_find *find)
{
	return resolve_new_timed(find, clock_mono_ms);
}

struct resolve *
resolve_new_timed(resolve_find *find, resolve_clock *now_ms)
{
	struct resolve *r = calloc(1, sizeof *r);
	struct shared *sh = calloc(1, sizeof *sh);

	if (r == NULL || sh == NULL)
		log_fatal("out of memory");
	sh->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sh->event == -1) {
		free(sh);
		free(r);
		return NULL;
	}
	pthread_mutex_init(&sh->lock, NULL);
	sh->refs = 1;
	sh->find = find;
	sh->now_ms = now_ms;
	r->shared = sh;
	resolve_memory_init(&r->memory);
	return r;
}

void
resolve_free(struct resolve *r)
{
	if (r == NULL)
		return;
	for (enum resolve_kind k = RESOLVE_QUICK; k < RESOLVE_KINDS; k++)
		free_all(r->queue[k].first);
	let_go(r->shared);
	free(r);
}

static struct look *
find_in(const struct looks *ls, uint64_t hash, const char *host)
{
	struct look *l = ls->first;

	while (l != NULL && (l->hash != hash || strcmp(l->host, host) != 0))
		l = l->next;
	return l;
}

static int
start_thread(struct look *l)
{
	pthread_t thread;
	int err = thread_start(&thread, look_up, l);

	if (err == 0)
		pthread_detach(thread);
	return err;
}

/* Start the first of a queue. */
static void
start(struct resolve *r, struct looks *queue)
{
	struct look *l = queue->first;
	struct shared *sh = r->shared;
	uint64_t one = 1;
	int err;

	take_out(queue, l);
	put_last(&r->running, l);
	r->nrunning[l->kind]++;
	l->begun_ms = sh->now_ms();
	pthread_mutex_lock(&sh->lock);
	sh->refs++;
	pthread_mutex_unlock(&sh->lock);
	err = start_thread(l);
	if (err == 0)
		return;
	log_error("no thread to look a name up: %s", strerror(err));
	l->a.error = EAI_SYSTEM;
	l->a.os_error = err;
	l->took_ms = -1;
	pthread_mutex_lock(&sh->lock);
	sh->refs--;
	l->next_done = sh->done;
	sh->done = l;
	pthread_mutex_unlock(&sh->lock);
	(void)!write(sh->event, &one, sizeof one);
}

static bool
may_start(const struct resolve *r, enum resolve_kind kind)
{
	uint32_t n = 0;

	for (enum resolve_kind k = RESOLVE_KINDS; k-- > RESOLVE_QUICK;) {
		n += r->nrunning[k];
		if (k <= kind && n >= threads_of[k])
			return false;
	}
	return true;
}

/*
 * Running ones stand in the order they began.  This only ever keeps others
 * from starting, so that it is soon enough when one is about to.
 */
static void
find_slow(struct resolve *r)
{
	int64_t since_ms = r->shared->now_ms() - RESOLVE_SLOW_MS;

	for (struct look *l = r->running.first;
	    l != NULL && l->begun_ms <= since_ms; l = l->next) {
		r->nrunning[l->kind]--;
		l->kind = RESOLVE_SLOW;
		r->nrunning[l->kind]++;
	}
}

static void
start_some(struct resolve *r)
{
	find_slow(r);
	for (enum resolve_kind k = RESOLVE_QUICK; k < RESOLVE_KINDS; k++)
		while (r->queue[k].first != NULL && may_start(r, k))
			start(r, &r->queue[k]);
}

static void
add_wait(struct look *l, struct resolve_wait *w)
{
	w->look = l;
	w->prev = NULL;
	w->next = l->first;
	if (l->first != NULL)
		l->first->prev = w;
	l->first = w;
}

void
resolve_ask(struct resolve *r, const char *host, struct resolve_wait *w,
    resolve_done *done, void *arg)
{
	uint64_t hash = resolve_memory_hash(&r->memory, host);
	struct look *l = find_in(&r->running, hash, host);

	for (enum resolve_kind k = RESOLVE_QUICK;
	    l == NULL && k < RESOLVE_KINDS; k++)
		l = find_in(&r->queue[k], hash, host);
	w->done = done;
	w->arg = arg;
	if (l != NULL) {
		add_wait(l, w);
		return;
	}
	l = calloc(1, sizeof *l);
	if (l == NULL)
		log_fatal("out of memory");
	l->shared = r->shared;
	l->hash = hash;
	l->kind = resolve_memory_get(&r->memory, hash);
	snprintf(l->host, sizeof l->host, "%s", host);
	add_wait(l, w);
	put_last(&r->queue[l->kind], l);
	start_some(r);
}

void
resolve_cancel(struct resolve *r, struct resolve_wait *w)
{
	struct look *l = w->look;

	if (l == NULL)
		return;
	w->look = NULL;
	if (w->next != NULL)
		w->next->prev = w->prev;
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		l->first = w->next;
	if (l->first == NULL && l->begun_ms == 0) {
		take_out(&r->queue[l->kind], l);
		free(l);
	}
}

/* Its thread has ended. */
static void
collect(struct resolve *r, struct look *l)
{
	take_out(&r->running, l);
	r->nrunning[l->kind]--;
	if (l->took_ms >= 0)
		resolve_memory_put(&r->memory, l->hash,
		    l->took_ms < RESOLVE_SLOW_MS ? RESOLVE_QUICK :
		    RESOLVE_SLOW);
	while (l->first != NULL) {
		struct resolve_wait *w = l->first;

		l->first = w->next;
		if (w->next != NULL)
			w->next->prev = NULL;
		w->look = NULL;
		w->done(w->arg, &l->a);
	}
	free(l);
}

void
resolve_work(struct resolve *r)
{
	struct shared *sh = r->shared;
	struct look *l, *next;
	uint64_t count;

	(void)!read(sh->event, &count, sizeof count);
	pthread_mutex_lock(&sh->lock);
	l = sh->done;
	sh->done = NULL;
	pthread_mutex_unlock(&sh->lock);
	for (; l != NULL; l = next) {
		next = l->next_done;
		collect(r, l);
	}
	start_some(r);
}

int
resolve_fd(const struct resolve *r)
{
	return r->shared->event;
}

uint32_t
resolve_running(const struct resolve *r)
{
	uint32_t n = 0;

	for (enum resolve_kind k = RESOLVE_QUICK; k < RESOLVE_KINDS; k++)
		n += r->nrunning[k];
	return n;
}
