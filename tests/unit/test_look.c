#include "unit_events.h"

static void
an_event_is_found_by_position_and_by_sender_id(void **state)
{
	struct fixture *f = *state;
	const uint32_t subs[] = { 3, 8 };
	uint64_t position = event_for(f->st, "tick-1", subs, 2, NULL, 0), p;
	struct store_event ev = STORE_EVENT_INIT;

	want_rc(store_event_get(f->st, position, &ev), RC_OK, "event");
	want_slice(ev.type, SLICE("OrderTicketed"), "type");
	want_slice(ev.sender_id, SLICE("tick-1"), "sender id");
	want_i64(ev.key, 3, "key");
	want_rc(store_event_get(f->st, position + 1, &ev), RC_NOTFOUND,
	    "another");
	want_rc(store_sender(f->st, SLICE("tick-1"), &p), RC_OK, "sender");
	want_i64((int64_t)p, (int64_t)position, "sender's position");
	want_rc(store_sender(f->st, SLICE("tick-2"), &p), RC_NOTFOUND,
	    "another sender id");
	want_rc(store_sender(f->st, SLICE(""), &p), RC_NOTFOUND, "none");
	store_event_clear(&ev);
}

static void
events_are_listed_newest_first_page_by_page(void **state)
{
	struct fixture *f = *state;
	struct store_event ev[4] = { STORE_EVENT_INIT, STORE_EVENT_INIT,
	    STORE_EVENT_INIT, STORE_EVENT_INIT };
	uint64_t position[10], next = 0;
	int left = 10;
	size_t n;

	for (int i = 0; i < 10; i++)
		position[i] = event_to(f->st, 1);
	do {
		want_rc(store_events(f->st, NULL, 0, next, ev, 4, &n, &next),
		    RC_OK, "page");
		for (size_t i = 0; i < n; i++)
			want_i64((int64_t)ev[i].position,
			    (int64_t)position[--left], "at %d", left);
	} while (next != 0);
	want_i64(left, 0, "left over");
	for (size_t i = 0; i < 4; i++)
		store_event_clear(&ev[i]);
}

static void
events_are_found_by_all_of_their_references(void **state)
{
	struct fixture *f = *state;
	struct store_event ev[2] = { STORE_EVENT_INIT, STORE_EVENT_INIT };
	const struct store_ref wanted[] = { { { 0xa1 }, 1 }, { { 0xb2 }, 1 } },
	    none = { { 0xeeee, 0xeeef }, 2 };
	uint64_t both[40], next = 0, ref[2];
	size_t n, nboth = 0, left;
	uint32_t sub = 1;

	for (uint64_t i = 0; i < 600; i++) {
		ref[0] = i % 2 == 0 ? 0xa1 : 0xc3 + i;
		ref[1] = i % 15 == 0 ? 0xb2 : 0xd4 + i;
		both[nboth] = event_for(f->st, NULL, &sub, 1, ref, 2);
		nboth += i % 30 == 0;
	}
	left = nboth;
	do {
		want_rc(store_events(f->st, wanted, 2, next, ev, 2, &n,
		    &next), RC_OK, "page");
		for (size_t i = 0; i < n; i++)
			want_i64((int64_t)ev[i].position,
			    (int64_t)both[--left], "at %zu", left);
	} while (next != 0);
	want_i64((int64_t)left, 0, "not found of %zu", nboth);
	want_rc(store_events(f->st, &none, 1, 0, ev, 2, &n, &next), RC_OK,
	    "of none");
	want_i64((int64_t)n, 0, "of none");
	want_i64((int64_t)next, 0, "next of none");
	store_event_clear(&ev[0]);
	store_event_clear(&ev[1]);
}

