#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "deliver/channel_mail.h"
#include "unit_smtp.h"

#define PATIENCE_MS	8000
#define FREE_MS		1000	/* mail_free takes that at most */
#define TEXT		"Subject: x\r\n\r\nHello\r\n"

/* A result that outlives its callback. */
struct result {
	int	 calls;
	struct channel_result r;
	char	 word[16], head[CHANNEL_KEEP_HEAD + 1];
	char	 body[CHANNEL_KEEP_BODY + 1];
	size_t	 body_len;
};

static void
note(void *arg, const struct channel_result *r)
{
	struct result *re = arg;

	re->calls++;
	re->r = *r;
	re->body_len = r->body.len;
	snprintf(re->word, sizeof re->word, "%s", r->word);
	snprintf(re->head, sizeof re->head, "%.*s", (int)r->head.len,
	    r->head.len == 0 ? "" : r->head.s);
	snprintf(re->body, sizeof re->body, "%.*s", (int)r->body.len,
	    r->body.len == 0 ? "" : r->body.s);
}

/* A name server: what it says follows from the name. */
static void
find(const char *host, struct resolve_answer *a)
{
	if (strncmp(host, "none.", 5) == 0)
		a->error = EAI_NONAME;
	else if (strncmp(host, "lack.", 5) == 0) {
		a->error = EAI_AGAIN;
		a->os_error = EMFILE;
	} else if (strncmp(host, "dead.", 5) == 0) {
		(void)poll(NULL, 0, 2500);
		a->error = EAI_AGAIN;
	} else
		snprintf(a->addresses, sizeof a->addresses, "127.0.0.1");
}

/* How long it was is not for a busy machine to decide. */
static void
want_ending(const char *got, const char *want)
{
	size_t n = strlen(got), m = strlen(want);

	want_str(n > m ? got + n - m : got, want, "ending of %s", got);
}

static struct mail *
channel_at(const char *url, const char *user, const char *password,
    uint32_t connections)
{
	struct mail_options o = { .url = url, .user = user,
	    .password = password, .ca = "", .connections = connections,
	    .find = find };
	struct buf why = BUF_INIT(256);
	struct mail *m;

	want_rc(mail_new(&m, &o, &why), RC_OK, "%s (%s)", url, buf_str(&why));
	buf_free(&why);
	return m;
}

static struct mail *
channel(const struct smtp *s)
{
	char url[64];

	snprintf(url, sizeof url, "smtp://127.0.0.1:%u", s->port);
	return channel_at(url, "", "", 4);
}

/* Run until n results are there. */
static void
wait_for(struct mail *m, const struct result *re, int n)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	struct pollfd p = { .fd = mail_fd(m), .events = POLLIN };

	mail_work(m);
	while (re->calls < n && clock_mono_ms() < until) {
		(void)poll(&p, 1, 100);
		mail_work(m);
	}
	want_i64(re->calls, n, "results");
}

static void
send_text(struct mail *m, const char *text, int64_t timeout_ms,
    struct result *re)
{
	struct mail_request rq = { .from = "skycap@a.example",
	    .to = "ops@b.example", .message = slice_of(text),
	    .timeout_ms = timeout_ms };

	mail_send(m, &rq, note, re);
}

static struct result
ask(struct mail *m, int64_t timeout_ms)
{
	struct result re = { .calls = 0 };

	send_text(m, TEXT, timeout_ms, &re);
	wait_for(m, &re, 1);
	return re;
}

static int
set_up(void **state)
{
	static struct smtp s;

	*state = &s;
	return smtp_start(&s);
}

static int
tear_down(void **state)
{
	return smtp_stop(*state);
}

static void
set_answer(struct smtp *s, enum smtp_at at, const char *answer)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < SMTP_STEPS; i++)
		s->answer[i] = NULL;
	s->from_mail = 0;
	s->delay_ms = 0;
	s->answer[at] = answer;
	pthread_mutex_unlock(&s->lock);
}

static void
also_answer(struct smtp *s, enum smtp_at at, const char *answer)
{
	pthread_mutex_lock(&s->lock);
	s->answer[at] = answer;
	pthread_mutex_unlock(&s->lock);
}

/* The server knows that its clients have gone. */
static void
wait_for_end(struct smtp *s)
{
	while (atomic_load(&s->talking) > 0)
		(void)poll(NULL, 0, 5);
}

