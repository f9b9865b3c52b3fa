/*
 * conf_names - the table of every name in skycap.conf, for conf*.c alone.
 *
 * A row is all there is to know of a name: where it stands, what it may be,
 * which member of struct conf it sets, and what holds if the file is silent,
 * written as the file would.  To add a name is to add a row and a member.
 */
#ifndef BASE_CONF_NAMES_H
#define BASE_CONF_NAMES_H

#include "base/conf.h"

#define CONF_KIB	1024LL
#define CONF_MIB	(1024 * CONF_KIB)
#define CONF_GIB	(1024 * CONF_MIB)

enum conf_kind {
	CONF_TEXT,
	CONF_WEB_URL, CONF_MAIL_URL,	/* or empty */
	CONF_PREFIX,			/* a URL's path, or empty */
	CONF_ZONE,
	CONF_PATH,			/* or empty */
	CONF_PATH_NEEDED,
	CONF_NUMBER,
	CONF_SIZE,
	CONF_SIZE_AUTO,			/* or the word auto, kept as 0 */
	CONF_KICK, CONF_FORMAT,
};

struct conf_name {
	const char	*section, *name;
	enum conf_kind	 kind;
	size_t		 off, size;	/* of the member */
	int64_t		 min, max;	/* of numbers and sizes */
	const char	*silent;	/* what holds if the file is silent */
};

#define CONF_NAMES	29

/* By section. */
extern const struct conf_name conf_names[CONF_NAMES];

/* The words of CONF_KICK by enum conf_kick, of CONF_FORMAT by log_json. */
extern const char *const conf_kick_words[4];
extern const char *const conf_format_words[2];

/*
 * Set a name's member from its text; dir is what relative paths are relative
 * to, "" being the root.
 *   RC_INVALID  it is not what conf_expected says
 *   RC_TOOBIG   it is longer than size - 1 bytes
 */
MUST_USE enum rc conf_set(struct conf *c, const char *dir,
    const struct conf_name *n, const char *text);

/* Append what would be right for a name: "a whole number from 1 to 64". */
void conf_expected(const struct conf_name *n, struct buf *out);

/* Append a size as the file would say it: 16M for 16777216. */
void conf_put_size(struct buf *out, int64_t v);

#endif
