"""Who fails for long is warned by mail, then disabled: once, whatever dies."""

import contextlib
import json
import subprocess
import time

import harness
import pytest
from service import Receiver, Switch, ticketed
from smtp_server import MailServer, needs_aiosmtpd
from test_clock import LIBRARY, Clock

pytestmark = [
    pytest.mark.skipif(not LIBRARY, reason="libfaketime is missing"),
    needs_aiosmtpd]
MINUTE, HOUR, DAY = 60, 3600, 86400
WARNING, DISABLED = OWN = [f"skycap.subscription.{what}"
                           for what in ("warning", "disabled")]
SITE = "[site]\nurl = https://skycap.example\n"
SCHEDULE = [1] * 4 + [HOUR] * 28


@contextlib.contextmanager
def sweep(s):
    p = subprocess.Popen([harness.built("skycap"), "sweep"], env=s.env,
                         stdout=subprocess.DEVNULL, stderr=s.log)
    try:
        yield p
    finally:
        p.kill()
        p.wait()


def text_of(got):
    return got.message.get_content().replace("\r\n", "\n")


class Story:
    """A client whose endpoint fails, under a clock that the test moves."""

    def __init__(self, service, m, answer, *client, conf=SITE,
                 sender="Skycap <skycap@agency.example>"):
        mail = "" if m is None else f"[mail]\nurl = {m.url}\nfrom = {sender}\n"
        self.s = s = service(conf=mail + conf)
        self.clock = Clock(s)
        s.log = open(s.dir("log"), "ab")
        self.answer = Switch(answer)
        self.receiver = Receiver(self.answer)
        self.sub = s.subscribe(self.receiver.url("/in?token=tokentoken"),
                               s.client("Wander", "--all", *client),
                               retry_s=SCHEDULE)

    def send(self, n, first=0):
        for i in range(first, first + n):
            self.s.run("send", "-", stdin=json.dumps(ticketed(f"A-{i}")))

    def at(self, offset_s, until=None):
        """A sweep at that time, until something has come of it."""
        tried = len(self.receiver.got)
        self.clock.set(offset_s)
        with sweep(self.s) as p:
            harness.wait_for("it has swept", until or (
                lambda: len(self.receiver.got) > tried), 20)
            p.terminate()
            assert p.wait(10) == 0

    def stages(self):
        """Of the service's own events, the oldest first."""
        events = [e for e in self.s.lines("events", "--limit", "1000")
                  if e["event"] in OWN]
        return [self.s.lines("show", e["id"])[0]["order"]["stage"]
                for e in reversed(events)]

    def state(self):
        shown = self.s.lines("subscription", "show", self.sub)[0]
        return shown["state"], shown["reason"]


@pytest.fixture(name="story")
def _story(service):
    made = []

    def make(*args, **options):
        made.append(Story(service, *args, **options))
        return made[-1]

    yield make
    for y in made:
        y.receiver.close()
        y.s.log.close()


def test_five_days_of_failure_are_three_mails_and_the_end(story):
    with MailServer() as m:
        y = story(m, 503, "--mail", "ops@wander.example")
        y.send(20)
        y.at(0, lambda: len(y.receiver.got) >= 5)
        y.at(15 * MINUTE, lambda: len(m.mails) == 1)
        for i in range(5, 59, 9):
            y.at(i * HOUR)
        y.at(61 * HOUR, lambda: len(m.mails) == 2)
        for i in range(65, 119, 9):
            y.at(i * HOUR)
        assert len(m.mails) == 2 and y.state() == ("active", "")
        y.at(5 * DAY + HOUR, lambda: len(m.mails) == 3)
        assert y.state() == ("disabled", "failing")
        assert y.stages() == ["first", "halfway", "disabled"]
        mails = m.wait(3)
        assert len(mails) == 3
        listed = y.s.deliveries(subscription="notices")
        for got, stage in zip(mails, ["failing since", "still failing",
                                      "disabled"]):
            assert got.recipients == ["ops@wander.example"]
            assert stage in got.message["subject"]
            assert got.message["list-unsubscribe"] is None
            text = text_of(got)
            assert "tokentoken" not in text
            assert y.sub in text and "Client:       Wander" in text
            assert "Oldest event: OrderTicketed of A-" in text
            assert "Came back:    Answered 503" in text
            link = "https://skycap.example/admin/deliveries/msg_"
            about = text.split(link)[1].split()[0]
            assert y.s.lines("show", f"msg_{about}")[0]["subscription"] == \
                y.sub
        assert f"https://skycap.example/admin/subscriptions/{y.sub}" in \
            text_of(mails[2])

        # they are deliveries like any other
        assert [(d["state"], d["client"]) for d in listed] == [
            ("delivered", None)] * 3
        shown = y.s.run("show", listed[0]["id"])
        assert "subscription  notices  mailed by the service itself\n" in \
            shown
        assert y.s.run("show", listed[0]["id"], "--body") in \
            [text_of(g).rstrip("\n") for g in mails]
        assert "notices" in y.s.run("deliveries")
        assert [x["id"] for x in y.s.lines("subscription", "list")] == [y.sub]
        y.s.run("verify")

        # and all that was held arrives when it is resumed
        assert {d["state"] for d in y.s.deliveries(subscription=y.sub)} == {
            "held"}
        y.answer.turn(204)
        y.s.run("subscription", "resume", y.sub)
        y.at(5 * DAY + 4 * HOUR, lambda: {d["state"] for d in y.s.deliveries(
            subscription=y.sub)} == {"delivered"})
        assert len(m.mails) == 3


