#include "unit_work.h"
#include "work/portable.h"

#define KEY_A	"whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
#define KEY_B	"whsec_QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC"

#define TASK	"{\"name\":\"S\",\"event\":[\"OrderTicketed\"],"	\
	"\"filter\":[{\"value\":\"IB\",\"op\":\"=\",\"field\":\"provider\"}]," \
	"\"httpRequest\":{\"url\":\"https://a.example/?token=tokentoken\","\
	"\"header\":{\"authorization\":\"Basic \\u0041Password\"},"	\
	"\"jsonBody\":{\"z\":1.50,\"a\":\"caf\xc3\xa9 \\/\"}},"		\
	"\"settings\":{\"rate_per_s\":1.50}}"

#define HEAD	"{\"format\":1,\"skycap\":\"" PACKAGE_VERSION "\"," \
	"\"client\":"
#define CLIENT	"{\"name\":\"Caf\xc3\xa9 \\\"A\\\"\","			\
	"\"mail\":\"ops@a.example\",\"scope\":["			\
	"{\"field\":\"agency\",\"value\":\"A = B\"},"			\
	"{\"field\":\"bookingType\",\"value\":\"One Way\"}]}"
#define FILE_PLAIN HEAD CLIENT ",\"subscriptions\":["			\
	"{\"state\":\"active\",\"secrets\":[\"" KEY_A "\",\"" KEY_B "\"],"\
	"\"task\":" TASK "},"						\
	"{\"state\":\"paused\",\"secrets\":[\"" KEY_B "\"],"		\
	"\"task\":" TASK "},"						\
	"{\"state\":\"disabled\",\"reason\":\"gone\","			\
	"\"secrets\":[\"" KEY_A "\"],\"task\":" TASK "}]}"

/* Import, expecting rc; b->why has what was said. */
static void
import(struct bench *b, struct slice json, enum rc rc,
    struct portable_made *m)
{
	portable_made_clear(m);
	buf_clear(&b->why);
	want_rc(portable_import(&b->config, json, NULL, NULL, m, &b->why), rc,
	    "%s", buf_str(&b->why));
}

static const char *
export(struct bench *b, uint32_t client, enum portable_secrets how,
    struct buf *out)
{
	buf_clear(out);
	buf_clear(&b->why);
	want_rc(portable_export(&b->config, client, how, out, &b->why), RC_OK,
	    "%s", buf_str(&b->why));
	return buf_str(out);
}

/* How many records of a kind there are; up to 32. */
static int64_t
count(struct bench *b, enum store_kind kind)
{
	struct store_record rec[32];
	size_t n;

	for (size_t i = 0; i < NELEM(rec); i++)
		rec[i] = (struct store_record)STORE_RECORD_INIT;
	want_rc(store_record_list(b->st, kind, 0, rec, NELEM(rec), &n), RC_OK,
	    "list");
	for (size_t i = 0; i < NELEM(rec); i++)
		store_record_clear(&rec[i]);
	return (int64_t)n;
}

static void
want_said(struct bench *b, const char *what)
{
	if (strstr(buf_str(&b->why), what) == NULL)
		fail_msg("got \"%s\", want \"%s\" in it", buf_str(&b->why),
		    what);
}

static void
what_was_exported_plain_imports_and_exports_the_same(void **state)
{
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;
	struct buf out = BUF_INIT(PORTABLE_MAX);
	const struct subscription *s;
	const struct sign_key *key;
	const struct roster *r;

	import(b, SLICE(FILE_PLAIN), RC_OK, &m);
	want_i64((int64_t)m.n, 3, "subscriptions");
	want_i64(m.namesake, 0, "namesake");
	for (size_t i = 0; i < m.n; i++)
		want_i64(m.fresh[i], false, "fresh secret of %zu", i);
	want_str(export(b, m.client, PORTABLE_PLAIN, &out), FILE_PLAIN,
	    "the export");
	r = bench_roster(b->rosters);
	s = roster_subscription(r, m.subscription[0]);
	want_i64(subscription_state(s), SUBSCRIPTION_ACTIVE, "state");
	want_i64((int64_t)subscription_keys(s, 0, &key), 2, "secrets");
	want_i64((int64_t)key[1].bytes.len, 24, "the older one's length");
	s = roster_subscription(r, m.subscription[2]);
	want_i64(subscription_state(s), SUBSCRIPTION_DISABLED, "state");
	want_str(subscription_reason(s), "gone", "reason");
	want_i64(s->client->number, m.client, "client");
	roster_release(r);
	portable_made_clear(&m);
	buf_free(&out);
}

