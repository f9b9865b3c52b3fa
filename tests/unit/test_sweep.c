#include "unit_site.h"

static struct store_delivery
delivery(struct site *s, uint64_t position, uint32_t sub)
{
	struct store_delivery d = { .attempts = 0 };

	want_rc(store_delivery_get(s->store, (struct store_key){ position,
	    sub, 0 }, &d), RC_OK, "delivery");
	return d;
}

static bool
within(struct server *sv, int requests, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (atomic_load(&sv->requests) < requests) {
		if (clock_mono_ms() > until)
			return false;
		(void)poll(NULL, 0, 5);
	}
	return true;
}

static void
what_is_due_arrives_once_and_is_counted(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{\"id\":\"{{agwID}}\"}", "{}");
	uint64_t last = accept_events(s, sub, 150);
	struct sweep_report r = run(s);
	struct store_delivery d = delivery(s, last, sub);
	struct store_attempt a = STORE_ATTEMPT_INIT;
	size_t n;

	want_i64((int64_t)r.delivered, 150, "delivered");
	want_i64((int64_t)r.pending, 0, "pending");
	want_i64(atomic_load(&s->server.requests), 150, "requests");
	want_i64(d.state, STORE_IS_DELIVERED, "state");
	want_i64(d.attempts, 1, "attempts");
	want_rc(store_attempts(s->store, d.key, 0, &a, 1, &n), RC_OK,
	    "attempts");
	want_i64((int64_t)n, 1, "on record");
	want_i64(a.attempt, 1, "the first is 1");
	want_i64(a.status, 200, "status");
	want_str(a.word, "ok", "word");
	want_slice(a.response_body, SLICE("ok"), "body");
	if (memmem(a.request.s, a.request.len, "YourPassword", 12) != NULL)
		fail_msg("got the secret in %.*s", (int)a.request.len,
		    a.request.s);
	assert_non_null(memmem(a.request.s, a.request.len,
	    "\xe2\x80\xa2word", 7));
	assert_non_null(strstr(s->server.request, "skycap-attempt: 1\r\n"));
	assert_non_null(strstr(s->server.request, "webhook-signature: v1,"));
	store_attempt_clear(&a);
	r = run(s);
	want_i64(atomic_load(&s->server.requests), 150, "after another run");
}

static void
a_failure_waits_for_its_next_step(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/500", "{}", "{\"retry_s\":[60]}");
	uint64_t last = accept_events(s, sub, 1);
	int64_t begun = clock_now_ms();
	struct sweep_report r = run(s);
	struct store_delivery d = delivery(s, last, sub);

	want_i64((int64_t)r.retrying, 1, "retrying");
	want_i64((int64_t)r.pending, 1, "pending");
	want_i64(d.state, STORE_IS_PENDING, "state");
	want_i64(d.last_status, 500, "status");
	if (d.next_ms < begun + 60000 || d.next_ms > clock_now_ms() + 66000)
		fail_msg("got %" PRId64 " ms ahead", d.next_ms - begun);
	r = run(s);
	want_i64(atomic_load(&s->server.requests), 1, "requests");
}

static void
a_template_that_can_not_be_rendered_is_dead_unsent(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{\"x\":\"{{agent}}\"}",
	    "{\"missing\":\"strict\"}");
	uint64_t last = accept_events(s, sub, 1);
	struct sweep_report r = run(s);
	struct store_delivery d = delivery(s, last, sub);
	struct store_attempt a = STORE_ATTEMPT_INIT;
	size_t n;

	want_i64((int64_t)r.dead, 1, "dead");
	want_str(d.reason, "template", "reason");
	want_i64(d.attempts, 0, "attempts used");
	want_i64(atomic_load(&s->server.requests), 0, "requests");
	want_rc(store_attempts(s->store, d.key, 0, &a, 1, &n), RC_OK,
	    "attempts");
	want_i64((int64_t)n, 1, "on record");
	assert_non_null(memmem(a.sentence.s, a.sentence.len, "agent", 5));
	store_attempt_clear(&a);
}

static void
after_410_the_subscription_is_disabled_and_the_rest_is_held(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/410", "{}", "{\"concurrency\":1}");
	const struct subscription *now;
	const struct roster *ro;
	struct sweep_report r;

	accept_events(s, sub, 20);
	r = run(s);
	want_i64((int64_t)r.dead, 1, "dead");
	want_i64((int64_t)r.held, 19, "held");
	want_i64((int64_t)r.pending, 0, "pending");
	want_i64(atomic_load(&s->server.requests), 1, "requests");
	want_rc(rosters_get(s->rosters, 0, true, &ro), RC_OK, "roster");
	now = roster_subscription(ro, sub);
	want_i64(subscription_state(now), SUBSCRIPTION_DISABLED, "state");
	want_str(subscription_reason(now), "gone", "reason");
	roster_release(ro);
}

