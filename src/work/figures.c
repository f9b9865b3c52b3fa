#include "base/clock.h"
#include "work/figures.h"
#include "work/record_json.h"

#define PAGE	256
#define HOUR_MS	3600000

static enum rc
read_lanes(struct store *st, const struct roster *r, int64_t now,
    struct figures *f)
{
	struct store_lane lane[PAGE];
	uint32_t after = 0;
	size_t n = PAGE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && n == PAGE) {
		rc = store_lanes(st, after, now, lane, PAGE, &n);
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			const struct subscription *s =
			    roster_subscription(r, lane[i].lane);
			int64_t late = (now - lane[i].oldest_ms) / 1000;

			after = lane[i].lane;
			if (s != NULL &&
			    subscription_state(s) != SUBSCRIPTION_ACTIVE) {
				f->held += lane[i].pending;
				continue;
			}
			f->pending += lane[i].pending;
			f->due += lane[i].due;
			if (lane[i].due > 0 && late > f->oldest_due_s)
				f->oldest_due_s = late;
		}
	}
	return rc;
}

static enum rc
read_hours(struct store *st, int64_t now, struct figures *f)
{
	struct store_hour h[PAGE], *after = NULL, last;
	size_t n = PAGE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && n == PAGE) {
		rc = store_hours(st, 0, 0, after, h, PAGE, &n);
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			f->delivered += h[i].delivered;
			f->retried += h[i].retried;
			f->dead += h[i].dead;
			f->test_delivered += h[i].test_delivered;
			f->test_retried += h[i].test_retried;
			f->test_dead += h[i].test_dead;
			if (h[i].hour_ms < now - now % HOUR_MS)
				continue;
			f->delivered_hour += h[i].delivered;
			f->dead_hour += h[i].dead;
		}
		if (n > 0) {
			last = h[n - 1];
			after = &last;
		}
	}
	return rc;
}

enum rc
figures_read(struct store *st, struct rosters *rs, struct figures *f)
{
	const struct subscription *s;
	const struct roster *r;
	int64_t now = clock_now_ms();
	enum rc rc;

	memset(f, 0, sizeof *f);
	rc = rosters_get(rs, 0, true, &r);
	if (rc != RC_OK)
		return rc;
	while (roster_client_at(r, f->clients) != NULL)
		f->clients++;
	for (; (s = roster_subscription_at(r, f->subscriptions)) != NULL;
	    f->subscriptions++) {
		enum subscription_state state = subscription_state(s);

		f->paused += state == SUBSCRIPTION_PAUSED;
		f->disabled += state == SUBSCRIPTION_DISABLED;
	}
	rc = store_condition(st, &f->health);
	if (rc == RC_OK)
		rc = read_lanes(st, r, now, f);
	if (rc == RC_OK)
		rc = read_hours(st, now, f);
	roster_release(r);
	return rc;
}

void
figures_print(const struct figures *f, struct buf *out)
{
	const struct { const char *name; int64_t v; } t[] = {
		{ "events", (int64_t)f->health.position },
		{ "pending", (int64_t)f->pending },
		{ "held", (int64_t)f->held },
		{ "due", (int64_t)f->due },
		{ "oldest_due_s", f->oldest_due_s },
		{ "delivered", (int64_t)f->delivered },
		{ "retried", (int64_t)f->retried },
		{ "dead", (int64_t)f->dead },
		{ "delivered_hour", (int64_t)f->delivered_hour },
		{ "dead_hour", (int64_t)f->dead_hour },
		{ "clients", (int64_t)f->clients },
		{ "subscriptions", (int64_t)f->subscriptions },
		{ "paused", (int64_t)f->paused },
		{ "disabled", (int64_t)f->disabled },
		{ "store_bytes", f->health.store_bytes },
		{ "free_bytes", f->health.free_bytes },
		{ "recoveries", (int64_t)f->health.recoveries },
		{ "test_delivered", (int64_t)f->test_delivered },
		{ "test_retried", (int64_t)f->test_retried },
		{ "test_dead", (int64_t)f->test_dead },
	};

	buf_putc(out, '{');
	record_put_bool(out, "writable", f->health.writable);
	for (size_t i = 0; i < NELEM(t); i++)
		record_put_int(out, t[i].name, t[i].v);
	buf_putc(out, '}');
}
