#include <stdarg.h>
#include <time.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/bdb_verify.h"

#define VISIT_KEYS	500	/* rows looked at in one visit, at most */
#define VISIT_MS	150	/* and for so long: a recovery waits for it */
#define VISIT_TRIES	20	/* while the store is recovering or busy */
#define TOLD_MAX	100	/* lines of one file: the rest is counted */

struct pass {
	enum bdb_file	 file;
	const char	*rows;		/* what its rows are called */
	verify_check	*check;
};

static const struct pass pass[] = {
	{ BDB_SENDER,	"sender ids",		check_sender },
	{ BDB_EVENT,	"events",		check_event },
	{ BDB_TIMER,	"rows of timers",	check_timer },
	{ BDB_CHAIN,	"rows of chains",	check_chain },
	{ BDB_DUE,	"due rows",		check_due },
	{ BDB_DELIVERY,	"deliveries tried",	check_delivery },
	{ BDB_DONE,	"rows of what is done",	check_done },
};

/* One file's walk, and what the visit under way has found. */
struct walk {
	const struct pass *p;
	struct buf	 from;		/* key to go on at */
	bool		 end;
	uint64_t	 rows, problems;
	struct buf	 keys;		/* each a 16-bit length and its bytes */
	struct buf	 found;		/* lines */
};

void
verify_tell(struct verify *v, bool problem, const char *fmt, ...)
{
	struct buf text = BUF_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (problem)
		v->problems++;
	v->line(v->arg, problem, buf_str(&text));
	buf_free(&text);
}

/* The key to look for after this one.  A delivery's attempts are passed by. */
static void
after_key(const struct walk *w, struct slice key, struct buf *next)
{
	struct store_key k;
	uint16_t n;

	if (w->p->file == BDB_DELIVERY &&
	    key_delivery_parse(key, &k, &n) == RC_OK) {
		key_delivery(next, &k, UINT16_MAX);
	} else {
		buf_clear(next);
		buf_slice(next, key);
	}
	buf_be8(next, 0);		/* the least key after it */
}

/* Keys first, so that no page of this file is held while others are read. */
static enum rc
gather(struct store *st, struct walk *w)
{
	struct bdb_cur c = { 0 };
	struct buf next = BUF_INIT(KEY_MAX + 1);
	size_t n = 0;
	enum rc rc;

	buf_clear(&w->keys);
	buf_slice(&next, buf_as_slice(&w->from));
	rc = bdb_cur_open(st, NULL, w->p->file, true, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &next);
	while (rc == RC_OK && n < VISIT_KEYS) {
		buf_be16(&w->keys, (uint16_t)c.key.len);
		buf_slice(&w->keys, c.key);
		n++;
		if (w->p->file == BDB_DELIVERY) {
			after_key(w, c.key, &next);
			rc = bdb_cur_at(&c, &next);
		} else {
			rc = bdb_cur_next(&c);
		}
	}
	w->end = rc == RC_NOTFOUND;
	bdb_cur_close(&c);
	buf_free(&next);
	return w->end ? RC_OK : rc;
}

struct again {
	verify_check	*check;
	struct slice	 key;
	struct buf	 say;
};

static enum rc
look_again(struct store *st, DB_TXN *txn, void *arg)
{
	struct again *a = arg;

	buf_clear(&a->say);
	return a->check(st, txn, a->key, &a->say);
}

static enum rc
look_at(struct store *st, struct walk *w, struct slice key)
{
	struct again a = { .check = w->p->check, .key = key,
	    .say = VERIFY_TEXT };
	enum rc rc;

	rc = w->p->check(st, NULL, key, &a.say);
	if (rc == RC_OK && a.say.len == 0)
		goto done;
	if (rc != RC_OK && rc != RC_RETRY)
		goto done;
	rc = bdb_txn(st, look_again, &a, BDB_PRIORITY_MAINTAIN, false);
	if (rc != RC_OK || a.say.len == 0)
		goto done;
	if (w->problems < TOLD_MAX) {
		buf_slice(&w->found, buf_as_slice(&a.say));
		buf_putc(&w->found, '\n');
	}
	w->problems++;
done:
	buf_free(&a.say);
	return rc;
}

static enum rc
look_at_some(struct store *st, struct walk *w)
{
	int64_t until = clock_mono_ms() + VISIT_MS;
	struct slice rest, key;
	enum rc rc;

	rc = gather(st, w);
	rest = buf_as_slice(&w->keys);
	while (rc == RC_OK && rest.len > 0) {
		if (clock_mono_ms() > until) {
			w->end = false;
			break;
		}
		key = slice_take(&rest, slice_be16(&rest));
		rc = look_at(st, w, key);
		if (rc != RC_OK)
			break;
		w->rows++;
		after_key(w, key, &w->from);
	}
	return rc;
}

/* What a visit that failed has looked at it need not look at again. */
static enum rc
visit(struct store *st, struct walk *w)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	enum rc rc = RC_RETRY;

	for (int i = 0; rc == RC_RETRY && i < VISIT_TRIES; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		rc = bdb_enter(st);
		if (rc != RC_OK)
			continue;
		rc = look_at_some(st, w);
		bdb_leave(st);
	}
	return rc;
}

static void
tell_found(struct verify *v, struct walk *w)
{
	struct slice rest = buf_as_slice(&w->found), text;
	const char *end;

	if (rest.len == 0)
		return;
	store_idle(v->st);
	while (rest.len > 0) {
		end = memchr(rest.s, '\n', rest.len);
		text = slice_take(&rest, (size_t)(end - rest.s));
		slice_take(&rest, 1);
		verify_tell(v, true, "%.*s", (int)text.len, text.s);
	}
	buf_clear(&w->found);
}

static enum rc
walk_file(struct verify *v, const struct pass *p)
{
	struct walk w = { .p = p, .from = BUF_INIT(KEY_MAX + 1),
	    .keys = BUF_INIT(VISIT_KEYS * (KEY_MAX + 2)),
	    .found = BUF_INIT(VISIT_KEYS * 512) };
	enum rc rc = RC_OK;

	while (rc == RC_OK && !w.end) {
		rc = visit(v->st, &w);
		tell_found(v, &w);
	}
	if (rc != RC_OK)
		goto done;
	store_idle(v->st);
	if (w.problems > TOLD_MAX) {
		v->problems += w.problems - TOLD_MAX;
		verify_tell(v, false, "%s: %llu more problems of this kind",
		    p->rows, (unsigned long long)(w.problems - TOLD_MAX));
	}
	verify_tell(v, false, "%s: %llu looked at, %llu problems", p->rows,
	    (unsigned long long)w.rows, (unsigned long long)w.problems);
done:
	buf_free(&w.found);
	buf_free(&w.keys);
	buf_free(&w.from);
	return rc;
}

enum rc
store_verify(struct store *st, bool pages, store_verify_line *line, void *arg,
    uint64_t *problems)
{
	struct verify v = { .st = st, .line = line, .arg = arg };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < NELEM(pass) && rc == RC_OK; i++)
		rc = walk_file(&v, &pass[i]);
	if (rc == RC_OK && pages)
		rc = bdb_verify_copy(&v);
	*problems = v.problems;
	return rc;
}
