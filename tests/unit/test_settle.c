#include <signal.h>
#include <sys/wait.h>
#include "unit_events.h"

#define HOUR_MS 3600000

static struct store_attempt
attempt(uint16_t number, int32_t status)
{
	struct store_attempt a = { .number = number, .attempt = number,
	    .at_ms = 1700000000123, .version = 12, .status = status,
	    .dns_us = 1, .connect_us = 2, .tls_us = 3, .first_us = 4,
	    .total_us = 5000000, .response_len = 70000 };

	memcpy(a.word, status == 200 ? "ok" : "http", 5 - 2 * (status == 200));
	memset(a.body_hash, 0xab, sizeof a.body_hash);
	return a;
}

static struct store_delivery
get(struct store *st, struct store_key k)
{
	struct store_delivery d;

	memset(&d, 0, sizeof d);
	want_rc(store_delivery_get(st, k, &d), RC_OK, "delivery");
	return d;
}

static void
a_delivery_is_retried_and_then_arrives(void **state)
{
	struct fixture *f = *state;
	struct store_due d = due_of(f->st, event_to(f->st, 2), 2);
	struct store_attempt first = attempt(1, 500), second = attempt(2, 200);
	int64_t created = d.due_ms, next = d.due_ms + 5000;
	struct store_delivery row = get(f->st, d.key);
	struct store_head h[2];
	size_t n;

	want_i64(row.state, STORE_IS_PENDING, "never tried: state");
	want_i64(row.created_ms, created, "never tried: created");
	want_i64(row.next_ms, created, "never tried: next");

	want_rc(settle_one(f->st, d, STORE_RETRIED, created + 10, next,
	    &first), RC_OK, "first attempt");
	row = get(f->st, d.key);
	want_i64(row.state, STORE_IS_PENDING, "retried: state");
	want_i64(row.next_ms, next, "retried: next");
	want_i64(row.created_ms, created, "retried: created");
	want_i64(row.attempts, 1, "retried: attempts");
	want_i64(row.recorded, 1, "retried: recorded");
	want_i64(row.last_status, 500, "retried: status");
	want_str(row.last_word, "http", "retried: word");
	want_rc(store_heads(f->st, 0, h, 2, &n), RC_OK, "heads");
	want_i64((int64_t)n, 1, "heads after a retry");
	want_i64(h[0].due_ms, next, "due after a retry");

	want_rc(settle_one(f->st, d, STORE_DELIVERED, next, 0, &first),
	    RC_STALE, "the row that was settled before");
	d.due_ms = next;
	d.attempts = d.recorded = 1;
	want_rc(settle_one(f->st, d, STORE_DELIVERED, next + 3, 0, &second),
	    RC_OK, "second attempt");
	row = get(f->st, d.key);
	want_i64(row.state, STORE_IS_DELIVERED, "delivered: state");
	want_i64(row.done_ms, next + 3, "delivered: done");
	want_i64(row.next_ms, 0, "delivered: next");
	want_i64(row.created_ms, created, "delivered: created");
	want_i64(row.attempts, 2, "delivered: attempts");
	want_rc(store_heads(f->st, 0, h, 2, &n), RC_OK, "heads");
	want_i64((int64_t)n, 0, "heads after it arrived");
}

static void
putting_off_keeps_when_it_was_made(void **state)
{
	struct fixture *f = *state;
	struct store_due d = due_of(f->st, event_to(f->st, 2), 2);
	struct store_attempt at = attempt(1, 200);
	int64_t created = d.due_ms;
	struct store_delivery row;

	want_rc(settle_one(f->st, d, STORE_RETRIED, created, created + 900,
	    NULL), RC_OK, "put off");
	row = get(f->st, d.key);
	want_i64(row.next_ms, created + 900, "put off: next");
	want_i64(row.attempts, 0, "put off: attempts");
	d.due_ms = created + 900;
	want_rc(settle_one(f->st, d, STORE_RETRIED, created, created + 1900,
	    NULL), RC_OK, "put off again");
	d.due_ms = created + 1900;
	want_rc(settle_one(f->st, d, STORE_DELIVERED, created + 2000, 0, &at),
	    RC_OK, "delivered");
	row = get(f->st, d.key);
	want_i64(row.created_ms, created, "created");
	want_i64(row.recorded, 1, "recorded");
}

