/*
 * serve - the life of a program behind a web server, as FastCGI or plain CGI.
 *
 * Finds the configuration, becomes the store's owner, takes requests on worker
 * threads that start as requests overlap, routes them by a table, and ends in
 * order: on SIGTERM or SIGUSR1, when its parent is gone, or when the installed
 * binary is no longer its own.  It knows nothing of events or pages.  This
 * file and its .c are the sole users of libfcgi.  DESIGN §1 says what was
 * learnt about each web server.
 */
#ifndef WEB_SERVE_H
#define WEB_SERVE_H

#include "base/conf.h"
#include "web/http.h"

#define M_GET	1u		/* HEAD is answered like GET, without a body */
#define M_POST	2u

struct route {
	unsigned	 methods;
	const char	*path;		/* "/events/:id"; ":x" takes a segment */
	void		(*handler)(void *app, struct req *rq, struct resp *rs);
};

struct program {
	const char	*name;		/* "intake" */
	const struct route *routes;
	size_t		 nroutes;

	/*
	 * Called once, after the configuration was read and the owner was
	 * taken on: open the store, start threads.  standing is false for plain
	 * CGI.  Not RC_OK: the request gets 503 and why is logged; it is tried
	 * again at the next request, at most once a second.
	 */
	enum rc		(*open)(const struct conf *conf, bool standing,
			    void **app, struct buf *why);

	/* Called once when the program ends, after all workers were joined. */
	void		(*close)(void *app);

	/* With stop true: finish soon.  May be NULL.  Called from the thread
	   that takes the signals. */
	void		(*stopping)(void *app);

	bool		 open_at_start;	/* open as soon as the configuration
					   is known, not at the first request */
};

/* The whole of main(): returns its exit status. */
MUST_USE int serve(const struct program *p, int argc, char **argv);

#endif
