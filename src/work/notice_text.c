#include <inttypes.h>
#include "base/clock.h"
#include "work/notice.h"
#include "work/record_json.h"
#include "work/words.h"

#define SUBJECT_MAX	2048
#define TEXT_MAX	(64 * 1024)
#define TARGET_SHOWN	300	/* bytes of an address that is a template */

/* "2026-11-23 10:00 UTC" */
static void
put_time(int64_t ms, struct buf *out)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(ms, text);
	buf_printf(out, "%.10s %.5s UTC", text, text + 11);
}

/* One line of what others have written: their line breaks are none of ours. */
static void
put_line(struct slice s, size_t max, struct buf *out)
{
	size_t n = s.len < max ? s.len : max;

	while (n < s.len && n > 0 && ((unsigned char)s.s[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		buf_putc(out, (unsigned char)s.s[i] < ' ' ||
		    s.s[i] == 0x7f ? ' ' : s.s[i]);
	buf_puts(out, n < s.len ? "..." : "");
}

static void
put_name(const struct notice *n, struct buf *out)
{
	put_line(n->name.len > 0 ? n->name : n->id, n->name.len + n->id.len,
	    out);
}

static bool
of_failing(const struct notice *n)
{
	return n->stage != NOTICE_DISABLE || strcmp(n->reason, "failing") == 0;
}

void
notice_subject(const struct notice *n, struct buf *out)
{
	put_name(n, out);
	switch (n->stage) {
	case NOTICE_HALFWAY:
		buf_puts(out, ": still failing, disabled on ");
		put_time(notice_disables_ms(n), out);
		return;
	case NOTICE_DISABLE:
		buf_puts(out, ": disabled");
		return;
	default:
		buf_puts(out, ": failing since ");
		put_time(n->health->first_failure_ms, out);
	}
}

static void
put_failures(const struct notice *n, struct buf *out)
{
	buf_printf(out, "%u attempt%s in a row to deliver to it %s failed,\n"
	    "the first at ", n->health->failures,
	    n->health->failures == 1 ? "" : "s",
	    n->health->failures == 1 ? "has" : "have");
	put_time(n->health->first_failure_ms, out);
	buf_putc(out, '.');
}

static void
put_opening(const struct notice *n, struct buf *out)
{
	const char *meaning;

	put_name(n, out);
	if (n->stage != NOTICE_DISABLE) {
		buf_printf(out, " is%s not being reached: ",
		    n->stage == NOTICE_HALFWAY ? " still" : "");
		put_failures(n, out);
	} else if (of_failing(n)) {
		buf_puts(out, " has been disabled: ");
		put_failures(n, out);
	} else {
		meaning = words_meaning(WORDS_REASON, n->reason);
		buf_printf(out, " has been disabled: %s.",
		    *meaning == '\0' ? n->reason : meaning);
	}
	if (of_failing(n) && n->health->last_success_ms != 0) {
		buf_puts(out, "\nThe last success was at ");
		put_time(n->health->last_success_ms, out);
		buf_putc(out, '.');
	}
	buf_puts(out, "\n\n");
}

static void
put_fact(const char *label, struct slice value, size_t max, struct buf *out)
{
	buf_printf(out, "%-14s", label);
	put_line(value, max, out);
	buf_putc(out, '\n');
}

static void
put_answer(const struct store_attempt *a, struct buf *out)
{
	const char *meaning = words_meaning(WORDS_ATTEMPT, a->word);

	buf_printf(out, "%-14s", "Came back:");
	if (a->sentence.len > 0)
		put_line(a->sentence, a->sentence.len, out);
	else if (a->status > 0)
		buf_printf(out, "%d", (int)a->status);
	else
		buf_puts(out, *meaning == '\0' ? a->word : meaning);
	buf_puts(out, ", at ");
	put_time(a->at_ms, out);
	buf_putc(out, '\n');
}

static void
put_event(const struct notice_event *e, struct buf *out)
{
	buf_printf(out, "%-14s%s", "Oldest event:", e->type);
	if (e->agwid.len > 0) {
		buf_puts(out, " of ");
		put_line(buf_as_slice(&e->agwid), e->agwid.len, out);
	}
	buf_puts(out, ", accepted ");
	put_time(e->accepted_ms, out);
	buf_putc(out, '\n');
	if (e->attempt.number > 0)
		put_answer(&e->attempt, out);
}

/* Where to look, or what to run. */
static void
put_where(const struct notice *n, struct buf *out)
{
	const struct notice_event *e = n->event;

	if (e == NULL)
		return;
	if (n->site_url[0] != '\0')
		buf_printf(out, "%-14s%s/admin/deliveries/%s\n", "Look here:",
		    n->site_url, e->delivery);
	else
		buf_printf(out, "%-14sskycap show %s\n", "To look, run:",
		    e->delivery);
}

static void
put_resume(const struct notice *n, struct buf *out)
{
	if (n->site_url[0] != '\0')
		buf_printf(out, "  %s/admin/subscriptions/%.*s\n",
		    n->site_url, (int)n->id.len, n->id.s);
	else
		buf_printf(out, "  skycap subscription resume %.*s\n",
		    (int)n->id.len, n->id.s);
}

static void
put_outlook(const struct notice *n, struct buf *out)
{
	switch (n->stage) {
	case NOTICE_HALFWAY:
		buf_puts(out, "Without one success it is disabled, at the "
		    "earliest on ");
		put_time(notice_disables_ms(n), out);
		buf_printf(out, ".\nWhat it is due is held then, for %" PRId64
		    " days at most.  Deliveries whose attempts are\nused up "
		    "before that are not tried again by themselves; they stay "
		    "on record.\n", n->held_days);
		return;
	case NOTICE_DISABLE:
		buf_printf(out, "What it is due is held, for %" PRId64 " days "
		    "at most.\n%s, resume it, and what is held is sent:\n",
		    n->held_days, of_failing(n) ? "When the endpoint is back" :
		    "If it is to go on, correct what is wrong");
		put_resume(n, out);
		return;
	default:
		buf_puts(out, "We go on trying; nothing to do if it will be "
		    "back.  What waits is sent after the\nfirst success.  "
		    "Without one it is disabled, at the earliest on\n");
		put_time(notice_disables_ms(n), out);
		buf_puts(out, ".  You hear of this again half way there, and "
		    "then; not\nfor every event.\n");
	}
}

void
notice_text(const struct notice *n, struct buf *out)
{
	put_opening(n, out);
	buf_printf(out, "%-14s", "Subscription:");
	put_name(n, out);
	if (n->name.len > 0)
		buf_printf(out, ", %.*s", (int)n->id.len, n->id.s);
	buf_putc(out, '\n');
	put_fact("Client:", n->client, n->client.len, out);
	put_fact("Sent to:", n->target, TARGET_SHOWN, out);
	if (n->event != NULL)
		put_event(n->event, out);
	put_where(n, out);
	buf_putc(out, '\n');
	put_outlook(n, out);
}

static void
put_or_null(struct buf *out, const char *key, struct slice value)
{
	if (value.s != NULL && value.len > 0) {
		record_put_string(out, key, value);
		return;
	}
	record_put_key(out, key);
	buf_puts(out, "null");
}

static void
put_oldest(const struct notice *n, struct buf *out)
{
	static const struct slice none = { NULL, 0 };
	const struct notice_event *e = n->event;
	bool tried = e != NULL && e->attempt.number > 0;
	struct buf text = BUF_INIT(2048);

	put_or_null(out, "eventId", e == NULL ? none : slice_of(e->event));
	put_or_null(out, "eventType", e == NULL ? none : slice_of(e->type));
	put_or_null(out, "agwID", e == NULL ? none :
	    buf_as_slice(&e->agwid));
	put_or_null(out, "delivery", e == NULL ? none :
	    slice_of(e->delivery));
	record_put_key(out, "lastStatus");
	if (tried && e->attempt.status > 0)
		buf_i64(out, e->attempt.status);
	else
		buf_puts(out, "null");
	put_or_null(out, "lastWord", tried ? slice_of(e->attempt.word) : none);
	put_or_null(out, "lastSentence", tried ? e->attempt.sentence : none);
	if (e != NULL && n->site_url[0] != '\0')
		buf_printf(&text, "%s/admin/deliveries/%s", n->site_url,
		    e->delivery);
	put_or_null(out, "link", buf_as_slice(&text));
	buf_clear(&text);
	if (e != NULL)
		buf_printf(&text, "skycap show %s", e->delivery);
	put_or_null(out, "command", buf_as_slice(&text));
	buf_free(&text);
}

void
notice_put(const struct notice *n, struct buf *out)
{
	static const char *const name[] = { [NOTICE_FIRST] = "first",
	    [NOTICE_HALFWAY] = "halfway", [NOTICE_DISABLE] = "disabled" };
	struct buf text = BUF_INIT(TEXT_MAX);

	record_put_string(out, "stage", slice_of(name[n->stage]));
	record_put_time(out, "disablesAt", n->stage == NOTICE_DISABLE ? 0 :
	    notice_disables_ms(n));
	put_oldest(n, out);
	put_or_null(out, "mailTo", n->mail_to);
	notice_subject(n, &text);
	record_put_string(out, "subject", buf_as_slice(&text));
	buf_clear(&text);
	notice_text(n, &text);
	record_put_string(out, "text", buf_as_slice(&text));
	buf_free(&text);
}
