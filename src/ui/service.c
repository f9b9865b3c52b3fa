#include <unistd.h>
#include "ui/service.h"
#include "work/nudge.h"

enum rc
service_open(struct service *s, const struct conf *conf, bool standing,
    struct buf *why)
{
	struct store_options o;
	enum rc rc;

	s->conf = *conf;
	rc = crypt_load(&s->crypt, conf->store_key, why);
	if (rc != RC_OK)
		goto done;
	rc = catalog_open(&s->catalog, conf->site_data, conf->path, why);
	if (rc != RC_OK)
		goto done;
	o = (struct store_options){
		.dir = conf->store_dir,
		.crypt = &s->crypt,
		.cache_bytes = conf->store_cache,
		.low_space = conf->store_low_space,
		.remember_ms = conf->intake_remember_days * 86400000,
		.standing = standing,
	};
	rc = store_open(&s->store, &o, why);
	if (rc != RC_OK)
		goto done;
	rc = rosters_new(&s->rosters, s->store, &s->crypt, s->catalog);
done:
	if (rc != RC_OK)
		service_close(s);
	return rc;
}

void
service_close(struct service *s)
{
	rosters_free(s->rosters);
	store_close(s->store);
	catalog_free(s->catalog);
	crypt_clear(&s->crypt);
	s->rosters = NULL;
	s->store = NULL;
	s->catalog = NULL;
}

struct config
service_config(const struct service *s)
{
	return (struct config){ s->store, &s->crypt, s->catalog };
}

void
service_nudge_all(const struct service *s)
{
	struct nudge all = { .n = 0 };
	int fd = nudge_open_sender();

	if (fd == -1)
		return;		/* its next full look finds it */
	nudge_send(fd, s->conf.store_dir, &all);
	close(fd);
}

void
service_health(const struct service *s, struct resp *rs)
{
	struct store_condition h;

	if (store_condition(s->store, &h) == RC_OK && h.writable) {
		buf_puts(&rs->body, "{\"ok\":true}");
		return;
	}
	rs->status = 503;
	buf_puts(&rs->body, "{\"ok\":false}");
	resp_header(rs, "Retry-After", "2");
}
