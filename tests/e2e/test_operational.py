"""The service's own events: who may ask for them, and what they look like."""

import json

import pytest
from service import ticketed

FAILING, DISABLED, RECOVERED = OWN = [
    f"skycap.subscription.{what}"
    for what in ("failing", "disabled", "recovered")]
WARNING = "skycap.subscription.warning"
MAIL = ["skycap.mail.failing", "skycap.mail.recovered"]
MEMBERS = ["subscription", "subscriptionName", "client", "clientName", "state",
           "reason", "target", "failures", "firstFailureAt", "lastFailureAt",
           "lastSuccessAt", "failingSeconds"]
URL = "https://ops.example/hook"


@pytest.fixture(name="s")
def _s(service):
    return service()


def task(*events, body=None):
    http = {"url": URL} if body is None else {"url": URL, "jsonBody": body}
    return json.dumps({"event": events, "httpRequest": http})


def refused(s, *args, stdin=None):
    s.run(*args, stdin=stdin, check=False)
    assert s.last.returncode == 1, s.last
    return s.last.stderr


def test_the_catalogue_shows_them_apart_and_with_a_sample(s):
    listing = s.run("catalog")
    assert listing.index("\nOPERATIONAL ") > listing.index("\nNOTIFICATIONS ")
    events = [e for e in s.lines("catalog") if "event" in e]
    own = [e["event"] for e in events if e["group"] == "operational"]
    assert own == [FAILING, WARNING, DISABLED, RECOVERED, *MAIL]
    assert len(events) == 31 + len(own)
    for name in OWN:
        sample = json.loads(s.run("catalog", name, "--sample"))
        assert sample["event"] == name and "test" not in sample
        assert list(sample["order"])[:len(MEMBERS)] == MEMBERS
        assert '"failingSeconds"' in s.run("catalog", name)
    says = refused(s, "catalog", "skycap.subscription.faling")
    assert f"did you mean {FAILING}?" in says


def test_the_samples_of_all_types_can_all_be_sent(s):
    samples = s.run("catalog", "--sample")
    assert len(samples.splitlines()) == 31
    assert "skycap." not in samples
    s.run("send", "-", stdin=samples)


def test_nobody_can_post_one(s):
    s.start()
    s.subscribe(URL, events=OWN)
    says = "names that begin with skycap. are for events of the service " \
        "itself, which can't be posted"
    for name in (*OWN, "skycap.subscription.faling", "skycap.x"):
        event = {"event": name, "order": {"agwID": "A"}}
        r = s.post(event)
        assert r.status == 422
        assert r.json()["errors"] == [{"pointer": "/event", "detail": says}]
        assert says in refused(s, "send", "-", stdin=json.dumps(event))
    r = s.post([ticketed(), {"event": FAILING, "order": {"agwID": "A"}}])
    assert r.status == 207
    assert [i["status"] for i in r.json()["results"]] == [202, 422]
    assert [e["event"] for e in s.lines("events")] == ["OrderTicketed"]


def test_only_who_sees_everything_may_ask_for_them(s):
    says = "/event: events of the service itself are for clients that see " \
        "everything (--all)"
    scoped = s.client("Scoped", "--scope", "agency=Wander")
    for args in ((task("OrderTicketed", FAILING), ()),
                 (json.dumps({"httpRequest": {"url": URL}}),
                  ("--event", RECOVERED))):
        assert says in refused(s, "subscription", "add", "--client", scoped,
                               "--file", "-", *args[1], stdin=args[0])
    sub = s.subscribe(URL, client=scoped)
    assert says in refused(s, "subscription", "edit", sub, "--file", "-",
                           stdin=task(DISABLED))
    assert s.lines("subscription", "list")[0]["event"] == ["OrderTicketed"]

    operator = s.client("Operator", "--all")
    own = s.run("subscription", "add", "--client", operator, "--file", "-",
                stdin=task(*OWN))
    assert s.lines("subscription", "show", own)[0]["event"] == OWN
    exported = json.loads(s.run("client", "export", operator,
                                "--with-secrets"))
    s.run("client", "import", "-", stdin=json.dumps(exported))
    exported["client"] = {"name": "Operator", "scope": [
        {"field": "agency", "value": "Wander"}]}
    assert "/subscriptions/0/task/event: events of the service" in refused(
        s, "client", "import", "-", stdin=json.dumps(exported))
    assert "* means all events of orders" in refused(
        s, "subscription", "edit", own, "--file", "-",
        stdin=task("*", FAILING))


def test_a_preview_shows_what_an_operator_would_get(s):
    operator = s.client("Operator", "--all")
    sub = s.run("subscription", "add", "--client", operator, "--file", "-",
                stdin=task(FAILING))
    shown = s.lines("preview", sub, "--sample", FAILING)[0]
    assert (shown["eventType"], shown["wanted"]) == (FAILING, True)
    body = json.loads(shown["body"])
    assert list(body) == ["type", "timestamp", "data"]
    assert body["type"] == FAILING
    assert list(body["data"]) == MEMBERS
    s.run("preview", sub)
    assert f"a sample {FAILING}" in s.last.stderr

    s.run("subscription", "edit", sub, "--file", "-", stdin=task(
        FAILING, body={"text": "{{order.clientName}}: {{order.reason}}",
                       "failures": "{{{order.failures}}}",
                       "order": "{{agwID}}"}))
    shown = s.lines("preview", sub, "--sample", FAILING)[0]
    assert json.loads(shown["body"]) == {
        "text": "Wander: timeout", "failures": 5, "order": ""}

    everything = s.subscribe(URL, client=operator, events=["*"])
    shown = s.lines("preview", everything, "--sample", FAILING)[0]
    assert not shown["wanted"]
    assert shown["reason"] == f"its events leave out {FAILING}"
