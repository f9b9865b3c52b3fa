#include "unit_work.h"
#include "work/remake.h"

#define TASK "{\"name\":\"One\",\"event\":[\"OrderTicketed\"],"		\
	"\"httpRequest\":{\"url\":\"https://a.example/x\",\"header\":{"	\
	"\"authorization\":\"Bearer 1234567890\"},\"jsonBody\":{"	\
	"\"id\":\"{{agwID}}\",\"n\":\"{{{adultsPax}}}\","		\
	"\"try\":\"{{delivery.attempt}}\",\"of\":\"{{delivery.id}}\","	\
	"\"sub\":\"{{subscription.name}}\","				\
	"\"type\":\"{{event.type}}\","					\
	"\"event\":\"{{event.id}}\",\"at\":\"{{event.time}}\","		\
	"\"all\":\"{{{order}}}\"}}}"

struct fixture {
	struct bench	*b;
	uint32_t	 client, sub;
	uint64_t	 position;
	uint16_t	 ordinal;
	struct store_event ev;
	struct order	 order;
	struct remake	 remake;
	struct buf	 why;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct store_accept a = { .type = SLICE("OrderTicketed"),
	    .order = SLICE("{\"agwID\":\"A\\u0042\",\"adultsPax\":2, "
	    "\"x\":1e2}") };
	struct json_error err;
	void *b;

	assert_non_null(f);
	bench_make(&b);
	f->b = b;
	f->client = bench_client(f->b, NULL);
	f->sub = bench_subscription(f->b, f->client, TASK);
	a.subscription = &f->sub;
	a.nsubscription = 1;
	want_rc(store_generation(f->b->st, &a.generation), RC_OK, "gen");
	want_rc(store_accept(f->b->st, &a, 1), RC_OK, "accept");
	want_rc(a.rc, RC_OK, "accept's item");
	f->position = a.position;
	f->ev = (struct store_event)STORE_EVENT_INIT;
	f->order = (struct order)ORDER_INIT;
	want_rc(store_event_get(f->b->st, f->position, &f->ev), RC_OK, "ev");
	want_rc(order_read(&f->order, f->b->catalog, f->ev.order, &err),
	    RC_OK, "order");
	f->remake = (struct remake)REMAKE_INIT(f->b->config);
	f->why = (struct buf)BUF_INIT(4096);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	void *b = f->b;

	remake_clear(&f->remake);
	buf_free(&f->why);
	order_free(&f->order);
	store_event_clear(&f->ev);
	bench_remove(&b);
	free(f);
	return 0;
}

static struct store_key
delivery(const struct fixture *f)
{
	return (struct store_key){ f->position, f->sub, f->ordinal };
}

/* An attempt as a sweep makes it now: what was sent, in body. */
static struct store_attempt
attempt(struct fixture *f, uint16_t n, struct buf *body)
{
	const struct roster *r = bench_roster(f->b->rosters);
	const struct subscription *s = roster_subscription(r, f->sub);
	struct store_attempt a = { .number = n, .attempt = n };
	struct outgoing out = OUTGOING_INIT;
	struct outgoing_ask ask = { .store = f->b->st, .event = &f->ev,
	    .order = &f->order, .delivery = delivery(f), .attempt = n,
	    .now_ms = 1795514400000 };

	assert_non_null(s);
	ask.task = subscription_task(s);
	assert_non_null(ask.task);
	a.version = s->version;
	want_rc(outgoing_make(&out, &ask, &f->why), RC_OK, "make: %s",
	    buf_str(&f->why));
	buf_clear(body);
	buf_slice(body, buf_as_slice(&out.rq.body));
	crypt_hash(&f->b->place.crypt, buf_as_slice(body), a.body_hash);
	outgoing_free(&out);
	roster_release(r);
	return a;
}

static enum rc
remade(struct fixture *f, const struct store_attempt *a, struct slice *body)
{
	buf_clear(&f->why);
	return remake_body(&f->remake, &f->ev, &f->order, delivery(f), a,
	    body, &f->why);
}

static void
want_same(struct fixture *f, const struct store_attempt *a,
    const struct buf *sent, const char *when)
{
	struct slice body;

	want_rc(remade(f, a, &body), RC_OK, "%s: %s", when,
	    buf_str(&f->why));
	want_slice(body, buf_as_slice(sent), "%s", when);
	want_str(buf_str(&f->why), "", "%s: why", when);
}

static void
edit(struct fixture *f, const char *task)
{
	const struct roster *r = bench_roster(f->b->rosters);
	uint64_t version = roster_subscription(r, f->sub)->version;

	roster_release(r);
	want_rc(subscription_edit(&f->b->config, f->sub, version,
	    slice_of(task), &f->b->why), RC_OK, "edit: %s",
	    buf_str(&f->b->why));
}

static void
each_attempts_body_is_its_own(void **state)
{
	struct fixture *f = *state;
	struct buf first = BUF_INIT(65536), tenth = BUF_INIT(65536);
	struct store_attempt a = attempt(f, 1, &first);
	struct store_attempt b = attempt(f, 10, &tenth);

	assert_non_null(strstr(buf_str(&first), "\"try\":\"1\""));
	assert_non_null(strstr(buf_str(&first), "\"sub\":\"One\""));
	assert_non_null(strstr(buf_str(&tenth), "\"try\":\"10\""));
	want_same(f, &a, &first, "first");
	want_same(f, &b, &tenth, "tenth");
	want_same(f, &a, &first, "first again");
	buf_free(&first);
	buf_free(&tenth);
}

