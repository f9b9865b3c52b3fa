#include "web/route.h"

static bool
fits(const char *pattern, struct slice path, struct slice param[4])
{
	size_t n = 0, i = 0;

	while (*pattern != '\0') {
		size_t from = i;

		if (*pattern != ':' || pattern[-1] != '/') {
			if (i == path.len || path.s[i] != *pattern)
				return false;
			i++;
			pattern++;
			continue;
		}
		while (*pattern != '\0' && *pattern != '/')
			pattern++;
		while (i < path.len && path.s[i] != '/')
			i++;
		if (i == from)
			return false;
		if (n < 4 && param != NULL)
			param[n++] = (struct slice){ path.s + from, i - from };
	}
	return i == path.len;
}

const struct route *
route_find(const struct program *p, struct slice path, unsigned method,
    struct slice param[4], unsigned *allow)
{
	unsigned others = 0;

	for (size_t i = 0; i < p->nroutes; i++) {
		const struct route *r = &p->routes[i];
		struct slice got[4] = { { NULL, 0 } };

		if (!fits(r->path, path, got))
			continue;
		if ((r->methods & method) != 0) {
			if (param != NULL)
				memcpy(param, got, sizeof got);
			return r;
		}
		others |= r->methods;
	}
	if (allow != NULL)
		*allow = others;
	return NULL;
}
