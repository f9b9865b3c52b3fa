#include "store/bdb_count.h"
#include "unit_store.h"

struct fixture {
	struct place	 place;
	struct store	*st;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -1;
	place_make(&f->place);
	f->st = place_open(&f->place, false);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->st);
	place_remove(&f->place);
	free(f);
	return 0;
}

/* Make a record; its number. */
static uint32_t
make(struct store *st, enum store_kind kind, const char *body)
{
	uint32_t number = 0;
	uint64_t version = 0;

	want_rc(store_record_put(st, kind, &number, &version, slice_of(body)),
	    RC_OK, "make %s", body);
	want_i64((int64_t)version, 1, "version of %s", body);
	return number;
}

static void
want_body(struct store *st, enum store_kind kind, uint32_t number,
    uint64_t version, const char *body)
{
	struct store_record r = STORE_RECORD_INIT;

	want_rc(store_record_get(st, kind, number, version, &r), RC_OK,
	    "version %d", (int)version);
	want_slice(r.body, slice_of(body), "version %d", (int)version);
	want_i64(r.number, number, "number");
	want_i64(r.kind, kind, "kind");
	if (version != 0)
		want_i64((int64_t)r.version, (int64_t)version, "version");
	store_record_clear(&r);
}

static void
want_none(struct store *st, enum store_kind kind, uint32_t number,
    uint64_t version)
{
	struct store_record r = STORE_RECORD_INIT;

	want_rc(store_record_get(st, kind, number, version, &r), RC_NOTFOUND,
	    "record %d version %d", (int)number, (int)version);
	store_record_clear(&r);
}

static void
numbers_count_up_by_kind_and_are_never_used_again(void **state)
{
	struct fixture *f = *state;

	want_i64(make(f->st, STORE_CLIENT, "a"), 1, "first");
	want_i64(make(f->st, STORE_CLIENT, "b"), 2, "second");
	want_i64(make(f->st, STORE_USER, "c"), 1, "another kind");
	want_rc(store_record_delete(f->st, STORE_CLIENT, 2, 1), RC_OK,
	    "delete");
	want_i64(make(f->st, STORE_CLIENT, "d"), 3, "after a delete");
	want_none(f->st, STORE_CLIENT, 2, 0);
	want_body(f->st, STORE_CLIENT, 1, 0, "a");
	want_body(f->st, STORE_USER, 1, 0, "c");
}

static void
only_the_present_version_can_be_changed(void **state)
{
	struct fixture *f = *state;
	uint32_t n = make(f->st, STORE_CLIENT, "one"), none = 99;
	uint64_t version = 1, stale = 1, generation;

	want_rc(store_record_put(f->st, STORE_CLIENT, &n, &version,
	    SLICE("two")), RC_OK, "put");
	want_i64((int64_t)version, 2, "version");
	want_rc(store_record_put(f->st, STORE_CLIENT, &n, &stale,
	    SLICE("three")), RC_STALE, "put again");
	want_i64((int64_t)stale, 1, "version is as it was");
	want_rc(store_record_delete(f->st, STORE_CLIENT, n, 1), RC_STALE,
	    "delete an old version");
	want_body(f->st, STORE_CLIENT, n, 0, "two");
	want_rc(store_record_put(f->st, STORE_CLIENT, &none, &version,
	    SLICE("x")), RC_NOTFOUND, "put what is not");
	want_rc(store_record_delete(f->st, STORE_CLIENT, 99, 1), RC_NOTFOUND,
	    "delete what is not");
	want_rc(store_record_delete(f->st, STORE_CLIENT, 0, 1), RC_NOTFOUND,
	    "delete number 0");
	want_rc(store_generation(f->st, &generation), RC_OK, "generation");
	want_i64((int64_t)generation, 2, "nothing else counted");
}

static void
a_subscription_keeps_its_old_versions_also_when_removed(void **state)
{
	struct fixture *f = *state;
	uint32_t n = make(f->st, STORE_SUBSCRIPTION, "one");
	uint32_t client = make(f->st, STORE_CLIENT, "c one");
	uint64_t version = 1;

	want_rc(store_record_put(f->st, STORE_SUBSCRIPTION, &n, &version,
	    SLICE("two")), RC_OK, "put");
	want_body(f->st, STORE_SUBSCRIPTION, n, 1, "one");
	want_body(f->st, STORE_SUBSCRIPTION, n, 2, "two");
	want_body(f->st, STORE_SUBSCRIPTION, n, 0, "two");
	want_none(f->st, STORE_SUBSCRIPTION, n, 3);
	want_rc(store_record_delete(f->st, STORE_SUBSCRIPTION, n, 2), RC_OK,
	    "delete");
	want_none(f->st, STORE_SUBSCRIPTION, n, 0);
	want_body(f->st, STORE_SUBSCRIPTION, n, 1, "one");
	want_body(f->st, STORE_SUBSCRIPTION, n, 2, "two");
	version = 1;
	want_rc(store_record_put(f->st, STORE_CLIENT, &client, &version,
	    SLICE("c two")), RC_OK, "put client");
	want_none(f->st, STORE_CLIENT, client, 1);
}