static void
an_event_is_found_by_any_of_several_references(void **state)
{
	struct fixture *f = *state;
	const struct store_ref any[] = { { { 0xa1, 0xb2 }, 2 },
	    { { 0xc3, 0xffff }, 2 } };
	/* the references of each event; the first and the fourth fit */
	const uint64_t ref[][2] = { { 0xa1, 0xc3 }, { 0xa1, 0xb2 },
	    { 0xc3, 0xd4 }, { 0xc3, 0xb2 }, { 0xd4, 0xe5 } };
	struct store_event ev[4] = { STORE_EVENT_INIT, STORE_EVENT_INIT,
	    STORE_EVENT_INIT, STORE_EVENT_INIT };
	uint64_t position[NELEM(ref)], next = 0;
	uint32_t sub = 1;
	size_t n;

	for (size_t i = 0; i < NELEM(ref); i++)
		position[i] = event_for(f->st, NULL, &sub, 1, ref[i], 2);
	want_rc(store_events(f->st, any, 2, 0, ev, 4, &n, &next), RC_OK,
	    "both");
	want_i64((int64_t)n, 2, "of both");
	want_i64((int64_t)ev[0].position, (int64_t)position[3], "newest");
	want_i64((int64_t)ev[1].position, (int64_t)position[0], "oldest");
	want_rc(store_events(f->st, any, 1, 0, ev, 4, &n, &next), RC_OK,
	    "one");
	want_i64((int64_t)n, 3, "of one");
	for (size_t i = 0; i < 4; i++)
		store_event_clear(&ev[i]);
}

/*
 * Six events, each for subscriptions 2 and 5.  Of subscription 2: the first
 * three are delivered (at 100, 200, 300), the fourth dead (at 250), the fifth
 * put off, the sixth never tried.  Of 5: the first is dead (at 150).
 */
struct scene {
	uint64_t	position[6];
	int64_t		put_off_ms;
};

static struct scene
scene_make(struct store *st)
{
	const uint32_t subs[] = { 2, 5 };
	struct scene s;

	for (uint64_t i = 0; i < 6; i++) {
		const uint64_t ref[] = { 0xa0 + i % 2, 0xb0 + i };

		s.position[i] = event_for(st, NULL, subs, 2, ref, 2);
	}
	for (int i = 0; i < 3; i++)
		want_rc(settle_one(st, due_of(st, s.position[i], 2),
		    STORE_DELIVERED, 100 + 100 * i, 0, NULL), RC_OK, "%d", i);
	want_rc(settle_one(st, due_of(st, s.position[3], 2), STORE_DEAD, 250,
	    0, NULL), RC_OK, "dead");
	s.put_off_ms = due_of(st, s.position[4], 2).due_ms + 10000;
	want_rc(settle_one(st, due_of(st, s.position[4], 2), STORE_RETRIED,
	    1, s.put_off_ms, NULL), RC_OK, "put off");
	want_rc(settle_one(st, due_of(st, s.position[0], 5), STORE_DEAD, 150,
	    0, NULL), RC_OK, "dead, of 5");
	return s;
}

static void
a_delivery_that_does_not_exist_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct scene s = scene_make(f->st);
	const struct store_key none[] = {
		{ s.position[5], 3, 0 },	/* not subscribed */
		{ s.position[5], 2, 1 },	/* no replay */
		{ s.position[5] + 1, 2, 0 },	/* no such event */
		{ 0, 2, 0 },
	};
	struct store_delivery d;

	for (size_t i = 0; i < NELEM(none); i++)
		want_rc(store_delivery_get(f->st, none[i], &d), RC_NOTFOUND,
		    "%zu", i);
}

static void
an_events_deliveries_are_those_tried_and_those_not(void **state)
{
	struct fixture *f = *state;
	struct scene s = scene_make(f->st);
	struct store_event ev = STORE_EVENT_INIT;
	struct store_delivery d[4];
	size_t n;

	want_rc(store_event_get(f->st, s.position[3], &ev), RC_OK, "event");
	want_rc(store_event_deliveries(f->st, &ev, d, 4, &n), RC_OK, "all");
	want_i64((int64_t)n, 2, "deliveries");
	want_i64(d[0].key.subscription, 2, "first");
	want_i64(d[0].state, STORE_IS_DEAD, "first's state");
	want_str(d[0].reason, "exhausted", "first's reason");
	want_i64(d[0].done_ms, 250, "first's end");
	want_i64(d[1].key.subscription, 5, "second");
	want_i64(d[1].state, STORE_IS_PENDING, "second's state");
	want_i64(d[1].next_ms, ev.accepted_ms, "second's time");
	want_rc(store_event_deliveries(f->st, &ev, d, 1, &n), RC_OK, "one");
	want_i64((int64_t)n, 1, "at most one");
	store_event_clear(&ev);
}

