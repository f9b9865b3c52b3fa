#include <stdlib.h>
#include "base/log.h"
#include "work/take.h"

#define AGAIN_MAX 16	/* configuration changes met while accepting */

void
take_events(const struct take *t, struct store_accept *item, size_t n)
{
	for (int again = 0; n > 0; again++) {
		const struct roster *r = NULL;
		enum rc rc = rosters_get(t->rosters, 0, again > 0, &r);

		n = t->match(t->arg, r, n);
		roster_release(r);
		if (rc == RC_OK && n > 0)
			rc = store_accept(t->store, item, n);
		for (size_t i = 0; i < n; i++) {
			if (rc != RC_OK)
				item[i].rc = rc;
			else if (item[i].rc == RC_STALE && again == AGAIN_MAX)
				item[i].rc = RC_RETRY;
		}
		n = t->taken(t->arg, n);
	}
}

void
take_match(struct take_match *m, const struct roster *r,
    const struct catalog_event *type, const struct order *o)
{
	m->n = roster_match_turns(r, type, o, &m->number, &m->cap, &m->turns);
}

void
take_match_add(struct take_match *m, uint32_t number)
{
	if (m->n == m->cap) {
		m->cap = m->n + 1;
		m->number = reallocarray(m->number, m->cap,
		    sizeof *m->number);
		if (m->number == NULL)
			log_fatal("out of memory");
	}
	m->number[m->n++] = number;
}

void
take_match_put(struct take_match *m, const struct roster *r, uint64_t chain,
    struct store_accept *a)
{
	if (m->turns)
		roster_turns(r, m->number, m->n, &m->turn, &m->turn_cap);
	a->subscription = m->number;
	a->nsubscription = (uint32_t)m->n;
	a->ordered = m->turns ? m->turn : NULL;
	a->chain = chain;
	a->generation = roster_generation(r);
}

void
take_match_free(struct take_match *m)
{
	free(m->number);
	free(m->turn);
}
