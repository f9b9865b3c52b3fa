#include <pthread.h>
#include "base/clock.h"
#include "work/config_record.h"
#include "unit_work.h"

#define T	((int64_t)1795000000000)
#define HOUR	((int64_t)3600 * 1000)

/* A bench with a subscription on it. */
struct fixture {
	struct bench	*b;
	uint32_t	 sub;
	struct sign_key	 key[10];	/* new ones, of no subscription yet */
	struct buf	 bytes;
};

static int
make(void **state)
{
	static struct fixture f;
	void *b;

	if (bench_make(&b) != 0)
		return -1;
	f = (struct fixture){ .b = b,
	    .bytes = BUF_INIT(NELEM(f.key) * SIGN_KEY_MAX) };
	f.sub = bench_subscription(b, bench_client(b, NULL), UNIT_TASK);
	assert_non_null(buf_room(&f.bytes, f.bytes.max));
	for (size_t i = 0; i < NELEM(f.key); i++)
		want_rc(sign_key_new(i % 2 == 0 ? SIGN_V1 : SIGN_V1A,
		    &f.bytes, &f.key[i]), RC_OK, "key %zu", i);
	*state = &f;
	return 0;
}

static int
clear(void **state)
{
	struct fixture *f = *state;
	void *b = f->b;

	buf_free(&f->bytes);
	return bench_remove(&b);
}

static struct subscription_rotation
rotate(struct fixture *f, size_t i, int64_t now_ms, int64_t overlap_ms)
{
	struct subscription_rotation r = { .key = f->key[i],
	    .now_ms = now_ms, .overlap_ms = overlap_ms };

	buf_clear(&f->b->why);
	want_rc(subscription_rotate(&f->b->config, f->sub, &r, &f->b->why),
	    RC_OK, "rotate to %zu: %s", i, buf_str(&f->b->why));
	return r;
}

/* "2 1 0 -" : which of f->key sign at a time; "-": another one. */
static void
want_signing(struct fixture *f, int64_t now_ms, const char *want)
{
	const struct roster *r = bench_roster(f->b->rosters);
	const struct sign_key *key;
	struct buf got = BUF_INIT(256);
	size_t n;

	n = subscription_keys(roster_subscription(r, f->sub), now_ms, &key);
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (j < NELEM(f->key) && !sign_key_same(f->key[j], key[i]))
			j++;
		buf_puts(&got, i > 0 ? " " : "");
		if (j < NELEM(f->key))
			buf_i64(&got, (int64_t)j);
		else
			buf_putc(&got, '-');
	}
	want_str(buf_str(&got), want, "at T%+" PRId64 " ms", now_ms - T);
	roster_release(r);
	buf_free(&got);
}

static void
the_new_secret_signs_first_and_the_old_ones_until_they_end(void **state)
{
	struct fixture *f = *state;
	struct subscription_rotation r;

	want_signing(f, T, "-");
	r = rotate(f, 0, T, HOUR);
	want_i64((int64_t)r.older, 1, "older");
	want_i64(r.until_ms, T + HOUR, "until");
	r = rotate(f, 1, T + HOUR / 2, 3 * HOUR);
	want_i64((int64_t)r.older, 2, "older");
	want_i64(r.until_ms, T + 3 * HOUR + HOUR / 2, "until");
	want_signing(f, T, "1 0 -");
	want_signing(f, T + HOUR - 1, "1 0 -");
	want_signing(f, T + HOUR, "1 0");
	want_signing(f, r.until_ms - 1, "1 0");
	want_signing(f, r.until_ms, "1");
	r = rotate(f, 2, T, 0);
	want_i64((int64_t)r.older, 0, "older");
	want_i64(r.until_ms, 0, "until");
	want_signing(f, T, "2");
}

static void
a_rotation_changes_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct subscription_record was = SUBSCRIPTION_RECORD_INIT;
	struct subscription_record is = SUBSCRIPTION_RECORD_INIT;
	struct store_record one = STORE_RECORD_INIT, two = STORE_RECORD_INIT;
	struct buf text = BUF_INIT(SIGN_TEXT_MAX);

	want_rc(subscription_set_state(&f->b->config, f->sub,
	    SUBSCRIPTION_DISABLED, "gone", &f->b->why), RC_OK, "disable");
	want_rc(store_record_get(f->b->st, STORE_SUBSCRIPTION, f->sub, 0,
	    &one), RC_OK, "before");
	want_rc(subscription_record_read(&was, one.body), RC_OK, "read");
	(void)rotate(f, 0, T, HOUR);
	want_rc(store_record_get(f->b->st, STORE_SUBSCRIPTION, f->sub, 0,
	    &two), RC_OK, "after");
	want_rc(subscription_record_read(&is, two.body), RC_OK, "read");
	want_i64((int64_t)two.version, (int64_t)one.version + 1, "version");
	want_i64(is.client, was.client, "client");
	want_i64(is.state, SUBSCRIPTION_DISABLED, "state");
	want_slice(is.reason, SLICE("gone"), "reason");
	want_slice(is.task, was.task, "task");
	want_slice(is.interest, was.interest, "interest");
	sign_key_put(f->key[0], &text);
	assert_null(memmem(two.raw.s, two.raw.len, text.s + 6, text.len - 6));
	store_record_clear(&one);
	store_record_clear(&two);
	buf_free(&was.text);
	buf_free(&is.text);
	buf_free(&text);
}

