#include "deliver/lane_inner.h"

/*
 * For as many as the shared server takes at once, its lanes come first: they
 * are few, and so slow that they keep nobody waiting.
 */
bool
lane_share_open(const struct lanes *ls, struct lane_now now)
{
	return ls->share.flight < ls->share.width &&
	    ls->share.rest_ms <= now.mono_ms && !ls->spare_suspects;
}

/*
 * Of those that were in flight together when the server failed, and of those
 * that it still fails while the others rest, one counts.
 */
void
lane_share_ended(struct lane_share *sh, enum lane_result result,
    struct lane_now now)
{
	int64_t rest = LANE_SHARED_MIN_MS;

	sh->flight--;
	if (result == LANE_NEUTRAL)
		return;
	if (result != LANE_SERVER) {
		sh->failures = 0;
		sh->rest_ms = 0;
		sh->width = sh->width * 2 < sh->most ? sh->width * 2 : sh->most;
		return;
	}
	sh->width = 1;
	if (sh->rest_ms > now.mono_ms)
		return;
	for (uint32_t i = 0; i < sh->failures && rest < LANE_SHARED_MS; i++)
		rest *= 2;
	sh->failures += sh->failures < UINT32_MAX;
	sh->rest_ms = now.mono_ms + (rest < LANE_SHARED_MS ? rest :
	    LANE_SHARED_MS);
}

uint32_t
lanes_server_failures(const struct lanes *ls)
{
	return ls->share.failures;
}

uint32_t
lane_share_stalled(const struct lanes *ls)
{
	const struct lane *l = ls->turn[TURN_SHARED].first;
	uint32_t n = 0;

	for (; ls->share.failures > 0 && l != NULL; l = l->next)
		n += l->fetched.n;
	return n;
}
