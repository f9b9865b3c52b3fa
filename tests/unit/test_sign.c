#include "work/sign.h"
#include "unit.h"

/* The worked examples of the Standard Webhooks reference libraries. */
#define SECRET	"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID	"msg_p5jXN8AQM9LWM0D4loKWxJek"
#define STAMP	1614265330
#define BODY	"{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define PAIR	"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpM"	\
	"KkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
#define SEED	"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
#define PUBLIC	"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
#define SIGNATURE_A "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCIn"	\
	"XqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="

/* Keys with the memory they lie in. */
struct keys {
	struct sign_key	 key[SIGN_KEYS_MAX];
	struct buf	 bytes, out;
};

static int
make(void **state)
{
	static struct keys k;

	k = (struct keys){ .bytes = BUF_INIT(SIGN_KEYS_MAX * SIGN_KEY_MAX),
	    .out = BUF_INIT(SIGN_VALUE_MAX) };
	assert_non_null(buf_room(&k.bytes, k.bytes.max));
	*state = &k;
	return 0;
}

static int
clear(void **state)
{
	struct keys *k = *state;

	buf_free(&k->bytes);
	buf_free(&k->out);
	return 0;
}

static void
read_key(struct keys *k, size_t i, const char *text)
{
	want_rc(sign_key_read(slice_of(text), &k->bytes, &k->key[i]), RC_OK,
	    "%s", text);
}

static const char *
value(struct keys *k, size_t n)
{
	buf_clear(&k->out);
	sign_value(k->key, n, SLICE(ID), STAMP, SLICE(BODY), &k->out);
	want_i64(k->out.over, false, "%zu keys pass SIGN_VALUE_MAX", n);
	return buf_str(&k->out);
}

static void
the_worked_examples_of_the_specification_come_out(void **state)
{
	static const struct {
		const char *secret, *signature, *receiver;
	} t[] = {
		{ SECRET, SIGNATURE, SECRET },
		{ PAIR, SIGNATURE_A, PUBLIC },
		{ SEED, SIGNATURE_A, PUBLIC },
	};
	struct keys *k = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		read_key(k, 0, t[i].secret);
		want_str(value(k, 1), t[i].signature, "by %s", t[i].secret);
		buf_clear(&k->out);
		sign_key_put_receiver(k->key[0], &k->out);
		want_str(buf_str(&k->out), t[i].receiver, "the receiver's");
	}
	buf_clear(&k->out);
	sign_key_put(k->key[0], &k->out);
	want_str(buf_str(&k->out), PAIR, "the pair of a private key alone");
}

/* RFC 8032 section 7.1, tests 1 to 3. */
static void
public_keys_are_those_of_the_standard(void **state)
{
	static const struct { const char *seed, *public; } t[] = {
		{ "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
		    "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" },
		{ "whsk_TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=",
		    "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=" },
		{ "whsk_xaqN9D+fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPc=",
		    "whpk_/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=" },
	};
	struct keys *k = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		read_key(k, i, t[i].seed);
		buf_clear(&k->out);
		sign_key_put_receiver(k->key[i], &k->out);
		want_str(buf_str(&k->out), t[i].public, "test %zu", i + 1);
	}
}

static void
each_secret_of_a_rotation_gives_an_entry_in_order(void **state)
{
	struct keys *k = *state;

	read_key(k, 0, PAIR);
	read_key(k, 1, SECRET);
	want_str(value(k, 2), SIGNATURE_A " " SIGNATURE, "two kinds");
	k->key[2] = k->key[0];
	want_str(value(k, 3), SIGNATURE_A " " SIGNATURE " " SIGNATURE_A,
	    "three");
	want_str(value(k, 0), "", "without a secret");
}

static void
as_many_as_may_sign_fit_in_the_header_of_any_kind(void **state)
{
	struct keys *k = *state;

	for (size_t i = 0; i < SIGN_KEYS_MAX; i++)
		want_rc(sign_key_new(SIGN_V1A, &k->bytes, &k->key[i]), RC_OK,
		    "key %zu", i);
	want_i64((int64_t)strlen(value(k, SIGN_KEYS_MAX)),
	    SIGN_VALUE_MAX - 1, "bytes");
	for (size_t i = 0; i < SIGN_KEYS_MAX; i++)
		for (size_t j = 0; j < i; j++)
			want_i64(sign_key_same(k->key[i], k->key[j]), false,
			    "%zu is %zu", i, j);
	want_rc(sign_key_new(SIGN_V1, &k->bytes, &k->key[0]), RC_TOOBIG,
	    "without room");
}