static void
attempts_are_read_back_as_they_were_given(void **state)
{
	static char body[4096];
	struct fixture *f = *state;
	struct store_due d = due_of(f->st, event_to(f->st, 2), 2);
	struct store_attempt at = attempt(1, 500), bare = attempt(2, 0);
	struct store_attempt got[3] = { STORE_ATTEMPT_INIT,
	    STORE_ATTEMPT_INIT, STORE_ATTEMPT_INIT };
	size_t n;

	memset(body, 'b', sizeof body);
	at.sentence = SLICE("the endpoint answered 500");
	at.address = SLICE("192.0.2.1:443");
	at.request = SLICE("POST / HTTP/1.1\r\n");
	at.response_head = (struct slice){ body, 127 };
	at.response_body = (struct slice){ body, sizeof body };
	want_rc(settle_one(f->st, d, STORE_RETRIED, 1, d.due_ms + 1, &at),
	    RC_OK, "first");
	d.due_ms++;
	d.attempts = d.recorded = 1;
	want_rc(settle_one(f->st, d, STORE_DEAD, 2, 0, &bare), RC_OK,
	    "second");
	want_rc(store_attempts(f->st, d.key, 0, got, 3, &n), RC_OK, "all");
	want_i64((int64_t)n, 2, "attempts");
	want_i64(got[0].number, 1, "number");
	want_i64(got[0].attempt, 1, "attempt");
	want_i64(got[0].at_ms, at.at_ms, "at");
	want_i64((int64_t)got[0].version, 12, "version");
	want_i64(got[0].status, 500, "status");
	want_i64(got[0].dns_us, 1, "dns");
	want_i64(got[0].connect_us, 2, "connect");
	want_i64(got[0].tls_us, 3, "tls");
	want_i64(got[0].first_us, 4, "first");
	want_i64(got[0].total_us, 5000000, "total");
	want_i64((int64_t)got[0].response_len, 70000, "response_len");
	want_str(got[0].word, "http", "word");
	want_slice(got[0].sentence, at.sentence, "sentence");
	want_slice(got[0].address, at.address, "address");
	want_slice(got[0].request, at.request, "request");
	want_slice(got[0].response_head, at.response_head, "head");
	want_slice(got[0].response_body, at.response_body, "body");
	assert_memory_equal(got[0].body_hash, at.body_hash,
	    sizeof at.body_hash);
	want_i64(got[1].number, 2, "second's number");
	want_i64(got[1].status, 0, "second's status");
	assert_null(got[1].response_body.s);
	assert_true(got[1].raw.len < 90);
	want_rc(store_attempts(f->st, d.key, 1, got, 3, &n), RC_OK, "above 1");
	want_i64((int64_t)n, 1, "attempts above 1");
	want_i64(got[0].number, 2, "number above 1");
	want_rc(store_attempts(f->st, d.key, 0, got, 1, &n), RC_OK, "one");
	want_i64((int64_t)n, 1, "at most one");
	want_rc(store_attempts(f->st, d.key, UINT16_MAX, got, 3, &n), RC_OK,
	    "above all");
	want_i64((int64_t)n, 0, "attempts above all");
	for (size_t i = 0; i < 3; i++)
		store_attempt_clear(&got[i]);
}

static void
each_item_stands_alone(void **state)
{
	struct fixture *f = *state;
	const struct store_attempt ok = attempt(1, 200), odd = attempt(3, 200);
	struct store_attempt big = attempt(1, 200);
	size_t size = 300 * 1000;
	char *body = calloc(1, size);
	struct store_settle s[6];
	static const enum rc want[6] = { RC_OK, RC_STALE, RC_INVALID,
	    RC_TOOBIG, RC_OK, RC_STALE };

	assert_non_null(body);
	big.response_body = (struct slice){ body, size };
	for (size_t i = 0; i < 6; i++)
		s[i] = (struct store_settle){
		    .due = due_of(f->st, event_to(f->st, 9 - (uint32_t)i),
		    9 - (uint32_t)i), .outcome = STORE_DELIVERED,
		    .attempts = 1, .now_ms = 50, .attempt = &ok };
	s[1].due.due_ms--;
	s[2].attempt = &odd;
	s[3].attempt = &big;
	s[5].due = s[4].due;		/* the same one twice */
	want_rc(store_settle(f->st, s, 6, true), RC_OK, "store_settle");
	for (size_t i = 0; i < 6; i++)
		if (i < 4)
			want_rc(s[i].rc, want[i], "item %zu", i);
	assert_true((s[4].rc == RC_OK) != (s[5].rc == RC_OK));
	assert_true((s[4].rc == RC_STALE) != (s[5].rc == RC_STALE));
	want_i64(get(f->st, s[0].due.key).state, STORE_IS_DELIVERED, "0");
	want_i64(get(f->st, s[2].due.key).state, STORE_IS_PENDING, "2");
	want_i64(get(f->st, s[3].due.key).state, STORE_IS_PENDING, "3");
	want_i64(get(f->st, s[4].due.key).state, STORE_IS_DELIVERED, "4");
	free(body);
}

