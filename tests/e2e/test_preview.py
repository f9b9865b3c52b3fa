"""preview shows what a receiver really gets; backtest counts what it would."""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading

import pytest

import harness
from service import Service, ticketed

TASK = {
    "event": ["OrderTicketed"],
    "httpRequest": {
        "url": "http://127.0.0.1:1/in/{{pnr}}?token=tokentokentoken&x=1",
        "header": {"authorization": "Basic YourPassword",
                   "x-shown": {"value": "{{agency}}", "show": True}},
        "jsonBody": {"orderID": "{{agwID}}", "agent": "{{agent}}"},
    },
}
SECRETS = ("YourPassword", "tokentokentoken")


def task(**changes):
    made = json.loads(json.dumps(TASK))
    for name, value in changes.items():
        (made if name in ("event", "filter", "settings")
         else made["httpRequest"])[name] = value
    return made


class Raw(threading.Thread):
    """An endpoint that keeps the bytes of one request."""

    def __init__(self):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(30)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.got = b""
        self.start()

    def run(self):
        with self.listener, self.listener.accept()[0] as c:
            c.settimeout(30)
            while not self.is_whole():
                more = c.recv(65536)
                if not more:
                    return
                self.got += more
            c.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def is_whole(self):
        head, separator, body = self.got.partition(b"\r\n\r\n")
        lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
                   if line.lower().startswith(b"content-length:")]
        return separator and len(body) == lengths[0]


class Previewed(Service):
    """A service that nobody serves, with a client that sees Wander's."""

    def __init__(self):
        super().__init__()
        self.client_id = self.client("Wander", "--scope", "agency=Wander")

    def add(self, made=TASK):
        return self.run("subscription", "add", "--client", self.client_id,
                        "--file", "-", stdin=json.dumps(made))

    def send(self, *events):
        return self.run("send", "-", stdin=json.dumps(events)).splitlines()

    def preview(self, *args, **options):
        return json.loads(self.run("preview", *args, "--json", **options))

    def backtest(self, *args, **options):
        return json.loads(self.run("backtest", *args, "--json", **options))

    def fails(self, *args, status=1, says="", **options):
        out = self.run(*args, check=False, **options)
        assert self.last.returncode == status, self.last
        assert out == "", self.last
        assert says in self.last.stderr, self.last


@pytest.fixture
def it():
    service = Previewed()
    yield service
    service.close()


def header(shown, name):
    values = [h["value"] for h in shown["headers"]
              if h["name"].lower() == name]
    assert len(values) == 1, shown
    return values[0]


def is_genuine(shown, secret):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = "%s.%s.%s" % (header(shown, "webhook-id"),
                           header(shown, "webhook-timestamp"), shown["body"])
    mac = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return header(shown, "webhook-signature") == \
        "v1," + base64.b64encode(mac).decode()


def on_the_wire(shown):
    """The bytes that a preview stands for."""
    target = "/" + shown["url"].split("/", 3)[3]
    lines = ["%s %s HTTP/1.1" % (shown["method"], target)]
    lines += [(h["name"] + ": " + h["value"]).removesuffix(" ")
              for h in shown["headers"]]
    return ("\r\n".join(lines) + "\r\n\r\n" + shown["body"]).encode()


def timeless(request):
    """Without the lines that differ from one moment to the next."""
    return [line for line in request.split(b"\r\n")
            if not line.startswith((b"webhook-timestamp:",
                                    b"webhook-signature:"))]


# The request

