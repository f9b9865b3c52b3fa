/*
 * unit_store - a store of its own for a test, in a temporary directory.
 */
#ifndef TESTS_UNIT_STORE_H
#define TESTS_UNIT_STORE_H

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "store/store.h"
#include "unit.h"

struct place {
	char			dir[512];	/* temporary */
	char			store[600];	/* the store in it */
	struct crypt		crypt;
	struct store_options	opt;
};

static int
place_unlink(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Make an empty store; it is not open. */
static inline void
place_make(struct place *p)
{
	struct buf why = BUF_INIT(1024);
	const char *tmp = getenv("TMPDIR");
	enum rc rc;

	memset(p, 0, sizeof *p);
	snprintf(p->dir, sizeof p->dir, "%s/skycap-unit.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->store, sizeof p->store, "%s/store", p->dir);
	memset(&p->crypt, 7, sizeof p->crypt);
	p->opt = (struct store_options){ .dir = p->store, .crypt = &p->crypt,
	    .cache_bytes = 8 << 20, .low_space = 1 };
	rc = store_create(&p->opt, &why);
	want_rc(rc, RC_OK, "store_create: %s", buf_str(&why));
	buf_free(&why);
}

static inline struct store *
place_open(struct place *p, bool standing)
{
	struct buf why = BUF_INIT(1024);
	struct store *st = NULL;
	enum rc rc;

	p->opt.standing = standing;
	rc = store_open(&st, &p->opt, &why);
	want_rc(rc, RC_OK, "store_open: %s", buf_str(&why));
	buf_free(&why);
	return st;
}

static inline void
place_remove(struct place *p)
{
	nftw(p->dir, place_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* A child with a store of its own; its exit status, or minus a signal. */
static inline int
place_child(struct place *p, int (*fn)(struct place *p))
{
	pid_t pid = fork();
	int status;

	assert_true(pid != -1);
	if (pid == 0)
		_exit(fn(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* A test that gets a place with an empty store, not open. */
#define PLACE_TEST(f)	cmocka_unit_test_setup_teardown(f, place_setup, \
	place_teardown)

static inline int
place_setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	place_make(p);
	*state = p;
	return 0;
}

static inline int
place_teardown(void **state)
{
	struct place *p = *state;

	place_remove(p);
	free(p);
	return 0;
}

#endif
