#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include "base/clock.h"
#include "work/webhook_transfer.h"

static const char *
word_of(const struct transfer *t, CURLcode code)
{
	long err = 0;

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return "timeout";
	case CURLE_COULDNT_RESOLVE_HOST:
		return "dns";
	case CURLE_COULDNT_CONNECT:
		if (t->guarded && !t->opened)
			return "guard";
		curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &err);
		if (!t->opened && (err == EMFILE || err == ENFILE ||
		    err == ENOMEM || err == ENOBUFS))
			return "internal";
		return err == ECONNREFUSED || err == 0 ? "refused" :
		    err == ETIMEDOUT ? "timeout" : err == ECONNRESET ?
		    "reset" : "unreachable";
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return "reset";
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_SHUTDOWN_FAILED:
		return "tls";
	case CURLE_URL_MALFORMAT:
		return "url";
	case CURLE_UNSUPPORTED_PROTOCOL:
		return strncasecmp(t->rq.url, "http", 4) == 0 ? "protocol" :
		    "url";
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR:
	case CURLE_BAD_CONTENT_ENCODING:
		return "protocol";
	default:
		return "internal";
	}
}

static uint32_t
clamp_us(curl_off_t us)
{
	return us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static uint32_t
phase(const struct transfer *t, CURLINFO info, curl_off_t *from)
{
	curl_off_t at = 0, took;

	curl_easy_getinfo(t->easy, info, &at);
	if (at <= 0)
		return 0;
	took = at - *from;
	*from = at;
	return clamp_us(took);
}

static void
timings(const struct transfer *t, struct webhook_result *r)
{
	curl_off_t at = 0, first = 0;
	long fresh = 0;

	curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &fresh);
	if (fresh > 0) {
		r->dns_us = phase(t, CURLINFO_NAMELOOKUP_TIME_T, &at);
		r->connect_us = phase(t, CURLINFO_CONNECT_TIME_T, &at);
		r->tls_us = phase(t, CURLINFO_APPCONNECT_TIME_T, &at);
	}
	curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	r->first_us = clamp_us(first);
	r->total_us = clamp_us(clock_mono_us() - t->begun_us);
}

static void
address(const struct transfer *t, struct webhook_result *r)
{
	const char *ip = NULL;
	long port = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port);
	if (ip != NULL && *ip != '\0')
		snprintf(r->address, sizeof r->address,
		    strchr(ip, ':') == NULL ? "%s:%ld" : "[%s]:%ld", ip,
		    port);
}

/* One sentence for people, to each word. */
static void
sentence(const struct transfer *t, struct webhook_result *r)
{
	static const struct { const char *word, *text; } says[] = {
		{ "timeout", "No answer in time" },
		{ "dns", "The name can't be resolved" },
		{ "guard", "The guard does not allow that address or port" },
		{ "refused", "The connection was refused" },
		{ "unreachable", "The address can't be reached" },
		{ "reset", "The connection was closed without an answer" },
		{ "tls", "No trusted TLS connection" },
		{ "protocol", "The answer is not HTTP/1.1" },
		{ "url", "The URL can't be used" },
		{ "internal", "The request could not be made" },
	};
	const char *text = "";

	if (r->status != 0) {
		if (t->body_seen > t->body.len)
			snprintf(r->sentence, sizeof r->sentence,
			    "Answered %d; the body is truncated at %zu of "
			    "%s%llu bytes", r->status, t->body.len,
			    r->cut ? "at least " : "",
			    (unsigned long long)t->body_seen);
		else
			snprintf(r->sentence, sizeof r->sentence,
			    r->cut ? "Answered %d; the body was cut off" :
			    "Answered %d", r->status);
		return;
	}
	for (size_t i = 0; i < NELEM(says); i++)
		if (strcmp(says[i].word, r->word) == 0)
			text = says[i].text;
	if (t->error[0] == '\0' || strcmp(r->word, "guard") == 0)
		snprintf(r->sentence, sizeof r->sentence, "%s", text);
	else
		snprintf(r->sentence, sizeof r->sentence, "%s (%.180s)", text,
		    t->error);
}

/* The status line decides, whatever happened to the rest of the answer. */
void
webhook_result(const struct transfer *t, CURLcode code,
    struct webhook_result *r)
{
	long status = 0;

	*r = (struct webhook_result){ .status = 0 };
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 || status == 101)
		r->status = (int)status;
	r->cut = r->status >= 200 && (t->cut || code != CURLE_OK);
	r->word = r->status == 0 ? word_of(t, code) :
	    r->status >= 200 && r->status < 300 ? "ok" : "http";
	timings(t, r);
	address(t, r);
	sentence(t, r);
	r->head = buf_as_slice(&t->head);
	r->body = buf_as_slice(&t->body);
	r->body_len = t->body_seen;
	if (r->status != 0 && t->retry_after.len > 0)
		r->retry_after = (struct slice){ t->head.s +
		    t->retry_after.off, t->retry_after.len };
}
