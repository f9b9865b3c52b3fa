#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crypt.h"
#include "base/text.h"
#include "unit.h"

/*
 * What stands in a store must be readable for ever: the constants below were
 * computed with python3's hashlib and nacl for the key 00 01 02 .. 1f.
 */
#define KEY_TEXT "000102030405060708090a0b0c0d0e0f" \
    "101112131415161718191a1b1c1d1e1f"
#define SEALED "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7MsBhBcsHXNIlyYc3D4FSWjyHSZSj" \
    "BO8XeUuo"

struct place {
	char		dir[256], file[300];
	struct crypt	c;
	struct buf	why, out;
};

static void
write_key(const struct place *p, struct slice text, mode_t mode)
{
	int fd;

	unlink(p->file);
	fd = open(p->file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, text.s, text.len), (ssize_t)text.len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int
make_place(void **state)
{
	static struct place p;
	const char *tmp = getenv("TMPDIR");

	p.why = (struct buf)BUF_INIT(4096);
	p.out = (struct buf)BUF_INIT(1024 * 1024);
	snprintf(p.dir, sizeof p.dir, "%s/skycap-crypt-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(p.dir) == NULL)
		return -1;
	snprintf(p.file, sizeof p.file, "%s/key", p.dir);
	write_key(&p, SLICE(KEY_TEXT "\n"), 0600);
	if (crypt_load(&p.c, p.file, &p.why) != RC_OK)
		return -1;
	*state = &p;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *p = *state;

	buf_free(&p->why);
	buf_free(&p->out);
	crypt_clear(&p->c);
	unlink(p->file);
	return rmdir(p->dir);
}

static void
want_hex(const unsigned char *got, size_t len, const char *want)
{
	char s[129] = "";

	assert_true(len <= 64);
	for (size_t i = 0; i < len; i++)
		snprintf(s + 2 * i, 3, "%02x", got[i]);
	want_str(s, want, "%zu bytes", len);
}

static void
what_a_key_gives_never_changes(void **state)
{
	static const unsigned char sip_key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8,
	    9, 10, 11, 12, 13, 14, 15 };
	struct place *p = *state;
	unsigned char hash[CRYPT_HASH_LEN], token[CRYPT_TOKEN_LEN];

	want_str(p->c.fingerprint, "1ab3373e1d399e34", "fingerprint");
	want_hex(p->c.id, sizeof p->c.id, "3a2da42a0d5010a6d4ece75b1f7b605c");
	crypt_hash(&p->c, SLICE("the same content"), hash);
	want_hex(hash, sizeof hash, "9682eda85f1743a7a3715a0c13a87cd5");
	assert_true(crypt_ref(&p->c, 3, SLICE("AGW-JHTE1543KJ")) ==
	    0x0e759d4b1a9a45df);
	crypt_token_hash(SLICE("publish_abc"), token);
	want_hex(token, sizeof token, "853b292fe34d2678c228efaab36b7456"
	    "fc8f8fcb59677f8afdd69d93227caa50");
	want_rc(crypt_open(&p->c, SLICE(SEALED), &p->out), RC_OK, "open");
	want_str(buf_str(&p->out), "open sesame", "opened");
	/* The vector of the SipHash paper. */
	assert_true(crypt_siphash(sip_key, sip_key, 15) == 0xa129ca6149be45e5);
}

static void
a_key_file_is_64_digits_and_maybe_a_newline(void **state)
{
	static const struct { struct slice text; enum rc want; } t[] = {
		{ SLICE(KEY_TEXT "\n"), RC_OK }, { SLICE(KEY_TEXT), RC_OK },
		{ SLICE("000102030405060708090A0B0C0D0E0F"
		    "101112131415161718191A1B1C1D1E1F\n"), RC_OK },
		{ { "", 0 }, RC_INVALID }, { SLICE("\n"), RC_INVALID },
		{ SLICE(KEY_TEXT "\n\n"), RC_INVALID },
		{ SLICE(KEY_TEXT "0"), RC_INVALID },
		{ SLICE(KEY_TEXT "00\n"), RC_INVALID },
		{ SLICE(KEY_TEXT "\r\n"), RC_INVALID },
		{ SLICE(" " KEY_TEXT), RC_INVALID },
		{ SLICE("g00102030405060708090a0b0c0d0e0f"
		    "101112131415161718191a1b1c1d1e1f\n"), RC_INVALID },
		{ SLICE("000102030405060708090a0b0c0d0e0f\n"), RC_INVALID },
		{ SLICE("000102030405060708090a0b0c0d0e0f"
		    "101112131415161718191a1b1c1d1e1\0\n"), RC_INVALID },
	};
	struct place *p = *state;
	struct crypt before;

	for (size_t i = 0; i < NELEM(t); i++) {
		write_key(p, t[i].text, 0600);
		memset(&p->c, 0xee, sizeof p->c);
		before = p->c;
		buf_clear(&p->why);
		want_rc(crypt_load(&p->c, p->file, &p->why), t[i].want,
		    "case %zu", i);
		want_i64(p->why.len > 0, t[i].want != RC_OK, "why %zu", i);
		if (t[i].want == RC_OK)
			want_str(p->c.fingerprint, "1ab3373e1d399e34",
			    "case %zu", i);
		else
			assert_memory_equal(&p->c, &before, sizeof before);
		assert_null(strstr(buf_str(&p->why), "0001020304"));
	}
}

static void
a_key_file_open_to_others_is_refused(void **state)
{
	struct place *p = *state;

	for (mode_t bit = 01; bit <= 0100; bit <<= 1) {
		write_key(p, SLICE(KEY_TEXT "\n"), 0600 | bit);
		want_rc(crypt_load(&p->c, p->file, &p->why),
		    bit == 0100 ? RC_OK : RC_DENIED, "mode %o",
		    (unsigned)(0600 | bit));
	}
	write_key(p, SLICE(KEY_TEXT "\n"), 0400);
	want_rc(crypt_load(&p->c, p->file, &p->why), RC_OK, "mode 0400");
}

static void
what_is_no_key_file_is_told_apart(void **state)
{
	struct place *p = *state;
	char path[400];

	snprintf(path, sizeof path, "%s/none", p->dir);
	want_rc(crypt_load(&p->c, path, &p->why), RC_NOTFOUND, "no file");
	snprintf(path, sizeof path, "%s/none/key", p->dir);
	want_rc(crypt_load(&p->c, path, &p->why), RC_NOTFOUND, "no directory");
	snprintf(path, sizeof path, "%s/key/key", p->dir);
	want_rc(crypt_load(&p->c, path, &p->why), RC_NOTFOUND, "under a file");
	want_rc(crypt_load(&p->c, p->dir, &p->why), RC_INVALID, "a directory");
	snprintf(path, sizeof path, "%s/pipe", p->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	want_rc(crypt_load(&p->c, path, &p->why), RC_INVALID, "a pipe");
	unlink(path);
	if (geteuid() != 0) {
		assert_int_equal(chmod(p->file, 0), 0);
		want_rc(crypt_load(&p->c, p->file, &p->why), RC_DENIED,
		    "not ours to read");
	}
}

static void
a_new_key_file_is_private_and_never_overwrites_one(void **state)
{
	struct place *p = *state;
	char first[17], path[400];
	struct stat st;
	mode_t umask_was = umask(0);

	want_rc(crypt_create(p->file, &p->why), RC_EXISTS, "there is one");
	want_rc(crypt_load(&p->c, p->file, &p->why), RC_OK, "the old one");
	want_str(p->c.fingerprint, "1ab3373e1d399e34", "the old one");
	for (int i = 0; i < 2; i++) {
		unlink(p->file);
		want_rc(crypt_create(p->file, &p->why), RC_OK, "create");
		assert_int_equal(stat(p->file, &st), 0);
		want_i64(st.st_mode & 07777, 0600, "mode");
		want_i64(st.st_size, 65, "size");
		want_rc(crypt_load(&p->c, p->file, &p->why), RC_OK, "load");
		if (i == 0)
			memcpy(first, p->c.fingerprint, sizeof first);
	}
	umask(umask_was);
	assert_string_not_equal(first, p->c.fingerprint);
	snprintf(path, sizeof path, "%s/none/key", p->dir);
	want_rc(crypt_create(path, &p->why), RC_IO, "no directory");
}

static void
clearing_leaves_no_byte_of_a_key(void **state)
{
	static const struct crypt zero;
	struct place *p = *state;

	crypt_clear(&p->c);
	assert_memory_equal(&p->c, &zero, sizeof zero);
}

static void
what_was_sealed_opens_to_the_same_bytes(void **state)
{
	struct place *p = *state;
	struct buf plain = BUF_INIT(70000), sealed = BUF_INIT(100000);
	struct buf again = BUF_INIT(100000);
	static const size_t len[] = { 0, 1, 2, 3, 15, 16, 17, 1000, 65536 };

	for (size_t i = 0; i < NELEM(len); i++) {
		buf_clear(&plain);
		while (plain.len < len[i])
			buf_putc(&plain, (char)(plain.len * 7));
		buf_clear(&sealed);
		buf_clear(&again);
		buf_clear(&p->out);
		buf_puts(&p->out, "before");
		crypt_seal(&p->c, buf_as_slice(&plain), &sealed);
		crypt_seal(&p->c, buf_as_slice(&plain), &again);
		assert_false(slice_eq(buf_as_slice(&sealed),
		    buf_as_slice(&again)));
		want_i64((int64_t)sealed.len,
		    (int64_t)((len[i] + 40 + 2) / 3 * 4), "sealed length");
		want_rc(crypt_open(&p->c, buf_as_slice(&sealed), &p->out),
		    RC_OK, "%zu bytes", len[i]);
		want_i64((int64_t)p->out.len, (int64_t)len[i] + 6, "length");
		assert_memory_equal(p->out.s, "before", 6);
		if (len[i] > 0)
			assert_memory_equal(p->out.s + 6, plain.s, len[i]);
	}
	buf_free(&again);
	buf_free(&sealed);
	buf_free(&plain);
}

static void
an_altered_or_foreign_seal_does_not_open(void **state)
{
	struct place *p = *state;
	struct crypt other = p->c;
	char s[] = SEALED " ";
	size_t len = strlen(SEALED);

	buf_puts(&p->out, "before");
	for (size_t i = 0; i < len; i++) {
		s[i] = s[i] == 'A' ? 'B' : 'A';
		want_rc(crypt_open(&p->c, (struct slice){ s, len }, &p->out),
		    RC_INVALID, "character %zu", i);
		s[i] = SEALED[i];
	}
	for (size_t i = 0; i < len; i++)
		want_rc(crypt_open(&p->c, (struct slice){ s, i }, &p->out),
		    RC_INVALID, "the first %zu", i);
	want_rc(crypt_open(&p->c, slice_of(s), &p->out), RC_INVALID, "a space");
	want_rc(crypt_open(&p->c, (struct slice){ NULL, 0 }, &p->out),
	    RC_INVALID, "nothing");
	other.seal[31] ^= 1;
	want_rc(crypt_open(&other, SLICE(SEALED), &p->out), RC_INVALID,
	    "another key");
	want_str(buf_str(&p->out), "before", "untouched");
	want_rc(crypt_open(&p->c, (struct slice){ s, len }, &p->out), RC_OK,
	    "as it was");
}

static void
a_secret_without_room_is_not_opened(void **state)
{
	struct place *p = *state;
	struct buf small = BUF_INIT(10), just = BUF_INIT(11);

	want_rc(crypt_open(&p->c, SLICE(SEALED), &small), RC_TOOBIG, "10");
	assert_true(small.over);
	want_str(buf_str(&small), "", "10");
	want_rc(crypt_open(&p->c, SLICE(SEALED), &just), RC_OK, "11");
	want_str(buf_str(&just), "open sesame", "11");
	buf_clear(&small);
	crypt_seal(&p->c, SLICE("x"), &small);
	assert_true(small.over);
	buf_free(&just);
	buf_free(&small);
}

static void
a_reference_is_found_in_any_case_but_by_its_kind(void **state)
{
	struct place *p = *state;
	struct crypt other = p->c;
	uint64_t ref = crypt_ref(&p->c, 1, SLICE("kwj2MT"));
	char text[2000];

	assert_true(ref == crypt_ref(&p->c, 1, SLICE("KWJ2mt")));
	assert_true(ref != crypt_ref(&p->c, 2, SLICE("kwj2MT")));
	assert_true(ref != crypt_ref(&p->c, 1, SLICE("kwj2M")));
	assert_true(ref != crypt_ref(&p->c, 1, SLICE("kwj2M\xf4")));
	assert_true(crypt_ref(&p->c, 1, SLICE("@[")) !=
	    crypt_ref(&p->c, 1, SLICE("`{")));
	assert_true(crypt_ref(&p->c, 1, SLICE("")) ==
	    crypt_ref(&p->c, 1, (struct slice){ NULL, 0 }));
	other.ref[0] ^= 1;
	assert_true(ref != crypt_ref(&other, 1, SLICE("kwj2MT")));
	/* Long ones, across the boundary of what needs no heap. */
	memset(text, 'A', sizeof text);
	for (size_t len = 500; len < 520; len++) {
		uint64_t upper = crypt_ref(&p->c, 1,
		    (struct slice){ text, len });

		memset(text, 'a', len);
		assert_true(upper == crypt_ref(&p->c, 1,
		    (struct slice){ text, len }));
		assert_true(upper != crypt_ref(&p->c, 1,
		    (struct slice){ text, len + 1 }));
		memset(text, 'A', len);
	}
}

static void
a_new_token_is_43_characters_and_known_by_its_hash(void **state)
{
	struct place *p = *state;
	unsigned char hash[CRYPT_TOKEN_LEN], again[CRYPT_TOKEN_LEN];
	char first[64];
	struct slice key;

	for (int i = 0; i < 2; i++) {
		buf_clear(&p->out);
		buf_puts(&p->out, "key: ");
		crypt_token_new("publish", &p->out, hash);
		want_i64((int64_t)p->out.len, 5 + 8 + 43, "length");
		key = buf_as_slice(&p->out);
		(void)slice_take(&key, 5);
		assert_memory_equal(key.s, "publish_", 8);
		want_i64((int64_t)strspn(key.s + 8, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz0123456789-_"), 43, "alphabet");
		crypt_token_hash(key, again);
		assert_memory_equal(again, hash, sizeof hash);
		if (i == 1)
			assert_string_not_equal(first, key.s);
		snprintf(first, sizeof first, "%s", key.s);
	}
	first[10] ^= 1;
	crypt_token_hash(slice_of(first), again);
	assert_memory_not_equal(again, hash, sizeof hash);
}

static void
random_bytes_come_as_many_as_were_asked_for(void **state)
{
	struct place *p = *state;
	unsigned char a[33] = { 0 }, b[33] = { 0 };

	for (size_t n = 24; n <= 64; n++) {
		buf_clear(&p->out);
		crypt_random_base64(n, &p->out);
		want_i64((int64_t)p->out.len, (int64_t)((n + 2) / 3 * 4), "%zu",
		    n);
	}
	crypt_random(a, 32);
	crypt_random(b, 32);
	assert_memory_not_equal(a, b, 32);
	want_i64(a[32] + b[32], 0, "the byte after");
	buf_clear(&p->out);
	crypt_base64(SLICE("\xfb\xff\xfe?"), &p->out);
	want_str(buf_str(&p->out), "+//+Pw==", "base64");
}

static void
a_password_opens_its_own_hash_alone(void **state)
{
	char a[CRYPT_PASSWORD_MAX], b[CRYPT_PASSWORD_MAX], bad[200];

	(void)state;
	crypt_password_hash(SLICE("correct horse"), a);
	crypt_password_hash(SLICE("correct horse"), b);
	assert_string_not_equal(a, b);
	assert_non_null(strstr(a, "$argon2id$v=19$m=19456,t=2,p=1$"));
	want_rc(crypt_password_check(a, SLICE("correct horse")), RC_OK, "it");
	want_rc(crypt_password_check(a, SLICE("correct hors")), RC_DENIED,
	    "shorter");
	want_rc(crypt_password_check(a, SLICE("Correct horse")), RC_DENIED,
	    "case");
	want_rc(crypt_password_check(a, SLICE("correct horse\0")), RC_DENIED,
	    "a NUL more");
	want_rc(crypt_password_check(a, (struct slice){ NULL, 0 }), RC_DENIED,
	    "none");
	/* What is no hash at all lets nobody in. */
	memset(bad, 'x', sizeof bad - 1);
	bad[sizeof bad - 1] = '\0';
	want_rc(crypt_password_check(bad, SLICE("x")), RC_DENIED, "too long");
	want_rc(crypt_password_check("", SLICE("")), RC_DENIED, "empty");
	want_rc(crypt_password_check("plain", SLICE("plain")), RC_DENIED,
	    "plain text");
	a[strlen(a) - 3] ^= 1;
	want_rc(crypt_password_check(a, SLICE("correct horse")), RC_DENIED,
	    "an altered hash");
	crypt_password_hash((struct slice){ NULL, 0 }, b);
	want_rc(crypt_password_check(b, SLICE("")), RC_OK, "an empty one");
}

static void
bytes_are_compared_by_their_bytes(void **state)
{
	(void)state;
	assert_true(crypt_same("abc", "abc", 3));
	assert_false(crypt_same("abc", "abd", 3));
	assert_false(crypt_same("xbc", "abc", 3));
	assert_true(crypt_same("abc", "abd", 2));
	assert_true(crypt_same("a\0b", "a\0b", 3));
	assert_false(crypt_same("a\0b", "a\0c", 3));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_a_key_gives_never_changes),
	    TEST(a_key_file_is_64_digits_and_maybe_a_newline),
	    TEST(a_key_file_open_to_others_is_refused),
	    TEST(what_is_no_key_file_is_told_apart),
	    TEST(a_new_key_file_is_private_and_never_overwrites_one),
	    TEST(clearing_leaves_no_byte_of_a_key),
	    TEST(what_was_sealed_opens_to_the_same_bytes),
	    TEST(an_altered_or_foreign_seal_does_not_open),
	    TEST(a_secret_without_room_is_not_opened),
	    TEST(a_reference_is_found_in_any_case_but_by_its_kind),
	    TEST(a_new_token_is_43_characters_and_known_by_its_hash),
	    TEST(random_bytes_come_as_many_as_were_asked_for),
	    cmocka_unit_test(a_password_opens_its_own_hash_alone),
	    cmocka_unit_test(bytes_are_compared_by_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
