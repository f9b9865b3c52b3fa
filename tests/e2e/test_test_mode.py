"""Tests: sent at once, marked all the way, counted apart, removed alone."""

import json
import os
import pty
import signal
import subprocess
import time

import pytest

import harness
from service import Receiver, Service, Switch, ticketed


class Trying(Service):
    def test(self, sub, *args, check=True):
        """The objects that `skycap test` prints, and its exit status."""
        out = self.run("test", sub, "--json", *args, check=False)
        assert not check or self.last.returncode == 0, self.last
        return [json.loads(line) for line in out.splitlines()]

    def send(self, *events):
        return self.run("send", "-", stdin=json.dumps(events)).splitlines()

    def stats(self):
        return json.loads(self.run("stats", "--json"))

    def verify(self):
        self.run("verify")


@pytest.fixture
def service():
    made = Trying()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def receiver():
    made = Receiver()
    try:
        yield made
    finally:
        made.close()


def a_test(agw_id="AGW-1", **more):
    return {**ticketed(agw_id), "test": True, **more}


def test_a_test_is_sent_and_shown_without_a_sweep(service, receiver):
    sub = service.subscribe(receiver.url())
    out = service.run("test", sub)
    assert len(receiver.got) == 1
    assert receiver.got[0].headers["skycap-event"] == "OrderTicketed"
    assert "\ntest          yes\n" in out
    assert "\n  > POST http://127.0.0.1" in out
    assert "\n  < HTTP/1.1 204" in out
    assert out.endswith("\nThe test has arrived.")

    made, = service.test(sub)
    assert made["state"] == "delivered" and made["status"] == 204
    assert made["attempts"] == 1 and made["reason"] == ""
    assert made["sentence"] and made["took_ms"] > 0
    assert made["wanted"] is True and made["unwanted"] == ""
    listed = service.deliveries(event=made["event"])
    assert [d["id"] for d in listed] == [made["id"]]
    assert listed[0]["test"] is True
    event = json.loads(service.run("show", made["event"], "--json"))
    assert event["test"] is True and len(event["deliveries"]) == 1
    service.verify()


def test_it_is_for_one_subscription_whatever_its_filter_says(
        service, receiver):
    client = service.client("Far", "--scope", "agency=Elsewhere")
    other = service.subscribe(receiver.url("/other"))
    sub = service.run(
        "subscription", "add", "--client", client, "--file", "-",
        stdin=json.dumps({
            "event": ["OrderCreated", "OrderTicketed"],
            "filter": [{"field": "provider", "op": "=", "value": "NONE"}],
            "httpRequest": {"url": receiver.url("/mine"),
                            "jsonBody": {"id": "{{agwID}}"}}}))
    made, = service.test(sub)
    assert made["wanted"] is False and "filter" in made["unwanted"]
    assert [g.path for g in receiver.got] == ["/mine"]
    assert receiver.got[0].headers["skycap-event"] == "OrderCreated"
    out = service.run("test", sub, "--event", "OrderCanceled")
    assert "Were it no test" in out and "leave out OrderCanceled" in out
    assert receiver.got[1].headers["skycap-event"] == "OrderCanceled"

    # of its scope alone, and what everything is, it is told, too
    sub = service.subscribe(receiver.url("/mine"), client=client)
    made, = service.test(sub)
    assert "scope" in made["unwanted"]
    sub = service.subscribe(receiver.url("/all"), events=("*",))
    service.test(sub)
    assert receiver.got[-1].headers["skycap-event"] == "OrderTicketed"
    assert service.deliveries(subscription=other) == []

    # but nobody is sent a real order that is not to be seen
    event, = service.send(ticketed("AGW-77"))
    sub = service.subscribe(receiver.url("/mine"), client=client)
    n = len(receiver.got)
    assert service.test(sub, "--event-id", event, check=False) == []
    assert service.last.returncode == 1
    assert "outside the client's scope" in service.last.stderr
    assert len(receiver.got) == n
    assert service.test(other, "--event-id", event)[0]["wanted"]
    assert receiver.got[-1].json()["orderID"] == "AGW-77"


def test_a_test_that_fails_is_tried_once(service, receiver):
    receiver.answer = lambda n, got: (500, {}, b"boom")
    sub = service.subscribe(receiver.url())
    made, = service.test(sub, check=False)
    assert service.last.returncode == 1
    assert made["state"] == "dead" and made["reason"] == "given-up"
    assert made["status"] == 500 and made["attempts"] == 1
    assert "500" in made["sentence"]
    out = service.run("test", sub, check=False)
    assert service.last.returncode == 1
    assert "\n  | boom" in out
    assert "The test has failed." in out and "It is not tried again." in out
    service.run("sweep", "--once")
    assert len(receiver.got) == 2
    service.verify()