struct listing {
	struct store_query	q;
	int			n;
	struct { int event; uint32_t sub; } want[12];
	int			event;	/* whose position it is for; -1: any */
};

static const uint32_t two_five[] = { 2, 5 }, two[] = { 2 }, five[] = { 5 },
    some[] = { 1, 5, 9 };
static const struct store_ref even = { { 0xa0 }, 1 },
    first_two[] = { { { 0xb0, 0xb1 }, 2 } }, neither = { { 0xee }, 1 };

/*
 * The list, read by pages of a size; and by pages that are given up after
 * their first row.
 */
static void
want_listed(struct store *st, const struct store_query *q,
    const struct listing *t, const struct scene *s, size_t page)
{
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery d[13];
	size_t n, use;
	int at = 0;

	for (int first_only = 0; first_only < 2; first_only++) {
		at = 0;
		do {
			want_rc(store_deliveries(st, q, cursor, d, page, &n),
			    RC_OK, "list");
			assert_true(n <= page);
			use = first_only && n > 1 ? 1 : n;
			for (size_t j = 0; j < use; j++, at++) {
				assert_true(at < t->n);
				want_i64((int64_t)d[j].key.position,
				    (int64_t)s->position[t->want[at].event],
				    "position, pages of %zu, at %d", page, at);
				want_i64(d[j].key.subscription,
				    t->want[at].sub,
				    "subscription, pages of %zu, at %d", page,
				    at);
			}
			if (use < n)
				store_cursor_at(st, q, &d[0], cursor);
		} while (cursor[0] != '\0');
		want_i64(at, t->n, "listed by pages of %zu", page);
	}
}

#define NEW INT64_MAX / 2	/* later than all that is settled */

