#include <stdlib.h>
#include "shape/task_data.h"

void
task_free(struct task *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->nheader; i++)
		template_free(t->header[i].value);
	free(t->header);
	for (size_t i = 0; i < t->nto; i++)
		template_free(t->to[i].text);
	free(t->to);
	template_free(t->url);
	template_free(t->subject);
	template_free(t->body);
	filter_free(t->filter);
	buf_free(&t->name);
	buf_free(&t->text);
	buf_free(&t->names);
	free(t->event);
	free(t->wanted);
	free(t);
}

const char *
task_name(const struct task *t)
{
	return buf_str(&t->name);
}

enum task_channel
task_channel(const struct task *t)
{
	return t->channel;
}

uint32_t
task_recipients(const struct task *t)
{
	return t->channel == TASK_MAIL ? (uint32_t)t->nto : 1;
}

const struct task_settings *
task_settings(const struct task *t)
{
	return &t->settings;
}

const char *
task_event_at(const struct task *t, size_t i)
{
	return i < t->nevent ? t->event[i] : NULL;
}

bool
task_wants(const struct task *t, const struct catalog_event *type)
{
	return (t->all && !catalog_is_operational(type)) ||
	    t->wanted[type->index] != 0;
}

bool
task_wants_operational(const struct task *t)
{
	const struct catalog_event *e;

	for (size_t i = 0; (e = catalog_event_at(t->catalog, i)) != NULL; i++)
		if (catalog_is_operational(e) && task_wants(t, e))
			return true;
	return false;
}

bool
task_filter_matches(const struct task *t, const struct order *o)
{
	return filter_matches(t->filter, o);
}
