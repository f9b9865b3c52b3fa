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
