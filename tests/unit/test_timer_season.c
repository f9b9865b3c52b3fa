/*
 * A season of orders in fast time, against a model that knows nothing of the
 * store; and a sweep that dies again and again.
 */
#include <signal.h>
#include "base/clock.h"
#include "unit_events.h"
#include "unit_work.h"
#include "work/event.h"
#include "work/timer.h"

#define MINUTE	INT64_C(60000)
#define DAY	INT64_C(86400000)
#define BEGIN	INT64_C(1780272000000)	/* 2026-06-01 */

enum {
	ORDERS = 10000, WINDOW = 1600,	/* those that something happens to */
	DAYS = 120, TICKS = DAYS * 4, EVENTS = 90,	/* each six hours */
	AFTER = 60,			/* days to wait for the last ones */
};

/* An order as it is believed to be: by events that are no tests, and by
   tests. */
struct belief {
	bool	 met;
	int64_t	 depart, arrive;	/* its flights now */
	struct {
		bool	 stands;
		int64_t	 at;
		uint32_t by;		/* event that set it */
		int64_t	*over;		/* times that have happened */
		size_t	 n;
	} to[STORE_TIMERS];
};

struct fired {
	uint32_t order, by;
	int	 test, type;
	int64_t	 at;
};

struct list {
	struct fired *f;
	size_t	 n, cap;
};

struct season {
	struct bench	*b;
	struct event_reader reader;
	struct belief	*belief;	/* ORDERS, then those of tests */
	struct list	 want, got;
	uint64_t	 seed;
	uint32_t	 nevents;	/* posted */
	int64_t		 now;
	struct buf	 json;		/* of this tick's events */
	size_t		 begin[EVENTS + 1];
	size_t		 n;
};

static int64_t
below(struct season *s, int64_t n)
{
	s->seed = s->seed * UINT64_C(6364136223846793005) +
	    1442695040888963407;
	return (int64_t)((s->seed >> 20) % (uint64_t)n);
}

static void
add(struct list *l, struct fired f)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 1024 : 2 * l->cap;
		l->f = reallocarray(l->f, l->cap, sizeof *l->f);
		assert_non_null(l->f);
	}
	l->f[l->n++] = f;
}

static bool
is_over(const struct belief *o, int t, int64_t at)
{
	for (size_t i = 0; i < o->to[t].n; i++)
		if (o->to[t].over[i] == at)
			return true;
	return false;
}

static void
over(struct belief *o, int t, int64_t at)
{
	o->to[t].stands = false;
	o->to[t].over = reallocarray(o->to[t].over, o->to[t].n + 1,
	    sizeof at);
	assert_non_null(o->to[t].over);
	o->to[t].over[o->to[t].n++] = at;
}

/* What an event says of a time, by the rules as they are told. */
static void
believe(struct season *s, struct belief *o, const char *type, bool legs)
{
	static const char *const own[] = { "OrderStarted", "OrderCompleted" };

	for (int t = 0; t < STORE_TIMERS; t++) {
		int64_t at = t == STORE_TIMER_STARTED ? o->depart : o->arrive;

		if (strcmp(type, "OrderCanceled") == 0 ||
		    strcmp(type, "PaymentTimeLimitExpired") == 0) {
			o->to[t].stands = false;
		} else if (strcmp(type, own[t]) == 0) {
			if (legs)
				over(o, t, at);
			else if (o->to[t].stands)
				over(o, t, o->to[t].at);
		} else if (legs) {
			bool seen = o->to[t].stands && o->to[t].at == at;

			o->to[t].stands = !is_over(o, t, at) &&
			    (seen || at >= s->now - 7 * DAY);
			o->to[t].at = at;
			o->to[t].by = s->nevents;
		}
	}
}

/* A time as somebody somewhere writes it. */
static void
put_time(struct season *s, int64_t at, bool zone)
{
	static const struct { int minutes; const char *text; } z[] = {
		{ 0, "Z" }, { 345, "+05:45" }, { -480, "-08:00" },
		{ 840, "+14:00" }, { -210, "-03:30" }, { 60, "+01:00" },
	};
	size_t i = (size_t)below(s, NELEM(z));
	char text[CLOCK_TEXT_MAX];

	clock_format(at + z[i].minutes * MINUTE, text);
	text[zone ? 23 : 19] = '\0';
	buf_printf(&s->json, "\"%s%s\"", text, zone ? z[i].text : "");
}

