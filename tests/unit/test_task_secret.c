#include "unit_task.h"

static const char secrets[] = "{\"httpRequest\":{\"header\":"
    "{\"authorization\":\"Basic YourPassword\",\"Accept\":\"a/b\","
    "\"x-tag\":{\"value\":\"shown\",\"show\":true},"
    "\"x-own\":{\"value\":\"hidden\"}},"
    "\"url\":\"https://h/p?a=1&api_key=abcdefgh&Token={{pnr}}-secret&sig=x"
    "&%73ecret=12345678\"}}";

static void
secrets_are_masked_where_people_look(void **state)
{
	struct unit_task *f = *state;
	struct task *t = unit_task(f, secrets);
	struct buf out = BUF_INIT(65536);

	task_print(t, true, &out);
	want_str(buf_str(&out), "{\"name\":\"OrderTicketed to h\",\"event\":"
	    "[\"OrderTicketed\"],\"httpRequest\":{\"header\":{"
	    "\"authorization\":{\"secret\":true},\"Accept\":\"a/b\","
	    "\"x-tag\":{\"value\":\"shown\",\"show\":true},"
	    "\"x-own\":{\"secret\":true}},\"url\":\"https://h/p?a=1&api_key="
	    DOTS "efgh&Token=" DOTS "cret&sig=" DOTS "&%73ecret=" DOTS
	    "5678\"}}", "printed");
	unit_task_render_ok(f, t);
	want_str(buf_str(&f->r.url), "https://h/p?a=1&api_key=abcdefgh&"
	    "Token=KWJ2MT-secret&sig=x&%73ecret=12345678", "url");
	want_str(buf_str(&f->r.url_shown), "https://h/p?a=1&api_key=" DOTS
	    "efgh&Token=" DOTS "cret&sig=" DOTS "&%73ecret=" DOTS "5678",
	    "shown");
	buf_clear(&out);
	task_mask(SLICE("Basic YourPassword"), &out);
	task_mask(SLICE("seven77"), &out);
	task_mask(SLICE(""), &out);
	task_mask(SLICE("1234\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), &out);
	want_str(buf_str(&out), DOTS "word" DOTS DOTS DOTS
	    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "masks");
	buf_free(&out);
	task_free(t);
}

static void
an_edit_that_brings_masks_keeps_what_is_there(void **state)
{
	struct unit_task *f = *state;
	struct task *t = unit_task(f, secrets);
	struct buf shown = BUF_INIT(65536), merged = BUF_INIT(65536);
	struct buf same = BUF_INIT(65536);

	task_print(t, true, &shown);
	task_print(t, false, &same);
	task_merge_secrets(t, buf_as_slice(&shown), &merged);
	want_str(buf_str(&merged), buf_str(&same), "merged");
	buf_clear(&merged);
	task_merge_secrets(t, SLICE("{\"x\": 1, \"httpRequest\": {\"url\" : "
	    "\"https://H:443/q?api_key=" DOTS "efgh&token=" DOTS "nope\", "
	    "\"header\":{\"AUTHORIZATION\":{\"secret\":true},\"new\":"
	    "{\"secret\":true},\"x-own\": \"other\"}} }"), &merged);
	want_str(buf_str(&merged), "{\"x\": 1, \"httpRequest\": {\"url\" : "
	    "\"https://H:443/q?api_key=abcdefgh&token=" DOTS "nope\", "
	    "\"header\":{\"AUTHORIZATION\":\"Basic YourPassword\",\"new\":"
	    "{\"secret\":true},\"x-own\": \"other\"}} }", "merged");
	buf_clear(&merged);
	task_merge_secrets(t, SLICE("{\"httpRequest\":[1]}"), &merged);
	want_str(buf_str(&merged), "{\"httpRequest\":[1]}", "odd");
	buf_clear(&merged);
	task_merge_secrets(t, SLICE("{no json"), &merged);
	want_str(buf_str(&merged), "{no json", "no json");
	buf_free(&shown);
	buf_free(&merged);
	buf_free(&same);
	task_free(t);
}

/* Secrets that look the same masked are put back in their order. */
static void
masks_that_look_alike_are_told_apart_by_their_place(void **state)
{
	static const char url[] = URL("https://h/?sig=a&sig=b&key=12345678"
	    "&x=1&key=abc45678&sig=c&sig={{order.a&b}}&sig={{order.c=d}}e");
	struct unit_task *f = *state;
	struct task *t = unit_task(f, url);
	struct buf shown = BUF_INIT(65536), merged = BUF_INIT(65536);
	struct buf same = BUF_INIT(65536);

	task_print(t, true, &shown);
	assert_non_null(strstr(buf_str(&shown), "?sig=" DOTS "&sig=" DOTS
	    "&key=" DOTS "5678&x=1&key=" DOTS "5678&sig=" DOTS "&sig=" DOTS
	    "&sig=" DOTS "\""));
	task_print(t, false, &same);
	task_merge_secrets(t, buf_as_slice(&shown), &merged);
	want_str(buf_str(&merged), buf_str(&same), "merged");
	task_free(t);
	buf_free(&shown);
	buf_free(&merged);
	buf_free(&same);
}

static void
secrets_stay_with_the_address_they_were_given_for(void **state)
{
	static const struct {
		const char *was, *is;
		bool same;
	} t[] = {
		{ "https://h/a", "https://h/b", true },
		{ "https://h/a", "HTTPS://H", true },
		{ "https://h/a", "https://h:443/a", true },
		{ "http://h:80", "http://h/a", true },
		{ "https://[::1]:8/a", "https://[::1]:8/b", true },
		{ "https://h/a", "https://evil/a", false },
		{ "https://h/a", "http://h/a", false },
		{ "https://h/a", "https://h:8443/a", false },
		{ "https://h:80/a", "http://h:80/a", false },
		{ "http://h:443/a", "http://h/a", false },
		{ "https://h/a", "https://h.evil/a", false },
		{ "https://h/a", "https://h@evil/a", false },
		{ "https://h/a", "https://h:443@evil/a", false },
		{ "https://h/a", "https://h\\\\.evil/a", false },
		{ "https://[::1]/a", "https://[::2]/a", false },
		{ "https://h/a", "h/a", false },
		{ "https://h/a", "", false },
	};
	struct unit_task *f = *state;
	struct buf json = BUF_INIT(4096), merged = BUF_INIT(8192);

	for (size_t i = 0; i < NELEM(t); i++) {
		struct task *old;

		buf_clear(&json);
		buf_clear(&merged);
		buf_printf(&json, TASK("\"httpRequest\":{\"url\":\"%s?key="
		    "abcdefgh\",\"header\":{\"authorization\":\"Basic pw\"}}"),
		    t[i].was);
		old = unit_task(f, buf_str(&json));
		buf_clear(&json);
		buf_printf(&json, TASK("\"httpRequest\":{\"header\":"
		    "{\"authorization\":{\"secret\":true}},\"url\":"
		    "\"%s?key=" DOTS "efgh\"}"), t[i].is);
		task_merge_secrets(old, buf_as_slice(&json), &merged);
		want_i64(strstr(buf_str(&merged), "Basic pw") != NULL,
		    t[i].same, "header: %s to %s", t[i].was, t[i].is);
		want_i64(strstr(buf_str(&merged), "abcdefgh") != NULL,
		    t[i].same, "url: %s to %s", t[i].was, t[i].is);
		if (t[i].same)
			task_free(unit_task(f, buf_str(&merged)));
		else
			unit_task_refuse(f, buf_str(&merged),
			    "/httpRequest/header/authorization", "was given "
			    "for another address; give the value itself");
		task_free(old);
	}
	buf_free(&json);
	buf_free(&merged);
}

static void
names_like_a_secrets_are_taken_for_one(void **state)
{
	static const char *const secret[] = { "key", "apiKey", "API-KEY",
	    "token", "access_token", "client_secret", "sig", "signature",
	    "X-Amz-Signature", "hmac", "password", "passwd", "passphrase",
	    "passcode", "pwd", "userPwd", "pass", "user_pass", "dbPass", "pw",
	    "auth", "authorization", "bearer", "cred", "X-Amz-Credential",
	    "code", "CODE", "pin", "jwt", "%6bey", "k%65y", "%00" };
	static const char *const open[] = { "a", "passenger", "passengerId",
	    "passport", "countryCode", "iataCode", "code_share", "pinned",
	    "shipping", "pwx", "id", "pnr", "ticket" };
	struct unit_task *f = *state;
	struct buf json = BUF_INIT(4096);

	for (size_t i = 0; i < NELEM(secret) + NELEM(open); i++) {
		bool is = i < NELEM(secret);
		const char *name = is ? secret[i] : open[i - NELEM(secret)];
		struct task *t;

		buf_clear(&json);
		buf_printf(&json, URL("https://h/?%s=abcdefgh"), name);
		t = unit_task(f, buf_str(&json));
		unit_task_render_ok(f, t);
		want_i64(strstr(buf_str(&f->r.url_shown), "abcdefgh") == NULL,
		    is, "%s", name);
		task_free(t);
	}
	buf_free(&json);
}

/* A URL of nothing but short secrets grows most when it is masked. */
static void
the_longest_url_can_be_shown_and_edited(void **state)
{
	struct unit_task *f = *state;
	struct buf json = BUF_INIT(8192), shown = BUF_INIT(65536);
	struct buf merged = BUF_INIT(65536), same = BUF_INIT(65536);
	struct task *t;

	buf_puts(&json, "{\"event\":[\"*\"],\"httpRequest\":{\"url\":"
	    "\"http://h?");
	for (size_t at = json.len; json.len - at < 4096 - 9 - 5;)
		buf_puts(&json, "pw=x&");
	buf_puts(&json, "\"}}");
	t = unit_task(f, buf_str(&json));
	unit_task_render_ok(f, t);
	task_print(t, false, &same);
	task_print(t, true, &shown);
	task_merge_secrets(t, buf_as_slice(&shown), &merged);
	want_str(buf_str(&merged), buf_str(&same), "merged");
	task_free(t);
	buf_free(&json);
	buf_free(&shown);
	buf_free(&merged);
	buf_free(&same);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TASK(secrets_are_masked_where_people_look),
	    UNIT_TASK(an_edit_that_brings_masks_keeps_what_is_there),
	    UNIT_TASK(masks_that_look_alike_are_told_apart_by_their_place),
	    UNIT_TASK(secrets_stay_with_the_address_they_were_given_for),
	    UNIT_TASK(names_like_a_secrets_are_taken_for_one),
	    UNIT_TASK(the_longest_url_can_be_shown_and_edited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
