#include <stdlib.h>
#include "base/json.h"
#include "base/json_bytes.h"
#include "base/log.h"
#include "base/text.h"

/* Write c, which can't stand for itself in a string; returns the end of it. */
static char *
write_escape(char *to, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\"\\\b\f\n\r\t", name[] = "\"\\bfnrt";
	const char *at = memchr(from, c, sizeof from - 1);

	*to++ = '\\';
	if (at != NULL) {
		*to++ = name[at - from];
		return to;
	}
	memcpy(to, "u00", 3);
	to[3] = hex[c >> 4];
	to[4] = hex[c & 0xf];
	return to + 5;
}

void
json_put_escaped(struct buf *out, struct slice s)
{
	const unsigned char *p = (const unsigned char *)(s.len == 0 ? "" : s.s);
	const unsigned char *end = p + s.len, *run = p;

	for (;;) {
		char escape[6];
		struct slice rest;
		size_t len;

		p = json_plain(p, end);
		rest = (struct slice){ (const char *)p, (size_t)(end - p) };
		len = p < end && *p > 0x7f ? text_utf8(rest) : 0;
		if (len > 0) {
			p += len;
			continue;
		}
		buf_put(out, run, (size_t)(p - run));
		if (p == end)
			return;
		if (*p > 0x7f)
			buf_puts(out, "\xef\xbf\xbd");	/* U+FFFD */
		else
			buf_put(out, escape,
			    (size_t)(write_escape(escape, *p) - escape));
		run = ++p;
	}
}

void
json_put_string(struct buf *out, struct slice s)
{
	buf_putc(out, '"');
	json_put_escaped(out, s);
	buf_putc(out, '"');
}

/* What json_canonical has still to do; kept on a stack, last one first. */
struct todo {
	enum { TODO_MEMBER, TODO_ITEMS, TODO_CLOSE } what;
	uint32_t tok;		/* the key, the next item, the container */
	uint64_t order;		/* of a member: json_head of its key;
				   of items: how many are left */
};

struct canon {
	const struct json_doc *d;
	char	    *to;	/* where the next byte goes */
	struct todo *todo;	/* the stack */
	size_t	     n, cap;
};

static inline void
write_bytes(struct canon *c, const char *s, size_t len)
{
	memcpy(c->to, s, len);
	c->to += len;
}

/* String or key i with its quotes. */
static void
write_string(struct canon *c, uint32_t i)
{
	struct json_pieces u = json_pieces_of(c->d, i);
	struct slice piece = json_text(c->d, i);

	/* Nothing was escaped, so nothing has to be. */
	if (!c->d->tok[i].escaped) {
		write_bytes(c, piece.s, piece.len);
		return;
	}
	*c->to++ = '"';
	while (json_piece(&u, &piece)) {
		unsigned char first = (unsigned char)piece.s[0];

		if (piece.s == u.utf8 &&
		    (first < 0x20 || first == '"' || first == '\\'))
			c->to = write_escape(c->to, first);
		else
			write_bytes(c, piece.s, piece.len);
	}
	*c->to++ = '"';
}

/* Backwards: the member that comes first lies on top. */
static inline int
compare(const struct todo *a, const struct todo *b, const struct json_doc *d)
{
	if (a->order != b->order)
		return a->order > b->order ? -1 : 1;
	return json_compare(d, b->tok, a->tok);
}

static int
compare_any(const void *a, const void *b, void *arg)
{
	const struct json_doc *const *d = arg;

	return compare(a, b, *d);
}

static void
sort_members(const struct json_doc *d, struct todo *v, size_t n)
{
	if (n > 32) {
		qsort_r(v, n, sizeof *v, compare_any, &d);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct todo x = v[i];
		size_t j = i;

		for (; j > 0 && compare(&v[j - 1], &x, d) > 0; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

/* Write the bracket that opens container i, and plan the rest of it. */
static void
begin(struct canon *c, uint32_t i)
{
	const struct json_tok *tok = c->d->tok;
	uint32_t n = tok[i].n, k = i + 1;
	struct todo *t;

	if (c->cap - c->n < (size_t)n + 2) {
		c->cap = c->cap * 2 + n + 32;
		c->todo = realloc(c->todo, c->cap * sizeof *c->todo);
		if (c->todo == NULL)
			log_fatal("out of memory: %zu members", c->cap);
	}
	t = &c->todo[c->n];
	*t++ = (struct todo){ TODO_CLOSE, i, 0 };
	if (tok[i].type == JSON_ARRAY) {
		*c->to++ = '[';
		*t = (struct todo){ TODO_ITEMS, k, n };
		c->n += n == 0 ? 1 : 2;
		return;
	}
	*c->to++ = '{';
	/* From the last on down: what came sorted needs no sorting. */
	for (uint32_t m = n; m-- > 0;) {
		t[m] = (struct todo){ TODO_MEMBER, k, json_head(c->d, k) };
		k = tok[k + 1].next;
	}
	sort_members(c->d, t, n);
	c->n += 1 + (size_t)n;
}

static void
write_value(struct canon *c, uint32_t i)
{
	struct slice raw = json_raw(c->d, i);

	switch (c->d->tok[i].type) {
	case JSON_ARRAY:
	case JSON_OBJECT:
		begin(c, i);
		break;
	case JSON_STRING:
		write_string(c, i);
		break;
	default:
		write_bytes(c, raw.s, raw.len);
	}
}

/* Write value i, which takes no more bytes than it does in the text. */
static void
write_canonical(struct canon *c, uint32_t i)
{
	const struct json_tok *tok = c->d->tok;
	bool first = true;	/* in its container: no comma before it */

	write_value(c, i);
	while (c->n > 0) {
		struct todo t = c->todo[--c->n];

		if (t.what == TODO_CLOSE) {
			*c->to++ = tok[t.tok].type == JSON_ARRAY ? ']' : '}';
			first = false;
			continue;
		}
		if (!first)
			*c->to++ = ',';
		if (t.what == TODO_MEMBER) {
			write_string(c, t.tok);
			*c->to++ = ':';
			t.tok++;
		} else if (t.order > 1) {
			c->todo[c->n++] = (struct todo){ TODO_ITEMS,
			    tok[t.tok].next, t.order - 1 };
		}
		first = tok[t.tok].type >= JSON_ARRAY;
		write_value(c, t.tok);
	}
}

void
json_canonical(const struct json_doc *d, uint32_t i, struct buf *out)
{
	struct canon c = { .d = d };
	size_t most = json_text(d, i).len;
	struct buf apart = BUF_INIT(most);
	struct buf *b = out;

	/* Near out's ceiling it may fit all the same. */
	if (out->len > out->max || out->max - out->len < most)
		b = &apart;
	c.to = buf_room(b, most);
	if (c.to == NULL)		/* it was over before */
		return;
	write_canonical(&c, i);
	*c.to = '\0';
	b->len = (size_t)(c.to - b->s);
	if (b == &apart)
		buf_slice(out, buf_as_slice(&apart));
	buf_free(&apart);
	free(c.todo);
}
