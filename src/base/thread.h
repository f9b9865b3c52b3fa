/*
 * thread - threads that leave signals alone, and conditions that wait by the
 * clock that nobody sets.
 *
 * A program's signals are taken by one thread of its own (DESIGN §1), so every
 * other one is started here, with all of them blocked: no signal interrupts
 * it, and a broken pipe is an error of one connection.  How a thread ends is
 * its owner's.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* 0, or what errno would say: no thread could be started. */
int thread_start(pthread_t *t, void *(*fn)(void *), void *arg);

/* A condition whose timedwait goes by clock_mono_ms. */
void thread_cond_init(pthread_cond_t *c);

#endif
