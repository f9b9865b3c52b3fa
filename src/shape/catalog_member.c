#include <ctype.h>
#include "base/log.h"
#include "shape/catalog_member.h"

void
catalog_fault(struct catalog_loader *l, uint32_t tok, const char *what,
    const char *which)
{
	size_t len;

	if (l->rc != RC_OK)
		return;
	l->rc = RC_INVALID;
	buf_printf(l->why, "%s: ", l->in->path);
	len = l->why->len;
	json_pointer(&l->in->doc, tok, l->why);
	if (l->why->len > len)
		buf_putc(l->why, ' ');
	buf_printf(l->why, "%s%s%s", what, which == NULL ? "" : " ",
	    which == NULL ? "" : which);
}

const char *
catalog_keep(struct catalog_loader *l, const char *prefix, struct slice s)
{
	char *at = l->c->pool + l->used;
	size_t n = strlen(prefix);

	if (l->size - l->used < n + s.len + 1)
		log_fatal("catalogue: the pool is too small");
	memcpy(at, prefix, n);
	if (s.len > 0)
		memcpy(at + n, s.s, s.len);
	at[n + s.len] = '\0';
	l->used += n + s.len + 1;
	return at;
}

const char *
catalog_string_maybe(struct catalog_loader *l, uint32_t obj, const char *key)
{
	const struct json_doc *d = &l->in->doc;
	uint32_t i = json_find(d, obj, key);

	if (i == 0)
		return NULL;
	if (d->tok[i].type != JSON_STRING || d->tok[i].len == 0) {
		catalog_fault(l, i, "must be a string, and not empty", NULL);
		return "";
	}
	buf_clear(&l->scratch);
	json_string(d, i, &l->scratch);
	return catalog_keep(l, "", buf_as_slice(&l->scratch));
}

const char *
catalog_string(struct catalog_loader *l, uint32_t obj, const char *key)
{
	const char *s = catalog_string_maybe(l, obj, key);

	if (s == NULL)
		catalog_fault(l, obj, "lacks", key);
	return s == NULL ? "" : s;
}

bool
catalog_flag(struct catalog_loader *l, uint32_t obj, const char *key)
{
	const struct json_doc *d = &l->in->doc;
	uint32_t i = json_find(d, obj, key);

	if (i != 0 && d->tok[i].type != JSON_TRUE &&
	    d->tok[i].type != JSON_FALSE)
		catalog_fault(l, i, "must be true or false", NULL);
	return i != 0 && d->tok[i].type == JSON_TRUE;
}

int
catalog_word(struct catalog_loader *l, uint32_t obj, const char *key,
    const char *const *word, size_t n)
{
	uint32_t i = json_find(&l->in->doc, obj, key);

	for (size_t w = 0; i != 0 && w < n; w++)
		if (json_string_is(&l->in->doc, i, slice_of(word[w])))
			return (int)w;
	return -1;
}

/* Such names need no escaping anywhere. */
bool
catalog_is_name(const char *s)
{
	size_t n = 0;

	if (!isalpha((unsigned char)s[0]))
		return false;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return s[n] == '\0' && n <= CATALOG_NAME_MAX;
}

const char *
catalog_name(struct catalog_loader *l, uint32_t obj)
{
	static const char *const taken[] = { "legs", "order", "event",
	    "delivery", "subscription" };
	const char *s = catalog_string(l, obj, "name");

	if (!catalog_is_name(s))
		catalog_fault(l, obj, "needs a name of letters, digits and _, "
		    "not", s);
	for (size_t i = 0; i < NELEM(taken); i++)
		if (strcmp(s, taken[i]) == 0)
			catalog_fault(l, obj, "can't use the reserved name", s);
	return s;
}

void
catalog_known(struct catalog_loader *l, uint32_t obj,
    const char *const *known, size_t n)
{
	const struct json_doc *d = &l->in->doc;

	if (d->tok[obj].type != JSON_OBJECT) {
		catalog_fault(l, obj, "must be an object", NULL);
		return;
	}
	for (uint32_t k = obj + 1; k < d->tok[obj].next;
	    k = d->tok[k + 1].next) {
		size_t i = 0;

		while (i < n && !json_string_is(d, k, slice_of(known[i])))
			i++;
		if (i == n)
			catalog_fault(l, k, "is not a member that is known "
			    "here", NULL);
	}
}

uint32_t
catalog_list(struct catalog_loader *l, uint32_t obj, const char *key)
{
	const struct json_doc *d = &l->in->doc;
	uint32_t i = json_find(d, obj, key);

	if (i == 0) {
		if (l->in == &l->file[0])
			catalog_fault(l, obj, "lacks", key);
		return 0;
	}
	if (d->tok[i].type != JSON_ARRAY || d->tok[i].n == 0 ||
	    d->tok[i].n > CATALOG_ENTRIES_MAX) {
		catalog_fault(l, i, "must be a list of 1 to 4096 objects",
		    NULL);
		return 0;
	}
	return i;
}