static void
put_legs(struct season *s, const struct belief *o, bool zone)
{
	int64_t half = (o->arrive - o->depart) / 2;

	buf_puts(&s->json, ",\"legs\":[{\"departure\":");
	put_time(s, o->depart, zone);
	buf_puts(&s->json, ",\"arrival\":");
	put_time(s, o->depart + half, zone && below(s, 2) == 0);
	buf_puts(&s->json, "},{\"departure\":");
	put_time(s, o->depart + half, zone && below(s, 2) == 0);
	buf_puts(&s->json, ",\"arrival\":");
	put_time(s, o->arrive, zone);
	buf_puts(&s->json, "}]");
}

static void
move(struct season *s, struct belief *o)
{
	if (!o->met || below(s, 3) > 0)
		o->depart = s->now + (below(s, 25 * 1440) - 9 * 1440) * MINUTE +
		    below(s, 60000);
	if (!o->met || below(s, 3) > 0 || o->arrive < o->depart)
		o->arrive = o->depart + (60 + below(s, 15 * 1440)) * MINUTE;
	o->met = true;
}

/* One event of an order, posted and believed. */
static void
post(struct season *s, uint32_t order, bool test)
{
	static const char *const any[] = { "OrderTicketed", "SeatsAddition",
	    "FlightTimeChange", "ItineraryChange", "ServicesRemoval" };
	struct belief *o = &s->belief[order + (test ? ORDERS : 0)];
	const char *type = any[below(s, NELEM(any))];
	int64_t r = o->met ? below(s, 100) : 0;
	bool legs = true, zone = true;

	if (r < 22)
		move(s, o);
	else if (r < 55)
		;				/* the same flights again */
	else if (r < 68)
		legs = false;
	else if (r < 76)
		type = "OrderCanceled";
	else if (r < 80)
		type = "PaymentTimeLimitExpired";
	else if (r < 87)
		type = "OrderStarted";
	else if (r < 93)
		type = "OrderCompleted";
	else
		zone = false;
	if (r >= 68 && r < 93)
		legs = below(s, 2) == 0;
	s->begin[s->n++] = s->json.len;
	s->nevents++;
	buf_printf(&s->json, "{\"event\":\"%s\",\"test\":%s,\"order\":{"
	    "\"agwID\":\"S-%u\",\"pnr\":\"%u\"", type,
	    test ? "true" : "false", order, s->nevents);
	if (legs)
		put_legs(s, o, zone);
	buf_puts(&s->json, "}}");
	believe(s, o, type, legs && zone);
}

/* What was posted in this tick comes to the store, as intake brings it. */
static void
accept_tick(struct season *s)
{
	static struct event ev[EVENTS];
	static struct store_timer_change c[EVENTS];
	static struct store_accept a[EVENTS];
	struct problems bad = PROBLEMS_INIT;
	uint64_t generation;

	want_rc(store_generation(s->b->st, &generation), RC_OK, "generation");
	s->begin[s->n] = s->json.len;
	for (size_t i = 0; i < s->n; i++) {
		struct slice text = { s->json.s + s->begin[i],
		    s->begin[i + 1] - s->begin[i] };

		ev[i] = (struct event)EVENT_INIT;
		want_rc(event_read(&s->reader, text, &ev[i], &bad), RC_OK,
		    "%.*s", (int)text.len, text.s);
		a[i] = (struct store_accept){ .type = slice_of(
		    ev[i].type->name), .order = ev[i].order, .key = 3,
		    .test = ev[i].test, .generation = generation };
		if (timer_change(s->reader.crypt, ev[i].type,
		    &s->reader.order, ev[i].test, s->now, &c[i]))
			a[i].timers = &c[i];
	}
	want_rc(store_accept(s->b->st, a, s->n), RC_OK, "accept");
	for (size_t i = 0; i < s->n; i++) {
		want_rc(a[i].rc, RC_OK, "item");
		event_free(&ev[i]);
	}
	problems_free(&bad);
	buf_clear(&s->json);
	s->n = 0;
}

static void
nobody(void *arg, uint32_t lane, int64_t due_ms)
{
	(void)arg;
	(void)due_ms;
	fail_msg("lane %u has got something due", lane);
}

static void
merge(struct store *st, int64_t now_ms)
{
	bool merged, more = true;

	while (more)
		want_rc(store_timer_merge(st, now_ms, &merged, &more), RC_OK,
		    "merge");
}

static void
sweep(struct season *s)
{
	struct timer_fire f = { .lane = nobody, .more = true };

	merge(s->b->st, s->now);
	while (f.more)
		want_rc(timer_fire(&s->b->config, s->b->rosters, s->now, &f),
		    RC_OK, "fire");
	assert_true(f.next_ms > s->now);
	for (uint32_t i = 0; i < 2 * ORDERS; i++)
		for (int t = 0; t < STORE_TIMERS; t++) {
			struct belief *o = &s->belief[i];

			if (!o->to[t].stands || o->to[t].at > s->now)
				continue;
			add(&s->want, (struct fired){ i % ORDERS, o->to[t].by,
			    i >= ORDERS, t, o->to[t].at });
			over(o, t, o->to[t].at);
		}
}

