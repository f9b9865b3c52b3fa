#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "deliver/sweep_inner.h"

void
channels_send(struct sweep *s, struct sending *sd, int64_t timeout_ms,
    channel_done *done)
{
	const struct outgoing *out = &sd->out;

	if (out->rq.channel == TASK_MAIL)
		mail_send(s->mail, &(struct mail_request){
			.from = out->from,
			.to = buf_str(&out->rq.to),
			.message = buf_as_slice(&out->message),
			.timeout_ms = timeout_ms,
		}, done, sd);
	else
		webhook_send(s->webhook, &(struct webhook_request){
			.method = out->rq.method,
			.url = buf_str(&out->rq.url),
			.head = buf_as_slice(&out->head),
			.body = buf_as_slice(&out->rq.body),
			.timeout_ms = timeout_ms,
		}, done, sd);
}

void
channels_work(struct sweep *s)
{
	webhook_work(s->webhook);
	if (s->mail != NULL)
		mail_work(s->mail);
}

void
channels_cancel(struct sweep *s)
{
	webhook_cancel(s->webhook);
	if (s->mail != NULL)
		mail_cancel(s->mail);
}

void
channels_server(struct sweep *s, uint32_t failures,
    const struct channel_result *r)
{
	uint32_t was = atomic_load(&s->mail_failures);
	struct mail_fault *f = &s->mail_fault;

	if (r->fault == CHANNEL_SERVER) {
		pthread_mutex_lock(&s->lock);
		if (was == 0)
			f->since_ms = clock_now_ms();
		snprintf(f->word, sizeof f->word, "%s", r->word);
		memcpy(f->sentence, r->sentence, sizeof f->sentence);
		pthread_mutex_unlock(&s->lock);
	}
	atomic_store(&s->mail_failures, failures);
	if (was == 0 && failures > 0)
		log_error("mail: %s; all mail waits", r->sentence);
	else if (was > 0 && failures == 0)
		log_info("mail: the server takes mails again");
}
