#include "unit_shape.h"
#include "work/reference.h"

struct fixture {
	struct catalog	*c;
	struct crypt	 crypt;
};

static int
set_up(void **state)
{
	static struct fixture f;

	f.c = unit_catalog();
	memset(&f.crypt, 7, sizeof f.crypt);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	catalog_free(((struct fixture *)*state)->c);
	return 0;
}

static bool
found_by(const struct fixture *f, const char *order, enum reference_kind kind,
    const char *value)
{
	struct order o = ORDER_INIT;
	uint64_t ref[REFERENCE_MAX];
	uint64_t want = reference_hash(&f->crypt, kind, slice_of(value));
	bool hashed = false, matches;
	size_t n;

	unit_order(&o, f->c, order);
	n = reference_of_order(&f->crypt, &o, ref);
	for (size_t i = 0; i < n; i++)
		hashed = hashed || ref[i] == want;
	matches = reference_matches(&o, kind, slice_of(value));
	want_i64(hashed, matches, "hash and text of %s in %s", value, order);
	order_free(&o);
	return matches;
}

static void
an_order_is_found_by_its_names_and_people(void **state)
{
	static const struct {
		const char *order;
		enum reference_kind kind;
		const char *value;
		bool found;
	} t[] = {
		{ "{\"agwID\":\"A-1\"}", REFERENCE_AGWID, "A-1", true },
		{ "{\"agwID\":\"A-1\"}", REFERENCE_AGWID, "a-1", true },
		{ "{\"agwID\":\"A-1\"}", REFERENCE_AGWID, "A-12", false },
		{ "{\"agwID\":\"A-1\"}", REFERENCE_ORDERID, "A-1", false },
		{ "{\"agwID\":\"\\u0041-1\"}", REFERENCE_AGWID, "A-1", true },
		{ "{\"agwID\":4711}", REFERENCE_AGWID, "4711", true },
		{ "{\"orderID\":\"O\"}", REFERENCE_ORDERID, "o", true },
		{ "{\"pnr\":\"KWJ2MT\"}", REFERENCE_PNR, "kwj2mt", true },
		{ "{\"recordLocator\":\"Q\"}", REFERENCE_LOCATOR, "q", true },
		{ "{\"agentEmail\":\"A@b.c\"}", REFERENCE_MAIL, "a@B.c", true },
		{ "{\"consumerEmail\":\"a@b.c\"}", REFERENCE_MAIL, "a@b.c",
		    true },
		{ "{\"psgEmail\":\"a@b.c\"}", REFERENCE_MAIL, "a@b.c", true },
		{ "{\"psgEmail\":\"a@b.c\"}", REFERENCE_MAIL, "a@b.d", false },
		{ "{\"psgPhone\":\"+34 600-000 000\"}", REFERENCE_PHONE,
		    "34600000000", true },
		{ "{\"psgPhone\":\"34600000000\"}", REFERENCE_PHONE,
		    "+34 (600) 000 000", true },
		{ "{\"psgPhone\":\"none\"}", REFERENCE_PHONE, "no", false },
		{ "{\"psgPhone\":\"none\"}", REFERENCE_PHONE, "none", false },
		{ "{\"agwID\":null}", REFERENCE_AGWID, "", false },
		{ "{\"agwID\":\"\"}", REFERENCE_AGWID, "", false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NELEM(t); i++)
		want_i64(found_by(f, t[i].order, t[i].kind, t[i].value),
		    t[i].found, "%s by %s", t[i].order, t[i].value);
}

static void
each_reference_is_there_once_and_there_are_no_more_than_fit(void **state)
{
	struct fixture *f = *state;
	struct order o = ORDER_INIT;
	uint64_t ref[REFERENCE_MAX];

	unit_order(&o, f->c, "{\"agwID\":\"X\",\"orderID\":\"X\",\"pnr\":\"X\","
	    "\"recordLocator\":\"X\",\"agentEmail\":\"a@b\","
	    "\"consumerEmail\":\"A@B\",\"psgEmail\":\"c@d\","
	    "\"psgPhone\":\"1\"}");
	want_i64((int64_t)reference_of_order(&f->crypt, &o, ref), 7,
	    "one mail address stands there twice");
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(ref[i] != ref[j]);
	unit_order(&o, f->c, "{}");
	want_i64((int64_t)reference_of_order(&f->crypt, &o, ref), 0, "none");
	order_free(&o);
}

static void
a_value_as_long_as_a_novel_is_no_reference(void **state)
{
	struct fixture *f = *state;
	struct buf order = BUF_INIT(65536);

	buf_puts(&order, "{\"psgPhone\":\"");
	for (int i = 0; i < 1025; i++)
		buf_putc(&order, '1');
	buf_puts(&order, "\"}");
	assert_false(found_by(f, buf_str(&order), REFERENCE_PHONE, "1"));
	buf_free(&order);
}

/* 300 letters are no more for being written as 1,800 bytes. */
static void
how_a_value_is_spelled_makes_it_no_longer(void **state)
{
	struct buf order = BUF_INIT(16384), value = BUF_INIT(2048);
	size_t letters[] = { 300, 1024, 1025 };

	for (size_t i = 0; i < NELEM(letters); i++) {
		buf_clear(&order);
		buf_clear(&value);
		buf_puts(&order, "{\"psgEmail\":\"");
		for (size_t k = 0; k < letters[i]; k++) {
			buf_puts(&order, "\\u0061");
			buf_putc(&value, 'a');
		}
		buf_puts(&order, "\"}");
		want_i64(found_by(*state, buf_str(&order), REFERENCE_MAIL,
		    buf_str(&value)), letters[i] <= 1024, "%zu letters",
		    letters[i]);
	}
	buf_free(&order);
	buf_free(&value);
}

static void
kinds_have_the_names_that_people_use(void **state)
{
	static const struct { const char *name; enum rc rc; } t[] = {
		{ "agwID", RC_OK }, { "orderID", RC_OK }, { "pnr", RC_OK },
		{ "recordLocator", RC_OK }, { "mail", RC_OK },
		{ "phone", RC_OK }, { "agwi", RC_NOTFOUND },
		{ "psgEmail", RC_NOTFOUND }, { "", RC_NOTFOUND },
	};
	struct buf all = BUF_INIT(256);
	enum reference_kind kind;

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(reference_kind(slice_of(t[i].name), &kind), t[i].rc,
		    "%s", t[i].name);
		if (t[i].rc == RC_OK)
			want_i64(kind, (int64_t)i + 1, "%s", t[i].name);
	}
	want_rc(reference_kind(SLICE("RECORDlocator"), &kind), RC_OK, "case");
	want_i64(kind, REFERENCE_LOCATOR, "in another case");
	reference_names(&all);
	want_str(buf_str(&all), "agwID, orderID, pnr, recordLocator, mail or "
	    "phone", "all of them");
	buf_free(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_order_is_found_by_its_names_and_people),
	    cmocka_unit_test(
		each_reference_is_there_once_and_there_are_no_more_than_fit),
	    cmocka_unit_test(a_value_as_long_as_a_novel_is_no_reference),
	    cmocka_unit_test(how_a_value_is_spelled_makes_it_no_longer),
	    cmocka_unit_test(kinds_have_the_names_that_people_use),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
