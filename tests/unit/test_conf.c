#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/conf.h"
#include "base/json.h"
#include "unit.h"

struct place {
	char		dir[PATH_MAX], file[PATH_MAX + 64];
	struct conf	c;
	struct buf	why;
};

static void
write_file(const char *path, struct slice text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text.s, text.len), (ssize_t)text.len);
	close(fd);
}

static enum rc
load(struct place *p, struct slice text)
{
	write_file(p->file, text);
	buf_clear(&p->why);
	return conf_load(&p->c, p->file, &p->why);
}

static int
make_place(void **state)
{
	static struct place p;
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX];

	p.why = (struct buf)BUF_INIT(16384);
	snprintf(dir, sizeof dir, "%s/skycap-conf-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL || realpath(dir, p.dir) == NULL)
		return -1;
	snprintf(p.file, sizeof p.file, "%s/skycap.conf", p.dir);
	*state = &p;
	return 0;
}

static int
remove_place(void **state)
{
	struct place *p = *state;

	buf_free(&p->why);
	unlink(p->file);
	return rmdir(p->dir);
}

static void
want_path(const struct place *p, const char *got, const char *below)
{
	char want[PATH_MAX + 64];

	snprintf(want, sizeof want, "%s/%s", p->dir, below);
	want_str(got, want, "path");
}

static void
an_empty_file_gives_the_defaults(void **state)
{
	struct place *p = *state;
	const struct conf *c = &p->c;

	memset(&p->c, 0xee, sizeof p->c);
	want_rc(load(p, SLICE("")), RC_OK, "%s", buf_str(&p->why));
	want_str(c->path, p->file, "path");
	want_str(c->site_url, "", "url");
	want_str(c->site_prefix, "", "prefix");
	want_str(c->site_timezone, "UTC", "timezone");
	assert_true(c->site_data[0] == '/');
	want_i64(c->intake_threads, 32, "threads");
	want_i64(c->intake_body_max, 1 << 20, "body_max");
	want_i64(c->intake_batch_max, 16 << 20, "batch_max");
	want_i64(c->intake_remember_days, 7, "remember");
	want_i64(c->intake_kick, CONF_KICK_AUTO, "kick");
	want_i64(c->sweep_budget_s, 25, "budget");
	want_i64(c->sweep_slots, 256, "slots");
	want_path(p, c->store_dir, "store");
	want_path(p, c->store_key, "key");
	want_i64(c->store_cache, 0, "cache");
	want_i64(c->store_low_space, 0, "low_space");
	want_i64(c->retention_bodies_days, 30, "bodies_days");
	want_i64(c->retention_rows_days, 90, "rows_days");
	want_i64(c->retention_held_days, 30, "held_days");
	want_i64(c->limits_pending, 1000000, "pending_per_subscription");
	want_str(c->guard_allow, "", "allow");
	want_str(c->guard_ports, "", "ports");
	want_str(c->tls_ca, "", "ca");
	want_str(c->mail_url, "", "mail url");
	want_str(c->mail_user, "", "user");
	want_str(c->mail_password_file, "", "password_file");
	want_str(c->mail_from, "", "from");
	want_i64(c->mail_connections, 4, "connections");
	want_str(c->log_to, "", "to");
	assert_false(c->log_json);
}

static const char whole[] =
    "; a comment\n# and another\n\n"
    "[site]\nurl = https://hooks.example.com/sky/\nprefix = /sky/\n"
    "timezone=Europe/Madrid\ndata = share\n"
    "[intake]\n  threads = 8\n\tbody_max = 2M ; with a remark\r\n"
    "batch_max: 32m\nremember = 14\nkick = spawn\n"
    "[sweep]\nbudget = 50\nslots = 4096\n"
    "[store]\ndir = ../other\nkey = /etc/skycap/key\ncache = 64M\n"
    "low_space = 1G\n"
    "[retention]\nbodies_days = 1\nrows_days = 2\nheld_days = 3\n"
    "[limits]\npending_per_subscription = 4\n"
    "[guard]\nallow = 127.0.0.0/8, ::1/128\nports = 80 443\n"
    "[tls]\nca = ca.pem\n"
    "[mail]\nurl = smtps://mail.example.com:465\nuser = sky=cap;x\n"
    "password_file = mail-password\nfrom = Sk\xc3\xbd <a@example.com>\n"
    "connections = 2\n"
    "[log]\nto = log/skycap.log\nformat = json\n";