/* As versions before this one kept them. */
static void
secrets_from_before_have_no_end_until_a_rotation(void **state)
{
	struct fixture *f = *state;
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	struct buf raw = BUF_INIT(256), sealed = BUF_INIT(1024);
	struct buf body = BUF_INIT(STORE_RECORD_MAX);
	uint32_t n = f->sub;
	struct keyring k;

	want_rc(store_record_get(f->b->st, STORE_SUBSCRIPTION, n, 0, &rec),
	    RC_OK, "get");
	want_rc(subscription_record_read(&s, rec.body), RC_OK, "read");
	for (size_t i = 0; i < 4; i += 2) {
		buf_be16(&raw, (uint16_t)f->key[i].bytes.len);
		buf_slice(&raw, f->key[i].bytes);
	}
	crypt_seal(f->b->config.crypt, buf_as_slice(&raw), &sealed);
	s.secrets = buf_as_slice(&sealed);
	subscription_record_write(&s, &body);
	want_rc(store_record_put(f->b->st, STORE_SUBSCRIPTION, &n,
	    &rec.version, buf_as_slice(&body)), RC_OK, "put");
	want_signing(f, INT64_MAX, "0 2");
	buf_free(&raw);
	raw = (struct buf)BUF_INIT(KEYRING_RAW_MAX);
	want_rc(subscription_secrets(&f->b->config, n, &raw, &k,
	    &f->b->why), RC_OK, "%s", buf_str(&f->b->why));
	want_i64((int64_t)k.n, 2, "secrets");
	want_i64(k.since_ms[1], rec.created_ms, "since");
	want_i64(k.until_ms[1], 0, "until");
	(void)rotate(f, 1, T, HOUR);
	want_signing(f, T, "1 0 2");
	want_signing(f, T + HOUR, "1");
	store_record_clear(&rec);
	buf_free(&s.text);
	buf_free(&raw);
	buf_free(&sealed);
	buf_free(&body);
}

static void
one_too_many_is_refused_with_the_time_when_there_is_room(void **state)
{
	struct fixture *f = *state;
	struct subscription_rotation r = { .key = f->key[9] };
	char when[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < 7; i++)
		(void)rotate(f, i, T + (int64_t)i * 1000, HOUR);
	r.now_ms = T + HOUR - 1;
	r.overlap_ms = HOUR;
	want_rc(subscription_rotate(&f->b->config, f->sub, &r, &f->b->why),
	    RC_TOOBIG, "the ninth");
	clock_format(T + HOUR, when);
	if (strstr(buf_str(&f->b->why), "8 secrets sign") == NULL ||
	    strstr(buf_str(&f->b->why), when) == NULL)
		fail_msg("got \"%s\", want 8 and %s in it",
		    buf_str(&f->b->why), when);
	want_signing(f, T + HOUR - 1, "6 5 4 3 2 1 0 -");
	(void)rotate(f, 9, T + HOUR, HOUR);
	want_signing(f, T + HOUR, "9 6 5 4 3 2 1 0");
	(void)rotate(f, 8, T + HOUR, 0);
	want_signing(f, T + HOUR, "8");
}

struct rotator {
	struct fixture	*f;
	size_t		 i;
	enum rc		 rc;
};

static void *
rotate_one(void *arg)
{
	struct rotator *it = arg;
	struct subscription_rotation r = { .key = it->f->key[it->i],
	    .now_ms = T, .overlap_ms = HOUR };
	struct buf why = BUF_INIT(1024);

	for (int n = 0; n < 50 && it->rc == RC_OK; n++)
		do
			it->rc = subscription_rotate(&it->f->b->config,
			    it->f->sub, &r, &why);
		while (it->rc == RC_RETRY);
	buf_free(&why);
	return NULL;
}