static void
one_mail_is_one_transaction_with_one_recipient(void **state)
{
	struct smtp *s = *state;
	struct mail *m = channel(s);
	struct result re = ask(m, 5000);

	want_str(re.word, "ok", "word (%s)", re.r.sentence);
	want_i64(re.r.status, 250, "status");
	want_i64(re.r.fault, CHANNEL_THEIRS, "fault");
	want_str(re.r.sentence, "Taken: 250 2.0.0 Queued as 7", "sentence");
	want_str(re.body, "250 2.0.0 Queued as 7\r\n", "body");
	want_str(s->mail, "MAIL FROM:<skycap@a.example>", "sender");
	want_str(s->rcpt, "RCPT TO:<ops@b.example>", "recipient");
	want_str(buf_str(&s->message), TEXT, "message");
	assert_true(strstr(re.head, "S: 220 mail.example ESMTP\nC: EHLO ") ==
	    re.head);
	assert_non_null(strstr(re.head, "C: DATA\nS: 354 Go on\nS: 250 2.0.0 "
	    "Queued as 7\n"));
	assert_true(re.r.total_us > 0 && re.r.connect_us > 0 &&
	    re.r.first_us > 0 && re.r.first_us <= re.r.total_us);
	assert_non_null(strstr(re.r.address, "127.0.0.1:"));
	want_i64(mail_under_way(m), 0, "under way");
	mail_free(m);
	wait_for_end(s);
	want_i64(atomic_load(&s->quits), 1, "QUIT");
}

static void
an_answer_is_judged_by_the_step_it_answers(void **state)
{
	static const struct {
		enum smtp_at at;
		const char *answer;
		int status;
		const char *word;
		enum channel_fault fault;
		const char *sentence;
	} t[] = {
		{ SMTP_BANNER, "421 4.3.2 Later\r\n", 421, "smtp",
		    CHANNEL_SERVER,
		    "The server closes the connection: 421 4.3.2 Later" },
		{ SMTP_BANNER, "450 Later\r\n", 450, "smtp", CHANNEL_SERVER,
		    "The server does not take the connection now: 450 Later" },
		{ SMTP_BANNER, "554 5.7.1 Go away\r\n", 554, "smtp",
		    CHANNEL_SERVER,
		    "The server refuses the connection: 554 5.7.1 Go away" },
		{ SMTP_MAIL, "451 4.3.0 Oh\r\n", 451, "smtp", CHANNEL_SERVER,
		    "The server does not take the sender now: 451 4.3.0 Oh" },
		{ SMTP_MAIL, "550 5.7.1 Not you\r\n", 550, "smtp",
		    CHANNEL_SERVER,
		    "The server refuses the sender: 550 5.7.1 Not you" },
		{ SMTP_MAIL, "530 5.7.0 Who are you\r\n", 530, "login",
		    CHANNEL_SERVER,
		    "The server wants a log-in: 530 5.7.0 Who are you" },
		{ SMTP_RCPT, "450 4.2.0 Greylisted\r\n", 450, "smtp",
		    CHANNEL_THEIRS, "The server does not take the recipient "
		    "now: 450 4.2.0 Greylisted" },
		{ SMTP_RCPT, "550-5.1.1 No such user\r\n550 5.1.1 here\r\n",
		    550, "smtp", CHANNEL_REJECTED, "The server refuses the "
		    "recipient: 550 5.1.1 No such user 5.1.1 here" },
		{ SMTP_RCPT, "421 4.7.0 Too much\r\n", 421, "smtp",
		    CHANNEL_SERVER,
		    "The server closes the connection: 421 4.7.0 Too much" },
		{ SMTP_RCPT, "530 5.7.0 Who are you\r\n", 530, "login",
		    CHANNEL_SERVER,
		    "The server wants a log-in: 530 5.7.0 Who are you" },
		{ SMTP_DATA, "451 Not now\r\n", 451, "smtp", CHANNEL_THEIRS,
		    "The server does not take the message now: 451 Not now" },
		{ SMTP_DATA, "554 No\r\n", 554, "smtp", CHANNEL_REJECTED,
		    "The server refuses the message: 554 No" },
		{ SMTP_DOT, "452 4.3.1 Full\r\n", 452, "smtp", CHANNEL_THEIRS,
		    "The server does not take the message now: 452 4.3.1 "
		    "Full" },
		{ SMTP_DOT, "554 5.6.0 Spam\r\n", 554, "smtp",
		    CHANNEL_REJECTED,
		    "The server refuses the message: 554 5.6.0 Spam" },
		{ SMTP_DOT, "421 Bye\r\n", 421, "smtp", CHANNEL_SERVER,
		    "The server closes the connection: 421 Bye" },
		{ SMTP_DOT, "250\r\n", 250, "ok", CHANNEL_THEIRS,
		    "Taken: 250" },
		{ SMTP_RCPT, "550 \1\33[2J\r\n", 550, "smtp", CHANNEL_REJECTED,
		    "The server refuses the recipient: 550 ??[2J" },
		{ SMTP_RCPT, "354 Hm\r\n", 0, "protocol", CHANNEL_SERVER,
		    NULL },
		{ SMTP_DATA, "250 Hm\r\n", 0, "protocol", CHANNEL_SERVER,
		    NULL },
	};
	struct smtp *s = *state;
	struct mail *m = channel(s);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct result re;

		set_answer(s, t[i].at, t[i].answer);
		mail_free(m);		/* the banner is for new ones */
		m = channel(s);
		re = ask(m, 3000);
		want_str(re.word, t[i].word, "word of %s (%s)", t[i].answer,
		    re.r.sentence);
		want_i64(re.r.status, t[i].status, "status of %s",
		    t[i].answer);
		want_i64(re.r.fault, t[i].fault, "fault of %d, %s", t[i].at,
		    t[i].answer);
		if (t[i].sentence != NULL)
			want_str(re.r.sentence, t[i].sentence, "sentence");
		want_i64((int64_t)re.r.body_len, (int64_t)strlen(t[i].answer),
		    "length of %s", t[i].answer);
	}
	mail_free(m);
}

