#include <ctype.h>
#include <strings.h>
#include "base/conf_names.h"

/* Printable ASCII without space: what all URLs and prefixes are made of. */
static bool
is_graphic(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

static bool
is_url(const char *s, const char *scheme, const char *secure_scheme)
{
	size_t n = strlen(scheme), m = strlen(secure_scheme);

	if (strncasecmp(s, scheme, n) == 0)
		s += n;
	else if (strncasecmp(s, secure_scheme, m) == 0)
		s += m;
	else
		return false;
	return is_graphic(s) && strchr("/:?#", *s) == NULL &&
	    strpbrk(s, "?#") == NULL;
}

static bool
is_zone(const char *s)
{
	if (!isalpha((unsigned char)*s))
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("_+-/", *s) == NULL)
			return false;
	return true;
}

/* "64", "16M"; RC_INVALID if it is neither or not within min and max. */
static enum rc
read_number(const char *s, const struct conf_name *n, int64_t *v)
{
	static const char unit[] = "kmg";
	const char *at;
	int64_t got = 0;

	if (!isdigit((unsigned char)*s))
		return RC_INVALID;
	for (; isdigit((unsigned char)*s); s++) {
		if (got > (INT64_MAX - 9) / 10)
			return RC_INVALID;
		got = got * 10 + (*s - '0');
	}
	if (n->kind != CONF_NUMBER && *s != '\0') {
		at = strchr(unit, tolower((unsigned char)*s++));
		if (at == NULL)
			return RC_INVALID;
		for (const char *u = unit; u <= at; u++) {
			if (got > INT64_MAX / CONF_KIB)
				return RC_INVALID;
			got *= CONF_KIB;
		}
	}
	if (*s != '\0' || got < n->min || got > n->max)
		return RC_INVALID;
	*v = got;
	return RC_OK;
}

/* Put text into a member, below dir unless that is NULL, and zeros behind. */
static enum rc
set_text(char *to, size_t size, const char *dir, const char *s, size_t len)
{
	size_t n = dir == NULL ? 0 : strlen(dir) + 1;

	if (n + len >= size)
		return RC_TOOBIG;
	memset(to, 0, size);
	if (n > 0) {
		memcpy(to, dir, n - 1);
		to[n - 1] = '/';
	}
	memcpy(to + n, s, len);
	return RC_OK;
}

static size_t
without_slashes(const char *s)
{
	size_t len = strlen(s);

	while (len > 0 && s[len - 1] == '/')
		len--;
	return len;
}

static int
word_index(const char *s, const char *const *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(s, word[i]) == 0)
			return (int)i;
	return -1;
}

enum rc
conf_set(struct conf *c, const char *dir, const struct conf_name *n,
    const char *s)
{
	char *to = (char *)c + n->off;
	size_t len = strlen(s);
	int word;

	switch (n->kind) {
	case CONF_WEB_URL:
		if (len > 0 && !is_url(s, "http://", "https://"))
			return RC_INVALID;
		return set_text(to, n->size, NULL, s, without_slashes(s));
	case CONF_PREFIX:
		if (len > 0 && (*s != '/' || !is_graphic(s) ||
		    strpbrk(s, "?#") != NULL))
			return RC_INVALID;
		return set_text(to, n->size, NULL, s, without_slashes(s));
	case CONF_MAIL_URL:
		if (len > 0 && !is_url(s, "smtp://", "smtps://"))
			return RC_INVALID;
		break;
	case CONF_ZONE:
		if (!is_zone(s))
			return RC_INVALID;
		break;
	case CONF_PATH:
	case CONF_PATH_NEEDED:
		if (len == 0 && n->kind == CONF_PATH_NEEDED)
			return RC_INVALID;
		if (len > 0 && *s != '/')
			return set_text(to, n->size, dir, s, len);
		break;
	case CONF_SIZE_AUTO:
		if (strcasecmp(s, "auto") == 0) {
			*(int64_t *)(void *)to = 0;
			return RC_OK;
		}
		return read_number(s, n, (int64_t *)(void *)to);
	case CONF_NUMBER:
	case CONF_SIZE:
		return read_number(s, n, (int64_t *)(void *)to);
	case CONF_KICK:
		word = word_index(s, conf_kick_words, NELEM(conf_kick_words));
		if (word == -1)
			return RC_INVALID;
		*(enum conf_kick *)(void *)to = (enum conf_kick)word;
		return RC_OK;
	case CONF_FORMAT:
		word = word_index(s, conf_format_words,
		    NELEM(conf_format_words));
		if (word == -1)
			return RC_INVALID;
		*(bool *)to = word == 1;
		return RC_OK;
	case CONF_TEXT:
		break;
	}
	return set_text(to, n->size, NULL, s, len);
}

void
conf_put_size(struct buf *out, int64_t v)
{
	static const char unit[] = "KMG";
	size_t n = 0;

	for (; n < 3 && v > 0 && v % CONF_KIB == 0; n++)
		v /= CONF_KIB;
	buf_i64(out, v);
	if (n > 0)
		buf_putc(out, unit[n - 1]);
}

void
conf_expected(const struct conf_name *n, struct buf *out)
{
	switch (n->kind) {
	case CONF_WEB_URL:
		buf_puts(out, "an http:// or https:// URL without ? and #");
		break;
	case CONF_MAIL_URL:
		buf_puts(out, "an smtp:// or smtps:// URL");
		break;
	case CONF_PREFIX:
		buf_puts(out, "a URL path that begins with /");
		break;
	case CONF_ZONE:
		buf_puts(out, "a time zone such as UTC or Europe/Madrid");
		break;
	case CONF_PATH:
	case CONF_PATH_NEEDED:
		buf_puts(out, "a path");
		break;
	case CONF_NUMBER:
		buf_printf(out, "a whole number from %lld to %lld",
		    (long long)n->min, (long long)n->max);
		break;
	case CONF_SIZE:
	case CONF_SIZE_AUTO:
		buf_printf(out, "%sa size from ",
		    n->kind == CONF_SIZE_AUTO ? "\"auto\" or " : "");
		conf_put_size(out, n->min);
		buf_puts(out, " to ");
		conf_put_size(out, n->max);
		break;
	case CONF_KICK:
		buf_puts(out, "auto, socket, spawn or none");
		break;
	case CONF_FORMAT:
		buf_puts(out, "text or json");
		break;
	case CONF_TEXT:
		buf_puts(out, "text");
		break;
	}
}