static void
times_say_when_it_was_made_and_when_changed(void **state)
{
	struct fixture *f = *state;
	struct store_record a = STORE_RECORD_INIT, b = STORE_RECORD_INIT;
	uint32_t n = make(f->st, STORE_KEY, "one");
	uint64_t version = 1;

	want_rc(store_record_get(f->st, STORE_KEY, n, 0, &a), RC_OK, "get");
	assert_true(a.created_ms > 1600000000000);
	want_i64(a.updated_ms, a.created_ms, "updated");
	want_rc(store_record_put(f->st, STORE_KEY, &n, &version,
	    SLICE("two")), RC_OK, "put");
	want_rc(store_record_get(f->st, STORE_KEY, n, 0, &b), RC_OK, "again");
	want_i64(b.created_ms, a.created_ms, "created");
	assert_true(b.updated_ms >= a.updated_ms);
	store_record_clear(&a);
	store_record_clear(&b);
}

static void
a_body_may_have_any_bytes_up_to_the_limit(void **state)
{
	struct fixture *f = *state;
	struct store_record r = STORE_RECORD_INIT;
	char *body = calloc(STORE_RECORD_MAX + 1, 1);
	uint32_t n = 0, other = 0;
	uint64_t version = 0;

	assert_non_null(body);
	for (size_t i = 0; i < STORE_RECORD_MAX; i++)
		body[i] = (char)(i * 131);
	want_rc(store_record_put(f->st, STORE_SUBSCRIPTION, &n, &version,
	    (struct slice){ body, STORE_RECORD_MAX }), RC_OK, "at the limit");
	want_rc(store_record_get(f->st, STORE_SUBSCRIPTION, n, 0, &r), RC_OK,
	    "get");
	assert_true(slice_eq(r.body,
	    (struct slice){ body, STORE_RECORD_MAX }));
	want_rc(store_record_put(f->st, STORE_SUBSCRIPTION, &n, &version,
	    SLICE("")), RC_OK, "empty");
	want_rc(store_record_get(f->st, STORE_SUBSCRIPTION, n, 1, &r), RC_OK,
	    "the old one");
	want_i64((int64_t)r.body.len, STORE_RECORD_MAX, "its length");
	want_rc(store_record_put(f->st, STORE_SUBSCRIPTION, &other, &version,
	    (struct slice){ body, STORE_RECORD_MAX + 1 }), RC_TOOBIG, "over");
	want_i64(other, 0, "no number was taken");
	store_record_clear(&r);
	free(body);
}

static void
a_list_comes_in_pages_of_its_kind_alone(void **state)
{
	struct fixture *f = *state;
	struct store_record r[3] = { STORE_RECORD_INIT, STORE_RECORD_INIT,
	    STORE_RECORD_INIT };
	uint32_t after = 0, want = 1;
	char body[16];
	size_t n;

	for (int i = 1; i <= 5; i++) {
		snprintf(body, sizeof body, "s%d", i);
		make(f->st, STORE_SUBSCRIPTION, body);
		make(f->st, STORE_CLIENT, "client");
		make(f->st, STORE_KEY, "key");
	}
	want_rc(store_record_delete(f->st, STORE_SUBSCRIPTION, 2, 1), RC_OK,
	    "delete");
	do {
		want_rc(store_record_list(f->st, STORE_SUBSCRIPTION, after, r,
		    3, &n), RC_OK, "list after %d", (int)after);
		for (size_t i = 0; i < n; i++) {
			want += want == 2;
			snprintf(body, sizeof body, "s%d", (int)want);
			want_i64(r[i].number, want, "number");
			want_slice(r[i].body, slice_of(body), "body");
			after = r[i].number;
			want++;
		}
	} while (n == 3);
	want_i64(want, 6, "all were listed");
	want_rc(store_record_list(f->st, STORE_USER, 0, r, 3, &n), RC_OK,
	    "a kind without any");
	want_i64((int64_t)n, 0, "users");
	want_rc(store_record_list(f->st, STORE_CLIENT, UINT32_MAX, r, 3, &n),
	    RC_OK, "after the last number there is");
	want_i64((int64_t)n, 0, "after the last");
	for (size_t i = 0; i < NELEM(r); i++)
		store_record_clear(&r[i]);
}

