#include "base/conf_names.h"
#include "base/json.h"

static bool
is_number(const struct conf_name *n)
{
	return n->kind == CONF_NUMBER || n->kind == CONF_SIZE ||
	    n->kind == CONF_SIZE_AUTO;
}

static int64_t
number_of(const struct conf *c, const struct conf_name *n)
{
	return *(const int64_t *)(const void *)((const char *)c + n->off);
}

/* The word or text that a member stands for; never for a number but auto. */
static const char *
text_of(const struct conf *c, const struct conf_name *n)
{
	const char *at = (const char *)c + n->off;

	if (n->kind == CONF_KICK)
		return conf_kick_words[*(const enum conf_kick *)
		    (const void *)at];
	if (n->kind == CONF_FORMAT)
		return conf_format_words[*(const bool *)at];
	if (n->kind == CONF_SIZE_AUTO)
		return "auto";
	return at;
}

static bool
is_auto(const struct conf *c, const struct conf_name *n)
{
	return n->kind == CONF_SIZE_AUTO && number_of(c, n) == 0;
}

/* Whether row i is the first of its section. */
static bool
begins(size_t i)
{
	return i == 0 ||
	    strcmp(conf_names[i].section, conf_names[i - 1].section) != 0;
}

void
conf_print(const struct conf *c, struct buf *out)
{
	for (size_t i = 0; i < CONF_NAMES; i++) {
		const struct conf_name *n = &conf_names[i];

		if (begins(i))
			buf_printf(out, "%s[%s]\n", i == 0 ? "" : "\n",
			    n->section);
		buf_printf(out, "%s = ", n->name);
		if (!is_number(n) || is_auto(c, n))
			buf_puts(out, text_of(c, n));
		else if (n->kind == CONF_NUMBER)
			buf_i64(out, number_of(c, n));
		else
			conf_put_size(out, number_of(c, n));
		buf_putc(out, '\n');
	}
}

void
conf_print_json(const struct conf *c, struct buf *out)
{
	for (size_t i = 0; i < CONF_NAMES; i++) {
		const struct conf_name *n = &conf_names[i];

		if (begins(i)) {
			buf_puts(out, i == 0 ? "{" : "},");
			json_put_string(out, slice_of(n->section));
			buf_puts(out, ":{");
		} else
			buf_putc(out, ',');
		json_put_string(out, slice_of(n->name));
		buf_putc(out, ':');
		if (is_number(n) && !is_auto(c, n))
			buf_i64(out, number_of(c, n));
		else
			json_put_string(out, slice_of(text_of(c, n)));
	}
	buf_puts(out, "}}");
}
