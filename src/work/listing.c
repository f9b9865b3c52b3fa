#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "shape/piece.h"
#include "work/listing.h"
#include "work/notice.h"
#include "work/record_json.h"

#define DELIVERIES_SHOWN 10000	/* of one event in one answer */
#define REPLAYS_SHOWN	100	/* beyond one a subscription */

const char *
delivery_state_name(const struct roster *r, const struct store_delivery *d)
{
	const struct subscription *s;

	switch (d->state) {
	case STORE_IS_DELIVERED:
		return "delivered";
	case STORE_IS_DEAD:
		return "dead";
	default:
		s = roster_subscription(r, d->key.subscription);
		return s != NULL &&
		    subscription_state(s) != SUBSCRIPTION_ACTIVE ? "held" :
		    "pending";
	}
}

void
subscription_id(const struct store *st, uint32_t number, char out[ID_MAX])
{
	if (number == NOTICE_LANE)
		snprintf(out, ID_MAX, "%s", NOTICE_NAME);
	else
		store_record_id(st, STORE_SUBSCRIPTION, number, out);
}

void
order_agwid(const struct order *o, struct buf *out)
{
	const struct catalog_field *f = catalog_field_find(o->catalog,
	    SLICE("agwID"));
	struct order_value v;

	if (f == NULL)
		return;
	v = order_field(o, f);
	if (v.found)
		order_value_text(o, v, out);
}

void
order_of(const struct order *o, struct buf *out)
{
	struct buf agw = BUF_INIT(1024);

	order_agwid(o, &agw);
	if (agw.len > 0) {
		buf_puts(out, " of ");
		buf_slice(out, buf_as_slice(&agw));
	}
	buf_free(&agw);
}

/* Null where the order is not kept, or the event is about none. */
static void
put_agwid(const struct order *o, struct buf *out)
{
	struct buf agw = BUF_INIT(1024);

	if (o != NULL)
		order_agwid(o, &agw);
	if (agw.len > 0)
		record_put_string(out, "agwID", buf_as_slice(&agw));
	else {
		record_put_key(out, "agwID");
		buf_puts(out, "null");
	}
	buf_free(&agw);
}

void
delivery_print(const struct store *st, const struct roster *r,
    const struct store_event *ev, const struct order *o,
    const struct store_delivery *d, struct buf *out)
{
	const struct subscription *s = roster_subscription(r,
	    d->key.subscription);
	const char *state = delivery_state_name(r, d);
	char id[ID_MAX];

	buf_putc(out, '{');
	store_delivery_id(st, d->key, id);
	record_put_string(out, "id", slice_of(id));
	store_event_id(st, d->key.position, id);
	record_put_string(out, "event", slice_of(id));
	record_put_string(out, "eventType", ev->type);
	subscription_id(st, d->key.subscription, id);
	record_put_string(out, "subscription", slice_of(id));
	record_put_key(out, "client");
	if (s != NULL && s->client->number != 0) {
		store_record_id(st, STORE_CLIENT, s->client->number, id);
		json_put_string(out, slice_of(id));
	} else
		buf_puts(out, "null");
	put_agwid(o, out);
	record_put_string(out, "state", slice_of(state));
	record_put_string(out, "reason", slice_of(d->reason));
	record_put_int(out, "attempts", d->attempts);
	record_put_time(out, "nextAttemptAt",
	    strcmp(state, "held") == 0 ? 0 : d->next_ms);
	record_put_key(out, "lastStatus");
	if (d->last_status > 0)
		buf_i64(out, d->last_status);
	else
		buf_puts(out, "null");
	record_put_time(out, "createdAt", d->created_ms);
	record_put_time(out, "doneAt", d->done_ms);
	record_put_bool(out, "test", ev->test);
	buf_putc(out, '}');
}

enum rc
event_print(struct store *st, const struct roster *r,
    const struct store_event *ev, const struct order *o, bool whole,
    struct buf *out)
{
	struct store_delivery *d = NULL;
	size_t n = 0, max = ev->subscriptions.len / 4 + REPLAYS_SHOWN;
	char id[ID_MAX];
	enum rc rc = RC_OK;

