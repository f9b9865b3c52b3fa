/*
 * fuzz_json - libFuzzer's entry to the JSON scanner.
 *
 * Any bytes are scanned; what the header promises of the index, the canonical
 * form, pointers and strings is then checked, and a promise broken aborts.
 * Whether the verdict itself is right is json_oracle.py's question.
 *
 * Build with -fsanitize=fuzzer,address,undefined.
 */
#include "base/text.h"
#include "fuzz.h"

/* Walks that are quadratic in the tokens stop here. */
#define WALK_MAX	200

static void
check_error(enum rc rc, const struct json_error *err, size_t len)
{
	CHECK(err->fault >= JSON_GRAMMAR && err->fault <= JSON_NUMBER_LENGTH);
	CHECK(rc == (err->fault <= JSON_DEPTH ? RC_INVALID : RC_TOOBIG));
	CHECK(err->off <= len);
	CHECK(err->line >= 1 && err->col >= 1);
	CHECK(memchr(err->detail, 0, sizeof err->detail) != NULL);
	CHECK(err->detail[0] != '\0');
	CHECK(memchr(err->pointer, 0, sizeof err->pointer) != NULL);
	CHECK(err->pointer[0] == '\0' || err->pointer[0] == '/');
	CHECK(text_is_utf8(slice_of(err->pointer)));
	CHECK(text_is_utf8(slice_of(err->detail)));
}

static void
check_token(const struct json_doc *d, uint32_t i)
{
	const struct json_tok *t = &d->tok[i];
	struct slice raw = json_raw(d, i), text = json_text(d, i);

	CHECK((size_t)t->off + t->len <= d->text.len);
	CHECK(t->next > i && t->next <= d->n);
	CHECK(text.s >= d->text.s &&
	    text.s + text.len <= d->text.s + d->text.len);
	CHECK(t->escaped == (t->type == JSON_STRING &&
	    memchr(raw.s, '\\', raw.len) != NULL));
	switch (t->type) {
	case JSON_NULL:
		CHECK(slice_is(text, "null"));
		break;
	case JSON_FALSE:
		CHECK(slice_is(text, "false"));
		break;
	case JSON_TRUE:
		CHECK(slice_is(text, "true"));
		break;
	case JSON_NUMBER:
		CHECK(text.len > 0);
		for (size_t j = 0; j < text.len; j++)
			CHECK(memchr("0123456789+-.eE", text.s[j], 15) !=
			    NULL);
		break;
	case JSON_STRING:
		CHECK(text.len >= 2 && text.s[0] == '"' &&
		    text.s[text.len - 1] == '"');
		break;
	case JSON_ARRAY:
		CHECK(text.s[0] == '[' && text.s[text.len - 1] == ']');
		break;
	case JSON_OBJECT:
		CHECK(text.s[0] == '{' && text.s[text.len - 1] == '}');
		break;
	default:
		CHECK(!"a type of json.h");
	}
	if (t->type < JSON_ARRAY)
		CHECK(t->next == i + 1 && t->n == 0);
}

/* The items of container i follow each other, and end where it ends. */
static void
check_nesting(const struct json_doc *d, uint32_t i)
{
	const struct json_tok *t = &d->tok[i];
	uint32_t k = i + 1, end = t->off + 1;

	for (uint32_t m = 0; m < t->n; m++) {
		if (t->type == JSON_OBJECT) {
			CHECK(k < t->next && d->tok[k].type == JSON_STRING);
			CHECK(d->tok[k].off >= end);
			end = d->tok[k].off + d->tok[k].len;
			k++;
		}
		CHECK(k < t->next && d->tok[k].off >= end);
		end = d->tok[k].off + d->tok[k].len;
		k = d->tok[k].next;
	}
	CHECK(k == t->next);
	CHECK(end <= t->off + t->len);
}

/* Undo RFC 6901's two escapes in one reference token, and pass it. */
static void
take_reference(struct slice *pointer, struct buf *out)
{
	CHECK(slice_is(slice_take(pointer, 1), "/"));
	while (pointer->len > 0 && pointer->s[0] != '/') {
		struct slice c = slice_take(pointer, 1);

		if (slice_is(c, "~")) {
			c = slice_take(pointer, 1);
			CHECK(slice_is(c, "0") || slice_is(c, "1"));
			buf_putc(out, *c.s == '0' ? '~' : '/');
		} else {
			buf_slice(out, c);
		}
	}
}

/* The pointer of value i leads back to it. */
static void
check_pointer(const struct json_doc *d, uint32_t i)
{
	struct buf pointer = BUF_INIT(4 * d->text.len);
	struct buf one = BUF_INIT(d->text.len);
	struct slice rest;
	uint32_t at = 0;

	json_pointer(d, i, &pointer);
	rest = buf_as_slice(&pointer);
	while (rest.len > 0) {
		buf_clear(&one);
		take_reference(&rest, &one);
		if (d->tok[at].type == JSON_OBJECT) {
			at = json_find_slice(d, at, buf_as_slice(&one));
			CHECK(at != 0);
		} else {
			unsigned long n = strtoul(buf_str(&one), NULL, 10);

			CHECK(d->tok[at].type == JSON_ARRAY);
			CHECK(n < d->tok[at].n);
			for (at++; n > 0; n--)
				at = d->tok[at].next;
		}
	}
	CHECK(at == i);
	buf_free(&one);
	buf_free(&pointer);
}

