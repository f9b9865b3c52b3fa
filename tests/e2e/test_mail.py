"""Mail from event to mailbox, over a real SMTP server and over bad ones."""

import json
import re
import time

import pytest
from harness import wait_for
from service import ticketed
from smtp_server import DROP, SILENT, MailServer, Misbehaving, needs_aiosmtpd

pytestmark = needs_aiosmtpd
FROM = "from = Skycap <skycap@agency.example>\n"


@pytest.fixture
def site(service):
    """A service whose mail goes to a server."""
    def make(m, more="", **options):
        return service(conf=f"[mail]\nurl = {m.url}\n{FROM}{more}",
                       **options).start()
    return make


def mail(s, to, client=None, events=("OrderTicketed",), settings=None, **parts):
    task = {"mail": {"to": to, **parts}}
    if settings:
        task["settings"] = settings
    args = [a for e in events for a in ("--event", e)]
    return s.run("subscription", "add", "--client", client or s.client(),
                 "--file", "-", *args, stdin=json.dumps(task))


def text(got):
    """What a reader sees; python leaves CR LF in what was not encoded."""
    return got.message.get_content().replace("\r\n", "\n")


def states(s, sub):
    return sorted((d["state"], d["reason"]) for d in s.deliveries(
        subscription=sub))


def all_are(s, sub, state, n=1):
    wait_for(f"all are {state}", lambda: [d["state"] for d in s.deliveries(
        subscription=sub)] == [state] * n, 20)


def test_a_ready_made_mail_has_all_that_a_mail_needs(site):
    with MailServer() as m:
        s = site(m, more="[site]\nurl = https://hooks.example.org\n")
        sub = mail(s, ["ops@wander.example"])
        s.post(ticketed())
        [got] = m.wait(1)
        all_are(s, sub, "delivered")
        [d] = s.deliveries(subscription=sub)
        assert (got.sender, got.recipients) == (
            "skycap@agency.example", ["ops@wander.example"])
        head = got.message
        assert head["from"] == "Skycap <skycap@agency.example>"
        assert head["to"] == "ops@wander.example"
        assert "AGW-JHTE1543KJ" in head["subject"]
        assert head["message-id"] == f"<{d['id']}@agency.example>"
        assert head["auto-submitted"] == "auto-generated"
        assert head["list-unsubscribe"] == \
            f"<https://hooks.example.org/admin/subscriptions/{sub}>"
        assert abs(head["date"].datetime.timestamp() - time.time()) < 60
        assert head["skycap-event"] == "OrderTicketed"
        assert head["mime-version"] == "1.0"
        assert head["content-type"].startswith("text/plain")
        assert "PNR: KWJ2MT" in text(got)
        assert all(len(line) <= 998 for line in got.raw.split(b"\r\n"))
        assert b"\n" not in got.raw.replace(b"\r\n", b"")
        # what was sent is on record, and made again byte by byte
        assert s.run("show", d["id"], "--body") == \
            text(got).rstrip("\n")


@pytest.mark.parametrize("agent", [
    "Ana Gil",
    "Zoë Ångström — 中村 \U0001f6eb e\u0301",
    "x\r\nBcc: evil@x.example\r\n\r\nHi",
    "=?utf-8?q?evil?=",
    ".\r\n.\r\nQUIT\r\n",
    "a\tb \u2028 c\u0085d\u202ee",
    "%s %n {{agwID}} <&> \" \\ ;",
    "é" * 300,
    "y" * 3000,
])
def test_whatever_an_order_holds_is_text_and_nothing_else(site, agent):
    with MailServer() as m:
        s = site(m)
        sub = mail(s, ["ops@wander.example"], subject="Of {{agent}}",
                   text="A: {{agent}}\n.\nB: {{agwID}}")
        s.post(ticketed(agent=agent))
        [got] = m.wait(1)
        all_are(s, sub, "delivered")
        head, _, _ = got.raw.partition(b"\r\n\r\n")
        names = [h.lower() for h in re.findall(rb"(?m)^([\w-]+):", head)]
        assert names == [
            b"from", b"to", b"subject", b"date", b"message-id",
            b"auto-submitted", b"skycap-event", b"skycap-event-id",
            b"skycap-attempt", b"mime-version", b"content-type",
            b"content-transfer-encoding"]
        assert got.raw.isascii()
        assert all(len(line) <= 998 for line in got.raw.split(b"\r\n"))
        # control characters are spaces, or gone; the rest is as it was
        flat = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", agent)
        subject = str(got.message["subject"])
        assert subject.split() == ("Of " + flat)[:500].split()
        says = text(got)
        assert says.startswith("A: ") and says.endswith(
            "\n.\nB: AGW-JHTE1543KJ\n")
        assert len(m.mails) == 1


