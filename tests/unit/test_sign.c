#include "work/sign.h"
#include "unit.h"

/* The worked example of the Standard Webhooks reference libraries. */
#define SECRET	"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID	"msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STAMP	1614265330
#define BODY	"{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static void
the_worked_example_of_the_specification_comes_out(void **state)
{
	struct buf key = BUF_INIT(64), out = BUF_INIT(SIGN_VALUE_MAX);
	struct slice k;

	(void)state;
	want_rc(sign_key(SLICE(SECRET), &key), RC_OK, "the secret");
	want_i64((int64_t)key.len, 24, "bytes of the key");
	k = buf_as_slice(&key);
	sign_v1(&k, 1, SLICE(ID), STAMP, SLICE(BODY), &out);
	want_str(buf_str(&out), SIGNATURE, "signature");
	buf_free(&key);
	buf_free(&out);
}

static void
each_secret_of_a_rotation_gives_an_entry_in_order(void **state)
{
	struct buf key = BUF_INIT(64), out = BUF_INIT(SIGN_VALUE_MAX);
	struct slice k[2], first, second;
	const char *space;

	(void)state;
	want_rc(sign_key(SLICE(SECRET), &key), RC_OK, "the secret");
	k[0] = SLICE("another key of twenty-four bytes");
	k[1] = buf_as_slice(&key);
	sign_v1(k, 2, SLICE(ID), STAMP, SLICE(BODY), &out);
	space = strchr(buf_str(&out), ' ');
	assert_non_null(space);
	first = (struct slice){ out.s, (size_t)(space - out.s) };
	second = slice_of(space + 1);
	want_slice(second, SLICE(SIGNATURE), "the older secret's entry");
	want_i64((int64_t)first.len, (int64_t)second.len, "the newer's");
	assert_true(memcmp(first.s, "v1,", 3) == 0);
	assert_false(slice_eq(first, second));
	buf_clear(&out);
	sign_v1(k, 0, SLICE(ID), STAMP, SLICE(BODY), &out);
	want_str(buf_str(&out), "", "without a secret");
	buf_free(&key);
	buf_free(&out);
}

static void
any_change_of_id_time_body_or_key_changes_the_signature(void **state)
{
	static const struct {
		const char *what, *id, *body, *key;
		int64_t stamp;
	} t[] = {
		{ "the example", ID, BODY, "k0123456789012345678901234", STAMP },
		{ "id", ID "x", BODY, "k0123456789012345678901234", STAMP },
		{ "time", ID, BODY, "k0123456789012345678901234", STAMP + 1 },
		{ "body", ID, BODY " ", "k0123456789012345678901234", STAMP },
		{ "key", ID, BODY, "k0123456789012345678901235", STAMP },
	};
	struct buf out[NELEM(t)];

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct slice k = slice_of(t[i].key);

		out[i] = (struct buf)BUF_INIT(SIGN_VALUE_MAX);
		sign_v1(&k, 1, slice_of(t[i].id), t[i].stamp,
		    slice_of(t[i].body), &out[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(out[i].s, out[j].s) == 0)
				fail_msg("%s: got the same as %s", t[i].what,
				    t[j].what);
	}
	for (size_t i = 0; i < NELEM(t); i++)
		buf_free(&out[i]);
}

static void
secrets_are_read_with_and_without_prefix_and_padding(void **state)
{
	static const struct { const char *text; enum rc rc; int64_t len; } t[] = {
		{ SECRET, RC_OK, 24 },
		{ "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", RC_OK, 24 },
		{ "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNA==", RC_OK, 25 },
		{ "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNA", RC_OK, 25 },
		{ "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=", RC_INVALID, 0 },
		{ "whsec_", RC_INVALID, 0 },
		{ "", RC_INVALID, 0 },
		{ "====", RC_INVALID, 0 },
		{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*", RC_INVALID, 0 },
		{ "whsec_MfKQ9r8GKYqrTwjU PD8ILPZIo2LaLaSw", RC_INVALID, 0 },
		/* 65 bytes */
		{ "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxM"
		    "jM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ", RC_INVALID, 0 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf key = BUF_INIT(128);

		want_rc(sign_key(slice_of(t[i].text), &key), t[i].rc, "%s",
		    t[i].text);
		want_i64((int64_t)key.len, t[i].len, "length of %s",
		    t[i].text);
		buf_free(&key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_worked_example_of_the_specification_comes_out),
	    cmocka_unit_test(each_secret_of_a_rotation_gives_an_entry_in_order),
	    cmocka_unit_test(
		any_change_of_id_time_body_or_key_changes_the_signature),
	    cmocka_unit_test(
		secrets_are_read_with_and_without_prefix_and_padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
