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

struct route {
	unsigned	 methods;
	const char	*path;		/* "/events/:id"; ":x" takes a segment
					   (at most 4); "/" is the program */
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
	 * again at the next request, at most once a second.  conf stays valid
	 * until close has returned.
	 */
	enum rc		(*open)(const struct conf *conf, bool standing,
			    void **app, struct buf *why);

	/* Called once when the program ends, after all workers were joined and
	   whether or not stopping was called; not if open never succeeded. */
	void		(*close)(void *app);

	/* Told to stop: finish soon.  Called once, from another thread than
	   the handlers'.  May be NULL. */
	void		(*stopping)(void *app);

	bool		 open_at_start;	/* open as soon as the configuration
					   is known, not at the first request */

	/* Frees what a handler left in *req.local, from the thread of that
	   worker, before close.  May be NULL. */
	void		(*local_free)(void *local);
};

/*
 * The whole of main(): returns its exit status.  Handlers run on up to
 * [intake] threads workers at once.  While it runs SIGTERM, SIGUSR1, SIGINT
 * and SIGHUP are blocked in every thread and SIGPIPE is ignored: who starts
 * another program sets both right for it first.
 * Arguments are --conf FILE, --help, --version; as plain CGI they are ignored,
 * because there the words of a query arrive as arguments (RFC 3875, 4.4).
 * Status 0 after an orderly end, 1 if the listening socket failed, 2 on wrong
 * usage, from a terminal, or as a user who is not the store's owner.
 */
MUST_USE int serve(const struct program *p, int argc, char **argv);

#endif
