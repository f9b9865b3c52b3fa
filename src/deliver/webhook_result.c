#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <strings.h>
#include "base/clock.h"
#include "deliver/webhook_transfer.h"

/* How far a transfer has come. */
enum step { NAMING, CONNECTING, AGREEING, SENDING, WAITING, READING };

static curl_off_t
moment(const struct transfer *t, CURLINFO info)
{
	curl_off_t at = 0;

	curl_easy_getinfo(t->easy, info, &at);
	return at;
}

/* From the beginning of the try. */
static int64_t
connected_us(const struct transfer *t)
{
	return t->agrees_us > 0 ? t->agrees_us - t->tried_us :
	    moment(t, CURLINFO_CONNECT_TIME_T);
}

static bool
is_https(const struct transfer *t)
{
	return strncasecmp(t->rq.url, "https:", 6) == 0;
}

static enum step
step_of(const struct transfer *t)
{
	curl_off_t sent = 0;

	if (!t->ran)
		return NAMING;
	if (t->head_seen > 0 || t->body_seen > 0)
		return READING;
	if (t->dialled || t->requests == 0) {
		if (moment(t, CURLINFO_NAMELOOKUP_TIME_T) == 0)
			return NAMING;
		if (connected_us(t) == 0)
			return CONNECTING;
		if (is_https(t) && moment(t, CURLINFO_APPCONNECT_TIME_T) == 0)
			return AGREEING;
	}
	curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	return (uint64_t)sent < t->rq.body.len ? SENDING : WAITING;
}

static const char *
word_of_connect(const struct transfer *t)
{
	long err = 0;

	if (!t->opened && t->os_error != 0)
		return "internal";
	if (!t->opened && t->guarded)
		return "guard";
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &err);
	return err == ECONNREFUSED || err == 0 ? "refused" :
	    err == ETIMEDOUT ? "timeout" : err == ECONNRESET ? "reset" :
	    "unreachable";
}

/*
 * "internal" uses no attempt, so nothing that an endpoint does may come to it:
 * codes that are not known here are the other side's.
 */
static const char *
word_of(const struct transfer *t, CURLcode code, enum step step)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return "timeout";
	case CURLE_COULDNT_RESOLVE_HOST:
		return t->dns_error == EAI_MEMORY ||
		    channel_is_lack(t->os_error) ||
		    (t->dns_error == EAI_SYSTEM && t->os_error == EAGAIN) ?
		    "internal" : "dns";
	case CURLE_COULDNT_CONNECT:
		return word_of_connect(t);
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return "reset";
	case CURLE_URL_MALFORMAT:
	case CURLE_ABORTED_BY_CALLBACK:		/* a host we read otherwise */
		return "url";
	case CURLE_UNSUPPORTED_PROTOCOL:
		return strncasecmp(t->rq.url, "http", 4) == 0 ? "protocol" :
		    "url";
	case CURLE_FAILED_INIT:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_INTERFACE_FAILED:
		return "internal";
	case CURLE_OUT_OF_MEMORY:	/* also a header without end */
		return step < WAITING ? "internal" : "protocol";
	default:
		return tls_failed(code) ? "tls" : "protocol";
	}
}

static uint32_t
clamp_us(int64_t us)
{
	return us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* The step that was not done has lasted until now. */
static void
timings(const struct transfer *t, enum step step, struct channel_result *r)
{
	uint32_t *took[] = { &r->dns_us, &r->connect_us, &r->tls_us };
	int64_t now = clock_mono_us(), from = 0, done[NELEM(took)];

	r->total_us = clamp_us(now - t->begun_us);
	r->dns_us = t->dns_us;
	if (!t->ran)
		return;
	done[NAMING] = moment(t, CURLINFO_NAMELOOKUP_TIME_T);
	done[CONNECTING] = connected_us(t);
	done[AGREEING] = moment(t, CURLINFO_APPCONNECT_TIME_T);
	for (size_t i = 0; t->dialled && i < NELEM(took); i++) {
		int64_t at = (size_t)step > i ? done[i] : now - t->tried_us;

		if (at == 0)		/* no TLS */
			break;
		*took[i] = clamp_us(*took[i] + at - from);
		from = at;
		if ((size_t)step == i)
			break;
	}
	if (step == READING)
		r->first_us = clamp_us(t->tried_us - t->begun_us +
		    moment(t, CURLINFO_STARTTRANSFER_TIME_T));
}

static void
address(const struct transfer *t, struct channel_result *r)
{
	const char *ip = NULL;
	long port = 0;

	if (!t->ran)
		return;
	curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port);
	if (ip != NULL && *ip != '\0')
		snprintf(r->address, sizeof r->address,
		    strchr(ip, ':') == NULL ? "%s:%ld" : "[%s]:%ld", ip,
		    port);
}

