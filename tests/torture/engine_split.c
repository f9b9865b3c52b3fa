/*
 * engine_split - shows that Berkeley DB 5.3 alone loses rows to side by side
 * inserts, and that taking turns (as store/bdb_txn does) does not.
 *
 * Threads insert rows with neighbouring keys into small pages.  With turns
 * every row must be there afterwards: that is the exit status.  Without, it
 * says how many were lost: the day an engine loses none, bdb_txn's lock can be
 * measured again.  Nobody is killed here.
 *
 *   engine_split [THREADS [ROWS-EACH]]      in $TMPDIR or /tmp
 */
#include <db.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE	512		/* the smaller, the more splits */
#define THREADS	64

struct run {
	DB_ENV	*env;
	DB	*db;
	long	 rows;
	int	 threads;
	int	 turns;
};

struct inserter {
	struct run *run;
	int	    number;
};

static void
check(int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, db_strerror(error));
	exit(1);
}

/* Big-endian row number, then the thread: all threads work on one page. */
static void
make_key(unsigned char key[9], long row, int thread)
{
	for (int i = 7; i >= 0; i--, row >>= 8)
		key[i] = (unsigned char)row;
	key[8] = (unsigned char)thread;
}

static int
insert(const struct run *r, long row, int thread)
{
	static const char value[60];
	char name[] = "writer";
	unsigned char key[9];
	DBT k = { .data = key, .size = sizeof key };
	DBT v = { .data = (char *)(uintptr_t)value, .size = sizeof value };
	DBT turn = { .data = name, .size = sizeof name - 1 };
	DB_TXN *txn;
	DB_LOCK lock;
	int error;

	make_key(key, row, thread);
	error = r->env->txn_begin(r->env, NULL, &txn, 0);
	if (error != 0)
		return error;
	if (r->turns)
		error = r->env->lock_get(r->env, txn->id(txn), 0, &turn,
		    DB_LOCK_WRITE, &lock);
	if (error == 0)
		error = r->db->put(r->db, txn, &k, &v, 0);
	if (error != 0) {
		check(txn->abort(txn), "abort");
		return error;
	}
	return txn->commit(txn, DB_TXN_NOSYNC);
}

static void *
inserting(void *arg)
{
	const struct inserter *me = arg;
	unsigned seed = (unsigned)me->number;
	struct timespec pause = { 0, 0 };
	int error;

	for (long row = 0; row < me->run->rows; row++) {
		do {
			error = insert(me->run, row, me->number);
		} while (error == DB_LOCK_DEADLOCK ||
		    error == DB_LOCK_NOTGRANTED);
		check(error, "insert");
		/* Drifting apart and together is what makes splits meet. */
		if (row % 64 == me->number % 64) {
			pause.tv_nsec = rand_r(&seed) % 300000;
			nanosleep(&pause, NULL);
		}
	}
	return NULL;
}

static long
count_lost(const struct run *r)
{
	unsigned char key[9];
	long lost = 0;

	for (long row = 0; row < r->rows; row++)
		for (int t = 0; t < r->threads; t++) {
			DBT k = { .data = key, .size = sizeof key };

			make_key(key, row, t);
			lost += r->db->exists(r->db, NULL, &k, 0) ==
			    DB_NOTFOUND;
		}
	return lost;
}

static long
run(const char *home, struct run *r)
{
	struct inserter me[THREADS];
	pthread_t thread[THREADS];
	long lost;

	check(db_env_create(&r->env, 0), "environment");
	check(r->env->set_cachesize(r->env, 0, 64 << 20, 1), "cache");
	check(r->env->set_lk_detect(r->env, DB_LOCK_MINWRITE), "detector");
	check(r->env->log_set_config(r->env, DB_LOG_IN_MEMORY, 1), "log");
	check(r->env->set_lg_bsize(r->env, 64 << 20), "log");
	check(r->env->open(r->env, home, DB_CREATE | DB_INIT_LOCK |
	    DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN | DB_THREAD | DB_PRIVATE,
	    0600), home);
	check(db_create(&r->db, r->env, 0), "database");
	check(r->db->set_pagesize(r->db, PAGE), "page size");
	check(r->db->open(r->db, NULL, NULL, "rows", DB_BTREE, DB_CREATE |
	    DB_AUTO_COMMIT | DB_THREAD, 0600), "rows");
	for (int i = 0; i < r->threads; i++) {
		me[i] = (struct inserter){ r, i };
		check(pthread_create(&thread[i], NULL, inserting, &me[i]),
		    "thread");
	}
	for (int i = 0; i < r->threads; i++)
		check(pthread_join(thread[i], NULL), "thread");
	lost = count_lost(r);
	check(r->db->close(r->db, DB_NOSYNC), "database");
	check(r->env->close(r->env, 0), "environment");
	return lost;
}

int
main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	struct run r = { .threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) :
	    16, .rows = argc > 2 ? strtol(argv[2], NULL, 10) : 4000 };
	char home[512];
	long without, with;

	if (r.threads < 1 || r.threads > THREADS || r.rows < 1) {
		fprintf(stderr, "usage: engine_split [THREADS [ROWS-EACH]]\n");
		return 2;
	}
	snprintf(home, sizeof home, "%s/engine_split.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(home) == NULL) {
		perror(home);
		return 1;
	}
	without = run(home, &r);
	r.turns = 1;
	with = run(home, &r);
	rmdir(home);
	printf("of %ld rows, lost without turns %ld, with turns %ld\n",
	    r.rows * r.threads, without, with);
	return with == 0 ? 0 : 1;
}
