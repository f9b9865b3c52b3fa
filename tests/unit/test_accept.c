#include <pthread.h>
#include <sys/wait.h>
#include "store/bdb_count.h"
#include "unit_store.h"

struct fixture {
	struct place	 place;
	struct store	*st;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -1;
	place_make(&f->place);
	f->st = place_open(&f->place, false);
	*state = f;
	return 0;
}

static int
set_up_standing(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -1;
	place_make(&f->place);
	f->st = place_open(&f->place, true);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->st);
	place_remove(&f->place);
	free(f);
	return 0;
}

static const uint32_t subs[] = { 3, 5 };

/* An item to two subscriptions; what it is told apart by is in content[0]. */
static struct store_accept
item(const char *sender_id, unsigned char content)
{
	struct store_accept a = {
		.type = SLICE("OrderTicketed"),
		.sender_id = slice_of(sender_id),
		.order = SLICE("{\"agwID\":\"AGW-1\"}"),
		.key = 9, .subscription = subs, .nsubscription = NELEM(subs),
	};

	a.content[0] = content;
	return a;
}

static void
accept_one(struct store *st, struct store_accept *a, enum rc want)
{
	enum rc rc = store_accept(st, a, 1);

	want_rc(a->rc, want, "%.*s", (int)a->sender_id.len, a->sender_id.s);
	want_rc(rc, RC_OK, "the call");
}

static uint64_t
newest(struct store *st)
{
	uint64_t position;

	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_count_get(st, NULL, KEY_POSITION, false, &position),
	    RC_OK, "position");
	bdb_leave(st);
	return position;
}

static size_t
rows(struct store *st, enum bdb_file file)
{
	struct bdb_cur c;
	size_t n = 0;

	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_cur_open(st, NULL, file, true, &c), RC_OK, "cursor");
	while (bdb_cur_next(&c) == RC_OK)
		n++;
	bdb_cur_close(&c);
	bdb_leave(st);
	return n;
}

static void
an_event_is_kept_with_a_due_row_for_each_subscription(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = item("tick-1", 1);
	struct store_event ev = STORE_EVENT_INIT;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct store_due d;

	accept_one(f->st, &a, RC_OK);
	want_i64((int64_t)a.position, 1, "position");
	want_i64(a.deliveries, 2, "deliveries");
	want_rc(bdb_enter(f->st), RC_OK, "enter");
	key_event(&key, 1);
	want_rc(bdb_get(f->st, NULL, BDB_EVENT, &key, &ev.raw, false), RC_OK,
	    "event");
	want_rc(event_decode(&ev, 1), RC_OK, "event");
	want_slice(ev.order, a.order, "order");
	want_slice(ev.sender_id, a.sender_id, "sender id");
	want_i64(ev.accepted_ms, a.accepted_ms, "accepted");
	for (size_t i = 0; i < NELEM(subs); i++) {
		d = (struct store_due){ .key = { 1, subs[i], 0 },
		    .due_ms = a.accepted_ms };
		key_due(&key, &d);
		want_rc(bdb_get(f->st, NULL, BDB_DUE, &key, &val, false),
		    RC_OK, "due row %zu", i);
		d.attempts = d.recorded = 9;
		want_rc(value_due_parse(buf_as_slice(&val), &d), RC_OK,
		    "due row %zu", i);
		want_i64(d.attempts + d.recorded, 0, "due row %zu", i);
	}
	bdb_leave(f->st);
	want_i64((int64_t)rows(f->st, BDB_DUE), 2, "due rows");
	buf_free(&val);
	buf_free(&key);
	store_event_clear(&ev);
}

static void
a_sender_id_is_taken_once_and_tells_same_from_other(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = item("tick-1", 1), b = item("tick-2", 1);
	struct store_accept again = item("tick-1", 1);
	struct store_accept other = item("tick-1", 2);

	accept_one(f->st, &a, RC_OK);
	accept_one(f->st, &b, RC_OK);
	again.nsubscription = 1;
	accept_one(f->st, &again, RC_EXISTS);
	want_i64((int64_t)again.position, (int64_t)a.position, "position");
	want_i64(again.deliveries, 2, "deliveries of the first");
	want_i64(again.accepted_ms, a.accepted_ms, "accepted");
	accept_one(f->st, &other, RC_INVALID);
	want_i64((int64_t)rows(f->st, BDB_EVENT), 2, "events");
	want_i64((int64_t)rows(f->st, BDB_DUE), 4, "due rows");
	want_i64((int64_t)newest(f->st), 2, "no position was lost");
}

