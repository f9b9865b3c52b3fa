#include "base/log.h"
#include "deliver/sweep_keeper.h"
#include "work/operational.h"

#define MAIL_FAILURES	5	/* of its server in a row: no hiccup */
#define MAIL_DAY_MS	INT64_C(86400000)

_Static_assert(NOTICE_FAILURES == LANE_FAILURES,
    "a lane that probes is one that fails");

/*
 * How lanes fare, the service's own events about it, and when that is enough.
 * The store counts failures as it settles them; the stage that was made known
 * stands beside that count, so that another process neither forgets it nor
 * tells it twice.  A lane is judged whenever it fails: where nothing is sent,
 * no time passes.
 */

static const struct subscription *
subscription(const struct keeper *k, uint32_t lane)
{
	return k->roster == NULL ? NULL : roster_subscription(k->roster, lane);
}

/* When what fails in a row began to count; 0: it does not. */
static int64_t
since_ms(const struct keeper *k, uint32_t lane, const struct store_health *h)
{
	return notice_since_ms(h, subscription(k, lane));
}

/*
 * The delivery that has failed longest: while any is pending, the one to probe
 * with; else what has died of it last.
 */
static struct store_key
oldest(const struct keeper *k, uint32_t lane, const struct store_health *h)
{
	const struct store_query q = { .subscription = lane,
	    .state = STORE_IS_DEAD, .since_ms = h->first_failure_ms };
	char cursor[STORE_CURSOR_MAX] = "";
	struct store_delivery d;
	size_t n;

	if (h->probe.due_ms != 0)
		return h->probe.key;
	if (store_deliveries(k->s->config.store, &q, cursor, &d, 1, &n) !=
	    RC_OK || n == 0)
		return (struct store_key){ .position = 0 };
	return d.key;
}

/* False: not now. */
static bool
post(struct keeper *k, struct operational_ask *ask, bool *any)
{
	enum rc rc;

	*any = false;
	ask->now_ms = clock_now_ms();
	ask->since_ms = since_ms(k, ask->subscription, &ask->health);
	ask->conf = &k->s->conf;
	rc = operational_post(&k->s->config, k->s->rosters, ask, any);
	if (rc == RC_OK && *any)
		k->look = true;		/* it is to be delivered, too */
	return rc == RC_OK || rc == RC_TOOBIG;
}

/* That mails of the service's own fail can't be told by mail. */
static void
log_notices(const char *what)
{
	log_warn("mails about subscriptions: %s", what);
}

static bool
tell(struct keeper *k, uint32_t lane, enum operational what,
    const struct store_health *h, const char *word, bool *any)
{
	struct operational_ask ask = { .what = what, .subscription = lane,
	    .health = *h, .reason = word };

	*any = true;
	if (lane != NOTICE_LANE)
		return post(k, &ask, any);
	log_notices(what == OPERATIONAL_RECOVERED ? "they go out again" :
	    "they fail; skycap deliveries --subscription " NOTICE_NAME);
	return true;
}

static bool
warn(struct keeper *k, uint32_t lane, enum notice_stage stage,
    const struct store_health *h, const char *word)
{
	struct operational_ask ask = { .what = OPERATIONAL_WARNING,
	    .subscription = lane, .health = *h, .reason = word,
	    .stage = stage, .oldest = oldest(k, lane, h) };
	bool any;

	return post(k, &ask, &any);
}

/* Keep in mind what was told; else the next attempt of its lane asks again. */
static void
keep_told(struct keeper *k, uint32_t lane, struct store_health *h,
    enum notice_stage told)
{
	int64_t now_ms = clock_now_ms();

	if (store_health_told(k->s->config.store, lane, told, now_ms) !=
	    RC_OK)
		return;
	h->told = told;
	h->told_ms = now_ms;
}

static void
probe(struct keeper *k, uint32_t lane, const struct store_health *h)
{
	if (h->probe.due_ms == 0)
		return;			/* the lane goes by what it knows */
	hold_probe(k->hold, lane, &h->probe);
	keeper_post(k, (struct note){ .kind = NOTE_PROBE, .lane = lane,
	    .due_ms = h->probe.due_ms });
}

/*
 * Tell what is due now, not what was due while nobody looked.  A failing that
 * nobody wants to hear of is not worth a write, and may find somebody; of a
 * warning is written down that it was due, so that it is logged but once.
 */
static void
judge(struct keeper *k, uint32_t lane, const char *word,
    struct store_health *h)
{
	const struct subscription *s = subscription(k, lane);
	int64_t since = since_ms(k, lane, h);
	enum notice_stage told = h->told_ms < since ? NOTICE_NOTHING :
	    (enum notice_stage)h->told;
	enum notice_stage stage = notice_stage(h, since);
	bool any = true;

	if (s == NULL || subscription_state(s) != SUBSCRIPTION_ACTIVE)
		return;
	if (lane == NOTICE_LANE && stage > NOTICE_FAILING)
		stage = NOTICE_FAILING;
	if (stage == NOTICE_DISABLE) {
		keeper_doom(k, lane, s->version, "failing");
		return;
	}
	if (stage <= told)
		return;
	if (told < NOTICE_FAILING &&
	    !tell(k, lane, OPERATIONAL_FAILING, h, word, &any))
		return;
	if (stage > NOTICE_FAILING ? warn(k, lane, stage, h, word) : any)
		keep_told(k, lane, h, stage);
}

