#include <limits.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/text.h"
#include "shape/catalog_file.h"
#include "shape/piece.h"
#include "shape/preset.h"

struct presets {
	struct buf	 path;
	struct catalog_file file;
	struct buf	 pool;		/* all strings, a NUL after each; has
					   its room at once, so never moves */
	struct preset	*preset;
	const char	**name;		/* for text_nearest */
	size_t		 n;
};

static const char *const member[] = { "name", "title", "use", "where",
	"note" };
#define TEXTS NELEM(member)

static enum rc
fault(const struct presets *p, uint32_t tok, const char *what,
    struct buf *why)
{
	buf_printf(why, "%s: ", buf_str(&p->path));
	json_pointer(&p->file.doc, tok, why);
	buf_printf(why, " %s", what);
	return RC_INVALID;
}

static enum rc
read_texts(struct presets *p, uint32_t obj, const char *text[TEXTS],
    struct buf *why)
{
	const struct json_doc *d = &p->file.doc;

	for (size_t i = 0; i < TEXTS; i++) {
		uint32_t tok = json_find(d, obj, member[i]);

		if (tok == 0 || d->tok[tok].type != JSON_STRING ||
		    d->tok[tok].len == 0) {
			buf_printf(why, "%s: ", buf_str(&p->path));
			json_pointer(d, obj, why);
			buf_printf(why, " needs %s, a string", member[i]);
			return RC_INVALID;
		}
		text[i] = p->pool.s + p->pool.len;
		json_string(d, tok, &p->pool);
		buf_putc(&p->pool, '\0');
	}
	return RC_OK;
}

static uint32_t
find_url(const struct json_doc *d, uint32_t task)
{
	return json_find(d, json_find(d, task, "httpRequest"), "url");
}

static enum rc
read_preset(struct presets *p, uint32_t obj, struct buf *why)
{
	const struct json_doc *d = &p->file.doc;
	struct preset *s = &p->preset[p->n];
	uint32_t task = json_find(d, obj, "task");
	const char *text[TEXTS];
	enum rc rc;

	rc = read_texts(p, obj, text, why);
	if (rc != RC_OK)
		return rc;
	if (task == 0 || json_find(d, task, "httpRequest") == 0 ||
	    !json_string_is(d, find_url(d, task), SLICE(PRESET_URL)))
		return fault(p, obj, "needs a task with an httpRequest whose "
		    "url is \"" PRESET_URL "\"", why);
	if (json_find(d, task, "event") != 0)
		return fault(p, task, "can't name events: who uses it does",
		    why);
	*s = (struct preset){ text[0], text[1], text[2], text[3], text[4],
	    task };
	if (preset_find(p, slice_of(s->name)) != NULL)
		return fault(p, obj, "has a name that is taken", why);
	p->name[p->n++] = s->name;
	return RC_OK;
}

static enum rc
read_file(struct presets *p, struct buf *why)
{
	const struct json_doc *d = &p->file.doc;
	uint32_t list = json_find(d, 0, "presets");
	enum rc rc = RC_OK;

	if (list == 0 || d->tok[list].type != JSON_ARRAY)
		return fault(p, list, "needs a list of presets", why);
	p->preset = calloc(d->tok[list].n + 1, sizeof *p->preset);
	p->name = calloc(d->tok[list].n + 1, sizeof *p->name);
	if (p->preset == NULL || p->name == NULL ||
	    buf_room(&p->pool, p->pool.max) == NULL)
		log_fatal("out of memory");
	for (uint32_t i = list + 1; i < d->tok[list].next && rc == RC_OK;
	    i = d->tok[i].next)
		rc = read_preset(p, i, why);
	return rc;
}

enum rc
presets_load(struct presets **out, const char *data, struct buf *why)
{
	struct presets *p = calloc(1, sizeof *p);
	enum rc rc;

	if (p == NULL)
		log_fatal("out of memory");
	p->path = (struct buf)BUF_INIT(PATH_MAX);
	p->file = (struct catalog_file)CATALOG_FILE_INIT;
	buf_printf(&p->path, "%s/presets.json", data);
	rc = catalog_file_open(&p->file, buf_str(&p->path), why);
	/* each string is shorter there than in the file, quotes and all */
	p->pool = (struct buf)BUF_INIT(p->file.text.len);
	if (rc == RC_OK)
		rc = read_file(p, why);
	if (rc == RC_OK)
		*out = p;
	else
		presets_free(p);
	return rc;
}

void
presets_free(struct presets *p)
{
	if (p == NULL)
		return;
	catalog_file_close(&p->file);
	buf_free(&p->path);
	buf_free(&p->pool);
	free(p->preset);
	free(p->name);
	free(p);
}

const struct preset *
preset_at(const struct presets *p, size_t i)
{
	return i < p->n ? &p->preset[i] : NULL;
}

const struct preset *
preset_find(const struct presets *p, struct slice name)
{
	for (size_t i = 0; i < p->n; i++)
		if (slice_is(name, p->preset[i].name))
			return &p->preset[i];
	return NULL;
}

const char *
preset_nearest(const struct presets *p, struct slice name)
{
	return text_nearest(name, p->name, p->n);
}

static void
put_events(const struct slice *events, size_t n, struct buf *out)
{
	buf_puts(out, "\"event\":[");
	if (n == 0)
		buf_puts(out, "\"*\"");
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i > 0 ? "," : "");
		json_put_string(out, events[i]);
	}
	buf_puts(out, "],");
}

/* The object obj, with the URL in its place. */
static void
put_object(const struct json_doc *d, uint32_t obj, struct slice url,
    struct buf *out)
{
	uint32_t at = url.s == NULL ? 0 : json_find(d, obj, "url");

	buf_putc(out, '{');
	for (uint32_t k = obj + 1; k < d->tok[obj].next;
	    k = d->tok[k + 1].next) {
		buf_puts(out, k > obj + 1 ? "," : "");
		buf_slice(out, json_text(d, k));
		buf_putc(out, ':');
		if (k + 1 == at)
			json_put_string(out, url);
		else
			piece_compact(d, k + 1, out);
	}
	buf_putc(out, '}');
}

void
preset_task(const struct presets *p, const struct preset *s,
    struct slice url, const struct slice *events, size_t n, struct buf *out)
{
	const struct json_doc *d = &p->file.doc;
	uint32_t http = json_find(d, s->task, "httpRequest");

	buf_putc(out, '{');
	put_events(events, n, out);
	for (uint32_t k = s->task + 1; k < d->tok[s->task].next;
	    k = d->tok[k + 1].next) {
		buf_puts(out, k > s->task + 1 ? "," : "");
		buf_slice(out, json_text(d, k));
		buf_putc(out, ':');
		if (k + 1 == http)
			put_object(d, http, url, out);
		else
			piece_compact(d, k + 1, out);
	}
	buf_putc(out, '}');
}
