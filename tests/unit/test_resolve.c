#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include "base/clock.h"
#include "deliver/resolve.h"
#include "deliver/resolve_memory.h"
#include "unit.h"

#define PATIENCE_MS	10000
#define NEW_THREADS	(RESOLVE_THREADS * 3 / 4)	/* of new names */
#define SLOW_THREADS	(RESOLVE_THREADS / 2)		/* of slow ones */

/*
 * A name server: names that begin with "dead" are held until let_them_go, the
 * others are answered at once.  Time passes when the test says so.
 */
static struct {
	pthread_mutex_t	lock;
	pthread_cond_t	go;
	bool		gone;
	atomic_int	inside, asked, most;
	atomic_llong	now_ms;
} dns = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0, 0,
    1 };

static int64_t
now_ms(void)
{
	return atomic_load(&dns.now_ms);
}

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
set_gone(bool gone)
{
	pthread_mutex_lock(&dns.lock);
	dns.gone = gone;
	pthread_cond_broadcast(&dns.go);
	pthread_mutex_unlock(&dns.lock);
}

static void
let_them_go(void)
{
	set_gone(true);
}

static void
hold_them(void)
{
	set_gone(false);
}

/* A test that leaves some waits for them: they would begin in the next one. */
static void
wait_inside(int n)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;

	while (atomic_load(&dns.inside) < n && clock_mono_ms() < until)
		(void)poll(NULL, 0, 1);
	want_i64(atomic_load(&dns.inside), n, "being looked up");
}

