"""The life of a program behind a web server: routes, keys, bodies, its end."""

import base64
import collections
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import (STDIN, FastCgi, Program, begin_record, built, is_alive,
                     keep_sanitizers, params_record, parse_cgi, record,
                     run_cgi, wait_for)

ECHO = built("tests/e2e/echo_prog")
MODES = ["fcgi", "cgi"]
PROBLEM = "application/problem+json"


@pytest.fixture
def conf(directory):
    """A configuration whose store directory exists, which is all echo needs."""
    os.mkdir(directory("store"))
    return directory.write("skycap.conf", "[intake]\nthreads = 8\n")


@pytest.fixture
def trace(directory):
    return Trace(directory("trace"))


class Trace:
    """What the program wrote of its own life: (pid, word, what)."""

    def __init__(self, path):
        self.path = path

    def lines(self):
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="utf-8") as f:
            return [tuple(line.split(" ", 2)) for line in
                    f.read().splitlines()]

    def words(self, pid=None):
        return [word for p, word, _ in self.lines()
                if pid is None or int(p) == pid]

    def handled(self):
        return [what for _, word, what in self.lines() if word == "handled"]


@pytest.fixture
def echo(serve, conf, trace):
    """echo(mode, **more) serves the echo program at /echo."""
    def start(mode="fcgi", settings="", **more):
        env = {"SKYCAP_CONF": conf, "ECHO_TRACE": trace.path,
               **more.pop("env", {})}
        return serve(Program("/echo", more.pop("path", ECHO), mode, env=env,
                             **more), settings=settings)
    return start


# Routes and keys


@pytest.mark.parametrize("mode", MODES)
def test_the_route_is_found_behind_a_prefix(echo, mode):
    server = echo(mode)
    for path, want in [
            ("/echo", "/"), ("/echo/", "/"), ("/echo?a=b", "/"),
            ("/echo/show", "/show"), ("/echo/show?path=/nope", "/show"),
            ("/echo/show/7", "/show/7"),
            ("/echo?path=/show/8", "/show/8"),
            ("/echo?path=%2Fshow%2F9", "/show/9")]:
        got = server.get(path)
        assert got.status == 200, (path, got)
        assert got.json()["path"] == want, path
        assert got.json()["standing"] == ("yes" if mode == "fcgi" else "no")
    got = server.get("/echo/show/a/to/b%20c").json()
    assert (got["param0"], got["param1"]) == ("a", "b c")


def test_the_route_is_found_at_the_root_and_behind_the_site_prefix(
        serve, directory):
    os.mkdir(directory("store"))
    conf = directory.write("skycap.conf", "[site]\nprefix = /hooks\n")
    # At "/" lighttpd gives all of the path as SCRIPT_NAME.
    server = serve(Program("/", ECHO, env={"SKYCAP_CONF": conf}))
    for path, want in [("/show/1", "/show/1"), ("/hooks/show/2", "/show/2"),
                       ("/hooks/echo/show/3", "/show/3"),
                       ("/echo/show/4", "/show/4"), ("/hooks/echo", "/")]:
        got = server.get(path)
        assert (got.status, got.json().get("path")) == (200, want), path


@pytest.mark.parametrize("mode", MODES)
def test_the_key_is_taken_in_each_form(echo, mode):
    server = echo(mode)
    basic = "Basic " + base64.b64encode(b"ann:s:ecret").decode()
    for headers, key, user, password in [
            ({}, None, None, None),
            ({"Authorization": "Bearer pub_1"}, "pub_1", None, None),
            ({"authorization": "bearer  pub_1"}, "pub_1", None, None),
            ({"X-Skycap-Key": "pub_2"}, "pub_2", None, None),
            ({"X-Skycap-Key": "pub_2", "Authorization": "Bearer pub_1"},
             "pub_1", None, None),
            ({"Authorization": basic}, None, "ann", "s:ecret"),
            ({"Authorization": basic, "X-Skycap-Key": "pub_2"}, "pub_2",
             "ann", "s:ecret")]:
        got = server.get("/echo/show", headers).json()
        assert (got["key"], got["user"], got["password"]) == (
            key, user, password), headers


def test_the_key_is_taken_where_apache_moves_it(conf):
    got = run_cgi(ECHO, {"SKYCAP_CONF": conf, "PATH_INFO": "/show",
                         "REDIRECT_HTTP_AUTHORIZATION": "Bearer pub_3"})
    assert got.json()["key"] == "pub_3"