#define PAIR	"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpM"	\
	"KkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
#define FILE_OF_SECRETS(list)						\
	HEAD "{\"name\":\"A\",\"all\":true},\"subscriptions\":[{"	\
	"\"state\":\"active\",\"secrets\":[" list "],\"task\":" TASK "}]}"

static void
secrets_move_with_their_kinds_and_ends(void **state)
{
	static const char whole[] = FILE_OF_SECRETS("\"" PAIR "\",{\"secret"
	    "\":\"" KEY_A "\",\"until\":\"2999-01-02T03:04:05.678Z\"},"
	    "{\"secret\":\"" KEY_B "\",\"until\":"
	    "\"2999-01-01T00:00:00.000Z\"}");
	static const char over[] = FILE_OF_SECRETS("{\"secret\":\"" KEY_A
	    "\"},{\"secret\":\"" PAIR "\",\"until\":\"2000-01-01T00:00:00Z"
	    "\"}");
	static const char left[] = FILE_OF_SECRETS("\"" KEY_A "\"");
	struct subscription_rotation rotation = { .now_ms = 1,
	    .overlap_ms = 1 };
	struct bench *b = *state;
	struct buf bytes = BUF_INIT(SIGN_KEY_MAX);
	struct portable_made m = PORTABLE_MADE_INIT;
	struct buf out = BUF_INIT(PORTABLE_MAX);
	const struct sign_key *key;
	const struct subscription *s;
	const struct roster *r;

	import(b, SLICE(whole), RC_OK, &m);
	want_str(export(b, m.client, PORTABLE_PLAIN, &out), whole,
	    "the export");
	r = bench_roster(b->rosters);
	s = roster_subscription(r, m.subscription[0]);
	want_i64((int64_t)subscription_keys(s, 32472144000000 - 1, &key), 3,
	    "in 2998");
	want_i64((int64_t)subscription_keys(s, 32472144000000, &key), 2,
	    "in 2999");
	want_i64((int64_t)subscription_keys(s, INT64_MAX, &key), 1, "then");
	want_i64(key[0].kind, SIGN_V1A, "its kind");
	roster_release(r);
	assert_null(strstr(export(b, m.client, PORTABLE_MASKED, &out), "wh"
	    "s"));
	import(b, SLICE(over), RC_OK, &m);
	want_str(export(b, m.client, PORTABLE_PLAIN, &out), left,
	    "less what has ended");

	/* what has ended since, and nobody has written anything */
	want_rc(sign_key_read(SLICE(KEY_B), &bytes, &rotation.key), RC_OK,
	    "read");
	want_rc(subscription_rotate(&b->config, m.subscription[0], &rotation,
	    &b->why), RC_OK, "rotate in 1970");
	want_i64((int64_t)rotation.older, 1, "older");
	want_str(export(b, m.client, PORTABLE_PLAIN, &out),
	    FILE_OF_SECRETS("\"" KEY_B "\""), "less the older one");
	portable_made_clear(&m);
	buf_free(&bytes);
	buf_free(&out);
}

static void
a_client_that_sees_all_or_has_nothing_comes_back_too(void **state)
{
	static const char *const t[] = {
		HEAD "{\"name\":\"A\",\"all\":true},\"subscriptions\":[]}",
		HEAD "{\"name\":\"A\",\"mail\":\"a@b.example\",\"all\":true},"
		    "\"subscriptions\":[]}",
	};
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;
	struct buf out = BUF_INIT(PORTABLE_MAX);
	uint32_t first = 0;

	for (size_t i = 0; i < NELEM(t); i++) {
		import(b, slice_of(t[i]), RC_OK, &m);
		want_str(export(b, m.client, PORTABLE_PLAIN, &out), t[i],
		    "case %zu", i);
		want_str(export(b, m.client, PORTABLE_MASKED, &out), t[i],
		    "case %zu, masked", i);
		want_i64(m.namesake, first, "namesake");
		first = first == 0 ? m.client : first;
	}
	import(b, SLICE("{\"client\":{\"all\":true,\"name\":\"\\u0042\"},"
	    " \"format\" : 1}"), RC_OK, &m);
	want_i64((int64_t)m.n, 0, "subscriptions");
	portable_made_clear(&m);
	buf_free(&out);
}

