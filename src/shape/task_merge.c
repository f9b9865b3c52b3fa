/*
 * Putting back the secrets of a task that an edit brings masked.  They stay
 * with the address they were given for: who may change the URL but not read
 * the secrets can't have them sent elsewhere.
 */
#include "base/text.h"
#include "shape/task_data.h"

static bool
begins_with_dots(struct slice s)
{
	return s.len >= sizeof TASK_DOTS - 1 &&
	    memcmp(s.s, TASK_DOTS, sizeof TASK_DOTS - 1) == 0;
}

/* The parameter's value is a mask that stands for one of the old URL's. */
static bool
stands_for(const struct task_param *masked, const struct task_param *old)
{
	struct buf mask = BUF_INIT(TASK_SHOWN_MAX);
	bool is;

	if (!old->secret || !slice_eq(old->name, masked->name))
		return false;
	task_param_mask(old, &mask);
	is = slice_eq(buf_as_slice(&mask), masked->value);
	buf_free(&mask);
	return is;
}

/*
 * The value a masked parameter had in the old URL, s NULL if it had none.  Of
 * several that look the same masked the nth mask stands for the nth.
 */
static struct slice
unmask(struct slice old, const struct task_param *masked, size_t nth)
{
	struct slice head, end, query = task_url_query(old, &head);
	struct task_param p;

	while (task_param_next(&query, &p, &end))
		if (stands_for(masked, &p) && nth-- == 0)
			return p.value;
	return (struct slice){ NULL, 0 };
}

/* How many parameters before this one read the same. */
static size_t
count_before(struct slice url, const struct task_param *like)
{
	struct slice head, end, query = task_url_query(url, &head);
	struct task_param p;
	size_t n = 0;

	while (task_param_next(&query, &p, &end) && p.name.s < like->name.s)
		n += slice_eq(p.name, like->name) &&
		    slice_eq(p.value, like->value);
	return n;
}

static void
merge_url(struct slice old, struct slice url, struct buf *out)
{
	struct slice head, end, query = task_url_query(url, &head);
	struct task_param p;

	buf_slice(out, head);
	while (task_param_next(&query, &p, &end)) {
		struct slice value = { NULL, 0 };

		if (begins_with_dots(p.value))
			value = unmask(old, &p, count_before(url, &p));
		buf_put(out, p.name.s, (size_t)(p.value.s - p.name.s));
		buf_slice(out, value.s != NULL ? value : p.value);
		buf_slice(out, end);
	}
}

/* {"secret":true} and nothing else. */
static bool
is_mask(const struct json_doc *d, uint32_t i)
{
	uint32_t secret = json_find(d, i, "secret");

	return secret != 0 && d->tok[i].n == 1 &&
	    d->tok[secret].type == JSON_TRUE;
}

/* Append the JSON text of the value the old task has for a header. */
static bool
old_header(const struct json_doc *old, struct slice name, struct buf *out)
{
	uint32_t obj = task_channel_member(old, TASK_WEBHOOK, "header");
	struct buf have = BUF_INIT(256);
	bool found = false;

	if (obj == 0)
		return false;
	for (uint32_t k = obj + 1; !found && k < old->tok[obj].next;
	    k = old->tok[k + 1].next) {
		buf_clear(&have);
		json_string(old, k, &have);
		found = text_same_nocase(buf_as_slice(&have), name);
		if (found)
			buf_slice(out, json_text(old, k + 1));
	}
	buf_free(&have);
	return found;
}

/* Copies a text in which some values are replaced, from front to back. */
struct copy {
	const struct json_doc *d, *old;
	enum task_channel channel;
	struct buf	*out;
	size_t		 done;		/* bytes of the text so far */
};

/* Up to value i, which is left out. */
static void
copy_to(struct copy *c, uint32_t i)
{
	struct slice value = json_text(c->d, i);
	size_t at = (size_t)(value.s - c->d->text.s);

	buf_put(c->out, c->d->text.s + c->done, at - c->done);
	c->done = at + value.len;
}