static void
a_sender_id_is_forgotten_after_its_time(void **state)
{
	struct fixture *f = *state;
	struct store_accept first = item("a", 1), later = item("a", 2);
	struct timespec pause = { 0, 30 * 1000000L };

	store_close(f->st);
	f->place.opt.remember_ms = 20;
	f->st = place_open(&f->place, false);
	want_rc(store_accept(f->st, &first, 1), RC_OK, "first call");
	want_rc(first.rc, RC_OK, "first");
	nanosleep(&pause, NULL);
	want_rc(store_accept(f->st, &later, 1), RC_OK, "later call");
	want_rc(later.rc, RC_OK, "other content, after its time");
	want_i64((int64_t)later.position, (int64_t)first.position + 1,
	    "position");
	store_close(f->st);
	f->place.opt.remember_ms = 0;
	f->st = place_open(&f->place, false);
	want_rc(store_accept(f->st, &first, 1), RC_OK, "call again");
	want_rc(first.rc, RC_INVALID, "the first's content, for ever");
}

static void
without_a_sender_id_nothing_is_a_duplicate(void **state)
{
	struct fixture *f = *state;
	struct store_accept a[3] = { item(NULL, 1), item(NULL, 1),
	    item("", 1) };

	want_rc(store_accept(f->st, a, 3), RC_OK, "the call");
	for (size_t i = 0; i < 3; i++) {
		want_rc(a[i].rc, RC_OK, "item %zu", i);
		want_i64((int64_t)a[i].position, (int64_t)i + 1, "item %zu",
		    i);
	}
	want_i64((int64_t)rows(f->st, BDB_SENDER), 0, "sender rows");
}

static void
duplicates_in_one_batch_are_told_apart(void **state)
{
	static const struct {
		const char *id; unsigned char content; enum rc want;
		uint64_t position;
	} t[] = {
		{ "a", 1, RC_OK, 1 }, { "b", 1, RC_OK, 2 },
		{ "a", 1, RC_EXISTS, 1 }, { "a", 2, RC_INVALID, 0 },
		{ "b", 1, RC_EXISTS, 2 }, { "c", 1, RC_OK, 3 },
	};
	struct fixture *f = *state;
	struct store_accept a[NELEM(t)];

	for (size_t i = 0; i < NELEM(t); i++)
		a[i] = item(t[i].id, t[i].content);
	want_rc(store_accept(f->st, a, NELEM(t)), RC_OK, "the call");
	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(a[i].rc, t[i].want, "item %zu", i);
		want_i64((int64_t)a[i].position, (int64_t)t[i].position,
		    "item %zu", i);
	}
	want_i64((int64_t)rows(f->st, BDB_EVENT), 3, "events");
}

static void
an_item_matched_under_another_generation_is_stale_alone(void **state)
{
	struct fixture *f = *state;
	struct store_accept a[3] = { item("a", 1), item("b", 1),
	    item("c", 1) };
	uint32_t number = 0;
	uint64_t version = 0;

	want_rc(store_record_put(f->st, STORE_CLIENT, &number, &version,
	    SLICE("{}")), RC_OK, "a change");
	a[0].generation = a[2].generation = 1;
	want_rc(store_accept(f->st, a, 3), RC_OK, "the call");
	want_rc(a[0].rc, RC_OK, "matched now");
	want_rc(a[1].rc, RC_STALE, "matched before");
	want_rc(a[2].rc, RC_OK, "matched now");
	want_i64((int64_t)a[2].position, 2, "no position is skipped");
	a[1].generation = 1;
	accept_one(f->st, &a[1], RC_OK);
	want_i64((int64_t)a[1].position, 3, "matched again");
	a[1] = item("d", 1);
	a[1].generation = 2;
	accept_one(f->st, &a[1], RC_STALE);
}

