/*
 * tls - whom libcurl trusts, and what to say when that fails.
 *
 * What the channels have in common about TLS.  It knows nothing of HTTP and
 * SMTP.
 */
#ifndef DELIVER_TLS_H
#define DELIVER_TLS_H

#include <curl/curl.h>
#include "base/buf.h"

struct tls_trust {
	char	*ca;		/* file or directory; NULL: libcurl's own */
	bool	 is_dir;
};

/*
 * Find the certificates to trust, cleared by tls_trust_clear: ca is [tls] ca,
 * "" looks in known places.
 *   RC_INVALID  ca is not there; why says so
 */
MUST_USE enum rc tls_trust_find(struct tls_trust *t, const char *ca,
    struct buf *why);

void tls_trust_clear(struct tls_trust *t);

/* Have a handle trust those alone, and speak nothing older than TLS 1.2. */
void tls_set_up(CURL *easy, const struct tls_trust *t);

/* It ended with this because there is no agreement, or no trust. */
bool tls_failed(CURLcode code);

/* What is wrong with the server's certificate, for people; NULL: not known. */
const char *tls_complaint(CURL *easy, CURLcode code, const char *error);

#endif
