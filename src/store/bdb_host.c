#include <link.h>
#include <stdio.h>
#include <unistd.h>
#include "store/bdb_env.h"

/* A limit of the control group we are in, if it can be read; else INT64_MAX. */
static int64_t
group_limit(void)
{
	static const char *const path[] = {
		"/sys/fs/cgroup/memory.max",
		"/sys/fs/cgroup/memory/memory.limit_in_bytes",
	};
	int64_t limit = INT64_MAX;

	for (size_t i = 0; i < NELEM(path); i++) {
		FILE *f = fopen(path[i], "re");

		if (f == NULL)
			continue;
		if (fscanf(f, "%" SCNd64, &limit) != 1 || limit <= 0)
			limit = INT64_MAX;
		fclose(f);
		break;
	}
	return limit;
}

int64_t
bdb_env_cache_auto(void)
{
	const int64_t mib = 1024 * 1024;
	int64_t pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	int64_t memory = group_limit(), cache;

	if (pages > 0 && size > 0 && pages < memory / size)
		memory = pages * size;
	cache = memory / 20;
	if (cache < 8 * mib)
		return 8 * mib;
	return cache > 256 * mib ? 256 * mib : cache;
}

struct build {
	uintptr_t	 at;	/* an address inside the engine */
	char		*out;
	size_t		 max;
};

/*
 * The GNU build id of the shared object that holds b->at, in hex.  None if the
 * engine is part of the program: then every program would be a build of its
 * own, though all of them share one engine.
 */
static int
find_build(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct build *b = arg;
	const ElfW(Phdr) *note = NULL;
	bool ours = false;

	(void)size;
	if (info->dlpi_name == NULL || info->dlpi_name[0] == '\0')
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && b->at >= from &&
		    b->at < from + p->p_memsz)
			ours = true;
	}
	for (int i = 0; ours && i < info->dlpi_phnum; i++) {
		const char *p, *end;

		note = &info->dlpi_phdr[i];
		if (note->p_type != PT_NOTE)
			continue;
		p = (const char *)(info->dlpi_addr + note->p_vaddr);
		end = p + note->p_memsz;
		while ((size_t)(end - p) >= sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *n = (const void *)p;
			size_t name = (n->n_namesz + 3u) & ~(size_t)3;
			size_t desc = (n->n_descsz + 3u) & ~(size_t)3;
			const unsigned char *id;

			p += sizeof *n;
			if (name + desc > (size_t)(end - p))
				break;
			id = (const unsigned char *)p + name;
			if (n->n_type == NT_GNU_BUILD_ID && name == 4 &&
			    memcmp(p, "GNU", 4) == 0)
				for (size_t j = 0; j < n->n_descsz &&
				    2 * j + 3 <= b->max; j++)
					snprintf(b->out + 2 * j, 3, "%02x",
					    id[j]);
			p += name + desc;
		}
	}
	return ours;
}

void
bdb_env_library(char *out, size_t max)
{
	int n, major, minor, patch;
	struct build b;
	DB_ENV *env;

	db_version(&major, &minor, &patch);
	n = snprintf(out, max, "%d.%d.%d-", major, minor, patch);
	if (n < 0 || (size_t)n >= max || db_env_create(&env, 0) != 0)
		return;
	/*
	 * A method's address lies in the library itself, where a function's
	 * may be a stub of the program's.
	 */
	b = (struct build){ (uintptr_t)env->open, out + n, max - (size_t)n };
	env->close(env, 0);
	dl_iterate_phdr(find_build, &b);
}
