/*
 * channel_slack - what Slack's answers to an incoming webhook mean.
 *
 * A message to Slack is a request like any webhook's and goes out as one
 * (channel_webhook.h).  What differs is that Slack says in a word of the answer
 * whether trying again makes sense.  The words are those of Slack's "Sending
 * messages using incoming webhooks", of its list of 2016-05-17, and of what its
 * servers answer besides.  Pure.
 */
#ifndef DELIVER_CHANNEL_SLACK_H
#define DELIVER_CHANNEL_SLACK_H

#include "deliver/channel.h"

enum slack_verdict {
	SLACK_SHUT,		/* nothing gets through until a person mends
				   it: the subscription is to be disabled */
	SLACK_REJECTED,		/* this message never will, others may */
};

struct slack_error {
	const char	*word;		/* as Slack has it, and as the reason */
	enum slack_verdict verdict;
	const char	*meaning;	/* "the channel does not exist" */
};

/*
 * What is for good in an answer; NULL: nothing is, it counts as any other
 * endpoint's.  Only of a status from 400 on, 429 and 5xx apart.
 */
const struct slack_error *slack_error(const struct channel_result *r);

/* The one of that word, or NULL. */
const struct slack_error *slack_error_named(const char *word);

#endif