static void
an_edit_changes_nothing_of_what_was_sent_before(void **state)
{
	struct fixture *f = *state;
	struct buf before = BUF_INIT(65536), after = BUF_INIT(65536);
	struct store_attempt a = attempt(f, 1, &before), b;

	edit(f, "{\"name\":\"Two\",\"event\":[\"OrderTicketed\"],"
	    "\"httpRequest\":{\"url\":\"https://a.example/x\",\"jsonBody\":"
	    "{\"now\":\"{{subscription.name}}\"}}}");
	want_rc(subscription_set_state(&f->b->config, f->sub,
	    SUBSCRIPTION_PAUSED, "", &f->b->why), RC_OK, "pause");
	b = attempt(f, 2, &after);
	want_str(buf_str(&after), "{\"now\":\"Two\"}", "after");
	want_same(f, &a, &before, "the version before");
	want_same(f, &b, &after, "the present version");
	want_same(f, &a, &before, "the version before, again");
	buf_free(&before);
	buf_free(&after);
}

static void
a_removed_subscriptions_attempts_are_still_told(void **state)
{
	struct fixture *f = *state;
	struct buf first = BUF_INIT(65536), last = BUF_INIT(65536);
	struct store_attempt a = attempt(f, 1, &first), b;

	edit(f, UNIT_TASK);
	b = attempt(f, 2, &last);
	want_rc(subscription_remove(&f->b->config, f->sub, &f->b->why),
	    RC_OK, "remove");
	want_same(f, &a, &first, "an old version");
	want_same(f, &b, &last, "the last version");
	want_rc(client_remove(&f->b->config, f->client, false, &f->b->why),
	    RC_OK, "remove the client");
	remake_clear(&f->remake);
	want_same(f, &a, &first, "without its client");
	buf_free(&first);
	buf_free(&last);
}

static void
want_none(struct fixture *f, const struct store_attempt *a, enum rc want,
    const char *says)
{
	struct slice body = SLICE("left over");

	want_rc(remade(f, a, &body), want, "%s", says);
	assert_null(body.s);
	if (strstr(buf_str(&f->why), says) == NULL)
		want_str(buf_str(&f->why), says, "why");
}

static void
bytes_that_are_not_proven_are_not_given_out(void **state)
{
	struct fixture *f = *state;
	struct buf sent = BUF_INIT(65536);
	struct store_attempt good = attempt(f, 1, &sent), a = good;
	struct slice body = SLICE("left over");

	a.body_hash[CRYPT_HASH_LEN - 1] ^= 1;
	want_none(f, &a, RC_INVALID, "has another hash");
	a = good;
	a.attempt = 2;
	want_none(f, &a, RC_INVALID, "has another hash");
	a = good;
	a.version = 99;
	want_none(f, &a, RC_INVALID, "version 99 of its subscription is not");
	memset(a.body_hash, 0, sizeof a.body_hash);
	want_none(f, &a, RC_NOTFOUND, "it came to no request");
	want_rc(remake_body(&f->remake, &f->ev, NULL, delivery(f), &good,
	    &body, &f->why), RC_INVALID, "without its order");
	assert_null(body.s);
	want_same(f, &good, &sent, "after all of that");
	buf_free(&sent);
}

/* Whose it is the ordinal says, that of a replay too. */
static void
a_mails_text_is_that_of_its_recipients_delivery(void **state)
{
	struct fixture *f = *state;
	struct buf sent[2] = { BUF_INIT(65536), BUF_INIT(65536) };
	struct store_attempt a[2];

	edit(f, "{\"name\":\"Mail\",\"event\":[\"OrderTicketed\"],"
	    "\"mail\":{\"to\":[\"a@b.example\",\"c@d.example\"],"
	    "\"subject\":\"{{agwID}}\",\"text\":\"{{delivery.id}}\\n"
	    "\xc3\xa1 {{agwID}}\\n\"}}");
	for (int i = 0; i < 2; i++) {
		f->ordinal = i == 0 ? 0 : STORE_RECIPIENTS_MAX + 1;
		a[i] = attempt(f, 1, &sent[i]);
		assert_non_null(strstr(buf_str(&sent[i]),
		    "\n\xc3\xa1 AB\n"));
		want_same(f, &a[i], &sent[i], "its own");
		want_slice(buf_as_slice(&f->remake.out.rq.to), i == 0 ?
		    SLICE("a@b.example") : SLICE("c@d.example"), "to");
	}
	want_none(f, &a[0], RC_INVALID, "has another hash");
	f->ordinal = 2;
	want_none(f, &a[0], RC_INVALID, "recipient");
	buf_free(&sent[0]);
	buf_free(&sent[1]);
}

static void
another_key_file_opens_nothing(void **state)
{
	struct fixture *f = *state;
	struct buf sent = BUF_INIT(65536);
	struct store_attempt a = attempt(f, 1, &sent);
	struct crypt other = f->b->place.crypt;

	other.seal[0] ^= 1;
	f->remake.config.crypt = &other;
	want_none(f, &a, RC_INVALID, "another key file?");
	buf_free(&sent);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_attempts_body_is_its_own),
	    TEST(an_edit_changes_nothing_of_what_was_sent_before),
	    TEST(a_removed_subscriptions_attempts_are_still_told),
	    TEST(bytes_that_are_not_proven_are_not_given_out),
	    TEST(a_mails_text_is_that_of_its_recipients_delivery),
	    TEST(another_key_file_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
