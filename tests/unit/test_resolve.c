#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "base/clock.h"
#include "work/resolve.h"
#include "unit.h"

#define PATIENCE_MS	10000

/*
 * A name server: names that begin with "dead" are held until let_them_go, the
 * others are answered at once.
 */
static struct {
	pthread_mutex_t	lock;
	pthread_cond_t	go;
	bool		gone;
	atomic_int	inside, asked, most;
} dns = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0, 0 };

static void
find(const char *host, struct resolve_answer *a)
{
	int inside = atomic_fetch_add(&dns.inside, 1) + 1;

	int most = atomic_load(&dns.most);

	atomic_fetch_add(&dns.asked, 1);
	while (inside > most &&
	    !atomic_compare_exchange_weak(&dns.most, &most, inside))
		;
	if (strncmp(host, "dead", 4) == 0) {
		pthread_mutex_lock(&dns.lock);
		while (!dns.gone)
			pthread_cond_wait(&dns.go, &dns.lock);
		pthread_mutex_unlock(&dns.lock);
		a->error = EAI_AGAIN;
	} else
		snprintf(a->addresses, sizeof a->addresses, "192.0.2.1");
	atomic_fetch_sub(&dns.inside, 1);
}

static void
let_them_go(void)
{
	pthread_mutex_lock(&dns.lock);
	dns.gone = true;
	pthread_cond_broadcast(&dns.go);
	pthread_mutex_unlock(&dns.lock);
}

static int
set_up(void **state)
{
	(void)state;
	dns.gone = false;
	atomic_store(&dns.asked, 0);
	atomic_store(&dns.most, 0);
	return 0;
}

static int
tear_down(void **state)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	(void)state;
	let_them_go();
	while (atomic_load(&dns.inside) > 0 && clock_mono_ms() < until)
		(void)poll(NULL, 0, 1);
	return atomic_load(&dns.inside) == 0 ? 0 : -1;
}

struct answer {
	struct resolve_wait wait;
	int	calls, error;
	char	addresses[64];
};

static void
note(void *arg, const struct resolve_answer *a)
{
	struct answer *an = arg;

	an->calls++;
	an->error = a->error;
	snprintf(an->addresses, sizeof an->addresses, "%.63s", a->addresses);
}

static void
wait_for(struct resolve *r, const struct answer *an)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	struct pollfd p = { .fd = resolve_fd(r), .events = POLLIN };

	resolve_work(r);
	while (an->calls == 0 && clock_mono_ms() < until) {
		(void)poll(&p, 1, 100);
		resolve_work(r);
	}
	want_i64(an->calls, 1, "answers");
}

static void
ask(struct resolve *r, const char *host, struct answer *an)
{
	memset(an, 0, sizeof *an);
	resolve_ask(r, host, &an->wait, note, an);
}

static struct resolve *
resolver(void)
{
	struct resolve *r = resolve_new(find);

	assert_non_null(r);
	return r;
}

static void
a_name_is_found_and_asked_for_again_when_asked_again(void **state)
{
	struct resolve *r = resolver();
	struct answer an;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		ask(r, "shop.test", &an);
		wait_for(r, &an);
		want_str(an.addresses, "192.0.2.1", "addresses");
		want_i64(atomic_load(&dns.asked), i, "asked");
	}
	want_i64(resolve_running(r), 0, "running");
	resolve_free(r);
}

static void
who_asks_for_a_name_that_is_looked_up_joins(void **state)
{
	struct resolve *r = resolver();
	struct answer an[50];

	(void)state;
	for (size_t i = 0; i < NELEM(an); i++)
		ask(r, "dead.test", &an[i]);
	want_i64(resolve_running(r), 1, "running");
	resolve_cancel(r, &an[0].wait);		/* the last of the list */
	resolve_cancel(r, &an[49].wait);	/* the first */
	resolve_cancel(r, &an[7].wait);
	resolve_cancel(r, &an[7].wait);
	let_them_go();
	for (size_t i = 1; i < 49; i++) {
		if (i == 7)
			continue;
		wait_for(r, &an[i]);
		want_i64(an[i].error, EAI_AGAIN, "error");
	}
	want_i64(an[0].calls + an[7].calls + an[49].calls, 0, "cancelled");
	want_i64(atomic_load(&dns.asked), 1, "asked");
	resolve_free(r);
}

static void
ask_dead(struct resolve *r, struct answer *an, size_t n, const char *kind)
{
	char host[64];

	for (size_t i = 0; i < n; i++) {
		snprintf(host, sizeof host, "dead-%s-%zu.test", kind, i);
		ask(r, host, &an[i]);
	}
}

static int64_t
threads_of_new_names(void)
{
	return RESOLVE_THREADS * 3 / 4;
}

