/*
 * Several deliveries of one event for one subscription.
 */
#include "store/bdb_delivery.h"
#include "unit_chain.h"

enum { ONE = 4, THREE = 6, MOST = 9, LAST = 11 };

/* One of each kind: a delivery, three, as many as there may be, and one. */
static uint32_t
listed(uint32_t sub[])
{
	uint32_t n = 0;

	sub[n++] = ONE;
	for (int i = 0; i < 3; i++)
		sub[n++] = THREE;
	for (int i = 0; i < STORE_RECIPIENTS_MAX; i++)
		sub[n++] = MOST;
	sub[n++] = LAST;
	return n;
}

static uint64_t
accepted(struct store *st, struct store_accept *a)
{
	want_rc(store_generation(st, &a->generation), RC_OK, "generation");
	want_rc(store_accept(st, a, 1), RC_OK, "accept");
	want_rc(a->rc, RC_OK, "its item");
	return a->position;
}

static struct store_accept
to(const uint32_t *sub, uint32_t n)
{
	return (struct store_accept){ .type = SLICE("OrderTicketed"),
	    .order = SLICE("{}"), .subscription = sub, .nsubscription = n };
}

static bool
same(struct store_key a, struct store_key b)
{
	return a.position == b.position && a.subscription == b.subscription &&
	    a.ordinal == b.ordinal;
}

static void
want_key(struct store_key got, struct store_key want, const char *what)
{
	if (!same(got, want))
		fail_msg("%s: got %llu/%u/%u, want %llu/%u/%u", what,
		    (unsigned long long)got.position, got.subscription,
		    got.ordinal, (unsigned long long)want.position,
		    want.subscription, want.ordinal);
}

/* The i-th of those listed. */
static struct store_key
key_at(uint64_t position, const uint32_t *sub, uint32_t i)
{
	struct store_key k = { position, sub[i], 0 };

	for (; i > 0 && sub[i - 1] == k.subscription; i--)
		k.ordinal++;
	return k;
}

static void
want_event_lists(struct store *st, uint64_t position, const uint32_t *sub,
    uint32_t n)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct store_delivery *d = calloc(n + 8, sizeof *d), one;
	struct store_query q = { .position = position };
	char cursor[STORE_CURSOR_MAX] = "";
	size_t got, all = 0;

	assert_non_null(d);
	want_rc(store_event_get(st, position, &ev), RC_OK, "event");
	want_rc(store_event_deliveries(st, &ev, d, n + 8, &got), RC_OK,
	    "deliveries");
	want_i64((int64_t)got, n, "deliveries");
	for (uint32_t i = 0; i < n; i++) {
		want_key(d[i].key, key_at(position, sub, i), "of the event");
		want_rc(store_delivery_get(st, d[i].key, &one), RC_OK,
		    "delivery %u", i);
		want_key(one.key, d[i].key, "by itself");
	}
	do {			/* pages end within a run of one number */
		want_rc(store_deliveries(st, &q, cursor, d, 7, &got), RC_OK,
		    "a page");
		for (size_t i = 0; i < got; i++)
			want_key(d[i].key, key_at(position, sub,
			    (uint32_t)(all + i)), "listed");
		all += got;
	} while (cursor[0] != '\0');
	want_i64((int64_t)all, n, "on all pages");
	store_event_clear(&ev);
	free(d);
}

static void
each_recipient_has_a_delivery_of_its_own(void **state)
{
	struct fixture *f = *state;
	uint32_t sub[64], n = listed(sub);
	struct store_accept a = to(sub, n);
	uint64_t position = accepted(f->st, &a);
	struct store_delivery d;
	struct store_due due[64];

	want_i64(a.deliveries, n, "deliveries");
	want_event_lists(f->st, position, sub, n);
	want_i64((int64_t)due_in(f->st, THREE, due, 64), 3, "due");
	for (uint16_t i = 0; i < 3; i++)
		want_key(due[i].key, (struct store_key){ position, THREE, i },
		    "due");
	want_i64((int64_t)due_in(f->st, MOST, due, 64), STORE_RECIPIENTS_MAX,
	    "due");
	want_i64((int64_t)due_in(f->st, LAST, due, 64), 1, "due");
	want_rc(store_delivery_get(f->st, (struct store_key){ position, THREE,
	    3 }, &d), RC_NOTFOUND, "one recipient too many");
	want_rc(store_delivery_get(f->st, (struct store_key){ position, MOST,
	    STORE_RECIPIENTS_MAX }, &d), RC_NOTFOUND, "the next again");
	want_rc(store_delivery_get(f->st, (struct store_key){ position, 7,
	    0 }, &d), RC_NOTFOUND, "another subscription");
	want_sound(f->st);
}

