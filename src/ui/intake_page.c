#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"
#include "ui/intake_page.h"
#include "ui/service.h"
#include "work/intake.h"
#include "work/listing.h"
#include "work/nudge.h"

#define BATCH_ITEMS	10000	/* in one call */
#define BIG_BATCHES	2	/* bodies over body_max in memory at once */
#define RETRY_AFTER	"2"	/* seconds, with every 503 */

struct app {
	struct service	 service;
	struct intake	 intake;
	atomic_int	 big;		/* big batches in memory */
	pthread_key_t	 work;		/* each thread's struct thread */
};

/* One thread's memory. */
struct thread {
	struct intake_work *work;
	struct buf	 body;
	struct intake_item item[INTAKE_RUN];
};

static void
thread_free(void *arg)
{
	struct thread *t = arg;

	intake_work_free(t->work);
	buf_free(&t->body);
	for (size_t i = 0; i < INTAKE_RUN; i++)
		problems_free(&t->item[i].bad);
	free(t);
}

static struct thread *
thread_get(struct app *app)
{
	struct thread *t = pthread_getspecific(app->work);

	if (t != NULL)
		return t;
	t = calloc(1, sizeof *t);
	if (t == NULL)
		log_fatal("out of memory");
	t->work = intake_work_new(&app->intake);
	t->body = (struct buf)BUF_INIT(0);	/* read_body sets the ceiling */
	for (size_t i = 0; i < INTAKE_RUN; i++)
		t->item[i].bad = (struct problems)PROBLEMS_INIT;
	if (pthread_setspecific(app->work, t) != 0)
		log_fatal("out of memory");
	return t;
}

enum rc
intake_page_open(const struct conf *conf, bool standing, void **out,
    struct buf *why)
{
	struct app *app = calloc(1, sizeof *app);
	enum rc rc;

	if (app == NULL)
		log_fatal("out of memory");
	rc = service_open(&app->service, conf, standing, why);
	if (rc != RC_OK) {
		free(app);
		return rc;
	}
	if (pthread_key_create(&app->work, thread_free) != 0)
		log_fatal("no thread keys left");
	app->intake = (struct intake){
		.store = app->service.store,
		.rosters = app->service.rosters,
		.crypt = &app->service.crypt,
		.catalog = app->service.catalog,
		.store_dir = app->service.conf.store_dir,
		.nudge = nudge_open_sender(),
	};
	*out = app;
	return RC_OK;
}

void
intake_page_close(void *arg)
{
	struct app *app = arg;
	struct thread *t = pthread_getspecific(app->work);

	if (t != NULL)		/* main's own: no destructor runs for it */
		thread_free(t);
	pthread_key_delete(app->work);
	if (app->intake.nudge != -1)
		close(app->intake.nudge);
	service_close(&app->service);
	free(app);
}

static void
unavailable(struct resp *rs, enum rc rc)
{
	resp_problem(rs, 503, rc == RC_FULL ?
	    "The store has no room just now; nothing was kept." :
	    "The store can't be reached just now; nothing was kept.");
	resp_header(rs, "Retry-After", RETRY_AFTER);
}

/*
 * Who asks: a publish key, or with operator_ok an operator's.  False: the
 * answer is in rs.  The key's number and kind outlive the roster.
 */
static bool
authorize(struct app *app, const struct req *rq, struct resp *rs,
    bool operator_ok, uint32_t *number, enum key_kind *kind)
{
	const struct roster *r;
	const struct apikey *k;
	enum rc rc;
	bool ok = false;

	rc = intake_key(&app->intake, rq->key, &r, &k);
	if (rc != RC_OK) {
		unavailable(rs, rc);
		return false;
	}
	if (k == NULL) {
		resp_problem(rs, 401, rq->key.s == NULL ?
		    "A publish key is needed: Authorization: Bearer "
		    "publish_..." : "This key is not known here.");
		resp_header(rs, "WWW-Authenticate", "Bearer");
	} else if (k->kind != KEY_PUBLISH &&
	    !(operator_ok && k->kind == KEY_OPERATOR))
		resp_problem(rs, 403, "This key is of another kind: events "
		    "are posted and read with a publish key.");
	else {
		*number = k->number;
		*kind = k->kind;
		ok = true;
	}
	roster_release(r);
	return ok;
}

