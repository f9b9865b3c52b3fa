#include "store/bdb.h"
#include "store/bdb_key.h"
#include "unit_work.h"

#define TICKETED "OrderTicketed"

static void
a_client_never_matches_an_order_outside_its_scope(void **state)
{
	static const struct {
		const char *scope, *order;
		bool sees;
	} t[] = {
		{ "agency=Wander", "{\"agency\":\"Wander\"}", true },
		{ "agency=Wander", "{\"agency\":\"W\\u0061nder\"}", true },
		{ "agency=Wander", "{\"agency\":\"Wander \"}", false },
		{ "agency=Wander", "{\"agency\":\"wander\"}", false },
		{ "agency=Wander", "{\"agency\":\"Wander Travel\"}", false },
		{ "agency=Wander", "{\"agency\":\"Wande\"}", false },
		{ "agency=Wander", "{\"agency\":\"\"}", false },
		{ "agency=Wander", "{\"agency\":null}", false },
		{ "agency=Wander", "{\"agent\":\"Wander\"}", false },
		{ "agency=Wander", "{}", false },
		{ "agency=A\\u0042", "{\"agency\":\"AB\"}", false },
		{ "agency=A\\u0042", "{\"agency\":\"A\\\\u0042\"}", true },
		{ "agency=A\"B", "{\"agency\":\"A\\\"B\"}", true },
		{ "agency=\xc3\xa9", "{\"agency\":\"\\u00e9\"}", true },
		{ "consumerIataCode=12345678",
		    "{\"consumerIataCode\":\"12345678\"}", true },
		{ "consumerIataCode=12345678",
		    "{\"consumerIataCode\":12345678}", true },
		{ "consumerIataCode=12345678",
		    "{\"consumerIataCode\":123456789}", false },
		{ "bookingType=OW", "{\"bookingType\":\"One Way\"}", true },
		{ "bookingType=OW", "{\"bookingType\":\"OW\"}", true },
		{ "bookingType=OW", "{\"bookingType\":\"RT\"}", false },
		{ "origin=MAD", "{\"legs\":[{\"origin\":\"MAD\","
		    "\"destination\":\"LHR\"}]}", true },
		{ "origin=LHR", "{\"legs\":[{\"origin\":\"MAD\","
		    "\"destination\":\"LHR\"}]}", false },
	};
	struct bench *b = *state;
	struct buf got = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(t); i++) {
		uint32_t client = bench_client(b, t[i].scope);
		uint32_t sub = bench_subscription(b, client, UNIT_TASK);
		const struct roster *r = bench_roster(b->rosters);
		struct order o = ORDER_INIT;
		char want[16] = "";

		if (t[i].sees)
			snprintf(want, sizeof want, "%u", sub);
		want_str(bench_matches(r, b->catalog, TICKETED, t[i].order,
		    &got), want, "%s and %s", t[i].scope, t[i].order);
		unit_order(&o, b->catalog, t[i].order);
		want_i64(client_sees(roster_client(r, client), NULL, &o),
		    t[i].sees, "%s sees %s", t[i].scope, t[i].order);
		order_free(&o);
		roster_release(r);
		want_rc(client_remove(&b->config, client, true, &b->why),
		    RC_OK, "remove");
	}
	buf_free(&got);
}

static void
any_rule_of_a_scope_is_enough_and_all_sees_everything(void **state)
{
	static const char *const rule[] = { "agency=Wander",
	    "consumerIataCode=12345678" };
	struct bench *b = *state;
	struct buf got = BUF_INIT(4096);
	const struct roster *r;
	uint32_t some, all;

	want_rc(client_add(&b->config, "two rules", "", false, rule, 2, &some,
	    &b->why), RC_OK, "client");
	all = bench_client(b, NULL);
	bench_subscription(b, some, UNIT_TASK);		/* 1 */
	bench_subscription(b, all, UNIT_TASK);		/* 2 */
	r = bench_roster(b->rosters);
	want_str(bench_matches(r, b->catalog, TICKETED,
	    "{\"agency\":\"Wander\"}", &got), "1 2", "by the first rule");
	want_str(bench_matches(r, b->catalog, TICKETED,
	    "{\"consumerIataCode\":\"12345678\"}", &got), "1 2",
	    "by the other");
	want_str(bench_matches(r, b->catalog, TICKETED, "{}", &got), "2",
	    "by none");
	roster_release(r);
	buf_free(&got);
}

