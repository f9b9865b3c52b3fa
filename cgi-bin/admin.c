/*
 * admin - shows the operator how the service stands: GET /, GET /health.
 */
#include "ui/overview_page.h"

static const struct route routes[] = {
	/* method  path        handler */
	{ M_GET,  "/",        overview_page_show },
	{ M_GET,  "/health",  overview_page_health },
};

int
main(int argc, char **argv)
{
	static const struct program prog = {
		.name = "admin", .routes = routes, .nroutes = NELEM(routes),
		.open = overview_page_open, .close = overview_page_close,
	};

	return serve(&prog, argc, argv);
}