static void
rotations_at_once_lose_none(void **state)
{
	struct fixture *f = *state;
	struct rotator it[7];
	pthread_t thread[NELEM(it)];
	struct buf raw = BUF_INIT(KEYRING_RAW_MAX);
	struct keyring k;

	for (size_t i = 0; i < NELEM(it); i++) {
		it[i] = (struct rotator){ .f = f, .i = i };
		assert_int_equal(pthread_create(&thread[i], NULL, rotate_one,
		    &it[i]), 0);
	}
	for (size_t i = 0; i < NELEM(it); i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		want_rc(it[i].rc, RC_OK, "thread %zu", i);
	}
	want_rc(subscription_secrets(&f->b->config, f->sub, &raw, &k,
	    &f->b->why), RC_OK, "%s", buf_str(&f->b->why));
	want_i64((int64_t)k.n, 8, "secrets");
	buf_free(&raw);
}

static void
what_is_not_there_or_sealed_by_another_key_is_told(void **state)
{
	struct fixture *f = *state;
	struct crypt theirs = { .seal = "another" };
	struct config cf = f->b->config;
	struct subscription_rotation r = { .key = f->key[0], .now_ms = T };
	struct buf raw = BUF_INIT(KEYRING_RAW_MAX);
	struct keyring k;

	want_rc(subscription_rotate(&cf, f->sub + 1, &r, &f->b->why),
	    RC_NOTFOUND, "none");
	want_str(buf_str(&f->b->why), "there is no such subscription", "why");
	buf_clear(&f->b->why);
	want_rc(subscription_secrets(&cf, f->sub + 1, &raw, &k, &f->b->why),
	    RC_NOTFOUND, "none");
	cf.crypt = &theirs;
	want_rc(subscription_rotate(&cf, f->sub, &r, &f->b->why), RC_INVALID,
	    "another key file");
	buf_clear(&f->b->why);
	want_rc(subscription_secrets(&cf, f->sub, &raw, &k, &f->b->why),
	    RC_INVALID, "another key file");
	want_str(buf_str(&f->b->why), "its secrets can't be opened: another "
	    "key file?", "why");
	want_signing(f, T, "-");
	buf_free(&raw);
}

/* The interest of the record has been left out for want of room. */
static bool
is_bare(struct fixture *f)
{
	struct subscription_record s = SUBSCRIPTION_RECORD_INIT;
	struct store_record rec = STORE_RECORD_INIT;
	bool bare;

	want_rc(store_record_get(f->b->st, STORE_SUBSCRIPTION, f->sub, 0,
	    &rec), RC_OK, "get");
	want_rc(subscription_record_read(&s, rec.body), RC_OK, "read");
	bare = s.interest.len == 0;
	store_record_clear(&rec);
	buf_free(&s.text);
	return bare;
}

/* Give it a filter of n values; version is that of the record. */
static bool
edit_fits_with_interest(struct fixture *f, int n, uint64_t version)
{
	struct buf big = BUF_INIT(STORE_RECORD_MAX);

	buf_puts(&big, "{\"event\":[\"*\"],\"httpRequest\":{\"url\":"
	    "\"https://a.example/\"},\"filter\":[{\"field\":\"pnr\","
	    "\"op\":\"in\",\"value\":[\"\"");
	for (int i = 0; i < n; i++)
		buf_printf(&big, ",\"value%08d\"", i);
	buf_puts(&big, "]}]}");
	buf_clear(&f->b->why);
	want_rc(subscription_edit(&f->b->config, f->sub, version,
	    buf_as_slice(&big), &f->b->why), RC_OK, "%d values: %s", n,
	    buf_str(&f->b->why));
	buf_free(&big);
	return !is_bare(f);
}

static void
a_record_that_gets_too_large_is_kept_without_its_interest(void **state)
{
	struct fixture *f = *state;
	uint64_t version = 1;
	int fits = 1, most = 9000;

	while (most - fits > 1) {
		int n = fits + (most - fits) / 2;

		if (edit_fits_with_interest(f, n, version++))
			fits = n;
		else
			most = n;
	}
	want_i64(edit_fits_with_interest(f, fits, version), true, "it fits");
	(void)rotate(f, 1, T, HOUR);
	want_i64(is_bare(f), true, "without its interest");
	want_signing(f, T, "1 -");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_new_secret_signs_first_and_the_old_ones_until_they_end),
	    TEST(a_rotation_changes_nothing_else),
	    TEST(secrets_from_before_have_no_end_until_a_rotation),
	    TEST(one_too_many_is_refused_with_the_time_when_there_is_room),
	    TEST(rotations_at_once_lose_none),
	    TEST(what_is_not_there_or_sealed_by_another_key_is_told),
	    TEST(a_record_that_gets_too_large_is_kept_without_its_interest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
