#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/log.h"
#include "base/thread.h"
#include "deliver/mail_options.h"
#include "deliver/sweep_inner.h"

#define SPARE_FDS	64	/* descriptors that are not for endpoints */
#define SLOTS_MIN	2	/* as lanes_new wants it */
#define LANES_PAGE	256
#define BUDGET_MAX_MS	(INT64_C(365) * 86400000)	/* that is: no limit */

/*
 * Never more attempts at once than there are descriptors for: one each, kept
 * connections among them.  A process may raise its own limit up to a hard one.
 */
static uint32_t
slots(const struct conf *cf)
{
	rlim_t slots = cf->sweep_slots < SLOTS_MIN ? SLOTS_MIN :
	    (rlim_t)cf->sweep_slots, wanted = slots + SPARE_FDS, spare, n;
	struct rlimit rl, more;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (uint32_t)slots;
	if (rl.rlim_cur < wanted && rl.rlim_cur < rl.rlim_max) {
		more = rl;
		more.rlim_cur = wanted < rl.rlim_max ? wanted : rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			rl = more;
	}
	spare = rl.rlim_cur / 2 < SPARE_FDS ? rl.rlim_cur / 2 : SPARE_FDS;
	n = rl.rlim_cur - spare;
	if (n >= slots)
		return (uint32_t)slots;
	if (n < SLOTS_MIN)
		n = SLOTS_MIN;
	log_warn("[sweep] slots = %" PRId64 ", but only %ju remain: this "
	    "process may have %ju descriptors open (ulimit -n), and %ju of "
	    "them are for other things", cf->sweep_slots, (uintmax_t)n,
	    (uintmax_t)rl.rlim_cur, (uintmax_t)spare);
	return (uint32_t)n;
}

/*
 * Without [mail] url, and while it can't be used, what is to be mailed waits;
 * webhooks do not.
 */
static void
set_up_mail(struct sweep *s)
{
	struct buf password = BUF_INIT(MAIL_PASSWORD_MAX);
	struct buf why = BUF_INIT(1024);
	struct mail_options mo;
	enum rc rc;

	if (!mail_configured(&s->conf))
		return;
	rc = mail_options_read(&mo, &s->conf, &password, &why);
	if (rc == RC_OK)
		rc = mail_new(&s->mail, &mo, &why);
	if (rc != RC_OK)
		log_error("%s; all mail waits", buf_str(&why));
	buf_wipe(&password);
	buf_free(&why);
}

enum rc
sweep_new(struct sweep **out, const struct sweep_options *o, struct buf *why)
{
	struct sweep *s = calloc(1, sizeof *s);
	struct webhook_options wo = { .ca = o->conf->tls_ca };
	enum rc rc;

	if (s == NULL)
		log_fatal("out of memory");
	s->config = o->config;
	s->rosters = o->rosters;
	s->conf = *o->conf;
	s->slots = slots(o->conf);
	s->mail_connections = (uint32_t)o->conf->mail_connections;
	s->held = (struct sweeplock)SWEEPLOCK_INIT;
	atomic_init(&s->nudge, -1);
	pthread_mutex_init(&s->lock, NULL);
	thread_cond_init(&s->to_keeper);
	thread_cond_init(&s->resting);
	s->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->event == -1) {
		buf_printf(why, "eventfd: %s", strerror(errno));
		rc = RC_IO;
		goto done;
	}
	rc = guard_parse(&wo.guard, o->conf->guard_allow,
	    o->conf->guard_ports, why);
	if (rc == RC_TOOBIG)
		rc = RC_INVALID;
	if (rc != RC_OK)
		goto done;
	wo.connections = s->slots;
	rc = webhook_new(&s->webhook, &wo, why);
	if (rc == RC_OK)
		set_up_mail(s);
