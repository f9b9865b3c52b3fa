/*
 * The service's own events: what it says of the subscriptions it delivers to.
 * They are no operator's to change, so they stand here and in no file.  Their
 * names have dots, which no name in a file can have.
 */
#include "base/log.h"
#include "shape/catalog_data.h"

#define GROUP	"operational"
#define NAME	"Subscription {{order.subscriptionName}}"

/* The objects that stand in the place of the order (work/operational_*.c). */
#define OPEN(state, reason, failures, last_failure, last_success, seconds) \
	"{\"subscription\":\"sub_0000000000000000\"," \
	"\"subscriptionName\":\"Ticketed to the back office\"," \
	"\"client\":\"cli_0000000000000000\",\"clientName\":\"Wander\"," \
	"\"state\":\"" state "\",\"reason\":\"" reason "\"," \
	"\"target\":\"https://yourservices/api/order-ticketed\"," \
	"\"failures\":" failures "," \
	"\"firstFailureAt\":\"2026-11-23T10:00:00.000Z\"," \
	"\"lastFailureAt\":\"" last_failure "\"," \
	"\"lastSuccessAt\":\"" last_success "\"," \
	"\"failingSeconds\":" seconds
#define SAMPLE(state, reason, failures, last_failure, last_success, seconds) \
	OPEN(state, reason, failures, last_failure, last_success, seconds) "}"

/* What a warning and a disabling say besides. */
#define NOTICE(stage, disables, status, sentence, subject, text) \
	",\"stage\":\"" stage "\",\"disablesAt\":" disables "," \
	"\"eventId\":\"evt_00000000000000000000\"," \
	"\"eventType\":\"OrderTicketed\",\"agwID\":\"AGW-JHTE1543KJ\"," \
	"\"delivery\":\"msg_00000000000000000000000000000\"," \
	"\"lastStatus\":" status ",\"lastWord\":\"http\"," \
	"\"lastSentence\":\"" sentence "\"," \
	"\"link\":\"https://skycap.example/admin/deliveries/" \
	"msg_00000000000000000000000000000\"," \
	"\"command\":\"skycap show msg_00000000000000000000000000000\"," \
	"\"mailTo\":\"ops@wander.example\",\"subject\":\"" subject "\"," \
	"\"text\":\"" text "\"}"

/* The beginning of what is mailed, and its end. */
#define TEXT(opening, outlook) \
	"Ticketed to the back office " opening "\\n\\n" \
	"Subscription: Ticketed to the back office, sub_0000000000000000\\n" \
	"Client:       Wander\\n" \
	"Sent to:      https://yourservices/api/order-ticketed\\n" \
	"Look here:    https://skycap.example/admin/deliveries/" \
	"msg_00000000000000000000000000000\\n\\n" outlook "\\n"

static const char *const no_alias[] = { NULL };