@pytest.mark.parametrize("changes", [
    {},
    {"method": "PUT", "header": {"accept": "text/plain", "x-Empty": "",
                                 "x-blank": "{{orderID}} {{recordLocator}}",
                                 "content-type": "application/x+json"}},
    {"method": "PATCH", "header": {}, "jsonBody": None},
    {"jsonBody": {"all": "{{{order}}}", "id": "{{event.id}}",
                  "at": "{{event.time}}", "try": "{{delivery.attempt}}"}},
])
def test_a_preview_is_what_the_receiver_gets_byte_for_byte(it, changes):
    made = task(**changes)
    if made["httpRequest"]["jsonBody"] is None:
        del made["httpRequest"]["jsonBody"]
    receiver = Raw()
    made["httpRequest"]["url"] = made["httpRequest"]["url"].replace(
        "http://127.0.0.1:1", receiver.url)
    sub = it.add(made)
    event, = it.send(ticketed("A-1", agent="\u00c1na \"Gil\"\n",
                              pnr="A/ B?&"))
    before = it.preview(sub, "--event-id", event, "--with-secrets")
    it.run("sweep", "--once")
    receiver.join()
    assert timeless(on_the_wire(before)) == timeless(receiver.got)
    assert is_genuine(before, it.run("secret", "show", sub))
    assert before["wanted"] is True and before["reason"] == ""
    assert (before["event"], before["subscription"]) == (event, sub)
    # and what was recorded is what was shown, secrets masked
    masked = it.preview(sub, "--event-id", event)
    shown = json.loads(it.run("show", header(before, "webhook-id"),
                              "--json"))
    assert shown["log"][0]["status"] == 204
    recorded = shown["log"][0]["request"].encode().split(b"\r\n\r\n")[0]
    want = on_the_wire(masked).split(b"\r\n\r\n")[0]
    assert timeless(recorded.rstrip(b"\r\n"))[1:] == timeless(want)[1:]


def test_secrets_are_masked_and_the_signature_is_real(it):
    sub = it.add()
    event, = it.send(ticketed())
    shown = it.preview(sub, "--event-id", event)
    assert header(shown, "authorization") == "\u2022" * 4 + "word"
    assert header(shown, "x-shown") == "Wander"
    assert shown["url"].endswith("?token=" + "\u2022" * 4 + "oken&x=1")
    assert is_genuine(shown, it.run("secret", "show", sub))
    text = it.run("preview", sub)
    for secret in SECRETS:
        assert secret not in json.dumps(shown) + text + it.last.stderr
        assert secret in it.run("preview", sub, "--with-secrets")


def test_for_people_it_looks_like_http_with_notes_beside_it(it):
    sub = it.add()
    event, = it.send(ticketed("A-7"))
    out = it.run("preview", sub).split("\n")
    assert out[0].startswith("POST http://127.0.0.1:1/in/KWJ2MT?")
    assert out[0].endswith(" HTTP/1.1")
    assert out[1:3] == ["Host: 127.0.0.1:1", out[2]]
    assert out[2].startswith("User-Agent: Skycap/")
    assert out[-2:] == ["", '{"orderID":"A-7","agent":"Ana Gil"}']
    for note in (event, "OrderTicketed of A-7", "wanted    yes\n",
                 "35 bytes of valid JSON"):
        assert note in it.last.stderr, it.last
    it.run("preview", sub, "--json")
    assert it.last.stderr == ""


def test_what_comes_from_outside_does_not_work_the_terminal(it):
    sub = it.add(task(jsonBody={"a": "{{agent}}"}))
    it.send(ticketed("A\u009b31m", agent="\u009b2J\u007f"))
    shown = it.on_terminal(80, "preview", sub)
    assert '{"a":"?2J?"}' in shown and "\u009b" not in shown
    # what is no terminal gets the bytes that the signature is of
    assert '{"a":"\u009b2J\u007f"}' in it.run("preview", sub)
    assert "\u009b" not in it.last.stderr


# Mail and Slack

MAIL = {"event": ["OrderTicketed"], "mail": {
    "to": ["ops@client.example", "{{agentEmail}}"],
    "subject": "Emitido {{agwID}}: {{agent}}",
    "text": "Hola, {{agent}}:\n\nSu pedido {{agwID}}.\n"}}


def configure(it, text):
    with open(it.made["conf"], "a", encoding="utf-8") as f:
        f.write(text)


def mails(it, *args):
    return it.lines("preview", *args)


