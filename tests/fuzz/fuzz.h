/*
 * fuzz - what the fuzzers share: their input, the catalogue, and second
 * opinions on how strings are written.
 *
 * What is unescaped or spelled anew here is done without the code under test,
 * and as plainly as can be.  A promise that is broken aborts.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"
#include "shape/template.h"

#define CHECK(e) do {							\
	if (!(e)) {							\
		fprintf(stderr, "%s:%d: broken: %s\n", __FILE__,	\
		    __LINE__, #e);					\
		abort();						\
	}								\
} while (0)

#define FUZZ_MAX	(8 * 1024 * 1024)	/* of any text made here */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits fuzz_no_limits = { .depth = UINT32_MAX,
    .string = UINT32_MAX, .tokens = UINT32_MAX, .number = UINT32_MAX };

/* The source tree's catalogue, read once for all inputs. */
static inline const struct catalog *
fuzz_catalog(void)
{
	static struct catalog *c;
	const char *source = getenv("SKYCAP_SOURCE");
	struct buf path = BUF_INIT(4096), why = BUF_INIT(4096);

	if (c == NULL) {
		buf_printf(&path, "%s/src/shape/catalog.json",
		    source == NULL ? "." : source);
		if (catalog_load(&c, buf_str(&path), &why) != RC_OK) {
			fprintf(stderr, "%s\n", buf_str(&why));
			abort();
		}
		buf_free(&path);
		buf_free(&why);
	}
	return c;
}

/* What stands before the first NUL, and what after it; false: there is none. */
static inline bool
fuzz_split(struct slice in, struct slice *before, struct slice *after)
{
	const char *nul = in.len == 0 ? NULL : memchr(in.s, '\0', in.len);

	if (nul == NULL)
		return false;
	*before = (struct slice){ in.s, (size_t)(nul - in.s) };
	*after = (struct slice){ nul + 1, in.len - before->len - 1 };
	return true;
}

/*
 * What a template may name besides the order, as hostile as it can be; there
 * is no delivery.id, so that one of them is missing.
 */
static inline struct template_data
fuzz_data(const struct order *o)
{
	return (struct template_data){ .order = o, .var = {
	    [TEMPLATE_EVENT_TYPE] = SLICE("OrderTicketed"),
	    [TEMPLATE_EVENT_ID] = SLICE("evt_1"),
	    [TEMPLATE_EVENT_TIME] = SLICE("2026-11-23T10:00:00Z"),
	    [TEMPLATE_DELIVERY_ATTEMPT] = SLICE("2"),
	    [TEMPLATE_SUBSCRIPTION_NAME] =
		SLICE("\"\\<&'>/?#=:@%\r\n\t\x7f{{pnr}} \xc3\xb3"),
	} };
}

/* A key that can stand between the dots of a name. */
static inline bool
fuzz_is_name(struct slice key)
{
	if (key.len == 0 || key.s[key.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < key.len; i++)
		if ((unsigned char)key.s[i] < ' ' || key.s[i] == 0x7f ||
		    strchr(".{}", key.s[i]) != NULL)
			return false;
	return true;
}

static inline uint32_t
fuzz_hex(const char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++) {
		char c = s[i] >= 'A' && s[i] <= 'F' ?
		    (char)(s[i] - 'A' + 'a') : s[i];
		const char *at = memchr(digits, c, 16);

		CHECK(at != NULL);
		v = v * 16 + (uint32_t)(at - digits);
	}
	return v;
}

static inline void
fuzz_put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(out, (char)c);
		return;
	}
	if (c < 0x800)
		buf_putc(out, (char)(0xc0 + c / 64));
	else {
		if (c < 0x10000)
			buf_putc(out, (char)(0xe0 + c / 4096));
		else {
			buf_putc(out, (char)(0xf0 + c / 262144));
			buf_putc(out, (char)(0x80 + c / 4096 % 64));
		}
		buf_putc(out, (char)(0x80 + c / 64 % 64));
	}
	buf_putc(out, (char)(0x80 + c % 64));
}

