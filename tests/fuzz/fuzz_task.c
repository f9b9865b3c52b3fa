/*
 * A task and an order, with a NUL between them.  Whatever the two are: if the
 * task compiles and renders, its body is JSON, its header values are one line,
 * its URL has the scheme and authority the task was written with, a mail goes
 * to one address under a subject of one line, and what task_print gives
 * compiles to the same again; and so does, with its secrets put back, what it
 * gives masked.
 */
#include "base/text.h"
#include "fuzz.h"
#include "shape/task.h"

static void
ignore(void *arg, const char *pointer, const char *detail)
{
	(void)arg;
	CHECK(pointer != NULL && detail != NULL && detail[0] != '\0');
}

static void
check_prints_the_same(const struct catalog *c, const struct task *t)
{
	struct buf one = BUF_INIT(1 << 22), two = BUF_INIT(1 << 22);
	struct buf masked = BUF_INIT(1 << 22), merged = BUF_INIT(1 << 22);
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct task *again = NULL;

	task_print(t, false, &one);
	CHECK(task_compile(&again, c, buf_as_slice(&one), NULL, 0, ignore, NULL)
	    == RC_OK);
	task_print(again, false, &two);
	CHECK(slice_eq(buf_as_slice(&one), buf_as_slice(&two)));
	task_print(t, true, &masked);
	CHECK(json_scan(&d, buf_as_slice(&masked), &fuzz_no_limits, &err) ==
	    RC_OK);
	task_merge_secrets(t, buf_as_slice(&masked), &merged);
	task_free(again);
	CHECK(task_compile(&again, c, buf_as_slice(&merged), NULL, 0, ignore,
	    NULL) == RC_OK);
	json_doc_free(&d);
	task_free(again);
	buf_free(&one);
	buf_free(&two);
	buf_free(&masked);
	buf_free(&merged);
}

/* Scheme and authority, as the task's text has them. */
static void
check_url(const struct task *t, struct slice url)
{
	struct buf text = BUF_INIT(1 << 22), want = BUF_INIT(1 << 16);
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	const char *slashes;
	size_t n;

	task_print(t, false, &text);
	CHECK(json_scan(&d, buf_as_slice(&text), &fuzz_no_limits, &err) ==
	    RC_OK);
	json_string(&d, json_find(&d, json_find(&d, 0, task_channel(t) ==
	    TASK_SLACK ? "slack" : "httpRequest"), "url"), &want);
	slashes = strstr(buf_str(&want), "://");
	CHECK(slashes != NULL);
	n = (size_t)(slashes - want.s) + 3;
	n += strcspn(want.s + n, "/?#");
	CHECK(url.len >= n && memcmp(url.s, want.s, n) == 0);
	CHECK(url.len == n || url.s[n] == '/' || url.s[n] == '?');
	for (size_t i = 0; i < url.len; i++)
		CHECK((unsigned char)url.s[i] > ' ' &&
		    (unsigned char)url.s[i] < 0x7f && url.s[i] != '#');
	json_doc_free(&d);
	buf_free(&text);
	buf_free(&want);
}

/* What could end a line, or be taken for the end of one. */
static bool
has_control(struct slice s, const char *but)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if ((c < 0x20 && (c == 0 || strchr(but, c) == NULL)) ||
		    c == 0x7f || (c == 0xc2 && i + 1 < s.len &&
		    (unsigned char)s.s[i + 1] < 0xa0))
			return true;
	}
	return false;
}

static void
check_mail(const struct task_request *r)
{
	size_t ats = 0;

	CHECK(r->to.len >= 3 && r->to.len <= 254);
	for (size_t i = 0; i < r->to.len; i++) {
		unsigned char c = (unsigned char)r->to.s[i];

		CHECK(c > ' ' && c < 0x7f && strchr("<>,;\"()", c) == NULL);
		ats += c == '@';
	}
	CHECK(ats == 1);
	CHECK(!has_control(buf_as_slice(&r->subject), ""));
	CHECK(text_is_utf8(buf_as_slice(&r->subject)));
	CHECK(text_chars(buf_as_slice(&r->subject)) <= TASK_LINE_MAX);
	CHECK(r->body.len <= TASK_BODY_MAX);
	CHECK(!has_control(buf_as_slice(&r->body), "\n\t"));
	CHECK(text_is_utf8(buf_as_slice(&r->body)));
}

/* Every secret of the URL is gone where it is shown. */
static void
check_secret(void *arg, struct slice secret)
{
	const struct task_request *r = arg;

	CHECK(secret.len < 8 || memmem(buf_str(&r->url_shown),
	    r->url_shown.len, secret.s, secret.len) == NULL ||
	    memmem(r->url.s, (size_t)(secret.s - r->url.s), secret.s,
	    secret.len) != NULL);
}

static void
check_request(const struct task *t, struct task_request *r)
{
	static const struct json_limits lim = { .depth = 32,
	    .string = UINT32_MAX, .tokens = UINT32_MAX,
	    .number = UINT32_MAX };
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	CHECK(r->channel == task_channel(t));
	if (r->channel == TASK_MAIL) {
		check_mail(r);
		return;
	}
	task_request_secrets(r, check_secret, r);
	CHECK(r->body.len <= TASK_BODY_MAX);
	CHECK(json_scan(&d, buf_as_slice(&r->body), &lim, &err) == RC_OK);
	json_doc_free(&d);
	check_url(t, buf_as_slice(&r->url));
	for (size_t i = 0; i < r->nheader; i++)
		for (size_t k = 0; k < r->header[i].value.len; k++)
			CHECK((unsigned char)r->header[i].value.s[k] >= ' ' &&
			    r->header[i].value.s[k] != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct task_request r = TASK_REQUEST_INIT;
	static struct order o = ORDER_INIT;
	const struct catalog *c = fuzz_catalog();
	struct slice event = SLICE("OrderTicketed");
	struct task_event ev = { .order = &o, .type = event,
	    .id = SLICE("evt_1"), .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1 };
	struct buf why = BUF_INIT(4096);
	struct json_error err;
	struct task *t = NULL;
	struct slice json, order;

	if (!fuzz_split((struct slice){ (const char *)data, size }, &json,
	    &order))
		return 0;
	if (task_compile(&t, c, json, NULL, 0, ignore, NULL) != RC_OK &&
	    task_compile(&t, c, json, &event, 1, ignore, NULL) != RC_OK)
		return 0;
	check_prints_the_same(c, t);
	if (order_read(&o, c, order, &err) == RC_OK) {
		order_check(&o, ignore, NULL);
		(void)task_filter_matches(t, &o);
		for (; ev.recipient < task_recipients(t) && ev.recipient < 3;
		    ev.recipient++) {
			buf_clear(&why);
			if (task_render(t, &ev, &r, &why) == RC_OK)
				check_request(t, &r);
			else
				CHECK(why.len > 0);
		}
	}
	task_free(t);
	buf_free(&why);
	return 0;
}
