#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "unit.h"

#define TEXT_MAX (4 * 1024 * 1024)

struct place {
	char dir[256], file[300];
};

static int
make_place(void **state)
{
	static struct place p;
	const char *tmp = getenv("TMPDIR");

	snprintf(p.dir, sizeof p.dir, "%s/skycap-log-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(p.dir) == NULL)
		return -1;
	snprintf(p.file, sizeof p.file, "%s/log", p.dir);
	*state = &p;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *p = *state;

	if (log_init("test", NULL, false) != RC_OK)
		return -1;
	log_level_set(LOG_INFO);
	unlink(p->file);
	return rmdir(p->dir);
}

/* All that stands in the file, which is emptied. */
static void
take_log(const struct place *p, struct buf *text)
{
	int fd = open(p->file, O_RDWR);
	ssize_t n;
	char *at;

	buf_clear(text);
	assert_true(fd != -1);
	do {
		at = buf_room(text, 65536);
		assert_non_null(at);
		n = read(fd, at, 65536);
		assert_true(n >= 0);
		text->len += (size_t)n;
		text->s[text->len] = '\0';
	} while (n > 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
}

/* What follows "time program[pid] level: ", with a check of all that. */
static const char *
message_of(const char *line, const char *level)
{
	char head[128];
	int64_t ms;

	want_rc(clock_parse((struct slice){ line, 24 }, false, &ms, NULL),
	    RC_OK, "the time of %s", line);
	assert_true(ms <= clock_now_ms() && ms > clock_now_ms() - 60000);
	snprintf(head, sizeof head, " prog[%ld] %s: ", (long)getpid(), level);
	if (strncmp(line + 24, head, strlen(head)) != 0)
		fail_msg("got \"%s\", want \"%s\"", line + 24, head);
	return line + 24 + strlen(head);
}

static void
a_line_says_when_who_and_how_bad(void **state)
{
	static void (*const function[])(const char *, ...) = {
		log_debug, log_info, log_warn, log_error };
	static const char *const level[] = { "debug", "info", "warn", "error" };
	struct place *p = *state;
	struct buf text = BUF_INIT(TEXT_MAX);
	struct stat st;

	want_rc(log_init("prog", p->file, false), RC_OK, "log_init");
	log_level_set(LOG_DEBUG);
	for (size_t i = 0; i < NELEM(level); i++) {
		function[i]("%s %d", "said", 7);
		take_log(p, &text);
		want_str(message_of(buf_str(&text), level[i]), "said 7\n",
		    "%s", level[i]);
	}
	for (int from = LOG_DEBUG; from <= LOG_ERROR; from++) {
		log_level_set((enum log_level)from);
		for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
			function[i]("x");
			take_log(p, &text);
			want_i64(text.len > 0, i >= from, "level %d of %d", i,
			    from);
		}
	}
	assert_int_equal(stat(p->file, &st), 0);
	want_i64(st.st_mode & 0777, 0600, "the file's mode");
	buf_free(&text);
}

static void
nothing_in_a_message_can_forge_a_line(void **state)
{
	static const struct { const char *said, *text, *json; } t[] = {
		{ "plain", "plain", "plain" },
		{ "caf\xc3\xa9 \xf0\x9f\x98\x80",
		    "caf\xc3\xa9 \xf0\x9f\x98\x80",
		    "caf\xc3\xa9 \xf0\x9f\x98\x80" },
		{ "a\nb\r\tc", "a\\x0ab\\x0d\\x09c",
		    "a\\u000ab\\u000d\\u0009c" },
		{ "\x1b[2J\x7f", "\\x1b[2J\\x7f", "\\u001b[2J\\u007f" },
		{ "C1 \xc2\x9b \xc2\x85 \xc2\xa0", "C1 \\xc2\\x9b \\xc2\\x85 "
		    "\xc2\xa0", "C1 \\u009b \\u0085 \xc2\xa0" },
		{ "\xe2\x80\xa8 \xe2\x80\xa9 \xe2\x80\xa7", "\\xe2\\x80\\xa8 "
		    "\\xe2\\x80\\xa9 \xe2\x80\xa7",
		    "\\u2028 \\u2029 \xe2\x80\xa7" },
		{ "\"q\" \\", "\"q\" \\", "\\\"q\\\" \\\\" },
		{ "bad \xff\xc3 \xed\xa0\x80", "bad \\xff\\xc3 \\xed\\xa0\\x80",
		    "bad \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd" },
		{ "", "", "" },
	};
	struct place *p = *state;
	struct buf text = BUF_INIT(TEXT_MAX), want = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(log_init("prog", p->file, false), RC_OK, "log_init");
		log_warn("%s", t[i].said);
		take_log(p, &text);
		buf_clear(&want);
		buf_printf(&want, "%s\n", t[i].text);
		want_str(message_of(buf_str(&text), "warn"), buf_str(&want),
		    "case %zu", i);
		want_rc(log_init("prog", p->file, true), RC_OK, "log_init");
		log_warn("%s", t[i].said);
		take_log(p, &text);
		buf_clear(&want);
		buf_printf(&want, "\",\"program\":\"prog\",\"pid\":%ld,"
		    "\"level\":\"warn\",\"message\":\"%s\"}\n",
		    (long)getpid(), t[i].json);
		assert_true(text.len > 9 + 24);
		assert_memory_equal(text.s, "{\"time\":\"", 9);
		want_str(text.s + 9 + 24, buf_str(&want), "case %zu", i);
	}
	buf_free(&want);
	buf_free(&text);
}