/* Append what a JSON string's text, without its quotes, stands for. */
static inline void
fuzz_plain(struct slice raw, struct buf *out)
{
	static const char name[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";

	for (size_t i = 0; i < raw.len; i++) {
		const char *at;
		uint32_t c;

		if (raw.s[i] != '\\') {
			buf_putc(out, raw.s[i]);
			continue;
		}
		CHECK(++i < raw.len);
		at = memchr(name, raw.s[i], 8);
		if (at != NULL) {
			buf_putc(out, means[at - name]);
			continue;
		}
		CHECK(raw.s[i] == 'u' && raw.len - i > 4);
		c = fuzz_hex(raw.s + i + 1, 4);
		i += 4;
		if (c >= 0xd800 && c <= 0xdfff) {
			uint32_t low;

			CHECK(c < 0xdc00 && raw.len - i > 6);
			CHECK(raw.s[i + 1] == '\\' && raw.s[i + 2] == 'u');
			low = fuzz_hex(raw.s + i + 3, 4);
			CHECK(low >= 0xdc00 && low <= 0xdfff);
			c = 0x10000 + (c - 0xd800) * 1024 + (low - 0xdc00);
			i += 6;
		}
		fuzz_put_utf8(out, c);
	}
}

/* Token i as plain text: a string unescaped, anything else as it stands. */
static inline void
fuzz_token_plain(const struct json_doc *d, uint32_t i, struct buf *out)
{
	if (d->tok[i].type == JSON_STRING)
		fuzz_plain(json_raw(d, i), out);
	else
		buf_slice(out, json_text(d, i));
}

/* Append a string's text with every character of it as an escape. */
static inline void
fuzz_put_escapes(struct slice raw, struct buf *out)
{
	struct buf plain = BUF_INIT(FUZZ_MAX);
	size_t i = 0;

	fuzz_plain(raw, &plain);
	while (i < plain.len) {
		unsigned char first = (unsigned char)plain.s[i++];
		uint32_t c = first < 0x80 ? first : first < 0xe0 ?
		    first % 32u : first < 0xf0 ? first % 16u : first % 8u;

		while (i < plain.len && (plain.s[i] & 0xc0) == 0x80)
			c = c * 64 + (unsigned char)plain.s[i++] % 64u;
		if (c < 0x10000) {
			buf_printf(out, "\\u%04X", c);
			continue;
		}
		c -= 0x10000;
		buf_printf(out, "\\u%04x\\u%04X", 0xd800 + c / 1024,
		    0xdc00 + c % 1024);
	}
	buf_free(&plain);
}

/*
 * Append value i spelled as differently as JSON lets one: white space
 * everywhere, members from last to first, nothing in a string as itself.
 */
static inline void
fuzz_respell(const struct json_doc *d, uint32_t i, struct buf *out)
{
	const struct json_tok *t = &d->tok[i];
	bool object = t->type == JSON_OBJECT;
	uint32_t *at;

	if (t->type == JSON_STRING) {
		buf_putc(out, '"');
		fuzz_put_escapes(json_raw(d, i), out);
		buf_putc(out, '"');
		return;
	}
	if (t->type < JSON_STRING) {
		buf_slice(out, json_text(d, i));
		return;
	}
	at = calloc(t->n + 1, sizeof *at);
	CHECK(at != NULL);
	for (uint32_t n = 0, k = i + 1; n < t->n; n++) {
		at[object ? t->n - 1 - n : n] = k;
		k = d->tok[k + object].next;
	}
	buf_puts(out, object ? " {\n" : "\t[ ");
	for (uint32_t n = 0; n < t->n; n++) {
		buf_puts(out, n == 0 ? "" : " \r\n,");
		if (object) {
			fuzz_respell(d, at[n], out);
			buf_puts(out, " : ");
		}
		fuzz_respell(d, at[n] + object, out);
	}
	buf_puts(out, object ? "\n} " : " ]\t");
	free(at);
}

#endif
