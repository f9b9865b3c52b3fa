#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "work/preview.h"
#include "work/record_json.h"

#define PAGE	32	/* events in memory at once */

struct preview_of
preview_of(const struct subscription *s)
{
	struct preview_of of = {
		.client = s->client,
		.task = subscription_task(s),
		.number = s->number,
	};

	of.nkey = subscription_keys(s, clock_now_ms(), &of.key);
	return of;
}

void
preview_free(struct preview *p)
{
	store_event_clear(&p->event);
	order_free(&p->order);
	buf_free(&p->reason);
	outgoing_free(&p->out);
}

/* The order of p's event and its type, from the store or made up. */
static enum rc
read_order(struct preview *p, struct buf *why)
{
	struct json_error err;
	enum rc rc;

	p->type = catalog_event_find(p->catalog, p->event.type);
	if (p->event.order.len == 0) {
		buf_puts(why, "its order is no longer kept");
		return RC_NOTFOUND;
	}
	rc = order_read(&p->order, p->catalog, p->event.order, &err);
	if (rc == RC_OK)
		return RC_OK;
	buf_printf(why, "its order can't be read: %s", err.detail);
	return RC_INVALID;
}

enum rc
preview_event(struct preview *p, const struct preview_of *of,
    uint64_t position, struct buf *why)
{
	enum rc rc;

	store_event_clear(&p->event);
	rc = store_event_get(p->store, position, &p->event);
	if (rc == RC_NOTFOUND)
		buf_puts(why, "there is no such event");
	else if (rc != RC_OK)
		buf_puts(why, "the store can't be read just now");
	else
		rc = read_order(p, why);
	if (rc == RC_OK && !client_sees(of->client, p->type, &p->order)) {
		buf_puts(why, "its order is outside the client's scope");
		rc = RC_DENIED;
	}
	return rc;
}

static bool
matched_with(const struct store_event *ev, uint32_t number)
{
	struct slice s = ev->subscriptions;

	while (s.len >= 4)
		if (slice_be32(&s) == number)
			return true;
	return false;
}

/* Is ev one to be chosen?  It is p's then. */
static bool
choose(struct preview *p, const struct preview_of *of, struct store_event *ev)
{
	struct buf why = BUF_INIT(1024);
	struct store_event was;
	bool asked, matched, found;

	p->type = catalog_event_find(p->catalog, ev->type);
	asked = p->type != NULL && task_wants(of->task, p->type);
	matched = !of->draft && matched_with(ev, of->number);
	if (!asked && !matched)
		return false;
	was = p->event;
	p->event = *ev;
	*ev = was;
	found = read_order(p, &why) == RC_OK &&
	    client_sees(of->client, p->type, &p->order) &&
	    (matched || task_filter_matches(of->task, &p->order));
	buf_free(&why);
	return found;
}

enum rc
preview_newest(struct preview *p, const struct preview_of *of)
{
	struct store_event *ev = calloc(PAGE, sizeof *ev);
	uint64_t before = 0;
	size_t looked = 0, n;
	bool found = false;
	enum rc rc;

	if (ev == NULL)
		log_fatal("out of memory");
	for (size_t i = 0; i < PAGE; i++)
		ev[i] = (struct store_event)STORE_EVENT_INIT;
	do {
		rc = store_events(p->store, NULL, 0, before, ev, PAGE, &n,
		    &before);
		for (size_t i = 0; rc == RC_OK && !found && i < n; i++)
			found = choose(p, of, &ev[i]);
		looked += n;
	} while (rc == RC_OK && !found && before != 0 &&
	    looked < PREVIEW_LOOKED);
	for (size_t i = 0; i < PAGE; i++)
		store_event_clear(&ev[i]);
	free(ev);
	return rc == RC_OK && !found ? RC_NOTFOUND : rc;
}

/* The first event type that a task asks for. */
static const struct catalog_event *
first_type(const struct catalog *c, const struct task *t)
{
	const struct catalog_event *e = catalog_event_find(c,
	    slice_of(task_event_at(t, 0)));

	return e != NULL ? e : catalog_event_at(c, 0);	/* "*" */
}

