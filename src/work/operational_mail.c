#include <inttypes.h>
#include "work/operational_inner.h"
#include "work/record_json.h"

static const char *const type_name[] = {
	[OPERATIONAL_MAIL_FAILING] = "skycap.mail.failing",
	[OPERATIONAL_MAIL_RECOVERED] = "skycap.mail.recovered",
};

/* The URL less a user and password that stand in it. */
static void
put_server(const char *url, struct buf *out)
{
	struct buf text = BUF_INIT(1024);
	const char *host = strstr(url, "://"), *at;

	host = host == NULL ? url : host + 3;
	buf_put(&text, url, (size_t)(host - url));
	at = memrchr(host, '@', strcspn(host, "/?#"));
	buf_puts(&text, at == NULL ? host : at + 1);
	record_put_string(out, "server", buf_as_slice(&text));
	buf_free(&text);
}

/* As catalog_operational.c shows it. */
static bool
write_event(void *arg, const struct roster *r, struct operational_text *t)
{
	const struct operational_mail_ask *ask = arg;
	struct buf *out = &t->object;
	int64_t lasted_ms = ask->now_ms - ask->since_ms;

	(void)r;
	buf_putc(out, '{');
	put_server(ask->url, out);
	record_put_time(out, "since", ask->since_ms);
	record_put_int(out, "failingSeconds", lasted_ms < 0 ? 0 :
	    lasted_ms / 1000);
	record_put_string(out, "word", slice_of(ask->word == NULL ? "" :
	    ask->word));
	record_put_string(out, "sentence", slice_of(ask->sentence == NULL ?
	    "" : ask->sentence));
	record_put_key(out, "waiting");
	if (ask->waiting < 0)
		buf_puts(out, "null");
	else
		buf_i64(out, ask->waiting);
	buf_putc(out, '}');
	buf_puts(&t->about, "mail");
	buf_printf(&t->id, "%s %" PRId64, type_name[ask->what],
	    ask->since_ms);
	return true;
}

enum rc
operational_mail_post(const struct config *cf, struct rosters *rs,
    const struct operational_mail_ask *ask, bool *any)
{
	struct operational_mail_ask copy = *ask;
	const struct operational_event ev = { type_name[ask->what],
	    ask->now_ms, 0, write_event, &copy };

	return operational_event_post(cf, rs, &ev, any);
}