static void
put_errors(const struct problems *bad, struct buf *out)
{
	const char *pointer, *detail;

	buf_puts(out, ",\"errors\":[");
	for (size_t i = 0; problems_at(bad, i, &pointer, &detail); i++) {
		buf_puts(out, i == 0 ? "{\"pointer\":" : ",{\"pointer\":");
		json_put_string(out, slice_of(pointer));
		buf_puts(out, ",\"detail\":");
		json_put_string(out, slice_of(detail));
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void
put_taken(const struct app *app, const struct intake_item *it,
    struct buf *out)
{
	char id[ID_MAX];

	store_event_id(app->service.store, it->position, id);
	buf_puts(out, "\"id\":\"");
	buf_puts(out, id);
	buf_puts(out, "\",\"deliveries\":");
	buf_i64(out, it->deliveries);
}

static void
answer_one(const struct app *app, const struct intake_item *it,
    struct resp *rs)
{
	const char *pointer, *detail;

	if (it->status == 202 || it->status == 200) {
		rs->status = it->status;
		buf_putc(&rs->body, '{');
		put_taken(app, it, &rs->body);
		buf_puts(&rs->body, it->status == 200 ?
		    ",\"duplicate\":true}" : ",\"duplicate\":false}");
		return;
	}
	resp_problem(rs, it->status,
	    it->status == 400 ? "The body is not JSON as RFC 8259 has it." :
	    it->status == 401 ? "This key is not known here." :
	    it->status == 409 ? "This sender id was accepted before with "
	    "other content." :
	    it->status == 422 ? "The event is not as it must be." :
	    "The store can't take it just now; nothing was kept.");
	for (size_t i = 0; problems_at(&it->bad, i, &pointer, &detail); i++)
		resp_problem_error(rs, pointer, detail);
	if (it->status == 503)
		resp_header(rs, "Retry-After", RETRY_AFTER);
}

/* A batch being taken: runs go in, results come out. */
struct batch {
	struct app	*app;
	struct thread	*thread;
	uint32_t	 key;
	size_t		 waiting;	/* items in thread->item */
	size_t		 accepted, duplicates, rejected, unavailable;
	struct buf	 results;
};

static void
batch_run(struct batch *b)
{
	struct thread *t = b->thread;

	if (b->waiting == 0)
		return;
	intake_take(&b->app->intake, t->work, b->key, t->item, b->waiting);
	for (size_t i = 0; i < b->waiting; i++) {
		const struct intake_item *it = &t->item[i];

		if (b->results.len > 0)
			buf_putc(&b->results, ',');
		buf_printf(&b->results, "{\"status\":%d", it->status);
		if (it->status == 202 || it->status == 200) {
			buf_putc(&b->results, ',');
			put_taken(b->app, it, &b->results);
			if (it->status == 200)
				buf_puts(&b->results, ",\"duplicate\":true");
			b->accepted += it->status == 202;
			b->duplicates += it->status == 200;
		} else {
			put_errors(&it->bad, &b->results);
			b->rejected++;
			b->unavailable += it->status == 503;
		}
		buf_putc(&b->results, '}');
	}
	b->waiting = 0;
}

static void
batch_add(struct batch *b, struct slice json)
{
	b->thread->item[b->waiting++].json = json;
	if (b->waiting == INTAKE_RUN)
		batch_run(b);
}

static void
answer_batch(struct batch *b, struct resp *rs)
{
	batch_run(b);
	if (b->unavailable > 0 && b->unavailable == b->rejected &&
	    b->accepted + b->duplicates == 0) {
		unavailable(rs, RC_RETRY);	/* none was kept */
		return;
	}
	rs->status = b->rejected > 0 ? 207 : 202;
	if (b->unavailable > 0)
		resp_header(rs, "Retry-After", RETRY_AFTER);
	buf_printf(&rs->body, "{\"accepted\":%zu,\"duplicates\":%zu,"
	    "\"rejected\":%zu,\"results\":[", b->accepted, b->duplicates,
	    b->rejected);
	buf_slice(&rs->body, buf_as_slice(&b->results));
	buf_puts(&rs->body, "]}");
}

/* The next line that is not blank, without its end; false: no more. */
static bool
next_line(struct slice *rest, struct slice *line)
{
	while (rest->len > 0) {
		const char *nl = memchr(rest->s, '\n', rest->len);
		size_t len = nl == NULL ? rest->len : (size_t)(nl - rest->s);

		*line = (struct slice){ rest->s, len };
		len += nl != NULL;
		rest->s += len;
		rest->len -= len;
		for (size_t i = 0; i < line->len; i++)
			if (strchr(" \t\r", line->s[i]) == NULL ||
			    line->s[i] == '\0')
				return true;
	}
	return false;
}

static void
take_lines(struct batch *b, struct resp *rs)
{
	struct slice rest = buf_as_slice(&b->thread->body), line;
	size_t n = 0;

	while (next_line(&rest, &line))
		n++;
	if (n == 0 || n > BATCH_ITEMS) {
		resp_problem(rs, n == 0 ? 422 : 413, n == 0 ?
		    "There is no event in the body." :
		    "A batch may hold at most 10,000 events.");
		return;
	}
	rest = buf_as_slice(&b->thread->body);
	while (next_line(&rest, &line))
		batch_add(b, line);
	answer_batch(b, rs);
}

/*
 * The array is scanned whole, since a malformed one is refused whole; limits
 * that concern one event alone are left to that event's own reading.
 */
static void
take_array(struct batch *b, struct resp *rs)
{
	struct json_limits lim = { .depth = 128, .string = UINT32_MAX,
	    .tokens = 8 * 1024 * 1024, .number = UINT32_MAX };
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	char line[220];

	if (json_scan(&d, buf_as_slice(&b->thread->body), &lim, &err) !=
	    RC_OK) {
		resp_problem(rs, 400, "The body is not JSON as RFC 8259 has "
		    "it; nothing was kept.");
		snprintf(line, sizeof line, "line %u, column %u: %s", err.line,
		    err.col, err.detail);
		resp_problem_error(rs, err.pointer, line);
	} else if (d.tok[0].n == 0)
		resp_problem(rs, 422, "The array is empty.");
	else if (d.tok[0].n > BATCH_ITEMS)
		resp_problem(rs, 413,
		    "A batch may hold at most 10,000 events.");
	else {
		for (uint32_t i = 1; i < d.n; i = d.tok[i].next)
			batch_add(b, json_text(&d, i));
		answer_batch(b, rs);
	}
	json_doc_free(&d);
}

static bool
is_array(const struct buf *body)
{
	size_t i = 0;

	while (i < body->len && strchr(" \t\r\n", body->s[i]) != NULL &&
	    body->s[i] != '\0')
		i++;
	return i < body->len && body->s[i] == '[';
}

/*
 * Read the body into the thread's buffer: one event up to body_max, several
 * up to batch_max, of which few may be in memory at once.  False: answered.
 */
static bool
read_body(struct app *app, struct thread *t, struct req *rq,
    struct resp *rs, bool lines, bool *big)
{
	const struct conf *cf = &app->service.conf;
	char detail[120];
	enum rc rc;

	buf_clear(&t->body);
	t->body.max = (size_t)cf->intake_body_max;
	rc = req_body(rq, &t->body);
	if (rc == RC_TOOBIG && (lines || is_array(&t->body))) {
		if (atomic_fetch_add(&app->big, 1) >= BIG_BATCHES) {
			atomic_fetch_sub(&app->big, 1);
			resp_problem(rs, 503, "Two large batches are being "
			    "taken already; nothing was kept.");
			resp_header(rs, "Retry-After", RETRY_AFTER);
			return false;
		}
		*big = true;
		t->body.over = false;
		t->body.max = (size_t)cf->intake_batch_max;
		rc = req_body(rq, &t->body);
	}
	if (rc == RC_OK)
		return true;
	if (rc == RC_TOOBIG) {
		snprintf(detail, sizeof detail, "The body may have at most "
		    "%zu bytes.", t->body.max);
		resp_problem(rs, 413, detail);
	} else
		resp_problem(rs, 400, "The body ended before its "
		    "Content-Length.");
	return false;
}

void
intake_page_post(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;
	struct batch b = { .app = app, .results = BUF_INIT(64 << 20) };
	enum key_kind kind;
	bool lines, big = false;

	if (!authorize(app, rq, rs, false, &b.key, &kind))
		return;
	lines = slice_is(rq->content_type, "application/x-ndjson");
	if (rq->content_type.len > 0 && !lines &&
	    !slice_is(rq->content_type, "application/json")) {
		resp_problem(rs, 415, "Events are application/json or "
		    "application/x-ndjson.");
		return;
	}
	if (rq->content_encoding.len > 0 &&
	    !slice_is(rq->content_encoding, "identity")) {
		resp_problem(rs, 415, "Content-Encoding must be identity.");
		return;
	}
	b.thread = thread_get(app);
	if (!read_body(app, b.thread, rq, rs, lines, &big))
		goto done;
	if (lines)
		take_lines(&b, rs);
	else if (is_array(&b.thread->body))
		take_array(&b, rs);
	else {
		struct intake_item *it = &b.thread->item[0];

		it->json = buf_as_slice(&b.thread->body);
		intake_take(&app->intake, b.thread->work, b.key, it, 1);
		answer_one(app, it, rs);
	}
done:
	if (big) {		/* give the megabytes back, and the place */
		buf_free(&b.thread->body);
		atomic_fetch_sub(&app->big, 1);
	}
	buf_free(&b.results);
}

void
intake_page_event(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;
	struct store_event ev = STORE_EVENT_INIT;
	struct order o = ORDER_INIT;
	struct json_error err;
	const struct roster *r = NULL;
	uint64_t position;
	uint32_t number;
	enum key_kind kind;
	enum rc rc;

	if (!authorize(app, rq, rs, true, &number, &kind))
		return;
	rc = store_event_parse(app->service.store, rq->param[0], &position);
	if (rc == RC_OK)
		rc = store_event_get(app->service.store, position, &ev);
	if (rc == RC_OK && kind == KEY_PUBLISH && ev.key != number)
		rc = RC_NOTFOUND;	/* another key's: as if it were not */
	if (rc == RC_OK)
		rc = rosters_get(app->service.rosters, 0, true, &r);
	if (rc == RC_OK)
		rc = order_read(&o, app->service.catalog, ev.order, &err);
	if (rc == RC_OK)
		rc = event_print(app->service.store, r, &ev, &o, true,
		    &rs->body);
	if (rc == RC_NOTFOUND)
		resp_problem(rs, 404, "There is no such event.");
	else if (rc != RC_OK)
		unavailable(rs, rc);
	roster_release(r);
	order_free(&o);
	store_event_clear(&ev);
}

void
intake_page_health(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;
	struct store_health h;

	(void)rq;
	if (store_health(app->service.store, &h) != RC_OK || !h.writable) {
		rs->status = 503;
		buf_puts(&rs->body, "{\"ok\":false}");
		resp_header(rs, "Retry-After", RETRY_AFTER);
		return;
	}
	buf_puts(&rs->body, "{\"ok\":true}");
}
