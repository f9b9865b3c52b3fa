#include "store/store.h"
#include "store/bdb.h"

/*
 * What an id carries, big-endian: position64 ("evt"); position64,
 * subscription32, ordinal16 ("msg"); number32 (the others).
 */
enum { EVENT_LEN = 8, DELIVERY_LEN = 14, RECORD_LEN = 4 };

_Static_assert(DELIVERY_LEN <= ID_RAW_MAX, "an id carries a whole delivery");

static const char *
prefix_of(enum store_kind kind)
{
	switch (kind) {
	case STORE_CLIENT:
		return "cli";
	case STORE_SUBSCRIPTION:
		return "sub";
	case STORE_KEY:
		return "key";
	case STORE_USER:
		return "usr";
	case STORE_LANE:	/* has no record */
		break;
	}
	return "";
}

static void
be(unsigned char *p, size_t len, uint64_t v)
{
	while (len > 0) {
		p[--len] = (unsigned char)v;
		v >>= 8;
	}
}

static struct slice
raw_slice(const unsigned char *raw, size_t len)
{
	return (struct slice){ (const char *)raw, len };
}

void
store_event_id(const struct store *st, uint64_t position, char out[ID_MAX])
{
	unsigned char raw[EVENT_LEN];

	be(raw, 8, position);
	id_encode(out, "evt", raw, sizeof raw, st->crypt->id);
}

void
store_delivery_id(const struct store *st, struct store_key key,
    char out[ID_MAX])
{
	unsigned char raw[DELIVERY_LEN];

	be(raw, 8, key.position);
	be(raw + 8, 4, key.subscription);
	be(raw + 12, 2, key.ordinal);
	id_encode(out, "msg", raw, sizeof raw, st->crypt->id);
}

void
store_record_id(const struct store *st, enum store_kind kind,
    uint32_t number, char out[ID_MAX])
{
	unsigned char raw[RECORD_LEN];

	be(raw, 4, number);
	id_encode(out, prefix_of(kind), raw, sizeof raw, st->crypt->id);
}

enum rc
store_event_parse(const struct store *st, struct slice id,
    uint64_t *position)
{
	unsigned char raw[EVENT_LEN];
	struct slice s = raw_slice(raw, sizeof raw);
	enum rc rc = id_decode(id, "evt", raw, sizeof raw, st->crypt->id);

	if (rc == RC_OK)
		*position = slice_be64(&s);
	return rc;
}

enum rc
store_delivery_parse(const struct store *st, struct slice id,
    struct store_key *key)
{
	unsigned char raw[DELIVERY_LEN];
	struct slice s = raw_slice(raw, sizeof raw);
	enum rc rc = id_decode(id, "msg", raw, sizeof raw, st->crypt->id);

	if (rc != RC_OK)
		return rc;
	key->position = slice_be64(&s);
	key->subscription = slice_be32(&s);
	key->ordinal = slice_be16(&s);
	return RC_OK;
}

enum rc
store_record_parse(const struct store *st, enum store_kind kind,
    struct slice id, uint32_t *number)
{
	unsigned char raw[RECORD_LEN];
	struct slice s = raw_slice(raw, sizeof raw);
	enum rc rc = id_decode(id, prefix_of(kind), raw, sizeof raw,
	    st->crypt->id);

	if (rc == RC_OK)
		*number = slice_be32(&s);
	return rc;
}
