/*
 * address - is a text exactly one mail address?
 *
 * The Mailbox of RFC 5321 as it is in use: local@domain, with neither quotes
 * nor an address literal, and ASCII alone, since SMTPUTF8 (RFC 6531) is not
 * spoken here.  Pure.  Invariant: what passes can stand between < and > in a
 * command and in a header without changing either.
 */
#ifndef SHAPE_ADDRESS_H
#define SHAPE_ADDRESS_H

#include "base/buf.h"

#define ADDRESS_MAX	254	/* bytes of an address */
#define ADDRESS_LOCAL_MAX 64	/* of what is before the @ */

/*
 * What is wrong with byte *at of an address, as "has a blank in it"; NULL:
 * nothing is.
 */
const char *address_fault(struct slice s, size_t *at);

/* The same for a part of one, of which only the characters are asked. */
const char *address_part_fault(struct slice s, size_t *at);

/*
 * A label of RFC 1123.  An underscore is let in: there are hosts with one, and
 * no resolver minds.
 */
bool address_is_label(struct slice label);

#endif
