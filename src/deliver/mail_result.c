#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include "base/clock.h"
#include "deliver/mail_inner.h"

#define WANTS_LOGIN(code)	((code) == 530 || (code) == 538)

static curl_off_t
moment(const struct mail_worker *w, CURLINFO info)
{
	curl_off_t at = 0;

	curl_easy_getinfo(w->easy, info, &at);
	return at;
}

/* libcurl does not say when it has connected, nor when TLS was agreed on. */
static enum mail_step
step_of(const struct mail_worker *w)
{
	enum mail_step step = w->talk.step;

	if (step == MAIL_CONNECTING && w->opened &&
	    moment(w, CURLINFO_CONNECT_TIME_T) > 0)
		return MAIL_GREETING;
	if (step == MAIL_AGREEING && !w->talk.heard &&
	    moment(w, CURLINFO_APPCONNECT_TIME_T) > 0)
		return MAIL_GREETING;
	return step;
}

/* The answer to the end of the message, and to nothing before. */
static bool
is_taken(const struct mail_worker *w)
{
	return w->talk.step == MAIL_ENDING && w->talk.code / 100 == 2;
}

static bool
is_refused(const struct mail_worker *w)
{
	return w->talk.code >= 400 && w->talk.code < 600;
}

/*
 * The server closed a kept connection before it saw this request, or says that
 * it is about to: nothing was begun on it.
 */
bool
mail_is_stale(const struct mail_worker *w, CURLcode code)
{
	const struct mail_talk *t = &w->talk;

	if (w->dialled || t->step != MAIL_SENDER)
		return false;
	return t->code == 421 || (!t->heard && (code == CURLE_SEND_ERROR ||
	    code == CURLE_RECV_ERROR));
}

static const char *
word_of_connect(const struct mail_worker *w)
{
	long err = 0;

	if (!w->opened && w->os_error != 0)
		return "internal";
	curl_easy_getinfo(w->easy, CURLINFO_OS_ERRNO, &err);
	return err == ECONNREFUSED || err == 0 ? "refused" :
	    err == ETIMEDOUT ? "timeout" : err == ECONNRESET ? "reset" :
	    "unreachable";
}

static const char *
word_of(const struct mail_worker *w, CURLcode code)
{
	const struct mail_talk *t = &w->talk;

	if (is_taken(w))
		return "ok";
	if (t->garbage)
		return "protocol";
	if (w->mute)
		return "login";
	if (is_refused(w))
		return WANTS_LOGIN(t->code) || (t->step == MAIL_LOGIN &&
		    t->code >= 500) ? "login" : "smtp";
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return "timeout";
	case CURLE_COULDNT_RESOLVE_HOST:
		return w->dns_error == EAI_MEMORY ||
		    channel_is_lack(w->os_error) ||
		    (w->dns_error == EAI_SYSTEM && w->os_error == EAGAIN) ?
		    "internal" : "dns";
	case CURLE_COULDNT_CONNECT:
		return word_of_connect(w);
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		/* libcurl left on account of an answer that is out of place */
		return t->quit && t->code != 0 ? "protocol" : "reset";
	case CURLE_USE_SSL_FAILED:
		return "tls";
	case CURLE_LOGIN_DENIED:
		return "login";
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_INTERFACE_FAILED:
		return "internal";
	default:
		return tls_failed(code) ? "tls" : "protocol";
	}
}

static enum channel_fault
fault_of(const struct mail_worker *w, const char *word)
{
	const struct mail_talk *t = &w->talk;

	if (strcmp(word, "ok") == 0)
		return CHANNEL_THEIRS;
	if (strcmp(word, "internal") == 0)
		return CHANNEL_OURS;
	if (strcmp(word, "smtp") != 0 || t->step < MAIL_RECIPIENT ||
	    t->code == 421)
		return CHANNEL_SERVER;
	return t->code >= 500 ? CHANNEL_REJECTED : CHANNEL_THEIRS;
}