@pytest.mark.parametrize("mode", MODES)
def test_type_and_encoding_are_told(echo, mode):
    got = echo(mode).post("/echo/show", b"{}", {
        "Content-Type": "Application/JSON; charset=utf-8",
        "Content-Encoding": "gzip"}).json()
    assert got["type"] == "application/json"
    assert got["encoding"] == "gzip"
    assert got["length"] == 2


@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_there_is_a_404_and_a_wrong_method_a_405(echo, mode):
    server = echo(mode)
    for method, path, status, allow in [
            ("GET", "/echo/nothing", 404, None),
            ("POST", "/echo/nothing", 404, None),
            ("OPTIONS", "/echo/nothing", 404, None),
            ("GET", "/echo/show/", 404, None),
            ("POST", "/echo/show/7", 405, "GET, HEAD"),
            ("GET", "/echo/body", 405, "POST"),
            ("HEAD", "/echo/body", 405, "POST"),
            ("PUT", "/echo/show", 405, "GET, HEAD, POST"),
            ("DELETE", "/echo/show", 405, "GET, HEAD, POST"),
            ("OPTIONS", "/echo/show", 405, "GET, HEAD, POST")]:
        got = server.request(method, path)
        assert got.status == status, (method, path, got)
        assert got.headers.get("allow") == allow, (method, path)
        assert got.headers["content-type"] == PROBLEM
        if method != "HEAD":
            assert got.json()["status"] == status


@pytest.mark.parametrize("mode", MODES)
def test_head_is_get_without_the_body(echo, mode):
    server = echo(mode)
    got = server.request("HEAD", "/echo/bytes?n=12345")
    assert got.status == 200
    assert got.headers["content-length"] == "12345"
    assert got.body == b""
    assert server.get("/echo/bytes?n=3").body == b"abc"


@pytest.mark.parametrize("mode", MODES)
def test_a_problem_replaces_what_was_built(echo, mode):
    got = echo(mode).get("/echo/problem")
    assert got.status == 422
    assert got.headers["content-type"] == PROBLEM
    assert got.json() == {
        "type": "about:blank", "title": "Unprocessable Content",
        "status": 422, "detail": 'Two things are "wrong".',
        "errors": [
            {"pointer": "/order/agwID", "detail": "is missing"},
            {"pointer": "/event", "detail": "is unknown"}]}
    assert "x-gone" not in got.headers
    assert "x-forged" not in got.headers
    assert got.headers["x-kept"].startswith("one")


# Bodies


