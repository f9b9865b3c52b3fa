#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "deliver/retry.h"
#include "deliver/sweep_keeper.h"
#include "work/nudge.h"

#define SETTLE_LATE_MS	50	/* ...or that, while there is much to claim */
#define LOOK_MS		30000
#define LOOK_SOON_MS	250	/* between looks that nudges ask for */
#define BEAT_MS		2000
#define LOOP_DEAD_MS	30000	/* no heartbeat for a loop that hangs */
#define LOCK_MS		500	/* between tries to become the sweep */
#define LAST_MS		1500	/* to settle the last outcomes in */
#define HEADS		256
#define CHANGES		64	/* read at once */

void
keeper_post(struct keeper *k, struct note n)
{
	struct note *copy = malloc(sizeof *copy);

	if (copy == NULL)
		log_fatal("out of memory");
	*copy = n;
	loop_post(k->s, copy);
}

/*
 * Rows that another process gave up since a generation are not to be sent
 * though they were fetched, and others were put in front of them: their lanes
 * fetch anew.
 */
static enum rc
let_go(struct keeper *k, uint64_t since)
{
	struct store_change c[CHANGES];
	size_t n = CHANGES;
	enum rc rc = RC_OK;

	while (rc == RC_OK && n == CHANGES) {
		rc = store_changes(k->s->config.store, since, c, CHANGES, &n);
		for (size_t i = 0; i < n && rc == RC_OK; i++) {
			since = c[i].generation;
			if (c[i].kind != STORE_LANE)
				continue;
			keeper_post(k, (struct note){ .kind = NOTE_LET_GO,
			    .lane = c[i].number });
			keeper_probe(k, c[i].number);
		}
	}
	if (rc != RC_NOTFOUND)
		return rc;
	keeper_post(k, (struct note){ .kind = NOTE_LET_GO });	/* all */
	return RC_OK;
}

/*
 * See whether the configuration has changed, and pass it on before it is said
 * that it was looked at.
 */
static enum rc
check(struct keeper *k)
{
	struct sweep *s = k->s;
	const struct roster *r = NULL, *theirs = NULL;
	int64_t at = clock_mono_ms();
	bool late;
	enum rc rc;

	rc = rosters_get(s->rosters, 0, true, &r);
	if (rc != RC_OK)
		return rc;
	if (k->roster == NULL ||
	    roster_generation(r) != roster_generation(k->roster)) {
		rc = rosters_get(s->rosters, roster_generation(r), false,
		    &theirs);
		if (rc == RC_OK && k->roster != NULL)
			rc = let_go(k, roster_generation(k->roster));
		if (rc != RC_OK) {
			roster_release(theirs);
			roster_release(r);
			return rc;
		}
	}
	pthread_mutex_lock(&s->lock);
	late = at - s->loop_box.sure_ms > SWEEP_SURE_MS / 2;
	s->loop_box.sure_ms = at;
	if (theirs != NULL) {
		roster_release(s->loop_box.roster);
		s->loop_box.roster = theirs;
	}
	pthread_mutex_unlock(&s->lock);
	if (theirs != NULL || late)
		loop_poke(s);
	roster_release(k->roster);
	k->roster = r;
	k->check_ms = at + SWEEP_CHECK_MS;
	return RC_OK;
}

static const struct task_settings *
settings(const struct keeper *k, uint32_t lane)
{
	const struct subscription *sub = k->roster == NULL ? NULL :
	    roster_subscription(k->roster, lane);
	const struct task *t = sub == NULL ? NULL : subscription_task(sub);

	return t == NULL ? NULL : task_settings(t);
}

/* A due time that no schedule could have set means now. */
static int64_t
sane(struct keeper *k, uint32_t lane, int64_t due_ms)
{
	int64_t now = clock_now_ms();

	if (due_ms == INT64_MAX ||
	    !retry_too_far(settings(k, lane), due_ms, now)) {
		hold_near(k->hold, lane);
		return due_ms;
	}
	hold_far(k->hold, lane);
	return now;
}

/*
 * Of what was claimed, the rows of a subscription that is no more (sub NULL)
 * or that were dropped when it was resumed: these are settled, the rest stays.
 */
