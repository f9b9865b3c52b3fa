#include "base/clock.h"
#include "base/log.h"
#include "work/intake.h"
#include "work/operational_inner.h"
#include "work/record_json.h"
#include "work/take.h"

/* An event on its way into the store. */
struct posting {
	const struct config *cf;
	const struct operational_event *ev;
	const struct catalog_event *type;
	char		 occurred[CLOCK_TEXT_MAX];
	struct operational_text text;
	struct order	 order;
	struct take_match match;
	struct store_accept accept;
	bool		 any;
};

/*
 * Who takes the events of an order in turn takes these as they befell a
 * subscription: that it fails, then that it has recovered.
 */
static uint64_t
chain(const struct posting *p)
{
	uint64_t ref = crypt_ref(p->cf->crypt, REFERENCE_AGWID,
	    buf_as_slice(&p->text.about));

	return reference_chain(&ref, 1);
}

static void
fill(struct posting *p, const struct roster *r)
{
	struct store_accept *a = &p->accept;

	*a = (struct store_accept){
		.type = slice_of(p->type->name),
		.sender_id = buf_as_slice(&p->text.id),
		.occurred = slice_of(p->occurred),
		.order = buf_as_slice(&p->text.object),
		.key = INTAKE_NO_KEY,
	};
	take_match_put(&p->match, r, chain(p), a);
	crypt_hash(p->cf->crypt, buf_as_slice(&p->text.id), a->content);
}

static void
leave_out(struct take_match *m, uint32_t number)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->number[i] != number)
			m->number[kept++] = m->number[i];
	m->n = kept;
}

static size_t
match(void *arg, const struct roster *r, size_t n)
{
	struct posting *p = arg;
	struct operational_text *t = &p->text;
	struct json_error err;

	if (r == NULL)
		return n;
	p->any = false;
	p->accept.rc = RC_OK;
	buf_clear(&t->object);
	buf_clear(&t->id);
	buf_clear(&t->about);
	buf_putc(&t->id, '\0');
	if (!p->ev->write(p->ev->arg, r, t))
		return 0;
	if (t->object.over || t->id.over) {
		p->accept.rc = RC_TOOBIG;
		return 0;
	}
	if (order_read(&p->order, p->cf->catalog, buf_as_slice(&t->object),
	    &err) != RC_OK)
		log_fatal("%s can't be read: %s", p->type->name, err.detail);
	take_match(&p->match, r, p->type, &p->order);
	leave_out(&p->match, p->ev->subscription);
	if (t->mailed)		/* no record has as high a number */
		take_match_add(&p->match, NOTICE_LANE);
	p->any = p->match.n > 0;
	if (p->any)
		fill(p, r);
	return p->any;
}

static size_t
taken(void *arg, size_t n)
{
	const struct posting *p = arg;

	return n > 0 && p->accept.rc == RC_STALE;
}

enum rc
operational_event_post(const struct config *cf, struct rosters *rs,
    const struct operational_event *ev, bool *any)
{
	struct posting p = { .cf = cf, .ev = ev, .order = ORDER_INIT,
	    .text = OPERATIONAL_TEXT_INIT };
	const struct take t = { cf->store, rs, match, taken, &p };
	const struct roster *r;
	enum rc rc;

	p.type = catalog_event_find(cf->catalog, slice_of(ev->type));
	if (p.type == NULL)
		log_fatal("%s is not in the catalogue", ev->type);
	/* the present one: what nobody wants does not get as far as the store */
	rc = rosters_get(rs, 0, true, &r);
	if (rc != RC_OK)
		return rc;
	roster_release(r);
	clock_format(ev->now_ms, p.occurred);
	take_events(&t, &p.accept, 1);
	rc = p.accept.rc == RC_EXISTS ? RC_OK : p.accept.rc;
	*any = p.any;
	order_free(&p.order);
	buf_free(&p.text.object);
	buf_free(&p.text.id);
	buf_free(&p.text.about);
	take_match_free(&p.match);
	return rc;
}