static void
what_is_too_big_does_not_fail_its_neighbours(void **state)
{
	struct fixture *f = *state;
	struct store_accept a[7];
	size_t len = STORE_ORDER_MAX + 1;
	char *big = malloc(len);

	assert_non_null(big);
	memset(big, ' ', len);
	for (size_t i = 0; i < NELEM(a); i++)
		a[i] = item(NULL, 0);
	a[1].order = (struct slice){ big, len };
	a[2].sender_id = (struct slice){ big, STORE_SENDER_ID_MAX + 1 };
	a[3].nsubscription = STORE_SUBSCRIPTIONS_MAX + 1;
	a[4].type = (struct slice){ big, STORE_TEXT_MAX + 1 };
	a[5].nref = STORE_REFS_MAX + 1;
	want_rc(store_accept(f->st, a, NELEM(a)), RC_OK, "the call");
	for (size_t i = 0; i < NELEM(a); i++)
		want_rc(a[i].rc, i == 0 || i == 6 ? RC_OK : RC_TOOBIG,
		    "item %zu", i);
	want_i64((int64_t)a[6].position, 2, "position");
	want_i64((int64_t)rows(f->st, BDB_EVENT), 2, "events");
	accept_one(f->st, &a[1], RC_TOOBIG);
	free(big);
}

static enum rc
spoil(struct store *st, DB_TXN *txn, void *arg)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	key_sender(&key, slice_of(arg));
	buf_puts(&val, "?");
	rc = bdb_put(st, txn, BDB_SENDER, &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static void
what_fails_inside_the_transaction_fails_alone(void **state)
{
	struct fixture *f = *state;
	struct store_accept a[4] = { item("a", 1), item("b", 1),
	    item("spoilt", 1), item("c", 1) };
	char spoilt[] = "spoilt";

	want_rc(bdb_enter(f->st), RC_OK, "enter");
	want_rc(bdb_txn(f->st, spoil, spoilt, BDB_PRIORITY_ACCEPT, false),
	    RC_OK, "spoil");
	bdb_leave(f->st);
	want_rc(store_accept(f->st, a, NELEM(a)), RC_OK, "the call");
	want_rc(a[0].rc, RC_OK, "before");
	want_rc(a[1].rc, RC_OK, "before");
	want_rc(a[2].rc, RC_IO, "the spoilt one");
	want_rc(a[3].rc, RC_OK, "after");
	want_i64((int64_t)a[3].position, 3, "no position is skipped");
	want_i64((int64_t)rows(f->st, BDB_EVENT), 3, "events");
	want_i64((int64_t)rows(f->st, BDB_DUE), 6, "due rows");
	want_rc(store_accept(f->st, &a[2], 1), RC_IO, "the call, alone");
}

static void
a_batch_over_one_transaction_is_split_in_order(void **state)
{
	enum { N = 2 * STORE_BATCH_EVENTS + 7 };
	struct fixture *f = *state;
	struct store_accept *a = calloc(N, sizeof *a);
	size_t len = 300 * 1024, nbig = 12;
	char *big = calloc(len, 1);

	assert_non_null(a);
	assert_non_null(big);
	for (size_t i = 0; i < N; i++) {
		a[i] = item(NULL, 0);
		if (i < nbig)	/* more bytes than fit one, too */
			a[i].order = (struct slice){ big, len };
	}
	want_rc(store_accept(f->st, a, N), RC_OK, "the call");
	for (size_t i = 0; i < N; i++) {
		want_rc(a[i].rc, RC_OK, "item %zu", i);
		want_i64((int64_t)a[i].position, (int64_t)i + 1, "item %zu",
		    i);
		if (i > 0)
			assert_true(a[i].accepted_ms >= a[i - 1].accepted_ms);
	}
	want_i64((int64_t)rows(f->st, BDB_EVENT), N, "events");
	free(big);
	free(a);
}

static void
positions_go_on_after_a_close(void **state)
{
	struct fixture *f = *state;
	struct store_accept a = item("a", 1), b = item("b", 1);
	struct store_accept again = item("a", 1);

	accept_one(f->st, &a, RC_OK);
	store_close(f->st);
	f->st = place_open(&f->place, false);
	accept_one(f->st, &b, RC_OK);
	want_i64((int64_t)b.position, 2, "position");
	accept_one(f->st, &again, RC_EXISTS);
}

static void
a_full_store_takes_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_accept a[2] = { item("a", 1), item("b", 1) };

	store_close(f->st);
	f->place.opt.low_space = INT64_MAX / 2;
	f->st = place_open(&f->place, false);
	want_rc(store_accept(f->st, a, 2), RC_FULL, "the call");
	want_rc(a[0].rc, RC_FULL, "item 0");
	want_rc(a[1].rc, RC_FULL, "item 1");
	want_i64((int64_t)rows(f->st, BDB_EVENT), 0, "events");
}