static const struct catalog_event own[CATALOG_OPERATIONAL] = {
	{ .name = "skycap.subscription.failing",
	    .meaning = "A subscription's endpoint has failed several times in "
	    "a row.",
	    .headline = NAME " is failing",
	    .sample = SAMPLE("active", "timeout", "5",
	    "2026-11-23T12:35:05.000Z", "2026-11-23T09:59:30.000Z", "9305") },
	{ .name = "skycap.subscription.warning",
	    .meaning = "A subscription has been failing for so long that its "
	    "client is warned: it will be disabled.",
	    .headline = NAME " will be disabled if it goes on failing",
	    .sample = OPEN("active", "http", "5", "2026-11-23T12:35:05.000Z",
	    "2026-11-23T09:59:30.000Z", "9305")
	    NOTICE("first", "\"2026-11-28T10:00:00.000Z\"", "503",
	    "Answered 503",
	    "Ticketed to the back office: failing since 2026-11-23 10:00 UTC",
	    TEXT("is not being reached: 5 attempts in a row to deliver to it "
	    "have failed,\\nthe first at 2026-11-23 10:00 UTC.",
	    "Without one success it is disabled, at the earliest on\\n"
	    "2026-11-28 10:00 UTC.")) },
	{ .name = "skycap.subscription.disabled",
	    .meaning = "The service has disabled a subscription; what it is "
	    "due is held.",
	    .headline = NAME " was disabled",
	    .sample = OPEN("disabled", "gone", "1",
	    "2026-11-23T10:00:00.000Z", "2026-11-23T09:59:30.000Z", "0")
	    NOTICE("disabled", "null", "410", "Answered 410",
	    "Ticketed to the back office: disabled",
	    TEXT("has been disabled: the endpoint said that it is gone for "
	    "good.", "What it is due is held.")) },
	{ .name = "skycap.subscription.recovered",
	    .meaning = "A subscription that was failing has been delivered to "
	    "again.",
	    .headline = NAME " has recovered",
	    .sample = SAMPLE("active", "", "7",
	    "2026-11-23T14:35:05.000Z", "2026-11-23T14:50:05.000Z", "17405") },
	{ .name = "skycap.mail.failing",
	    .meaning = "The mail server does not take mail; what is to be "
	    "mailed waits.",
	    .headline = "The mail server does not take mail",
	    .sample = "{\"server\":\"smtp://mail.example:587\","
	    "\"since\":\"2026-11-23T10:00:00.000Z\",\"failingSeconds\":65,"
	    "\"word\":\"login\",\"sentence\":\"The server refuses the user or "
	    "password: 535.\",\"waiting\":12}" },
	{ .name = "skycap.mail.recovered",
	    .meaning = "The mail server takes mail again.",
	    .headline = "The mail server takes mail again",
	    .sample = "{\"server\":\"smtp://mail.example:587\","
	    "\"since\":\"2026-11-23T10:00:00.000Z\",\"failingSeconds\":930,"
	    "\"word\":\"\",\"sentence\":\"\",\"waiting\":null}" },
};

/* Members may be missing or null; of a count, 0 says nothing. */
#define LINES								\
	"{{#order.clientName}}\nClient: {{order.clientName}}\n"		\
	"{{/order.clientName}}\n"					\
	"{{#order.target}}\nGoes to: {{order.target}}\n"		\
	"{{/order.target}}\n"						\
	"{{#order.state}}\nState: {{order.state}}"			\
	"{{#order.reason}}, {{order.reason}}{{/order.reason}}\n"	\
	"{{/order.state}}\n"						\
	"{{#order.failures}}\nFailures in a row: {{order.failures}}"	\
	"{{#order.firstFailureAt}}, the first at "			\
	"{{order.firstFailureAt}}{{/order.firstFailureAt}}\n"		\
	"{{/order.failures}}\n"

const char *
catalog_operational_text(enum catalog_text which)
{
	if (which == CATALOG_TEXT_SLACK)
		return "*{{event.headline}}*\n" LINES;
	return "{{event.headline}}\n\n" LINES
	    "{{#order.lastSuccessAt}}\n"
	    "Last delivered: {{order.lastSuccessAt}}\n"
	    "{{/order.lastSuccessAt}}\n"
	    "{{#order.subscription}}\n"
	    "Subscription: {{order.subscription}}\n"
	    "{{/order.subscription}}\n"
	    "\n{{event.type}}, {{event.time}}\n";
}

void
catalog_add_operational(struct catalog *c)
{
	for (size_t i = 0; i < NELEM(own); i++) {
		struct catalog_event *e = &c->event[c->nevent];

		*e = own[i];
		e->group = GROUP;
		e->alias = no_alias;
		e->index = (uint16_t)c->nevent++;
		c->event_name[e->index] = e->name;
		if (catalog_names_add(&c->events, slice_of(e->name),
		    e->index) != RC_OK)
			log_fatal("catalogue: %s is there already", e->name);
	}
}
