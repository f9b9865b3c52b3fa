#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"
#include "ui/intake_batch.h"
#include "ui/intake_page.h"
#include "ui/service.h"
#include "work/batch.h"
#include "work/listing.h"
#include "work/nudge.h"

#define LARGE		(256 * 1024)	/* bytes that go back when freed */
#define BIG_BATCHES	2	/* bodies over body_max in memory at once */

struct app {
	struct service	 service;
	struct intake	 intake;
	atomic_int	 big;		/* big batches in memory */
};

/* What a worker keeps from one request to the next. */
struct local {
	struct intake_work *work;
	struct intake_item item;	/* one event's */
};

static struct local *
local_get(const struct app *app, struct req *rq)
{
	struct local *l = *rq->local;

	if (l != NULL)
		return l;
	l = calloc(1, sizeof *l);
	if (l == NULL)
		log_fatal("out of memory");
	l->work = intake_work_new(&app->intake);
	l->item.bad = (struct problems)PROBLEMS_INIT;
	*rq->local = l;
	return l;
}

void
intake_page_local_free(void *arg)
{
	struct local *l = arg;

	intake_work_free(l->work);
	problems_free(&l->item.bad);
	free(l);
}

enum rc
intake_page_open(const struct conf *conf, bool standing, void **out,
    struct buf *why)
{
	struct app *app = calloc(1, sizeof *app);
	enum rc rc;

	if (app == NULL)
		log_fatal("out of memory");
	/* Else the first large body raises it, and the next ones' memory stays
	   with the threads that took them. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
	rc = service_open(&app->service, conf, standing, why);
	if (rc != RC_OK) {
		free(app);
		return rc;
	}
	app->intake = (struct intake){
		.store = app->service.store,
		.rosters = app->service.rosters,
		.crypt = &app->service.crypt,
		.catalog = app->service.catalog,
		.store_dir = app->service.conf.store_dir,
		.nudge = nudge_open_sender(),
		.event_max = (size_t)app->service.conf.intake_body_max,
	};
	*out = app;
	return RC_OK;
}

void
intake_page_close(void *arg)
{
	struct app *app = arg;

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
}

/* Say what is wrong with a key; k is NULL if it is none. */
static void
refuse_key(const struct req *rq, const struct apikey *k, struct resp *rs)
{
	if (k != NULL)
		resp_problem(rs, 403, "This key is of another kind: events "
		    "are posted and read with a publish key.");
	else if (rq->key.s == NULL)
		resp_problem(rs, 401, "A publish key is needed: "
		    "Authorization: Bearer publish_...");
	else
		resp_problem(rs, 401, "This key is not known here.");
}

/*
 * Who posts: *number of the publish key, which outlives the roster.  False:
 * the answer is in rs.
 */
static bool
may_post(const struct app *app, const struct req *rq, struct resp *rs,
    uint32_t *number)
{
	const struct roster *r;
	const struct apikey *k;
	bool may;
	enum rc rc;

	rc = intake_key(&app->intake, rq->key, &r, &k);
	if (rc != RC_OK) {
		unavailable(rs, rc);
		return false;
	}
	may = k != NULL && k->kind == KEY_PUBLISH;
	if (may)
		*number = k->number;
	else
		refuse_key(rq, k, rs);
	roster_release(r);
	return may;
}

static void
answer_one(const struct app *app, const struct intake_item *it,
    struct resp *rs)
{
	const char *pointer, *detail;

