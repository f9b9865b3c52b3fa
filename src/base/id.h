/*
 * id - names of things as they stand in URLs, headers and lists.
 *
 * An id is a prefix, an underscore and Crockford base32 (lower case) of some
 * big-endian bytes followed by a 32-bit keyed check, so that a mistyped or
 * guessed id is refused without a look into the store.  It can be read back
 * into its bytes; it is not a secret and grants nothing.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/buf.h"

#define ID_MAX		48	/* text of an id with its NUL */
#define ID_RAW_MAX	14	/* bytes an id can carry */
#define ID_KEY_LEN	16	/* bytes of the check's key */

/* Write prefix_<base32>; raw_len at most ID_RAW_MAX, prefix at most 8. */
void id_encode(char out[ID_MAX], const char *prefix, const unsigned char *raw,
    size_t raw_len, const unsigned char key[ID_KEY_LEN]);

/*
 * Read one back; letters in any case, o as 0, i and l as 1.
 *   RC_NOTFOUND  another prefix or length, not base32, or a wrong check
 */
MUST_USE enum rc id_decode(struct slice text, const char *prefix,
    unsigned char *raw, size_t raw_len, const unsigned char key[ID_KEY_LEN]);

#endif
