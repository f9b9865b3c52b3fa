#include <stdlib.h>
#include "base/log.h"
#include "base/text.h"
#include "shape/catalog_data.h"

#define NONE ((size_t)-1)

const char *const catalog_type_word[CATALOG_TYPES] = { "text", "integer",
	"decimal", "time" };
const char *const catalog_derived_word[] = { "", "origin", "destination",
	"fullPath", "bookingType" };

/*
 * Both ends of a name and its length: this runs for every member of every
 * order, and nobody outside chooses what is in the table.
 */
static size_t
hash(struct slice s)
{
	uint64_t head = 0, tail = 0;

	if (s.len >= sizeof head) {
		memcpy(&head, s.s, sizeof head);
		memcpy(&tail, s.s + s.len - sizeof tail, sizeof tail);
	} else
		for (size_t i = 0; i < s.len; i++)
			head = head << 8 | (unsigned char)s.s[i];
	head = (head ^ tail * 0x9e3779b97f4a7c15u ^ s.len) *
	    0xff51afd7ed558ccdu;
	return head >> 40;
}

void
catalog_names_init(struct catalog_names *t, size_t n)
{
	size_t slots = 16;

	while (slots < 2 * n)
		slots *= 2;
	t->slot = calloc(slots, sizeof *t->slot);
	if (t->slot == NULL)
		log_fatal("out of memory");
	t->mask = slots - 1;
}

enum rc
catalog_names_add(struct catalog_names *t, struct slice name, uint16_t at)
{
	size_t i = hash(name) & t->mask;

	while (t->slot[i].name.s != NULL) {
		if (slice_eq(t->slot[i].name, name))
			return RC_EXISTS;
		i = (i + 1) & t->mask;
	}
	t->slot[i] = (struct catalog_slot){ name, at };
	return RC_OK;
}

static size_t
names_find(const struct catalog_names *t, struct slice name)
{
	if (name.s == NULL || name.len > CATALOG_NAME_MAX)
		return NONE;
	for (size_t i = hash(name) & t->mask; t->slot[i].name.s != NULL;
	    i = (i + 1) & t->mask)
		if (slice_eq(t->slot[i].name, name))
			return t->slot[i].at;
	return NONE;
}

void
catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	catalog_free_texts(c);
	free(c->pool);
	free(c->event);
	free(c->field);
	free(c->leg);
	free(c->deep);
	free(c->step);
	free(c->alias);
	free(c->event_name);
	free(c->field_name);
	free(c->events.slot);
	free(c->fields.slot);
	free(c->members.slot);
	buf_free(&c->legs);
	free(c);
}

const struct catalog_event *
catalog_event_at(const struct catalog *c, size_t i)
{
	return i < c->nevent ? &c->event[i] : NULL;
}

const struct catalog_field *
catalog_field_at(const struct catalog *c, size_t i)
{
	return i < c->nfield ? &c->field[i] : NULL;
}

size_t
catalog_field_count(const struct catalog *c)
{
	return c->nfield;
}

const struct catalog_field *
catalog_leg_at(const struct catalog *c, size_t i)
{
	return i < c->nleg ? &c->leg[i] : NULL;
}

const struct catalog_field *
catalog_leg_find(const struct catalog *c, struct slice name)
{
	for (size_t i = 0; i < c->nleg; i++)
		if (slice_is(name, c->leg[i].name))
			return &c->leg[i];
	return NULL;
}

const struct catalog_event *
catalog_event_find(const struct catalog *c, struct slice name)
{
	return catalog_event_at(c, names_find(&c->events, name));
}

const struct catalog_field *
catalog_field_find(const struct catalog *c, struct slice name)
{
	return catalog_field_at(c, names_find(&c->fields, name));
}

const struct catalog_field *
catalog_field_member(const struct catalog *c, struct slice member)
{
	return catalog_field_at(c, names_find(&c->members, member));
}

const struct catalog_field *
catalog_field_deep(const struct catalog *c, size_t i)
{
	return i < c->ndeep ? c->deep[i] : NULL;
}

const char *
catalog_event_nearest(const struct catalog *c, struct slice name)
{
	return text_nearest(name, c->event_name, c->nevent);
}

const char *
catalog_field_nearest(const struct catalog *c, struct slice name)
{
	return text_nearest(name, c->field_name, c->nfield);
}
