"""What befalls a subscription is told to operators: once, whatever dies."""

import os
import signal
import threading
import time

import harness
import pytest
from harness import wait_for
from receiver import verify
from service import Switch, ticketed

FAILING, DISABLED, RECOVERED = OWN = [
    f"skycap.subscription.{what}"
    for what in ("failing", "disabled", "recovered")]
BARE = {"httpRequest": {}}
SHORT = [1] * 32


@pytest.fixture(name="s")
def _s(service):
    return service()


@pytest.fixture(name="operator")
def _operator(s, receiver):
    """A receiver of all events of the service's own; sub is what it has."""
    r = receiver()
    r.client = s.client("Operations", "--all")
    r.sub = s.subscribe(r.url("/ops"), r.client, OWN, BARE)
    return r


def told(s):
    """The service's own events, the oldest first."""
    return [e for e in reversed(s.lines("events", "--limit", "1000"))
            if e["event"] in OWN]


def types(s):
    return [e["event"] for e in told(s)]


def bodies(operator):
    return [g.json() for g in operator.got]


def fail(s, n, what="F"):
    """Events that make an endpoint fail in a row."""
    for i in range(n):
        assert s.post(ticketed(f"{what}-{i}")).status == 202


def test_who_fails_is_told_of_once_and_again_when_it_has_recovered(
        s, receiver, operator):
    answer = Switch(503)
    r = receiver(answer)
    s.start()
    client = s.client("Wander", "--scope", "agency=Wander")
    sub = s.subscribe(r.url("/in?token=tokentoken"), client, retry_s=SHORT)
    everything = s.subscribe(operator.url("/all"), operator.client, ["*"],
                             BARE, ordered=True)
    fail(s, 6)
    wait_for("it is told", lambda: types(s) == [FAILING], 30)
    failed = len(r.got)
    wait_for("it fails on", lambda: len(r.got) > failed + 2, 30)
    answer.turn(204)
    wait_for("the recovery is told", lambda:
             types(s) == [FAILING, RECOVERED], 30)
    wait_for("all arrive", lambda: len(s.deliveries(
        subscription=sub, state="delivered")) == 6, 30)

    own = [g for g in operator.got if g.path == "/ops"]
    wait_for("both arrive", lambda: len(
        [g for g in operator.got if g.path == "/ops"]) == 2, 15)
    own = [g for g in operator.got if g.path == "/ops"]
    secret = s.run("secret", "show", operator.sub)
    for got in own:
        verify(secret, got.headers, got.body)
        body = got.json()
        assert list(body) == ["type", "timestamp", "data"]
        assert got.headers["skycap-event"] == body["type"]
        data = body["data"]
        assert (data["subscription"], data["client"]) == (sub, client)
        assert data["clientName"] == "Wander"
        assert data["target"].startswith(f"http://127.0.0.1:{r.port}/in?")
        assert "tokentoken" not in got.body.decode()
        assert "AGW" not in got.body.decode()
        assert data["failures"] >= 5
        assert data["firstFailureAt"] <= data["lastFailureAt"]
    by_type = {got.json()["type"]: got.json()["data"] for got in own}
    assert by_type[FAILING]["lastSuccessAt"] is None
    assert by_type[FAILING]["reason"] == "http"
    assert by_type[RECOVERED]["reason"] == ""
    assert by_type[RECOVERED]["lastSuccessAt"] is not None
    assert by_type[RECOVERED]["failingSeconds"] >= \
        by_type[FAILING]["failingSeconds"]
    assert {d["eventType"] for d in s.deliveries(
        subscription=everything)} == {"OrderTicketed"}
    assert {d["agwID"] for d in s.deliveries(
        subscription=operator.sub)} == {None}


