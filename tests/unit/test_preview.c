#include "base/clock.h"
#include "work/backtest.h"
#include "unit_work.h"

#define STRICT "{\"event\":[\"OrderTicketed\"],\"httpRequest\":{"	\
	"\"url\":\"https://a.example/x?key=keykeykey\",\"header\":{"	\
	"\"authorization\":\"Basic YourPassword\"},\"jsonBody\":{"	\
	"\"id\":\"{{agwID}}\",\"agent\":\"{{agent}}\"}},"		\
	"\"settings\":{\"missing\":\"strict\"}}"

/* A bench with one subscription, of a client that sees Wander's orders. */
struct fixture {
	struct bench	*b;
	const struct roster *r;
	struct preview_of of;
	struct preview	 p;
	struct buf	 why;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	uint32_t sub;
	void *b;

	assert_non_null(f);
	bench_make(&b);
	f->b = b;
	sub = bench_subscription(f->b, bench_client(f->b, "agency=Wander"),
	    STRICT);
	f->r = bench_roster(f->b->rosters);
	f->of = preview_of(roster_subscription(f->r, sub));
	f->p = (struct preview)PREVIEW_INIT(f->b->st, f->b->catalog);
	f->why = (struct buf)BUF_INIT(4096);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	void *b = f->b;

	preview_free(&f->p);
	buf_free(&f->why);
	roster_release(f->r);
	bench_remove(&b);
	free(f);
	return 0;
}

/* Accept n events of a type; the position of the last. */
static uint64_t
post(struct fixture *f, const char *type, const char *order, size_t n)
{
	struct store_accept a = { .type = slice_of(type),
	    .order = slice_of(order) };

	want_rc(store_generation(f->b->st, &a.generation), RC_OK,
	    "generation");
	for (size_t i = 0; i < n; i++) {
		want_rc(store_accept(f->b->st, &a, 1), RC_OK, "accept");
		want_rc(a.rc, RC_OK, "accept's item");
	}
	return a.position;
}

#define WANDER(rest) "{\"agwID\":\"A\",\"agency\":\"Wander\"" rest "}"
#define WHOLE	WANDER(",\"agent\":\"Ana\"")
#define OTHERS	"{\"agwID\":\"A\",\"agency\":\"Other\",\"agent\":\"Ana\"}"

static void
an_event_outside_the_scope_is_denied_whatever_it_is_asked_for(void **state)
{
	struct fixture *f = *state;
	uint64_t at = post(f, "OrderTicketed", OTHERS, 1);

	want_rc(preview_event(&f->p, &f->of, at, &f->why), RC_DENIED,
	    "that of another client");
	want_rc(preview_newest(&f->p, &f->of), RC_NOTFOUND, "the newest");
	want_rc(preview_event(&f->p, &f->of, at + 1, &f->why), RC_NOTFOUND,
	    "one that is not there");
}

static void
the_newest_is_what_the_task_would_get(void **state)
{
	struct fixture *f = *state;
	uint64_t at = post(f, "OrderTicketed", WHOLE, 1);

	post(f, "OrderCanceled", WHOLE, 40);	/* more than a page */
	post(f, "OrderTicketed", OTHERS, 1);
	want_rc(preview_newest(&f->p, &f->of), RC_OK, "newest");
	want_i64((int64_t)f->p.event.position, (int64_t)at, "position");
	want_rc(preview_make(&f->p, &f->of, &f->why), RC_OK, "%s",
	    buf_str(&f->why));
	want_i64(f->p.wanted, true, "wanted");
	want_slice(buf_as_slice(&f->p.out.rq.body),
	    SLICE("{\"id\":\"A\",\"agent\":\"Ana\"}"), "body");
}

static void
the_sample_of_every_type_makes_a_request(void **state)
{
	struct fixture *f = *state;
	const struct catalog_event *type;
	size_t i;

	for (i = 0; (type = catalog_event_at(f->b->catalog, i)) != NULL &&
	    !catalog_is_operational(type); i++) {
		preview_sample(&f->p, &f->of, type);
		want_rc(preview_make(&f->p, &f->of, &f->why), RC_OK, "%s: %s",
		    type->name, buf_str(&f->why));
		want_i64(f->p.wanted, strcmp(type->name, "OrderTicketed") ==
		    0, "%s is wanted", type->name);
		want_slice(f->p.event.type, slice_of(type->name), "type");
	}
	want_i64((int64_t)i, 31, "types");
	preview_sample(&f->p, &f->of, NULL);
	want_slice(f->p.event.type, SLICE("OrderTicketed"), "the first type");
}