static void
type_and_filter_decide_and_the_state_does_not(void **state)
{
	struct bench *b = *state;
	struct buf got = BUF_INIT(4096);
	uint32_t client = bench_client(b, NULL), paused, disabled;
	const struct roster *r;

	bench_subscription(b, client, "{\"event\":[\"*\"],\"httpRequest\":"
	    "{\"url\":\"https://a.example/\"}}");			/* 1 */
	bench_subscription(b, client, "{\"event\":[\"OrderTicketed\"],"
	    "\"filter\":[{\"field\":\"provider\",\"op\":\"=\",\"value\":"
	    "\"IB\"}],\"httpRequest\":{\"url\":\"https://a.example/\"}}");
	paused = bench_subscription(b, client, UNIT_TASK);		/* 3 */
	disabled = bench_subscription(b, client, UNIT_TASK);		/* 4 */
	want_rc(subscription_set_state(&b->config, paused,
	    SUBSCRIPTION_PAUSED, "", &b->why), RC_OK, "pause");
	want_rc(subscription_set_state(&b->config, disabled,
	    SUBSCRIPTION_DISABLED, "gone", &b->why), RC_OK, "disable");
	r = bench_roster(b->rosters);
	want_str(bench_matches(r, b->catalog, TICKETED,
	    "{\"provider\":\"IB\"}", &got), "1 2 3 4", "IB");
	want_str(bench_matches(r, b->catalog, TICKETED,
	    "{\"provider\":\"BA\"}", &got), "1 3 4", "BA");
	want_str(bench_matches(r, b->catalog, "OrderCreated",
	    "{\"provider\":\"IB\"}", &got), "1", "another type");
	roster_release(r);
	buf_free(&got);
}

static void
a_snapshot_stands_while_the_generation_moves_on(void **state)
{
	struct bench *b = *state;
	const struct roster *old = bench_roster(b->rosters), *r = NULL;
	struct buf got = BUF_INIT(4096);
	uint64_t generation = roster_generation(old), now;
	uint32_t client = bench_client(b, NULL);

	bench_subscription(b, client, UNIT_TASK);
	want_rc(rosters_get(b->rosters, 0, false, &r), RC_OK, "unchecked");
	want_i64((int64_t)roster_generation(r), (int64_t)generation,
	    "generation unchecked");
	roster_release(r);
	want_rc(store_generation(b->st, &now), RC_OK, "generation");
	want_rc(rosters_get(b->rosters, now, false, &r), RC_OK, "at least");
	want_i64((int64_t)roster_generation(r), (int64_t)now,
	    "generation asked for");
	want_str(bench_matches(r, b->catalog, TICKETED, "{}", &got), "1",
	    "new");
	want_str(bench_matches(old, b->catalog, TICKETED, "{}", &got), "",
	    "old");
	assert_null(roster_client_at(old, 0));
	want_rc(client_remove(&b->config, client, true, &b->why), RC_OK,
	    "remove");
	roster_release(bench_roster(b->rosters));
	want_str(roster_client(r, client)->name, "Wander",
	    "a client of a snapshot that is held");
	roster_release(old);
	roster_release(r);
	buf_free(&got);
}