static void
each_name_sets_what_it_says(void **state)
{
	struct place *p = *state;
	const struct conf *c = &p->c;

	want_rc(load(p, SLICE(whole)), RC_OK, "%s", buf_str(&p->why));
	want_str(c->site_url, "https://hooks.example.com/sky", "url");
	want_str(c->site_prefix, "/sky", "prefix");
	want_str(c->site_timezone, "Europe/Madrid", "timezone");
	want_path(p, c->site_data, "share");
	want_i64(c->intake_threads, 8, "threads");
	want_i64(c->intake_body_max, 2 << 20, "body_max");
	want_i64(c->intake_batch_max, 32 << 20, "batch_max");
	want_i64(c->intake_remember_days, 14, "remember");
	want_i64(c->intake_kick, CONF_KICK_SPAWN, "kick");
	want_i64(c->sweep_budget_s, 50, "budget");
	want_i64(c->sweep_slots, 4096, "slots");
	want_path(p, c->store_dir, "../other");
	want_str(c->store_key, "/etc/skycap/key", "key");
	want_i64(c->store_cache, 64 << 20, "cache");
	want_i64(c->store_low_space, 1 << 30, "low_space");
	want_i64(c->retention_bodies_days, 1, "bodies_days");
	want_i64(c->retention_rows_days, 2, "rows_days");
	want_i64(c->retention_held_days, 3, "held_days");
	want_i64(c->limits_pending, 4, "pending_per_subscription");
	want_str(c->guard_allow, "127.0.0.0/8, ::1/128", "allow");
	want_str(c->guard_ports, "80 443", "ports");
	want_path(p, c->tls_ca, "ca.pem");
	want_str(c->mail_url, "smtps://mail.example.com:465", "mail url");
	want_str(c->mail_user, "sky=cap;x", "user");
	want_path(p, c->mail_password_file, "mail-password");
	want_str(c->mail_from, "Sk\xc3\xbd <a@example.com>", "from");
	want_i64(c->mail_connections, 2, "connections");
	want_path(p, c->log_to, "log/skycap.log");
	assert_true(c->log_json);
}

static void
a_section_may_appear_twice_and_the_last_value_holds(void **state)
{
	struct place *p = *state;

	want_rc(load(p, SLICE("[mail]\nuser = a long one\n"
	    "[log]\nformat = json\n"
	    "[mail]\nfrom = x\nuser = short\n[log]\nformat = text\n"
	    "[store]\ncache = 8M\ncache = AUTO\n")), RC_OK, "%s",
	    buf_str(&p->why));
	want_str(p->c.mail_user, "short", "user");
	want_str(p->c.mail_from, "x", "from");
	assert_false(p->c.log_json);
	want_i64(p->c.store_cache, 0, "cache");
}