def test_each_recipient_has_a_delivery_of_its_own(site):
    with MailServer() as m:
        m.refuse["no@wander.example"] = "550 5.1.1 No such user"
        s = site(m)
        sub = mail(s, ["ops@wander.example", "{{agentEmail}}",
                       "no@wander.example", "{{consumerEmail}}"])
        out = s.post(ticketed(agentEmail="ana@wander.example")).json()
        assert out["deliveries"] == 4
        wait_for("all have ended", lambda: states(s, sub) == [
            ("dead", "rejected"), ("dead", "template"), ("delivered", ""),
            ("delivered", "")])
        assert sorted(g.recipients[0] for g in m.mails) == [
            "ana@wander.example", "ops@wander.example"]
        by = {d["reason"]: d for d in s.deliveries(subscription=sub)}
        assert by["rejected"]["lastStatus"] == 550
        shown = s.run("show", by["rejected"]["id"])
        assert "550 5.1.1 No such user" in shown
        assert "consumerEmail" in s.run("show", by["template"]["id"])
        s.run("verify")


def test_a_recipient_that_is_busy_is_retried_and_keeps_nobody_waiting(site):
    with MailServer() as m:
        m.refuse["grey@wander.example"] = "451 4.7.1 Greylisted"
        s = site(m)
        sub = mail(s, ["grey@wander.example", "ops@wander.example"],
                   settings={"retry_s": [2, 2, 2]})
        for i in range(8):
            s.post(ticketed(f"A-{i}"))
        m.wait(8)
        assert {g.recipients[0] for g in m.mails} == {"ops@wander.example"}
        del m.refuse["grey@wander.example"]
        all_are(s, sub, "delivered", 16)


@pytest.mark.parametrize("step,answer,reason", [
    ("RCPT", b"553 No\r\n", "rejected"),
    ("DATA", b"554 No\r\n", "rejected"),
    ("end", b"552 Too much\r\n", "rejected"),
])
def test_what_is_refused_for_good_is_dead(site, step, answer, reason):
    with Misbehaving({step: answer}) as m:
        s = site(m)
        sub = mail(s, ["ops@wander.example"])
        s.post(ticketed())
        wait_for("it is dead", lambda: states(s, sub) == [("dead", reason)])


SERVERS_FAULT = [
    ("banner", b"554 Go away\r\n"), ("EHLO", b"550 No\r\n"),
    ("MAIL", b"550 No\r\n"), ("RCPT", b"421 Closing\r\n"), ("end", DROP),
]


@pytest.mark.parametrize("step,answer", SERVERS_FAULT)
def test_a_server_that_fails_uses_no_attempt_and_is_probed_with_one(
        site, receiver, step, answer):
    """While webhooks go on."""
    r = receiver()
    bad = {step: answer}
    if step == "EHLO":
        bad["HELO"] = answer
    with Misbehaving(bad) as m:
        s = site(m)
        client = s.client()
        sub = mail(s, ["a@wander.example", "b@wander.example"], client,
                   settings={"retry_s": [1, 1]})
        s.subscribe(r.url(), client)
        for i in range(20):
            s.post(ticketed(f"A-{i}"))
        r.wait(20)
        wait_for("one was tried", lambda: m.connections > 0)
        time.sleep(1)           # for others that should not be
        assert m.connections <= 4       # and once anew, where that helps
        assert {d["attempts"] for d in s.deliveries(subscription=sub)} == {0}
        assert {d["state"] for d in s.deliveries(subscription=sub)} == \
            {"pending"}
        for k in list(m.answers):
            del m.answers[k]
        wait_for("all arrive", lambda: {d["state"] for d in s.deliveries(
            subscription=sub)} == {"delivered"}, 60)
        assert len(m.messages) == 40 or step == "end"