	if (it->status == 202 || it->status == 200) {
		rs->status = it->status;
		buf_putc(&rs->body, '{');
		intake_put_taken(&app->intake, it, &rs->body);
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
}

/* One event, or *lines of them.  False: answered. */
static bool
read_type(const struct req *rq, struct resp *rs, bool *lines)
{
	*lines = slice_is(rq->content_type, "application/x-ndjson");
	if (rq->content_type.len > 0 && !*lines &&
	    !slice_is(rq->content_type, "application/json")) {
		resp_problem(rs, 415, "Events are application/json or "
		    "application/x-ndjson.");
		return false;
	}
	if (rq->content_encoding.len > 0 &&
	    !slice_is(rq->content_encoding, "identity")) {
		resp_problem(rs, 415, "Content-Encoding must be identity.");
		return false;
	}
	return true;
}

/*
 * A batch that does not fit body_max: read on, if there is a place for one
 * more in memory.  RC_FULL: there is none.
 */
static enum rc
read_big(struct app *app, struct req *rq, bool *big)
{
	struct buf *body = rq->scratch;

	body->max = (size_t)app->service.conf.intake_batch_max;
	if (rq->content_length > (int64_t)body->max)
		return RC_TOOBIG;
	if (atomic_fetch_add(&app->big, 1) >= BIG_BATCHES) {
		atomic_fetch_sub(&app->big, 1);
		return RC_FULL;
	}
	*big = true;
	body->over = false;
	return req_body(rq, body);
}

/* Read the body into the worker's buffer.  False: answered. */
static bool
read_body(struct app *app, struct req *rq, struct resp *rs, bool lines,
    bool *big)
{
	struct buf *body = rq->scratch;
	char detail[80];
	enum rc rc;

	body->max = (size_t)app->service.conf.intake_body_max;
	rc = req_body(rq, body);
	if (rc == RC_TOOBIG && (lines || batch_is_array(buf_as_slice(body))))
		rc = read_big(app, rq, big);
	switch (rc) {
	case RC_OK:
		return true;
	case RC_TOOBIG:
		snprintf(detail, sizeof detail, "The body may have at most "
		    "%zu bytes.", body->max);
		resp_problem(rs, 413, detail);
		return false;
	case RC_FULL:
		resp_problem(rs, 503, "Two large batches are being taken "
		    "already; nothing was kept.");
		return false;
	default:
		resp_problem(rs, 400, "The body ended before its "
		    "Content-Length.");
		return false;
	}
}

void
intake_page_post(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;
	struct intake_post post = { .in = &app->intake };
	struct slice body;
	struct local *l;
	bool lines, big = false;

	if (!may_post(app, rq, rs, &post.key) || !read_type(rq, rs, &lines))
		return;
	if (!read_body(app, rq, rs, lines, &big))
		goto done;
	l = local_get(app, rq);
	post.work = l->work;
	body = buf_as_slice(rq->scratch);
	if (lines) {
		intake_batch_lines(&post, body, rs);
	} else if (batch_is_array(body)) {
		intake_batch_array(&post, body, rs);
	} else {
		l->item.json = body;
		intake_take(&app->intake, l->work, post.key, &l->item, 1);
		answer_one(app, &l->item, rs);
	}
done:
	if (big) {		/* give the megabytes back, then the place */
		buf_free(rq->scratch);
		atomic_fetch_sub(&app->big, 1);
	}
}

/* Append an event for who has key k; RC_NOTFOUND also if it is not theirs. */
static enum rc
put_event(const struct app *app, struct slice id, const struct roster *r,
    const struct apikey *k, struct buf *out)
{
	struct store *st = app->service.store;
	struct store_event ev = STORE_EVENT_INIT;
	struct order o = ORDER_INIT;
	struct json_error err;
	uint64_t position;
	bool sound;
	enum rc rc;

	rc = store_event_parse(st, id, &position);
	if (rc == RC_OK)
		rc = store_event_get(st, position, &ev);
	if (rc == RC_OK && k->kind == KEY_PUBLISH && ev.key != k->number)
		rc = RC_NOTFOUND;
	if (rc == RC_OK) {
		sound = order_read(&o, app->service.catalog, ev.order,
		    &err) == RC_OK;
		rc = event_print(st, r, &ev, sound ? &o : NULL, true, out);
	}
	order_free(&o);
	store_event_clear(&ev);
	return rc;
}

/* By the roster of this moment: a key that was revoked reads nothing. */
void
intake_page_event(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;
	const struct roster *r;
	const struct apikey *k;
	enum rc rc;

	rc = rosters_get(app->service.rosters, 0, true, &r);
	if (rc != RC_OK) {
		unavailable(rs, rc);
		return;
	}
	k = roster_key_by_token(r, rq->key);
	if (k == NULL || (k->kind != KEY_PUBLISH && k->kind != KEY_OPERATOR))
		refuse_key(rq, k, rs);
	else {
		rc = put_event(app, rq->param[0], r, k, &rs->body);
		if (rc == RC_NOTFOUND)
			resp_problem(rs, 404, "There is no such event.");
		else if (rc != RC_OK)
			unavailable(rs, rc);
	}
	roster_release(r);
}

void
intake_page_health(void *arg, struct req *rq, struct resp *rs)
{
	const struct app *app = arg;

	(void)rq;
	service_health(&app->service, rs);
}