/* All that the clock made: what was posted has no time of its own here. */
static void
gather(struct season *s)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct store_condition h;

	want_rc(store_condition(s->b->st, &h), RC_OK, "condition");
	for (uint64_t p = 1; p <= h.position; p++) {
		struct fired f = { 0 };
		char text[200];

		want_rc(store_event_get(s->b->st, p, &ev), RC_OK, "event");
		if (ev.occurred.s == NULL)
			continue;
		snprintf(text, sizeof text, "%.*s", (int)ev.order.len,
		    ev.order.s);
		assert_int_equal(sscanf(text,
		    "{\"agwID\":\"S-%u\",\"pnr\":\"%u\"", &f.order, &f.by), 2);
		f.test = ev.test;
		f.type = !slice_is(ev.type, "OrderStarted");
		if (f.type != 0)
			want_slice(ev.type, SLICE("OrderCompleted"), "type");
		want_rc(clock_parse(ev.occurred, false, &f.at, NULL), RC_OK,
		    "time");
		want_i64(ev.key, 3, "key");
		add(&s->got, f);
	}
	store_event_clear(&ev);
}

static int
compare(const void *va, const void *vb)
{
	const struct fired *a = va, *b = vb;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->test != b->test)
		return a->test - b->test;
	if (a->type != b->type)
		return a->type - b->type;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->by < b->by ? -1 : a->by > b->by;
}

static void
tell(const char *what, const struct fired *f)
{
	char at[CLOCK_TEXT_MAX];

	clock_format(f->at, at);
	print_error("%s: S-%u%s %s at %s by event %u\n", what, f->order,
	    f->test ? " (test)" : "", timer_type_name((enum
	    store_timer_type)f->type), at, f->by);
}

static void
want_same(struct season *s)
{
	size_t i = 0, k = 0, wrong = 0;

	qsort(s->want.f, s->want.n, sizeof *s->want.f, compare);
	qsort(s->got.f, s->got.n, sizeof *s->got.f, compare);
	while (i < s->want.n || k < s->got.n) {
		int d = i == s->want.n ? 1 : k == s->got.n ? -1 :
		    compare(&s->want.f[i], &s->got.f[k]);

		if (d != 0 && wrong++ < 10)
			tell(d < 0 ? "missing" : "too many",
			    d < 0 ? &s->want.f[i] : &s->got.f[k]);
		i += d <= 0;
		k += d >= 0;
	}
	want_i64((int64_t)wrong, 0, "wrong ones of %zu", s->want.n);
}

/* Days without a sweep. */
static bool
is_out(int tick)
{
	int day = tick / 4;

	return (day >= 20 && day < 23) || (day >= 55 && day < 66) || day == 90;
}

static void
a_season_gives_exactly_the_events_that_were_to_come(void **state)
{
	struct season *s = calloc(1, sizeof *s);
	size_t tests = 0;

	assert_non_null(s);
	s->b = *state;
	s->seed = 4711;
	s->reader = (struct event_reader)EVENT_READER_INIT(s->b->catalog,
	    &s->b->place.crypt);
	s->json = (struct buf)BUF_INIT(1 << 20);
	s->belief = calloc(2 * ORDERS, sizeof *s->belief);
	assert_non_null(s->belief);
	for (int tick = 0; tick < TICKS + 4 * AFTER; tick++) {
		s->now = BEGIN + tick * DAY / 4;
		for (int i = 0; i < EVENTS && tick < TICKS; i++) {
			int64_t order = tick * (int64_t)ORDERS / TICKS -
			    WINDOW / 2 + below(s, WINDOW);

			post(s, (uint32_t)((order + ORDERS) % ORDERS),
			    below(s, 10) == 0);
		}
		if (s->n > 0)
			accept_tick(s);
		if (!is_out(tick))
			sweep(s);
		if (tick % 200 == 199)
			want_sound(s->b->st);
	}
	gather(s);
	want_same(s);
	for (size_t i = 0; i < s->want.n; i++)
		tests += (size_t)s->want.f[i].test;
	/* it was a season, not an accident */
	assert_true(s->want.n > 10000 && tests > 1000);
	for (size_t i = 0; i < 2 * ORDERS; i++)
		for (int t = 0; t < STORE_TIMERS; t++)
			free(s->belief[i].to[t].over);
	free(s->belief);
	free(s->want.f);
	free(s->got.f);
	buf_free(&s->json);
	event_reader_free(&s->reader);
	free(s);
}