#define FAILING "skycap.subscription.failing"
#define OWN	"{\"subscription\":\"sub_1\",\"agency\":\"Wander\","		\
	"\"agwID\":\"A\",\"agent\":\"Ana\"}"

/* Not even one whose object would pass for an order in the scope. */
static void
an_event_of_the_service_is_outside_every_scope_but_all(void **state)
{
	struct fixture *f = *state;
	struct task *t = NULL;
	uint64_t at = post(f, FAILING, OWN, 1);

	want_rc(preview_event(&f->p, &f->of, at, &f->why), RC_DENIED,
	    "of a scope");
	want_rc(preview_newest(&f->p, &f->of), RC_NOTFOUND, "newest");
	want_rc(config_task(f->b->catalog, f->of.task, SLICE("{\"event\":[\""
	    FAILING "\"],\"httpRequest\":{\"url\":\"https://a.example/"
	    "{{order.reason}}\"}}"), &t, &f->why), RC_OK, "%s", buf_str(&f->why));
	f->of.task = t;
	f->of.draft = true;
	want_rc(preview_newest(&f->p, &f->of), RC_NOTFOUND, "a draft's newest");
	preview_sample(&f->p, &f->of, NULL);
	buf_clear(&f->why);
	want_rc(preview_make(&f->p, &f->of, &f->why), RC_OK, "%s",
	    buf_str(&f->why));
	want_slice(f->p.event.type, SLICE(FAILING), "the sample");
	want_i64(f->p.wanted, false, "wanted");
	want_str(buf_str(&f->p.reason), "its client does not see everything",
	    "why not");
	want_slice(buf_as_slice(&f->p.out.rq.url),
	    SLICE("https://a.example/timeout"), "url");
	task_free(t);
}

static void
what_has_no_signing_secret_is_refused(void **state)
{
	struct fixture *f = *state;

	f->of.nkey = 0;
	preview_sample(&f->p, &f->of, NULL);
	want_rc(preview_make(&f->p, &f->of, &f->why), RC_INVALID, "unsigned");
	assert_non_null(strstr(buf_str(&f->why), "secret"));
}

static void
a_task_that_is_not_saved_takes_its_masks_from_the_one_that_is(void **state)
{
	struct fixture *f = *state;
	const struct task *was = f->of.task;
	struct buf json = BUF_INIT(4096);
	struct task *t = NULL;

	task_print(was, true, &json);
	want_rc(config_task(f->b->catalog, NULL, buf_as_slice(&json), &t,
	    &f->why), RC_INVALID, "masks of nothing");
	buf_clear(&f->why);
	want_rc(config_task(f->b->catalog, was, buf_as_slice(&json), &t,
	    &f->why), RC_OK, "%s", buf_str(&f->why));
	f->of.task = t;
	f->of.number = 0;	/* of a subscription that is not saved, too */
	post(f, "OrderTicketed", WHOLE, 1);
	want_rc(preview_newest(&f->p, &f->of), RC_OK, "newest");
	want_rc(preview_make(&f->p, &f->of, &f->why), RC_OK, "%s",
	    buf_str(&f->why));
	buf_clear(&json);
	preview_print(&f->p, &f->of, OUTGOING_PLAIN, &json);
	assert_non_null(strstr(buf_str(&json), "\"Basic YourPassword\""));
	assert_non_null(strstr(buf_str(&json), "key=keykeykey\""));
	assert_non_null(strstr(buf_str(&json), "{\"subscription\":null,"
	    "\"event\":\"evt_"));
	assert_non_null(strstr(buf_str(&json), "\"msg_sample\""));
	task_free(t);
	buf_free(&json);
}

/* Back-tests. */

struct stop {
	int	pages, after;
};

static bool
go_on(void *arg, const struct backtest *b)
{
	struct stop *s = arg;

	(void)b;
	return ++s->pages != s->after;
}

static struct backtest
backtest(struct fixture *f, int64_t since_ms, int after)
{
	struct stop s = { 0, after };
	struct backtest_ask ask = { .store = f->b->st,
	    .catalog = f->b->catalog, .of = &f->of, .since_ms = since_ms,
	    .go_on = go_on, .arg = &s };
	struct backtest b;

	want_rc(backtest_run(&ask, &b), RC_OK, "back-test");
	return b;
}

