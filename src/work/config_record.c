#include "work/config.h"
#include "work/config_record.h"
#include "work/record_json.h"

static const char *const state_name[] = { "active", "paused", "disabled" };
static const char *const kind_name[] = { "publish", "operator", "client",
    "sweep" };

const char *
subscription_state_name(enum subscription_state s)
{
	return (unsigned)s < NELEM(state_name) ? state_name[s] : "?";
}

const char *
key_kind_name(enum key_kind k)
{
	return (unsigned)k < NELEM(kind_name) ? kind_name[k] : "?";
}

enum rc
subscription_record_read(struct subscription_record *s, struct slice body)
{
	static const char *const member[] = { "state", "reason", "task",
	    "secrets" };
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	size_t at[NELEM(member) + 1];
	uint32_t interest;
	struct slice got[NELEM(member)];
	enum rc rc;

	buf_clear(&s->text);
	rc = json_scan(&d, body, &json_limits_default, &err);
	if (rc != RC_OK)
		goto done;
	for (size_t i = 0; i < NELEM(member); i++) {
		at[i] = s->text.len;
		if (!record_string(&d, member[i], &s->text)) {
			rc = RC_INVALID;
			goto done;
		}
	}
	at[NELEM(member)] = s->text.len;
	interest = json_find(&d, 0, "interest");
	if (interest != 0)
		buf_slice(&s->text, json_text(&d, interest));
	for (size_t i = 0; i < NELEM(member); i++)
		got[i] = (struct slice){ s->text.s + at[i], at[i + 1] - at[i] };
	s->client = (uint32_t)record_int(&d, "client", 0);
	s->state = slice_is(got[0], "active") ? SUBSCRIPTION_ACTIVE :
	    slice_is(got[0], "paused") ? SUBSCRIPTION_PAUSED :
	    SUBSCRIPTION_DISABLED;
	s->since_ms = record_int(&d, "since", 0);
	s->drop_upto = (uint64_t)record_int(&d, "dropUpto", 0);
	s->reason = got[1];
	s->task = got[2];
	s->secrets = got[3];
	s->interest = (struct slice){ s->text.s + at[NELEM(member)],
	    s->text.len - at[NELEM(member)] };
done:
	json_doc_free(&d);
	return rc;
}

void
subscription_record_write(const struct subscription_record *s,
    struct buf *body)
{
	buf_putc(body, '{');
	record_put_int(body, "client", s->client);
	record_put_string(body, "state",
	    slice_of(subscription_state_name(s->state)));
	record_put_string(body, "reason", s->reason);
	if (s->since_ms != 0)
		record_put_int(body, "since", s->since_ms);
	if (s->drop_upto != 0)
		record_put_int(body, "dropUpto", (int64_t)s->drop_upto);
	if (s->interest.len > 0) {
		record_put_key(body, "interest");
		buf_slice(body, s->interest);
	}
	record_put_string(body, "task", s->task);
	record_put_string(body, "secrets", s->secrets);
	buf_putc(body, '}');
}
