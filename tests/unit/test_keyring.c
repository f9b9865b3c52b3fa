#include "work/keyring.h"
#include "unit.h"

#define T	((int64_t)1795000000000)
#define HOUR	((int64_t)3600 * 1000)
#define DAY	(24 * HOUR)

/* Keys that are told apart by their letter. */
static char bytes[26][SIGN_KEY_MAX];

static struct sign_key
v1(char letter)
{
	char *s = bytes[letter - 'a'];

	memset(s, letter, SIGN_KEY_MAX);
	return (struct sign_key){ SIGN_V1, { s, SIGN_KEY_MIN } };
}

static struct sign_key
v1a(char letter)
{
	struct sign_key key = v1(letter);

	return (struct sign_key){ SIGN_V1A, { key.bytes.s, SIGN_KEY_MAX } };
}

/* "a(v1a)@2h b@-" : who is there and until when, in hours after T. */
static const char *
drawn(const struct keyring *k, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < k->n; i++) {
		buf_puts(out, i > 0 ? " " : "");
		buf_putc(out, k->key[i].bytes.s[0]);
		if (k->key[i].kind == SIGN_V1A)
			buf_puts(out, "(v1a)");
		buf_puts(out, "@");
		if (k->until_ms[i] == 0)
			buf_putc(out, '-');
		else
			buf_i64(out, (k->until_ms[i] - T) / HOUR);
	}
	return buf_str(out);
}

static void
rotate(struct keyring *k, struct sign_key key, int64_t now_ms,
    int64_t overlap_ms)
{
	want_rc(keyring_rotate(k, key, now_ms, overlap_ms), RC_OK, "rotate");
}

static void
the_older_ones_get_an_end_and_keep_one_that_is_sooner(void **state)
{
	struct keyring k = { .n = 0 };
	struct buf out = BUF_INIT(1024);

	(void)state;
	rotate(&k, v1('a'), T, DAY);
	want_str(drawn(&k, &out), "a@-", "the first");
	rotate(&k, v1('b'), T, DAY);
	want_str(drawn(&k, &out), "b@- a@24", "the second");
	rotate(&k, v1('c'), T + HOUR, 2 * DAY);
	want_str(drawn(&k, &out), "c@- b@49 a@24", "a longer overlap");
	rotate(&k, v1('d'), T + 2 * HOUR, HOUR);
	want_str(drawn(&k, &out), "d@- c@3 b@3 a@3", "a shorter one");
	want_i64(k.since_ms[0], T + 2 * HOUR, "since");
	want_i64(k.since_ms[3], T, "the oldest's since");
	buf_free(&out);
}

static void
one_signs_until_its_end_and_not_at_it(void **state)
{
	struct keyring k = { .n = 0 };

	(void)state;
	want_i64((int64_t)keyring_living(&k, T), 0, "none");
	rotate(&k, v1('a'), T, 0);
	rotate(&k, v1('b'), T, DAY);
	rotate(&k, v1('c'), T, HOUR);
	rotate(&k, v1('d'), T, 30 * 60 * 1000);
	rotate(&k, v1('e'), T, 7 * DAY);
	want_i64((int64_t)keyring_living(&k, T + HOUR / 2 - 1), 5, "before");
	want_i64((int64_t)keyring_living(&k, T + HOUR / 2), 2, "at its end");
	want_i64((int64_t)keyring_living(&k, INT64_MAX), 1, "for ever");
	want_i64((int64_t)keyring_living(&k, 0), 5, "a clock set back");
	k = (struct keyring){ .n = 0 };
	rotate(&k, v1('a'), T, 0);
	rotate(&k, v1('b'), T, DAY);
	rotate(&k, v1('c'), T + HOUR, 3 * DAY);
	want_i64((int64_t)keyring_living(&k, T + DAY - 1), 3, "before");
	want_i64((int64_t)keyring_living(&k, T + DAY), 2, "after the first");
	want_i64((int64_t)keyring_living(&k, T + 3 * DAY + HOUR - 1), 2,
	    "before the second's");
	want_i64((int64_t)keyring_living(&k, T + 3 * DAY + HOUR), 1, "after");
}

static void
an_overlap_of_nothing_leaves_the_new_one_alone(void **state)
{
	struct keyring k = { .n = 0 };
	struct buf out = BUF_INIT(1024);

	(void)state;
	for (char c = 'a'; c <= 'h'; c++)
		rotate(&k, v1(c), T, DAY);
	want_i64((int64_t)k.n, 8, "as many as may be");
	rotate(&k, v1a('i'), T, 0);
	want_str(drawn(&k, &out), "i(v1a)@-", "after it");
	buf_free(&out);
}

