#include <string.h>
#include "store/bdb_delivery.h"

/*
 * An event's row:
 *   layout8    EVENT_LAYOUT
 *   flags8     EVENT_TEST ...
 *   accepted64
 *   key32      number of the publish key
 *   n32        deliveries, then n times 32 bits: the subscription of each,
 *              ascending; one that is there several times has as many
 *   chain64    with EVENT_CHAIN only, then a bit for each of the n, padded to
 *              a byte: whether it has events in turn, the first one's lowest
 *   order hash of the timers that it sets, with EVENT_TIMED only
 *   type       length16, bytes
 *   sender id  the same, with EVENT_SENDER only
 *   occurred   the same, with EVENT_OCCURRED only
 *   order      all the rest
 */
#define EVENT_LAYOUT	1
#define EVENT_N		(EVENT_HEAD - 4)	/* where n32 is */

enum { EVENT_TEST = 1, EVENT_SENDER = 2, EVENT_OCCURRED = 4,
	EVENT_CHAIN = 8, EVENT_TIMED = 16 };

static void
put_text(struct buf *val, struct slice s)
{
	if (s.len > UINT16_MAX) {
		val->over = true;
		return;
	}
	buf_be16(val, (uint16_t)s.len);
	buf_slice(val, s);
}

static struct slice
take_text(struct slice *s)
{
	uint16_t len = slice_be16(s);

	return slice_take(s, len);
}

static void
put_ordered(struct buf *val, const struct store_accept *a)
{
	uint8_t bits = 0;

	buf_be64(val, a->chain);
	for (uint32_t i = 0; i < a->nsubscription; i++) {
		bits |= (uint8_t)((unsigned)a->ordered[i] << i % 8);
		if (i % 8 == 7 || i + 1 == a->nsubscription) {
			buf_be8(val, bits);
			bits = 0;
		}
	}
}

static bool
sets_timers(const struct store_timer_change *c)
{
	bool sets = false;

	for (int t = 0; c != NULL && t < STORE_TIMERS; t++)
		sets = sets || c->to[t].what == STORE_TIMER_SET ||
		    c->to[t].what == STORE_TIMER_RENEW;
	return sets;
}

void
event_encode(struct buf *val, const struct store_accept *a,
    int64_t accepted_ms)
{
	bool sender = a->sender_id.len > 0, occurred = a->occurred.s != NULL;
	bool chain = a->ordered != NULL, timed = sets_timers(a->timers);

	buf_clear(val);
	buf_be8(val, EVENT_LAYOUT);
	buf_be8(val, (uint8_t)((a->test ? EVENT_TEST : 0) |
	    (sender ? EVENT_SENDER : 0) | (occurred ? EVENT_OCCURRED : 0) |
	    (chain ? EVENT_CHAIN : 0) | (timed ? EVENT_TIMED : 0)));
	buf_be64(val, (uint64_t)accepted_ms);
	buf_be32(val, a->key);
	buf_be32(val, a->nsubscription);
	for (uint32_t i = 0; i < a->nsubscription; i++)
		buf_be32(val, a->subscription[i]);
	if (chain)
		put_ordered(val, a);
	if (timed)
		buf_put(val, a->timers->order.hash,
		    sizeof a->timers->order.hash);
	put_text(val, a->type);
	if (sender)
		put_text(val, a->sender_id);
	if (occurred)
		put_text(val, a->occurred);
	buf_slice(val, a->order);
}

uint32_t
event_without_list(char head[EVENT_HEAD])
{
	struct slice s = { head + EVENT_N, 4 };
	uint32_t n = slice_be32(&s), len = n * 4;

	if (head[1] & EVENT_CHAIN)
		len += 8 + (n + 7) / 8;
	head[1] = (char)(head[1] & ~EVENT_CHAIN);
	memset(head + EVENT_N, 0, 4);
	return n > STORE_SUBSCRIPTIONS_MAX ? UINT32_MAX - EVENT_HEAD : len;
}

bool
event_head_is_test(struct slice head)
{
	uint8_t layout = slice_be8(&head), flags = slice_be8(&head);

	return head.s != NULL && layout == EVENT_LAYOUT &&
	    (flags & EVENT_TEST) != 0;
}

enum rc
event_decode(struct store_event *ev, uint64_t position)
{
	struct slice s = buf_as_slice(&ev->raw);
	struct store_event got = { .position = position };
	uint8_t layout = slice_be8(&s), flags = slice_be8(&s);

	got.accepted_ms = (int64_t)slice_be64(&s);
	got.key = slice_be32(&s);
	got.test = (flags & EVENT_TEST) != 0;
	got.subscriptions = slice_take(&s, (size_t)slice_be32(&s) * 4);
	if (flags & EVENT_CHAIN) {
		got.chain = slice_be64(&s);
		got.ordered = slice_take(&s,
		    (got.subscriptions.len / 4 + 7) / 8);
	}
	if (flags & EVENT_TIMED)
		got.timed = slice_take(&s, sizeof(struct store_order));
	got.type = take_text(&s);
	if (flags & EVENT_SENDER)
		got.sender_id = take_text(&s);
	if (flags & EVENT_OCCURRED)
		got.occurred = take_text(&s);
	if (s.s == NULL || layout != EVENT_LAYOUT)
		return RC_INVALID;
	got.order = s;
	got.raw = ev->raw;
	*ev = got;
	return RC_OK;
}

static uint32_t
number(const struct store_event *ev, size_t i)
{
	struct slice s = { ev->subscriptions.s + i * 4, 4 };

	return slice_be32(&s);
}

size_t
event_nlisted(const struct store_event *ev)
{
	return ev->subscriptions.len / 4;
}

struct store_key
event_listed(const struct store_event *ev, size_t i)
{
	struct store_key k = { ev->position, number(ev, i), 0 };

	while (i > 0 && number(ev, i - 1) == k.subscription) {
		k.ordinal++;
		i--;
	}
	return k;
}

/* They ascend. */
size_t
event_listed_from(const struct store_event *ev, uint32_t subscription,
    uint32_t ordinal)
{
	size_t lo = 0, n = event_nlisted(ev), hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (number(ev, mid) < subscription)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; ordinal > 0 && lo < n && number(ev, lo) == subscription; lo++)
		ordinal--;
	return lo;
}

bool
event_lists(const struct store_event *ev, const struct store_key *k)
{
	size_t i = event_listed_from(ev, k->subscription, k->ordinal);

	return i < event_nlisted(ev) && number(ev, i) == k->subscription &&
	    event_listed(ev, i).ordinal == k->ordinal;
}

uint64_t
event_chain(const struct store_event *ev, size_t i)
{
	if (i / 8 >= ev->ordered.len || ((unsigned char)ev->ordered.s[i / 8]
	    >> i % 8 & 1) == 0)
		return 0;
	return event_listed(ev, i).ordinal == 0 ? ev->chain : 0;
}

uint64_t
event_chain_of(const struct store_event *ev, uint32_t subscription)
{
	size_t i = event_listed_from(ev, subscription, 0);

	return i < event_nlisted(ev) && number(ev, i) == subscription ?
	    event_chain(ev, i) : 0;
}

void
store_event_clear(struct store_event *ev)
{
	buf_free(&ev->raw);
	*ev = (struct store_event)STORE_EVENT_INIT;
}