static void
more_recipients_than_there_are_ordinals_are_refused(void **state)
{
	struct fixture *f = *state;
	uint32_t sub[STORE_RECIPIENTS_MAX + 1];
	struct store_accept a = to(sub, STORE_RECIPIENTS_MAX + 1);

	for (size_t i = 0; i < NELEM(sub); i++)
		sub[i] = THREE;
	want_rc(store_generation(f->st, &a.generation), RC_OK, "generation");
	want_rc(store_accept(f->st, &a, 1), RC_OK, "accept");
	want_rc(a.rc, RC_TOOBIG, "one too many");
	a.nsubscription--;
	(void)accepted(f->st, &a);
}

static void
each_delivery_comes_to_an_end_of_its_own(void **state)
{
	struct fixture *f = *state;
	const uint32_t sub[] = { THREE, THREE, THREE };
	struct store_accept a = to(sub, 3);
	uint64_t position = accepted(f->st, &a);
	struct store_key k = { position, THREE, 2 };
	struct store_due due[8];
	struct store_delivery d[8];
	struct store_event ev = STORE_EVENT_INIT;
	enum store_state want[] = { STORE_IS_DELIVERED, STORE_IS_PENDING,
	    STORE_IS_DEAD };
	int64_t promoted;
	size_t n;
	enum rc rc;

	want_i64((int64_t)due_in(f->st, THREE, due, 8), 3, "due");
	want_rc(end(f->st, due[0], STORE_DELIVERED, &promoted), RC_OK,
	    "settle");
	want_rc(end(f->st, due[1], STORE_RETRIED, &promoted), RC_OK, "settle");
	want_rc(store_give_up(f->st, &k, 1, 90, &rc), RC_OK, "give up");
	want_rc(rc, RC_OK, "one that was never tried");
	want_rc(store_event_get(f->st, position, &ev), RC_OK, "event");
	want_rc(store_event_deliveries(f->st, &ev, d, 8, &n), RC_OK, "all");
	want_i64((int64_t)n, 3, "deliveries");
	for (size_t i = 0; i < n; i++) {
		want_i64(d[i].key.ordinal, (int64_t)i, "ordinal");
		want_i64(d[i].state, want[i], "state of %zu", i);
	}
	k.ordinal = 3;
	want_rc(store_give_up(f->st, &k, 1, 90, &rc), RC_OK, "give up");
	want_rc(rc, RC_NOTFOUND, "one that the event does not list");
	want_sound(f->st);
	store_event_clear(&ev);
}

static void
deliveries_that_an_event_does_not_list_follow_those_it_lists(void **state)
{
	struct fixture *f = *state;
	const uint32_t sub[] = { THREE, THREE, LAST };
	struct store_accept a = to(sub, 3);
	uint64_t position = accepted(f->st, &a);
	struct store_delivery d[8] = { { .state = STORE_IS_DEAD,
	    .created_ms = 1, .done_ms = 5, .reason = "exhausted" } };
	const uint16_t again[] = { STORE_RECIPIENTS_MAX,
	    STORE_RECIPIENTS_MAX + 1, 3 * STORE_RECIPIENTS_MAX };
	struct store_event ev = STORE_EVENT_INIT;
	struct buf key = KEY_INIT, val = BUF_INIT(512), state8 = BUF_INIT(1);
	uint16_t want[] = { 0, 1, 32, 33, 96, 0 };
	size_t n;

	buf_be8(&state8, STORE_IS_DEAD);
	for (size_t i = 0; i < NELEM(again); i++) {	/* as replays will */
		d[0].key = (struct store_key){ position, THREE, again[i] };
		key_delivery(&key, &d[0].key, 0);
		delivery_encode(&val, &d[0]);
		row_put(f->st, BDB_DELIVERY, &key, &val);
		for (uint32_t lane = 0; lane <= THREE; lane += THREE) {
			key_done(&key, lane, 5, &d[0].key);
			row_put(f->st, BDB_DONE, &key, &state8);
		}
	}
	want_rc(store_event_get(f->st, position, &ev), RC_OK, "event");
	want_rc(store_event_deliveries(f->st, &ev, d, 8, &n), RC_OK, "all");
	want_i64((int64_t)n, NELEM(want), "deliveries");
	for (size_t i = 0; i < n; i++)
		want_i64(d[i].key.ordinal, want[i], "ordinal of %zu", i);
	want_sound(f->st);
	store_event_clear(&ev);
	buf_free(&key);
	buf_free(&val);
	buf_free(&state8);
}

