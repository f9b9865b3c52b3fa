/*
 * bench_engine - what Berkeley DB alone can do: the bare limit for accept.
 *
 *   bench_engine DIR EVENTS_A_TRANSACTION SECONDS
 *
 * One thread writes the rows that an accepted event writes, in the same files
 * with the same sizes and settings (see src/store/bdb_accept.c, bdb_ref.c):
 * the position, the sender id, the event, its references packed as the store
 * packs them, one due row.  Each transaction is committed unsynced, then the
 * log is flushed.  Nothing is read, checked, matched or encoded.  Makes an
 * environment in DIR, which must be empty.  Prints one JSON object.
 */
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/clock.h"
#include "bench.h"

#define PAGE		4096
#define LOG_BUFFER	(1024 * 1024)
#define LOG_FILE	(4 * 1024 * 1024)
#define CACHE_MIB	256
#define ROW_EVENT	620	/* bytes of the event's row */
#define ROW_SENDER	36
#define ROW_DUE		4
#define REFERENCES	5	/* of an event, 10 bytes each */
#define REFERENCES_ROW	96	/* at least, in a row of them */
#define PER_MAX		1000

enum { META, SENDER, EVENT, REF, DUE, FILES };

struct engine {
	DB_ENV	*env;
	DB	*db[FILES];
	uint64_t position;
	char	 event[ROW_EVENT];
};

static void
must(int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, db_strerror(error));
	exit(1);
}

static void
open_all(struct engine *e, const char *dir)
{
	static const char *const name[FILES] = { "meta.db", "sender.db",
	    "event.db", "ref.db", "due.db" };
	DB_ENV *env;

	must(db_env_create(&env, 0), "db_env_create");
	must(env->set_cachesize(env, 0, CACHE_MIB << 20, 1), "cache");
	must(env->set_lg_bsize(env, LOG_BUFFER), "log buffer");
	must(env->set_lg_max(env, LOG_FILE), "log size");
	must(env->set_memory_max(env, 0, 64 << 20), "memory");
	must(env->open(env, dir, DB_CREATE | DB_INIT_LOCK | DB_INIT_LOG |
	    DB_INIT_MPOOL | DB_INIT_TXN | DB_THREAD, 0600), dir);
	e->env = env;
	for (int f = 0; f < FILES; f++) {
		must(db_create(&e->db[f], env, 0), "db_create");
		must(e->db[f]->set_pagesize(e->db[f], PAGE), "page size");
		must(e->db[f]->set_flags(e->db[f], DB_CHKSUM), "checksums");
		must(e->db[f]->open(e->db[f], NULL, name[f], NULL, DB_BTREE,
		    DB_CREATE | DB_AUTO_COMMIT | DB_THREAD, 0600), name[f]);
	}
}

static void
put(struct engine *e, DB_TXN *txn, int f, const struct buf *key,
    const char *val, size_t len)
{
	DBT k = { .data = key->s, .size = (uint32_t)key->len };
	DBT v = { .data = (void *)(uintptr_t)val, .size = (uint32_t)len };

	must(e->db[f]->put(e->db[f], txn, &k, &v, 0), "put");
}

/* The position, read for writing, comes first: it orders those who accept. */
static void
put_position(struct engine *e, DB_TXN *txn, struct buf *key, uint32_t per)
{
	char name[] = "position", val[8] = { 0 };
	DBT k = { .data = name, .size = sizeof name - 1 };
	DBT v = { .data = val, .ulen = sizeof val, .flags = DB_DBT_USERMEM };
	int error = e->db[META]->get(e->db[META], txn, &k, &v, DB_RMW);

	if (error != DB_NOTFOUND)
		must(error, "get");
	buf_clear(key);
	buf_be64(key, e->position + per);
	v = (DBT){ .data = key->s, .size = 8 };
	must(e->db[META]->put(e->db[META], txn, &k, &v, 0), "put");
}

static void
put_senders(struct engine *e, DB_TXN *txn, struct buf *key, uint32_t per)
{
	for (uint32_t i = 1; i <= per; i++) {
		buf_clear(key);
		buf_printf(key, "tick-000000000001-%010llu",
		    (unsigned long long)(e->position + i));
		put(e, txn, SENDER, key, e->event, ROW_SENDER);
	}
}

static void
put_events(struct engine *e, DB_TXN *txn, struct buf *key, uint32_t per)
{
	for (uint32_t i = 1; i <= per; i++) {
		buf_clear(key);
		buf_be64(key, e->position + i);
		put(e, txn, EVENT, key, e->event, sizeof e->event);
	}
}

static void
put_references(struct engine *e, DB_TXN *txn, struct buf *key, uint32_t per)
{
	const uint32_t most = (REFERENCES_ROW + REFERENCES - 1) / REFERENCES;
	char val[2 * REFERENCES_ROW * 10] = { 0 };

	for (uint32_t i = 0; i < per; i += most) {
		uint32_t n = per - i < most ? per - i : most;

		buf_clear(key);
		buf_be8(key, 2);
		buf_be64(key, e->position + i + 1);
		put(e, txn, REF, key, val, (size_t)n * REFERENCES * 10);
	}
}

static void
put_due(struct engine *e, DB_TXN *txn, struct buf *key, uint32_t per,
    int64_t now_ms)
{
	for (uint32_t i = 1; i <= per; i++) {
		buf_clear(key);
		buf_be32(key, 1);
		buf_be64(key, (uint64_t)now_ms);
		buf_be64(key, e->position + i);
		buf_be16(key, 0);
		put(e, txn, DUE, key, e->event, ROW_DUE);
	}
}

static void
write_one(struct engine *e, struct buf *key, uint32_t per)
{
	int64_t now_ms = clock_now_ms();
	DB_TXN *txn;

	must(e->env->txn_begin(e->env, NULL, &txn, 0), "txn_begin");
	put_position(e, txn, key, per);
	put_senders(e, txn, key, per);
	put_events(e, txn, key, per);
	put_references(e, txn, key, per);
	put_due(e, txn, key, per, now_ms);
	must(txn->commit(txn, DB_TXN_NOSYNC), "commit");
	must(e->env->log_flush(e->env, NULL), "log_flush");
	e->position += per;
}

int
main(int argc, char **argv)
{
	struct engine *e = calloc(1, sizeof *e);
	struct buf key = BUF_INIT(128);
	int64_t start_us, until_us, seconds;
	uint32_t per;
	double s;

	if (e == NULL || argc != 4) {
		fprintf(stderr, "usage: bench_engine DIR EVENTS SECONDS\n");
		return 2;
	}
	per = (uint32_t)bench_number("EVENTS", argv[2], 1, PER_MAX);
	seconds = bench_number("SECONDS", argv[3], 1, 60);
	memset(e->event, 'e', sizeof e->event);
	open_all(e, argv[1]);
	start_us = clock_mono_us();
	until_us = start_us + seconds * 1000000;
	while (clock_mono_us() < until_us)
		write_one(e, &key, per);
	s = (double)(clock_mono_us() - start_us) / 1e6;
	printf("{\"events\":%llu,\"seconds\":%.3f,\"per_s\":%.1f,"
	    "\"cpu_s\":%.3f}\n", (unsigned long long)e->position, s,
	    (double)e->position / s, bench_cpu_s());
	buf_free(&key);
	for (int f = 0; f < FILES; f++)
		must(e->db[f]->close(e->db[f], DB_NOSYNC), "close");
	must(e->env->close(e->env, 0), "close");
	free(e);
	return 0;
}
