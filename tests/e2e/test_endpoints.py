"""Endpoints that misbehave: each message ends as it should, none is late."""

import json
import os
import subprocess
import time

import harness
import pytest
from endpoints import OK, Deaf, Raw, http
from service import ticketed


@pytest.fixture
def raw():
    """raw(behave) starts a Raw for the test."""
    started = []

    def start(behave):
        started.append(Raw(behave))
        return started[-1]

    yield start
    for r in started:
        r.close()


def show(s, delivery):
    return json.loads(s.run("show", delivery["id"], "--json"))


def says(data, then=lambda s: None):
    """Answer every connection's first request so, and hang up."""
    def behave(s, n):
        http(s)
        s.sendall(data)
        then(s)
    return behave


def for_ever(data):
    def then(s):
        while True:
            s.sendall(data)
    return then


def hang(s):
    while s.recv(65536):
        pass


def dripping(head, body):
    def behave(s, n):
        http(s)
        s.sendall(head)
        for b in body:
            s.sendall(bytes([b]))
            time.sleep(0.3)
    return behave


def gigabyte(s):
    block = b"x" * 65536
    for _ in range(16384):
        s.sendall(block)


HEAD = b"HTTP/1.1 200 OK\r\n"
# What it does, and (state, word, in the sentence) of each message to it.
BAD = {
    "accepts and never answers":
        (lambda s, n: hang(s), "dead", "timeout", "waiting for the answer"),
    "answers a byte at a time":
        (dripping(b"", HEAD), "dead", "timeout", "waiting for the answer"),
    "sends its headers a byte at a time":
        (dripping(HEAD, b"x-a: " + b"b" * 40), "delivered", "ok", "200"),
    "sends its body a byte at a time":
        (dripping(HEAD + b"content-length: 99\r\n\r\n", b"x" * 99),
         "delivered", "ok", "cut off"),
    "sends a gigabyte":
        (says(HEAD + b"\r\n", gigabyte), "delivered", "ok", "truncated"),
    "sends headers without end":
        (says(HEAD, for_ever(b"x-a: b\r\n")), "delivered", "ok", "200"),
    "sends a status line without end":
        (says(b"HTTP/1.1 200 ", for_ever(b"OK")), "dead", "protocol", ""),
    "sends 100 Continue without end":
        (says(b"", for_ever(b"HTTP/1.1 100 Continue\r\n\r\n")),
         "dead", "protocol", "64 KiB"),
    "closes without a word": (says(b""), "dead", "reset", "closed"),
    "closes within the status line": (says(b"HTTP/1.1 5"), "dead", "reset", ""),
    "closes within the headers":
        (says(b"HTTP/1.1 500 Oh\r\nx-a"), "dead", "http", "500"),
    "closes within the body":
        (says(HEAD + b"content-length: 99\r\n\r\nhalf"), "delivered", "ok",
         "cut off"),
    "is no HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "dead", "protocol", ""),
    "is HTTP/0.9": (says(b"<p>hello"), "dead", "protocol", ""),
    "is HTTP/2 alone":
        (says(b"\0\0\0\4\0\0\0\0\0"), "dead", "protocol", ""),
    "closes after each answer":
        (says(HEAD + b"connection: close\r\ncontent-length: 0\r\n\r\n"),
         "delivered", "ok", "200"),
    "asks for a protocol of its own":
        (says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
              hang), "dead", "http", "101"),
}


def redirect(to):
    return says(b"HTTP/1.1 302 Found\r\nlocation: " + to.encode() +
                b"\r\ncontent-length: 0\r\n\r\n")