static void
every_fault_is_told_with_its_line_and_what_is_right(void **state)
{
	static const struct { const char *text, *want; } t[] = {
		{ "[sits]\n", "1: there is no section [sits]; "
		    "is it [site]?" },
		{ "\n[nonsense]\nx = 1\n", "2: there is no section "
		    "[nonsense]" },
		{ "[retention]\nbody_days = 3\n", "2: [retention] has no "
		    "\"body_days\"; is it \"bodies_days\"?" },
		{ "[sweep]\nthreads = 3\n", "2: [sweep] has no \"threads\"; "
		    "[intake] has" },
		{ "[sweep]\nwhatever = 3\n", "2: [sweep] has no \"whatever\"" },
		{ "[sweep]\nURL = 3\n", "2: [sweep] has no \"URL\"" },
		{ "threads = 3\n", "1: \"threads\" stands before the first "
		    "[section]" },
		{ "[intake]\nthreads = 0\n", "2: threads = 0 is not a whole "
		    "number from 1 to 1024" },
		{ "[intake]\nthreads = 1025\n", "2: threads = 1025 is not a "
		    "whole number from 1 to 1024" },
		{ "[intake]\nthreads = -1\n", "2: threads = -1 is not a" },
		{ "[intake]\nthreads =\n", "2: threads =  is not a whole" },
		{ "[intake]\nthreads = 8K\n", "2: threads = 8K is not a" },
		{ "[intake]\nthreads = 0x8\n", "2: threads = 0x8 is not a" },
		{ "[intake]\nthreads = 8 # x\n", "2: threads = 8 # x is not" },
		{ "[intake]\nthreads = 18446744073709551617\n", "2: threads = "
		    "18446744073709551617 is not" },
		{ "[intake]\nbody_max = 1X\n", "2: body_max = 1X is not a size "
		    "from 1K to 256M" },
		{ "[intake]\nbody_max = 1KK\n", "2: body_max = 1KK is not a" },
		{ "[intake]\nbody_max = M\n", "2: body_max = M is not a size" },
		{ "[intake]\nbody_max = auto\n", "2: body_max = auto is not" },
		{ "[intake]\nbody_max = 9223372036854775807G\n",
		    "2: body_max = 9223372036854775807G is not a size" },
		{ "[intake]\nbody_max = 9007199254740992K\n",
		    "2: body_max = 9007199254740992K is not a size" },
		{ "[store]\ncache = 1K\n", "2: cache = 1K is not \"auto\" or a "
		    "size from 1M to 1024G" },
		{ "[intake]\nkick = sockets\n", "2: kick = sockets is not "
		    "auto, socket, spawn or none" },
		{ "[log]\nformat = xml\n", "2: format = xml is not text or "
		    "json" },
		{ "[site]\nurl = example.com\n", "2: url = example.com is not "
		    "an http:// or https:// URL" },
		{ "[site]\nurl = https:///x\n", "2: url = https:///x is not" },
		{ "[site]\nurl = https://a b\n", "2: url = https://a b is" },
		{ "[site]\nurl = https://a/?b\n", "2: url = https://a/?b is" },
		{ "[site]\nprefix = sky\n", "2: prefix = sky is not a URL path "
		    "that begins with /" },
		{ "[site]\ntimezone =\n", "2: timezone =  is not a time zone" },
		{ "[site]\ntimezone = ../etc/passwd\n", "2: timezone = "
		    "../etc/passwd is not a time zone" },
		{ "[mail]\nurl = http://x\n", "2: url = http://x is not an "
		    "smtp:// or smtps:// URL" },
		{ "[store]\ndir =\n", "2: dir =  is not a path" },
		{ "[log]\nthis is it\n", "2: this is neither a [section] nor "
		    "name = value" },
		{ "[log\nto = x\n", "1: this is neither a [section] nor" },
		{ "[log]\nnonsense\n[sight]\n", "2: this is neither" },
		{ "[sight]\nnonsense\n", "1: there is no section" },
		{ "[sweep]\nbudget = 1\nbudget = 0\nslots = 0\n", "3: budget" },
		{ "[log]\nto = a\x01\n", "2: this line is not UTF-8, or has "
		    "control characters" },
		{ "[log]\nto = a\rb\n", "2: this line is not UTF-8, or has" },
		{ "[log]\nto = \xff\n", "2: this line is not UTF-8, or has" },
	};
	struct place *p = *state;
	struct conf before;
	char want[PATH_MAX + 256];

	memset(&p->c, 0xee, sizeof p->c);
	before = p->c;
	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(load(p, slice_of(t[i].text)), RC_INVALID, "%s",
		    t[i].text);
		snprintf(want, sizeof want, "%s:%s", p->file, t[i].want);
		if (strncmp(buf_str(&p->why), want, strlen(want)) != 0)
			fail_msg("got \"%s\", want \"%s\"", buf_str(&p->why),
			    want);
		assert_null(strchr(buf_str(&p->why), '\n'));
		assert_memory_equal(&p->c, &before, sizeof before);
	}
	want_rc(load(p, SLICE("[log]\nto = a\0b\n")), RC_INVALID, "a NUL");
}

