#include "base/text.h"
#include "shape/mime.h"
#include "unit.h"

#define AT_MS	1795552245123	/* 2026-11-24T20:30:45.123Z, a Tuesday */

static struct mime
mail(const char *subject, const char *text)
{
	return (struct mime){ .from = SLICE("skycap@a.example"),
	    .to = SLICE("ops@b.example"), .subject = slice_of(subject),
	    .text = slice_of(text), .date_ms = AT_MS,
	    .id = SLICE("msg_1") };
}

static void
want_message(const struct mime *m, const char *want, const char *what)
{
	struct buf got = BUF_INIT(65536);

	want_rc(mime_make(m, &got), RC_OK, "%s", what);
	want_str(buf_str(&got), want, "%s", what);
	buf_free(&got);
}

/* One header's lines as made, its name and last line's end left out. */
static void
want_value(const struct mime *m, const char *name, const char *want)
{
	struct buf got = BUF_INIT(65536), key = BUF_INIT(64);
	char *at, *end;

	want_rc(mime_make(m, &got), RC_OK, "%s", want);
	buf_printf(&key, "\r\n%s:", name);
	at = strncmp(buf_str(&got), buf_str(&key) + 2, key.len - 2) == 0 ?
	    got.s + key.len - 2 : strstr(buf_str(&got), buf_str(&key));
	assert_non_null(at);
	at += at == got.s + key.len - 2 ? 0 : key.len;
	at += *at == ' ';
	for (end = strstr(at, "\r\n"); end[2] == ' ';
	    end = strstr(end + 2, "\r\n"))
		;
	*end = '\0';
	want_str(at, want, "%s", name);
	buf_free(&got);
	buf_free(&key);
}

static void
want_subject(const char *subject, const char *want)
{
	struct mime m = mail(subject, "");

	want_value(&m, "Subject", want);
}

/* The body, with what its header says of it. */
static void
want_body(const char *text, const char *charset, const char *encoding,
    const char *want)
{
	struct mime m = mail("s", text);
	struct buf type = BUF_INIT(128), got = BUF_INIT(1024 * 1024);

	buf_printf(&type, "text/plain; charset=%s", charset);
	want_value(&m, "Content-Type", buf_str(&type));
	want_value(&m, "Content-Transfer-Encoding", encoding);
	want_rc(mime_make(&m, &got), RC_OK, "%s", want);
	want_str(strstr(buf_str(&got), "\r\n\r\n") + 4, want, "body");
	buf_free(&type);
	buf_free(&got);
}

static void
a_plain_mail_is_what_rfc_5322_says(void **state)
{
	static const struct mime_line line[] = {
		{ "Skycap-Event", SLICE("OrderTicketed") },
		{ "Skycap-Attempt", SLICE("1") },
	};
	struct mime m = mail("Ticketed: AGW-1", "One\nTwo");

	(void)state;
	want_message(&m, "From: skycap@a.example\r\n"
	    "To: ops@b.example\r\n"
	    "Subject: Ticketed: AGW-1\r\n"
	    "Date: Tue, 24 Nov 2026 20:30:45 +0000\r\n"
	    "Message-ID: <msg_1@a.example>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n"
	    "\r\n"
	    "One\r\nTwo\r\n", "plain");
	m.from = SLICE("\t\"Sky, cap\" <skycap@a.example> ");
	m.subject = SLICE("Emitido: Á");
	m.text = SLICE("Á\n");
	m.unsubscribe = SLICE("https://a.example/x,<y>/sub_1");
	m.line = line;
	m.nline = NELEM(line);
	want_message(&m, "From: \"Sky, cap\" <skycap@a.example>\r\n"
	    "To: ops@b.example\r\n"
	    "Subject: =?utf-8?b?RW1pdGlkbzogw4E=?=\r\n"
	    "Date: Tue, 24 Nov 2026 20:30:45 +0000\r\n"
	    "Message-ID: <msg_1@a.example>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "List-Unsubscribe: <https://a.example/x%2C%3Cy%3E/sub_1>\r\n"
	    "Skycap-Event: OrderTicketed\r\n"
	    "Skycap-Attempt: 1\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "\r\n"
	    "w4ENCg==\r\n", "all of it");
}

static void
people_read_the_header_in_one_line_each_and_not_encoded(void **state)
{
	struct mime m = mail("Emitido:\r\nBcc: x", "á");
	struct buf got = BUF_INIT(65536);

	(void)state;
	m.from = SLICE("Ángel <skycap@a.example>");
	want_rc(mime_print(&m, &got), RC_OK, "print");
	want_str(buf_str(&got), "From: Ángel <skycap@a.example>\r\n"
	    "To: ops@b.example\r\n"
	    "Subject: Emitido:  Bcc: x\r\n"
	    "Date: Tue, 24 Nov 2026 20:30:45 +0000\r\n"
	    "Message-ID: <msg_1@a.example>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: base64\r\n", "printed");
	buf_free(&got);
}

