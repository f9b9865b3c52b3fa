/*
 * unit_work - a store with a catalogue and configuration, for tests of work.
 */
#ifndef TESTS_UNIT_WORK_H
#define TESTS_UNIT_WORK_H

#include "unit_shape.h"
#include "unit_store.h"
#include "work/config.h"

struct bench {
	struct place	 place;
	struct store	*st;
	struct catalog	*catalog;
	struct config	 config;
	struct rosters	*rosters;
	struct buf	 why;
};

static inline int
bench_make(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	place_make(&b->place);
	b->st = place_open(&b->place, false);
	b->catalog = unit_catalog();
	b->config = (struct config){ b->st, &b->place.crypt, b->catalog };
	b->why = (struct buf)BUF_INIT(65536);
	want_rc(rosters_new(&b->rosters, b->st, &b->place.crypt, b->catalog),
	    RC_OK, "rosters_new");
	*state = b;
	return 0;
}

static inline int
bench_remove(void **state)
{
	struct bench *b = *state;

	rosters_free(b->rosters);
	catalog_free(b->catalog);
	store_close(b->st);
	buf_free(&b->why);
	place_remove(&b->place);
	free(b);
	return 0;
}

/* The newest signing secret as its receiver needs it. */
static inline void
bench_secret(struct bench *b, uint32_t number, struct buf *text)
{
	struct buf raw = BUF_INIT(KEYRING_RAW_MAX);
	struct keyring k;

	buf_clear(&b->why);
	want_rc(subscription_secrets(&b->config, number, &raw, &k, &b->why),
	    RC_OK, "secrets of %u: %s", number, buf_str(&b->why));
	buf_clear(text);
	sign_key_put_receiver(k.key[0], text);
	buf_free(&raw);
}

/* A client with one scope rule, or with NULL one that sees all. */
static inline uint32_t
bench_client(struct bench *b, const char *scope)
{
	uint32_t number = 0;

	buf_clear(&b->why);
	want_rc(client_add(&b->config, "Wander", "", scope == NULL,
	    scope == NULL ? NULL : &scope, scope == NULL ? 0 : 1, &number,
	    &b->why), RC_OK, "client %s: %s", scope == NULL ? "" : scope,
	    buf_str(&b->why));
	return number;
}

#define UNIT_TASK "{\"event\":[\"OrderTicketed\"],\"httpRequest\":{"	\
	"\"url\":\"https://a.example/x\",\"jsonBody\":{\"id\":\"{{agwID}}\"}}}"

static inline uint32_t
bench_subscription(struct bench *b, uint32_t client, const char *task)
{
	uint32_t number = 0;

	buf_clear(&b->why);
	want_rc(subscription_add(&b->config, client, slice_of(task), NULL, 0,
	    &number, &b->why), RC_OK, "%s: %s", task, buf_str(&b->why));
	return number;
}

/* A key of a kind, appended to token; its number. */
static inline uint32_t
bench_key(struct bench *b, enum key_kind kind, uint32_t client,
    struct buf *token)
{
	uint32_t number = 0;

	buf_clear(&b->why);
	want_rc(apikey_add(&b->config, kind, client, "", &number, token,
	    &b->why), RC_OK, "%s", buf_str(&b->why));
	return number;
}

/* The present roster; released by the caller. */
static inline const struct roster *
bench_roster(struct rosters *rs)
{
	const struct roster *r = NULL;

	want_rc(rosters_get(rs, 0, true, &r), RC_OK, "rosters_get");
	return r;
}

/* The subscriptions that an order matches, as "1 4 7", in out. */
static inline const char *
bench_matches(const struct roster *r, const struct catalog *c,
    const char *event, const char *order, struct buf *out)
{
	const struct catalog_event *type = catalog_event_find(c,
	    slice_of(event));
	struct order o = ORDER_INIT;
	uint32_t *list = NULL;
	size_t cap = 0, n;

	assert_non_null(type);
	unit_order(&o, c, order);
	n = roster_match(r, type, &o, &list, &cap);
	buf_clear(out);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%u", i > 0 ? " " : "", list[i]);
	free(list);
	order_free(&o);
	return buf_str(out);
}

#endif