static void
sizes_take_units_of_1024(void **state)
{
	static const struct { const char *text; int64_t want; } t[] = {
		{ "[store]\ncache = 1048576\n", 1 << 20 },
		{ "[store]\ncache = 1024K\n", 1 << 20 },
		{ "[store]\ncache = 1025k\n", 1025 * 1024 },
		{ "[store]\ncache = 1M\n", 1 << 20 },
		{ "[store]\ncache = 1g\n", 1 << 30 },
		{ "[store]\ncache = 1024G\n", 1LL << 40 },
		{ "[store]\ncache = 0001M\n", 1 << 20 },
		{ "[store]\ncache = 1048577\n", 1048577 },
	};
	struct place *p = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		want_rc(load(p, slice_of(t[i].text)), RC_OK, "%s",
		    buf_str(&p->why));
		want_i64(p->c.store_cache, t[i].want, "%s", t[i].text);
	}
}

static void
a_value_may_be_as_long_as_its_member_and_not_longer(void **state)
{
	static const struct { const char *head; size_t most; } t[] = {
		{ "[guard]\nallow = ", sizeof((struct conf *)0)->guard_allow },
		{ "[mail]\nuser = ", sizeof((struct conf *)0)->mail_user },
		{ "[site]\nprefix = /", sizeof((struct conf *)0)->site_prefix -
		    1 },
		{ "[store]\nkey = /", CONF_PATH_MAX - 1 },
	};
	struct place *p = *state;
	struct buf text = BUF_INIT(8192);

	for (size_t i = 0; i < NELEM(t); i++)
		for (size_t n = t[i].most - 2; n <= t[i].most; n++) {
			buf_clear(&text);
			buf_puts(&text, t[i].head);
			for (size_t k = 0; k < n; k++)
				buf_putc(&text, 'x');
			want_rc(load(p, buf_as_slice(&text)),
			    n < t[i].most ? RC_OK : RC_INVALID, "%zu of %s", n,
			    t[i].head);
		}
	/* A line of any length is one line. */
	buf_clear(&text);
	buf_puts(&text, "[guard]\nallow = 1\n; ");
	while (text.len < 8000)
		buf_putc(&text, 'x');
	want_rc(load(p, buf_as_slice(&text)), RC_INVALID, "a long line");
	assert_non_null(strstr(buf_str(&p->why), ":3: this line is longer"));
	buf_free(&text);
}

static void
what_was_printed_loads_as_the_same(void **state)
{
	static const char *const text[] = { "", whole,
	    "[intake]\nkick = none\nbody_max = 1025\n[site]\nprefix = /\n" };
	struct place *p = *state;
	struct buf out = BUF_INIT(65536), again = BUF_INIT(65536);
	struct conf first;

	for (size_t i = 0; i < NELEM(text); i++) {
		want_rc(load(p, slice_of(text[i])), RC_OK, "%s",
		    buf_str(&p->why));
		first = p->c;
		buf_clear(&out);
		conf_print(&p->c, &out);
		want_rc(load(p, buf_as_slice(&out)), RC_OK, "%s",
		    buf_str(&p->why));
		assert_memory_equal(&p->c, &first, sizeof first);
		buf_clear(&again);
		conf_print(&p->c, &again);
		want_slice(buf_as_slice(&again), buf_as_slice(&out), "again");
	}
	assert_non_null(strstr(buf_str(&out), "[store]\ndir = /"));
	assert_non_null(strstr(buf_str(&out), "\ncache = auto\n"));
	assert_non_null(strstr(buf_str(&out), "\nbatch_max = 16M\n"));
	assert_non_null(strstr(buf_str(&out), "\nbody_max = 1025\n"));
	buf_free(&again);
	buf_free(&out);
}