static void
print_all(const struct bench *b, const struct roster *r, struct buf *out)
{
	const struct subscription *s;
	const struct client *c;
	const struct apikey *k;
	const struct sign_key *key;
	struct buf got = BUF_INIT(65536);
	size_t n;

	buf_clear(out);
	for (size_t i = 0; (c = roster_client_at(r, i)) != NULL; i++)
		client_print(b->st, c, out);
	for (size_t i = 0; (s = roster_subscription_at(r, i)) != NULL; i++) {
		subscription_print(b->st, s, false, out);
		n = subscription_keys(s, 0, &key);
		buf_printf(out, "%zu keys", n);
		for (size_t j = 0; j < n; j++)
			sign_key_put(key[j], out);
	}
	for (size_t i = 0; (k = roster_key_at(r, i)) != NULL; i++) {
		apikey_print(b->st, k, out);
		crypt_base64((struct slice){ (const char *)k->hash,
		    sizeof k->hash }, out);
	}
	buf_puts(out, bench_matches(r, b->catalog, TICKETED,
	    "{\"agency\":\"A\",\"provider\":\"IB\"}", &got));
	assert_false(out->over);
	buf_free(&got);
}

/* One change of any kind, of anything that may or may not be there. */
static void
change_something(struct bench *b, unsigned seed)
{
	static const char *const scope[] = { "agency=A", "agency=B",
	    "provider=IB" };
	static const char *const task[] = { UNIT_TASK,
	    "{\"name\":\"edited\",\"event\":[\"*\"],\"httpRequest\":{\"url\":"
	    "\"https://b.example/\"}}" };
	static const char *const changed[] = {
	    "{\"name\":\"d\",\"mail\":\"\",\"all\":true,\"scope\":[]}",
	    "{\"name\":\"e\",\"mail\":\"\",\"all\":false,\"scope\":["
	    "{\"field\":\"agency\",\"value\":\"A\"}]}" };
	uint32_t n = 1 + (seed >> 8) % 12, made;
	struct store_record rec = STORE_RECORD_INIT;
	struct buf token = BUF_INIT(128);
	enum rc rc = RC_OK;

	buf_clear(&b->why);
	switch (seed % 9) {
	case 0:
		rc = client_add(&b->config, "c", "", false,
		    &scope[seed / 8 % 3], 1, &made, &b->why);
		break;
	case 1:
	case 2:
		rc = subscription_add(&b->config, n,
		    slice_of(task[seed / 8 % 2]), NULL, 0, &made, &b->why);
		break;
	case 3:
		rc = apikey_add(&b->config, seed / 8 % 2 == 0 ? KEY_CLIENT :
		    KEY_PUBLISH, n, "k", &made, &token, &b->why);
		break;
	case 4:
		rc = subscription_set_state(&b->config, n, seed / 8 % 2 == 0 ?
		    SUBSCRIPTION_PAUSED : SUBSCRIPTION_ACTIVE, "", &b->why);
		break;
	case 5:
		rc = store_record_get(b->st, STORE_SUBSCRIPTION, n, 0, &rec);
		if (rc == RC_OK)
			rc = subscription_edit(&b->config, n, rec.version,
			    slice_of(task[seed / 8 % 2]), &b->why);
		break;
	case 6:
		rc = seed / 8 % 2 == 0 ? subscription_remove(&b->config, n,
		    &b->why) : apikey_revoke(&b->config, n, &b->why);
		break;
	case 7:
		rc = store_record_get(b->st, STORE_CLIENT, n, 0, &rec);
		if (rc == RC_OK)
			rc = store_record_put(b->st, STORE_CLIENT, &n,
			    &rec.version, slice_of(changed[seed / 8 % 2]));
		break;
	default:
		rc = client_remove(&b->config, n, seed / 8 % 4 == 0, &b->why);
	}
	if (rc != RC_NOTFOUND && rc != RC_EXISTS)
		want_rc(rc, RC_OK, "change %u: %s", seed % 9,
		    buf_str(&b->why));
	store_record_clear(&rec);
	buf_free(&token);
}