static void
without_secrets_none_is_in_it_and_an_import_says_so(void **state)
{
	static const char *const hidden[] = { "APassword", "tokentoken",
	    "whsec", "secrets", "cli_", "sub_" };
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;
	struct buf out = BUF_INIT(PORTABLE_MAX);

	import(b, SLICE(FILE_PLAIN), RC_OK, &m);
	export(b, m.client, PORTABLE_MASKED, &out);
	for (size_t i = 0; i < NELEM(hidden); i++)
		if (strstr(buf_str(&out), hidden[i]) != NULL)
			fail_msg("%s stands in %s", hidden[i], buf_str(&out));
	want_i64(strstr(buf_str(&out), "\"authorization\":{\"secret\":true}")
	    != NULL, true, "the mask of a header");
	import(b, buf_as_slice(&out), RC_INVALID, &m);
	want_said(b, "/subscriptions/0/task/httpRequest/url: ");
	want_said(b, "/subscriptions/2/task/httpRequest/header/authorization:"
	    " ");
	want_said(b, "--with-secrets");
	want_i64(count(b, STORE_CLIENT), 1, "clients");
	want_i64(count(b, STORE_SUBSCRIPTION), 3, "subscriptions");
	portable_made_clear(&m);
	buf_free(&out);
}

static void
a_subscription_without_secrets_gets_a_fresh_one(void **state)
{
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;
	const struct sign_key *key, *third;
	const struct roster *r;

	import(b, SLICE(HEAD "{\"name\":\"A\",\"all\":true},"
	    "\"subscriptions\":[{\"task\":" UNIT_TASK "},{\"secrets\":[\""
	    KEY_B "\"],\"task\":" UNIT_TASK "},{\"task\":" UNIT_TASK "}]}"),
	    RC_OK, &m);
	want_i64(m.fresh[0], true, "the first's");
	want_i64(m.fresh[1], false, "the second's");
	want_i64(m.fresh[2], true, "the third's");
	r = bench_roster(b->rosters);
	want_i64((int64_t)subscription_keys(roster_subscription(r,
	    m.subscription[0]), 0, &key), 1, "secrets");
	want_i64((int64_t)key->bytes.len, 32, "its length");
	want_i64((int64_t)subscription_keys(roster_subscription(r,
	    m.subscription[2]), 0, &third), 1, "secrets of the third");
	want_i64(sign_key_same(*key, *third), false, "the same for two");
	roster_release(r);
	portable_made_clear(&m);
}

#define FILE_OF(client, subscriptions) "{\"format\":1,\"client\":" client \
	",\"subscriptions\":[" subscriptions "]}"
#define ALL	"{\"name\":\"A\",\"all\":true}"
#define SUB(members) "{" members ",\"task\":" UNIT_TASK "}"