static void
ended_ones_are_dropped_when_something_is_written(void **state)
{
	struct keyring k = { .n = 0 }, got;
	struct buf out = BUF_INIT(1024), raw = BUF_INIT(KEYRING_RAW_MAX);

	(void)state;
	rotate(&k, v1('a'), T, 0);
	rotate(&k, v1a('b'), T, HOUR);
	rotate(&k, v1('c'), T, DAY);
	want_str(drawn(&k, &out), "c@- b(v1a)@24 a@1", "all");
	keyring_write(&k, T + HOUR, &raw);
	want_rc(keyring_read(&got, buf_as_slice(&raw)), RC_OK, "read");
	want_str(drawn(&got, &out), "c@- b(v1a)@24", "written");
	rotate(&k, v1('d'), T + 2 * HOUR, DAY);
	want_str(drawn(&k, &out), "d@- c@26 b(v1a)@24", "rotated");
	buf_free(&out);
	buf_free(&raw);
}

static void
a_rotation_beyond_what_may_sign_is_refused_until_one_has_ended(void **state)
{
	struct keyring k = { .n = 0 };
	struct buf was = BUF_INIT(1024), out = BUF_INIT(1024);

	(void)state;
	for (char c = 'a'; c <= 'h'; c++)
		rotate(&k, v1(c), T + (c - 'a') * HOUR, DAY);
	(void)drawn(&k, &was);
	want_str(buf_str(&was), "h@- g@31 f@30 e@29 d@28 c@27 b@26 a@25",
	    "all");
	want_rc(keyring_rotate(&k, v1('i'), T + 25 * HOUR - 1, HOUR),
	    RC_TOOBIG, "one more");
	want_str(drawn(&k, &out), buf_str(&was), "left as it was");
	rotate(&k, v1('h'), T + 25 * HOUR - 1, DAY);
	want_str(drawn(&k, &out), buf_str(&was), "one that is there");
	rotate(&k, v1('i'), T + 25 * HOUR, DAY);
	want_str(drawn(&k, &out), "i@- h@49 g@31 f@30 e@29 d@28 c@27 b@26",
	    "when one has ended");
	buf_free(&was);
	buf_free(&out);
}

static void
one_that_signs_already_becomes_the_newest(void **state)
{
	struct keyring k = { .n = 0 };
	struct buf out = BUF_INIT(1024);

	(void)state;
	rotate(&k, v1('a'), T, 0);
	rotate(&k, v1('b'), T, DAY);
	rotate(&k, v1('c'), T, DAY);
	rotate(&k, v1('a'), T, DAY);
	want_str(drawn(&k, &out), "a@- c@24 b@24", "the oldest again");
	rotate(&k, v1('a'), T, HOUR);
	want_str(drawn(&k, &out), "a@- c@1 b@1", "the newest again");
	rotate(&k, v1a('a'), T, HOUR);
	want_str(drawn(&k, &out), "a(v1a)@- a@1 c@1 b@1", "of another kind");
	rotate(&k, v1('a'), T, 0);
	want_str(drawn(&k, &out), "a@-", "alone");
	buf_free(&out);
}

static void
what_was_written_is_read_again(void **state)
{
	struct keyring k = { .n = 0 }, got;
	struct buf one = BUF_INIT(1024), two = BUF_INIT(1024);
	struct buf raw = BUF_INIT(KEYRING_RAW_MAX);

	(void)state;
	for (char c = 'a'; c <= 'h'; c++)
		rotate(&k, c % 2 == 0 ? v1(c) : v1a(c), T + c, DAY);
	keyring_write(&k, T, &raw);
	want_i64(raw.over, false, "over KEYRING_RAW_MAX");
	want_rc(keyring_read(&got, buf_as_slice(&raw)), RC_OK, "read");
	want_str(drawn(&got, &two), drawn(&k, &one), "the same");
	for (size_t i = 0; i < k.n; i++) {
		want_i64(got.since_ms[i], k.since_ms[i], "since of %zu", i);
		want_slice(got.key[i].bytes, k.key[i].bytes, "%zu", i);
	}
	/* cut anywhere but between two of them it is nothing */
	for (size_t len = 0; len < raw.len; len++) {
		enum rc rc = keyring_read(&got, (struct slice){ raw.s, len });

		if (rc == RC_OK && got.n > 0 && got.n < k.n)
			continue;
		want_rc(rc, RC_INVALID, "%zu bytes", len);
		want_i64((int64_t)got.n, 0, "of %zu bytes", len);
	}
	buf_free(&one);
	buf_free(&two);
	buf_free(&raw);
}

