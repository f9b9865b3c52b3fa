/*
 * user - people who log in with a password.
 *
 * A user's record is {"login","kind","password":argon2id}.  Until sessions
 * come, the operator alone, by HTTP Basic.  Checking costs some 20 ms and
 * 19 MiB, one at a time; callers throttle first.
 */
#ifndef WORK_USER_H
#define WORK_USER_H

#include "work/config.h"

/*
 * Make an operator with a fresh password, written to password (20 characters
 * and a NUL; wiped by the caller).
 *   RC_EXISTS   there is a user of that login
 *   RC_INVALID  the login is empty, over 120 bytes, not UTF-8 or has a colon
 *   RC_TOOBIG   size has no room
 */
MUST_USE enum rc user_add(const struct config *cf, const char *login,
    char *password, size_t size, struct buf *why);

/*
 * RC_DENIED: no such user, or not the password (which of both is not told,
 * nor by the time it takes).
 */
MUST_USE enum rc user_check(const struct config *cf, struct slice login,
    struct slice password);

#endif
