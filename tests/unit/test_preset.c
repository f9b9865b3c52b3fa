#include <stdio.h>
#include <unistd.h>
#include "shape/preset.h"
#include "unit_task.h"

#define URL_GIVEN "https://chat.example/hook?token=abcdefgh1a2b"

static struct presets *
installed(void)
{
	struct buf path = BUF_INIT(4096), why = BUF_INIT(4096);
	struct presets *p = NULL;

	unit_source(&path, "src/shape");
	want_rc(presets_load(&p, buf_str(&path), &why), RC_OK, "%s",
	    buf_str(&why));
	buf_free(&path);
	buf_free(&why);
	return p;
}

static void
each_service_has_a_preset_that_says_what_it_is(void **state)
{
	static const char *const want[] = { "slack-blocks", "teams",
	    "discord", "google-chat" };
	struct presets *p = installed();

	(void)state;
	for (size_t i = 0; i < NELEM(want); i++) {
		const struct preset *s = preset_at(p, i);

		assert_non_null(s);
		want_str(s->name, want[i], "preset %zu", i);
		assert_true(strlen(s->title) > 4 && strlen(s->use) > 10);
		assert_true(strlen(s->where) > 10 && strlen(s->note) > 10);
		assert_ptr_equal(preset_find(p, slice_of(want[i])), s);
	}
	assert_null(preset_at(p, NELEM(want)));
	assert_null(preset_find(p, SLICE("teamz")));
	want_str(preset_nearest(p, SLICE("teamz")), "teams", "nearest");
	assert_null(preset_nearest(p, SLICE("fax")));
	presets_free(p);
}

/* The JSON string value of any depth contains text. */
static bool
says(const struct json_doc *d, uint32_t i, const char *text)
{
	struct buf s = BUF_INIT(1 << 20);
	bool found;

	json_string(d, i, &s);
	found = strstr(buf_str(&s), text) != NULL;
	buf_free(&s);
	return found;
}

/* Where a value of an order ends up: the keys its string stands under. */
static void
values_stand_under(const struct json_doc *d, const char *text,
    const char *const *may)
{
	struct buf at = BUF_INIT(4096);

	for (uint32_t i = 1; i < d->n; i++) {
		bool known = false;

		if (d->tok[i].type != JSON_STRING || !says(d, i, text))
			continue;
		buf_clear(&at);
		json_pointer(d, i, &at);
		for (size_t k = 0; may[k] != NULL; k++) {
			size_t n = strlen(may[k]);

			known |= at.len >= n && strcmp(at.s + at.len - n,
			    may[k]) == 0;
		}
		if (!known)
			fail_msg("a value stands at %s", buf_str(&at));
	}
	buf_free(&at);
}

static struct task *
compile(const struct unit_task *f, const struct presets *p,
    const struct preset *s)
{
	struct buf json = BUF_INIT(TASK_WRITTEN_MAX), why = BUF_INIT(65536);
	struct task *t = NULL;

	preset_task(p, s, SLICE(URL_GIVEN), NULL, 0, &json);
	want_rc(task_compile(&t, f->c, buf_as_slice(&json), NULL, 0,
	    unit_note, &why), RC_OK, "%s: %s", s->name, buf_str(&why));
	buf_free(&json);
	buf_free(&why);
	return t;
}

static void
render(struct unit_task *f, const struct task *t, const char *type)
{
	struct task_event ev = { .order = &f->o, .type = slice_of(type),
	    .id = SLICE("evt_1"), .time = SLICE("2026-11-23T10:00:00Z"),
	    .delivery_id = SLICE("msg_1"), .attempt = 1 };
	struct buf why = BUF_INIT(4096);

	want_rc(task_render(t, &ev, &f->r, &why), RC_OK, "%s: %s", type,
	    buf_str(&why));
	buf_free(&why);
}

static void
each_compiles_and_renders_for_every_event(void **state)
{
	struct unit_task *f = *state;
	struct presets *p = installed();
	struct buf order = BUF_INIT(1 << 20);
	const struct catalog_event *e;
	const struct preset *s;

	for (size_t i = 0; (s = preset_at(p, i)) != NULL; i++) {
		struct task *t = compile(f, p, s);

		for (size_t k = 0; (e = catalog_event_at(f->c, k)) != NULL;
		    k++) {
			buf_clear(&order);
			catalog_sample_order(f->c, e, &order);
			unit_order(&f->o, f->c, buf_str(&order));
			render(f, t, e->name);
			assert_non_null(strstr(buf_str(&f->r.body), e->name));
			if (!catalog_is_operational(e))
				assert_non_null(strstr(buf_str(&f->r.body),
				    "AGW-JHTE1543KJ"));
		}
		want_str(buf_str(&f->r.url), URL_GIVEN, "%s", s->name);
		task_free(t);
	}
	buf_free(&order);
	presets_free(p);
}

/*
 * Values stand only where the service reads no markup: a plain_text object of
 * Slack's, a TextRun of an Adaptive Card, the author and footer of Discord's
 * embeds, the header and labels of Google's cards.
 */