static void
a_list_from_before_is_read_as_v1_without_ends(void **state)
{
	static const struct { struct slice raw; const char *want; } t[] = {
		{ SLICE("\0\4aaaa"), "a@-" },
		{ SLICE("\0\4aaaa\0\3bbb\0\4cccc"), "a@- b@- c@-" },
		{ SLICE("\0\4aaaa\0\3bbb\0\4aaaa"), "a@- b@-" },
		{ SLICE(""), NULL },
		{ SLICE("\0\4aaa"), NULL },
		{ SLICE("\0\4aaaa\0\0"), NULL },
		{ SLICE("\0\1a\0\1b\0\1c\0\1d\0\1e\0\1f\0\1g\0\1h\0\1i"),
		    NULL },
	};
	struct keyring k;
	struct buf out = BUF_INIT(1024);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(keyring_read(&k, t[i].raw), t[i].want == NULL ?
		    RC_INVALID : RC_OK, "list %zu", i);
		want_str(drawn(&k, &out), t[i].want == NULL ? "" : t[i].want,
		    "list %zu", i);
	}
	want_rc(keyring_read(&k, t[1].raw), RC_OK, "again");
	rotate(&k, v1('d'), T, HOUR);
	want_str(drawn(&k, &out), "d@- a@1 b@1 c@1", "rotated");
	buf_free(&out);
}

#define HEAD	"\0\0\1"
#define EIGHT(c) "\0\0\0\0\0\0\0" c
#define K24	"aaaaaaaaaaaaaaaaaaaaaaaa"

static void
what_no_program_has_written_is_refused(void **state)
{
	static const struct { const char *what; struct slice raw; } t[] = {
		{ "nobody in it", SLICE(HEAD) },
		{ "another format", SLICE("\0\0\2\0" EIGHT("\0") EIGHT("\0")
		    "\0\30" K24) },
		{ "another kind", SLICE(HEAD "\2" EIGHT("\0") EIGHT("\0")
		    "\0\30" K24) },
		{ "a pair that is short", SLICE(HEAD "\1" EIGHT("\0")
		    EIGHT("\0") "\0\30" K24) },
		{ "no bytes", SLICE(HEAD "\0" EIGHT("\0") EIGHT("\0")
		    "\0\0") },
		{ "a newest that ends", SLICE(HEAD "\0" EIGHT("\0")
		    EIGHT("\1") "\0\30" K24) },
		{ "one twice", SLICE(HEAD "\0" EIGHT("\0") EIGHT("\0")
		    "\0\30" K24 "\0" EIGHT("\0") EIGHT("\1") "\0\30" K24) },
	};
	struct keyring k;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++)
		want_rc(keyring_read(&k, t[i].raw), RC_INVALID, "%s",
		    t[i].what);
}

static void
none_ends_later_than_a_newer_one(void **state)
{
	struct keyring k = { .n = 0 };
	struct buf out = BUF_INIT(1024);

	(void)state;
	want_rc(keyring_add(&k, v1('a'), 0, T), RC_INVALID, "a newest");
	want_rc(keyring_add(&k, v1('a'), 0, 0), RC_OK, "the newest");
	want_rc(keyring_add(&k, v1('a'), 0, 0), RC_EXISTS, "twice");
	want_rc(keyring_add(&k, v1('b'), 0, -1), RC_INVALID, "before 1970");
	want_rc(keyring_add(&k, v1('b'), 0, 0), RC_OK, "without an end");
	want_rc(keyring_add(&k, v1('c'), 0, T + 2 * HOUR), RC_OK, "an end");
	want_rc(keyring_add(&k, v1('d'), 0, 0), RC_INVALID, "none now");
	want_rc(keyring_add(&k, v1('d'), 0, T + 2 * HOUR + 1), RC_INVALID,
	    "later");
	want_rc(keyring_add(&k, v1('d'), 0, T + 2 * HOUR), RC_OK, "the same");
	want_str(drawn(&k, &out), "a@- b@- c@2 d@2", "all");
	for (char c = 'e'; c <= 'h'; c++)
		want_rc(keyring_add(&k, v1(c), 0, T), RC_OK, "%c", c);
	want_rc(keyring_add(&k, v1('i'), 0, T), RC_TOOBIG, "the ninth");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_older_ones_get_an_end_and_keep_one_that_is_sooner),
	    cmocka_unit_test(one_signs_until_its_end_and_not_at_it),
	    cmocka_unit_test(an_overlap_of_nothing_leaves_the_new_one_alone),
	    cmocka_unit_test(ended_ones_are_dropped_when_something_is_written),
	    cmocka_unit_test(
		a_rotation_beyond_what_may_sign_is_refused_until_one_has_ended),
	    cmocka_unit_test(one_that_signs_already_becomes_the_newest),
	    cmocka_unit_test(what_was_written_is_read_again),
	    cmocka_unit_test(a_list_from_before_is_read_as_v1_without_ends),
	    cmocka_unit_test(what_no_program_has_written_is_refused),
	    cmocka_unit_test(none_ends_later_than_a_newer_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
