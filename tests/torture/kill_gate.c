/*
 * kill_gate - does a store keep what it acknowledged, whoever is killed when?
 *
 * Workers write records through the engine's own transactions, each with two
 * threads, and note what was acknowledged in memory that outlives them; now
 * and then they run the maintenance, leave, or close the store.  Meanwhile
 * they are killed, and stopped for a while, at random.  In the end every
 * acknowledged record must be there, whole, and every file must pass the
 * engine's own check.  Proves safety from kills; not from power loss, for
 * which the kernel would have to die too.
 *
 *	kill_gate [--seconds N] [--workers N] [--seed N]
 *
 * With KILL_GATE_LOG in the environment the workers log what they see.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb.h"
#include "store/bdb_gate.h"

#define WORKERS_MAX	32
#define THREADS		2
#define VALUE_MAX	2000	/* some in overflow pages */
#define CACHE		(8 * 1024 * 1024)
#define PAUSE_LIMIT_MS	GATE_WAIT_MS
#define END_MS		30000	/* for all workers to end when told */

/* One thread's records: the first `acked` of them must be in the store. */
struct lane {
	_Atomic uint64_t acked;
	_Atomic int64_t	 last_ms;	/* when; 0: this process has none yet */
	_Atomic int64_t	 pause_ms;	/* the longest between two */
	_Atomic int64_t	 start_ms;	/* the longest from start to first */
	_Atomic uint64_t refused;	/* RC_RETRY and such */
};

struct shared {
	_Atomic bool	 stop;
	_Atomic uint64_t maintained;
	struct lane	 lane[WORKERS_MAX][THREADS];
};

struct worker {
	struct shared	*sh;
	struct store	*st;
	unsigned	 number, thread;
	int64_t		 born_ms;
};

struct settings {
	char		 dir[256];
	int		 seconds;
	unsigned	 workers;
	uint64_t	 seed;
};

static void
pause_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

static uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* A record is known by its lane and number, so that it can be made again. */
static void
record(unsigned worker, unsigned thread, uint64_t n, struct buf *key,
    struct buf *val)
{
	uint64_t state = n << 16 | worker << 8 | thread;
	size_t len = random_next(&state) % VALUE_MAX;

	buf_clear(key);
	buf_clear(val);
	/* All write at the same edge of the tree, as events do. */
	buf_be64(key, n);
	buf_be16(key, (uint16_t)(worker << 8 | thread));
	while (val->len < len)
		buf_be64(val, random_next(&state));
}

struct pair {
	struct buf key, val;
};

static enum rc
put_pair(struct store *st, DB_TXN *txn, void *arg)
{
	const struct pair *p = arg;

	return bdb_put(st, txn, BDB_EVENT, &p->key, &p->val);
}

static void
acknowledged(struct lane *l, uint64_t n, int64_t born_ms)
{
	int64_t now = clock_mono_ms(), last = atomic_load(&l->last_ms);

	atomic_store(&l->acked, n);
	if (last != 0 && now - last > atomic_load(&l->pause_ms))
		atomic_store(&l->pause_ms, now - last);
	if (last == 0 && now - born_ms > atomic_load(&l->start_ms))
		atomic_store(&l->start_ms, now - born_ms);
	atomic_store(&l->last_ms, now);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct lane *l = &w->sh->lane[w->number][w->thread];
	struct pair p = { BUF_INIT(64), BUF_INIT(VALUE_MAX + 8) };
	uint64_t n = atomic_load(&l->acked) + 1;
	enum rc rc;

	while (!atomic_load(&w->sh->stop)) {
		record(w->number, w->thread, n, &p.key, &p.val);
		rc = bdb_enter(w->st);
		if (rc == RC_OK) {
			rc = bdb_txn(w->st, put_pair, &p, BDB_PRIORITY_ACCEPT,
			    true);
			bdb_leave(w->st);
		}
		if (rc != RC_OK) {
			atomic_fetch_add(&l->refused, 1);
			pause_us(1000);
			continue;
		}
		acknowledged(l, n++, w->born_ms);
		if (n % 61 == 0 && store_maintain(w->st) == RC_OK)
			atomic_fetch_add(&w->sh->maintained, 1);
		if (n % 97 == 0)
			store_idle(w->st);
	}
	buf_free(&p.key);
	buf_free(&p.val);
	return NULL;
}

static struct store_options
options(const char *dir, bool standing)
{
	return (struct store_options){ .dir = dir, .cache_bytes = CACHE,
	    .low_space = 1, .standing = standing };
}

