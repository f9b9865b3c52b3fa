/*
 * conf - skycap.conf: where it is, what it says, what holds when it is silent.
 *
 * INI read by inih.  A section may appear twice; of a name given twice the
 * last holds; an unknown section or name is an error that names the nearest.
 * Sizes take K, M and G (1024), durations are plain numbers in the unit of the
 * field's name.  Relative paths are relative to the file's directory.  It does
 * not look whether what a path names is there.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/buf.h"

#define CONF_PATH_MAX 1024	/* bytes of a path in the file with its NUL */

enum conf_kick { CONF_KICK_AUTO, CONF_KICK_SOCKET, CONF_KICK_SPAWN,
	CONF_KICK_NONE };

struct conf {
	char	path[CONF_PATH_MAX];		/* the file itself, absolute */

	/* [site] */
	char	site_url[512];			/* "" unless set; no final / */
	char	site_prefix[256];
	char	site_timezone[64];		/* "UTC" */
	char	site_data[CONF_PATH_MAX];	/* templates, catalog.json */

	/* [intake] */
	int64_t	intake_threads;			/* 32 */
	int64_t	intake_body_max;		/* bytes, 1 MiB */
	int64_t	intake_batch_max;		/* bytes, 16 MiB */
	int64_t	intake_remember_days;		/* `remember`, 7 */
	enum conf_kick intake_kick;		/* auto */

	/* [sweep] */
	int64_t	sweep_budget_s;			/* `budget`, 25 */
	int64_t	sweep_slots;			/* 256, at most 4096 */

	/* [store] */
	char	store_dir[CONF_PATH_MAX];	/* "store" beside the file */
	char	store_key[CONF_PATH_MAX];	/* "key" beside the file */
	int64_t	store_cache;			/* bytes; 0 is auto */
	int64_t	store_low_space;		/* bytes; 0: the store's own
						   reckoning */

	/* [retention] */
	int64_t	retention_bodies_days;		/* 30 */
	int64_t	retention_rows_days;		/* 90 */
	int64_t	retention_held_days;		/* 30 */

	/* [limits] */
	int64_t	limits_pending;	/* `pending_per_subscription`, 1,000,000 */

	/* [guard]: words separated by spaces or commas */
	char	guard_allow[2048];		/* CIDRs; "" */
	char	guard_ports[512];		/* "" is the default set */

	/* [tls] */
	char	tls_ca[CONF_PATH_MAX];		/* "" looks in known places */

	/* [mail] */
	char	mail_url[512];			/* "" is no mail */
	char	mail_user[256];
	char	mail_password_file[CONF_PATH_MAX];
	char	mail_from[256];
	int64_t	mail_connections;		/* 4 */

	/* [log] */
	char	log_to[CONF_PATH_MAX];		/* "" is standard error */
	bool	log_json;			/* `format = json`, else text */
};

/*
 * Read path into *c, every field set; bytes of a text behind its NUL are 0.
 *   RC_NOTFOUND  there is no such file
 *   RC_DENIED    it may not be read
 *   RC_INVALID   why says line, name and what would be right
 *   RC_IO        it could not be read
 * On any error *c is unchanged.
 */
MUST_USE enum rc conf_load(struct conf *c, const char *path,
    struct buf *why);

/*
 * Find the configuration file: flag (--conf), else the environment's
 * SKYCAP_CONF, else param (the first request's SKYCAP_CONF), else the one-line
 * file skycap.where beside the program, else the built-in
 * SYSCONFDIR/skycap.conf.  flag and param may be NULL; an empty one counts as
 * absent.  A relative path in skycap.where is relative to the program.  Appends
 * the path.
 */
void conf_find(const char *flag, const char *param, struct buf *path);

/*
 * Append every name with the value that holds, as a configuration file: read
 * back, it gives the same values.
 */
void conf_print(const struct conf *c, struct buf *out);

/* The same as one JSON object of sections; numbers are numbers, sizes bytes. */
void conf_print_json(const struct conf *c, struct buf *out);

#endif
