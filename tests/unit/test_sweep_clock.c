/*
 * Sweeps under a clock that is set, restarts, and rows that can not be read.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include "store/bdb.h"
#include "store/bdb_key.h"
#include "unit_clock.h"
#include "unit_site.h"

static bool
within(struct server *sv, int requests, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (atomic_load(&sv->requests) < requests) {
		if (clock_mono_ms() > until)
			return false;
		(void)poll(NULL, 0, 5);
	}
	return true;
}

/* Fail rows of a lane in the store, as a sweep long ago did. */
static void
fail_rows(struct site *s, uint32_t sub, int n, int64_t now_ms,
    int64_t next_ms)
{
	struct store_claim c[8];
	struct store_settle st[8];
	struct store_attempt a[8];
	int64_t next;
	size_t got;

	want_rc(store_claim(s->store, sub, NULL, INT64_MAX - 1, c, (size_t)n,
	    &got, &next), RC_OK, "claim");
	want_i64((int64_t)got, n, "claimed");
	for (int i = 0; i < n; i++) {
		a[i] = (struct store_attempt){ .number = 1, .attempt = 1,
		    .at_ms = now_ms, .status = 500, .word = "http" };
		st[i] = (struct store_settle){ .due = c[i].due,
		    .outcome = STORE_RETRIED, .next_ms = next_ms + i,
		    .attempts = 1, .now_ms = now_ms, .attempt = &a[i],
		    .health = -1 };
		store_event_clear(&c[i].event);
	}
	want_rc(store_settle(s->store, st, (size_t)n, true), RC_OK, "settle");
	for (int i = 0; i < n; i++)
		want_rc(st[i].rc, RC_OK, "settled %d", i);
}

/*
 * Six failed 20 minutes ago, and are due in two hours; the endpoint is back.
 * DESIGN 6: a lane is probed at least every 15 minutes.
 */
static void
a_probe_is_made_by_the_next_hit_after_a_quarter_of_an_hour(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{\"retry_s\":[7200]}");
	int64_t now = clock_now_ms();

	accept_events(s, sub, 6);
	fail_rows(s, sub, 6, now - 20 * 60000, now + 100 * 60000);
	(void)run(s);
	want_i64(atomic_load(&s->server.requests) > 0, true,
	    "probed, by a hit 20 min after the last failure");
}

/* The same with a new event that is due now, so that the lane is met. */
static void
a_new_event_is_sent_by_a_hit_a_quarter_of_an_hour_later(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{\"retry_s\":[7200]}");
	int64_t now = clock_now_ms();

	accept_events(s, sub, 6);
	fail_rows(s, sub, 6, now - 20 * 60000, now + 100 * 60000);
	accept_events(s, sub, 1);
	(void)run(s);
	want_i64(atomic_load(&s->server.requests) > 0, true,
	    "probed, by a hit 20 min after the last failure");
}

static int64_t
cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	    (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

/* An event's row is lost; those behind it are not to pay for that. */
static void
a_lane_that_probes_gets_past_an_event_that_can_not_be_read(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{\"retry_s\":[1,7200]}");
	int64_t now = clock_now_ms(), begun;
	struct buf key = BUF_INIT(64);
	struct sweep *sw;
	DBT k = { 0 };

	accept_events(s, sub, 8);
	fail_rows(s, sub, 6, now - 60000, now - 1000);
	key_event(&key, 7);	/* the lane's first */
	k.data = key.s;
	k.size = (uint32_t)key.len;
	want_rc(bdb_enter(s->store), RC_OK, "enter");
	want_i64(s->store->db[BDB_EVENT]->del(s->store->db[BDB_EVENT], NULL,
	    &k, DB_AUTO_COMMIT), 0, "del");
	key_event(&key, 1);	/* and the one to probe with */
	k.data = key.s;
	k.size = (uint32_t)key.len;
	want_i64(s->store->db[BDB_EVENT]->del(s->store->db[BDB_EVENT], NULL,
	    &k, DB_AUTO_COMMIT), 0, "del");
	bdb_leave(s->store);
	sw = sweep(s);
	want_rc(sweep_start(sw), RC_OK, "start");
	begun = cpu_ms();
	if (!within(&s->server, 1, 2500))
		print_error("nothing was sent in 2.5 s\n");
	begun = cpu_ms() - begun;
	sweep_stop(sw);
	sweep_free(sw);
	buf_free(&key);
	want_i64(begun < 800, true, "processor time (%" PRId64 " ms)", begun);
	want_i64(atomic_load(&s->server.requests) > 0, true, "sent");
}

/* The clock is an hour fast for a moment, as one that is being set. */
static void
what_is_accepted_after_a_clock_was_set_back_is_sent_at_once(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}", "{}");
	struct sweep_report r;

	rosters_free(s->rosters);
	store_close(s->store);
	s->store = place_open(&s->place, true);
	s->config.store = s->store;
	want_rc(rosters_new(&s->rosters, s->store, &s->place.crypt,
	    s->catalog), RC_OK, "rosters");
	atomic_store(&ahead_ms, 3600000);
	accept_events(s, sub, 1);
	(void)run(s);
	want_i64(atomic_load(&s->server.requests), 1, "while it is fast");
	atomic_store(&ahead_ms, 0);
	accept_events(s, sub, 1);
	r = run(s);
	want_i64(atomic_load(&s->server.requests), 2, "when it is set back");
	want_i64((int64_t)r.pending, 0, "pending");
}

