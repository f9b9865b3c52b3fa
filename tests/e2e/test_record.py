"""Outcome on record: what show and deliveries say is what a socket saw."""

import datetime
import hashlib
import json
import re
import socket
import subprocess
import threading
import time

import pytest

import harness
from service import Service, ticketed

SECRET = "Basic Zm9vOm/hc+2Yg=="
TOKEN = "tok/en tok+en"
MASK = "\u2022" * 4
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f"
                    "\u202a-\u202e\u2066-\u2069]")
TASK = {
    "name": "To the back office",
    "event": ["OrderTicketed"],
    "httpRequest": {
        "method": "PUT",
        "url": "",
        "header": {"authorization": SECRET,
                   "x-shown": {"value": "{{agency}}", "show": True},
                   "x-empty": {"value": "", "show": True}},
        "jsonBody": {"id": "{{agwID}}", "note": "{{order.note}}",
                     "try": "{{delivery.attempt}}", "of": "{{event.id}}",
                     "sub": "{{subscription.name}}"},
    },
    "settings": {"retry_s": [], "timeout_s": 5},
}


class Wire:
    """A socket that keeps what it got, byte for byte, and answers by rote.

    answer(n) returns what is sent back to the nth request: bytes, or None to
    wait until the other side gives up.  A pause comes before them.
    """

    def __init__(self, answer, pause_s=0.0):
        self.answer, self.pause_s = answer, pause_s
        self.got, self.at, self.peers = [], [], []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.peers.append(peer)
            peer.settimeout(10)
            try:
                self.talk(peer)
            except OSError:
                pass
            peer.close()

    def talk(self, peer):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = peer.recv(65536)
            if not chunk:
                return
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        n = int(re.search(rb"(?i)\r\ncontent-length: (\d+)", head).group(1))
        while len(body) < n:
            body += peer.recv(65536)
        self.got.append((head, body))
        self.at.append(time.time())
        time.sleep(self.pause_s)
        back = self.answer(len(self.got))
        if back is None:
            peer.recv(1)            # until it leaves
        else:
            peer.sendall(back)

    def url(self, path="/in"):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for peer in self.peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join()


class Plain(Wire):
    """Speaks HTTP at once, whoever comes."""

    def talk(self, peer):
        peer.recv(1)
        peer.sendall(self.answer(1))


