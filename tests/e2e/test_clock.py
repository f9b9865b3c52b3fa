"""A clock that jumps an hour, either way, under a sweep that stays."""

import glob
import json
import os
import subprocess
import time

import harness
import pytest
from service import ticketed

HOUR = 3600
LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")

pytestmark = pytest.mark.skipif(not LIBRARY, reason="libfaketime is missing")


class Clock:
    """What all programs of a service take for the time of day."""

    def __init__(self, s):
        self.file = s.dir("clock")
        self.set(0)
        s.env.update({
            "LD_PRELOAD": LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": self.file,
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
            ":verify_asan_link_order=0"})

    def set(self, offset_s):
        with open(self.file + ".new", "w", encoding="utf-8") as f:
            f.write(f"{offset_s:+d}\n")
        os.rename(self.file + ".new", self.file)


def send(s, name):
    s.run("send", "-", stdin=json.dumps(ticketed(name)))


def delivery(s, name):
    return [d for d in s.deliveries() if d["agwID"] == name][0]


@pytest.fixture
def sweeping():
    started = []

    def start(s):
        started.append(subprocess.Popen([harness.built("skycap"), "sweep"],
                                        env=s.env))

    yield start
    for p in started:
        p.terminate()
        try:
            assert p.wait(10) == 0
        finally:
            p.kill()
            p.wait()


class Jump:
    """A delivery that has failed once when the clock jumps."""

    def __init__(self, s, receiver, sweeping, jump_s):
        self.s, self.jump_s, self.failing = s, jump_s, True
        self.bad = receiver(lambda n, got: 500 if self.failing else 204)
        self.clock, good, client = Clock(s), receiver(), s.client()
        s.subscribe(self.bad.url(), client, retry_s=[3] * 10)
        sweeping(s)
        send(s, "A-0")
        self.bad.wait(1)
        harness.wait_for("that is on record", lambda:
                         delivery(s, "A-0")["attempts"] == 1)
        self.clock.set(jump_s)
        s.subscribe(good.url(), client, retry_s=[])
        send(s, "A-1")          # what comes now is sent now
        good.wait(1, 5)

    def mend(self):
        tries = [g.at - self.bad.got[0].at for g in self.bad.got]
        if self.jump_s > 0:     # A-0 is due at once, then the schedule holds
            assert 3 <= len(tries) <= 8, tries
        else:                   # A-0 waits until its time has come again
            assert 2 <= len(tries) <= 4, tries
        self.failing = False
        self.clock.set(max(self.jump_s, 0))

    def ended(self):
        harness.wait_for("all is delivered", lambda: {
            d["state"] for d in self.s.deliveries()} == {"delivered"}, 15)
        for d in self.s.deliveries():
            log = json.loads(self.s.run("show", d["id"], "--json"))["log"]
            assert len(log) == d["attempts"]
            for a in log:
                assert 0 < a["duration_us"]["total"] < 10_000_000, a
                assert all(0 <= v <= a["duration_us"]["total"]
                           for v in a["duration_us"].values()), a


def test_a_clock_that_jumps_neither_loses_nor_hastens_retries(
        service, receiver, sweeping):
    jumps = [Jump(service(), receiver, sweeping, j) for j in (HOUR, -HOUR)]
    time.sleep(4)               # for what should not happen
    for j in jumps:
        j.mend()
    for j in jumps:
        j.ended()
