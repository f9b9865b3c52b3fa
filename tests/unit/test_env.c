/*
 * Making, opening and looking after a store, and the rows beneath the verbs.
 */
#include <grp.h>
#include "base/log.h"
#include "store/bdb_key.h"
#include "unit_row.h"

static const char *
in(const char *dir, const char *name)
{
	static char path[2][1024];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static enum rc
try_open(struct place *p, struct buf *why)
{
	struct store *st = NULL;
	enum rc rc;

	buf_clear(why);
	rc = store_open(&st, &p->opt, why);
	if (rc == RC_OK)
		store_close(st);
	return rc;
}

static void
a_store_is_made_once_and_for_its_owner_alone(void **state)
{
	struct place *p = *state;
	struct buf why = BUF_INIT(1024);
	struct stat sb;

	want_rc(store_create(&p->opt, &why), RC_EXISTS, "a second time");
	assert_int_equal(stat(p->store, &sb), 0);
	want_i64(sb.st_mode & 07777, 0700, "mode of the directory");
	for (int f = 0; f < BDB_NFILES; f++) {
		assert_int_equal(stat(in(p->store, bdb_file_name[f]), &sb), 0);
		want_i64(sb.st_mode & 07777, 0600, "mode of %s",
		    bdb_file_name[f]);
	}
	want_i64(access(in(p->store, "unfinished"), F_OK), -1, "unfinished");
	want_rc(try_open(p, &why), RC_OK, "open: %s", buf_str(&why));
	buf_free(&why);
}

static void
what_is_no_store_is_not_opened_and_not_made_into_one(void **state)
{
	struct place *p = *state;
	struct store_options o = p->opt;
	struct buf why = BUF_INIT(1024);
	struct store *st;
	char dir[600];

	snprintf(dir, sizeof dir, "%s/other", p->dir);
	o.dir = dir;
	want_rc(store_open(&st, &o, &why), RC_NOTFOUND, "no directory");
	assert_int_equal(mkdir(dir, 0700), 0);
	want_rc(store_open(&st, &o, &why), RC_NOTFOUND, "empty directory");
	write_file(in(dir, "letter"), "mine");
	want_rc(store_create(&o, &why), RC_INVALID, "in use for else");
	want_i64(access(in(dir, "letter"), F_OK), 0, "the letter");
	buf_free(&why);
}

static void
what_was_left_half_made_is_made_anew(void **state)
{
	struct place *p = *state;
	struct store_options o = p->opt;
	struct buf why = BUF_INIT(1024);
	char dir[600];
	struct store *st;

	snprintf(dir, sizeof dir, "%s/other", p->dir);
	o.dir = dir;
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file(in(dir, "unfinished"), "");
	write_file(in(dir, "event.db"), "half a page");
	write_file(in(dir, "log.0000000001"), "no log");
	want_rc(store_create(&o, &why), RC_OK, "%s", buf_str(&why));
	want_rc(store_open(&st, &o, &why), RC_OK, "%s", buf_str(&why));
	store_close(st);
	buf_free(&why);
}

static void
a_store_of_a_later_version_is_refused_untouched(void **state)
{
	struct place *p = *state;
	struct buf why = BUF_INIT(1024);
	struct store *st = place_open(p, false);
	char want[1024];

	store_idle(st);
	write_file(in(p->store, "schema"), "skycap store 7\n");
	/* A process that was there before the change is kept out, too. */
	want_rc(bdb_enter(st), RC_INVALID, "already open");
	store_close(st);
	/* Nobody may even recover it. */
	unlink(in(p->store, "state"));
	want_rc(try_open(p, &why), RC_INVALID, "schema 7");
	snprintf(want, sizeof want, "the store in %s has schema 7, this "
	    "program reads and writes schema 3", p->store);
	want_str(buf_str(&why), want, "why");
	want_i64(access(in(p->store, "state"), F_OK), -1, "recovered");
	write_file(in(p->store, "schema"), "rubbish");
	want_rc(try_open(p, &why), RC_INVALID, "rubbish");
	buf_free(&why);
}

/*
 * A store as schema 1 or 2 had it, which lacks what came later: brought up by
 * the first one in, also after somebody was ended while doing it.
 */
static void
a_store_of_an_earlier_version_is_brought_up(void **state)
{
	static const enum bdb_file later[] = { BDB_CHAIN, BDB_TIMER };
	struct place *p = *state;
	struct buf why = BUF_INIT(1024), text = BUF_INIT(64);
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct store *st;
	uint64_t schema = 0;
	char got[64];
	FILE *f;

	for (uint64_t version = 1; version <= STORE_SCHEMA; version++) {
		st = place_open(p, false);
		key_meta(&key, KEY_SCHEMA);
		value_u64(&val, version);
		want_rc(bdb_enter(st), RC_OK, "enter");
		want_rc(bdb_put(st, NULL, BDB_META, &key, &val), RC_OK,
		    "schema's row");
		bdb_leave(st);
		store_close(st);
		for (size_t i = version - 1; i < NELEM(later); i++)
			assert_int_equal(unlink(in(p->store,
			    bdb_file_name[later[i]])), 0);
		write_file(in(p->store, "schema"), version == 2 ?
		    "skycap store 2\n" : "skycap store 1\n");
		want_rc(store_create(&p->opt, &why), RC_EXISTS, "a store");
		st = place_open(p, false);
		want_rc(bdb_enter(st), RC_OK, "enter");
		want_rc(bdb_get(st, NULL, BDB_META, &key, &val, false), RC_OK,
		    "schema's row");
		bdb_leave(st);
		want_rc(value_u64_parse(buf_as_slice(&val), &schema), RC_OK,
		    "schema's value");
		want_i64((int64_t)schema, STORE_SCHEMA, "schema's row");
		for (size_t i = 0; i < NELEM(later); i++)
			assert_int_equal(access(in(p->store,
			    bdb_file_name[later[i]]), F_OK), 0);
		f = fopen(in(p->store, "schema"), "r");
		assert_non_null(f);
		assert_non_null(fgets(got, sizeof got, f));
		fclose(f);
		buf_clear(&text);
		buf_printf(&text, "skycap store %d\n", STORE_SCHEMA);
		want_str(got, buf_str(&text), "schema file");
		store_close(st);
	}
	buf_free(&val);
	buf_free(&key);
	buf_free(&text);
	buf_free(&why);
}

#define NOBODY	65534

static int
become_nobody(struct place *p)
{
	struct buf why = BUF_INIT(512);
	enum rc rc = store_become_owner(p->store, &why);

	if (rc != RC_OK || geteuid() != NOBODY || getegid() != NOBODY)
		return 1;
	return setuid(0) == -1 ? 0 : 2;
}

static int
be_a_stranger(struct place *p)
{
	struct buf why = BUF_INIT(512);
	struct store *st;

	if (setgroups(0, NULL) == -1 || setgid(4711) == -1 ||
	    setuid(4711) == -1)
		return 1;
	if (store_become_owner(p->store, &why) != RC_DENIED)
		return 2;
	if (strstr(buf_str(&why), "run this as") == NULL)
		return 3;
	return store_open(&st, &p->opt, &why) == RC_DENIED ? 0 : 4;
}

static void
only_the_owner_works_on_a_store_and_root_becomes_it(void **state)
{
	struct place *p = *state;
	struct buf why = BUF_INIT(512);

	want_rc(store_become_owner(in(p->dir, "none"), &why), RC_NOTFOUND,
	    "no such directory");
	want_rc(store_become_owner(p->store, &why), RC_OK, "the owner");
	buf_free(&why);
	if (geteuid() != 0) {
		print_message("not root: other users are not tried\n");
		skip();
	}
	assert_int_equal(chmod(p->dir, 0755), 0);
	assert_int_equal(chown(p->store, NOBODY, NOBODY), 0);
	want_i64(place_child(p, become_nobody), 0, "root");
	want_i64(place_child(p, be_a_stranger), 0, "a stranger");
}

static void
ids_are_read_back_and_no_others(void **state)
{
	struct store *st = place_open(*state, false);
	struct store_key key = { 1234567890123, 77, 3 }, got;
	uint64_t position;
	uint32_t number;
	char id[ID_MAX];

	store_event_id(st, 42, id);
	want_rc(store_event_parse(st, slice_of(id), &position), RC_OK, "evt");
	want_i64((int64_t)position, 42, "position");
	want_rc(store_delivery_parse(st, slice_of(id), &got), RC_NOTFOUND,
	    "evt as msg");
	store_delivery_id(st, key, id);
	want_rc(store_delivery_parse(st, slice_of(id), &got), RC_OK, "msg");
	want_i64((int64_t)got.position, 1234567890123, "position");
	want_i64(got.subscription, 77, "subscription");
	want_i64(got.ordinal, 3, "ordinal");
	for (int kind = STORE_CLIENT; kind <= STORE_USER; kind++) {
		store_record_id(st, (enum store_kind)kind, 9, id);
		for (int as = STORE_CLIENT; as <= STORE_USER; as++)
			want_rc(store_record_parse(st, (enum store_kind)as,
			    slice_of(id), &number), as == kind ? RC_OK :
			    RC_NOTFOUND, "%s as %d", id, as);
		want_i64(number, 9, "number");
	}
	id[strlen(id) - 1] = id[strlen(id) - 1] == 'z' ? 'y' : 'z';
	want_rc(store_record_parse(st, STORE_USER, slice_of(id), &number),
	    RC_NOTFOUND, "mistyped");
	store_close(st);
}

static bool
is_there(struct place *p, const char *key)
{
	struct buf k = BUF_INIT(64), val = BUF_INIT(1024);
	struct store *st = place_open(p, false);
	enum rc rc;

	buf_puts(&k, key);
	want_rc(bdb_enter(st), RC_OK, "enter");
	rc = bdb_get(st, NULL, BDB_EVENT, &k, &val, false);
	bdb_leave(st);
	store_close(st);
	buf_free(&k);
	buf_free(&val);
	return rc == RC_OK;
}

static void
put_row(struct place *p, const char *key)
{
	struct buf k = BUF_INIT(64);
	struct store *st = place_open(p, false);

	buf_puts(&k, key);
	want_rc(bdb_enter(st), RC_OK, "enter");
	want_rc(run_row(st, &k, &k, bdb_put), RC_OK, "put %s", key);
	bdb_leave(st);
	store_close(st);
	buf_free(&k);
}

/* cp, of the data files alone: the regions stay. */
static void
copy_data(const char *from, const char *to)
{
	char command[8192];

	snprintf(command, sizeof command, "mkdir -p '%s' && cp '%s'/*.db "
	    "'%s'/log.* '%s'", to, from, from, to);
	assert_int_equal(system(command), 0);
}

static void
files_replaced_while_nobody_was_inside_are_recovered(void **state)
{
	struct place *p = *state;
	char aside[1024];

	snprintf(aside, sizeof aside, "%s/aside", p->dir);
	put_row(p, "early");
	copy_data(p->store, aside);
	put_row(p, "late");
	assert_true(is_there(p, "early") && is_there(p, "late"));
	want_i64(access(in(p->store, "left"), F_OK), 0, "left in order");
	copy_data(aside, p->store);
	assert_true(is_there(p, "early"));
	assert_false(is_there(p, "late"));
	put_row(p, "after");
	unlink(in(p->store, "left"));
	assert_true(is_there(p, "early") && is_there(p, "after"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(a_store_is_made_once_and_for_its_owner_alone),
		PLACE_TEST(what_is_no_store_is_not_opened_and_not_made_into_one),
		PLACE_TEST(what_was_left_half_made_is_made_anew),
		PLACE_TEST(a_store_of_a_later_version_is_refused_untouched),
		PLACE_TEST(a_store_of_an_earlier_version_is_brought_up),
		PLACE_TEST(only_the_owner_works_on_a_store_and_root_becomes_it),
		PLACE_TEST(ids_are_read_back_and_no_others),
		PLACE_TEST(
		    files_replaced_while_nobody_was_inside_are_recovered),
	};

	log_level_set(LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
