#include "base/clock.h"
#include "unit_work.h"
#include "work/user.h"

static void
an_operator_gets_in_with_the_password_and_with_no_other(void **state)
{
	struct bench *b = *state;
	char password[64];

	want_rc(user_add(&b->config, "ana", password, sizeof password,
	    &b->why), RC_OK, "add: %s", buf_str(&b->why));
	want_i64((int64_t)strlen(password), 20, "characters");
	want_rc(user_check(&b->config, SLICE("ana"), slice_of(password)),
	    RC_OK, "the password");
	password[0] = password[0] == 'a' ? 'b' : 'a';
	want_rc(user_check(&b->config, SLICE("ana"), slice_of(password)),
	    RC_DENIED, "another");
	want_rc(user_check(&b->config, SLICE("ana"), SLICE("")), RC_DENIED,
	    "none");
	want_rc(user_check(&b->config, SLICE("Ana"), slice_of(password)),
	    RC_DENIED, "another login");
	want_rc(user_check(&b->config, SLICE(""), SLICE("")), RC_DENIED,
	    "nobody");
}

static void
the_password_is_not_in_the_record(void **state)
{
	struct bench *b = *state;
	struct store_record rec = STORE_RECORD_INIT;
	char password[64];

	want_rc(user_add(&b->config, "ana", password, sizeof password,
	    &b->why), RC_OK, "add");
	want_rc(store_record_get(b->st, STORE_USER, 1, 0, &rec), RC_OK,
	    "record");
	assert_non_null(memmem(rec.raw.s, rec.raw.len, "$argon2id$", 10));
	assert_null(memmem(rec.raw.s, rec.raw.len, password,
	    strlen(password)));
	store_record_clear(&rec);
}

static void
a_login_is_there_once_and_is_usable(void **state)
{
	static const char *const bad[] = { "", "a:b", "\xff" };
	struct bench *b = *state;
	char password[64];

	want_rc(user_add(&b->config, "ana", password, sizeof password,
	    &b->why), RC_OK, "first");
	want_rc(user_add(&b->config, "ana", password, sizeof password,
	    &b->why), RC_EXISTS, "second");
	for (size_t i = 0; i < NELEM(bad); i++)
		want_rc(user_add(&b->config, bad[i], password,
		    sizeof password, &b->why), RC_INVALID, "login %zu", i);
	want_rc(user_add(&b->config, "eva", password, 20, &b->why),
	    RC_TOOBIG, "a buffer that is too small");
	want_rc(user_check(&b->config, SLICE("eva"), SLICE("")), RC_DENIED,
	    "eva");
}

/* The fastest of a few checks, which the machine's other work disturbs. */
static int64_t
fastest_us(struct bench *b, const char *login)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		int64_t us = clock_mono_us();

		want_rc(user_check(&b->config, slice_of(login),
		    SLICE("guess")), RC_DENIED, "a guess");
		us = clock_mono_us() - us;
		best = us < best ? us : best;
	}
	return best;
}

static void
a_login_that_nobody_has_takes_as_long_to_refuse(void **state)
{
	struct bench *b = *state;
	int64_t somebody, nobody, first;
	char password[64];

	want_rc(user_add(&b->config, "ana", password, sizeof password,
	    &b->why), RC_OK, "add");
	first = clock_mono_us();
	want_rc(user_check(&b->config, SLICE("eva"), SLICE("guess")),
	    RC_DENIED, "the first of the process");
	first = clock_mono_us() - first;
	somebody = fastest_us(b, "ana");
	nobody = fastest_us(b, "eva");
	if (nobody < somebody / 2 || nobody > somebody * 2 ||
	    first < somebody / 2)
		fail_msg("got %d us first and %d us for nobody, want about "
		    "the %d us for somebody", (int)first, (int)nobody,
		    (int)somebody);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_make, bench_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_login_that_nobody_has_takes_as_long_to_refuse),
	    TEST(an_operator_gets_in_with_the_password_and_with_no_other),
	    TEST(the_password_is_not_in_the_record),
	    TEST(a_login_is_there_once_and_is_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