	if (max > DELIVERIES_SHOWN)
		max = DELIVERIES_SHOWN;
	if (whole) {
		d = calloc(max, sizeof *d);
		if (d == NULL)
			log_fatal("out of memory");
		rc = store_event_deliveries(st, ev, d, max, &n);
		if (rc != RC_OK)
			goto done;
	}
	buf_putc(out, '{');
	store_event_id(st, ev->position, id);
	record_put_string(out, "id", slice_of(id));
	record_put_string(out, "event", ev->type);
	if (ev->occurred.s != NULL)
		record_put_string(out, "occurredAt", ev->occurred);
	else
		record_put_time(out, "occurredAt", ev->accepted_ms);
	record_put_time(out, "acceptedAt", ev->accepted_ms);
	record_put_key(out, "senderId");
	/* one of the service's own is no sender's, and no text */
	if (ev->sender_id.s != NULL && ev->sender_id.s[0] != '\0')
		json_put_string(out, ev->sender_id);
	else
		buf_puts(out, "null");
	record_put_bool(out, "test", ev->test);
	if (whole) {
		record_put_key(out, "order");
		if (o != NULL)
			piece_compact(&o->doc, 0, out);
		else
			buf_puts(out, "null");
	} else if (o != NULL)
		put_agwid(o, out);
	record_put_key(out, "deliveries");
	if (whole) {
		buf_putc(out, '[');
		for (size_t i = 0; i < n; i++) {
			if (i > 0)
				buf_putc(out, ',');
			delivery_print(st, r, ev, o, &d[i], out);
		}
		buf_putc(out, ']');
	} else
		buf_i64(out, (int64_t)(ev->subscriptions.len / 4));
	buf_putc(out, '}');
done:
	free(d);
	return rc;
}

struct slice
head_line(struct slice *head)
{
	const char *nl = head->len == 0 ? NULL :
	    memchr(head->s, '\n', head->len);
	struct slice line = *head;

	if (nl != NULL)
		line.len = (size_t)(nl - head->s);
	head->len -= line.len + (nl != NULL);
	head->s += line.len + (nl != NULL);
	while (line.len > 0 && line.s[line.len - 1] == '\r')
		line.len--;
	return line;
}

