/*
 * preset - ready-made tasks for services that take webhooks in a shape of
 * their own.
 *
 * Data, as the catalogue: presets.json beside it.  A preset is nothing but a
 * task over httpRequest, with a place for the URL; it is a client's own as
 * soon as it is saved, and no later version of it touches that.  Used by the
 * command and the forms.  Invariant: each has an object httpRequest whose url
 * is PRESET_URL, which no task compiles with.
 */
#ifndef SHAPE_PRESET_H
#define SHAPE_PRESET_H

#include "base/json.h"

#define PRESET_URL "PASTE THE URL HERE"

struct presets;

struct preset {
	const char	*name;		/* "google-chat": a word */
	const char	*title;		/* as its makers spell it */
	const char	*use;		/* what for */
	const char	*where;		/* to get the URL */
	const char	*note;		/* what to know before */
	uint32_t	 task;		/* token in the file */
};

/*
 * Read presets.json in a directory.  *p is freed by presets_free.
 *   RC_NOTFOUND, RC_INVALID (why names file and line or member), RC_IO
 */
MUST_USE enum rc presets_load(struct presets **p, const char *data,
    struct buf *why);
void presets_free(struct presets *p);

/* In the file's order; index from 0; NULL past the end. */
const struct preset *preset_at(const struct presets *p, size_t i);
const struct preset *preset_find(const struct presets *p, struct slice name);

/* The nearest name to a mistyped one, or NULL. */
const char *preset_nearest(const struct presets *p, struct slice name);

/*
 * Append the preset's task as JSON for n event types, "*" if n is 0; url s
 * NULL leaves its place.  Neither is checked: task_compile does.
 */
void preset_task(const struct presets *p, const struct preset *s,
    struct slice url, const struct slice *events, size_t n, struct buf *out);

#endif