static void
no_value_can_act_as_markup(void **state)
{
	static const char *const may[][4] = {
		{ "/text/text", "/fields/0/text", NULL },
		{ "/inlines/0/text", NULL },
		{ "/author/name", "/footer/text", NULL },
		{ "/header/title", "/header/subtitle", "Label", NULL },
	};
	struct unit_task *f = *state;
	struct presets *p = installed();
	struct buf order = BUF_INIT(1 << 20);
	const struct catalog_field *field;

	buf_puts(&order, "{\"legs\":[]");
	for (size_t i = 0; (field = catalog_field_at(f->c, i)) != NULL; i++)
		buf_printf(&order, ",\"%s\":\"<!EVIL> [EVIL](https://e) "
		    "@everyone <users/all>\"", field->name);
	buf_putc(&order, '}');
	unit_order(&f->o, f->c, buf_str(&order));
	for (size_t i = 0; i < NELEM(may); i++) {
		const char *under[16] = { NULL };
		struct task *t = compile(f, p, preset_at(p, i));
		char fields[10][32];
		size_t n = 0;

		while (may[i][n] != NULL) {
			under[n] = may[i][n];
			n++;
		}
		for (size_t k = 0; i == 0 && k < 10; k++) {
			snprintf(fields[k], sizeof fields[k],
			    "/fields/%zu/text", k);
			under[n++] = fields[k];
		}
		render(f, t, "OrderTicketed");
		values_stand_under(&f->r.scan, "EVIL", under);
		if (i == 0)	/* every text object is a plain one */
			assert_null(strstr(buf_str(&f->r.body), "mrkdwn"));
		task_free(t);
	}
	buf_free(&order);
	presets_free(p);
}

static void
a_task_is_made_for_the_url_and_events_that_are_given(void **state)
{
	struct unit_task *f = *state;
	static const struct slice events[] = {
		{ "OrderTicketed", 13 }, { "Str\"ike", 7 },
	};
	struct presets *p = installed();
	const struct preset *s = preset_find(p, SLICE("discord"));
	struct buf out = BUF_INIT(65536), why = BUF_INIT(4096);
	struct task *t;

	preset_task(p, s, SLICE("https://h/\"x"), events, 2, &out);
	assert_non_null(strstr(buf_str(&out), "{\"event\":[\"OrderTicketed\","
	    "\"Str\\\"ike\"],\"httpRequest\":{\"method\":\"POST\",\"url\":"
	    "\"https://h/\\\"x\",\"jsonBody\":{\"allowed_mentions\":"
	    "{\"parse\":[]},"));
	buf_clear(&out);
	preset_task(p, s, (struct slice){ NULL, 0 }, NULL, 0, &out);
	assert_non_null(strstr(buf_str(&out), "{\"event\":[\"*\"],"));
	want_rc(task_compile(&t, f->c, buf_as_slice(&out), NULL, 0, unit_note,
	    &why), RC_INVALID, "without a URL");
	want_str(buf_str(&why), "/httpRequest/url: line 1, column 54: must "
	    "begin with http:// or https://", "why");
	buf_free(&out);
	buf_free(&why);
	presets_free(p);
}

#define GOOD "{\"name\":\"a\",\"title\":\"t\",\"use\":\"u\",\"where\":\"w\"," \
	"\"note\":\"n\",\"task\":{\"httpRequest\":{\"url\":\"" PRESET_URL "\"}}}"

static void
a_wrong_file_is_refused_with_its_place(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "{", "line 1, column 2" },
		{ "[]", "needs a list of presets" },
		{ "{\"presets\":{}}", "/presets needs a list of presets" },
		{ "{\"presets\":[7]}", "/presets/0 needs name, a string" },
		{ "{\"presets\":[{\"name\":\"\"}]}", "needs name, a string" },
		{ "{\"presets\":[{\"name\":\"a\",\"title\":\"t\"}]}",
		    "/presets/0 needs use, a string" },
		{ "{\"presets\":[" GOOD "," GOOD "]}",
		    "/presets/1 has a name that is taken" },
		{ "{\"presets\":[{\"name\":\"a\",\"title\":\"t\",\"use\":\"u\","
		    "\"where\":\"w\",\"note\":\"n\",\"task\":{\"httpRequest\":"
		    "{\"url\":\"https://h/\"}}}]}",
		    "/presets/0 needs a task with an httpRequest whose url" },
		{ "{\"presets\":[{\"name\":\"a\",\"title\":\"t\",\"use\":\"u\","
		    "\"where\":\"w\",\"note\":\"n\",\"task\":{\"event\":[],"
		    "\"httpRequest\":{\"url\":\"" PRESET_URL "\"}}}]}",
		    "/presets/0/task can't name events" },
	};
	char dir[] = "/tmp/preset-XXXXXX";
	struct buf path = BUF_INIT(4096), why = BUF_INIT(4096);
	struct presets *p = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	buf_printf(&path, "%s/presets.json", dir);
	want_rc(presets_load(&p, dir, &why), RC_NOTFOUND, "%s",
	    buf_str(&why));
	for (size_t i = 0; i < NELEM(t); i++) {
		FILE *file = fopen(buf_str(&path), "w");

		assert_non_null(file);
		fputs(t[i].text, file);
		fclose(file);
		buf_clear(&why);
		want_rc(presets_load(&p, dir, &why), RC_INVALID, "%s",
		    t[i].text);
		if (strstr(buf_str(&why), t[i].why) == NULL)
			fail_msg("%s: got \"%s\", want \"%s\"", t[i].text,
			    buf_str(&why), t[i].why);
	}
	unlink(buf_str(&path));
	rmdir(dir);
	buf_free(&path);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_service_has_a_preset_that_says_what_it_is),
	    UNIT_TASK(each_compiles_and_renders_for_every_event),
	    UNIT_TASK(no_value_can_act_as_markup),
	    UNIT_TASK(a_task_is_made_for_the_url_and_events_that_are_given),
	    cmocka_unit_test(a_wrong_file_is_refused_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
