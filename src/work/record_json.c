#include "base/clock.h"
#include "work/record_json.h"

bool
record_string(const struct json_doc *d, const char *key, struct buf *text)
{
	uint32_t i = json_find(d, 0, key);

	if (i == 0 || d->tok[i].type != JSON_STRING)
		return false;
	json_string(d, i, text);
	return true;
}

int64_t
record_int(const struct json_doc *d, const char *key, int64_t fallback)
{
	uint32_t i = json_find(d, 0, key);
	int64_t v;

	if (i == 0 || json_i64(d, i, false, &v) != RC_OK)
		return fallback;
	return v;
}

bool
record_bool(const struct json_doc *d, const char *key)
{
	uint32_t i = json_find(d, 0, key);

	return i != 0 && d->tok[i].type == JSON_TRUE;
}

void
record_put_key(struct buf *out, const char *key)
{
	if (out->len > 0 && out->s[out->len - 1] != '{')
		buf_putc(out, ',');
	json_put_string(out, slice_of(key));
	buf_putc(out, ':');
}

void
record_put_string(struct buf *out, const char *key, struct slice value)
{
	record_put_key(out, key);
	json_put_string(out, value);
}

void
record_put_int(struct buf *out, const char *key, int64_t value)
{
	record_put_key(out, key);
	buf_i64(out, value);
}

void
record_put_bool(struct buf *out, const char *key, bool value)
{
	record_put_key(out, key);
	buf_puts(out, value ? "true" : "false");
}

void
record_put_time(struct buf *out, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	record_put_key(out, key);
	if (ms == 0) {
		buf_puts(out, "null");
		return;
	}
	clock_format(ms, text);
	json_put_string(out, slice_of(text));
}
