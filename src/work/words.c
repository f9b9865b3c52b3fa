#include "base/text.h"
#include "work/words.h"

#define WORDS_MAX 32

struct word {
	const char *word, *meaning;
};

static const struct word reason[] = {
	{ "exhausted", "every attempt of its schedule has failed" },
	{ "deadline", "it had not arrived in 7 days" },
	{ "expired", "it was held for too long" },
	{ "overflow", "too much was waiting for its subscription" },
	{ "template", "its message could not be made" },
	{ "gone", "the endpoint said that it is gone for good" },
	{ "given-up", "a person gave it up, or removed its subscription" },
	{ "erased", "its order was erased" },
	{ "rejected", "the mail server refused the recipient or the message "
	    "for good" },
};

static const struct word attempt[] = {
	{ "ok", "it arrived" },
	{ "http", "the endpoint answered, but not with 2xx" },
	{ "timeout", "no answer in time" },
	{ "dns", "the name can't be resolved" },
	{ "guard", "the guard does not allow the address or port" },
	{ "refused", "the connection was refused" },
	{ "unreachable", "the address can't be reached" },
	{ "reset", "the connection was closed without an answer" },
	{ "tls", "no trusted TLS connection" },
	{ "protocol", "the answer is not HTTP/1.1, or not SMTP" },
	{ "smtp", "the mail server answered, but did not take it" },
	{ "login", "the mail server did not let us log in" },
	{ "address", "the mail address can't be used" },
	{ "url", "the URL can't be used" },
	{ "template", "the message could not be made" },
	{ "internal", "the request could not be made" },
};

static const struct word state[] = {
	{ "pending", "on its way" },
	{ "held", "its subscription is paused or disabled" },
	{ "delivered", "it arrived" },
	{ "dead", "it is not tried any more" },
};

static const struct {
	const struct word *word;
	size_t		   n;
} table[] = {
	[WORDS_REASON] = { reason, NELEM(reason) },
	[WORDS_ATTEMPT] = { attempt, NELEM(attempt) },
	[WORDS_STATE] = { state, NELEM(state) },
};

static const struct word *
find(enum words list, struct slice word)
{
	for (size_t i = 0; i < table[list].n; i++)
		if (text_same_nocase(slice_of(table[list].word[i].word), word))
			return &table[list].word[i];
	return NULL;
}

const char *
words_meaning(enum words list, const char *word)
{
	const struct word *w = find(list, slice_of(word));

	return w == NULL ? "" : w->meaning;
}

const char *
words_find(enum words list, struct slice word)
{
	const struct word *w = find(list, word);

	return w == NULL ? NULL : w->word;
}

const char *
words_nearest(enum words list, struct slice word)
{
	const char *name[WORDS_MAX];

	for (size_t i = 0; i < table[list].n; i++)
		name[i] = table[list].word[i].word;
	return text_nearest(word, name, table[list].n);
}

void
words_list(enum words list, struct buf *out)
{
	size_t n = table[list].n;

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_puts(out, i + 1 < n ? ", " : " or ");
		buf_puts(out, table[list].word[i].word);
	}
}