def test_a_mail_is_shown_for_each_recipient_as_it_goes_out(it):
    configure(it, "[mail]\nurl = smtp://127.0.0.1:25\n"
              "from = Skycap \u00c1vila <skycap@agency.example>\n"
              "[site]\nurl = https://s.example/sky\n")
    sub = it.add(MAIL)
    event, = it.send(ticketed("A-1", agent="Mar\u00eda\r\nBcc: x@y.example",
                              agentEmail="maria@agency.example"))
    shown = mails(it, sub)
    assert [m["to"] for m in shown] == ["ops@client.example",
                                        "maria@agency.example"]
    assert [(m["recipient"], m["recipients"]) for m in shown] == \
        [(1, 2), (2, 2)]
    ids = set()
    for m in shown:
        assert (m["channel"], m["event"], m["wanted"], m["from"]) == \
            ("mail", event, True, "skycap@agency.example")
        assert "url" not in m and "method" not in m
        read = email.message_from_bytes(m["message"].encode("ascii"),
                                        policy=email.policy.default)
        assert read["Subject"] == m["subject"]
        assert m["subject"] == "Emitido A-1: Mar\u00eda  Bcc: x@y.example"
        assert read["From"] == "Skycap \u00c1vila <skycap@agency.example>"
        assert read["To"] == m["to"] and "Bcc" not in read
        assert read.get_content().replace("\r\n", "\n") == m["body"]
        assert read["List-Unsubscribe"] == \
            f"<https://s.example/sky/admin/subscriptions/{sub}>"
        assert read["Skycap-Event-Id"] == event
        assert read["Message-ID"].endswith("@agency.example>")
        assert header(m, "subject") == m["subject"]
        assert [h["name"] for h in m["headers"]] == read.keys()
        ids.add(read["Message-ID"])
    assert len(ids) == 2
    second, = mails(it, sub, "--recipient", "2")
    assert second["to"] == "maria@agency.example"
    it.fails("preview", sub, "--recipient", "3", says="from 1 to 2")


def test_a_mail_for_people_reads_as_it_will_and_notes_what_is_missing(it):
    sub = it.add(MAIL)
    it.send(ticketed("A-1", agent="Mar\u00eda",
                     agentEmail="maria@agency.example"))
    out = it.run("preview", sub)
    assert out.count("MAIL FROM:<skycap@localhost>\n") == 2
    assert "RCPT TO:<maria@agency.example>\n\nFrom: skycap@localhost\n" in out
    assert out.count("\nSubject: Emitido A-1: Mar\u00eda\n") == 2
    assert out.endswith("\n\nHola, Mar\u00eda:\n\nSu pedido A-1.")
    assert "List-Unsubscribe" not in out
    assert it.last.stderr.count("no [mail] from is configured") == 2
    assert "mail      2 of 2, to maria@agency.example\n" in it.last.stderr
    assert "bytes of text\n" in it.last.stderr
    configure(it, "[mail]\nfrom = skycap@agency.example\n")
    it.run("preview", sub)
    assert it.last.stderr.count("no [mail] url is configured") == 2


def test_a_recipient_that_is_none_fails_and_the_others_are_shown(it):
    sub = it.add(MAIL)
    it.send(ticketed("A-1", agentEmail="maria@agency.example, x@y.example"))
    out = it.run("preview", sub, "--json", check=False)
    assert it.last.returncode == 1 and "can't be rendered: " in it.last.stderr
    assert [json.loads(m)["to"] for m in out.splitlines()] == \
        ["ops@client.example"]
    seen = it.backtest(sub)
    assert (seen["matched"], seen["failed"]) == (1, 1)


def test_a_test_event_says_so_in_header_and_subject(it):
    sub = it.add({**MAIL, "mail": {**MAIL["mail"],
                                   "to": "ops@client.example"}})
    hook = it.add()
    it.send({**ticketed("A-1"), "test": True})
    shown, = mails(it, sub)
    assert "Subject: [Test] Emitido A-1: Ana Gil\r\n" in shown["message"]
    assert shown["subject"] == "[Test] Emitido A-1: Ana Gil"
    assert header(shown, "skycap-test") == "true"
    assert header(it.preview(hook), "skycap-test") == "true"


def test_slacks_url_is_masked_and_its_request_is_not_signed(it):
    sub = it.add({"event": ["OrderTicketed"], "slack": {
        "url": "https://hooks.slack.com/services/T00/B00/Xyz12345secret",
        "text": "{{agwID}} <&> {{agent}}"}})
    it.send(ticketed("A-1", agent="<Ana> & Gil"))
    shown = it.preview(sub)
    assert shown["channel"] == "slack" and "Xyz12345" not in json.dumps(shown)
    assert shown["url"].startswith("https://hooks.slack.com/\u2022")
    names = {h["name"].lower() for h in shown["headers"]}
    assert not {n for n in names if n.startswith("webhook-")}
    assert {"skycap-event", "skycap-event-id", "skycap-attempt"} <= names
    assert json.loads(shown["body"])["text"] == \
        "A-1 <&> &lt;Ana&gt; &amp; Gil"
    assert "Xyz12345secret" in it.run("preview", sub, "--with-secrets")