static void
deliveries_are_listed_whatever_the_size_of_a_page(void **state)
{
	static const struct listing t[] = {
		{ { .subscription = 2, .state = STORE_IS_PENDING }, 2,
		    { { 5, 2 }, { 4, 2 } }, -1 },
		{ { .subscription = 2, .state = STORE_IS_DELIVERED }, 3,
		    { { 2, 2 }, { 1, 2 }, { 0, 2 } }, -1 },
		{ { .subscription = 2, .state = STORE_IS_DEAD }, 1,
		    { { 3, 2 } }, -1 },
		{ { .subscription = 2 }, 6, { { 5, 2 }, { 4, 2 }, { 2, 2 },
		    { 3, 2 }, { 1, 2 }, { 0, 2 } }, -1 },
		{ { .subscription = 7 }, 0, { { 0, 0 } }, -1 },
		{ { .state = STORE_IS_DEAD }, 2, { { 3, 2 }, { 0, 5 } }, -1 },
		{ { .state = STORE_IS_DELIVERED }, 3, { { 2, 2 }, { 1, 2 },
		    { 0, 2 } }, -1 },
		{ { .state = STORE_IS_PENDING }, 7, { { 5, 2 }, { 4, 2 },
		    { 1, 5 }, { 2, 5 }, { 3, 5 }, { 4, 5 }, { 5, 5 } }, -1 },
		{ { .state = STORE_ANY }, 12, { { 5, 2 }, { 5, 5 }, { 4, 2 },
		    { 4, 5 }, { 3, 2 }, { 3, 5 }, { 2, 2 }, { 2, 5 },
		    { 1, 2 }, { 1, 5 }, { 0, 2 }, { 0, 5 } }, -1 },
		/* several subscriptions, side by side */
		{ { .lanes = STORE_LANES_THESE, .lane = two_five, .nlane = 2 },
		    12, { { 5, 2 }, { 4, 2 }, { 1, 5 }, { 2, 5 }, { 3, 5 },
		    { 4, 5 }, { 5, 5 }, { 2, 2 }, { 3, 2 }, { 1, 2 }, { 0, 5 },
		    { 0, 2 } }, -1 },
		{ { .lanes = STORE_LANES_THESE, .lane = some, .nlane = 3,
		    .state = STORE_IS_DEAD }, 1, { { 0, 5 } }, -1 },
		{ { .lanes = STORE_LANES_THESE, .lane = some, .nlane = 3,
		    .state = STORE_IS_PENDING }, 5, { { 1, 5 }, { 2, 5 },
		    { 3, 5 }, { 4, 5 }, { 5, 5 } }, -1 },
		{ { .lanes = STORE_LANES_THESE, .lane = some, .nlane = 3,
		    .subscription = 2 }, 0, { { 0, 0 } }, -1 },
		{ { .lanes = STORE_LANES_THESE, .lane = two, .nlane = 0 }, 0,
		    { { 0, 0 } }, -1 },
		{ { .lanes = STORE_LANES_OTHERS, .lane = five, .nlane = 1,
		    .state = STORE_IS_PENDING }, 2, { { 5, 2 }, { 4, 2 } },
		    -1 },
		{ { .lanes = STORE_LANES_OTHERS, .lane = two, .nlane = 1,
		    .state = STORE_IS_DEAD }, 1, { { 0, 5 } }, -1 },
		{ { .lanes = STORE_LANES_OTHERS, .lane = two, .nlane = 1 }, 6,
		    { { 5, 5 }, { 4, 5 }, { 3, 5 }, { 2, 5 }, { 1, 5 },
		    { 0, 5 } }, -1 },
		{ { .lanes = STORE_LANES_OTHERS, .lane = two_five, .nlane = 2,
		    .state = STORE_IS_PENDING }, 0, { { 0, 0 } }, -1 },
		/* times: from, and before */
		{ { .subscription = 2, .since_ms = 200,
		    .state = STORE_IS_DELIVERED }, 2, { { 2, 2 }, { 1, 2 } },
		    -1 },
		{ { .state = STORE_IS_DELIVERED, .until_ms = 200 }, 1,
		    { { 0, 2 } }, -1 },
		{ { .state = STORE_IS_DEAD, .since_ms = 151, .until_ms = 251 },
		    1, { { 3, 2 } }, -1 },
		{ { .since_ms = 150, .until_ms = 251 }, 3, { { 3, 2 },
		    { 1, 2 }, { 0, 5 } }, -1 },
		{ { .state = STORE_IS_PENDING, .until_ms = 1000 }, 0,
		    { { 0, 0 } }, -1 },
		{ { .state = STORE_IS_PENDING, .since_ms = 1000,
		    .until_ms = NEW, .subscription = 2 }, 2, { { 5, 2 },
		    { 4, 2 } }, -1 },
		/* one event, and references */
		{ { .state = STORE_ANY }, 2, { { 3, 2 }, { 3, 5 } }, 3 },
		{ { .state = STORE_IS_DEAD }, 1, { { 0, 5 } }, 0 },
		{ { .subscription = 5 }, 1, { { 2, 5 } }, 2 },
		{ { .ref = &even, .nref = 1 }, 6, { { 4, 2 }, { 4, 5 },
		    { 2, 2 }, { 2, 5 }, { 0, 2 }, { 0, 5 } }, -1 },
		{ { .ref = &even, .nref = 1, .state = STORE_IS_DELIVERED }, 2,
		    { { 2, 2 }, { 0, 2 } }, -1 },
		{ { .ref = first_two, .nref = 1, .subscription = 5 }, 2,
		    { { 1, 5 }, { 0, 5 } }, -1 },
		{ { .ref = &even, .nref = 1, .since_ms = 120,
		    .until_ms = 1000 }, 2, { { 2, 2 }, { 0, 5 } }, -1 },
		{ { .ref = &even, .nref = 1 }, 2, { { 2, 2 }, { 2, 5 } }, 2 },
		{ { .ref = &even, .nref = 1 }, 0, { { 0, 0 } }, 1 },
		{ { .ref = &neither, .nref = 1 }, 0, { { 0, 0 } }, -1 },
	};
	struct fixture *f = *state;
	struct scene s = scene_make(f->st);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct store_query q = t[i].q;

		if (t[i].event >= 0)
			q.position = s.position[t[i].event];
		for (size_t page = 1; page <= 13; page++)
			want_listed(f->st, &q, &t[i], &s, page);
	}
}