static void
a_server_that_refuses_ehlo_is_greeted_in_the_old_way(void **state)
{
	struct smtp *s = *state;
	struct mail *m = channel(s);
	struct result re;

	set_answer(s, SMTP_EHLO, "500 What?\r\n");
	re = ask(m, 3000);
	want_str(re.word, "ok", "word (%s)", re.r.sentence);
	mail_free(m);
	m = channel(s);
	also_answer(s, SMTP_HELO, "550 Not you\r\n");
	re = ask(m, 3000);
	want_str(re.word, "smtp", "word");
	want_i64(re.r.fault, CHANNEL_SERVER, "fault");
	want_str(re.r.sentence, "The server refuses the greeting: 550 Not you",
	    "sentence");
	mail_free(m);
}

static void
what_is_no_answer_is_the_servers_fault_at_each_step(void **state)
{
	static const enum smtp_at step[] = { SMTP_BANNER, SMTP_EHLO, SMTP_MAIL,
	    SMTP_RCPT, SMTP_DATA, SMTP_DOT };
	static const struct { const char *answer, *word, *sentence; } t[] = {
		{ SMTP_DROP, "reset", "The connection was closed while " },
		{ SMTP_SILENT, "timeout",
		    "No answer in time: given up after " },
		{ SMTP_HALF, "timeout",
		    "No answer in time: given up after " },
		{ SMTP_ENDLESS, "protocol", "What came back is not SMTP" },
		{ SMTP_LINES, "protocol", "What came back is not SMTP" },
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", "protocol",
		    "What came back is not SMTP" },
		{ "\r\n", "protocol", "What came back is not SMTP" },
		{ "2500 Hm\r\n", "protocol", "What came back is not SMTP" },
	};
	static const char *const during[] = { "greeting", "EHLO", "MAIL",
	    "RCPT", "DATA", "message" };
	struct smtp *s = *state;

	for (size_t i = 0; i < NELEM(step); i++)
		for (size_t k = 0; k < NELEM(t); k++) {
			struct mail *m = channel(s);
			int64_t begun = clock_mono_ms();
			struct result re;

			set_answer(s, step[i], t[k].answer);
			re = ask(m, strcmp(t[k].word, "timeout") == 0 ? 300 :
			    5000);
			want_str(re.word, t[k].word, "word of %s at %s (%s)",
			    t[k].answer, during[i], re.r.sentence);
			want_i64(re.r.fault, CHANNEL_SERVER, "fault");
			want_i64(re.r.status, 0, "status of %s at %s",
			    t[k].answer, during[i]);
			assert_true(clock_mono_ms() - begun < 4000);
			assert_ptr_equal(strstr(re.r.sentence, t[k].sentence),
			    re.r.sentence);
			if (k < 3)
				assert_non_null(strstr(re.r.sentence,
				    during[i]));
			begun = clock_mono_ms();
			mail_free(m);
			assert_true(clock_mono_ms() - begun < FREE_MS);
		}
}

static void
a_bare_line_end_ends_an_answer_too(void **state)
{
	struct smtp *s = *state;
	struct mail *m = channel(s);
	struct result re;

	set_answer(s, SMTP_RCPT, "550 no\n");
	re = ask(m, 3000);
	want_str(re.r.sentence, "The server refuses the recipient: 550 no",
	    "sentence");
	mail_free(m);
}

/* Whatever is sent comes out as it was, with a line end at the end. */
static void
dots_and_line_ends_arrive_as_they_were(void **state)
{
	static const struct { const char *text, *wire; } t[] = {
		{ ".\r\n", "..\r\n" },
		{ ".", "..\r\n" },
		{ "a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n" },
		{ "a\r\n..\r\n.b\r\n", "a\r\n...\r\n..b\r\n" },
		{ "a\r\n.", "a\r\n..\r\n" },
		{ "a.\r\nb.", "a.\r\nb.\r\n" },
		{ "no end", "no end\r\n" },
		{ "a\r\n\r\n", "a\r\n\r\n" },
		{ "a\r\n.\r\nMAIL FROM:<x>\r\n", "a\r\n..\r\nMAIL FROM:<x>"
		    "\r\n" },
		{ "", "" },
	};
	struct smtp *s = *state;
	struct mail *m = channel(s);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct result re = { .calls = 0 };

		send_text(m, t[i].text, 3000, &re);
		wait_for(m, &re, 1);
		want_str(re.word, "ok", "word of %zu", i);
		want_str(buf_str(&s->message), t[i].wire, "wire of %zu", i);
	}
	want_i64(atomic_load(&s->connections), 1, "connections");
	mail_free(m);
}

