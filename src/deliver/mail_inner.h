/*
 * mail_inner - one connection's thread, as channel_mail's files share it.
 *
 * Private to channel_mail.c, which hands requests out and results back,
 * mail_worker.c, the thread, mail_easy.c, which makes a request curl's and
 * listens to the dialogue, mail_talk.c, which understands it, and
 * mail_result.c, which says what came of it.
 *
 * A request has one or more *tries*, as a webhook has (webhook_transfer.h).
 *
 * Measured with libcurl 7.88.1, on a multi handle as on an easy one:
 * - It waits for the answer to the end of a message inside the call that sent
 *   it: a server that takes 2 s stops all other mails on the handle for 2 s.
 *   Hence a thread and a handle for each connection.
 * - A handle that is removed or fails while it sends a message may have its
 *   message *ended* properly: half a mail arrives as a whole one.  Hence a
 *   request is cancelled by shutting its socket down, never by removal.
 * - It waits up to 120 s for the answer to QUIT.  Once QUIT was written it is
 *   enough to shut the socket down, the wait ends at once.  Where libcurl does
 *   not say that it writes QUIT (it closes kept connections by a handle of its
 *   own), the socket's receiving side is shut down before: QUIT still goes out,
 *   under TLS too, and the wait finds the end.
 */
#ifndef DELIVER_MAIL_INNER_H
#define DELIVER_MAIL_INNER_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include "deliver/channel_mail.h"
#include "deliver/tls.h"

#define MAIL_SOCKETS	4	/* of a connection that is being made */
#define MAIL_SAID_MAX	1024	/* of what was sent to log in */

/* How far a try has come: what the server was last asked. */
enum mail_step { MAIL_NAMING, MAIL_CONNECTING, MAIL_AGREEING, MAIL_GREETING,
	MAIL_HELLO, MAIL_STARTTLS, MAIL_LOGIN, MAIL_SENDER, MAIL_RECIPIENT,
	MAIL_ASKING, MAIL_SENDING, MAIL_ENDING };

/* A try's dialogue. */
struct mail_talk {
	enum mail_step	 step;
	int		 code;		/* the answer to it; 0: none yet */
	bool		 partial;	/* a line of an answer that goes on */
	bool		 heard;		/* anything at all */
	bool		 logged_in;	/* it was tried */
	bool		 quit;		/* it is over */
	bool		 garbage;	/* what came is not SMTP */
	size_t		 seen;		/* bytes that came */
	int64_t		 first_us;	/* when the first came */
	int64_t		 agrees_us, agreed_us;	/* TLS; 0 */
	uint64_t	 reply_len;	/* of the last answer, kept or not */
	struct buf	 head, body;	/* as channel_result has them */
	struct buf	 said;		/* to log in: not to be seen */
};

struct mail_job {
	struct mail_job	*next;
	char		*text;		/* from, NUL, to, NUL, the message */
	const char	*from, *to;
	struct slice	 message;
	int64_t		 timeout_ms;
	channel_done	*done;
	void		*arg;
	struct buf	 head, body;	/* the result's */
	struct channel_result r;
};

struct mail_jobs {
	struct mail_job	*first, *last;
};

/* A connection; its thread's own but for what the lock guards. */
struct mail_worker {
	struct mail	*m;
	pthread_t	 thread;
	struct resolve	*resolve;	/* NULL until a name is asked for */
	CURL		*easy;		/* NULL: nothing is kept */
	char		 error[CURL_ERROR_SIZE];

	/* guarded by the lock */
	pthread_cond_t	 wake;
	struct mail_worker *next_idle;
	struct mail_job	*job;
	bool		 cancelled;	/* job is nobody's any more */
	int		 fd[MAIL_SOCKETS];
	size_t		 nfd;

	/* the request */
	size_t		 sent;		/* bytes of the message */
	int64_t		 begun_us, tried_us;
	uint32_t	 dns_us;
	int		 dns_error;	/* EAI_*, 0 */
	struct buf	 pair;		/* as CURLOPT_RESOLVE has it */
	struct curl_slist pair_line, to_line;
	bool		 named;		/* its addresses have been given */
	bool		 fresh;		/* a new connection is wanted */

	/* the try */
	bool		 asks;		/* it ends: it needs a name */
	bool		 dialled;	/* a new connection was made */
	bool		 opened;	/* a socket, at least one */
	bool		 mute;		/* there is no way to log in */
	int		 os_error;	/* why no socket could be had */
	struct mail_talk talk;
};

struct mail {
	/* as made */
	char		*url, *user, *password;
	char		 host[RESOLVE_HOST_MAX];
	long		 port;
	bool		 local;		/* the machine itself, and smtp:// */
	struct tls_trust trust;
	resolve_find	*find;
	int		 event;		/* eventfd: something is done */
	uint32_t	 max;		/* of workers */

	pthread_mutex_t	 lock;		/* of all below */
	bool		 stopping;
	struct mail_jobs queue, done;
	struct mail_worker *idle;	/* the last to become so first */
	struct mail_worker **worker;
	uint32_t	 nworker;
	uint32_t	 n;		/* requests under way */
};

/* channel_mail.c, with the lock.  mail_ended: the result stands in it. */
struct mail_job *mail_pop(struct mail_jobs *js);
void mail_ended(struct mail *m, struct mail_job *j);
void mail_job_free(struct mail_job *j);

/* mail_url.c: url, host, port and local from the option's. */
enum rc mail_read_url(struct mail *m, const char *url, struct buf *why);

/* mail_worker.c: the thread, and ending what its sockets wait for. */
void *mail_worker_main(void *arg);
void mail_shut(struct mail_worker *w, int how);		/* with the lock */
bool mail_is_cancelled(struct mail_worker *w);

/*
 * mail_easy.c: what is the same for all requests of a handle, and one try of
 * one.  False: out of memory.
 */
bool mail_set_up(struct mail_worker *w);
void mail_set_try(struct mail_worker *w, const struct mail_job *j);
void mail_set_name(struct mail_worker *w, const char *addresses);
int64_t mail_left_ms(const struct mail_worker *w, const struct mail_job *j);

/* mail_talk.c: what was said and heard, line by line. */
void mail_talk_reset(struct mail_talk *t);
void mail_talk_out(struct mail_talk *t, struct slice line);
bool mail_talk_in(struct mail_talk *t, struct slice line);	/* go on */

/* mail_result.c: what came of the last try, before the next. */
void mail_result(const struct mail_worker *w, CURLcode code,
    struct mail_job *j);
bool mail_is_stale(const struct mail_worker *w, CURLcode code);

#endif
