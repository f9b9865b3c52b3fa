#include "deliver/retry.h"
#include "unit.h"

#define NOW	INT64_C(1795514400000)	/* Tue, 24 Nov 2026 10:00:00 GMT */
#define DAY	INT64_C(86400000)

static const struct task_settings usual = {
	.retry_ms = { 5000, 300000, 1800000, 7200000, 18000000, 36000000,
	    50400000, 72000000, 86400000 },
	.nretry = 9,
};

static struct retry
decide(const struct task_settings *s, uint16_t attempts, int status,
    const char *after, uint32_t random, int64_t accepted_ms)
{
	struct retry r = { .settings = s, .now_ms = NOW,
	    .accepted_ms = accepted_ms, .attempts = attempts,
	    .status = status, .retry_after = slice_of(after),
	    .random = random };

	retry_decide(&r);
	return r;
}

static void
delay_follows_the_schedule_with_jitter_of_0_to_10_percent(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < usual.nretry; i++) {
		struct retry least = decide(&usual, i, 500, NULL, 0, NOW);
		struct retry most = decide(&usual, i, 500, NULL, UINT32_MAX,
		    NOW);
		int64_t step = usual.retry_ms[i];

		assert_null(least.dead);
		want_i64(least.next_ms, NOW + step, "least after %u", i + 1);
		want_i64(least.used, i + 1, "used");
		if (most.next_ms <= NOW + step + step / 10 - step / 100 ||
		    most.next_ms > NOW + step + step / 10)
			fail_msg("after %u: got %" PRId64 ", want 10 %% more "
			    "than %" PRId64, i + 1, most.next_ms - NOW, step);
	}
}

static void
after_its_last_step_it_is_exhausted(void **state)
{
	struct task_settings none = { .nretry = 0 };
	struct retry r = decide(&usual, 9, 500, NULL, 0, NOW);

	(void)state;
	want_str(r.dead, "exhausted", "after attempt 10");
	want_i64(r.used, 10, "used");
	r = decide(&none, 0, 503, "5", 0, NOW);
	want_str(r.dead, "exhausted", "with no steps at all");
}

static void
seven_days_after_acceptance_it_is_dead_whatever_its_count(void **state)
{
	struct retry r;

	(void)state;
	r = decide(&usual, 0, 500, NULL, 0, NOW - 7 * DAY + 5000);
	assert_null(r.dead);		/* the next one is just in time */
	r = decide(&usual, 0, 500, NULL, 0, NOW - 7 * DAY + 4999);
	want_str(r.dead, "deadline", "the next one would be too late");
	r = decide(&usual, 0, 429, "86400", 0, NOW - 6 * DAY - 1);
	want_str(r.dead, "deadline", "what was asked for is too late");
}

static void
retry_after_counts_on_429_and_503_between_the_step_and_a_day(void **state)
{
	static const struct {
		int status;
		uint16_t attempts;
		const char *after;
		int64_t want_ms;
		int used;
	} t[] = {
		{ 503, 0, "60", 60000, 0 },
		{ 429, 0, "60", 60000, 0 },
		{ 500, 0, "60", 5000, 1 },
		{ 404, 0, "60", 5000, 1 },
		{ 503, 0, "2", 5000, 0 },	/* no less than the step */
		{ 503, 1, "0", 300000, 1 },
		{ 503, 0, "86400", DAY, 0 },
		{ 503, 0, "86401", DAY, 0 },
		{ 503, 0, "99999999999999999999999", DAY, 0 },
		{ 503, 0, "Tue, 24 Nov 2026 10:01:00 GMT", 60000, 0 },
		{ 503, 0, "Tue, 24 Nov 2026 09:00:00 GMT", 5000, 0 },
		{ 503, 0, "soon", 5000, 1 },
		{ 503, 0, "-5", 5000, 1 },
		{ 503, 0, "", 5000, 1 },
		{ 503, 9, "60", DAY, 9 },	/* does not use the last one */
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct retry r = decide(&usual, t[i].attempts, t[i].status,
		    t[i].after, 0, NOW);

		if (r.dead != NULL)
			fail_msg("%s: got dead %s", t[i].after, r.dead);
		want_i64(r.next_ms - NOW, t[i].want_ms, "%d %s", t[i].status,
		    t[i].after);
		want_i64(r.used, t[i].used, "used by %d %s", t[i].status,
		    t[i].after);
	}
}

static void
an_endless_retry_after_0_is_not_a_loop(void **state)
{
	struct task_settings s = { .retry_ms = { 0 }, .nretry = 1 };
	struct retry r = decide(&s, 0, 503, "0", 0, NOW);

	(void)state;
	want_i64(r.next_ms - NOW, 1000, "delay");
}

