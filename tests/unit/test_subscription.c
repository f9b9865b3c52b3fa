#include <pthread.h>
#include <stdlib.h>
#include "unit_roster.h"
#include "unit_shape.h"

#define TASK "{\"name\":\"N\",\"event\":[\"OrderTicketed\"],"		\
	"\"filter\":["							\
	"{\"field\":\"provider\",\"op\":\"=\",\"value\":\"IB\"}],"	\
	"\"httpRequest\":{\"url\":\"https://a.example/\"}}"
#define INTEREST "{\"event\":[\"OrderTicketed\"],\"filter\":["		\
	"{\"field\":\"provider\",\"op\":\"=\",\"value\":\"IB\"}]}"
#define KEYS "\0\4new!\0\3old"

static const struct crypt ours, theirs = { .seal = "another" };

struct fixture {
	struct catalog	*c;
	struct roster	*r;
	const struct subscription *s;	/* the present one */
};

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->c = unit_catalog();
	f->r = roster_new(f->c);
	roster_put_client(f->r, 1, NULL);
	*state = f;
	return 0;
}

static int
clear(void **state)
{
	struct fixture *f = *state;

	roster_release(f->r);
	catalog_free(f->c);
	free(f);
	return 0;
}

/* Subscription 1, sealed by the keys given, opened by ours. */
static enum rc
put(struct fixture *f, const struct crypt *task, const struct crypt *keys,
    enum subscription_state is, const char *interest)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct buf t = BUF_INIT(4096), k = BUF_INIT(4096);
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	struct store_record rec = { .kind = STORE_SUBSCRIPTION, .number = 1,
	    .version = 1 };
	enum rc rc;

	crypt_seal(task, SLICE(TASK), &t);
	crypt_seal(keys, SLICE(KEYS), &k);
	s.client = 1;
	s.state = is;
	s.reason = is == SUBSCRIPTION_DISABLED ? SLICE("gone") : SLICE("");
	s.interest = slice_of(interest);
	s.task = buf_as_slice(&t);
	s.secrets = buf_as_slice(&k);
	subscription_record_write(&s, &body);
	rec.body = buf_as_slice(&body);
	rc = roster_take(f->r, &rec, &ours);
	f->s = roster_subscription(f->r, 1);
	buf_free(&t);
	buf_free(&k);
	buf_free(&body);
	return rc;
}

static void
want_matches(struct fixture *f, const char *order, size_t want)
{
	struct order o = ORDER_INIT;
	uint32_t *number = NULL;
	size_t cap = 0;

	unit_order(&o, f->c, order);
	want_i64((int64_t)roster_match(f->r, catalog_event_find(f->c,
	    SLICE("OrderTicketed")), &o, &number, &cap), (int64_t)want, "%s",
	    order);
	free(number);
	order_free(&o);
}

static void
a_task_is_opened_when_it_is_asked_for_and_kept(void **state)
{
	struct fixture *f = *state;
	const struct sign_key *key;
	const struct task *kept;
	struct task *once;

	want_rc(put(f, &ours, &ours, SUBSCRIPTION_ACTIVE, INTEREST), RC_OK,
	    "take");
	once = subscription_compile(f->s);
	want_str(task_name(once), "N", "name");
	kept = subscription_task(f->s);
	want_str(task_name(kept), "N", "name");
	assert_ptr_not_equal(once, kept);
	task_free(once);
	assert_ptr_equal(subscription_task(f->s), kept);
	want_i64((int64_t)subscription_keys(f->s, 0, &key), 2, "keys");
	want_slice(key[0].bytes, SLICE("new!"), "the newest key");
	want_slice(key[1].bytes, SLICE("old"), "the other");
}

static void *
ask(void *arg)
{
	return (void *)(uintptr_t)subscription_task(arg);
}

static void
threads_that_open_a_task_at_once_get_the_same(void **state)
{
	struct fixture *f = *state;
	pthread_t thread[8];
	void *got;

	for (int round = 0; round < 50; round++) {
		want_rc(put(f, &ours, &ours, SUBSCRIPTION_ACTIVE, INTEREST),
		    RC_OK, "take");
		for (size_t i = 0; i < NELEM(thread); i++)
			assert_int_equal(pthread_create(&thread[i], NULL, ask,
			    (void *)(uintptr_t)f->s), 0);
		for (size_t i = 0; i < NELEM(thread); i++) {
			assert_int_equal(pthread_join(thread[i], &got), 0);
			assert_non_null(got);
			assert_ptr_equal(got, subscription_task(f->s));
		}
	}
}

