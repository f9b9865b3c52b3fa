/*
 * body_check - the bodies of some files, for body_oracle.py.
 *
 * A file is a jsonBody, NUL, an order.  Prints one line of JSON for each:
 * "order" or "template" if that is refused, else two pairs, lenient and
 * strict: true and the body's text, or false and why there is none.
 */
#include "files.h"
#include "fuzz.h"
#include "shape/task.h"

/* The name and what is below are known to body_oracle.py too. */
#define NAME	"\\\"\\\\<&'>/?#=:@%{{pnr}} \xc3\xb3"

static void
ignore(void *arg, const char *pointer, const char *detail)
{
	(void)arg;
	(void)pointer;
	(void)detail;
}

/* RC_INVALID: it is refused as a jsonBody. */
static enum rc
compile(struct task **t, struct slice body, const char *missing)
{
	struct buf text = BUF_INIT(FILE_MAX_LEN);
	enum rc rc;

	buf_puts(&text, "{\"name\":\"" NAME "\",\"event\":[\"*\"],"
	    "\"settings\":{\"missing\":\"");
	buf_puts(&text, missing);
	buf_puts(&text, "\"},\"httpRequest\":{\"url\":\"https://h/\","
	    "\"jsonBody\":");
	buf_slice(&text, body);
	buf_puts(&text, "}}");
	rc = task_compile(t, fuzz_catalog(), buf_as_slice(&text), NULL, 0,
	    ignore, NULL);
	buf_free(&text);
	return rc;
}

static void
put_rendered(const struct task *t, const struct order *o, struct buf *line)
{
	struct task_request r = TASK_REQUEST_INIT;
	struct task_event ev = { .order = o, .type = SLICE("OrderTicketed"),
	    .id = SLICE("evt_1"), .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 2 };
	struct buf why = BUF_INIT(4096);
	enum rc rc;

	rc = task_render(t, &ev, &r, &why);
	buf_puts(line, rc == RC_OK ? "[true," : "[false,");
	json_put_string(line, buf_as_slice(rc == RC_OK ? &r.body : &why));
	buf_putc(line, ']');
	task_request_free(&r);
	buf_free(&why);
}

static void
judge(struct slice text, struct buf *line)
{
	struct order o = ORDER_INIT;
	struct task *lenient = NULL, *strict = NULL;
	struct json_error err;
	struct slice body, order;

	if (!fuzz_split(text, &body, &order) ||
	    order_read(&o, fuzz_catalog(), order, &err) != RC_OK)
		buf_puts(line, "\"order\"");
	else if (compile(&lenient, body, "lenient") != RC_OK ||
	    compile(&strict, body, "strict") != RC_OK)
		buf_puts(line, "\"template\"");
	else {
		buf_putc(line, '[');
		put_rendered(lenient, &o, line);
		buf_putc(line, ',');
		put_rendered(strict, &o, line);
		buf_putc(line, ']');
	}
	task_free(lenient);
	task_free(strict);
	order_free(&o);
}

int
main(int argc, char **argv)
{
	return files_each(argc, argv, judge);
}
