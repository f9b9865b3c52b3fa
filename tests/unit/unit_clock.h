/*
 * unit_clock - a time of day that a test sets.
 *
 * The code under test is linked to this in place of the C library's.  To be
 * included by one file of a test.
 */
#ifndef TESTS_UNIT_CLOCK_H
#define TESTS_UNIT_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What the time of day is ahead of the kernel's. */
static _Atomic int64_t ahead_ms;

int clock_gettime(clockid_t id, struct timespec *ts);

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);
	int64_t ms = id == CLOCK_REALTIME ? atomic_load(&ahead_ms) : 0;

	ts->tv_sec += ms / 1000;
	ts->tv_nsec += ms % 1000 * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
	return r;
}

#endif