@pytest.mark.parametrize("mode", MODES)
def test_bodies_arrive_whole_and_large_answers_leave_whole(echo, mode):
    server = echo(mode)
    for n in [0, 1, 600, 8191, 8192, 8193, 65535, 65536, 1024 * 1024]:
        body = os.urandom(n)
        got = server.post("/echo/body", body)
        assert got.status == 200, (n, got)
        assert got.json() == {"n": n, "sum": sum(body)}
    for n in [0, 1, 8000, 8192, 1_000_000]:
        got = server.get(f"/echo/bytes?n={n}")
        assert got.body == (b"abcdefghijklmnopqrstuvwxyz" * (n // 26 + 1))[:n]


@pytest.mark.parametrize("mode", MODES)
def test_a_body_over_the_limit_is_a_413_that_arrives(echo, mode):
    server = echo(mode)
    for n, limit in [(101, 100), (1024 * 1024 + 1, 1024 * 1024),
                     (8 * 1024 * 1024, 1000)]:
        got = server.post(f"/echo/body?max={limit}", b"x" * n)
        assert got.status == 413, (n, got)
    assert server.post("/echo/body?max=100", b"x" * 100).status == 200


@pytest.mark.parametrize("mode", MODES)
def test_a_body_nobody_reads_does_not_spoil_the_answer(echo, mode):
    server = echo(mode)
    for _ in range(3):
        assert server.post("/echo/nothing", b"x" * 3_000_000).status == 404
        assert server.post("/echo/show", b"x" * 3_000_000).status == 200


@pytest.mark.parametrize("mode", MODES)
def test_a_chunked_body_is_taken(echo, mode):
    # lighttpd collects it first; told to hand it on as it comes, it refuses.
    got = echo(mode).post("/echo/body", iter([b"ab", b"cde"]),
                          {"Transfer-Encoding": "chunked"}, chunked=True)
    assert got.json() == {"n": 5, "sum": sum(b"abcde")}, got


def test_a_body_without_length_is_read_to_its_end(conf):
    env = {"SKYCAP_CONF": conf, "REQUEST_METHOD": "POST", "PATH_INFO": "/body"}
    for n in [0, 5, 100_000]:
        assert run_cgi(ECHO, env, b"x" * n).json()["n"] == n
    for n, status in [(100, 200), (101, 413)]:
        got = run_cgi(ECHO, {**env, "QUERY_STRING": "max=100"}, b"x" * n)
        assert got.status == status
    with FastCgi(ECHO, {"SKYCAP_CONF": conf}) as program:
        for n in [0, 5, 100_000]:
            got = program.request({"REQUEST_METHOD": "POST",
                                   "PATH_INFO": "/body"}, b"x" * n)
            assert got.json()["n"] == n
        for n, status in [(100, 200), (101, 413)]:
            got = program.request({
                "REQUEST_METHOD": "POST", "PATH_INFO": "/body",
                "QUERY_STRING": "max=100"}, b"x" * n)
            assert got.status == status


def test_a_socket_for_body_and_answer_is_not_reset(conf):
    # As Apache's mod_cgid has it; the body is sent before anything is read.
    ours, theirs = socket.socketpair()
    with ours, subprocess.Popen(
            [ECHO], stdin=theirs, stdout=theirs,
            env={**keep_sanitizers(), "GATEWAY_INTERFACE": "CGI/1.1",
                 "REQUEST_METHOD": "POST", "PATH_INFO": "/nothing",
                 "CONTENT_LENGTH": "3000000", "SKYCAP_CONF": conf}) as process:
        theirs.close()
        ours.settimeout(20)
        ours.sendall(b"x" * 3_000_000)
        raw = b""
        while more := ours.recv(65536):
            raw += more
        assert parse_cgi(raw).status == 404
        ours.shutdown(socket.SHUT_WR)
        assert process.wait(5) == 0


def test_a_body_cut_short_is_told_from_a_whole_one(echo, conf, trace):
    got = run_cgi(ECHO, {"SKYCAP_CONF": conf, "REQUEST_METHOD": "POST",
                         "PATH_INFO": "/body", "CONTENT_LENGTH": "100"},
                  b"x" * 99)
    assert got.status == 400
    # A client that hangs up half way, with the body handed on as it comes.
    server = echo("fcgi", "server.stream-request-body = 2\n")
    for n in (0, 10, 50_000):
        before = trace.words().count("RC_INVALID")
        with server.connect() as s:
            s.sendall(b"POST /echo/body HTTP/1.1\r\nHost: a\r\n"
                      b"Content-Length: 100000\r\n\r\n" + b"x" * n)
            time.sleep(0.05 if n else 0)
        if n > 0:
            wait_for("the program notices", lambda: trace.words().count(
                "RC_INVALID") > before)
    assert "RC_OK" not in trace.words()
    assert server.post("/echo/body", b"whole").json()["n"] == 5


# Starting


def test_from_a_terminal_it_says_what_it_is():
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        done = subprocess.run([ECHO], stdin=stdin, capture_output=True,
                              env=keep_sanitizers(), check=False)
        assert done.returncode == 2
        assert b"a program of Skycap" in done.stderr
        assert done.stdout == b""
    for args, status in [(["--help"], 0), (["--version"], 0),
                         (["--nonsense"], 2), (["--conf"], 2)]:
        done = subprocess.run([ECHO, *args], stdin=subprocess.DEVNULL,
                              capture_output=True, env=keep_sanitizers(),
                              check=False)
        assert done.returncode == status, args
        assert b"kycap" in (done.stderr if status else done.stdout), args


def test_words_of_a_query_are_no_arguments_of_a_cgi_program(echo, conf):
    server = echo("cgi")
    got = server.get("/echo/show?--help")
    assert (got.status, got.json()["query"]) == (200, "--help")
    got = run_cgi(ECHO, {"SKYCAP_CONF": conf, "PATH_INFO": "/show"},
                  args=["--conf", "/nonexistent"])
    assert got.status == 200


def test_the_configuration_is_found_in_order(serve, conf, directory, trace):
    other = directory.write("other.conf", "[store]\ndir = store\n")
    env = {"ECHO_TRACE": trace.path}

    def opened_with(**program):
        server = serve(Program("/echo", ECHO, **program))
        assert server.get("/echo/show").status == 200
        server.stop()
        return [what for _, word, what in trace.lines() if word == "open"][-1]

    assert opened_with(env=env, params={"SKYCAP_CONF": other}) == other
    assert opened_with(env={**env, "SKYCAP_CONF": conf},
                       params={"SKYCAP_CONF": other}) == conf
    assert opened_with(env={**env, "SKYCAP_CONF": other},
                       args=f"--conf {conf}") == conf


def test_it_opens_at_start_when_the_configuration_is_known(conf, trace):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf, "ECHO_TRACE": trace.path}):
        wait_for("it opens without a request", lambda: trace.words() ==
                 ["open"])
    with FastCgi(ECHO, {"ECHO_TRACE": trace.path}) as program:
        got = program.request({"PATH_INFO": "/show", "SKYCAP_CONF": conf})
        assert got.status == 200
        assert trace.words() == ["open", "open"]


