"""A lane whose endpoint fails: it probes, and catches up once that is back."""

import json
import threading
import time

import harness
import pytest
from endpoints import Raw
from harness import wait_for
from service import Switch, ticketed

STEPS = [1, 2, 600, 600, 600]
BIG = {f"note{i}": "x" * 200000 for i in range(3)}


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


def slow(_, got):
    time.sleep(0.05)
    return 204


def drain_s(s, good, n):
    """How long n events take to an endpoint of 50 ms that takes 8 at once."""
    before, began = len(good.got), time.monotonic()
    s.run("send", "-", stdin="\n".join(
        json.dumps({**ticketed(f"G-{i}"), "event": "OrderCanceled"})
        for i in range(n)))
    good.wait(before + n, 60)
    return time.monotonic() - began


def test_large_events_of_a_hung_lane_leave_the_others_their_width(
        service, receiver):
    s, good = service(), receiver(slow)
    stop = threading.Event()
    hung = Raw(lambda sock, n: stop.wait(60))
    s.start()
    client = s.client()
    s.subscribe(good.url(), client, events=("OrderCanceled",))
    s.subscribe(hung.url(), client, events=("OrderTicketed",), timeout_s=60)
    try:
        alone = drain_s(s, good, 200)
        for i in range(70):
            assert s.post(ticketed(f"B-{i}", **BIG)).status == 202
        time.sleep(2)
        beside = drain_s(s, good, 200)
        assert beside < 4 * alone + 2, alone    # ten times as long, once
    finally:
        stop.set()
        hung.close()


def test_a_run_that_waits_for_a_slow_answer_sends_what_comes_meanwhile(
        service, receiver):
    s, good = service("[sweep]\nbudget = 2\n", mode="cgi"), receiver()
    stop = threading.Event()
    hung = Raw(lambda sock, n: stop.wait(60))
    s.start()
    client = s.client()
    s.subscribe(good.url(), client, events=("OrderCanceled",))
    s.subscribe(hung.url(), client, events=("OrderTicketed",), timeout_s=30)
    assert s.post(ticketed("B")).status == 202
    run = threading.Thread(target=s.sweep)
    run.start()
    time.sleep(4)
    assert s.post({**ticketed("G"), "event": "OrderCanceled"}).status == 202
    began = time.monotonic()
    try:
        while not good.got and time.monotonic() - began < 40:
            s.sweep()               # cron, every second
            time.sleep(1)
        took = time.monotonic() - began
        assert took < 15, took      # not the 30 s of the slow one
    finally:
        stop.set()
        hung.close()
        run.join()


def test_410_of_what_was_edited_meanwhile_does_not_disable_it(
        service, receiver):
    """The one that is gone is the old URL, not what it was mended to."""
    s, good = service(), receiver()
    old = receiver(lambda n, got: (time.sleep(2), 410)[1])
    s.start()
    sub = s.subscribe(old.url())
    assert s.post(ticketed("A")).status == 202
    old.wait(1)
    task = json.loads(s.run("subscription", "export", sub, "--with-secrets"))
    task["httpRequest"]["url"] = good.url()
    s.run("subscription", "edit", sub, "--file", "-", stdin=json.dumps(task))
    harness.wait_for("the old one's answer is on record", lambda:
                     "410" in s.run("show", old.got[0].headers["webhook-id"]))
    assert s.post(ticketed("B")).status == 202
    good.wait(1, 5)