static void
bury(struct keeper *k, const struct subscription *sub, struct lane_rows *rows)
{
	struct lane_rows left = { NULL, NULL, 0 };

	while (rows->n > 0) {
		struct parcel *p = parcel_of(lane_rows_shift(rows));

		if (sub != NULL && !held_dropped(sub, &p->due)) {
			lane_rows_add(&left, &p->row);
			continue;
		}
		store_event_clear(&p->event);
		p->settle = (struct store_settle){
			.due = p->due,
			.outcome = STORE_DEAD,
			.attempts = p->due.attempts,
			.now_ms = clock_now_ms(),
			.reason = "given-up",
		};
		p->bare = true;
		atomic_fetch_add(&k->s->unsettled, 1);
		if (k->done.n == 0)
			k->done_ms = clock_mono_ms();
		lane_rows_add(&k->done, &p->row);
	}
	*rows = left;
}

/*
 * A subscription that the roster lacks is removed only if a roster read after
 * its rows lacks it too: the rows may be those of a new one.
 */
static bool
removed(struct keeper *k, uint32_t lane)
{
	return roster_subscription(k->roster, lane) == NULL &&
	    check(k) == RC_OK && roster_subscription(k->roster, lane) == NULL;
}

static void
claim(struct keeper *k, const struct lane_wish *w)
{
	struct lane_rows rows = { NULL, NULL, 0 };
	int64_t next = clock_now_ms() + AGAIN_MS;
	enum rc rc = RC_RETRY;

	if (keeper_meet(k, w->number, &next) &&
	    k->done.n < HOLD_DONE_MAX && k->roster != NULL)
		rc = hold_claim(k->hold, w, &rows, &next);
	if (rc == RC_OK)
		next = sane(k, w->number, next);
	else
		hold_wish(k->hold, w);
	if (rows.n > 0) {
		bool gone = removed(k, w->number);
		const struct subscription *sub = roster_subscription(
		    k->roster, w->number);

		if (sub != NULL || gone)
			bury(k, sub, &rows);
		else {
			hold_release(k->hold, &rows);	/* can't tell now */
			next = clock_now_ms() + AGAIN_MS;
		}
	}
	keeper_post(k, (struct note){ .kind = NOTE_ROWS, .lane = w->number,
	    .rows = rows, .due_ms = next });
}

/* Is there anything of a lane that should die where it lies? */
static void
consider(struct keeper *k, uint32_t lane, int64_t due_ms)
{
	const struct subscription *sub = k->roster == NULL ? NULL :
	    roster_subscription(k->roster, lane);

	if (sub == NULL) {
		if (k->roster != NULL && removed(k, lane))
			keeper_bury(k, lane);
		return;
	}
	if (subscription_state(sub) != SUBSCRIPTION_ACTIVE ||
	    subscription_drop_upto(sub) > 0 ||
	    due_ms < clock_now_ms() - RETRY_DEADLINE_MS)
		keeper_bury(k, lane);
}

/*
 * Every lane's earliest row.  A whole look also goes back over rows that were
 * read past; one that lost nudges asked for only finds what lies ahead, since
 * under load it comes several times a second.
 */
static void
look(struct keeper *k, bool whole)
{
	struct store_head head[HEADS];
	uint32_t after = 0;
	size_t n = HEADS;
	int64_t now = clock_now_ms(), soon;

	keeper_expand(k);
	while (n == HEADS) {
		if (store_heads(k->s->config.store, after, head, HEADS, &n) !=
		    RC_OK) {
			k->look_ms = clock_mono_ms() + AGAIN_MS;
			return;
		}
		for (size_t i = 0; i < n; i++) {
			uint32_t lane = head[i].lane;
			int64_t due = sane(k, lane, head[i].due_ms);

			after = lane;
			/* one that probes may do so before its first is due */
			(void)keeper_meet(k, lane, &soon);
			if (whole) {
				hold_rewind(k->hold, lane, head[i].due_ms);
				consider(k, lane, head[i].due_ms);
			} else if (hold_some(k->hold, lane))
				due = now;
			keeper_post(k, (struct note){ .kind = NOTE_DUE,
			    .lane = lane, .due_ms = due });
		}
	}
	k->look = false;
	keeper_post(k, (struct note){ .kind = NOTE_LOOKED });
	k->soon_ms = clock_mono_ms() + LOOK_SOON_MS;
	if (whole)
		k->look_ms = clock_mono_ms() + LOOK_MS;
}