static int
set_up(void **state)
{
	(void)state;
	hold_them();
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
	struct resolve *r = resolve_new_timed(find, now_ms);

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


static void
a_look_up_nobody_waits_for_still_counts(void **state)
{
	struct resolve *r = resolver();
	static struct answer an[3 * RESOLVE_THREADS], late;

	(void)state;
	ask_dead(r, an, NELEM(an), "a");
	want_i64(resolve_running(r), NEW_THREADS, "running");
	for (size_t i = 0; i < NELEM(an); i++)
		resolve_cancel(r, &an[i].wait);
	resolve_work(r);
	want_i64(resolve_running(r), NEW_THREADS,
	    "after cancelling");
	ask(r, "new.test", &late);
	want_i64(resolve_running(r), NEW_THREADS, "one more");
	wait_inside(NEW_THREADS);
	let_them_go();
	wait_for(r, &late);
	want_i64(late.error, 0, "error");
	want_i64(atomic_load(&dns.most), NEW_THREADS, "threads");
	/* those that had not begun were never asked for */
	want_i64(atomic_load(&dns.asked), NEW_THREADS + 1,
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
	want_i64(resolve_running(r), NEW_THREADS, "running");
	wait_inside(NEW_THREADS);
	resolve_free(r);
}

/*
 * Look up n names that nothing is known of, "dead-<kind>-<i>.test", each for
 * as long, and hold the next.
 */
static void
learn(struct resolve *r, const char *kind, size_t n, int64_t took_ms)
{
	static struct answer an[NEW_THREADS];
	char host[64];

	for (size_t i = 0; i < n;) {
		size_t some = n - i < NELEM(an) ? n - i : NELEM(an);

		for (size_t k = 0; k < some; k++) {
			snprintf(host, sizeof host, "dead-%s-%zu.test", kind,
			    i + k);
			ask(r, host, &an[k]);
		}
		wait_inside((int)some);
		atomic_fetch_add(&dns.now_ms, took_ms);
		let_them_go();
		for (size_t k = 0; k < some; k++)
			wait_for(r, &an[k]);
		hold_them();
		i += some;
	}
}

static void
want_found(struct resolve *r, const char *host)
{
	struct answer an;

	ask(r, host, &an);
	wait_for(r, &an);
	want_str(an.addresses, "192.0.2.1", "addresses");
}

static void
names_that_were_slow_leave_half_of_the_threads_to_others(void **state)
{
	struct resolve *r = resolver();
	static struct answer an[NEW_THREADS];

	(void)state;
	learn(r, "b", NELEM(an), RESOLVE_SLOW_MS);
	ask_dead(r, an, NELEM(an), "b");
	want_i64(resolve_running(r), SLOW_THREADS, "running");
	want_found(r, "new.test");

	let_them_go();
	for (size_t i = 0; i < NELEM(an); i++)
		wait_for(r, &an[i]);
	hold_them();
	ask_dead(r, an, NELEM(an), "b");	/* they were quick this time */
	want_i64(resolve_running(r), NELEM(an), "running once forgiven");
	wait_inside((int)NELEM(an));
	resolve_free(r);
}

static void
no_number_of_slow_names_makes_a_new_one_wait(void **state)
{
	struct resolve *r = resolver();
	static struct answer an[1000];

	(void)state;
	learn(r, "d", NELEM(an), RESOLVE_SLOW_MS);
	ask_dead(r, an, NELEM(an), "d");
	want_i64(resolve_running(r), SLOW_THREADS, "running");
	want_found(r, "new.test");
	wait_inside(SLOW_THREADS);
	resolve_free(r);
}

static void
put_many(struct resolve_memory *m, const char *what, size_t n,
    enum resolve_kind kind)
{
	char host[64];

	for (size_t i = 0; i < n; i++) {
		snprintf(host, sizeof host, "%s-%zu.test", what, i);
		resolve_memory_put(m, resolve_memory_hash(m, host), kind);
	}
}

static size_t
count_of(const struct resolve_memory *m, const char *what, size_t n,
    enum resolve_kind kind)
{
	size_t count = 0;
	char host[64];

	for (size_t i = 0; i < n; i++) {
		snprintf(host, sizeof host, "%s-%zu.test", what, i);
		count += resolve_memory_get(m, resolve_memory_hash(m, host)) ==
		    kind;
	}
	return count;
}

static void
no_crowd_pushes_out_names_of_the_other_kind(void **state)
{
	static const struct {
		const char	*what;
		enum resolve_kind kept, crowd;
	} t[] = {
	    { "quick names", RESOLVE_QUICK, RESOLVE_SLOW },
	    { "slow names", RESOLVE_SLOW, RESOLVE_QUICK },
	};
	enum { KEPT = 1000, CROWD = 10 * RESOLVE_MEMORY_MAX };

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		static struct resolve_memory m;

		memset(&m, 0, sizeof m);
		resolve_memory_init(&m);
		put_many(&m, "kept", KEPT, t[i].kept);
		want_i64(count_of(&m, "kept", KEPT, t[i].kept), KEPT, "%s",
		    t[i].what);
		put_many(&m, "crowd", CROWD, t[i].crowd);
		want_i64(count_of(&m, "kept", KEPT, t[i].kept), KEPT,
		    "%s after a crowd", t[i].what);
		put_many(&m, "kept", KEPT, t[i].crowd);
		want_i64(count_of(&m, "kept", KEPT, t[i].crowd), KEPT,
		    "%s, changed", t[i].what);
	}
}

static void
names_looked_up_now_and_then_outlast_those_never_again(void **state)
{
	static struct resolve_memory m;
	enum { KEPT = 100, ROUNDS = 400, CROWD = RESOLVE_MEMORY_BUCKETS / 8 };

	(void)state;
	memset(&m, 0, sizeof m);
	resolve_memory_init(&m);
	for (int i = 0; i < ROUNDS; i++) {
		char crowd[32];

		snprintf(crowd, sizeof crowd, "crowd-%d", i);
		put_many(&m, "kept", KEPT, RESOLVE_QUICK);
		put_many(&m, crowd, CROWD, RESOLVE_QUICK);
		want_i64(count_of(&m, "kept", KEPT, RESOLVE_QUICK), KEPT,
		    "kept in round %d", i);
	}
	want_i64(count_of(&m, "crowd-0", CROWD, RESOLVE_NEW), CROWD,
	    "forgotten");
}

static void
a_name_is_slow_as_soon_as_it_has_taken_a_second(void **state)
{
	static const struct {
		const char	*what;
		size_t		 known;		/* of those that run */
		int64_t		 ran_ms;
		uint32_t	 running;	/* with a slow one asked for */
	} t[] = {
	    { "new, soon", 0, RESOLVE_SLOW_MS - 1, SLOW_THREADS + 1 },
	    { "new, late", 0, RESOLVE_SLOW_MS, SLOW_THREADS },
	    { "quick, soon", SLOW_THREADS, RESOLVE_SLOW_MS - 1,
		SLOW_THREADS + 1 },
	    { "quick, late", SLOW_THREADS, RESOLVE_SLOW_MS, SLOW_THREADS },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct resolve *r = resolver();
		static struct answer an[SLOW_THREADS], slow;

		learn(r, "slow", 1, RESOLVE_SLOW_MS);
		learn(r, "run", t[i].known, 0);
		ask_dead(r, an, NELEM(an), "run");
		atomic_fetch_add(&dns.now_ms, t[i].ran_ms);
		ask(r, "dead-slow-0.test", &slow);
		want_i64(resolve_running(r), t[i].running, "%s", t[i].what);
		want_found(r, "new.test");
		let_them_go();
		wait_for(r, &slow);
		for (size_t k = 0; k < NELEM(an); k++)
			wait_for(r, &an[k]);
		hold_them();
		resolve_free(r);
	}
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
	wait_inside(NEW_THREADS);
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
	    T(no_number_of_slow_names_makes_a_new_one_wait),
	    T(no_crowd_pushes_out_names_of_the_other_kind),
	    T(names_looked_up_now_and_then_outlast_those_never_again),
	    T(a_name_is_slow_as_soon_as_it_has_taken_a_second),
	    T(freeing_waits_for_no_look_up),
	    T(the_system_knows_localhost_and_no_invalid_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