def test_who_is_gone_is_told_of_each_time_it_is_disabled(
        s, receiver, operator):
    answer = Switch(410)
    r = receiver(answer)
    s.start()
    sub = s.subscribe(r.url(), retry_s=SHORT)
    assert s.post(ticketed()).status == 202
    wait_for("it is told", lambda: types(s) == [DISABLED], 15)
    operator.wait(1)
    data = bodies(operator)[0]["data"]
    assert (data["subscription"], data["state"], data["reason"]) == (
        sub, "disabled", "gone")
    assert data["failures"] == 1
    answer.turn(204)
    s.run("subscription", "resume", sub)
    assert s.post(ticketed("B")).status == 202
    wait_for("it is delivered to", lambda: s.deliveries(
        subscription=sub, state="delivered"), 15)
    answer.turn(410)
    assert s.post(ticketed("C")).status == 202
    wait_for("it is told again", lambda:
             types(s) == [DISABLED, DISABLED], 15)


def test_operators_whose_endpoints_fail_do_not_feed_each_other(s, receiver):
    dead = receiver(Switch(500))
    s.start()
    operator = s.client("Operations", "--all")
    subs = [s.subscribe(dead.url(f"/{i}"), operator, OWN, BARE,
                        retry_s=SHORT) for i in range(2)]
    subs.append(s.subscribe(dead.url("/orders"), operator, retry_s=SHORT))
    fail(s, 6)
    # of the orders' to both; of each of these, by what it got, to the other
    wait_for("all three are told of", lambda: len(told(s)) == 3, 60)
    tried = len(dead.got)
    wait_for("they fail on", lambda: len(dead.got) > tried + 10, 60)
    assert types(s) == [FAILING] * 3
    about = {(d["subscription"], d["event"]) for d in s.deliveries()
             if d["eventType"] == FAILING}
    assert len(about) == 4
    assert {sub for sub, _ in about} == set(subs[:2])


def kill_sweep(s):
    for pid in s.server.pids(harness.built("sweep.fcgi")):
        os.kill(pid, signal.SIGKILL)


def post_at_last(s, name):
    """A program that dies takes others along, for a moment."""
    event = {**ticketed(name), "id": name}
    wait_for(f"{name} is taken", lambda:
             s.post(event).status in (200, 202), 30)


def test_a_sweep_that_is_killed_tells_neither_twice_nor_never(
        s, receiver, operator):
    answer = Switch(500)
    r = receiver(answer)
    s.start()
    s.subscribe(r.url(), retry_s=SHORT)

    def killing():
        """At moments that nothing chooses."""
        for i in range(8):
            time.sleep(0.2 + i * 0.057)
            kill_sweep(s)

    want = []
    for n, what in enumerate([FAILING, RECOVERED] * 2):
        want.append(what)
        answer.turn(500 if what == FAILING else 204)
        thread = threading.Thread(target=killing)
        thread.start()
        i = 0
        while thread.is_alive() or types(s) != want:
            assert i < 300, types(s)
            post_at_last(s, f"{n}-{i}")
            time.sleep(0.1)
            i += 1
        thread.join()
    wait_for("all of it arrives", lambda: len(
        {g.headers["webhook-id"] for g in operator.got}) == len(want), 30)
    assert types(s) == want
    s.run("verify")


def test_a_sweep_that_is_killed_when_it_disables_tells_it_all_the_same(
        s, receiver, operator):
    """The moments after an endpoint has said that it is gone."""
    delays = iter([0.002, 0.004, 0.007, 0.01, 0.013, 0.017, 0.025, 0.04] * 99)

    def gone(n, got):
        threading.Timer(next(delays), kill_sweep, (s,)).start()
        return 410

    r = receiver(gone)
    s.start()
    client = s.client()
    for i in range(8):
        sub = s.subscribe(r.url(), client, retry_s=SHORT)
        until, n = time.monotonic() + 30, 0
        while s.lines("subscription", "show", sub)[0]["state"] == "active":
            assert time.monotonic() < until
            post_at_last(s, f"A-{i}-{n}")   # who is not disabled yet is asked
            n += 1                          # again with the next delivery
            time.sleep(0.3)
        # one that was gone five times before it was disabled failed, too
        wait_for(f"it is told of the {i + 1}th", lambda:
                 types(s).count(DISABLED) == i + 1, 45)
    wait_for("all of it arrives", lambda: len(set(
        b["data"]["subscription"] for b in bodies(operator)
        if b["type"] == DISABLED)) == 8, 30)