/* A key is found under its unescaped text, and has its value's pointer. */
static void
check_key(const struct json_doc *d, uint32_t obj, uint32_t key)
{
	struct buf name = BUF_INIT(d->text.len);
	struct buf a = BUF_INIT(4 * d->text.len), b = a;

	json_string(d, key, &name);
	CHECK(json_string_is(d, key, buf_as_slice(&name)));
	CHECK(json_find_slice(d, obj, buf_as_slice(&name)) == key + 1);
	json_pointer(d, key, &a);
	json_pointer(d, key + 1, &b);
	CHECK(slice_eq(buf_as_slice(&a), buf_as_slice(&b)));
	buf_free(&b);
	buf_free(&a);
	buf_free(&name);
}

static void
check_walks(const struct json_doc *d, uint32_t i)
{
	bool object = d->tok[i].type == JSON_OBJECT;
	uint32_t k = i + 1;

	for (uint32_t m = 0; m < d->tok[i].n; m++) {
		if (object)
			check_key(d, i, k);
		check_pointer(d, k + object);
		k = d->tok[k + object].next;
	}
}

/* A string written out and scanned again is the same string. */
static void
check_put_string(struct slice s)
{
	static const struct json_limits lim = {
		.string = UINT32_MAX, .tokens = 1,
	};
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	struct buf text = BUF_INIT(6 * s.len + 2);
	enum rc rc;

	json_put_string(&text, s);
	CHECK(!text.over);
	rc = json_scan(&d, buf_as_slice(&text), &lim, &err);
	if (memchr(s.s, 0, s.len) != NULL) {
		CHECK(rc == RC_INVALID && err.fault == JSON_NUL_CHARACTER);
	} else {
		CHECK(rc == RC_OK && d.n == 1);
		CHECK(!text_is_utf8(s) || json_string_is(&d, 0, s));
	}
	json_doc_free(&d);
	buf_free(&text);
}

/* The canonical form is JSON, and its own canonical form. */
static void
check_canonical(const struct json_doc *d)
{
	struct json_doc again = JSON_DOC_INIT;
	struct json_error err;
	struct buf once = BUF_INIT(d->text.len), twice = BUF_INIT(d->text.len);
	struct buf tight = BUF_INIT(0);

	json_canonical(d, 0, &once);
	CHECK(!once.over && once.len > 0);
	CHECK(json_scan(&again, buf_as_slice(&once), &json_limits_default,
	    &err) == RC_OK);
	CHECK(again.n == d->n);
	json_canonical(&again, 0, &twice);
	CHECK(slice_eq(buf_as_slice(&once), buf_as_slice(&twice)));
	/* Just room enough, and one byte too little. */
	tight.max = once.len;
	json_canonical(d, 0, &tight);
	CHECK(slice_eq(buf_as_slice(&once), buf_as_slice(&tight)));
	buf_free(&tight);
	tight.max = once.len - 1;
	json_canonical(d, 0, &tight);
	CHECK(tight.over && tight.len == 0);
	buf_free(&tight);
	buf_free(&twice);
	buf_free(&once);
	json_doc_free(&again);
}

static void
check_same(const struct json_tok *a, const struct json_tok *b)
{
	CHECK(a->type == b->type && a->escaped == b->escaped);
	CHECK(a->off == b->off && a->len == b->len);
	CHECK(a->next == b->next && a->n == b->n);
}

/* Narrow limits refuse more, for no other reason, and change nothing else. */
static void
check_narrow(struct slice text, const struct json_doc *wide, enum rc rc)
{
	static const struct json_limits lim = {
		.depth = 2, .string = 5, .tokens = 9, .number = 3,
	};
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	enum rc narrow;

	narrow = json_scan(&d, text, &lim, &err);
	if (narrow != RC_OK) {
		check_error(narrow, &err, text.len);
		CHECK(d.n == 0);
		CHECK(rc != RC_OK || err.fault >= JSON_DEPTH);
	} else {
		CHECK(rc == RC_OK && d.n == wide->n && d.n <= lim.tokens);
		for (uint32_t i = 0; i < d.n; i++)
			check_same(&d.tok[i], &wide->tok[i]);
	}
	json_doc_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	enum rc rc;

	memset(&err, 0xa5, sizeof err);
	rc = json_scan(&d, text, &json_limits_default, &err);
	if (rc != RC_OK) {
		check_error(rc, &err, size);
		CHECK(d.n == 0);
	} else {
		CHECK(d.n > 0 && d.tok[0].next == d.n);
		for (uint32_t i = 0; i < d.n; i++) {
			check_token(&d, i);
			if (d.tok[i].type < JSON_ARRAY)
				continue;
			check_nesting(&d, i);
			if (d.n <= WALK_MAX)
				check_walks(&d, i);
		}
		check_canonical(&d);
	}
	check_narrow(text, &d, rc);
	if (size > 0)
		check_put_string(text);
	json_doc_free(&d);
	return 0;
}