static void
a_reload_of_changes_gives_what_a_full_load_gives(void **state)
{
	struct bench *b = *state;
	struct buf got = BUF_INIT(4 << 20), want = BUF_INIT(4 << 20);
	unsigned seed = 4711;

	for (int round = 0; round < 40; round++) {
		struct rosters *fresh = NULL;
		const struct roster *r, *full;

		for (int i = 0; i < 1 + round % 9; i++) {
			seed = seed * 1103515245u + 12345u;
			change_something(b, seed >> 8);
		}
		want_rc(rosters_new(&fresh, b->st, &b->place.crypt,
		    b->catalog), RC_OK, "rosters_new");
		r = bench_roster(b->rosters);
		full = bench_roster(fresh);
		print_all(b, r, &got);
		print_all(b, full, &want);
		want_i64((int64_t)roster_generation(r),
		    (int64_t)roster_generation(full), "generation");
		want_str(buf_str(&got), buf_str(&want), "round %d", round);
		roster_release(full);
		roster_release(r);
		rosters_free(fresh);
	}
	assert_true(got.len > 1000);	/* it was not all removed again */
	buf_free(&got);
	buf_free(&want);
}

static void
who_is_too_far_behind_loads_everything(void **state)
{
	struct bench *b = *state;
	struct buf key = KEY_INIT, got = BUF_INIT(4096);
	const struct roster *r = bench_roster(b->rosters);
	uint64_t generation = roster_generation(r);
	uint32_t client;

	roster_release(r);
	client = bench_client(b, NULL);
	bench_subscription(b, client, UNIT_TASK);
	key_change(&key, generation + 1);	/* trimmed */
	want_rc(bdb_enter(b->st), RC_OK, "enter");
	want_rc(bdb_del(b->st, NULL, BDB_CONFIG, &key), RC_OK, "trim");
	bdb_leave(b->st);
	r = bench_roster(b->rosters);
	want_i64((int64_t)roster_generation(r), (int64_t)generation + 2,
	    "generation");
	want_str(bench_matches(r, b->catalog, TICKETED, "{}", &got), "1",
	    "matches");
	roster_release(r);
	buf_free(&key);
	buf_free(&got);
}

/* All of it met in one reload: the client is read before what it owns. */
static void
a_client_that_changes_again_keeps_what_was_made_for_it(void **state)
{
	struct bench *b = *state;
	struct buf got = BUF_INIT(4096);
	uint64_t version = 1;
	uint32_t client, sub;
	const struct roster *r;

	roster_release(bench_roster(b->rosters));
	client = bench_client(b, NULL);
	sub = bench_subscription(b, client, UNIT_TASK);
	want_rc(store_record_put(b->st, STORE_CLIENT, &client, &version,
	    SLICE("{\"name\":\"New\",\"mail\":\"\",\"all\":false,"
	    "\"scope\":[{\"field\":\"agency\",\"value\":\"A\"}]}")), RC_OK,
	    "change the client");
	r = bench_roster(b->rosters);
	assert_non_null(roster_subscription(r, sub));
	want_str(roster_subscription(r, sub)->client->name, "New", "client");
	want_str(bench_matches(r, b->catalog, TICKETED, "{}", &got), "",
	    "by its old scope");
	want_str(bench_matches(r, b->catalog, TICKETED,
	    "{\"agency\":\"A\"}", &got), "1", "by its new scope");
	roster_release(r);
	buf_free(&got);
}