/* Where libcurl's blocks begin and end must not matter. */
static void
a_long_message_has_its_dots_at_every_offset(void **state)
{
	struct buf text = BUF_INIT(1 << 21), wire = BUF_INIT(1 << 21);
	struct smtp *s = *state;
	struct mail *m = channel(s);

	for (size_t shift = 0; shift < 4; shift++) {
		struct result re = { .calls = 0 };

		buf_clear(&text);
		buf_clear(&wire);
		for (size_t i = 0; i < shift; i++)
			buf_putc(&text, 'a');
		buf_slice(&wire, buf_as_slice(&text));
		for (size_t i = 0; text.len < 400000; i++) {
			buf_puts(&text, "\r\n.");
			buf_puts(&wire, "\r\n..");
			if (i % 7 == 0) {
				buf_puts(&text, "x");
				buf_puts(&wire, "x");
			}
		}
		buf_puts(&wire, "\r\n");
		send_text(m, text.s, 8000, &re);
		wait_for(m, &re, 1);
		want_str(re.word, "ok", "word");
		assert_true(slice_eq(buf_as_slice(&s->message),
		    buf_as_slice(&wire)));
	}
	buf_free(&text);
	buf_free(&wire);
	mail_free(m);
}

static void
a_connection_is_kept_for_the_next_mail(void **state)
{
	struct smtp *s = *state;
	struct mail *m = channel(s);

	for (int i = 0; i < 5; i++) {
		struct result re = ask(m, 3000);

		want_str(re.word, "ok", "word");
		if (i > 0) {
			want_i64(re.r.connect_us, 0, "connect");
			assert_ptr_equal(strstr(re.head, "C: MAIL FROM:"),
			    re.head);
		}
		assert_non_null(strstr(re.r.address, "127.0.0.1:"));
	}
	want_i64(atomic_load(&s->connections), 1, "connections");
	want_i64(atomic_load(&s->quits), 0, "QUIT");
	mail_free(m);
	wait_for_end(s);
	want_i64(atomic_load(&s->quits), 1, "QUIT");
}

static void
a_kept_connection_that_is_gone_costs_no_attempt(void **state)
{
	static const char *const answer[] = { SMTP_DROP,
	    "421 4.4.2 Timeout\r\n" };
	struct smtp *s = *state;

	for (size_t i = 0; i < NELEM(answer); i++) {
		struct mail *m = channel(s);
		int before;
		struct result re;

		set_answer(s, SMTP_MAIL, answer[i]);
		pthread_mutex_lock(&s->lock);
		s->from_mail = 1;
		pthread_mutex_unlock(&s->lock);
		before = atomic_load(&s->connections);
		re = ask(m, 3000);
		want_str(re.word, "ok", "word of the first");
		re = ask(m, 3000);
		want_str(re.word, "ok", "word of the second (%s)",
		    re.r.sentence);
		want_i64(atomic_load(&s->connections) - before, 2,
		    "connections");
		mail_free(m);
	}
}

static void
what_was_begun_on_a_kept_connection_is_not_sent_twice(void **state)
{
	struct smtp *s = *state;
	struct mail *m = channel(s);
	struct result re = ask(m, 3000);

	set_answer(s, SMTP_DOT, SMTP_DROP);
	re = ask(m, 3000);
	want_str(re.word, "reset", "word");
	want_i64(atomic_load(&s->mails), 2, "mails");
	want_str(re.r.sentence, "The connection was closed while waiting for "
	    "the answer to the message, which may have arrived", "sentence");
	mail_free(m);
}

static void
silence_after_quit_holds_nobody_up(void **state)
{
	static const char *const answer[] = { SMTP_SILENT, SMTP_ENDLESS,
	    SMTP_LINES, SMTP_HALF, SMTP_DROP };
	struct smtp *s = *state;

	for (size_t i = 0; i < NELEM(answer); i++) {
		struct mail *m = channel(s);
		int64_t begun = clock_mono_ms();
		struct result re;
		int quits = atomic_load(&s->quits);

		set_answer(s, SMTP_QUIT, answer[i]);
		re = ask(m, 3000);
		want_str(re.word, "ok", "word");
		/* a refusal has libcurl say QUIT at once */
		also_answer(s, SMTP_RCPT, "550 No\r\n");
		re = ask(m, 3000);
		want_i64(re.r.fault, CHANNEL_REJECTED, "fault");
		also_answer(s, SMTP_RCPT, NULL);
		re = ask(m, 3000);
		want_str(re.word, "ok", "word");
		assert_true(clock_mono_ms() - begun < 3000);
		begun = clock_mono_ms();
		mail_free(m);
		/* less than a patience that would hide that it waits */
		assert_true(clock_mono_ms() - begun < (i == 0 ? 300 :
		    FREE_MS));
		wait_for_end(s);
		want_i64(atomic_load(&s->quits) - quits, 2, "QUIT");
	}
}

