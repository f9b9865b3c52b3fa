/*
 * look - a template's text, as far as it can be told without compiling it.
 *
 * For the fuzzers of templates and pages: what is tag and what literal, and
 * whether HTML that came of values alone is harmless.
 */
#ifndef TESTS_FUZZ_LOOK_H
#define TESTS_FUZZ_LOOK_H

#include "fuzz.h"

struct look {
	struct buf neutral;	/* an L for each byte outside the tags */
	struct buf literals;	/* these bytes alone */
	struct buf percent;	/* <%tag%> for each {{tag}} */
	bool	 raw, section, partial, delimiters;
};

static inline struct look
look_at(struct slice text)
{
	struct look k = { .neutral = BUF_INIT(FUZZ_MAX),
	    .literals = BUF_INIT(FUZZ_MAX), .percent = BUF_INIT(FUZZ_MAX) };
	size_t i = 0;

	while (i < text.len) {
		struct slice rest = { text.s + i, text.len - i };
		const char *end = NULL;
		bool tag = rest.len > 2 && memcmp(rest.s, "{{", 2) == 0;
		bool three = tag && rest.s[2] == '{';
		size_t n;

		if (tag)
			end = memmem(rest.s + 2 + three, rest.len - 2 - three,
			    "}}}", three ? 3 : 2);
		if (end == NULL) {
			buf_putc(&k.neutral, 'L');
			buf_putc(&k.literals, text.s[i]);
			buf_putc(&k.percent, text.s[i++]);
			continue;
		}
		k.raw |= three || rest.s[2] == '&';
		k.section |= rest.s[2] == '#' || rest.s[2] == '^';
		k.partial |= rest.s[2] == '>';
		k.delimiters |= rest.s[2] == '=';
		n = (size_t)(end - rest.s) + three;
		buf_put(&k.neutral, rest.s, n + 2);
		buf_puts(&k.percent, "<%");
		buf_put(&k.percent, rest.s + 2, n - 2);
		buf_puts(&k.percent, "%>");
		i += n + 2;
	}
	return k;
}

static inline void
look_free(struct look *k)
{
	buf_free(&k->neutral);
	buf_free(&k->literals);
	buf_free(&k->percent);
}

/* The bytes of a reference that stands at the front of s, 0: there is none. */
static inline size_t
look_reference(struct slice s, char *c)
{
	static const struct { const char *name; char c; } t[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&#39;", '\'' },
	};

	for (size_t i = 0; i < NELEM(t); i++) {
		size_t n = strlen(t[i].name);

		*c = t[i].c;
		if (s.len >= n && memcmp(s.s, t[i].name, n) == 0)
			return n;
	}
	return 0;
}

/* Nothing in it ends a text or an attribute, or begins a tag. */
static inline bool
look_harmless(struct slice s)
{
	while (s.len > 0) {
		char c;
		size_t n = look_reference(s, &c);

		if (n == 0 && s.s[0] != '\0' &&
		    strchr("&<>\"'", s.s[0]) != NULL)
			return false;
		(void)slice_take(&s, n == 0 ? 1 : n);
	}
	return true;
}

#endif