static void
an_event_for_very_many_gets_its_due_rows_in_steps(void **state)
{
	enum { STEPS = 6, MANY = (STEPS - 1) * STORE_FANOUT_STEP + 1 };
	struct fixture *f = *state;
	struct store_accept a[2] = { item("many", 1), item("few", 1) };
	struct store_head heads[MANY + 1];
	uint32_t sub[MANY];
	struct store_fanout fan = STORE_FANOUT_INIT;
	size_t n;

	for (uint32_t i = 0; i < MANY; i++)
		sub[i] = 10 + i;
	a[0].subscription = sub;
	a[0].nsubscription = MANY;
	want_rc(store_accept(f->st, a, 2), RC_OK, "the call");
	want_i64(a[0].deliveries, MANY, "deliveries");
	assert_true(a[0].fanout && !a[1].fanout);
	want_i64((int64_t)rows(f->st, BDB_DUE), 3, "fan-out and two due");
	for (size_t step = 1; step <= STEPS; step++) {
		size_t done = step * STORE_FANOUT_STEP;

		want_rc(store_fanout(f->st, &fan), RC_OK, "step %zu", step);
		assert_true(fan.more);
		want_i64((int64_t)fan.n, done < MANY ? STORE_FANOUT_STEP : 1,
		    "lanes of step %zu", step);
		want_i64(fan.lane[0], sub[done - STORE_FANOUT_STEP],
		    "first lane of step %zu", step);
		want_i64(fan.due_ms, a[0].accepted_ms, "due");
		want_i64((int64_t)rows(f->st, BDB_DUE),
		    done < MANY ? (int64_t)done + 3 : MANY + 2,
		    "rows after step %zu", step);
	}
	want_rc(store_fanout(f->st, &fan), RC_OK, "nothing left");
	want_i64((int64_t)fan.n, 0, "lanes");
	want_i64(fan.more, false, "more");
	store_fanout_clear(&fan);
	want_rc(store_heads(f->st, 9, heads, NELEM(heads), &n), RC_OK,
	    "heads");
	want_i64((int64_t)n, MANY, "lanes");
	for (size_t i = 0; i < n; i++) {
		want_i64(heads[i].lane, sub[i], "lane %zu", i);
		want_i64(heads[i].due_ms, a[0].accepted_ms, "due %zu", i);
	}
}

/* What one thread or process got for ids 0 to IDS - 1. */
enum { IDS = 400, AT_ONCE = 8 };

struct taker {
	struct store	*st;
	size_t		 step;		/* goes through the ids in strides */
	bool		 failed;
	struct { enum rc rc; uint64_t position; } got[IDS];
};

static void
take_all(struct taker *t)
{
	char id[AT_ONCE][16];
	struct store_accept a[AT_ONCE];

	for (size_t i = 0; i < IDS; i += AT_ONCE) {
		for (size_t k = 0; k < AT_ONCE; k++) {
			snprintf(id[k], sizeof id[k], "id-%zu",
			    (i + k) * t->step % IDS);
			a[k] = item(id[k], 1);
		}
		if (store_accept(t->st, a, AT_ONCE) != RC_OK)
			t->failed = true;
		for (size_t k = 0; k < AT_ONCE; k++) {
			size_t n = (i + k) * t->step % IDS;

			t->got[n].rc = a[k].rc;
			t->got[n].position = a[k].position;
		}
	}
}

/*
 * Each id was taken by exactly one, all others were told so, and the positions
 * are 1 to IDS.
 */
