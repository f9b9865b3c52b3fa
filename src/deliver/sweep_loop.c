#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/log.h"
#include "deliver/sweep_inner.h"
#include "work/nudge.h"

#define LONGEST_MS	62000	/* more than any timeout_s */
#define TICK_MS		1000	/* goes round at least that often */
#define STARTS		64	/* attempts started between looks at the net */
#define NUDGES		256	/* datagrams read at once */
#define NUDGES_LOST	8	/* so many waiting at once: the kernel's queue
				   (net.unix.max_dgram_qlen, 10) was full */

struct loop {
	struct sweep	*s;
	struct lanes	*lanes;
	const struct roster *roster;
	struct order	 order;
	struct sending	*all, *spare;
	struct lane_rows done;		/* to be handed to the keeper */
	struct lane_wish *wish;		/* the same */
	size_t		 nwish, capwish;
	int64_t		 sure_ms;
	bool		 looked;	/* a full look has been answered */
	bool		 look;		/* ask for one */
	bool		 expand;	/* the same of the fan-out */
	bool		 idle;		/* as the keeper was told */
	bool		 again;		/* something moved: do not sleep */
	int64_t		 winding_ms;	/* since when it is to end; INT64_MIN */
	uint32_t	 winding;	/* in flight from before that */
};

static struct lane_now
now(void)
{
	return (struct lane_now){ clock_now_ms(), clock_mono_ms() };
}

void
loop_poke(struct sweep *s)
{
	uint64_t one = 1;

	(void)!write(s->event, &one, sizeof one);
}

void
loop_post(struct sweep *s, struct note *n)
{
	bool first;

	n->next = NULL;
	atomic_fetch_add(&s->posted, 1);
	pthread_mutex_lock(&s->lock);
	first = s->loop_box.first == NULL;
	if (first)
		s->loop_box.first = n;
	else
		s->loop_box.last->next = n;
	s->loop_box.last = n;
	pthread_mutex_unlock(&s->lock);
	if (first)
		loop_poke(s);
}

static const struct subscription *
subscription(const struct loop *lo, uint32_t number)
{
	return lo->roster == NULL ? NULL :
	    roster_subscription(lo->roster, number);
}

/* The keeper's again, with or without an outcome. */
static void
hand_over(struct loop *lo, struct parcel *p)
{
	if (!p->release)
		atomic_fetch_add(&lo->s->unsettled, 1);
	lane_rows_add(&lo->done, &p->row);
}

static void
give_back(struct loop *lo, struct lane_rows rows)
{
	while (rows.n > 0) {
		struct parcel *p = parcel_of(lane_rows_shift(&rows));

		p->release = true;
		hand_over(lo, p);
	}
}

/*
 * A lane's rules from its subscription.  One that this roster does not know
 * stays open: it is newer than the roster, or removed, and the keeper finds
 * out which when it claims.
 */
static void
apply(struct loop *lo, uint32_t number)
{
	const struct subscription *sub = subscription(lo, number);
	struct lane_rules r = { .open = true, .width = 1 };
	const struct task *t;

	if (sub != NULL) {
		r.open = sending_open(lo->s, sub);
		t = subscription_task(sub);
		if (t != NULL) {
			r.width = task_settings(t)->concurrency;
			r.rate_per_s = task_settings(t)->rate_per_s;
			r.shared = task_channel(t) == TASK_MAIL;
		}
		r.version = sub->version;
	}
	lane_rule(lo->lanes, number, r, now());
	if (!r.open)
		give_back(lo, lane_take_back(lo->lanes, number, now()));
}

static void
due(struct loop *lo, uint32_t number, int64_t due_ms)
{
	if (!lane_known(lo->lanes, number))
		apply(lo, number);
	lane_due(lo->lanes, number, due_ms, now());
}

/* What it has is not what is due any more: all of it anew. */
static void
let_go(struct loop *lo, uint32_t number)
{
	give_back(lo, lane_take_back(lo->lanes, number, now()));
	due(lo, number, INT64_MIN);
}

