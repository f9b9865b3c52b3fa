#include "deliver/channel_slack.h"
#include "unit.h"

static void
an_answer_says_whether_trying_again_makes_sense(void **state)
{
	static const struct {
		int	    status;
		const char *body;
		const char *word;	/* NULL: as any endpoint's */
		enum slack_verdict verdict;
	} cases[] = {
		{ 404, "no_service", "no_service", SLACK_SHUT },
		{ 404, "no_service\n", "no_service", SLACK_SHUT },
		{ 404, "no_team", "no_team", SLACK_SHUT },
		{ 404, "no_active_hooks", "no_active_hooks", SLACK_SHUT },
		{ 403, "team_disabled", "team_disabled", SLACK_SHUT },
		{ 403, "invalid_token", "invalid_token", SLACK_SHUT },
		{ 403, "action_prohibited", "action_prohibited", SLACK_SHUT },
		{ 403, "posting_to_general_channel_denied",
		    "posting_to_general_channel_denied", SLACK_SHUT },
		{ 404, "channel_not_found", "channel_not_found", SLACK_SHUT },
		{ 410, "channel_is_archived", "channel_is_archived",
		    SLACK_SHUT },
		{ 400, "user_not_found", "user_not_found", SLACK_SHUT },
		{ 400, "invalid_payload", "invalid_payload", SLACK_REJECTED },
		{ 400, "no_text", "no_text", SLACK_REJECTED },
		{ 400, "invalid_blocks", "invalid_blocks", SLACK_REJECTED },
		{ 400, "too_many_attachments", "too_many_attachments",
		    SLACK_REJECTED },
		{ 400, "{\"ok\":false,\"error\":\"invalid_token\"}",
		    "invalid_token", SLACK_SHUT },
		{ 400, "{\"ok\":false,\"error\":17}", NULL, SLACK_SHUT },
		{ 400, "{\"ok\":false", NULL, SLACK_SHUT },
		{ 429, "rate_limited", NULL, SLACK_SHUT },
		{ 429, "no_service", NULL, SLACK_SHUT },
		{ 500, "rollup_error", NULL, SLACK_SHUT },
		{ 503, "no_service", NULL, SLACK_SHUT },
		{ 302, "no_service", NULL, SLACK_SHUT },
		{ 200, "no_service", NULL, SLACK_SHUT },
		{ 0, "no_service", NULL, SLACK_SHUT },
		{ 404, "", NULL, SLACK_SHUT },
		{ 404, "no_service here", NULL, SLACK_SHUT },
		{ 404, "NO_SERVICE", NULL, SLACK_SHUT },
		{ 403, "<html>Forbidden</html>", NULL, SLACK_SHUT },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct channel_result r = { .status = cases[i].status,
		    .word = "http", .body = slice_of(cases[i].body) };
		const struct slack_error *e = slack_error(&r);

		if (cases[i].word == NULL) {
			if (e != NULL)
				fail_msg("%d %s: got %s, want nothing",
				    cases[i].status, cases[i].body, e->word);
			continue;
		}
		if (e == NULL)
			fail_msg("%d %s: got nothing, want %s",
			    cases[i].status, cases[i].body, cases[i].word);
		want_str(e->word, cases[i].word, "word of %s", cases[i].body);
		want_i64(e->verdict, cases[i].verdict, "verdict of %s",
		    cases[i].body);
		assert_true(*e->meaning != '\0');
		assert_ptr_equal(slack_error_named(e->word), e);
	}
	assert_null(slack_error_named("gone"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_says_whether_trying_again_makes_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
