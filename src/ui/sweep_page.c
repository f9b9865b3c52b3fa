#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "deliver/sweep.h"
#include "ui/service.h"
#include "ui/sweep_page.h"

#define RETRY_AFTER	"2"	/* seconds, with every 503 */
#define TOKEN_MAX	256	/* bytes of a ?token= */

struct app {
	struct service	 service;
	struct sweep	*sweep;
	bool		 standing;
};

enum rc
sweep_page_open(const struct conf *conf, bool standing, void **out,
    struct buf *why)
{
	struct app *app = calloc(1, sizeof *app);
	struct sweep_options o;
	enum rc rc;

	if (app == NULL)
		log_fatal("out of memory");
	app->standing = standing;
	rc = service_open(&app->service, conf, standing, why);
	if (rc != RC_OK) {
		free(app);
		return rc;
	}
	o = (struct sweep_options){
		.config = service_config(&app->service),
		.rosters = app->service.rosters,
		.conf = &app->service.conf,
	};
	rc = sweep_new(&app->sweep, &o, why);
	if (rc == RC_OK && standing)
		rc = sweep_start(app->sweep);
	if (rc != RC_OK) {
		sweep_page_close(app);
		return rc;
	}
	*out = app;
	return RC_OK;
}

void
sweep_page_stopping(void *arg)
{
	struct app *app = arg;

	sweep_stopping(app->sweep);
}

void
sweep_page_close(void *arg)
{
	struct app *app = arg;

	sweep_free(app->sweep);
	service_close(&app->service);
	free(app);
}

static void
unavailable(struct resp *rs)
{
	resp_problem(rs, 503, "The store can't be reached just now.");
	resp_header(rs, "Retry-After", RETRY_AFTER);
}

/*
 * The sweep token or an operator's key, as bearer or ?token=, since cron jobs
 * of hosters can often set nothing but a URL.  False: the answer is in rs.
 */
static bool
authorize(struct app *app, const struct req *rq, struct resp *rs)
{
	struct buf token = BUF_INIT(TOKEN_MAX);
	struct slice key = rq->key;
	const struct roster *r = NULL;
	const struct apikey *k = NULL;
	bool ok = false;
	enum rc rc;

	if (key.s == NULL && req_query(rq, "token", &token) == RC_OK)
		key = buf_as_slice(&token);
	rc = rosters_get(app->service.rosters, 0, true, &r);
	if (rc != RC_OK) {
		unavailable(rs);
		goto done;
	}
	if (key.s != NULL)
		k = roster_key_by_token(r, key);
	if (k == NULL) {
		resp_problem(rs, 401, key.s == NULL ? "The sweep token is "
		    "needed: Authorization: Bearer sweep_..., or ?token=." :
		    "This token is not known here.");
		resp_header(rs, "WWW-Authenticate", "Bearer");
	} else if (k->kind != KEY_SWEEP && k->kind != KEY_OPERATOR)
		resp_problem(rs, 403, "This key is of another kind: the "
		    "sweep takes the sweep token or an operator's key.");
	else
		ok = true;
done:
	roster_release(r);
	buf_wipe(&token);
	return ok;
}

void
sweep_page_report(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;
	struct sweep_report r;
	int64_t begun = clock_mono_ms();
	enum rc rc = RC_OK;

	if (!authorize(app, rq, rs))
		return;
	if (app->standing)
		sweep_look(app->sweep);
	else		/* a program of one request: all of it is a sweep */
		rc = sweep_run_until_idle(app->sweep,
		    app->service.conf.sweep_budget_s * 1000);
	if (rc == RC_EXISTS)
		rc = RC_OK;		/* the report says "busy" */
	if (rc == RC_OK)
		rc = sweep_report(app->sweep, &r);
	if (rc != RC_OK) {
		unavailable(rs);
		return;
	}
	r.took_ms = clock_mono_ms() - begun;
	resp_header(rs, "Cache-Control", "no-store");
	sweep_report_print(&r, &rs->body);
}

void
sweep_page_metrics(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;

	if (!authorize(app, rq, rs))
		return;
	if (sweep_metrics(app->sweep, &rs->body) != RC_OK) {
		unavailable(rs);
		return;
	}
	rs->type = "text/plain; version=0.0.4; charset=utf-8";
	resp_header(rs, "Cache-Control", "no-store");
}

void
sweep_page_health(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;
	struct store_condition h;

	(void)rq;
	if (store_condition(app->service.store, &h) != RC_OK) {
		rs->status = 503;
		buf_puts(&rs->body, "{\"ok\":false}");
		resp_header(rs, "Retry-After", RETRY_AFTER);
		return;
	}
	buf_puts(&rs->body, "{\"ok\":true}");
}
