#include "base/json_bytes.h"

static uint32_t
hex4(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t c = (unsigned char)p[i];

		/* Letters, in either case, are 9 above their low digit. */
		v = v << 4 | ((c & 0xf) + (c > '9' ? 9 : 0));
	}
	return v;
}

static size_t
encode(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Decode the escape at u->p into u->utf8. */
static struct slice
decode(struct json_pieces *u)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at;
	uint32_t c;
	size_t len;

	if (u->p[1] == 'u') {
		c = hex4(u->p + 2);
		u->p += 6;
		if (c >= 0xd800 && c <= 0xdfff) {
			c = 0x10000 + ((c - 0xd800) << 10) +
			    (hex4(u->p + 2) - 0xdc00);
			u->p += 6;
		}
		len = encode(u->utf8, c);
	} else {
		at = strchr(from, u->p[1]);
		u->utf8[0] = at == NULL ? u->p[1] : to[at - from];
		u->p += 2;
		len = 1;
	}
	return (struct slice){ u->utf8, len };
}

bool
json_piece(struct json_pieces *u, struct slice *piece)
{
	const char *slash;

	if (u->p == u->end)
		return false;
	if (*u->p == '\\') {
		*piece = decode(u);
		return true;
	}
	slash = memchr(u->p, '\\', (size_t)(u->end - u->p));
	if (slash == NULL)
		slash = u->end;
	*piece = (struct slice){ u->p, (size_t)(slash - u->p) };
	u->p = slash;
	return true;
}

struct json_pieces
json_pieces_of(const struct json_doc *d, uint32_t i)
{
	struct slice raw = json_raw(d, i);

	return (struct json_pieces){ .p = raw.s, .end = raw.s + raw.len };
}

uint64_t
json_head_any(const struct json_doc *d, uint32_t i)
{
	struct json_pieces u = json_pieces_of(d, i);
	unsigned char head[8] = { 0 };
	uint64_t v = 0;
	struct slice piece;
	size_t n = 0;

	if (!d->tok[i].escaped) {
		n = d->tok[i].len;
		memcpy(head, u.p, n < sizeof head ? n : sizeof head);
	} else {
		while (n < sizeof head && json_piece(&u, &piece)) {
			if (piece.len > sizeof head - n)
				piece.len = sizeof head - n;
			memcpy(head + n, piece.s, piece.len);
			n += piece.len;
		}
	}
	memcpy(&v, head, sizeof v);
	return be64toh(v);
}

int
json_compare(const struct json_doc *d, uint32_t a, uint32_t b)
{
	struct json_pieces ua = json_pieces_of(d, a);
	struct json_pieces ub = json_pieces_of(d, b);
	struct slice pa = { NULL, 0 }, pb = { NULL, 0 };
	bool more_a, more_b;
	size_t n;
	int c;

	if (!d->tok[a].escaped && !d->tok[b].escaped) {
		pa = json_raw(d, a);
		pb = json_raw(d, b);
		c = memcmp(pa.s, pb.s, pa.len < pb.len ? pa.len : pb.len);
		return c != 0 ? c : (pa.len > pb.len) - (pa.len < pb.len);
	}
	for (;;) {
		more_a = pa.len > 0 || json_piece(&ua, &pa);
		more_b = pb.len > 0 || json_piece(&ub, &pb);
		if (!more_a || !more_b)
			return (int)more_a - (int)more_b;
		n = pa.len < pb.len ? pa.len : pb.len;
		c = memcmp(pa.s, pb.s, n);
		if (c != 0)
			return c;
		pa = (struct slice){ pa.s + n, pa.len - n };
		pb = (struct slice){ pb.s + n, pb.len - n };
	}
}