static void
as_json_it_is_one_object_of_sections(void **state)
{
	static const struct { const char *section, *name, *want; } t[] = {
		{ "site", "url", "\"https://hooks.example.com/sky\"" },
		{ "intake", "threads", "8" },
		{ "intake", "body_max", "2097152" },
		{ "intake", "kick", "\"spawn\"" },
		{ "store", "cache", "67108864" },
		{ "mail", "from", "\"Sk\xc3\xbd <a@example.com>\"" },
		{ "log", "format", "\"json\"" },
	};
	struct place *p = *state;
	struct buf out = BUF_INIT(65536);
	struct json_doc doc = JSON_DOC_INIT;
	struct json_error err;

	want_rc(load(p, SLICE(whole)), RC_OK, "%s", buf_str(&p->why));
	conf_print_json(&p->c, &out);
	want_rc(json_scan(&doc, buf_as_slice(&out), &json_limits_default,
	    &err), RC_OK, "%s", buf_str(&out));
	want_i64(doc.tok[0].n, 10, "sections");
	for (size_t i = 0; i < NELEM(t); i++) {
		uint32_t at = json_find(&doc, 0, t[i].section);

		assert_true(at != 0);
		at = json_find(&doc, at, t[i].name);
		assert_true(at != 0);
		want_slice(json_text(&doc, at), slice_of(t[i].want), "%s",
		    t[i].name);
	}
	want_rc(load(p, SLICE("")), RC_OK, "%s", buf_str(&p->why));
	buf_clear(&out);
	conf_print_json(&p->c, &out);
	assert_non_null(strstr(buf_str(&out), "\"cache\":\"auto\""));
	json_doc_free(&doc);
	buf_free(&out);
}

