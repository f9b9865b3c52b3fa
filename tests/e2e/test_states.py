"""Active, paused, disabled: what is held, and what becomes of it."""

import json
import os
import subprocess
import threading

import pytest

import harness
from service import Service, ticketed

DAY = 24 * 3600

# The clock of a program, so many seconds ahead; the monotonic one is its own.
CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int (*real)(clockid_t, struct timespec *);
	int error;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	error = real(id, ts);
	if (error == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += atol(getenv("AHEAD"));
	return error;
}
"""


class States(Service):
    """A service with one subscription, and somebody who sweeps at times."""

    def __init__(self, conf="", url="http://127.0.0.1:1/"):
        super().__init__(conf)
        self.sub = self.subscribe(url, retry_s=[60])

    def send(self, *agw_ids):
        self.run("send", "-", stdin=json.dumps(
            [ticketed(i) for i in agw_ids]))

    def sweep_once(self, ahead_s=0):
        """A sweep whose clock may be ahead; its report."""
        env = self.env
        if ahead_s != 0:
            env = {**env, "AHEAD": str(ahead_s),
                   "LD_PRELOAD": self.clock(),
                   "ASAN_OPTIONS": "verify_asan_link_order=0"}
        done = subprocess.run(
            [harness.built("skycap"), "sweep", "--once"], env=env, text=True,
            capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def clock(self):
        lib = self.dir("clock.so")
        if not os.path.exists(lib):
            subprocess.run(
                ["cc", "-shared", "-fPIC", "-o", lib, "-x", "c",
                 self.dir.write("clock.c", CLOCK), "-ldl"], check=True)
        return lib

    def by_order(self):
        """agwID: state and reason of each delivery."""
        return {d["agwID"]: (d["state"], d["reason"])
                for d in self.deliveries()}

    def change(self, *args):
        return json.loads(self.run("subscription", *args, "--json"))


@pytest.fixture
def states():
    made = []

    def make(*args, **options):
        made.append(States(*args, **options))
        return made[-1]

    yield make
    for s in made:
        assert s.run("verify").find(" 0 problems") > 0
        s.close()


def log_of(s, delivery):
    return json.loads(s.run("show", delivery, "--json"))["log"]


# Pause and resume

def test_pause_says_how_many_are_held_and_resume_what_becomes_of_them(
        states, receiver):
    r = receiver()
    s = states(url=r.url())
    assert s.change("pause", s.sub) == {
        "id": s.sub, "state": "paused", "held": 0}
    s.send("A-1", "A-2", "A-3")
    assert s.run("subscription", "pause", s.sub) == (
        "paused; 3 deliveries held until it is resumed")
    report = s.sweep_once()
    assert (report["held"], report["pending"]) == (3, 0)
    assert s.change("resume", s.sub) == {
        "id": s.sub, "state": "active", "resumed": 3}
    assert s.run("subscription", "resume", s.sub) == (
        "active; nothing was held")
    assert s.sweep_once()["delivered"] == 3
    assert len(r.got) == 3


def test_resume_with_drop_sends_nothing_of_what_was_held(states, receiver):
    r = receiver()
    s = states(url=r.url())
    s.send("before")
    assert s.sweep_once()["delivered"] == 1
    s.run("subscription", "pause", s.sub)
    s.send(*(f"held-{i}" for i in range(600)))
    assert s.change("resume", s.sub, "--drop") == {
        "id": s.sub, "state": "active", "dropped": 600}
    s.send("after")
    s.sweep_once()
    assert [g.json()["orderID"] for g in r.got] == ["before", "after"]
    now = s.by_order()
    assert now.pop("before") == now.pop("after") == ("delivered", "")
    assert set(now.values()) == {("dead", "given-up")} and len(now) == 600
    assert s.run("subscription", "resume", s.sub, "--drop") == (
        "active; nothing was held")
    s.send("and so on")
    s.sweep_once()
    assert s.by_order()["and so on"] == ("delivered", "")


def test_what_was_tried_before_the_pause_is_dropped_when_it_comes_due(
        states, receiver):
    r = receiver(lambda n, got: 500)
    s = states(url=r.url())
    s.send("tried")
    assert s.sweep_once()["retrying"] == 1
    s.run("subscription", "pause", s.sub)
    assert s.change("resume", s.sub, "--drop")["dropped"] == 1
    # so much later that its lane is not looked through for it any more
    s.sweep_once(ahead_s=3600)
    assert s.by_order() == {"tried": ("dead", "given-up")}
    assert len(r.got) == 1


def test_since_and_reason_are_shown(states):
    s = states()
    [was] = s.lines("subscription", "list")
    assert was["since"] <= was["createdAt"]
    s.run("subscription", "pause", s.sub)
    [now] = s.lines("subscription", "list")
    assert (now["state"], now["reason"]) == ("paused", "")
    assert now["since"] > was["since"]
    assert "SINCE" in s.run("subscription", "list")
    shown = json.loads(s.run("subscription", "show", s.sub, "--json"))
    assert shown["since"] == now["since"]
    s.run("subscription", "edit", s.sub, "--file", "-",
          stdin=json.dumps(shown))
    [edited] = s.lines("subscription", "list")
    assert edited["since"] == now["since"]


# Held for too long, and too many

def test_what_is_held_for_too_long_expires(states):
    s = states("[retention]\nheld_days = 3\n")
    s.run("subscription", "pause", s.sub)
    s.send("A-1", "A-2")
    s.sweep_once(ahead_s=3 * DAY - 60)
    assert set(s.by_order().values()) == {("held", "")}
    s.sweep_once(ahead_s=3 * DAY + 60)
    assert set(s.by_order().values()) == {("dead", "expired")}
    assert s.change("resume", s.sub)["resumed"] == 0


def test_beyond_the_limit_the_oldest_that_are_held_overflow(states):
    s = states("[limits]\npending_per_subscription = 3\n")
    s.run("subscription", "pause", s.sub)
    for i in range(5):
        s.send(f"A-{i}")
    s.sweep_once()
    assert s.by_order() == {
        "A-0": ("dead", "overflow"), "A-1": ("dead", "overflow"),
        "A-2": ("held", ""), "A-3": ("held", ""), "A-4": ("held", "")}


def test_an_active_subscription_may_have_more_than_that(states, receiver):
    r = receiver(lambda n, got: 500)
    s = states("[limits]\npending_per_subscription = 1\n", url=r.url())
    s.send("A-1", "A-2", "A-3")
    s.sweep_once()
    s.sweep_once()
    assert {state for state, _ in s.by_order().values()} == {"pending"}


def test_what_a_removed_subscription_left_is_given_up(states, receiver):
    r = receiver()
    s = states(url=r.url())
    s.run("subscription", "pause", s.sub)
    s.send(*(f"A-{i}" for i in range(300)))
    s.run("subscription", "remove", s.sub)
    s.sweep_once()
    now = s.by_order()
    assert len(now) == 300 and set(now.values()) == {("dead", "given-up")}
    assert r.got == []


# Giving up

def test_a_delivery_is_given_up(states):
    s = states()
    s.send("A-1", "A-2", "A-3")
    s.sweep_once()
    tried, other, third = (d["id"] for d in s.deliveries())
    assert s.run("give-up", tried) == f"{tried} given up"
    [d] = [d for d in s.deliveries() if d["id"] == tried]
    assert (d["state"], d["reason"], d["attempts"]) == (
        "dead", "given-up", 1)
    assert len(log_of(s, tried)) == 1
    assert s.run("give-up", tried) == f"{tried} was dead already: given-up"
    s.run("subscription", "pause", s.sub)
    out = s.lines("give-up", tried, other, third)
    assert out == [
        {"id": i, "givenUp": i != tried, "state": "dead",
         "reason": "given-up"} for i in (tried, other, third)]
    assert s.change("resume", s.sub)["resumed"] == 0


def test_what_can_not_be_given_up_is_told_apart(states, receiver):
    r = receiver()
    s = states(url=r.url())
    s.send("A-1")
    s.sweep_once()
    s.run("subscription", "pause", s.sub)
    s.send("A-2")
    arrived = s.deliveries(state="delivered")[0]["id"]
    held = s.deliveries(state="held")[0]
    for args, status, says in (
            ((), 2, "one delivery's id or more"),
            ((held["id"], "msg_rubbish"), 1, "not the id of a delivery"),
            ((held["id"], s.sub), 1, "not the id of a delivery"),
            ((held["event"],), 1, "is an event"),
            ((arrived,), 1, "is delivered already")):
        out = s.run("give-up", *args, check=False)
        assert s.last.returncode == status, s.last
        assert says in s.last.stderr and out == "", s.last
    assert s.by_order()["A-2"] == ("held", ""), "nothing of a wrong list"
    # a list that is not wrong is done as far as it goes
    out = s.run("give-up", arrived, held["id"], "--json", check=False)
    assert s.last.returncode == 1
    assert [json.loads(line) for line in out.splitlines()] == [
        {"id": arrived, "givenUp": False, "state": "delivered",
         "reason": ""},
        {"id": held["id"], "givenUp": True, "state": "dead",
         "reason": "given-up"}]


@pytest.mark.parametrize("answer, becomes", [
    (204, ("delivered", "")), (500, ("dead", "given-up"))])
def test_an_attempt_in_flight_is_on_record_though_it_was_given_up(
        states, receiver, answer, becomes):
    go = threading.Event()
    r = receiver(lambda n, got: go.wait(10) and answer)
    s = states(url=r.url())
    s.send("A-1")
    sweep = threading.Thread(target=s.sweep_once)
    sweep.start()
    r.wait(1)
    delivery = s.deliveries()[0]["id"]
    s.run("give-up", delivery)
    assert s.by_order() == {"A-1": ("dead", "given-up")}
    assert log_of(s, delivery) == []
    go.set()
    sweep.join()
    assert s.by_order() == {"A-1": becomes}
    [attempt] = log_of(s, delivery)
    assert attempt["status"] == answer
    [d] = s.deliveries()
    assert (d["attempts"], d["lastStatus"]) == (1, answer)
    assert s.sweep_once()["delivered"] == 0
    assert len(r.got) == 1