static void
subjects_are_encoded_only_where_they_must_be(void **state)
{
	(void)state;
	want_subject("", "");
	want_subject("a  b", "a  b");
	want_subject("a=b?c", "a=b?c");
	want_subject(" a", "=?utf-8?q?_a?=");
	want_subject("a ", "=?utf-8?q?a_?=");
	want_subject("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?=");
	want_subject("Reserva de María Muñoz para el vuelo",
	    "=?utf-8?q?Reserva_de_Mar=C3=ADa_Mu=C3=B1oz_para_el_vuelo?=");
	want_subject("Παραγγελία", "=?utf-8?b?zqDOsc+BzrHOs86zzrXOu86vzrE=?=");
	want_subject("a\r\nBcc: x@y\n\tz\x7f\x01", "=?utf-8?q?"
	    "a__Bcc=3A_x=40y__z__?=");
	want_subject("a\r\nBcc: x", "a  Bcc: x");
	want_subject("a\xc2\x85" "b\xe2\x80\xa8" "c\xc2\xa0", "=?utf-8?q?"
	    "a_b_c=C2=A0?=");
	want_subject("a\xff" "b\xc3", "=?utf-8?b?Ye+/vWLvv70=?=");
}

static void
long_subjects_fold_at_blanks_or_at_characters(void **state)
{
	char word[81];

	(void)state;
	memset(word, 'x', sizeof word);
	word[67] = '\0';
	want_subject(word, word);
	word[67] = 'x';
	word[68] = '\0';
	want_subject(word, "=?utf-8?q?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxx?=\r\n =?utf-8?q?xxxxxxxxxxxxx?=");
	want_subject("The order AGW-JHTE1543KJ of Wander has been ticketed for "
	    "the flight  from Madrid to London on 1 December 2026 at 10:00",
	    "The order AGW-JHTE1543KJ of Wander has been ticketed for the "
	    "flight\r\n  from Madrid to London on 1 December 2026 at 10:00");
	/* 3-byte characters, of which 13 fit at first and then 15 a line */
	want_subject("€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€",
	    "=?utf-8?b?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?="
	    "\r\n =?utf-8?b?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs"
	    "4oKs4oKs4oKs?=\r\n =?utf-8?b?4oKs4oKs4oKs?=");
}