@pytest.mark.parametrize("mode", MODES)
def test_while_it_can_not_open_it_answers_503(echo, directory, mode):
    fail = directory.write("fail", "")
    server = echo(mode, env={"ECHO_FAIL": fail})
    for _ in range(3):
        got = server.get("/echo/show")
        assert got.status == 503
        assert got.headers["retry-after"] == "1"
        assert got.headers["content-type"] == PROBLEM
        assert got.json()["status"] == 503
    os.unlink(fail)
    wait_for("it opens when it can",
             lambda: server.get("/echo/show").status == 200, 3)


def test_it_tries_to_open_at_most_once_a_second(conf, directory):
    fail = directory.write("fail", "")
    with FastCgi(ECHO, {"SKYCAP_CONF": conf, "ECHO_FAIL": fail}) as program:
        started = time.monotonic()
        for _ in range(50):
            assert program.request({"PATH_INFO": "/show"}).status == 503
        took = time.monotonic() - started
        assert 1 <= program.log().count("told to fail") <= 2 + took


def test_without_a_configuration_it_answers_503_and_says_why(directory):
    missing = directory("missing.conf")
    with FastCgi(ECHO, {"SKYCAP_CONF": missing}) as program:
        assert program.request({"PATH_INFO": "/show"}).status == 503
        assert "missing.conf" in program.log()


# Many at once


def test_requests_overlap_up_to_the_number_of_threads(echo):
    server = echo()
    answers = collections.Counter()

    def go():
        got = server.get("/echo/gate?n=8")
        answers[got.status, got.json().get("most")] += 1

    threads = [threading.Thread(target=go) for _ in range(24)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    # 24 came, 8 were in it at once, and there never were more.
    assert answers == {(200, 8): 24}
    [pid] = server.pids(ECHO)
    assert len(os.listdir(f"/proc/{pid}/task")) == 8 + 1


def test_threads_start_only_as_requests_overlap(conf):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf}) as program:
        for _ in range(50):
            assert program.request({"PATH_INFO": "/show"}).status == 200
        # The main thread, the one that answered, and one in reserve.
        assert len(os.listdir(f"/proc/{program.process.pid}/task")) == 3


def test_a_kept_connection_takes_request_after_request(conf):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf}) as program:
        c = program.connect()
        for i in range(20):
            c.send({"REQUEST_METHOD": "POST", "PATH_INFO": "/body",
                    "CONTENT_LENGTH": str(i)}, b"x" * i, keep=True)
            assert c.answer().json()["n"] == i
            c.send({"REQUEST_METHOD": "GET", "PATH_INFO": f"/show/{i}"},
                   keep=True)
            assert c.answer().json()["param0"] == str(i)
        # With a body left unread the next request could not be told from it.
        c.send({"REQUEST_METHOD": "POST", "PATH_INFO": "/nothing",
                "CONTENT_LENGTH": "100000"}, b"x" * 100000, keep=True)
        assert c.answer().status == 404
        assert c.is_closed()


