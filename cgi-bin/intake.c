/*
 * intake - takes events: POST /events, GET /events/:id, GET /health.
 */
#include "ui/intake_page.h"

static const struct route routes[] = {
	/* method  path           handler */
	{ M_POST, "/events",     intake_page_post },
	{ M_GET,  "/events/:id", intake_page_event },
	{ M_GET,  "/health",     intake_page_health },
};

int
main(int argc, char **argv)
{
	static const struct program prog = {
		.name = "intake", .routes = routes, .nroutes = NELEM(routes),
		.open = intake_page_open, .close = intake_page_close,
		.open_at_start = true, .local_free = intake_page_local_free,
	};

	return serve(&prog, argc, argv);
}
