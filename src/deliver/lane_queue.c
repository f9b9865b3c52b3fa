#include <stdlib.h>
#include "base/log.h"
#include "base/rc.h"
#include "deliver/lane_inner.h"

static uint32_t
place(const struct lanes *ls, uint32_t number)
{
	uint32_t lo = 0, hi = ls->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ls->at[mid]->number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct lane *
lane_find(const struct lanes *ls, uint32_t number)
{
	uint32_t i = place(ls, number);

	return i < ls->n && ls->at[i]->number == number ? ls->at[i] : NULL;
}

struct lane *
lane_get(struct lanes *ls, uint32_t number)
{
	uint32_t i = place(ls, number);
	struct lane *l;

	if (i < ls->n && ls->at[i]->number == number)
		return ls->at[i];
	if (ls->n == ls->cap) {
		ls->cap = ls->cap == 0 ? 16 : ls->cap * 2;
		ls->at = reallocarray(ls->at, ls->cap, sizeof *ls->at);
		ls->heap = reallocarray(ls->heap, ls->cap + 1,
		    sizeof *ls->heap);
	}
	l = calloc(1, sizeof *l);
	if (l == NULL || ls->at == NULL || ls->heap == NULL)
		log_fatal("out of memory");
	l->number = number;
	l->rules.width = l->width = 1;
	l->due_ms = l->since_ms = INT64_MAX;
	l->turn = TURN_NONE;
	l->fresh = true;
	for (uint32_t j = ls->n; j > i; j--)
		ls->at[j] = ls->at[j - 1];
	ls->at[i] = l;
	ls->n++;
	return l;
}

/* The heap of wake times. */

static void
heap_set(struct lanes *ls, uint32_t i, struct lane *l)
{
	ls->heap[i] = l;
	l->heap = i;
}

static void
heap_settle(struct lanes *ls, uint32_t i)
{
	struct lane *l = ls->heap[i];

	for (; i > 1 && ls->heap[i / 2]->wake_ms > l->wake_ms; i /= 2)
		heap_set(ls, i, ls->heap[i / 2]);
	for (;;) {
		uint32_t c = i * 2;

		if (c < ls->nheap &&
		    ls->heap[c + 1]->wake_ms < ls->heap[c]->wake_ms)
			c++;
		if (c > ls->nheap || ls->heap[c]->wake_ms >= l->wake_ms)
			break;
		heap_set(ls, i, ls->heap[c]);
		i = c;
	}
	heap_set(ls, i, l);
}

void
lane_wake_at(struct lanes *ls, struct lane *l, int64_t mono_ms)
{
	uint32_t i = l->heap;

	if (mono_ms == INT64_MAX) {
		if (i == 0)
			return;
		l->heap = 0;
		if (i != ls->nheap) {
			heap_set(ls, i, ls->heap[ls->nheap]);
			ls->nheap--;
			heap_settle(ls, i);
		} else
			ls->nheap--;
		return;
	}
	l->wake_ms = mono_ms;
	if (i == 0) {
		i = ++ls->nheap;
		heap_set(ls, i, l);
	}
	heap_settle(ls, i);
}

void
lane_turn_set(struct lanes *ls, struct lane *l, enum turn t)
{
	if (l->turn == t)
		return;
	if (l->turn != TURN_NONE) {
		if (l->prev == NULL)
			ls->turn[l->turn].first = l->next;
		else
			l->prev->next = l->next;
		if (l->next == NULL)
			ls->turn[l->turn].last = l->prev;
		else
			l->next->prev = l->prev;
		ls->turn[l->turn].n--;
	}
	l->turn = t;
	l->next = l->prev = NULL;
	if (t == TURN_NONE)
		return;
	l->prev = ls->turn[t].last;
	if (l->prev == NULL)
		ls->turn[t].first = l;
	else
		l->prev->next = l;
	ls->turn[t].last = l;
	ls->turn[t].n++;
}

void
lane_wish_add(struct lanes *ls, struct lane *l)
{
	if (l->wishes)
		return;
	l->wishes = true;
	l->next_wish = NULL;
	if (ls->wish == NULL)
		ls->wish = l;
	else
		ls->wish_last->next_wish = l;
	ls->wish_last = l;
	ls->nwish++;
}

struct lane *
lane_wish_take(struct lanes *ls)
{
	struct lane *l = ls->wish;

	if (l != NULL) {
		ls->wish = l->next_wish;
		l->wishes = false;
		ls->nwish--;
	}
	return l;
}