static void
every_fault_is_told_with_its_place_and_nothing_is_made(void **state)
{
	static const struct {
		const char *file, *says, *also;
	} t[] = {
		{ "", "line 1, column 1: ", "" },
		{ "[]", "must be an object", "" },
		{ "{}", "lacks \"format\"", "" },
		{ UNIT_TASK, "skycap subscription add", "" },
		{ "{\"format\":\"1\"}", "/format: must be 1", "" },
		{ "{\"format\":0}", "/format: must be 1", "" },
		{ "{\"format\":2,\"klient\":{}}", "/format: is newer", "" },
		{ "{\"format\":1,\"format\":1}", "/format: ", "twice" },
		{ "{\"format\":1,\"skycap\":[]}", "/skycap: must be a string",
		    "lacks \"client\"" },
		{ "{\"format\":1,\"klient\":{}}",
		    "/klient: is not known here; did you mean client?",
		    "lacks \"client\"" },
		{ "{\"format\":1,\"client\":\"\xff\"}", "line 1, column ",
		    "UTF-8" },
		{ FILE_OF("[]", ""), "/client: must be an object", "" },
		{ FILE_OF("{\"all\":true}", ""), "/client: lacks \"name\"",
		    "" },
		{ FILE_OF("{\"name\":\"\",\"all\":true}", ""),
		    "/client/name: ", "empty" },
		{ FILE_OF("{\"name\":\"a\\u001b\",\"all\":true}", ""),
		    "/client/name: ", "control" },
		{ FILE_OF("{\"name\":1,\"mail\":\"x\",\"all\":3}", ""),
		    "/client/name: must be a string", "/client/all: " },
		{ FILE_OF("{\"name\":1,\"mail\":\"x\",\"all\":3}", ""),
		    "/client/mail: ", "must be a mail address like "
		    "ops@example.com" },
		{ FILE_OF("{\"name\":\"A\"}", ""), "/client: ", "a scope" },
		{ FILE_OF("{\"name\":\"A\",\"all\":true,\"scope\":[{\"field\":"
		    "\"agency\",\"value\":\"B\"}]}", ""), "/client: ",
		    "not both" },
		{ FILE_OF("{\"name\":\"A\",\"scope\":[{\"field\":\"agencie\","
		    "\"value\":\"B\"},{\"field\":\"agency\",\"value\":\" \"},"
		    "{\"feild\":1}]}", ""),
		    "/client/scope/0/field: is no field known here; did you "
		    "mean agency?", "/client/scope/1/value: " },
		{ FILE_OF("{\"name\":\"A\",\"scope\":[{\"field\":\"agency=B\","
		    "\"value\":\"C\"}]}", ""), "/client/scope/0/field: ", "" },
		{ FILE_OF("{\"name\":\"A\",\"scope\":[{\"feild\":1}]}", ""),
		    "/client/scope/0/feild: ", "did you mean field?" },
		{ "{\"format\":1,\"client\":" ALL ",\"subscriptions\":{}}",
		    "/subscriptions: must be a list", "" },
		{ FILE_OF(ALL, "7"), "/subscriptions/0: must be an object",
		    "" },
		{ FILE_OF(ALL, "{}"), "/subscriptions/0: lacks \"task\"", "" },
		{ FILE_OF(ALL, "{\"task\":[]}"),
		    "/subscriptions/0/task: must be an object", "" },
		{ FILE_OF(ALL, SUB("\"id\":\"sub_0000008awk118\"")),
		    "/subscriptions/0/id: is not known here", "" },
		{ FILE_OF(ALL, SUB("\"state\":\"on\"")),
		    "/subscriptions/0/state: ", "\"paused\"" },
		{ FILE_OF(ALL, SUB("\"reason\":\"gone\"")),
		    "/subscriptions/0/reason: ", "disabled" },
		{ FILE_OF(ALL, SUB("\"state\":\"disabled\","
		    "\"reason\":\"a\\nb\"")), "/subscriptions/0/reason: ",
		    "control" },
		{ FILE_OF(ALL, SUB("\"secrets\":[]")),
		    "/subscriptions/0/secrets: ", "1 to 8" },
		{ FILE_OF(ALL, SUB("\"secrets\":[\"" KEY_A "\",\"whsec_AAAA\","
		    "\"whsec_!\",true]")), "/subscriptions/0/secrets/1: ",
		    "/subscriptions/0/secrets/3: must be a string" },
		{ FILE_OF(ALL, SUB("\"secrets\":[\"whpk_1SiA4o9hyqTCpIqC5V9HUak"
		    "iiaeACeqfZTInDBbOir4=\"]")),
		    "/subscriptions/0/secrets/0: is a public key", "whsk_" },
		{ FILE_OF(ALL, SUB("\"secrets\":[\"" KEY_A "\",\"" KEY_A
		    "\"]")), "/subscriptions/0/secrets/1: is there twice",
		    "" },
		{ FILE_OF(ALL, SUB("\"secrets\":[{\"secret\":\"" KEY_A "\","
		    "\"until\":\"2999-01-01T00:00:00Z\"}]")),
		    "/subscriptions/0/secrets/0: is the newest", "" },
		{ FILE_OF(ALL, SUB("\"secrets\":[\"" KEY_A "\",{\"secret\":"
		    "\"" KEY_B "\",\"until\":\"2999-01-01T00:00:00Z\"},\""
		    PAIR "\"]")), "/subscriptions/0/secrets/2: must have an "
		    "\"until\"", "" },
		{ FILE_OF(ALL, SUB("\"secrets\":[{\"until\":\"x\"}]")),
		    "/subscriptions/0/secrets/0: lacks \"secret\"", "" },
		{ FILE_OF(ALL, SUB("\"secrets\":[{\"secret\":\"" KEY_A "\","
		    "\"until\":\"tomorrow\",\"utnil\":1}]")),
		    "/subscriptions/0/secrets/0/utnil: is not known",
		    "/subscriptions/0/secrets/0/until: must be a time" },
		{ FILE_OF(ALL, SUB("\"state\":\"active\"") ",{\"task\":\n"
		    "{\"event\":[\"OrderTicketd\"],\n \"httpRequest\":{\"url\":"
		    "\"https://a.example/{{agwI}}\"}}}"),
		    "/subscriptions/1/task/event/0: ",
		    "/subscriptions/1/task/httpRequest/url: line 3, column "
		    "42: " },
		{ FILE_OF(ALL, "{\"task\":{\"event\":[\"*\"],\"httpRequest\":"
		    "{\"url\":\"{{agwI}}\"}}}"),
		    "/subscriptions/0/task/httpRequest/url: ", "" },
		{ FILE_OF(CLIENT, "{\"task\":{\"event\":[\"skycap."
		    "subscription.failing\"],\"httpRequest\":{\"url\":"
		    "\"https://a.example/\"}}}"),
		    "/subscriptions/0/task/event: ", "(--all)" },
	};
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;

	for (size_t i = 0; i < NELEM(t); i++) {
		import(b, slice_of(t[i].file), RC_INVALID, &m);
		want_said(b, t[i].says);
		want_said(b, t[i].also);
		want_i64(m.client, 0, "case %zu made a client", i);
	}
	want_i64(count(b, STORE_CLIENT), 0, "clients");
	want_i64(count(b, STORE_SUBSCRIPTION), 0, "subscriptions");
	portable_made_clear(&m);
}

