#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "work/nudge.h"
#include "unit.h"

struct place {
	char	dir[256], path[108];
	int	fd, out;
};

static int
set_up(void **state)
{
	static struct place p;
	const char *tmp = getenv("TMPDIR");

	snprintf(p.dir, sizeof p.dir, "%s/nudge.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(p.dir) == NULL)
		return -1;
	nudge_path(p.dir, p.path);
	p.out = nudge_open_sender();
	want_rc(nudge_bind(p.dir, &p.fd), RC_OK, "bind");
	*state = &p;
	return p.out == -1 ? -1 : 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	close(p->fd);
	close(p->out);
	unlink(p->path);
	return rmdir(p->dir);
}

static void
what_was_sent_arrives(void **state)
{
	struct place *p = *state;
	struct nudge n = { .n = 2, .lane = { { 7, 1795514400000 },
	    { UINT32_MAX, -1 } } }, got;

	nudge_send(p->out, p->dir, &n);
	want_rc(nudge_receive(p->fd, &got), RC_OK, "receive");
	want_i64(got.n, 2, "lanes");
	want_i64(got.lane[0].lane, 7, "lane");
	want_i64(got.lane[0].due_ms, 1795514400000, "due");
	want_i64(got.lane[1].lane, UINT32_MAX, "lane");
	want_i64(got.lane[1].due_ms, -1, "due");
	want_rc(nudge_receive(p->fd, &got), RC_NOTFOUND, "a second");
}

static void
a_nudge_of_64_lanes_fits_and_one_of_none_means_all(void **state)
{
	struct place *p = *state;
	struct nudge n = { .n = NUDGE_LANES_MAX }, got;

	for (uint32_t i = 0; i < n.n; i++)
		n.lane[i].lane = i + 1;
	nudge_send(p->out, p->dir, &n);
	want_rc(nudge_receive(p->fd, &got), RC_OK, "64 lanes");
	want_i64(got.n, NUDGE_LANES_MAX, "lanes");
	want_i64(got.lane[63].lane, 64, "the last");
	n.n = 0;
	nudge_send(p->out, p->dir, &n);
	want_rc(nudge_receive(p->fd, &got), RC_OK, "all");
	want_i64(got.n, 0, "lanes");
}

static void
what_is_no_nudge_is_told_apart(void **state)
{
	static const struct { const char *bytes; size_t len; } t[] = {
		{ "", 0 }, { "SKN1", 4 }, { "SKN1\0\1", 6 },
		{ "SKN2\0\0", 6 }, { "SKN1\0\0x", 7 },
		{ "SKN1\0\1aaaabbbbbbb", 17 },
		{ "SKN1\0\1aaaabbbbbbbbc", 19 },
		{ "SKN1\xff\xff", 6 },
	};
	struct place *p = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct nudge got;

	memcpy(un.sun_path, p->path, sizeof un.sun_path);
	for (size_t i = 0; i < NELEM(t); i++) {
		want_i64(sendto(p->out, t[i].bytes, t[i].len, 0,
		    (struct sockaddr *)&un, sizeof un), (int64_t)t[i].len,
		    "send %zu", i);
		want_rc(nudge_receive(p->fd, &got), RC_INVALID,
		    "datagram %zu", i);
	}
}

static void
sending_never_waits_and_never_fails_aloud(void **state)
{
	struct place *p = *state;
	struct nudge n = { .n = 1 }, got;
	int some = 0;

	for (int i = 0; i < 5000; i++)	/* far more than the queue takes */
		nudge_send(p->out, p->dir, &n);
	while (nudge_receive(p->fd, &got) == RC_OK)
		some++;
	if (some == 0)
		fail_msg("got none of 5000");
	nudge_send(p->out, "/nonexistent", &n);
	nudge_send(-1, p->dir, &n);
}

static void
the_socket_is_the_owners_alone_and_a_stale_one_is_replaced(void **state)
{
	struct place *p = *state;
	struct nudge n = { .n = 1, .lane = { { 3, 4 } } }, got;
	struct stat st;
	int fd;

	assert_int_equal(stat(p->path, &st), 0);
	want_i64(st.st_mode & 0777, 0600, "mode");
	want_rc(nudge_bind(p->dir, &fd), RC_OK, "bind again");
	nudge_send(p->out, p->dir, &n);
	want_rc(nudge_receive(p->fd, &got), RC_NOTFOUND, "the old one");
	want_rc(nudge_receive(fd, &got), RC_OK, "the new one");
	close(fd);
}

static void
its_path_fits_whatever_the_store_directory(void **state)
{
	char dir[1024], a[108], b[108];
	size_t at;

	(void)state;
	nudge_path("/srv/skycap/store", a);
	want_str(a, "/srv/skycap/store/nudge", "a short one");
	for (at = 1; at < sizeof dir; at++) {
		memset(dir, 'd', at);
		dir[0] = '/';
		dir[at] = '\0';
		nudge_path(dir, a);
		if (memchr(a, '\0', sizeof a) == NULL)
			fail_msg("no end at %zu", at);
		if (at + sizeof "/nudge" > sizeof a)
			assert_memory_equal(a, "/tmp/skycap-", 12);
	}
	dir[at - 2] = 'e';
	nudge_path(dir, b);
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_was_sent_arrives, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		a_nudge_of_64_lanes_fits_and_one_of_none_means_all, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(what_is_no_nudge_is_told_apart,
		set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		sending_never_waits_and_never_fails_aloud, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		the_socket_is_the_owners_alone_and_a_stale_one_is_replaced,
		set_up, tear_down),
	    cmocka_unit_test(its_path_fits_whatever_the_store_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
