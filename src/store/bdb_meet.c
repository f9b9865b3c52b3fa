#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_meet.h"

#define REF_BATCH	256	/* positions of one reference read at once */

/* One reference's positions, newest first, read a batch at a time. */
struct stream {
	uint64_t	ref;
	uint64_t	below;		/* to read on */
	uint64_t	position[REF_BATCH];
	size_t		i, n;
	bool		end;		/* none but those in position */
};

struct meet {
	const struct store_ref *ref;
	size_t		 n;
	struct stream	*stream;	/* of each ref in turn */
};

struct meet *
meet_new(const struct store_ref *ref, size_t n, uint64_t before)
{
	struct meet *m = calloc(1, sizeof *m);
	size_t all = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		all += ref[i].n;
	if (m != NULL)
		m->stream = calloc(all + 1, sizeof *m->stream);
	if (m == NULL || m->stream == NULL)
		log_fatal("out of memory: %zu references", all);
	m->ref = ref;
	m->n = n;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < ref[i].n; j++)
			m->stream[at++] = (struct stream){
			    .ref = ref[i].any[j], .below = before };
	return m;
}

void
meet_free(struct meet *m)
{
	if (m == NULL)
		return;
	free(m->stream);
	free(m);
}

/* The stream's newest position that is not above limit; 0: there is none. */
static enum rc
stream_at(struct store *st, struct stream *s, uint64_t limit, size_t *budget,
    uint64_t *position)
{
	enum rc rc;

	for (;;) {
		for (; s->i < s->n; s->i++) {
			if (s->position[s->i] <= limit) {
				*position = s->position[s->i];
				return RC_OK;
			}
			*budget -= *budget > 0;
		}
		if (s->end) {
			*position = 0;
			return RC_OK;
		}
		if (limit < s->below - 1)
			s->below = limit + 1;
		s->i = s->n = 0;
		rc = bdb_ref_find(st, s->ref, s->below, s->position, REF_BATCH,
		    &s->n);
		if (rc != RC_OK)
			return rc;
		s->end = s->n < REF_BATCH || s->position[s->n - 1] <= 1;
		if (s->n > 0)
			s->below = s->position[s->n - 1];
	}
}

/* The same of those n together. */
static enum rc
streams_at(struct store *st, struct stream *s, size_t n, uint64_t limit,
    size_t *budget, uint64_t *position)
{
	uint64_t p;
	enum rc rc = RC_OK;

	*position = 0;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = stream_at(st, &s[i], limit, budget, &p);
		if (rc == RC_OK && p > *position)
			*position = p;
	}
	return rc;
}

/* Whichever has a lower one next sets the limit for the others. */
enum rc
meet_next(struct store *st, struct meet *m, uint64_t limit, size_t *budget,
    uint64_t *position, bool *met)
{
	struct stream *s = m->stream;
	size_t agree = 0;
	uint64_t p;
	enum rc rc;

	*met = true;
	*position = limit;
	for (size_t i = 0; agree < m->n; i = (i + 1) % m->n) {
		s = i == 0 ? m->stream : s + m->ref[i - 1].n;
		rc = streams_at(st, s, m->ref[i].n, *position, budget, &p);
		if (rc != RC_OK)
			return rc;
		agree = p == *position ? agree + 1 : 1;
		*position = p;
		if (p == 0)
			break;
		*met = agree == m->n;
		if (*budget == 0)
			break;
	}
	return RC_OK;
}