def test_a_test_that_is_not_answered_is_waited_for_so_long(
        service, receiver):
    receiver.answer = lambda n, got: time.sleep(4) or 204
    sub = service.subscribe(receiver.url(), timeout_s=20)
    began = time.monotonic()
    made, = service.test(sub, "--wait", "1", check=False)
    assert service.last.returncode == 1
    assert made["state"] == "dead" and made["status"] is None
    assert "within 1 s" in made["sentence"]
    # the attempt was let end, and is on record
    assert time.monotonic() - began > 3
    shown = json.loads(service.run("show", made["id"], "--json"))
    assert shown["state"] == "delivered" and shown["lastStatus"] == 204
    assert service.stats()["test_delivered"] == 1
    assert service.stats()["test_dead"] == 0


def test_what_is_paused_or_disabled_is_refused(service, receiver):
    sub = service.subscribe(receiver.url())
    service.run("subscription", "pause", sub)
    assert service.test(sub, check=False) == []
    assert service.last.returncode == 1
    assert "is paused" in service.last.stderr
    assert f"skycap subscription resume {sub}" in service.last.stderr
    assert receiver.got == [] and service.run("events", "--json") == ""
    service.run("subscription", "resume", sub)
    receiver.answer = lambda n, got: 410
    assert service.test(sub, check=False)[0]["reason"] == "gone"
    service.run("test", sub, check=False)
    assert "is disabled, gone" in service.last.stderr


def test_what_is_no_test_is_refused(service, receiver):
    sub = service.subscribe(receiver.url())
    for args, says, status in (
            ((), "one subscription", 2),
            ((sub, "--wait", "0"), "--wait must be", 2),
            ((sub, "--event", "OrderTicketd"), "OrderTicketed?", 2),
            ((sub, "--event", "OrderTicketed", "--event-id", "evt_1"),
             "exclude each other", 2),
            ((sub, "--event-id", "evt_1"), "is not the id of an event", 1),
            (("sub_1",), "is not the id of a subscription", 1)):
        service.run("test", *args, check=False)
        assert service.last.returncode == status, (args, service.last)
        assert says in service.last.stderr, (args, service.last)
    assert receiver.got == []


@pytest.mark.parametrize("standing", [False, True])
def test_a_test_goes_before_what_waits_and_though_its_lane_probes(
        service, receiver, standing):
    switch = Switch(500)
    receiver.answer = switch
    sub = service.subscribe(receiver.url(), retry_s=[1] * 8 + [3600],
                            concurrency=1)
    if standing:
        service.start()
    service.send(*(ticketed(f"AGW-{i}") for i in range(6)))

    def failing():
        if standing:
            service.sweep()
        else:
            service.run("sweep", "--once")
        return len(receiver.got) >= 5

    harness.wait_for("the lane probes", failing, 60)
    # all that it has failed with is far off, and so is its next probe
    harness.wait_for("it rests", lambda: failing() and len(
        [d for d in service.deliveries() if d["attempts"] >= 9]) > 0, 90)
    before = len(receiver.got)
    made, = service.test(sub, check=False)
    assert made["status"] == 500 and made["attempts"] == 1, made
    assert receiver.got[before].json()["orderID"] == "AGW-JHTE1543KJ"
    switch.turn(204)
    made, = service.test(sub)
    assert made["state"] == "delivered"
    service.verify()


def test_a_standing_sweep_is_what_sends_it(service, receiver):
    service.start()
    service.sweep()
    sub = service.subscribe(receiver.url())
    began = time.monotonic()
    made, = service.test(sub)
    assert made["state"] == "delivered"
    assert time.monotonic() - began < 5
    assert len(receiver.got) == 1


