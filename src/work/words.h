/*
 * words - the short words that stand in records, and what they say to people.
 *
 * Why a delivery is dead (DESIGN §2) and how an attempt ended (§6).  Whoever
 * makes a word writes it into the record himself; here is the list that people
 * choose from and are shown, so a word that is missing is shown as it is.
 */
#ifndef WORK_WORDS_H
#define WORK_WORDS_H

#include "base/buf.h"

enum words { WORDS_REASON, WORDS_ATTEMPT, WORDS_STATE };

/* "every attempt of its schedule has failed"; "" for a word not listed. */
const char *words_meaning(enum words list, const char *word);

/* The word as it stands in records, letters folded; NULL: it is none. */
const char *words_find(enum words list, struct slice word);

/* The one that was meant, or NULL. */
const char *words_nearest(enum words list, struct slice word);

/* Append them all: "a, b or c". */
void words_list(enum words list, struct buf *out);

#endif
