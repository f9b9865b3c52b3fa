#include "base/log.h"
#include "shape/mime.h"
#include "work/listing.h"
#include "work/notice.h"
#include "work/record_json.h"

#define PAGE		16

const char *
notice_task(void)
{
	return "{\"name\":\"" NOTICE_NAME "\","
	    "\"event\":[\"skycap.subscription.warning\","
	    "\"skycap.subscription.disabled\"],"
	    "\"mail\":{\"to\":[\"{{order.mailTo}}\"],"
	    "\"subject\":\"{{order.subject}}\","
	    "\"text\":\"{{order.text}}\"}}";
}

int64_t
notice_since_ms(const struct store_health *h, const struct subscription *s)
{
	int64_t ms = h->failures == 0 ? 0 : h->first_failure_ms;

	if (ms == 0 || s == NULL)
		return ms;
	/* its record is written whenever a person changes anything of it */
	return s->updated_ms > ms ? s->updated_ms : ms;
}

enum notice_stage
notice_stage(const struct store_health *h, int64_t since_ms)
{
	static const struct {
		uint32_t	failures;
		int64_t		ms;
	} due[] = {
		[NOTICE_FAILING] = { NOTICE_FAILURES, INT64_MIN },
		[NOTICE_FIRST] = { NOTICE_FAILURES, NOTICE_FIRST_MS },
		[NOTICE_HALFWAY] = { NOTICE_HALFWAY_FAILURES,
		    NOTICE_HALFWAY_MS },
		[NOTICE_DISABLE] = { NOTICE_DISABLE_FAILURES,
		    NOTICE_DISABLE_MS },
	};
	int64_t lasted_ms = h->last_failure_ms - since_ms;
	int stage = NOTICE_NOTHING;

	while (stage < NOTICE_DISABLE && since_ms != 0 &&
	    h->failures >= due[stage + 1].failures &&
	    lasted_ms >= due[stage + 1].ms)
		stage++;
	return (enum notice_stage)stage;
}

/* Append the address of "ops@a.example" or "Ops <ops@a.example>". */
static bool
put_address(struct slice text, struct buf *out)
{
	struct slice address;

	if (mime_address(text, &address) != RC_OK)
		return false;
	buf_slice(out, address);
	return true;
}

/* The login of a user, if mail can be sent to it. */
static bool
put_login(const struct store_record *rec, struct buf *out)
{
	struct json_doc d = JSON_DOC_INIT;
	struct buf login = BUF_INIT(256);
	struct json_error err;
	bool put;

	put = json_scan(&d, rec->body, &json_limits_default, &err) == RC_OK &&
	    record_string(&d, "login", &login) &&
	    put_address(buf_as_slice(&login), out);
	json_doc_free(&d);
	buf_free(&login);
	return put;
}

static enum rc
put_operator(struct store *st, struct buf *out)
{
	struct store_record rec[PAGE];
	uint32_t after = 0;
	size_t n = PAGE;
	bool found = false;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < PAGE; i++)
		rec[i] = (struct store_record)STORE_RECORD_INIT;
	while (rc == RC_OK && !found && n == PAGE) {
		rc = store_record_list(st, STORE_USER, after, rec, PAGE, &n);
		for (size_t i = 0; rc == RC_OK && !found && i < n; i++) {
			after = rec[i].number;
			found = put_login(&rec[i], out);
		}
	}
	for (size_t i = 0; i < PAGE; i++)
		store_record_clear(&rec[i]);
	return rc != RC_OK ? rc : found ? RC_OK : RC_NOTFOUND;
}

enum rc
notice_address(const struct config *cf, const struct conf *conf,
    const char *mail, struct buf *out)
{
	enum rc rc;

	if (put_address(slice_of(mail), out))
		return RC_OK;
	if (mail[0] != '\0')
		log_warn("no mail can be sent to the address of a client");
	rc = put_operator(cf->store, out);
	if (rc != RC_NOTFOUND)
		return rc;
	return put_address(slice_of(conf->mail_from), out) ? RC_OK :
	    RC_NOTFOUND;
}

void
notice_event_clear(struct notice_event *e)
{
	buf_free(&e->agwid);
	store_attempt_clear(&e->attempt);
}

/* What came back last; of one that was never tried nothing. */
static enum rc
read_attempt(struct store *st, struct store_key key, struct store_attempt *a)
{
	struct store_delivery d;
	size_t n = 0;
	enum rc rc;

	rc = store_delivery_get(st, key, &d);
	if (rc == RC_OK && d.recorded > 0)
		rc = store_attempts(st, key, (uint16_t)(d.recorded - 1), a, 1,
		    &n);
	if (n == 0)
		a->number = 0;
	return rc;
}

enum rc
notice_event_read(const struct config *cf, struct store_key key,
    struct notice_event *e)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct order o = ORDER_INIT;
	struct json_error err;
	enum rc rc;

	rc = store_event_get(cf->store, key.position, &ev);
	if (rc == RC_OK)
		rc = read_attempt(cf->store, key, &e->attempt);
	if (rc != RC_OK)
		goto done;
	store_event_id(cf->store, key.position, e->event);
	store_delivery_id(cf->store, key, e->delivery);
	memcpy(e->type, ev.type.s, ev.type.len);
	e->type[ev.type.len] = '\0';
	e->accepted_ms = ev.accepted_ms;
	buf_clear(&e->agwid);
	if (order_read(&o, cf->catalog, ev.order, &err) == RC_OK)
		order_agwid(&o, &e->agwid);
done:
	order_free(&o);
	store_event_clear(&ev);
	return rc;
}