def test_a_server_silent_after_quit_holds_nothing_up(site, receiver):
    r = receiver()
    with Misbehaving({"QUIT": SILENT}) as m:
        s = site(m)
        client = s.client()
        sub = mail(s, ["a@wander.example"], client)
        s.subscribe(r.url(), client)
        for i in range(3):
            s.post(ticketed(f"A-{i}"))
            m.wait(i + 1)
            r.wait(i + 1)
        all_are(s, sub, "delivered", 3)
        wait_for("the kept connection is given up", lambda:
                 b"QUIT\r\n" in m.heard, 30)
        s.post(ticketed("A-9"))
        r.wait(4)
        m.wait(4)
        all_are(s, sub, "delivered", 4)
    began = time.monotonic()
    s.server.stop()
    assert time.monotonic() - began < 5


def test_a_silent_server_keeps_no_webhook_waiting(site, receiver):
    r = receiver()
    with Misbehaving({"end": SILENT}) as m:
        s = site(m)
        client = s.client()
        sub = mail(s, ["a@wander.example"], client,
                   settings={"timeout_s": 60})
        s.subscribe(r.url(), client)
        for i in range(30):
            s.post(ticketed(f"A-{i}"))
            r.wait(i + 1)
        # all that while the first mail was waited for
        assert len(m.messages) == 1
        assert {(d["state"], d["lastStatus"]) for d in s.deliveries(
            subscription=sub)} == {("pending", None)}


def test_operators_hear_that_the_server_fails_and_that_it_is_back(
        site, receiver):
    r = receiver()
    with Misbehaving({"banner": b"554 No\r\n"}) as m:
        s = site(m)
        client = s.client()
        s.subscribe(r.url(), client, events=(
            "skycap.mail.failing", "skycap.mail.recovered"),
            task={"httpRequest": {"url": ""}})
        sub = mail(s, ["a@wander.example"], client)
        s.post(ticketed())
        r.wait(1, 120)
        got = r.got[0].json()
        assert got["type"] == "skycap.mail.failing"
        assert got["data"]["server"] == m.url
        assert "554" in got["data"]["sentence"]
        del m.answers["banner"]
        r.wait(2, 120)
        assert r.got[1].json()["type"] == "skycap.mail.recovered"
        all_are(s, sub, "delivered")


def test_without_a_server_mail_waits_and_goes_once_there_is_one(service):
    with MailServer() as m:
        s = service()
        sub = mail(s, ["ops@wander.example"])
        assert "[mail]" in s.last.stderr
        s.start()
        s.post(ticketed())
        assert states(s, sub) == [("pending", "")]
        s.run("sweep", "--once", check=False)
        assert states(s, sub) == [("pending", "")]
        s.server.stop()
        with open(s.made["conf"], "a", encoding="utf-8") as f:
            f.write(f"[mail]\nurl = {m.url}\n{FROM}")
        s.start()
        all_are(s, sub, "delivered")


def test_a_run_ends_while_the_server_fails(service):
    with Misbehaving({"banner": b"554 No\r\n"}) as m:
        s = service(conf=f"[mail]\nurl = {m.url}\n{FROM}")
        sub = mail(s, ["a@wander.example", "b@wander.example"])
        for i in range(20):
            s.run("send", "-", stdin=json.dumps(ticketed(f"A-{i}")))
        began = time.monotonic()
        s.run("sweep", "--once")
        assert time.monotonic() - began < 5
        assert m.connections <= 2
        assert {d["state"] for d in s.deliveries(subscription=sub)} == \
            {"pending"}
        m.answers.clear()
        # those that were tried are due again a little later
        wait_for("all are delivered", lambda: s.run("sweep", "--once") and {
            d["state"] for d in s.deliveries(subscription=sub)} ==
            {"delivered"}, 20)


def test_a_test_is_marked(site):
    with MailServer() as m:
        s = site(m)
        sub = mail(s, ["a@wander.example", "b@wander.example"])
        out = s.run("test", sub)
        assert "[Test] " in out and out.count("The test has arrived.") == 2
        assert {g.message["skycap-test"] for g in m.wait(2)} == {"true"}
        assert all(str(g.message["subject"]).startswith("[Test] ")
                   for g in m.mails)


def test_several_mails_go_over_one_connection(site):
    with MailServer() as m:
        s = site(m)
        sub = mail(s, ["a@wander.example"])
        for i in range(30):
            s.post(ticketed(f"A-{i}"))
        m.wait(30)
        all_are(s, sub, "delivered", 30)
        assert m.connections <= 4