static void
take_note(struct loop *lo, struct note *n)
{
	switch (n->kind) {
	case NOTE_ROWS:
		lane_fetched(lo->lanes, n->lane, &n->rows, n->due_ms, now());
		give_back(lo, n->rows);		/* what it no longer takes */
		break;
	case NOTE_DUE:
		due(lo, n->lane, n->due_ms);
		break;
	case NOTE_PROBE:
		lane_probe_due(lo->lanes, n->lane, n->due_ms, now());
		break;
	case NOTE_FAILED:
		if (!lane_known(lo->lanes, n->lane))
			apply(lo, n->lane);
		lane_failed_before(lo->lanes, n->lane, n->failures, n->due_ms,
		    now());
		break;
	case NOTE_LET_GO:
		if (n->lane != 0)
			let_go(lo, n->lane);
		for (uint32_t i = 0, l; n->lane == 0 &&
		    lanes_at(lo->lanes, i, &l); i++)
			let_go(lo, l);
		break;
	case NOTE_LOOKED:
		lo->looked = true;
		break;
	}
	free(n);
}

static void
take_mail(struct loop *lo)
{
	struct sweep *s = lo->s;
	struct loop_box box;
	uint32_t number;

	pthread_mutex_lock(&s->lock);
	box = s->loop_box;
	s->loop_box.first = s->loop_box.last = NULL;
	s->loop_box.roster = NULL;
	pthread_mutex_unlock(&s->lock);
	lo->sure_ms = box.sure_ms;
	if (box.roster != NULL) {
		roster_release(lo->roster);
		lo->roster = box.roster;
		for (uint32_t i = 0; lanes_at(lo->lanes, i, &number); i++)
			apply(lo, number);
	}
	while (box.first != NULL) {
		struct note *n = box.first;

		box.first = n->next;
		take_note(lo, n);
		atomic_fetch_sub(&s->posted, 1);
	}
}

/* A full queue means that others found no room: look at everything. */
static void
take_nudges(struct loop *lo)
{
	int fd = atomic_load(&lo->s->nudge), got;
	struct nudge n;

	for (got = 0; fd != -1 && got < NUDGES; got++) {
		enum rc rc = nudge_receive(fd, &n);

		if (rc == RC_NOTFOUND)
			break;
		if (rc != RC_OK)
			continue;
		if (n.n == 0)
			lo->look = true;
		for (uint32_t i = 0; i < n.n; i++)
			if (n.lane[i].lane == 0)
				lo->expand = true;
			else
				due(lo, n.lane[i].lane, n.lane[i].due_ms);
	}
	if (got >= NUDGES_LOST)
		lo->look = true;
}

static struct sending *
sending_get(struct loop *lo)
{
	struct sending *sd = lo->spare;

	if (sd != NULL) {
		lo->spare = sd->next;
		return sd;
	}
	sd = malloc(sizeof *sd);
	if (sd == NULL)
		log_fatal("out of memory");
	*sd = (struct sending)SENDING_INIT;
	sd->loop = lo;
	sd->next_all = lo->all;
	lo->all = sd;
	return sd;
}

static void
sending_put(struct loop *lo, struct sending *sd)
{
	sd->next = lo->spare;
	lo->spare = sd;
}

/* Its lane is told how the attempt ended. */
static void
end(struct loop *lo, struct parcel *p)
{
	uint32_t number = p->due.key.subscription;
	struct lane_end e = {
		.result = p->server ? LANE_SERVER :
		    p->settle.health > 0 ? LANE_SUCCESS :
		    p->settle.health < 0 ? LANE_FAILURE : LANE_NEUTRAL,
		.next_ms = p->settle.outcome == STORE_RETRIED ?
		    p->settle.next_ms : INT64_MAX,
		.quiet_ms = p->quiet_ms,
	};

	if (lane_done(lo->lanes, &p->row, e, now()))
		give_back(lo, lane_take_back(lo->lanes, number, now()));
}

static void
done(void *arg, const struct channel_result *r)
{
	struct sending *sd = arg;
	struct loop *lo = sd->loop;
	struct parcel *p = sd->parcel;
	uint32_t number = p->due.key.subscription;

	lo->again = true;
	if (p->row.started_ms <= lo->winding_ms)
		lo->winding--;
	sending_end(sd, subscription(lo, number), r);
	sending_put(lo, sd);
	end(lo, p);
	channels_server(lo->s, lanes_server_failures(lo->lanes), r);
	if (p->disable != NULL) {	/* the keeper disables it; none starts now */
		lane_rule(lo->lanes, number, (struct lane_rules){
		    .open = false, .width = 1 }, now());
		give_back(lo, lane_take_back(lo->lanes, number, now()));
	}
	hand_over(lo, p);
}