static uint32_t
clamp_us(int64_t us)
{
	return us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void
timings(const struct mail_worker *w, struct channel_result *r)
{
	int64_t now = clock_mono_us(), named, connected;
	const struct mail_talk *t = &w->talk;

	r->total_us = clamp_us(now - w->begun_us);
	r->dns_us = w->dns_us;
	if (t->first_us != 0)
		r->first_us = clamp_us(t->first_us - w->begun_us);
	if (!w->dialled)
		return;
	named = moment(w, CURLINFO_NAMELOOKUP_TIME_T);
	connected = moment(w, CURLINFO_CONNECT_TIME_T);
	if (connected == 0)
		connected = t->agrees_us != 0 ? t->agrees_us - w->tried_us :
		    now - w->tried_us;
	r->connect_us = clamp_us(connected - named);
	if (t->agrees_us != 0)
		r->tls_us = clamp_us((t->agreed_us != 0 ? t->agreed_us : now) -
		    t->agrees_us);
}

static void
address(const struct mail_worker *w, struct channel_result *r)
{
	const char *ip = NULL;
	long port = 0;

	curl_easy_getinfo(w->easy, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(w->easy, CURLINFO_PRIMARY_PORT, &port);
	if (ip != NULL && *ip != '\0')
		snprintf(r->address, sizeof r->address,
		    strchr(ip, ':') == NULL ? "%s:%ld" : "[%s]:%ld", ip,
		    port);
}

/* Sentences for people. */

/*
 * Append the last answer as one line: "550 5.1.1 No such user".  What is not
 * printable is anybody's guess.
 */
static void
put_answer(const struct mail_talk *t, struct buf *out)
{
	struct slice b = buf_as_slice(&t->body);
	bool begins = true, first = true;
	size_t skip = 0;

	for (size_t i = 0; i < b.len && !out->over; i++) {
		if (b.s[i] == '\n') {
			begins = true;
			continue;
		}
		if (begins && !first)
			skip = 4;
		begins = first = false;
		if (skip > 0) {
			skip--;
			if (skip == 0)
				buf_putc(out, ' ');
			continue;
		}
		if (b.s[i] == '\r')
			continue;
		buf_putc(out, b.s[i] < ' ' || b.s[i] > '~' ? '?' : b.s[i]);
	}
	if (out->s != NULL && out->len > 3 && out->s[3] == '-')
		out->s[3] = ' ';
}

static void
say_answer(const struct mail_talk *t, struct channel_result *r)
{
	static const char *const what[] = {
		[MAIL_GREETING] = "the connection",
		[MAIL_HELLO] = "the greeting",
		[MAIL_STARTTLS] = "to begin TLS",
		[MAIL_LOGIN] = "user or password",
		[MAIL_SENDER] = "the sender",
		[MAIL_RECIPIENT] = "the recipient",
		[MAIL_ASKING] = "the message",
		[MAIL_SENDING] = "the message",
		[MAIL_ENDING] = "the message",
	};
	struct buf text = BUF_INIT(CHANNEL_SENTENCE_MAX);

	put_answer(t, &text);
	if (strcmp(r->word, "ok") == 0)
		snprintf(r->sentence, sizeof r->sentence, "Taken: %s",
		    buf_str(&text));
	else if (WANTS_LOGIN(t->code))
		snprintf(r->sentence, sizeof r->sentence,
		    "The server wants a log-in: %s", buf_str(&text));
	else if (t->code == 421)
		snprintf(r->sentence, sizeof r->sentence,
		    "The server closes the connection: %s", buf_str(&text));
	else
		snprintf(r->sentence, sizeof r->sentence, t->code >= 500 ?
		    "The server refuses %s: %s" :
		    "The server does not take %s now: %s", what[t->step],
		    buf_str(&text));
	buf_free(&text);
}

/* What was waited for. */
static const char *
wait_of(enum mail_step step)
{
	static const char *const during[] = {
		[MAIL_NAMING] = "looking up the name",
		[MAIL_CONNECTING] = "connecting",
		[MAIL_AGREEING] = "agreeing on TLS",
		[MAIL_GREETING] = "waiting for the server's greeting",
		[MAIL_HELLO] = "waiting for the answer to EHLO",
		[MAIL_STARTTLS] = "waiting for the answer to STARTTLS",
		[MAIL_LOGIN] = "waiting for the answer to AUTH",
		[MAIL_SENDER] = "waiting for the answer to MAIL",
		[MAIL_RECIPIENT] = "waiting for the answer to RCPT",
		[MAIL_ASKING] = "waiting for the answer to DATA",
		[MAIL_SENDING] = "sending the message",
		[MAIL_ENDING] = ("waiting for the answer to the message, "
		    "which may have arrived"),
	};

	return during[step];
}

static const char *
say_dns(const struct mail_worker *w)
{
	return w->dns_error == EAI_NONAME ? "The name does not exist" :
	    w->dns_error == EAI_AGAIN ? "The name can't be resolved: its name "
	    "servers do not answer" : "The name can't be resolved";
}

static void
sentence(const struct mail_worker *w, CURLcode code, struct channel_result *r)
{
	static const struct { const char *word, *text; } says[] = {
		{ "refused", "The connection was refused" },
		{ "unreachable", "The address can't be reached" },
		{ "tls", "No agreement on TLS" },
		{ "protocol", "What came back is not SMTP" },
		{ "login", "The server offers no way to log in" },
		{ "internal", "The request could not be made" },
	};
	const char *text = "", *more = w->error;
	const char *tls = tls_complaint(w->easy, code, w->error);

	for (size_t i = 0; i < NELEM(says); i++)
		if (strcmp(says[i].word, r->word) == 0)
			text = says[i].text;
	if (strcmp(r->word, "timeout") == 0) {
		snprintf(r->sentence, sizeof r->sentence, "No answer in time: "
		    "given up after %u.%u s, while %s", r->total_us / 1000000,
		    r->total_us / 100000 % 10, wait_of(step_of(w)));
		return;
	}
	if (strcmp(r->word, "reset") == 0) {
		snprintf(r->sentence, sizeof r->sentence,
		    "The connection was closed while %s",
		    wait_of(step_of(w)));
		return;
	}
	if (strcmp(r->word, "dns") == 0) {
		text = say_dns(w);
		more = "";
	} else if (strcmp(r->word, "internal") == 0 && w->os_error != 0)
		more = strerror(w->os_error);
	else if (code == CURLE_USE_SSL_FAILED) {
		text = "The server does not offer TLS, and the password is "
		    "not sent without";
		more = "";
	} else if (tls != NULL) {
		text = tls;
		more = "";
	} else if (strcmp(r->word, "login") == 0 && w->talk.logged_in)
		text = "Logging in did not work";
	else if (strcmp(r->word, "login") == 0 || w->talk.garbage)
		more = "";
	snprintf(r->sentence, sizeof r->sentence, *more == '\0' ? "%s" :
	    "%s (%.160s)", text, more);
}

void
mail_result(const struct mail_worker *w, CURLcode code, struct mail_job *j)
{
	const struct mail_talk *t = &w->talk;
	struct channel_result *r = &j->r;

	*r = (struct channel_result){ .word = word_of(w, code) };
	r->fault = fault_of(w, r->word);
	r->status = is_taken(w) || is_refused(w) ? t->code : 0;
	timings(w, r);
	if (w->easy != NULL && !w->asks)
		address(w, r);
	if (r->status != 0 && (is_taken(w) || !t->garbage))
		say_answer(t, r);
	else
		sentence(w, code, r);
	buf_slice(&j->head, buf_as_slice(&t->head));
	buf_slice(&j->body, buf_as_slice(&t->body));
	r->body_len = t->reply_len;
}