static void
a_long_message_ends_in_dots_and_is_still_one_line(void **state)
{
	static const char *const piece[] = { "x", "\n", "\xc3\xa9", "\xff",
	    "\xf0\x9f\x98\x80", "\"" };
	struct place *p = *state;
	struct buf said = BUF_INIT(TEXT_MAX), text = BUF_INIT(TEXT_MAX);
	struct json_doc doc = JSON_DOC_INIT;
	struct json_error err;

	/* Of every length about the limit, so that each cut is tried. */
	for (size_t i = 0; i < NELEM(piece); i++)
		for (size_t shift = 0; shift < 8; shift++) {
			buf_clear(&said);
			for (size_t n = 0; n < shift; n++)
				buf_putc(&said, '-');
			while (said.len < 5000)
				buf_puts(&said, piece[i]);
			want_rc(log_init("prog", p->file, true), RC_OK,
			    "log_init");
			log_info("%s", buf_str(&said));
			take_log(p, &text);
			want_rc(json_scan(&doc, buf_as_slice(&text),
			    &json_limits_default, &err), RC_OK, "%s",
			    buf_str(&text));
			assert_true(text.len > 1900 && text.len < 2300);
			want_str(text.s + text.len - 6, "...\"}\n", "the end");
			assert_ptr_equal(strchr(text.s, '\n'),
			    text.s + text.len - 1);
		}
	/* The longest that is whole, and one more. */
	want_rc(log_init("prog", p->file, false), RC_OK, "log_init");
	for (size_t len = 2044; len <= 2045; len++) {
		buf_clear(&said);
		while (said.len < len)
			buf_putc(&said, 'x');
		log_info("%s", buf_str(&said));
		take_log(p, &text);
		want_i64(strstr(text.s, "...") != NULL, len > 2044, "%zu", len);
	}
	json_doc_free(&doc);
	buf_free(&text);
	buf_free(&said);
}

static void
a_file_that_cannot_be_opened_leaves_the_old_one(void **state)
{
	struct place *p = *state;
	struct buf text = BUF_INIT(TEXT_MAX);
	char bad[400];

	want_rc(log_init("prog", p->file, false), RC_OK, "log_init");
	snprintf(bad, sizeof bad, "%s/none/log", p->dir);
	want_rc(log_init("other", bad, true), RC_IO, "%s", bad);
	log_info("still here");
	take_log(p, &text);
	want_str(message_of(buf_str(&text), "info"), "still here\n", "line");
	buf_free(&text);
}

static void
errno_outlives_a_line(void **state)
{
	struct place *p = *state;
	struct buf text = BUF_INIT(TEXT_MAX);

	want_rc(log_init("prog", p->file, false), RC_OK, "log_init");
	errno = EXDEV;
	log_info("because: %s", strerror(errno));
	want_i64(errno, EXDEV, "errno");
	take_log(p, &text);
	buf_free(&text);
}

static void *
chatter(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_info("%s%0100d", (const char *)arg, i);
	return NULL;
}

static void
lines_of_many_threads_do_not_mix(void **state)
{
	static char name[4][2] = { "a", "b", "c", "d" };
	struct place *p = *state;
	struct buf text = BUF_INIT(TEXT_MAX);
	pthread_t thread[4];
	int next[4] = { 0 }, lines = 0;
	char want[128];

	want_rc(log_init("prog", p->file, false), RC_OK, "log_init");
	for (size_t i = 0; i < NELEM(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, chatter,
		    name[i]), 0);
	for (size_t i = 0; i < NELEM(thread); i++)
		pthread_join(thread[i], NULL);
	take_log(p, &text);
	for (char *s = text.s, *end; *s != '\0'; s = end + 1, lines++) {
		const char *said;

		end = strchr(s, '\n');
		assert_non_null(end);
		*end = '\0';
		said = message_of(s, "info");
		assert_in_range(*said, 'a', 'd');
		snprintf(want, sizeof want, "%c%0100d", *said,
		    next[*said - 'a']++);
		want_str(said, want, "line %d", lines);
	}
	want_i64(lines, 2000, "lines");
	buf_free(&text);
}

static void
a_fatal_line_ends_the_process_with_70(void **state)
{
	struct place *p = *state;
	struct buf text = BUF_INIT(TEXT_MAX);
	int status;
	pid_t pid;

	want_rc(log_init("prog", p->file, false), RC_OK, "log_init");
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0)
		log_fatal("%s is broken", "it");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	want_i64(WEXITSTATUS(status), 70, "status");
	take_log(p, &text);
	assert_non_null(strstr(buf_str(&text), " error: it is broken\n"));
	buf_free(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_line_says_when_who_and_how_bad),
	    TEST(nothing_in_a_message_can_forge_a_line),
	    TEST(a_long_message_ends_in_dots_and_is_still_one_line),
	    TEST(a_file_that_cannot_be_opened_leaves_the_old_one),
	    TEST(errno_outlives_a_line),
	    TEST(lines_of_many_threads_do_not_mix),
	    TEST(a_fatal_line_ends_the_process_with_70),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