def test_tests_are_told_from_the_rest_and_counted_apart(service, receiver):
    receiver.answer = lambda n, got: \
        500 if got.json()["orderID"].endswith("-bad") else 204
    sub = service.subscribe(receiver.url(), retry_s=[])
    real, = service.send(ticketed("AGW-1"))
    service.run("sweep", "--once")
    before = service.stats()
    assert before["delivered"] == 1 and before["test_delivered"] == 0
    assert "tests" not in service.run("stats")

    tests = service.send(a_test("AGW-1"), a_test("AGW-2-bad"))
    report = json.loads(service.run("sweep", "--once"))
    assert (report["delivered"], report["dead"]) == (1, 1)
    after = service.stats()
    for name in ("delivered", "retried", "dead", "delivered_hour",
                 "dead_hour"):
        assert after[name] == before[name], name
    assert after["test_delivered"] == 1 and after["test_dead"] == 1
    assert "tests            1 delivered, 1 dead" in service.run("stats")

    assert {d["event"] for d in service.lines("deliveries", "--test")} == \
        set(tests)
    assert {d["event"] for d in service.lines("deliveries", "--no-test")} \
        == {real}
    assert [d["test"] for d in service.lines(
        "deliveries", "--agwid", "AGW-1")] == [True, False]
    assert {e["id"] for e in service.lines("events", "--test")} == set(tests)
    assert [e["id"] for e in service.lines("events", "--no-test")] == [real]
    table = service.run("deliveries").splitlines()
    assert [line.endswith(" test") for line in table] == \
        [False, True, True, False]
    for command in ("deliveries", "events"):
        service.run(command, "--test", "--no-test", check=False)
        assert service.last.returncode == 2
    assert service.deliveries(subscription=sub, state="dead")[0]["test"]


def test_purge_removes_tests_alone(service, receiver):
    sub = service.subscribe(receiver.url())
    real, = service.send({**ticketed("AGW-1"), "id": "real"})
    service.send(a_test("AGW-1", id="test"), a_test("AGW-2"))
    service.run("sweep", "--once")
    service.run("subscription", "pause", sub)
    held, = service.send(a_test("AGW-3"))
    before = service.stats()

    assert service.run("purge", "--test", "--dry-run") == \
        "would remove 2 test events with 2 deliveries\n" \
        "left 1: on its way, or still needed"
    assert len(service.lines("events")) == 4
    assert json.loads(service.run("purge", "--test", "--before", "1h",
                                  "--json")) == \
        {"events": 0, "deliveries": 0, "kept": 0, "dryRun": False}
    assert json.loads(service.run("purge", "--test", "--json")) == \
        {"events": 2, "deliveries": 2, "kept": 1, "dryRun": False}
    assert [e["id"] for e in service.lines("events")] == [held, real]
    assert [e["id"] for e in service.lines(
        "events", "--ref", "agwID=AGW-1")] == [real]
    assert {d["event"] for d in service.deliveries()} == {held, real}
    after = service.stats()
    for name in ("delivered", "test_delivered", "held", "pending"):
        assert after[name] == before[name], name
    service.verify()

    # its sender's id is free again, another's is not
    again = service.send(a_test("AGW-9", id="test"),
                         {**ticketed("AGW-1"), "id": "real"})
    assert again[0] not in (held, real) and again[1] == real

    service.run("purge", check=False)
    assert service.last.returncode == 2
    service.run("purge", "--test", "--before", "noon", check=False)
    assert service.last.returncode == 2


def test_purge_tells_how_far_it_is(service):
    service.send(a_test("AGW-1"), a_test("AGW-2"))
    master, slave = pty.openpty()
    with subprocess.Popen(
            [harness.built("skycap"), "purge", "--test"], env=service.env,
            stdout=subprocess.PIPE, stderr=slave, text=True) as process:
        os.close(slave)
        out = process.stdout.read()
        shown = b""
        while True:
            try:
                shown += os.read(master, 65536)
            except OSError:
                break
    os.close(master)
    assert process.returncode == 0
    assert out == "there are 2 test events with 0 deliveries\n" \
        "removed 2 test events with 0 deliveries\n"
    assert "counting" in shown.decode()


def test_purge_that_is_killed_goes_on_where_it_was(service, receiver):
    service.subscribe(receiver.url())
    service.send(*([a_test(f"AGW-{i}") for i in range(400)] +
                   [ticketed(f"AGW-{i}") for i in range(5)]))
    service.run("sweep", "--once")
    for i in range(8):
        with subprocess.Popen(
                [harness.built("skycap"), "purge", "--test"],
                env=service.env, stdout=subprocess.DEVNULL) as process:
            time.sleep(0.05 + 0.03 * i)
            process.send_signal(signal.SIGKILL)
        service.verify()
    service.run("purge", "--test")
    assert [e["test"] for e in service.lines("events", "--limit", "999")] \
        == [False] * 5
    service.verify()