static void
a_fan_out_makes_every_ordinal_across_the_borders_of_its_steps(void **state)
{
	enum { SUBS = 40, EACH = 9, ALL = SUBS * EACH };
	struct fixture *f = *state;
	struct store_fanout fan = STORE_FANOUT_INIT;
	struct store_due due[16];
	struct buf told = BUF_INIT(65536);
	uint32_t sub[ALL], twice = 0;
	struct store_accept a = to(sub, ALL);
	uint64_t position, problems, lanes = 0;
	struct store_key k;
	enum rc rc;

	for (uint32_t i = 0; i < ALL; i++)
		sub[i] = 1 + i / EACH;
	position = accepted(f->st, &a);
	assert_true(a.fanout);
	want_i64(a.deliveries, ALL, "deliveries");
	want_event_lists(f->st, position, sub, ALL);
	k = (struct store_key){ position, SUBS, EACH - 1 };
	want_rc(store_give_up(f->st, &k, 1, 1, &rc), RC_OK, "give up");
	want_rc(rc, RC_RETRY, "one that is still to be made");
	want_rc(store_fanout(f->st, &fan), RC_OK, "a step");
	want_sound(f->st);	/* a hundred rows, in the midst of lane 12 */
	want_i64((int64_t)due_in(f->st, 12, due, 16), 1, "of the border");
	while (fan.more) {
		for (size_t i = 1; i < fan.n; i++)
			twice += fan.lane[i] == fan.lane[i - 1];
		lanes += fan.n;
		want_rc(store_fanout(f->st, &fan), RC_OK, "a step");
	}
	want_i64(twice, 0, "lanes named twice in a step");
	want_i64((int64_t)lanes, SUBS + (ALL - 1) / STORE_FANOUT_STEP,
	    "lanes named");
	store_fanout_clear(&fan);
	for (uint32_t lane = 1; lane <= SUBS; lane++) {
		want_i64((int64_t)due_in(f->st, lane, due, 16), EACH,
		    "due in %u", lane);
		for (uint16_t i = 0; i < EACH; i++)
			want_key(due[i].key, (struct store_key){ position,
			    lane, i }, "due");
	}
	want_event_lists(f->st, position, sub, ALL);
	want_rc(store_verify(f->st, false, line, &told, &problems), RC_OK,
	    "verify");
	want_str(buf_str(&told), "", "problems");
	buf_free(&told);
}

static void
verify_misses_a_single_ordinal(void **state)
{
	struct fixture *f = *state;
	const uint32_t sub[] = { THREE, THREE, THREE };
	struct store_accept a = to(sub, 3);
	struct store_due d = { .key = { accepted(f->st, &a), THREE, 1 } };
	struct buf told = BUF_INIT(65536), key = KEY_INIT, val = VALUE_INIT;
	char id[ID_MAX], want[256];
	uint64_t problems;

	d.due_ms = a.accepted_ms;
	key_due(&key, &d);
	row_del(f->st, BDB_DUE, &key);
	store_delivery_id(f->st, d.key, id);
	snprintf(want, sizeof want, "%s: its event lists it, and it is neither "
	    "due nor on record\n", id);
	want_rc(store_verify(f->st, false, line, &told, &problems), RC_OK,
	    "verify");
	want_str(buf_str(&told), want, "problems");
	d.key.ordinal = 3;		/* and one that should not be there */
	key_due(&key, &d);
	value_due(&val, &d);
	row_put(f->st, BDB_DUE, &key, &val);
	buf_clear(&told);
	want_rc(store_verify(f->st, false, line, &told, &problems), RC_OK,
	    "verify");
	want_i64((int64_t)problems, 2, "problems");
	assert_non_null(strstr(buf_str(&told), "does not list it"));
	buf_free(&told);
	buf_free(&key);
	buf_free(&val);
}