static void
each_change_but_a_users_is_announced(void **state)
{
	static const struct store_change want[] = {
		{ 1, STORE_CLIENT, 1 }, { 2, STORE_SUBSCRIPTION, 1 },
		{ 3, STORE_SUBSCRIPTION, 1 }, { 4, STORE_KEY, 1 },
		{ 5, STORE_SUBSCRIPTION, 1 },
	};
	struct fixture *f = *state;
	struct store_change c[8];
	uint64_t generation, version = 1;
	uint32_t sub;
	size_t n;

	want_rc(store_generation(f->st, &generation), RC_OK, "new");
	want_i64((int64_t)generation, 0, "of a new store");
	want_rc(store_changes(f->st, 0, c, 8, &n), RC_OK, "none yet");
	want_i64((int64_t)n, 0, "none yet");
	make(f->st, STORE_CLIENT, "c");
	sub = make(f->st, STORE_SUBSCRIPTION, "s");
	make(f->st, STORE_USER, "u");
	want_rc(store_record_put(f->st, STORE_SUBSCRIPTION, &sub, &version,
	    SLICE("t")), RC_OK, "put");
	make(f->st, STORE_KEY, "k");
	want_rc(store_record_delete(f->st, STORE_SUBSCRIPTION, sub, 2), RC_OK,
	    "delete");
	want_rc(store_generation(f->st, &generation), RC_OK, "generation");
	want_i64((int64_t)generation, 5, "generation");
	for (uint64_t since = 0; since <= 5; since++) {
		want_rc(store_changes(f->st, since, c, 8, &n), RC_OK,
		    "since %d", (int)since);
		want_i64((int64_t)n, 5 - (int64_t)since, "since %d",
		    (int)since);
		for (size_t i = 0; i < n; i++) {
			const struct store_change *w = &want[since + i];

			want_i64((int64_t)c[i].generation,
			    (int64_t)w->generation, "generation");
			want_i64(c[i].kind, w->kind, "kind");
			want_i64(c[i].number, w->number, "number");
		}
	}
	want_rc(store_changes(f->st, 1, c, 2, &n), RC_OK, "a page");
	want_i64((int64_t)n, 2, "a page");
	want_rc(store_changes(f->st, 6, c, 8, &n), RC_NOTFOUND,
	    "of a generation to come");
}

static enum rc
set_generation(struct store *st, DB_TXN *txn, void *arg)
{
	const uint64_t *generation = arg;

	return bdb_count_set(st, txn, KEY_GENERATION, *generation);
}

/* As if so many changes had been made. */
static void
jump(struct store *st, uint64_t generation)
{
	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(bdb_txn(st, set_generation, &generation, BDB_PRIORITY_CONFIG,
	    false), RC_OK, "jump to %d", (int)generation);
	bdb_leave(st);
}

static enum rc
change_row(struct store *st, uint64_t generation)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	want_rc(bdb_enter(st), RC_OK, "enter");
	key_change(&key, generation);
	rc = bdb_get(st, NULL, BDB_CONFIG, &key, &val, false);
	bdb_leave(st);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static void
ten_thousand_changes_are_kept_and_older_ones_forgotten(void **state)
{
	struct fixture *f = *state;
	struct store_change c[4];
	size_t n;

	for (int i = 0; i < 3; i++)
		make(f->st, STORE_KEY, "k");
	jump(f->st, 9999);
	make(f->st, STORE_KEY, "change 10,000");
	want_rc(change_row(f->st, 1), RC_OK, "the first of 10,000");
	make(f->st, STORE_KEY, "change 10,001");
	want_rc(change_row(f->st, 1), RC_NOTFOUND, "the first of 10,001");
	want_rc(change_row(f->st, 2), RC_OK, "the second of 10,001");
	want_rc(store_changes(f->st, 9999, c, 4, &n), RC_OK, "the newest");
	want_i64((int64_t)n, 2, "the newest");
	want_rc(store_changes(f->st, 1, c, 1, &n), RC_OK, "the oldest kept");
	want_i64((int64_t)c[0].generation, 2, "the oldest kept");
	want_rc(store_changes(f->st, 0, c, 4, &n), RC_NOTFOUND, "long ago");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(numbers_count_up_by_kind_and_are_never_used_again),
	    T(only_the_present_version_can_be_changed),
	    T(a_subscription_keeps_its_old_versions_also_when_removed),
	    T(times_say_when_it_was_made_and_when_changed),
	    T(a_body_may_have_any_bytes_up_to_the_limit),
	    T(a_list_comes_in_pages_of_its_kind_alone),
	    T(each_change_but_a_users_is_announced),
	    T(ten_thousand_changes_are_kept_and_older_ones_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
