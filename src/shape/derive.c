/*
 * Legs that follow each other make a chain.  One Way is a chain that ends
 * elsewhere without a stay of a day on the way (shorter ones are connections);
 * Round Trip is a chain that comes home with one turning point; all else is
 * Multicity.  Where times are missing or can't be read, a way home is a round
 * trip if it has two legs or passes the same airports in reverse.
 */
#include "base/clock.h"
#include "shape/derive.h"
#include "shape/piece.h"

#define STAY_MS		(24 * 3600 * 1000LL)
#define LEGS_MAX	256	/* journeys; a longer list is something else */

struct leg {
	struct order_value from, to;
	int64_t	departure_ms, arrival_ms;
	bool	timed;
};

static struct order_value
airport(const struct order *o, uint32_t leg, const char *key)
{
	uint32_t i = json_find(&o->doc, leg, key);

	if (i == 0 || o->doc.tok[i].type != JSON_STRING ||
	    o->doc.tok[i].len == 0)
		return (struct order_value){ .found = false };
	return order_token(o, i);
}

static bool
moment(const struct order *o, uint32_t leg, const char *key, int64_t *ms)
{
	uint32_t i = json_find(&o->doc, leg, key);
	char tmp[ORDER_SHORT_MAX];

	return i != 0 && o->doc.tok[i].type == JSON_STRING &&
	    clock_parse(order_value_short(order_token(o, i), tmp), true, ms,
	    NULL) == RC_OK;
}

/* Whatever of it is written with escapes. */
static bool
same(struct order_value a, struct order_value b)
{
	struct slice x = { NULL, 0 }, y = { NULL, 0 };
	char of_a[4], of_b[4];

	for (;;) {
		bool more_a = x.len > 0 || piece_next(&a.text, of_a, &x);
		bool more_b = y.len > 0 || piece_next(&b.text, of_b, &y);
		size_t n = x.len < y.len ? x.len : y.len;

		if (!more_a || !more_b)
			return more_a == more_b;
		if (memcmp(x.s, y.s, n) != 0)
			return false;
		x = (struct slice){ x.s + n, x.len - n };
		y = (struct slice){ y.s + n, y.len - n };
	}
}

/* RC_INVALID: these are no legs to derive anything from. */
static enum rc
read_legs(const struct order *o, struct leg *leg, size_t *n)
{
	const struct json_tok *tok = o->doc.tok;

	*n = 0;
	if (tok[o->legs].n == 0 || tok[o->legs].n > LEGS_MAX)
		return RC_INVALID;
	for (uint32_t i = o->legs + 1; i < tok[o->legs].next;
	    i = tok[i].next) {
		struct leg *l = &leg[(*n)++];

		l->from = airport(o, i, "origin");
		l->to = airport(o, i, "destination");
		if (!l->from.found || !l->to.found)
			return RC_INVALID;
		l->timed = moment(o, i, "departure", &l->departure_ms);
		l->timed &= moment(o, i, "arrival", &l->arrival_ms);
	}
	return RC_OK;
}

/* What the stays between the legs tell. */
struct stays {
	bool	timed;		/* all are known */
	size_t	days;		/* how many last a day or more */
	size_t	longest;	/* the leg after which it is */
};

static struct stays
read_stays(const struct leg *leg, size_t n)
{
	struct stays s = { .timed = true };
	int64_t most = -1;

	for (size_t i = 0; i + 1 < n; i++) {
		int64_t ms;

		if (!leg[i].timed || !leg[i + 1].timed) {
			s.timed = false;
			break;
		}
		ms = leg[i + 1].departure_ms - leg[i].arrival_ms;
		s.days += ms >= STAY_MS;
		if (ms > most) {
			most = ms;
			s.longest = i;
		}
	}
	return s;
}

static bool
there_and_back(const struct leg *leg, size_t n)
{
	for (size_t i = 0; i < n / 2; i++)
		if (!same(leg[i].from, leg[n - 1 - i].to))
			return false;
	return n % 2 == 0;
}

static const char *
booking(const struct leg *leg, size_t n, const struct stays *s)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (!same(leg[i].to, leg[i + 1].from))
			return "Multicity";
	if (!same(leg[0].from, leg[n - 1].to))
		return s->timed && s->days > 0 ? "Multicity" : "One Way";
	if (n == 2)
		return "Round Trip";
	if (s->timed && s->days > 0)
		return s->days == 1 ? "Round Trip" : "Multicity";
	return there_and_back(leg, n) ? "Round Trip" : "Multicity";
}

static struct order_derived
put(struct order *o, struct order_value v)
{
	struct order_derived d = { (uint32_t)o->derived.len,
	    (uint32_t)v.text.len, v.escaped };

	buf_slice(&o->derived, v.text);
	return d;
}

void
derive_from_legs(struct order *o)
{
	struct order_derived path;
	struct leg leg[LEGS_MAX];
	struct stays s;
	size_t n, turn;

	if (read_legs(o, leg, &n) != RC_OK)
		return;
	s = read_stays(leg, n);
	o->booking = booking(leg, n, &s);
	turn = n - 1;
	if (strcmp(o->booking, "Round Trip") == 0)
		turn = s.timed && n > 2 ? s.longest : n / 2 - 1;
	o->origin = put(o, leg[0].from);
	o->destination = put(o, leg[turn].to);
	path = (struct order_derived){ (uint32_t)o->derived.len, 0, false };
	for (size_t i = 0; i < n; i++) {
		buf_puts(&o->derived, i > 0 ? ", " : "");
		buf_slice(&o->derived, leg[i].from.text);
		buf_putc(&o->derived, '-');
		buf_slice(&o->derived, leg[i].to.text);
		path.escaped |= leg[i].from.escaped || leg[i].to.escaped;
	}
	path.len = (uint32_t)(o->derived.len - path.off);
	o->full_path = path;
	if (o->derived.over) {		/* airports of 256 KiB: nonsense */
		o->origin.len = o->destination.len = o->full_path.len = 0;
		buf_clear(&o->derived);
	}
}