static void
a_place_on_the_tasks_first_line_is_that_of_the_file(void **state)
{
	static const char head[] = "{\"format\":1,\"client\":" ALL
	    ",\n\"subscriptions\":[{\"task\":";
	static const char task[] = "{\"event\":[\"*\"],\"httpRequest\":"
	    "{\"url\":\"https://a.example/{{agwI}}\"}}";
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;
	struct buf file = BUF_INIT(4096), want = BUF_INIT(256);
	const char *line = strchr(head, '\n') + 1;

	buf_printf(&file, "%s%s}]}", head, task);
	import(b, buf_as_slice(&file), RC_INVALID, &m);
	buf_printf(&want, "line 2, column %zu: ", strlen(line) +
	    (size_t)(strstr(task, "{{") - task) + 1);
	want_said(b, buf_str(&want));
	buf_free(&file);
	buf_free(&want);
	portable_made_clear(&m);
}

static void
a_file_past_a_limit_is_refused(void **state)
{
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;
	struct buf file = BUF_INIT(2 * PORTABLE_MAX);

	buf_puts(&file, "{\"format\":1,\"client\":" ALL
	    ",\"subscriptions\":[1");
	for (int i = 0; i < PORTABLE_SUBSCRIPTIONS_MAX; i++)
		buf_puts(&file, ",1");
	buf_puts(&file, "]}");
	import(b, buf_as_slice(&file), RC_INVALID, &m);
	want_str(buf_str(&b->why), "/subscriptions: has more than 10000 "
	    "items", "what was said");
	file.len -= 4;			/* as many as there may be */
	buf_puts(&file, "]}");
	import(b, buf_as_slice(&file), RC_INVALID, &m);
	want_said(b, "/subscriptions/99: must be an object\n"
	    "and 9900 more");
	if (strstr(buf_str(&b->why), "/100:") != NULL)
		fail_msg("got more than 100 faults");

	buf_clear(&file);
	buf_puts(&file, "{\"format\":1,\"a\":");
	for (int i = 0; i < 40; i++)
		buf_putc(&file, '[');
	import(b, buf_as_slice(&file), RC_INVALID, &m);
	want_said(b, "nested more than 36 deep");
	buf_clear(&file);
	memset(buf_room(&file, PORTABLE_MAX + 1), ' ', PORTABLE_MAX + 1);
	file.len = PORTABLE_MAX + 1;
	import(b, buf_as_slice(&file), RC_INVALID, &m);
	want_said(b, "more than 16777216 bytes");
	buf_free(&file);
	portable_made_clear(&m);
}

