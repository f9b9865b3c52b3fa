/*
 * unit_task - tasks compiled, refused and rendered, for tests of task.
 */
#ifndef TESTS_UNIT_TASK_H
#define TESTS_UNIT_TASK_H

#include <stdlib.h>
#include "shape/task.h"
#include "unit_shape.h"

/* Tasks for all events, with more of this or that. */
#define TASK(more) "{\"event\":[\"*\"]," more "}"
#define HTTP(more) TASK("\"httpRequest\":{\"url\":\"https://h/\"" more "}")
#define URL(u) TASK("\"httpRequest\":{\"url\":\"" u "\"}")
#define HEAD(h) HTTP(",\"header\":{" h "}")
#define BODY(b) HTTP(",\"jsonBody\":" b)
#define SET(s) TASK("\"httpRequest\":{\"url\":\"https://h/\"}," \
	"\"settings\":{" s "}")

#define DOTS "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

static const char unit_task_order[] = "{\"agwID\":\"AGW-JHTE1543KJ\","
    "\"agent\":\"Ana \\\"A\\\" L\xc3\xb3pez\",\"agency\":\"Wander\","
    "\"pnr\":\"KWJ2MT\",\"provider\":\"IB\",\"adultsPax\":2,"
    "\"totalAmount\":\"412.90\",\"createdOn\":\"2026-11-23 10:00\","
    "\"bookingType\":\"RT\",\"contact\":{\"zip\":28001,\"vip\":true},"
    "\"consumer\":\"..\",\"origin\":\"a\\r\\nX-Evil: 1\"}";

struct unit_task {
	struct catalog	*c;
	struct order	 o;
	struct task_request r;
};

static inline int
unit_task_setup(void **state)
{
	struct unit_task *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->c = unit_catalog();
	f->o = (struct order)ORDER_INIT;
	unit_order(&f->o, f->c, unit_task_order);
	f->r = (struct task_request)TASK_REQUEST_INIT;
	*state = f;
	return 0;
}

static inline int
unit_task_teardown(void **state)
{
	struct unit_task *f = *state;

	task_request_free(&f->r);
	order_free(&f->o);
	catalog_free(f->c);
	free(f);
	return 0;
}

#define UNIT_TASK(name) cmocka_unit_test_setup_teardown(name, \
	unit_task_setup, unit_task_teardown)

/* A task_problem: "pointer: detail" a line into a buf. */
static inline void
unit_note(void *arg, const char *pointer, const char *detail)
{
	struct buf *b = arg;

	buf_printf(b, "%s%s: %s", b->len > 0 ? "\n" : "", pointer, detail);
}

/* A task that must compile, for its own events or else for one. */
static inline struct task *
unit_task(const struct unit_task *f, const char *json)
{
	struct slice event = SLICE("OrderTicketed");
	size_t n = strstr(json, "\"event\"") == NULL;
	struct buf why = BUF_INIT(65536);
	struct task *t = NULL;

	want_rc(task_compile(&t, f->c, slice_of(json), &event, n,
	    unit_note, &why), RC_OK, "%s: %s", json, buf_str(&why));
	buf_free(&why);
	return t;
}

/*
 * A task that must not compile; where and why must be told in one line, and
 * with line and column unless it is the task as a whole.
 */
static inline void
unit_task_refuse(const struct unit_task *f, const char *json,
    const char *where, const char *why)
{
	struct buf told = BUF_INIT(65536), begin = BUF_INIT(4096);
	struct task *t = NULL;
	bool found = false;
	char *line, *next;

	want_rc(task_compile(&t, f->c, slice_of(json), NULL, 0,
	    unit_note, &told), RC_INVALID, "%s", json);
	assert_null(t);
	buf_printf(&begin, "%s: %s", where, *where == '\0' ? "" : "line ");
	for (line = told.s; line != NULL && !found; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		found = strncmp(line, buf_str(&begin), begin.len) == 0 &&
		    strstr(line, why) != NULL;
		if (next != NULL)
			next[-1] = '\n';
	}
	if (!found)
		fail_msg("%s: got \"%s\", want \"%s: %s\"", json,
		    buf_str(&told), where, why);
	buf_free(&told);
	buf_free(&begin);
}

static inline enum rc
unit_task_render(struct unit_task *f, const struct task *t, struct buf *why)
{
	struct task_event ev = { .order = &f->o, .type = SLICE("OrderTicketed"),
	    .id = SLICE("evt_1"), .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 2 };

	return task_render(t, &ev, &f->r, why);
}

static inline void
unit_task_render_ok(struct unit_task *f, const struct task *t)
{
	struct buf why = BUF_INIT(1024);

	want_rc(unit_task_render(f, t, &why), RC_OK, "%s", buf_str(&why));
	buf_free(&why);
}

#endif
