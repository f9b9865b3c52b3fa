#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "deliver/tls.h"

/* Where systems keep the certificates they trust. */
static const char *const known_ca[] = {
	"/etc/ssl/certs/ca-certificates.crt",	/* Debian, Arch, Alpine */
	"/etc/pki/tls/certs/ca-bundle.crt",	/* Fedora */
	"/etc/ssl/ca-bundle.pem",		/* SUSE */
	"/etc/ssl/cert.pem",			/* BSDs */
};

enum rc
tls_trust_find(struct tls_trust *t, const char *ca, struct buf *why)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	struct stat st;

	*t = (struct tls_trust){ .ca = NULL };
	if (*ca != '\0') {
		if (stat(ca, &st) == -1) {
			buf_printf(why, "[tls] ca %s: %s", ca,
			    strerror(errno));
			return RC_INVALID;
		}
		t->is_dir = S_ISDIR(st.st_mode);
	} else if (v->age < CURLVERSION_SEVENTH ||
	    (v->cainfo == NULL && v->capath == NULL) ||
	    (v->cainfo != NULL && stat(v->cainfo, &st) == -1)) {
		for (size_t i = 0; *ca == '\0' && i < NELEM(known_ca); i++)
			if (stat(known_ca[i], &st) == 0)
				ca = known_ca[i];
	}
	if (*ca == '\0')
		return RC_OK;
	t->ca = strdup(ca);
	if (t->ca == NULL)
		log_fatal("out of memory");
	return RC_OK;
}

void
tls_trust_clear(struct tls_trust *t)
{
	free(t->ca);
	t->ca = NULL;
}

void
tls_set_up(CURL *easy, const struct tls_trust *t)
{
	curl_easy_setopt(easy, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2);
	if (t->ca != NULL)
		curl_easy_setopt(easy, t->is_dir ? CURLOPT_CAPATH :
		    CURLOPT_CAINFO, t->ca);
}

bool
tls_failed(CURLcode code)
{
	switch (code) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_SHUTDOWN_FAILED:
		return true;
	default:
		return false;
	}
}

/*
 * By what OpenSSL found (X509_V_ERR_* of its x509_vfy.h); another TLS library
 * has other numbers, and libcurl's words must do.
 */
const char *
tls_complaint(CURL *easy, CURLcode code, const char *error)
{
	static const struct { long err; const char *text; } why[] = {
		{ 9, "The server's certificate is not valid yet" },
		{ 10, "The server's certificate has expired" },
		{ 18, "The server's certificate is signed by itself alone" },
		{ 19, "The server's certificate comes from an issuer that is "
		    "not trusted here" },
		{ 20, "The server's certificate comes from an issuer that is "
		    "not trusted here" },
		{ 21, "The server's certificate comes from an issuer that is "
		    "not trusted here" },
		{ 23, "The server's certificate has been revoked" },
		{ 62, "The server's certificate is for another name" },
	};
	long err = 0;

	if (code == CURLE_PEER_FAILED_VERIFICATION) {
		curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &err);
		/* the name is libcurl's own to compare */
		if (strstr(error, "certificate subject name") != NULL)
			err = 62;
	}
	for (size_t i = 0; i < NELEM(why); i++)
		if (why[i].err == err)
			return why[i].text;
	return NULL;
}