/*
 * Retries that were pulled, and fetched ahead, when their subscription rested
 * for a moment: they are pulled still.
 */
static void
a_pause_does_not_undo_what_a_success_has_pulled(void **state)
{
	struct site *s = *state;
	uint32_t sub = subscribe(s, "/200", "{}",
	    "{\"retry_s\":[7200],\"concurrency\":1,\"rate_per_s\":5}");
	int64_t now = clock_now_ms();
	struct buf why = BUF_INIT(512);
	struct sweep *sw = sweep(s);

	accept_events(s, sub, 8);
	fail_rows(s, sub, 8, now - 1000, now + 7200000);
	accept_events(s, sub, 1);
	want_rc(sweep_start(sw), RC_OK, "start");
	/* as it was edited it is tried at once; then all is pulled */
	for (int i = 0; i < 2; i++) {
		(void)poll(NULL, 0, 300);
		want_rc(subscription_set_state(&s->config, sub, i == 0 ?
		    SUBSCRIPTION_PAUSED : SUBSCRIPTION_ACTIVE, "", &why),
		    RC_OK, "state");
		(void)poll(NULL, 0, 1100);
	}
	want_i64(within(&s->server, 2, 3000), true, "it is pulled");
	for (int i = 0; i < 2; i++) {
		want_rc(subscription_set_state(&s->config, sub, i == 0 ?
		    SUBSCRIPTION_PAUSED : SUBSCRIPTION_ACTIVE, "", &why),
		    RC_OK, "state");
		(void)poll(NULL, 0, 1100);
	}
	if (!within(&s->server, 9, 5000))
		print_error("got %d of 9 messages\n",
		    atomic_load(&s->server.requests));
	sweep_stop(sw);
	sweep_free(sw);
	buf_free(&why);
	want_i64(atomic_load(&s->server.requests), 9, "messages");
}

/* A small disk for all that is made from now on; false if we may not. */
static bool
small_disk(char dir[64])
{
	snprintf(dir, 64, "/tmp/skycap-unit.XXXXXX");
	return geteuid() == 0 && mkdtemp(dir) != NULL &&
	    unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", dir, "tmpfs", 0, "size=96m,mode=700") == 0 &&
	    setenv("TMPDIR", dir, 1) == 0;
}

static void
fill_disk(const char *dir)
{
	struct statvfs vfs;
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/filler", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(statvfs(dir, &vfs), 0);
	want_i64(posix_fallocate(fd, 0, (int64_t)vfs.f_bavail *
	    (int64_t)vfs.f_frsize - (1 << 20)), 0, "filling");
	close(fd);
}

/* Its outcome can't be settled, for as long as the disk is full. */
static void
a_lane_that_probes_waits_quietly_for_room_on_the_disk(void **state)
{
	void *made = NULL;
	struct sweep *sw;
	struct site *s;
	char dir[64];
	int64_t cpu;
	uint32_t sub;

	(void)state;
	if (!small_disk(dir)) {
		print_message("not root: a full disk is not tried\n");
		skip();
	}
	assert_int_equal(set_up(&made), 0);
	s = made;
	rosters_free(s->rosters);
	store_close(s->store);
	s->place.opt.low_space = 0;
	s->store = s->config.store = place_open(&s->place, false);
	want_rc(rosters_new(&s->rosters, s->store, &s->place.crypt,
	    s->catalog), RC_OK, "rosters");
	sub = subscribe(s, "/500", "{}", "{\"retry_s\":[1,1,1,1]}");
	accept_events(s, sub, 6);
	fail_rows(s, sub, 6, clock_now_ms() - 60000, clock_now_ms() + 2000);
	sw = sweep(s);
	want_rc(sweep_start(sw), RC_OK, "start");
	(void)poll(NULL, 0, 1000);
	fill_disk(dir);
	want_i64(within(&s->server, 1, PATIENCE_MS), true, "it is probed");
	(void)poll(NULL, 0, 9000);	/* all six are tried, one a second */
	cpu = cpu_ms();
	(void)poll(NULL, 0, 3000);
	cpu = cpu_ms() - cpu;
	print_message("%" PRId64 " ms of processor in 3 s, %d requests\n", cpu,
	    atomic_load(&s->server.requests));
	sweep_stop(sw);
	sweep_free(sw);
	tear_down(&made);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	(void)rmdir(dir);
	want_i64(cpu < 600, true, "quiet");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_probe_is_made_by_the_next_hit_after_a_quarter_of_an_hour,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_new_event_is_sent_by_a_hit_a_quarter_of_an_hour_later,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_lane_that_probes_gets_past_an_event_that_can_not_be_read,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		what_is_accepted_after_a_clock_was_set_back_is_sent_at_once,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_pause_does_not_undo_what_a_success_has_pulled,
		set_up, tear_down),
	    cmocka_unit_test(
		a_lane_that_probes_waits_quietly_for_room_on_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
