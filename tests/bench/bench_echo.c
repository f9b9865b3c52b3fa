/*
 * bench_echo - what libfcgi alone can do: reads the body, answers 202.
 *
 *   bench_echo [THREADS]
 *
 * The bare limit for intake, behind the same web server.  It uses nothing of
 * the service's own.
 */
#include <fcgiapp.h>
#include <pthread.h>
#include "bench.h"

#define THREADS		32
#define ANSWER	"Status: 202 Accepted\r\nContent-Type: application/json\r\n" \
	"Content-Length: 64\r\n\r\n" \
	"{\"id\":\"evt_0000000000000000000000\",\"deliveries\":1," \
	"\"duplicate\":0}"

static void *
work(void *arg)
{
	char body[65536];
	FCGX_Request rq;

	(void)arg;
	if (FCGX_InitRequest(&rq, 0, 0) != 0)
		bench_die("FCGX_InitRequest");
	while (FCGX_Accept_r(&rq) == 0) {
		while (FCGX_GetStr(body, sizeof body, rq.in) > 0)
			;
		FCGX_PutStr(ANSWER, sizeof ANSWER - 1, rq.out);
		FCGX_Finish_r(&rq);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	int64_t threads = argc > 1 ? bench_number("THREADS", argv[1], 1, 256) :
	    THREADS;
	pthread_t id;

	if (FCGX_Init() != 0)
		bench_die("FCGX_Init");
	for (int64_t i = 1; i < threads; i++)
		if (pthread_create(&id, NULL, work, NULL) != 0)
			bench_die("pthread_create");
	work(NULL);
	return 0;
}