static void
no_more_connections_than_allowed_are_open_at_once(void **state)
{
	struct result re[20] = { { .calls = 0 } };
	struct smtp *s = *state;
	struct mail *m = channel(s);
	int64_t begun = clock_mono_ms();

	set_answer(s, SMTP_DOT, NULL);
	s->delay_ms = 100;
	for (size_t i = 0; i < NELEM(re); i++)
		send_text(m, TEXT, 450, &re[i]);
	want_i64(mail_under_way(m), 20, "under way");
	for (size_t i = 0; i < NELEM(re); i++) {
		wait_for(m, &re[i], 1);
		/* its time counts from its start, not from when it was given */
		want_str(re[i].word, "ok", "word of %zu (%s)", i,
		    re[i].r.sentence);
	}
	/* the wait for one answer holds no other mail up */
	assert_true(clock_mono_ms() - begun < 20 * 100 / 2);
	want_i64(atomic_load(&s->most), 4, "at once");
	want_i64(atomic_load(&s->connections), 4, "connections");
	mail_free(m);
}

static void
cancelling_calls_back_for_none(void **state)
{
	static const enum smtp_at step[] = { SMTP_BANNER, SMTP_EHLO, SMTP_MAIL,
	    SMTP_RCPT, SMTP_DATA, SMTP_DOT };
	struct smtp *s = *state;

	for (size_t i = 0; i < NELEM(step); i++) {
		struct result re[6] = { { .calls = 0 } }, after;
		struct mail *m = channel(s);
		int64_t begun;

		set_answer(s, step[i], SMTP_SILENT);
		for (size_t k = 0; k < NELEM(re); k++)
			send_text(m, TEXT, 9000, &re[k]);
		(void)poll(NULL, 0, 50);
		mail_cancel(m);
		want_i64(mail_under_way(m), 0, "under way");
		set_answer(s, step[i], NULL);
		after = ask(m, 3000);
		want_str(after.word, "ok", "word");
		for (size_t k = 0; k < NELEM(re); k++)
			want_i64(re[k].calls, 0, "calls");
		set_answer(s, step[i], SMTP_SILENT);
		send_text(m, TEXT, 9000, &re[0]);
		(void)poll(NULL, 0, 50);
		begun = clock_mono_ms();
		mail_free(m);
		want_i64(re[0].calls, 0, "calls");
		assert_true(clock_mono_ms() - begun < FREE_MS);
	}
}

