#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "ui/overview_page.h"
#include "ui/service.h"
#include "ui/view.h"
#include "work/figures.h"
#include "work/record_json.h"
#include "work/user.h"

#define FAILURES_MAX	10		/* wrong passwords in a row */
#define PAUSE_MS	30000		/* that cost everybody this long */
#define LATE_S		120		/* oldest due: the sweep is late */

struct app {
	struct service	 service;
	struct view	*view;
	pthread_mutex_t	 lock;		/* of the two below */
	unsigned	 failures;	/* wrong passwords in a row */
	int64_t		 until_ms;	/* monotonic: no tries before */
};

enum rc
overview_page_open(const struct conf *conf, bool standing, void **out,
    struct buf *why)
{
	struct app *app = calloc(1, sizeof *app);
	enum rc rc;

	if (app == NULL)
		log_fatal("out of memory");
	rc = service_open(&app->service, conf, standing, why);
	if (rc == RC_OK) {
		rc = view_load(&app->view, conf->site_data, "overview", why);
		if (rc != RC_OK)
			service_close(&app->service);
	}
	if (rc != RC_OK) {
		free(app);
		return rc;
	}
	pthread_mutex_init(&app->lock, NULL);
	*out = app;
	return RC_OK;
}

void
overview_page_close(void *arg)
{
	struct app *app = arg;

	view_free(app->view);
	service_close(&app->service);
	pthread_mutex_destroy(&app->lock);
	free(app);
}

/* Before a password costs 20 ms: are there too many wrong ones? */
static bool
may_try(struct app *app)
{
	bool may;

	pthread_mutex_lock(&app->lock);
	may = clock_mono_ms() >= app->until_ms;
	pthread_mutex_unlock(&app->lock);
	return may;
}

static void
tried(struct app *app, bool right)
{
	pthread_mutex_lock(&app->lock);
	app->failures = right ? 0 : app->failures + 1;
	if (app->failures >= FAILURES_MAX) {
		app->failures = 0;
		app->until_ms = clock_mono_ms() + PAUSE_MS;
		log_warn("many wrong passwords: none is tried for %d s",
		    PAUSE_MS / 1000);
	}
	pthread_mutex_unlock(&app->lock);
}

static bool
authorize(struct app *app, const struct req *rq, struct resp *rs)
{
	struct config cf = service_config(&app->service);
	enum rc rc = RC_DENIED;

	if (rq->basic_user.s != NULL) {
		if (!may_try(app)) {
			resp_problem(rs, 429, "There were too many wrong "
			    "passwords; try again in half a minute.");
			resp_header(rs, "Retry-After", "30");
			return false;
		}
		rc = user_check(&cf, rq->basic_user, rq->basic_password);
		if (rc == RC_OK || rc == RC_DENIED)
			tried(app, rc == RC_OK);
	}
	if (rc == RC_OK)
		return true;
	if (rc != RC_DENIED) {
		resp_problem(rs, 503, "The store can't be reached just now.");
		resp_header(rs, "Retry-After", "2");
		return false;
	}
	resp_problem(rs, 401, "The operator's name and password are needed.");
	resp_header(rs, "WWW-Authenticate",
	    "Basic realm=\"Skycap\", charset=\"UTF-8\"");
	return false;
}

/* "1,234,567": numbers that people compare. */
static void
put_count(struct buf *out, const char *key, uint64_t v)
{
	char digits[24], s[32];
	int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
	int j = 0;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			s[j++] = ',';
		s[j++] = digits[i];
	}
	s[j] = '\0';
	record_put_string(out, key, slice_of(s));
}

static void
put_status(struct buf *out, const struct figures *f)
{
	const char *class = "ok", *shape = "●",
	    *words = "Events are taken and delivered.";

	if (!f->health.writable) {
		class = "bad";
		shape = "✕";
		words = "The disk is nearly full: events are refused with 503 "
		    "until there is room.";
	} else if (f->oldest_due_s > LATE_S) {
		class = "warn";
		shape = "◐";
		words = "Deliveries are late: see that the sweep runs and that "
		    "cron hits it.";
	}
	record_put_string(out, "status_class", slice_of(class));
	record_put_string(out, "status_shape", slice_of(shape));
	record_put_string(out, "status_words", slice_of(words));
}

/* What the count of pending ones says about their waiting. */
static void
put_due(struct buf *out, const struct figures *f)
{
	char words[96] = "none is due now";

	if (f->due > 0)
		snprintf(words, sizeof words, "%" PRIu64 " due now, the oldest "
		    "for %" PRId64 " s", f->due, f->oldest_due_s);
	record_put_string(out, "due", slice_of(words));
}

static void
put_model(struct buf *out, const struct app *app, const struct req *rq,
    const struct figures *f)
{
	char now[CLOCK_TEXT_MAX];

	clock_format(clock_now_ms(), now);
	buf_putc(out, '{');
	record_put_string(out, "title", SLICE("How the service stands"));
	record_put_string(out, "who", rq->basic_user);
	record_put_string(out, "now", slice_of(now));
	record_put_string(out, "style",
	    slice_of(app->service.conf.site_prefix));
	out->len--;		/* the quote: the path goes on */
	buf_puts(out, "/style.css\"");
	put_status(out, f);
	put_count(out, "pending", f->pending);
	put_due(out, f);
	put_count(out, "held", f->held);
	put_count(out, "paused", f->paused);
	put_count(out, "disabled", f->disabled);
	put_count(out, "delivered", f->delivered);
	put_count(out, "delivered_hour", f->delivered_hour);
	put_count(out, "retried", f->retried);
	put_count(out, "dead", f->dead);
	put_count(out, "dead_hour", f->dead_hour);
	put_count(out, "events", f->health.position);
	put_count(out, "clients", f->clients);
	put_count(out, "subscriptions", f->subscriptions);
	put_count(out, "store_mib", (uint64_t)f->health.store_bytes >> 20);
	put_count(out, "free_mib", (uint64_t)f->health.free_bytes >> 20);
	buf_putc(out, '}');
}

void
overview_page_show(void *arg, struct req *rq, struct resp *rs)
{
	struct app *app = arg;
	struct buf model = BUF_INIT(65536);
	struct figures f;

	if (!authorize(app, rq, rs))
		return;
	if (figures_read(app->service.store, app->service.rosters, &f) !=
	    RC_OK) {
		resp_problem(rs, 503, "The store can't be reached just now.");
		resp_header(rs, "Retry-After", "2");
		return;
	}
	put_model(&model, app, rq, &f);
	view_show(app->view, buf_as_slice(&model), rs);
	buf_free(&model);
}

void
overview_page_health(void *arg, struct req *rq, struct resp *rs)
{
	const struct app *app = arg;

	(void)rq;
	service_health(&app->service, rs);
}