# Which event

def test_without_an_event_the_newest_that_it_gets_is_taken(it):
    sub = it.add(task(filter=[{"field": "pnr", "op": "=", "value": "P1"}]))
    shown = it.preview(sub)
    assert (shown["event"], shown["eventType"]) == (None, "OrderTicketed")
    assert header(shown, "webhook-id") == "msg_sample"
    assert header(shown, "skycap-event-id") == "evt_sample"
    ids = it.send(ticketed("A-1", pnr="P1"), ticketed("A-2", pnr="P2"),
                  ticketed("A-3", pnr="P1", agency="Other"))
    shown = it.preview(sub)
    assert shown["event"] == ids[0] and shown["wanted"] is True
    # matched when it was accepted, and not wanted any more
    it.run("subscription", "edit", sub, "--file", "-", stdin=json.dumps(
        task(filter=[{"field": "pnr", "op": "=", "value": "P9"}])))
    shown = it.preview(sub)
    assert shown["event"] == ids[0] and shown["wanted"] is False
    assert "filter" in shown["reason"]


def test_an_event_that_is_not_wanted_is_shown_and_why(it):
    sub = it.add(task(filter=[{"field": "pnr", "op": "=", "value": "P1"}]))
    other, canceled = it.send(
        ticketed("A-1", pnr="P2"),
        {**ticketed("A-2", pnr="P1"), "event": "OrderCanceled"})
    shown = it.preview(sub, "--event-id", other)
    assert shown["wanted"] is False
    assert shown["reason"] == "its filter does not hold for this order"
    assert json.loads(shown["body"])["orderID"] == "A-1"
    shown = it.preview(sub, "--event-id", canceled)
    assert shown["reason"] == "its events leave out OrderCanceled"
    it.run("preview", sub, "--event-id", canceled)
    assert "wanted    no: its events leave out" in it.last.stderr


def test_an_event_outside_the_clients_scope_is_never_shown(it):
    sub = it.add()
    event, = it.send(ticketed("A-SECRET", agency="Other"))
    it.fails("preview", sub, "--event-id", event,
             says="outside the client's scope")
    assert "A-SECRET" not in it.last.stderr
    shown = it.preview(sub)
    assert shown["event"] is None and "A-SECRET" not in shown["body"]


def test_every_event_type_has_a_sample_and_aliases_are_taken(it):
    sub = it.add(task(event=["*"]))
    types = [e["event"] for e in it.lines("catalog") if "event" in e and
             not e["event"].startswith("skycap.")]
    assert len(types) == 31
    for name in types[:3] + types[-3:]:
        shown = it.preview(sub, "--sample", name)
        assert shown["eventType"] == name and shown["wanted"] is True
        assert json.loads(shown["body"])["orderID"] != ""
    assert it.preview(sub, "--sample", "FlightCancellation")["eventType"] == \
        "FlightCancelation"
    it.fails("preview", sub, "--sample", "OrderTickted", status=2,
             says="did you mean OrderTicketed?")


def test_what_is_not_there_is_said(it):
    sub = it.add()
    event, = it.send(ticketed())
    for command in ("preview", "backtest"):
        it.fails(command, status=2, says="one subscription is needed")
        it.fails(command, "sub_x", says="not the id of a subscription")
        it.fails(command, sub, "--file", it.dir("none"), says="No such file")
        it.fails(command, sub, "--file", "-", stdin="{}",
                 says="httpRequest")
    it.fails("preview", sub, "--event-id", sub, says="not the id of an event")
    it.fails("preview", sub, "--event-id", event, "--sample",
             "OrderTicketed", status=2, says="exclude")
    it.run("subscription", "remove", sub)
    it.fails("preview", sub, says="there is no subscription")
    it.fails("backtest", sub, "--days", "0", status=2, says="--days")


# The task

