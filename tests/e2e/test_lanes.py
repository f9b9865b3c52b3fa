"""A lane whose endpoint fails: it probes, and catches up once that is back."""

import json

import pytest
from harness import wait_for
from service import Switch, ticketed

STEPS = [1, 2, 600, 600, 600]


@pytest.fixture
def s(service):
    return service()


def attempts(s, sub):
    return sorted(d["attempts"] for d in s.deliveries(subscription=sub))


def edit(s, sub):
    """As it is: what may be mended is tried at once."""
    s.run("subscription", "edit", sub, "--file", "-",
          stdin=s.run("subscription", "export", sub, "--with-secrets"))


def test_a_dead_endpoint_is_probed_with_one_and_gets_all_when_it_is_back(
        s, receiver):
    answer = Switch(500)
    r, good = receiver(answer), receiver()
    s.start()
    client = s.client()
    sub = s.subscribe(r.url(), client, retry_s=STEPS, concurrency=4)
    fine = s.subscribe(good.url(), client)
    for i in range(30):
        assert s.post(ticketed(f"A-{i}")).status == 202
    good.wait(30)
    # four at once, then one at a time until five have failed in a row; of
    # these the first goes on alone: after 1 s, after 2 s, then not for 600
    wait_for("the probe has used its first steps", lambda:
             attempts(s, sub)[-1] == 3, 20)
    tried = attempts(s, sub)
    assert tried[-2] <= 1, tried
    assert sum(1 for a in tried if a > 0) <= 8, tried
    assert len(r.got) == sum(tried)
    assert {g.headers["webhook-id"] for g in r.got[-2:]} == \
        {r.got[-1].headers["webhook-id"]}
    answer.turn(204)
    edit(s, sub)                # else the probe would be due in 600 s
    for it in (sub, fine):
        wait_for("all arrive", lambda: len(s.deliveries(
            subscription=it, state="delivered")) == 30, 20)


def test_a_probe_before_its_time_uses_no_attempt_and_success_pulls_the_rest(
        s, receiver):
    answer = Switch(500)
    r = receiver(answer)
    s.start()
    sub = s.subscribe(r.url(), retry_s=[1, 600, 600])
    for total in (2, 4, 5):     # failures in a row
        assert s.post(ticketed(f"A-{total}")).status == 202
        wait_for("they are on record", lambda:
                 sum(attempts(s, sub)) == total, 20)
    used = attempts(s, sub)
    assert (used, len(r.got)) == ([1, 2, 2], 5)
    edit(s, sub)
    r.wait(6)
    assert r.got[5].headers["webhook-id"] == r.got[0].headers["webhook-id"]
    wait_for("the sixth is on record", lambda:
             s.run("show", msg(r.got[0])).count("500") >= 3)
    assert attempts(s, sub) == used
    answer.turn(204)
    edit(s, sub)
    wait_for("what waited for 600 s arrives", lambda: len(s.deliveries(
        subscription=sub, state="delivered")) == 3, 20)


def msg(got):
    return got.headers["webhook-id"]


def test_cron_hits_probe_with_the_same_delivery(s, receiver):
    """Each hit is a process of its own, which knows from the store."""
    answer = Switch(503)
    r = receiver(answer)
    s.mode = "cgi"
    s.start()
    sub = s.subscribe(r.url(), retry_s=[1] + [600] * 5, concurrency=2)
    s.run("send", "-", stdin="\n".join(
        json.dumps(ticketed(f"A-{i}")) for i in range(20)))
    wait_for("it has failed five times", lambda:
             s.sweep()["busy"] or sum(attempts(s, sub)) >= 5, 20)
    wait_for("the probe has its second attempt", lambda:
             s.sweep()["busy"] or attempts(s, sub)[-1] == 2, 20)
    before = attempts(s, sub)
    for _ in range(3):
        assert s.sweep()["delivered"] == 0
    assert attempts(s, sub) == before
    assert sum(1 for a in before if a > 1) == 1, before