def answer(status, body=b"", *headers):
    head = [b"HTTP/1.1 %d Word" % status, b"Content-Length: %d" % len(body),
            b"Connection: close", *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Record(Service):
    def __init__(self):
        super().__init__()
        self.client_id = self.client("Wander", "--all")

    def add(self, url, client=None, **changes):
        task = json.loads(json.dumps({**TASK, **changes}))
        task["httpRequest"]["url"] = url
        return self.run("subscription", "add", "--client",
                        client or self.client_id, "--file", "-",
                        stdin=json.dumps(task))

    def send(self, agw_id, event="OrderTicketed", **order):
        return self.run("send", "-", stdin=json.dumps(
            {**ticketed(agw_id, **order), "event": event}))

    def sweep_until(self, done, what):
        def ask():
            self.run("sweep", "--once")
            return done()
        harness.wait_for(what, ask, 20)

    def shown(self, delivery, *args):
        return json.loads(self.run("show", delivery, "--json", *args))

    def body(self, delivery, *args):
        """The bytes of a body, or None, and what was said of it."""
        done = subprocess.run(
            [harness.built("skycap"), "show", delivery, "--body", *args],
            capture_output=True, env=self.env, check=False, timeout=60)
        return (done.stdout if done.returncode == 0 else None,
                done.stderr.decode())

    def ids(self, *args):
        return [d["id"] for d in self.lines("deliveries", *args)]


@pytest.fixture
def record():
    made = Record()
    yield made
    made.close()


@pytest.fixture
def wire():
    made = []

    def make(*args, **options):
        made.append(Wire(*args, **options))
        return made[-1]

    yield make
    for w in made:
        w.close()


def pairs(headers):
    return [(h["name"], h["value"]) for h in headers]


def lines_of(head):
    return [tuple(p.strip() for p in line.split(":", 1))
            for line in head.decode().split("\r\n")[1:]]


# One attempt, against the bytes

def test_every_field_is_what_the_socket_saw(record, wire):
    got_back = bytes(range(32, 127)) * 1000         # 95,000 bytes
    w = wire(lambda n: answer(503, got_back, b"X-Back: a:  b "), pause_s=0.3)
    sub = record.add(w.url("/in?token=" + TOKEN.replace("/", "%2F").replace(
        " ", "%20").replace("+", "%2B") + "&x=1"))
    event = record.send("A-1", note="\u00c1 \u202e \"\\\n")
    began = time.time()
    record.run("sweep", "--once")
    took_us = (time.time() - began) * 1e6
    [(head, body)] = w.got
    [delivery] = record.ids()
    shown = record.shown(delivery)
    assert (shown["id"], shown["event"]) == (delivery, event)
    assert (shown["subscription"], shown["client"]) == (sub, record.client_id)
    assert (shown["state"], shown["reason"]) == ("dead", "exhausted")
    assert shown["attempts"] == shown["recorded"] == 1
    [a] = shown["log"]
    assert (a["number"], a["attempt"], a["version"]) == (1, 1, 1)
    at = datetime.datetime.fromisoformat(a["at"]).timestamp()
    assert began - 0.01 < at < w.at[0] + 0.01
    assert a["address"] == f"127.0.0.1:{w.port}"

    start, url = head.split(b"\r\n")[0].decode().split(" ")[:2]
    assert a["method"] == start == "PUT"
    assert url == "/in?token=tok%2Fen%20tok%2Ben&x=1"
    assert a["url"] == w.url(f"/in?token={MASK}2Ben&x=1")
    seen = lines_of(head)
    want = [(k, MASK + "Yg==" if k == "authorization" else v)
            for k, v in seen]
    assert pairs(a["requestHeaders"]) == want
    assert ("authorization", SECRET) in seen
    assert ("x-shown", "Wander") in seen and ("x-empty", "") in seen
    text = a["request"].split("\r\n")
    assert text[0] == f"PUT {a['url']} HTTP/1.1" and text[-1] == ""
    assert [line.split(":")[0] for line in text[1:-1]] == [k for k, _ in seen]
    assert a["wentOut"] is True

    assert a["body"].encode() == body and a["bodyMissing"] == ""
    raw, said = record.body(delivery)
    assert raw == body and said == ""
    assert hashlib.sha256(raw).digest() == hashlib.sha256(body).digest()
    assert json.loads(body)["note"] == "\u00c1 \u202e \"\\\n"
    assert re.fullmatch("[0-9a-f]{32}", a["bodyHash"])

    assert (a["status"], a["word"]) == (503, "http")
    assert "503" in a["sentence"]
    assert pairs(a["responseHeaders"]) == [
        ("Content-Length", "95000"), ("Connection", "close"),
        ("X-Back", "a:  b")]
    assert a["responseHead"].startswith("HTTP/1.1 503 Word\r\n")
    assert a["responseBody"].encode() == got_back[:4096]
    assert a["responseKept"] == 4096 and a["truncated"] is True
    assert 65536 <= a["responseLength"] <= 95000
    took = a["duration_us"]
    assert 300000 <= took["first"] <= took["total"] <= took_us
    assert 0 < took["connect"] < 300000 and took["tls"] == 0
    assert took["dns"] + took["connect"] <= took["first"]

    for_people = record.run("show", delivery)
    assert body.decode().replace("\u202e", "\\u202e") in for_people
    assert f"truncated at 4096 of {a['responseLength']} bytes" in for_people
    assert f"as sent, {len(body)} bytes" in for_people
    assert "every attempt of its schedule has failed" in for_people


def test_attempts_are_shown_as_each_of_them_was(record, wire):
    w = wire(lambda n: answer(500 + n))
    sub = record.add(w.url(), settings={"retry_s": [1, 1]})
    record.send("A-1")
    record.sweep_until(lambda: len(w.got) == 1, "the first attempt")
    task = json.loads(record.run("subscription", "export", sub))
    task["name"] = "Renamed"
    task["httpRequest"]["jsonBody"] = {"now": "{{subscription.name}}",
                                       "n": "{{delivery.attempt}}"}
    record.run("subscription", "edit", sub, "--file", "-",
               stdin=json.dumps(task))
    record.sweep_until(lambda: len(w.got) == 2, "the second attempt")
    record.run("subscription", "remove", sub)
    record.run("sweep", "--once")       # buries it
    [delivery] = record.ids("--subscription", sub)
    shown = record.shown(delivery)
    assert [a["status"] for a in shown["log"]] == [501, 502]
    assert [a["version"] for a in shown["log"]] == [1, 2]
    assert [a["body"].encode() for a in shown["log"]] == \
        [body for _, body in w.got]
    assert json.loads(w.got[0][1])["sub"] == "To the back office"
    assert json.loads(w.got[1][1]) == {"now": "Renamed", "n": "2"}
    assert record.body(delivery)[0] == w.got[1][1]
    for n in (1, 2):
        assert record.body(delivery, "--attempt", str(n))[0] == w.got[n - 1][1]
        [one] = record.shown(delivery, "--attempt", str(n))["log"]
        assert one == shown["log"][n - 1]
        out = record.run("show", delivery, "--attempt", str(n))
        assert re.findall(r"^Attempt (\d)", out, re.M) == [str(n)]
    assert "subscription  " + sub + "  removed" in out
    for bad, says in (("3", "has 2 attempts on record"),
                      ("0", "must be a number"), ("x", "must be a number")):
        record.run("show", delivery, "--attempt", bad, check=False)
        assert record.last.returncode in (1, 2)
        assert says in record.last.stderr and record.last.stdout == ""


def test_what_was_never_tried_says_so(record):
    sub = record.add("http://127.0.0.1:1/")
    record.run("subscription", "pause", sub)
    event = record.send("A-1")
    [delivery] = record.ids()
    shown = record.shown(delivery)
    assert (shown["state"], shown["log"], shown["recorded"]) == ("held", [], 0)
    out = record.run("show", delivery)
    assert "held: its subscription is paused" in out
    assert record.body(delivery)[0] is None
    assert "no attempt on record" in record.body(delivery)[1]
    for args in ((event, "--body"), (sub, "--attempt", "1")):
        record.run("show", *args, check=False)
        assert record.last.returncode == 2
        assert "for a delivery" in record.last.stderr
    out = record.run("show", event)
    assert delivery in out and "held" in out and '"agwID": "A-1"' in out
    assert record.shown(event)["deliveries"][0]["id"] == delivery


def test_a_body_that_is_not_proven_is_not_shown(record, wire):
    w = wire(lambda n: answer(200))
    field = {"name": "firstMail", "type": "text",
             "pointer": "/mails/0", "sample": "a", "meaning": "A mail."}

    def catalogue(field):
        with open(record.dir("s/catalog.json"), "w", encoding="utf-8") as f:
            json.dump({"fields": [field]}, f)

    catalogue(field)
    record.add(w.url(), httpRequest={"url": "", "jsonBody": {
        "mail": "{{firstMail}}"}})
    record.send("A-1", mails=["first@a.example", "second@a.example"])
    record.run("sweep", "--once")
    [delivery] = record.ids()
    assert record.body(delivery)[0] == b'{"mail":"first@a.example"}' == \
        w.got[0][1]
    for other, says in (({**field, "pointer": "/mails/1"},
                         "has another hash"),
                        ({**field, "name": "otherMail"},
                         "does not hold with this catalogue")):
        catalogue(other)
        assert record.body(delivery)[0] is None
        assert says in record.body(delivery)[1]
        [a] = record.shown(delivery)["log"]
        assert a["body"] is None and says in a["bodyMissing"]
        out = record.run("show", delivery)
        assert "Its body can't be shown" in out and says in out
        assert "example" not in out.split("Its body can't")[1]
    catalogue(field)
    assert record.body(delivery)[0] == w.got[0][1]


# Words, and the filters

@pytest.fixture(scope="module")
def ends():
    """Deliveries of one event, each to an end of its own."""
    record = Record()
    wires = {
        "ok": Wire(lambda n: answer(201)),
        "http": Wire(lambda n: answer(500)),
        "gone": Wire(lambda n: answer(410)),
        "timeout": Wire(lambda n: None),
        "reset": Wire(lambda n: b""),
        "protocol": Wire(lambda n: b"\x16\x03\x01\x00nonsense\r\n\r\n"),
    }
    url = {name: w.url() for name, w in wires.items()}
    wires["tls"] = Plain(lambda n: answer(400))
    url |= {"refused": f"http://127.0.0.1:{closed_port()}/",
            "dns": "http://no-such-name.invalid/",
            "guard": "http://10.255.255.1/",
            "tls": wires["tls"].url().replace("http:", "https:"),
            "template": wires["ok"].url()}
    record.other = record.client("Other", "--all")
    record.sub = {}
    for name, where in url.items():
        settings = {"retry_s": [], "timeout_s": 2}
        if name == "template":
            settings["missing"] = "strict"
        record.sub[name] = record.add(
            where, client=record.other if name in ("ok", "dns") else None,
            event=["OrderTicketed", "OrderCreated"], settings=settings)
    record.before = datetime.datetime.now(datetime.timezone.utc)
    record.event = record.send("A-1", pnr="KWJ2MT", psgEmail="Ana@a.example")
    record.sweep_until(
        lambda: not record.ids("--state", "pending"), "all have ended")
    record.url, record.wires = url, wires
    record.all = {d["subscription"]: d for d in
                  record.lines("deliveries", "--limit", "1000")}
    yield record
    for w in wires.values():
        w.close()
    record.close()


def of(ends, *names):
    return sorted(ends.all[ends.sub[n]]["id"] for n in names)


WORDS = ["ok", "http", "gone", "timeout", "reset", "protocol", "refused",
         "dns", "guard", "tls", "template"]
WENT_OUT = ("ok", "http", "gone", "timeout", "reset", "protocol")
DEAD = [w for w in WORDS if w != "ok"]


@pytest.mark.parametrize("name", WORDS)
def test_each_word_has_its_sentence_and_what_was_sent(ends, name):
    d = ends.all[ends.sub[name]]
    shown = ends.shown(d["id"])
    [a] = shown["log"]
    assert a["word"] == {"gone": "http"}.get(name, name)
    assert a["sentence"].strip()
    assert a["status"] == {"ok": 201, "http": 500, "gone": 410}.get(name)
    assert shown["lastStatus"] == a["status"]
    assert shown["state"] == ("delivered" if name == "ok" else "dead")
    assert shown["reason"] == {"ok": "", "gone": "gone",
                               "template": "template"}.get(name, "exhausted")
    assert a["wentOut"] is (name in WENT_OUT)
    if name in WENT_OUT:
        [(head, body)] = ends.wires[name].got
        assert a["address"] == f"127.0.0.1:{ends.wires[name].port}"
        assert a["body"].encode() == body
    elif name == "template":
        assert a["body"] is None and "no request" in a["bodyMissing"]
        assert a["request"] == a["url"] == "" and a["requestHeaders"] == []
    else:
        assert json.loads(a["body"])["id"] == "A-1"
        assert a["url"] == ends.url[name]
    out = ends.run("show", d["id"])
    assert a["sentence"].split("\n")[0] in out
    assert ("Its body as sent" in out) is (name in WENT_OUT)


FILTERS = [
    (("--state", "dead"), DEAD),
    (("--state", "delivered"), ["ok"]),
    (("--state", "pending"), []),
    (("--reason", "gone"), ["gone"]),
    (("--reason", "exhausted"), [w for w in DEAD
                                 if w not in ("gone", "template")]),
    (("--code", "5xx"), ["http"]),
    (("--code", "2XX"), ["ok"]),
    (("--code", "410"), ["gone"]),
    (("--code", "0"), [w for w in DEAD if w not in ("http", "gone")]),
    (("--word", "http"), ["http", "gone"]),
    *(((("--word", w)), [w]) for w in WORDS if w not in ("http", "gone")),
    (("--subscription", "@dns"), ["dns"]),
    (("--client", "@other"), ["ok", "dns"]),
    (("--event", "OrderTicketed"), WORDS),
    (("--event", "OrderCreated"), []),
    (("--event", "@event"), WORDS),
    (("--ref", "kwj2mt"), WORDS),
    (("--ref", "pnr=KWJ2MT"), WORDS),
    (("--ref", "recordLocator=KWJ2MT"), []),
    (("--agwid", "a-1"), WORDS),
    (("--pnr", "KWJ2M"), []),
    (("--mail", "ana@A.EXAMPLE"), WORDS),
    (("--since", "1h"), WORDS),
    (("--since", "@before"), WORDS),
    (("--until", "@before"), []),
    (("--until", "1h"), []),
    # together
    (("--state", "dead", "--client", "@other"), ["dns"]),
    (("--word", "http", "--code", "5xx"), ["http"]),
    (("--agwid", "A-1", "--pnr", "KWJ2MT", "--word", "tls"), ["tls"]),
    (("--ref", "A-1", "--ref", "KWJ2MT", "--subscription", "@tls"), ["tls"]),
    (("--ref", "A-1", "--ref", "NONE"), []),
    (("--event", "@event", "--reason", "template"), ["template"]),
    (("--since", "1h", "--code", "0", "--client", "@other"), ["dns"]),
    (("--state", "delivered", "--reason", "gone"), []),
]


def given(ends, args):
    at = {"@other": ends.other, "@event": ends.event,
          "@before": ends.before.isoformat()}
    return [at.get(a, ends.sub[a[1:]] if a[0] == "@" and a not in at else a)
            for a in args]


@pytest.mark.parametrize("args, want", FILTERS, ids=lambda v: " ".join(v))
def test_filters_find_what_they_say(ends, args, want):
    args = given(ends, args)
    found = ends.ids("--limit", "1000", *args)
    assert sorted(found) == of(ends, *want)
    # one by one, each going on where the last one ended
    one_by_one, after = [], []
    for _ in range(len(want) + 1):
        one_by_one += ends.ids("--limit", "1", *args, *after)
        if not ends.last.stderr:
            break
        after = ["--after", ends.last.stderr.split()[-1]]
    assert one_by_one == found
    out = ends.run("deliveries", *args)
    assert ("No such deliveries" in out) is (not want)


def test_held_is_told_from_pending(record):
    other = record.client("Other", "--all")
    paused = record.add("http://127.0.0.1:1/")
    active = record.add(f"http://127.0.0.1:{closed_port()}/",
                        settings={"retry_s": [3600]})
    record.run("subscription", "pause", paused)
    record.send("A-2")
    record.run("sweep", "--once")
    [held] = record.lines("deliveries", "--state", "held")
    assert (held["subscription"], held["nextAttemptAt"]) == (paused, None)
    assert record.ids("--state", "held", "--client", other) == []
    [pending] = record.lines("deliveries", "--state", "pending")
    assert pending["subscription"] == active
    record.run("subscription", "resume", paused)
    assert record.ids("--state", "held") == []
    for args in ((), ("--client", record.client_id)):
        assert len(record.ids("--state", "pending", *args)) == 2


@pytest.mark.parametrize("args, status, says", [
    (("--state", "deda"), 2, "did you mean dead?"),
    (("--reason", "exhausted!"), 2, "did you mean exhausted?"),
    (("--word", "time-out"), 2, "did you mean timeout?"),
    (("--code", "5x"), 2, "5xx"),
    (("--event", "OrderTicketd"), 2, "did you mean OrderTicketed?"),
    (("--event", "evt_x"), 1, "not the id of an event"),
    (("--client", "sub_x"), 1, "not the id of a client"),
    (("--subscription", "cli_x"), 1, "not the id of a subscription"),
    (("--since", "yesterday"), 2, "or how long ago"),
    (("--since", "1h", "--until", "2h"), 2, "since must be before until"),
    (("--ref", "colour=red"), 2, "agwID, orderID, pnr"),
    (("--ref", ""), 2, "must not be empty"),
    (("--after", "nonsense"), 2, "not a cursor of this list"),
    (("--after", "0" * 500), 2, "not a cursor of this list"),
    (("--sate", "dead"), 2, "did you mean --state?"),
    (("--limit", "0"), 2, "--limit"),
])
def test_what_can_not_be_asked_is_refused(ends, args, status, says):
    out = ends.run("deliveries", *args, check=False)
    assert (ends.last.returncode, out) == (status, "")
    assert says in ends.last.stderr


def test_a_cursor_is_for_what_was_asked(ends):
    ends.ids("--state", "dead", "--limit", "1")
    assert "There are more" in ends.last.stderr
    cursor = ends.last.stderr.split()[-1]
    ends.run("deliveries", "--state", "delivered", "--after", cursor,
             check=False)
    assert ends.last.returncode == 2
    assert ends.ids("--state", "dead", "--after", cursor) == \
        ends.ids("--state", "dead")[1:]
    assert ends.last.stderr == ""


@pytest.mark.parametrize("columns", [80, 120])
def test_people_can_read_it_on_their_terminal(ends, columns):
    for args in (("deliveries",), ("deliveries", "--state", "dead"),
                 ("show", ends.event), *(("show", of(ends, n)[0])
                                         for n in ("http", "tls"))):
        out = ends.on_terminal(columns, *args)
        assert max(map(len, out.splitlines())) <= columns, out


# What an endpoint sends to do harm

EVIL = (b"\x1b]0;x\x07\x1b[2J \xc2\x9b31m \xe2\x80\xae \xe2\x81\xa6 \xd8\x9c "
        b"\xff\xfe \xc0\x80 \x08 \x7f \r over \xe2\x80\x8f")
ECHO = (SECRET.encode(), SECRET.replace("/", "\\/").encode(),
        SECRET.split()[1].encode(), TOKEN.encode(),
        TOKEN.replace("/", "%2f").replace(" ", "+").replace(
            "+en", "%2Ben").encode())


def hostile(n):
    head = EVIL.replace(b"\r", b"").replace(b"\x00", b"")
    body = b"\x00" + EVIL + b"".join(b"<" + s + b">" for s in ECHO)
    body += b"y" * (4096 - len(body) - 12) + SECRET.encode() + b"z" * 70000
    return answer(500, body, b"X-Evil: " + head, b"X-Echo: " +
                  SECRET.encode() + b" " + TOKEN.encode())


def test_nothing_an_endpoint_sends_works_or_gives_away(record, wire):
    w = wire(hostile)
    record.add(w.url("/in?token=tok%2Fen%20tok%2Ben"))
    record.send("A-\u202e\x1b[2J\x9b", note="\u2066\x1b[31m")
    record.run("sweep", "--once")
    [delivery] = record.ids()
    [a] = record.shown(delivery)["log"]
    assert a["status"] == 500 and a["truncated"] is True
    assert a["responseKept"] == 4096
    assert a["responseBody"].startswith("\x00\x1b]0;x")     # lossless JSON
    assert "\ufffd" in a["responseBody"]
    everything = [
        record.run("show", delivery), record.run("show", delivery, "--json"),
        record.run("deliveries"), record.run("deliveries", "--json"),
        *(record.on_terminal(80, *args) for args in (
            ("show", delivery), ("show", delivery, "--json"),
            ("show", delivery, "--body"), ("deliveries",),
            ("deliveries", "--json"), ("show", record.lines("events")[0]["id"]),
        ))]
    for out in everything:
        for secret in (SECRET.split()[1][:6], "hc+2Yg", "hc\\/", "tok/en tok",
                       "en tok", "tok%2Fen", "tok%2fen", "tok+en"):
            assert secret not in out, out
    for out in (everything[0], everything[2], *everything[4:]):
        assert not UNSAFE.search(out), repr(out)
    assert record.body(delivery)[0] == w.got[0][1]
    assert b"\x1b" not in w.got[0][1]
    # what a secret was cut to at the end is not left
    assert a["responseBody"].endswith("*" * 12)


def test_a_signing_secret_that_an_endpoint_repeats_is_blotted_out(
        service, receiver):
    s = service()
    secret = []
    r = receiver(lambda n, got: (500, {}, f"key={secret[0]}".encode()))
    s.start()
    sub = s.subscribe(r.url())
    secret.append(s.run("secret", "show", sub))
    assert s.post(ticketed()).status == 202
    r.wait(1)
    msg = r.got[0].headers["webhook-id"]
    harness.wait_for("it is on record", lambda: "500" in s.run("show", msg))
    for args in ((), ("--json",)):
        out = s.run("show", msg, *args)
        assert secret[0][6:] not in out and "whsec_****" in out


def test_a_cursor_that_is_empty_is_refused(service):
    s = service()
    s.run("deliveries", "--after", "", check=False)
    assert s.last.returncode == 2 and "--after" in s.last.stderr
