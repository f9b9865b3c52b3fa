#include <ctype.h>
#include "base/text.h"
#include "web/request.h"
#include "web/route.h"

enum var {
	PATH_INFO, REQUEST_URI, SCRIPT_NAME, QUERY_STRING, REQUEST_METHOD,
	CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, AUTHORIZATION,
	REDIRECT_AUTHORIZATION, SKYCAP_KEY, VARS
};

/* One pass over the parameters: they are some thirty, and this is done for
   every request. */
static void
collect(char *const *env, struct slice v[VARS])
{
	static const struct {
		const char	*name;
		size_t		 len;
	} t[VARS] = {
#define NAME(s)	{ s "=", sizeof s }
		[PATH_INFO] = NAME("PATH_INFO"),
		[REQUEST_URI] = NAME("REQUEST_URI"),
		[SCRIPT_NAME] = NAME("SCRIPT_NAME"),
		[QUERY_STRING] = NAME("QUERY_STRING"),
		[REQUEST_METHOD] = NAME("REQUEST_METHOD"),
		[CONTENT_TYPE] = NAME("CONTENT_TYPE"),
		[CONTENT_LENGTH] = NAME("CONTENT_LENGTH"),
		[CONTENT_ENCODING] = NAME("HTTP_CONTENT_ENCODING"),
		[AUTHORIZATION] = NAME("HTTP_AUTHORIZATION"),
		[REDIRECT_AUTHORIZATION] = NAME("REDIRECT_HTTP_AUTHORIZATION"),
		[SKYCAP_KEY] = NAME("HTTP_X_SKYCAP_KEY"),
#undef NAME
	};

	memset(v, 0, VARS * sizeof v[0]);
	for (; *env != NULL; env++)
		for (size_t i = 0; i < VARS; i++)
			if (t[i].name[0] == (*env)[0] && v[i].s == NULL &&
			    strncmp(*env, t[i].name, t[i].len) == 0) {
				v[i] = slice_of(*env + t[i].len);
				break;
			}
}

/* A buffer over fixed storage: it never grows, so nothing is to be freed. */
static struct buf
fixed(char *text, size_t size)
{
	text[0] = '\0';
	return (struct buf){ text, 0, size, size - 1, false };
}

