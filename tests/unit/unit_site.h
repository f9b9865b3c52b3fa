/*
 * unit_site - a store with one client, and a server for what it subscribes to,
 * for tests of a whole sweep.
 */
#ifndef UNIT_SITE_H
#define UNIT_SITE_H

#include "deliver/sweep_hold.h"
#include "work/nudge.h"
#include "unit_server.h"
#include "unit_shape.h"
#include "unit_store.h"

#define PATIENCE_MS	5000
#define EVENTS		200	/* accepted at once at most */

/* A store with one client, and a server for its subscriptions. */
struct site {
	struct place	 place;
	struct catalog	*catalog;
	struct store	*store;
	struct rosters	*rosters;
	struct config	 config;
	struct conf	 conf;
	struct server	 server;
	uint32_t	 client;
};

static inline int
set_up(void **state)
{
	static struct site s;
	struct buf why = BUF_INIT(1024);

	memset(&s, 0, sizeof s);
	place_make(&s.place);
	s.catalog = unit_catalog();
	s.store = place_open(&s.place, false);
	want_rc(rosters_new(&s.rosters, s.store, &s.place.crypt, s.catalog),
	    RC_OK, "rosters");
	s.config = (struct config){ s.store, &s.place.crypt, s.catalog };
	snprintf(s.conf.store_dir, sizeof s.conf.store_dir, "%s",
	    s.place.store);
	snprintf(s.conf.guard_allow, sizeof s.conf.guard_allow, "127.0.0.1");
	s.conf.sweep_slots = 32;
	s.conf.retention_held_days = 30;
	s.conf.limits_pending = 1000000;
	s.conf.mail_connections = 4;
	want_rc(client_add(&s.config, "Wander", "", true, NULL, 0, &s.client,
	    &why), RC_OK, "client: %s", buf_str(&why));
	buf_free(&why);
	*state = &s;
	return server_start(&s.server);
}

static inline int
tear_down(void **state)
{
	struct site *s = *state;

	server_stop(&s->server);
	rosters_free(s->rosters);
	store_close(s->store);
	catalog_free(s->catalog);
	place_remove(&s->place);
	return 0;
}

static inline uint32_t
subscribe(struct site *s, const char *path, const char *body,
    const char *settings)
{
	struct buf json = BUF_INIT(4096), why = BUF_INIT(1024);
	uint32_t number = 0;

	buf_printf(&json, "{\"name\":\"s\",\"event\":[\"*\"],\"httpRequest\":"
	    "{\"method\":\"POST\",\"url\":\"http://127.0.0.1:%u%s\","
	    "\"header\":{\"authorization\":\"Basic YourPassword\"},"
	    "\"jsonBody\":%s},\"settings\":%s}", s->server.port, path, body,
	    settings);
	want_rc(subscription_add(&s->config, s->client, buf_as_slice(&json),
	    NULL, 0, &number, &why), RC_OK, "%s", buf_str(&why));
	buf_free(&json);
	buf_free(&why);
	return number;
}

/* Accept n events for a subscription; the last one's position. */
static uint64_t
accept_events(struct site *s, uint32_t sub, size_t n)
{
	static struct store_accept a[EVENTS];
	uint64_t generation;

	assert_true(n <= EVENTS);
	want_rc(store_generation(s->store, &generation), RC_OK, "generation");
	for (size_t i = 0; i < n; i++)
		a[i] = (struct store_accept){
			.type = SLICE("OrderTicketed"),
			.order = SLICE("{\"agwID\":\"A1\",\"pnr\":\"P\"}"),
			.subscription = &sub,
			.nsubscription = 1,
			.generation = generation,
		};
	want_rc(store_accept(s->store, a, n), RC_OK, "accept");
	for (size_t i = 0; i < n; i++)
		want_rc(a[i].rc, RC_OK, "event %zu", i);
	return a[n - 1].position;
}

static inline struct sweep *
sweep(struct site *s)
{
	struct sweep_options o = { s->config, s->rosters, &s->conf };
	struct buf why = BUF_INIT(1024);
	struct sweep *sw;

	want_rc(sweep_new(&sw, &o, &why), RC_OK, "%s", buf_str(&why));
	buf_free(&why);
	return sw;
}

/* One run to its end; the report. */
static inline struct sweep_report
run(struct site *s)
{
	struct sweep *sw = sweep(s);
	struct sweep_report r;

	want_rc(sweep_run_until_idle(sw, PATIENCE_MS), RC_OK, "run");
	want_rc(sweep_report(sw, &r), RC_OK, "report");
	sweep_free(sw);
	return r;
}

#endif