def test_kept_connections_do_not_starve_others(conf):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf}) as program:
        kept = [program.connect() for _ in range(8)]    # as many as threads
        for c in kept:
            c.send({"REQUEST_METHOD": "GET", "PATH_INFO": "/show"}, keep=True)
        for c in kept:
            assert c.answer().status == 200
        for _ in range(20):
            assert program.request({"PATH_INFO": "/show"}).status == 200


def test_a_server_that_connects_and_says_nothing_is_hung_up_on(conf):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf}) as program:
        silent = [program.connect() for _ in range(8)]  # as many as threads
        assert program.request({"PATH_INFO": "/show"}).status == 200
        for c in silent:
            assert c.is_closed()


def test_nonsense_on_the_socket_costs_only_its_connection(conf):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf}) as program:
        for junk in (b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 5000,
                     b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01"):
            c = program.connect()
            c.socket.sendall(junk)
            c.close()
            assert program.request({"PATH_INFO": "/show"}).status == 200
        assert program.process.poll() is None


def test_over_tcp_only_listed_servers_are_served(conf):
    for listed, served in [("127.0.0.1", True), ("10.0.0.1, 127.0.0.1", True),
                           ("10.0.0.1", False), ("127.0.0.11", False)]:
        env = {"SKYCAP_CONF": conf, "FCGI_WEB_SERVER_ADDRS": listed}
        with FastCgi(ECHO, env, tcp=True) as program:
            c = program.connect()
            try:
                c.send({"REQUEST_METHOD": "GET", "PATH_INFO": "/show"})
                got = c.answer()
            except OSError:
                got = None
            assert (got is not None) == served, listed


# Ending


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGUSR1,
                                 signal.SIGINT, signal.SIGHUP])
def test_an_idle_program_ends_at_once_and_in_order(conf, trace, sig):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf,
                        "ECHO_TRACE": trace.path}) as program:
        assert program.request({"PATH_INFO": "/show"}).status == 200
        flags = read_flags(program)
        started = time.monotonic()
        program.process.send_signal(sig)
        assert program.process.wait(5) == 0
        assert time.monotonic() - started < 1
        assert trace.words() == ["open", "stopping", "close"]
        assert read_flags(program) == flags


def read_flags(program):
    """Of the listening socket, which is the web server's own."""
    with open(f"/proc/self/fdinfo/{program.listener.fileno()}",
              encoding="ascii") as f:
        return [line for line in f if line.startswith("flags")]


def test_silent_and_kept_connections_do_not_hold_up_the_end(conf):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf}) as program:
        silent = [program.connect() for _ in range(3)]
        kept = program.connect()
        kept.send({"REQUEST_METHOD": "GET", "PATH_INFO": "/show"}, keep=True)
        assert kept.answer().status == 200
        program.process.terminate()
        assert program.process.wait(5) == 0
        assert kept.is_closed()
        for c in silent:
            c.close()


def test_a_request_under_way_is_finished_before_the_end(conf, trace):
    with FastCgi(ECHO, {"SKYCAP_CONF": conf,
                        "ECHO_TRACE": trace.path}) as program:
        c = program.connect()
        c.socket.sendall(begin_record(False) + params_record(
            {"REQUEST_METHOD": "POST", "PATH_INFO": "/body",
             "CONTENT_LENGTH": "5"}) + record(STDIN, b"hel"))
        wait_for("its body is read", lambda: "reading" in trace.words())
        program.process.terminate()
        wait_for("it was told", lambda: "stopping" in trace.words())
        time.sleep(0.7)         # any poke that could hit the read has come
        assert program.process.poll() is None
        c.socket.sendall(record(STDIN, b"lo") + record(STDIN))
        assert c.answer().json()["n"] == 5
        assert program.process.wait(5) == 0
        assert trace.words()[-1] == "close"


def test_sigterm_under_load_loses_no_answer(echo, trace):
    server = echo()
    assert server.get("/echo/show").status == 200
    stop = threading.Event()
    answered = [set() for _ in range(8)]

    def go(mine, n):
        i = 0
        while not stop.is_set():
            i += 1
            try:
                got = server.get(f"/echo/show?id={n}-{i}")
            except OSError:
                continue
            if got.status == 200:
                mine.add(f"{n}-{i}")

    threads = [threading.Thread(target=go, args=(answered[n], n))
               for n in range(8)]
    for t in threads:
        t.start()
    ended = set()
    try:
        for _ in range(3):
            before = len(trace.handled())
            wait_for("requests flow",
                     lambda: len(trace.handled()) > before + 200, 20)
            [pid] = wait_for("it runs", lambda: server.pids(ECHO))
            os.kill(pid, signal.SIGTERM)
            wait_for("it ends", lambda: not is_alive(pid), 5)
            assert trace.words(pid)[-1] == "close"
            ended.add(pid)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert len(ended) == 3
    # Whatever was handled was answered: an accepted event is never in doubt.
    assert set(trace.handled()) - set().union(*answered) == set()