static void
what_is_left_of_a_removed_subscription_is_given_up(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{}");
	uint64_t last = accept_events(s, sub, 100);
	struct buf why = BUF_INIT(512);
	struct sweep_report r;

	want_rc(subscription_remove(&s->config, sub, &why), RC_OK, "%s",
	    buf_str(&why));
	r = run(s);
	want_i64((int64_t)r.dead, 100, "dead");
	want_str(delivery(s, last, sub).reason, "given-up", "reason");
	want_i64(atomic_load(&s->server.requests), 0, "requests");
	buf_free(&why);
}

static void
a_nudge_is_followed_at_once_and_a_pause_within_a_second(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{}");
	struct nudge n = { .n = 1, .lane = { { sub, 0 } } };
	struct buf why = BUF_INIT(512);
	struct sweep *sw = sweep(s);
	int out = nudge_open_sender();
	struct sweep_report r;

	accept_events(s, sub, 1);
	want_rc(sweep_start(sw), RC_OK, "start");
	if (!within(&s->server, 1, PATIENCE_MS))
		fail_msg("what was there at the start did not arrive");
	accept_events(s, sub, 1);
	n.lane[0].due_ms = clock_now_ms();
	nudge_send(out, s->place.store, &n);
	if (!within(&s->server, 2, 1000))
		fail_msg("the nudge was not followed");

	want_rc(subscription_set_state(&s->config, sub, SUBSCRIPTION_PAUSED,
	    "", &why), RC_OK, "pause");
	(void)poll(NULL, 0, 1000);		/* DESIGN 2: that long */
	accept_events(s, sub, 5);
	nudge_send(out, s->place.store, &n);
	if (within(&s->server, 3, 700))
		fail_msg("an attempt was made though it is paused");
	want_rc(sweep_report(sw, &r), RC_OK, "report");
	want_i64((int64_t)r.held, 5, "held");
	want_i64((int64_t)r.delivered, 2, "delivered");

	want_rc(subscription_set_state(&s->config, sub, SUBSCRIPTION_ACTIVE,
	    "", &why), RC_OK, "resume");
	if (!within(&s->server, 7, 2000))
		fail_msg("what was held did not arrive");
	sweep_stop(sw);
	sweep_free(sw);
	close(out);
	buf_free(&why);
}

static void
told_to_stop_it_leaves_due_what_does_not_end_in_time(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/hang", "{}", "{}");
	uint64_t last = accept_events(s, sub, 1);
	struct sweep *sw = sweep(s);
	int64_t begun;
	struct store_delivery d;

	want_rc(sweep_start(sw), RC_OK, "start");
	if (!within(&s->server, 1, PATIENCE_MS))
		fail_msg("it did not start");
	begun = clock_mono_ms();
	sweep_stop(sw);
	if (clock_mono_ms() - begun > SWEEP_GRACE_MS + 1500)
		fail_msg("it took %" PRId64 " ms", clock_mono_ms() - begun);
	sweep_free(sw);
	d = delivery(s, last, sub);
	want_i64(d.state, STORE_IS_PENDING, "state");
	want_i64(d.attempts, 0, "attempts");
}

static void
a_second_sweep_is_told_that_another_is_at_work(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{}");
	struct sweep *first = sweep(s), *second = sweep(s);
	struct sweep_report r;

	accept_events(s, sub, 1);
	want_rc(sweep_start(first), RC_OK, "start");
	if (!within(&s->server, 1, PATIENCE_MS))
		fail_msg("the first does not work");
	want_rc(sweep_run_until_idle(second, 1000), RC_EXISTS, "the second");
	want_rc(sweep_report(second, &r), RC_OK, "report");
	want_i64(r.busy, true, "busy");
	sweep_free(second);
	sweep_stop(first);
	sweep_free(first);
}

static void
rows_behind_the_cursor_are_found_and_none_is_claimed_twice(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{}");
	struct hold *h = hold_new(s->store);
	struct lane_wish w = { .number = sub, .max = 64,
	    .since_ms = INT64_MAX };
	struct lane_rows rows = { NULL, NULL, 0 }, more = rows;
	struct store_settle back = { .outcome = STORE_RETRIED };
	struct parcel *first;
	int64_t next;

	accept_events(s, sub, 10);
	want_rc(hold_claim(h, &w, &rows, &next), RC_OK, "claim");
	want_i64(rows.n, 10, "rows");
	want_i64(next, INT64_MAX, "next");
	want_rc(hold_claim(h, &w, &more, &next), RC_OK, "claim again");
	want_i64(more.n, 0, "rows that are held");

	/* the first one comes back, earlier than all others */
	first = parcel_of(lane_rows_shift(&rows));
	back.due = first->due;
	back.next_ms = first->due.due_ms - 1000;
	back.now_ms = clock_now_ms();
	want_rc(store_settle(s->store, &back, 1, false), RC_OK, "settle");
	hold_drop(h, first);
	w.since_ms = INT64_MAX;
	want_rc(hold_claim(h, &w, &more, &next), RC_OK, "claim ahead");
	want_i64(more.n, 0, "ahead of the cursor");
	w.since_ms = back.next_ms;
	want_rc(hold_claim(h, &w, &more, &next), RC_OK, "claim behind");
	want_i64(more.n, 1, "behind the cursor");
	want_i64(parcel_of(more.first)->due.due_ms, back.next_ms, "due");

	/* released rows come again */
	hold_release(h, &more);
	w.since_ms = INT64_MAX;
	want_rc(hold_claim(h, &w, &more, &next), RC_OK, "claim released");
	want_i64(more.n, 1, "released");
	hold_free(h);
}