/* libcurl would end the message, and half of it arrive as a whole. */
static void
a_message_cut_short_does_not_arrive(void **state)
{
	struct buf text = BUF_INIT(1 << 26);
	struct smtp *s = *state;
	struct mail *m = channel(s);
	struct result re = { .calls = 0 };

	/* more than buffers take, to one who does not read on */
	set_answer(s, SMTP_DATA, "354 Go on\r\n");
	buf_puts(&text, TEXT);
	while (text.len < 32 << 20)
		buf_puts(&text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	also_answer(s, SMTP_TOKEN, SMTP_SILENT);
	send_text(m, text.s, 600, &re);
	wait_for(m, &re, 1);
	want_str(re.word, "timeout", "word (%s)", re.r.sentence);
	assert_non_null(strstr(re.r.sentence, "sending the message"));
	re.calls = 0;
	send_text(m, text.s, 5000, &re);
	(void)poll(NULL, 0, 200);
	mail_cancel(m);
	mail_free(m);
	want_i64(atomic_load(&s->mails), 0, "mails");
	want_i64(re.calls, 0, "calls");
	buf_free(&text);
}

static void
a_name_is_looked_up_without_holding_anything_up(void **state)
{
	static const struct {
		const char *host, *word;
		enum channel_fault fault;
		const char *sentence;
	} t[] = {
		{ "none.example", "dns", CHANNEL_SERVER,
		    "The name does not exist" },
		{ "lack.example", "internal", CHANNEL_OURS,
		    "The request could not be made (Too many open files)" },
		{ "dead.example", "timeout", CHANNEL_SERVER,
		    " s, while looking up the name" },
		{ "mail.example", "ok", CHANNEL_THEIRS,
		    "Taken: 250 2.0.0 Queued as 7" },
		{ "localhost", "ok", CHANNEL_THEIRS,
		    "Taken: 250 2.0.0 Queued as 7" },
	};
	struct smtp *s = *state;

	for (size_t i = 0; i < NELEM(t); i++) {
		struct result re;
		struct mail *m;
		int64_t begun;
		char url[64];

		snprintf(url, sizeof url, "smtp://%s:%u", t[i].host, s->port);
		m = channel_at(url, "", "", 2);
		re = ask(m, strncmp(t[i].host, "dead.", 5) == 0 ? 300 : 5000);
		want_str(re.word, t[i].word, "word of %s (%s)", t[i].host,
		    re.r.sentence);
		want_i64(re.r.fault, t[i].fault, "fault of %s", t[i].host);
		want_ending(re.r.sentence, t[i].sentence);
		re.calls = 0;
		send_text(m, TEXT, 5000, &re);
		begun = clock_mono_ms();
		mail_free(m);
		assert_true(clock_mono_ms() - begun < FREE_MS);
	}
}

static void
a_password_is_sent_under_tls_or_to_the_machine_itself(void **state)
{
	struct smtp *s = *state;
	struct result re;
	struct mail *m;
	char url[64];

	set_answer(s, SMTP_EHLO, "250-mail.example\r\n250 AUTH PLAIN\r\n");
	snprintf(url, sizeof url, "smtp://mail.example:%u", s->port);
	m = channel_at(url, "me", "secret", 1);
	re = ask(m, 3000);
	want_str(re.word, "tls", "word (%s)", re.r.sentence);
	want_i64(re.r.fault, CHANNEL_SERVER, "fault");
	want_str(re.r.sentence, "The server does not offer TLS, and the "
	    "password is not sent without", "sentence");
	set_answer(s, SMTP_EHLO, "250-mail.example\r\n250-STARTTLS\r\n"
	    "250 AUTH PLAIN\r\n");
	re = ask(m, 3000);
	want_str(re.word, "smtp", "word (%s)", re.r.sentence);
	want_i64(re.r.status, 502, "status");
	want_str(re.r.sentence, "The server refuses to begin TLS: 502 5.5.1 "
	    "What?", "sentence");
	mail_free(m);

	set_answer(s, SMTP_EHLO, "250-mail.example\r\n250 AUTH PLAIN\r\n");
	snprintf(url, sizeof url, "smtp://127.0.0.1:%u", s->port);
	m = channel_at(url, "me", "secret", 1);
	re = ask(m, 3000);
	want_str(re.word, "ok", "word (%s)", re.r.sentence);
	mail_free(m);
}

static void
what_is_sent_to_log_in_is_never_on_record(void **state)
{
	static const struct {
		enum smtp_at at;
		const char *answer, *word;
		int status;
		const char *sentence;
	} t[] = {
		{ SMTP_AUTH, "504 5.5.4 No PLAIN here\r\n", "login", 504,
		    "The server refuses user or password: 504 5.5.4 No PLAIN "
		    "here" },
		{ SMTP_TOKEN, "535 5.7.8 No\r\n", "login", 535,
		    "The server refuses user or password: 535 5.7.8 No" },
		{ SMTP_TOKEN, "454 4.7.0 Not now\r\n", "smtp", 454,
		    "The server does not take user or password now: 454 4.7.0 "
		    "Not now" },
		{ SMTP_TOKEN, SMTP_DROP, "reset", 0,
		    "The connection was closed while waiting for the answer "
		    "to AUTH" },
		{ SMTP_TOKEN, SMTP_SILENT, "timeout", 0,
		    " s, while waiting for the answer to AUTH" },
		/* "\0me\0secret" */
		{ SMTP_TOKEN, "535 5.7.8 AG1lAHNlY3JldA== is wrong\r\n",
		    "login", 535, "The server refuses user or password: 535" },
		{ SMTP_TOKEN, "334 \r\n", "login", 0,
		    "Logging in did not work" },
	};
	struct smtp *s = *state;
	char url[64];

	snprintf(url, sizeof url, "smtp://127.0.0.1:%u", s->port);
	for (size_t i = 0; i < NELEM(t); i++) {
		struct mail *m = channel_at(url, "me", "secret", 1);
		struct result re;

		set_answer(s, SMTP_EHLO, "250-mail.example\r\n250 AUTH PLAIN"
		    "\r\n");
		also_answer(s, t[i].at, t[i].answer);
		re = ask(m, strcmp(t[i].answer, SMTP_SILENT) == 0 ? 300 : 5000);
		want_str(re.word, t[i].word, "word of %s (%s)", t[i].answer,
		    re.r.sentence);
		want_i64(re.r.status, t[i].status, "status");
		want_i64(re.r.fault, CHANNEL_SERVER, "fault");
		want_ending(re.r.sentence, t[i].sentence);
		assert_non_null(strstr(re.head, "C: AUTH ...\n"));
		assert_null(strstr(re.head, "secret"));
		assert_null(strstr(re.head, "AG1lAHNlY3JldA"));
		assert_null(strstr(re.body, "AG1lAHNlY3JldA"));
		assert_null(strstr(re.r.sentence, "AG1lAHNlY3JldA"));
		mail_free(m);
	}
}

/* A relay that does not know us would refuse each recipient for good. */
static void
nothing_is_sent_where_the_wanted_log_in_is_not_offered(void **state)
{
	struct smtp *s = *state;
	struct result re;
	struct mail *m;
	char url[64];

	snprintf(url, sizeof url, "smtp://127.0.0.1:%u", s->port);
	m = channel_at(url, "me", "secret", 1);
	re = ask(m, 3000);
	want_str(re.word, "login", "word (%s)", re.r.sentence);
	want_i64(re.r.fault, CHANNEL_SERVER, "fault");
	want_str(re.r.sentence, "The server offers no way to log in",
	    "sentence");
	want_str(s->mail, "", "sender");
	set_answer(s, SMTP_EHLO, "250-mail.example\r\n250 AUTH GSSAPI\r\n");
	re = ask(m, 3000);
	want_str(re.word, "login", "word (%s)", re.r.sentence);
	want_str(s->mail, "", "sender");
	mail_free(m);
}

static void
what_answers_no_tls_is_no_tls_server(void **state)
{
	struct smtp *s = *state;
	struct result re;
	struct mail *m;
	char url[64];

	snprintf(url, sizeof url, "smtps://127.0.0.1:%u", s->port);
	m = channel_at(url, "", "", 1);
	re = ask(m, 2000);
	want_str(re.word, "tls", "word (%s)", re.r.sentence);
	want_i64(re.r.fault, CHANNEL_SERVER, "fault");
	set_answer(s, SMTP_BANNER, SMTP_SILENT);
	re = ask(m, 300);
	want_str(re.word, "timeout", "word");
	want_ending(re.r.sentence, " s, while agreeing on TLS");
	mail_free(m);
}

static void
a_port_where_nobody_listens_refuses(void **state)
{
	struct mail *m = channel_at("smtp://127.0.0.1:1", "", "", 1);
	struct result re = ask(m, 2000);

	(void)state;
	want_str(re.word, "refused", "word (%s)", re.r.sentence);
	want_i64(re.r.fault, CHANNEL_SERVER, "fault");
	mail_free(m);
}

static void
a_machine_that_does_not_answer_at_all_holds_nothing_up(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), full[4];
	socklen_t len = sizeof in;
	struct result re;
	int64_t begun;
	struct mail *m;
	char url[64];

	(void)state;
	want_i64(bind(fd, (struct sockaddr *)&in, sizeof in), 0, "bind");
	want_i64(listen(fd, 0), 0, "listen");
	want_i64(getsockname(fd, (struct sockaddr *)&in, &len), 0, "name");
	/* one who is not taken, and all after that are not even heard */
	for (size_t i = 0; i < NELEM(full); i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(full[i], (struct sockaddr *)&in, sizeof in);
	}
	snprintf(url, sizeof url, "smtp://127.0.0.1:%u", ntohs(in.sin_port));
	m = channel_at(url, "", "", 2);
	re = ask(m, 300);
	want_str(re.word, "timeout", "word (%s)", re.r.sentence);
	want_ending(re.r.sentence, " s, while connecting");
	send_text(m, TEXT, 9000, &re);
	(void)poll(NULL, 0, 50);
	begun = clock_mono_ms();
	mail_free(m);
	assert_true(clock_mono_ms() - begun < FREE_MS);
	want_i64(re.calls, 1, "calls");
	for (size_t i = 0; i < NELEM(full); i++)
		close(full[i]);
	close(fd);
}

