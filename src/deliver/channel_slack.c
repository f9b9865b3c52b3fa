#include <string.h>
#include "base/json.h"
#include "deliver/channel_slack.h"

static const struct slack_error known[] = {
	{ "no_service", SLACK_SHUT, "the webhook was removed or disabled, or "
	    "never was" },
	{ "no_service_id", SLACK_SHUT, "the webhook's URL is not whole" },
	{ "no_active_hooks", SLACK_SHUT, "the webhook is disabled" },
	{ "no_team", SLACK_SHUT, "the workspace does not exist" },
	{ "team_disabled", SLACK_SHUT, "the workspace is disabled" },
	{ "invalid_token", SLACK_SHUT, "the webhook's URL is wrong" },
	{ "token_revoked", SLACK_SHUT, "the webhook was revoked" },
	{ "account_inactive", SLACK_SHUT, "the webhook's app or its owner was "
	    "removed" },
	{ "channel_not_found", SLACK_SHUT, "the channel does not exist" },
	{ "channel_is_archived", SLACK_SHUT, "the channel is archived" },
	{ "is_archived", SLACK_SHUT, "the channel is archived" },
	{ "user_not_found", SLACK_SHUT, "the user it is meant for does not "
	    "exist" },
	{ "action_prohibited", SLACK_SHUT, "an administrator of the workspace "
	    "does not allow it" },
	{ "posting_to_general_channel_denied", SLACK_SHUT, "who made the "
	    "webhook may not post to that channel" },
	{ "restricted_action", SLACK_SHUT, "the workspace does not allow it" },
	{ "invalid_payload", SLACK_REJECTED, "Slack does not understand the "
	    "message" },
	{ "invalid_blocks", SLACK_REJECTED, "Slack does not understand the "
	    "message's blocks" },
	{ "invalid_blocks_format", SLACK_REJECTED, "Slack does not understand "
	    "the message's blocks" },
	{ "invalid_attachments", SLACK_REJECTED, "Slack does not understand "
	    "the message's attachments" },
	{ "no_text", SLACK_REJECTED, "the message has no text" },
	{ "missing_text_or_fallback_or_attachments", SLACK_REJECTED,
	    "the message has no text" },
	{ "msg_too_long", SLACK_REJECTED, "the message is too long" },
	{ "too_many_attachments", SLACK_REJECTED, "the message has too many "
	    "attachments" },
};

/* A word alone, or {"ok":false,"error":"word"} as its newer hooks answer. */
static struct slice
word_of(struct slice body, struct json_doc *doc)
{
	struct json_error err;
	uint32_t tok;

	while (body.len > 0 && strchr(" \t\r\n", body.s[body.len - 1]) != NULL)
		body.len--;
	if (body.len == 0 || body.s[0] != '{')
		return body;
	if (json_scan(doc, body, &json_limits_default, &err) != RC_OK)
		return (struct slice){ NULL, 0 };
	tok = json_find(doc, 0, "error");
	if (tok == 0 || doc->tok[tok].type != JSON_STRING)
		return (struct slice){ NULL, 0 };
	return json_raw(doc, tok);
}

static const struct slack_error *
find(struct slice word)
{
	for (size_t i = 0; i < NELEM(known); i++)
		if (slice_is(word, known[i].word))
			return &known[i];
	return NULL;
}

const struct slack_error *
slack_error(const struct channel_result *r)
{
	struct json_doc doc = JSON_DOC_INIT;
	const struct slack_error *e;

	if (r->status < 400 || r->status >= 500 || r->status == 429)
		return NULL;
	e = find(word_of(r->body, &doc));
	json_doc_free(&doc);
	return e;
}

const struct slack_error *
slack_error_named(const char *word)
{
	return find(slice_of(word));
}