def test_a_file_is_tried_in_place_of_the_task_and_not_saved(it):
    sub = it.add()
    was = it.run("subscription", "show", sub, "--json")
    ticket, cancel = it.send(ticketed("A-1"), {
        **ticketed("A-2"), "event": "OrderCanceled"})
    masked = json.loads(it.run("subscription", "export", sub))
    masked["event"] = ["OrderCanceled"]
    masked["httpRequest"]["jsonBody"] = {"now": "{{agwID}}"}
    shown = it.preview(sub, "--file", "-", "--with-secrets",
                       stdin=json.dumps(masked))
    assert shown["event"] == cancel
    assert shown["body"] == '{"now":"A-2"}'
    assert header(shown, "authorization") == "Basic YourPassword"
    assert "token=tokentokentoken&" in shown["url"]
    assert is_genuine(shown, it.run("secret", "show", sub))
    shown = it.preview(sub, "--file", "-", "--event-id", ticket,
                       stdin=json.dumps(masked))
    assert shown["wanted"] is False
    assert it.run("subscription", "show", sub, "--json") == was
    assert it.preview(sub)["event"] == ticket


def test_what_can_not_be_rendered_fails_and_says_the_field(it):
    sub = it.add(task(settings={"missing": "strict"}))
    order = ticketed("A-1")
    del order["order"]["agent"]
    event, = it.send(order)
    it.fails("preview", sub, says="can't be rendered: ")
    assert "agent" in it.last.stderr and event in it.last.stderr
    it.fails("preview", sub, "--json", says="agent")


def test_a_paused_subscription_is_previewed_all_the_same(it):
    sub = it.add()
    it.run("subscription", "pause", sub)
    assert it.preview(sub)["wanted"] is True
    it.run("preview", sub)
    assert "is paused, so what it wants is held" in it.last.stderr


# The back-test

def test_a_back_test_counts_what_matches_and_what_fails(it):
    sub = it.add(task(settings={"missing": "strict"}))
    lacking = ticketed("A-9")
    del lacking["order"]["agent"]
    worse = json.loads(json.dumps(lacking))
    ids = it.send(*[ticketed(f"A-{i}") for i in range(50)], lacking, worse,
                  ticketed("A-0", agency="Other"),
                  {**ticketed("A-2"), "event": "OrderCanceled"})
    seen = it.backtest(sub)
    assert seen["whole"] is True and seen["subscription"] == sub
    assert (seen["looked"], seen["matched"], seen["failed"]) == (54, 52, 2)
    reason, = seen["reasons"]
    assert reason["event"] == ids[51] and reason["events"] == 2
    assert "agent" in reason["reason"]
    text = it.run("backtest", sub)
    for part in ("54 events of the last 7 days, back to ", "52\n",
                 ids[51], "agent"):
        assert part in text
    assert it.last.stderr == ""
    # a laxer task, which nobody saves
    seen = it.backtest(sub, "--file", "-", stdin=json.dumps(
        task(event=["*"])))
    assert (seen["matched"], seen["failed"]) == (53, 0)
    assert seen["reasons"] == []
    assert it.deliveries(state="delivered") == []


def test_a_back_test_of_nothing_is_no_failure(it):
    sub = it.add()
    seen = it.backtest(sub, "--days", "1")
    assert seen["looked"] == 0 and seen["whole"] is True
    assert seen["oldest"] is None
    assert "0 events of the last 1 day\n" in it.run(
        "backtest", sub, "--days", "1")


def test_a_back_test_shows_progress_on_a_terminal_and_clears_it(it):
    sub = it.add()
    it.send(*[ticketed(f"A-{i}") for i in range(40)])
    master, slave = pty.openpty()
    done = subprocess.run(
        [harness.built("skycap"), "backtest", sub], env=it.env, stderr=slave,
        stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert re.match(r"\r32 events, back to \d\d:\d\d:\d\d: 32 matched, "
                    r"0 failed\x1b\[K", shown), shown
    assert shown.endswith("\r\x1b[K")
    assert done.stdout.startswith("looked at     40 events of the last 7")


def test_an_interrupted_back_test_prints_what_was_seen(it):
    sub = it.add()
    it.send(*[ticketed(f"A-{i}") for i in range(200)])

    def interrupt():        # it is pending until the command looks for it
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        os.kill(os.getpid(), signal.SIGINT)

    done = subprocess.run(
        [harness.built("skycap"), "backtest", sub, "--json"], env=it.env,
        preexec_fn=interrupt, capture_output=True, text=True, check=False,
        timeout=60)
    assert done.returncode == 1, done
    seen = json.loads(done.stdout)
    assert seen["whole"] is False
    assert 0 < seen["looked"] < 200
    assert "ended before it was done" in done.stderr
