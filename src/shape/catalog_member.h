/*
 * catalog_member - the members of a catalogue file's objects, read and checked.
 *
 * For catalog_load.c, which says what stands where.  The first fault is kept
 * with its file and member and is what the operator is told; after it the
 * readers go on giving harmless values, so that nobody has to test each one.
 */
#ifndef SHAPE_CATALOG_MEMBER_H
#define SHAPE_CATALOG_MEMBER_H

#include "shape/catalog_data.h"
#include "shape/catalog_file.h"

#define CATALOG_ENTRIES_MAX	4096	/* events, fields, leg fields: each */
#define CATALOG_FILES		2	/* the installed one, what extends it */

struct catalog_loader {
	struct catalog	*c;
	struct catalog_file file[CATALOG_FILES];
	size_t		 nfile;
	const struct catalog_file *in;	/* the one being read */
	size_t		 first;		/* index of its first field */
	size_t		 used, size;	/* of the pool */
	size_t		 nalias, nstep;
	struct buf	 scratch;
	struct buf	*why;
	enum rc		 rc;
};

/* Note that token tok of the file being read is wrong; which may be NULL. */
void catalog_fault(struct catalog_loader *l, uint32_t tok, const char *what,
    const char *which);

/*
 * Keep prefix and s in the pool, as one string.  The pool has twice the files'
 * size, and no string of theirs is kept more than twice (a name and the
 * pointer made of it; a pointer and its parts), so it fits.
 */
const char *catalog_keep(struct catalog_loader *l, const char *prefix,
    struct slice s);

/* A string member that must be there. */
const char *catalog_string(struct catalog_loader *l, uint32_t obj,
    const char *key);

/* The same for one that may be absent, which is NULL. */
const char *catalog_string_maybe(struct catalog_loader *l, uint32_t obj,
    const char *key);

/* True or false; false when absent. */
bool catalog_flag(struct catalog_loader *l, uint32_t obj, const char *key);

/* Which of n words a member is, from 0; -1: none of them, or it is absent. */
int catalog_word(struct catalog_loader *l, uint32_t obj, const char *key,
    const char *const *word, size_t n);

/* The member "name": a letter, then letters, digits and _; not reserved. */
const char *catalog_name(struct catalog_loader *l, uint32_t obj);
bool catalog_is_name(const char *s);

/* obj is an object and has no other members than these n. */
void catalog_known(struct catalog_loader *l, uint32_t obj,
    const char *const *known, size_t n);

/*
 * The list under key, 0 when there is none.  An empty one is a fault, since it
 * is no use to anybody; an absent one is in the installed file.
 */
uint32_t catalog_list(struct catalog_loader *l, uint32_t obj, const char *key);

/* "texts": keep the lines of the ready-made texts. */
void catalog_read_texts(struct catalog_loader *l);

/* Append a headline for an event that has none. */
void catalog_make_headline(const struct catalog_event *e, struct buf *out);

/*
 * Compile headlines and texts, once all fields are known.  What is wrong with
 * one is a fault, at the event that it belongs to.
 */
void catalog_compile_texts(struct catalog_loader *l);

#endif