static void
an_attempt_before_its_time_uses_none_and_moves_nothing(void **state)
{
	struct retry r = { .settings = &usual, .now_ms = NOW,
	    .accepted_ms = NOW, .attempts = 9, .status = 500,
	    .early_ms = NOW + 60000 };

	(void)state;
	retry_decide(&r);
	assert_null(r.dead);
	want_i64(r.used, 9, "used");
	want_i64(r.next_ms, NOW + 60000, "next");
	r.early_ms = NOW - 1;		/* its time came while it was made */
	retry_decide(&r);
	assert_null(r.dead);
	want_i64(r.used, 9, "used");
	want_i64(r.next_ms, NOW + 1000, "next");
	r.early_ms = NOW + 60000;
	r.status = 429;
	r.retry_after = SLICE("90");
	retry_decide(&r);
	want_i64(r.next_ms, NOW + 90000, "next, as asked for");
	want_i64(r.asked_ms, 90000, "asked for");
	r.accepted_ms = NOW - 7 * DAY + 30000;
	retry_decide(&r);
	want_str(r.dead, "deadline", "past its deadline");
}

static void
what_failed_by_our_fault_uses_no_attempt(void **state)
{
	struct task_settings none = { .nretry = 0 };
	struct retry r = { .settings = &usual, .now_ms = NOW,
	    .accepted_ms = NOW, .attempts = 9, .ours = true };

	(void)state;
	retry_decide(&r);
	assert_null(r.dead);
	want_i64(r.used, 9, "used");
	want_i64(r.next_ms, NOW + DAY, "next");
	r.settings = &none;
	r.attempts = 0;
	retry_decide(&r);
	assert_null(r.dead);
	want_i64(r.next_ms, NOW + 5000, "next without a schedule");
}

static void
dates_are_read_in_all_three_forms(void **state)
{
	static const struct { const char *text; enum rc rc; int64_t want; } t[] = {
		{ "Tue, 24 Nov 2026 10:00:30 GMT", RC_OK, 30000 },
		{ " Tue, 24 Nov 2026 10:00:30 GMT\r\n", RC_OK, 30000 },
		{ "Tuesday, 24-Nov-26 10:00:30 GMT", RC_OK, 30000 },
		{ "Tue Nov 24 10:00:30 2026", RC_OK, 30000 },
		{ "Sun Nov  6 08:49:37 1994", RC_OK, 0 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", RC_OK, 0 },
		{ "Tue, 24 Nov 2026 10:00:30 CET", RC_INVALID, 0 },
		{ "Tue, 30 Feb 2027 10:00:30 GMT", RC_INVALID, 0 },
		{ "Tue, 24 Foo 2026 10:00:30 GMT", RC_INVALID, 0 },
		{ "Tue, 24 Nov 2026 25:00:30 GMT", RC_INVALID, 0 },
		{ "Tue, 24 Nov 2026 10:00:30 GMTx", RC_INVALID, 0 },
		{ "12 ", RC_OK, 12000 },
		{ "1 2", RC_INVALID, 0 },
		{ "1.5", RC_INVALID, 0 },
		{ "+1", RC_INVALID, 0 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		int64_t got = 0;

		want_rc(retry_after(slice_of(t[i].text), NOW, &got), t[i].rc,
		    "\"%s\"", t[i].text);
		want_i64(got, t[i].want, "\"%s\"", t[i].text);
	}
	want_rc(retry_after((struct slice){ "5\0006", 3 }, NOW,
	    &(int64_t){ 0 }), RC_INVALID, "a NUL inside");
}

static void
a_due_time_no_schedule_can_have_set_is_too_far(void **state)
{
	static const struct task_settings week = { .retry_ms = { 7 * DAY },
	    .nretry = 1 };
	static const struct {
		const struct task_settings *s;
		int64_t ahead;
		bool want;
	} t[] = {
		{ &usual, -DAY, false },
		{ &usual, 0, false },
		{ &usual, DAY + DAY / 10, false },
		{ &usual, DAY + DAY / 10 + 1, true },
		{ &week, 7 * DAY + 7 * DAY / 10, false },
		{ &week, 7 * DAY + 7 * DAY / 10 + 1, true },
		{ NULL, DAY + DAY / 10 + 1, true },
		{ NULL, DAY, false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_i64(retry_too_far(t[i].s, NOW + t[i].ahead, NOW),
		    t[i].want, "%" PRId64 " ms ahead", t[i].ahead);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		delay_follows_the_schedule_with_jitter_of_0_to_10_percent),
	    cmocka_unit_test(after_its_last_step_it_is_exhausted),
	    cmocka_unit_test(
		seven_days_after_acceptance_it_is_dead_whatever_its_count),
	    cmocka_unit_test(
		retry_after_counts_on_429_and_503_between_the_step_and_a_day),
	    cmocka_unit_test(an_endless_retry_after_0_is_not_a_loop),
	    cmocka_unit_test(
		an_attempt_before_its_time_uses_none_and_moves_nothing),
	    cmocka_unit_test(what_failed_by_our_fault_uses_no_attempt),
	    cmocka_unit_test(dates_are_read_in_all_three_forms),
	    cmocka_unit_test(a_due_time_no_schedule_can_have_set_is_too_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