static void
judge(const struct taker *t, size_t n)
{
	bool seen[IDS + 1] = { false };

	for (size_t i = 0; i < IDS; i++) {
		int took = 0;

		for (size_t k = 0; k < n; k++) {
			assert_false(t[k].failed);
			if (t[k].got[i].rc == RC_OK)
				took++;
			else
				want_rc(t[k].got[i].rc, RC_EXISTS,
				    "id %zu of %zu", i, k);
			want_i64((int64_t)t[k].got[i].position,
			    (int64_t)t[0].got[i].position, "id %zu of %zu", i,
			    k);
		}
		want_i64(took, 1, "who took id %zu", i);
		assert_true(t[0].got[i].position >= 1 &&
		    t[0].got[i].position <= IDS);
		assert_false(seen[t[0].got[i].position]);
		seen[t[0].got[i].position] = true;
	}
}

static void *
run(void *arg)
{
	take_all(arg);
	return NULL;
}

static void
threads_that_bring_the_same_take_it_once(void **state)
{
	static const size_t step[] = { 1, 399, 3, 7, 77, 201 };
	struct fixture *f = *state;
	struct taker *t = calloc(NELEM(step), sizeof *t);
	pthread_t thread[NELEM(step)];

	assert_non_null(t);
	for (size_t i = 0; i < NELEM(step); i++) {
		t[i].st = f->st;
		t[i].step = step[i];
		assert_int_equal(pthread_create(&thread[i], NULL, run, &t[i]),
		    0);
	}
	for (size_t i = 0; i < NELEM(step); i++)
		pthread_join(thread[i], NULL);
	judge(t, NELEM(step));
	want_i64((int64_t)rows(f->st, BDB_EVENT), IDS, "events");
	want_i64((int64_t)rows(f->st, BDB_DUE), 2 * IDS, "due rows");
	free(t);
}

enum { CROWD = 24, EACH = 40 };

static void *
one_by_one(void *arg)
{
	struct taker *t = arg;
	struct store_accept a;

	for (int i = 0; i < EACH; i++) {
		a = item(NULL, 0);
		if (store_accept(t->st, &a, 1) != RC_OK || a.rc != RC_OK)
			t->failed = true;
	}
	return NULL;
}

static void
everyone_in_a_crowd_gets_an_answer(void **state)
{
	struct fixture *f = *state;
	struct taker *t = calloc(CROWD, sizeof *t);
	pthread_t thread[CROWD];

	assert_non_null(t);
	for (size_t i = 0; i < CROWD; i++) {
		t[i].st = f->st;
		assert_int_equal(pthread_create(&thread[i], NULL, one_by_one,
		    &t[i]), 0);
	}
	for (size_t i = 0; i < CROWD; i++) {
		pthread_join(thread[i], NULL);
		assert_false(t[i].failed);
	}
	want_i64((int64_t)newest(f->st), CROWD * EACH, "newest");
	want_i64((int64_t)rows(f->st, BDB_EVENT), CROWD * EACH, "events");
	free(t);
}

static void
a_call_over_one_transaction_is_joined_with_others(void **state)
{
	enum { N = STORE_BATCH_EVENTS + 100 };
	struct fixture *f = *state;
	struct store_accept *a = calloc(N, sizeof *a);
	struct taker *t = calloc(1, sizeof *t);
	pthread_t thread;
	uint64_t last = 0;

	assert_non_null(a);
	assert_non_null(t);
	t->st = f->st;
	t->step = 1;
	assert_int_equal(pthread_create(&thread, NULL, run, t), 0);
	for (size_t i = 0; i < N; i++)
		a[i] = item(NULL, 0);
	want_rc(store_accept(f->st, a, N), RC_OK, "the call");
	pthread_join(thread, NULL);
	for (size_t i = 0; i < N; i++) {
		want_rc(a[i].rc, RC_OK, "item %zu", i);
		assert_true(a[i].position > last);
		last = a[i].position;
	}
	for (size_t i = 0; i < IDS; i++)
		want_rc(t->got[i].rc, RC_OK, "id %zu", i);
	want_i64((int64_t)newest(f->st), N + IDS, "newest");
	want_i64((int64_t)rows(f->st, BDB_EVENT), N + IDS, "events");
	free(t);
	free(a);
}