void
preview_sample(struct preview *p, const struct preview_of *of,
    const struct catalog_event *type)
{
	struct buf why = BUF_INIT(1024);

	if (type == NULL)
		type = first_type(p->catalog, of->task);
	store_event_clear(&p->event);
	catalog_sample_order(p->catalog, type, &p->event.raw);
	p->event.type = slice_of(type->name);
	p->event.order = buf_as_slice(&p->event.raw);
	p->event.accepted_ms = clock_now_ms();
	if (read_order(p, &why) != RC_OK)
		log_fatal("the sample of %s: %s", type->name, buf_str(&why));
	buf_free(&why);
}

void
preview_decide(struct preview *p, const struct preview_of *of)
{
	buf_clear(&p->reason);
	if (p->type == NULL)
		buf_puts(&p->reason, "its type is not in the catalogue");
	else if (!task_wants(of->task, p->type))
		buf_printf(&p->reason, "its events leave out %s",
		    p->type->name);
	else if (catalog_is_operational(p->type) && !of->client->all)
		buf_puts(&p->reason, "its client does not see everything");
	else if (!task_filter_matches(of->task, &p->order))
		buf_puts(&p->reason, "its filter does not hold for this "
		    "order");
	p->wanted = p->reason.len == 0;
}

enum rc
preview_make(struct preview *p, const struct preview_of *of, struct buf *why)
{
	struct outgoing_ask ask = {
		.store = p->store,
		.task = of->task,
		.key = of->key,
		.nkey = of->nkey,
		.event = &p->event,
		.order = &p->order,
		.delivery = { p->event.position, of->number,
		    (uint16_t)p->recipient },
		.attempt = 1,
		.now_ms = clock_now_ms(),
		.from = p->from,
		.site_url = p->site_url,
	};

	preview_decide(p, of);
	if (of->nkey == 0 && task_channel(of->task) == TASK_WEBHOOK) {
		buf_puts(why, "it has no signing secret, and nothing goes "
		    "out unsigned");
		return RC_INVALID;
	}
	return outgoing_make(&p->out, &ask, why);
}

static void
put_headers(const struct outgoing *o, enum outgoing_secrets how,
    struct buf *out)
{
	struct buf value = BUF_INIT(128 * 1024);

	(void)buf_room(&value, o->head.len);	/* at once: leaves no copies */
	record_put_key(out, "headers");
	buf_putc(out, '[');
	for (size_t i = 0; i < o->nheader; i++) {
		buf_clear(&value);
		outgoing_value(&o->header[i], how, &value);
		buf_puts(out, i > 0 ? ",{" : "{");
		record_put_string(out, "name", o->header[i].name);
		record_put_string(out, "value", buf_as_slice(&value));
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
	buf_wipe(&value);
}

static void
put_envelope(const struct preview *p, const struct preview_of *of,
    struct buf *out)
{
	record_put_string(out, "channel", SLICE("mail"));
	record_put_int(out, "recipient", p->recipient + 1);
	record_put_int(out, "recipients", task_recipients(of->task));
	record_put_string(out, "from", slice_of(p->out.from));
	record_put_string(out, "to", buf_as_slice(&p->out.rq.to));
	record_put_string(out, "subject", buf_as_slice(&p->out.rq.subject));
}

void
preview_print(const struct preview *p, const struct preview_of *of,
    enum outgoing_secrets how, struct buf *out)
{
	bool mail = p->out.rq.channel == TASK_MAIL;
	char id[ID_MAX];

	buf_putc(out, '{');
	record_put_key(out, "subscription");
	if (of->number != 0) {
		store_record_id(p->store, STORE_SUBSCRIPTION, of->number, id);
		json_put_string(out, slice_of(id));
	} else
		buf_puts(out, "null");
	record_put_key(out, "event");
	if (p->event.position != 0) {
		store_event_id(p->store, p->event.position, id);
		json_put_string(out, slice_of(id));
	} else
		buf_puts(out, "null");
	record_put_string(out, "eventType", p->event.type);
	record_put_bool(out, "wanted", p->wanted);
	record_put_string(out, "reason", buf_as_slice(&p->reason));
	if (p->out.rq.channel == TASK_SLACK)
		record_put_string(out, "channel", SLICE("slack"));
	if (mail)
		put_envelope(p, of, out);
	else {
		record_put_string(out, "method", slice_of(p->out.rq.method));
		record_put_string(out, "url", outgoing_url(&p->out, how));
	}
	put_headers(&p->out, how, out);
	record_put_string(out, "body", buf_as_slice(&p->out.rq.body));
	if (mail)
		record_put_string(out, "message",
		    buf_as_slice(&p->out.message));
	buf_putc(out, '}');
}
