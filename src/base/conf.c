#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/conf.h"
#include "base/conf_names.h"
#include "base/log.h"

#define MEMBER(m)	offsetof(struct conf, m), sizeof(((struct conf *)0)->m)

const struct conf_name conf_names[CONF_NAMES] = {
	{ "site", "url", CONF_WEB_URL, MEMBER(site_url), 0, 0, "" },
	{ "site", "prefix", CONF_PREFIX, MEMBER(site_prefix), 0, 0, "" },
	{ "site", "timezone", CONF_ZONE, MEMBER(site_timezone), 0, 0, "UTC" },
	{ "site", "data", CONF_PATH_NEEDED, MEMBER(site_data), 0, 0,
	    PKGDATADIR },
	{ "intake", "threads", CONF_NUMBER, MEMBER(intake_threads), 1, 1024,
	    "32" },
	{ "intake", "body_max", CONF_SIZE, MEMBER(intake_body_max), CONF_KIB,
	    256 * CONF_MIB, "1M" },
	{ "intake", "batch_max", CONF_SIZE, MEMBER(intake_batch_max), CONF_KIB,
	    CONF_GIB, "16M" },
	{ "intake", "remember", CONF_NUMBER, MEMBER(intake_remember_days), 1,
	    3650, "7" },
	{ "intake", "kick", CONF_KICK, MEMBER(intake_kick), 0, 0, "auto" },
	{ "sweep", "budget", CONF_NUMBER, MEMBER(sweep_budget_s), 1, 86400,
	    "25" },
	{ "sweep", "slots", CONF_NUMBER, MEMBER(sweep_slots), 1, 4096, "256" },
	{ "store", "dir", CONF_PATH_NEEDED, MEMBER(store_dir), 0, 0, "store" },
	{ "store", "key", CONF_PATH_NEEDED, MEMBER(store_key), 0, 0, "key" },
	{ "store", "cache", CONF_SIZE_AUTO, MEMBER(store_cache), CONF_MIB,
	    1024 * CONF_GIB, "auto" },
	{ "store", "low_space", CONF_SIZE_AUTO, MEMBER(store_low_space),
	    CONF_MIB, 1024 * CONF_GIB, "auto" },
	{ "retention", "bodies_days", CONF_NUMBER,
	    MEMBER(retention_bodies_days), 1, 36500, "30" },
	{ "retention", "rows_days", CONF_NUMBER, MEMBER(retention_rows_days),
	    1, 36500, "90" },
	{ "retention", "held_days", CONF_NUMBER, MEMBER(retention_held_days),
	    1, 36500, "30" },
	{ "limits", "pending_per_subscription", CONF_NUMBER,
	    MEMBER(limits_pending), 1, 1000000000, "1000000" },
	{ "guard", "allow", CONF_TEXT, MEMBER(guard_allow), 0, 0, "" },
	{ "guard", "ports", CONF_TEXT, MEMBER(guard_ports), 0, 0, "" },
	{ "tls", "ca", CONF_PATH, MEMBER(tls_ca), 0, 0, "" },
	{ "mail", "url", CONF_MAIL_URL, MEMBER(mail_url), 0, 0, "" },
	{ "mail", "user", CONF_TEXT, MEMBER(mail_user), 0, 0, "" },
	{ "mail", "password_file", CONF_PATH, MEMBER(mail_password_file), 0, 0,
	    "" },
	{ "mail", "from", CONF_TEXT, MEMBER(mail_from), 0, 0, "" },
	{ "mail", "connections", CONF_NUMBER, MEMBER(mail_connections), 1, 64,
	    "4" },
	{ "log", "to", CONF_PATH, MEMBER(log_to), 0, 0, "" },
	{ "log", "format", CONF_FORMAT, MEMBER(log_json), 0, 0, "text" },
};

const char *const conf_kick_words[] = { "auto", "socket", "spawn", "none" };
const char *const conf_format_words[] = { "text", "json" };

/*
 * Append the path that skycap.where beside the program names, if there is one.
 * A relative one is relative to the program's directory.
 */
static bool
find_beside_program(struct buf *path)
{
	char file[CONF_PATH_MAX], text[CONF_PATH_MAX + 1];
	size_t dir_len, len;
	ssize_t n;
	int fd;

	n = readlink("/proc/self/exe", file, sizeof file);
	if (n <= 0 || (size_t)n >= sizeof file)
		return false;
	file[n] = '\0';
	dir_len = (size_t)(strrchr(file, '/') - file) + 1;
	if (dir_len + sizeof "skycap.where" > sizeof file)
		return false;
	memcpy(file + dir_len, "skycap.where", sizeof "skycap.where");
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1) {
		if (errno != ENOENT)
			log_warn("%s: %s", file, strerror(errno));
		return false;
	}
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	len = strcspn(text, "\r\n");
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (len == 0 || len >= CONF_PATH_MAX) {
		log_warn("%s does not hold one line, a path", file);
		return false;
	}
	if (text[0] != '/')
		buf_put(path, file, dir_len);
	buf_put(path, text, len);
	return true;
}

void
conf_find(const char *flag, const char *param, struct buf *path)
{
	const char *env = getenv("SKYCAP_CONF");
	const char *const said[] = { flag, env, param };

	for (size_t i = 0; i < NELEM(said); i++)
		if (said[i] != NULL && *said[i] != '\0') {
			buf_puts(path, said[i]);
			return;
		}
	if (!find_beside_program(path))
		buf_puts(path, SYSCONFDIR "/skycap.conf");
}