/* A task of len bytes, to be freed. */
static char *
large_task(size_t len)
{
	static const char head[] = "{\"name\":\"L\",\"event\":[\"*\"],"
	    "\"filter\":[{\"field\":\"agent\",\"op\":\"=\",\"value\":\"";
	static const char tail[] = "\"}],\"httpRequest\":{\"url\":"
	    "\"https://a.example/\"}}";
	char *task = malloc(len + 1);

	assert_non_null(task);
	memset(task, 'v', len);
	memcpy(task, head, sizeof head - 1);
	memcpy(task + len - (sizeof tail - 1), tail, sizeof tail);
	return task;
}

static void
what_can_be_kept_imports_and_what_can_not_makes_nothing(void **state)
{
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;
	struct buf file = BUF_INIT(PORTABLE_MAX);
	size_t kept = 0, large = 0;

	for (size_t len = TASK_JSON_MAX - 600; len < TASK_JSON_MAX + 600;
	    len += 60) {
		uint32_t client = bench_client(b, NULL), n;
		char *task = large_task(len);
		int64_t clients = count(b, STORE_CLIENT);

		if (subscription_add(&b->config, client, slice_of(task), NULL,
		    0, &n, &b->why) == RC_OK) {
			kept++;
			export(b, client, PORTABLE_PLAIN, &file);
			import(b, buf_as_slice(&file), RC_OK, &m);
			want_rc(client_remove(&b->config, m.client, true,
			    &b->why), RC_OK, "%s", buf_str(&b->why));
		} else {
			buf_clear(&file);
			buf_printf(&file, "{\"format\":1,\"client\":" ALL
			    ",\"subscriptions\":[" SUB("\"state\":\"paused\"")
			    ",{\"task\":%s}]}", task);
			import(b, buf_as_slice(&file), RC_INVALID, &m);
			large += strstr(buf_str(&b->why), "/subscriptions/1/"
			    "task: is longer than") != NULL;
			want_i64(count(b, STORE_CLIENT), clients, "clients "
			    "after %zu bytes", len);
		}
		want_rc(client_remove(&b->config, client, true, &b->why),
		    RC_OK, "%s", buf_str(&b->why));
		free(task);
	}
	want_i64(kept > 0, true, "some were kept");
	want_i64(large > 0, true, "some were too large");
	portable_made_clear(&m);
	buf_free(&file);
}

/* Says no, or takes the client away, when *left has come to nothing. */
struct end {
	struct bench	*b;
	int		 left;
	bool		 remove;
};

static bool
ends(void *arg, size_t done, size_t n)
{
	struct end *e = arg;

	want_i64((int64_t)done, 2 - e->left, "done");
	want_i64((int64_t)n, 3, "of");
	if (e->left-- > 0)
		return true;
	if (!e->remove)
		return false;
	want_rc(client_remove(&e->b->config, 1, true, &e->b->why), RC_OK,
	    "%s", buf_str(&e->b->why));
	return true;
}