/* All after the host is one secret, with one mask. */
static void
merge_rest(struct slice old, size_t open, struct slice url, size_t now,
    struct buf *out)
{
	struct slice rest = { old.s + open, old.len - open };
	struct buf mask = BUF_INIT(TASK_SHOWN_MAX);

	buf_put(out, url.s, now);
	url = (struct slice){ url.s + now, url.len - now };
	task_rest_mask(rest, &mask);
	buf_slice(out, slice_eq(buf_as_slice(&mask), url) ? rest : url);
	buf_free(&mask);
}

static void
merge_member_url(struct copy *c, uint32_t url, struct slice was,
    struct slice now)
{
	struct buf merged = BUF_INIT(2 * TASK_SHOWN_MAX);
	size_t open = task_url_open(c->channel, was);

	(void)buf_room(&merged, merged.max);	/* at once: leaves no copies */
	if (open < was.len)
		merge_rest(was, open, now, task_url_open(c->channel, now),
		    &merged);
	else
		merge_url(was, now, &merged);
	/* it may be too long either way; without masks it is left as it is */
	if (!merged.over && !slice_eq(buf_as_slice(&merged), now)) {
		copy_to(c, url);
		json_put_string(c->out, buf_as_slice(&merged));
	}
	buf_wipe(&merged);
}

static void
merge_member_headers(struct copy *c, uint32_t obj)
{
	struct buf name = BUF_INIT(256), value = BUF_INIT(TASK_JSON_MAX);

	for (uint32_t k = obj + 1; k < c->d->tok[obj].next;
	    k = c->d->tok[k + 1].next) {
		if (!is_mask(c->d, k + 1))
			continue;
		buf_clear(&name);
		buf_clear(&value);
		json_string(c->d, k, &name);
		if (!old_header(c->old, buf_as_slice(&name), &value))
			continue;
		copy_to(c, k + 1);
		buf_slice(c->out, buf_as_slice(&value));
	}
	buf_free(&name);
	buf_free(&value);
}

/* The string of the channel's url; "" if there is none. */
static void
get_url(const struct json_doc *d, enum task_channel channel, struct buf *out)
{
	uint32_t url = task_channel_member(d, channel, "url");

	if (url != 0 && d->tok[url].type == JSON_STRING)
		json_string(d, url, out);
}

/* In the order of the text, which is copied from front to back. */
static void
merge_members(struct copy *c, struct slice was, struct slice now)
{
	const struct json_doc *d = c->d;
	uint32_t obj = json_find(d, 0, task_channel_name[c->channel]);
	uint32_t url = json_find(d, obj, "url");
	uint32_t header = c->channel != TASK_WEBHOOK ? 0 :
	    json_find(d, obj, "header");

	for (uint32_t k = obj + 1; k < d->tok[obj].next;
	    k = d->tok[k + 1].next) {
		if (k + 1 == url)
			merge_member_url(c, url, was, now);
		else if (k + 1 == header && d->tok[header].type == JSON_OBJECT)
			merge_member_headers(c, header);
	}
}

void
task_merge_secrets(const struct task *old, struct slice json, struct buf *out)
{
	struct json_doc d = JSON_DOC_INIT, was = JSON_DOC_INIT;
	struct copy c = { .d = &d, .old = &was, .channel = old->channel,
	    .out = out };
	struct buf to = BUF_INIT(TASK_SHOWN_MAX), from = BUF_INIT(TASK_URL_MAX);
	struct json_error err;

	if (json_scan(&d, json, &json_limits_default, &err) != RC_OK ||
	    json_scan(&was, buf_as_slice(&old->text), &json_limits_default,
	    &err) != RC_OK)
		goto done;
	get_url(&d, c.channel, &to);
	get_url(&was, c.channel, &from);
	if (task_url_same_address(buf_as_slice(&from), buf_as_slice(&to)))
		merge_members(&c, buf_as_slice(&from), buf_as_slice(&to));
done:
	buf_put(out, json.s + c.done, json.len - c.done);
	buf_wipe(&from);
	buf_free(&to);
	json_doc_free(&d);
	json_doc_free(&was);
}
