/*
 * Chains against a model of them, and under kills.
 */
#include <signal.h>
#include "unit_chain.h"

/*
 * A model of it all: what was done to it and to a store must come to the same.
 * Lanes 1 to LANES take part; large events go to many more that are not looked
 * at.
 */
enum { LANES = 4, EVENTS = 400, ROUNDS = 700 };

enum place_of { NOWHERE, TO_COME, WAITS, DUE, DONE };

struct model {
	struct store	*st;
	struct place	*place;
	uint64_t	 seed;
	uint64_t	 n;			/* events */
	bool		 turn[LANES + 1];	/* wanted in turn now */
	uint64_t	 order[EVENTS + 1];
	bool		 fanout[EVENTS + 1];	/* still to be fanned out */
	struct cell {
		enum place_of	 at;
		uint64_t	 chain;
		int64_t		 due_ms;
		uint16_t	 attempts;
	} cell[EVENTS + 1][LANES + 1];
};

static uint32_t
below(struct model *m, uint32_t n)
{
	m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(m->seed >> 33) % n;
}

/* The first of a chain that is not done with; 0: none. */
static uint64_t
first_of(const struct model *m, uint32_t lane, uint64_t chain)
{
	for (uint64_t i = 1; i <= m->n; i++)
		if (m->cell[i][lane].chain == chain &&
		    (m->cell[i][lane].at == WAITS ||
		    m->cell[i][lane].at == DUE))
			return i;
	return 0;
}

static void
come(struct model *m, uint64_t i, int64_t accepted_ms)
{
	for (uint32_t lane = 1; lane <= LANES; lane++) {
		struct cell *c = &m->cell[i][lane];

		if (c->at != TO_COME)
			continue;
		c->due_ms = accepted_ms;
		c->at = c->chain != 0 && first_of(m, lane, c->chain) != 0 ?
		    WAITS : DUE;
	}
}

static void
model_accept(struct model *m)
{
	struct store_accept a[6];
	uint32_t sub[6][MANY];
	bool turn[6][MANY];
	size_t n = 1 + below(m, NELEM(a));

	for (size_t k = 0; k < n; k++) {
		bool large = below(m, 8) == 0, any = false;
		uint32_t nsub = 0;

		for (uint32_t s = 1; s <= (large ? MANY : LANES); s++) {
			if (s <= LANES && below(m, 3) == 0)
				continue;
			turn[k][nsub] = s <= LANES ? m->turn[s] : s % 2 == 0;
			any = any || turn[k][nsub];
			sub[k][nsub++] = s;
		}
		a[k] = (struct store_accept){ .type = SLICE("OrderTicketed"),
		    .order = SLICE("{}"), .subscription = sub[k],
		    .nsubscription = nsub, .ordered = any ? turn[k] : NULL,
		    .chain = 1 + below(m, 5) };
	}
	accept_all(m->st, a, n);
	for (size_t k = 0; k < n; k++) {
		uint64_t i = ++m->n;
		bool later = a[k].nsubscription > FANOUT_ABOVE;

		want_i64((int64_t)a[k].position, (int64_t)i, "position");
		m->order[i] = a[k].ordered != NULL ? a[k].chain : 0;
		for (uint64_t e = 1; e < i && m->order[i] != 0; e++)
			later = later || (m->fanout[e] &&
			    m->order[e] == m->order[i]);
		want_i64(a[k].fanout, later, "fan-out of %d", (int)i);
		m->fanout[i] = later;
		for (uint32_t s = 0; s < a[k].nsubscription; s++)
			if (sub[k][s] <= LANES)
				m->cell[i][sub[k][s]] = (struct cell){
				    .at = TO_COME,
				    .chain = turn[k][s] ? a[k].chain : 0 };
		if (!later)
			come(m, i, a[k].accepted_ms);
	}
}

static void
model_fan_out(struct model *m)
{
	struct store_fanout fan = STORE_FANOUT_INIT;
	uint64_t oldest = 0, e;

	while (oldest <= m->n && !m->fanout[oldest])
		oldest++;
	want_rc(store_fanout(m->st, &fan), RC_OK, "a step");
	want_i64(fan.more, oldest <= m->n, "something to fan out");
	e = fan.event.position;
	for (size_t left = fan.event.subscriptions.len / 4; fan.more &&
	    left > STORE_FANOUT_STEP; left -= STORE_FANOUT_STEP)
		want_rc(store_fanout(m->st, &fan), RC_OK, "another step");
	if (oldest <= m->n) {
		want_i64((int64_t)e, (int64_t)oldest, "fanned out");
		m->fanout[e] = false;
		come(m, e, fan.due_ms);
	}
	store_fanout_clear(&fan);
}

static void
finish(struct model *m, uint64_t i, uint32_t lane)
{
	struct cell *c = &m->cell[i][lane];
	uint64_t next;

	c->at = DONE;
	if (c->chain == 0)
		return;
	next = first_of(m, lane, c->chain);
	if (next != 0)
		m->cell[next][lane].at = DUE;
}