def test_who_answers_gone_is_mailed_at_once(story):
    with MailServer() as m:
        y = story(m, 410, "--mail", "ops@wander.example", conf="")
        y.send(1)
        y.at(0, lambda: len(m.mails) == 1)
        assert y.state() == ("disabled", "gone")
        [got] = m.mails
        assert got.message["subject"].endswith(": disabled")
        text = text_of(got)
        assert "the endpoint said that it is gone for good." in text
        assert "Came back:    Answered 410" in text
        assert f"skycap subscription resume {y.sub}\n" in text
        assert "To look, run: skycap show msg_" in text


def test_without_an_address_it_goes_to_whom_mail_comes_from(story):
    with MailServer() as m:
        y = story(m, 410)
        y.send(1)
        y.at(0, lambda: len(m.mails) == 1)
        assert m.mails[0].recipients == ["skycap@agency.example"]


def test_without_a_mail_server_the_log_says_whom_nobody_told(story):
    y = story(None, 410, "--mail", "ops@wander.example")
    y.send(1)
    y.at(0, lambda: y.state() == ("disabled", "gone"))
    with open(y.s.log.name, encoding="utf-8") as f:
        said = [line for line in f if "mailed to nobody" in line]
    assert len(said) == 1 and y.sub in said[0] and "Wander" in said[0]
    assert "[mail] url is not set" in said[0]
    assert y.stages() == [] and y.s.deliveries(subscription="notices") == []


def test_a_mail_that_is_put_off_arrives_all_the_same(story):
    with MailServer() as m:
        y = story(m, 410, "--mail", "ops@wander.example")
        m.refuse["ops@wander.example"] = "451 4.7.1 Later"
        y.send(1)
        y.at(0, lambda: [d["lastStatus"] for d in y.s.deliveries(
            subscription="notices")] == [451])
        assert m.mails == []
        del m.refuse["ops@wander.example"]
        y.at(HOUR, lambda: [d["state"] for d in y.s.deliveries(
            subscription="notices")] == ["delivered"])
        assert len(m.mails) == 1


def test_an_address_that_is_refused_is_not_told_of_by_mail(story):
    with MailServer() as m:
        y = story(m, 410, "--mail", "ops@wander.example")
        m.refuse["ops@wander.example"] = "550 5.1.1 No such user"
        y.send(1)
        y.at(0, lambda: [d["reason"] for d in y.s.deliveries(
            subscription="notices")] == ["rejected"])
        assert y.stages() == ["disabled"] and m.mails == []


def test_a_sweep_that_is_killed_tells_each_stage_once(story):
    with MailServer() as m:
        y = story(m, 503, "--mail", "ops@wander.example")
        y.send(30)
        y.at(0, lambda: len(y.receiver.got) >= 8)
        stages = ["first", "halfway", "disabled"]
        for n, at in enumerate([15 * MINUTE, 61 * HOUR, 121 * HOUR]):
            for i in range(10):
                y.clock.set(at + 16 * MINUTE * i)   # it may be probed again
                tried = len(y.receiver.got)
                with sweep(y.s) as p:
                    if i % 2:   # in the moments after an attempt has failed
                        harness.wait_for("an attempt", lambda tried=tried: len(
                            y.receiver.got) > tried or y.state()[1], 20)
                    time.sleep(0.005 * i)
            y.at(at + 5 * HOUR, lambda n=n: y.stages() == stages[:n + 1] and
                 len({g.message["message-id"] for g in m.mails}) == n + 1)
        assert y.state() == ("disabled", "failing")
        assert len(y.s.deliveries(subscription="notices")) == 3
        y.s.run("verify")
