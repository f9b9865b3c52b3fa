/*
 * reference - what an event can be found by.
 *
 * Order ids, locators, mail addresses and phone numbers become keyed hashes
 * (crypt_ref), letters folded, phones by their digits alone; the store finds
 * events by these, and the finder compares the text, since hashes may collide.
 */
#ifndef WORK_REFERENCE_H
#define WORK_REFERENCE_H

#include "shape/order.h"
#include "base/crypt.h"

#define REFERENCE_MAX	8	/* of one order */

/* Kinds are part of what is hashed, so they are never renumbered. */
enum reference_kind { REFERENCE_AGWID = 1, REFERENCE_ORDERID, REFERENCE_PNR,
	REFERENCE_LOCATOR, REFERENCE_MAIL, REFERENCE_PHONE };

/* All references of an order, without repeats; the count of them. */
size_t reference_of_order(const struct crypt *c, const struct order *o,
    uint64_t ref[REFERENCE_MAX]);

/*
 * The chain of an order whose references these are, never 0: agwID's comes
 * first, and who lacks one waits for others who do.
 */
static inline uint64_t
reference_chain(const uint64_t *ref, size_t n)
{
	return n == 0 || ref[0] == 0 ? 1 : ref[0];
}

/*
 * The kind with this name, in any case: "agwID", "orderID", "pnr",
 * "recordLocator", "mail", "phone".  RC_NOTFOUND.
 */
MUST_USE enum rc reference_kind(struct slice name, enum reference_kind *kind);

/* These names, by index below REFERENCE_KINDS; and "agwID, ... or phone". */
#define REFERENCE_KINDS	6
const char *reference_name_at(size_t i);
void reference_names(struct buf *out);

/* What a value of a kind is found by. */
uint64_t reference_hash(const struct crypt *c, enum reference_kind kind,
    struct slice value);

/* Whether an order really has this value: the check after a hash matched. */
bool reference_matches(const struct order *o, enum reference_kind kind,
    struct slice value);

#endif