#define WITH_SITE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* n events, put off by ahead_ms and more, a second apart; their rows. */
static void
put_off(struct site *s, struct hold *h, uint32_t sub, size_t n,
    int64_t ahead_ms, struct store_due *row)
{
	struct lane_wish w = { .number = sub, .max = 64,
	    .since_ms = INT64_MAX };
	struct lane_rows rows = { NULL, NULL, 0 };
	int64_t now = clock_now_ms(), next;

	accept_events(s, sub, n);
	want_rc(hold_claim(h, &w, &rows, &next), RC_OK, "claim");
	want_i64(rows.n, n, "rows");
	for (size_t i = 0; i < n; i++) {
		struct parcel *p = parcel_of(lane_rows_shift(&rows));
		struct store_settle back = { .due = p->due,
		    .outcome = STORE_RETRIED, .now_ms = now,
		    .next_ms = now + ahead_ms + (int64_t)i * 1000 };

		want_rc(store_settle(s->store, &back, 1, false), RC_OK,
		    "settle");
		row[i] = p->due;
		row[i].due_ms = back.next_ms;
		hold_drop(h, p);
	}
}

static void
a_pull_takes_what_is_due_later_once(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{}");
	struct hold *h = hold_new(s->store);
	struct lane_wish w = { .number = sub, .max = 4,
	    .since_ms = INT64_MAX, .pull = true };
	struct lane_rows rows = { NULL, NULL, 0 };
	struct store_due row[10];
	size_t got = 0;
	int64_t next;

	put_off(s, h, sub, 10, 60000, row);
	accept_events(s, sub, 4);
	want_rc(hold_claim(h, &w, &rows, &next), RC_OK, "claim");
	want_i64(rows.n, 4, "what is due first");
	w.pull = false;
	while (next <= clock_now_ms()) {
		rows = (struct lane_rows){ NULL, NULL, 0 };
		want_rc(hold_claim(h, &w, &rows, &next), RC_OK, "claim");
		for (struct lane_row *r = rows.first; r != NULL; r = r->next)
			want_i64(parcel_of(r)->due.due_ms, row[got++].due_ms,
			    "number %zu", got);
	}
	want_i64((int64_t)got, 10, "pulled, each once");
	want_i64(next, row[0].due_ms, "next");
	hold_free(h);
}

static void
a_probe_is_the_row_that_was_named_or_the_earliest(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{}");
	struct hold *h = hold_new(s->store);
	struct lane_wish w = { .number = sub, .max = 1,
	    .since_ms = INT64_MAX, .probe = true };
	struct lane_rows rows = { NULL, NULL, 0 };
	struct store_due row[3];
	int64_t next;

	put_off(s, h, sub, 3, 60000, row);
	hold_probe(h, sub, &row[1]);
	want_rc(hold_claim(h, &w, &rows, &next), RC_OK, "claim");
	want_i64(rows.n, 1, "rows");
	want_i64((int64_t)parcel_of(rows.first)->due.key.position,
	    (int64_t)row[1].key.position, "the one that was named");
	want_i64(next, row[0].due_ms, "next");
	hold_release(h, &rows);
	row[1].due_ms += 5;			/* one that is not there */
	hold_probe(h, sub, &row[1]);
	want_rc(hold_claim(h, &w, &rows, &next), RC_OK, "claim");
	want_i64((int64_t)parcel_of(rows.first)->due.key.position,
	    (int64_t)row[0].key.position, "the earliest");
	hold_release(h, &rows);
	hold_free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_SITE(what_is_due_arrives_once_and_is_counted),
	    WITH_SITE(a_failure_waits_for_its_next_step),
	    WITH_SITE(a_template_that_can_not_be_rendered_is_dead_unsent),
	    WITH_SITE(
		after_410_the_subscription_is_disabled_and_the_rest_is_held),
	    WITH_SITE(what_is_left_of_a_removed_subscription_is_given_up),
	    WITH_SITE(a_nudge_is_followed_at_once_and_a_pause_within_a_second),
	    WITH_SITE(told_to_stop_it_leaves_due_what_does_not_end_in_time),
	    WITH_SITE(a_second_sweep_is_told_that_another_is_at_work),
	    WITH_SITE(
		rows_behind_the_cursor_are_found_and_none_is_claimed_twice),
	    WITH_SITE(a_pull_takes_what_is_due_later_once),
	    WITH_SITE(a_probe_is_the_row_that_was_named_or_the_earliest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