static void
beat(struct keeper *k, int64_t now)
{
	struct sweep *s = k->s;

	k->beat_ms = now + BEAT_MS;
	if (now - atomic_load(&s->tick_ms) < LOOP_DEAD_MS)
		sweeplock_beat(&s->held, atomic_load(&s->delivered),
		    atomic_load(&s->retried), atomic_load(&s->dead));
	keeper_mail(k);
}

bool
keeper_settles_now(const struct keeper *k, int64_t now)
{
	if (k->done.n == 0 || now < k->settle_ms)
		return false;
	return k->done.n >= SWEEP_SETTLE || k->idle ||
	    now - k->done_ms >= SETTLE_MS;
}

/* When there is next something to do, if no mail comes. */
static int64_t
next_ms(const struct keeper *k)
{
	int64_t t = k->check_ms, due;

	if (k->done.n > 0) {
		due = k->idle || k->done.n >= SWEEP_SETTLE ? 0 :
		    k->done_ms + SETTLE_MS;
		if (due < k->settle_ms)
			due = k->settle_ms;
		t = due < t ? due : t;
	}
	if (k->look && k->soon_ms < t)
		t = k->soon_ms;
	if (keeper_chores_wait(k) && k->chores.again_ms < t)
		t = k->chores.again_ms;
	t = k->timers.at_ms < t ? k->timers.at_ms : t;
	t = k->look_ms < t ? k->look_ms : t;
	return k->beat_ms < t ? k->beat_ms : t;
}

static void
wait_until(struct sweep *s, int64_t mono_ms)
{
	struct timespec ts = {
		.tv_sec = mono_ms / 1000,
		.tv_nsec = mono_ms % 1000 * 1000000,
	};

	(void)pthread_cond_timedwait(&s->to_keeper, &s->lock, &ts);
}

/* There is mail that can't wait.  Called with the lock. */
static bool
urgent(const struct keeper *k)
{
	const struct keeper_box *box = &k->s->keeper_box;

	if (box->n > 0 || box->look || box->expand || box->quit != k->quit)
		return true;
	return box->done.n > 0 && clock_mono_ms() >= k->settle_ms &&
	    (box->idle || k->done.n + box->done.n >= SWEEP_SETTLE);
}

/* Wait for mail or the time; what came is the keeper's. */
static void
take_mail(struct keeper *k, struct keeper_box *mail)
{
	struct sweep *s = k->s;
	struct keeper_box *box = &s->keeper_box;
	int64_t until = next_ms(k);

	pthread_mutex_lock(&s->lock);
	while (!urgent(k) && clock_mono_ms() < until) {
		if (box->done.n > 0 && k->done.n == 0 &&
		    clock_mono_ms() + SETTLE_MS < until)
			until = clock_mono_ms() + SETTLE_MS;
		wait_until(s, until);
	}
	mail->n = 0;
	if (box->n > 0) {
		struct lane_wish *mine = mail->wish;
		size_t cap = mail->cap;

		mail->wish = box->wish;
		mail->n = box->n;
		mail->cap = box->cap;
		box->wish = mine;
		box->cap = cap;
		box->n = 0;
	}
	mail->done = box->done;
	box->done = (struct lane_rows){ NULL, NULL, 0 };
	k->idle = box->idle;
	k->look = k->look || box->look;
	if (box->expand)
		keeper_expand(k);
	box->look = box->expand = false;
	k->quit = box->quit;
	pthread_mutex_unlock(&s->lock);
}

static void
sort_done(struct keeper *k, struct lane_rows *came)
{
	while (came->n > 0) {
		struct parcel *p = parcel_of(lane_rows_shift(came));

		if (p->release) {
			hold_unread(k->hold, &p->due);
			hold_drop(k->hold, p);
			continue;
		}
		if (k->done.n == 0)
			k->done_ms = clock_mono_ms();
		lane_rows_add(&k->done, &p->row);
	}
}

