/*
 * A task and an order, with a NUL between them.  Whatever the two are: if the
 * task compiles and renders, its body is JSON, its header values are one line,
 * its URL has the scheme and authority the task was written with, and what
 * task_print gives compiles to the same again; and so does, with its secrets
 * put back, what it gives masked.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"
#include "shape/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits no_limits = { .depth = UINT32_MAX,
    .string = UINT32_MAX, .tokens = UINT32_MAX, .number = UINT32_MAX };

static void
ignore(void *arg, const char *pointer, const char *detail)
{
	(void)arg;
	if (pointer == NULL || detail == NULL || detail[0] == '\0')
		abort();
}

static const struct catalog *
the_catalog(void)
{
	static struct catalog *c;	/* read once for all inputs */
	const char *source = getenv("SKYCAP_SOURCE");
	struct buf path = BUF_INIT(4096), why = BUF_INIT(4096);

	if (c == NULL) {
		buf_printf(&path, "%s/src/shape/catalog.json",
		    source == NULL ? "." : source);
		if (catalog_load(&c, buf_str(&path), &why) != RC_OK) {
			fprintf(stderr, "%s\n", buf_str(&why));
			abort();
		}
		buf_free(&path);
		buf_free(&why);
	}
	return c;
}

static void
must(bool holds)
{
	if (!holds)
		abort();
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
	must(task_compile(&again, c, buf_as_slice(&one), NULL, 0, ignore, NULL)
	    == RC_OK);
	task_print(again, false, &two);
	must(slice_eq(buf_as_slice(&one), buf_as_slice(&two)));
	task_print(t, true, &masked);
	must(json_scan(&d, buf_as_slice(&masked), &no_limits, &err) == RC_OK);
	task_merge_secrets(t, buf_as_slice(&masked), &merged);
	task_free(again);
	must(task_compile(&again, c, buf_as_slice(&merged), NULL, 0, ignore,
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
	must(json_scan(&d, buf_as_slice(&text), &no_limits, &err) == RC_OK);
	json_string(&d, json_find(&d, json_find(&d, 0, "httpRequest"), "url"),
	    &want);
	slashes = strstr(buf_str(&want), "://");
	must(slashes != NULL);
	n = (size_t)(slashes - want.s) + 3;
	n += strcspn(want.s + n, "/?#");
	must(url.len >= n && memcmp(url.s, want.s, n) == 0);
	must(url.len == n || url.s[n] == '/' || url.s[n] == '?');
	for (size_t i = 0; i < url.len; i++)
		must((unsigned char)url.s[i] > ' ' &&
		    (unsigned char)url.s[i] < 0x7f && url.s[i] != '#');
	json_doc_free(&d);
	buf_free(&text);
	buf_free(&want);
}

static void
check_request(const struct task *t, const struct task_request *r)
{
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;

	must(json_scan(&d, buf_as_slice(&r->body), &no_limits, &err) == RC_OK);
	json_doc_free(&d);
	check_url(t, buf_as_slice(&r->url));
	for (size_t i = 0; i < r->nheader; i++)
		for (size_t k = 0; k < r->header[i].value.len; k++)
			must((unsigned char)r->header[i].value.s[k] >= ' ' &&
			    r->header[i].value.s[k] != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct task_request r = TASK_REQUEST_INIT;
	static struct order o = ORDER_INIT;
	const struct catalog *c = the_catalog();
	const char *text = (const char *)data;
	const char *nul = size == 0 ? NULL : memchr(text, '\0', size);
	struct slice event = SLICE("OrderTicketed");
	struct task_event ev = { .order = &o, .type = event,
	    .id = SLICE("evt_1"), .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1 };
	struct buf why = BUF_INIT(4096);
	struct json_error err;
	struct task *t = NULL;
	struct slice json;

	if (nul == NULL)
		return 0;
	json = (struct slice){ text, (size_t)(nul - text) };
	if (task_compile(&t, c, json, NULL, 0, ignore, NULL) != RC_OK &&
	    task_compile(&t, c, json, &event, 1, ignore, NULL) != RC_OK)
		return 0;
	check_prints_the_same(c, t);
	if (order_read(&o, c, (struct slice){ nul + 1, size - json.len - 1 },
	    &err) == RC_OK) {
		order_check(&o, ignore, NULL);
		(void)task_filter_matches(t, &o);
		if (task_render(t, &ev, &r, &why) == RC_OK)
			check_request(t, &r);
		else
			must(why.len > 0);
	}
	task_free(t);
	buf_free(&why);
	return 0;
}