/* Settle something, which may be due, wait or be done with. */
static void
model_settle(struct model *m)
{
	uint32_t lane = 1 + below(m, LANES);
	uint64_t i = m->n == 0 ? 1 : 1 + below(m, (uint32_t)m->n);
	struct cell *c = &m->cell[i][lane];
	struct store_due d = { .key = { i, lane, 0 }, .due_ms = c->due_ms,
	    .attempts = c->attempts, .recorded = c->attempts,
	    .chain = c->chain };
	enum store_outcome outcome = STORE_DELIVERED + below(m, 3);
	bool takes = c->at == DUE ||
	    (c->at == WAITS && outcome != STORE_RETRIED);
	uint64_t next = 0;
	int64_t promoted;

	want_rc(end(m->st, d, outcome, &promoted), takes ? RC_OK : RC_STALE,
	    "settling %d in %d", (int)i, (int)lane);
	if (takes && outcome == STORE_RETRIED) {
		c->due_ms += 1000;
		c->attempts++;
	} else if (takes) {
		bool was_due = c->at == DUE;

		finish(m, i, lane);
		if (c->chain != 0 && was_due)
			next = first_of(m, lane, c->chain);
	}
	if (next == 0)
		assert_true(promoted == INT64_MAX);
	else
		want_i64(promoted, m->cell[next][lane].due_ms, "promoted");
}

static void
model_compare(struct model *m)
{
	struct store_due *d = calloc(EVENTS, sizeof *d);
	struct store_lane l;
	size_t n, want, pending;

	assert_non_null(d);
	for (uint32_t lane = 1; lane <= LANES; lane++) {
		n = due_in(m->st, lane, d, EVENTS);
		want = pending = 0;
		for (uint64_t i = 1; i <= m->n; i++) {
			want += m->cell[i][lane].at == DUE;
			pending += m->cell[i][lane].at == DUE ||
			    m->cell[i][lane].at == WAITS;
		}
		want_i64((int64_t)n, (int64_t)want, "due in %d", (int)lane);
		for (size_t k = 0; k < n; k++)
			want_i64(m->cell[d[k].key.position][lane].at, DUE,
			    "%d in %d", (int)d[k].key.position, (int)lane);
		want_rc(store_lanes(m->st, lane - 1, 0, &l, 1, &n), RC_OK,
		    "lanes");
		if (pending > 0) {
			want_i64(l.lane, lane, "lane");
			want_i64((int64_t)l.pending, (int64_t)pending,
			    "pending in %d", (int)lane);
		}
	}
	free(d);
	want_sound(m->st);
}

static void
run_model(struct fixture *f, uint64_t seed)
{
	struct model *m = calloc(1, sizeof *m);

	assert_non_null(m);
	*m = (struct model){ .st = f->st, .place = &f->place, .seed = seed };
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t what = below(m, 100);

		if (what < 12 && m->n + 6 <= EVENTS) {
			model_accept(m);
		} else if (what < 20) {
			model_fan_out(m);
		} else if (what < 23) {
			uint32_t lane = 1 + below(m, LANES);

			m->turn[lane] = !m->turn[lane];
		} else if (what < 25) {
			store_close(f->st);
			f->st = m->st = place_open(&f->place, false);
		} else {
			model_settle(m);
		}
		if (round % 100 == 99)
			model_compare(m);
	}
	free(m);
}

static void
whatever_happens_each_order_keeps_its_own(void **state)
{
	struct fixture *f = *state;
	void *other;

	run_model(f, 4711);
	for (uint64_t seed = 1; seed <= 3; seed++) {
		fixture_make(&other);
		run_model(other, seed);
		fixture_remove(&other);
	}
}

/* What the child does until it is killed; unsynced but for what is taken. */
static void
work_for_ever(struct place *p, uint64_t seed)
{
	struct model m = { .st = place_open(p, false), .seed = seed };
	struct store_fanout fan = STORE_FANOUT_INIT;
	struct store_due d[64];
	int64_t promoted;

	for (;;) {
		struct store_accept a[2] = { to_many(below(&m, 4) == 0 ? MANY :
		    3, 1 + below(&m, 3)), to_many(3, 1 + below(&m, 3)) };
		uint32_t lane = 1 + below(&m, 3);
		size_t n;

		accept_all(m.st, a, 2);
		want_rc(store_fanout(m.st, &fan), RC_OK, "a step");
		n = due_in(m.st, lane, d, NELEM(d));
		for (size_t i = 0; i < n; i++)
			want_rc(end(m.st, d[i], STORE_DELIVERED + below(&m, 3),
			    &promoted), RC_OK, "settling");
	}
}

static void
who_is_killed_leaves_every_chain_whole(void **state)
{
	struct fixture *f = *state;
	struct store_condition h;
	int status;
	pid_t pid;

	for (uint64_t seed = 1; seed <= 6; seed++) {
		store_close(f->st);
		pid = fork();
		assert_true(pid != -1);
		if (pid == 0)
			work_for_ever(&f->place, seed);
		usleep((useconds_t)(150000 + 37000 * seed));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		f->st = place_open(&f->place, false);
		want_sound(f->st);
	}
	want_rc(store_condition(f->st, &h), RC_OK, "condition");
	assert_true(h.position > 20);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whatever_happens_each_order_keeps_its_own),
		TEST(who_is_killed_leaves_every_chain_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
