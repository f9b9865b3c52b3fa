#include <errno.h>
#include <unistd.h>
#include "base/clock.h"
#include "web/serve_run.h"

#define SETTLE_MS	2000	/* spawn-fcgi leaves its children to init */

void
life_init(struct life *l)
{
	ssize_t n;

	l->start_ms = clock_mono_ms();
	atomic_init(&l->parent, 0);
	/* The link's text is only where the file was; its inode is what runs,
	   also when it was replaced between exec and here. */
	n = readlink("/proc/self/exe", l->exe, sizeof l->exe - 1);
	if (n == -1 || stat("/proc/self/exe", &l->own) == -1)
		n = 0;
	l->exe[n] = '\0';
}

void
life_met(struct life *l)
{
	int none = 0;

	if (atomic_load_explicit(&l->parent, memory_order_relaxed) == 0)
		atomic_compare_exchange_strong(&l->parent, &none,
		    (int)getppid());
}

/* Only what is surely another file counts; a directory that may no longer be
   searched says nothing. */
static bool
is_replaced(const struct life *l)
{
	struct stat now;

	if (l->exe[0] == '\0')
		return false;
	if (stat(l->exe, &now) == -1)
		return errno == ENOENT || errno == ENOTDIR;
	return now.st_dev != l->own.st_dev || now.st_ino != l->own.st_ino ||
	    now.st_size != l->own.st_size ||
	    now.st_mtim.tv_sec != l->own.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != l->own.st_mtim.tv_nsec;
}

bool
life_orphan(const struct life *l)
{
	int parent = atomic_load(&l->parent);

	return parent != 0 && parent != (int)getppid();
}

const char *
life_over(struct life *l)
{
	if (clock_mono_ms() - l->start_ms >= SETTLE_MS)
		life_met(l);
	if (life_orphan(l))
		return "the process that started it is gone";
	if (is_replaced(l))
		return "its binary was replaced";
	return NULL;
}