/* Sentences for people. */

static void
say_status(const struct transfer *t, struct channel_result *r)
{
	if (t->body_seen > t->body.len)
		snprintf(r->sentence, sizeof r->sentence, "Answered %d; the "
		    "body is truncated at %zu of %s%llu bytes", r->status,
		    t->body.len, r->cut ? "at least " : "",
		    (unsigned long long)t->body_seen);
	else
		snprintf(r->sentence, sizeof r->sentence, r->cut ?
		    "Answered %d; the body was cut off" : "Answered %d",
		    r->status);
}

static void
say_timeout(enum step step, struct channel_result *r)
{
	static const char *const during[] = {
		[NAMING] = "looking up the name",
		[CONNECTING] = "connecting",
		[AGREEING] = "agreeing on TLS",
		[SENDING] = "sending the request",
		[WAITING] = "waiting for the answer",
		[READING] = "reading the head of the answer",
	};

	snprintf(r->sentence, sizeof r->sentence,
	    "No answer in time: given up after %u.%u s, while %s",
	    r->total_us / 1000000, r->total_us / 100000 % 10, during[step]);
}

static const char *
say_dns(const struct transfer *t)
{
	switch (t->dns_error) {
	case EAI_NONAME:
		return "The name does not exist";
#ifdef EAI_NODATA
	case EAI_NODATA:
		return "The name has no address";
#endif
	case EAI_AGAIN:
		return "The name can't be resolved: its name servers do not "
		    "answer";
	default:
		return "The name can't be resolved";
	}
}

static void
sentence(const struct transfer *t, CURLcode code, enum step step,
    struct channel_result *r)
{
	static const struct { const char *word, *text; } says[] = {
		{ "guard", "The guard does not allow that address or port" },
		{ "refused", "The connection was refused" },
		{ "unreachable", "The address can't be reached" },
		{ "reset", "The connection was closed without an answer" },
		{ "tls", "No agreement on TLS" },
		{ "protocol", "The answer is not HTTP/1.1" },
		{ "url", "The URL can't be used" },
		{ "internal", "The request could not be made" },
	};
	const char *text = "", *more = t->error;
	const char *tls = tls_complaint(t->easy, code, t->error);

	if (r->status != 0) {
		say_status(t, r);
		return;
	}
	if (strcmp(r->word, "timeout") == 0) {
		say_timeout(step, r);
		return;
	}
	for (size_t i = 0; i < NELEM(says); i++)
		if (strcmp(says[i].word, r->word) == 0)
			text = says[i].text;
	if (strcmp(r->word, "dns") == 0) {
		text = say_dns(t);
		more = "";
	} else if (strcmp(r->word, "guard") == 0) {
		more = "";	/* that would tell an inner address */
	} else if (strcmp(r->word, "internal") == 0 && t->os_error != 0) {
		more = strerror(t->os_error);
	} else if (tls != NULL) {
		text = tls;
		more = "";
	} else if (t->head_seen > WEBHOOK_HEAD_READ) {
		text = "The head of the answer is over 64 KiB";
		more = "";
	} else if (step == READING && strcmp(r->word, "reset") == 0)
		text = "The connection was closed in the head of the answer";
	snprintf(r->sentence, sizeof r->sentence, *more == '\0' ? "%s" :
	    "%s (%.160s)", text, more);
}

/* The status line decides, whatever happened to the rest of the answer. */
void
webhook_result(const struct transfer *t, CURLcode code,
    struct channel_result *r)
{
	enum step step = step_of(t);
	long status = 0;

	*r = (struct channel_result){ .status = 0 };
	if (t->ran)	/* else this is another request's */
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 || status == 101)
		r->status = (int)status;
	r->cut = r->status >= 200 && (t->cut || code != CURLE_OK);
	r->word = r->status == 0 ? word_of(t, code, step) :
	    r->status >= 200 && r->status < 300 ? "ok" : "http";
	r->fault = strcmp(r->word, "internal") == 0 ? CHANNEL_OURS :
	    CHANNEL_THEIRS;
	timings(t, step, r);
	address(t, r);
	sentence(t, code, step, r);
	r->head = buf_as_slice(&t->head);
	r->body = buf_as_slice(&t->body);
	r->body_len = t->body_seen;
	if (r->status != 0 && t->retry_after.len > 0)
		r->retry_after = (struct slice){ t->head.s +
		    t->retry_after.off, t->retry_after.len };
}