def test_whatever_endpoints_do_messages_end_and_others_are_not_late(
        service, receiver, raw):
    good, inner = receiver(), receiver()
    itself = raw(lambda s, n: redirect(itself.url())(s, n))
    elsewhere, deaf = raw(redirect(inner.url())), Deaf()
    refusing = harness.free_port()
    s = service().start()
    client = s.client()
    want = {}

    def bad(url, *expected, **settings):
        sub = s.subscribe(url, client, timeout_s=2, retry_s=[1], **settings)
        want[sub] = expected

    for what, (behave, *expected) in BAD.items():
        bad(raw(behave).url(), what, *expected)
    bad(itself.url(), "redirects to itself", "dead", "http", "302")
    bad(elsewhere.url(), "redirects inside", "dead", "http", "302")
    bad(deaf.url(), "never accepts", "dead", "timeout", "waiting")
    bad(deaf.url("https"), "never accepts, with TLS", "dead", "timeout",
        "agreeing on TLS")
    bad(f"http://127.0.0.1:{refusing}/", "refuses", "dead", "refused",
        "refused")
    s.subscribe(good.url(), client, events=("OrderTicketed", "OrderCreated"))

    s.post(ticketed("A-BAD"))
    late = []
    for i in range(40):     # while they have their time and second try
        begun = time.monotonic()
        event = ticketed(f"A-{i}")
        event["event"] = "OrderCreated"
        assert s.post(event).status == 202
        good.wait(i + 2, 5)
        late.append(time.monotonic() - begun)
        time.sleep(0.05)
    late.sort()
    assert late[len(late) // 2] < 0.5, late

    harness.wait_for("every message has its end", lambda: all(
        d["state"] in ("dead", "delivered") for d in s.deliveries()), 20)
    got = {d["subscription"]: show(s, d) for d in s.deliveries()
           if d["subscription"] in want}
    assert len(got) == len(want)
    faults = []
    for sub, (what, state, word, sentence) in want.items():
        log = got[sub]["log"]
        tries = 1 if state == "delivered" else 2
        words = [a["word"] for a in log]
        if got[sub]["state"] != state or words != [word] * tries or \
                any(sentence not in a["sentence"] for a in log):
            faults.append((what, got[sub]["state"],
                           [(a["word"], a["sentence"]) for a in log]))
        for a in log:
            if not 0 < a["duration_us"]["total"] < 4_000_000:
                faults.append((what, a))
    assert faults == [], "\n".join(map(str, faults))
    assert inner.got == []
    assert itself.connections <= 2
    assert len(good.got) == 41
    deaf.close()


def test_a_kept_connection_that_is_closed_at_reuse_costs_no_attempt(
        service, raw):
    def behave(s, n):
        http(s)
        s.sendall(OK)
        http(s)         # and is gone without a word

    endpoint = raw(behave)
    s = service().start()
    s.subscribe(endpoint.url(), retry_s=[], concurrency=1)
    for i in range(5):
        s.post(ticketed(f"A-{i}"))
        harness.wait_for("it is delivered", lambda: [
            d["state"] for d in s.deliveries()] == ["delivered"] * (i + 1))
    assert endpoint.connections == 5
    assert {d["attempts"] for d in s.deliveries()} == {1}
    assert all(len(show(s, d)["log"]) == 1 for d in s.deliveries())


def test_sweeping_ends_in_time_whatever_hangs(service, raw):
    endpoint = raw(lambda s, n: hang(s))
    s = service()
    s.subscribe(endpoint.url(), timeout_s=30)
    s.run("send", "-", stdin=json.dumps(ticketed()))
    process = subprocess.Popen([harness.built("skycap"), "sweep"], env=s.env)
    try:
        harness.wait_for("it is sent", lambda: endpoint.connections == 1)
        begun = time.monotonic()
        process.terminate()
        assert process.wait(10) == 0
        assert time.monotonic() - begun < 3
    finally:
        process.kill()
        process.wait()
    assert s.deliveries()[0]["state"] == "pending"
    assert s.deliveries()[0]["attempts"] == 0


def slots(s, limit):
    """What a sweep of its own has, under "soft:hard" descriptors."""
    done = subprocess.run(
        ["prlimit", f"--nofile={limit}", harness.built("sweep.fcgi")],
        capture_output=True, text=True, timeout=30, check=True, env={
            **harness.keep_sanitizers(), "GATEWAY_INTERFACE": "CGI/1.1",
            "REQUEST_METHOD": "GET", "PATH_INFO": "/metrics",
            "QUERY_STRING": "", "SKYCAP_CONF": s.made["conf"],
            "HTTP_AUTHORIZATION": f"Bearer {s.made['sweep_token']}"})
    lines = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines()
                 if line.startswith("skycap_"))
    return int(lines["skycap_slots"]), done.stderr


@pytest.mark.parametrize("limit, want, warned", [
    ("128:4200", 4096, False),      # raised to what is needed
    ("4200:4200", 4096, False),
    ("128:1024", 960, True),        # raised, but not enough
    ("100:100", 50, True),          # half is for other things
])
def test_slots_are_what_descriptors_there_are_for(service, limit, want,
                                                  warned):
    s = service("[sweep]\nslots = 4096\n")
    got, log = slots(s, limit)
    assert got == want, log
    warnings = [line for line in log.splitlines() if "[sweep] slots" in line]
    assert len(warnings) == (1 if warned else 0), log
    if warned:
        assert f"only {want} remain" in warnings[0]
        assert limit.split(":")[1] in warnings[0]


def test_descriptors_that_run_out_are_not_charged_to_endpoints(
        service, receiver):
    r, s = receiver(lambda n, got: (200, {"connection": "close"}, b"")), \
        service()
    s.subscribe(r.url(), retry_s=[1] * 20)
    s.run("send", "-", stdin=json.dumps(ticketed("A-0")))
    process = subprocess.Popen([harness.built("skycap"), "sweep"], env=s.env)

    def limit(n):
        subprocess.run(["prlimit", "--pid", str(process.pid),
                        f"--nofile={n}:"], check=True)

    def second():
        return [d for d in s.deliveries() if d["agwID"] == "A-1"][0]

    try:
        harness.wait_for("one arrives", lambda: [
            d["state"] for d in s.deliveries()] == ["delivered"])
        used = {int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd")}
        limit(min(set(range(len(used) + 1)) - used))
        s.run("send", "-", stdin=json.dumps(ticketed("A-1")))
        harness.wait_for("an attempt fails", lambda: show(s, second())["log"])
        limit(512)
        r.wait(2)
        harness.wait_for("it is delivered", lambda:
                         second()["state"] == "delivered")
        log = show(s, second())["log"]
        assert [a["word"] for a in log] == \
            ["internal"] * (len(log) - 1) + ["ok"]
        assert "open files" in log[0]["sentence"]
        assert second()["attempts"] == 1
        assert len(r.got) == 2
    finally:
        process.terminate()
        assert process.wait(10) == 0
