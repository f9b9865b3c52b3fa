#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"
#include "web/request.h"
#include "web/route.h"
#include "web/serve_run.h"

#define REOPEN_MS	1000
#define KEEP_MAX	(64 * 1024)	/* larger buffers are given back */
#define WHY_MAX		1024

bool
run_opens_unasked(const struct run *run)
{
	const char *env = getenv("SKYCAP_CONF");

	return run->program->open_at_start && (run->conf_flag != NULL ||
	    (env != NULL && *env != '\0'));
}

/* The parameter of that name, or NULL. */
static const char *
param(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static enum rc
open_now(struct run *run, char *const *env, struct buf *why)
{
	const struct program *p = run->program;
	struct buf path = BUF_INIT(CONF_PATH_MAX);
	void *app = NULL;
	enum rc rc;

	conf_find(run->conf_flag, param(env, "SKYCAP_CONF"), &path);
	if (path.over) {
		buf_puts(why, "the configuration's path is too long");
		rc = RC_INVALID;
		goto done;
	}
	rc = conf_load(&run->conf, buf_str(&path), why);
	if (rc != RC_OK)
		goto done;
	rc = store_become_owner(run->conf.store_dir, why);
	if (rc != RC_OK)
		goto done;
	/* Not before: the log must belong to the owner too. */
	if (log_init(p->name, run->conf.log_to[0] == '\0' ? NULL :
	    run->conf.log_to, run->conf.log_json) != RC_OK)
		log_warn("%s can't be written, logging to standard error",
		    run->conf.log_to);
	rc = p->open(&run->conf, run->standing, &app, why);
	if (rc != RC_OK)
		goto done;
	pthread_mutex_lock(&run->lock);
	run->app = app;
	run->open = true;
	pthread_mutex_unlock(&run->lock);
done:
	buf_free(&path);
	return rc;
}

enum rc
run_open(struct run *run, char *const *env)
{
	struct buf why = BUF_INIT(WHY_MAX);
	enum rc rc;

	if (run->open)
		return RC_OK;
	if (clock_mono_ms() < run->again_ms)
		return RC_RETRY;
	rc = open_now(run, env, &why);
	if (rc != RC_OK) {
		log_error("can't open: %s", why.len > 0 ? buf_str(&why) :
		    rc_name(rc));
		run->again_ms = clock_mono_ms() + REOPEN_MS;
		run->denied = rc == RC_DENIED;
	} else {
		pthread_mutex_lock(&run->lock);
		if (run->stopping && run->program->stopping != NULL) {
			run->told = true;
			run->program->stopping(run->app);
		}
		pthread_mutex_unlock(&run->lock);
	}
	buf_free(&why);
	return rc;
}

void
run_tell_stop(struct run *run)
{
	pthread_mutex_lock(&run->lock);
	run->stopping = true;
	if (run->open && !run->told && run->program->stopping != NULL) {
		run->told = true;
		run->program->stopping(run->app);
	}
	pthread_mutex_unlock(&run->lock);
}

void
run_close(struct run *run)
{
	if (run->open && run->program->close != NULL)
		run->program->close(run->app);
	run->open = false;
}

/* "GET, HEAD, POST" */
static void
allow_header(struct resp *rs, unsigned methods)
{
	resp_header(rs, "Allow", (methods & M_GET) == 0 ? "POST" :
	    (methods & M_POST) == 0 ? "GET, HEAD" : "GET, HEAD, POST");
}

static void
dispatch(struct run *run, struct req *rq, struct resp *rs)
{
	const struct route *r;
	unsigned allow = 0;

	r = route_find(run->program, rq->path, rq->method, rq->param, &allow);
	if (r != NULL) {
		r->handler(run->app, rq, rs);
	} else if (allow == 0) {
		resp_problem(rs, 404, "There is nothing at this path.");
	} else {
		resp_problem(rs, 405, "This path does not take that method.");
		allow_header(rs, allow);
	}
}

size_t
run_answer(struct run *run, struct desk *d, struct req_source *src)
{
	bool ready = run_open(run, src->env) == RC_OK;

	resp_reset(&d->rs);
	buf_clear(&d->out);
	if (d->scratch.cap > KEEP_MAX)
		buf_free(&d->scratch);
	buf_clear(&d->scratch);
	d->scratch.max = 0;
	request_read(&d->rq, src, run->program,
	    ready ? run->conf.site_prefix : "");
	d->rq.scratch = &d->scratch;
	d->rq.local = &d->local;
	if (ready)
		dispatch(run, &d->rq, &d->rs);
	else
		resp_problem(&d->rs, 503, "The service is not ready; nothing "
		    "was kept.");
	return resp_print(&d->rs, d->rq.head, &d->out);
}

void
desk_init(struct desk *d)
{
	*d = (struct desk){ .rs = RESP_INIT, .scratch = BUF_INIT(0),
	    .out = BUF_INIT(2 * RESP_HEAD_MAX) };
}

void
desk_clear(struct desk *d, const struct program *p)
{
	if (d->local != NULL && p->local_free != NULL)
		p->local_free(d->local);
	d->local = NULL;
	resp_clear(&d->rs);
	buf_free(&d->scratch);
	buf_free(&d->out);
}

void
serve_stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);	/* Apache: end when it suits */
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

static void
say_what_it_is(FILE *to, const char *name)
{
	fprintf(to, "%s, a program of Skycap " PACKAGE_VERSION ".\n"
	    "A web server runs it, as FastCGI or CGI; from a shell use the "
	    "command skycap.\n"
	    "usage, by the web server: %s.fcgi [--conf FILE]\n", name, name);
}

/*
 * Arguments of a FastCGI program or at a terminal.  RC_OK: go on; RC_EXISTS:
 * what was asked for has been printed; RC_INVALID: wrong usage.
 */
static enum rc
arguments(struct run *run, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			say_what_it_is(stdout, run->program->name);
			return RC_EXISTS;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("skycap %s " PACKAGE_VERSION "\n",
			    run->program->name);
			return RC_EXISTS;
		}
		if (strncmp(argv[i], "--conf=", 7) == 0) {
			run->conf_flag = argv[i] + 7;
		} else if (strcmp(argv[i], "--conf") == 0 && i + 1 < argc) {
			run->conf_flag = argv[++i];
		} else {
			fprintf(stderr, "%s: unknown argument %s\n",
			    run->program->name, argv[i]);
			return RC_INVALID;
		}
	}
	return RC_OK;
}

int
serve(const struct program *p, int argc, char **argv)
{
	struct run run = { .program = p, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t stop;
	enum rc rc;

	if (log_init(p->name, NULL, false) != RC_OK)
		return 1;
	/* Before FCGX_Init (FCGX_IsCGI calls it), which would otherwise take
	   SIGUSR1 for itself. */
	serve_stop_signals(&stop);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	run.standing = !FCGX_IsCGI();
	if (!run.standing && (getenv("GATEWAY_INTERFACE") != NULL ||
	    getenv("REQUEST_METHOD") != NULL))
		return serve_cgi(&run);
	rc = arguments(&run, argc, argv);
	if (rc == RC_EXISTS)
		return 0;
	if (rc != RC_OK || !run.standing) {
		say_what_it_is(stderr, p->name);
		return 2;
	}
	return serve_fcgi(&run);
}