static int
worker(const struct settings *s, struct shared *sh, unsigned number)
{
	struct store_options o = options(s->dir, number % 2 == 0);
	struct worker w[THREADS];
	struct buf why = BUF_INIT(512);
	struct store *st = NULL;
	pthread_t t[THREADS];
	int64_t born = clock_mono_ms();
	enum rc rc;

	for (unsigned i = 0; i < THREADS; i++)
		atomic_store(&sh->lane[number][i].last_ms, 0);
	do {
		buf_clear(&why);
		rc = store_open(&st, &o, &why);
	} while (rc == RC_RETRY && !atomic_load(&sh->stop));
	if (rc != RC_OK) {
		fprintf(stderr, "worker %u: %s: %s\n", number, rc_name(rc),
		    buf_str(&why));
		return rc == RC_RETRY ? 0 : 1;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ sh, st, number, i, born };
		if (pthread_create(&t[i], NULL, work, &w[i]) != 0)
			return 1;
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	store_close(st);
	buf_free(&why);
	return 0;
}

static pid_t
start(const struct settings *s, struct shared *sh, unsigned number)
{
	pid_t pid = fork();

	if (pid == 0) {
		log_level_set(getenv("KILL_GATE_LOG") != NULL ? LOG_DEBUG :
		    LOG_ERROR + 1);
		_exit(worker(s, sh, number));
	}
	if (pid == -1) {
		perror("fork");
		exit(1);
	}
	return pid;
}

struct tally {
	unsigned killed, stopped;
	unsigned ended;		/* by a watchdog, or for a recovery */
	unsigned taken;		/* killed by another one's gate */
	unsigned wrong;		/* ended in any other way */
};

static void
count_end(struct tally *n, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == GATE_EXIT)
		n->ended++;
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		n->taken++;
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		n->wrong++;
		fprintf(stderr, "a worker ended with status %#x\n",
		    (unsigned)status);
	}
}

/* Kill and stop until the time is up. */
static void
torture(const struct settings *s, struct shared *sh, pid_t *pid,
    struct tally *n)
{
	int64_t end = clock_mono_ms() + s->seconds * 1000;
	uint64_t state = s->seed;
	unsigned i;
	int status;

	while (clock_mono_ms() < end) {
		pause_us((long)(random_next(&state) % 100000) + 1000);
		i = (unsigned)(random_next(&state) % s->workers);
		if (random_next(&state) % 4 == 0) {
			kill(pid[i], SIGSTOP);
			pause_us((long)(random_next(&state) % 300000));
			kill(pid[i], SIGCONT);
			n->stopped++;
		} else if (kill(pid[i], SIGKILL) == 0) {
			if (waitpid(pid[i], &status, 0) == pid[i]) {
				if (WIFSIGNALED(status))
					n->killed++;
				else
					count_end(n, status);
			}
			pid[i] = start(s, sh, i);
		}
		for (i = 0; i < s->workers; i++)
			if (waitpid(pid[i], &status, WNOHANG) == pid[i]) {
				count_end(n, status);
				pid[i] = start(s, sh, i);
			}
	}
}

/* Tell all to end; those who don't are wrong. */
static void
finish(const struct settings *s, struct shared *sh, pid_t *pid,
    struct tally *n)
{
	int64_t end = clock_mono_ms() + END_MS;
	int status;

	atomic_store(&sh->stop, true);
	for (unsigned i = 0; i < s->workers; i++) {
		while (waitpid(pid[i], &status, WNOHANG) == 0) {
			if (clock_mono_ms() > end) {
				fprintf(stderr, "worker %u does not end\n", i);
				n->wrong++;
				kill(pid[i], SIGKILL);
			}
			pause_us(2000);
		}
		if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
			count_end(n, status);
	}
}

/* Look for every acknowledged record; returns how many are not as written. */
static uint64_t
missing(struct store *st, const struct settings *s, struct shared *sh,
    uint64_t *acked)
{
	struct pair p = { BUF_INIT(64), BUF_INIT(VALUE_MAX + 8) };
	struct buf got = BUF_INIT(VALUE_MAX + 8);
	uint64_t lost = 0;

	if (bdb_enter(st) != RC_OK)
		return UINT64_MAX;
	for (unsigned w = 0; w < s->workers; w++)
		for (unsigned t = 0; t < THREADS; t++) {
			uint64_t last = atomic_load(&sh->lane[w][t].acked);

			*acked += last;
			for (uint64_t n = 1; n <= last; n++) {
				record(w, t, n, &p.key, &p.val);
				if (bdb_get(st, NULL, BDB_EVENT, &p.key, &got,
				    false) == RC_OK &&
				    slice_eq(buf_as_slice(&got),
				    buf_as_slice(&p.val)))
					continue;
				if (lost++ < 10)
					fprintf(stderr, "lost: worker %u "
					    "thread %u record %" PRIu64 "\n",
					    w, t, n);
			}
		}
	bdb_leave(st);
	buf_free(&p.key);
	buf_free(&p.val);
	buf_free(&got);
	return lost;
}

/* Let the next one in recover, which also brings all pages to the files. */
static void
forget_order(const struct settings *s)
{
	char path[512];

	snprintf(path, sizeof path, "%s/left", s->dir);
	unlink(path);
}