static void
without_descriptors_it_is_our_fault(void **state)
{
	struct smtp *s = *state;
	struct mail *m = channel(s);
	struct rlimit old, few;
	struct result re;

	want_i64(getrlimit(RLIMIT_NOFILE, &old), 0, "getrlimit");
	few = old;
	few.rlim_cur = 3;
	want_i64(setrlimit(RLIMIT_NOFILE, &few), 0, "setrlimit");
	re = ask(m, 2000);
	want_i64(setrlimit(RLIMIT_NOFILE, &old), 0, "setrlimit");
	want_str(re.word, "internal", "word (%s)", re.r.sentence);
	want_i64(re.r.fault, CHANNEL_OURS, "fault");
	re = ask(m, 2000);
	want_str(re.word, "ok", "word (%s)", re.r.sentence);
	mail_free(m);
}

static void
no_address_enters_a_command_that_would_change_it(void **state)
{
	static const struct { const char *address; bool ok; } t[] = {
		{ "a@b.example", true },
		{ "\"a b\"@c.example", true },
		{ "\"a\\\"<\"@c.example", true },
		{ "", true },
		{ "a@b.example> NOTIFY=NEVER", false },
		{ "a@b.example\r\nDATA", false },
		{ "a@b.example\n", false },
		{ "<a@b.example>", false },
		{ "\"a@b.example", false },
		{ "\303\251@b.example", false },
	};
	struct smtp *s = *state;
	struct mail *m = channel(s);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct mail_request rq = { .from = "a@b.example",
		    .to = t[i].address, .message = SLICE(TEXT),
		    .timeout_ms = 2000 };
		struct result re = { .calls = 0 };
		char want[64];

		want_i64(mail_address_ok(t[i].address), t[i].ok, "%s",
		    t[i].address);
		mail_send(m, &rq, note, &re);
		want_i64(re.calls, 0, "calls before mail_work");
		wait_for(m, &re, 1);
		if (!t[i].ok || t[i].address[0] == '\0') {
			want_str(re.word, "address", "word");
			want_i64(re.r.fault, CHANNEL_REJECTED, "fault");
			continue;
		}
		want_str(re.word, "ok", "word of %s (%s)", t[i].address,
		    re.r.sentence);
		snprintf(want, sizeof want, "RCPT TO:<%s>", t[i].address);
		want_str(s->rcpt, want, "command");
	}
	mail_free(m);
}

