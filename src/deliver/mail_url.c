#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>
#include "base/log.h"
#include "deliver/mail_inner.h"

#define NAME_MAX_LEN	253	/* RFC 1035, as text */
#define ADDRESS_MAX_LEN	254	/* RFC 5321 §4.5.3.1.3, without < and > */
#define LITERAL		"[127.0.0.1]"

bool
mail_address_ok(const char *address)
{
	bool quoted = false;

	if (strlen(address) > ADDRESS_MAX_LEN)
		return false;
	for (const char *s = address; *s != '\0'; s++) {
		if (*s < ' ' || *s > '~')
			return false;
		if (*s == '"')
			quoted = !quoted;
		else if (quoted && *s == '\\' && s[1] != '\0')
			s++;
		else if (!quoted && strchr(" <>", *s) != NULL)
			return false;
	}
	return !quoted;
}

/* Labels of letters, digits and inner dashes (RFC 1123 §2.1), with dots. */
static bool
is_domain(const char *s, size_t dots)
{
	bool ended = true;		/* a label, or none is begun */
	const char *p = s;
	size_t n = 0;

	for (; *p != '\0'; p++) {
		if (isalnum((unsigned char)*p))
			ended = false;
		else if (ended || strchr("-.", *p) == NULL || p[1] == '\0' ||
		    !(isalnum((unsigned char)p[1]) || (*p == '-' &&
		    p[1] == '-')))
			return false;
		else if (*p == '.') {
			ended = true;
			n++;
		}
	}
	return p > s && p - s <= NAME_MAX_LEN && n >= dots;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" */
static bool
is_literal(const char *s)
{
	size_t len = strlen(s);

	if (len < 3 || len > NAME_MAX_LEN || *s != '[' || s[len - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < len; i++)
		if (!isalnum((unsigned char)s[i]) && strchr(".:", s[i]) == NULL)
			return false;
	return true;
}

/* What to say EHLO with: what stands in the URL, or what is known of us. */
static enum rc
set_greeting(CURLU *u, struct buf *why)
{
	char own[NAME_MAX_LEN + 2] = "", path[3 * sizeof own];
	const char *name;
	char *said = NULL;
	enum rc rc = RC_OK;

	if (curl_url_get(u, CURLUPART_PATH, &said, CURLU_URLDECODE) !=
	    CURLUE_OK) {
		buf_puts(why, "[mail] url has a path that can't be read");
		rc = RC_INVALID;
		goto done;
	}
	name = said + strspn(said, "/");
	if (*name != '\0' && !is_domain(name, 0) && !is_literal(name)) {
		buf_puts(why, "[mail] url: what follows the host, the name to "
		    "say EHLO with, must be a host's name or \"[address]\"");
		rc = RC_INVALID;
		goto done;
	}
	if (*name == '\0') {
		if (gethostname(own, sizeof own - 1) == -1 ||
		    !is_domain(own, 1))
			snprintf(own, sizeof own, "%s", LITERAL);
		name = own;
	}
	/* [ and ] can't stand in a path */
	if (*name == '[')
		snprintf(path, sizeof path, "/%%5B%.*s%%5D",
		    (int)strlen(name) - 2, name + 1);
	else
		snprintf(path, sizeof path, "/%s", name);
	if (curl_url_set(u, CURLUPART_PATH, path, 0) != CURLUE_OK)
		log_fatal("out of memory");
done:
	curl_free(said);
	return rc;
}

static bool
is_local(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0 ||
	    (!isdigit((unsigned char)*host) && *host != '[' &&
	    resolve_is_known(host));
}

/* What a URL may have, and a mail server's has not. */
static bool
has_others(CURLU *u)
{
	static const CURLUPart part[] = { CURLUPART_USER, CURLUPART_PASSWORD,
	    CURLUPART_OPTIONS, CURLUPART_QUERY, CURLUPART_FRAGMENT };
	bool has = false;

	for (size_t i = 0; i < NELEM(part); i++) {
		char *text = NULL;

		has |= curl_url_get(u, part[i], &text, 0) == CURLUE_OK;
		curl_free(text);
	}
	return has;
}

enum rc
mail_read_url(struct mail *m, const char *url, struct buf *why)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *text = NULL;
	CURLU *u = curl_url();
	enum rc rc = RC_INVALID;

	if (u == NULL)
		log_fatal("out of memory");
	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    (strcasecmp(scheme, "smtp") != 0 &&
	    strcasecmp(scheme, "smtps") != 0) ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    strlen(host) >= sizeof m->host ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) !=
	    CURLUE_OK || strtol(port, NULL, 10) == 0) {
		buf_puts(why, "[mail] url must be smtp://host:port or "
		    "smtps://host:port");
		goto done;
	}
	if (has_others(u)) {
		buf_puts(why, "[mail] url has more than a host and a port in "
		    "it; [mail] user and password_file are for logging in");
		goto done;
	}
	rc = set_greeting(u, why);
	if (rc != RC_OK)
		goto done;
	if (curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK)
		log_fatal("out of memory");
	m->url = strdup(text);
	if (m->url == NULL)
		log_fatal("out of memory");
	memcpy(m->host, host, strlen(host) + 1);
	m->port = strtol(port, NULL, 10);
	m->local = strcasecmp(scheme, "smtp") == 0 && is_local(host);
done:
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(text);
	curl_url_cleanup(u);
	return rc;
}

enum rc
mail_check_url(const char *url, struct buf *why)
{
	struct mail m = { .url = NULL };
	enum rc rc = mail_read_url(&m, url, why);

	free(m.url);
	return rc;
}
