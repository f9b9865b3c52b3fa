#include "web/http.h"
#include "web/request.h"
#include "web/route.h"
#include "unit.h"

/* A body handed out in pieces, and how it ends. */
struct pieces {
	struct req_source source;
	const char	*rest;
	size_t		 step;		/* bytes at most per read */
	bool		 breaks;	/* -1 instead of its end */
	size_t		 asked;		/* bytes ever handed out */
};

static ssize_t
read_piece(struct req_source *src, char *to, size_t len)
{
	struct pieces *p = (struct pieces *)src;
	size_t n = strlen(p->rest);

	assert_true(len > 0);
	if (n == 0)
		return p->breaks ? -1 : 0;
	n = n < len ? n : len;
	n = n < p->step ? n : p->step;
	memcpy(to, p->rest, n);
	p->rest += n;
	p->asked += n;
	return (ssize_t)n;
}

static void
nothing(void *app, struct req *rq, struct resp *rs)
{
	(void)app;
	(void)rq;
	(void)rs;
}

static const struct route routes[] = {
	{ M_GET,	   "/",				nothing },
	{ M_POST,	   "/events",			nothing },
	{ M_GET,	   "/events/:id",		nothing },
	{ M_GET,	   "/events/:id/to/:other",	nothing },
	{ M_GET | M_POST,  "/health",			nothing },
	{ M_POST,	   "/health",			nothing },
	{ M_GET,	   "/a/:b/:c/:d/:e",		nothing },
};

static const struct program program = {
	.name = "intake", .routes = routes, .nroutes = NELEM(routes),
};

/* The request of these parameters; *src must live as long as *rq. */
static void
request(struct req *rq, struct req_source *src, const char *const *env,
    const char *prefix)
{
	src->env = (char *const *)(uintptr_t)env;
	request_read(rq, src, &program, prefix);
}

static void
a_path_finds_its_route_and_its_segments(void **state)
{
	static const struct {
		unsigned	 method;
		const char	*path;
		int		 want;		/* index, -1: none */
		unsigned	 allow;
		const char	*param[4];
	} t[] = {
		{ M_GET, "/", 0, 0, { NULL } },
		{ M_GET, "", -1, 0, { NULL } },
		{ M_POST, "/events", 1, 0, { NULL } },
		{ M_GET, "/events", -1, M_POST, { NULL } },
		{ 0, "/events", -1, M_POST, { NULL } },
		{ M_GET, "/events/", -1, 0, { NULL } },
		{ M_GET, "/event", -1, 0, { NULL } },
		{ M_GET, "/eventss", -1, 0, { NULL } },
		{ M_GET, "/events/evt_1", 2, 0, { "evt_1" } },
		{ M_POST, "/events/evt_1", -1, M_GET, { NULL } },
		{ M_GET, "/events/a/b", -1, 0, { NULL } },
		{ M_GET, "/events/a/to/b", 3, 0, { "a", "b" } },
		{ M_GET, "/events/a/to/", -1, 0, { NULL } },
		{ M_GET, "/events//to/b", -1, 0, { NULL } },
		{ M_POST, "/health", 4, 0, { NULL } },
		{ 0, "/health", -1, M_GET | M_POST, { NULL } },
		{ M_GET, "/a/1/2/3/4", 6, 0, { "1", "2", "3", "4" } },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct slice param[4] = { { NULL, 0 } };
		unsigned allow = 0;
		const struct route *r = route_find(&program,
		    slice_of(t[i].path), t[i].method, param, &allow);

		want_i64(r == NULL ? -1 : r - routes, t[i].want, "route of %s",
		    t[i].path);
		want_i64(allow, t[i].allow, "methods of %s", t[i].path);
		for (size_t j = 0; j < 4; j++)
			want_slice(param[j], slice_of(t[i].param[j]),
			    "segment %zu of %s", j, t[i].path);
	}
}