/* Set n timers to fire at once. */
static void
set_many(struct bench *b, uint32_t n)
{
	struct event_reader r = EVENT_READER_INIT(b->catalog,
	    &b->place.crypt);
	struct event ev = EVENT_INIT;
	struct problems bad = PROBLEMS_INIT;
	struct store_timer_change c;
	struct buf json = BUF_INIT(4096);

	for (uint32_t i = 0; i < n; i++) {
		struct store_accept a = { .key = 3 };

		buf_clear(&json);
		buf_printf(&json, "{\"event\":\"OrderTicketed\",\"order\":{"
		    "\"agwID\":\"S-%u\",\"pnr\":\"%u\",\"legs\":[{"
		    "\"departure\":\"2026-05-31T23:59:%02u.%03uZ\"}]}}", i, i,
		    i % 60, i % 1000);
		want_rc(event_read(&r, buf_as_slice(&json), &ev, &bad), RC_OK,
		    "event");
		assert_true(timer_change(r.crypt, ev.type, &r.order, false,
		    BEGIN, &c));
		a.type = slice_of(ev.type->name);
		a.order = ev.order;
		a.timers = &c;
		want_rc(store_generation(b->st, &a.generation), RC_OK,
		    "generation");
		want_rc(store_accept(b->st, &a, 1), RC_OK, "accept");
	}
	buf_free(&json);
	problems_free(&bad);
	event_free(&ev);
	event_reader_free(&r);
}

static void
any_lane(void *arg, uint32_t lane, int64_t due_ms)
{
	int *left = arg;

	(void)lane;
	(void)due_ms;
	if ((*left)-- == 0)
		_exit(0);		/* taken, and nobody told */
}

/* What a sweep does until it is ended: by itself, or from outside. */
static void
fire_until(struct bench *b, int left, bool before)
{
	struct timer_fire f = { .lane = any_lane, .arg = &left, .more = true };
	struct store_timer t[TIMER_FIRE_MAX];
	struct rosters *rs;
	bool merged, more;
	int64_t next;
	size_t n;

	b->st = place_open(&b->place, false);
	b->config.store = b->st;
	want_rc(rosters_new(&rs, b->st, &b->place.crypt, b->catalog), RC_OK,
	    "rosters");
	do {
		want_rc(store_timer_merge(b->st, BEGIN, &merged, &more), RC_OK,
		    "merge");
		want_rc(store_timer_due(b->st, BEGIN, t, NELEM(t), &n, &next),
		    RC_OK, "due");
		if (before && n > 0)
			_exit(0);	/* due, and not taken */
		if (!merged)
			want_rc(timer_fire(&b->config, rs, BEGIN, &f), RC_OK,
			    "fire");
	} while (merged || f.more);
	pause();
}

static void
a_sweep_that_dies_in_between_makes_each_event_once(void **state)
{
	enum { N = 400 };
	struct bench *b = *state;
	struct season s = { .b = b };
	uint32_t sub = bench_subscription(b, bench_client(b, NULL),
	    "{\"event\":[\"OrderStarted\"],\"httpRequest\":{"
	    "\"url\":\"https://a.example/x\"}}");
	int rounds = 0, status;
	pid_t pid;

	set_many(b, N);
	do {
		rosters_free(b->rosters);
		store_close(b->st);
		fflush(NULL);
		pid = fork();
		assert_true(pid != -1);
		if (pid == 0)
			fire_until(b, rounds % 3 == 2 ? 7 * rounds : N,
			    rounds % 3 == 1);
		if (rounds % 3 == 0) {
			usleep((useconds_t)(15000 + 3000 * rounds));
			assert_int_equal(kill(pid, SIGKILL), 0);
		} else if (rounds > 60) {
			usleep(1000000);
			(void)kill(pid, SIGKILL);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		b->st = s.b->st = place_open(&b->place, false);
		b->config.store = b->st;
		want_rc(rosters_new(&b->rosters, b->st, &b->place.crypt,
		    b->catalog), RC_OK, "rosters");
		s.got.n = 0;
		gather(&s);
	} while (s.got.n < N && ++rounds < 60);
	want_i64((int64_t)s.got.n, N, "events after %d rounds", rounds);
	for (uint32_t i = 0; i < N; i++)
		add(&s.want, (struct fired){ i, i, 0, 0, BEGIN - MINUTE +
		    i % 60 * 1000 + i % 1000 });
	want_same(&s);
	want_sound(b->st);
	{
		struct store_lane l;
		size_t n;

		want_rc(store_lanes(b->st, sub - 1, 0, &l, 1, &n), RC_OK,
		    "lanes");
		want_i64((int64_t)l.pending, N, "deliveries");
	}
	free(s.want.f);
	free(s.got.f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_make, bench_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_season_gives_exactly_the_events_that_were_to_come),
		TEST(a_sweep_that_dies_in_between_makes_each_event_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