static void
a_row_that_counts_otherwise_is_stale(void **state)
{
	struct fixture *f = *state;
	struct store_due d = due_of(f->st, event_to(f->st, 2), 2);

	d.attempts = 1;
	want_rc(settle_one(f->st, d, STORE_DELIVERED, 5, 0, NULL), RC_STALE,
	    "another count of attempts");
	want_i64(get(f->st, d.key).state, STORE_IS_PENDING, "state");
}

static void
many_are_settled_in_the_order_they_were_given(void **state)
{
	enum { N = 1000 };
	struct fixture *f = *state;
	struct store_settle *s = calloc(N, sizeof *s);
	const struct store_attempt at = attempt(1, 200);
	struct store_hour h[8];
	uint64_t first[5];
	size_t n;

	assert_non_null(s);
	for (uint32_t i = 0; i < 5; i++)
		first[i] = events_to(f->st, i + 1, N / 5);
	for (size_t i = 0; i < N; i++) {
		uint32_t sub = 1 + (uint32_t)(i * 7 % 5);

		s[i] = (struct store_settle){ .outcome = i % 10 == 0 ?
		    STORE_DEAD : i % 10 == 1 ? STORE_RETRIED :
		    STORE_DELIVERED, .attempts = 1, .attempt = &at,
		    .due = due_of(f->st, first[sub - 1]++, sub) };
		s[i].next_ms = s[i].due.due_ms + 1000;
		s[i].now_ms = i < N / 2 ? HOUR_MS - 1 : HOUR_MS;
	}
	want_rc(store_settle(f->st, s, N, false), RC_OK, "store_settle");
	for (size_t i = 0; i < N; i++) {
		want_rc(s[i].rc, RC_OK, "item %zu", i);
		want_i64(get(f->st, s[i].due.key).state, i % 10 == 0 ?
		    STORE_IS_DEAD : i % 10 == 1 ? STORE_IS_PENDING :
		    STORE_IS_DELIVERED, "item %zu", i);
	}
	want_rc(store_hours(f->st, 0, 0, NULL, h, 8, &n), RC_OK, "hours");
	want_i64((int64_t)n, 8, "rows of the first hour and part of the next");
	for (size_t i = 0; i < n; i++) {
		want_i64(h[i].hour_ms, i < 5 ? 0 : HOUR_MS, "hour %zu", i);
		want_i64(h[i].subscription, (int64_t)(i % 5 + 1), "sub %zu",
		    i);
		want_i64((int64_t)(h[i].delivered + h[i].retried + h[i].dead),
		    100, "sum %zu", i);
	}
	want_rc(store_hours(f->st, 0, 0, &h[7], h, 8, &n), RC_OK, "the rest");
	want_i64((int64_t)n, 2, "rest");
	want_i64(h[0].subscription, 4, "first of the rest");
	want_rc(store_hours(f->st, 3, 0, NULL, h, 8, &n), RC_OK, "of one");
	want_i64((int64_t)n, 2, "hours of one");
	want_i64(h[1].hour_ms, HOUR_MS, "second hour of one");
	want_i64(h[1].subscription, 3, "whose");
	want_rc(store_hours(f->st, 3, HOUR_MS + 5, NULL, h, 8, &n), RC_OK,
	    "since");
	want_i64((int64_t)n, 1, "hours since");
	want_rc(store_hours(f->st, 3, 0, &h[0], h, 8, &n), RC_OK, "after");
	want_i64((int64_t)n, 0, "hours after the last");
	free(s);
}

