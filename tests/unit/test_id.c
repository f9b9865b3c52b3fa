#include "base/id.h"
#include "unit.h"

static const unsigned char key[ID_KEY_LEN] = "0123456789abcdef";
static const unsigned char other_key[ID_KEY_LEN] = "0123456789abcdeF";

static void
fill(unsigned char *raw, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		raw[i] = (unsigned char)(seed * 167 + i * 59 + 13);
}

static void
an_id_reads_back_whatever_its_length(void **state)
{
	static const char *const prefix[] = { "", "e", "evt", "eightchr" };
	unsigned char raw[ID_RAW_MAX], back[ID_RAW_MAX + 1];
	char text[ID_MAX];

	(void)state;
	for (size_t len = 0; len <= ID_RAW_MAX; len++)
		for (size_t p = 0; p < NELEM(prefix); p++) {
			fill(raw, len, (unsigned)(len + p));
			memset(back, 0xee, sizeof back);
			id_encode(text, prefix[p], raw, len, key);
			want_rc(id_decode(slice_of(text), prefix[p], back,
			    len, key), RC_OK, "%s", text);
			assert_memory_equal(back, raw, len);
			want_i64(back[len], 0xee, "the byte after %s", text);
		}
}

static void
an_id_has_this_very_form(void **state)
{
	/* Ids stand in other people's databases: this must never change. */
	static const struct {
		const char *prefix, *raw, *want;
		size_t len;
	} t[] = {
		{ "evt", "\0\0\0\0\0\0\0\1", "evt_0000000000003erax00g", 8 },
		{ "msg", "\0\0\0\0\0\0\0\1\0\0\0\2\0\0",
		    "msg_000000000000200000100011aracg", 14 },
		{ "x", "", "x_ycqm038", 0 },
	};
	char text[ID_MAX];

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		id_encode(text, t[i].prefix, (const unsigned char *)t[i].raw,
		    t[i].len, key);
		want_str(text, t[i].want, "case %zu", i);
	}
}

static void
letters_are_read_as_people_write_them(void **state)
{
	unsigned char raw[8], back[8];
	char text[ID_MAX];
	size_t swapped = 0;

	(void)state;
	for (unsigned seed = 0; seed < 64; seed++) {
		fill(raw, sizeof raw, seed);
		id_encode(text, "evt", raw, sizeof raw, key);
		for (char *s = text; *s != '\0'; s++) {
			if (*s == '0' || *s == '1')
				swapped++;
			if (*s == '0')
				*s = 'O';
			else if (*s == '1')
				*s = seed % 2 == 0 ? 'I' : 'l';
			else if (*s >= 'a' && *s <= 'z')
				*s = (char)(*s - 32);
		}
		want_rc(id_decode(slice_of(text), "evt", back, sizeof back,
		    key), RC_OK, "%s", text);
		assert_memory_equal(back, raw, sizeof raw);
	}
	assert_true(swapped > 10);
}

static void
any_other_text_is_not_found(void **state)
{
	unsigned char raw[8], back[ID_RAW_MAX];
	char text[ID_MAX], s[ID_MAX + 1];
	size_t len;

	(void)state;
	fill(raw, sizeof raw, 1);
	memset(back, 0xee, sizeof back);
	id_encode(text, "evt", raw, sizeof raw, key);
	len = strlen(text);
	/* Each character replaced by each byte that doesn't mean the same. */
	for (size_t i = 0; i < len; i++)
		for (int c = 0; c < 256; c++) {
			unsigned char same[8];
			enum rc rc;

			memcpy(s, text, len + 1);
			s[i] = (char)c;
			rc = id_decode((struct slice){ s, len }, "evt", same,
			    sizeof same, key);
			if (rc == RC_OK)
				assert_memory_equal(same, raw, sizeof raw);
			else
				want_rc(rc, RC_NOTFOUND, "byte %zu %d", i, c);
			/* Of bytes that are no digits only itself will do. */
			if (c < '0' || c > 'z')
				assert_int_equal(rc == RC_OK, c == text[i]);
		}
	for (size_t i = 0; i < len; i++)
		want_rc(id_decode((struct slice){ text, i }, "evt", back, 8,
		    key), RC_NOTFOUND, "the first %zu", i);
	snprintf(s, sizeof s, "%s0", text);
	want_rc(id_decode(slice_of(s), "evt", back, 8, key), RC_NOTFOUND,
	    "%s", s);
	want_rc(id_decode(slice_of(text), "msg", back, 8, key), RC_NOTFOUND,
	    "another prefix");
	want_rc(id_decode(slice_of(text), "ev", back, 8, key), RC_NOTFOUND,
	    "a shorter prefix");
	want_rc(id_decode(slice_of(text), "evt", back, 9, key), RC_NOTFOUND,
	    "another length");
	want_rc(id_decode(slice_of(text), "evt", back, 8, other_key),
	    RC_NOTFOUND, "another key");
	want_rc(id_decode((struct slice){ NULL, 0 }, "evt", back, 8, key),
	    RC_NOTFOUND, "no text");
	for (size_t i = 0; i < sizeof back; i++)
		want_i64(back[i], 0xee, "untouched byte %zu", i);
}

static void
one_kind_of_id_does_not_pass_for_another(void **state)
{
	unsigned char raw[8] = { 0 }, back[8];
	char text[ID_MAX];

	(void)state;
	id_encode(text, "evt", raw, sizeof raw, key);
	memcpy(text, "msg", 3);
	want_rc(id_decode(slice_of(text), "msg", back, sizeof back, key),
	    RC_NOTFOUND, "%s", text);
}

static void
bits_that_carry_nothing_must_be_zero(void **state)
{
	static const char digit[] = "0123456789abcdefghjkmnpqrstvwxyz";
	unsigned char raw[8], back[8];
	char text[ID_MAX], *last;
	const char *at;

	(void)state;
	/* 8 + 4 bytes are 96 bits in 20 digits: four bits are left over. */
	fill(raw, sizeof raw, 3);
	id_encode(text, "evt", raw, sizeof raw, key);
	last = text + strlen(text) - 1;
	assert_true(*last == '0' || *last == 'g');
	at = strchr(digit, *last);
	for (int i = 1; i <= 15; i++) {
		*last = at[i];
		want_rc(id_decode(slice_of(text), "evt", back, sizeof back,
		    key), RC_NOTFOUND, "%s", text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_id_reads_back_whatever_its_length),
	    cmocka_unit_test(an_id_has_this_very_form),
	    cmocka_unit_test(letters_are_read_as_people_write_them),
	    cmocka_unit_test(any_other_text_is_not_found),
	    cmocka_unit_test(one_kind_of_id_does_not_pass_for_another),
	    cmocka_unit_test(bits_that_carry_nothing_must_be_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