static void
the_path_is_found_whatever_the_server_says(void **state)
{
	static const struct {
		const char *env[6];
		const char *prefix;
		const char *want;
	} t[] = {
		/* PATH_INFO is the last word */
		{ { "PATH_INFO=/events", "SCRIPT_NAME=/intake",
		    "REQUEST_URI=/intake/events?a=b" }, "", "/events" },
		{ { "PATH_INFO=/x", "QUERY_STRING=path=/events" }, "", "/x" },
		{ { "PATH_INFO=/events/a b" }, "", "/events/a b" },
		/* but for one that is no route, at "/" under lighttpd */
		{ { "PATH_INFO=/7", "SCRIPT_NAME=/events",
		    "REQUEST_URI=/events/7?a=b" }, "", "/events/7" },
		{ { "PATH_INFO=/intake/events/7", "SCRIPT_NAME=/hooks",
		    "REQUEST_URI=/hooks/intake/events/7" }, "/hooks",
		    "/events/7" },
		/* REQUEST_URI less SCRIPT_NAME */
		{ { "PATH_INFO=", "SCRIPT_NAME=/in.cgi",
		    "REQUEST_URI=/in.cgi/events/7?a=/b" }, "", "/events/7" },
		{ { "SCRIPT_NAME=/in", "REQUEST_URI=/intake/events" }, "",
		    "/events" },
		{ { "SCRIPT_NAME=/in.cgi",
		    "REQUEST_URI=http://h:8/in.cgi/events" }, "", "/events" },
		{ { "SCRIPT_NAME=/in.cgi", "REQUEST_URI=/in.cgi/x" }, "",
		    "/x" },
		{ { "SCRIPT_NAME=/in.cgi", "REQUEST_URI=/in.cgi" }, "", "/" },
		{ { "SCRIPT_NAME=/in.cgi", "REQUEST_URI=/in.cgi?x" }, "", "/" },
		{ { "SCRIPT_NAME=/in.cgi", "REQUEST_URI=/in.cgi/" }, "", "/" },
		/* less [site] prefix, and the program's name behind it */
		{ { "REQUEST_URI=/hooks/events" }, "/hooks", "/events" },
		{ { "REQUEST_URI=/hooks/intake/events/7" }, "/hooks/",
		    "/events/7" },
		{ { "SCRIPT_NAME=/hooks/intake/events",
		    "REQUEST_URI=/hooks/intake/events" }, "/hooks", "/events" },
		{ { "SCRIPT_NAME=/hooks/intake", "REQUEST_URI=/hooks/intake" },
		    "/hooks", "/" },
		{ { "REQUEST_URI=/hookshot/events" }, "/hooks",
		    "/hookshot/events" },
		{ { "REQUEST_URI=/intake/events" }, "", "/events" },
		/* the server can't tell the program from the path */
		{ { "SCRIPT_NAME=/events", "REQUEST_URI=/events" }, "",
		    "/events" },
		{ { "REQUEST_URI=/events/7" }, "", "/events/7" },
		{ { "SCRIPT_NAME=/a/b/events/7", "REQUEST_URI=/a/b/events/7" },
		    "", "/events/7" },
		{ { "SCRIPT_NAME=/a/b/", "REQUEST_URI=/a/b/" }, "", "/" },
		{ { "SCRIPT_NAME=/a", "REQUEST_URI=/a/b/events/7" }, "",
		    "/b/events/7" },
		/* ?path= */
		{ { "SCRIPT_NAME=/in.cgi", "REQUEST_URI=/in.cgi?path=/events",
		    "QUERY_STRING=path=/events" }, "", "/events" },
		{ { "QUERY_STRING=a=b&path=%2Fevents%2f7" }, "", "/events/7" },
		{ { "QUERY_STRING=path=%zz" }, "", "/" },
		{ { "SCRIPT_NAME=/in.cgi", "REQUEST_URI=/in.cgi?path=/x",
		    "QUERY_STRING=path=/x" }, "", "/in.cgi" },
		/* nothing at all, and nonsense */
		{ { NULL }, "", "/" },
		{ { "REQUEST_URI=*" }, "", "/" },
		{ { "REQUEST_URI=http://h" }, "", "/" },
		{ { "REQUEST_URI=?path=/events",
		    "QUERY_STRING=path=/events" }, "", "/events" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct req_source src = { NULL, NULL };
		struct req rq;

		request(&rq, &src, t[i].env, t[i].prefix);
		want_slice(rq.path, slice_of(t[i].want), "path of case %zu", i);
	}
}

static void
a_path_in_the_query_longer_than_any_is_not_cut(void **state)
{
	char query[2048] = "QUERY_STRING=path=";
	const char *env[] = { query, NULL };
	struct req_source src = { NULL, NULL };
	struct req rq;

	(void)state;
	memset(query + strlen(query), 'x', 1024);
	request(&rq, &src, env, "");
	want_slice(rq.path, SLICE("/"), "path");
}

static void
the_key_is_found_in_each_of_its_places(void **state)
{
	static const struct {
		const char *env[4];
		const char *key, *user, *password;
	} t[] = {
		{ { "HTTP_AUTHORIZATION=Bearer k1" }, "k1", NULL, NULL },
		{ { "HTTP_AUTHORIZATION=bEARER   k1  " }, "k1", NULL, NULL },
		{ { "HTTP_AUTHORIZATION=Bearerk1" }, NULL, NULL, NULL },
		{ { "HTTP_AUTHORIZATION=Bearer " }, NULL, NULL, NULL },
		{ { "HTTP_AUTHORIZATION=Bearer" }, NULL, NULL, NULL },
		{ { "HTTP_AUTHORIZATION=" }, NULL, NULL, NULL },
		{ { "REDIRECT_HTTP_AUTHORIZATION=Bearer k2" }, "k2", NULL,
		    NULL },
		{ { "REDIRECT_HTTP_AUTHORIZATION=Bearer k2",
		    "HTTP_AUTHORIZATION=Bearer k1" }, "k1", NULL, NULL },
		{ { "HTTP_X_SKYCAP_KEY= k3 " }, "k3", NULL, NULL },
		{ { "HTTP_X_SKYCAP_KEY=" }, NULL, NULL, NULL },
		{ { "HTTP_X_SKYCAP_KEY=k3", "HTTP_AUTHORIZATION=Bearer k1" },
		    "k1", NULL, NULL },
		/* RFC 7617's own example */
		{ { "HTTP_AUTHORIZATION=Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
		    NULL, "Aladdin", "open sesame" },
		{ { "HTTP_AUTHORIZATION=basic dGVzdDoxMjPCow",
		    "HTTP_X_SKYCAP_KEY=k3" }, "k3", "test", "123\xc2\xa3" },
		{ { "HTTP_AUTHORIZATION=Basic YTpiOmM=" }, NULL, "a", "b:c" },
		{ { "HTTP_AUTHORIZATION=Basic Og==" }, NULL, "", "" },
		{ { "HTTP_AUTHORIZATION=Basic YQ==" }, NULL, NULL, NULL },
		{ { "HTTP_AUTHORIZATION=Basic Y!o=" }, NULL, NULL, NULL },
		{ { "HTTP_AUTHORIZATION=Basic =" }, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct req_source src = { NULL, NULL };
		struct req rq;

		request(&rq, &src, t[i].env, "");
		want_slice(rq.key, slice_of(t[i].key), "key of case %zu", i);
		assert_int_equal(rq.key.s == NULL, t[i].key == NULL);
		want_slice(rq.basic_user, slice_of(t[i].user),
		    "user of case %zu", i);
		assert_int_equal(rq.basic_user.s == NULL, t[i].user == NULL);
		want_slice(rq.basic_password, slice_of(t[i].password),
		    "password of case %zu", i);
	}
}

static void
credentials_longer_than_any_are_refused_whole(void **state)
{
	char auth[4096] = "HTTP_AUTHORIZATION=Basic ";
	const char *env[] = { auth, NULL };
	struct req_source src = { NULL, NULL };
	struct req rq;

	(void)state;
	for (size_t i = strlen(auth), n = 0; n < 500; n++, i += 4)
		memcpy(auth + i, "Ojo6", 4);
	request(&rq, &src, env, "");
	assert_null(rq.basic_user.s);
	assert_null(rq.basic_password.s);
}

static void
type_length_and_method_are_read_as_they_stand(void **state)
{
	static const struct {
		const char *env[5];
		const char *type;
		int64_t length;
		unsigned method;
		bool head;
	} t[] = {
		{ { "CONTENT_TYPE=application/json", "CONTENT_LENGTH=12",
		    "REQUEST_METHOD=POST" }, "application/json", 12, M_POST,
		    false },
		{ { "CONTENT_TYPE=Application/JSON ; charset=utf-8",
		    "CONTENT_LENGTH=0", "REQUEST_METHOD=GET" },
		    "application/json", 0, M_GET, false },
		{ { "CONTENT_TYPE=", "CONTENT_LENGTH=",
		    "REQUEST_METHOD=HEAD" }, NULL, -1, M_GET, true },
		{ { "CONTENT_TYPE=; a=b", "CONTENT_LENGTH=-1",
		    "REQUEST_METHOD=get" }, NULL, -1, 0, false },
		{ { "CONTENT_LENGTH=12x", "REQUEST_METHOD=OPTIONS" }, NULL, -1,
		    0, false },
		{ { "CONTENT_LENGTH=99999999999999999999" }, NULL, -1, 0,
		    false },
		{ { "CONTENT_LENGTH= 1" }, NULL, -1, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct req_source src = { NULL, NULL };
		struct req rq;

		request(&rq, &src, t[i].env, "");
		want_slice(rq.content_type, slice_of(t[i].type), "type %zu", i);
		want_i64(rq.content_length, t[i].length, "length %zu", i);
		want_i64(rq.method, t[i].method, "method %zu", i);
		want_i64(rq.head, t[i].head, "head %zu", i);
	}
}

static void
a_parameter_is_found_by_its_whole_name(void **state)
{
	const char *env[] = { "HTTP_A=1", "HTTP_AB=2", "HTTP_A=3", "EMPTY=",
	    NULL };
	struct req_source src = { NULL, NULL };
	struct req rq;

	(void)state;
	request(&rq, &src, env, "");
	want_slice(req_header(&rq, "HTTP_A"), SLICE("1"), "HTTP_A");
	want_slice(req_header(&rq, "HTTP_AB"), SLICE("2"), "HTTP_AB");
	assert_null(req_header(&rq, "HTTP_").s);
	assert_non_null(req_header(&rq, "EMPTY").s);
}

static void
a_query_argument_is_decoded_as_form_data(void **state)
{
	static const struct {
		const char *query, *name;
		enum rc want;
		const char *value;
	} t[] = {
		{ "a=1&b=2", "a", RC_OK, "1" },
		{ "a=1&b=2", "b", RC_OK, "2" },
		{ "a=1&a=2", "a", RC_OK, "1" },
		{ "a=1", "b", RC_NOTFOUND, "" },
		{ "", "a", RC_NOTFOUND, "" },
		{ "ab=1", "a", RC_NOTFOUND, "" },
		{ "a", "a", RC_OK, "" },
		{ "a=", "a", RC_OK, "" },
		{ "=x", "a", RC_NOTFOUND, "" },
		{ "&&a=1&", "a", RC_OK, "1" },
		{ "a=b=c", "a", RC_OK, "b=c" },
		{ "a=1+2%2B%26%3d", "a", RC_OK, "1 2+&=" },
		{ "a=%", "a", RC_INVALID, "" },
		{ "a=x%4", "a", RC_INVALID, "" },
		{ "a=%00", "a", RC_INVALID, "" },
		{ "a=0123456789", "a", RC_INVALID, "" },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct req rq = { .query = slice_of(t[i].query) };
		struct buf out = BUF_INIT(8);

		want_rc(req_query(&rq, t[i].name, &out), t[i].want,
		    "%s of \"%s\"", t[i].name, t[i].query);
		want_str(buf_str(&out), t[i].value, "%s of \"%s\"", t[i].name,
		    t[i].query);
		buf_free(&out);
	}
}

static void
a_body_is_read_to_its_length_or_its_end(void **state)
{
	static const struct {
		int64_t length;
		const char *body;
		bool breaks;
		size_t max;
		enum rc want;
		const char *got;
	} t[] = {
		{ 5, "hello", false, 100, RC_OK, "hello" },
		{ 5, "hello, more", false, 100, RC_OK, "hello" },
		{ 5, "hello", false, 5, RC_OK, "hello" },
		{ 5, "hell", false, 100, RC_INVALID, "hell" },
		{ 5, "hell", true, 100, RC_INVALID, "hell" },
		{ 5, "hello", false, 4, RC_TOOBIG, "hell" },
		{ 5, "hello", false, 0, RC_TOOBIG, "" },
		{ 0, "", false, 0, RC_OK, "" },
		{ 0, "hello", true, 100, RC_OK, "" },
		{ -1, "hello", false, 100, RC_OK, "hello" },
		{ -1, "hello", false, 5, RC_OK, "hello" },
		{ -1, "hello", false, 4, RC_TOOBIG, "hell" },
		{ -1, "hello", true, 100, RC_INVALID, "hello" },
		{ -1, "hello", true, 5, RC_INVALID, "hello" },
		{ -1, "hello", false, 0, RC_TOOBIG, "" },
		{ -1, "", false, 0, RC_OK, "" },
		{ -1, "", false, 100, RC_OK, "" },
		{ -1, "", true, 100, RC_INVALID, "" },
	};
	static const size_t step[] = { 1, 3, 1000 };

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		for (size_t j = 0; j < NELEM(step); j++) {
			struct pieces p = { { NULL, read_piece }, t[i].body,
			    step[j], t[i].breaks, 0 };
			struct req rq = { .content_length = t[i].length,
			    .body_ahead = -1, .source = &p.source };
			struct buf b = BUF_INIT(t[i].max);

			want_rc(req_body(&rq, &b), t[i].want,
			    "case %zu, %zu at once", i, step[j]);
			want_str(buf_str(&b), t[i].got,
			    "case %zu, %zu at once", i, step[j]);
			buf_free(&b);
		}
	}
}

static void
a_body_known_to_be_too_long_is_hardly_read(void **state)
{
	char text[1001];
	struct pieces p = { { NULL, read_piece }, text, 1000, false, 0 };
	struct req rq = { .content_length = 1000, .body_ahead = -1,
	    .source = &p.source };
	struct buf b = BUF_INIT(500);

	(void)state;
	memset(text, 'x', 1000);
	text[1000] = '\0';
	want_rc(req_body(&rq, &b), RC_TOOBIG, "first");
	want_i64((int64_t)b.len, 64, "bytes read");
	want_i64((int64_t)p.asked, 64, "bytes asked for");
	buf_free(&b);
}

static void
reading_goes_on_where_too_big_stopped(void **state)
{
	static const int64_t length[] = { 26, -1 };

	(void)state;
	for (size_t i = 0; i < NELEM(length); i++) {
		struct pieces p = { { NULL, read_piece },
		    "abcdefghijklmnopqrstuvwxyz", 4, false, 0 };
		struct req rq = { .content_length = length[i],
		    .body_ahead = -1, .source = &p.source };
		struct buf b = BUF_INIT(10);

		want_rc(req_body(&rq, &b), RC_TOOBIG, "at 10");
		b.max = 11;
		b.over = false;
		want_rc(req_body(&rq, &b), RC_TOOBIG, "at 11");
		b.max = 26;
		b.over = false;
		want_rc(req_body(&rq, &b), RC_OK, "at 26");
		want_str(buf_str(&b), "abcdefghijklmnopqrstuvwxyz", "all");
		want_rc(req_body(&rq, &b), RC_OK, "nothing is left");
		want_i64((int64_t)b.len, 26, "nothing was added");
		buf_free(&b);
	}
}

static void
a_problem_replaces_what_was_built(void **state)
{
	struct resp rs = RESP_INIT;

	(void)state;
	resp_header(&rs, "X-Lost", "yes");
	buf_puts(&rs.body, "half");
	resp_problem(&rs, 422, "It is \"wrong\".");
	want_str(buf_str(&rs.head), "", "head");
	want_str(rs.type, "application/problem+json", "type");
	want_str(buf_str(&rs.body), "{\"type\":\"about:blank\",\"title\":"
	    "\"Unprocessable Content\",\"status\":422,"
	    "\"detail\":\"It is \\\"wrong\\\".\"}", "body");
	resp_problem_error(&rs, "/a", "one [x]}");
	want_str(buf_str(&rs.body), "{\"type\":\"about:blank\",\"title\":"
	    "\"Unprocessable Content\",\"status\":422,"
	    "\"detail\":\"It is \\\"wrong\\\".\",\"errors\":["
	    "{\"pointer\":\"/a\",\"detail\":\"one [x]}\"}]}", "one error");
	resp_problem_error(&rs, "", "two");
	want_str(buf_str(&rs.body), "{\"type\":\"about:blank\",\"title\":"
	    "\"Unprocessable Content\",\"status\":422,"
	    "\"detail\":\"It is \\\"wrong\\\".\",\"errors\":["
	    "{\"pointer\":\"/a\",\"detail\":\"one [x]}\"},"
	    "{\"pointer\":\"\",\"detail\":\"two\"}]}", "two errors");
	resp_clear(&rs);
}

static void
a_problem_that_ends_like_a_list_gets_its_errors(void **state)
{
	struct resp rs = RESP_INIT;

	(void)state;
	resp_problem(&rs, 400, "ends in ]");
	resp_problem_error(&rs, "/a", "b");
	want_str(buf_str(&rs.body), "{\"type\":\"about:blank\",\"title\":"
	    "\"Bad Request\",\"status\":400,\"detail\":\"ends in ]\","
	    "\"errors\":[{\"pointer\":\"/a\",\"detail\":\"b\"}]}", "body");
	resp_clear(&rs);
}

static void
a_header_can_not_be_forged(void **state)
{
	struct resp rs = RESP_INIT;

	(void)state;
	resp_header(&rs, "Location", "/a\r\nSet-Cookie: b");
	want_str(buf_str(&rs.head), "Location: /a  Set-Cookie: b\r\n", "head");
	resp_clear(&rs);
}

static void
an_answer_is_printed_as_cgi_has_it(void **state)
{
	static const struct {
		int status;
		bool head;
		const char *header, *body;
		const char *want;
		size_t sends;
	} t[] = {
		{ 202, false, NULL, "{}", "Status: 202 Accepted\r\n"
		    "Content-Type: application/json\r\n"
		    "Content-Length: 2\r\n\r\n", 2 },
		{ 200, true, NULL, "{}", "Status: 200 OK\r\n"
		    "Content-Type: application/json\r\n"
		    "Content-Length: 2\r\n\r\n", 0 },
		{ 204, false, NULL, "{}", "Status: 204 No Content\r\n\r\n", 0 },
		{ 304, false, "ETag", "{}", "Status: 304 Not Modified\r\n"
		    "ETag: x\r\n\r\n", 0 },
		{ 401, false, NULL, "{}", "Status: 401 Unauthorized\r\n"
		    "Content-Type: application/json\r\n"
		    "Content-Length: 2\r\nWWW-Authenticate: Bearer\r\n\r\n",
		    2 },
		{ 401, false, "www-authenticate", "", "Status: 401 "
		    "Unauthorized\r\nContent-Type: application/json\r\n"
		    "Content-Length: 0\r\nwww-authenticate: x\r\n\r\n", 0 },
		{ 503, false, NULL, "", "Status: 503 Service Unavailable\r\n"
		    "Content-Type: application/json\r\n"
		    "Content-Length: 0\r\nRetry-After: 1\r\n\r\n", 0 },
		{ 503, false, "Retry-After", "", "Status: 503 Service "
		    "Unavailable\r\nContent-Type: application/json\r\n"
		    "Content-Length: 0\r\nRetry-After: x\r\n\r\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		struct resp rs = RESP_INIT;
		struct buf out = BUF_INIT(4096);
		size_t n;

		rs.status = t[i].status;
		if (t[i].header != NULL)
			resp_header(&rs, t[i].header, "x");
		buf_puts(&rs.body, t[i].body);
		n = resp_print(&rs, t[i].head, &out);
		want_str(buf_str(&out), t[i].want, "case %zu", i);
		want_i64((int64_t)n, (int64_t)t[i].sends, "body of case %zu",
		    i);
		resp_clear(&rs);
		buf_free(&out);
	}
}

static void
an_answer_over_its_ceiling_is_a_500_and_never_cut(void **state)
{
	struct resp rs = RESP_INIT;
	struct buf out = BUF_INIT(4096);

	(void)state;
	rs.body.max = 200;
	for (int i = 0; i < 50; i++)
		buf_puts(&rs.body, "abcdefg");
	resp_print(&rs, false, &out);
	want_i64(rs.status, 500, "status");
	want_i64(strncmp(buf_str(&out), "Status: 500 ", 12), 0, "printed");
	want_i64(strncmp(buf_str(&rs.body), "{\"type\"", 7), 0, "a problem");
	resp_reset(&rs);
	want_i64(rs.status, 200, "status of the next");
	want_i64(rs.body.over, false, "flag of the next");
	resp_clear(&rs);
	buf_free(&out);
}

static void
every_result_has_its_status_and_every_status_its_reason(void **state)
{
	static const struct { enum rc rc; int want; } t[] = {
		{ RC_OK, 200 }, { RC_NOTFOUND, 404 }, { RC_EXISTS, 409 },
		{ RC_STALE, 412 }, { RC_INVALID, 422 }, { RC_TOOBIG, 413 },
		{ RC_DENIED, 403 }, { RC_RETRY, 503 }, { RC_FULL, 503 },
		{ RC_IO, 503 },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(t); i++) {
		want_i64(http_status_of(t[i].rc), t[i].want, "%s",
		    rc_name(t[i].rc));
		assert_string_not_equal(http_reason(t[i].want), "Unknown");
	}
	want_i64(http_status_of((enum rc)99), 500, "no result at all");
	want_str(http_reason(207), "Multi-Status", "207");
	want_str(http_reason(299), "Unknown", "299");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_path_finds_its_route_and_its_segments),
	    cmocka_unit_test(the_path_is_found_whatever_the_server_says),
	    cmocka_unit_test(a_path_in_the_query_longer_than_any_is_not_cut),
	    cmocka_unit_test(the_key_is_found_in_each_of_its_places),
	    cmocka_unit_test(credentials_longer_than_any_are_refused_whole),
	    cmocka_unit_test(type_length_and_method_are_read_as_they_stand),
	    cmocka_unit_test(a_parameter_is_found_by_its_whole_name),
	    cmocka_unit_test(a_query_argument_is_decoded_as_form_data),
	    cmocka_unit_test(a_body_is_read_to_its_length_or_its_end),
	    cmocka_unit_test(a_body_known_to_be_too_long_is_hardly_read),
	    cmocka_unit_test(reading_goes_on_where_too_big_stopped),
	    cmocka_unit_test(a_problem_replaces_what_was_built),
	    cmocka_unit_test(a_problem_that_ends_like_a_list_gets_its_errors),
	    cmocka_unit_test(a_header_can_not_be_forged),
	    cmocka_unit_test(an_answer_is_printed_as_cgi_has_it),
	    cmocka_unit_test(an_answer_over_its_ceiling_is_a_500_and_never_cut),
	    cmocka_unit_test(
		every_result_has_its_status_and_every_status_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
