"""Events that the clock triggers, through real programs and real time."""

import datetime
import glob
import json
import os
import re
import signal
import subprocess
import time

import harness
import pytest
from harness import wait_for
from service import ticketed

UTC = datetime.timezone.utc
BARE = {"httpRequest": {}}
BOTH = ["OrderStarted", "OrderCompleted"]
LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


def at(seconds, zone_h=0):
    """A time so far from now, as it is written in a zone."""
    zone = datetime.timezone(datetime.timedelta(hours=zone_h))
    return (datetime.datetime.now(zone) + datetime.timedelta(
        seconds=seconds)).isoformat(timespec="milliseconds")


def leg(departure, arrival, origin="MAD", destination="LHR"):
    return {"origin": origin, "destination": destination,
            "departure": departure, "arrival": arrival}


def order(agw_id, departure, arrival, event="OrderTicketed", **more):
    """An event about a trip from one time to another, in seconds from now."""
    body = ticketed(agw_id, legs=[leg(at(departure, 9), at(arrival, -8))])
    body["event"] = event
    body.update(more)
    return body


def utc(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def events(s, *types):
    return [e for e in s.lines("events", "--limit", "10000")
            if e["event"] in (types or BOTH)]


def send(s, body):
    s.run("send", "-", stdin=json.dumps(body))


@pytest.fixture(name="s")
def _s(service):
    return service()


def test_a_flight_two_seconds_ahead_starts_within_a_second_of_its_time(
        s, receiver):
    r = receiver(lambda n, got: (got.__setattr__(
        "wall", datetime.datetime.now(UTC)), 204)[1])
    s.start()
    s.subscribe(r.url(), events=BOTH, task=BARE)
    body = order("AGW-1", 2, 3.5)
    answer = s.post(body)
    assert (answer.status, answer.json()["deliveries"]) == (202, 0)
    legs = body["order"]["legs"][0]
    rows = s.lines("timers")
    assert [(t["eventType"], t["agwID"], t["event"], t["test"])
            for t in rows] == [(what, "AGW-1", answer.json()["id"], False)
                               for what in BOTH]
    assert [utc(t["at"]) for t in rows] == [
        utc(legs["departure"]), utc(legs["arrival"])]
    r.wait(2)
    for got, what, when in zip(r.got, BOTH, (legs["departure"],
                                             legs["arrival"])):
        late = (got.wall - utc(when)).total_seconds()
        assert 0 <= late < 1, (what, late)
        assert got.headers["skycap-event"] == what
        assert got.json()["data"] == body["order"]
        assert utc(got.json()["timestamp"]) == utc(when)
        # the event is its poster's
        seen = s.get("/events/" + got.headers["skycap-event-id"])
        assert seen.status == 200, seen
        assert seen.json()["event"] == what
        assert seen.json()["occurredAt"].endswith("Z")
        assert seen.json()["senderId"] is None
    assert s.lines("timers") == []
    time.sleep(1)
    assert len(r.got) == 2 and len(events(s)) == 2
    s.run("verify")


def test_what_others_tell_or_take_back_does_not_come(s, receiver):
    r = receiver()
    s.start()
    s.subscribe(r.url(), events=BOTH, task=BARE)
    for n, event in enumerate(["OrderCanceled", "PaymentTimeLimitExpired"]):
        assert s.post(order(f"gone-{n}", 1.5, 2)).status == 202
        assert s.post(ticketed(f"gone-{n}") | {"event": event}).status == 202
    assert s.post(order("told", 1.5, 2)).status == 202
    assert s.post(ticketed("told") | {"event": "OrderStarted"}).status == 202
    assert s.post(order("moved", 1.5, 100)).status == 202
    assert s.post(order("moved", 2.5, 200, "FlightTimeChange")).status == 202
    assert s.post(order("test", 1.5, 100, test=True)).status == 202
    assert s.post(ticketed("test") | {"event": "OrderCanceled"}).status == 202
    assert s.post(ticketed("vague", legs=[leg(
        "2026-12-01T10:00:00", "2026-12-01 11:00")])).status == 202
    # the told start, its arrival, the moved start, and the test's
    r.wait(4)
    time.sleep(1)
    came = sorted((g.headers["skycap-event"], g.json()["data"]["agwID"])
                  for g in r.got)
    assert came == [("OrderCompleted", "told"), ("OrderStarted", "moved"),
                    ("OrderStarted", "test"), ("OrderStarted", "told")]
    assert [e["test"] for e in events(s) if e["agwID"] == "test"] == [True]
    s.run("verify")


@pytest.mark.parametrize("mode", ["cgi", "command"])
def test_without_a_sweep_that_stays_they_are_late_and_go_out_in_one_run(
        service, receiver, mode):
    r, s = receiver(), service(mode="cgi")
    s.start()
    s.subscribe(r.url(), events=BOTH, task=BARE)
    for n in range(5):
        assert s.post(order(f"A-{n}", 0.5, 86400 + n)).status == 202
    # intake as CGI has a sweep done beside it: those come later
    time.sleep(1.2)
    report = s.sweep() if mode == "cgi" else json.loads(s.run(
        "sweep", "--once", "--json"))
    r.wait(5)
    assert report["pending"] == 0
    assert len(events(s, "OrderStarted")) == 5
    assert [t["agwID"] for t in s.lines("timers")] == [
        f"A-{n}" for n in range(5)]
    time.sleep(0.5)
    assert len(r.got) == 5


class Clock:
    """What commands take for the time of day."""

    def __init__(self, s):
        self.file = s.dir("clock")
        self.set(0)
        s.env.update({
            "LD_PRELOAD": LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": self.file,
            "FAKETIME_NO_CACHE": "1",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"})

    def set(self, days):
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(f"{int(days * 86400):+d}\n")


@pytest.mark.skipif(not LIBRARY, reason="libfaketime is missing")
def test_days_of_outage_lose_nothing(s, receiver):
    r = receiver()
    day = 86400
    s.subscribe(r.url(), events=BOTH, task=BARE)
    clock = Clock(s)
    send(s, order("out", day, 2 * day))
    send(s, order("cancelled", day, 2 * day))
    send(s, order("late", -6 * day, day))
    send(s, order("too late", -8 * day, day))
    clock.set(20)
    send(s, ticketed("cancelled") | {"event": "OrderCanceled"})
    s.run("sweep", "--once")
    came = {(g.headers["skycap-event"], g.json()["data"]["agwID"])
            for g in r.got}
    assert came == {("OrderStarted", "out"), ("OrderCompleted", "out"),
                    ("OrderStarted", "late"), ("OrderCompleted", "late"),
                    ("OrderCompleted", "too late")}
    assert len(r.got) == len(came)
    clock.set(40)
    s.run("sweep", "--once")
    assert len(r.got) == len(came)
    s.run("verify")


def test_a_sweep_that_is_killed_makes_each_event_once(s, receiver):
    r, n = receiver(), 600
    s.subscribe(r.url(), events=["OrderStarted"], task=BARE)
    s.run("send", "-", stdin="\n".join(
        json.dumps(order(f"K-{i}", -60 - i / 100, 86400)) for i in range(n)))
    for round_ in range(40):
        p = subprocess.Popen([harness.built("skycap"), "sweep", "--once"],
                             env=s.env, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(0.05 + 0.017 * (round_ % 20))
        p.send_signal(signal.SIGKILL)
        p.wait()
        if len(events(s, "OrderStarted")) >= n:
            break
    s.run("sweep", "--once")
    came = [e["agwID"] for e in events(s, "OrderStarted")]
    assert sorted(came) == sorted(f"K-{i}" for i in range(n))
    assert {g.json()["data"]["agwID"] for g in r.got} == set(came)
    s.run("verify")


def test_the_list_of_what_is_to_come(s):
    assert "No events are to come by the clock." in s.run("timers")
    assert s.run("timers", "--json") == ""
    wander = s.client("Wander", "--scope", "agency=Wander")
    hour = 3600
    for n in range(5):
        send(s, order(f"A-{n}", (n + 1) * hour, (10 + n) * hour))
    other = order("B", 5.5 * hour, 20 * hour, test=True)
    other["order"]["agency"] = "Other"
    send(s, other)
    rows = s.lines("timers")
    assert [t["agwID"] for t in rows] == [
        "A-0", "A-1", "A-2", "A-3", "A-4", "B",
        "A-0", "A-1", "A-2", "A-3", "A-4", "B"]
    assert [t["at"] for t in rows] == sorted(t["at"] for t in rows)
    assert list(rows[0]) == ["at", "eventType", "agwID", "event", "test"]
    assert {t["agwID"] for t in s.lines("timers", "--client", wander)} == {
        f"A-{n}" for n in range(5)}
    assert [t["eventType"] for t in s.lines("timers", "--agwid", "A-3")] == \
        BOTH
    assert [t["test"] for t in s.lines("timers", "--agwid", "B")] == [True] * 2
    assert s.lines("timers", "--agwid", "B", "--client", wander) == []
    assert len(s.lines("timers", "--type", "OrderCompleted")) == 6
    assert len(s.lines("timers", "--until", "2h30m")) == 2
    assert len(s.lines("timers", "--until", rows[3]["at"])) == 3
    seen, after = [], ()
    while True:
        seen += s.lines("timers", "--limit", "5", *after)
        more = re.search(r"--after (\w+)", s.last.stderr)
        if more is None:
            break
        after = ("--after", more[1])
    assert seen == rows

    text = s.run("timers")
    assert text.splitlines()[0].split() == ["WHEN", "TYPE", "AGWID", "SET",
                                            "BY"]
    assert text.count("OrderStarted") == 6 and text.count("test") == 2
    assert "No such events" in s.run("timers", "--agwid", "a-3")
    assert "OrderCompleted comes" not in s.run("timers", "--help").split(
        "\n", maxsplit=1)[0]
    for args, said in ((("--until", "yore"), "--until must be"),
                       (("--type", "OrderTicketed"), "--type is"),
                       (("--after", "17"), "no" + "t a cursor"),
                       (("--limit", "0"), "--limit must be"),
                       (("A-1",), "options only")):
        s.run("timers", *args, check=False)
        assert s.last.returncode == 2 and said in s.last.stderr, args
    s.run("timers", "--client", "cli_none", check=False)
    assert s.last.returncode == 1
