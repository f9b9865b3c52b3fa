"""Slack: what is sent there, and what each of its answers leads to.

The stand-in answers with the words and codes that Slack documents for incoming
webhooks.
"""

import json

import pytest
from harness import wait_for
from service import Switch, ticketed

HOOK = "/services/T00000000/B00000000/hUshhUshhUshhUsh"

SHUT = [
    (404, "no_service"), (404, "no_team"), (404, "no_active_hooks"),
    (404, "channel_not_found"), (410, "channel_is_archived"),
    (403, "invalid_token"), (403, "action_prohibited"),
    (403, "team_disabled"), (403, "posting_to_general_channel_denied"),
    (400, "user_not_found"),
]
REJECTED = [
    (400, "invalid_payload"), (400, "no_text"), (400, "invalid_blocks"),
    (400, "too_many_attachments"),
]


@pytest.fixture
def s(service):
    return service().start()


def slack(s, r, client=None, text=None, events=("OrderTicketed",), **settings):
    task = {"slack": {"url": r.url(HOOK)}}
    if text is not None:
        task["slack"]["text"] = text
    if settings:
        task["settings"] = settings
    args = [a for e in events for a in ("--event", e)]
    return s.run("subscription", "add", "--client", client or s.client(),
                 "--file", "-", *args, stdin=json.dumps(task))


def state(s, sub):
    [it] = [x for x in s.lines("subscription", "list") if x["id"] == sub]
    return it["state"], it["reason"]


def only(s, sub):
    [d] = s.deliveries(subscription=sub)
    return d


def answer(status, word):
    return lambda n, got: (status, {"content-type": "text/plain"},
                           word.encode())


def test_values_are_escaped_and_the_clients_own_markup_is_not(s, receiver):
    r = receiver(answer(200, "ok"))
    slack(s, r, text="*{{agwID}}* by {{agent}} <https://x.example/|look> "
          "& {{{agency}}}")
    s.post(ticketed(agent="<!channel> & \"A\\B\"\n>x", agency="<b>"))
    got = r.wait(1)[0]
    assert got.path == HOOK
    assert got.headers["content-type"] == "application/json"
    assert got.json() == {
        "text": "*AGW-JHTE1543KJ* by &lt;!channel&gt; &amp; \"A\\B\"\n&gt;x "
                "<https://x.example/|look> & <b>"}
    assert "webhook-signature" not in got.headers


def test_a_client_need_not_write_a_text(s, receiver):
    r = receiver(answer(200, "ok"))
    slack(s, r)
    s.post(ticketed())
    text = r.wait(1)[0].json()["text"]
    assert "AGW-JHTE1543KJ" in text and "KWJ2MT" in text
    assert "sessionId" not in text and "{{" not in text


@pytest.mark.parametrize("status,word", SHUT)
def test_what_a_person_has_to_mend_disables_and_is_held(
        s, receiver, status, word):
    turn = Switch((status, {}, word.encode()))
    r = receiver(turn)
    sub = slack(s, r)
    s.post(ticketed())
    r.wait(1)
    wait_for("it is disabled", lambda: state(s, sub) == ("disabled", word))
    d = only(s, sub)
    assert (d["state"], d["attempts"], d["lastStatus"]) == ("held", 0, status)
    shown = s.run("show", d["id"])
    assert f"Slack answered {status} {word}: " in shown
    assert "hUshhUsh" not in shown
    turn.turn((200, {}, b"ok"))
    s.run("subscription", "resume", sub)
    wait_for("what was held arrives", lambda:
             only(s, sub)["state"] == "delivered")


@pytest.mark.parametrize("status,word", REJECTED)
def test_a_message_that_slack_refuses_is_dead_and_others_follow(
        s, receiver, status, word):
    r = receiver(lambda n, got: (status, {}, word.encode()) if n == 1
                 else (200, {}, b"ok"))
    sub = slack(s, r, rate_per_s=0)
    s.post(ticketed("A-1"))
    wait_for("it is dead", lambda: only(s, sub)["state"] == "dead")
    assert (only(s, sub)["reason"], only(s, sub)["attempts"]) == \
        ("rejected", 1)
    s.post(ticketed("A-2"))
    wait_for("the next one arrives", lambda: sorted(
        d["state"] for d in s.deliveries(subscription=sub)) ==
        ["dead", "delivered"])
    assert state(s, sub) == ("active", "")


@pytest.mark.parametrize("status,body", [
    (500, "rollup_error"), (503, "no_service"), (404, "<html>"),
    (403, "no_service, or so")])
def test_any_other_failure_is_retried(s, receiver, status, body):
    r = receiver(lambda n, got: (status, {}, body.encode()) if n == 1
                 else (200, {}, b"ok"))
    sub = slack(s, r, retry_s=[1])
    s.post(ticketed())
    wait_for("the second attempt arrives", lambda:
             only(s, sub)["state"] == "delivered")
    assert only(s, sub)["attempts"] == 2


def test_410_without_a_word_is_gone_as_anywhere(s, receiver):
    r = receiver(answer(410, "gone"))
    sub = slack(s, r)
    s.post(ticketed())
    wait_for("it is disabled", lambda: state(s, sub) == ("disabled", "gone"))
    assert (only(s, sub)["state"], only(s, sub)["reason"]) == ("dead", "gone")


def test_429_slows_the_lane_and_uses_no_attempt(s, receiver):
    r = receiver(lambda n, got: (429, {"retry-after": "2"}, b"rate_limited")
                 if n == 1 else (200, {}, b"ok"))
    sub = slack(s, r, rate_per_s=0, retry_s=[1, 1])
    s.post(ticketed("A-1"))
    r.wait(1)
    wait_for("the refusal is on record", lambda:
             only(s, sub)["lastStatus"] == 429)
    s.post(ticketed("A-2"))
    r.wait(3)
    assert r.got[1].at - r.got[0].at >= 1.9     # the other one waits, too
    wait_for("both arrive", lambda: {
        (d["state"], d["attempts"]) for d in s.deliveries(subscription=sub)}
        == {("delivered", 1)})


def test_one_message_a_second_unless_told_otherwise(s, receiver):
    r = receiver(answer(200, "ok"))
    slack(s, r)
    for i in range(4):
        s.post(ticketed(f"A-{i}"))
    r.wait(4)
    assert r.got[3].at - r.got[0].at >= 2.9


def test_its_address_is_a_secret(s, receiver):
    r = receiver(lambda n, got: (500, {}, f"no {HOOK} here".encode()))
    sub = slack(s, r)
    s.post(ticketed())
    wait_for("it was tried", lambda: only(s, sub)["lastStatus"] == 500)
    shown = [s.run("subscription", *a) for a in (
        ("list",), ("list", "--json"), ("show", sub), ("export", sub),
        ("show", sub, "--json"))]
    shown += [s.run("show", only(s, sub)["id"], *a) for a in (
        (), ("--json",))]
    shown += [s.run("preview", sub), s.run("preview", sub, "--json")]
    shown += [s.run("client", "export", s.lines("client", "list")[0]["id"])]
    for text in shown:
        assert "hUshhUsh" not in text and "B00000000" not in text, text
    assert HOOK in s.run("subscription", "export", sub, "--with-secrets")
    # an edit with the mask in it keeps what is there
    s.run("subscription", "edit", sub, "--file", "-",
          stdin=s.run("subscription", "export", sub))
    assert HOOK in s.run("subscription", "export", sub, "--with-secrets")
