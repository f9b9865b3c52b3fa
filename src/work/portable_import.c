/*
 * Text becomes records: first everything is read and checked, then the client
 * is made, then its subscriptions one by one.
 */
#include <stdlib.h>
#include "base/log.h"
#include "work/config_change.h"
#include "work/portable_read.h"
#include "work/record_json.h"

#define PAGE	32		/* records read in one visit */

void
portable_made_clear(struct portable_made *m)
{
	free(m->subscription);
	free(m->fresh);
	*m = (struct portable_made)PORTABLE_MADE_INIT;
}

static size_t
subscriptions(const struct portable_file *f)
{
	return f->subscriptions == 0 ? 0 : f->doc.tok[f->subscriptions].n;
}

/* Each subscription's token, in order; false past the end. */
static bool
next_subscription(const struct portable_file *f, uint32_t *tok)
{
	const struct json_tok *t = f->doc.tok;

	if (f->subscriptions == 0)
		return false;
	*tok = *tok == 0 ? f->subscriptions + 1 : t[*tok].next;
	return *tok < t[f->subscriptions].next;
}

/* Read all of it; c is left filled. */
static enum rc
check(struct portable_file *f, struct slice json, struct portable_client *c)
{
	struct portable_subscription s = PORTABLE_SUBSCRIPTION_INIT;
	uint32_t tok = 0;

	if (!portable_read_file(f, json))
		return RC_INVALID;
	portable_read_client(f, c);
	while (next_subscription(f, &tok)) {
		portable_subscription_clear(&s);
		portable_read_subscription(f, tok, &s);
		portable_check_task(f, tok, c, &s);
	}
	portable_subscription_clear(&s);
	if (f->nfault > PORTABLE_FAULTS_MAX)
		buf_printf(f->why, "\nand %zu more",
		    f->nfault - PORTABLE_FAULTS_MAX);
	if (f->masked)
		buf_puts(f->why, "\nIt was exported without secrets: export "
		    "it with --with-secrets, or put in what the masks stand "
		    "for.");
	return f->nfault > 0 ? RC_INVALID : RC_OK;
}

/* An older client of that name, or 0. */
static enum rc
find_namesake(const struct config *cf, struct slice name, uint32_t *number,
    struct buf *why)
{
	struct store_record rec[PAGE];
	struct json_doc d = JSON_DOC_INIT;
	struct json_error err;
	uint32_t after = 0, tok;
	size_t n = PAGE;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < PAGE; i++)
		rec[i] = (struct store_record)STORE_RECORD_INIT;
	*number = 0;
	while (rc == RC_OK && n == PAGE && *number == 0) {
		rc = store_record_list(cf->store, STORE_CLIENT, after, rec,
		    PAGE, &n);
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			after = rec[i].number;
			if (*number != 0 || json_scan(&d, rec[i].body,
			    &json_limits_default, &err) != RC_OK)
				continue;
			tok = json_find(&d, 0, "name");
			if (tok != 0 && json_string_is(&d, tok, name))
				*number = after;
		}
	}
	if (rc != RC_OK)
		buf_puts(why, "the store can't be read just now");
	for (size_t i = 0; i < PAGE; i++)
		store_record_clear(&rec[i]);
	json_doc_free(&d);
	return rc;
}

static enum rc
make_subscriptions(struct portable_file *f, portable_going *going, void *arg,
    struct portable_made *m, struct buf *why)
{
	struct portable_subscription s = PORTABLE_SUBSCRIPTION_INIT;
	size_t n = subscriptions(f);
	uint32_t tok = 0;
	enum rc rc = RC_OK;

	m->subscription = calloc(n + 1, sizeof *m->subscription);
	m->fresh = calloc(n + 1, sizeof *m->fresh);
	if (m->subscription == NULL || m->fresh == NULL)
		log_fatal("out of memory");
	while (rc == RC_OK && next_subscription(f, &tok)) {
		struct subscription_new new;

		if (going != NULL && !going(arg, m->n, n)) {
			buf_puts(why, "it was interrupted");
			rc = RC_RETRY;
			break;
		}
		portable_subscription_clear(&s);
		portable_read_subscription(f, tok, &s);
		new = portable_new(&s);
		new.client = m->client;
		rc = subscription_make(f->cf, &new, &m->subscription[m->n],
		    why);
		if (rc == RC_OK)
			m->fresh[m->n++] = s.secrets.n == 0;
	}
	portable_subscription_clear(&s);
	return rc;
}

/* Nothing is left of what an import has made, or why says what is. */
static void
take_back(const struct config *cf, struct portable_made *m, struct buf *why)
{
	struct buf detail = BUF_INIT(1024);
	char id[ID_MAX];
	enum rc rc;

	rc = client_remove(cf, m->client, true, &detail);
	if (rc == RC_OK || rc == RC_NOTFOUND) {
		buf_puts(why, "; what was imported has been removed again");
		m->client = 0;
		m->n = 0;
	} else {
		store_record_id(cf->store, STORE_CLIENT, m->client, id);
		buf_printf(why, "; the client %s is left with %zu of its "
		    "subscriptions (%s): skycap client remove %s --cascade",
		    id, m->n, buf_str(&detail), id);
	}
	buf_free(&detail);
}

enum rc
portable_import(const struct config *cf, struct slice json,
    portable_going *going, void *arg, struct portable_made *m,
    struct buf *why)
{
	struct portable_file f = { .cf = cf, .doc = JSON_DOC_INIT,
	    .why = why };
	struct portable_client c = PORTABLE_CLIENT_INIT;
	enum rc rc;

	rc = check(&f, json, &c);
	if (rc == RC_OK)
		rc = find_namesake(cf, buf_as_slice(&c.name), &m->namesake,
		    why);
	if (rc == RC_OK)
		rc = client_add(cf, buf_str(&c.name), buf_str(&c.mail), c.all,
		    c.rule, c.nrule, &m->client, why);
	if (rc != RC_OK)
		goto done;
	rc = make_subscriptions(&f, going, arg, m, why);
	if (rc != RC_OK)
		take_back(cf, m, why);
done:
	portable_client_clear(&c);
	json_doc_free(&f.doc);
	return rc;
}