done:
	if (rc != RC_OK) {
		sweep_free(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

void
sweep_free(struct sweep *s)
{
	if (s == NULL)
		return;
	sweep_stop(s);
	while (s->loop_box.first != NULL) {
		struct note *n = s->loop_box.first;

		s->loop_box.first = n->next;
		free(n);
	}
	roster_release(s->loop_box.roster);
	free(s->keeper_box.wish);
	webhook_free(s->webhook);
	mail_free(s->mail);
	sweeplock_release(&s->held);
	if (s->event != -1)
		close(s->event);
	pthread_cond_destroy(&s->to_keeper);
	pthread_cond_destroy(&s->resting);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static enum rc
start_threads(struct sweep *s)
{
	int err;

	atomic_store(&s->tick_ms, clock_mono_ms());
	err = thread_start(&s->loop, loop_main, s);
	if (err == 0) {
		err = thread_start(&s->keeper, keeper_main, s);
		if (err != 0) {
			sweep_stopping(s);
			pthread_join(s->loop, NULL);
		}
	}
	if (err != 0) {
		log_error("no thread for the sweep: %s", strerror(err));
		return RC_IO;
	}
	s->started = true;
	return RC_OK;
}

enum rc
sweep_start(struct sweep *s)
{
	return start_threads(s);
}

void
sweep_stopping(struct sweep *s)
{
	pthread_mutex_lock(&s->lock);
	atomic_fetch_add(&s->stops, 1);
	atomic_store(&s->stopping, true);
	pthread_cond_broadcast(&s->to_keeper);
	pthread_cond_broadcast(&s->resting);
	pthread_mutex_unlock(&s->lock);
	loop_poke(s);
}

void
sweep_stop(struct sweep *s)
{
	if (!s->started)
		return;
	sweep_stopping(s);
	pthread_join(s->loop, NULL);
	pthread_join(s->keeper, NULL);
	s->started = false;
}

enum rc
sweep_run_until_idle(struct sweep *s, int64_t budget_ms)
{
	int64_t until = clock_mono_ms() +
	    (budget_ms < BUDGET_MAX_MS ? budget_ms : BUDGET_MAX_MS);
	struct timespec ts = { .tv_sec = until / 1000,
		.tv_nsec = until % 1000 * 1000000 };
	struct buf why = BUF_INIT(512);
	int err = 0;
	enum rc rc;

	rc = sweeplock_take(&s->held, s->conf.store_dir, &why);
	s->refused = rc == RC_EXISTS;
	s->one_shot = true;
	if (rc == RC_IO)
		log_error("sweep: %s", buf_str(&why));
	buf_free(&why);
	if (rc == RC_OK)
		rc = start_threads(s);
	if (rc != RC_OK)
		return rc;
	pthread_mutex_lock(&s->lock);
	while (!s->rests && !atomic_load(&s->stopping) && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&s->resting, &s->lock, &ts);
	s->patient = !atomic_load(&s->stopping);
	pthread_mutex_unlock(&s->lock);
	sweep_stop(s);
	return store_maintain(s->config.store) == RC_IO ? RC_IO : RC_OK;
}

void
sweep_look(struct sweep *s)
{
	pthread_mutex_lock(&s->lock);
	s->keeper_box.look = true;
	pthread_cond_signal(&s->to_keeper);
	pthread_mutex_unlock(&s->lock);
}

static bool
busy(const struct sweep *s)
{
	return s->refused || (s->started && !atomic_load(&s->holding));
}

/* What waits, lane by lane; held follows from the subscription's state. */
static enum rc
count(struct sweep *s, struct sweep_report *r)
{
	struct store_lane lane[LANES_PAGE];
	const struct roster *ro;
	int64_t now = clock_now_ms(), oldest = now;
	uint32_t after = 0;
	size_t n = LANES_PAGE;
	enum rc rc;

	rc = rosters_get(s->rosters, 0, true, &ro);
	if (rc != RC_OK)
		return rc;
	while (n == LANES_PAGE) {
		rc = store_lanes(s->config.store, after, now, lane,
		    LANES_PAGE, &n);
		if (rc != RC_OK)
			break;
		for (size_t i = 0; i < n; i++) {
			const struct subscription *sub =
			    roster_subscription(ro, lane[i].lane);

			after = lane[i].lane;
			if (sub != NULL &&
			    subscription_state(sub) != SUBSCRIPTION_ACTIVE) {
				r->held += lane[i].pending;
				continue;
			}
			r->pending += lane[i].pending;
			if (lane[i].oldest_ms < oldest)
				oldest = lane[i].oldest_ms;
		}
	}
	r->oldest_due_s = (now - oldest) / 1000;
	roster_release(ro);
	return rc;
}

enum rc
sweep_report(struct sweep *s, struct sweep_report *r)
{
	struct sweeplock_holder h;
	uint64_t delivered, retrying, dead;
	enum rc rc;

	*r = (struct sweep_report){ .busy = busy(s) };
	rc = count(s, r);
	if (rc != RC_OK) {
		*r = (struct sweep_report){ .busy = r->busy };
		return rc;
	}
	if (r->busy) {
		if (sweeplock_read(s->conf.store_dir, &h) == RC_OK) {
			r->delivered = h.delivered;
			r->retrying = h.retrying;
			r->dead = h.dead;
		}
		return RC_OK;
	}
	pthread_mutex_lock(&s->lock);
	delivered = atomic_load(&s->delivered);
	retrying = atomic_load(&s->retried);
	dead = atomic_load(&s->dead);
	r->delivered = delivered - s->told.delivered;
	r->retrying = retrying - s->told.retrying;
	r->dead = dead - s->told.dead;
	s->told.delivered = delivered;
	s->told.retrying = retrying;
	s->told.dead = dead;
	pthread_mutex_unlock(&s->lock);
	return RC_OK;
}

void
sweep_report_print(const struct sweep_report *r, struct buf *out)
{
	buf_printf(out, "{\"delivered\":%" PRIu64 ",\"retrying\":%" PRIu64
	    ",\"dead\":%" PRIu64 ",\"pending\":%" PRIu64 ",\"held\":%" PRIu64
	    ",\"oldest_due_s\":%" PRId64 ",\"took_ms\":%" PRId64
	    ",\"busy\":%s}", r->delivered, r->retrying, r->dead, r->pending,
	    r->held, r->oldest_due_s, r->took_ms,
	    r->busy ? "true" : "false");
}

enum rc
sweep_metrics(struct sweep *s, struct buf *out)
{
	struct sweep_report r = { .busy = busy(s) };
	enum rc rc = count(s, &r);
	const struct {
		const char	*name, *type, *help;
		uint64_t	 v;
	} m[] = {
		{ "skycap_delivered_total", "counter",
		    "Deliveries that arrived.", atomic_load(&s->delivered) },
		{ "skycap_retried_total", "counter",
		    "Attempts that failed and will be made again.",
		    atomic_load(&s->retried) },
		{ "skycap_dead_total", "counter", "Deliveries given up.",
		    atomic_load(&s->dead) },
		{ "skycap_pending", "gauge",
		    "Deliveries that wait, without those held.", r.pending },
		{ "skycap_held", "gauge", "Deliveries of subscriptions that "
		    "are paused or disabled.", r.held },
		{ "skycap_oldest_due_seconds", "gauge",
		    "How long the earliest has been due.",
		    (uint64_t)r.oldest_due_s },
		{ "skycap_in_flight", "gauge", "Attempts under way.",
		    atomic_load(&s->in_flight) },
		{ "skycap_slots", "gauge", "Attempts at once at most.",
		    s->slots },
		{ "skycap_sweep_busy", "gauge",
		    "1 while another process sweeps this store.", r.busy },
	};

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < NELEM(m); i++)
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64
		    "\n", m[i].name, m[i].help, m[i].name, m[i].type,
		    m[i].name, m[i].v);
	return RC_OK;
}
