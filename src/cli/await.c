#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"
#include "base/log.h"
#include "cli/await.h"
#include "deliver/sweep.h"

#define RUN_MS		1000	/* of one pass; then: is it enough? */
#define OTHERS_MS	200	/* before asking again who sweeps */
#define LOOK_MS		20

struct await {
	const struct cli *c;
	struct sweep_options options;
	struct sweep	*first;		/* made where its faults can be told */
	pthread_t	 thread;
	atomic_bool	 enough;
};

static void
pause_ms(int64_t ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000,
	    .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* A pass ends when nothing is due; what is waited for may come due again. */
static void *
deliver(void *arg)
{
	struct await *a = arg;
	struct sweep *s = a->first;
	struct buf why = BUF_INIT(1024);
	enum rc rc;

	while (!atomic_load(&a->enough)) {
		if (s == NULL && sweep_new(&s, &a->options, &why) != RC_OK)
			break;		/* it could be made a moment ago */
		rc = sweep_run_until_idle(s, RUN_MS);
		sweep_free(s);
		s = NULL;
		if (rc != RC_OK || !atomic_load(&a->enough))
			pause_ms(OTHERS_MS);
	}
	sweep_free(s);
	buf_free(&why);
	return NULL;
}

int
await_begin(struct await **out, const struct cli *c)
{
	struct await *a = calloc(1, sizeof *a);
	struct buf why = BUF_INIT(1024);
	int status = CLI_OK;

	if (a == NULL)
		log_fatal("out of memory");
	a->c = c;
	a->options = (struct sweep_options){ service_config(&c->service),
	    c->service.rosters, &c->service.conf };
	atomic_init(&a->enough, false);
	if (sweep_new(&a->first, &a->options, &why) != RC_OK)
		status = cli_fail("%s", buf_str(&why));
	else if (pthread_create(&a->thread, NULL, deliver, a) != 0) {
		status = cli_fail("no thread for the sweep");
		sweep_free(a->first);
	}
	buf_free(&why);
	if (status != CLI_OK) {
		free(a);
		a = NULL;
	}
	*out = a;
	return status;
}

void
await_end(struct await *a)
{
	if (a == NULL)
		return;
	atomic_store(&a->enough, true);
	pthread_join(a->thread, NULL);
	free(a);
}

static bool
attempted(const struct store_delivery *d)
{
	return d->state != STORE_IS_PENDING || d->recorded > 0;
}

enum rc
await_attempts(const struct await *a, const struct store_key *k, size_t n,
    int64_t until_ms, struct store_delivery *d)
{
	size_t over;
	enum rc rc;

	for (;;) {
		over = 0;
		rc = RC_OK;
		for (size_t i = 0; i < n && rc == RC_OK; i++) {
			rc = store_delivery_get(a->c->service.store, k[i],
			    &d[i]);
			over += rc == RC_OK && attempted(&d[i]);
		}
		if ((rc != RC_OK && rc != RC_RETRY) || over == n ||
		    clock_mono_ms() >= until_ms)
			return rc;
		pause_ms(LOOK_MS);
	}
}