static void
any_change_of_id_time_body_or_key_changes_the_signature(void **state)
{
	static const struct {
		const char *what, *id, *body;
		int64_t stamp;
		char last;		/* of the key */
	} t[] = {
		{ "the example", ID, BODY, STAMP, '4' },
		{ "id", ID "x", BODY, STAMP, '4' },
		{ "time", ID, BODY, STAMP + 1, '4' },
		{ "body", ID, BODY " ", STAMP, '4' },
		{ "no body", ID, "", STAMP, '4' },
		{ "key", ID, BODY, STAMP, '5' },
	};
	static const enum sign_kind kind[] = { SIGN_V1, SIGN_V1A };
	struct buf out[NELEM(t)];
	char bytes[] = "0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcde4";

	(void)state;
	for (size_t n = 0; n < NELEM(kind); n++) {
		struct sign_key k = { kind[n], { bytes, 64 } };

		for (size_t i = 0; i < NELEM(t); i++) {
			bytes[63] = t[i].last;
			out[i] = (struct buf)BUF_INIT(SIGN_VALUE_MAX);
			sign_value(&k, 1, slice_of(t[i].id), t[i].stamp,
			    slice_of(t[i].body), &out[i]);
			for (size_t j = 0; j < i; j++)
				if (strcmp(out[i].s, out[j].s) == 0)
					fail_msg("%s: got the same as %s",
					    t[i].what, t[j].what);
		}
		for (size_t i = 0; i < NELEM(t); i++)
			buf_free(&out[i]);
	}
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
		{ PAIR, RC_OK, 64 },
		{ SEED, RC_OK, 64 },
		{ "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc", RC_OK,
		    64 },
		{ PUBLIC, RC_DENIED, 0 },
		{ "whpk_", RC_DENIED, 0 },
		{ "whsk_", RC_INVALID, 0 },
		{ "whsk_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", RC_INVALID,
		    0 },
		{ "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", RC_INVALID, 0 },
		{ "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HK"
		    "pMKkioLlX0dRqSKJp4AJ6p9lMicMFs6K", RC_INVALID, 0 },
		/* the public key of another */
		{ "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfXWpgBgrEK"
		    "t9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==", RC_INVALID, 0 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct buf bytes = BUF_INIT(128);
		struct sign_key key;

		want_rc(sign_key_read(slice_of(t[i].text), &bytes, &key),
		    t[i].rc, "%s", t[i].text);
		want_i64((int64_t)bytes.len, t[i].len, "length of %s",
		    t[i].text);
		if (t[i].rc == RC_OK)
			want_slice(key.bytes, buf_as_slice(&bytes), "bytes");
		buf_free(&bytes);
	}
}

static void
new_secrets_are_read_back_as_they_were_put(void **state)
{
	static const struct { enum sign_kind kind; int64_t len; } t[] = {
		{ SIGN_V1, 32 }, { SIGN_V1A, 64 },
	};
	struct keys *k = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(sign_key_new(t[i].kind, &k->bytes, &k->key[0]), RC_OK,
		    "new");
		want_i64((int64_t)k->key[0].bytes.len, t[i].len, "length");
		buf_clear(&k->out);
		sign_key_put(k->key[0], &k->out);
		want_i64(k->out.len <= SIGN_TEXT_MAX, true, "%s is short",
		    buf_str(&k->out));
		read_key(k, 1, buf_str(&k->out));
		want_i64(sign_key_same(k->key[0], k->key[1]), true,
		    "%s is the same", buf_str(&k->out));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_worked_examples_of_the_specification_come_out),
	    TEST(public_keys_are_those_of_the_standard),
	    TEST(each_secret_of_a_rotation_gives_an_entry_in_order),
	    TEST(as_many_as_may_sign_fit_in_the_header_of_any_kind),
	    TEST(any_change_of_id_time_body_or_key_changes_the_signature),
	    TEST(secrets_are_read_with_and_without_prefix_and_padding),
	    TEST(new_secrets_are_read_back_as_they_were_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