static void
start(struct loop *lo, struct parcel *p)
{
	const struct subscription *sub = subscription(lo,
	    p->due.key.subscription);
	struct sending *sd;

	if (sub == NULL || !sending_open(lo->s, sub)) {
		end(lo, p);
		p->release = true;
		hand_over(lo, p);
		return;
	}
	sd = sending_get(lo);
	if (sending_make(sd, lo->s, sub, &lo->order, p) != RC_OK) {
		sending_put(lo, sd);
		end(lo, p);
		hand_over(lo, p);
		return;
	}
	channels_send(lo->s, sd,
	    task_settings(subscription_task(sub))->timeout_ms, done);
}

/*
 * A run whose budget is spent, and that still waits for somebody slow, goes on
 * for the others: who comes next would find the store swept by this one.
 */
static bool
goes_on(const struct loop *lo)
{
	const struct sweep *s = lo->s;

	return !atomic_load(&s->stopping) || (lo->winding > 0 &&
	    s->patient && atomic_load(&s->stops) == 1);
}

static void
start_some(struct loop *lo)
{
	struct lane_now t = now();

	if (!goes_on(lo) ||
	    t.mono_ms - lo->sure_ms > SWEEP_SURE_MS)
		return;
	for (int n = 0; n < STARTS; n++) {
		struct lane_row *row = lane_start(lo->lanes, t);

		if (row == NULL)
			break;
		start(lo, parcel_of(row));
		lo->again = true;
	}
}

static void
wish(struct loop *lo)
{
	struct lane_wish w;

	if (!goes_on(lo))
		return;
	while (lane_ask(lo->lanes, now(), &w)) {
		if (lo->nwish == lo->capwish) {
			lo->capwish = lo->capwish == 0 ? 64 : lo->capwish * 2;
			lo->wish = reallocarray(lo->wish, lo->capwish,
			    sizeof *lo->wish);
			if (lo->wish == NULL)
				log_fatal("out of memory");
		}
		lo->wish[lo->nwish++] = w;
	}
}

static void
add_wishes(struct keeper_box *box, const struct loop *lo)
{
	if (box->n + lo->nwish > box->cap) {
		box->cap = (box->n + lo->nwish) * 2;
		box->wish = reallocarray(box->wish, box->cap,
		    sizeof *box->wish);
		if (box->wish == NULL)
			log_fatal("out of memory");
	}
	memcpy(box->wish + box->n, lo->wish, lo->nwish * sizeof *lo->wish);
	box->n += lo->nwish;
}

/* Give the keeper what there is for it. */
static void
send_mail(struct loop *lo)
{
	struct keeper_box *box = &lo->s->keeper_box;
	struct lanes_count c = lanes_count(lo->lanes);
	bool idle = c.flight == 0;
	bool wake;
	uint32_t was;

	atomic_store(&lo->s->ready, c.ready);
	atomic_store(&lo->s->in_flight, c.flight);
	if (lo->nwish == 0 && lo->done.n == 0 && !lo->look && !lo->expand &&
	    idle == lo->idle)
		return;
	pthread_mutex_lock(&lo->s->lock);
	was = box->done.n;
	if (lo->nwish > 0)
		add_wishes(box, lo);
	while (lo->done.n > 0)
		lane_rows_add(&box->done, lane_rows_shift(&lo->done));
	/* not at every outcome: that would be a change of threads each */
	wake = lo->nwish > 0 || lo->look || lo->expand ||
	    (idle && box->done.n > 0) ||
	    (was == 0 && box->done.n > 0) ||
	    (was < SWEEP_SETTLE && box->done.n >= SWEEP_SETTLE);
	box->look = box->look || lo->look;
	box->expand = box->expand || lo->expand;
	box->idle = lo->idle = idle;
	if (wake)
		pthread_cond_signal(&lo->s->to_keeper);
	pthread_mutex_unlock(&lo->s->lock);
	lo->nwish = 0;
	lo->look = lo->expand = false;
}

