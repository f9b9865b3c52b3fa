/*
 * sweep - delivers, and answers cron: GET or POST /sweep, /metrics, /health.
 *
 * Mounted at /sweep itself, so the report is the empty path, too.
 */
#include "ui/sweep_page.h"

static const struct route routes[] = {
	/* method         path        handler */
	{ M_GET | M_POST, "",         sweep_page_report },
	{ M_GET | M_POST, "/",        sweep_page_report },
	{ M_GET | M_POST, "/sweep",   sweep_page_report },
	{ M_GET,          "/metrics", sweep_page_metrics },
	{ M_GET,          "/health",  sweep_page_health },
};

int
main(int argc, char **argv)
{
	static const struct program prog = {
		.name = "sweep", .routes = routes, .nroutes = NELEM(routes),
		.open = sweep_page_open, .close = sweep_page_close,
		.stopping = sweep_page_stopping, .open_at_start = true,
	};

	return serve(&prog, argc, argv);
}