static void
a_look_up_nobody_waits_for_still_counts(void **state)
{
	struct resolve *r = resolver();
	static struct answer an[3 * RESOLVE_THREADS], late;

	(void)state;
	ask_dead(r, an, NELEM(an), "a");
	want_i64(resolve_running(r), threads_of_new_names(), "running");
	for (size_t i = 0; i < NELEM(an); i++)
		resolve_cancel(r, &an[i].wait);
	resolve_work(r);
	want_i64(resolve_running(r), threads_of_new_names(),
	    "after cancelling");
	ask(r, "new.test", &late);
	want_i64(resolve_running(r), threads_of_new_names(), "one more");
	for (int64_t until = clock_mono_ms() + PATIENCE_MS;
	    atomic_load(&dns.inside) < threads_of_new_names() &&
	    clock_mono_ms() < until;)
		(void)poll(NULL, 0, 1);
	let_them_go();
	wait_for(r, &late);
	want_i64(late.error, 0, "error");
	want_i64(atomic_load(&dns.most), threads_of_new_names(), "threads");
	/* those that had not begun were never asked for */
	want_i64(atomic_load(&dns.asked), threads_of_new_names() + 1,
	    "asked");
	resolve_free(r);
}

static void
names_that_were_quick_have_threads_of_their_own(void **state)
{
	struct resolve *r = resolver();
	static struct answer an[3 * RESOLVE_THREADS], quick;

	(void)state;
	ask(r, "shop.test", &quick);
	wait_for(r, &quick);
	ask_dead(r, an, NELEM(an), "e");
	ask(r, "shop.test", &quick);
	wait_for(r, &quick);
	want_str(quick.addresses, "192.0.2.1", "addresses");
	want_i64(resolve_running(r), threads_of_new_names(), "running");
	resolve_free(r);
}

/* It takes RESOLVE_SLOW_MS to be known as slow. */
static void
names_that_were_slow_leave_half_of_the_threads_to_others(void **state)
{
	enum { N = RESOLVE_THREADS * 3 / 4 };
	struct resolve *r = resolver();
	static struct answer an[N], new;

	(void)state;
	ask_dead(r, an, N, "b");
	(void)poll(NULL, 0, RESOLVE_SLOW_MS + 50);
	let_them_go();
	for (size_t i = 0; i < N; i++)
		wait_for(r, &an[i]);
	dns.gone = false;

	ask_dead(r, an, N, "b");
	want_i64(resolve_running(r), RESOLVE_THREADS / 2, "running");
	ask(r, "new.test", &new);
	wait_for(r, &new);
	want_str(new.addresses, "192.0.2.1", "addresses");

	let_them_go();
	for (size_t i = 0; i < N; i++)
		wait_for(r, &an[i]);
	dns.gone = false;
	ask_dead(r, an, N, "b");	/* they were quick this time */
	want_i64(resolve_running(r), N, "running once forgiven");
	resolve_free(r);
}

static void
freeing_waits_for_no_look_up(void **state)
{
	struct resolve *r = resolver();
	static struct answer an[2 * RESOLVE_THREADS];
	int64_t begun = clock_mono_ms();

	(void)state;
	ask_dead(r, an, NELEM(an), "c");
	resolve_free(r);
	if (clock_mono_ms() - begun > 1000)
		fail_msg("got %" PRId64 " ms", clock_mono_ms() - begun);
	let_them_go();
	for (size_t i = 0; i < NELEM(an); i++)
		want_i64(an[i].calls, 0, "answers");
}

static void
the_system_knows_localhost_and_no_invalid_name(void **state)
{
	struct resolve_answer a = { .error = 0 };

	(void)state;
	resolve_by_system("localhost", &a);
	want_i64(a.error, 0, "localhost");
	if (strstr(a.addresses, "127.0.0.1") == NULL &&
	    strstr(a.addresses, "[::1]") == NULL)
		fail_msg("got \"%s\"", a.addresses);
	a = (struct resolve_answer){ .error = 0 };
	resolve_by_system("does-not-exist.invalid", &a);
	if (a.error != EAI_NONAME && a.error != EAI_AGAIN)
		fail_msg("got %s", gai_strerror(a.error));
	want_str(a.addresses, "", "addresses");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_name_is_found_and_asked_for_again_when_asked_again),
	    T(who_asks_for_a_name_that_is_looked_up_joins),
	    T(a_look_up_nobody_waits_for_still_counts),
	    T(names_that_were_quick_have_threads_of_their_own),
	    T(names_that_were_slow_leave_half_of_the_threads_to_others),
	    T(freeing_waits_for_no_look_up),
	    T(the_system_knows_localhost_and_no_invalid_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