def test_children_of_a_killed_lighttpd_vanish(echo, trace):
    server = echo(procs=2)
    assert server.get("/echo/show").status == 200
    children = server.pids(ECHO)
    assert len(children) == 2
    # One of them has had no request yet: its parent is settled after 2 s.
    wait_for("both are open", lambda: trace.words().count("open") == 2)
    time.sleep(2.6)
    server.kill()
    wait_for("they are gone", lambda: not any(map(is_alive, children)), 3)
    assert trace.words().count("close") == 2


def test_a_program_that_has_served_vanishes_with_its_parent_at_once(
        echo, trace):
    server = echo()
    assert server.get("/echo/show").status == 200
    [child] = server.pids(ECHO)
    server.kill()
    wait_for("it is gone", lambda: not is_alive(child), 3)
    assert trace.words() == ["open", "stopping", "close"]


def test_a_program_left_to_init_by_its_starter_lives(conf, directory):
    # As spawn-fcgi does: the parent is gone before the first request.
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(directory("s"))
    listener.listen(8)
    pid = int(subprocess.run(
        ["sh", "-c", '"$0" >/dev/null 2>&1 <&3 & echo $!; exec 3<&-', ECHO],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
        env={**keep_sanitizers(), "SKYCAP_CONF": conf},
        preexec_fn=lambda: os.dup2(listener.fileno(), 3),
        pass_fds=[3]).stdout)
    try:
        time.sleep(3.2)
        assert is_alive(pid)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for("it ends", lambda: not is_alive(pid), 2)


@pytest.mark.parametrize("how", ["renamed over", "removed"])
def test_a_replaced_binary_ends_itself(conf, directory, trace, how):
    program_path = directory("echo.fcgi")
    shutil.copy2(ECHO, program_path)
    with FastCgi(program_path, {"SKYCAP_CONF": conf,
                                "ECHO_TRACE": trace.path}) as program:
        assert program.request({"PATH_INFO": "/show"}).status == 200
        time.sleep(0.7)                 # it has looked, and found itself
        assert program.process.poll() is None
        if how == "removed":
            os.unlink(program_path)
        else:
            shutil.copy2(ECHO, directory("new"))
            os.rename(directory("new"), program_path)
        assert program.process.wait(3) == 0
        assert "binary was replaced" in program.log()
        assert trace.words() == ["open", "stopping", "close"]


def test_lighttpd_starts_the_new_binary(echo, directory):
    program_path = directory("echo.fcgi")
    shutil.copy2(ECHO, program_path)
    server = echo(path=program_path)
    old = server.get("/echo/show").json()["pid"]
    shutil.copy2(ECHO, directory("new"))
    os.rename(directory("new"), program_path)
    wait_for("the old one ends", lambda: not is_alive(old), 3)

    def new():
        got = server.get("/echo/show")
        return got.status == 200 and got.json()["pid"] != old
    wait_for("a new one answers", new, 10)


def test_a_cgi_process_told_to_stop_finishes_its_request(conf, trace):
    process = subprocess.Popen(
        [ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**keep_sanitizers(), "GATEWAY_INTERFACE": "CGI/1.1",
             "REQUEST_METHOD": "POST", "PATH_INFO": "/body",
             "CONTENT_LENGTH": "5", "SKYCAP_CONF": conf,
             "ECHO_TRACE": trace.path})
    wait_for("it is open", lambda: "open" in trace.words())
    process.send_signal(signal.SIGTERM)
    wait_for("it was told", lambda: "stopping" in trace.words())
    out, _ = process.communicate(b"hello", 10)
    assert process.returncode == 0
    assert parse_cgi(out).json()["n"] == 5
    assert [w for w in trace.words() if w != "reading"] == [
        "open", "stopping", "RC_OK", "close"]