/* A client that goes just when something is made for it. */
static void
what_belongs_to_no_client_is_nobodys_and_harms_nobody(void **state)
{
	struct bench *b = *state;
	uint32_t client = bench_client(b, NULL), other;
	struct buf token = BUF_INIT(128), got = BUF_INIT(4096);
	const struct roster *r;
	uint32_t sub, key;

	roster_release(bench_roster(b->rosters));
	sub = bench_subscription(b, client, UNIT_TASK);
	key = bench_key(b, KEY_CLIENT, client, &token);
	other = bench_client(b, NULL);
	bench_subscription(b, other, UNIT_TASK);		/* 2 */
	want_rc(store_record_delete(b->st, STORE_CLIENT, client, 1), RC_OK,
	    "the client alone");
	for (int fresh = 0; fresh < 2; fresh++) {
		struct rosters *rs = b->rosters;

		if (fresh == 1)
			want_rc(rosters_new(&rs, b->st, &b->place.crypt,
			    b->catalog), RC_OK, "rosters_new");
		r = bench_roster(rs);
		assert_null(roster_subscription(r, sub));
		assert_null(roster_key(r, key));
		assert_null(roster_key_by_token(r, buf_as_slice(&token)));
		want_str(bench_matches(r, b->catalog, TICKETED, "{}", &got),
		    "2", "matches");
		roster_release(r);
		if (fresh == 1)
			rosters_free(rs);
	}
	buf_free(&token);
	buf_free(&got);
}

/* The catalogue without field pnr and event type SeatsAddition. */
static struct catalog *
poorer_catalog(const struct bench *b)
{
	struct buf path = BUF_INIT(1024), text = BUF_INIT(1 << 20);
	struct buf why = BUF_INIT(1024);
	struct catalog *c = NULL;
	const char *source = getenv("SKYCAP_SOURCE"), *here = __FILE__;
	char chunk[4096], *at;
	FILE *f;
	size_t n;

	if (source != NULL)
		buf_printf(&path, "%s/src/shape/catalog.json", source);
	else
		buf_printf(&path, "%.*s/../../src/shape/catalog.json",
		    (int)(strrchr(here, '/') - here), here);
	f = fopen(buf_str(&path), "r");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_put(&text, chunk, n);
	fclose(f);
	at = strstr(text.s, "\"name\": \"pnr\"");
	assert_non_null(at);
	at[9] = 'q';
	at = strstr(text.s, "\"/pnr\"");
	assert_non_null(at);
	at[2] = 'q';
	/* its own texts name the field, too */
	for (at = strstr(text.s, "pnr}}"); at != NULL;
	    at = strstr(text.s, "pnr}}"))
		*at = 'q';
	at = strstr(text.s, "\"SeatsAddition\"");
	assert_non_null(at);
	at[1] = 'Z';
	buf_clear(&path);
	buf_printf(&path, "%s/catalog.json", b->place.dir);
	f = fopen(buf_str(&path), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text.s, 1, text.len, f), text.len);
	fclose(f);
	want_rc(catalog_load(&c, buf_str(&path), &why), RC_OK, "%s",
	    buf_str(&why));
	assert_null(catalog_field_find(c, SLICE("pnr")));
	assert_null(catalog_event_find(c, SLICE("SeatsAddition")));
	buf_free(&path);
	buf_free(&text);
	buf_free(&why);
	return c;
}

