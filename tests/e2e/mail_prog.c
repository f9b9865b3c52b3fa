/*
 * mail_prog - a program that only sends a mail, for tests of channel_mail
 * against real servers.
 *
 * mail_prog URL USER PASSWORD CA CONNECTIONS TIMEOUT_MS FROM TO...
 *
 * The message is what standard input has.  It goes to each TO as a mail of its
 * own; each result is a line, a JSON object, in the order of their ends, and
 * the last line says how many ms it took to let go of the channel.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/json.h"
#include "deliver/channel_mail.h"

struct sent {
	const char	*to;
	int		*left;
};

static void
put_member(struct buf *out, const char *name, struct slice value)
{
	buf_printf(out, ",\"%s\":", name);
	json_put_string(out, value);
}

static void
tell(void *arg, const struct channel_result *r)
{
	static const char *const fault[] = { "theirs", "ours", "server",
	    "rejected" };
	struct buf out = BUF_INIT(1 << 20);
	struct sent *s = arg;

	buf_printf(&out, "{\"status\":%d,\"tls_us\":%u", r->status, r->tls_us);
	put_member(&out, "to", slice_of(s->to));
	put_member(&out, "word", slice_of(r->word));
	put_member(&out, "fault", slice_of(fault[r->fault]));
	put_member(&out, "sentence", slice_of(r->sentence));
	put_member(&out, "address", slice_of(r->address));
	put_member(&out, "head", r->head);
	put_member(&out, "body", r->body);
	printf("%s}\n", buf_str(&out));
	fflush(stdout);
	buf_free(&out);
	--*s->left;
}

static void
read_all(struct buf *b)
{
	char block[4096];
	size_t n;

	while ((n = fread(block, 1, sizeof block, stdin)) > 0)
		buf_put(b, block, n);
}

int
main(int argc, char **argv)
{
	struct buf why = BUF_INIT(1024), message = BUF_INIT(1 << 24);
	struct mail_options o = { .connections = 1 };
	int left = argc - 8;
	struct sent *sent;
	struct mail *m;
	int64_t begun;

	if (left < 1)
		return 2;
	o.url = argv[1];
	o.user = argv[2];
	o.password = argv[3];
	o.ca = argv[4];
	o.connections = (uint32_t)strtoul(argv[5], NULL, 10);
	read_all(&message);
	sent = calloc((size_t)left, sizeof *sent);
	if (sent == NULL || mail_new(&m, &o, &why) != RC_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		return 1;
	}
	for (int i = 8; i < argc; i++) {
		struct mail_request rq = { .from = argv[7], .to = argv[i],
		    .message = buf_as_slice(&message),
		    .timeout_ms = strtol(argv[6], NULL, 10) };

		sent[i - 8] = (struct sent){ argv[i], &left };
		mail_send(m, &rq, tell, &sent[i - 8]);
	}
	while (left > 0) {
		struct pollfd p = { .fd = mail_fd(m), .events = POLLIN };

		(void)poll(&p, 1, -1);
		mail_work(m);
	}
	begun = clock_mono_ms();
	mail_free(m);
	printf("%lld\n", (long long)(clock_mono_ms() - begun));
	free(sent);
	buf_free(&message);
	buf_free(&why);
	return 0;
}