/* The engine's own check of each file; nobody has the store open. */
static unsigned
verify(const struct settings *s)
{
	unsigned bad = 0;
	char path[512];
	int error;
	DB *db;

	for (int f = 0; f < BDB_NFILES; f++) {
		snprintf(path, sizeof path, "%s/%s", s->dir,
		    bdb_file_name[f]);
		error = db_create(&db, NULL, 0);
		/* The handle is gone after verify, whatever it says. */
		if (error == 0)
			error = db->verify(db, path, NULL, NULL, 0);
		if (error == 0)
			continue;
		fprintf(stderr, "%s: %s\n", path, db_strerror(error));
		bad++;
	}
	return bad;
}

static int
judge(const struct settings *s, struct shared *sh, const struct tally *n)
{
	struct store_options o = options(s->dir, false);
	struct buf why = BUF_INIT(512);
	uint64_t acked = 0, lost = 0, refused = 0, recoveries = 0;
	int64_t pause = 0, first = 0;
	struct store_condition h;
	struct store *st;
	unsigned bad;

	/* as it was left, and again as it is recovered */
	for (int i = 0; i < 2; i++) {
		if (store_open(&st, &o, &why) != RC_OK) {
			fprintf(stderr, "at the end: %s\n", buf_str(&why));
			return 1;
		}
		acked = 0;
		lost += missing(st, s, sh, &acked);
		if (store_condition(st, &h) == RC_OK)
			recoveries = h.recoveries;
		store_close(st);
		forget_order(s);
	}
	bad = verify(s);
	for (unsigned w = 0; w < s->workers; w++)
		for (unsigned t = 0; t < THREADS; t++) {
			struct lane *l = &sh->lane[w][t];

			refused += l->refused;
			if (l->pause_ms > pause)
				pause = l->pause_ms;
			if (l->start_ms > first)
				first = l->start_ms;
		}
	printf("%u workers, %d s, seed %" PRIu64 ": %u killed, %u stopped, "
	    "%u ended by their watchdog, %u by a neighbour, %" PRIu64
	    " recoveries, %" PRIu64 " maintained\n", s->workers, s->seconds,
	    s->seed, n->killed, n->stopped, n->ended, n->taken, recoveries,
	    sh->maintained);
	printf("%" PRIu64 " records acknowledged, %" PRIu64 " refused, %"
	    PRIu64 " lost, %u bad files, %u wrong ends; longest pause %" PRId64
	    " ms, longest start %" PRId64 " ms\n", acked, refused, lost, bad,
	    n->wrong, pause, first);
	buf_free(&why);
	return lost == 0 && bad == 0 && n->wrong == 0 && acked > 0 &&
	    n->killed > 0 && recoveries > 1 && pause <= PAUSE_LIMIT_MS ? 0 : 1;
}

static void
remove_all(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static bool
parse(int argc, char **argv, struct settings *s)
{
	static const struct option names[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "workers", required_argument, NULL, 'w' },
		{ "seed", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	char *end;
	int c;

	for (;;) {
		c = getopt_long(argc, argv, "", names, NULL);
		if (c == -1)
			return optind == argc && s->seconds > 0 &&
			    s->workers > 0 && s->workers <= WORKERS_MAX;
		if (c == '?')
			return false;
		unsigned long long v = strtoull(optarg, &end, 10);

		if (*end != '\0' || v > 1000000000)
			return false;
		if (c == 's')
			s->seconds = (int)v;
		else if (c == 'w')
			s->workers = (unsigned)v;
		else
			s->seed = v;
	}
}

int
main(int argc, char **argv)
{
	struct settings s = { .seconds = 8, .workers = 4 };
	struct tally n = { 0 };
	struct store_options o;
	struct buf why = BUF_INIT(512);
	const char *tmp = getenv("TMPDIR");
	pid_t pid[WORKERS_MAX];
	struct shared *sh;
	int status;

	s.seed = (uint64_t)clock_now_ms() % 1000000;
	if (!parse(argc, argv, &s)) {
		fprintf(stderr, "usage: kill_gate [--seconds N] "
		    "[--workers N (at most %d)] [--seed N]\n", WORKERS_MAX);
		return 2;
	}
	setlinebuf(stdout);
	log_level_set(LOG_ERROR);
	sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(s.dir, sizeof s.dir, "%s/kill_gate.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (sh == MAP_FAILED || mkdtemp(s.dir) == NULL) {
		perror(s.dir);
		return 1;
	}
	o = options(s.dir, false);
	if (store_create(&o, &why) != RC_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		return 1;
	}
	for (unsigned i = 0; i < s.workers; i++)
		pid[i] = start(&s, sh, i);
	torture(&s, sh, pid, &n);
	finish(&s, sh, pid, &n);
	status = judge(&s, sh, &n);
	if (status == 0)
		remove_all(s.dir);
	else
		fprintf(stderr, "left for a look: %s\n", s.dir);
	buf_free(&why);
	munmap(sh, sizeof *sh);
	return status;
}