static void
want_counts(const struct backtest *b, int looked, int matched, int failed,
    bool whole)
{
	want_i64((int64_t)b->looked, looked, "looked at");
	want_i64((int64_t)b->matched, matched, "matched");
	want_i64((int64_t)b->failed, failed, "failed");
	want_i64(b->whole, whole, "whole");
}

static void
a_back_test_counts_over_all_pages(void **state)
{
	struct fixture *f = *state;
	struct backtest b = backtest(f, 0, 0);
	uint64_t first, last;

	want_counts(&b, 0, 0, 0, true);
	want_i64(b.oldest_ms, 0, "oldest of none");
	post(f, "OrderTicketed", WHOLE, 70);
	post(f, "OrderCanceled", WANDER(""), 3);
	post(f, "OrderTicketed", OTHERS, 4);
	post(f, "OrderTicketed", "[]", 2);
	first = post(f, "OrderTicketed", WANDER(""), 1);
	last = post(f, "OrderTicketed", WANDER(""), 1);
	b = backtest(f, 0, 0);
	want_counts(&b, 81, 72, 2, true);
	want_i64((int64_t)b.gone, 2, "orders that can't be read");
	want_i64((int64_t)b.nreason, 1, "reasons");
	want_i64((int64_t)b.reason[0].n, 2, "events of the reason");
	want_i64((int64_t)b.reason[0].position, (int64_t)last, "the newest");
	assert_true(first < last);
	assert_non_null(strstr(b.reason[0].text, "agent"));
	b = backtest(f, 0, 2);
	want_counts(&b, 64, 55, 2, false);
	b = backtest(f, clock_now_ms() + 1000, 0);
	want_counts(&b, 0, 0, 0, true);
}

/* An order that has all of n fields but one. */
static const char *
lacking(struct buf *json, int n, int which)
{
	buf_clear(json);
	buf_puts(json, "{\"agwID\":\"A\",\"agency\":\"Wander\"");
	for (int i = 0; i < n; i++)
		if (i != which)
			buf_printf(json, ",\"f%d\":1", i);
	buf_putc(json, '}');
	return buf_str(json);
}

static void
reasons_beyond_ten_are_counted_as_failures_only(void **state)
{
	enum { N = BACKTEST_REASONS + 3 };
	struct fixture *f = *state;
	struct buf json = BUF_INIT(4096);
	struct task *t = NULL;
	struct backtest b;

	buf_puts(&json, "{\"event\":[\"*\"],\"settings\":{\"missing\":"
	    "\"strict\"},\"httpRequest\":{\"url\":\"https://a.example/\","
	    "\"jsonBody\":[");
	for (int i = 0; i < N; i++)
		buf_printf(&json, "%s\"{{order.f%d}}\"", i > 0 ? "," : "",
		    i);
	buf_puts(&json, "]}}");
	want_rc(config_task(f->b->catalog, NULL, buf_as_slice(&json), &t,
	    &f->why), RC_OK, "%s", buf_str(&f->why));
	f->of.task = t;
	for (int i = 0; i < N; i++)
		post(f, "OrderTicketed", lacking(&json, N, i), 2);
	b = backtest(f, 0, 0);
	want_counts(&b, 2 * N, 2 * N, 2 * N, true);
	want_i64((int64_t)b.nreason, BACKTEST_REASONS, "reasons");
	for (size_t i = 0; i < b.nreason; i++)
		want_i64((int64_t)b.reason[i].n, 2, "%s", b.reason[i].text);
	assert_non_null(strstr(b.reason[0].text, "f12"));
	buf_clear(&json);
	backtest_print(f->b->st, &f->of, 1000, &b, &json);
	assert_non_null(strstr(buf_str(&json), "\"failed\":26,"
	    "\"reasons\":[{\"reason\":\""));
	task_free(t);
	buf_free(&json);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FIXTURE(
		an_event_outside_the_scope_is_denied_whatever_it_is_asked_for),
	    WITH_FIXTURE(the_newest_is_what_the_task_would_get),
	    WITH_FIXTURE(the_sample_of_every_type_makes_a_request),
	    WITH_FIXTURE(
		an_event_of_the_service_is_outside_every_scope_but_all),
	    WITH_FIXTURE(what_has_no_signing_secret_is_refused),
	    WITH_FIXTURE(
		a_task_that_is_not_saved_takes_its_masks_from_the_one_that_is),
	    WITH_FIXTURE(a_back_test_counts_over_all_pages),
	    WITH_FIXTURE(reasons_beyond_ten_are_counted_as_failures_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