void
keeper_probe(struct keeper *k, uint32_t lane)
{
	struct store_health h;

	if (store_health_get(k->s->config.store, lane, &h) == RC_OK)
		probe(k, lane, &h);
}

void
keeper_failed(struct keeper *k, uint32_t lane, const char *word)
{
	struct store_health h;

	if (store_health_get(k->s->config.store, lane, &h) != RC_OK)
		return;
	probe(k, lane, &h);
	judge(k, lane, word, &h);
	hold_note(k->hold, lane, &h);
}

void
keeper_succeeded(struct keeper *k, uint32_t lane)
{
	const struct store_health *noted = hold_noted(k->hold, lane);
	struct store_health h;
	bool any;

	if (noted == NULL)
		return;
	h = *noted;
	if (h.told != NOTICE_NOTHING) {
		if (!tell(k, lane, OPERATIONAL_RECOVERED, &h, "", &any))
			return;
		keep_told(k, lane, &h, NOTICE_NOTHING);
	}
	if (h.told == NOTICE_NOTHING)
		hold_note(k->hold, lane, NULL);
}

/*
 * When it probes next: as the row to probe with is due, but at least every
 * LANE_PROBE_MS, and this process is not the first to wait for that.  Where all
 * that failed is dead, it is another one's turn.
 */
static int64_t
probe_ms(const struct store_health *h)
{
	int64_t latest = h->last_failure_ms + LANE_PROBE_MS;

	if (h->probe.due_ms == 0)
		return h->last_failure_ms + LANE_PROBE_MIN_MS;
	return h->probe.due_ms < latest ? h->probe.due_ms : latest;
}

static bool
is_mail(const struct keeper *k, uint32_t lane)
{
	const struct subscription *s = subscription(k, lane);
	const struct task *t = s == NULL ? NULL : subscription_task(s);

	return t != NULL && task_channel(t) == TASK_MAIL;
}

bool
keeper_meet(struct keeper *k, uint32_t lane, int64_t *next_ms)
{
	struct store_health h;

	if (hold_met(k->hold, lane))
		return true;
	if (store_health_get(k->s->config.store, lane, &h) != RC_OK) {
		*next_ms = clock_now_ms() + AGAIN_MS;
		return false;
	}
	hold_meet(k->hold, lane);
	if (h.failures > 0 || h.told != NOTICE_NOTHING)
		hold_note(k->hold, lane, &h);
	if (h.failures == 0) {
		keeper_succeeded(k, lane);	/* and was told of by nobody */
		return true;
	}
	if (is_mail(k, lane))
		return true;		/* what failed are its recipients */
	if (h.probe.due_ms != 0)
		hold_probe(k->hold, lane, &h.probe);
	keeper_post(k, (struct note){ .kind = NOTE_FAILED, .lane = lane,
	    .failures = h.failures, .due_ms = probe_ms(&h) });
	*next_ms = clock_now_ms();
	return h.failures < LANE_FAILURES;
}

enum rc
keeper_tell_disabled(struct keeper *k, uint32_t lane, const char *reason)
{
	struct operational_ask ask = { .what = OPERATIONAL_DISABLED,
	    .subscription = lane, .reason = reason };
	bool any;

	if (store_health_get(k->s->config.store, lane, &ask.health) != RC_OK)
		return RC_RETRY;
	/* it may have succeeded since that was decided, or been mended */
	if (strcmp(reason, "failing") == 0 && notice_stage(&ask.health,
	    since_ms(k, lane, &ask.health)) != NOTICE_DISABLE)
		return RC_NOTFOUND;
	ask.oldest = oldest(k, lane, &ask.health);
	return post(k, &ask, &any) ? RC_OK : RC_RETRY;
}

/*
 * A run ends before the server has failed often: it speaks at the first
 * failure, and as of the day, so that one hit of cron after another tells it
 * once a day.
 */
static bool
mail_fails(struct keeper *k, struct mail_fault *f)
{
	uint32_t n = atomic_load(&k->s->mail_failures);

	pthread_mutex_lock(&k->s->lock);
	*f = k->s->mail_fault;
	pthread_mutex_unlock(&k->s->lock);
	if (k->s->one_shot)
		f->since_ms -= f->since_ms % MAIL_DAY_MS;
	return n >= (k->s->one_shot ? 1 : MAIL_FAILURES);
}

void
keeper_mail(struct keeper *k)
{
	struct mail_fault f;
	bool fails = mail_fails(k, &f), any;
	struct operational_mail_ask ask = {
		.what = fails ? OPERATIONAL_MAIL_FAILING :
		    OPERATIONAL_MAIL_RECOVERED,
		.url = k->s->conf.mail_url,
		.since_ms = k->mail_since_ms,
		.waiting = -1,
		.now_ms = clock_now_ms(),
	};

	if (fails == (k->mail_since_ms != 0) ||
	    (!fails && atomic_load(&k->s->mail_failures) > 0))
		return;
	if (fails) {
		ask.since_ms = f.since_ms;
		ask.word = f.word;
		ask.sentence = f.sentence;
	}
	if (operational_mail_post(&k->s->config, k->s->rosters, &ask, &any) !=
	    RC_OK)
		return;			/* again at the next beat */
	k->mail_since_ms = fails ? f.since_ms : 0;
	if (any)
		k->look = true;
}