static void
listed_deliveries_say_what_became_of_them(void **state)
{
	struct fixture *f = *state;
	struct scene s = scene_make(f->st);
	struct store_query pending = { .subscription = 2,
	    .state = STORE_IS_PENDING }, dead = { .state = STORE_IS_DEAD };
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery d[4];
	size_t n;

	want_rc(store_deliveries(f->st, &pending, cursor, d, 4, &n), RC_OK,
	    "pending");
	want_i64((int64_t)n, 2, "pending");
	want_i64(d[1].next_ms, s.put_off_ms, "put off");
	want_i64(d[1].created_ms, s.put_off_ms - 10000, "made");
	want_rc(store_deliveries(f->st, &dead, cursor, d, 4, &n), RC_OK,
	    "dead");
	want_i64((int64_t)n, 2, "dead");
	want_str(d[0].reason, "exhausted", "reason");
	want_i64(d[0].done_ms, 250, "done");
}

static void
a_cursor_means_nothing_to_another_query(void **state)
{
	struct fixture *f = *state;
	struct store_query q = { .state = STORE_ANY }, other[] = {
		{ .state = STORE_IS_PENDING }, { .subscription = 2 },
		{ .state = STORE_IS_DEAD }, { .position = 1 }, { .tag = 1 },
	};
	char cursor[STORE_CURSOR_MAX] = "", bad[STORE_CURSOR_MAX];
	struct store_delivery d[2];
	size_t n, len;

	scene_make(f->st);
	want_rc(store_deliveries(f->st, &q, cursor, d, 2, &n), RC_OK, "list");
	len = strlen(cursor);
	assert_true(len > 0);
	for (size_t i = 0; i < NELEM(other); i++) {
		memcpy(bad, cursor, sizeof bad);
		want_rc(store_deliveries(f->st, &other[i], bad, d, 2, &n),
		    RC_INVALID, "query %zu", i);
		want_str(bad, cursor, "cursor after query %zu", i);
	}
	for (size_t i = 0; i < len; i++) {
		memcpy(bad, cursor, sizeof bad);
		bad[i] = bad[i] == '0' ? '1' : '0';
		want_rc(store_deliveries(f->st, &q, bad, d, 2, &n),
		    RC_INVALID, "digit %zu", i);
		memcpy(bad, cursor, sizeof bad);
		bad[i] = '\0';
		if (i > 0)
			want_rc(store_deliveries(f->st, &q, bad, d, 2, &n),
			    RC_INVALID, "cut at %zu", i);
	}
	memset(bad, '0', sizeof bad);	/* and no NUL */
	want_rc(store_deliveries(f->st, &q, bad, d, 2, &n), RC_INVALID,
	    "zeros");
	memset(bad, 0, sizeof bad);
	bad[0] = 'g';
	want_rc(store_deliveries(f->st, &q, bad, d, 2, &n), RC_INVALID,
	    "not hex");
}

static void
a_list_goes_on_after_the_last_ordinal_there_can_be(void **state)
{
	struct fixture *f = *state;
	struct scene s = scene_make(f->st);
	struct store_query q = { .position = s.position[3] };
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery d;
	size_t n;

	want_rc(store_deliveries(f->st, &q, cursor, &d, 1, &n), RC_OK,
	    "first");
	want_i64(d.key.subscription, 2, "first");
	d.key.ordinal = UINT16_MAX;
	store_cursor_at(f->st, &q, &d, cursor);
	want_rc(store_deliveries(f->st, &q, cursor, &d, 1, &n), RC_OK,
	    "next");
	want_i64((int64_t)n, 1, "next");
	want_i64(d.key.subscription, 5, "next");
}