/* Whether nothing is left to do now; told to who waits for that. */
static void
tell_rest(struct loop *lo)
{
	struct lanes_count c = lanes_count(lo->lanes);
	struct sweep *s = lo->s;
	bool rests;

	rests = lo->looked && c.flight + c.fetched + c.asked == c.stalled &&
	    atomic_load(&s->unsettled) == 0 && !atomic_load(&s->chores) &&
	    lanes_wake_ms(lo->lanes) > clock_mono_ms();
	pthread_mutex_lock(&s->lock);
	rests = rests && s->loop_box.first == NULL;
	if (rests != s->rests)
		pthread_cond_signal(&s->resting);
	s->rests = rests;
	pthread_mutex_unlock(&s->lock);
}

static void
sleep_till(struct loop *lo, int64_t until_ms)
{
	struct pollfd p[] = {
		{ .fd = lo->s->event, .events = POLLIN },
		{ .fd = webhook_fd(lo->s->webhook), .events = POLLIN },
		{ .fd = atomic_load(&lo->s->nudge), .events = POLLIN },
		{ .fd = lo->s->mail == NULL ? -1 : mail_fd(lo->s->mail),
		    .events = POLLIN },
	};
	int64_t wait = until_ms - clock_mono_ms();
	uint64_t count;

	if (wait < 0)
		wait = 0;
	if (wait > TICK_MS)
		wait = TICK_MS;
	if (poll(p, NELEM(p), (int)wait) > 0 && p[0].revents != 0)
		(void)!read(lo->s->event, &count, sizeof count);
}

/*
 * Until when what is in flight may go on.  A run whose budget is spent lets it
 * have its own time, since an endpoint that takes longer than a budget would
 * else be sent the same at every hit and never be given up; but not once
 * somebody told the program to end.
 */
static int64_t
grace_ms(const struct sweep *s, int64_t since_ms)
{
	bool patient = s->patient && atomic_load(&s->stops) == 1;

	return since_ms + (patient ? LONGEST_MS : SWEEP_GRACE_MS);
}

/*
 * Wait for what is in flight for its grace; what is left then is still due in
 * the store and is not spoken of.
 */
static void
wind_up(struct loop *lo)
{
	int64_t since = clock_mono_ms(), until = grace_ms(lo->s, since), wake;

	lo->winding_ms = since;
	lo->winding = lanes_count(lo->lanes).flight;
	lanes_spare_suspects(lo->lanes);
	while (lanes_count(lo->lanes).flight > 0 && clock_mono_ms() < until) {
		lo->again = false;
		until = grace_ms(lo->s, since);
		atomic_store(&lo->s->tick_ms, clock_mono_ms());
		take_mail(lo);
		take_nudges(lo);
		channels_work(lo->s);
		start_some(lo);
		wish(lo);
		send_mail(lo);
		wake = lanes_wake_ms(lo->lanes);
		if (!lo->again && lanes_count(lo->lanes).flight > 0)
			sleep_till(lo, goes_on(lo) && wake < until ? wake :
			    until);
	}
	channels_cancel(lo->s);
	send_mail(lo);
	pthread_mutex_lock(&lo->s->lock);
	lo->s->keeper_box.quit = true;
	lo->s->keeper_box.idle = true;
	pthread_cond_signal(&lo->s->to_keeper);
	pthread_mutex_unlock(&lo->s->lock);
}

void *
loop_main(void *arg)
{
	struct sweep *s = arg;
	struct loop lo = { .s = s, .order = ORDER_INIT,
	    .winding_ms = INT64_MIN };

	lo.lanes = lanes_new(s->slots, s->mail_connections);
	while (!atomic_load(&s->stopping)) {
		lo.again = false;
		atomic_store(&s->tick_ms, clock_mono_ms());
		take_mail(&lo);
		take_nudges(&lo);
		channels_work(s);
		start_some(&lo);
		wish(&lo);
		send_mail(&lo);
		if (lo.again)
			continue;
		tell_rest(&lo);
		sleep_till(&lo, lanes_wake_ms(lo.lanes));
	}
	wind_up(&lo);
	/* cancelled parcels stay in the keeper's table and are freed there */
	while (lo.all != NULL) {
		struct sending *sd = lo.all;

		lo.all = sd->next_all;
		sending_free(sd);
	}
	roster_release(lo.roster);
	order_free(&lo.order);
	lanes_free(lo.lanes);
	free(lo.wish);
	return NULL;
}