static void
a_task_that_no_longer_compiles_is_held_and_not_dropped(void **state)
{
	static const char *const task[] = {
		/* in its template, its filter, and one of its events */
		("{\"event\":[\"OrderTicketed\"],\"filter\":[{\"field\":"
		    "\"provider\",\"op\":\"=\",\"value\":\"IB\"}],"
		    "\"httpRequest\":{\"url\":\"https://a.example/{{pnr}}\"}}"),
		("{\"event\":[\"OrderTicketed\"],\"filter\":[{\"field\":"
		    "\"pnr\",\"op\":\"=\",\"value\":\"X\"}],"
		    "\"httpRequest\":{\"url\":\"https://a.example/\"}}"),
		("{\"event\":[\"SeatsAddition\",\"OrderTicketed\"],"
		    "\"httpRequest\":{\"url\":\"https://a.example/\"}}"),
	};
	struct bench *b = *state;
	struct buf got = BUF_INIT(65536);
	uint32_t client = bench_client(b, "agency=A");
	struct catalog *poorer;
	struct rosters *rs;
	const struct roster *r;

	for (size_t i = 0; i < NELEM(task); i++)
		bench_subscription(b, client, task[i]);
	poorer = poorer_catalog(b);
	want_rc(rosters_new(&rs, b->st, &b->place.crypt, poorer), RC_OK,
	    "rosters_new");
	r = bench_roster(rs);
	for (uint32_t i = 1; i <= NELEM(task); i++) {
		const struct subscription *s = roster_subscription(r, i);

		assert_null(subscription_task(s));
		assert_null(subscription_compile(s));
		want_i64(subscription_state(s), SUBSCRIPTION_DISABLED,
		    "state of %u", i);
		want_str(subscription_reason(s), "task", "reason of %u", i);
		buf_clear(&got);
		subscription_print(b->st, s, true, &got);
		assert_null(strstr(buf_str(&got), "held.invalid"));
	}
	want_str(bench_matches(r, poorer, TICKETED,
	    "{\"agency\":\"A\",\"provider\":\"IB\",\"pnr\":\"X\"}", &got),
	    "1 2 3", "held");
	want_str(bench_matches(r, poorer, TICKETED,
	    "{\"agency\":\"A\",\"provider\":\"BA\",\"pnr\":\"X\"}", &got),
	    "2 3", "a filter that still holds");
	want_str(bench_matches(r, poorer, TICKETED,
	    "{\"agency\":\"A\",\"provider\":\"BA\",\"pnr\":\"Y\"}", &got),
	    "3", "a filter on what is no field any more");
	want_str(bench_matches(r, poorer, TICKETED,
	    "{\"agency\":\"B\",\"provider\":\"IB\"}", &got), "",
	    "outside of the scope");
	roster_release(r);
	rosters_free(rs);
	catalog_free(poorer);
	r = bench_roster(b->rosters);		/* the field is back */
	for (uint32_t i = 1; i <= NELEM(task); i++)
		want_i64(subscription_state(roster_subscription(r, i)),
		    SUBSCRIPTION_ACTIVE, "state of %u again", i);
	roster_release(r);
	buf_free(&got);
}

static void
a_key_is_found_by_its_token_until_it_is_revoked(void **state)
{
	struct bench *b = *state;
	struct buf token[40];
	uint32_t number[NELEM(token)];
	const struct roster *r;

	for (size_t i = 0; i < NELEM(token); i++) {
		token[i] = (struct buf)BUF_INIT(128);
		number[i] = bench_key(b, KEY_PUBLISH, 0, &token[i]);
	}
	r = bench_roster(b->rosters);
	for (size_t i = 0; i < NELEM(token); i++)
		want_i64(roster_key_by_token(r, buf_as_slice(&token[i]))
		    ->number, number[i], "token %zu", i);
	assert_null(roster_key_by_token(r, SLICE("publish_nonsense")));
	assert_null(roster_key_by_token(r, SLICE("")));
	assert_null(roster_key_by_token(r, (struct slice){ NULL, 0 }));
	roster_release(r);
	want_rc(apikey_revoke(&b->config, number[7], &b->why), RC_OK,
	    "revoke");
	r = bench_roster(b->rosters);
	assert_null(roster_key_by_token(r, buf_as_slice(&token[7])));
	assert_non_null(roster_key_by_token(r, buf_as_slice(&token[8])));
	roster_release(r);
	for (size_t i = 0; i < NELEM(token); i++)
		buf_free(&token[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_make, bench_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_client_never_matches_an_order_outside_its_scope),
	    TEST(any_rule_of_a_scope_is_enough_and_all_sees_everything),
	    TEST(type_and_filter_decide_and_the_state_does_not),
	    TEST(a_snapshot_stands_while_the_generation_moves_on),
	    TEST(a_reload_of_changes_gives_what_a_full_load_gives),
	    TEST(who_is_too_far_behind_loads_everything),
	    TEST(a_client_that_changes_again_keeps_what_was_made_for_it),
	    TEST(what_belongs_to_no_client_is_nobodys_and_harms_nobody),
	    TEST(a_task_that_no_longer_compiles_is_held_and_not_dropped),
	    TEST(a_key_is_found_by_its_token_until_it_is_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
