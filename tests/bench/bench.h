/*
 * bench - what the benches' programs share: events, HTTP, figures, options.
 *
 * Each of them is a small program of its own that prints one JSON object and
 * is driven by bench.py.  Nothing here is part of the service.  An event made
 * here names its number and the moment it was to be posted in its agwID, and
 * the tasks that bench.py sets up repeat that in what they send: so whoever
 * gets the message knows which one it is and how long it took.  Times are
 * microseconds of the monotonic clock, which all processes of a machine share.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <sys/types.h>
#include "base/buf.h"

#define BENCH_EVENT_MAX	1024	/* bytes of one event, with room */
#define BENCH_NUMBER_MAX (1u << 22)	/* of an event, below */
#define BENCH_LANES_MAX	1000

/*
 * Append one event of type OrderTicketed, some 650 bytes with an order of 560,
 * five references and a sender id.  lane, below BENCH_LANES_MAX, is in its
 * field agency ("A017"); salt tells the sender ids of one run from another's.
 */
void bench_event(struct buf *out, uint32_t number, int64_t at_us,
    uint32_t lane, uint64_t salt);

/* Just what its order's agwID is: "AGW-0000000017-000001234567890". */
void bench_name(struct buf *out, uint32_t number, int64_t at_us);

/* Find such a name in a message.  False: there is none. */
bool bench_name_find(struct slice s, uint32_t *number, int64_t *at_us);

/* One message of HTTP/1.1, either way. */
struct bench_http {
	struct slice	head, body;	/* a chunked body as it stands */
	int		status;		/* of an answer; 0 for a request */
	bool		close;		/* the sender will close */
};

/*
 * The message that in begins with; its length.
 *   0   it is not all there yet
 *   -1  it is no HTTP that this can read
 */
ssize_t bench_http_read(struct slice in, struct bench_http *m);

/* Durations, kept to within 2 %. */
#define BENCH_CELLS	2368

struct bench_times {
	uint64_t cell[BENCH_CELLS];
	uint64_t n;
	int64_t	 max_us;
};

void bench_times_add(struct bench_times *t, int64_t us);

/* The duration that a share of them, in thousandths, do not pass; 0: none. */
int64_t bench_times_at(const struct bench_times *t, uint32_t per_mille);

/* Append "\"p50_us\":1,\"p99_us\":2,\"max_us\":3". */
void bench_times_print(const struct bench_times *t, struct buf *out);

/* Seconds of processor time that this process has used. */
double bench_cpu_s(void);

/* An option's number; anything else ends the program with status 2. */
int64_t bench_number(const char *option, const char *text, int64_t min,
    int64_t max);

/* A TCP connection to, or a listener on, a port of 127.0.0.1 (0: any). */
int bench_connect(uint16_t port);
int bench_listen(uint16_t *port);

/* A call that can't fail here has: say so and end with status 1. */
void bench_die(const char *what) __attribute__((noreturn));

#endif