static void
an_import_that_does_not_end_well_leaves_nothing(void **state)
{
	static const struct {
		bool remove;
		enum rc rc;
		const char *says;
	} t[] = {
		{ true, RC_NOTFOUND, "there is no such client; " },
		{ false, RC_RETRY, "it was interrupted; " },
	};
	struct bench *b = *state;
	struct portable_made m = PORTABLE_MADE_INIT;

	for (size_t i = 0; i < NELEM(t); i++) {
		struct end e = { b, 2, t[i].remove };

		buf_clear(&b->why);
		want_rc(portable_import(&b->config, SLICE(FILE_PLAIN), ends,
		    &e, &m, &b->why), t[i].rc, "%s", buf_str(&b->why));
		want_said(b, t[i].says);
		want_said(b, "has been removed again");
		want_i64(m.client, 0, "client");
		want_i64(count(b, STORE_CLIENT), 0, "clients");
		want_i64(count(b, STORE_SUBSCRIPTION), 0, "subscriptions");
		portable_made_clear(&m);
	}
}

static void
a_client_that_is_none_has_no_export(void **state)
{
	struct bench *b = *state;
	struct buf out = BUF_INIT(PORTABLE_MAX);

	want_rc(portable_export(&b->config, 7, PORTABLE_PLAIN, &out, &b->why),
	    RC_NOTFOUND, "client 7");
	want_str(buf_str(&b->why), "there is no such client", "why");
	buf_clear(&b->why);
	want_rc(portable_task(&b->config, 7, PORTABLE_PLAIN, &out, &b->why),
	    RC_NOTFOUND, "subscription 7");
	want_str(buf_str(&b->why), "there is no such subscription", "why");
	buf_free(&out);
}

static void
another_clients_subscriptions_are_not_exported(void **state)
{
	struct bench *b = *state;
	struct buf out = BUF_INIT(PORTABLE_MAX), want = BUF_INIT(4096);
	uint32_t mine = bench_client(b, NULL), other = bench_client(b, NULL);

	bench_subscription(b, other, UNIT_TASK);
	for (int i = 0; i < 40; i++)		/* past a page of records */
		bench_subscription(b, other, UNIT_TASK);
	bench_subscription(b, mine, TASK);
	export(b, mine, PORTABLE_MASKED, &out);
	buf_puts(&want, HEAD "{\"name\":\"Wander\",\"all\":true},"
	    "\"subscriptions\":[{\"state\":\"active\",\"task\":");
	want_rc(portable_task(&b->config, 42, PORTABLE_MASKED, &want,
	    &b->why), RC_OK, "subscription 42");
	buf_puts(&want, "}]}");
	want_str(buf_str(&out), buf_str(&want), "the export");
	buf_free(&out);
	buf_free(&want);
}

/* A key file that opens no secret: nothing is exported without it. */
static void
what_can_not_be_opened_is_named(void **state)
{
	struct bench *b = *state;
	struct buf out = BUF_INIT(PORTABLE_MAX);
	uint32_t client = bench_client(b, NULL);
	uint32_t n = bench_subscription(b, client, UNIT_TASK);
	struct crypt other = b->place.crypt;
	struct config cf = b->config;
	char id[ID_MAX];

	other.seal[0] ^= 1;
	cf.crypt = &other;
	want_rc(portable_export(&cf, client, PORTABLE_MASKED, &out, &b->why),
	    RC_INVALID, "another key");
	store_record_id(b->st, STORE_SUBSCRIPTION, n, id);
	want_said(b, id);
	want_said(b, "another key file?");
	buf_free(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_make, bench_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_exported_plain_imports_and_exports_the_same),
	    TEST(secrets_move_with_their_kinds_and_ends),
	    TEST(a_client_that_sees_all_or_has_nothing_comes_back_too),
	    TEST(without_secrets_none_is_in_it_and_an_import_says_so),
	    TEST(a_subscription_without_secrets_gets_a_fresh_one),
	    TEST(every_fault_is_told_with_its_place_and_nothing_is_made),
	    TEST(a_place_on_the_tasks_first_line_is_that_of_the_file),
	    TEST(a_file_past_a_limit_is_refused),
	    TEST(what_can_be_kept_imports_and_what_can_not_makes_nothing),
	    TEST(an_import_that_does_not_end_well_leaves_nothing),
	    TEST(a_client_that_is_none_has_no_export),
	    TEST(another_clients_subscriptions_are_not_exported),
	    TEST(what_can_not_be_opened_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