static void
only_the_first_of_several_takes_its_turn(void **state)
{
	struct fixture *f = *state;
	const uint32_t sub[] = { THREE, THREE };
	const bool turn[] = { true, true };
	struct store_accept a[2] = { to(sub, 2), to(sub, 2) };
	struct store_due due[8];
	int64_t promoted;

	for (size_t i = 0; i < 2; i++) {
		a[i].ordered = turn;
		a[i].chain = 77;
		(void)accepted(f->st, &a[i]);
	}
	want_i64((int64_t)due_in(f->st, THREE, due, 8), 3, "due");
	want_key(due[0].key, (struct store_key){ 1, THREE, 0 }, "first");
	want_sound(f->st);
	want_rc(end(f->st, due[0], STORE_DELIVERED, &promoted), RC_OK,
	    "settle");
	assert_true(promoted != INT64_MAX);
	want_i64((int64_t)due_in(f->st, THREE, due, 8), 3, "due");
	want_sound(f->st);
}

/* Whatever way deliveries are counted, it comes to the same. */
static void
want_sums(struct store *st, uint64_t events, uint64_t want)
{
	struct store_query q = { .state = STORE_ANY };
	struct store_event ev = STORE_EVENT_INIT;
	struct store_delivery d[128];
	struct store_lane lane[32];
	struct store_hour h[64];
	char cursor[STORE_CURSOR_MAX] = "";
	uint64_t listed = 0, by_event = 0, waiting = 0, pending = 0, done = 0;
	size_t n;

	do {
		want_rc(store_deliveries(st, &q, cursor, d, 128, &n), RC_OK,
		    "list");
		for (size_t i = 0; i < n; i++)
			waiting += d[i].state == STORE_IS_PENDING;
		listed += n;
	} while (cursor[0] != '\0');
	for (uint64_t p = 1; p <= events; p++) {
		want_rc(store_event_get(st, p, &ev), RC_OK, "event");
		want_rc(store_event_deliveries(st, &ev, d, 128, &n), RC_OK,
		    "of one");
		by_event += n;
	}
	want_rc(store_lanes(st, 0, INT64_MAX, lane, 32, &n), RC_OK, "lanes");
	for (size_t i = 0; i < n; i++)
		pending += lane[i].pending;
	want_rc(store_hours(st, 0, 0, NULL, h, 64, &n), RC_OK, "hours");
	for (size_t i = 0; i < n; i++)
		done += h[i].delivered + h[i].dead;
	want_i64((int64_t)listed, (int64_t)want, "listed");
	want_i64((int64_t)by_event, (int64_t)want, "by event");
	want_i64((int64_t)waiting, (int64_t)pending, "pending");
	want_i64((int64_t)(pending + done), (int64_t)want, "pending and done");
	store_event_clear(&ev);
	want_sound(st);
}

static uint32_t
roll(uint64_t *seed, uint32_t n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(*seed >> 33) % n;
}

static void
however_they_are_counted_the_sums_agree(void **state)
{
	enum { EVENTS = 60, LANES = 8 };
	struct fixture *f = *state;
	uint64_t seed = 4711, all = 0, events = 0;
	uint32_t sub[LANES * 6];
	struct store_due due[16];
	int64_t promoted;

	for (int round = 0; round < 2 * EVENTS; round++) {
		struct store_accept a = to(sub, 0);

		for (uint32_t lane = 1; lane <= LANES; lane++)
			for (uint32_t k = roll(&seed, 2) * roll(&seed, 7);
			    k > 0; k--)
				sub[a.nsubscription++] = lane;
		if (round % 2 == 0) {
			events = accepted(f->st, &a);
			all += a.nsubscription;
		} else {
			size_t n = due_in(f->st, 1 + roll(&seed, LANES), due,
			    16);

			for (size_t i = 0; i < n; i++)
				want_rc(end(f->st, due[i], STORE_DELIVERED +
				    roll(&seed, 3), &promoted), RC_OK,
				    "settle");
		}
		if (round % 20 == 19)
			want_sums(f->st, events, all);
	}
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, fixture_make, \
		    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_recipient_has_a_delivery_of_its_own),
	    TEST(more_recipients_than_there_are_ordinals_are_refused),
	    TEST(each_delivery_comes_to_an_end_of_its_own),
	    TEST(deliveries_that_an_event_does_not_list_follow_those_it_lists),
	    TEST(a_fan_out_makes_every_ordinal_across_the_borders_of_its_steps),
	    TEST(verify_misses_a_single_ordinal),
	    TEST(only_the_first_of_several_takes_its_turn),
	    TEST(however_they_are_counted_the_sums_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