static void
what_is_no_file_to_read_is_told_apart(void **state)
{
	struct place *p = *state;
	char path[PATH_MAX + 128];

	snprintf(path, sizeof path, "%s/none.conf", p->dir);
	want_rc(conf_load(&p->c, path, &p->why), RC_NOTFOUND, "no file");
	snprintf(path, sizeof path, "%s/none/skycap.conf", p->dir);
	want_rc(conf_load(&p->c, path, &p->why), RC_NOTFOUND, "no directory");
	want_rc(conf_load(&p->c, p->dir, &p->why), RC_INVALID, "a directory");
	want_rc(conf_load(&p->c, "", &p->why), RC_INVALID, "no path");
	snprintf(path, sizeof path, "%s/pipe", p->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	want_rc(conf_load(&p->c, path, &p->why), RC_INVALID, "a pipe");
	unlink(path);
	if (geteuid() != 0) {
		want_rc(load(p, SLICE("")), RC_OK, "readable");
		assert_int_equal(chmod(p->file, 0), 0);
		want_rc(conf_load(&p->c, p->file, &p->why), RC_DENIED, "0000");
		unlink(p->file);
	}
}

static void
a_relative_path_and_an_odd_directory_are_taken_care_of(void **state)
{
	static const struct { const char *name; enum rc want; } t[] = {
		{ "a b", RC_OK }, { "a;b#c=[d]", RC_OK },
		{ "caf\xc3\xa9", RC_OK }, { "a ;b", RC_INVALID },
		{ "a\nb", RC_INVALID }, { "a\xff", RC_INVALID },
	};
	struct place *p = *state;
	struct buf out = BUF_INIT(65536);
	char dir[PATH_MAX + 64], file[PATH_MAX + 128], was[PATH_MAX];
	struct conf first;

	assert_non_null(getcwd(was, sizeof was));
	for (size_t i = 0; i < NELEM(t); i++) {
		snprintf(dir, sizeof dir, "%s/%s", p->dir, t[i].name);
		snprintf(file, sizeof file, "%s/x.conf", dir);
		assert_int_equal(mkdir(dir, 0700), 0);
		write_file(file, SLICE("[log]\nto = log\n"));
		assert_int_equal(chdir(dir), 0);
		want_rc(conf_load(&p->c, "x.conf", &p->why), t[i].want, "%s",
		    t[i].name);
		assert_null(strchr(buf_str(&p->why), '\n'));
		if (t[i].want == RC_OK) {
			want_str(p->c.path, file, "path");
			first = p->c;
			buf_clear(&out);
			conf_print(&p->c, &out);
			want_rc(load(p, buf_as_slice(&out)), RC_OK, "%s",
			    buf_str(&p->why));
			want_str(p->c.store_dir, first.store_dir, "dir");
			want_str(p->c.log_to, first.log_to, "to");
		}
		assert_int_equal(chdir(was), 0);
		unlink(file);
		rmdir(dir);
	}
	buf_free(&out);
}

/*
 * What conf_find says in a copy of this program that stands in the place, so
 * that skycap.where can stand beside it.
 */
static void
find_in_copy(const struct place *p, const char *env, struct buf *found)
{
	char program[PATH_MAX + 64];
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	snprintf(program, sizeof program, "%s/copy", p->dir);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		if (env == NULL)
			unsetenv("SKYCAP_CONF");
		else
			setenv("SKYCAP_CONF", env, 1);
		execl(program, program, "--find", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	buf_clear(found);
	do {
		char *at = buf_room(found, 4096);

		assert_non_null(at);
		n = read(ends[0], at, 4096);
		assert_true(n >= 0);
		found->len += (size_t)n;
		found->s[found->len] = '\0';
	} while (n > 0);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
copy_program(const struct place *p)
{
	char program[PATH_MAX + 64], block[65536];
	int from = open("/proc/self/exe", O_RDONLY), to;
	ssize_t n;

	snprintf(program, sizeof program, "%s/copy", p->dir);
	to = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_true(from != -1 && to != -1);
	do {
		n = read(from, block, sizeof block);
		assert_true(n >= 0);
		assert_int_equal(write(to, block, (size_t)n), n);
	} while (n > 0);
	close(from);
	close(to);
}

static void
the_file_is_found_where_the_nearest_says(void **state)
{
	static const char builtin[] = "/skycap.conf";
	struct place *p = *state;
	struct buf found = BUF_INIT(65536);
	char where[PATH_MAX + 64], program[PATH_MAX + 64];

	assert_int_equal(setenv("SKYCAP_CONF", "/env", 1), 0);
	conf_find("/flag", "/param", &found);
	want_str(buf_str(&found), "/flag", "a flag");
	buf_clear(&found);
	conf_find(NULL, "/param", &found);
	want_str(buf_str(&found), "/env", "the environment");
	buf_clear(&found);
	conf_find("", "/param", &found);
	want_str(buf_str(&found), "/env", "an empty flag");
	buf_clear(&found);
	assert_int_equal(setenv("SKYCAP_CONF", "", 1), 0);
	conf_find(NULL, "/param", &found);
	want_str(buf_str(&found), "/param", "a parameter");
	unsetenv("SKYCAP_CONF");

	copy_program(p);
	snprintf(program, sizeof program, "%s/copy", p->dir);
	snprintf(where, sizeof where, "%s/skycap.where", p->dir);
	find_in_copy(p, NULL, &found);
	assert_true(found.len > strlen(builtin));
	want_str(found.s + found.len - strlen(builtin), builtin, "built in");
	write_file(where, SLICE("/over/there.conf \r\nmore\n"));
	find_in_copy(p, NULL, &found);
	want_str(buf_str(&found), "/over/there.conf", "skycap.where");
	find_in_copy(p, "/env", &found);
	want_str(buf_str(&found), "/env", "the environment goes first");
	write_file(where, SLICE("beside.conf"));
	find_in_copy(p, NULL, &found);
	want_path(p, buf_str(&found), "beside.conf");
	write_file(where, SLICE("\n"));
	find_in_copy(p, NULL, &found);
	want_str(found.s + found.len - strlen(builtin), builtin, "no path");
	unlink(where);
	unlink(program);
	buf_free(&found);
}

static int
find_and_say(void)
{
	struct buf path = BUF_INIT(65536);

	conf_find(NULL, NULL, &path);
	printf("%s", buf_str(&path));
	buf_free(&path);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_empty_file_gives_the_defaults),
	    TEST(each_name_sets_what_it_says),
	    TEST(a_section_may_appear_twice_and_the_last_value_holds),
	    TEST(every_fault_is_told_with_its_line_and_what_is_right),
	    TEST(sizes_take_units_of_1024),
	    TEST(a_value_may_be_as_long_as_its_member_and_not_longer),
	    TEST(what_was_printed_loads_as_the_same),
	    TEST(as_json_it_is_one_object_of_sections),
	    TEST(what_is_no_file_to_read_is_told_apart),
	    TEST(a_relative_path_and_an_odd_directory_are_taken_care_of),
	    TEST(the_file_is_found_where_the_nearest_says),
	};

	if (argc == 2 && strcmp(argv[1], "--find") == 0)
		return find_and_say();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