static void
round_once(struct keeper *k, struct keeper_box *mail)
{
	int64_t now;

	take_mail(k, mail);
	sort_done(k, &mail->done);
	if (mail->n > 0 || clock_mono_ms() >= k->check_ms)
		if (check(k) != RC_OK)
			k->check_ms = clock_mono_ms() + AGAIN_MS;
	for (size_t i = 0; i < mail->n; i++) {
		/* claims first: the loop goes on while outcomes are synced */
		claim(k, &mail->wish[i]);
		now = clock_mono_ms();
		if (now >= k->beat_ms)
			beat(k, now);
		if (now - k->done_ms >= SETTLE_LATE_MS &&
		    keeper_settles_now(k, now))
			keeper_settle(k);
		if (now >= k->check_ms && check(k) != RC_OK)
			k->check_ms = now + AGAIN_MS;
	}
	now = clock_mono_ms();
	if (keeper_settles_now(k, now))
		keeper_settle(k);
	if (k->ndoomed > 0)
		keeper_disable(k);
	if (now >= k->look_ms)
		look(k, true);
	else if (k->look && now >= k->soon_ms)
		look(k, false);
	if (keeper_chores_wait(k) && now >= k->chores.again_ms)
		keeper_chore(k);
	if (now >= k->timers.at_ms)
		keeper_timers_step(k);
	if (now >= k->beat_ms)
		beat(k, now);
}

/* Wait for the lock of the store.  False: told to stop first. */
static bool
become_sweep(struct sweep *s)
{
	struct buf why = BUF_INIT(512);
	bool told = false;

	while (s->held.fd == -1 && !atomic_load(&s->stopping)) {
		enum rc rc = sweeplock_take(&s->held, s->conf.store_dir,
		    &why);

		if (rc == RC_OK)
			break;
		if (!told)
			log_info("waiting to sweep: %s", buf_str(&why));
		told = true;
		buf_clear(&why);
		pthread_mutex_lock(&s->lock);
		if (!atomic_load(&s->stopping))
			wait_until(s, clock_mono_ms() + LOCK_MS);
		pthread_mutex_unlock(&s->lock);
	}
	buf_free(&why);
	return s->held.fd != -1;
}

static void
listen_to_nudges(struct sweep *s)
{
	int fd;

	if (nudge_bind(s->conf.store_dir, &fd) == RC_OK)
		atomic_store(&s->nudge, fd);
	else
		log_warn("no nudges: %s; looking every %d s",
		    strerror(errno), LOOK_MS / 1000);
}

static void
step_down(struct sweep *s)
{
	char path[108];
	int fd = atomic_exchange(&s->nudge, -1);

	if (fd != -1) {
		nudge_path(s->conf.store_dir, path);
		(void)unlink(path);	/* ours: the lock is still held */
		close(fd);
	}
	atomic_store(&s->holding, false);
	sweeplock_release(&s->held);
}

void *
keeper_main(void *arg)
{
	struct sweep *s = arg;
	struct keeper k = { .s = s, .chores = { .fanout = STORE_FANOUT_INIT } };
	struct keeper_box mail = { .n = 0 };
	int64_t until;

	if (!become_sweep(s))
		return NULL;
	k.hold = hold_new(s->config.store);
	listen_to_nudges(s);
	atomic_store(&s->holding, true);
	while (!k.quit)
		round_once(&k, &mail);
	/* what the loop left behind; what can't be settled is sent again */
	until = clock_mono_ms() + LAST_MS;
	while (k.done.n > 0 && clock_mono_ms() < until) {
		k.idle = true;
		if (keeper_settles_now(&k, clock_mono_ms()))
			keeper_settle(&k);
		if (k.done.n > 0)
			nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	if (k.ndoomed > 0)
		keeper_disable(&k);
	beat(&k, clock_mono_ms());
	step_down(s);
	keeper_chores_clear(&k);
	hold_free(k.hold);
	roster_release(k.roster);
	free(k.doomed);
	free(mail.wish);
	return NULL;
}