static void
a_page_ends_when_enough_was_looked_at(void **state)
{
	struct fixture *f = *state;
	const struct store_ref ref = { { 0xa1 }, 1 };
	struct store_query q = { .state = STORE_IS_DELIVERED, .ref = &ref,
	    .nref = 1 };
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery d[2];
	uint32_t sub = 1;
	uint64_t first;
	size_t n;

	first = event_for(f->st, NULL, &sub, 1, ref.any, 1);
	want_rc(settle_one(f->st, due_of(f->st, first, 1), STORE_DELIVERED, 1,
	    0, NULL), RC_OK, "settle");
	events_with(f->st, sub, ref.any[0], 12000);
	want_rc(store_deliveries(f->st, &q, cursor, d, 2, &n), RC_OK,
	    "first page");
	want_i64((int64_t)n, 0, "on the first page");
	assert_true(cursor[0] != '\0');
	while (n == 0 && cursor[0] != '\0')
		want_rc(store_deliveries(f->st, &q, cursor, d, 2, &n), RC_OK,
		    "further pages");
	want_i64((int64_t)n, 1, "found in the end");
	want_i64((int64_t)d[0].key.position, (int64_t)first, "which");
}

/* How many a query finds; each is of its own subscription. */
static int64_t
count(struct store *st, const struct store_query *q, bool seen[])
{
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery d[100];
	int64_t all = 0;
	size_t n;

	do {
		want_rc(store_deliveries(st, q, cursor, d, 100, &n), RC_OK,
		    "list");
		for (size_t i = 0; i < n; i++) {
			want_i64(seen[d[i].key.subscription], false, "%u twice",
			    d[i].key.subscription);
			seen[d[i].key.subscription] = true;
		}
		all += (int64_t)n;
	} while (cursor[0] != '\0');
	return all;
}

#define MANY	1100		/* subscriptions: not walked side by side */
#define EACH	220		/* of one event */

static void
very_many_subscriptions_are_listed_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct store_settle *item = calloc(MANY, sizeof *item);
	static uint32_t sub[MANY];
	struct store_query q[] = {
		{ .state = STORE_IS_DELIVERED },
		{ .state = STORE_IS_DELIVERED, .since_ms = 5 },
		{ .lanes = STORE_LANES_THESE, .lane = sub, .nlane = MANY },
		{ .state = STORE_IS_DEAD },
		{ .state = STORE_IS_DEAD, .lanes = STORE_LANES_THESE,
		    .lane = sub, .nlane = MANY },
		{ .state = STORE_IS_DEAD, .lanes = STORE_LANES_OTHERS,
		    .lane = sub, .nlane = MANY - 4 },
		{ .since_ms = MANY - 4, .until_ms = MANY + 1 },
	};
	const int64_t want[] = { MANY - 10, MANY - 14, MANY, 10, 10, 4, 5 };
	static bool seen[MANY + 1];
	uint64_t position = 0;

	assert_non_null(item);
	for (uint32_t i = 0; i < MANY; i++)
		sub[i] = i + 1;
	for (uint32_t i = 0; i < MANY; i++) {
		if (i % EACH == 0)
			position = event_for(f->st, NULL, sub + i, EACH, NULL,
			    0);
		item[i] = (struct store_settle){ .outcome = i < MANY - 10 ?
		    STORE_DELIVERED : STORE_DEAD, .now_ms = i + 1,
		    .reason = "gone" };
		item[i].due = i % EACH == 0 ?
		    due_of(f->st, position, sub[i]) : item[i - 1].due;
		item[i].due.key.subscription = sub[i];
	}
	want_rc(store_settle(f->st, item, MANY, false), RC_OK, "settle");
	for (size_t i = 0; i < MANY; i++)
		want_rc(item[i].rc, RC_OK, "item %zu", i);
	for (size_t i = 0; i < NELEM(q); i++) {
		memset(seen, 0, sizeof seen);
		want_i64(count(f->st, &q[i], seen), want[i], "query %zu", i);
	}
	free(item);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_is_found_by_position_and_by_sender_id),
		TEST(events_are_listed_newest_first_page_by_page),
		TEST(events_are_found_by_all_of_their_references),
		TEST(an_event_is_found_by_any_of_several_references),
		TEST(a_delivery_that_does_not_exist_is_not_found),
		TEST(an_events_deliveries_are_those_tried_and_those_not),
		TEST(deliveries_are_listed_whatever_the_size_of_a_page),
		TEST(listed_deliveries_say_what_became_of_them),
		TEST(a_cursor_means_nothing_to_another_query),
		TEST(very_many_subscriptions_are_listed_all_the_same),
		TEST(a_list_goes_on_after_the_last_ordinal_there_can_be),
		TEST(a_page_ends_when_enough_was_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