static struct slice
trim(struct slice s)
{
	for (; s.len > 0 && (s.s[0] == ' ' || s.s[0] == '\t'); s.s++)
		s.len--;
	while (s.len > 0 && (s.s[s.len - 1] == ' ' || s.s[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* The path of a request target: no query, and no scheme and host either. */
static struct slice
path_of_uri(struct slice uri)
{
	const char *end, *host;

	if (uri.len > 0 && uri.s[0] != '/') {
		host = strstr(uri.s, "://");
		if (host == NULL)
			return (struct slice){ NULL, 0 };
		uri = slice_of(host + 3 + strcspn(host + 3, "/?"));
	}
	end = uri.len == 0 ? NULL : memchr(uri.s, '?', uri.len);
	if (end != NULL)
		uri.len = (size_t)(end - uri.s);
	return uri;
}

/* Take prefix off the front of *path if it is there and ends a segment. */
static bool
less(struct slice *path, struct slice prefix)
{
	while (prefix.len > 0 && prefix.s[prefix.len - 1] == '/')
		prefix.len--;
	if (prefix.len == 0 || prefix.len > path->len ||
	    memcmp(path->s, prefix.s, prefix.len) != 0 ||
	    (prefix.len < path->len && path->s[prefix.len] != '/'))
		return false;
	path->s += prefix.len;
	path->len -= prefix.len;
	return true;
}

/* Some method is taken there. */
static bool
is_route(const struct program *p, struct slice path)
{
	unsigned allow = 0;

	(void)route_find(p, path, 0, NULL, &allow);
	return allow != 0;
}

/*
 * DESIGN §1, finding the route: the first of these that is one.  Behind the
 * prefix may stand the program's name, as quickstart lays them out.  The URI
 * itself is among them because a server can be wrong about where the program
 * ends and the path begins: for a program at "/" lighttpd takes the first
 * segment for its name, and mod_proxy_fcgi all of them.
 */
static struct slice
find_path(struct req *rq, const struct slice v[VARS], const struct program *p,
    struct slice prefix)
{
	struct slice uri = path_of_uri(v[REQUEST_URI]), after_name;
	struct slice after_script = uri, after_prefix = uri;
	struct buf text = fixed(rq->path_text, sizeof rq->path_text);
	struct slice candidate[5];
	size_t n = 0;

	if (v[PATH_INFO].len > 0)
		candidate[n++] = v[PATH_INFO];
	if (less(&after_script, v[SCRIPT_NAME]) && after_script.len > 0)
		candidate[n++] = after_script;
	less(&after_prefix, prefix);
	if (after_prefix.len > 0) {
		after_name = (struct slice){ after_prefix.s + 1,
		    after_prefix.len - 1 };
		if (less(&after_name, slice_of(p->name)))
			after_prefix = after_name;
	}
	if (after_prefix.len > 0)
		candidate[n++] = after_prefix;
	if (uri.len > 0)
		candidate[n++] = uri;
	/* What the server gave as a path is not to be talked away. */
	if (v[PATH_INFO].len == 0 && req_query(rq, "path", &text) == RC_OK)
		candidate[n++] = buf_as_slice(&text);
	for (size_t i = 0; i < n; i++)
		if (is_route(p, candidate[i]))
			return candidate[i];
	/* All of it was said to be the program: where it ends is unknown. */
	if (after_script.len == 0)
		for (size_t i = 1; i < uri.len; i++) {
			struct slice end = { uri.s + i, uri.len - i };

			if (uri.s[i] == '/' && end.len > 1 && is_route(p, end))
				return end;
		}
	/* Nothing was left of the URI: the program itself was asked for. */
	if (n == 0 || (text.len == 0 && uri.len > 0 &&
	    (after_script.len == 0 || after_prefix.len == 0)))
		return SLICE("/");
	return candidate[0];
}

/* What follows the scheme in an Authorization header of that scheme. */
static struct slice
credentials(struct slice auth, const char *scheme)
{
	struct slice word = { auth.s, strlen(scheme) };

	if (auth.len <= word.len || auth.s[word.len] != ' ' ||
	    !text_same_nocase(word, slice_of(scheme)))
		return (struct slice){ NULL, 0 };
	auth.s += word.len;
	auth.len -= word.len;
	return trim(auth);
}

/* Append what base64 stands for (RFC 4648, padding optional). */
static enum rc
unbase64(struct buf *out, struct slice s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;

	while (s.len > 0 && s.s[s.len - 1] == '=')
		s.len--;
	for (size_t i = 0; i < s.len; i++) {
		const char *d = memchr(digits, s.s[i], sizeof digits - 1);

		if (d == NULL)
			return RC_INVALID;
		bits = (bits << 6 | (unsigned)(d - digits)) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_putc(out, (char)(bits >> have & 0xff));
		}
	}
	return out->over ? RC_INVALID : RC_OK;
}

/* DESIGN §1, finding the key.  A server that asks for a password of its own
   fills Authorization with Basic; the key is then in X-Skycap-Key. */
static void
find_key(struct req *rq, const struct slice v[VARS])
{
	struct slice auth = v[AUTHORIZATION].len > 0 ? v[AUTHORIZATION] :
	    v[REDIRECT_AUTHORIZATION];
	struct slice token = credentials(auth, "Bearer");
	struct slice basic = credentials(auth, "Basic");
	struct buf text = fixed(rq->basic_text, sizeof rq->basic_text);
	const char *colon;

	if (token.len == 0)
		token = trim(v[SKYCAP_KEY]);
	if (token.len > 0)
		rq->key = token;
	if (basic.len == 0 || unbase64(&text, basic) != RC_OK)
		return;
	colon = memchr(text.s, ':', text.len);
	if (colon == NULL)
		return;
	rq->basic_user = (struct slice){ text.s, (size_t)(colon - text.s) };
	rq->basic_password = (struct slice){ colon + 1,
	    text.len - rq->basic_user.len - 1 };
}

static struct slice
find_type(struct req *rq, struct slice type)
{
	size_t len = 0;

	while (len < type.len && type.s[len] != ';')
		len++;
	type.len = len;
	type = trim(type);
	if (type.len == 0)
		return (struct slice){ NULL, 0 };
	if (type.len > sizeof rq->type_text)
		return type;		/* no type we know is so long */
	for (size_t i = 0; i < type.len; i++)
		rq->type_text[i] = (char)tolower((unsigned char)type.s[i]);
	return (struct slice){ rq->type_text, type.len };
}

static int64_t
find_length(struct slice s)
{
	int64_t v = 0;

	if (s.len == 0 || s.len > 18)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < '0' || s.s[i] > '9')
			return -1;
		v = v * 10 + (s.s[i] - '0');
	}
	return v;
}

void
request_read(struct req *rq, struct req_source *src, const struct program *p,
    const char *prefix)
{
	struct slice v[VARS];

	memset(rq, 0, sizeof *rq);
	rq->source = src;
	rq->body_ahead = -1;
	collect(src->env, v);
	rq->head = slice_is(v[REQUEST_METHOD], "HEAD");
	if (rq->head || slice_is(v[REQUEST_METHOD], "GET"))
		rq->method = M_GET;
	else if (slice_is(v[REQUEST_METHOD], "POST"))
		rq->method = M_POST;
	if (v[QUERY_STRING].len > 0)
		rq->query = v[QUERY_STRING];
	rq->path = find_path(rq, v, p, slice_of(prefix));
	find_key(rq, v);
	rq->content_type = find_type(rq, v[CONTENT_TYPE]);
	if (v[CONTENT_ENCODING].len > 0)
		rq->content_encoding = trim(v[CONTENT_ENCODING]);
	rq->content_length = find_length(v[CONTENT_LENGTH]);
}
