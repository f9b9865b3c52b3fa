#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "ui/intake_batch.h"
#include "work/batch.h"

#define ERRORS_SHOWN	8	/* of one item: an answer is not endless */
#define COUNTS_ROOM	128	/* bytes of what stands before the results */

/* Items wait for a run; results go into the answer as runs are taken. */
struct run {
	const struct intake_post *post;
	struct resp	*rs;
	struct intake_item *item;	/* room for max */
	size_t		 max, waiting;
	size_t		 accepted, duplicates, rejected, unavailable;
};

void
intake_put_taken(const struct intake *in, const struct intake_item *it,
    struct buf *out)
{
	char id[ID_MAX];

	store_event_id(in->store, it->position, id);
	buf_puts(out, "\"id\":\"");
	buf_puts(out, id);
	buf_puts(out, "\",\"deliveries\":");
	buf_i64(out, it->deliveries);
}

static void
put_errors(const struct problems *bad, struct buf *out)
{
	const char *pointer, *detail;

	buf_puts(out, ",\"errors\":[");
	for (size_t i = 0; i < ERRORS_SHOWN &&
	    problems_at(bad, i, &pointer, &detail); i++) {
		buf_puts(out, i == 0 ? "{\"pointer\":" : ",{\"pointer\":");
		json_put_string(out, slice_of(pointer));
		buf_puts(out, ",\"detail\":");
		json_put_string(out, slice_of(detail));
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void
intake_put_result(const struct intake *in, const struct intake_item *it,
    struct buf *out)
{
	buf_puts(out, "{\"status\":");
	buf_i64(out, it->status);
	if (it->status == 202 || it->status == 200) {
		buf_putc(out, ',');
		intake_put_taken(in, it, out);
		if (it->status == 200)
			buf_puts(out, ",\"duplicate\":true");
	} else
		put_errors(&it->bad, out);
	buf_putc(out, '}');
}

static void
put_item(struct run *r, const struct intake_item *it)
{
	if (r->rs->body.len > COUNTS_ROOM)
		buf_putc(&r->rs->body, ',');
	intake_put_result(r->post->in, it, &r->rs->body);
	if (it->status == 202)
		r->accepted++;
	else if (it->status == 200)
		r->duplicates++;
	else
		r->rejected++;
	r->unavailable += it->status == 503;
}

static void
take(struct run *r)
{
	if (r->waiting == 0)
		return;
	intake_take(r->post->in, r->post->work, r->post->key, r->item,
	    r->waiting);
	for (size_t i = 0; i < r->waiting; i++)
		put_item(r, &r->item[i]);
	r->waiting = 0;
}

static void
add(struct run *r, struct slice json)
{
	r->item[r->waiting++].json = json;
	if (r->waiting == r->max)
		take(r);
}

static void
begin(struct run *r, size_t n)
{
	static const char blank[COUNTS_ROOM];

	r->max = n < INTAKE_RUN ? n : INTAKE_RUN;
	r->item = calloc(r->max, sizeof *r->item);
	if (r->item == NULL)
		log_fatal("out of memory");
	for (size_t i = 0; i < r->max; i++)
		r->item[i].bad = (struct problems)PROBLEMS_INIT;
	buf_put(&r->rs->body, blank, sizeof blank);
}

/* The counts are known now, and stand first: close up to them. */
static void
finish(struct run *r)
{
	struct buf *out = &r->rs->body;
	char counts[COUNTS_ROOM];
	size_t len;

	take(r);
	for (size_t i = 0; i < r->max; i++)
		problems_free(&r->item[i].bad);
	free(r->item);
	intake_work_trim(r->post->work);
	if (r->unavailable > 0 && r->unavailable == r->rejected &&
	    r->accepted + r->duplicates == 0) {
		resp_problem(r->rs, 503, "The store can't take them just now; "
		    "nothing was kept.");
		return;
	}
	r->rs->status = r->rejected > 0 ? 207 : 202;
	if (r->unavailable > 0)
		resp_header(r->rs, "Retry-After", "1");
	buf_puts(out, "]}");
	if (out->over)
		return;		/* resp_print says so */
	len = (size_t)snprintf(counts, sizeof counts, "{\"accepted\":%zu,"
	    "\"duplicates\":%zu,\"rejected\":%zu,\"results\":[", r->accepted,
	    r->duplicates, r->rejected);
	memcpy(out->s, counts, len);
	memmove(out->s + len, out->s + COUNTS_ROOM,
	    out->len - COUNTS_ROOM + 1);
	out->len -= COUNTS_ROOM - len;
}

static void
too_many(struct resp *rs)
{
	resp_problem(rs, 413, "A batch may hold at most 10,000 events.");
}

void
intake_batch_lines(const struct intake_post *p, struct slice body,
    struct resp *rs)
{
	struct run r = { .post = p, .rs = rs };
	struct slice rest = body, line;
	size_t n = 0;

	while (n <= INTAKE_BATCH_ITEMS && batch_next_line(&rest, &line))
		n++;
	if (n == 0) {
		resp_problem(rs, 422, "There is no event in the body.");
		return;
	}
	if (n > INTAKE_BATCH_ITEMS) {
		too_many(rs);
		return;
	}
	begin(&r, n);
	for (rest = body; batch_next_line(&rest, &line);)
		add(&r, line);
	finish(&r);
}

void
intake_batch_array(const struct intake_post *p, struct slice body,
    struct resp *rs)
{
	struct run r = { .post = p, .rs = rs };
	struct slice rest = body, item;
	struct json_error err;
	char line[220];
	size_t n = 0;
	enum rc rc;

	rc = batch_check(body, INTAKE_BATCH_ITEMS, &n, &err);
	if (rc == RC_TOOBIG) {
		too_many(rs);
	} else if (rc != RC_OK) {
		resp_problem(rs, 400, "The body is not JSON as RFC 8259 has "
		    "it; nothing was kept.");
		snprintf(line, sizeof line, "line %u, column %u: %s", err.line,
		    err.col, err.detail);
		resp_problem_error(rs, err.pointer, line);
	} else if (n == 0) {
		resp_problem(rs, 422, "The array is empty.");
	} else {
		begin(&r, n);
		while (batch_next_item(&rest, &item))
			add(&r, item);
		finish(&r);
	}
}