static void
the_name_to_greet_with_is_a_valid_one(void **state)
{
	static const struct { const char *path, *ehlo; } t[] = {
		{ "/skycap.example.org", "EHLO skycap.example.org" },
		{ "/[192.0.2.1]", "EHLO [192.0.2.1]" },
		{ "/box", "EHLO box" },
	};
	struct smtp *s = *state;
	struct result re;
	struct mail *m;
	char url[128];

	for (size_t i = 0; i < NELEM(t); i++) {
		snprintf(url, sizeof url, "smtp://127.0.0.1:%u%s", s->port,
		    t[i].path);
		m = channel_at(url, "", "", 1);
		re = ask(m, 2000);
		want_str(re.word, "ok", "word");
		want_str(s->ehlo, t[i].ehlo, "greeting");
		mail_free(m);
	}
	m = channel(s);
	re = ask(m, 2000);
	mail_free(m);
	/* a full name, or an address */
	assert_true(strcmp(s->ehlo, "EHLO [127.0.0.1]") == 0 ||
	    strchr(s->ehlo, '.') != NULL);
}

static void
a_url_that_names_no_mail_server_is_refused(void **state)
{
	static const struct { const char *url; enum rc rc; } t[] = {
		{ "smtp://mail.example", RC_OK },
		{ "SMTPS://mail.example:465/", RC_OK },
		{ "smtp://[::1]:2525", RC_OK },
		{ "http://mail.example", RC_INVALID },
		{ "smtp://", RC_INVALID },
		{ "smtp://mail.example:0", RC_INVALID },
		{ "smtp://mail.example:99999", RC_INVALID },
		{ "smtp://me:pw@mail.example", RC_INVALID },
		{ "smtp://me;AUTH=PLAIN@mail.example", RC_INVALID },
		{ "smtp://mail.example?x", RC_INVALID },
		{ "smtp://mail.example/a_b", RC_INVALID },
		{ "smtp://mail.example/a%0d%0ab", RC_INVALID },
		{ "smtp://mail.example/a..b", RC_INVALID },
		{ "smtp://mail.example/-a", RC_INVALID },
		{ "smtp://mail.example/a-", RC_INVALID },
		{ "smtp://mail.example/x--y.example", RC_OK },
		{ "", RC_INVALID },
	};
	struct buf why = BUF_INIT(512);

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		buf_clear(&why);
		want_rc(mail_check_url(t[i].url, &why), t[i].rc, "%s (%s)",
		    t[i].url, buf_str(&why));
		assert_true((why.len > 0) == (t[i].rc != RC_OK));
	}
	buf_free(&why);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_mail_is_one_transaction_with_one_recipient),
		CASE(an_answer_is_judged_by_the_step_it_answers),
		CASE(a_server_that_refuses_ehlo_is_greeted_in_the_old_way),
		CASE(what_is_no_answer_is_the_servers_fault_at_each_step),
		CASE(a_bare_line_end_ends_an_answer_too),
		CASE(dots_and_line_ends_arrive_as_they_were),
		CASE(a_long_message_has_its_dots_at_every_offset),
		CASE(a_connection_is_kept_for_the_next_mail),
		CASE(a_kept_connection_that_is_gone_costs_no_attempt),
		CASE(what_was_begun_on_a_kept_connection_is_not_sent_twice),
		CASE(silence_after_quit_holds_nobody_up),
		CASE(no_more_connections_than_allowed_are_open_at_once),
		CASE(cancelling_calls_back_for_none),
		CASE(a_message_cut_short_does_not_arrive),
		CASE(a_name_is_looked_up_without_holding_anything_up),
		CASE(a_password_is_sent_under_tls_or_to_the_machine_itself),
		CASE(what_is_sent_to_log_in_is_never_on_record),
		CASE(nothing_is_sent_where_the_wanted_log_in_is_not_offered),
		CASE(what_answers_no_tls_is_no_tls_server),
		CASE(a_port_where_nobody_listens_refuses),
		CASE(a_machine_that_does_not_answer_at_all_holds_nothing_up),
		CASE(without_descriptors_it_is_our_fault),
		CASE(no_address_enters_a_command_that_would_change_it),
		CASE(the_name_to_greet_with_is_a_valid_one),
		CASE(a_url_that_names_no_mail_server_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