static void
the_state_is_the_records_while_the_task_can_be_used(void **state)
{
	static const struct {
		enum subscription_state state;
		const char *reason;
	} t[] = {
		{ SUBSCRIPTION_ACTIVE, "" }, { SUBSCRIPTION_PAUSED, "" },
		{ SUBSCRIPTION_DISABLED, "gone" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(put(f, &ours, &ours, t[i].state, INTEREST), RC_OK,
		    "take");
		want_i64(subscription_state(f->s), t[i].state, "state %zu",
		    i);
		want_str(subscription_reason(f->s), t[i].reason,
		    "reason %zu", i);
	}
}

static void
what_cannot_be_opened_is_matched_all_the_same_and_held(void **state)
{
	const struct {
		const struct crypt *task, *keys;
	} t[] = { { &theirs, &ours }, { &ours, &theirs } };
	struct fixture *f = *state;
	const struct sign_key *key;

	for (size_t i = 0; i < NELEM(t); i++) {
		struct roster *next = roster_copy(f->r);

		roster_release(f->r);
		f->r = next;
		want_rc(put(f, t[i].task, t[i].keys, SUBSCRIPTION_PAUSED,
		    INTEREST), RC_OK, "take %zu", i);
		roster_ready(f->r);
		want_matches(f, "{\"provider\":\"IB\"}", 1);
		want_matches(f, "{\"provider\":\"BA\"}", 0);
		want_i64(subscription_state(f->s), SUBSCRIPTION_DISABLED,
		    "state %zu", i);
		want_str(subscription_reason(f->s), "task", "reason");
		assert_null(subscription_task(f->s));
		assert_null(subscription_compile(f->s));
		want_i64((int64_t)subscription_keys(f->s, 0, &key), 0, "keys");
	}
}

static void
a_client_that_changes_leaves_what_is_open_open(void **state)
{
	struct fixture *f = *state;
	const struct task *was;
	struct roster *next;

	want_rc(put(f, &ours, &ours, SUBSCRIPTION_ACTIVE, INTEREST), RC_OK,
	    "take");
	roster_ready(f->r);
	was = subscription_task(f->s);
	for (int i = 0; i < 3; i++) {
		next = roster_copy(f->r);
		roster_put_client(next, 1, i % 2 == 0 ? "[{\"field\":"
		    "\"agency\",\"value\":\"A\"}]" : NULL);
		roster_follow(next, STORE_SUBSCRIPTION, 1);
		roster_ready(next);
		roster_release(f->r);
		f->r = next;
		f->s = roster_subscription(f->r, 1);
		assert_ptr_equal(f->s->client, roster_client(f->r, 1));
		assert_ptr_equal(subscription_task(f->s), was);
		want_matches(f, "{\"provider\":\"IB\"}", i % 2 == 0 ? 0 : 1);
		want_matches(f, "{\"provider\":\"IB\",\"agency\":\"A\"}",
		    1);
	}
	next = roster_copy(f->r);
	roster_drop(next, STORE_CLIENT, 1);
	roster_follow(next, STORE_SUBSCRIPTION, 1);
	roster_ready(next);
	assert_null(roster_subscription(next, 1));
	roster_release(f->r);
	f->r = next;
	want_matches(f, "{\"provider\":\"IB\"}", 0);
}

/* Without knowing what it wants, to go on would drop its events. */
static void
an_old_record_is_matched_by_its_task_or_not_loaded(void **state)
{
	struct fixture *f = *state;

	want_rc(put(f, &theirs, &ours, SUBSCRIPTION_ACTIVE, ""), RC_IO,
	    "one that can't be opened");
	want_rc(put(f, &ours, &ours, SUBSCRIPTION_ACTIVE, ""), RC_OK, "take");
	roster_ready(f->r);
	want_matches(f, "{\"provider\":\"IB\"}", 1);
	want_matches(f, "{\"provider\":\"BA\"}", 0);
	want_i64(subscription_state(f->s), SUBSCRIPTION_ACTIVE, "state");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_task_is_opened_when_it_is_asked_for_and_kept),
	    TEST(threads_that_open_a_task_at_once_get_the_same),
	    TEST(the_state_is_the_records_while_the_task_can_be_used),
	    TEST(what_cannot_be_opened_is_matched_all_the_same_and_held),
	    TEST(a_client_that_changes_leaves_what_is_open_open),
	    TEST(an_old_record_is_matched_by_its_task_or_not_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
