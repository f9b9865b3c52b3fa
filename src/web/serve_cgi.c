/*
 * serve_cgi - the one request of a CGI process (RFC 3875): parameters from the
 * environment, body from descriptor 0, answer on descriptor 1.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/log.h"
#include "web/serve_run.h"

#define SILENT_MS	2000	/* a web server that sends nothing more */

extern char **environ;

/* Again after EINTR, and when the descriptor turned out to be non-blocking. */
static bool
again(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return false;
	return poll(&p, 1, -1) != -1 || errno == EINTR;
}

static ssize_t
read_input(struct req_source *src, char *to, size_t len)
{
	ssize_t n;

	(void)src;
	do {
		n = read(STDIN_FILENO, to, len);
	} while (n == -1 && again(STDIN_FILENO, POLLIN));
	return n;
}

/* All of the answer in one call where the pipe takes it.  A reader that went
   away is no failure of ours. */
static void
write_answer(struct slice head, struct slice body)
{
	struct iovec v[2] = {
		{ (void *)(uintptr_t)head.s, head.len },
		{ (void *)(uintptr_t)body.s, body.len },
	};
	ssize_t n;

	while (v[0].iov_len + v[1].iov_len > 0) {
		n = writev(STDOUT_FILENO, v, 2);
		if (n == -1) {
			if (again(STDOUT_FILENO, POLLOUT))
				continue;
			return;
		}
		for (int i = 0; i < 2; i++) {
			size_t gone = (size_t)n < v[i].iov_len ? (size_t)n :
			    v[i].iov_len;

			v[i].iov_base = (char *)v[i].iov_base + gone;
			v[i].iov_len -= gone;
			n -= (ssize_t)gone;
		}
	}
}

/*
 * Apache's mod_cgid gives one socket for body and answer.  Ending while it
 * still has bytes of the body would reset it, and Apache would drop the answer
 * half way; so what nobody wanted is read, until Apache has sent it or has
 * been silent for a while.
 */
static void
drain_socket(void)
{
	char trash[16384];
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	struct stat st;
	ssize_t n = 1;

	if (fstat(STDIN_FILENO, &st) == -1 || !S_ISSOCK(st.st_mode))
		return;
	shutdown(STDOUT_FILENO, SHUT_WR);
	while (n > 0 && poll(&p, 1, SILENT_MS) == 1)
		n = read(STDIN_FILENO, trash, sizeof trash);
}

/* A long request (a sweep) can be told to finish; others just end soon. */
static void *
wait_for_stop(void *arg)
{
	sigset_t stop;
	int sig;

	serve_stop_signals(&stop);
	if (sigwait(&stop, &sig) == 0)
		run_tell_stop(arg);
	return NULL;
}

int
serve_cgi(struct run *run)
{
	struct req_source src = { .env = environ, .read = read_input };
	struct desk d;
	pthread_t taker;
	bool has_taker = false;
	size_t body;

	desk_init(&d);
	if (run->program->stopping != NULL) {
		has_taker = pthread_create(&taker, NULL, wait_for_stop,
		    run) == 0;
		if (!has_taker)
			log_warn("no thread to take signals");
	}
	body = run_answer(run, &d, &src);
	write_answer(buf_as_slice(&d.out), (struct slice){ d.rs.body.s, body });
	drain_socket();
	desk_clear(&d, run->program);
	if (has_taker) {
		pthread_mutex_lock(&run->lock);
		run->told = true;	/* from here it would come too late */
		pthread_mutex_unlock(&run->lock);
		pthread_kill(taker, SIGTERM);
		pthread_join(taker, NULL);
	}
	run_close(run);
	return run->denied ? 2 : 0;
}