static pid_t
spawn(struct place *p, size_t step, int fd)
{
	struct buf why = BUF_INIT(1024);
	struct taker t = { .step = step };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (store_open(&t.st, &p->opt, &why) != RC_OK)
		_exit(1);
	take_all(&t);
	store_close(t.st);
	t.st = NULL;
	_exit(write(fd, &t, sizeof t) == (ssize_t)sizeof t ? 0 : 2);
}

static void
processes_that_bring_the_same_take_it_once(void **state)
{
	static const size_t step[] = { 1, 399, 77 };
	struct fixture *f = *state;
	struct taker *t = calloc(NELEM(step), sizeof *t);
	pid_t pid[NELEM(step)];
	int fd[NELEM(step)][2], status;

	assert_non_null(t);
	store_close(f->st);
	f->st = NULL;
	for (size_t i = 0; i < NELEM(step); i++) {
		assert_int_equal(pipe(fd[i]), 0);
		pid[i] = spawn(&f->place, step[i], fd[i][1]);
		close(fd[i][1]);
	}
	for (size_t i = 0; i < NELEM(step); i++) {
		size_t got = 0;
		ssize_t n;

		do {
			n = read(fd[i][0], (char *)&t[i] + got,
			    sizeof t[i] - got);
			got += n > 0 ? (size_t)n : 0;
		} while (n > 0);
		close(fd[i][0]);
		waitpid(pid[i], &status, 0);
		want_i64(status, 0, "status of process %zu", i);
		want_i64((int64_t)got, sizeof t[i], "bytes of process %zu",
		    i);
	}
	judge(t, NELEM(step));
	f->st = place_open(&f->place, false);
	want_i64((int64_t)rows(f->st, BDB_EVENT), IDS, "events");
	free(t);
}

/* Nobody sweeps here: the store must not leave the log to the next recovery. */
static void
a_standing_store_checkpoints_by_itself(void **state)
{
	enum { EVENTS = 300 };
	static char order[32 * 1024];
	struct fixture *f = *state;
	struct store_accept *a = calloc(EVENTS, sizeof *a);
	struct timespec pause = { 0, 20 * 1000000L };
	struct store_condition h;

	assert_non_null(a);
	memset(order, ' ', sizeof order);
	memcpy(order, "{}", 2);
	for (size_t i = 0; i < EVENTS; i++) {
		a[i] = item(NULL, 1);
		a[i].order = (struct slice){ order, sizeof order };
	}
	want_rc(store_accept(f->st, a, EVENTS), RC_OK, "the call");
	want_rc(store_condition(f->st, &h), RC_OK, "health");
	for (int i = 0; i < 1500 && h.log_bytes > 4 << 20; i++) {
		nanosleep(&pause, NULL);
		want_rc(store_condition(f->st, &h), RC_OK, "health");
	}
	if (h.log_bytes > 4 << 20)
		fail_msg("got %lld bytes of log without a checkpoint after "
		    "30 s, want at most 4 MiB", (long long)h.log_bytes);
	free(a);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define S(name) cmocka_unit_test_setup_teardown(name, set_up_standing, \
    tear_down)
	const struct CMUnitTest tests[] = {
	    T(an_event_is_kept_with_a_due_row_for_each_subscription),
	    T(a_sender_id_is_taken_once_and_tells_same_from_other),
	    T(a_sender_id_is_forgotten_after_its_time),
	    T(without_a_sender_id_nothing_is_a_duplicate),
	    T(duplicates_in_one_batch_are_told_apart),
	    S(duplicates_in_one_batch_are_told_apart),
	    T(an_item_matched_under_another_generation_is_stale_alone),
	    T(what_is_too_big_does_not_fail_its_neighbours),
	    T(what_fails_inside_the_transaction_fails_alone),
	    S(what_fails_inside_the_transaction_fails_alone),
	    T(a_batch_over_one_transaction_is_split_in_order),
	    T(positions_go_on_after_a_close),
	    T(a_full_store_takes_nothing),
	    T(an_event_for_very_many_gets_its_due_rows_in_steps),
	    T(threads_that_bring_the_same_take_it_once),
	    S(threads_that_bring_the_same_take_it_once),
	    S(everyone_in_a_crowd_gets_an_answer),
	    S(a_call_over_one_transaction_is_joined_with_others),
	    S(a_standing_store_checkpoints_by_itself),
	    T(processes_that_bring_the_same_take_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