static void
the_hour_of_a_time_before_1970_is_its_own(void **state)
{
	struct fixture *f = *state;
	struct store_due d = due_of(f->st, event_to(f->st, 2), 2);
	struct store_hour h[2];
	size_t n;

	want_rc(settle_one(f->st, d, STORE_DELIVERED, -1, 0, NULL), RC_OK,
	    "settle");
	want_rc(store_hours(f->st, 0, 0, NULL, h, 2, &n), RC_OK, "hours");
	want_i64((int64_t)n, 1, "hours");
	want_i64(h[0].hour_ms, -HOUR_MS, "hour");
}

/*
 * A child settles and is killed at some moment; whatever it got done, each
 * delivery is either as it was or settled in every respect, and what was
 * settled synced before is there.
 */
static void
a_killed_process_leaves_each_item_whole(void **state)
{
	enum { N = 400 };
	struct fixture *f = *state;
	struct store_due *d = calloc(N, sizeof *d);
	const struct store_attempt at = attempt(1, 200);
	struct store_attempt back = STORE_ATTEMPT_INIT;
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_query q = { .subscription = 3,
	    .state = STORE_IS_DELIVERED };
	struct store_delivery *list = calloc(N, sizeof *list);
	size_t n, delivered = 0, listed = 0;
	uint64_t first, acked;
	int status, fd[2];
	pid_t pid;

	assert_non_null(d);
	assert_non_null(list);
	first = events_to(f->st, 3, N);
	for (size_t i = 0; i < N; i++)
		d[i] = due_of(f->st, first + i, 3);
	store_close(f->st);
	f->st = NULL;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *st = place_open(&f->place, false);

		for (size_t i = 0; i < N; i++) {
			struct store_settle s = { .due = d[i], .attempts = 1,
			    .outcome = STORE_DELIVERED, .now_ms = 9,
			    .attempt = &at };

			if (store_settle(st, &s, 1, true) != RC_OK ||
			    s.rc != RC_OK || write(fd[1], "", 1) != 1)
				_exit(1);
		}
		_exit(1);
	}
	close(fd[1]);
	for (acked = 0; acked < N / 4; acked++)
		assert_int_equal(read(fd[0], &status, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (read(fd[0], &status, 1) == 1)
		acked++;
	close(fd[0]);
	f->st = place_open(&f->place, false);
	for (size_t i = 0; i < N; i++) {
		bool done = get(f->st, d[i].key).state == STORE_IS_DELIVERED;

		want_rc(store_attempts(f->st, d[i].key, 0, &back, 1, &n),
		    RC_OK, "attempts");
		want_i64((int64_t)n, done, "attempts of %zu", i);
		delivered += done;
		assert_true(done || i >= acked);
	}
	do {
		want_rc(store_deliveries(f->st, &q, cursor, list, N, &n),
		    RC_OK, "list");
		listed += n;
	} while (cursor[0] != '\0');
	want_i64((int64_t)listed, (int64_t)delivered, "listed as delivered");
	want_rc(store_lanes(f->st, 0, 0, (struct store_lane[1]){ { 0 } }, 1,
	    &n), RC_OK, "lanes");
	want_sound(f->st);
	store_attempt_clear(&back);
	free(list);
	free(d);
}

static void
what_was_not_synced_survives_an_orderly_leave(void **state)
{
	struct fixture *f = *state;
	struct store_due d = due_of(f->st, event_to(f->st, 2), 2);
	struct store_attempt at = attempt(1, 200);
	struct store_settle s = { .due = d, .attempts = 1, .now_ms = 9,
	    .outcome = STORE_DELIVERED, .attempt = &at };

	want_rc(store_settle(f->st, &s, 1, false), RC_OK, "settle");
	want_rc(s.rc, RC_OK, "its item");
	store_idle(f->st);	/* the last one out; the next recovers */
	want_i64(get(f->st, d.key).state, STORE_IS_DELIVERED, "after leaving");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_make,	\
    fixture_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_delivery_is_retried_and_then_arrives),
		TEST(putting_off_keeps_when_it_was_made),
		TEST(attempts_are_read_back_as_they_were_given),
		TEST(each_item_stands_alone),
		TEST(a_row_that_counts_otherwise_is_stale),
		TEST(many_are_settled_in_the_order_they_were_given),
		TEST(the_hour_of_a_time_before_1970_is_its_own),
		TEST(what_was_not_synced_survives_an_orderly_leave),
		TEST(a_killed_process_leaves_each_item_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