static struct slice
blanks_off(struct slice s)
{
	while (s.len > 0 && (s.s[0] == ' ' || s.s[0] == '\t')) {
		s.s++;
		s.len--;
	}
	while (s.len > 0 && (s.s[s.len - 1] == ' ' || s.s[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
attempt_is_mail(const struct store_attempt *a)
{
	static const char begin[] = "MAIL FROM:<";

	return a->request.len > sizeof begin - 1 &&
	    memcmp(a->request.s, begin, sizeof begin - 1) == 0;
}

/* Lines with a name and a value each; others are left out. */
static void
put_headers(const char *key, struct slice head, struct buf *out)
{
	bool first = true;

	record_put_key(out, key);
	buf_putc(out, '[');
	while (head.len > 0) {
		struct slice line = head_line(&head), name = line;
		const char *colon = line.len == 0 ? NULL :
		    memchr(line.s, ':', line.len);

		if (colon == NULL)
			continue;
		name.len = (size_t)(colon - line.s);
		line.s += name.len + 1;
		line.len -= name.len + 1;
		buf_puts(out, first ? "{" : ",{");
		record_put_string(out, "name", name);
		record_put_string(out, "value", blanks_off(line));
		buf_putc(out, '}');
		first = false;
	}
	buf_putc(out, ']');
}

/* What the start line of a request names. */
static void
put_target(struct slice request, struct buf *out)
{
	struct slice line = head_line(&request), url = { "", 0 };
	const char *space = line.len == 0 ? NULL :
	    memchr(line.s, ' ', line.len);

	if (space != NULL) {
		url.s = space + 1;
		url.len = line.len - (size_t)(url.s - line.s);
		line.len -= url.len + 1;
		while (url.len > 0 && url.s[url.len - 1] != ' ')
			url.len--;	/* HTTP/1.1: a URL has no blanks */
		url.len -= url.len > 0;
	}
	record_put_string(out, "method", line);
	record_put_string(out, "url", url);
}

/* "RCPT TO:<a@b.example>" */
static struct slice
address_in(struct slice line)
{
	const char *open = line.len == 0 ? NULL :
	    memchr(line.s, '<', line.len);

	if (open == NULL)
		return SLICE("");
	slice_take(&line, (size_t)(open + 1 - line.s));
	line.len -= line.len > 0;	/* its > */
	return line;
}

/* What an attempt sent, and to where. */
static void
put_request(const struct store_attempt *a, struct buf *out)
{
	struct slice head = a->request;

	record_put_string(out, "request", a->request);
	if (attempt_is_mail(a)) {
		record_put_string(out, "from", address_in(head_line(&head)));
		record_put_string(out, "to", address_in(head_line(&head)));
	} else {
		put_target(a->request, out);
		(void)head_line(&head);
	}
	put_headers("requestHeaders", head, out);
}

/* SMTP's replies have no headers among them. */
static void
put_response_head(const struct store_attempt *a, struct buf *out)
{
	struct slice head = a->response_head;

	record_put_string(out, "responseHead", a->response_head);
	if (attempt_is_mail(a))
		head.len = 0;
	(void)head_line(&head);
	put_headers("responseHeaders", head, out);
}

static void
put_body(const struct attempt_body *b, struct buf *out)
{
	record_put_key(out, "body");
	if (b->body.s != NULL)
		json_put_string(out, b->body);
	else
		buf_puts(out, "null");
	record_put_string(out, "bodyMissing", b->why);
}

/* "POST https://..." */
static bool
is_https(struct slice request)
{
	const char *at = memchr(request.s, ' ', request.len);

	return at != NULL && request.len - (size_t)(at - request.s) > 9 &&
	    memcmp(at, " https://", 9) == 0;
}

bool
attempt_went_out(const struct store_attempt *a)
{
	static const char *const before[] = { "dns", "guard", "refused",
	    "unreachable", "tls", "url", "template", "internal", "login",
	    "address" };

	for (size_t i = 0; i < NELEM(before); i++)
		if (strcmp(a->word, before[i]) == 0)
			return false;
	/* a new connection, on which TLS was never agreed */
	if (strcmp(a->word, "timeout") == 0 && a->connect_us > 0 &&
	    a->tls_us == 0 && is_https(a->request))
		return false;
	return a->address.len > 0;
}

/* Bytes from an endpoint are not always UTF-8: json_put_string mends them. */
void
attempt_print(const struct store_attempt *a, const struct attempt_body *b,
    struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	char hash[2 * CRYPT_HASH_LEN + 1];

	for (size_t i = 0; i < CRYPT_HASH_LEN; i++) {
		hash[2 * i] = hex[a->body_hash[i] >> 4];
		hash[2 * i + 1] = hex[a->body_hash[i] & 15];
	}
	hash[2 * CRYPT_HASH_LEN] = '\0';
	buf_putc(out, '{');
	record_put_int(out, "number", a->number);
	record_put_int(out, "attempt", a->attempt);
	record_put_time(out, "at", a->at_ms);
	record_put_int(out, "version", (int64_t)a->version);
	record_put_key(out, "status");
	if (a->status > 0)
		buf_i64(out, a->status);
	else
		buf_puts(out, "null");
	record_put_string(out, "word", slice_of(a->word));
	record_put_string(out, "sentence", a->sentence);
	record_put_string(out, "address", a->address);
	buf_printf(out, ",\"duration_us\":{\"dns\":%" PRIu32 ",\"connect\":%"
	    PRIu32 ",\"tls\":%" PRIu32 ",\"first\":%" PRIu32 ",\"total\":%"
	    PRIu32 "}", a->dns_us, a->connect_us, a->tls_us, a->first_us,
	    a->total_us);
	put_request(a, out);
	record_put_bool(out, "wentOut", attempt_went_out(a));
	put_body(b, out);
	record_put_string(out, "bodyHash", slice_of(hash));
	put_response_head(a, out);
	record_put_string(out, "responseBody", a->response_body);
	record_put_int(out, "responseKept", (int64_t)a->response_body.len);
	record_put_int(out, "responseLength", (int64_t)a->response_len);
	record_put_bool(out, "truncated",
	    a->response_len > a->response_body.len);
	buf_putc(out, '}');
}