static void
a_name_beside_the_address_is_written_as_it_must_be(void **state)
{
	static const struct { const char *from, *want; } t[] = {
		{ "x@y.example", "x@y.example" },
		{ " <x@y.example>", "x@y.example" },
		{ "\"\" <x@y.example>", "x@y.example" },
		{ "Sky Cap<x@y.example>", "Sky Cap <x@y.example>" },
		{ "Sky  Cap <x@y.example>", "\"Sky  Cap\" <x@y.example>" },
		{ "Sky Cap Ltd. <x@y.example>",
		    "\"Sky Cap Ltd.\" <x@y.example>" },
		{ "\"A \\\"B\\\" \\\\ C\" <x@y.example>",
		    "\"A \\\"B\\\" \\\\ C\" <x@y.example>" },
		{ "A \"B\" <x@y.example>", "\"A \\\"B\\\"\" <x@y.example>" },
		{ "a@b.example <x@y.example>",
		    "\"a@b.example\" <x@y.example>" },
		{ "Ángel Díaz <x@y.example>",
		    "=?utf-8?b?w4FuZ2VsIETDrWF6?= <x@y.example>" },
		{ "The people who watch over the orders <x@y.example>",
		    "=?utf-8?q?The_people_who_watch_over_the_orders?="
		    " <x@y.example>" },
		{ "Ángel <orders.and.what.becomes.of.them@mail.sky.example>",
		    "=?utf-8?b?w4FuZ2Vs?=\r\n"
		    " <orders.and.what.becomes.of.them@mail.sky.example>" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct mime m = mail("s", "");

		m.from = slice_of(t[i].from);
		want_value(&m, "From", t[i].want);
	}
}

static void
the_envelopes_address_is_found_or_refused(void **state)
{
	static const struct { const char *from, *want; } t[] = {
		{ " a@b ", "a@b" }, { "N <a@b>", "a@b" },
		{ "\t\"N, M\" <a@b>\t", "a@b" },
		{ "N <a@b> x", NULL }, { "N <a@b", NULL }, { "a@b>", NULL },
		{ "<a@b> <c@d>", NULL }, { "N <>", NULL }, { "", NULL },
		{ "N\r\nBcc: x <a@b>", NULL }, { "N\xff <a@b>", NULL },
		{ "N < a@b >", NULL }, { "N > M <a@b>", NULL }, { "<", NULL },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct slice got = SLICE("left alone");
		enum rc rc = mime_address(slice_of(t[i].from), &got);

		want_rc(rc, t[i].want == NULL ? RC_INVALID : RC_OK, "%s",
		    t[i].from);
		want_slice(got, slice_of(t[i].want == NULL ? "left alone" :
		    t[i].want), "%s", t[i].from);
	}
}

static void
bodies_are_sent_as_they_are_where_they_can_be(void **state)
{
	(void)state;
	want_body("", "us-ascii", "7bit", "");
	want_body("\n", "us-ascii", "7bit", "\r\n");
	want_body("a\r\nb\rc\n\n.\n\td \n", "us-ascii", "7bit",
	    "a\r\nb\r\nc\r\n\r\n.\r\n\td \r\n");
	want_body("1=1\n.", "us-ascii", "7bit", "1=1\r\n.\r\n");
	want_body("Un saludo, María = Pepe \nMuñoz\t\n fin del texto\n"
	    "que sigue", "utf-8", "quoted-printable",
	    "Un saludo, Mar=C3=ADa =3D Pepe=20\r\nMu=C3=B1oz=09\r\n"
	    " fin del texto\r\nque sigue\r\n");
	want_body("a form feed \f and some more words", "us-ascii",
	    "quoted-printable", "a form feed =0C and some more words\r\n");
	want_body("Ελλάδα", "utf-8", "base64", "zpXOu867zqzOtM6xDQo=\r\n");
}

static void
long_lines_are_broken_softly(void **state)
{
	char text[2001];
	struct buf want = BUF_INIT(65536);

	(void)state;
	memset(text, 'x', sizeof text);
	text[900] = '\0';
	buf_printf(&want, "%s\r\n", text);
	want_body(text, "us-ascii", "7bit", buf_str(&want));
	buf_clear(&want);
	text[900] = 'x';
	text[2000] = '\0';
	for (int i = 0; i < 26; i++)
		buf_printf(&want, "%.75s=\r\n", text);
	buf_printf(&want, "%.50s\r\n", text);
	want_body(text, "us-ascii", "quoted-printable", buf_str(&want));
	/* what is coded is not torn apart */
	text[74] = '=';
	text[100] = '\0';
	text[0] = '\f';
	buf_clear(&want);
	buf_printf(&want, "=0C%.72s=\r\nx=3D%.25s\r\n", text + 1, text + 75);
	want_body(text, "us-ascii", "quoted-printable", buf_str(&want));
	buf_free(&want);
}

static void
what_would_break_the_header_is_refused(void **state)
{
	static const struct mime_line bad[] = {
		{ "X", SLICE("a\r\nBcc: b") }, { "X", SLICE("\xc3\xa1") },
		{ "X", SLICE("\0") },
	};
	struct buf out = BUF_INIT(65536);
	struct mime m = mail("s", "t"), other;

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++) {
		other = m;
		other.line = &bad[i];
		other.nline = 1;
		want_rc(mime_make(&other, &out), RC_INVALID, "line %zu", i);
	}
	other = m;
	other.to = SLICE("a@b\r\nBcc: c@d");
	want_rc(mime_make(&other, &out), RC_INVALID, "to");
	want_rc(mime_print(&other, &out), RC_INVALID, "to, printed");
	other.to = SLICE("N <a@b>");
	want_rc(mime_make(&other, &out), RC_INVALID, "to with a name");
	other = m;
	other.from = SLICE("a\n <a@b>");
	want_rc(mime_make(&other, &out), RC_INVALID, "from");
	other = m;
	other.id = SLICE("a b");
	want_rc(mime_make(&other, &out), RC_INVALID, "id");
	other = m;
	other.unsubscribe = SLICE("https://a/\r\nX: y");
	want_rc(mime_make(&other, &out), RC_INVALID, "unsubscribe");
	want_i64((int64_t)out.len, 0, "made");
	out.max = 100;
	want_rc(mime_make(&m, &out), RC_TOOBIG, "too long");
	buf_free(&out);
}

static void
dates_are_right_on_every_day(void **state)
{
	static const struct { int64_t ms; const char *want; } t[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ -1, "Wed, 31 Dec 1969 23:59:59 +0000" },
		{ -86400000, "Wed, 31 Dec 1969 00:00:00 +0000" },
		{ 951782400000, "Tue, 29 Feb 2000 00:00:00 +0000" },
		{ 1798761599999, "Thu, 31 Dec 2026 23:59:59 +0000" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct mime m = mail("s", "");

		m.date_ms = t[i].ms;
		want_value(&m, "Date", t[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_mail_is_what_rfc_5322_says),
	    cmocka_unit_test(
		people_read_the_header_in_one_line_each_and_not_encoded),
	    cmocka_unit_test(subjects_are_encoded_only_where_they_must_be),
	    cmocka_unit_test(long_subjects_fold_at_blanks_or_at_characters),
	    cmocka_unit_test(
		a_name_beside_the_address_is_written_as_it_must_be),
	    cmocka_unit_test(the_envelopes_address_is_found_or_refused),
	    cmocka_unit_test(bodies_are_sent_as_they_are_where_they_can_be),
	    cmocka_unit_test(long_lines_are_broken_softly),
	    cmocka_unit_test(what_would_break_the_header_is_refused),
	    cmocka_unit_test(dates_are_right_on_every_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
